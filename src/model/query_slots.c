/* A queue is enough for the few that there are; those who never read are forgotten first. */
#include "model/query_slots.h"

#include "base/lock.h"
#include "model/private.h"

#define SLOTS_MAX 256

typedef struct
{
  QueryAsker asker;
  Query *query;
  GBytes *words;
} Slot;

struct QuerySlots
{
  pthread_mutex_t lock; /* guards the queue; the store's comes after it */
  GQueue slots;         /* Slot, the newest last */
};

static void
slot_free (Slot *slot)
{
  if (slot == NULL)
    return;
  query_free (slot->query);
  g_clear_pointer (&slot->words, g_bytes_unref);
  g_free (slot);
}

QuerySlots *
query_slots_new (void)
{
  QuerySlots *slots = g_new0 (QuerySlots, 1);

  pthread_mutex_init (&slots->lock, NULL);
  g_queue_init (&slots->slots);
  return slots;
}

void
query_slots_free (QuerySlots *slots)
{
  Slot *slot;

  if (slots == NULL)
    return;
  while ((slot = g_queue_pop_head (&slots->slots)) != NULL)
    slot_free (slot);
  pthread_mutex_destroy (&slots->lock);
  g_free (slots);
}

/* Lock held. Out of the queue, or NULL. */
static Slot *
pull (QuerySlots *slots, const QueryAsker *asker)
{
  for (GList *link = slots->slots.head; link != NULL; link = link->next)
    {
      Slot *slot = link->data;

      if (slot->asker.uid != asker->uid || slot->asker.session != asker->session || slot->asker.file != asker->file)
        continue;
      g_queue_delete_link (&slots->slots, link);
      return slot;
    }
  return NULL;
}

void
query_slots_put (Store *store, const QueryAsker *asker, Query *query, GBytes *words)
{
  QuerySlots *slots = store->query_slots;
  Slot *slot = g_new (Slot, 1), *old;

  *slot = (Slot){ *asker, query, words };
  {
    LOCKED (&slots->lock);
    old = pull (slots, asker);
    if (old == NULL && slots->slots.length >= SLOTS_MAX)
      old = g_queue_pop_head (&slots->slots);
    g_queue_push_tail (&slots->slots, slot);
  }
  slot_free (old);
}

void
query_slots_take (Store *store, const QueryAsker *asker, Query **query, GBytes **words)
{
  QuerySlots *slots = store->query_slots;
  Slot *slot;

  {
    LOCKED (&slots->lock);
    slot = pull (slots, asker);
  }
  *query = slot != NULL ? g_steal_pointer (&slot->query) : NULL;
  *words = slot != NULL ? g_steal_pointer (&slot->words) : NULL;
  slot_free (slot);
}
