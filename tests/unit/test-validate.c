/* What is refused before the wire, where, and in which words; as a table. */
#include "model/validate.h"

#include "base/error.h"

#include <string.h>

static json_t *
parse_quoted (const char *text)
{
  g_autofree char *plain = g_strdup (text);
  g_autoptr (GError) error = NULL;
  json_t *value;

  g_strdelimit (plain, "'", '"');
  value = json_parse (plain, strlen (plain), &error);
  if (value == NULL)
    g_error ("%s in %s", error->message, plain);
  return value;
}

static const char fields_text[]
    = "[{'api_name':'Last_Name','data_type':'text','length':20,'system_mandatory':true},"
      "{'api_name':'Notes','data_type':'textarea','textarea':{'type':'small'}},"
      "{'api_name':'Email','data_type':'email','length':40},"
      "{'api_name':'Phone','data_type':'phone','length':30},"
      "{'api_name':'Site','data_type':'website','length':60},"
      "{'api_name':'Stage','data_type':'picklist','pick_list_values':[{'actual_value':'Open','display_value':'Offen'},"
      "{'actual_value':'Closed Won'},{'actual_value':'Closed Lost'}]},"
      "{'api_name':'Free','data_type':'picklist','pick_list_values':[]},"
      "{'api_name':'Phases','data_type':'multiselectpicklist','pick_list_values':[{'actual_value':'Plan'},"
      "{'actual_value':'Ship'}]},"
      "{'api_name':'Paid','data_type':'boolean'},"
      "{'api_name':'Size','data_type':'integer','length':9},"
      "{'api_name':'Big','data_type':'bigint','length':18},"
      "{'api_name':'Amount','data_type':'currency','decimal_place':2},"
      "{'api_name':'Rate','data_type':'double','decimal_place':null},"
      "{'api_name':'Due','data_type':'date'},"
      "{'api_name':'Start','data_type':'datetime'},"
      "{'api_name':'Account','data_type':'lookup'},"
      "{'api_name':'Owner','data_type':'ownerlookup'},"
      "{'api_name':'What_Id','data_type':'multi_module_lookup'},"
      "{'api_name':'Tag','data_type':'text'},"
      "{'api_name':'People','data_type':'time_range'},"
      "{'api_name':'Sum','data_type':'formula'},"
      "{'api_name':'Fixed','data_type':'text','read_only':true,'system_mandatory':true},"
      "{'api_name':'Zzqxkjvwy_Qx','data_type':'text','visible':false},"
      "{'api_name':'Items','data_type':'subform','associated_module':{'module':'Items_M'}},"
      "{'api_name':'Loose','data_type':'subform','associated_module':{'module':'Unknown'}},"
      "{'api_name':'Team','data_type':'multiselectlookup','multiselectlookup':{'connected_details':{"
      "'lookup_field':{'api_name':'Contact'}}}}]";

static const char rows_text[] = "[{'api_name':'Title','data_type':'text','length':10,'system_mandatory':true},"
                                "{'api_name':'Qty','data_type':'integer'},{'api_name':'Total','data_type':'formula'},"
                                "{'api_name':'Parent_Id','data_type':'lookup','system_mandatory':true}]";

static FieldSet *
rows_of (void *data, const char *module)
{
  g_autoptr (json_t) rows = parse_quoted (rows_text);

  return strcmp (module, "Items_M") == 0 ? field_set_new_rows (rows) : NULL;
}

static FieldSet *
fields_new (void)
{
  g_autoptr (json_t) fields = parse_quoted (fields_text);

  return field_set_new (fields, rows_of, NULL);
}

/* Updates of record 7010000000201. @path NULL: it passes; else it is refused there, with @words in the message. */
static const struct
{
  const char *text, *known, *path, *words;
} updates[] = {
  { "{}", NULL, NULL, NULL },
  { "[]", NULL, "", "one JSON object" },
  { "{'id':'7010000000201'}", NULL, NULL, NULL },
  { "{'id':7010000000201}", NULL, NULL, NULL },
  { "{'id':null}", NULL, NULL, NULL },
  { "{'id':'7010000000202'}", NULL, "id", "record 7010000000201" },
  { "{'id':7010000000202}", NULL, "id", "cannot be changed" },
  { "{'id':'x'}", NULL, "id", "cannot be changed" },
  { "{'id':{}}", NULL, "id", "cannot be changed" },
  { "{'$editable':true,'$x':[]}", NULL, NULL, NULL },

  { "{'Lastname':'x'}", NULL, "Lastname", "did you mean Last_Name?" },
  { "{'last_name':'x'}", NULL, "last_name", "did you mean Last_Name?" },
  { "{'Emial':'x'}", NULL, "Emial", "did you mean Email?" },
  { "{'Zzzzzzzzzzzz':'x'}", NULL, "Zzzzzzzzzzzz", "fields.json" },
  { "{'Zzqxkjvwy_Qx':'x'}", NULL, "Zzqxkjvwy_Qx", "you may not see it" },
  { "{'':1}", NULL, "", "there is no such field" },
  { "{'Phone':'1','Emial':'x','Paid':3}", NULL, "Emial", "Email" }, /* the first mistake */

  { "{'Last_Name':'12345678901234567890'}", NULL, NULL, NULL },
  { "{'Last_Name':'123456789012345678901'}", NULL, "Last_Name", "21 characters, and this field holds 20" },
  { "{'Last_Name':'éééééééééééééééééééé'}", NULL, NULL, NULL }, /* characters, not bytes */
  { "{'Last_Name':'123456789012345678901'}", "{'Last_Name':'123456789012345678901'}", NULL, NULL },
  { "{'Last_Name':5}", NULL, "Last_Name", "a text in quotes, and not 5" },
  { "{'Last_Name':5.5}", NULL, "Last_Name", "a text in quotes, and not 5.5" },
  { "{'Last_Name':true}", NULL, "Last_Name", "a text in quotes" },
  { "{'Last_Name':['x']}", NULL, "Last_Name", "a text in quotes" },
  { "{'Last_Name':null}", NULL, "Last_Name", "mandatory" },
  { "{'Last_Name':''}", NULL, "Last_Name", "mandatory" },
  { "{'Last_Name':null}", "{'Last_Name':null}", NULL, NULL },
  { "{'Phone':null,'Paid':null,'Items':null,'Account':null,'Stage':null}", NULL, NULL, NULL },

  { "{'Email':'ada@example.com'}", NULL, NULL, NULL },
  { "{'Email':'ada@localhost'}", NULL, NULL, NULL },
  { "{'Email':'ada.example.com'}", NULL, "Email", "e-mail address" },
  { "{'Email':'@example.com'}", NULL, "Email", "e-mail address" },
  { "{'Email':'ada@'}", NULL, "Email", "e-mail address" },
  { "{'Email':'a@b@c'}", NULL, "Email", "e-mail address" },
  { "{'Email':'ada lovelace@example.com'}", NULL, "Email", "e-mail address" },
  { "{'Email':'ada@example.com-and-so-on-and-so-on-and-on'}", NULL, "Email", "holds 40" },
  { "{'Email':7}", NULL, "Email", "e-mail address" },
  { "{'Phone':'+49 (30) 1234-56 ext. 7'}", NULL, NULL, NULL },
  { "{'Phone':'1\\n2'}", NULL, "Phone", "telephone" },
  { "{'Phone':493012345}", NULL, "Phone", "telephone number in quotes" },
  { "{'Phone':'1234567890123456789012345678901'}", NULL, "Phone", "holds 30" },
  { "{'Site':'https://example.com/ä?x=1'}", NULL, NULL, NULL },
  { "{'Site':'example com'}", NULL, "Site", "without blanks" },
  { "{'Site':false}", NULL, "Site", "address" },

  { "{'Stage':'Open'}", NULL, NULL, NULL },
  { "{'Stage':'Offen'}", NULL, NULL, NULL },
  { "{'Stage':'-None-'}", NULL, NULL, NULL },
  { "{'Stage':'Opne'}", NULL, "Stage", "did you mean \"Open\"?" },
  { "{'Stage':'Closed'}", NULL, "Stage", "use one of \"Open\", \"Closed Won\", \"Closed Lost\"" },
  { "{'Stage':'Old'}", "{'Stage':'Old'}", NULL, NULL },
  { "{'Stage':1}", NULL, "Stage", "picklist" },
  { "{'Stage':['Open']}", NULL, "Stage", "picklist" },
  { "{'Free':'anything'}", NULL, NULL, NULL },
  { "{'Phases':['Ship','Plan']}", NULL, NULL, NULL },
  { "{'Phases':[]}", NULL, NULL, NULL },
  { "{'Phases':['Plan','Shop']}", NULL, "Phases[1]", "did you mean \"Ship\"?" },
  { "{'Phases':'Plan'}", NULL, "Phases", "array of texts" },
  { "{'Phases':[1]}", NULL, "Phases[0]", "picklist" },
  { "{'Phases':['Gone']}", "{'Phases':['Gone']}", NULL, NULL },

  { "{'Paid':true}", NULL, NULL, NULL },
  { "{'Paid':'true'}", NULL, "Paid", "true or false, without quotes, and not \"true\"" },
  { "{'Paid':1}", NULL, "Paid", "true or false" },
  { "{'Size':999999999}", NULL, NULL, NULL },
  { "{'Size':-999999999}", NULL, NULL, NULL },
  { "{'Size':5.0}", NULL, NULL, NULL },
  { "{'Size':1000000000}", NULL, "Size", "more than the 9 digits" },
  { "{'Size':1e9}", NULL, "Size", "more than the 9 digits" },
  { "{'Size':1e999999999999}", NULL, "Size", "more than the 9 digits" },
  { "{'Size':12345678901234567890123}", NULL, "Size", "more than the 9 digits" },
  { "{'Size':5.5}", NULL, "Size", "a whole number" },
  { "{'Size':'5'}", NULL, "Size", "a whole number, without quotes" },
  { "{'Big':'123456789012345678'}", NULL, NULL, NULL },
  { "{'Big':'-123456789012345678'}", NULL, NULL, NULL },
  { "{'Big':123}", NULL, NULL, NULL },
  { "{'Big':'1234567890123456789'}", NULL, "Big", "more than the 18 digits" },
  { "{'Big':1234567890123456789}", NULL, "Big", "digits in quotes" },
  { "{'Big':'12a'}", NULL, "Big", "digits in quotes" },
  { "{'Big':'-'}", NULL, "Big", "digits in quotes" },
  { "{'Big':1.5}", NULL, "Big", "digits in quotes" },
  { "{'Amount':1234567890123456.78}", NULL, NULL, NULL },
  { "{'Amount':0.10}", NULL, NULL, NULL },
  { "{'Amount':0.1000}", NULL, NULL, NULL },
  { "{'Amount':12}", NULL, NULL, NULL },
  { "{'Amount':12345678901234567}", NULL, "Amount", "more than the 16 digits in front" },
  { "{'Amount':0.125}", NULL, "Amount", "more than the 2 digits after" },
  { "{'Amount':0.125}", "{'Amount':0.1250}", NULL, NULL },
  { "{'Amount':'12'}", NULL, "Amount", "a number, without quotes" },
  { "{'Rate':0.123456789}", NULL, NULL, NULL },
  { "{'Rate':{}}", NULL, "Rate", "a number" },

  { "{'Due':'2026-02-28'}", NULL, NULL, NULL },
  { "{'Due':'2024-02-29'}", NULL, NULL, NULL },
  { "{'Due':'2026-02-29'}", NULL, "Due", "a date such as" },
  { "{'Due':'2026-13-01'}", NULL, "Due", "a date" },
  { "{'Due':'0000-01-01'}", NULL, "Due", "a date" },
  { "{'Due':'28.02.2026'}", NULL, "Due", "a date" },
  { "{'Due':'2026-2-28'}", NULL, "Due", "a date" },
  { "{'Due':'2026-02-28T10:00:00Z'}", NULL, "Due", "a date" },
  { "{'Due':20260228}", NULL, "Due", "a date" },
  { "{'Start':'2026-03-02T10:00:00+05:30'}", NULL, NULL, NULL },
  { "{'Start':'2026-03-02T10:00:00Z'}", NULL, NULL, NULL },
  { "{'Start':'2026-03-02T10:00:00.000Z'}", NULL, "Start", "without fractions" },
  { "{'Start':'2026-03-02T10:00:00'}", NULL, "Start", "offset" },
  { "{'Start':'2026-02-30T10:00:00Z'}", NULL, "Start", "a time" },
  { "{'Start':'2026-03-02 10:00'}", NULL, "Start", "a time" },
  { "{'Start':1772445600}", NULL, "Start", "a time" },

  { "{'Account':{'id':'5','name':'x'}}", NULL, NULL, NULL },
  { "{'Account':{'name':'Harbor'}}", NULL, "Account", "{\"id\": \"...\"}" },
  { "{'Account':{'id':5}}", NULL, "Account", "id of the other record" },
  { "{'Account':{'id':'x'}}", NULL, "Account", "id of the other record" },
  { "{'Account':'Harbor'}", NULL, "Account", "id of the other record" },
  { "{'Account':[]}", NULL, NULL, NULL }, /* empty */
  { "{'Owner':{'id':'6'}}", NULL, NULL, NULL },
  { "{'Owner':{'email':'a@b.c'}}", NULL, "Owner", "id" },
  { "{'What_Id':{'id':'6'},'$se_module':'Deals'}", NULL, NULL, NULL },
  { "{'What_Id':{'id':'6','module':{'api_name':'Deals'}}}", NULL, NULL, NULL },
  { "{'What_Id':{'id':'6'}}", "{'What_Id':null,'$se_module':'Deals'}", NULL, NULL },
  { "{'What_Id':{'id':'6'}}", NULL, "$se_module", "which module" },
  { "{'What_Id':{'id':'6'},'$se_module':5}", NULL, "$se_module", "API name of a module" },
  { "{'What_Id':null}", NULL, NULL, NULL },
  { "{'Tag':[{'name':'vip'}]}", NULL, NULL, NULL },
  { "{'Tag':['vip']}", NULL, "Tag[0]", "a tag" },
  { "{'Tag':[{'id':'1'}]}", NULL, "Tag[0]", "a tag" },
  { "{'Tag':'vip'}", NULL, "Tag", "array of tags" },
  { "{'Tag':[{'name':'12345678901234567890123456'}]}", NULL, "Tag[0]", "holds 25" },
  { "{'People':'anything'}", NULL, NULL, NULL },
  { "{'Sum':'anything'}", NULL, NULL, NULL }, /* only the server sets it: ignored later */
  { "{'Fixed':5}", NULL, NULL, NULL },

  { "{'Items':[{'Title':'a'}]}", NULL, NULL, NULL },
  { "{'Items':{'Title':'a'}}", NULL, "Items", "array of rows" },
  { "{'Items':['a']}", NULL, "Items[0]", "a row is an object" },
  { "{'Items':[{'Title':'a'},{'Qty':1}]}", NULL, "Items[1].Title", "mandatory and missing" },
  { "{'Items':[{'Title':'a','Qty':'1'}]}", NULL, "Items[0].Qty", "whole number" },
  { "{'Items':[{'Titel':'a'}]}", NULL, "Items[0].Titel", "did you mean Title?" },
  { "{'Items':[{'Title':'12345678901'}]}", NULL, "Items[0].Title", "holds 10" },
  { "{'Items':[{'id':'1','Title':'a'},{'id':'1','Title':'b'}]}", NULL, "Items[1]", "there twice" },
  { "{'Items':[{'id':1,'Title':'a'}]}", NULL, "Items[0].id", "string of digits" },
  { "{'Items':[{'id':'x','Title':'a'}]}", NULL, "Items[0].id", "string of digits" },
  { "{'Items':[{'Title':'a','Total':'x','Parent_Id':3}]}", NULL, NULL, NULL },
  { "{'Items':[{'id':'1','_delete':null}]}", "{'Items':[{'id':'1','Title':'a'}]}", "Items[0]._delete",
    "there is no such field" },
  { "{'Items':[{'id':'1','Qty':2}]}", "{'Items':[{'id':'1','Title':'a','Qty':1}]}", NULL, NULL },
  { "{'Items':[{'id':'1','Qty':'z'}]}", "{'Items':[{'id':'1','Title':'a','Qty':'z'}]}", NULL, NULL },
  { "{'Items':[{'id':'1','Title':null}]}", "{'Items':[{'id':'1','Title':'a'}]}", "Items[0].Title", "mandatory" },
  { "{'Loose':[{'anything':[1]}]}", NULL, NULL, NULL },
  { "{'Team':[{'Contact':{'id':'5'}}]}", NULL, NULL, NULL },
  { "{'Team':[{'Contact':{'name':'x'}}]}", NULL, "Team[0].Contact", "{\"Contact\": {\"id\": \"...\"}}" },
  { "{'Team':[{'id':'5'}]}", NULL, "Team[0].Contact", "which record" },
  { "{'Team':[{'id':'5'}]}", "{'Team':[{'id':'5','Contact':{'id':'6'}}]}", NULL, NULL },
  { "{'Team':'x'}", NULL, "Team", "array of rows" },
};

/* The words of a refusal of @text at @path are checked; NULL @path: it must pass. */
static void
check_case (const FieldSet *fields, const char *text, const char *known_text, uint64_t id, const char *path,
            const char *words)
{
  g_autoptr (json_t) document = parse_quoted (text);
  g_autoptr (json_t) known = parse_quoted (known_text != NULL ? known_text : "{}");
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  ValidateConfig config = { .fields = fields, .known = all, .id = id };
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;
  bool good;

  g_ptr_array_add (all, known);
  good = validate_document (&config, document, &found, &error);
  if (good != (path == NULL))
    g_error ("%s: %s", text, good ? "passed" : error->message);
  if (good)
    return;
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (g_strcmp0 (found, path) != 0 || strstr (error->message, words) == NULL
      || !g_str_has_prefix (error->message, path))
    g_error ("%s: at %s: %s", text, found, error->message);
}

static void
test_updates (void)
{
  g_autoptr (FieldSet) fields = fields_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (updates); i++)
    check_case (fields, updates[i].text, updates[i].known, 7010000000201, updates[i].path, updates[i].words);
}

static const struct
{
  const char *text, *path, *words;
} creations[] = {
  { "{'Last_Name':'a'}", NULL, NULL },
  { "{'Last_Name':'a','id':'5'}", NULL, NULL },
  { "{'Last_Name':'a','id':'anything'}", NULL, NULL },
  { "{'Phone':'1'}", "Last_Name", "mandatory and missing: add it" },
  { "{}", "Last_Name", "mandatory" },
  { "{'Last_Name':null}", "Last_Name", "cannot be empty: give it a value" },
  { "{'Last_Name':'a','Items':[{'Qty':1}]}", "Items[0].Title", "mandatory" },
  { "{'Last_Name':'a','What_Id':{'id':'5'}}", "$se_module", "Deals" },
};

static void
test_creations (void)
{
  g_autoptr (FieldSet) fields = fields_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (creations); i++)
    check_case (fields, creations[i].text, NULL, 0, creations[i].path, creations[i].words);
}

static void
test_open_picklists (void)
{
  g_autoptr (FieldSet) fields = fields_new ();
  g_autoptr (json_t) document = parse_quoted ("{'Stage':'New one','Phases':['Another']}");
  ValidateConfig config = { .fields = fields, .id = 1, .open_picklists = true };
  g_autoptr (GError) error = NULL;

  g_assert_true (validate_document (&config, document, NULL, &error));
  g_assert_no_error (error);
}

/* Messages and paths stay short whatever is in the text. */
static void
test_messages_are_bounded (void)
{
  g_autoptr (FieldSet) fields = fields_new ();
  g_autofree char *long_text = g_strnfill (100000, 'x');
  g_autoptr (json_t) document = json_object ();
  ValidateConfig config = { .fields = fields, .id = 1 };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  json_object_set_new (document, "Paid", json_string (long_text));
  g_assert_false (validate_document (&config, document, &path, &error));
  g_assert_cmpuint (strlen (error->message), <, 300);
  g_assert_cmpstr (path, ==, "Paid");
}

static void
test_keys_are_bounded (void)
{
  g_autoptr (FieldSet) fields = fields_new ();
  g_autofree char *key = g_strnfill (100000, 'x');
  g_autoptr (json_t) document = json_object ();
  ValidateConfig config = { .fields = fields, .id = 1 };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  key[1] = '\n';
  json_object_set_new (document, key, json_null ());
  g_assert_false (validate_document (&config, document, &path, &error));
  g_assert_cmpuint (strlen (error->message), <, 300);
  g_assert_cmpuint (strlen (path), ==, 64);
  g_assert_true (g_str_has_prefix (path, "x?x"));
}

static void
test_too_many_rows (void)
{
  g_autoptr (FieldSet) fields = fields_new ();
  g_autoptr (json_t) rows = json_array ();
  g_autoptr (json_t) document = json_object ();
  ValidateConfig config = { .fields = fields, .id = 1 };
  g_autoptr (GError) error = NULL;

  for (int i = 0; i <= VALIDATE_ROWS_MAX; i++)
    json_array_append_new (rows, json_pack ("{s:s}", "Title", "a"));
  json_object_set (document, "Items", rows);
  g_assert_false (validate_document (&config, document, NULL, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "201 rows"));
}

/* ---- parsing ---- */

static const struct
{
  const char *text, *words; /* NULL: it is good */
} texts[] = {
  { "{\"a\": 1}", NULL },
  { " {}\n", NULL },
  { "\xef\xbb\xbf{\"a\": 1}", NULL },
  { "{\"a\": 1234567890123456.78, \"b\": 123456789012345678901234567890, \"c\": 1e999}", NULL },
  { "", "line 1, column 0" },
  { "{\"a\": 1", "line 1, column 7" },
  { "{\n  \"a\": 1\n  \"b\": 2\n}\n", "line 3, column 5" },
  { "{\"a\": 1.25, \"b\": 2.25 x}", "line 1, column 23" }, /* as if numbers were not marked */
  { "{\"a\": 1, \"a\": 2}", "duplicate object key" },
  { "{'a': 1}", "not JSON" },
  { "{\"a\": 1,}", "not JSON" },
  { "{\"a\": 01}", "not JSON" },
  { "{\"a\": 1e999, \"b\": }", "not JSON" },
  { "{\"a\": \"\xff\"}", "not JSON" },
  { "{\"a\": \"\\u0000\"}", "not JSON" },
  { "{\"a\": 1} {}", "not JSON" },
  { "[1]", "one JSON object" },
  { "5", "one JSON object" },
  { "null", "one JSON object" },
  { "\"text\"", "one JSON object" },
  { "1.5", "one JSON object" },
};

static void
test_parsing (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (json_t) value = validate_parse (texts[i].text, strlen (texts[i].text), &error);

      if ((value != NULL) != (texts[i].words == NULL))
        g_error ("%s: %s", texts[i].text, value != NULL ? "passed" : error->message);
      if (value != NULL)
        continue;
      g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
      if (strstr (error->message, texts[i].words) == NULL)
        g_error ("%s: %s", texts[i].text, error->message);
    }
}

static void
test_refuses_large_texts (void)
{
  g_autofree char *text = g_strnfill (VALIDATE_SIZE_MAX + 1, ' ');
  g_autofree char *deep = g_strnfill (200, '[');
  g_autoptr (GError) large = NULL;
  g_autoptr (GError) nested = NULL;

  g_assert_null (validate_parse (text, VALIDATE_SIZE_MAX + 1, &large));
  g_assert_error (large, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE);
  g_assert_null (validate_parse (deep, 200, &nested));
  g_assert_error (nested, ZOHO_ERROR, ZOHO_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/validate/updates", test_updates);
  g_test_add_func ("/validate/creations", test_creations);
  g_test_add_func ("/validate/open-picklists", test_open_picklists);
  g_test_add_func ("/validate/messages-are-bounded", test_messages_are_bounded);
  g_test_add_func ("/validate/keys-are-bounded", test_keys_are_bounded);
  g_test_add_func ("/validate/too-many-rows", test_too_many_rows);
  g_test_add_func ("/validate/parsing", test_parsing);
  g_test_add_func ("/validate/refuses-large-texts", test_refuses_large_texts);
  return g_test_run ();
}
