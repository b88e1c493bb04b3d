/* Nodes, drafts and handles of the save engine: what is held, by whom, and when it can go. */
#include "model/editing_private.h"

#include <string.h>

bool
edit_same_process (EditProcess a, EditProcess b)
{
  return a.group == b.group && a.start == b.start;
}

EditAction *
edit_act (Editing *e, EditActionKind kind)
{
  EditAction action = { .kind = kind };

  g_array_append_val (e->actions, action);
  return &g_array_index (e->actions, EditAction, e->actions->len - 1);
}

EditAction *
edit_answer (Editing *e, int error)
{
  EditAction *action = edit_act (e, EDIT_ANSWER);

  action->request = e->event->request;
  action->error = error;
  return action;
}

void
edit_act_id (Editing *e, EditActionKind kind, uint64_t id)
{
  edit_act (e, kind)->id = id;
}

/* ---- drafts ------------------------------------------------------------------------------------------------------ */

static void
draft_unref (Editing *e, EditDraft *draft)
{
  if (--draft->refs > 0)
    return;
  edit_act (e, EDIT_DROP_DRAFT)->draft = draft->number;
  g_hash_table_remove (e->drafts, &draft->number);
}

void
edit_draft_set (Editing *e, EditDraft **place, EditDraft *draft)
{
  EditDraft *old = *place;

  if (draft != NULL)
    draft->refs++;
  *place = draft;
  if (old != NULL)
    draft_unref (e, old);
}

void
edit_draft_begin (Editing *e, EditNode *node, EditSeed seed, uint64_t from)
{
  EditDraft *draft = g_new0 (EditDraft, 1);
  EditAction *action = edit_act (e, EDIT_DRAFT);

  draft->number = ++e->last_number;
  draft->empty = seed == EDIT_SEED_EMPTY;
  draft->epoch = 1;
  draft->writer = e->event->process;
  g_hash_table_insert (e->drafts, &draft->number, draft);
  action->draft = draft->number;
  action->node = node->number;
  action->id = node->id;
  action->seed = seed;
  if (seed == EDIT_SEED_HANDLE)
    action->handle = from;
  else
    action->from = from;
  edit_draft_set (e, &node->draft, draft);
}

static bool
is_frozen (const EditDraft *draft)
{
  return draft->flying || draft->kept;
}

/* A copy that may be written to. */
static void
draft_copy (Editing *e, EditNode *node, const EditDraft *frozen)
{
  bool empty = frozen->empty;
  int broken = frozen->broken;

  edit_draft_begin (e, node, EDIT_SEED_DRAFT, frozen->number);
  node->draft->empty = empty;
  node->draft->broken = broken;
}

void
edit_draft_own (Editing *e, EditNode *node, EditHandle *handle)
{
  if (node->draft != NULL && is_frozen (node->draft))
    draft_copy (e, node, node->draft);
  else if (node->draft == NULL && handle != NULL && handle->draft != NULL && is_frozen (handle->draft))
    draft_copy (e, node, handle->draft);
  else if (node->draft == NULL && handle != NULL && handle->draft != NULL)
    edit_draft_set (e, &node->draft, handle->draft);
  else if (node->draft == NULL && handle != NULL)
    edit_draft_begin (e, node, EDIT_SEED_HANDLE, handle->number);
  else if (node->draft == NULL)
    edit_draft_begin (e, node, EDIT_SEED_SERVER, 0);
}

void
edit_draft_retire (Editing *e, EditNode *node)
{
  EditAction *action;

  if (node->draft == NULL)
    return;
  node->empty_until_us = 0;
  edit_draft_set (e, &node->draft, NULL);
  action = edit_act (e, EDIT_RESTORE);
  action->node = node->number;
  action->id = node->id;
}

void
edit_draft_keep (Editing *e, EditNode *node, EditDraft *draft, int error)
{
  EditAction *action = edit_act (e, EDIT_KEEP_DRAFT);

  action->draft = draft->number;
  action->node = node->number;
  action->id = node->id;
  action->error = error;
  if (node->name != NULL)
    g_strlcpy (action->name, node->name, sizeof action->name);
  draft->kept = true;
  draft->dirty = false;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

char *
edit_key (const char *name)
{
  uint64_t id;

  if (names_read (name, &id) == NAME_RECORD)
    return names_record (NULL, id);
  return g_strdup (name);
}

static void
names_put (Editing *e, EditNode *node)
{
  g_hash_table_insert (e->names, edit_key (node->name), node);
}

static void
names_take (Editing *e, EditNode *node)
{
  g_autofree char *key = node->name == NULL ? NULL : edit_key (node->name);

  if (key != NULL && g_hash_table_lookup (e->names, key) == node)
    g_hash_table_remove (e->names, key);
}

EditNode *
edit_node_new (Editing *e, EditNodeKind kind, const char *name)
{
  EditNode *node = g_new0 (EditNode, 1);

  node->number = ++e->last_number;
  node->kind = kind;
  node->name = g_strdup (name);
  g_hash_table_insert (e->nodes, &node->number, node);
  if (kind != NODE_RECORD)
    names_put (e, node);
  return node;
}

EditNode *
edit_node_find (const Editing *e, uint64_t number)
{
  return g_hash_table_lookup (e->nodes, &number);
}

EditNode *
edit_node_named (const Editing *e, const char *name)
{
  g_autofree char *key = edit_key (name);

  return g_hash_table_lookup (e->names, key);
}

/* Takes a node out of the table that knows it by name or id. */
static void
detach (Editing *e, EditNode *node)
{
  EditRecord *record = node->kind == NODE_RECORD ? edit_record_find (e, node->id) : NULL;

  if (record != NULL && record->node == node)
    {
      record->node = NULL;
      edit_record_check (e, record);
    }
  else
    names_take (e, node);
}

void
edit_node_lose (Editing *e, EditNode *node, bool unlinked)
{
  detach (e, node);
  node->was_file = node->kind == NODE_RECORD || node->kind == NODE_NEW || node->kind == NODE_FIELD;
  node->kind = NODE_NAMELESS;
  node->unlinked = unlinked;
  node->gone_by = e->event->process;
  node->empty_until_us = 0;
  edit_node_check (e, node);
}

void
edit_node_move (Editing *e, EditNode *node, EditNodeKind kind, const char *name)
{
  EditNode *other = edit_node_named (e, name);
  g_autofree char *copy = g_strdup (name);

  if (other != NULL && other != node)
    edit_node_lose (e, other, false);
  detach (e, node);
  node->kind = kind;
  g_free (node->name);
  node->name = g_steal_pointer (&copy);
  node->id = 0;
  node->empty_until_us = 0;
  names_put (e, node);
}

/* What was written and neither saved nor thrown away by the one who wrote it. */
static bool
is_worth_keeping (const EditNode *node)
{
  const EditDraft *draft = node->draft;

  return node->was_file && draft != NULL && draft->dirty && !draft->empty
         && !(node->unlinked && edit_same_process (draft->writer, node->gone_by));
}

void
edit_node_check (Editing *e, EditNode *node)
{
  if (node->handles > 0 || node->commits > 0)
    return;
  if (node->kind != NODE_NAMELESS && !(node->kind == NODE_RECORD && node->draft == NULL))
    return;
  if (node->kind == NODE_NAMELESS && is_worth_keeping (node))
    edit_draft_keep (e, node, node->draft, 0);
  edit_draft_set (e, &node->draft, NULL);
  edit_act (e, EDIT_DROP_NODE)->node = node->number;
  detach (e, node);
  g_hash_table_remove (e->nodes, &node->number);
}

void
edit_node_await (Editing *e, EditNode *node)
{
  if (node->kind == NODE_RECORD && node->writers == 0 && node->draft != NULL && node->draft->dirty
      && node->draft->empty)
    node->empty_until_us = e->event->now_us + e->config.delete_delay_us;
}

void
edit_node_adopt (Editing *e, EditNode *node, uint64_t id, const char *name)
{
  EditRecord *record;
  EditNode *old;
  EditAction *action;
  g_autofree char *copy = g_strdup (name); /* which may be the node's own */

  edit_record_back (e, id);
  record = edit_record_get (e, id);
  old = record->node;
  if (old == node)
    return;
  detach (e, node);
  record = edit_record_get (e, id); /* the node may have been all that another one was for */
  if (copy != NULL)
    {
      g_free (node->name);
      node->name = g_steal_pointer (&copy);
    }
  node->kind = NODE_RECORD;
  node->id = id;
  node->copy_of = 0;
  record->node = node;
  action = edit_act (e, EDIT_ADOPT);
  action->node = node->number;
  action->id = id;
  action->from = old == NULL ? 0 : old->number;
  if (old != NULL)
    edit_node_lose (e, old, false);
  edit_node_await (e, node);
}

void
edit_node_release (Editing *e, EditNode *node, EditNodeKind kind, const char *name)
{
  EditAction *action = edit_act (e, EDIT_ADOPT);

  action->node = node->number;
  edit_node_move (e, node, kind, name);
}

void
edit_copies_forget (Editing *e, uint64_t id)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, e->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((EditNode *)value)->copy_of == id)
      ((EditNode *)value)->copy_of = 0;
}

EditNode *
edit_node_of_record (Editing *e, uint64_t id)
{
  EditRecord *record = edit_record_get (e, id);

  if (record->node == NULL)
    {
      record->node = edit_node_new (e, NODE_RECORD, NULL);
      record->node->id = id;
    }
  return record->node;
}

/* ---- handles ----------------------------------------------------------------------------------------------------- */

EditHandle *
edit_handle_new (Editing *e, EditNode *node)
{
  const EditEvent *event = e->event;
  EditHandle *handle = g_new0 (EditHandle, 1);

  handle->number = event->handle;
  handle->node = node;
  handle->opener = event->process;
  handle->writes = event->flags & EDIT_WRITES;
  handle->appends = event->flags & EDIT_APPENDS;
  node->handles++;
  node->writers += handle->writes;
  if (handle->writes)
    node->empty_until_us = 0;
  g_hash_table_insert (e->handles, &handle->number, handle);
  return handle;
}

EditHandle *
edit_handle_find (const Editing *e, uint64_t number)
{
  return g_hash_table_lookup (e->handles, &number);
}

void
edit_handle_free (Editing *e, EditHandle *handle)
{
  EditNode *node = handle->node;

  node->handles--;
  node->writers -= handle->writes;
  edit_draft_set (e, &handle->draft, NULL);
  g_hash_table_remove (e->handles, &handle->number);
  edit_node_check (e, node);
}

bool
edit_handle_wrote (const EditHandle *handle)
{
  return handle->draft != NULL && handle->draft == handle->node->draft && handle->epoch == handle->draft->epoch;
}
