/* `zohofs audit`: who changed what in the CRM through the mounts of a profile. */
#pragma once

#include "app/options.h"

/* Prints what options->target, a mount point or a profile, has of it since options->since_s: in words, or as JSON
 * lines.
 * Returns: false with one clear line in @error. */
bool audit_command_run (const Options *options, GError **error);

/* @text is what "--since" takes: "90s", "30m", "2h", "7d", "2026-03-02" (local midnight), or a full time. @since_s: in
 * seconds since 1970. */
bool audit_command_since (const char *text, int64_t now_s, int64_t *since_s);
