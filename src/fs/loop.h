/* Mounts, serves, unmounts. The order: fs_new(), store_new() with the fs_* listeners, fs_mount(), fs_serve(), fs_free(),
 * store_free(). */
#pragma once

#include "base/jsonl.h"
#include "model/store.h"

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
  bool noopen;            /* the kernel is to read without opening: fewer requests, fresh by opendir and delta.c */
  /* The texts of /.zohofs/status.json, /.zohofs/metrics and /README.md, to g_free(). Any thread, no network, no
   * blocking. */
  char *(*status) (void *data);
  char *(*metrics) (void *data);
  char *(*readme) (void *data);
  void *data;
  Jsonl *journals[FS_JOURNALS]; /* borrowed; must outlive the fs */
} FsConfig;

Fs *fs_new (const FsConfig *config);

/* Mounts. @error is one clear line: mount point missing, not empty, already mounted, no /dev/fuse, fusermount3 missing.
 * A stale mount of a dead zohofs daemon there is taken away first. @store is borrowed. */
bool fs_mount (Fs *fs, Store *store, GError **error);

/* Serves until the mount is gone or fs_stop() was called. Every request has been answered when it returns; the mount is
 * gone. Returns: false when the kernel's end broke unexpectedly. */
bool fs_serve (Fs *fs);

/* Ends fs_serve(): waiting requests are answered with EINTR, then it unmounts. Any thread but a serving one; not
 * async-signal-safe. */
void fs_stop (Fs *fs);

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
