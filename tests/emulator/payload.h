/* What every write checks about its body before it looks at a row, and the error entries all of them speak in. */
#pragma once

#include "request.h"

/* The array at @key of the body, each element still unchecked. @known: NULL-terminated other top-level keys the call
 * takes. @most rows; more are refused with @over ("LIMIT_EXCEEDED" or "INVALID_DATA"). Borrowed from the request.
 * Returns: NULL when the whole call is refused; the answer is then complete. */
json_t *payload_rows (Emulator *emulator, const Request *request, Reply *reply, const char *key,
                      const char *const *known, size_t most, const char *over);

/* The body as an object with no other keys than @known. NULL as above. Borrowed. */
json_t *payload_object (Emulator *emulator, const Request *request, Reply *reply, const char *const *known);

/* Comma separated ids of parameter "ids", at most @most: an array of strings, new. NULL: refused. */
json_t *payload_ids (const Request *request, Reply *reply, size_t most);

/* {"api_name","json_path"}, the path being @base and, after a dot, @api_name; new. */
json_t *detail_at (const char *api_name, const char *base);

/* Appends an error entry; steals @details. */
void add_error (json_t *errors, const char *code, const char *message, json_t *details);

/* One entry for all that is wrong with a row: the error itself, or MULTIPLE_OR_MULTI_ERRORS. New. */
json_t *errors_entry (const json_t *errors);

/* An id in JSON: a string of digits, or a number. */
bool json_id (const json_t *value, uint64_t *id);

/* The string at @key of @object, or NULL. Borrowed. */
const char *member_text (const json_t *object, const char *key);

/* 200 when all entries succeeded (@all_good), 207 mixed, 400 none. */
unsigned entries_status (const json_t *entries, unsigned all_good);

/* The answer about a record in the path that is not there (knob unknown_id=404: as the guide has it). */
void reply_unknown_record (Emulator *emulator, Reply *reply, const char *message);

/* An id above all that were given out for things that are no records: tags, attachments, files. Write lock. */
uint64_t fresh_id (void);

/* Knob @name as a size in bytes; 0 or not set: @otherwise. */
int64_t limit_of (Emulator *emulator, const char *name, int64_t otherwise);
