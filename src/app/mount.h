/* `zohofs [PROFILE] MOUNTPOINT`: the whole life of a mount. */
#pragma once

#include "app/options.h"

/* Mounts, serves, unmounts; in the background it returns in the child only. What went wrong has been said.
 * Returns: the exit status. */
int mount_run (const Options *options);
