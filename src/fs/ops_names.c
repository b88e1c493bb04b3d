/* Names that are made, moved and removed. First it is resolved which record a name means on the server, by its id,
 * by the name it was created under, or by the value of a field; then the desk of the directory decides. */
#include "fs/ops_names.h"

#include "base/error.h"
#include "fs/admit.h"
#include "fs/kinds/kinds.h"
#include "fs/ops_stream.h"
#include "fs/ops_write.h"
#include "model/names.h"
#include "model/notes.h"

#include <errno.h>
#include <string.h>

#define MISSING_TIMEOUT_S 1.0 /* how long the kernel believes that a record is not there */

static bool
is_written (const Fs *fs, Node *dir)
{
  const NodeKey *key = node_key (dir);

  return fs->desks != NULL
         && (key->kind == &notes_of_kind || (key->kind == &module_kind && key->module != store_users (fs->store)));
}

static NameKind
read_name (Node *dir, const char *name, uint64_t *id)
{
  return node_key (dir)->kind == &notes_of_kind ? names_read_note (name, id) : names_read (name, id);
}

/* The module of what is in the directory. */
static StoreModule *
records_of (const Op *op)
{
  return desks_records (op->fs->desks, node_key (op->node));
}

bool
names_is_of_desk (const Fs *fs, Node *dir, const char *name)
{
  NameKind kind = read_name (dir, name, &(uint64_t){ 0 });

  return is_written (fs, dir) && kind != NAME_FIXED && kind != NAME_FOLDER;
}

/* ---- which record a name means ----------------------------------------------------------------------------------- */

/* A note is in the folder of its record alone. */
static bool
is_elsewhere (const Op *op, uint64_t id)
{
  const NodeKey *dir = node_key (op->node);
  StoreModule *parent = NULL;
  uint64_t record = 0;

  return dir->kind == &notes_of_kind
         && (!store_note_parent (op->fs->store, id, &parent, &record) || parent != dir->module || record != dir->id);
}

/* Is record @id there? Sets it to 0 when it is not. */
static StoreState
check_record (Op *op, uint64_t *id, GError **error)
{
  StoreEntry entry = { 0 };
  g_autoptr (GError) why = NULL;
  StoreState state = store_entry (records_of (op), *id, &op->wait, &entry, &why);

  if (state == STORE_READY && is_elsewhere (op, *id))
    *id = 0;
  if (state != STORE_FAILED)
    return state;
  if (!g_error_matches (why, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&why));
      return STORE_FAILED;
    }
  *id = 0;
  store_wait_clear (&op->wait);
  return STORE_READY;
}

/* What was created as @name. */
static StoreState
resolve_alias (Op *op, const char *name, uint64_t *id, GError **error)
{
  *id = desks_alias (op->fs->desks, node_key (op->node), name);
  return *id != 0 ? check_record (op, id, error) : STORE_READY;
}

static StoreState
resolve_id (Op *op, uint64_t own, uint64_t *id, GError **error)
{
  g_autofree char *name = names_record (NULL, own);
  StoreState state;

  *id = own;
  state = check_record (op, id, error);
  if (state != STORE_READY || *id != 0)
    return state;
  return resolve_alias (op, name, id, error);
}

/* Fields that there are not, or that cannot be asked for, name no record; who writes there is told why. */
static StoreState
resolve_field (Op *op, const char *name, uint64_t *id, GError **error)
{
  const NodeKey *dir = node_key (op->node);
  g_autofree char *field = NULL;
  g_autofree char *value = NULL;
  g_autoptr (GError) why = NULL;
  StoreState state;

  if (!names_read_field (name, &field, &value))
    return STORE_READY;
  state = desks_find_by_field (op->fs->desks, dir->module, field, value, &op->wait, id, &why);
  if (state == STORE_FAILED && g_error_matches (why, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    {
      store_wait_clear (&op->wait);
      return STORE_READY;
    }
  if (state == STORE_FAILED)
    g_propagate_error (error, g_steal_pointer (&why));
  return state;
}

static StoreState
resolve_one (Op *op, const char *name, uint64_t *id, GError **error)
{
  uint64_t own = 0;

  *id = 0;
  switch (read_name (op->node, name, &own))
    {
    case NAME_RECORD:
      return resolve_id (op, own, id, error);
    case NAME_FIELD:
      return resolve_field (op, name, id, error);
    case NAME_NEW:
      return resolve_alias (op, name, id, error);
    case NAME_FIXED:
    case NAME_FOLDER:
    case NAME_SCRATCH_PATTERN:
    case NAME_SCRATCH:
      break;
    }
  return STORE_READY;
}

/* op->name, and op->new_name if there is one, to op->ids. */
static StoreState
resolve (Op *op, GError **error)
{
  const char *names[] = { op->name, op->new_name };

  while (op->resolved < G_N_ELEMENTS (names) && names[op->resolved] != NULL)
    {
      StoreState state = resolve_one (op, names[op->resolved], &op->ids[op->resolved], error);

      if (state != STORE_READY)
        return state;
      op->resolved++;
    }
  return STORE_READY;
}

/* ---- lookup ------------------------------------------------------------------------------------------------------ */

static StoreState
missing (Op *op)
{
  NameKind kind = read_name (op->node, op->name, &(uint64_t){ 0 });
  double ttl_s = (double)op->fs->config.ttl_us / 1e6;

  /* One that hides may come back at any time. */
  if (op->ids[0] != 0)
    return ops_reply_missing (op, 0);
  return ops_reply_missing (op, kind == NAME_RECORD || kind == NAME_FIELD ? MIN (MISSING_TIMEOUT_S, ttl_s) : ttl_s);
}

static bool
is_listed_name (const Op *op, const NodeKey *key)
{
  g_autofree char *listed = key->kind == &record_kind ? store_record_name (key->module, key->id) : NULL;

  return listed != NULL && strcmp (listed, op->name) == 0;
}

static StoreState
reply_key (Op *op, const NodeKey *key, GError **error)
{
  Attr attr = { 0 };
  StoreState state = ops_attr (op, key, NULL, &attr, error);

  return state == STORE_READY ? ops_reply_entry (op, key, &attr, is_listed_name (op, key)) : state;
}

/* What the desk's answer names. */
static NodeKey
answered_key (const Op *op)
{
  StoreModule *module = records_of (op);

  if (op->call.id != 0)
    return (NodeKey){ &record_kind, module, op->call.id };
  if (desk_is_link (op->desk, op->call.node))
    return (NodeKey){ &local_link_kind, module, op->call.node };
  return (NodeKey){ &local_kind, module, op->call.node };
}

StoreState
names_lookup_step (Op *op, GError **error)
{
  NodeKey key = { &record_kind, records_of (op), 0 };
  StoreState state = resolve (op, error);

  if (state != STORE_READY)
    return state;
  key.id = op->ids[0];
  op->desk = desks_find (op->fs->desks, node_key (op->node));
  if (op->desk != NULL)
    {
      op->event = (EditEvent){ .kind = EDIT_LOOKUP, .name = op->name, .id = op->ids[0] };
      op->fed = false;
      write_feed (op);
      op->give_up = NULL;
      if (op->call.error == 0)
        key = answered_key (op);
    }
  if (op->desk != NULL ? op->call.error != 0 : key.id == 0)
    return missing (op);
  state = reply_key (op, &key, error);
  if (state != STORE_FAILED || !g_error_matches (*error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    return state;
  g_clear_error (error);
  return ops_reply_missing (op, 0);
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

/* What the kernel is told of a file that was made; NULL with an errno. */
static Node *
entry_of (Op *op, struct fuse_entry_param *param)
{
  NodeKey key = answered_key (op);
  Attr attr = { 0 };
  g_autoptr (GError) error = NULL;
  StoreState state = ops_attr (op, &key, NULL, &attr, &error);
  Node *node;

  /* It was made a moment ago, so nobody need be asked. */
  if (state == STORE_WAITING && !store_wait_cancel (op->fs->store, &op->wait))
    return NULL;
  if (state != STORE_READY)
    return NULL;
  node = nodes_lookup (op->fs->nodes, &key);
  *param = (struct fuse_entry_param){
    .ino = node_id (op->fs->nodes, node),
    .generation = 1,
    .attr = ops_stat (op->fs, &key, &attr),
  };
  ops_tell (op->fs, &key, node, &attr);
  return node;
}

/* @node NULL: it was not made. */
static StoreState
reply_made (Op *op, Node *node, const struct fuse_entry_param *param)
{
  if (node == NULL)
    fuse_reply_err (op_request (op), op->call.error != 0 ? op->call.error : EIO);
  else if (fuse_reply_entry (op_request (op), param) != 0)
    nodes_forget (op->fs->nodes, node, 1);
  return STORE_READY;
}

static StoreState
create_step (Op *op, GError **error)
{
  StoreState state = resolve (op, error);
  struct fuse_entry_param param;
  Node *node;

  if (state != STORE_READY)
    return state;
  op->event.kind = EDIT_CREATE;
  op->event.name = op->name;
  op->event.id = op->ids[0];
  op->event.handle = desk_handle (op->desk, NULL);
  write_feed (op);
  node = op->call.error == 0 ? entry_of (op, &param) : NULL;
  if (node != NULL && !op->plus)
    return write_reply_open (op, node, &param);
  desk_close (op->desk, op->event.handle);
  return reply_made (op, node, &param);
}

/* The desk in which @dir's names are written. Returns: NULL, and the request is answered, when they are not. */
static Desk *
desk_of (Fs *fs, fuse_req_t req, Node *dir, const char *name)
{
  const NodeKey *key = node_key (dir);
  StoreRights rights = desks_rights (fs->desks, fs->desks != NULL ? desks_records (fs->desks, key) : NULL);
  bool writable = is_written (fs, dir) && (rights.create || rights.update || rights.delete);

  if (writable && strlen (name) <= NAME_MAX)
    return desks_get (fs->desks, key);
  if (!is_written (fs, dir))
    fuse_reply_err (req, EROFS);
  else
    fuse_reply_err (req, writable ? ENAMETOOLONG : EACCES);
  return NULL;
}

static void
create_as (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, const struct fuse_file_info *fi)
{
  Fs *fs = ops_fs (req, COUNT_OTHER);
  Node *dir = nodes_of_id (fs->nodes, parent);
  Desk *desk;
  Op *op;

  if (stream_creates (fs, req, dir, name, fi))
    return;
  desk = desk_of (fs, req, dir, name);
  if (desk == NULL)
    return;
  op = op_new (fs, req, "create", dir, create_step, CLIENT_PERSON);
  op->need = ACCESS_TO_WRITE;
  op->desk = desk;
  op->name = g_strdup (name);
  op->ask.who = write_who (req);
  op->call.mode = mode;
  op->plus = fi == NULL; /* nothing is opened */
  if (fi != NULL)
    op->fi = *fi;
  op->event.flags = fi != NULL ? write_flags (fi->flags) : EDIT_WRITES | EDIT_EXCLUSIVE;
  op_run (op);
}

void
names_create (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
  create_as (req, parent, name, mode, fi);
}

void
names_mknod (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
  if (S_ISREG (mode) || (mode & S_IFMT) == 0)
    {
      create_as (req, parent, name, mode, NULL);
      return;
    }
  fuse_reply_err (req, ops_fs (req, COUNT_OTHER)->desks != NULL ? EPERM : EROFS);
}

static StoreState
symlink_step (Op *op, GError **error)
{
  StoreState state = resolve (op, error);
  struct fuse_entry_param param;
  Node *node;

  if (state != STORE_READY)
    return state;
  op->event = (EditEvent){ .kind = EDIT_SYMLINK, .name = op->name, .id = op->ids[0] };
  op->call.target = op->target;
  write_feed (op);
  node = op->call.error == 0 ? entry_of (op, &param) : NULL;
  return reply_made (op, node, &param);
}

void
names_symlink (fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
  Fs *fs = ops_fs (req, COUNT_OTHER);
  Node *dir = nodes_of_id (fs->nodes, parent);
  Desk *desk;
  Op *op;

  if (stream_links (fs, req, dir, name, target))
    return;
  desk = desk_of (fs, req, dir, name);
  if (desk == NULL)
    return;
  op = op_new (fs, req, "symlink", dir, symlink_step, CLIENT_PERSON);
  op->need = ACCESS_TO_WRITE;
  op->desk = desk;
  op->name = g_strdup (name);
  op->target = g_strdup (target);
  op->ask.who = write_who (req);
  op_run (op);
}

/* ---- refused always ---------------------------------------------------------------------------------------------- */

static void
refuse (fuse_req_t req, fuse_ino_t parent, const char *name)
{
  Fs *fs = ops_fs (req, COUNT_OTHER);

  if (desk_of (fs, req, nodes_of_id (fs->nodes, parent), name) != NULL)
    fuse_reply_err (req, EPERM);
}

void
names_mkdir (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
  refuse (req, parent, name);
}

void
names_rmdir (fuse_req_t req, fuse_ino_t parent, const char *name)
{
  refuse (req, parent, name);
}

void
names_link (fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
  refuse (req, new_parent, new_name);
}

/* ---- unlink ------------------------------------------------------------------------------------------------------ */

/* Local files are the user's own, whoever may not delete records. */
static bool
may_not_delete (const Op *op)
{
  return admit_refusal (op->fs, op->ask.who.uid, node_key (op->node), ACCESS_TO_DELETE) != 0;
}

static StoreState
unlink_step (Op *op, GError **error)
{
  StoreState state = resolve (op, error);

  if (state != STORE_READY)
    return state;
  if (op->ids[0] != 0 && may_not_delete (op))
    {
      fuse_reply_err (op_request (op), EACCES);
      return STORE_READY;
    }
  op->event = (EditEvent){ .kind = EDIT_UNLINK, .name = op->name, .id = op->ids[0] };
  write_feed (op);
  fuse_reply_err (op_request (op), op->call.error);
  return STORE_READY;
}

static StoreState
unlink_other_step (Op *op, GError **error)
{
  const NodeKey *dir = node_key (op->node);
  StoreState state = dir->kind->unlink (&op->ask, dir, op->name, error);

  if (state == STORE_READY)
    fuse_reply_err (op_request (op), 0);
  return state;
}

void
names_unlink (fuse_req_t req, fuse_ino_t parent, const char *name)
{
  Fs *fs = ops_fs (req, COUNT_OTHER);
  Node *dir = nodes_of_id (fs->nodes, parent);
  bool other = fs->desks != NULL && node_key (dir)->kind->unlink != NULL;
  Desk *desk = other ? NULL : desk_of (fs, req, dir, name);
  Op *op;

  if (desk == NULL && !other)
    return;
  op = op_new (fs, req, "unlink", dir, other ? unlink_other_step : unlink_step, CLIENT_PERSON);
  op->need = ACCESS_TO_WRITE;
  op->desk = desk;
  op->name = g_strdup (name);
  op->ask.who = write_who (req);
  op_run (op);
}

/* ---- rename ------------------------------------------------------------------------------------------------------ */

/* A record that becomes a scratch file takes its text along. */
static StoreState
bring_text (Op *op, GError **error)
{
  StoreEntry entry = { 0 };

  if (op->ids[0] == 0 || op->text != NULL || desk_hides (op->desk, op->ids[0]))
    return STORE_READY;
  return store_document (records_of (op), op->ids[0], &op->wait, &entry, &op->text, error);
}

static StoreState
rename_step (Op *op, GError **error)
{
  StoreState state = resolve (op, error);

  if (state == STORE_READY && !op->fed)
    state = bring_text (op, error);
  if (state != STORE_READY)
    return state;
  op->event.name = op->name;
  op->event.id = op->ids[0];
  op->event.new_name = op->new_name;
  op->event.new_id = op->ids[1];
  op->call.server = op->text;
  if (write_feed (op) == STORE_WAITING)
    return STORE_WAITING;
  fuse_reply_err (op_request (op), op->call.error);
  return STORE_READY;
}

/* Other files are copied by who moves them between directories; a record belongs to its module. */
static StoreState
move_step (Op *op, GError **error)
{
  StoreState state = resolve (op, error);

  if (state == STORE_READY)
    fuse_reply_err (op_request (op), op->ids[0] != 0 ? EPERM : EXDEV);
  return state;
}

/* Attachments and queries: a file from elsewhere gets there by a copy. */
static bool
takes_files (const Fs *fs, Node *dir)
{
  return fs->desks != NULL && node_key (dir)->kind->create != NULL;
}

void
names_rename (fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
              unsigned flags)
{
  Fs *fs = ops_fs (req, COUNT_OTHER);
  Node *dir = nodes_of_id (fs->nodes, parent), *new_dir = nodes_of_id (fs->nodes, new_parent);
  int refusal = admit_refusal (fs, fuse_req_ctx (req)->uid, node_key (new_dir), ACCESS_TO_WRITE);
  bool copied = parent != new_parent && takes_files (fs, new_dir);
  Desk *desk = NULL;
  Op *op;

  if (refusal != 0)
    {
      fuse_reply_err (req, refusal);
      return;
    }
  if (parent == new_parent && stream_renames (fs, req, dir, name, new_name, flags))
    return;
  if (!copied || is_written (fs, dir))
    {
      desk = desk_of (fs, req, copied ? dir : new_dir, copied ? name : new_name);
      if (desk == NULL)
        return;
    }
  if (parent != new_parent && !is_written (fs, dir))
    {
      fuse_reply_err (req, EXDEV);
      return;
    }
  op = op_new (fs, req, "rename", dir, parent == new_parent ? rename_step : move_step, CLIENT_PERSON);
  op->need = ACCESS_TO_WRITE;
  op->desk = desk;
  op->name = g_strdup (name);
  op->new_name = parent == new_parent ? g_strdup (new_name) : NULL;
  op->ask.who = write_who (req);
  op->event = (EditEvent){ .kind = EDIT_RENAME, .rename_flags = flags };
  op_run (op);
}
