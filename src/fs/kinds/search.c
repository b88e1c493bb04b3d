/* /Leads/.search/<term>: symlinks to what Zoho's search finds. A term is there for the asking: nothing is searched
 * for before its directory is read, and .search itself lists nothing. */
#include "fs/kinds/links.h"

#include "base/error.h"
#include "model/names.h"
#include "model/search.h"

#include <string.h>

/* The groups of names: "search" with the term for directories, "hit <term>" for their links. */
#define TERMS "search"
#define HITS "hit "

#define MORE_NAME "MORE.txt"

static const char more_text[]
    = "Zoho's search gives 2,000 records at most, and there are more. Search for something narrower.\n";

static const char *
term_of (const Ask *ask, const NodeKey *dir)
{
  const char *group, *term;

  draft_names_get (ask->draft_names, dir->id, &group, &term);
  return term;
}

static StoreState
fixed_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  kinds_directory_attr (attr, ask->mounted_s, false);
  return STORE_READY;
}

/* ---- .search ----------------------------------------------------------------------------------------------------- */

/* What a search finds tells of the fields in which it looks: of hidden ones, and of other modules at the end of a
 * path. A word, an address or a number is looked for in any field. */
static bool
may_search (const Access *access, const char *module, const SearchTerm *term, GError **error)
{
  const char *const *hidden = access_hidden (access, module);
  bool criteria = g_str_equal (term->by, "criteria");

  if (hidden != NULL && !criteria)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED,
                 "The mount's rules of access hide fields of %s, in which this would be searched for, too: name the field "
                 "with criteria=", module);
  else if (criteria && search_names_any (term, hidden))
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED,
                 "The mount's rules of access hide a field that the search names, of %s", module);
  else if (criteria && access_restricts (access) && search_has_path (term))
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED,
                 "This mount's rules of access close modules or hide fields, so a search follows no lookups");
  else
    return true;
  return false;
}

static StoreState
top_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  g_auto (SearchTerm) term = { 0 };

  if (!search_read (name, &term))
    return STORE_READY;
  if (!may_search (ask->config->access, store_module_name (dir->module), &term, error))
    return STORE_FAILED;
  *found = (NodeKey){ &search_term_kind, dir->module, draft_names_number (ask->draft_names, TERMS, name) };
  return STORE_READY;
}

static StoreState
top_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  listing->version = 1;
  return STORE_READY;
}

static StoreState
top_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
           bool *at_end, GError **error)
{
  *at_end = true;
  return STORE_READY;
}

/* ---- a term ------------------------------------------------------------------------------------------------------ */

static StoreState
term_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  const char *term = term_of (ask, dir);
  g_autofree char *group = g_strconcat (HITS, term, NULL);
  g_autoptr (Found) hits = NULL;
  bool is_more = g_str_equal (name, MORE_NAME);
  uint64_t id;
  StoreState state;

  if (!is_more && names_read (name, &id) != NAME_RECORD)
    return STORE_READY;
  state = search_hits (dir->module, term, true, ask->wait, &hits, error);
  if (state != STORE_READY)
    return state;
  if (!is_more)
    links_lookup (ask, &search_link_kind, dir->module, group, hits, name, found);
  else if (found_is_cut (hits))
    *found = (NodeKey){ &search_more_kind, NULL, 0 };
  return STORE_READY;
}

static StoreState
term_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  StoreState state = search_hits (dir->module, term_of (ask, dir), true, ask->wait, &listing->found, error);

  if (state == STORE_READY)
    listing->version = found_version (listing->found);
  return state;
}

static StoreState
term_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
            bool *at_end, GError **error)
{
  g_autofree char *group = g_strconcat (HITS, term_of (ask, dir), NULL);
  size_t hits = found_size (listing->found);

  if (index < hits)
    links_entry (ask, &search_link_kind, dir->module, group, listing->found, index, true, entry);
  else if (index > hits || !found_is_cut (listing->found))
    *at_end = true;
  else
    {
      entry->key = (NodeKey){ &search_more_kind, NULL, 0 };
      entry->name = g_strdup (MORE_NAME);
      entry->has_attr = true;
      return entry->key.kind->attr (ask, &entry->key, &entry->attr, error);
    }
  return STORE_READY;
}

static StoreState
link_target (const Ask *ask, const NodeKey *node, char **target, GError **error)
{
  const char *group;
  uint64_t id = links_id (ask, node, &group);
  g_autoptr (Found) hits = NULL;
  StoreState state = search_hits (node->module, group + strlen (HITS), false, ask->wait, &hits, error);
  const FoundRow *row = state == STORE_READY ? found_find (hits, id) : NULL;

  if (row != NULL)
    *target = links_target (row, true);
  if (row != NULL || state != STORE_READY)
    return state;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "%" G_GUINT64_FORMAT " is found no more", id);
  return STORE_FAILED;
}

/* ---- MORE.txt ---------------------------------------------------------------------------------------------------- */

static StoreState
more_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  *attr = (Attr){ .mode = S_IFREG | 0444, .size = strlen (more_text), .mtime = ask->mounted_s, .version = 1 };
  return STORE_READY;
}

static StoreState
more_open (const Ask *ask, const NodeKey *node, Opened *opened, GError **error)
{
  opened->text = g_bytes_new_static (more_text, strlen (more_text));
  opened->version = 1;
  return STORE_READY;
}

const NodeKind search_kind = {
  .number = KIND_SEARCH,
  .type = S_IFDIR,
  .attr = fixed_attr,
  .lookup = top_lookup,
  .list = top_list,
  .entry = top_entry,
};

const NodeKind search_term_kind = {
  .number = KIND_SEARCH_TERM,
  .type = S_IFDIR,
  .attr = fixed_attr,
  .lookup = term_lookup,
  .list = term_list,
  .entry = term_entry,
};

const NodeKind search_link_kind = {
  .number = KIND_SEARCH_LINK,
  .type = S_IFLNK,
  .also = links_also,
  .attr = links_attr,
  .target = link_target,
};

const NodeKind search_more_kind = {
  .number = KIND_SEARCH_MORE,
  .type = S_IFREG,
  .attr = more_attr,
  .open = more_open,
};
