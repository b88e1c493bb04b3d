/* The secrets of a profile: what makes up its sign-in. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define CREDENTIALS_MAX 4096

typedef struct
{
  char *client_secret;
  char *refresh_token;
} Credentials;

/* Reads both from @state_dir; files that others may read are refused.
 * Returns: NULL with one clear line in @error, which tells how to sign in as @profile. */
Credentials *credentials_load (const char *state_dir, const char *profile, GError **error);

/* The client secret alone, to credentials_wipe(); stays NULL, and no error, when there is none yet. */
bool credentials_load_secret (const char *state_dir, char **client_secret, GError **error);

/* Keeps both in @state_dir, 0600 in a 0700 folder. */
bool credentials_save (const Credentials *credentials, const char *state_dir, GError **error);

/* Checks @text as what a person or a file gave for @what ("refresh token"): one word, bounded; blanks around it go. */
bool credentials_tidy (char *text, const char *what, GError **error);

/* Overwrites and frees. NULL is fine. */
void credentials_wipe (char *secret);
void credentials_free (Credentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Credentials, credentials_free)
