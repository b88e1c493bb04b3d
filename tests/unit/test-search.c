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
  return g_test_run ();
}
