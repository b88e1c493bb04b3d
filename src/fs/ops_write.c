/* Files that are written: what programs do goes to the desk of the directory, and its answer to the kernel. */
#include "fs/ops_write.h"

#include "base/error.h"
#include "fs/admit.h"
#include "fs/kinds/kinds.h"
#include "fs/ops_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

Who
write_who (fuse_req_t req)
{
  const struct fuse_ctx *context = fuse_req_ctx (req);

  return (Who){ who_process (context->pid), context->pid, context->uid, context->gid };
}

static void
give_up (Op *op)
{
  desk_interrupt (op->desk, &op->call);
}

StoreState
write_feed (Op *op)
{
  if (op->fed)
    return STORE_READY;
  op->fed = true;
  op->call.ring = op_ring;
  op->call.data = op;
  op->give_up = give_up;
  return desk_feed (op->desk, &op->event, &op->ask.who, &op->call) ? STORE_READY : STORE_WAITING;
}

/* The step of what is answered by an errno alone. */
static StoreState
answer_step (Op *op, GError **error)
{
  if (write_feed (op) == STORE_WAITING)
    return STORE_WAITING;
  fuse_reply_err (op_request (op), op->call.error);
  return STORE_READY;
}

/* ---- open -------------------------------------------------------------------------------------------------------- */

unsigned
write_flags (int flags)
{
  unsigned all = 0;

  if ((flags & O_ACCMODE) != O_WRONLY)
    all |= EDIT_READS;
  if ((flags & O_ACCMODE) != O_RDONLY)
    all |= EDIT_WRITES;
  if ((flags & O_TRUNC) != 0)
    all |= EDIT_TRUNCATES;
  if ((flags & O_APPEND) != 0)
    all |= EDIT_APPENDS;
  if ((flags & O_EXCL) != 0)
    all |= EDIT_EXCLUSIVE;
  return all;
}

StoreState
write_reply_open (Op *op, Node *node, const struct fuse_entry_param *with_entry)
{
  Fs *fs = op->fs;
  bool writes = (op->event.flags & EDIT_WRITES) != 0;
  const NodeKey *key = node_key (node);
  Handle *handle = handle_open_desk (fs->handles, node, op->desk, op->event.handle);
  int failed;

  op->fi.fh = handle_number (handle);
  /* What goes to the CRM passes the page cache by: it then holds what the CRM made of it. */
  op->fi.direct_io = !(key->kind == &local_kind && desk_is_scratch (op->desk, key->id));
  op->fi.keep_cache = 0;
  op->fi.noflush = !writes;
  if (with_entry != NULL)
    failed = fuse_reply_create (op_request (op), with_entry, &op->fi);
  else
    failed = fuse_reply_open (op_request (op), &op->fi);
  if (failed == 0)
    return STORE_READY;
  handle_close (fs->handles, handle);
  if (with_entry != NULL)
    nodes_forget (fs->nodes, node, 1);
  return STORE_READY;
}

/* What a record's writer finds there. Brings it if it is to be seen. */
static StoreState
open_record (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  StoreEntry entry = { 0 };
  StoreState state;

  if ((op->event.flags & EDIT_TRUNCATES) != 0)
    return store_entry (key->module, key->id, &op->wait, &entry, error);
  state = store_document (key->module, key->id, &op->wait, &entry, &op->text, error);
  if (state == STORE_READY)
    desks_note_read (op->fs->desks, key->module, key->id, entry.version, op->ask.who.thread);
  return state;
}

static StoreState
open_step (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  StoreState state = key->kind == &record_kind && op->text == NULL ? open_record (op, error) : STORE_READY;

  if (state != STORE_READY)
    return state;
  op->event.handle = desk_handle (op->desk, op->text);
  if (key->kind == &record_kind)
    op->event.id = key->id;
  else
    op->event.node = key->id;
  write_feed (op);
  if (op->call.error == 0)
    return write_reply_open (op, op->node, NULL);
  desk_close (op->desk, op->event.handle);
  fuse_reply_err (op_request (op), op->call.error);
  return STORE_READY;
}

/* Does the file show what was written and is not saved? */
static bool
is_written (Fs *fs, const NodeKey *key)
{
  Desk *desk = key->module != NULL ? desks_find (fs->desks, key) : NULL;
  struct stat stat;

  return key->kind == &local_kind || (key->kind == &record_kind && desk != NULL && desk_stat_record (desk, key->id, &stat));
}

static int
refusal_of (Fs *fs, const NodeKey *key)
{
  StoreRights rights;

  if (fs->desks == NULL)
    return EROFS;
  if (key->kind == &local_kind)
    return 0;
  if (S_ISDIR (key->kind->type))
    return EISDIR;
  if (key->kind != &record_kind)
    return EACCES;
  rights = desks_rights (fs->desks, key->module);
  return rights.update ? 0 : key->module == store_users (fs->store) ? EROFS : EACCES;
}

/* ---- drain ------------------------------------------------------------------------------------------------------- */

static void *
drain (void *data)
{
  Op *op = data;
  FsPending pending;
  char *text;

  fs_drain (op->fs);
  fs_pending (op->fs, &pending);
  text = g_strdup_printf ("{\"drafts\": %zu, \"saves\": %zu, \"deletes\": %zu}\n", pending.drafts, pending.saves,
                          pending.deletes);
  op->text = g_bytes_new_take (text, strlen (text));
  op_ring (op);
  return NULL;
}

static void
let_drain (Op *op)
{
}

static StoreState
drain_step (Op *op, GError **error)
{
  Opened opened = { .text = op->text, .own = true };
  pthread_t thread;
  bool stale;

  if (op->text == NULL)
    {
      op->give_up = let_drain;
      if (pthread_create (&thread, NULL, drain, op) == 0 && pthread_detach (thread) == 0)
        return STORE_WAITING;
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "There is no thread to drain with.");
      return STORE_FAILED;
    }
  op->fi.fh = handle_number (handle_open (op->fs->handles, op->node, &opened, &stale));
  op->fi.direct_io = op->fi.noflush = 1;
  if (fuse_reply_open (op_request (op), &op->fi) != 0)
    handle_close (op->fs->handles, handle_of_number (op->fi.fh));
  return STORE_READY;
}

bool
write_opens (Fs *fs, fuse_req_t req, Node *node, const struct fuse_file_info *fi)
{
  const NodeKey *key = node_key (node);
  bool writes = (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC) != 0;
  int refusal = writes ? refusal_of (fs, key) : 0;
  Op *op;

  if (refusal != 0)
    {
      fuse_reply_err (req, refusal);
      return true;
    }
  if (!writes && key->kind != &drain_kind && !is_written (fs, key))
    return false;
  op = (writes ? op_new : op_new_look) (fs, req, "open", node, key->kind == &drain_kind ? drain_step : open_step,
                                        CLIENT_PERSON);
  op->fi = *fi;
  if (key->kind != &drain_kind)
    op->desk = desks_get (fs->desks, key);
  op->need = writes ? ACCESS_TO_WRITE : ACCESS_TO_LOOK;
  op->ask.who = write_who (req);
  op->event = (EditEvent){ .kind = EDIT_OPEN, .flags = write_flags (fi->flags) };
  op_run (op);
  return true;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

void
write_read (fuse_req_t req, Handle *handle, size_t size, off_t offset)
{
  uint64_t number;
  Desk *desk = handle_desk (handle, &number);
  g_autofree char *bytes = g_malloc (size);
  ssize_t got = desk_read (desk, number, bytes, size, offset);

  if (got < 0)
    fuse_reply_err (req, (int)-got);
  else
    fuse_reply_buf (req, bytes, (size_t)got);
}

void
write_bytes (fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_OTHER);
  uint64_t number = 0;
  Desk *desk = fs->config.noopen ? NULL : handle_desk (handle_of_number (fi->fh), &number);
  Who who;
  int failed;

  if (!fs->config.noopen && stream_writes (fs, req, ino, handle_of_number (fi->fh), bytes, size, offset))
    return;
  if (desk == NULL)
    {
      fuse_reply_err (req, fs->desks == NULL ? EROFS : EBADF);
      return;
    }
  who = write_who (req);
  failed = admit_refusal (fs, who.uid, node_key (nodes_of_id (fs->nodes, ino)), ACCESS_TO_WRITE);
  /* The kernel writes pages of a mapping back in its own name. */
  if (failed != 0 && !fi->writepage)
    {
      fuse_reply_err (req, failed);
      return;
    }
  failed = desk_write (desk, number, &who, bytes, size, offset);
  if (failed != 0)
    fuse_reply_err (req, failed);
  else
    fuse_reply_write (req, size);
}

void
write_saves (Fs *fs, fuse_req_t req, Node *node, Handle *handle, EditEventKind kind)
{
  uint64_t number;
  Desk *desk = handle_desk (handle, &number);
  Op *op;

  if (stream_flushes (fs, req, node, handle))
    return;
  if (desk == NULL)
    {
      fuse_reply_err (req, 0);
      return;
    }
  op = op_new (fs, req, kind == EDIT_FLUSH ? "close" : "fsync", node, answer_step, CLIENT_PERSON);
  op->desk = desk;
  op->ask.who = write_who (req);
  op->event = (EditEvent){ .kind = kind, .handle = number };
  op_run (op);
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

static ScratchChange
change_of (const Op *op)
{
  ScratchChange change = { .mode = op->attr.st_mode,
                           .uid = op->attr.st_uid,
                           .gid = op->attr.st_gid,
                           .atime = op->attr.st_atim,
                           .mtime = op->attr.st_mtim };
  static const struct
  {
    int fuse;
    unsigned scratch;
  } table[] = {
    { FUSE_SET_ATTR_MODE, SCRATCH_SET_MODE },           { FUSE_SET_ATTR_UID, SCRATCH_SET_UID },
    { FUSE_SET_ATTR_GID, SCRATCH_SET_GID },             { FUSE_SET_ATTR_ATIME, SCRATCH_SET_ATIME },
    { FUSE_SET_ATTR_MTIME, SCRATCH_SET_MTIME },         { FUSE_SET_ATTR_ATIME_NOW, SCRATCH_SET_ATIME_NOW },
    { FUSE_SET_ATTR_MTIME_NOW, SCRATCH_SET_MTIME_NOW },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (table); i++)
    if ((op->to_set & table[i].fuse) != 0)
      change.set |= table[i].scratch;
  return change;
}

/* Of a scratch file; all others take everything and keep nothing, so that copying programs are content. */
static bool
change_scratch (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  bool local = key->kind == &local_kind || key->kind == &local_link_kind;
  g_autoptr (Scratch) scratch = local ? desk_scratch (op->desk, key->id) : NULL;
  const ScratchCaller caller = { .uid = op->ask.who.uid, .gid = op->ask.who.gid };
  ScratchChange change = change_of (op);

  return scratch == NULL || change.set == 0 || scratch_change (scratch, &caller, &change, error);
}

/* What is truncated by path is known by its text. */
static StoreState
resize (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  StoreEntry entry = { 0 };
  StoreState state;

  if (op->fed)
    return STORE_READY;
  if (op->event.handle == 0 && key->kind == &record_kind && op->text == NULL && op->attr.st_size > 0)
    {
      state = store_document (key->module, key->id, &op->wait, &entry, &op->text, error);
      if (state != STORE_READY)
        return state;
    }
  op->call.server = op->text;
  op->event.kind = EDIT_TRUNCATE;
  op->event.size = op->attr.st_size;
  if (op->event.handle == 0 && key->kind == &record_kind)
    op->event.id = key->id;
  else if (op->event.handle == 0)
    op->event.node = key->id;
  return write_feed (op);
}

static StoreState
set_attr_step (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  Attr attr = { 0 };
  struct stat stat;
  StoreState state = (op->to_set & FUSE_SET_ATTR_SIZE) != 0 ? resize (op, error) : STORE_READY;

  if (state != STORE_READY)
    return state;
  if (op->call.error != 0)
    {
      fuse_reply_err (op_request (op), op->call.error);
      return STORE_READY;
    }
  if (op->to_set != 0 && !change_scratch (op, error))
    return STORE_FAILED;
  op->to_set &= FUSE_SET_ATTR_SIZE; /* the rest is done once */
  op->give_up = NULL;
  state = ops_attr (op, key, op->node, &attr, error);
  if (state != STORE_READY)
    return state;
  stat = ops_stat (op->fs, key, &attr);
  ops_tell (op->fs, key, op->node, &attr);
  fuse_reply_attr (op_request (op), &stat, ops_timeout (op, key, &attr));
  return STORE_READY;
}

void
write_set_attr (fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_OTHER);
  Node *node = nodes_of_id (fs->nodes, ino);
  const NodeKey *key = node_key (node);
  bool resizes = (to_set & FUSE_SET_ATTR_SIZE) != 0;
  bool file = key->kind == &record_kind || key->kind == &local_kind || key->kind == &local_link_kind;
  int refusal = resizes ? refusal_of (fs, key) : fs->desks == NULL ? EROFS : !file && key->kind != &module_kind && key->kind != &notes_of_kind ? EPERM : 0;
  Op *op;

  if (key->kind->stream != NULL)
    {
      stream_set_attr (fs, req, node, attr, to_set, fi != NULL ? handle_of_number (fi->fh) : NULL);
      return;
    }
  if (refusal != 0)
    {
      fuse_reply_err (req, refusal);
      return;
    }
  op = op_new (fs, req, "setattr", node, set_attr_step, CLIENT_PERSON);
  op->need = ACCESS_TO_WRITE;
  op->attr = *attr;
  op->to_set = to_set;
  op->ask.who = write_who (req);
  if (file)
    op->desk = desks_get (fs->desks, key);
  if (fi != NULL && resizes)
    handle_desk (handle_of_number (fi->fh), &op->event.handle);
  op_run (op);
}
