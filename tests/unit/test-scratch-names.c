/* Which names stay local, and in which order names are read. */
#include "model/names.h"
#include "model/scratch_names.h"

#include <string.h>

static const struct
{
  const char *name;
  bool scratch;
} names[] = {
  { "4913", true }, /* vim */
  { ".rec.json.swp", true },
  { ".rec.json.swo", true },
  { ".rec.json.swx", true },
  { "rec.json~", true },
  { "a.7010000000201.json~", true },
  { "#rec.json#", true }, /* emacs */
  { ".#rec.json", true },
  { ".#a.7010000000201.json", true },
  { "sedAb12cD", true },        /* sed */
  { "XXAb12cD", true },         /* perl */
  { ".rec.json.Ab12cD", true }, /* rsync */
  { ".a.7010000000201.json.Ab12cD", true },
  { "rec.json.tmp", true },
  { "rec.json.tmp.4711.1a2b", true },
  { "rec.tmp.json", true },
  { "rec.json.save", true },         /* nano */
  { ".goutputstream-Ab12cD", true }, /* GNOME */
  { ".~lock.rec.json#", true },      /* LibreOffice */
  { "lu1234abcd.tmp", true },
  { "rec.json.part", true },
  { "rec.json.crdownload", true },
  { "rec.json.bak", true },
  { "rec.json.orig", true },
  { "rec.json.rej", true },
  { "._rec.json", true }, /* macOS */
  { ".DS_Store", true },
  { ".directory", true },
  { ".hidden", true },
  { ".Trash", true },
  { ".Trash-1000", true },
  { ".nfs000000000000001", true },
  { ".fuse_hidden0000000100000001", true },
  { ".git", true },
  { ".gitignore", true },
  { "rec.json.lock", true },
  { ".vscode", true },
  { ".idea", true },
  { "rec.json", false },
  { "a.7010000000201.json", false },
  { "7010000000201.json", false },
  { "new.json", false },
  { "sed1.json", false }, /* as long as sed's, but with a dot */
  { "sedation.json", false },
  { "XXabc.json", false },
  { ".a.b.json", false },
  { "49130", false },
  { "tmp.json", false },
  { "backup.json", false },
  { "notes", false },
  { ".coql", false },
  { ".search", false },
  { "README.md", false },
  { "Email=a@example.com.json", false },
  { "", false },
};

static void
test_patterns (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (scratch_name_matches (names[i].name) != names[i].scratch)
      g_error ("%s is %s", names[i].name, names[i].scratch ? "not told" : "taken for scratch");
}

/* Names that two rules match. */
static const struct
{
  const char *name;
  NameKind kind;
} orders[] = {
  { "notes", NAME_FIXED },
  { ".coql", NAME_FIXED },
  { ".search", NAME_FIXED },
  { "notes.json", NAME_NEW },
  { "1234567890.json", NAME_RECORD },
  { "sed.1234567890.json", NAME_RECORD }, /* record before pattern */
  { "XX.1234567890", NAME_FOLDER },
  { "tmp.1234567890.json", NAME_RECORD },
  { ".#1234567890.json", NAME_SCRATCH_PATTERN }, /* no label has these characters */
  { "a.tmp.1234567890.json", NAME_SCRATCH_PATTERN },
  { "Email=a.tmp.b.json", NAME_SCRATCH_PATTERN }, /* pattern before field */
  { ".#Email=x.json", NAME_SCRATCH_PATTERN },
  { "Email=1234567890.json", NAME_FIELD }, /* '=' is no label character */
  { "Email=a.1234567890.json", NAME_FIELD },
  { "Email=.json", NAME_NEW },
  { "Email.json", NAME_NEW },
  { "E mail=x.json", NAME_NEW },
  { "1mail=x.json", NAME_NEW },
  { "Email=\xff.json", NAME_NEW },
  { "Email=x", NAME_SCRATCH },
  { "new.json", NAME_NEW },
  { ".json", NAME_NEW },
  { "draft", NAME_SCRATCH },
  { "new.JSON", NAME_SCRATCH },
};

static void
test_order (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      uint64_t id = 0;
      NameKind kind = names_read (orders[i].name, &id);

      if (kind != orders[i].kind)
        g_error ("%s is read as %d", orders[i].name, kind);
    }
}

static const struct
{
  const char *name, *field, *value;
} field_names[] = {
  { "Email=a@example.com.json", "Email", "a@example.com" },
  { "Code__s=x=y.json", "Code__s", "x=y" },
  { "Code=.json.json", "Code", ".json" },
  { "Name=Söhne & Co.json", "Name", "Söhne & Co" },
  { "Code=.json", NULL, NULL },
  { "Code=x", NULL, NULL },
  { "=x.json", NULL, NULL },
  { "_x=x.json", NULL, NULL },
  { "a.b=x.json", NULL, NULL },
  { "A234567890123456789012345678901234567890123456789012=x.json", NULL, NULL }, /* no API name is so long */
};

static void
test_takes_fields_apart (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (field_names); i++)
    {
      g_autofree char *field = NULL;
      g_autofree char *value = NULL;
      bool found = names_read_field (field_names[i].name, &field, &value);

      g_assert_true (found == (field_names[i].field != NULL));
      g_assert_cmpstr (field, ==, field_names[i].field);
      g_assert_cmpstr (value, ==, field_names[i].value);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scratch-names/patterns", test_patterns);
  g_test_add_func ("/scratch-names/order", test_order);
  g_test_add_func ("/scratch-names/takes-fields-apart", test_takes_fields_apart);
  return g_test_run ();
}
