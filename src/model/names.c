/* Record and file names, both ways. */
#include "model/names.h"

#include <fnmatch.h>
#include <string.h>

#define ID_DIGITS_MIN 10
#define ID_DIGITS_MAX 19

/* Temporary, swap, backup and lock names, as the programs that make them spell them; shell patterns. */
static const char *const scratch_patterns[] = {
  "4913",          /* vim: may I create files here? */
  ".*.sw[a-z]",    /* vim, nano */
  "*~",            /* backups */
  "#*#",           /* emacs auto-save */
  ".#*",           /* emacs lock */
  "sed??????",     /* sed -i */
  "XX????????",    /* perl -i */
  ".*.??????",     /* rsync */
  "*.tmp",         "*.tmp.*",         "*.save",     ".goutputstream-*", ".~lock.*#",  "lu*.tmp",
  "*.part",        "*.crdownload",    "*.bak",      "*.orig",           "*.rej",      "._*",
  ".DS_Store",     ".directory",      ".hidden",    ".Trash*",          ".nfs*",      ".fuse_hidden*",
  ".git*",         "*.lock",          ".vscode",    ".idea",
};

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

bool
names_is_scratch (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (scratch_patterns); i++)
    if (fnmatch (scratch_patterns[i], name, 0) == 0)
      return true;
  return false;
}

/* "Field=value": an API name in front of the first '='. */
static bool
is_field_value (const char *name)
{
  const char *equals = strchr (name, '=');

  if (equals == NULL || !g_ascii_isalpha (name[0]))
    return false;
  for (const char *at = name; at < equals; at++)
    if (!g_ascii_isalnum (*at) && *at != '_')
      return false;
  return true;
}

NameKind
names_read (const char *name, uint64_t *id)
{
  size_t size = strlen (name);
  bool json = g_str_has_suffix (name, ".json");

  if (json && read_id (name, size - strlen (".json"), id))
    return NAME_RECORD;
  if (!json && read_id (name, size, id))
    return NAME_FOLDER;
  if (names_is_scratch (name))
    return NAME_SCRATCH_PATTERN;
  if (json && is_field_value (name))
    return NAME_FIELD;
  return json ? NAME_NEW : NAME_SCRATCH;
}

char *
names_label (const char *display)
{
  GString *label = g_string_new (NULL);
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
  return g_string_free (label, FALSE);
}

char *
names_record (const char *label, uint64_t id)
{
  if (label == NULL || label[0] == '\0')
    return g_strdup_printf ("%" G_GUINT64_FORMAT ".json", id);
  return g_strdup_printf ("%s.%" G_GUINT64_FORMAT ".json", label, id);
}
