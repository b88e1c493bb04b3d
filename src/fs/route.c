/* Names by table. */
#include "fs/route.h"

static bool
is_end (const Route *route)
{
  return route->kind == NULL && route->take == NULL;
}

StoreState
route_read (const Route *routes, const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  const Route *route = routes;

  while (!is_end (route) && route->name != NULL && !g_str_equal (route->name, name))
    route++;
  if (is_end (route))
    return STORE_READY;
  if (route->take != NULL)
    return route->take (ask, dir, name, found, error);
  *found = (NodeKey) { route->kind, dir->module, route->id };
  return STORE_READY;
}

const Route *
route_listed (const Route *routes, size_t index)
{
  for (const Route *route = routes; !is_end (route); route++)
    if (route->listed && index-- == 0)
      return route;
  return NULL;
}

size_t
route_count_listed (const Route *routes)
{
  size_t count = 0;

  while (route_listed (routes, count) != NULL)
    count++;
  return count;
}

StoreState
route_take_module (const Ask *ask, const char *name, const NodeKind *kind, uint64_t id, NodeKey *found, GError **error)
{
  StoreModule *module = NULL;
  StoreState state = store_module (ask->store, name, ask->wait, &module, error);

  if (state == STORE_READY)
    *found = (NodeKey) { kind, module, id };
  return state;
}

/* Directories cost nothing to look at; what a text's size costs is left to who asks for it by name. */
static StoreState
add_attr (const Ask *ask, Entry *entry, GError **error)
{
  if (!S_ISDIR (entry->key.kind->type))
    return STORE_READY;
  entry->has_attr = true;
  return entry->key.kind->attr (ask, &entry->key, &entry->attr, error);
}

StoreState
route_entry (const Route *routes, const NodeKind *kind, uint64_t id, const Ask *ask, const NodeKey *dir,
             const Listing *listing, size_t index, Entry *entry, bool *at_end, GError **error)
{
  size_t fixed = route_count_listed (routes);
  StoreModule *module;

  if (index < fixed)
    {
      const Route *route = route_listed (routes, index);
      StoreState state = route_read (routes, ask, dir, route->name, &entry->key, error);

      entry->name = g_strdup (route->name);
      return state == STORE_READY ? add_attr (ask, entry, error) : state;
    }
  if (listing->modules == NULL || index - fixed >= listing->modules->len)
    {
      *at_end = true;
      return STORE_READY;
    }
  module = g_ptr_array_index (listing->modules, index - fixed);
  entry->key = (NodeKey) { kind, module, id };
  entry->name = g_strdup (store_module_name (module));
  return add_attr (ask, entry, error);
}
