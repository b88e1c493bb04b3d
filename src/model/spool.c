/* Files on the local disk, in the state folder: those that are being attached, each in a folder of uploads/ whose
 * name says whose it is, and locked by who has it; and those without a name for what is read.
 *
 * A file whose lock is free was left by a crash. Making one holds the lock of uploads/ shared, looking for left ones
 * holds it alone, so that no file is taken for a left one before it is locked. */
#include "model/attachments_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define UPLOADS "uploads"

static int
open_uploads (const char *state, bool make)
{
  AUTO_FD int folder = journal_open_state (state, make);

  return folder >= 0 ? journal_open_folder (folder, UPLOADS, make) : -1;
}

static int
open_place (const Attachments *all, const char *place)
{
  AUTO_FD int uploads = open_uploads (all->config.state, false);

  return uploads >= 0 ? journal_open_folder (uploads, place, false) : -1;
}

static int
open_file (int folder, const char *name)
{
  int fd = openat (folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (fd >= 0)
    close (fd);
  return -1;
}

bool
spool_open (const Attachments *all, const AttachmentFolder *folder, uint64_t number, const char *name, Spool *spool)
{
  AUTO_FD int uploads = open_uploads (all->config.state, true);
  g_autofree char *place = g_strdup_printf ("%s.%" G_GUINT64_FORMAT ".%ld.%" G_GUINT64_FORMAT ".%" G_GINT64_FORMAT,
                                            folder->module->name, folder->record, (long)getpid (), number,
                                            clock_now_us ());
  AUTO_FD int within = -1;

  *spool = (Spool){ .fd = -1 };
  if (uploads < 0 || !journal_flock (uploads, LOCK_SH, clock_now_us () + JOURNAL_LOCK_TIMEOUT_US))
    return false;
  within = journal_open_folder (uploads, place, true);
  if (within >= 0)
    spool->fd = open_file (within, name);
  if (spool->fd < 0)
    return false;
  spool->place = g_steal_pointer (&place);
  return true;
}

bool
spool_rename (const Attachments *all, const Spool *spool, const char *name, const char *new_name)
{
  AUTO_FD int within = spool->place != NULL ? open_place (all, spool->place) : -1;

  return within >= 0 && renameat (within, name, within, new_name) == 0;
}

static void
remove_place (const Attachments *all, const char *place)
{
  AUTO_FD int uploads = open_uploads (all->config.state, false);

  if (uploads >= 0)
    unlinkat (uploads, place, AT_REMOVEDIR);
}

void
spool_remove (const Attachments *all, Spool *spool, const char *name)
{
  AUTO_FD int within = spool->place != NULL ? open_place (all, spool->place) : -1;

  if (within < 0)
    return;
  unlinkat (within, name, 0);
  remove_place (all, spool->place);
  g_clear_pointer (&spool->place, g_free);
}

void
spool_close (Spool *spool)
{
  if (spool->fd >= 0)
    close (spool->fd);
  spool->fd = -1;
  g_clear_pointer (&spool->place, g_free);
}

static DraftInfo *
info_of (const char *module, uint64_t record, const char *name, const Doer *doer, const GError *failure)
{
  DraftInfo *info = g_new0 (DraftInfo, 1);
  DraftReason reason;

  info->module = g_strdup (module);
  info->name = g_strdup (name);
  info->program = g_strdup (doer->program);
  info->pid = doer->pid;
  info->id = record;
  info->time_s = clock_wall_s ();
  info->versions = g_array_new (FALSE, FALSE, sizeof (DraftVersion));
  attachments_reason (failure, &reason);
  journal_meta_refuse (info, &reason);
  return info;
}

static bool
set_aside (const Attachments *all, int within, const char *module, uint64_t record, const char *name, const Doer *doer,
           const GError *failure)
{
  AUTO_FD int state = journal_open_state (all->config.state, true);
  g_autoptr (DraftInfo) info = info_of (module, record, name, doer, failure);
  g_autoptr (GError) why = NULL;

  if (state >= 0 && journal_aside (state, within, name, info, &why))
    return true;
  g_warning ("%s, which was not attached, stays in %s/%s: %s", name, all->config.state, UPLOADS,
             why != NULL ? why->message : g_strerror (errno));
  return false;
}

bool
spool_aside (const Attachments *all, const AttachmentFolder *folder, Spool *spool, const char *name, const Doer *doer,
             const GError *failure)
{
  AUTO_FD int within = spool->place != NULL ? open_place (all, spool->place) : -1;

  if (within < 0 || !set_aside (all, within, folder->module->name, folder->record, name, doer, failure))
    return false;
  remove_place (all, spool->place);
  g_clear_pointer (&spool->place, g_free);
  return true;
}

/* ---- what was left ----------------------------------------------------------------------------------------------- */

/* "<Module>.<record>.<...>" */
static bool
read_place (const char *place, char **module, uint64_t *record)
{
  g_auto (GStrv) parts = g_strsplit (place, ".", -1);

  if (g_strv_length (parts) < 3 || !journal_is_name (parts[0], true) || !names_parse_id (parts[1], record))
    return false;
  *module = g_strdup (parts[0]);
  return true;
}

/* The only file of @within, if nobody has it. -1: nothing to take. */
static int
lock_left (int within, const char *name)
{
  int fd = openat (within, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (fd >= 0)
    close (fd);
  return -1;
}

static void
adopt_file (const Attachments *all, int within, const char *module, uint64_t record, const char *name,
            void (*found) (const Attachments *all, const char *module, uint64_t record, const char *name))
{
  AUTO_FD int fd = lock_left (within, name);
  g_autoptr (GError) failure
      = g_error_new (ZOHO_ERROR, ZOHO_ERROR_UNCLEAR, "The mount ended before the file was attached");
  const Doer nobody = { 0 };
  struct stat about;

  if (fd < 0 || fstat (fd, &about) < 0 || !S_ISREG (about.st_mode))
    return;
  if (about.st_size == 0)
    unlinkat (within, name, 0);
  else if (journal_is_name (name, false) && set_aside (all, within, module, record, name, &nobody, failure))
    found (all, module, record, name);
}

void
spool_adopt (const Attachments *all, void (*found) (const Attachments *all, const char *module, uint64_t record,
                                                    const char *name))
{
  AUTO_FD int uploads = open_uploads (all->config.state, false);
  g_autoptr (GPtrArray) places = NULL;

  if (uploads < 0 || !journal_flock (uploads, LOCK_EX, clock_now_us () + JOURNAL_LOCK_TIMEOUT_US))
    return;
  places = journal_names (uploads);
  for (guint i = 0; places != NULL && i < places->len; i++)
    {
      AUTO_FD int within = journal_open_folder (uploads, places->pdata[i], false);
      g_autoptr (GPtrArray) names = within >= 0 ? journal_names (within) : NULL;
      g_autofree char *module = NULL;
      uint64_t record;

      if (names == NULL || !read_place (places->pdata[i], &module, &record))
        continue;
      for (guint j = 0; j < names->len; j++)
        adopt_file (all, within, module, record, names->pdata[j], found);
      unlinkat (uploads, places->pdata[i], AT_REMOVEDIR);
    }
}

int
spool_nameless (const char *state)
{
  AUTO_FD int folder = journal_open_state (state, true);
  g_autofree char *path = NULL;
  int fd = folder >= 0 ? openat (folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;

  if (fd >= 0 || folder < 0)
    return fd;
  /* Not all file systems can make a file without a name. */
  path = g_build_filename (state, "download-XXXXXX", NULL);
  fd = mkostemp (path, O_CLOEXEC);
  if (fd >= 0)
    unlink (path);
  return fd;
}
