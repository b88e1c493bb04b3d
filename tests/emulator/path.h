/* The way from a record to a value: a field, or through lookups to a field of another record. */
#pragma once

#include "scalar.h"
#include "source.h"

typedef struct
{
  const Module *source; /* whose record has the key; NULL: an object inside the value before, such as a user's role */
  char *key;
} Hop;

typedef struct
{
  char *text;           /* as written */
  GArray *hops;         /* Hop; the first is of the record the path starts at */
  Kind kind;            /* of the value at the end */
  const Module *module; /* of @field; source_users: @field is NULL */
  const Field *field;   /* at the end; NULL: the id, a property of a user, or of an object inside */
} Path;

/* @text: "Field", "Lookup.Field", "Lookup.Lookup.Field", "What_Id->Leads.Last_Name", "Owner.profile.name", each after
 * "!Module." or not.
 * Returns: NULL when there is no such way; *@bad_module names the wrong module, new, if there is one. */
Path *path_new (Emulator *emulator, const Module *from, const char *text, char **bad_module);

/* The key of the starting record that the path needs. */
const char *path_root (const Path *path);
bool path_is_own_id (const Path *path);
bool path_is_own (const Path *path, const char *key); /* that field of the starting record itself */

/* @record: of the source the path starts at, with at least path_root(). A new reference; null where the way ends. */
json_t *path_value (Emulator *emulator, const Path *path, const json_t *record);
void path_scalar (Emulator *emulator, const Path *path, const json_t *record, Scalar *scalar);

void path_free (Path *path);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Path, path_free)
