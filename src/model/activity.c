/* The values that only activities have. */
#include "model/activity.h"

#include "model/names.h"
#include "model/value.h"

#include <string.h>

#define RULE_MAX 255 /* characters */
#define REMINDERS_MAX 50

static bool
refuse_form (Check *check, const json_t *value, const char *path, const char *wanted)
{
  g_autofree char *shown = value_quote (value);

  return check_refuse (check, path, "the value is %s, and not %s: correct it", wanted, shown);
}

/* ---- participants ------------------------------------------------------------------------------------------------ */

/* The id of a user, contact or lead, or an address. Zoho gives addresses beside ids, too. */
static const char *
address_of (const json_t *participant)
{
  const char *who = json_get_text (participant, "participant");

  return who != NULL ? who : json_get_text (participant, "Email");
}

static bool
is_participant (const json_t *value)
{
  static const char *const types[] = { "user", "contact", "lead", "email", NULL };
  const char *type = json_get_text (value, "type"), *who = address_of (value);
  uint64_t id;

  if (type == NULL || who == NULL || !g_strv_contains (types, type))
    return false;
  return g_str_equal (type, "email") ? strchr (who, '@') != NULL : names_parse_id (who, &id);
}

static bool
check_participants (Check *check, const json_t *value, const char *path)
{
  if (!json_is_array (value))
    return refuse_form (check, value, path,
                        "an array of participants, [{\"type\": \"user\", \"participant\": \"<id>\"}, ...]");
  if (json_array_size (value) > ACTIVITY_PARTICIPANTS_MAX)
    return check_refuse (check, path, "there are %zu participants, and at most %d can take part: remove some",
                         json_array_size (value), ACTIVITY_PARTICIPANTS_MAX);
  for (size_t i = 0; i < json_array_size (value); i++)
    {
      g_autofree char *place = g_strdup_printf ("%s[%zu]", path, i);

      if (!is_participant (json_array_get (value, i)))
        return refuse_form (check, json_array_get (value, i), place,
                            "{\"type\": \"user\", \"contact\" or \"lead\", \"participant\": \"<id>\"} or "
                            "{\"type\": \"email\", \"participant\": \"jo@example.com\"}");
    }
  return true;
}

bool
activity_same_participant (const json_t *a, const json_t *b)
{
  if (address_of (a) == NULL || address_of (b) == NULL)
    return value_equal (NULL, a, b);
  return g_strcmp0 (json_get_text (a, "type"), json_get_text (b, "type")) == 0
         && g_ascii_strcasecmp (address_of (a), address_of (b)) == 0;
}

json_t *
activity_participants_wire (const json_t *value)
{
  json_t *wire = json_array ();

  for (size_t i = 0; i < json_array_size (value); i++)
    {
      const json_t *from = json_array_get (value, i);
      json_t *participant = json_object ();

      json_object_set_new (participant, "type", json_from_text (json_get_text (from, "type")));
      json_object_set_new (participant, "participant", json_from_text (address_of (from)));
      json_array_append_new (wire, participant);
    }
  return wire;
}

/* ---- reminders and rules ----------------------------------------------------------------------------------------- */

static bool
is_count (const json_t *value)
{
  const char *text = json_text (value);

  if (json_is_integer (value))
    return json_integer_value (value) >= 0;
  return text != NULL && *text != '\0' && strlen (text) <= 9 && text[strspn (text, "0123456789")] == '\0';
}

/* {"unit": 15, "period": "minutes"} */
static bool
check_reminders (Check *check, const json_t *value, const char *path)
{
  static const char *const periods[] = { "minutes", "hours", "days", "weeks", NULL };

  if (!json_is_array (value) || json_array_size (value) > REMINDERS_MAX)
    return refuse_form (check, value, path, "an array of reminders, [{\"unit\": 15, \"period\": \"minutes\"}, ...]");
  for (size_t i = 0; i < json_array_size (value); i++)
    {
      const json_t *reminder = json_array_get (value, i);
      const char *period = json_get_text (reminder, "period");
      g_autofree char *place = g_strdup_printf ("%s[%zu]", path, i);

      if (!is_count (json_object_get (reminder, "unit")) || period == NULL || !g_strv_contains (periods, period))
        return refuse_form (check, reminder, place, "{\"unit\": 15, \"period\": \"minutes\"}, or hours, days or weeks");
    }
  return true;
}

/* NAME=value;NAME=value;... with a FREQ. */
static bool
is_rule (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ";", -1);
  bool has_freq = false;

  for (char **part = parts; *part != NULL; part++)
    {
      size_t name = strspn (*part, G_CSET_A_2_Z "-");

      if ((name == 0 || (*part)[name] != '=' || (*part)[name + 1] == '\0') && (**part != '\0' || part[1] != NULL))
        return false;
      has_freq |= g_str_has_prefix (*part, "FREQ=");
    }
  return has_freq && g_utf8_strlen (text, -1) <= RULE_MAX;
}

static bool
check_rule (Check *check, const json_t *value, const char *key, const char *path)
{
  const char *text = json_get_text (value, key);
  bool alarm = g_str_equal (key, "ALARM");

  if (text != NULL && json_object_size (value) == 1 && is_rule (text) && (!alarm || strstr (text, "TRIGGER=") != NULL))
    return true;
  return refuse_form (
      check, value, path,
      alarm ? "a reminder, {\"ALARM\": \"FREQ=NONE;ACTION=EMAIL;TRIGGER=DATE-TIME:2026-03-02T10:00:00+00:00\"}"
            : "a rule, {\"RRULE\": \"FREQ=WEEKLY;INTERVAL=1;UNTIL=2026-06-01;DTSTART=2026-03-02\"}");
}

bool
activity_check (Check *check, const Field *field, const json_t *value, const char *path)
{
  switch (field->kind)
    {
    case FIELD_PARTICIPANTS:
      return check_participants (check, value, path);
    case FIELD_REMINDERS:
      return check_reminders (check, value, path);
    case FIELD_ALARM:
      return check_rule (check, value, "ALARM", path);
    case FIELD_RECURRENCE:
      return check_rule (check, value, "RRULE", path);
    default:
      return true;
    }
}
