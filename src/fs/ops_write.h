/* The low-level operations on files that are written. */
#pragma once

#include "fs/ops.h"

/* Is it an open that a desk must know of, or one to be refused? Then it has been taken over. */
bool write_opens (Fs *fs, fuse_req_t req, Node *node, const struct fuse_file_info *fi);
/* A read through a handle of a desk. */
void write_read (fuse_req_t req, Handle *handle, size_t size, off_t offset);
/* FLUSH or FSYNC. */
void write_saves (Fs *fs, fuse_req_t req, Node *node, Handle *handle, EditEventKind kind);

/* For the table of operations. */
void write_set_attr (fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void write_bytes (fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset,
                  struct fuse_file_info *fi);

/* ---- for ops_names.c --------------------------------------------------------------------------------------------- */

Who write_who (fuse_req_t req);
/* Feeds op->event once. Returns: WAITING until op->call has its answer. */
StoreState write_feed (Op *op);
/* EDIT_READS and the like, of the flags of open(). */
unsigned write_flags (int flags);
/* Answers an open with a handle of op->desk, whose node is @node. @with_entry: a CREATE's, else NULL. */
StoreState write_reply_open (Op *op, Node *node, const struct fuse_entry_param *with_entry);
