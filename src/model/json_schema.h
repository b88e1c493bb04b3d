/* A module's documents as JSON Schema (2020-12), for editors and checkers. Pure; any thread. */
#pragma once

#include "model/fields.h"

/* @name: of the module; @rows: its fields' metadata; @fields: what saving knows of them; @shown: set of the names
 * that documents have. Every document of the module is valid; a text is not that has unknown keys or values of other
 * types, is too long, or lacks a field that a new record must have. Values that a picklist does not know (any more)
 * are valid, since old records have them. A new reference. */
json_t *json_schema (const char *name, const json_t *rows, const FieldSet *fields, GHashTable *shown);
