/* Reading and writing the few small files of a profile. */
#include "app/files.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
set_error_errno (GError **error, const char *path, int number)
{
  ZohoError code = ZOHO_ERROR_FAILED;

  if (number == ENOENT || number == ENOTDIR)
    code = ZOHO_ERROR_NOT_FOUND;
  if (number == EACCES || number == EPERM)
    code = ZOHO_ERROR_DENIED;
  g_set_error (error, ZOHO_ERROR, code, "%s: %s.", path, g_strerror (number));
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
}

static bool
check_secret (const struct stat *about, const char *path, GError **error)
{
  if (about->st_uid != geteuid ())
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED, "%s holds a secret but belongs to another user; refused.",
                   path);
      return false;
    }
  if ((about->st_mode & 077) != 0)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED,
                   "%s holds a secret that others may read or write (mode %04o); refused. Run: chmod 600 %s", path,
                   about->st_mode & 07777, path);
      return false;
    }
  return true;
}

static bool
check_file (int fd, const char *path, bool secret, GError **error)
{
  struct stat about;

  if (fstat (fd, &about) < 0)
    {
      set_error_errno (error, path, errno);
      return false;
    }
  if (!S_ISREG (about.st_mode))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "%s is not a regular file.", path);
      return false;
    }
  return !secret || check_secret (&about, path, error);
}

static bool
write_all (int fd, const char *text, size_t size)
{
  while (size > 0)
    {
      ssize_t done = write (fd, text, size);

      if (done < 0 && errno == EINTR)
        continue;
      if (done < 0)
        return false;
      text += done;
      size -= (size_t) done;
    }
  return true;
}

/* A rename lasts only once the folder is on disk too. */
static bool
sync_folder (const char *folder)
{
  __attribute__ ((cleanup (close_fd))) int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  return fd >= 0 && fsync (fd) == 0;
}

/* mkstemp() gives mode 0600 whatever the umask is. */
static bool
write_beside (const char *path, const char *folder, const char *text)
{
  g_autofree char *beside = g_strconcat (path, ".XXXXXX", NULL);
  __attribute__ ((cleanup (close_fd))) int fd = mkostemp (beside, O_CLOEXEC);
  int failure;

  if (fd < 0)
    return false;
  if (write_all (fd, text, strlen (text)) && fsync (fd) == 0 && rename (beside, path) == 0)
    return sync_folder (folder);
  failure = errno;
  unlink (beside);
  errno = failure;
  return false;
}

char *
files_read_fd (int fd, const char *path, size_t max, size_t *size, GError **error)
{
  g_autofree char *buffer = g_malloc (max + 2);
  size_t filled = 0;

  /* One byte more than allowed, to tell full from too large. */
  while (filled <= max)
    {
      ssize_t got = read (fd, buffer + filled, max + 1 - filled);

      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        {
          set_error_errno (error, path, errno);
          return NULL;
        }
      if (got == 0)
        break;
      filled += (size_t) got;
    }
  if (filled > max)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE, "%s has more than %zu bytes; refused.", path, max);
      return NULL;
    }
  buffer[filled] = '\0';
  *size = filled;
  return g_steal_pointer (&buffer);
}

char *
files_read (const char *path, size_t max, bool secret, size_t *size, GError **error)
{
  /* O_NONBLOCK: a FIFO put there must not hang us. */
  __attribute__ ((cleanup (close_fd))) int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    {
      set_error_errno (error, path, errno);
      return NULL;
    }
  if (!check_file (fd, path, secret, error))
    return NULL;
  return files_read_fd (fd, path, max, size, error);
}

bool
files_write_secret (const char *path, const char *text, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  if (g_mkdir_with_parents (folder, 0700) == 0 && write_beside (path, folder, text))
    return true;
  set_error_errno (error, path, errno);
  return false;
}

bool
files_is_word (const char *text)
{
  if (*text == '\0')
    return false;
  for (; *text != '\0'; text++)
    if (!g_ascii_isgraph (*text))
      return false;
  return true;
}
