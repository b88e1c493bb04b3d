/* Records in order: those as generated, which are in order anyway, merged with the few that were changed. */
#include "overlay.h"

static int
compare (bool by_time, WalkPoint a, WalkPoint b)
{
  if (by_time && a.time != b.time)
    return a.time < b.time ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  return compare (false, *(const WalkPoint *) a, *(const WalkPoint *) b);
}

static WalkPoint
generated_point (const Walk *walk, uint64_t k)
{
  return (WalkPoint){ walk->by_time || walk->bounded ? generate_modified (walk->module, k) : 0,
                      generate_id (walk->module, k) };
}

static WalkPoint
changed_point (const Walk *walk, int64_t index)
{
  return g_array_index (walk->changed, WalkPoint, index);
}

/* The first index in [0, @count) whose point is not before @after; with @past also not at it. */
static int64_t
first_from (const Walk *walk, int64_t count, WalkPoint after, bool past, WalkPoint (*point_at) (const Walk *, uint64_t))
{
  int64_t low = 0;
  int64_t high = count;

  while (low < high)
    {
      int64_t middle = low + (high - low) / 2;
      int order = compare (walk->by_time, point_at (walk, (uint64_t) middle), after);

      if (order < 0 || (order == 0 && past))
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static WalkPoint
changed_at (const Walk *walk, uint64_t index)
{
  return changed_point (walk, (int64_t) index);
}

static void
collect_changed (Walk *walk, const Overlay *overlay)
{
  walk->changed = g_array_new (FALSE, FALSE, sizeof (WalkPoint));
  for (unsigned i = 0; i < overlay->recent->len; i++)
    {
      WalkPoint point = g_array_index (overlay->recent, WalkPoint, i);

      if (!walk->bounded || point.time > walk->since)
        g_array_append_val (walk->changed, point);
    }
  if (!walk->by_time)
    g_array_sort (walk->changed, compare_ids);
}

void
walk_init (Walk *walk, Emulator *emulator, const Module *module, bool by_time, bool ascending, const time_t *since,
           const WalkPoint *after)
{
  *walk = (Walk){ .emulator = emulator, .module = module, .by_time = by_time, .ascending = ascending };
  walk->bounded = since != NULL;
  walk->since = since == NULL ? 0 : *since;
  walk->first_generated = since == NULL ? 0 : (int64_t) generate_after (module, *since);
  collect_changed (walk, module->overlay);
  if (ascending)
    {
      walk->next_generated
          = after == NULL ? 0 : first_from (walk, (int64_t) module->generated, *after, true, generated_point);
      walk->next_generated = MAX (walk->next_generated, walk->first_generated);
      walk->next_changed = after == NULL ? 0 : first_from (walk, walk->changed->len, *after, true, changed_at);
      return;
    }
  walk->next_generated = after == NULL
                             ? (int64_t) module->generated - 1
                             : first_from (walk, (int64_t) module->generated, *after, false, generated_point) - 1;
  walk->next_changed = (after == NULL ? (int64_t) walk->changed->len
                                      : first_from (walk, walk->changed->len, *after, false, changed_at))
                       - 1;
}

/* Steps over generated records that have an entry: those are in the other stream, or dead. */
static bool
has_generated (Walk *walk)
{
  int64_t end = walk->ascending ? (int64_t) walk->module->generated : walk->first_generated - 1;
  const Overlay *overlay = walk->module->overlay;
  bool any = g_hash_table_size (overlay->entries) > 0;

  while (walk->next_generated != end && (walk->ascending == (walk->next_generated < end)))
    {
      if (!any || overlay_entry (overlay, generate_id (walk->module, (uint64_t) walk->next_generated)) == NULL)
        return true;
      walk->next_generated += walk->ascending ? 1 : -1;
    }
  return false;
}

bool
walk_next (Walk *walk, WalkPoint *point)
{
  bool generated = has_generated (walk);
  bool changed = walk->next_changed >= 0 && walk->next_changed < (int64_t) walk->changed->len;
  int step = walk->ascending ? 1 : -1;

  if (!generated && !changed)
    return false;
  if (generated && changed)
    {
      int order = compare (walk->by_time, generated_point (walk, (uint64_t) walk->next_generated),
                           changed_point (walk, walk->next_changed));

      generated = walk->ascending ? order < 0 : order > 0;
    }
  if (generated)
    {
      *point = generated_point (walk, (uint64_t) walk->next_generated);
      walk->next_generated += step;
      return true;
    }
  *point = changed_point (walk, walk->next_changed);
  walk->next_changed += step;
  return true;
}

void
walk_clear (Walk *walk)
{
  g_clear_pointer (&walk->changed, g_array_unref);
}
