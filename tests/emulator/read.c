/* Reading records: list, single GET, full rich texts, count, what was deleted. */
#include "read.h"

#include <string.h>

#include "criteria.h"
#include "finder.h"
#include "handlers.h"

enum
{
  MOST_FULL_IDS = 100,
  MOST_PARAM_LENGTH = 1024
};

/* ---- views ------------------------------------------------------------------------------------------------------- */

/* Each module has two views: all records, and the caller's own. */
static bool
view_of (const Module *module, const char *text, bool *mine)
{
  uint64_t id, module_id;

  if (!parse_id (text, &id) || !parse_id (module->id, &module_id) || (id != module_id * 10 && id != module_id * 10 + 1))
    return false;
  *mine = id == module_id * 10 + 1;
  return true;
}

static bool
is_mine (Emulator *emulator, const Module *module, uint64_t id, const void *user_id)
{
  char *fields[] = { (char *) "Owner", NULL };
  json_auto_t *record = store_get_fields (emulator, module, id, fields);
  const json_t *owner = json_object_get (json_object_get (record, "Owner"), "id");

  return g_strcmp0 (json_string_value (owner), user_id) == 0;
}

static void
handle_list (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  const char *view = request_query (request, "cvid");
  bool mine = false;
  ListCall call;

  if (!module->viewable)
    reply_error (reply, 403, "NO_PERMISSION", "permission denied",
                 json_pack ("{s:[s]}", "permissions", "Crm_Implied_View"));
  else if (view != NULL && !view_of (module, view, &mine))
    reply_error (reply, 400, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "param_name", "cvid"));
  else
    {
      if (list_init (&call, emulator, request, reply, module, false))
        list_answer (&call, emulator, request, reply, NULL, mine ? is_mine : NULL, NULL, request->user_id);
      list_clear (&call);
    }
}

/* ---- one record -------------------------------------------------------------------------------------------------- */

uint64_t
read_id (Emulator *emulator, const Request *request, Reply *reply, const Module *module, unsigned n)
{
  const char *text = request_segment (request, n);
  uint64_t id = 0;

  if (request->external)
    id = request_record (emulator, request, module, text);
  else if (!parse_id (text, &id))
    {
      reply_error (reply, 400, "INVALID_DATA", "the id given seems to be invalid",
                   json_pack ("{s:i}", "resource_path_index", (int) n));
      return 0;
    }
  if (id != 0 && store_exists (emulator, module, id) && !store_hidden (module, id))
    return id;
  if (setting_is (emulator, "unknown_id", "404"))
    reply_error (reply, 404, "INVALID_DATA", "the id given seems to be invalid",
                 json_pack ("{s:i}", "resource_path_index", (int) n));
  else if (setting_is (emulator, "unknown_id", "400"))
    reply_error (reply, 400, "INVALID_DATA", "the id given seems to be invalid",
                 json_pack ("{s:i}", "resource_path_index", (int) n));
  else
    reply_empty (reply, 204);
  return 0;
}

static void
handle_get (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t id = read_id (emulator, request, reply, module, 1);
  Columns columns = { 0 };
  GString *out;
  bool bounded;
  time_t since = 0;

  if (id == 0 || !since_header (request, reply, &bounded, &since))
    return;
  if (bounded && store_modified (emulator, module, id) <= since)
    reply_empty (reply, 304);
  else if (columns_parse (emulator, request, reply, module, false, &columns))
    {
      out = g_string_sized_new (4096);
      g_string_append (out, "{\"data\":[");
      record_write (emulator, module, id, &columns, out);
      g_string_append (out, "]}");
      reply_bytes (reply, 200, NULL, NULL, g_string_free_to_bytes (out));
    }
  columns_clear (&columns);
}

/* ---- full rich texts --------------------------------------------------------------------------------------------- */

/* Leaves only the rich texts among @columns; all of the module's if none are named. */
static void
keep_rich_texts (const Module *module, Columns *columns)
{
  bool all = columns->fields->len == 0;

  for (unsigned i = columns->fields->len; i-- > 0;)
    {
      if (!((Field *) columns->fields->pdata[i])->rich_text)
        g_ptr_array_remove_index (columns->fields, i);
    }
  for (unsigned i = 0; all && i < module->fields->len; i++)
    {
      Field *field = module->fields->pdata[i];

      if (field->rich_text && field->visible)
        g_ptr_array_add (columns->fields, field);
    }
}

static void
answer_full (Emulator *emulator, const Request *request, Reply *reply, const Module *module, const GArray *ids)
{
  Columns columns;
  GString *out;

  if (!columns_parse (emulator, request, reply, module, false, &columns))
    {
      columns_clear (&columns);
      return;
    }
  keep_rich_texts (module, &columns);
  out = g_string_new ("{\"data\":[");
  for (unsigned i = 0; i < ids->len; i++)
    {
      uint64_t id = g_array_index (ids, uint64_t, i);

      if (!store_exists (emulator, module, id) || store_hidden (module, id))
        continue;
      if (out->str[out->len - 1] == '}')
        g_string_append_c (out, ',');
      row_write (emulator, module, id, &columns, true, out);
    }
  g_string_append (out, "]}");
  if (columns.fields->len == 0)
    reply_error (reply, 400, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "param_name", "fields"));
  else if (out->str[out->len - 3] == '[')
    reply_empty (reply, 204);
  else
    reply_bytes (reply, 200, NULL, NULL, g_bytes_new (out->str, out->len));
  g_string_free (out, TRUE);
  columns_clear (&columns);
}

static void
handle_full_one (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t id = read_id (emulator, request, reply, module, 1);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));

  if (id == 0)
    return;
  g_array_append_val (ids, id);
  answer_full (emulator, request, reply, module, ids);
}

static void
handle_full_many (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  const char *text = request_query (request, "ids");
  g_auto (GStrv) parts = g_strsplit (text == NULL ? "" : text, ",", -1);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  bool length_checked = !setting_on (emulator, "full_data_long_ids");

  if (text == NULL || *text == '\0')
    {
      reply_error (reply, 400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
                   json_pack ("{s:s}", "param_name", "ids"));
      return;
    }
  if (g_strv_length (parts) > MOST_FULL_IDS || (length_checked && strlen (text) > MOST_PARAM_LENGTH))
    {
      reply_error (reply, 400, "LIMIT_EXCEEDED", "limit exceeded",
                   json_pack ("{s:i, s:s}", "limit", MOST_FULL_IDS, "param_name", "ids"));
      return;
    }
  for (char **part = parts; *part != NULL; part++)
    {
      uint64_t id;

      if (!parse_id (*part, &id))
        {
          reply_error (reply, 400, "UNABLE_TO_PARSE_DATA_TYPE", "unable to parse data type",
                       json_pack ("{s:s}", "param_name", "ids"));
          return;
        }
      g_array_append_val (ids, id);
    }
  answer_full (emulator, request, reply, module, ids);
}

/* ---- count ------------------------------------------------------------------------------------------------------- */

static uint64_t
count_mine (Emulator *emulator, const Module *module, const char *user_id)
{
  uint64_t count = 0;

  for (uint64_t id = store_next (emulator, module, 0); id != 0; id = store_next (emulator, module, id))
    count += !store_converted (module, id) && !store_hidden (module, id) && is_mine (emulator, module, id, user_id);
  return count;
}

/* Of all records, or a view. false: refused. */
static bool
count_plain (Emulator *emulator, const Request *request, Reply *reply, const Module *module, uint64_t *count)
{
  const char *view = request_query (request, "cvid");
  bool mine = false;

  if (view != NULL && !view_of (module, view, &mine))
    {
      reply_error (reply, 400, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "param_name", "cvid"));
      return false;
    }
  *count = mine ? count_mine (emulator, module, request->user_id)
                : store_count (emulator, module) - store_count_unlisted (module);
  return true;
}

static void
handle_count (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  g_auto (Refusal) refusal = { 0 };
  g_autoptr (Criteria) criteria = NULL;
  uint64_t count;

  if (!criteria_given (request))
    {
      if (count_plain (emulator, request, reply, module, &count))
        reply_json (reply, 200, json_pack ("{s:I}", "count", (json_int_t) count));
      return;
    }
  if (request_query (request, "cvid") != NULL)
    {
      reply_error (
          reply, 400, "AMBIGUITY_DURING_PROCESSING", "ambiguity while processing the request",
          json_pack ("{s:[{s:s}, {s:s}]}", "ambiguity_due_to", "param_name", "cvid", "param_name", "criteria"));
      return;
    }
  criteria = criteria_of_request (emulator, module, request, &refusal);
  if (criteria == NULL)
    refusal_reply (&refusal, reply);
  else
    reply_json (reply, 200, json_pack ("{s:I}", "count", (json_int_t) criteria_count (criteria)));
}

/* ---- deleted ----------------------------------------------------------------------------------------------------- */

static json_t *
deleted_json (Emulator *emulator, const Deleted *deleted)
{
  const json_t *creator = store_deleted_by_whom (deleted);
  json_t *by = deleted->permanent ? NULL : user_ref (emulator, deleted->deleted_by);
  json_t *created_by = NULL;
  char id[24];
  char when[32];

  if (!deleted->permanent && json_is_object (creator))
    created_by
        = json_pack ("{s:O, s:O}", "name", json_object_get (creator, "name"), "id", json_object_get (creator, "id"));
  format_time (deleted->when, when);
  return json_pack ("{s:s, s:s?, s:s, s:o?, s:o?, s:s}", "id", format_id (deleted->id, id), "display_name",
                    deleted->display_name, "type", deleted->permanent ? "permanent" : "recycle", "deleted_by", by,
                    "created_by", created_by, "deleted_time", when);
}

static void
handle_deleted (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  const char *type = request_query (request, "type");
  GPtrArray *all = store_deleted (emulator, module);
  json_auto_t *rows = json_array ();
  unsigned page, per_page;
  uint64_t skip, seen = 0;
  bool bounded;
  time_t since = 0;

  if (type == NULL || *type == '\0')
    type = "all";
  if (strcmp (type, "all") != 0 && strcmp (type, "recycle") != 0 && strcmp (type, "permanent") != 0)
    {
      reply_error (reply, 400, "PATTERN_NOT_MATCHED", "Please check whether the input values are correct",
                   json_pack ("{s:s}", "param_name", "type"));
      return;
    }
  if (!page_params (request, reply, &page, &per_page) || !since_header (request, reply, &bounded, &since))
    return;
  skip = (uint64_t) (page - 1) * per_page;
  for (unsigned i = 0; i < all->len; i++)
    {
      const Deleted *deleted = all->pdata[i];

      if ((bounded && deleted->when <= since) || (strcmp (type, "all") != 0 && deleted->permanent != (*type == 'p')))
        continue;
      if (seen++ >= skip && json_array_size (rows) < per_page)
        json_array_append_new (rows, deleted_json (emulator, deleted));
    }
  if (json_array_size (rows) == 0)
    reply_empty (reply, bounded && setting_on (emulator, "deleted_304") ? 304 : 204);
  else
    reply_json (reply, 200,
                json_pack ("{s:O, s:o}", "data", rows, "info",
                           page_info (per_page, json_array_size (rows), page, seen > skip + per_page)));
}

static void
handle_locking (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));

  if (read_id (emulator, request, reply, module, 1) != 0)
    reply_empty (reply, 204);
}

/* The audit trail: its making, and its last change. */
static void
handle_timeline (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t id = read_id (emulator, request, reply, module, 1);
  json_auto_t *record = id == 0 ? NULL : store_get (emulator, module, id);
  json_t *entries = json_array ();
  static const char *const steps[][3]
      = { { "updated", "Modified_Time", "Modified_By" }, { "added", "Created_Time", "Created_By" } };

  for (unsigned i = 0; record != NULL && i < G_N_ELEMENTS (steps); i++)
    json_array_append_new (entries, json_pack ("{s:s, s:O?, s:O?, s:s, s:{s:s, s:s}}", "action", steps[i][0],
                                               "audited_time", json_object_get (record, steps[i][1]), "done_by",
                                               json_object_get (record, steps[i][2]), "source", "crm_api", "record",
                                               "id", request_segment (request, 1), "module", module->api_name));
  if (record == NULL)
    json_decref (entries);
  else
    reply_json (reply, 200, json_pack ("{s:o, s:o}", "__timeline", entries, "info", page_info (200, 2, 1, false)));
}

#define LIST_PARAMS                                                                                                    \
  "fields,page,per_page,page_token,sort_by,sort_order,ids,cvid,converted,approved,territory_id,include_child"

const Route read_routes[] = {
  { "GET", "Notes", "modules.notes.READ", 1, 0, LIST_PARAMS, handle_list_notes },
  { "GET", "Notes/{id}", "modules.notes.READ", 1, 0, "fields", handle_get_note },
  { "GET", "{module}/{id}/Notes", "modules.{module}.READ,modules.notes.READ", 1, 0, LIST_PARAMS, handle_list_notes_of },
  { "GET", "{module}/{id}/Notes/{note}", "modules.{module}.READ,modules.notes.READ", 1, 0, "fields", handle_get_note },
  { "GET", "{module}/deleted", "modules.{module}.READ", 1, 0, "type,page,per_page", handle_deleted },
  { "GET", "{module}/actions/count", "modules.{module}.READ,ZohoSearch.securesearch.READ", 1, 0,
    "cvid,criteria,email,phone,word,converted,approved", handle_count },
  { "GET", "{module}/actions/fetch_full_data", "modules.{module}.READ", 1, 0, "ids,fields", handle_full_many },
  { "GET", "{module}/{id}/actions/fetch_full_data", "modules.{module}.READ", 1, 0, "fields", handle_full_one },
  { "GET", "{module}/{id}/Locking_Information__s", "modules.{module}.READ", 1, 0, NULL, handle_locking },
  { "GET", "{module}/{id}/__timeline", "modules.{module}.READ", 1, 0,
    "page,per_page,sort_by,sort_order,filter,page_token", handle_timeline },
  { "GET", "{module}", "modules.{module}.READ", 1, 0, LIST_PARAMS, handle_list },
  { "GET", "{module}/{id}", "modules.{module}.READ", 1, 0, "fields,approved,converted,cvid,territory_id", handle_get },
  { "GET", "{module}/{id}/{list}", "modules.{module}.READ", 1, 0, LIST_PARAMS, handle_list_related },
  { "GET", "{module}/{id}/{list}/{related}", "modules.{module}.READ", 1, 0, "fields", handle_get_related },
  { 0 },
};
