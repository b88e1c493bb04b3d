/* A scripted Zoho for tests of the client: hands out tokens t1, t2, ..., answers API calls from a script, and can hold
 * them back. */
#pragma once

#include "api/client.h"
#include "web_server.h"

#include <pthread.h>

typedef struct
{
  WebServer *server;
  Client *client;
  ClientConfig config;
  char *folder; /* of the token file */

  pthread_mutex_t lock; /* guards all below */
  pthread_cond_t news;  /* anything below */
  GQueue api, token;    /* WebAnswer *, used up one by one; then the default */
  GString *seen;        /* "METHOD target" per API call, a line each */
  char *last_head, *last_body;
  unsigned api_calls, token_calls, in_flight, most_in_flight;
  unsigned good_from;       /* tokens before this number get 401; above all: none is good */
  bool holding;             /* API calls get no answer */
  const char *token_answer; /* instead of a token; NULL: a token */
} Zoho;

/* The end of a call, waited for. */
typedef struct
{
  Zoho *zoho;
  bool done; /* the rest holds then; all under the lock of @zoho */
  int status;
  json_t *body;
  GError *error;
  uint64_t ticket;
  unsigned order; /* 1 for the first that ended */
} Wait;

/* g_test_add() fixture functions. @unused: NULL. */
void zoho_set_up (Zoho *zoho, const void *unused);
void zoho_tear_down (Zoho *zoho, const void *unused);

/* Makes zoho->client from zoho->config, which set_up filled in. */
void zoho_start (Zoho *zoho);

/* Copies @answer to the end of the script for API or token calls. */
void zoho_script (Zoho *zoho, const WebAnswer *answer);
void zoho_script_token (Zoho *zoho, const WebAnswer *answer);

void zoho_hold (Zoho *zoho, bool holding);
void zoho_wait_in_flight (Zoho *zoho, unsigned calls);
void zoho_wait_api_calls (Zoho *zoho, unsigned calls);

/* Sends @call and returns at once. */
Wait *zoho_send (Zoho *zoho, const ClientCall *call);

/* GET @path with @priority. */
Wait *zoho_get (Zoho *zoho, const char *path, ClientPriority priority);

/* Waits for the end. */
void wait_end (Wait *wait);

/* Waits, checks, frees. */
void wait_good (Wait *wait);
void wait_error (Wait *wait, int code);

/* ClientDone for a Wait. */
void wait_done (const ClientAnswer *answer, const GError *error, void *data);

/* For calls that have done functions of their own. */
Wait *wait_new (Zoho *zoho);
void wait_landed (Wait *wait, int status, json_t *body, const GError *error);
void wait_free (Wait *wait);
