/* What a profile's mounts keep on disk from one mount to the next (LMDB): the documents of records in their last few
 * versions, and for each module an index, which says what version each record has, and up to when that is known.
 *
 * Documents are found by module, id and version, so mounts that share the folder never see each other's as theirs.
 * An index has an epoch: who lists a module from scratch begins one, who restores it goes on with it, and what belongs
 * to another epoch, or comes from a mount that knows less than the index does (@since), is not written into it.
 *
 * Writes are queued in order to one thread, which commits them in batches; disk_get() sees what is queued. What the
 * disk does not take (full, broken, a folder that cannot be made) stays in memory, with one line in the log, and is
 * tried again. Nothing read from disk is believed: each value carries a checksum, and is not there when that is wrong.
 *
 * Any thread may call anything here but disk_open() and disk_free(). No callback comes with a lock held that
 * disk_get() or a queued write needs. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Disk Disk;

typedef struct
{
  const char *folder;  /* made 0700 when missing, with its parents; its files are of this format version alone */
  const char *account; /* whose data it is, as an opaque text; the data of another one is thrown away */
  uint64_t cap;        /* bytes the data file may take; then what was used least goes, old versions first */
  /* Runs disk_check() on @folder in a process of its own, which a damaged file may take down: ends with 0 when sound.
   * NULL-terminated; NULL: not checked. Anything but 0 within a minute, and the files are thrown away. */
  char *const *check;
} DiskConfig;

/* Blocks until the check has ended. Never fails: without a usable folder everything stays in memory, and disk_stats()
 * and the log say why. */
Disk *disk_open (const DiskConfig *config);
/* Writes what is queued, as far as the disk takes it. NULL is fine. */
void disk_free (Disk *disk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Disk, disk_free)

/* Walks all that LMDB would walk. Returns: false when damaged, foreign or of another format; it may as well
 * crash or hang. A folder without files is sound. */
bool disk_check (const char *folder);

/* Waits until all that was queued before is on disk, or has failed to get there. */
void disk_flush (Disk *disk);

/* ---- documents -------------------------------------------------------------------------------------------------- */

/* Keeps a version of a document; queued. Of each record the last DISK_VERSIONS are kept. @mtime: its Modified_Time. */
#define DISK_VERSIONS 8
void disk_put (Disk *disk, uint64_t module, uint64_t id, uint64_t version, int64_t mtime, GBytes *text);

/* Returns: the text, to g_bytes_unref(), or NULL when it is not there (evicted, damaged). May read from the disk. */
GBytes *disk_get (Disk *disk, uint64_t module, uint64_t id, uint64_t version);

/* The versions kept of a record, newest first by when they came. */
typedef struct
{
  uint64_t version;
  int64_t mtime;
  GBytes *text;
} DiskVersion;
/* Returns: array of DiskVersion (never NULL) that frees its texts. */
GArray *disk_versions (Disk *disk, uint64_t module, uint64_t id);

/* ---- indexes ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint64_t id;
  uint64_t version; /* of the document; 0: none yet */
  int64_t mtime;    /* Modified_Time */
  uint32_t size;    /* bytes of the document */
  const char *label; /* UTF-8, at most 255 bytes; NULL: not known */
} DiskEntry;

/* A row of a subform or linking module, and the record it belongs to. */
typedef struct
{
  uint64_t id;
  uint64_t record;
  int64_t mtime;
} DiskRow;

typedef struct
{
  uint64_t epoch;
  int64_t since;     /* server time up to which all changes are in the index */
  int64_t mtime;     /* of the directory */
  int64_t swept;     /* server time of the last look at all ids */
  uint64_t digest;   /* of the fields that the documents are made of */
} DiskModule;

/* A module is listed from scratch: its index is empty from now on. Returns: the new epoch. Queued. */
uint64_t disk_index_begin (Disk *disk, uint64_t module);

/* Queued, in order. @since: what the mount that writes knows (of a listing under way: when it began). Nothing happens
 * when the index is of another epoch, or its own `since` is later. */
void disk_index_put (Disk *disk, uint64_t module, uint64_t epoch, int64_t since, const DiskEntry *entry);
/* @deleted_at: when the record was deleted, and so may be restored; 0: it is just not there. */
void disk_index_remove (Disk *disk, uint64_t module, uint64_t epoch, int64_t since, uint64_t id, int64_t deleted_at);
void disk_index_put_row (Disk *disk, uint64_t module, uint64_t epoch, int64_t since, const DiskRow *row);
void disk_index_remove_row (Disk *disk, uint64_t module, uint64_t epoch, int64_t since, uint64_t row);

/* All changes of (@from, @state->since] have been queued: the index is whole, and as new as that. @from 0: it was
 * written from scratch. Queued. When the index's own `since` is before @from, somebody else has left a gap: then the
 * index is closed, and disk_index_lost() says so. An index that is already as new is left as it is. */
void disk_index_end (Disk *disk, uint64_t module, int64_t from, const DiskModule *state);

/* Is the index of @epoch not to be gone on with: another mount's, thrown away, or gap? Then it is to be written from
 * scratch, or left to the other. Answers for what has been written, not for what is queued; false while @epoch itself
 * is still queued, and while the disk is not used. @newer: another mount keeps one that is whole. */
bool disk_index_lost (Disk *disk, uint64_t module, uint64_t epoch, bool *newer);

/* Reads a whole index, of that digest. Each function may be NULL. Returns: false, without a call, when there is none.
 * @digest 0: only tells, without a call, whether there is one of any digest. */
typedef struct
{
  void (*entry) (void *data, const DiskEntry *entry); /* ascending by id; the label lives until it returns */
  void (*deleted) (void *data, uint64_t id, int64_t deleted_at);
  void (*row) (void *data, const DiskRow *row);
  void *data;
} DiskRestore;
bool disk_index_restore (Disk *disk, uint64_t module, uint64_t digest, const DiskRestore *restore, DiskModule *state);

/* ---- what status shows ------------------------------------------------------------------------------------------ */

typedef struct
{
  uint64_t file_bytes;   /* in use in the data file */
  uint64_t cap;
  uint64_t queued_bytes; /* in memory, on their way to the disk */
  uint64_t evicted;      /* documents since the mount */
  uint64_t damaged;      /* values with a wrong checksum since the mount */
  bool rebuilt;          /* the files of before were thrown away */
  char problem[256];     /* why the disk is not used now; "": it is */
} DiskStats;

void disk_stats (Disk *disk, DiskStats *stats);
