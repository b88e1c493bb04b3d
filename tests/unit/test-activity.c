/* Participants, reminders and rules: what is taken, what counts as a change, and what is sent. As tables. */
#include "base/error.h"
#include "model/activity.h"
#include "model/json_schema.h"
#include "model/value.h"

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

static const char fields_text[] = "[{'api_name':'Participants','data_type':'participants'},"
                                  "{'api_name':'Remind_At','data_type':'event_reminder'},"
                                  "{'api_name':'Alarm','data_type':'ALARM'},{'api_name':'Rule','data_type':'RRULE'},"
                                  "{'api_name':'Subject','data_type':'text','length':5,'system_mandatory':true}]";

static FieldSet *
fields_of (void)
{
  g_autoptr (json_t) rows = parse_quoted (fields_text);

  return field_set_new (rows, NULL, NULL);
}

static const struct
{
  const char *field, *value;
  bool good;
} checks[] = {
  { "Participants", "[{'type':'user','participant':'7010000000001'}]", true },
  { "Participants", "[{'type':'email','Email':'jo@example.com'}]", true },
  { "Participants", "[{'type':'contact','participant':'7010000000001','name':'Jo','invited':true}]", true },
  { "Participants", "{'type':'user','participant':'7010000000001'}", false },
  { "Participants", "[7]", false },
  { "Participants", "[{'participant':'7010000000001'}]", false },
  { "Participants", "[{'type':'user'}]", false },
  { "Participants", "[{'type':'user','participant':'Jo'}]", false },
  { "Participants", "[{'type':'email','participant':'jo'}]", false },
  { "Participants", "[{'type':'Users','participant':'7010000000001'}]", false },
  { "Remind_At", "[{'unit':15,'period':'minutes'}]", true },
  { "Remind_At", "[{'unit':'1','period':'weeks'}]", true },
  { "Remind_At", "[{'unit':-1,'period':'minutes'}]", false },
  { "Remind_At", "[{'unit':1.5,'period':'minutes'}]", false },
  { "Remind_At", "[{'unit':'','period':'minutes'}]", false },
  { "Remind_At", "[{'unit':1,'period':'years'}]", false },
  { "Remind_At", "{'unit':1,'period':'days'}", false },
  { "Alarm", "{'ALARM':'FREQ=NONE;ACTION=EMAIL;TRIGGER=DATE-TIME:2026-07-04T10:00:00+00:00'}", true },
  { "Alarm", "{'ALARM':'FREQ=NONE;ACTION=EMAIL'}", false },
  { "Alarm", "{'ALARM':'tomorrow'}", false },
  { "Alarm", "{'ALARM':'FREQ=NONE;TRIGGER=x','more':1}", false },
  { "Alarm", "'FREQ=NONE;TRIGGER=x'", false },
  { "Rule", "{'RRULE':'FREQ=DAILY;INTERVAL=1'}", true },
  { "Rule", "{'RRULE':'FREQ=DAILY;'}", true },
  { "Rule", "{'RRULE':'FREQ=DAILY;;X=1'}", false },
  { "Rule", "{'RRULE':'INTERVAL=1'}", false },
  { "Rule", "{'RRULE':''}", false },
  { "Rule", "{'ALARM':'FREQ=DAILY'}", false },
};

static void
test_checks (void)
{
  g_autoptr (FieldSet) fields = fields_of ();

  for (size_t i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      g_autoptr (json_t) value = parse_quoted (checks[i].value);
      g_autoptr (GError) error = NULL;
      Check check = { .error = &error };

      if (activity_check (&check, field_set_find (fields, checks[i].field), value, checks[i].field) != checks[i].good)
        g_error ("%s", checks[i].value);
      g_assert_true (checks[i].good == (error == NULL));
    }
}

static void
test_fifty_participants (void)
{
  g_autoptr (FieldSet) fields = fields_of ();
  g_autoptr (json_t) all = json_array ();
  g_autoptr (GError) error = NULL;
  Check check = { .error = &error };

  for (int i = 0; i < ACTIVITY_PARTICIPANTS_MAX; i++)
    json_array_append_new (all, json_pack ("{s:s, s:s}", "type", "email", "participant", "jo@example.com"));
  g_assert_true (activity_check (&check, field_set_find (fields, "Participants"), all, "Participants"));
  json_array_append_new (all, json_pack ("{s:s, s:s}", "type", "email", "participant", "jo@example.com"));
  g_assert_false (activity_check (&check, field_set_find (fields, "Participants"), all, "Participants"));
}

static const struct
{
  const char *a, *b;
  bool equal;
} pairs[] = {
  { "[{'type':'user','participant':'7'},{'type':'email','participant':'jo@example.com'}]",
    "[{'type':'email','participant':'Jo@example.com','status':'x'},{'type':'user','participant':'7','name':'n'}]",
    true },
  { "[{'type':'email','participant':'jo@example.com'}]", "[{'type':'email','Email':'jo@example.com'}]", true },
  { "[{'type':'user','participant':'7'}]", "[{'type':'lead','participant':'7'}]", false },
  { "[{'type':'user','participant':'7'}]", "[{'type':'user','participant':'8'}]", false },
  { "[{'type':'user','participant':'7'}]", "null", false },
};

static void
test_same_participants (void)
{
  g_autoptr (FieldSet) fields = fields_of ();
  const Field *field = field_set_find (fields, "Participants");

  for (size_t i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autoptr (json_t) a = parse_quoted (pairs[i].a);
      g_autoptr (json_t) b = parse_quoted (pairs[i].b);

      if (value_equal (field, a, b) != pairs[i].equal)
        g_error ("%s and %s", pairs[i].a, pairs[i].b);
    }
}

static void
test_sent_without_what_the_server_adds (void)
{
  g_autoptr (FieldSet) fields = fields_of ();
  g_autoptr (json_t) value
      = parse_quoted ("[{'type':'user','participant':'7','name':'n','status':'accepted','id':'9'}]");
  g_autoptr (json_t) wanted = parse_quoted ("[{'type':'user','participant':'7'}]");
  g_autoptr (json_t) wire = value_wire (field_set_find (fields, "Participants"), value);

  g_assert_true (json_equal (wire, wanted));
}

static void
test_schema_names_what_is_shown (void)
{
  g_autoptr (json_t) rows = parse_quoted (fields_text);
  g_autoptr (FieldSet) fields = fields_of ();
  g_autoptr (GHashTable) shown = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (json_t) schema = NULL;
  const json_t *properties;

  g_hash_table_add (shown, (gpointer) "Subject");
  schema = json_schema ("Tasks", rows, fields, shown);
  properties = json_object_get (schema, "properties");
  g_assert_cmpuint (json_object_size (properties), ==, 2);
  g_assert_cmpint (json_integer_value (json_object_get (json_object_get (properties, "Subject"), "maxLength")), ==, 5);
  g_assert_cmpstr (json_string_value (json_array_get (json_object_get (schema, "required"), 0)), ==, "Subject");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/activity/checks", test_checks);
  g_test_add_func ("/activity/fifty-participants", test_fifty_participants);
  g_test_add_func ("/activity/same-participants", test_same_participants);
  g_test_add_func ("/activity/sent-without-what-the-server-adds", test_sent_without_what_the_server_adds);
  g_test_add_func ("/schema/names-what-is-shown", test_schema_names_what_is_shown);
  return g_test_run ();
}
