/* A recursive-descent parser of COQL.
 *
 * Zoho's rule of pairs is in the grammar: two criteria may stand side by side, three must be two in parentheses joined
 * with one. A clause that is not there at all is told apart from one that is malformed. */
#include "coql_parse.h"

#include <string.h>

#include "coql_lex.h"

enum
{
  MOST_DEPTH = 32,
  MOST_TEXT = 100000
};

typedef struct
{
  GArray *tokens;
  unsigned at;
  Refusal *refusal;
} Parser;

static const char *const aggregates[] = { "", "SUM", "MAX", "MIN", "AVG", "COUNT" };

static const char *const reserved[]
    = { "select",  "from",  "where", "and", "or",  "not",  "in",    "like",   "is", "null",
        "between", "group", "order", "by",  "asc", "desc", "limit", "offset", "as", NULL };

static void
item_free (gpointer data)
{
  CoqlItem *item = data;

  g_free (item->text);
  g_free (item->path);
  g_free (item->alias);
  g_free (item);
}

static void
term_free (CoqlTerm *term)
{
  if (term == NULL)
    return;
  term_free (term->left);
  term_free (term->right);
  g_free (term->path);
  g_free (term->value_text);
  g_clear_pointer (&term->values, g_ptr_array_unref);
  g_free (term);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CoqlTerm, term_free)

static const Token *
peek_after (const Parser *parser)
{
  return &g_array_index (parser->tokens, Token, MIN (parser->at + 1, parser->tokens->len - 1));
}

static const Token *
peek (const Parser *parser)
{
  return &g_array_index (parser->tokens, Token, parser->at);
}

static bool
token_is (const Token *token, const char *text)
{
  return (token->type == TOKEN_SIGN || token->type == TOKEN_WORD) && g_ascii_strcasecmp (token->text, text) == 0;
}

static bool
accept (Parser *parser, const char *text)
{
  if (!token_is (peek (parser), text))
    return false;
  parser->at++;
  return true;
}

/* Refuses what stands at the cursor. */
static bool
unexpected (Parser *parser)
{
  const Token *token = peek (parser);

  return refuse (parser->refusal, "SYNTAX_ERROR", "error occurred while parsing the query",
                 json_pack ("{s:i, s:i, s:s}", "line", token->line, "column", token->column, "near", token->text));
}

static bool
missing_clause (Parser *parser, const char *clause)
{
  return refuse (parser->refusal, "SYNTAX_ERROR", "missing clause", json_pack ("{s:s}", "clause", clause));
}

static bool
is_reserved (const Token *token)
{
  g_autofree char *lower = g_ascii_strdown (token->text, -1);

  return token->type == TOKEN_WORD && g_strv_contains (reserved, lower);
}

/* ---- paths and items --------------------------------------------------------------------------------------------- */

static bool
read_segment (Parser *parser, GString *path)
{
  const Token *token = peek (parser);

  if (token->type != TOKEN_WORD || is_reserved (token))
    return unexpected (parser);
  g_string_append (path, token->text);
  parser->at++;
  return true;
}

/* A dotted or quoted path; NULL: refused. New. */
static char *
read_path (Parser *parser)
{
  g_autoptr (GString) path = g_string_new (NULL);

  if (peek (parser)->type == TOKEN_STRING && *peek (parser)->text != '\0')
    return g_strdup (g_array_index (parser->tokens, Token, parser->at++).text);
  if (accept (parser, "!"))
    g_string_append_c (path, '!');
  if (!read_segment (parser, path))
    return NULL;
  while (accept (parser, "."))
    {
      g_string_append_c (path, '.');
      if (!read_segment (parser, path))
        return NULL;
    }
  return g_string_free (g_steal_pointer (&path), FALSE);
}

/* Function names are upper case; in lower case they are field names, and the bracket is then unexpected. */
static Aggregate
read_aggregate (Parser *parser)
{
  if (peek (parser)->type != TOKEN_WORD || !token_is (peek_after (parser), "("))
    return AGGREGATE_NONE;
  for (unsigned i = AGGREGATE_SUM; i <= AGGREGATE_COUNT; i++)
    {
      if (strcmp (peek (parser)->text, aggregates[i]) == 0)
        {
          parser->at += 2;
          return i;
        }
    }
  return AGGREGATE_NONE;
}

static CoqlItem *
read_column (Parser *parser)
{
  Aggregate aggregate = read_aggregate (parser);
  g_autofree char *path = read_path (parser);
  CoqlItem *item;

  if (path == NULL)
    return NULL;
  if (aggregate != AGGREGATE_NONE && !accept (parser, ")"))
    {
      unexpected (parser);
      return NULL;
    }
  item = g_new0 (CoqlItem, 1);
  item->aggregate = aggregate;
  item->text = aggregate == AGGREGATE_NONE ? g_strdup (path) : g_strdup_printf ("%s(%s)", aggregates[aggregate], path);
  item->path = g_steal_pointer (&path);
  return item;
}

static bool
read_alias (Parser *parser, CoqlItem *item)
{
  const Token *token = peek (parser);

  if (token->type == TOKEN_STRING && *token->text == '\0')
    return refuse (parser->refusal, "INVALID_ALIAS", "invalid alias given",
                   json_pack ("{s:s, s:s}", "alias", "", "column_name", item->path));
  if (token->type != TOKEN_STRING && (token->type != TOKEN_WORD || is_reserved (token)))
    return unexpected (parser);
  item->alias = g_strdup (token->text);
  parser->at++;
  return true;
}

static bool
read_select (Parser *parser, CoqlQuery *query)
{
  if (!accept (parser, "select"))
    return missing_clause (parser, "select");
  do
    {
      CoqlItem *item = read_column (parser);

      if (item == NULL)
        return false;
      g_ptr_array_add (query->select, item);
      if (accept (parser, "as") && !read_alias (parser, item))
        return false;
    }
  while (accept (parser, ","));
  return true;
}

static bool
read_from (Parser *parser, CoqlQuery *query)
{
  const Token *token;

  if (!accept (parser, "from"))
    return peek (parser)->type == TOKEN_END ? missing_clause (parser, "from") : unexpected (parser);
  token = peek (parser);
  if ((token->type != TOKEN_WORD && token->type != TOKEN_STRING) || is_reserved (token))
    return unexpected (parser);
  query->module = g_strdup (token->text);
  parser->at++;
  if (!accept (parser, "#"))
    return true;
  if (peek (parser)->type != TOKEN_NUMBER)
    return unexpected (parser);
  query->view = g_strdup (peek (parser)->text);
  parser->at++;
  return true;
}

/* ---- criteria ---------------------------------------------------------------------------------------------------- */

static bool
read_value (Parser *parser, CoqlTerm *term)
{
  const Token *token = peek (parser);
  bool word = token->type == TOKEN_WORD && (token_is (token, "true") || token_is (token, "false"));

  if (token->type != TOKEN_STRING && token->type != TOKEN_NUMBER && !word)
    return unexpected (parser);
  if (term->values->len == 0)
    term->value_text = g_strdup (token->text);
  g_ptr_array_add (term->values, g_strdup (token->text));
  parser->at++;
  return true;
}

static bool
read_list (Parser *parser, CoqlTerm *term)
{
  if (!accept (parser, "("))
    return unexpected (parser);
  do
    {
      if (!read_value (parser, term))
        return false;
    }
  while (accept (parser, ","));
  return accept (parser, ")") || unexpected (parser);
}

static bool
read_range (Parser *parser, CoqlTerm *term)
{
  if (!read_value (parser, term))
    return false;
  if (!accept (parser, "and"))
    return unexpected (parser);
  return read_value (parser, term);
}

/* 'x%', '%x', '%x%' or 'x'; per cent signs in the middle are beyond COQL, and NOT LIKE takes '%x%' only. */
static bool
read_pattern (Parser *parser, CoqlTerm *term, bool negated)
{
  g_autofree char *bare = NULL;
  const char *pattern;
  size_t length;
  bool front, back;

  if (!read_value (parser, term))
    return false;
  pattern = term->value_text;
  length = strlen (pattern);
  front = length > 0 && pattern[0] == '%';
  back = length > 1 && pattern[length - 1] == '%';
  bare = g_strndup (pattern + front, length - front - back);
  term->odd_pattern = strchr (bare, '%') != NULL || (negated && !(front && back));
  g_ptr_array_set_size (term->values, 0);
  g_ptr_array_add (term->values, g_steal_pointer (&bare));
  if (negated)
    term->test = TEST_NOT_CONTAINS;
  else
    term->test = front && back ? TEST_CONTAINS : front ? TEST_ENDS : back ? TEST_STARTS : TEST_EQUAL;
  return true;
}

static bool
read_null (Parser *parser, CoqlTerm *term)
{
  bool negated = accept (parser, "not");

  term->test = negated ? TEST_NOT_NULL : TEST_NULL;
  term->operator_text = negated ? "is not null" : "is null";
  return accept (parser, "null") || unexpected (parser);
}

static bool
read_worded (Parser *parser, CoqlTerm *term)
{
  bool negated = accept (parser, "not");

  if (accept (parser, "like"))
    {
      term->operator_text = negated ? "not like" : "like";
      return read_pattern (parser, term, negated);
    }
  if (accept (parser, "in"))
    {
      term->operator_text = negated ? "not in" : "in";
      term->test = negated ? TEST_NOT_IN : TEST_IN;
      return read_list (parser, term);
    }
  if (accept (parser, "between"))
    {
      term->operator_text = negated ? "not between" : "between";
      term->test = negated ? TEST_NOT_BETWEEN : TEST_BETWEEN;
      return read_range (parser, term);
    }
  if (!negated && accept (parser, "is"))
    return read_null (parser, term);
  if (!negated && peek (parser)->type == TOKEN_WORD && !is_reserved (peek (parser)))
    return refuse (parser->refusal, "SYNTAX_ERROR", "error occurred while parsing the query",
                   json_pack ("{s:s}", "operator", peek (parser)->text));
  return unexpected (parser);
}

static bool
read_operator (Parser *parser, CoqlTerm *term)
{
  static const struct
  {
    const char *sign;
    Test test;
  } signs[] = { { "=", TEST_EQUAL },       { "!=", TEST_NOT_EQUAL }, { "<", TEST_LESS },
                { "<=", TEST_LESS_EQUAL }, { ">", TEST_GREATER },    { ">=", TEST_GREATER_EQUAL } };

  for (unsigned i = 0; i < G_N_ELEMENTS (signs); i++)
    {
      if (accept (parser, signs[i].sign))
        {
          term->operator_text = signs[i].sign;
          term->test = signs[i].test;
          return read_value (parser, term);
        }
    }
  return read_worded (parser, term);
}

static CoqlTerm *
read_criterion (Parser *parser)
{
  g_autoptr (CoqlTerm) term = g_new0 (CoqlTerm, 1);

  term->values = g_ptr_array_new_with_free_func (g_free);
  term->path = read_path (parser);
  if (term->path == NULL || !read_operator (parser, term))
    return NULL;
  return g_steal_pointer (&term);
}

/* One operand, or two joined: never three. */
static CoqlTerm *
read_pair (Parser *parser, unsigned depth)
{
  g_autoptr (CoqlTerm) pair = g_new0 (CoqlTerm, 1);
  CoqlTerm **sides[] = { &pair->left, &pair->right };

  for (unsigned i = 0; i < 2; i++)
    {
      if (!accept (parser, "("))
        *sides[i] = read_criterion (parser);
      else if (depth < MOST_DEPTH)
        {
          *sides[i] = read_pair (parser, depth + 1);
          if (*sides[i] != NULL && !accept (parser, ")"))
            {
              unexpected (parser);
              return NULL;
            }
        }
      else
        unexpected (parser);
      if (*sides[i] == NULL)
        return NULL;
      if (i == 0)
        {
          pair->all = token_is (peek (parser), "and");
          if (!accept (parser, "and") && !accept (parser, "or"))
            return g_steal_pointer (&pair->left);
        }
    }
  return g_steal_pointer (&pair);
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static bool
read_where (Parser *parser, CoqlQuery *query)
{
  if (!accept (parser, "where"))
    {
      const Token *token = peek (parser);
      bool clause = token->type == TOKEN_END || token_is (token, "group") || token_is (token, "order")
                    || token_is (token, "limit") || token_is (token, "offset");

      return clause ? missing_clause (parser, "where") : unexpected (parser);
    }
  query->where = read_pair (parser, 0);
  return query->where != NULL;
}

static bool
read_columns (Parser *parser, GPtrArray *columns, bool directed)
{
  if (!accept (parser, "by"))
    return unexpected (parser);
  do
    {
      CoqlItem *item = read_column (parser);

      if (item == NULL)
        return false;
      g_ptr_array_add (columns, item);
      if (directed && !accept (parser, "asc"))
        item->descending = accept (parser, "desc");
    }
  while (accept (parser, ","));
  return true;
}

static bool
read_count (Parser *parser, int64_t *count)
{
  const Token *token = peek (parser);
  guint64 number;

  if (token->type != TOKEN_NUMBER || !g_ascii_string_to_unsigned (token->text, 10, 0, G_MAXINT32, &number, NULL))
    return unexpected (parser);
  *count = (int64_t) number;
  parser->at++;
  return true;
}

static bool
read_limit (Parser *parser, CoqlQuery *query)
{
  if (!read_count (parser, &query->limit))
    return false;
  if (accept (parser, "offset"))
    return read_count (parser, &query->offset);
  if (!accept (parser, ","))
    return true;
  query->offset = query->limit;
  return read_count (parser, &query->limit);
}

static bool
read_query (Parser *parser, CoqlQuery *query)
{
  if (!read_select (parser, query) || !read_from (parser, query) || !read_where (parser, query))
    return false;
  if (accept (parser, "group") && !read_columns (parser, query->group, false))
    return false;
  if (accept (parser, "order") && !read_columns (parser, query->order, true))
    return false;
  if (accept (parser, "limit") && !read_limit (parser, query))
    return false;
  if (query->limit < 0 && accept (parser, "offset") && !read_count (parser, &query->offset))
    return false;
  return peek (parser)->type == TOKEN_END || unexpected (parser);
}

const char *
aggregate_name (Aggregate aggregate)
{
  return aggregates[aggregate];
}

CoqlQuery *
coql_parse (const char *text, Refusal *refusal)
{
  g_autoptr (CoqlQuery) query = g_new0 (CoqlQuery, 1);
  int line = 1;
  int column = 1;
  g_autoptr (GArray) tokens = strlen (text) > MOST_TEXT ? NULL : coql_lex (text, &line, &column);
  Parser parser = { tokens, 0, refusal };

  query->select = g_ptr_array_new_with_free_func (item_free);
  query->group = g_ptr_array_new_with_free_func (item_free);
  query->order = g_ptr_array_new_with_free_func (item_free);
  query->limit = -1;
  if (tokens == NULL)
    refuse (refusal, "SYNTAX_ERROR", "error occurred while parsing the query",
            json_pack ("{s:i, s:i, s:s}", "line", line, "column", column, "near", ""));
  return tokens != NULL && read_query (&parser, query) ? g_steal_pointer (&query) : NULL;
}

void
coql_query_free (CoqlQuery *query)
{
  if (query == NULL)
    return;
  g_ptr_array_unref (query->select);
  g_ptr_array_unref (query->group);
  g_ptr_array_unref (query->order);
  term_free (query->where);
  g_free (query->module);
  g_free (query->view);
  g_free (query);
}
