/* Writing, against a scripted server: what is asked, and what is made of the answers. */
#include "api/write.h"

#include "base/error.h"
#include "base/lock.h"
#include "zoho_script.h"

#include <string.h>

#define DONE(id) "{\"code\":\"SUCCESS\",\"details\":{\"id\":\"" id "\"},\"message\":\"m\",\"status\":\"success\"}"
#define REFUSED(code, details)                                                                                         \
  "{\"code\":\"" code "\",\"details\":" details ",\"message\":\"m\",\"status\":\"error\"}"
#define DATA(rows) "{\"data\":[" rows "]}"

static const char *const no_trigger[] = { NULL };

/* Results as {"id","modified","field","updated","error","words"}, so that they outlive the call. */
static void
landed (const WriteResult *results, size_t count, const GError *error, void *data)
{
  g_autoptr (json_t) rows = json_array ();

  g_assert_true ((results == NULL) != (error == NULL));
  for (size_t i = 0; i < count; i++)
    {
      const GError *why = results[i].error;

      json_array_append_new (rows, json_pack ("{s:I, s:I, s:o, s:b, s:i, s:o}", "id", (json_int_t)results[i].id,
                                              "modified", (json_int_t)results[i].modified_s, "field",
                                              json_from_text (results[i].duplicate_field), "updated",
                                              results[i].updated, "error", why != NULL ? why->code : -1, "words",
                                              json_from_text (why != NULL ? why->message : NULL)));
    }
  wait_landed (data, (int)count, rows, error);
}

static void
script (Zoho *zoho, int status, const char *body)
{
  zoho_script (zoho, &(WebAnswer){ .status = status, .body = body });
}

static json_t *
parse (const char *text)
{
  json_t *value = json_parse (text, strlen (text), NULL);

  g_assert_nonnull (value);
  return value;
}

static Wait *
update (Zoho *zoho, const char *since)
{
  g_autoptr (json_t) fields = parse ("{\"Company\":\"B\",\"Amount\":1234567890123456.25}");
  Wait *wait = wait_new (zoho);

  write_update (zoho->client,
                &(WriteUpdate){ .module = "Leads", .id = "77", .fields = fields, .if_unmodified_since = since }, landed,
                wait);
  return wait;
}

typedef uint64_t (*Send) (Client *client, const WriteRows *rows, WriteDone done, void *data);

static uint64_t
upsert (Client *client, const WriteRows *rows, WriteDone done, void *data)
{
  static const char *const check[] = { "Email", NULL };

  return write_upsert (client, rows, check, done, data);
}

static Wait *
write_rows (Zoho *zoho, Send send, const char *text)
{
  g_autoptr (json_t) rows = parse (text);
  Wait *wait = wait_new (zoho);

  send (zoho->client, &(WriteRows){ .module = "Leads", .rows = rows, .trigger = no_trigger }, landed, wait);
  return wait;
}

static Wait *
create_two (Zoho *zoho)
{
  return write_rows (zoho, write_create, "[{\"Last_Name\":\"A\",\"id\":\"5\"},{\"Last_Name\":\"B\"}]");
}

static Wait *
delete_two (Zoho *zoho)
{
  Wait *wait = wait_new (zoho);

  write_delete (zoho->client, "Leads", "5,6", CLIENT_BACKGROUND, landed, wait);
  return wait;
}

static Wait *
tags (Zoho *zoho, WriteTags action)
{
  static const char *const names[] = { "vip", "\xc3\xbc", NULL };
  Wait *wait = wait_new (zoho);

  write_tags (zoho->client, "Leads", "77", action, names, CLIENT_PERSON, landed, wait);
  return wait;
}

/* Checks what went out last. */
static void
check_sent (Zoho *zoho, const char *request, const char *body)
{
  LOCKED (&zoho->lock);

  g_assert_true (g_str_has_suffix (zoho->seen->str, request));
  g_assert_cmpstr (zoho->last_body, ==, body);
}

static void
check_result (const Wait *wait, size_t index, int64_t id, int error, const char *words)
{
  const json_t *result = json_array_get (wait->body, index);
  const char *said = json_get_text (result, "words");

  g_test_message ("%zu: %s", index, said != NULL ? said : "done");
  g_assert_cmpint (json_integer_value (json_object_get (result, "id")), ==, id);
  g_assert_cmpint (json_integer_value (json_object_get (result, "error")), ==, error);
  g_assert_true (words == NULL || (said != NULL && strstr (said, words) != NULL));
}

static void
check_count (Wait *wait, size_t count)
{
  wait_end (wait);
  g_assert_no_error (wait->error);
  g_assert_cmpint (json_array_size (wait->body), ==, count);
}

static unsigned
calls (Zoho *zoho)
{
  LOCKED (&zoho->lock);

  return zoho->api_calls;
}

static void
test_what_is_asked (Zoho *zoho, const void *unused)
{
  static const char *const some[] = { "workflow", "blueprint", NULL };
  g_autoptr (json_t) fields = json_object ();
  Wait *wait = wait_new (zoho);

  zoho_start (zoho);
  script (zoho, 200, DATA (DONE ("77")));
  wait_good (update (zoho, "2026-03-02T10:00:00+02:00"));
  check_sent (zoho, "PUT /crm/v8/Leads/77\n", "{\"data\":[{\"Amount\":1234567890123456.25,\"Company\":\"B\"}]}");
  {
    LOCKED (&zoho->lock);
    g_assert_nonnull (strstr (zoho->last_head, "If-Unmodified-Since: 2026-03-02T10:00:00+02:00"));
    g_assert_nonnull (strstr (zoho->last_head, "Content-Type: application/json"));
  }
  script (zoho, 200, DATA (DONE ("77")));
  write_update (zoho->client, &(WriteUpdate){ .module = "Leads", .id = "77", .fields = fields, .trigger = some },
                landed, wait);
  wait_good (wait);
  check_sent (zoho, "PUT /crm/v8/Leads/77\n", "{\"data\":[{}],\"trigger\":[\"workflow\",\"blueprint\"]}");
  script (zoho, 200, DATA (DONE ("5") "," DONE ("6")));
  wait_good (write_rows (zoho, write_update_many, "[{\"id\":\"5\"},{\"id\":\"6\"}]"));
  check_sent (zoho, "PUT /crm/v8/Leads\n", "{\"data\":[{\"id\":\"5\"},{\"id\":\"6\"}],\"trigger\":[]}");
  script (zoho, 201, DATA (DONE ("8")));
  wait_good (write_rows (zoho, write_create, "[{\"Last_Name\":\"A\"}]"));
  check_sent (zoho, "POST /crm/v8/Leads\n", "{\"data\":[{\"Last_Name\":\"A\"}],\"trigger\":[]}");
  script (zoho, 200, DATA (DONE ("8")));
  wait_good (write_rows (zoho, upsert, "[{\"Email\":\"a@b\"}]"));
  check_sent (zoho, "POST /crm/v8/Leads/upsert\n",
              "{\"data\":[{\"Email\":\"a@b\"}],\"duplicate_check_fields\":[\"Email\"],\"trigger\":[]}");
  script (zoho, 200, DATA (DONE ("5") "," DONE ("6")));
  wait_good (delete_two (zoho));
  check_sent (zoho, "DELETE /crm/v8/Leads?ids=5,6\n", "");
  script (zoho, 200, DATA (DONE ("77")));
  wait_good (tags (zoho, WRITE_TAGS_ADD));
  check_sent (zoho, "POST /crm/v8/Leads/77/actions/add_tags\n",
              "{\"tags\":[{\"name\":\"vip\"},{\"name\":\"\xc3\xbc\"}]}");
  script (zoho, 200, DATA ("{\"code\":\"SUCCESS\",\"details\":{\"tags\":[]},\"status\":\"success\"}"));
  wait_good (tags (zoho, WRITE_TAGS_REMOVE));
  check_sent (zoho, "POST /crm/v8/Leads/77/actions/remove_tags\n",
              "{\"tags\":[{\"name\":\"vip\"},{\"name\":\"\xc3\xbc\"}]}");
}

static void
test_results (Zoho *zoho, const void *unused)
{
  Wait *wait;

  zoho_start (zoho);
  script (zoho, 200,
          DATA ("{\"code\":\"SUCCESS\",\"details\":{\"id\":\"77\",\"Modified_Time\":\"1970-01-01T02:00:07+02:00\"},"
                "\"status\":\"success\",\"action\":\"update\",\"duplicate_field\":\"Email\"},"
                "{\"code\":\"SUCCESS\",\"details\":{\"id\":\"78\"},\"status\":\"success\",\"action\":\"insert\","
                "\"duplicate_field\":null}"));
  wait = write_rows (zoho, upsert, "[{\"id\":\"77\"},{}]");
  check_count (wait, 2);
  g_assert_cmpint (json_integer_value (json_object_get (json_array_get (wait->body, 0), "modified")), ==, 7);
  g_assert_cmpstr (json_get_text (json_array_get (wait->body, 0), "field"), ==, "Email");
  g_assert_true (json_is_true (json_object_get (json_array_get (wait->body, 0), "updated")));
  check_result (wait, 1, 78, -1, NULL);
  g_assert_true (json_is_null (json_object_get (json_array_get (wait->body, 1), "field")));
  g_assert_true (json_is_false (json_object_get (json_array_get (wait->body, 1), "updated")));
  wait_free (wait);
}

/* 207, and 400 where all are refused: each row has its own end. */
static void
test_rows_are_refused_one_by_one (Zoho *zoho, const void *unused)
{
  Wait *wait;

  zoho_start (zoho);
  script (zoho, 207,
          DATA (DONE ("8") "," REFUSED ("DUPLICATE_DATA", "{\"api_name\":\"Email\",\"json_path\":\"$.data[1].Email\","
                                                          "\"duplicate_record\":{\"id\":\"99\"}}")));
  wait = create_two (zoho);
  check_count (wait, 2);
  check_result (wait, 0, 8, -1, NULL);
  check_result (wait, 1, 0, ZOHO_ERROR_DUPLICATE, "record 99");
  wait_free (wait);
  script (zoho, 400,
          DATA (REFUSED ("MANDATORY_NOT_FOUND",
                         "{\"api_name\":\"Last_Name\",\"json_path\":\"$.data[0].Last_Name\"}") ","
                REFUSED ("INTERNAL_ERROR", "{}")));
  wait = create_two (zoho);
  check_count (wait, 2);
  check_result (wait, 0, 0, ZOHO_ERROR_INVALID, "field Last_Name");
  check_result (wait, 1, 0, ZOHO_ERROR_UNCLEAR, "INTERNAL_ERROR");
  wait_free (wait);
  script (zoho, 400,
          DATA (REFUSED ("INVALID_DATA", "{\"id\":\"5\"}") "," REFUSED ("RECORD_LOCKED", "{\"id\":\"6\"}")));
  wait = delete_two (zoho);
  check_count (wait, 2);
  check_result (wait, 0, 5, ZOHO_ERROR_NOT_FOUND, NULL);
  check_result (wait, 1, 6, ZOHO_ERROR_CHANGED, "locked");
  wait_free (wait);
  script (zoho, 207, DATA (DONE ("8") "," REFUSED ("INTERNAL_ERROR", "{}")));
  wait = create_two (zoho);
  check_count (wait, 2);
  check_result (wait, 1, 0, ZOHO_ERROR_UNCLEAR, "INTERNAL_ERROR");
  wait_free (wait);
}

static void
test_one_record (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  script (zoho, 412, DATA (REFUSED ("ALREADY_MODIFIED", "{\"id\":\"77\"}")));
  wait_error (update (zoho, "2026-03-02T10:00:00+02:00"), ZOHO_ERROR_CHANGED);
  script (zoho, 412, "");
  wait_error (update (zoho, "2026-03-02T10:00:00+02:00"), ZOHO_ERROR_CHANGED);
  script (zoho, 400, REFUSED ("INVALID_DATA", "{\"resource_path_index\":1}"));
  wait_error (update (zoho, NULL), ZOHO_ERROR_NOT_FOUND);
  script (zoho, 400, DATA (REFUSED ("NOT_APPROVED", "{}")));
  wait_error (update (zoho, NULL), ZOHO_ERROR_CHANGED);
  script (zoho, 403, DATA (REFUSED ("NO_PERMISSION", "{}")));
  wait_error (update (zoho, NULL), ZOHO_ERROR_DENIED);
  script (zoho, 400, DATA (REFUSED ("INVALID_DATA", "{\"api_name\":\"name\",\"json_path\":\"$.tags[0]\"}")));
  wait_error (tags (zoho, WRITE_TAGS_ADD), ZOHO_ERROR_INVALID);
}

/* A try whose answer was lost may have been taken: the next one says that the record is newer. */
static void
test_an_update_is_tried_again (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  zoho_script (zoho, &(WebAnswer){ .end = WEB_RESET });
  script (zoho, 412, DATA (REFUSED ("ALREADY_MODIFIED", "{\"id\":\"77\"}")));
  wait_error (update (zoho, "2026-03-02T10:00:00+02:00"), ZOHO_ERROR_CHANGED);
  g_assert_cmpint (calls (zoho), ==, 2);
  script (zoho, 503, "");
  script (zoho, 200, DATA (DONE ("5") "," DONE ("6")));
  wait_good (delete_two (zoho));
  g_assert_cmpint (calls (zoho), ==, 4);
}

static void
test_other_rows_than_asked (Zoho *zoho, const void *unused)
{
  static const char *const bad[] = {
    "{}",
    "{\"data\":{}}",
    DATA (""),
    DATA (DONE ("5")),
    DATA (DONE ("5") "," DONE ("6") "," DONE ("7")),
    DATA (DONE ("5") "," DONE ("5")),
    DATA (DONE ("5") ",7"),
    DATA (DONE ("5") ",{}"),
    DATA (DONE ("5") "," DONE ("x")),
    DATA (DONE ("5") "," DONE ("0")),
    DATA (DONE ("5") ",{\"code\":\"SUCCESS\",\"details\":{},\"status\":\"success\"}"),
    DATA (DONE ("5") ",{\"code\":\"SUCCESS\",\"details\":{\"id\":6},\"status\":\"success\"}"),
    DATA (DONE ("5") ",{\"code\":\"SUCCESS\",\"details\":{\"id\":\"6\"}}"),
    DATA (DONE ("5") "," REFUSED ("INVALID_DATA", "{\"json_path\":\"$.data[0].Email\"}")),
  };

  zoho_start (zoho);
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_test_message ("%s", bad[i]);
      script (zoho, 200, bad[i]);
      wait_error (delete_two (zoho), ZOHO_ERROR_FAILED);
      script (zoho, 201, bad[i]);
      wait_error (create_two (zoho), ZOHO_ERROR_UNCLEAR);
    }
  script (zoho, 200, DATA (DONE ("6") "," DONE ("5"))); /* fine as new records, not as these */
  wait_error (delete_two (zoho), ZOHO_ERROR_FAILED);
  script (zoho, 207, DATA (REFUSED ("INVALID_DATA", "{\"id\":\"6\"}") "," DONE ("5")));
  wait_error (delete_two (zoho), ZOHO_ERROR_FAILED);
  script (zoho, 204, NULL);
  wait_error (create_two (zoho), ZOHO_ERROR_UNCLEAR);
}

static void
test_a_create_goes_once (Zoho *zoho, const void *unused)
{
  static const WebAnswer unclear[] = {
    { .end = WEB_RESET },
    { .status = 201, .body = DATA (DONE ("5") "," DONE ("6")), .end = WEB_CUT },
    { .status = 500, .body = REFUSED ("INTERNAL_ERROR", "{}") },
    { .status = 502, .body = "<html>" },
    { .status = 200, .body = REFUSED ("INTERNAL_ERROR", "{}") },
    { .status = 200, .body = "<html>" },
    { .status = 201, .body = "{\"data\":[" },
  };
  static const struct
  {
    int status;
    const char *body;
    int error;
  } clear[] = {
    { 400, REFUSED ("INVALID_MODULE", "{}"), ZOHO_ERROR_NOT_FOUND },
    { 400, DATA (REFUSED ("LIMIT_EXCEEDED", "{}")), ZOHO_ERROR_INVALID },
    { 200, REFUSED ("NO_PERMISSION", "{}"), ZOHO_ERROR_DENIED },
    { 403, "", ZOHO_ERROR_DENIED },
    { 413, "", ZOHO_ERROR_TOO_LARGE },
    { 302, "", ZOHO_ERROR_FAILED },
  };
  unsigned sent = 0;

  zoho_start (zoho);
  for (size_t i = 0; i < G_N_ELEMENTS (unclear); i++)
    {
      g_test_message ("%d %s", unclear[i].status, unclear[i].body);
      zoho_script (zoho, &unclear[i]);
      wait_error (i % 2 == 0 ? create_two (zoho) : write_rows (zoho, upsert, "[{},{}]"), ZOHO_ERROR_UNCLEAR);
      g_assert_cmpint (calls (zoho), ==, ++sent);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (clear); i++)
    {
      script (zoho, clear[i].status, clear[i].body);
      wait_error (create_two (zoho), clear[i].error);
      g_assert_cmpint (calls (zoho), ==, ++sent);
    }
  script (zoho, 429, "");
  script (zoho, 201, DATA (DONE ("5") "," DONE ("6")));
  wait_good (create_two (zoho));
  g_assert_cmpint (calls (zoho), ==, sent + 2);
}

static void
test_what_a_cancel_leaves_open (Zoho *zoho, const void *unused)
{
  g_autoptr (json_t) rows = parse ("[{}]");
  WriteRows ask = { .module = "Leads", .rows = rows };
  Wait *flying = wait_new (zoho), *queued = wait_new (zoho);
  uint64_t ticket;

  zoho->config.concurrency = 1;
  zoho_start (zoho);
  zoho_hold (zoho, true);
  flying->ticket = write_create (zoho->client, &ask, landed, flying);
  zoho_wait_in_flight (zoho, 1);
  ticket = write_create (zoho->client, &ask, landed, queued);
  client_cancel (zoho->client, ticket);
  wait_error (queued, ZOHO_ERROR_CANCELLED);
  client_cancel (zoho->client, flying->ticket);
  wait_error (flying, ZOHO_ERROR_UNCLEAR);
}

static void
test_what_it_costs (Zoho *zoho, const void *unused)
{
  g_autoptr (GString) text = g_string_new ("[{}");
  ClientStats stats;

  zoho_start (zoho);
  for (unsigned i = 0; i < 10; i++)
    g_string_append (text, ",{}");
  g_string_append_c (text, ']');
  script (zoho, 400, DATA (REFUSED ("LIMIT_EXCEEDED", "{}")));
  wait_error (write_rows (zoho, write_create, text->str), ZOHO_ERROR_INVALID);
  client_stats (zoho->client, &stats);
  g_assert_cmpint (stats.credits, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* that calls are refused (429) is a warning */
#define ADD(name, run) g_test_add ("/write/" name, Zoho, NULL, zoho_set_up, run, zoho_tear_down)
  ADD ("what-is-asked", test_what_is_asked);
  ADD ("results", test_results);
  ADD ("rows-are-refused-one-by-one", test_rows_are_refused_one_by_one);
  ADD ("one-record", test_one_record);
  ADD ("an-update-is-tried-again", test_an_update_is_tried_again);
  ADD ("other-rows-than-asked", test_other_rows_than_asked);
  ADD ("a-create-goes-once", test_a_create_goes_once);
  ADD ("what-a-cancel-leaves-open", test_what_a_cancel_leaves_open);
  ADD ("what-it-costs", test_what_it_costs);
  return g_test_run ();
}
