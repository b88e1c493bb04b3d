/* /Users/me.json: a symlink to the mount's own user. */
#include "fs/kinds/kinds.h"

#include <string.h>

static StoreState
me_target (const Ask *ask, const NodeKey *node, char **target, GError **error)
{
  uint64_t id = 0;
  StoreState state = store_me (ask->store, ask->wait, &id, error);

  if (state == STORE_READY)
    *target = store_record_name (store_users (ask->store), id);
  return state;
}

static StoreState
me_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  g_autofree char *target = NULL;
  StoreState state = me_target (ask, node, &target, error);

  if (state == STORE_READY)
    *attr = (Attr) { .mode = S_IFLNK | 0777, .size = (int64_t) strlen (target), .mtime = ask->mounted_s };
  return state;
}

const NodeKind users_me_kind = {
  .number = KIND_USERS_ME,
  .type = S_IFLNK,
  .attr = me_attr,
  .target = me_target,
};
