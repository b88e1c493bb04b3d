/* The metadata texts below /.zohofs: the org, and of each module its row, fields, related lists and JSON Schema. */
#include "model/private.h"

#include "base/error.h"

#include <string.h>

typedef struct
{
  Store *store;
  StoreModule *module; /* NULL: the org */
  uint64_t ticket;
} TextCall;

static GBytes *
text_of (const json_t *value)
{
  GString *text = g_string_new (NULL);

  json_write (value, text);
  return g_string_free_to_bytes (text);
}

static void
on_text (json_t *rows, const GError *error, void *data)
{
  g_autofree TextCall *call = data;
  Store *store = call->store;
  StoreModule *module = call->module;

  call_begin (store, &call->ticket);
  if (module == NULL)
    {
      store->org_flying = false;
      if (rows != NULL && json_array_size (rows) > 0)
        store->org = json_deep_copy (json_array_get (rows, 0));
      bell_ring (store, &store->org_landed, error);
    }
  else
    {
      module->related_flying = false;
      if (rows != NULL)
        module->related_lists = json_deep_copy (rows);
      bell_ring (store, &module->related_landed, error);
    }
  call_end (store);
}

static TextCall *
text_call (Store *store, StoreModule *module)
{
  TextCall *call = g_new0 (TextCall, 1);

  call->store = store;
  call->module = module;
  return call;
}

static StoreState
bring_org (Store *store, StoreWait *wait)
{
  if (store->org != NULL)
    return STORE_READY;
  if (!store->org_flying)
    {
      TextCall *call = text_call (store, NULL);

      store->org_flying = true;
      call->ticket = metadata_org (store->config.client, wait->priority, on_text, call);
      call_sent (store, call->ticket);
    }
  return bell_wait (&store->org_landed, wait);
}

StoreState
texts_related_lists (StoreModule *module, StoreWait *wait, GError **error)
{
  if (wait_failed (wait, error))
    return STORE_FAILED;
  if (module->related_lists != NULL)
    return STORE_READY;
  if (!module->related_flying)
    {
      TextCall *call = text_call (module->store, module);

      module->related_flying = true;
      call->ticket
          = metadata_related_lists (module->store->config.client, module->name, wait->priority, on_text, call);
      call_sent (module->store, call->ticket);
    }
  return bell_wait (&module->related_landed, wait);
}

/* ---- JSON Schema ------------------------------------------------------------------------------------------------ */

/* doc/api-notes.md: what a value of a data type looks like. @type is JSON Schema's; @format and @pattern may be NULL. */
static const struct
{
  const char *data_type, *type, *format, *pattern;
} shapes[] = {
  { "boolean", "boolean", NULL, NULL },
  { "integer", "integer", NULL, NULL },
  { "bigint", "string", NULL, "^-?[0-9]{1,18}$" },
  { "double", "number", NULL, NULL },
  { "currency", "number", NULL, NULL },
  { "percent", "number", NULL, NULL },
  { "date", "string", "date", NULL },
  { "datetime", "string", "date-time", NULL },
  { "lookup", "object", NULL, NULL },
  { "ownerlookup", "object", NULL, NULL },
  { "userlookup", "object", NULL, NULL },
  { "layout", "object", NULL, NULL },
  { "multi_module_lookup", "object", NULL, NULL },
  { "multiselectpicklist", "array", NULL, NULL },
  { "multiselectlookup", "array", NULL, NULL },
  { "multiuserlookup", "array", NULL, NULL },
  { "subform", "array", NULL, NULL },
  { "fileupload", "array", NULL, NULL },
  { "imageupload", "array", NULL, NULL },
  { "text", "string", NULL, NULL },
  { "textarea", "string", NULL, NULL },
  { "email", "string", NULL, NULL },
  { "phone", "string", NULL, NULL },
  { "website", "string", NULL, NULL },
  { "picklist", "string", NULL, NULL },
  { "autonumber", "string", NULL, NULL },
  { "profileimage", "string", NULL, NULL },
};

static bool
is_writable (const json_t *field)
{
  const json_t *operations = json_object_get (field, "operation_type");

  return json_is_true (json_object_get (operations, "api_update")) || json_is_true (json_object_get (operations, "api_create"));
}

static json_t *
property_of (const json_t *field)
{
  json_t *property = json_object ();
  const char *type = json_get_text (field, "data_type"), *label = json_get_text (field, "field_label");
  json_int_t length = json_integer_value (json_object_get (field, "length"));
  /* Zoho shows tags, a text by its metadata, as an array. */
  bool plain = type != NULL && g_strcmp0 (json_get_text (field, "json_type"), "jsonarray") != 0;

  if (label != NULL)
    json_object_set_new (property, "title", json_from_text (label));
  for (size_t i = 0; type != NULL && i < G_N_ELEMENTS (shapes); i++)
    if (strcmp (shapes[i].data_type, type) == 0 && (plain || strcmp (shapes[i].type, "array") == 0))
      {
        json_object_set_new (property, "type", json_pack ("[s, s]", shapes[i].type, "null"));
        if (shapes[i].format != NULL)
          json_object_set_new (property, "format", json_string (shapes[i].format));
        if (shapes[i].pattern != NULL)
          json_object_set_new (property, "pattern", json_string (shapes[i].pattern));
        if (strcmp (shapes[i].type, "string") == 0 && length > 0 && shapes[i].pattern == NULL)
          json_object_set_new (property, "maxLength", json_integer (length));
      }
  if (!is_writable (field))
    json_object_set_new (property, "readOnly", json_true ());
  return property;
}

static json_t *
json_schema (const StoreModule *module)
{
  json_t *properties = json_object ();
  size_t index;
  json_t *field;

  json_object_set_new (properties, "id", json_pack ("{s:s, s:s}", "type", "string", "pattern", "^[0-9]{1,19}$"));
  json_array_foreach (module->fields, index, field)
    {
      const char *name = json_get_text (field, "api_name");

      if (name != NULL && g_hash_table_contains (module->schema->known, name))
        json_object_set_new (properties, name, property_of (field));
    }
  return json_pack ("{s:s, s:s, s:s, s:o}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
                    module->name, "type", "object", "properties", properties);
}

/* Lock held. A new reference, or NULL with @state. */
static json_t *
bring_text (Store *store, StoreText what, StoreModule *module, StoreWait *wait, StoreState *state, GError **error)
{
  switch (what)
    {
    case STORE_TEXT_ORG:
      *state = bring_org (store, wait);
      return *state == STORE_READY ? json_incref (store->org) : NULL;
    case STORE_TEXT_MODULE:
      *state = STORE_READY;
      return module->metadata != NULL ? json_incref (module->metadata) : json_object ();
    case STORE_TEXT_RELATED_LISTS:
      *state = texts_related_lists (module, wait, error);
      return *state == STORE_READY ? json_incref (module->related_lists) : NULL;
    case STORE_TEXT_FIELDS:
      *state = catalog_schema (module, wait, error);
      return *state == STORE_READY ? json_incref (module->fields) : NULL;
    case STORE_TEXT_SCHEMA:
      *state = catalog_schema (module, wait, error);
      return *state == STORE_READY ? json_schema (module) : NULL;
    }
  g_assert_not_reached ();
}

StoreState
store_text (Store *store, StoreText what, StoreModule *module, StoreWait *wait, GBytes **text, GError **error)
{
  StoreState state = STORE_FAILED;
  json_t *value = NULL;

  store_lock (store);
  if (store->stopping)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_CANCELLED, "The mount is ending");
  else if (!wait_failed (wait, error))
    value = bring_text (store, what, module, wait, &state, error);
  if (value != NULL)
    *text = text_of (value);
  json_decref (value);
  store_unlock (store);
  return state;
}
