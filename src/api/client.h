/* One call to Zoho: a request goes out, one checked JSON body comes back. Joins http (the wire), limiter (how many
 * at once, how many credits), retry (whether again) and oauth (the token).
 *
 * A call is charged to the program for which the sending thread works (base/behalf.h), and so is what its @done
 * sends; one of CLIENT_BACKGROUND to "zohofs". While Zoho refuses calls (429) all wait together (api/storm.h).
 *
 * Nothing here blocks: client_send() queues, and @done is called later on one of the client's two worker threads,
 * where the body was parsed too. Any thread may call anything here. */
#pragma once

#include "api/costs.h"
#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Client Client;

/* Who waits for it. Within one priority: first come, first served. */
typedef enum
{
  CLIENT_PERSON,    /* somebody waits for this very record */
  CLIENT_LISTING,   /* somebody waits for a directory */
  CLIENT_BACKGROUND /* nobody waits yet */
} ClientPriority;
#define CLIENT_PRIORITIES 3

typedef struct
{
  const char *api_url;      /* "https://www.zohoapis.com", no final slash; what the token answer calls api_domain
                             * must be the same host, else calls end in ZOHO_ERROR_SIGNED_OUT with words */
  const char *accounts_url; /* "https://accounts.zoho.com" */
  const char *client_id;
  const char *client_secret;
  const char *refresh_token;
  const char *token_path;   /* 0600 file that holds the access token, shared by processes under a lock file
                             * "<token_path>.lock"; NULL: memory only */
  bool (*renew) (void *data, char **client_secret, char **refresh_token); /* as OauthRenew in api/oauth.h; or NULL */
  void *renew_data;
  void (*renew_free) (void *data); /* of @renew_data, when no thread uses it any more, also when client_new() fails */
  unsigned concurrency;     /* calls in flight at once, >= 1 */
  unsigned heavy_concurrency; /* of these, calls of the sub-concurrency class (doc/api-notes.md) */
  int64_t daily_credits;    /* own budget per rolling 24 h; 0: none */
  int64_t deadline_us;      /* of a call from client_send() on, queue, retries and token included */
  size_t body_max;          /* larger answers are ZOHO_ERROR_TOO_LARGE; counted after decompression */
} ClientConfig;

/* A body that is read from a file as it goes out: @head, @size bytes of @fd from its start, @tail. */
typedef struct
{
  const char *content_type;
  const char *head, *tail;
  int fd; /* open, and its bytes the same, until @done */
  int64_t size;
} ClientUpload;

/* A part of the body of an answer, as it comes. */
typedef struct
{
  const char *bytes;
  size_t size;
  int64_t length; /* of the whole body; -1 unknown */
  bool hurry;     /* it was put off for long: take it now, or others wait for this call to end */
} ClientPiece;

typedef enum
{
  CLIENT_TOOK,
  CLIENT_LATER, /* not now: the same piece comes again after client_resume(), or in a hurry */
  CLIENT_STOP   /* no more of it: the call ends with CANCELLED */
} ClientTook;

/* On the curl thread, with no lock held; may write to the local disk, must not wait for anything else. */
typedef ClientTook (*ClientTake) (const ClientPiece *piece, void *data);

typedef struct
{
  const char *method; /* "GET" when NULL */
  const char *path;   /* "/crm/v8/Leads"; segments already percent-encoded (api/url.h) */
  const char *query;  /* "fields=A,B&page=1", already encoded; NULL: none */
  const char *if_modified_since;   /* Zoho time, or NULL */
  const char *if_unmodified_since; /* Zoho time, or NULL */
  const json_t *body; /* sent as application/json; NULL: none. Written before client_send() returns */
  ClientPriority priority;
  unsigned credits;   /* what it costs; 0 means 1 */
  bool heavy;         /* of the sub-concurrency class */
  bool once;          /* not idempotent: never sent again once a byte may have gone out, but for 401 and 429, which say
                       * that nothing was done; takes a fresh connection, since curl resends by itself on a kept
                       * connection that turns out dead. Where it may have been done and no answer says so: UNCLEAR */
  const ClientUpload *upload; /* instead of @body; POST. NULL: none */
  ClientTake take;    /* not NULL: takes the body of a 200, which then is no JSON, with @done's data. A call that has begun to
                       * give it is not sent again. With this or @upload the deadline counts from the last byte on */
  bool rows;          /* it writes rows: a 400 or 412 that refuses each row by itself is an answer, not an error */
  int64_t deadline_us; /* 0: the config's */
} ClientCall;

typedef struct
{
  int status;          /* 200, 201, 202, 204, 207, 304; with `rows` also 400, 412 */
  json_t *body;        /* NULL for 204, 304. Numbers as base/json.h keeps them. Borrowed: take a reference to keep, or
                        * for another thread a json_deep_copy(), since json_decref() reads the count unguarded */
  int64_t server_time; /* the Date header in seconds since 1970; 0 when absent */
  int64_t length;      /* Content-Length; -1 when absent */
} ClientAnswer;

/* Called exactly once for each client_send(), never from inside it, with no lock held. Exactly one of @answer and
 * @error is NULL; both are the client's. Codes: SIGNED_OUT, DENIED, NOT_FOUND, INVALID, CHANGED, DUPLICATE, SPENT,
 * TOO_LARGE, UNREACHABLE, TIMED_OUT, CANCELLED, FAILED, and for calls that go once UNCLEAR. A 207, and a 200
 * with per-row errors, are answers. */
typedef void (*ClientDone) (const ClientAnswer *answer, const GError *error, void *data);

/* Copies of everything in @config are kept. Starts threads. Returns: never NULL, or NULL with @error when curl cannot
 * start or a URL is refused (only https, and http to a loopback host). */
Client *client_new (const ClientConfig *config, GError **error);

/* Fails what is under way with CANCELLED (each @done is called), ends the threads. Not from a @done. NULL is fine. */
void client_free (Client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_free)

/* Returns: a ticket for client_cancel(), never 0. @call and its strings need to live only until it returns. */
uint64_t client_send (Client *client, const ClientCall *call, ClientDone done, void *data);

/* The call's @done gets CANCELLED soon, unless it is already on its way. Unknown tickets are fine. */
void client_cancel (Client *client, uint64_t ticket);

/* A piece that was put off comes again. Unknown tickets are fine. */
void client_resume (Client *client, uint64_t ticket);

/* Asks for an access token now, so that a dead sign-in is known before a mount. Blocks at most @deadline_us. */
bool client_check_sign_in (Client *client, int64_t deadline_us, GError **error);

/* What `status` shows. Counters run from client_new(). */
typedef struct
{
  uint64_t calls;             /* requests that went out, retries included, token calls not */
  uint64_t credits;           /* what they cost by our count */
  uint64_t retries, failures; /* failures: calls that ended in an error */
  uint64_t token_calls;
  unsigned in_flight, queued;
  unsigned landing;           /* of which the answer is there, and being taken in */
  int64_t credits_remaining;  /* X-API-CREDITS-REMAINING, -1 unknown */
  int64_t credits_today;      /* by our count in the last 24 h */
  char last_error[256];       /* words of the last failed call, "" none; CANCELLED and NOT_FOUND are no news */
  int64_t last_error_s;       /* when; wall clock */
  bool signed_out;
} ClientStats;

void client_stats (Client *client, ClientStats *stats);

/* What was sent, by the program that wanted it. As costs_list(). */
size_t client_costs (Client *client, Cost list[COSTS_NAMES_MAX + 1]);
