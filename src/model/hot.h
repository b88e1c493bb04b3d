/* The documents used last, in memory, so that what was just fetched is there for who waits for it even when the disk is
 * full, and what is read again needs no look at the disk. Any thread. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct Hot Hot;

/* @cap: bytes of texts, of which the least recently used go first. */
Hot *hot_new (size_t cap);
/* NULL is fine. */
void hot_free (Hot *hot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Hot, hot_free)

/* Version 0 is none. */
void hot_put (Hot *hot, uint64_t id, uint64_t version, GBytes *text);
/* Returns: to g_bytes_unref(), or NULL. */
GBytes *hot_get (Hot *hot, uint64_t id, uint64_t version);
