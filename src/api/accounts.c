/* The accounts server: one form goes out, one answer comes back. Success is having a token: its errors come with
 * HTTP 200, too. */
#include "api/accounts.h"

#include "api/token_file.h"
#include "api/url.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <string.h>
#include <strings.h>

#define EARLY_S 300
#define LIFE_S 3600
#define LIFE_MAX_S 86400
#define BODY_MAX 65536
#define DEADLINE_US (30 * CLOCK_SECOND_US)

typedef struct
{
  const char *error;
  const char *words;
} Refusal;

/* clang-format off */
static const Refusal refusals[] = {
  { "invalid_code",          "Zoho no longer takes the saved sign-in: it was revoked, or newer sign-ins replaced it. Run `zohofs login`" },
  { "invalid_grant",         "Zoho no longer takes the saved sign-in: it was revoked, or newer sign-ins replaced it. Run `zohofs login`" },
  { "invalid_client_secret", "Zoho does not take the client secret. Copy it from the API console again and run `zohofs login`" },
  { "invalid_client",        "Zoho does not know this client id in this data centre. Check client_id and data_center, then run `zohofs login`" },
  { "invalid_scope",         "Zoho does not know a permission (scope) of the saved sign-in. Run `zohofs login`" },
  { "invalid_redirect_uri",  "Zoho does not take the redirect address of this client. Check it in the API console and run `zohofs login`" },
  { "unauthorized_client",   "Zoho does not let this client sign in this way. Check its type in the API console and run `zohofs login`" },
};
/* clang-format on */

typedef struct
{
  HttpRequest request; /* first */
  pthread_mutex_t lock;
  pthread_cond_t news;
  bool landed;
} Question;

static void
landed (HttpRequest *request)
{
  Question *question = (Question *)request;
  LOCKED (&question->lock);

  question->landed = true;
  pthread_cond_signal (&question->news);
}

static void
wait_landed (Question *question)
{
  LOCKED (&question->lock);

  while (!question->landed)
    pthread_cond_wait (&question->news, &question->lock);
}

/* "https://www.zohoapis.eu" is what "https://sandbox.zohoapis.eu" belongs to. */
static bool
is_production_of (const char *theirs, const char *ours)
{
  const char *dot = strchr (ours, '.');

  return (g_str_has_prefix (ours, "sandbox.") || g_str_has_prefix (ours, "developer."))
         && g_str_has_prefix (theirs, "www.") && strcmp (theirs + strlen ("www"), dot) == 0;
}

bool
accounts_read_token (const json_t *body, int status, AccountsToken *token, RetryCause *cause, GError **error)
{
  const char *text = json_get_text (body, "access_token"), *refresh = json_get_text (body, "refresh_token");
  const json_t *life = json_object_get (body, "expires_in");
  int64_t life_s = json_is_integer (life) ? CLAMP (json_integer_value (life), 1, LIFE_MAX_S) : LIFE_S;

  if (!token_is_good (text))
    {
      accounts_refuse (body, status, cause, error);
      return false;
    }
  *cause = RETRY_BROKEN;
  token->access_token = g_strdup (text);
  token->refresh_token = token_is_good (refresh) ? g_strdup (refresh) : NULL;
  token->api_domain = g_strdup (json_get_text (body, "api_domain"));
  token->expires_s = clock_wall_s () + life_s;
  token->renew_s = token->expires_s - MIN (EARLY_S, life_s / 4);
  return true;
}

void
accounts_token_clear (AccountsToken *token)
{
  if (token->access_token != NULL)
    explicit_bzero (token->access_token, strlen (token->access_token));
  if (token->refresh_token != NULL)
    explicit_bzero (token->refresh_token, strlen (token->refresh_token));
  g_clear_pointer (&token->access_token, g_free);
  g_clear_pointer (&token->refresh_token, g_free);
  g_clear_pointer (&token->api_domain, g_free);
}

void
accounts_refuse (const json_t *body, int status, RetryCause *cause, GError **error)
{
  const char *name = json_get_text (body, "error");
  const char *words = json_get_text (body, "error_description");

  *cause = RETRY_BROKEN;
  if (status == 429 || (name != NULL && strcasecmp (name, "Access Denied") == 0)
      || (words != NULL && strstr (words, "too many requests") != NULL))
    {
      *cause = RETRY_BUSY;
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SPENT,
                   "Zoho hands out no access token for a while, since too many were asked for; wait some minutes");
      return;
    }
  for (size_t i = 0; name != NULL && i < G_N_ELEMENTS (refusals); i++)
    if (strcmp (name, refusals[i].error) == 0)
      {
        g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT, "%s (%s)", refusals[i].words, name);
        return;
      }
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
               "The accounts server gives no access token (HTTP %d, %.64s); check data_center and accounts_url", status,
               name != NULL ? name : "no reason given");
}

bool
accounts_check_domain (const char *api_domain, const char *api_url, GError **error)
{
  g_autofree char *theirs = api_domain != NULL ? url_host (api_domain) : NULL;
  g_autofree char *ours = url_host (api_url);

  if (theirs == NULL || ours == NULL || strcmp (theirs, ours) == 0 || is_production_of (theirs, ours)
      || (url_host_is_loopback (theirs) && url_host_is_loopback (ours)))
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT,
               "This sign-in belongs to the data centre of %.100s, but the configuration says %s; set data_center "
               "(or environment, or api_url) accordingly and run `zohofs login`",
               theirs, ours);
  return false;
}

json_t *
accounts_ask (Http *http, const char *url, const char *form, int *status, GError **error)
{
  const char *headers[] = { "Content-Type: application/x-www-form-urlencoded", "Accept: application/json", NULL };
  Question question = {
    .request = { .method = "POST", .url = (char *)url, .headers = (char **)headers, .body = (char *)form,
                 .body_max = BODY_MAX, .done = landed, .deadline_us = clock_now_us () + DEADLINE_US },
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .news = PTHREAD_COND_INITIALIZER,
  };
  HttpRequest *request = &question.request;
  json_t *body = NULL;

  http_reset (request);
  http_send (http, request);
  wait_landed (&question);
  *status = request->answer.status;
  if (request->error != NULL)
    g_propagate_error (error, g_steal_pointer (&request->error));
  else if ((body = json_parse ((const char *)request->answer.body->data, request->answer.body->len, NULL)) == NULL)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
                 "The accounts server does not answer as Zoho's does (HTTP %d); check data_center and accounts_url",
                 *status);
  http_reset (request);
  pthread_cond_destroy (&question.news);
  pthread_mutex_destroy (&question.lock);
  return body;
}
