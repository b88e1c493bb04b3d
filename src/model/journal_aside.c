/* Refused drafts: moved to where the user finds them, under a name that no older one loses, and read back.
 *
 * The data decides: a note without data is a leftover of a crash. So an older draft of the name gets a copy of its note
 * under the new name, then its data is renamed; the new note is written, then the new data renamed. Under a lock file,
 * since mounts share the folder. */
#include "model/journal_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAFTS "drafts"
#define META ".meta"
#define TEMPORARY ".tmp" /* in .meta, where no module's folder has that name */
#define LOCK ".lock"

/* The folders a draft goes to. */
typedef struct
{
  int drafts, meta, lock; /* drafts/, drafts/.meta/, the lock in it */
  int texts, notes;       /* drafts/<Module>/, drafts/.meta/<Module>/ */
} Place;

static void
place_close (Place *place)
{
  file_close (&place->texts);
  file_close (&place->notes);
  file_close (&place->lock);
  file_close (&place->meta);
  file_close (&place->drafts);
}
#define AUTO_PLACE __attribute__ ((cleanup (place_close))) Place

static const Place nowhere = { -1, -1, -1, -1, -1 };

static bool
open_place (int state, const char *module, bool make, Place *place)
{
  place->drafts = journal_open_folder (state, DRAFTS, make);
  if (place->drafts >= 0)
    place->meta = journal_open_folder (place->drafts, META, make);
  if (place->meta < 0)
    return false;
  place->lock = file_open_at (place->meta, LOCK, O_RDWR | O_CREAT);
  if (place->lock < 0 || !journal_flock (place->lock, LOCK_EX, clock_now_us () + JOURNAL_LOCK_TIMEOUT_US))
    return false;
  place->texts = journal_open_folder (place->drafts, module, make);
  place->notes = journal_open_folder (place->meta, module, make);
  return place->texts >= 0 && place->notes >= 0;
}

static bool
is_taken (const Place *place, const char *name)
{
  struct stat about;

  return fstatat (place->texts, name, &about, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* "<name>.<number>", which fits a file name. To g_free(). */
static char *
numbered (const char *name, uint64_t number)
{
  g_autofree char *tail = g_strdup_printf (".%" G_GUINT64_FORMAT, number);
  g_autofree char *head = journal_cut (name, DRAFT_NAME_MAX - strlen (tail));

  return g_strconcat (head, tail, NULL);
}

static bool
is_number_taken (const Place *place, const char *name, uint64_t number)
{
  g_autofree char *other = numbered (name, number);

  return is_taken (place, other);
}

/* A free one with a taken one, or none, before it: few looks even after thousands. */
static uint64_t
free_number (const Place *place, const char *name)
{
  uint64_t low = 0, high = 1;

  while (is_number_taken (place, name, high))
    {
      low = high;
      high *= 2;
    }
  while (high - low > 1)
    {
      uint64_t middle = low + (high - low) / 2;

      if (is_number_taken (place, name, middle))
        low = middle;
      else
        high = middle;
    }
  return high;
}

static GBytes *
read_at (int folder, const char *name, int64_t max)
{
  AUTO_FD int fd = file_open_at (folder, name, O_RDONLY);

  return fd >= 0 ? journal_read_fd (fd, max) : NULL;
}

/* Gives the draft that has the name another one. */
static bool
make_way (const Place *place, const char *name)
{
  g_autofree char *other = numbered (name, free_number (place, name));
  g_autoptr (GBytes) note = read_at (place->notes, name, JOURNAL_META_MAX);

  if (note != NULL)
    {
      g_autoptr (GString) text = g_string_new_len (g_bytes_get_data (note, NULL), (gssize)g_bytes_get_size (note));

      if (!journal_replace (place->meta, TEMPORARY, place->notes, other, text, true))
        return false;
    }
  else
    unlinkat (place->notes, other, 0); /* of a draft that is not there */
  return renameat (place->texts, name, place->texts, other) == 0;
}

static bool
move_in (const Place *place, int from, const char *data, const DraftInfo *info)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (is_taken (place, info->name) && !make_way (place, info->name))
    return false;
  journal_meta_write (info, line);
  return journal_replace (place->meta, TEMPORARY, place->notes, info->name, line, true)
         && renameat (from, data, place->texts, info->name) == 0;
}

static bool
sync_place (const Place *place, int state, int from)
{
  return fsync (place->texts) == 0 && fsync (place->notes) == 0 && fsync (place->meta) == 0
         && fsync (place->drafts) == 0 && fsync (state) == 0 && fsync (from) == 0;
}

static void
entry_free (gpointer data)
{
  DraftEntry *entry = data;

  g_free (entry->module);
  g_free (entry->name);
  json_decref (entry->reason);
  g_free (entry);
}

static DraftInfo *
read_note (const Place *place, const char *name)
{
  g_autoptr (GBytes) bytes = place->notes >= 0 ? read_at (place->notes, name, JOURNAL_META_MAX) : NULL;
  gsize size = 0;
  const char *text = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  g_autoptr (DraftInfo) info = size > 0 ? journal_meta_read (text, size) : NULL;

  if (info != NULL && info->state == DRAFT_REFUSED)
    return g_steal_pointer (&info);
  return journal_meta_guess ("", 0);
}

static void
add_entry (GPtrArray *list, const Place *place, const char *module, const char *name)
{
  g_autoptr (DraftInfo) info = NULL;
  struct stat about;
  DraftEntry *entry;

  if (fstatat (place->texts, name, &about, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG (about.st_mode))
    return;
  info = read_note (place, name);
  entry = g_new0 (DraftEntry, 1);
  entry->module = g_strdup (module);
  entry->name = g_strdup (name);
  entry->id = info->id;
  entry->size = about.st_size;
  entry->mtime_s = about.st_mtim.tv_sec;
  entry->reason = json_incref (info->reason);
  g_ptr_array_add (list, entry);
}

/* Without the lock: what is renamed at this moment may be missed, or be seen with a damaged note. Returns: false when
 * there is no such folder. */
static bool
open_to_read (int state, const char *module, Place *place)
{
  place->drafts = journal_open_folder (state, DRAFTS, false);
  if (place->drafts < 0)
    return false;
  place->meta = journal_open_folder (place->drafts, META, false);
  place->texts = journal_open_folder (place->drafts, module, false);
  if (place->meta >= 0)
    place->notes = journal_open_folder (place->meta, module, false);
  return place->texts >= 0;
}

static void
list_module (GPtrArray *list, int state, const char *module)
{
  AUTO_PLACE place = nowhere;
  g_autoptr (GPtrArray) names = NULL;

  if (!journal_is_name (module, true) || !open_to_read (state, module, &place))
    return;
  names = journal_names (place.texts);
  for (guint i = 0; names != NULL && i < names->len; i++)
    if (journal_is_name (names->pdata[i], false))
      add_entry (list, &place, module, names->pdata[i]);
}

static bool
check_names (const char *module, const char *name, GError **error)
{
  if (journal_is_name (module, true) && journal_is_name (name, false))
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "No draft has such a name");
  return false;
}

bool
journal_aside (int state, int from, const char *name, const DraftInfo *info, GError **error)
{
  AUTO_PLACE place = nowhere;

  if (open_place (state, info->module, true, &place) && move_in (&place, from, name, info)
      && sync_place (&place, state, from))
    return true;
  journal_fail (error, errno, "The draft of %s could not be set aside", info->name);
  return false;
}

GPtrArray *
journal_drafts_list (const char *state, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (entry_free);
  AUTO_FD int folder = journal_open_state (state, false);
  AUTO_FD int drafts = folder >= 0 ? journal_open_folder (folder, DRAFTS, false) : -1;
  g_autoptr (GPtrArray) modules = NULL;

  if (drafts < 0 && errno == ENOENT)
    return g_steal_pointer (&list);
  modules = drafts >= 0 ? journal_names (drafts) : NULL;
  if (modules == NULL)
    {
      journal_fail (error, errno, "The drafts in %s cannot be read", state);
      return NULL;
    }
  for (guint i = 0; i < modules->len; i++)
    list_module (list, folder, modules->pdata[i]);
  return g_steal_pointer (&list);
}

GPtrArray *
journal_drafts_find (const char *state, const char *module, const char *name, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (entry_free);
  AUTO_FD int folder = journal_open_state (state, false);
  AUTO_PLACE place = nowhere;

  if (!check_names (module, name, error))
    return NULL;
  if (folder >= 0 && open_to_read (folder, module, &place))
    add_entry (list, &place, module, name);
  if (list->len > 0)
    return g_steal_pointer (&list);
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "There is no draft %s of %s", name, module);
  return NULL;
}

GBytes *
journal_draft_open (const char *state, const char *module, const char *name, GError **error)
{
  AUTO_FD int folder = journal_open_state (state, false);
  AUTO_PLACE place = nowhere;
  GBytes *text = NULL;

  if (!check_names (module, name, error))
    return NULL;
  if (folder >= 0 && open_to_read (folder, module, &place))
    text = read_at (place.texts, name, DRAFT_SIZE_MAX);
  if (text == NULL)
    journal_fail (error, errno, "The draft %s of %s cannot be read", name, module);
  return text;
}

bool
journal_draft_remove (const char *state, const char *module, const char *name, GError **error)
{
  AUTO_FD int folder = journal_open_state (state, false);
  AUTO_PLACE place = nowhere;

  if (!check_names (module, name, error))
    return false;
  if (folder >= 0 && open_place (folder, module, false, &place) && unlinkat (place.texts, name, 0) == 0)
    {
      unlinkat (place.notes, name, 0);
      return true;
    }
  journal_fail (error, errno, "The draft %s of %s cannot be removed", name, module);
  return false;
}
