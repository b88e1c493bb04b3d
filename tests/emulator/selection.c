/* Walks the store in id order through the condition; other orders keep only the best rows while walking. */
#include "selection.h"

#include <string.h>

typedef struct
{
  const Selection *selection;
  Bounds bounds;
  bool descending;
  GArray *ids;       /* candidates, ascending; NULL: walk the store */
  unsigned position; /* how many of @ids were given out */
  uint64_t last;     /* the last id given out; 0: none yet */
  GPtrArray *fields; /* NULL-terminated */
} Walk;

static void
add_fields (GPtrArray *names, char *const *fields)
{
  for (; fields != NULL && *fields != NULL; fields++)
    {
      if (!g_ptr_array_find_with_equal_func (names, *fields, g_str_equal, NULL))
        g_ptr_array_add (names, *fields);
    }
}

static void
walk_start (Walk *walk, const Selection *selection, char *const *fields, bool descending)
{
  *walk = (Walk){ .selection = selection, .descending = descending, .bounds = condition_bounds (selection->where) };
  walk->fields = g_ptr_array_new ();
  condition_fields (selection->where, walk->fields);
  add_fields (walk->fields, selection->filter_fields);
  add_fields (walk->fields, fields);
  g_ptr_array_add (walk->fields, NULL);
  if (walk->bounds.ids != NULL)
    walk->ids = g_array_ref (walk->bounds.ids);
  else if (walk->bounds.recent && walk->bounds.low == 0 && selection->source != &source_users)
    walk->ids = store_modified_since (selection->emulator, selection->source, walk->bounds.since - 1);
}

static void
walk_end (Walk *walk)
{
  g_clear_pointer (&walk->bounds.ids, g_array_unref);
  g_clear_pointer (&walk->ids, g_array_unref);
  g_ptr_array_unref (walk->fields);
}

static uint64_t
next_listed (Walk *walk)
{
  unsigned n = walk->position++;

  if (n >= walk->ids->len)
    return 0;
  return g_array_index (walk->ids, uint64_t, walk->descending ? walk->ids->len - 1 - n : n);
}

static uint64_t
next_stored (Walk *walk)
{
  const Selection *selection = walk->selection;

  if (walk->descending)
    {
      if (walk->last == 0)
        walk->last = walk->bounds.high == UINT64_MAX ? UINT64_MAX : walk->bounds.high + 1;
      return walk->last = source_prev (selection->emulator, selection->source, walk->last);
    }
  if (walk->last == 0)
    walk->last = walk->bounds.low == 0 ? 0 : walk->bounds.low - 1;
  return walk->last = source_next (selection->emulator, selection->source, walk->last);
}

/* The record, if it is there and matches. */
static json_t *
load (Walk *walk, uint64_t id)
{
  const Selection *selection = walk->selection;
  json_auto_t *record = source_get (selection->emulator, selection->source, id, (char *const *) walk->fields->pdata);

  if (record == NULL || !condition_match (selection->where, selection->emulator, record))
    return NULL;
  if (selection->filter != NULL && !selection->filter (selection->emulator, id, record, selection->filter_data))
    return NULL;
  return g_steal_pointer (&record);
}

/* The next matching record, new, or NULL at the end. */
static json_t *
walk_next (Walk *walk, uint64_t *id)
{
  for (;;)
    {
      json_t *record;

      *id = walk->ids != NULL ? next_listed (walk) : next_stored (walk);
      if (*id == 0)
        return NULL;
      if (*id < walk->bounds.low || *id > walk->bounds.high)
        {
          if (walk->ids == NULL)
            return NULL;
          continue;
        }
      record = load (walk, *id);
      if (record != NULL)
        return record;
    }
}

/* ---- ordered by values ------------------------------------------------------------------------------------------- */

typedef struct
{
  uint64_t id;
  Scalar *keys; /* one per Order */
} Ranked;

typedef struct
{
  const Selection *selection;
  GArray *rows; /* Ranked */
} Ranking;

static void
ranked_free (Ranked *ranked, unsigned keys)
{
  for (unsigned i = 0; i < keys; i++)
    scalar_clear (&ranked->keys[i]);
  g_free (ranked->keys);
}

static int
ranked_compare (gconstpointer a, gconstpointer b, gpointer data)
{
  const Ranked *left = a;
  const Ranked *right = b;
  const GArray *order = data;

  for (unsigned i = 0; i < order->len; i++)
    {
      int result = scalar_compare (&left->keys[i], &right->keys[i]);

      if (result != 0)
        return g_array_index (order, Order, i).descending ? -result : result;
    }
  return (left->id > right->id) - (left->id < right->id);
}

static void
ranking_cut (Ranking *ranking, uint64_t keep)
{
  const GArray *order = ranking->selection->order;

  g_array_sort_with_data (ranking->rows, ranked_compare, (gpointer) order);
  for (unsigned i = (unsigned) keep; i < ranking->rows->len; i++)
    ranked_free (&g_array_index (ranking->rows, Ranked, i), order->len);
  if (ranking->rows->len > keep)
    g_array_set_size (ranking->rows, (unsigned) keep);
}

static bool
ranking_add (const json_t *record, uint64_t id, void *data)
{
  Ranking *ranking = data;
  const Selection *selection = ranking->selection;
  uint64_t keep = selection->offset + selection->limit + 1;
  Ranked ranked = { id, g_new0 (Scalar, selection->order->len) };

  for (unsigned i = 0; i < selection->order->len; i++)
    path_scalar (selection->emulator, g_array_index (selection->order, Order, i).path, record, &ranked.keys[i]);
  g_array_append_val (ranking->rows, ranked);
  if (ranking->rows->len > 2 * keep + 1000)
    ranking_cut (ranking, keep);
  return true;
}

static GArray *
ranked_ids (const Selection *selection, bool *more)
{
  g_autoptr (GPtrArray) fields = g_ptr_array_new ();
  Ranking ranking = { selection, g_array_new (FALSE, FALSE, sizeof (Ranked)) };
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));

  for (unsigned i = 0; i < selection->order->len; i++)
    g_ptr_array_add (fields, (char *) path_root (g_array_index (selection->order, Order, i).path));
  g_ptr_array_add (fields, NULL);
  selection_each (selection, (char *const *) fields->pdata, ranking_add, &ranking);
  ranking_cut (&ranking, selection->offset + selection->limit + 1);
  for (unsigned i = 0; i < ranking.rows->len; i++)
    {
      if (i >= selection->offset && i < selection->offset + selection->limit)
        g_array_append_val (ids, g_array_index (ranking.rows, Ranked, i).id);
    }
  *more = ranking.rows->len > selection->offset + selection->limit;
  ranking_cut (&ranking, 0);
  g_array_unref (ranking.rows);
  return ids;
}

/* ---- ordered by id ----------------------------------------------------------------------------------------------- */

static GArray *
walked_ids (const Selection *selection, bool descending, bool *more)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  uint64_t seen = 0;
  uint64_t id;
  json_t *record;
  Walk walk;

  *more = false;
  walk_start (&walk, selection, NULL, descending);
  while ((record = walk_next (&walk, &id)) != NULL)
    {
      json_decref (record);
      seen++;
      *more = seen > selection->offset + selection->limit;
      if (*more)
        break;
      if (seen > selection->offset)
        g_array_append_val (ids, id);
    }
  walk_end (&walk);
  return ids;
}

GArray *
selection_ids (const Selection *selection, bool *more)
{
  const Order *first = selection->order == NULL || selection->order->len == 0 ? NULL
                       : &g_array_index (selection->order, Order, 0);

  if (first == NULL || path_is_own_id (first->path))
    return walked_ids (selection, first != NULL && first->descending, more);
  return ranked_ids (selection, more);
}

void
selection_each (const Selection *selection, char *const *fields, SelectionEach each, void *data)
{
  bool go_on = true;
  uint64_t id;
  Walk walk;

  walk_start (&walk, selection, fields, false);
  while (go_on)
    {
      json_auto_t *record = walk_next (&walk, &id);

      go_on = record != NULL && each (record, id, data);
    }
  walk_end (&walk);
}

static bool
count_one (const json_t *record, uint64_t id, void *data)
{
  ++*(uint64_t *) data;
  return true;
}

uint64_t
selection_count (const Selection *selection)
{
  uint64_t count = 0;

  selection_each (selection, NULL, count_one, &count);
  return count;
}
