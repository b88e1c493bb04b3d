/* `zohofs doctor`: what keeps a mount from working, and what to do. */
#pragma once

#include "app/findings.h"
#include "app/options.h"
#include "app/places.h"

/* Looks at all, and prints it. Returns: did nothing fail? */
bool doctor_run (const Options *options);

/* What the machine alone tells: FUSE, folders, disk cache, what earlier mounts left. Asks nobody. */
void doctor_look_at_machine (Findings *findings, const Places *places);
void doctor_look_at_leftovers (Findings *findings, const Places *places, const char *profile);

/* What Zoho tells about the sign-in in @places: connection, clock, permissions, credits. Costs credits. */
void doctor_ask_zoho (Findings *findings, const Places *places, const char *profile);
