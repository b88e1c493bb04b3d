/* /.zohofs/status.json and /.zohofs/metrics: the state of the mount now, so every open has a text of its own. */
#include "fs/kinds/kinds.h"

#include "base/clock.h"

#include <string.h>

static char *
text_now (const Ask *ask, const NodeKey *node)
{
  const FsConfig *config = ask->config;

  return node->id == STATUS_METRICS ? config->metrics (config->data) : config->status (config->data);
}

static StoreState
status_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  g_autofree char *text = text_now (ask, node);

  *attr = (Attr){
    .mode = S_IFREG | 0444, .size = (int64_t) strlen (text), .mtime = clock_wall_s (), .volatile_size = true
  };
  return STORE_READY;
}

static StoreState
status_open (const Ask *ask, const NodeKey *node, Opened *opened, GError **error)
{
  char *text = text_now (ask, node);

  opened->text = g_bytes_new_take (text, strlen (text));
  opened->own = true;
  return STORE_READY;
}

const NodeKind status_kind = {
  .number = KIND_STATUS,
  .type = S_IFREG,
  .attr = status_attr,
  .open = status_open,
};
