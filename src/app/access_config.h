/* The groups [access] and [access uid:N] of the configuration file. */
#pragma once

#include "fs/access.h"

/* Is @group one of them? */
bool access_config_is_group (const char *group);

/* Returns: NULL with what is wrong in @error, without the file's name. Without such a group everything is allowed. */
Access *access_config_read (GKeyFile *keys, GError **error);
