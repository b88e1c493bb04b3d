/* Which modules an org has and what their documents consist of. */
#include "model/private.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

typedef struct
{
  StoreModule *module;
  uint64_t ticket;
} FieldsCall;

typedef struct
{
  Store *store;
  uint64_t ticket;
} ModulesCall;

static void
schema_release (gpointer data)
{
  schema_free (data);
}

StoreModule *
module_new (Store *store, ModuleKind kind, const char *name, uint64_t number)
{
  StoreModule *module = g_new0 (StoreModule, 1);

  module->store = store;
  module->kind = kind;
  module->name = g_strdup (name);
  module->number = number;
  module->old_schemas = g_ptr_array_new_with_free_func (schema_release);
  module->flights = g_hash_table_new (g_int64_hash, g_int64_equal);
  module->missing = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  module->deleted = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  module->rows = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  table_init (module);
  return module;
}

void
module_free (StoreModule *module)
{
  if (module == NULL)
    return;
  load_free (module->load);
  refresh_free (module->refresh);
  table_clear (module);
  g_hash_table_unref (module->flights);
  g_hash_table_unref (module->missing);
  g_hash_table_unref (module->deleted);
  g_hash_table_unref (module->rows);
  g_clear_pointer (&module->metadata, json_decref);
  g_clear_pointer (&module->fields, json_decref);
  g_clear_pointer (&module->related_lists, json_decref);
  schema_free (module->schema);
  g_ptr_array_unref (module->old_schemas);
  g_free (module->display_field);
  g_free (module->name);
  g_free (module);
}

void
module_note_rows (StoreModule *module, uint64_t id, const json_t *rows)
{
  size_t index;
  json_t *row;

  json_array_foreach (rows, index, row)
    {
      uint64_t number = row_id (row);
      RowKnown known = { id, row_modified (row) };

      if (number != 0)
        g_hash_table_insert (module->rows, g_memdup2 (&number, sizeof number), g_memdup2 (&known, sizeof known));
    }
}

/* ---- modules ---------------------------------------------------------------------------------------------------- */

/* doc/api-notes.md: what can be a directory. */
static bool
is_directory (const json_t *row)
{
  const char *type = json_get_text (row, "generated_type");
  const char *status = json_get_text (row, "status");

  return json_is_true (json_object_get (row, "api_supported")) && json_is_true (json_object_get (row, "viewable"))
         && type != NULL && (strcmp (type, "default") == 0 || strcmp (type, "custom") == 0)
         && (status == NULL || strcmp (status, "visible") == 0);
}

static StoreModule *
module_of (Store *store, const char *name)
{
  StoreModule *module = g_hash_table_lookup (store->modules, name);

  if (module == NULL)
    {
      module = module_new (store, MODULE_RECORDS, name, 0);
      g_hash_table_insert (store->modules, module->name, module);
    }
  return module;
}

static int
compare_modules (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(StoreModule *const *)a)->name, (*(StoreModule *const *)b)->name);
}

static void
take_module (Store *store, json_t *row)
{
  const char *name = json_get_text (row, "api_name");
  const json_t *display = json_object_get (row, "display_field");
  StoreModule *module;
  uint64_t number = 0;

  /* Users has its own directory; a module of that name would hide it. */
  if (name == NULL || strcmp (name, "Users") == 0)
    return;
  module = module_of (store, name);
  if (json_get_text (row, "id") != NULL && names_parse_id (json_get_text (row, "id"), &number))
    module->number = number;
  g_clear_pointer (&module->metadata, json_decref);
  module->metadata = json_deep_copy (row);
  g_free (module->display_field);
  module->display_field = g_strdup (json_is_object (display) ? json_get_text (display, "api_name") : json_text (display));
  if (is_directory (row))
    g_ptr_array_add (store->listed, module);
}

static void
on_modules (json_t *rows, const GError *error, void *data)
{
  g_autofree ModulesCall *call = data;
  Store *store = call->store;
  size_t index;
  json_t *row;

  call_begin (store, &call->ticket);
  store->modules_flying = false;
  if (rows != NULL)
    {
      g_ptr_array_set_size (store->listed, 0);
      json_array_foreach (rows, index, row)
        take_module (store, row);
      g_ptr_array_sort (store->listed, compare_modules);
      store->modules_known = true;
      store->modules_until_us = clock_now_us () + SCHEMA_TTL_US;
    }
  else if (store->modules_known)
    store->modules_until_us = clock_now_us () + store->config.ttl_us;
  bell_ring (store, &store->modules_landed, store->modules_known ? NULL : error);
  call_end (store);
}

static void
modules_send (Store *store, ClientPriority priority)
{
  ModulesCall *call = g_new0 (ModulesCall, 1);

  call->store = store;
  store->modules_flying = true;
  call->ticket = metadata_modules (store->config.client, priority, on_modules, call);
  call_sent (store, call->ticket);
}

StoreState
catalog_modules (Store *store, StoreWait *wait, GError **error)
{
  if (wait_failed (wait, error))
    return STORE_FAILED;
  if (!store->modules_flying && (!store->modules_known || clock_now_us () >= store->modules_until_us))
    modules_send (store, wait->priority);
  /* Known modules change so rarely that nobody waits for the next look. */
  return store->modules_known ? STORE_READY : bell_wait (&store->modules_landed, wait);
}

/* ---- fields ----------------------------------------------------------------------------------------------------- */

static bool
same_fields (const json_t *old_rows, const json_t *new_rows)
{
  return old_rows != NULL && json_equal (old_rows, new_rows);
}

/* Documents of the old schema would be missing a field, or have one too many: the listing is read anew. */
static void
take_fields (StoreModule *module, json_t *rows)
{
  if (same_fields (module->fields, rows))
    return;
  if (module->schema != NULL)
    {
      g_ptr_array_add (module->old_schemas, module->schema);
      g_clear_pointer (&module->load, load_free);
      module->listing = LISTING_UNLISTED;
    }
  module->schema = schema_new (module->name, module->display_field, rows);
  g_clear_pointer (&module->fields, json_decref);
  module->fields = json_deep_copy (rows);
}

static void
on_fields (json_t *rows, const GError *error, void *data)
{
  g_autofree FieldsCall *call = data;
  StoreModule *module = call->module;
  Store *store = module->store;

  call_begin (store, &call->ticket);
  module->schema_flying = false;
  if (rows != NULL)
    {
      take_fields (module, rows);
      module->schema_until_us = clock_now_us () + SCHEMA_TTL_US;
    }
  else if (module->schema != NULL)
    module->schema_until_us = clock_now_us () + store->config.ttl_us;
  bell_ring (store, &module->schema_landed, module->schema != NULL ? NULL : error);
  call_end (store);
}

static void
fields_send (StoreModule *module, ClientPriority priority)
{
  FieldsCall *call = g_new0 (FieldsCall, 1);

  call->module = module;
  module->schema_flying = true;
  call->ticket = metadata_fields (module->store->config.client, module->name, priority, on_fields, call);
  call_sent (module->store, call->ticket);
}

/* Asks for the fields of @module when they are not known or old. */
static void
fields_ask (StoreModule *module, ClientPriority priority)
{
  if (!module->schema_flying && (module->schema == NULL || clock_now_us () >= module->schema_until_us))
    fields_send (module, priority);
}

StoreState
catalog_schema (StoreModule *module, StoreWait *wait, GError **error)
{
  if (wait_failed (wait, error))
    return STORE_FAILED;
  fields_ask (module, wait->priority);
  if (module->schema == NULL)
    return bell_wait (&module->schema_landed, wait);

  for (guint i = 0; i < module->schema->deep->len; i++)
    {
      DeepField *deep = module->schema->deep->pdata[i];

      /* Of a linking module the parent's own metadata tells all that is needed. */
      if (deep->connected == NULL && deep->schema == NULL)
        fields_ask (module_of (module->store, deep->module), wait->priority);
    }
  for (guint i = 0; i < module->schema->deep->len; i++)
    {
      DeepField *deep = module->schema->deep->pdata[i];
      StoreModule *rows = deep->connected == NULL ? module_of (module->store, deep->module) : NULL;

      if (rows != NULL && rows->schema == NULL)
        return bell_wait (&rows->schema_landed, wait);
      if (rows != NULL)
        deep->schema = rows->schema;
    }
  return STORE_READY;
}
