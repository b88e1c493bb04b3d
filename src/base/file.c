/* Opening what may have been put there by somebody else. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void
file_close (int *fd)
{
  int kept = errno;

  if (*fd >= 0)
    close (*fd);
  errno = kept;
}

int
file_open_at (int at, const char *name, int flags)
{
  AUTO_FD int fd = openat (at, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
  struct stat about;
  int opened = fd;

  if (fd < 0 || fstat (fd, &about) < 0)
    return -1;
  if (!S_ISREG (about.st_mode))
    {
      errno = EINVAL;
      return -1;
    }
  fd = -1;
  return opened;
}
