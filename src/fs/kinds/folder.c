/* A record's folder, /Leads/<label>.<id>: what hangs on the record. It is there as long as the record is. */
#include "fs/kinds/kinds.h"

#include "model/notes.h"
#include "model/related.h"

#include <string.h>
#include <xxhash.h>

/* Without those of modules that are not in the mount. */
static StoreState
list_names (const Ask *ask, const NodeKey *dir, GPtrArray **names, GError **error)
{
  StoreState state = related_names (dir->module, ask->wait, names, error);

  for (guint i = 0; state == STORE_READY && i < (*names)->len;)
    {
      StoreModule *target;

      related_is_linkable (dir->module, (*names)->pdata[i], &target);
      if (target == NULL)
        g_ptr_array_remove_index (*names, i);
      else
        i++;
    }
  return state;
}

/* What is in a folder beside its related lists. */
static const struct
{
  const char *name;
  const char *list;     /* it is there where the module has this one; NULL: where it has notes */
  const NodeKind *kind; /* its id is the record's */
} fixed[] = {
  { "attachments", "Attachments", &attachments_kind },
  { "notes", NULL, &folder_notes_kind },
};

static StoreState
folder_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  StoreEntry entry = { 0 };
  StoreState state = store_entry (node->module, node->id, ask->wait, &entry, error);

  if (state == STORE_READY)
    kinds_directory_attr (attr, entry.mtime, false);
  return state;
}

static bool
is_among (const GPtrArray *names, const char *name)
{
  for (guint i = 0; i < names->len; i++)
    if (g_str_equal (names->pdata[i], name))
      return true;
  return false;
}

static StoreState
find_fixed (const Ask *ask, const NodeKey *dir, size_t index, NodeKey *found, GError **error)
{
  const char *list = fixed[index].list;
  bool has = list == NULL && store_has_notes (dir->module);
  StoreState state = list != NULL ? related_has (dir->module, list, ask->wait, &has, error) : STORE_READY;

  if (state == STORE_READY && has)
    *found = (NodeKey){ fixed[index].kind, dir->module, dir->id };
  return state;
}

static StoreState
folder_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  g_autoptr (GPtrArray) names = NULL;
  StoreState state;

  for (size_t i = 0; i < G_N_ELEMENTS (fixed); i++)
    if (g_str_equal (fixed[i].name, name))
      return find_fixed (ask, dir, i, found, error);
  /* Programs look for hidden files wherever they are. */
  if (!g_ascii_isalpha (name[0]))
    return STORE_READY;
  state = list_names (ask, dir, &names, error);
  if (state == STORE_READY && is_among (names, name))
    *found = related_key (ask, dir->module, dir->id, name);
  return state;
}

static StoreState
folder_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  g_autoptr (GPtrArray) names = NULL;
  StoreState state = list_names (ask, dir, &names, error);
  uint64_t version = 1;

  for (size_t i = 0; state == STORE_READY && i < G_N_ELEMENTS (fixed); i++)
    {
      NodeKey key = { 0 };

      state = find_fixed (ask, dir, i, &key, error);
      if (key.kind != NULL)
        g_ptr_array_add (names, g_strdup (fixed[i].name));
    }
  if (state != STORE_READY)
    return state;
  for (guint i = 0; i < names->len; i++)
    version = XXH64 (names->pdata[i], strlen (names->pdata[i]) + 1, version);
  listing->names = g_steal_pointer (&names);
  listing->version = version | 1;
  return STORE_READY;
}

static StoreState
folder_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
              bool *at_end, GError **error)
{
  StoreState state;

  *at_end = index >= listing->names->len;
  if (*at_end)
    return STORE_READY;
  entry->name = g_strdup (listing->names->pdata[index]);
  state = folder_lookup (ask, dir, entry->name, &entry->key, error);
  if (state != STORE_READY || entry->key.kind == NULL || entry->key.kind->type != S_IFDIR)
    return state;
  entry->has_attr = true;
  return entry->key.kind->attr (ask, &entry->key, &entry->attr, error);
}

static const char *
notes_also (const Ask *ask, const NodeKey *node)
{
  return store_module_name (store_notes (ask->store));
}

static StoreState
notes_target (const Ask *ask, const NodeKey *node, char **target, GError **error)
{
  g_autofree char *stem = folder_name (node->module, node->id);

  *target = g_strconcat ("../notes/", stem, NULL);
  return STORE_READY;
}

static StoreState
notes_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  g_autofree char *target = NULL;

  notes_target (ask, node, &target, error);
  *attr = (Attr){
    .mode = S_IFLNK | 0777, .size = (int64_t)strlen (target), .mtime = ask->mounted_s, .volatile_size = true
  };
  return STORE_READY;
}

char *
folder_name (StoreModule *module, uint64_t id)
{
  char *name = store_record_name (module, id);

  name[strlen (name) - strlen (".json")] = '\0';
  return name;
}

const NodeKind folder_kind = {
  .number = KIND_FOLDER,
  .type = S_IFDIR,
  .attr = folder_attr,
  .lookup = folder_lookup,
  .list = folder_list,
  .entry = folder_entry,
};

const NodeKind folder_notes_kind = {
  .number = KIND_FOLDER_NOTES,
  .type = S_IFLNK,
  .also = notes_also,
  .attr = notes_attr,
  .target = notes_target,
};
