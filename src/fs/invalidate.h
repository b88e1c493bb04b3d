/* Tells the kernel to drop what it holds. The kernel may make the teller wait for requests under way, so it is told
 * by threads that serve nothing and hold no lock: one for inodes, which waits for pages that are being read; one for
 * entries, which wait for lookups in their directory; and one for sizes, which waits for neither, since reads wait
 * for it. Any thread may queue. */
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

/* Tells what is queued, then no more. What is queued later is only called done. The requests that hold the kernel up
 * must still be served. */
void invalidate_stop (Invalidate *invalidate);

/* Pages and attributes of the node, or the entries cached of a directory. @done may be NULL; else it is called once,
 * with no lock held, from another thread unless invalidate_stop() was called. */
void invalidate_inode (Invalidate *invalidate, const NodeKey *key, void (*done) (void *data), void *data);

/* The entry @name of directory @dir. With @child, which is gone, watchers of it hear so. */
void invalidate_entry (Invalidate *invalidate, const NodeKey *dir, const NodeKey *child, const char *name);

/* A request in the directory of that nodeid waits for the network, and so the kernel holds the directory's lock: who
 * tells of its entries would wait too, in a way that not even the end of the process breaks. So these notices wait
 * here. */
void invalidate_hold (Invalidate *invalidate, uint64_t dir);
void invalidate_let_go (Invalidate *invalidate, uint64_t dir);

/* ---- what must not cross a drop of the same inode ---------------------------------------------------------------- */

/* Runs @job(@data) on the thread that tells of inodes, after the notices that are queued; not at all once it is too
 * late. */
void invalidate_run (Invalidate *invalidate, void (*job) (void *data), void *data);

/* From such a job only: gives the kernel the whole text of a file, if @version is that of the attributes it has.
 * Returns: whether it has taken it. */
bool invalidate_give (Invalidate *invalidate, const NodeKey *key, GBytes *text, uint64_t version);

/* The attributes alone, which needs no page: a file that is being read has @size bytes now. Who got it cut at the
 * old size reads on, and finds the rest. @done as above. */
void invalidate_size (Invalidate *invalidate, const NodeKey *key, int64_t size, void (*done) (void *data), void *data);
