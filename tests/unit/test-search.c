/* What the names of search directories mean, and how values are escaped. */
#include "model/search.h"

#include <string.h>

static const struct
{
  const char *text;
  const char *by, *value; /* NULL: it is no term */
} terms[] = {
  { "Okafor", "word", "Okafor" },
  { "word=email=x", "word", "email=x" },
  { "word=.net", "word", ".net" },
  { "a=b", "word", "a=b" },
  { "AC%2FDC 100%25", "word", "AC/DC 100%" },
  { "50%", "word", "50%" },
  { "%252F", "word", "%2F" },
  { "é漢", "word", "é漢" },
  { "email=jo@example.com", "email", "jo@example.com" },
  { "phone=123", "phone", "123" },
  { "criteria=(A:equals:b)", "criteria", "(A:equals:b)" },
  { "criteria=A:equals:Foo (Bar), Inc", "criteria", "(A:equals:Foo \\(Bar\\)\\, Inc)" },
  { "criteria=A:equals:x\\", "criteria", "(A:equals:x\\\\)" },
  { "criteria=A:equals:x\\y", "criteria", "(A:equals:x\\y)" },
  { "criteria=A:in:a,b(c)", "criteria", "(A:in:a,b\\(c\\))" },
  { "criteria=A:between:1,2", "criteria", "(A:between:1,2)" },
  { "criteria=A:equals:10:30", "criteria", "(A:equals:10:30)" },
  { "a", NULL, NULL },
  { "é", NULL, NULL },
  { ".git", NULL, NULL },
  { "email=", NULL, NULL },
  { "phone=12", NULL, NULL },
  { "criteria=", NULL, NULL },
  { "criteria=x", NULL, NULL },
  { "criteria=A:equals:", NULL, NULL },
  { "criteria=:equals:b", NULL, NULL },
  { "criteria=A(:equals:b", NULL, NULL },
  { "two\nlines", NULL, NULL },
  { "\xff\xfe", NULL, NULL },
};

static const char *const hidden[] = { "Phone", "Full_Name", NULL };

static const struct
{
  const char *criteria;
  bool names, path;
} questions[] = {
  { "(City:equals:Oslo)", false, false },
  { "(Phone:equals:1)", true, false },
  { "((City:equals:Oslo)and(pHONE:in:1,2))", true, false },
  { "(Ph\\one:equals:1)", true, false },
  { "(Mobile_Phone:equals:1)", false, false },
  { "(Full_Name:equals:1)", true, false },
  { "(City:equals:Phone)", true, false },
  { "(Account_Name.City:equals:Oslo)", false, true },
  { "(Account_Name.\\City:equals:Oslo)", false, true },
  { "(Website:equals:www.example.com)", false, false },
  { "(Account_Name.Phone:equals:1)", true, true },
  { "", false, false },
};

static void
test_what_criteria_name (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (questions); i++)
    {
      const SearchTerm term = { "criteria", (char *)questions[i].criteria };

      if (search_names_any (&term, hidden) != questions[i].names || search_has_path (&term) != questions[i].path)
        g_error ("%s", questions[i].criteria);
      g_assert_false (search_names_any (&term, NULL));
    }
}

static void
test_terms (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (terms); i++)
    {
      SearchTerm term = { 0 };
      bool good = search_read (terms[i].text, &term);

      if (good != (terms[i].by != NULL))
        g_error ("%s", terms[i].text);
      if (good)
        {
          g_assert_cmpstr (term.by, ==, terms[i].by);
          g_assert_cmpstr (term.value, ==, terms[i].value);
        }
      g_free (term.value);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/search/terms", test_terms);
  g_test_add_func ("/search/what-criteria-name", test_what_criteria_name);
  return g_test_run ();
}
