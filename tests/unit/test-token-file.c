/* The access token on disk. */
#include "api/token_file.h"

#include "base/clock.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_S 1000000

typedef struct
{
  char *folder, *path, *key;
} Fixture;

static void
set_up (Fixture *f, const void *unused)
{
  clock_freeze (1, NOW_S);
  f->folder = g_dir_make_tmp ("zohofs-token-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "token", NULL);
  f->key = token_file_key ("https://a.example", "https://b.example", "id", "refresh");
}

static void
tear_down (Fixture *f, const void *unused)
{
  g_autofree char *lock = g_strconcat (f->path, ".lock", NULL);

  g_unlink (f->path);
  g_unlink (lock);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0); /* nothing else was left behind */
  g_free (f->folder);
  g_free (f->path);
  g_free (f->key);
}

static void
save (Fixture *f, const char *text, int64_t expires_s)
{
  Token token = { (char *)text, expires_s, expires_s - 300 };

  g_assert_true (token_file_write (f->path, f->key, &token, NULL));
}

static bool
readable (Fixture *f)
{
  Token token = { NULL };
  bool good = token_file_read (f->path, f->key, &token);

  g_free (token.text);
  return good;
}

static void
test_goes_both_ways (Fixture *f, const void *unused)
{
  Token token = { NULL };
  struct stat st;

  g_assert_false (readable (f));
  save (f, "1000.old", NOW_S + 10);
  save (f, "1000.ab.cd", NOW_S + 3600);
  g_assert_true (token_file_read (f->path, f->key, &token));
  g_assert_cmpstr (token.text, ==, "1000.ab.cd");
  g_assert_cmpint (token.expires_s, ==, NOW_S + 3600);
  g_assert_cmpint (token.renew_s, ==, NOW_S + 3300);
  g_free (token.text);
  g_assert_cmpint (g_stat (f->path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0600);
}

static void
test_expired_is_none (Fixture *f, const void *unused)
{
  save (f, "1000.ab", NOW_S + 10);
  clock_advance (9 * CLOCK_SECOND_US);
  g_assert_true (readable (f));
  clock_advance (CLOCK_SECOND_US);
  g_assert_false (readable (f));
  save (f, "1000.ab", NOW_S + 30 * 86400);
  g_assert_false (readable (f));
}

static void
test_is_for_one_sign_in (Fixture *f, const void *unused)
{
  g_autofree char *other = token_file_key ("https://a.example", "https://b.example", "id", "another");
  Token token = { NULL };

  save (f, "1000.ab", NOW_S + 3600);
  g_assert_false (token_file_read (f->path, other, &token));
  g_assert_null (token.text);
}

static void
test_readable_by_others_is_none (Fixture *f, const void *unused)
{
  save (f, "1000.ab", NOW_S + 3600);
  g_assert_cmpint (g_chmod (f->path, 0640), ==, 0);
  g_assert_false (readable (f));
  g_assert_cmpint (g_chmod (f->path, 0600), ==, 0);
  g_assert_true (readable (f));
}

static void
test_symlink_is_none (Fixture *f, const void *unused)
{
  g_autofree char *elsewhere = g_build_filename (f->folder, "elsewhere", NULL);

  save (f, "1000.ab", NOW_S + 3600);
  g_assert_cmpint (g_rename (f->path, elsewhere), ==, 0);
  g_assert_cmpint (symlink (elsewhere, f->path), ==, 0);
  g_assert_false (readable (f));
  g_unlink (elsewhere);
}

static void
test_damaged_is_none (Fixture *f, const void *unused)
{
  static const char *const bad[] = { "", "{", "[]", "{\"access_token\":\"x\"}", "\xff\xfe" };

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_true (g_file_set_contents_full (f->path, bad[i], -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      g_assert_false (readable (f));
    }
  save (f, "x\r\nEvil: 1", NOW_S + 3600);
  g_assert_false (readable (f));
}

static void
test_lock_is_exclusive (Fixture *f, const void *unused)
{
  bool busy;
  int mine = token_file_lock (f->path, &busy), theirs;

  g_assert_cmpint (mine, >=, 0);
  g_assert_cmpint (token_file_lock (f->path, &busy), ==, -1);
  g_assert_true (busy);
  close (mine);
  theirs = token_file_lock (f->path, &busy);
  g_assert_cmpint (theirs, >=, 0);
  close (theirs);
  g_assert_cmpint (token_file_lock ("/nonexistent/token", &busy), ==, -1);
  g_assert_false (busy);
}

static int
lock (Fixture *f)
{
  bool busy;
  int fd = token_file_lock (f->path, &busy);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
test_calls_are_counted_for_all (Fixture *f, const void *unused)
{
  TokenCalls calls = { 0 }, read = { 0 };
  int fd = lock (f), other;

  for (int i = 0; i < TOKEN_CALLS_MAX; i++)
    {
      g_assert_cmpint (token_calls_wait_s (&calls, NOW_S + i), ==, 0);
      token_calls_add (&calls, NOW_S + i);
    }
  g_assert_true (token_calls_write (fd, f->key, &calls));
  close (fd);
  other = lock (f);
  token_calls_read (other, f->key, &read);
  g_assert_cmpint (read.count, ==, TOKEN_CALLS_MAX);
  g_assert_cmpint (token_calls_wait_s (&read, NOW_S + 100), ==, TOKEN_CALLS_WINDOW_S - 100);
  token_calls_forget_old (&read, NOW_S + TOKEN_CALLS_WINDOW_S);
  g_assert_cmpint (read.count, ==, TOKEN_CALLS_MAX - 1);
  g_assert_cmpint (token_calls_wait_s (&read, NOW_S + TOKEN_CALLS_WINDOW_S), ==, 0);
  close (other);
}

static void
test_calls_of_other_sign_ins_do_not_count (Fixture *f, const void *unused)
{
  TokenCalls calls = { .held_until_s = NOW_S + 30 };
  int fd = lock (f);

  g_assert_true (token_calls_write (fd, f->key, &calls));
  token_calls_read (fd, f->key, &calls);
  g_assert_cmpint (token_calls_wait_s (&calls, NOW_S), ==, 30);
  token_calls_read (fd, "another", &calls);
  g_assert_cmpint (token_calls_wait_s (&calls, NOW_S), ==, 0);
  close (fd);
}

static void
test_calls_that_make_no_sense_do_not_count (Fixture *f, const void *unused)
{
  static const char *const bad[]
      = { "", "[]", "{", "{\"for\":\"KEY\",\"asked\":[\"x\",null,99999999999,-5,1.5],\"held_until\":99999999999}",
          "{\"for\":\"KEY\",\"asked\":[1,2,3,4,5,6,7,8,9,10,11,12,13]}" };
  int fd = lock (f);

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_auto (GStrv) parts = g_strsplit (bad[i], "KEY", -1);
      g_autofree char *text = g_strjoinv (f->key, parts);
      TokenCalls calls;

      g_assert_cmpint (ftruncate (fd, 0), ==, 0);
      g_assert_cmpint (pwrite (fd, text, strlen (text), 0), ==, (int)strlen (text));
      token_calls_read (fd, f->key, &calls);
      token_calls_forget_old (&calls, NOW_S);
      g_assert_cmpint (token_calls_wait_s (&calls, NOW_S), ==, 0);
    }
  close (fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, run) g_test_add ("/token-file/" name, Fixture, NULL, set_up, run, tear_down)
  ADD ("goes-both-ways", test_goes_both_ways);
  ADD ("expired-is-none", test_expired_is_none);
  ADD ("is-for-one-sign-in", test_is_for_one_sign_in);
  ADD ("readable-by-others-is-none", test_readable_by_others_is_none);
  ADD ("symlink-is-none", test_symlink_is_none);
  ADD ("damaged-is-none", test_damaged_is_none);
  ADD ("lock-is-exclusive", test_lock_is_exclusive);
  ADD ("calls", test_calls_are_counted_for_all);
  ADD ("calls-of-others", test_calls_of_other_sign_ins_do_not_count);
  ADD ("bad-calls", test_calls_that_make_no_sense_do_not_count);
  return g_test_run ();
}
