/* The text of a COQL query, read just far enough to ask for its rows page by page. Pure. */
#pragma once

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

#define QUERY_TEXT_MAX ((size_t)64 << 10)

/* How the next page is asked for.
 *
 *   KEYSET   rows come by id: those above the last one. Reaches any number of rows
 *   OFFSET   the query has an order, groups or aggregates of its own: by number, as far as the API counts
 *   WHOLE    we do not understand it: sent as it is, once, and Zoho says what is wrong with it */
typedef enum
{
  QUERY_KEYSET,
  QUERY_OFFSET,
  QUERY_WHOLE
} QueryPaging;

typedef struct
{
  char *text;         /* as written, blanks and semicolons at its end left out */
  QueryPaging paging;
  char *module;       /* after FROM, as written; NULL: not understood */
  GPtrArray *columns; /* char *: what SELECT names, by their aliases; empty when not understood */
  bool aggregates;    /* rows have no id of their own */
  bool joins;         /* reaches, or may reach, into other modules */
  size_t where, head; /* bytes: where the condition begins, and where LIMIT and OFFSET do; of KEYSET and OFFSET */
  bool pairs;         /* the condition joins several, and is not in brackets */
  bool limited;
  uint64_t limit, offset;
} QueryText;

/* Returns: NULL with ZOHO_ERROR_INVALID for what can be no query: too long, no UTF-8, a quote that is never closed, not
 * begun with SELECT. */
QueryText *query_text_read (const char *text, size_t size, GError **error);
/* NULL is fine. */
void query_text_free (QueryText *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QueryText, query_text_free)

/* Is it a condition alone, which a module's .coql completes? */
bool query_text_is_bare (const char *text, size_t size);
/* "select id, @fields from @module where " and @condition, which may begin with WHERE. To g_free(). */
char *query_text_complete (const char *condition, const char *module, const char *fields);

/* Does the query name that field, alone or within a path? In any case, quoted or not. */
bool query_text_names (const QueryText *query, const char *field);

/* Where a running query is. Zeroed but for paging, which is the text's at first. */
typedef struct
{
  QueryPaging paging;
  uint64_t after; /* KEYSET: the last id */
  uint64_t rows;  /* that came */
  uint64_t asked; /* rows of the call under way */
  bool ended;
} QueryPlace;

/* The query for the next page, to g_free(). NULL with ZOHO_ERROR_TOO_LARGE: there are more rows than can be had. */
char *query_text_next (const QueryText *query, QueryPlace *place, GError **error);
/* Its rows came, and perhaps there are more: moves @place on. Returns: false when they cannot be the answer. */
bool query_text_landed (const QueryText *query, QueryPlace *place, const json_t *rows, bool more, GError **error);
