/* References to records that an answer named: what is related to a record, hits of a search, what was deleted. An
 * answer never changes once it is given, and is counted. Any thread. */
#pragma once

#include "model/store.h"

typedef struct
{
  StoreModule *module; /* of the record */
  uint64_t id;
  char *label;         /* as the answer had it; "" none */
  GBytes *text;        /* of what was deleted: its file; else NULL */
  int64_t mtime;       /* seconds since 1970; 0 not known */
} FoundRow;

typedef struct Found Found;

Found *found_ref (Found *found);
/* NULL is fine. */
void found_unref (Found *found);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Found, found_unref)

/* By id upwards, each id once. */
size_t found_size (const Found *found);
const FoundRow *found_at (const Found *found, size_t index);
/* NULL: it is not among them. */
const FoundRow *found_find (const Found *found, uint64_t id);
/* Equal numbers, equal rows; never 0. */
uint64_t found_version (const Found *found);
/* Is there more than Zoho gives? */
bool found_is_cut (const Found *found);

/* The name of the record's file: as it is listed if it is known, else by what the answer said. To g_free(). */
char *found_name (const FoundRow *row);
