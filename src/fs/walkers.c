/* Programs that look at every file there is. */
#include "fs/walkers.h"

#include "base/clock.h"
#include "base/lock.h"

#include <string.h>

#define NAME_SIZE 15 /* bytes of a name that the kernel keeps */
#define NAMES_MAX 64
#define TELL_US (60 * CLOCK_SECOND_US)

typedef struct
{
  char name[NAME_SIZE + 1];
  int64_t told_us; /* 0: never; the lock's */
} Walker;

struct Walkers
{
  size_t count;
  Walker list[NAMES_MAX];
  pthread_mutex_t lock;
};

static bool
is_name (const char *text)
{
  for (const char *at = text; *at != '\0'; at++)
    if (!g_ascii_isgraph (*at) || *at == '/')
      return false;
  return *text != '\0';
}

static Walker *
find (const Walkers *walkers, const char *program)
{
  for (size_t i = 0; walkers != NULL && i < walkers->count; i++)
    if (strncmp (walkers->list[i].name, program, NAME_SIZE) == 0)
      return (Walker *)&walkers->list[i];
  return NULL;
}

Walkers *
walkers_new (const char *names)
{
  g_autoptr (Walkers) walkers = g_new0 (Walkers, 1);
  g_auto (GStrv) parts = g_strsplit (names, ",", -1);

  pthread_mutex_init (&walkers->lock, NULL);
  for (char **part = parts; *part != NULL; part++)
    {
      if (walkers->count == NAMES_MAX || !is_name (g_strstrip (*part)))
        return NULL;
      g_strlcpy (walkers->list[walkers->count++].name, *part, NAME_SIZE + 1);
    }
  return g_steal_pointer (&walkers);
}

void
walkers_free (Walkers *walkers)
{
  if (walkers == NULL)
    return;
  pthread_mutex_destroy (&walkers->lock);
  g_free (walkers);
}

bool
walkers_any (const Walkers *walkers)
{
  return walkers != NULL && walkers->count > 0;
}

bool
walkers_has (const Walkers *walkers, const char *program)
{
  return find (walkers, program) != NULL;
}

bool
walkers_tell (Walkers *walkers, const char *program)
{
  Walker *walker = find (walkers, program);
  int64_t now = clock_now_us ();

  if (walker == NULL)
    return false;
  LOCKED (&walkers->lock);
  if (walker->told_us != 0 && now < walker->told_us + TELL_US)
    return false;
  walker->told_us = now;
  return true;
}
