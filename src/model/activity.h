/* The values that only activities have (doc/api-notes.md, "Activities"): who takes part in a meeting, when one is
 * reminded, how a task comes again. Pure; any thread. */
#pragma once

#include "model/validate_private.h"

#define ACTIVITY_PARTICIPANTS_MAX 50

/* Checks a value, not empty, of one of these kinds. */
bool activity_check (Check *check, const Field *field, const json_t *value, const char *path);

/* Are @a and @b the same participant? By type and by id or address: name, answer and the like are the server's. */
bool activity_same_participant (const json_t *a, const json_t *b);

/* Participants as a body of POST or PUT takes them. A new reference. */
json_t *activity_participants_wire (const json_t *value);
