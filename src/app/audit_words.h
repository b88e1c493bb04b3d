/* A line of audit.jsonl, whose form reports.h has, in plain words. */
#pragma once

#include "base/json.h"

#include <stdbool.h>

/* "sed (process 4242, user anna): change Leads/Okafor.7010000000201.json (City): saved", without a newline. @dated:
 * with the local time before it. What is missing or no text is left out. To g_free(). */
char *audit_words (const json_t *line, bool dated);

/* When the line was written, in seconds since 1970; 0 when it does not say. */
int64_t audit_words_time (const json_t *line);
