/* Documents that are not here, several at a time: a listed record whose document was never read, or is lost from the
 * disk, is fetched together with those listed next to it, as many as fit one `ids` parameter. Where somebody reads
 * on in that order, the next batches go out before they are asked for. */
#include "model/private.h"

#include "base/clock.h"
#include "base/error.h"

/* Batches sent at once for who reads on. */
#define AHEAD 4

typedef struct
{
  StoreModule *module;
  const Schema *schema;
  IdSet *ids;
  Sweep *sweep;
  GPtrArray *cut;  /* json_t *: rows whose rich texts are to be completed */
  int64_t cut_s;   /* server time when these were read */
  uint64_t ticket; /* of the call for these */
  Bell landed;
} Batch;

static void
batch_free (Batch *batch)
{
  sweep_free (batch->sweep);
  idset_free (batch->ids);
  g_ptr_array_unref (batch->cut);
  g_free (batch);
}

static void
batch_end (Batch *batch, const GError *error)
{
  g_ptr_array_remove_fast (batch->module->batches, batch);
  bell_ring (batch->module->store, &batch->landed, error);
  batch_free (batch);
}

static void
set_record (Batch *batch, const json_t *row)
{
  Document document = { 0 };
  Entry *entry = table_find (batch->module, row_id (row));

  /* It went away meanwhile, or was saved. */
  if (entry == NULL || table_is_newer (batch->module, entry->id, row_modified (row), sweep_began_us (batch->sweep)))
    return;
  document_make (batch->schema, row, entry->id, &document);
  table_set (batch->module, entry, &document);
  document_clear (&document);
}

static void
batch_row (void *data, uint64_t id, json_t *row, bool torn, Document *document)
{
  Batch *batch = data;

  /* A torn one is left out; who waits for it fetches it alone. */
  if (torn || !idset_contains (batch->ids, id))
    return;
  if (document_maybe_cut (batch->schema, row))
    {
      g_ptr_array_add (batch->cut, json_deep_copy (row));
      batch->cut_s = batch->module->store->server_s;
    }
  else
    set_record (batch, row);
}

static void
take_full (Batch *batch, const json_t *rows)
{
  size_t index;
  json_t *full;

  json_array_foreach (rows, index, full)
    for (guint i = 0; i < batch->cut->len; i++)
      if (row_id (batch->cut->pdata[i]) == row_id (full))
        {
          document_take_full (batch->schema, batch->cut->pdata[i], full);
          set_record (batch, batch->cut->pdata[i]);
        }
}

static void
on_full (const RecordsPage *page, const GError *error, void *data)
{
  Batch *batch = data;
  Store *store = batch->module->store;

  call_begin (store, &batch->ticket);
  store->server_s = batch->cut_s;
  if (page != NULL)
    take_full (batch, page->rows);
  batch_end (batch, error);
  call_end (store);
}

static void
send_full (Batch *batch)
{
  Store *store = batch->module->store;
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 0; i < batch->cut->len; i++)
    records_add_id (ids, row_id (batch->cut->pdata[i])); /* fewer than came by one such list */
  batch->ticket = records_full (store->config.client, batch->module->name, ids->str, batch->schema->rich_fields,
                                CLIENT_LISTING, on_full, batch);
  call_sent (store, batch->ticket);
}

static void
batch_progress (void *data, const GError *error)
{
  Batch *batch = data;

  if (error != NULL)
    batch_end (batch, error);
  else if (!sweep_done (batch->sweep))
    sweep_pump (batch->sweep, UINT64_MAX);
  else if (batch->cut->len > 0 && batch->ticket == 0)
    send_full (batch);
  else if (batch->ticket == 0)
    batch_end (batch, NULL);
}

/* Is the document of @entry to be fetched? */
static bool
is_lacking (const StoreModule *module, const Entry *entry)
{
  g_autoptr (GBytes) text = NULL;

  if (entry->version == 0)
    return true;
  text = store_version (module, entry->id, entry->version);
  return text == NULL;
}

static Batch *
find_batch (const StoreModule *module, uint64_t id)
{
  for (guint i = 0; i < module->batches->len; i++)
    if (idset_contains (((Batch *)module->batches->pdata[i])->ids, id))
      return module->batches->pdata[i];
  return NULL;
}

/* Sends for what lacks from place @from of the order on. Returns: the place after the last one looked at. */
static guint
send_batch (StoreModule *module, guint from, ClientPriority priority)
{
  const GArray *order = table_order (module->table)->ids;
  g_autoptr (GString) text = g_string_new (NULL);
  Batch *batch = g_new0 (Batch, 1);
  SweepConfig config = { .module = module->name, .slices = module->schema->slices, .count = -1, .priority = priority,
                         .row = batch_row, .progress = batch_progress, .data = batch };
  guint at;

  batch->ids = idset_new ();
  batch->cut = g_ptr_array_new_with_free_func ((GDestroyNotify)json_decref);
  for (at = from; at < order->len && at < from + RECORDS_FULL_MAX * 2 && idset_size (batch->ids) < RECORDS_FULL_MAX; at++)
    {
      uint64_t id = g_array_index (order, uint64_t, at);
      const Entry *entry = table_find (module, id);

      if (entry == NULL || !entry->listed || find_batch (module, id) != NULL || !is_lacking (module, entry))
        continue;
      if (!records_add_id (text, id))
        break;
      idset_add (batch->ids, id);
    }
  if (idset_size (batch->ids) == 0)
    {
      batch_free (batch);
      return at;
    }
  batch->module = module;
  batch->schema = module->schema;
  config.ids = text->str;
  batch->sweep = sweep_new (module->store, &config);
  g_ptr_array_add (module->batches, batch);
  sweep_pump (batch->sweep, UINT64_MAX);
  return at;
}

/* The place of @id in the order, looked for from where the last batch ended. */
static guint
place_of (const StoreModule *module, uint64_t id)
{
  const GArray *order = table_order (module->table)->ids;

  for (guint i = 0; i < order->len; i++)
    {
      guint at = (module->batch_place + i) % order->len;

      if (g_array_index (order, uint64_t, at) == id)
        return at;
    }
  return order->len;
}

void
batches_free (StoreModule *module)
{
  for (guint i = 0; i < module->batches->len; i++)
    batch_free (module->batches->pdata[i]);
  g_ptr_array_unref (module->batches);
}

StoreState
batch_fetch (StoreModule *module, uint64_t id, StoreWait *wait, GError **error)
{
  const Entry *entry = table_find (module, id);
  Batch *batch = find_batch (module, id);
  StoreState state;
  guint place;

  if (batch == NULL && (entry == NULL || !entry->listed || wait->batched))
    return fetch_record (module, id, wait, error);
  if (wait_failed (wait, error) || wait_refused (wait, error))
    return STORE_FAILED;
  if (batch == NULL && entry->version != 0 && entry->checked_us >= wait_began_us (wait))
    return STORE_READY;
  state = catalog_schema (module, wait, error);
  if (state != STORE_READY)
    return state;
  if (module->schema->deep->len > 0)
    return fetch_record (module, id, wait, error);
  if (batch == NULL)
    {
      unsigned batches;

      place = place_of (module, id);
      batches = place >= module->batch_place && place <= module->batch_place + RECORDS_FULL_MAX ? AHEAD : 1;
      for (unsigned i = 0; i < batches; i++)
        place = send_batch (module, place, i == 0 ? wait->priority : CLIENT_LISTING);
      module->batch_place = place;
      batch = find_batch (module, id);
    }
  /* Once: what a batch does not bring is fetched alone. */
  wait->batched = true;
  return batch != NULL ? bell_wait (&batch->landed, wait) : fetch_record (module, id, wait, error);
}
