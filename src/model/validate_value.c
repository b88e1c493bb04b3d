/* Single values against their data types (doc/api-notes.md, "Modules and fields"). */
#include "model/validate_private.h"

#include "base/clock.h"
#include "base/nearest.h"
#include "model/activity.h"
#include "model/names.h"
#include "model/value.h"

#include <string.h>

#define INTEGER_DIGITS 9
#define BIGINT_DIGITS 18
#define DECIMAL_DIGITS 16 /* in front of the point */
#define PICK_LENGTH 120
#define PICKS_MAX 100
#define TAG_LENGTH 25
/* Allowed values that a message names. */
#define PICKS_SHOWN 12

static bool
refuse_type (Check *check, const json_t *value, const char *path, const char *wanted)
{
  g_autofree char *shown = value_quote (value);

  return check_refuse (check, path, "the value is %s, and not %s: correct it", wanted, shown);
}

static bool
check_length (Check *check, const char *text, int64_t length, const char *path)
{
  glong size = g_utf8_strlen (text, -1);

  if (length <= 0 || size <= length)
    return true;
  return check_refuse (
      check, path, "the text has %ld characters, and this field holds %" G_GINT64_FORMAT ": shorten it", size, length);
}

static bool
check_text (Check *check, const Field *field, const json_t *value, const char *path)
{
  if (json_text (value) == NULL)
    return refuse_type (check, value, path, "a text in quotes");
  return check_length (check, json_text (value), field->length, path);
}

/* Something, one @, something, and no blanks. */
static bool
is_email (const char *text)
{
  const char *at = strchr (text, '@');

  return at != NULL && at > text && at[1] != '\0' && strchr (at + 1, '@') == NULL && strpbrk (text, " \t\r\n") == NULL;
}

static bool
has_control (const char *text)
{
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f)
      return true;
  return false;
}

static bool
check_email (Check *check, const Field *field, const json_t *value, const char *path)
{
  if (json_text (value) == NULL || !is_email (json_text (value)))
    return refuse_type (check, value, path, "an e-mail address such as \"ada@example.com\"");
  return check_length (check, json_text (value), field->length, path);
}

static bool
check_phone (Check *check, const Field *field, const json_t *value, const char *path)
{
  if (json_text (value) == NULL || has_control (json_text (value)))
    return refuse_type (check, value, path, "a telephone number in quotes");
  return check_length (check, json_text (value), field->length, path);
}

static bool
check_website (Check *check, const Field *field, const json_t *value, const char *path)
{
  if (json_text (value) == NULL || strpbrk (json_text (value), " \t\r\n") != NULL)
    return refuse_type (check, value, path, "an address in quotes, without blanks");
  return check_length (check, json_text (value), field->length, path);
}

/* ---- picklists ---- */

static char *
allowed_values (const Field *field)
{
  guint count = field->picks->len - 1; /* the last is NULL */
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < MIN (count, PICKS_SHOWN); i++)
    {
      json_t *pick = json_from_text (field->picks->pdata[i]);
      g_autofree char *shown = value_quote (pick);

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", shown);
      json_decref (pick);
    }
  if (count > PICKS_SHOWN)
    g_string_append_printf (text, " and %u more", count - PICKS_SHOWN);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static bool
is_pick (const Field *field, const char *text)
{
  return strcmp (text, "-None-") == 0 || g_strv_contains ((const char *const *)field->picks->pdata, text);
}

static bool
check_one_pick (Check *check, const Field *field, const json_t *value, const char *path)
{
  const char *text = json_text (value), *meant;
  g_autofree char *allowed = NULL;
  g_autofree char *shown = NULL;

  if (text == NULL)
    return refuse_type (check, value, path, "one of the picklist's values, in quotes");
  if (!check_length (check, text, PICK_LENGTH, path))
    return false;
  if (check->open_picklists || field->picks == NULL || is_pick (field, text))
    return true;
  meant = nearest_word (text, (const char *const *)field->picks->pdata);
  allowed = allowed_values (field);
  shown = value_quote (value);
  return check_refuse (check, path, "%s is not among the values of this picklist%s%s%s; use one of %s", shown,
                       meant != NULL ? " (did you mean \"" : "", meant != NULL ? meant : "",
                       meant != NULL ? "\"?)" : "", allowed);
}

static bool
check_picks (Check *check, const Field *field, const json_t *value, const char *path)
{
  if (!json_is_array (value))
    return refuse_type (check, value, path, "an array of texts, [\"...\", ...]");
  if (json_array_size (value) > PICKS_MAX)
    return check_refuse (check, path, "there are %zu values, and at most %d can be picked: remove some",
                         json_array_size (value), PICKS_MAX);
  for (size_t i = 0; i < json_array_size (value); i++)
    {
      g_autofree char *place = g_strdup_printf ("%s[%zu]", path, i);

      if (!check_one_pick (check, field, json_array_get (value, i), place))
        return false;
    }
  return true;
}

/* ---- numbers ---- */

static bool
check_integer (Check *check, const json_t *value, const char *path)
{
  Decimal number;

  if (!decimal_read (value, &number) || decimal_places (&number) > 0)
    return refuse_type (check, value, path, "a whole number, without quotes");
  if (number.point > INTEGER_DIGITS)
    return check_refuse (check, path, "the number has more than the %d digits that this field holds", INTEGER_DIGITS);
  return true;
}

static bool
check_bigint (Check *check, const json_t *value, const char *path)
{
  const char *text = json_text (value), *digits = text;

  if (json_is_integer (value))
    {
      json_int_t number = json_integer_value (value);

      if (number < INT64_C (1000000000000000000) && number > INT64_C (-1000000000000000000))
        return true;
      return check_refuse (check, path, "the number has more than the %d digits that this field holds", BIGINT_DIGITS);
    }
  if (text != NULL && *digits == '-')
    digits++;
  if (text == NULL || *digits == '\0' || strspn (digits, "0123456789") != strlen (digits))
    return refuse_type (check, value, path, "digits in quotes, such as \"12345\"");
  if (strlen (digits) > BIGINT_DIGITS)
    return check_refuse (check, path, "the number has more than the %d digits that this field holds", BIGINT_DIGITS);
  return true;
}

static bool
check_decimal (Check *check, const Field *field, const json_t *value, const char *path)
{
  Decimal number;

  if (!decimal_read (value, &number))
    return refuse_type (check, value, path, "a number, without quotes");
  if (number.point > DECIMAL_DIGITS)
    return check_refuse (check, path,
                         "the number has more than the %d digits in front of the point that this field holds",
                         DECIMAL_DIGITS);
  if (field->decimals >= 0 && decimal_places (&number) > field->decimals)
    return check_refuse (check, path,
                         "the number has more than the %d digits after the point that this field keeps: round it",
                         field->decimals);
  return true;
}

/* ---- times ---- */

static bool
is_date (const char *text)
{
  int part[3] = { 0 };

  if (strlen (text) != 10 || text[4] != '-' || text[7] != '-')
    return false;
  for (int i = 0, which = 0; i < 10; i++)
    {
      if (i == 4 || i == 7)
        {
          which++;
          continue;
        }
      if (!g_ascii_isdigit (text[i]))
        return false;
      part[which] = part[which] * 10 + (text[i] - '0');
    }
  return part[0] > 0 && part[1] >= 1 && part[1] <= 12
         && g_date_valid_dmy ((GDateDay)part[2], (GDateMonth)part[1], (GDateYear)part[0]);
}

static bool
check_date (Check *check, const json_t *value, const char *path)
{
  if (json_text (value) != NULL && is_date (json_text (value)))
    return true;
  return refuse_type (check, value, path, "a date such as \"2026-03-02\"");
}

/* Whole seconds and an offset: Zoho takes no fractions. */
static bool
check_time (Check *check, const json_t *value, const char *path)
{
  const char *text = json_text (value);
  g_autofree char *date = text != NULL ? g_strndup (text, 10) : NULL;
  int64_t seconds;

  if (text != NULL && strchr (text, '.') == NULL && clock_parse_time (text, &seconds) && is_date (date))
    return true;
  return refuse_type (check, value, path,
                      "a time with its offset, without fractions of a second, such as \"2026-03-02T10:00:00+01:00\"");
}

/* ---- references ---- */

static bool
check_lookup (Check *check, const json_t *value, const char *path)
{
  uint64_t id;

  if (value_id (value) != NULL && names_parse_id (value_id (value), &id))
    return true;
  return refuse_type (
      check, value, path,
      "an object with the id of the other record, {\"id\": \"...\"} (a name alone does not tell which)");
}

static bool
check_tags (Check *check, const json_t *value, const char *path)
{
  if (!json_is_array (value))
    return refuse_type (check, value, path, "an array of tags, [{\"name\": \"...\"}, ...]");
  for (size_t i = 0; i < json_array_size (value); i++)
    {
      const json_t *tag = json_array_get (value, i);
      g_autofree char *place = g_strdup_printf ("%s[%zu]", path, i);
      const char *name = json_get_text (tag, "name");

      if (name == NULL || *name == '\0')
        return refuse_type (check, tag, place, "a tag, {\"name\": \"...\"}");
      if (!check_length (check, name, TAG_LENGTH, place))
        return false;
    }
  return true;
}

bool
check_value (Check *check, const Field *field, const json_t *value, const char *path)
{
  switch (field->kind)
    {
    case FIELD_TEXT:
      return check_text (check, field, value, path);
    case FIELD_EMAIL:
      return check_email (check, field, value, path);
    case FIELD_PHONE:
      return check_phone (check, field, value, path);
    case FIELD_WEBSITE:
      return check_website (check, field, value, path);
    case FIELD_PICK:
      return check_one_pick (check, field, value, path);
    case FIELD_PICKS:
      return check_picks (check, field, value, path);
    case FIELD_BOOLEAN:
      return json_is_boolean (value) || refuse_type (check, value, path, "true or false, without quotes");
    case FIELD_INTEGER:
      return check_integer (check, value, path);
    case FIELD_BIGINT:
      return check_bigint (check, value, path);
    case FIELD_DECIMAL:
      return check_decimal (check, field, value, path);
    case FIELD_DATE:
      return check_date (check, value, path);
    case FIELD_TIME:
      return check_time (check, value, path);
    case FIELD_LOOKUP:
    case FIELD_ANY_LOOKUP:
      return check_lookup (check, value, path);
    case FIELD_TAGS:
      return check_tags (check, value, path);
    case FIELD_PARTICIPANTS:
    case FIELD_REMINDERS:
    case FIELD_ALARM:
    case FIELD_RECURRENCE:
      return activity_check (check, field, value, path);
    case FIELD_ROWS:
    case FIELD_LINKS:
    case FIELD_COMPUTED:
    case FIELD_OTHER:
      break;
    }
  return true;
}
