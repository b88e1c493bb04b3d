/* The access token: fetched with the refresh token, once for all who wait, a few minutes before the old one ends. A
 * thread of its own does it, so that lock files hold up nobody else. Whoever signs in again while this runs is
 * noticed: at once when the old sign-in is dead, else within half a minute. */
#pragma once

#include "api/http.h"

typedef struct Oauth Oauth;

/* Whoever waits should ask again. On the thread of oauth. */
typedef void (*OauthNews) (void *data);

/* Is there a sign-in other than the one given last? Then both are set, to g_free(). On the thread of oauth; may
 * block on files. */
typedef bool (*OauthRenew) (void *data, char **client_secret, char **refresh_token);

typedef struct
{
  const char *accounts_url, *api_url, *client_id, *client_secret, *refresh_token;
  const char *token_path; /* NULL: memory only */
  OauthNews news;
  void *data;
  OauthRenew renew; /* NULL: the sign-in stays */
  void *renew_data;
} OauthConfig;

/* @http must outlive it and let ungated requests pass. Returns: NULL with @error when no thread can be started. */
Oauth *oauth_new (const OauthConfig *config, Http *http, GError **error);

typedef enum
{
  OAUTH_READY,  /* @token and @generation are set */
  OAUTH_WAIT,   /* one is on its way; news will come */
  OAUTH_REFUSED /* none to be had for now: @error */
} OauthAnswer;

/* Never blocks. Any thread. */
OauthAnswer oauth_get (Oauth *oauth, char **token, uint64_t *generation, GError **error);

/* A call with the token of @generation got a 401. The first to say so starts a refresh. */
void oauth_rejected (Oauth *oauth, uint64_t generation);

/* A call got 401 again, with a token that came after its first 401: another refresh would not help. Sets @error, and if
 * @generation is the newest, refuses everybody for a while. */
void oauth_rejected_again (Oauth *oauth, uint64_t generation, GError **error);

/* Blocks until a token is there, none is to be had, or @deadline_us (clock_now_us()). */
bool oauth_wait (Oauth *oauth, int64_t deadline_us, GError **error);

/* Why the last refresh did not work, while the next is tried: a copy, or NULL. */
GError *oauth_trouble (Oauth *oauth);

bool oauth_is_signed_out (Oauth *oauth);

/* Token calls made. */
uint64_t oauth_calls (Oauth *oauth);

/* http_stop() first. NULL is fine. */
void oauth_free (Oauth *oauth);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Oauth, oauth_free)
