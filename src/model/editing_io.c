/* What happens to open files: when a text counts as written, and when it is to be saved. */
#include "model/editing_private.h"

#include <errno.h>

int
edit_read_only (const Editing *e)
{
  const EditingConfig *config = &e->config;

  return config->no_create != 0 && config->no_update != 0 && config->no_delete != 0 ? config->no_update : 0;
}

static int
refuse_write (const Editing *e, const EditNode *node)
{
  if (edit_read_only (e) != 0)
    return edit_read_only (e);
  if (node->kind == NODE_RECORD)
    return e->config.no_update;
  return node->kind == NODE_NEW || node->kind == NODE_FIELD ? e->config.no_create : 0;
}

/* May the node's text be sent? */
static bool
is_file (const EditNode *node)
{
  return node->kind == NODE_RECORD || node->kind == NODE_NEW || node->kind == NODE_FIELD;
}

static bool
has_to_save (const EditNode *node)
{
  return is_file (node) && node->draft != NULL && node->draft->dirty && !node->draft->empty;
}

static void
mark_written (Editing *e, EditNode *node, EditHandle *handle, bool empty)
{
  EditDraft *draft = node->draft;

  draft->dirty = true;
  draft->empty = empty;
  draft->writer = e->event->process;
  node->copy_of = 0;
  node->empty_until_us = 0;
  if (handle == NULL)
    return;
  edit_draft_set (e, &handle->draft, draft);
  handle->epoch = draft->epoch;
  handle->error = 0;
}

static void
resize (Editing *e, EditNode *node, EditHandle *handle, int64_t size)
{
  EditAction *action;

  if (size == 0 && (node->draft == NULL || node->draft->kept || node->draft->flying))
    edit_draft_begin (e, node, EDIT_SEED_EMPTY, 0);
  else
    edit_draft_own (e, node, handle);
  if (size == 0)
    node->draft->broken = 0;
  action = edit_act (e, EDIT_RESIZE);
  action->draft = node->draft->number;
  action->size = size;
  mark_written (e, node, handle, size == 0);
}

void
edit_empty_return (Editing *e)
{
  g_autoptr (GList) nodes = g_hash_table_get_values (e->nodes);

  for (GList *at = nodes; at != NULL; at = at->next)
    {
      EditNode *node = at->data;

      if (node->empty_until_us == 0 || node->empty_until_us > e->event->now_us)
        continue;
      edit_draft_retire (e, node);
      edit_node_check (e, node);
    }
}

/* ---- open -------------------------------------------------------------------------------------------------------- */

static void
answer_draft (Editing *e, const EditNode *node, bool at_end)
{
  EditAction *action = edit_answer (e, 0);

  action->node = node->number;
  action->id = node->id;
  action->draft = node->draft == NULL ? 0 : node->draft->number;
  action->at_end = at_end;
}

static void
answer_refusal (Editing *e, EditNode *node, int error)
{
  edit_answer (e, error);
  edit_node_check (e, node);
}

void
edit_open_node (Editing *e, EditNode *node)
{
  const EditEvent *event = e->event;
  bool writes = event->flags & EDIT_WRITES;
  int error = writes ? refuse_write (e, node) : 0;
  EditHandle *handle;

  if (error == 0 && node->kind == NODE_LINK)
    error = ELOOP;
  if (error == 0 && (event->handle == 0 || edit_handle_find (e, event->handle) != NULL))
    error = EINVAL;
  if (error != 0)
    {
      answer_refusal (e, node, error);
      return;
    }
  handle = edit_handle_new (e, node);
  if (writes && (event->flags & EDIT_TRUNCATES) != 0)
    resize (e, node, handle, 0);
  answer_draft (e, node, false);
}

/* The node that an event on an inode means; NULL: there is none any more. */
static EditNode *
node_meant (Editing *e)
{
  const EditEvent *event = e->event;

  if (event->node != 0)
    return edit_node_find (e, event->node);
  if (event->id == 0 || edit_record_hides (e, event->id))
    return NULL;
  return edit_node_of_record (e, event->id);
}

void
edit_on_open (Editing *e)
{
  EditNode *node = node_meant (e);

  if (node == NULL)
    edit_answer (e, ESTALE);
  else
    edit_open_node (e, node);
}

/* ---- write ------------------------------------------------------------------------------------------------------- */

void
edit_on_write (Editing *e)
{
  EditHandle *handle = edit_handle_find (e, e->event->handle);

  if (handle == NULL || !handle->writes)
    {
      edit_answer (e, EBADF);
      return;
    }
  if (e->event->size > 0)
    {
      edit_draft_own (e, handle->node, handle);
      mark_written (e, handle->node, handle, false);
    }
  answer_draft (e, handle->node, handle->appends);
}

static void
resize_closed (Editing *e, EditNode *node)
{
  int error = node->kind == NODE_LINK ? EINVAL : refuse_write (e, node);

  if (error != 0)
    {
      answer_refusal (e, node, error);
      return;
    }
  resize (e, node, NULL, e->event->size);
  edit_node_await (e, node);
  if (node->writers == 0 && has_to_save (node))
    edit_commit (e, node, NULL, true);
  else
    answer_draft (e, node, false);
}

void
edit_on_truncate (Editing *e)
{
  EditHandle *handle = edit_handle_find (e, e->event->handle);
  EditNode *node;

  if (e->event->size < 0)
    edit_answer (e, EINVAL);
  else if (e->event->handle != 0 && (handle == NULL || !handle->writes))
    edit_answer (e, EBADF);
  else if (handle != NULL)
    {
      resize (e, handle->node, handle, e->event->size);
      answer_draft (e, handle->node, false);
    }
  else if ((node = node_meant (e)) == NULL)
    edit_answer (e, ESTALE);
  else
    resize_closed (e, node);
}

void
edit_on_failed (Editing *e)
{
  EditHandle *handle = edit_handle_find (e, e->event->handle);
  EditNode *node = handle != NULL ? handle->node : edit_node_find (e, e->event->node);

  if (node != NULL && node->draft != NULL)
    node->draft->broken = e->event->error != 0 ? e->event->error : EIO;
}

/* ---- save -------------------------------------------------------------------------------------------------------- */

static bool
is_complete (const Editing *e, const EditNode *node)
{
  return e->complete == NULL || e->complete (node->draft->number, e->data);
}

void
edit_on_flush (Editing *e)
{
  EditHandle *handle = edit_handle_find (e, e->event->handle);
  EditNode *node = handle == NULL ? NULL : handle->node;

  if (handle == NULL)
    edit_answer (e, EBADF);
  else if (edit_handle_wrote (handle) && has_to_save (node))
    {
      if (edit_same_process (e->event->process, handle->opener) || is_complete (e, node))
        edit_commit (e, node, handle, true);
      else
        edit_answer (e, 0);
    }
  else if (!edit_commit_join (e, node, handle))
    {
      edit_answer (e, handle->error);
      handle->error = 0;
    }
}

void
edit_on_fsync (Editing *e)
{
  EditHandle *handle = edit_handle_find (e, e->event->handle);
  EditNode *node = handle == NULL ? NULL : handle->node;

  if (handle == NULL)
    edit_answer (e, EBADF);
  else if (has_to_save (node) && (edit_handle_wrote (handle) || is_complete (e, node)))
    edit_commit (e, node, handle, true);
  else if (!edit_commit_join (e, node, handle))
    edit_answer (e, 0);
}

void
edit_handle_release (Editing *e, EditHandle *handle)
{
  EditNode *node = handle->node;
  bool writes = handle->writes, last = writes && node->writers == 1;

  if (has_to_save (node) && (last || edit_handle_wrote (handle)))
    edit_commit (e, node, NULL, false);
  node->handles++; /* lives through the next lines */
  edit_handle_free (e, handle);
  if (writes) /* who looks at it again and again does not keep it empty */
    edit_node_await (e, node);
  node->handles--;
  edit_node_check (e, node);
}

void
edit_on_release (Editing *e)
{
  EditHandle *handle = edit_handle_find (e, e->event->handle);

  if (handle != NULL)
    edit_handle_release (e, handle);
  edit_answer (e, handle != NULL ? 0 : EBADF);
}
