/* The low-level operations: find the node, ask its kind, reply. */
#pragma once

#include "fs/op.h"

extern const struct fuse_lowlevel_ops ops_table;

/* What the kernel is told of a node. */
struct stat ops_stat (Fs *fs, const NodeKey *key, const Attr *attr);
/* @attr are about to be given. */
void ops_tell (Fs *fs, const NodeKey *key, Node *node, const Attr *attr);
double ops_timeout (const Fs *fs, const NodeKey *key, const Attr *attr);
