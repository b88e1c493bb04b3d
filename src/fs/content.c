/* One door to drafts and scratch files. */
#include "fs/content.h"

#include "base/error.h"

#include <stdatomic.h>
#include <time.h>

#define BLOCK_UNIT 512

struct Content
{
  atomic_uint refs;
  Draft *draft;     /* or */
  Scratch *scratch; /* or */
  GError *broken;
  _Atomic int64_t written_ns; /* of a draft: when it was made or written last */
};

static int64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return now.tv_sec * INT64_C (1000000000) + now.tv_nsec;
}

static Content *
content_new (void)
{
  Content *content = g_new0 (Content, 1);

  atomic_init (&content->refs, 1);
  atomic_init (&content->written_ns, now_ns ());
  return content;
}

Content *
content_of_draft (Draft *draft)
{
  Content *content = content_new ();

  content->draft = draft;
  return content;
}

Content *
content_of_scratch (Scratch *scratch)
{
  Content *content = content_new ();

  content->scratch = scratch;
  return content;
}

Content *
content_broken (GError *error)
{
  Content *content = content_new ();

  content->broken = error;
  return content;
}

Content *
content_ref (Content *content)
{
  atomic_fetch_add (&content->refs, 1);
  return content;
}

void
content_unref (Content *content)
{
  if (content == NULL || atomic_fetch_sub (&content->refs, 1) != 1)
    return;
  draft_free (content->draft);
  scratch_unref (content->scratch);
  g_clear_error (&content->broken);
  g_free (content);
}

Draft *
content_draft (const Content *content)
{
  return content->draft;
}

Scratch *
content_scratch (const Content *content)
{
  return content->scratch;
}

static bool
is_broken (const Content *content, GError **error)
{
  if (content->broken != NULL)
    g_propagate_error (error, g_error_copy (content->broken));
  return content->broken != NULL;
}

static bool
write_scratch (Scratch *scratch, const ScratchCaller *caller, const char *data, size_t size, int64_t offset,
               GError **error)
{
  while (size > 0)
    {
      ssize_t done = scratch_write (scratch, caller, data, size, offset, error);

      if (done < 0)
        return false;
      if (done == 0)
        {
          g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE, "There is no room for temporary files.");
          return false;
        }
      data += done;
      offset += done;
      size -= (size_t)done;
    }
  return true;
}

bool
content_is_broken (const Content *content)
{
  return content->broken != NULL;
}

bool
content_write (Content *content, const ScratchCaller *caller, const void *data, size_t size, int64_t offset,
               GError **error)
{
  if (is_broken (content, error))
    return false;
  atomic_store (&content->written_ns, now_ns ());
  if (content->scratch != NULL)
    return write_scratch (content->scratch, caller, data, size, offset, error);
  return draft_write (content->draft, data, size, offset, error);
}

bool
content_truncate (Content *content, int64_t size, GError **error)
{
  const ScratchCaller caller = { 0 };
  const ScratchChange change = { .set = SCRATCH_SET_SIZE, .opened = true, .size = size };

  if (is_broken (content, error))
    return false;
  atomic_store (&content->written_ns, now_ns ());
  if (content->scratch != NULL)
    return scratch_change (content->scratch, &caller, &change, error);
  return draft_truncate (content->draft, size, error);
}

bool
content_seed (Content *content, GBytes *text, GError **error)
{
  if (is_broken (content, error))
    return false;
  if (content->scratch != NULL)
    return scratch_set_text (content->scratch, text, error);
  return draft_seed (content->draft, text, error);
}

ssize_t
content_read (Content *content, void *data, size_t size, int64_t offset, GError **error)
{
  if (is_broken (content, error))
    return -1;
  if (content->scratch != NULL)
    return scratch_read (content->scratch, data, size, offset, error);
  return draft_read (content->draft, data, size, offset, error);
}

int64_t
content_size (Content *content)
{
  ScratchAttr attr;

  if (content->draft != NULL)
    return draft_size (content->draft);
  if (content->scratch == NULL)
    return 0;
  scratch_attr (content->scratch, &attr);
  return attr.size;
}

GBytes *
content_text (Content *content, GError **error)
{
  if (is_broken (content, error))
    return NULL;
  if (content->scratch != NULL)
    return scratch_text (content->scratch, DRAFT_SIZE_MAX, error);
  return draft_text (content->draft, error);
}

void
content_stat_scratch (Scratch *scratch, struct stat *stat)
{
  ScratchAttr attr;

  scratch_attr (scratch, &attr);
  stat->st_mode = attr.mode;
  stat->st_uid = attr.uid;
  stat->st_gid = attr.gid;
  stat->st_size = attr.size;
  stat->st_blocks = attr.blocks;
  stat->st_atim = attr.atime;
  stat->st_mtim = attr.mtime;
  stat->st_ctim = attr.ctime;
}

void
content_stat (Content *content, struct stat *stat)
{
  int64_t written = atomic_load (&content->written_ns);

  if (content->scratch != NULL)
    {
      content_stat_scratch (content->scratch, stat);
      return;
    }
  stat->st_size = content_size (content);
  stat->st_blocks = (stat->st_size + BLOCK_UNIT - 1) / BLOCK_UNIT;
  stat->st_mtim = (struct timespec){ written / 1000000000, written % 1000000000 };
  stat->st_ctim = stat->st_atim = stat->st_mtim;
}
