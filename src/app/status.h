/* The text of /.zohofs/status.json. */
#pragma once

#include "app/reports.h"
#include "fs/loop.h"

typedef struct
{
  const char *profile, *api_url, *mountpoint;
  unsigned concurrency;
  int64_t daily_credits; /* 0: none */
  int64_t ttl_s;
  int64_t started_us;    /* clock_now_us() */
  Client *client;
  Store *store;
  Disk *disk;
  Fs *fs;
  const char *state_dir;
  Reports *reports;      /* NULL: it does not write */
  bool read_only, dry_run;
  bool discreet; /* not all who read it may see all modules: without words that may name a record */
} StatusSource;

/* Any thread; asks nobody and waits for nothing. To g_free(). */
char *status_text (const StatusSource *source);

/* Refused drafts of the profile. May read from the local disk. */
size_t status_refused (const StatusSource *source);
