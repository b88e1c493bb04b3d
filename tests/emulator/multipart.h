/* The parts of a multipart/form-data body. */
#pragma once

#include "request.h"

typedef struct
{
  char *name;
  char *file_name;  /* NULL: a plain form field */
  char *type;       /* Content-Type, or NULL */
  const char *data; /* inside the request's body */
  size_t size;
} Part;

/* Part *; to g_ptr_array_unref() before the request ends. NULL: no multipart body, or a malformed one. */
GPtrArray *multipart_parse (const Request *request);

/* The first part called @name, or NULL. */
const Part *multipart_part (const GPtrArray *parts, const char *name);

/* The text of a form field, new; NULL: absent, or not UTF-8. */
char *multipart_text (const GPtrArray *parts, const char *name);
