/* ZIP files in memory. */
#pragma once

#include <glib.h>

/* A ZIP with one file; new. */
GBytes *archive_pack (const char *name, GBytes *content);

/* Is it a ZIP at all? */
gboolean archive_is_zip (GBytes *zip);

/* The file called @name, or with @name NULL the first one, at most @most bytes; new. NULL: not there, damaged,
 * larger. */
GBytes *archive_unpack (GBytes *zip, const char *name, size_t most);
