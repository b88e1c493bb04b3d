/* What an answer of Zoho means: its body, or an error told by Zoho's own code, since the same refusal comes with
 * different HTTP numbers. Pure. */
#pragma once

#include "base/json.h"

typedef enum
{
  RESPONSE_OK,
  RESPONSE_REFUSED, /* asking again changes nothing */
  RESPONSE_TOKEN,   /* the access token was not taken */
  RESPONSE_BUSY,    /* too many calls, or no credits left */
  RESPONSE_BROKEN   /* the server failed */
} ResponseKind;

/* Reads an answer. Per-row refusals of a 2xx are an answer; those of a 4xx are the error of the first row.
 * Returns: RESPONSE_OK with a reference in @body, NULL for 204 and 304; else @error is set. */
ResponseKind response_read (int status, const char *text, size_t size, json_t **body, GError **error);

/* Is @row, found where a record was expected, the refusal of one? Then @error is set. */
bool response_row_refused (const json_t *row, GError **error);
