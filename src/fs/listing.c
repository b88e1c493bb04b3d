/* Open directories. */
#include "fs/listing.h"

#include "fs/admit.h"
#include "fs/fs.h"
#include "fs/ops.h"

#define DOTS 2 /* "." and ".." come first */

StoreState
listing_open_step (Op *op, GError **error)
{
  const NodeKey *key = node_key (op->node);
  Listing listing = { 0 };
  StoreState state = key->kind->list (&op->ask, key, &listing, error);
  Handle *handle;

  if (state != STORE_READY)
    return state;
  handle = handle_opendir (op->fs->handles, op->node, &listing);
  op->fi.fh = handle_number (handle);
  op->fi.cache_readdir = !op->wait.held_back && !access_has_users (op->fs->config.access);
  /* Without it the kernel drops the entries it has cached. */
  op->fi.keep_cache = nodes_opendir (op->fs->nodes, op->node, listing.version);
  if (fuse_reply_open (op_request (op), &op->fi) != 0)
    handle_close (op->fs->handles, handle);
  return STORE_READY;
}

/* Entry @index of the directory, dots included. */
static StoreState
entry_at (Op *op, Entry *entry, bool *at_end, GError **error)
{
  const NodeKey *key = node_key (op->node);
  const Listing *listing = handle_listing (handle_of_number (op->fi.fh));

  if (op->index >= DOTS)
    return key->kind->entry (&op->ask, key, listing, op->index - DOTS, op->plus, entry, at_end, error);
  entry->key = op->index == 0 ? *key : *node_key (nodes_of_id (op->fs->nodes, FUSE_ROOT_ID));
  entry->name = g_strdup (op->index == 0 ? "." : "..");
  return STORE_READY;
}

static void
fill_entry (Op *op, const Entry *entry, struct fuse_entry_param *param)
{
  Node *node;

  /* Without attributes the kernel takes just the name, by nodeid 0. */
  if (!entry->has_attr)
    {
      param->attr.st_ino = node_ino (&entry->key);
      param->attr.st_mode = entry->key.kind->type;
      return;
    }
  if (entry->key.kind->peek != NULL && handle_listing (handle_of_number (op->fi.fh))->records != NULL)
    push_listed (op->fs->push, entry->key.module, op->index - DOTS, entry->key.id);
  node = nodes_lookup (op->fs->nodes, &entry->key);
  ops_tell (op->fs, &entry->key, node, &entry->attr);
  g_ptr_array_add (op->counted, node);
  param->ino = node_id (op->fs->nodes, node);
  param->generation = 1;
  param->attr = ops_stat (op->fs, &entry->key, &entry->attr);
  param->attr_timeout = ops_timeout (op, &entry->key, &entry->attr);
  param->entry_timeout = param->attr_timeout;
}

/* Returns: false when it does not fit. */
static bool
add_plus (Op *op, const Entry *entry)
{
  struct fuse_entry_param param = { 0 };
  size_t room = op->size - op->used;

  if (fuse_add_direntry_plus (op->req, NULL, 0, entry->name, NULL, 0) > room)
    return false;
  fill_entry (op, entry, &param);
  op->used += fuse_add_direntry_plus (op->req, op->buffer + op->used, room, entry->name, &param,
                                      (off_t) op->index + 1);
  return true;
}

/* Returns: false when it does not fit. */
static bool
add_plain (Op *op, const Entry *entry)
{
  struct stat attr = { .st_ino = node_ino (&entry->key), .st_mode = entry->key.kind->type };
  size_t room = op->size - op->used;
  size_t need = fuse_add_direntry (op->req, op->buffer + op->used, room, entry->name, &attr, (off_t) op->index + 1);

  if (need > room)
    return false;
  op->used += need;
  return true;
}

static StoreState
answer (Op *op)
{
  if (fuse_reply_buf (op_request (op), op->buffer, op->used) != 0)
    for (guint i = 0; i < op->counted->len; i++)
      nodes_forget (op->fs->nodes, g_ptr_array_index (op->counted, i), 1);
  return STORE_READY;
}

/* Adds the next entry. @full: the buffer takes no more, or there are no more. */
static StoreState
add_next (Op *op, bool *full, GError **error)
{
  g_auto (Entry) entry = { 0 };
  StoreState state = entry_at (op, &entry, full, error);

  if (state != STORE_READY || *full)
    return state;
  if (entry.key.kind != NULL && admit_lists (op->fs, op->ask.who.uid, node_key (op->node), &entry.key))
    *full = op->plus ? !add_plus (op, &entry) : !add_plain (op, &entry);
  if (!*full)
    op->index++;
  return STORE_READY;
}

StoreState
listing_read_step (Op *op, GError **error)
{
  StoreState state = STORE_READY;
  bool full = false;

  if (op->buffer == NULL)
    {
      const NodeKey *key = node_key (op->node);

      if (handle_listing (handle_of_number (op->fi.fh))->records != NULL)
        delta_listed (op->fs->delta, op->fs->store, key->module);
      op->buffer = g_malloc (op->size);
      op->counted = g_ptr_array_new ();
    }
  while (state == STORE_READY && !full)
    state = add_next (op, &full, error);
  if (state == STORE_READY)
    return answer (op);
  if (op->used == 0)
    return state;
  /* What we have goes out now; the next readdir waits, or meets the failure again. If the ring is under way, it comes
   * before we can go. */
  if (state == STORE_WAITING && !store_wait_cancel (op->ask.store, &op->wait))
    return STORE_WAITING;
  g_clear_error (error);
  return answer (op);
}
