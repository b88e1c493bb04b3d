/* Record and file names, both ways. */
#include "model/names.h"

#include "model/scratch_names.h"

#include <string.h>

#define ID_DIGITS_MIN 10
#define ID_DIGITS_MAX 19

#define FIELD_NAME_MAX 50

/* Besides records in a module's directory; what is made of them is the routing table's. */
static const char *const fixed_names[] = { "notes", ".coql", ".search" };

bool
names_parse_id (const char *text, uint64_t *id)
{
  uint64_t value = 0;
  size_t n = 0;

  for (; text[n] >= '0' && text[n] <= '9' && n <= ID_DIGITS_MAX; n++)
    value = value * 10 + (uint64_t)(text[n] - '0');
  if (text[n] != '\0' || n == 0 || n > ID_DIGITS_MAX || value == 0 || value > INT64_MAX)
    return false;
  *id = value;
  return true;
}

static bool
is_label_char (gunichar c)
{
  return g_unichar_isalnum (c) || g_unichar_ismark (c) || c == '-' || c == '+' || c == '@' || c == '_';
}

/* Is @text, @size bytes, made of label characters only? */
static bool
is_label (const char *text, size_t size)
{
  const char *end = text + size;

  if (size == 0 || !g_utf8_validate (text, (gssize)size, NULL))
    return false;
  for (const char *at = text; at < end; at = g_utf8_next_char (at))
    if (!is_label_char (g_utf8_get_char (at)))
      return false;
  return true;
}

/* [label.]digits, where @size bytes of @name count. */
static bool
read_id (const char *name, size_t size, uint64_t *id)
{
  size_t digits = 0;
  char text[ID_DIGITS_MAX + 1];

  while (digits < size && name[size - 1 - digits] >= '0' && name[size - 1 - digits] <= '9')
    digits++;
  if (digits < size)
    {
      if (name[size - 1 - digits] != '.' || !is_label (name, size - 1 - digits))
        return false;
    }
  if (digits < ID_DIGITS_MIN || digits > ID_DIGITS_MAX)
    return false;
  memcpy (text, name + size - digits, digits);
  text[digits] = '\0';
  return names_parse_id (text, id);
}

static bool
is_fixed (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (fixed_names); i++)
    if (strcmp (fixed_names[i], name) == 0)
      return true;
  return false;
}

/* How many bytes of "Field=value.json" are the field's name; 0 when @name is nothing of the kind. */
static size_t
field_size (const char *name)
{
  size_t size = 0;
  const char *value;

  if (!g_ascii_isalpha (name[0]) || !g_str_has_suffix (name, ".json"))
    return 0;
  while (g_ascii_isalnum (name[size]) || name[size] == '_')
    size++;
  value = name + size + 1;
  if (name[size] != '=' || size > FIELD_NAME_MAX || strcmp (value, ".json") == 0 || !g_utf8_validate (value, -1, NULL))
    return 0;
  return size;
}

NameKind
names_read (const char *name, uint64_t *id)
{
  size_t size = strlen (name);
  bool json = g_str_has_suffix (name, ".json");

  if (is_fixed (name))
    return NAME_FIXED;
  if (json && read_id (name, size - strlen (".json"), id))
    return NAME_RECORD;
  if (!json && read_id (name, size, id))
    return NAME_FOLDER;
  if (scratch_name_matches (name))
    return NAME_SCRATCH_PATTERN;
  if (field_size (name) > 0)
    return NAME_FIELD;
  return json ? NAME_NEW : NAME_SCRATCH;
}

bool
names_is_text (const char *name)
{
  return name[0] != '.' && (g_str_has_suffix (name, ".txt") || g_str_has_suffix (name, ".md"));
}

NameKind
names_read_note (const char *name, uint64_t *id)
{
  NameKind kind = names_read (name, id);

  if (kind == NAME_FIELD || (kind == NAME_SCRATCH && names_is_text (name)))
    return NAME_NEW;
  return kind;
}

bool
names_read_field (const char *name, char **field, char **value)
{
  size_t size = field_size (name);
  const char *text = name + size + 1;

  if (size == 0)
    return false;
  *field = g_strndup (name, size);
  *value = g_strndup (text, strlen (text) - strlen (".json"));
  return true;
}

char *
names_label (const char *display)
{
  g_autoptr (GString) label = g_string_new (NULL);
  size_t last = 0; /* bytes up to the last character that is no '_' */

  for (const char *at = display; *at != '\0' && label->len <= NAMES_LABEL_MAX;)
    {
      gunichar c = g_utf8_get_char_validated (at, -1);
      bool valid = c != (gunichar)-1 && c != (gunichar)-2;

      if (valid && c != '_' && is_label_char (c))
        {
          g_string_append_unichar (label, c);
          if (label->len <= NAMES_LABEL_MAX)
            last = label->len;
        }
      else if (label->len == 0 || label->str[label->len - 1] != '_')
        g_string_append_c (label, '_');
      at = valid ? g_utf8_next_char (at) : at + 1;
    }
  g_string_truncate (label, last == 0 ? 0 : MIN (label->len, last));
  /* Kept by the million: without the room it grew into. */
  return g_strdup (label->str);
}

char *
names_record (const char *label, uint64_t id)
{
  if (label == NULL || label[0] == '\0')
    return g_strdup_printf ("%" G_GUINT64_FORMAT ".json", id);
  return g_strdup_printf ("%s.%" G_GUINT64_FORMAT ".json", label, id);
}
