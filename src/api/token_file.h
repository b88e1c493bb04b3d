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

/* Takes "<path>.lock" if no other process (or other Client of this one) has it. Returns: a descriptor whose close frees
 * it, or -1 with @busy true when somebody else has it, false when it cannot be made. */
int token_file_lock (const char *path, bool *busy);
