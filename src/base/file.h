/* Files by descriptor. */
#pragma once

/* For a cleanup attribute: closes what is open, and keeps errno. */
void file_close (int *fd);
#define AUTO_FD __attribute__ ((cleanup (file_close)))

/* Opens @name below the folder @at (or AT_FDCWD) with the flags of open(2), new files for the owner alone. What
 * stands there instead of a regular file (a link, a pipe, a device) must neither hang us nor lead elsewhere: it is
 * refused.
 * Returns: -1 with errno. */
int file_open_at (int at, const char *name, int flags);
