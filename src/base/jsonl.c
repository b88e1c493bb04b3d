/* A line is one write(2) with O_APPEND, so lines of several processes never mix. The file is opened for each line, so
 * that who comes after another's rotation writes to the new file. Rotating and taking back half a line need the flock;
 * who does not get it soon, because its holder was stopped, appends without it and leaves both to the next. */
#include "base/jsonl.h"

#include "base/file.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 5
#define PAUSE_US 1000

struct Jsonl
{
  char *path;
  int64_t cap;
  unsigned generations;
  pthread_mutex_t lock; /* one thread appends at a time; guards the next */
  bool broken;          /* the last line could not be written, and that was told */
};

static int
open_to_append (const char *path)
{
  g_autofree char *folder = NULL;
  int fd = file_open_at (AT_FDCWD, path, O_RDWR | O_APPEND | O_CREAT);

  if (fd >= 0 || errno != ENOENT)
    return fd;
  folder = g_path_get_dirname (path);
  if (g_mkdir_with_parents (folder, 0700) < 0)
    return -1;
  return file_open_at (AT_FDCWD, path, O_RDWR | O_APPEND | O_CREAT);
}

static bool
is_current (int fd, const char *path)
{
  struct stat opened, named;

  return fstat (fd, &opened) == 0 && lstat (path, &named) == 0 && opened.st_ino == named.st_ino
         && opened.st_dev == named.st_dev;
}

/* Opens the file of now, and sets @held when its lock was to be had; closing it drops the lock. */
static int
take (const char *path, bool *held)
{
  int fd = -1;

  for (int i = 0; i < TRIES; i++)
    {
      if (i > 0)
        {
          close (fd);
          g_usleep (PAUSE_US);
        }
      fd = open_to_append (path);
      if (fd < 0)
        return -1;
      *held = flock (fd, LOCK_EX | LOCK_NB) == 0 && is_current (fd, path);
      if (*held)
        return fd;
    }
  return fd;
}

/* A write that a crash or a full disk cut must not run into the next line. One that is just going on, in pages,
 * looks the same for a moment. */
static bool
ends_inside_line (int fd, struct stat *about)
{
  char last = '\n';

  for (int i = 0; i < TRIES; i++)
    {
      if (i > 0)
        g_usleep (PAUSE_US);
      if (fstat (fd, about) < 0 || about->st_size == 0 || pread (fd, &last, 1, about->st_size - 1) != 1 || last == '\n')
        return false;
    }
  return true;
}

static bool
write_line (int fd, bool held, GString *line)
{
  struct stat about;
  ssize_t done;
  int failure;

  if (fstat (fd, &about) < 0)
    return false;
  if (ends_inside_line (fd, &about))
    g_string_prepend_c (line, '\n');
  done = write (fd, line->str, line->len);
  if (done >= 0 && (size_t) done == line->len)
    return true;
  failure = done < 0 ? errno : ENOSPC;
  if (done > 0 && held && ftruncate (fd, about.st_size) < 0)
    failure = errno;
  errno = failure;
  return false;
}

static bool
is_full (const Jsonl *jsonl, int fd, size_t more)
{
  struct stat about;

  return fstat (fd, &about) == 0 && about.st_size > 0 && about.st_size + (int64_t) more > jsonl->cap;
}

/* To g_free(). */
static char *
generation (const Jsonl *jsonl, unsigned number)
{
  return number == 0 ? g_strdup (jsonl->path) : g_strdup_printf ("%s.%u", jsonl->path, number);
}

/* The oldest is replaced. One that is not there leaves a gap, which the next one fills. */
static bool
set_aside (const Jsonl *jsonl)
{
  for (unsigned number = jsonl->generations; number > 0; number--)
    {
      g_autofree char *from = generation (jsonl, number - 1);
      g_autofree char *to = generation (jsonl, number);

      if (rename (from, to) < 0 && (number == 1 || errno != ENOENT))
        return false;
    }
  return true;
}

/* May put a newline before @line. */
static bool
append_text (Jsonl *jsonl, GString *line)
{
  bool held = false;
  AUTO_FD int fd = take (jsonl->path, &held);

  if (fd < 0)
    return false;
  if (held && is_full (jsonl, fd, line->len))
    {
      if (!set_aside (jsonl))
        return false;
      close (fd);
      fd = take (jsonl->path, &held);
      if (fd < 0)
        return false;
    }
  return write_line (fd, held, line);
}

/* Lock held. */
static void
tell (Jsonl *jsonl, bool written, int failure)
{
  if (written && jsonl->broken)
    g_message ("%s is written again.", jsonl->path);
  if (!written && !jsonl->broken)
    g_warning ("%s: %s. Its lines are lost until that is mended.", jsonl->path, g_strerror (failure));
  jsonl->broken = !written;
}

/* The line with its newline. */
static GString *
line_of (const json_t *value)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *valid = NULL;
  GString *line;

  json_write_compact (value, text);
  valid = g_utf8_make_valid (text->str, (gssize) text->len);
  line = g_string_new (valid);
  g_string_append_c (line, '\n');
  return line;
}

Jsonl *
jsonl_new (const char *path, int64_t cap)
{
  Jsonl *jsonl = g_new0 (Jsonl, 1);

  jsonl->path = g_strdup (path);
  jsonl->cap = cap;
  jsonl->generations = 1;
  pthread_mutex_init (&jsonl->lock, NULL);
  return jsonl;
}

void
jsonl_keep (Jsonl *jsonl, unsigned generations)
{
  jsonl->generations = CLAMP (generations, 1, JSONL_GENERATIONS_MAX);
}

void
jsonl_free (Jsonl *jsonl)
{
  if (jsonl == NULL)
    return;
  pthread_mutex_destroy (&jsonl->lock);
  g_free (jsonl->path);
  g_free (jsonl);
}

bool
jsonl_append (Jsonl *jsonl, const json_t *line)
{
  g_autoptr (GString) text = line_of (line);
  bool written = false;
  int failure = EFBIG;
  LOCKED (&jsonl->lock);

  if ((int64_t) text->len <= jsonl->cap)
    {
      written = append_text (jsonl, text);
      failure = errno;
    }
  tell (jsonl, written, failure);
  return written;
}

int64_t
jsonl_size (Jsonl *jsonl, int64_t *mtime_s)
{
  struct stat about;

  if (lstat (jsonl->path, &about) < 0 || !S_ISREG (about.st_mode))
    return 0;
  *mtime_s = about.st_mtim.tv_sec;
  return about.st_size;
}

GBytes *
jsonl_read (Jsonl *jsonl, uint64_t offset, size_t size)
{
  AUTO_FD int fd = file_open_at (AT_FDCWD, jsonl->path, O_RDONLY);
  int64_t end = 0;
  struct stat about;
  g_autofree char *buffer = NULL;
  ssize_t got;

  if (fd >= 0 && fstat (fd, &about) == 0)
    end = about.st_size;
  if (end < 0 || offset >= (uint64_t) end)
    return g_bytes_new_static ("", 0);
  size = MIN (size, (uint64_t) end - offset);
  buffer = g_malloc (size);
  got = pread (fd, buffer, size, (off_t) offset);
  if (got <= 0)
    return g_bytes_new_static ("", 0);
  return g_bytes_new_take (g_steal_pointer (&buffer), (size_t) got);
}
