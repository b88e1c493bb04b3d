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

/* Modules and fields are looked at again this much less often than records. */
#define LIFETIME_TTLS 15
#define LIFETIME_MIN_US (15 * CLOCK_SECOND_US)
#define LIFETIME_MAX_US (900 * CLOCK_SECOND_US)

static int64_t
good_until (const Store *store)
{
  return clock_now_us () + CLAMP (store->config.ttl_us * LIFETIME_TTLS, LIFETIME_MIN_US, LIFETIME_MAX_US);
}

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
  module->rows = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  module->table = table_new ();
  module->batches = g_ptr_array_new ();
  module->version = 1;
  module->count = -1;
  return module;
}

void
module_free (StoreModule *module)
{
  if (module == NULL)
    return;
  load_free (module->load);
  refresh_free (module->refresh);
  idsweep_free (module);
  batches_free (module);
  table_free (module->table);
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
module_note_row (StoreModule *module, uint64_t id, uint64_t record, int64_t mtime)
{
  RowKnown row = { id, record, mtime, store_is_unsettled (module->store, mtime) };
  const RowKnown *known = module_row (module, id);

  if (known != NULL && known->record == record && known->mtime == mtime && known->unsettled == row.unsettled)
    return;
  g_hash_table_replace (module->rows, g_memdup2 (&row, sizeof row), NULL);
  index_put_row (module, &row);
}

const RowKnown *
module_row (const StoreModule *module, uint64_t row)
{
  gpointer known = NULL;

  g_hash_table_lookup_extended (module->rows, &row, &known, NULL);
  return known;
}

void
module_forget_row (StoreModule *module, uint64_t row)
{
  if (g_hash_table_remove (module->rows, &row))
    index_remove_row (module, row);
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
  /* A module may be given another API name; module_name is what Zoho itself calls it. */
  if (module->display_field == NULL && json_get_text (row, "module_name") != NULL)
    module->display_field = g_strdup (schema_display_field (json_get_text (row, "module_name")));
  if (is_directory (row) && module->kind == MODULE_RECORDS)
    g_ptr_array_add (store->listed, module);
}

static void
take_modules (Store *store, json_t *rows)
{
  g_autoptr (GPtrArray) before = g_ptr_array_copy (store->listed, NULL, NULL);
  bool changed;
  size_t index;
  json_t *row;

  g_ptr_array_set_size (store->listed, 0);
  json_array_foreach (rows, index, row)
    take_module (store, row);
  g_ptr_array_sort (store->listed, compare_modules);
  changed = before->len != store->listed->len;
  for (guint i = 0; i < before->len; i++)
    if (!g_ptr_array_find (store->listed, before->pdata[i], NULL))
      {
        store_tell (store, NEWS_MODULE_GONE, before->pdata[i], 0, NULL);
        changed = true;
      }
  if (changed && store->modules_known)
    store_tell (store, NEWS_MODULES, NULL, 0, NULL);
}

static void
on_modules (json_t *rows, const GError *error, void *data)
{
  g_autofree ModulesCall *call = data;
  Store *store = call->store;

  call_begin (store, &call->ticket);
  store->modules_flying = false;
  if (rows != NULL)
    {
      take_modules (store, rows);
      store->modules_known = true;
      store->modules_until_us = good_until (store);
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

void
catalog_look_again (Store *store, StoreWait *wait, ClientPriority priority)
{
  if (!store->modules_flying && clock_now_us () >= store->modules_until_us && !wait_is_cached_only (wait))
    modules_send (store, priority);
}

StoreState
catalog_modules (Store *store, StoreWait *wait, GError **error)
{
  if (wait_failed (wait, error))
    return STORE_FAILED;
  catalog_look_again (store, wait, wait->priority);
  /* Known modules change so rarely that nobody waits for the next look. */
  if (store->modules_known)
    return STORE_READY;
  return wait_refused (wait, error) ? STORE_FAILED : bell_wait (&store->modules_landed, wait);
}

/* Of the profile of who is signed in. */
static bool
has_right (const StoreModule *module, const char *right)
{
  return !json_is_false (json_object_get (module->metadata, right));
}

StoreRights
store_module_rights (StoreModule *module)
{
  StoreRights rights = { 0 };

  if (module->kind == MODULE_USERS)
    return rights;
  store_lock (module->store);
  rights.create = has_right (module, "creatable");
  rights.update = has_right (module, "editable");
  rights.delete = has_right (module, "deletable");
  store_unlock (module->store);
  return rights;
}

/* ---- fields ----------------------------------------------------------------------------------------------------- */

/* Documents of the old schema would be missing a field, or have one too many: the listing is read anew. */
static void
replace_schema (StoreModule *module, Schema *schema)
{
  if (module->schema != NULL)
    {
      g_ptr_array_add (module->old_schemas, module->schema);
      g_clear_pointer (&module->load, load_free);
      idsweep_free (module);
      if (module->listing != LISTING_RESTORING)
        module->listing = LISTING_UNLISTED;
    }
  module->schema = schema;
}

static bool
same_documents (const StoreModule *module, const Schema *schema)
{
  for (guint i = 0; i < schema->deep->len && i < module->schema->deep->len; i++)
    ((DeepField *)schema->deep->pdata[i])->schema = ((DeepField *)module->schema->deep->pdata[i])->schema;
  return schema_digest (module->schema) == schema_digest (schema);
}

static void
take_fields (StoreModule *module, json_t *all)
{
  g_autoptr (json_t) rows = catalog_shown (module, all);
  Schema *schema;

  if (module->fields != NULL && json_equal (module->fields, rows))
    return;
  g_clear_pointer (&module->fields, json_decref);
  module->fields = json_incref (rows);
  schema = schema_new (module->name, module->display_field, module->fields);
  /* Most changes of metadata (a picklist's values, a title) change no document. */
  if (module->schema != NULL && same_documents (module, schema))
    schema_free (schema);
  else
    replace_schema (module, schema);
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
      module->schema_until_us = good_until (store);
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
fields_ask (StoreModule *module, StoreWait *wait)
{
  if (!module->schema_flying && (module->schema == NULL || clock_now_us () >= module->schema_until_us)
      && !wait_is_cached_only (wait))
    fields_send (module, wait->priority);
}

/* READY: they are known, and asked for no longer. */
static StoreState
fields_wait (StoreModule *module, StoreWait *wait, GError **error)
{
  if (module->schema != NULL && (!module->schema_flying || module->schema_until_us > clock_now_us ()))
    return STORE_READY;
  if (module->schema != NULL && wait_is_cached_only (wait))
    return STORE_READY;
  return wait_refused (wait, error) ? STORE_FAILED : bell_wait (&module->schema_landed, wait);
}

/* The module of @deep's rows; NULL for a linking module, of which the parent's own metadata tells all that is
 * needed. */
static StoreModule *
rows_module (const StoreModule *module, const DeepField *deep)
{
  return deep->connected == NULL ? module_of (module->store, deep->module) : NULL;
}

/* Were the fields of a subform replaced since the module's schema was made? */
static bool
deep_is_old (const StoreModule *module)
{
  for (guint i = 0; i < module->schema->deep->len; i++)
    {
      const DeepField *deep = module->schema->deep->pdata[i];
      const StoreModule *rows = rows_module (module, deep);

      if (rows != NULL && deep->schema != NULL && rows->schema != deep->schema)
        return true;
    }
  return false;
}

bool
catalog_hides (const StoreModule *module, const char *field)
{
  const StoreConfig *config = &module->store->config;

  return config->hides != NULL && config->hides (config->hides_data, module->name, field);
}

bool
catalog_hides_label (const StoreModule *module)
{
  const char *field = module->display_field != NULL ? module->display_field : schema_display_field (module->name);

  return catalog_hides (module, field != NULL ? field : "Name");
}

json_t *
catalog_shown (const StoreModule *module, json_t *rows)
{
  json_t *shown = json_array ();
  json_t *row;
  size_t i;

  json_array_foreach (rows, i, row)
    {
      const char *name = json_get_text (row, "api_name");

      if (name == NULL || !catalog_hides (module, name))
        json_array_append_new (shown, json_deep_copy (row));
    }
  return shown;
}

StoreState
catalog_schema (StoreModule *module, StoreWait *wait, GError **error)
{
  StoreState state;

  if (wait_failed (wait, error))
    return STORE_FAILED;
  fields_ask (module, wait);
  state = fields_wait (module, wait, error);
  if (state != STORE_READY)
    return state;
  if (deep_is_old (module))
    replace_schema (module, schema_new (module->name, module->display_field, module->fields));

  for (guint i = 0; i < module->schema->deep->len; i++)
    {
      StoreModule *rows = rows_module (module, module->schema->deep->pdata[i]);

      if (rows != NULL)
        fields_ask (rows, wait);
    }
  for (guint i = 0; i < module->schema->deep->len; i++)
    {
      DeepField *deep = module->schema->deep->pdata[i];
      StoreModule *rows = rows_module (module, deep);

      state = rows != NULL ? fields_wait (rows, wait, error) : STORE_READY;
      if (state != STORE_READY)
        return state;
      if (rows != NULL)
        deep->schema = rows->schema;
    }
  return STORE_READY;
}
