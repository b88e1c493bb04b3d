/* The text of a CSV cell as the value of a field. */
#pragma once

#include "emulator.h"

/* @format: a pattern such as "dd/MM/yyyy HH:mm", or NULL: MM/dd/yyyy, with HH:mm:ss for times; ISO is always taken.
 * @find_by: for a lookup, the field of its target that has @text; NULL: the id.
 * Returns: a new value; NULL: @text is nothing of the kind. An empty @text is null. */
json_t *bulk_cell_value (Emulator *emulator, const Field *field, const char *text, const char *format,
                         const char *find_by);
