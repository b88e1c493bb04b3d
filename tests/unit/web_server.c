/* A tiny HTTP/1.1 server inside a test. */
#include "web_server.h"

#include "base/lock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  WebServer *server;
  pthread_t thread;
  int fd;
} Connection;

struct WebServer
{
  WebHandler handler;
  void *data;
  char *url;
  int fd;
  pthread_t thread;

  pthread_mutex_t lock; /* guards all below */
  GQueue connections;   /* Connection *; ended ones too */
  bool ending;
};

static bool
send_all (int fd, const char *data, size_t size)
{
  while (size > 0)
    {
      ssize_t sent = send (fd, data, size, MSG_NOSIGNAL);

      if (sent <= 0)
        return false;
      data += sent;
      size -= (size_t)sent;
    }
  return true;
}

/* Reads until @seen holds @size bytes, or with @size 0 until the end of the headers. Returns: false at the end. */
static bool
read_until (int fd, GString *seen, size_t size)
{
  while (size > 0 ? seen->len < size : strstr (seen->str, "\r\n\r\n") == NULL)
    {
      char data[4096];
      ssize_t got = recv (fd, data, sizeof data, 0);

      if (got <= 0)
        return false;
      g_string_append_len (seen, data, got);
    }
  return true;
}

/* Takes one request off the front of @seen. */
static bool
read_request (int fd, GString *seen, WebRequest *request)
{
  char *end, *length, method[16], target[4096];
  size_t head, body;

  if (!read_until (fd, seen, 0))
    return false;
  end = strstr (seen->str, "\r\n\r\n");
  head = (size_t)(end - seen->str) + 4;
  length = strstr (seen->str, "Content-Length: ");
  body = length != NULL && length < end ? strtoul (length + 16, NULL, 10) : 0;
  if ((body > 0 && !read_until (fd, seen, head + body)) || sscanf (seen->str, "%15s %4095s", method, target) != 2)
    return false;
  request->method = g_strdup (method);
  request->target = g_strdup (target);
  request->head = g_strndup (seen->str, head);
  request->body = g_strndup (seen->str + head, body);
  g_string_erase (seen, 0, (gssize)(head + body));
  return true;
}

/* Returns: whether the connection goes on. */
static bool
write_answer (int fd, const WebAnswer *answer)
{
  const char *body = answer->body != NULL ? answer->body : "";
  size_t size = answer->size > 0 ? answer->size : strlen (body);
  const char *headers = answer->headers != NULL ? answer->headers : "";
  bool bare = answer->status == 204 || answer->status == 304 || strstr (headers, "Content-Length") != NULL;
  g_autofree char *length = bare ? g_strdup ("") : g_strdup_printf ("Content-Length: %zu\r\n", size);
  g_autofree char *head = g_strdup_printf ("HTTP/1.1 %d Answer\r\nDate: Mon, 02 Mar 2026 10:00:00 GMT\r\n%s%s\r\n",
                                           answer->status, headers, length);

  if (answer->end == WEB_RESET || !send_all (fd, head, strlen (head)))
    return false;
  if (answer->end == WEB_CUT)
    {
      send_all (fd, body, size / 2);
      return false;
    }
  return send_all (fd, body, size);
}

/* Closing with this set sends a reset instead of an end. */
static void
reset_at_close (int fd)
{
  struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void *
serve (void *data)
{
  Connection *connection = data;
  WebServer *server = connection->server;
  GString *seen = g_string_new (NULL);
  bool goes_on = true;

  while (goes_on)
    {
      WebRequest request = { NULL };
      WebAnswer answer;

      if (!read_request (connection->fd, seen, &request))
        break;
      answer = server->handler (&request, server->data);
      goes_on = write_answer (connection->fd, &answer);
      if (answer.end == WEB_RESET)
        reset_at_close (connection->fd);
      g_free (request.method);
      g_free (request.target);
      g_free (request.head);
      g_free (request.body);
    }
  g_string_free (seen, TRUE);
  LOCKED (&server->lock);
  close (connection->fd);
  connection->fd = -1;
  return NULL;
}

static void *
listen_on (void *data)
{
  WebServer *server = data;
  int fd;

  while ((fd = accept (server->fd, NULL, NULL)) >= 0)
    {
      Connection *connection = g_new0 (Connection, 1);
      LOCKED (&server->lock);

      if (server->ending)
        {
          close (fd);
          g_free (connection);
          break;
        }
      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
      connection->server = server;
      connection->fd = fd;
      g_queue_push_tail (&server->connections, connection);
      g_assert_cmpint (pthread_create (&connection->thread, NULL, serve, connection), ==, 0);
    }
  return NULL;
}

WebServer *
web_server_new (WebHandler handler, void *data)
{
  WebServer *server = g_new0 (WebServer, 1);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;

  server->handler = handler;
  server->data = data;
  pthread_mutex_init (&server->lock, NULL);
  server->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (server->fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint (listen (server->fd, 64), ==, 0);
  g_assert_cmpint (getsockname (server->fd, (struct sockaddr *)&address, &size), ==, 0);
  server->url = g_strdup_printf ("http://127.0.0.1:%u", (unsigned)ntohs (address.sin_port));
  g_assert_cmpint (pthread_create (&server->thread, NULL, listen_on, server), ==, 0);
  return server;
}

const char *
web_server_url (WebServer *server)
{
  return server->url;
}

void
web_server_free (WebServer *server)
{
  Connection *connection;

  {
    LOCKED (&server->lock);
    server->ending = true;
    shutdown (server->fd, SHUT_RDWR);
    for (GList *link = server->connections.head; link != NULL; link = link->next)
      {
        connection = link->data;
        if (connection->fd >= 0)
          shutdown (connection->fd, SHUT_RDWR);
      }
  }
  pthread_join (server->thread, NULL);
  close (server->fd);
  while ((connection = g_queue_pop_head (&server->connections)) != NULL)
    {
      pthread_join (connection->thread, NULL);
      g_free (connection);
    }
  pthread_mutex_destroy (&server->lock);
  g_free (server->url);
  g_free (server);
}
