/* How names are read, and how labels are made. */
#include "model/names.h"

#include <string.h>

static const struct
{
  const char *name;
  NameKind kind;
  uint64_t id;
} names[] = {
  { "7010000000201.json", NAME_RECORD, 7010000000201 },
  { "Okafor.7010000000201.json", NAME_RECORD, 7010000000201 },
  { "Söhne_1234567890.7010000000201.json", NAME_RECORD, 7010000000201 },
  { "1234567890.7010000000201.json", NAME_RECORD, 7010000000201 },
  { "山田_太郎.1234567890.json", NAME_RECORD, 1234567890 },
  { "a-b+c@d.9223372036854775807.json", NAME_RECORD, INT64_MAX },
  { "9223372036854775808.json", NAME_NEW, 0 },           /* past an int64 */
  { "123456789.json", NAME_NEW, 0 },                     /* 9 digits */
  { "12345678901234567890.json", NAME_NEW, 0 },          /* 20 digits */
  { "0000000000.json", NAME_NEW, 0 },
  { "a.b.7010000000201.json", NAME_NEW, 0 },             /* a dot is no label character */
  { "a b.7010000000201.json", NAME_NEW, 0 },
  { ".7010000000201.json", NAME_NEW, 0 },                /* an empty label has no dot */
  { "7010000000201", NAME_FOLDER, 7010000000201 },
  { "Okafor.7010000000201", NAME_FOLDER, 7010000000201 },
  { ".#x.7010000000201.json", NAME_SCRATCH_PATTERN, 0 },
  { ".#Okafor.7010000000201.json", NAME_SCRATCH_PATTERN, 0 },
  { "4913", NAME_SCRATCH_PATTERN, 0 },
  { ".Okafor.7010000000201.json.swp", NAME_SCRATCH_PATTERN, 0 },
  { "Okafor.7010000000201.json~", NAME_SCRATCH_PATTERN, 0 },
  { "#Okafor.7010000000201.json#", NAME_SCRATCH_PATTERN, 0 },
  { ".Okafor.7010000000201.json.Ab12cD", NAME_SCRATCH_PATTERN, 0 },
  { "sedAb12cD", NAME_SCRATCH_PATTERN, 0 },
  { "Okafor.7010000000201.json.tmp", NAME_SCRATCH_PATTERN, 0 },
  { "Okafor.7010000000201.json.tmp.1234.ab", NAME_SCRATCH_PATTERN, 0 },
  { ".git", NAME_SCRATCH_PATTERN, 0 },
  { "Email=a@example.com.json", NAME_FIELD, 0 },
  { "=x.json", NAME_NEW, 0 },
  { "new.json", NAME_NEW, 0 },
  { "new.txt", NAME_SCRATCH, 0 },
  { "", NAME_SCRATCH, 0 },
  { "\xff.7010000000201.json", NAME_NEW, 0 },            /* no UTF-8 */
};

static void
test_reads_names (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      uint64_t id = 0;
      NameKind kind = names_read (names[i].name, &id);

      if (kind != names[i].kind)
        g_error ("%s is read as %d", names[i].name, kind);
      if (kind == NAME_RECORD || kind == NAME_FOLDER)
        g_assert_cmpuint (id, ==, names[i].id);
    }
}

static const struct
{
  const char *display, *label;
} labels[] = {
  { "Okafor", "Okafor" },
  { "Ada Dvořák", "Ada_Dvořák" },
  { "  Harbor  /  Tiles!  ", "_Harbor_Tiles" },
  { "../../etc/passwd", "_etc_passwd" },
  { "__x__", "_x" },
  { "a@b.c+d-e", "a@b_c+d-e" },
  { "line\nbreak\ttab\"quote\"\\", "line_break_tab_quote" },
  { "山田 太郎", "山田_太郎" },
  { "कुमार", "कुमार" },
  { "🚢 ship", "_ship" },
  { "🚢", "" },
  { "", "" },
  { "...", "" },
  { "\xff\xfe" "bad", "_bad" },
};

static void
test_makes_labels (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      g_autofree char *label = names_label (labels[i].display);

      g_assert_cmpstr (label, ==, labels[i].label);
    }
}

static void
test_cuts_long_labels_between_characters (void)
{
  GString *display = g_string_new ("x");
  g_autofree char *label = NULL;

  for (int i = 0; i < 200; i++)
    g_string_append (display, "ж");
  label = names_label (display->str);
  g_assert_cmpuint (strlen (label), ==, 79); /* 1 + 39 * 2 */
  g_assert_true (g_utf8_validate (label, -1, NULL));
  g_string_free (display, TRUE);
}

static void
test_reads_what_it_writes (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      g_autofree char *label = names_label (labels[i].display);
      g_autofree char *name = names_record (label, 7010000000201);
      uint64_t id = 0;

      g_assert_cmpint (names_read (name, &id), ==, NAME_RECORD);
      g_assert_cmpuint (id, ==, 7010000000201);
    }
}

static void
test_parses_ids (void)
{
  static const char *const wrong[] = { "", "0", "-1", "+1", " 1", "1 ", "1a", "9223372036854775808", "12345678901234567890" };
  uint64_t id;

  g_assert_true (names_parse_id ("9223372036854775807", &id));
  g_assert_cmpuint (id, ==, INT64_MAX);
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (names_parse_id (wrong[i], &id));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/names/reads-names", test_reads_names);
  g_test_add_func ("/names/makes-labels", test_makes_labels);
  g_test_add_func ("/names/cuts-long-labels-between-characters", test_cuts_long_labels_between_characters);
  g_test_add_func ("/names/reads-what-it-writes", test_reads_what_it_writes);
  g_test_add_func ("/names/parses-ids", test_parses_ids);
  return g_test_run ();
}
