/* Who asks: processes as the kernel names them in a request, by the id of a thread. Any thread. */
#pragma once

#include "model/editing.h"

#include <stdbool.h>
#include <sys/types.h>

#define WHO_PROGRAM_SIZE 16

typedef struct
{
  EditProcess process;
  pid_t thread;
  uid_t uid;
  gid_t gid;
} Who;

/* The process that a thread belongs to. Zeroed when it is not known: it has ended, or is of another PID namespace. */
EditProcess who_process (pid_t thread);

/* Are they the same one? */
bool who_same (EditProcess a, EditProcess b);

/* Does it live? */
bool who_lives (EditProcess process);

/* The session it is in, as getsid(2) says; 0: not known. */
pid_t who_session (EditProcess process);

/* Its program's name, "?" when that is not known. */
void who_program (pid_t process, char name[WHO_PROGRAM_SIZE]);
/* The same for the process that a thread belongs to. */
void who_program_of (pid_t thread, char name[WHO_PROGRAM_SIZE]);
