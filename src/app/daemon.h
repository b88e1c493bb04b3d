/* Going into the background without losing the news of how it went. */
#pragma once

#include <stdbool.h>

typedef struct
{
  int pipe; /* to the process the user waits for; -1: we are in the foreground, or it is gone */
} Daemon;

/* In the background: forks, and returns in the child alone; the parent waits, says what went wrong, and exits with the
 * child's status. In the foreground it does nothing. Before any thread starts. */
Daemon daemon_start (bool foreground);

/* The mount is there: the parent may go; we let go of the terminal, and log to syslog. */
void daemon_ready (Daemon *daemon);

/* The start failed with @message, which the user is told. */
void daemon_failed (Daemon *daemon, const char *message);
