/* Kernel notices, queued to three threads. */
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
  Workers *entries;
  Workers *sizes; /* all three NULL once stopped */
  GHashTable *held; /* the address of a directory's node -> Held */
};

/* Requests wait in a directory, and the kernel with its lock. */
typedef struct
{
  unsigned holds;
  GQueue notices; /* Notice *, of its entries */
} Held;

typedef struct
{
  Invalidate *invalidate;
  NodeKey key; /* the inode, or the entry's directory */
  NodeKey child;
  char *name;
  int64_t size; /* tell_size: the new one */
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
notice_free (gpointer data)
{
  Notice *notice = data;

  g_free (notice->name);
  g_free (notice);
}

static void
held_free (gpointer data)
{
  Held *held = data;

  g_queue_clear_full (&held->notices, notice_free);
  g_free (held);
}

/* Returns: true when the notice has to wait, which has been taken over. */
static bool
is_held (Notice *notice, uint64_t dir)
{
  Invalidate *invalidate = notice->invalidate;
  LOCKED (&invalidate->lock);
  Held *held = g_hash_table_lookup (invalidate->held, &dir);

  if (held == NULL)
    return false;
  g_queue_push_tail (&held->notices, notice);
  return true;
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
tell_size (void *data)
{
  Notice *notice = data;
  struct fuse_session *session = session_of (notice->invalidate);
  uint64_t id = nodes_ask (notice->invalidate->nodes, &notice->key, notice->size);

  if (session != NULL && id != 0)
    check (fuse_lowlevel_notify_inval_inode (session, id, -1, 0), "old size of a file");
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

  if (session != NULL && dir != 0 && is_held (notice, dir))
    return;
  if (session != NULL && dir != 0 && child != 0)
    check (fuse_lowlevel_notify_delete (session, dir, child, notice->name, length), "entry of a record that is gone");
  if (session != NULL && dir != 0)
    check (fuse_lowlevel_notify_inval_entry (session, dir, notice->name, length), "entry of a record");
  notice_free (notice);
}

Invalidate *
invalidate_new (Nodes *nodes)
{
  Invalidate *invalidate = g_new0 (Invalidate, 1);

  invalidate->nodes = nodes;
  pthread_mutex_init (&invalidate->lock, NULL);
  invalidate->held = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, held_free);
  invalidate->inodes = workers_new ("notify-inode", 1);
  invalidate->entries = workers_new ("notify-entry", 1);
  invalidate->sizes = workers_new ("notify-size", 1);
  return invalidate;
}

void
invalidate_free (Invalidate *invalidate)
{
  if (invalidate == NULL)
    return;
  invalidate_stop (invalidate);
  g_hash_table_unref (invalidate->held);
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
  Workers *sizes;

  {
    LOCKED (&invalidate->lock);
    inodes = g_steal_pointer (&invalidate->inodes);
    entries = g_steal_pointer (&invalidate->entries);
    sizes = g_steal_pointer (&invalidate->sizes);
  }
  /* First those for whom a read waits that the other two may wait for. */
  workers_free (sizes);
  workers_free (inodes);
  workers_free (entries);
  LOCKED (&invalidate->lock);
  invalidate->session = NULL;
}

/* Returns: false when it is too late. */
static bool
push (Invalidate *invalidate, void (*tell) (void *data), void *data)
{
  LOCKED (&invalidate->lock);

  if (invalidate->inodes == NULL)
    return false;
  if (tell == tell_size)
    workers_push (invalidate->sizes, tell, data);
  else
    workers_push (tell == tell_entry ? invalidate->entries : invalidate->inodes, tell, data);
  return true;
}

void
invalidate_inode (Invalidate *invalidate, const NodeKey *key, void (*done) (void *data), void *data)
{
  Notice *notice = g_new0 (Notice, 1);

  *notice = (Notice) { .invalidate = invalidate, .key = *key, .done = done, .data = data };
  if (push (invalidate, tell_inode, notice))
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
  if (push (invalidate, tell_entry, notice))
    return;
  g_free (notice->name);
  g_free (notice);
}

void
invalidate_hold (Invalidate *invalidate, uint64_t dir)
{
  LOCKED (&invalidate->lock);
  Held *held = g_hash_table_lookup (invalidate->held, &dir);

  if (held == NULL)
    {
      held = g_new0 (Held, 1);
      g_hash_table_insert (invalidate->held, g_memdup2 (&dir, sizeof dir), held);
    }
  held->holds++;
}

void
invalidate_let_go (Invalidate *invalidate, uint64_t dir)
{
  LOCKED (&invalidate->lock);
  Held *held = g_hash_table_lookup (invalidate->held, &dir);
  Notice *notice;

  if (--held->holds > 0)
    return;
  while (invalidate->entries != NULL && (notice = g_queue_pop_head (&held->notices)) != NULL)
    workers_push (invalidate->entries, tell_entry, notice);
  g_hash_table_remove (invalidate->held, &dir);
}

void
invalidate_run (Invalidate *invalidate, void (*job) (void *data), void *data)
{
  push (invalidate, job, data);
}

bool
invalidate_give (Invalidate *invalidate, const NodeKey *key, GBytes *text, uint64_t version)
{
  struct fuse_session *session = session_of (invalidate);
  Node *node = session != NULL ? nodes_ref_seen (invalidate->nodes, key, version) : NULL;
  struct fuse_bufvec buffer = FUSE_BUFVEC_INIT (0);
  uint64_t id;
  int result;
  bool same;

  if (node == NULL)
    return false;
  id = node_id (invalidate->nodes, node);
  buffer.buf[0].mem = (void *)g_bytes_get_data (text, &buffer.buf[0].size);
  result = fuse_lowlevel_notify_store (session, id, 0, &buffer, 0);
  same = nodes_unref_seen (invalidate->nodes, node, version);
  /* A look at the file has told the kernel of another version meanwhile. The notice of that change is to come, but not
   * even until then may the old text stand under the new attributes. */
  if (!same)
    check (fuse_lowlevel_notify_inval_inode (session, id, 0, 0), "pages of a file");
  return result == 0 && same;
}

void
invalidate_size (Invalidate *invalidate, const NodeKey *key, int64_t size, void (*done) (void *data), void *data)
{
  Notice *notice = g_new0 (Notice, 1);

  *notice = (Notice){ .invalidate = invalidate, .key = *key, .size = size, .done = done, .data = data };
  if (push (invalidate, tell_size, notice))
    return;
  g_free (notice);
  done (data);
}
