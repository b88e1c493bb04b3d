/* JSON whose numbers keep their digits: a scan over the text marks the numbers that jansson would
 * round, then jansson parses. */
#include "base/json.h"

#include "base/error.h"

#include <string.h>

#define MARK '\x01'
#define DEPTH_MAX 64

/* A number literal of at most this many characters without '.', 'e', 'E' fits an int64. */
#define INTEGER_CHARS_MAX 18

/* The end of the string literal that starts at @at (a quote); at most @end. */
static const char *
string_end (const char *at, const char *end)
{
  for (at++; at < end; at++)
    {
      if (*at == '\\')
        at++;
      else if (*at == '"')
        return at + 1;
    }
  return end;
}

/* The end of the run of number characters at @at; sets @exact when jansson holds it as it is. */
static const char *
number_end (const char *at, const char *end, bool *exact)
{
  const char *start = at;

  *exact = true;
  for (; at < end && strchr ("+-.eE0123456789", *at) != NULL && *at != '\0'; at++)
    if (*at == '.' || *at == 'e' || *at == 'E')
      *exact = false;
  if (at - start > INTEGER_CHARS_MAX)
    *exact = false;
  return at;
}

/* JSON's own number grammar, which the marking would otherwise hide from jansson. */
static bool
is_number (const char *at, const char *end)
{
#define DIGITS()                                                                                                       \
  while (at < end && *at >= '0' && *at <= '9')                                                                         \
  at++
  const char *start;

  if (at < end && *at == '-')
    at++;
  start = at;
  DIGITS ();
  if (at == start || (*start == '0' && at - start > 1))
    return false;
  if (at < end && *at == '.')
    {
      start = ++at;
      DIGITS ();
      if (at == start)
        return false;
    }
  if (at < end && (*at == 'e' || *at == 'E'))
    {
      at++;
      if (at < end && (*at == '+' || *at == '-'))
        at++;
      start = at;
      DIGITS ();
      if (at == start)
        return false;
    }
  return at == end;
#undef DIGITS
}

static void
write_bytes (GString *out, const char *from, const char *to)
{
  g_string_append_len (out, from, to - from);
}

/* Copies @text with inexact numbers turned to marked strings. Sets @too_deep past DEPTH_MAX.
 * Returns: NULL when nothing needs marking. */
static GString *
mark_numbers (const char *text, size_t size, bool *too_deep)
{
  const char *end = text + size, *copied = text;
  GString *out = NULL;
  int depth = 0;

#define OUT() (out != NULL ? out : (out = g_string_sized_new (size + size / 8 + 64)))
  for (const char *at = text; at < end;)
    {
      const char *start = at;
      bool exact;

      if (*at == '"')
        {
          at = string_end (at, end);
          if (at - start > 6 && strncmp (start + 1, "\\u0001", 6) == 0)
            {
              write_bytes (OUT (), copied, start + 1);
              g_string_append (out, "\\u0001");
              copied = start + 1;
            }
        }
      else if (*at == '-' || (*at >= '0' && *at <= '9'))
        {
          at = number_end (at, end, &exact);
          if (!exact && is_number (start, at))
            {
              write_bytes (OUT (), copied, start);
              g_string_append (out, "\"\\u0001");
              write_bytes (out, start, at);
              g_string_append_c (out, '"');
              copied = at;
            }
        }
      else
        {
          if (*at == '{' || *at == '[')
            *too_deep |= ++depth > DEPTH_MAX;
          else if (*at == '}' || *at == ']')
            depth--;
          at++;
        }
    }
  if (out != NULL)
    write_bytes (out, copied, end);
#undef OUT
  return out;
}

json_t *
json_parse (const char *text, size_t size, GError **error)
{
  bool too_deep = false;
  GString *marked = mark_numbers (text, size, &too_deep);
  json_error_t why;
  json_t *value = NULL;

  if (too_deep)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "This JSON is nested more than %d levels deep", DEPTH_MAX);
  else
    {
      value = json_loadb (marked != NULL ? marked->str : text, marked != NULL ? marked->len : size,
                          JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
      if (value == NULL)
        g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "This is not JSON: %s (line %d, column %d)", why.text,
                     why.line, why.column);
    }
  if (marked != NULL)
    g_string_free (marked, TRUE);
  return value;
}

const char *
json_number_text (const json_t *value)
{
  const char *text = json_string_value (value);

  return text != NULL && text[0] == MARK && text[1] != MARK ? text + 1 : NULL;
}

bool
json_is_any_number (const json_t *value)
{
  return json_is_number (value) || json_number_text (value) != NULL;
}

const char *
json_text (const json_t *value)
{
  const char *text = json_string_value (value);

  if (text == NULL || text[0] != MARK)
    return text;
  return text[1] == MARK ? text + 1 : NULL;
}

json_t *
json_from_text (const char *text)
{
  if (text == NULL)
    return json_null ();
  if (text[0] == MARK)
    {
      g_autofree char *marked = g_strdup_printf ("%c%s", MARK, text);

      return json_string (marked);
    }
  return json_string (text);
}

static void
write_string (const char *text, GString *out)
{
  const char *copied = text;

  g_string_append_c (out, '"');
  for (; *text != '\0'; text++)
    {
      unsigned char c = *text;
      const char *escape = NULL;
      char hex[8];

      if (c == '"')
        escape = "\\\"";
      else if (c == '\\')
        escape = "\\\\";
      else if (c == '\n')
        escape = "\\n";
      else if (c == '\r')
        escape = "\\r";
      else if (c == '\t')
        escape = "\\t";
      else if (c == '\b')
        escape = "\\b";
      else if (c == '\f')
        escape = "\\f";
      else if (c < 0x20 || c == 0x7f)
        {
          g_snprintf (hex, sizeof hex, "\\u%04x", c);
          escape = hex;
        }
      if (escape != NULL)
        {
          write_bytes (out, copied, text);
          g_string_append (out, escape);
          copied = text + 1;
        }
    }
  write_bytes (out, copied, text);
  g_string_append_c (out, '"');
}

static void
new_line (GString *out, int depth)
{
  g_string_append_c (out, '\n');
  for (int i = 0; i < depth; i++)
    g_string_append (out, "  ");
}

static int
compare_keys (const void *a, const void *b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void write_value (const json_t *value, GString *out, int depth, bool compact);

static void
write_object (const json_t *object, GString *out, int depth, bool compact)
{
  size_t size = json_object_size (object), n = 0;
  g_autofree const char **keys = g_new (const char *, size + 1);
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)object, key, value)
    keys[n++] = key;
  qsort (keys, n, sizeof *keys, compare_keys);

  g_string_append_c (out, '{');
  for (size_t i = 0; i < n; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      if (!compact)
        new_line (out, depth + 1);
      write_string (keys[i], out);
      g_string_append (out, compact ? ":" : ": ");
      write_value (json_object_get (object, keys[i]), out, depth + 1, compact);
    }
  if (!compact && n > 0)
    new_line (out, depth);
  g_string_append_c (out, '}');
}

static void
write_array (const json_t *array, GString *out, int depth, bool compact)
{
  size_t size = json_array_size (array);

  g_string_append_c (out, '[');
  for (size_t i = 0; i < size; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      if (!compact)
        new_line (out, depth + 1);
      write_value (json_array_get (array, i), out, depth + 1, compact);
    }
  if (!compact && size > 0)
    new_line (out, depth);
  g_string_append_c (out, ']');
}

static void
write_value (const json_t *value, GString *out, int depth, bool compact)
{
  switch (json_typeof (value))
    {
    case JSON_OBJECT:
      write_object (value, out, depth, compact);
      return;
    case JSON_ARRAY:
      write_array (value, out, depth, compact);
      return;
    case JSON_STRING:
      if (json_number_text (value) != NULL)
        g_string_append (out, json_number_text (value));
      else
        write_string (json_text (value), out);
      return;
    case JSON_INTEGER:
      g_string_append_printf (out, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
      return;
    case JSON_REAL: /* only from our own code: json_parse() makes none */
      g_string_append_printf (out, "%.17g", json_real_value (value));
      return;
    case JSON_TRUE:
      g_string_append (out, "true");
      return;
    case JSON_FALSE:
      g_string_append (out, "false");
      return;
    case JSON_NULL:
      g_string_append (out, "null");
      return;
    }
}

void
json_write (const json_t *value, GString *out)
{
  write_value (value, out, 0, false);
  g_string_append_c (out, '\n');
}

void
json_write_compact (const json_t *value, GString *out)
{
  write_value (value, out, 0, true);
}

const char *
json_get_text (const json_t *object, const char *key)
{
  return json_text (json_object_get (object, key));
}
