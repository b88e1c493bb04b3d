/* A few threads that run jobs in order of arrival. */
#include "base/workers.h"

#include "base/lock.h"

#include <stdbool.h>

typedef struct
{
  Workers *workers;
  pthread_mutex_t lock; /* guards all below */
  pthread_cond_t news;
  GString *order;
  unsigned ran, meeting;
} Fixture;

static void
set_up (Fixture *f, const void *threads)
{
  f->workers = workers_new ("test", GPOINTER_TO_UINT (threads));
  pthread_mutex_init (&f->lock, NULL);
  pthread_cond_init (&f->news, NULL);
  f->order = g_string_new (NULL);
}

static void
tear_down (Fixture *f, const void *unused)
{
  g_string_free (f->order, TRUE);
  pthread_cond_destroy (&f->news);
  pthread_mutex_destroy (&f->lock);
}

typedef struct
{
  Fixture *f;
  char name;
} Named;

static void
note_name (void *data)
{
  Named *named = data;
  LOCKED (&named->f->lock);

  g_string_append_c (named->f->order, named->name);
}

static void
test_keeps_order (Fixture *f, const void *unused)
{
  Named jobs[] = { { f, 'a' }, { f, 'b' }, { f, 'c' }, { f, 'd' } };

  for (size_t i = 0; i < G_N_ELEMENTS (jobs); i++)
    workers_push (f->workers, note_name, &jobs[i]);
  workers_free (f->workers);
  g_assert_cmpstr (f->order->str, ==, "abcd");
}

/* Returns only when two are in here. */
static void
meet (void *data)
{
  Fixture *f = data;
  LOCKED (&f->lock);

  f->meeting++;
  pthread_cond_broadcast (&f->news);
  while (f->meeting < 2)
    pthread_cond_wait (&f->news, &f->lock);
}

static void
test_runs_side_by_side (Fixture *f, const void *unused)
{
  workers_push (f->workers, meet, f);
  workers_push (f->workers, meet, f);
  workers_free (f->workers);
  g_assert_cmpint (f->meeting, ==, 2);
}

static void
count_up (void *data)
{
  Fixture *f = data;
  bool again;

  {
    LOCKED (&f->lock);
    again = ++f->ran < 100;
  }
  if (again)
    workers_push (f->workers, count_up, f);
}

static void
test_runs_what_jobs_push (Fixture *f, const void *unused)
{
  workers_push (f->workers, count_up, f);
  workers_free (f->workers);
  g_assert_cmpint (f->ran, ==, 100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/workers/keeps-order", Fixture, GUINT_TO_POINTER (1), set_up, test_keeps_order, tear_down);
  g_test_add ("/workers/runs-side-by-side", Fixture, GUINT_TO_POINTER (2), set_up, test_runs_side_by_side, tear_down);
  g_test_add ("/workers/runs-what-jobs-push", Fixture, GUINT_TO_POINTER (2), set_up, test_runs_what_jobs_push,
              tear_down);
  return g_test_run ();
}
