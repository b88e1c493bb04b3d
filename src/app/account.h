/* The client of a profile, from its configuration and its secrets. */
#pragma once

#include "api/client.h"
#include "app/config.h"
#include "app/credentials.h"

/* @token_path: file of the access token, whose folder is made when missing; NULL: the token stays in memory.
 * Returns: NULL with @error. */
Client *account_open (const Config *config, const Credentials *credentials, const char *token_path, GError **error);

/* Proves that the sign-in works. @error is one clear line. */
bool account_check (Client *client, const Config *config, GError **error);
