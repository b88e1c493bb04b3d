/* The text of /.zohofs/status.json. */
#pragma once

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
} StatusSource;

/* Any thread; asks nobody and waits for nothing. To g_free(). */
char *status_text (const StatusSource *source);
