/* Asking for secrets: from a terminal without echo, from standard input, from a file; never from the command line. */
#pragma once

#include "app/credentials.h"

/* Each returns one word to credentials_wipe(), or NULL with one clear line in @error. */

/* A file that nobody else can read. */
char *secrets_from_file (const char *path, const char *what, GError **error);

/* Standard input up to its end, or a line when that is a terminal. @question ends with ": ". */
char *secrets_from_input (const char *what, const char *question, GError **error);

/* The terminal. An empty answer keeps @kept, which is taken over; without a terminal @kept must do, and where it is
 * NULL, @error says that there is none to ask for the client secret. */
char *secrets_client_secret (char *kept, GError **error);
