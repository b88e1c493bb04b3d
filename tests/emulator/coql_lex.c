/* Cuts a COQL text into tokens, each with its place for the error messages. */
#include "coql_lex.h"

#include <string.h>

typedef struct
{
  const char *at;
  int line, column;
} Cursor;

static void
token_clear (gpointer data)
{
  g_free (((Token *) data)->text);
}

static void
advance (Cursor *cursor, size_t bytes)
{
  for (; bytes > 0; bytes--, cursor->at++)
    {
      if (*cursor->at == '\n')
        {
          cursor->line++;
          cursor->column = 1;
        }
      else if (((unsigned char) *cursor->at & 0xc0) != 0x80)
        cursor->column++;
    }
}

static void
add_token (GArray *tokens, const Cursor *start, TokenType type, char *text)
{
  Token token = { type, text, start->line, start->column };

  g_array_append_val (tokens, token);
}

/* The quoted string at @at, and how many bytes it takes; NULL: never closed. */
static char *
read_string (const char *at, size_t *bytes)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char quote = *at;
  const char *c;

  for (c = at + 1; *c != '\0'; c++)
    {
      if (*c == quote && c[1] != quote)
        {
          *bytes = (size_t) (c + 1 - at);
          return g_strdup (text->str);
        }
      if (*c == quote)
        c++;
      g_string_append_c (text, *c);
    }
  return NULL;
}

static size_t
number_length (const char *at)
{
  size_t length = *at == '-' || *at == '+';
  size_t digits = strspn (at + length, "0123456789");

  if (digits == 0)
    return 0;
  length += digits;
  if (at[length] == '.' && g_ascii_isdigit (at[length + 1]))
    length += 1 + strspn (at + length + 1, "0123456789");
  if ((at[length] == 'e' || at[length] == 'E') && g_ascii_isdigit (at[length + 1]))
    length += 1 + strspn (at + length + 1, "0123456789");
  return g_ascii_isalpha (at[length]) || at[length] == '_' ? 0 : length;
}

static size_t
word_length (const char *at)
{
  size_t length = 0;

  if (!g_ascii_isalpha (*at) && *at != '_' && *at != '$')
    return 0;
  while (g_ascii_isalnum (at[length]) || at[length] == '_' || at[length] == '$')
    length++;
  return length;
}

static size_t
sign_length (const char *at)
{
  static const char *const signs[] = { "!=", "<>", "<=", ">=", ",", ".", "(", ")", "=", "<", ">", "#", "!" };

  for (unsigned i = 0; i < G_N_ELEMENTS (signs); i++)
    {
      if (g_str_has_prefix (at, signs[i]))
        return strlen (signs[i]);
    }
  return 0;
}

/* One token at @cursor, which moves past it. */
static bool
lex_one (Cursor *cursor, GArray *tokens)
{
  Cursor start = *cursor;
  size_t length = 0;

  if (*cursor->at == '\'' || *cursor->at == '"')
    {
      char *text = read_string (cursor->at, &length);

      if (text == NULL)
        return false;
      add_token (tokens, &start, TOKEN_STRING, text);
    }
  else if ((length = number_length (cursor->at)) > 0)
    add_token (tokens, &start, TOKEN_NUMBER, g_strndup (cursor->at, length));
  else if ((length = word_length (cursor->at)) > 0)
    add_token (tokens, &start, TOKEN_WORD, g_strndup (cursor->at, length));
  else if ((length = sign_length (cursor->at)) > 0)
    add_token (tokens, &start, TOKEN_SIGN, g_strndup (cursor->at, length));
  advance (cursor, length);
  return length > 0;
}

GArray *
coql_lex (const char *text, int *line, int *column)
{
  g_autoptr (GArray) tokens = g_array_new (FALSE, FALSE, sizeof (Token));
  Cursor cursor = { text, 1, 1 };

  g_array_set_clear_func (tokens, token_clear);
  for (;;)
    {
      advance (&cursor, strspn (cursor.at, " \t\r\n"));
      if (*cursor.at == '\0')
        break;
      if (!lex_one (&cursor, tokens))
        {
          *line = cursor.line;
          *column = cursor.column;
          return NULL;
        }
    }
  add_token (tokens, &cursor, TOKEN_END, g_strdup (""));
  return g_steal_pointer (&tokens);
}
