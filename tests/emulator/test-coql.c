/* COQL's parser, its checks and its evaluation, and search's criteria, over a store of a few records. */
#include <string.h>

#include "coql_eval.h"
#include "criteria.h"

/* ---- a small org in place of the real one ------------------------------------------------------------------------ */

struct Emulator
{
  Module modules[3];
  json_t *records[3]; /* arrays in the order of ids */
  json_t *users;
  unsigned reads; /* records looked at */
};

const Module source_users = { .api_name = (char *) "Users" };

static void
add_field (Module *module, const char *name, const char *type, const char *target)
{
  Field *field = g_new0 (Field, 1);

  field->api_name = (char *) name;
  field->data_type = (char *) type;
  field->target = (char *) target;
  field->visible = true;
  g_ptr_array_add (module->fields, field);
}

static Module *
add_module (Emulator *emulator, unsigned n, const char *name)
{
  Module *module = &emulator->modules[n];

  module->api_name = (char *) name;
  module->generated_type = (char *) "default";
  module->fields = g_ptr_array_new_with_free_func (g_free);
  emulator->records[n] = json_array ();
  return module;
}

static void
add_record (Emulator *emulator, unsigned n, const char *text)
{
  json_t *record = json_loads (text, 0, NULL);

  g_assert_nonnull (record);
  json_array_append_new (emulator->records[n], record);
}

static Emulator *
org_new (void)
{
  Emulator *emulator = g_new0 (Emulator, 1);
  Module *leads = add_module (emulator, 0, "Contacts");
  Module *accounts = add_module (emulator, 1, "Accounts");
  Module *tasks = add_module (emulator, 2, "Tasks");

  add_field (leads, "Last_Name", "text", NULL);
  add_field (leads, "Email", "email", NULL);
  add_field (leads, "Amount", "currency", NULL);
  add_field (leads, "Source", "picklist", NULL);
  add_field (leads, "Tags", "multiselectpicklist", NULL);
  add_field (leads, "Opt_Out", "boolean", NULL);
  add_field (leads, "Birth", "date", NULL);
  add_field (leads, "Modified_Time", "datetime", NULL);
  add_field (leads, "Account_Name", "lookup", "Accounts");
  add_field (leads, "Owner", "ownerlookup", NULL);
  add_field (leads, "Rows", "subform", "Rows");
  add_field (accounts, "Account_Name", "text", NULL);
  add_field (accounts, "Parent_Account", "lookup", "Accounts");
  add_field (tasks, "Subject", "text", NULL);
  add_field (tasks, "What_Id", "multi_module_lookup", NULL);
  emulator->users
      = json_pack ("[{s:s, s:s, s:{s:s, s:s}}]", "id", "7", "last_name", "Vega", "role", "name", "CEO", "id", "70");
  add_record (emulator, 0,
              "{\"id\":\"101\",\"Last_Name\":\"O'Neil\",\"Email\":\"a@one.example\",\"Amount\":10,"
              "\"Source\":\"Web\",\"Tags\":[\"B\",\"A\"],\"Opt_Out\":true,\"Birth\":\"1990-01-02\","
              "\"Modified_Time\":\"2026-01-01T10:00:00+00:00\",\"Account_Name\":{\"name\":\"Harbor\",\"id\":"
              "\"201\"},\"Owner\":{\"name\":\"Ana Vega\",\"id\":\"7\"}}");
  add_record (emulator, 0,
              "{\"id\":\"102\",\"Last_Name\":\"Brown (Jr)\",\"Email\":null,\"Amount\":20.5,"
              "\"Source\":\"Web\",\"Tags\":[],\"Opt_Out\":false,\"Birth\":null,"
              "\"Modified_Time\":\"2026-01-02T10:00:00+00:00\",\"Account_Name\":{\"name\":\"Mill\",\"id\":"
              "\"202\"},\"Owner\":{\"name\":\"Ana Vega\",\"id\":\"7\"}}");
  add_record (emulator, 0,
              "{\"id\":\"103\",\"Last_Name\":\"brown\",\"Email\":\"c@two.example\",\"Amount\":null,"
              "\"Source\":\"Fair\",\"Tags\":[\"A\"],\"Opt_Out\":false,\"Birth\":\"2000-05-06\","
              "\"Modified_Time\":\"2026-01-03T10:00:00+00:00\",\"Account_Name\":null,"
              "\"Owner\":{\"name\":\"Ana Vega\",\"id\":\"7\"}}");
  add_record (emulator, 1,
              "{\"id\":\"201\",\"Account_Name\":\"Harbor\",\"Parent_Account\":{\"name\":\"Mill\",\"id\":"
              "\"202\"}}");
  add_record (emulator, 1, "{\"id\":\"202\",\"Account_Name\":\"Mill\",\"Parent_Account\":null}");
  add_record (emulator, 2, "{\"id\":\"301\",\"Subject\":\"Call\",\"What_Id\":{\"name\":\"Harbor\",\"id\":\"201\"}}");
  return emulator;
}

static void
org_free (Emulator *emulator)
{
  for (unsigned i = 0; i < 3; i++)
    {
      g_ptr_array_unref (emulator->modules[i].fields);
      json_decref (emulator->records[i]);
    }
  json_decref (emulator->users);
  g_free (emulator);
}

static const json_t *
rows_of (Emulator *emulator, const Module *source)
{
  return source == &source_users ? emulator->users : emulator->records[source - emulator->modules];
}

static uint64_t
id_of (const json_t *record)
{
  return g_ascii_strtoull (json_string_value (json_object_get (record, "id")), NULL, 10);
}

Field *
module_field (const Module *module, const char *api_name)
{
  for (unsigned i = 0; i < module->fields->len; i++)
    {
      Field *field = module->fields->pdata[i];

      if (strcmp (field->api_name, api_name) == 0)
        return field;
    }
  return NULL;
}

json_t *
schema_field_json (Emulator *emulator, const Module *module, const Field *field)
{
  return json_pack ("{s:s}", "api_name", field->api_name);
}

const Module *
source_find (Emulator *emulator, const char *api_name)
{
  for (unsigned i = 0; i < 3; i++)
    {
      if (strcmp (emulator->modules[i].api_name, api_name) == 0)
        return &emulator->modules[i];
    }
  return strcmp (api_name, "Users") == 0 ? &source_users : NULL;
}

bool
user_property (const char *key, Kind *kind)
{
  *kind = strcmp (key, "role") == 0 ? KIND_LOOKUP : strcmp (key, "id") == 0 ? KIND_ID : KIND_TEXT;
  return strcmp (key, "role") == 0 || strcmp (key, "last_name") == 0 || strcmp (key, "id") == 0;
}

json_t *
source_get (Emulator *emulator, const Module *source, uint64_t id, char *const *fields)
{
  json_t *record;
  size_t index;

  emulator->reads++;
  json_array_foreach (rows_of (emulator, source), index, record)
    {
      if (id_of (record) == id)
        return json_incref (record);
    }
  return NULL;
}

uint64_t
source_next (Emulator *emulator, const Module *source, uint64_t after)
{
  const json_t *record;
  size_t index;

  json_array_foreach (rows_of (emulator, source), index, record)
    {
      if (id_of (record) > after)
        return id_of (record);
    }
  return 0;
}

uint64_t
source_prev (Emulator *emulator, const Module *source, uint64_t before)
{
  const json_t *record;
  uint64_t found = 0;
  size_t index;

  json_array_foreach (rows_of (emulator, source), index, record)
    {
      if (id_of (record) < before)
        found = id_of (record);
    }
  return found;
}

GArray *
store_modified_since (Emulator *emulator, const Module *module, time_t time)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));

  for (uint64_t id = source_next (emulator, module, 0); id != 0; id = source_next (emulator, module, id))
    g_array_append_val (ids, id);
  return ids;
}

bool
source_converted (const Module *module, uint64_t id)
{
  return id == 109;
}

bool
source_hidden (const Module *module, uint64_t id)
{
  return false;
}

int64_t
setting_int (Emulator *emulator, const char *name, int64_t otherwise)
{
  return otherwise;
}

const char *
exact_number (const json_t *value)
{
  return NULL;
}

time_t
emulator_now (Emulator *emulator)
{
  return 0;
}

const char *
request_query (const Request *request, const char *name)
{
  return g_hash_table_lookup (request->query, name);
}

void
reply_error (Reply *reply, unsigned status, const char *code, const char *message, json_t *details)
{
  g_assert_not_reached ();
}

bool
parse_id (const char *text, uint64_t *id)
{
  return g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT64, id, NULL);
}

char *
format_id (uint64_t id, char out[static 24])
{
  g_snprintf (out, 24, "%" G_GUINT64_FORMAT, id);
  return out;
}

bool
parse_time (const char *text, time_t *time)
{
  g_autoptr (GDateTime) date = strlen (text) < 20 ? NULL : g_date_time_new_from_iso8601 (text, NULL);

  if (date != NULL)
    *time = (time_t)g_date_time_to_unix (date);
  return date != NULL;
}

/* ---- the tests --------------------------------------------------------------------------------------------------- */

/* The answer's rows as text, or the error as "CODE details". */
static char *
run (Emulator *emulator, const char *text)
{
  g_auto (Refusal) refusal = { 0 };
  g_autoptr (CoqlQuery) query = coql_parse (text, &refusal);
  g_autoptr (CoqlPlan) plan = query == NULL ? NULL : coql_plan (emulator, query, "7", &refusal);
  json_auto_t *rows = NULL;
  g_autofree char *details = NULL;
  bool more = false;

  if (plan == NULL)
    {
      details = json_dumps (refusal.details, JSON_SORT_KEYS | JSON_COMPACT);
      return g_strdup_printf ("%s %s", refusal.code, details == NULL ? "{}" : details);
    }
  rows = coql_run (plan, &more);
  details = json_dumps (rows, JSON_SORT_KEYS | JSON_COMPACT);
  return g_strdup_printf ("%s%s", details, more ? "+" : "");
}

static void
assert_run (const char *query, const char *expected)
{
  Emulator *emulator = org_new ();
  g_autofree char *got = run (emulator, query);

  g_assert_cmpstr (got, ==, expected);
  org_free (emulator);
}

static void
test_selects_with_lookups_and_aliases (void)
{
  assert_run (
      "select Last_Name as n, Account_Name, Account_Name.Parent_Account.Account_Name from Contacts where id = 101",
      "[{\"Account_Name\":{\"id\":\"201\",\"name\":\"Harbor\"},"
      "\"Account_Name.Parent_Account.Account_Name\":\"Mill\",\"id\":\"101\",\"n\":\"O'Neil\"}]");
  assert_run ("SELECT Owner, Owner.role.name, !Contacts.Last_Name FROM Contacts WHERE id in ('102')",
              "[{\"!Contacts.Last_Name\":\"Brown (Jr)\",\"Owner\":{\"id\":\"7\",\"name\":\"Vega\"},\"Owner.role.name\":"
              "\"CEO\",\"id\":\"102\"}]");
  assert_run ("select 'What_Id->Accounts.Account_Name', What_Id from Tasks where id is not null",
              "[{\"What_Id\":{\"id\":\"201\"},\"What_Id->Accounts.Account_Name\":\"Harbor\",\"id\":\"301\"}]");
  assert_run ("select last_name from Users where last_name like 'v%'", "[{\"id\":\"7\",\"last_name\":\"Vega\"}]");
}

static void
test_filters_by_type (void)
{
  assert_run ("select id from Contacts where Last_Name = 'O''Neil'", "[{\"id\":\"101\"}]");
  assert_run ("select id from Contacts where Last_Name = \"o'neil\"", "[{\"id\":\"101\"}]");
  assert_run ("select id from Contacts where Last_Name not like '%brown%'", "[{\"id\":\"101\"}]");
  assert_run ("select id from Contacts where Amount between 10 and 20.5", "[{\"id\":\"101\"},{\"id\":\"102\"}]");
  assert_run ("select id from Contacts where Amount != 10", "[{\"id\":\"102\"}]");
  assert_run ("select id from Contacts where Tags = 'A;B'", "[{\"id\":\"101\"}]");
  assert_run ("select id from Contacts where Opt_Out = 'false' and Birth >= '1999-12-31'", "[{\"id\":\"103\"}]");
  assert_run ("select id from Contacts where Modified_Time = '2026-01-02T15:30:00+05:30'", "[{\"id\":\"102\"}]");
  assert_run ("select id from Contacts where Account_Name = 202", "[{\"id\":\"102\"}]");
  assert_run ("select id from Contacts where ((Source = 'Web' and Email is null) or Email like '%two%')",
              "[{\"id\":\"102\"},{\"id\":\"103\"}]");
}

static void
test_orders_and_pages (void)
{
  assert_run ("select id from Contacts where id is not null limit 2", "[{\"id\":\"101\"},{\"id\":\"102\"}]+");
  assert_run ("select id from Contacts where id is not null limit 1, 2", "[{\"id\":\"102\"},{\"id\":\"103\"}]");
  assert_run ("select id from Contacts where id is not null order by id desc limit 1 offset 1", "[{\"id\":\"102\"}]+");
  assert_run ("select id from Contacts where id is not null order by Source, Amount desc limit 2",
              "[{\"id\":\"103\"},{\"id\":\"102\"}]+");
}

static void
test_groups (void)
{
  assert_run (
      "select COUNT(id), SUM(Amount) as total, Source from Contacts where id is not null group by Source order by "
      "Source desc",
      "[{\"COUNT(id)\":2,\"Source\":\"Web\",\"total\":30.5},{\"COUNT(id)\":1,\"Source\":\"Fair\",\"total\":null}]");
  assert_run ("select MAX(Modified_Time), AVG(Amount) from Contacts where id is not null",
              "[{\"AVG(Amount)\":15.25,\"MAX(Modified_Time)\":\"2026-01-03T10:00:00+00:00\"}]");
  assert_run (
      "select Account_Name, COUNT(id) from Contacts where id > 101 group by Account_Name",
      "[{\"Account_Name\":{\"id\":\"202\",\"name\":\"Mill\"},\"COUNT(id)\":1},{\"Account_Name\":null,\"COUNT(id)\":"
      "1}]");
}

static void
test_refuses (void)
{
  assert_run ("select id from Contacts", "SYNTAX_ERROR {\"clause\":\"where\"}");
  assert_run ("select id", "SYNTAX_ERROR {\"clause\":\"from\"}");
  assert_run ("delete from Contacts", "SYNTAX_ERROR {\"clause\":\"select\"}");
  assert_run ("select id from Contacts\nwhere id ! 3", "SYNTAX_ERROR {\"column\":10,\"line\":2,\"near\":\"!\"}");
  assert_run ("select id from Contacts where id > 1 and id > 2 and id > 3",
              "SYNTAX_ERROR {\"column\":49,\"line\":1,\"near\":\"and\"}");
  assert_run ("select id from Contacts where Last_Name contains 'x'", "SYNTAX_ERROR {\"operator\":\"contains\"}");
  assert_run ("select id from Contacts where Last_Name = 'x", "SYNTAX_ERROR {\"column\":43,\"line\":1,\"near\":\"\"}");
  assert_run ("select Nope from Contacts where id > 1", "INVALID_QUERY {\"column_name\":\"Nope\"}");
  assert_run ("select Rows from Contacts where id > 1", "INVALID_QUERY {\"column_name\":\"Rows\"}");
  assert_run ("select id from Contacts where Last_Name > 'x'",
              "INVALID_QUERY {\"column_name\":\"Last_Name\",\"operator\":\">\",\"reason\":\"invalid operator found\"}");
  assert_run (
      "select id from Contacts where Amount like '1%'",
      "INVALID_QUERY {\"column_name\":\"Amount\",\"cv_criteria\":false,\"operator\":\"like\",\"value\":\"1%\"}");
  assert_run ("select id from Contacts where Amount = 'much'",
              "INVALID_QUERY {\"column_name\":\"Amount\",\"cv_criteria\":false,\"operator\":\"=\",\"value\":\"much\"}");
  assert_run ("select id from Nowhere where id > 1", "INVALID_MODULE {}");
  assert_run ("select !Nowhere.id from Contacts where id > 1", "INVALID_QUERY {\"module\":\"Nowhere\"}");
  assert_run ("select id from Contacts where id > 1 limit 0", "INVALID_DATA {}");
  assert_run ("select id from Contacts where id > 1 limit 201", "LIMIT_EXCEEDED {\"clause\":\"limit\",\"limit\":200}");
  assert_run ("select id, id from Contacts where id > 1", "DUPLICATE_DATA {\"column_name\":\"id\"}");
  assert_run ("select SUM(Amount), SUM(Amount) from Contacts where id > 1",
              "DUPLICATE_DATA {\"aggregate\":\"SUM\",\"column_name\":\"Amount\"}");
  assert_run ("select Email as a, Last_Name as a from Contacts where id > 1",
              "DUPLICATE_ALIAS {\"alias\":\"a\",\"referred_columns\":[\"Email\",\"Last_Name\"]}");
  assert_run ("select Email as '' from Contacts where id > 1",
              "INVALID_ALIAS {\"alias\":\"\",\"column_name\":\"Email\"}");
  assert_run ("select Source, COUNT(id) from Contacts where id > 1",
              "INVALID_QUERY {\"clause\":\"group by\",\"column_name\":\"Source\"}");
  assert_run ("select sum(Amount) from Contacts where id > 1",
              "SYNTAX_ERROR {\"column\":11,\"line\":1,\"near\":\"(\"}");
  assert_run (
      "select SUM(Last_Name) from Contacts where id > 1",
      "INVALID_DATA {\"column\":\"Last_Name\",\"reason\":\"aggregate function is not supported for the column\"}");
}

/* Every shortened or slightly wrong query is an answer or an error, never a crash. */
static void
test_survives_broken_queries (void)
{
  static const char text[]
      = "select 'What_Id->Accounts.id' as a, COUNT(id) from Tasks where ((id in (1,2) and Subject not "
        "like '%x%') or What_Id is not null) group by What_Id order by a desc limit 1, 2";
  Emulator *emulator = org_new ();

  for (size_t i = 0; i < sizeof text - 1; i++)
    {
      g_autofree char *cut = g_strndup (text, i);
      g_autofree char *broken = g_strdup (text);
      g_autofree char *first = run (emulator, cut);
      g_autofree char *second = NULL;

      broken[i] = "(')\"%.\xff"[i % 7];
      second = run (emulator, broken);
      g_assert_nonnull (first);
      g_assert_nonnull (second);
    }
  org_free (emulator);
}

static void
test_pages_by_id_read_few_records (void)
{
  Emulator *emulator = org_new ();
  g_autofree char *rows = run (emulator, "select Email from Contacts where id > 102 order by id asc limit 1");

  g_assert_cmpstr (rows, ==, "[{\"Email\":\"c@two.example\",\"id\":\"103\"}]");
  g_assert_cmpuint (emulator->reads, ==, 2); /* once to match, once to show */
  org_free (emulator);
}

/* Ids found by search, or the error's code. */
static void
assert_search (const char *criteria, const char *expected)
{
  Emulator *emulator = org_new ();
  g_auto (Refusal) refusal = { 0 };
  g_autoptr (Condition) condition = criteria_parse (emulator, &emulator->modules[0], criteria, &refusal);
  g_autoptr (GString) found = g_string_new (refusal.code);

  for (uint64_t id = 101; condition != NULL && id <= 103; id++)
    {
      json_auto_t *record = source_get (emulator, &emulator->modules[0], id, NULL);

      if (condition_match (condition, emulator, record))
        g_string_append_printf (found, "%" G_GUINT64_FORMAT " ", id);
    }
  g_assert_cmpstr (found->str, ==, expected);
  org_free (emulator);
}

static void
test_searches (void)
{
  assert_search ("(Last_Name:equals:rown)", "102 103 ");
  assert_search ("(Last_Name:equals:Brown \\(Jr\\))", "102 ");
  assert_search ("(Last_Name:starts_with:BROWN)", "102 103 ");
  assert_search ("(Last_Name:not_equal:brown)", "101 102 ");
  assert_search ("(Source:equals:We)", "");
  assert_search ("(Source:in:Web,Fair)", "101 102 103 ");
  assert_search ("(Tags:equals:A)", "101 103 ");
  assert_search ("(Amount:between:5,15)", "101 ");
  assert_search ("(Modified_Time:greater_equal:2026-01-02T10:00:00Z)", "102 103 ");
  assert_search ("((Source:equals:Web)and(Opt_Out:equals:false))", "102 ");
  assert_search ("(((Source:equals:Web) and (Opt_Out:equals:false)) or (id:equals:103))", "102 103 ");
  assert_search ("(Account_Name:equals:201)", "101 ");
  assert_search ("(Email:equals:${EMPTY})", "102 ");
  assert_search ("(Last_Name:greater_than:x)", "INVALID_QUERY");
  assert_search ("(Nope:equals:x)", "INVALID_QUERY");
  assert_search ("(Amount:equals:x)", "INVALID_QUERY");
  assert_search ("(Last_Name:equals:x", "INVALID_QUERY");
  assert_search ("Last_Name:equals:x", "INVALID_QUERY");
  assert_search ("((id:equals:1)and)", "INVALID_QUERY");
  assert_search (
      "(id:equals:1)or(id:equals:1)or(id:equals:1)or(id:equals:1)or(id:equals:1)or(id:equals:1)or(id:equals:1)or"
      "(id:equals:1)or(id:equals:1)or(id:equals:1)or(id:equals:1)",
      "CRITERIA_LIMIT_EXCEEDED");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/coql/selects-with-lookups-and-aliases", test_selects_with_lookups_and_aliases);
  g_test_add_func ("/coql/filters-by-type", test_filters_by_type);
  g_test_add_func ("/coql/orders-and-pages", test_orders_and_pages);
  g_test_add_func ("/coql/groups", test_groups);
  g_test_add_func ("/coql/refuses", test_refuses);
  g_test_add_func ("/coql/survives-broken-queries", test_survives_broken_queries);
  g_test_add_func ("/coql/pages-by-id-read-few-records", test_pages_by_id_read_few_records);
  g_test_add_func ("/search/criteria", test_searches);
  return g_test_run ();
}
