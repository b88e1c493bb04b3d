/* The tests' side door, /_emulator/...: what was asked, knobs, faults, and changes made by somebody else. Never
 * counted, never slowed down, never faulty. */
#include <string.h>

#include "core.h"

typedef void (*AdminHandler) (Emulator *emulator, const Request *request, const json_t *body, Reply *reply);

static void
refuse (Reply *reply, const char *message)
{
  reply_json (reply, 400, json_pack ("{s:s}", "error", message));
}

static void
done (Reply *reply)
{
  reply_json (reply, 200, json_pack ("{s:s}", "status", "success"));
}

static const char *
text_at (const json_t *body, const char *key)
{
  return json_string_value (json_object_get (body, key));
}

static bool
flag_at (const json_t *body, const char *key, bool otherwise)
{
  const json_t *value = json_object_get (body, key);

  return json_is_boolean (value) ? json_is_true (value) : otherwise;
}

/* From the body, or the query. NULL: refused. */
static Module *
module_at (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  const char *name = text_at (body, "module");
  Module *module = schema_module (emulator, name == NULL ? request_query (request, "module") : name);

  if (module == NULL)
    refuse (reply, "no such module");
  return module;
}

static bool
id_at (const Request *request, const json_t *body, uint64_t *id)
{
  const json_t *value = json_object_get (body, "id");

  if (json_is_integer (value) && json_integer_value (value) > 0)
    {
      *id = (uint64_t) json_integer_value (value);
      return true;
    }
  return parse_id (json_is_string (value) ? json_string_value (value) : request_query (request, "id"), id);
}

/* Who did it: a user's id, "me", or somebody else. */
static const char *
by_at (const json_t *body)
{
  const char *by = text_at (body, "by");

  if (g_strcmp0 (by, "me") == 0)
    return ME_ID;
  return users_find (by) != NULL ? by : OTHER_ID;
}

/* ---- what was asked ---------------------------------------------------------------------------------------------- */

static void
admin_requests (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  const char *since = request_query (request, "since");

  reply_bytes (reply, 200, NULL, NULL,
               g_string_free_to_bytes (ledger_requests (since == NULL ? 0 : g_ascii_strtoull (since, NULL, 10),
                                                        request_query (request, "bodies") != NULL)));
}

static void
admin_stats (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  json_t *stats = ledger_stats (emulator);

  json_object_set_new (stats, "token_calls", json_integer (oauth_calls ()));
  reply_json (reply, 200, stats);
}

/* {"only": "log"}: log and counters; else everything is as at the start. */
static void
admin_reset (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  if (g_strcmp0 (text_at (body, "only"), "log") == 0)
    {
      ledger_reset ();
      oauth_reset (emulator, false);
    }
  else
    emulator_reset (emulator);
  done (reply);
}

static void
set_knob (const char *name, const json_t *value)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (json_is_string (value))
    {
      setting_set (name, json_string_value (value));
      return;
    }
  json_write (text, value);
  setting_set (name, json_is_null (value) ? "" : text->str);
}

static void
admin_settings (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *) body, name, value)
    {
      if (strcmp (name, "advance_s") == 0)
        emulator->offset_s += json_integer_value (value);
      else
        set_knob (name, value);
    }
  store_age (emulator);
  reply_json (reply, 200, settings_json ());
}

static void
admin_get_settings (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  reply_json (reply, 200, settings_json ());
}

static void
admin_faults (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  g_autoptr (GError) error = NULL;

  if (!json_is_array (body) && !json_is_object (body))
    refuse (reply, "an array of faults is needed");
  else if (!faults_set (body, &error))
    refuse (reply, error->message);
  else
    done (reply);
}

static void
admin_get_faults (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  reply_json (reply, 200, faults_json ());
}

static void
admin_expire_tokens (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  oauth_expire_all ();
  done (reply);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static void
admin_edit (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *module = module_at (emulator, request, body, reply);
  json_t *values = json_object_get (body, json_object_get (body, "set") == NULL ? "fields" : "set");
  uint64_t id;

  if (module == NULL)
    return;
  if (!json_is_object (values) || !id_at (request, body, &id)
      || !store_set (emulator, module, id, json_deep_copy (values), by_at (body), flag_at (body, "touch", true)))
    refuse (reply, "no such record, or nothing to set");
  else
    done (reply);
}

static void
admin_create (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *module = module_at (emulator, request, body, reply);
  const json_t *given = json_object_get (body, json_object_get (body, "record") == NULL ? "fields" : "record");
  json_t *record;
  char text[24];

  if (module == NULL)
    return;
  record = json_object ();
  for (unsigned i = 1; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];
      bool many = field_is_deep (field) || strcmp (field->data_type, "multiselectpicklist") == 0
                  || strcmp (field->data_type, "fileupload") == 0 || strcmp (field->api_name, "Tag") == 0;

      json_object_set_new (record, field->api_name,
                           many                                        ? json_array ()
                           : strcmp (field->data_type, "boolean") == 0 ? json_false ()
                                                                       : json_null ());
    }
  if (module_field (module, "Owner") != NULL)
    json_object_set_new (record, "Owner", user_ref (emulator, by_at (body)));
  if (json_is_object (given))
    json_object_update_new (record, json_deep_copy (given));
  reply_json (reply, 201,
              json_pack ("{s:s}", "id", format_id (store_insert (emulator, module, record, by_at (body)), text)));
}

static void
admin_delete (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *module = module_at (emulator, request, body, reply);
  uint64_t id;

  if (module == NULL)
    return;
  if (!id_at (request, body, &id) || !store_delete (emulator, module, id, by_at (body)))
    {
      refuse (reply, "no such record");
      return;
    }
  if (flag_at (body, "permanent", false))
    store_purge (emulator, module, id);
  done (reply);
}

static void
admin_restore (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *module = module_at (emulator, request, body, reply);
  uint64_t id;

  if (module == NULL)
    return;
  if (!id_at (request, body, &id) || !store_restore (emulator, module, id))
    refuse (reply, "not in the recycle bin");
  else
    done (reply);
}

/* The lead leaves the default list; what a conversion makes elsewhere is not made. */
static void
admin_convert (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *leads = schema_module (emulator, "Leads");
  uint64_t id;

  if (!id_at (request, body, &id)
      || !store_set (emulator, leads, id, json_pack ("{s:b, s:b}", "$converted", true, "Converted__s", true),
                     by_at (body), true))
    refuse (reply, "no such lead");
  else
    done (reply);
}

/* {"module", "id", "hidden": true}: as after a change of rights. */
static void
admin_hide (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *module = module_at (emulator, request, body, reply);
  uint64_t id;

  if (module == NULL)
    return;
  if (!id_at (request, body, &id) || !store_hide (emulator, module, id, flag_at (body, "hidden", true)))
    refuse (reply, "no such record");
  else
    done (reply);
}

static void
admin_record (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *module = module_at (emulator, request, body, reply);
  json_t *record;
  uint64_t id;

  if (module == NULL)
    return;
  record = id_at (request, body, &id) ? store_get (emulator, module, id) : NULL;
  if (record == NULL)
    reply_json (reply, 404, json_pack ("{s:s}", "error", "no such record"));
  else
    reply_json (reply, 200, record);
}

/* Ascending; ?count=N: only the first N. */
static void
admin_ids (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *module = module_at (emulator, request, body, reply);
  const char *text = request_query (request, "count");
  uint64_t count = text == NULL ? UINT64_MAX : g_ascii_strtoull (text, NULL, 10);
  GString *out;

  if (module == NULL)
    return;
  out = g_string_new ("[");
  for (uint64_t id = store_next (emulator, module, 0); id != 0 && count-- > 0; id = store_next (emulator, module, id))
    g_string_append_printf (out, "%s\"%" G_GUINT64_FORMAT "\"", out->len > 1 ? "," : "", id);
  g_string_append_c (out, ']');
  reply_bytes (reply, 200, NULL, NULL, g_string_free_to_bytes (out));
}

/* ---- metadata ---------------------------------------------------------------------------------------------------- */

/* {"module", "add": "Name type:length flags >Target =A|B"} or {"module", "field", "visible", "mandatory", "api_name"}.
 */
static void
admin_field (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *module = module_at (emulator, request, body, reply);
  const char *definition = text_at (body, "add");
  const char *name = text_at (body, "field");
  const char *new_name = text_at (body, "api_name");
  Field *field;

  if (module == NULL)
    return;
  field = definition != NULL ? schema_add_field (emulator, module, definition)
          : name != NULL     ? module_field (module, name)
                             : NULL;
  if (field == NULL)
    {
      refuse (reply, "no such field, or no sound definition");
      return;
    }
  field->visible = flag_at (body, "visible", field->visible);
  field->mandatory = flag_at (body, "mandatory", field->mandatory);
  field->unique = flag_at (body, "unique", field->unique);
  field->computed = flag_at (body, "computed", field->computed);
  if (new_name != NULL)
    {
      g_free (field->api_name);
      field->api_name = g_strdup (new_name);
    }
  done (reply);
}

/* {"module", "api_name": new, "viewable", "editable", "creatable", "deletable", "api_supported", "status"}. */
static void
admin_module (Emulator *emulator, const Request *request, const json_t *body, Reply *reply)
{
  Module *module = module_at (emulator, request, body, reply);
  const char *name = text_at (body, "api_name");
  const char *status = text_at (body, "status");

  if (module == NULL)
    return;
  module->viewable = flag_at (body, "viewable", module->viewable);
  module->creatable = flag_at (body, "creatable", module->creatable);
  module->editable = flag_at (body, "editable", module->editable);
  module->deletable = flag_at (body, "deletable", module->deletable);
  module->api_supported = flag_at (body, "api_supported", module->api_supported);
  if (status != NULL)
    {
      g_free (module->status);
      module->status = g_strdup (status);
    }
  if (name != NULL && schema_module (emulator, name) == NULL)
    schema_rename (emulator, module, name);
  done (reply);
}

static const struct
{
  const char *method;
  const char *name;
  bool locks;  /* runs under the lock */
  bool writes; /* ... for writing */
  AdminHandler handler;
} doors[] = {
  { "GET", "requests", false, false, admin_requests },
  { "GET", "stats", false, false, admin_stats },
  { "POST", "reset", false, false, admin_reset },
  { "POST", "settings", true, true, admin_settings },
  { "GET", "settings", false, false, admin_get_settings },
  { "POST", "faults", false, false, admin_faults },
  { "GET", "faults", false, false, admin_get_faults },
  { "POST", "expire_tokens", false, false, admin_expire_tokens },
  { "POST", "edit", true, true, admin_edit },
  { "POST", "create", true, true, admin_create },
  { "POST", "delete", true, true, admin_delete },
  { "POST", "restore", true, true, admin_restore },
  { "POST", "convert", true, true, admin_convert },
  { "POST", "hide", true, true, admin_hide },
  { "GET", "record", true, false, admin_record },
  { "GET", "ids", true, false, admin_ids },
  { "POST", "field", true, true, admin_field },
  { "POST", "module", true, true, admin_module },
};

bool
admin_owns (const Request *request)
{
  return g_str_has_prefix (request->path, "/_emulator/");
}

void
admin_answer (Emulator *emulator, Request *request, Reply *reply)
{
  const char *name = request_segment (request, 1);

  if (request->body_size > 0)
    request->json = json_read (request->body, request->body_size);
  if (request->body_size > 0 && request->json == NULL)
    {
      refuse (reply, "the body is not JSON");
      return;
    }
  for (unsigned i = 0; i < G_N_ELEMENTS (doors); i++)
    {
      if (g_strcmp0 (doors[i].name, name) != 0 || strcmp (doors[i].method, request->method) != 0)
        continue;
      if (doors[i].locks)
        pthread_rwlock_rdlock (&emulator->gate);
      if (doors[i].writes)
        pthread_rwlock_wrlock (&emulator->lock);
      else if (doors[i].locks)
        pthread_rwlock_rdlock (&emulator->lock);
      doors[i].handler (emulator, request, request->json, reply);
      if (doors[i].locks)
        {
          pthread_rwlock_unlock (&emulator->lock);
          pthread_rwlock_unlock (&emulator->gate);
        }
      return;
    }
  reply_json (reply, 404, json_pack ("{s:s}", "error", "no such door; see tests/emulator/README.md"));
}
