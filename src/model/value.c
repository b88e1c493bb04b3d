/* Values of fields: equality by meaning, and the form they are sent in. */
#include "model/value.h"

#include "base/clock.h"
#include "model/activity.h"

#include <string.h>

/* An exponent past this is cut to it: no field holds such a number. */
#define EXPONENT_MAX 1000000000

/* Decimals of at most this many digits survive a double. */
#define DOUBLE_DIGITS 15

/* Bytes of a value that messages show. */
#define QUOTE_MAX 80

/* ---- numbers ---- */

static int64_t
read_exponent (const char *text)
{
  bool negative = *text == '-';
  int64_t value = 0;

  if (*text == '-' || *text == '+')
    text++;
  for (; g_ascii_isdigit (*text) && value < EXPONENT_MAX; text++)
    value = value * 10 + (*text - '0');
  value = MIN (value, EXPONENT_MAX);
  return negative ? -value : value;
}

static const char *
number_literal (const json_t *value, char own[static 32])
{
  if (json_is_integer (value))
    g_snprintf (own, 32, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
  else if (json_is_real (value))
    g_snprintf (own, 32, "%.17g", json_real_value (value));
  else
    return json_number_text (value);
  return own;
}

bool
decimal_read (const json_t *value, Decimal *decimal)
{
  const char *text = number_literal (value, decimal->own);
  int64_t before = 0;
  bool in_front = true;

  decimal->start = decimal->end = NULL;
  decimal->count = decimal->point = 0;
  decimal->negative = false;
  if (text == NULL)
    return false;
  if (*text == '-')
    {
      decimal->negative = true;
      text++;
    }
  for (; g_ascii_isdigit (*text) || *text == '.'; text++)
    {
      if (*text == '.')
        {
          in_front = false;
          continue;
        }
      if (*text == '0' && decimal->start == NULL)
        {
          before -= in_front ? 0 : 1;
          continue;
        }
      if (decimal->start == NULL)
        decimal->start = text;
      if (*text != '0')
        decimal->end = text + 1;
      before += in_front ? 1 : 0;
    }
  if (decimal->start == NULL)
    {
      decimal->negative = false;
      return true;
    }
  for (const char *at = decimal->start; at < decimal->end; at++)
    decimal->count += *at != '.';
  decimal->point = before + (*text == 'e' || *text == 'E' ? read_exponent (text + 1) : 0);
  return true;
}

bool
decimal_equal (const Decimal *a, const Decimal *b)
{
  const char *left = a->start, *right = b->start;

  if (a->count != b->count || a->negative != b->negative || a->point != b->point)
    return false;
  for (int64_t i = 0; i < a->count; i++, left++, right++)
    {
      left += *left == '.';
      right += *right == '.';
      if (*left != *right)
        return false;
    }
  return true;
}

int64_t
decimal_places (const Decimal *decimal)
{
  return MAX (decimal->count - decimal->point, 0);
}

/* ---- equality ---- */

static bool
numbers_equal (const json_t *a, const json_t *b)
{
  Decimal left, right;

  return decimal_read (a, &left) && decimal_read (b, &right) && decimal_equal (&left, &right);
}

const char *
value_id (const json_t *value)
{
  return json_get_text (value, "id");
}

static bool json_equal_by_meaning (const json_t *a, const json_t *b);

/* Does every key of @a mean the same in @b? A missing key and a null are the same. */
static bool
covers (const json_t *a, const json_t *b, bool named)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)a, key, value)
    {
      if (named && (strcmp (key, "name") == 0 || strcmp (key, "email") == 0))
        continue;
      if (!json_equal_by_meaning (value, json_object_get (b, key)))
        return false;
    }
  return true;
}

/* What has an id and a name is a reference to something that may be renamed. */
static bool
objects_equal (const json_t *a, const json_t *b)
{
  bool named = value_id (a) != NULL && value_id (b) != NULL;

  return covers (a, b, named) && covers (b, a, named);
}

static bool
json_equal_by_meaning (const json_t *a, const json_t *b)
{
  if (value_is_empty (NULL, a) || value_is_empty (NULL, b))
    return value_is_empty (NULL, a) && value_is_empty (NULL, b);
  if (json_is_any_number (a))
    return numbers_equal (a, b);
  if (json_is_object (a) && json_is_object (b))
    return objects_equal (a, b);
  if (!json_is_array (a) || !json_is_array (b))
    return json_equal (a, b);
  if (json_array_size (a) != json_array_size (b))
    return false;
  for (size_t i = 0; i < json_array_size (a); i++)
    if (!json_equal_by_meaning (json_array_get (a, i), json_array_get (b, i)))
      return false;
  return true;
}

static bool
texts_equal (const json_t *a, const json_t *b)
{
  return json_text (a) != NULL && json_text (b) != NULL && strcmp (json_text (a), json_text (b)) == 0;
}

static bool
times_equal (const json_t *a, const json_t *b)
{
  int64_t left, right;

  if (!clock_parse_time (json_text (a), &left) || !clock_parse_time (json_text (b), &right))
    return json_equal (a, b);
  return left == right;
}

static bool
ids_equal (const json_t *a, const json_t *b)
{
  if (value_id (a) == NULL || value_id (b) == NULL)
    return json_equal_by_meaning (a, b);
  return strcmp (value_id (a), value_id (b)) == 0;
}

static bool
bigints_equal (const json_t *a, const json_t *b)
{
  char left[32], right[32];
  const char *first = json_is_integer (a) ? number_literal (a, left) : json_text (a);
  const char *second = json_is_integer (b) ? number_literal (b, right) : json_text (b);

  return first != NULL && second != NULL ? strcmp (first, second) == 0 : json_equal (a, b);
}

bool
value_same_tag (const json_t *a, const json_t *b)
{
  const char *left = json_get_text (a, "name"), *right = json_get_text (b, "name");

  if (value_id (a) != NULL && value_id (b) != NULL)
    return strcmp (value_id (a), value_id (b)) == 0;
  return left != NULL && right != NULL && g_ascii_strcasecmp (left, right) == 0;
}

/* Is every item of @a somewhere in @b? */
static bool
is_subset (const json_t *a, const json_t *b, bool (*same) (const json_t *, const json_t *))
{
  for (size_t i = 0; i < json_array_size (a); i++)
    {
      bool found = false;

      for (size_t j = 0; j < json_array_size (b) && !found; j++)
        found = same (json_array_get (a, i), json_array_get (b, j));
      if (!found)
        return false;
    }
  return true;
}

static bool
sets_equal (const json_t *a, const json_t *b, bool (*same) (const json_t *, const json_t *))
{
  if (!json_is_array (a) || !json_is_array (b))
    return json_equal_by_meaning (a, b);
  return is_subset (a, b, same) && is_subset (b, a, same);
}

bool
value_is_empty (const Field *field, const json_t *value)
{
  const char *text = json_text (value);

  if (value == NULL || json_is_null (value) || (json_is_array (value) && json_array_size (value) == 0))
    return true;
  if (text == NULL)
    return false;
  return *text == '\0' || (field != NULL && field->kind == FIELD_PICK && strcmp (text, "-None-") == 0);
}

bool
value_equal (const Field *field, const json_t *a, const json_t *b)
{
  if (value_is_empty (field, a) || value_is_empty (field, b))
    return value_is_empty (field, a) && value_is_empty (field, b);
  switch (field != NULL ? field->kind : FIELD_OTHER)
    {
    case FIELD_TIME:
      return times_equal (a, b);
    case FIELD_LOOKUP:
    case FIELD_ANY_LOOKUP:
      return ids_equal (a, b);
    case FIELD_BIGINT:
      return bigints_equal (a, b);
    case FIELD_PICKS:
      return sets_equal (a, b, texts_equal);
    case FIELD_TAGS:
      return sets_equal (a, b, value_same_tag);
    case FIELD_PARTICIPANTS:
      return sets_equal (a, b, activity_same_participant);
    case FIELD_TEXT:
    case FIELD_EMAIL:
    case FIELD_PHONE:
    case FIELD_WEBSITE:
    case FIELD_PICK:
    case FIELD_BOOLEAN:
    case FIELD_INTEGER:
    case FIELD_DECIMAL:
    case FIELD_DATE:
    case FIELD_ROWS:
    case FIELD_LINKS:
    case FIELD_REMINDERS:
    case FIELD_ALARM:
    case FIELD_RECURRENCE:
    case FIELD_COMPUTED:
    case FIELD_OTHER:
      break;
    }
  return json_equal_by_meaning (a, b);
}

/* ---- echoes ---- */

/* Is @number what programs write of the double @whole with @digits digits? Fewer than 17 count where they suffice (as
 * shortest forms do), and 15, which some always write. */
static bool
is_written (const Decimal *number, double whole, int digits)
{
  char text[40], format[8];
  g_autoptr (json_t) written = NULL;
  Decimal decimal;

  g_snprintf (format, sizeof format, "%%.%dg", digits);
  g_ascii_formatd (text, sizeof text, format, whole);
  if (digits == 16 && g_ascii_strtod (text, NULL) != whole)
    return false;
  written = json_parse (text, strlen (text), NULL);
  return decimal_read (written, &decimal) && decimal_equal (&decimal, number);
}

bool
value_echoes (const Field *field, const json_t *value, const json_t *original)
{
  Decimal number, before;
  const char *literal;
  char own[32];
  double whole;

  if (value_equal (field, value, original))
    return true;
  if (!decimal_read (value, &number) || !decimal_read (original, &before) || before.count <= DOUBLE_DIGITS)
    return false;
  literal = number_literal (original, own);
  whole = g_ascii_strtod (literal, NULL);
  return is_written (&number, whole, 15) || is_written (&number, whole, 16) || is_written (&number, whole, 17);
}

/* ---- sending ---- */

static json_t *
lookup_wire (const Field *field, const json_t *value)
{
  const json_t *module = json_object_get (value, "module");
  const char *name = json_is_object (module) ? json_get_text (module, "api_name") : json_text (module);
  json_t *wire;

  if (value_id (value) == NULL)
    return json_deep_copy (value);
  wire = json_object ();
  json_object_set_new (wire, "id", json_string (value_id (value)));
  if (field->kind == FIELD_ANY_LOOKUP && name != NULL && strcmp (field->name, "What_Id") != 0)
    {
      json_t *target = json_object ();

      json_object_set_new (target, "api_name", json_from_text (name));
      json_object_set_new (wire, "module", target);
    }
  return wire;
}

/* 5.0 and 5e0 are sent as 5; what is no whole number of at most 18 digits goes as it is. */
static json_t *
integer_wire (const json_t *value)
{
  Decimal decimal;
  json_int_t whole = 0;

  if (!decimal_read (value, &decimal) || decimal_places (&decimal) > 0 || decimal.point > 18)
    return json_deep_copy (value);
  for (const char *at = decimal.start; at < decimal.end; at++)
    if (*at != '.')
      whole = whole * 10 + (*at - '0');
  for (int64_t i = decimal.count; i < decimal.point; i++)
    whole *= 10;
  return json_integer (decimal.negative ? -whole : whole);
}

json_t *
value_wire (const Field *field, const json_t *value)
{
  char own[32];

  if (value_is_empty (field, value))
    return json_null ();
  if (field == NULL)
    return json_deep_copy (value);
  if (field->kind == FIELD_LOOKUP || field->kind == FIELD_ANY_LOOKUP)
    return lookup_wire (field, value);
  if (field->kind == FIELD_PARTICIPANTS)
    return activity_participants_wire (value);
  if (field->kind == FIELD_INTEGER)
    return integer_wire (value);
  if (field->kind == FIELD_BIGINT && json_is_integer (value))
    return json_string (number_literal (value, own));
  return json_deep_copy (value);
}

char *
value_quote (const json_t *value)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (json_t) none = json_null ();
  const char *end;

  json_write_compact (value != NULL ? value : none, text);
  if (text->len <= QUOTE_MAX)
    return g_strdup (text->str);
  end = g_utf8_find_prev_char (text->str, text->str + QUOTE_MAX);
  g_string_truncate (text, (gsize)(end - text->str));
  return g_strdup_printf ("%s...", text->str);
}

GPtrArray *
values_at (const GPtrArray *from, const char *key)
{
  GPtrArray *values = g_ptr_array_new ();

  for (guint i = 0; i < from->len; i++)
    {
      json_t *value = json_object_get (from->pdata[i], key);

      if (value != NULL)
        g_ptr_array_add (values, value);
    }
  return values;
}

bool
equals_any (const Field *field, const json_t *value, const GPtrArray *values)
{
  for (guint i = 0; i < values->len; i++)
    if (value_equal (field, value, values->pdata[i]))
      return true;
  return false;
}

bool
echoes_any (const Field *field, const json_t *value, const GPtrArray *values)
{
  for (guint i = 0; i < values->len; i++)
    if (value_echoes (field, value, values->pdata[i]))
      return true;
  return false;
}

const json_t *
row_with_id (const json_t *rows, const char *id)
{
  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      const json_t *row = json_array_get (rows, i);

      if (g_strcmp0 (value_id (row), id) == 0)
        return row;
    }
  return NULL;
}
