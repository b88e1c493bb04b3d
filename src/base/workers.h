/* A few threads that run jobs in order of arrival. */
#pragma once

#include <glib.h>

typedef struct Workers Workers;
typedef void (*WorkersJob) (void *data);

/* Starts @threads threads named @name. */
Workers *workers_new (const char *name, unsigned threads);

/* Runs @job(@data) on one of the threads. Any thread, also one of the workers. */
void workers_push (Workers *workers, WorkersJob job, void *data);

/* Runs what is queued, then ends the threads. NULL is fine; not from a job. */
void workers_free (Workers *workers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Workers, workers_free)
