/* Reads CSV cells by the type of their field. */
#include "bulk_cell.h"

#include <stdio.h>
#include <string.h>

#include "core.h"
#include "finder.h"

/* Up to @most digits at *@at. */
static bool
take_number (const char **at, int most, int *number)
{
  const char *start = *at;

  *number = 0;
  while (g_ascii_isdigit (**at) && *at - start < most)
    *number = *number * 10 + (*(*at)++ - '0');
  return *at > start;
}

static int *
part_of (struct tm *parts, char letter)
{
  switch (letter)
    {
    case 'y': return &parts->tm_year;
    case 'M': return &parts->tm_mon;
    case 'd': return &parts->tm_mday;
    case 'H': return &parts->tm_hour;
    case 'm': return &parts->tm_min;
    case 's': return &parts->tm_sec;
    default:  return NULL;
    }
}

/* Reads @text by @format: runs of y M d H m s are numbers, all else stands for itself. */
static bool
read_by_format (const char *text, const char *format, struct tm *parts)
{
  *parts = (struct tm) { .tm_year = 1970, .tm_mon = 1, .tm_mday = 1 };
  while (*format != '\0')
    {
      char letter = *format;
      int *part = part_of (parts, letter);
      int run = 0;

      if (part == NULL)
        {
          if (*text++ != *format++)
            return false;
          continue;
        }
      while (*format == letter)
        {
          format++;
          run++;
        }
      if (!take_number (&text, run < 2 ? 2 : run, part))
        return false;
    }
  return *text == '\0' && parts->tm_year >= 1 && parts->tm_year <= 9999 && parts->tm_mon >= 1 && parts->tm_mon <= 12
         && parts->tm_mday >= 1 && parts->tm_mday <= 31 && parts->tm_hour < 24 && parts->tm_min < 60
         && parts->tm_sec < 60;
}

static json_t *
read_date (const char *text, const char *format)
{
  struct tm parts;
  char buffer[64];

  if (!read_by_format (text, format == NULL ? "MM/dd/yyyy" : format, &parts)
      && !read_by_format (text, "yyyy-MM-dd", &parts))
    return NULL;
  snprintf (buffer, sizeof buffer, "%04d-%02d-%02d", parts.tm_year, parts.tm_mon, parts.tm_mday);
  return json_string (buffer);
}

static json_t *
read_time (const char *text, const char *format)
{
  struct tm parts;
  char buffer[32];
  time_t time;

  if (parse_time (text, &time))
    return json_string (text);
  if (!read_by_format (text, format == NULL ? "MM/dd/yyyy HH:mm:ss" : format, &parts))
    return NULL;
  parts.tm_year -= 1900;
  parts.tm_mon--;
  format_time (timegm (&parts), buffer);
  return json_string (buffer);
}

/* The number keeps its digits. */
static json_t *
read_number (const char *text, bool whole)
{
  json_t *number = json_read (text, strlen (text));

  if (json_is_integer (number) || (!whole && (json_is_real (number) || exact_number (number) != NULL)))
    return number;
  json_decref (number);
  return NULL;
}

static json_t *
read_boolean (const char *text)
{
  if (g_ascii_strcasecmp (text, "true") == 0 || strcmp (text, "1") == 0)
    return json_true ();
  return g_ascii_strcasecmp (text, "false") == 0 || strcmp (text, "0") == 0 ? json_false () : NULL;
}

static json_t *
read_choices (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, ";", 0);
  json_t *choices = json_array ();

  for (char **word = words; *word != NULL; word++)
    json_array_append_new (choices, json_string (g_strstrip (*word)));
  return choices;
}

static json_t *
read_lookup (Emulator *emulator, const Field *field, const char *text, const char *find_by)
{
  const Module *target = field->target == NULL || find_by == NULL ? NULL : schema_module (emulator, field->target);
  const Field *key = target == NULL ? NULL : module_field (target, find_by);
  uint64_t id;
  char digits[24];

  if (key != NULL && strcmp (find_by, "id") != 0)
    id = find_value (emulator, target, key, text, 0);
  else if (!parse_id (text, &id))
    id = 0;
  return id == 0 ? NULL : json_pack ("{s:s}", "id", format_id (id, digits));
}

json_t *
bulk_cell_value (Emulator *emulator, const Field *field, const char *text, const char *format, const char *find_by)
{
  const char *type = field->data_type;

  if (*text == '\0')
    return json_null ();
  if (strcmp (type, "boolean") == 0)
    return read_boolean (text);
  if (strcmp (type, "integer") == 0)
    return read_number (text, true);
  if (strcmp (type, "double") == 0 || strcmp (type, "currency") == 0 || strcmp (type, "percent") == 0)
    return read_number (text, false);
  if (strcmp (type, "date") == 0)
    return read_date (text, format);
  if (strcmp (type, "datetime") == 0)
    return read_time (text, format);
  if (strcmp (type, "multiselectpicklist") == 0)
    return read_choices (text);
  if (g_str_has_suffix (type, "lookup"))
    return read_lookup (emulator, field, text, find_by);
  return json_string (text);
}
