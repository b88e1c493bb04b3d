/* The mount's root: the guide, the users, a directory for each module, and .zohofs, which is never listed so that
 * programs which walk the tree leave it alone. */
#include "fs/kinds/kinds.h"
#include "fs/route.h"

#include <xxhash.h>

static StoreState
take_users (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  *found = (NodeKey) { &module_kind, store_users (ask->store), 0 };
  return STORE_READY;
}

static StoreState
take_module (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  return route_take_module (ask, name, &module_kind, 0, found, error);
}

static const Route routes[] = {
  { "README.md", true, &text_kind, TEXT_README, NULL },
  { "Users", true, NULL, 0, take_users },
  { "queries", true, &queries_kind, 0, NULL },
  { ".coql", false, NULL, 0, coql_take },
  { ".zohofs", false, &control_kind, CONTROL_TOP, NULL },
  { NULL, false, NULL, 0, take_module },
  ROUTE_END,
};

static StoreState
root_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  kinds_directory_attr (attr, ask->mounted_s, false);
  return STORE_READY;
}

static StoreState
root_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  return route_read (routes, ask, dir, name, found, error);
}

/* Opening the root asks nobody: df and file managers do it all the time. Who reads it on waits for the modules. */
static StoreState
root_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  listing->modules = store_known_modules (ask->store, ask->wait);
  if (listing->modules != NULL)
    listing->version = kinds_modules_version (listing->modules);
  return STORE_READY;
}

static StoreState
root_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
            bool *at_end, GError **error)
{
  Listing now = *listing;
  g_autoptr (GPtrArray) modules = NULL;

  if (now.modules == NULL && index >= route_count_listed (routes))
    {
      StoreState state = store_modules (ask->store, ask->wait, &modules, error);

      if (state != STORE_READY)
        return state;
      now.modules = modules;
    }
  return route_entry (routes, &module_kind, 0, ask, dir, &now, index, entry, at_end, error);
}

/* Modules live as long as the store, so their addresses name them. */
uint64_t
kinds_modules_version (const GPtrArray *modules)
{
  return XXH64 (modules->pdata, modules->len * sizeof (void *), 1);
}

StoreState
kinds_list_modules (const Ask *ask, Listing *listing, GError **error)
{
  StoreState state = store_modules (ask->store, ask->wait, &listing->modules, error);

  if (state != STORE_READY)
    return state;
  listing->version = kinds_modules_version (listing->modules);
  return STORE_READY;
}

const NodeKind root_kind = {
  .number = KIND_ROOT,
  .type = S_IFDIR,
  .attr = root_attr,
  .lookup = root_lookup,
  .list = root_list,
  .entry = root_entry,
};
