/* The secrets of a profile: one file each, ours alone, and gone from memory when no longer needed. A file whose word is
 * KEYRING stands for a secret in the desktop's keyring, so that a new sign-in is a new file in either case. */
#include "app/credentials.h"

#include "app/files.h"
#include "app/keyring.h"
#include "base/error.h"
#include "base/json.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define KEYRING "keyring:"
#define HOSTS_MAX 4096

static const char *const names[] = { "client_secret", "refresh_token" };

static bool
take_from_keyring (const char *state_dir, const char *name, const char *what, char **secret, GError **error)
{
  g_free (*secret);
  *secret = keyring_load (state_dir, name, error);
  if (*secret == NULL || credentials_tidy (*secret, what, error))
    return *secret != NULL;
  credentials_wipe (g_steal_pointer (secret));
  return false;
}

static bool
read_secret (const char *state_dir, const char *name, const char *what, char **secret, GError **error)
{
  g_autofree char *path = g_build_filename (state_dir, name, NULL);
  size_t size;

  *secret = files_read (path, CREDENTIALS_MAX, true, &size, error);
  if (*secret == NULL)
    return false;
  if (strlen (*secret) == size && credentials_tidy (*secret, what, NULL))
    return !g_str_equal (*secret, KEYRING) || take_from_keyring (state_dir, name, what, secret, error);
  credentials_wipe (g_steal_pointer (secret));
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "%s does not hold a %s; run `zohofs login` again.", path, what);
  return false;
}

static bool
write_word (const char *state_dir, const char *name, const char *word, GError **error)
{
  g_autofree char *path = g_build_filename (state_dir, name, NULL);
  g_autofree char *text = g_strconcat (word, "\n", NULL);
  bool written = files_write_secret (path, text, error);

  explicit_bzero (text, strlen (text));
  return written;
}

static bool
is_in_keyring (const char *state_dir, const char *name)
{
  g_autofree char *path = g_build_filename (state_dir, name, NULL);
  size_t size;
  char *text = files_read (path, CREDENTIALS_MAX, true, &size, NULL);
  bool is = text != NULL && g_str_equal (g_strstrip (text), KEYRING);

  credentials_wipe (text);
  return is;
}

static bool
write_secret (const char *state_dir, const char *name, const char *secret, bool keyring, GError **error)
{
  if (keyring)
    return keyring_store (state_dir, name, secret, error) && write_word (state_dir, name, KEYRING, error);
  if (is_in_keyring (state_dir, name))
    keyring_clear (state_dir, name, NULL); /* it is of no use to anybody if it stays */
  return write_word (state_dir, name, secret, error);
}

static bool
forget (const char *state_dir, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (state_dir, name, NULL);

  if (g_unlink (path) == 0 || errno == ENOENT || errno == ENOTDIR)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "%s cannot be removed: %s.", path, g_strerror (errno));
  return false;
}

/* No file: the sign-in belongs where the configuration says. */
static bool
write_hosts (const Credentials *credentials, const char *state_dir, GError **error)
{
  g_autoptr (json_t) hosts = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (credentials->accounts_url == NULL)
    return forget (state_dir, "hosts", error);
  hosts = json_pack ("{s:s, s:s, s:s}", "configured", credentials->configured_url, "accounts_url",
                     credentials->accounts_url, "api_url", credentials->api_url);
  json_write_compact (hosts, text);
  return write_word (state_dir, "hosts", text->str, error);
}

static bool
read_hosts (Credentials *credentials, const char *state_dir, GError **error)
{
  g_autofree char *path = g_build_filename (state_dir, "hosts", NULL);
  g_autoptr (GError) cause = NULL;
  size_t size = 0;
  g_autofree char *text = files_read (path, HOSTS_MAX, true, &size, &cause);
  g_autoptr (json_t) hosts = text != NULL ? json_parse (text, size, NULL) : NULL;

  if (g_error_matches (cause, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    return true;
  credentials->configured_url = g_strdup (json_get_text (hosts, "configured"));
  credentials->accounts_url = g_strdup (json_get_text (hosts, "accounts_url"));
  credentials->api_url = g_strdup (json_get_text (hosts, "api_url"));
  if (credentials->configured_url != NULL && credentials->accounts_url != NULL && credentials->api_url != NULL)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "%s is damaged; run `zohofs login` again.", path);
  return false;
}

Credentials *
credentials_load (const char *state_dir, const char *profile, GError **error)
{
  g_autoptr (Credentials) credentials = g_new0 (Credentials, 1);
  g_autoptr (GError) cause = NULL;

  credentials->state_dir = g_strdup (state_dir);
  credentials->mark = credentials_mark (state_dir);
  if (read_secret (state_dir, "client_secret", "client secret", &credentials->client_secret, &cause)
      && read_secret (state_dir, "refresh_token", "refresh token", &credentials->refresh_token, &cause)
      && read_hosts (credentials, state_dir, &cause))
    return g_steal_pointer (&credentials);
  if (g_error_matches (cause, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT,
                 "The profile %s is not signed in (nothing in %s); run `zohofs login %s`.", profile, state_dir, profile);
  else
    g_propagate_error (error, g_steal_pointer (&cause));
  return NULL;
}

bool
credentials_load_secret (const char *state_dir, char **client_secret, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (read_secret (state_dir, "client_secret", "client secret", client_secret, &cause))
    return true;
  if (g_error_matches (cause, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    return true;
  g_propagate_error (error, g_steal_pointer (&cause));
  return false;
}

/* The refresh token last: one that is there has all that belongs to it, and those who wait for a new one look at it. */
bool
credentials_save (const Credentials *credentials, const char *state_dir, bool keyring, GError **error)
{
  return write_hosts (credentials, state_dir, error)
         && write_secret (state_dir, "client_secret", credentials->client_secret, keyring, error)
         && write_secret (state_dir, "refresh_token", credentials->refresh_token, keyring, error);
}

bool
credentials_forget (const char *state_dir, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if ((is_in_keyring (state_dir, names[i]) && !keyring_clear (state_dir, names[i], error))
        || !forget (state_dir, names[i], error))
      return false;
  return forget (state_dir, "hosts", error);
}

CredentialsMark
credentials_mark (const char *state_dir)
{
  g_autofree char *path = g_build_filename (state_dir, "refresh_token", NULL);
  struct stat about;

  if (stat (path, &about) != 0)
    return (CredentialsMark){ 0 };
  return (CredentialsMark){ about.st_dev, about.st_ino,
                            about.st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + about.st_mtim.tv_nsec };
}

bool
credentials_mark_equal (const CredentialsMark *one, const CredentialsMark *other)
{
  return one->device == other->device && one->inode == other->inode && one->written_ns == other->written_ns;
}

bool
credentials_tidy (char *text, const char *what, GError **error)
{
  g_strstrip (text);
  if (files_is_word (text))
    return true;
  if (*text == '\0')
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "The %s is empty.", what);
  else
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
                 "This is not a %s: it has blanks or other signs that one never has.", what);
  return false;
}

void
credentials_wipe (char *secret)
{
  if (secret == NULL)
    return;
  explicit_bzero (secret, strlen (secret));
  g_free (secret);
}

void
credentials_free (Credentials *credentials)
{
  if (credentials == NULL)
    return;
  credentials_wipe (credentials->client_secret);
  credentials_wipe (credentials->refresh_token);
  g_free (credentials->configured_url);
  g_free (credentials->accounts_url);
  g_free (credentials->api_url);
  g_free (credentials->state_dir);
  g_free (credentials);
}
