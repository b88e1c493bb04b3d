/* The access token, through a client and a scripted server: one refresh for all, and never a loop. */
#include "zoho_script.h"

#include "base/error.h"
#include "base/lock.h"

#include <glib/gstdio.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#define CALL_S (20 * G_USEC_PER_SEC)

static unsigned
token_calls (Zoho *zoho)
{
  LOCKED (&zoho->lock);

  return zoho->token_calls;
}

static void
refuse_tokens_before (Zoho *zoho, unsigned number)
{
  LOCKED (&zoho->lock);

  zoho->good_from = number;
}

static void
test_one_refresh_for_all (Zoho *zoho, const void *unused)
{
  Wait *waits[12];

  zoho_start (zoho);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  zoho_hold (zoho, true);
  for (size_t i = 0; i < G_N_ELEMENTS (waits); i++)
    waits[i] = zoho_get (zoho, "/x", CLIENT_LISTING);
  zoho_wait_in_flight (zoho, 4);
  refuse_tokens_before (zoho, 2);
  zoho_hold (zoho, false);
  for (size_t i = 0; i < G_N_ELEMENTS (waits); i++)
    wait_good (waits[i]);
  g_assert_cmpint (token_calls (zoho), ==, 2);
}

static void
test_a_once_call_outlives_its_token (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  refuse_tokens_before (zoho, 2);
  wait_good (zoho_send (zoho, &(ClientCall){ .method = "POST", .path = "/x", .once = true }));
}

static void
test_refused_twice_is_signed_out (Zoho *zoho, const void *unused)
{
  ClientStats stats;

  zoho_start (zoho);
  refuse_tokens_before (zoho, G_MAXUINT);
  wait_error (zoho_get (zoho, "/x", CLIENT_PERSON), ZOHO_ERROR_SIGNED_OUT);
  for (int i = 0; i < 5; i++)
    wait_error (zoho_get (zoho, "/x", CLIENT_PERSON), ZOHO_ERROR_SIGNED_OUT);
  g_assert_cmpint (token_calls (zoho), ==, 2);
  client_stats (zoho->client, &stats);
  g_assert_true (stats.signed_out);
  g_assert_cmpint (stats.token_calls, ==, 2);
}

/* The token answer @text ends every call with @code, after one token call. */
static void
ends_with (Zoho *zoho, const char *text, int code, const char *words)
{
  g_autoptr (GError) error = NULL;

  zoho->token_answer = text;
  zoho_start (zoho);
  g_assert_false (client_check_sign_in (zoho->client, CALL_S, &error));
  g_assert_error (error, ZOHO_ERROR, code);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
  wait_error (zoho_get (zoho, "/x", CLIENT_PERSON), code);
  g_assert_cmpint (token_calls (zoho), ==, 1);
}

static void
test_dead_refresh_token (Zoho *zoho, const void *unused)
{
  ends_with (zoho, "{\"error\":\"invalid_code\"}", ZOHO_ERROR_SIGNED_OUT, "zohofs login");
}

static void
test_unknown_client (Zoho *zoho, const void *unused)
{
  ends_with (zoho, "{\"error\":\"invalid_client\"}", ZOHO_ERROR_SIGNED_OUT, "client_id");
}

static void
test_wrong_secret (Zoho *zoho, const void *unused)
{
  ends_with (zoho, "{\"error\":\"invalid_client_secret\"}", ZOHO_ERROR_SIGNED_OUT, "secret");
}

static void
test_other_data_centre (Zoho *zoho, const void *unused)
{
  ends_with (zoho, "{\"access_token\":\"t1\",\"api_domain\":\"https://www.zohoapis.eu\"}", ZOHO_ERROR_SIGNED_OUT,
             "data centre of www.zohoapis.eu");
}

/* An account that somebody signs in to again. */
typedef struct
{
  atomic_uint news; /* sign-ins that were not fetched so far */
  bool freed;
} Renewal;

static bool
renew (void *data, char **client_secret, char **refresh_token)
{
  Renewal *renewal = data;

  if (atomic_load (&renewal->news) == 0)
    return false;
  atomic_fetch_sub (&renewal->news, 1);
  *client_secret = g_strdup ("new-secret");
  *refresh_token = g_strdup ("new-refresh");
  return true;
}

static void
renew_free (void *data)
{
  ((Renewal *)data)->freed = true;
}

static void
test_a_new_sign_in_is_noticed (Zoho *zoho, const void *unused)
{
  Renewal renewal = { 0 };
  ClientStats stats = { .signed_out = true };

  zoho->config.renew = renew;
  zoho->config.renew_data = &renewal;
  zoho->config.renew_free = renew_free;
  zoho->token_answer = "{\"error\":\"invalid_code\"}";
  zoho_start (zoho);
  wait_error (zoho_get (zoho, "/x", CLIENT_PERSON), ZOHO_ERROR_SIGNED_OUT);
  {
    LOCKED (&zoho->lock);
    zoho->token_answer = NULL;
  }
  atomic_store (&renewal.news, 1);
  while (stats.signed_out)
    {
      g_usleep (10000);
      client_stats (zoho->client, &stats);
    }
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  /* And before a refresh that the old one could only spoil. */
  atomic_store (&renewal.news, 1);
  refuse_tokens_before (zoho, 3);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  g_assert_cmpint (atomic_load (&renewal.news), ==, 0);
  g_clear_pointer (&zoho->client, client_free);
  g_assert_true (renewal.freed);
}

static void
test_check_sign_in (Zoho *zoho, const void *unused)
{
  g_autoptr (GError) error = NULL;

  zoho_start (zoho);
  g_assert_true (client_check_sign_in (zoho->client, CALL_S, &error));
  g_assert_no_error (error);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  g_assert_cmpint (token_calls (zoho), ==, 1);
}

static void
test_throttled_tokens_are_asked_for_again (Zoho *zoho, const void *unused)
{
  const char *denied = "{\"error\":\"Access Denied\",\"error_description\":\"You have made too many requests "
                       "continuously. Please try again after some time.\",\"status\":\"failure\"}";

  zoho_start (zoho);
  zoho_script_token (zoho, &(WebAnswer){ .status = 400, .headers = "Retry-After: 0\r\n", .body = denied });
  zoho_script_token (zoho, &(WebAnswer){ .status = 200, .headers = "Retry-After: 0\r\n", .body = denied });
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  g_assert_cmpint (token_calls (zoho), ==, 3);
}

static void
test_a_wait_for_a_token_tells_why (Zoho *zoho, const void *unused)
{
  zoho_start (zoho);
  zoho_script_token (zoho, &(WebAnswer){ .status = 429, .headers = "Retry-After: 3\r\n" });
  wait_error (zoho_send (zoho, &(ClientCall){ .path = "/x", .deadline_us = G_USEC_PER_SEC / 4 }), ZOHO_ERROR_SPENT);
}

static void
test_nonsense_tokens_are_refused (Zoho *zoho, const void *unused)
{
  static const char *const bad[] = {
    "{\"access_token\":\"\"}",
    "{\"access_token\":\"a b\"}",
    "{\"access_token\":\"a\\r\\nEvil: 1\"}",
    "{\"access_token\":7}",
    "[]",
    "<html>",
  };
  g_autoptr (GError) error = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    zoho_script_token (zoho, &(WebAnswer){ .status = 200, .headers = "Retry-After: 0\r\n", .body = bad[i] });
  zoho_start (zoho);
  g_assert_false (client_check_sign_in (zoho->client, CALL_S, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED);
  g_assert_cmpint (token_calls (zoho), ==, G_N_ELEMENTS (bad));
}

static void
test_short_tokens_are_renewed (Zoho *zoho, const void *unused)
{
  /* Used up at once as far as renewing goes, but good for a second. */
  zoho_script_token (zoho, &(WebAnswer){ .status = 200, .body = "{\"access_token\":\"t1\",\"expires_in\":1}" });
  zoho_start (zoho);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  refuse_tokens_before (zoho, 2);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  g_assert_cmpint (token_calls (zoho), ==, 2);
}

static void
test_clients_share_a_token_file (Zoho *zoho, const void *unused)
{
  g_autofree char *path = g_build_filename (zoho->folder, "token", NULL);
  Client *others[3];
  struct stat st;

  zoho->config.token_path = path;
  zoho_start (zoho);
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    others[i] = client_new (&zoho->config, NULL);
  {
    Wait *mine = zoho_get (zoho, "/x", CLIENT_PERSON), *theirs[G_N_ELEMENTS (others)];

    for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
      {
        theirs[i] = wait_new (zoho);
        client_send (others[i], &(ClientCall){ .path = "/x" }, wait_done, theirs[i]);
      }
    wait_good (mine);
    for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
      wait_good (theirs[i]);
  }
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    client_free (others[i]);
  g_assert_cmpint (token_calls (zoho), ==, 1);
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0600);
}

static void
test_a_refused_token_is_not_taken_from_the_file_again (Zoho *zoho, const void *unused)
{
  g_autofree char *path = g_build_filename (zoho->folder, "token", NULL);

  zoho->config.token_path = path;
  zoho_start (zoho);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  refuse_tokens_before (zoho, 2);
  wait_good (zoho_get (zoho, "/x", CLIENT_PERSON));
  g_assert_cmpint (token_calls (zoho), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, run) g_test_add ("/oauth/" name, Zoho, NULL, zoho_set_up, run, zoho_tear_down)
  ADD ("one-refresh-for-all", test_one_refresh_for_all);
  ADD ("a-once-call-outlives-its-token", test_a_once_call_outlives_its_token);
  ADD ("refused-twice-is-signed-out", test_refused_twice_is_signed_out);
  ADD ("dead-refresh-token", test_dead_refresh_token);
  ADD ("unknown-client", test_unknown_client);
  ADD ("wrong-secret", test_wrong_secret);
  ADD ("other-data-centre", test_other_data_centre);
  ADD ("a-new-sign-in-is-noticed", test_a_new_sign_in_is_noticed);
  ADD ("check-sign-in", test_check_sign_in);
  ADD ("throttled-tokens-are-asked-for-again", test_throttled_tokens_are_asked_for_again);
  ADD ("a-wait-for-a-token-tells-why", test_a_wait_for_a_token_tells_why);
  ADD ("nonsense-tokens-are-refused", test_nonsense_tokens_are_refused);
  ADD ("short-tokens-are-renewed", test_short_tokens_are_renewed);
  ADD ("clients-share-a-token-file", test_clients_share_a_token_file);
  ADD ("a-refused-token-is-not-taken-from-the-file-again", test_a_refused_token_is_not_taken_from_the_file_again);
  return g_test_run ();
}
