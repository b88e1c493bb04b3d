/* The answer of a running query as bytes, from its beginning to its end; a page at a time comes and goes. Not for
 * several threads at once. */
#pragma once

#include "model/query.h"

typedef struct QueryReader QueryReader;

/* @query, of which no page beyond the first was asked for, is taken over. */
QueryReader *query_reader_new (Query *query);
/* NULL is fine. */
void query_reader_free (QueryReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QueryReader, query_reader_free)

/* What it reads. */
const QueryText *query_reader_text (const QueryReader *reader);
/* Has it left @offset behind? Then only a new run of the query has that again. */
bool query_reader_is_past (const QueryReader *reader, uint64_t offset);

/* At most @size bytes, none at the end; fewer than there are, so that nothing is asked for that nobody may want.
 * ZOHO_ERROR_INVALID for an offset that does not come next. */
StoreState query_reader_read (QueryReader *reader, StoreWait *wait, char *bytes, size_t size, uint64_t offset, size_t *got,
                              GError **error);
