/* A module's listing on disk: kept as it changes, and taken up again by the next mount, which then asks only for what
 * changed since.
 *
 *   epoch   index_put() and the like            becomes
 *   0       write nothing                       an epoch when the module is listed or restored
 *   not 0   are queued for the index            0 when another mount keeps a newer index, or the fields changed
 */
#include "model/private.h"

#include "base/clock.h"

#include <string.h>
#include <xxhash.h>

/* An index is brought up to date at each change, and without one this often: an older `since` only makes the next
 * mount's delta look further back. */
#define IDLE_S 600

/* Deletions older than this are named no more (doc/api-notes.md, with five days to spare). */
#define AGE_MAX_S (55 * 86400)

typedef struct
{
  StoreModule *module;
  uint64_t digest;
  Table *table;
  GArray *rows; /* DiskRow */
  GArray *deleted; /* uint64_t id, int64_t when */
  DiskModule state;
  bool found;
} Restore;

typedef struct
{
  uint64_t id;
  int64_t when;
} Tombstone;

uint64_t
module_key (const StoreModule *module)
{
  /* Few modules have no number, and no number is as large as this. */
  return module->number != 0 ? module->number : XXH3_64bits (module->name, strlen (module->name)) | UINT64_C (1) << 63;
}

/* As of when what is put now is known: of the answer that is being taken. */
static int64_t
known_since (const StoreModule *module)
{
  return module->store->server_s != 0 ? module->store->server_s : module->index_since;
}

void
index_begin (StoreModule *module)
{
  module->epoch = disk_index_begin (module->store->config.disk, module_key (module));
  module->index_since = clock_wall_s ();
  module->index_written = 0;
  module->index_dirty = true;
}

void
index_put (StoreModule *module, const Entry *entry)
{
  DiskEntry kept = { entry->id, entry->version, entry->mtime, entry->size, entry->label };

  if (module->epoch == 0 || !entry->listed)
    return;
  disk_index_put (module->store->config.disk, module_key (module), module->epoch, known_since (module), &kept);
  module->index_dirty = true;
}

void
index_remove (StoreModule *module, uint64_t id, int64_t deleted_at)
{
  if (module->epoch == 0)
    return;
  disk_index_remove (module->store->config.disk, module_key (module), module->epoch, known_since (module), id,
                     deleted_at);
  module->index_dirty = true;
}

void
index_put_row (StoreModule *module, const RowKnown *row)
{
  DiskRow kept = { row->id, row->record, row->mtime };

  if (module->epoch == 0)
    return;
  disk_index_put_row (module->store->config.disk, module_key (module), module->epoch, known_since (module), &kept);
  module->index_dirty = true;
}

void
index_remove_row (StoreModule *module, uint64_t row)
{
  if (module->epoch == 0)
    return;
  disk_index_remove_row (module->store->config.disk, module_key (module), module->epoch, known_since (module), row);
  module->index_dirty = true;
}

static void
write_all (StoreModule *module)
{
  int64_t server_s = module->store->server_s;
  TableIter iter;
  GHashTableIter hash;
  const Entry *entry;
  gpointer key, value;

  index_begin (module);
  module->store->server_s = module->since;
  table_iterate (module->table, &iter);
  while ((entry = table_next (&iter)) != NULL)
    index_put (module, entry);
  g_hash_table_iter_init (&hash, module->rows);
  while (g_hash_table_iter_next (&hash, &key, NULL))
    index_put_row (module, key);
  g_hash_table_iter_init (&hash, module->deleted);
  while (g_hash_table_iter_next (&hash, &key, &value))
    index_remove (module, *(uint64_t *)key, *(int64_t *)value);
  module->store->server_s = server_s;
}

void
index_end (StoreModule *module)
{
  Disk *disk = module->store->config.disk;
  DiskModule state = {
    .mtime = module->mtime != 0 ? module->mtime : module->store->began_s, .since = module->since, .swept = module->swept
  };
  bool newer = false;

  if (module->epoch != 0 && disk_index_lost (disk, module_key (module), module->epoch, &newer))
    {
      if (newer)
        module->epoch = 0;
      else
        write_all (module);
    }
  if (module->epoch == 0 || (!module->index_dirty && module->since < module->index_written + IDLE_S))
    return;
  state.epoch = module->epoch;
  state.digest = schema_digest (module->schema);
  disk_index_end (disk, module_key (module), module->index_written, &state);
  module->index_since = module->index_written = module->since;
  module->index_dirty = false;
}

int64_t
index_mtime (const StoreModule *module)
{
  DiskModule state = { 0 };

  return disk_index_restore (module->store->config.disk, module_key (module), 0, &(DiskRestore){ 0 }, &state)
             ? state.mtime : 0;
}

/* ---- taken up again --------------------------------------------------------------------------------------------- */

static void
restore_entry (void *data, const DiskEntry *entry)
{
  table_restore (((Restore *)data)->table, entry);
}

static void
restore_deleted (void *data, uint64_t id, int64_t when)
{
  Tombstone tombstone = { id, when };

  g_array_append_val (((Restore *)data)->deleted, tombstone);
}

static void
restore_row (void *data, const DiskRow *row)
{
  g_array_append_val (((Restore *)data)->rows, *row);
}

static void
adopt (Restore *restore)
{
  StoreModule *module = restore->module;

  module->store->server_s = restore->state.since;
  table_adopt (module, g_steal_pointer (&restore->table));
  for (guint i = 0; i < restore->rows->len; i++)
    {
      const DiskRow *row = &g_array_index (restore->rows, DiskRow, i);

      module_note_row (module, row->id, row->record, row->mtime);
    }
  for (guint i = 0; i < restore->deleted->len; i++)
    {
      const Tombstone *tombstone = &g_array_index (restore->deleted, Tombstone, i);

      g_hash_table_insert (module->deleted, g_memdup2 (&tombstone->id, sizeof tombstone->id),
                           g_memdup2 (&tombstone->when, sizeof tombstone->when));
    }
  module->listing = LISTING_LISTED;
  module->epoch = restore->state.epoch;
  module->since = module->index_since = module->index_written = restore->state.since;
  if (module->mtime == 0)
    module->mtime = restore->state.mtime;
  module->swept = restore->state.swept;
  module->index_dirty = false;
  module->fresh_until_us = 0;
}

/* What changed in the second of the last look, or after it, was read in an unknown one. */
static void
unsettle (Restore *restore)
{
  TableIter iter;
  Entry *entry;

  table_iterate (restore->table, &iter);
  while ((entry = table_next (&iter)) != NULL)
    entry->unsettled = entry->mtime >= restore->state.since;
}

static void
restore_job (void *data)
{
  Restore *restore = data;
  StoreModule *module = restore->module;
  Store *store = module->store;
  DiskRestore callbacks
      = { .entry = restore_entry, .deleted = restore_deleted, .row = restore_row, .data = restore };

  restore->found = disk_index_restore (store->config.disk, module_key (module), restore->digest, &callbacks,
                                       &restore->state)
                   && restore->state.since > clock_wall_s () - AGE_MAX_S;
  if (restore->found)
    unsettle (restore);
  store_lock (store);
  module->listing = LISTING_UNLISTED;
  if (restore->found && schema_digest (module->schema) == restore->digest)
    adopt (restore);
  bell_ring (store, &module->restored, NULL);
  store_unlock (store);
  table_free (restore->table);
  g_array_unref (restore->rows);
  g_array_unref (restore->deleted);
  g_free (restore);
}

StoreState
index_restore (StoreModule *module, StoreWait *wait, GError **error)
{
  StoreState state;
  Restore *restore;

  if (module->listing == LISTING_RESTORING)
    return bell_wait (&module->restored, wait);
  if (module->listing != LISTING_UNLISTED || module->restore_tried)
    return STORE_READY;
  state = catalog_schema (module, wait, error);
  if (state != STORE_READY)
    return state;
  module->restore_tried = true;
  module->listing = LISTING_RESTORING;
  restore = g_new0 (Restore, 1);
  restore->module = module;
  restore->digest = schema_digest (module->schema);
  restore->table = table_new ();
  restore->rows = g_array_new (FALSE, FALSE, sizeof (DiskRow));
  restore->deleted = g_array_new (FALSE, FALSE, sizeof (Tombstone));
  workers_push (module->store->reader, restore_job, restore);
  return bell_wait (&module->restored, wait);
}
