/* Zoho's data centres: names, and the hosts that belong together. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define DATA_CENTERS "us, eu, in, jp, au, cn, ca, sa, uk, ae"

/* The addresses of data centre @name for @environment ("production", "sandbox", "developer"; NULL is the first), to
 * g_free(). Returns: false when there is no such data centre; the environment must be a known one. */
bool data_centers_find (const char *name, const char *environment, char **accounts_url, char **api_url);

bool data_centers_is_environment (const char *environment);

/* The name of the data centre whose accounts server is at @url, an address without a path; NULL: none, it is not
 * Zoho's. */
const char *data_centers_name (const char *url);
