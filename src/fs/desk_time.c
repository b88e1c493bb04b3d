/* What happens by itself: deletes come due, processes end, and so does the mount. */
#include "fs/desk_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "fs/kinds/kinds.h"
#include "model/notes.h"
#include "fs/reply.h"

#include <errno.h>
#include <time.h>

#define ENDS_US INT64_C (200000)     /* between looks whether processes have ended */
#define RETRY_US INT64_C (10000000)  /* before a delete that could not be asked is tried again */
#define IDLE_US INT64_C (3600000000) /* nothing to wait for */

/* ---- deletes ----------------------------------------------------------------------------------------------------- */

/* A delete that the journal did not take when it was asked for, and that somebody has cancelled since. */
static void
forget_unknown (Desk *desk, const uint64_t *ids, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (!saves_delete_is_pending (desk->desks->writing.saves, desk->module, ids[i]))
      desks_deleted (desk->desks, desk->module, ids[i],
                     &(GError){ ZOHO_ERROR, ZOHO_ERROR_FAILED, (char *)"The delete was cancelled." });
}

void
desk_send_deletes (Desk *desk, const uint64_t *ids, size_t count)
{
  const FsWriting *writing = &desk->desks->writing;

  forget_unknown (desk, ids, count);
  if (writing->dry_run)
    saves_delete_pretend (writing->saves, desk->module, ids, count);
  else
    saves_delete_send (writing->saves, desk->module, ids, count);
}

static bool
is_deleting (Desk *desk, uint64_t id)
{
  LOCKED (&desk->lock);

  return g_hash_table_contains (desk->flying, &id);
}

/* Who has sent the delete. One that an earlier mount left is of no folder, even if that is known by now. */
static Desk *
desk_deleting (Desks *desks, StoreModule *module, uint64_t id)
{
  Desk *desk = desks_find (desks, &(NodeKey){ &record_kind, module, id });

  if (desks == NULL || module != store_notes (desks->fs->store) || (desk != NULL && is_deleting (desk, id)))
    return desk;
  return desks_find (desks, &(NodeKey){ &module_kind, module, 0 });
}

void
desks_deleted (Desks *desks, StoreModule *module, uint64_t id, const GError *failure)
{
  Desk *desk = desk_deleting (desks, module, id);
  bool open = g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_CANCELLED);
  EditEvent event = { .kind = EDIT_DELETED, .id = id, .error = failure != NULL ? reply_errno (failure) : 0 };

  if (desk == NULL)
    return;
  if (!open)
    {
      desk_tell (desk, &event);
      return;
    }
  {
    LOCKED (&desk->lock);
    g_hash_table_remove (desk->flying, &id);
    g_array_append_val (desk->retries, id);
    desk->retry_us = clock_now_us () + RETRY_US;
  }
  desks_stir (desks);
}

static void
retry (Desk *desk)
{
  g_autoptr (GArray) ids = NULL;

  {
    LOCKED (&desk->lock);
    ids = g_steal_pointer (&desk->retries);
    desk->retries = g_array_new (FALSE, FALSE, sizeof (uint64_t));
    for (guint i = 0; i < ids->len; i++)
      g_hash_table_add (desk->flying, g_memdup2 (&g_array_index (ids, uint64_t, i), sizeof (uint64_t)));
  }
  if (ids->len > 0)
    desk_send_deletes (desk, (const uint64_t *)(void *)ids->data, ids->len);
}

/* ---- the clock --------------------------------------------------------------------------------------------------- */

/* Those there are, which stay as long as the mount. */
static GPtrArray *
all_desks (Desks *desks)
{
  GPtrArray *all = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;
  LOCKED (&desks->lock);

  g_hash_table_iter_init (&iter, desks->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (all, value);
  return all;
}

static void
tell_ended (Desk *desk)
{
  g_autoptr (GArray) processes = g_array_new (FALSE, FALSE, sizeof (EditProcess));

  {
    LOCKED (&desk->lock);
    editing_processes (desk->editing, processes);
  }
  for (guint i = 0; i < processes->len; i++)
    {
      EditEvent event = { .kind = EDIT_ENDED, .process = g_array_index (processes, EditProcess, i) };

      if (!who_lives (event.process))
        desk_tell (desk, &event);
    }
}

/* When the desk wants to be looked after next. */
static int64_t
next_of (Desk *desk)
{
  g_autoptr (GArray) processes = g_array_new (FALSE, FALSE, sizeof (EditProcess));
  LOCKED (&desk->lock);
  int64_t next = editing_next_us (desk->editing);

  editing_processes (desk->editing, processes);
  if (processes->len > 0)
    next = MIN (next, clock_now_us () + ENDS_US);
  if (desk->retries->len > 0)
    next = MIN (next, desk->retry_us);
  return next;
}

static void
look_after (Desk *desk)
{
  EditEvent event = { .kind = EDIT_TIME };
  bool due, again;

  tell_ended (desk);
  {
    LOCKED (&desk->lock);
    due = editing_next_us (desk->editing) <= clock_now_us ();
    again = desk->retries->len > 0 && desk->retry_us <= clock_now_us ();
  }
  if (due)
    desk_tell (desk, &event);
  if (again)
    retry (desk);
}

/* Lock held. Returns: false when the mount ends. */
static bool
sleep_until (Desks *desks, int64_t us)
{
  int64_t wait = CLAMP (us - clock_now_us (), 0, IDLE_US);
  struct timespec end;

  clock_gettime (CLOCK_MONOTONIC, &end);
  end.tv_sec += wait / CLOCK_SECOND_US;
  end.tv_nsec += wait % CLOCK_SECOND_US * 1000;
  end.tv_sec += end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  while (!desks->stopping && !desks->stirred && pthread_cond_timedwait (&desks->news, &desks->lock, &end) != ETIMEDOUT)
    continue;
  desks->stirred = false;
  return !desks->stopping;
}

static void *
tick (void *data)
{
  Desks *desks = data;
  bool going = true;

  while (going)
    {
      g_autoptr (GPtrArray) all = all_desks (desks);
      int64_t next = INT64_MAX;

      for (guint i = 0; i < all->len; i++)
        {
          look_after (all->pdata[i]);
          next = MIN (next, next_of (all->pdata[i]));
        }
      LOCKED (&desks->lock);
      going = sleep_until (desks, MIN (next, clock_now_us () + IDLE_US));
    }
  return NULL;
}

void
desks_start_clock (Desks *desks)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&desks->news, &attributes);
  pthread_cond_init (&desks->idle, NULL);
  pthread_condattr_destroy (&attributes);
  if (pthread_create (&desks->clock, NULL, tick, desks) != 0)
    g_error ("Cannot start a thread for what was written: too many threads, or no memory");
  pthread_setname_np (desks->clock, "desks");
}

void
desks_stir (Desks *desks)
{
  LOCKED (&desks->lock);

  desks->stirred = true;
  pthread_cond_signal (&desks->news);
  pthread_cond_broadcast (&desks->idle);
}

/* ---- draining, and the end --------------------------------------------------------------------------------------- */

/* Desks' lock held. */
static bool
is_busy (Desks *desks)
{
  bool busy = desks->taking_up;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, desks->table);
  while (!busy && g_hash_table_iter_next (&iter, NULL, &value))
    {
      Desk *desk = value;
      LOCKED (&desk->lock);

      busy = g_hash_table_size (desk->flying) > 0 || g_hash_table_size (desk->commits) > 0
             || editing_counts (desk->editing).flying > 0;
    }
  return busy;
}

static void
wait_idle (Desks *desks)
{
  LOCKED (&desks->lock);

  while (is_busy (desks))
    pthread_cond_wait (&desks->idle, &desks->lock);
}

/* Everything that calls take ends by itself: each has a deadline. */
static void
tell_all (Desks *desks, EditEventKind kind)
{
  g_autoptr (GPtrArray) all = all_desks (desks);

  for (guint i = 0; i < all->len; i++)
    {
      EditEvent event = { .kind = kind };

      retry (all->pdata[i]);
      desk_tell (all->pdata[i], &event);
    }
  wait_idle (desks);
}

size_t
desks_drain (Desks *desks)
{
  FsPending pending;

  tell_all (desks, EDIT_DRAIN);
  desks_pending (desks, &pending);
  return pending.deletes;
}

void
desks_pending (Desks *desks, FsPending *pending)
{
  g_autoptr (GPtrArray) all = all_desks (desks);

  *pending = (FsPending){ 0 };
  for (guint i = 0; i < all->len; i++)
    {
      Desk *desk = all->pdata[i];
      LOCKED (&desk->lock);
      EditingCounts counts = editing_counts (desk->editing);

      pending->drafts += counts.drafts;
      pending->saves += counts.flying;
      pending->deletes += counts.deletes;
    }
}

void
desks_end (Desks *desks)
{
  tell_all (desks, EDIT_DRAIN);
  tell_all (desks, EDIT_UNMOUNT);
  {
    LOCKED (&desks->lock);
    desks->stopping = true;
    pthread_cond_signal (&desks->news);
  }
  pthread_join (desks->clock, NULL);
  workers_free (g_steal_pointer (&desks->workers));
}
