/* Is a row one that the module takes? Driven by the module's fields. */
#pragma once

#include "values.h"

/* The row's fields with the values the CRM keeps: a new object holding only what @row names (rows of subforms merged
 * with @old's). @old: the record as it is, or NULL for a new one, which then needs its mandatory fields. @path: the
 * row's place, "$.data[0]". `id` and `$` keys are left out, but for $se_module. All errors are appended to
 * @check->errors.
 * Returns: NULL when there were errors. */
json_t *validate_fields (const Check *check, const json_t *row, const json_t *old, const char *path);

/* The same with what concerns the record as a whole: the rules of Tasks, Events and Calls, and unique fields. @id: the
 * record's own id; 0: new. */
json_t *validate_record (const Check *check, const json_t *row, const json_t *old, uint64_t id, const char *path);

/* DUPLICATE_DATA's details: the field, its place, and who has the value. New. */
json_t *duplicate_details (Emulator *emulator, const Module *module, uint64_t holder, const char *api_name,
                           const char *path);
