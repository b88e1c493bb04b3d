/* `zohofs logout`: Zoho is told first, since a token that was only deleted here would stay good for whoever has a
 * copy. */
#include "app/logout_command.h"

#include "api/accounts.h"
#include "api/url.h"
#include "app/account.h"
#include "app/places.h"
#include "base/error.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The documented form: the token is part of the address, which TLS hides like all else. */
static bool
ask_to_revoke (const Config *config, const Credentials *credentials, GError **error)
{
  g_autoptr (Http) http = NULL;
  GString *url = g_string_new (config->accounts_url);
  g_autoptr (json_t) body = NULL;
  const char *name;
  int status;

  g_string_append (url, "/oauth/v2/token/revoke?");
  {
    g_autofree char *token = url_encode (credentials->refresh_token);

    g_string_append_printf (url, "token=%s", token);
  }
  if (url_check_base (config->accounts_url, error) && (http = http_new (1, NULL, NULL, error)) != NULL)
    body = accounts_ask (http, url->str, "", &status, error);
  credentials_wipe (g_string_free (url, FALSE));
  if (body == NULL)
    return false;
  name = json_get_text (body, "error");
  if (g_strcmp0 (json_get_text (body, "status"), "success") == 0 || g_strcmp0 (name, "invalid_code") == 0
      || g_strcmp0 (name, "invalid_token") == 0) /* one that is dead already */
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho answers with HTTP %d, %.64s", status,
               name != NULL ? name : "no reason given");
  return false;
}

static bool
revoke_sign_in (const Options *options, const Places *places, GError **error)
{
  g_autoptr (Config) config = config_load (places->config_file, error);
  g_autoptr (GError) cause = NULL;
  g_autoptr (Credentials) credentials
      = config != NULL ? credentials_load (places->state_dir, options->profile, &cause) : NULL;

  if (config == NULL)
    return false;
  if (g_error_matches (cause, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT))
    return true;
  if (credentials == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return false;
    }
  account_follow (config, credentials);
  if (ask_to_revoke (config, credentials, &cause))
    return true;
  g_set_error (error, ZOHO_ERROR, cause->code,
               "The sign-in could not be revoked, so nothing was removed: %s. Try again, or remove it here alone with "
               "`zohofs logout %s --force`.", cause->message, options->profile);
  return false;
}

bool
logout_command_run (const Options *options, GError **error)
{
  g_autoptr (Places) places = places_new (options);
  g_autofree char *token_path = places_token_path (places);

  signal (SIGPIPE, SIG_IGN); /* of a keyring's helper that ends early */
  if (!options->force && !revoke_sign_in (options, places, error))
    return false;
  if (!credentials_forget (places->state_dir, error) || !account_forget_token (token_path, error))
    return false;
  printf ("Signed out: profile %s.%s\n", options->profile,
          options->force ? " Zoho was not told; the sign-in can be revoked at Zoho, below Connected Apps." : "");
  return true;
}
