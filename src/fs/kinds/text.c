/* Generated texts that stay the same while what they tell does: the guide, the org, a module's metadata. */
#include "fs/kinds/kinds.h"

#include <string.h>
#include <xxhash.h>

static StoreText
store_text_of (uint64_t id)
{
  switch (id)
    {
    case TEXT_MODULE:
      return STORE_TEXT_MODULE;
    case TEXT_FIELDS:
      return STORE_TEXT_FIELDS;
    case TEXT_RELATED_LISTS:
      return STORE_TEXT_RELATED_LISTS;
    case TEXT_SCHEMA:
      return STORE_TEXT_SCHEMA;
    default:
      return STORE_TEXT_ORG;
    }
}

static StoreState
text_of (const Ask *ask, const NodeKey *node, GBytes **text, GError **error)
{
  char *readme;

  if (node->id != TEXT_README)
    return store_text (ask->store, store_text_of (node->id), node->module, ask->wait, text, error);
  readme = ask->config->readme (ask->config->data);
  *text = g_bytes_new_take (readme, strlen (readme));
  return STORE_READY;
}

static uint64_t
version_of (GBytes *text)
{
  size_t size;
  const void *data = g_bytes_get_data (text, &size);

  return XXH64 (data, size, 0) | 1;
}

static StoreState
text_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  g_autoptr (GBytes) text = NULL;
  StoreState state = text_of (ask, node, &text, error);

  if (state == STORE_READY)
    *attr = (Attr) {
      .mode = S_IFREG | 0444,
      .size = (int64_t) g_bytes_get_size (text),
      .mtime = ask->mounted_s,
      .version = version_of (text),
    };
  return state;
}

static StoreState
text_open (const Ask *ask, const NodeKey *node, Opened *opened, GError **error)
{
  StoreState state = text_of (ask, node, &opened->text, error);

  if (state == STORE_READY)
    opened->version = version_of (opened->text);
  return state;
}

const NodeKind text_kind = {
  .number = KIND_TEXT,
  .type = S_IFREG,
  .attr = text_attr,
  .open = text_open,
};
