/* Which records fulfil a condition, in which order, from where to where: the part of a query that reads the store. */
#pragma once

#include "condition.h"

typedef struct
{
  Path *path; /* owned by whoever made the order */
  bool descending;
} Order;

/* A further test that no condition expresses. */
typedef bool (*SelectionFilter) (Emulator *emulator, uint64_t id, const json_t *record, void *data);

typedef struct
{
  Emulator *emulator;
  const Module *source;   /* or source_users */
  const Condition *where; /* NULL: all */
  const GArray *order;    /* Order; NULL or empty: by id, ascending. Ties: by id, ascending */
  uint64_t offset;
  uint64_t limit;
  SelectionFilter filter; /* NULL: none */
  char *const *filter_fields; /* what the filter looks at besides the condition's fields; NULL: nothing */
  void *filter_data;
} Selection;

/* Reads no more records than it must: ordered by id it stops one past the last row wanted, and bounds on ids or on
 * Modified_Time are honoured before a record is read.
 * Returns: ids (uint64_t), to g_array_unref(). *@more: is there a row after the last? */
GArray *selection_ids (const Selection *selection, bool *more);

/* All that match; order, offset and limit do not matter. */
uint64_t selection_count (const Selection *selection);

/* Calls @each for all that match, by id ascending, until it returns false. @record has the fields needed to match and
 * those of @fields (NULL: none). */
typedef bool (*SelectionEach) (const json_t *record, uint64_t id, void *data);
void selection_each (const Selection *selection, char *const *fields, SelectionEach each, void *data);
