/* /.zohofs/trash: of each module what Zoho still tells of its deleted records. */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "fs/route.h"
#include "model/names.h"
#include "model/trash.h"

#include <xxhash.h>

static StoreState
dir_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  kinds_directory_attr (attr, ask->mounted_s, false);
  return STORE_READY;
}

/* ---- trash ------------------------------------------------------------------------------------------------------- */

static StoreState
take_module (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  return route_take_module (ask, name, &trash_module_kind, 0, found, error);
}

static const Route routes[] = {
  { NULL, false, NULL, 0, take_module },
  ROUTE_END,
};

static StoreState
top_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  return route_read (routes, ask, dir, name, found, error);
}

static StoreState
top_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  return kinds_list_modules (ask, listing, error);
}

static StoreState
top_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
           bool *at_end, GError **error)
{
  return route_entry (routes, &trash_module_kind, 0, ask, dir, listing, index, entry, at_end, error);
}

/* ---- a module's -------------------------------------------------------------------------------------------------- */

static void
row_attr (const Ask *ask, const FoundRow *row, Attr *attr)
{
  size_t size;
  const void *text = g_bytes_get_data (row->text, &size);

  *attr = (Attr){
    .mode = S_IFREG | 0444,
    .size = (int64_t)size,
    .mtime = row->mtime != 0 ? row->mtime : ask->mounted_s,
    .version = XXH64 (text, size, 0) | 1,
  };
}

static StoreState
module_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  g_autoptr (Found) records = NULL;
  uint64_t id;
  StoreState state;

  if (names_read (name, &id) != NAME_RECORD)
    return STORE_READY;
  state = trash_records (dir->module, true, ask->wait, &records, error);
  if (state == STORE_READY && found_find (records, id) != NULL)
    *found = (NodeKey){ &trash_record_kind, dir->module, id };
  return state;
}

static StoreState
module_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  StoreState state = trash_records (dir->module, true, ask->wait, &listing->found, error);

  if (state == STORE_READY)
    listing->version = found_version (listing->found);
  return state;
}

static StoreState
module_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
              bool *at_end, GError **error)
{
  const FoundRow *row;

  *at_end = index >= found_size (listing->found);
  if (*at_end)
    return STORE_READY;
  row = found_at (listing->found, index);
  entry->key = (NodeKey){ &trash_record_kind, dir->module, row->id };
  entry->name = found_name (row);
  entry->has_attr = true;
  row_attr (ask, row, &entry->attr);
  return STORE_READY;
}

/* ---- a record ---------------------------------------------------------------------------------------------------- */

static StoreState
find_row (const Ask *ask, const NodeKey *node, Found **records, const FoundRow **row, GError **error)
{
  StoreState state = trash_records (node->module, false, ask->wait, records, error);

  *row = state == STORE_READY ? found_find (*records, node->id) : NULL;
  if (state != STORE_READY || *row != NULL)
    return state;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "%" G_GUINT64_FORMAT " is not among the deleted records of %s",
               node->id, store_module_name (node->module));
  return STORE_FAILED;
}

static StoreState
record_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  g_autoptr (Found) records = NULL;
  const FoundRow *row;
  StoreState state = find_row (ask, node, &records, &row, error);

  if (state == STORE_READY)
    row_attr (ask, row, attr);
  return state;
}

static StoreState
record_open (const Ask *ask, const NodeKey *node, Opened *opened, GError **error)
{
  g_autoptr (Found) records = NULL;
  const FoundRow *row;
  Attr attr;
  StoreState state = find_row (ask, node, &records, &row, error);

  if (state != STORE_READY)
    return state;
  row_attr (ask, row, &attr);
  opened->text = g_bytes_ref (row->text);
  opened->version = attr.version;
  return STORE_READY;
}

const NodeKind trash_kind = {
  .number = KIND_TRASH,
  .type = S_IFDIR,
  .attr = dir_attr,
  .lookup = top_lookup,
  .list = top_list,
  .entry = top_entry,
};

const NodeKind trash_module_kind = {
  .number = KIND_TRASH_MODULE,
  .type = S_IFDIR,
  .attr = dir_attr,
  .lookup = module_lookup,
  .list = module_list,
  .entry = module_entry,
};

const NodeKind trash_record_kind = {
  .number = KIND_TRASH_RECORD,
  .type = S_IFREG,
  .attr = record_attr,
  .open = record_open,
};
