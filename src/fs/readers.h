/* Who has read which version of a record lately: a text that does not name its own version is compared with what its
 * writer read. Of fixed size, since most readers never write. Any thread. */
#pragma once

#include "model/editing.h"
#include "model/store.h"

#include <sys/types.h>

typedef struct Readers Readers;

Readers *readers_new (void);
/* NULL is fine. */
void readers_free (Readers *readers);

void readers_add (Readers *readers, const StoreModule *module, uint64_t id, uint64_t version, pid_t thread);

/* The version that a thread of @process opened last, and when (clock_now_us()). Returns: 0 when that is not known. */
uint64_t readers_find (Readers *readers, const StoreModule *module, uint64_t id, EditProcess process, int64_t *us);
