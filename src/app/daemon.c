/* The fork comes first, because threads, curl and the mount do not survive one. So the child does all the work while
 * the parent waits at a pipe: an empty line means ready, any other is the reason why not, and a pipe that closes
 * without one means that the child died. */
#include "app/daemon.h"

#include "app/logging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_SIZE 4096

static bool
send_line (int pipe, const char *line)
{
  g_autofree char *text = g_strconcat (line, "\n", NULL);

  return TEMP_FAILURE_RETRY (write (pipe, text, strlen (text))) == (ssize_t) strlen (text);
}

/* Returns: false when the pipe closed before a line was whole. */
static bool
receive_line (int pipe, char line[static LINE_SIZE])
{
  size_t filled = 0;

  while (filled < LINE_SIZE - 1)
    {
      ssize_t got = TEMP_FAILURE_RETRY (read (pipe, line + filled, LINE_SIZE - 1 - filled));

      if (got <= 0)
        return false;
      filled += (size_t) got;
      if (line[filled - 1] == '\n')
        {
          line[filled - 1] = '\0';
          return true;
        }
    }
  line[filled] = '\0';
  return true;
}

static void
explain_death (pid_t child)
{
  int status = 0;

  TEMP_FAILURE_RETRY (waitpid (child, &status, 0));
  if (WIFSIGNALED (status))
    fprintf (stderr, "zohofs: The background process was killed by signal %d (%s) before the mount was ready.\n",
             WTERMSIG (status), strsignal (WTERMSIG (status)));
  else
    fprintf (stderr, "zohofs: The background process ended with status %d before the mount was ready.\n",
             WEXITSTATUS (status));
}

G_NORETURN static void
wait_for_child (int pipe, pid_t child)
{
  char line[LINE_SIZE];

  if (!receive_line (pipe, line))
    explain_death (child);
  else if (line[0] == '\0')
    _exit (EXIT_SUCCESS);
  else
    logging_tell (line);
  _exit (EXIT_FAILURE);
}

static void
leave_terminal (void)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  setsid ();
  if (chdir ("/") < 0)
    g_warning ("The working directory cannot be left: %s.", g_strerror (errno));
  if (null < 0)
    return;
  dup2 (null, STDIN_FILENO);
  dup2 (null, STDOUT_FILENO);
  dup2 (null, STDERR_FILENO);
  if (null > STDERR_FILENO)
    close (null);
}

Daemon
daemon_start (bool foreground)
{
  Daemon daemon = { .pipe = -1 };
  int ends[2];
  pid_t child;

  if (foreground)
    return daemon;
  if (pipe2 (ends, O_CLOEXEC) < 0 || (child = fork ()) < 0)
    {
      fprintf (stderr, "zohofs: No process for the background can be started: %s.\n", g_strerror (errno));
      exit (EXIT_FAILURE);
    }
  if (child > 0)
    {
      close (ends[1]);
      wait_for_child (ends[0], child);
    }
  close (ends[0]);
  daemon.pipe = ends[1];
  return daemon;
}

void
daemon_ready (Daemon *daemon)
{
  if (daemon->pipe < 0)
    return;
  logging_to_syslog ();
  leave_terminal ();
  if (!send_line (daemon->pipe, ""))
    g_info ("Nobody waited for the mount any more.");
  close (daemon->pipe);
  daemon->pipe = -1;
}

void
daemon_failed (Daemon *daemon, const char *message)
{
  g_autofree char *line = logging_clean (message);

  if (daemon->pipe < 0 || !send_line (daemon->pipe, line))
    logging_tell (line);
  if (daemon->pipe >= 0)
    close (daemon->pipe);
  daemon->pipe = -1;
}
