/* What others say (servers, programs, names of files) may repeat a token to us; it must not be repeated further. */
#include "base/mask.h"

#include <glib.h>
#include <string.h>

/* Zoho's tokens and grant codes are "1000." and a long run of letters, digits and dots. */
#define TOKEN_PREFIX "1000."
#define TOKEN_BODY_MIN 12

static size_t
token_size (const char *text)
{
  const char *end = text + strlen (TOKEN_PREFIX);

  if (!g_str_has_prefix (text, TOKEN_PREFIX))
    return 0;
  while (g_ascii_isalnum (*end) || *end == '.')
    end++;
  return (size_t) (end - text) >= strlen (TOKEN_PREFIX) + TOKEN_BODY_MIN ? (size_t) (end - text) : 0;
}

char *
mask_tokens (const char *text)
{
  GString *out = g_string_new (NULL);

  while (*text != '\0')
    {
      size_t size = token_size (text);

      if (size > 0)
        g_string_append (out, TOKEN_PREFIX "[masked]");
      else
        g_string_append_c (out, *text);
      text += MAX (size, 1);
    }
  return g_string_free (out, FALSE);
}
