/* The loopback browser flow (RFC 8252): Zoho's page in a browser, which comes back to an address on this machine
 * with a code that is of use only together with a word (PKCE) that never leaves this process before the exchange. */
#include "app/login_private.h"

#include "api/url.h"
#include "app/loopback.h"
#include "base/clock.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define SECRET_BYTES 32
#define PATIENCE_US (600 * CLOCK_SECOND_US)

/* As RFC 7636 has it: base64 for URLs without padding. */
static char *
base64url (const unsigned char *bytes, size_t size)
{
  char *text = g_base64_encode (bytes, size);

  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  text[strcspn (text, "=")] = '\0';
  return text;
}

static char *
random_word (void)
{
  unsigned char bytes[SECRET_BYTES];
  char *word;

  if (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    g_error ("the kernel gives no random bytes");
  word = base64url (bytes, sizeof bytes);
  explicit_bzero (bytes, sizeof bytes);
  return word;
}

static char *
challenge_of (const char *verifier)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  unsigned char digest[32];
  gsize size = sizeof digest;

  g_checksum_update (sum, (const guchar *) verifier, -1);
  g_checksum_get_digest (sum, digest, &size);
  return base64url (digest, size);
}

/* Zoho's page. access_type and prompt make it give a refresh token. */
static char *
page_of (const Login *login, const char *redirect, const char *state, const char *verifier)
{
  g_autofree char *challenge = challenge_of (verifier);
  GString *query = g_string_new (NULL);
  char *page;

  url_add (query, "response_type", "code");
  url_add (query, "client_id", login->config->client_id);
  url_add (query, "scope", login->scopes);
  url_add (query, "redirect_uri", redirect);
  url_add (query, "access_type", "offline");
  url_add (query, "prompt", "consent");
  url_add (query, "state", state);
  url_add (query, "code_challenge", challenge);
  url_add (query, "code_challenge_method", "S256");
  page = g_strconcat (login->accounts_url, "/oauth/v2/auth?", query->str, NULL);
  g_string_free (query, TRUE);
  return page;
}

static bool
has_desktop (void)
{
  return g_getenv ("WAYLAND_DISPLAY") != NULL || g_getenv ("DISPLAY") != NULL;
}

static bool
open_browser (const Login *login, Loopback *loopback, const char *page)
{
  g_autofree char *program = login->options->no_browser || !has_desktop () ? NULL : g_find_program_in_path ("xdg-open");
  g_autofree char *link = program != NULL ? loopback_link (loopback, page) : NULL;
  char *arguments[] = { program, link, NULL };

  return program != NULL
         && g_spawn_async (NULL, arguments, NULL, G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                           NULL, NULL);
}

static bool
check_answer (const LoopbackAnswer *answer, GError **error)
{
  if (answer->code != NULL)
    return true;
  if (g_str_equal (answer->refusal, "access_denied"))
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED,
                 "The permission was not given on Zoho's page (access_denied); nothing was changed.");
  else
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho's page came back without a permission (%s).",
                 answer->refusal);
  return false;
}

/* The browser is shown how it ended: it waits for that. */
static bool
finish (Login *login, Loopback *loopback, const LoopbackAnswer *answer, const char *verifier, GError **error)
{
  g_auto (AccountsToken) token = { NULL };
  g_autoptr (GError) cause = NULL;
  bool good = check_answer (answer, &cause) && login_follow (login, answer->accounts_server, answer->location, &cause)
              && login_exchange (login, answer->code, loopback_address (loopback), verifier, &token, &cause)
              && login_keep (login, &token, &cause);

  loopback_tell (loopback, good, good ? "zohofs can be used now. You can close this page." : cause->message);
  if (!good)
    g_propagate_error (error, g_steal_pointer (&cause));
  return good;
}

bool
login_by_browser (Login *login, GError **error)
{
  g_autofree char *state = random_word (), *verifier = random_word ();
  g_autoptr (Loopback) loopback = loopback_new (login->options->login_port, state, error);
  g_auto (LoopbackAnswer) answer = { NULL };
  g_autofree char *page = loopback != NULL ? page_of (login, loopback_address (loopback), state, verifier) : NULL;
  bool opened, good;

  if (loopback == NULL)
    return false;
  opened = open_browser (login, loopback, page);
  printf ("%s\n\n  %s\n\nWaiting for it to come back ...\n",
          opened ? "This page was opened in your browser; agree there:"
                 : "Open this page in a browser on this machine, and agree there:",
          page);
  fflush (stdout);
  good = loopback_wait (loopback, clock_now_us () + PATIENCE_US, &answer, error)
         && finish (login, loopback, &answer, verifier, error);
  explicit_bzero (verifier, strlen (verifier));
  return good;
}
