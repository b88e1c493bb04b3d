/* The same record gives the same bytes whatever call brought it, and fields are cut into slices as calls allow. */
#include "model/private.h"

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

static char *
document (const Schema *schema, const char *record, char **label)
{
  g_autoptr (json_t) row = parse (record);
  Document made = { 0 };
  char *text;

  document_make (schema, row, row_id (row), &made);
  text = g_strndup (g_bytes_get_data (made.text, NULL), g_bytes_get_size (made.text));
  if (label != NULL)
    *label = g_strdup (made.label);
  document_clear (&made);
  return text;
}

static Schema *
schema_of (const char *module, const char *fields)
{
  g_autoptr (json_t) rows = parse (fields);

  return schema_new (module, NULL, rows);
}

#define LEADS                                                                                                          \
  "[{\"api_name\":\"Full_Name\",\"data_type\":\"text\"},{\"api_name\":\"Amount\",\"data_type\":\"currency\"},"         \
  "{\"api_name\":\"Tag\",\"data_type\":\"text\"},{\"api_name\":\"Modified_Time\",\"data_type\":\"datetime\"},"         \
  "{\"api_name\":\"Secret\",\"data_type\":\"text\",\"visible\":false}]"

static void
test_is_canonical (void)
{
  Schema *schema = schema_of ("Leads", LEADS);
  g_autofree char *label = NULL;
  g_autofree char *from_get
      = document (schema, "{\"id\":\"7010000000201\",\"$editable\":true,\"Amount\":1234567890123456.78,\"Tag\":[],"
                          "\"Secret\":\"x\",\"Full_Name\":\"Ada \\u0001 Ő\",\"Modified_Time\":\"2026-03-02T10:00:00Z\"}",
                  &label);
  g_autofree char *from_list
      = document (schema, "{\"Modified_Time\":\"2026-03-02T10:00:00Z\",\"Full_Name\":\"Ada \\u0001 Ő\","
                          "\"Amount\":1234567890123456.78,\"id\":\"7010000000201\"}",
                  NULL);

  g_assert_cmpstr (from_get, ==,
                   "{\n  \"Amount\": 1234567890123456.78,\n  \"Full_Name\": \"Ada \\u0001 Ő\",\n"
                   "  \"Modified_Time\": \"2026-03-02T10:00:00Z\",\n  \"Tag\": null,\n  \"id\": \"7010000000201\"\n}\n");
  g_assert_cmpstr (from_list, ==, from_get);
  g_assert_cmpstr (label, ==, "Ada_Ő");
  schema_free (schema);
}

static void
test_slices_keep_to_the_limits (void)
{
  g_autoptr (json_t) fields = json_array ();
  Schema *schema;
  unsigned names = 0;

  for (int i = 0; i < 120; i++)
    {
      g_autofree char *name = g_strdup_printf ("A_rather_long_name_of_a_field_number_%d", i);

      json_array_append_new (fields, json_pack ("{s:s, s:s}", "api_name", name, "data_type", "text"));
    }
  json_array_append_new (fields, json_pack ("{s:s, s:s}", "api_name", "Modified_Time", "data_type", "datetime"));
  schema = schema_new ("Wide", NULL, fields);
  g_assert_cmpuint (schema->slices->len, >, 2);
  for (guint i = 0; i < schema->slices->len; i++)
    {
      const char *slice = schema->slices->pdata[i];
      g_auto (GStrv) parts = g_strsplit (slice, ",", -1);

      g_assert_cmpuint (strlen (slice), <=, RECORDS_FIELDS_BYTES_MAX);
      g_assert_cmpuint (g_strv_length (parts), <=, RECORDS_FIELDS_MAX);
      g_assert_cmpstr (parts[0], ==, "Modified_Time");
      names += g_strv_length (parts) - 1;
    }
  g_assert_cmpuint (names, ==, 120);
  schema_free (schema);
}

static void
test_knows_deep_fields (void)
{
  Schema *schema = schema_of (
      "Projects",
      "[{\"api_name\":\"Name\",\"data_type\":\"text\"},"
      "{\"api_name\":\"Steps\",\"data_type\":\"subform\",\"associated_module\":{\"module\":\"Steps_M\",\"id\":\"1\"}},"
      "{\"api_name\":\"Team\",\"data_type\":\"multiselectlookup\",\"multiselectlookup\":{\"linking_details\":{"
      "\"module\":{\"api_name\":\"P_X_C\"},\"lookup_field\":{\"api_name\":\"Project\"}},\"connected_details\":{"
      "\"lookup_field\":{\"api_name\":\"Contact\"}}}},"
      "{\"api_name\":\"Bad\",\"data_type\":\"subform\",\"associated_module\":{\"module\":\"../x\"}},"
      "{\"api_name\":\"Text\",\"data_type\":\"textarea\",\"textarea\":{\"type\":\"rich_text\"}}]");
  const DeepField *steps, *team;

  g_assert_cmpuint (schema->deep->len, ==, 2);
  steps = schema->deep->pdata[0];
  team = schema->deep->pdata[1];
  g_assert_cmpstr (steps->module, ==, "Steps_M");
  g_assert_null (steps->connected);
  g_assert_cmpstr (team->module, ==, "P_X_C");
  g_assert_cmpstr (team->parent, ==, "Project");
  g_assert_cmpstr (team->connected, ==, "Contact");
  g_assert_cmpstr (schema->rich_fields, ==, "Text");
  g_assert_cmpstr (schema->slices->pdata[0], ==, "Name,Text");
  schema_free (schema);
}

static void
test_rows_are_in_order_of_ids (void)
{
  g_autoptr (json_t) record = json_object ();
  g_autoptr (json_t) rows = parse ("[{\"id\":\"1000\"},{\"id\":\"999\"},{\"id\":\"1001\"}]");

  document_set_rows (record, "Rows", rows);
  g_assert_cmpstr (json_get_text (json_array_get (json_object_get (record, "Rows"), 0), "id"), ==, "999");
  g_assert_cmpstr (json_get_text (json_array_get (json_object_get (record, "Rows"), 2), "id"), ==, "1001");
  document_set_rows (record, "Rows", NULL);
  g_assert_true (json_is_null (json_object_get (record, "Rows")));
}

static void
test_tells_texts_that_may_be_cut (void)
{
  static const struct
  {
    gsize size;
    bool maybe, just;
  } rows[] = { { 0, false, false }, { 499, false, false }, { 500, true, true }, { 501, true, false } };
  Schema *schema = schema_of ("Leads", "[{\"api_name\":\"Brief_RT\",\"data_type\":\"textarea\","
                                       "\"textarea\":{\"type\":\"rich_text\"}}]");
  g_autoptr (json_t) full = parse ("{\"Brief_RT\":\"whole\",\"Other\":\"x\"}");

  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strnfill (rows[i].size, 'x');
      g_autoptr (json_t) row = json_object ();

      json_object_set_new (row, "Brief_RT", json_string (text));
      g_assert_true (document_maybe_cut (schema, row) == rows[i].maybe);
      g_assert_true (document_has_cut_length (schema, row) == rows[i].just);
      document_take_full (schema, row, full);
      g_assert_cmpstr (json_get_text (row, "Brief_RT"), ==, "whole");
      g_assert_null (json_object_get (row, "Other"));
    }
  schema_free (schema);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/document/is-canonical", test_is_canonical);
  g_test_add_func ("/document/slices-keep-to-the-limits", test_slices_keep_to_the_limits);
  g_test_add_func ("/document/knows-deep-fields", test_knows_deep_fields);
  g_test_add_func ("/document/rows-are-in-order-of-ids", test_rows_are_in_order_of_ids);
  g_test_add_func ("/document/tells-texts-that-may-be-cut", test_tells_texts_that_may_be_cut);
  return g_test_run ();
}
