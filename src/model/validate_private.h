/* What validate.c and validate_value.c share: one check under way. */
#pragma once

#include "model/fields.h"

typedef struct
{
  bool open_picklists;
  char **path; /* where the mistake is; may be NULL */
  GError **error;
} Check;

/* Says that @path is wrong. Returns: false. */
bool check_refuse (Check *check, const char *path, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* The keys of a document or row; @known: const json_t *, what they may be the same as. @creating: of something new. */
bool check_keys (Check *check, const FieldSet *fields, const json_t *object, const GPtrArray *known, bool creating,
                 const char *prefix);
bool check_mandatory (Check *check, const FieldSet *fields, const json_t *object, const char *prefix);
bool check_rows (Check *check, const Field *field, const json_t *value, const GPtrArray *known, const char *path);

/* ---- validate_value.c ---- */

/* A value that is not empty, of a field that is no subform or link. */
bool check_value (Check *check, const Field *field, const json_t *value, const char *path);
