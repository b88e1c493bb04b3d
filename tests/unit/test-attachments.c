/* Attachments, against a scripted server: what is asked, what is made of the answers, what comes to who streams. */
#include "api/attachments.h"

#include "base/error.h"
#include "base/lock.h"
#include "zoho_script.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LIST(rows) "{\"data\":[" rows "],\"info\":{\"more_records\":false}}"
#define MADE "{\"data\":[{\"code\":\"SUCCESS\",\"details\":{\"id\":\"5\"},\"message\":\"m\",\"status\":\"success\"}]}"
#define PATH "/crm/v8/Leads/77/Attachments"

static const AttachmentsOf of = { "Leads", "77", CLIENT_PERSON };

static void
script (Zoho *zoho, int status, const char *body)
{
  zoho_script (zoho, &(WebAnswer){ .status = status, .body = body });
}

static void
check_seen (Zoho *zoho, const char *request)
{
  LOCKED (&zoho->lock);

  g_assert_true (g_str_has_suffix (zoho->seen->str, request));
}

/* ---- list -------------------------------------------------------------------------------------------------------- */

static void
listed (const AttachmentsPage *page, const GError *error, void *data)
{
  g_autoptr (json_t) rows = json_array ();

  for (size_t i = 0; page != NULL && i < page->count; i++)
    {
      const AttachmentRow *row = &page->rows[i];

      json_array_append_new (rows, json_pack ("{s:I, s:s, s:I, s:s?}", "id", (json_int_t)row->id, "name", row->name,
                                              "size", (json_int_t)row->size, "url", row->url));
    }
  wait_landed (data, page != NULL ? (int)page->count : 0, rows, error);
}

static Wait *
list (Zoho *zoho, const char *rows)
{
  Wait *wait = wait_new (zoho);

  script (zoho, 200, rows);
  attachments_api_list (zoho->client, &of, 1, NULL, listed, wait);
  wait_end (wait);
  return wait;
}

static int64_t
size_of (Zoho *zoho, const char *rows)
{
  Wait *wait = list (zoho, rows);
  int64_t size = json_integer_value (json_object_get (json_array_get (wait->body, 0), "size"));

  g_assert_no_error (wait->error);
  wait_free (wait);
  return size;
}

static void
test_sizes_are_digits_or_not_believed (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  g_assert_cmpint (size_of (zoho, LIST ("{\"id\":\"1\",\"File_Name\":\"a\",\"Size\":\"123\"}")), ==, 123);
  check_seen (zoho, "GET " PATH "?fields=id,File_Name,Size,Modified_Time&per_page=200&page=1\n");
  g_assert_cmpint (size_of (zoho, LIST ("{\"id\":\"1\",\"File_Name\":\"a\",\"Size\":123}")), ==, 123);
  g_assert_cmpint (size_of (zoho, LIST ("{\"id\":\"1\",\"File_Name\":\"a\",\"Size\":\"1.5 MB\"}")), ==, -1);
  g_assert_cmpint (size_of (zoho, LIST ("{\"id\":\"1\",\"File_Name\":\"a\",\"Size\":-1}")), ==, -1);
  g_assert_cmpint (size_of (zoho, LIST ("{\"id\":\"1\",\"File_Name\":\"a\",\"Size\":\"99999999999999999999\"}")), ==, -1);
  g_assert_cmpint (size_of (zoho, LIST ("{\"id\":\"1\"}")), ==, -1);
}

static void
test_rows_without_ids_are_no_list (Zoho *zoho, const void *unused)
{
  Wait *wait;

  zoho_start (zoho);
  wait = list (zoho, LIST ("{\"id\":\"../1\",\"File_Name\":\"a\"}"));
  g_assert_error (wait->error, ZOHO_ERROR, ZOHO_ERROR_FAILED);
  wait_free (wait);
}

/* ---- download ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  Zoho *zoho;
  Wait *wait;
  GByteArray *got; /* the curl thread's until the end */
  unsigned late;   /* pieces to put off */
  bool stop;
  int64_t length;
} Sink;

static ClientTook
take (const ClientPiece *piece, void *data)
{
  Sink *sink = data;

  sink->length = piece->length;
  if (sink->stop)
    return CLIENT_STOP;
  if (sink->late > 0)
    {
      sink->late--;
      client_resume (sink->zoho->client, sink->wait->ticket);
      return CLIENT_LATER;
    }
  g_byte_array_append (sink->got, (const guint8 *)piece->bytes, (guint)piece->size);
  return CLIENT_TOOK;
}

static void
downloaded (int64_t length, const GError *error, void *data)
{
  Sink *sink = data;

  wait_landed (sink->wait, (int)length, NULL, error);
}

/* Returns: the error's code; -1: none. */
static int
download (Sink *sink)
{
  Zoho *zoho = sink->zoho;
  int code;

  sink->wait = wait_new (zoho);
  sink->got = g_byte_array_new ();
  {
    /* The first piece may come before the ticket does. */
    LOCKED (&zoho->lock);
    zoho->holding = true;
  }
  sink->wait->ticket = attachments_api_download (zoho->client, &of, "5", take, downloaded, sink);
  zoho_hold (zoho, false);
  wait_end (sink->wait);
  code = sink->wait->error != NULL ? sink->wait->error->code : -1;
  wait_free (sink->wait);
  return code;
}

static void
test_a_download_is_bytes_whatever_they_are (Zoho *zoho, const void *unused)
{
  static const char body[] = "{\"data\":\0[{";
  Sink sink = { .zoho = zoho };

  zoho_start (zoho);
  zoho_script (zoho, &(WebAnswer){ .status = 200, .body = body, .size = sizeof body });
  g_assert_cmpint (download (&sink), ==, -1);
  check_seen (zoho, "GET " PATH "/5\n");
  g_assert_cmpmem (sink.got->data, sink.got->len, body, sizeof body);
  g_assert_cmpint (sink.length, ==, sizeof body);
  g_byte_array_unref (sink.got);
}

static void
test_a_piece_that_is_put_off_comes_again (Zoho *zoho, const void *unused)
{
  Sink sink = { .zoho = zoho, .late = 3 };

  zoho_start (zoho);
  script (zoho, 200, "bytes");
  g_assert_cmpint (download (&sink), ==, -1);
  g_assert_cmpint (sink.late, ==, 0);
  g_assert_cmpmem (sink.got->data, sink.got->len, "bytes", 5);
  g_byte_array_unref (sink.got);
}

static void
test_a_download_ends_when_nobody_takes_it (Zoho *zoho, const void *unused)
{
  Sink sink = { .zoho = zoho, .stop = true };

  zoho_start (zoho);
  script (zoho, 200, "bytes");
  g_assert_cmpint (download (&sink), ==, ZOHO_ERROR_CANCELLED);
  g_assert_cmpint (sink.got->len, ==, 0);
  g_byte_array_unref (sink.got);
}

static void
test_what_has_begun_to_come_is_not_asked_again (Zoho *zoho, const void *unused)
{
  Sink sink = { .zoho = zoho };

  zoho_start (zoho);
  zoho_script (zoho, &(WebAnswer){ .status = 200, .body = "half of it is here", .end = WEB_CUT });
  g_assert_cmpint (download (&sink), ==, ZOHO_ERROR_UNREACHABLE);
  g_assert_cmpint (sink.got->len, >, 0);
  {
    LOCKED (&zoho->lock);
    g_assert_cmpint (zoho->api_calls, ==, 1);
  }
  g_byte_array_unref (sink.got);
}

static void
test_refusals_of_downloads (Zoho *zoho, const void *unused)
{
  Sink sink = { .zoho = zoho };

  zoho_start (zoho);
  script (zoho, 204, "");
  g_assert_cmpint (download (&sink), ==, ZOHO_ERROR_NOT_FOUND);
  g_byte_array_unref (sink.got);
  script (zoho, 403, "{\"code\":\"NO_PERMISSION\",\"message\":\"m\",\"status\":\"error\"}");
  g_assert_cmpint (download (&sink), ==, ZOHO_ERROR_DENIED);
  g_assert_cmpint (sink.got->len, ==, 0);
  g_byte_array_unref (sink.got);
}

/* ---- upload, delete ---------------------------------------------------------------------------------------------- */

static void
made (const AttachmentMade *result, const GError *error, void *data)
{
  g_assert_true ((result == NULL) != (error == NULL));
  wait_landed (data, result != NULL ? (int)result->id : 0, NULL, error);
}

static int
file_of (const char *text)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("zohofs-attachment-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  unlink (path);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  return fd;
}

/* The body of the last call, its boundary as "B". To g_free(). */
static char *
body_sent (Zoho *zoho)
{
  LOCKED (&zoho->lock);
  g_auto (GStrv) lines = g_strsplit (zoho->last_body, "\r\n", 2);
  g_auto (GStrv) parts = NULL;

  g_assert_true (g_str_has_prefix (lines[0], "--zohofs-"));
  parts = g_strsplit (zoho->last_body, lines[0] + 2, -1);
  return g_strjoinv ("B", parts);
}

static void
test_an_upload_is_a_form (Zoho *zoho, const void *unused)
{
  int fd = file_of ("one\r\ntwo");
  Wait *wait = wait_new (zoho);
  g_autofree char *body = NULL;

  zoho_start (zoho);
  script (zoho, 200, MADE);
  attachments_api_upload (zoho->client, &of, "a \"b\"\\\n.txt", fd, 8, made, wait);
  wait_end (wait);
  g_assert_cmpint (wait->status, ==, 5);
  wait_free (wait);
  check_seen (zoho, "POST " PATH "\n");
  body = body_sent (zoho);
  g_assert_cmpstr (body, ==,
                   "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\"\\\\_.txt\"\r\n"
                   "Content-Type: application/octet-stream\r\n\r\none\r\ntwo\r\n--B--\r\n");
  close (fd);
}

static void
test_a_link_is_a_form (Zoho *zoho, const void *unused)
{
  Wait *wait = wait_new (zoho);
  g_autofree char *body = NULL;

  zoho_start (zoho);
  script (zoho, 200, MADE);
  attachments_api_link (zoho->client, &of, "Site", "https://example.com/", made, wait);
  wait_end (wait);
  g_assert_no_error (wait->error);
  wait_free (wait);
  body = body_sent (zoho);
  g_assert_cmpstr (body, ==,
                   "--B\r\nContent-Disposition: form-data; name=\"attachmentUrl\"\r\n\r\nhttps://example.com/\r\n"
                   "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nSite\r\n--B--\r\n");
}

static int
upload (Zoho *zoho, const WebAnswer *answer)
{
  int fd = file_of ("text"), code;
  Wait *wait = wait_new (zoho);

  zoho_script (zoho, answer);
  attachments_api_upload (zoho->client, &of, "a", fd, 4, made, wait);
  wait_end (wait);
  code = wait->error != NULL ? wait->error->code : -1;
  wait_free (wait);
  close (fd);
  return code;
}

static void
test_an_upload_goes_once (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  g_assert_cmpint (upload (zoho, &(WebAnswer){ .end = WEB_RESET }), ==, ZOHO_ERROR_UNCLEAR);
  g_assert_cmpint (upload (zoho, &(WebAnswer){ .status = 500, .body = "" }), ==, ZOHO_ERROR_UNCLEAR);
  g_assert_cmpint (upload (zoho, &(WebAnswer){ .status = 200, .body = "{\"data\":[{}]}" }), ==, ZOHO_ERROR_UNCLEAR);
  {
    LOCKED (&zoho->lock);
    g_assert_cmpint (zoho->api_calls, ==, 3);
  }
  g_assert_cmpint (upload (zoho, &(WebAnswer){ .status = 413, .body = "{\"code\":\"FILE_SIZE_MORE_THAN_ALLOWED_SIZE\","
                                                                     "\"message\":\"m\",\"status\":\"error\"}" }),
                   ==, ZOHO_ERROR_TOO_LARGE);
}

static void
test_a_busy_server_gets_the_whole_file_again (Zoho *zoho, const void *unused)
{
  g_autofree char *body = NULL;

  zoho_start (zoho);
  zoho_script (zoho, &(WebAnswer){ .status = 429, .body = "" });
  g_assert_cmpint (upload (zoho, &(WebAnswer){ .status = 200, .body = MADE }), ==, -1);
  body = body_sent (zoho);
  g_assert_true (g_str_has_suffix (body, "\r\n\r\ntext\r\n--B--\r\n"));
}

static void
deleted (const GError *error, void *data)
{
  wait_landed (data, 0, NULL, error);
}

static int
delete_one (Zoho *zoho, int status, const char *body)
{
  Wait *wait = wait_new (zoho);
  int code;

  script (zoho, status, body);
  attachments_api_delete (zoho->client, &of, "5", deleted, wait);
  wait_end (wait);
  code = wait->error != NULL ? wait->error->code : -1;
  wait_free (wait);
  return code;
}

static void
test_deletes (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  g_assert_cmpint (delete_one (zoho, 200, MADE), ==, -1);
  check_seen (zoho, "DELETE " PATH "/5\n");
  g_assert_cmpint (delete_one (zoho, 204, ""), ==, -1);
  g_assert_cmpint (delete_one (zoho, 403, "{\"code\":\"NO_PERMISSION\",\"message\":\"m\",\"status\":\"error\"}"), ==,
                   ZOHO_ERROR_DENIED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* that calls are refused (429) is a warning */
#define ADD(name, run) g_test_add ("/attachments/" name, Zoho, NULL, zoho_set_up, run, zoho_tear_down)
  ADD ("sizes-are-digits-or-not-believed", test_sizes_are_digits_or_not_believed);
  ADD ("rows-without-ids-are-no-list", test_rows_without_ids_are_no_list);
  ADD ("a-download-is-bytes-whatever-they-are", test_a_download_is_bytes_whatever_they_are);
  ADD ("a-piece-that-is-put-off-comes-again", test_a_piece_that_is_put_off_comes_again);
  ADD ("a-download-ends-when-nobody-takes-it", test_a_download_ends_when_nobody_takes_it);
  ADD ("what-has-begun-to-come-is-not-asked-again", test_what_has_begun_to_come_is_not_asked_again);
  ADD ("refusals-of-downloads", test_refusals_of_downloads);
  ADD ("an-upload-is-a-form", test_an_upload_is_a_form);
  ADD ("a-link-is-a-form", test_a_link_is_a_form);
  ADD ("an-upload-goes-once", test_an_upload_goes_once);
  ADD ("a-busy-server-gets-the-whole-file-again", test_a_busy_server_gets_the_whole_file_again);
  ADD ("deletes", test_deletes);
  return g_test_run ();
}
