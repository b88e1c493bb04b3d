/* What each program has cost. A program chooses its name, so only so many are kept: where there is no room, the one
 * that has cost least goes to the others. */
#include "api/costs.h"

#include "base/lock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX (4 * COSTS_NAMES_MAX)
#define OTHERS "others"

struct Costs
{
  pthread_mutex_t lock; /* guards all below */
  Cost kept[KEPT_MAX];
  size_t count;
  Cost others;
};

static void
add (Cost *to, uint64_t calls, uint64_t credits)
{
  to->calls += calls;
  to->credits += credits;
}

/* The dearest first; equal ones by name. */
static int
compare (const void *a, const void *b)
{
  const Cost *one = a, *other = b;

  if (one->credits != other->credits)
    return one->credits < other->credits ? 1 : -1;
  if (one->calls != other->calls)
    return one->calls < other->calls ? 1 : -1;
  return strcmp (one->program, other->program);
}

/* A name that may be shown anywhere; two that would be shown as one are one. */
static void
clean (const char *program, char name[COSTS_PROGRAM_SIZE])
{
  bool valid;

  g_strlcpy (name, program, COSTS_PROGRAM_SIZE);
  valid = g_utf8_validate (name, -1, NULL);
  for (char *at = name; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at) || (!valid && (unsigned char)*at >= 0x80))
      *at = '?';
}

/* Lock held. */
static Cost *
find (Costs *costs, const char *program)
{
  for (size_t i = 0; i < costs->count; i++)
    if (strcmp (costs->kept[i].program, program) == 0)
      return &costs->kept[i];
  return NULL;
}

/* Lock held. */
static Cost *
make (Costs *costs, const char *program)
{
  Cost *made;

  if (costs->count == KEPT_MAX)
    {
      qsort (costs->kept, costs->count, sizeof (Cost), compare);
      costs->count--;
      add (&costs->others, costs->kept[costs->count].calls, costs->kept[costs->count].credits);
    }
  made = &costs->kept[costs->count++];
  *made = (Cost){ .calls = 0 };
  g_strlcpy (made->program, program, sizeof made->program);
  return made;
}

Costs *
costs_new (void)
{
  Costs *costs = g_new0 (Costs, 1);

  pthread_mutex_init (&costs->lock, NULL);
  g_strlcpy (costs->others.program, OTHERS, sizeof costs->others.program);
  return costs;
}

void
costs_add (Costs *costs, const char *program, unsigned credits)
{
  char name[COSTS_PROGRAM_SIZE];
  Cost *cost;
  LOCKED (&costs->lock);

  clean (program, name);
  cost = strcmp (name, OTHERS) == 0 ? &costs->others : find (costs, name);
  add (cost != NULL ? cost : make (costs, name), 1, credits);
}

size_t
costs_list (Costs *costs, Cost list[COSTS_NAMES_MAX + 1])
{
  Cost others;
  size_t count;
  LOCKED (&costs->lock);

  qsort (costs->kept, costs->count, sizeof (Cost), compare);
  count = MIN (costs->count, COSTS_NAMES_MAX);
  memcpy (list, costs->kept, count * sizeof (Cost));
  others = costs->others;
  for (size_t i = count; i < costs->count; i++)
    add (&others, costs->kept[i].calls, costs->kept[i].credits);
  if (others.calls > 0)
    list[count++] = others;
  return count;
}

void
costs_free (Costs *costs)
{
  if (costs == NULL)
    return;
  pthread_mutex_destroy (&costs->lock);
  g_free (costs);
}
