/* The wire: one thread that runs one curl multi and serves a queue of requests by priority. Knows no Zoho. */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Http Http;
typedef struct HttpRequest HttpRequest;

#define HTTP_PRIORITIES 4 /* 0 goes first */

/* A body that is not held in memory: @head, then @size bytes of @fd from its start, then @tail. */
typedef struct
{
  char *head, *tail;
  int fd; /* the sender's, open until @done */
  int64_t size;
} HttpUpload;

/* A part of the body of a 200, as it comes. */
typedef struct
{
  const char *bytes;
  size_t size;
  int64_t length; /* of the whole body; -1 unknown */
  bool hurry;     /* it has waited for long: the call holds up others until it ends */
} HttpPiece;

typedef enum
{
  HTTP_TOOK,
  HTTP_LATER, /* the same piece again after http_resume(), or with @hurry */
  HTTP_STOP   /* no more of it: the request fails with CANCELLED */
} HttpTook;

typedef struct
{
  int status;
  GByteArray *body;          /* after decompression; never NULL in an answer */
  int64_t server_time;       /* Date, in seconds since 1970; 0 absent */
  int64_t credits_remaining; /* X-API-CREDITS-REMAINING; -1 absent */
  int64_t retry_after_us;    /* Retry-After; -1 absent */
  int64_t length;            /* Content-Length; -1 absent */
  bool streamed;             /* some of it went to @take */
} HttpAnswer;

/* Embedded by whoever sends it, and theirs again when @done is called. */
struct HttpRequest
{
  /* Set before http_send(). */
  const char *method;
  char *url;
  char **headers; /* "Name: value" each, NULL at the end; may be NULL */
  char *body;     /* text; NULL: none */
  const HttpUpload *upload; /* instead of @body; may be NULL */
  /* Not NULL: takes the body of a 200, which is then not in the answer. On the curl thread, with no lock held; may
   * write to the local disk. With this or @upload the deadline counts from the last byte on. */
  HttpTook (*take) (HttpRequest *request, const HttpPiece *piece);
  unsigned priority;
  bool gated;            /* does the gate decide when it goes? */
  bool fresh;            /* on a new connection, since curl resends by itself on a kept one that turns out dead */
  size_t body_max;       /* of the answer */
  int64_t not_before_us; /* clock_now_us(); 0: at once */
  int64_t deadline_us;   /* clock_now_us() */

  /* On the curl thread, once per http_send(), with no lock held; must not block. Exactly one of @answer.body and
   * @error is set. */
  void (*done) (HttpRequest *request);

  /* Set by the gate when it lets the request go. */
  char *authorization; /* the whole header line */

  /* Valid in @done. */
  HttpAnswer answer;
  GError *error; /* UNREACHABLE, TIMED_OUT, TOO_LARGE, CANCELLED, FAILED */
  bool sent;     /* a byte of it may have gone out */
  int64_t took_us; /* of this try, since its turn came */

  /* http.c's own. */
  atomic_bool cancelled;
  uint64_t order;
  void *easy, *lines;
  size_t header_bytes;
  bool too_large, stopped, hurry;
  int64_t upload_at;     /* bytes of @upload that curl has */
  int64_t paused_us;     /* since when curl holds a piece back; 0: it does not */
  atomic_bool resumed;
  char words[256]; /* curl's, about an error */
};

typedef enum
{
  HTTP_GO,
  HTTP_HELD,   /* not this one now, perhaps others */
  HTTP_FULL,   /* none that is gated now */
  HTTP_REFUSED /* never: @error is set */
} HttpVerdict;

/* On the curl thread, for each gated request that is next in line, until it says HTTP_GO or HTTP_REFUSED. */
typedef HttpVerdict (*HttpGate) (HttpRequest *request, void *data, GError **error);

/* @connections: how many are kept open. Returns: NULL with @error when curl cannot start. */
Http *http_new (unsigned connections, HttpGate gate, void *data, GError **error);

/* Queues @request: priority first, then order of the first http_send(). A request may be sent again after its @done,
 * http_reset() in between. After http_stop() @done comes at once with CANCELLED, from inside this call. Any thread. */
void http_send (Http *http, HttpRequest *request);

/* Makes it fail with CANCELLED soon, now or when it is sent again. The caller keeps it alive meanwhile. Any thread. */
void http_cancel (Http *http, HttpRequest *request);

/* Gives it the piece again for which it said HTTP_LATER. As http_cancel(). */
void http_resume (Http *http, HttpRequest *request);

/* Asks the gate again about those who wait. Any thread. */
void http_wake (Http *http);

/* How many wait. Any thread. */
unsigned http_queued (Http *http);

/* Frees what an answer left in @request. */
void http_reset (HttpRequest *request);

/* Fails all requests with CANCELLED and ends the thread. */
void http_stop (Http *http);

/* Stops where http_stop() was not called. NULL is fine. */
void http_free (Http *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Http, http_free)
