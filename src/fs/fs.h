/* What the files of this layer share. */
#pragma once

#include "fs/delta.h"
#include "fs/draft_names.h"
#include "fs/invalidate.h"
#include "fs/op.h"
#include "fs/push.h"

#include <stdatomic.h>
#include <sys/types.h>

/* Requests by kind, and texts pushed, which are none; in the order of count_names in loop.c. */
typedef enum
{
  COUNT_LOOKUP,
  COUNT_FORGET,
  COUNT_GETATTR,
  COUNT_READLINK,
  COUNT_OPEN,
  COUNT_READ,
  COUNT_RELEASE,
  COUNT_OPENDIR,
  COUNT_READDIR,
  COUNT_RELEASEDIR,
  COUNT_STATFS,
  COUNT_OTHER,
  COUNT_PUSHED,
  COUNTS
} Count;

struct Fs
{
  FsConfig config; /* its texts are the fs's own */
  uid_t uid;       /* who owns what is in the mount */
  gid_t gid;
  Store *store;
  struct fuse_session *session; /* NULL when not mounted */
  int64_t mounted_s;
  Nodes *nodes;
  Handles *handles;
  DraftNames *draft_names;
  Desks *desks; /* NULL: the mount is read-only */
  Ops *ops;
  Invalidate *invalidate;
  Push *push;
  Delta *delta;
  atomic_ullong counts[COUNTS];
  atomic_uint looks;          /* ops.c: at files that are another one each time */
  atomic_ullong init_unique; /* session_io.c: the INIT under way, else 0 */
  pthread_mutex_t lock; /* guards the next two */
  pthread_cond_t news;
  bool stopping; /* fs_stop() was called */
  bool ended;    /* a serving thread found the connection gone */
};
