/* The secrets of a profile on disk: one file each, ours alone, and gone from memory when no longer needed. */
#include "app/credentials.h"

#include "app/files.h"
#include "base/error.h"

#include <string.h>

static bool
read_secret (const char *state_dir, const char *name, const char *what, char **secret, GError **error)
{
  g_autofree char *path = g_build_filename (state_dir, name, NULL);
  size_t size;

  *secret = files_read (path, CREDENTIALS_MAX, true, &size, error);
  if (*secret == NULL)
    return false;
  if (strlen (*secret) == size && credentials_tidy (*secret, what, NULL))
    return true;
  credentials_wipe (g_steal_pointer (secret));
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "%s does not hold a %s; run `zohofs login` again.", path, what);
  return false;
}

static bool
write_secret (const char *state_dir, const char *name, const char *secret, GError **error)
{
  g_autofree char *path = g_build_filename (state_dir, name, NULL);
  g_autofree char *text = g_strconcat (secret, "\n", NULL);
  bool written = files_write_secret (path, text, error);

  explicit_bzero (text, strlen (text));
  return written;
}

Credentials *
credentials_load (const char *state_dir, const char *profile, GError **error)
{
  g_autoptr (Credentials) credentials = g_new0 (Credentials, 1);
  g_autoptr (GError) cause = NULL;

  if (read_secret (state_dir, "client_secret", "client secret", &credentials->client_secret, &cause)
      && read_secret (state_dir, "refresh_token", "refresh token", &credentials->refresh_token, &cause))
    return g_steal_pointer (&credentials);
  if (g_error_matches (cause, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT,
                 "The profile %s is not signed in (nothing in %s); run `zohofs login %s --refresh-token -`.", profile,
                 state_dir, profile);
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

/* The secret first: a refresh token that is there has its secret. */
bool
credentials_save (const Credentials *credentials, const char *state_dir, GError **error)
{
  return write_secret (state_dir, "client_secret", credentials->client_secret, error)
         && write_secret (state_dir, "refresh_token", credentials->refresh_token, error);
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
  g_free (credentials);
}
