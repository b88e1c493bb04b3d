/* The words, literals and signs of a COQL text. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum
{
  TOKEN_END,
  TOKEN_WORD,   /* a name or a keyword */
  TOKEN_NUMBER, /* 12, -3.5, 1e6 */
  TOKEN_STRING, /* quoted; @text is without quotes, doubled ones made one */
  TOKEN_SIGN    /* , . ( ) = != < <= > >= # ! */
} TokenType;

typedef struct
{
  TokenType type;
  char *text;
  int line, column; /* from 1; of its first character */
} Token;

/* Always ends with a TOKEN_END. NULL: a character that starts no token, or a quote never closed; *@line and *@column
 * say where. Token elements; to g_array_unref(). */
GArray *coql_lex (const char *text, int *line, int *column);
