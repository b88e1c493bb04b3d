/* COQL, Zoho's query language: a query goes out, a page of rows comes back. The answer comes on a client worker
 * thread; see client.h. */
#pragma once

#include "api/client.h"

/* Rows of one call, and those that LIMIT and OFFSET reach (doc/api-notes.md). */
#define COQL_PAGE 200
#define COQL_ROWS_MAX 100000

typedef struct
{
  const json_t *rows; /* an array of objects, never NULL; they have an id unless the query has aggregates. Borrowed */
  bool more;          /* rows follow those that the query's LIMIT lets through */
} CoqlPage;

/* What Zoho refuses in a query is ZOHO_ERROR_INVALID, whatever its code; the place it names is zoho_error_place(). */
typedef void (*CoqlDone) (const CoqlPage *page, const GError *error, void *data);

/* POST /crm/v8/coql. @query asks for COQL_PAGE rows at most. */
uint64_t coql_send (Client *client, const char *query, ClientPriority priority, CoqlDone done, void *data);
