/* Deletes: journalled at once, sent later and together.
 *
 *   state    leaves when
 *   WAITING  saves_delete_send()    -> FLYING;  saves_delete_cancel() -> CANCELLING
 *   FLYING   done, or not there     -> gone, and out of the table
 *            refused                -> gone, and shown again
 *            could not be asked     -> WAITING
 *   CANCELLING  the journal has it  -> gone, or WAITING on a disk error
 *
 * A dry run's goes from WAITING to FLYING too, and is then gone and shown again. */
#include "model/saves_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/notes.h"

typedef enum
{
  DELETE_WAITING,
  DELETE_FLYING,
  DELETE_CANCELLING
} DeleteState;

/* Lock held for @state; the rest is fixed. */
typedef struct
{
  RecordKey key;
  uint64_t number; /* in the journal */
  char *path;
  uint64_t uid;
  int64_t pid;
  char *program;
  int64_t added_us;
  DeleteState state;
} Pending;

typedef struct
{
  Saves *saves;
  StoreModule *module;
  GPtrArray *list; /* Pending * */
  uint64_t ticket;
} DeleteCall;

void
saves_delete_free (gpointer data)
{
  Pending *pending = data;

  g_free (pending->path);
  g_free (pending->program);
  g_free (pending);
}

/* ---- adding and cancelling --------------------------------------------------------------------------------------- */

static Pending *
pending_new (StoreModule *module, uint64_t id, const char *name, const SaveWho *who)
{
  Pending *pending = g_new0 (Pending, 1);
  StoreModule *parent = NULL;
  uint64_t parent_id = 0;

  if (module->kind == MODULE_NOTES)
    store_note_parent (module->store, id, &parent, &parent_id);
  pending->key = (RecordKey){ module, id };
  pending->path = report_place (module, parent, parent_id, name);
  pending->uid = who->uid;
  pending->pid = who->pid;
  pending->program = g_strdup (who->program);
  pending->added_us = clock_now_us ();
  return pending;
}

bool
saves_delete_is_pending (Saves *saves, StoreModule *module, uint64_t id)
{
  RecordKey key = { module, id };
  const Pending *pending;
  bool is;

  store_lock (saves->store);
  pending = g_hash_table_lookup (saves->deletes, &key);
  is = pending != NULL && pending->state != DELETE_CANCELLING;
  store_unlock (saves->store);
  return is;
}

bool
saves_delete_add (Saves *saves, StoreModule *module, uint64_t id, const char *name, const SaveWho *who, GError **error)
{
  g_autofree char *text
      = g_strdup_printf ("%" G_GUINT64_FORMAT " %s", who->uid, who->program != NULL ? who->program : "?");
  Pending *pending;
  uint64_t number = 0;
  bool twice;

  if (saves_delete_is_pending (saves, module, id))
    return true;
  if (saves->config.journal != NULL
      && !journal_delete_add (saves->config.journal, module->name, id, name, text, &number, error))
    return false;
  pending = pending_new (module, id, name, who);
  pending->number = number;
  store_lock (saves->store);
  twice = g_hash_table_contains (saves->deletes, &pending->key);
  if (!twice)
    g_hash_table_insert (saves->deletes, &pending->key, pending);
  store_unlock (saves->store);
  if (!twice)
    return true;
  saves_delete_free (pending);
  return saves->config.journal == NULL || journal_delete_cancel (saves->config.journal, number, error);
}

void
saves_delete_adopt (Saves *saves, StoreModule *module, const JournalDelete *left)
{
  Pending *pending = pending_new (module, left->id, left->label, &(SaveWho){ .program = left->who });
  bool twice;

  pending->number = left->number;
  store_lock (saves->store);
  twice = g_hash_table_contains (saves->deletes, &pending->key);
  if (!twice)
    g_hash_table_insert (saves->deletes, &pending->key, pending);
  store_unlock (saves->store);
  if (twice)
    saves_delete_free (pending);
}

/* Lock held. */
static bool
begin_cancel (Pending *pending, GError **error)
{
  if (pending->state == DELETE_WAITING)
    {
      pending->state = DELETE_CANCELLING;
      return true;
    }
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_CHANGED, "%s is being deleted in the CRM at this moment", pending->path);
  return false;
}

bool
saves_delete_cancel (Saves *saves, StoreModule *module, uint64_t id, GError **error)
{
  RecordKey key = { module, id };
  Pending *pending;
  bool good;

  store_lock (saves->store);
  pending = g_hash_table_lookup (saves->deletes, &key);
  good = pending == NULL || begin_cancel (pending, error);
  store_unlock (saves->store);
  if (pending == NULL || !good)
    return good;
  good = saves->config.journal == NULL || journal_delete_cancel (saves->config.journal, pending->number, error);
  store_lock (saves->store);
  if (good)
    g_hash_table_remove (saves->deletes, &key);
  else
    pending->state = DELETE_WAITING;
  store_unlock (saves->store);
  return good;
}

GArray *
saves_deletes (Saves *saves)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (SaveDelete));
  GHashTableIter iter;
  gpointer value;

  store_lock (saves->store);
  g_hash_table_iter_init (&iter, saves->deletes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Pending *pending = value;
      SaveDelete entry
          = { pending->key.module, pending->key.id, pending->added_us, pending->pid, pending->state == DELETE_FLYING };

      if (pending->state != DELETE_CANCELLING)
        g_array_append_val (list, entry);
    }
  store_unlock (saves->store);
  return list;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

typedef enum
{
  OUTCOME_GONE,
  OUTCOME_REFUSED,
  OUTCOME_OPEN
} Outcome;

static const GError *
failure_at (const WriteResult *results, const GError *error, guint index)
{
  return error != NULL ? error : results[index].error;
}

/* That there is no such thing may be said of the module, unless it is said of one record. */
static Outcome
outcome_at (const DeleteCall *call, const WriteResult *results, const GError *error, guint index)
{
  const GError *failure = failure_at (results, error, index);
  bool own = error == NULL || call->list->len == 1;

  if (failure == NULL || (own && g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND)))
    return OUTCOME_GONE;
  return report_is_open (failure) ? OUTCOME_OPEN : OUTCOME_REFUSED;
}

static void
tell_failure (Saves *saves, const Pending *pending, const GError *failure, const char *todo)
{
  DraftReason reason;

  report_reason (failure, NULL, &reason);
  reason.todo = todo;
  report_failure (saves, pending->path, &reason, NULL);
}

static void
audit_delete (Saves *saves, const Pending *pending, const char *words)
{
  report_audit (saves, &(SaveAudit){ .time_s = clock_wall_s (),
                                     .who = { pending->uid, pending->pid, pending->program },
                                     .verb = "delete",
                                     .path = pending->path,
                                     .module = pending->key.module->name,
                                     .id = pending->key.id,
                                     .outcome = words });
}

static void
tell (Saves *saves, const Pending *pending, Outcome outcome, const GError *failure)
{
  g_autofree char *words = NULL;

  switch (outcome)
    {
    case OUTCOME_GONE:
      words = g_strdup (failure == NULL ? "deleted" : "deleted: it was gone already");
      break;
    case OUTCOME_REFUSED:
      words = g_strconcat ("not deleted: ", failure->message, NULL);
      tell_failure (saves, pending, failure, "Its file is there again");
      break;
    case OUTCOME_OPEN:
      words = g_strconcat ("not deleted yet: ", failure->message, NULL);
      tell_failure (saves, pending, failure, "It is tried again");
      break;
    }
  audit_delete (saves, pending, words);
}

/* What is decided is on the disk before anybody sees it. No lock held. */
static void
journal_outcomes (const DeleteCall *call, const WriteResult *results, const GError *error)
{
  Journal *journal = call->saves->config.journal;
  g_autofree uint64_t *numbers = g_new (uint64_t, call->list->len);
  g_autoptr (GError) why = NULL;
  size_t size = 0;

  if (journal == NULL)
    return;
  for (guint i = 0; i < call->list->len; i++)
    {
      const Pending *pending = call->list->pdata[i];
      Outcome outcome = outcome_at (call, results, error, i);

      if (outcome != OUTCOME_OPEN)
        numbers[size++] = pending->number;
      if (outcome == OUTCOME_GONE && !journal_alias_drop_record (journal, call->module->name, pending->key.id, &why))
        {
          g_warning ("%s: %s", pending->path, why->message);
          g_clear_error (&why);
        }
    }
  if (size > 0 && !journal_delete_done (journal, numbers, size, &why))
    g_warning ("%s: the journal does not know which deletes were sent: %s", call->module->name, why->message);
}

/* Lock held: @pending is freed. */
static void
show_again (Saves *saves, Pending *pending)
{
  RecordKey key = pending->key;

  g_hash_table_remove (saves->deletes, &key);
  key.module->version++;
  store_tell (saves->store, NEWS_LISTING, key.module, 0, NULL);
}

/* Lock held. */
static void
settle (DeleteCall *call, Pending *pending, Outcome outcome)
{
  RecordKey key = pending->key;

  switch (outcome)
    {
    case OUTCOME_GONE:
      table_remove (key.module, key.id, clock_wall_s ());
      g_hash_table_remove (call->saves->deletes, &key);
      break;
    case OUTCOME_REFUSED:
      show_again (call->saves, pending);
      break;
    case OUTCOME_OPEN:
      pending->state = DELETE_WAITING;
      break;
    }
}

/* No lock held. */
static void
tell_deleted (Saves *saves, StoreModule *module, uint64_t id, const GError *failure)
{
  if (saves->config.deleted != NULL)
    saves->config.deleted (saves->config.delete_data, module, id, failure);
}

static void
tell_outcome (Saves *saves, StoreModule *module, uint64_t id, Outcome outcome, const GError *failure)
{
  g_autoptr (GError) open = NULL;

  if (outcome == OUTCOME_OPEN)
    open = g_error_new_literal (ZOHO_ERROR, ZOHO_ERROR_CANCELLED, failure->message);
  tell_deleted (saves, module, id, outcome == OUTCOME_GONE ? NULL : outcome == OUTCOME_OPEN ? open : failure);
}

static void
on_deleted (const WriteResult *results, size_t count, const GError *error, void *data)
{
  DeleteCall *call = data;
  Saves *saves = call->saves;
  g_autofree uint64_t *ids = g_new (uint64_t, call->list->len);

  journal_outcomes (call, results, error);
  for (guint i = 0; i < call->list->len; i++)
    tell (saves, call->list->pdata[i], outcome_at (call, results, error, i), failure_at (results, error, i));
  call_begin (saves->store, &call->ticket);
  for (guint i = 0; i < call->list->len; i++)
    {
      ids[i] = ((Pending *)call->list->pdata[i])->key.id;
      settle (call, call->list->pdata[i], outcome_at (call, results, error, i));
    }
  store_unlock (saves->store);
  for (guint i = 0; i < call->list->len; i++)
    tell_outcome (saves, call->module, ids[i], outcome_at (call, results, error, i), failure_at (results, error, i));
  /* Who drains, or stops the store, has heard of all then. */
  store_lock (saves->store);
  saves_flying (saves, -1);
  call_end (saves->store);
  g_ptr_array_unref (call->list);
  g_free (call);
}

/* Lock held: takes over @list. */
static void
send_call (Saves *saves, StoreModule *module, GPtrArray *list)
{
  g_autoptr (GString) ids = g_string_new (NULL);
  DeleteCall *call = g_new0 (DeleteCall, 1);

  call->saves = saves;
  call->module = module;
  call->list = list;
  for (guint i = 0; i < list->len; i++)
    {
      Pending *pending = list->pdata[i];

      pending->state = DELETE_FLYING;
      g_string_append_printf (ids, "%s%" G_GUINT64_FORMAT, i > 0 ? "," : "", pending->key.id);
    }
  saves_flying (saves, 1);
  /* Nobody waits, but somebody has done it: it is not for background work's part of the budget. */
  call->ticket
      = write_delete (saves->store->config.client, module->name, ids->str, CLIENT_LISTING, on_deleted, call);
  call_sent (saves->store, call->ticket);
}

void
saves_delete_send (Saves *saves, StoreModule *module, const uint64_t *ids, size_t count)
{
  GPtrArray *list = g_ptr_array_new ();

  store_lock (saves->store);
  for (size_t i = 0; i < count && !saves->store->stopping; i++)
    {
      RecordKey key = { module, ids[i] };
      Pending *pending = g_hash_table_lookup (saves->deletes, &key);

      if (pending == NULL || pending->state != DELETE_WAITING || g_ptr_array_find (list, pending, NULL))
        continue;
      g_ptr_array_add (list, pending);
      if (list->len == WRITE_ROWS_MAX)
        {
          send_call (saves, module, list);
          list = g_ptr_array_new ();
        }
    }
  if (list->len > 0)
    send_call (saves, module, g_steal_pointer (&list));
  store_unlock (saves->store);
  if (list != NULL)
    g_ptr_array_unref (list);
}

/* ---- records that vanish ------------------------------------------------------------------------------------------ */

void
saves_record_gone (Saves *saves, StoreModule *module, uint64_t id)
{
  g_autofree char *folder = NULL;
  g_autoptr (GError) why = NULL;
  StoreModule *parent;
  uint64_t parent_id = 0;
  bool here;

  if (module->kind == MODULE_NOTES)
    store_note_parent (module->store, id, &parent, &parent_id);
  folder = saves_alias_folder (module, parent_id);
  store_lock (saves->store);
  /* A converted lead leaves the listing and can be read all the same. */
  here = table_find (module, id) != NULL;
  if (!here)
    saves_find_forget (saves, module);
  store_unlock (saves->store);
  if (!here && saves->config.journal != NULL
      && !journal_alias_drop_record (saves->config.journal, folder, id, &why))
    g_warning ("%s: the names of record %" G_GUINT64_FORMAT ", which is gone, are kept: %s", module->name, id,
               why->message);
}

/* ---- a dry run --------------------------------------------------------------------------------------------------- */

/* Those of @ids that wait, made FLYING: array of Pending. */
static GPtrArray *
take_waiting (Saves *saves, StoreModule *module, const uint64_t *ids, size_t count)
{
  GPtrArray *list = g_ptr_array_new ();

  store_lock (saves->store);
  for (size_t i = 0; i < count; i++)
    {
      RecordKey key = { module, ids[i] };
      Pending *pending = g_hash_table_lookup (saves->deletes, &key);

      if (pending == NULL || pending->state != DELETE_WAITING)
        continue;
      pending->state = DELETE_FLYING;
      g_ptr_array_add (list, pending);
    }
  store_unlock (saves->store);
  return list;
}

static void
journal_pretended (Saves *saves, const GPtrArray *list)
{
  g_autofree uint64_t *numbers = g_new (uint64_t, list->len);
  g_autoptr (GError) why = NULL;

  for (guint i = 0; i < list->len; i++)
    numbers[i] = ((const Pending *)list->pdata[i])->number;
  if (saves->config.journal != NULL && list->len > 0
      && !journal_delete_done (saves->config.journal, numbers, list->len, &why))
    g_warning ("The journal does not know which deletes were of a dry run: %s", why->message);
}

void
saves_delete_pretend (Saves *saves, StoreModule *module, const uint64_t *ids, size_t count)
{
  g_autoptr (GPtrArray) list = take_waiting (saves, module, ids, count);
  g_autofree uint64_t *told = g_new (uint64_t, list->len);
  g_autoptr (GError) failure
      = g_error_new (ZOHO_ERROR, ZOHO_ERROR_READ_ONLY, "Nothing is deleted in a dry run (-o dry_run)");

  journal_pretended (saves, list);
  for (guint i = 0; i < list->len; i++)
    audit_delete (saves, list->pdata[i], "dry run: nothing was sent");
  store_lock (saves->store);
  for (guint i = 0; i < list->len; i++)
    {
      told[i] = ((const Pending *)list->pdata[i])->key.id;
      show_again (saves, list->pdata[i]);
    }
  store_unlock (saves->store);
  for (guint i = 0; i < list->len; i++)
    tell_deleted (saves, module, told[i], failure);
}

/* ---- draining ---------------------------------------------------------------------------------------------------- */

static int
by_module_and_id (gconstpointer a, gconstpointer b)
{
  const SaveDelete *one = a, *other = b;

  if (one->module != other->module)
    return one->module < other->module ? -1 : 1;
  return one->id < other->id ? -1 : one->id > other->id;
}

size_t
saves_drain (Saves *saves)
{
  g_autoptr (GArray) all = saves_deletes (saves);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  size_t left;

  g_array_sort (all, by_module_and_id);
  for (guint i = 0; i < all->len; i++)
    {
      const SaveDelete *entry = &g_array_index (all, SaveDelete, i);

      g_array_append_val (ids, entry->id);
      if (i + 1 < all->len && (entry + 1)->module == entry->module)
        continue;
      saves_delete_send (saves, entry->module, (const uint64_t *)(void *)ids->data, ids->len);
      g_array_set_size (ids, 0);
    }
  store_lock (saves->store);
  while (saves->flying > 0 || saves->active > 0)
    pthread_cond_wait (&saves->idle, &saves->store->lock);
  left = g_hash_table_size (saves->deletes);
  store_unlock (saves->store);
  return left;
}
