/* The wire: one thread that runs one curl multi and serves a queue of requests by priority.
 *
 *   a request is   in                leaves when
 *   arriving       arrivals          the thread looks        -> waiting
 *   waiting        waiting[priority] its gate opens          -> flying; its deadline, a cancel -> done
 *   flying         the multi         curl is through with it -> done
 *
 * Only @arrivals is shared; the rest belongs to the thread, so no lock is held while curl or the gate run. */
#include "api/http.h"

#include "api/url.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_MS_MAX 10000
#define HEADER_BYTES_MAX (256 * 1024)
#define PAUSE_MS_MAX 1000 /* while something is under way; bounds what a stopped clock can hold up */
#define GIVEN_UP "The call was given up before its answer came"
#define LATE "The call waited in line until its time was over"
/* Who could not connect in less than this may just have been slow. */
#define CONNECT_US_LEAST CLOCK_SECOND_US
#define PAUSED_MAX_US (5 * CLOCK_SECOND_US)
#define IDLE_MS (60 * 60 * 1000) /* a wakeup ends it */

struct Http
{
  CURLM *multi;
  pthread_t thread;
  HttpGate gate;
  void *gate_data;

  GQueue waiting[HTTP_PRIORITIES]; /* HttpRequest *, by @order; the thread's */
  GQueue flying;                   /* HttpRequest *; the thread's */
  atomic_uint queued;              /* arriving or waiting */
  atomic_bool cancels;             /* some request was cancelled since the thread last looked */

  pthread_mutex_t lock; /* guards all below */
  GQueue arrivals;      /* HttpRequest * */
  uint64_t orders;
  bool stopping, stopped;
};

static void
start_curl (void)
{
  curl_global_init (CURL_GLOBAL_DEFAULT);
}

static void
deliver (HttpRequest *request)
{
  if (request->error != NULL && request->answer.body != NULL)
    g_clear_pointer (&request->answer.body, g_byte_array_unref);
  request->done (request);
}

static void
fail_cancelled (HttpRequest *request)
{
  g_set_error_literal (&request->error, ZOHO_ERROR, ZOHO_ERROR_CANCELLED, GIVEN_UP);
  deliver (request);
}

/* One line "Name: value" of the answer, without its line end. */
static void
hear_header (HttpAnswer *answer, const char *line)
{
  const char *value = strchr (line, ':');
  size_t name = value != NULL ? (size_t)(value - line) : 0;

  if (value == NULL)
    return;
  for (value++; *value == ' ' || *value == '\t';)
    value++;
  if (name == 4 && g_ascii_strncasecmp (line, "Date", name) == 0)
    answer->server_time = MAX (curl_getdate (value, NULL), 0);
  else if (name == 23 && g_ascii_strncasecmp (line, "X-API-CREDITS-REMAINING", name) == 0 && g_ascii_isdigit (*value))
    answer->credits_remaining = CLAMP (g_ascii_strtoll (value, NULL, 10), 0, INT64_C (1000000000000));
  else if (name == 11 && g_ascii_strncasecmp (line, "Retry-After", name) == 0 && g_ascii_isdigit (*value))
    answer->retry_after_us = CLAMP (g_ascii_strtoll (value, NULL, 10), 0, 86400) * CLOCK_SECOND_US;
}

static size_t
take_header (char *data, size_t one, size_t size, void *user)
{
  HttpRequest *request = user;
  char line[512];

  request->header_bytes += size;
  if (request->header_bytes > HEADER_BYTES_MAX)
    return 0;
  if (size < sizeof line)
    {
      memcpy (line, data, size);
      line[size] = '\0';
      g_strchomp (line);
      hear_header (&request->answer, line);
    }
  return size;
}

static size_t
hand_on (HttpRequest *request, const char *data, size_t size)
{
  HttpPiece piece = { .bytes = data, .size = size, .length = request->answer.length, .hurry = request->hurry };

  request->answer.streamed = true;
  switch (request->take (request, &piece))
    {
    case HTTP_TOOK:
      return size;
    case HTTP_LATER:
      request->paused_us = MAX (clock_now_us (), 1);
      return CURL_WRITEFUNC_PAUSE;
    case HTTP_STOP:
      break;
    }
  request->stopped = true;
  return 0;
}

static bool
is_streamed (HttpRequest *request)
{
  curl_off_t length = -1;
  long status = 0;

  if (request->take == NULL)
    return false;
  curl_easy_getinfo (request->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo (request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  request->answer.length = length;
  return status == 200;
}

static size_t
take_body (char *data, size_t one, size_t size, void *user)
{
  HttpRequest *request = user;

  if (is_streamed (request))
    return hand_on (request, data, size);
  if (size > request->body_max - MIN (request->answer.body->len, request->body_max))
    {
      request->too_large = true;
      return 0;
    }
  g_byte_array_append (request->answer.body, (const guint8 *)data, size);
  return size;
}

static long
ms_left (const HttpRequest *request)
{
  return (long)CLAMP ((request->deadline_us - clock_now_us () + 999) / 1000, 1, INT32_MAX);
}

/* What comes next of the body, at most @size bytes; 0 at the end, -1: the file cannot be read. */
static ssize_t
next_of_upload (const HttpUpload *upload, int64_t at, char *data, size_t size)
{
  int64_t head = (int64_t)strlen (upload->head);
  const char *text = at < head ? upload->head + at : upload->tail;
  ssize_t got;

  if (at >= head && at < head + upload->size)
    {
      do
        got = pread (upload->fd, data, (size_t)MIN ((int64_t)size, head + upload->size - at), at - head);
      while (got < 0 && errno == EINTR);
      return got > 0 ? got : -1;
    }
  if (at >= head)
    text += at - head - upload->size;
  got = (ssize_t)MIN (strlen (text), size);
  memcpy (data, text, (size_t)got);
  return got;
}

static size_t
give_body (char *data, size_t one, size_t size, void *user)
{
  HttpRequest *request = user;
  ssize_t got = next_of_upload (request->upload, request->upload_at, data, one * size);

  if (got < 0)
    return CURL_READFUNC_ABORT;
  request->upload_at += got;
  return (size_t)got;
}

static int
seek_body (void *user, curl_off_t offset, int origin)
{
  HttpRequest *request = user;

  if (origin != SEEK_SET || offset < 0)
    return CURL_SEEKFUNC_FAIL;
  request->upload_at = offset;
  return CURL_SEEKFUNC_OK;
}

static void
set_upload (CURL *easy, HttpRequest *request)
{
  const HttpUpload *upload = request->upload;
  int64_t size = (int64_t)(strlen (upload->head) + strlen (upload->tail)) + upload->size;

  request->upload_at = 0;
  curl_easy_setopt (easy, CURLOPT_POST, 1L);
  curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
  curl_easy_setopt (easy, CURLOPT_READFUNCTION, give_body);
  curl_easy_setopt (easy, CURLOPT_READDATA, request);
  curl_easy_setopt (easy, CURLOPT_SEEKFUNCTION, seek_body);
  curl_easy_setopt (easy, CURLOPT_SEEKDATA, request);
}

static void
set_method (CURL *easy, const HttpRequest *request)
{
  bool sends = request->body != NULL || strcmp (request->method, "POST") == 0 || strcmp (request->method, "PUT") == 0;
  const char *body = request->body != NULL ? request->body : "";

  if (sends)
    {
      curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen (body));
      curl_easy_setopt (easy, CURLOPT_POSTFIELDS, body);
    }
  if (strcmp (request->method, sends ? "POST" : "GET") != 0)
    curl_easy_setopt (easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void
set_headers (CURL *easy, HttpRequest *request)
{
  struct curl_slist *lines = curl_slist_append (NULL, "Expect:");

  for (char **line = request->headers; line != NULL && *line != NULL; line++)
    lines = curl_slist_append (lines, *line);
  if (request->authorization != NULL)
    lines = curl_slist_append (lines, request->authorization);
  request->lines = lines;
  curl_easy_setopt (easy, CURLOPT_HTTPHEADER, lines);
}

/* A loopback server is reached without a proxy, all others only by https. */
static void
set_route (CURL *easy, const HttpRequest *request)
{
  g_autofree char *host = url_host (request->url);

  curl_easy_setopt (easy, CURLOPT_URL, request->url);
  if (host != NULL && url_host_is_loopback (host))
    {
      curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
      curl_easy_setopt (easy, CURLOPT_PROXY, "");
    }
  else
    curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt (easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt (easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 0L);
  /* Where streams share a connection, curl would keep in memory what a paused one has not taken yet. */
  curl_easy_setopt (easy, CURLOPT_HTTP_VERSION,
                    (long)(request->take != NULL ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt (easy, CURLOPT_PIPEWAIT, request->fresh ? 0L : 1L);
  curl_easy_setopt (easy, CURLOPT_FRESH_CONNECT, request->fresh ? 1L : 0L);
  curl_easy_setopt (easy, CURLOPT_TCP_KEEPALIVE, 1L);
}

static void
set_bounds (CURL *easy, HttpRequest *request)
{
  long left = ms_left (request);

  bool streams = request->take != NULL || request->upload != NULL;

  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
  if (streams)
    {
      curl_easy_setopt (easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
      curl_easy_setopt (easy, CURLOPT_LOW_SPEED_TIME, (left + 999) / 1000);
    }
  else
    curl_easy_setopt (easy, CURLOPT_TIMEOUT_MS, left);
  curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT_MS, MIN (left, CONNECT_MS_MAX));
  if (request->take == NULL)
    curl_easy_setopt (easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)MIN (request->body_max, INT64_MAX));
  curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, request->words);
}

static void
take_off (Http *http, HttpRequest *request)
{
  CURL *easy = curl_easy_init ();

  g_assert (easy != NULL);
  request->easy = easy;
  request->answer.body = g_byte_array_new ();
  set_route (easy, request);
  if (request->upload != NULL)
    set_upload (easy, request);
  else
    set_method (easy, request);
  set_headers (easy, request);
  set_bounds (easy, request);
  curl_easy_setopt (easy, CURLOPT_USERAGENT, "zohofs/" ZOHOFS_VERSION);
  if (request->take == NULL) /* a length must be that of the bytes */
    curl_easy_setopt (easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt (easy, CURLOPT_HEADERDATA, request);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt (easy, CURLOPT_WRITEDATA, request);
  curl_easy_setopt (easy, CURLOPT_PRIVATE, request);
  curl_multi_add_handle (http->multi, easy);
  g_queue_push_tail (&http->flying, request);
}

/* Takes @request away from curl. */
static void
touch_down (Http *http, HttpRequest *request)
{
  curl_off_t ready_us = 0, took_us = 0;
  long request_bytes = 0;

  curl_easy_getinfo (request->easy, CURLINFO_TOTAL_TIME_T, &took_us);
  request->took_us = took_us;
  curl_easy_getinfo (request->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  curl_easy_getinfo (request->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
  request->sent = ready_us > 0 || request_bytes > 0;
  curl_multi_remove_handle (http->multi, request->easy);
  curl_easy_cleanup (request->easy);
  curl_slist_free_all (request->lines);
  request->easy = request->lines = NULL;
  g_clear_pointer (&request->authorization, g_free);
  g_queue_remove (&http->flying, request);
}

static void
set_unreachable (HttpRequest *request, const char *host, CURLcode result)
{
  g_set_error (&request->error, ZOHO_ERROR, ZOHO_ERROR_UNREACHABLE, "%s %s (%s); check the network, then try again",
               request->sent ? "The connection broke to" : "There is no connection to", host,
               request->words[0] != '\0' ? request->words : curl_easy_strerror (result));
}

/* Its time was over before there was a connection. Where that was hardly any time, it says nothing of the network. */
static void
set_unsent (HttpRequest *request, const char *host)
{
  if (request->took_us < CONNECT_US_LEAST)
    g_set_error_literal (&request->error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT, LATE);
  else
    set_unreachable (request, host, CURLE_OPERATION_TIMEDOUT);
}

static void
set_error (HttpRequest *request, CURLcode result)
{
  g_autofree char *parsed = url_host (request->url);
  const char *host = parsed != NULL ? parsed : "the server";

  switch (result)
    {
    case CURLE_OPERATION_TIMEDOUT:
      if (request->sent)
        g_set_error (&request->error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT,
                     "The answer of %s did not come in time; try again later", host);
      else
        set_unsent (request, host);
      return;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      set_unreachable (request, host, result);
      return;
    case CURLE_PEER_FAILED_VERIFICATION:
      g_set_error (&request->error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
                   "The certificate of %s is not trusted (%s); a proxy may be in between, or the clock may be wrong",
                   host, request->words);
      return;
    default:
      g_set_error (&request->error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The answer of %s makes no sense (%s)", host,
                   request->words[0] != '\0' ? request->words : curl_easy_strerror (result));
    }
}

static void
land (Http *http, HttpRequest *request, CURLcode result)
{
  long status = 0;

  curl_easy_getinfo (request->easy, CURLINFO_RESPONSE_CODE, &status);
  request->answer.status = (int)status;
  is_streamed (request);
  touch_down (http, request);
  if (request->stopped)
    g_set_error_literal (&request->error, ZOHO_ERROR, ZOHO_ERROR_CANCELLED, GIVEN_UP);
  else if (request->too_large || result == CURLE_FILESIZE_EXCEEDED)
    g_set_error (&request->error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE, "The answer is larger than %zu bytes",
                 request->body_max);
  else if (result != CURLE_OK)
    set_error (request, result);
  deliver (request);
}

/* Returns: whether something landed, so that others may go now. */
static bool
land_finished (Http *http)
{
  bool landed = false;
  CURLMsg *message;
  int left;

  while ((message = curl_multi_info_read (http->multi, &left)) != NULL)
    {
      HttpRequest *request = NULL;

      if (message->msg != CURLMSG_DONE)
        continue;
      curl_easy_getinfo (message->easy_handle, CURLINFO_PRIVATE, &request);
      land (http, request, message->data.result);
      landed = true;
    }
  return landed;
}

/* Keeps the order of first sending, so that a retry does not go to the end of the line. */
static void
line_up (Http *http, HttpRequest *request)
{
  GQueue *queue = &http->waiting[MIN (request->priority, HTTP_PRIORITIES - 1)];
  GList *before = queue->tail;

  while (before != NULL && ((HttpRequest *)before->data)->order > request->order)
    before = before->prev;
  g_queue_insert_after (queue, before, request);
}

/* Returns: false when the thread must end. */
static bool
take_arrivals (Http *http)
{
  GQueue arrived = G_QUEUE_INIT;
  HttpRequest *request;
  bool stopping;

  {
    LOCKED (&http->lock);
    while ((request = g_queue_pop_head (&http->arrivals)) != NULL)
      g_queue_push_tail (&arrived, request);
    stopping = http->stopping;
  }
  while ((request = g_queue_pop_head (&arrived)) != NULL)
    line_up (http, request);
  return !stopping;
}

static void
land_cancelled (Http *http)
{
  for (GList *link = http->flying.head, *next; link != NULL; link = next)
    {
      HttpRequest *request = link->data;

      next = link->next;
      if (!atomic_load (&request->cancelled))
        continue;
      touch_down (http, request);
      fail_cancelled (request);
    }
}

static void
resume_paused (Http *http)
{
  for (GList *link = http->flying.head, *next; link != NULL; link = next)
    {
      HttpRequest *request = link->data;
      bool resumed = atomic_exchange (&request->resumed, false);

      next = link->next;
      if (request->paused_us == 0)
        continue;
      request->hurry |= clock_now_us () - request->paused_us >= PAUSED_MAX_US;
      if (!resumed && !request->hurry)
        continue;
      request->paused_us = 0;
      curl_easy_pause (request->easy, CURLPAUSE_CONT);
    }
}

static HttpVerdict
ask_gate (Http *http, HttpRequest *request, int64_t now_us)
{
  if (request->not_before_us > now_us)
    return HTTP_HELD;
  return request->gated ? http->gate (request, http->gate_data, &request->error) : HTTP_GO;
}

/* A call that gets its turn with less time left than this could only fail to connect, which would be the wrong news. */
#define START_US_MIN (20 * 1000)

/* One look at all who wait. */
typedef struct
{
  int64_t now_us;
  int64_t again_us; /* when the next look is due at the latest */
  bool full;        /* no gated request may go in this look */
} Look;

/* Starts @request, ends it when it is late, cancelled or refused, or leaves it waiting. Returns: false when it stays.
 */
static bool
try_to_start (Http *http, HttpRequest *request, Look *look)
{
  HttpVerdict verdict;

  if (atomic_load (&request->cancelled))
    g_set_error_literal (&request->error, ZOHO_ERROR, ZOHO_ERROR_CANCELLED, GIVEN_UP);
  else if (look->now_us + START_US_MIN >= request->deadline_us)
    g_set_error_literal (&request->error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT, LATE);
  if (request->error != NULL)
    return true;
  verdict = look->full && request->gated ? HTTP_FULL : ask_gate (http, request, look->now_us);
  look->full |= verdict == HTTP_FULL;
  if (verdict == HTTP_GO)
    take_off (http, request);
  return verdict == HTTP_GO || verdict == HTTP_REFUSED;
}

/* Returns: when to look again. */
static int64_t
look_at_waiting (Http *http)
{
  Look look = { .now_us = clock_now_us (), .again_us = INT64_MAX };

  for (unsigned priority = 0; priority < HTTP_PRIORITIES; priority++)
    for (GList *link = http->waiting[priority].head, *next; link != NULL; link = next)
      {
        HttpRequest *request = link->data;

        next = link->next;
        if (!try_to_start (http, request, &look))
          {
            look.again_us = MIN (look.again_us,
                                 request->not_before_us > look.now_us ? request->not_before_us : request->deadline_us);
            continue;
          }
        g_queue_delete_link (&http->waiting[priority], link);
        atomic_fetch_sub (&http->queued, 1);
        if (request->error != NULL)
          deliver (request);
      }
  return look.again_us;
}

static int
pause_ms (Http *http, int64_t look_us)
{
  if (look_us == INT64_MAX)
    return http->flying.length == 0 ? IDLE_MS : PAUSE_MS_MAX;
  return (int)CLAMP ((look_us - clock_now_us () + 999) / 1000, 0, PAUSE_MS_MAX);
}

static void
end_all (Http *http)
{
  HttpRequest *request;

  while ((request = g_queue_peek_head (&http->flying)) != NULL)
    {
      touch_down (http, request);
      fail_cancelled (request);
    }
  for (unsigned priority = 0; priority < HTTP_PRIORITIES; priority++)
    while ((request = g_queue_pop_head (&http->waiting[priority])) != NULL)
      {
        atomic_fetch_sub (&http->queued, 1);
        fail_cancelled (request);
      }
}

static void *
serve (void *data)
{
  Http *http = data;
  sigset_t all;
  int running;

  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, NULL);
  for (;;)
    {
      /* Asked before the arrivals are taken: a cancel seen here is of a request seen below. */
      bool cancels = atomic_exchange (&http->cancels, false);
      int64_t look_us;

      if (!take_arrivals (http))
        break;
      if (cancels)
        land_cancelled (http);
      resume_paused (http);
      look_us = look_at_waiting (http);
      curl_multi_perform (http->multi, &running);
      if (!land_finished (http))
        curl_multi_poll (http->multi, NULL, 0, pause_ms (http, look_us), NULL);
    }
  end_all (http);
  return NULL;
}

Http *
http_new (unsigned connections, HttpGate gate, void *data, GError **error)
{
  static pthread_once_t started = PTHREAD_ONCE_INIT;
  g_autofree Http *http = g_new0 (Http, 1);

  pthread_once (&started, start_curl);
  http->multi = curl_multi_init ();
  if (http->multi == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The HTTP library cannot start; is there memory left?");
      return NULL;
    }
  curl_multi_setopt (http->multi, CURLMOPT_MAXCONNECTS, (long)connections);
  http->gate = gate;
  http->gate_data = data;
  pthread_mutex_init (&http->lock, NULL);
  if (pthread_create (&http->thread, NULL, serve, http) != 0)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "No thread for the network can be started");
      curl_multi_cleanup (http->multi);
      pthread_mutex_destroy (&http->lock);
      return NULL;
    }
  pthread_setname_np (http->thread, "zohofs-http");
  return g_steal_pointer (&http);
}

void
http_send (Http *http, HttpRequest *request)
{
  bool stopped;

  {
    LOCKED (&http->lock);
    stopped = http->stopping;
    if (request->order == 0)
      request->order = ++http->orders;
    if (!stopped)
      {
        atomic_fetch_add (&http->queued, 1);
        g_queue_push_tail (&http->arrivals, request);
      }
  }
  if (stopped)
    fail_cancelled (request);
  else
    http_wake (http);
}

void
http_cancel (Http *http, HttpRequest *request)
{
  atomic_store (&request->cancelled, true);
  atomic_store (&http->cancels, true);
  http_wake (http);
}

void
http_resume (Http *http, HttpRequest *request)
{
  atomic_store (&request->resumed, true);
  http_wake (http);
}

void
http_wake (Http *http)
{
  curl_multi_wakeup (http->multi);
}

unsigned
http_queued (Http *http)
{
  return atomic_load (&http->queued);
}

void
http_reset (HttpRequest *request)
{
  g_clear_pointer (&request->answer.body, g_byte_array_unref);
  g_clear_pointer (&request->authorization, g_free);
  g_clear_error (&request->error);
  request->answer = (HttpAnswer){ .credits_remaining = -1, .retry_after_us = -1, .length = -1 };
  request->sent = request->too_large = request->stopped = request->hurry = false;
  request->paused_us = 0;
  request->header_bytes = 0;
  request->words[0] = '\0';
}

void
http_stop (Http *http)
{
  {
    LOCKED (&http->lock);
    if (http->stopped)
      return;
    http->stopping = http->stopped = true;
  }
  http_wake (http);
  pthread_join (http->thread, NULL);
}

void
http_free (Http *http)
{
  if (http == NULL)
    return;
  http_stop (http);
  curl_multi_cleanup (http->multi);
  pthread_mutex_destroy (&http->lock);
  g_free (http);
}
