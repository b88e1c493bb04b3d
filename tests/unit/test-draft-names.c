/* Numbers for the names of drafts. */
#include "fs/draft_names.h"

#include <pthread.h>

#define THREADS 4
#define NAMES 300

static void
test_a_name_keeps_its_number (void)
{
  g_autoptr (DraftNames) names = draft_names_new ();
  g_autoptr (DraftNames) again = draft_names_new ();
  uint64_t number = draft_names_number (names, "Leads", "a.json");
  const char *module, *name;

  g_assert_cmpuint (number, !=, 0);
  g_assert_cmpuint (draft_names_number (names, "Leads", "a.json"), ==, number);
  g_assert_cmpuint (draft_names_number (again, "Leads", "a.json"), ==, number);
  draft_names_get (names, number, &module, &name);
  g_assert_cmpstr (module, ==, "Leads");
  g_assert_cmpstr (name, ==, "a.json");
}

static void
test_folders_and_files_differ (void)
{
  g_autoptr (DraftNames) names = draft_names_new ();
  const uint64_t folder = draft_names_number (names, "Leads", NULL);
  const uint64_t empty = draft_names_number (names, "Leads", ""); /* the same hash */
  const char *module, *name;

  g_assert_cmpuint (folder, !=, empty);
  g_assert_cmpuint (draft_names_number (names, "Leads", ""), ==, empty);
  g_assert_cmpuint (draft_names_number (names, "Leads", NULL), ==, folder);
  g_assert_cmpuint (draft_names_number (names, "Lead", "sx"), !=, draft_names_number (names, "Leads", "x"));
  draft_names_get (names, folder, &module, &name);
  g_assert_cmpstr (module, ==, "Leads");
  g_assert_null (name);
}

static void *
name_all (void *data)
{
  for (int i = 0; i < NAMES; i++)
    {
      g_autofree char *text = g_strdup_printf ("%d.json", i);
      const char *module, *name;

      draft_names_get (data, draft_names_number (data, "Leads", text), &module, &name);
      g_assert_cmpstr (name, ==, text);
    }
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (DraftNames) names = draft_names_new ();
  pthread_t threads[THREADS];

  for (int i = 0; i < THREADS; i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, name_all, names), ==, 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join (threads[i], NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/draft-names/a-name-keeps-its-number", test_a_name_keeps_its_number);
  g_test_add_func ("/draft-names/folders-and-files-differ", test_folders_and_files_differ);
  g_test_add_func ("/draft-names/threads", test_threads);
  return g_test_run ();
}
