/* URLs: what may be talked to, and what may be written into one. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* @text with everything but letters, digits and "-._~" percent-encoded: a path segment or a form value. */
char *url_encode (const char *text);

/* Appends "name=value" to @query, with a '&' before all but the first. The value is encoded, commas stay.
 * A NULL @value adds nothing. */
void url_add (GString *query, const char *name, const char *value);

/* Is @url a base we may send tokens to? https, or http to a loopback host; a host and perhaps a port, nothing else.
 * Returns: false with ZOHO_ERROR_INVALID in words. */
bool url_check_base (const char *url, GError **error);

/* The lower-case host of @url, or NULL when it has none. */
char *url_host (const char *url);

/* Is @host this machine itself, by name or number? */
bool url_host_is_loopback (const char *host);
