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

/* ---- the next sign-in -------------------------------------------------------------------------------------------- */

/* Used by one thread. */
typedef struct
{
  char *state_dir;
  char *accounts_url; /* NULL: as configured */
  CredentialsMark mark;
} Watch;

static Watch *
watch_new (const Credentials *credentials)
{
  Watch *watch = g_new0 (Watch, 1);

  watch->state_dir = g_strdup (credentials->state_dir);
  watch->accounts_url = g_strdup (credentials->accounts_url);
  watch->mark = credentials->mark;
  return watch;
}

static void
watch_free (void *data)
{
  Watch *watch = data;

  g_free (watch->state_dir);
  g_free (watch->accounts_url);
  g_free (watch);
}

/* A file that cannot be read is not tried again until it changes. */
static bool
take_renewed (void *data, char **client_secret, char **refresh_token)
{
  Watch *watch = data;
  CredentialsMark mark = credentials_mark (watch->state_dir);
  g_autoptr (Credentials) credentials = NULL;
  g_autoptr (GError) error = NULL;

  if (mark.inode == 0 || credentials_mark_equal (&mark, &watch->mark))
    return false;
  watch->mark = mark;
  credentials = credentials_load (watch->state_dir, "", &error);
  if (credentials == NULL)
    {
      g_message ("There is a new sign-in that cannot be used: %s", error->message);
      return false;
    }
  if (g_strcmp0 (credentials->accounts_url, watch->accounts_url) != 0)
    {
      g_message ("There is a new sign-in, but in another data centre; unmount and mount again");
      return false;
    }
  *client_secret = g_steal_pointer (&credentials->client_secret);
  *refresh_token = g_steal_pointer (&credentials->refresh_token);
  return true;
}

/* ---- the client -------------------------------------------------------------------------------------------------- */

static char *
replaced (char *old, const char *text)
{
  g_free (old);
  return g_strdup (text);
}

bool
account_make_token_folder (const char *token_path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (token_path);

  if (g_mkdir_with_parents (folder, 0700) == 0)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The cache folder %s cannot be made: %s.", folder,
               g_strerror (errno));
  return false;
}

bool
account_forget_token (const char *token_path, GError **error)
{
  if (g_unlink (token_path) == 0 || errno == ENOENT || errno == ENOTDIR)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The old access token %s cannot be removed: %s.", token_path,
               g_strerror (errno));
  return false;
}

void
account_follow (Config *config, const Credentials *credentials)
{
  if (g_strcmp0 (credentials->configured_url, config->accounts_url) != 0)
    return;
  config->accounts_url = replaced (config->accounts_url, credentials->accounts_url);
  config->api_url = replaced (config->api_url, credentials->api_url);
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

  if (token_path != NULL && !account_make_token_folder (token_path, error))
    return NULL;
  if (credentials->state_dir != NULL)
    {
      client_config.renew = take_renewed;
      client_config.renew_data = watch_new (credentials);
      client_config.renew_free = watch_free;
    }
  return client_new (&client_config, error);
}

bool
account_check (Client *client, const Config *config, GError **error)
{
  return client_check_sign_in (client, MIN (config->deadline_us, CHECK_MAX_US), error);
}
