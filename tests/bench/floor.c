/* The least that a FUSE mount of many small files can cost: a read-only server that has one directory of files in
 * memory and lets the kernel keep all it learns. What zohofs needs beyond it is its own doing.
 *   floor [--noopen] DIRECTORY MOUNTPOINT
 * serves copies of the DIRECTORY's files until it is unmounted or ended. SIGUSR1, and the end, make it write a line to
 * stdout: how many requests of each kind it got so far, as JSON. --noopen: no OPEN and OPENDIR at all. */
#include <errno.h>
#include <fuse_lowlevel.h>
#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TIMEOUT_S 3600.0
#define DOTS 2 /* "." and ".." stand before the files */
#define FIRST_INO (FUSE_ROOT_ID + 1)

typedef enum
{
  COUNT_LOOKUP,
  COUNT_FORGET,
  COUNT_GETATTR,
  COUNT_OPEN,
  COUNT_READ,
  COUNT_RELEASE,
  COUNT_OPENDIR,
  COUNT_READDIR,
  COUNT_RELEASEDIR,
  COUNT_OTHER,
  COUNTS
} Count;

static const char *const count_names[COUNTS] = {
  "lookup", "forget", "getattr", "open", "read", "release", "opendir", "readdir", "releasedir", "other",
};

typedef struct
{
  char *name;
  char *text;
  struct stat stat;
} File;

/* Written before the mount, only read afterwards. */
static GArray *files;      /* of File; the inode is the index and FIRST_INO */
static GHashTable *numbers; /* name -> index */
static struct stat root_stat;
static bool no_open;

static atomic_ullong counts[COUNTS];

/* ---- the files -------------------------------------------------------------------------------------------------- */

static void
load_file (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;
  File file = { 0 };
  gsize size;

  if (lstat (path, &file.stat) != 0 || !S_ISREG (file.stat.st_mode))
    return;
  if (!g_file_get_contents (path, &file.text, &size, &error))
    g_error ("%s", error->message);
  file.name = g_strdup (name);
  file.stat.st_ino = FIRST_INO + files->len;
  file.stat.st_size = (off_t) size;
  file.stat.st_nlink = 1;
  g_hash_table_insert (numbers, file.name, GUINT_TO_POINTER (files->len));
  g_array_append_val (files, file);
}

static bool
load (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *name;

  if (dir == NULL || stat (folder, &root_stat) != 0)
    {
      fprintf (stderr, "floor: %s\n", error != NULL ? error->message : g_strerror (errno));
      return false;
    }
  root_stat.st_ino = FUSE_ROOT_ID;
  files = g_array_new (FALSE, FALSE, sizeof (File));
  numbers = g_hash_table_new (g_str_hash, g_str_equal);
  while ((name = g_dir_read_name (dir)) != NULL)
    load_file (folder, name);
  return true;
}

/* Returns: NULL for the directory and for numbers that were never given out. */
static const File *
file_of (fuse_ino_t ino)
{
  return ino >= FIRST_INO && ino - FIRST_INO < files->len ? &g_array_index (files, File, ino - FIRST_INO) : NULL;
}

static struct fuse_entry_param
entry_of (const File *file)
{
  return (struct fuse_entry_param){
    .ino = file->stat.st_ino,
    .generation = 1,
    .attr = file->stat,
    .attr_timeout = TIMEOUT_S,
    .entry_timeout = TIMEOUT_S,
  };
}

/* ---- counts ----------------------------------------------------------------------------------------------------- */

static void
count (Count kind, size_t more)
{
  atomic_fetch_add_explicit (&counts[kind], more, memory_order_relaxed);
}

static void
print_counts (void)
{
  for (int i = 0; i < COUNTS; i++)
    printf ("%s\"%s\": %llu", i > 0 ? ", " : "{", count_names[i], atomic_load (&counts[i]));
  puts ("}");
  fflush (stdout);
}

static void *
answer_signals (void *data)
{
  const sigset_t *asked = data;
  int number;

  while (sigwait (asked, &number) == 0)
    print_counts ();
  return NULL;
}

/* ---- operations ------------------------------------------------------------------------------------------------- */

static void
init (void *data, struct fuse_conn_info *conn)
{
  conn->want &= ~(unsigned) (FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE
                             | FUSE_CAP_SPLICE_MOVE);
  conn->want |= conn->capable & FUSE_CAP_READDIRPLUS;
}

static void
lookup (fuse_req_t req, fuse_ino_t parent, const char *name)
{
  struct fuse_entry_param missing = { .entry_timeout = TIMEOUT_S };
  struct fuse_entry_param entry;
  gpointer number;

  count (COUNT_LOOKUP, 1);
  if (parent != FUSE_ROOT_ID || !g_hash_table_lookup_extended (numbers, name, NULL, &number))
    {
      fuse_reply_entry (req, &missing);
      return;
    }
  entry = entry_of (&g_array_index (files, File, GPOINTER_TO_UINT (number)));
  fuse_reply_entry (req, &entry);
}

static void
forget (fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
  count (COUNT_FORGET, 1);
  fuse_reply_none (req);
}

static void
forget_multi (fuse_req_t req, size_t number, struct fuse_forget_data *forgets)
{
  count (COUNT_FORGET, number);
  fuse_reply_none (req);
}

static void
getattr (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  const File *file = file_of (ino);

  count (COUNT_GETATTR, 1);
  fuse_reply_attr (req, file != NULL ? &file->stat : &root_stat, TIMEOUT_S);
}

static void
open_file (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  count (COUNT_OPEN, 1);
  if (no_open)
    {
      fuse_reply_err (req, ENOSYS);
      return;
    }
  fi->keep_cache = 1;
  fi->noflush = 1;
  fuse_reply_open (req, fi);
}

static void
read_file (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
  const File *file = file_of (ino);

  count (COUNT_READ, 1);
  if (file == NULL || offset < 0 || offset >= file->stat.st_size)
    fuse_reply_buf (req, NULL, 0);
  else
    fuse_reply_buf (req, file->text + offset, MIN (size, (size_t) (file->stat.st_size - offset)));
}

static void
release (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  count (COUNT_RELEASE, 1);
  fuse_reply_err (req, 0);
}

static void
open_dir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  count (COUNT_OPENDIR, 1);
  if (no_open)
    {
      fuse_reply_err (req, ENOSYS);
      return;
    }
  fi->keep_cache = 1;
  fi->cache_readdir = 1;
  fuse_reply_open (req, fi);
}

/* Returns: the bytes that the entry takes, more than @size when it does not fit. */
static size_t
add_entry (fuse_req_t req, char *place, size_t size, off_t index, bool plus)
{
  struct fuse_entry_param entry = { .attr = root_stat };
  const char *name = index == 0 ? "." : "..";

  if (index >= DOTS)
    {
      entry = entry_of (&g_array_index (files, File, index - DOTS));
      name = g_array_index (files, File, index - DOTS).name;
    }
  return plus ? fuse_add_direntry_plus (req, place, size, name, &entry, index + 1)
              : fuse_add_direntry (req, place, size, name, &entry.attr, index + 1);
}

static void
read_dir_as (fuse_req_t req, size_t size, off_t offset, bool plus)
{
  g_autofree char *buffer = g_malloc (size);
  size_t used = 0;

  count (COUNT_READDIR, 1);
  for (off_t index = MAX (offset, 0); index < (off_t) files->len + DOTS; index++)
    {
      size_t taken = add_entry (req, buffer + used, size - used, index, plus);

      if (taken > size - used)
        break;
      used += taken;
    }
  fuse_reply_buf (req, buffer, used);
}

static void
read_dir (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
  read_dir_as (req, size, offset, false);
}

static void
read_dir_plus (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
  read_dir_as (req, size, offset, true);
}

static void
release_dir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  count (COUNT_RELEASEDIR, 1);
  fuse_reply_err (req, 0);
}

static void
statfs_of (fuse_req_t req, fuse_ino_t ino)
{
  const struct statvfs stat = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255, .f_files = files->len };

  count (COUNT_OTHER, 1);
  fuse_reply_statfs (req, &stat);
}

/* No getxattr, no flush: the kernel is told once and does not ask again. */
static const struct fuse_lowlevel_ops operations = {
  .init = init,
  .lookup = lookup,
  .forget = forget,
  .forget_multi = forget_multi,
  .getattr = getattr,
  .open = open_file,
  .read = read_file,
  .release = release,
  .opendir = open_dir,
  .readdir = read_dir,
  .readdirplus = read_dir_plus,
  .releasedir = release_dir,
  .statfs = statfs_of,
};

/* ---- the process ------------------------------------------------------------------------------------------------ */

static int
serve (struct fuse_session *session, const char *mountpoint)
{
  struct fuse_loop_config *config;
  int failed;

  if (fuse_session_mount (session, mountpoint) != 0)
    return 1;
  config = fuse_loop_cfg_create ();
  failed = fuse_session_loop_mt (session, config);
  fuse_loop_cfg_destroy (config);
  fuse_session_unmount (session);
  /* Above zero: the signal that ended it. */
  return failed < 0;
}

int
main (int argc, char **argv)
{
  char *words[] = { argv[0], "-ofsname=floor,subtype=floor,ro,default_permissions", NULL };
  struct fuse_args args = FUSE_ARGS_INIT (2, words);
  static sigset_t asked;
  struct fuse_session *session;
  pthread_t thread;
  int status;

  no_open = argc == 4 && strcmp (argv[1], "--noopen") == 0;
  if (argc != 3 + no_open)
    {
      fprintf (stderr, "usage: floor [--noopen] DIRECTORY MOUNTPOINT\n");
      return 2;
    }
  if (!load (argv[argc - 2]))
    return 1;
  sigemptyset (&asked);
  sigaddset (&asked, SIGUSR1);
  pthread_sigmask (SIG_BLOCK, &asked, NULL);
  session = fuse_session_new (&args, &operations, sizeof operations, NULL);
  if (session == NULL || fuse_set_signal_handlers (session) != 0)
    return 1;
  if (pthread_create (&thread, NULL, answer_signals, &asked) != 0)
    return 1;
  status = serve (session, argv[argc - 1]);
  print_counts ();
  fuse_remove_signal_handlers (session);
  fuse_session_destroy (session);
  return status;
}
