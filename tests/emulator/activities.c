/* Tasks, Events and Calls: What_Id needs $se_module, a call has a length, an event ends after its start. */
#include "activities.h"

#include <string.h>

#include "payload.h"

enum
{
  MOST_PARTICIPANTS = 50
};

static const char *
value_after (const json_t *values, const json_t *old, const char *key)
{
  const json_t *value = json_object_get (values, key);

  return value != NULL ? json_string_value (value) : member_text (old, key);
}

static void
check_what (const Check *check, json_t *values, const char *path)
{
  const json_t *what = json_object_get (values, "What_Id");
  g_autofree char *what_path = g_strdup_printf ("%s.What_Id", path);
  json_t *details;

  if (what == NULL)
    return;
  if (json_is_null (what))
    {
      json_object_set_new (values, "$se_module", json_null ());
      return;
    }
  if (check->se_module != NULL)
    {
      json_object_set_new (values, "$se_module", json_string (check->se_module));
      return;
    }
  details = detail_at ("$se_module", path);
  json_object_set_new (details, "dependee", json_pack ("{s:s, s:s}", "api_name", "What_Id", "json_path", what_path));
  add_error (check->errors, "DEPENDENT_FIELD_MISSING", "the dependent field is missing", details);
}

/* "HH:mm", not zero. */
static bool
is_duration (const char *text)
{
  unsigned hours, minutes;
  int end = 0;

  return text != NULL && g_ascii_isdigit (*text) && sscanf (text, "%3u:%2u%n", &hours, &minutes, &end) == 2
         && text[end] == '\0' && minutes < 60 && hours + minutes > 0;
}

static void
check_call (const Check *check, const json_t *values, const char *path)
{
  static const char *const types[] = { "Inbound", "Outbound", "Missed", NULL };
  const json_t *duration = json_object_get (values, "Call_Duration");
  const char *type = member_text (values, "Call_Type");

  if (duration != NULL && !json_is_null (duration) && !is_duration (json_string_value (duration)))
    add_error (check->errors, "INVALID_DATA", "invalid data", detail_at ("Call_Duration", path));
  if (type != NULL && !g_strv_contains (types, type))
    {
      json_t *details = detail_at ("Call_Type", path);

      json_object_set_new (details, "supported_values", json_pack ("[s,s,s]", types[0], types[1], types[2]));
      add_error (check->errors, "INVALID_DATA", "invalid data", details);
    }
}

static void
check_event (const Check *check, const json_t *values, const json_t *old, const char *path)
{
  const char *start = value_after (values, old, "Start_DateTime");
  const char *end = value_after (values, old, "End_DateTime");
  time_t from, to;

  if (json_array_size (json_object_get (values, "Participants")) > MOST_PARTICIPANTS)
    {
      json_t *details = detail_at ("Participants", path);

      json_object_set_new (details, "maximum_length", json_integer (MOST_PARTICIPANTS));
      add_error (check->errors, "INVALID_DATA", "invalid data", details);
    }
  if (start != NULL && end != NULL && parse_time (start, &from) && parse_time (end, &to) && to < from)
    add_error (check->errors, "INVALID_DATA", "the end should be after the start", detail_at ("End_DateTime", path));
}

void
activities_check (const Check *check, const json_t *row, json_t *values, const json_t *old, const char *path)
{
  if (module_field (check->module, "What_Id") != NULL)
    check_what (check, values, path);
  if (strcmp (check->module->api_name, "Calls") == 0)
    check_call (check, values, path);
  if (strcmp (check->module->api_name, "Events") == 0)
    check_event (check, values, old, path);
}
