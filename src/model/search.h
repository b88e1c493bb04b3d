/* Searches, as the names of directories say them. Questions work as those of store.h do. */
#pragma once

#include "model/found.h"

typedef struct
{
  const char *by; /* as in api/search.h; static */
  char *value;    /* to g_free() */
} SearchTerm;

/* A term is a word of two characters or more, or email=, phone=, word= or criteria= and a value; "%2F" in it is a
 * slash and "%25" a percent sign. Criteria in parentheses are in the API's words; one comparison without them, such
 * as "Company:equals:Foo (Bar), Inc", has its value as it is. Pure. Returns: false when it is no term. */
bool search_read (const char *text, SearchTerm *term);

static inline void
search_term_clear (SearchTerm *term)
{
  g_free (term->value);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SearchTerm, search_term_clear)

/* Is one of @names (ended by NULL; NULL: none) a word of the criteria, be it a field or in a value, in any case?
 * Pure. */
bool search_names_any (const SearchTerm *term, const char *const *names);
/* May the criteria compare what a path of fields leads to, "Account_Name.City"? Pure. */
bool search_has_path (const SearchTerm *term);

/* What Zoho's index finds; at most SEARCH_ROWS_MAX, then found_is_cut(). ZOHO_ERROR_NOT_FOUND when @text is no term.
 * @fresh: not older than the TTL. @found to found_unref(). */
StoreState search_hits (StoreModule *module, const char *text, bool fresh, StoreWait *wait, Found **found,
                        GError **error);
