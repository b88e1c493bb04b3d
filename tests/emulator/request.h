/* One request as handlers see it and the answer they build. http.c makes and sends them. */
#pragma once

#include "emulator.h"

/* Read-only for handlers. All strings are decoded UTF-8. */
struct Request
{
  const char *method;
  const char *path;      /* as sent, undecoded, without the query */
  const char *raw_query; /* as sent */
  GPtrArray *segments;   /* decoded path segments after /crm/v8 or /crm/bulk/v8, or of the whole path elsewhere */
  GHashTable *query;     /* name -> value */
  GHashTable *headers;   /* lower-case name -> value */
  const char *body;
  size_t body_size;
  json_t *json;          /* the parsed body, or NULL: none, or malformed (then json_error says so) */
  bool json_bad;
  const char *user_id;   /* whose token it is */
  const char *scope;     /* the token's scopes */
  bool external;         /* X-EXTERNAL given */
  int fd;                /* the connection */
};

/* NULL when absent. */
const char *request_query (const Request *request, const char *name);
const char *request_header (const Request *request, const char *lower_case_name);
/* Segment @n, or NULL past the end. */
const char *request_segment (const Request *request, unsigned n);

struct Reply
{
  unsigned status;
  GBytes *body;           /* NULL: none */
  char *content_type;     /* NULL: application/json;charset=utf-8 */
  char *file_name;        /* Content-Disposition; NULL: response.json for JSON */
  unsigned credits;       /* set by the route table, handlers may change it */
  bool rejected;          /* logged: the request itself was wrong */
  char *location;         /* a redirect's target, or NULL */
  time_t token_ends;      /* when the access token dies; 0: not told */
  int64_t credits_left;   /* told when not negative */
};

/* Each takes over (steals) the json_t given. */
void reply_json (Reply *reply, unsigned status, json_t *body);
void reply_empty (Reply *reply, unsigned status); /* 204, 304 */
void reply_bytes (Reply *reply, unsigned status, const char *type, const char *file_name, GBytes *bytes);
/* Shape A: {"code","details","message","status":"error"}. @details NULL gives {}. Marks the request rejected. */
void reply_error (Reply *reply, unsigned status, const char *code, const char *message, json_t *details);
/* One shape B entry. */
json_t *entry_success (const char *message, json_t *details);
json_t *entry_error (const char *code, const char *message, json_t *details);
/* {@key: entries}: @all_good when each succeeded, 207 when mixed, 400 when none did (412 when each is
 * ALREADY_MODIFIED). */
void reply_entries (Reply *reply, const char *key, json_t *entries, unsigned all_good);
/* The usual `info` object of a list page. */
json_t *page_info (unsigned per_page, size_t count, unsigned page, bool more);
