/* What a mount left in its folder: its drafts become refused ones or unclear ones, its deletes ours. */
#include "model/journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const DraftReason ended = { "EIO", "mount-ended", "the mount ended before it was saved", NULL,
                                   "Look at the text, and copy it onto the record to save it." };

/* To draft_info_free(), never NULL; NULL is set in @found when there is no note. */
static DraftInfo *
read_note (int folder, const char *name, bool *found)
{
  AUTO_FD int fd = file_open_at (folder, name, O_RDONLY);
  g_autoptr (GBytes) bytes = fd >= 0 ? journal_read_fd (fd, JOURNAL_META_MAX) : NULL;
  gsize size = 0;
  const char *text = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  DraftInfo *info = size > 0 ? journal_meta_read (text, size) : NULL;

  *found = fd >= 0;
  return info != NULL ? info : journal_meta_guess (text, size);
}

/* -1: there is none that is a file. */
static int64_t
data_size (int folder, const char *name)
{
  struct stat about;

  if (fstatat (folder, name, &about, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG (about.st_mode))
    return -1;
  return about.st_size;
}

static bool
take_unclear (Journal *journal, int folder, const char *name, const DraftInfo *info, GError **error)
{
  Draft *draft = journal_draft_adopt (journal, folder, name, info, error);

  if (draft != NULL)
    g_ptr_array_add (journal->unclear, draft); /* no other thread is inside yet */
  return draft != NULL;
}

static bool
set_aside (Journal *journal, int folder, const char *name, DraftInfo *info, GError **error)
{
  AUTO_FD int fd = file_open_at (folder, name, O_RDONLY);

  if (fd < 0 || fsync (fd) < 0)
    {
      journal_fail (error, errno, "The draft %s that an earlier mount left cannot be read", name);
      return false;
    }
  if (info->state != DRAFT_REFUSED)
    journal_meta_refuse (info, &ended);
  g_message ("%s/%s: %s. It is kept in .zohofs/drafts.", info->module, info->name,
             json_get_text (info->reason, "message"));
  return journal_aside (journal->state, folder, name, info, error);
}

/* An unclear draft stays where it is, so that no crash makes two of it. */
static bool
adopt_pair (Journal *journal, int folder, const char *name, GError **error)
{
  g_autofree char *note = g_strconcat (name, ".json", NULL);
  int64_t size = data_size (folder, name);
  bool noted;
  g_autoptr (DraftInfo) info = read_note (folder, note, &noted);

  if (info->state == DRAFT_SENDING)
    return take_unclear (journal, folder, name, info, error);
  if (size > 0 && info->state != DRAFT_CLEAN && !set_aside (journal, folder, name, info, error))
    return false;
  unlinkat (folder, name, 0);
  if (noted)
    unlinkat (folder, note, 0);
  return true;
}

static bool
is_temporary (const char *name)
{
  return g_str_has_suffix (name, ".tmp");
}

/* The draft that a file belongs to, by its first file's turn. To g_free(); NULL: none. */
static char *
draft_of (const char *name, GPtrArray *names)
{
  g_autofree char *data = NULL;
  uint64_t number;

  if (journal_number (name, "d", "", &number))
    return g_strdup (name);
  if (!journal_number (name, "d", ".json", &number))
    return NULL;
  data = g_strdup_printf ("d%" G_GUINT64_FORMAT, number);
  return g_ptr_array_find_with_equal_func (names, data, g_str_equal, NULL) ? NULL : g_steal_pointer (&data);
}

static void
adopt_drafts (Journal *journal, int folder, GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *draft = draft_of (names->pdata[i], names);
      g_autoptr (GError) error = NULL;

      if (is_temporary (names->pdata[i]))
        unlinkat (folder, names->pdata[i], 0);
      if (draft != NULL && !adopt_pair (journal, folder, draft, &error))
        g_warning ("%s. It stays in the state folder until the next mount.", error->message);
    }
}

static void
adopt_deletes (Journal *journal, int folder, const char *name)
{
  g_autoptr (GError) error = NULL;

  if (faccessat (folder, "deletes", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
    return;
  if (journal_deletes_adopt (journal, folder, &error))
    unlinkat (folder, "deletes", 0);
  else
    g_warning ("The deletes that an earlier mount left in journal/%s cannot be taken over: %s", name, error->message);
}

unsigned
journal_adopt (Journal *journal, int folder, const char *name)
{
  g_autoptr (GPtrArray) names = journal_names (folder);
  unsigned before = journal->unclear->len;

  if (names == NULL)
    return 0;
  adopt_drafts (journal, folder, names);
  adopt_deletes (journal, folder, name);
  return journal->unclear->len - before;
}
