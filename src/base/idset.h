/* A set of numbers other than 0, such as record ids, in 8 to 16 bytes each. One thread at a time. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct IdSet IdSet;

IdSet *idset_new (void);
/* NULL is fine. */
void idset_free (IdSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdSet, idset_free)

/* Returns: false when it was there already. */
bool idset_add (IdSet *set, uint64_t id);
bool idset_contains (const IdSet *set, uint64_t id);
size_t idset_size (const IdSet *set);
