/* Records that are not there for a while: renamed to a scratch name, to be deleted, or being deleted. */
#include "model/editing_private.h"

#include <errno.h>

/* Deletes that come due one after the other wait for each other this long, so that they go together. */
#define GATHER_US INT64_C (500000)
/* The same of a process that goes on and on, as a part of the time that its deletes wait anyway. */
#define GATHER_PART 6

EditRecord *
edit_record_find (const Editing *e, uint64_t id)
{
  return g_hash_table_lookup (e->records, &id);
}

EditRecord *
edit_record_get (Editing *e, uint64_t id)
{
  EditRecord *record = edit_record_find (e, id);

  if (record != NULL)
    return record;
  record = g_new0 (EditRecord, 1);
  record->id = id;
  g_hash_table_insert (e->records, &record->id, record);
  return record;
}

void
edit_record_check (Editing *e, EditRecord *record)
{
  if (record->state == RECORD_THERE && record->node == NULL)
    g_hash_table_remove (e->records, &record->id);
}

bool
edit_record_hides (const Editing *e, uint64_t id)
{
  const EditRecord *record = edit_record_find (e, id);

  return record != NULL && record->state != RECORD_THERE && record->node == NULL;
}

void
edit_record_away (Editing *e, uint64_t id)
{
  EditRecord *record = edit_record_get (e, id);

  record->state = RECORD_AWAY;
  record->since_us = e->event->now_us;
  edit_act_id (e, EDIT_HIDE, id);
}

/* ---- who deletes ------------------------------------------------------------------------------------------------- */

static EditDeleter *
deleter_of (Editing *e, EditProcess process)
{
  EditDeleter *deleter = g_hash_table_lookup (e->deleters, &process);

  if (deleter != NULL)
    return deleter;
  deleter = g_new0 (EditDeleter, 1);
  deleter->process = process;
  g_hash_table_insert (e->deleters, &deleter->process, deleter);
  return deleter;
}

static void
deleter_leave (Editing *e, EditRecord *record)
{
  EditDeleter *deleter = record->deleter;

  record->deleter = NULL;
  record->at_once = false;
  if (--deleter->waiting == 0 && (deleter->ended || deleter->deletes == 0))
    g_hash_table_remove (e->deleters, &deleter->process);
}

bool
edit_too_many (Editing *e, EditProcess process, unsigned elsewhere)
{
  const EditDeleter *deleter = g_hash_table_lookup (e->deleters, &process);
  unsigned here = deleter == NULL ? 0 : deleter->deletes;

  return elsewhere >= e->config.max_deletes || here >= e->config.max_deletes - elsewhere;
}

void
edit_process_ended (Editing *e)
{
  EditDeleter *deleter = g_hash_table_lookup (e->deleters, &e->event->process);

  if (deleter == NULL)
    return;
  deleter->ended = true;
  if (deleter->waiting == 0)
    g_hash_table_remove (e->deleters, &deleter->process);
}

/* ---- deletes ----------------------------------------------------------------------------------------------------- */

void
edit_record_unlink (Editing *e, uint64_t id, EditProcess process)
{
  EditRecord *record = edit_record_get (e, id);
  EditDeleter *deleter;
  EditAction *action;

  if (record->state == RECORD_DELETING)
    {
      /* What was made under its name goes; the record is going. */
      edit_act_id (e, EDIT_HIDE, id);
      edit_node_lose (e, record->node, true);
      return;
    }
  record->state = RECORD_UNLINKED;
  record->since_us = e->event->now_us;
  deleter = deleter_of (e, process);
  record->deleter = deleter;
  record->at_once = e->draining;
  deleter->deletes++;
  deleter->waiting++;
  deleter->last_us = e->event->now_us;
  edit_act_id (e, EDIT_HIDE, id);
  action = edit_act (e, EDIT_SCHEDULE_DELETE);
  action->id = id;
  action->process = process;
  action->at_us = e->event->now_us + e->config.delete_delay_us;
  if (record->node != NULL)
    edit_node_lose (e, record->node, true);
}

void
edit_record_back (Editing *e, uint64_t id)
{
  EditRecord *record = edit_record_find (e, id);

  if (record == NULL || record->state == RECORD_THERE || record->state == RECORD_DELETING)
    return;
  if (record->state == RECORD_UNLINKED)
    {
      record->deleter->deletes--;
      deleter_leave (e, record);
      edit_act_id (e, EDIT_CANCEL_DELETE, id);
    }
  record->state = RECORD_THERE;
  edit_act_id (e, EDIT_SHOW_AGAIN, id);
  edit_record_check (e, record);
}

static int64_t
round_up (int64_t time, int64_t step)
{
  return step <= 0 ? time : (time + step - 1) / step * step;
}

/* When the delete of an UNLINKED record goes out if nothing else happens. */
static int64_t
due_us (const Editing *e, const EditRecord *record)
{
  const EditingConfig *config = &e->config;
  const EditDeleter *deleter = record->deleter;
  int64_t wait = record->since_us + MAX (config->delete_wait_us, config->delete_delay_us);

  if (record->at_once)
    return 0;
  if (deleter->ended)
    return round_up (deleter->last_us + config->delete_delay_us, GATHER_US);
  return round_up (wait, config->delete_wait_us / GATHER_PART);
}

static int
by_id (gconstpointer a, gconstpointer b)
{
  uint64_t x = *(const uint64_t *)a;
  uint64_t y = *(const uint64_t *)b;

  return x < y ? -1 : x > y;
}

/* The ids of the records for which @is says so, in order, so that the same events give the same actions. */
static GArray *
records_that (Editing *e, bool (*is) (const Editing *e, const EditRecord *record))
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, e->records);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (is (e, value))
      g_array_append_val (ids, ((EditRecord *)value)->id);
  g_array_sort (ids, by_id);
  return ids;
}

/* A save of the record that is under way has to be answered first. */
static bool
is_due (const Editing *e, const EditRecord *record)
{
  return record->state == RECORD_UNLINKED && e->event->now_us >= due_us (e, record)
         && !edit_commit_flies (e, record->id);
}

void
edit_deletes_send (Editing *e)
{
  g_autoptr (GArray) ids = records_that (e, is_due);

  for (guint i = 0; i < ids->len; i++)
    {
      EditRecord *record = edit_record_find (e, g_array_index (ids, uint64_t, i));
      EditAction *action = edit_act (e, EDIT_SEND_DELETE);

      if (i % EDIT_GROUP_MAX == 0)
        e->last_group++;
      action->id = record->id;
      action->group = e->last_group;
      record->state = RECORD_DELETING;
      deleter_leave (e, record);
    }
}

/* Whoever made a file under the name meanwhile has a new record to make. */
static void
record_gone (Editing *e, EditRecord *record)
{
  EditNode *node = record->node;
  uint64_t id = record->id;

  record->state = RECORD_THERE;
  if (node != NULL && node->draft == NULL)
    edit_node_lose (e, node, false);
  else if (node != NULL)
    {
      g_autofree char *name = node->name != NULL ? g_strdup (node->name) : names_record (NULL, id);

      edit_node_release (e, node, NODE_NEW, name);
    }
  else
    edit_record_check (e, record);
  edit_commits_unbind (e, id);
}

void
edit_delete_answered (Editing *e)
{
  EditRecord *record = edit_record_find (e, e->event->id);

  if (record == NULL || record->state != RECORD_DELETING)
    return;
  if (e->event->error == 0 || e->event->error == ENOENT)
    {
      record_gone (e, record);
      return;
    }
  record->state = RECORD_THERE;
  edit_act_id (e, EDIT_SHOW_AGAIN, record->id);
  edit_record_check (e, record);
}

void
edit_record_vanished (Editing *e, uint64_t id)
{
  EditRecord *record = edit_record_find (e, id);

  edit_copies_forget (e, id);
  if (record == NULL)
    return;
  if (record->state == RECORD_UNLINKED)
    {
      deleter_leave (e, record);
      edit_act_id (e, EDIT_CANCEL_DELETE, id);
    }
  /* The answer of a delete that is on the wire tells the same. */
  if (record->state == RECORD_DELETING)
    return;
  record->state = RECORD_THERE;
  edit_record_check (e, record);
}

/* ---- renamed away ------------------------------------------------------------------------------------------------ */

static bool
is_over (const Editing *e, const EditRecord *record)
{
  return record->state == RECORD_AWAY && e->event->now_us >= record->since_us + e->config.delete_delay_us;
}

void
edit_records_return (Editing *e)
{
  g_autoptr (GArray) ids = records_that (e, is_over);

  for (guint i = 0; i < ids->len; i++)
    edit_record_back (e, g_array_index (ids, uint64_t, i));
}

int64_t
editing_next_us (const Editing *e)
{
  int64_t next = INT64_MAX;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, e->records);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const EditRecord *record = value;

      if (record->state == RECORD_AWAY)
        next = MIN (next, record->since_us + e->config.delete_delay_us);
      /* One whose save is under way goes when that is answered. */
      if (record->state == RECORD_UNLINKED && !edit_commit_flies (e, record->id))
        next = MIN (next, due_us (e, record));
      if (record->node != NULL && record->node->empty_until_us > 0)
        next = MIN (next, record->node->empty_until_us);
    }
  return next;
}

void
editing_processes (const Editing *e, GArray *processes)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, e->deleters);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (!((EditDeleter *)value)->ended)
      g_array_append_val (processes, ((EditDeleter *)value)->process);
}

unsigned
editing_deletes_of (const Editing *e, EditProcess process)
{
  const EditDeleter *deleter = g_hash_table_lookup (e->deleters, &process);

  return deleter == NULL ? 0 : deleter->deletes;
}
