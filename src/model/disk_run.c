/* Runs a command that may crash or hang, and waits for its end no longer than it is given. */
#include "model/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* @output is the child's stdout: its end is the child's. Returns: 0 or an errno. */
static int
start (char *const *argv, int output, pid_t *child)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  int failed;

  sigemptyset (&none);
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2 (&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen (&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_init (&attributes);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK);
  failed = posix_spawn (child, argv[0], &actions, &attributes, argv, environ);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  return failed;
}

/* Waits for the end of @input, of which nothing is kept. */
static bool
drained_in_time (int input, int timeout_ms)
{
  gint64 deadline = g_get_monotonic_time () + timeout_ms * G_GINT64_CONSTANT (1000);
  struct pollfd events = { .fd = input, .events = POLLIN };
  char bytes[512];

  for (;;)
    {
      gint64 left_ms = (deadline - g_get_monotonic_time ()) / 1000;
      int ready = poll (&events, 1, (int)CLAMP (left_ms, 0, timeout_ms));

      if (ready == 0)
        return false;
      if (ready < 0 && errno != EINTR)
        return false;
      if (ready > 0 && read (input, bytes, sizeof bytes) == 0)
        return true;
    }
}

bool
disk_run (char *const *argv, int timeout_ms)
{
  int ends[2], status = -1;
  pid_t child;
  int failed;
  bool in_time;

  if (pipe2 (ends, O_CLOEXEC) != 0)
    return false;
  failed = start (argv, ends[1], &child);
  close (ends[1]);
  if (failed != 0)
    {
      close (ends[0]);
      return false;
    }
  in_time = drained_in_time (ends[0], timeout_ms);
  close (ends[0]);
  if (!in_time)
    kill (child, SIGKILL);
  while (waitpid (child, &status, 0) < 0)
    if (errno != EINTR)
      return false;
  return in_time && WIFEXITED (status) && WEXITSTATUS (status) == 0;
}
