/* All calls wait together while Zoho refuses calls. */
#include "api/storm.h"

#include "base/clock.h"

#define START_US (1000 * CLOCK_SECOND_US)
#define MOST UINT32_MAX

typedef struct
{
  Storm *storm;
  int64_t until_us;
} Fixture;

static void
set_up (Fixture *f, const void *unused)
{
  clock_freeze (START_US, 1700000000);
  f->storm = storm_new ();
}

static void
tear_down (Fixture *f, const void *unused)
{
  storm_free (f->storm);
  clock_thaw ();
}

static StormState
look (Fixture *f)
{
  return storm_look (f->storm, INT64_MAX, &f->until_us);
}

/* A call goes and is refused. */
static void
refuse (Fixture *f, int64_t hint_us, uint32_t dice)
{
  storm_landed (f->storm, storm_departed (f->storm), STORM_REFUSED, hint_us, dice);
}

static void
test_waits_longer_and_longer (Fixture *f, const void *unused)
{
  static const int64_t seconds[] = { 1, 2, 4, 8, 16, 30, 30 };

  g_assert_cmpint (look (f), ==, STORM_CALM);
  for (size_t i = 0; i < G_N_ELEMENTS (seconds); i++)
    {
      refuse (f, -1, MOST);
      g_assert_cmpint (look (f), ==, STORM_PAUSED);
      g_assert_cmpint (f->until_us - clock_now_us (), ==, seconds[i] * CLOCK_SECOND_US);
      clock_advance (f->until_us - clock_now_us ());
      g_assert_cmpint (look (f), ==, STORM_CALM);
    }
}

static void
test_one_tries (Fixture *f, const void *unused)
{
  uint64_t number;

  refuse (f, -1, MOST);
  clock_advance (CLOCK_SECOND_US);
  g_assert_cmpint (look (f), ==, STORM_CALM);
  number = storm_departed (f->storm);
  g_assert_cmpint (look (f), ==, STORM_TRIED);
  storm_landed (f->storm, number, STORM_TAKEN, -1, MOST);
  g_assert_cmpint (look (f), ==, STORM_CALM);
  storm_departed (f->storm);
  g_assert_cmpint (look (f), ==, STORM_CALM);
}

static void
test_those_under_way_count_once (Fixture *f, const void *unused)
{
  uint64_t numbers[5];

  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    numbers[i] = storm_departed (f->storm);
  for (size_t i = 0; i < 3; i++)
    storm_landed (f->storm, numbers[i], STORM_REFUSED, -1, MOST);
  look (f);
  g_assert_cmpint (f->until_us, ==, START_US + CLOCK_SECOND_US);
  /* Nor does one that still got through end it. */
  storm_landed (f->storm, numbers[3], STORM_TAKEN, -1, MOST);
  g_assert_cmpint (look (f), ==, STORM_PAUSED);
  clock_advance (CLOCK_SECOND_US);
  storm_landed (f->storm, storm_departed (f->storm), STORM_TAKEN, -1, MOST);
  /* A refusal of then is late news. */
  storm_landed (f->storm, numbers[4], STORM_REFUSED, -1, MOST);
  g_assert_cmpint (look (f), ==, STORM_CALM);
}

static void
test_a_try_that_is_given_up_says_nothing (Fixture *f, const void *unused)
{
  uint64_t number;

  refuse (f, -1, MOST);
  clock_advance (CLOCK_SECOND_US);
  number = storm_departed (f->storm);
  storm_landed (f->storm, number, STORM_GIVEN_UP, -1, MOST);
  g_assert_cmpint (look (f), ==, STORM_CALM);
  storm_departed (f->storm);
  g_assert_cmpint (look (f), ==, STORM_TRIED);
}

static void
test_the_hint_counts (Fixture *f, const void *unused)
{
  refuse (f, 20 * CLOCK_SECOND_US, 0);
  look (f);
  g_assert_cmpint (f->until_us, ==, START_US + 20 * CLOCK_SECOND_US);
}

static void
test_who_is_in_a_hurry_tries_sooner (Fixture *f, const void *unused)
{
  int64_t until_us;

  refuse (f, -1, MOST);
  refuse (f, -1, MOST);
  refuse (f, -1, MOST);
  g_assert_cmpint (storm_look (f->storm, START_US + 2 * CLOCK_SECOND_US, &until_us), ==, STORM_PAUSED);
  g_assert_cmpint (until_us, ==, START_US + CLOCK_SECOND_US);
  clock_advance (CLOCK_SECOND_US);
  g_assert_cmpint (look (f), ==, STORM_PAUSED);
  g_assert_cmpint (storm_look (f->storm, START_US + 2 * CLOCK_SECOND_US, &until_us), ==, STORM_CALM);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* a storm is a warning */
#define ADD(name, run) g_test_add ("/storm/" name, Fixture, NULL, set_up, run, tear_down)
  ADD ("waits-longer-and-longer", test_waits_longer_and_longer);
  ADD ("one-tries", test_one_tries);
  ADD ("those-under-way-count-once", test_those_under_way_count_once);
  ADD ("a-try-that-is-given-up-says-nothing", test_a_try_that_is_given_up_says_nothing);
  ADD ("who-is-in-a-hurry-tries-sooner", test_who_is_in_a_hurry_tries_sooner);
  ADD ("the-hint-counts", test_the_hint_counts);
  return g_test_run ();
}
