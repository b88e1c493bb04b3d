/* /.zohofs/events.jsonl and its like: files that only grow, read as they are now. So their size is exact at each
 * look, `tail -F` sees what is added, and who reads to the end ends. */
#include "fs/kinds/kinds.h"

static Jsonl *
jsonl_of (const FsConfig *config, const NodeKey *node)
{
  return config->journals[node->id];
}

static bool
feed_of_all (const Ask *ask, const NodeKey *node)
{
  return true;
}

static StoreState
feed_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  mode_t mode = access_has_users (ask->config->access) ? 0400 : 0444;

  *attr = (Attr){ .mode = S_IFREG | mode, .mtime = ask->mounted_s, .volatile_size = true };
  attr->size = jsonl_size (jsonl_of (ask->config, node), &attr->mtime);
  return STORE_READY;
}

static StoreState
feed_open (const Ask *ask, const NodeKey *node, Opened *opened, GError **error)
{
  opened->text = g_bytes_new_static ("", 0);
  opened->own = true;
  return STORE_READY;
}

static GBytes *
feed_read (const FsConfig *config, const NodeKey *node, uint64_t offset, size_t size)
{
  return jsonl_read (jsonl_of (config, node), offset, size);
}

const NodeKind journal_kind = {
  .number = KIND_JOURNAL,
  .type = S_IFREG,
  .of_all = feed_of_all,
  .attr = feed_attr,
  .open = feed_open,
  .read = feed_read,
};
