/* How many calls at once, and how many credits a day. Any thread; nothing waits in here. */
#pragma once

#include "api/client.h"

typedef struct Limiter Limiter;

typedef struct
{
  unsigned concurrency;       /* calls in flight, >= 1 */
  unsigned heavy_concurrency; /* of these, of the sub-concurrency class; 0: as many as @concurrency */
  int64_t daily_credits;      /* own budget in rolling 24 hours; 0: none */
} LimiterConfig;

typedef enum
{
  LIMITER_GO,         /* a place was taken and the credits are spent: limiter_leave() when the call ends */
  LIMITER_FULL,       /* no call may go now */
  LIMITER_HEAVY_FULL, /* no heavy call may go now */
  LIMITER_SPENT       /* not today: ZOHO_ERROR_SPENT */
} LimiterVerdict;

Limiter *limiter_new (const LimiterConfig *config);

/* A tenth of the budget is kept from background work, so that people find some left. */
LimiterVerdict limiter_enter (Limiter *limiter, ClientPriority priority, bool heavy, unsigned credits, GError **error);
void limiter_leave (Limiter *limiter, bool heavy);

/* What X-API-CREDITS-REMAINING said. It binds for half a minute: others spend and credits come back. */
void limiter_heard (Limiter *limiter, int64_t remaining);

typedef struct
{
  unsigned in_flight;
  uint64_t credits;      /* since limiter_new() */
  int64_t credits_today; /* in the last 24 hours */
  int64_t remaining;     /* as last heard, -1 never */
} LimiterStats;

void limiter_stats (Limiter *limiter, LimiterStats *stats);

/* NULL is fine. */
void limiter_free (Limiter *limiter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Limiter, limiter_free)
