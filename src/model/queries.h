/* The whole results of named queries, in the forms of files, held for the TTL. They lie on the disk without a name,
 * so that nothing of them is left whatever ends the mount. Questions as those of store.h. Any thread. */
#pragma once

#include "model/query.h"

typedef struct Queries Queries;

typedef enum
{
  QUERY_FORM_JSON,
  QUERY_FORM_LINES,
  QUERY_FORM_CSV,
  QUERY_FORMS
} QueryForm;

Queries *queries_new (void);
/* NULL is fine. No other thread may be inside. */
void queries_free (Queries *queries);

typedef struct
{
  const char *folder; /* on the disk, for the results */
  const char *name;
  const QueryText *text;
  bool whole; /* else its first page will do, which tells whether it is refused */
} QueriesWanted;

/* READY: it is held. One that is held of the same text, and not for longer than the TTL, costs nothing, nor does one
 * that was listed lately; what was refused is refused again. Who gives up leaves what has come to the next who asks. */
StoreState queries_make (Store *store, const QueriesWanted *wanted, StoreWait *wait, GError **error);

/* A whole result, however old; NULL: there is none. @version: of its bytes. @made_s: when it was asked for. To
 * g_bytes_unref(). */
GBytes *queries_get (Store *store, const char *name, QueryForm form, uint64_t *version, int64_t *made_s);

/* Whose whole results are not older than the TTL. Who was told of them may look at them for a while without that
 * anything is asked. Array of char *, to g_ptr_array_unref(). */
GPtrArray *queries_held (Store *store);

/* The query was changed or removed. */
void queries_forget (Store *store, const char *name);
