/* The access token.
 *
 *   state      @token   @wanted   leaves when
 *   NONE       NULL     false     somebody asks                       -> FETCHING
 *   FETCHING   NULL     true      Zoho or the file gives one          -> GOOD; it fails -> HELD
 *   GOOD       set      false     it is about to end                  -> RENEWING; a 401 -> FETCHING
 *   RENEWING   set      true      a new one comes, or that fails      -> GOOD; the old one ends -> FETCHING
 *   HELD       NULL     false     @held_until_us, or a new sign-in    -> NONE  */
#include "api/oauth.h"

#include "api/accounts.h"
#include "api/client.h"
#include "api/retry.h"
#include "api/token_file.h"
#include "api/url.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALL_DEADLINE_US (20 * CLOCK_SECOND_US)
#define REFRESH_DEADLINE_US (40 * CLOCK_SECOND_US)
#define LOCK_DEADLINE_US (30 * CLOCK_SECOND_US)
#define LOCK_LOOK_US (CLOCK_SECOND_US / 20)
#define BODY_MAX 65536

/* How often we look whether there is a new sign-in. While the old one is dead somebody may just be doing that. */
#define LOOK_US (30 * CLOCK_SECOND_US)
#define LOOK_DEAD_US CLOCK_SECOND_US

/* How long a failure is told to those who ask, before the next try: a refused sign-in does not heal by asking, and Zoho
 * mints ten tokens in ten minutes. */
#define HOLD_SIGNED_OUT_US (300 * CLOCK_SECOND_US)
#define HOLD_BUSY_US (30 * CLOCK_SECOND_US)
#define HOLD_US (2 * CLOCK_SECOND_US)

struct Oauth
{
  char *accounts_url, *api_url, *client_id, *token_path;
  OauthRenew renew;
  void *renew_data;
  Http *http;
  OauthNews news;
  void *data;
  pthread_t thread;

  /* The thread's own. */
  char *client_secret, *refresh_token;
  char *key; /* of the token file */
  TokenCalls recent;

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

/* Returns: the lock file's descriptor, or -1: with @busy another process has it and keeps it. Without a file that
 * can be locked we go on all the same: a second token is better than none. */
static int
lock_file (Oauth *oauth, bool *busy)
{
  int64_t deadline_us = clock_now_us () + LOCK_DEADLINE_US;
  int fd;

  if (oauth->token_path == NULL)
    return -1;
  while ((fd = token_file_lock (oauth->token_path, busy)) < 0 && *busy && clock_now_us () < deadline_us
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

/* Fills @token from a token answer. */
static bool
read_token (Oauth *oauth, const HttpAnswer *answer, Token *token, RetryCause *cause, GError **error)
{
  g_autoptr (json_t) body = json_parse ((const char *)answer->body->data, answer->body->len, NULL);
  g_auto (AccountsToken) fresh = { NULL };

  if (!accounts_read_token (body, answer->status, &fresh, cause, error)
      || !accounts_check_domain (fresh.api_domain, oauth->api_url, error))
    return false;
  token->text = g_steal_pointer (&fresh.access_token);
  token->expires_s = fresh.expires_s;
  token->renew_s = fresh.renew_s;
  return true;
}

/* ---- how often Zoho is asked ------------------------------------------------------------------------------------- */

/* What the processes of this sign-in have asked for of late; @fd is the locked file, or -1 when there is none. */
static void
recall_calls (Oauth *oauth, int fd)
{
  if (fd >= 0)
    token_calls_read (fd, oauth->key, &oauth->recent);
  token_calls_forget_old (&oauth->recent, clock_wall_s ());
}

static void
keep_calls (Oauth *oauth, int fd)
{
  if (fd >= 0 && !token_calls_write (fd, oauth->key, &oauth->recent))
    g_message ("How often access tokens were asked for cannot be kept beside %s", oauth->token_path);
}

/* Zoho mints so many tokens in ten minutes; one more would be refused, and those who go on asking wait longer. How long
 * stands in @request as if Zoho had said it. */
static bool
may_call (Oauth *oauth, HttpRequest *request, GError **error)
{
  int64_t wait_s = token_calls_wait_s (&oauth->recent, clock_wall_s ());

  if (wait_s == 0)
    return true;
  request->answer.retry_after_us = wait_s * CLOCK_SECOND_US;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SPENT,
               "Zoho hands out no access token for a while, since too many were asked for; the next can be asked for in "
               "%" G_GINT64_FORMAT " s",
               wait_s);
  return false;
}

/* The call of this moment is counted before it goes, so that one that a crash cuts off counts, too, and is taken back
 * when it is sure that no token came of it. */
static void
settle_call (Oauth *oauth, int fd, const HttpRequest *request, bool minted, RetryCause cause)
{
  int64_t hint_us = request->answer.retry_after_us;
  bool unclear = request->error != NULL && request->sent;

  if (!minted && !unclear)
    token_calls_take_back (&oauth->recent);
  if (!minted && request->error == NULL && cause == RETRY_BUSY)
    oauth->recent.held_until_s = clock_wall_s () + (hint_us >= 0 ? hint_us : HOLD_BUSY_US) / CLOCK_SECOND_US;
  keep_calls (oauth, fd);
}

static bool
fetch_from_zoho (Oauth *oauth, int fd, HttpRequest *request, RetryCause *cause, GError **error)
{
  Token token = { NULL };
  bool good;

  *cause = RETRY_BUSY;
  recall_calls (oauth, fd);
  if (!may_call (oauth, request, error))
    return false;
  token_calls_add (&oauth->recent, clock_wall_s ());
  keep_calls (oauth, fd);
  call_zoho (oauth, request);
  *cause = RETRY_LOST;
  good = request->error == NULL && read_token (oauth, &request->answer, &token, cause, error);
  settle_call (oauth, fd, request, good, *cause);
  if (request->error != NULL)
    g_propagate_error (error, g_steal_pointer (&request->error));
  if (!good)
    return false;
  save_to_file (oauth, &token);
  adopt (oauth, &token);
  return true;
}

/* One try. @cause is set with @error. */
static bool
fetch_once (Oauth *oauth, HttpRequest *request, RetryCause *cause, GError **error)
{
  bool busy = false;
  int fd = lock_file (oauth, &busy);
  bool good = adopt_from_file (oauth);

  *cause = RETRY_LOST;
  if (!good && busy)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT,
                 "Another process with this sign-in waits for an access token and got none so far");
  else if (!good)
    good = fetch_from_zoho (oauth, fd, request, cause, error);
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

/* ---- a new sign-in ------------------------------------------------------------------------------------------------ */

static void
wipe (char *secret)
{
  explicit_bzero (secret, strlen (secret));
  g_free (secret);
}

/* What was had by the old sign-in is forgotten. */
static void
begin_anew (Oauth *oauth)
{
  LOCKED (&oauth->lock);

  g_clear_pointer (&oauth->token.text, g_free);
  g_clear_pointer (&oauth->rejected, g_free);
  g_clear_error (&oauth->trouble);
  oauth->held_until_us = 0;
  want (oauth);
}

/* Somebody may have signed in again since. Returns: whether it was so. */
static bool
look_for_sign_in (Oauth *oauth)
{
  char *client_secret = NULL, *refresh_token = NULL;

  if (oauth->renew == NULL || !oauth->renew (oauth->renew_data, &client_secret, &refresh_token))
    return false;
  wipe (oauth->client_secret);
  wipe (oauth->refresh_token);
  g_free (oauth->key);
  oauth->client_secret = client_secret;
  oauth->refresh_token = refresh_token;
  oauth->key = token_file_key (oauth->accounts_url, oauth->api_url, oauth->client_id, refresh_token);
  oauth->recent = (TokenCalls){ 0 };
  g_message ("There is a new sign-in; it is used from now on");
  begin_anew (oauth);
  return true;
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

typedef enum
{
  WOKEN_FOR_TOKEN,
  WOKEN_TO_LOOK,
  WOKEN_TO_END
} Woken;

/* Lock held. */
static bool
is_dead (const Oauth *oauth)
{
  return oauth->token.text == NULL && g_error_matches (oauth->trouble, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT);
}

static Woken
wait_wanted (Oauth *oauth)
{
  LOCKED (&oauth->lock);

  if (!oauth->wanted && !oauth->ending)
    wait_change (oauth, is_dead (oauth) ? LOOK_DEAD_US : LOOK_US);
  if (oauth->ending)
    return WOKEN_TO_END;
  return oauth->wanted ? WOKEN_FOR_TOKEN : WOKEN_TO_LOOK;
}

static void *
serve (void *data)
{
  Oauth *oauth = data;
  Woken woken;

  while ((woken = wait_wanted (oauth)) != WOKEN_TO_END)
    {
      if (!look_for_sign_in (oauth) && woken == WOKEN_TO_LOOK)
        continue;
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
  wipe (oauth->client_secret);
  wipe (oauth->refresh_token);
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
  oauth->renew = config->renew;
  oauth->renew_data = config->renew_data;
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

  return is_dead (oauth);
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
