/* The door to the model: every question of fs takes the lock here and asks the file that knows. */
#include "model/found_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/queries.h"
#include "model/query_slots.h"

#include <string.h>

/* What was just fetched must outlast the moment until it is read: a batch of large documents. */
#define HOT_BYTES ((size_t)4 << 20)

typedef struct
{
  Store *store;
  uint64_t ticket;
} MeCall;

Store *
store_new (const StoreConfig *config)
{
  Store *store = g_new0 (Store, 1);

  store->config = *config;
  store->began_s = clock_wall_s ();
  pthread_mutex_init (&store->lock, NULL);
  pthread_cond_init (&store->quiet, NULL);
  g_queue_init (&store->outbox);
  store->tickets = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  store->modules = g_hash_table_new (g_str_hash, g_str_equal);
  store->listed = g_ptr_array_new ();
  store->hot = hot_new (HOT_BYTES);
  store->reader = workers_new ("disk-reader", 1);
  store->users = module_new (store, MODULE_USERS, "Users", 0);
  store->notes = notes_new (store);
  store->query_slots = query_slots_new ();
  store->queries = queries_new ();
  return store;
}

void
store_stop (Store *store)
{
  g_autofree uint64_t *tickets = NULL;
  guint size = 0;
  GHashTableIter iter;
  gpointer ticket;

  store_lock (store);
  store->stopping = true;
  tickets = g_new (uint64_t, g_hash_table_size (store->tickets) + 1);
  g_hash_table_iter_init (&iter, store->tickets);
  while (g_hash_table_iter_next (&iter, &ticket, NULL))
    tickets[size++] = *(uint64_t *)ticket;
  store_unlock (store);
  for (guint i = 0; i < size; i++)
    client_cancel (store->config.client, tickets[i]);
  g_clear_pointer (&store->reader, workers_free);
  store_lock (store);
  while (store->calls > 0)
    pthread_cond_wait (&store->quiet, &store->lock);
  store_unlock (store);
}

void
store_free (Store *store)
{
  GHashTableIter iter;
  gpointer module;

  if (store == NULL)
    return;
  attachments_end (store);
  query_slots_free (store->query_slots);
  queries_free (store->queries);
  workers_free (store->reader);
  notes_free (store->notes);
  hot_free (store->hot);
  g_hash_table_iter_init (&iter, store->modules);
  while (g_hash_table_iter_next (&iter, NULL, &module))
    module_free (module);
  module_free (store->users);
  g_hash_table_unref (store->modules);
  g_ptr_array_unref (store->listed);
  g_hash_table_unref (store->tickets);
  founds_free (store->founds);
  g_clear_pointer (&store->links, g_hash_table_unref);
  g_clear_pointer (&store->org, json_decref);
  pthread_cond_destroy (&store->quiet);
  pthread_mutex_destroy (&store->lock);
  g_free (store);
}

bool
store_is_unsettled (const Store *store, int64_t mtime)
{
  return store->server_s != 0 && mtime >= store->server_s;
}

int64_t
wait_began_us (StoreWait *wait)
{
  if (wait->began_us == 0)
    wait->began_us = clock_now_us ();
  return wait->began_us;
}

bool
store_is_stopping (const Store *store, GError **error)
{
  if (store->stopping)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_CANCELLED, "The mount is ending");
  return store->stopping;
}

/* ---- modules ---------------------------------------------------------------------------------------------------- */

StoreState
store_modules (Store *store, StoreWait *wait, GPtrArray **modules, GError **error)
{
  StoreState state = STORE_FAILED;

  store_lock (store);
  if (!store_is_stopping (store, error))
    state = catalog_modules (store, wait, error);
  if (state == STORE_READY)
    *modules = g_ptr_array_copy (store->listed, NULL, NULL);
  store_unlock (store);
  return state;
}

void
store_foresee (Store *store)
{
  store_lock (store);
  if (!store->modules_known && !store->stopping)
    catalog_look_again (store, NULL, CLIENT_BACKGROUND);
  store_unlock (store);
}

GPtrArray *
store_known_modules (Store *store, StoreWait *wait)
{
  GPtrArray *modules;

  store_lock (store);
  if (store->modules_known && !store->stopping)
    catalog_look_again (store, wait, CLIENT_BACKGROUND);
  modules = store->modules_known ? g_ptr_array_copy (store->listed, NULL, NULL) : NULL;
  store_unlock (store);
  return modules;
}

static bool
is_api_name (const char *name)
{
  size_t size = strlen (name);

  if (!g_ascii_isalpha (name[0]) || size > 50)
    return false;
  for (size_t i = 0; i < size; i++)
    if (!g_ascii_isalnum (name[i]) && name[i] != '_')
      return false;
  return true;
}

static StoreModule *
find_listed (Store *store, const char *name)
{
  for (guint i = 0; i < store->listed->len; i++)
    if (strcmp (((StoreModule *)store->listed->pdata[i])->name, name) == 0)
      return store->listed->pdata[i];
  return NULL;
}

StoreState
store_module (Store *store, const char *api_name, StoreWait *wait, StoreModule **module, GError **error)
{
  StoreState state = STORE_FAILED;

  store_lock (store);
  if (!store_is_stopping (store, error))
    state = is_api_name (api_name) ? catalog_modules (store, wait, error) : STORE_READY;
  if (state == STORE_READY)
    {
      *module = find_listed (store, api_name);
      if (*module == NULL)
        {
          g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "There is no module %s in this org", api_name);
          state = STORE_FAILED;
        }
    }
  store_unlock (store);
  return state;
}

StoreModule *
store_users (Store *store)
{
  return store->users;
}

const char *
store_module_name (const StoreModule *module)
{
  return module->name;
}

uint64_t
store_module_number (const StoreModule *module)
{
  return module->number;
}

int64_t
store_module_count (StoreModule *module)
{
  int64_t count;

  store_lock (module->store);
  count = module->listing == LISTING_LISTED ? (int64_t)table_size (module->table) : module->count;
  store_unlock (module->store);
  return count;
}

int64_t
store_module_mtime (StoreModule *module)
{
  int64_t mtime;

  store_lock (module->store);
  if (module->mtime == 0 && module->kind == MODULE_RECORDS)
    module->mtime = index_mtime (module);
  /* Of a listing that nobody has seen before, the change is that it came to be here: programs that look at a directory
   * before and after they read it must find the same. */
  if (module->mtime == 0)
    module->mtime = module->store->began_s;
  mtime = module->mtime;
  store_unlock (module->store);
  return mtime;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

char *
store_record_name (StoreModule *module, uint64_t id)
{
  const Entry *entry;
  char *name;

  store_lock (module->store);
  entry = table_find (module, id);
  name = names_record (entry != NULL && !module->store->config.bare_names ? entry->label : NULL, id);
  store_unlock (module->store);
  return name;
}

static StoreState
not_found (const StoreModule *module, uint64_t id, GError **error)
{
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "There is no record %" G_GUINT64_FORMAT " in %s", id,
               module->name);
  return STORE_FAILED;
}

/* Lock held: fetches the record; where nobody can be asked, what is known of it will do. */
static StoreState
fetch_or_old (StoreModule *module, uint64_t id, StoreWait *wait, GError **error)
{
  g_autoptr (GError) failure = NULL;
  StoreState state = fetch_record (module, id, wait, &failure);
  Entry *entry = table_find (module, id);

  if (state != STORE_FAILED)
    return state;
  if (entry == NULL || entry->version == 0 || !refresh_is_offline (module, failure))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return STORE_FAILED;
    }
  g_warning ("%s/%" G_GUINT64_FORMAT " is shown as it was: %s", module->name, id, failure->message);
  module->stale_offline = true;
  entry->checked_us = clock_now_us () + REFRESH_OFFLINE_RETRY_US - module->store->config.ttl_us;
  return STORE_READY;
}

/* Lock held: the same for a note. */
static StoreState
bring_note (StoreModule *module, uint64_t id, bool fresh, StoreWait *wait, GError **error)
{
  const Entry *entry = table_find (module, id);
  bool fetch = false;
  StoreState state;

  if (!fresh && entry != NULL && entry->version != 0)
    return STORE_READY;
  state = notes_freshen (module, id, wait, &fetch, error);
  if (state != STORE_READY)
    return state;
  if (fetch)
    return fetch_or_old (module, id, wait, error);
  return table_find (module, id) != NULL ? STORE_READY : not_found (module, id, error);
}

/* Lock held: the record is in the table with a version. @fresh: not older than the TTL. */
static StoreState
bring_record (StoreModule *module, uint64_t id, bool fresh, StoreWait *wait, GError **error)
{
  const Entry *entry;
  int64_t now = clock_now_us ();
  StoreState state = module->kind == MODULE_USERS ? people_load (module, wait, error)
                                                  : index_restore (module, wait, error);

  if (state == STORE_READY && module->kind == MODULE_RECORDS && module->listing == LISTING_LISTED
      && (fresh || module->fresh_until_us == 0 || table_find (module, id) == NULL))
    state = refresh_module (module, wait, error);
  if (state != STORE_READY)
    return state;
  entry = table_find (module, id);
  if (module->listing == LISTING_LISTED && (entry == NULL || entry->version != 0))
    return entry != NULL ? STORE_READY : not_found (module, id, error);
  if (entry != NULL && entry->version != 0
      && (!fresh || module->listing == LISTING_LOADING || now < entry->checked_us + module->store->config.ttl_us))
    return STORE_READY;
  /* Its name has come with a page and the rest is on its way: a call for it alone would be one too many. */
  if (entry != NULL && entry->version == 0 && load_brings_documents (module))
    return load_want (module, UINT64_MAX, wait, error);
  if (entry != NULL && entry->version == 0 && entry->listed)
    return batch_fetch (module, id, wait, error);
  return fetch_or_old (module, id, wait, error);
}

static StoreState
bring (StoreModule *module, uint64_t id, bool fresh, StoreWait *wait, GError **error)
{
  return module->kind == MODULE_NOTES ? bring_note (module, id, fresh, wait, error)
                                      : bring_record (module, id, fresh, wait, error);
}

StoreState
store_entry (StoreModule *module, uint64_t id, StoreWait *wait, StoreEntry *entry, GError **error)
{
  StoreState state = STORE_FAILED;

  store_lock (module->store);
  if (!store_is_stopping (module->store, error))
    state = bring (module, id, false, wait, error);
  if (state == STORE_READY)
    entry_fill (table_find (module, id), entry);
  store_unlock (module->store);
  return state;
}

GBytes *
store_version (const StoreModule *module, uint64_t id, uint64_t version)
{
  GBytes *text = hot_get (module->store->hot, id, version);

  return text != NULL ? text : disk_get (module->store->config.disk, module_key (module), id, version);
}

/* The disk has lost the document: it is fetched, unless it has been since @wait began. */
static StoreState
fetch_lost (StoreModule *module, uint64_t id, StoreWait *wait, GError **error)
{
  StoreState state = STORE_FAILED;

  store_lock (module->store);
  if (!store_is_stopping (module->store, error) && !wait_refused (wait, error))
    state = module->kind == MODULE_USERS   ? people_load (module, wait, error)
            : module->kind == MODULE_NOTES ? fetch_record (module, id, wait, error)
                                           : batch_fetch (module, id, wait, error);
  store_unlock (module->store);
  return state;
}

StoreState
store_revalidate (StoreModule *module, uint64_t id, StoreWait *wait, StoreEntry *entry, GError **error)
{
  StoreState state = STORE_FAILED;

  store_lock (module->store);
  if (!store_is_stopping (module->store, error))
    state = bring (module, id, true, wait, error);
  if (state == STORE_READY)
    entry_fill (table_find (module, id), entry);
  store_unlock (module->store);
  return state;
}

StoreState
store_document (StoreModule *module, uint64_t id, StoreWait *wait, StoreEntry *entry, GBytes **text, GError **error)
{
  StoreState state = store_revalidate (module, id, wait, entry, error);

  if (state != STORE_READY)
    return state;
  *text = store_version (module, id, entry->version);
  if (*text != NULL)
    return STORE_READY;
  state = fetch_lost (module, id, wait, error);
  if (state != STORE_READY)
    return state;
  *text = store_peek (module, id, entry);
  if (*text != NULL)
    return STORE_READY;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "%s/%" G_GUINT64_FORMAT " was fetched and is gone again from the "
               "cache", module->name, id);
  return STORE_FAILED;
}

GBytes *
store_peek (StoreModule *module, uint64_t id, StoreEntry *entry)
{
  const Entry *found;

  store_lock (module->store);
  found = table_find (module, id);
  *entry = (StoreEntry){ .size = -1 };
  if (found != NULL)
    entry_fill (found, entry);
  store_unlock (module->store);
  return entry->version != 0 ? store_version (module, id, entry->version) : NULL;
}

/* ---- me --------------------------------------------------------------------------------------------------------- */

static void
on_me (json_t *rows, const GError *error, void *data)
{
  g_autofree MeCall *call = data;
  Store *store = call->store;
  g_autoptr (GError) none = NULL;

  call_begin (store, &call->ticket);
  store->me_flying = false;
  if (rows != NULL)
    store->me = row_id (json_array_get (rows, 0));
  if (rows != NULL && store->me == 0)
    {
      none = g_error_new (ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho does not say which user this is");
      error = none;
    }
  bell_ring (store, &store->me_landed, error);
  call_end (store);
}

StoreState
store_me (Store *store, StoreWait *wait, uint64_t *id, GError **error)
{
  StoreState state = STORE_READY;

  store_lock (store);
  if (store_is_stopping (store, error) || wait_failed (wait, error))
    state = STORE_FAILED;
  else if (store->me != 0)
    *id = store->me;
  else if (wait_refused (wait, error))
    state = STORE_FAILED;
  else
    {
      if (!store->me_flying)
        {
          MeCall *call = g_new0 (MeCall, 1);

          call->store = store;
          store->me_flying = true;
          call->ticket = metadata_users (store->config.client, "CurrentUser", wait->priority, on_me, call);
          call_sent (store, call->ticket);
        }
      state = bell_wait (&store->me_landed, wait);
    }
  store_unlock (store);
  return state;
}

void
store_stats (Store *store, StoreStats *stats)
{
  GHashTableIter iter;
  gpointer value;

  *stats = (StoreStats){ 0 };
  store_lock (store);
  g_hash_table_iter_init (&iter, store->modules);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      StoreModule *module = value;

      stats->modules_listed += module->listing == LISTING_LISTED;
      stats->records += table_size (module->table);
      stats->document_bytes += table_bytes (module->table);
      stats->offline |= module->stale_offline;
    }
  store_unlock (store);
}
