/* Tells the kernel to drop what it holds. The kernel may make the teller wait for requests under way, so it is told by
 * two threads that serve nothing and hold no lock: one for inodes, and one for entries, which wait for lookups in their
 * directory. Any thread may queue. */
#pragma once

#include "fs/inode.h"

struct fuse_session;
typedef struct Invalidate Invalidate;

/* Starts the threads. @nodes is borrowed. */
Invalidate *invalidate_new (Nodes *nodes);
/* NULL is fine. */
void invalidate_free (Invalidate *invalidate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Invalidate, invalidate_free)

/* Before this there is no kernel to tell. */
void invalidate_start (Invalidate *invalidate, struct fuse_session *session);

/* Tells what is queued, then no more. What is queued later is only called done. The requests that hold the kernel up must
 * still be served. */
void invalidate_stop (Invalidate *invalidate);

/* Pages and attributes of the node, or the entries cached of a directory. @done may be NULL; else it is called once, with
 * no lock held, from another thread unless invalidate_stop() was called. */
void invalidate_inode (Invalidate *invalidate, const NodeKey *key, void (*done) (void *data), void *data);

/* The entry @name of directory @dir. With @child, which is gone, watchers of it hear so. */
void invalidate_entry (Invalidate *invalidate, const NodeKey *dir, const NodeKey *child, const char *name);
