/* A file of JSON lines that only grows: one object a line, shared by all processes that open it, bounded by setting
 * the full file aside as NAME.1, the one before it as NAME.2, and so on. Any thread; nobody waits for another
 * process longer than a moment. */
#pragma once

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Jsonl Jsonl;

#define JSONL_CAP (INT64_C (10) << 20)

/* @path may not be there yet; no file is made before there is a line for it. @cap: bytes that a file may have. */
Jsonl *jsonl_new (const char *path, int64_t cap);
/* How many full files are kept beside the current one; 1 unless told. Before other threads use it. */
#define JSONL_GENERATIONS_MAX 99
void jsonl_keep (Jsonl *jsonl, unsigned generations);
/* NULL is fine. No other thread may be inside. */
void jsonl_free (Jsonl *jsonl);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Jsonl, jsonl_free)

/* Adds @line, which stays the caller's. Trouble (a full disk, a lost folder) is told in the log once until lines can be
 * written again. Returns: whether it was written, whole; most callers have nothing to do about it. */
bool jsonl_append (Jsonl *jsonl, const json_t *line);

/* Bytes now, 0 when there is no file. @mtime_s, in seconds since 1970, is left alone then. */
int64_t jsonl_size (Jsonl *jsonl, int64_t *mtime_s);

/* At most @size bytes from @offset on, none at the end or when there is no file. To g_bytes_unref(); never NULL. */
GBytes *jsonl_read (Jsonl *jsonl, uint64_t offset, size_t size);
