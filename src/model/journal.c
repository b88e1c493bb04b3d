/* The folder of a mount: made, held and given back, under a lock that the profile's mounts share. */
#include "model/journal_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_MAX 65536
#define WAIT_PAUSE_US 20000

/* What `lock` in a folder says of the mount that holds it. */
typedef struct
{
  char *mount_point; /* escaped; NULL: it says nothing that makes sense */
  int64_t pid;
} Holder;

static void
holder_clear (Holder *holder)
{
  g_free (holder->mount_point);
}
#define AUTO_HOLDER __attribute__ ((cleanup (holder_clear))) Holder

/* A path may be any bytes. */
static char *
escape (const char *mount_point)
{
  return g_uri_escape_string (mount_point, "/", FALSE);
}

static void
read_holder (int lock, Holder *holder)
{
  g_autoptr (GBytes) bytes = journal_read_fd (lock, LOCK_MAX);
  gsize size = 0;
  const char *text = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  g_autoptr (json_t) line = size > 0 ? journal_line_read (text, size - 1) : NULL;

  if (line == NULL)
    return;
  holder->mount_point = g_strdup (json_get_text (line, "mount_point"));
  holder->pid = json_integer_value (json_object_get (line, "pid"));
}

static bool
write_holder (int lock, const char *mount_point)
{
  g_autoptr (json_t) line = json_object ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *escaped = escape (mount_point);

  json_object_set_new (line, "mount_point", json_string (escaped));
  json_object_set_new (line, "pid", json_integer (getpid ()));
  journal_line_write (line, text);
  return ftruncate (lock, 0) == 0 && journal_write_at (lock, text->str, text->len, 0) && fsync (lock) == 0;
}

/* Is a living mount of the (escaped) mount point in @folder? */
static bool
is_held_by (int folder, const char *mount_point, int64_t *pid)
{
  AUTO_FD int lock = file_open_at (folder, "lock", O_RDWR);
  AUTO_HOLDER holder = { NULL, 0 };

  if (lock < 0 || flock (lock, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return false;
  read_holder (lock, &holder);
  *pid = holder.pid;
  return g_strcmp0 (holder.mount_point, mount_point) == 0;
}

/* Is there a living mount of the (escaped) mount point? The shared lock held, since a look takes the locks it can have.
 */
static bool
is_mounted (int parent, const char *mount_point, int64_t *pid)
{
  g_autoptr (GPtrArray) names = journal_names (parent);
  uint64_t number;

  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      AUTO_FD int folder = -1;

      if (!journal_number (names->pdata[i], "", "", &number))
        continue;
      folder = journal_open_folder (parent, names->pdata[i], false);
      if (folder >= 0 && is_held_by (folder, mount_point, pid))
        return true;
    }
  return false;
}

/* The same without the lock. When it is not to be had, somebody opens a journal just now: then it is looked again. */
static bool
is_still_mounted (int parent, const char *mount_point, int64_t deadline_us, int64_t *pid)
{
  AUTO_FD int shared = file_open_at (parent, "lock", O_RDWR | O_CREAT);

  if (shared < 0)
    return false;
  return !journal_flock (shared, LOCK_EX, deadline_us) || is_mounted (parent, mount_point, pid);
}

static bool
refuse_second (int parent, const char *mount_point, GError **error)
{
  g_autofree char *escaped = escape (mount_point);
  int64_t pid = 0;

  if (!is_mounted (parent, escaped, &pid))
    return false;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_CHANGED,
               "%s is still served by process %" G_GINT64_FORMAT
               ", which may be sending what was written before: wait for it, or see `zohofs status`",
               mount_point, pid);
  return true;
}

static void
folder_free (gpointer data)
{
  JournalFolder *held = data;

  file_close (&held->folder);
  file_close (&held->lock); /* from here on it is free */
  g_free (held->name);
  g_free (held);
}

/* NULL when somebody else holds it, or with errno. The shared lock held. */
static JournalFolder *
hold_folder (const Journal *journal, const char *name)
{
  JournalFolder *held = g_new0 (JournalFolder, 1);

  held->name = g_strdup (name);
  held->lock = -1;
  held->folder = journal_open_folder (journal->parent, name, false);
  if (held->folder >= 0)
    held->lock = file_open_at (held->folder, "lock", O_RDWR | O_CREAT);
  if (held->lock >= 0 && flock (held->lock, LOCK_EX | LOCK_NB) == 0)
    return held;
  folder_free (held);
  return NULL;
}

/* Unless there is something left in it: then it stays for the next mount. */
static void
remove_folder (const Journal *journal, const JournalFolder *held)
{
  g_autoptr (GPtrArray) names = journal_names (held->folder);

  for (guint i = 0; names != NULL && i < names->len; i++)
    if (!g_str_equal (names->pdata[i], "lock"))
      return;
  unlinkat (held->folder, "lock", 0);
  unlinkat (journal->parent, held->name, AT_REMOVEDIR);
}

/* The folders that are not held, one after the other. The shared lock held. */
static void
adopt_all (Journal *journal, const char *mount_point)
{
  g_autoptr (GPtrArray) names = journal_names (journal->parent);
  uint64_t number;

  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      JournalFolder *held = NULL;

      if (journal_number (names->pdata[i], "", "", &number))
        held = hold_folder (journal, names->pdata[i]); /* not our own, which is held */
      if (held == NULL)
        continue;
      write_holder (held->lock, mount_point);
      if (journal_adopt (journal, held->folder, held->name) > 0)
        {
          g_ptr_array_add (journal->held, held);
          continue;
        }
      remove_folder (journal, held);
      folder_free (held);
    }
}

/* The shared lock held. */
static bool
make_folder (Journal *journal, const char *mount_point)
{
  JournalFolder *held = NULL;

  for (unsigned number = 1; held == NULL; number++)
    {
      g_autofree char *name = g_strdup_printf ("%u", number);

      if (mkdirat (journal->parent, name, 0700) == 0)
        held = hold_folder (journal, name);
      else if (errno == EEXIST)
        continue;
      if (held == NULL)
        return false;
    }
  g_ptr_array_add (journal->held, held);
  journal->folder = held->folder;
  return write_holder (held->lock, mount_point) && fsync (held->folder) == 0 && fsync (journal->parent) == 0
         && fsync (journal->state) == 0;
}

static bool
open_logs (Journal *journal, GError **error)
{
  journal->deletes_log = journal_log_open (journal->folder, "deletes", &journal_deletes_kind, &journal->deletes, error);
  if (journal->deletes_log == NULL)
    return false;
  journal->aliases_log = journal_log_open (journal->state, "aliases", &journal_aliases_kind, &journal->aliases, error);
  if (journal->aliases_log == NULL)
    return false;
  if (journal_log_damaged (journal->aliases_log) > 0)
    g_warning ("%zu lines of the file aliases in the state folder are damaged: names that new records were written "
               "under may be forgotten.",
               journal_log_damaged (journal->aliases_log));
  return true;
}

/* The shared lock held. */
static bool
settle (Journal *journal, const char *mount_point, GError **error)
{
  if (refuse_second (journal->parent, mount_point, error))
    return false;
  if (!make_folder (journal, mount_point))
    {
      journal_fail (error, errno, "The journal of the mount could not be made");
      return false;
    }
  if (!open_logs (journal, error))
    return false;
  adopt_all (journal, mount_point);
  return true;
}

static Journal *
journal_alloc (void)
{
  Journal *journal = g_new0 (Journal, 1);

  journal->state = journal->parent = journal->folder = -1;
  journal->held = g_ptr_array_new_with_free_func (folder_free);
  atomic_init (&journal->last_draft, 0);
  journal_deletes_init (&journal->deletes);
  journal_aliases_init (&journal->aliases);
  pthread_mutex_init (&journal->guard, NULL);
  journal->unclear = g_ptr_array_new_with_free_func ((GDestroyNotify)draft_free);
  return journal;
}

static void
leave_folders (Journal *journal)
{
  g_autoptr (GPtrArray) left = journal->deletes_log != NULL ? journal_deletes (journal) : NULL;

  if (left != NULL && left->len == 0)
    unlinkat (journal->folder, "deletes", 0);
  for (guint i = 0; i < journal->held->len; i++)
    remove_folder (journal, journal->held->pdata[i]);
}

bool
journal_wait (const char *state, const char *mount_point, int64_t deadline_us, GError **error)
{
  AUTO_FD int folder = journal_open_state (state, false);
  AUTO_FD int parent = folder >= 0 ? journal_open_folder (folder, "journal", false) : -1;
  g_autofree char *escaped = escape (mount_point);
  int64_t pid = 0;

  while (parent >= 0 && is_still_mounted (parent, escaped, deadline_us, &pid))
    {
      if (clock_now_us () >= deadline_us)
        {
          g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT,
                       "%s is still served by process %" G_GINT64_FORMAT
                       ", which sends what was written before: try again later, or see `zohofs status`",
                       mount_point, pid);
          return false;
        }
      g_usleep (WAIT_PAUSE_US);
    }
  return true;
}

Journal *
journal_open (const char *state, const char *mount_point, GError **error)
{
  g_autoptr (Journal) journal = journal_alloc ();
  AUTO_FD int shared = -1;

  journal->state = journal_open_state (state, true);
  if (journal->state >= 0)
    journal->parent = journal_open_folder (journal->state, "journal", true);
  if (journal->parent >= 0)
    shared = file_open_at (journal->parent, "lock", O_RDWR | O_CREAT);
  if (shared < 0 || !journal_flock (shared, LOCK_EX, clock_now_us () + JOURNAL_LOCK_TIMEOUT_US))
    {
      journal_fail (error, errno, "The state folder %s cannot be used", state);
      return NULL;
    }
  return settle (journal, mount_point, error) ? g_steal_pointer (&journal) : NULL;
}

void
journal_free (Journal *journal)
{
  if (journal == NULL)
    return;
  g_ptr_array_unref (journal->unclear);
  leave_folders (journal);
  journal_log_free (journal->deletes_log);
  journal_log_free (journal->aliases_log);
  journal_deletes_clear (&journal->deletes);
  journal_aliases_clear (&journal->aliases);
  pthread_mutex_destroy (&journal->guard);
  g_ptr_array_unref (journal->held);
  file_close (&journal->parent);
  file_close (&journal->state);
  g_free (journal);
}

GPtrArray *
journal_take_unclear (Journal *journal)
{
  GPtrArray *taken;
  GPtrArray *none = g_ptr_array_new_with_free_func ((GDestroyNotify)draft_free);

  pthread_mutex_lock (&journal->guard);
  taken = journal->unclear;
  journal->unclear = none;
  pthread_mutex_unlock (&journal->guard);
  return taken;
}
