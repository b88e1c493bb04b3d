/* One call to Zoho, against a scripted server: retries, deadlines, order, bounds. The sign-in is test-oauth.c's. */
#include "zoho_script.h"

#include "base/behalf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <stdatomic.h>
#include <string.h>

/* {"data":[{"id":"77"}],"info":{"more_records":false}} */
static const unsigned char squeezed[]
    = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x4a, 0x49, 0x2c, 0x49, 0x54, 0xb2,
        0x8a, 0xae, 0x56, 0xca, 0x4c, 0x51, 0xb2, 0x52, 0x32, 0x37, 0x57, 0xaa, 0x8d, 0xd5, 0x51, 0xca, 0xcc, 0x4b,
        0xcb, 0x57, 0xb2, 0xaa, 0x56, 0xca, 0xcd, 0x2f, 0x4a, 0x8d, 0x2f, 0x4a, 0x4d, 0xce, 0x2f, 0x4a, 0x29, 0x56,
        0xb2, 0x4a, 0x4b, 0xcc, 0x29, 0x4e, 0xad, 0xad, 0x05, 0x00, 0xf9, 0x07, 0x52, 0xdb, 0x34, 0x00, 0x00, 0x00 };

/* 100,000 blanks: what is not named here is 0. */
static const unsigned char bomb[133]
    = { 0x1f,         0x8b,         0x08,         0x00,         0x00,         0x00,         0x00,         0x00,
        0x02,         0x03,         0xed,         0xc1,         0x31,         0x01,         0x00,         0x00,
        0x00,         0xc2,         0xa0,         0x2a,         0xeb,         0x9f,         0xd2,         0x1a,
        0x1e,         0x40,         0x01,         [123] = 0xaf, [124] = 0x06, [125] = 0x2d, [126] = 0xf0, [127] = 0x79,
        [128] = 0xca, [129] = 0xa0, [130] = 0x86, [131] = 0x01 };

static const WebAnswer broken = { .status = 503, .headers = "Retry-After: 0\r\n" };
static const WebAnswer busy = { .status = 429, .headers = "Retry-After: 0\r\n" };

static unsigned
api_calls (Zoho *zoho)
{
  LOCKED (&zoho->lock);

  return zoho->api_calls;
}

static unsigned
most_in_flight (Zoho *zoho)
{
  LOCKED (&zoho->lock);

  return zoho->most_in_flight;
}

static void
fails_with (Zoho *zoho, const WebAnswer *answer, int code, const char *words)
{
  Wait *wait;

  zoho_script (zoho, answer);
  wait = zoho_get (zoho, "/crm/v8/Leads", CLIENT_PERSON);
  wait_end (wait);
  g_assert_error (wait->error, ZOHO_ERROR, code);
  if (strstr (wait->error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", wait->error->message, words);
  wait_free (wait);
}

static void
test_asks_and_answers (Zoho *zoho, const void *unused)
{
  ClientStats stats;
  Wait *wait;

  zoho_start (zoho);
  wait = zoho_send (zoho, &(ClientCall){ .path = "/crm/v8/Leads",
                                         .query = "fields=A,B&page=1",
                                         .if_modified_since = "2026-03-01T09:00:00+00:00" });
  wait_end (wait);
  g_assert_no_error (wait->error);
  g_assert_cmpint (wait->status, ==, 200);
  g_assert_nonnull (json_object_get (wait->body, "data"));
  wait_free (wait);
  {
    LOCKED (&zoho->lock);
    g_assert_cmpstr (zoho->seen->str, ==, "GET /crm/v8/Leads?fields=A,B&page=1\n");
    g_assert_nonnull (strstr (zoho->last_head, "\r\nAuthorization: Zoho-oauthtoken t1\r\n"));
    g_assert_nonnull (strstr (zoho->last_head, "\r\nUser-Agent: zohofs/"));
    g_assert_nonnull (strstr (zoho->last_head, "\r\nAccept-Encoding: "));
    g_assert_nonnull (strstr (zoho->last_head, "\r\nIf-Modified-Since: 2026-03-01T09:00:00+00:00\r\n"));
  }
  client_stats (zoho->client, &stats);
  g_assert_cmpint (stats.calls, ==, 1);
  g_assert_cmpint (stats.credits, ==, 1);
  g_assert_cmpint (stats.token_calls, ==, 1);
  g_assert_cmpint (stats.failures + stats.retries + stats.in_flight + stats.queued, ==, 0);
  g_assert_cmpint (stats.credits_remaining, ==, -1);
}

static void
test_sends_a_body (Zoho *zoho, const void *unused)
{
  json_t *body = json_pack ("{s:s}", "select_query", "select x");

  zoho_start (zoho);
  wait_good (zoho_send (zoho, &(ClientCall){ .method = "PUT", .path = "/crm/v8/coql", .body = body, .once = true }));
  json_decref (body);
  LOCKED (&zoho->lock);
  g_assert_cmpstr (zoho->seen->str, ==, "PUT /crm/v8/coql\n");
  g_assert_cmpstr (zoho->last_body, ==, "{\"select_query\":\"select x\"}");
  g_assert_nonnull (strstr (zoho->last_head, "\r\nContent-Type: application/json\r\n"));
}

static void
test_empty_answers (Zoho *zoho, const void *unused)
{
  Wait *wait;

  zoho_start (zoho);
  zoho_script (zoho, &(WebAnswer){ .status = 304 });
  wait = zoho_get (zoho, "/crm/v8/Leads", CLIENT_PERSON);
  wait_end (wait);
  g_assert_no_error (wait->error);
  g_assert_cmpint (wait->status, ==, 304);
  g_assert_null (wait->body);
  wait_free (wait);
}

static void
test_tries_again (Zoho *zoho, const void *unused)
{
  ClientStats stats;

  zoho_start (zoho);
  zoho_script (zoho, &broken);
  zoho_script (zoho, &busy);
  zoho_script (zoho, &(WebAnswer){ .end = WEB_RESET });
  zoho_script (zoho, &(WebAnswer){ .status = 200, .body = "{\"data\":[{\"id\":\"1\"}]}", .end = WEB_CUT });
  wait_good (zoho_get (zoho, "/crm/v8/Leads", CLIENT_PERSON));
  client_stats (zoho->client, &stats);
  g_assert_cmpint (api_calls (zoho), ==, 5);
  g_assert_cmpint (stats.retries, >=, 3); /* curl itself resends after the reset of a kept connection */
  g_assert_cmpint (stats.failures, ==, 0);
}

static void
test_gives_up_on_what_is_broken (Zoho *zoho, const void *unused)
{
  ClientStats stats;

  zoho_start (zoho);
  for (int i = 0; i < 6; i++)
    zoho_script (zoho, &broken);
  wait_error (zoho_get (zoho, "/crm/v8/Leads", CLIENT_PERSON), ZOHO_ERROR_FAILED);
  g_assert_cmpint (api_calls (zoho), ==, 6);
  client_stats (zoho->client, &stats);
  g_assert_cmpint (stats.failures, ==, 1);
  g_assert_cmpstr (stats.last_error, !=, "");
}

static void
test_busy_until_the_deadline_is_spent (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  zoho_script (zoho, &(WebAnswer){ .status = 429, .headers = "Retry-After: 3600\r\n" });
  wait_error (zoho_get (zoho, "/crm/v8/Leads", CLIENT_PERSON), ZOHO_ERROR_SPENT);
  g_assert_cmpint (api_calls (zoho), ==, 1);
}

/* ---- a storm of refusals ---------------------------------------------------------------------------------------- */

#define STORM_S 600
#define WAITING 300

static atomic_uint lines_begin, lines_end, lines_more;

/* What the client says meanwhile. */
static GLogWriterOutput
count_line (GLogLevelFlags level, const GLogField *fields, gsize count, gpointer unused)
{
  for (gsize i = 0; i < count; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      {
        bool begin = strstr (fields[i].value, "takes no more calls for now (429)") != NULL;
        bool end = strstr (fields[i].value, "The calls to Zoho go on") != NULL;

        atomic_fetch_add (begin ? &lines_begin : end ? &lines_end : &lines_more, 1);
      }
  return G_LOG_WRITER_HANDLED;
}

/* Until the wire has looked at all who wait, and nothing is under way: a call whose time is over ends at such a
 * look, after those of all other priorities. */
static void
settle (Zoho *zoho)
{
  ClientStats stats;

  do
    {
      wait_error (zoho_send (zoho, &(ClientCall){ .path = "/late", .priority = CLIENT_BACKGROUND, .deadline_us = 1 }),
                  ZOHO_ERROR_TIMED_OUT);
      client_stats (zoho->client, &stats);
    }
  while (stats.in_flight > 0);
}

static void
clear_script (Zoho *zoho)
{
  WebAnswer *left;
  LOCKED (&zoho->lock);

  while ((left = g_queue_pop_head (&zoho->api)) != NULL)
    g_free (left);
}

/* However many wait: at most 20 tries in a minute, and what was under way at the beginning. */
static void
test_a_storm_is_ridden_out (Zoho *zoho, const void *unused)
{
  Wait *waits[WAITING];
  unsigned before = 0;

  clock_freeze (1000 * G_USEC_PER_SEC, 1700000000);
  atomic_store (&lines_begin, 0);
  atomic_store (&lines_end, 0);
  atomic_store (&lines_more, 0);
  zoho_start (zoho);
  for (unsigned i = 0; i < 1000; i++)
    zoho_script (zoho, &(WebAnswer){ .status = 429 });
  for (unsigned i = 0; i < WAITING; i++)
    waits[i] = zoho_send (zoho, &(ClientCall){ .path = "/x",
                                               .priority = i % 2 == 0 ? CLIENT_PERSON : CLIENT_LISTING,
                                               .deadline_us = 3600 * (int64_t)G_USEC_PER_SEC });
  settle (zoho);
  for (unsigned second = 1; second <= STORM_S; second++)
    {
      clock_advance (G_USEC_PER_SEC);
      settle (zoho);
      if (second % 60 != 0)
        continue;
      g_test_message ("minute %u: %u calls", second / 60, api_calls (zoho) - before);
      g_assert_cmpuint (api_calls (zoho) - before, <=, second == 60 ? 30 : 20);
      before = api_calls (zoho);
    }
  g_assert_cmpuint (before, >=, STORM_S / 60);
  clear_script (zoho);
  clock_advance (60 * G_USEC_PER_SEC);
  for (unsigned i = 0; i < WAITING; i++)
    wait_good (waits[i]);
  g_assert_cmpuint (api_calls (zoho), ==, before + WAITING);
  g_assert_cmpuint (atomic_load (&lines_begin), ==, 1);
  g_assert_cmpuint (atomic_load (&lines_end), ==, 1);
  g_assert_cmpuint (atomic_load (&lines_more), ==, 0);
  clock_thaw ();
}

/* Those whose time is over before the pause need not wait for that. */
static void
test_a_pause_too_long_is_refused (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  zoho_script (zoho, &(WebAnswer){ .status = 429, .headers = "Retry-After: 3600\r\n" });
  wait_error (zoho_get (zoho, "/crm/v8/Leads", CLIENT_PERSON), ZOHO_ERROR_SPENT);
  wait_error (zoho_get (zoho, "/crm/v8/Leads", CLIENT_PERSON), ZOHO_ERROR_SPENT);
  g_assert_cmpint (api_calls (zoho), ==, 1);
}

/* ---- whose it was ------------------------------------------------------------------------------------------------ */

static void
tell_program (void *data, char name[BEHALF_PROGRAM_SIZE])
{
  g_strlcpy (name, data, BEHALF_PROGRAM_SIZE);
}

/* As one that goes on with another page. */
static void
send_next (const ClientAnswer *answer, const GError *error, void *data)
{
  Wait *next = data;

  next->ticket = client_send (next->zoho->client, &(ClientCall){ .path = "/next", .credits = 2 }, wait_done, next);
}

static void
test_calls_are_charged (Zoho *zoho, const void *unused)
{
  const Behalf grep = { tell_program, (void *)"grep" };
  Cost costs[COSTS_NAMES_MAX + 1];
  Wait *next;

  zoho_start (zoho);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  g_assert_null (behalf_set (&grep));
  wait_good (zoho_send (zoho, &(ClientCall){ .path = "/x", .credits = 3 }));
  wait_good (zoho_get (zoho, "/x", CLIENT_BACKGROUND));
  next = wait_new (zoho);
  client_send (zoho->client, &(ClientCall){ .path = "/first" }, send_next, next);
  g_assert_true (behalf_set (NULL) == &grep);
  wait_good (next);
  g_assert_cmpuint (client_costs (zoho->client, costs), ==, 2);
  g_assert_cmpstr (costs[0].program, ==, "grep");
  g_assert_cmpuint (costs[0].calls, ==, 3);
  g_assert_cmpuint (costs[0].credits, ==, 6);
  g_assert_cmpstr (costs[1].program, ==, "zohofs");
  g_assert_cmpuint (costs[1].calls, ==, 2);
}

static void
test_no_server_is_unreachable (Zoho *zoho, const void *unused)
{
  WebServer *gone = web_server_new (NULL, NULL);
  g_autofree char *url = g_strdup (web_server_url (gone));

  web_server_free (gone);
  zoho->token_answer = "{\"access_token\":\"t1\",\"expires_in\":3600}";
  zoho->config.api_url = url;
  zoho_start (zoho);
  wait_error (zoho_send (zoho, &(ClientCall){ .path = "/x", .deadline_us = G_USEC_PER_SEC / 10 }),
              ZOHO_ERROR_UNREACHABLE);
}

static void
test_once_is_not_sent_again (Zoho *zoho, const void *unused)
{
  ClientCall call = { .method = "POST", .path = "/crm/v8/Leads", .once = true };

  zoho_start (zoho);
  wait_good (zoho_get (zoho, "/crm/v8/Leads", CLIENT_PERSON)); /* leaves a kept connection */
  zoho_script (zoho, &(WebAnswer){ .end = WEB_RESET });
  wait_error (zoho_send (zoho, &call), ZOHO_ERROR_UNCLEAR);
  g_assert_cmpint (api_calls (zoho), ==, 2);
  zoho_script (zoho, &broken);
  wait_error (zoho_send (zoho, &call), ZOHO_ERROR_UNCLEAR);
  g_assert_cmpint (api_calls (zoho), ==, 3);
  zoho_script (zoho, &busy);
  wait_good (zoho_send (zoho, &call));
  g_assert_cmpint (api_calls (zoho), ==, 5);
}

static void
test_stall_times_out (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  zoho_hold (zoho, true);
  wait_error (zoho_send (zoho, &(ClientCall){ .path = "/x", .deadline_us = G_USEC_PER_SEC / 5 }), ZOHO_ERROR_TIMED_OUT);
}

static void
test_deadline_counts_the_line (Zoho *zoho, const void *unused)
{
  Wait *first;

  zoho->config.concurrency = 1;
  zoho_start (zoho);
  zoho_hold (zoho, true);
  first = zoho_get (zoho, "/first", CLIENT_PERSON);
  zoho_wait_in_flight (zoho, 1);
  wait_error (zoho_send (zoho, &(ClientCall){ .path = "/x", .deadline_us = G_USEC_PER_SEC / 20 }),
              ZOHO_ERROR_TIMED_OUT);
  zoho_hold (zoho, false);
  wait_good (first);
  g_assert_cmpint (api_calls (zoho), ==, 1);
}

static void
test_cancels (Zoho *zoho, const void *unused)
{
  Wait *flying, *queued, *fine;

  zoho->config.concurrency = 1;
  zoho_start (zoho);
  zoho_hold (zoho, true);
  flying = zoho_get (zoho, "/flying", CLIENT_PERSON);
  zoho_wait_in_flight (zoho, 1);
  queued = zoho_get (zoho, "/queued", CLIENT_LISTING);
  client_cancel (zoho->client, queued->ticket);
  wait_error (queued, ZOHO_ERROR_CANCELLED);
  client_cancel (zoho->client, 12345678);
  fine = zoho_get (zoho, "/fine", CLIENT_LISTING);
  client_cancel (zoho->client, flying->ticket);
  client_cancel (zoho->client, flying->ticket);
  wait_error (flying, ZOHO_ERROR_CANCELLED);
  zoho_hold (zoho, false);
  wait_good (fine);
  g_assert_cmpint (api_calls (zoho), ==, 2);
}

static void
test_free_cancels_all (Zoho *zoho, const void *unused)
{
  Wait *waits[10];

  zoho_start (zoho);
  zoho_hold (zoho, true);
  for (size_t i = 0; i < G_N_ELEMENTS (waits); i++)
    waits[i] = zoho_get (zoho, "/x", i % CLIENT_PRIORITIES);
  zoho_wait_in_flight (zoho, 4);
  client_free (g_steal_pointer (&zoho->client));
  for (size_t i = 0; i < G_N_ELEMENTS (waits); i++)
    wait_error (waits[i], ZOHO_ERROR_CANCELLED);
}

static void
test_persons_go_first (Zoho *zoho, const void *unused)
{
  Wait *waits[5];

  zoho->config.concurrency = 1;
  zoho_start (zoho);
  zoho_hold (zoho, true);
  waits[0] = zoho_get (zoho, "/first", CLIENT_BACKGROUND);
  zoho_wait_in_flight (zoho, 1);
  waits[1] = zoho_get (zoho, "/background", CLIENT_BACKGROUND);
  waits[2] = zoho_get (zoho, "/listing1", CLIENT_LISTING);
  waits[3] = zoho_get (zoho, "/listing2", CLIENT_LISTING);
  waits[4] = zoho_get (zoho, "/person", CLIENT_PERSON);
  zoho_hold (zoho, false);
  for (size_t i = 0; i < G_N_ELEMENTS (waits); i++)
    wait_good (waits[i]);
  LOCKED (&zoho->lock);
  g_assert_cmpstr (zoho->seen->str, ==, "GET /first\nGET /person\nGET /listing1\nGET /listing2\nGET /background\n");
}

static void
test_caps_are_kept (Zoho *zoho, const void *unused)
{
  Wait *waits[12];

  zoho->config.concurrency = 3;
  zoho_start (zoho);
  zoho_hold (zoho, true);
  for (size_t i = 0; i < G_N_ELEMENTS (waits); i++)
    waits[i] = zoho_get (zoho, "/x", CLIENT_LISTING);
  zoho_wait_in_flight (zoho, 3);
  zoho_hold (zoho, false);
  for (size_t i = 0; i < G_N_ELEMENTS (waits); i++)
    wait_good (waits[i]);
  g_assert_cmpint (most_in_flight (zoho), ==, 3);
}

static void
test_heavy_calls_let_others_pass (Zoho *zoho, const void *unused)
{
  ClientCall heavy = { .path = "/heavy", .heavy = true };
  Wait *waits[4];

  zoho->config.concurrency = 3;
  zoho->config.heavy_concurrency = 1;
  zoho_start (zoho);
  zoho_hold (zoho, true);
  waits[0] = zoho_send (zoho, &heavy);
  zoho_wait_in_flight (zoho, 1);
  waits[1] = zoho_send (zoho, &heavy);
  waits[2] = zoho_send (zoho, &heavy);
  waits[3] = zoho_get (zoho, "/light", CLIENT_LISTING);
  zoho_wait_in_flight (zoho, 2);
  {
    LOCKED (&zoho->lock);
    g_assert_cmpstr (zoho->seen->str, ==, "GET /heavy\nGET /light\n");
  }
  zoho_hold (zoho, false);
  for (size_t i = 0; i < G_N_ELEMENTS (waits); i++)
    wait_good (waits[i]);
}

static void
test_budget (Zoho *zoho, const void *unused)
{
  zoho->config.daily_credits = 10;
  zoho_start (zoho);
  wait_good (zoho_send (zoho, &(ClientCall){ .path = "/x", .credits = 9 }));
  wait_error (zoho_get (zoho, "/x", CLIENT_BACKGROUND), ZOHO_ERROR_SPENT);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  wait_error (zoho_get (zoho, "/x", CLIENT_PERSON), ZOHO_ERROR_SPENT);
  g_assert_cmpint (api_calls (zoho), ==, 2);
}

static void
test_credit_header (Zoho *zoho, const void *unused)
{
  ClientStats stats;

  zoho_start (zoho);
  zoho_script (zoho, &(WebAnswer){ .status = 204, .headers = "x-api-credits-remaining: 0\r\n" });
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  wait_error (zoho_get (zoho, "/x", CLIENT_PERSON), ZOHO_ERROR_SPENT);
  client_stats (zoho->client, &stats);
  g_assert_cmpint (stats.credits_remaining, ==, 0);
}

static void
test_squeezed_answers (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  zoho_script (zoho, &(WebAnswer){ .status = 200,
                                   .headers = "Content-Encoding: gzip\r\n",
                                   .body = (const char *)squeezed,
                                   .size = sizeof squeezed });
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
}

static void
test_sizes_are_bounded (Zoho *zoho, const void *unused)
{
  zoho->config.body_max = 50000;
  zoho_start (zoho);
  fails_with (
      zoho,
      &(WebAnswer){
          .status = 200, .headers = "Content-Encoding: gzip\r\n", .body = (const char *)bomb, .size = sizeof bomb },
      ZOHO_ERROR_TOO_LARGE, "50000");
  fails_with (zoho, &(WebAnswer){ .status = 200, .headers = "Content-Length: 300000000\r\n", .body = "x" },
              ZOHO_ERROR_TOO_LARGE, "50000");
}

static void
test_nonsense_fails (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  fails_with (zoho, &(WebAnswer){ .status = 200, .body = "{\"data\":[" }, ZOHO_ERROR_FAILED, "not JSON");
  fails_with (zoho, &(WebAnswer){ .status = 200, .body = "<html>Sign in</html>" }, ZOHO_ERROR_FAILED, "HTML");
  fails_with (zoho, &(WebAnswer){ .status = 200 }, ZOHO_ERROR_FAILED, "");
  fails_with (zoho, &(WebAnswer){ .status = 200, .headers = "Content-Encoding: gzip\r\n", .body = "not gzip" },
              ZOHO_ERROR_FAILED, "");
  g_assert_cmpint (api_calls (zoho), ==, 4);
}

static void
test_redirects_are_refused (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  fails_with (zoho, &(WebAnswer){ .status = 302, .headers = "Location: /elsewhere\r\n" }, ZOHO_ERROR_FAILED, "another");
  g_assert_cmpint (api_calls (zoho), ==, 1);
}

static void
test_nothing_ends_a_line_early (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  wait_error (zoho_send (zoho, &(ClientCall){ .path = "/x", .if_modified_since = "x\r\nEvil: 1" }), ZOHO_ERROR_INVALID);
  wait_error (zoho_send (zoho, &(ClientCall){ .path = "/x y" }), ZOHO_ERROR_INVALID);
  wait_error (zoho_send (zoho, &(ClientCall){ .path = "@evil.example/" }), ZOHO_ERROR_INVALID);
  wait_error (zoho_send (zoho, &(ClientCall){ .path = "/x", .query = "a=\n" }), ZOHO_ERROR_INVALID);
  g_assert_cmpint (api_calls (zoho), ==, 0);
}

static void
test_unsafe_urls_are_refused (Zoho *zoho, const void *unused)
{
  g_autoptr (GError) error = NULL;

  zoho->config.accounts_url = "http://accounts.zoho.com";
  g_assert_null (client_new (&zoho->config, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* a storm is a warning */
  g_log_set_writer_func (count_line, NULL, NULL);
#define ADD(name, run) g_test_add ("/client/" name, Zoho, NULL, zoho_set_up, run, zoho_tear_down)
  ADD ("asks-and-answers", test_asks_and_answers);
  ADD ("sends-a-body", test_sends_a_body);
  ADD ("empty-answers", test_empty_answers);
  ADD ("tries-again", test_tries_again);
  ADD ("gives-up-on-what-is-broken", test_gives_up_on_what_is_broken);
  ADD ("busy-until-the-deadline-is-spent", test_busy_until_the_deadline_is_spent);
  ADD ("a-pause-too-long-is-refused", test_a_pause_too_long_is_refused);
  ADD ("calls-are-charged", test_calls_are_charged);
  ADD ("no-server-is-unreachable", test_no_server_is_unreachable);
  ADD ("once-is-not-sent-again", test_once_is_not_sent_again);
  ADD ("stall-times-out", test_stall_times_out);
  ADD ("deadline-counts-the-line", test_deadline_counts_the_line);
  ADD ("cancels", test_cancels);
  ADD ("free-cancels-all", test_free_cancels_all);
  ADD ("persons-go-first", test_persons_go_first);
  ADD ("caps-are-kept", test_caps_are_kept);
  ADD ("heavy-calls-let-others-pass", test_heavy_calls_let_others_pass);
  ADD ("budget", test_budget);
  ADD ("credit-header", test_credit_header);
  ADD ("squeezed-answers", test_squeezed_answers);
  ADD ("sizes-are-bounded", test_sizes_are_bounded);
  ADD ("nonsense-fails", test_nonsense_fails);
  ADD ("redirects-are-refused", test_redirects_are_refused);
  ADD ("nothing-ends-a-line-early", test_nothing_ends_a_line_early);
  ADD ("unsafe-urls-are-refused", test_unsafe_urls_are_refused);
  ADD ("a-storm-is-ridden-out", test_a_storm_is_ridden_out);
  return g_test_run ();
}
