/* The parts of a mount that writes, each begun when what it needs is there, and ended before that goes. */
#include "app/writing.h"

#include "app/notify.h"
#include "app/settling.h"
#include "base/clock.h"
#include "base/error.h"
#include "fs/mountpoint.h"

#include <stdlib.h>
#include <sys/resource.h>

#define EARLIER_MAX_S 600
#define DESCRIPTORS_MAX ((rlim_t) 1 << 20)

struct Writing
{
  Reports *reports;
  Journal *journal;
  ScratchSpace *scratch;
  Store *store; /* borrowed */
  Saves *saves;
  Settling *settling;
};

/* A scratch file that was written to holds a descriptor, and so does a draft. */
static void
raise_descriptors (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
    return;
  limit.rlim_cur = MAX (limit.rlim_cur, MIN (limit.rlim_max, DESCRIPTORS_MAX));
  if (setrlimit (RLIMIT_NOFILE, &limit) < 0)
    g_info ("No more files can be opened at once than %ju.", (uintmax_t) limit.rlim_cur);
}

/* Whichever way it was written, it is one mount point to the journal. To g_free(). */
static char *
real_mountpoint (const char *mountpoint)
{
  char *found = realpath (mountpoint, NULL);
  char *copy = g_strdup (found != NULL ? found : mountpoint);

  free (found);
  return copy;
}

/* An unmounted daemon may still be sending. systemd is told, so that it does not lose patience before we do. */
static bool
wait_for_earlier (const Places *places, const char *mountpoint, GError **error)
{
  g_autofree char *words = NULL;

  if (journal_wait (places->state_dir, mountpoint, clock_now_us (), NULL))
    return true;
  g_warning ("The mount before this one at %s still sends what was written; waiting for it, at most %d minutes.",
             mountpoint, EARLIER_MAX_S / 60);
  words = g_strdup_printf ("STATUS=Waiting for the mount before this one, which still sends what was written.\n"
                           "EXTEND_TIMEOUT_USEC=%" G_GINT64_FORMAT, (EARLIER_MAX_S + 60) * CLOCK_SECOND_US);
  notify_send (words);
  if (!journal_wait (places->state_dir, mountpoint, clock_now_us () + EARLIER_MAX_S * CLOCK_SECOND_US, error))
    return false;
  notify_send ("STATUS=");
  return true;
}

static bool
open_places (Writing *writing, const Places *places, const char *mountpoint, GError **error)
{
  g_autofree char *folder = places_scratch (places);
  g_autofree char *real = NULL;
  ScratchConfig scratch = { .folder = folder, .cap = SCRATCH_CAP_DEFAULT };

  /* Before the wait, which would be in vain for a mount that lives on. */
  if (!mountpoint_check (mountpoint, error))
    return false;
  real = real_mountpoint (mountpoint);
  if (!wait_for_earlier (places, real, error))
    return false;
  if ((writing->journal = journal_open (places->state_dir, real, error)) == NULL)
    return false;
  writing->scratch = scratch_space_new (&scratch, error);
  return writing->scratch != NULL;
}

Writing *
writing_open (const Places *places, const char *mountpoint, Jsonl *errors, Jsonl *audit, GError **error)
{
  Writing *writing = g_new0 (Writing, 1);

  raise_descriptors ();
  writing->reports = reports_new (errors, audit);
  if (open_places (writing, places, mountpoint, error))
    return writing;
  writing_free (writing);
  return NULL;
}

FsWriting
writing_begin (Writing *writing, const Options *options, Store *store, Fs *fs)
{
  const SavesConfig config = {
    .store = store,
    .journal = writing->journal,
    .failed = reports_failed,
    .audit = reports_audit,
    .deleted = fs_deleted,
    .data = writing->reports,
    .delete_data = fs,
  };

  writing->store = store;
  writing->saves = saves_new (&config);
  return (FsWriting) {
    .saves = writing->saves,
    .journal = writing->journal,
    .scratch = writing->scratch,
    .dry_run = options->dry_run,
    .stale_overwrite = options->stale_overwrite,
    .max_deletes = options->max_deletes,
    .failed = reports_failed,
    .data = writing->reports,
  };
}

void
writing_settle (Writing *writing)
{
  writing->settling = settling_start (writing->store, writing->saves);
}

void
writing_stop (Writing *writing)
{
  if (writing != NULL)
    g_clear_pointer (&writing->settling, settling_end);
}

void
writing_end (Writing *writing)
{
  if (writing != NULL)
    g_clear_pointer (&writing->saves, saves_free);
}

void
writing_free (Writing *writing)
{
  if (writing == NULL)
    return;
  scratch_space_free (writing->scratch);
  journal_free (writing->journal);
  reports_free (writing->reports);
  g_free (writing);
}

Reports *
writing_reports (Writing *writing)
{
  return writing != NULL ? writing->reports : NULL;
}
