/* A profile's configuration file, read and checked. */
#pragma once

#include "fs/access.h"
#include "fs/walkers.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct
{
  char *accounts_url, *api_url; /* without a final slash */
  char *environment;            /* of a data centre that was named; NULL: production, or addresses were given */
  char *other_accounts_url, *other_api_url; /* a sign-in may be sent on to there, too; NULL: to Zoho's own alone */
  char *client_id;
  unsigned concurrency, heavy_concurrency;
  int64_t daily_credits; /* 0: no budget of our own */
  int64_t deadline_us;
  uint64_t cache_bytes; /* what the documents on disk may take */
  Access *access;
  Walkers *walkers;     /* programs that are served with what is known */
  int64_t audit_bytes;  /* that audit.jsonl may have before it is set aside */
  unsigned audit_generations; /* of it that are kept */
  bool audit_values;    /* its lines have values of fields */
  bool audit_syslog;    /* its lines go there, too */
} Config;

/* Returns: NULL with one clear line in @error, which names @path. */
Config *config_load (const char *path, GError **error);

/* The same for @size bytes of text; @path is for the error's words. */
Config *config_parse (const char *text, size_t size, const char *path, GError **error);

/* NULL is fine. */
void config_free (Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Config, config_free)
