/* How long the kernel may keep what it was told, and what replaces the opens it does not send with -o noopen.
 *
 * A module whose listing the kernel has read to its end is kept current by the store: every change of it is told. So
 * names and attributes of its records may outlive the TTL by far; what revalidates is opendir and open. Without
 * opens, each sign of use of such a module revalidates it in the background, once per TTL: its directory's own name
 * and attributes last the TTL, so the kernel comes by as long as anybody walks there, and an idle mount costs
 * nothing. Any thread. */
#pragma once

#include "model/store.h"

typedef struct Delta Delta;

Delta *delta_new (int64_t ttl_us);
/* After delta_stop(), and once the store delivers no more rings. NULL is fine. */
void delta_free (Delta *delta);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Delta, delta_free)

/* Ends what it waits for, and asks no more. */
void delta_stop (Delta *delta);

/* The kernel has read the listing to its end. */
void delta_listed (Delta *delta, Store *store, StoreModule *module);
bool delta_is_listed (Delta *delta, StoreModule *module);

/* Would delta_used() ask now? */
bool delta_is_due (Delta *delta, StoreModule *module);

/* Somebody uses the module: revalidates it, if it is listed and that was not done for a TTL. Returns at once. */
void delta_used (Delta *delta, StoreModule *module);
