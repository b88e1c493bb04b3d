/* The tags of each module. */
#pragma once

#include "emulator.h"

/* {"name","id","color_code"} of the tag called @name in @module, made on first use; new. Write lock. */
json_t *tag_named (Emulator *emulator, const Module *module, const char *name, const json_t *color);

void tags_start (Emulator *emulator);
void tags_stop (Emulator *emulator);
