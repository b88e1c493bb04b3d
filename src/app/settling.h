/* What a crashed mount had on the wire is looked up while the new one is already used. */
#pragma once

#include "model/saves.h"

typedef struct Settling Settling;

/* Starts the thread that asks saves_settle() until all is settled. Both are borrowed. */
Settling *settling_start (Store *store, Saves *saves);

/* Ends it, also in the middle of a look-up, which the next mount repeats then. Before store_stop(). NULL is fine. */
void settling_end (Settling *settling);
