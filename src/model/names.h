/* Record and file names, both ways (doc/tree.md, "Names"). Pure functions, no state. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes a label is cut at, on a UTF-8 boundary. */
#define NAMES_LABEL_MAX 80

/* What a name in a module directory means. First match wins, in this order. */
typedef enum
{
  NAME_FIXED,   /* one of ours: notes, .coql, .search */
  NAME_RECORD,  /* [label.]digits.json: @id is set */
  NAME_FOLDER,  /* [label.]digits: a record's folder; @id is set */
  NAME_SCRATCH_PATTERN, /* an editor's temporary file, also when it ends in .json */
  NAME_FIELD,   /* Field=value.json: names_read_field() takes it apart */
  NAME_NEW,     /* any other *.json */
  NAME_SCRATCH  /* everything else */
} NameKind;

NameKind names_read (const char *name, uint64_t *id);

/* The same in the folder of a record's notes: there a text is a new note too, and none is found by a field. */
NameKind names_read_note (const char *name, uint64_t *id);

/* "x.txt", "x.md": what is written there is the content of a note. */
bool names_is_text (const char *name);

/* The field and the value of "Field=value.json": an API name up to the first '=', then UTF-8 that is not empty.
 * Returns: false, setting nothing, for other names; else both to g_free(). */
bool names_read_field (const char *name, char **field, char **value);

/* The label of a display value: everything but letters and digits of any script, '-', '+', '@' becomes '_', runs of
 * '_' collapse, cut at NAMES_LABEL_MAX bytes. "" when nothing remains. Invalid UTF-8 counts as '_'. To g_free(). */
char *names_label (const char *display);

/* "<label>.<id>.json", "<id>.json" when @label is empty or NULL. To g_free(). */
char *names_record (const char *label, uint64_t id);

/* Zoho's decimal ids: 1 to 19 digits, no sign, within int64, not 0. Returns: false otherwise. */
bool names_parse_id (const char *text, uint64_t *id);
