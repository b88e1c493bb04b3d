/* Whether and when to try again. */
#include "api/retry.h"

#include <glib.h>

#define MS INT64_C (1000)

static RetryQuestion
question (RetryCause cause, unsigned tries)
{
  return (RetryQuestion){
    .cause = cause, .tries = tries, .sent = true, .hint_us = -1, .deadline_us = 60000 * MS, .dice = UINT32_MAX
  };
}

static void
test_bound_doubles (void)
{
  RetryQuestion first = question (RETRY_BUSY, 1), third = question (RETRY_BUSY, 3), late = question (RETRY_BUSY, 40);

  g_assert_cmpint (retry_delay (&first), ==, 1000 * MS);
  g_assert_cmpint (retry_delay (&third), ==, 4000 * MS);
  g_assert_cmpint (retry_delay (&late), ==, 30000 * MS);
}

static void
test_jitter_is_full (void)
{
  RetryQuestion ask = question (RETRY_BROKEN, 2);

  ask.dice = 0;
  g_assert_cmpint (retry_delay (&ask), ==, 0);
  ask.dice = UINT32_MAX / 2;
  g_assert_cmpint (retry_delay (&ask) / MS, ==, 249);
}

static void
test_never_past_the_deadline (void)
{
  RetryQuestion ask = question (RETRY_BUSY, 1);

  ask.deadline_us = 999 * MS;
  g_assert_cmpint (retry_delay (&ask), ==, -1);
  ask.dice = UINT32_MAX / 2;
  g_assert_cmpint (retry_delay (&ask), >, 0);
  ask.now_us = 2000 * MS;
  ask.dice = 0;
  g_assert_cmpint (retry_delay (&ask), ==, -1);
}

static void
test_hint_is_honoured (void)
{
  RetryQuestion ask = question (RETRY_BUSY, 1);

  ask.dice = 0;
  ask.hint_us = 7000 * MS;
  g_assert_cmpint (retry_delay (&ask), ==, 7000 * MS);
  ask.hint_us = 0;
  g_assert_cmpint (retry_delay (&ask), ==, 0);
  ask.hint_us = 86400 * 1000 * MS;
  g_assert_cmpint (retry_delay (&ask), ==, -1);
}

static void
test_broken_servers_are_given_up (void)
{
  RetryQuestion fifth = question (RETRY_BROKEN, 5), sixth = question (RETRY_LOST, 6), busy = question (RETRY_BUSY, 60);

  g_assert_cmpint (retry_delay (&fifth), >, 0);
  g_assert_cmpint (retry_delay (&sixth), ==, -1);
  g_assert_cmpint (retry_delay (&busy), >, 0);
}

static void
test_once_is_once (void)
{
  RetryQuestion ask = question (RETRY_LOST, 1);

  ask.once = true;
  g_assert_cmpint (retry_delay (&ask), ==, -1);
  ask.sent = false;
  g_assert_cmpint (retry_delay (&ask), >, 0);
  ask.sent = true;
  ask.cause = RETRY_BROKEN;
  g_assert_cmpint (retry_delay (&ask), ==, -1);
  ask.cause = RETRY_BUSY;
  g_assert_cmpint (retry_delay (&ask), >, 0);
}

static void
test_pauses_have_a_floor (void)
{
  g_assert_cmpint (retry_pause (1, -1, 0), ==, 250 * MS);
  g_assert_cmpint (retry_pause (3, -1, 0), ==, 1000 * MS);
  g_assert_cmpint (retry_pause (60, -1, 0), ==, 3000 * MS);
  g_assert_cmpint (retry_pause (60, -1, UINT32_MAX), ==, 30000 * MS);
  g_assert_cmpint (retry_pause (60, -1, UINT32_MAX / 2) / MS, ==, 14999);
}

static void
test_pauses_heed_the_hint (void)
{
  g_assert_cmpint (retry_pause (60, 0, UINT32_MAX), ==, 0);
  g_assert_cmpint (retry_pause (1, 20000 * MS, 0), ==, 20000 * MS);
  g_assert_cmpint (retry_pause (1, 20000 * MS, UINT32_MAX), ==, 25000 * MS);
  g_assert_cmpint (retry_pause (1, 86400 * 1000 * MS, 0), ==, 300000 * MS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/retry/bound-doubles", test_bound_doubles);
  g_test_add_func ("/retry/jitter-is-full", test_jitter_is_full);
  g_test_add_func ("/retry/never-past-the-deadline", test_never_past_the_deadline);
  g_test_add_func ("/retry/hint-is-honoured", test_hint_is_honoured);
  g_test_add_func ("/retry/broken-servers-are-given-up", test_broken_servers_are_given_up);
  g_test_add_func ("/retry/once-is-once", test_once_is_once);
  g_test_add_func ("/retry/pauses-have-a-floor", test_pauses_have_a_floor);
  g_test_add_func ("/retry/pauses-heed-the-hint", test_pauses_heed_the_hint);
  return g_test_run ();
}
