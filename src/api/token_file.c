/* The access token on disk, shared by the processes of one sign-in, so that ten mounts do not mint ten tokens. */
#include "api/token_file.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX 16384
#define TOKEN_BYTES_MAX 4096
#define LIFE_MAX_S (2 * 86400)
#define CALLS_BYTES_MAX 1024

bool
token_is_good (const char *text)
{
  size_t size = 0;

  if (text == NULL)
    return false;
  for (; text[size] != '\0'; size++)
    if (text[size] <= 0x20 || text[size] >= 0x7f || size >= TOKEN_BYTES_MAX)
      return false;
  return size > 0;
}

char *
token_file_key (const char *accounts_url, const char *api_url, const char *client_id, const char *refresh_token)
{
  g_autofree char *all = g_strjoin ("\n", accounts_url, api_url, client_id, refresh_token, NULL);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
}

/* May what is in @fd be believed? */
static bool
is_private (int fd, const char *path)
{
  struct stat st;

  if (fstat (fd, &st) != 0 || !S_ISREG (st.st_mode))
    return false;
  if (st.st_uid == geteuid () && (st.st_mode & 077) == 0)
    return true;
  g_message ("%s is not used: others can read it, or it belongs to somebody else", path);
  return false;
}

/* The whole of a small private file. Returns: its size, or -1. */
static ssize_t
slurp (const char *path, char *out, size_t room)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  ssize_t size = -1;

  if (fd < 0)
    return -1;
  if (is_private (fd, path))
    size = read (fd, out, room);
  close (fd);
  return size;
}

static int64_t
integer_at (const json_t *object, const char *key)
{
  return json_integer_value (json_object_get (object, key));
}

bool
token_file_read (const char *path, const char *key, Token *token)
{
  char text[FILE_BYTES_MAX];
  ssize_t size = slurp (path, text, sizeof text);
  g_autoptr (json_t) saved = size > 0 ? json_parse (text, (size_t)size, NULL) : NULL;
  const char *access_token = json_get_text (saved, "access_token");
  int64_t expires_s = integer_at (saved, "expires"), now_s = clock_wall_s ();

  if (g_strcmp0 (json_get_text (saved, "for"), key) != 0 || !token_is_good (access_token) || expires_s <= now_s
      || expires_s > now_s + LIFE_MAX_S)
    return false;
  token->text = g_strdup (access_token);
  token->expires_s = expires_s;
  token->renew_s = CLAMP (integer_at (saved, "renew"), 0, expires_s);
  return true;
}

static bool
write_all (int fd, const char *text, size_t size)
{
  while (size > 0)
    {
      ssize_t written = write (fd, text, size);

      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return false;
      text += written;
      size -= (size_t)written;
    }
  return fsync (fd) == 0;
}

bool
token_file_write (const char *path, const char *key, const Token *token, GError **error)
{
  g_autofree char *fresh = g_strconcat (path, ".XXXXXX", NULL);
  g_autoptr (json_t) saved = json_object ();
  g_autoptr (GString) text = g_string_new (NULL);
  int fd = mkostemp (fresh, O_CLOEXEC), failed;
  bool written;

  json_object_set_new (saved, "access_token", json_from_text (token->text));
  json_object_set_new (saved, "expires", json_integer (token->expires_s));
  json_object_set_new (saved, "renew", json_integer (token->renew_s));
  json_object_set_new (saved, "for", json_string (key));
  json_write (saved, text);

  written = fd >= 0 && write_all (fd, text->str, text->len) && rename (fresh, path) == 0;
  failed = errno;
  if (fd >= 0)
    close (fd);
  if (written)
    return true;
  if (fd >= 0)
    unlink (fresh);
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The access token cannot be kept in %s: %s", path,
               g_strerror (failed));
  return false;
}

void
token_calls_read (int fd, const char *key, TokenCalls *calls)
{
  char text[CALLS_BYTES_MAX];
  ssize_t size = is_private (fd, "The lock file of the access token") ? pread (fd, text, sizeof text, 0) : -1;
  g_autoptr (json_t) saved = size > 0 ? json_parse (text, (size_t)size, NULL) : NULL;
  const json_t *times = json_object_get (saved, "asked"), *time;
  size_t i;

  *calls = (TokenCalls){ 0 };
  if (g_strcmp0 (json_get_text (saved, "for"), key) != 0)
    return;
  calls->held_until_s = integer_at (saved, "held_until");
  json_array_foreach (times, i, time)
    if (json_is_integer (time))
      token_calls_add (calls, json_integer_value (time));
}

bool
token_calls_write (int fd, const char *key, const TokenCalls *calls)
{
  g_autoptr (json_t) saved = json_object ();
  g_autoptr (GString) text = g_string_new (NULL);
  json_t *times = json_array ();

  for (unsigned i = 0; i < calls->count; i++)
    json_array_append_new (times, json_integer (calls->at_s[i]));
  json_object_set_new (saved, "asked", times);
  json_object_set_new (saved, "held_until", json_integer (calls->held_until_s));
  json_object_set_new (saved, "for", json_string (key));
  json_write (saved, text);
  return ftruncate (fd, 0) == 0 && pwrite (fd, text->str, text->len, 0) == (ssize_t)text->len;
}

void
token_calls_forget_old (TokenCalls *calls, int64_t now_s)
{
  unsigned kept = 0;

  for (unsigned i = 0; i < calls->count; i++)
    if (calls->at_s[i] > now_s - TOKEN_CALLS_WINDOW_S && calls->at_s[i] <= now_s)
      calls->at_s[kept++] = calls->at_s[i];
  calls->count = kept;
  if (calls->held_until_s > now_s + TOKEN_CALLS_WINDOW_S)
    calls->held_until_s = 0;
}

int64_t
token_calls_wait_s (const TokenCalls *calls, int64_t now_s)
{
  int64_t wait_s = MAX (calls->held_until_s - now_s, 0);

  if (calls->count == TOKEN_CALLS_MAX)
    wait_s = MAX (wait_s, calls->at_s[0] + TOKEN_CALLS_WINDOW_S - now_s);
  return wait_s;
}

void
token_calls_add (TokenCalls *calls, int64_t now_s)
{
  if (calls->count == TOKEN_CALLS_MAX)
    memmove (calls->at_s, calls->at_s + 1, --calls->count * sizeof calls->at_s[0]);
  calls->at_s[calls->count++] = now_s;
}

void
token_calls_take_back (TokenCalls *calls)
{
  if (calls->count > 0)
    calls->count--;
}

int
token_file_lock (const char *path, bool *busy)
{
  g_autofree char *name = g_strconcat (path, ".lock", NULL);
  int fd = open (name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  *busy = false;
  if (fd < 0)
    return -1;
  if (flock (fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  *busy = errno == EWOULDBLOCK || errno == EINTR;
  close (fd);
  return -1;
}
