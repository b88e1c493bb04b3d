/* Checks a parsed query against modules, fields, types and limits, and turns its names into paths.
 *
 * The order of the checks is ours; Zoho documents the errors, not which of several comes first. */
#include "coql_plan.h"

#include <string.h>

enum
{
  MOST_CRITERIA = 25,
  MOST_VALUES = 100,
  MOST_ORDER = 10,
  MOST_GROUP = 4,
  MOST_AGGREGATES = 5,
  MOST_BASE_JOINS = 5,
  MOST_SELECT_JOINS = 15,
  MOST_TOTAL = 100000
};

typedef struct
{
  CoqlPlan *plan;
  const CoqlQuery *query;
  const char *user_id;
  Refusal *refusal;
  unsigned criteria;
  GHashTable *joins; /* dotted prefixes of the part that is being planned */
} Planner;

static void
column_free (gpointer data)
{
  CoqlColumn *column = data;

  path_free (column->path);
  g_free (column->key);
  g_free (column);
}

static bool
over_limit (Planner *planner, int64_t limit, const char *clause)
{
  return refuse (planner->refusal, "LIMIT_EXCEEDED", "limit exceeded",
                 json_pack ("{s:I, s:s}", "limit", (json_int_t) limit, "clause", clause));
}

static bool
bad_column (Planner *planner, const char *name, const char *clause)
{
  json_t *details = json_pack ("{s:s}", "column_name", name);

  if (clause != NULL)
    json_object_set_new (details, "clause", json_string (clause));
  return refuse (planner->refusal, "INVALID_QUERY", "column given seems to be invalid", details);
}

static bool
duplicate_column (Planner *planner, const CoqlItem *item)
{
  json_t *details = json_pack ("{s:s}", "column_name", item->path);

  if (item->aggregate != AGGREGATE_NONE)
    json_object_set_new (details, "aggregate", json_string (aggregate_name (item->aggregate)));
  return refuse (planner->refusal, "DUPLICATE_DATA", "duplicate data", details);
}

static bool
has_duplicate (const GPtrArray *items, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    {
      if (strcmp (((CoqlItem *) items->pdata[i])->text, ((CoqlItem *) items->pdata[n])->text) == 0)
        return true;
    }
  return false;
}

static bool
check_duplicates (Planner *planner, const GPtrArray *items)
{
  for (unsigned i = 1; i < items->len; i++)
    {
      if (has_duplicate (items, i))
        return duplicate_column (planner, items->pdata[i]);
    }
  return true;
}

/* ---- paths ------------------------------------------------------------------------------------------------------- */

static void
note_modules (CoqlPlan *plan, const Path *path)
{
  for (unsigned i = 0; i < path->hops->len; i++)
    {
      const Module *module = g_array_index (path->hops, Hop, i).source;

      if (module != NULL && !g_ptr_array_find (plan->modules, module, NULL))
        g_ptr_array_add (plan->modules, (gpointer) module);
    }
}

static void
note_join (Planner *planner, const char *text)
{
  const char *dot = strrchr (text, '.');

  if (dot != NULL && *text != '!')
    g_hash_table_add (planner->joins, g_strndup (text, (gsize) (dot - text)));
}

static Path *
plan_path (Planner *planner, const char *text)
{
  g_autofree char *bad_module = NULL;
  Path *path = path_new (planner->plan->emulator, planner->plan->source, text, &bad_module);

  if (path != NULL)
    {
      note_modules (planner->plan, path);
      note_join (planner, text);
      return path;
    }
  if (bad_module != NULL)
    refuse (planner->refusal, "INVALID_QUERY", "invalid query formed", json_pack ("{s:s}", "module", bad_module));
  else
    bad_column (planner, text, NULL);
  return NULL;
}

/* ---- select ------------------------------------------------------------------------------------------------------ */

/* A field whose values are rows or files has no column. */
static bool
is_selectable (Planner *planner, const Path *path)
{
  if (path->kind != KIND_ROWS)
    return true;
  return refuse (planner->refusal, "INVALID_QUERY", "data type not supported",
                 json_pack ("{s:s}", "column_name", path->text));
}

static bool
check_aggregate (Planner *planner, const CoqlItem *item, const Path *path)
{
  bool ordered = path->kind == KIND_NUMBER || path->kind == KIND_DATE || path->kind == KIND_TIME;

  switch (item->aggregate)
    {
    case AGGREGATE_NONE:
    case AGGREGATE_COUNT:
      return true;
    case AGGREGATE_MAX:
    case AGGREGATE_MIN:
      if (ordered)
        return true;
      break;
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
      if (path->kind == KIND_NUMBER)
        return true;
      break;
    }
  return refuse (planner->refusal, "INVALID_DATA", "invalid data",
                 json_pack ("{s:s, s:s}", "reason", "aggregate function is not supported for the column", "column",
                            item->path));
}

static bool
check_alias (Planner *planner, const CoqlItem *item)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ";

  if (item->alias == NULL || (strspn (item->alias, allowed) == strlen (item->alias) && strlen (item->alias) <= 150))
    return true;
  return refuse (planner->refusal, "INVALID_QUERY", "invalid query formed",
                 json_pack ("{s:s, s:s}", "alias", item->alias, "column_name", item->path));
}

/* Two columns under one key. */
static bool
check_keys (Planner *planner, unsigned n)
{
  const CoqlColumn *column = planner->plan->columns->pdata[n];

  for (unsigned i = 0; i < n; i++)
    {
      const CoqlColumn *other = planner->plan->columns->pdata[i];

      if (strcmp (column->key, other->key) == 0)
        return refuse (planner->refusal, "DUPLICATE_ALIAS", "duplicate alias given",
                       json_pack ("{s:s, s:[s,s]}", "alias", column->key, "referred_columns", other->path->text,
                                  column->path->text));
    }
  return true;
}

static bool
plan_column (Planner *planner, const CoqlItem *item)
{
  g_autoptr (Path) path = check_alias (planner, item) ? plan_path (planner, item->path) : NULL;
  CoqlColumn *column;

  if (path == NULL || !check_aggregate (planner, item, path))
    return false;
  if (item->aggregate != AGGREGATE_COUNT && !is_selectable (planner, path))
    return false;
  column = g_new0 (CoqlColumn, 1);
  column->path = g_steal_pointer (&path);
  column->key = g_strdup (item->alias != NULL ? item->alias : item->text);
  column->aggregate = item->aggregate;
  g_ptr_array_add (planner->plan->columns, column);
  return check_keys (planner, planner->plan->columns->len - 1);
}

static bool
plan_select (Planner *planner)
{
  const GPtrArray *items = planner->query->select;
  int64_t most = setting_int (planner->plan->emulator, "coql_columns", 50);
  unsigned aggregates = 0;

  if (items->len > most)
    return over_limit (planner, most, "select");
  if (!check_duplicates (planner, items))
    return false;
  for (unsigned i = 0; i < items->len; i++)
    {
      const CoqlItem *item = items->pdata[i];

      aggregates += item->aggregate != AGGREGATE_NONE;
      if (aggregates > MOST_AGGREGATES)
        return over_limit (planner, MOST_AGGREGATES, "aggregate");
      if (!plan_column (planner, item))
        return false;
    }
  planner->plan->grouped = aggregates > 0 || planner->query->group->len > 0;
  if (g_hash_table_size (planner->joins) > MOST_SELECT_JOINS)
    return over_limit (planner, MOST_SELECT_JOINS, "select");
  g_hash_table_remove_all (planner->joins);
  return true;
}

/* ---- where ------------------------------------------------------------------------------------------------------- */

static bool
takes_operator (Kind kind, const CoqlTerm *term)
{
  bool like = strstr (term->operator_text, "like") != NULL;

  if (term->test == TEST_NULL || term->test == TEST_NOT_NULL)
    return true;
  switch (kind)
    {
    case KIND_TEXT:
    case KIND_PICKLIST:
    case KIND_MULTI:
      return like || term->test == TEST_EQUAL || term->test == TEST_NOT_EQUAL || term->test == TEST_IN
             || term->test == TEST_NOT_IN;
    case KIND_NUMBER:
    case KIND_DATE:
    case KIND_TIME:
    case KIND_ID:
      return !like;
    case KIND_LOOKUP:
      return !like
             && (term->test == TEST_EQUAL || term->test == TEST_NOT_EQUAL || term->test == TEST_IN
                 || term->test == TEST_NOT_IN);
    case KIND_BOOLEAN:
      return !like && term->test == TEST_EQUAL;
    case KIND_ROWS:
      break;
    }
  return false;
}

/* Zoho's two shapes: short operators come with a reason, the worded ones with the value. */
static bool
bad_operator (Planner *planner, const CoqlTerm *term)
{
  if (!g_ascii_isalpha (*term->operator_text))
    return refuse (planner->refusal, "INVALID_QUERY", "invalid query formed",
                   json_pack ("{s:s, s:s, s:s}", "reason", "invalid operator found", "column_name", term->path,
                              "operator", term->operator_text));
  return refuse (planner->refusal, "INVALID_QUERY", "invalid query formed",
                 json_pack ("{s:b, s:s, s:s, s:s}", "cv_criteria", 0, "column_name", term->path, "value",
                            term->value_text == NULL ? "" : term->value_text, "operator", term->operator_text));
}

static bool
bad_value (Planner *planner, const CoqlTerm *term, const char *value)
{
  return refuse (planner->refusal, "INVALID_QUERY", "value given seems to be invalid for the column",
                 json_pack ("{s:b, s:s, s:s, s:s}", "cv_criteria", 0, "column_name", term->path, "value", value,
                            "operator", term->operator_text));
}

static GArray *
plan_values (Planner *planner, const CoqlTerm *term, Kind kind)
{
  g_autoptr (GArray) values = scalar_array ();

  for (unsigned i = 0; i < term->values->len; i++)
    {
      Scalar value;

      if (!scalar_parse (kind, term->values->pdata[i], &value))
        {
          bad_value (planner, term, term->values->pdata[i]);
          return NULL;
        }
      g_array_append_val (values, value);
    }
  return g_steal_pointer (&values);
}

static Condition *
plan_criterion (Planner *planner, const CoqlTerm *term)
{
  g_autoptr (Path) path = plan_path (planner, term->path);
  GArray *values;

  if (path == NULL)
    return NULL;
  if (++planner->criteria > MOST_CRITERIA)
    over_limit (planner, MOST_CRITERIA, "where");
  else if (term->values->len > MOST_VALUES)
    over_limit (planner, MOST_VALUES, term->operator_text);
  else if (!takes_operator (path->kind, term))
    bad_operator (planner, term);
  else if (term->odd_pattern)
    bad_value (planner, term, term->value_text);
  if (planner->refusal->code != NULL)
    return NULL;
  values = plan_values (planner, term, path->kind);
  return values == NULL ? NULL : condition_test (g_steal_pointer (&path), term->test, values, false);
}

static Condition *
plan_term (Planner *planner, const CoqlTerm *term)
{
  g_autoptr (Condition) left = NULL;
  Condition *right;

  if (term->path != NULL)
    return plan_criterion (planner, term);
  left = plan_term (planner, term->left);
  right = left == NULL ? NULL : plan_term (planner, term->right);
  return right == NULL ? NULL : condition_join (term->all, g_steal_pointer (&left), right);
}

/* ---- group by, order by ------------------------------------------------------------------------------------------ */

/* The selected column that @item of another clause means, by text or by alias; -1: none. */
static int
find_column (const Planner *planner, const CoqlItem *item)
{
  for (unsigned i = 0; i < planner->query->select->len; i++)
    {
      const CoqlItem *selected = planner->query->select->pdata[i];

      if (strcmp (selected->text, item->text) == 0 || g_strcmp0 (selected->alias, item->text) == 0)
        return (int) i;
    }
  return -1;
}

static const char *
meant_path (const Planner *planner, const CoqlItem *item)
{
  int column = find_column (planner, item);

  return column < 0 ? item->path : ((CoqlItem *) planner->query->select->pdata[column])->path;
}

static bool
is_grouped (const Planner *planner, const CoqlColumn *column)
{
  for (unsigned i = 0; i < planner->plan->group->len; i++)
    {
      if (strcmp (((Path *) planner->plan->group->pdata[i])->text, column->path->text) == 0)
        return true;
    }
  return column->aggregate != AGGREGATE_NONE;
}

static bool
plan_group (Planner *planner)
{
  const GPtrArray *items = planner->query->group;

  if (items->len > MOST_GROUP)
    return over_limit (planner, MOST_GROUP, "group by");
  if (!check_duplicates (planner, items))
    return false;
  for (unsigned i = 0; i < items->len; i++)
    {
      const CoqlItem *item = items->pdata[i];
      Path *path = item->aggregate == AGGREGATE_NONE ? plan_path (planner, meant_path (planner, item)) : NULL;

      if (path == NULL)
        return bad_column (planner, item->text, "group by");
      g_ptr_array_add (planner->plan->group, path);
      if (!is_selectable (planner, path))
        return false;
    }
  for (unsigned i = 0; planner->plan->grouped && i < planner->plan->columns->len; i++)
    {
      const CoqlColumn *column = planner->plan->columns->pdata[i];

      if (!is_grouped (planner, column))
        return bad_column (planner, column->path->text, "group by");
    }
  return true;
}

static bool
plan_order_item (Planner *planner, const CoqlItem *item)
{
  int column = find_column (planner, item);
  CoqlGroupOrder group_order = { (unsigned) column, item->descending };
  Order order = { NULL, item->descending };

  if (planner->plan->grouped)
    {
      if (column < 0)
        return bad_column (planner, item->text, "order by");
      g_array_append_val (planner->plan->group_order, group_order);
      return true;
    }
  order.path = item->aggregate == AGGREGATE_NONE ? plan_path (planner, meant_path (planner, item)) : NULL;
  if (order.path == NULL)
    return bad_column (planner, item->text, "order by");
  g_ptr_array_add (planner->plan->order_paths, order.path);
  g_array_append_val (planner->plan->order, order);
  return is_selectable (planner, order.path);
}

static bool
plan_order (Planner *planner)
{
  const GPtrArray *items = planner->query->order;

  if (items->len > MOST_ORDER)
    return over_limit (planner, MOST_ORDER, "order by");
  if (!check_duplicates (planner, items))
    return false;
  for (unsigned i = 0; i < items->len; i++)
    {
      if (!plan_order_item (planner, items->pdata[i]))
        return false;
    }
  return true;
}

static bool
plan_limit (Planner *planner)
{
  int64_t most = setting_int (planner->plan->emulator, "coql_rows", 200);
  int64_t limit = planner->query->limit < 0 ? MIN (200, most) : planner->query->limit;

  if (limit == 0)
    return refuse (planner->refusal, "INVALID_DATA", "limit should be greater than 0", NULL);
  if (limit > most)
    return over_limit (planner, most, "limit");
  if (planner->query->offset + limit > MOST_TOTAL)
    return over_limit (planner, MOST_TOTAL, "offset");
  planner->plan->limit = (uint64_t) limit;
  planner->plan->offset = (uint64_t) planner->query->offset;
  return true;
}

static bool
plan_source (Planner *planner)
{
  const Module *source = source_find (planner->plan->emulator, planner->query->module);

  if (source == NULL || strcmp (source->api_name, "Notes") == 0 || strcmp (source->api_name, "Attachments") == 0)
    return refuse (planner->refusal, "INVALID_MODULE", "the given module is not supported in api", NULL);
  planner->plan->source = source;
  g_ptr_array_add (planner->plan->modules, (gpointer) source);
  return true;
}

/* The views of metadata.c: all records, whose id is ten times the module's, and one's own, the id after that. */
static bool
plan_view (Planner *planner)
{
  CoqlPlan *plan = planner->plan;
  Scalar owner = { 0 };
  uint64_t module = 0;
  uint64_t view = 0;
  GArray *values;
  Path *path;

  if (planner->query->view == NULL)
    return true;
  if (plan->source->id == NULL || !parse_id (plan->source->id, &module) || !parse_id (planner->query->view, &view)
      || view / 10 != module || view % 10 > 1 || module_field (plan->source, "Owner") == NULL)
    return refuse (planner->refusal, "INVALID_QUERY", "invalid query formed",
                   json_pack ("{s:s}", "cvid", planner->query->view));
  if (view % 10 == 0)
    return true;
  path = plan_path (planner, "Owner");
  if (path == NULL)
    return false;
  values = scalar_array ();
  scalar_parse (KIND_LOOKUP, planner->user_id, &owner);
  g_array_append_val (values, owner);
  plan->where = condition_join (true, plan->where, condition_test (path, TEST_EQUAL, values, false));
  return true;
}

static bool
plan_all (Planner *planner)
{
  if (!plan_source (planner) || !plan_select (planner))
    return false;
  planner->plan->where = plan_term (planner, planner->query->where);
  planner->plan->converted = planner->plan->where != NULL
                             && condition_mentions (planner->plan->where, "Converted__s");
  if (planner->plan->where == NULL || !plan_view (planner) || !plan_group (planner) || !plan_order (planner))
    return false;
  if (g_hash_table_size (planner->joins) > MOST_BASE_JOINS)
    return over_limit (planner, MOST_BASE_JOINS, "join");
  return plan_limit (planner);
}

CoqlPlan *
coql_plan (Emulator *emulator, const CoqlQuery *query, const char *user_id, Refusal *refusal)
{
  g_autoptr (CoqlPlan) plan = g_new0 (CoqlPlan, 1);
  g_autoptr (GHashTable) joins = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Planner planner = { plan, query, user_id, refusal, 0, joins };

  plan->emulator = emulator;
  plan->columns = g_ptr_array_new_with_free_func (column_free);
  plan->group = g_ptr_array_new_with_free_func ((GDestroyNotify) path_free);
  plan->order = g_array_new (FALSE, FALSE, sizeof (Order));
  plan->order_paths = g_ptr_array_new_with_free_func ((GDestroyNotify) path_free);
  plan->group_order = g_array_new (FALSE, FALSE, sizeof (CoqlGroupOrder));
  plan->modules = g_ptr_array_new ();
  return plan_all (&planner) ? g_steal_pointer (&plan) : NULL;
}

void
coql_plan_free (CoqlPlan *plan)
{
  if (plan == NULL)
    return;
  g_ptr_array_unref (plan->columns);
  condition_free (plan->where);
  g_ptr_array_unref (plan->group);
  g_array_unref (plan->order);
  g_ptr_array_unref (plan->order_paths);
  g_array_unref (plan->group_order);
  g_ptr_array_unref (plan->modules);
  g_free (plan);
}
