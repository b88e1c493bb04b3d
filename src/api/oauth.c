/* The access token.
 *
 *   state      @token   @wanted   leaves when
 *   NONE       NULL     false     somebody asks                       -> FETCHING
 *   FETCHING   NULL     true      Zoho or the file gives one          -> GOOD; it fails -> HELD
 *   GOOD       set      false     it is about to end                  -> RENEWING; a 401 -> FETCHING
 *   RENEWING   set      true      a new one comes, or that fails      -> GOOD; the old one ends -> FETCHING
 *   HELD       NULL     false     @held_until_us                      -> NONE  */
#include "api/oauth.h"

#include "api/client.h"
#include "api/retry.h"
#include "api/token_file.h"
#include "api/url.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define EARLY_S 300
#define LIFE_S 3600
#define LIFE_MAX_S 86400
#define CALL_DEADLINE_US (20 * CLOCK_SECOND_US)
#define REFRESH_DEADLINE_US (40 * CLOCK_SECOND_US)
#define LOCK_DEADLINE_US (30 * CLOCK_SECOND_US)
#define LOCK_LOOK_US (CLOCK_SECOND_US / 20)
#define BODY_MAX 65536

/* How long a failure is told to those who ask, before the next try: a refused sign-in does not heal by asking, and Zoho
 * mints ten tokens in ten minutes. */
#define HOLD_SIGNED_OUT_US (300 * CLOCK_SECOND_US)
#define HOLD_BUSY_US (30 * CLOCK_SECOND_US)
#define HOLD_US (2 * CLOCK_SECOND_US)

struct Oauth
{
  char *accounts_url, *api_url, *client_id, *client_secret, *refresh_token, *token_path;
  char *key; /* of the token file */
  Http *http;
  OauthNews news;
  void *data;
  pthread_t thread;

  pthread_mutex_t lock;   /* guards all below; never held across the network or files */
  pthread_cond_t changed; /* anything below */
  bool wanted, ending, landed;
  Token token;         /* text NULL: none */
  uint64_t generation; /* of @token, counted from 1 */
  char *rejected;      /* a token that Zoho did not take: not to be had from the file again */
  GError *trouble;     /* of the last try; NULL after one that worked */
  int64_t held_until_us;
  uint64_t calls;
};

typedef struct
{
  const char *error; /* a prefix of what Zoho says */
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

/* Lock held. */
static void
want (Oauth *oauth)
{
  oauth->wanted = true;
  pthread_cond_broadcast (&oauth->changed);
}

/* Waits for a change, at most @wait_us of real time. Lock held. */
static void
wait_change (Oauth *oauth, int64_t wait_us)
{
  struct timespec until;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += wait_us / CLOCK_SECOND_US;
  until.tv_nsec += wait_us % CLOCK_SECOND_US * 1000;
  if (until.tv_nsec >= 1000000000)
    {
      until.tv_sec++;
      until.tv_nsec -= 1000000000;
    }
  pthread_cond_timedwait (&oauth->changed, &oauth->lock, &until);
}

/* Sleeps unless it all ends. */
static void
pause_us (Oauth *oauth, int64_t wait_us)
{
  int64_t until_us = clock_now_us () + wait_us;
  LOCKED (&oauth->lock);

  while (!oauth->ending && clock_now_us () < until_us)
    wait_change (oauth, until_us - clock_now_us ());
}

static bool
is_ending (Oauth *oauth)
{
  LOCKED (&oauth->lock);

  return oauth->ending;
}

/* Returns: the lock file's descriptor, or -1. Without it we go on all the same: a second token is better than none. */
static int
lock_file (Oauth *oauth)
{
  int64_t deadline_us = clock_now_us () + LOCK_DEADLINE_US;
  bool busy;
  int fd;

  if (oauth->token_path == NULL)
    return -1;
  while ((fd = token_file_lock (oauth->token_path, &busy)) < 0 && busy && clock_now_us () < deadline_us
         && !is_ending (oauth))
    pause_us (oauth, LOCK_LOOK_US);
  return fd;
}

static void
adopt (Oauth *oauth, const Token *token)
{
  LOCKED (&oauth->lock);

  if (g_strcmp0 (oauth->token.text, token->text) != 0)
    oauth->generation++;
  g_free (oauth->token.text);
  oauth->token = *token;
  g_clear_error (&oauth->trouble);
  oauth->held_until_us = 0;
}

/* Another process may have been faster. */
static bool
adopt_from_file (Oauth *oauth)
{
  Token token = { NULL };
  bool good;

  if (oauth->token_path == NULL || !token_file_read (oauth->token_path, oauth->key, &token))
    return false;
  {
    LOCKED (&oauth->lock);
    good = clock_wall_s () < token.renew_s && g_strcmp0 (token.text, oauth->rejected) != 0;
  }
  if (good)
    adopt (oauth, &token);
  else
    g_free (token.text);
  return good;
}

static void
save_to_file (Oauth *oauth, const Token *token)
{
  g_autoptr (GError) error = NULL;

  if (oauth->token_path != NULL && !token_file_write (oauth->token_path, oauth->key, token, &error))
    g_message ("%s", error->message);
}

typedef struct
{
  HttpRequest request; /* first */
  Oauth *oauth;
} TokenCall;

static void
call_landed (HttpRequest *request)
{
  Oauth *oauth = ((TokenCall *)request)->oauth;
  LOCKED (&oauth->lock);

  oauth->landed = true;
  pthread_cond_broadcast (&oauth->changed);
}

static char *
form_of (Oauth *oauth)
{
  g_autofree char *id = url_encode (oauth->client_id);
  g_autofree char *secret = url_encode (oauth->client_secret);
  g_autofree char *refresh = url_encode (oauth->refresh_token);

  return g_strdup_printf ("grant_type=refresh_token&refresh_token=%s&client_id=%s&client_secret=%s", refresh, id,
                          secret);
}

/* Asks Zoho, and waits for the answer. */
static void
call_zoho (Oauth *oauth, HttpRequest *request)
{
  request->done = call_landed;
  request->deadline_us = clock_now_us () + CALL_DEADLINE_US;
  http_reset (request);
  {
    LOCKED (&oauth->lock);
    oauth->landed = false;
    oauth->calls++;
  }
  http_send (oauth->http, request);
  {
    LOCKED (&oauth->lock);
    while (!oauth->landed)
      pthread_cond_wait (&oauth->changed, &oauth->lock);
  }
}

/* What to make of {"error":...}, which comes with HTTP 200 as well. */
static void
set_refusal (const json_t *body, int status, RetryCause *cause, GError **error)
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

/* The token is for the data centre it names; elsewhere it would only be refused. */
static bool
check_domain (Oauth *oauth, const json_t *body, GError **error)
{
  const char *domain = json_get_text (body, "api_domain");
  g_autofree char *theirs = domain != NULL ? url_host (domain) : NULL;
  g_autofree char *ours = url_host (oauth->api_url);

  if (theirs == NULL || ours == NULL || strcmp (theirs, ours) == 0
      || (url_host_is_loopback (theirs) && url_host_is_loopback (ours)))
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT,
               "This sign-in belongs to the data centre of %.100s, but the configuration says %s; set data_center "
               "(or api_url) accordingly and run `zohofs login`",
               theirs, ours);
  return false;
}

/* Fills @token from a token answer. */
static bool
read_token (Oauth *oauth, const HttpAnswer *answer, Token *token, RetryCause *cause, GError **error)
{
  g_autoptr (json_t) body = json_parse ((const char *)answer->body->data, answer->body->len, NULL);
  const char *text = json_get_text (body, "access_token");
  const json_t *life = json_object_get (body, "expires_in");
  int64_t life_s = json_is_integer (life) ? CLAMP (json_integer_value (life), 1, LIFE_MAX_S) : LIFE_S;

  if (!token_is_good (text))
    {
      set_refusal (body, answer->status, cause, error);
      return false;
    }
  *cause = RETRY_BROKEN;
  if (!check_domain (oauth, body, error))
    return false;
  token->text = g_strdup (text);
  token->expires_s = clock_wall_s () + life_s;
  token->renew_s = token->expires_s - MIN (EARLY_S, life_s / 4);
  return true;
}

/* One try. @cause is set with @error. */
static bool
fetch_once (Oauth *oauth, HttpRequest *request, RetryCause *cause, GError **error)
{
  Token token = { NULL };
  int fd = lock_file (oauth);
  bool good = adopt_from_file (oauth);

  if (!good)
    {
      call_zoho (oauth, request);
      if (request->error != NULL)
        {
          *cause = RETRY_LOST;
          g_propagate_error (error, g_steal_pointer (&request->error));
        }
      else if (read_token (oauth, &request->answer, &token, cause, error))
        {
          good = true;
          save_to_file (oauth, &token);
          adopt (oauth, &token);
        }
    }
  if (fd >= 0)
    close (fd);
  return good;
}

static bool
may_heal (const GError *error)
{
  return g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_UNREACHABLE)
         || g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT)
         || g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_FAILED)
         || g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_SPENT);
}

static void
set_trouble (Oauth *oauth, const GError *error)
{
  LOCKED (&oauth->lock);

  g_clear_error (&oauth->trouble);
  oauth->trouble = g_error_copy (error);
  pthread_cond_broadcast (&oauth->changed);
}

/* Tells @trouble to those who ask, for a while. Lock held. */
static void
hold (Oauth *oauth)
{
  int64_t hold_us = HOLD_US;

  if (g_error_matches (oauth->trouble, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT))
    hold_us = HOLD_SIGNED_OUT_US;
  else if (g_error_matches (oauth->trouble, ZOHO_ERROR, ZOHO_ERROR_SPENT))
    hold_us = HOLD_BUSY_US;
  oauth->held_until_us = clock_now_us () + hold_us;
}

/* Tries until there is a token or no use in going on. */
static void
fetch (Oauth *oauth)
{
  const char *headers[] = { "Content-Type: application/x-www-form-urlencoded", "Accept: application/json", NULL };
  TokenCall call = { .oauth = oauth };
  HttpRequest *request = &call.request;
  RetryQuestion question = { .hint_us = -1, .deadline_us = clock_now_us () + REFRESH_DEADLINE_US };
  bool good = false;

  request->method = "POST";
  request->url = g_strconcat (oauth->accounts_url, "/oauth/v2/token", NULL);
  request->headers = (char **)headers;
  request->body = form_of (oauth);
  request->body_max = BODY_MAX;
  while (!good)
    {
      g_autoptr (GError) error = NULL;
      int64_t delay_us;

      good = fetch_once (oauth, request, &question.cause, &error);
      if (good)
        break;
      set_trouble (oauth, error);
      question.tries++;
      question.now_us = clock_now_us ();
      question.hint_us = request->answer.retry_after_us;
      question.dice = g_random_int ();
      delay_us = may_heal (error) ? retry_delay (&question) : -1;
      if (delay_us < 0 || is_ending (oauth))
        break;
      pause_us (oauth, delay_us);
    }
  http_reset (request);
  memset (request->body, 0, strlen (request->body));
  g_free (request->body);
  g_free (request->url);
  {
    LOCKED (&oauth->lock);
    if (!good)
      hold (oauth);
    oauth->wanted = false;
    pthread_cond_broadcast (&oauth->changed);
  }
}

/* Returns: false when all ends. */
static bool
wait_wanted (Oauth *oauth)
{
  LOCKED (&oauth->lock);

  while (!oauth->wanted && !oauth->ending)
    pthread_cond_wait (&oauth->changed, &oauth->lock);
  return !oauth->ending;
}

static void *
serve (void *data)
{
  Oauth *oauth = data;

  while (wait_wanted (oauth))
    {
      fetch (oauth);
      oauth->news (oauth->data);
    }
  return NULL;
}

static void
release (Oauth *oauth)
{
  pthread_cond_destroy (&oauth->changed);
  pthread_mutex_destroy (&oauth->lock);
  g_clear_error (&oauth->trouble);
  g_free (oauth->accounts_url);
  g_free (oauth->api_url);
  g_free (oauth->client_id);
  g_free (oauth->client_secret);
  g_free (oauth->refresh_token);
  g_free (oauth->token_path);
  g_free (oauth->key);
  g_free (oauth->token.text);
  g_free (oauth->rejected);
  g_free (oauth);
}

Oauth *
oauth_new (const OauthConfig *config, Http *http, GError **error)
{
  Oauth *oauth = g_new0 (Oauth, 1);
  pthread_condattr_t monotonic;

  oauth->accounts_url = g_strdup (config->accounts_url);
  oauth->api_url = g_strdup (config->api_url);
  oauth->client_id = g_strdup (config->client_id);
  oauth->client_secret = g_strdup (config->client_secret);
  oauth->refresh_token = g_strdup (config->refresh_token);
  oauth->token_path = g_strdup (config->token_path);
  oauth->key = token_file_key (config->accounts_url, config->api_url, config->client_id, config->refresh_token);
  oauth->http = http;
  oauth->news = config->news;
  oauth->data = config->data;
  pthread_mutex_init (&oauth->lock, NULL);
  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init (&oauth->changed, &monotonic);
  pthread_condattr_destroy (&monotonic);
  if (pthread_create (&oauth->thread, NULL, serve, oauth) == 0)
    {
      pthread_setname_np (oauth->thread, "zohofs-token");
      return oauth;
    }
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "No thread for the sign-in can be started");
  release (oauth);
  return NULL;
}

OauthAnswer
oauth_get (Oauth *oauth, char **token, uint64_t *generation, GError **error)
{
  LOCKED (&oauth->lock);
  int64_t now_s = clock_wall_s ();
  bool held = clock_now_us () < oauth->held_until_us;

  if (oauth->token.text != NULL && now_s < oauth->token.expires_s)
    {
      if (now_s >= oauth->token.renew_s && !held && !oauth->wanted)
        want (oauth);
      *token = g_strdup (oauth->token.text);
      *generation = oauth->generation;
      return OAUTH_READY;
    }
  if (held && !oauth->wanted)
    {
      g_propagate_error (error, g_error_copy (oauth->trouble));
      return OAUTH_REFUSED;
    }
  if (!oauth->wanted)
    want (oauth);
  return OAUTH_WAIT;
}

void
oauth_rejected (Oauth *oauth, uint64_t generation)
{
  LOCKED (&oauth->lock);

  if (generation != oauth->generation || oauth->token.text == NULL)
    return;
  g_free (oauth->rejected);
  oauth->rejected = g_steal_pointer (&oauth->token.text);
  oauth->held_until_us = 0;
  want (oauth);
}

void
oauth_rejected_again (Oauth *oauth, uint64_t generation, GError **error)
{
  LOCKED (&oauth->lock);

  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT,
               "Zoho does not take even a new access token; is data_center right, and is the user still active? If so, "
               "run `zohofs login`");
  if (generation != oauth->generation || oauth->token.text == NULL)
    return;
  g_free (oauth->rejected);
  oauth->rejected = g_steal_pointer (&oauth->token.text);
  g_clear_error (&oauth->trouble);
  oauth->trouble = g_error_copy (*error);
  hold (oauth);
}

bool
oauth_wait (Oauth *oauth, int64_t deadline_us, GError **error)
{
  for (;;)
    {
      g_autofree char *token = NULL;
      uint64_t generation;
      OauthAnswer answer = oauth_get (oauth, &token, &generation, error);

      if (answer != OAUTH_WAIT)
        return answer == OAUTH_READY;
      LOCKED (&oauth->lock);
      if (clock_now_us () >= deadline_us)
        {
          if (oauth->trouble != NULL)
            g_propagate_error (error, g_error_copy (oauth->trouble));
          else
            g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT, "Zoho gave no access token in time");
          return false;
        }
      if (oauth->wanted)
        wait_change (oauth, CLAMP (deadline_us - clock_now_us (), 0, CLOCK_SECOND_US));
    }
}

GError *
oauth_trouble (Oauth *oauth)
{
  LOCKED (&oauth->lock);

  return oauth->token.text == NULL && oauth->trouble != NULL ? g_error_copy (oauth->trouble) : NULL;
}

bool
oauth_is_signed_out (Oauth *oauth)
{
  LOCKED (&oauth->lock);

  return oauth->token.text == NULL && g_error_matches (oauth->trouble, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT);
}

uint64_t
oauth_calls (Oauth *oauth)
{
  LOCKED (&oauth->lock);

  return oauth->calls;
}

void
oauth_free (Oauth *oauth)
{
  if (oauth == NULL)
    return;
  {
    LOCKED (&oauth->lock);
    oauth->ending = true;
    pthread_cond_broadcast (&oauth->changed);
  }
  pthread_join (oauth->thread, NULL);
  release (oauth);
}
