/* Checks a text before it goes to Zoho, so that what is surely refused there is refused here, at once, in words that
 * help. Pure; any thread.
 *
 * Only what the user says is checked: a value that is the same in a known document passes, since Zoho itself keeps
 * values that its rules of today would refuse (a longer text of old, a picklist value that was removed). What only the
 * server sets is not checked either: patch.h ignores it. Where Zoho is not known to refuse, we do not: addresses of
 * mail must have the form something@something, pages no blanks, telephone numbers no control characters.
 *
 * Errors are one sentence: what is wrong, why, what to do. ZOHO_ERROR_INVALID, except ZOHO_ERROR_TOO_LARGE. */
#pragma once

#include "model/fields.h"

/* Bytes of a text. */
#define VALIDATE_SIZE_MAX (4 * 1024 * 1024)
/* Rows of a subform or link. */
#define VALIDATE_ROWS_MAX 200

/* Parses what was written: one JSON object, UTF-8 (a byte order mark in front is let pass), no key twice.
 * Returns: a reference to json_decref(), or NULL; bad JSON is told by line and column. */
json_t *validate_parse (const char *text, size_t size, GError **error);

typedef struct
{
  const FieldSet *fields;
  const GPtrArray
      *known;  /* json_t *: documents of this record whose values pass (the bases, the current one); NULL: none */
  uint64_t id; /* the record's; 0: a new one, so mandatory fields must be there, and an id is no matter */
  bool open_picklists; /* values that metadata does not name pass: Zoho's API takes them, its own forms do not */
} ValidateConfig;

/* Returns: false with @error about the first mistake in the order of the text; *@path, if @path is not NULL, is then
 * set to where it is ("Items[2].Qty", counted from 0; "" for the whole), to g_free(). */
bool validate_document (const ValidateConfig *config, const json_t *document, char **path, GError **error);
