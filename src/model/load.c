/* The first listing of a module: all its rows, their deep fields joined, their rich texts whole, and what changed while
 * they were read. It goes on as far as somebody reads on.
 *
 *   phase    under way                                                leaves when
 *   ROWS     rows; subform and linking rows; full texts; torn rows   all of them are there -> CLOSING
 *   CLOSING  a refresh since the start                                it is there           -> the listing is LISTED
 */
#include "model/private.h"

#include "base/clock.h"
#include "base/error.h"

#include <malloc.h>
#include <string.h>

/* A listing of more rows than this leaves the heap worth tidying. */
#define TRIM_ROWS 5000

typedef struct
{
  Load *load;
  DeepField *deep;
  Sweep *sweep;
  GHashTable *rows; /* record id -> json array of shown rows */
} DeepLoad;

/* A row that waits for its deep fields or its full texts. */
typedef struct
{
  uint64_t id;
  json_t *row;
  bool needs_full;
  bool unsettled; /* when the row was read */
} Pending;

typedef struct
{
  Load *load; /* NULL: given up */
  Store *store;
  GArray *ids;
  uint64_t ticket;
} FullCall;

struct Load
{
  StoreModule *module;
  const Schema *schema;
  Sweep *sweep;
  Middle *middle;     /* what the sweep cannot reach, or NULL */
  GPtrArray *deep;    /* DeepLoad * */
  bool names_only;    /* there are more subform or linking rows than can be listed: documents come singly */
  GHashTable *pending; /* id -> Pending */
  GArray *cut;        /* ids whose full texts are to be asked */
  GPtrArray *full_calls; /* FullCall *: in flight */
  unsigned singles;   /* torn rows being fetched */
  uint64_t want;
  int64_t started_wall_s;
  int64_t started_us;
  bool spread;        /* its answers are of different moments */
  Refresh *closing;
  Bell moved;         /* something landed */
};

static void
pending_free (gpointer data)
{
  Pending *pending = data;

  json_decref (pending->row);
  g_free (pending);
}

static void
deep_load_free (gpointer data)
{
  DeepLoad *deep = data;

  sweep_free (deep->sweep);
  g_hash_table_unref (deep->rows);
  g_free (deep);
}

void
load_free (Load *load)
{
  if (load == NULL)
    return;
  for (guint i = 0; i < load->full_calls->len; i++)
    ((FullCall *)load->full_calls->pdata[i])->load = NULL;
  fetch_forget (load->module, load);
  bell_ring (load->module->store, &load->moved, NULL);
  refresh_free (load->closing);
  sweep_free (load->sweep);
  middle_free (load->middle);
  g_ptr_array_unref (load->deep);
  g_ptr_array_unref (load->full_calls);
  g_hash_table_unref (load->pending);
  g_array_unref (load->cut);
  g_free (load);
}

static void load_go_on (Load *load, const GError *error, int64_t sent_us);


/* ---- documents -------------------------------------------------------------------------------------------------- */

static bool
deep_done (const Load *load)
{
  for (guint i = 0; i < load->deep->len; i++)
    if (!sweep_done (((DeepLoad *)load->deep->pdata[i])->sweep))
      return false;
  return true;
}

/* It was saved since the listing began: it is listed as it is known. */
static bool
is_known_newer (const Load *load, uint64_t id, const json_t *row)
{
  if (!table_is_newer (load->module, id, row_modified (row), load->started_us))
    return false;
  index_put (load->module, table_put (load->module, id, true));
  return true;
}

/* Makes the document of @pending if everything it needs is there. Returns: true when it did. */
static bool
finish (Load *load, Pending *pending)
{
  Document document = { 0 };
  Entry *entry;

  if (pending->needs_full || !deep_done (load))
    return false;
  for (guint i = 0; i < load->deep->len; i++)
    {
      DeepLoad *deep = load->deep->pdata[i];

      document_set_rows (pending->row, deep->deep->field, g_hash_table_lookup (deep->rows, &pending->id));
    }
  if (is_known_newer (load, pending->id, pending->row))
    return true;
  document_make (load->schema, pending->row, pending->id, &document);
  entry = table_put (load->module, pending->id, true);
  table_set (load->module, entry, &document);
  entry->unsettled |= pending->unsettled;
  document_clear (&document);
  return true;
}

static gboolean
finish_one (gpointer key, gpointer value, gpointer data)
{
  return finish (data, value);
}

static void
on_single (void *data, uint64_t id, const GError *error)
{
  Load *load = data;

  load->singles--;
  g_hash_table_remove (load->pending, &id);
  load_go_on (load, error != NULL && error->code != ZOHO_ERROR_NOT_FOUND ? error : NULL, INT64_MAX);
}

static void
load_single (Load *load, uint64_t id)
{
  load->singles++;
  load->spread = true;
  fetch_for (load->module, id, on_single, load);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

/* The name is known before the rest: it can be listed. */
static void
load_name (void *data, uint64_t id, const json_t *row)
{
  Load *load = data;
  Entry *entry = table_put (load->module, id, true);
  const json_t *value = load->schema->label != NULL ? json_object_get (row, load->schema->label) : NULL;
  const char *text = json_is_object (value) ? json_get_text (value, "name") : json_text (value);

  if (entry->label == NULL)
    {
      entry->label = names_label (text != NULL ? text : "");
      entry->mtime = row_modified (row);
    }
}

static void
load_row (void *data, uint64_t id, json_t *row, bool torn, Document *document)
{
  Load *load = data;
  Pending *pending;

  if (is_known_newer (load, id, row))
    return;
  if (document != NULL)
    {
      table_set (load->module, table_put (load->module, id, true), document);
      return;
    }
  if (torn)
    {
      load_single (load, id);
      return;
    }
  if (load->names_only)
    return;
  pending = g_new0 (Pending, 1);
  pending->id = id;
  pending->row = json_deep_copy (row);
  pending->unsettled = store_is_unsettled (load->module->store, row_modified (row));
  pending->needs_full = document_maybe_cut (load->schema, row);
  if (pending->needs_full)
    g_array_append_val (load->cut, id);
  if (pending->needs_full || !finish (load, pending))
    g_hash_table_replace (load->pending, &pending->id, pending);
  else
    pending_free (pending);
}

static void
load_progress (void *data, const GError *error)
{
  Load *load = data;

  load_go_on (load, error, sweep_failed_us (load->sweep));
}

static void
deep_row (void *data, uint64_t id, json_t *row, bool torn, Document *document)
{
  DeepLoad *deep = data;
  StoreModule *module = deep->load->module;
  const char *parent = json_get_text (json_object_get (row, deep->deep->parent), "id");
  uint64_t record;
  json_t *rows;

  if (parent == NULL || !names_parse_id (parent, &record))
    return;
  rows = g_hash_table_lookup (deep->rows, &record);
  if (rows == NULL)
    {
      rows = json_array ();
      g_hash_table_insert (deep->rows, g_memdup2 (&record, sizeof record), rows);
    }
  json_array_append_new (rows, document_row (deep->deep, row));
  module_note_row (module, id, record, row_modified (row));
}

/* The rows of a deep field are too many to be had: what was read of them is of no use. */
static void
give_deep_up (Load *load)
{
  load->names_only = true;
  g_ptr_array_set_size (load->deep, 0);
  g_hash_table_remove_all (load->pending);
  g_array_set_size (load->cut, 0);
}

static void
deep_progress (void *data, const GError *error)
{
  DeepLoad *deep = data;
  Load *load = deep->load;
  uint64_t after, before;
  int64_t failed_us = sweep_failed_us (deep->sweep);

  if (error == NULL && sweep_is_capped (deep->sweep, &after, &before))
    give_deep_up (load);
  else if (error == NULL && deep_done (load))
    g_hash_table_foreach_remove (load->pending, finish_one, load);
  load_go_on (load, error, failed_us);
}

/* ---- full texts ------------------------------------------------------------------------------------------------- */

static void
take_full (Load *load, FullCall *call, const json_t *rows)
{
  size_t index;
  json_t *row;

  json_array_foreach (rows, index, row)
    {
      uint64_t id = row_id (row);
      Pending *pending = g_hash_table_lookup (load->pending, &id);

      if (pending == NULL || !pending->needs_full)
        continue;
      document_take_full (load->schema, pending->row, row);
      pending->needs_full = false;
      if (finish (load, pending))
        g_hash_table_remove (load->pending, &id);
    }
  /* What the answer left out is asked for alone. */
  for (guint i = 0; i < call->ids->len; i++)
    {
      uint64_t id = g_array_index (call->ids, uint64_t, i);
      const Pending *pending = g_hash_table_lookup (load->pending, &id);

      if (pending != NULL && pending->needs_full)
        load_single (load, id);
    }
}

static void
on_full (const RecordsPage *page, const GError *error, void *data)
{
  FullCall *call = data;
  Store *store = call->store;
  Load *load;

  call_begin (store, &call->ticket);
  load = call->load;
  if (page != NULL)
    store->server_s = page->server_time;
  if (load != NULL)
    {
      g_ptr_array_remove_fast (load->full_calls, call);
      if (page != NULL)
        take_full (load, call, page->rows);
      else
        g_array_append_vals (load->cut, call->ids->data, call->ids->len);
      load_go_on (load, error, INT64_MAX);
    }
  g_array_unref (call->ids);
  g_free (call);
  call_end (store);
}

static void
send_full (Load *load)
{
  FullCall *call = g_new0 (FullCall, 1);
  g_autoptr (GString) ids = g_string_new (NULL);
  unsigned size = 0;

  while (size < MIN (load->cut->len, RECORDS_FULL_MAX)
         && records_add_id (ids, g_array_index (load->cut, uint64_t, size)))
    size++;
  load->spread = true;
  call->load = load;
  call->store = load->module->store;
  call->ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  g_array_append_vals (call->ids, load->cut->data, size);
  g_array_remove_range (load->cut, 0, size);
  g_ptr_array_add (load->full_calls, call);
  call->ticket = records_full (call->store->config.client, load->module->name, ids->str, load->schema->rich_fields,
                               CLIENT_LISTING, on_full, call);
  call_sent (call->store, call->ticket);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

/* Did records go away while pages were read by number? Then rows moved up, perhaps past a page that had been read. */
static bool
rows_moved (const Load *load)
{
  int64_t started = sweep_server_time (load->sweep) != 0 ? sweep_server_time (load->sweep) : load->started_wall_s;
  GHashTableIter iter;
  gpointer when;

  if (sweep_rows (load->sweep) < RECORDS_PAGE)
    return false;
  g_hash_table_iter_init (&iter, load->module->deleted);
  while (g_hash_table_iter_next (&iter, NULL, &when))
    if (*(int64_t *)when >= started)
      return true;
  return false;
}

/* The listing is begun again by the next one who asks. */
static void
start_over (Load *load)
{
  StoreModule *module = load->module;

  module->load = NULL;
  module->listing = LISTING_UNLISTED;
  load_free (load);
}

/* Pages and documents have passed through the heap by the thousand, and most of it is free again. */
static void
give_memory_back (void *unused)
{
  malloc_trim (0);
}

/* All that changed up to @since is in the table. */
static void
complete (Load *load, int64_t since)
{
  StoreModule *module = load->module;
  int64_t now = clock_now_us ();

  module->second_pass = false;
  module->listing = LISTING_LISTED;
  module->since = since;
  module->swept = since;
  module->refreshed_us = now;
  module->fresh_until_us = now + module->store->config.ttl_us;
  module->stale_offline = false;
  module->load = NULL;
  index_end (module);
  if (sweep_rows (load->sweep) > TRIM_ROWS)
    workers_push (module->store->reader, give_memory_back, NULL);
  load_free (load);
}

static void
on_closed (void *data, int64_t server_time, bool relist, int64_t sent_us, const GError *error)
{
  Load *load = data;
  StoreModule *module = load->module;

  load->closing = NULL;
  if (error != NULL)
    {
      bell_fail (module->store, &load->moved, error, sent_us);
      return;
    }
  if (relist || (rows_moved (load) && !module->second_pass))
    {
      module->second_pass = true;
      start_over (load);
      return;
    }
  complete (load, server_time != 0 ? server_time : load->started_wall_s);
}

static bool
sweep_over (const Load *load)
{
  return sweep_done (load->sweep) || (load->middle != NULL && middle_done (load->middle));
}

static bool
rows_done (const Load *load)
{
  return sweep_over (load) && deep_done (load) && load->cut->len == 0 && load->full_calls->len == 0
         && load->singles == 0 && g_hash_table_size (load->pending) == 0;
}

/* Records that were here before and are no more: entries of an earlier listing. */
static void
drop_unseen (Load *load)
{
  StoreModule *module = load->module;
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  TableIter iter;
  const Entry *entry;

  table_iterate (module->table, &iter);
  while ((entry = table_next (&iter)) != NULL)
    if (entry->listed && entry->checked_us < load->started_us && !sweep_saw (load->sweep, entry->id))
      g_array_append_val (gone, entry->id);
  for (guint i = 0; i < gone->len; i++)
    table_remove (module, g_array_index (gone, uint64_t, i), 0);
}

static bool
busy (const Load *load)
{
  for (guint i = 0; i < load->deep->len; i++)
    if (sweep_flying (((DeepLoad *)load->deep->pdata[i])->sweep))
      return true;
  return sweep_flying (load->sweep) || (load->middle != NULL && middle_flying (load->middle))
         || load->full_calls->len > 0 || load->singles > 0 || load->closing != NULL
         || load->module->count_flying;
}

/* A record that the sweep cannot reach: its name is listed, its document comes when it is wanted. */
static void
middle_row (void *data, uint64_t id, const json_t *row)
{
  Load *load = data;
  Entry *entry = table_put (load->module, id, true);

  if (entry->version != 0 && entry->mtime != row_modified (row))
    table_outdate (load->module, entry);
  load_name (load, id, row);
  entry->mtime = row_modified (row);
  entry->checked_us = clock_now_us ();
  index_put (load->module, entry);
}

static void
middle_progress (void *data, const GError *error)
{
  load_go_on (data, error, INT64_MAX);
}

static void
pump_middle (Load *load)
{
  uint64_t rows = sweep_rows (load->sweep), after, before;

  if (load->middle == NULL && sweep_is_capped (load->sweep, &after, &before))
    load->middle = middle_new (load->module, after, before, middle_row, middle_progress, load);
  if (load->middle != NULL)
    middle_pump (load->middle, load->want > rows ? load->want - rows : 0);
}

/* Is all that was read of one moment? Then nothing can have changed while it was read. */
static bool
is_snapshot (const Load *load)
{
  return sweep_pages (load->sweep) == 1 && load->deep->len == 0 && !load->spread && !load->module->second_pass
         && sweep_server_time (load->sweep) != 0;
}

/* Sends what is due. May end the load. */
static void
pump (Load *load)
{
  int64_t server_time = sweep_server_time (load->sweep);

  if (load->closing != NULL)
    return;
  sweep_pump (load->sweep, load->want);
  pump_middle (load);
  for (guint i = 0; i < load->deep->len; i++)
    sweep_pump (((DeepLoad *)load->deep->pdata[i])->sweep, UINT64_MAX);
  while (load->cut->len >= RECORDS_FULL_MAX || (load->cut->len > 0 && sweep_over (load)))
    send_full (load);
  if (!rows_done (load))
    return;
  /* What the pass before has seen is not gone because this one missed it. */
  if (!load->module->second_pass)
    drop_unseen (load);
  if (is_snapshot (load))
    {
      complete (load, server_time);
      return;
    }
  load->closing = refresh_new (load->module, server_time != 0 ? server_time : load->started_wall_s, false, on_closed,
                               load);
}

/* Something landed. After @error nothing is sent before somebody asks again. */
static void
load_go_on (Load *load, const GError *error, int64_t sent_us)
{
  StoreModule *module = load->module;

  if (error == NULL)
    pump (load);
  if (module->load == load)
    bell_fail (module->store, &load->moved, error, sent_us);
}

static void
on_count (int64_t count, const GError *error, void *data)
{
  StoreModule *module = data;
  Store *store = module->store;
  Load *load;

  call_begin (store, &module->count_ticket);
  module->count_flying = false;
  module->count = error == NULL ? count : -1;
  load = module->load;
  if (load != NULL)
    {
      sweep_expect (load->sweep, module->count);
      load_go_on (load, NULL, 0);
    }
  call_end (store);
}

/* The count is but a hint: without it the pages come one after the other. */
static void
ask_count (StoreModule *module)
{
  if (module->count_flying)
    return;
  module->count_flying = true;
  module->count = -1;
  module->count_ticket
      = records_count (module->store->config.client, module->name, CLIENT_LISTING, on_count, module);
  call_sent (module->store, module->count_ticket);
}

void
load_foresee (StoreModule *module, StoreWait *wait)
{
  if (module->listing == LISTING_UNLISTED && module->schema == NULL && !module->counted
      && index_mtime (module) == 0 && !wait_is_cached_only (wait))
    {
      module->counted = true;
      ask_count (module);
    }
}

static Load *
load_new (StoreModule *module)
{
  Load *load = g_new0 (Load, 1);
  const Schema *schema = module->schema;
  SweepConfig config = { .module = module->name, .slices = schema->slices, .count = module->count,
                         .priority = CLIENT_LISTING,
                         .schema = schema->deep->len == 0 ? schema : NULL, .row = load_row, .name = load_name,
                         .progress = load_progress, .data = load };

  load->module = module;
  load->schema = schema;
  load->sweep = sweep_new (module->store, &config);
  load->pending = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, pending_free);
  load->cut = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  load->full_calls = g_ptr_array_new ();
  load->started_wall_s = clock_wall_s ();
  load->started_us = clock_now_us ();
  load->deep = g_ptr_array_new_with_free_func (deep_load_free);
  for (guint i = 0; i < schema->deep->len; i++)
    {
      DeepLoad *deep = g_new0 (DeepLoad, 1);

      config = (SweepConfig){ .module = ((DeepField *)schema->deep->pdata[i])->module,
                              .slices = deep_slices (schema->deep->pdata[i]), .count = -1,
                              .priority = CLIENT_LISTING, .row = deep_row, .progress = deep_progress, .data = deep };
      deep->load = load;
      deep->deep = schema->deep->pdata[i];
      deep->rows = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)json_decref);
      deep->sweep = sweep_new (module->store, &config);
      g_ptr_array_add (load->deep, deep);
    }
  return load;
}

StoreState
load_begin (StoreModule *module, StoreWait *wait, GError **error)
{
  StoreState state;

  /* Nor half of it, since whoever reads on has the rest sent. */
  if (wait_refused (wait, error))
    return STORE_FAILED;
  state = catalog_schema (module, wait, error);
  if (state != STORE_READY)
    return state;
  if (module->listing == LISTING_UNLISTED || module->load == NULL)
    {
      module->listing = LISTING_LOADING;
      module->version++;
      index_begin (module);
      module->load = load_new (module);
      module->load->want = RECORDS_PAGE;
      pump (module->load); /* the first page goes before the count */
      if (!module->counted)
        ask_count (module);
      module->counted = false;
    }
  return STORE_READY;
}

bool
load_brings_documents (const StoreModule *module)
{
  return module->load != NULL && module->load->middle == NULL && !module->load->names_only;
}

StoreState
load_want (StoreModule *module, uint64_t rows, StoreWait *wait, GError **error)
{
  Load *load = module->load;

  if (wait_failed (wait, error) || wait_refused (wait, error))
    return STORE_FAILED;
  if (rows > load->want)
    load->want = rows;
  pump (load);
  if (!busy (load))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The pages of %s come to no end: Zoho says there are more, but "
                   "names no next one", module->name);
      return STORE_FAILED;
    }
  return bell_wait (&load->moved, wait);
}
