/* The criteria of search and count. */
#pragma once

#include "condition.h"
#include "refusal.h"

/* Search's grammar: "(Field:op:value)", "(c and c)", "(c or c)". On text `equals` looks for words, as the index does.
 * Returns: NULL when refused. */
Condition *criteria_parse (Emulator *emulator, const Module *module, const char *text, Refusal *refusal);

/* What one of the parameters criteria, email, phone, word (that priority) asks for. */
typedef struct Criteria Criteria;

/* Does the request have one of the four? */
bool criteria_given (const Request *request);

/* NULL: refused; none of the four is EXPECTED_PARAM_MISSING. Also takes converted into account, and the knob
 * search_lag_s: what was modified in the last so many seconds is not in the index yet. */
Criteria *criteria_of_request (Emulator *emulator, const Module *module, const Request *request, Refusal *refusal);

/* Matching ids, as selection_ids(); @order may be NULL. To g_array_unref(). */
GArray *criteria_find (const Criteria *criteria, const GArray *order, uint64_t offset, uint64_t limit, bool *more);
uint64_t criteria_count (const Criteria *criteria);

void criteria_free (Criteria *criteria);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Criteria, criteria_free)
