/* The criteria of a bulk read: conditions, and groups of them joined by "and" or "or". */
#include "bulk.h"

#include <string.h>

#include "path.h"
#include "payload.h"

enum
{
  MOST_DEPTH = 4
};

typedef enum
{
  TEST_EQUAL,
  TEST_IN,
  TEST_LESS,
  TEST_GREATER,
  TEST_BETWEEN,
  TEST_CONTAINS,
  TEST_STARTS,
  TEST_ENDS
} Test;

static const struct
{
  const char *name;
  Test test;
  bool negated;
  bool many;      /* takes an array */
  bool text_only;
} comparators[] = {
  { "equal", TEST_EQUAL, false, false, false },
  { "not_equal", TEST_EQUAL, true, false, false },
  { "in", TEST_IN, false, true, false },
  { "not_in", TEST_IN, true, true, false },
  { "less_than", TEST_LESS, false, false, false },
  { "greater_equal", TEST_LESS, true, false, false },
  { "greater_than", TEST_GREATER, false, false, false },
  { "less_equal", TEST_GREATER, true, false, false },
  { "between", TEST_BETWEEN, false, true, false },
  { "not_between", TEST_BETWEEN, true, true, false },
  { "contains", TEST_CONTAINS, false, false, true },
  { "not_contains", TEST_CONTAINS, true, false, true },
  { "starts_with", TEST_STARTS, false, false, true },
  { "ends_with", TEST_ENDS, false, false, true },
};

struct BulkCriteria
{
  GPtrArray *group; /* BulkCriteria; NULL: a condition */
  bool any;         /* of a group: "or" */
  Path *path;
  unsigned comparator;
  GArray *values;   /* Scalar */
  json_t *value;    /* as sent */
};

typedef struct
{
  Emulator *emulator;
  const Module *module;
  Reply *reply;
  unsigned conditions;
} Parser;

static BulkCriteria *
refuse_condition (const Parser *parser, const json_t *condition, const char *code, const char *message)
{
  const json_t *field = json_object_get (condition, "field");

  reply_error (parser->reply, 400, code, message,
               json_pack ("{s:s*, s:O*, s:O*, s:s}", "api_name", member_text (field, "api_name"), "comparator",
                          json_object_get (condition, "comparator"), "value", json_object_get (condition, "value"),
                          "type", "value"));
  return NULL;
}

static BulkCriteria *
refuse_limit (const Parser *parser, const char *code, const char *message, int most)
{
  reply_error (parser->reply, 400, code, message, json_pack ("{s:i}", "max_limit", most));
  return NULL;
}

/* "${EMPTY}" is the empty value. */
static bool
add_value (const Parser *parser, BulkCriteria *criteria, const json_t *value)
{
  bool plain = json_is_number (value) || json_is_boolean (value);
  g_autofree char *digits = plain ? json_dumps (value, JSON_ENCODE_ANY) : NULL;
  const char *exact = exact_number (value);
  const char *text = digits != NULL ? digits : exact != NULL ? exact : json_string_value (value);
  Scalar scalar = { .empty = true };

  if (text == NULL
      || (strcmp (text, "${EMPTY}") != 0 && !scalar_parse (criteria->path->kind, text, &scalar)))
    return false;
  g_array_append_val (criteria->values, scalar);
  return true;
}

static BulkCriteria *
parse_values (const Parser *parser, BulkCriteria *criteria, const json_t *condition)
{
  const json_t *value = json_object_get (condition, "value");
  bool many = comparators[criteria->comparator].many;
  json_t *each;
  size_t index;
  bool fits = many == json_is_array (value);

  if (json_array_size (value) > BULK_MOST_VALUES)
    {
      bulk_criteria_free (criteria);
      return refuse_limit (parser, "VALUE_LIMIT_EXCEEDED_IN_CRITERIA", "Too many values in the criteria",
                           BULK_MOST_VALUES);
    }
  if (fits && many)
    {
      json_array_foreach (value, index, each)
        fits = fits && add_value (parser, criteria, each);
    }
  else if (fits)
    fits = add_value (parser, criteria, value);
  if (comparators[criteria->comparator].test == TEST_BETWEEN && criteria->values->len != 2)
    fits = false;
  if (fits && criteria->values->len > 0)
    {
      criteria->value = json_deep_copy (value);
      return criteria;
    }
  bulk_criteria_free (criteria);
  return refuse_condition (parser, condition, "INVALID_CRITERIA", "The value in the criteria is invalid");
}

static bool
find_comparator (const char *name, unsigned *comparator)
{
  for (unsigned i = 0; name != NULL && i < G_N_ELEMENTS (comparators); i++)
    {
      *comparator = i;
      if (strcmp (comparators[i].name, name) == 0)
        return true;
    }
  return false;
}

static BulkCriteria *
parse_condition (Parser *parser, const json_t *condition)
{
  const json_t *field = json_object_get (condition, "field");
  const char *name = member_text (field, "api_name");
  g_autofree char *bad_module = NULL;
  g_autoptr (Path) path = name == NULL ? NULL : path_new (parser->emulator, parser->module, name, &bad_module);
  unsigned comparator;
  BulkCriteria *criteria;

  if (++parser->conditions > BULK_MOST_CRITERIA)
    return refuse_limit (parser, "CRITERIA_LIMIT_EXCEEDED", "Too many criteria", BULK_MOST_CRITERIA);
  if (path == NULL || path->kind == KIND_ROWS)
    return refuse_condition (parser, condition, "INVALID_CRITERIA", "The field in the criteria is not available");
  if (!find_comparator (member_text (condition, "comparator"), &comparator)
      || (comparators[comparator].text_only && !kind_is_text (path->kind)))
    return refuse_condition (parser, condition, "INVALID_CRITERIA", "The comparator in the criteria is not supported");
  criteria = g_new0 (BulkCriteria, 1);
  criteria->path = g_steal_pointer (&path);
  criteria->comparator = comparator;
  criteria->values = g_array_new (FALSE, FALSE, sizeof (Scalar));
  g_array_set_clear_func (criteria->values, (GDestroyNotify) scalar_clear);
  return parse_values (parser, criteria, condition);
}

/* A condition, or a group. */
static BulkCriteria *
parse_criteria (Parser *parser, const json_t *json, unsigned depth)
{
  const json_t *group = json_object_get (json, "group");
  const char *operator = member_text (json, "group_operator");
  g_autoptr (BulkCriteria) criteria = NULL;
  json_t *member;
  size_t index;

  if (group == NULL)
    return parse_condition (parser, json);
  if (json_object_get (json, "field") != NULL)
    return refuse_condition (parser, json, "AMBIGUOUS_CRITERIA", "The criteria is ambiguous");
  if (operator == NULL || (g_ascii_strcasecmp (operator, "and") != 0 && g_ascii_strcasecmp (operator, "or") != 0))
    {
      reply_error (parser->reply, 400, "GROUP_OPERATOR_NOT_SUPPORTED", "The group operator is not supported",
                   json_pack ("{s:[s, s]}", "supported", "and", "or"));
      return NULL;
    }
  if (json_array_size (group) == 0 || depth >= MOST_DEPTH)
    return refuse_condition (parser, json, "INVALID_CRITERIA", "The group in the criteria is invalid");
  criteria = g_new0 (BulkCriteria, 1);
  criteria->any = g_ascii_strcasecmp (operator, "or") == 0;
  criteria->group = g_ptr_array_new_with_free_func ((GDestroyNotify) bulk_criteria_free);
  json_array_foreach (group, index, member)
    {
      BulkCriteria *parsed = parse_criteria (parser, member, depth + 1);

      if (parsed == NULL)
        return NULL;
      g_ptr_array_add (criteria->group, parsed);
    }
  return g_steal_pointer (&criteria);
}

BulkCriteria *
bulk_criteria_new (Emulator *emulator, const Module *module, const json_t *criteria, Reply *reply)
{
  Parser parser = { .emulator = emulator, .module = module, .reply = reply };

  return parse_criteria (&parser, criteria, 0);
}

void
bulk_criteria_keys (const BulkCriteria *criteria, GPtrArray *keys)
{
  if (criteria->group == NULL)
    g_ptr_array_add (keys, (char *) path_root (criteria->path));
  for (unsigned i = 0; criteria->group != NULL && i < criteria->group->len; i++)
    bulk_criteria_keys (criteria->group->pdata[i], keys);
}

static bool
matches (Test test, const Scalar *scalar, const GArray *values)
{
  const Scalar *first = &g_array_index (values, Scalar, 0);
  const char *text = scalar->text == NULL ? "" : scalar->text;
  const char *wanted = first->text == NULL ? "" : first->text;
  int order = scalar_compare (scalar, first);

  switch (test)
    {
    case TEST_EQUAL:    return order == 0;
    case TEST_IN:
      for (unsigned i = 0; i < values->len; i++)
        {
          if (scalar_compare (scalar, &g_array_index (values, Scalar, i)) == 0)
            return true;
        }
      return false;
    case TEST_LESS:     return order < 0;
    case TEST_GREATER:  return order > 0;
    case TEST_BETWEEN:  return order >= 0 && scalar_compare (scalar, &g_array_index (values, Scalar, 1)) <= 0;
    case TEST_CONTAINS: return strstr (text, wanted) != NULL;
    case TEST_STARTS:   return g_str_has_prefix (text, wanted);
    case TEST_ENDS:     return g_str_has_suffix (text, wanted);
    }
  return false;
}

static bool
match_condition (Emulator *emulator, const BulkCriteria *criteria, const json_t *record)
{
  g_auto (Scalar) scalar = { .empty = true };
  Test test = comparators[criteria->comparator].test;
  bool negated = comparators[criteria->comparator].negated;

  path_scalar (emulator, criteria->path, record, &scalar);
  if (scalar.empty && test != TEST_EQUAL && test != TEST_IN)
    return negated && test != TEST_LESS && test != TEST_GREATER;
  return matches (test, &scalar, criteria->values) != negated;
}

bool
bulk_criteria_match (Emulator *emulator, const BulkCriteria *criteria, const json_t *record)
{
  if (criteria->group == NULL)
    return match_condition (emulator, criteria, record);
  for (unsigned i = 0; i < criteria->group->len; i++)
    {
      if (bulk_criteria_match (emulator, criteria->group->pdata[i], record) == criteria->any)
        return criteria->any;
    }
  return !criteria->any;
}

json_t *
bulk_criteria_json (const BulkCriteria *criteria)
{
  json_t *members;

  if (criteria->group == NULL)
    return json_pack ("{s:{s:s, s:s?}, s:n, s:O, s:s, s:s}", "field", "api_name", criteria->path->text, "id",
                      criteria->path->field == NULL ? NULL : criteria->path->field->id, "id", "value",
                      criteria->value, "type", "value", "comparator", comparators[criteria->comparator].name);
  members = json_array ();
  for (unsigned i = 0; i < criteria->group->len; i++)
    json_array_append_new (members, bulk_criteria_json (criteria->group->pdata[i]));
  return json_pack ("{s:s, s:o}", "group_operator", criteria->any ? "or" : "and", "group", members);
}

void
bulk_criteria_free (BulkCriteria *criteria)
{
  if (criteria == NULL)
    return;
  g_clear_pointer (&criteria->group, g_ptr_array_unref);
  g_clear_pointer (&criteria->values, g_array_unref);
  path_free (criteria->path);
  json_decref (criteria->value);
  g_free (criteria);
}
