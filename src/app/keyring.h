/* Secrets in the desktop's keyring, by way of libsecret, where there is one and a desktop session runs.
 *
 * libsecret has threads and a D-Bus connection, neither of which outlives the fork of a daemon: a process of its
 * own, this program started with a hidden command, does each question and ends. */
#pragma once

#include "app/options.h"

/* Can secrets be kept there? Else @error says why not. */
bool keyring_is_there (GError **error);

/* The secret @name ("refresh_token") of the profile whose state is in @folder. Each blocks, for as long as it takes to
 * unlock the keyring by hand. */
bool keyring_store (const char *folder, const char *name, const char *secret, GError **error);
char *keyring_load (const char *folder, const char *name, GError **error); /* to credentials_wipe() */
bool keyring_clear (const char *folder, const char *name, GError **error);

/* The hidden command. Returns: its exit status. */
int keyring_serve (const char *verb, const char *folder, const char *name);
