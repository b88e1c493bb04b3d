/* One draft: its data file and its note, which is written before what it announces happens. */
#include "model/journal_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM_MAX 255

struct Draft
{
  int folder, state_folder; /* the journal's */
  char *data_name, *note_name, *temporary;
  int fd; /* of the data */

  pthread_mutex_t lock; /* guards all below and writes to both files */
  DraftInfo *info;
  bool ended; /* done or refused */
  bool data_synced, note_synced;
};

/* Lock held. */
static bool
write_note (Draft *draft, DraftInfo *info, bool sync, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  journal_meta_write (info, line);
  if (!journal_replace (draft->folder, draft->temporary, draft->folder, draft->note_name, line, sync))
    {
      journal_fail (error, errno, "The note of the draft of %s could not be written", info->name);
      return false;
    }
  draft->note_synced = sync;
  return true;
}

/* Makes @info, which it takes, the note. With an error the old one stays. Lock held. */
static bool
change_note (Draft *draft, DraftInfo *info, bool sync, GError **error)
{
  g_autoptr (DraftInfo) other = info;

  if (!write_note (draft, info, sync, error))
    return false;
  other = draft->info;
  draft->info = info;
  return true;
}

/* Lock held. */
static bool
check_living (Draft *draft, GError **error)
{
  if (!draft->ended)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
               "The draft of %s is no longer written to: it was saved or set aside; open the file again",
               draft->info->name);
  return false;
}

/* Before the first byte of the user's changes the data. Lock held. */
static bool
become_dirty (Draft *draft, GError **error)
{
  const DraftInfo *now = draft->info;
  DraftInfo *next;

  if (!check_living (draft, error))
    return false;
  draft->data_synced = false;
  if (now->state == DRAFT_OPEN || (now->state == DRAFT_SENDING && now->more))
    return true;
  next = journal_meta_copy (now);
  if (now->state == DRAFT_SENDING)
    next->more = true;
  else
    next->state = DRAFT_OPEN;
  return change_note (draft, next, false, error);
}

static int64_t
size_of (const Draft *draft)
{
  struct stat about;

  return fstat (draft->fd, &about) == 0 ? about.st_size : 0;
}

static bool
check_size (const Draft *draft, int64_t size, GError **error)
{
  if (size >= 0 && size <= DRAFT_SIZE_MAX)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE,
               "%s would become larger than %" G_GINT64_FORMAT " bytes, which no record can be", draft->info->name,
               DRAFT_SIZE_MAX);
  return false;
}

/* What @size bytes at @offset are now, as far as there are any. */
static GByteArray *
bytes_at (const Draft *draft, size_t size, int64_t offset)
{
  GByteArray *bytes = g_byte_array_new ();
  ssize_t got;

  g_byte_array_set_size (bytes, (guint)size);
  got = pread (draft->fd, bytes->data, size, (off_t)offset);
  g_byte_array_set_size (bytes, got > 0 ? (guint)got : 0);
  return bytes;
}

/* All or nothing. Lock held. */
static bool
write_data (Draft *draft, const void *data, size_t size, int64_t offset, GError **error)
{
  int64_t old_size = size_of (draft);
  g_autoptr (GByteArray) before = NULL;
  int failure;

  if (offset < old_size)
    before = bytes_at (draft, (size_t)MIN ((int64_t)size, old_size - offset), offset);
  if (journal_write_at (draft->fd, data, size, offset))
    return true;
  failure = errno;
  if ((before != NULL && !journal_write_at (draft->fd, before->data, before->len, offset))
      || ftruncate (draft->fd, (off_t)old_size) < 0)
    g_warning ("The draft of %s is half written: %s", draft->info->name, g_strerror (errno));
  journal_fail (error, failure, "The draft of %s could not be written", draft->info->name);
  return false;
}

/* Lock held. */
static bool
sync_data (Draft *draft, GError **error)
{
  if (draft->data_synced || fsync (draft->fd) == 0)
    {
      draft->data_synced = true;
      return true;
    }
  journal_fail (error, errno, "The draft of %s could not be written to the disk", draft->info->name);
  return false;
}

/* Lock held. */
static bool
set_state (Draft *draft, DraftState state, GError **error)
{
  DraftInfo *next;

  if (!check_living (draft, error))
    return false;
  next = journal_meta_copy (draft->info);
  next->state = state;
  next->more = false;
  g_clear_pointer (&next->body, g_bytes_unref);
  g_clear_pointer (&next->creator, g_free);
  return change_note (draft, next, false, error);
}

/* Takes @name and @info. */
static Draft *
draft_alloc (const Journal *journal, int folder, char *name, DraftInfo *info)
{
  Draft *draft = g_new0 (Draft, 1);

  draft->folder = folder;
  draft->state_folder = journal->state;
  draft->data_name = name;
  draft->note_name = g_strconcat (name, ".json", NULL);
  draft->temporary = g_strconcat (draft->note_name, ".tmp", NULL);
  draft->fd = -1;
  draft->info = info;
  pthread_mutex_init (&draft->lock, NULL);
  return draft;
}

static char *
next_name (Journal *journal)
{
  return g_strdup_printf ("d%" G_GUINT64_FORMAT, (uint64_t)atomic_fetch_add (&journal->last_draft, 1) + 1);
}

/* The note comes first: data without one is taken for a damaged draft. */
static bool
create_files (Draft *draft, GError **error)
{
  if (!write_note (draft, draft->info, false, error))
    return false;
  draft->fd = file_open_at (draft->folder, draft->data_name, O_RDWR | O_CREAT | O_EXCL);
  if (draft->fd >= 0)
    return true;
  journal_fail (error, errno, "A draft of %s could not be made", draft->info->name);
  unlinkat (draft->folder, draft->note_name, 0);
  return false;
}

static bool
check_names (const char *module, const char *name, GError **error)
{
  if (journal_is_name (module, true) && journal_is_name (name, false))
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
               "A file that is to become a record needs a name in UTF-8 of at most %d bytes: choose another one",
               DRAFT_NAME_MAX);
  return false;
}

bool
journal_draft_new (Journal *journal, const DraftKey *key, Draft **out, GError **error)
{
  DraftInfo *info;
  g_autoptr (Draft) draft = NULL;

  if (key->pid < 0 || !check_names (key->module, key->name, error))
    return false;
  info = g_new0 (DraftInfo, 1);
  info->module = g_strdup (key->module);
  info->name = g_strdup (key->name);
  info->program = key->program != NULL ? journal_cut (key->program, PROGRAM_MAX) : NULL;
  info->id = key->id;
  info->pid = key->pid;
  info->time_s = clock_wall_s ();
  info->versions = g_array_new (FALSE, FALSE, sizeof (DraftVersion));
  draft = draft_alloc (journal, journal->folder, next_name (journal), info);
  if (!create_files (draft, error))
    return false;
  *out = g_steal_pointer (&draft);
  return true;
}

Draft *
journal_draft_adopt (Journal *journal, int folder, const char *name, const DraftInfo *info, GError **error)
{
  g_autoptr (Draft) draft = draft_alloc (journal, folder, g_strdup (name), journal_meta_copy (info));
  gsize size = 0;
  const void *body = g_bytes_get_data (info->body, &size);
  struct stat about;

  if (fstatat (folder, name, &about, AT_SYMLINK_NOFOLLOW) == 0)
    draft->fd = file_open_at (folder, name, O_RDWR);
  else /* after a power cut the body may be all there is */
    {
      draft->fd = file_open_at (folder, name, O_RDWR | O_CREAT);
      if (draft->fd >= 0)
        journal_write_at (draft->fd, body, size, 0);
    }
  if (draft->fd >= 0)
    return g_steal_pointer (&draft);
  journal_fail (error, errno, "The draft of %s that an earlier mount left cannot be taken over", info->name);
  return NULL;
}

void
draft_free (Draft *draft)
{
  if (draft == NULL)
    return;
  file_close (&draft->fd);
  pthread_mutex_destroy (&draft->lock);
  draft_info_free (draft->info);
  g_free (draft->data_name);
  g_free (draft->note_name);
  g_free (draft->temporary);
  g_free (draft);
}

/* References to JSON are not shared between threads. */
DraftInfo *
draft_info (Draft *draft)
{
  DraftInfo *info;
  LOCKED (&draft->lock);

  info = journal_meta_copy (draft->info);
  json_decref (info->extra);
  info->extra = json_deep_copy (draft->info->extra);
  json_decref (info->reason);
  info->reason = json_deep_copy (draft->info->reason);
  return info;
}

DraftState
draft_state (Draft *draft)
{
  LOCKED (&draft->lock);

  return draft->info->state;
}

bool
draft_seed (Draft *draft, GBytes *text, GError **error)
{
  gsize size = 0;
  const void *data = g_bytes_get_data (text, &size);
  LOCKED (&draft->lock);

  if (!check_living (draft, error) || !check_size (draft, (int64_t)size, error))
    return false;
  if (draft->info->state != DRAFT_CLEAN)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The draft of %s holds changes already", draft->info->name);
      return false;
    }
  draft->data_synced = false;
  if (!write_data (draft, data, size, 0, error))
    return false;
  if (ftruncate (draft->fd, (off_t)size) == 0)
    return true;
  journal_fail (error, errno, "The draft of %s could not be written", draft->info->name);
  return false;
}

bool
draft_write (Draft *draft, const void *data, size_t size, int64_t offset, GError **error)
{
  LOCKED (&draft->lock);

  if (offset < 0 || size > (size_t)DRAFT_SIZE_MAX || offset > DRAFT_SIZE_MAX)
    return check_size (draft, -1, error);
  if (size == 0)
    return check_living (draft, error);
  return check_size (draft, offset + (int64_t)size, error) && become_dirty (draft, error)
         && write_data (draft, data, size, offset, error);
}

bool
draft_truncate (Draft *draft, int64_t size, GError **error)
{
  LOCKED (&draft->lock);

  if (!check_size (draft, size, error) || !become_dirty (draft, error))
    return false;
  if (ftruncate (draft->fd, (off_t)size) == 0)
    return true;
  journal_fail (error, errno, "The size of the draft of %s could not be changed", draft->info->name);
  return false;
}

ssize_t
draft_read (Draft *draft, void *data, size_t size, int64_t offset, GError **error)
{
  size_t filled = 0;

  while (filled < size)
    {
      ssize_t got = pread (draft->fd, (char *)data + filled, size - filled, (off_t)(offset + (int64_t)filled));

      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        {
          journal_fail (error, errno, "The draft could not be read");
          return -1;
        }
      if (got == 0)
        break;
      filled += (size_t)got;
    }
  return (ssize_t)filled;
}

int64_t
draft_size (Draft *draft)
{
  return size_of (draft);
}

GBytes *
draft_text (Draft *draft, GError **error)
{
  GBytes *text;
  LOCKED (&draft->lock);

  text = journal_read_fd (draft->fd, DRAFT_SIZE_MAX);
  if (text == NULL)
    journal_fail (error, errno, "The draft of %s could not be read", draft->info->name);
  return text;
}

bool
draft_set_base (Draft *draft, const DraftVersion *versions, size_t count, json_t *extra, GError **error)
{
  DraftInfo *next;
  LOCKED (&draft->lock);

  g_assert (count <= DRAFT_VERSIONS_MAX);
  if (!check_living (draft, error))
    return false;
  next = journal_meta_copy (draft->info);
  g_array_set_size (next->versions, 0);
  if (count > 0)
    g_array_append_vals (next->versions, versions, (guint)count);
  json_decref (next->extra);
  next->extra = json_deep_copy (extra);
  return change_note (draft, next, false, error);
}

bool
draft_set_name (Draft *draft, const char *name, GError **error)
{
  DraftInfo *next;
  LOCKED (&draft->lock);

  if (!check_living (draft, error) || !check_names (draft->info->module, name, error))
    return false;
  next = journal_meta_copy (draft->info);
  g_free (next->name);
  next->name = g_strdup (name);
  return change_note (draft, next, draft->info->state == DRAFT_SENDING, error);
}

bool
draft_set_id (Draft *draft, uint64_t id, GError **error)
{
  DraftInfo *next;
  LOCKED (&draft->lock);

  if (!check_living (draft, error))
    return false;
  next = journal_meta_copy (draft->info);
  next->id = id;
  return change_note (draft, next, false, error);
}

bool
draft_sync (Draft *draft, GError **error)
{
  LOCKED (&draft->lock);

  if (!check_living (draft, error) || !sync_data (draft, error))
    return false;
  return draft->note_synced || write_note (draft, draft->info, true, error);
}

bool
draft_sending (Draft *draft, GBytes *body, const char *creator, GError **error)
{
  gsize size = 0;
  const char *text = g_bytes_get_data (body, &size);
  DraftInfo *next;
  LOCKED (&draft->lock);

  if (size > (gsize)DRAFT_BODY_MAX || !g_utf8_validate_len (text != NULL ? text : "", size, NULL))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE,
                   "What %s would send is larger than %" G_GINT64_FORMAT " bytes, or no text", draft->info->name,
                   DRAFT_BODY_MAX);
      return false;
    }
  if (!check_living (draft, error) || !sync_data (draft, error))
    return false;
  next = journal_meta_copy (draft->info);
  next->state = DRAFT_SENDING;
  next->more = false;
  next->sent_s = clock_wall_s ();
  g_clear_pointer (&next->body, g_bytes_unref);
  next->body = g_bytes_ref (body);
  g_free (next->creator);
  next->creator = creator != NULL ? journal_cut (creator, PROGRAM_MAX) : NULL;
  return change_note (draft, next, true, error);
}

bool
draft_saved (Draft *draft, GError **error)
{
  LOCKED (&draft->lock);

  return set_state (draft, draft->info->more ? DRAFT_OPEN : DRAFT_CLEAN, error);
}

bool
draft_unsent (Draft *draft, GError **error)
{
  LOCKED (&draft->lock);

  return set_state (draft, DRAFT_OPEN, error);
}

/* The data goes first: a note without data is nothing, unless it says that something was sent. */
bool
draft_done (Draft *draft, GError **error)
{
  LOCKED (&draft->lock);

  if (!check_living (draft, error))
    return false;
  draft->ended = true;
  unlinkat (draft->folder, draft->data_name, 0);
  unlinkat (draft->folder, draft->note_name, 0);
  return true;
}

/* The note says so first: from then on the draft is on its way to drafts/ whatever happens. */
bool
draft_refuse (Draft *draft, const DraftReason *reason, GError **error)
{
  DraftInfo *next;
  LOCKED (&draft->lock);

  if (!check_living (draft, error) || !sync_data (draft, error))
    return false;
  next = journal_meta_copy (draft->info);
  journal_meta_refuse (next, reason);
  if (!change_note (draft, next, true, error)
      || !journal_aside (draft->state_folder, draft->folder, draft->data_name, draft->info, error))
    return false;
  draft->ended = true;
  unlinkat (draft->folder, draft->note_name, 0);
  return true;
}
