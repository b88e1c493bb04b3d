/* `zohofs query`: asks a mount's .coql and prints the rows. */
#pragma once

#include "app/options.h"

/* Sends options->query to the mount of options->target and prints the rows as options->form says. Returns: false with
 * @error, one clear line; the place in the query has then been shown on stderr, before it. */
bool query_command_run (const Options *options, GError **error);

/* The words of a refusal as .coql gives it, NULL when it is none; @place: the line of the query and a mark below, or
 * NULL. Both to g_free(). */
char *query_command_refusal (const char *text, size_t size, char **place);
