/* Rows of a query as text. Pure. */
#pragma once

#include "base/json.h"

/* A row as JSON on one line, without a newline: first what @columns names, in their order, then what else it has. */
void query_rows_json (GString *out, const json_t *row, const GPtrArray *columns);

/* The columns of a table: @columns, then what else @row has. Without a @row, which may be NULL, and with @ids, also
 * "id". Array of char *, to g_ptr_array_unref(). */
GPtrArray *query_rows_columns (const json_t *row, const GPtrArray *columns, bool ids);

/* A value for a table's cell: nothing for null, a lookup by its name or else its id, several values with semicolons in
 * between. To g_free(). */
char *query_rows_cell (const json_t *value);

/* A line of CSV (RFC 4180, but for the bare newline at its end): @columns themselves when @row is NULL. */
void query_rows_csv (GString *out, const json_t *row, const GPtrArray *columns);
