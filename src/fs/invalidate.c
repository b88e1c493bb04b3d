/* Kernel notices, queued to two threads. */
#include "fs/invalidate.h"

#include "base/lock.h"
#include "base/workers.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

struct Invalidate
{
  Nodes *nodes;
  pthread_mutex_t lock; /* guards all below; never held while the kernel is told */
  struct fuse_session *session;
  Workers *inodes;
  Workers *entries; /* both NULL once stopped */
};

typedef struct
{
  Invalidate *invalidate;
  NodeKey key; /* the inode, or the entry's directory */
  NodeKey child;
  char *name;
  void (*done) (void *data);
  void *data;
} Notice;

static struct fuse_session *
session_of (Invalidate *invalidate)
{
  LOCKED (&invalidate->lock);

  return invalidate->session;
}

/* The kernel having nothing to drop is what we want. Without a connection there is nobody to tell. */
static void
check (int result, const char *what)
{
  if (result != 0 && result != -ENOENT && result != -ENODEV && result != -ENOTCONN && result != -EBADF)
    g_warning ("The kernel would not drop its %s: %s", what, g_strerror (-result));
}

static void
tell_inode (void *data)
{
  Notice *notice = data;
  struct fuse_session *session = session_of (notice->invalidate);
  uint64_t id = nodes_drop (notice->invalidate->nodes, &notice->key);

  if (session != NULL && id != 0)
    check (fuse_lowlevel_notify_inval_inode (session, id, 0, 0), "pages of a file");
  if (notice->done != NULL)
    notice->done (notice->data);
  g_free (notice);
}

static void
tell_entry (void *data)
{
  Notice *notice = data;
  Nodes *nodes = notice->invalidate->nodes;
  struct fuse_session *session = session_of (notice->invalidate);
  uint64_t dir = nodes_id_of_key (nodes, &notice->key);
  uint64_t child = notice->child.kind != NULL ? nodes_id_of_key (nodes, &notice->child) : 0;
  size_t length = strlen (notice->name);

  if (session != NULL && dir != 0 && child != 0)
    check (fuse_lowlevel_notify_delete (session, dir, child, notice->name, length), "entry of a record that is gone");
  if (session != NULL && dir != 0)
    check (fuse_lowlevel_notify_inval_entry (session, dir, notice->name, length), "entry of a record");
  g_free (notice->name);
  g_free (notice);
}

Invalidate *
invalidate_new (Nodes *nodes)
{
  Invalidate *invalidate = g_new0 (Invalidate, 1);

  invalidate->nodes = nodes;
  pthread_mutex_init (&invalidate->lock, NULL);
  invalidate->inodes = workers_new ("notify-inode", 1);
  invalidate->entries = workers_new ("notify-entry", 1);
  return invalidate;
}

void
invalidate_free (Invalidate *invalidate)
{
  if (invalidate == NULL)
    return;
  invalidate_stop (invalidate);
  pthread_mutex_destroy (&invalidate->lock);
  g_free (invalidate);
}

void
invalidate_start (Invalidate *invalidate, struct fuse_session *session)
{
  LOCKED (&invalidate->lock);

  invalidate->session = session;
}

void
invalidate_stop (Invalidate *invalidate)
{
  Workers *inodes;
  Workers *entries;

  {
    LOCKED (&invalidate->lock);
    inodes = g_steal_pointer (&invalidate->inodes);
    entries = g_steal_pointer (&invalidate->entries);
  }
  workers_free (inodes);
  workers_free (entries);
  LOCKED (&invalidate->lock);
  invalidate->session = NULL;
}

/* Returns: false when it is too late. */
static bool
push (Invalidate *invalidate, bool entry, Notice *notice)
{
  LOCKED (&invalidate->lock);

  if (invalidate->inodes == NULL)
    return false;
  workers_push (entry ? invalidate->entries : invalidate->inodes, entry ? tell_entry : tell_inode, notice);
  return true;
}

void
invalidate_inode (Invalidate *invalidate, const NodeKey *key, void (*done) (void *data), void *data)
{
  Notice *notice = g_new0 (Notice, 1);

  *notice = (Notice) { .invalidate = invalidate, .key = *key, .done = done, .data = data };
  if (push (invalidate, false, notice))
    return;
  g_free (notice);
  if (done != NULL)
    done (data);
}

void
invalidate_entry (Invalidate *invalidate, const NodeKey *dir, const NodeKey *child, const char *name)
{
  Notice *notice = g_new0 (Notice, 1);

  *notice = (Notice) { .invalidate = invalidate, .key = *dir, .name = g_strdup (name) };
  if (child != NULL)
    notice->child = *child;
  if (push (invalidate, true, notice))
    return;
  g_free (notice->name);
  g_free (notice);
}
