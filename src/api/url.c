/* URLs: what may be talked to, and what may be written into one. */
#include "api/url.h"

#include "base/error.h"

#include <curl/curl.h>
#include <string.h>

static void
append_encoded (GString *out, const char *text, const char *kept)
{
  for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
    if (g_ascii_isalnum (*at) || strchr (kept, *at) != NULL)
      g_string_append_c (out, *at);
    else
      g_string_append_printf (out, "%%%02X", *at);
}

char *
url_encode (const char *text)
{
  GString *out = g_string_new (NULL);

  append_encoded (out, text, "-._~");
  return g_string_free (out, FALSE);
}

void
url_add (GString *query, const char *name, const char *value)
{
  if (value == NULL)
    return;
  if (query->len > 0)
    g_string_append_c (query, '&');
  g_string_append (query, name);
  g_string_append_c (query, '=');
  append_encoded (query, value, "-._~,");
}

/* One part of @url as libcurl sees it, so that no second parser can disagree. NULL when there is none. */
static char *
part_of (const char *url, CURLUPart part)
{
  CURLU *parsed = curl_url ();
  char *text = NULL, *copy = NULL;

  if (parsed != NULL && curl_url_set (parsed, CURLUPART_URL, url, 0) == CURLUE_OK
      && curl_url_get (parsed, part, &text, 0) == CURLUE_OK)
    copy = g_strdup (text);
  curl_free (text);
  curl_url_cleanup (parsed);
  return copy;
}

bool
url_check_base (const char *url, GError **error)
{
  g_autofree char *scheme = part_of (url, CURLUPART_SCHEME);
  g_autofree char *host = url_host (url);
  g_autofree char *user = part_of (url, CURLUPART_USER);
  const char *rest = strstr (url, "://");

  if (scheme == NULL || host == NULL || rest == NULL || user != NULL || strpbrk (rest + 3, "/?#@ ") != NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
                   "\"%s\" is not the address of a server; it should look like https://www.zohoapis.com", url);
      return false;
    }
  if (strcmp (scheme, "https") == 0 || (strcmp (scheme, "http") == 0 && url_host_is_loopback (host)))
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
               "\"%s\" would send the sign-in unprotected; use https (http is for this machine alone)", url);
  return false;
}

char *
url_host (const char *url)
{
  g_autofree char *host = part_of (url, CURLUPART_HOST);

  return host != NULL && host[0] != '\0' ? g_ascii_strdown (host, -1) : NULL;
}

bool
url_host_is_loopback (const char *host)
{
  return strcmp (host, "127.0.0.1") == 0 || strcmp (host, "localhost") == 0 || strcmp (host, "[::1]") == 0;
}
