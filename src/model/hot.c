/* A hash table over a queue, least recently used last. */
#include "model/hot.h"

#include "base/lock.h"

#include <pthread.h>

typedef struct
{
  uint64_t version; /* the key: a hash of the text, checked against the id */
  uint64_t id;
  GBytes *text;
  GList link;
} Item;

struct Hot
{
  pthread_mutex_t lock; /* guards all below */
  GHashTable *items;    /* set of Item *, by version */
  GQueue used;          /* the same, most recently used first */
  size_t bytes, cap;
};

Hot *
hot_new (size_t cap)
{
  Hot *hot = g_new0 (Hot, 1);

  pthread_mutex_init (&hot->lock, NULL);
  hot->items = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_queue_init (&hot->used);
  hot->cap = cap;
  return hot;
}

/* Lock held. */
static void
drop (Hot *hot, Item *item)
{
  g_hash_table_remove (hot->items, item);
  g_queue_unlink (&hot->used, &item->link);
  hot->bytes -= g_bytes_get_size (item->text);
  g_bytes_unref (item->text);
  g_free (item);
}

void
hot_free (Hot *hot)
{
  if (hot == NULL)
    return;
  while (hot->used.head != NULL)
    drop (hot, hot->used.head->data);
  g_hash_table_unref (hot->items);
  pthread_mutex_destroy (&hot->lock);
  g_free (hot);
}

void
hot_put (Hot *hot, uint64_t id, uint64_t version, GBytes *text)
{
  LOCKED (&hot->lock);
  Item *item = g_hash_table_lookup (hot->items, &version);

  if (version == 0 || g_bytes_get_size (text) > hot->cap)
    return;
  if (item != NULL)
    drop (hot, item);
  item = g_new0 (Item, 1);
  item->version = version;
  item->id = id;
  item->text = g_bytes_ref (text);
  item->link.data = item;
  g_hash_table_add (hot->items, item);
  g_queue_push_head_link (&hot->used, &item->link);
  hot->bytes += g_bytes_get_size (text);
  while (hot->bytes > hot->cap)
    drop (hot, hot->used.tail->data);
}

GBytes *
hot_get (Hot *hot, uint64_t id, uint64_t version)
{
  LOCKED (&hot->lock);
  Item *item = g_hash_table_lookup (hot->items, &version);

  if (item == NULL || item->id != id)
    return NULL;
  g_queue_unlink (&hot->used, &item->link);
  g_queue_push_head_link (&hot->used, &item->link);
  return g_bytes_ref (item->text);
}
