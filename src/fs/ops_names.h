/* The low-level operations on names in directories that are written. */
#pragma once

#include "fs/ops.h"

/* Is it a name that a program may give to a file, in a directory of records that can be written? Then its lookup is
 * this step. */
bool names_is_of_desk (const Fs *fs, Node *dir, const char *name);
StoreState names_lookup_step (Op *op, GError **error);

/* For the table of operations. */
void names_create (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void names_mknod (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void names_mkdir (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void names_unlink (fuse_req_t req, fuse_ino_t parent, const char *name);
void names_rmdir (fuse_req_t req, fuse_ino_t parent, const char *name);
void names_symlink (fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void names_rename (fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
                   unsigned flags);
void names_link (fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);
