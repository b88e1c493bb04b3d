/* The states in which a record refuses to be changed. */
#pragma once

#include "emulator.h"

/* The entry that refuses @action ("update", "delete") on a record, or NULL when nothing is in its way. New.
 *
 * A record is locked when its Locked__s is true, in approval when its $approval_state is set and not "approved", and in
 * a blueprint when its $blueprint is true; or when its id is the value of the knob record_locked, record_in_approval or
 * record_in_blueprint. */
json_t *state_refusal (Emulator *emulator, const json_t *record, uint64_t id, const char *action);
