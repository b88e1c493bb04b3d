/* Reads search's criteria text into conditions; one table says which kinds of field each comparison takes. */
#include <string.h>

#include "criteria.h"

enum
{
  MOST_DEPTH = 32,
  MOST_VALUES = 100,
  MOST_TEXT = 3000
};

typedef enum
{
  OF_TEXT = 1 << 0,
  OF_AREA = 1 << 1,    /* textarea */
  OF_CHOICE = 1 << 2,  /* picklist, autonumber, lookup */
  OF_MULTI = 1 << 3,
  OF_ORDERED = 1 << 4, /* number, date, datetime, id */
  OF_BOOLEAN = 1 << 5,
  OF_TEXTS = OF_TEXT | OF_AREA,
  OF_ANY = OF_TEXTS | OF_CHOICE | OF_MULTI | OF_ORDERED | OF_BOOLEAN
} Takes;

typedef struct
{
  const char *word;
  Test test;
  unsigned takes;
} Comparator;

static const Comparator comparators[] = {
  { "equals", TEST_EQUAL, OF_ANY },
  { "not_equal", TEST_NOT_EQUAL, OF_ANY },
  { "starts_with", TEST_STARTS, OF_TEXTS | OF_MULTI },
  { "in", TEST_IN, OF_TEXT | OF_CHOICE | OF_MULTI | OF_ORDERED },
  { "greater_than", TEST_GREATER, OF_ORDERED },
  { "greater_equal", TEST_GREATER_EQUAL, OF_ORDERED },
  { "less_than", TEST_LESS, OF_ORDERED },
  { "less_equal", TEST_LESS_EQUAL, OF_ORDERED },
  { "between", TEST_BETWEEN, OF_ORDERED },
};

static const Comparator *
find_comparator (const char *word)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (comparators); i++)
    {
      if (strcmp (comparators[i].word, word) == 0)
        return &comparators[i];
    }
  return NULL;
}

static unsigned
takes_of (const Path *path)
{
  const char *data_type = path->field == NULL ? "" : path->field->data_type;

  switch (path->kind)
    {
    case KIND_TEXT:
      if (strcmp (data_type, "textarea") == 0)
        return OF_AREA;
      return strcmp (data_type, "autonumber") == 0 ? OF_CHOICE : OF_TEXT;
    case KIND_PICKLIST:
    case KIND_LOOKUP:
      return OF_CHOICE;
    case KIND_MULTI:
      return OF_MULTI;
    case KIND_NUMBER:
    case KIND_DATE:
    case KIND_TIME:
    case KIND_ID:
      return OF_ORDERED;
    case KIND_BOOLEAN:
      return OF_BOOLEAN;
    case KIND_ROWS:
      break;
    }
  return 0;
}

/* ---- one test ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  Emulator *emulator;
  const Module *module;
  Refusal *refusal;
  int64_t most; /* criteria */
  int64_t count;
  const char *at; /* what is left of the text */
} Parse;

static bool
refuse_query (Parse *parse, const char *reason, const char *api_name, const char *more_key, const char *more)
{
  json_t *details = json_pack ("{s:s, s:s}", "reason", reason, "api_name", api_name);

  if (more_key != NULL)
    json_object_set_new (details, more_key, json_string (more));
  return refuse (parse->refusal, "INVALID_QUERY", "Invalid query formed", details);
}

static bool
count_values (Parse *parse, const Path *path, Test test, size_t count)
{
  if (test == TEST_BETWEEN)
    return count == 2 || refuse_query (parse, "two values are expected", path->text, NULL, NULL);
  if (test != TEST_IN)
    return count == 1 || refuse_query (parse, "one value is expected", path->text, NULL, NULL);
  if (count <= MOST_VALUES)
    return true;
  return refuse (parse->refusal, "INVALID_QUERY", "Only 100 values are allowed in \"IN\" criteria",
                 json_pack ("{s:s, s:s}", "api_name", path->text, "param_name", "criteria"));
}

/* @texts: the literals. NULL: refused. */
static GArray *
read_values (Parse *parse, const Path *path, const GPtrArray *texts)
{
  g_autoptr (GArray) values = scalar_array ();

  for (unsigned i = 0; i < texts->len; i++)
    {
      Scalar value;

      if (!scalar_parse (path->kind, texts->pdata[i], &value))
        {
          refuse_query (parse, "invalid value", path->text, "expected_data_type", kind_name (path->kind));
          return NULL;
        }
      g_array_append_val (values, value);
    }
  return g_steal_pointer (&values);
}

/* On texts the index looks for words where the criteria say `equals`. */
static Test
index_test (const Path *path, Test test)
{
  bool fuzzy = path->kind == KIND_MULTI || (path->kind == KIND_TEXT && takes_of (path) != OF_CHOICE);

  return fuzzy && test == TEST_EQUAL ? TEST_FUZZY : test;
}

static Condition *
make_test (Parse *parse, const char *name, const char *word, const GPtrArray *texts)
{
  g_autofree char *bad_module = NULL;
  g_autoptr (Path) path = path_new (parse->emulator, parse->module, name, &bad_module);
  const Comparator *comparator = find_comparator (word);
  bool is_empty = texts->len == 1 && strcmp (texts->pdata[0], "${EMPTY}") == 0;
  GArray *values;
  Test test;

  if (++parse->count > parse->most)
    {
      g_autofree char *message = g_strdup_printf ("no of criterium that can be given exceed the limit %d",
                                                  (int) parse->most);

      refuse (parse->refusal, "CRITERIA_LIMIT_EXCEEDED", message, NULL);
      return NULL;
    }
  if (path == NULL || takes_of (path) == 0)
    {
      refuse_query (parse, "the field is not available for search", name, NULL, NULL);
      return NULL;
    }
  if (comparator == NULL || (comparator->takes & takes_of (path)) == 0)
    {
      refuse_query (parse, "invalid operator found", name, "operator", word);
      return NULL;
    }
  test = index_test (path, comparator->test);
  if (is_empty && (comparator->test == TEST_EQUAL || comparator->test == TEST_NOT_EQUAL))
    return condition_test (g_steal_pointer (&path), comparator->test == TEST_EQUAL ? TEST_NULL : TEST_NOT_NULL,
                           scalar_array (), false);
  if (!count_values (parse, path, test, texts->len))
    return NULL;
  values = read_values (parse, path, texts);
  return values == NULL ? NULL : condition_test (g_steal_pointer (&path), test, values, true);
}

/* ---- the text ---------------------------------------------------------------------------------------------------- */

static bool
bad_syntax (Parse *parse)
{
  return refuse_query (parse, "the criteria is not formed properly", "criteria", NULL, NULL);
}

static void
skip_blanks (Parse *parse)
{
  while (g_ascii_isspace (*parse->at))
    parse->at++;
}

/* Up to @stop, which is consumed; NULL: not there before the parenthesis ends. New. */
static char *
read_name (Parse *parse, char stop)
{
  size_t length = strcspn (parse->at, ":()");
  char *name;

  if (parse->at[length] != stop)
    return NULL;
  name = g_strstrip (g_strndup (parse->at, length));
  parse->at += length + 1;
  return name;
}

static bool
is_escape (const char *at)
{
  if (at[0] != '\\')
    return false;
  return at[1] == '(' || at[1] == ')' || at[1] == ',' || (at[1] == '\\' && (at[2] == ')' || at[2] == ','));
}

/* Values up to the closing parenthesis, which is consumed. NULL: it is not there. */
static GPtrArray *
read_texts (Parse *parse, bool split)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) text = g_string_new (NULL);

  for (; *parse->at != '\0' && *parse->at != ')' && *parse->at != '('; parse->at++)
    {
      if (is_escape (parse->at))
        g_string_append_c (text, *++parse->at);
      else if (*parse->at == ',' && split)
        {
          g_ptr_array_add (texts, g_strdup (text->str));
          g_string_truncate (text, 0);
        }
      else
        g_string_append_c (text, *parse->at);
    }
  if (*parse->at != ')')
    return NULL;
  parse->at++;
  g_ptr_array_add (texts, g_strdup (text->str));
  return g_steal_pointer (&texts);
}

/* After "(": Field:op:value). */
static Condition *
read_test (Parse *parse)
{
  g_autofree char *name = read_name (parse, ':');
  g_autofree char *word = name == NULL ? NULL : read_name (parse, ':');
  g_autoptr (GPtrArray) texts = NULL;

  if (word != NULL)
    texts = read_texts (parse, strcmp (word, "in") == 0 || strcmp (word, "between") == 0);
  if (texts == NULL || *name == '\0' || (texts->len == 1 && *(char *) texts->pdata[0] == '\0'))
    {
      bad_syntax (parse);
      return NULL;
    }
  return make_test (parse, name, word, texts);
}

/* "and" or "or", consumed. */
static bool
read_joint (Parse *parse, bool *all)
{
  skip_blanks (parse);
  *all = g_ascii_strncasecmp (parse->at, "and", 3) == 0;
  if (!*all && g_ascii_strncasecmp (parse->at, "or", 2) != 0)
    return false;
  parse->at += *all ? 3 : 2;
  skip_blanks (parse);
  return true;
}

/* The two read each other: an expression is made of expressions in parentheses. */
static Condition *read_chain (Parse *parse, unsigned depth);

static Condition *
read_expression (Parse *parse, unsigned depth)
{
  g_autoptr (Condition) inner = NULL;

  skip_blanks (parse);
  if (*parse->at != '(' || depth > MOST_DEPTH)
    {
      bad_syntax (parse);
      return NULL;
    }
  parse->at++;
  skip_blanks (parse);
  if (*parse->at != '(')
    return read_test (parse);
  inner = read_chain (parse, depth + 1);
  skip_blanks (parse);
  if (inner == NULL || *parse->at != ')')
    {
      bad_syntax (parse);
      return NULL;
    }
  parse->at++;
  return g_steal_pointer (&inner);
}

static Condition *
read_chain (Parse *parse, unsigned depth)
{
  g_autoptr (Condition) left = read_expression (parse, depth);
  bool all;

  while (left != NULL && read_joint (parse, &all))
    {
      Condition *right = read_expression (parse, depth);

      if (right == NULL)
        return NULL;
      left = condition_join (all, g_steal_pointer (&left), right);
    }
  return g_steal_pointer (&left);
}

Condition *
criteria_parse (Emulator *emulator, const Module *module, const char *text, Refusal *refusal)
{
  Parse parse = { emulator, module, refusal, setting_int (emulator, "search_criteria", 10), 0, text };
  g_autoptr (Condition) condition = NULL;

  if (g_utf8_strlen (text, -1) > MOST_TEXT)
    {
      refuse (refusal, "INVALID_DATA", "invalid data",
              json_pack ("{s:i, s:s}", "maximum_length", MOST_TEXT, "param_name", "criteria"));
      return NULL;
    }
  condition = read_chain (&parse, 0);
  skip_blanks (&parse);
  if (condition == NULL || *parse.at != '\0')
    {
      bad_syntax (&parse);
      return NULL;
    }
  return g_steal_pointer (&condition);
}
