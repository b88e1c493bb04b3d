/* `zohofs why PATH`: why the last save of a file was refused, by the lines of /.zohofs/errors.jsonl.
 *
 * A line is an object of texts; those that are not known are null:
 *
 *   time     when it was refused, as in events.jsonl
 *   path     the file, as it was written to, in the mount: "Leads/Okafor.7010000000201.json"
 *   module   "Leads"
 *   id       of the record; null: it was to be created
 *   errno    what the program got: "EBUSY"
 *   code     of Zoho or of zoho_error_name()
 *   message  what happened, for people
 *   field    the field that it is about
 *   draft    where the text is, in the mount: ".zohofs/drafts/Leads/Okafor.7010000000201.json"
 *   todo     what to do, for people
 *
 * Whatever else is in the file is passed over. */
#pragma once

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* Prints it. Returns: false with one clear line in @error; ZOHO_ERROR_NOT_FOUND when @target is in no mount, or none of
 * its saves was refused. */
bool why_command_run (const char *target, GError **error);

/* Of @mounts, as status_command_mounts() gives them, the mount point that @path lies in, or NULL. @path: absolute,
 * without "." and "..". @inside: what is left of it in the mount, "" at the root. Both borrowed. */
const char *why_command_mount (char **mounts, const char *path, const char **inside);

/* The newest line of @text for the file @inside, whatever label stands before its id, or for that draft. Returns: a
 * reference, or NULL. */
json_t *why_command_find (const char *text, size_t size, const char *inside);

/* What @line tells, for a terminal; looks whether the draft is still in the mount at @mountpoint. To g_free(). */
char *why_command_words (const json_t *line, const char *mountpoint);
