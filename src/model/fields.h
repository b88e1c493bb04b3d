/* What a module's metadata says of its fields, as saving needs it: how a value looks, whether it may be written.
 *
 * Made from the rows of GET /settings/fields (doc/api-notes.md, "Modules and fields" and "Writing"). A set is immutable
 * and counted: any thread may hold and read it, without a lock. */
#pragma once

#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct FieldSet FieldSet;

typedef enum
{
  FIELD_TEXT,
  FIELD_EMAIL,
  FIELD_PHONE,
  FIELD_WEBSITE,
  FIELD_PICK,  /* one value of a picklist */
  FIELD_PICKS, /* several: array of strings, in no order */
  FIELD_BOOLEAN,
  FIELD_INTEGER, /* a number without a fraction */
  FIELD_BIGINT,  /* digits in a string */
  FIELD_DECIMAL, /* double, currency, percent */
  FIELD_DATE,
  FIELD_TIME,
  FIELD_LOOKUP,     /* {"id", "name"}: one other record, user or layout */
  FIELD_ANY_LOOKUP, /* the same, of any module: {"id", "name", "module": {"api_name"}} */
  FIELD_TAGS,       /* [{"name"}], written by the tag actions */
  FIELD_ROWS,       /* subform: rows with an id each */
  FIELD_LINKS,      /* multi-select and multi-user lookup: rows {"id", <link>: {"id", "name"}} */
  FIELD_COMPUTED,   /* formula, roll-up, automatic number, file, image: never written here */
  FIELD_PARTICIPANTS, /* of a meeting, in no order: [{"type", "participant"}] */
  FIELD_REMINDERS,    /* of a meeting: [{"unit", "period"}] */
  FIELD_ALARM,        /* a task's reminder: {"ALARM": rule} */
  FIELD_RECURRENCE,   /* how a task comes again: {"RRULE": rule} */
  FIELD_OTHER         /* structures that we do not know */
} FieldKind;

typedef struct
{
  char *name;
  char *data_type; /* as Zoho says it, for messages */
  FieldKind kind;
  bool creatable;   /* may be in a POST */
  bool updatable;   /* may be in a PUT; false: what a document says of it is ignored */
  bool mandatory;   /* system_mandatory and creatable */
  int64_t length;   /* most characters; 0: not said */
  int decimals;     /* most digits after the point; -1: not said */
  GPtrArray *picks; /* char *: the values of a picklist, ended by NULL; NULL: not said. What is shown may differ from
                       the value, so both are in. */
  char *link;       /* FIELD_LINKS: the key of the other record in a row; else NULL */
  FieldSet *rows;   /* FIELD_ROWS: the subform's own fields, NULL when not known */
} Field;

/* The fields of subform module @module, as a new reference, or NULL when they are not known. */
typedef FieldSet *(*FieldRows) (void *data, const char *module);

/* @fields: rows of /settings/fields; what is no good is left out, and so are the hidden ones, as in a document. @rows
 * is called once for each subform (NULL: none are known). Returns: a reference to field_set_unref(). */
FieldSet *field_set_new (const json_t *fields, FieldRows rows, void *data);

/* The same of a subform module, for its rows within the parent: what a document leaves out of a row (Parent_Id, Owner,
 * ...) cannot be written there. */
FieldSet *field_set_new_rows (const json_t *fields);

FieldSet *field_set_ref (FieldSet *set);
void field_set_unref (FieldSet *set); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FieldSet, field_set_unref)

/* NULL when there is none of that name (or @set is NULL). Borrowed. */
const Field *field_set_find (const FieldSet *set, const char *name);

/* All of them, in the order of the metadata: Field *. Borrowed. */
const GPtrArray *field_set_all (const FieldSet *set);

/* Their names, ended by NULL, for nearest_word(). Borrowed. */
const char *const *field_set_names (const FieldSet *set);
