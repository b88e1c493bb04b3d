/* The versions of documents, in one transaction: a few of each record, found by what they are a version of. */
#include "model/disk_private.h"

/* A time of storing that lies further ahead is not believed. */
#define AHEAD_US (G_GINT64_CONSTANT (24) * 60 * 60 * 1000000)

/* More are never walked over; DISK_VERSIONS and one are ever there. */
#define WALKED_MAX 64

typedef struct
{
  uint64_t version;
  int64_t stored;
} Seen;

/* When the value was stored, unchecked: it only decides which version goes first. */
static int64_t
stored_of (const MDB_val *value, int64_t now)
{
  DiskDocument head;

  if (value->mv_size < sizeof head)
    return 0;
  memcpy (&head, value->mv_data, sizeof head);
  return head.stored > 0 && head.stored < now + AHEAD_US ? head.stored : 0;
}

static int
walk_versions (DiskTxn *txn, uint64_t module, uint64_t id, int64_t now, Seen seen[static WALKED_MAX], unsigned *count)
{
  DiskKey first = disk_key (module, id, 0);
  MDB_val key = disk_key_val (DISK_DOCUMENTS, &first), value;
  MDB_cursor *cursor;
  int failed = mdb_cursor_open (txn->txn, txn->dbi[DISK_DOCUMENTS], &cursor);

  *count = 0;
  if (failed != 0)
    return failed;
  for (failed = mdb_cursor_get (cursor, &key, &value, MDB_SET_RANGE); failed == 0 && *count < WALKED_MAX;
       failed = mdb_cursor_get (cursor, &key, &value, MDB_NEXT))
    {
      if (disk_key_part (DISK_DOCUMENTS, &key, 0) != module || disk_key_part (DISK_DOCUMENTS, &key, 1) != id)
        break;
      seen[(*count)++] = (Seen){ disk_key_part (DISK_DOCUMENTS, &key, 2), stored_of (&value, now) };
    }
  mdb_cursor_close (cursor);
  return failed == MDB_NOTFOUND ? 0 : failed;
}

static int
delete_version (DiskTxn *txn, uint64_t module, uint64_t id, uint64_t version)
{
  DiskKey parts = disk_key (module, id, version);
  MDB_val key = disk_key_val (DISK_DOCUMENTS, &parts);
  int failed = mdb_del (txn->txn, txn->dbi[DISK_DOCUMENTS], &key, NULL);

  return failed == MDB_NOTFOUND ? 0 : failed;
}

static int
write_version (DiskTxn *txn, DiskKey parts, int64_t stored, int64_t mtime, GBytes *text)
{
  MDB_val key = disk_key_val (DISK_DOCUMENTS, &parts), value;
  DiskDocument head = { .stored = stored, .mtime = mtime };
  size_t size;
  const void *body = g_bytes_get_data (text, &size);
  int failed;

  head.checksum = disk_checksum (DISK_DOCUMENTS, &key, &head, sizeof head, body, size);
  value.mv_size = sizeof head + size;
  failed = mdb_put (txn->txn, txn->dbi[DISK_DOCUMENTS], &key, &value, MDB_RESERVE);
  if (failed != 0)
    return failed;
  memcpy (value.mv_data, &head, sizeof head);
  if (size > 0)
    memcpy ((char *)value.mv_data + sizeof head, body, size);
  return 0;
}

static bool
is_sound (DiskTxn *txn, DiskKey parts)
{
  MDB_val key = disk_key_val (DISK_DOCUMENTS, &parts), value;
  DiskDocument head;

  return mdb_get (txn->txn, txn->dbi[DISK_DOCUMENTS], &key, &value) == 0
         && disk_value_read (DISK_DOCUMENTS, &key, &value, &head, sizeof head);
}

static int
compare_seen (const void *a, const void *b)
{
  const Seen *left = a, *right = b;

  return left->stored < right->stored ? -1 : left->stored > right->stored;
}

int
disk_document_put (DiskTxn *txn, uint64_t module, uint64_t id, uint64_t version, int64_t stored, int64_t mtime,
                   GBytes *text)
{
  DiskKey parts = disk_key (module, id, version);
  Seen seen[WALKED_MAX], *newest = NULL;
  unsigned count, others = 0;
  int failed = walk_versions (txn, module, id, stored, seen, &count);

  if (failed != 0)
    return failed;
  qsort (seen, count, sizeof seen[0], compare_seen);
  newest = count > 0 ? &seen[count - 1] : NULL;
  if (newest != NULL && newest->version == version && is_sound (txn, parts))
    return 0;
  if (newest != NULL)
    stored = MAX (stored, newest->stored + 1);
  for (unsigned i = 0; i < count; i++)
    others += seen[i].version != version;
  for (unsigned i = 0; i < count && failed == 0 && others >= DISK_VERSIONS; i++)
    if (seen[i].version != version)
      {
        failed = delete_version (txn, module, id, seen[i].version);
        others--;
      }
  return failed != 0 ? failed : write_version (txn, parts, stored, mtime, text);
}

GBytes *
disk_document_get (DiskTxn *txn, uint64_t module, uint64_t id, uint64_t version, bool *damaged)
{
  DiskKey parts = disk_key (module, id, version);
  MDB_val key = disk_key_val (DISK_DOCUMENTS, &parts), value;
  DiskDocument head;

  *damaged = false;
  if (mdb_get (txn->txn, txn->dbi[DISK_DOCUMENTS], &key, &value) != 0)
    return NULL;
  *damaged = !disk_value_read (DISK_DOCUMENTS, &key, &value, &head, sizeof head);
  if (*damaged)
    return NULL;
  return g_bytes_new ((const char *)value.mv_data + sizeof head, value.mv_size - sizeof head);
}

int
disk_document_drop (DiskTxn *txn, uint64_t module, uint64_t id, uint64_t version)
{
  return is_sound (txn, disk_key (module, id, version)) ? 0 : delete_version (txn, module, id, version);
}

void
disk_document_versions (DiskTxn *txn, uint64_t module, uint64_t id, GArray *found)
{
  Seen seen[WALKED_MAX];
  unsigned count;

  if (walk_versions (txn, module, id, 0, seen, &count) != 0)
    return;
  for (unsigned i = 0; i < count; i++)
    {
      DiskKey parts = disk_key (module, id, seen[i].version);
      MDB_val key = disk_key_val (DISK_DOCUMENTS, &parts), value;
      DiskDocument head;

      if (mdb_get (txn->txn, txn->dbi[DISK_DOCUMENTS], &key, &value) == 0
          && disk_value_read (DISK_DOCUMENTS, &key, &value, &head, sizeof head))
        {
          DiskStored stored = { seen[i].version, head.stored, head.mtime,
                                g_bytes_new ((const char *)value.mv_data + sizeof head, value.mv_size - sizeof head) };

          g_array_append_val (found, stored);
        }
    }
}
