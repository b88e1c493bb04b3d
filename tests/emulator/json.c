/* JSON text in and out with every digit of every number: jansson's doubles lose those past the 17th.
 *
 * A number too long for a double is a string that starts with U+0001 while it is in a tree. A request body is rewritten
 * so before jansson sees it; no real text starts with that character, since bodies cannot bring it in (it is dropped).
 */
#include "core.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARK '\001'

enum
{
  DOUBLE_DIGITS = 15,
  LONGEST_NUMBER = 60
};

/* Significant digits of a number's text, the exponent aside. */
static unsigned
count_digits (const char *text, size_t length)
{
  unsigned digits = 0;

  for (size_t i = 0; i < length && text[i] != 'e' && text[i] != 'E'; i++)
    {
      if (g_ascii_isdigit (text[i]) && (digits > 0 || text[i] != '0'))
        digits++;
    }
  return digits;
}

static bool
is_exact (const char *text, size_t length)
{
  bool whole
      = memchr (text, '.', length) == NULL && memchr (text, 'e', length) == NULL && memchr (text, 'E', length) == NULL;

  return length <= LONGEST_NUMBER && count_digits (text, length) > (whole ? 18 : DOUBLE_DIGITS);
}

/* The end of the string literal that starts at @at. */
static size_t
skip_string (const char *text, size_t size, size_t at)
{
  for (at++; at < size && text[at] != '"'; at++)
    {
      if (text[at] == '\\')
        at++;
    }
  return MIN (at + 1, size);
}

/* A whole number, or one with all its parts; not "1." or "-". */
static size_t
number_length (const char *text, size_t size)
{
  size_t length = 0;

  while (length < size && (g_ascii_isdigit (text[length]) || strchr ("+-.eE", text[length]) != NULL)
         && text[length] != '\0')
    length++;
  return length;
}

static bool
is_plain_decimal (const char *text, size_t length)
{
  size_t at = length > 0 && text[0] == '-';
  size_t start = at;

  while (at < length && g_ascii_isdigit (text[at]))
    at++;
  if (at == start || (text[start] == '0' && at > start + 1))
    return false;
  if (at == length)
    return true;
  if (text[at] != '.')
    return false;
  start = ++at;
  while (at < length && g_ascii_isdigit (text[at]))
    at++;
  return at == length && at > start;
}

json_t *
json_read (const char *text, size_t size)
{
  g_autoptr (GString) marked = NULL;
  size_t copied = 0;

  for (size_t at = 0; at < size;)
    {
      size_t length;

      if (text[at] == '"')
        {
          at = skip_string (text, size, at);
          continue;
        }
      length = text[at] == '-' || g_ascii_isdigit (text[at]) ? number_length (text + at, size - at) : 0;
      if (length > 0 && is_exact (text + at, length) && is_plain_decimal (text + at, length))
        {
          if (marked == NULL)
            marked = g_string_sized_new (size + 64);
          g_string_append_len (marked, text + copied, (gssize) (at - copied));
          g_string_append_printf (marked, "\"\\u0001%.*s\"", (int) length, text + at);
          copied = at + length;
        }
      at += MAX (length, 1);
    }
  if (marked == NULL)
    return json_loadb (text, size, JSON_DECODE_ANY, NULL);
  g_string_append_len (marked, text + copied, (gssize) (size - copied));
  return json_loadb (marked->str, marked->len, JSON_DECODE_ANY, NULL);
}

const char *
exact_number (const json_t *value)
{
  const char *text = json_string_value (value);

  return text != NULL && text[0] == MARK && is_plain_decimal (text + 1, strlen (text + 1)) ? text + 1 : NULL;
}

json_t *
exact_number_new (const char *digits)
{
  g_autofree char *text = g_strdup_printf ("%c%s", MARK, digits);

  return json_string (text);
}

void
json_write_text (GString *out, const char *text, gssize length)
{
  const char *end = length < 0 ? text + strlen (text) : text + length;
  const char *run = text;

  g_string_append_c (out, '"');
  for (const char *c = text; c < end; c++)
    {
      unsigned char byte = (unsigned char) *c;

      if (byte >= 0x20 && byte != '"' && byte != '\\')
        continue;
      g_string_append_len (out, run, c - run);
      run = c + 1;
      if (byte == '"' || byte == '\\')
        g_string_append_printf (out, "\\%c", byte);
      else if (byte == '\n')
        g_string_append (out, "\\n");
      else
        g_string_append_printf (out, "\\u%04x", byte);
    }
  g_string_append_len (out, run, end - run);
  g_string_append_c (out, '"');
}

/* The fewest digits that give the same double back. */
static void
write_real (GString *out, double number)
{
  char text[40];

  for (int digits = DOUBLE_DIGITS; digits <= 17; digits++)
    {
      g_snprintf (text, sizeof text, "%.*g", digits, number);
      if (strtod (text, NULL) == number)
        break;
    }
  if (strchr (text, 'e') != NULL && fabs (number) < 1e17 && fabs (number) >= 1)
    g_snprintf (text, sizeof text, "%.0f", number);
  g_string_append (out, text);
  if (strpbrk (text, ".e") == NULL)
    g_string_append (out, ".0");
}

static void
write_object (GString *out, const json_t *object)
{
  const char *key;
  json_t *value;
  bool first = true;

  g_string_append_c (out, '{');
  json_object_foreach ((json_t *) object, key, value)
    {
      if (!first)
        g_string_append_c (out, ',');
      first = false;
      json_write_text (out, key, -1);
      g_string_append_c (out, ':');
      json_write (out, value);
    }
  g_string_append_c (out, '}');
}

static void
write_array (GString *out, const json_t *array)
{
  json_t *value;
  size_t index;

  g_string_append_c (out, '[');
  json_array_foreach (array, index, value)
    {
      if (index > 0)
        g_string_append_c (out, ',');
      json_write (out, value);
    }
  g_string_append_c (out, ']');
}

void
json_write (GString *out, const json_t *value)
{
  switch (value == NULL ? JSON_NULL : json_typeof (value))
    {
    case JSON_OBJECT:
      write_object (out, value);
      break;
    case JSON_ARRAY:
      write_array (out, value);
      break;
    case JSON_STRING:
      if (exact_number (value) != NULL)
        g_string_append (out, exact_number (value));
      else
        json_write_text (out, json_string_value (value), (gssize) json_string_length (value));
      break;
    case JSON_INTEGER:
      g_string_append_printf (out, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
      break;
    case JSON_REAL:
      write_real (out, json_real_value (value));
      break;
    case JSON_TRUE:
      g_string_append (out, "true");
      break;
    case JSON_FALSE:
      g_string_append (out, "false");
      break;
    case JSON_NULL:
      g_string_append (out, "null");
      break;
    }
}
