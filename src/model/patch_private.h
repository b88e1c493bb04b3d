/* What patch.c and its helpers for arrays share: one comparison under way. */
#pragma once

#include "model/patch.h"

typedef struct
{
  const FieldSet *fields;
  const MergeBase *base;
  const json_t *text, *current;
  json_t *update;                 /* object, grows */
  json_t *tags_add, *tags_remove; /* arrays, grow */
  json_t *conflicts;              /* array, grows */
  GPtrArray *ignored;             /* char *, paths */
  bool rows;
} Diff;

/* ---- patch_value.c ---- */

void diff_ignore (Diff *diff, const char *path);
/* Values may be NULL for null. */
void diff_conflict (Diff *diff, const Field *field, const char *path, const json_t *base, const json_t *yours,
                    const json_t *theirs);
/* Is @key of a row the user's to write? Of a subform whose fields are not known (NULL), all but the id are. */
bool row_key (const FieldSet *fields, const char *key);
/* Does @row say all that @asked (an object) says with a value, apart from its id and what is not writable? */
bool row_covers (const FieldSet *fields, const json_t *asked, const json_t *row);
/* A row to be added, as POST and PUT take it. */
json_t *row_wire (const FieldSet *fields, const json_t *row);
json_t *link_wire (const Field *field, const char *id);
/* The id of the other record in row @row of a link, or NULL. */
const char *link_target (const Field *field, const json_t *row);
json_t *row_removal (const char *id);
json_t *row_bare (const char *id);
json_t *tag_wire (const json_t *tag);

/* ---- patch_rows.c ---- */

/* A subform: adds the rows to send to diff->update. @before: its values in the bases; @answer: as our own save left it.
 */
void diff_rows (Diff *diff, const Field *field, const GPtrArray *before, const json_t *answer, const json_t *yours,
                const json_t *theirs);

/* ---- patch_sets.c ---- */

void diff_links (Diff *diff, const Field *field, const GPtrArray *before, const json_t *yours, const json_t *theirs);
void diff_tags (Diff *diff, const GPtrArray *before, const json_t *yours, const json_t *theirs);
