/* Where the browser comes back to. Anybody on this machine can connect, and any web page can send the browser here:
 * so only a request with the state of this sign-in counts, only one of these does, and the rest gets a page that
 * says no. */
#include "app/loopback.h"

#include "api/token_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATH "/callback"
#define LINK_BYTES 16
#define WORD_MAX 200

enum
{
  CONNECTIONS = 32,
  MEMORY_BYTES = 32 * 1024,
  IDLE_SECONDS = 60,
  PAGE_SECONDS = 10 /* for the last page to be sent */
};

/*   state      leaves when
 *   LISTENING  the browser comes with the right state            -> CAME
 *   CAME       loopback_tell(); that request waits meanwhile     -> TOLD
 *   TOLD       the answer to that request was sent               -> SENT  */
typedef enum
{
  LISTENING,
  CAME,
  TOLD,
  SENT
} Phase;

struct Loopback
{
  struct MHD_Daemon *server;
  char *state, *address, *host; /* host: "127.0.0.1:PORT" */

  pthread_mutex_t lock;   /* guards all below */
  pthread_cond_t changed; /* @phase */
  Phase phase;
  LoopbackAnswer answer; /* from CAME on, until it is taken */
  bool good;
  char *words;
  char *link_path, *link_url; /* NULL: used, or none */
};

/* A request, from its first byte on. */
typedef struct
{
  bool seen;
  bool awaited; /* the one that CAME */
} Visit;

/* ---- pages ------------------------------------------------------------------------------------------------------- */

static const char page[]
    = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>zohofs: %s</title>"
      "<meta name=\"viewport\" content=\"width=device-width\"><style>"
      "body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em;color:#222;"
      "background:#fafafa}h1{font-size:1.5em;color:%s}"
      "@media(prefers-color-scheme:dark){body{color:#ddd;background:#1c1c1c}}"
      "</style></head><body><h1>%s</h1><p>%s</p></body></html>\n";

static enum MHD_Result
send_page (struct MHD_Connection *connection, unsigned status, const char *title, const char *words)
{
  g_autofree char *escaped = g_markup_escape_text (words, -1);
  char *text = g_strdup_printf (page, title, status == MHD_HTTP_OK ? "#27823b" : "#b3261e", title, escaped);
  struct MHD_Response *response
      = MHD_create_response_from_buffer_with_free_callback (strlen (text), text, g_free);
  enum MHD_Result result;

  MHD_add_response_header (response, "Content-Type", "text/html; charset=utf-8");
  MHD_add_response_header (response, "Content-Security-Policy",
                           "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
                           "frame-ancestors 'none'");
  MHD_add_response_header (response, "Cache-Control", "no-store");
  MHD_add_response_header (response, "Referrer-Policy", "no-referrer");
  MHD_add_response_header (response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header (response, "Connection", "close");
  result = MHD_queue_response (connection, status, response);
  MHD_destroy_response (response);
  return result;
}

static enum MHD_Result
send_on (struct MHD_Connection *connection, const char *url)
{
  struct MHD_Response *response = MHD_create_response_from_buffer (0, (void *) "", MHD_RESPMEM_PERSISTENT);
  enum MHD_Result result;

  MHD_add_response_header (response, "Location", url);
  MHD_add_response_header (response, "Cache-Control", "no-store");
  MHD_add_response_header (response, "Referrer-Policy", "no-referrer");
  MHD_add_response_header (response, "Connection", "close");
  result = MHD_queue_response (connection, MHD_HTTP_FOUND, response);
  MHD_destroy_response (response);
  return result;
}

/* ---- visits ------------------------------------------------------------------------------------------------------ */

/* Takes as long wherever the first difference is. */
static bool
is_same (const char *text, const char *secret)
{
  size_t size = strlen (secret);
  unsigned char differs = 0;

  if (text == NULL || strlen (text) != size)
    return false;
  for (size_t i = 0; i < size; i++)
    differs |= (unsigned char) (text[i] ^ secret[i]);
  return differs == 0;
}

static const char *
argument (struct MHD_Connection *connection, const char *name)
{
  return MHD_lookup_connection_value (connection, MHD_GET_ARGUMENT_KIND, name);
}

/* What is no word of Zoho's becomes "unknown". */
static char *
word_of (const char *text)
{
  if (text == NULL || *text == '\0' || strlen (text) > WORD_MAX)
    return g_strdup ("unknown");
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_- .", *c) == NULL)
      return g_strdup ("unknown");
  return g_strdup (text);
}

/* Lock held. */
static void
take_answer (Loopback *loopback, struct MHD_Connection *connection)
{
  const char *code = argument (connection, "code");
  LoopbackAnswer *answer = &loopback->answer;

  answer->code = token_is_good (code) ? g_strdup (code) : NULL;
  answer->refusal = answer->code == NULL ? word_of (argument (connection, "error")) : NULL;
  answer->location = g_strdup (argument (connection, "location"));
  answer->accounts_server = g_strdup (argument (connection, "accounts-server"));
  loopback->phase = CAME;
  pthread_cond_broadcast (&loopback->changed);
}

static enum MHD_Result
serve_callback (Loopback *loopback, struct MHD_Connection *connection, Visit *visit)
{
  LOCKED (&loopback->lock);

  if (!is_same (argument (connection, "state"), loopback->state))
    return send_page (connection, MHD_HTTP_FORBIDDEN, "Not this sign-in",
                      "This answer does not belong to the sign-in that zohofs waits for, and was not used. Go back to the "
                      "page of Zoho that zohofs opened, or run zohofs login again.");
  if (loopback->phase != LISTENING)
    return send_page (connection, MHD_HTTP_GONE, "Already used",
                      "This answer was used before. The terminal says how the sign-in ended.");
  take_answer (loopback, connection);
  visit->awaited = true;
  while (loopback->phase == CAME)
    pthread_cond_wait (&loopback->changed, &loopback->lock);
  return send_page (connection, loopback->good ? MHD_HTTP_OK : MHD_HTTP_BAD_REQUEST,
                    loopback->good ? "You are signed in" : "Not signed in", loopback->words);
}

static enum MHD_Result
serve_link (Loopback *loopback, struct MHD_Connection *connection, const char *path)
{
  LOCKED (&loopback->lock);
  g_autofree char *url = NULL;

  if (loopback->link_path == NULL || !is_same (path, loopback->link_path))
    return send_page (connection, MHD_HTTP_NOT_FOUND, "Nothing here",
                      "This link of zohofs works once. Open the address that zohofs login shows in the terminal.");
  url = g_steal_pointer (&loopback->link_url);
  g_clear_pointer (&loopback->link_path, g_free);
  return send_on (connection, url);
}

static enum MHD_Result
on_request (void *data, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
            const char *upload, size_t *upload_size, void **context)
{
  Loopback *loopback = data;
  Visit *visit = *context;
  const char *host;

  if (visit == NULL)
    {
      *context = g_new0 (Visit, 1);
      return MHD_YES;
    }
  if (!g_str_equal (method, "GET") || *upload_size > 0)
    return MHD_NO;
  if (visit->seen)
    return MHD_YES;
  visit->seen = true;
  /* A name that somebody made to mean this machine is not ours. */
  host = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, "Host");
  if (host == NULL || !g_str_equal (host, loopback->host))
    return send_page (connection, MHD_HTTP_FORBIDDEN, "Not here", "zohofs answers at its own address only.");
  return g_str_equal (path, PATH) ? serve_callback (loopback, connection, visit)
                                  : serve_link (loopback, connection, path);
}

static void
on_completed (void *data, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
  Loopback *loopback = data;
  Visit *visit = *context;

  if (visit == NULL)
    return;
  *context = NULL;
  if (visit->awaited)
    {
      LOCKED (&loopback->lock);
      loopback->phase = SENT;
      pthread_cond_broadcast (&loopback->changed);
    }
  g_free (visit);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static int
listen_on (unsigned port, unsigned *bound)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port) };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (fd >= 0 && bind (fd, (struct sockaddr *) &address, sizeof address) == 0 && listen (fd, CONNECTIONS) == 0
      && getsockname (fd, (struct sockaddr *) &address, &size) == 0)
    {
      *bound = ntohs (address.sin_port);
      return fd;
    }
  if (fd >= 0)
    close (fd);
  return -1;
}

static struct MHD_Daemon *
start_server (Loopback *loopback, int fd)
{
  return MHD_start_daemon (MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC, 0,
                           NULL, NULL, on_request, loopback, MHD_OPTION_LISTEN_SOCKET, fd,
                           MHD_OPTION_NOTIFY_COMPLETED, on_completed, loopback, MHD_OPTION_CONNECTION_LIMIT,
                           (unsigned) CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) MEMORY_BYTES,
                           MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) IDLE_SECONDS, MHD_OPTION_END);
}

/* Lock held. Returns: false at @deadline_us. */
static bool
wait_changed (Loopback *loopback, int64_t deadline_us)
{
  int64_t left_us = deadline_us - clock_now_us ();
  struct timespec until;

  if (left_us <= 0)
    return false;
  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += left_us / CLOCK_SECOND_US;
  until.tv_nsec += left_us % CLOCK_SECOND_US * 1000;
  if (until.tv_nsec >= 1000000000)
    {
      until.tv_sec++;
      until.tv_nsec -= 1000000000;
    }
  pthread_cond_timedwait (&loopback->changed, &loopback->lock, &until);
  return true;
}

void
loopback_answer_clear (LoopbackAnswer *answer)
{
  if (answer->code != NULL)
    explicit_bzero (answer->code, strlen (answer->code));
  g_clear_pointer (&answer->code, g_free);
  g_clear_pointer (&answer->refusal, g_free);
  g_clear_pointer (&answer->location, g_free);
  g_clear_pointer (&answer->accounts_server, g_free);
}

Loopback *
loopback_new (unsigned port, const char *state, GError **error)
{
  g_autoptr (Loopback) loopback = g_new0 (Loopback, 1);
  unsigned bound = 0;
  pthread_condattr_t monotonic;
  int fd;

  pthread_mutex_init (&loopback->lock, NULL);
  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init (&loopback->changed, &monotonic);
  pthread_condattr_destroy (&monotonic);
  loopback->state = g_strdup (state);
  fd = listen_on (port, &bound);
  if (fd < 0)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
                   "Port %u of 127.0.0.1, where the browser is to come back to, cannot be listened on: %s. Give another "
                   "one with --port, or sign in with --device.", port, g_strerror (errno));
      return NULL;
    }
  loopback->host = g_strdup_printf ("127.0.0.1:%u", bound);
  loopback->address = g_strdup_printf ("http://%s" PATH, loopback->host);
  loopback->server = start_server (loopback, fd);
  if (loopback->server != NULL)
    return g_steal_pointer (&loopback);
  close (fd);
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The server that the browser comes back to does not start.");
  return NULL;
}

const char *
loopback_address (Loopback *loopback)
{
  return loopback->address;
}

char *
loopback_link (Loopback *loopback, const char *url)
{
  unsigned char bytes[LINK_BYTES];
  GString *path = g_string_new ("/");
  LOCKED (&loopback->lock);

  if (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    g_error ("the kernel gives no random bytes");
  for (size_t i = 0; i < sizeof bytes; i++)
    g_string_append_printf (path, "%02x", bytes[i]);
  loopback->link_path = g_string_free (path, FALSE);
  loopback->link_url = g_strdup (url);
  return g_strdup_printf ("http://%s%s", loopback->host, loopback->link_path);
}

bool
loopback_wait (Loopback *loopback, int64_t deadline_us, LoopbackAnswer *answer, GError **error)
{
  LOCKED (&loopback->lock);

  while (loopback->phase == LISTENING)
    if (!wait_changed (loopback, deadline_us))
      {
        g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT,
                     "Nobody came back from Zoho's page in time. If it showed an error about the redirect address, add %s "
                     "to the client in the API console and say --port; or sign in with --device.", loopback->address);
        return false;
      }
  *answer = loopback->answer;
  loopback->answer = (LoopbackAnswer){ NULL };
  return true;
}

void
loopback_tell (Loopback *loopback, bool good, const char *words)
{
  int64_t deadline_us = clock_now_us () + PAGE_SECONDS * CLOCK_SECOND_US;
  LOCKED (&loopback->lock);

  if (loopback->phase != CAME)
    return;
  loopback->good = good;
  g_free (loopback->words);
  loopback->words = g_strdup (words);
  loopback->phase = TOLD;
  pthread_cond_broadcast (&loopback->changed);
  while (loopback->phase == TOLD && wait_changed (loopback, deadline_us))
    continue;
}

void
loopback_free (Loopback *loopback)
{
  if (loopback == NULL)
    return;
  loopback_tell (loopback, false, "zohofs login has ended.");
  if (loopback->server != NULL)
    MHD_stop_daemon (loopback->server);
  loopback_answer_clear (&loopback->answer);
  pthread_cond_destroy (&loopback->changed);
  pthread_mutex_destroy (&loopback->lock);
  g_free (loopback->state);
  g_free (loopback->address);
  g_free (loopback->host);
  g_free (loopback->words);
  g_free (loopback->link_path);
  g_free (loopback->link_url);
  g_free (loopback);
}
