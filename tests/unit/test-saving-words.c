/* What is told of saving: by `zohofs drain`, `zohofs status` and README.md. */
#include "app/drain_command.h"
#include "app/readme.h"
#include "app/status_command.h"

#include <string.h>

/* @words: what is printed; NULL: @text is refused. */
static void
check_drain (const char *text, const char *words, bool left)
{
  g_autoptr (GError) error = NULL;
  bool is_left = !left;
  g_autofree char *got = drain_command_words (text, strlen (text), "/mnt/crm", &is_left, &error);

  g_assert_cmpstr (got, ==, words);
  g_assert_true ((words == NULL) == (error != NULL));
  if (words != NULL)
    g_assert_true (is_left == left);
}

static void
test_drained (void)
{
  check_drain ("{\"drafts\":0,\"saves\":0,\"deletes\":0}", "/mnt/crm: everything is in the CRM.\n", false);
  check_drain ("{\"drafts\":1,\"saves\":2,\"deletes\":3}",
               "/mnt/crm: not in the CRM yet: 1 text that is written and not saved, 2 saves, 3 deletes.\n", true);
  check_drain ("{\"drafts\":0,\"saves\":1,\"deletes\":1}\n", "/mnt/crm: not in the CRM yet: 1 save, 1 delete.\n", true);
  check_drain ("{\"drafts\":2,\"saves\":0,\"deletes\":0,\"more\":[]}",
               "/mnt/crm: not in the CRM yet: 2 texts that are written and not saved.\n", true);
}

/* Nobody is told that all is in the CRM by what does not say so. */
static void
test_odd_answers_of_a_drain (void)
{
  static const char *const texts[] = { "",
                                       "{}",
                                       "[]",
                                       "null",
                                       "{\"drafts\":0,\"saves\":0}",
                                       "{\"drafts\":0,\"saves\":0,\"deletes\":\"0\"}",
                                       "{\"drafts\":0,\"saves\":0,\"deletes\":-1}",
                                       "{\"drafts\":0,\"saves\":0.5,\"deletes\":0}",
                                       "{\"drafts\":0,\"saves\":0,\"deletes\":0" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    check_drain (texts[i], NULL, false);
}

/* The row of that name, without it; "" when there is none. */
static char *
row_of (const char *members, const char *name)
{
  g_autofree char *text = g_strdup_printf ("{\"account\":{\"profile\":\"p\"}%s}", members);
  g_autofree char *table = status_command_table (text, strlen (text), NULL);
  g_autofree char *head = g_strdup_printf ("  %-11s ", name);
  const char *row;

  g_assert_nonnull (table);
  row = strstr (table, head);
  return row == NULL ? g_strdup ("") : g_strndup (row + strlen (head), strcspn (row + strlen (head), "\n"));
}

static void
check_row (const char *members, const char *name, const char *wanted)
{
  g_autofree char *row = row_of (members, name);

  g_assert_cmpstr (row, ==, wanted);
}

#define SAVING(drafts, queued, deletes, refused, read_only, dry_run)                                                   \
  ",\"saving\":{\"drafts\":" #drafts ",\"queued\":" #queued ",\"deletes\":" #deletes ",\"refused\":" #refused          \
  ",\"read_only\":" #read_only ",\"dry_run\":" #dry_run "}"
#define WRITTEN(updates, creates, deletes)                                                                             \
  ",\"written\":{\"updates\":" #updates ",\"creates\":" #creates ",\"deletes\":" #deletes "}"

static void
test_status (void)
{
  check_row (SAVING (3, 2, 1, 4, false, false), "saving",
             "3 drafts open, 2 saves queued, 1 delete waiting, 4 refused (see .zohofs/drafts)");
  check_row (SAVING (1, 1, 2, 0, false, false), "saving", "1 draft open, 1 save queued, 2 deletes waiting");
  check_row (SAVING (0, 0, 0, 0, false, false), "saving", "nothing is waiting");
  check_row (SAVING (0, 0, 0, 0, false, true), "saving", "nothing is waiting; a dry run, nothing is sent");
  check_row (SAVING (0, 0, 0, 0, true, false), "saving", "read-only");
  check_row (SAVING (0, 0, 0, 1, true, true), "saving", "read-only; 1 refused (see .zohofs/drafts)");
  check_row (SAVING (0, 0, 0, 0, false, false) WRITTEN (1, 0, 0), "written", "1 record changed");
  check_row (SAVING (0, 0, 0, 0, false, false) WRITTEN (2, 1, 5), "written", "2 records changed, 1 created, 5 deleted");
  check_row (SAVING (0, 0, 0, 0, false, false) WRITTEN (0, 0, 0), "written", "nothing so far");
  check_row (SAVING (0, 0, 0, 0, true, false) WRITTEN (0, 0, 0), "written", "");
}

static void
test_status_of_other_versions (void)
{
  check_row ("", "saving", "");
  check_row ("", "written", "");
  check_row (",\"saving\":7,\"written\":[]", "saving", "");
  check_row (",\"saving\":{\"drafts\":\"x\"},\"written\":null", "saving", "nothing is waiting");
}

static char *
readme (const char *words)
{
  char *argv[] = { "zohofs", "work", "/mnt", "-o", (char *)words, NULL };
  g_autoptr (Options) options = options_parse (5, argv, NULL);

  return readme_text (options, "https://www.zohoapis.com", NULL, 0);
}

static void
check_in (const char *text, const char *words, bool there)
{
  if ((strstr (text, words) != NULL) != there)
    g_error ("\"%s\" is %sin %s", words, there ? "not " : "", text);
}

static void
test_readme (void)
{
  g_autofree char *writable = readme ("rw,max_deletes=77");
  g_autofree char *read_only = readme ("ro");
  g_autofree char *dry = readme ("rw,dry_run");

  check_in (writable, "profile `work`", true);
  check_in (writable, "https://www.zohoapis.com", true);
  check_in (writable, "## Saving\n", true);
  check_in (writable, "More than 77\n  deletes", true);
  check_in (writable, "zohofs login work", true);
  check_in (writable, "It is read-only", false);
  check_in (writable, "%s", false);
  check_in (writable, "| EBUSY |", true);
  check_in (read_only, "It is read-only.", true);
  check_in (read_only, "## Saving\n", false);
  check_in (read_only, "| EROFS |", true);
  check_in (read_only, "| EBUSY |", false);
  check_in (dry, "not sent to the CRM", true);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/saving-words/drained", test_drained);
  g_test_add_func ("/saving-words/odd-answers-of-a-drain", test_odd_answers_of_a_drain);
  g_test_add_func ("/saving-words/status", test_status);
  g_test_add_func ("/saving-words/status-of-other-versions", test_status_of_other_versions);
  g_test_add_func ("/saving-words/readme", test_readme);
  return g_test_run ();
}
