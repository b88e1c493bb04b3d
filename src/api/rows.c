/* Rows of an answer, checked before anybody uses them: what is malformed is refused whole, since a listing that leaves
 * something out unseen is worse than an error. */
#include "api/rows.h"

#include "api/response.h"
#include "base/error.h"

#include <string.h>

#define ID_DIGITS_MAX 19
#define NAME_MAX_BYTES 50
#define TOKEN_BYTES_MAX 4096

static bool
is_good_name (const char *name)
{
  if (name == NULL || !g_ascii_isalpha (name[0]) || strlen (name) > NAME_MAX_BYTES)
    return false;
  for (; *name != '\0'; name++)
    if (!g_ascii_isalnum (*name) && *name != '_')
      return false;
  return true;
}

static bool
check_row (const json_t *row, const char *key, bool ids, GError **error)
{
  if (json_is_object (row) && (!ids || rows_is_id (json_get_text (row, "id"))))
    return true;
  if (response_row (row, error) != RESPONSE_OK)
    return false;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho's answer makes no sense: a row of \"%s\" %s", key,
               json_is_object (row) ? "has no id of 1 to 19 digits" : "is no object");
  return false;
}

json_t *
rows_read (const json_t *body, const char *key, bool ids, GError **error)
{
  json_t *rows = json_object_get (body, key);

  if (body == NULL)
    return json_array ();
  if (!json_is_array (rows))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho's answer makes no sense: it has no \"%s\"", key);
      return NULL;
    }
  for (size_t i = 0; i < json_array_size (rows); i++)
    if (!check_row (json_array_get (rows, i), key, ids, error))
      return NULL;
  return json_incref (rows);
}

json_t *
rows_with_good_names (const json_t *rows)
{
  json_t *good = json_array ();

  for (size_t i = 0; i < json_array_size (rows); i++)
    if (is_good_name (json_get_text (json_array_get (rows, i), "api_name")))
      json_array_append (good, json_array_get (rows, i));
  return good;
}

bool
rows_is_id (const char *text)
{
  size_t digits = text != NULL ? strspn (text, "0123456789") : 0;

  return digits >= 1 && digits <= ID_DIGITS_MAX && text[digits] == '\0';
}

bool
rows_read_info (const json_t *body, bool *more, const char **next_token, GError **error)
{
  const json_t *info = json_object_get (body, "info");
  const json_t *more_records = json_object_get (info, "more_records");

  *more = json_is_true (more_records);
  *next_token = json_get_text (info, "next_page_token");
  if (body == NULL)
    return true;
  if (!json_is_boolean (more_records))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
                   "Zoho's answer makes no sense: it does not say whether more rows follow");
      return false;
    }
  if (*next_token != NULL && strlen (*next_token) > TOKEN_BYTES_MAX)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho's answer makes no sense: its page token is too long");
      return false;
    }
  return true;
}
