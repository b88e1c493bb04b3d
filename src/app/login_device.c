/* The device flow (RFC 8628, as Zoho has it): for machines without a browser. The user types a short code into
 * Zoho's page on another device, and we ask meanwhile, no more often than Zoho allows, whether that has happened. */
#include "app/login_private.h"

#include "api/url.h"
#include "app/credentials.h"
#include "app/files.h"
#include "base/clock.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 4096
#define CODE_SHOWN_MAX 64
#define LIFE_S 300
#define LIFE_MAX_S 3600
#define INTERVAL_S 30
#define INTERVAL_MAX_S 60
#define SLOWER_S 5
#define HOPS_MAX 3

typedef struct
{
  char *device_code;
  int64_t interval_s, ends_us;
  unsigned hops; /* to other data centres */
} Device;

static void
device_clear (Device *device)
{
  credentials_wipe (device->device_code);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Device, device_clear)

/* The text at @key when it is one word, which a terminal may be shown; else NULL. */
static const char *
word_at (const json_t *body, const char *key, size_t most)
{
  const char *text = json_get_text (body, key);

  return text != NULL && strlen (text) <= most && files_is_word (text) ? text : NULL;
}

/* Zoho means milliseconds where its documentation says seconds: nobody waits for a thousand of those. */
static int64_t
seconds_at (const json_t *body, const char *key, int64_t otherwise, int64_t most)
{
  const json_t *value = json_object_get (body, key);
  int64_t number = json_is_integer (value) ? json_integer_value (value) : otherwise;

  if (number >= 1000)
    number = (number + 999) / 1000;
  return CLAMP (number, 1, most);
}

static void
show (const json_t *body, const char *user_code, const char *url)
{
  const char *complete = word_at (body, "verification_uri_complete", WORD_MAX);

  printf ("On any device with a browser, open\n\n  %s\n\nand enter the code\n\n  %s\n", url, user_code);
  if (complete != NULL)
    printf ("\nor open %s\n", complete);
  printf ("\nWaiting for that ...\n");
  fflush (stdout);
}

static bool
begin (Login *login, Device *device, GError **error)
{
  g_autofree char *url = g_strconcat (login->accounts_url, "/oauth/v3/device/code", NULL);
  g_autoptr (GString) form = g_string_new (NULL);
  g_autoptr (json_t) body = NULL;
  const char *user_code, *page, *code;
  RetryCause cause;
  int status;

  url_add (form, "client_id", login->config->client_id);
  url_add (form, "grant_type", "device_request");
  url_add (form, "scope", login->scopes);
  url_add (form, "access_type", "offline");
  url_add (form, "prompt", "consent");
  body = accounts_ask (login->http, url, form->str, &status, error);
  if (body == NULL)
    return false;
  user_code = word_at (body, "user_code", CODE_SHOWN_MAX);
  page = word_at (body, "verification_url", WORD_MAX);
  code = word_at (body, "device_code", WORD_MAX);
  if (user_code == NULL || page == NULL || code == NULL)
    {
      accounts_refuse (body, status, &cause, error);
      return false;
    }
  device->device_code = g_strdup (code);
  device->interval_s = seconds_at (body, "interval", INTERVAL_S, INTERVAL_MAX_S);
  device->ends_us = clock_now_us () + seconds_at (body, "expires_in", LIFE_S, LIFE_MAX_S) * CLOCK_SECOND_US;
  show (body, user_code, page);
  return true;
}

static json_t *
ask (Login *login, const Device *device, int *status, GError **error)
{
  g_autofree char *url = g_strconcat (login->accounts_url, "/oauth/v3/device/token", NULL);
  GString *form = g_string_new (NULL);
  json_t *body;

  url_add (form, "client_id", login->config->client_id);
  url_add (form, "client_secret", login->client_secret);
  url_add (form, "grant_type", "device_token");
  url_add (form, "code", device->device_code);
  body = accounts_ask (login->http, url, form->str, status, error);
  credentials_wipe (g_string_free (form, FALSE));
  return body;
}

/* Returns: false with @error when asking on is of no use. */
static bool
may_go_on (Login *login, Device *device, const json_t *body, int status, GError **error)
{
  const char *name = json_get_text (body, "error");
  RetryCause cause;

  if (g_strcmp0 (name, "authorization_pending") == 0)
    return true;
  if (g_strcmp0 (name, "slow_down") == 0)
    {
      device->interval_s = MIN (device->interval_s + SLOWER_S, INTERVAL_MAX_S);
      return true;
    }
  if (g_strcmp0 (name, "other_dc") == 0 && device->hops++ < HOPS_MAX)
    return login_follow (login, NULL, json_get_text (body, "user_location"), error);
  if (g_strcmp0 (name, "access_denied") == 0)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED,
                 "The permission was not given on Zoho's page (access_denied); nothing was changed.");
  else if (g_strcmp0 (name, "expired") == 0)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT,
                 "The code was not entered in time (expired); run `zohofs login --device` again.");
  else
    accounts_refuse (body, status, &cause, error);
  return false;
}

/* One try. Returns: whether there is a token; without, @error says why to stop. A connection that is lost meanwhile
 * is no reason to. */
static bool
poll_once (Login *login, Device *device, AccountsToken *token, GError **error)
{
  g_autoptr (GError) lost = NULL;
  int status;
  g_autoptr (json_t) body = ask (login, device, &status, &lost);
  RetryCause cause;

  if (body == NULL)
    return false;
  if (json_get_text (body, "access_token") != NULL)
    return accounts_read_token (body, status, token, &cause, error);
  may_go_on (login, device, body, status, error);
  return false;
}

bool
login_by_device (Login *login, GError **error)
{
  g_auto (Device) device = { NULL };
  g_auto (AccountsToken) token = { NULL };
  g_autoptr (GError) cause = NULL;

  if (!begin (login, &device, error))
    return false;
  while (cause == NULL && clock_now_us () < device.ends_us)
    {
      g_usleep ((gulong) (device.interval_s * CLOCK_SECOND_US));
      if (poll_once (login, &device, &token, &cause))
        return login_keep (login, &token, error);
    }
  if (cause == NULL)
    g_set_error (&cause, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT,
                 "The code was not entered in time; run `zohofs login --device` again.");
  g_propagate_error (error, g_steal_pointer (&cause));
  return false;
}
