/* Files of JSON lines that only grow. */
#include "base/jsonl.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  char *folder, *path, *aside;
} Fixture;

static GString *told; /* what was logged, line by line */

static GLogWriterOutput
take_log (GLogLevelFlags level, const GLogField *fields, gsize count, gpointer unused)
{
  for (gsize i = 0; i < count; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      g_string_append_printf (told, "%s\n", (const char *)fields[i].value);
  return G_LOG_WRITER_HANDLED;
}

/* Since the last look just one thing was told, and it has @words in it. */
static void
assert_told (const char *words)
{
  const char *end = strchr (told->str, '\n');

  g_assert_nonnull (strstr (told->str, words));
  g_assert_true (end != NULL && end[1] == '\0');
  g_string_truncate (told, 0);
}

static void
set_up (Fixture *f, const void *unused)
{
  f->folder = g_dir_make_tmp ("zohofs-jsonl-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "state", "events.jsonl", NULL);
  f->aside = g_strconcat (f->path, ".1", NULL);
}

static void
tear_down (Fixture *f, const void *unused)
{
  g_autofree char *state = g_path_get_dirname (f->path);

  g_assert_cmpstr (told->str, ==, "");
  g_unlink (f->path);
  g_unlink (f->aside);
  g_rmdir (state);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0); /* nothing else was left behind */
  g_free (f->folder);
  g_free (f->path);
  g_free (f->aside);
}

static bool
append_number (Jsonl *jsonl, int64_t number)
{
  g_autoptr (json_t) line = json_object ();

  json_object_set_new (line, "n", json_integer (number));
  return jsonl_append (jsonl, line);
}

static char *
text_of (const char *path)
{
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : g_strdup ("");
}

/* How many lines @path has, each of which is a JSON object. */
static unsigned
count_whole_lines (const char *path)
{
  g_autofree char *text = text_of (path);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  unsigned count = g_strv_length (lines);

  if (*text == '\0')
    return 0;
  g_assert_cmpstr (lines[count - 1], ==, "");
  for (unsigned i = 0; i + 1 < count; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (json_t) line = json_parse (lines[i], strlen (lines[i]), &error);

      g_assert_no_error (error);
      g_assert_true (json_is_object (line));
    }
  return count - 1;
}

static void
test_appends_lines (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, JSONL_CAP);
  g_autofree char *text = NULL;
  int64_t mtime_s = 7;
  struct stat about;

  g_assert_cmpint (jsonl_size (jsonl, &mtime_s), ==, 0);
  g_assert_cmpint (mtime_s, ==, 7);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_assert_true (append_number (jsonl, 1));
  g_assert_true (append_number (jsonl, 2));
  text = text_of (f->path);
  g_assert_cmpstr (text, ==, "{\"n\":1}\n{\"n\":2}\n");
  g_assert_cmpint (stat (f->path, &about), ==, 0);
  g_assert_cmpint (about.st_mode & 07777, ==, 0600);
  g_assert_cmpint (jsonl_size (jsonl, &mtime_s), ==, about.st_size);
  g_assert_cmpint (mtime_s, ==, about.st_mtime);
}

static void
test_keeps_digits (Fixture *f, const void *unused)
{
  static const char exact[] = "{\"amount\":1234567890123456.789012}";
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, JSONL_CAP);
  g_autoptr (json_t) line = json_parse (exact, strlen (exact), NULL);
  g_autofree char *text = NULL;

  g_assert_true (jsonl_append (jsonl, line));
  text = text_of (f->path);
  g_assert_cmpstr (text, ==, "{\"amount\":1234567890123456.789012}\n");
}

static void
assert_read (Jsonl *jsonl, uint64_t offset, size_t size, const char *expected)
{
  g_autoptr (GBytes) part = jsonl_read (jsonl, offset, size);
  size_t length;
  const char *bytes = g_bytes_get_data (part, &length);

  g_assert_cmpmem (bytes, length, expected, strlen (expected));
}

static void
test_reads_ranges_as_they_are_now (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, JSONL_CAP);

  assert_read (jsonl, 0, 100, "");
  append_number (jsonl, 1);
  assert_read (jsonl, 0, 100, "{\"n\":1}\n");
  assert_read (jsonl, 1, 3, "\"n\"");
  assert_read (jsonl, 8, 100, "");
  append_number (jsonl, 2);
  assert_read (jsonl, 8, 100, "{\"n\":2}\n");
  assert_read (jsonl, UINT64_MAX, SIZE_MAX, "");
  assert_read (jsonl, 15, SIZE_MAX, "\n");
}

static void
test_rotates_at_the_cap (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, 24); /* three lines */
  g_autofree char *text = NULL, *aside = NULL;

  for (int i = 0; i < 8; i++)
    g_assert_true (append_number (jsonl, i));
  text = text_of (f->path);
  aside = text_of (f->aside);
  g_assert_cmpstr (aside, ==, "{\"n\":3}\n{\"n\":4}\n{\"n\":5}\n");
  g_assert_cmpstr (text, ==, "{\"n\":6}\n{\"n\":7}\n");
}

static void
test_refuses_what_no_file_holds (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, 8);
  int64_t mtime_s;

  g_assert_true (append_number (jsonl, 1));
  g_assert_false (append_number (jsonl, 100));
  assert_told ("File too large");
  g_assert_cmpint (jsonl_size (jsonl, &mtime_s), ==, 8);
}

/* Writes in a process of its own, from when the other end of @gate is closed. */
static pid_t
write_elsewhere (const char *path, int64_t cap, int lines, const int gate[2])
{
  g_autoptr (Jsonl) jsonl = NULL;
  pid_t pid = fork ();
  char none;

  g_assert_cmpint (pid, >=, 0);
  if (pid > 0)
    return pid;
  close (gate[1]);
  if (read (gate[0], &none, 1) != 0)
    _exit (1);
  jsonl = jsonl_new (path, cap);
  for (int i = 0; i < lines; i++)
    if (!append_number (jsonl, INT64_C (1000000000000000000) + i))
      _exit (1);
  _exit (0);
}

static void
assert_ends_well (pid_t pid)
{
  int status;

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

/* All write @lines lines at once. */
static void
write_by_four (Fixture *f, int64_t cap, int lines)
{
  pid_t pids[4];
  int gate[2];

  g_assert_cmpint (pipe (gate), ==, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (pids); i++)
    pids[i] = write_elsewhere (f->path, cap, lines, gate);
  close (gate[0]);
  close (gate[1]);
  for (size_t i = 0; i < G_N_ELEMENTS (pids); i++)
    assert_ends_well (pids[i]);
}

static void
test_lines_of_processes_do_not_mix (Fixture *f, const void *unused)
{
  write_by_four (f, JSONL_CAP, 500);
  g_assert_cmpuint (count_whole_lines (f->path), ==, 2000);
  g_assert_false (g_file_test (f->aside, G_FILE_TEST_EXISTS));
}

static void
test_keeps_as_many_as_told (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, 16);
  g_autofree char *second = g_strconcat (f->path, ".2", NULL);
  g_autofree char *third = g_strconcat (f->path, ".3", NULL);
  g_autofree char *last = NULL, *text = NULL;

  jsonl_keep (jsonl, 2);
  for (int i = 1; i <= 7; i++) /* two lines a file */
    {
      g_autoptr (json_t) line = json_pack ("{s:i}", "n", i);

      g_assert_true (jsonl_append (jsonl, line));
    }
  last = text_of (second);
  text = text_of (f->path);
  g_assert_cmpstr (last, ==, "{\"n\":3}\n{\"n\":4}\n");
  g_assert_cmpstr (text, ==, "{\"n\":7}\n");
  g_assert_false (g_file_test (third, G_FILE_TEST_EXISTS));
  g_unlink (second);
}

/* What was rotated by the one is not again by the other, which would lose the first file. */
static void
test_processes_rotate_once (Fixture *f, const void *unused)
{
  const int64_t line = strlen ("{\"n\":1000000000000000000}\n");

  for (int round = 0; round < 100; round++)
    {
      write_by_four (f, line * 10, 4);
      g_assert_cmpuint (count_whole_lines (f->aside) + count_whole_lines (f->path), ==, 16);
      g_assert_true (g_file_test (f->aside, G_FILE_TEST_EXISTS));
      g_unlink (f->aside);
      g_unlink (f->path);
    }
}

static void
limit_file_size (rlim_t bytes)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = MIN (bytes, limit.rlim_max);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
test_full_disk_is_told_once (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, JSONL_CAP);
  bool written[4];

  append_number (jsonl, 1);
  limit_file_size (12); /* the next line would fit by half */
  for (int i = 0; i < 3; i++)
    written[i] = append_number (jsonl, 2);
  limit_file_size (RLIM_INFINITY);
  assert_told ("events.jsonl: ");
  g_assert_false (written[0] || written[1] || written[2]);
  g_assert_cmpuint (count_whole_lines (f->path), ==, 1);

  g_assert_true (append_number (jsonl, 3));
  assert_told ("is written again");
  g_assert_true (append_number (jsonl, 4));
  g_assert_cmpuint (count_whole_lines (f->path), ==, 3);
}

static void
test_cut_line_does_not_run_into_the_next (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, JSONL_CAP);
  g_autofree char *text = NULL;

  append_number (jsonl, 1);
  g_assert_cmpint (truncate (f->path, 4), ==, 0);
  g_assert_true (append_number (jsonl, 2));
  text = text_of (f->path);
  g_assert_cmpstr (text, ==, "{\"n\"\n{\"n\":2}\n");
}

static void
test_lines_are_valid_utf8 (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, JSONL_CAP);
  g_autoptr (json_t) line = json_object ();
  g_autofree char *text = NULL;

  json_object_set_new (line, "name", json_stringn_nocheck ("a\xff\xc3z", 4));
  g_assert_true (jsonl_append (jsonl, line));
  text = text_of (f->path);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_cmpuint (count_whole_lines (f->path), ==, 1);
}

static void
test_a_lock_that_is_held_stops_nobody (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, 16);
  int fd;

  append_number (jsonl, 1);
  fd = open (f->path, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (flock (fd, LOCK_EX), ==, 0);
  for (int i = 2; i < 5; i++)
    g_assert_true (append_number (jsonl, i));
  g_assert_cmpuint (count_whole_lines (f->path), ==, 4); /* over the cap, since nobody may rotate */
  close (fd);
  g_assert_true (append_number (jsonl, 5));
  g_assert_cmpuint (count_whole_lines (f->path), ==, 1);
}

static void
test_what_is_no_file_is_left_alone (Fixture *f, const void *unused)
{
  g_autoptr (Jsonl) jsonl = jsonl_new (f->path, JSONL_CAP);
  g_autofree char *state = g_path_get_dirname (f->path);
  int64_t mtime_s;

  g_mkdir (state, 0700);
  g_assert_cmpint (mkfifo (f->path, 0600), ==, 0);
  g_assert_false (append_number (jsonl, 1));
  assert_told ("events.jsonl: Invalid");
  g_assert_cmpint (jsonl_size (jsonl, &mtime_s), ==, 0);
  assert_read (jsonl, 0, 10, "");
}

int
main (int argc, char **argv)
{
  int failed;

  told = g_string_new (NULL);
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (take_log, NULL, NULL);
  signal (SIGXFSZ, SIG_IGN);
#define ADD(name, function) g_test_add ("/jsonl/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("appends", test_appends_lines);
  ADD ("digits", test_keeps_digits);
  ADD ("reads", test_reads_ranges_as_they_are_now);
  ADD ("rotates", test_rotates_at_the_cap);
  ADD ("generations", test_keeps_as_many_as_told);
  ADD ("too-large", test_refuses_what_no_file_holds);
  ADD ("processes", test_lines_of_processes_do_not_mix);
  ADD ("processes-rotate", test_processes_rotate_once);
  ADD ("full-disk", test_full_disk_is_told_once);
  ADD ("cut-line", test_cut_line_does_not_run_into_the_next);
  ADD ("utf8", test_lines_are_valid_utf8);
  ADD ("lock-held", test_a_lock_that_is_held_stops_nobody);
  ADD ("no-file", test_what_is_no_file_is_left_alone);
#undef ADD
  failed = g_test_run ();
  g_string_free (told, TRUE);
  return failed;
}
