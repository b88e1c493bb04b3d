/* Records: insert, update, upsert, delete. One entry per row comes back, in the order of the rows; a call may fail
 * in part (207). Costs one credit for each ten rows. */
#include "write.h"

#include <string.h>

#include "finder.h"
#include "handlers.h"
#include "payload.h"
#include "save.h"
#include "states.h"
#include "workflow.h"

enum
{
  MOST_ROWS = 100,
  ROWS_PER_CREDIT = 10
};

const char *const record_write_keys[] = { "trigger",           "apply_feature_execution", "skip_feature_execution",
                                          "lar_id",            "wf_trigger",              "process",
                                          "$append_values",    NULL };

static const char *const upsert_keys[] = { "trigger", "apply_feature_execution", "skip_feature_execution",
                                           "lar_id",  "wf_trigger",              "duplicate_check_fields",
                                           NULL };

/* What upsert compares when duplicate_check_fields does not say: the system's own field of each module. */
static const struct
{
  const char *module;
  const char *field;
} system_checks[] = {
  { "Leads", "Email" },
  { "Contacts", "Email" },
  { "Accounts", "Account_Name" },
  { "Deals", "Deal_Name" },
  { "Products", "Product_Name" },
  { "Cases", "Subject" },
  { "Quotes", "Subject" },
  { "Sales_Orders", "Subject" },
  { "Purchase_Orders", "Subject" },
  { "Invoices", "Subject" },
  { "Campaigns", "Campaign_Name" },
  { "Vendors", "Vendor_Name" },
  { "Price_Books", "Price_Book_Name" },
};

bool
refuse_permission (Reply *reply, bool allowed, const char *what, const Module *module)
{
  g_autofree char *permission = allowed ? NULL : g_strdup_printf ("Crm_Implied_%s_%s", what, module->module_name);

  if (allowed)
    return false;
  reply_error (reply, 403, "NO_PERMISSION", "permission denied", json_pack ("{s:[s]}", "permissions", permission));
  return true;
}

static json_t *
rows_of (Emulator *emulator, const Request *request, Reply *reply, const char *const *known)
{
  json_t *rows = payload_rows (emulator, request, reply, "data", known, MOST_ROWS, "LIMIT_EXCEEDED");

  if (rows != NULL)
    reply->credits = (unsigned) (json_array_size (rows) + ROWS_PER_CREDIT - 1) / ROWS_PER_CREDIT;
  return rows;
}

static json_t *
not_an_object (const char *path)
{
  return entry_error ("INVALID_DATA", "invalid data",
                      json_pack ("{s:s, s:s, s:s}", "expected_data_type", "jsonobject", "api_name", "data",
                                 "json_path", path));
}

static void
handle_insert (Emulator *emulator, const Request *request, Reply *reply)
{
  json_t *rows = rows_of (emulator, request, reply, record_write_keys);
  json_t *entries;
  json_t *row;
  size_t index;
  Save save;

  if (rows == NULL || !save_begin (&save, emulator, request, reply, request_segment (request, 0))
      || refuse_permission (reply, save.module->creatable, "Create", save.module))
    return;
  entries = json_array ();
  json_array_foreach (rows, index, row)
    {
      g_autofree char *path = g_strdup_printf ("$.data[%zu]", index);

      json_array_append_new (entries,
                             json_is_object (row) ? save_insert (&save, row, path, NULL) : not_an_object (path));
    }
  reply_entries (reply, "data", entries, 201);
}

/* Which record a row of a collection PUT means: its id, or with X-EXTERNAL the external field in it. */
static json_t *
update_row (const Save *save, const json_t *row, const char *path)
{
  const Field *external = external_field (save->emulator, request_header (save->request, "x-external"), save->module,
                                          NULL, NULL);
  const json_t *given = json_object_get (row, "id");
  uint64_t id = 0;

  if (!json_is_object (row))
    return not_an_object (path);
  if (external != NULL && given == NULL)
    given = json_object_get (row, external->api_name);
  if (given == NULL || json_is_null (given))
    return entry_error ("MANDATORY_NOT_FOUND", "required field not found", detail_at ("id", path));
  if (external != NULL && json_is_string (given))
    id = find_value (save->emulator, save->module, external, json_string_value (given), 0);
  else if (external == NULL && !json_id (given, &id))
    id = 0;
  return save_update (save, id, row, path);
}

static void
handle_update_many (Emulator *emulator, const Request *request, Reply *reply)
{
  json_t *rows = rows_of (emulator, request, reply, record_write_keys);
  json_t *entries;
  json_t *row;
  size_t index;
  Save save;

  if (rows == NULL || !save_begin (&save, emulator, request, reply, request_segment (request, 0))
      || refuse_permission (reply, save.module->editable, "Edit", save.module))
    return;
  entries = json_array ();
  json_array_foreach (rows, index, row)
    {
      g_autofree char *path = g_strdup_printf ("$.data[%zu]", index);

      json_array_append_new (entries, update_row (&save, row, path));
    }
  reply_entries (reply, "data", entries, 200);
}

/* PUT /{module}/{id}: one row; an id in it is not looked at. */
static void
handle_update_one (Emulator *emulator, const Request *request, Reply *reply)
{
  json_t *rows = payload_rows (emulator, request, reply, "data", record_write_keys, 1, "LIMIT_EXCEEDED");
  json_t *row = json_array_get (rows, 0);
  json_t *entries;
  uint64_t id;
  Save save;

  if (rows == NULL || !save_begin (&save, emulator, request, reply, request_segment (request, 0))
      || refuse_permission (reply, save.module->editable, "Edit", save.module))
    return;
  id = request_record (emulator, request, save.module, request_segment (request, 1));
  if (id == 0)
    {
      reply_unknown_record (emulator, reply, "the id given seems to be invalid");
      return;
    }
  entries = json_array ();
  json_array_append_new (entries,
                         json_is_object (row) ? save_update (&save, id, row, "$.data[0]") : not_an_object ("$.data[0]"));
  reply_entries (reply, "data", entries, 200);
}

/* ---- upsert ------------------------------------------------------------------------------------------------------ */

static const Field *
system_check (const Module *module)
{
  const char *name = strcmp (module->generated_type, "custom") == 0 ? module->display_field : NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (system_checks); i++)
    {
      if (strcmp (system_checks[i].module, module->api_name) == 0)
        name = system_checks[i].field;
    }
  return name == NULL ? NULL : module_field (module, name);
}

/* The fields to compare, in order: those named (else the system's), then every unique one. NULL: refused. */
static GPtrArray *
fields_to_compare (const Request *request, Reply *reply, const Module *module)
{
  g_autoptr (GPtrArray) fields = g_ptr_array_new ();
  const json_t *named = json_object_get (request->json, "duplicate_check_fields");
  const Field *own = system_check (module);
  json_t *name;
  size_t index;

  json_array_foreach (named, index, name)
    {
      const Field *field = json_is_string (name) ? module_field (module, json_string_value (name)) : NULL;
      g_autofree char *path = g_strdup_printf ("$.duplicate_check_fields[%zu]", index);

      if (field == NULL || (field != own && !field->unique))
        {
          reply_error (reply, 400, "INVALID_DATA", "the field cannot be used to check duplicates",
                       json_pack ("{s:s, s:s}", "api_name", "duplicate_check_fields", "json_path", path));
          return NULL;
        }
      g_ptr_array_add (fields, (gpointer) field);
    }
  if (fields->len == 0 && own != NULL)
    g_ptr_array_add (fields, (gpointer) own);
  for (unsigned i = 0; i < module->fields->len; i++)
    {
      Field *field = module->fields->pdata[i];

      if (field->unique && !g_ptr_array_find (fields, field, NULL))
        g_ptr_array_add (fields, field);
    }
  return g_steal_pointer (&fields);
}

/* The record that a row is about, and the field that told. 0: none, so it is an insert. */
static uint64_t
upsert_match (const Save *save, const json_t *row, const GPtrArray *fields, const Field **by)
{
  for (unsigned i = 0; i < fields->len; i++)
    {
      const Field *field = fields->pdata[i];
      g_autofree char *text = value_key (json_object_get (row, field->api_name));
      uint64_t id = text == NULL ? 0 : find_value (save->emulator, save->module, field, text, 0);

      *by = field;
      if (id != 0)
        return id;
    }
  return 0;
}

static json_t *
upsert_row (const Save *save, const json_t *row, const GPtrArray *fields, const char *path)
{
  const json_t *given = json_object_get (row, "id");
  const Field *by = NULL;
  uint64_t id = 0;
  bool update;
  json_t *entry;

  if (!json_is_object (row))
    return not_an_object (path);
  update = given != NULL && !json_is_null (given);
  if (update && !json_id (given, &id))
    id = 0;
  if (!update)
    {
      id = upsert_match (save, row, fields, &by);
      update = id != 0;
    }
  entry = update ? save_update (save, id, row, path) : save_insert (save, row, path, NULL);
  if (is_success (entry))
    {
      json_object_set_new (entry, "action", json_string (update ? "update" : "insert"));
      json_object_set_new (entry, "duplicate_field", update && by != NULL ? json_string (by->api_name) : json_null ());
    }
  return entry;
}

static bool
has_upsert (const Module *module)
{
  static const char *const without[] = { "Tasks", "Events", "Calls", NULL };

  return !g_strv_contains (without, module->api_name);
}

/* The guide asks for the ALL scope (C9); other sources find CREATE and UPDATE enough (knob upsert_scope=write). */
static bool
refuse_upsert_scope (Emulator *emulator, const Request *request, Reply *reply, const Module *module)
{
  g_autofree char *part = g_ascii_strdown (module->module_name, -1);
  g_autofree char *own = g_strdup_printf ("ZohoCRM.modules.%s.ALL",
                                          strcmp (module->generated_type, "custom") == 0 ? "custom" : part);
  g_auto (GStrv) scopes = g_strsplit_set (request->scope == NULL ? "" : request->scope, ", ", -1);

  if (setting_is (emulator, "upsert_scope", "write"))
    return false;
  for (char **scope = scopes; *scope != NULL; scope++)
    {
      if (strcmp (*scope, "ZohoCRM.modules.ALL") == 0 || strcmp (*scope, own) == 0)
        return false;
    }
  reply_error (reply, (unsigned) setting_int (emulator, "scope_status", 403), "OAUTH_SCOPE_MISMATCH",
               "invalid oauth scope to access this URL", NULL);
  return true;
}

static void
handle_upsert (Emulator *emulator, const Request *request, Reply *reply)
{
  g_autoptr (GPtrArray) fields = NULL;
  json_t *rows = rows_of (emulator, request, reply, upsert_keys);
  json_t *entries;
  json_t *row;
  size_t index;
  Save save;

  if (rows == NULL || !save_begin (&save, emulator, request, reply, request_segment (request, 0))
      || refuse_permission (reply, save.module->creatable && save.module->editable, "Create", save.module))
    return;
  if (refuse_upsert_scope (emulator, request, reply, save.module))
    return;
  if (!has_upsert (save.module))
    {
      reply_error (reply, 400, "NOT_SUPPORTED", "the given module is not supported in api",
                   json_pack ("{s:i}", "resource_path_index", 0));
      return;
    }
  fields = fields_to_compare (request, reply, save.module);
  if (fields == NULL)
    return;
  entries = json_array ();
  json_array_foreach (rows, index, row)
    {
      g_autofree char *path = g_strdup_printf ("$.data[%zu]", index);

      json_array_append_new (entries, upsert_row (&save, row, fields, path));
    }
  reply_entries (reply, "data", entries, 200);
}

/* ---- delete ------------------------------------------------------------------------------------------------------ */

json_t *
delete_entry (Emulator *emulator, const Request *request, Module *module, uint64_t id, const char *text)
{
  json_auto_t *record = id == 0 ? NULL : store_get (emulator, module, id);
  json_t *refusal = record == NULL ? NULL : state_refusal (emulator, record, id, "delete");
  char plain[24];

  if (record == NULL)
    return entry_error ("INVALID_DATA", "record not deleted", json_pack ("{s:s}", "id", text));
  if (refusal != NULL)
    return refusal;
  store_delete (emulator, module, id, request->user_id);
  if (setting_on (emulator, "delete_permanently"))
    store_purge (emulator, module, id);
  return entry_success ("record deleted", json_pack ("{s:s}", "id", format_id (id, plain)));
}

static bool
refuse_wf_trigger (const Request *request, Reply *reply)
{
  const char *text = request_query (request, "wf_trigger");

  if (text == NULL || *text == '\0' || strcmp (text, "true") == 0 || strcmp (text, "false") == 0)
    return false;
  reply_error (reply, 400, "INVALID_DATA", "invalid data",
               json_pack ("{s:s, s:s}", "param_name", "wf_trigger", "expected_data_type", "boolean"));
  return true;
}

static void
handle_delete_many (Emulator *emulator, const Request *request, Reply *reply)
{
  Module *module = schema_module (emulator, request_segment (request, 0));
  json_auto_t *ids = NULL;
  json_t *entries;
  json_t *text;
  size_t index;

  if (refuse_permission (reply, module->deletable, "Delete", module) || refuse_wf_trigger (request, reply))
    return;
  ids = payload_ids (request, reply, MOST_ROWS);
  if (ids == NULL)
    return;
  entries = json_array ();
  json_array_foreach (ids, index, text)
    {
      const char *name = json_string_value (text);
      uint64_t id = request_record (emulator, request, module, name);

      json_array_append_new (entries, delete_entry (emulator, request, module, id, name));
    }
  reply_entries (reply, "data", entries, 200);
}

/* One record by path: an unknown one is an error of the call, not of a row. */
static void
handle_delete_one (Emulator *emulator, const Request *request, Reply *reply)
{
  Module *module = schema_module (emulator, request_segment (request, 0));
  const char *text = request_segment (request, 1);
  uint64_t id = request_record (emulator, request, module, text);
  json_t *entries;

  if (refuse_permission (reply, module->deletable, "Delete", module) || refuse_wf_trigger (request, reply))
    return;
  if (id == 0)
    {
      reply_unknown_record (emulator, reply, "record not deleted");
      return;
    }
  entries = json_array ();
  json_array_append_new (entries, delete_entry (emulator, request, module, id, text));
  reply_entries (reply, "data", entries, 200);
}

const Route write_routes[] = {
  { "POST", "Leads/{id}/actions/convert", "modules.leads.CREATE", 5, ROUTE_WRITES | ROUTE_HEAVY, NULL, handle_convert },
  { "POST", "{module}/{id}/actions/clone", "modules.{module}.CREATE", 1, ROUTE_WRITES, NULL, handle_clone },
  { "POST", "{module}/actions/add_tags", "modules.{module}.UPDATE", 1, ROUTE_WRITES, "module,ids,tag_names,over_write",
    handle_add_tags },
  { "POST", "{module}/{id}/actions/add_tags", "modules.{module}.UPDATE", 1, ROUTE_WRITES, "tag_names,over_write",
    handle_add_tags },
  { "POST", "{module}/actions/remove_tags", "modules.{module}.UPDATE", 1, ROUTE_WRITES, "module,ids,tag_names",
    handle_remove_tags },
  { "POST", "{module}/{id}/actions/remove_tags", "modules.{module}.UPDATE", 1, ROUTE_WRITES, "tag_names",
    handle_remove_tags },
  { "GET", "settings/tags", "settings.tags.READ", 1, 0, "module,my_tags,include", handle_list_tags },
  { "POST", "settings/tags", "settings.tags.CREATE", 1, ROUTE_WRITES, "module,color_code", handle_create_tags },
  { "PUT", "settings/tags", "settings.tags.UPDATE", 1, ROUTE_WRITES, "module", handle_update_tags },
  { "PUT", "settings/tags/{id}", "settings.tags.UPDATE", 1, ROUTE_WRITES, "module", handle_update_tags },
  { "GET", "settings/recycle_bin", "settings.recycle_bin.READ", 1, 0, "page,per_page", handle_list_bin },
  { "GET", "settings/recycle_bin/{id}", "settings.recycle_bin.READ", 1, 0, NULL, handle_list_bin },
  { "DELETE", "settings/recycle_bin", "settings.recycle_bin.DELETE", 1, ROUTE_WRITES, "ids", handle_purge },
  { "DELETE", "settings/recycle_bin/{id}", "settings.recycle_bin.DELETE", 1, ROUTE_WRITES, NULL, handle_purge },
  { "POST", "settings/recycle_bin/{id}/actions/restore", "settings.recycle_bin.CREATE", 1, ROUTE_WRITES, NULL,
    handle_restore },
  { "POST", "{module}/upsert", "modules.{module}.CREATE,modules.{module}.UPDATE", 1, ROUTE_WRITES, NULL, handle_upsert },
  { "POST", "{module}", "modules.{module}.CREATE", 1, ROUTE_WRITES, NULL, handle_insert },
  { "PUT", "{module}", "modules.{module}.UPDATE", 1, ROUTE_WRITES, NULL, handle_update_many },
  { "DELETE", "{module}", "modules.{module}.DELETE", 1, ROUTE_WRITES, "ids,wf_trigger", handle_delete_many },
  { "PUT", "{module}/{id}", "modules.{module}.UPDATE", 1, ROUTE_WRITES, NULL, handle_update_one },
  { "DELETE", "{module}/{id}", "modules.{module}.DELETE", 1, ROUTE_WRITES, "wf_trigger", handle_delete_one },
  { "PUT", "{module}/{id}/{list}", "modules.{module}.UPDATE", 1, ROUTE_WRITES, NULL, handle_link },
  { "PUT", "{module}/{id}/{list}/{id}", "modules.{module}.UPDATE", 1, ROUTE_WRITES, NULL, handle_link },
  { "DELETE", "{module}/{id}/{list}", "modules.{module}.UPDATE", 1, ROUTE_WRITES, "ids", handle_delink },
  { "DELETE", "{module}/{id}/{list}/{id}", "modules.{module}.UPDATE", 1, ROUTE_WRITES, NULL, handle_delink },
  { 0 },
};
