/* When files are pushed, and how far: decisions from positions alone. */
#include "fs/push.h"

#define SIZE 100000

static void
read_all (PushRun *run, size_t from, size_t count)
{
  for (size_t i = 0; i < count; i++)
    push_run_read (run, from + i, SIZE);
}

static void
test_two_reads_are_no_run (void)
{
  PushRun run = { 0 };

  g_assert_false (push_run_read (&run, 7, SIZE));
  g_assert_false (push_run_read (&run, 8, SIZE));
  g_assert_false (run.running);
}

static void
test_three_in_a_row_begin_a_run (void)
{
  PushRun run = { 0 };

  read_all (&run, 7, 3);
  g_assert_true (run.running);
  g_assert_cmpuint (run.next, ==, 10);
  g_assert_cmpuint (run.end, ==, 10 + PUSH_WINDOW_MIN);
}

static void
test_readers_side_by_side_are_one_run (void)
{
  PushRun run = { 0 };

  push_run_read (&run, 1, SIZE);
  push_run_read (&run, 4, SIZE);
  g_assert_true (push_run_read (&run, 2, SIZE));
  g_assert_cmpuint (run.next, ==, 5);
}

static void
test_scattered_and_backward_reads_are_none (void)
{
  PushRun run = { 0 };

  for (size_t i = 0; i < 1000; i++)
    g_assert_false (push_run_read (&run, i * 7919 % SIZE, SIZE));
  for (size_t i = 1000; i > 0; i--)
    g_assert_false (push_run_read (&run, i, SIZE));
}

/* The reader gets to the end of what was pushed, and reads one file there. */
static size_t
finish_window (PushRun *run)
{
  size_t at = run->end;

  run->next = run->end;
  g_assert_true (push_run_read (run, at, SIZE));
  return run->end - run->next;
}

static void
test_window_doubles_to_its_most (void)
{
  PushRun run = { 0 };

  read_all (&run, 0, 3);
  for (size_t window = 2 * PUSH_WINDOW_MIN; window <= PUSH_WINDOW_MAX; window *= 2)
    g_assert_cmpuint (finish_window (&run), ==, window);
  g_assert_cmpuint (finish_window (&run), ==, PUSH_WINDOW_MAX);
}

static void
test_faster_reader_is_met_ahead (void)
{
  PushRun run = { 0 };
  size_t gap = 0;

  read_all (&run, 0, 3);
  for (size_t at = 3; at < 60; at++)
    {
      bool behind = at >= run.next;

      g_assert_true (push_run_read (&run, at, SIZE));
      if (behind)
        {
          g_assert_cmpuint (run.next - at, >, gap);
          gap = MIN (run.next - at, PUSH_LEAD_MAX);
        }
      g_assert_cmpuint (run.next, <=, at + 1 + PUSH_LEAD_MAX);
    }
}

static void
test_what_was_pushed_and_read_all_the_same_changes_nothing (void)
{
  PushRun run = { 0 };
  PushRun before;

  read_all (&run, 0, 3);
  run.next = 40;
  before = run;
  g_assert_true (push_run_read (&run, 20, SIZE));
  g_assert_cmpmem (&run, sizeof run, &before, sizeof before);
}

static void
test_ends_with_the_directory (void)
{
  PushRun run = { 0 };

  for (size_t i = 0; i < 10; i++)
    push_run_read (&run, i, 10);
  g_assert_cmpuint (run.next, <=, 10);
  g_assert_cmpuint (run.end, ==, 10);
}

static void
test_reader_elsewhere_begins_anew (void)
{
  PushRun run = { 0 };

  read_all (&run, 0, 3);
  read_all (&run, 50000, 3);
  g_assert_true (run.running);
  g_assert_cmpuint (run.next, ==, 50003);
  g_assert_cmpuint (run.end, ==, 50003 + PUSH_WINDOW_MIN);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/push/two reads are no run", test_two_reads_are_no_run);
  g_test_add_func ("/push/three in a row begin a run", test_three_in_a_row_begin_a_run);
  g_test_add_func ("/push/readers side by side are one run", test_readers_side_by_side_are_one_run);
  g_test_add_func ("/push/scattered and backward reads are none", test_scattered_and_backward_reads_are_none);
  g_test_add_func ("/push/window doubles to its most", test_window_doubles_to_its_most);
  g_test_add_func ("/push/faster reader is met ahead", test_faster_reader_is_met_ahead);
  g_test_add_func ("/push/what was pushed and read all the same changes nothing",
                   test_what_was_pushed_and_read_all_the_same_changes_nothing);
  g_test_add_func ("/push/ends with the directory", test_ends_with_the_directory);
  g_test_add_func ("/push/reader elsewhere begins anew", test_reader_elsewhere_begins_anew);
  return g_test_run ();
}
