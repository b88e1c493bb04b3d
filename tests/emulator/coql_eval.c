/* Rows of a query without groups: ids from the selection, then only the fields that are shown. */
#include "coql_eval.h"

#include <string.h>

/* Of a user COQL gives the last name only. */
static json_t *
show_user (Emulator *emulator, const json_t *value)
{
  char *fields[] = { (char *) "last_name", NULL };
  const char *text = json_string_value (json_object_get (value, "id"));
  json_auto_t *user = NULL;
  json_t *name;
  uint64_t id;

  if (text == NULL || !parse_id (text, &id))
    return json_null ();
  user = source_get (emulator, &source_users, id, fields);
  name = json_object_get (user, "last_name");
  return json_pack ("{s:O, s:s}", "name", name != NULL ? name : json_object_get (value, "name"), "id", text);
}

json_t *
coql_show (Emulator *emulator, const Path *path, const json_t *record)
{
  json_auto_t *value = path_value (emulator, path, record);
  const char *data_type = path->field == NULL ? "" : path->field->data_type;

  if (path->kind != KIND_LOOKUP || !json_is_object (value))
    return json_incref (value);
  if (strcmp (data_type, "ownerlookup") == 0 || strcmp (data_type, "userlookup") == 0)
    return show_user (emulator, value);
  if (strcmp (data_type, "multi_module_lookup") == 0 || strcmp (data_type, "consent_lookup") == 0)
    return json_pack ("{s:O}", "id", json_object_get (value, "id"));
  return json_pack ("{s:O?, s:O?}", "name", json_object_get (value, "name"), "id", json_object_get (value, "id"));
}

/* Converted leads have left the module, unless the query is about them. */
static bool
is_there (Emulator *emulator, uint64_t id, const json_t *record, void *data)
{
  const CoqlPlan *plan = data;

  return !source_hidden (plan->source, id) && (plan->converted || !source_converted (plan->source, id));
}

Selection
coql_selection (const CoqlPlan *plan)
{
  return (Selection) { .emulator = plan->emulator,
                       .source = plan->source,
                       .where = plan->where,
                       .filter = is_there,
                       .filter_data = (void *) plan };
}

/* NULL-terminated, each once. */
static GPtrArray *
shown_fields (const CoqlPlan *plan)
{
  GPtrArray *fields = g_ptr_array_new ();

  for (unsigned i = 0; i < plan->columns->len; i++)
    {
      const char *root = path_root (((CoqlColumn *) plan->columns->pdata[i])->path);

      if (!g_ptr_array_find_with_equal_func (fields, root, g_str_equal, NULL))
        g_ptr_array_add (fields, (char *) root);
    }
  g_ptr_array_add (fields, NULL);
  return fields;
}

static json_t *
show_row (const CoqlPlan *plan, uint64_t id, char *const *fields)
{
  json_auto_t *record = source_get (plan->emulator, plan->source, id, fields);
  json_t *row = json_object ();
  char text[24];

  for (unsigned i = 0; i < plan->columns->len; i++)
    {
      const CoqlColumn *column = plan->columns->pdata[i];

      json_object_set_new (row, column->key, coql_show (plan->emulator, column->path, record));
    }
  json_object_set_new (row, "id", json_string (format_id (id, text)));
  return row;
}

json_t *
coql_run (const CoqlPlan *plan, bool *more)
{
  Selection selection = coql_selection (plan);
  g_autoptr (GPtrArray) fields = NULL;
  g_autoptr (GArray) ids = NULL;
  json_t *rows;

  if (plan->grouped)
    return coql_run_grouped (plan, more);
  selection.order = plan->order;
  selection.offset = plan->offset;
  selection.limit = plan->limit;
  ids = selection_ids (&selection, more);
  fields = shown_fields (plan);
  rows = json_array ();
  for (unsigned i = 0; i < ids->len; i++)
    json_array_append_new (rows, show_row (plan, g_array_index (ids, uint64_t, i), (char *const *) fields->pdata));
  return rows;
}
