/* The low-level operations that read. What may have to wait is a step of an Op. */
#include "fs/ops.h"

#include "base/error.h"
#include "fs/admit.h"
#include "fs/fs.h"
#include "fs/listing.h"
#include "fs/ops_names.h"
#include "fs/ops_stream.h"
#include "fs/ops_write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MISSING_TIMEOUT_S 1.0 /* how long the kernel believes that a record is not there */
#define TOLD_TIMEOUT_S 86400.0 /* what we are told of when it changes, so that we tell the kernel */
#define BLOCK 4096

Fs *
ops_fs (fuse_req_t req, Count count)
{
  Fs *fs = fuse_req_userdata (req);

  atomic_fetch_add_explicit (&fs->counts[count], 1, memory_order_relaxed);
  return fs;
}

static double
ttl_s (const Fs *fs)
{
  return (double) fs->config.ttl_us / 1e6;
}

double
ops_timeout (const Op *op, const NodeKey *key, const Attr *attr)
{
  const Fs *fs = op->fs;

  /* The kernel tells all users what it was told for one. */
  if (attr->volatile_size || fs->config.ttl_us == 0 || access_has_users (fs->config.access))
    return 0;
  if (key->kind->told && delta_is_listed (fs->delta, key->module))
    return TOLD_TIMEOUT_S;
  /* What was too old for anybody else is not to be shown to them. */
  return op->wait.held_back ? 0 : ttl_s (fs);
}

/* Without opens, each look at such a file gives the kernel a text that stays until the next look. */
static bool
is_snapshot (const Fs *fs, const NodeKey *key, const Attr *attr)
{
  return fs->config.noopen && attr->volatile_size && key->kind->open != NULL && key->kind->read == NULL;
}

struct stat
ops_stat (Fs *fs, const NodeKey *key, const Attr *attr)
{
  struct stat stat;

  if (attr->has_stat)
    {
      stat = attr->stat;
      stat.st_ino = node_ino (key);
      stat.st_blksize = BLOCK;
      return stat;
    }
  stat = (struct stat){
    .st_ino = node_ino (key),
    .st_mode = attr->mode,
    .st_nlink = 1,
    .st_uid = fs->uid,
    .st_gid = fs->gid,
    .st_size = attr->size,
    .st_blksize = BLOCK,
    .st_blocks = attr->size / 512 + (attr->size % 512 != 0),
  };

  stat.st_mtim.tv_sec = attr->mtime;
  stat.st_ctim.tv_sec = attr->mtime;
  stat.st_atim.tv_sec = attr->mtime;
  /* By another time the kernel sees that its pages are of another text, also within a second. */
  if (is_snapshot (fs, key, attr))
    stat.st_mtim.tv_nsec = (long)(atomic_fetch_add (&fs->looks, 1) % 1000000000);
  return stat;
}

static void
init (void *data, struct fuse_conn_info *conn)
{
  const Fs *fs = data;

  /* Our attributes cost nothing once a page is here, so entries always carry them. Nodeids are addresses, so the kernel
   * must never send one it took from an NFS handle. */
  conn->want &= ~(unsigned) (FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_SPLICE_READ
                             | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
  /* With it the kernel would leave truncation to the OPEN that it does not send. */
  if (fs->config.noopen)
    conn->want &= ~(unsigned)FUSE_CAP_ATOMIC_O_TRUNC;
  conn->want |= conn->capable & (FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS);
}

/* ---- lookup, attributes ----------------------------------------------------------------------------------------- */

StoreState
ops_reply_missing (Op *op, double timeout_s)
{
  struct fuse_entry_param param = { .entry_timeout = timeout_s };

  /* It may be there, for all that is known. */
  if (op->wait.held_back)
    fuse_reply_err (op_request (op), EDQUOT);
  else
    fuse_reply_entry (op_request (op), &param);
  return STORE_READY;
}

static bool
is_walker (const Fs *fs, pid_t thread)
{
  char program[WHO_PROGRAM_SIZE];

  if (!walkers_any (fs->config.walkers))
    return false;
  who_program_of (thread, program);
  return walkers_has (fs->config.walkers, program);
}

/* Signs of use stand for opens. */
static void
note_use (Fs *fs, const NodeKey *key, pid_t thread)
{
  if (!fs->config.noopen || key->module == NULL || !delta_is_due (fs->delta, key->module))
    return;
  if (!is_walker (fs, thread))
    delta_used (fs->delta, key->module);
}

/* @node: what is already kept of it will do; NULL: a new look. */
static StoreState
take_snapshot (Op *op, const NodeKey *key, Node *node, Attr *attr, GError **error)
{
  StoreState state = STORE_READY;
  Opened opened = { 0 };

  if (!is_snapshot (op->fs, key, attr))
    return STORE_READY;
  op->text = node != NULL ? nodes_kept (op->fs->nodes, node) : NULL;
  if (op->text == NULL)
    {
      state = key->kind->open (&op->ask, key, &opened, error);
      op->text = opened.text;
    }
  if (state == STORE_READY)
    attr->size = (int64_t)g_bytes_get_size (op->text);
  return state;
}

StoreState
ops_attr (Op *op, const NodeKey *key, Node *node, Attr *attr, GError **error)
{
  StoreState state;

  op->ask.fresh = op->fs->config.noopen && key->module != NULL && !delta_is_listed (op->fs->delta, key->module);
  state = key->kind->attr (&op->ask, key, attr, error);
  return state == STORE_READY ? take_snapshot (op, key, node, attr, error) : state;
}

void
ops_tell (Fs *fs, const NodeKey *key, Node *node, const Attr *attr)
{
  /* No open will find the pages stale. */
  if (nodes_told (fs->nodes, node, attr->version, attr->size) && fs->config.noopen)
    invalidate_inode (fs->invalidate, key, NULL, NULL);
}

static void
tell (Op *op, const NodeKey *key, Node *node, const Attr *attr)
{
  if (op->text != NULL)
    nodes_keep (op->fs->nodes, node, op->text);
  ops_tell (op->fs, key, node, attr);
}

StoreState
ops_reply_entry (Op *op, const NodeKey *key, const Attr *attr, bool listed)
{
  Node *node = nodes_lookup (op->fs->nodes, key);
  struct fuse_entry_param param = {
    .ino = node_id (op->fs->nodes, node),
    .generation = 1,
    .attr = ops_stat (op->fs, key, attr),
    .attr_timeout = ops_timeout (op, key, attr),
  };
  bool lasts = listed && !op->wait.held_back && !access_has_users (op->fs->config.access);

  /* A new look begins with the name; other names of a record may come to mean something else. */
  param.entry_timeout
      = is_snapshot (op->fs, key, attr) || attr->has_stat || !lasts ? 0 : MAX (param.attr_timeout, ttl_s (op->fs));
  tell (op, key, node, attr);
  if (fuse_reply_entry (op_request (op), &param) != 0)
    nodes_forget (op->fs->nodes, node, 1);
  return STORE_READY;
}

bool
ops_reply_stale (Op *op, const NodeKey *key, const GError *error)
{
  bool stale = key->kind != NULL && key->kind->stream != NULL && g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND);

  if (stale)
    fuse_reply_err (op_request (op), ESTALE);
  return stale;
}

static StoreState
lookup_step (Op *op, GError **error)
{
  int refusal = 0;
  const NodeKey *dir = node_key (op->node);
  NodeKey found = { 0 };
  Attr attr = { 0 };
  StoreState state = dir->kind->lookup (&op->ask, dir, op->name, &found, error);

  if (state == STORE_READY && found.kind == NULL)
    return ops_reply_missing (op, ttl_s (op->fs));
  if (state == STORE_READY && (refusal = admit_refusal (op->fs, op->ask.who.uid, &found, ACCESS_TO_LOOK)) == ENOENT)
    return ops_reply_missing (op, ttl_s (op->fs));
  if (state == STORE_READY && refusal != 0)
    {
      fuse_reply_err (op_request (op), refusal);
      return STORE_READY;
    }
  if (state == STORE_READY)
    state = ops_attr (op, &found, NULL, &attr, error);
  if (state == STORE_READY)
    note_use (op->fs, &found, op->thread);
  if (state == STORE_READY)
    return ops_reply_entry (op, &found, &attr, true);
  if (state != STORE_FAILED || !g_error_matches (*error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    return state;
  state = ops_reply_stale (op, &found, *error) ? STORE_READY : ops_reply_missing (op, MISSING_TIMEOUT_S);
  g_clear_error (error);
  return state;
}

static void
lookup (fuse_req_t req, fuse_ino_t parent, const char *name)
{
  Fs *fs = ops_fs (req, COUNT_LOOKUP);
  Node *dir = nodes_of_id (fs->nodes, parent);
  Op *op;

  if (node_key (dir)->kind->lookup == NULL)
    {
      fuse_reply_err (req, ENOTDIR);
      return;
    }
  if (strlen (name) > NAME_MAX)
    {
      fuse_reply_err (req, ENAMETOOLONG);
      return;
    }
  op = op_new_look (fs, req, "lookup", dir, names_is_of_desk (fs, dir, name) ? names_lookup_step : lookup_step,
                    CLIENT_PERSON);
  op->name = g_strdup (name);
  op_run (op);
}

static void
forget (fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
  Fs *fs = ops_fs (req, COUNT_FORGET);

  nodes_forget (fs->nodes, nodes_of_id (fs->nodes, ino), count);
  fuse_reply_none (req);
}

static void
forget_multi (fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
  Fs *fs = ops_fs (req, COUNT_FORGET);

  /* Counted by node, however many the kernel puts into a request. */
  atomic_fetch_add_explicit (&fs->counts[COUNT_FORGET], count - 1, memory_order_relaxed);
  for (size_t i = 0; i < count; i++)
    nodes_forget (fs->nodes, nodes_of_id (fs->nodes, forgets[i].ino), forgets[i].nlookup);
  fuse_reply_none (req);
}

/* It was replaced; whoever has it open still reads it. */
static StoreState
reply_cut (Op *op)
{
  const NodeKey *key = node_key (op->node);
  const Attr attr = { .mode = S_IFREG | 0444, .size = nodes_size (op->fs->nodes, op->node), .mtime = op->fs->mounted_s };
  struct stat stat = ops_stat (op->fs, key, &attr);

  stat.st_nlink = 0;
  fuse_reply_attr (op_request (op), &stat, 0);
  return STORE_READY;
}

static StoreState
getattr_step (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  Attr attr = { 0 };
  struct stat stat;
  g_autoptr (GError) why = NULL;
  StoreState state = STORE_READY;

  if (nodes_is_cut (op->fs->nodes, op->node))
    return reply_cut (op);
  state = ops_attr (op, key, op->node, &attr, &why);
  if (ops_reply_stale (op, key, why))
    return STORE_READY;
  if (why != NULL)
    g_propagate_error (error, g_steal_pointer (&why));
  if (state != STORE_READY)
    return state;
  note_use (op->fs, key, op->thread);
  stat = ops_stat (op->fs, key, &attr);
  tell (op, key, op->node, &attr);
  fuse_reply_attr (op_request (op), &stat, ops_timeout (op, key, &attr));
  return STORE_READY;
}

static void
getattr (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_GETATTR);

  op_run (op_new_look (fs, req, "stat", nodes_of_id (fs->nodes, ino), getattr_step, CLIENT_PERSON));
}

static StoreState
readlink_step (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  g_autofree char *target = NULL;
  StoreState state = key->kind->target (&op->ask, key, &target, error);

  if (state == STORE_READY)
    fuse_reply_readlink (op_request (op), target);
  return state;
}

static void
read_link (fuse_req_t req, fuse_ino_t ino)
{
  Fs *fs = ops_fs (req, COUNT_READLINK);
  Node *node = nodes_of_id (fs->nodes, ino);

  if (node_key (node)->kind->target == NULL)
    fuse_reply_err (req, EINVAL);
  else
    op_run (op_new_look (fs, req, "readlink", node, readlink_step, CLIENT_PERSON));
}

static void
access_of (fuse_req_t req, fuse_ino_t ino, int mask)
{
  const Fs *fs = ops_fs (req, COUNT_OTHER);

  fuse_reply_err (req, (mask & W_OK) != 0 && fs->desks == NULL ? EROFS : 0);
}

static void
statfs_of (fuse_req_t req, fuse_ino_t ino)
{
  struct statvfs stat = { .f_bsize = BLOCK, .f_frsize = BLOCK, .f_namemax = NAME_MAX };
  Fs *fs = ops_fs (req, COUNT_STATFS);
  uint64_t total, left;

  /* Nobody counts inodes here; what may run out are credits. As long as these are not known there is no number, as with
   * other file systems that do not count them. */
  if (fs->config.credits != NULL && fs->config.credits (fs->config.data, &total, &left))
    {
      stat.f_files = total;
      stat.f_ffree = stat.f_favail = left;
    }
  fuse_reply_statfs (req, &stat);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static StoreState
reply_open (Op *op)
{
  op->fi.fh = handle_number (op->handle);
  op->fi.noflush = 1;
  if (fuse_reply_open (op_request (op), &op->fi) != 0)
    handle_close (op->fs->handles, op->handle);
  return STORE_READY;
}

static StoreState
open_step (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  Opened opened = { 0 };
  bool stale;
  StoreState state;

  /* The kernel has dropped the old version. */
  if (op->handle != NULL)
    return reply_open (op);
  state = key->kind->open (&op->ask, key, &opened, error);
  if (state != STORE_READY)
    return state;
  op->handle = handle_open (op->fs->handles, op->node, &opened, &stale);
  g_clear_pointer (&opened.text, g_bytes_unref);
  if (key->kind->peek != NULL)
    desks_note_read (op->fs->desks, key->module, key->id, opened.version, fuse_req_ctx (op->req)->pid);
  /* What the kernel holds is always of the version that is open, so it may keep it. */
  op->fi.keep_cache = !opened.own;
  op->fi.direct_io = opened.own;
  if (!stale)
    return reply_open (op);
  invalidate_inode (op->fs->invalidate, key, op_ring, op);
  return STORE_WAITING;
}

static void
open_file (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_OPEN);
  Node *node = nodes_of_id (fs->nodes, ino);
  Op *op;

  /* The kernel asks no more, and closes without us. */
  if (fs->config.noopen)
    {
      fuse_reply_err (req, ENOSYS);
      return;
    }
  if (stream_opens (fs, req, node, fi) || write_opens (fs, req, node, fi))
    return;
  if (node_key (node)->kind->open == NULL)
    {
      fuse_reply_err (req, S_ISDIR (node_key (node)->kind->type) ? EISDIR : EINVAL);
      return;
    }
  op = op_new_look (fs, req, "open", node, open_step, CLIENT_PERSON);
  op->fi = *fi;
  op_run (op);
}

static void
read_live (Fs *fs, fuse_req_t req, const NodeKey *key, size_t size, off_t offset)
{
  g_autoptr (GBytes) part = key->kind->read (&fs->config, key, (uint64_t) MAX (offset, 0), size);
  size_t length;
  const char *bytes = g_bytes_get_data (part, &length);

  fuse_reply_buf (req, bytes, length);
}

static void
reply_part (fuse_req_t req, GBytes *text, size_t size, off_t offset)
{
  size_t length;
  const char *bytes = g_bytes_get_data (text, &length);

  if (offset < 0 || (uint64_t) offset >= length)
    fuse_reply_buf (req, NULL, 0);
  else
    fuse_reply_buf (req, bytes + offset, MIN (size, length - (size_t) offset));
}

/* Would the kernel cut @text at the size it knows? A shorter one it takes as the new end. */
static bool
is_cut (Fs *fs, Node *node, GBytes *text)
{
  return nodes_cuts (fs->nodes, node, (int64_t)g_bytes_get_size (text));
}

static StoreState
bring_text (Op *op, const NodeKey *key, GError **error)
{
  Opened opened = { 0 };
  StoreState state = key->kind->open_whole != NULL ? key->kind->open_whole (&op->ask, key, &opened, error)
                                                   : key->kind->open (&op->ask, key, &opened, error);

  if (state == STORE_READY)
    op->text = opened.text;
  return state;
}

/* Without an open: the text as it is, whole. */
static StoreState
read_step (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  StoreState state = op->text != NULL ? STORE_READY : bring_text (op, key, error);

  if (state != STORE_READY)
    return state;
  if (op->asked || !is_cut (op->fs, op->node, op->text))
    {
      reply_part (op_request (op), op->text, op->size, (off_t)op->index);
      return STORE_READY;
    }
  op->asked = true;
  invalidate_size (op->fs->invalidate, key, (int64_t)g_bytes_get_size (op->text), op_ring, op);
  return STORE_WAITING;
}

static void
read_unopened (Fs *fs, fuse_req_t req, Node *node, size_t size, off_t offset)
{
  const NodeKey *key = node_key (node);
  g_autoptr (GBytes) text = key->kind->peek != NULL ? key->kind->peek (key) : nodes_kept (fs->nodes, node);
  Op *op;

  note_use (fs, key, fuse_req_ctx (req)->pid);
  if (text != NULL && !is_cut (fs, node, text))
    {
      reply_part (req, text, size, offset);
      return;
    }
  op = op_new_look (fs, req, "read", node, read_step, CLIENT_PERSON);
  op->text = g_steal_pointer (&text);
  op->size = size;
  op->index = (uint64_t)MAX (offset, 0);
  op_run (op);
}

/* The version that was opened has left the cache: what is there now must do. */
static StoreState
read_again_step (Op *op, GError **error)
{
  StoreState state = bring_text (op, handle_key (op->handle), error);

  if (state == STORE_READY)
    reply_part (op_request (op), op->text, op->size, (off_t)op->index);
  return state;
}

static void
read_opened (Fs *fs, fuse_req_t req, Node *node, size_t size, off_t offset, Handle *handle)
{
  const NodeKey *key = handle_key (handle);
  uint64_t version = 0;
  g_autoptr (GBytes) text = handle_text (fs->handles, handle, &version);
  Op *op;

  if (text == NULL && key->kind->text != NULL)
    {
      text = key->kind->text (key, version);
      if (text != NULL)
        nodes_fill (fs->nodes, node, text, version);
    }
  if (text != NULL)
    {
      reply_part (req, text, size, offset);
      return;
    }
  op = op_new_look (fs, req, "read", node, read_again_step, CLIENT_PERSON);
  op->handle = handle;
  op->size = size;
  op->index = (uint64_t)MAX (offset, 0);
  op_run (op);
}

static void
read_file (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_READ);
  Node *node = nodes_of_id (fs->nodes, ino);
  const NodeKey *key = node_key (node);

  if (!fs->config.noopen && stream_reads (fs, req, node, handle_of_number (fi->fh), size, offset))
    return;
  if (!fs->config.noopen && handle_desk (handle_of_number (fi->fh), NULL) != NULL)
    {
      write_read (req, handle_of_number (fi->fh), size, offset);
      return;
    }
  if (key->kind->peek != NULL && offset == 0)
    push_missed (fs->push, key->module, key->id);
  if (key->kind->read != NULL)
    read_live (fs, req, key, size, offset);
  else if (fs->config.noopen)
    read_unopened (fs, req, node, size, offset);
  else
    read_opened (fs, req, node, size, offset, handle_of_number (fi->fh));
}

/* Handles that only read ask for noflush, but not all kernels know it. */
static void
flush (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_OTHER);

  /* Without opens there is nowhere to ask for noflush, so it asks once. */
  if (fs->config.noopen)
    fuse_reply_err (req, ENOSYS);
  else
    write_saves (fs, req, nodes_of_id (fs->nodes, ino), handle_of_number (fi->fh), EDIT_FLUSH);
}

static void
fsync_file (fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_OTHER);

  if (fs->config.noopen)
    fuse_reply_err (req, 0);
  else
    write_saves (fs, req, nodes_of_id (fs->nodes, ino), handle_of_number (fi->fh), EDIT_FSYNC);
}

static void
release (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_RELEASE);

  handle_close (fs->handles, handle_of_number (fi->fh));
  fuse_reply_err (req, 0);
}

/* ---- directories ------------------------------------------------------------------------------------------------ */

static void
open_dir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_OPENDIR);
  Node *node = nodes_of_id (fs->nodes, ino);
  Op *op;

  if (node_key (node)->kind->list == NULL)
    {
      fuse_reply_err (req, ENOTDIR);
      return;
    }
  op = op_new_look (fs, req, "opendir", node, listing_open_step, CLIENT_LISTING);
  op->fi = *fi;
  op_run (op);
}

static void
read_dir_as (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi, bool plus)
{
  Fs *fs = ops_fs (req, COUNT_READDIR);
  Op *op = op_new_look (fs, req, "readdir", nodes_of_id (fs->nodes, ino), listing_read_step, CLIENT_LISTING);

  op->fi = *fi;
  op->size = size;
  op->index = (uint64_t) MAX (offset, 0);
  op->plus = plus;
  op_run (op);
}

static void
read_dir (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
  read_dir_as (req, ino, size, offset, fi, false);
}

static void
read_dir_plus (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
  read_dir_as (req, ino, size, offset, fi, true);
}

static void
release_dir (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_RELEASEDIR);

  handle_close (fs->handles, handle_of_number (fi->fh));
  fuse_reply_err (req, 0);
}

/* Extended attributes are missing on purpose: one ENOSYS saves two requests per file of `ls -l`. */
const struct fuse_lowlevel_ops ops_table = {
  .init = init,
  .lookup = lookup,
  .forget = forget,
  .forget_multi = forget_multi,
  .getattr = getattr,
  .readlink = read_link,
  .access = access_of,
  .statfs = statfs_of,
  .open = open_file,
  .read = read_file,
  .flush = flush,
  .fsync = fsync_file,
  .release = release,
  .opendir = open_dir,
  .readdir = read_dir,
  .readdirplus = read_dir_plus,
  .releasedir = release_dir,
  .setattr = write_set_attr,
  .mknod = names_mknod,
  .mkdir = names_mkdir,
  .unlink = names_unlink,
  .rmdir = names_rmdir,
  .symlink = names_symlink,
  .rename = names_rename,
  .link = names_link,
  .create = names_create,
  .write = write_bytes,
};
