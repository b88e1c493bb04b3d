/* The indexes, in one transaction: per module a state and rows, which belong to one epoch and to what it knows.
 *
 *   state    in DISK_MODULES  whole  leaves when
 *   NONE     no               -      a mount begins an epoch                 -> LISTING
 *   LISTING  yes              0      that mount ends it from scratch         -> WHOLE, or -> NONE at a gap or damage
 *   WHOLE    yes              1      a mount begins an epoch                 -> LISTING, or -> NONE at a gap or damage
 *
 * Mounts of one epoch write side by side. What each row was written with says how new it is (@since), so one that lags
 * behind, or has stopped halfway, takes nothing back; removed rows stay as DISK_GONE for that. */
#include "model/disk_private.h"

typedef struct
{
  bool there;
  bool dirty;
  DiskState state;
} Cached;

/* ---- states ----------------------------------------------------------------------------------------------------- */

bool
disk_state_read (DiskTxn *txn, uint64_t module, DiskState *state)
{
  DiskKey parts = disk_key (module, 0, 0);
  MDB_val key = disk_key_val (DISK_MODULES, &parts), value;

  return mdb_get (txn->txn, txn->dbi[DISK_MODULES], &key, &value) == 0 && value.mv_size == sizeof *state
         && disk_value_read (DISK_MODULES, &key, &value, state, sizeof *state);
}

static Cached *
state_of (DiskIndexes *indexes, uint64_t module)
{
  Cached *cached = g_hash_table_lookup (indexes->states, &module);
  uint64_t *key;

  if (cached != NULL)
    return cached;
  cached = g_new0 (Cached, 1);
  cached->there = disk_state_read (indexes->txn, module, &cached->state);
  key = g_new (uint64_t, 1);
  *key = module;
  g_hash_table_insert (indexes->states, key, cached);
  return cached;
}

/* Returns: the state, or NULL when the index is of another epoch. */
static Cached *
state_in (DiskIndexes *indexes, uint64_t module, uint64_t epoch)
{
  Cached *cached = state_of (indexes, module);

  return cached->there && cached->state.epoch == epoch ? cached : NULL;
}

static int
write_state (DiskTxn *txn, uint64_t module, Cached *cached)
{
  DiskKey parts = disk_key (module, 0, 0);
  MDB_val key = disk_key_val (DISK_MODULES, &parts), value = { sizeof cached->state, &cached->state };
  int failed;

  if (cached->there)
    {
      cached->state.checksum = disk_checksum (DISK_MODULES, &key, &cached->state, sizeof cached->state, NULL, 0);
      return mdb_put (txn->txn, txn->dbi[DISK_MODULES], &key, &value, 0);
    }
  failed = mdb_del (txn->txn, txn->dbi[DISK_MODULES], &key, NULL);
  return failed == MDB_NOTFOUND ? 0 : failed;
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static int
wipe (DiskTxn *txn, DiskDb db, uint64_t module)
{
  MDB_cursor *cursor;
  int failed = mdb_cursor_open (txn->txn, txn->dbi[db], &cursor);

  if (failed != 0)
    return failed;
  while (failed == 0)
    {
      DiskKey first = disk_key (module, 0, 0);
      MDB_val key = disk_key_val (db, &first), value;

      failed = mdb_cursor_get (cursor, &key, &value, MDB_SET_RANGE);
      if (failed == 0 && disk_key_part (db, &key, 0) != module)
        break;
      if (failed == 0)
        failed = mdb_cursor_del (cursor, 0);
    }
  mdb_cursor_close (cursor);
  return failed == MDB_NOTFOUND ? 0 : failed;
}

static int
wipe_module (DiskTxn *txn, uint64_t module)
{
  int failed = wipe (txn, DISK_INDEX, module);

  return failed != 0 ? failed : wipe (txn, DISK_ROWS, module);
}

static int
drop (DiskIndexes *indexes, uint64_t module, Cached *cached)
{
  cached->there = false;
  cached->dirty = true;
  return wipe_module (indexes->txn, module);
}

/* What DiskIndexed and DiskIndexedRow begin with. */
typedef struct
{
  uint64_t checksum;
  int64_t since;
} Common;

/* Writes @value, whose checksum is missing, unless the row there is of a mount that knew more. */
static int
write_row (DiskIndexes *indexes, Cached *cached, DiskDb db, DiskKey parts, MDB_val value)
{
  MDB_dbi dbi = indexes->txn->dbi[db];
  MDB_val key = disk_key_val (db, &parts), old;
  size_t head = db == DISK_INDEX ? sizeof (DiskIndexed) : sizeof (DiskIndexedRow);
  Common was = { 0 }, is;
  int failed = mdb_get (indexes->txn->txn, dbi, &key, &old);

  if (failed != 0 && failed != MDB_NOTFOUND)
    return failed;
  if (failed == 0 && old.mv_size >= sizeof was)
    memcpy (&was, old.mv_data, sizeof was);
  memcpy (&is, value.mv_data, sizeof is);
  if (failed == 0 && was.since > is.since)
    return 0;
  is.checksum = disk_checksum (db, &key, value.mv_data, head, (const char *)value.mv_data + head, value.mv_size - head);
  if (failed == 0 && was.checksum == is.checksum)
    return 0;
  memcpy (value.mv_data, &is.checksum, sizeof is.checksum);
  cached->state.sum += is.checksum - was.checksum;
  cached->dirty = true;
  return mdb_put (indexes->txn->txn, dbi, &key, &value, 0);
}

/* Returns: the state of an index that a mount of @epoch that knows of @since may write into, or NULL. */
static Cached *
state_for (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t since)
{
  Cached *cached = state_in (indexes, module, epoch);

  return cached != NULL && cached->state.since <= since ? cached : NULL;
}

int
disk_indexes_entry (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t since, const DiskEntry *entry)
{
  Cached *cached = state_for (indexes, module, epoch, since);
  size_t label_size = entry->label != NULL ? strlen (entry->label) : 0;
  struct
  {
    DiskIndexed head;
    char label[UINT8_MAX];
  } row = { .head = { .since = since, .version = entry->version, .mtime = entry->mtime, .size = entry->size } };

  if (cached == NULL)
    return 0;
  if (entry->label != NULL && label_size <= sizeof row.label)
    {
      row.head.labelled = 1;
      row.head.label_size = (uint8_t)label_size;
      memcpy (row.label, entry->label, label_size);
    }
  return write_row (indexes, cached, DISK_INDEX, disk_key (module, entry->id, 0),
                    (MDB_val){ sizeof row.head + row.head.label_size, &row });
}

int
disk_indexes_remove (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t since, uint64_t id,
                     int64_t deleted_at)
{
  Cached *cached = state_for (indexes, module, epoch, since);
  DiskIndexed row = { .since = since, .mtime = deleted_at, .presence = deleted_at != 0 ? DISK_DELETED : DISK_GONE };

  if (cached == NULL)
    return 0;
  return write_row (indexes, cached, DISK_INDEX, disk_key (module, id, 0), (MDB_val){ sizeof row, &row });
}

int
disk_indexes_row (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t since, const DiskRow *row)
{
  Cached *cached = state_for (indexes, module, epoch, since);
  DiskIndexedRow value = { .since = since, .record = row->record, .mtime = row->mtime, .presence = DISK_THERE };

  if (cached == NULL)
    return 0;
  return write_row (indexes, cached, DISK_ROWS, disk_key (module, row->id, 0), (MDB_val){ sizeof value, &value });
}

int
disk_indexes_remove_row (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t since, uint64_t row)
{
  Cached *cached = state_for (indexes, module, epoch, since);
  DiskIndexedRow value = { .since = since, .presence = DISK_GONE };

  if (cached == NULL)
    return 0;
  return write_row (indexes, cached, DISK_ROWS, disk_key (module, row, 0), (MDB_val){ sizeof value, &value });
}

uint64_t
disk_index_version (DiskTxn *txn, uint64_t module, uint64_t id)
{
  DiskKey parts = disk_key (module, id, 0);
  MDB_val key = disk_key_val (DISK_INDEX, &parts), value;
  DiskIndexed row;

  if (mdb_get (txn->txn, txn->dbi[DISK_INDEX], &key, &value) != 0
      || !disk_value_read (DISK_INDEX, &key, &value, &row, sizeof row))
    return 0;
  return row.presence == DISK_THERE ? row.version : 0;
}

/* ---- a whole index ---------------------------------------------------------------------------------------------- */

typedef struct
{
  const DiskRestore *restore;
  uint64_t sum;
} Walk;

typedef bool (*Visit) (Walk *walk, const MDB_val *key, const MDB_val *value);

static bool
walk_rows (DiskTxn *txn, DiskDb db, uint64_t module, Visit visit, Walk *walk)
{
  DiskKey first = disk_key (module, 0, 0);
  MDB_val key = disk_key_val (db, &first), value;
  MDB_cursor *cursor;
  bool sound = true;
  int failed;

  if (mdb_cursor_open (txn->txn, txn->dbi[db], &cursor) != 0)
    return false;
  for (failed = mdb_cursor_get (cursor, &key, &value, MDB_SET_RANGE);
       failed == 0 && sound && disk_key_part (db, &key, 0) == module;
       failed = mdb_cursor_get (cursor, &key, &value, MDB_NEXT))
    sound = visit (walk, &key, &value);
  mdb_cursor_close (cursor);
  return sound && (failed == 0 || failed == MDB_NOTFOUND);
}

static bool
check_entry (Walk *walk, const MDB_val *key, const MDB_val *value)
{
  DiskIndexed row;

  if (!disk_value_read (DISK_INDEX, key, value, &row, sizeof row))
    return false;
  walk->sum += row.checksum;
  return value->mv_size == sizeof row + row.label_size
         && g_utf8_validate ((const char *)value->mv_data + sizeof row, row.label_size, NULL);
}

static bool
check_row (Walk *walk, const MDB_val *key, const MDB_val *value)
{
  DiskIndexedRow row;

  if (!disk_value_read (DISK_ROWS, key, value, &row, sizeof row))
    return false;
  walk->sum += row.checksum;
  return value->mv_size == sizeof row;
}

static bool
restore_entry (Walk *walk, const MDB_val *key, const MDB_val *value)
{
  const DiskRestore *restore = walk->restore;
  DiskEntry entry = { .id = disk_key_part (DISK_INDEX, key, 1) };
  char label[UINT8_MAX + 1];
  DiskIndexed row;

  memcpy (&row, value->mv_data, sizeof row);
  if (row.presence == DISK_DELETED && restore->deleted != NULL)
    restore->deleted (restore->data, entry.id, row.mtime);
  if (row.presence != DISK_THERE || restore->entry == NULL)
    return true;
  memcpy (label, (const char *)value->mv_data + sizeof row, row.label_size);
  label[row.label_size] = '\0';
  entry.version = row.version;
  entry.mtime = row.mtime;
  entry.size = row.size;
  entry.label = row.labelled ? label : NULL;
  restore->entry (restore->data, &entry);
  return true;
}

static bool
restore_row (Walk *walk, const MDB_val *key, const MDB_val *value)
{
  const DiskRestore *restore = walk->restore;
  DiskIndexedRow row;

  memcpy (&row, value->mv_data, sizeof row);
  if (row.presence == DISK_THERE && restore->row != NULL)
    restore->row (restore->data, &(DiskRow){ disk_key_part (DISK_ROWS, key, 1), row.record, row.mtime });
  return true;
}

DiskRestored
disk_indexes_restore (DiskTxn *txn, uint64_t module, uint64_t digest, const DiskRestore *restore, DiskState *state)
{
  Walk walk = { .restore = restore };

  if (!disk_state_read (txn, module, state) || !state->whole || (digest != 0 && state->digest != digest))
    return DISK_RESTORE_NONE;
  if (digest == 0)
    return DISK_RESTORE_DONE;
  if (!walk_rows (txn, DISK_INDEX, module, check_entry, &walk) || !walk_rows (txn, DISK_ROWS, module, check_row, &walk)
      || walk.sum != state->sum)
    return DISK_RESTORE_DAMAGED;
  walk_rows (txn, DISK_INDEX, module, restore_entry, &walk);
  walk_rows (txn, DISK_ROWS, module, restore_row, &walk);
  return DISK_RESTORE_DONE;
}

/* ---- epochs ----------------------------------------------------------------------------------------------------- */

int
disk_indexes_new_epoch (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t now)
{
  Cached *cached = state_of (indexes, module);

  cached->state = (DiskState){ .epoch = epoch, .used = now };
  cached->there = true;
  cached->dirty = true;
  return wipe_module (indexes->txn, module);
}

int
disk_indexes_finish (DiskIndexes *indexes, uint64_t module, int64_t from, const DiskModule *state, int64_t now)
{
  Cached *cached = state_in (indexes, module, state->epoch);

  if (cached == NULL || (cached->state.whole && cached->state.since >= state->since))
    return 0;
  if (from != 0 && (!cached->state.whole || cached->state.since < from))
    return drop (indexes, module, cached);
  cached->state.since = state->since;
  cached->state.mtime = state->mtime;
  cached->state.swept = state->swept;
  cached->state.digest = state->digest;
  cached->state.whole = 1;
  cached->state.used = now;
  cached->dirty = true;
  return 0;
}

int
disk_indexes_close (DiskIndexes *indexes, uint64_t module, uint64_t epoch)
{
  Cached *cached = state_in (indexes, module, epoch);

  return cached != NULL ? drop (indexes, module, cached) : 0;
}

int
disk_indexes_used (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t now)
{
  Cached *cached = state_in (indexes, module, epoch);

  if (cached == NULL)
    return 0;
  cached->state.used = now;
  cached->dirty = true;
  return 0;
}

void
disk_indexes_begin (DiskIndexes *indexes, DiskTxn *txn)
{
  indexes->txn = txn;
  indexes->states = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
}

int
disk_indexes_end (DiskIndexes *indexes, int failed)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, indexes->states);
  while (failed == 0 && g_hash_table_iter_next (&iter, &key, &value))
    if (((Cached *)value)->dirty)
      failed = write_state (indexes->txn, *(uint64_t *)key, value);
  g_hash_table_destroy (indexes->states);
  return failed;
}
