/* How many calls at once, and how many credits a day. */
#include "api/limiter.h"

#include "base/clock.h"
#include "base/error.h"

#define HOUR_US (3600 * CLOCK_SECOND_US)

static Limiter *
limiter (unsigned concurrency, unsigned heavy, int64_t credits)
{
  clock_freeze (1000 * HOUR_US, 0);
  return limiter_new (&(LimiterConfig){ concurrency, heavy, credits });
}

static void
enters (Limiter *limits, ClientPriority priority, bool heavy, unsigned credits, LimiterVerdict expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (limiter_enter (limits, priority, heavy, credits, &error), ==, expected);
  if (expected == LIMITER_SPENT)
    g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_SPENT);
  else
    g_assert_no_error (error);
}

static void
spends (Limiter *limits, ClientPriority priority, unsigned credits)
{
  enters (limits, priority, false, credits, LIMITER_GO);
  limiter_leave (limits, false);
}

static void
test_caps (void)
{
  g_autoptr (Limiter) limits = limiter (3, 1, 0);

  enters (limits, CLIENT_PERSON, true, 1, LIMITER_GO);
  enters (limits, CLIENT_PERSON, true, 1, LIMITER_HEAVY_FULL);
  enters (limits, CLIENT_PERSON, false, 1, LIMITER_GO);
  enters (limits, CLIENT_PERSON, false, 1, LIMITER_GO);
  enters (limits, CLIENT_PERSON, false, 1, LIMITER_FULL);
  limiter_leave (limits, true);
  enters (limits, CLIENT_PERSON, true, 1, LIMITER_GO);
}

static void
test_budget_rolls (void)
{
  g_autoptr (Limiter) limits = limiter (9, 9, 10);
  LimiterStats stats;

  spends (limits, CLIENT_PERSON, 6);
  clock_advance (23 * HOUR_US);
  spends (limits, CLIENT_PERSON, 4);
  enters (limits, CLIENT_PERSON, false, 1, LIMITER_SPENT);
  clock_advance (HOUR_US);
  spends (limits, CLIENT_PERSON, 6);
  enters (limits, CLIENT_PERSON, false, 1, LIMITER_SPENT);
  limiter_stats (limits, &stats);
  g_assert_cmpint (stats.credits, ==, 16);
  g_assert_cmpint (stats.credits_today, ==, 10);
  clock_advance (100 * HOUR_US);
  limiter_stats (limits, &stats);
  g_assert_cmpint (stats.credits_today, ==, 0);
}

static void
test_background_leaves_a_reserve (void)
{
  g_autoptr (Limiter) limits = limiter (9, 9, 100);

  spends (limits, CLIENT_BACKGROUND, 90);
  enters (limits, CLIENT_BACKGROUND, false, 1, LIMITER_SPENT);
  spends (limits, CLIENT_LISTING, 10);
  enters (limits, CLIENT_PERSON, false, 1, LIMITER_SPENT);
}

static void
test_the_server_is_heard (void)
{
  g_autoptr (Limiter) limits = limiter (9, 9, 0);

  limiter_heard (limits, 2500);
  spends (limits, CLIENT_BACKGROUND, 1);
  limiter_heard (limits, 400);
  enters (limits, CLIENT_BACKGROUND, false, 1, LIMITER_SPENT);
  spends (limits, CLIENT_PERSON, 1);
  limiter_heard (limits, 0);
  enters (limits, CLIENT_PERSON, false, 1, LIMITER_SPENT);
  clock_advance (30 * CLOCK_SECOND_US);
  spends (limits, CLIENT_PERSON, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/limiter/caps", test_caps);
  g_test_add_func ("/limiter/budget-rolls", test_budget_rolls);
  g_test_add_func ("/limiter/background-leaves-a-reserve", test_background_leaves_a_reserve);
  g_test_add_func ("/limiter/the-server-is-heard", test_the_server_is_heard);
  return g_test_run ();
}
