/* Notes: created, changed and deleted, on their own (/Notes) or under their record. A note needs a title or a content;
 * only these two can be changed. A note moves its parent's Last_Activity_Time, and its Modified_Time only with the knob
 * notes_touch_parent.
 *
 * The route table below also has what hangs on records beside notes: attachments, photos, uploaded files. */
#include <string.h>

#include "attachments.h"
#include "finder.h"
#include "handlers.h"
#include "links.h"
#include "payload.h"
#include "related_count.h"
#include "save.h"
#include "states.h"
#include "tags.h"
#include "uploads.h"
#include "values.h"
#include "workflow.h"

enum
{
  MOST_ROWS = 100,
  TITLE_LENGTH = 120,
  CONTENT_LENGTH = 65535
};

/* A call about notes: alone, or of the record in the path. */
typedef struct
{
  Emulator *emulator;
  const Request *request;
  Module *notes;
  Module *parent; /* NULL: /Notes */
  uint64_t parent_id;
  const char *note; /* the note's id in the path, or NULL */
} Call;

/* False: refused. */
static bool
call_begin (Call *call, Emulator *emulator, const Request *request, Reply *reply)
{
  *call = (Call) { .emulator = emulator, .request = request, .notes = schema_module (emulator, "Notes") };
  if (strcmp (request_segment (request, 0), "Notes") == 0)
    {
      call->note = request_segment (request, 1);
      return true;
    }
  call->note = request_segment (request, 3);
  call->parent = schema_module (emulator, request_segment (request, 0));
  call->parent_id = request_record (emulator, request, call->parent, request_segment (request, 1));
  if (call->parent_id != 0)
    return true;
  reply_error (reply, 400, "INVALID_DATA", "the related id given seems to be invalid",
               json_pack ("{s:i}", "resource_path_index", 1));
  return false;
}

static json_t *
too_long (const char *key, const char *path, int most)
{
  json_t *details = detail_at (key, path);

  json_object_set_new (details, "maximum_length", json_integer (most));
  return entry_error ("INVALID_DATA", "invalid data", details);
}

static json_t *
text_refusal (const json_t *row, const char *key, const char *path, int most)
{
  const json_t *value = json_object_get (row, key);
  json_t *details;

  if (value == NULL || json_is_null (value))
    return NULL;
  if (json_is_string (value))
    return g_utf8_strlen (json_string_value (value), -1) > most ? too_long (key, path, most) : NULL;
  details = detail_at (key, path);
  json_object_set_new (details, "expected_data_type", json_string ("string"));
  return entry_error ("INVALID_DATA", "invalid data", details);
}

static json_t *
unknown_refusal (const Call *call, const json_t *row, const char *path)
{
  static const char *const known[] = { "id", "Note_Title", "Note_Content", "Parent_Id", "Owner", NULL };
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) row, key, value)
    {
      if (*key == '$' || g_strv_contains (known, key) || module_field (call->notes, key) != NULL
          || setting_is (call->emulator, "unknown_keys", "ignore"))
        continue;
      return entry_error ("INVALID_DATA", "the field api name given seems to be invalid", detail_at (key, path));
    }
  return NULL;
}

static bool
has_text (const json_t *note, const char *key)
{
  const char *text = member_text (note, key);

  return text != NULL && *text != '\0';
}

/* Neither title nor content in @note. */
static json_t *
empty_refusal (const json_t *note, const char *path)
{
  if (has_text (note, "Note_Title") || has_text (note, "Note_Content"))
    return NULL;
  return entry_error ("EXPECTED_FIELD_MISSING", "should contain either content or title",
                      json_pack ("{s:[o,o]}", "expected_fields", detail_at ("Note_Content", path),
                                 detail_at ("Note_Title", path)));
}

/* What is wrong with the row itself, or NULL. */
static json_t *
row_refusal (const Call *call, const json_t *row, const char *path)
{
  json_t *refusal;

  if (!json_is_object (row))
    return entry_error ("INVALID_DATA", "invalid data",
                        json_pack ("{s:s, s:s, s:s}", "expected_data_type", "jsonobject", "api_name", "data",
                                   "json_path", path));
  refusal = unknown_refusal (call, row, path);
  if (refusal == NULL)
    refusal = text_refusal (row, "Note_Title", path, TITLE_LENGTH);
  if (refusal == NULL)
    refusal = text_refusal (row, "Note_Content", path, CONTENT_LENGTH);
  return refusal;
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

static Module *
module_by_id (Emulator *emulator, const char *id)
{
  GPtrArray *modules = schema_modules (emulator);

  for (unsigned i = 0; id != NULL && i < modules->len; i++)
    {
      Module *module = modules->pdata[i];

      if (strcmp (module->id, id) == 0)
        return module;
    }
  return NULL;
}

/* The record a new note hangs on: the path's, or Parent_Id {"module":{"api_name" or "id"},"id"} (or $se_module).
 * Returns: an entry when there is none. */
static json_t *
find_parent (const Call *call, const json_t *row, const char *path, Module **module, uint64_t *id)
{
  const json_t *parent = json_object_get (row, "Parent_Id");
  const json_t *named = json_object_get (parent, "module");
  const char *name = json_is_string (named) ? json_string_value (named) : member_text (named, "api_name");
  g_autofree char *place = g_strdup_printf ("%s.Parent_Id", path);

  *module = call->parent;
  *id = call->parent_id;
  if (call->parent != NULL)
    return NULL;
  if (parent == NULL || json_is_null (parent))
    return entry_error ("MANDATORY_NOT_FOUND", "required field not found", detail_at ("Parent_Id", path));
  if (name == NULL)
    name = member_text (row, "$se_module");
  *module = name != NULL ? schema_module (call->emulator, name) : module_by_id (call->emulator, member_text (named, "id"));
  if (*module == NULL)
    return entry_error (name == NULL && named == NULL ? "MANDATORY_NOT_FOUND" : "INVALID_DATA",
                        name == NULL && named == NULL ? "required field not found" : "invalid data",
                        detail_at ("module", place));
  if (json_id (json_object_get (parent, "id"), id) && store_exists (call->emulator, *module, *id))
    return NULL;
  g_free (place);
  place = g_strdup_printf ("%s.Parent_Id.id", path);
  return entry_error ("INVALID_DATA", "the related id given seems to be invalid",
                      json_pack ("{s:s, s:s}", "api_name", "Parent_Id", "json_path", place));
}

/* Zoho's own bookkeeping on the record a note hangs on. */
static void
touch_parent (const Call *call, Module *module, uint64_t id)
{
  bool touch = setting_on (call->emulator, "notes_touch_parent");
  json_t *record;
  char now[32];

  if (!touch && module_field (module, "Last_Activity_Time") == NULL)
    return;
  record = store_get (call->emulator, module, id);
  format_time (emulator_now (call->emulator), now);
  if (module_field (module, "Last_Activity_Time") != NULL)
    json_object_set_new (record, "Last_Activity_Time", json_string (now));
  store_update (call->emulator, module, id, record, call->request->user_id, touch);
}

static json_t *
create_entry (const Call *call, const json_t *row, const char *path)
{
  json_t *refusal = row_refusal (call, row, path);
  Module *module;
  uint64_t parent;
  uint64_t id;
  json_t *note;
  json_t *ref;

  if (refusal == NULL)
    refusal = empty_refusal (row, path);
  if (refusal == NULL)
    refusal = find_parent (call, row, path, &module, &parent);
  if (refusal != NULL)
    return refusal;
  ref = record_ref (call->emulator, module, parent);
  json_object_set_new (ref, "module", json_pack ("{s:s, s:s}", "api_name", module->api_name, "id", module->id));
  note = blank_record (call->notes);
  json_object_update_new (note, json_pack ("{s:O?, s:O?, s:o, s:o}", "Note_Title", json_object_get (row, "Note_Title"),
                                           "Note_Content", json_object_get (row, "Note_Content"), "Parent_Id", ref,
                                           "Owner", user_ref (call->emulator, call->request->user_id)));
  id = store_insert (call->emulator, call->notes, note, call->request->user_id);
  touch_parent (call, module, parent);
  return entry_success ("record added", save_details (call->emulator, call->notes, id));
}

static json_t *
rows_of (const Call *call, Reply *reply, size_t most)
{
  static const char *const keys[] = { "trigger", "skip_feature_execution", NULL };

  return payload_rows (call->emulator, call->request, reply, "data", keys, most, "INVALID_DATA");
}

static void
handle_create (Emulator *emulator, const Request *request, Reply *reply)
{
  json_t *rows;
  json_t *entries;
  json_t *row;
  size_t index;
  Call call;

  if (!call_begin (&call, emulator, request, reply))
    return;
  rows = rows_of (&call, reply, MOST_ROWS);
  if (rows == NULL)
    return;
  entries = json_array ();
  json_array_foreach (rows, index, row)
    {
      g_autofree char *path = g_strdup_printf ("$.data[%zu]", index);

      json_array_append_new (entries, create_entry (&call, row, path));
    }
  reply_entries (reply, "data", entries, 201);
}

/* ---- update, delete ---------------------------------------------------------------------------------------------- */

/* The note called @text, of the call's record if it has one; NULL: none. New. */
static json_t *
find_note (const Call *call, const char *text, uint64_t *id)
{
  json_t *note = text != NULL && parse_id (text, id) ? store_get (call->emulator, call->notes, *id) : NULL;
  uint64_t parent = 0;

  if (note == NULL || call->parent == NULL)
    return note;
  if (json_id (json_object_get (json_object_get (note, "Parent_Id"), "id"), &parent) && parent == call->parent_id)
    return note;
  json_decref (note);
  return NULL;
}

static json_t *
update_entry (const Call *call, const char *text, const json_t *row, const char *path)
{
  static const char *const keys[] = { "Note_Title", "Note_Content" };
  json_t *refusal = row_refusal (call, row, path);
  json_auto_t *note = NULL;
  uint64_t id = 0;

  if (refusal != NULL)
    return refusal;
  if (text == NULL)
    return entry_error ("MANDATORY_NOT_FOUND", "required field not found", detail_at ("id", path));
  note = find_note (call, text, &id);
  if (note == NULL)
    return entry_error ("INVALID_DATA", "the id given seems to be invalid", detail_at ("id", path));
  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (json_object_get (row, keys[i]) != NULL)
        json_object_set (note, keys[i], json_object_get (row, keys[i]));
    }
  refusal = empty_refusal (note, path);
  if (refusal != NULL)
    return refusal;
  store_update (call->emulator, call->notes, id, json_incref (note), call->request->user_id, true);
  return entry_success ("record updated", save_details (call->emulator, call->notes, id));
}

/* A note in the path that is not there. */
static bool
refuse_note (const Call *call, Reply *reply, const char *message)
{
  json_auto_t *note = NULL;
  uint64_t id;

  if (call->note == NULL)
    return false;
  note = find_note (call, call->note, &id);
  if (note != NULL)
    return false;
  reply_error (reply, 400, "INVALID_DATA", message,
               json_pack ("{s:i}", "resource_path_index", call->parent == NULL ? 1 : 3));
  return true;
}

static void
handle_update (Emulator *emulator, const Request *request, Reply *reply)
{
  json_t *rows;
  json_t *entries;
  json_t *row;
  size_t index;
  Call call;

  if (!call_begin (&call, emulator, request, reply) || refuse_note (&call, reply, "the id given seems to be invalid"))
    return;
  rows = rows_of (&call, reply, call.note != NULL ? 1 : MOST_ROWS);
  if (rows == NULL)
    return;
  entries = json_array ();
  json_array_foreach (rows, index, row)
    {
      g_autofree char *path = g_strdup_printf ("$.data[%zu]", index);

      json_array_append_new (entries,
                             update_entry (&call, call.note != NULL ? call.note : member_text (row, "id"), row, path));
    }
  reply_entries (reply, "data", entries, 200);
}

static json_t *
delete_note (const Call *call, const char *text)
{
  uint64_t id;
  json_auto_t *note = find_note (call, text, &id);

  if (note == NULL)
    return entry_error ("INVALID_DATA", "record not deleted", json_pack ("{s:s}", "id", text));
  store_delete (call->emulator, call->notes, id, call->request->user_id);
  return entry_success ("record deleted", json_pack ("{s:s}", "id", text));
}

static void
handle_delete (Emulator *emulator, const Request *request, Reply *reply)
{
  json_auto_t *ids = NULL;
  json_t *entries;
  json_t *text;
  size_t index;
  Call call;

  if (!call_begin (&call, emulator, request, reply) || refuse_note (&call, reply, "record not deleted"))
    return;
  ids = call.note != NULL ? json_pack ("[s]", call.note) : payload_ids (request, reply, MOST_ROWS);
  if (ids == NULL)
    return;
  entries = json_array ();
  json_array_foreach (ids, index, text)
    json_array_append_new (entries, delete_note (&call, json_string_value (text)));
  reply_entries (reply, "data", entries, 200);
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */

const Route notes_routes[] = {
  { "POST", "Notes", "modules.notes.CREATE", 1, ROUTE_WRITES, NULL, handle_create },
  { "PUT", "Notes", "modules.notes.UPDATE", 1, ROUTE_WRITES, NULL, handle_update },
  { "PUT", "Notes/{id}", "modules.notes.UPDATE", 1, ROUTE_WRITES, NULL, handle_update },
  { "DELETE", "Notes", "modules.notes.DELETE", 1, ROUTE_WRITES, "ids", handle_delete },
  { "DELETE", "Notes/{id}", "modules.notes.DELETE", 1, ROUTE_WRITES, NULL, handle_delete },
  { "POST", "{module}/{id}/Notes", "modules.notes.CREATE", 1, ROUTE_WRITES, NULL, handle_create },
  { "PUT", "{module}/{id}/Notes", "modules.notes.UPDATE", 1, ROUTE_WRITES, NULL, handle_update },
  { "PUT", "{module}/{id}/Notes/{id}", "modules.notes.UPDATE", 1, ROUTE_WRITES, NULL, handle_update },
  { "DELETE", "{module}/{id}/Notes", "modules.notes.DELETE", 1, ROUTE_WRITES, "ids", handle_delete },
  { "DELETE", "{module}/{id}/Notes/{id}", "modules.notes.DELETE", 1, ROUTE_WRITES, NULL, handle_delete },
  { "GET", "{module}/{id}/Attachments", "modules.attachments.READ", 1, 0, "fields,page,per_page",
    handle_list_attachments },
  { "POST", "{module}/{id}/Attachments", "modules.attachments.CREATE", 1, ROUTE_WRITES | ROUTE_NO_JSON,
    "attachmentUrl,title", handle_attach },
  { "GET", "{module}/{id}/Attachments/{id}", "modules.attachments.READ", 1, 0, NULL, handle_download_attachment },
  { "DELETE", "{module}/{id}/Attachments", "modules.attachments.DELETE", 1, ROUTE_WRITES, "ids",
    handle_delete_attachments },
  { "DELETE", "{module}/{id}/Attachments/{id}", "modules.attachments.DELETE", 1, ROUTE_WRITES, NULL,
    handle_delete_attachments },
  { "GET", "{module}/{id}/photo", "modules.{module}.READ", 1, 0, NULL, handle_get_photo },
  { "POST", "{module}/{id}/photo", "modules.{module}.UPDATE", 1, ROUTE_WRITES | ROUTE_NO_JSON, NULL, handle_set_photo },
  { "DELETE", "{module}/{id}/photo", "modules.{module}.DELETE", 1, ROUTE_WRITES, NULL, handle_delete_photo },
  { "POST", "{module}/{id}/actions/get_related_records_count", "modules.{module}.READ", 1, 0, NULL,
    handle_related_count },
  { "POST", "files", NULL, 1, ROUTE_WRITES | ROUTE_NO_JSON, "type,inline", handle_upload_files },
  { "GET", "files", NULL, 1, 0, "id", handle_download_file },
  { 0 },
};

void
notes_start (Emulator *emulator)
{
  finder_start (emulator);
  links_start ();
  tags_start (emulator);
  uploads_start (emulator);
  attachments_start (emulator);
  workflow_start (emulator);
}

void
notes_stop (Emulator *emulator)
{
  workflow_stop (emulator);
  attachments_stop (emulator);
  uploads_stop (emulator);
  tags_stop (emulator);
  links_stop ();
  finder_stop (emulator);
}
