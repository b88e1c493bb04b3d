/* How many calls at once, and how many credits a day. Credits are counted per minute in a ring of 24 hours. */
#include "api/limiter.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#define MINUTES 1440
#define HEARD_BINDS_US (30 * CLOCK_SECOND_US)

struct Limiter
{
  LimiterConfig config;
  pthread_mutex_t lock; /* guards all below */
  unsigned in_flight, heavy;
  uint64_t credits;
  int64_t today;           /* sum of @spent */
  int64_t spent[MINUTES];  /* by minute, modulo a day */
  int64_t minute;          /* the newest one in @spent */
  int64_t remaining;       /* the server's word, -1 unknown */
  int64_t remaining_most;  /* the largest one heard */
  int64_t remaining_at_us; /* when it was last heard */
};

/* Forgets the minutes that are a day old by now. Lock held. */
static void
turn_ring (Limiter *limiter)
{
  int64_t minute = clock_now_us () / (60 * CLOCK_SECOND_US);
  int64_t steps = CLAMP (minute - limiter->minute, 0, MINUTES);

  for (int64_t i = 0; i < steps; i++)
    {
      int64_t *oldest = &limiter->spent[(minute - i) % MINUTES];

      limiter->today -= *oldest;
      *oldest = 0;
    }
  limiter->minute = MAX (minute, limiter->minute);
}

/* What @priority may not touch of @whole. */
static int64_t
reserve (ClientPriority priority, int64_t whole)
{
  return priority == CLIENT_BACKGROUND ? whole / 10 : 0;
}

/* Lock held. */
static bool
budget_allows (Limiter *limiter, ClientPriority priority, unsigned credits, GError **error)
{
  int64_t budget = limiter->config.daily_credits;

  turn_ring (limiter);
  if (budget <= 0 || limiter->today + credits <= budget - reserve (priority, budget))
    return true;
  if (priority == CLIENT_BACKGROUND)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SPENT,
                 "%" G_GINT64_FORMAT " of today's own budget of %" G_GINT64_FORMAT
                 " API credits are spent; the rest is kept for people, so background work waits",
                 limiter->today, budget);
  else
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SPENT,
                 "Today's own budget of %" G_GINT64_FORMAT
                 " API credits is spent; wait until credits of yesterday come back, or raise daily_credits in the "
                 "configuration",
                 budget);
  return false;
}

/* Lock held. The header appears when half the day's credits are gone, so the most ever heard is at most half of all. */
static bool
server_allows (Limiter *limiter, ClientPriority priority, GError **error)
{
  int64_t whole = MAX (limiter->config.daily_credits, 2 * limiter->remaining_most);

  if (limiter->remaining < 0 || clock_now_us () - limiter->remaining_at_us >= HEARD_BINDS_US
      || limiter->remaining > reserve (priority, whole))
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SPENT,
               "Zoho says that this organization has %" G_GINT64_FORMAT
               " API credits left today; wait until some come back",
               limiter->remaining);
  return false;
}

Limiter *
limiter_new (const LimiterConfig *config)
{
  Limiter *limiter = g_new0 (Limiter, 1);

  limiter->config = *config;
  limiter->config.concurrency = MAX (config->concurrency, 1);
  if (config->heavy_concurrency == 0)
    limiter->config.heavy_concurrency = limiter->config.concurrency;
  limiter->remaining = -1;
  limiter->minute = clock_now_us () / (60 * CLOCK_SECOND_US);
  pthread_mutex_init (&limiter->lock, NULL);
  return limiter;
}

LimiterVerdict
limiter_enter (Limiter *limiter, ClientPriority priority, bool heavy, unsigned credits, GError **error)
{
  LOCKED (&limiter->lock);

  if (!budget_allows (limiter, priority, credits, error) || !server_allows (limiter, priority, error))
    return LIMITER_SPENT;
  if (limiter->in_flight >= limiter->config.concurrency)
    return LIMITER_FULL;
  if (heavy && limiter->heavy >= limiter->config.heavy_concurrency)
    return LIMITER_HEAVY_FULL;
  limiter->in_flight++;
  limiter->heavy += heavy;
  limiter->credits += credits;
  limiter->today += credits;
  limiter->spent[limiter->minute % MINUTES] += credits;
  return LIMITER_GO;
}

void
limiter_leave (Limiter *limiter, bool heavy)
{
  LOCKED (&limiter->lock);

  limiter->in_flight--;
  limiter->heavy -= heavy;
}

void
limiter_heard (Limiter *limiter, int64_t remaining)
{
  LOCKED (&limiter->lock);

  limiter->remaining = MAX (remaining, 0);
  limiter->remaining_most = MAX (limiter->remaining_most, limiter->remaining);
  limiter->remaining_at_us = clock_now_us ();
}

void
limiter_stats (Limiter *limiter, LimiterStats *stats)
{
  LOCKED (&limiter->lock);

  turn_ring (limiter);
  *stats = (LimiterStats){
    .in_flight = limiter->in_flight,
    .credits = limiter->credits,
    .credits_today = limiter->today,
    .remaining = limiter->remaining,
  };
}

void
limiter_free (Limiter *limiter)
{
  if (limiter == NULL)
    return;
  pthread_mutex_destroy (&limiter->lock);
  g_free (limiter);
}
