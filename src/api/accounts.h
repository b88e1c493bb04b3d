/* The accounts server: a form goes out, and what comes back is a token, or a refusal in words. */
#pragma once

#include "api/http.h"
#include "api/retry.h"
#include "base/json.h"

typedef struct
{
  char *access_token;
  char *refresh_token; /* NULL: none came */
  char *api_domain;    /* NULL: not told */
  int64_t expires_s;   /* clock_wall_s() */
  int64_t renew_s;     /* from then on a new one should be asked for */
} AccountsToken;

/* Reads an answer that should be a token. Returns: false with @error, as accounts_refuse() sets it. */
bool accounts_read_token (const json_t *body, int status, AccountsToken *token, RetryCause *cause, GError **error);

void accounts_token_clear (AccountsToken *token);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AccountsToken, accounts_token_clear)

/* What to make of an answer without a token, {"error":...}, which comes with HTTP 200 as well: SPENT when too many were
 * asked for (@cause is RETRY_BUSY then), SIGNED_OUT when asking again is of no use, else FAILED. */
void accounts_refuse (const json_t *body, int status, RetryCause *cause, GError **error);

/* A token is for the data centre it names; elsewhere it would only be refused. An answer that names the production host
 * is taken for a sandbox of the same data centre, too. */
bool accounts_check_domain (const char *api_domain, const char *api_url, GError **error);

/* POSTs @form to @url, a place that may be told secrets (url_check_base() for its host), and waits for the answer.
 * Returns: the body, to json_decref(), with @status; NULL with @error when there is none or it is not JSON. */
json_t *accounts_ask (Http *http, const char *url, const char *form, int *status, GError **error);
