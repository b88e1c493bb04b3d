/* Rows inside a record (of subforms, of links, of files), as a write changes them: a row with an id is updated, one
 * without is added, one with "_delete" goes, and rows of a sent field that are not mentioned go as well (knob
 * omitted_rows=keep: they stay).
 *
 * A subform's row has the fields of the subform module. A link's row has the linked record under the name of the
 * linking module's lookup, or the linked user, and may have the linking module's other fields. A file's row names a
 * file uploaded before. */
#include "rows.h"

#include <string.h>

#include "core.h"
#include "payload.h"
#include "uploads.h"
#include "validate.h"

enum
{
  MOST_ROWS = 200,
  MOST_FILES = 20
};

static json_t *
row_by_id (const json_t *rows, const char *id)
{
  json_t *row;
  size_t index;

  json_array_foreach (rows, index, row)
    {
      if (g_strcmp0 (member_text (row, "id"), id) == 0)
        return row;
    }
  return NULL;
}

/* Both ends of a link may not be linked twice. */
static bool
linked_before (const json_t *rows, const char *key, const json_t *row)
{
  const char *id = member_text (json_object_get (row, key), "id");
  json_t *other;
  size_t index;

  json_array_foreach (rows, index, other)
    {
      if (id != NULL && other != row && g_strcmp0 (member_text (json_object_get (other, key), "id"), id) == 0)
        return true;
    }
  return false;
}

/* One row of the body, without "id" and "_delete", checked against the row module. NULL: errors were added. */
static json_t *
row_values (const Check *check, const Module *module, const json_t *row, const json_t *old, const char *path)
{
  json_auto_t *plain = json_copy ((json_t *) row);
  Check inner = *check;

  inner.module = module;
  inner.se_module = NULL;
  json_object_del (plain, "_delete");
  return validate_fields (&inner, plain, old, path);
}

/* Multi-user fields without a linking module of their own: the one object in the row is the user. */
static json_t *
user_values (const Check *check, const Field *field, const json_t *row, const char *path)
{
  json_auto_t *values = json_object ();
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) row, key, value)
    {
      g_autofree char *place = g_strdup_printf ("%s.%s", path, key);
      Field user = { .api_name = (char *) key, .data_type = (char *) "userlookup" };
      json_t *kept;

      if (strcmp (key, "id") == 0 || strcmp (key, "_delete") == 0)
        continue;
      kept = value_check (check, &user, value, place);
      if (kept == NULL)
        return NULL;
      json_object_set_new (values, key, kept);
    }
  return json_incref (values);
}

bool
field_has_files (const Field *field)
{
  return strcmp (field->data_type, "fileupload") == 0 || strcmp (field->data_type, "imageupload") == 0;
}

/* A row of a file field: a file uploaded before, by its File_Id__s. NULL: an error was added. */
static json_t *
file_values (const Check *check, const Field *field, const json_t *row, size_t sequence, const char *path)
{
  g_autofree char *place = g_strdup_printf ("%s.File_Id__s", path);
  json_t *file = uploads_describe (check->emulator, member_text (row, "File_Id__s"), sequence);

  if (file == NULL)
    value_refuse (check, field->api_name, place, "invalid data", NULL);
  return file;
}

static void
rows_take (const Check *check, const Field *field, const Module *module, const json_t *row, const json_t *old_rows,
           json_t *rows, const char *path)
{
  const json_t *given = json_object_get (row, "id");
  const char *id = json_is_string (given) ? json_string_value (given) : NULL;
  json_t *old = id == NULL ? NULL : row_by_id (old_rows, id);
  const Field *far = module == NULL || strcmp (field->data_type, "subform") == 0 ? NULL
                                                                                : module_far_lookup (module);
  json_t *values;
  json_t *kept;

  if (given != NULL && !json_is_null (given) && old == NULL)
    {
      g_autofree char *place = g_strdup_printf ("%s.id", path);

      value_refuse (check, "id", place, "the id given seems to be invalid", NULL);
      return;
    }
  if (json_object_get (row, "_delete") != NULL)
    return;
  if (field_has_files (field))
    values = old != NULL ? json_object () : file_values (check, field, row, json_array_size (rows) + 1, path);
  else
    values = module == NULL ? user_values (check, field, row, path) : row_values (check, module, row, old, path);
  if (values == NULL)
    return;
  kept = old == NULL ? json_object () : json_deep_copy (old);
  json_object_update (kept, values);
  json_decref (values);
  if (far != NULL && linked_before (rows, far->api_name, kept))
    {
      add_error (check->errors, "DUPLICATE_LINKING_DATA", "duplicate linking data", detail_at (far->api_name, path));
      json_decref (kept);
      return;
    }
  json_array_append_new (rows, kept);
}

/* Rows the body does not mention, in their old order before the others. */
static void
keep_omitted (json_t *rows, const json_t *old_rows, const json_t *value)
{
  json_t *row;
  size_t index;
  size_t at = 0;

  json_array_foreach (old_rows, index, row)
    {
      if (row_by_id (value, member_text (row, "id")) == NULL)
        json_array_insert (rows, at++, row);
    }
}

json_t *
rows_merge (const Check *check, const Field *field, const json_t *value, const json_t *old, const char *path)
{
  const Module *module = field->target == NULL ? NULL : schema_module (check->emulator, field->target);
  size_t most = field_has_files (field) ? MOST_FILES : MOST_ROWS;
  json_t *rows;
  json_t *row;
  size_t index;

  if (json_is_null (value))
    return json_array ();
  if (!json_is_array (value))
    {
      value_refuse (check, field->api_name, path, "invalid data", "jsonarray");
      return NULL;
    }
  if (json_array_size (value) > most)
    {
      add_error (check->errors, "LIMIT_EXCEEDED", "limit exceeded",
                 json_pack ("{s:i, s:s, s:s}", "maximum_length", (int) most, "api_name", field->api_name, "json_path",
                            path));
      return NULL;
    }
  rows = json_array ();
  json_array_foreach (value, index, row)
    {
      g_autofree char *place = g_strdup_printf ("%s[%zu]", path, index);

      if (json_is_object (row))
        rows_take (check, field, module, row, old, rows, place);
      else
        value_refuse (check, field->api_name, place, "invalid data", "jsonobject");
    }
  if (setting_is (check->emulator, "omitted_rows", "keep"))
    keep_omitted (rows, old, value);
  return rows;
}
