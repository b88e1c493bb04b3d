/* The rows inside a record: subforms, the links of multi-select lookups and multi-user fields, files. */
#pragma once

#include "values.h"

/* What the field holds after the client's rows @value meet the record's own rows @old (array or NULL). Errors are
 * appended to @check->errors. Returns: the new array; NULL when @value is no array of rows at all. */
json_t *rows_merge (const Check *check, const Field *field, const json_t *value, const json_t *old, const char *path);

bool field_has_files (const Field *field);
