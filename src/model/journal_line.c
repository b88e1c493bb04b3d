/* Lines that tell when they are damaged: "<xxh3, 16 hex digits> <object on one line>\n". */
#include "model/journal_private.h"

#include "model/names.h"

#include <string.h>
#include <xxhash.h>

#define SUM_CHARS 16

static void
write_sum (const char *text, size_t size, char out[static SUM_CHARS + 1])
{
  g_snprintf (out, SUM_CHARS + 1, "%016" G_GINT64_MODIFIER "x", (uint64_t)XXH3_64bits (text, size));
}

void
journal_line_write (const json_t *value, GString *out)
{
  size_t start = out->len;
  char sum[SUM_CHARS + 1];

  g_string_append (out, "0123456789abcdef ");
  json_write_compact (value, out);
  write_sum (out->str + start + SUM_CHARS + 1, out->len - start - SUM_CHARS - 1, sum);
  memcpy (out->str + start, sum, SUM_CHARS);
  g_string_append_c (out, '\n');
}

json_t *
journal_line_read (const char *text, size_t size)
{
  char sum[SUM_CHARS + 1];
  g_autoptr (json_t) value = NULL;

  if (size < SUM_CHARS + 2 || text[SUM_CHARS] != ' ')
    return NULL;
  write_sum (text + SUM_CHARS + 1, size - SUM_CHARS - 1, sum);
  if (memcmp (text, sum, SUM_CHARS) != 0)
    return NULL;
  value = json_parse (text + SUM_CHARS + 1, size - SUM_CHARS - 1, NULL);
  return json_is_object (value) ? g_steal_pointer (&value) : NULL;
}

char *
journal_cut (const char *text, size_t max)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  size_t size = strlen (valid);

  if (size > max)
    {
      size = max;
      while (size > 0 && ((unsigned char)valid[size] & 0xc0) == 0x80)
        size--;
    }
  return g_strndup (valid, size);
}

uint64_t
journal_get_id (const json_t *object, const char *key)
{
  const char *text = json_get_text (object, key);
  uint64_t id = 0;

  return text != NULL && names_parse_id (text, &id) ? id : 0;
}

json_t *
journal_id_text (uint64_t id)
{
  char text[24];

  g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, id);
  return json_string (text);
}
