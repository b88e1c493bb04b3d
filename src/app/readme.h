/* The text of the mount's own README.md. */
#pragma once

#include "app/options.h"

/* For people and programs that meet the mount without having read anything else. @api_url names the org's host.
 * To g_free(). */
char *readme_text (const Options *options, const char *api_url);
