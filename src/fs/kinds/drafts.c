/* /.zohofs/drafts and its folders: saves that were refused, by module. What is there is asked of the disk at each look,
 * since drafts come at any time and other mounts of the profile have them, too; a module need not be one that the org
 * has today. */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "fs/draft_names.h"
#include "model/journal.h"
#include "model/notes.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* The module of a folder; NULL: it is drafts/ itself. */
static const char *
module_of (const Ask *ask, const NodeKey *dir)
{
  const char *module = NULL, *name;

  if (dir->id != 0)
    draft_names_get (ask->draft_names, dir->id, &module, &name);
  return module;
}

static const char *
drafts_also (const Ask *ask, const NodeKey *node)
{
  return module_of (ask, node);
}

/* Their names do not tell whose notes they were to be. */
static bool
drafts_of_all (const Ask *ask, const NodeKey *node)
{
  return g_strcmp0 (module_of (ask, node), store_module_name (store_notes (ask->store))) == 0;
}

/* Closes @folder. */
static bool
has_drafts (int folder)
{
  DIR *dir = fdopendir (folder);
  const struct dirent *entry;
  bool found = false;

  if (dir == NULL)
    {
      close (folder);
      return false;
    }
  while (!found && (entry = readdir (dir)) != NULL)
    found = entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN;
  closedir (dir);
  return found;
}

/* A folder is there while it has drafts. Asked for each path that leads through it, so that no draft is looked at. */
static StoreState
find_module (const Ask *ask, const char *module, int64_t *mtime, GError **error)
{
  g_autofree char *path = g_build_filename (ask->config->state, "drafts", module, NULL);
  int fd = module[0] != '.' ? open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
  struct stat about;
  bool known = fd >= 0 && fstat (fd, &about) == 0;

  if (fd >= 0 && has_drafts (fd) && known)
    {
      *mtime = about.st_mtim.tv_sec;
      return STORE_READY;
    }
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "There are no drafts of %s.", module);
  return STORE_FAILED;
}

static StoreState
drafts_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  const char *module = module_of (ask, node);
  int64_t mtime = ask->mounted_s;

  if (module != NULL && find_module (ask, module, &mtime, error) != STORE_READY)
    return STORE_FAILED;
  kinds_directory_attr (attr, mtime, module != NULL && ask->desks != NULL);
  attr->volatile_size = module != NULL;
  return STORE_READY;
}

static StoreState
drafts_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  const char *module = module_of (ask, dir);
  g_autoptr (GPtrArray) draft = NULL;
  int64_t mtime;

  if (module == NULL)
    {
      if (find_module (ask, name, &mtime, error) != STORE_READY)
        return STORE_FAILED;
      *found = (NodeKey){ &drafts_kind, NULL, draft_names_number (ask->draft_names, name, NULL) };
      return STORE_READY;
    }
  draft = journal_drafts_find (ask->config->state, module, name, error);
  if (draft == NULL)
    return STORE_FAILED;
  *found = (NodeKey){ &draft_kind, NULL, draft_names_number (ask->draft_names, module, name) };
  return STORE_READY;
}

/* @drafts is sorted by module and name. */
static GPtrArray *
names_in (const GPtrArray *drafts, const char *module)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < drafts->len; i++)
    {
      const DraftEntry *draft = drafts->pdata[i];
      const DraftEntry *before = i > 0 ? drafts->pdata[i - 1] : NULL;

      if (module != NULL && g_str_equal (draft->module, module))
        g_ptr_array_add (names, g_strdup (draft->name));
      if (module == NULL && (before == NULL || !g_str_equal (draft->module, before->module)))
        g_ptr_array_add (names, g_strdup (draft->module));
    }
  return names;
}

static uint64_t
version_of (const GPtrArray *names)
{
  uint64_t version = names->len;

  for (guint i = 0; i < names->len; i++)
    version = XXH64 (names->pdata[i], strlen (names->pdata[i]) + 1, version);
  return version | 1;
}

static StoreState
drafts_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  g_autoptr (GPtrArray) drafts = journal_drafts_list (ask->config->state, error);

  if (drafts == NULL)
    return STORE_FAILED;
  listing->names = names_in (drafts, module_of (ask, dir));
  listing->version = version_of (listing->names);
  return STORE_READY;
}

/* Names alone: what they are is asked anew by whoever wants to know. */
static StoreState
drafts_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
              bool *at_end, GError **error)
{
  const char *module = module_of (ask, dir);
  const char *name;

  if (index >= listing->names->len)
    {
      *at_end = true;
      return STORE_READY;
    }
  name = listing->names->pdata[index];
  entry->name = g_strdup (name);
  if (module == NULL)
    entry->key = (NodeKey){ &drafts_kind, NULL, draft_names_number (ask->draft_names, name, NULL) };
  else
    entry->key = (NodeKey){ &draft_kind, NULL, draft_names_number (ask->draft_names, module, name) };
  return STORE_READY;
}

static StoreState
drafts_unlink (const Ask *ask, const NodeKey *dir, const char *name, GError **error)
{
  const char *module = module_of (ask, dir);

  if (module != NULL)
    return journal_draft_remove (ask->config->state, module, name, error) ? STORE_READY : STORE_FAILED;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FORBIDDEN, "A folder of drafts goes with its last draft.");
  return STORE_FAILED;
}

const NodeKind drafts_kind = {
  .number = KIND_DRAFTS,
  .type = S_IFDIR,
  .also = drafts_also,
  .of_all = drafts_of_all,
  .attr = drafts_attr,
  .lookup = drafts_lookup,
  .list = drafts_list,
  .entry = drafts_entry,
  .unlink = drafts_unlink,
};
