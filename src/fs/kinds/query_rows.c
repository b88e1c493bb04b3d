/* /queries/NAME.json, NAME.jsonl, NAME.csv: the rows of a query, as a file of exact size. Each open reads those that
 * were there then. NodeKey.id is a draft_names_number(). */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "fs/kinds/queries.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static GBytes *
rows_of (const Ask *ask, const NodeKey *node, int64_t *made_s, GError **error)
{
  QueryForm form;
  uint64_t version;
  g_autofree char *query = queries_rows_of (ask, node, &form);
  GBytes *bytes = queries_get (ask->store, query, form, &version, made_s);

  if (bytes == NULL)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "The rows of %s are not held any more", query);
  return bytes;
}

/* Another user than this one may have asked for the rows. */
static StoreState
check_rules (const Ask *ask, const NodeKey *node, GError **error)
{
  QueryForm form;
  g_autofree char *query = queries_rows_of (ask, node, &form);
  g_autoptr (QueryText) text = NULL;

  return queries_text (ask, ask->who.uid, query, &text, error);
}

static StoreState
rows_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  int64_t made_s = 0;
  g_autoptr (GBytes) bytes = rows_of (ask, node, &made_s, error);
  StoreState allowed;

  if (bytes == NULL)
    return STORE_FAILED;
  allowed = access_has_users (ask->config->access) ? check_rules (ask, node, error) : STORE_READY;
  if (allowed != STORE_READY)
    return allowed;
  *attr = (Attr){ .volatile_size = true, .has_stat = true };
  attr->stat = (struct stat){
    .st_mode = S_IFREG | 0444,
    .st_nlink = 1,
    .st_uid = getuid (),
    .st_gid = getgid (),
    .st_size = (off_t)g_bytes_get_size (bytes),
    .st_blocks = (blkcnt_t)((g_bytes_get_size (bytes) + 511) / 512),
    .st_atim.tv_sec = made_s,
    .st_mtim.tv_sec = made_s,
    .st_ctim.tv_sec = made_s,
  };
  return STORE_READY;
}

static StoreState
rows_open (const Ask *ask, const NodeKey *node, int flags, void **state, GError **error)
{
  int64_t made_s;
  StoreState allowed;

  if ((flags & O_ACCMODE) != O_RDONLY)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED, "The rows of a query can be read alone: write NAME.coql.");
      return STORE_FAILED;
    }
  allowed = check_rules (ask, node, error);
  if (allowed != STORE_READY)
    return allowed;
  *state = rows_of (ask, node, &made_s, error);
  return *state != NULL ? STORE_READY : STORE_FAILED;
}

static StoreState
rows_read (const Ask *ask, void *state, char *bytes, size_t size, uint64_t offset, size_t *got, GError **error)
{
  size_t length;
  const char *text = g_bytes_get_data (state, &length);

  if (offset >= length)
    return STORE_READY;
  *got = MIN (size, length - (size_t)offset);
  memcpy (bytes, text + offset, *got);
  return STORE_READY;
}

static void
rows_release (void *state)
{
  g_bytes_unref (state);
}

static const Stream rows_stream = {
  .open = rows_open,
  .read = rows_read,
  .release = rows_release,
  .seekable = true,
};

const NodeKind query_rows_kind = {
  .number = KIND_QUERY_ROWS,
  .type = S_IFREG,
  .attr = rows_attr,
  .stream = &rows_stream,
};
