/* `zohofs drain`: sends what waits to be sent, now, and says when it is in the CRM. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Drains the mounts that @target names, as a mount point or a profile, all when NULL, one after the other; waits for
 * each, and prints what came of it. Returns: false with one clear line in @error, also when something could not be
 * sent. */
bool drain_command_run (const char *target, GError **error);

/* What the text of /.zohofs/drain tells of the mount at @mountpoint, as a line for people; NULL with @error when it is
 * none. @left: is something not in the CRM? To g_free(). */
char *drain_command_words (const char *text, size_t size, const char *mountpoint, bool *left, GError **error);
