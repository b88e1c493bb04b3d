/* What the kinds of /queries share. */
#pragma once

#include "fs/node.h"
#include "model/queries.h"

/* "leads" of "leads.coql"; NULL of other names. To g_free(). */
char *queries_query (const char *name);
/* "leads" of "leads.json" and the like. */
char *queries_rows (const char *name, QueryForm *form);
/* The same of a node of rows. */
char *queries_rows_of (const Ask *ask, const NodeKey *node, QueryForm *form);
/* "queries/leads.coql", to g_free(). */
char *queries_path (const char *query);

/* The query as it is written now, if @uid may ask it. */
StoreState queries_text (const Ask *ask, uid_t uid, const char *query, QueryText **text, GError **error);
/* Makes its rows, all of them or the first page; tells errors.jsonl why not. */
StoreState queries_bring (const Ask *ask, uid_t uid, const char *query, bool whole, GError **error);
