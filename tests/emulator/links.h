/* Many-to-many relations between standard modules, such as the leads of a campaign. */
#pragma once

#include "emulator.h"

/* Is @list of @module a relation that link and delink change? Its rows are records of the module of the same name. */
bool links_has_list (const Module *module, const char *list);

/* What is linked, in the order of linking: an array of {"id", and what the link itself carries}. Borrowed; NULL:
 * nothing. */
const json_t *links_of (const Module *module, uint64_t id, const char *list);

/* From both sides. @extra: an object for the link's own values, or NULL. Linked already: @extra is merged. Write
 * lock. */
void links_add (const Module *module, uint64_t id, const char *list, uint64_t other, const json_t *extra);
bool links_remove (const Module *module, uint64_t id, const char *list, uint64_t other);

void links_start (void);
void links_stop (void);
