/* Open addressing over a power of two of slots; 0 is a free one. Ids come in runs, so they are mixed before they are
 * placed. */
#include "base/idset.h"

#define SLOTS_MIN 64

struct IdSet
{
  uint64_t *slots;
  size_t mask; /* slots - 1 */
  size_t size;
};

static size_t
place_of (const IdSet *set, uint64_t id)
{
  size_t place = (size_t)((id * UINT64_C (0x9E3779B97F4A7C15)) >> 20) & set->mask;

  while (set->slots[place] != 0 && set->slots[place] != id)
    place = (place + 1) & set->mask;
  return place;
}

static void
grow (IdSet *set)
{
  IdSet larger = { g_new0 (uint64_t, (set->mask + 1) * 2), set->mask * 2 + 1, set->size };

  for (size_t i = 0; i <= set->mask; i++)
    if (set->slots[i] != 0)
      larger.slots[place_of (&larger, set->slots[i])] = set->slots[i];
  g_free (set->slots);
  *set = larger;
}

IdSet *
idset_new (void)
{
  IdSet *set = g_new0 (IdSet, 1);

  set->slots = g_new0 (uint64_t, SLOTS_MIN);
  set->mask = SLOTS_MIN - 1;
  return set;
}

void
idset_free (IdSet *set)
{
  if (set == NULL)
    return;
  g_free (set->slots);
  g_free (set);
}

bool
idset_add (IdSet *set, uint64_t id)
{
  size_t place = place_of (set, id);

  g_assert (id != 0);
  if (set->slots[place] == id)
    return false;
  set->slots[place] = id;
  if (++set->size > set->mask / 4 * 3)
    grow (set);
  return true;
}

bool
idset_contains (const IdSet *set, uint64_t id)
{
  return set->slots[place_of (set, id)] == id && id != 0;
}

size_t
idset_size (const IdSet *set)
{
  return set->size;
}
