/* The low-level operations: find the node, ask its kind, reply. */
#pragma once

#include "fs/fs.h"

extern const struct fuse_lowlevel_ops ops_table;

/* What the kernel is told of a node. */
struct stat ops_stat (Fs *fs, const NodeKey *key, const Attr *attr);
/* @attr are about to be given. */
void ops_tell (Fs *fs, const NodeKey *key, Node *node, const Attr *attr);
/* Attributes of a node, as its kind or its desk tells them; may wait for the store. */
StoreState ops_attr (Op *op, const NodeKey *key, Node *node, Attr *attr, GError **error);
/* Answers with an entry: what @key names, which is looked up once more. @listed: by the name it is listed under. */
StoreState ops_reply_entry (Op *op, const NodeKey *key, const Attr *attr, bool listed);
StoreState ops_reply_missing (Op *op, double timeout_s);
/* A file that is written to Zoho may have become another one since it was looked up. When @error says that what @key
 * names is gone, the op is answered with ESTALE, for which the kernel looks the name up once more. Returns: was it? */
bool ops_reply_stale (Op *op, const NodeKey *key, const GError *error);
Fs *ops_fs (fuse_req_t req, Count count);
double ops_timeout (const Op *op, const NodeKey *key, const Attr *attr);
