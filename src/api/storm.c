/* All calls wait together while Zoho refuses calls.
 *
 *   a storm is  leaves when
 *   over        a call is refused that went out since the last one ended  -> paused
 *   paused      the pause has passed and a call goes                      -> tried
 *   tried       that call is refused                                      -> paused, for longer
 *               it ends in another way                                    -> over
 *               it is given up                                            -> paused, and the pause has passed */
#include "api/storm.h"

#include "api/retry.h"
#include "base/clock.h"
#include "base/lock.h"

struct Storm
{
  pthread_mutex_t lock; /* guards all below */
  uint64_t departures;
  uint64_t ended_at;    /* the departures when the last storm ended: who went before says nothing new */
  unsigned refusals;    /* in a row; 0: over */
  uint64_t trying;      /* the number of the call that tries; 0: none */
  int64_t until_us;
  int64_t least_us;     /* the least that the pause could have been */
  int64_t began_us;
};

/* Lock held. */
static void
pause_for (Storm *storm, int64_t hint_us, uint32_t dice)
{
  storm->until_us = clock_now_us () + retry_pause (storm->refusals, hint_us, dice);
  storm->least_us = clock_now_us () + retry_pause (storm->refusals, hint_us, 0);
}

/* Lock held. */
static void
refused (Storm *storm, uint64_t number, int64_t hint_us, uint32_t dice)
{
  if (storm->refusals > 0 && number != storm->trying)
    return;
  storm->trying = 0;
  storm->refusals++;
  pause_for (storm, hint_us, dice);
  if (storm->refusals > 1)
    return;
  storm->began_us = clock_now_us ();
  g_warning ("Zoho takes no more calls for now (429); all wait, and one at a time tries whether it is over");
}

/* Lock held. */
static void
over (Storm *storm)
{
  g_warning ("The calls to Zoho go on, after %" G_GINT64_FORMAT " s and %u refusals",
             (clock_now_us () - storm->began_us) / CLOCK_SECOND_US, storm->refusals);
  storm->refusals = 0;
  storm->trying = 0;
  storm->ended_at = storm->departures;
}

Storm *
storm_new (void)
{
  Storm *storm = g_new0 (Storm, 1);

  pthread_mutex_init (&storm->lock, NULL);
  return storm;
}

StormState
storm_look (Storm *storm, int64_t deadline_us, int64_t *until_us)
{
  LOCKED (&storm->lock);

  if (storm->refusals == 0)
    return STORM_CALM;
  if (storm->trying != 0)
    return STORM_TRIED;
  *until_us = storm->until_us < deadline_us ? storm->until_us : storm->least_us;
  return clock_now_us () < *until_us ? STORM_PAUSED : STORM_CALM;
}

uint64_t
storm_departed (Storm *storm)
{
  LOCKED (&storm->lock);

  storm->departures++;
  if (storm->refusals > 0)
    storm->trying = storm->departures;
  return storm->departures;
}

void
storm_landed (Storm *storm, uint64_t number, StormOutcome outcome, int64_t hint_us, uint32_t dice)
{
  LOCKED (&storm->lock);

  if (outcome == STORM_REFUSED && number > storm->ended_at)
    refused (storm, number, hint_us, dice);
  else if (number == storm->trying && outcome == STORM_GIVEN_UP)
    storm->trying = 0;
  else if (number == storm->trying)
    over (storm);
}

void
storm_free (Storm *storm)
{
  if (storm == NULL)
    return;
  pthread_mutex_destroy (&storm->lock);
  g_free (storm);
}
