/* Is a value one that a field takes? And what does the CRM make of it? One table, by data type. */
#pragma once

#include "emulator.h"

/* What a check needs to know beyond the field. */
typedef struct
{
  Emulator *emulator;
  const Module *module;
  const char *external;  /* the X-EXTERNAL header, or NULL */
  const char *se_module; /* what the row's What_Id points into, or NULL */
  json_t *errors;        /* array: error entries are appended */
} Check;

/* @path: where the value stands in the body, such as "$.data[0].Email".
 * Returns: the value to keep, new; NULL after appending to @check->errors. */
json_t *value_check (const Check *check, const Field *field, const json_t *value, const char *path);

/* Appends INVALID_DATA about @field. @type: the expected type, or NULL. */
void value_refuse (const Check *check, const char *api_name, const char *path, const char *message, const char *type);

/* {"name","id"} of a record, new. NULL: no such live record. */
json_t *record_ref (Emulator *emulator, const Module *module, uint64_t id);
