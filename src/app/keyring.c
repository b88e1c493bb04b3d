/* The keyring: what asks it, and the process that is asked. A secret goes by pipe, in either direction, never as an
 * argument. */
#include "app/keyring.h"

#include "app/credentials.h"
#include "app/files.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_LIBSECRET
#include <libsecret/secret.h>
#endif

/* To unlock the keyring somebody may have to find a password. */
#define PATIENCE_S 60

static bool
has_session (void)
{
  const char *address = g_getenv ("DBUS_SESSION_BUS_ADDRESS"), *folder = g_getenv ("XDG_RUNTIME_DIR");
  g_autofree char *bus = folder != NULL ? g_build_filename (folder, "bus", NULL) : NULL;

  return (address != NULL && *address != '\0') || (bus != NULL && access (bus, F_OK) == 0);
}

bool
keyring_is_there (GError **error)
{
#ifdef HAVE_LIBSECRET
  if (has_session ())
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
               "The secrets are in the desktop's keyring, which needs a desktop session (D-Bus), and there is none here; "
               "run `zohofs login` without --keyring to have them in files.");
#else
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
               "This zohofs was built without libsecret, so it has no keyring%s; run `zohofs login` without --keyring to "
               "have the secrets in files.", has_session () ? "" : ", and no desktop session runs");
#endif
  return false;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static bool
write_whole (int fd, const char *text)
{
  size_t size = text != NULL ? strlen (text) : 0;

  return size == 0 || TEMP_FAILURE_RETRY (write (fd, text, size)) == (ssize_t) size;
}

/* Starts the helper, gives it @input and takes what it says: the secret, or why not. */
static bool
ask (const char *verb, const char *folder, const char *name, const char *input, char **output, GError **error)
{
  const char *arguments[] = { "/proc/self/exe", "keyring", verb, folder, name, NULL };
  g_autoptr (GError) cause = NULL;
  int in, out, status = 0;
  size_t size;
  GPid pid;
  bool sent;

  if (!keyring_is_there (error))
    return false;
  if (!g_spawn_async_with_pipes (NULL, (char **) arguments, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &in, &out,
                                 NULL, &cause))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The keyring cannot be asked: %s.", cause->message);
      return false;
    }
  sent = write_whole (in, input);
  close (in);
  *output = files_read_fd (out, "the keyring's answer", CREDENTIALS_MAX, &size, NULL);
  close (out);
  TEMP_FAILURE_RETRY (waitpid (pid, &status, 0));
  if (sent && *output != NULL && WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The desktop's keyring does not do it: %s.",
               *output != NULL && WIFEXITED (status) && **output != '\0' ? *output : "no answer in time");
  credentials_wipe (g_steal_pointer (output));
  return false;
}

bool
keyring_store (const char *folder, const char *name, const char *secret, GError **error)
{
  char *output = NULL;
  bool done = ask ("store", folder, name, secret, &output, error);

  credentials_wipe (output);
  return done;
}

char *
keyring_load (const char *folder, const char *name, GError **error)
{
  char *output = NULL;

  return ask ("load", folder, name, NULL, &output, error) ? output : NULL;
}

bool
keyring_clear (const char *folder, const char *name, GError **error)
{
  char *output = NULL;
  bool done = ask ("clear", folder, name, NULL, &output, error);

  credentials_wipe (output);
  return done;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

#ifdef HAVE_LIBSECRET

static const SecretSchema schema = {
  "org.zohofs.Secret",
  SECRET_SCHEMA_NONE,
  { { "folder", SECRET_SCHEMA_ATTRIBUTE_STRING }, { "name", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
};

static bool
serve_store (const char *folder, const char *name, GError **error)
{
  g_autofree char *label = g_strdup_printf ("zohofs: %s of %s", name, folder);
  size_t size;
  char *secret = files_read_fd (STDIN_FILENO, "standard input", CREDENTIALS_MAX, &size, error);
  bool done = secret != NULL
              && secret_password_store_sync (&schema, SECRET_COLLECTION_DEFAULT, label, secret, NULL, error, "folder",
                                             folder, "name", name, NULL);

  credentials_wipe (secret);
  return done;
}

static bool
serve_load (const char *folder, const char *name, GError **error)
{
  char *secret = secret_password_lookup_sync (&schema, NULL, error, "folder", folder, "name", name, NULL);

  if (secret == NULL)
    {
      if (error != NULL && *error == NULL)
        g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "it has no %s; run `zohofs login` again", name);
      return false;
    }
  fputs (secret, stdout);
  secret_password_free (secret);
  return true;
}

static bool
serve_clear (const char *folder, const char *name, GError **error)
{
  secret_password_clear_sync (&schema, NULL, error, "folder", folder, "name", name, NULL);
  return error == NULL || *error == NULL;
}

int
keyring_serve (const char *verb, const char *folder, const char *name)
{
  g_autoptr (GError) error = NULL;
  bool done = false;

  alarm (PATIENCE_S);
  if (g_str_equal (verb, "store"))
    done = serve_store (folder, name, &error);
  else if (g_str_equal (verb, "load"))
    done = serve_load (folder, name, &error);
  else if (g_str_equal (verb, "clear"))
    done = serve_clear (folder, name, &error);
  if (!done && error != NULL)
    fputs (error->message, stdout);
  return fflush (stdout) == 0 && done ? 0 : 1;
}

#else

int
keyring_serve (const char *verb, const char *folder, const char *name)
{
  g_autoptr (GError) error = NULL;

  keyring_is_there (&error);
  fputs (error->message, stdout);
  return 1;
}

#endif
