/* A few threads that run jobs in order of arrival. Our own instead of GThreadPool, whose locks
 * ThreadSanitizer cannot see. */
#include "base/workers.h"

#include "base/lock.h"

#include <stdbool.h>

typedef struct
{
  WorkersJob job;
  void *data;
} Job;

struct Workers
{
  pthread_mutex_t lock; /* guards all below */
  pthread_cond_t news;  /* a job came, or the end */
  GQueue jobs;          /* Job * */
  bool ending;
  unsigned threads;
  pthread_t thread[];
};

static Job *
next_job (Workers *workers)
{
  LOCKED (&workers->lock);

  while (g_queue_is_empty (&workers->jobs) && !workers->ending)
    pthread_cond_wait (&workers->news, &workers->lock);
  return g_queue_pop_head (&workers->jobs);
}

static void *
work (void *data)
{
  Workers *workers = data;
  Job *job;

  while ((job = next_job (workers)) != NULL)
    {
      job->job (job->data);
      g_free (job);
    }
  return NULL;
}

Workers *
workers_new (const char *name, unsigned threads)
{
  Workers *workers = g_malloc0 (sizeof *workers + threads * sizeof workers->thread[0]);

  pthread_mutex_init (&workers->lock, NULL);
  pthread_cond_init (&workers->news, NULL);
  g_queue_init (&workers->jobs);
  workers->threads = threads;
  for (unsigned i = 0; i < threads; i++)
    {
      if (pthread_create (&workers->thread[i], NULL, work, workers) != 0)
        g_error ("Cannot start a thread for %s: too many threads, or no memory", name);
      pthread_setname_np (workers->thread[i], name);
    }
  return workers;
}

void
workers_push (Workers *workers, WorkersJob job, void *data)
{
  Job *entry = g_new (Job, 1);

  entry->job = job;
  entry->data = data;
  LOCKED (&workers->lock);
  g_queue_push_tail (&workers->jobs, entry);
  pthread_cond_signal (&workers->news);
}

void
workers_free (Workers *workers)
{
  if (workers == NULL)
    return;
  {
    LOCKED (&workers->lock);
    workers->ending = true;
    pthread_cond_broadcast (&workers->news);
  }
  for (unsigned i = 0; i < workers->threads; i++)
    pthread_join (workers->thread[i], NULL);
  pthread_cond_destroy (&workers->news);
  pthread_mutex_destroy (&workers->lock);
  g_free (workers);
}
