/* Modules by what the kernel has of them. The store itself knows whether a listing is older than the TTL; here is only
 * remembered when to ask again. */
#include "fs/delta.h"

#include "base/behalf.h"
#include "base/clock.h"
#include "base/lock.h"

typedef struct
{
  Delta *delta;
  Store *store;
  StoreModule *module;
  StoreWait wait;
  bool asking;    /* the question is under way, and the wait its own */
  int64_t due_us; /* ask again */
} Listed;

struct Delta
{
  int64_t ttl_us;
  pthread_mutex_t lock; /* guards all below, but what a Listed that is asking waits with */
  pthread_cond_t answered;
  GHashTable *modules; /* StoreModule -> Listed */
  bool stopping;
};

static void
end (Listed *listed)
{
  Delta *delta = listed->delta;

  store_wait_clear (&listed->wait);
  /* The next question is another operation. The rest stays, since delta_stop() may be looking at it. */
  listed->wait.began_us = 0;
  LOCKED (&delta->lock);
  listed->asking = false;
  listed->due_us = clock_now_us () + delta->ttl_us;
  pthread_cond_broadcast (&delta->answered);
}

static bool
is_stopping (Delta *delta)
{
  LOCKED (&delta->lock);

  return delta->stopping;
}

/* Also the ring. */
static void
ask (void *data)
{
  Listed *listed = data;
  Delta *delta = listed->delta;
  StoreModule *module = listed->module;
  Store *store = listed->store;
  g_autoptr (GError) error = NULL;
  StoreList *list = NULL;
  StoreState state = store_list (module, &listed->wait, &list, &error);

  if (state == STORE_WAITING)
    {
      /* delta_stop() may have come before there was anything to cancel. */
      if (is_stopping (delta) && store_wait_cancel (store, &listed->wait))
        end (listed);
      return;
    }
  if (state == STORE_FAILED)
    g_info ("Cannot look for changes of %s: %s", store_module_name (module), error->message);
  store_list_unref (list);
  end (listed);
}

Delta *
delta_new (int64_t ttl_us)
{
  Delta *delta = g_new0 (Delta, 1);

  delta->ttl_us = ttl_us;
  pthread_mutex_init (&delta->lock, NULL);
  pthread_cond_init (&delta->answered, NULL);
  delta->modules = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return delta;
}

void
delta_free (Delta *delta)
{
  if (delta == NULL)
    return;
  g_hash_table_unref (delta->modules);
  pthread_cond_destroy (&delta->answered);
  pthread_mutex_destroy (&delta->lock);
  g_free (delta);
}

/* Lock held. */
static Listed *
any_asking (Delta *delta)
{
  GHashTableIter iter;
  gpointer listed;

  g_hash_table_iter_init (&iter, delta->modules);
  while (g_hash_table_iter_next (&iter, NULL, &listed))
    if (((Listed *)listed)->asking)
      return listed;
  return NULL;
}

void
delta_stop (Delta *delta)
{
  g_autoptr (GList) all = NULL;

  {
    LOCKED (&delta->lock);
    delta->stopping = true;
    all = g_hash_table_get_values (delta->modules);
  }
  /* One that does not ask has nothing to cancel; one that is about to wait cancels itself. */
  for (GList *link = all; link != NULL; link = link->next)
    {
      Listed *listed = link->data;

      if (store_wait_cancel (listed->store, &listed->wait))
        end (listed);
    }
  LOCKED (&delta->lock);
  while (any_asking (delta) != NULL)
    pthread_cond_wait (&delta->answered, &delta->lock);
}

void
delta_listed (Delta *delta, Store *store, StoreModule *module)
{
  LOCKED (&delta->lock);
  Listed *listed = g_hash_table_lookup (delta->modules, module);

  if (listed != NULL)
    return;
  listed = g_new0 (Listed, 1);
  listed->delta = delta;
  listed->store = store;
  listed->module = module;
  listed->due_us = clock_now_us () + delta->ttl_us;
  listed->wait = STORE_WAIT_INIT (ask, listed, CLIENT_LISTING);
  g_hash_table_insert (delta->modules, module, listed);
}

bool
delta_is_listed (Delta *delta, StoreModule *module)
{
  LOCKED (&delta->lock);

  return g_hash_table_contains (delta->modules, module);
}

bool
delta_is_due (Delta *delta, StoreModule *module)
{
  LOCKED (&delta->lock);
  const Listed *listed = g_hash_table_lookup (delta->modules, module);

  return listed != NULL && !listed->asking && clock_now_us () >= listed->due_us;
}

void
delta_used (Delta *delta, StoreModule *module)
{
  const Behalf *before;
  Listed *listed;

  {
    LOCKED (&delta->lock);
    listed = g_hash_table_lookup (delta->modules, module);
    if (listed == NULL || listed->asking || delta->stopping || clock_now_us () < listed->due_us)
      return;
    listed->asking = true;
  }
  before = behalf_set (NULL); /* nobody waits for it */
  ask (listed);
  behalf_set (before);
}
