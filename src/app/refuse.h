/* What the user has written wrongly, on the command line or in the configuration. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Sets @error, of ZOHO_ERROR_INVALID. Returns: false. */
bool refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
