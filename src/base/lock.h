/* A lock held for a scope. pthread locks, since ThreadSanitizer cannot see inside GMutex. */
#pragma once

#include <glib.h>
#include <pthread.h>

static inline pthread_mutex_t *
lock_take (pthread_mutex_t *mutex)
{
  int failed = pthread_mutex_lock (mutex);

  g_assert (failed == 0);
  return mutex;
}

static inline void
lock_drop (pthread_mutex_t **mutex)
{
  pthread_mutex_unlock (*mutex);
}

/* Holds @mutex until the enclosing block ends. */
#define LOCKED(mutex)                                                                                                  \
  __attribute__ ((cleanup (lock_drop), unused)) pthread_mutex_t *G_PASTE (locked_, __LINE__) = lock_take (mutex)
