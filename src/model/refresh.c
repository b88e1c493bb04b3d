/* What changed since a moment: one list call with If-Modified-Since and one for deletions, and as much for each
 * subform or linking module, since their rows may change without their record. */
#include "model/private.h"

#include "base/clock.h"
#include "base/error.h"

/* More changed records than this are not fetched one by one. */
#define SINGLES_MAX 200

/* The rows that changed in one module: the records' own, or those of a deep field. */
typedef struct
{
  Refresh *refresh;
  DeepField *deep;  /* NULL: the module itself */
  GPtrArray *first; /* its first slice alone: that tells what changed */
  Sweep *sweep;
} Delta;

/* A call for deletions. */
typedef struct
{
  Refresh *refresh; /* NULL: given up */
  Store *store;
  DeepField *deep;
  unsigned page;
  uint64_t ticket;
} DeletedCall;

struct Refresh
{
  StoreModule *module;
  const Schema *schema;
  char since[CLOCK_TIME_SIZE];
  RefreshDone done;
  void *data;
  GPtrArray *deltas;   /* Delta * */
  GPtrArray *deletions; /* DeletedCall *: in flight */
  IdSet *gone;         /* that /deleted named now */
  GHashTable *singles; /* ids to be fetched one by one */
  unsigned fetching;
  bool fetched;        /* the singles have been sent */
  int64_t server_time;
  int64_t started_us;
};

static void
delta_free (gpointer data)
{
  Delta *delta = data;

  sweep_free (delta->sweep);
  g_ptr_array_unref (delta->first);
  g_free (delta);
}

void
refresh_free (Refresh *refresh)
{
  if (refresh == NULL)
    return;
  for (guint i = 0; i < refresh->deletions->len; i++)
    ((DeletedCall *)refresh->deletions->pdata[i])->refresh = NULL;
  fetch_forget (refresh->module, refresh);
  g_ptr_array_unref (refresh->deletions);
  g_ptr_array_unref (refresh->deltas);
  idset_free (refresh->gone);
  g_hash_table_unref (refresh->singles);
  g_free (refresh);
}

static void
refresh_end (Refresh *refresh, bool relist, const GError *error)
{
  RefreshDone done = refresh->done;
  void *data = refresh->data;
  int64_t server_time = refresh->server_time, started_us = refresh->started_us;

  refresh_free (refresh);
  done (data, server_time, relist, started_us, error);
}

static void
want_single (Refresh *refresh, uint64_t id)
{
  if (id != 0)
    g_hash_table_add (refresh->singles, g_memdup2 (&id, sizeof id));
}

static void refresh_go_on (Refresh *refresh);

static void
on_single (void *data, uint64_t id, const GError *error)
{
  Refresh *refresh = data;

  refresh->fetching--;
  /* A record that went away meanwhile is no failure: it is out of the table. */
  if (error != NULL && !g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    refresh_end (refresh, false, error);
  else
    refresh_go_on (refresh);
}

/* Ends when nothing is under way any more; before that sends for the records that must be fetched singly. */
static void
refresh_go_on (Refresh *refresh)
{
  GHashTableIter iter;
  gpointer id;

  for (guint i = 0; i < refresh->deltas->len; i++)
    if (!sweep_done (((Delta *)refresh->deltas->pdata[i])->sweep))
      return;
  if (refresh->deletions->len > 0 || refresh->fetching > 0)
    return;
  if (!refresh->fetched && g_hash_table_size (refresh->singles) > SINGLES_MAX)
    {
      refresh_end (refresh, true, NULL);
      return;
    }
  if (!refresh->fetched && g_hash_table_size (refresh->singles) > 0)
    {
      refresh->fetched = true;
      refresh->fetching = g_hash_table_size (refresh->singles);
      g_hash_table_iter_init (&iter, refresh->singles);
      while (g_hash_table_iter_next (&iter, &id, NULL))
        fetch_for (refresh->module, *(uint64_t *)id, on_single, refresh);
      return;
    }
  refresh_end (refresh, false, NULL);
}

/* A subform or linking row: its record is fetched, unless the row is known as it is. */
static void
delta_deep_row (Delta *delta, uint64_t id, const json_t *row)
{
  StoreModule *module = delta->refresh->module;
  const char *parent = json_get_text (json_object_get (row, delta->deep->parent), "id");
  const RowKnown *known = module_row (module, id);
  uint64_t record = 0;

  if (parent == NULL || !names_parse_id (parent, &record) || table_find (module, record) == NULL)
    return;
  if (known != NULL && known->record == record && known->mtime == row_modified (row) && !known->unsettled)
    return;
  want_single (delta->refresh, record);
  module_note_row (module, id, record, row_modified (row));
}

/* A changed record. Where its row says everything it is the document; else the record is fetched if it is another
 * one. */
static void
delta_row (void *data, uint64_t id, json_t *row, bool torn, Document *document)
{
  Delta *delta = data;
  Refresh *refresh = delta->refresh;
  StoreModule *module = refresh->module;
  const Entry *entry = table_find (module, id);

  if (delta->deep != NULL)
    {
      delta_deep_row (delta, id, row);
      return;
    }
  if (table_is_newer (module, id, row_modified (row), refresh->started_us))
    return;
  if (document != NULL && refresh->schema->deep->len == 0)
    table_set (module, table_put (module, id, true), document);
  else if (entry == NULL || entry->version == 0 || entry->mtime != row_modified (row)
           || entry->unsettled)
    want_single (refresh, id);
}

static void
delta_progress (void *data, const GError *error)
{
  Delta *delta = data;
  Refresh *refresh = delta->refresh;

  if (error != NULL)
    {
      refresh_end (refresh, false, error);
      return;
    }
  if (delta->deep == NULL && refresh->server_time == 0)
    refresh->server_time = sweep_server_time (delta->sweep);
  if (!sweep_done (delta->sweep))
    sweep_pump (delta->sweep, UINT64_MAX);
  refresh_go_on (refresh);
}

static void
add_delta (Refresh *refresh, DeepField *deep)
{
  Delta *delta = g_new0 (Delta, 1);
  GPtrArray *slices = deep != NULL ? deep_slices (deep) : refresh->schema->slices;
  SweepConfig config = { .module = deep != NULL ? deep->module : refresh->module->name, .count = -1,
                         .if_modified_since = refresh->since, .priority = CLIENT_LISTING, .row = delta_row,
                         .progress = delta_progress, .data = delta };

  delta->first = g_ptr_array_new ();
  g_ptr_array_add (delta->first, slices->pdata[0]);
  config.slices = delta->first;
  if (deep == NULL && slices->len == 1 && refresh->schema->deep->len == 0)
    config.schema = refresh->schema;
  delta->refresh = refresh;
  delta->deep = deep;
  delta->sweep = sweep_new (refresh->module->store, &config);
  g_ptr_array_add (refresh->deltas, delta);
}

/* ---- deletions -------------------------------------------------------------------------------------------------- */

static void send_deleted (Refresh *refresh, DeepField *deep, unsigned page);

static void
record_gone (Refresh *refresh, uint64_t id, const json_t *row)
{
  StoreModule *module = refresh->module;
  int64_t when = 0;
  bool dated = clock_parse_time (json_get_text (row, "deleted_time"), &when);

  idset_add (refresh->gone, id);
  if (table_find (module, id) != NULL || !g_hash_table_contains (module->deleted, &id))
    table_remove (module, id, when);
  if (dated)
    g_hash_table_insert (module->deleted, g_memdup2 (&id, sizeof id), g_memdup2 (&when, sizeof when));
}

/* A restored record keeps its Modified_Time, so no delta shows it: it is missing from where it was named before.
 * What is found is taken from the set by table_set(), what is not by the next look. */
static gboolean
look_again (gpointer key, gpointer value, gpointer data)
{
  Refresh *refresh = data;
  uint64_t id = *(uint64_t *)key;
  int64_t *when = value;
  int64_t since = 0;

  if (idset_contains (refresh->gone, id) || !clock_parse_time (refresh->since, &since))
    return FALSE;
  if (*when > since)
    {
      want_single (refresh, id);
      *when = 0;
      return FALSE;
    }
  index_remove (refresh->module, id, 0);
  return TRUE;
}

static void
take_deleted (Refresh *refresh, const DeepField *deep, const json_t *rows)
{
  StoreModule *module = refresh->module;
  size_t index;
  json_t *row;

  json_array_foreach (rows, index, row)
    {
      uint64_t id = row_id (row);
      const RowKnown *known = deep != NULL ? module_row (module, id) : NULL;

      if (deep == NULL)
        record_gone (refresh, id, row);
      else if (known != NULL)
        {
          want_single (refresh, table_find (module, known->record) != NULL ? known->record : 0);
          module_forget_row (module, id);
        }
    }
}

static void
on_deleted (const RecordsPage *page, const GError *error, void *data)
{
  g_autofree DeletedCall *call = data;
  Store *store = call->store;
  Refresh *refresh;

  call_begin (store, &call->ticket);
  refresh = call->refresh;
  if (page != NULL)
    store->server_s = page->server_time;
  if (refresh != NULL)
    {
      g_ptr_array_remove_fast (refresh->deletions, call);
      if (error != NULL && !(call->deep != NULL && error->code == ZOHO_ERROR_INVALID))
        refresh_end (refresh, false, error);
      else
        {
          if (page != NULL)
            take_deleted (refresh, call->deep, page->rows);
          if (page != NULL && page->more)
            send_deleted (refresh, call->deep, call->page + 1);
          else if (call->deep == NULL)
            g_hash_table_foreach_remove (refresh->module->deleted, look_again, refresh);
          refresh_go_on (refresh);
        }
    }
  call_end (store);
}

static void
send_deleted (Refresh *refresh, DeepField *deep, unsigned page)
{
  DeletedCall *call = g_new0 (DeletedCall, 1);

  call->refresh = refresh;
  call->store = refresh->module->store;
  call->deep = deep;
  call->page = page;
  g_ptr_array_add (refresh->deletions, call);
  call->ticket = records_deleted (call->store->config.client, deep != NULL ? deep->module : refresh->module->name, page,
                                  refresh->since, CLIENT_LISTING, on_deleted, call);
  call_sent (call->store, call->ticket);
}

Refresh *
refresh_new (StoreModule *module, int64_t since, bool deep, RefreshDone done, void *data)
{
  Refresh *refresh = g_new0 (Refresh, 1);

  refresh->module = module;
  refresh->schema = module->schema;
  refresh->started_us = clock_now_us ();
  refresh->done = done;
  refresh->data = data;
  refresh->deltas = g_ptr_array_new_with_free_func (delta_free);
  refresh->deletions = g_ptr_array_new ();
  refresh->gone = idset_new ();
  refresh->singles = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  clock_format_time (MAX (since - OVERLAP_S, 0), refresh->since);
  add_delta (refresh, NULL);
  send_deleted (refresh, NULL, 1);
  for (guint i = 0; deep && i < module->schema->deep->len; i++)
    {
      add_delta (refresh, module->schema->deep->pdata[i]);
      send_deleted (refresh, module->schema->deep->pdata[i], 1);
    }
  for (guint i = 0; i < refresh->deltas->len; i++)
    sweep_pump (((Delta *)refresh->deltas->pdata[i])->sweep, UINT64_MAX);
  return refresh;
}

/* ---- revalidation ----------------------------------------------------------------------------------------------- */

/* Old answers are better than none where nobody could be asked; a sign-in that is dead, or a refusal, is an answer. */
bool
refresh_is_offline (const StoreModule *module, const GError *error)
{
  return !module->store->config.offline_fail
         && (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_UNREACHABLE)
             || g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT)
             || g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_SPENT));
}

static void
on_refreshed (void *data, int64_t server_time, bool relist, int64_t sent_us, const GError *error)
{
  StoreModule *module = data;
  int64_t now = clock_now_us ();

  module->refresh = NULL;
  if (relist)
    {
      module->listing = LISTING_UNLISTED;
      error = NULL;
    }
  else if (error == NULL)
    {
      module->since = MAX (module->since, server_time);
      module->refreshed_us = now;
      module->fresh_until_us = now + module->store->config.ttl_us;
      module->stale_offline = false;
      index_end (module);
      idsweep_consider (module);
    }
  else if (refresh_is_offline (module, error))
    {
      g_warning ("%s is shown as it was: %s", module->name, error->message);
      module->refreshed_us = now;
      module->fresh_until_us = now + REFRESH_OFFLINE_RETRY_US;
      module->stale_offline = true;
      error = NULL;
    }
  bell_fail (module->store, &module->refreshed, error, sent_us);
}

StoreState
refresh_module (StoreModule *module, StoreWait *wait, GError **error)
{
  StoreState state;

  if (wait_failed (wait, error))
    return STORE_FAILED;
  if (clock_now_us () < module->fresh_until_us || module->refreshed_us >= wait_began_us (wait))
    return STORE_READY;
  if (wait_is_cached_only (wait))
    return STORE_READY;
  state = catalog_schema (module, wait, error);
  if (state != STORE_READY)
    return state;
  if (module->listing != LISTING_LISTED) /* other fields than before */
    return load_begin (module, wait, error);
  if (module->refresh == NULL)
    module->refresh = refresh_new (module, module->since, true, on_refreshed, module);
  return bell_wait (&module->refreshed, wait);
}
