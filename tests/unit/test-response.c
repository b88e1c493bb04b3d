/* What an answer of Zoho means, and the rows in it. */
#include "api/response.h"

#include "api/rows.h"
#include "base/error.h"

#include <string.h>

typedef struct
{
  int status;
  const char *text;
  ResponseKind kind;
  int error;         /* ZohoError */
  const char *words; /* that must be in the message */
} Case;

#define A(code, details)                                                                                               \
  "{\"code\":\"" code "\",\"details\":" details ",\"message\":\"some words\",\"status\":\"error\"}"
#define B(code, details) "{\"data\":[" A (code, details) "]}"

/* clang-format off */
static const Case refused[] = {
  { 401, A ("INVALID_TOKEN", "{}"),          RESPONSE_TOKEN,   ZOHO_ERROR_SIGNED_OUT, "INVALID_TOKEN" },
  { 200, A ("INVALID_TOKEN", "{}"),          RESPONSE_TOKEN,   ZOHO_ERROR_SIGNED_OUT, "some words" },
  { 401, A ("AUTHENTICATION_FAILURE", "{}"), RESPONSE_TOKEN,   ZOHO_ERROR_SIGNED_OUT, "" },
  { 401, "",                                 RESPONSE_TOKEN,   ZOHO_ERROR_SIGNED_OUT, "401" },
  { 401, A ("OAUTH_SCOPE_MISMATCH", "{}"),   RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "zohofs login" },
  { 403, A ("OAUTH_SCOPE_MISMATCH", "{}"),   RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "scope" },
  { 403, A ("NO_PERMISSION", "{\"permissions\":[\"Crm_Implied_View_Leads\"]}"), RESPONSE_REFUSED, ZOHO_ERROR_DENIED,
    "permission Crm_Implied_View_Leads" },
  { 403, "{}",                               RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "403" },
  { 400, A ("NOT_SUPPORTED", "{}"),          RESPONSE_REFUSED, ZOHO_ERROR_DENIED, "" },

  { 400, A ("INVALID_MODULE", "{\"resource_path_index\":0}"), RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "module" },
  { 404, A ("INVALID_DATA", "{}"),           RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "" },
  { 400, A ("INVALID_DATA", "{\"resource_path_index\":1}"), RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "id" },
  { 400, B ("INVALID_DATA", "{\"id\":\"5\"}"), RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "" },
  { 400, B ("INVALID_DATA", "{\"api_name\":\"id\",\"json_path\":\"$.data[0].id\"}"), RESPONSE_REFUSED,
    ZOHO_ERROR_NOT_FOUND, "" },
  { 400, B ("INVALID_DATA", "{\"api_name\":\"id\",\"json_path\":\"$.data[0].Account_Name.id\"}"), RESPONSE_REFUSED,
    ZOHO_ERROR_INVALID, "Account_Name" },
  { 400, B ("INVALID_DATA", "{\"api_name\":\"id\",\"json_path\":\"$.data[0].Milestones[1].id\"}"), RESPONSE_REFUSED,
    ZOHO_ERROR_INVALID, "field id, at Milestones[1].id" },
  { 404, A ("INVALID_URL_PATTERN", "{}"),    RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "" },
  { 404, "<html>",                           RESPONSE_REFUSED, ZOHO_ERROR_NOT_FOUND, "404" },

  { 400, B ("INVALID_DATA", "{\"api_name\":\"No_of_Employees\",\"expected_data_type\":\"integer\"}"), RESPONSE_REFUSED,
    ZOHO_ERROR_INVALID, "field No_of_Employees, expected integer" },
  { 400, A ("REQUIRED_PARAM_MISSING", "{\"param_name\":\"fields\"}"), RESPONSE_REFUSED, ZOHO_ERROR_INVALID,
    "parameter fields" },
  { 400, A ("LIMIT_EXCEEDED", "{\"limit\":50}"), RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "limit 50" },
  { 400, A ("LICENSE_LIMIT_EXCEEDED", "{}"), RESPONSE_REFUSED, ZOHO_ERROR_SPENT, "edition" },
  { 400, B ("MANDATORY_NOT_FOUND", "{\"api_name\":\"Last_Name\",\"json_path\":\"$.data[7].Last_Name\"}"), RESPONSE_REFUSED,
    ZOHO_ERROR_INVALID, "set it (MANDATORY_NOT_FOUND, field Last_Name): some" },
  { 400, B ("INVALID_DATA", "{\"api_name\":\"Weight\",\"parent_api_name\":\"Milestones\",\"expected_data_type\":\"double\","
                            "\"json_path\":\"$.data[3].Milestones[1].Weight\"}"), RESPONSE_REFUSED, ZOHO_ERROR_INVALID,
    "field Weight, in Milestones, at Milestones[1].Weight, expected double" },
  { 400, B ("INVALID_DATA", "{\"api_name\":\"Stage\",\"supported_values\":[\"Won\",\"Lost\"]}"), RESPONSE_REFUSED,
    ZOHO_ERROR_INVALID, "allowed Won, allowed Lost" },
  { 400, B ("MULTIPLE_OR_MULTI_ERRORS", "{\"errors\":[" A ("INVALID_DATA", "{\"api_name\":\"Email\"}") ","
                                        A ("MANDATORY_NOT_FOUND", "{\"api_name\":\"Last_Name\"}") "]}"), RESPONSE_REFUSED,
    ZOHO_ERROR_INVALID, ", INVALID_DATA, field Email, MANDATORY_NOT_FOUND, field Last_Name" },
  { 405, A ("INVALID_REQUEST_METHOD", "{}"), RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "" },
  { 400, A ("INVALID_REQUEST_METHOD", "{}"), RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "" },
  { 400, B ("DUPLICATE_DATA", "{\"api_name\":\"Email\",\"duplicate_record\":{\"id\":\"77\"}}"), RESPONSE_REFUSED,
    ZOHO_ERROR_DUPLICATE, "record 77" },
  { 400, B ("DUPLICATE_DATA", "{\"api_name\":\"Email\",\"id\":\"78\"}"), RESPONSE_REFUSED, ZOHO_ERROR_DUPLICATE,
    "record 78" },
  { 400, B ("DUPLICATE_DATA", "{\"duplicate_record\":{\"id\":\"77\",\"module\":{\"api_name\":\"Leads\"}}}"), RESPONSE_REFUSED,
    ZOHO_ERROR_DUPLICATE, "record 77, of Leads" },
  { 412, B ("ALREADY_MODIFIED", "{\"id\":\"5\"}"), RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "" },
  { 412, "",                                 RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "" },
  { 400, B ("RECORD_LOCKED", "{\"action\":\"delete\"}"), RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "action delete" },
  { 400, B ("NOT_APPROVED", "{}"),           RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "approval" },
  { 400, A ("TOKEN_BOUND_DATA_MISMATCH", "{}"), RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "begin the list again" },
  { 400, A ("EXPIRED_VALUE", "{\"api_name\":\"page_token\"}"), RESPONSE_REFUSED, ZOHO_ERROR_CHANGED, "begin" },
  { 400, A ("EXPIRED_VALUE", "{\"api_name\":\"channel_expiry\"}"), RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "" },
  { 413, A ("BODY_SIZE_REACHED", "{}"),      RESPONSE_REFUSED, ZOHO_ERROR_TOO_LARGE, "" },
  { 400, A ("SOME_NEW_CODE", "{}"),          RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "SOME_NEW_CODE" },
  { 200, A ("SOME_NEW_CODE", "{}"),          RESPONSE_REFUSED, ZOHO_ERROR_INVALID, "SOME_NEW_CODE" },

  { 429, A ("TOO_MANY_REQUESTS", "{}"),      RESPONSE_BUSY,    ZOHO_ERROR_SPENT, "" },
  { 200, A ("RATE_LIMIT_EXCEEDED", "{}"),    RESPONSE_BUSY,    ZOHO_ERROR_SPENT, "" },
  { 429, "{\"code\":429,\"error\":\"TOO_MANY_REQUESTS\",\"error_info\":\"x\",\"details\":[]}", RESPONSE_BUSY,
    ZOHO_ERROR_SPENT, "TOO_MANY_REQUESTS" },
  { 429, "",                                 RESPONSE_BUSY,    ZOHO_ERROR_SPENT, "" },
  { 500, A ("INTERNAL_ERROR", "{}"),         RESPONSE_BROKEN,  ZOHO_ERROR_FAILED, "" },
  { 500, A ("SOME_NEW_CODE", "{}"),          RESPONSE_BROKEN,  ZOHO_ERROR_FAILED, "" },
  { 502, "<html>Bad Gateway</html>",         RESPONSE_BROKEN,  ZOHO_ERROR_FAILED, "502" },
  { 503, "",                                 RESPONSE_BROKEN,  ZOHO_ERROR_FAILED, "" },

  { 200, " \n<!DOCTYPE html><html></html>",  RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "HTML" },
  { 200, "",                                 RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "not what Zoho sends" },
  { 200, "{\"data\":[",                      RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "not JSON" },
  { 200, "[1]",                              RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "no object" },
  { 200, "7",                                RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "no object" },
  { 302, "",                                 RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "another address" },
  { 302, "{}",                               RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "another address" },
  { 0,   "{}",                               RESPONSE_REFUSED, ZOHO_ERROR_FAILED, "" },
};
/* clang-format on */

static void
test_refusals (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      const Case *c = &refused[i];
      g_autoptr (GError) error = NULL;
      json_t *body;
      ResponseKind kind = response_read (c->status, c->text, strlen (c->text), &body, &error);

      g_test_message ("%d %s: %s", c->status, c->text, error != NULL ? error->message : "taken");
      g_assert_cmpint (kind, ==, c->kind);
      g_assert_error (error, ZOHO_ERROR, c->error);
      g_assert_nonnull (strstr (error->message, c->words));
      g_assert_null (body);
    }
}

static void
test_answers (void)
{
  static const char *const good[] = {
    "{}",
    "{\"data\":[]}",
    "{\"count\":3}",
    B ("INVALID_DATA", "{}"),
    "{\"status\":\"success\",\"code\":\"SUCCESS\",\"message\":\"m\",\"details\":{}}",
  };
  json_t *body;

  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_assert_cmpint (response_read (i == 3 ? 207 : 200, good[i], strlen (good[i]), &body, NULL), ==, RESPONSE_OK);
      g_assert_nonnull (body);
      json_decref (body);
    }
  g_assert_cmpint (response_read (204, "", 0, &body, NULL), ==, RESPONSE_OK);
  g_assert_null (body);
  g_assert_cmpint (response_read (304, "junk", 4, &body, NULL), ==, RESPONSE_OK);
  g_assert_null (body);
}

/* What each status and each kind of rows makes of the refusals of a write. */
static void
test_refused_rows_of_a_write (void)
{
  static const struct
  {
    int status;
    const char *text;
    ResponseKind kind;
  } cases[] = {
    { 400, B ("INVALID_DATA", "{}"), RESPONSE_OK },
    { 412, B ("ALREADY_MODIFIED", "{}"), RESPONSE_OK },
    { 207, B ("INVALID_DATA", "{}"), RESPONSE_OK },
    { 403, B ("NO_PERMISSION", "{}"), RESPONSE_REFUSED },
    { 400, A ("INVALID_DATA", "{}"), RESPONSE_REFUSED },
    { 400, "{\"data\":[" A ("INVALID_DATA", "{}") ",{\"id\":\"1\"}]}", RESPONSE_REFUSED },
    { 400, "{\"data\":[]}", RESPONSE_REFUSED },
    { 400, B ("TOO_MANY_REQUESTS", "{}"), RESPONSE_BUSY },
    { 400, "{\"data\":[" A ("INVALID_DATA", "{}") "," A ("INTERNAL_ERROR", "{}") "]}", RESPONSE_OK },
    { 400, B ("INTERNAL_ERROR", "{}"), RESPONSE_BROKEN },
    { 401, B ("INVALID_TOKEN", "{}"), RESPONSE_TOKEN },
    { 500, B ("INVALID_DATA", "{}"), RESPONSE_REFUSED },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (json_t) body = NULL;

      g_test_message ("%d %s", cases[i].status, cases[i].text);
      g_assert_cmpint (response_read_rows (cases[i].status, cases[i].text, strlen (cases[i].text), &body, &error), ==,
                       cases[i].kind);
      g_assert_true ((body != NULL) == (cases[i].kind == RESPONSE_OK));
      g_assert_true ((error == NULL) == (cases[i].kind == RESPONSE_OK));
    }
}

static void
test_nul (void)
{
  static const char *const texts[][2] = {
    { "{\"a\":\"\\u0000\"}", "\357\277\275" },
    { "{\"a\":\"x\\u0000\\u0000y\\u0000\"}", "x\357\277\275\357\277\275y\357\277\275" },
    { "{\"a\":\"\\\\u0000\"}", "\\u0000" },
    { "{\"a\":\"\\\\\\u0000\"}", "\\\357\277\275" },
    { "{\"a\":\"u0000\"}", "u0000" },
  };
  json_t *body;

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_assert_cmpint (response_read (200, texts[i][0], strlen (texts[i][0]), &body, NULL), ==, RESPONSE_OK);
      g_assert_cmpstr (json_string_value (json_object_get (body, "a")), ==, texts[i][1]);
      json_decref (body);
    }
}

static void
test_words_stay_on_one_line (void)
{
  const char *text = "{\"code\":\"X\\n\\u001b[31mY\",\"message\":\"a\\r\\nb\",\"status\":\"error\"}";
  g_autoptr (GError) error = NULL;
  json_t *body;

  response_read (400, text, strlen (text), &body, &error);
  g_assert_null (strpbrk (error->message, "\r\n\x1b"));
}

static json_t *
rows_of (const char *text, GError **error)
{
  g_autoptr (json_t) body = json_parse (text, strlen (text), NULL);

  g_assert_nonnull (body);
  return rows_read (body, "data", true, error);
}

static void
test_rows (void)
{
  static const char *const bad[] = {
    "{}",
    "{\"data\":{}}",
    "{\"data\":[7]}",
    "{\"data\":[null]}",
    "{\"data\":[{}]}",
    "{\"data\":[{\"id\":7}]}",
    "{\"data\":[{\"id\":\"\"}]}",
    "{\"data\":[{\"id\":\"12345678901234567890\"}]}",
    "{\"data\":[{\"id\":\"1\"},{\"id\":\"x\"}]}",
    "{\"data\":[{\"id\":\"../1\"}]}",
    "{\"data\":[{\"id\":12345678901234567890}]}",
  };
  g_autoptr (GError) denied = NULL;
  g_autoptr (json_t) none = rows_read (NULL, "data", true, NULL);
  g_autoptr (json_t) two = rows_of ("{\"data\":[{\"id\":\"1\"},{\"id\":\"1234567890123456789\"}]}", NULL);

  g_assert_cmpint (json_array_size (none), ==, 0);
  g_assert_cmpint (json_array_size (two), ==, 2);
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      if (rows_of (bad[i], &error) != NULL)
        g_error ("%s was taken", bad[i]);
      g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED);
    }
  g_assert_null (rows_of (B ("NO_PERMISSION", "{}"), &denied));
  g_assert_error (denied, ZOHO_ERROR, ZOHO_ERROR_DENIED);
}

static void
test_names (void)
{
  const char *text
      = "[{\"api_name\":\"Leads\"},{\"api_name\":\"Services__s\"},{\"api_name\":\"../etc\"},{\"api_name\":7},"
        "{\"api_name\":\"\"},{\"api_name\":\"9x\"},{\"api_name\":\"A b\"},{},"
        "{\"api_name\":\"A23456789012345678901234567890123456789012345678901\"}]";
  g_autoptr (json_t) rows = json_parse (text, strlen (text), NULL);
  g_autoptr (json_t) good = rows_with_good_names (rows);

  g_assert_cmpint (json_array_size (good), ==, 2);
}

static void
test_info (void)
{
  static const char *const bad[] = {
    "{}",
    "{\"info\":7}",
    "{\"info\":{}}",
    "{\"info\":{\"more_records\":\"true\"}}",
  };
  const char *good = "{\"info\":{\"more_records\":true,\"next_page_token\":\"abc\"}}";
  g_autoptr (json_t) body = json_parse (good, strlen (good), NULL);
  const char *token;
  bool more;

  g_assert_true (rows_read_info (body, &more, &token, NULL));
  g_assert_true (more);
  g_assert_cmpstr (token, ==, "abc");
  g_assert_true (rows_read_info (NULL, &more, &token, NULL));
  g_assert_false (more);
  g_assert_null (token);
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (json_t) other = json_parse (bad[i], strlen (bad[i]), NULL);

      g_assert_false (rows_read_info (other, &more, &token, &error));
      g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/response/refusals", test_refusals);
  g_test_add_func ("/response/answers", test_answers);
  g_test_add_func ("/response/refused-rows-of-a-write", test_refused_rows_of_a_write);
  g_test_add_func ("/response/nul", test_nul);
  g_test_add_func ("/response/words-stay-on-one-line", test_words_stay_on_one_line);
  g_test_add_func ("/rows/rows", test_rows);
  g_test_add_func ("/rows/names", test_names);
  g_test_add_func ("/rows/info", test_info);
  return g_test_run ();
}
