/* The disk cache: what comes back, what is told from damage, who may write over whom. The program is also its own check
 * command, and the other mount of tests with two. */
#include "model/disk_private.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CAP (G_GUINT64_CONSTANT (256) << 20)
#define MODULE 7

/* Of bits; each costs a process. What they do has nothing to do with threads. */
#ifdef __SANITIZE_THREAD__
#define FLIPS 50
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FLIPS 50
#endif
#endif
#ifndef FLIPS
#define FLIPS 300
#endif

static char *program;

typedef struct
{
  char *folder;
  char *check[4];
  DiskConfig config;
  Disk *disk;
} Fixture;

static void
set_up (Fixture *f, const void *unused)
{
  /* Where nothing is written through, as there is much to write. */
  bool memory = g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR);
  char *folder = g_build_filename (memory ? "/dev/shm" : g_get_tmp_dir (), "zohofs-disk-XXXXXX", NULL);

  g_assert_nonnull (g_mkdtemp (folder));
  f->folder = g_build_filename (folder, "a", "cache", NULL);
  g_free (folder);
  f->check[0] = program;
  f->check[1] = "--check";
  f->check[2] = f->folder;
  f->config = (DiskConfig){ .folder = f->folder, .account = "me", .cap = CAP, .check = f->check };
  f->disk = disk_open (&f->config);
}

static char *
file_in (const Fixture *f, const char *name)
{
  return g_build_filename (f->folder, name, NULL);
}

static void
tear_down (Fixture *f, const void *unused)
{
  g_autofree char *parent = g_path_get_dirname (f->folder), *top = g_path_get_dirname (parent);
  const char *names[] = { "data.mdb", "lock.mdb", "lock" };

  disk_free (f->disk);
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = file_in (f, names[i]);

      g_unlink (path);
    }
  g_remove (f->folder);
  g_assert_cmpint (g_remove (parent), ==, 0);
  g_assert_cmpint (g_remove (top), ==, 0);
  g_free (f->folder);
}

static void
reopen (Fixture *f)
{
  disk_free (f->disk);
  f->disk = disk_open (&f->config);
}

/* ---- documents that can be recomputed --------------------------------------------------------------------------- */

/* The one text of (@id, @version): of a size that is now on a page with others, now on pages of its own. */
static GBytes *
text_of (uint64_t id, uint64_t version)
{
  size_t size = (id * 2654435761u + version * 40503u) % 6000;
  uint64_t *words = g_malloc (size + sizeof *words), next = id * 1000 + version;

  for (size_t i = 0; i <= size / sizeof *words; i++, next = next * 6364136223846793005u + 1442695040888963407u)
    words[i] = next;
  return g_bytes_new_take (words, size);
}

static void
put (Disk *disk, uint64_t id, uint64_t version)
{
  g_autoptr(GBytes) text = text_of (id, version);

  disk_put (disk, MODULE, id, version, (int64_t)version, text);
}

/* Returns: is it there? Then it is right. */
static bool
has (Disk *disk, uint64_t id, uint64_t version)
{
  g_autoptr(GBytes) text = disk_get (disk, MODULE, id, version), want = NULL;

  if (text == NULL)
    return false;
  want = text_of (id, version);
  g_assert_true (g_bytes_equal (text, want));
  return true;
}

static DiskStats
stats_of (Disk *disk)
{
  DiskStats stats;

  disk_stats (disk, &stats);
  return stats;
}

static void
assert_used (Disk *disk)
{
  g_assert_cmpstr (stats_of (disk).problem, ==, "");
}

/* ---- indexes as text -------------------------------------------------------------------------------------------- */

static void
note_entry (void *data, const DiskEntry *entry)
{
  g_string_append_printf (data, "%" G_GUINT64_FORMAT "@%" G_GUINT64_FORMAT "=%s ", entry->id, entry->version,
                          entry->label != NULL ? entry->label : "-");
}

static void
note_deleted (void *data, uint64_t id, int64_t deleted_at)
{
  g_string_append_printf (data, "x%" G_GUINT64_FORMAT "@%" G_GINT64_FORMAT " ", id, deleted_at);
}

static void
note_row (void *data, const DiskRow *row)
{
  g_string_append_printf (data, "r%" G_GUINT64_FORMAT ">%" G_GUINT64_FORMAT " ", row->id, row->record);
}

/* Returns: the index as text, or NULL when there is none. */
static char *
index_text (Disk *disk, DiskModule *state)
{
  g_autoptr(GString) text = g_string_new (NULL);
  DiskRestore restore = { note_entry, note_deleted, note_row, text };
  DiskModule unused;

  if (!disk_index_restore (disk, MODULE, 99, &restore, state != NULL ? state : &unused))
    {
      g_assert_cmpstr (text->str, ==, "");
      return NULL;
    }
  return g_strdup (text->str);
}

static void
assert_index (Disk *disk, const char *want)
{
  g_autofree char *text = NULL;

  disk_flush (disk);
  text = index_text (disk, NULL);
  g_assert_cmpstr (text, ==, want);
}

static void
entry (Disk *disk, uint64_t epoch, int64_t since, uint64_t id, uint64_t version, const char *label)
{
  disk_index_put (disk, MODULE, epoch, since, &(DiskEntry){ id, version, 5, 6, label });
}

static void
end (Disk *disk, uint64_t epoch, int64_t from, int64_t since)
{
  disk_index_end (disk, MODULE, from, &(DiskModule){ epoch, since, 11, 12, 99 });
}

static bool
lost (Disk *disk, uint64_t epoch, bool *newer)
{
  disk_flush (disk);
  return disk_index_lost (disk, MODULE, epoch, newer);
}

/* ---- the other mount -------------------------------------------------------------------------------------------- */

/* A process with the same folder open that does what it is told, a line at a time. */
typedef struct
{
  GPid pid;
  int in;
  FILE *out;
} Other;

static void
other_start (Other *other, const char *folder)
{
  char *argv[] = { program, "--other", (char *)folder, NULL };
  int out;

  g_assert_true (g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &other->pid,
                                           &other->in, &out, NULL, NULL));
  other->out = fdopen (out, "r");
}

/* Returns: the answer, to g_free(). */
G_GNUC_PRINTF (2, 3)
static char *
tell (Other *other, const char *format, ...)
{
  g_autofree char *line = NULL;
  char answer[4096];
  va_list args;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  g_assert_cmpint (write (other->in, line, strlen (line)), ==, (ssize_t)strlen (line));
  g_assert_cmpint (write (other->in, "\n", 1), ==, 1);
  g_assert_nonnull (fgets (answer, sizeof answer, other->out));
  return g_strdup (g_strchomp (answer));
}

static void
other_end (Other *other)
{
  int status;

  close (other->in);
  g_assert_cmpint (waitpid (other->pid, &status, 0), ==, other->pid);
  g_assert_cmpint (status, ==, 0);
  fclose (other->out);
}

#define U64 G_GUINT64_FORMAT
#define I64 G_GINT64_FORMAT

/* Does what tell() was told. */
static void
obey (Disk *disk, const char *line)
{
  uint64_t epoch, id, version;
  int64_t from, since;
  bool newer;

  if (sscanf (line, "put %" U64 " %" U64, &id, &version) == 2)
    put (disk, id, version);
  else if (sscanf (line, "fill %" U64, &version) == 1)
    for (id = 1; id <= version; id++)
      put (disk, id, 1);
  else if (sscanf (line, "entry %" U64 " %" I64 " %" U64 " %" U64, &epoch, &since, &id, &version) == 4)
    entry (disk, epoch, since, id, version, NULL);
  else if (sscanf (line, "end %" U64 " %" I64 " %" I64, &epoch, &from, &since) == 3)
    end (disk, epoch, from, since);
  disk_flush (disk);
  if (strcmp (line, "begin") == 0)
    {
      printf ("%" U64 "\n", disk_index_begin (disk, MODULE));
      disk_flush (disk);
    }
  else if (sscanf (line, "has %" U64 " %" U64, &id, &version) == 2)
    printf ("%d\n", has (disk, id, version));
  else if (sscanf (line, "lost %" U64, &epoch) == 1)
    printf ("%s", disk_index_lost (disk, MODULE, epoch, &newer) ? newer ? "newer\n" : "lost\n" : "kept\n");
  else
    printf ("done\n");
  fflush (stdout);
}

static int
be_other (const char *folder)
{
  DiskConfig config = { .folder = folder, .account = "me", .cap = CAP };
  g_autoptr(Disk) disk = disk_open (&config);
  char line[256];

  while (fgets (line, sizeof line, stdin) != NULL)
    obey (disk, g_strchomp (line));
  return 0;
}

/* Writes until it is killed. Of each id the version is its own number; an index goes with it. */
G_GNUC_NORETURN static void
be_writer (const char *folder)
{
  DiskConfig config = { .folder = folder, .account = "me", .cap = CAP };
  Disk *disk = disk_open (&config);
  uint64_t epoch = disk_index_begin (disk, MODULE);

  end (disk, epoch, 0, 1);
  for (int64_t i = 2;; i++)
    {
      put (disk, (uint64_t)i, (uint64_t)i);
      entry (disk, epoch, i, (uint64_t)i, (uint64_t)i, NULL);
      end (disk, epoch, i - 1, i);
      if (i % 64 == 0)
        {
          disk_flush (disk);
          putchar ('.');
          fflush (stdout);
        }
    }
}

/* ---- documents -------------------------------------------------------------------------------------------------- */

static void
test_comes_back (Fixture *f, const void *unused)
{
  put (f->disk, 1, 10);
  g_assert_true (has (f->disk, 1, 10));
  disk_flush (f->disk);
  g_assert_cmpuint (stats_of (f->disk).queued_bytes, ==, 0);
  g_assert_true (has (f->disk, 1, 10));
  g_assert_false (has (f->disk, 1, 11));
  g_assert_false (has (f->disk, 2, 10));
  assert_used (f->disk);
}

static void
test_outlives_the_mount (Fixture *f, const void *unused)
{
  for (uint64_t id = 1; id <= 1000; id++)
    put (f->disk, id, id);
  reopen (f);
  for (uint64_t id = 1; id <= 1000; id++)
    g_assert_true (has (f->disk, id, id));
  g_assert_false (stats_of (f->disk).rebuilt);
  g_assert_cmpuint (stats_of (f->disk).file_bytes, >, 1000000);
}

static void
assert_versions (Disk *disk, uint64_t id, const uint64_t *want, unsigned count)
{
  g_autoptr(GArray) versions = disk_versions (disk, MODULE, id);

  g_assert_cmpuint (versions->len, ==, count);
  for (unsigned i = 0; i < count; i++)
    {
      const DiskVersion *version = &g_array_index (versions, DiskVersion, i);
      g_autoptr(GBytes) text = text_of (id, want[i]);

      g_assert_cmpuint (version->version, ==, want[i]);
      g_assert_cmpint (version->mtime, ==, (int64_t)want[i]);
      g_assert_true (g_bytes_equal (version->text, text));
    }
}

static void
test_keeps_the_last_versions (Fixture *f, const void *unused)
{
  const uint64_t last[] = { 5, 91, 12, 11, 10, 9, 8, 7 };

  put (f->disk, 2, 1);
  for (uint64_t version = 1; version <= 12; version++)
    put (f->disk, 1, version);
  disk_flush (f->disk);
  put (f->disk, 1, 91);
  put (f->disk, 1, 5);
  put (f->disk, 1, 5);
  assert_versions (f->disk, 1, last, 8);
  reopen (f);
  assert_versions (f->disk, 1, last, 8);
  g_assert_false (has (f->disk, 1, 6));
  assert_versions (f->disk, 2, (uint64_t[]){ 1 }, 1);
  assert_versions (f->disk, 3, NULL, 0);
}

static void
test_version_that_returns_is_the_newest (Fixture *f, const void *unused)
{
  const uint64_t want[] = { 1, 2 };

  put (f->disk, 1, 1);
  put (f->disk, 1, 2);
  put (f->disk, 1, 1);
  assert_versions (f->disk, 1, want, 2);
  disk_flush (f->disk);
  assert_versions (f->disk, 1, want, 2);
  put (f->disk, 1, 1);
  put (f->disk, 1, 2);
  disk_flush (f->disk);
  assert_versions (f->disk, 1, (uint64_t[]){ 2, 1 }, 2);
}

/* ---- indexes ---------------------------------------------------------------------------------------------------- */

static void
unwanted (void *data, const DiskEntry *entry)
{
  g_assert_not_reached ();
}

static void
test_index_comes_back (Fixture *f, const void *unused)
{
  uint64_t epoch = disk_index_begin (f->disk, MODULE);
  g_autofree char *text = NULL;
  char label[300];
  DiskModule state;
  bool newer;

  g_assert_cmpuint (epoch, !=, 0);
  memset (label, 'x', sizeof label);
  label[256] = '\0';
  entry (f->disk, epoch, 100, 3, 30, "Ünïcode");
  entry (f->disk, epoch, 100, 1, 0, NULL);
  entry (f->disk, epoch, 100, 2, 20, "");
  entry (f->disk, epoch, 100, 5, 1, "gone soon");
  entry (f->disk, epoch, 100, 6, 1, label);
  disk_index_remove (f->disk, MODULE, epoch, 100, 5, 77);
  disk_index_remove (f->disk, MODULE, epoch, 100, 8, 0);
  disk_index_put_row (f->disk, MODULE, epoch, 100, &(DiskRow){ 50, 3, 4 });
  disk_index_put_row (f->disk, MODULE, epoch, 100, &(DiskRow){ 51, 3, 4 });
  disk_index_remove_row (f->disk, MODULE, epoch, 100, 51);
  assert_index (f->disk, NULL);
  g_assert_false (lost (f->disk, epoch, &newer));
  end (f->disk, epoch, 0, 100);
  assert_index (f->disk, "1@0=- 2@20= 3@30=Ünïcode x5@77 6@1=- r50>3 ");
  reopen (f);
  text = index_text (f->disk, &state);
  g_assert_cmpstr (text, ==, "1@0=- 2@20= 3@30=Ünïcode x5@77 6@1=- r50>3 ");
  g_assert_cmpuint (state.epoch, ==, epoch);
  g_assert_cmpint (state.since, ==, 100);
  g_assert_cmpint (state.mtime, ==, 11);
  g_assert_cmpint (state.swept, ==, 12);
  g_assert_cmpuint (state.digest, ==, 99);
  g_assert_false (disk_index_restore (f->disk, MODULE, 98, &(DiskRestore){ 0 }, &state));
  g_assert_false (disk_index_restore (f->disk, MODULE + 1, 99, &(DiskRestore){ 0 }, &state));
  g_assert_true (disk_index_restore (f->disk, MODULE, 99, &(DiskRestore){ 0 }, &state));
  g_assert_true (disk_index_restore (f->disk, MODULE, 0, &(DiskRestore){ .entry = unwanted }, &state));
  g_assert_false (disk_index_restore (f->disk, MODULE + 1, 0, &(DiskRestore){ .entry = unwanted }, &state));
}

static void
test_begun_epoch_empties_the_index (Fixture *f, const void *unused)
{
  uint64_t first = disk_index_begin (f->disk, MODULE), second;
  bool newer;

  entry (f->disk, first, 100, 1, 1, NULL);
  end (f->disk, first, 0, 100);
  assert_index (f->disk, "1@1=- ");
  second = disk_index_begin (f->disk, MODULE);
  g_assert_cmpuint (second, !=, first);
  g_assert_false (disk_index_lost (f->disk, MODULE, second, &newer));
  entry (f->disk, first, 200, 3, 3, NULL);
  end (f->disk, first, 100, 200);
  entry (f->disk, second, 50, 2, 2, NULL);
  assert_index (f->disk, NULL);
  g_assert_true (lost (f->disk, first, &newer));
  g_assert_false (newer);
  end (f->disk, second, 0, 50);
  assert_index (f->disk, "2@2=- ");
  g_assert_true (lost (f->disk, first, &newer));
  g_assert_true (newer);
  g_assert_false (lost (f->disk, second, &newer));
}

static void
test_lagging_writer_takes_nothing_back (Fixture *f, const void *unused)
{
  uint64_t epoch = disk_index_begin (f->disk, MODULE);
  bool newer;

  entry (f->disk, epoch, 100, 1, 1, NULL);
  end (f->disk, epoch, 0, 100);
  entry (f->disk, epoch, 200, 1, 2, NULL);
  disk_index_remove (f->disk, MODULE, epoch, 200, 2, 0);
  disk_index_put_row (f->disk, MODULE, epoch, 200, &(DiskRow){ 9, 1, 4 });
  /* One that knows less, before the other has ended its round ... */
  entry (f->disk, epoch, 150, 1, 7, NULL);
  entry (f->disk, epoch, 150, 2, 7, NULL);
  entry (f->disk, epoch, 150, 3, 7, NULL);
  disk_index_remove_row (f->disk, MODULE, epoch, 150, 9);
  end (f->disk, epoch, 100, 150);
  assert_index (f->disk, "1@2=- 3@7=- r9>1 ");
  end (f->disk, epoch, 100, 200);
  /* ... and after. */
  entry (f->disk, epoch, 160, 4, 7, NULL);
  disk_index_remove (f->disk, MODULE, epoch, 160, 3, 155);
  end (f->disk, epoch, 150, 160);
  assert_index (f->disk, "1@2=- 3@7=- r9>1 ");
  g_assert_false (lost (f->disk, epoch, &newer));
  entry (f->disk, epoch, 210, 4, 8, NULL);
  end (f->disk, epoch, 160, 210);
  assert_index (f->disk, "1@2=- 3@7=- 4@8=- r9>1 ");
}

static void
test_gap_closes_the_index (Fixture *f, const void *unused)
{
  uint64_t epoch = disk_index_begin (f->disk, MODULE);
  bool newer;

  entry (f->disk, epoch, 100, 1, 1, NULL);
  end (f->disk, epoch, 0, 100);
  end (f->disk, epoch, 100, 120);
  g_assert_false (lost (f->disk, epoch, &newer));
  end (f->disk, epoch, 130, 200);
  g_assert_true (lost (f->disk, epoch, &newer));
  g_assert_false (newer);
  assert_index (f->disk, NULL);
  entry (f->disk, epoch, 300, 1, 1, NULL);
  end (f->disk, epoch, 0, 300);
  assert_index (f->disk, NULL);
}

static void
test_unended_index_takes_no_later_round (Fixture *f, const void *unused)
{
  uint64_t epoch = disk_index_begin (f->disk, MODULE);
  bool newer;

  entry (f->disk, epoch, 100, 1, 1, NULL);
  end (f->disk, epoch, 100, 200);
  assert_index (f->disk, NULL);
  g_assert_true (lost (f->disk, epoch, &newer));
}

/* ---- two mounts ------------------------------------------------------------------------------------------------- */

static void
test_two_mounts_share (Fixture *f, const void *unused)
{
  uint64_t epoch = disk_index_begin (f->disk, MODULE), theirs;
  g_autofree char *begun = NULL, *kept = NULL, *found = NULL, *newer_there = NULL;
  Other other;
  bool newer;

  entry (f->disk, epoch, 100, 1, 1, NULL);
  end (f->disk, epoch, 0, 100);
  disk_flush (f->disk);
  other_start (&other, f->folder);
  g_free (tell (&other, "put 1 5"));
  g_free (tell (&other, "entry %" U64 " 200 1 5", epoch));
  g_free (tell (&other, "end %" U64 " 100 200", epoch));
  g_assert_true (has (f->disk, 1, 5));
  /* This one lags behind. */
  entry (f->disk, epoch, 150, 1, 4, NULL);
  end (f->disk, epoch, 100, 150);
  assert_index (f->disk, "1@5=- ");
  g_assert_false (lost (f->disk, epoch, &newer));
  put (f->disk, 1, 6);
  entry (f->disk, epoch, 250, 1, 6, NULL);
  end (f->disk, epoch, 150, 250);
  disk_flush (f->disk);
  kept = tell (&other, "lost %" U64, epoch);
  g_assert_cmpstr (kept, ==, "kept");
  found = tell (&other, "has 1 6");
  g_assert_cmpstr (found, ==, "1");
  /* The other begins anew, while this one goes on. */
  begun = tell (&other, "begin");
  theirs = g_ascii_strtoull (begun, NULL, 10);
  g_assert_true (disk_index_lost (f->disk, MODULE, epoch, &newer));
  g_assert_false (newer);
  entry (f->disk, epoch, 300, 2, 2, NULL);
  end (f->disk, epoch, 250, 300);
  disk_flush (f->disk);
  g_free (tell (&other, "entry %" U64 " 290 1 9", theirs));
  g_free (tell (&other, "end %" U64 " 0 290", theirs));
  assert_index (f->disk, "1@9=- ");
  g_assert_true (lost (f->disk, epoch, &newer));
  g_assert_true (newer);
  /* Then this one begins. */
  epoch = disk_index_begin (f->disk, MODULE);
  end (f->disk, epoch, 0, 310);
  disk_flush (f->disk);
  newer_there = tell (&other, "lost %" U64, theirs);
  g_assert_cmpstr (newer_there, ==, "newer");
  other_end (&other);
}

static void
test_file_that_outgrows_the_map_is_read_on (Fixture *f, const void *unused)
{
  Other other;

  f->config.cap = 1 << 20;
  reopen (f);
  put (f->disk, 1, 9);
  disk_flush (f->disk);
  other_start (&other, f->folder);
  g_free (tell (&other, "fill 30000"));
  g_assert_true (has (f->disk, 30000, 1));
  g_free (tell (&other, "put 2 9"));
  other_end (&other);
  g_assert_true (has (f->disk, 2, 9));
  put (f->disk, 3, 9);
  disk_flush (f->disk);
  assert_used (f->disk);
  g_assert_cmpuint (stats_of (f->disk).file_bytes, <=, 1 << 20);
}

typedef struct
{
  Disk *disk;
  atomic_bool ending;
} Writing;

static void *
write_on (void *data)
{
  Writing *writing = data;

  for (uint64_t i = 0; !atomic_load (&writing->ending); i++)
    {
      put (writing->disk, i % 300, i);
      if (i % 20 == 0)
        disk_flush (writing->disk);
    }
  return NULL;
}

static void
test_check_is_sound_beside_a_mount_that_writes (Fixture *f, const void *unused)
{
  Writing writing = { .disk = f->disk };
  pthread_t thread;

  for (uint64_t id = 0; id < 1000; id++)
    put (f->disk, id, 1);
  disk_flush (f->disk);
  g_assert_cmpint (pthread_create (&thread, NULL, write_on, &writing), ==, 0);
  for (unsigned round = 0; round < 12; round++)
    g_assert_true (disk_run (f->check, 60000));
  atomic_store (&writing.ending, true);
  pthread_join (thread, NULL);
}

/* ---- foreign and damaged files ---------------------------------------------------------------------------------- */

static void
test_other_account_finds_nothing (Fixture *f, const void *unused)
{
  put (f->disk, 1, 1);
  f->config.account = "us";
  reopen (f);
  g_assert_false (has (f->disk, 1, 1));
  g_assert_true (stats_of (f->disk).rebuilt);
  assert_used (f->disk);
  put (f->disk, 1, 2);
  reopen (f);
  g_assert_true (has (f->disk, 1, 2));
  g_assert_false (stats_of (f->disk).rebuilt);
}

static char *
read_file (const char *path, size_t *size)
{
  char *contents;

  g_assert_true (g_file_get_contents (path, &contents, size, NULL));
  return contents;
}

static void
write_file (const char *path, const char *contents, size_t size)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, contents, size), ==, (ssize_t)size);
  g_assert_cmpint (close (fd), ==, 0);
}

/* Restarts on the file as it is changed by the test. */
static void
reopen_with (Fixture *f, const char *contents, size_t size)
{
  g_autofree char *path = file_in (f, "data.mdb");

  disk_free (f->disk);
  write_file (path, contents, size);
  f->disk = disk_open (&f->config);
  assert_used (f->disk);
}

/* The file as it lies when nothing is open. */
static char *
closed_file (Fixture *f, size_t *size)
{
  g_autofree char *path = file_in (f, "data.mdb");

  disk_free (f->disk);
  f->disk = NULL;
  return read_file (path, size);
}

/* Changes the file of a fixture whose disk is closed, as a program of another version might. */
static int
change_file (const Fixture *f, int (*change) (DiskTxn *txn))
{
  g_autofree char *problem = NULL;
  DiskFile *file = disk_file_new (&f->config);
  bool rebuilt = false;
  DiskTxn txn;
  int failed;

  g_assert_true (disk_file_open (file, &rebuilt, &problem));
  g_assert_cmpint (disk_write_begin (file, &txn), ==, 0);
  failed = disk_write_end (file, &txn, change (&txn));
  disk_file_free (file);
  return failed;
}

static int
raise_format (DiskTxn *txn)
{
  struct
  {
    DiskMeta head;
    char account[2];
  } meta = { .head = { .format = DISK_FORMAT + 1, .account_size = 2 }, .account = { 'm', 'e' } };
  char name[] = DISK_META;
  MDB_val key = { strlen (name), name }, value = { sizeof meta.head + 2, &meta };
  MDB_dbi top;

  meta.head.checksum = disk_checksum (DISK_DBS, &key, &meta.head, sizeof meta.head, meta.account, 2);
  g_assert_cmpint (mdb_dbi_open (txn->txn, NULL, 0, &top), ==, 0);
  return mdb_put (txn->txn, top, &key, &value, 0);
}

static void
test_other_format_is_thrown_away (Fixture *f, const void *unused)
{
  /* With the check, and without. */
  for (unsigned round = 0; round < 2; round++)
    {
      put (f->disk, 1, 1);
      disk_free (f->disk);
      g_assert_true (disk_check (f->folder));
      g_assert_cmpint (change_file (f, raise_format), ==, 0);
      g_assert_false (disk_check (f->folder));
      f->config.check = round == 0 ? f->check : NULL;
      f->disk = disk_open (&f->config);
      g_assert_true (stats_of (f->disk).rebuilt);
      g_assert_false (has (f->disk, 1, 1));
      put (f->disk, 1, 1);
      reopen (f);
      g_assert_true (has (f->disk, 1, 1));
    }
}

static void
test_anything_else_is_thrown_away (Fixture *f, const void *unused)
{
  char junk[20000];

  for (size_t i = 0; i < sizeof junk; i++)
    junk[i] = (char)(i * 37);
  put (f->disk, 1, 1);
  reopen_with (f, junk, sizeof junk);
  g_assert_true (stats_of (f->disk).rebuilt);
  put (f->disk, 1, 1);
  reopen_with (f, junk, 1);
  g_assert_true (stats_of (f->disk).rebuilt);
  put (f->disk, 1, 1);
  reopen_with (f, junk, 0);
  g_assert_false (has (f->disk, 1, 1));
  put (f->disk, 1, 1);
  reopen (f);
  g_assert_true (has (f->disk, 1, 1));
}

static void
test_check_that_fails_rebuilds (Fixture *f, const void *unused)
{
  char *const missing[] = { "/nowhere/to/be/found", NULL };
  char *const killed[] = { "/bin/sh", "-c", "kill -9 $$", NULL };

  put (f->disk, 1, 1);
  f->config.check = missing;
  reopen (f);
  g_assert_true (stats_of (f->disk).rebuilt);
  put (f->disk, 1, 1);
  f->config.check = killed;
  reopen (f);
  g_assert_true (stats_of (f->disk).rebuilt);
  assert_used (f->disk);
}

static void
test_check_that_hangs_is_killed (Fixture *f, const void *unused)
{
  char *const hangs[] = { "/bin/sh", "-c", "exec sleep 1000", NULL };
  char *const says_much[] = { "/bin/sh", "-c", "exec yes", NULL };
  char *const ends[] = { "/bin/sh", "-c", "echo fine", NULL };

  g_assert_false (disk_run (hangs, 50));
  g_assert_false (disk_run (says_much, 50));
  g_assert_true (disk_run (ends, 60000));
}

#define FILLED 120

/* Many pages of every kind, also free ones. Returns: the epoch. */
static uint64_t
fill (Disk *disk)
{
  uint64_t epoch = disk_index_begin (disk, MODULE);

  for (uint64_t id = 1; id <= FILLED; id++)
    {
      for (uint64_t version = 1; version <= 1 + id % 3; version++)
        put (disk, id, version);
      entry (disk, epoch, 100, id, 1, "a label of some length");
      disk_index_put_row (disk, MODULE, epoch, 100, &(DiskRow){ 1000 + id, id, 4 });
    }
  disk_flush (disk);
  for (uint64_t id = 1; id <= FILLED; id++)
    for (uint64_t version = 10; id % 4 == 0 && version <= 20; version++)
      put (disk, id, version);
  end (disk, epoch, 0, 100);
  disk_flush (disk);
  return epoch;
}

/* Returns: how many documents are there; all are right, and so is the index if there is one. */
static unsigned
count_sound (Disk *disk, const char *index)
{
  g_autofree char *text = index_text (disk, NULL);
  unsigned count = 0;

  if (text != NULL)
    g_assert_cmpstr (text, ==, index);
  for (uint64_t id = 1; id <= FILLED; id++)
    for (uint64_t version = 1; version <= 20; version++)
      count += has (disk, id, version);
  return count;
}

static void
test_truncated_file_is_right_or_missing (Fixture *f, const void *unused)
{
  g_autofree char *contents = NULL, *index = NULL;
  unsigned whole;
  size_t size;

  fill (f->disk);
  index = index_text (f->disk, NULL);
  whole = count_sound (f->disk, index);
  contents = closed_file (f, &size);
  for (unsigned part = 1; part < 16; part++)
    {
      reopen_with (f, contents, size / 16 * part + part);
      g_assert_cmpuint (count_sound (f->disk, index), <=, whole);
      g_assert_true (stats_of (f->disk).rebuilt);
    }
}

static void
test_flipped_bits_are_right_or_missing (Fixture *f, const void *unused)
{
  g_autofree char *contents = NULL, *index = NULL;
  unsigned whole, rebuilt = 0, damaged = 0;
  size_t size;

  fill (f->disk);
  index = index_text (f->disk, NULL);
  g_assert_nonnull (index);
  whole = count_sound (f->disk, index);
  contents = closed_file (f, &size);
  for (unsigned flip = 0; flip < FLIPS; flip++)
    {
      /* Every second one hits the head of a page, where it does most harm. */
      size_t at = (size_t)g_test_rand_int_range (0, (gint32)size);
      char bit = (char)(1 << g_test_rand_int_range (0, 8));

      if (flip % 2 == 0)
        at = at / 4096 * 4096 + at % 200;
      contents[at] ^= bit;
      reopen_with (f, contents, size);
      contents[at] ^= bit;
      g_assert_cmpuint (count_sound (f->disk, index), <=, whole);
      rebuilt += stats_of (f->disk).rebuilt;
      damaged += stats_of (f->disk).damaged > 0;
      /* It can still be written to. */
      for (uint64_t id = 1; id <= 20; id++)
        put (f->disk, id * 20, 19);
      end (f->disk, disk_index_begin (f->disk, MODULE), 0, 100);
      disk_flush (f->disk);
      assert_used (f->disk);
      g_assert_true (has (f->disk, 20, 19));
      count_sound (f->disk, "");
    }
  g_test_message ("%u thrown away, %u with values damaged", rebuilt, damaged);
  /* Few flips, of a sanitized run, may all be of one sort. */
  g_assert_cmpuint (rebuilt + damaged, >, 0);
}

static void
test_damaged_values_are_deleted (Fixture *f, const void *unused)
{
  static const char mark[] = "a text that is found in the file";
  g_autoptr(GBytes) text = g_bytes_new_static (mark, sizeof mark), again = NULL;
  g_autofree char *contents = NULL;
  size_t size;
  char *at;

  disk_put (f->disk, MODULE, 1, 1, 0, text);
  contents = closed_file (f, &size);
  at = memmem (contents, size, mark, sizeof mark);
  g_assert_nonnull (at);
  *at ^= 1;
  reopen_with (f, contents, size);
  g_assert_null (disk_get (f->disk, MODULE, 1, 1));
  g_assert_cmpuint (stats_of (f->disk).damaged, ==, 1);
  g_assert_false (stats_of (f->disk).rebuilt);
  disk_flush (f->disk);
  g_assert_null (disk_get (f->disk, MODULE, 1, 1));
  g_assert_cmpuint (stats_of (f->disk).damaged, ==, 1);
  disk_put (f->disk, MODULE, 1, 1, 0, text);
  disk_flush (f->disk);
  again = disk_get (f->disk, MODULE, 1, 1);
  g_assert_true (g_bytes_equal (text, again));
}

static void
test_damaged_index_is_closed (Fixture *f, const void *unused)
{
  g_autofree char *contents = NULL;
  uint64_t epoch = disk_index_begin (f->disk, MODULE);
  size_t size;
  bool newer;
  char *at;

  entry (f->disk, epoch, 100, 1, 1, "a label to be found");
  end (f->disk, epoch, 0, 100);
  contents = closed_file (f, &size);
  at = memmem (contents, size, "a label to", 10);
  g_assert_nonnull (at);
  *at ^= 1;
  reopen_with (f, contents, size);
  assert_index (f->disk, NULL);
  g_assert_true (lost (f->disk, epoch, &newer));
  g_assert_cmpuint (stats_of (f->disk).damaged, ==, 1);
}

static int
delete_a_row (DiskTxn *txn)
{
  DiskKey parts = disk_key (MODULE, 2, 0);
  MDB_val key = disk_key_val (DISK_INDEX, &parts);

  return mdb_del (txn->txn, txn->dbi[DISK_INDEX], &key, NULL);
}

static void
test_index_that_misses_a_row_is_closed (Fixture *f, const void *unused)
{
  uint64_t epoch = disk_index_begin (f->disk, MODULE);
  bool newer;

  for (uint64_t id = 1; id <= 3; id++)
    entry (f->disk, epoch, 100, id, 1, NULL);
  end (f->disk, epoch, 0, 100);
  assert_index (f->disk, "1@1=- 2@1=- 3@1=- ");
  disk_free (f->disk);
  g_assert_cmpint (change_file (f, delete_a_row), ==, 0);
  f->disk = disk_open (&f->config);
  assert_index (f->disk, NULL);
  g_assert_true (lost (f->disk, epoch, &newer));
}

static int
put_in_the_past (DiskTxn *txn)
{
  g_autoptr(GBytes) text = text_of (1, 2);

  return disk_document_put (txn, MODULE, 1, 2, g_get_real_time () - 60 * CLOCK_SECOND_US, 2, text);
}

static void
test_clock_that_went_back_keeps_the_order (Fixture *f, const void *unused)
{
  put (f->disk, 1, 1);
  disk_free (f->disk);
  g_assert_cmpint (change_file (f, put_in_the_past), ==, 0);
  f->disk = disk_open (&f->config);
  assert_versions (f->disk, 1, (uint64_t[]){ 2, 1 }, 2);
}

/* ---- cap -------------------------------------------------------------------------------------------------------- */

static void
test_cap_evicts_old_versions_first (Fixture *f, const void *unused)
{
  g_autofree char *index = NULL;
  uint64_t epoch;
  char body[2000] = { 0 };

  f->config.cap = 4 << 20;
  reopen (f);
  epoch = disk_index_begin (f->disk, MODULE);
  for (uint64_t id = 1; id <= 300; id++)
    {
      put (f->disk, id, 1);
      entry (f->disk, epoch, 100, id, 1, NULL);
    }
  end (f->disk, epoch, 0, 100);
  for (uint64_t version = 2; version <= 8; version++)
    for (uint64_t id = 1; id <= 300; id++)
      put (f->disk, id, version);
  disk_flush (f->disk);
  g_assert_cmpuint (stats_of (f->disk).evicted, >, 0);
  g_assert_cmpuint (stats_of (f->disk).file_bytes, <=, 4 << 20);
  for (uint64_t id = 1; id <= 300; id++)
    g_assert_true (has (f->disk, id, 1));
  /* Another module, used later, crowds it out. */
  epoch = disk_index_begin (f->disk, MODULE + 1);
  for (uint64_t id = 1; id <= 1500; id++)
    {
      g_autoptr(GBytes) text = g_bytes_new (body, sizeof body);

      disk_put (f->disk, MODULE + 1, id, 1, 1, text);
      disk_index_put (f->disk, MODULE + 1, epoch, 100, &(DiskEntry){ id, 1, 5, 6, NULL });
    }
  disk_index_end (f->disk, MODULE + 1, 0, &(DiskModule){ epoch, 100, 11, 12, 99 });
  disk_flush (f->disk);
  for (uint64_t id = 1; id <= 800; id++)
    {
      g_autoptr(GBytes) text = g_bytes_new (body, sizeof body);

      disk_put (f->disk, MODULE + 1, 5000 + id, 1, 1, text);
      disk_index_put (f->disk, MODULE + 1, epoch, 100, &(DiskEntry){ 5000 + id, 1, 5, 6, NULL });
    }
  disk_flush (f->disk);
  g_assert_cmpuint (stats_of (f->disk).file_bytes, <=, 4 << 20);
  assert_used (f->disk);
  g_assert_false (has (f->disk, 1, 1));
  {
    g_autoptr(GBytes) last = disk_get (f->disk, MODULE + 1, 5800, 1);

    g_assert_nonnull (last);
  }
  /* The index goes on. */
  index = index_text (f->disk, NULL);
  g_assert_nonnull (index);
}

static void
test_smaller_cap_shrinks_what_is_used (Fixture *f, const void *unused)
{
  for (uint64_t id = 1; id <= 3000; id++)
    put (f->disk, id, 1);
  disk_flush (f->disk);
  g_assert_cmpuint (stats_of (f->disk).file_bytes, >, 4 << 20);
  f->config.cap = 2 << 20;
  reopen (f);
  put (f->disk, 1, 2);
  disk_flush (f->disk);
  g_assert_cmpuint (stats_of (f->disk).file_bytes, <=, 2 << 20);
  assert_used (f->disk);
}

static void
test_too_large_a_document_is_not_kept (Fixture *f, const void *unused)
{
  g_autoptr(GBytes) text = NULL;

  f->config.cap = 1 << 20;
  reopen (f);
  text = g_bytes_new_take (g_malloc0 (1 << 20), 1 << 20);
  disk_put (f->disk, MODULE, 1, 1, 1, text);
  g_assert_null (disk_get (f->disk, MODULE, 1, 1));
}

/* ---- a disk that cannot be used --------------------------------------------------------------------------------- */

static void
test_works_without_a_folder (Fixture *f, const void *unused)
{
  g_autofree char *file = g_build_filename (f->folder, "file", NULL), *below = g_build_filename (file, "x", NULL);
  DiskConfig config = f->config;
  Disk *disk;
  uint64_t epoch;
  bool newer;

  write_file (file, "x", 1);
  for (unsigned i = 0; i < 2; i++)
    {
      config.folder = i == 0 ? file : below;
      disk = disk_open (&config);
      g_assert_cmpstr (stats_of (disk).problem, !=, "");
      put (disk, 1, 1);
      put (disk, 1, 2);
      disk_flush (disk);
      g_assert_true (has (disk, 1, 1));
      g_assert_false (has (disk, 1, 3));
      assert_versions (disk, 1, (uint64_t[]){ 2, 1 }, 2);
      epoch = disk_index_begin (disk, MODULE);
      entry (disk, epoch, 100, 1, 1, NULL);
      end (disk, epoch, 0, 100);
      assert_index (disk, NULL);
      g_assert_false (lost (disk, epoch, &newer));
      g_assert_cmpuint (stats_of (disk).queued_bytes, >, 0);
      disk_free (disk);
    }
  g_assert_cmpint (g_unlink (file), ==, 0);
}

static void
test_folder_that_comes_back_is_used (Fixture *f, const void *unused)
{
  uint64_t epoch;

  disk_free (f->disk);
  for (unsigned i = 0; i < 3; i++)
    {
      g_autofree char *path = file_in (f, ((const char *[]){ "data.mdb", "lock.mdb", "lock" })[i]);

      g_unlink (path);
    }
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  write_file (f->folder, "x", 1);
  f->disk = disk_open (&f->config);
  put (f->disk, 1, 1);
  epoch = disk_index_begin (f->disk, MODULE);
  entry (f->disk, epoch, 100, 1, 1, NULL);
  end (f->disk, epoch, 0, 100);
  disk_flush (f->disk);
  g_assert_cmpstr (stats_of (f->disk).problem, !=, "");
  g_assert_cmpint (g_unlink (f->folder), ==, 0);
  put (f->disk, 1, 2);
  assert_index (f->disk, "1@1=- ");
  assert_used (f->disk);
  g_assert_cmpuint (stats_of (f->disk).queued_bytes, <, 1000);
  g_assert_true (has (f->disk, 1, 1));
  g_assert_true (has (f->disk, 1, 2));
}

static void
test_full_disk_keeps_all_in_memory (Fixture *f, const void *unused)
{
  struct rlimit before, limit;

  for (uint64_t id = 1; id <= 100; id++)
    put (f->disk, id, 1);
  disk_flush (f->disk);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  limit = before;
  limit.rlim_cur = stats_of (f->disk).file_bytes + 65536;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  for (uint64_t id = 1; id <= 1000; id++)
    put (f->disk, id, 2);
  disk_flush (f->disk);
  g_assert_cmpstr (stats_of (f->disk).problem, !=, "");
  for (uint64_t id = 1; id <= 1000; id++)
    g_assert_true (has (f->disk, id, 2) && (id > 100 || has (f->disk, id, 1)));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  disk_flush (f->disk);
  assert_used (f->disk);
  reopen (f);
  g_assert_false (stats_of (f->disk).rebuilt);
  for (uint64_t id = 1; id <= 1000; id++)
    g_assert_true (has (f->disk, id, 2) && (id > 100 || has (f->disk, id, 1)));
}

/* ---- killed ----------------------------------------------------------------------------------------------------- */

static void
count_entry (void *data, const DiskEntry *entry)
{
  g_assert_cmpuint (entry->id, ==, entry->version);
  ++*(uint64_t *)data;
}

static void
test_killed_writer_leaves_what_is_right (Fixture *f, const void *unused)
{
  unsigned written = 0;

  for (unsigned moment = 0; moment < 20; moment++)
    {
      char *argv[] = { program, "--writer", f->folder, NULL }, byte;
      uint64_t entries = 0;
      DiskModule state;
      int out, status;
      GPid pid;

      disk_free (f->disk);
      g_assert_true (g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL,
                                               &out, NULL, NULL));
      /* So many batches, and then somewhere in the next. */
      for (unsigned i = 0; i < moment; i++)
        g_assert_cmpint (read (out, &byte, 1), ==, 1);
      g_usleep ((gulong)g_test_rand_int_range (0, 5000));
      g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      close (out);
      f->disk = disk_open (&f->config);
      g_assert_false (stats_of (f->disk).rebuilt);
      if (!disk_index_restore (f->disk, MODULE, 99, &(DiskRestore){ .entry = count_entry, .data = &entries }, &state))
        continue;
      /* A round may lack its end, but none is ended that is not there. */
      g_assert_cmpint (state.since, <=, (int64_t)entries + 1);
      for (uint64_t id = 2; id <= entries + 1; id++)
        g_assert_true (has (f->disk, id, id));
      written += entries > 0;
    }
  g_assert_cmpuint (written, >, 10);
}

/* ---- many threads ----------------------------------------------------------------------------------------------- */

static void *
use (void *data)
{
  Disk *disk = data;

  for (uint64_t id = 1; id <= 500; id++)
    {
      g_autoptr(GArray) versions = NULL;
      DiskStats stats;
      bool newer;

      put (disk, id, id % 3);
      has (disk, id + 3, (id + 3) % 3);
      has (disk, id - 1, (id - 1) % 3);
      versions = disk_versions (disk, MODULE, id);
      disk_stats (disk, &stats);
      disk_index_lost (disk, MODULE, 1, &newer);
      if (id % 100 == 0)
        disk_flush (disk);
    }
  return NULL;
}

static void
test_threads_share (Fixture *f, const void *unused)
{
  pthread_t threads[4];

  for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, use, f->disk), ==, 0);
  for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
  disk_flush (f->disk);
  for (uint64_t id = 1; id <= 500; id++)
    g_assert_true (has (f->disk, id, id % 3));
}

static void
read_within (void *data, const DiskEntry *entry)
{
  Fixture *f = data;

  g_assert_true (has (f->disk, entry->id, entry->version));
  put (f->disk, entry->id, 77);
}

static void
test_restore_may_read_and_write (Fixture *f, const void *unused)
{
  uint64_t epoch = disk_index_begin (f->disk, MODULE);
  DiskModule state;

  for (uint64_t id = 1; id <= 50; id++)
    {
      put (f->disk, id, 1);
      entry (f->disk, epoch, 100, id, 1, NULL);
    }
  end (f->disk, epoch, 0, 100);
  disk_flush (f->disk);
  g_assert_true (disk_index_restore (f->disk, MODULE, 99, &(DiskRestore){ .entry = read_within, .data = f }, &state));
  disk_flush (f->disk);
  g_assert_true (has (f->disk, 50, 77));
}

/* ---- speed: told, not judged; only with -m perf ----------------------------------------------------------------- */

#define MANY 100000

static void
test_speed (Fixture *f, const void *unused)
{
  uint64_t epoch = disk_index_begin (f->disk, MODULE), seen = 0;
  char body[2048] = { 0 };
  DiskModule state;

  f->config.cap = G_GUINT64_CONSTANT (2) << 30;
  reopen (f);
  epoch = disk_index_begin (f->disk, MODULE);
  g_test_timer_start ();
  for (uint64_t id = 1; id <= MANY; id++)
    {
      g_autoptr(GBytes) text = g_bytes_new (body, sizeof body);

      disk_put (f->disk, MODULE, id, 1, 1, text);
      entry (f->disk, epoch, 100, id, id, "a label of some length");
    }
  end (f->disk, epoch, 0, 100);
  disk_flush (f->disk);
  g_test_message ("put: %.2f s", g_test_timer_elapsed ());
  g_test_timer_start ();
  for (uint64_t i = 1; i <= MANY; i++)
    g_bytes_unref (disk_get (f->disk, MODULE, i * 7919 % MANY + 1, 1));
  g_test_message ("get: %.2f us", g_test_timer_elapsed () * 1e6 / MANY);
  g_test_timer_start ();
  g_assert_true (
      disk_index_restore (f->disk, MODULE, 99, &(DiskRestore){ .entry = count_entry, .data = &seen }, &state));
  g_test_message ("restore of %u: %.1f ms", (unsigned)seen, g_test_timer_elapsed () * 1e3);
  g_test_timer_start ();
  g_assert_true (disk_check (f->folder));
  g_test_message ("check: %.1f ms", g_test_timer_elapsed () * 1e3);
  g_test_timer_start ();
  disk_index_begin (f->disk, MODULE);
  disk_flush (f->disk);
  g_test_message ("begin: %.1f ms", g_test_timer_elapsed () * 1e3);
}

static void
add (const char *name, void (*test) (Fixture *, const void *))
{
  g_autofree char *path = g_strconcat ("/disk/", name, NULL);

  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--check") == 0)
    return disk_check (argv[2]) ? 0 : 1;
  if (argc == 3 && strcmp (argv[1], "--other") == 0)
    return be_other (argv[2]);
  if (argc == 3 && strcmp (argv[1], "--writer") == 0)
    be_writer (argv[2]);
  program = g_file_read_link ("/proc/self/exe", NULL);
  signal (SIGXFSZ, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK); /* warnings are part of what is tested */
  add ("comes-back", test_comes_back);
  add ("outlives-the-mount", test_outlives_the_mount);
  add ("keeps-the-last-versions", test_keeps_the_last_versions);
  add ("version-that-returns-is-the-newest", test_version_that_returns_is_the_newest);
  add ("index-comes-back", test_index_comes_back);
  add ("begun-epoch-empties-the-index", test_begun_epoch_empties_the_index);
  add ("lagging-writer-takes-nothing-back", test_lagging_writer_takes_nothing_back);
  add ("gap-closes-the-index", test_gap_closes_the_index);
  add ("unended-index-takes-no-later-round", test_unended_index_takes_no_later_round);
  add ("two-mounts-share", test_two_mounts_share);
  add ("file-that-outgrows-the-map-is-read-on", test_file_that_outgrows_the_map_is_read_on);
  add ("check-is-sound-beside-a-mount-that-writes", test_check_is_sound_beside_a_mount_that_writes);
  add ("other-account-finds-nothing", test_other_account_finds_nothing);
  add ("other-format-is-thrown-away", test_other_format_is_thrown_away);
  add ("anything-else-is-thrown-away", test_anything_else_is_thrown_away);
  add ("check-that-fails-rebuilds", test_check_that_fails_rebuilds);
  add ("check-that-hangs-is-killed", test_check_that_hangs_is_killed);
  add ("truncated-file-is-right-or-missing", test_truncated_file_is_right_or_missing);
  add ("flipped-bits-are-right-or-missing", test_flipped_bits_are_right_or_missing);
  add ("damaged-values-are-deleted", test_damaged_values_are_deleted);
  add ("damaged-index-is-closed", test_damaged_index_is_closed);
  add ("index-that-misses-a-row-is-closed", test_index_that_misses_a_row_is_closed);
  add ("clock-that-went-back-keeps-the-order", test_clock_that_went_back_keeps_the_order);
  add ("cap-evicts-old-versions-first", test_cap_evicts_old_versions_first);
  add ("smaller-cap-shrinks-what-is-used", test_smaller_cap_shrinks_what_is_used);
  add ("too-large-a-document-is-not-kept", test_too_large_a_document_is_not_kept);
  add ("works-without-a-folder", test_works_without_a_folder);
  add ("folder-that-comes-back-is-used", test_folder_that_comes_back_is_used);
  add ("full-disk-keeps-all-in-memory", test_full_disk_keeps_all_in_memory);
  add ("killed-writer-leaves-what-is-right", test_killed_writer_leaves_what_is_right);
  add ("threads-share", test_threads_share);
  add ("restore-may-read-and-write", test_restore_may_read_and_write);
  if (g_test_perf ())
    add ("speed", test_speed);
  return g_test_run ();
}
