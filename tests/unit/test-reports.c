/* Lines of errors.jsonl and audit.jsonl: what is in them, and what is not. */
#include "app/reports.h"
#include "app/why_command.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  char *folder, *errors_path, *audit_path;
  Jsonl *errors, *audit;
  Reports *reports;
} Fixture;

static void
set_up (Fixture *f, const void *unused)
{
  f->folder = g_dir_make_tmp ("zohofs-reports-XXXXXX", NULL);
  f->errors_path = g_build_filename (f->folder, "errors.jsonl", NULL);
  f->audit_path = g_build_filename (f->folder, "audit.jsonl", NULL);
  f->errors = jsonl_new (f->errors_path, JSONL_CAP);
  f->audit = jsonl_new (f->audit_path, JSONL_CAP);
  f->reports = reports_new (f->errors, f->audit);
}

static void
tear_down (Fixture *f, const void *unused)
{
  reports_free (f->reports);
  jsonl_free (f->errors);
  jsonl_free (f->audit);
  g_unlink (f->errors_path);
  g_unlink (f->audit_path);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->errors_path);
  g_free (f->audit_path);
  g_free (f->folder);
}

/* The file's one line; its text is @wanted. */
static void
check_line (const char *path, const char *wanted)
{
  g_autofree char *text = NULL;
  g_autofree char *line = g_strconcat (wanted, "\n", NULL);

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, line);
}

static json_t *
only_line (const char *path)
{
  g_autofree char *text = NULL;
  gsize size;
  json_t *line;

  g_assert_true (g_file_get_contents (path, &text, &size, NULL));
  g_assert_cmpint (text[size - 1], ==, '\n');
  g_assert_null (memchr (text, '\n', size - 1));
  line = json_parse (text, size - 1, NULL);
  g_assert_nonnull (line);
  return line;
}

static const SaveError refusal = {
  .time_s = 1772445600,
  .path = "Leads/Okafor.7010000000201.json",
  .errno_name = "EINVAL",
  .code = "INVALID_DATA",
  .message = "Email is no address",
  .field = "Email",
  .draft = "Leads/Okafor.7010000000201.json.2",
  .todo = "Correct the draft",
};

static void
test_a_refusal (Fixture *f, const void *unused)
{
  reports_failed (f->reports, &refusal);
  check_line (f->errors_path,
              "{\"code\":\"INVALID_DATA\",\"draft\":\".zohofs/drafts/Leads/Okafor.7010000000201.json.2\","
              "\"errno\":\"EINVAL\",\"field\":\"Email\",\"id\":\"7010000000201\",\"message\":\"Email is no address\","
              "\"module\":\"Leads\",\"path\":\"Leads/Okafor.7010000000201.json\","
              "\"time\":\"2026-03-02T10:00:00+00:00\",\"todo\":\"Correct the draft\"}");
}

static void
test_what_is_not_known_is_null (Fixture *f, const void *unused)
{
  reports_failed (f->reports, &(SaveError){ .time_s = 1772445600, .path = "Leads/new.json", .errno_name = "EIO" });
  check_line (f->errors_path,
              "{\"code\":null,\"draft\":null,\"errno\":\"EIO\",\"field\":null,\"id\":null,\"message\":null,"
              "\"module\":\"Leads\",\"path\":\"Leads/new.json\",\"time\":\"2026-03-02T10:00:00+00:00\","
              "\"todo\":null}");
}

/* The writer and the reader of the file agree. */
static void
test_why_finds_it (Fixture *f, const void *unused)
{
  g_autofree char *text = NULL;
  g_autoptr (json_t) by_id = NULL;
  g_autoptr (json_t) by_draft = NULL;
  gsize size;

  reports_failed (f->reports, &refusal);
  g_assert_true (g_file_get_contents (f->errors_path, &text, &size, NULL));
  by_id = why_command_find (text, size, "Leads/7010000000201.json");
  by_draft = why_command_find (text, size, ".zohofs/drafts/Leads/Okafor.7010000000201.json.2");
  g_assert_cmpstr (json_get_text (by_id, "message"), ==, "Email is no address");
  g_assert_cmpstr (json_get_text (by_draft, "message"), ==, "Email is no address");
}

static const char *const fields[] = { "City", "Last_Name", NULL };
static const char *const ignored[] = { "Created_Time", NULL };

static void
test_a_change (Fixture *f, const void *unused)
{
  reports_audit (f->reports, &(SaveAudit){ .time_s = 1772445600,
                                           .who = { 1000, 4242, "vim" },
                                           .verb = "update",
                                           .path = "Leads/Okafor.7010000000201.json",
                                           .module = "Leads",
                                           .id = 7010000000201,
                                           .fields = fields,
                                           .ignored = ignored,
                                           .outcome = "saved" });
  check_line (f->audit_path,
              "{\"fields\":[\"City\",\"Last_Name\"],\"id\":\"7010000000201\",\"ignored\":[\"Created_Time\"],"
              "\"module\":\"Leads\",\"outcome\":\"saved\",\"path\":\"Leads/Okafor.7010000000201.json\",\"pid\":4242,"
              "\"program\":\"vim\",\"time\":\"2026-03-02T10:00:00+00:00\",\"uid\":1000,\"verb\":\"update\"}");
}

static void
test_a_change_of_which_little_is_known (Fixture *f, const void *unused)
{
  reports_audit (f->reports, &(SaveAudit){ .time_s = 1772445600, .verb = "create", .outcome = "refused: no" });
  check_line (f->audit_path,
              "{\"fields\":[],\"id\":null,\"ignored\":[],\"module\":null,\"outcome\":\"refused: no\",\"path\":null,"
              "\"pid\":0,\"program\":null,\"time\":\"2026-03-02T10:00:00+00:00\",\"uid\":0,\"verb\":\"create\"}");
}

/* Programs may call themselves anything, and servers say anything. */
static void
test_hostile_texts (Fixture *f, const void *unused)
{
  g_autofree char *much = g_strnfill (1 << 20, 'x');
  g_autoptr (json_t) line = NULL;
  g_autoptr (json_t) error = NULL;
  const char *const names[] = { "\xff", NULL };

  memcpy (much + 4095, "\xc3\xa4", 2); /* the cut is in the middle of a letter */
  reports_audit (f->reports, &(SaveAudit){ .who = { .program = "\xff\n\"" },
                                           .verb = "update",
                                           .path = "\xc3",
                                           .fields = names,
                                           .outcome = much });
  reports_failed (f->reports, &(SaveError){ .path = "no slash", .message = "\xfe\x01", .draft = "\xc0/x" });
  line = only_line (f->audit_path);
  error = only_line (f->errors_path);
  g_assert_cmpstr (json_get_text (line, "program"), ==, "\xef\xbf\xbd\n\"");
  g_assert_cmpstr (json_get_text (line, "path"), ==, "\xef\xbf\xbd");
  g_assert_cmpuint (strlen (json_get_text (line, "outcome")), <, 5000);
  g_assert_true (g_str_has_suffix (json_get_text (line, "outcome"), "x\xef\xbf\xbd..."));
  g_assert_cmpstr (json_get_text (error, "message"), ==, "\xef\xbf\xbd\x01");
  g_assert_cmpstr (json_get_text (error, "module"), ==, NULL);
}

/* Words that may quote a value are for those who keep values; the line stays within its bound. */
static void
test_values (Fixture *f, const void *unused)
{
  g_autofree char *much = g_strnfill (1 << 20, 'x');
  g_autoptr (json_t) before = json_pack ("{s:s, s:n}", "City", "Oslo", "Phone");
  g_autoptr (json_t) sent = json_pack ("{s:s, s:s, s:s}", "City", "Bergen", "Phone", "1", "Description", much);
  const SaveAudit change = { .verb = "update",
                             .outcome = "refused: Bergen is no town",
                             .plain_outcome = "refused: EINVAL",
                             .sent = sent,
                             .before = before };
  g_autoptr (json_t) line = NULL;
  json_t *changes;

  reports_keep_values (f->reports);
  for (int i = 0; i < 200; i++)
    {
      g_autofree char *name = g_strdup_printf ("Field_%d", i);

      json_object_set (sent, name, json_object_get (sent, "Description"));
    }
  reports_audit (f->reports, &change);
  line = only_line (f->audit_path);
  changes = json_object_get (line, "changes");
  g_assert_cmpstr (json_get_text (line, "outcome"), ==, "refused: Bergen is no town");
  g_assert_cmpstr (json_get_text (json_object_get (changes, "City"), "old"), ==, "Oslo");
  g_assert_cmpstr (json_get_text (json_object_get (changes, "City"), "new"), ==, "Bergen");
  g_assert_true (json_is_null (json_object_get (json_object_get (changes, "Phone"), "old")));
  g_assert_cmpuint (strlen (json_get_text (json_object_get (changes, "Description"), "new")), ==, 2048 + 3);
  g_assert_cmpint (json_integer_value (json_object_get (line, "left_out")), >, 150);
}

static void
test_no_values (Fixture *f, const void *unused)
{
  g_autoptr (json_t) sent = json_pack ("{s:s}", "City", "Bergen");

  reports_audit (f->reports, &(SaveAudit){ .time_s = 1772445600,
                                           .verb = "update",
                                           .outcome = "refused: Bergen is no town",
                                           .plain_outcome = "refused: EINVAL",
                                           .sent = sent });
  check_line (f->audit_path,
              "{\"fields\":[],\"id\":null,\"ignored\":[],\"module\":null,\"outcome\":\"refused: EINVAL\",\"path\":null,"
              "\"pid\":0,\"program\":null,\"time\":\"2026-03-02T10:00:00+00:00\",\"uid\":0,\"verb\":\"update\"}");
}

static void
tell (Fixture *f, const char *verb, const char *outcome)
{
  reports_audit (f->reports, &(SaveAudit){ .verb = verb, .outcome = outcome });
}

static void
test_what_got_there_is_counted (Fixture *f, const void *unused)
{
  ReportsWritten written;

  tell (f, "update", "saved");
  tell (f, "update", "saved; the CRM has other values in City");
  tell (f, "update", "partly saved: the tags were refused");
  tell (f, "update", "refused: no");
  tell (f, "update", "nothing to change");
  tell (f, "update", "dry run: nothing was sent");
  tell (f, "create", "saved");
  tell (f, "upsert", "saved, but not read back: no connection");
  tell (f, "create", "dry run: nothing was sent");
  tell (f, "delete", "deleted");
  tell (f, "delete", "not deleted: no");
  tell (f, "delete", "not deleted yet: no connection");
  reports_written (f->reports, &written);
  g_assert_cmpuint (written.updates, ==, 3);
  g_assert_cmpuint (written.creates, ==, 2);
  g_assert_cmpuint (written.deletes, ==, 1);
  reports_written (NULL, &written);
  g_assert_cmpuint (written.updates + written.creates + written.deletes, ==, 0);
}

static GString *heard;

static void
hear (const char *words)
{
  g_string_append_printf (heard, "%s\n", words);
}

static void
test_audit_is_told_in_words (Fixture *f, const void *unused)
{
  heard = g_string_new (NULL);
  reports_also (f->reports, hear);
  reports_audit (f->reports, &(SaveAudit){ .who = { UINT32_MAX, 4242, "vim" },
                                           .verb = "update",
                                           .path = "Leads/Okafor.7010000000201.json",
                                           .id = 7010000000201,
                                           .fields = fields,
                                           .ignored = ignored,
                                           .outcome = "saved" });
  reports_audit (f->reports, &(SaveAudit){ .who = { UINT32_MAX, 7, "\x1b[2J" },
                                           .verb = "delete",
                                           .module = "Leads",
                                           .id = 8,
                                           .outcome = "refused:\nno\xe2\x80\xae" });
  g_assert_cmpstr (heard->str, ==,
                   "vim (process 4242, user 4294967295): change Leads/Okafor.7010000000201.json (City, Last_Name): "
                   "saved; left alone, since only the CRM sets them: Created_Time\n"
                   " [2J (process 7, user 4294967295): delete Leads, record 8: refused: no?\n");
  g_string_free (heard, TRUE);
}

static void
add (const char *name, void (*test) (Fixture *f, const void *unused))
{
  g_test_add (name, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/reports/a-refusal", test_a_refusal);
  add ("/reports/what-is-not-known-is-null", test_what_is_not_known_is_null);
  add ("/reports/why-finds-it", test_why_finds_it);
  add ("/reports/a-change", test_a_change);
  add ("/reports/a-change-of-which-little-is-known", test_a_change_of_which_little_is_known);
  add ("/reports/hostile-texts", test_hostile_texts);
  add ("/reports/values", test_values);
  add ("/reports/no-values", test_no_values);
  add ("/reports/what-got-there-is-counted", test_what_got_there_is_counted);
  add ("/reports/audit-is-told-in-words", test_audit_is_told_in_words);
  return g_test_run ();
}
