/* The address on this machine that Zoho's page sends the browser back to: a web server on 127.0.0.1 that serves one
 * sign-in and nothing else. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Loopback Loopback;

/* What came back. */
typedef struct
{
  char *code;            /* NULL: none, then @refusal is Zoho's word for why */
  char *refusal;
  char *location;        /* name of a data centre, or NULL */
  char *accounts_server; /* an address, or NULL; not checked */
} LoopbackAnswer;

void loopback_answer_clear (LoopbackAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LoopbackAnswer, loopback_answer_clear)

/* Listens on @port, 0: any. Only what comes with @state counts. Returns: NULL with @error. */
Loopback *loopback_new (unsigned port, const char *state, GError **error);

/* The redirect_uri. */
const char *loopback_address (Loopback *loopback);

/* A link that leads to @url, once: programs' arguments can be read by everybody, so a browser is started with this
 * and not with what is in @url. To g_free(). */
char *loopback_link (Loopback *loopback, const char *url);

/* Waits until the browser comes back; it is left waiting for loopback_tell(). Returns: false with @error at
 * @deadline_us (clock_now_us()). */
bool loopback_wait (Loopback *loopback, int64_t deadline_us, LoopbackAnswer *answer, GError **error);

/* Shows the user how it ended, with @words in addition. Returns when that was sent. */
void loopback_tell (Loopback *loopback, bool good, const char *words);

/* NULL is fine. */
void loopback_free (Loopback *loopback);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Loopback, loopback_free)
