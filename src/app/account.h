/* The client of a profile, from its configuration and its secrets. */
#pragma once

#include "api/client.h"
#include "app/config.h"
#include "app/credentials.h"

/* Puts the addresses that Zoho sent this sign-in on to into @config, if @config is still the one it was sent on
 * from. */
void account_follow (Config *config, const Credentials *credentials);

/* A client with these credentials, and with those of a new sign-in once there is one where they were loaded from.
 * @token_path: file of the access token, whose folder is made when missing; NULL: the token stays in memory.
 * Returns: NULL with @error. */
Client *account_open (const Config *config, const Credentials *credentials, const char *token_path, GError **error);

/* For the file of the access token: the folder it is in is made when missing; the file is removed if it is there. */
bool account_make_token_folder (const char *token_path, GError **error);
bool account_forget_token (const char *token_path, GError **error);

/* Proves that the sign-in works. @error is one clear line. */
bool account_check (Client *client, const Config *config, GError **error);
