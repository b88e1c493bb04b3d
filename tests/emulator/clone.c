/* A record copied: its writable fields, under what the body says, go through the same checks as an insert. Files,
 * images and `$` keys are not copied; rows inside it get ids of their own. */
#include "write.h"

#include <string.h>

#include "core.h"
#include "finder.h"
#include "payload.h"
#include "rows.h"
#include "save.h"

/* A row without what belongs to the original: its id, its parent, its times. */
static json_t *
plain_row (const Module *module, const json_t *row)
{
  json_t *plain = json_object ();
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) row, key, value)
    {
      const Field *field = module == NULL ? NULL : module_field (module, key);

      if (strcmp (key, "id") != 0 && !json_is_null (value) && (module == NULL || (field != NULL && !field->computed)))
        json_object_set (plain, key, value);
    }
  return plain;
}

static json_t *
plain_rows (Emulator *emulator, const Field *field, const json_t *rows)
{
  const Module *module = field->target == NULL ? NULL : schema_module (emulator, field->target);
  json_t *plain = json_array ();
  json_t *row;
  size_t index;

  json_array_foreach (rows, index, row)
    json_array_append_new (plain, plain_row (module, row));
  return plain;
}

static bool
is_copied (const Field *field, const json_t *value)
{
  return !field->computed && field->visible && !field->unique && value != NULL && !json_is_null (value)
         && !field_has_files (field) && strcmp (field->api_name, "id") != 0;
}

static json_t *
copied_row (Emulator *emulator, const Module *module, const json_t *record)
{
  json_t *row = json_object ();

  for (unsigned i = 0; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];
      json_t *value = json_object_get (record, field->api_name);

      if (!is_copied (field, value))
        continue;
      json_object_set_new (row, field->api_name,
                           field_is_deep (field) ? plain_rows (emulator, field, value) : json_deep_copy (value));
    }
  if (json_object_get (record, "$se_module") != NULL)
    json_object_set (row, "$se_module", json_object_get (record, "$se_module"));
  return row;
}

void
handle_clone (Emulator *emulator, const Request *request, Reply *reply)
{
  json_auto_t *record = NULL;
  json_auto_t *row = NULL;
  json_t *rows = NULL;
  json_t *entries;
  uint64_t id;
  Save save;

  if (request->body_size > 0)
    rows = payload_rows (emulator, request, reply, "data", record_write_keys, 1, "LIMIT_EXCEEDED");
  if ((request->body_size > 0 && rows == NULL)
      || !save_begin (&save, emulator, request, reply, request_segment (request, 0))
      || refuse_permission (reply, save.module->creatable, "Create", save.module))
    return;
  id = request_record (emulator, request, save.module, request_segment (request, 1));
  record = id == 0 ? NULL : store_get (emulator, save.module, id);
  if (record == NULL)
    {
      reply_unknown_record (emulator, reply, "the id given seems to be invalid");
      return;
    }
  row = copied_row (emulator, save.module, record);
  if (json_is_object (json_array_get (rows, 0)))
    json_object_update (row, json_array_get (rows, 0));
  entries = json_array ();
  json_array_append_new (entries, save_insert (&save, row, "$.data[0]", NULL));
  reply_entries (reply, "data", entries, 201);
}
