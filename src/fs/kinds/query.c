/* /queries/NAME.coql, and what editors put beside it: a file on this computer. Closing a query that was written asks
 * for its first rows, and fails when it is refused; the text stays. NodeKey.id is the inode on this computer. */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "base/file.h"
#include "base/lock.h"
#include "fs/kinds/queries.h"
#include "fs/query_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  uint64_t inode;
  int fd;
  bool writes;
  EditProcess opener;
  pthread_mutex_t lock; /* guards the next two */
  bool written;         /* since it was asked last */
  bool asking;
} OpenQuery;

static StoreState
query_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  struct stat about = { 0 };
  g_autofree char *name = query_files_name (ask->config->state, node->id, &about);

  *attr = (Attr){ .volatile_size = true, .has_stat = true };
  /* Removed, and open somewhere. */
  if (name == NULL)
    about = (struct stat){ 0 };
  attr->stat = (struct stat){
    .st_mode = S_IFREG | (ask->desks != NULL ? 0644 : 0444),
    .st_nlink = name != NULL ? 1 : 0,
    .st_uid = getuid (),
    .st_gid = getgid (),
    .st_size = about.st_size,
    .st_blocks = about.st_blocks,
    .st_atim = about.st_mtim,
    .st_mtim = about.st_mtim,
    .st_ctim = about.st_ctim,
  };
  return STORE_READY;
}

static StoreState
query_open (const Ask *ask, const NodeKey *node, int flags, void **state, GError **error)
{
  bool writes = (flags & O_ACCMODE) != O_RDONLY;
  OpenQuery *open;
  int fd;

  if (writes && ask->desks == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_READ_ONLY, "The mount is read-only.");
      return STORE_FAILED;
    }
  fd = query_files_open (ask->config->state, node->id, (writes ? O_RDWR : O_RDONLY) | (writes ? flags & O_TRUNC : 0), error);
  if (fd < 0)
    return STORE_FAILED;
  open = g_new0 (OpenQuery, 1);
  open->inode = node->id;
  open->fd = fd;
  open->writes = writes;
  open->opener = ask->who.process;
  open->written = writes && (flags & O_TRUNC) != 0;
  pthread_mutex_init (&open->lock, NULL);
  *state = open;
  return STORE_READY;
}

static void
query_release (void *state)
{
  OpenQuery *open = state;

  close (open->fd);
  pthread_mutex_destroy (&open->lock);
  g_free (open);
}

static StoreState
query_read (const Ask *ask, void *state, char *bytes, size_t size, uint64_t offset, size_t *got, GError **error)
{
  const OpenQuery *open = state;

  while (*got < size)
    {
      ssize_t part = pread (open->fd, bytes + *got, size - *got, (off_t)(offset + *got));

      if (part == 0)
        break;
      if (part < 0 && errno != EINTR)
        return query_files_fail (error, "The query cannot be read") ? STORE_READY : STORE_FAILED;
      *got += (size_t)MAX (part, 0);
    }
  return STORE_READY;
}

static bool
check_size (uint64_t size, GError **error)
{
  if (size <= QUERY_FILES_MAX)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE, "Files beside queries have at most %zu bytes", QUERY_FILES_MAX);
  return false;
}

static void
note_written (OpenQuery *open)
{
  LOCKED (&open->lock);

  open->written = true;
  open->asking = false;
}

/* What is written meanwhile is asked at the next close. */
static void
note_asked (OpenQuery *open)
{
  LOCKED (&open->lock);

  open->written = open->written && !open->asking;
  open->asking = false;
}

static StoreState
query_write (const Ask *ask, void *state, const char *bytes, size_t size, uint64_t offset, GError **error)
{
  OpenQuery *open = state;

  if (!check_size (offset, error) || !check_size (offset + size, error))
    return STORE_FAILED;
  for (size_t done = 0; done < size;)
    {
      ssize_t part = pwrite (open->fd, bytes + done, size - done, (off_t)(offset + done));

      if (part < 0 && errno != EINTR)
        return query_files_fail (error, "The query cannot be written") ? STORE_READY : STORE_FAILED;
      done += (size_t)MAX (part, 0);
    }
  note_written (open);
  return STORE_READY;
}

static StoreState
query_truncate (const Ask *ask, void *state, uint64_t size, GError **error)
{
  OpenQuery *open = state;

  if (!check_size (size, error))
    return STORE_FAILED;
  if (ftruncate (open->fd, (off_t)size) < 0)
    return query_files_fail (error, "The query cannot be cut") ? STORE_READY : STORE_FAILED;
  note_written (open);
  return STORE_READY;
}

static bool
is_blank (const OpenQuery *open)
{
  char text[4096];
  ssize_t got = pread (open->fd, text, sizeof text, 0);

  for (ssize_t i = 0; i < got; i++)
    if (!g_ascii_isspace (text[i]))
      return false;
  return got < (ssize_t)sizeof text;
}

/* Is there a query to be asked? @anew: it was written since it was asked last. */
static bool
takes_query (OpenQuery *open, const char *query, bool *anew)
{
  LOCKED (&open->lock);

  *anew = open->written && !open->asking;
  if (query == NULL || is_blank (open))
    open->written = false;
  open->asking = open->written;
  return open->written;
}

/* What several programs write one after the other is whole when the one that opened it closes it; or it is asked for
 * by a look. */
static bool
is_end (const Ask *ask, const OpenQuery *open)
{
  return open->opener.group == 0 || ask->who.process.group == 0 || who_same (open->opener, ask->who.process);
}

static StoreState
query_flush (const Ask *ask, void *state, GError **error)
{
  OpenQuery *open = state;
  struct stat about;
  g_autofree char *name = NULL;
  g_autofree char *query = NULL;
  bool asks, anew;
  StoreState done;

  if (!open->writes)
    return STORE_READY;
  if (fdatasync (open->fd) < 0)
    return query_files_fail (error, "The query cannot be kept") ? STORE_READY : STORE_FAILED;
  if (!is_end (ask, open))
    return STORE_READY;
  name = query_files_name (ask->config->state, open->inode, &about);
  query = name != NULL ? queries_query (name) : NULL;
  asks = takes_query (open, query, &anew);
  /* No lock is held: this rings who waits for the rows as they were. */
  if (anew && query != NULL)
    queries_forget (ask->store, query);
  if (!asks)
    return STORE_READY;
  done = queries_bring (ask, ask->who.uid, query, false, error);
  if (done != STORE_WAITING)
    note_asked (open);
  return done;
}

static const Stream query_stream = {
  .open = query_open,
  .read = query_read,
  .write = query_write,
  .truncate = query_truncate,
  .flush = query_flush,
  .release = query_release,
  .seekable = true,
};

const NodeKind query_kind = {
  .number = KIND_QUERY,
  .type = S_IFREG,
  .attr = query_attr,
  .stream = &query_stream,
};
