/* Where to mount: what can be wrong with it in words, and clearing away what a dead daemon left. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Makes sure a zohofs can be mounted at @path, an absolute path. A stale mount there is taken away first. */
bool mountpoint_check (const char *path, GError **error);

/* Takes away the mount at @path if it is a zohofs whose daemon is dead. */
void mountpoint_clear (const char *path);
