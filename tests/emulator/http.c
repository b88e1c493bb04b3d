/* The HTTP side: a thread per connection, so that a call that waits (latency, stalls) holds up nobody else. Requests
 * become Request, Reply becomes bytes, and faults come between. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core.h"

enum
{
  MOST_BODY = 110 * 1000 * 1000,
  MOST_CONNECTIONS = 900,
  IDLE_SECONDS = 120,
  STACK_BYTES = 1024 * 1024,
  MEMORY_BYTES = 256 * 1024,
  BACKLOG = 512
};

typedef struct
{
  GString *body;
  bool too_big;
  bool answered;
} Upload;

/* A body sent piece by piece: one that breaks off, or one that is made while it is sent. */
typedef struct
{
  GBytes *bytes; /* NULL: endless 'a' */
  uint64_t end;  /* where it breaks off, or ends */
  bool breaks;
} Stream;

static struct MHD_Daemon *server, *second_server; /* the second: NULL, or of the second data centre */
static pthread_key_t uri_key; /* the request line's target, per connection thread */

/* ---- requests ---------------------------------------------------------------------------------------------------- */

char *
url_decode (const char *text, gssize length, bool plus)
{
  const char *end = length < 0 ? text + strlen (text) : text + length;
  GString *out = g_string_sized_new ((gsize) (end - text));

  for (const char *c = text; c < end; c++)
    {
      if (*c == '+' && plus)
        g_string_append_c (out, ' ');
      else if (*c != '%')
        g_string_append_c (out, *c);
      else if (end - c > 2 && g_ascii_isxdigit (c[1]) && g_ascii_isxdigit (c[2]))
        {
          g_string_append_c (out, (char) (g_ascii_xdigit_value (c[1]) * 16 + g_ascii_xdigit_value (c[2])));
          c += 2;
        }
      else
        {
          g_string_free (out, TRUE);
          return NULL;
        }
    }
  if (!g_utf8_validate (out->str, (gssize) out->len, NULL))
    {
      g_string_free (out, TRUE);
      return NULL;
    }
  return g_string_free (out, FALSE);
}

GHashTable *
query_parse (const char *text, gssize length)
{
  g_autofree char *copy = length < 0 ? g_strdup (text) : g_strndup (text, (gsize) length);
  g_auto (GStrv) parts = g_strsplit (copy, "&", -1);
  GHashTable *query = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (char **part = parts; *part != NULL; part++)
    {
      const char *equals = strchr (*part, '=');
      char *name = url_decode (*part, equals == NULL ? -1 : equals - *part, true);
      char *value = equals == NULL ? g_strdup ("") : url_decode (equals + 1, -1, true);

      if (name == NULL || value == NULL)
        {
          g_free (name);
          g_free (value);
          g_hash_table_unref (query);
          return NULL;
        }
      if (*name == '\0')
        {
          g_free (name);
          g_free (value);
        }
      else
        g_hash_table_replace (query, name, value);
    }
  return query;
}

static enum MHD_Result
take_header (void *data, enum MHD_ValueKind kind, const char *key, const char *value)
{
  g_hash_table_replace (data, g_ascii_strdown (key, -1), value == NULL ? g_strdup ("") : g_utf8_make_valid (value, -1));
  return MHD_YES;
}

static GPtrArray *
split_path (const char *path)
{
  static const char *const bases[] = { "/crm/bulk/v8/", "/crm/v8/", "/" };
  GPtrArray *segments = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) parts = NULL;

  for (unsigned i = 0; i < G_N_ELEMENTS (bases); i++)
    {
      if (!g_str_has_prefix (path, bases[i]))
        continue;
      parts = g_strsplit (path + strlen (bases[i]), "/", -1);
      break;
    }
  for (char **part = parts; part != NULL && *part != NULL; part++)
    {
      char *segment = url_decode (*part, -1, false);

      if (segment == NULL)
        {
          g_ptr_array_unref (segments);
          return NULL;
        }
      if (*segment == '\0' && part[1] == NULL)
        g_free (segment); /* a trailing slash */
      else
        g_ptr_array_add (segments, segment);
    }
  return segments;
}

/* false: not a request at all. */
static bool
request_init (Request *request, struct MHD_Connection *connection, const char *method, const char *uri,
              const Upload *upload)
{
  const union MHD_ConnectionInfo *info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  const char *mark = strchr (uri, '?');

  *request = (Request){ .method = method, .fd = info == NULL ? -1 : info->connect_fd };
  request->path = mark == NULL ? g_utf8_make_valid (uri, -1) : g_utf8_make_valid (uri, mark - uri);
  request->raw_query = mark == NULL ? g_strdup ("") : g_utf8_make_valid (mark + 1, -1);
  request->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  MHD_get_connection_values (connection, MHD_HEADER_KIND, take_header, request->headers);
  request->segments = split_path (request->path);
  request->query = query_parse (request->raw_query, -1);
  request->external = g_hash_table_contains (request->headers, "x-external");
  request->body = upload->body == NULL ? "" : upload->body->str;
  request->body_size = upload->body == NULL ? 0 : upload->body->len;
  return request->segments != NULL && request->query != NULL;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void
free_bytes (void *data)
{
  g_bytes_unref (data);
}

static ssize_t
stream_read (void *data, uint64_t at, char *out, size_t most)
{
  const Stream *stream = data;
  size_t length = (size_t) MIN ((uint64_t) most, stream->end - MIN (stream->end, at));

  if (length == 0)
    return stream->breaks ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
  if (stream->bytes != NULL)
    memcpy (out, (const char *) g_bytes_get_data (stream->bytes, NULL) + at, length);
  else
    memset (out, 'a', length);
  return (ssize_t) length;
}

static void
stream_free (void *data)
{
  Stream *stream = data;

  g_clear_pointer (&stream->bytes, g_bytes_unref);
  g_free (stream);
}

static struct MHD_Response *
stream_response (GBytes *bytes, uint64_t end, uint64_t size, bool breaks)
{
  Stream *stream = g_new0 (Stream, 1);

  stream->bytes = bytes == NULL ? NULL : g_bytes_ref (bytes);
  stream->end = end;
  stream->breaks = breaks;
  return MHD_create_response_from_callback (size, 64 * 1024, stream_read, stream, stream_free);
}

static struct MHD_Response *
body_response (const Reply *reply, const Fault *fault)
{
  size_t size = reply->body == NULL ? 0 : g_bytes_get_size (reply->body);

  if (fault->huge_mb > 0)
    return stream_response (NULL, (uint64_t) fault->huge_mb * 1000000, MHD_SIZE_UNKNOWN, false);
  if (fault->cut && size > 0)
    return stream_response (reply->body, size / 2, size, true);
  if (size == 0)
    return MHD_create_response_from_buffer (0, (void *) "", MHD_RESPMEM_PERSISTENT);
  return MHD_create_response_from_buffer_with_free_callback_cls (size, (void *) g_bytes_get_data (reply->body, NULL),
                                                                 free_bytes, g_bytes_ref (reply->body));
}

static void
add_date (Emulator *emulator, struct MHD_Response *response)
{
  g_autoptr (GDateTime) now = g_date_time_new_from_unix_utc (emulator_now (emulator));
  static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
  static const char *const months[]
      = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  char text[64];

  g_snprintf (text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", days[g_date_time_get_day_of_week (now) - 1],
              g_date_time_get_day_of_month (now), months[g_date_time_get_month (now) - 1], g_date_time_get_year (now),
              g_date_time_get_hour (now), g_date_time_get_minute (now), g_date_time_get_second (now));
  MHD_add_response_header (response, "Date", text);
}

static void
add_disposition (struct MHD_Response *response, const char *file_name)
{
  g_autofree char *escaped = g_uri_escape_string (file_name, "!#$&+-.^_`|~", FALSE);
  /* Zoho's SDKs find the name of a download only in this form; JSON answers have the plain one. */
  g_autofree char *value = strcmp (file_name, "response.json") == 0
                               ? g_strdup_printf ("attachment; filename=%s", file_name)
                               : g_strdup_printf ("attachment; filename*=UTF-8''%s", escaped);

  MHD_add_response_header (response, "Content-Disposition", value);
}

static void
add_headers (Emulator *emulator, struct MHD_Response *response, const Reply *reply, const Fault *fault)
{
  const char *type = reply->content_type;
  char text[32];
  const char *key;
  json_t *value;

  add_date (emulator, response);
  if (reply->body != NULL)
    {
      MHD_add_response_header (response, "Content-Type", type == NULL ? "application/json;charset=utf-8" : type);
      if (reply->file_name != NULL || type == NULL)
        add_disposition (response, reply->file_name == NULL ? "response.json" : reply->file_name);
    }
  if (reply->location != NULL)
    MHD_add_response_header (response, "Location", reply->location);
  if (reply->token_ends != 0)
    {
      format_time (reply->token_ends, text);
      MHD_add_response_header (response, "X-ACCESSTOKEN-RESET", text);
    }
  if (reply->credits_left >= 0)
    {
      g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, reply->credits_left);
      MHD_add_response_header (response, "X-API-CREDITS-REMAINING", text);
    }
  json_object_foreach (fault->headers, key, value)
    {
      if (json_is_string (value))
        MHD_add_response_header (response, key, json_string_value (value));
    }
}

static enum MHD_Result
send_reply (Emulator *emulator, struct MHD_Connection *connection, const Reply *reply, const Fault *fault)
{
  struct MHD_Response *response = body_response (reply, fault);
  enum MHD_Result result;

  add_headers (emulator, response, reply, fault);
  result = MHD_queue_response (connection, reply->status, response);
  MHD_destroy_response (response);
  return result;
}

/* The peer sees the connection reset, not closed. */
static void
reset_connection (int fd)
{
  struct sockaddr nothing = { .sa_family = AF_UNSPEC };

  if (connect (fd, &nothing, sizeof nothing) != 0)
    g_debug ("the connection was gone before it could be reset");
}

static void
reply_text (Reply *reply, unsigned status, const char *type, const char *text)
{
  reply_bytes (reply, status, type, NULL, g_bytes_new (text, strlen (text)));
}

/* What the fault makes of a call instead of its answer. false: it leaves the answer as it is. */
static bool
replace_reply (const Fault *fault, Reply *reply)
{
  unsigned status = fault->status != 0 ? (unsigned) fault->status : 200;

  if (fault->body != NULL)
    reply_text (reply, status, NULL, fault->body);
  else if (fault->html)
    reply_text (
        reply, status, "text/html;charset=utf-8",
        "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We'll be back</h1></body></html>");
  else if (fault->status == 204 || fault->status == 304)
    reply_empty (reply, status);
  else if (fault->status != 0)
    {
      const char *code = fault->code != NULL ? fault->code
                         : status == 429     ? "TOO_MANY_REQUESTS"
                         : status == 401     ? "INVALID_TOKEN"
                         : status >= 502     ? "SERVICE_UNAVAILABLE"
                                             : "INTERNAL_ERROR";

      reply_error (reply, status, code, "made to fail", NULL);
    }
  else
    return false;
  reply->rejected = false;
  reply->credits = status == 429 ? 0 : 1;
  return true;
}

/* The last third of the text is gone, the length fits what is left. */
static void
spoil (Reply *reply)
{
  size_t size = reply->body == NULL ? 0 : g_bytes_get_size (reply->body);
  GBytes *part = size == 0 ? g_bytes_new_static ("{\"data\":[{", 10)
                           : g_bytes_new_from_bytes (reply->body, 0, size - size / 3 - 1);

  reply->status = size == 0 ? 200 : reply->status;
  g_clear_pointer (&reply->body, g_bytes_unref);
  reply->body = part;
}

static void
answer (Emulator *emulator, Request *request, Reply *reply, const Fault *fault)
{
  if (replace_reply (fault, reply))
    {
      if (reply->credits > 0)
        ledger_spend (emulator, reply->credits);
    }
  else if (oauth_owns (request))
    oauth_answer (emulator, request, reply);
  else
    routes_answer (emulator, request, reply);
  if (fault->malformed)
    spoil (reply);
}

/* false: the connection was reset, or the peer has left. */
static bool
serve (Emulator *emulator, Request *request, Reply *reply, Fault *fault)
{
  bool counted = !oauth_owns (request);
  uint64_t number = ledger_begin (request, emulator_now (emulator), counted);
  int64_t start = g_get_monotonic_time ();

  faults_take (request, fault);
  faults_wait (fault, fault->delay_ms, request->fd);
  if (fault->stall || fault->stall_ms > 0)
    faults_wait (fault, fault->stall ? -1 : fault->stall_ms, request->fd);
  if (!fault->reset)
    answer (emulator, request, reply, fault);
  ledger_end (number, reply, (double) (g_get_monotonic_time () - start) / 1000, counted);
  if (fault->reset)
    reset_connection (request->fd);
  return !fault->reset;
}

static enum MHD_Result
process (Emulator *emulator, struct MHD_Connection *connection, const char *method, const char *uri,
         const Upload *upload)
{
  Request request;
  Reply reply = { .status = 500, .credits_left = -1 };
  Fault fault = { 0 };
  enum MHD_Result result = MHD_NO;
  bool sound = request_init (&request, connection, method, uri, upload);

  if (!sound)
    reply_error (&reply, 400, "INVALID_DATA", "the URL is not valid", NULL);
  else if (upload->too_big)
    reply_error (&reply, 413, "BODY_SIZE_REACHED", "the request is too large", NULL);
  else if (admin_owns (&request))
    admin_answer (emulator, &request, &reply);
  else
    sound = serve (emulator, &request, &reply, &fault);
  if (sound || reply.status != 500)
    result = send_reply (emulator, connection, &reply, &fault);
  request_clear (&request);
  reply_clear (&reply);
  fault_clear (&fault);
  return result;
}

static void *
keep_uri (void *data, const char *uri, struct MHD_Connection *connection)
{
  g_free (pthread_getspecific (uri_key));
  pthread_setspecific (uri_key, g_strdup (uri));
  return NULL;
}

static enum MHD_Result
on_request (void *data, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
            const char *upload_data, size_t *upload_size, void **context)
{
  Upload *upload = *context;

  if (upload == NULL)
    {
      *context = g_new0 (Upload, 1);
      return MHD_YES;
    }
  if (*upload_size > 0)
    {
      if (upload->body == NULL)
        upload->body = g_string_new (NULL);
      upload->too_big |= upload->body->len + *upload_size > MOST_BODY;
      if (!upload->too_big)
        g_string_append_len (upload->body, upload_data, (gssize) *upload_size);
      *upload_size = 0;
      return MHD_YES;
    }
  if (upload->answered)
    return MHD_YES;
  upload->answered = true;
  return process (data, connection, method, pthread_getspecific (uri_key), upload);
}

static void
on_completed (void *data, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
  Upload *upload = *context;

  if (upload == NULL)
    return;
  if (upload->body != NULL)
    g_string_free (upload->body, TRUE);
  g_free (upload);
  *context = NULL;
}

/* Its address is known before the first request can come in. -1: no. */
static int
listen_on (unsigned port, unsigned *bound)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port) };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int yes = 1;

  if (fd < 0)
    return -1;
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind (fd, (struct sockaddr *) &address, sizeof address) != 0 || listen (fd, BACKLOG) != 0
      || getsockname (fd, (struct sockaddr *) &address, &size) != 0)
    {
      close (fd);
      return -1;
    }
  *bound = ntohs (address.sin_port);
  return fd;
}

/* Serves on @port of 127.0.0.1. Returns: NULL with @error; else its address is in @url. */
static struct MHD_Daemon *
serve_on (Emulator *emulator, unsigned port, char **url, GError **error)
{
  struct MHD_Daemon *started = NULL;
  unsigned bound = 0;
  int fd = listen_on (port, &bound);

  *url = g_strdup_printf ("http://127.0.0.1:%u", bound);
  if (fd >= 0)
    started = MHD_start_daemon (
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC, 0, NULL, NULL,
        on_request, emulator, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, keep_uri, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned) MOST_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) IDLE_SECONDS, MHD_OPTION_THREAD_STACK_SIZE, (size_t) STACK_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) MEMORY_BYTES, MHD_OPTION_END);
  if (started != NULL)
    return started;
  if (fd >= 0)
    close (fd);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot listen on port %u of 127.0.0.1", port);
  return NULL;
}

/* The address of the second must be known before the first request. */
bool
http_start (Emulator *emulator, unsigned port, bool second, GError **error)
{
  pthread_key_create (&uri_key, g_free);
  if (!second || (second_server = serve_on (emulator, 0, &emulator->second_url, error)) != NULL)
    server = serve_on (emulator, port, &emulator->url, error);
  if (server != NULL)
    return true;
  if (second_server != NULL)
    MHD_stop_daemon (second_server);
  pthread_key_delete (uri_key);
  return false;
}

void
http_stop (void)
{
  faults_stop ();
  MHD_stop_daemon (server);
  if (second_server != NULL)
    MHD_stop_daemon (second_server);
  pthread_key_delete (uri_key);
}
