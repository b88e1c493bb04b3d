/* `zohofs login`: one of four ways to a refresh token, which is kept once Zoho has taken it. The ways differ in how
 * Zoho is told that the user agrees; where a sign-in belongs, what it is exchanged for and what is kept is the same
 * for all. */
#include "app/login.h"

#include "api/token_file.h"
#include "api/url.h"
#include "app/account.h"
#include "app/data_centers.h"
#include "app/keyring.h"
#include "app/login_private.h"
#include "app/scopes.h"
#include "app/secrets.h"
#include "base/error.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The token exchange goes over few connections, one after the other. */
#define CONNECTIONS 2

/* ---- where to ---------------------------------------------------------------------------------------------------- */

static void
go_to (Login *login, const char *accounts_url, const char *api_url)
{
  g_free (login->accounts_url);
  g_free (login->api_url);
  login->accounts_url = g_strdup (accounts_url);
  login->api_url = g_strdup (api_url);
}

static bool
go_to_data_center (Login *login, const char *name)
{
  g_autofree char *accounts_url = NULL, *api_url = NULL;

  if (!data_centers_find (name, login->config->environment, &accounts_url, &api_url))
    return false;
  go_to (login, accounts_url, api_url);
  return true;
}

static bool
go_to_server (Login *login, const char *url)
{
  const Config *config = login->config;
  g_autofree char *plain = g_str_has_suffix (url, "/") ? g_strndup (url, strlen (url) - 1) : g_strdup (url);

  if (g_str_equal (plain, config->accounts_url))
    go_to (login, config->accounts_url, config->api_url);
  else if (g_strcmp0 (plain, config->other_accounts_url) == 0)
    go_to (login, config->other_accounts_url, config->other_api_url);
  else
    return data_centers_name (plain) != NULL && go_to_data_center (login, data_centers_name (plain));
  return true;
}

static bool
go_to_location (Login *login, const char *location)
{
  const Config *config = login->config;

  if (g_strcmp0 (data_centers_name (config->accounts_url), location) == 0)
    go_to (login, config->accounts_url, config->api_url);
  else if (config->other_accounts_url != NULL)
    go_to (login, config->other_accounts_url, config->other_api_url);
  else
    return go_to_data_center (login, location);
  return true;
}

bool
login_follow (Login *login, const char *accounts_server, const char *location, GError **error)
{
  g_autofree char *shown = g_strescape (accounts_server != NULL ? accounts_server : location != NULL ? location : "", NULL);
  bool known = true;

  if (accounts_server != NULL)
    known = go_to_server (login, accounts_server);
  else if (location != NULL)
    known = go_to_location (login, location);
  if (!known)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED,
                   "The sign-in was to go on at \"%.100s\", which is neither a data centre of Zoho's nor configured; nothing "
                   "was sent there.", shown);
      return false;
    }
  if (!g_str_equal (login->accounts_url, login->config->accounts_url))
    printf ("Zoho keeps this account in another data centre than the configuration says: %s\n", login->accounts_url);
  return true;
}

/* ---- what for ---------------------------------------------------------------------------------------------------- */

static char *
form_of (const Login *login, const char *code, const char *redirect, const char *verifier)
{
  GString *form = g_string_new (NULL);

  url_add (form, "grant_type", "authorization_code");
  url_add (form, "client_id", login->config->client_id);
  url_add (form, "client_secret", login->client_secret);
  url_add (form, "redirect_uri", redirect);
  url_add (form, "code_verifier", verifier);
  url_add (form, "code", code);
  return g_string_free (form, FALSE);
}

bool
login_exchange (Login *login, const char *code, const char *redirect, const char *verifier, AccountsToken *token,
                GError **error)
{
  g_autofree char *url = g_strconcat (login->accounts_url, "/oauth/v2/token", NULL);
  char *form = form_of (login, code, redirect, verifier);
  int status;
  g_autoptr (json_t) body = accounts_ask (login->http, url, form, &status, error);
  const char *name = json_get_text (body, "error");
  RetryCause cause;

  credentials_wipe (form);
  if (body == NULL)
    return false;
  if (g_strcmp0 (name, "invalid_code") != 0)
    return accounts_read_token (body, status, token, &cause, error);
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT,
               "Zoho does not take this code: each works once, for a few minutes, and in its own data centre. Get a new one "
               "and sign in again (invalid_code).");
  return false;
}

/* The access token that came along is the first one of the mount. */
static bool
keep_access_token (const Login *login, const AccountsToken *token, GError **error)
{
  g_autofree char *path = places_token_path (login->places);
  g_autofree char *key
      = token_file_key (login->accounts_url, login->api_url, login->config->client_id, token->refresh_token);
  const Token kept = { token->access_token, token->expires_s, token->renew_s };

  return account_make_token_folder (path, error) && token_file_write (path, key, &kept, error);
}

bool
login_keep (Login *login, const AccountsToken *token, GError **error)
{
  bool elsewhere = !g_str_equal (login->accounts_url, login->config->accounts_url);
  Credentials credentials = {
    .client_secret = login->client_secret,
    .refresh_token = token->refresh_token,
    .configured_url = elsewhere ? login->config->accounts_url : NULL,
    .accounts_url = elsewhere ? login->accounts_url : NULL,
    .api_url = elsewhere ? login->api_url : NULL,
  };

  if (token->refresh_token == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT,
                   "Zoho gave an access token for an hour, but no refresh token to go on with; sign in again.");
      return false;
    }
  return accounts_check_domain (token->api_domain, login->api_url, error) && keep_access_token (login, token, error)
         && credentials_save (&credentials, login->places->state_dir, login->options->keyring, error);
}

/* ---- the ways ---------------------------------------------------------------------------------------------------- */

bool
login_by_code (Login *login, const char *code, GError **error)
{
  g_auto (AccountsToken) token = { NULL };

  return login_exchange (login, code, NULL, NULL, &token, error) && login_keep (login, &token, error);
}

static bool
by_self_client (Login *login, GError **error)
{
  char *code = login->options->self_client_code != NULL
                   ? g_strdup (login->options->self_client_code)
                   : secrets_from_input ("code", "Code of the self client: ", error);
  bool good = code != NULL && credentials_tidy (code, "code", error) && login_by_code (login, code, error);

  credentials_wipe (code);
  return good;
}

/* A refresh token that was made elsewhere proves itself by an access token. */
static bool
by_refresh_token (Login *login, char *refresh_token, GError **error)
{
  Credentials credentials = { .client_secret = login->client_secret, .refresh_token = refresh_token };
  g_autofree char *token_path = places_token_path (login->places);
  g_autoptr (Client) client = account_open (login->config, &credentials, NULL, error);

  return client != NULL && account_check (client, login->config, error)
         && credentials_save (&credentials, login->places->state_dir, login->options->keyring, error)
         && account_forget_token (token_path, error);
}

static char *
read_client_secret (const Login *login, GError **error)
{
  char *kept = NULL;

  if (login->options->client_secret_file != NULL)
    return secrets_from_file (login->options->client_secret_file, "client secret", error);
  if (!credentials_load_secret (login->places->state_dir, &kept, error))
    return NULL;
  return secrets_client_secret (kept, error);
}

static void
show_scopes (const Login *login)
{
  const ScopesWanted wanted = { login->options->login_read_only, login->options->login_modules };
  g_autofree char *words = scopes_words (&wanted);

  printf ("zohofs asks Zoho for these permissions, and no others:\n\n%s\n", words);
  fflush (stdout);
}

/* What standard input holds comes before the client secret is asked for, since both may come from there. */
static bool
run (Login *login, GError **error)
{
  bool by_token = login->options->login_way == LOGIN_BY_REFRESH_TOKEN;
  char *refresh_token = NULL;
  bool good = false;

  if (by_token && (refresh_token = secrets_from_input ("refresh token", "Refresh token: ", error)) == NULL)
    return false;
  if (login->options->login_way == LOGIN_BY_BROWSER || login->options->login_way == LOGIN_BY_DEVICE)
    show_scopes (login);
  login->client_secret = read_client_secret (login, error);
  if (login->client_secret != NULL)
    switch (login->options->login_way)
      {
      case LOGIN_BY_BROWSER:
        good = login_by_browser (login, error);
        break;
      case LOGIN_BY_DEVICE:
        good = login_by_device (login, error);
        break;
      case LOGIN_BY_SELF_CLIENT:
        good = by_self_client (login, error);
        break;
      case LOGIN_BY_REFRESH_TOKEN:
        good = by_refresh_token (login, refresh_token, error);
        break;
      }
  credentials_wipe (refresh_token);
  return good;
}

static void
login_clear (Login *login)
{
  http_free (login->http);
  credentials_wipe (login->client_secret);
  g_free (login->scopes);
  g_free (login->accounts_url);
  g_free (login->api_url);
}

bool
login_run (const Options *options, GError **error)
{
  const ScopesWanted wanted = { options->login_read_only, options->login_modules };
  g_autoptr (Places) places = places_new (options);
  g_autoptr (Config) config = NULL;
  Login login = { .options = options, .places = places, .scopes = scopes_text (&wanted) };
  bool good;

  if (options->show_scopes)
    {
      printf ("%s\n", login.scopes);
      login_clear (&login);
      return true;
    }
  signal (SIGPIPE, SIG_IGN); /* of a keyring's helper that ends early */
  config = config_load (places->config_file, error);
  login.config = config;
  good = config != NULL && (!options->keyring || keyring_is_there (error))
         && (login.http = http_new (CONNECTIONS, NULL, NULL, error)) != NULL;
  if (good)
    go_to (&login, config->accounts_url, config->api_url);
  good = good && run (&login, error);
  if (good)
    printf ("Signed in: profile %s at %s.\n", options->profile, login.api_url);
  login_clear (&login);
  return good;
}
