/* What goes when the cap is reached: first old versions of documents that no index names, then the documents of the
 * module that was used least lately, by ascending id. Indexes stay: they are small and cost many calls to make. */
#include "model/disk_private.h"

/* So much per transaction, since other mounts wait for its end. */
#define DELETED_MAX 4096
#define WALKED_MAX 20000

#define PAGE 4096

typedef struct
{
  DiskFile *file;
  uint64_t target;
  uint64_t *evicted;
  DiskKey at;  /* the walk goes on here */
  bool ended;  /* it has reached the end */
  bool whole;  /* the index of @module is; it is looked up when another module comes */
  uint64_t module;
  bool known;
} Evict;

/* The key after @key. */
static DiskKey
successor (const MDB_val *key)
{
  uint64_t module = disk_key_part (DISK_DOCUMENTS, key, 0), id = disk_key_part (DISK_DOCUMENTS, key, 1),
           version = disk_key_part (DISK_DOCUMENTS, key, 2);

  if (++version == 0 && ++id == 0)
    module++;
  return disk_key (module, id, version);
}

static int64_t
stored_of (const MDB_val *value)
{
  DiskDocument head = { 0 };

  if (value->mv_size >= sizeof head)
    memcpy (&head, value->mv_data, sizeof head);
  return head.stored;
}

/* Is the version at the cursor not the newest of its record? Moves the cursor. */
static bool
is_older (MDB_cursor *cursor, uint64_t module, uint64_t id, uint64_t version, int64_t stored)
{
  DiskKey first = disk_key (module, id, 0);
  MDB_val key = disk_key_val (DISK_DOCUMENTS, &first), value;
  int failed;

  for (failed = mdb_cursor_get (cursor, &key, &value, MDB_SET_RANGE);
       failed == 0 && disk_key_part (DISK_DOCUMENTS, &key, 0) == module
       && disk_key_part (DISK_DOCUMENTS, &key, 1) == id;
       failed = mdb_cursor_get (cursor, &key, &value, MDB_NEXT))
    if (disk_key_part (DISK_DOCUMENTS, &key, 2) != version && stored_of (&value) > stored)
      return true;
  return false;
}

/* A version goes first when the index names another or none; without a whole index, when there is a newer one. */
static bool
is_spare (Evict *evict, DiskTxn *txn, MDB_cursor *cursor, const MDB_val *key, const MDB_val *value)
{
  uint64_t module = disk_key_part (DISK_DOCUMENTS, key, 0), id = disk_key_part (DISK_DOCUMENTS, key, 1),
           version = disk_key_part (DISK_DOCUMENTS, key, 2);
  DiskState state;

  if (!evict->known || evict->module != module)
    evict->whole = disk_state_read (txn, module, &state) && state.whole;
  evict->known = true;
  evict->module = module;
  if (disk_index_version (txn, module, id) == version)
    return false;
  return evict->whole || is_older (cursor, module, id, version, stored_of (value));
}

/* What a value of @size bytes takes in the file: a large one lies on pages of its own. */
static uint64_t
taken_by (uint64_t size)
{
  return size > PAGE / 2 ? (size + PAGE - 1) / PAGE * PAGE : size;
}

/* One transaction's share of the walk, until @excess bytes are freed. @only: of the one module alone, and all of it. */
static int
walk (Evict *evict, DiskTxn *txn, const uint64_t *only, uint64_t excess, unsigned *deleted)
{
  uint64_t freed = 0;
  MDB_cursor *cursor;
  int failed = mdb_cursor_open (txn->txn, txn->dbi[DISK_DOCUMENTS], &cursor);

  if (failed != 0)
    return failed;
  for (unsigned walked = 0; walked < WALKED_MAX && *deleted < DELETED_MAX && freed < excess; walked++)
    {
      DiskKey here = evict->at;
      MDB_val key = disk_key_val (DISK_DOCUMENTS, &here), value;

      failed = mdb_cursor_get (cursor, &key, &value, MDB_SET_RANGE);
      if (failed == 0 && key.mv_size != sizeof here)
        failed = MDB_CORRUPTED;
      evict->ended = failed == MDB_NOTFOUND || (only != NULL && disk_key_part (DISK_DOCUMENTS, &key, 0) != *only);
      if (failed != 0 || evict->ended)
        break;
      memcpy (&here, key.mv_data, sizeof here);
      key.mv_data = &here;
      evict->at = successor (&key);
      if (only == NULL && !is_spare (evict, txn, cursor, &key, &value))
        continue;
      freed += taken_by (value.mv_size);
      failed = mdb_del (txn->txn, txn->dbi[DISK_DOCUMENTS], &key, NULL);
      if (failed != 0)
        break;
      ++*deleted;
    }
  mdb_cursor_close (cursor);
  return failed == MDB_NOTFOUND ? 0 : failed;
}

/* Returns: is it enough, or has it @failed? */
static bool
walk_all (Evict *evict, const uint64_t *only, int *failed)
{
  evict->ended = false;
  evict->known = false;
  evict->at = disk_key (only != NULL ? *only : 0, 0, 0);
  while (!evict->ended)
    {
      uint64_t used = disk_file_used (evict->file);
      unsigned deleted = 0;
      DiskTxn txn;

      if (used <= evict->target)
        return true;
      *failed = disk_write_begin (evict->file, &txn);
      if (*failed == 0)
        *failed = disk_write_end (evict->file, &txn, walk (evict, &txn, only, used - evict->target, &deleted));
      if (*failed != 0)
        return true;
      *evict->evicted += deleted;
    }
  return disk_file_used (evict->file) <= evict->target;
}

/* The module with documents that was used least lately. Returns: is there any? */
static bool
find_idle_module (Evict *evict, uint64_t *module)
{
  int64_t least = INT64_MAX;
  bool found = false;
  DiskKey at = disk_key (0, 0, 0);
  MDB_cursor *cursor;
  DiskTxn txn;

  if (!disk_read_begin (evict->file, &txn))
    return false;
  if (mdb_cursor_open (txn.txn, txn.dbi[DISK_DOCUMENTS], &cursor) == 0)
    {
      MDB_val key = disk_key_val (DISK_DOCUMENTS, &at), value;

      while (mdb_cursor_get (cursor, &key, &value, MDB_SET_RANGE) == 0)
        {
          uint64_t here = disk_key_part (DISK_DOCUMENTS, &key, 0);
          DiskState state = { 0 };

          if (!disk_state_read (&txn, here, &state))
            state.used = 0;
          if (!found || state.used < least)
            {
              least = state.used;
              *module = here;
            }
          found = true;
          if (here == UINT64_MAX || key.mv_size != sizeof at)
            break;
          at = disk_key (here + 1, 0, 0);
          key = disk_key_val (DISK_DOCUMENTS, &at);
        }
      mdb_cursor_close (cursor);
    }
  disk_read_end (evict->file, &txn);
  return found;
}

int
disk_evict (DiskFile *file, uint64_t target, uint64_t *evicted)
{
  Evict evict = { .file = file, .target = target, .evicted = evicted };
  uint64_t module;
  int failed = 0;

  if (walk_all (&evict, NULL, &failed))
    return failed;
  while (find_idle_module (&evict, &module))
    if (walk_all (&evict, &module, &failed))
      return failed;
  return 0;
}
