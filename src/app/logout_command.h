/* `zohofs logout`: ends a sign-in, at Zoho and here. */
#pragma once

#include "app/options.h"

/* Returns: false with one clear line in @error; nothing was removed then. */
bool logout_command_run (const Options *options, GError **error);
