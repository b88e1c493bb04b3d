/* /.zohofs/drafts/<Module>/<name>: a save that was refused, as it was written. A later one may take its name, so each
 * open has the text of its own time. */
#include "fs/kinds/kinds.h"

#include "fs/draft_names.h"
#include "model/journal.h"
#include "model/notes.h"

static const char *
draft_also (const Ask *ask, const NodeKey *node)
{
  const char *module, *name;

  draft_names_get (ask->draft_names, node->id, &module, &name);
  return module;
}

static bool
draft_of_all (const Ask *ask, const NodeKey *node)
{
  return g_str_equal (draft_also (ask, node), store_module_name (store_notes (ask->store)));
}

static StoreState
draft_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  const char *module, *name;
  g_autoptr (GPtrArray) drafts = NULL;
  const DraftEntry *draft;

  draft_names_get (ask->draft_names, node->id, &module, &name);
  drafts = journal_drafts_find (ask->config->state, module, name, error);
  if (drafts == NULL)
    return STORE_FAILED;
  draft = drafts->pdata[0];
  *attr = (Attr){ .mode = S_IFREG | 0444, .size = draft->size, .mtime = draft->mtime_s, .volatile_size = true };
  return STORE_READY;
}

static StoreState
draft_open (const Ask *ask, const NodeKey *node, Opened *opened, GError **error)
{
  const char *module, *name;

  draft_names_get (ask->draft_names, node->id, &module, &name);
  opened->text = journal_draft_open (ask->config->state, module, name, error);
  opened->own = true;
  return opened->text != NULL ? STORE_READY : STORE_FAILED;
}

const NodeKind draft_kind = {
  .number = KIND_DRAFT,
  .type = S_IFREG,
  .also = draft_also,
  .of_all = draft_of_all,
  .attr = draft_attr,
  .open = draft_open,
};
