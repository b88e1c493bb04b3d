/* Which text a saved text is compared with, to tell what its writer changed. Pure; any thread.
 *
 * The rule, first match wins:
 *
 *   the new text names a Modified_Time that
 *     the text this process last saved there also named   -> that saved text (an editor goes on from its own buffer)
 *     kept versions have, one or several                  -> all of those: Modified_Time counts in seconds and misses
 *       some changes, so a field is the user's change only if it differs from every one of them, and somebody else's
 *       only if it differs from the one that this process read; who read none of them may mean each
 *     nobody knows                                       -> ZOHO_ERROR_CHANGED, or with stale=overwrite the current one
 *   it names none -> what this process last read or saved, whichever is later, else the current one
 *
 * A saved text may be partial: what it does not say is as in the version that it named, or that was read before it. */
#pragma once

#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* All documents are borrowed; any but @text and @current may be NULL. */
typedef struct
{
  const json_t *text;            /* the new text */
  const json_t *current;         /* the server's document as last seen */
  const json_t *const *versions; /* documents kept of this record, in no order; @current need not be among them */
  size_t versions_size;
  const json_t *read; /* the document this process last read */
  int64_t read_us;
  const json_t *saved; /* the text this process last saved there, as it was parsed */
  int64_t saved_us;
  const json_t *saved_answer; /* patch_answer() of that save */
  bool stale_overwrite;
} BaseCandidates;

typedef enum
{
  BASE_VERSIONS,
  BASE_SAVED,
  BASE_READ,
  BASE_CURRENT,
  BASE_OVERWRITE /* a version that is not known any more: compared with the current one, as asked for */
} BaseKind;

/* What patch_make() compares with. */
typedef struct
{
  BaseKind kind;
  GPtrArray *texts; /* json_t *, at least one */
  json_t *seen;     /* that one of them which this process read; NULL: not known */
  /* What became on the server of fields that this process sent itself: finding them so is nobody else's change. NULL:
   * none. */
  json_t *answer;
} MergeBase;

/* Returns: to merge_base_free(), or NULL with ZOHO_ERROR_CHANGED (see above), or ZOHO_ERROR_INVALID when the text's
 * Modified_Time is no time. */
MergeBase *merge_base_choose (const BaseCandidates *candidates, GError **error);

/* A base of one document; a new reference is taken. */
MergeBase *merge_base_of (const json_t *document);

void merge_base_free (MergeBase *base); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MergeBase, merge_base_free)
