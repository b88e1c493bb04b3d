/* POSTs JSON to loopback, one message after the other. */
#include "sender.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator.h"

enum
{
  MOST_WAITING = 10000,
  MOST_URL = 255,
  TIMEOUT_S = 5
};

typedef struct
{
  char *url;
  char *body;
  struct timespec due;
} Message;

struct Sender
{
  pthread_t thread;
  pthread_mutex_t lock; /* guards all below */
  pthread_cond_t news;
  GQueue waiting;       /* Message */
  bool stopping;
};

static void
message_free (Message *message)
{
  g_free (message->url);
  g_free (message->body);
  g_free (message);
}

/* Takes http://127.0.0.1:PORT/PATH, also with localhost. @path: where the path starts in @url. */
static bool
loopback_address (const char *url, struct sockaddr_in *address, const char **path)
{
  static const char *const starts[] = { "http://127.0.0.1", "http://localhost" };
  char *end;
  guint64 port = 80;

  for (size_t i = 0; i < G_N_ELEMENTS (starts); i++)
    {
      const char *at = url + strlen (starts[i]);

      if (!g_str_has_prefix (url, starts[i]))
        continue;
      if (*at == ':' && g_ascii_isdigit (at[1]))
        {
          port = g_ascii_strtoull (at + 1, &end, 10);
          at = end;
        }
      if (port == 0 || port > 65535 || (*at != '/' && *at != '?' && *at != '\0'))
        return false;
      *address = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port) };
      address->sin_addr.s_addr = htonl (INADDR_LOOPBACK);
      *path = at;
      return true;
    }
  return false;
}

static int
connect_to (const struct sockaddr_in *address)
{
  struct timeval timeout = { .tv_sec = TIMEOUT_S };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return -1;
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  if (connect (fd, (const struct sockaddr *) address, sizeof *address) == 0)
    return fd;
  close (fd);
  return -1;
}

/* Waits for the first bytes of the answer, which is all that is wanted of it. */
static void
deliver (const Message *message)
{
  struct sockaddr_in address;
  const char *path;
  g_autofree char *text = NULL;
  char answer[512];
  size_t size;
  size_t sent = 0;
  int fd;

  if (!loopback_address (message->url, &address, &path))
    return;
  fd = connect_to (&address);
  if (fd < 0)
    return;
  text = g_strdup_printf ("POST %s%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json;charset=utf-8\r\n"
                          "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                          *path == '/' ? "" : "/", path, ntohs (address.sin_port), strlen (message->body),
                          message->body);
  size = strlen (text);
  while (sent < size)
    {
      ssize_t done = send (fd, text + sent, size - sent, MSG_NOSIGNAL);

      if (done <= 0)
        break;
      sent += (size_t) done;
    }
  while (sent == size && recv (fd, answer, sizeof answer, 0) > 0)
    continue;
  close (fd);
}

static bool
is_due (const Message *message)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return now.tv_sec > message->due.tv_sec
         || (now.tv_sec == message->due.tv_sec && now.tv_nsec >= message->due.tv_nsec);
}

/* The next message, once it is due; NULL: stopping. */
static Message *
next_message (Sender *sender)
{
  Message *message = NULL;

  pthread_mutex_lock (&sender->lock);
  while (!sender->stopping && message == NULL)
    {
      Message *first = g_queue_peek_head (&sender->waiting);

      if (first == NULL)
        pthread_cond_wait (&sender->news, &sender->lock);
      else if (is_due (first))
        message = g_queue_pop_head (&sender->waiting);
      else
        pthread_cond_timedwait (&sender->news, &sender->lock, &first->due);
    }
  pthread_mutex_unlock (&sender->lock);
  return message;
}

static void *
run (void *data)
{
  Message *message;

  while ((message = next_message (data)) != NULL)
    {
      deliver (message);
      message_free (message);
    }
  return NULL;
}

Sender *
sender_new (void)
{
  Sender *sender = g_new0 (Sender, 1);

  pthread_mutex_init (&sender->lock, NULL);
  pthread_cond_init (&sender->news, NULL);
  g_queue_init (&sender->waiting);
  if (pthread_create (&sender->thread, NULL, run, sender) != 0)
    g_error ("cannot start the thread of notifications");
  return sender;
}

static int
later (gconstpointer left, gconstpointer right, gpointer unused)
{
  const Message *one = left;
  const Message *other = right;

  if (one->due.tv_sec != other->due.tv_sec)
    return one->due.tv_sec > other->due.tv_sec ? 1 : -1;
  return (one->due.tv_nsec > other->due.tv_nsec) - (one->due.tv_nsec < other->due.tv_nsec);
}

void
sender_post (Sender *sender, const char *url, json_t *body, unsigned delay_ms)
{
  Message *message = g_new0 (Message, 1);
  GString *text = g_string_new (NULL);
  bool full;

  message->url = g_strdup (url);
  json_write (text, body);
  message->body = g_string_free (text, FALSE);
  json_decref (body);
  clock_gettime (CLOCK_REALTIME, &message->due);
  message->due.tv_sec += delay_ms / 1000;
  message->due.tv_nsec += (long) (delay_ms % 1000) * 1000000;
  if (message->due.tv_nsec >= 1000000000)
    {
      message->due.tv_sec++;
      message->due.tv_nsec -= 1000000000;
    }
  pthread_mutex_lock (&sender->lock);
  full = g_queue_get_length (&sender->waiting) >= MOST_WAITING;
  if (!full)
    g_queue_insert_sorted (&sender->waiting, message, later, NULL);
  pthread_cond_signal (&sender->news);
  pthread_mutex_unlock (&sender->lock);
  if (full)
    message_free (message);
}

void
sender_free (Sender *sender)
{
  if (sender == NULL)
    return;
  pthread_mutex_lock (&sender->lock);
  sender->stopping = true;
  pthread_cond_signal (&sender->news);
  pthread_mutex_unlock (&sender->lock);
  pthread_join (sender->thread, NULL);
  g_queue_clear_full (&sender->waiting, (GDestroyNotify) message_free);
  pthread_cond_destroy (&sender->news);
  pthread_mutex_destroy (&sender->lock);
  g_free (sender);
}

bool
sender_url_valid (const char *url)
{
  struct sockaddr_in address;
  const char *path;

  if (strlen (url) > MOST_URL)
    return false;
  for (const char *c = url; *c != '\0'; c++)
    {
      if (*c <= ' ' || *c == '"' || *c == '<' || *c == '>' || *c == 127)
        return false;
    }
  if (g_str_has_prefix (url, "https://"))
    return g_ascii_isalnum (url[8]);
  return loopback_address (url, &address, &path);
}
