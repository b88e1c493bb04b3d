/* Records by the value of a field: duplicates, upsert's matches, external ids. */
#pragma once

#include "request.h"

/* The smallest live id of @module, other than @except, whose @field is @text (case aside); 0: none. Write lock held.
 * The first call for a field reads the whole module once; after that edits keep the index right. */
uint64_t find_value (Emulator *emulator, const Module *module, const Field *field, const char *text, uint64_t except);

/* What two values must share to be duplicates, new; NULL: an empty value, never a duplicate. */
char *value_key (const json_t *value);

/* The external-id field that X-EXTERNAL (@header, may be NULL) names for @target: "Module.Field" for the records of
 * @module themselves (@lookup NULL), "Module.Lookup.Field" or "Module.Lookup->Target.Field" for what a lookup points
 * at. Borrowed; NULL: none. */
const Field *external_field (Emulator *emulator, const char *header, const Module *module, const Field *lookup,
                             const Module *target);

/* The live record that @text names in this request: its id, or with X-EXTERNAL the value of that field. 0: none. */
uint64_t request_record (Emulator *emulator, const Request *request, const Module *module, const char *text);

void finder_start (Emulator *emulator);
void finder_stop (Emulator *emulator);
