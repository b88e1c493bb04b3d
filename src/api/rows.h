/* Rows of an answer, checked before anybody uses them. Pure. */
#pragma once

#include "base/json.h"

/* The array at @key of @body, each element an object; a NULL @body (204, 304) has none. With @ids each row's "id" must
 * be a record id. Returns: a new reference, or NULL with ZOHO_ERROR_FAILED, or what a refused row says. */
json_t *rows_read (const json_t *body, const char *key, bool ids, GError **error);

/* @rows without those whose "api_name" could be no path or parameter. Returns: a new reference. */
json_t *rows_with_good_names (const json_t *rows);

/* 1 to 19 digits. NULL is none. */
bool rows_is_id (const char *text);

/* "info" of a list: whether more rows follow, and the token for them (borrowed, NULL: none). */
bool rows_read_info (const json_t *body, bool *more, const char **next_token, GError **error);
