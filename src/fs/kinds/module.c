/* A module's directory: one file for each record, found by the id in its name whatever label stands before it. */
#include "fs/kinds/kinds.h"
#include "fs/route.h"
#include "model/names.h"

static StoreState
take_record (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  uint64_t id;

  if (names_read (name, &id) == NAME_RECORD)
    *found = (NodeKey) { &record_kind, dir->module, id };
  return STORE_READY;
}

static const Route module_routes[] = {
  { NULL, false, NULL, 0, take_record },
  ROUTE_END,
};

/* me.json is not listed: whoever walks the tree need not pay for asking who we are. */
static const Route users_routes[] = {
  { "me.json", false, &users_me_kind, 0, NULL },
  { NULL, false, NULL, 0, take_record },
  ROUTE_END,
};

static StoreState
module_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  kinds_directory_attr (attr, store_module_mtime (node->module));
  return STORE_READY;
}

static StoreState
module_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  const Route *routes = dir->module == store_users (ask->store) ? users_routes : module_routes;

  return route_read (routes, ask, dir, name, found, error);
}

static StoreState
module_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  StoreState state = store_list (dir->module, ask->wait, &listing->records, error);

  if (state == STORE_READY)
    listing->version = store_list_version (listing->records);
  return state;
}

static StoreState
module_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
              bool *at_end, GError **error)
{
  StoreEntry record = { 0 };
  StoreState state
      = store_list_at (listing->records, index, want_attr, ask->wait, &record, &entry->name, at_end, error);

  if (state != STORE_READY || *at_end || record.id == 0)
    return state;
  entry->key = (NodeKey) { &record_kind, dir->module, record.id };
  entry->has_attr = record.size >= 0;
  entry->attr = (Attr) {
    .mode = S_IFREG | 0444, .size = record.size, .mtime = record.mtime, .version = record.version
  };
  return STORE_READY;
}

const NodeKind module_kind = {
  .number = KIND_MODULE,
  .type = S_IFDIR,
  .attr = module_attr,
  .lookup = module_lookup,
  .list = module_list,
  .entry = module_entry,
};
