/* One thread asks, sleeps until the answer rings, and asks again. */
#include "app/settling.h"

#include "base/lock.h"

#include <pthread.h>
#include <stdbool.h>

struct Settling
{
  Store *store;
  Saves *saves;
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t news;  /* either came true */
  bool rung;
  bool ending;
};

static void
ring (void *data)
{
  Settling *settling = data;
  LOCKED (&settling->lock);

  settling->rung = true;
  pthread_cond_signal (&settling->news);
}

/* Returns: did it ring? Else the mount ends. */
static bool
wait_for_ring (Settling *settling, bool even_at_the_end)
{
  LOCKED (&settling->lock);
  bool rung;

  while (!settling->rung && (even_at_the_end || !settling->ending))
    pthread_cond_wait (&settling->news, &settling->lock);
  rung = settling->rung;
  settling->rung = false;
  return rung;
}

static bool
is_ending (Settling *settling)
{
  LOCKED (&settling->lock);

  return settling->ending;
}

static void *
settle (void *data)
{
  Settling *settling = data;
  StoreWait wait = STORE_WAIT_INIT (ring, settling, CLIENT_BACKGROUND);

  while (!is_ending (settling) && !saves_settle (settling->saves, &wait))
    if (!wait_for_ring (settling, false) && !store_wait_cancel (settling->store, &wait))
      wait_for_ring (settling, true); /* on its way already, and it reaches into us */
  store_wait_clear (&wait);
  return NULL;
}

Settling *
settling_start (Store *store, Saves *saves)
{
  Settling *settling = g_new0 (Settling, 1);

  settling->store = store;
  settling->saves = saves;
  pthread_mutex_init (&settling->lock, NULL);
  pthread_cond_init (&settling->news, NULL);
  saves_take_unclear (saves);
  if (pthread_create (&settling->thread, NULL, settle, settling) != 0)
    g_error ("No thread can be started to look up what an earlier mount was saving.");
  pthread_setname_np (settling->thread, "settle");
  return settling;
}

void
settling_end (Settling *settling)
{
  if (settling == NULL)
    return;
  pthread_mutex_lock (&settling->lock);
  settling->ending = true;
  pthread_cond_signal (&settling->news);
  pthread_mutex_unlock (&settling->lock);
  pthread_join (settling->thread, NULL);
  pthread_cond_destroy (&settling->news);
  pthread_mutex_destroy (&settling->lock);
  g_free (settling);
}
