/* `zohofs why`: the mount, the line and its words. */
#include "app/why_command.h"

#include <glib/gstdio.h>
#include <string.h>

#define MARCH "\"time\":\"2026-03-02T10:00:00+00:00\","
#define FILE_201 "\"path\":\"Leads/Okafor.7010000000201.json\",\"module\":\"Leads\",\"id\":\"7010000000201\","

static json_t *
find (const char *text, const char *inside)
{
  return why_command_find (text, strlen (text), inside);
}

/* @message: of the line found; NULL: there is none. */
static void
assert_found (const char *text, const char *inside, const char *message)
{
  g_autoptr (json_t) line = find (text, inside);

  g_assert_cmpstr (line != NULL ? json_get_text (line, "message") : NULL, ==, message);
}

static void
test_the_newest_line_counts (void)
{
  const char *text = "{" FILE_201 "\"message\":\"first\"}\n"
                     "{" FILE_201 "\"message\":\"second\"}\n"
                     "{\"path\":\"Leads/Other.7010000000202.json\",\"id\":\"7010000000202\",\"message\":\"other\"}\n";

  assert_found (text, "Leads/Okafor.7010000000201.json", "second");
  assert_found (text, "Leads/Other.7010000000202.json", "other");
  assert_found (text, "Leads/Third.7010000000203.json", NULL);
  assert_found ("", "Leads/Okafor.7010000000201.json", NULL);
  assert_found ("\n\n", "", NULL);
}

static void
test_any_label_and_the_draft_will_do (void)
{
  const char *text = "{" FILE_201 "\"draft\":\".zohofs/drafts/Leads/Okafor.7010000000201.json.2\",\"message\":\"m\"}";

  assert_found (text, "Leads/7010000000201.json", "m");
  assert_found (text, "Leads/Renamed.7010000000201.json", "m");
  assert_found (text, ".zohofs/drafts/Leads/Okafor.7010000000201.json.2", "m");
  assert_found (text, "Contacts/Okafor.7010000000201.json", NULL);
  assert_found (text, "Okafor.7010000000201.json", NULL);
  assert_found (text, "Leads/Okafor.7010000000201.json~", NULL);
  assert_found (text, "Leads", NULL);
  assert_found (text, "", NULL);
}

static void
test_names_without_an_id (void)
{
  const char *text = "{\"path\":\"Leads/new.json\",\"id\":null,\"message\":\"created\"}\n"
                     "{\"path\":\"Leads/alias.json\",\"id\":\"7010000000205\",\"message\":\"by alias\"}\n"
                     "{\"path\":\"Leads/X.7010000000206.json\",\"message\":\"id in the name\"}\n";

  assert_found (text, "Leads/new.json", "created");
  assert_found (text, "Leads/other.json", NULL);
  assert_found (text, "Leads/alias.json", "by alias");
  assert_found (text, "Leads/Y.7010000000205.json", "by alias");
  assert_found (text, "Leads/Z.7010000000206.json", "id in the name");
}

static void
test_hostile_lines_are_passed_over (void)
{
  g_autoptr (GString) text = g_string_new ("{" FILE_201 "\"message\":\"sound\"}\n");

  g_string_append (text, "[]\nnull\n7\n\"Leads/Okafor.7010000000201.json\"\n{}\n{\"path\":7}\n{" FILE_201 "\n");
  g_string_append (text, "{\"path\":[\"Leads/Okafor.7010000000201.json\"],\"id\":\"7010000000201\"}\n");
  g_string_append (text, "{\"id\":\"7010000000201\",\"draft\":\"Leads/Okafor.7010000000201.json\"}\n");
  g_string_append (text, "{" FILE_201 "\"message\":\"bad \xff\"}\n");
  g_string_append_len (text, "\0{" FILE_201 "}\n", sizeof "\0{" FILE_201 "}\n" - 1);
  g_string_append (text, "{" FILE_201 "\"message\":\"");
  for (int i = 0; i < 1 << 20; i++)
    g_string_append_c (text, 'x');
  g_string_append (text, "\"}\n{" FILE_201 "\"message\":\"half a li");
  {
    g_autoptr (json_t) line = why_command_find (text->str, text->len, "Leads/Okafor.7010000000201.json");

    g_assert_cmpstr (json_get_text (line, "message"), ==, "sound");
  }
}

static void
assert_words (const char *text, const char *mountpoint, const char *wanted)
{
  g_autoptr (json_t) line = json_parse (text, strlen (text), NULL);
  g_autofree char *words = why_command_words (line, mountpoint);

  g_assert_cmpstr (words, ==, wanted);
}

static void
test_words (void)
{
  assert_words ("{" MARCH FILE_201 "\"errno\":\"EBUSY\",\"code\":\"changed\",\"field\":\"Email\","
                "\"message\":\"Email was changed by a colleague.\",\"todo\":\"Read the file again.\",\"draft\":null}",
                "/mnt/crm",
                "The last refused save of Leads/Okafor.7010000000201.json:\n"
                "  when   2026-03-02T10:00:00+00:00\n"
                "  error  EBUSY (changed)\n"
                "  why    Email was changed by a colleague.\n"
                "  field  Email\n"
                "  to do  Read the file again.\n");
  assert_words ("{\"path\":\"Leads/new.json\"}", "/mnt/crm",
                "The last refused save of Leads/new.json:\n  why    not told\n");
  assert_words ("{\"path\":\"Leads/new.json\",\"code\":\"X\",\"errno\":7,\"time\":{},\"todo\":[]}", "/mnt/crm",
                "The last refused save of Leads/new.json:\n  error  X\n  why    not told\n");
}

static void
test_words_of_drafts (void)
{
  g_autofree char *mount = g_dir_make_tmp ("zohofs-why-XXXXXX", NULL);
  g_autofree char *folder = g_build_filename (mount, ".zohofs", "drafts", "Leads", NULL);
  g_autofree char *draft = g_build_filename (folder, "new.json", NULL);
  g_autofree char *there = g_strdup_printf ("The last refused save of Leads/new.json:\n  why    m\n"
                                            "  to do  Mend the draft and copy it onto the file.\n  draft  %s\n", draft);
  g_autofree char *gone = g_strdup_printf ("The last refused save of Leads/new.json:\n  why    m\n  draft  %s\n"
                                           "         (It is not there any more.)\n", draft);
  const char *line = "{\"path\":\"Leads/new.json\",\"message\":\"m\",\"draft\":\".zohofs/drafts/Leads/new.json\"}";

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  assert_words (line, mount, gone);
  g_assert_true (g_file_set_contents (draft, "", 0, NULL));
  assert_words (line, mount, there);
  g_assert_cmpint (g_unlink (draft), ==, 0);
  while (!g_str_equal (folder, mount))
    {
      char *up = g_path_get_dirname (folder);

      g_assert_cmpint (g_rmdir (folder), ==, 0);
      g_free (folder);
      folder = up;
    }
  g_assert_cmpint (g_rmdir (mount), ==, 0);
}

static void
test_a_draft_lies_among_drafts (void)
{
  static const char *const drafts[]
      = { "/etc/passwd", "../x", ".zohofs/drafts/../../x", ".zohofs/drafts/Leads/..", "Leads/x", ".zohofs/drafts//x" };

  for (size_t i = 0; i < G_N_ELEMENTS (drafts); i++)
    {
      g_autofree char *line = g_strdup_printf ("{\"path\":\"p\",\"message\":\"m\",\"draft\":\"%s\"}", drafts[i]);

      assert_words (line, "/mnt/crm", "The last refused save of p:\n  why    m\n");
    }
}

/* Escapes of terminals, of one byte and of two, and what turns the direction of writing. */
static void
test_terminals_are_safe (void)
{
  g_autofree char *much = g_strnfill (100000, 'x');
  g_autofree char *line = g_strdup_printf ("{\"path\":\"p\",\"message\":\"%s\"}", much);
  g_autoptr (json_t) long_line = json_parse (line, strlen (line), NULL);
  g_autofree char *words = why_command_words (long_line, "/mnt/crm");

  assert_words ("{\"path\":\"a\\u001b[2Jb\\n  why fine\",\"message\":\"\\u009b31mred\\u202etxt\\u2028\\u0007\\u007f\","
                "\"todo\":\"Größe 金額\"}",
                "/mnt/crm",
                "The last refused save of a [2Jb   why fine:\n"
                "  why    ?31mred?txt?  \n"
                "  to do  Größe 金額\n");
  g_assert_cmpuint (strlen (words), <, 5000);
}

static void
test_the_innermost_mount (void)
{
  char *mounts[] = { "zohofs#a", "/mnt/crm", "zohofs#b", "/mnt/crm/inner", "zohofs#c", "/mnt/crm2", NULL };
  static const struct
  {
    const char *path, *mount, *inside;
  } cases[] = {
    { "/mnt/crm/Leads/x.json", "/mnt/crm", "Leads/x.json" },
    { "/mnt/crm", "/mnt/crm", "" },
    { "/mnt/crm2/Leads", "/mnt/crm2", "Leads" },
    { "/mnt/crm/inner/Leads/x.json", "/mnt/crm/inner", "Leads/x.json" },
    { "/mnt/crm/innermost", "/mnt/crm", "innermost" },
    { "/mnt/cr", NULL, NULL },
    { "/mnt", NULL, NULL },
    { "/mnt/crm22", NULL, NULL },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *inside = NULL;

      g_assert_cmpstr (why_command_mount (mounts, cases[i].path, &inside), ==, cases[i].mount);
      g_assert_cmpstr (inside, ==, cases[i].inside);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/why/the-newest-line-counts", test_the_newest_line_counts);
  g_test_add_func ("/why/any-label-and-the-draft-will-do", test_any_label_and_the_draft_will_do);
  g_test_add_func ("/why/names-without-an-id", test_names_without_an_id);
  g_test_add_func ("/why/hostile-lines-are-passed-over", test_hostile_lines_are_passed_over);
  g_test_add_func ("/why/words", test_words);
  g_test_add_func ("/why/words-of-drafts", test_words_of_drafts);
  g_test_add_func ("/why/a-draft-lies-among-drafts", test_a_draft_lies_among_drafts);
  g_test_add_func ("/why/terminals-are-safe", test_terminals_are_safe);
  g_test_add_func ("/why/the-innermost-mount", test_the_innermost_mount);
  return g_test_run ();
}
