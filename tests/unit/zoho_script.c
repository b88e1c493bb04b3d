/* A scripted Zoho for tests of the client. */
#include "zoho_script.h"

#include "base/error.h"
#include "base/lock.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS "{\"data\":[{\"id\":\"77\"}],\"info\":{\"more_records\":false}}"
#define REFUSED "{\"code\":\"INVALID_TOKEN\",\"details\":{},\"message\":\"invalid oauth token\",\"status\":\"error\"}"

/* Takes the next answer off @script. Lock held. */
static bool
next_answer (GQueue *script, WebAnswer *answer)
{
  WebAnswer *next = g_queue_pop_head (script);

  if (next == NULL)
    return false;
  *answer = *next;
  g_free (next);
  return true;
}

/* Lock held. */
static WebAnswer
answer_token (Zoho *zoho)
{
  /* Answers must outlive the handler: interned strings do. */
  g_autofree char *text = NULL;
  WebAnswer answer;

  zoho->token_calls++;
  pthread_cond_broadcast (&zoho->news);
  if (next_answer (&zoho->token, &answer))
    return answer;
  if (zoho->token_answer != NULL)
    return (WebAnswer){ .status = 200, .body = zoho->token_answer };
  text = g_strdup_printf ("{\"access_token\":\"t%u\",\"expires_in\":3600,\"api_domain\":\"%s\"}", zoho->token_calls,
                          web_server_url (zoho->server));
  return (WebAnswer){ .status = 200, .body = g_intern_string (text) };
}

/* The number of the token in the request. */
static unsigned
token_number (const WebRequest *request)
{
  const char *token = strstr (request->head, "Authorization: Zoho-oauthtoken t");

  return token != NULL ? (unsigned)strtoul (token + 32, NULL, 10) : 0;
}

/* Lock held. */
static WebAnswer
answer_api (Zoho *zoho, const WebRequest *request)
{
  WebAnswer answer = { .status = 200, .body = ROWS };

  zoho->api_calls++;
  zoho->in_flight++;
  zoho->most_in_flight = MAX (zoho->most_in_flight, zoho->in_flight);
  g_string_append_printf (zoho->seen, "%s %s\n", request->method, request->target);
  g_free (zoho->last_head);
  g_free (zoho->last_body);
  zoho->last_head = g_strdup (request->head);
  zoho->last_body = g_strdup (request->body);
  pthread_cond_broadcast (&zoho->news);
  while (zoho->holding)
    pthread_cond_wait (&zoho->news, &zoho->lock);
  zoho->in_flight--;
  pthread_cond_broadcast (&zoho->news);
  if (token_number (request) < zoho->good_from)
    return (WebAnswer){ .status = 401, .body = REFUSED };
  next_answer (&zoho->api, &answer);
  return answer;
}

static WebAnswer
answer_request (const WebRequest *request, void *data)
{
  Zoho *zoho = data;
  LOCKED (&zoho->lock);

  return g_str_has_prefix (request->target, "/oauth/") ? answer_token (zoho) : answer_api (zoho, request);
}

void
zoho_set_up (Zoho *zoho, const void *unused)
{
  /* The first error of a process makes a lock inside glib, in a way ThreadSanitizer cannot follow. */
  g_error_free (g_error_new_literal (ZOHO_ERROR, ZOHO_ERROR_FAILED, "first"));
  pthread_mutex_init (&zoho->lock, NULL);
  pthread_cond_init (&zoho->news, NULL);
  g_queue_init (&zoho->api);
  g_queue_init (&zoho->token);
  zoho->seen = g_string_new (NULL);
  zoho->good_from = 1;
  zoho->server = web_server_new (answer_request, zoho);
  zoho->folder = g_dir_make_tmp ("zohofs-client-XXXXXX", NULL);
  zoho->config = (ClientConfig){
    .api_url = web_server_url (zoho->server),
    .accounts_url = web_server_url (zoho->server),
    .client_id = "1000.ID",
    .client_secret = "secret/&",
    .refresh_token = "1000.refresh",
    .concurrency = 4,
    .heavy_concurrency = 2,
    .deadline_us = 60 * G_USEC_PER_SEC,
    .body_max = 1024 * 1024,
  };
}

void
zoho_start (Zoho *zoho)
{
  g_autoptr (GError) error = NULL;

  zoho->client = client_new (&zoho->config, &error);
  g_assert_no_error (error);
}

void
zoho_tear_down (Zoho *zoho, const void *unused)
{
  g_autofree char *token = g_build_filename (zoho->folder, "token", NULL);
  g_autofree char *lock = g_strconcat (token, ".lock", NULL);

  client_free (zoho->client);
  zoho_hold (zoho, false);
  web_server_free (zoho->server);
  g_queue_clear_full (&zoho->api, g_free);
  g_queue_clear_full (&zoho->token, g_free);
  g_string_free (zoho->seen, TRUE);
  g_free (zoho->last_head);
  g_free (zoho->last_body);
  g_unlink (token);
  g_unlink (lock);
  g_assert_cmpint (g_rmdir (zoho->folder), ==, 0);
  g_free (zoho->folder);
  pthread_cond_destroy (&zoho->news);
  pthread_mutex_destroy (&zoho->lock);
}

void
zoho_script (Zoho *zoho, const WebAnswer *answer)
{
  LOCKED (&zoho->lock);

  g_queue_push_tail (&zoho->api, g_memdup2 (answer, sizeof *answer));
}

void
zoho_script_token (Zoho *zoho, const WebAnswer *answer)
{
  LOCKED (&zoho->lock);

  g_queue_push_tail (&zoho->token, g_memdup2 (answer, sizeof *answer));
}

void
zoho_hold (Zoho *zoho, bool holding)
{
  LOCKED (&zoho->lock);

  zoho->holding = holding;
  pthread_cond_broadcast (&zoho->news);
}

void
zoho_wait_in_flight (Zoho *zoho, unsigned calls)
{
  LOCKED (&zoho->lock);

  while (zoho->in_flight != calls)
    pthread_cond_wait (&zoho->news, &zoho->lock);
}

void
zoho_wait_api_calls (Zoho *zoho, unsigned calls)
{
  LOCKED (&zoho->lock);

  while (zoho->api_calls < calls)
    pthread_cond_wait (&zoho->news, &zoho->lock);
}

Wait *
wait_new (Zoho *zoho)
{
  Wait *wait = g_new0 (Wait, 1);

  wait->zoho = zoho;
  return wait;
}

void
wait_landed (Wait *wait, int status, json_t *body, const GError *error)
{
  static unsigned landed;
  LOCKED (&wait->zoho->lock);

  g_assert_false (wait->done);
  wait->status = status;
  wait->body = json_deep_copy (body); /* jansson looks at its counts without care for other threads */
  wait->error = error != NULL ? g_error_copy (error) : NULL;
  wait->order = ++landed;
  wait->done = true;
  pthread_cond_broadcast (&wait->zoho->news);
}

void
wait_done (const ClientAnswer *answer, const GError *error, void *data)
{
  g_assert_true ((answer == NULL) != (error == NULL));
  wait_landed (data, answer != NULL ? answer->status : 0, answer != NULL ? answer->body : NULL, error);
}

Wait *
zoho_send (Zoho *zoho, const ClientCall *call)
{
  Wait *wait = wait_new (zoho);

  wait->ticket = client_send (zoho->client, call, wait_done, wait);
  g_assert_cmpint (wait->ticket, !=, 0);
  return wait;
}

Wait *
zoho_get (Zoho *zoho, const char *path, ClientPriority priority)
{
  return zoho_send (zoho, &(ClientCall){ .path = path, .priority = priority });
}

void
wait_end (Wait *wait)
{
  LOCKED (&wait->zoho->lock);

  while (!wait->done)
    pthread_cond_wait (&wait->zoho->news, &wait->zoho->lock);
}

void
wait_free (Wait *wait)
{
  json_decref (wait->body);
  g_clear_error (&wait->error);
  g_free (wait);
}

void
wait_good (Wait *wait)
{
  wait_end (wait);
  g_assert_no_error (wait->error);
  wait_free (wait);
}

void
wait_error (Wait *wait, int code)
{
  wait_end (wait);
  g_assert_error (wait->error, ZOHO_ERROR, code);
  g_test_message ("%s", wait->error->message);
  wait_free (wait);
}
