/* The secrets of a profile: what makes up its sign-in. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define CREDENTIALS_MAX 4096

/* Tells one sign-in's file from the next one's. */
typedef struct
{
  uint64_t device, inode;
  int64_t written_ns;
} CredentialsMark;

typedef struct
{
  char *client_secret;
  char *refresh_token;

  /* Where Zoho sent this sign-in on to; all NULL: it belongs where the configuration says. */
  char *configured_url; /* the accounts_url that the configuration had then */
  char *accounts_url, *api_url;

  char *state_dir; /* where they were loaded from; NULL: they were not */
  CredentialsMark mark;
} Credentials;

/* Reads them from @state_dir, and from the keyring where that is said there; files that others may read are refused.
 * Returns: NULL with one clear line in @error, which tells how to sign in as @profile. */
Credentials *credentials_load (const char *state_dir, const char *profile, GError **error);

/* The client secret alone, to credentials_wipe(); stays NULL, and no error, when there is none yet. */
bool credentials_load_secret (const char *state_dir, char **client_secret, GError **error);

/* Keeps them in @state_dir, 0600 in a 0700 folder, or with @keyring in the desktop's keyring. */
bool credentials_save (const Credentials *credentials, const char *state_dir, bool keyring, GError **error);

/* Removes them all, wherever they are. What is not there is no error. */
bool credentials_forget (const char *state_dir, GError **error);

/* Of what is in @state_dir now; all 0: nothing. */
CredentialsMark credentials_mark (const char *state_dir);
bool credentials_mark_equal (const CredentialsMark *one, const CredentialsMark *other);

/* Checks @text as what a person or a file gave for @what ("refresh token"): one word, bounded; blanks around it go. */
bool credentials_tidy (char *text, const char *what, GError **error);

/* Overwrites and frees. NULL is fine. */
void credentials_wipe (char *secret);
void credentials_free (Credentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Credentials, credentials_free)
