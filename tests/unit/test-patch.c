/* What of a saved text is sent: bases, three-way comparison, the mirror, creation; as tables. */
#include "model/patch.h"

#include "base/error.h"

#include <string.h>

static json_t *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  json_t *value = json_parse (text, strlen (text), &error);

  if (value == NULL)
    g_error ("%s in %s", error->message, text);
  return value;
}

/* A set of @field:data_type words. */
static const char fields_text[]
    = "[{\"api_name\":\"Name\",\"data_type\":\"text\",\"system_mandatory\":true},"
      "{\"api_name\":\"Phone\",\"data_type\":\"phone\"},"
      "{\"api_name\":\"Stage\",\"data_type\":\"picklist\"},"
      "{\"api_name\":\"Phases\",\"data_type\":\"multiselectpicklist\"},"
      "{\"api_name\":\"Paid\",\"data_type\":\"boolean\"},"
      "{\"api_name\":\"Size\",\"data_type\":\"integer\"},"
      "{\"api_name\":\"Big\",\"data_type\":\"bigint\"},"
      "{\"api_name\":\"Amount\",\"data_type\":\"currency\"},"
      "{\"api_name\":\"Due\",\"data_type\":\"date\"},"
      "{\"api_name\":\"Start\",\"data_type\":\"datetime\"},"
      "{\"api_name\":\"Account\",\"data_type\":\"lookup\"},"
      "{\"api_name\":\"Owner\",\"data_type\":\"ownerlookup\"},"
      "{\"api_name\":\"What_Id\",\"data_type\":\"multi_module_lookup\"},"
      "{\"api_name\":\"Any\",\"data_type\":\"multi_module_lookup\"},"
      "{\"api_name\":\"Tag\",\"data_type\":\"text\",\"operation_type\":{\"api_update\":false,\"api_create\":false}},"
      "{\"api_name\":\"People\",\"data_type\":\"time_range\"},"
      "{\"api_name\":\"Sum\",\"data_type\":\"formula\"},"
      "{\"api_name\":\"Number\",\"data_type\":\"autonumber\"},"
      "{\"api_name\":\"Fixed\",\"data_type\":\"text\",\"field_read_only\":true},"
      "{\"api_name\":\"Once\",\"data_type\":\"text\",\"operation_type\":{\"api_update\":false,\"api_create\":true}},"
      "{\"api_name\":\"Documents\",\"data_type\":\"fileupload\"},"
      "{\"api_name\":\"Created_Time\",\"data_type\":\"datetime\"},"
      "{\"api_name\":\"Modified_Time\",\"data_type\":\"datetime\"},"
      "{\"api_name\":\"Hidden\",\"data_type\":\"text\",\"visible\":false},"
      "{\"api_name\":\"Items\",\"data_type\":\"subform\",\"associated_module\":{\"module\":\"Items_M\"}},"
      "{\"api_name\":\"Loose\",\"data_type\":\"subform\",\"associated_module\":{\"module\":\"Unknown\"}},"
      "{\"api_name\":\"Team\",\"data_type\":\"multiselectlookup\",\"multiselectlookup\":{\"connected_details\":{"
      "\"lookup_field\":{\"api_name\":\"Contact\"}}}},"
      "{\"api_name\":\"Members\",\"data_type\":\"multiuserlookup\",\"multiuserlookup\":{\"connected_details\":{"
      "\"lookup_field\":{\"api_name\":\"Member\"}}}}]";

static const char rows_text[]
    = "[{\"api_name\":\"Title\",\"data_type\":\"text\"},{\"api_name\":\"Qty\",\"data_type\":\"double\"},"
      "{\"api_name\":\"Done\",\"data_type\":\"boolean\"},{\"api_name\":\"Product\",\"data_type\":\"lookup\"},"
      "{\"api_name\":\"Total\",\"data_type\":\"formula\"},{\"api_name\":\"Modified_Time\",\"data_type\":\"datetime\"},"
      "{\"api_name\":\"Parent_Id\",\"data_type\":\"lookup\"}]";

static FieldSet *
rows_of (void *data, const char *module)
{
  g_autoptr (json_t) rows = parse (rows_text);

  return strcmp (module, "Items_M") == 0 ? field_set_new_rows (rows) : NULL;
}

static FieldSet *
fields_new (void)
{
  g_autoptr (json_t) fields = parse (fields_text);

  return field_set_new (fields, rows_of, NULL);
}

static json_t *
names_json (char **names)
{
  json_t *array = json_array ();

  for (; *names != NULL; names++)
    json_array_append_new (array, json_string (*names));
  return array;
}

static void
set_if (json_t *object, const char *key, json_t *value)
{
  if (value != NULL && json_object_size (value) + json_array_size (value) > 0)
    json_object_set (object, key, value);
}

/* "nothing", or what there is of {"add", "conflicts", "ignored", "remove", "update"} in quotes of the table's kind. */
static char *
describe (const Patch *patch)
{
  g_autoptr (json_t) all = json_object ();
  g_autoptr (json_t) ignored = names_json (patch->ignored);
  g_autoptr (json_t) paths = json_array ();
  g_autoptr (GString) text = g_string_new (NULL);

  for (size_t i = 0; i < json_array_size (patch->conflicts); i++)
    json_array_append (paths, json_object_get (json_array_get (patch->conflicts, i), "path"));
  set_if (all, "update", patch->update);
  set_if (all, "add", patch->tags_add);
  set_if (all, "remove", patch->tags_remove);
  set_if (all, "conflicts", paths);
  set_if (all, "ignored", ignored);
  json_write_compact (all, text);
  g_assert_cmpint (patch->kind, ==,
                   patch->conflicts != NULL                                                         ? PATCH_CONFLICT
                   : patch->update != NULL || patch->tags_add != NULL || patch->tags_remove != NULL ? PATCH_SEND
                                                                                                    : PATCH_NOTHING);
  g_strdelimit (text->str, "\"", '\'');
  return g_strdup (text->str);
}

/* Tables use ' for ". */
static json_t *
parse_quoted (const char *text)
{
  g_autofree char *plain = g_strdup (text);

  g_strdelimit (plain, "'", '"');
  return parse (plain);
}

/* An array is several bases, of which the one with "seen" was seen. */
static MergeBase *
base_of (const char *text)
{
  g_autoptr (json_t) value = parse_quoted (text);
  MergeBase *base;

  if (json_is_object (value))
    return merge_base_of (value);
  base = merge_base_of (json_array_get (value, 0));
  for (size_t i = 1; i < json_array_size (value); i++)
    g_ptr_array_add (base->texts, json_incref (json_array_get (value, i)));
  for (size_t i = 0; i < json_array_size (value); i++)
    if (json_object_del (json_array_get (value, i), "seen") == 0)
      base->seen = json_incref (json_array_get (value, i));
  return base;
}

/* NULL for theirs: as the base. */
static const struct
{
  const char *name, *base, *yours, *theirs, *expected;
} patches[] = {
  /* nothing to send */
  { "same", "{'Name':'a','id':'7'}", "{'Name':'a','id':'7'}", NULL, "{}" },
  { "other order of keys", "{'Name':'a','Phone':'1'}", "{'Phone':'1','Name':'a'}", NULL, "{}" },
  { "empty patch", "{'Name':'a'}", "{}", NULL, "{}" },
  { "missing key is left alone", "{'Name':'a','Phone':'1'}", "{'Name':'a'}", NULL, "{}" },
  { "null and empty text", "{'Phone':null}", "{'Phone':''}", NULL, "{}" },
  { "null and empty array", "{'Phases':null}", "{'Phases':[]}", NULL, "{}" },
  { "null and no key", "{}", "{'Phone':null}", NULL, "{}" },
  { "-None- is empty", "{'Stage':null}", "{'Stage':'-None-'}", NULL, "{}" },
  { "id is never sent", "{'id':'7'}", "{'id':'8'}", NULL, "{}" },
  { "dollar keys are silent", "{}", "{'$editable':true}", NULL, "{}" },
  { "Modified_Time is silent", "{'Modified_Time':'2026-03-02T10:00:00Z'}", "{'Modified_Time':'2026-03-02T11:00:00Z'}",
    NULL, "{}" },
  { "number in other digits", "{'Amount':12.5}", "{'Amount':12.50}", NULL, "{}" },
  { "number with exponent", "{'Amount':1200}", "{'Amount':1.2e3}", NULL, "{}" },
  { "small exponent", "{'Amount':0.005}", "{'Amount':5e-3}", NULL, "{}" },
  { "minus zero", "{'Amount':0}", "{'Amount':-0.0}", NULL, "{}" },
  { "integer with a point", "{'Size':5}", "{'Size':5.0}", NULL, "{}" },
  { "bigint as number", "{'Big':'12'}", "{'Big':12}", NULL, "{}" },
  { "time in other zone", "{'Start':'2026-03-02T10:00:00+00:00'}", "{'Start':'2026-03-02T11:00:00+01:00'}", NULL,
    "{}" },
  { "time with Z", "{'Start':'2026-03-02T10:00:00+00:00'}", "{'Start':'2026-03-02T10:00:00Z'}", NULL, "{}" },
  { "renamed lookup", "{'Account':{'id':'9','name':'New'}}", "{'Account':{'id':'9','name':'Old'}}", NULL, "{}" },
  { "lookup by id alone", "{'Account':{'id':'9','name':'A'}}", "{'Account':{'id':'9'}}", NULL, "{}" },
  { "renamed owner", "{'Owner':{'id':'9','name':'A','email':'a@b.c'}}", "{'Owner':{'id':'9','name':'B'}}", NULL, "{}" },
  { "renamed What_Id", "{'What_Id':{'id':'9','name':'A'},'$se_module':'Deals'}",
    "{'What_Id':{'id':'9','name':'B'},'$se_module':'Deals'}", NULL, "{}" },
  { "picks in other order", "{'Phases':['a','b']}", "{'Phases':['b','a']}", NULL, "{}" },
  { "tags in other order", "{'Tag':[{'name':'a'},{'name':'b'}]}", "{'Tag':[{'name':'b'},{'name':'a'}]}", NULL, "{}" },
  { "tag by name alone", "{'Tag':[{'name':'a','id':'1','color_code':null}]}", "{'Tag':[{'name':'a'}]}", NULL, "{}" },
  { "tag renamed", "{'Tag':[{'name':'a','id':'1'}]}", "{'Tag':[{'name':'b','id':'1'}]}", NULL, "{}" },
  { "tag in other case", "{'Tag':[{'name':'Vip'}]}", "{'Tag':[{'name':'vip'}]}", NULL, "{}" },
  { "structure, renamed inside", "{'People':[{'type':'user','who':{'id':'1','name':'a'}}]}",
    "{'People':[{'who':{'name':'b','id':'1'},'type':'user'}]}", NULL, "{}" },
  { "structure, null inside", "{'People':[{'type':'user','x':null}]}", "{'People':[{'type':'user'}]}", NULL, "{}" },

  /* sending */
  { "one field", "{'Name':'a','Phone':'1'}", "{'Name':'b','Phone':'1'}", NULL, "{'update':{'Name':'b'}}" },
  { "null clears", "{'Phone':'1'}", "{'Phone':null}", NULL, "{'update':{'Phone':null}}" },
  { "empty text clears", "{'Phone':'1'}", "{'Phone':''}", NULL, "{'update':{'Phone':null}}" },
  { "-None- clears", "{'Stage':'x'}", "{'Stage':'-None-'}", NULL, "{'update':{'Stage':null}}" },
  { "from null", "{'Phone':null}", "{'Phone':'1'}", NULL, "{'update':{'Phone':'1'}}" },
  { "digits are kept", "{'Amount':1}", "{'Amount':1234567890123456.78}", NULL,
    "{'update':{'Amount':1234567890123456.78}}" },
  { "last digit counts", "{'Amount':1234567890123456.78}", "{'Amount':1234567890123456.79}", NULL,
    "{'update':{'Amount':1234567890123456.79}}" },
  { "as a double leaves it, shortest", "{'Amount':1234567890123456.78}", "{'Amount':1234567890123456.8}", NULL, "{}" },
  { "as a double leaves it, whole", "{'Amount':9827865711607910.54}", "{'Amount':9827865711607910.0}", NULL, "{}" },
  { "as a double leaves it, 17 digits", "{'Amount':0.123456789012345678}", "{'Amount':0.12345678901234568}", NULL,
    "{}" },
  { "as a double leaves it, 15 digits", "{'Amount':1234567890123456.78}", "{'Amount':1.23456789012346e+15}", NULL,
    "{}" },
  { "as a double leaves it, no fraction", "{'Amount':9999999999999999}", "{'Amount':10000000000000000}", NULL, "{}" },
  { "as a double leaves it, in a row", "{'Items':[{'id':'1','Qty':1234567890123456.78}]}",
    "{'Items':[{'id':'1','Qty':1234567890123456.8}]}", NULL, "{}" },
  { "rounded by hand", "{'Amount':1234567890123456.78}", "{'Amount':1234567890123457}", NULL,
    "{'update':{'Amount':1234567890123457}}" },
  { "short numbers are exact", "{'Amount':12345678.91}", "{'Amount':12345678.9}", NULL,
    "{'update':{'Amount':12345678.9}}" },
  { "sign counts", "{'Amount':5}", "{'Amount':-5}", NULL, "{'update':{'Amount':-5}}" },
  { "magnitude counts", "{'Amount':50}", "{'Amount':5}", NULL, "{'update':{'Amount':5}}" },
  { "zero from null", "{'Amount':null}", "{'Amount':0}", NULL, "{'update':{'Amount':0}}" },
  { "integer without point", "{'Size':4}", "{'Size':50.0}", NULL, "{'update':{'Size':50}}" },
  { "integer by exponent", "{'Size':4}", "{'Size':-1.2e3}", NULL, "{'update':{'Size':-1200}}" },
  { "bigint is text", "{'Big':'12'}", "{'Big':13}", NULL, "{'update':{'Big':'13'}}" },
  { "bigint keeps zeros", "{'Big':'12'}", "{'Big':'0012'}", NULL, "{'update':{'Big':'0012'}}" },
  { "false from null", "{'Paid':null}", "{'Paid':false}", NULL, "{'update':{'Paid':false}}" },
  { "true", "{'Paid':false}", "{'Paid':true}", NULL, "{'update':{'Paid':true}}" },
  { "date", "{'Due':'2026-03-02'}", "{'Due':'2026-03-03'}", NULL, "{'update':{'Due':'2026-03-03'}}" },
  { "time as written", "{'Start':'2026-03-02T10:00:00+00:00'}", "{'Start':'2026-03-02T11:00:01+01:00'}", NULL,
    "{'update':{'Start':'2026-03-02T11:00:01+01:00'}}" },
  { "lookup as id", "{'Account':{'id':'9','name':'A'}}", "{'Account':{'id':'10','name':'B'}}", NULL,
    "{'update':{'Account':{'id':'10'}}}" },
  { "lookup cleared", "{'Account':{'id':'9'}}", "{'Account':null}", NULL, "{'update':{'Account':null}}" },
  { "What_Id with its module", "{'What_Id':{'id':'9'},'$se_module':'Deals'}",
    "{'What_Id':{'id':'10'},'$se_module':'Deals'}", NULL, "{'update':{'$se_module':'Deals','What_Id':{'id':'10'}}}" },
  { "What_Id, module written", "{'What_Id':{'id':'9'},'$se_module':'Deals'}",
    "{'What_Id':{'id':'10','module':{'api_name':'Deals'}},'$se_module':'Leads'}", NULL,
    "{'update':{'$se_module':'Leads','What_Id':{'id':'10'}}}" },
  { "What_Id, module in it", "{'What_Id':{'id':'9'},'$se_module':'Deals'}",
    "{'What_Id':{'id':'10','module':{'api_name':'Leads'}},'$se_module':'Deals'}", NULL,
    "{'update':{'$se_module':'Leads','What_Id':{'id':'10'}}}" },
  { "What_Id, module from the server", "{'What_Id':null,'$se_module':null}", "{'What_Id':{'id':'10'}}",
    "{'What_Id':null,'$se_module':'Deals'}", "{'update':{'$se_module':'Deals','What_Id':{'id':'10'}}}" },
  { "What_Id cleared", "{'What_Id':{'id':'9'},'$se_module':'Deals'}", "{'What_Id':null,'$se_module':'Deals'}", NULL,
    "{'update':{'What_Id':null}}" },
  { "module alone", "{'What_Id':{'id':'9'},'$se_module':'Deals'}", "{'What_Id':{'id':'9'},'$se_module':'Leads'}", NULL,
    "{'ignored':['$se_module']}" },
  { "other multi-module lookup", "{'Any':null}", "{'Any':{'id':'5','name':'x','module':{'api_name':'Leads','id':'1'}}}",
    NULL, "{'update':{'Any':{'id':'5','module':{'api_name':'Leads'}}}}" },
  { "picks are sent whole", "{'Phases':['a']}", "{'Phases':['a','b']}", NULL, "{'update':{'Phases':['a','b']}}" },
  { "picks cleared", "{'Phases':['a']}", "{'Phases':[]}", NULL, "{'update':{'Phases':null}}" },
  { "tags added and removed", "{'Tag':[{'name':'a'},{'name':'b'}]}", "{'Tag':[{'name':'b'},{'name':'c'}]}", NULL,
    "{'add':[{'name':'c'}],'remove':[{'name':'a'}]}" },
  { "all tags removed", "{'Tag':[{'name':'a'}]}", "{'Tag':null}", NULL, "{'remove':[{'name':'a'}]}" },
  { "tag twice", "{'Tag':null}", "{'Tag':[{'name':'a'},{'name':'A'}]}", NULL, "{'add':[{'name':'a'}]}" },
  { "structure", "{'People':[{'type':'user'}]}", "{'People':[{'type':'lead'}]}", NULL,
    "{'update':{'People':[{'type':'lead'}]}}" },

  /* what only the server sets */
  { "computed", "{'Sum':1}", "{'Sum':2}", NULL, "{'ignored':['Sum']}" },
  { "automatic number", "{'Number':'1'}", "{'Number':'2'}", NULL, "{'ignored':['Number']}" },
  { "read-only", "{'Fixed':'1'}", "{'Fixed':'2','Name':'x'}", NULL, "{'ignored':['Fixed'],'update':{'Name':'x'}}" },
  { "not in updates", "{'Once':'1'}", "{'Once':'2'}", NULL, "{'ignored':['Once']}" },
  { "files", "{'Documents':null}", "{'Documents':[{'File_Id__s':'x'}]}", NULL, "{'ignored':['Documents']}" },
  { "Created_Time", "{'Created_Time':'2026-03-02T10:00:00Z'}", "{'Created_Time':null}", NULL,
    "{'ignored':['Created_Time']}" },
  { "unchanged computed of old", "{'Sum':1}", "{'Sum':1}", "{'Sum':2}", "{}" },
  { "computed as it is now", "{'Sum':1}", "{'Sum':2}", "{'Sum':2}", "{}" },
  { "hidden", "{}", "{'Hidden':'x'}", NULL, "{'ignored':['Hidden']}" },

  /* both sides */
  { "disjoint", "{'Name':'a','Phone':'1'}", "{'Name':'b','Phone':'1'}", "{'Name':'a','Phone':'2'}",
    "{'update':{'Name':'b'}}" },
  { "theirs alone", "{'Name':'a','Phone':'1'}", "{'Name':'a','Phone':'1'}", "{'Name':'b','Phone':'2'}", "{}" },
  { "equal", "{'Name':'a'}", "{'Name':'b'}", "{'Name':'b'}", "{}" },
  { "equal by value", "{'Amount':1}", "{'Amount':2.0}", "{'Amount':2}", "{}" },
  { "conflict", "{'Name':'a'}", "{'Name':'b'}", "{'Name':'c'}", "{'conflicts':['Name']}" },
  { "conflict keeps all back", "{'Name':'a','Phone':'1','Tag':null}", "{'Name':'b','Phone':'2','Tag':[{'name':'x'}]}",
    "{'Name':'c','Phone':'1','Tag':null}", "{'conflicts':['Name']}" },
  { "two conflicts", "{'Name':'a','Phone':'1'}", "{'Phone':'2','Name':'b'}", "{'Name':'c','Phone':'3'}",
    "{'conflicts':['Phone','Name']}" },
  { "cleared and changed", "{'Phone':'1'}", "{'Phone':null}", "{'Phone':'2'}", "{'conflicts':['Phone']}" },
  { "changed and cleared", "{'Phone':'1'}", "{'Phone':'2'}", "{'Phone':null}", "{'conflicts':['Phone']}" },
  { "rename is no change of theirs", "{'Account':{'id':'9','name':'A'}}", "{'Account':{'id':'10'}}",
    "{'Account':{'id':'9','name':'B'}}", "{'update':{'Account':{'id':'10'}}}" },
  { "zone is no change of theirs", "{'Start':'2026-03-02T10:00:00Z'}", "{'Start':'2026-03-02T12:00:00Z'}",
    "{'Start':'2026-03-02T11:00:00+01:00'}", "{'update':{'Start':'2026-03-02T12:00:00Z'}}" },
  { "picks conflict", "{'Phases':['a']}", "{'Phases':['a','b']}", "{'Phases':['a','c']}", "{'conflicts':['Phases']}" },
  { "tags merge", "{'Tag':[{'name':'a'},{'name':'b'}]}", "{'Tag':[{'name':'a'},{'name':'b'},{'name':'c'}]}",
    "{'Tag':[{'name':'b'},{'name':'d'}]}", "{'add':[{'name':'c'}]}" },
  { "both add a tag", "{'Tag':null}", "{'Tag':[{'name':'a'}]}", "{'Tag':[{'name':'a','id':'1'}]}", "{}" },
  { "both remove a tag", "{'Tag':[{'name':'a'}]}", "{'Tag':null}", "{'Tag':null}", "{}" },
  { "their tag stays", "{'Tag':null}", "{'Tag':null}", "{'Tag':[{'name':'a'}]}", "{}" },

  /* several bases of one second */
  { "as the first", "[{'Name':'a'},{'Name':'b'}]", "{'Name':'a'}", "{'Name':'b'}", "{}" },
  { "as the second", "[{'Name':'a'},{'Name':'b'}]", "{'Name':'b'}", "{'Name':'a'}", "{}" },
  { "as none", "[{'Name':'a'},{'Name':'b'}]", "{'Name':'c'}", "{'Name':'a'}", "{'update':{'Name':'c'}}" },
  { "as none, theirs neither", "[{'Name':'a'},{'Name':'b'}]", "{'Name':'c'}", "{'Name':'d'}",
    "{'conflicts':['Name']}" },
  { "as none, theirs not as seen", "[{'Name':'a','seen':1},{'Name':'b'}]", "{'Name':'c'}", "{'Name':'b'}",
    "{'conflicts':['Name']}" },
  { "as none, theirs as seen", "[{'Name':'a'},{'Name':'b','seen':1}]", "{'Name':'c'}", "{'Name':'b'}",
    "{'update':{'Name':'c'}}" },
  { "as the other one, theirs not as seen", "[{'Name':'a','seen':1},{'Name':'b'}]", "{'Name':'a'}", "{'Name':'b'}",
    "{}" },
  { "row key as none, theirs not as seen",
    "[{'Items':[{'id':'1','Title':'a'}],'seen':1},{'Items':[{'id':'1','Title':'b'}]}]",
    "{'Items':[{'id':'1','Title':'c'}]}", "{'Items':[{'id':'1','Title':'b'}]}", "{'conflicts':['Items[1].Title']}" },
  { "row key as none, theirs as seen",
    "[{'Items':[{'id':'1','Title':'a'}]},{'Items':[{'id':'1','Title':'b'}],'seen':1}]",
    "{'Items':[{'id':'1','Title':'c'}]}", "{'Items':[{'id':'1','Title':'b'}]}",
    "{'update':{'Items':[{'Title':'c','id':'1'}]}}" },
  { "row in one base only", "[{'Items':[{'id':'1','Title':'a'}]},{'Items':null}]", "{'Items':null}",
    "{'Items':[{'id':'1','Title':'a'}]}", "{}" },
  { "row key as in one", "[{'Items':[{'id':'1','Title':'a'}]},{'Items':[{'id':'1','Title':'b'}]}]",
    "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':'b'}]}", "{}" },
  { "tag in one base only", "[{'Tag':[{'name':'a'}]},{'Tag':null}]", "{'Tag':null}", "{'Tag':[{'name':'a'}]}", "{}" },

  /* subforms */
  { "rows moved", "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'b'}]}",
    "{'Items':[{'id':'2','Title':'b'},{'id':'1','Title':'a'}]}", NULL, "{}" },
  { "row changed", "{'Items':[{'id':'1','Title':'a','Qty':1},{'id':'2','Title':'b','Qty':2}]}",
    "{'Items':[{'id':'1','Title':'a','Qty':1},{'id':'2','Title':'b','Qty':3.5}]}", NULL,
    "{'update':{'Items':[{'id':'1'},{'Qty':3.5,'id':'2'}]}}" },
  { "row added", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':'a'},{'Title':'b','Qty':null}]}",
    NULL, "{'update':{'Items':[{'id':'1'},{'Title':'b'}]}}" },
  { "first row", "{'Items':null}", "{'Items':[{'Title':'b','Product':{'id':'5','name':'x'}}]}", NULL,
    "{'update':{'Items':[{'Product':{'id':'5'},'Title':'b'}]}}" },
  { "row removed", "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'b'}]}", "{'Items':[{'id':'2','Title':'b'}]}",
    NULL, "{'update':{'Items':[{'_delete':null,'id':'1'},{'id':'2'}]}}" },
  { "all rows removed", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':null}", NULL,
    "{'update':{'Items':[{'_delete':null,'id':'1'}]}}" },
  { "all rows removed, by []", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[]}", NULL,
    "{'update':{'Items':[{'_delete':null,'id':'1'}]}}" },
  { "added, changed, removed", "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'b'},{'id':'3','Title':'c'}]}",
    "{'Items':[{'Title':'n'},{'id':'3','Title':'c'},{'id':'2','Title':'x'}]}", NULL,
    "{'update':{'Items':[{'_delete':null,'id':'1'},{'Title':'x','id':'2'},{'id':'3'},{'Title':'n'}]}}" },
  { "partial row", "{'Items':[{'id':'1','Title':'a','Qty':1}]}", "{'Items':[{'id':'1','Qty':2}]}", NULL,
    "{'update':{'Items':[{'Qty':2,'id':'1'}]}}" },
  { "bare row", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1'}]}", NULL, "{}" },
  { "row key cleared", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':null}]}", NULL,
    "{'update':{'Items':[{'Title':null,'id':'1'}]}}" },
  { "row key computed", "{'Items':[{'id':'1','Total':1}]}", "{'Items':[{'id':'1','Total':2}]}", NULL,
    "{'ignored':['Items[1].Total']}" },
  { "row key out of the document", "{'Items':[{'id':'1','Title':'a'}]}",
    "{'Items':[{'id':'1','Parent_Id':{'id':'4'}}]}", NULL, "{'ignored':['Items[1].Parent_Id']}" },
  { "renamed product", "{'Items':[{'id':'1','Product':{'id':'5','name':'x'}}]}",
    "{'Items':[{'id':'1','Product':{'id':'5','name':'y'}}]}", NULL, "{}" },
  { "unknown id is a new row", "{'Items':null}", "{'Items':[{'id':'77','Title':'a','Total':3}]}", NULL,
    "{'update':{'Items':[{'Title':'a'}]}}" },
  { "empty new row", "{'Items':null}", "{'Items':[{}]}", NULL, "{}" },
  { "ids stripped", "{'Items':[{'id':'1','Title':'a','Qty':1},{'id':'2','Title':'b','Qty':2}]}",
    "{'Items':[{'Title':'a','Qty':1},{'Title':'b','Qty':2}]}", NULL, "{}" },
  { "row doubled", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':'a'},{'Title':'a'}]}", NULL,
    "{'update':{'Items':[{'id':'1'},{'Title':'a'}]}}" },
  { "disjoint rows", "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'b'}]}",
    "{'Items':[{'id':'1','Title':'x'},{'id':'2','Title':'b'}]}",
    "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'y'}]}",
    "{'update':{'Items':[{'Title':'x','id':'1'},{'id':'2'}]}}" },
  { "their row keys alone", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':'a'}]}",
    "{'Items':[{'id':'1','Title':'b'}]}", "{}" },
  { "one row, both sides", "{'Items':[{'id':'1','Title':'a','Qty':1}]}", "{'Items':[{'id':'1','Title':'x','Qty':1}]}",
    "{'Items':[{'id':'1','Title':'a','Qty':2}]}", "{'conflicts':['Items[1].Qty']}" },
  { "one row, partial", "{'Items':[{'id':'1','Title':'a','Qty':1}]}", "{'Items':[{'id':'1','Title':'x'}]}",
    "{'Items':[{'id':'1','Title':'a','Qty':2}]}", "{'update':{'Items':[{'Title':'x','id':'1'}]}}" },
  { "one row, equal", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':'x'}]}",
    "{'Items':[{'id':'1','Title':'x'}]}", "{}" },
  { "one row, equal and more", "{'Items':[{'id':'1','Title':'a','Qty':1}]}",
    "{'Items':[{'id':'1','Title':'x','Qty':2}]}", "{'Items':[{'id':'1','Title':'x','Qty':1}]}",
    "{'update':{'Items':[{'Qty':2,'id':'1'}]}}" },
  { "one key, both sides", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':'x'}]}",
    "{'Items':[{'id':'1','Title':'y'}]}", "{'conflicts':['Items[1].Title']}" },
  { "computed keys are no change of theirs", "{'Items':[{'id':'1','Qty':1,'Total':1}]}",
    "{'Items':[{'id':'1','Qty':2,'Total':1}]}", "{'Items':[{'id':'1','Qty':1,'Total':9}]}",
    "{'update':{'Items':[{'Qty':2,'id':'1'}]}}" },
  { "their row added", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':'x'}]}",
    "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'n'}]}",
    "{'update':{'Items':[{'Title':'x','id':'1'},{'id':'2'}]}}" },
  { "both add", "{'Items':null}", "{'Items':[{'Title':'x'}]}", "{'Items':[{'id':'2','Title':'y'}]}",
    "{'update':{'Items':[{'id':'2'},{'Title':'x'}]}}" },
  { "both add the same", "{'Items':null}", "{'Items':[{'Title':'x'}]}", "{'Items':[{'id':'2','Title':'x','Total':4}]}",
    "{}" },
  { "two alike, one there", "{'Items':null}", "{'Items':[{'Title':'x'},{'Title':'x'}]}",
    "{'Items':[{'id':'2','Title':'x'}]}", "{'update':{'Items':[{'id':'2'},{'Title':'x'}]}}" },
  { "their row removed", "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'b'}]}",
    "{'Items':[{'id':'1','Title':'x'},{'id':'2','Title':'b'}]}", "{'Items':[{'id':'1','Title':'a'}]}",
    "{'update':{'Items':[{'Title':'x','id':'1'}]}}" },
  { "both remove", "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'b'}]}", "{'Items':[{'id':'1','Title':'a'}]}",
    "{'Items':[{'id':'1','Title':'a'}]}", "{}" },
  { "removed, they changed", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':null}",
    "{'Items':[{'id':'1','Title':'b'}]}", "{'conflicts':['Items[1]']}" },
  { "removed, they computed", "{'Items':[{'id':'1','Title':'a','Total':1}]}", "{'Items':null}",
    "{'Items':[{'id':'1','Title':'a','Total':2}]}", "{'update':{'Items':[{'_delete':null,'id':'1'}]}}" },
  { "changed, they removed", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':'b'}]}",
    "{'Items':null}", "{'conflicts':['Items[1]']}" },
  { "subform of unknown fields", "{'Loose':[{'id':'1','A':1,'B':{'id':'3','name':'x'}}]}",
    "{'Loose':[{'id':'1','A':2,'B':{'id':'3','name':'y'}},{'A':3}]}", NULL,
    "{'update':{'Loose':[{'A':2,'id':'1'},{'A':3}]}}" },
  { "subform not known to the base", "{}", "{'Items':[{'id':'1','Title':'b'}]}", "{'Items':[{'id':'1','Title':'a'}]}",
    "{'update':{'Items':[{'Title':'b','id':'1'}]}}" },

  /* links */
  { "links moved and renamed",
    "{'Team':[{'id':'1','Contact':{'id':'10','name':'a'}},{'id':'2','Contact':{'id':'11','name':'b'}}]}",
    "{'Team':[{'id':'2','Contact':{'id':'11','name':'c'}},{'id':'1','Contact':{'id':'10'}}]}", NULL, "{}" },
  { "link added", "{'Team':[{'id':'1','Contact':{'id':'10'}}]}",
    "{'Team':[{'id':'1','Contact':{'id':'10'}},{'Contact':{'id':'11','name':'x'}}]}", NULL,
    "{'update':{'Team':[{'id':'1'},{'Contact':{'id':'11'}}]}}" },
  { "link removed", "{'Team':[{'id':'1','Contact':{'id':'10'}},{'id':'2','Contact':{'id':'11'}}]}",
    "{'Team':[{'id':'1','Contact':{'id':'10'}}]}", NULL, "{'update':{'Team':[{'id':'1'},{'_delete':null,'id':'2'}]}}" },
  { "link led elsewhere", "{'Team':[{'id':'1','Contact':{'id':'10'}}]}", "{'Team':[{'id':'1','Contact':{'id':'12'}}]}",
    NULL, "{'update':{'Team':[{'_delete':null,'id':'1'},{'Contact':{'id':'12'}}]}}" },
  { "link ids stripped", "{'Team':[{'id':'1','Contact':{'id':'10'}}]}", "{'Team':[{'Contact':{'id':'10'}}]}", NULL,
    "{}" },
  { "bare link", "{'Team':[{'id':'1','Contact':{'id':'10'}}]}", "{'Team':[{'id':'1'}]}", NULL, "{}" },
  { "link twice", "{'Team':null}", "{'Team':[{'Contact':{'id':'10'}},{'Contact':{'id':'10'}}]}", NULL,
    "{'update':{'Team':[{'Contact':{'id':'10'}}]}}" },
  { "both add links", "{'Team':null}", "{'Team':[{'Contact':{'id':'10'}}]}",
    "{'Team':[{'id':'5','Contact':{'id':'11'}}]}", "{'update':{'Team':[{'id':'5'},{'Contact':{'id':'10'}}]}}" },
  { "both add the same link", "{'Team':null}", "{'Team':[{'Contact':{'id':'10'}}]}",
    "{'Team':[{'id':'5','Contact':{'id':'10'}}]}", "{}" },
  { "both remove the same link", "{'Team':[{'id':'5','Contact':{'id':'10'}}]}", "{'Team':null}", "{'Team':null}",
    "{}" },
  { "users", "{'Members':[{'id':'1','Member':{'id':'10'}}]}", "{'Members':[{'Member':{'id':'11'}}]}", NULL,
    "{'update':{'Members':[{'_delete':null,'id':'1'},{'Member':{'id':'11'}}]}}" },
};

static void
test_patches (void)
{
  g_autoptr (FieldSet) fields = fields_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (patches); i++)
    {
      g_autoptr (MergeBase) base = base_of (patches[i].base);
      g_autoptr (json_t) text = parse_quoted (patches[i].yours);
      g_autoptr (json_t) current
          = patches[i].theirs != NULL ? parse_quoted (patches[i].theirs) : json_incref (base->texts->pdata[0]);
      g_autoptr (Patch) patch = patch_make (fields, base, text, current);
      g_autofree char *made = describe (patch);

      if (strcmp (made, patches[i].expected) != 0)
        g_error ("%s: made %s, expected %s", patches[i].name, made, patches[i].expected);
    }
}

/* ---- which base ---- */

#define T1 "'Modified_Time':'2026-03-02T10:00:00+00:00'"
#define T1_ELSEWHERE "'Modified_Time':'2026-03-02T11:00:00+01:00'"
#define T2 "'Modified_Time':'2026-03-02T10:05:00+00:00'"
#define T3 "'Modified_Time':'2026-03-02T10:09:00+00:00'"

static const struct
{
  const char *name, *text, *versions, *current, *read, *saved;
  int read_us, saved_us;
  bool overwrite;
  int kind;             /* -1: refused */
  const char *expected; /* the texts of the base */
} bases[] = {
  { "named", "{" T1 ",'Name':'x'}", "[{" T1 ",'Name':'a'}]", "{" T2 ",'Name':'b'}", NULL, NULL, 0, 0, false,
    BASE_VERSIONS, "[a]" },
  { "named in other zone", "{" T1_ELSEWHERE "}", "[{" T1 ",'Name':'a'}]", "{" T2 ",'Name':'b'}", NULL, NULL, 0, 0,
    false, BASE_VERSIONS, "[a]" },
  { "named the current", "{" T2 "}", "[]", "{" T2 ",'Name':'b'}", NULL, NULL, 0, 0, false, BASE_VERSIONS, "[b]" },
  { "several of one second", "{" T1 "}", "[{" T1 ",'Name':'a'},{" T2 ",'Name':'n'},{" T1 ",'Name':'b'}]",
    "{" T1 ",'Name':'c'}", NULL, NULL, 0, 0, false, BASE_VERSIONS, "[a,b,c]" },
  { "named what was read", "{" T1 "}", "[]", "{" T2 ",'Name':'b'}", "{" T1 ",'Name':'r'}", NULL, 1, 0, false,
    BASE_VERSIONS, "[r]" },
  { "named what was saved", "{" T1 "}", "[{" T1 ",'Name':'a','Phone':'1'}]", "{" T2 ",'Name':'b'}", NULL,
    "{" T1 ",'Name':'s'}", 0, 1, false, BASE_SAVED, "[s1]" },
  { "saved under several", "{" T1 "}", "[{" T1 ",'Name':'a','Phone':'1'},{" T1 ",'Name':'b','Phone':'2'}]", "{" T2 "}",
    NULL, "{" T1 ",'Name':'s'}", 0, 1, false, BASE_SAVED, "[s1,s2]" },
  { "saved, its version forgotten", "{" T1 "}", "[]", "{" T2 ",'Name':'b','Phone':'3'}", NULL, "{" T1 ",'Name':'s'}", 0,
    1, false, BASE_SAVED, "[s3]" },
  { "saved long ago, named", "{" T1 "}", "[]", "{" T2 ",'Name':'b'}", "{" T2 ",'Name':'r'}", "{" T1 ",'Name':'s'}", 9,
    1, false, BASE_SAVED, "[s]" },
  { "saved another version", "{" T1 "}", "[{" T1 ",'Name':'a'}]", "{" T3 ",'Name':'b'}", NULL, "{" T2 ",'Name':'s'}", 0,
    1, false, BASE_VERSIONS, "[a]" },
  { "unknown version", "{" T1 "}", "[{" T2 ",'Name':'a'}]", "{" T3 ",'Name':'b'}", "{" T2 "}", "{" T2 "}", 1, 2, false,
    -1, NULL },
  { "unknown version, overwrite", "{" T1 "}", "[{" T2 ",'Name':'a'}]", "{" T3 ",'Name':'b'}", NULL, NULL, 0, 0, true,
    BASE_OVERWRITE, "[b]" },
  { "known version, overwrite", "{" T2 "}", "[{" T2 ",'Name':'a'}]", "{" T3 ",'Name':'b'}", NULL, NULL, 0, 0, true,
    BASE_VERSIONS, "[a]" },
  { "no time at all", "{'Modified_Time':'yesterday'}", "[]", "{" T3 "}", NULL, NULL, 0, 0, true, -1, NULL },
  { "a number as time", "{'Modified_Time':5}", "[]", "{" T3 "}", NULL, NULL, 0, 0, false, -1, NULL },
  { "unnamed, never read", "{'Name':'x'}", "[{" T1 ",'Name':'a'}]", "{" T3 ",'Name':'b'}", NULL, NULL, 0, 0, false,
    BASE_CURRENT, "[b]" },
  { "unnamed by null", "{'Modified_Time':null}", "[]", "{" T3 ",'Name':'b'}", NULL, NULL, 0, 0, false, BASE_CURRENT,
    "[b]" },
  { "unnamed, read", "{'Name':'x'}", "[]", "{" T3 ",'Name':'b'}", "{" T1 ",'Name':'r'}", NULL, 1, 0, false, BASE_READ,
    "[r]" },
  { "unnamed, read later", "{'Name':'x'}", "[]", "{" T3 ",'Name':'b'}", "{" T1 ",'Name':'r'}", "{'Name':'s'}", 2, 1,
    false, BASE_READ, "[r]" },
  { "unnamed, saved later", "{'Name':'x'}", "[]", "{" T3 ",'Name':'b'}", "{" T1 ",'Name':'r','Phone':'4'}",
    "{'Name':'s'}", 1, 2, false, BASE_SAVED, "[s4]" },
  { "unnamed, saved only", "{'Name':'x'}", "[]", "{" T3 ",'Name':'b','Phone':'5'}", NULL, "{'Name':'s'}", 0, 2, false,
    BASE_SAVED, "[s5]" },
};

/* "[s1,b]": Name and Phone of each text. */
static char *
describe_base (const MergeBase *base)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < base->texts->len; i++)
    {
      const char *name = json_get_text (base->texts->pdata[i], "Name"),
                 *phone = json_get_text (base->texts->pdata[i], "Phone");

      g_string_append_printf (text, "%s%s%s", i > 0 ? "," : "", name != NULL ? name : "", phone != NULL ? phone : "");
    }
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

static void
test_bases (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (bases); i++)
    {
      g_autoptr (json_t) text = parse_quoted (bases[i].text);
      g_autoptr (json_t) versions = parse_quoted (bases[i].versions);
      g_autoptr (json_t) current = parse_quoted (bases[i].current);
      g_autoptr (json_t) read = bases[i].read != NULL ? parse_quoted (bases[i].read) : NULL;
      g_autoptr (json_t) saved = bases[i].saved != NULL ? parse_quoted (bases[i].saved) : NULL;
      const json_t *kept[8] = { NULL };
      BaseCandidates candidates = { .text = text,
                                    .current = current,
                                    .versions = kept,
                                    .versions_size = json_array_size (versions),
                                    .read = read,
                                    .read_us = bases[i].read_us,
                                    .saved = saved,
                                    .saved_us = bases[i].saved_us,
                                    .stale_overwrite = bases[i].overwrite };
      g_autoptr (MergeBase) base = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *made = NULL;

      for (size_t j = 0; j < json_array_size (versions); j++)
        kept[j] = json_array_get (versions, j);
      base = merge_base_choose (&candidates, &error);
      g_assert_true ((base == NULL) == (error != NULL));
      if (base == NULL && bases[i].kind == -1)
        continue;
      g_assert_no_error (error);
      made = describe_base (base);
      if ((int)base->kind != bases[i].kind || strcmp (made, bases[i].expected) != 0)
        g_error ("%s: chose %d %s, expected %d %s", bases[i].name, base->kind, made, bases[i].kind, bases[i].expected);
    }
}

static void
test_refuses_unknown_versions_as_changed (void)
{
  g_autoptr (json_t) text = parse_quoted ("{" T1 "}");
  g_autoptr (json_t) bad = parse_quoted ("{'Modified_Time':'x'}");
  g_autoptr (json_t) current = parse_quoted ("{" T2 "}");
  BaseCandidates candidates = { .text = text, .current = current };
  g_autoptr (GError) changed = NULL;
  g_autoptr (GError) invalid = NULL;

  g_assert_null (merge_base_choose (&candidates, &changed));
  g_assert_error (changed, ZOHO_ERROR, ZOHO_ERROR_CHANGED);
  g_assert_nonnull (strstr (changed->message, "2026-03-02T10:00:00+00:00"));
  candidates.text = bad;
  g_assert_null (merge_base_choose (&candidates, &invalid));
  g_assert_error (invalid, ZOHO_ERROR, ZOHO_ERROR_INVALID);
}

/* ---- a second save from the same buffer ---- */

static const struct
{
  const char *name, *version, *saved, *answer, *yours, *theirs, *expected;
} second_saves[] = {
  { "saved twice", "{" T1 ",'Name':'a','Phone':'1'}", "{" T1 ",'Name':'b','Phone':'1'}", "{'Name':'b'}",
    "{" T1 ",'Name':'b','Phone':'1'}", "{" T2 ",'Name':'b','Phone':'1'}", "{}" },
  { "changed back", "{" T1 ",'Name':'a'}", "{" T1 ",'Name':'b'}", "{'Name':'b'}", "{" T1 ",'Name':'a'}",
    "{" T2 ",'Name':'b'}", "{'update':{'Name':'a'}}" },
  { "a workflow in between", "{" T1 ",'Name':'a','Phone':'1'}", "{" T1 ",'Name':'b','Phone':'1'}", "{'Name':'b'}",
    "{" T1 ",'Name':'c','Phone':'1'}", "{" T2 ",'Name':'b','Phone':'9'}", "{'update':{'Name':'c'}}" },
  { "what the workflow set is theirs", "{" T1 ",'Name':'a','Phone':'1'}", "{" T1 ",'Name':'b','Phone':'1'}",
    "{'Name':'b'}", "{" T1 ",'Name':'b','Phone':'2'}", "{" T2 ",'Name':'b','Phone':'9'}", "{'conflicts':['Phone']}" },
  { "ours, as the server put it", "{" T1 ",'Phone':'1'}", "{" T1 ",'Phone':'+1 2'}", "{'Phone':'+12'}",
    "{" T1 ",'Phone':'+1 3'}", "{" T2 ",'Phone':'+12'}", "{'update':{'Phone':'+1 3'}}" },
  { "ours, then somebody else's", "{" T1 ",'Phone':'1'}", "{" T1 ",'Phone':'2'}", "{'Phone':'2'}",
    "{" T1 ",'Phone':'3'}", "{" T2 ",'Phone':'4'}", "{'conflicts':['Phone']}" },
  { "new row, saved again", "{" T1 ",'Items':null}", "{" T1 ",'Items':[{'Title':'a'}]}",
    "{'Items':[{'id':'5','Title':'a','Qty':1}]}", "{" T1 ",'Name':'x','Items':[{'Title':'a'}]}",
    "{" T2 ",'Items':[{'id':'5','Title':'a','Qty':1}]}", "{'update':{'Name':'x'}}" },
  { "new row, then changed", "{" T1 ",'Items':null}", "{" T1 ",'Items':[{'Title':'a'}]}",
    "{'Items':[{'id':'5','Title':'a'}]}", "{" T1 ",'Items':[{'Title':'b'}]}",
    "{" T2 ",'Items':[{'id':'5','Title':'a'}]}", "{'update':{'Items':[{'Title':'b','id':'5'}]}}" },
  { "new row, then removed", "{" T1 ",'Items':null}", "{" T1 ",'Items':[{'Title':'a'}]}",
    "{'Items':[{'id':'5','Title':'a'}]}", "{" T1 ",'Items':null}", "{" T2 ",'Items':[{'id':'5','Title':'a'}]}",
    "{'update':{'Items':[{'_delete':null,'id':'5'}]}}" },
  { "new row, then another", "{" T1 ",'Items':null}", "{" T1 ",'Items':[{'Title':'a'}]}",
    "{'Items':[{'id':'5','Title':'a'}]}", "{" T1 ",'Items':[{'Title':'b'},{'Title':'a'}]}",
    "{" T2 ",'Items':[{'id':'5','Title':'a'}]}", "{'update':{'Items':[{'id':'5'},{'Title':'b'}]}}" },
  { "two alike, one removed", "{" T1 ",'Items':null}", "{" T1 ",'Items':[{'Title':'a'},{'Title':'a'}]}", "{}",
    "{" T1 ",'Items':[{'Title':'a'}]}", "{" T2 ",'Items':[{'id':'5','Title':'a'},{'id':'6','Title':'a'}]}",
    "{'update':{'Items':[{'id':'5'},{'_delete':null,'id':'6'}]}}" },
  { "new row gone, then changed", "{" T1 ",'Items':null}", "{" T1 ",'Items':[{'Title':'a'}]}", "{}",
    "{" T1 ",'Items':[{'Title':'b'}]}", "{" T2 ",'Items':null}", "{'conflicts':['Items[new]']}" },
  { "new link, saved again", "{" T1 ",'Team':null}", "{" T1 ",'Team':[{'Contact':{'id':'10'}}]}", "{}",
    "{" T1 ",'Team':[{'Contact':{'id':'10'}}]}", "{" T2 ",'Team':[{'id':'5','Contact':{'id':'10'}}]}", "{}" },
  { "new tag, saved again", "{" T1 ",'Tag':null}", "{" T1 ",'Tag':[{'name':'a'}]}", "{}",
    "{" T1 ",'Tag':[{'name':'a'}]}", "{" T2 ",'Tag':[{'name':'a','id':'3'}]}", "{}" },
  { "partial, then another key", "{" T1 ",'Name':'a','Phone':'1'}", "{" T1 ",'Name':'b'}", "{'Name':'b'}",
    "{" T1 ",'Phone':'2'}", "{" T2 ",'Name':'b','Phone':'1'}", "{'update':{'Phone':'2'}}" },
};

static void
test_second_saves (void)
{
  g_autoptr (FieldSet) fields = fields_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (second_saves); i++)
    {
      g_autoptr (json_t) version = parse_quoted (second_saves[i].version);
      g_autoptr (json_t) saved = parse_quoted (second_saves[i].saved);
      g_autoptr (json_t) answer = parse_quoted (second_saves[i].answer);
      g_autoptr (json_t) text = parse_quoted (second_saves[i].yours);
      g_autoptr (json_t) current = parse_quoted (second_saves[i].theirs);
      const json_t *versions[] = { version };
      BaseCandidates candidates = { .text = text,
                                    .current = current,
                                    .versions = versions,
                                    .versions_size = 1,
                                    .saved = saved,
                                    .saved_answer = answer };
      g_autoptr (MergeBase) base = merge_base_choose (&candidates, NULL);
      g_autoptr (Patch) patch = patch_make (fields, base, text, current);
      g_autofree char *made = describe (patch);

      if (strcmp (made, second_saves[i].expected) != 0)
        g_error ("%s: made %s, expected %s", second_saves[i].name, made, second_saves[i].expected);
    }
}

/* ---- conflicts in words ---- */

static void
test_conflicts_have_all_values (void)
{
  g_autoptr (FieldSet) fields = fields_new ();
  g_autoptr (MergeBase) base = base_of ("{'Phone':'1','Name':'a'}");
  g_autoptr (json_t) text = parse_quoted ("{'Phone':'2','Name':'b'}");
  g_autoptr (json_t) current = parse_quoted ("{'Phone':'3','Name':'c'}");
  g_autoptr (Patch) patch = patch_make (fields, base, text, current);
  g_autofree char *words = patch_explain (patch);
  const json_t *first = json_array_get (patch->conflicts, 0);

  g_assert_cmpint (patch->kind, ==, PATCH_CONFLICT);
  g_assert_null (patch->update);
  g_assert_null (patch->fields[0]);
  g_assert_cmpstr (json_get_text (first, "field"), ==, "Phone");
  g_assert_cmpstr (json_get_text (first, "base"), ==, "1");
  g_assert_cmpstr (json_get_text (first, "yours"), ==, "2");
  g_assert_cmpstr (json_get_text (first, "theirs"), ==, "3");
  g_assert_nonnull (strstr (words, "you wrote \"2\", there is now \"3\" (and 1 more)"));
}

static void
test_names_what_is_sent (void)
{
  g_autoptr (FieldSet) fields = fields_new ();
  g_autoptr (MergeBase) base = base_of ("{'What_Id':null}");
  g_autoptr (json_t) text
      = parse_quoted ("{'What_Id':{'id':'5'},'$se_module':'Deals','Tag':[{'name':'x'}],'Name':'n'}");
  g_autoptr (json_t) current = parse_quoted ("{}");
  g_autoptr (Patch) patch = patch_make (fields, base, text, current);
  g_autofree char *names = g_strjoinv (",", patch->fields);

  g_assert_cmpstr (names, ==, "Name,Tag,What_Id");
  g_assert_false (patch->rows);
}

/* ---- the mirror ---- */

/* @after: what the server says after @yours was sent against @before. */
static const struct
{
  const char *name, *before, *yours, *after, *expected;
} mirrors[] = {
  { "all there", "{'Name':'a'}", "{'Name':'b'}", "{'Name':'b'}", "" },
  { "a workflow elsewhere", "{'Name':'a'}", "{'Name':'b'}", "{'Name':'b','Phone':'9'}", "" },
  { "a workflow there", "{'Name':'a'}", "{'Name':'b'}", "{'Name':'c'}", "Name" },
  { "cleared", "{'Phone':'1'}", "{'Phone':null}", "{'Phone':null}", "" },
  { "not cleared", "{'Phone':'1'}", "{'Phone':null}", "{'Phone':'1'}", "Phone" },
  { "gone", "{'Phone':'1'}", "{'Phone':'2'}", "{}", "Phone" },
  { "number by value", "{'Amount':1}", "{'Amount':2.50}", "{'Amount':2.5}", "" },
  { "number rounded", "{'Amount':1}", "{'Amount':2.55}", "{'Amount':2.6}", "Amount" },
  { "time in other zone", "{'Start':null}", "{'Start':'2026-03-02T10:00:00Z'}", "{'Start':'2026-03-02T11:00:00+01:00'}",
    "" },
  { "lookup with name", "{'Account':null}", "{'Account':{'id':'5'}}", "{'Account':{'id':'5','name':'x'}}", "" },
  { "check box cleared", "{'Paid':true}", "{'Paid':null}", "{'Paid':false}", "" },
  { "check box not cleared", "{'Paid':true}", "{'Paid':false}", "{'Paid':true}", "Paid" },
  { "tags", "{'Tag':[{'name':'a'}]}", "{'Tag':[{'name':'b'}]}", "{'Tag':[{'name':'b','id':'1'},{'name':'c'}]}", "" },
  { "tag not added", "{'Tag':null}", "{'Tag':[{'name':'b'}]}", "{'Tag':null}", "Tag" },
  { "tag not removed", "{'Tag':[{'name':'a'}]}", "{'Tag':null}", "{'Tag':[{'name':'a'}]}", "Tag" },
  { "rows", "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'b'}]}",
    "{'Items':[{'id':'2','Title':'x'},{'Title':'n'}]}",
    "{'Items':[{'id':'2','Title':'x','Total':1},{'id':'3','Title':'n','Qty':0}]}", "" },
  { "row not changed", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1','Title':'x'}]}",
    "{'Items':[{'id':'1','Title':'a'}]}", "Items" },
  { "row not removed", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':null}", "{'Items':[{'id':'1','Title':'a'}]}",
    "Items" },
  { "row not added", "{'Items':[{'id':'1','Title':'a'}]}", "{'Items':[{'id':'1'},{'Title':'a'}]}",
    "{'Items':[{'id':'1','Title':'a'}]}", "Items" },
  { "one of two alike added", "{'Items':null}", "{'Items':[{'Title':'a'},{'Title':'a'}]}",
    "{'Items':[{'id':'1','Title':'a'}]}", "Items" },
  { "other row lost", "{'Items':[{'id':'1','Title':'a'},{'id':'2','Title':'b'}]}",
    "{'Items':[{'id':'1','Title':'x'},{'id':'2','Title':'b'}]}", "{'Items':[{'id':'1','Title':'x'}]}", "Items" },
  { "links", "{'Team':[{'id':'1','Contact':{'id':'10'}}]}", "{'Team':[{'Contact':{'id':'11'}}]}",
    "{'Team':[{'id':'2','Contact':{'id':'11','name':'x'}}]}", "" },
  { "link not added", "{'Team':null}", "{'Team':[{'Contact':{'id':'11'}}]}", "{'Team':null}", "Team" },
};

static void
test_mirrors (void)
{
  g_autoptr (FieldSet) fields = fields_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (mirrors); i++)
    {
      g_autoptr (json_t) before = parse_quoted (mirrors[i].before);
      g_autoptr (json_t) text = parse_quoted (mirrors[i].yours);
      g_autoptr (json_t) after = parse_quoted (mirrors[i].after);
      g_autoptr (MergeBase) base = merge_base_of (before);
      g_autoptr (Patch) patch = patch_make (fields, base, text, before);
      g_auto (GStrv) names = patch_differences (fields, patch, before, after);
      g_autofree char *made = g_strjoinv (",", names);

      if (patch->kind != PATCH_SEND || strcmp (made, mirrors[i].expected) != 0)
        g_error ("%s: found \"%s\", expected \"%s\"", mirrors[i].name, made, mirrors[i].expected);
    }
}

static void
test_answer_has_what_was_sent (void)
{
  g_autoptr (FieldSet) fields = fields_new ();
  g_autoptr (MergeBase) base = base_of ("{'Phone':'1','Name':'a'}");
  g_autoptr (json_t) text = parse_quoted ("{'Phone':'2','Name':'a'}");
  g_autoptr (json_t) after = parse_quoted ("{'Phone':'02','Name':'workflow'}");
  g_autoptr (Patch) patch = patch_make (fields, base, text, base->texts->pdata[0]);
  g_autoptr (json_t) answer = patch_answer (patch, after);

  g_assert_cmpuint (json_object_size (answer), ==, 1);
  g_assert_cmpstr (json_get_text (answer, "Phone"), ==, "02");
}

/* ---- creation ---- */

static const struct
{
  const char *name, *text, *expected, *ignored;
} creations[] = {
  { "plain", "{'Name':'a','Phone':'1'}", "{'Name':'a','Phone':'1'}", "" },
  { "a clone",
    "{'id':'7','Name':'a','Sum':3,'Number':'5','"
    "Created_Time':'2026-03-02T10:00:00Z'," T1 "}",
    "{'Name':'a'}", "Created_Time,Modified_Time,Number,Sum" },
  { "empty values", "{'Name':'a','Phone':null,'Stage':'-None-','Phases':[],'Account':null,'Sum':null}", "{'Name':'a'}",
    "" },
  { "false and zero", "{'Paid':false,'Amount':0}", "{'Amount':0,'Paid':false}", "" },
  { "only at creation", "{'Once':'x'}", "{'Once':'x'}", "" },
  { "digits are kept", "{'Amount':1234567890123456.70}", "{'Amount':1234567890123456.70}", "" },
  { "lookups", "{'Account':{'id':'5','name':'x'},'Owner':{'id':'6','email':'a@b.c'}}",
    "{'Account':{'id':'5'},'Owner':{'id':'6'}}", "" },
  { "What_Id", "{'What_Id':{'id':'5','name':'x'},'$se_module':'Deals'}", "{'$se_module':'Deals','What_Id':{'id':'5'}}",
    "" },
  { "What_Id with module", "{'What_Id':{'id':'5','module':{'api_name':'Deals'}}}",
    "{'$se_module':'Deals','What_Id':{'id':'5'}}", "" },
  { "no What_Id", "{'Name':'a','What_Id':null,'$se_module':'Deals'}", "{'Name':'a'}", "" },
  { "tags", "{'Tag':[{'name':'a','id':'5','color_code':'#fff'}]}", "{'Tag':[{'name':'a'}]}", "" },
  { "rows", "{'Items':[{'id':'1','Title':'a','Qty':null,'Total':4,'Product':{'id':'5','name':'x'}}]}",
    "{'Items':[{'Product':{'id':'5'},'Title':'a'}]}", "" },
  { "links", "{'Team':[{'id':'1','Contact':{'id':'10','name':'x'}}]}", "{'Team':[{'Contact':{'id':'10'}}]}", "" },
  { "files and marks", "{'Documents':[{'id':'1'}],'$editable':true,'Name':'a'}", "{'Name':'a'}", "Documents" },
  { "empty", "{}", "{}", "" },
};

static void
test_creations (void)
{
  g_autoptr (FieldSet) fields = fields_new ();

  for (size_t i = 0; i < G_N_ELEMENTS (creations); i++)
    {
      g_autoptr (json_t) text = parse_quoted (creations[i].text);
      g_auto (GStrv) ignored = NULL;
      g_autoptr (json_t) record = patch_create (fields, text, &ignored);
      g_autofree char *names = g_strjoinv (",", ignored);
      g_autoptr (GString) made = g_string_new (NULL);

      json_write_compact (record, made);
      g_strdelimit (made->str, "\"", '\'');
      if (strcmp (made->str, creations[i].expected) != 0 || strcmp (names, creations[i].ignored) != 0)
        g_error ("%s: made %s, ignored %s", creations[i].name, made->str, names);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/patch/patches", test_patches);
  g_test_add_func ("/patch/bases", test_bases);
  g_test_add_func ("/patch/refuses-unknown-versions-as-changed", test_refuses_unknown_versions_as_changed);
  g_test_add_func ("/patch/second-saves", test_second_saves);
  g_test_add_func ("/patch/conflicts-have-all-values", test_conflicts_have_all_values);
  g_test_add_func ("/patch/names-what-is-sent", test_names_what_is_sent);
  g_test_add_func ("/patch/mirrors", test_mirrors);
  g_test_add_func ("/patch/answer-has-what-was-sent", test_answer_has_what_was_sent);
  g_test_add_func ("/patch/creations", test_creations);
  return g_test_run ();
}
