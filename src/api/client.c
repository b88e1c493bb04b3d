/* One call to Zoho: a request goes out, one checked JSON body comes back.
 *
 *   a call is   on               leaves when
 *   QUEUED      the http queue   the gate opens: a token is there, no storm, the limiter lets it go -> FLYING
 *   FLYING      curl             an answer or an error lands                              -> JUDGED
 *   JUDGED      a worker         it is done, or it goes again                             -> QUEUED
 *
 * Locks: @lock may be held while http's is taken, never the other way round; none is held when @done is called. */
#include "api/client.h"

#include "api/costs.h"
#include "api/http.h"
#include "api/limiter.h"
#include "api/oauth.h"
#include "api/response.h"
#include "api/retry.h"
#include "api/storm.h"
#include "api/url.h"
#include "base/behalf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/workers.h"

#include <stdatomic.h>
#include <string.h>

#define WORKERS 2
#define BODY_MAX ((size_t)1 << 30) /* whatever the config says: GByteArray counts in 32 bits */

struct Client
{
  char *api_url;
  int64_t deadline_us;
  size_t body_max;
  Limiter *limiter;
  Storm *storm;
  Costs *costs;
  Http *http;
  Oauth *oauth;
  Workers *workers;
  void *renew_data;
  void (*renew_free) (void *data);
  atomic_uint landing; /* answers that the workers have */

  pthread_mutex_t lock; /* guards all below */
  GHashTable *table;    /* ticket -> Call, of all that are not done */
  uint64_t tickets;
  uint64_t calls, retries, failures;
  char last_error[256];
  int64_t last_error_s;
};

typedef struct
{
  HttpRequest request; /* first, so that one is the other */
  Client *client;
  uint64_t ticket; /* key of the table */
  ClientDone done;
  void *data;
  unsigned credits;
  ClientPriority priority;
  bool heavy, once, rows;
  HttpUpload upload; /* request.upload, or unused */
  ClientTake take;

  char program[BEHALF_PROGRAM_SIZE]; /* to which it is charged */

  bool departed;       /* in this try: the gate let it go */
  uint64_t departure;  /* then: the storm's number of it */
  uint64_t generation; /* of the token it went with */
  unsigned tries;
  bool token_rejected; /* by a 401, once already */
  GError *last_error;  /* of the try before this one */
} Call;

static void
call_free (Call *call)
{
  http_reset (&call->request);
  g_free (call->request.url);
  g_strfreev (call->request.headers);
  g_free (call->request.body);
  g_free (call->upload.head);
  g_free (call->upload.tail);
  g_clear_error (&call->last_error);
  g_free (call);
}

/* Returns: false when the call has to wait for a storm to pass, as @verdict says; one that cannot is refused. */
static bool
is_calm (Client *client, HttpRequest *request, HttpVerdict *verdict, GError **error)
{
  int64_t until_us = 0;

  switch (storm_look (client->storm, request->deadline_us, &until_us))
    {
    case STORM_CALM:
      return true;
    case STORM_TRIED:
      *verdict = HTTP_FULL;
      return false;
    case STORM_PAUSED:
      break;
    }
  *verdict = HTTP_HELD;
  request->not_before_us = until_us;
  if (until_us < request->deadline_us)
    return false;
  *verdict = HTTP_REFUSED;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SPENT,
               "Zoho takes no more calls for now: too many at once, or the day's API credits are spent; try again later");
  return false;
}

/* On the curl thread. */
static HttpVerdict
gate (HttpRequest *request, void *data, GError **error)
{
  Client *client = data;
  Call *call = (Call *)request;
  g_autofree char *token = NULL;
  OauthAnswer answer = oauth_get (client->oauth, &token, &call->generation, error);
  LimiterVerdict verdict;
  HttpVerdict held;

  if (answer != OAUTH_READY)
    return answer == OAUTH_WAIT ? HTTP_FULL : HTTP_REFUSED;
  if (!is_calm (client, request, &held, error))
    return held;
  verdict = limiter_enter (client->limiter, call->priority, call->heavy, call->credits, error);
  if (verdict == LIMITER_FULL)
    return HTTP_FULL;
  if (verdict == LIMITER_HEAVY_FULL)
    return HTTP_HELD;
  if (verdict == LIMITER_SPENT)
    return HTTP_REFUSED;
  call->departed = true;
  call->departure = storm_departed (client->storm);
  costs_add (client->costs, call->program, call->credits);
  request->authorization = g_strconcat ("Authorization: Zoho-oauthtoken ", token, NULL);
  LOCKED (&client->lock);
  client->calls++;
  return HTTP_GO;
}

/* Copies as much of @words as fits, not ending inside a character. Lock held. */
static void
remember_error (Client *client, const char *words)
{
  const char *end;

  g_strlcpy (client->last_error, words, sizeof client->last_error);
  if (!g_utf8_validate (client->last_error, -1, &end))
    client->last_error[end - client->last_error] = '\0';
  client->last_error_s = clock_wall_s ();
}

static void
count_end (Client *client, Call *call, const GError *error)
{
  LOCKED (&client->lock);

  g_hash_table_remove (client->table, &call->ticket);
  if (error == NULL)
    return;
  client->failures++;
  if (error->code == ZOHO_ERROR_CANCELLED || error->code == ZOHO_ERROR_NOT_FOUND)
    return;
  remember_error (client, error->message);
}

static void
program_of (void *data, char name[BEHALF_PROGRAM_SIZE])
{
  const Call *call = data;

  g_strlcpy (name, call->program, BEHALF_PROGRAM_SIZE);
}

/* Calls @done, the last thing of a call. */
static void
finish (Call *call, json_t *body, const GError *error)
{
  ClientAnswer answer = {
    .status = call->request.answer.status,
    .body = body,
    .server_time = call->request.answer.server_time,
    .length = call->request.answer.length,
  };
  const Behalf behalf = { program_of, call };
  const Behalf *before;

  count_end (call->client, call, error);
  /* What follows from the answer is still for the same program. */
  before = behalf_set (&behalf);
  call->done (error == NULL ? &answer : NULL, error, call->data);
  behalf_set (before);
  call_free (call);
}

/* What came of this try; @error is set unless it is RESPONSE_OK. @cause is set where trying again may help. */
static ResponseKind
read_try (Call *call, json_t **body, RetryCause *cause, GError **error)
{
  HttpRequest *request = &call->request;
  ResponseKind kind;

  if (request->error != NULL)
    {
      bool lost = call->departed && !request->answer.streamed
                  && g_error_matches (request->error, ZOHO_ERROR, ZOHO_ERROR_UNREACHABLE);

      g_propagate_error (error, g_steal_pointer (&request->error));
      *cause = RETRY_LOST;
      return lost ? RESPONSE_BROKEN : RESPONSE_REFUSED;
    }
  if (call->take != NULL && request->answer.status == 200)
    return RESPONSE_OK;
  kind = (call->rows ? response_read_rows : response_read) (request->answer.status,
                                                            (const char *)request->answer.body->data,
                                                            request->answer.body->len, body, error);
  *cause = kind == RESPONSE_BUSY ? RETRY_BUSY : RETRY_BROKEN;
  return kind;
}

static void
send_again (Call *call, int64_t delay_us, GError *error)
{
  g_clear_error (&call->last_error);
  call->last_error = error;
  {
    LOCKED (&call->client->lock);
    call->client->retries++;
  }
  http_reset (&call->request);
  call->departed = false;
  call->request.not_before_us = delay_us > 0 ? clock_now_us () + delay_us : 0;
  http_send (call->client->http, &call->request);
}

/* A 401 says that nothing was done, so even a call that must go once goes again. Returns: whether it does. */
static bool
again_with_new_token (Call *call, GError **error)
{
  if (call->token_rejected)
    {
      g_clear_error (error);
      oauth_rejected_again (call->client->oauth, call->generation, error);
      return false;
    }
  call->token_rejected = true;
  oauth_rejected (call->client->oauth, call->generation);
  send_again (call, 0, g_steal_pointer (error));
  return true;
}

static bool
again_later (Call *call, RetryCause cause, GError **error)
{
  RetryQuestion question = {
    .cause = cause,
    .tries = ++call->tries,
    .once = call->once,
    .sent = call->request.sent,
    .hint_us = call->request.answer.retry_after_us,
    .now_us = clock_now_us (),
    .deadline_us = call->request.deadline_us,
    .dice = g_random_int (),
  };
  int64_t delay_us = retry_delay (&question);

  if (delay_us < 0)
    return false;
  /* Then all wait, and those who came first go first. */
  if (cause == RETRY_BUSY)
    delay_us = 0;
  send_again (call, delay_us, g_steal_pointer (error));
  return true;
}

/* A call whose time ended in line tells why it had to wait there, where that is known. */
static void
explain_wait (Call *call, GError **error)
{
  GError *why = NULL;

  if (call->departed || !g_error_matches (*error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT))
    return;
  why = call->last_error != NULL && call->last_error->code != ZOHO_ERROR_SIGNED_OUT
            ? g_steal_pointer (&call->last_error)
            : oauth_trouble (call->client->oauth);
  if (why == NULL)
    return;
  g_clear_error (error);
  *error = why;
}

/* May a call that failed with @error have been done? Of those that go once alone: others are asked again, or looked at.
 * @answered: an answer came, be it one that makes no sense. */
static bool
is_unclear (const Call *call, bool answered, ResponseKind kind, const GError *error)
{
  if (!call->once || !call->request.sent)
    return false;
  if (!answered || kind == RESPONSE_BROKEN)
    return true;
  return call->request.answer.status < 300 && error->code == ZOHO_ERROR_FAILED;
}

static void
judge_try (Call *call)
{
  g_autoptr (json_t) body = NULL;
  g_autoptr (GError) error = NULL;
  RetryCause cause = RETRY_LOST;
  bool answered = call->request.error == NULL;
  ResponseKind kind = read_try (call, &body, &cause, &error);

  if (kind == RESPONSE_TOKEN && again_with_new_token (call, &error))
    return;
  if ((kind == RESPONSE_BUSY || kind == RESPONSE_BROKEN) && again_later (call, cause, &error))
    return;
  if (error != NULL)
    explain_wait (call, &error);
  if (error != NULL && is_unclear (call, answered, kind, error))
    response_set_unclear (&error);
  finish (call, body, error);
}

/* On a worker. */
static void
judge (void *data)
{
  Call *call = data;
  Client *client = call->client;

  judge_try (call); /* which may free it */
  atomic_fetch_sub (&client->landing, 1);
}

static StormOutcome
outcome_of (const HttpRequest *request)
{
  if (g_error_matches (request->error, ZOHO_ERROR, ZOHO_ERROR_CANCELLED))
    return STORM_GIVEN_UP;
  return request->error == NULL && request->answer.status == 429 ? STORM_REFUSED : STORM_TAKEN;
}

/* On the curl thread, or where a stopped http refuses. */
static void
landed (HttpRequest *request)
{
  Call *call = (Call *)request;
  Client *client = call->client;

  atomic_fetch_add (&client->landing, 1);
  if (call->departed)
    {
      limiter_leave (client->limiter, call->heavy);
      storm_landed (client->storm, call->departure, outcome_of (request), request->answer.retry_after_us, g_random_int ());
      if (request->answer.credits_remaining >= 0)
        limiter_heard (client->limiter, request->answer.credits_remaining);
    }
  workers_push (client->workers, judge, call);
}

static HttpTook
take_piece (HttpRequest *request, const HttpPiece *piece)
{
  Call *call = (Call *)request;
  ClientPiece given = { piece->bytes, piece->size, piece->length, piece->hurry };

  switch (call->take (&given, call->data))
    {
    case CLIENT_TOOK:
      return HTTP_TOOK;
    case CLIENT_LATER:
      return HTTP_LATER;
    case CLIENT_STOP:
      break;
    }
  return HTTP_STOP;
}

static void
token_news (void *data)
{
  Client *client = data;

  http_wake (client->http);
}

static void
add_header (GPtrArray *headers, const char *name, const char *value)
{
  if (value != NULL)
    g_ptr_array_add (headers, g_strconcat (name, ": ", value, NULL));
}

static char **
headers_of (const ClientCall *call)
{
  GPtrArray *headers = g_ptr_array_new ();

  add_header (headers, "Accept", "application/json");
  add_header (headers, "If-Modified-Since", call->if_modified_since);
  add_header (headers, "If-Unmodified-Since", call->if_unmodified_since);
  add_header (headers, "Content-Type", call->body != NULL ? "application/json" : NULL);
  add_header (headers, "Content-Type", call->upload != NULL ? call->upload->content_type : NULL);
  g_ptr_array_add (headers, NULL);
  return (char **)g_ptr_array_free (headers, FALSE);
}

/* Parts of a request may come from what a server said: nothing may end a line or the URL early. */
static bool
is_clean (const char *text)
{
  for (; text != NULL && *text != '\0'; text++)
    if (*text <= 0x20 || *text >= 0x7f || *text == '#')
      return false;
  return true;
}

static bool
is_sendable (const ClientCall *call)
{
  return call->path[0] == '/' && is_clean (call->path) && strchr (call->path, '?') == NULL && is_clean (call->query)
         && is_clean (call->if_modified_since) && is_clean (call->if_unmodified_since);
}

static Call *
call_new (Client *client, const ClientCall *ask, ClientDone done, void *data)
{
  Call *call = g_new0 (Call, 1);
  HttpRequest *request = &call->request;

  call->client = client;
  call->done = done;
  call->data = data;
  call->credits = MAX (ask->credits, 1);
  call->priority = MIN (ask->priority, CLIENT_BACKGROUND);
  /* What nobody waits for is our own idea, whoever was the occasion. */
  if (call->priority == CLIENT_BACKGROUND)
    g_strlcpy (call->program, "zohofs", sizeof call->program);
  else
    behalf_program (call->program);
  call->heavy = ask->heavy;
  call->once = ask->once;
  call->rows = ask->rows;
  request->method = ask->method != NULL ? g_intern_string (ask->method) : "GET";
  request->url = g_strconcat (client->api_url, ask->path, ask->query != NULL ? "?" : NULL, ask->query, NULL);
  request->headers = headers_of (ask);
  request->priority = 1 + call->priority; /* 0 is for the token */
  request->gated = true;
  request->fresh = ask->once;
  request->body_max = client->body_max;
  request->deadline_us = clock_now_us () + (ask->deadline_us > 0 ? ask->deadline_us : client->deadline_us);
  request->done = landed;
  http_reset (request);
  if (ask->take != NULL)
    {
      call->take = ask->take;
      request->take = take_piece;
    }
  if (ask->upload != NULL)
    {
      call->upload = (HttpUpload){ .head = g_strdup (ask->upload->head),
                                   .tail = g_strdup (ask->upload->tail),
                                   .fd = ask->upload->fd,
                                   .size = ask->upload->size };
      request->upload = &call->upload;
    }
  if (ask->body != NULL)
    {
      GString *text = g_string_new (NULL);

      json_write_compact (ask->body, text);
      request->body = g_string_free (text, FALSE);
    }
  return call;
}

static bool
start_parts (Client *client, const ClientConfig *config, GError **error)
{
  LimiterConfig limits = { config->concurrency, config->heavy_concurrency, config->daily_credits };
  OauthConfig sign_in = {
    .accounts_url = config->accounts_url,
    .api_url = config->api_url,
    .client_id = config->client_id,
    .client_secret = config->client_secret,
    .refresh_token = config->refresh_token,
    .token_path = config->token_path,
    .news = token_news,
    .data = client,
    .renew = config->renew,
    .renew_data = config->renew_data,
  };

  client->limiter = limiter_new (&limits);
  client->storm = storm_new ();
  client->costs = costs_new ();
  client->workers = workers_new ("zohofs-api", WORKERS);
  client->http = http_new (config->concurrency + 2, gate, client, error);
  if (client->http == NULL)
    return false;
  client->oauth = oauth_new (&sign_in, client->http, error);
  return client->oauth != NULL;
}

Client *
client_new (const ClientConfig *config, GError **error)
{
  g_autoptr (Client) client = NULL;

  client = g_new0 (Client, 1);
  client->renew_data = config->renew_data;
  client->renew_free = config->renew_free;
  pthread_mutex_init (&client->lock, NULL);
  client->table = g_hash_table_new (g_int64_hash, g_int64_equal);
  client->api_url = g_strdup (config->api_url);
  client->deadline_us = config->deadline_us;
  client->body_max = MIN (config->body_max, BODY_MAX);
  if (!url_check_base (config->api_url, error) || !url_check_base (config->accounts_url, error))
    return NULL;
  if (!start_parts (client, config, error))
    return NULL;
  return g_steal_pointer (&client);
}

void
client_free (Client *client)
{
  if (client == NULL)
    return;
  /* Once http is stopped nothing waits any more: oauth's call has ended, and what workers send again fails at once. */
  if (client->http != NULL)
    http_stop (client->http);
  oauth_free (client->oauth);
  workers_free (client->workers);
  http_free (client->http);
  limiter_free (client->limiter);
  storm_free (client->storm);
  costs_free (client->costs);
  g_hash_table_unref (client->table);
  pthread_mutex_destroy (&client->lock);
  if (client->renew_free != NULL)
    client->renew_free (client->renew_data);
  g_free (client->api_url);
  g_free (client);
}

uint64_t
client_send (Client *client, const ClientCall *ask, ClientDone done, void *data)
{
  Call *call = call_new (client, ask, done, data);
  uint64_t ticket;

  /* Sent with the lock held, so that a cancel cannot meet a call that is not yet on its way. */
  LOCKED (&client->lock);
  ticket = call->ticket = ++client->tickets;
  g_hash_table_insert (client->table, &call->ticket, call);
  if (is_sendable (ask))
    {
      http_send (client->http, &call->request);
      return ticket;
    }
  g_set_error (&call->request.error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
               "This cannot be asked of Zoho: the call would hold blanks or control characters");
  atomic_fetch_add (&client->landing, 1);
  workers_push (client->workers, judge, call);
  return ticket;
}

void
client_cancel (Client *client, uint64_t ticket)
{
  LOCKED (&client->lock);
  Call *call = g_hash_table_lookup (client->table, &ticket);

  if (call != NULL)
    http_cancel (client->http, &call->request);
}

void
client_resume (Client *client, uint64_t ticket)
{
  LOCKED (&client->lock);
  Call *call = g_hash_table_lookup (client->table, &ticket);

  if (call != NULL)
    http_resume (client->http, &call->request);
}

bool
client_check_sign_in (Client *client, int64_t deadline_us, GError **error)
{
  return oauth_wait (client->oauth, clock_now_us () + deadline_us, error);
}

void
client_stats (Client *client, ClientStats *stats)
{
  LimiterStats limits;
  /* In the order that calls go, so that none is in between. */
  unsigned queued = http_queued (client->http);

  limiter_stats (client->limiter, &limits);
  *stats = (ClientStats){
    .credits = limits.credits,
    .token_calls = oauth_calls (client->oauth),
    .in_flight = limits.in_flight,
    .queued = queued,
    .landing = atomic_load (&client->landing),
    .credits_remaining = limits.remaining,
    .credits_today = limits.credits_today,
    .signed_out = oauth_is_signed_out (client->oauth),
  };
  LOCKED (&client->lock);
  stats->calls = client->calls;
  stats->retries = client->retries;
  stats->failures = client->failures;
  memcpy (stats->last_error, client->last_error, sizeof stats->last_error);
  stats->last_error_s = client->last_error_s;
}

size_t
client_costs (Client *client, Cost list[COSTS_NAMES_MAX + 1])
{
  return costs_list (client->costs, list);
}
