/* /proc tells who a thread belongs to, and when that process began, so that a number used again is another one. */
#include "fs/who.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_SIZE 4096
#define STATE_FIELD 3       /* of stat, the first one after the name */
#define SESSION_FIELD 6     /* of stat, see proc(5) */
#define START_TIME_FIELD 22

/* Returns: false when there is no such file. @text is ended by a NUL. */
static bool
read_proc (uint64_t number, const char *file, char text[TEXT_SIZE])
{
  char path[64];
  ssize_t got;
  int fd;

  snprintf (path, sizeof path, "/proc/%" PRIu64 "/%s", number, file);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  got = read (fd, text, TEXT_SIZE - 1);
  close (fd);
  text[MAX (got, 0)] = '\0';
  return got > 0;
}

/* 0: there is no such process any more; one that has ended and is still waited for counts as that. */
static uint64_t
stat_field (uint64_t group, int wanted)
{
  char text[TEXT_SIZE];
  const char *at = read_proc (group, "stat", text) ? strrchr (text, ')') : NULL;
  uint64_t value = 0;

  if (at == NULL || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
    return 0;
  for (int field = STATE_FIELD; at != NULL && field <= wanted; field++)
    at = strchr (at + 1, ' ');
  return at != NULL && sscanf (at, "%" SCNu64, &value) == 1 ? value : 0;
}

static uint64_t
start_of (uint64_t group)
{
  return stat_field (group, START_TIME_FIELD);
}

/* The process of a thread; 0: not known. */
static uint64_t
group_of (pid_t thread)
{
  char text[TEXT_SIZE];
  const char *at;
  uint64_t group = 0;

  if (thread <= 0 || !read_proc ((uint64_t)thread, "status", text))
    return 0;
  at = strstr (text, "\nTgid:");
  return at != NULL && sscanf (at, "\nTgid: %" SCNu64, &group) == 1 ? group : 0;
}

EditProcess
who_process (pid_t thread)
{
  EditProcess process = { .group = group_of (thread) };

  if (process.group == 0)
    return process;
  process.start = start_of (process.group);
  return process.start != 0 ? process : (EditProcess){ 0 };
}

bool
who_same (EditProcess a, EditProcess b)
{
  return a.group == b.group && a.start == b.start;
}

bool
who_lives (EditProcess process)
{
  return process.start != 0 && start_of (process.group) == process.start;
}

pid_t
who_session (EditProcess process)
{
  return process.start != 0 ? (pid_t)stat_field (process.group, SESSION_FIELD) : 0;
}

void
who_program (pid_t process, char name[WHO_PROGRAM_SIZE])
{
  char text[TEXT_SIZE];

  g_strlcpy (name, "?", WHO_PROGRAM_SIZE);
  if (process <= 0 || !read_proc ((uint64_t)process, "comm", text))
    return;
  text[strcspn (text, "\n")] = '\0';
  g_strlcpy (name, text, WHO_PROGRAM_SIZE);
}

void
who_program_of (pid_t thread, char name[WHO_PROGRAM_SIZE])
{
  who_program ((pid_t)group_of (thread), name);
}
