/* Small files, read with bounds and written so that they are there whole or not at all. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Reads a regular file of at most @max bytes. @secret: refused unless it is ours alone (owner, no rights for others).
 * Returns: its bytes and a final NUL, to g_free(); NULL with @error, ZOHO_ERROR_NOT_FOUND when there is none. */
char *files_read (const char *path, size_t max, bool secret, size_t *size, GError **error);

/* Reads @fd to its end. Returns: as files_read(); @path is for the error's words. */
char *files_read_fd (int fd, const char *path, size_t max, size_t *size, GError **error);

/* Writes @text to @path, mode 0600, and its folder with mode 0700 where that is missing. After a crash the old or the
 * new file is there. */
bool files_write_secret (const char *path, const char *text, GError **error);

/* Is @text one word of printable ASCII? */
bool files_is_word (const char *text);
