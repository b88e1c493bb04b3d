/* Reads and writes as libfuse would, but sees INIT pass. INIT is the connection's first request and is answered before
 * any other is read. */
#include "fs/session_io.h"

#include "fs/fs.h"

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

static ssize_t
receive (int fd, void *buffer, size_t size, void *userdata)
{
  Fs *fs = userdata;
  const struct fuse_in_header *in = buffer;
  const struct fuse_init_in *init = (const struct fuse_init_in *) (in + 1);
  ssize_t got = read (fd, buffer, size);

  if (got >= (ssize_t) (sizeof *in + 16) && in->opcode == FUSE_INIT && (init->flags & FUSE_PARALLEL_DIROPS) != 0)
    atomic_store (&fs->init_unique, in->unique);
  return got;
}

static ssize_t
answer (int fd, struct iovec *parts, int count, void *userdata)
{
  Fs *fs = userdata;
  struct fuse_out_header *out = parts[0].iov_base;
  struct fuse_init_out *init;

  if (count == 2 && out->unique != 0 && out->unique == atomic_load_explicit (&fs->init_unique, memory_order_relaxed))
    {
      init = parts[1].iov_base;
      if (parts[1].iov_len >= 16)
        init->flags |= FUSE_PARALLEL_DIROPS;
      atomic_store (&fs->init_unique, 0);
    }
  return writev (fd, parts, count);
}

bool
session_io_install (struct fuse_session *session)
{
  const struct fuse_custom_io io = { .writev = answer, .read = receive };

  return fuse_session_custom_io (session, &io, fuse_session_fd (session)) == 0;
}
