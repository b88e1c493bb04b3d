/* Log lines and the status table: one line each, no tokens, nothing that steers a terminal. */
#include "app/logging.h"
#include "app/status_command.h"

#include <string.h>

static void
check_clean (const char *text, const char *expected)
{
  g_autofree char *clean = logging_clean (text);

  g_assert_cmpstr (clean, ==, expected);
}

static void
test_cleans (void)
{
  check_clean ("plain text", "plain text");
  check_clean ("two\nlines\033[2J", "two lines [2J");
  check_clean ("token 1000.0123456789abcdef.fedcba9876543210 end", "token 1000.[masked] end");
  check_clean ("costs 1000.50", "costs 1000.50");
  check_clean ("1000.", "1000.");
  check_clean ("Zoë 東京", "Zoë 東京");
}

static void
test_levels (void)
{
  LoggingLevel level;

  g_assert_true (logging_parse_level ("debug", &level));
  g_assert_cmpint (level, ==, LOGGING_DEBUG);
  g_assert_true (logging_parse_level ("error", &level));
  g_assert_cmpint (level, ==, LOGGING_ERROR);
  g_assert_false (logging_parse_level ("Debug", &level));
}

static void
test_finds_mounts (void)
{
  g_auto (GStrv) mounts = status_command_mounts ("proc /proc proc rw 0 0\n"
                                                 "zohofs#work /mnt/my\\040crm fuse.zohofs ro,nosuid 0 0\n"
                                                 "other /x fuse.other rw 0 0\n"
                                                 "broken\n");

  g_assert_cmpint (g_strv_length (mounts), ==, 2);
  g_assert_cmpstr (mounts[0], ==, "zohofs#work");
  g_assert_cmpstr (mounts[1], ==, "/mnt/my crm");
}

static void
test_table (void)
{
  static const char status[] = "{\"account\":{\"profile\":\"work\",\"api\":\"https://x\"},\"signed_out\":true,"
                               "\"credits\":{\"today\":7,\"remaining\":null,\"budget\":100},\"calls\":12,"
                               "\"last_error\":{\"time\":\"T\",\"message\":\"a\\u001bb\"}}";
  g_autoptr (GError) error = NULL;
  g_autofree char *table = status_command_table (status, strlen (status), &error);
  g_autofree char *none = status_command_table ("[1]", 3, NULL);

  g_assert_no_error (error);
  g_assert_nonnull (strstr (table, "work at https://x"));
  g_assert_nonnull (strstr (table, "zohofs login"));
  g_assert_nonnull (strstr (table, "7 in the last 24 hours of a budget of 100\n"));
  g_assert_nonnull (strstr (table, "T: a b"));
  g_assert_null (none);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/logging/clean", test_cleans);
  g_test_add_func ("/logging/levels", test_levels);
  g_test_add_func ("/status/mounts", test_finds_mounts);
  g_test_add_func ("/status/table", test_table);
  return g_test_run ();
}
