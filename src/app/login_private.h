/* Shared by the ways to sign in. */
#pragma once

#include "api/accounts.h"
#include "app/config.h"
#include "app/options.h"
#include "app/places.h"

/* One run of `zohofs login`. */
typedef struct
{
  const Options *options;
  const Places *places;
  const Config *config;
  Http *http;
  char *client_secret;
  char *scopes;
  char *accounts_url, *api_url; /* where this sign-in belongs: as configured, until login_follow() says otherwise */
} Login;

/* Goes on where Zoho says that the account is: @accounts_server, an address, or @location, the name of a data
 * centre; both may be NULL. Returns: false with @error when that is neither Zoho's nor configured; nothing may be
 * sent then. */
bool login_follow (Login *login, const char *accounts_server, const char *location, GError **error);

/* Exchanges @code; @redirect and @verifier are NULL where the code was got without. */
bool login_exchange (Login *login, const char *code, const char *redirect, const char *verifier, AccountsToken *token,
                     GError **error);

/* Keeps what was got. Returns: false with @error; nothing new counts then. */
bool login_keep (Login *login, const AccountsToken *token, GError **error);

/* The ways. Each ends with login_keep(). */
bool login_by_browser (Login *login, GError **error);
bool login_by_device (Login *login, GError **error);
bool login_by_code (Login *login, const char *code, GError **error);
