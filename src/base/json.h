/* JSON whose numbers keep their digits.
 *
 * jansson holds decimals as doubles, which cannot carry a 16-digit currency value. A number that a
 * 64-bit integer does not hold exactly (a fraction, an exponent, too many digits) is therefore kept
 * as a *digit string*: a json string whose first character is U+0001, followed by the literal as
 * the server wrote it. A true string that starts with U+0001 gets a second one in front. Callers
 * ask json_number_text() and json_text() and never see the mark. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (json_t, json_decref)

/* Parses @size bytes: UTF-8, one JSON value of any kind, at most 64 levels deep, duplicate keys
 * refused, NUL characters in strings refused.
 * Returns: a reference to json_decref(), or NULL with ZOHO_ERROR_INVALID naming line and column. */
json_t *json_parse (const char *text, size_t size, GError **error);

/* The digits of @value if it is a number that is no 64-bit integer, else NULL. Borrowed. */
const char *json_number_text (const json_t *value);

/* Is @value a number of either kind? */
bool json_is_any_number (const json_t *value);

/* The text of a true string, or NULL. Borrowed. */
const char *json_text (const json_t *value);

/* A json string of @text, marked where it must be. NULL @text gives json null. */
json_t *json_from_text (const char *text);

/* Canonical text: keys sorted by bytes, 2-space indent, raw UTF-8, final newline. The same value
 * always gives the same bytes. Appends to @out. */
void json_write (const json_t *value, GString *out);

/* The same on one line, without a newline; for logs and requests. */
void json_write_compact (const json_t *value, GString *out);

/* The text at @key of object @object, or NULL when missing, null or no string. Borrowed. */
const char *json_get_text (const json_t *object, const char *key);
