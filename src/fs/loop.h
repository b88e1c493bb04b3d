/* Mounts, serves, unmounts. The order: fs_new(), store_new() with the fs_* listeners, saves_new() with fs_deleted(),
 * fs_mount(), fs_serve(), store_stop(), fs_free(), saves_free(), store_free(). */
#pragma once

#include "base/jsonl.h"
#include "fs/access.h"
#include "fs/scratch.h"
#include "fs/walkers.h"
#include "model/journal.h"
#include "model/saves.h"

typedef struct Fs Fs;

/* The files of /.zohofs that only grow. The numbers are part of inode numbers. */
typedef enum
{
  FS_JOURNAL_EVENTS = 0,
  FS_JOURNAL_AUDIT = 1,
  FS_JOURNAL_ERRORS = 2,
  FS_JOURNALS
} FsJournal;

typedef struct
{
  const char *mountpoint; /* absolute */
  const char *profile;    /* shown as the source: "zohofs#PROFILE"; the type is fuse.zohofs */
  const char *state;      /* the profile's state folder, where its refused drafts are */
  const char *options;    /* further mount options for libfuse, comma separated, such as "allow_other"; NULL: none */
  int64_t ttl_us;         /* kernel timeouts */
  bool trace;             /* -d: each operation on stderr */
  bool noopen;            /* the kernel is to read without opening: fewer requests, fresh by opendir and delta.c.
                           * Goes with a mount that is not FsWriting alone */
  /* The texts of /.zohofs/status.json, /.zohofs/metrics and /README.md, to g_free(). Any thread, no network, no
   * blocking. */
  char *(*status) (void *data);
  char *(*metrics) (void *data);
  char *(*readme) (void *data);
  /* The API credits of the day, for `df -i`; false: not known. Any thread, no network, no blocking. May be NULL. */
  bool (*credits) (void *data, uint64_t *total, uint64_t *left);
  /* A query was refused, or a call that a walker would have caused; for errors.jsonl. May be NULL. Any thread. */
  void (*refused) (void *data, const SaveError *error);
  void *data;
  const Access *access;         /* borrowed, as the next; NULL: everything is allowed */
  Walkers *walkers;             /* NULL: there are none */
  bool folders;       /* -o folders: those of records are listed */
  bool dry_run;       /* as in FsWriting */
  /* As SavesConfig's, for changes of links; may be NULL. */
  void (*failed) (void *data, const SaveError *error);
  void (*audit) (void *data, const SaveAudit *audit);
  void *report_data;
  Jsonl *journals[FS_JOURNALS]; /* borrowed; must outlive the fs */
} FsConfig;

/* What a mount needs that writes. */
typedef struct
{
  Saves *saves;          /* borrowed, as the next two; must outlive fs_free() */
  Journal *journal;
  ScratchSpace *scratch;
  bool dry_run;          /* -o dry_run: checked, told, not sent */
  bool stale_overwrite;  /* -o stale=overwrite */
  unsigned max_deletes;  /* by one process */
  void (*failed) (void *data, const SaveError *error); /* as SavesConfig's, for what is refused before that */
  void *data;
} FsWriting;

Fs *fs_new (const FsConfig *config);

/* Mounts. @error is one clear line: mount point missing, not empty, already mounted, no /dev/fuse, fusermount3 missing.
 * A stale mount of a dead zohofs daemon there is taken away first. @store is borrowed. @writing: NULL for a read-only
 * mount; else copied. */
bool fs_mount (Fs *fs, Store *store, const FsWriting *writing, GError **error);

/* Serves until the mount is gone or fs_stop() was called. When it returns, every request has been answered, the
 * mount is gone, and what was written is in the CRM, among the drafts or in the journal; the store must still answer
 * until then.
 * Returns: false when the kernel's end broke unexpectedly. */
bool fs_serve (Fs *fs);

/* Ends fs_serve(): waiting requests are answered with EINTR, then it unmounts. Any thread but a serving one; not
 * async-signal-safe. */
void fs_stop (Fs *fs);

/* Sends what is to be sent, and waits for it; for `zohofs drain`. Blocks; any thread but a serving one. Returns: how
 * many deletes could not be sent now, and stay in the journal. */
size_t fs_drain (Fs *fs);

/* What is not in the CRM yet, for status.json. */
typedef struct
{
  size_t drafts;  /* texts that programs have written and not saved */
  size_t saves;   /* on the wire, or waiting for their turn */
  size_t deletes; /* likewise */
} FsPending;

void fs_pending (Fs *fs, FsPending *pending);

void fs_free (Fs *fs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fs, fs_free)

/* FUSE requests seen by kind, and as "pushed" the texts given without one, for status.json: a JSON object text such as
 * {"lookup":12,...}; to g_free(). */
char *fs_counts (Fs *fs);

/* StoreConfig's listeners; @fs is an Fs. They queue kernel notices for the notify threads and return at once. */
void fs_record_changed (void *fs, StoreModule *module, uint64_t id);
void fs_record_gone (void *fs, StoreModule *module, uint64_t id, const char *name);
void fs_record_renamed (void *fs, StoreModule *module, uint64_t id, const char *old_name);
void fs_listing_changed (void *fs, StoreModule *module);
void fs_module_gone (void *fs, StoreModule *module);
void fs_modules_changed (void *fs);
/* To be called by StoreConfig.event, too. */
void fs_record_seen (void *fs, const StoreEvent *event);
/* SavesConfig.deleted: as there. */
void fs_deleted (void *fs, StoreModule *module, uint64_t id, const GError *failure);
