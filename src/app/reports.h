/* What the save engine tells, as lines of JSON: errors.jsonl, whose form why_command.h has, and audit.jsonl.
 *
 * A line of audit.jsonl says who asked for which change of the CRM, and what came of it; a value of a field only after
 * reports_keep_values():
 *
 *   time     when, as in events.jsonl
 *   uid, pid numbers
 *   program  its name; null: not known
 *   verb     "update", "create", "upsert", "delete"
 *   path     the file in the mount: "Leads/Okafor.7010000000201.json"
 *   module   "Leads"
 *   id       of the record; null: there is none (yet)
 *   fields   that were sent, or would be
 *   ignored  changed in the file, but only the server sets them
 *   outcome  in words: "saved", "refused: ...", "deleted"
 *   changes  with values: {"City": {"old": "Oslo", "new": "Bergen"}}, of a new record without "old"; of tags "new" has
 *            "added" and "removed". A value that is long is a text of its beginning and "..."
 *   left_out with values: how many fields were too much for the line */
#pragma once

#include "base/jsonl.h"
#include "model/saves.h"

typedef struct Reports Reports;

/* Both files are borrowed; NULL: those lines are not kept. */
Reports *reports_new (Jsonl *errors, Jsonl *audit);
/* Lines of audit.jsonl have values from now on. Before other threads use it. */
void reports_keep_values (Reports *reports);
/* Audit lines are also told to @tell, in words and without values, from any thread. Before other threads use it. */
void reports_also (Reports *reports, void (*tell) (const char *words));
/* For that: to syslog, and so to the journal where systemd keeps one. */
void reports_to_syslog (const char *words);
/* NULL is fine. No other thread may be inside. */
void reports_free (Reports *reports);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reports, reports_free)

/* SavesConfig's callbacks; @reports is a Reports. Any thread. */
void reports_failed (void *reports, const SaveError *error);
void reports_audit (void *reports, const SaveAudit *audit);

/* Changes that are in the CRM by what the audit was told, those that got there in part included. */
typedef struct
{
  uint64_t updates;
  uint64_t creates; /* and upserts */
  uint64_t deletes;
} ReportsWritten;

/* Any thread. @reports: NULL for a mount that does not write. */
void reports_written (Reports *reports, ReportsWritten *written);
