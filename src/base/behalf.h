/* For which program the running thread works, so that what it causes can be charged to who asked for it. Told by who
 * begins a piece of work, read by who counts; each thread has its own. */
#pragma once

#define BEHALF_PROGRAM_SIZE 16 /* as of /proc/PID/comm */

typedef struct
{
  /* Called by behalf_program() alone, so that what nobody counts costs nothing; locks may be held. */
  void (*program) (void *data, char name[BEHALF_PROGRAM_SIZE]);
  void *data;
} Behalf;

/* @behalf is borrowed until the next call; NULL: for itself. Returns: what it was before, to be set again. */
const Behalf *behalf_set (const Behalf *behalf);

/* "zohofs" where the thread works for itself. */
void behalf_program (char name[BEHALF_PROGRAM_SIZE]);
