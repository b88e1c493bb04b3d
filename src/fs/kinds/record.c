/* A record's document. */
#include "fs/kinds/kinds.h"

#include "fs/desk.h"
#include "model/notes.h"

#include <unistd.h>

/* A note is of its record, too. */
static const char *
record_also (const Ask *ask, const NodeKey *node)
{
  StoreModule *parent = NULL;
  uint64_t record;

  if (node->module != store_notes (ask->store) || !store_note_parent (ask->store, node->id, &parent, &record))
    return NULL;
  return store_module_name (parent);
}

/* What programs have written and not saved is what is to be seen. */
static void
add_written (const Ask *ask, const NodeKey *node, Attr *attr)
{
  Desk *desk = desks_find (ask->desks, node);

  if (desk == NULL || !desk_stat_record (desk, node->id, &attr->stat))
    return;
  attr->has_stat = attr->volatile_size = true;
  attr->stat.st_mode = attr->mode;
  attr->stat.st_nlink = 1;
  attr->stat.st_uid = getuid ();
  attr->stat.st_gid = getgid ();
  attr->size = attr->stat.st_size;
  attr->version = 0;
}

static StoreState
record_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  StoreEntry entry = { 0 };
  g_autoptr (GBytes) text = NULL;
  StoreState state = STORE_READY;

  if (!ask->fresh)
    state = store_entry (node->module, node->id, ask->wait, &entry, error);
  /* A size is never guessed: where the listing does not tell it, the document does. */
  if (state == STORE_READY && (ask->fresh || entry.size < 0))
    state = store_document (node->module, node->id, ask->wait, &entry, &text, error);
  if (state != STORE_READY)
    return state;
  *attr = (Attr) {
    .mode = S_IFREG | (desks_rights (ask->desks, node->module).update ? 0644 : 0444),
    .size = entry.size,
    .mtime = entry.mtime,
    .version = entry.version,
  };
  add_written (ask, node, attr);
  return STORE_READY;
}

/* Most opens are of files whose pages the kernel has: their texts need not be looked for. */
static StoreState
record_open (const Ask *ask, const NodeKey *node, Opened *opened, GError **error)
{
  StoreEntry entry = { 0 };
  StoreState state = store_revalidate (node->module, node->id, ask->wait, &entry, error);

  if (state == STORE_READY)
    opened->version = entry.version;
  return state;
}

static GBytes *
record_text (const NodeKey *node, uint64_t version)
{
  return store_version (node->module, node->id, version);
}

static StoreState
record_open_whole (const Ask *ask, const NodeKey *node, Opened *opened, GError **error)
{
  StoreEntry entry = { 0 };
  StoreState state = store_document (node->module, node->id, ask->wait, &entry, &opened->text, error);

  if (state == STORE_READY)
    opened->version = entry.version;
  return state;
}

static GBytes *
record_peek (const NodeKey *node)
{
  StoreEntry entry = { 0 };

  return store_peek (node->module, node->id, &entry);
}

const NodeKind record_kind = {
  .number = KIND_RECORD,
  .type = S_IFREG,
  .told = true,
  .also = record_also,
  .attr = record_attr,
  .open = record_open,
  .text = record_text,
  .open_whole = record_open_whole,
  .peek = record_peek,
};
