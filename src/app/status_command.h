/* `zohofs status`: what the mounts on this machine are doing. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Prints the mounts that @target names, as a mount point or a profile; all when NULL.
 * Returns: false with one clear line in @error. */
bool status_command_run (const char *target, GError **error);

/* The mount points meant, to g_strfreev(); NULL with one clear line in @error when there are none. */
char **status_command_find (const char *target, GError **error);

/* All from @text in the form of /proc/self/mounts: array of "SOURCE", "MOUNTPOINT" pairs of zohofs mounts, to
 * g_strfreev(). */
char **status_command_mounts (const char *text);

/* The text of status.json as a table; NULL with @error when it is none. To g_free(). */
char *status_command_table (const char *text, size_t size, GError **error);
