/* /.zohofs/drain: who opens it waits until everything is sent that can be, and reads what could not be. ops_write.c
 * does it. */
#include "fs/kinds/kinds.h"

#include "base/clock.h"

static StoreState
drain_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  *attr = (Attr){ .mode = S_IFREG | 0444, .mtime = clock_wall_s (), .volatile_size = true };
  return STORE_READY;
}

const NodeKind drain_kind = {
  .number = KIND_DRAIN,
  .type = S_IFREG,
  .attr = drain_attr,
};
