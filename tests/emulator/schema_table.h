/* The org as text: every module and its fields. */
#pragma once

#include <stddef.h>

typedef struct
{
  const char *api_name;
  const char *module_name;
  const char *singular;
  const char *generated_type;
  const char *display_field;
  const char *parent; /* subform, linking */
  const char *parent_field;
  const char *flags;  /* s: not api_supported, v: not viewable, r: read-only (no create, edit, delete), h: hidden by
                       * the system, u: hidden by the user, t: without the usual fields */
  const char *fields; /* "Name type[:length] [flags] [>Target] [=A|B]" separated by ';'. Flags: m mandatory,
                       * u unique, x external id, c computed, h hidden from the profile, r rich text, l large text */
} ModuleSpec;

extern const ModuleSpec module_specs[]; /* ends with a row of zeroes */
extern const char usual_fields[];       /* of every module without flag t */
extern const char usual_row_fields[];   /* of subform and linking modules */
