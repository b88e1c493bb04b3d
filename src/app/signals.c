/* One thread waits for the signals that end us, since almost nothing may be done inside a signal handler. */
#include "app/signals.h"

#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

struct Signals
{
  void (*stop) (void *data);
  void (*abandon) (void *data);
  void *data;
  pthread_t thread;
  atomic_bool ending;
};

static sigset_t
ending_signals (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGHUP);
  return set;
}

static void *
take_signals (void *data)
{
  Signals *signals = data;
  sigset_t set = ending_signals ();
  bool stopping = false;
  int number;

  while (sigwait (&set, &number) == 0 && !atomic_load (&signals->ending))
    {
      if (stopping)
        signals->abandon (signals->data);
      else
        signals->stop (signals->data);
      stopping = true;
    }
  return NULL;
}

void
signals_block (void)
{
  sigset_t set = ending_signals ();

  pthread_sigmask (SIG_BLOCK, &set, NULL);
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN);
}

Signals *
signals_start (void (*stop) (void *data), void (*abandon) (void *data), void *data)
{
  Signals *signals = g_new0 (Signals, 1);

  signals->stop = stop;
  signals->abandon = abandon;
  signals->data = data;
  if (pthread_create (&signals->thread, NULL, take_signals, signals) != 0)
    g_error ("No thread can be started to wait for signals.");
  return signals;
}

void
signals_end (Signals *signals)
{
  if (signals == NULL)
    return;
  atomic_store (&signals->ending, true);
  pthread_kill (signals->thread, SIGTERM);
  pthread_join (signals->thread, NULL);
  g_free (signals);
}
