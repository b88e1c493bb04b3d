/* What of a saved text goes to Zoho: a three-way comparison of the text's base, the text and the server's document, and
 * the smallest body that makes the server's document what the user wants. Pure; any thread; nothing here keeps a
 * reference to what it is given, and what it gives shares no values with it.
 *
 * All documents are canonical ones (record.c); the text may be any object that validate_document() let pass. Rules:
 *
 *   a key the text does not have     stays as it is
 *   null, "", []                     clears
 *   same as any base                 not changed by the user (nor is a long number as a double leaves it)
 *   same as the server's             already there: nothing to send, no conflict
 *   the server's is as in a base, or
 *     as our own last save left it   sent
 *     (where several bases are possible, as in the one that was seen, if that is known)
 *   else                             a conflict: both sides changed it
 *   not writable, but changed        left out, named in @ignored
 *
 * Subforms go row by row, told apart by id: rows changed, added and removed on either side merge; the same row changed
 * on both sides, or changed on one and removed on the other, is a conflict. (A text that names only some keys of a row
 * leaves the others alone, and conflicts only in those it names.) A row without an id, or with one that nobody knows,
 * is new, unless it says just what a row says that was added meanwhile, or that the text does not mention otherwise.
 * The order of rows is that of their ids, so moving them changes nothing. Links and tags are sets: additions and
 * removals of both sides merge, and never conflict. Several picks are one value.
 *
 * The API (doc/api-notes.md, "Writing"): a PUT changes the keys it has, null clears; of rows every id is always sent,
 * bare when nothing changed, {"id", "_delete": null} to remove, without id to add; links the same with {<link>:
 * {"id"}}; lookups are {"id"}, What_Id beside $se_module; tags have calls of their own. */
#pragma once

#include "model/fields.h"
#include "model/merge_base.h"

typedef enum
{
  PATCH_NOTHING, /* nobody needs to be called */
  PATCH_SEND,
  PATCH_CONFLICT /* nothing may be sent; @conflicts says why */
} PatchKind;

typedef struct
{
  PatchKind kind;
  /* For data[0] of PUT /{module}/{id}, without "id"; NULL when no field changes (then there are only tags). */
  json_t *update;
  /* For "tags" of POST /{module}/{id}/actions/add_tags and remove_tags: arrays of {"name"}; NULL: none. */
  json_t *tags_add, *tags_remove;
  /* Objects {"field": the field, "path": more exactly ("Items[7010000000301].Qty"), "base", "yours", "theirs": values};
   * at most PATCH_CONFLICTS_MAX. NULL unless PATCH_CONFLICT. */
  json_t *conflicts;
  char **fields;  /* names of fields in @update, and "Tag", sorted; ended by NULL. For the audit line. */
  char **ignored; /* paths of what was changed but only the server sets, sorted; ended by NULL */
  bool rows; /* @update has rows or links: it must be made against a document just read (design: GET, merge, PUT) */
} Patch;

#define PATCH_CONFLICTS_MAX 50

/* @text: what the user wants; @current: what the server has. Returns: to patch_free(); never NULL. */
Patch *patch_make (const FieldSet *fields, const MergeBase *base, const json_t *text, const json_t *current);

/* One sentence about the conflict of @patch, with both values of the first field. To g_free(). */
char *patch_explain (const Patch *patch);

/* The mirror: @patch was made against @before, and @after is what the server has now. Returns: names of fields that
 * were sent and read back otherwise, sorted, ended by NULL, to g_strfreev(). What workflows did to other fields is
 * fine. */
char **patch_differences (const FieldSet *fields, const Patch *patch, const json_t *before, const json_t *after);

/* What became on the server of the fields that were sent: for BaseCandidates.saved_answer of this process's next save.
 */
json_t *patch_answer (const Patch *patch, const json_t *after);

/* The data[0] of POST /{module} that makes a record of @text: without id, empty values and what the server sets; rows,
 * links and tags in it. @ignored, if not NULL, is set to the names left out although they had a value (not id, nor keys
 * that begin with '$'), sorted, to g_strfreev(). */
json_t *patch_create (const FieldSet *fields, const json_t *text, char ***ignored);

void patch_free (Patch *patch); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Patch, patch_free)
