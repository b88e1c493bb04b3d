/* One workflow rule: after a save another field is changed by the system. */
#pragma once

#include "emulator.h"

/* A record was saved by a client that lets automations run; @values: what it set. Write lock held. */
void workflow_saved (Emulator *emulator, Module *module, uint64_t id, const json_t *values);

/* Applies what has fallen due by now. Write lock held. */
void workflow_run (Emulator *emulator);

void workflow_start (Emulator *emulator);
void workflow_stop (Emulator *emulator);
