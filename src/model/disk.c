/* The disk cache: a queue, the thread that writes it in batches, and what is read from both the queue and the file.
 *
 * What the file does not take stays in the queue, where it is found as well, and the thread tries again. */
#include "model/disk_private.h"

#include "base/lock.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>

#define RETRY_S 10
/* One transaction's. */
#define BATCH_ITEMS 4096
#define BATCH_BYTES (G_GUINT64_CONSTANT (8) << 20)
/* A larger document would crowd out the rest: a part of the cap. */
#define DOCUMENT_PART 8

typedef enum
{
  ITEM_DOCUMENT,
  ITEM_DROP, /* a document that was read damaged */
  ITEM_BEGIN,
  ITEM_ENTRY,
  ITEM_REMOVE,
  ITEM_ROW,
  ITEM_REMOVE_ROW,
  ITEM_END,
  ITEM_CLOSE, /* an index that was read damaged */
  ITEM_USED,
} ItemKind;

/* Something to write; immutable once it is queued, but for what the lock guards. */
typedef struct Item Item;
struct Item
{
  ItemKind kind;
  uint64_t module;
  uint64_t epoch;
  int64_t since; /* of ITEM_END: from */
  union
  {
    struct
    {
      uint64_t id, version;
      int64_t stored, mtime;
      GBytes *text;
      Item *older; /* of the same record, in Disk.waiting; guarded by the lock */
    } document;
    DiskEntry entry; /* its label is its own */
    struct
    {
      uint64_t id;
      int64_t deleted_at;
    } removed;
    DiskRow row;
    DiskModule end;
  };
};

typedef struct
{
  uint64_t module, id;
} RecordKey;

struct Disk
{
  DiskFile *file;
  pthread_t writer;

  pthread_mutex_t lock;     /* guards all below; never held across the file */
  pthread_cond_t news;      /* for the writer: something came, or is wanted at once */
  pthread_cond_t tried;     /* a batch was written, or not */
  GQueue queue;             /* Item *, in the order to write them */
  GHashTable *waiting;      /* RecordKey -> the newest Item * of its documents in the queue */
  GHashTable *begun;        /* set of uint64_t: the epochs whose begin is in the queue */
  uint64_t queued, written; /* items ever */
  uint64_t failures;        /* attempts to write that failed */
  uint64_t queued_bytes;
  int64_t last_stored;      /* microseconds since 1970 */
  bool hurry;               /* somebody waits: do not wait to try again */
  bool ending;
  bool rebuilt;
  char *problem;            /* NULL: the disk is used; changed by the writer alone */

  atomic_uint_fast64_t file_bytes, evicted, damaged;
};

/* ---- items ------------------------------------------------------------------------------------------------------ */

static guint
record_hash (gconstpointer key)
{
  const RecordKey *record = key;

  return g_int64_hash (&record->id) ^ (g_int64_hash (&record->module) * 31);
}

static gboolean
record_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (RecordKey)) == 0;
}

static uint64_t
item_bytes (const Item *item)
{
  return sizeof *item + (item->kind == ITEM_DOCUMENT ? g_bytes_get_size (item->document.text) : 0);
}

static void
item_free (Item *item)
{
  if (item->kind == ITEM_DOCUMENT)
    g_bytes_unref (item->document.text);
  if (item->kind == ITEM_ENTRY)
    g_free ((char *)item->entry.label);
  g_free (item);
}

static Item *
item_new (ItemKind kind, uint64_t module, uint64_t epoch, int64_t since)
{
  Item *item = g_new0 (Item, 1);

  item->kind = kind;
  item->module = module;
  item->epoch = epoch;
  item->since = since;
  return item;
}

/* Lock held. Takes @item. */
static void
push_locked (Disk *disk, Item *item)
{
  g_queue_push_tail (&disk->queue, item);
  disk->queued++;
  disk->queued_bytes += item_bytes (item);
  if (disk->problem == NULL)
    pthread_cond_signal (&disk->news);
}

static void
push (Disk *disk, Item *item)
{
  LOCKED (&disk->lock);
  push_locked (disk, item);
}

/* Lock held. The newest document of the record in the queue, or NULL. */
static Item *
waiting_of (Disk *disk, uint64_t module, uint64_t id)
{
  return g_hash_table_lookup (disk->waiting, &(RecordKey){ module, id });
}

/* Lock held. */
static void
set_waiting (Disk *disk, uint64_t module, uint64_t id, Item *newest)
{
  RecordKey key = { module, id };

  if (newest != NULL)
    g_hash_table_insert (disk->waiting, g_memdup2 (&key, sizeof key), newest);
  else
    g_hash_table_remove (disk->waiting, &key);
}

/* Lock held. */
static void
unlink_waiting (Disk *disk, Item *item)
{
  uint64_t id = item->document.id;
  Item *newest = waiting_of (disk, item->module, id);

  if (newest == item)
    {
      set_waiting (disk, item->module, id, item->document.older);
      return;
    }
  while (newest->document.older != item)
    newest = newest->document.older;
  newest->document.older = item->document.older;
}

/* Lock held. */
static int64_t
next_stored (Disk *disk)
{
  disk->last_stored = MAX (disk->last_stored + 1, g_get_real_time ());
  return disk->last_stored;
}

/* ---- the writer ------------------------------------------------------------------------------------------------- */

static int
apply (DiskTxn *txn, DiskIndexes *indexes, const Item *item)
{
  switch (item->kind)
    {
    case ITEM_DOCUMENT:
      return disk_document_put (txn, item->module, item->document.id, item->document.version, item->document.stored,
                                item->document.mtime, item->document.text);
    case ITEM_DROP:
      return disk_document_drop (txn, item->module, item->document.id, item->document.version);
    case ITEM_BEGIN:
      return disk_indexes_new_epoch (indexes, item->module, item->epoch, g_get_real_time ());
    case ITEM_ENTRY:
      return disk_indexes_entry (indexes, item->module, item->epoch, item->since, &item->entry);
    case ITEM_REMOVE:
      return disk_indexes_remove (indexes, item->module, item->epoch, item->since, item->removed.id,
                                  item->removed.deleted_at);
    case ITEM_ROW:
      return disk_indexes_row (indexes, item->module, item->epoch, item->since, &item->row);
    case ITEM_REMOVE_ROW:
      return disk_indexes_remove_row (indexes, item->module, item->epoch, item->since, item->row.id);
    case ITEM_END:
      return disk_indexes_finish (indexes, item->module, item->since, &item->end, g_get_real_time ());
    case ITEM_CLOSE:
      return disk_indexes_close (indexes, item->module, item->epoch);
    case ITEM_USED:
      return disk_indexes_used (indexes, item->module, item->epoch, g_get_real_time ());
    }
  g_assert_not_reached ();
}

static int
write_once (Disk *disk, const GPtrArray *batch)
{
  DiskIndexes indexes;
  DiskTxn txn;
  int failed = disk_write_begin (disk->file, &txn);

  if (failed != 0)
    return failed;
  disk_indexes_begin (&indexes, &txn);
  for (guint i = 0; i < batch->len && failed == 0; i++)
    failed = apply (&txn, &indexes, batch->pdata[i]);
  failed = disk_indexes_end (&indexes, failed);
  return disk_write_end (disk->file, &txn, failed);
}

static int
evict_to (Disk *disk, uint64_t target)
{
  uint64_t evicted = 0;
  int failed = disk_evict (disk->file, target, &evicted);

  atomic_fetch_add (&disk->evicted, evicted);
  return failed;
}

/* Returns: 0 or what failed. */
static int
write_batch (Disk *disk, const GPtrArray *batch)
{
  uint64_t cap = disk_file_cap (disk->file), used;
  int failed = batch->len > 0 ? write_once (disk, batch) : 0;

  if (failed == MDB_MAP_FULL)
    {
      disk_file_failed (disk->file, failed);
      used = disk_file_used (disk->file);
      failed = evict_to (disk, MIN (used, cap) / 10 * 9);
      if (failed == 0)
        failed = write_once (disk, batch);
    }
  if (failed != 0)
    return failed;
  used = disk_file_used (disk->file);
  if (used > cap)
    {
      failed = evict_to (disk, cap / 10 * 9);
      used = disk_file_used (disk->file);
      if (failed != 0)
        disk_file_failed (disk->file, failed); /* the batch itself is written */
    }
  atomic_store (&disk->file_bytes, used);
  return 0;
}

/* Says a change of state once. No lock held; only the writer changes Disk.problem. */
static void
tell (const Disk *disk, const char *problem)
{
  if (problem != NULL && disk->problem == NULL)
    g_warning ("The cache on disk is not used, all is kept in memory: %s", problem);
  if (problem == NULL && disk->problem != NULL)
    g_message ("The cache on disk is used again.");
}

/* Lock held. Takes @problem; NULL: there is none. */
static void
set_problem (Disk *disk, char *problem)
{
  g_free (disk->problem);
  disk->problem = problem;
}

/* Returns: NULL, or why the file is not open, to g_free(). */
static char *
open_file (Disk *disk)
{
  bool rebuilt = false;
  char *problem = NULL;
  bool opened = disk_file_open (disk->file, &rebuilt, &problem);

  if (rebuilt)
    {
      if (opened || disk->problem == NULL)
        g_warning ("The cache on disk was damaged, of another version or another account: it is made anew.");
      LOCKED (&disk->lock);
      disk->rebuilt = true;
    }
  return opened ? NULL : problem;
}

/* Returns: NULL, or why it was not written, to g_free(). */
static char *
try_to_write (Disk *disk, const GPtrArray *batch)
{
  char *problem = open_file (disk);
  int failed;

  if (problem != NULL)
    return problem;
  failed = write_batch (disk, batch);
  if (failed == 0)
    return NULL;
  disk_file_failed (disk->file, failed);
  return g_strdup_printf ("Writing failed: %s.", mdb_strerror (failed));
}

/* Lock held. */
static void
take_batch (Disk *disk, GPtrArray *batch)
{
  uint64_t bytes = 0, most = MIN (BATCH_BYTES, disk_file_cap (disk->file) / DOCUMENT_PART);

  g_ptr_array_set_size (batch, 0);
  for (GList *link = disk->queue.head; link != NULL && batch->len < BATCH_ITEMS && bytes < most; link = link->next)
    {
      Item *item = link->data;

      bytes += item_bytes (item);
      g_ptr_array_add (batch, item);
    }
}

/* Lock held. */
static void
forget_batch (Disk *disk, const GPtrArray *batch)
{
  for (guint i = 0; i < batch->len; i++)
    {
      Item *item = g_queue_pop_head (&disk->queue);

      if (item->kind == ITEM_DOCUMENT)
        unlink_waiting (disk, item);
      if (item->kind == ITEM_BEGIN)
        g_hash_table_remove (disk->begun, &item->epoch);
      disk->queued_bytes -= item_bytes (item);
      disk->written++;
      item_free (item);
    }
}

/* Lock held. Returns: false at the end. */
static bool
wait_for_work (Disk *disk)
{
  struct timespec due;

  clock_gettime (CLOCK_MONOTONIC, &due);
  due.tv_sec += RETRY_S;
  while (!disk->ending && !disk->hurry)
    {
      if (disk->problem == NULL && disk->queue.length > 0)
        return true;
      if (disk->problem == NULL)
        pthread_cond_wait (&disk->news, &disk->lock);
      else if (pthread_cond_timedwait (&disk->news, &disk->lock, &due) == ETIMEDOUT)
        return true;
    }
  return disk->hurry || disk->queue.length > 0;
}

static void *
write_queue (void *data)
{
  Disk *disk = data;
  g_autoptr(GPtrArray) batch = g_ptr_array_new ();
  bool given_up = false;

  pthread_mutex_lock (&disk->lock);
  while (!given_up && wait_for_work (disk))
    {
      bool last = disk->ending;
      char *problem;

      take_batch (disk, batch);
      pthread_mutex_unlock (&disk->lock);
      problem = try_to_write (disk, batch);
      tell (disk, problem);
      pthread_mutex_lock (&disk->lock);
      if (problem == NULL)
        forget_batch (disk, batch);
      else
        disk->failures++;
      given_up = last && problem != NULL;
      disk->hurry = disk->hurry && problem == NULL && disk->queue.length > 0;
      set_problem (disk, problem);
      pthread_cond_broadcast (&disk->tried);
    }
  pthread_mutex_unlock (&disk->lock);
  return NULL;
}

/* ---- public: the whole ------------------------------------------------------------------------------------------ */

Disk *
disk_open (const DiskConfig *config)
{
  Disk *disk = g_new0 (Disk, 1);
  pthread_condattr_t monotonic;
  char *problem;

  disk->file = disk_file_new (config);
  pthread_mutex_init (&disk->lock, NULL);
  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init (&disk->news, &monotonic);
  pthread_cond_init (&disk->tried, NULL);
  pthread_condattr_destroy (&monotonic);
  g_queue_init (&disk->queue);
  disk->waiting = g_hash_table_new_full (record_hash, record_equal, g_free, NULL);
  disk->begun = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  problem = open_file (disk);
  atomic_store (&disk->file_bytes, problem == NULL ? disk_file_used (disk->file) : 0);
  tell (disk, problem);
  set_problem (disk, problem);
  if (pthread_create (&disk->writer, NULL, write_queue, disk) != 0)
    g_error ("Cannot start a thread for the cache on disk: too many threads, or no memory");
  pthread_setname_np (disk->writer, "disk");
  return disk;
}

void
disk_free (Disk *disk)
{
  Item *item;

  if (disk == NULL)
    return;
  {
    LOCKED (&disk->lock);
    disk->ending = true;
    pthread_cond_signal (&disk->news);
  }
  pthread_join (disk->writer, NULL);
  while ((item = g_queue_pop_head (&disk->queue)) != NULL)
    item_free (item);
  g_hash_table_destroy (disk->waiting);
  g_hash_table_destroy (disk->begun);
  disk_file_free (disk->file);
  pthread_cond_destroy (&disk->news);
  pthread_cond_destroy (&disk->tried);
  pthread_mutex_destroy (&disk->lock);
  g_free (disk->problem);
  g_free (disk);
}

void
disk_flush (Disk *disk)
{
  uint64_t target, failures;

  LOCKED (&disk->lock);
  target = disk->queued;
  failures = disk->failures;
  while (disk->written < target && disk->failures == failures)
    {
      disk->hurry = true;
      pthread_cond_signal (&disk->news);
      pthread_cond_wait (&disk->tried, &disk->lock);
    }
}

void
disk_stats (Disk *disk, DiskStats *stats)
{
  *stats = (DiskStats){ .file_bytes = atomic_load (&disk->file_bytes),
                        .cap = disk_file_cap (disk->file),
                        .evicted = atomic_load (&disk->evicted),
                        .damaged = atomic_load (&disk->damaged) };
  LOCKED (&disk->lock);
  stats->queued_bytes = disk->queued_bytes;
  stats->rebuilt = disk->rebuilt;
  g_strlcpy (stats->problem, disk->problem != NULL ? disk->problem : "", sizeof stats->problem);
}

/* ---- public: documents ------------------------------------------------------------------------------------------ */

void
disk_put (Disk *disk, uint64_t module, uint64_t id, uint64_t version, int64_t mtime, GBytes *text)
{
  Item *item, *newest;

  if (g_bytes_get_size (text) > disk_file_cap (disk->file) / DOCUMENT_PART)
    return;
  LOCKED (&disk->lock);
  newest = waiting_of (disk, module, id);
  if (newest != NULL && newest->document.version == version)
    return;
  item = item_new (ITEM_DOCUMENT, module, 0, 0);
  item->document.id = id;
  item->document.version = version;
  item->document.mtime = mtime;
  item->document.text = g_bytes_ref (text);
  item->document.stored = next_stored (disk);
  item->document.older = newest;
  set_waiting (disk, module, id, item);
  push_locked (disk, item);
}

static GBytes *
get_waiting (Disk *disk, uint64_t module, uint64_t id, uint64_t version)
{
  Item *item;

  LOCKED (&disk->lock);
  item = waiting_of (disk, module, id);
  while (item != NULL && item->document.version != version)
    item = item->document.older;
  return item != NULL ? g_bytes_ref (item->document.text) : NULL;
}

GBytes *
disk_get (Disk *disk, uint64_t module, uint64_t id, uint64_t version)
{
  GBytes *text = get_waiting (disk, module, id, version);
  bool damaged;
  DiskTxn txn;

  if (text != NULL || !disk_read_begin (disk->file, &txn))
    return text;
  text = disk_document_get (&txn, module, id, version, &damaged);
  disk_read_end (disk->file, &txn);
  if (damaged)
    {
      Item *item = item_new (ITEM_DROP, module, 0, 0);

      atomic_fetch_add (&disk->damaged, 1);
      item->document.id = id;
      item->document.version = version;
      push (disk, item);
    }
  return text;
}

static void
clear_version (gpointer data)
{
  g_bytes_unref (((DiskVersion *)data)->text);
}

static void
clear_stored (gpointer data)
{
  g_bytes_unref (((DiskStored *)data)->text);
}

static gint
compare_stored (gconstpointer a, gconstpointer b)
{
  const DiskStored *left = a, *right = b;

  return left->stored > right->stored ? -1 : left->stored < right->stored;
}

static void
add_waiting (Disk *disk, uint64_t module, uint64_t id, GArray *found)
{
  LOCKED (&disk->lock);
  for (Item *item = waiting_of (disk, module, id); item != NULL; item = item->document.older)
    {
      DiskStored stored = { item->document.version, item->document.stored, item->document.mtime,
                            g_bytes_ref (item->document.text) };

      g_array_append_val (found, stored);
    }
}

static bool
has_version (const GArray *versions, uint64_t version)
{
  for (guint i = 0; i < versions->len; i++)
    if (g_array_index (versions, DiskVersion, i).version == version)
      return true;
  return false;
}

GArray *
disk_versions (Disk *disk, uint64_t module, uint64_t id)
{
  GArray *versions = g_array_new (FALSE, FALSE, sizeof (DiskVersion));
  g_autoptr(GArray) found = g_array_new (FALSE, FALSE, sizeof (DiskStored));
  DiskTxn txn;

  g_array_set_clear_func (versions, clear_version);
  g_array_set_clear_func (found, clear_stored);
  add_waiting (disk, module, id, found);
  if (disk_read_begin (disk->file, &txn))
    {
      disk_document_versions (&txn, module, id, found);
      disk_read_end (disk->file, &txn);
    }
  g_array_sort (found, compare_stored);
  for (guint i = 0; i < found->len && versions->len < DISK_VERSIONS; i++)
    {
      const DiskStored *stored = &g_array_index (found, DiskStored, i);
      DiskVersion version = { stored->version, stored->mtime, stored->text };

      if (has_version (versions, version.version))
        continue;
      g_bytes_ref (version.text);
      g_array_append_val (versions, version);
    }
  return versions;
}

/* ---- public: indexes -------------------------------------------------------------------------------------------- */

uint64_t
disk_index_begin (Disk *disk, uint64_t module)
{
  Item *item = item_new (ITEM_BEGIN, module, 0, 0);
  uint64_t epoch;

  while (item->epoch == 0)
    if (getrandom (&item->epoch, sizeof item->epoch, 0) != sizeof item->epoch)
      item->epoch = (uint64_t)g_random_int () << 32 | g_random_int ();
  epoch = item->epoch;
  LOCKED (&disk->lock);
  g_hash_table_add (disk->begun, g_memdup2 (&epoch, sizeof epoch));
  push_locked (disk, item);
  return epoch;
}

void
disk_index_put (Disk *disk, uint64_t module, uint64_t epoch, int64_t since, const DiskEntry *entry)
{
  Item *item = item_new (ITEM_ENTRY, module, epoch, since);

  item->entry = *entry;
  item->entry.label = g_strdup (entry->label);
  push (disk, item);
}

void
disk_index_remove (Disk *disk, uint64_t module, uint64_t epoch, int64_t since, uint64_t id, int64_t deleted_at)
{
  Item *item = item_new (ITEM_REMOVE, module, epoch, since);

  item->removed.id = id;
  item->removed.deleted_at = deleted_at;
  push (disk, item);
}

void
disk_index_put_row (Disk *disk, uint64_t module, uint64_t epoch, int64_t since, const DiskRow *row)
{
  Item *item = item_new (ITEM_ROW, module, epoch, since);

  item->row = *row;
  push (disk, item);
}

void
disk_index_remove_row (Disk *disk, uint64_t module, uint64_t epoch, int64_t since, uint64_t row)
{
  Item *item = item_new (ITEM_REMOVE_ROW, module, epoch, since);

  item->row.id = row;
  push (disk, item);
}

void
disk_index_end (Disk *disk, uint64_t module, int64_t from, const DiskModule *state)
{
  Item *item = item_new (ITEM_END, module, state->epoch, from);

  item->end = *state;
  push (disk, item);
}

static bool
is_begun (Disk *disk, uint64_t epoch)
{
  LOCKED (&disk->lock);

  return g_hash_table_contains (disk->begun, &epoch);
}

bool
disk_index_lost (Disk *disk, uint64_t module, uint64_t epoch, bool *newer)
{
  DiskState state;
  DiskTxn txn;
  bool there;

  *newer = false;
  if (is_begun (disk, epoch) || !disk_read_begin (disk->file, &txn))
    return false;
  there = disk_state_read (&txn, module, &state);
  disk_read_end (disk->file, &txn);
  if (there && state.epoch == epoch)
    return false;
  *newer = there && state.whole;
  return true;
}

bool
disk_index_restore (Disk *disk, uint64_t module, uint64_t digest, const DiskRestore *restore, DiskModule *state)
{
  DiskRestored restored;
  DiskState found;
  DiskTxn txn;

  if (!disk_read_begin (disk->file, &txn))
    return false;
  restored = disk_indexes_restore (&txn, module, digest, restore, &found);
  disk_read_end (disk->file, &txn);
  if (restored == DISK_RESTORE_DAMAGED)
    atomic_fetch_add (&disk->damaged, 1);
  if (restored == DISK_RESTORE_NONE)
    return false;
  if (digest != 0)
    push (disk, item_new (restored == DISK_RESTORE_DONE ? ITEM_USED : ITEM_CLOSE, module, found.epoch, 0));
  *state = (DiskModule){ found.epoch, found.since, found.mtime, found.swept, found.digest };
  return restored == DISK_RESTORE_DONE;
}
