/* The LMDB environment: opened under a lock, thrown away when it cannot be trusted, and its transactions. */
#include "model/disk_private.h"

#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <unistd.h>

#define CHECK_TIMEOUT_MS 60000
/* Another mount may be checking. */
#define LOCK_TIMEOUT_US (G_GINT64_CONSTANT (70) * 1000000)
#define LOCK_PAUSE_US 20000

#define READERS_MAX 1024
#define LOCK_BYTES (READERS_MAX * 64 + 4096) /* a reader has a cache line */
#define IDLE_MAX 8
#define CAP_MIN (G_GUINT64_CONSTANT (1) << 20)
#define CAP_MAX ((uint64_t)(SIZE_MAX / 4))

/* A change needs room for copies of the pages it changes, whatever the cap says. */
#define HEADROOM (G_GUINT64_CONSTANT (64) << 20)
#define PAGE_ROUND 65536

/* LMDB's own tree of free pages. */
#define FREE_DBI 0

struct DiskFile
{
  char *folder, *account, **check;
  uint64_t cap;

  pthread_rwlock_t lock;  /* guards env and dbi: shared by every transaction, alone to open, close or grow the map */
  MDB_env *env;           /* NULL: not open */
  MDB_dbi dbi[DISK_DBS];
  pthread_mutex_t pool;   /* guards the two below */
  MDB_txn *idle[IDLE_MAX]; /* reset read transactions: renewing one is cheaper than beginning one */
  unsigned idle_count;
  atomic_bool broken;     /* must be opened anew */
  atomic_bool distrusted; /* LMDB found it damaged */
};

/* How many read transactions this thread is in. */
static __thread unsigned reading;

/* ---- opening, under the lock file ------------------------------------------------------------------------------- */

static char *
path_in (const DiskFile *file, const char *name)
{
  return g_build_filename (file->folder, name, NULL);
}

/* Mounts that start together check, throw away and open one after the other. Returns: a descriptor, or -1 (errno). */
static int
take_folder (const DiskFile *file)
{
  g_autofree char *path = path_in (file, "lock");
  gint64 deadline = g_get_monotonic_time () + LOCK_TIMEOUT_US;
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  while (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      if ((errno != EWOULDBLOCK && errno != EINTR) || g_get_monotonic_time () > deadline)
        {
          int failed = errno;

          close (fd);
          errno = failed;
          return -1;
        }
      g_usleep (LOCK_PAUSE_US);
    }
  return fd;
}

static void
throw_away (const DiskFile *file)
{
  g_autofree char *data = path_in (file, "data.mdb"), *lock = path_in (file, "lock.mdb");

  unlink (data);
  unlink (lock);
}

static bool
has_data (const DiskFile *file)
{
  g_autofree char *data = path_in (file, "data.mdb");

  return access (data, F_OK) == 0;
}

static int
begin (MDB_env *env, unsigned flags, MDB_txn **txn)
{
  int failed = mdb_txn_begin (env, NULL, flags, txn);

  if (failed != MDB_MAP_RESIZED)
    return failed;
  failed = mdb_env_set_mapsize (env, 0);
  return failed != 0 ? failed : mdb_txn_begin (env, NULL, flags, txn);
}

static int
open_dbs (MDB_txn *txn, unsigned flags, MDB_dbi dbi[static DISK_DBS])
{
  int failed = 0;

  for (DiskDb db = 0; db < DISK_DBS && failed == 0; db++)
    failed = mdb_dbi_open (txn, disk_db_names[db], flags, &dbi[db]);
  return failed;
}

static MDB_val
meta_key (void)
{
  static char name[] = DISK_META;

  return (MDB_val){ sizeof name - 1, name };
}

static int
write_meta (const DiskFile *file, MDB_txn *txn, MDB_dbi top)
{
  size_t size = strlen (file->account);
  DiskMeta head = { .format = DISK_FORMAT, .account_size = (uint32_t)size };
  MDB_val key = meta_key (), value = { sizeof head + size, NULL };
  int failed;

  head.checksum = disk_checksum (DISK_DBS, &key, &head, sizeof head, file->account, size);
  failed = mdb_put (txn, top, &key, &value, MDB_RESERVE);
  if (failed != 0)
    return failed;
  memcpy (value.mv_data, &head, sizeof head);
  memcpy ((char *)value.mv_data + sizeof head, file->account, size);
  return 0;
}

static int
found (const DiskFile *file, MDB_env *env)
{
  MDB_dbi top, dbi[DISK_DBS];
  MDB_txn *txn;
  int failed = begin (env, 0, &txn);

  if (failed != 0)
    return failed;
  failed = mdb_dbi_open (txn, NULL, 0, &top);
  if (failed == 0)
    failed = open_dbs (txn, MDB_CREATE, dbi);
  if (failed == 0)
    failed = write_meta (file, txn, top);
  if (failed == 0)
    return mdb_txn_commit (txn);
  mdb_txn_abort (txn);
  return failed;
}

/* Returns: 0, MDB_NOTFOUND when it is new, MDB_INCOMPATIBLE when it is foreign, or what failed. */
static int
read_meta (const DiskFile *file, MDB_txn *txn)
{
  DiskMeta head;
  MDB_stat stat;
  MDB_val key = meta_key (), value;
  MDB_dbi top;
  int failed = mdb_dbi_open (txn, NULL, 0, &top);

  if (failed == 0)
    failed = mdb_stat (txn, top, &stat);
  if (failed != 0)
    return failed;
  if (stat.ms_entries == 0)
    return MDB_NOTFOUND;
  failed = mdb_get (txn, top, &key, &value);
  if (failed != 0)
    return failed == MDB_NOTFOUND ? MDB_INCOMPATIBLE : failed;
  if (!disk_value_read (DISK_DBS, &key, &value, &head, sizeof head) || head.format != DISK_FORMAT
      || head.account_size != strlen (file->account) || value.mv_size != sizeof head + head.account_size
      || memcmp ((const char *)value.mv_data + sizeof head, file->account, head.account_size) != 0)
    return MDB_INCOMPATIBLE;
  return 0;
}

static int
look_into (const DiskFile *file, MDB_env *env, MDB_dbi dbi[static DISK_DBS])
{
  MDB_txn *txn;
  int failed = begin (env, MDB_RDONLY, &txn);

  if (failed != 0)
    return failed;
  failed = read_meta (file, txn);
  if (failed == 0)
    {
      failed = open_dbs (txn, 0, dbi);
      failed = failed == MDB_NOTFOUND ? MDB_INCOMPATIBLE : failed;
    }
  if (failed == 0)
    return mdb_txn_commit (txn); /* keeps the handles */
  mdb_txn_abort (txn);
  return failed;
}

/* LMDB maps its lock file and writes into it: on a full disk that would be SIGBUS, unless the file has its blocks. */
static int
reserve_lock (const DiskFile *file)
{
  g_autofree char *lock = path_in (file, "lock.mdb");
  int fd = open (lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int failed;

  if (fd < 0)
    return errno;
  failed = posix_fallocate (fd, 0, LOCK_BYTES);
  close (fd);
  return failed;
}

static int
open_env (const DiskFile *file, MDB_env **env, MDB_dbi dbi[static DISK_DBS])
{
  uint64_t map = (file->cap + file->cap / 4 + HEADROOM + PAGE_ROUND - 1) / PAGE_ROUND * PAGE_ROUND;
  int dead, failed = mdb_env_create (env);

  if (failed != 0)
    return failed;
  mdb_env_set_maxdbs (*env, DISK_DBS);
  mdb_env_set_maxreaders (*env, READERS_MAX);
  mdb_env_set_mapsize (*env, map);
  failed = reserve_lock (file);
  if (failed == 0)
    failed = mdb_env_open (*env, file->folder, MDB_NOTLS, 0600);
  if (failed == 0)
    failed = mdb_reader_check (*env, &dead);
  if (failed == 0)
    failed = look_into (file, *env, dbi);
  if (failed == MDB_NOTFOUND)
    {
      failed = found (file, *env);
      if (failed == 0)
        failed = look_into (file, *env, dbi);
    }
  if (failed == 0)
    return 0;
  mdb_env_close (*env);
  *env = NULL;
  return failed;
}

/* Is @failed for a file that LMDB will never like? */
static bool
is_damage (int failed)
{
  switch (failed)
    {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
    case MDB_PAGE_FULL:
    case MDB_BAD_VALSIZE:
    case MDB_BAD_DBI:
    case MDB_NOTFOUND:
    case MDB_KEYEXIST:
      return true;
    default:
      return false;
    }
}

static void
close_env (DiskFile *file)
{
  MDB_env *env;

  pthread_rwlock_wrlock (&file->lock);
  env = file->env;
  file->env = NULL;
  for (; file->idle_count > 0; file->idle_count--)
    mdb_txn_abort (file->idle[file->idle_count - 1]);
  pthread_rwlock_unlock (&file->lock);
  if (env != NULL)
    mdb_env_close (env);
}

/* The folder is taken. */
static int
open_sound (DiskFile *file, MDB_env **env, MDB_dbi dbi[static DISK_DBS], bool *rebuilt)
{
  bool trusted = !atomic_load (&file->distrusted);
  int failed = reserve_lock (file);

  /* The check maps the lock file too. */
  if (failed != 0)
    return failed;
  if (has_data (file)
      && (!trusted || (file->check != NULL && !disk_run (file->check, CHECK_TIMEOUT_MS))))
    {
      throw_away (file);
      *rebuilt = true;
    }
  failed = open_env (file, env, dbi);
  if (!is_damage (failed))
    return failed;
  throw_away (file);
  *rebuilt = true;
  return open_env (file, env, dbi);
}

/* ---- transactions ----------------------------------------------------------------------------------------------- */

/* Another mount has let the file grow beyond our map. */
static void
grow_map (DiskFile *file)
{
  pthread_rwlock_wrlock (&file->lock);
  if (file->env != NULL && mdb_env_set_mapsize (file->env, 0) != 0)
    {
      /* LMDB has unmapped it and would do so again on closing, whoever has the addresses by then: it is left behind. */
      file->env = NULL;
      file->idle_count = 0;
    }
  pthread_rwlock_unlock (&file->lock);
}

static MDB_txn *
take_idle (DiskFile *file)
{
  LOCKED (&file->pool);

  return file->idle_count > 0 ? file->idle[--file->idle_count] : NULL;
}

/* Lock held shared. */
static int
begin_read (DiskFile *file, MDB_txn **txn)
{
  int failed;

  *txn = take_idle (file);
  if (*txn == NULL)
    return mdb_txn_begin (file->env, NULL, MDB_RDONLY, txn);
  failed = mdb_txn_renew (*txn);
  if (failed != 0)
    mdb_txn_abort (*txn);
  return failed;
}

static bool
put_idle (DiskFile *file, MDB_txn *txn)
{
  LOCKED (&file->pool);

  if (file->idle_count == IDLE_MAX)
    return false;
  file->idle[file->idle_count++] = txn;
  return true;
}

bool
disk_read_begin (DiskFile *file, DiskTxn *txn)
{
  for (unsigned tries = 0; tries < 3; tries++)
    {
      int failed;

      pthread_rwlock_rdlock (&file->lock);
      if (file->env == NULL)
        {
          pthread_rwlock_unlock (&file->lock);
          return false;
        }
      failed = begin_read (file, &txn->txn);
      if (failed == 0)
        {
          txn->dbi = file->dbi;
          reading++;
          return true;
        }
      pthread_rwlock_unlock (&file->lock);
      disk_file_failed (file, failed);
      /* A thread that is in a transaction has the map in use itself. */
      if (failed != MDB_MAP_RESIZED || reading > 0)
        return false;
      grow_map (file);
    }
  return false;
}

void
disk_read_end (DiskFile *file, DiskTxn *txn)
{
  mdb_txn_reset (txn->txn);
  if (!put_idle (file, txn->txn))
    mdb_txn_abort (txn->txn);
  reading--;
  pthread_rwlock_unlock (&file->lock);
}

int
disk_write_begin (DiskFile *file, DiskTxn *txn)
{
  int failed = MDB_MAP_RESIZED;

  for (unsigned tries = 0; tries < 3 && failed == MDB_MAP_RESIZED; tries++)
    {
      if (tries > 0)
        grow_map (file);
      pthread_rwlock_rdlock (&file->lock);
      failed = file->env != NULL ? mdb_txn_begin (file->env, NULL, 0, &txn->txn) : EAGAIN;
      txn->dbi = file->dbi;
      if (failed != 0)
        pthread_rwlock_unlock (&file->lock);
    }
  return failed;
}

int
disk_write_end (DiskFile *file, DiskTxn *txn, int failed)
{
  if (failed == 0)
    failed = mdb_txn_commit (txn->txn);
  else
    mdb_txn_abort (txn->txn);
  pthread_rwlock_unlock (&file->lock);
  return failed;
}

static uint64_t
free_pages (MDB_txn *txn)
{
  MDB_val key, value;
  MDB_cursor *cursor;
  uint64_t pages = 0;

  if (mdb_cursor_open (txn, FREE_DBI, &cursor) != 0)
    return 0;
  while (mdb_cursor_get (cursor, &key, &value, MDB_NEXT) == 0)
    {
      size_t count = 0; /* a list of page numbers begins with how many they are */

      if (value.mv_size >= sizeof count)
        memcpy (&count, value.mv_data, sizeof count);
      pages += count;
    }
  mdb_cursor_close (cursor);
  return pages;
}

uint64_t
disk_file_used (DiskFile *file)
{
  MDB_envinfo info;
  MDB_stat stat;
  uint64_t used = 0;
  DiskTxn txn;

  if (!disk_read_begin (file, &txn))
    return 0;
  if (mdb_env_info (file->env, &info) == 0 && mdb_env_stat (file->env, &stat) == 0)
    {
      uint64_t pages = (uint64_t)info.me_last_pgno + 1, unused = free_pages (txn.txn);

      used = (pages - MIN (pages, unused)) * stat.ms_psize;
    }
  disk_read_end (file, &txn);
  return used;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

uint64_t
disk_file_cap (const DiskFile *file)
{
  return file->cap;
}

void
disk_file_failed (DiskFile *file, int failed)
{
  int dead;

  if (failed == MDB_PANIC || failed == MDB_BAD_TXN)
    atomic_store (&file->broken, true);
  else if (is_damage (failed))
    atomic_store (&file->distrusted, true);
  else if (failed == MDB_READERS_FULL || failed == MDB_MAP_FULL)
    {
      /* Mounts that were killed may hold readers, and readers old pages. */
      pthread_rwlock_rdlock (&file->lock);
      if (file->env != NULL)
        mdb_reader_check (file->env, &dead);
      pthread_rwlock_unlock (&file->lock);
    }
}

bool
disk_file_open (DiskFile *file, bool *rebuilt, char **problem)
{
  MDB_env *env = NULL;
  MDB_dbi dbi[DISK_DBS];
  int failed, folder;

  if (file->env != NULL && !atomic_load (&file->broken) && !atomic_load (&file->distrusted))
    return true;
  close_env (file);
  if (g_mkdir_with_parents (file->folder, 0700) != 0)
    {
      *problem = g_strdup_printf ("The folder %s cannot be made: %s.", file->folder, g_strerror (errno));
      return false;
    }
  folder = take_folder (file);
  failed = folder < 0 ? errno : open_sound (file, &env, dbi, rebuilt);
  if (folder >= 0)
    close (folder);
  if (failed != 0)
    {
      *problem = g_strdup_printf ("The files in %s cannot be opened: %s.", file->folder, mdb_strerror (failed));
      return false;
    }
  atomic_store (&file->broken, false);
  atomic_store (&file->distrusted, false);
  pthread_rwlock_wrlock (&file->lock);
  file->env = env;
  memcpy (file->dbi, dbi, sizeof dbi);
  pthread_rwlock_unlock (&file->lock);
  return true;
}

DiskFile *
disk_file_new (const DiskConfig *config)
{
  DiskFile *file = g_new0 (DiskFile, 1);

  file->folder = g_strdup (config->folder);
  file->account = g_strdup (config->account);
  file->check = g_strdupv ((char **)config->check);
  file->cap = CLAMP (config->cap, CAP_MIN, CAP_MAX);
  pthread_rwlock_init (&file->lock, NULL);
  pthread_mutex_init (&file->pool, NULL);
  return file;
}

void
disk_file_free (DiskFile *file)
{
  close_env (file);
  pthread_mutex_destroy (&file->pool);
  pthread_rwlock_destroy (&file->lock);
  g_strfreev (file->check);
  g_free (file->account);
  g_free (file->folder);
  g_free (file);
}
