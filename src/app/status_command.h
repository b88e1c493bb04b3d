/* `zohofs status`: what the mounts on this machine are doing. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct
{
  bool json;  /* an array of what status.json has, instead of tables */
  bool watch; /* again every two seconds, until the last mount is gone */
} StatusStyle;

/* Prints the mounts that @target names, as a mount point or a profile; all when NULL.
 * Returns: false with one clear line in @error. */
bool status_command_run (const char *target, StatusStyle style, GError **error);

/* The state folder that the mount at @mountpoint says it uses, to g_free(); NULL when it does not say. */
char *status_command_state (const char *mountpoint);

/* The mount points meant, to g_strfreev(); NULL with one clear line in @error when there are none. */
char **status_command_find (const char *target, GError **error);

/* All from @text in the form of /proc/self/mounts: array of "SOURCE", "MOUNTPOINT" pairs of zohofs mounts, to
 * g_strfreev(). */
char **status_command_mounts (const char *text);

/* The text of status.json as a table; NULL with @error when it is none. To g_free(). */
char *status_command_table (const char *text, size_t size, GError **error);
