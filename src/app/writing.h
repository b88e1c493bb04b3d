/* What a mount that writes has beyond one that reads: the journal, room for scratch files, the save engine, and news of
 * what comes of it. */
#pragma once

#include "app/places.h"
#include "app/reports.h"
#include "fs/loop.h"

typedef struct Writing Writing;

/* Waits for an earlier mount of @mountpoint that still sends what was written, and opens journal and scratch. In the
 * process that will serve, after its sign-in was proved. @errors, @audit: borrowed. Returns: NULL with one clear
 * line in @error. */
Writing *writing_open (const Places *places, const char *mountpoint, Jsonl *errors, Jsonl *audit, GError **error);

/* Begins the save engine. Before fs_mount(). @options, @store and @fs are borrowed. Returns: for fs_mount(). */
FsWriting writing_begin (Writing *writing, const Options *options, Store *store, Fs *fs);

/* The mount is ready: what a crashed one had on the wire is looked up from now on. */
void writing_settle (Writing *writing);

/* Before store_stop(): ends that. NULL is fine. */
void writing_stop (Writing *writing);

/* After fs_free(), before store_free(): ends the save engine. NULL is fine. */
void writing_end (Writing *writing);

/* After that. NULL is fine. */
void writing_free (Writing *writing);

/* What came of what was saved, for status.json; NULL when @writing is. */
Reports *writing_reports (Writing *writing);
