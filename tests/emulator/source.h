/* Where a query's rows come from: a module's records, or the org's users. */
#pragma once

#include "scalar.h"

/* Stands for the users wherever a query deals with a module. Only its name is set. */
extern const Module source_users;

/* NULL: no such module, or none that the API reaches. */
const Module *source_find (Emulator *emulator, const char *api_name);

/* As store_get_fields(): @fields at least, and the id. A new tree; NULL: none. */
json_t *source_get (Emulator *emulator, const Module *source, uint64_t id, char *const *fields);
uint64_t source_next (Emulator *emulator, const Module *source, uint64_t after);
uint64_t source_prev (Emulator *emulator, const Module *source, uint64_t before);

/* Has the record, a lead, been converted, so that it has left its module? */
bool source_converted (const Module *source, uint64_t id);

/* Is the record kept from whoever asks? */
bool source_hidden (const Module *source, uint64_t id);

/* The kind of a user's property, such as "last_name". false: no such property. */
bool user_property (const char *key, Kind *kind);
