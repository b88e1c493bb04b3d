/* Deletes that an earlier mount answered and did not send: the record hides again, and the delete goes out as any
 * other. */
#include "fs/desk_private.h"

#include "base/error.h"
#include "base/lock.h"
#include "fs/kinds/kinds.h"
#include "model/notes.h"

#include <errno.h>

typedef struct
{
  Desks *desks;
  GPtrArray *deletes; /* JournalDelete */
  guint at, taken;
  StoreWait wait;
  atomic_int runs;
} Left;

static void
end (Left *left)
{
  Desks *desks = left->desks;

  if (left->taken > 0)
    g_warning ("Deletes that the mount before this one was killed before it could send are sent now: %u", left->taken);
  store_wait_clear (&left->wait);
  g_ptr_array_unref (left->deletes);
  g_free (left);
  {
    LOCKED (&desks->lock);
    desks->taking_up = false;
  }
  desks_stir (desks);
}

/* Whether somebody took it back is not known any more. */
static void
tell_uncertain (Desks *desks, StoreModule *module, const JournalDelete *delete)
{
  g_autoptr (GError) error = NULL;

  desk_report (desks_get (desks, &(NodeKey){ &module_kind, module, 0 }), delete->label, EIO,
               "It was deleted before a crash that has damaged the list of deletes, so it was not deleted in the CRM",
               "Delete it again if it is to go", false);
  if (!journal_delete_done (desks->writing.journal, &delete->number, 1, &error))
    g_warning ("%s/%s: %s", delete->module, delete->label, error->message);
}

static void
take_up (Left *left, StoreModule *module, const JournalDelete *delete)
{
  Desks *desks = left->desks;
  Desk *desk = desks_get (desks, &(NodeKey){ &module_kind, module, 0 });
  g_autofree char *name = names_record (NULL, delete->id);
  EditEvent event = { .kind = EDIT_UNLINK, .name = name, .id = delete->id };
  /* Nobody who lives, and as many of them as it takes. */
  Who who = { .process = { 0, 1 + left->taken / MAX (desks->writing.max_deletes, 1) }, .uid = desks->fs->uid };
  DeskCall call = { 0 };

  saves_delete_adopt (desks->writing.saves, module, delete);
  desk_feed (desk, &event, &who, &call);
  left->taken++;
}

/* Returns: false when it waits for the module. */
static bool
take_next (Left *left)
{
  const JournalDelete *delete = left->deletes->pdata[left->at];
  Desks *desks = left->desks;
  StoreModule *module = NULL;
  g_autoptr (GError) error = NULL;
  StoreModule *notes = store_notes (desks->fs->store);
  StoreState state = STORE_READY;

  if (g_str_equal (delete->module, store_module_name (notes)))
    module = notes;
  else
    state = store_module (desks->fs->store, delete->module, &left->wait, &module, &error);
  if (state == STORE_WAITING)
    return false;
  left->at++;
  if (state == STORE_FAILED)
    {
      g_warning ("%s/%s is not deleted yet: %s", delete->module, delete->label, error->message);
      store_wait_clear (&left->wait);
    }
  else if (!delete->certain)
    tell_uncertain (desks, module, delete);
  else
    take_up (left, module, delete);
  return true;
}

static void
run (void *data)
{
  Left *left = data;

  do
    {
      bool going = true;

      while (going && left->at < left->deletes->len)
        going = take_next (left);
      if (going)
        {
          end (left);
          return;
        }
    }
  while (atomic_fetch_sub (&left->runs, 1) != 1);
}

static void
ring (void *data)
{
  Left *left = data;

  if (atomic_fetch_add (&left->runs, 1) == 0)
    workers_push (left->desks->workers, run, left);
}

void
desks_take_up (Desks *desks)
{
  g_autoptr (GPtrArray) deletes = journal_deletes (desks->writing.journal);
  Left *left;

  /* A dry run leaves them to the next mount. */
  if (deletes->len == 0 || desks->writing.dry_run)
    return;
  left = g_new0 (Left, 1);
  left->desks = desks;
  left->deletes = g_steal_pointer (&deletes);
  left->wait = STORE_WAIT_INIT (ring, left, CLIENT_BACKGROUND);
  atomic_init (&left->runs, 1);
  {
    LOCKED (&desks->lock);
    desks->taking_up = true;
  }
  workers_push (desks->workers, run, left);
}
