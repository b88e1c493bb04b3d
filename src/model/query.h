/* A query that runs: its rows come page by page, and only when they are asked for. One page is held. Ended by
 * query_free(), which takes back the call under way. Questions as those of store.h. */
#pragma once

#include "model/query_text.h"
#include "model/store.h"

typedef struct Query Query;

/* A page of the answer in each form. All pages one after the other are the whole: @json an array, a row a line. */
typedef struct
{
  GBytes *json;
  GBytes *lines; /* JSON Lines, and CSV with a heading; NULL unless all forms were asked for */
  GBytes *csv;
  bool last;
} QueryPage;

/* What is given to QueryPage users is theirs. */
void query_page_clear (QueryPage *page);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (QueryPage, query_page_clear)

/* A condition alone, written to the .coql of @module, as a query of all its fields that can be selected and are not
 * among @hidden (ended by NULL, or NULL), as many as the API takes. @whole: to g_free(). */
StoreState query_complete (StoreModule *module, const char *condition, const char *const *hidden, StoreWait *wait,
                           char **whole, GError **error);

/* @text is taken over. Nothing is asked yet. */
Query *query_new (Store *store, QueryText *text, bool all_forms);
/* NULL is fine. Who waits for it is rung. */
void query_free (Query *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Query, query_free)

/* What is asked, as sent first. */
const QueryText *query_text (const Query *query);

/* The page @index, 0 up: the one that came last, or the next one, which makes room for it. FAILED with
 * ZOHO_ERROR_TOO_LARGE where the answer has more rows than can be had. Any thread. */
StoreState query_page (Query *query, uint64_t index, StoreWait *wait, QueryPage *page, GError **error);
