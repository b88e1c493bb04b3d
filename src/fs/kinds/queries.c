/* /queries: queries that are kept, and the files with their rows. NAME.coql and what editors put beside it lie on this
 * computer; NAME.json, NAME.jsonl and NAME.csv are made when they are looked up, and listed while they are held. */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "fs/kinds/queries.h"
#include "fs/kinds/query_begin.h"
#include "fs/query_files.h"
#include "model/queries.h"

#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#define SUFFIX ".coql"
/* What names of rows are interned with. */
#define NUMBERS "queries"

static const char *const suffixes[QUERY_FORMS] = {
  [QUERY_FORM_JSON] = ".json",
  [QUERY_FORM_LINES] = ".jsonl",
  [QUERY_FORM_CSV] = ".csv",
};

/* ---- names ------------------------------------------------------------------------------------------------------- */

static char *
without (const char *name, const char *suffix)
{
  return g_str_has_suffix (name, suffix) && strlen (name) > strlen (suffix)
             ? g_strndup (name, strlen (name) - strlen (suffix)) : NULL;
}

char *
queries_query (const char *name)
{
  return without (name, SUFFIX);
}

char *
queries_rows (const char *name, QueryForm *form)
{
  for (int i = 0; i < QUERY_FORMS; i++)
    {
      char *query = without (name, suffixes[i]);

      *form = (QueryForm)i;
      if (query != NULL)
        return query;
    }
  return NULL;
}

char *
queries_rows_of (const Ask *ask, const NodeKey *node, QueryForm *form)
{
  const char *folder, *name;

  draft_names_get (ask->draft_names, node->id, &folder, &name);
  return queries_rows (name, form);
}

char *
queries_path (const char *query)
{
  return g_strconcat ("queries/", query, SUFFIX, NULL);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

StoreState
queries_text (const Ask *ask, uid_t uid, const char *query, QueryText **text, GError **error)
{
  g_autofree char *name = g_strconcat (query, SUFFIX, NULL);
  g_autoptr (GBytes) bytes = query_files_read (ask->config->state, name, error);
  size_t size;
  const char *written;

  if (bytes == NULL)
    return STORE_FAILED;
  written = g_bytes_get_data (bytes, &size);
  return query_begin (ask, NULL, uid, written, size, text, error);
}

StoreState
queries_bring (const Ask *ask, uid_t uid, const char *query, bool whole, GError **error)
{
  g_autofree char *folder = query_files_folder (ask->config->state, false, NULL);
  g_autofree char *path = queries_path (query);
  g_autoptr (QueryText) text = NULL;
  g_autoptr (GError) failure = NULL;
  StoreState state = queries_text (ask, uid, query, &text, &failure);
  const QueriesWanted wanted = { folder, query, text, whole };

  if (state == STORE_READY)
    state = queries_make (ask->store, &wanted, ask->wait, &failure);
  if (state != STORE_FAILED)
    return state;
  if (failure->code != ZOHO_ERROR_CANCELLED && failure->code != ZOHO_ERROR_NOT_FOUND)
    query_tell_failure (ask, path, failure);
  g_propagate_error (error, g_steal_pointer (&failure));
  return STORE_FAILED;
}

/* ---- the directory ----------------------------------------------------------------------------------------------- */

static StoreState
refuse (ZohoError code, const char *words, GError **error)
{
  g_set_error_literal (error, ZOHO_ERROR, code, words);
  return STORE_FAILED;
}

static StoreState
queries_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  g_autofree char *folder = query_files_folder (ask->config->state, false, NULL);
  struct stat about;
  int64_t mtime = stat (folder, &about) == 0 ? about.st_mtim.tv_sec : ask->mounted_s;

  kinds_directory_attr (attr, MAX (mtime, 0), ask->desks != NULL);
  attr->volatile_size = true;
  return STORE_READY;
}

static StoreState
lookup_rows (const Ask *ask, const char *query, const char *name, NodeKey *found, GError **error)
{
  g_autofree char *file = g_strconcat (query, SUFFIX, NULL);
  struct stat about;
  StoreState state;

  if (!query_files_stat (ask->config->state, file, &about, error))
    return STORE_FAILED;
  state = queries_bring (ask, ask->who.uid, query, true, error);
  if (state == STORE_READY)
    *found = (NodeKey){ &query_rows_kind, NULL, draft_names_number (ask->draft_names, NUMBERS, name) };
  return state;
}

static StoreState
queries_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  QueryForm form;
  g_autofree char *query = queries_rows (name, &form);
  struct stat about;

  /* Without opens it is empty: what is here has no text before it is opened. */
  if (ask->config->noopen)
    return STORE_READY;
  if (query != NULL)
    return lookup_rows (ask, query, name, found, error);
  if (!query_files_stat (ask->config->state, name, &about, error))
    return STORE_FAILED;
  *found = (NodeKey){ &query_kind, NULL, about.st_ino };
  return STORE_READY;
}

static void
add_rows (GPtrArray *names, const GPtrArray *held)
{
  for (guint i = 0; i < held->len; i++)
    for (int form = 0; form < QUERY_FORMS; form++)
      g_ptr_array_add (names, g_strconcat (held->pdata[i], suffixes[form], NULL));
}

static StoreState
queries_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  g_autoptr (GPtrArray) held = NULL;

  listing->version = 1;
  if (ask->config->noopen)
    {
      listing->names = g_ptr_array_new_with_free_func (g_free);
      return STORE_READY;
    }
  listing->names = query_files_list (ask->config->state);
  for (guint i = listing->names->len; i > 0; i--)
    {
      QueryForm form;
      g_autofree char *query = queries_rows (listing->names->pdata[i - 1], &form);

      if (query != NULL)
        g_ptr_array_remove_index (listing->names, i - 1);
    }
  held = queries_held (ask->store);
  add_rows (listing->names, held);
  for (guint i = 0; i < listing->names->len; i++)
    listing->version = XXH64 (listing->names->pdata[i], strlen (listing->names->pdata[i]) + 1, listing->version) | 1;
  return STORE_READY;
}

/* Names alone: what they are is asked anew by whoever wants to know. */
static StoreState
queries_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
               bool *at_end, GError **error)
{
  QueryForm form;
  g_autofree char *query = NULL;
  struct stat about;
  const char *name;

  if (index >= listing->names->len)
    {
      *at_end = true;
      return STORE_READY;
    }
  name = listing->names->pdata[index];
  query = queries_rows (name, &form);
  if (query != NULL)
    entry->key = (NodeKey){ &query_rows_kind, NULL, draft_names_number (ask->draft_names, NUMBERS, name) };
  else if (query_files_stat (ask->config->state, name, &about, NULL))
    entry->key = (NodeKey){ &query_kind, NULL, about.st_ino };
  else
    return STORE_READY;
  entry->name = g_strdup (name);
  return STORE_READY;
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

static bool
may_write (const Ask *ask, const char *name, GError **error)
{
  QueryForm form;
  g_autofree char *query = name != NULL ? queries_rows (name, &form) : NULL;

  if (ask->desks == NULL)
    return refuse (ZOHO_ERROR_READ_ONLY, "The mount is read-only.", error) == STORE_READY;
  if (query != NULL)
    return refuse (ZOHO_ERROR_FORBIDDEN, "Such a file is made by its query: write NAME.coql.", error) == STORE_READY;
  return true;
}

static void
forget (const Ask *ask, const char *name)
{
  g_autofree char *query = queries_query (name);

  if (query != NULL)
    queries_forget (ask->store, query);
}

static StoreState
queries_create (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *made, GError **error)
{
  struct stat about;

  if (!may_write (ask, name, error) || !query_files_create (ask->config->state, name, &about, error))
    return STORE_FAILED;
  *made = (NodeKey){ &query_kind, NULL, about.st_ino };
  return STORE_READY;
}

static StoreState
queries_rename (const Ask *ask, const NodeKey *dir, const char *name, const char *new_name, unsigned flags, GError **error)
{
  if (!may_write (ask, name, error) || !may_write (ask, new_name, error)
      || !query_files_rename (ask->config->state, name, new_name, flags, error))
    return STORE_FAILED;
  forget (ask, name);
  forget (ask, new_name);
  return STORE_READY;
}

static StoreState
queries_unlink (const Ask *ask, const NodeKey *dir, const char *name, GError **error)
{
  QueryForm form;
  g_autofree char *rows = queries_rows (name, &form);

  if (!may_write (ask, NULL, error))
    return STORE_FAILED;
  /* Rows are let go of, all forms at once. */
  if (rows != NULL)
    queries_forget (ask->store, rows);
  else if (!query_files_remove (ask->config->state, name, error))
    return STORE_FAILED;
  forget (ask, name);
  return STORE_READY;
}

const NodeKind queries_kind = {
  .number = KIND_QUERIES,
  .type = S_IFDIR,
  .attr = queries_attr,
  .lookup = queries_lookup,
  .create = queries_create,
  .rename = queries_rename,
  .unlink = queries_unlink,
  .list = queries_list,
  .entry = queries_entry,
};
