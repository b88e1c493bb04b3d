/* Files that are in a module's directory and not in the CRM: those of editors, and new ones that are not saved yet.
 * Their desk knows them; NodeKey.id is its number. */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "fs/desk.h"

#include <unistd.h>

/* So that two versions make one. */
#define DESK_STEP UINT64_C (0x9e3779b97f4a7c15)

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

void
kinds_list_locals (const Ask *ask, const NodeKey *dir, Listing *listing)
{
  Desk *desk = desks_find (ask->desks, dir);

  if (desk == NULL)
    return;
  listing->version = (listing->version + desk_version (desk) * DESK_STEP) | 1;
  listing->locals = desk_names (desk);
}

void
kinds_local_entry (StoreModule *module, const Listing *listing, size_t index, Entry *entry)
{
  const DeskName *local = listing->locals->pdata[index];

  entry->key = (NodeKey){ local->is_link ? &local_link_kind : &local_kind, module, local->number };
  entry->name = g_strdup (local->name);
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
