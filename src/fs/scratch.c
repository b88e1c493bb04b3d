/* What scratch files hold, in unlinked files of the local disk, so that the kernel takes the bytes back however the
 * mount ends.
 *
 * The cap is on blocks of the disk, not on sizes: a hole costs nothing. Before a write the most it can take is booked,
 * and corrected afterwards by what the disk says; a write that would not fit by that is looked at more closely, since
 * what overwrites blocks takes none. */
#include "fs/scratch.h"

#include "base/error.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK INT64_C (4096)
#define SECTOR 512      /* the unit of st_blocks */
#define PREFIX "scratch-"
#define NAME_TRIES 100
#define DAY_S 86400

struct ScratchSpace
{
  int folder;
  int64_t cap;
  bool named;
  atomic_llong used;  /* bytes on the disk, with what is booked */
  atomic_llong count; /* of Scratch */
  atomic_ullong last; /* number given */
};

struct Scratch
{
  ScratchSpace *space;
  uint64_t number;
  char *target; /* of a symlink; NULL: a file */
  atomic_uint refs;
  pthread_mutex_t lock; /* guards all below; held across writes to the disk */
  int fd;               /* -1 until there is something to hold */
  ScratchAttr attr;
};

static void
fail (GError **error, int number, const char *what)
{
  switch (number)
    {
    case ENOSPC:
    case EDQUOT:
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE,
                   "%s: the disk of the state folder is full. Make room there.", what);
      return;
    case EMFILE:
    case ENFILE:
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE,
                   "%s: there are as many as this process may hold. Remove some.", what);
      return;
    case EFBIG:
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE, "%s: it would be larger than such a file may be.", what);
      return;
    default:
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "%s: %s", what, g_strerror (number));
      return;
    }
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

static int
open_folder (const char *path)
{
  int fd;

  if (g_mkdir_with_parents (path, 0700) < 0)
    return -1;
  fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && fchmod (fd, 0700) < 0)
    {
      int number = errno;

      close (fd);
      errno = number;
      return -1;
    }
  return fd;
}

/* Another mount may just have made one of these and not have unlinked it yet, and does not mind. */
static void
remove_left (const ScratchSpace *space, const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, PREFIX))
      unlinkat (space->folder, name, 0);
}

static int
make_named (const ScratchSpace *space)
{
  for (int i = 0; i < NAME_TRIES; i++)
    {
      char name[sizeof PREFIX + 16];
      int fd;

      snprintf (name, sizeof name, PREFIX "%08x%08x", g_random_int (), g_random_int ());
      fd = openat (space->folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      if (fd >= 0)
        unlinkat (space->folder, name, 0);
      if (fd >= 0 || errno != EEXIST)
        return fd;
    }
  return -1;
}

static int
make_file (const ScratchSpace *space)
{
  int fd = -1;

  if (!space->named)
    fd = openat (space->folder, ".", O_RDWR | O_TMPFILE | O_EXCL | O_CLOEXEC, 0600);
  /* The errnos of file systems and kernels that do not know how. */
  if (space->named || (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL)))
    fd = make_named (space);
  return fd;
}

/* ---- times and rights, all with the lock held -------------------------------------------------------------------- */

/* Finer than base/clock.h: editors and make tell versions apart by the nanoseconds. */
static struct timespec
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_REALTIME, &time);
  return time;
}

static bool
is_before (const struct timespec *a, const struct timespec *b)
{
  return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* As "relatime" does: just enough to tell whether it was read since it was written. */
static void
note_read (ScratchAttr *attr)
{
  struct timespec time = now ();

  if (!is_before (&attr->mtime, &attr->atime) || !is_before (&attr->ctime, &attr->atime)
      || time.tv_sec - attr->atime.tv_sec >= DAY_S)
    attr->atime = time;
}

static void
note_written (ScratchAttr *attr)
{
  attr->mtime = now ();
  attr->ctime = attr->mtime;
}

/* S_ISGID without S_IXGRP is no right, but a mark. */
static void
drop_rights (ScratchAttr *attr)
{
  attr->mode &= ~(mode_t)S_ISUID;
  if ((attr->mode & S_IXGRP) != 0)
    attr->mode &= ~(mode_t)S_ISGID;
}

static bool
is_in_group (const ScratchCaller *caller, gid_t gid)
{
  if (caller->gid == gid)
    return true;
  for (size_t i = 0; i < caller->group_count; i++)
    if (caller->groups[i] == gid)
      return true;
  return false;
}

static bool
may (const ScratchAttr *attr, const ScratchCaller *caller, int mask)
{
  mode_t bits = attr->mode & 07;

  if (S_ISLNK (attr->mode))
    return true;
  if (caller->uid == 0)
    return (mask & X_OK) == 0 || (attr->mode & 0111) != 0;
  if (caller->uid == attr->uid)
    bits = (attr->mode >> 6) & 07;
  else if (is_in_group (caller, attr->gid))
    bits = (attr->mode >> 3) & 07;
  /* R_OK, W_OK and X_OK are the bits of a mode. */
  return ((mode_t)mask & ~bits & 07) == 0;
}

static bool
refuse_owner (GError **error)
{
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FORBIDDEN, "Only its owner may do that to a file.");
  return false;
}

static bool
may_chown (const ScratchAttr *attr, const ScratchCaller *caller, const ScratchChange *change)
{
  bool owner = caller->uid == attr->uid;

  if (caller->uid == 0)
    return true;
  if ((change->set & SCRATCH_SET_UID) != 0 && (!owner || change->uid != attr->uid))
    return false;
  if ((change->set & SCRATCH_SET_GID) == 0)
    return true;
  return owner && (change->gid == attr->gid || is_in_group (caller, change->gid));
}

/* Who may write may say that it was changed now; any other time is the owner's to set. */
static bool
check_times (const ScratchAttr *attr, const ScratchCaller *caller, unsigned set, GError **error)
{
  const unsigned both_now = SCRATCH_SET_ATIME_NOW | SCRATCH_SET_MTIME_NOW;

  if ((set & (SCRATCH_SET_ATIME | SCRATCH_SET_MTIME | both_now)) == 0)
    return true;
  if (caller->uid == 0 || caller->uid == attr->uid)
    return true;
  if ((set & (SCRATCH_SET_ATIME | SCRATCH_SET_MTIME)) != 0)
    return refuse_owner (error);
  if ((set & SCRATCH_SET_SIZE) != 0)
    return true; /* a truncation's own */
  if ((set & both_now) != both_now)
    return refuse_owner (error);
  if (may (attr, caller, W_OK))
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED, "Its mode does not let you write to the file.");
  return false;
}

static bool
check_size (const Scratch *scratch, const ScratchCaller *caller, const ScratchChange *change, GError **error)
{
  if ((change->set & SCRATCH_SET_SIZE) == 0)
    return true;
  if (scratch->target != NULL || change->size < 0)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "It cannot have such a size.");
      return false;
    }
  if (!change->opened && !may (&scratch->attr, caller, W_OK))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DENIED, "Its mode does not let you write to the file.");
      return false;
    }
  if (change->size <= SCRATCH_SIZE_MAX)
    return true;
  fail (error, EFBIG, "A scratch file cannot be extended");
  return false;
}

static bool
check_change (const Scratch *scratch, const ScratchCaller *caller, const ScratchChange *change, GError **error)
{
  const ScratchAttr *attr = &scratch->attr;
  bool owner = caller->uid == 0 || caller->uid == attr->uid;

  if ((change->set & SCRATCH_SET_MODE) != 0 && !owner)
    return refuse_owner (error);
  if (!may_chown (attr, caller, change))
    return refuse_owner (error);
  return check_times (attr, caller, change->set, error) && check_size (scratch, caller, change, error);
}

/* ---- the bytes, all with the lock held --------------------------------------------------------------------------- */

static bool
need_fd (Scratch *scratch, GError **error)
{
  if (scratch->fd < 0)
    scratch->fd = make_file (scratch->space);
  if (scratch->fd >= 0)
    return true;
  fail (error, errno, "A scratch file cannot be made");
  return false;
}

/* The bytes that the disk would take for a write there: its holes. */
static int64_t
holes_in (int fd, int64_t offset, int64_t end)
{
  int64_t missing = 0;

  for (int64_t at = offset; at < end;)
    {
      int64_t data = lseek (fd, at, SEEK_DATA);
      int64_t hole = data >= 0 && data < end ? lseek (fd, data, SEEK_HOLE) : -1;

      if (hole <= at)
        return missing + end - at;
      missing += data - at;
      at = hole;
    }
  return missing;
}

/* Books what the write may take at most. Returns: that, or -1 when it does not fit. */
static int64_t
book (Scratch *scratch, int64_t offset, int64_t size)
{
  ScratchSpace *space = scratch->space;
  int64_t start = offset / BLOCK * BLOCK;
  int64_t end = (offset + size + BLOCK - 1) / BLOCK * BLOCK;
  int64_t most = end - start;

  if (atomic_fetch_add (&space->used, most) + most <= space->cap)
    return most;
  atomic_fetch_sub (&space->used, most);
  /* A hole ends where its block does, but the end of the file is one inside a block that is there. */
  most = holes_in (scratch->fd, start, end);
  if (scratch->attr.size < end && scratch->attr.size > start)
    most -= MIN (most, (BLOCK - scratch->attr.size % BLOCK) % BLOCK);
  if (most == 0 || atomic_fetch_add (&space->used, most) + most <= space->cap)
    return most;
  atomic_fetch_sub (&space->used, most);
  return -1;
}

/* What the disk says now, instead of what it said last and what was booked since. */
static void
settle (Scratch *scratch, int64_t booked)
{
  ScratchAttr *attr = &scratch->attr;
  struct stat about;
  int64_t before = attr->blocks;

  if (fstat (scratch->fd, &about) == 0)
    {
      attr->blocks = about.st_blocks;
      attr->size = about.st_size;
    }
  atomic_fetch_add (&scratch->space->used, (attr->blocks - before) * SECTOR - booked);
}

static ssize_t
write_out (int fd, const char *data, size_t size, int64_t offset)
{
  size_t done = 0;

  while (done < size)
    {
      ssize_t part = pwrite (fd, data + done, size - done, offset + (int64_t)done);

      if (part < 0 && errno == EINTR)
        continue;
      if (part <= 0)
        return done > 0 ? (ssize_t)done : -1;
      done += (size_t)part;
    }
  return (ssize_t)done;
}

static ssize_t
read_in (int fd, char *data, size_t size, int64_t offset)
{
  size_t done = 0;

  while (done < size)
    {
      ssize_t part = pread (fd, data + done, size - done, offset + (int64_t)done);

      if (part < 0 && errno == EINTR)
        continue;
      if (part < 0 && done == 0)
        return -1;
      if (part <= 0)
        break;
      done += (size_t)part;
    }
  return (ssize_t)done;
}

/* Returns: as scratch_write(). */
static ssize_t
put (Scratch *scratch, const void *data, size_t size, int64_t offset, GError **error)
{
  int64_t booked;
  ssize_t done;

  if (!need_fd (scratch, error))
    return -1;
  booked = book (scratch, offset, (int64_t)size);
  if (booked < 0)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE,
                   "The temporary files of this mount have all the room they may have (%" G_GINT64_FORMAT
                   " MiB). Remove some.", scratch->space->cap >> 20);
      return -1;
    }
  done = write_out (scratch->fd, data, size, offset);
  if (done < 0)
    fail (error, errno, "A scratch file cannot be written");
  settle (scratch, booked);
  return done;
}

static bool
resize (Scratch *scratch, int64_t size, GError **error)
{
  int result;

  if (size == scratch->attr.size)
    return true;
  if (!need_fd (scratch, error))
    return false;
  do
    result = ftruncate (scratch->fd, size);
  while (result < 0 && errno == EINTR);
  if (result < 0)
    fail (error, errno, "A scratch file cannot be resized");
  settle (scratch, 0);
  return result == 0;
}

/* @other is nobody else's. */
static void
swap_bytes (Scratch *scratch, Scratch *other)
{
  int fd = scratch->fd;
  int64_t size = scratch->attr.size, blocks = scratch->attr.blocks;

  scratch->fd = other->fd;
  scratch->attr.size = other->attr.size;
  scratch->attr.blocks = other->attr.blocks;
  other->fd = fd;
  other->attr.size = size;
  other->attr.blocks = blocks;
}

static void
apply_times (ScratchAttr *attr, const ScratchChange *change)
{
  unsigned set = change->set;

  if ((set & SCRATCH_SET_ATIME_NOW) != 0)
    attr->atime = attr->ctime;
  else if ((set & SCRATCH_SET_ATIME) != 0)
    attr->atime = change->atime;
  if ((set & SCRATCH_SET_MTIME_NOW) != 0)
    attr->mtime = attr->ctime;
  else if ((set & SCRATCH_SET_MTIME) != 0)
    attr->mtime = change->mtime;
}

static void
apply (ScratchAttr *attr, const ScratchCaller *caller, const ScratchChange *change)
{
  unsigned set = change->set;

  attr->ctime = now ();
  if ((set & SCRATCH_SET_SIZE) != 0)
    attr->mtime = attr->ctime;
  if ((set & SCRATCH_SET_UID) != 0)
    attr->uid = change->uid;
  if ((set & SCRATCH_SET_GID) != 0)
    attr->gid = change->gid;
  if ((set & (SCRATCH_SET_UID | SCRATCH_SET_GID)) != 0 || ((set & SCRATCH_SET_SIZE) != 0 && caller->uid != 0))
    drop_rights (attr);
  if ((set & SCRATCH_SET_MODE) != 0 && !S_ISLNK (attr->mode))
    {
      attr->mode = (attr->mode & S_IFMT) | (change->mode & 07777);
      if (caller->uid != 0 && !is_in_group (caller, attr->gid))
        attr->mode &= ~(mode_t)S_ISGID;
    }
  apply_times (attr, change);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static Scratch *
make (ScratchSpace *space, mode_t mode, const ScratchCaller *owner, GError **error)
{
  Scratch *scratch;

  if (atomic_fetch_add (&space->count, 1) >= SCRATCH_COUNT_MAX)
    {
      atomic_fetch_sub (&space->count, 1);
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE,
                   "This mount has %d temporary files, and no room for more. Remove some.", SCRATCH_COUNT_MAX);
      return NULL;
    }
  scratch = g_new0 (Scratch, 1);
  scratch->space = space;
  scratch->number = atomic_fetch_add (&space->last, 1) + 1;
  atomic_init (&scratch->refs, 1);
  pthread_mutex_init (&scratch->lock, NULL);
  scratch->fd = -1;
  scratch->attr = (ScratchAttr){ .mode = mode, .uid = owner->uid, .gid = owner->gid, .links = 1, .atime = now () };
  scratch->attr.mtime = scratch->attr.ctime = scratch->attr.atime;
  return scratch;
}

ScratchSpace *
scratch_space_new (const ScratchConfig *config, GError **error)
{
  int folder = open_folder (config->folder);
  ScratchSpace *space;

  if (folder < 0)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The folder %s for temporary files cannot be used: %s",
                   config->folder, g_strerror (errno));
      return NULL;
    }
  space = g_new0 (ScratchSpace, 1);
  space->folder = folder;
  space->cap = config->cap;
  space->named = config->named;
  remove_left (space, config->folder);
  return space;
}

void
scratch_space_free (ScratchSpace *space)
{
  if (space == NULL)
    return;
  close (space->folder);
  g_free (space);
}

int64_t
scratch_space_used (ScratchSpace *space)
{
  return atomic_load (&space->used);
}

Scratch *
scratch_new_file (ScratchSpace *space, mode_t mode, const ScratchCaller *owner, GError **error)
{
  return make (space, S_IFREG | (mode & 07777), owner, error);
}

Scratch *
scratch_new_link (ScratchSpace *space, const char *target, const ScratchCaller *owner, GError **error)
{
  size_t size = strnlen (target, SCRATCH_TARGET_MAX + 1);
  Scratch *scratch;

  if (size == 0 || size > SCRATCH_TARGET_MAX)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "A symlink cannot have such a target.");
      return NULL;
    }
  scratch = make (space, S_IFLNK | 0777, owner, error);
  if (scratch == NULL)
    return NULL;
  scratch->target = g_strdup (target);
  scratch->attr.size = (int64_t)size;
  return scratch;
}

Scratch *
scratch_ref (Scratch *scratch)
{
  atomic_fetch_add (&scratch->refs, 1);
  return scratch;
}

void
scratch_unref (Scratch *scratch)
{
  if (scratch == NULL || atomic_fetch_sub (&scratch->refs, 1) > 1)
    return;
  if (scratch->fd >= 0)
    close (scratch->fd);
  atomic_fetch_sub (&scratch->space->used, scratch->attr.blocks * SECTOR);
  atomic_fetch_sub (&scratch->space->count, 1);
  pthread_mutex_destroy (&scratch->lock);
  g_free (scratch->target);
  g_free (scratch);
}

uint64_t
scratch_number (const Scratch *scratch)
{
  return scratch->number;
}

const char *
scratch_target (const Scratch *scratch)
{
  return scratch->target;
}

void
scratch_links (Scratch *scratch, int change)
{
  LOCKED (&scratch->lock);

  if (change >= 0)
    scratch->attr.links += (unsigned)change;
  else
    scratch->attr.links -= MIN (scratch->attr.links, (unsigned)-change);
  scratch->attr.ctime = now ();
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

void
scratch_attr (Scratch *scratch, ScratchAttr *attr)
{
  LOCKED (&scratch->lock);

  *attr = scratch->attr;
}

bool
scratch_may (Scratch *scratch, const ScratchCaller *caller, int mask)
{
  LOCKED (&scratch->lock);

  return may (&scratch->attr, caller, mask);
}

bool
scratch_change (Scratch *scratch, const ScratchCaller *caller, const ScratchChange *change, GError **error)
{
  LOCKED (&scratch->lock);

  if (!check_change (scratch, caller, change, error))
    return false;
  if ((change->set & SCRATCH_SET_SIZE) != 0 && !resize (scratch, change->size, error))
    return false;
  if (change->set != 0)
    apply (&scratch->attr, caller, change);
  return true;
}

static bool
check_place (const Scratch *scratch, int64_t offset, GError **error)
{
  if (scratch->target == NULL && offset >= 0)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "There is no such place in a file.");
  return false;
}

ssize_t
scratch_read (Scratch *scratch, void *data, size_t size, int64_t offset, GError **error)
{
  ssize_t got;
  LOCKED (&scratch->lock);

  if (!check_place (scratch, offset, error))
    return -1;
  if (size > 0)
    note_read (&scratch->attr);
  if (offset >= scratch->attr.size)
    return 0;
  got = read_in (scratch->fd, data, MIN (size, (size_t)(scratch->attr.size - offset)), offset);
  if (got < 0)
    fail (error, errno, "A scratch file cannot be read");
  return got;
}

ssize_t
scratch_write (Scratch *scratch, const ScratchCaller *caller, const void *data, size_t size, int64_t offset,
               GError **error)
{
  ssize_t done;
  LOCKED (&scratch->lock);

  if (!check_place (scratch, offset, error))
    return -1;
  if (size == 0)
    return 0;
  if (offset >= SCRATCH_SIZE_MAX)
    {
      fail (error, EFBIG, "A scratch file cannot be extended");
      return -1;
    }
  done = put (scratch, data, (size_t)MIN ((uint64_t)size, (uint64_t)(SCRATCH_SIZE_MAX - offset)), offset, error);
  if (done < 0)
    return -1;
  note_written (&scratch->attr);
  if (caller->uid != 0)
    drop_rights (&scratch->attr);
  return done;
}

/* Into a file of its own first, so that trouble costs nothing. */
bool
scratch_set_text (Scratch *scratch, GBytes *text, GError **error)
{
  const ScratchCaller nobody = { 0 };
  g_autoptr (Scratch) other = NULL;
  gsize size;
  const void *data = g_bytes_get_data (text, &size);

  if (!check_place (scratch, 0, error) || (other = scratch_new_file (scratch->space, 0, &nobody, error)) == NULL)
    return false;
  if (size > 0)
    {
      ssize_t done = scratch_write (other, &nobody, data, size, 0, error);

      if (done >= 0 && (size_t)done < size)
        fail (error, ENOSPC, "A scratch file cannot be written");
      if (done < 0 || (size_t)done < size)
        return false;
    }
  LOCKED (&scratch->lock);
  swap_bytes (scratch, other);
  note_written (&scratch->attr);
  return true;
}

GBytes *
scratch_text (Scratch *scratch, size_t max, GError **error)
{
  g_autofree char *text = NULL;
  ssize_t got = 0;
  size_t size;
  LOCKED (&scratch->lock);

  if (!check_place (scratch, 0, error))
    return NULL;
  if ((uint64_t)scratch->attr.size > max)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE,
                   "The file has %" G_GINT64_FORMAT " bytes; a record's text has at most %" G_GSIZE_FORMAT ".",
                   scratch->attr.size, max);
      return NULL;
    }
  size = (size_t)scratch->attr.size;
  text = size > 0 ? g_try_malloc (size) : NULL;
  if (size > 0 && text != NULL)
    got = read_in (scratch->fd, text, size, 0);
  if ((size > 0 && text == NULL) || got < 0 || (size_t)got < size)
    {
      fail (error, size > 0 && text == NULL ? ENOMEM : EIO, "A scratch file cannot be read");
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&text), size);
}
