/* Records and metadata, against a scripted server: what is asked, and what is made of the answers. */
#include "api/records.h"

#include "api/metadata.h"
#include "base/error.h"
#include "base/lock.h"
#include "zoho_script.h"

#include <string.h>

/* Answers with the rows in place of a body, and "more" in place of a status. */
static void
page_landed (const RecordsPage *page, const GError *error, void *data)
{
  wait_landed (data, page != NULL ? page->more : 0, page != NULL ? page->rows : NULL, error);
}

static void
count_landed (int64_t count, const GError *error, void *data)
{
  wait_landed (data, (int)count, NULL, error);
}

static void
rows_landed (json_t *rows, const GError *error, void *data)
{
  wait_landed (data, 0, rows, error);
}

static Wait *
list (Zoho *zoho, RecordsList ask)
{
  Wait *wait = wait_new (zoho);

  ask.module = "Leads";
  ask.fields = "Last_Name,Company";
  records_list (zoho->client, &ask, page_landed, wait);
  return wait;
}

static Wait *
get (Zoho *zoho, const char *id)
{
  Wait *wait = wait_new (zoho);

  records_get (zoho->client, "Leads", id, CLIENT_PERSON, page_landed, wait);
  return wait;
}

static Wait *
count (Zoho *zoho)
{
  Wait *wait = wait_new (zoho);

  records_count (zoho->client, "Leads", CLIENT_PERSON, count_landed, wait);
  return wait;
}

static void
script (Zoho *zoho, int status, const char *body)
{
  zoho_script (zoho, &(WebAnswer){ .status = status, .body = body });
}

static void
test_what_is_asked (Zoho *zoho, const void *unused)
{
  Wait *wait;

  zoho_start (zoho);
  wait_good (list (zoho, (RecordsList){ .page = 2 }));
  wait_good (list (zoho, (RecordsList){ .page_token = "a+b/c=", .ascending = true }));
  wait_good (list (zoho, (RecordsList){ .page = 1, .ids = "1,2" }));
  wait_good (get (zoho, "77"));
  wait = wait_new (zoho);
  records_full (zoho->client, "Leads", "1,77", "Notes_RT", CLIENT_PERSON, page_landed, wait);
  wait_good (wait);
  wait = wait_new (zoho);
  records_full (zoho->client, "Leads", "77", "Notes_RT", CLIENT_PERSON, page_landed, wait);
  wait_good (wait);
  wait = wait_new (zoho);
  records_deleted (zoho->client, "Leads", 3, "2026-03-01T09:00:00+00:00", CLIENT_PERSON, page_landed, wait);
  wait_good (wait);
  wait = wait_new (zoho);
  records_between (zoho->client, &(RecordsBetween){ "Leads", "Full_Name, Modified_Time", 7, 99, CLIENT_LISTING },
                   page_landed, wait);
  wait_good (wait);
  LOCKED (&zoho->lock);
  g_assert_cmpstr (zoho->seen->str, ==,
                   "GET /crm/v8/Leads?fields=Last_Name,Company&per_page=200&page=2\n"
                   "GET /crm/v8/Leads?fields=Last_Name,Company&per_page=200&page_token=a%2Bb%2Fc%3D&sort_by=id"
                   "&sort_order=asc\n"
                   "GET /crm/v8/Leads?fields=Last_Name,Company&per_page=200&page=1&ids=1,2\n"
                   "GET /crm/v8/Leads/77\n"
                   "GET /crm/v8/Leads/actions/fetch_full_data?ids=1,77&fields=Notes_RT\n"
                   "GET /crm/v8/Leads/77/actions/fetch_full_data?fields=Notes_RT\n"
                   "GET /crm/v8/Leads/deleted?type=all&page=3&per_page=200\n"
                   "POST /crm/v8/coql\n");
}

static void
test_pages (Zoho *zoho, const void *unused)
{
  Wait *wait;

  zoho_start (zoho);
  script (zoho, 200, "{\"data\":[{\"id\":\"1\"},{\"id\":\"2\"}],\"info\":{\"more_records\":true}}");
  wait = list (zoho, (RecordsList){ .page = 1 });
  wait_end (wait);
  g_assert_no_error (wait->error);
  g_assert_cmpint (json_array_size (wait->body), ==, 2);
  g_assert_cmpint (wait->status, ==, 1);
  wait_free (wait);
  script (zoho, 204, NULL);
  wait = list (zoho, (RecordsList){ .page = 1 });
  wait_end (wait);
  g_assert_no_error (wait->error);
  g_assert_cmpint (json_array_size (wait->body), ==, 0);
  wait_free (wait);
}

static void
test_bad_pages (Zoho *zoho, const void *unused)
{
  static const char *const bad[] = {
    "{\"data\":[{\"id\":1}],\"info\":{\"more_records\":false}}",
    "{\"data\":[{\"id\":\"1\"}]}",
    "{\"data\":[],\"info\":{\"more_records\":true}}",
    "{\"data\":7,\"info\":{\"more_records\":false}}",
  };

  zoho_start (zoho);
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      script (zoho, 200, bad[i]);
      wait_error (list (zoho, (RecordsList){ .page = 1 }), ZOHO_ERROR_FAILED);
    }
}

static void
test_one_record (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  script (zoho, 204, NULL);
  wait_error (get (zoho, "77"), ZOHO_ERROR_NOT_FOUND);
  script (zoho, 400,
          "{\"code\":\"INVALID_DATA\",\"details\":{\"resource_path_index\":1},\"message\":\"m\",\"status\":\"error\"}");
  wait_error (get (zoho, "77"), ZOHO_ERROR_NOT_FOUND);
  script (zoho, 404, NULL);
  wait_error (get (zoho, "77"), ZOHO_ERROR_NOT_FOUND);
  script (zoho, 200, "{\"data\":[{\"id\":\"78\"}]}");
  wait_error (get (zoho, "77"), ZOHO_ERROR_FAILED);
  script (zoho, 200, "{\"data\":[{\"id\":\"77\"},{\"id\":\"77\"}]}");
  wait_error (get (zoho, "77"), ZOHO_ERROR_FAILED);
}

static void
test_counts (Zoho *zoho, const void *unused)
{
  static const char *const bad[] = { "{}", "{\"count\":-1}", "{\"count\":\"x\"}", "{\"count\":9999999999999999}" };
  Wait *wait;

  zoho_start (zoho);
  script (zoho, 200, "{\"count\":694}");
  wait = count (zoho);
  wait_end (wait);
  g_assert_cmpint (wait->status, ==, 694);
  wait_free (wait);
  script (zoho, 200, "{\"count\":\"694\"}");
  wait = count (zoho);
  wait_end (wait);
  g_assert_cmpint (wait->status, ==, 694);
  wait_free (wait);
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      script (zoho, 200, bad[i]);
      wait_error (count (zoho), ZOHO_ERROR_FAILED);
    }
}

static void
test_metadata (Zoho *zoho, const void *unused)
{
  Wait *wait = wait_new (zoho);

  zoho_start (zoho);
  script (zoho, 200, "{\"modules\":[{\"api_name\":\"Leads\"},{\"api_name\":\"../x\"}]}");
  metadata_modules (zoho->client, CLIENT_PERSON, rows_landed, wait);
  wait_end (wait);
  g_assert_no_error (wait->error);
  g_assert_cmpint (json_array_size (wait->body), ==, 1);
  wait_free (wait);
  wait = wait_new (zoho);
  script (zoho, 200, "{\"fields\":{}}");
  metadata_fields (zoho->client, "Leads", CLIENT_PERSON, rows_landed, wait);
  wait_error (wait, ZOHO_ERROR_FAILED);
}

static void
test_users_of_all_pages (Zoho *zoho, const void *unused)
{
  Wait *wait = wait_new (zoho);

  zoho_start (zoho);
  script (zoho, 200, "{\"users\":[{\"id\":\"1\"},{\"id\":\"2\"}],\"info\":{\"more_records\":true}}");
  script (zoho, 200, "{\"users\":[{\"id\":\"2\"},{\"id\":\"3\"}],\"info\":{\"more_records\":false}}");
  metadata_users (zoho->client, "AllUsers", CLIENT_PERSON, rows_landed, wait);
  wait_end (wait);
  g_assert_no_error (wait->error);
  g_assert_cmpint (json_array_size (wait->body), ==, 3);
  wait_free (wait);
  LOCKED (&zoho->lock);
  g_assert_cmpstr (zoho->seen->str, ==,
                   "GET /crm/v8/users?type=AllUsers&page=1&per_page=200\n"
                   "GET /crm/v8/users?type=AllUsers&page=2&per_page=200\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, run) g_test_add ("/records/" name, Zoho, NULL, zoho_set_up, run, zoho_tear_down)
  ADD ("what-is-asked", test_what_is_asked);
  ADD ("pages", test_pages);
  ADD ("bad-pages", test_bad_pages);
  ADD ("one-record", test_one_record);
  ADD ("counts", test_counts);
  ADD ("metadata", test_metadata);
  ADD ("users-of-all-pages", test_users_of_all_pages);
  return g_test_run ();
}
