/* The low-level operations on files that are talked to (NodeKind.stream), and in directories that make such files
 * themselves. Each returns false when the node is no such thing; else it has taken the request over. */
#pragma once

#include "fs/ops.h"

bool stream_opens (Fs *fs, fuse_req_t req, Node *node, const struct fuse_file_info *fi);
bool stream_reads (Fs *fs, fuse_req_t req, Node *node, Handle *handle, size_t size, off_t offset);
bool stream_writes (Fs *fs, fuse_req_t req, fuse_ino_t ino, Handle *handle, const char *bytes, size_t size,
                    off_t offset);
bool stream_flushes (Fs *fs, fuse_req_t req, Node *node, Handle *handle);
/* Of a file with a stream. @handle: through which, or NULL. */
void stream_set_attr (Fs *fs, fuse_req_t req, Node *node, const struct stat *attr, int to_set, Handle *handle);

/* @fi NULL: MKNOD, which opens nothing. */
bool stream_creates (Fs *fs, fuse_req_t req, Node *dir, const char *name, const struct fuse_file_info *fi);
bool stream_links (Fs *fs, fuse_req_t req, Node *dir, const char *name, const char *target);
bool stream_renames (Fs *fs, fuse_req_t req, Node *dir, const char *name, const char *new_name, unsigned flags);
