/* A module's directory: one file for each record, found by the id in its name whatever label stands before it. */
#include "fs/kinds/kinds.h"
#include "fs/desk.h"
#include "fs/route.h"
#include "model/names.h"
#include "model/notes.h"

#include <string.h>

/* So that several versions make one. */
#define FIXED_STEP UINT64_C (0xc2b2ae3d27d4eb4f)

static StoreState
take_record (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  uint64_t id;
  NameKind kind = names_read (name, &id);

  if (kind == NAME_RECORD)
    *found = (NodeKey) { &record_kind, dir->module, id };
  else if (kind == NAME_FOLDER && dir->module != store_users (ask->store))
    *found = (NodeKey) { &folder_kind, dir->module, id };
  return STORE_READY;
}

static StoreState
take_notes (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  if (store_has_notes (dir->module))
    *found = (NodeKey){ &notes_kind, dir->module, 0 };
  return STORE_READY;
}

static const Route module_routes[] = {
  { "notes", true, NULL, 0, take_notes },
  { ".search", false, &search_kind, 0, NULL },
  { ".coql", false, NULL, 0, coql_take },
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
  StoreRights rights = desks_rights (ask->desks, node->module);

  kinds_directory_attr (attr, store_module_mtime (node->module), rights.create || rights.update || rights.delete);
  return STORE_READY;
}

static StoreState
module_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  const Route *routes = dir->module == store_users (ask->store) ? users_routes : module_routes;

  return route_read (routes, ask, dir, name, found, error);
}

/* What is listed beside the records. */
static GPtrArray *
fixed_names (StoreModule *module)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  if (store_has_notes (module))
    g_ptr_array_add (names, g_strdup ("notes"));
  return names;
}

static StoreState
module_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  StoreState state = store_list (dir->module, ask->wait, &listing->records, error);

  if (state != STORE_READY)
    return state;
  listing->names = fixed_names (dir->module);
  listing->version = store_list_version (listing->records) + listing->names->len * FIXED_STEP;
  listing->record_mode = S_IFREG | (desks_rights (ask->desks, dir->module).update ? 0644 : 0444);
  kinds_list_locals (ask, dir, listing);
  return STORE_READY;
}

static StoreState
fixed_entry (const Ask *ask, const NodeKey *dir, const char *name, Entry *entry, GError **error)
{
  StoreState state = module_lookup (ask, dir, name, &entry->key, error);

  if (state != STORE_READY || entry->key.kind == NULL)
    return state;
  entry->name = g_strdup (name);
  entry->has_attr = true;
  return entry->key.kind->attr (ask, &entry->key, &entry->attr, error);
}

/* -o folders: after each record comes its folder. */
static void
make_folder (const NodeKey *dir, const StoreEntry *record, Entry *entry)
{
  entry->key = (NodeKey){ &folder_kind, dir->module, record->id };
  entry->name[strlen (entry->name) - strlen (".json")] = '\0';
  entry->has_attr = true;
  kinds_directory_attr (&entry->attr, record->mtime, false);
}

static StoreState
module_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
              bool *at_end, GError **error)
{
  Desk *desk = desks_find (ask->desks, dir);
  size_t locals = listing->locals != NULL ? listing->locals->len : 0;
  StoreEntry record = { 0 };
  struct stat written;
  bool is_folder = false;
  StoreState state;

  if (index < locals)
    {
      kinds_local_entry (dir->module, listing, index, entry);
      return STORE_READY;
    }
  if (index < locals + listing->names->len)
    return fixed_entry (ask, dir, listing->names->pdata[index - locals], entry, error);
  index -= locals + listing->names->len;
  if (ask->config->folders && dir->module != store_users (ask->store))
    {
      is_folder = index % 2 == 1;
      index /= 2;
    }
  state = store_list_at (listing->records, index, want_attr && !is_folder, ask->wait, &record, &entry->name, at_end,
                         error);
  if (state != STORE_READY || *at_end || record.id == 0 || (desk != NULL && desk_hides (desk, record.id)))
    return state;
  if (is_folder)
    {
      make_folder (dir, &record, entry);
      return STORE_READY;
    }
  entry->key = (NodeKey) { &record_kind, dir->module, record.id };
  entry->has_attr = record.size >= 0 && (desk == NULL || !desk_stat_record (desk, record.id, &written));
  entry->attr = (Attr){
    .mode = listing->record_mode, .size = record.size, .mtime = record.mtime, .version = record.version
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
