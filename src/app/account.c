/* Turns what the user configured into a client, and asks for the token once, so that a dead sign-in or a wrong data
 * centre is said on the terminal and not found out later in the tree. */
#include "app/account.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <glib/gstdio.h>

/* A record's single GET may hold 50 rich texts of 50,000 characters and its subform rows. */
#define BODY_MAX ((size_t) 64 << 20)
#define CHECK_MAX_US (30 * CLOCK_SECOND_US)

static bool
make_token_folder (const char *token_path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (token_path);

  if (g_mkdir_with_parents (folder, 0700) == 0)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The cache folder %s cannot be made: %s.", folder,
               g_strerror (errno));
  return false;
}

Client *
account_open (const Config *config, const Credentials *credentials, const char *token_path, GError **error)
{
  ClientConfig client_config = {
    .api_url = config->api_url,
    .accounts_url = config->accounts_url,
    .client_id = config->client_id,
    .client_secret = credentials->client_secret,
    .refresh_token = credentials->refresh_token,
    .token_path = token_path,
    .concurrency = config->concurrency,
    .heavy_concurrency = config->heavy_concurrency,
    .daily_credits = config->daily_credits,
    .deadline_us = config->deadline_us,
    .body_max = BODY_MAX,
  };

  if (token_path != NULL && !make_token_folder (token_path, error))
    return NULL;
  return client_new (&client_config, error);
}

bool
account_check (Client *client, const Config *config, GError **error)
{
  return client_check_sign_in (client, MIN (config->deadline_us, CHECK_MAX_US), error);
}
