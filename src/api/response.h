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

/* The same for calls that write rows: a 400 or 412 that refuses each row of "data" by itself is an answer too. */
ResponseKind response_read_rows (int status, const char *text, size_t size, json_t **body, GError **error);

/* @row, found where a record was expected or as the outcome of a written row. Returns: RESPONSE_OK, or what kind of
 * refusal it is, with @error. */
ResponseKind response_row (const json_t *row, GError **error);

/* Makes ZOHO_ERROR_UNCLEAR of @error, which is set, and keeps its words. */
void response_set_unclear (GError **error);
