/* Secrets on disk: written for us alone, and refused when they are not. */
#include "app/credentials.h"

#include "app/files.h"
#include "base/error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *top;
  char *dir; /* of the profile; made by saving */
} Fixture;

static void
set_up (Fixture *f, const void *unused)
{
  f->top = g_dir_make_tmp ("zohofs-XXXXXX", NULL);
  f->dir = g_build_filename (f->top, "state", "work", NULL);
}

static void
tear_down (Fixture *f, const void *unused)
{
  static const char *const paths[]
      = { "state/work/client_secret", "state/work/refresh_token", "state/work", "state", "" };

  for (size_t i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *path = g_build_filename (f->top, paths[i], NULL);

      g_remove (path);
    }
  g_free (f->top);
  g_free (f->dir);
}

static char *
path_of (Fixture *f, const char *name)
{
  return g_build_filename (f->dir, name, NULL);
}

static void
save (Fixture *f)
{
  Credentials credentials = { "secret", "1000.refresh" };
  g_autoptr (GError) error = NULL;

  credentials_save (&credentials, f->dir, false, &error);
  g_assert_no_error (error);
}

static void
refused (Fixture *f, ZohoError code, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Credentials) credentials = credentials_load (f->dir, "work", &error);

  g_assert_null (credentials);
  g_assert_error (error, ZOHO_ERROR, (int)code);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
}

static void
test_reads_what_was_saved (Fixture *f, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Credentials) credentials = NULL;
  g_autofree char *path = path_of (f, "refresh_token");
  struct stat file, folder;

  save (f);
  credentials = credentials_load (f->dir, "work", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (credentials->client_secret, ==, "secret");
  g_assert_cmpstr (credentials->refresh_token, ==, "1000.refresh");
  g_assert_cmpint (stat (path, &file), ==, 0);
  g_assert_cmpint (file.st_mode & 07777, ==, 0600);
  g_assert_cmpint (stat (f->dir, &folder), ==, 0);
  g_assert_cmpint (folder.st_mode & 07777, ==, 0700);
}

static void
test_tells_how_to_sign_in (Fixture *f, const void *unused)
{
  refused (f, ZOHO_ERROR_SIGNED_OUT, "zohofs login work");
}

static void
test_refuses_what_others_may_read (Fixture *f, const void *unused)
{
  g_autofree char *path = path_of (f, "refresh_token");

  save (f);
  g_assert_cmpint (chmod (path, 0640), ==, 0);
  refused (f, ZOHO_ERROR_DENIED, "chmod 600");
}

static void
test_refuses_what_is_no_file (Fixture *f, const void *unused)
{
  g_autofree char *path = path_of (f, "client_secret");

  save (f);
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  refused (f, ZOHO_ERROR_INVALID, "not a regular file");
}

static void
test_refuses_too_much (Fixture *f, const void *unused)
{
  g_autofree char *path = path_of (f, "refresh_token");
  g_autofree char *text = g_strnfill (CREDENTIALS_MAX + 1, 'x');

  save (f);
  g_assert_true (files_write_secret (path, text, NULL));
  refused (f, ZOHO_ERROR_TOO_LARGE, "more than");
}

static void
test_refuses_what_is_no_secret (Fixture *f, const void *unused)
{
  g_autofree char *path = path_of (f, "refresh_token");

  save (f);
  g_assert_true (files_write_secret (path, "two words", NULL));
  refused (f, ZOHO_ERROR_INVALID, "does not hold a refresh token");
  g_assert_true (files_write_secret (path, "\n", NULL));
  refused (f, ZOHO_ERROR_INVALID, "does not hold a refresh token");
}

#define ADD(name, function) g_test_add ("/credentials/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("saved", test_reads_what_was_saved);
  ADD ("none", test_tells_how_to_sign_in);
  ADD ("readable", test_refuses_what_others_may_read);
  ADD ("fifo", test_refuses_what_is_no_file);
  ADD ("large", test_refuses_too_much);
  ADD ("words", test_refuses_what_is_no_secret);
  return g_test_run ();
}
