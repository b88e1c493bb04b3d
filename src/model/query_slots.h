/* Queries that were written and closed, until who wrote them opens the file to read the rows: the last one of each
 * user, session and file. Any thread. */
#pragma once

#include "model/query.h"

#include <sys/types.h>

typedef struct QuerySlots QuerySlots;

typedef struct
{
  uid_t uid;
  pid_t session; /* 0: not known */
  const void *file; /* the module, or NULL */
} QueryAsker;

QuerySlots *query_slots_new (void);
/* NULL is fine. No other thread may be inside. */
void query_slots_free (QuerySlots *slots);

/* One of @query, whose first page is there, and @words, what is to be read instead of rows, is NULL. Both are taken
 * over. What was there before goes. */
void query_slots_put (Store *store, const QueryAsker *asker, Query *query, GBytes *words);
/* Once, then it is gone. Both become NULL when there is nothing. */
void query_slots_take (Store *store, const QueryAsker *asker, Query **query, GBytes **words);
