/* /.zohofs and its folders. */
#include "fs/kinds/kinds.h"
#include "fs/route.h"

static StoreState
take_module (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  return route_take_module (ask, name, &control_kind, CONTROL_MODULE, found, error);
}

static const Route top_routes[] = {
  { "status.json", true, &status_kind, STATUS_JSON, NULL },
  { "metrics", true, &status_kind, STATUS_METRICS, NULL },
  { "events.jsonl", true, &journal_kind, FS_JOURNAL_EVENTS, NULL },
  { "errors.jsonl", true, &journal_kind, FS_JOURNAL_ERRORS, NULL },
  { "audit.jsonl", true, &journal_kind, FS_JOURNAL_AUDIT, NULL },
  { "drafts", true, &drafts_kind, 0, NULL },
  { "drain", false, &drain_kind, 0, NULL },
  { "trash", true, &trash_kind, 0, NULL },
  { "org.json", true, &text_kind, TEXT_ORG, NULL },
  { "modules", true, &control_kind, CONTROL_MODULES, NULL },
  ROUTE_END,
};

static const Route modules_routes[] = {
  { NULL, false, NULL, 0, take_module },
  ROUTE_END,
};

static const Route module_routes[] = {
  { "module.json", true, &text_kind, TEXT_MODULE, NULL },
  { "fields.json", true, &text_kind, TEXT_FIELDS, NULL },
  { "related_lists.json", true, &text_kind, TEXT_RELATED_LISTS, NULL },
  { "schema.json", true, &text_kind, TEXT_SCHEMA, NULL },
  ROUTE_END,
};

static const Route *const routes[] = {
  [CONTROL_TOP] = top_routes,
  [CONTROL_MODULES] = modules_routes,
  [CONTROL_MODULE] = module_routes,
};

static StoreState
control_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  kinds_directory_attr (attr, ask->mounted_s, false);
  return STORE_READY;
}

static StoreState
control_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  return route_read (routes[dir->id], ask, dir, name, found, error);
}

static StoreState
control_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  if (dir->id == CONTROL_MODULES)
    return kinds_list_modules (ask, listing, error);
  listing->version = 1;
  return STORE_READY;
}

static StoreState
control_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
               bool *at_end, GError **error)
{
  return route_entry (routes[dir->id], &control_kind, CONTROL_MODULE, ask, dir, listing, index, entry, at_end, error);
}

const NodeKind control_kind = {
  .number = KIND_CONTROL,
  .type = S_IFDIR,
  .attr = control_attr,
  .lookup = control_lookup,
  .list = control_list,
  .entry = control_entry,
};
