/* What records must fulfil: tests of values, joined by and/or. The meaning shared by COQL and search, whatever
 * their spelling. */
#pragma once

#include "path.h"

typedef enum
{
  TEST_EQUAL,
  TEST_NOT_EQUAL,
  TEST_LESS,
  TEST_LESS_EQUAL,
  TEST_GREATER,
  TEST_GREATER_EQUAL,
  TEST_BETWEEN,
  TEST_NOT_BETWEEN,
  TEST_IN,
  TEST_NOT_IN,
  TEST_CONTAINS,
  TEST_NOT_CONTAINS,
  TEST_STARTS,
  TEST_ENDS,
  TEST_FUZZY, /* every word of the operand is somewhere in the text */
  TEST_NULL,
  TEST_NOT_NULL
} Test;

typedef struct Condition Condition;

/* Takes over @path and @values (Scalar, of the path's kind; TEST_BETWEEN has two, TEST_NULL none). @empty_differs: do
 * the negative tests hold for an empty value? In SQL they do not. */
Condition *condition_test (Path *path, Test test, GArray *values, bool empty_differs);
Condition *condition_join (bool all, Condition *left, Condition *right); /* takes over both */

/* An array for condition_test(). */
GArray *scalar_array (void);

/* @record has at least the fields of condition_fields(). */
bool condition_match (const Condition *condition, Emulator *emulator, const json_t *record);

/* Adds to @names (char *, borrowed) each field of the record itself that is looked at, once. */
void condition_fields (const Condition *condition, GPtrArray *names);

/* Is that field of the record itself tested anywhere? */
bool condition_mentions (const Condition *condition, const char *key);

/* Where matching records can be at all, so that not every record is read. */
typedef struct
{
  uint64_t low, high; /* both included */
  GArray *ids;        /* uint64_t, ascending, once each: only these; NULL: any. To g_array_unref() */
  bool recent;        /* only those modified at or after @since */
  time_t since;
} Bounds;

/* NULL @condition: everything. */
Bounds condition_bounds (const Condition *condition);

void condition_free (Condition *condition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Condition, condition_free)
