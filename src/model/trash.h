/* Records that were deleted, as Zoho still tells of them. Questions work as those of store.h do. */
#pragma once

#include "model/found.h"

/* All that /deleted reports of @module, whether it can be restored or not. The rows have texts. @fresh: not older
 * than the TTL. @found to found_unref(). */
StoreState trash_records (StoreModule *module, bool fresh, StoreWait *wait, Found **found, GError **error);
