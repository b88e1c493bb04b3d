/* The values of fields, by data type: each check takes what a client sent and gives what the CRM would keep.
 *
 * Numbers arrive as JSON numbers; big integers, dates and times as strings; lookups as {"id"}. Picklists take values
 * they do not know yet, as Zoho's do. */
#include "values.h"

#include <string.h>

#include "core.h"
#include "finder.h"
#include "payload.h"

enum
{
  PICKLIST_LENGTH = 120,
  INTEGER_DIGITS = 9,
  BIGINT_DIGITS = 18,
  DOUBLE_DIGITS = 16, /* before the point */
  MOST_PICKED = 100
};

typedef json_t *(*CheckFunc) (const Check *check, const Field *field, const json_t *value, const char *path);

void
value_refuse (const Check *check, const char *api_name, const char *path, const char *message, const char *type)
{
  json_t *details = json_pack ("{s:s, s:s}", "api_name", api_name, "json_path", path);

  if (type != NULL)
    json_object_set_new (details, "expected_data_type", json_string (type));
  add_error (check->errors, "INVALID_DATA", message, details);
}

/* A true string: digits that only stand for a number are none. */
static bool
is_text (const json_t *value)
{
  return json_is_string (value) && exact_number (value) == NULL;
}

static json_t *
refuse_type (const Check *check, const Field *field, const char *path, const char *type)
{
  value_refuse (check, field->api_name, path, "invalid data", type);
  return NULL;
}

static json_t *
refuse_length (const Check *check, const Field *field, const char *path, int length)
{
  add_error (check->errors, "INVALID_DATA", "invalid data",
             json_pack ("{s:i, s:s, s:s}", "maximum_length", length, "api_name", field->api_name, "json_path", path));
  return NULL;
}

static json_t *
text_within (const Check *check, const Field *field, const json_t *value, const char *path, int length)
{
  if (length > 0 && g_utf8_strlen (json_string_value (value), -1) > length)
    return refuse_length (check, field, path, length);
  return json_string (json_string_value (value));
}

static json_t *
check_text (const Check *check, const Field *field, const json_t *value, const char *path)
{
  if (!is_text (value))
    return refuse_type (check, field, path, field->data_type);
  return text_within (check, field, value, path, field->length);
}

static json_t *
check_picklist (const Check *check, const Field *field, const json_t *value, const char *path)
{
  if (!is_text (value))
    return refuse_type (check, field, path, "picklist");
  if (strcmp (json_string_value (value), "-None-") == 0)
    return json_null ();
  return text_within (check, field, value, path, PICKLIST_LENGTH);
}

/* One @ with something on both sides, a dot in the domain, no blanks. */
static bool
is_email (const char *text)
{
  const char *at = strchr (text, '@');
  const char *dot = at == NULL ? NULL : strrchr (at, '.');

  return at != NULL && at > text && strchr (at + 1, '@') == NULL && dot != NULL && dot > at + 1 && dot[1] != '\0'
         && strpbrk (text, " \t\r\n,;<>()\"") == NULL;
}

static json_t *
check_email (const Check *check, const Field *field, const json_t *value, const char *path)
{
  if (!is_text (value) || !is_email (json_string_value (value)))
    return refuse_type (check, field, path, "email");
  return text_within (check, field, value, path, field->length);
}

static bool
is_phone (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    {
      if (!g_ascii_isalnum (*c) && strchr (" +-.()/,;#*:", *c) == NULL)
        return false;
    }
  return true;
}

static json_t *
check_phone (const Check *check, const Field *field, const json_t *value, const char *path)
{
  if (!is_text (value) || !is_phone (json_string_value (value)))
    return refuse_type (check, field, path, "phone");
  return text_within (check, field, value, path, field->length);
}

static json_t *
check_website (const Check *check, const Field *field, const json_t *value, const char *path)
{
  if (!is_text (value) || strpbrk (json_string_value (value), " \t\r\n") != NULL)
    return refuse_type (check, field, path, "website");
  return text_within (check, field, value, path, field->length);
}

static json_t *
check_picked (const Check *check, const Field *field, const json_t *value, const char *path)
{
  json_t *item;
  size_t index;

  if (!json_is_array (value))
    return refuse_type (check, field, path, "jsonarray");
  if (json_array_size (value) > MOST_PICKED)
    return refuse_length (check, field, path, MOST_PICKED);
  json_array_foreach (value, index, item)
    {
      g_autofree char *place = g_strdup_printf ("%s[%zu]", path, index);

      if (!is_text (item))
        return refuse_type (check, field, place, "text");
      if (g_utf8_strlen (json_string_value (item), -1) > PICKLIST_LENGTH)
        return refuse_length (check, field, place, PICKLIST_LENGTH);
    }
  return json_deep_copy (value);
}

static json_t *
check_boolean (const Check *check, const Field *field, const json_t *value, const char *path)
{
  return json_is_boolean (value) ? json_boolean (json_is_true (value)) : refuse_type (check, field, path, "boolean");
}

static json_t *
check_integer (const Check *check, const Field *field, const json_t *value, const char *path)
{
  json_int_t number = json_integer_value (value);

  if (!json_is_integer (value))
    return refuse_type (check, field, path, "integer");
  if (number > 999999999 || number < -999999999)
    return refuse_length (check, field, path, INTEGER_DIGITS);
  return json_integer (number);
}

static bool
is_digits (const char *text)
{
  const char *digits = *text == '-' ? text + 1 : text;

  return *digits != '\0' && strspn (digits, "0123456789") == strlen (digits);
}

/* "bigint" is kept as a string, leading zeroes and all. */
static json_t *
check_bigint (const Check *check, const Field *field, const json_t *value, const char *path)
{
  g_autofree char *text = json_is_integer (value) ? g_strdup_printf ("%" JSON_INTEGER_FORMAT, json_integer_value (value))
                                                  : g_strdup (is_text (value) ? json_string_value (value) : NULL);

  if (text == NULL || !is_digits (text))
    return refuse_type (check, field, path, "bigint");
  if (strlen (text) - (*text == '-') > BIGINT_DIGITS)
    return refuse_length (check, field, path, BIGINT_DIGITS);
  return json_string (text);
}

static json_t *
check_double (const Check *check, const Field *field, const json_t *value, const char *path)
{
  const char *exact = exact_number (value);
  double number = exact != NULL ? g_ascii_strtod (exact, NULL) : json_number_value (value);

  if (exact == NULL && !json_is_number (value))
    return refuse_type (check, field, path, "double");
  if (number >= 1e16 || number <= -1e16)
    return refuse_length (check, field, path, DOUBLE_DIGITS);
  return json_copy ((json_t *) value);
}

static bool
is_date (const char *text)
{
  unsigned year, month, day;
  int end = 0;

  if (strlen (text) != 10 || sscanf (text, "%4u-%2u-%2u%n", &year, &month, &day, &end) != 3 || end != 10)
    return false;
  return g_date_valid_dmy ((GDateDay) day, month >= 1 && month <= 12 ? (GDateMonth) month : G_DATE_BAD_MONTH,
                           (GDateYear) year);
}

static json_t *
check_date (const Check *check, const Field *field, const json_t *value, const char *path)
{
  if (!is_text (value) || !is_date (json_string_value (value)))
    return refuse_type (check, field, path, "date");
  return json_copy ((json_t *) value);
}

/* Kept in the zone of the calling user, here UTC; the instant is what stays. */
static json_t *
check_datetime (const Check *check, const Field *field, const json_t *value, const char *path)
{
  char text[32];
  time_t time;

  if (!is_text (value) || strchr (json_string_value (value), '.') != NULL
      || !parse_time (json_string_value (value), &time))
    return refuse_type (check, field, path, "datetime");
  format_time (time, text);
  return json_string (text);
}

json_t *
record_ref (Emulator *emulator, const Module *module, uint64_t id)
{
  g_autofree char *name = store_name (emulator, module, id);
  char text[24];

  return name == NULL ? NULL : json_pack ("{s:s, s:s}", "name", name, "id", format_id (id, text));
}

/* The id a lookup's object gives, directly or through the external field named in X-EXTERNAL. */
static bool
lookup_id (const Check *check, const Field *field, const Module *target, const json_t *value, uint64_t *id)
{
  const json_t *given = json_object_get (value, "id");
  const Field *external = external_field (check->emulator, check->external, check->module, field, target);

  if (external == NULL)
    return json_id (given, id);
  if (json_object_get (value, external->api_name) != NULL)
    given = json_object_get (value, external->api_name);
  *id = json_is_string (given) ? find_value (check->emulator, target, external, json_string_value (given), 0) : 0;
  return *id != 0;
}

static json_t *
lookup_in (const Check *check, const Field *field, const Module *target, const json_t *value, const char *path)
{
  g_autofree char *place = g_strdup_printf ("%s.id", path);
  json_t *ref = NULL;
  uint64_t id;

  if (!json_is_object (value))
    return refuse_type (check, field, path, "jsonobject");
  if (target != NULL && lookup_id (check, field, target, value, &id))
    ref = record_ref (check->emulator, target, id);
  if (ref == NULL)
    value_refuse (check, field->api_name, place, "the related id given seems to be invalid", NULL);
  return ref;
}

static json_t *
check_lookup (const Check *check, const Field *field, const json_t *value, const char *path)
{
  Module *target = field->target == NULL ? NULL : schema_module (check->emulator, field->target);

  return lookup_in (check, field, target, value, path);
}

static json_t *
check_user (const Check *check, const Field *field, const json_t *value, const char *path)
{
  g_autofree char *place = g_strdup_printf ("%s.id", path);
  json_t *user = NULL;
  char text[24];
  uint64_t id;

  if (!json_is_object (value))
    return refuse_type (check, field, path, "jsonobject");
  if (json_id (json_object_get (value, "id"), &id))
    user = user_ref (check->emulator, format_id (id, text));
  if (user == NULL)
    value_refuse (check, field->api_name, place, "the related id given seems to be invalid", NULL);
  return user;
}

/* What_Id and its like: the module is told by $se_module or by the value itself. */
static json_t *
check_multi_module (const Check *check, const Field *field, const json_t *value, const char *path)
{
  const json_t *module = json_object_get (value, "module");
  const char *name = json_is_string (module) ? json_string_value (module) : member_text (module, "api_name");
  Module *target = name != NULL ? schema_module (check->emulator, name)
                   : check->se_module != NULL ? schema_module (check->emulator, check->se_module) : NULL;
  json_t *ref = lookup_in (check, field, target, value, path);

  if (ref != NULL)
    json_object_set_new (ref, "module", json_pack ("{s:s, s:s}", "api_name", target->api_name, "id", target->id));
  return ref;
}

static json_t *
check_layout (const Check *check, const Field *field, const json_t *value, const char *path)
{
  uint64_t id;

  if (!json_is_object (value) || !json_id (json_object_get (value, "id"), &id))
    return refuse_type (check, field, path, "jsonobject");
  return json_deep_copy (value);
}

/* Module-specific objects and arrays: reminders, participants, addresses. */
static json_t *
check_structure (const Check *check, const Field *field, const json_t *value, const char *path)
{
  if (!json_is_object (value) && !json_is_array (value))
    return refuse_type (check, field, path, "jsonobject");
  return json_deep_copy (value);
}

static const struct
{
  const char *data_type;
  CheckFunc check;
} checks[] = {
  { "text", check_text },
  { "textarea", check_text },
  { "profileimage", check_text },
  { "picklist", check_picklist },
  { "email", check_email },
  { "phone", check_phone },
  { "website", check_website },
  { "multiselectpicklist", check_picked },
  { "boolean", check_boolean },
  { "integer", check_integer },
  { "bigint", check_bigint },
  { "double", check_double },
  { "decimal", check_double },
  { "currency", check_double },
  { "percent", check_double },
  { "date", check_date },
  { "datetime", check_datetime },
  { "lookup", check_lookup },
  { "ownerlookup", check_user },
  { "userlookup", check_user },
  { "multi_module_lookup", check_multi_module },
  { "layout", check_layout },
};

json_t *
value_check (const Check *check, const Field *field, const json_t *value, const char *path)
{
  for (size_t i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      if (strcmp (checks[i].data_type, field->data_type) == 0)
        return checks[i].check (check, field, value, path);
    }
  return check_structure (check, field, value, path);
}
