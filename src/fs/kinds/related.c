/* /Leads/<label>.<id>/<Related_List>: symlinks to the records in that list. Making one links the records, removing
 * one takes the link away, where the relation is many-to-many. */
#include "fs/kinds/links.h"

#include "base/error.h"
#include "fs/desk.h"
#include "model/names.h"
#include "model/related.h"

#include <string.h>

/* The groups of names: "related <id>" with the list for directories, "related <id> <list>" for their links. */
#define GROUP "related "

static uint64_t
id_in (const char *group)
{
  return g_ascii_strtoull (group + strlen (GROUP), NULL, 10);
}

NodeKey
related_key (const Ask *ask, StoreModule *module, uint64_t id, const char *list)
{
  g_autofree char *group = g_strdup_printf (GROUP "%" G_GUINT64_FORMAT, id);

  return (NodeKey){ &related_kind, module, draft_names_number (ask->draft_names, group, list) };
}

/* The record and the list of a directory. */
static uint64_t
read_key (const Ask *ask, const NodeKey *dir, const char **list)
{
  const char *group;

  draft_names_get (ask->draft_names, dir->id, &group, list);
  return id_in (group);
}

static char *
links_group (uint64_t id, const char *list)
{
  return g_strdup_printf (GROUP "%" G_GUINT64_FORMAT " %s", id, list);
}

static const char *
related_also (const Ask *ask, const NodeKey *dir)
{
  const char *list;
  StoreModule *target;

  read_key (ask, dir, &list);
  related_is_linkable (dir->module, list, &target);
  return target != NULL ? store_module_name (target) : NULL;
}

static StoreState
related_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  const char *list;
  StoreModule *target;

  read_key (ask, node, &list);
  kinds_directory_attr (attr, ask->mounted_s, ask->desks != NULL && related_is_linkable (node->module, list, &target));
  return STORE_READY;
}

static StoreState
related_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  const char *list;
  uint64_t id = read_key (ask, dir, &list), other;
  g_autofree char *group = links_group (id, list);
  g_autoptr (Found) records = NULL;
  StoreState state;

  if (names_read (name, &other) != NAME_RECORD)
    return STORE_READY;
  state = related_records (dir->module, id, list, true, ask->wait, &records, error);
  if (state == STORE_READY)
    links_lookup (ask, &related_link_kind, dir->module, group, records, name, found);
  return state;
}

static StoreState
related_list_dir (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  const char *list;
  uint64_t id = read_key (ask, dir, &list);
  StoreState state = related_records (dir->module, id, list, true, ask->wait, &listing->found, error);

  if (state == STORE_READY)
    listing->version = found_version (listing->found);
  return state;
}

static StoreState
related_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
               bool *at_end, GError **error)
{
  const char *list;
  uint64_t id = read_key (ask, dir, &list);
  g_autofree char *group = links_group (id, list);

  *at_end = index >= found_size (listing->found);
  if (!*at_end)
    links_entry (ask, &related_link_kind, dir->module, group, listing->found, index, false, entry);
  return STORE_READY;
}

/* ---- links ------------------------------------------------------------------------------------------------------- */

static StoreState
link_target (const Ask *ask, const NodeKey *node, char **target, GError **error)
{
  const char *group, *list;
  uint64_t other = links_id (ask, node, &group);
  g_autoptr (Found) records = NULL;
  const FoundRow *row;
  StoreState state;

  list = strchr (group + strlen (GROUP), ' ') + 1;
  state = related_records (node->module, id_in (group), list, false, ask->wait, &records, error);
  if (state != STORE_READY)
    return state;
  row = found_find (records, other);
  if (row == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "%" G_GUINT64_FORMAT " is in the list %s no more", other,
                   list);
      return STORE_FAILED;
    }
  *target = links_target (row, false);
  return STORE_READY;
}

/* ---- linking ----------------------------------------------------------------------------------------------------- */

/* The module and the record that @target names, as far as its end tells: "../../../Leads/Okafor.7010000000201.json". */
static uint64_t
read_target (const char *target, char **module)
{
  g_auto (GStrv) parts = g_strsplit (target, "/", -1);
  guint count = g_strv_length (parts);
  uint64_t id = 0;

  *module = count > 1 ? g_strdup (parts[count - 2]) : NULL;
  return count > 1 && names_read (parts[count - 1], &id) == NAME_RECORD ? id : 0;
}

static bool
is_allowed (const Ask *ask, const RelatedChange *change, const char *name, const char *target, GError **error)
{
  StoreModule *module;
  bool linkable = related_is_linkable (change->module, change->list, &module);
  const char *of = module != NULL ? store_module_name (module) : "the list's module";
  g_autofree char *named = NULL;
  uint64_t id = 0;

  if (!linkable)
    g_set_error (
        error, ZOHO_ERROR, ZOHO_ERROR_FORBIDDEN,
        "Zoho links no records of %s and %s in the list %s: it shows those of %s whose lookup field names this "
        "record, so change that field",
        store_module_name (change->module), of, change->list, of);
  else if (names_read (name, &id) != NAME_RECORD || id != change->other)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "\"%s\" is no name of the record that is to be linked", name);
  else if (target != NULL && (read_target (target, &named) != id || !g_str_equal (named, of)))
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "A link in %s must lead to a record of %s, and \"%s\" does not",
                 change->list, of, target);
  else if (ask->config->dry_run)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_READ_ONLY, "Not sent: the mount is a dry run");
  else
    return true;
  return false;
}

/* @target NULL: the link is taken away. */
static StoreState
change (const Ask *ask, const NodeKey *dir, const char *name, const char *target, GError **error)
{
  const FsConfig *config = ask->config;
  RelatedChange what = {
    .module = dir->module,
    .remove = target == NULL,
    .failed = config->failed,
    .audit = config->audit,
    .data = config->report_data,
  };
  char program[WHO_PROGRAM_SIZE];
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) why = NULL;

  if (ask->desks == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_READ_ONLY, "The mount is read-only");
      return STORE_FAILED;
    }
  who_program ((pid_t)ask->who.process.group, program);
  what.id = read_key (ask, dir, &what.list);
  names_read (name, &what.other);
  folder = folder_name (dir->module, what.id);
  path = g_strjoin ("/", store_module_name (dir->module), folder, what.list, name, NULL);
  what.path = path;
  what.who = (SaveWho){ .uid = ask->who.uid, .pid = (int64_t)ask->who.process.group, .program = program };
  if (is_allowed (ask, &what, name, target, &why))
    return related_change (&what, ask->wait, error);
  related_refused (&what, why);
  g_propagate_error (error, g_steal_pointer (&why));
  return STORE_FAILED;
}

static StoreState
related_symlink (const Ask *ask, const NodeKey *dir, const char *name, const char *target, NodeKey *made,
                 GError **error)
{
  StoreState state = change (ask, dir, name, target, error);
  const char *list;
  uint64_t id = read_key (ask, dir, &list), other;
  g_autofree char *group = links_group (id, list);

  if (state == STORE_READY && names_read (name, &other) == NAME_RECORD)
    *made = links_key (ask, &related_link_kind, dir->module, group, related_also (ask, dir), other);
  return state;
}

static StoreState
related_unlink (const Ask *ask, const NodeKey *dir, const char *name, GError **error)
{
  return change (ask, dir, name, NULL, error);
}

const NodeKind related_kind = {
  .number = KIND_RELATED,
  .type = S_IFDIR,
  .also = related_also,
  .attr = related_attr,
  .lookup = related_lookup,
  .symlink = related_symlink,
  .unlink = related_unlink,
  .list = related_list_dir,
  .entry = related_entry,
};

const NodeKind related_link_kind = {
  .number = KIND_RELATED_LINK,
  .type = S_IFLNK,
  .also = links_also,
  .attr = links_attr,
  .target = link_target,
};
