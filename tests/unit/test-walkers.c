/* Programs that look at every file there is. */
#include "fs/walkers.h"

#include "base/clock.h"

static void
test_names_have_15_bytes (void)
{
  g_autoptr (Walkers) walkers = walkers_new ("updatedb, baloo_file_extractor");

  g_assert_true (walkers_any (walkers));
  g_assert_true (walkers_has (walkers, "updatedb"));
  g_assert_true (walkers_has (walkers, "baloo_file_extr"));
  g_assert_false (walkers_has (walkers, "baloo_file"));
  g_assert_false (walkers_has (walkers, "updatedb2"));
  g_assert_false (walkers_has (walkers, ""));
}

static void
test_none (void)
{
  g_autoptr (Walkers) walkers = walkers_new ("");

  g_assert_nonnull (walkers);
  g_assert_false (walkers_any (walkers));
  g_assert_false (walkers_has (walkers, "updatedb"));
  g_assert_false (walkers_any (NULL));
  g_assert_false (walkers_has (NULL, "updatedb"));
}

static void
test_default (void)
{
  g_autoptr (Walkers) walkers = walkers_new (WALKERS_DEFAULT);

  g_assert_true (walkers_has (walkers, "tracker-miner-f"));
  g_assert_true (walkers_has (walkers, "updatedb.plocat"));
  g_assert_false (walkers_has (walkers, "find"));
}

static void
test_what_is_no_list (void)
{
  g_autofree char *many = g_strnfill (2 * 65 - 1, 'a');

  for (size_t i = 1; many[i] != '\0'; i += 2)
    many[i] = ',';
  g_assert_null (walkers_new (many));
  g_assert_null (walkers_new ("a,,b"));
  g_assert_null (walkers_new ("a,"));
  g_assert_null (walkers_new (" "));
  g_assert_null (walkers_new ("/usr/bin/updatedb"));
  g_assert_null (walkers_new ("a b"));
  g_assert_null (walkers_new ("\xc3\xa9"));
}

static void
test_tells_once_a_minute (void)
{
  g_autoptr (Walkers) walkers = walkers_new ("updatedb,recollindex");

  clock_freeze (5 * CLOCK_SECOND_US, 1700000000);
  g_assert_true (walkers_tell (walkers, "updatedb"));
  g_assert_false (walkers_tell (walkers, "updatedb"));
  g_assert_true (walkers_tell (walkers, "recollindex"));
  clock_advance (60 * CLOCK_SECOND_US);
  g_assert_true (walkers_tell (walkers, "updatedb"));
  g_assert_false (walkers_tell (walkers, "updatedb"));
  g_assert_false (walkers_tell (walkers, "find"));
  clock_thaw ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/walkers/names-have-15-bytes", test_names_have_15_bytes);
  g_test_add_func ("/walkers/none", test_none);
  g_test_add_func ("/walkers/default", test_default);
  g_test_add_func ("/walkers/what-is-no-list", test_what_is_no_list);
  g_test_add_func ("/walkers/tells-once-a-minute", test_tells_once_a_minute);
  return g_test_run ();
}
