/* What each program has cost. */
#include "api/costs.h"

#include <string.h>

typedef struct
{
  Costs *costs;
  Cost list[COSTS_NAMES_MAX + 1];
} Fixture;

static void
set_up (Fixture *f, const void *unused)
{
  f->costs = costs_new ();
}

static void
tear_down (Fixture *f, const void *unused)
{
  costs_free (f->costs);
}

static void
assert_cost (const Cost *cost, const char *program, uint64_t calls, uint64_t credits)
{
  g_assert_cmpstr (cost->program, ==, program);
  g_assert_cmpuint (cost->calls, ==, calls);
  g_assert_cmpuint (cost->credits, ==, credits);
}

static void
test_dearest_first (Fixture *f, const void *unused)
{
  g_assert_cmpuint (costs_list (f->costs, f->list), ==, 0);
  costs_add (f->costs, "ls", 1);
  costs_add (f->costs, "zohofs", 2);
  costs_add (f->costs, "grep", 5);
  costs_add (f->costs, "ls", 2);
  g_assert_cmpuint (costs_list (f->costs, f->list), ==, 3);
  assert_cost (&f->list[0], "grep", 1, 5);
  assert_cost (&f->list[1], "ls", 2, 3);
  assert_cost (&f->list[2], "zohofs", 1, 2);
}

static void
test_names_are_bounded (Fixture *f, const void *unused)
{
  uint64_t calls = 0;
  size_t count;

  for (unsigned i = 0; i < 5000; i++)
    {
      g_autofree char *name = g_strdup_printf ("p%u", i);

      costs_add (f->costs, name, 1);
      costs_add (f->costs, "backup", 3);
    }
  count = costs_list (f->costs, f->list);
  g_assert_cmpuint (count, ==, COSTS_NAMES_MAX + 1);
  assert_cost (&f->list[0], "backup", 5000, 15000);
  g_assert_cmpstr (f->list[count - 1].program, ==, "others");
  for (size_t i = 0; i < count; i++)
    calls += f->list[i].calls;
  g_assert_cmpuint (calls, ==, 10000);
}

static void
test_others_is_no_program (Fixture *f, const void *unused)
{
  costs_add (f->costs, "others", 7);
  costs_add (f->costs, "ls", 1);
  g_assert_cmpuint (costs_list (f->costs, f->list), ==, 2);
  assert_cost (&f->list[0], "ls", 1, 1);
  assert_cost (&f->list[1], "others", 1, 7);
}

static void
test_names_can_be_shown (Fixture *f, const void *unused)
{
  costs_add (f->costs, "a\nb\x7f", 3);
  costs_add (f->costs, "\xff\xfe", 2);
  costs_add (f->costs, "\xfe\xff", 2);
  costs_add (f->costs, "\xc3\xa9t\xc3\xa9", 1);
  g_assert_cmpuint (costs_list (f->costs, f->list), ==, 3);
  assert_cost (&f->list[0], "??", 2, 4);
  assert_cost (&f->list[1], "a?b?", 1, 3);
  assert_cost (&f->list[2], "\xc3\xa9t\xc3\xa9", 1, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, run) g_test_add ("/costs/" name, Fixture, NULL, set_up, run, tear_down)
  ADD ("dearest-first", test_dearest_first);
  ADD ("names-are-bounded", test_names_are_bounded);
  ADD ("others-is-no-program", test_others_is_no_program);
  ADD ("names-can-be-shown", test_names_can_be_shown);
  return g_test_run ();
}
