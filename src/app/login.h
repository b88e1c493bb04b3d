/* `zohofs login`: proves a sign-in and keeps it. */
#pragma once

#include "app/options.h"

/* Returns: false with one clear line in @error; nothing was kept then. */
bool login_run (const Options *options, GError **error);
