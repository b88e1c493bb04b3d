/* Comma separated values, as RFC 4180 has them. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Appends one cell, quoted where it must be; the caller writes commas and line ends. */
void csv_append (GString *out, const char *text);

/* The rows of @text, each a GStrv; blank lines are left out. @delimiter: one of , ; : |
 * Returns: to g_ptr_array_unref(); NULL when a quote is never closed, a row has more than @most_columns cells, there
 * are more than @most_rows rows, or it is not UTF-8. */
GPtrArray *csv_parse (const char *text, size_t size, char delimiter, size_t most_rows, size_t most_columns);

/* The delimiter of which the first line has most. */
char csv_guess_delimiter (const char *text, size_t size);
