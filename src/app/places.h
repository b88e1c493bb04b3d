/* Where a profile's files are. */
#pragma once

#include "app/options.h"

typedef struct
{
  char *config_file;
  char *state_dir; /* client_secret, refresh_token, events.jsonl and its like, journal, drafts, scratch */
  char *cache_dir; /* access_token */
} Places;

/* By the options, else by the XDG base directories. All absolute. */
Places *places_new (const Options *options);

/* The file that holds the access token, shared by the processes of a profile. To g_free(). */
char *places_token_path (const Places *places);
/* The folder of the disk cache; the number is its format's. To g_free(). */
char *places_documents (const Places *places);

/* The file behind /.zohofs/@name, shared by the mounts of a profile. To g_free(). */
char *places_journal_path (const Places *places, const char *name);

/* The folder of scratch files, shared by the mounts of a profile. To g_free(). */
char *places_scratch (const Places *places);

/* NULL is fine. */
void places_free (Places *places);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Places, places_free)
