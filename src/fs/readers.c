/* A table of few places for each record: the oldest one goes. */
#include "fs/readers.h"

#include "base/clock.h"
#include "base/lock.h"
#include "fs/who.h"

#include <string.h>
#include <xxhash.h>

#define PLACES 4096 /* a power of two */
#define WAYS 4

typedef struct
{
  const StoreModule *module;
  uint64_t id, version;
  int64_t us;
  pid_t thread;
} Reader;

struct Readers
{
  pthread_mutex_t lock; /* guards the places */
  Reader places[PLACES];
};

Readers *
readers_new (void)
{
  Readers *readers = g_new0 (Readers, 1);

  pthread_mutex_init (&readers->lock, NULL);
  return readers;
}

void
readers_free (Readers *readers)
{
  if (readers == NULL)
    return;
  pthread_mutex_destroy (&readers->lock);
  g_free (readers);
}

/* The first place of the record. */
static Reader *
places_of (Readers *readers, const StoreModule *module, uint64_t id)
{
  uint64_t parts[2] = { (uintptr_t)module, id };

  return &readers->places[XXH64 (parts, sizeof parts, 0) % (PLACES / WAYS) * WAYS];
}

void
readers_add (Readers *readers, const StoreModule *module, uint64_t id, uint64_t version, pid_t thread)
{
  Reader *first = places_of (readers, module, id);
  Reader *place = first;
  LOCKED (&readers->lock);

  for (Reader *at = first; at < first + WAYS; at++)
    {
      if (at->us < place->us)
        place = at;
      if (at->module == module && at->id == id && at->thread == thread)
        {
          place = at;
          break;
        }
    }
  *place = (Reader){ module, id, version, clock_now_us (), thread };
}

uint64_t
readers_find (Readers *readers, const StoreModule *module, uint64_t id, EditProcess process, int64_t *us)
{
  Reader copies[WAYS];
  uint64_t version = 0;

  *us = 0;
  {
    LOCKED (&readers->lock);
    memcpy (copies, places_of (readers, module, id), sizeof copies);
  }
  for (int i = 0; i < WAYS; i++)
    {
      EditProcess reader;

      if (copies[i].module != module || copies[i].id != id || copies[i].us < *us)
        continue;
      reader = who_process (copies[i].thread);
      if (reader.start == 0 || !who_same (reader, process))
        continue;
      version = copies[i].version;
      *us = copies[i].us;
    }
  return version;
}
