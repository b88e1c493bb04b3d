/* Gives the kernel the texts of files it has not asked for yet, when a directory is being read through: a push costs a
 * fraction of a READ, and nobody waits for it. Any thread; the work is done on the notify thread of inodes. */
#pragma once

#include "fs/invalidate.h"

#include <stdatomic.h>

typedef struct Push Push;

/* All are borrowed. @pushed counts the texts. */
Push *push_new (Nodes *nodes, Invalidate *invalidate, atomic_ullong *pushed);
/* After invalidate_stop() only. NULL is fine. */
void push_free (Push *push);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Push, push_free)

/* A directory's listing had record @id of @module at @index. */
void push_listed (Push *push, StoreModule *module, size_t index, uint64_t id);

/* The kernel has asked for the beginning of a record's text. */
void push_missed (Push *push, StoreModule *module, uint64_t id);

/* Push no more. */
void push_stop (Push *push);

/* ---- when and how far: pure ------------------------------------------------------------------------------------- */

#define PUSH_EVIDENCE 3      /* reads in a row make a run */
#define PUSH_WINDOW_MIN 64   /* files pushed first */
#define PUSH_WINDOW_MAX 512  /* and at most, ahead of the reader */
#define PUSH_LEAD_MAX 31

/* One reader, in one order of a directory's files. Zeroed: none. */
typedef struct
{
  size_t recent[PUSH_EVIDENCE]; /* positions read last, the newest first */
  unsigned seen;                /* how many of them there are */
  bool running;
  size_t next;   /* to be pushed: from here ... */
  size_t end;    /* ... up to here */
  size_t window;
  size_t lead;   /* how far before a faster reader pushing goes on */
} PushRun;

/* The file at @position of @size had to be read. Returns: whether that fits the run, which was moved on or has
 * begun. */
bool push_run_read (PushRun *run, size_t position, size_t size);
