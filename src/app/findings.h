/* What `zohofs doctor` has found: one line for each check, and what to do about it. One thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum
{
  FINDING_OK,
  FINDING_WARNING, /* a mount works, but not as well as it might */
  FINDING_FAILED,
  FINDING_SKIPPED  /* could not be looked at, because of another finding */
} FindingState;

typedef struct Findings Findings;

Findings *findings_new (void);
/* NULL is fine. */
void findings_free (Findings *findings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Findings, findings_free)

/* @check: a word. @todo: what to do; NULL: nothing, or the words say it. */
void findings_add (Findings *findings, FindingState state, const char *check, const char *todo, const char *format, ...)
    G_GNUC_PRINTF (5, 6);

/* Did nothing fail? */
bool findings_are_good (const Findings *findings);

/* As lines for people, with colour if @colour; or as one JSON object. To g_free(). */
char *findings_words (const Findings *findings, bool colour);
char *findings_json (const Findings *findings);
