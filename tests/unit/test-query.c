/* The text of a query, how it is asked page by page, and its rows as text. */
#include "base/error.h"
#include "model/query_rows.h"
#include "model/query_text.h"

#include <string.h>

static QueryText *
read_text (const char *text)
{
  g_autoptr (GError) error = NULL;
  QueryText *query = query_text_read (text, strlen (text), &error);

  if (query == NULL)
    g_error ("%s: %s", text, error->message);
  return query;
}

/* What is asked after pages of @rows each, or fewer, the last ids of which are @page times 1000. */
static void
check_pages (const char *text, unsigned rows, const char *const *wanted)
{
  g_autoptr (QueryText) query = read_text (text);
  QueryPlace place = { .paging = query->paging };

  for (unsigned page = 1; wanted[page - 1] != NULL; page++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *next = query_text_next (query, &place, &error);
      g_autoptr (json_t) answer = json_array ();

      g_assert_no_error (error);
      g_assert_cmpstr (next, ==, wanted[page - 1]);
      for (uint64_t i = 1, size = MIN (rows, place.asked); i <= size; i++)
        {
          g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, page * 1000 - size + i);

          json_array_append_new (answer, json_pack ("{s:s}", "id", id));
        }
      g_assert_true (query_text_landed (query, &place, answer, wanted[page] != NULL, &error));
    }
  g_assert_true (place.ended);
}

#define PAGES(text, rows, ...) check_pages (text, rows, (const char *const[]){ __VA_ARGS__, NULL })

static void
test_pages_by_keyset (void)
{
  PAGES ("select A from M where B = 1", 200, "select A from M where B = 1 order by id asc limit 200",
         "select A from M where (B = 1 and id > 1000) order by id asc limit 200",
         "select A from M where (B = 1 and id > 2000) order by id asc limit 200");
  PAGES ("SELECT A FROM M WHERE B = 'x and y' OR C = 2;\n", 200,
         "SELECT A FROM M WHERE B = 'x and y' OR C = 2 order by id asc limit 200",
         "SELECT A FROM M WHERE ((B = 'x and y' OR C = 2) and id > 1000) order by id asc limit 200");
  PAGES ("select A from M where (B = 1 and C = 2)", 200, "select A from M where (B = 1 and C = 2) order by id asc limit 200",
         "select A from M where ((B = 1 and C = 2) and id > 1000) order by id asc limit 200");
  PAGES ("select A from M where B between 1 and 2", 200, "select A from M where B between 1 and 2 order by id asc limit 200",
         "select A from M where (B between 1 and 2 and id > 1000) order by id asc limit 200");
  PAGES ("select A from M where B = 1 limit 450 offset 7", 200,
         "select A from M where B = 1 order by id asc limit 200 offset 7",
         "select A from M where (B = 1 and id > 1000) order by id asc limit 200",
         "select A from M where (B = 1 and id > 2000) order by id asc limit 50");
}

static void
test_pages_by_offset (void)
{
  PAGES ("select A from M where B = 1 order by A limit 300", 150, "select A from M where B = 1 order by A limit 200",
         "select A from M where B = 1 order by A limit 150 offset 150");
  PAGES ("select COUNT(A) from M where B = 1 group by C", 200, "select COUNT(A) from M where B = 1 group by C limit 200",
         "select COUNT(A) from M where B = 1 group by C limit 200 offset 200");
  PAGES ("select A as id from M where B = 1 limit 10, 400", 200, "select A as id from M where B = 1 limit 200 offset 10",
         "select A as id from M where B = 1 limit 200 offset 210");
}

static void
test_sends_what_it_does_not_know (void)
{
  static const char *const texts[] = {
    "select", "select A", "select A from", "select A from M", "select A from M where", "select A from M where limit 5",
    "select A from M where B = 1 limit x", "select A from M where B = 1 limit 5 and more", "select A from M where (B = 1",
    "select A from M where B = 1)", "select A from M where B = 1 limit 99999999999999999999",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (QueryText) query = read_text (texts[i]);
      QueryPlace place = { .paging = query->paging };
      g_autofree char *next = query_text_next (query, &place, NULL);

      g_assert_cmpint (query->paging, ==, QUERY_WHOLE);
      g_assert_cmpstr (next, ==, texts[i]);
    }
}

static void
check_refused (const char *text, size_t size, unsigned line, unsigned column)
{
  g_autoptr (GError) error = NULL;
  unsigned at_line, at_column;

  g_assert_null (query_text_read (text, size, &error));
  g_assert_cmpint (error->domain, ==, ZOHO_ERROR);
  zoho_error_place (error, &at_line, &at_column);
  g_assert_cmpuint (at_line, ==, line);
  g_assert_cmpuint (at_column, ==, column);
}

static void
test_refuses_what_is_none (void)
{
  g_autofree char *large = g_strnfill (QUERY_TEXT_MAX + 1, 'x');

  check_refused ("", 0, 1, 1);
  check_refused ("\n\n é", strlen ("\n\n é"), 3, 2);
  check_refused ("selected A", 10, 1, 1);
  check_refused ("select é from M where A = 'x", strlen ("select é from M where A = 'x"), 1, 27);
  check_refused ("select \xff from M", 15, 0, 0);
  check_refused ("select A\0from M", 15, 0, 0);
  check_refused (large, QUERY_TEXT_MAX + 1, 0, 0);
}

static void
test_reads_columns_and_reach (void)
{
  g_autoptr (QueryText) query = read_text ("select A, Account_Name . Phone, COUNT(id) as n, 'External' from Leads where A > 1");
  g_autoptr (QueryText) plain = read_text ("select A from Deals where Amount > 1.5");
  g_autoptr (QueryText) arrow = read_text ("select 'What_Id->Leads.Last_Name' from Tasks where A != 'x.y'");

  g_assert_cmpstr (query->module, ==, "Leads");
  g_assert_cmpuint (query->columns->len, ==, 4);
  g_assert_cmpstr (query->columns->pdata[1], ==, "Account_Name.Phone");
  g_assert_cmpstr (query->columns->pdata[2], ==, "n");
  g_assert_cmpstr (query->columns->pdata[3], ==, "External");
  g_assert_true (query->joins && query->aggregates && arrow->joins);
  g_assert_false (plain->joins);
  g_assert_true (query_text_names (query, "phone"));
  g_assert_true (query_text_names (query, "EXTERNAL"));
  g_assert_false (query_text_names (query, "Extern"));
}

static void
test_completes_conditions (void)
{
  g_autofree char *bare = query_text_complete (" where  A = 1 ", "Leads", "B, C");

  g_assert_cmpstr (bare, ==, "select id, B, C from Leads where A = 1 ");
  g_assert_true (query_text_is_bare ("selected = 1", 12));
  g_assert_false (query_text_is_bare (" SELECT\nA", 9));
  g_assert_false (query_text_is_bare (" \n", 2));
}

/* A server that repeats itself would be asked for ever. */
static void
test_refuses_odd_answers (void)
{
  g_autoptr (QueryText) query = read_text ("select A from M where B = 1");
  QueryPlace place = { .paging = query->paging };
  g_autoptr (json_t) rows = json_pack ("[{s:s}]", "id", "5");
  g_autoptr (json_t) hidden = json_pack ("[{s:s}]", "id", "no id");
  g_autoptr (json_t) many = json_array ();
  g_autofree char *first = query_text_next (query, &place, NULL);
  g_autofree char *second = NULL;

  for (unsigned i = 0; i < 201; i++)
    json_array_append_new (many, json_object ());
  g_assert_nonnull (first);
  g_assert_false (query_text_landed (query, &place, many, true, NULL));
  g_assert_true (query_text_landed (query, &place, rows, true, NULL));
  second = query_text_next (query, &place, NULL);
  g_assert_nonnull (second);
  g_assert_false (query_text_landed (query, &place, rows, true, NULL));
  g_assert_false (query_text_landed (query, &place, hidden, true, NULL));
  place = (QueryPlace){ .paging = query->paging, .asked = 200 };
  g_assert_true (query_text_landed (query, &place, hidden, true, NULL));
  g_assert_cmpint (place.paging, ==, QUERY_OFFSET);
}

static void
test_ends_where_the_api_does (void)
{
  g_autoptr (QueryText) query = read_text ("select A from M where B = 1");
  g_autoptr (QueryText) ordered = read_text ("select A from M where B = 1 order by A limit 99999 offset 50");
  g_autoptr (GError) error = NULL;
  g_autofree char *last = NULL;
  QueryPlace place = { .paging = QUERY_KEYSET, .after = 5, .rows = 100000 };

  g_assert_null (query_text_next (query, &place, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE);
  g_clear_error (&error);
  place = (QueryPlace){ .paging = QUERY_OFFSET, .rows = 99900 };
  last = query_text_next (ordered, &place, &error);
  g_assert_cmpstr (last, ==, "select A from M where B = 1 order by A limit 50 offset 99950");
  place.rows = 99950;
  g_assert_null (query_text_next (ordered, &place, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE);
}

static void
test_writes_rows (void)
{
  static const char text[] = "{\"id\":\"1\",\"B\":{\"id\":\"2\",\"name\":\"x, y\"},\"A\":1234567890.123456,\"C\":[\"p\",\"q\"],"
                             "\"D\":null,\"E\":\"say \\\"so\\\"\"}";
  g_autoptr (json_t) row = json_parse (text, strlen (text), NULL);
  g_autoptr (GPtrArray) selected = g_ptr_array_new ();
  g_autoptr (GPtrArray) columns = NULL;
  g_autoptr (GPtrArray) empty = NULL;
  g_autoptr (GString) out = g_string_new (NULL);

  g_ptr_array_add (selected, (gpointer)"A");
  g_ptr_array_add (selected, (gpointer)"Missing");
  query_rows_json (out, row, selected);
  g_assert_true (g_str_has_prefix (out->str, "{\"A\":1234567890.123456,\"id\":\"1\",\"B\":"));
  g_string_truncate (out, 0);
  columns = query_rows_columns (row, selected, true);
  query_rows_csv (out, NULL, columns);
  query_rows_csv (out, row, columns);
  g_assert_cmpstr (out->str, ==, "A,id,B,C,D,E\n1234567890.123456,1,\"x, y\",p;q,,\"say \"\"so\"\"\"\n");
  g_string_truncate (out, 0);
  empty = query_rows_columns (NULL, selected, true);
  query_rows_csv (out, NULL, empty);
  g_assert_cmpstr (out->str, ==, "A,Missing,id\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/query/keyset", test_pages_by_keyset);
  g_test_add_func ("/query/offset", test_pages_by_offset);
  g_test_add_func ("/query/whole", test_sends_what_it_does_not_know);
  g_test_add_func ("/query/refused", test_refuses_what_is_none);
  g_test_add_func ("/query/columns", test_reads_columns_and_reach);
  g_test_add_func ("/query/complete", test_completes_conditions);
  g_test_add_func ("/query/odd-answers", test_refuses_odd_answers);
  g_test_add_func ("/query/ceiling", test_ends_where_the_api_does);
  g_test_add_func ("/query/rows", test_writes_rows);
  return g_test_run ();
}
