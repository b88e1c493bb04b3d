/* What scratch files hold: bytes with holes, limits, rights, and files that outlive their names. */
#include "fs/scratch.h"

#include "base/error.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAP (INT64_C (1) << 20)
#define BLOCK 4096

typedef struct
{
  char *state, *folder;
  ScratchSpace *space;
} Fixture;

static const gid_t groups[] = { 60, 61 };
static const ScratchCaller root = { 0, 0, NULL, 0 };
static const ScratchCaller ann = { 1000, 50, groups, G_N_ELEMENTS (groups) };
static const ScratchCaller bob = { 1001, 60, NULL, 0 };
static const ScratchCaller eve = { 1002, 99, NULL, 0 };

/* @data: "named" for a file system that cannot do without names. */
static void
set_up (Fixture *f, const void *data)
{
  g_autoptr (GError) error = NULL;
  ScratchConfig config = { .cap = CAP, .named = data != NULL };

  f->state = g_dir_make_tmp ("zohofs-scratch-XXXXXX", NULL);
  f->folder = g_build_filename (f->state, "scratch", NULL);
  config.folder = f->folder;
  f->space = scratch_space_new (&config, &error);
  g_assert_no_error (error);
}

/* All bytes were given back, and nothing has a name. */
static void
tear_down (Fixture *f, const void *unused)
{
  g_assert_cmpint (scratch_space_used (f->space), ==, 0);
  scratch_space_free (f->space);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_assert_cmpint (g_rmdir (f->state), ==, 0);
  g_free (f->folder);
  g_free (f->state);
}

static Scratch *
new_file (Fixture *f, mode_t mode)
{
  g_autoptr (GError) error = NULL;
  Scratch *scratch = scratch_new_file (f->space, mode, &ann, &error);

  g_assert_no_error (error);
  return scratch;
}

static ScratchAttr
attr_of (Scratch *scratch)
{
  ScratchAttr attr;

  scratch_attr (scratch, &attr);
  return attr;
}

static void
put (Scratch *scratch, const char *text, int64_t offset)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (scratch_write (scratch, &ann, text, strlen (text), offset, &error), ==, strlen (text));
  g_assert_no_error (error);
}

static void
assert_text (Scratch *scratch, const void *text, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = scratch_text (scratch, CAP, &error);
  gsize got;

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, &got), g_bytes_get_size (bytes), text, size);
  g_assert_cmpint (attr_of (scratch).size, ==, size);
}

/* @code: of ZOHO_ERROR; -1: none. */
static void
change_by (Scratch *scratch, const ScratchCaller *caller, ScratchChange change, int code)
{
  g_autoptr (GError) error = NULL;
  bool done = scratch_change (scratch, caller, &change, &error);

  g_assert_cmpint (done, ==, code < 0);
  if (code >= 0)
    g_assert_error (error, ZOHO_ERROR, code);
  else
    g_assert_no_error (error);
}

static void
resize (Scratch *scratch, int64_t size)
{
  change_by (scratch, &ann, (ScratchChange){ .set = SCRATCH_SET_SIZE, .size = size }, -1);
}

static void
set_mode (Scratch *scratch, const ScratchCaller *caller, mode_t mode)
{
  change_by (scratch, caller, (ScratchChange){ .set = SCRATCH_SET_MODE, .mode = mode }, -1);
}

static mode_t
mode_of (Scratch *scratch)
{
  return attr_of (scratch).mode & 07777;
}

static bool
is_later (struct timespec a, struct timespec b)
{
  return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* Until the clock has moved: it may be coarse. */
static struct timespec
later_than (struct timespec before)
{
  struct timespec now;

  do
    clock_gettime (CLOCK_REALTIME, &now);
  while (!is_later (now, before));
  return now;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static void
test_reads_what_was_written (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scratch) scratch = new_file (f, 0640);
  char buffer[16] = "";

  g_assert_cmpint (attr_of (scratch).mode, ==, S_IFREG | 0640);
  g_assert_cmpint (attr_of (scratch).size + attr_of (scratch).blocks, ==, 0);
  g_assert_cmpint (scratch_read (scratch, buffer, sizeof buffer, 0, &error), ==, 0);
  assert_text (scratch, "", 0);
  put (scratch, "Hello world", 0);
  put (scratch, "W", 6);
  assert_text (scratch, "Hello World", 11);
  g_assert_cmpint (scratch_read (scratch, buffer, sizeof buffer, 6, &error), ==, 5);
  g_assert_cmpmem (buffer, 5, "World", 5);
  g_assert_cmpint (scratch_read (scratch, buffer, sizeof buffer, 11, &error), ==, 0);
  g_assert_cmpint (scratch_read (scratch, buffer, sizeof buffer, INT64_MAX, &error), ==, 0);
  g_assert_cmpint (scratch_write (scratch, &ann, "x", 0, 500, &error), ==, 0);
  g_assert_cmpint (attr_of (scratch).size, ==, 11);
  g_assert_no_error (error);
  g_assert_cmpint (attr_of (scratch).blocks * 512, ==, scratch_space_used (f->space));
  g_assert_cmpint (attr_of (scratch).blocks, >, 0);
}

static void
test_holes_cost_nothing (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scratch) scratch = new_file (f, 0600);
  const int64_t far = 100 * CAP;
  char buffer[8] = "xxxxxxx";

  put (scratch, "end", far);
  g_assert_cmpint (attr_of (scratch).size, ==, far + 3);
  g_assert_cmpint (scratch_space_used (f->space), <, CAP / 4);
  g_assert_cmpint (scratch_read (scratch, buffer, 8, far - 4, &error), ==, 7);
  g_assert_cmpmem (buffer, 7, "\0\0\0\0end", 7);
  resize (scratch, SCRATCH_SIZE_MAX);
  g_assert_cmpint (attr_of (scratch).size, ==, SCRATCH_SIZE_MAX);
  g_assert_cmpint (scratch_space_used (f->space), <, CAP / 4);
}

static void
test_truncates_both_ways (Fixture *f, const void *unused)
{
  g_autoptr (Scratch) scratch = new_file (f, 0600);

  resize (scratch, 3);
  assert_text (scratch, "\0\0\0", 3);
  put (scratch, "abcdef", 0);
  resize (scratch, 2);
  assert_text (scratch, "ab", 2);
  resize (scratch, 5);
  assert_text (scratch, "ab\0\0\0", 5);
  resize (scratch, 0);
  assert_text (scratch, "", 0);
  g_assert_cmpint (scratch_space_used (f->space), ==, 0);
}

/* Random writes and truncations, as fsx does, against a buffer. */
static void
test_is_like_memory (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scratch) scratch = new_file (f, 0600);
  static char model[64 << 10], part[8 << 10];
  size_t size = 0;

  memset (model, 0, sizeof model);
  for (int i = 0; i < 3000; i++)
    {
      size_t at = (size_t)g_test_rand_int_range (0, sizeof model - sizeof part);
      size_t length = (size_t)g_test_rand_int_range (1, sizeof part);

      if (g_test_rand_int_range (0, 4) == 0)
        {
          if (at < size)
            memset (model + at, 0, size - at);
          size = at;
          resize (scratch, (int64_t)at);
        }
      else
        {
          memset (part, 'a' + i % 26, length);
          memcpy (model + at, part, length);
          size = MAX (size, at + length);
          g_assert_cmpint (scratch_write (scratch, &ann, part, length, (int64_t)at, &error), ==, length);
        }
      if (i % 50 == 0)
        assert_text (scratch, model, size);
    }
  assert_text (scratch, model, size);
}

static void
test_too_large (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scratch) scratch = new_file (f, 0600);
  const ScratchChange change = { .set = SCRATCH_SET_SIZE, .size = SCRATCH_SIZE_MAX + 1 };

  put (scratch, "text", 0);
  change_by (scratch, &ann, change, ZOHO_ERROR_TOO_LARGE);
  g_assert_cmpint (scratch_write (scratch, &ann, "x", 1, SCRATCH_SIZE_MAX, &error), ==, -1);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_cmpint (scratch_write (scratch, &ann, "x", 1, INT64_MAX, &error), ==, -1);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE);
  g_clear_error (&error);
  assert_text (scratch, "text", 4);
  /* What fits is written. */
  g_assert_cmpint (scratch_write (scratch, &ann, "xyz", 3, SCRATCH_SIZE_MAX - 2, &error), ==, 2);
  g_assert_no_error (error);
}

static void
test_nonsense_is_invalid (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scratch) scratch = new_file (f, 0600);
  char byte;

  g_assert_cmpint (scratch_write (scratch, &ann, "x", 1, -1, &error), ==, -1);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_cmpint (scratch_read (scratch, &byte, 1, -1, &error), ==, -1);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
  change_by (scratch, &ann, (ScratchChange){ .set = SCRATCH_SET_SIZE, .size = -1 }, ZOHO_ERROR_INVALID);
}

/* ---- room -------------------------------------------------------------------------------------------------------- */

/* Fills the space block by block. Returns: the size reached. */
static int64_t
fill (Scratch *scratch)
{
  g_autoptr (GError) error = NULL;
  static const char block[BLOCK] = "full";
  int64_t size = 0;

  while (scratch_write (scratch, &ann, block, sizeof block, size, &error) == BLOCK)
    size += BLOCK;
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE);
  return size;
}

static void
test_a_full_space_takes_no_more (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scratch) scratch = new_file (f, 0600);
  g_autoptr (Scratch) other = new_file (f, 0600);
  g_autofree char *much = g_malloc0 (CAP + 1);
  int64_t size = fill (scratch);

  g_assert_cmpint (size, >, CAP / 2);
  g_assert_cmpint (size, <=, CAP);
  g_assert_cmpint (scratch_space_used (f->space), <=, CAP);
  g_assert_cmpint (attr_of (scratch).size, ==, size);
  g_assert_cmpint (scratch_write (other, &ann, "x", 1, 0, &error), ==, -1);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE);
  g_clear_error (&error);
  g_assert_cmpint (attr_of (other).size, ==, 0);
  /* Overwriting takes no room, and nor do holes. */
  put (scratch, "again", 10);
  put (scratch, "at the end", size - 10);
  resize (other, CAP);
  resize (scratch, size - 100);
  put (scratch, "and after it", size - 100);
  /* Room comes back. */
  resize (scratch, 0);
  put (other, "x", 0);
  g_assert_cmpint (scratch_write (scratch, &ann, much, CAP + 1, 0, &error), ==, -1);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE);
  assert_text (scratch, "", 0);
}

static void
test_an_unlinked_file_lives_on (Fixture *f, const void *unused)
{
  Scratch *scratch = new_file (f, 0600);

  g_assert_cmpint (attr_of (scratch).links, ==, 1);
  scratch_ref (scratch); /* a handle */
  put (scratch, "still", 0);
  scratch_links (scratch, -1);
  scratch_unref (scratch);
  g_assert_cmpint (attr_of (scratch).links, ==, 0);
  put (scratch, " here", 5);
  assert_text (scratch, "still here", 10);
  g_assert_cmpint (scratch_space_used (f->space), >, 0);
  scratch_unref (scratch);
  g_assert_cmpint (scratch_space_used (f->space), ==, 0);
}

/* More than a process may have descriptors. */
static void
test_many_files (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify)scratch_unref);
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  for (guint i = 0; i < 5000; i++)
    {
      g_ptr_array_add (files, new_file (f, 0600));
      g_assert_cmpuint (scratch_number (files->pdata[i]), ==, i + 1);
    }
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *text = g_strdup_printf ("file %u", i);

      put (files->pdata[i], text, 0);
    }
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *text = g_strdup_printf ("file %u", i);

      assert_text (files->pdata[i], text, strlen (text));
    }
  limit.rlim_cur = 3;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_assert_cmpint (scratch_write (files->pdata[200], &ann, "x", 1, 0, &error), ==, -1);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE);
  limit.rlim_cur = limit.rlim_max;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  put (files->pdata[200], "x", 0);
}

static void
test_leftovers_go (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *left = g_build_filename (f->folder, "scratch-00000000deadbeef", NULL);
  ScratchConfig config = { .folder = f->folder, .cap = CAP };
  g_autoptr (ScratchSpace) other = NULL;
  struct stat about;

  g_assert_true (g_file_set_contents (left, "x", 1, NULL));
  g_assert_cmpint (g_chmod (f->folder, 0755), ==, 0);
  other = scratch_space_new (&config, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_access (left, F_OK), ==, -1);
  g_assert_cmpint (g_stat (f->folder, &about), ==, 0);
  g_assert_cmpint (about.st_mode & 07777, ==, 0700);
}

static void
test_a_folder_that_cannot_be (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = g_build_filename (f->state, "file", NULL);
  ScratchConfig config = { .folder = file, .cap = CAP };

  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_null (scratch_space_new (&config, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED);
  g_assert_cmpint (g_unlink (file), ==, 0);
}

/* ---- records become scratch and back ----------------------------------------------------------------------------- */

static void
test_texts_come_and_go (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scratch) scratch = new_file (f, 0600);
  g_autoptr (GBytes) text = g_bytes_new_static ("{ \"id\": 1 }\n", 12);
  g_autoptr (GBytes) empty = g_bytes_new_static ("", 0);
  g_autoptr (GBytes) much = g_bytes_new_take (g_malloc0 (CAP + 1), CAP + 1);

  put (scratch, "something much longer than the text", 0);
  g_assert_true (scratch_set_text (scratch, text, &error));
  assert_text (scratch, "{ \"id\": 1 }\n", 12);
  g_assert_cmpint (attr_of (scratch).blocks * 512, ==, scratch_space_used (f->space));
  g_assert_null (scratch_text (scratch, 11, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_false (scratch_set_text (scratch, much, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE);
  g_clear_error (&error);
  assert_text (scratch, "{ \"id\": 1 }\n", 12);
  g_assert_true (scratch_set_text (scratch, empty, &error));
  assert_text (scratch, "", 0);
  put (scratch, "on", 0);
  assert_text (scratch, "on", 2);
}

static void
test_symlinks (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *longest = g_strnfill (SCRATCH_TARGET_MAX, 'x');
  g_autofree char *longer = g_strnfill (SCRATCH_TARGET_MAX + 1, 'x');
  g_autoptr (Scratch) lock = scratch_new_link (f->space, "ann@host.42:1700000000", &ann, &error);
  g_autoptr (Scratch) large = scratch_new_link (f->space, longest, &ann, &error);
  g_autoptr (Scratch) file = new_file (f, 0600);

  g_assert_no_error (error);
  g_assert_cmpstr (scratch_target (lock), ==, "ann@host.42:1700000000");
  g_assert_cmpstr (scratch_target (large), ==, longest);
  g_assert_null (scratch_target (file));
  g_assert_cmpint (attr_of (lock).mode, ==, S_IFLNK | 0777);
  g_assert_cmpint (attr_of (lock).size, ==, 22);
  g_assert_null (scratch_new_link (f->space, longer, &ann, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_null (scratch_new_link (f->space, "", &ann, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_cmpint (scratch_write (lock, &ann, "x", 1, 0, &error), ==, -1);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
  set_mode (lock, &ann, 0600);
  g_assert_cmpint (attr_of (lock).mode, ==, S_IFLNK | 0777);
}

/* ---- rights and times -------------------------------------------------------------------------------------------- */

static void
test_modes_decide (Fixture *f, const void *unused)
{
  g_autoptr (Scratch) scratch = new_file (f, 0640);

  change_by (scratch, &ann, (ScratchChange){ .set = SCRATCH_SET_GID, .gid = 60 }, -1);
  g_assert_true (scratch_may (scratch, &ann, R_OK | W_OK));
  g_assert_false (scratch_may (scratch, &ann, X_OK));
  g_assert_true (scratch_may (scratch, &bob, R_OK));
  g_assert_false (scratch_may (scratch, &bob, R_OK | W_OK));
  g_assert_false (scratch_may (scratch, &eve, R_OK));
  g_assert_true (scratch_may (scratch, &root, R_OK | W_OK));
  g_assert_false (scratch_may (scratch, &root, X_OK));
  set_mode (scratch, &ann, 0007); /* the first that fits decides, not the best */
  g_assert_false (scratch_may (scratch, &ann, R_OK));
  g_assert_false (scratch_may (scratch, &bob, R_OK));
  g_assert_true (scratch_may (scratch, &eve, R_OK | W_OK | X_OK));
  g_assert_true (scratch_may (scratch, &root, X_OK));
}

static void
test_who_may_change_what (Fixture *f, const void *unused)
{
  g_autoptr (Scratch) scratch = new_file (f, 0604);
  const unsigned both_now = SCRATCH_SET_ATIME_NOW | SCRATCH_SET_MTIME_NOW;

  change_by (scratch, &bob, (ScratchChange){ .set = SCRATCH_SET_MODE, .mode = 0777 }, ZOHO_ERROR_FORBIDDEN);
  change_by (scratch, &bob, (ScratchChange){ .set = SCRATCH_SET_GID, .gid = 60 }, ZOHO_ERROR_FORBIDDEN);
  change_by (scratch, &ann, (ScratchChange){ .set = SCRATCH_SET_UID, .uid = 1001 }, ZOHO_ERROR_FORBIDDEN);
  change_by (scratch, &ann, (ScratchChange){ .set = SCRATCH_SET_GID, .gid = 99 }, ZOHO_ERROR_FORBIDDEN);
  change_by (scratch, &ann, (ScratchChange){ .set = SCRATCH_SET_UID | SCRATCH_SET_GID, .uid = 1000, .gid = 61 }, -1);
  g_assert_cmpint (attr_of (scratch).gid, ==, 61);
  change_by (scratch, &eve, (ScratchChange){ .set = SCRATCH_SET_SIZE, .size = 9 }, ZOHO_ERROR_DENIED);
  change_by (scratch, &eve, (ScratchChange){ .set = both_now }, ZOHO_ERROR_DENIED);
  change_by (scratch, &eve, (ScratchChange){ .set = SCRATCH_SET_MTIME }, ZOHO_ERROR_FORBIDDEN);
  g_assert_cmpint (attr_of (scratch).size, ==, 0);
  /* A handle that was opened for writing needs no right any more. */
  change_by (scratch, &eve, (ScratchChange){ .set = SCRATCH_SET_SIZE, .size = 9, .opened = true }, -1);
  set_mode (scratch, &ann, 0602);
  change_by (scratch, &eve, (ScratchChange){ .set = both_now }, -1);
  change_by (scratch, &eve, (ScratchChange){ .set = SCRATCH_SET_MTIME_NOW }, ZOHO_ERROR_FORBIDDEN);
  change_by (scratch, &eve, (ScratchChange){ .set = SCRATCH_SET_MTIME }, ZOHO_ERROR_FORBIDDEN);
  change_by (scratch, &eve, (ScratchChange){ .set = SCRATCH_SET_SIZE | SCRATCH_SET_MTIME_NOW, .size = 5 }, -1);
  /* All of it or nothing. */
  change_by (scratch, &eve, (ScratchChange){ .set = SCRATCH_SET_SIZE | SCRATCH_SET_MODE, .size = 0, .mode = 0777 },
             ZOHO_ERROR_FORBIDDEN);
  g_assert_cmpint (attr_of (scratch).size, ==, 5);
  change_by (scratch, &root, (ScratchChange){ .set = SCRATCH_SET_UID | SCRATCH_SET_GID, .uid = 7, .gid = 8 }, -1);
  g_assert_cmpint (attr_of (scratch).uid, ==, 7);
  g_assert_cmpint (attr_of (scratch).gid, ==, 8);
}

static void
test_set_id_bits_fall (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scratch) scratch = new_file (f, 0600);

  set_mode (scratch, &ann, 06775);
  g_assert_cmpint (mode_of (scratch), ==, 06775);
  g_assert_cmpint (scratch_write (scratch, &root, "x", 1, 0, &error), ==, 1);
  g_assert_cmpint (mode_of (scratch), ==, 06775);
  put (scratch, "x", 0);
  g_assert_cmpint (mode_of (scratch), ==, 0775);
  set_mode (scratch, &ann, 06765); /* without the group's x it is a mark for locks */
  put (scratch, "x", 0);
  g_assert_cmpint (mode_of (scratch), ==, 02765);
  set_mode (scratch, &ann, 04755);
  resize (scratch, 0);
  g_assert_cmpint (mode_of (scratch), ==, 0755);
  set_mode (scratch, &ann, 06755);
  change_by (scratch, &ann, (ScratchChange){ .set = SCRATCH_SET_GID, .gid = 60 }, -1);
  g_assert_cmpint (mode_of (scratch), ==, 0755);
  /* The mark of a group that one is not in. */
  change_by (scratch, &root, (ScratchChange){ .set = SCRATCH_SET_GID, .gid = 99 }, -1);
  set_mode (scratch, &ann, 02755);
  g_assert_cmpint (mode_of (scratch), ==, 0755);
  set_mode (scratch, &root, 02755);
  g_assert_cmpint (mode_of (scratch), ==, 02755);
}

static void
test_times_move (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scratch) scratch = new_file (f, 0600);
  ScratchAttr before = attr_of (scratch), after;
  char byte;

  later_than (before.ctime);
  put (scratch, "x", 0);
  after = attr_of (scratch);
  g_assert_true (is_later (after.mtime, before.mtime) && is_later (after.ctime, before.ctime));
  g_assert_false (is_later (after.atime, before.atime));
  later_than (after.ctime);
  g_assert_cmpint (scratch_read (scratch, &byte, 1, 0, &error), ==, 1);
  before = attr_of (scratch);
  g_assert_true (is_later (before.atime, after.mtime));
  g_assert_false (is_later (before.mtime, after.mtime) || is_later (before.ctime, after.ctime));
  later_than (before.atime);
  g_assert_cmpint (scratch_read (scratch, &byte, 1, 0, &error), ==, 1);
  g_assert_false (is_later (attr_of (scratch).atime, before.atime));
  set_mode (scratch, &ann, 0640);
  after = attr_of (scratch);
  g_assert_true (is_later (after.ctime, before.ctime));
  g_assert_false (is_later (after.mtime, before.mtime));
  later_than (after.ctime);
  scratch_links (scratch, 0);
  g_assert_true (is_later (attr_of (scratch).ctime, after.ctime));
  g_assert_cmpint (attr_of (scratch).links, ==, 1);
  later_than (attr_of (scratch).ctime);
  resize (scratch, 1); /* the size it has */
  g_assert_true (is_later (attr_of (scratch).mtime, after.mtime));
}

static void
test_times_are_set (Fixture *f, const void *unused)
{
  g_autoptr (Scratch) scratch = new_file (f, 0600);
  ScratchChange change = {
    .set = SCRATCH_SET_ATIME | SCRATCH_SET_MTIME,
    .atime = { 1000, 1 },
    .mtime = { 2000, 999999999 },
  };
  ScratchAttr before = attr_of (scratch), after;

  later_than (before.ctime);
  change_by (scratch, &ann, change, -1);
  after = attr_of (scratch);
  g_assert_cmpint (after.atime.tv_sec, ==, 1000);
  g_assert_cmpint (after.mtime.tv_sec, ==, 2000);
  g_assert_cmpint (after.mtime.tv_nsec, ==, 999999999);
  g_assert_true (is_later (after.ctime, before.ctime));
  change_by (scratch, &ann, (ScratchChange){ .set = SCRATCH_SET_MTIME_NOW }, -1);
  g_assert_cmpint (attr_of (scratch).atime.tv_sec, ==, 1000);
  g_assert_true (is_later (attr_of (scratch).mtime, before.mtime));
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 200
#define PART 1000

typedef struct
{
  Fixture *f;
  Scratch *shared;
  int number;
} Worker;

/* Each writes a place of its own in the shared file; files of its own come and go. */
static void *
work (void *data)
{
  Worker *worker = data;
  char part[PART], got[PART];

  memset (part, 'a' + worker->number, sizeof part);
  for (int i = 0; i < ROUNDS; i++)
    {
      int64_t place = (int64_t)(i % 10 * THREADS + worker->number) * PART;
      g_autoptr (Scratch) own = new_file (worker->f, 0600);
      g_autoptr (Scratch) shared = scratch_ref (worker->shared);

      g_assert_cmpint (scratch_write (shared, &ann, part, PART, place, NULL), ==, PART);
      g_assert_cmpint (scratch_read (shared, got, PART, place, NULL), ==, PART);
      g_assert_cmpmem (got, PART, part, PART);
      g_assert_cmpint (attr_of (shared).size, >=, place + PART);
      g_assert_cmpint (scratch_write (own, &ann, part, PART, 0, NULL), ==, PART);
      scratch_links (own, -1);
    }
  return NULL;
}

static void
test_threads (Fixture *f, const void *unused)
{
  g_autoptr (Scratch) shared = new_file (f, 0600);
  pthread_t threads[THREADS];
  Worker workers[THREADS];

  for (int i = 0; i < THREADS; i++)
    {
      workers[i] = (Worker){ f, shared, i };
      g_assert_cmpint (pthread_create (&threads[i], NULL, work, &workers[i]), ==, 0);
    }
  for (int i = 0; i < THREADS; i++)
    pthread_join (threads[i], NULL);
  g_assert_cmpint (attr_of (shared).size, ==, 10 * THREADS * PART);
  g_assert_cmpint (attr_of (shared).blocks * 512, ==, scratch_space_used (f->space));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *, const void *);
  } cases[] = {
    { "reads-what-was-written", test_reads_what_was_written },
    { "holes-cost-nothing", test_holes_cost_nothing },
    { "truncates-both-ways", test_truncates_both_ways },
    { "is-like-memory", test_is_like_memory },
    { "too-large", test_too_large },
    { "nonsense-is-invalid", test_nonsense_is_invalid },
    { "a-full-space-takes-no-more", test_a_full_space_takes_no_more },
    { "an-unlinked-file-lives-on", test_an_unlinked_file_lives_on },
    { "many-files", test_many_files },
    { "leftovers-go", test_leftovers_go },
    { "a-folder-that-cannot-be", test_a_folder_that_cannot_be },
    { "texts-come-and-go", test_texts_come_and_go },
    { "symlinks", test_symlinks },
    { "modes-decide", test_modes_decide },
    { "who-may-change-what", test_who_may_change_what },
    { "set-id-bits-fall", test_set_id_bits_fall },
    { "times-move", test_times_move },
    { "times-are-set", test_times_are_set },
    { "threads", test_threads },
  };

  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/scratch/", cases[i].path, NULL);
      g_autofree char *named = g_strconcat ("/scratch-named/", cases[i].path, NULL);

      g_test_add (path, Fixture, NULL, set_up, cases[i].run, tear_down);
      g_test_add (named, Fixture, "named", set_up, cases[i].run, tear_down);
    }
  return g_test_run ();
}
