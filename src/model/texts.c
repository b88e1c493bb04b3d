/* The metadata texts below /.zohofs: the org, and of each module its row, fields, related lists and JSON Schema. */
#include "model/private.h"

#include "base/error.h"
#include "model/json_schema.h"

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
bring_org (Store *store, StoreWait *wait, GError **error)
{
  if (store->org != NULL)
    return STORE_READY;
  if (wait_refused (wait, error))
    return STORE_FAILED;
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
  if (wait_refused (wait, error))
    return STORE_FAILED;
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

static FieldSet *
subform_fields (void *data, const char *name)
{
  const Store *store = data;
  const StoreModule *module = g_hash_table_lookup (store->modules, name);

  return module != NULL && module->fields != NULL ? field_set_new_rows (module->fields) : NULL;
}

static json_t *
schema_of (const StoreModule *module)
{
  g_autoptr (FieldSet) fields = field_set_new (module->fields, subform_fields, module->store);

  return json_schema (module->name, module->fields, fields, module->schema->known);
}

/* Lock held. A new reference, or NULL with @state. */
static json_t *
bring_text (Store *store, StoreText what, StoreModule *module, StoreWait *wait, StoreState *state, GError **error)
{
  switch (what)
    {
    case STORE_TEXT_ORG:
      *state = bring_org (store, wait, error);
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
      return *state == STORE_READY ? schema_of (module) : NULL;
    }
  g_assert_not_reached ();
}

StoreState
store_text (Store *store, StoreText what, StoreModule *module, StoreWait *wait, GBytes **text, GError **error)
{
  StoreState state = STORE_FAILED;
  json_t *value = NULL;

  store_lock (store);
  if (!store_is_stopping (store, error) && !wait_failed (wait, error))
    value = bring_text (store, what, module, wait, &state, error);
  if (value != NULL)
    *text = text_of (value);
  json_decref (value);
  store_unlock (store);
  return state;
}
