/* Aggregates and GROUP BY: one pass over the matching records, a table from group to its sums. */
#include <math.h>
#include <string.h>

#include "coql_eval.h"

typedef struct
{
  uint64_t count;  /* values that are not null */
  long double sum;
  bool fractions;  /* some value was no whole number */
  Scalar best;     /* MAX, MIN */
  json_t *shown;   /* the value of @best, or of a grouped column */
} Cell;

typedef struct
{
  Cell *cells; /* one per column */
  unsigned n;
} Group;

typedef struct
{
  const CoqlPlan *plan;
  GHashTable *table; /* text of the group's values -> Group, borrowed from @groups */
  GPtrArray *groups; /* Group, in the order of their first record */
} Grouping;

static void
group_free (gpointer data)
{
  Group *group = data;

  for (unsigned i = 0; i < group->n; i++)
    {
      scalar_clear (&group->cells[i].best);
      json_decref (group->cells[i].shown);
    }
  g_free (group->cells);
  g_free (group);
}

static char *
group_key (const CoqlPlan *plan, const json_t *record)
{
  json_auto_t *values = json_array ();

  for (unsigned i = 0; i < plan->group->len; i++)
    json_array_append_new (values, coql_show (plan->emulator, plan->group->pdata[i], record));
  return json_dumps (values, JSON_COMPACT | JSON_SORT_KEYS);
}

static Group *
group_of (Grouping *grouping, const json_t *record)
{
  char *key = group_key (grouping->plan, record);
  Group *group = g_hash_table_lookup (grouping->table, key);

  if (group != NULL)
    {
      free (key);
      return group;
    }
  group = g_new0 (Group, 1);
  group->n = grouping->plan->columns->len;
  group->cells = g_new0 (Cell, group->n);
  g_ptr_array_add (grouping->groups, group);
  g_hash_table_insert (grouping->table, key, group);
  return group;
}

/* Is @value the new greatest or smallest? Then it is kept. */
static void
keep_best (Cell *cell, const CoqlColumn *column, Scalar *value, const json_t *record, Emulator *emulator)
{
  int compared = cell->shown == NULL ? 1 : scalar_compare (value, &cell->best);

  if (column->aggregate == AGGREGATE_MIN && cell->shown != NULL)
    compared = -compared;
  if (compared <= 0)
    return;
  scalar_clear (&cell->best);
  cell->best = *value;
  *value = (Scalar){ 0 };
  json_decref (cell->shown);
  cell->shown = path_value (emulator, column->path, record);
}

static void
add_value (Emulator *emulator, Cell *cell, const CoqlColumn *column, const json_t *record)
{
  g_auto (Scalar) value = { 0 };

  if (column->aggregate == AGGREGATE_NONE)
    {
      if (cell->shown == NULL)
        cell->shown = coql_show (emulator, column->path, record);
      return;
    }
  path_scalar (emulator, column->path, record, &value);
  if (value.empty)
    return;
  cell->count++;
  cell->sum += value.number;
  cell->fractions = cell->fractions || value.number != truncl (value.number);
  if (column->aggregate == AGGREGATE_MAX || column->aggregate == AGGREGATE_MIN)
    keep_best (cell, column, &value, record, emulator);
}

static bool
add_record (const json_t *record, uint64_t id, void *data)
{
  Grouping *grouping = data;
  const CoqlPlan *plan = grouping->plan;
  Group *group = group_of (grouping, record);

  for (unsigned i = 0; i < plan->columns->len; i++)
    add_value (plan->emulator, &group->cells[i], plan->columns->pdata[i], record);
  return true;
}

static json_t *
number (long double value, bool fractions)
{
  if (fractions || fabsl (value) > 9e18L)
    return json_real ((double) value);
  return json_integer ((json_int_t) value);
}

static json_t *
show_cell (const Cell *cell, Aggregate aggregate)
{
  switch (aggregate)
    {
    case AGGREGATE_COUNT:
      return json_integer ((json_int_t) cell->count);
    case AGGREGATE_SUM:
      return cell->count == 0 ? json_null () : number (cell->sum, cell->fractions);
    case AGGREGATE_AVG:
      return cell->count == 0 ? json_null () : json_real ((double) (cell->sum / cell->count));
    case AGGREGATE_NONE:
    case AGGREGATE_MAX:
    case AGGREGATE_MIN:
      break;
    }
  return cell->shown == NULL ? json_null () : json_incref (cell->shown);
}

static json_t *
show_group (const CoqlPlan *plan, const Group *group)
{
  json_t *row = json_object ();

  for (unsigned i = 0; i < plan->columns->len; i++)
    {
      const CoqlColumn *column = plan->columns->pdata[i];

      json_object_set_new (row, column->key, show_cell (&group->cells[i], column->aggregate));
    }
  return row;
}

static Kind
cell_kind (const CoqlColumn *column)
{
  bool counts = column->aggregate == AGGREGATE_COUNT || column->aggregate == AGGREGATE_SUM
                || column->aggregate == AGGREGATE_AVG;

  return counts ? KIND_NUMBER : column->path->kind;
}

static int
group_compare (gconstpointer a, gconstpointer b, gpointer data)
{
  const Group *left = *(Group *const *) a;
  const Group *right = *(Group *const *) b;
  const CoqlPlan *plan = data;

  for (unsigned i = 0; i < plan->group_order->len; i++)
    {
      const CoqlGroupOrder *order = &g_array_index (plan->group_order, CoqlGroupOrder, i);
      const CoqlColumn *column = plan->columns->pdata[order->column];
      json_auto_t *left_value = show_cell (&left->cells[order->column], column->aggregate);
      json_auto_t *right_value = show_cell (&right->cells[order->column], column->aggregate);
      g_auto (Scalar) left_scalar = { 0 };
      g_auto (Scalar) right_scalar = { 0 };
      int compared;

      scalar_read (cell_kind (column), left_value, &left_scalar);
      scalar_read (cell_kind (column), right_value, &right_scalar);
      compared = scalar_compare (&left_scalar, &right_scalar);
      if (compared != 0)
        return order->descending ? -compared : compared;
    }
  return 0;
}

static GPtrArray *
needed_fields (const CoqlPlan *plan)
{
  GPtrArray *fields = g_ptr_array_new ();

  for (unsigned i = 0; i < plan->columns->len; i++)
    g_ptr_array_add (fields, (char *) path_root (((CoqlColumn *) plan->columns->pdata[i])->path));
  for (unsigned i = 0; i < plan->group->len; i++)
    g_ptr_array_add (fields, (char *) path_root (plan->group->pdata[i]));
  g_ptr_array_add (fields, NULL);
  return fields;
}

json_t *
coql_run_grouped (const CoqlPlan *plan, bool *more)
{
  Selection selection = coql_selection (plan);
  g_autoptr (GPtrArray) fields = needed_fields (plan);
  g_autoptr (GPtrArray) groups = g_ptr_array_new_with_free_func (group_free);
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, free, NULL);
  Grouping grouping = { plan, table, groups };
  json_auto_t *nothing = json_object ();
  json_t *rows = json_array ();

  /* Without GROUP BY there is always one row, even over no records. */
  if (plan->group->len == 0)
    group_of (&grouping, nothing);
  selection_each (&selection, (char *const *) fields->pdata, add_record, &grouping);
  g_ptr_array_sort_with_data (groups, group_compare, (gpointer) plan);
  for (uint64_t i = plan->offset; i < groups->len && i < plan->offset + plan->limit; i++)
    json_array_append_new (rows, show_group (plan, groups->pdata[i]));
  *more = groups->len > plan->offset + plan->limit;
  return rows;
}
