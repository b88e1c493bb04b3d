/* A query is cut into words, signs and quoted texts. The clauses are those words that stand in no brackets. What
 * does not look as it should is left to Zoho, which knows the grammar and says what is wrong. */
#include "model/query_text.h"

#include "api/coql.h"
#include "base/error.h"
#include "model/names.h"

#include <inttypes.h>
#include <string.h>

/* Criteria that WHERE takes (doc/api-notes.md); by keyset there is one more. */
#define CRITERIA_MAX 25

typedef enum
{
  TOKEN_WORD,
  TOKEN_QUOTED,
  TOKEN_SIGN
} TokenType;

typedef struct
{
  TokenType type;
  size_t at, size; /* in the text */
  int depth;       /* brackets around it */
} Token;

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

static bool
is_word_byte (char c)
{
  return g_ascii_isalnum (c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* How many bytes the quoted text at @at takes; 0: it never ends. */
static size_t
quoted_size (const char *at)
{
  const char quote = *at;

  for (const char *c = at + 1; *c != '\0'; c++)
    if (*c == quote && c[1] == quote)
      c++;
    else if (*c == quote)
      return (size_t)(c + 1 - at);
  return 0;
}

static bool
refuse_at (const char *text, size_t at, const char *what, GError **error)
{
  unsigned line = 1, column = 1;

  for (const char *c = text; c < text + at; c = g_utf8_next_char (c))
    {
      column = *c == '\n' ? 1 : column + 1;
      line += *c == '\n';
    }
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "%s (line %u, column %u)", what, line, column);
  if (error != NULL)
    zoho_error_set_place (*error, line, column);
  return false;
}

static GArray *
cut (const char *text, GError **error)
{
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (Token));
  int depth = 0;

  for (size_t at = 0; text[at] != '\0';)
    {
      Token token = { .type = TOKEN_SIGN, .at = at, .size = 1, .depth = depth };

      if (g_ascii_isspace (text[at]))
        {
          at++;
          continue;
        }
      if (text[at] == '\'' || text[at] == '"')
        {
          token.type = TOKEN_QUOTED;
          token.size = quoted_size (text + at);
        }
      else if (is_word_byte (text[at]))
        {
          token.type = TOKEN_WORD;
          while (is_word_byte (text[at + token.size]))
            token.size++;
        }
      if (token.size == 0)
        {
          refuse_at (text, at, "The query has a quote that is never closed", error);
          return NULL;
        }
      depth += text[at] == '(';
      depth -= text[at] == ')';
      token.depth = MIN (token.depth, depth);
      g_array_append_val (tokens, token);
      at += token.size;
    }
  return g_steal_pointer (&tokens);
}

typedef struct
{
  const char *text;
  const GArray *tokens;
} Reader;

static const Token *
token_at (const Reader *reader, size_t index)
{
  return index < reader->tokens->len ? &g_array_index (reader->tokens, Token, index) : NULL;
}

/* Is it there, and that word or sign? */
static bool
is (const Reader *reader, size_t index, const char *what)
{
  const Token *token = token_at (reader, index);

  return token != NULL && token->type != TOKEN_QUOTED && token->size == strlen (what)
         && g_ascii_strncasecmp (reader->text + token->at, what, token->size) == 0;
}

/* A word that names a clause: in no brackets, and no part of a path. */
static bool
is_clause (const Reader *reader, size_t index, const char *word)
{
  return is (reader, index, word) && token_at (reader, index)->depth == 0 && !is (reader, index + 1, ".")
         && (index == 0 || !is (reader, index - 1, "."));
}

/* From @index on; the number of tokens when there is none. */
static size_t
find_clause (const Reader *reader, size_t index, const char *word)
{
  while (index < reader->tokens->len && !is_clause (reader, index, word))
    index++;
  return index;
}

static bool
read_number (const Reader *reader, size_t index, uint64_t *number)
{
  const Token *token = token_at (reader, index);
  g_autofree char *digits = token != NULL ? g_strndup (reader->text + token->at, token->size) : NULL;

  return digits != NULL && g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT32, number, NULL);
}

/* ---- clauses ----------------------------------------------------------------------------------------------------- */

/* LIMIT n, LIMIT n OFFSET m, LIMIT m, n or OFFSET m, and nothing after it. */
static bool
read_tail (const Reader *reader, size_t index, QueryText *query)
{
  size_t left = reader->tokens->len - index;

  if (left == 0)
    return true;
  query->limited = is (reader, index, "limit");
  if (!query->limited)
    return left == 2 && read_number (reader, index + 1, &query->offset);
  if (!read_number (reader, index + 1, &query->limit))
    return false;
  if (left == 4 && is (reader, index + 2, "offset"))
    return read_number (reader, index + 3, &query->offset);
  if (left != 4 || !is (reader, index + 2, ","))
    return left == 2;
  query->offset = query->limit;
  return read_number (reader, index + 3, &query->limit);
}

/* The last tokens of a column: an alias, or the path as written. */
static char *
column_name (const Reader *reader, size_t from, size_t to)
{
  GString *name = g_string_new (NULL);

  if (to - from > 2 && is (reader, to - 2, "as"))
    from = to - 1;
  for (size_t i = from; i < to; i++)
    {
      const Token *token = token_at (reader, i);
      bool quoted = token->type == TOKEN_QUOTED;

      g_string_append_len (name, reader->text + token->at + quoted, (gssize)(token->size - 2 * quoted));
    }
  return g_string_free (name, FALSE);
}

/* Returns: has one of them the alias "id", so that the rows do not tell their own? */
static bool
read_columns (const Reader *reader, size_t end, QueryText *query)
{
  size_t from = 1;
  bool hidden = false;

  for (size_t i = 1; i <= end; i++)
    {
      bool comma = i < end && is (reader, i, ",") && token_at (reader, i)->depth == 0;

      query->aggregates = query->aggregates || (i < end && i > 1 && is (reader, i, "("));
      if ((!comma && i < end) || i == from)
        continue;
      g_ptr_array_add (query->columns, column_name (reader, from, i));
      hidden = hidden || (i - from > 2 && is (reader, i - 2, "as")
                          && g_ascii_strcasecmp (query->columns->pdata[query->columns->len - 1], "id") == 0);
      from = i + 1;
    }
  return hidden;
}

/* ANDs and ORs, but for those of BETWEEN. @outer: in no brackets alone. */
static unsigned
count_pairs (const Reader *reader, size_t from, size_t to, bool outer)
{
  unsigned count = 0;
  bool between = false;

  for (size_t i = from; i < to; i++)
    {
      if (is (reader, i, "between"))
        between = true;
      else if (is (reader, i, "and") && between)
        between = false;
      else if ((is (reader, i, "and") || is (reader, i, "or")) && (!outer || token_at (reader, i)->depth == 0))
        count++;
    }
  return count;
}

static bool
is_balanced (const Reader *reader)
{
  int depth = 0;

  for (size_t i = 0; i < reader->tokens->len && depth >= 0; i++)
    {
      depth += is (reader, i, "(");
      depth -= is (reader, i, ")");
    }
  return depth == 0;
}

/* Paths with a dot, an arrow or an exclamation mark lead elsewhere, and so would a query within the query. */
static bool
has_joins (const Reader *reader)
{
  unsigned sources = 0;

  for (size_t i = 0; i < reader->tokens->len; i++)
    {
      const Token *token = token_at (reader, i);
      bool quoted = token->type == TOKEN_QUOTED;

      sources += is (reader, i, "from");
      if ((is (reader, i, ".") && !(i > 0 && g_ascii_isdigit (reader->text[token->at - 1])))
          || (is (reader, i, "!") && !is (reader, i + 1, "=")))
        return true;
      if (quoted && g_strstr_len (reader->text + token->at, (gssize)token->size, "->") != NULL)
        return true;
    }
  return sources > 1;
}

/* Fills @query in. Returns: is it understood? */
static bool
read_clauses (const Reader *reader, QueryText *query)
{
  size_t end = reader->tokens->len;
  size_t from = find_clause (reader, 1, "from"), where = find_clause (reader, from, "where");
  size_t module = from + 1 + is (reader, from + 1, "!");
  size_t tail = MIN (find_clause (reader, where, "limit"), find_clause (reader, where, "offset"));
  bool ordered = find_clause (reader, where, "group") < tail || find_clause (reader, where, "order") < tail;
  bool hidden;

  query->joins = has_joins (reader);
  if (from < end && module < end && token_at (reader, module)->type == TOKEN_WORD)
    query->module = g_strndup (reader->text + token_at (reader, module)->at, token_at (reader, module)->size);
  if (query->module == NULL || where + 1 >= tail || !is_balanced (reader) || !read_tail (reader, tail, query))
    return false;
  hidden = read_columns (reader, from, query);
  query->where = token_at (reader, where + 1)->at;
  query->head = tail < end ? token_at (reader, tail)->at : strlen (query->text);
  query->pairs = count_pairs (reader, where + 1, tail, true) > 0;
  query->paging = ordered || query->aggregates || hidden
                          || count_pairs (reader, where + 1, tail, false) + 1 >= CRITERIA_MAX
                      ? QUERY_OFFSET : QUERY_KEYSET;
  return true;
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

QueryText *
query_text_read (const char *text, size_t size, GError **error)
{
  g_autoptr (QueryText) query = NULL;
  g_autoptr (GArray) tokens = NULL;
  Reader reader;

  while (size > 0 && (g_ascii_isspace (text[size - 1]) || text[size - 1] == ';'))
    size--;
  if (size > QUERY_TEXT_MAX)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE, "A query has at most %zu bytes", QUERY_TEXT_MAX);
      return NULL;
    }
  if (!g_utf8_validate (text, (gssize)size, NULL))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "A query is a text in UTF-8");
      return NULL;
    }
  query = g_new0 (QueryText, 1);
  query->text = g_strndup (text, size);
  query->columns = g_ptr_array_new_with_free_func (g_free);
  query->paging = QUERY_WHOLE;
  tokens = cut (query->text, error);
  if (tokens == NULL)
    return NULL;
  reader = (Reader){ query->text, tokens };
  if (!is_clause (&reader, 0, "select"))
    {
      refuse_at (query->text, tokens->len > 0 ? token_at (&reader, 0)->at : 0, "A query begins with SELECT", error);
      return NULL;
    }
  if (!read_clauses (&reader, query))
    query->paging = QUERY_WHOLE;
  return g_steal_pointer (&query);
}

void
query_text_free (QueryText *query)
{
  if (query == NULL)
    return;
  g_free (query->text);
  g_free (query->module);
  g_ptr_array_unref (query->columns);
  g_free (query);
}

/* The first word; others may not be there. */
static bool
begins_with (const char *text, size_t size, const char *word, size_t *after)
{
  size_t at = 0, length = strlen (word);

  while (at < size && g_ascii_isspace (text[at]))
    at++;
  *after = at + length;
  return size - at > length && g_ascii_strncasecmp (text + at, word, length) == 0 && !is_word_byte (text[at + length]);
}

bool
query_text_is_bare (const char *text, size_t size)
{
  size_t after, blanks = 0;

  while (blanks < size && g_ascii_isspace (text[blanks]))
    blanks++;
  return blanks < size && !begins_with (text, size, "select", &after);
}

char *
query_text_complete (const char *condition, const char *module, const char *fields)
{
  size_t after;
  bool where = begins_with (condition, strlen (condition), "where", &after);
  const char *rest = where ? condition + after : condition;

  while (g_ascii_isspace (*rest))
    rest++;
  return g_strdup_printf ("select id%s%s from %s where %s", *fields != '\0' ? ", " : "", fields, module, rest);
}

/* Within a quoted text any run of letters may be a part of a path. */
static bool
has_word (const char *text, size_t size, const char *word)
{
  size_t length = strlen (word);

  for (size_t at = 0; at + length <= size; at++)
    if (g_ascii_strncasecmp (text + at, word, length) == 0 && (at == 0 || !is_word_byte (text[at - 1]))
        && (at + length == size || !is_word_byte (text[at + length])))
      return true;
  return false;
}

bool
query_text_names (const QueryText *query, const char *field)
{
  return has_word (query->text, strlen (query->text), field);
}

/* ---- paging ------------------------------------------------------------------------------------------------------ */

/* Up to the LIMIT. */
static GString *
head_of (const QueryText *query)
{
  GString *text = g_string_new_len (query->text, (gssize)query->head);

  while (text->len > 0 && g_ascii_isspace (text->str[text->len - 1]))
    g_string_truncate (text, text->len - 1);
  return text;
}

/* Conditions are taken in pairs alone, so what was there becomes one of two. */
static GString *
above (const QueryText *query, uint64_t after)
{
  GString *text = head_of (query);

  g_string_insert (text, (gssize)query->where, query->pairs ? "((" : "(");
  g_string_append_printf (text, "%s and id > %" PRIu64 ")", query->pairs ? ")" : "", after);
  return text;
}

/* How many rows the next call may ask for; 0: none. */
static uint64_t
room (const QueryText *query, const QueryPlace *place)
{
  uint64_t most = COQL_ROWS_MAX - MIN (place->rows, COQL_ROWS_MAX);

  if (place->paging == QUERY_OFFSET && place->rows > 0)
    most = COQL_ROWS_MAX - MIN (query->offset + place->rows, COQL_ROWS_MAX);
  if (query->limited)
    most = MIN (most, query->limit - MIN (place->rows, query->limit));
  return MIN (most, COQL_PAGE);
}

char *
query_text_next (const QueryText *query, QueryPlace *place, GError **error)
{
  bool further = place->paging == QUERY_KEYSET && place->rows > 0;
  uint64_t offset = place->paging == QUERY_OFFSET ? query->offset + place->rows : query->offset;
  GString *text;

  place->asked = room (query, place);
  if (place->paging == QUERY_WHOLE && place->rows == 0)
    return g_strdup (query->text);
  if (place->rows > 0 && (place->asked == 0 || place->paging == QUERY_WHOLE))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE,
                   "The query has more rows than the %" PRIu64 " that came, and more than %d cannot be had: narrow it, or "
                   "say LIMIT", place->rows, COQL_ROWS_MAX);
      return NULL;
    }
  text = further ? above (query, place->after) : head_of (query);
  if (place->paging == QUERY_KEYSET)
    g_string_append (text, " order by id asc");
  g_string_append_printf (text, " limit %" PRIu64, place->asked);
  if (offset > 0 && !further)
    g_string_append_printf (text, " offset %" PRIu64, offset);
  return g_string_free (text, FALSE);
}

/* The last id, when all are above @after and rise; else 0. */
static uint64_t
last_id (const json_t *rows, uint64_t after)
{
  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      const char *text = json_get_text (json_array_get (rows, i), "id");
      uint64_t id = 0;

      if (text == NULL || !names_parse_id (text, &id) || id <= after)
        return 0;
      after = id;
    }
  return after;
}

bool
query_text_landed (const QueryText *query, QueryPlace *place, const json_t *rows, bool more, GError **error)
{
  uint64_t size = json_array_size (rows);
  uint64_t last = place->paging == QUERY_KEYSET && size > 0 ? last_id (rows, place->after) : 0;

  if ((place->paging != QUERY_WHOLE && size > MAX (place->asked, 1)) || size > COQL_ROWS_MAX
      || (place->paging == QUERY_KEYSET && place->rows > 0 && size > 0 && last == 0))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho's answer makes no sense: other rows than were asked for");
      return false;
    }
  /* The rows hide their ids, or come in an order of their own. */
  if (place->paging == QUERY_KEYSET && size > 0 && last == 0)
    place->paging = QUERY_OFFSET;
  place->after = last;
  place->rows += size;
  place->ended = !more || size == 0 || (query->limited && place->paging != QUERY_WHOLE && place->rows >= query->limit);
  return true;
}
