/* Files of the journal: opened without following what was put in their place, replaced whole, locked with a deadline.
 */
#include "model/journal_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_PAUSE_US 2000

static ZohoError
code_of (int number)
{
  switch (number)
    {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* our own bounds are far below a file system's: a limit of the process */
      return ZOHO_ERROR_NO_SPACE;
    case EACCES:
    case EPERM:
      return ZOHO_ERROR_DENIED;
    case ENOENT:
      return ZOHO_ERROR_NOT_FOUND;
    case ETIMEDOUT:
      return ZOHO_ERROR_TIMED_OUT;
    }
  return ZOHO_ERROR_FAILED;
}

static const char *
advice (ZohoError code)
{
  if (code == ZOHO_ERROR_NO_SPACE)
    return ": make room where the state folder is, then save again";
  if (code == ZOHO_ERROR_TIMED_OUT)
    return ": another zohofs of this profile holds its lock; see whether one is stopped";
  return "";
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void
close_dir (DIR **dir)
{
  if (*dir != NULL)
    closedir (*dir);
}

static bool
fill (int fd, const GString *text, bool sync)
{
  return journal_write_at (fd, text->str, text->len, 0) && (!sync || fsync (fd) == 0);
}

void
journal_fail (GError **error, int number, const char *what, ...)
{
  ZohoError code = code_of (number);
  g_autofree char *words = NULL;
  va_list rest;

  va_start (rest, what);
  words = g_strdup_vprintf (what, rest);
  va_end (rest);
  g_set_error (error, ZOHO_ERROR, code, "%s: %s%s", words, g_strerror (number), advice (code));
}

int
journal_open_folder (int at, const char *name, bool make)
{
  if (make && mkdirat (at, name, 0700) < 0 && errno != EEXIST)
    return -1;
  return openat (at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
journal_open_state (const char *state, bool make)
{
  if (make && g_mkdir_with_parents (state, 0700) < 0)
    return -1;
  return open (state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool
journal_write_at (int fd, const void *data, size_t size, int64_t offset)
{
  const char *from = data;

  while (size > 0)
    {
      ssize_t done = pwrite (fd, from, size, (off_t)offset);

      if (done < 0 && errno == EINTR)
        continue;
      if (done <= 0)
        {
          errno = done == 0 ? ENOSPC : errno;
          return false;
        }
      from += done;
      offset += done;
      size -= (size_t)done;
    }
  return true;
}

GBytes *
journal_read_fd (int fd, int64_t max)
{
  struct stat about;
  g_autofree char *buffer = NULL;
  size_t filled = 0, size;

  if (fstat (fd, &about) < 0)
    return NULL;
  if (about.st_size > max)
    {
      errno = EFBIG;
      return NULL;
    }
  size = (size_t)about.st_size;
  buffer = g_malloc (size + 1);
  while (filled < size)
    {
      ssize_t got = pread (fd, buffer + filled, size - filled, (off_t)filled);

      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return NULL;
      if (got == 0)
        break;
      filled += (size_t)got;
    }
  return g_bytes_new_take (g_steal_pointer (&buffer), filled);
}

bool
journal_replace (int from, const char *temporary, int to, const char *name, const GString *text, bool sync)
{
  AUTO_FD int fd = file_open_at (from, temporary, O_RDWR | O_CREAT | O_TRUNC);
  int failure;

  if (fd >= 0 && fill (fd, text, sync) && renameat (from, temporary, to, name) == 0)
    return !sync || fsync (to) == 0;
  failure = errno;
  if (fd >= 0)
    unlinkat (from, temporary, 0);
  errno = failure;
  return false;
}

bool
journal_flock (int fd, int how, int64_t deadline_us)
{
  while (flock (fd, how | LOCK_NB) < 0)
    {
      if (errno != EWOULDBLOCK && errno != EINTR)
        return false;
      if (clock_now_us () >= deadline_us)
        {
          errno = ETIMEDOUT;
          return false;
        }
      g_usleep (LOCK_PAUSE_US);
    }
  return true;
}

bool
journal_is_name (const char *name, bool module)
{
  size_t size;

  if (name == NULL)
    return false;
  size = strnlen (name, DRAFT_NAME_MAX + 1);
  if (size == 0 || size > DRAFT_NAME_MAX || !g_utf8_validate (name, (gssize)size, NULL))
    return false;
  if (strchr (name, '/') != NULL || g_str_equal (name, ".") || g_str_equal (name, ".."))
    return false;
  return !module || name[0] != '.';
}

GPtrArray *
journal_names (int folder)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  int fd = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a copy would share the position */
  __attribute__ ((cleanup (close_dir))) DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  const struct dirent *entry;

  if (dir == NULL)
    {
      file_close (&fd);
      return NULL;
    }
  while ((entry = readdir (dir)) != NULL)
    if (!g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, ".."))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

bool
journal_number (const char *name, const char *prefix, const char *suffix, uint64_t *number)
{
  const char *digits;
  char *end = NULL;

  if (!g_str_has_prefix (name, prefix))
    return false;
  digits = name + strlen (prefix);
  if (*digits < '1' || *digits > '9' || strspn (digits, "0123456789") > 18)
    return false;
  *number = g_ascii_strtoull (digits, &end, 10);
  return g_str_equal (end, suffix);
}
