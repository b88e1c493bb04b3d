/* Comma separated values: one reader, one writer. */
#include "csv.h"

#include <string.h>

void
csv_append (GString *out, const char *text)
{
  if (strpbrk (text, ",\"\r\n") == NULL)
    {
      g_string_append (out, text);
      return;
    }
  g_string_append_c (out, '"');
  for (; *text != '\0'; text++)
    {
      if (*text == '"')
        g_string_append_c (out, '"');
      g_string_append_c (out, *text);
    }
  g_string_append_c (out, '"');
}

/* Reads the cell at @at into @cell. Returns: where it ended, or NULL: a quote is not closed. */
static const char *
read_cell (const char *at, const char *end, char delimiter, GString *cell)
{
  if (at < end && *at == '"')
    {
      for (at++; at < end; at++)
        {
          if (*at != '"')
            g_string_append_c (cell, *at);
          else if (at + 1 < end && at[1] == '"')
            g_string_append_c (cell, *at++);
          else
            break;
        }
      if (at == end)
        return NULL;
      at++;
    }
  for (; at < end && *at != delimiter && *at != '\r' && *at != '\n'; at++)
    g_string_append_c (cell, *at);
  return at;
}

/* One line. Returns: where the next one starts, or NULL. */
static const char *
read_row (const char *at, const char *end, char delimiter, size_t most, GPtrArray *cells)
{
  for (;;)
    {
      g_autoptr (GString) cell = g_string_new (NULL);

      at = read_cell (at, end, delimiter, cell);
      if (at == NULL || cells->len >= most)
        return NULL;
      g_ptr_array_add (cells, g_strdup (cell->str));
      if (at == end || *at != delimiter)
        break;
      at++;
    }
  if (at < end && *at == '\r')
    at++;
  if (at < end && *at == '\n')
    at++;
  return at;
}

GPtrArray *
csv_parse (const char *text, size_t size, char delimiter, size_t most_rows, size_t most_columns)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  const char *end = text + size;
  const char *at = size >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;

  if (!g_utf8_validate (text, (gssize) size, NULL))
    return NULL;
  while (at < end)
    {
      g_autoptr (GPtrArray) cells = g_ptr_array_new_with_free_func (g_free);

      at = read_row (at, end, delimiter, most_columns, cells);
      if (at == NULL)
        return NULL;
      if (cells->len == 1 && *(const char *) cells->pdata[0] == '\0')
        continue;
      if (rows->len >= most_rows)
        return NULL;
      g_ptr_array_add (cells, NULL);
      g_ptr_array_set_free_func (cells, NULL);
      g_ptr_array_add (rows, g_ptr_array_free (g_steal_pointer (&cells), FALSE));
    }
  return g_steal_pointer (&rows);
}

char
csv_guess_delimiter (const char *text, size_t size)
{
  static const char delimiters[] = ",;:|";
  size_t counts[sizeof delimiters] = { 0 };
  char best = ',';
  size_t most = 0;

  for (size_t i = 0; i < size && text[i] != '\n'; i++)
    {
      const char *hit = text[i] == '\0' ? NULL : strchr (delimiters, text[i]);

      if (hit != NULL && ++counts[hit - delimiters] > most)
        {
          most = counts[hit - delimiters];
          best = *hit;
        }
    }
  return best;
}
