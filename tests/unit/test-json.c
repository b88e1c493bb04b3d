/* JSON whose numbers keep their digits. */
#include "base/json.h"

#include "base/error.h"

#include <string.h>

static json_t *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  json_t *value = json_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return value;
}

/* Parsed and written, @text is @expected. */
static void
becomes (const char *text, const char *expected)
{
  g_autoptr (json_t) value = parse (text);
  g_autoptr (GString) out = g_string_new (NULL);

  json_write_compact (value, out);
  g_assert_cmpstr (out->str, ==, expected);
}

static void
test_keeps_digits (void)
{
  static const char *const numbers[] = {
    "0",
    "-1",
    "42",
    "999999999999999999",
    "9223372036854775807",
    "99999999999999999999",
    "12.50",
    "-0.0",
    "1e3",
    "1E+003",
    "1234567890123456.78",
    "0.1",
    "1e999",
    "-12345678901234567890.123456789",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autofree char *array = g_strdup_printf ("[%s]", numbers[i]);

      becomes (numbers[i], numbers[i]);
      becomes (array, array);
    }
}

static void
test_tells_numbers_from_text (void)
{
  g_autoptr (json_t) value = parse ("{\"n\":1.5,\"i\":7,\"t\":\"1.5\",\"m\":\"\\u0001x\",\"o\":\"\\u0001\"}");

  g_assert_cmpstr (json_number_text (json_object_get (value, "n")), ==, "1.5");
  g_assert_null (json_get_text (value, "n"));
  g_assert_true (json_is_any_number (json_object_get (value, "n")));
  g_assert_true (json_is_any_number (json_object_get (value, "i")));
  g_assert_null (json_number_text (json_object_get (value, "i")));
  g_assert_cmpstr (json_get_text (value, "t"), ==, "1.5");
  g_assert_false (json_is_any_number (json_object_get (value, "t")));
  g_assert_cmpstr (json_get_text (value, "m"), ==, "\x01x");
  g_assert_null (json_number_text (json_object_get (value, "m")));
  g_assert_cmpstr (json_get_text (value, "o"), ==, "\x01");
  g_assert_null (json_get_text (value, "missing"));
}

static void
test_text_goes_both_ways (void)
{
  static const char *const texts[] = { "", "x", "\x01", "\x01\x01", "\0015", "caf\xc3\xa9" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (json_t) value = json_from_text (texts[i]);

      g_assert_cmpstr (json_text (value), ==, texts[i]);
    }
}

static void
test_writes_canonically (void)
{
  g_autoptr (json_t) value = parse ("{\"b\":[1,{}],\"a\":\"x\\n\\u00e9\\u0007\",\"c\":[],\"B\":null}");
  g_autoptr (GString) out = g_string_new (NULL);

  json_write (value, out);
  g_assert_cmpstr (out->str, ==,
                   "{\n  \"B\": null,\n  \"a\": \"x\\n\xc3\xa9\\u0007\",\n  \"b\": [\n    1,\n    {}\n  ],\n"
                   "  \"c\": []\n}\n");
}

static void
test_refuses (void)
{
  static const char *const bad[] = {
    "",     " ",          "{",   "[1,]", "{\"a\":1,\"a\":2}", "01",   "1.",           ".5",
    "1.e5", "-",          "+1",  "1e",   "[1.5.2]",           "nul",  "\"\\u0000\"",  "\"\xff\"",
    "1 2",  "{\"a\":1}x", "NaN", "0x10", "\"unended",         "\"\\", "[\"\\u0001\"",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (json_t) value = json_parse (bad[i], strlen (bad[i]), &error);

      if (value != NULL)
        g_error ("%s was taken", bad[i]);
      g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
    }
}

static void
test_depth_is_bounded (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) deep = NULL, too_deep = NULL;

  for (int i = 0; i < 64; i++)
    g_string_append_c (text, '[');
  for (int i = 0; i < 64; i++)
    g_string_append_c (text, ']');
  deep = parse (text->str);
  g_string_prepend_c (text, '[');
  g_string_append_c (text, ']');
  too_deep = json_parse (text->str, text->len, &error);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/keeps-digits", test_keeps_digits);
  g_test_add_func ("/json/tells-numbers-from-text", test_tells_numbers_from_text);
  g_test_add_func ("/json/text-goes-both-ways", test_text_goes_both_ways);
  g_test_add_func ("/json/writes-canonically", test_writes_canonically);
  g_test_add_func ("/json/refuses", test_refuses);
  g_test_add_func ("/json/depth-is-bounded", test_depth_is_bounded);
  return g_test_run ();
}
