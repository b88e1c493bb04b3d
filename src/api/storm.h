/* Zoho refuses calls because there are too many (429): then all calls wait together, and one at a time tries whether
 * it is over, so that what a storm costs does not grow with those who wait. Any thread; nothing waits in here. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Storm Storm;

typedef enum
{
  STORM_CALM,   /* go */
  STORM_PAUSED, /* not before a moment */
  STORM_TRIED   /* somebody tries whether it is over */
} StormState;

typedef enum
{
  STORM_REFUSED, /* with a 429 */
  STORM_TAKEN,   /* ended in another way */
  STORM_GIVEN_UP /* by us, so that it says nothing */
} StormOutcome;

Storm *storm_new (void);

/* May a call go that has to be done by @deadline_us? @until_us is set for STORM_PAUSED; who cannot wait for the
 * whole pause may try after the least one. */
StormState storm_look (Storm *storm, int64_t deadline_us, int64_t *until_us);

/* A call goes out that may. Returns: a number for storm_landed(). */
uint64_t storm_departed (Storm *storm);

/* It has ended. @hint_us: what Retry-After asks for, -1 nothing. @dice: any number, evenly spread. Tells the log of
 * a storm's beginning and of its end, and of nothing in between. */
void storm_landed (Storm *storm, uint64_t number, StormOutcome outcome, int64_t hint_us, uint32_t dice);

/* NULL is fine. */
void storm_free (Storm *storm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Storm, storm_free)
