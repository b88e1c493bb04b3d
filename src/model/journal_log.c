/* A file of checksummed lines that grows, shared by processes, and the table that it amounts to.
 *
 * Who appends holds the file's flock, first reads what others have added, writes all lines that were queued meanwhile
 * with one write and one sync, and applies them to the table with the code that also reads the file. When most lines
 * are dead the file is replaced by one of those that live; the others see another inode and read it from its start. */
#include "model/journal_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 262144
#define DEAD_MIN 1024
/* A reader does not wait for long: what it would miss is being written just now, or by a process that was stopped. */
#define READ_TIMEOUT_US (2 * CLOCK_SECOND_US)

/* Lines that go out with one sync. */
typedef struct
{
  GString *text;
  unsigned waiting; /* callers that have yet to look at the outcome; guarded by the log's lock, as is the rest */
  bool finished;
  int failure; /* an errno, 0: none */
} Batch;

struct JournalLog
{
  int folder;
  char *name, *temporary;
  const JournalLogKind *kind;
  void *data;

  pthread_mutex_t io; /* guards fd and all work on the file; taken before the lock */
  int fd;             /* -1: not open */

  pthread_mutex_t lock; /* guards all below, and the data; never held across a sync */
  pthread_cond_t flushed;
  Batch *queued;  /* takes lines; NULL: none wait */
  bool flushing;  /* a batch is on its way */
  ino_t inode;    /* of the file that was read */
  int64_t end;    /* up to where */
  size_t lines;   /* in it */
  size_t damaged; /* of these, and cut ones */
};

/* Lock held. */
static void
take_line (JournalLog *log, const char *text, size_t size)
{
  g_autoptr (json_t) line = journal_line_read (text, size);

  log->lines++;
  if (line == NULL || !log->kind->apply (log->data, line))
    log->damaged++;
}

/* Takes the whole lines at the start of @buffer. Lock held. */
static void
take_lines (JournalLog *log, GString *buffer)
{
  size_t at = 0;
  const char *newline;

  while ((newline = memchr (buffer->str + at, '\n', buffer->len - at)) != NULL)
    {
      size_t size = (size_t)(newline - buffer->str) - at;

      take_line (log, buffer->str + at, size);
      at += size + 1;
    }
  if (buffer->len - at > JOURNAL_LINE_MAX) /* nothing of ours */
    {
      log->damaged++;
      at = buffer->len;
    }
  log->end += (int64_t)at;
  g_string_erase (buffer, 0, (gssize)at);
}

/* Reads from where it was left. io held. */
static bool
catch_up (JournalLog *log)
{
  g_autoptr (GString) buffer = g_string_sized_new (0);
  g_autofree char *chunk = g_malloc (CHUNK);
  int64_t at = log->end;
  ssize_t got;

  while ((got = pread (log->fd, chunk, CHUNK, (off_t)at)) != 0)
    {
      LOCKED (&log->lock);

      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return false;
      g_string_append_len (buffer, chunk, got);
      at += got;
      take_lines (log, buffer);
    }
  return true;
}

/* Once closed, another file may get its number. io held. */
static void
forget_file (JournalLog *log)
{
  LOCKED (&log->lock);

  file_close (&log->fd);
  log->fd = -1;
  log->inode = 0;
}

/* io held. */
static bool
start_file (JournalLog *log, const struct stat *about)
{
  LOCKED (&log->lock);

  if (log->inode == about->st_ino && about->st_size >= log->end)
    return true;
  log->kind->clear (log->data);
  log->inode = about->st_ino;
  log->end = 0;
  log->lines = log->damaged = 0;
  return true;
}

static bool
is_current (JournalLog *log, struct stat *about)
{
  struct stat named;

  return fstat (log->fd, about) == 0 && fstatat (log->folder, log->name, &named, AT_SYMLINK_NOFOLLOW) == 0
         && named.st_ino == about->st_ino && named.st_dev == about->st_dev;
}

/* Opens and locks the file that has the name now. io held. */
static bool
take_file (JournalLog *log, int how, int64_t deadline_us)
{
  struct stat about;

  do
    {
      if (log->fd < 0)
        log->fd = file_open_at (log->folder, log->name, O_RDWR | O_CREAT);
      if (log->fd < 0 || !journal_flock (log->fd, how, deadline_us))
        return false;
      if (is_current (log, &about))
        return start_file (log, &about);
      forget_file (log);
    }
  while (clock_now_us () < deadline_us);
  errno = ETIMEDOUT;
  return false;
}

/* A line that a crash cut. Nobody else writes while we hold the flock. io held. */
static bool
drop_tail (JournalLog *log)
{
  struct stat about;
  LOCKED (&log->lock);

  if (fstat (log->fd, &about) < 0)
    return false;
  if (about.st_size <= log->end)
    return true;
  log->damaged++;
  return ftruncate (log->fd, (off_t)log->end) == 0;
}

/* io held. */
static bool
write_batch (JournalLog *log, Batch *batch)
{
  int failure;

  if (journal_write_at (log->fd, batch->text->str, batch->text->len, log->end) && fdatasync (log->fd) == 0)
    {
      LOCKED (&log->lock);

      take_lines (log, batch->text);
      return true;
    }
  failure = errno;
  if (ftruncate (log->fd, (off_t)log->end) < 0)
    g_warning ("%s: a line that could not be written whole could not be taken back: %s", log->name, g_strerror (errno));
  errno = failure;
  return false;
}

/* The lines that live, when they are the lesser part. To free; NULL: it is not worth it. */
static GString *
living_lines (JournalLog *log, size_t *live)
{
  GString *text;
  LOCKED (&log->lock);

  *live = log->kind->live (log->data);
  if (log->lines < *live || log->lines - *live < MAX (*live, DEAD_MIN))
    return NULL;
  text = g_string_new (NULL);
  log->kind->dump (log->data, text);
  return text;
}

/* Only saves room: when it fails, the file stays as it is. io and the flock held. */
static void
compact (JournalLog *log)
{
  size_t live;
  GString *text = living_lines (log, &live);
  AUTO_FD int fd = -1;
  struct stat about;

  if (text == NULL)
    return;
  if (journal_replace (log->folder, log->temporary, log->folder, log->name, text, true))
    fd = file_open_at (log->folder, log->name, O_RDWR);
  if (fd >= 0 && fstat (fd, &about) == 0)
    {
      LOCKED (&log->lock);

      file_close (&log->fd);
      log->fd = fd;
      fd = -1;
      log->inode = about.st_ino;
      log->end = (int64_t)text->len;
      log->lines = live;
    }
  g_string_free (text, TRUE);
}

/* Returns: an errno, 0 when all is on the disk. */
static int
flush (JournalLog *log, Batch *batch)
{
  bool done;
  int failure;
  LOCKED (&log->io);

  done = take_file (log, LOCK_EX, clock_now_us () + JOURNAL_LOCK_TIMEOUT_US) && catch_up (log) && drop_tail (log)
         && write_batch (log, batch);
  failure = done ? 0 : errno;
  if (done)
    compact (log);
  if (log->fd >= 0)
    flock (log->fd, LOCK_UN);
  return failure;
}

static Batch *
batch_new (void)
{
  Batch *batch = g_new0 (Batch, 1);

  batch->text = g_string_new (NULL);
  return batch;
}

static void
batch_free (Batch *batch)
{
  g_string_free (batch->text, TRUE);
  g_free (batch);
}

/* Writes the queued batch, which is ours. Lock held; left meanwhile. */
static void
lead (JournalLog *log, Batch *batch)
{
  int failure;

  log->queued = NULL;
  log->flushing = true;
  pthread_mutex_unlock (&log->lock);
  failure = flush (log, batch);
  pthread_mutex_lock (&log->lock);
  log->flushing = false;
  batch->failure = failure;
  batch->finished = true;
  pthread_cond_broadcast (&log->flushed);
}

/* Lock held. */
static int
wait_for (JournalLog *log, Batch *batch)
{
  int failure;

  while (!batch->finished)
    if (log->flushing)
      pthread_cond_wait (&log->flushed, &log->lock);
    else
      lead (log, batch);
  failure = batch->failure;
  if (--batch->waiting == 0)
    batch_free (batch);
  return failure;
}

static int
append (JournalLog *log, json_t *const *lines, size_t count)
{
  LOCKED (&log->lock);

  if (log->queued == NULL)
    log->queued = batch_new ();
  for (size_t i = 0; i < count; i++)
    journal_line_write (lines[i], log->queued->text);
  log->queued->waiting++;
  return wait_for (log, log->queued);
}

static bool
has_changed (JournalLog *log)
{
  struct stat named;
  LOCKED (&log->lock);

  if (fstatat (log->folder, log->name, &named, AT_SYMLINK_NOFOLLOW) < 0)
    return log->lines > 0;
  return named.st_ino != log->inode || named.st_size != log->end;
}

static bool
load (JournalLog *log)
{
  bool done;
  LOCKED (&log->io);

  done = take_file (log, LOCK_EX, clock_now_us () + JOURNAL_LOCK_TIMEOUT_US) && catch_up (log) && drop_tail (log)
         && fsync (log->folder) == 0;
  if (log->fd >= 0)
    flock (log->fd, LOCK_UN);
  return done;
}

JournalLog *
journal_log_open (int folder, const char *name, const JournalLogKind *kind, void *data, GError **error)
{
  g_autoptr (JournalLog) log = g_new0 (JournalLog, 1);

  log->folder = folder;
  log->name = g_strdup (name);
  log->temporary = g_strconcat (name, ".tmp", NULL);
  log->kind = kind;
  log->data = data;
  log->fd = -1;
  pthread_mutex_init (&log->io, NULL);
  pthread_mutex_init (&log->lock, NULL);
  pthread_cond_init (&log->flushed, NULL);
  if (load (log))
    return g_steal_pointer (&log);
  journal_fail (error, errno, "The file %s in the state folder cannot be read", name);
  return NULL;
}

void
journal_log_free (JournalLog *log)
{
  if (log == NULL)
    return;
  file_close (&log->fd);
  pthread_mutex_destroy (&log->io);
  pthread_mutex_destroy (&log->lock);
  pthread_cond_destroy (&log->flushed);
  g_free (log->name);
  g_free (log->temporary);
  g_free (log);
}

pthread_mutex_t *
journal_log_lock (JournalLog *log)
{
  return &log->lock;
}

void
journal_log_refresh (JournalLog *log)
{
  struct stat about;

  if (!has_changed (log))
    return;
  {
    LOCKED (&log->io);

    /* Without the flock a line may be seen half written: it is left for the next time. */
    if (take_file (log, LOCK_SH, clock_now_us () + READ_TIMEOUT_US)
        || (log->fd >= 0 && is_current (log, &about) && start_file (log, &about)))
      catch_up (log);
    if (log->fd >= 0)
      flock (log->fd, LOCK_UN);
  }
}

bool
journal_log_append (JournalLog *log, json_t *const *lines, size_t count, const char *what, GError **error)
{
  int failure = count > 0 ? append (log, lines, count) : 0;

  if (failure != 0)
    journal_fail (error, failure, "%s", what);
  return failure == 0;
}

size_t
journal_log_damaged (JournalLog *log)
{
  LOCKED (&log->lock);

  return log->damaged;
}
