/* What --help prints. */
#pragma once

#include "app/options.h"

/* Of one command, with its exit statuses. Static. */
const char *help_text (OptionsCommand command);
