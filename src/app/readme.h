/* The text of the mount's own README.md. */
#pragma once

#include "app/options.h"

typedef struct
{
  const char *name;
  int64_t count; /* of records; -1: not known */
} ReadmeModule;

/* For people and programs that meet the mount without having read anything else. @api_url names the org's host.
 * @modules: those that are
 * known. To g_free(). */
char *readme_text (const Options *options, const char *api_url, const ReadmeModule *modules, size_t count);
