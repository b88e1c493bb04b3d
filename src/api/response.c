/* What an answer of Zoho means. A refusal is {"code","details","message","status":"error"}: the whole answer (shape A)
 * or one per row in the collection's array (shape B), either at any HTTP status. */
#include "api/response.h"

#include "base/error.h"
#include "base/mask.h"

#include <string.h>

#define WORDS_MAX 300

typedef struct
{
  const char *code;
  ResponseKind kind;
  ZohoError error;
  const char *words; /* what it means and what to do */
} Meaning;

/* clang-format off */
static const Meaning meanings[] = {
  { "INVALID_TOKEN",              RESPONSE_TOKEN,   ZOHO_ERROR_SIGNED_OUT, "Zoho does not take the access token" },
  { "INVALID_OAUTHTOKEN",         RESPONSE_TOKEN,   ZOHO_ERROR_SIGNED_OUT, "Zoho does not take the access token" },
  { "AUTHENTICATION_FAILURE",     RESPONSE_TOKEN,   ZOHO_ERROR_SIGNED_OUT, "Zoho does not take the access token" },

  { "TOO_MANY_REQUESTS",          RESPONSE_BUSY,    ZOHO_ERROR_SPENT, "Zoho takes no more calls for now: too many at once, or the day's API credits are spent" },
  { "RATE_LIMIT_EXCEEDED",        RESPONSE_BUSY,    ZOHO_ERROR_SPENT, "Zoho takes no more calls for now: too many at once, or the day's API credits are spent" },

  { "INTERNAL_ERROR",             RESPONSE_BROKEN,  ZOHO_ERROR_FAILED, "Zoho failed; try again later" },
  { "SERVICE_UNAVAILABLE",        RESPONSE_BROKEN,  ZOHO_ERROR_FAILED, "Zoho is not available; try again later" },

  { "OAUTH_SCOPE_MISMATCH",       RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "The sign-in lacks a permission (scope) for this; `zohofs login` asks for all that are needed" },
  { "NO_PERMISSION",              RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "The CRM profile of this user does not allow it; ask the CRM's administrator" },
  { "AUTHORIZATION_FAILED",       RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "The CRM profile of this user does not allow it; ask the CRM's administrator" },
  { "NOT_SUPPORTED",              RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "Zoho does not offer this to this user or module" },
  { "API_NOT_SUPPORTED",          RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "Zoho does not offer this by its API" },
  { "FEATURE_NOT_SUPPORTED",      RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "This organization's edition does not include it" },
  { "NOT_ALLOWED",                RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "The CRM's rules do not allow it" },
  { "CANNOT_PERFORM_ACTION",      RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "The CRM's rules do not allow it" },
  { "CANNOT_PROCESS",             RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "The CRM's rules do not allow it" },
  { "ID_ALREADY_CONVERTED",       RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "The lead is converted and can no longer be changed" },
  { "RECORD_IN_BLUEPRINT",        RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "A blueprint rules this record; move it on in the CRM" },
  { "DOWNLOAD_NOT_ALLOWED",       RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "This attachment is a link and has no content" },

  { "INVALID_MODULE",             RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "There is no such module, or it is hidden from this user" },
  { "RESOURCE_NOT_FOUND",         RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "There is nothing of this id" },
  { "INVALID_URL_PATTERN",        RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "Zoho has no such call" },
  { "NOT_SUBSCRIBED",             RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "There is no such notification channel" },
  { "FILE_NOT_FOUND",             RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "There is no such file" },

  { "ALREADY_MODIFIED",           RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "The record was changed in the CRM meanwhile; read it again" },
  { "NOT_APPROVED",               RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "The record waits for approval; try again when it is decided" },
  { "NOT_REVIEWED",               RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "The record waits for review; try again when it is decided" },
  { "RECORD_LOCKED",              RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "The record is locked in the CRM; try again when it is free" },
  { "TOKEN_BOUND_DATA_MISMATCH",  RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "The list's page token is no longer good; begin the list again" },

  { "DUPLICATE_DATA",             RESPONSE_REFUSED, ZOHO_ERROR_DUPLICATE, "Another record has this value already, and it must be unique; change it, or edit that record" },
  { "DUPLICATE_LINKING_DATA",     RESPONSE_REFUSED, ZOHO_ERROR_DUPLICATE, "These records are linked already" },

  { "BODY_SIZE_REACHED",          RESPONSE_REFUSED, ZOHO_ERROR_TOO_LARGE, "It is larger than Zoho takes" },
  { "FILE_SIZE_MORE_THAN_ALLOWED_SIZE", RESPONSE_REFUSED, ZOHO_ERROR_TOO_LARGE, "The file is larger than Zoho takes" },
  { "FILE_TOO_LARGE",             RESPONSE_REFUSED, ZOHO_ERROR_TOO_LARGE, "The file is larger than Zoho takes" },
  { "FILE_SIZE_EXCEEDS",          RESPONSE_REFUSED, ZOHO_ERROR_TOO_LARGE, "The file is larger than Zoho takes" },
  { "LIMIT_REACHED",              RESPONSE_REFUSED, ZOHO_ERROR_TOO_LARGE, "A search gives 2,000 records at most; narrow it" },
  { "PAGINATION_LIMIT_EXCEEDED",  RESPONSE_REFUSED, ZOHO_ERROR_TOO_LARGE, "A list gives 100,000 records at most" },
  { "STORAGE_SPACE_EXCEEDED",     RESPONSE_REFUSED, ZOHO_ERROR_SPENT, "The organization's storage is full" },

  { "LICENSE_LIMIT_EXCEEDED",     RESPONSE_REFUSED, ZOHO_ERROR_SPENT, "The organization's edition allows no more of these" },

  { "LIMIT_EXCEEDED",             RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "It is more than Zoho takes at once" },
  { "MANDATORY_NOT_FOUND",        RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "A field that must be set is missing; set it" },
  { "EXPECTED_FIELD_MISSING",     RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "One of several fields must be set; set one" },
  { "DEPENDENT_FIELD_MISSING",    RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "A field that this one depends on is missing" },
  { "DEPENDENT_MISMATCH",         RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "The value does not fit the field it depends on" },
  { "MAPPING_MISMATCH",           RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "The value does not fit the field it depends on" },
  { "MULTIPLE_OR_MULTI_ERRORS",   RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "Zoho refused several values; correct them" },
  { "INVALID_DATA",               RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "Zoho refused a value; correct it" },
  { "EXPIRED_VALUE",              RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "A value is too old" },
  { "INVALID_HOST",               RESPONSE_REFUSED, ZOHO_ERROR_FAILED,  "This is no API host of Zoho; check api_url and data_center" },
  { "INVALID_REQUEST_METHOD",     RESPONSE_REFUSED, ZOHO_ERROR_FAILED,  "Zoho does not take this kind of call here" },
};
/* clang-format on */

static const Meaning *
meaning_of (const char *code)
{
  for (size_t i = 0; i < G_N_ELEMENTS (meanings); i++)
    if (strcmp (meanings[i].code, code) == 0)
      return &meanings[i];
  return NULL;
}

/* What the HTTP number says where no code does, or none that we know. */
static Meaning
meaning_of_status (int status)
{
  if (status == 401)
    return (Meaning){ NULL, RESPONSE_TOKEN, ZOHO_ERROR_SIGNED_OUT, "Zoho does not take the access token" };
  if (status == 403)
    return (Meaning){ NULL, RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "Zoho does not allow it" };
  if (status == 404)
    return (Meaning){ NULL, RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "Zoho has no such thing" };
  if (status == 412)
    return (Meaning){ NULL, RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "The record was changed in the CRM meanwhile" };
  if (status == 413)
    return (Meaning){ NULL, RESPONSE_REFUSED, ZOHO_ERROR_TOO_LARGE, "It is larger than Zoho takes" };
  if (status == 429)
    return (Meaning){ NULL, RESPONSE_BUSY, ZOHO_ERROR_SPENT, "Zoho takes no more calls for now" };
  if (status >= 500)
    return (Meaning){ NULL, RESPONSE_BROKEN, ZOHO_ERROR_FAILED, "Zoho failed; try again later" };
  if (status >= 400)
    return (Meaning){ NULL, RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "Zoho refused the call" };
  if (status >= 300)
    return (Meaning){ NULL, RESPONSE_REFUSED, ZOHO_ERROR_FAILED,
                      "The server sends us to another address, which is not followed; check api_url" };
  return (Meaning){ NULL, RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "Zoho refused the call" };
}

/* The code of a refusal: text, or the 429 of an older form, whose name is under "error". */
static const char *
code_of (const json_t *refusal)
{
  const char *code = json_get_text (refusal, "code");

  if (code == NULL && json_is_integer (json_object_get (refusal, "code")))
    code = json_get_text (refusal, "error");
  return code;
}

/* What follows "$.data[N]." in the place of a value, since the row's number in the call tells a person nothing. */
static const char *
place_in_row (const char *path)
{
  const char *rest = path;

  if (!g_str_has_prefix (path, "$.data["))
    return path;
  rest += strlen ("$.data[");
  rest += strspn (rest, "0123456789");
  return g_str_has_prefix (rest, "].") ? rest + 2 : path;
}

/* INVALID_DATA is about the record's own id, not about a value, when it names a segment of the path or the row's id. */
static bool
is_about_id (const json_t *details)
{
  const char *name = json_get_text (details, "api_name");
  const char *path = json_get_text (details, "json_path");
  const char *param = json_get_text (details, "param_name");

  if (json_object_get (details, "resource_path_index") != NULL)
    return true;
  if (name == NULL)
    return (param == NULL && json_object_get (details, "id") != NULL) || g_strcmp0 (param, "id") == 0;
  if (strcmp (name, "id") != 0)
    return false;
  return path == NULL || strcmp (place_in_row (path), "id") == 0;
}

static bool
is_about_page_token (const json_t *details)
{
  return g_strcmp0 (json_get_text (details, "api_name"), "page_token") == 0
         || g_strcmp0 (json_get_text (details, "param_name"), "page_token") == 0;
}

static Meaning
meaning_of_refusal (int status, const json_t *refusal)
{
  const json_t *details = json_object_get (refusal, "details");
  const char *code = code_of (refusal);
  const Meaning *known = code != NULL ? meaning_of (code) : NULL;

  if (code == NULL)
    return meaning_of_status (status);
  if (strcmp (code, "INVALID_DATA") == 0 && (status == 404 || is_about_id (details)))
    return (Meaning){ code, RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "There is no record of this id" };
  if (strcmp (code, "EXPIRED_VALUE") == 0 && is_about_page_token (details))
    return (Meaning){ code, RESPONSE_REFUSED, ZOHO_ERROR_CHANGED,
                      "The list's page token is no longer good; begin the list again" };
  if (known != NULL)
    return *known;
  return meaning_of_status (status >= 400 ? status : 400);
}

/* Text of others, made fit for one line. These words go to logs, drafts and journals, so a token ends here. */
static void
append_text (GString *out, const char *said)
{
  g_autofree char *masked = mask_tokens (said);
  const char *text = masked;

  for (; *text != '\0' && out->len < 2 * WORDS_MAX; text = g_utf8_next_char (text))
    if (g_unichar_isprint (g_utf8_get_char (text)))
      g_string_append_len (out, text, g_utf8_next_char (text) - text);
    else
      g_string_append_c (out, ' ');
}

/* Appends ", <what> <value>" where @details has @key. */
static void
append_detail (GString *out, const json_t *details, const char *key, const char *what)
{
  const json_t *value = json_object_get (details, key);
  const char *text = json_text (value);

  if (text == NULL && !json_is_integer (value))
    return;
  g_string_append_printf (out, ", %s ", what);
  if (text != NULL)
    append_text (out, text);
  else
    g_string_append_printf (out, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
}

/* Appends ", <what> A, B" where @details has an array of texts at @key. */
static void
append_list (GString *out, const json_t *details, const char *key, const char *what)
{
  const json_t *list = json_object_get (details, key);

  for (size_t i = 0; i < json_array_size (list) && i < 10; i++)
    {
      const json_t *item = json_array_get (list, i);
      const char *text = json_is_object (item) ? json_get_text (item, "api_name") : json_text (item);

      if (text == NULL)
        continue;
      g_string_append_printf (out, ", %s ", what);
      append_text (out, text);
    }
}

/* Appends the place of a value where the field's name alone does not say it, such as "Milestones[0].Weight". */
static void
append_place (GString *out, const json_t *details)
{
  const char *path = json_get_text (details, "json_path");
  const char *place = path != NULL ? place_in_row (path) : NULL;

  if (place == NULL || g_strcmp0 (place, json_get_text (details, "api_name")) == 0)
    return;
  g_string_append (out, ", at ");
  append_text (out, place);
}

static void
append_value (GString *out, const json_t *details)
{
  append_detail (out, details, "api_name", "field");
  append_detail (out, details, "parent_api_name", "in");
  append_place (out, details);
  append_detail (out, details, "expected_data_type", "expected");
  append_detail (out, details, "maximum_length", "at most");
  append_list (out, details, "supported_values", "allowed");
}

/* Appends what MULTIPLE_OR_MULTI_ERRORS stands for: refusals of their own, or mere names of fields. */
static void
append_errors (GString *out, const json_t *errors)
{
  for (size_t i = 0; i < json_array_size (errors) && i < 10; i++)
    {
      const json_t *item = json_array_get (errors, i);
      const json_t *details = json_object_get (item, "details");
      const char *code = code_of (item);

      if (code != NULL)
        {
          g_string_append (out, ", ");
          append_text (out, code);
        }
      append_value (out, details != NULL ? details : item);
    }
}

/* Of a query: where in it. */
static void
append_query_place (GString *out, const json_t *details)
{
  append_detail (out, details, "line", "line");
  append_detail (out, details, "column", "column");
  append_detail (out, details, "near", "near");
  append_detail (out, details, "clause", "clause");
  append_detail (out, details, "column_name", "column");
  append_detail (out, details, "operator", "operator");
  append_detail (out, details, "value", "value");
  append_detail (out, details, "alias", "alias");
  append_detail (out, details, "module", "module");
  append_detail (out, details, "cvid", "view");
  append_detail (out, details, "reason", "since");
}

static void
append_details (GString *out, const json_t *details)
{
  const json_t *other = json_object_get (details, "duplicate_record");

  append_value (out, details);
  append_detail (out, details, "param_name", "parameter");
  append_list (out, details, "param_names", "parameter");
  append_detail (out, details, "limit", "limit");
  append_detail (out, details, "dependee", "depends on");
  append_list (out, details, "expected_fields", "expected");
  append_list (out, details, "permissions", "permission");
  append_detail (out, details, "action", "action");
  append_query_place (out, details);
  append_errors (out, json_object_get (details, "errors"));
  append_detail (out, other != NULL ? other : details, "id", "record");
  append_detail (out, json_object_get (other, "module"), "api_name", "of");
}

/* Where the refused value is. */
static const char *
field_of (const json_t *details)
{
  const char *path = json_get_text (details, "json_path");

  if (path != NULL && place_in_row (path) != path)
    return place_in_row (path);
  return json_get_text (details, "api_name");
}

/* A place in a text; 0 when it is none. */
static unsigned
number_of (const json_t *details, const char *key)
{
  json_int_t number = json_integer_value (json_object_get (details, key));

  return number > 0 && number <= G_MAXINT32 ? (unsigned)number : 0;
}

static ResponseKind
refuse (int status, const json_t *refusal, GError **error)
{
  Meaning meaning = meaning_of_refusal (status, refusal);
  const char *code = code_of (refusal), *message = json_get_text (refusal, "message");
  g_autoptr (GString) words = g_string_new (meaning.words);

  g_string_append (words, " (");
  if (code != NULL)
    append_text (words, code);
  else
    g_string_append_printf (words, "HTTP %d", status);
  append_details (words, json_object_get (refusal, "details"));
  g_string_append_c (words, ')');
  if (message != NULL && words->len < WORDS_MAX)
    {
      g_string_append (words, ": ");
      append_text (words, message);
    }
  g_set_error_literal (error, ZOHO_ERROR, meaning.error, words->str);
  if (error != NULL)
    {
      const json_t *details = json_object_get (refusal, "details");

      zoho_error_set_refusal (*error, code, field_of (details));
      zoho_error_set_place (*error, number_of (details, "line"), number_of (details, "column"));
    }
  return meaning.kind;
}

static bool
is_refusal (const json_t *value)
{
  return code_of (value) != NULL && g_strcmp0 (json_get_text (value, "status"), "error") == 0;
}

/* The first refused row of any array in @body, or NULL. */
static const json_t *
refused_row (const json_t *body)
{
  const char *key;
  json_t *rows;

  json_object_foreach ((json_t *)body, key, rows)
    for (size_t i = 0; i < json_array_size (rows); i++)
      if (is_refusal (json_array_get (rows, i)))
        return json_array_get (rows, i);
  return NULL;
}

/* Is each row of "data" refused, and some for what it is? Else the call as a whole was, and another try may mend it. */
static bool
refuses_each_row (int status, const json_t *body)
{
  const json_t *rows = json_object_get (body, "data");
  bool own = false;

  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      const json_t *row = json_array_get (rows, i);

      if (!is_refusal (row))
        return false;
      own = own || meaning_of_refusal (status, row).kind == RESPONSE_REFUSED;
    }
  return own;
}

static bool
looks_like_html (const char *text, size_t size)
{
  while (size > 0 && g_ascii_isspace (*text))
    text++, size--;
  return size > 0 && *text == '<';
}

/* A value may hold U+0000, which no text of C can: U+FFFD is shown in its place, so that one such record does not
 * keep a whole page from being read. Returns: NULL when there is none in @text; else the same, to g_free(). */
static char *
without_nul (const char *text, size_t size)
{
  const char *at = text, *end = text + size;
  char *copy = NULL;

  if (size == 0) /* and perhaps no text */
    return NULL;
  while ((at = memmem (at, (size_t)(end - at), "\\u0000", 6)) != NULL)
    {
      const char *first = at;

      while (first > text && first[-1] == '\\')
        first--;
      /* After an odd number of backslashes this one is no escape, but escaped. */
      if ((at - first) % 2 == 0)
        {
          copy = copy != NULL ? copy : g_memdup2 (text, size);
          memcpy (copy + (at - text), "\\ufffd", 6);
        }
      at += 6;
    }
  return copy;
}

/* @why: what json_parse() said. */
static ResponseKind
refuse_text (int status, const char *text, size_t size, const GError *why, GError **error)
{
  Meaning meaning = meaning_of_status (status);

  if (meaning.kind != RESPONSE_REFUSED || status >= 300)
    g_set_error (error, ZOHO_ERROR, meaning.error, "%s (HTTP %d)", meaning.words, status);
  else if (looks_like_html (text, size))
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
                 "The server answered with a web page (HTML) instead of data; is api_url right, and is no proxy or "
                 "sign-in page in between?");
  else
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The server's answer is not what Zoho sends: %s",
                 why != NULL ? why->message : "it is no object");
  return meaning.kind;
}

static ResponseKind
read_answer (int status, const char *text, size_t size, bool rows, json_t **body, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (json_t) parsed = NULL;
  g_autofree char *clean = NULL;
  const json_t *row;

  *body = NULL;
  if (status == 204 || status == 304)
    return RESPONSE_OK;
  clean = without_nul (text, size);
  parsed = json_parse (clean != NULL ? clean : text, size, &why);
  if (!json_is_object (parsed))
    return refuse_text (status, text, size, why, error);
  if (is_refusal (parsed) || (status >= 300 && code_of (parsed) != NULL))
    return refuse (status, parsed, error);
  if (rows && (status == 400 || status == 412) && refuses_each_row (status, parsed))
    {
      *body = g_steal_pointer (&parsed);
      return RESPONSE_OK;
    }
  if (status >= 300)
    {
      row = refused_row (parsed);
      return refuse (status, row != NULL ? row : parsed, error);
    }
  if (status < 200)
    return refuse_text (status, text, size, NULL, error);
  *body = g_steal_pointer (&parsed);
  return RESPONSE_OK;
}

ResponseKind
response_read (int status, const char *text, size_t size, json_t **body, GError **error)
{
  return read_answer (status, text, size, false, body, error);
}

ResponseKind
response_read_rows (int status, const char *text, size_t size, json_t **body, GError **error)
{
  return read_answer (status, text, size, true, body, error);
}

ResponseKind
response_row (const json_t *row, GError **error)
{
  return is_refusal (row) ? refuse (400, row, error) : RESPONSE_OK;
}

void
response_set_unclear (GError **error)
{
  g_autoptr (GError) why = g_steal_pointer (error);

  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_UNCLEAR,
               "It may have been done all the same; look in the CRM before trying again: %s", why->message);
}
