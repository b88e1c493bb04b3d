/* Commits: one at a time for a record, a node or a new name, in the order in which they were asked for; and what their
 * answers change. */
#include "model/editing_private.h"

#include <errno.h>
#include <string.h>

static void
commit_free (Editing *e, EditCommit *commit)
{
  edit_draft_set (e, &commit->draft, NULL);
  g_array_unref (commit->waiters);
  g_free (commit->name);
  g_free (commit);
}

static bool
same_key (const char *a, const char *b)
{
  g_autofree char *x = a == NULL ? NULL : edit_key (a);
  g_autofree char *y = b == NULL ? NULL : edit_key (b);

  return x != NULL && y != NULL && strcmp (x, y) == 0;
}

/* Must @later wait for @earlier? */
static bool
collide (const EditCommit *earlier, const EditCommit *later)
{
  if (earlier->node == later->node)
    return true;
  if (later->id != 0 || earlier->id != 0)
    return earlier->id == later->id;
  return same_key (earlier->name, later->name);
}

static bool
is_ready (const Editing *e, const EditCommit *commit)
{
  const EditRecord *record = commit->id == 0 ? NULL : edit_record_find (e, commit->id);

  if (commit->sent || (record != NULL && record->state == RECORD_DELETING))
    return false;
  for (GList *at = e->commits.head; at->data != commit; at = at->next)
    if (collide (at->data, commit))
      return false;
  return true;
}

bool
edit_commit_flies (const Editing *e, uint64_t id)
{
  for (GList *at = e->commits.head; at != NULL; at = at->next)
    if (((EditCommit *)at->data)->id == id)
      return true;
  return false;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void
answer_waiters (Editing *e, EditCommit *commit, int error)
{
  for (guint i = 0; i < commit->waiters->len; i++)
    {
      EditWaiter waiter = g_array_index (commit->waiters, EditWaiter, i);
      EditHandle *handle = edit_handle_find (e, waiter.handle);
      EditAction *action = edit_act (e, EDIT_ANSWER);

      action->request = waiter.request;
      action->error = error;
      action->node = commit->node->number;
      action->id = commit->node->id;
      /* Some ignore what fsync says and look at close alone. */
      if (waiter.fsync && handle != NULL)
        handle->error = error;
    }
  g_array_set_size (commit->waiters, 0);
}

static void
commit_end (Editing *e, EditCommit *commit, int error)
{
  EditNode *node = commit->node;

  answer_waiters (e, commit, error);
  g_queue_remove (&e->commits, commit);
  commit_free (e, commit);
  node->commits--;
  edit_node_check (e, node);
}

static EditVerb
verb_of (const Editing *e, const char *name)
{
  uint64_t id;

  return !e->config.notes && names_read (name, &id) == NAME_FIELD ? EDIT_UPSERT : EDIT_INSERT;
}

static void
tell_alias (Editing *e, const char *name, uint64_t id)
{
  g_autofree char *key = edit_key (name);
  EditAction *action = edit_act (e, EDIT_ALIAS);

  action->id = id;
  g_strlcpy (action->name, key, sizeof action->name);
}

/* Can the node still become what it was renamed to? */
static bool
is_movable (const EditNode *node)
{
  return node->kind == NODE_SCRATCH || node->kind == NODE_NEW || node->kind == NODE_FIELD;
}

/* The node that is the record's from now on: the one that was sent, or who has its name by now; NULL: none. */
static EditNode *
heir_of (Editing *e, const EditCommit *commit, EditNode *named)
{
  EditNode *node = commit->node;

  if (commit->rename ? is_movable (node) : node->kind == NODE_NEW || node->kind == NODE_FIELD)
    return node;
  return named != NULL && (named->kind == NODE_NEW || named->kind == NODE_FIELD) ? named : NULL;
}

static void
bind_waiting (Editing *e, const EditNode *node)
{
  for (GList *at = e->commits.head; at != NULL; at = at->next)
    {
      EditCommit *waiting = at->data;

      if (waiting->node == node && !waiting->sent && !waiting->rename)
        waiting->id = node->id;
    }
}

/* A record came of what was written as commit->name, which may be another file's name by now. */
static void
created (Editing *e, EditCommit *commit, uint64_t id)
{
  EditNode *node = commit->node;
  EditNode *named = edit_node_named (e, commit->name);
  EditNode *heir = heir_of (e, commit, named);
  g_autofree char *name = g_strdup (heir == node && !commit->rename ? node->name : commit->name);

  if (heir == NULL && node->kind == NODE_NAMELESS && node->unlinked && !commit->rename)
    edit_record_unlink (e, id, node->gone_by);
  else if (verb_of (e, name) != EDIT_UPSERT)
    tell_alias (e, name, id);
  if (commit->rename && heir == node && named != NULL && named != node)
    edit_node_lose (e, named, false);
  if (heir != NULL)
    {
      edit_node_adopt (e, heir, id, name);
      bind_waiting (e, heir);
    }
  edit_commits_bind (e, commit->name, id);
}

static void
saved (Editing *e, EditCommit *commit)
{
  EditNode *node = commit->node;
  EditDraft *draft = commit->draft;

  if (commit->id != 0)
    edit_copies_forget (e, commit->id);
  if (commit->id == 0)
    created (e, commit, e->event->id);
  else if (commit->rename && is_movable (node))
    edit_node_adopt (e, node, commit->id, commit->name);
  if (node->kind == NODE_RECORD && node->draft == draft)
    edit_draft_retire (e, node);
}

static void
pretended (Editing *e, EditCommit *commit)
{
  EditNode *node = commit->node;
  bool moves = commit->rename && is_movable (node);

  if (moves && commit->id != 0)
    edit_node_adopt (e, node, commit->id, commit->name);
  else if (moves)
    edit_node_move (e, node, verb_of (e, commit->name) == EDIT_UPSERT ? NODE_FIELD : NODE_NEW, commit->name);
  if (node->kind == NODE_RECORD && node->draft == commit->draft)
    edit_draft_retire (e, node);
}

static void
refused (Editing *e, EditCommit *commit, int error)
{
  EditNode *node = commit->node;
  EditDraft *draft = commit->draft;
  EditAction *action;

  if (!commit->rename && node->draft == draft && (node->kind == NODE_NEW || node->kind == NODE_FIELD))
    {
      action = edit_act (e, EDIT_STAYS);
      action->draft = draft->number;
      action->node = node->number;
      action->error = error;
      g_strlcpy (action->name, node->name, sizeof action->name);
      return;
    }
  edit_draft_keep (e, node, draft, error);
  action = &g_array_index (e->actions, EditAction, e->actions->len - 1);
  action->id = commit->id;
  if (commit->name != NULL)
    g_strlcpy (action->name, commit->name, sizeof action->name);
  if (node->kind == NODE_RECORD && node->draft == draft)
    edit_draft_retire (e, node);
}

/* As if it had not been tried. */
static void
unsent (EditCommit *commit)
{
  EditDraft *draft = commit->draft;

  draft->epoch--;
  draft->dirty = true;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static void
wait_for (Editing *e, EditCommit *commit, const EditHandle *handle)
{
  EditWaiter waiter = { e->event->request, handle == NULL ? 0 : handle->number, e->event->kind == EDIT_FSYNC };

  g_array_append_val (commit->waiters, waiter);
}

static EditCommit *
commit_new (Editing *e, EditNode *node)
{
  EditCommit *commit = g_new0 (EditCommit, 1);

  commit->number = ++e->last_number;
  commit->node = node;
  commit->process = node->draft == NULL ? e->event->process : node->draft->writer;
  commit->waiters = g_array_new (FALSE, FALSE, sizeof (EditWaiter));
  node->commits++;
  g_queue_push_tail (&e->commits, commit);
  return commit;
}

/* The commit of @node that comes last; NULL: none. */
static EditCommit *
last_of (const Editing *e, const EditNode *node)
{
  for (GList *at = e->commits.tail; at != NULL; at = at->prev)
    if (((EditCommit *)at->data)->node == node && !((EditCommit *)at->data)->rename)
      return at->data;
  return NULL;
}

void
edit_commit (Editing *e, EditNode *node, EditHandle *handle, bool waits)
{
  EditCommit *commit = last_of (e, node);

  if (commit == NULL || commit->sent)
    {
      commit = commit_new (e, node);
      commit->id = node->kind == NODE_RECORD ? node->id : 0;
      commit->name = g_strdup (node->name);
    }
  if (waits)
    wait_for (e, commit, handle);
  edit_commits_pump (e);
}

void
edit_commit_rename (Editing *e, EditNode *node, const char *name, uint64_t id)
{
  EditCommit *commit = commit_new (e, node);

  commit->id = id;
  commit->name = g_strdup (name);
  commit->rename = true;
  wait_for (e, commit, NULL);
  edit_commits_pump (e);
}

static bool
is_left_unsaved (const EditNode *node)
{
  return node->kind == NODE_RECORD && node->writers == 0 && node->draft != NULL && node->draft->dirty
         && !node->draft->empty;
}

void
edit_commit_answered (Editing *e)
{
  EditCommit *commit = NULL;
  const EditEvent *event = e->event;
  EditOutcome outcome = event->outcome;
  bool good = outcome == EDIT_SAVED || outcome == EDIT_PRETENDED;
  int error = good ? 0 : event->error != 0 ? event->error : EIO;

  for (GList *at = e->commits.head; at != NULL; at = at->next)
    if (((EditCommit *)at->data)->number == event->commit && ((EditCommit *)at->data)->sent)
      commit = at->data;
  if (commit == NULL)
    return;
  /* A record without an id could never be found again. */
  if (outcome == EDIT_SAVED && commit->id == 0 && event->id == 0)
    {
      outcome = EDIT_REFUSED;
      good = false;
      error = EIO;
    }
  commit->draft->flying = false;
  if (outcome == EDIT_SAVED)
    saved (e, commit);
  else if (outcome == EDIT_PRETENDED)
    pretended (e, commit);
  else if (outcome == EDIT_UNSENT && !commit->rename && commit->node->writers > 0)
    unsent (commit);
  else if (outcome == EDIT_REFUSED || !commit->rename)
    refused (e, commit, error);
  /* Written while it was a scratch on its way, and closed: nobody else will ask for it. */
  if (good && is_left_unsaved (commit->node))
    edit_commit (e, commit->node, NULL, false);
  commit_end (e, commit, error);
}

bool
edit_commit_join (Editing *e, EditNode *node, EditHandle *handle)
{
  EditCommit *commit = last_of (e, node);

  if (commit == NULL || handle->draft == NULL || (commit->sent && commit->draft != handle->draft))
    return false;
  wait_for (e, commit, handle);
  return true;
}

void
edit_commit_interrupt (Editing *e)
{
  for (GList *at = e->commits.head; at != NULL; at = at->next)
    {
      EditCommit *commit = at->data;

      for (guint i = 0; !commit->sent && i < commit->waiters->len; i++)
        {
          if (g_array_index (commit->waiters, EditWaiter, i).request != e->event->request)
            continue;
          g_array_remove_index (commit->waiters, i);
          edit_answer (e, EINTR);
          /* Nobody wants it now: what is not saved is saved at the next chance. */
          if (commit->waiters->len == 0 && (commit->rename || commit->node->writers > 0))
            commit_end (e, commit, 0);
          return;
        }
    }
}

void
edit_commits_unbind (Editing *e, uint64_t id)
{
  for (GList *at = e->commits.head; at != NULL; at = at->next)
    {
      EditCommit *commit = at->data;

      if (commit->id != id || commit->sent)
        continue;
      commit->id = 0;
      if (commit->name == NULL)
        commit->name = names_record (NULL, id);
    }
}

void
edit_commits_bind (Editing *e, const char *name, uint64_t id)
{
  for (GList *at = e->commits.head; at != NULL; at = at->next)
    {
      EditCommit *commit = at->data;

      if (!commit->sent && commit->id == 0 && same_key (commit->name, name))
        commit->id = id;
    }
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

/* Is there still something to send, and somewhere? */
static bool
is_wanted (const EditCommit *commit)
{
  const EditNode *node = commit->node;
  bool file = node->kind == NODE_RECORD || node->kind == NODE_NEW || node->kind == NODE_FIELD;

  if (node->draft == NULL || node->draft->empty)
    return false;
  if (commit->rename)
    return node->kind != NODE_NAMELESS && node->kind != NODE_RECORD;
  return file && node->draft->dirty;
}

static void
tell_commit (Editing *e, EditCommit *commit)
{
  EditAction *action = edit_act (e, EDIT_COMMIT);

  action->commit = commit->number;
  action->node = commit->node->number;
  action->draft = commit->draft->number;
  action->id = commit->id;
  action->verb = commit->verb;
  action->process = commit->process;
  action->wait = commit->waiters->len > 0;
  if (commit->name != NULL)
    g_strlcpy (action->name, commit->name, sizeof action->name);
}

static void
commit_start (Editing *e, EditCommit *commit)
{
  EditNode *node = commit->node;
  int error;

  if (!is_wanted (commit))
    {
      commit_end (e, commit, commit->rename ? ENOENT : 0);
      return;
    }
  edit_draft_own (e, node, NULL);
  edit_draft_set (e, &commit->draft, node->draft);
  commit->sent = true;
  commit->draft->dirty = false;
  commit->draft->flying = true;
  commit->draft->epoch++;
  commit->verb = commit->id != 0 ? EDIT_SAVE : verb_of (e, commit->name);
  if (commit->draft->broken == 0)
    {
      tell_commit (e, commit);
      return;
    }
  /* Not what the program wrote. */
  commit->draft->flying = false;
  error = commit->draft->broken;
  refused (e, commit, error);
  commit_end (e, commit, error);
}

void
edit_commits_pump (Editing *e)
{
  GList *at = e->commits.head;

  while (at != NULL)
    {
      EditCommit *commit = at->data;

      if (!is_ready (e, commit))
        {
          at = at->next;
          continue;
        }
      commit_start (e, commit);
      at = e->commits.head;
    }
}

uint64_t
editing_commit_of (const Editing *e, uint64_t request)
{
  for (GList *at = e->commits.head; at != NULL; at = at->next)
    {
      const EditCommit *commit = at->data;

      if (commit->sent && commit->waiters->len == 1
          && g_array_index (commit->waiters, EditWaiter, 0).request == request)
        return commit->number;
    }
  return 0;
}
