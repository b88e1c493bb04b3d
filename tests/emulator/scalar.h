/* Values that can be compared: by the type of their field, not by their spelling. */
#pragma once

#include "emulator.h"

typedef enum
{
  KIND_TEXT,     /* case aside */
  KIND_PICKLIST, /* as text, but never searched fuzzily */
  KIND_MULTI,    /* multi-select picklist: a set of texts */
  KIND_BOOLEAN,
  KIND_NUMBER,
  KIND_DATE,
  KIND_TIME,     /* by instant */
  KIND_ID,       /* a record's own id */
  KIND_LOOKUP,   /* by the id of what it points at */
  KIND_ROWS      /* subforms, files, multi-select lookups: nothing to compare */
} Kind;

typedef struct
{
  bool empty;
  long double number; /* all kinds but texts; 64 bits of mantissa hold every id */
  char *text;         /* texts: folded. KIND_MULTI: ";a;b;" in order. Else NULL */
} Scalar;

/* Formulas and roll-ups count as what they return. */
Kind scalar_kind (Emulator *emulator, const Module *module, const Field *field);
bool kind_is_text (Kind kind); /* text, picklist, multi */

/* What the CRM calls the type: "date", "bigint", ... */
const char *kind_name (Kind kind);

/* A literal of a query. false: not of that kind; @scalar is then empty. */
bool scalar_parse (Kind kind, const char *text, Scalar *scalar);

/* A field's value; what does not fit the kind is empty. */
void scalar_read (Kind kind, const json_t *value, Scalar *scalar);

/* Empty ones first. */
int scalar_compare (const Scalar *left, const Scalar *right);

/* Lower case in the sense of Unicode, new. */
char *text_fold (const char *text);

void scalar_clear (Scalar *scalar);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scalar, scalar_clear)
