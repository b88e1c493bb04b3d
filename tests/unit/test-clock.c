/* Time, which tests can stop. */
#include "base/clock.h"

#include <glib.h>

static void
test_stops_and_moves (void)
{
  clock_freeze (5 * CLOCK_SECOND_US, 100);
  g_assert_cmpint (clock_now_us (), ==, 5 * CLOCK_SECOND_US);
  clock_advance (2 * CLOCK_SECOND_US);
  g_assert_cmpint (clock_now_us (), ==, 7 * CLOCK_SECOND_US);
  g_assert_cmpint (clock_wall_s (), ==, 102);
  clock_thaw ();
  g_assert_cmpint (clock_wall_s (), >, 1000000000);
}

static void
parses (const char *text, int64_t expected)
{
  int64_t seconds = -1;

  if (!clock_parse_time (text, &seconds))
    g_error ("%s was refused", text);
  g_assert_cmpint (seconds, ==, expected);
}

static void
test_parses (void)
{
  static const char *const bad[] = {
    "",
    "2026-03-02",
    "2026-03-02T10:00:00",
    "2026-03-02 10:00:00Z",
    "2026-13-02T10:00:00Z",
    "2026-00-02T10:00:00Z",
    "2026-03-32T10:00:00Z",
    "2026-03-02T24:00:00Z",
    "2026-03-02T10:60:00Z",
    "2026-03-02T10:00:00+2:00",
    "2026-03-02T10:00:00+02:00x",
    "2026-03-02T10:00:00+02:60",
    "2026-03-02T10:00:00z ",
    "+026-03-02T10:00:00Z",
  };
  int64_t seconds;

  parses ("1970-01-01T00:00:00Z", 0);
  parses ("2026-03-02T10:00:00+00:00", 1772445600);
  parses ("2026-03-02T12:00:00+02:00", 1772445600);
  parses ("2026-03-02T04:30:00-05:30", 1772445600);
  parses ("2026-03-02T10:00:00.123Z", 1772445600);
  parses ("2024-02-29T00:00:00Z", 1709164800);
  parses ("1969-12-31T23:59:59Z", -1);
  g_assert_false (clock_parse_time (NULL, &seconds));
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    if (clock_parse_time (bad[i], &seconds))
      g_error ("%s was taken", bad[i]);
}

static void
test_formats_what_it_parses (void)
{
  static const int64_t times[] = { 0, 1772445600, 1709164800, 4102444800 };

  for (size_t i = 0; i < G_N_ELEMENTS (times); i++)
    {
      char text[CLOCK_TIME_SIZE];

      clock_format_time (times[i], text);
      parses (text, times[i]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock/stops-and-moves", test_stops_and_moves);
  g_test_add_func ("/clock/parses", test_parses);
  g_test_add_func ("/clock/formats-what-it-parses", test_formats_what_it_parses);
  return g_test_run ();
}
