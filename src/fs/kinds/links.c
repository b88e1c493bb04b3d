/* Directories of symlinks to records. */
#include "fs/kinds/links.h"

#include "model/names.h"

#include <string.h>

/* The name is "<id> <Module>". */
NodeKey
links_key (const Ask *ask, const NodeKind *kind, StoreModule *module, const char *group, const char *target,
           uint64_t id)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT " %s", id, target);

  return (NodeKey){ kind, module, draft_names_number (ask->draft_names, group, text) };
}

uint64_t
links_id (const Ask *ask, const NodeKey *link, const char **group)
{
  const char *text;

  draft_names_get (ask->draft_names, link->id, group, &text);
  return g_ascii_strtoull (text, NULL, 10);
}

const char *
links_also (const Ask *ask, const NodeKey *link)
{
  const char *group, *text;

  draft_names_get (ask->draft_names, link->id, &group, &text);
  return strchr (text, ' ') + 1;
}

char *
links_target (const FoundRow *row, bool same_module)
{
  g_autofree char *name = found_name (row);

  return same_module ? g_strconcat ("../../", name, NULL)
                     : g_strconcat ("../../../", store_module_name (row->module), "/", name, NULL);
}

/* Like a record, a link is found by the id in its name. */
void
links_lookup (const Ask *ask, const NodeKind *kind, StoreModule *module, const char *group, const Found *found,
              const char *name, NodeKey *found_key)
{
  uint64_t id;
  const FoundRow *row = names_read (name, &id) == NAME_RECORD ? found_find (found, id) : NULL;

  if (row != NULL)
    *found_key = links_key (ask, kind, module, group, store_module_name (row->module), id);
}

static void
attr_of (const Ask *ask, const char *target, Attr *attr)
{
  *attr = (Attr){
    .mode = S_IFLNK | 0777, .size = (int64_t)strlen (target), .mtime = ask->mounted_s, .volatile_size = true
  };
}

void
links_entry (const Ask *ask, const NodeKind *kind, StoreModule *module, const char *group, const Found *found,
             size_t index, bool same_module, Entry *entry)
{
  const FoundRow *row = found_at (found, index);
  g_autofree char *target = links_target (row, same_module);

  entry->key = links_key (ask, kind, module, group, store_module_name (row->module), row->id);
  entry->name = found_name (row);
  entry->has_attr = true;
  attr_of (ask, target, &entry->attr);
}

StoreState
links_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  g_autofree char *target = NULL;
  StoreState state = node->kind->target (ask, node, &target, error);

  if (state == STORE_READY)
    attr_of (ask, target, attr);
  return state;
}
