/* Page tokens: where the next page starts, bound to the user, the call and its parameters, dead after a day.
 *
 * The text is hexadecimal: time of birth, the last row's time and id, rows so far, and a checksum over all that and
 * over what it is bound to, padded to a length that varies as Zoho's does. */
#include "core.h"

#include <string.h>

enum
{
  LIFE_SECONDS = 24 * 3600,
  HEAD = 4 * 16,
  SUM = 64
};

/* The call without the parameters that may differ from page to page. */
static char *
binding (const Request *request)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (request->query), (GCompareFunc) strcmp);
  GString *text = g_string_new (request->user_id);
  const char *since = request_header (request, "if-modified-since");

  g_string_append_printf (text, "\n%s\n%s", request->path, since == NULL ? "" : since);
  for (GList *name = names; name != NULL; name = name->next)
    {
      if (strcmp (name->data, "page_token") != 0 && strcmp (name->data, "page") != 0)
        g_string_append_printf (text, "\n%s=%s", (const char *) name->data, request_query (request, name->data));
    }
  return g_string_free (text, FALSE);
}

static char *
checksum (const char *head, const char *bound)
{
  g_autofree char *text = g_strconcat (head, bound, NULL);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
}

char *
page_token_new (Emulator *emulator, const Request *request, const PageToken *token)
{
  g_autofree char *bound = binding (request);
  g_autofree char *head = NULL;
  g_autofree char *sum = NULL;
  g_autofree char *padding = NULL;

  head = g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER
                          "x%016" G_GINT64_MODIFIER "x",
                          (gint64) emulator_now (emulator), (gint64) token->last.time, token->last.id, token->count);
  sum = checksum (head, bound);
  padding = g_strnfill (1 + mix (token->last.id, 3) % 300, 'f');
  return g_strconcat (head, sum, padding, NULL);
}

static uint64_t
number_at (const char *text, unsigned index)
{
  g_autofree char *part = g_strndup (text + 16 * index, 16);

  return g_ascii_strtoull (part, NULL, 16);
}

bool
page_token_read (Emulator *emulator, const Request *request, Reply *reply, PageToken *token)
{
  const char *text = request_query (request, "page_token");
  g_autofree char *bound = binding (request);
  g_autofree char *head = NULL;
  g_autofree char *sum = NULL;
  g_autofree char *plain_sum = NULL;

  if (strlen (text) < HEAD + SUM || strspn (text, "0123456789abcdef") != strlen (text))
    {
      reply_error (reply, 400, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "param_name", "page_token"));
      return false;
    }
  head = g_strndup (text, HEAD);
  sum = g_strndup (text + HEAD, SUM);
  plain_sum = checksum (head, bound);
  if (strcmp (sum, plain_sum) != 0)
    {
      reply_error (reply, 400, "TOKEN_BOUND_DATA_MISMATCH", "the page token does not belong to these parameters",
                   json_pack ("{s:s}", "param_name", "page_token"));
      return false;
    }
  if ((time_t) number_at (text, 0) + LIFE_SECONDS <= emulator_now (emulator)
      || setting_on (emulator, "page_tokens_expire"))
    {
      reply_error (reply, 400, "EXPIRED_VALUE", "the page token has expired",
                   json_pack ("{s:s}", "api_name", "page_token"));
      return false;
    }
  token->last.time = (time_t) number_at (text, 1);
  token->last.id = number_at (text, 2);
  token->count = number_at (text, 3);
  return true;
}
