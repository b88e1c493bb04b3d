/* Writes without a lock header of their own: those that come while a call of the module is under way go together in the
 * next one. */
#include "model/saves_private.h"

#include "base/clock.h"
#include "base/error.h"

/* Bytes of the rows of one call, unless one row is larger. */
#define CALL_BYTES_MAX ((size_t)2 << 20)

typedef struct
{
  Saves *saves;
  Group *group;
  GPtrArray *list; /* Save * */
  uint64_t ticket;
} GroupCall;

static void pump (Saves *saves, Group *group);

void
group_free (gpointer data)
{
  Group *group = data;

  g_assert (group->queue.length == 0);
  g_free (group);
}

static Group *
group_of (Saves *saves, StoreModule *module, bool create)
{
  Group *group;

  for (guint i = 0; i < saves->groups->len; i++)
    {
      group = saves->groups->pdata[i];
      if (group->module == module && group->create == create)
        return group;
    }
  group = g_new0 (Group, 1);
  group->module = module;
  group->create = create;
  g_queue_init (&group->queue);
  g_ptr_array_add (saves->groups, group);
  return group;
}

/* The names under which records were created, on the disk before anybody is told. No lock held: nothing of these saves
 * changes while their call is out. */
static void
keep_aliases (const GroupCall *call, const WriteResult *results)
{
  g_autoptr (GArray) aliases = g_array_new (FALSE, FALSE, sizeof (JournalAlias));
  g_autoptr (GPtrArray) folders = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) why = NULL;
  Journal *journal = call->saves->config.journal;

  for (guint i = 0; i < call->list->len; i++)
    {
      const Save *save = call->list->pdata[i];
      char *folder = saves_alias_folder (save->module, save->parent_id);
      JournalAlias alias = { folder, save->name, results[i].id };

      g_ptr_array_add (folders, folder);
      if (results[i].error == NULL && !save->by_field)
        g_array_append_val (aliases, alias);
    }
  if (journal != NULL && aliases->len > 0
      && !journal_alias_put (journal, (const JournalAlias *)(void *)aliases->data, aliases->len, &why))
    g_warning ("%s: the names of new records could not be kept, so a file that is saved again under its name makes a "
               "second record: %s",
               call->group->module->name, why->message);
}

/* Lock held. They will be read back; together that costs less. */
static void
read_back (const GroupCall *call, const WriteResult *results)
{
  g_autofree uint64_t *ids = g_new (uint64_t, call->list->len);
  size_t count = 0;

  for (guint i = 0; i < call->list->len; i++)
    if (results[i].error == NULL)
      ids[count++] = results[i].id;
  fetch_together (call->group->module, ids, count);
}

/* Lock held. */
static void
take_results (const GroupCall *call, const WriteResult *results, const GError *error)
{
  int64_t now_us = clock_now_us ();

  for (guint i = 0; i < call->list->len; i++)
    {
      Save *save = call->list->pdata[i];

      if (error == NULL && results[i].error == NULL)
        {
          save->created = results[i].id;
          save->created_us = call->group->create && !save->upsert ? now_us : 0;
          g_hash_table_add (call->saves->created, g_memdup2 (&save->created, sizeof save->created));
        }
      save_landed (save, error != NULL ? error : results[i].error);
    }
  if (error == NULL && call->group->create)
    read_back (call, results);
}

static void
on_grouped (const WriteResult *results, size_t count, const GError *error, void *data)
{
  GroupCall *call = data;
  Saves *saves = call->saves;

  if (results != NULL && call->group->create)
    keep_aliases (call, results);
  call_begin (saves->store, &call->ticket);
  call->group->flying = false;
  take_results (call, results, error);
  pump (saves, call->group);
  saves_flying (saves, -1);
  call_end (saves->store);
  g_ptr_array_unref (call->list);
  g_free (call);
}

/* Lock held: sends what waits, if nothing is under way. */
static void
pump (Saves *saves, Group *group)
{
  g_autoptr (json_t) rows = json_array ();
  WriteRows write = { .module = group->module->name, .rows = rows, .priority = CLIENT_PERSON };
  Client *client = saves->store->config.client;
  size_t bytes = 0;
  g_autoptr (GError) stopping = NULL;
  GroupCall *call;
  Save *save;

  if (group->flying || group->queue.length == 0)
    return;
  if (saves_is_stopping (saves, &stopping))
    {
      while ((save = g_queue_pop_head (&group->queue)) != NULL)
        save_landed (save, stopping);
      return;
    }
  call = g_new0 (GroupCall, 1);
  call->saves = saves;
  call->group = group;
  call->list = g_ptr_array_new ();
  while ((save = g_queue_peek_head (&group->queue)) != NULL && call->list->len < WRITE_ROWS_MAX
         && (bytes == 0 || bytes + save->row_size <= CALL_BYTES_MAX))
    {
      /* What upsert tells records by is said once for a call. */
      if (save->upsert && call->list->len > 0)
        break;
      bytes += save->row_size;
      save->on_wire = true;
      json_array_append (rows, save->row);
      g_ptr_array_add (call->list, g_queue_pop_head (&group->queue));
      if (save->upsert)
        break;
    }
  save = call->list->pdata[0];
  group->flying = true;
  saves_flying (saves, 1);
  if (save->upsert)
    call->ticket = write_upsert (client, &write, (const char *const[]){ save->by_field, NULL }, on_grouped, call);
  else if (group->create)
    call->ticket = write_create (client, &write, on_grouped, call);
  else
    call->ticket = write_update_many (client, &write, on_grouped, call);
  call_sent (saves->store, call->ticket);
}

void
group_add (Save *save, bool create)
{
  Group *group = group_of (save->saves, save->module, create);

  save->flying = true;
  g_queue_push_tail (&group->queue, save);
  pump (save->saves, group);
}

bool
group_withdraw (Save *save)
{
  for (guint i = 0; i < save->saves->groups->len; i++)
    if (g_queue_remove (&((Group *)save->saves->groups->pdata[i])->queue, save))
      {
        save->flying = false;
        return true;
      }
  return !save->on_wire;
}
