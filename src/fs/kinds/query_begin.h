/* From a text that somebody wrote to a query that may run, and what is told when it may not. */
#pragma once

#include "fs/node.h"
#include "model/query.h"

/* @text, completed where it is a condition alone written to the .coql of @module (NULL: of the root), and allowed to
 * @uid by the mount's rules of access. May wait and be asked again. */
StoreState query_begin (const Ask *ask, StoreModule *module, uid_t uid, const char *text, size_t size, QueryText **query,
                        GError **error);

/* A line of errors.jsonl, for the file @path of the mount. */
void query_tell_failure (const Ask *ask, const char *path, const GError *error);

/* What is read in place of rows: {"error": {...}} with code, errno, message, the place, and @query as it was sent. To
 * g_bytes_unref(). */
GBytes *query_failure_text (const GError *error, const char *query);
