/* Rows of a query as text. */
#include "model/query_rows.h"

#include <string.h>

static bool
has_column (const GPtrArray *columns, const char *name)
{
  for (guint i = 0; i < columns->len; i++)
    if (strcmp (columns->pdata[i], name) == 0)
      return true;
  return false;
}

static void
add_member (GString *out, const char *key, const json_t *value)
{
  g_autoptr (json_t) name = json_from_text (key);

  if (out->str[out->len - 1] != '{')
    g_string_append_c (out, ',');
  json_write_compact (name, out);
  g_string_append_c (out, ':');
  json_write_compact (value, out);
}

void
query_rows_json (GString *out, const json_t *row, const GPtrArray *columns)
{
  const char *key;
  json_t *value;

  g_string_append_c (out, '{');
  for (guint i = 0; i < columns->len; i++)
    {
      value = json_object_get (row, columns->pdata[i]);
      if (value != NULL)
        add_member (out, columns->pdata[i], value);
    }
  json_object_foreach ((json_t *)row, key, value)
    if (!has_column (columns, key))
      add_member (out, key, value);
  g_string_append_c (out, '}');
}

GPtrArray *
query_rows_columns (const json_t *row, const GPtrArray *columns, bool ids)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (g_free);
  const char *key;
  json_t *value;

  for (guint i = 0; i < columns->len; i++)
    if (row == NULL || json_object_get (row, columns->pdata[i]) != NULL)
      g_ptr_array_add (all, g_strdup (columns->pdata[i]));
  json_object_foreach ((json_t *)row, key, value)
    if (!has_column (all, key))
      g_ptr_array_add (all, g_strdup (key));
  if (row == NULL && ids && !has_column (all, "id"))
    g_ptr_array_add (all, g_strdup ("id"));
  return all;
}

static void
add_list (GString *out, const json_t *values)
{
  size_t index;
  json_t *value;

  json_array_foreach ((json_t *)values, index, value)
    {
      g_autofree char *one = query_rows_cell (value);

      g_string_append_printf (out, "%s%s", index > 0 ? ";" : "", one);
    }
}

char *
query_rows_cell (const json_t *value)
{
  const char *text = json_text (value);
  GString *out;

  if (json_is_object (value) && json_get_text (value, "name") != NULL)
    text = json_get_text (value, "name");
  else if (json_is_object (value))
    text = json_get_text (value, "id");
  if (text != NULL)
    return g_strdup (text);
  out = g_string_new (NULL);
  if (json_is_array (value))
    add_list (out, value);
  else if (value != NULL && !json_is_null (value))
    json_write_compact (value, out);
  return g_string_free (out, FALSE);
}

static void
add_quoted (GString *out, const char *cell)
{
  if (strpbrk (cell, ",\"\r\n") == NULL && *cell != ' ' && (*cell == '\0' || cell[strlen (cell) - 1] != ' '))
    {
      g_string_append (out, cell);
      return;
    }
  g_string_append_c (out, '"');
  for (; *cell != '\0'; cell++)
    {
      if (*cell == '"')
        g_string_append_c (out, '"');
      g_string_append_c (out, *cell);
    }
  g_string_append_c (out, '"');
}

void
query_rows_csv (GString *out, const json_t *row, const GPtrArray *columns)
{
  for (guint i = 0; i < columns->len; i++)
    {
      g_autofree char *cell = row != NULL ? query_rows_cell (json_object_get (row, columns->pdata[i]))
                                          : g_strdup (columns->pdata[i]);

      if (i > 0)
        g_string_append_c (out, ',');
      add_quoted (out, cell);
    }
  g_string_append_c (out, '\n');
}
