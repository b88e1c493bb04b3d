/* A text that programs write, wherever it lies: that of a record or of a new file in a draft of the journal, so that
 * a crash keeps it; that of a scratch file in the scratch space. Counted. Any thread; what changes it is kept apart
 * by the desk's lock. */
#pragma once

#include "fs/scratch.h"
#include "model/journal.h"

#include <sys/stat.h>

typedef struct Content Content;

/* Take @draft or @scratch over. */
Content *content_of_draft (Draft *draft);
Content *content_of_scratch (Scratch *scratch);
/* One that could not be made: all that is done with it fails with @error, which is taken over. */
Content *content_broken (GError *error);
Content *content_ref (Content *content);
/* NULL is fine. The last one forgets a draft, which stays in the journal if it was not done with. */
void content_unref (Content *content);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Content, content_unref)

/* Could it not even be made? */
bool content_is_broken (const Content *content);

/* NULL: it lies elsewhere. Borrowed. */
Draft *content_draft (const Content *content);
Scratch *content_scratch (const Content *content);

/* All or, with an error, nothing. */
bool content_write (Content *content, const ScratchCaller *caller, const void *data, size_t size, int64_t offset,
                    GError **error);
bool content_truncate (Content *content, int64_t size, GError **error);
/* The first text of an empty one. */
bool content_seed (Content *content, GBytes *text, GError **error);

/* The bytes read, 0 at the end, -1 with @error. */
ssize_t content_read (Content *content, void *data, size_t size, int64_t offset, GError **error);
int64_t content_size (Content *content);
/* All of it, to g_bytes_unref(); ZOHO_ERROR_TOO_LARGE when it is more than a document can be. */
GBytes *content_text (Content *content, GError **error);

/* st_size, st_blocks and times, and what else a scratch file has of its own; the rest is left alone. */
void content_stat (Content *content, struct stat *stat);
/* The same of a scratch file or a symlink. */
void content_stat_scratch (Scratch *scratch, struct stat *stat);
