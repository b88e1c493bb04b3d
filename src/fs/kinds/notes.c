/* A module's notes: a folder for the records that have any, and in it a folder for each of them. The notes
 * themselves are records of the module Notes. */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "fs/desk.h"
#include "model/names.h"
#include "model/notes.h"

#include <string.h>
#include <xxhash.h>

static const char *
notes_also (const Ask *ask, const NodeKey *node)
{
  return store_module_name (store_notes (ask->store));
}

/* Takes over @found. */
static void
take_names (Listing *listing, GPtrArray *found)
{
  uint64_t version = found->len;

  listing->names = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < found->len; i++)
    {
      NoteName *name = found->pdata[i];

      version = XXH64 (name->name, strlen (name->name) + 1, version);
      g_ptr_array_add (listing->names, g_steal_pointer (&name->name));
    }
  listing->version = version | 1;
  g_ptr_array_unref (found);
}

/* The name at @index; NULL, and @at_end, when there is none. */
static const char *
name_at (const Listing *listing, size_t index, Entry *entry, bool *at_end)
{
  *at_end = index >= listing->names->len;
  if (*at_end)
    return NULL;
  entry->name = g_strdup (listing->names->pdata[index]);
  return entry->name;
}

/* ---- the records that have notes --------------------------------------------------------------------------------- */

static StoreState
notes_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  kinds_directory_attr (attr, store_notes_mtime (node->module, 0), false);
  return STORE_READY;
}

static StoreState
notes_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  uint64_t id;

  if (names_read (name, &id) == NAME_FOLDER)
    *found = (NodeKey){ &notes_of_kind, dir->module, id };
  return STORE_READY;
}

static StoreState
notes_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  GPtrArray *found = NULL;
  StoreState state = store_noted_records (dir->module, ask->wait, &found, error);

  if (state == STORE_READY)
    take_names (listing, found);
  return state;
}

static StoreState
notes_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
             bool *at_end, GError **error)
{
  uint64_t id;
  StoreRights rights = desks_rights (ask->desks, store_notes (ask->store));

  if (name_at (listing, index, entry, at_end) == NULL || names_read (entry->name, &id) != NAME_FOLDER)
    return STORE_READY;
  entry->key = (NodeKey){ &notes_of_kind, dir->module, id };
  entry->has_attr = true;
  kinds_directory_attr (&entry->attr, store_notes_mtime (dir->module, id),
                        rights.create || rights.update || rights.delete);
  return STORE_READY;
}

const NodeKind notes_kind = {
  .number = KIND_NOTES,
  .type = S_IFDIR,
  .also = notes_also,
  .attr = notes_attr,
  .lookup = notes_lookup,
  .list = notes_list,
  .entry = notes_entry,
};

/* ---- the notes of one -------------------------------------------------------------------------------------------- */

/* The folder is there if the record is. */
static StoreState
notes_of_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  StoreRights rights = desks_rights (ask->desks, store_notes (ask->store));
  StoreEntry record = { 0 };
  StoreState state = STORE_READY;

  if (!store_is_noted (node->module, node->id))
    state = store_entry (node->module, node->id, ask->wait, &record, error);
  if (state == STORE_READY)
    kinds_directory_attr (attr, store_notes_mtime (node->module, node->id),
                          rights.create || rights.update || rights.delete);
  return state;
}

static StoreState
notes_of_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  StoreModule *module = NULL;
  StoreEntry note = { 0 };
  uint64_t id, record;
  StoreState state;

  if (names_read (name, &id) != NAME_RECORD)
    return STORE_READY;
  state = store_entry (store_notes (ask->store), id, ask->wait, &note, error);
  if (state == STORE_READY && store_note_parent (ask->store, id, &module, &record) && module == dir->module
      && record == dir->id)
    *found = (NodeKey){ &record_kind, store_notes (ask->store), id };
  return state;
}

static StoreState
notes_of_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  GPtrArray *found = NULL;
  StoreState state = store_notes_of (dir->module, dir->id, ask->wait, &found, error);

  if (state != STORE_READY)
    return state;
  take_names (listing, found);
  kinds_list_locals (ask, dir, listing);
  return STORE_READY;
}

/* A note that went away since is skipped. */
static StoreState
notes_of_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
                bool *at_end, GError **error)
{
  size_t locals = listing->locals != NULL ? listing->locals->len : 0;
  Desk *desk = desks_find (ask->desks, dir);
  NodeKey key = { &record_kind, store_notes (ask->store), 0 };
  g_autoptr (GError) why = NULL;
  StoreState state;

  if (index < locals)
    {
      kinds_local_entry (store_notes (ask->store), listing, index, entry);
      return STORE_READY;
    }
  if (name_at (listing, index - locals, entry, at_end) == NULL || names_read (entry->name, &key.id) != NAME_RECORD
      || (desk != NULL && desk_hides (desk, key.id)))
    return STORE_READY;
  state = record_kind.attr (ask, &key, &entry->attr, &why);
  if (state == STORE_WAITING || g_error_matches (why, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    return state == STORE_WAITING ? STORE_WAITING : STORE_READY;
  entry->key = key;
  entry->has_attr = state == STORE_READY && !entry->attr.has_stat;
  return STORE_READY;
}

const NodeKind notes_of_kind = {
  .number = KIND_NOTES_OF,
  .type = S_IFDIR,
  .also = notes_also,
  .attr = notes_of_attr,
  .lookup = notes_of_lookup,
  .list = notes_of_list,
  .entry = notes_of_entry,
};
