/* The save engine of a directory: hands events to those who decide, and looks after time and the end.
 *
 * A *record* as seen by names (the same in doc/saving.md):
 *
 *   state     its names   leaves when
 *   THERE     yes         renamed to a scratch name -> AWAY; unlinked -> UNLINKED
 *   AWAY      ENOENT      a name of it is created or renamed onto, or delete_delay is over -> THERE
 *   UNLINKED  ENOENT      a name of it is created or renamed onto -> THERE, the delete is cancelled;
 *                         delete_delay is over and the process ended, or delete_wait is over, or a drain, and none of
 * its saves is under way -> DELETING;  the server lost it -> THERE (that is: nothing is here) DELETING  ENOENT, or
 * answered: gone -> forgotten, and a file made under its name meanwhile is NEW; a new file  refused -> THERE. Saves of
 * it wait for the answer
 *
 * A *node*, what an inode is. A draft is the text that programs see instead of the server's; dirty: written since its
 * last commit:
 *
 *   kind      name         draft                     leaves when
 *   SCRATCH   local        always                    renamed onto a record, and that is saved -> RECORD;
 *                                                    onto a new *.json, and that is saved -> RECORD, empty -> NEW
 *   LINK      local        none                      unlinked
 *   NEW       local        always                    its commit is saved -> RECORD; refused: stays;
 *   FIELD     local        always                    renamed to a scratch name -> SCRATCH
 *   RECORD    the record's while not saved           renamed to a scratch name -> SCRATCH;
 *                                                    unlinked, replaced -> NAMELESS; no handle and no draft -> dropped
 *   NAMELESS  none         its bytes, for handles    last handle and commit gone -> dropped; what is dirty of a RECORD,
 * NEW or FIELD is kept, unless its writer unlinked it
 *
 * A *draft* of a RECORD, NEW or FIELD:
 *
 *   state           leaves when
 *   none            written -> dirty, from what the handle wrote before, else from what it was opened with;
 *                   truncated to nothing -> empty (a RECORD's alone have none)
 *   empty (dirty)   written -> dirty; a RECORD's: no writer for delete_delay -> none, as the server has it
 *   dirty           FLUSH, by the opener or when the text is whole; fsync; RELEASE; last RELEASE of a writer -> flying
 *   flying          saved -> none; refused -> kept, none (NEW, FIELD: stays, not dirty); interrupted before it went out
 *                   -> dirty; written -> a copy of it takes its place and is dirty, whatever becomes of the one that
 * flies
 *
 * One commit of a record, of a node and of a new name is under way at a time; others wait their turn, and those that
 * find nothing dirty any more are answered without being sent. */
#include "model/editing_private.h"

#include <errno.h>

static guint
process_hash (gconstpointer key)
{
  const EditProcess *process = key;

  return (guint)(process->group * 31 + process->start);
}

static gboolean
process_equal (gconstpointer a, gconstpointer b)
{
  return edit_same_process (*(const EditProcess *)a, *(const EditProcess *)b);
}

static void
node_free (gpointer data)
{
  EditNode *node = data;

  g_free (node->name);
  g_free (node);
}

Editing *
editing_new (const EditingConfig *config, EditingComplete complete, void *data)
{
  Editing *e = g_new0 (Editing, 1);

  e->config = *config;
  e->last_number = config->numbers;
  e->complete = complete;
  e->data = data;
  e->nodes = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, node_free);
  e->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  e->handles = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  e->records = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  e->deleters = g_hash_table_new_full (process_hash, process_equal, NULL, g_free);
  e->drafts = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  g_queue_init (&e->commits);
  return e;
}

static void
commit_free (gpointer data)
{
  EditCommit *commit = data;

  g_array_unref (commit->waiters);
  g_free (commit->name);
  g_free (commit);
}

void
editing_free (Editing *e)
{
  if (e == NULL)
    return;
  g_queue_clear_full (&e->commits, commit_free);
  g_hash_table_unref (e->names);
  g_hash_table_unref (e->handles);
  g_hash_table_unref (e->nodes);
  g_hash_table_unref (e->records);
  g_hash_table_unref (e->deleters);
  g_hash_table_unref (e->drafts);
  g_free (e);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static int
by_number (gconstpointer a, gconstpointer b)
{
  uint64_t x = *(const uint64_t *)a;
  uint64_t y = *(const uint64_t *)b;

  return x < y ? -1 : x > y;
}

/* The keys of a table, in order. Each begins with its number. */
static GArray *
numbers_of (GHashTable *table)
{
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_array_append_val (numbers, *(uint64_t *)key);
  g_array_sort (numbers, by_number);
  return numbers;
}

/* What stands only here, for the user to find. */
static void
keep_unsaved (Editing *e, EditNode *node)
{
  bool unsaved = node->kind == NODE_NEW || node->kind == NODE_FIELD
                 || (node->kind == NODE_RECORD && node->draft != NULL && node->draft->dirty);

  if (!unsaved || node->commits > 0)
    return;
  if (node->draft != NULL && !node->draft->empty && !node->draft->kept)
    edit_draft_keep (e, node, node->draft, 0);
  edit_node_lose (e, node, true);
}

static void
on_unmount (Editing *e)
{
  g_autoptr (GArray) handles = numbers_of (e->handles);
  g_autoptr (GArray) nodes = NULL;

  e->draining = true;
  for (guint i = 0; i < handles->len; i++)
    edit_handle_release (e, edit_handle_find (e, g_array_index (handles, uint64_t, i)));
  nodes = numbers_of (e->nodes);
  for (guint i = 0; i < nodes->len; i++)
    {
      EditNode *node = edit_node_find (e, g_array_index (nodes, uint64_t, i));

      if (node != NULL)
        keep_unsaved (e, node);
    }
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void
on_drain (Editing *e)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, e->records);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((EditRecord *)value)->state == RECORD_UNLINKED)
      ((EditRecord *)value)->at_once = true;
}

/* A record came back that a new file was named after. */
static void
on_appeared (Editing *e)
{
  g_autofree char *name = names_record (NULL, e->event->id);
  EditNode *node = edit_node_named (e, name);

  if (node == NULL || node->kind != NODE_NEW)
    return;
  edit_node_adopt (e, node, e->event->id, NULL);
  edit_commits_bind (e, name, e->event->id);
}

static void
on_setattr (Editing *e)
{
  edit_answer (e, edit_read_only (e));
}

static void
on_getattr (Editing *e)
{
  edit_answer (e, 0);
}

static void
on_structure (Editing *e)
{
  edit_answer (e, edit_read_only (e) != 0 ? edit_read_only (e) : EPERM);
}

static void
on_changed (Editing *e)
{
  edit_copies_forget (e, e->event->id);
}

static void
on_vanished (Editing *e)
{
  edit_record_vanished (e, e->event->id);
}

static void
on_nothing (Editing *e)
{
}

static const struct
{
  void (*handle) (Editing *e);
  bool named, renamed; /* needs name, new_name */
} handlers[] = {
  [EDIT_LOOKUP] = { edit_on_lookup, true, false },
  [EDIT_CREATE] = { edit_on_create, true, false },
  [EDIT_OPEN] = { edit_on_open, false, false },
  [EDIT_WRITE] = { edit_on_write, false, false },
  [EDIT_TRUNCATE] = { edit_on_truncate, false, false },
  [EDIT_FLUSH] = { edit_on_flush, false, false },
  [EDIT_FSYNC] = { edit_on_fsync, false, false },
  [EDIT_RELEASE] = { edit_on_release, false, false },
  [EDIT_RENAME] = { edit_on_rename, true, true },
  [EDIT_UNLINK] = { edit_on_unlink, true, false },
  [EDIT_LINK] = { on_structure, false, false },
  [EDIT_SYMLINK] = { edit_on_symlink, true, false },
  [EDIT_MKDIR] = { on_structure, false, false },
  [EDIT_SETATTR] = { on_setattr, false, false },
  [EDIT_GETATTR] = { on_getattr, false, false },
  [EDIT_INTERRUPT] = { edit_commit_interrupt, false, false },
  [EDIT_FAILED] = { edit_on_failed, false, false },
  [EDIT_TIME] = { on_nothing, false, false },
  [EDIT_ENDED] = { edit_process_ended, false, false },
  [EDIT_COMMITTED] = { edit_commit_answered, false, false },
  [EDIT_DELETED] = { edit_delete_answered, false, false },
  [EDIT_APPEARED] = { on_appeared, false, false },
  [EDIT_CHANGED] = { on_changed, false, false },
  [EDIT_VANISHED] = { on_vanished, false, false },
  [EDIT_DRAIN] = { on_drain, false, false },
  [EDIT_UNMOUNT] = { on_unmount, false, false },
};

/* Deletes go out on these alone, so that what a program does next is heard first. */
static bool
is_of_the_world (EditEventKind kind)
{
  return kind >= EDIT_FAILED;
}

void
editing_feed (Editing *e, const EditEvent *event, GArray *actions)
{
  e->event = event;
  e->actions = actions;
  edit_records_return (e);
  if ((handlers[event->kind].named && event->name == NULL)
      || (handlers[event->kind].renamed && event->new_name == NULL))
    edit_answer (e, EINVAL);
  else
    handlers[event->kind].handle (e);
  if (event->kind == EDIT_UNMOUNT)
    on_drain (e);
  if (is_of_the_world (event->kind))
    {
      edit_empty_return (e);
      edit_commits_pump (e);
      edit_deletes_send (e);
    }
  e->event = NULL;
  e->actions = NULL;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

uint64_t
editing_shown (const Editing *e, uint64_t number)
{
  const EditHandle *handle = edit_handle_find (e, number);
  const EditDraft *draft;

  if (handle == NULL)
    return 0;
  draft = handle->node->draft != NULL ? handle->node->draft : handle->draft;
  return draft == NULL ? 0 : draft->number;
}

bool
editing_is_named (const Editing *e, uint64_t number)
{
  const EditNode *node = edit_node_find (e, number);

  return node != NULL && node->kind != NODE_NAMELESS;
}

const char *
editing_name_of (const Editing *e, uint64_t number)
{
  const EditNode *node = edit_node_find (e, number);

  return node != NULL ? node->name : NULL;
}

uint64_t
editing_named (const Editing *e, const char *name)
{
  const EditNode *node = edit_node_named (e, name);

  return node != NULL ? node->number : 0;
}

uint64_t
editing_draft_of (const Editing *e, uint64_t number)
{
  const EditNode *node = edit_node_find (e, number);

  return node == NULL || node->draft == NULL ? 0 : node->draft->number;
}

bool
editing_hides (const Editing *e, uint64_t id)
{
  return edit_record_hides (e, id);
}

void
editing_list (const Editing *e, EditingName name, void *data)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, e->names);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const EditNode *node = value;

      name (node->name, node->number, node->kind == NODE_LINK, data);
    }
}

EditingCounts
editing_counts (const Editing *e)
{
  EditingCounts counts = { .flying = e->commits.length,
                           .nodes = g_hash_table_size (e->nodes),
                           .handles = g_hash_table_size (e->handles) };
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, e->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const EditNode *node = value;
      bool is_file = node->kind == NODE_RECORD || node->kind == NODE_NEW || node->kind == NODE_FIELD;

      counts.drafts += is_file && node->draft != NULL;
    }
  g_hash_table_iter_init (&iter, e->records);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    counts.deletes += ((EditRecord *)value)->state >= RECORD_UNLINKED;
  return counts;
}
