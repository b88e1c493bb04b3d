/* Saves one row: checks it, merges it into the record, stores it, lets the workflow run, and says what came of it. */
#include "save.h"

#include <string.h>

#include "core.h"
#include "payload.h"
#include "rows.h"
#include "states.h"
#include "validate.h"
#include "workflow.h"

static bool
runs_workflow (const Request *request)
{
  const json_t *trigger = json_object_get (request->json, "trigger");
  json_t *name;
  size_t index;

  if (!json_is_array (trigger))
    return true;
  json_array_foreach (trigger, index, name)
    {
      if (g_strcmp0 (json_string_value (name), "workflow") == 0)
        return true;
    }
  return false;
}

bool
save_begin (Save *save, Emulator *emulator, const Request *request, Reply *reply, const char *module)
{
  const char *since = request_header (request, "if-unmodified-since");

  *save = (Save) { .emulator = emulator, .request = request, .module = schema_module (emulator, module) };
  save->workflow = runs_workflow (request);
  save->guarded = since != NULL;
  if (since == NULL || parse_time (since, &save->unmodified_since))
    return true;
  reply_error (reply, 400, "INVALID_DATA", "invalid data",
               json_pack ("{s:s, s:s}", "param_name", "If-Unmodified-Since", "expected_data_type", "datetime"));
  return false;
}

bool
is_success (const json_t *entry)
{
  return g_strcmp0 (member_text (entry, "status"), "success") == 0;
}

/* The people in details have a name and an id, nothing else. */
static json_t *
plain_ref (const json_t *ref)
{
  if (!json_is_object (ref))
    return json_null ();
  return json_pack ("{s:O?, s:O?}", "name", json_object_get (ref, "name"), "id", json_object_get (ref, "id"));
}

json_t *
save_details (Emulator *emulator, const Module *module, uint64_t id)
{
  char *fields[] = { (char *) "Modified_Time", (char *) "Modified_By", (char *) "Created_Time", (char *) "Created_By",
                     NULL };
  json_auto_t *record = store_get_fields (emulator, module, id, fields);
  char text[24];

  return json_pack ("{s:O?, s:o, s:O?, s:s, s:o}", "Modified_Time", json_object_get (record, "Modified_Time"),
                    "Modified_By", plain_ref (json_object_get (record, "Modified_By")), "Created_Time",
                    json_object_get (record, "Created_Time"), "id", format_id (id, text), "Created_By",
                    plain_ref (json_object_get (record, "Created_By")));
}

json_t *
blank_record (const Module *module)
{
  json_t *record = json_object ();

  for (unsigned i = 0; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];
      bool many = field_is_deep (field) || field_has_files (field) || strcmp (field->data_type, "multiselectpicklist") == 0
                  || strcmp (field->api_name, "Tag") == 0;

      if (strcmp (field->api_name, "id") == 0)
        continue;
      json_object_set_new (record, field->api_name,
                           many                                              ? json_array ()
                           : strcmp (field->data_type, "boolean") == 0 ? json_false ()
                                                                             : json_null ());
    }
  return record;
}

static Check
check_of (const Save *save, json_t *errors)
{
  return (Check) {
    .emulator = save->emulator,
    .module = save->module,
    .external = request_header (save->request, "x-external"),
    .errors = errors,
  };
}

/* The entry of a saved record; the workflow comes after it, so what it changes is news to the client. */
static json_t *
saved (const Save *save, uint64_t id, const char *message, const json_t *values)
{
  json_t *details = save_details (save->emulator, save->module, id);
  char *fields[] = { (char *) "$approval_state", NULL };
  json_auto_t *record = store_get_fields (save->emulator, save->module, id, fields);
  const char *state = member_text (record, "$approval_state");

  json_object_set_new (details, "$approval_state", json_string (state == NULL ? "approved" : state));
  if (save->workflow)
    workflow_saved (save->emulator, save->module, id, values);
  return entry_success (message, details);
}

static void
default_owner (const Save *save, json_t *record)
{
  if (module_field (save->module, "Owner") != NULL && json_is_null (json_object_get (record, "Owner")))
    json_object_set_new (record, "Owner", user_ref (save->emulator, save->request->user_id));
}

json_t *
save_insert (const Save *save, const json_t *row, const char *path, uint64_t *id)
{
  json_auto_t *errors = json_array ();
  Check check = check_of (save, errors);
  json_auto_t *values = validate_record (&check, row, NULL, 0, path);
  uint64_t made;
  json_t *record;

  if (values == NULL)
    return errors_entry (errors);
  record = blank_record (save->module);
  json_object_update (record, values);
  default_owner (save, record);
  if (json_is_false (json_object_get (row, "$approved")))
    json_object_set_new (record, "$approval_state", json_string ("pending"));
  made = store_insert (save->emulator, save->module, record, save->request->user_id);
  if (id != NULL)
    *id = made;
  return saved (save, made, "record added", values);
}

static json_t *
modified_refusal (const Save *save, const json_t *record, uint64_t id)
{
  const char *text = member_text (record, "Modified_Time");
  time_t modified;

  if (!save->guarded || text == NULL || !parse_time (text, &modified) || modified <= save->unmodified_since)
    return NULL;
  return entry_error ("ALREADY_MODIFIED", "record updated time has already passed if-unmodified-since time",
                      save_details (save->emulator, save->module, id));
}

json_t *
save_update (const Save *save, uint64_t id, const json_t *row, const char *path)
{
  json_auto_t *record = store_get (save->emulator, save->module, id);
  json_auto_t *errors = json_array ();
  Check check = check_of (save, errors);
  json_auto_t *values = NULL;
  json_t *refusal;

  if (record == NULL)
    return entry_error ("INVALID_DATA", "the id given seems to be invalid", detail_at ("id", path));
  refusal = modified_refusal (save, record, id);
  if (refusal == NULL)
    refusal = state_refusal (save->emulator, record, id, "update");
  if (refusal != NULL)
    return refusal;
  values = validate_record (&check, row, record, id, path);
  if (values == NULL)
    return errors_entry (errors);
  json_object_update (record, values);
  store_update (save->emulator, save->module, id, json_incref (record), save->request->user_id, true);
  return saved (save, id, "record updated", values);
}
