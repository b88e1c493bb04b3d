/* What scratch files hold: the temporary, swap, backup and lock files of editors, which live here alone and are gone
 * when the mount is. Contents and attributes without names: a directory's entry is a reference and a link, an open
 * handle is a reference, and the last one to go takes the bytes with it, which lie in a file that has no name.
 *
 * A file has the semantics of POSIX as far as a file system must see to them itself: holes, truncation both ways,
 * times, set-user-ID bits, who may do what. Names, FUSE and the kernel's caches are the caller's. Any thread; each call
 * may wait for the local disk, none for the network. A file that was written to holds a descriptor.
 *
 * Errors: ZOHO_ERROR_NO_SPACE for a full disk or a space that is full, ZOHO_ERROR_TOO_LARGE past SCRATCH_SIZE_MAX,
 * ZOHO_ERROR_FORBIDDEN (EPERM) and ZOHO_ERROR_DENIED (EACCES) as POSIX has them, ZOHO_ERROR_INVALID for arguments that
 * cannot be, ZOHO_ERROR_FAILED for other trouble of the disk. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

typedef struct ScratchSpace ScratchSpace;
typedef struct Scratch Scratch;

/* ---- the space of a mount ---------------------------------------------------------------------------------------- */

#define SCRATCH_CAP_DEFAULT (INT64_C (1) << 30)
#define SCRATCH_SIZE_MAX (INT64_C (1) << 40) /* of one file, holes included */
#define SCRATCH_COUNT_MAX (1 << 20)          /* of a space: files and symlinks */
#define SCRATCH_TARGET_MAX 4095              /* bytes of a symlink's target */

typedef struct
{
  const char *folder; /* made with mode 0700 if it is missing; may be shared by the mounts of a profile */
  int64_t cap;        /* bytes on the disk that all files together may have */
  bool named;         /* for tests: as on file systems that cannot make files without a name */
} ScratchConfig;

/* Removes what a crash between making a file and unlinking it may have left. Returns: NULL with @error when @folder
 * cannot be had. */
ScratchSpace *scratch_space_new (const ScratchConfig *config, GError **error);
/* NULL is fine. Every Scratch was let go before. */
void scratch_space_free (ScratchSpace *space);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScratchSpace, scratch_space_free)

/* Bytes on the disk now. */
int64_t scratch_space_used (ScratchSpace *space);

/* ---- one file or symlink ----------------------------------------------------------------------------------------- */

/* Who asks. */
typedef struct
{
  uid_t uid; /* 0 may do anything */
  gid_t gid;
  const gid_t *groups; /* the further ones; NULL: none */
  size_t group_count;
} ScratchCaller;

/* An empty file with one link; @mode: its permission bits. One reference, to scratch_unref(). */
Scratch *scratch_new_file (ScratchSpace *space, mode_t mode, const ScratchCaller *owner, GError **error);
/* A symlink to @target, of 1 to SCRATCH_TARGET_MAX bytes. */
Scratch *scratch_new_link (ScratchSpace *space, const char *target, const ScratchCaller *owner, GError **error);

Scratch *scratch_ref (Scratch *scratch);
/* NULL is fine. */
void scratch_unref (Scratch *scratch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scratch, scratch_unref)

/* Names it in its space: 1 up, never given twice. */
uint64_t scratch_number (const Scratch *scratch);
/* The target of a symlink; NULL: it is a file. Lives as long as @scratch. */
const char *scratch_target (const Scratch *scratch);

/* It has one name more (+1), one less (-1), or another one (0). Links and references are apart: what has no link stays
 * for those who hold it. */
void scratch_links (Scratch *scratch, int change);

typedef struct
{
  mode_t mode; /* with S_IFREG or S_IFLNK */
  uid_t uid;
  gid_t gid;
  unsigned links;
  int64_t size;
  int64_t blocks; /* of 512 bytes, on the disk */
  struct timespec atime, mtime, ctime;
} ScratchAttr;

void scratch_attr (Scratch *scratch, ScratchAttr *attr);

/* May @caller do what @mask (of R_OK, W_OK, X_OK) says, by the permission bits? For open(), access() and execve(). */
bool scratch_may (Scratch *scratch, const ScratchCaller *caller, int mask);

typedef enum
{
  SCRATCH_SET_MODE = 1 << 0,
  SCRATCH_SET_UID = 1 << 1,
  SCRATCH_SET_GID = 1 << 2,
  SCRATCH_SET_SIZE = 1 << 3,
  SCRATCH_SET_ATIME = 1 << 4,
  SCRATCH_SET_MTIME = 1 << 5,
  SCRATCH_SET_ATIME_NOW = 1 << 6,
  SCRATCH_SET_MTIME_NOW = 1 << 7,
} ScratchSet;

typedef struct
{
  unsigned set; /* of ScratchSet; what is not named there stays */
  bool opened;  /* through a handle that is open for writing: ftruncate() asks for no permission again */
  mode_t mode;
  uid_t uid;
  gid_t gid;
  int64_t size;
  struct timespec atime, mtime;
} ScratchChange;

/* chmod(), chown(), truncate(), utimensat(): all of it or, with an error, nothing. */
bool scratch_change (Scratch *scratch, const ScratchCaller *caller, const ScratchChange *change, GError **error);

/* As pread() and pwrite(), through a handle whose opener was allowed to: the bytes done, which may be fewer at the
 * end, at SCRATCH_SIZE_MAX or when the disk gets full; -1 with @error when it is none because of trouble. @caller: who
 * writes, since set-user-ID bits do not survive anybody but root. Files alone. */
ssize_t scratch_read (Scratch *scratch, void *data, size_t size, int64_t offset, GError **error);
ssize_t scratch_write (Scratch *scratch, const ScratchCaller *caller, const void *data, size_t size, int64_t offset,
                       GError **error);

/* When a record becomes scratch: the content is @text, all of it or, with an error, what it was. */
bool scratch_set_text (Scratch *scratch, GBytes *text, GError **error);
/* When scratch becomes a record: the content as it is at one moment, ZOHO_ERROR_TOO_LARGE when it is more than @max
 * bytes. To g_bytes_unref(). */
GBytes *scratch_text (Scratch *scratch, size_t max, GError **error);
