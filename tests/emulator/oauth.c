/* The accounts server: tokens for a client that knows id and secret. Its errors come with status 200, as Zoho's do.
 *
 * One client (1000.DEMO). Refresh tokens: 1000.demo.refresh is the first user's, 1000.user<N>.refresh the N-th user's,
 * and those that codes were exchanged for. Parameters may come in the query, as a form, or as multipart. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#include "multipart.h"

#define CLIENT_ID "1000.DEMO"
#define CLIENT_SECRET "demo-secret"
#define ALL_SCOPES                                                                                                     \
  "ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.users.READ,ZohoCRM.org.READ,ZohoCRM.coql.READ,ZohoCRM.bulk.ALL,"   \
  "ZohoCRM.notifications.ALL,ZohoSearch.securesearch.READ,ZohoFiles.files.ALL"

enum
{
  TOKEN_SECONDS = 3600,
  MOST_MINTS = 10,
  MINT_WINDOW = 600,
  MOST_LIVE = 15,
  CODE_SECONDS = 180,
  DEVICE_SECONDS = 300
};

/* A long-lived permission, with the access tokens made from it. */
typedef struct
{
  char *token;
  char *user_id;
  char *scope;
  bool revoked;
  bool second; /* of the second data centre */
  GArray *mints; /* time_t of late */
  GQueue live;   /* char *: access tokens, oldest first; owned by the table */
} Grant;

typedef struct
{
  char *token;
  Grant *grant; /* NULL: client credentials */
  char *user_id;
  char *scope;
  time_t expires;
  bool second;
} Access;

/* A code that waits to be exchanged: of the browser, or of a device. */
typedef struct
{
  char *scope;
  char *redirect;
  char *challenge;
  char *method;
  time_t expires;
  char *user_code; /* of a device */
  char *state;     /* of a browser */
  bool offline, device, approved, denied, second;
  bool asked; /* somebody looks at the consent page */
} Code;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static GHashTable *grants;                               /* refresh token -> Grant */
static GHashTable *tokens;                               /* access token -> Access */
static GHashTable *codes;                                /* code -> Code */
static unsigned calls;
static uint64_t serial;

typedef struct
{
  Emulator *emulator;
  const Request *request;
  GHashTable *form; /* of the body; NULL: none */
} Form;

static void
grant_free (gpointer data)
{
  Grant *grant = data;

  g_free (grant->token);
  g_free (grant->user_id);
  g_free (grant->scope);
  g_array_unref (grant->mints);
  g_queue_clear (&grant->live);
  g_free (grant);
}

static void
access_free (gpointer data)
{
  Access *access = data;

  if (access->grant != NULL)
    g_queue_remove (&access->grant->live, access->token);
  g_free (access->token);
  g_free (access->user_id);
  g_free (access->scope);
  g_free (access);
}

static void
code_free (gpointer data)
{
  Code *code = data;

  g_free (code->scope);
  g_free (code->redirect);
  g_free (code->challenge);
  g_free (code->method);
  g_free (code->user_code);
  g_free (code->state);
  g_free (code);
}

static Grant *
add_grant (const char *token, const char *user_id, const char *scope)
{
  Grant *grant = g_new0 (Grant, 1);

  grant->token = g_strdup (token);
  grant->user_id = g_strdup (user_id);
  grant->scope = g_strdup (scope);
  grant->mints = g_array_new (FALSE, FALSE, sizeof (time_t));
  g_queue_init (&grant->live);
  g_hash_table_insert (grants, grant->token, grant);
  return grant;
}

/* Those that need no consent. */
static void
add_grants (void)
{
  add_grant ("1000.demo.refresh", ME_ID, ALL_SCOPES);
  for (unsigned i = 1; i < users_count (); i++)
    {
      g_autofree char *token = g_strdup_printf ("1000.user%u.refresh", i + 1);

      add_grant (token, json_string_value (json_object_get (users_at (i), "id")), ALL_SCOPES);
    }
}

void
oauth_start (Emulator *emulator)
{
  grants = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, grant_free);
  tokens = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, access_free);
  codes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, code_free);
  serial = (uint64_t) g_get_real_time ();
  add_grants ();
}

void
oauth_stop (void)
{
  g_hash_table_unref (tokens);
  g_hash_table_unref (grants);
  g_hash_table_unref (codes);
}

unsigned
oauth_calls (void)
{
  unsigned now;

  pthread_mutex_lock (&lock);
  now = calls;
  pthread_mutex_unlock (&lock);
  return now;
}

void
oauth_reset (Emulator *emulator, bool all)
{
  GHashTableIter iter;
  gpointer grant;

  pthread_mutex_lock (&lock);
  calls = 0;
  g_hash_table_iter_init (&iter, grants);
  while (g_hash_table_iter_next (&iter, NULL, &grant))
    g_array_set_size (((Grant *) grant)->mints, 0);
  if (all)
    {
      g_hash_table_remove_all (tokens);
      g_hash_table_remove_all (codes);
      g_hash_table_remove_all (grants);
      add_grants ();
    }
  pthread_mutex_unlock (&lock);
}

void
oauth_expire_all (void)
{
  pthread_mutex_lock (&lock);
  g_hash_table_remove_all (tokens);
  pthread_mutex_unlock (&lock);
}

bool
oauth_check (Emulator *emulator, const Request *request, const char *token, char **user_id, char **scope,
             time_t *expires)
{
  const Access *access;
  bool live;

  pthread_mutex_lock (&lock);
  access = g_hash_table_lookup (tokens, token);
  live = access != NULL && access->expires > emulator_now (emulator)
         && access->second == emulator_is_second (emulator, request_header (request, "host"));
  if (live)
    {
      *user_id = g_strdup (access->user_id);
      *scope = g_strdup (access->scope);
      *expires = access->expires;
    }
  pthread_mutex_unlock (&lock);
  return live;
}

/* ---- parameters -------------------------------------------------------------------------------------------------- */

static GHashTable *
multipart_form (const Request *request)
{
  g_autoptr (GPtrArray) parts = multipart_parse (request);
  GHashTable *form = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (unsigned i = 0; parts != NULL && i < parts->len; i++)
    {
      const Part *part = parts->pdata[i];
      char *text = part->name == NULL ? NULL : multipart_text (parts, part->name);

      if (text != NULL)
        g_hash_table_replace (form, g_strdup (part->name), text);
    }
  return form;
}

static void
form_init (Form *form, Emulator *emulator, const Request *request)
{
  const char *type = request_header (request, "content-type");

  *form = (Form){ emulator, request, NULL };
  if (request->body_size == 0)
    return;
  if (type != NULL && g_ascii_strncasecmp (type, "multipart/", 10) == 0)
    form->form = multipart_form (request);
  else
    form->form = query_parse (request->body, (gssize) request->body_size);
}

static const char *
param (const Form *form, const char *name)
{
  const char *text = form->form == NULL ? NULL : g_hash_table_lookup (form->form, name);

  return text != NULL ? text : request_query (form->request, name);
}

static bool
param_is (const Form *form, const char *name, const char *value)
{
  return g_strcmp0 (param (form, name), value) == 0;
}

/* Did it come by the port of the second data centre? */
static bool
is_second (const Form *form)
{
  const char *host = request_header (form->request, "host");

  return emulator_is_second (form->emulator, host);
}

static const char *
url_of (const Form *form, bool second)
{
  return second ? form->emulator->second_url : form->emulator->url;
}

/* Do users belong to the second data centre? */
static bool
users_are_second (const Form *form)
{
  return form->emulator->second_url != NULL && setting_on (form->emulator, "users_in_second");
}

static void
refuse (Reply *reply, const char *error)
{
  reply_json (reply, 200, json_pack ("{s:s}", "error", error));
  reply->rejected = true;
}

static void
refuse_throttled (Emulator *emulator, Reply *reply)
{
  reply_json (reply, (unsigned) setting_int (emulator, "throttle_status", 400),
              json_pack ("{s:s, s:s, s:s}", "error", "Access Denied", "error_description",
                         "You have made too many requests continuously. Please try again after some time.", "status",
                         "failure"));
}

static bool
is_client (const Form *form, Reply *reply, bool secret_needed)
{
  if (!param_is (form, "client_id", CLIENT_ID))
    refuse (reply, "invalid_client");
  else if (secret_needed && !param_is (form, "client_secret", CLIENT_SECRET))
    refuse (reply, "invalid_client_secret");
  else
    return true;
  return false;
}

/* ---- minting. Lock held. ----------------------------------------------------------------------------------------- */

static char *
new_secret (const char *kind)
{
  g_autofree char *seed = g_strdup_printf ("%s %" G_GUINT64_FORMAT " %u", kind, serial++, g_random_int ());
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, seed, -1);

  return g_strdup_printf ("1000.%.32s.%s", sum, sum + 32);
}

/* false: too many of late. */
static bool
may_mint (Emulator *emulator, Grant *grant)
{
  int64_t most = setting_int (emulator, "token_mints", MOST_MINTS);
  time_t now = emulator_now (emulator);

  while (grant->mints->len > 0 && g_array_index (grant->mints, time_t, 0) <= now - MINT_WINDOW)
    g_array_remove_index (grant->mints, 0);
  if (most > 0 && grant->mints->len >= most)
    return false;
  g_array_append_val (grant->mints, now);
  return true;
}

static Access *
mint (Emulator *emulator, Grant *grant, const char *user_id, const char *scope)
{
  Access *access = g_new0 (Access, 1);
  g_autofree char *knob = setting_text (emulator, "scope");

  access->token = new_secret ("access");
  access->grant = grant;
  access->user_id = g_strdup (user_id);
  access->second = grant != NULL && grant->second;
  access->scope = g_strdup (knob == NULL || *knob == '\0' ? scope : knob);
  access->expires = emulator_now (emulator) + setting_int (emulator, "token_seconds", TOKEN_SECONDS);
  if (grant != NULL && grant->live.length >= MOST_LIVE)
    g_hash_table_remove (tokens, g_queue_peek_head (&grant->live));
  if (grant != NULL)
    g_queue_push_tail (&grant->live, access->token);
  g_hash_table_insert (tokens, access->token, access);
  return access;
}

static json_t *
token_json (Emulator *emulator, const Access *access, const char *refresh)
{
  g_autofree char *domain = setting_text (emulator, "api_domain");
  const char *own = access->second ? emulator->second_url : emulator->url;
  json_t *json = json_pack ("{s:s, s:s, s:s, s:s, s:I}", "access_token", access->token, "scope", access->scope,
                            "api_domain", domain != NULL ? domain : own, "token_type", "Bearer", "expires_in",
                            (json_int_t) setting_int (emulator, "token_seconds", TOKEN_SECONDS));

  if (refresh != NULL)
    json_object_set_new (json, "refresh_token", json_string (refresh));
  return json;
}

static void
answer_refresh (const Form *form, Reply *reply)
{
  const char *token = param (form, "refresh_token");
  Grant *grant = token == NULL ? NULL : g_hash_table_lookup (grants, token);
  const Access *access;

  if (grant == NULL || grant->revoked || grant->second != is_second (form))
    {
      refuse (reply, "invalid_code");
      return;
    }
  if (!may_mint (form->emulator, grant))
    {
      refuse_throttled (form->emulator, reply);
      return;
    }
  access = mint (form->emulator, grant, grant->user_id, grant->scope);
  reply_json (reply, 200, token_json (form->emulator, access, NULL));
}

static bool
verifies (const Code *code, const char *verifier)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *encoded = NULL;
  guint8 digest[32];
  gsize size = sizeof digest;

  if (code->challenge == NULL)
    return true;
  if (verifier == NULL)
    return false;
  if (g_strcmp0 (code->method, "S256") != 0)
    return strcmp (verifier, code->challenge) == 0;
  g_checksum_update (sum, (const guchar *) verifier, -1);
  g_checksum_get_digest (sum, digest, &size);
  encoded = g_base64_encode (digest, size);
  g_strdelimit (encoded, "+", '-');
  g_strdelimit (encoded, "/", '_');
  g_strdelimit (encoded, "=", '\0');
  return strcmp (encoded, code->challenge) == 0;
}

/* The code is used up, whatever comes of it. */
static void
answer_code (const Form *form, Reply *reply)
{
  const char *text = param (form, "code");
  Code *code = text == NULL ? NULL : g_hash_table_lookup (codes, text);
  const char *redirect = param (form, "redirect_uri");
  g_autofree char *refresh = NULL;
  const char *error = NULL;
  Grant *grant;

  if (code == NULL || code->device || code->asked || code->second != is_second (form)
      || code->expires <= emulator_now (form->emulator))
    error = "invalid_code";
  else if (code->redirect != NULL && g_strcmp0 (redirect, code->redirect) != 0)
    error = "invalid_redirect_uri";
  else if (!verifies (code, param (form, "code_verifier")))
    error = "invalid_code";
  if (error != NULL)
    {
      refuse (reply, error);
      if (text != NULL)
        g_hash_table_remove (codes, text);
      return;
    }
  refresh = new_secret ("refresh");
  grant = add_grant (refresh, ME_ID, code->scope);
  grant->second = code->second;
  reply_json (reply, 200,
              token_json (form->emulator, mint (form->emulator, grant, grant->user_id, grant->scope),
                          code->offline ? refresh : NULL));
  g_hash_table_remove (codes, text);
}

static void
answer_credentials (const Form *form, Reply *reply)
{
  const char *scope = param (form, "scope");

  if (scope == NULL || *scope == '\0')
    refuse (reply, "invalid_scope");
  else
    reply_json (reply, 200, token_json (form->emulator, mint (form->emulator, NULL, ME_ID, scope), NULL));
}

static void
answer_token (const Form *form, Reply *reply)
{
  if (!is_client (form, reply, true))
    return;
  if (param_is (form, "grant_type", "refresh_token"))
    answer_refresh (form, reply);
  else if (param_is (form, "grant_type", "authorization_code"))
    answer_code (form, reply);
  else if (param_is (form, "grant_type", "client_credentials"))
    answer_credentials (form, reply);
  else
    refuse (reply, "unsupported_grant_type");
}

static void
answer_revoke (const Form *form, Reply *reply)
{
  const char *token = param (form, "token");
  Grant *grant = token == NULL ? NULL : g_hash_table_lookup (grants, token);

  if (grant == NULL && (token == NULL || !g_hash_table_contains (tokens, token)))
    {
      refuse (reply, "invalid_code");
      return;
    }
  if (grant == NULL)
    g_hash_table_remove (tokens, token);
  else
    {
      grant->revoked = true;
      while (grant->live.length > 0)
        g_hash_table_remove (tokens, g_queue_peek_head (&grant->live));
    }
  reply_json (reply, 200, json_pack ("{s:s}", "status", "success"));
}

/* ---- consent. Lock held. ----------------------------------------------------------------------------------------- */

static Code *
new_code (const Form *form, time_t seconds, char **text)
{
  const char *scope = param (form, "scope");
  Code *code = g_new0 (Code, 1);

  code->scope = g_strdup (scope == NULL || *scope == '\0' ? ALL_SCOPES : scope);
  code->expires = emulator_now (form->emulator) + seconds;
  code->offline = param_is (form, "access_type", "offline");
  code->second = is_second (form);
  *text = new_secret ("code");
  g_hash_table_insert (codes, g_strdup (*text), code);
  return code;
}

/* Where the browser goes when the user has pressed a button. */
static void
go_back (const Form *form, Code *code, const char *text, Reply *reply)
{
  g_autofree char *server = g_uri_escape_string (url_of (form, code->second), NULL, FALSE);
  g_autofree char *state = code->state == NULL ? NULL : g_uri_escape_string (code->state, NULL, FALSE);

  reply_empty (reply, 302);
  if (code->denied)
    {
      reply->location = g_strdup_printf ("%s?error=access_denied&state=%s", code->redirect, state == NULL ? "" : state);
      g_hash_table_remove (codes, text);
      return;
    }
  code->asked = false;
  reply->location
      = g_strdup_printf ("%s?code=%s&location=%s&accounts-server=%s%s%s", code->redirect, text,
                         code->second ? "eu" : "us", server, state == NULL ? "" : "&state=", state == NULL ? "" : state);
}

static void
show_page (Reply *reply, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
show_page (Reply *reply, const char *format, ...)
{
  va_list arguments;
  char *text;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  reply_bytes (reply, 200, "text/html;charset=utf-8", NULL, g_bytes_new_take (text, strlen (text)));
}

/* The consent page, with a button for each answer. The names of the scopes are shown as they came. */
static void
show_consent (const char *text, const Code *code, Reply *reply)
{
  g_autofree char *scope = g_markup_escape_text (code->scope, -1);

  show_page (reply,
             "<!DOCTYPE html><html><head><title>Consent</title></head><body><h1>Let zohofs use this account?</h1>"
             "<p id=\"scope\">%s</p><form action=\"/oauth/v2/consent\"><input type=\"hidden\" name=\"ask\" "
             "value=\"%s\"><button id=\"accept\" name=\"answer\" value=\"accept\">Accept</button>"
             "<button id=\"reject\" name=\"answer\" value=\"reject\">Reject</button></form></body></html>",
             scope, text);
}

/* What the user does is the knob consent: "page" shows the page and waits for a button, "deny" and anything else
 * press one at once. A user of the other data centre is sent there first. */
static void
answer_auth (const Form *form, Reply *reply)
{
  const char *redirect = param (form, "redirect_uri");
  g_autofree char *text = NULL;
  Code *code;

  if (!is_client (form, reply, false))
    return;
  if (!param_is (form, "response_type", "code") || redirect == NULL || *redirect == '\0')
    {
      refuse (reply, redirect == NULL ? "invalid_redirect_uri" : "invalid_response_type");
      return;
    }
  if (users_are_second (form) && !is_second (form))
    {
      reply_empty (reply, 302);
      reply->location = g_strdup_printf ("%s/oauth/v2/auth?%s", form->emulator->second_url, form->request->raw_query);
      return;
    }
  code = new_code (form, CODE_SECONDS, &text);
  code->redirect = g_strdup (redirect);
  code->state = g_strdup (param (form, "state"));
  code->challenge = g_strdup (param (form, "code_challenge"));
  code->method = g_strdup (param (form, "code_challenge_method"));
  code->asked = true;
  code->denied = setting_is (form->emulator, "consent", "deny");
  if (setting_is (form->emulator, "consent", "page"))
    show_consent (text, code, reply);
  else
    go_back (form, code, text, reply);
}

/* A button of the consent page. */
static void
answer_consent (const Form *form, Reply *reply)
{
  const char *text = param (form, "ask");
  Code *code = text == NULL ? NULL : g_hash_table_lookup (codes, text);

  if (code == NULL || !code->asked)
    {
      refuse (reply, "invalid_request");
      return;
    }
  code->denied = !param_is (form, "answer", "accept");
  go_back (form, code, text, reply);
}

static void
answer_device_code (const Form *form, Reply *reply)
{
  g_autofree char *text = NULL;
  g_autofree char *url = g_strdup_printf ("%s/oauth/v3/device", url_of (form, is_second (form)));
  g_autofree char *complete = NULL;
  Code *code;

  if (!is_client (form, reply, false))
    return;
  code = new_code (form, DEVICE_SECONDS, &text);
  code->device = true;
  code->offline = true;
  code->second = users_are_second (form);
  code->user_code = g_strdup_printf ("%.4s-%.4s", text + 5, text + 9);
  complete = g_strdup_printf ("%s?user_code=%s", url, code->user_code);
  reply_json (reply, 200,
              json_pack ("{s:s, s:s, s:s, s:s, s:I, s:i}", "user_code", code->user_code, "device_code", text,
                         "verification_url", url, "verification_uri_complete", complete, "interval",
                         (json_int_t) setting_int (form->emulator, "device_interval_ms", 5000), "expires_in",
                         DEVICE_SECONDS * 1000));
}

static Code *
code_of_user (const char *user_code)
{
  GHashTableIter iter;
  gpointer code;

  g_hash_table_iter_init (&iter, codes);
  while (g_hash_table_iter_next (&iter, NULL, &code))
    if (user_code != NULL && g_strcmp0 (((Code *) code)->user_code, user_code) == 0)
      return code;
  return NULL;
}

/* The page for a user's code: it asks for the code, and then for an answer, which may also come with it at once. */
static void
answer_device_page (const Form *form, Reply *reply)
{
  Code *code = code_of_user (param (form, "user_code"));

  if (code == NULL)
    {
      show_page (reply, "<!DOCTYPE html><html><body><form><input name=\"user_code\"><button>Next</button></form></body>"
                        "</html>");
      return;
    }
  code->approved = param_is (form, "answer", "accept");
  code->denied = param_is (form, "answer", "reject");
  if (code->approved || code->denied)
    show_page (reply, "<!DOCTYPE html><html><body><h1>Thank you</h1></body></html>");
  else
    show_page (reply,
               "<!DOCTYPE html><html><body><form><input type=\"hidden\" name=\"user_code\" value=\"%s\">"
               "<button id=\"accept\" name=\"answer\" value=\"accept\">Accept</button>"
               "<button id=\"reject\" name=\"answer\" value=\"reject\">Reject</button></form></body></html>",
               code->user_code);
}

/* NULL: the user has agreed. The knob device says what the user does: "pending" waits for the page, "slow_down" for
 * the page as well and is impatient with the asker, "deny" refuses; anything else agrees at once. */
static const char *
device_state (const Form *form, const Code *code)
{
  if (code->expires <= emulator_now (form->emulator))
    return "expired";
  if (code->denied || setting_is (form->emulator, "device", "deny"))
    return "access_denied";
  if (code->approved)
    return NULL;
  if (setting_is (form->emulator, "device", "slow_down"))
    return "slow_down";
  return setting_is (form->emulator, "device", "pending") ? "authorization_pending" : NULL;
}

static void
answer_device_token (const Form *form, Reply *reply)
{
  const char *text = param (form, "code");
  const char *state;
  Code *code;

  if (!is_client (form, reply, true))
    return;
  code = text == NULL ? NULL : g_hash_table_lookup (codes, text);
  if (code == NULL || !code->device)
    refuse (reply, "invalid_code");
  else if (code->second != is_second (form))
    reply_json (reply, 200,
                json_pack ("{s:s, s:s}", "error", "other_dc", "user_location", code->second ? "eu" : "us"));
  else if ((state = device_state (form, code)) != NULL)
    refuse (reply, state);
  else
    {
      code->device = false;
      answer_code (form, reply);
    }
}

/* A self client's code, as the API console makes one. */
static void
answer_self_code (const Form *form, Reply *reply)
{
  g_autofree char *text = NULL;
  Code *code = new_code (form, CODE_SECONDS, &text);

  code->offline = true;
  reply_json (reply, 200, json_pack ("{s:s}", "code", text));
}

static const struct
{
  const char *path;
  void (*answer) (const Form *form, Reply *reply);
} endpoints[] = {
  { "/oauth/v2/token", answer_token },
  { "/oauth/v2/token/revoke", answer_revoke },
  { "/oauth/v2/auth", answer_auth },
  { "/oauth/v2/consent", answer_consent },
  { "/oauth/v3/device", answer_device_page },
  { "/oauth/v3/device/code", answer_device_code },
  { "/oauth/v3/device/token", answer_device_token },
  { "/oauth/v2/self_client_code", answer_self_code },
};

bool
oauth_owns (const Request *request)
{
  return g_str_has_prefix (request->path, "/oauth/");
}

void
oauth_answer (Emulator *emulator, Request *request, Reply *reply)
{
  Form form;

  form_init (&form, emulator, request);
  reply_error (reply, 404, "INVALID_URL_PATTERN", "no such page", NULL);
  pthread_mutex_lock (&lock);
  calls++;
  for (unsigned i = 0; i < G_N_ELEMENTS (endpoints); i++)
    {
      if (strcmp (endpoints[i].path, request->path) == 0)
        endpoints[i].answer (&form, reply);
    }
  pthread_mutex_unlock (&lock);
  g_clear_pointer (&form.form, g_hash_table_unref);
}
