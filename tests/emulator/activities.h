/* The rules of Tasks, Events and Calls that no field alone can state. */
#pragma once

#include "values.h"

/* @row as sent, @values as they would be kept, @old the record before (NULL: new). Appends errors; sets $se_module in
 * @values where What_Id is set. */
void activities_check (const Check *check, const json_t *row, json_t *values, const json_t *old, const char *path);
