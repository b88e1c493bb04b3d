/* multipart/form-data, as curl and Zoho's SDKs send it: parts between boundary lines, each with a few headers. */
#include "multipart.h"

#include <string.h>

enum
{
  MOST_PARTS = 100,
  MOST_HEADER_BYTES = 16 * 1024
};

static void
part_free (gpointer data)
{
  Part *part = data;

  g_free (part->name);
  g_free (part->file_name);
  g_free (part->type);
  g_free (part);
}

/* The value of @key in "form-data; name=\"file\"; filename=\"a b.txt\"". NULL: absent, or not UTF-8. New. */
static char *
header_param (const char *header, const char *key)
{
  g_autofree char *wanted = g_strdup_printf ("%s=", key);
  const char *at = header;
  GString *value;

  while ((at = strstr (at, wanted)) != NULL && at > header && strchr ("; \t", at[-1]) == NULL)
    at++;
  if (at == NULL)
    return NULL;
  at += strlen (wanted);
  value = g_string_new (NULL);
  if (*at != '"')
    g_string_append_len (value, at, (gssize) strcspn (at, "; \t"));
  for (const char *c = at + 1; *at == '"' && *c != '\0' && *c != '"'; c++)
    {
      if (*c == '\\' && c[1] != '\0')
        c++;
      g_string_append_c (value, *c);
    }
  if (g_utf8_validate (value->str, (gssize) value->len, NULL))
    return g_string_free (value, FALSE);
  g_string_free (value, TRUE);
  return NULL;
}

/* The first of each kind counts. */
static void
read_header (Part *part, const char *line)
{
  if (part->name == NULL && g_ascii_strncasecmp (line, "content-disposition:", 20) == 0)
    {
      part->name = header_param (line + 20, "name");
      g_free (part->file_name); /* of a header that gave no name */
      part->file_name = header_param (line + 20, "filename");
    }
  else if (part->type == NULL && g_ascii_strncasecmp (line, "content-type:", 13) == 0)
    part->type = g_strstrip (g_strdup (line + 13));
}

/* One part, from after its boundary line to before the next. NULL: malformed. */
static Part *
read_part (const char *start, const char *end)
{
  const char *blank = memmem (start, (size_t) (end - start), "\r\n\r\n", 4);
  g_autofree char *headers = NULL;
  g_auto (GStrv) lines = NULL;
  Part *part;

  if (blank == NULL || blank - start > MOST_HEADER_BYTES)
    return NULL;
  headers = g_strndup (start, (size_t) (blank - start));
  lines = g_strsplit (headers, "\r\n", -1);
  part = g_new0 (Part, 1);
  for (char **line = lines; *line != NULL; line++)
    read_header (part, *line);
  part->data = blank + 4;
  part->size = (size_t) (end - part->data);
  if (part->name != NULL)
    return part;
  part_free (part);
  return NULL;
}

GPtrArray *
multipart_parse (const Request *request)
{
  const char *type = request_header (request, "content-type");
  g_autofree char *boundary = type == NULL || g_ascii_strncasecmp (type, "multipart/", 10) != 0
                                ? NULL : header_param (type, "boundary");
  g_autofree char *mark = boundary == NULL ? NULL : g_strdup_printf ("\r\n--%s", boundary);
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (part_free);
  const char *end = request->body == NULL ? NULL : request->body + request->body_size;
  const char *at;
  size_t length;

  if (mark == NULL || *boundary == '\0' || end == NULL)
    return NULL;
  length = strlen (mark);
  at = request->body_size >= length - 2 && memcmp (request->body, mark + 2, length - 2) == 0
         ? request->body + length - 2 : NULL;
  while (at != NULL && end - at >= 2 && memcmp (at, "--", 2) != 0)
    {
      const char *next = memmem (at, (size_t) (end - at), mark, length);
      bool framed = next != NULL && next >= at + 2 && memcmp (at, "\r\n", 2) == 0;
      Part *part = framed ? read_part (at + 2, next) : NULL;

      if (part == NULL || parts->len >= MOST_PARTS)
        {
          if (part != NULL)
            part_free (part);
          return NULL;
        }
      g_ptr_array_add (parts, part);
      at = next + length;
    }
  if (at == NULL || end - at < 2)
    return NULL;
  return g_steal_pointer (&parts);
}

const Part *
multipart_part (const GPtrArray *parts, const char *name)
{
  for (unsigned i = 0; parts != NULL && i < parts->len; i++)
    {
      const Part *part = parts->pdata[i];

      if (strcmp (part->name, name) == 0)
        return part;
    }
  return NULL;
}

char *
multipart_text (const GPtrArray *parts, const char *name)
{
  const Part *part = multipart_part (parts, name);

  if (part == NULL || part->file_name != NULL || !g_utf8_validate (part->data, (gssize) part->size, NULL))
    return NULL;
  return g_strndup (part->data, part->size);
}
