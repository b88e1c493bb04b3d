/* A tree of tests over one record, and what the tree says about ids before any record is read. */
#include "condition.h"

#include <string.h>

struct Condition
{
  bool join;
  bool all;                  /* join: both must hold; else either */
  Condition *left, *right;   /* join */
  Path *path;
  Test test;
  GArray *values;            /* Scalar */
  bool empty_differs;
};

GArray *
scalar_array (void)
{
  GArray *values = g_array_new (FALSE, FALSE, sizeof (Scalar));

  g_array_set_clear_func (values, (GDestroyNotify) scalar_clear);
  return values;
}

Condition *
condition_test (Path *path, Test test, GArray *values, bool empty_differs)
{
  Condition *condition = g_new0 (Condition, 1);

  condition->path = path;
  condition->test = test;
  condition->values = values;
  condition->empty_differs = empty_differs;
  return condition;
}

Condition *
condition_join (bool all, Condition *left, Condition *right)
{
  Condition *condition = g_new0 (Condition, 1);

  condition->join = true;
  condition->all = all;
  condition->left = left;
  condition->right = right;
  return condition;
}

static bool
is_negative (Test test)
{
  return test == TEST_NOT_EQUAL || test == TEST_NOT_IN || test == TEST_NOT_CONTAINS || test == TEST_NOT_BETWEEN;
}

static const Scalar *
operand (const Condition *condition, unsigned n)
{
  return &g_array_index (condition->values, Scalar, n);
}

static bool
is_among (const Condition *condition, const Scalar *value)
{
  for (unsigned i = 0; i < condition->values->len; i++)
    {
      if (scalar_compare (value, operand (condition, i)) == 0)
        return true;
    }
  return false;
}

static bool
is_between (const Condition *condition, const Scalar *value)
{
  return scalar_compare (value, operand (condition, 0)) >= 0 && scalar_compare (value, operand (condition, 1)) <= 0;
}

/* Characters that Zoho's index takes for breaks between words. */
static char *
blank_specials (const char *text)
{
  return g_strdelimit (g_strdup (text), "{}[]^:-/!?*_@;,()", ' ');
}

static bool
has_words (const char *text, const char *wanted)
{
  g_autofree char *blanked = blank_specials (text);
  g_autofree char *needles = blank_specials (wanted);
  g_auto (GStrv) words = g_strsplit (needles, " ", -1);

  for (char **word = words; *word != NULL; word++)
    {
      if (strstr (blanked, *word) == NULL)
        return false;
    }
  return true;
}

static bool
text_test (const Condition *condition, const Scalar *value)
{
  const char *text = value->text == NULL ? "" : value->text;
  const char *wanted = operand (condition, 0)->text == NULL ? "" : operand (condition, 0)->text;

  switch (condition->test)
    {
    case TEST_STARTS:
      return g_str_has_prefix (text, wanted);
    case TEST_ENDS:
      return g_str_has_suffix (text, wanted);
    case TEST_FUZZY:
      return has_words (text, wanted);
    default:
      return (strstr (text, wanted) != NULL) == (condition->test == TEST_CONTAINS);
    }
}

static bool
value_test (const Condition *condition, const Scalar *value)
{
  switch (condition->test)
    {
    case TEST_EQUAL:
      return scalar_compare (value, operand (condition, 0)) == 0;
    case TEST_NOT_EQUAL:
      return scalar_compare (value, operand (condition, 0)) != 0;
    case TEST_LESS:
      return scalar_compare (value, operand (condition, 0)) < 0;
    case TEST_LESS_EQUAL:
      return scalar_compare (value, operand (condition, 0)) <= 0;
    case TEST_GREATER:
      return scalar_compare (value, operand (condition, 0)) > 0;
    case TEST_GREATER_EQUAL:
      return scalar_compare (value, operand (condition, 0)) >= 0;
    case TEST_BETWEEN:
      return is_between (condition, value);
    case TEST_NOT_BETWEEN:
      return !is_between (condition, value);
    case TEST_IN:
      return is_among (condition, value);
    case TEST_NOT_IN:
      return !is_among (condition, value);
    case TEST_CONTAINS:
    case TEST_NOT_CONTAINS:
    case TEST_STARTS:
    case TEST_ENDS:
    case TEST_FUZZY:
      return text_test (condition, value);
    case TEST_NULL:
      return false;
    case TEST_NOT_NULL:
      return true;
    }
  return false;
}

/* Members of a set: ";a;b;" has every one of ";b;". Single names are looked for as prefixes or parts of members. */
static bool
set_test (const Condition *condition, const Scalar *value)
{
  const char *wanted = operand (condition, 0)->text;
  g_auto (GStrv) names = g_strsplit (wanted, ";", -1);
  bool all = true;

  for (char **name = names; *name != NULL && all; name++)
    {
      g_autofree char *needle = g_strdup_printf (condition->test == TEST_STARTS ? ";%s"
                                                 : condition->test == TEST_ENDS ? "%s;"
                                                 : condition->test == TEST_FUZZY ? ";%s;" : "%s", *name);

      all = **name == '\0' || strstr (value->text, needle) != NULL;
    }
  return all == (condition->test != TEST_NOT_CONTAINS);
}

static bool
test_match (const Condition *condition, Emulator *emulator, const json_t *record)
{
  g_auto (Scalar) value = { 0 };

  path_scalar (emulator, condition->path, record, &value);
  if (value.empty)
    return condition->test == TEST_NULL || (condition->empty_differs && is_negative (condition->test));
  if (condition->path->kind == KIND_MULTI && condition->test >= TEST_CONTAINS && condition->test <= TEST_FUZZY)
    return set_test (condition, &value);
  return value_test (condition, &value);
}

bool
condition_match (const Condition *condition, Emulator *emulator, const json_t *record)
{
  if (condition == NULL)
    return true;
  if (!condition->join)
    return test_match (condition, emulator, record);
  if (condition_match (condition->left, emulator, record) != condition->all)
    return !condition->all;
  return condition_match (condition->right, emulator, record);
}

void
condition_fields (const Condition *condition, GPtrArray *names)
{
  if (condition == NULL)
    return;
  if (condition->join)
    {
      condition_fields (condition->left, names);
      condition_fields (condition->right, names);
    }
  else if (!g_ptr_array_find_with_equal_func (names, path_root (condition->path), g_str_equal, NULL))
    g_ptr_array_add (names, (char *) path_root (condition->path));
}

bool
condition_mentions (const Condition *condition, const char *key)
{
  if (condition->join)
    return condition_mentions (condition->left, key) || condition_mentions (condition->right, key);
  return path_is_own (condition->path, key);
}

static int
id_compare (gconstpointer a, gconstpointer b)
{
  uint64_t left = *(const uint64_t *) a;
  uint64_t right = *(const uint64_t *) b;

  return (left > right) - (left < right);
}

static GArray *
sorted_ids (const GArray *values)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  unsigned kept = 0;

  for (unsigned i = 0; i < values->len; i++)
    {
      uint64_t id = (uint64_t) g_array_index (values, Scalar, i).number;

      g_array_append_val (ids, id);
    }
  g_array_sort (ids, id_compare);
  for (unsigned i = 0; i < ids->len; i++)
    {
      if (i == 0 || g_array_index (ids, uint64_t, i) != g_array_index (ids, uint64_t, kept - 1))
        g_array_index (ids, uint64_t, kept++) = g_array_index (ids, uint64_t, i);
    }
  return g_array_set_size (ids, kept);
}

static Bounds
id_bounds (const Condition *condition)
{
  Bounds bounds = { 0, UINT64_MAX, NULL, false, 0 };
  uint64_t first = condition->values->len > 0 ? (uint64_t) operand (condition, 0)->number : 0;

  switch (condition->test)
    {
    case TEST_EQUAL:
    case TEST_IN:
      bounds.ids = sorted_ids (condition->values);
      break;
    case TEST_GREATER:
      bounds.low = first + 1;
      break;
    case TEST_GREATER_EQUAL:
      bounds.low = first;
      break;
    case TEST_LESS:
      bounds.high = first == 0 ? 0 : first - 1;
      break;
    case TEST_LESS_EQUAL:
      bounds.high = first;
      break;
    case TEST_BETWEEN:
      bounds.low = first;
      bounds.high = (uint64_t) operand (condition, 1)->number;
      break;
    default:
      break;
    }
  return bounds;
}

static Bounds
test_bounds (const Condition *condition)
{
  Bounds bounds = { 0, UINT64_MAX, NULL, false, 0 };

  if (path_is_own_id (condition->path))
    return id_bounds (condition);
  if (!path_is_own (condition->path, "Modified_Time") || condition->path->kind != KIND_TIME)
    return bounds;
  bounds.recent = condition->test == TEST_GREATER || condition->test == TEST_GREATER_EQUAL
                  || condition->test == TEST_EQUAL || condition->test == TEST_BETWEEN;
  if (bounds.recent)
    bounds.since = (time_t) operand (condition, 0)->number;
  return bounds;
}

Bounds
condition_bounds (const Condition *condition)
{
  Bounds bounds = { 0, UINT64_MAX, NULL, false, 0 };
  Bounds other;

  if (condition == NULL)
    return bounds;
  if (!condition->join)
    return test_bounds (condition);
  if (!condition->all)
    return bounds;
  bounds = condition_bounds (condition->left);
  other = condition_bounds (condition->right);
  bounds.low = MAX (bounds.low, other.low);
  bounds.high = MIN (bounds.high, other.high);
  bounds.since = MAX (bounds.recent ? bounds.since : other.since, other.recent ? other.since : bounds.since);
  bounds.recent = bounds.recent || other.recent;
  /* Two lists: either will do, as every candidate is tested anyway. */
  if (bounds.ids == NULL)
    bounds.ids = other.ids;
  else if (other.ids != NULL)
    g_array_unref (other.ids);
  return bounds;
}

void
condition_free (Condition *condition)
{
  if (condition == NULL)
    return;
  condition_free (condition->left);
  condition_free (condition->right);
  path_free (condition->path);
  g_clear_pointer (&condition->values, g_array_unref);
  g_free (condition);
}
