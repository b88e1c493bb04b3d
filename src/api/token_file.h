/* The access token on disk, shared by the processes of one sign-in. Blocks on files only. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct
{
  char *text;        /* printable ASCII without blanks */
  int64_t expires_s; /* clock_wall_s() */
  int64_t renew_s;   /* from then on a new one should be asked for */
} Token;

/* Could @text be an access token? What it may hold is bounded, since it becomes a header line. */
bool token_is_good (const char *text);

/* What one sign-in's token may be used for, in a form that gives nothing away. */
char *token_file_key (const char *accounts_url, const char *api_url, const char *client_id, const char *refresh_token);

/* Returns: false when there is no token in @path that is whole, of @key, live, and in a file that only its owner can
 * read. */
bool token_file_read (const char *path, const char *key, Token *token);

/* Replaces the file in one step, mode 0600. */
bool token_file_write (const char *path, const char *key, const Token *token, GError **error);

/* When a sign-in's processes asked Zoho for tokens of late. */
#define TOKEN_CALLS_MAX 10
#define TOKEN_CALLS_WINDOW_S 600
typedef struct
{
  int64_t at_s[TOKEN_CALLS_MAX]; /* wall clock, oldest first */
  unsigned count;
  int64_t held_until_s; /* Zoho wants to be left alone until then */
} TokenCalls;

/* Reads what token_calls_write() left in the lock file @fd for @key; nothing when it is no use. */
void token_calls_read (int fd, const char *key, TokenCalls *calls);
bool token_calls_write (int fd, const char *key, const TokenCalls *calls);

/* Drops what is out of the window, or not of this time at all. */
void token_calls_forget_old (TokenCalls *calls, int64_t now_s);

/* How long to wait before the next call; 0: not at all. */
int64_t token_calls_wait_s (const TokenCalls *calls, int64_t now_s);

void token_calls_add (TokenCalls *calls, int64_t now_s);
void token_calls_take_back (TokenCalls *calls);

/* Takes "<path>.lock" if no other process (or other Client of this one) has it. Returns: a descriptor whose close frees
 * it, or -1 with @busy true when somebody else has it, false when it cannot be made. */
int token_file_lock (const char *path, bool *busy);
