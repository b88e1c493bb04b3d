/* Files that are in a module's directory and not in the CRM: those of editors, and new ones that are not saved yet. Their
 * desk knows them; NodeKey.id is its number. */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "fs/desk.h"

#include <unistd.h>

static StoreState
stale (const NodeKey *node, GError **error)
{
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "There is no such file in %s any more.",
               store_module_name (node->module));
  return STORE_FAILED;
}

static StoreState
local_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  Desk *desk = desks_find (ask->desks, node);

  *attr = (Attr){ .volatile_size = true, .has_stat = true };
  attr->stat = (struct stat){ .st_mode = node->kind->type | 0644, .st_nlink = 1, .st_uid = getuid (), .st_gid = getgid () };
  return desk != NULL && desk_stat_local (desk, node->id, &attr->stat) ? STORE_READY : stale (node, error);
}

static StoreState
local_target (const Ask *ask, const NodeKey *node, char **target, GError **error)
{
  Desk *desk = desks_find (ask->desks, node);

  *target = desk != NULL ? desk_target (desk, node->id) : NULL;
  return *target != NULL ? STORE_READY : stale (node, error);
}

const NodeKind local_kind = {
  .number = KIND_LOCAL,
  .type = S_IFREG,
  .attr = local_attr,
};

const NodeKind local_link_kind = {
  .number = KIND_LOCAL_LINK,
  .type = S_IFLNK,
  .attr = local_attr,
  .target = local_target,
};
