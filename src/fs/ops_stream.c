/* Files that are talked to: the kernel keeps nothing of them, and each call goes to the state that the open has
 * made. */
#include "fs/ops_stream.h"

#include "base/error.h"
#include "fs/ops_write.h"

#include <errno.h>
#include <fcntl.h>

/* What writing through such a file, or an open of that kind, takes. */
static AccessNeed
need_of (const Stream *stream, bool writes)
{
  return writes && !stream->asks ? ACCESS_TO_WRITE : ACCESS_TO_LOOK;
}

static Op *
stream_op (Fs *fs, fuse_req_t req, const char *verb, Node *node, OpStep step, AccessNeed need)
{
  Op *op = op_new (fs, req, verb, node, step, CLIENT_PERSON);

  op->ask.who = write_who (req);
  op->need = need;
  return op;
}

static Op *
stream_op_look (Fs *fs, fuse_req_t req, const char *verb, Node *node, OpStep step)
{
  Op *op = op_new_look (fs, req, verb, node, step, CLIENT_PERSON);

  op->ask.who = write_who (req);
  return op;
}

/* ---- open -------------------------------------------------------------------------------------------------------- */

static StoreState
open_key (Op *op, const NodeKey *key, GError **error)
{
  const Stream *stream = key->kind->stream;

  return stream->open != NULL ? stream->open (&op->ask, key, op->fi.flags, &op->state, error) : STORE_READY;
}

/* Sets op->fi for the handle that it returns. */
static Handle *
handle_of (Op *op, Node *node)
{
  const Stream *stream = node_key (node)->kind->stream;
  Handle *handle = handle_open_stream (op->fs->handles, node, stream, g_steal_pointer (&op->state));

  op->fi.fh = handle_number (handle);
  op->fi.direct_io = 1;
  op->fi.nonseekable = !stream->seekable;
  op->fi.noflush = (op->fi.flags & O_ACCMODE) == O_RDONLY;
  return handle;
}

static StoreState
open_step (Op *op, GError **error)
{
  g_autoptr (GError) why = NULL;
  StoreState state = open_key (op, node_key (op->node), &why);
  Handle *handle;

  if (ops_reply_stale (op, node_key (op->node), why))
    return STORE_READY;
  if (why != NULL)
    g_propagate_error (error, g_steal_pointer (&why));
  if (state != STORE_READY)
    return state;
  handle = handle_of (op, op->node);
  if (fuse_reply_open (op_request (op), &op->fi) != 0)
    handle_close (op->fs->handles, handle);
  return STORE_READY;
}

bool
stream_opens (Fs *fs, fuse_req_t req, Node *node, const struct fuse_file_info *fi)
{
  bool writes = (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC) != 0;
  Op *op;

  if (node_key (node)->kind->stream == NULL)
    return false;
  op = writes ? stream_op (fs, req, "open", node, open_step, need_of (node_key (node)->kind->stream, true))
              : stream_op_look (fs, req, "open", node, open_step);
  op->fi = *fi;
  op_run (op);
  return true;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static StoreState
read_step (Op *op, GError **error)
{
  void *own;
  const Stream *stream = handle_stream (op->handle, &own);
  size_t got = 0;
  StoreState state;

  if (op->buffer == NULL)
    op->buffer = g_malloc (op->size);
  state = stream->read (&op->ask, own, op->buffer, op->size, op->index, &got, error);
  if (state == STORE_READY)
    fuse_reply_buf (op_request (op), op->buffer, got);
  return state;
}

bool
stream_reads (Fs *fs, fuse_req_t req, Node *node, Handle *handle, size_t size, off_t offset)
{
  void *own;
  const Stream *stream = handle_stream (handle, &own);
  Op *op;

  if (stream == NULL)
    return false;
  if (stream->read == NULL)
    {
      fuse_reply_err (req, EBADF);
      return true;
    }
  op = stream_op_look (fs, req, "read", node, read_step);
  op->handle = handle;
  op->size = size;
  op->index = (uint64_t)MAX (offset, 0);
  op_run (op);
  return true;
}

static StoreState
write_step (Op *op, GError **error)
{
  void *own;
  const Stream *stream = handle_stream (op->handle, &own);
  StoreState state = stream->write (&op->ask, own, op->buffer, op->size, op->index, error);

  if (state == STORE_READY)
    fuse_reply_write (op_request (op), op->size);
  return state;
}

bool
stream_writes (Fs *fs, fuse_req_t req, fuse_ino_t ino, Handle *handle, const char *bytes, size_t size, off_t offset)
{
  void *own;
  const Stream *stream = handle_stream (handle, &own);
  Op *op;

  if (stream == NULL)
    return false;
  if (stream->write == NULL)
    {
      fuse_reply_err (req, EBADF);
      return true;
    }
  op = stream_op (fs, req, "write", nodes_of_id (fs->nodes, ino), write_step, need_of (stream, true));
  op->handle = handle;
  op->buffer = g_memdup2 (bytes, size);
  op->size = size;
  op->index = (uint64_t)MAX (offset, 0);
  op_run (op);
  return true;
}

static StoreState
flush_step (Op *op, GError **error)
{
  void *own;
  const Stream *stream = handle_stream (op->handle, &own);
  StoreState state = stream->flush (&op->ask, own, error);

  if (state == STORE_READY)
    fuse_reply_err (op_request (op), 0);
  return state;
}

bool
stream_flushes (Fs *fs, fuse_req_t req, Node *node, Handle *handle)
{
  void *own;
  const Stream *stream = handle_stream (handle, &own);
  Op *op;

  if (stream == NULL)
    return false;
  if (stream->flush == NULL)
    {
      fuse_reply_err (req, 0);
      return true;
    }
  op = stream_op (fs, req, "close", node, flush_step, ACCESS_TO_LOOK);
  op->handle = handle;
  op_run (op);
  return true;
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

static StoreState
resize (Op *op, const Stream *stream, void *own, GError **error)
{
  if (stream->truncate != NULL)
    return stream->truncate (&op->ask, own, (uint64_t)op->attr.st_size, error);
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED, "This file cannot be truncated.");
  return STORE_FAILED;
}

static StoreState
resize_by_path (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  const Stream *stream = key->kind->stream;
  StoreState state = STORE_READY;

  if (op->state == NULL && !op->fed)
    {
      op->fi.flags = O_WRONLY;
      state = open_key (op, key, error);
    }
  op->fed = state == STORE_READY;
  if (state == STORE_READY)
    state = resize (op, stream, op->state, error);
  if (state == STORE_READY && stream->flush != NULL)
    state = stream->flush (&op->ask, op->state, error);
  if (state != STORE_WAITING && op->fed && stream->release != NULL)
    stream->release (g_steal_pointer (&op->state));
  return state;
}

static StoreState
set_attr_step (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  Attr attr = { 0 };
  struct stat stat;
  void *own;
  StoreState state = STORE_READY;

  if ((op->to_set & FUSE_SET_ATTR_SIZE) != 0 && op->handle != NULL)
    {
      const Stream *stream = handle_stream (op->handle, &own);

      state = resize (op, stream, own, error);
    }
  else if ((op->to_set & FUSE_SET_ATTR_SIZE) != 0)
    state = resize_by_path (op, error);
  if (state != STORE_READY)
    return state;
  op->to_set = 0;
  state = ops_attr (op, key, op->node, &attr, error);
  if (state != STORE_READY)
    return state;
  stat = ops_stat (op->fs, key, &attr);
  fuse_reply_attr (op_request (op), &stat, 0);
  return STORE_READY;
}

void
stream_set_attr (Fs *fs, fuse_req_t req, Node *node, const struct stat *attr, int to_set, Handle *handle)
{
  bool resizes = (to_set & FUSE_SET_ATTR_SIZE) != 0;
  AccessNeed need = need_of (node_key (node)->kind->stream, resizes);
  Op *op = stream_op (fs, req, "setattr", node, set_attr_step, need);

  op->attr = *attr;
  op->to_set = to_set;
  op->handle = handle;
  op_run (op);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static Node *
enter (Op *op, const NodeKey *key, const Attr *attr, struct fuse_entry_param *param)
{
  Node *node = nodes_lookup (op->fs->nodes, key);

  *param = (struct fuse_entry_param){
    .ino = node_id (op->fs->nodes, node),
    .generation = 1,
    .attr = ops_stat (op->fs, key, attr),
  };
  ops_tell (op->fs, key, node, attr);
  return node;
}

static StoreState
create_step (Op *op, GError **error)
{
  const NodeKey *dir = node_key (op->node);
  struct fuse_entry_param param;
  Attr attr = { 0 };
  g_autoptr (GError) why = NULL;
  StoreState state = STORE_READY;
  Handle *handle;
  Node *node;

  if (op->made.kind == NULL)
    state = dir->kind->create (&op->ask, dir, op->name, &op->made, &why);
  if (state == STORE_READY)
    state = ops_attr (op, &op->made, NULL, &attr, &why);
  if (state == STORE_READY && !op->plus)
    state = open_key (op, &op->made, &why);
  if (ops_reply_stale (op, &op->made, why))
    return STORE_READY;
  if (why != NULL)
    g_propagate_error (error, g_steal_pointer (&why));
  if (state != STORE_READY)
    return state;
  node = enter (op, &op->made, &attr, &param);
  if (op->plus)
    {
      if (fuse_reply_entry (op_request (op), &param) != 0)
        nodes_forget (op->fs->nodes, node, 1);
      return STORE_READY;
    }
  handle = handle_of (op, node);
  if (fuse_reply_create (op_request (op), &param, &op->fi) == 0)
    return STORE_READY;
  handle_close (op->fs->handles, handle);
  nodes_forget (op->fs->nodes, node, 1);
  return STORE_READY;
}

bool
stream_creates (Fs *fs, fuse_req_t req, Node *dir, const char *name, const struct fuse_file_info *fi)
{
  Op *op;

  if (node_key (dir)->kind->create == NULL)
    return false;
  op = stream_op (fs, req, "create", dir, create_step, ACCESS_TO_WRITE);
  op->name = g_strdup (name);
  op->plus = fi == NULL;
  if (fi != NULL)
    op->fi = *fi;
  op_run (op);
  return true;
}

static StoreState
link_step (Op *op, GError **error)
{
  const NodeKey *dir = node_key (op->node);
  struct fuse_entry_param param;
  Attr attr = { 0 };
  StoreState state = STORE_READY;
  Node *node;

  if (op->made.kind == NULL)
    state = dir->kind->symlink (&op->ask, dir, op->name, op->target, &op->made, error);
  if (state == STORE_READY)
    state = ops_attr (op, &op->made, NULL, &attr, error);
  if (state != STORE_READY)
    return state;
  node = enter (op, &op->made, &attr, &param);
  if (fuse_reply_entry (op_request (op), &param) != 0)
    nodes_forget (op->fs->nodes, node, 1);
  return STORE_READY;
}

bool
stream_links (Fs *fs, fuse_req_t req, Node *dir, const char *name, const char *target)
{
  Op *op;

  if (node_key (dir)->kind->symlink == NULL)
    return false;
  op = stream_op (fs, req, "symlink", dir, link_step, ACCESS_TO_WRITE);
  op->name = g_strdup (name);
  op->target = g_strdup (target);
  op_run (op);
  return true;
}

static StoreState
rename_step (Op *op, GError **error)
{
  const NodeKey *dir = node_key (op->node);
  StoreState state = dir->kind->rename (&op->ask, dir, op->name, op->new_name, (unsigned)op->to_set, error);

  if (state == STORE_READY)
    fuse_reply_err (op_request (op), 0);
  return state;
}

bool
stream_renames (Fs *fs, fuse_req_t req, Node *dir, const char *name, const char *new_name, unsigned flags)
{
  Op *op;

  if (node_key (dir)->kind->rename == NULL)
    return false;
  op = stream_op (fs, req, "rename", dir, rename_step, ACCESS_TO_WRITE);
  op->name = g_strdup (name);
  op->new_name = g_strdup (new_name);
  op->to_set = (int)flags;
  op_run (op);
  return true;
}
