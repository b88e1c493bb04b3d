/* Where programs write: one desk for each directory of records: a module's, or of the notes of a record. It feeds
 * what programs do to the save engine (model/editing.h) and does what that decides: keeps the texts, sends them,
 * tells the kernel.
 *
 * Any thread, unless said otherwise. A desk's lock is held across disk writes of the journal and never across a call
 * of the network; locks of store, journal and nodes come after it. */
#pragma once

#include "fs/content.h"
#include "fs/loop.h"
#include "fs/node.h"
#include "fs/who.h"

typedef struct Desk Desk;

/* ---- all desks of a mount --------------------------------------------------------------------------------------- */

/* @writing is copied. Takes up the deletes that an earlier mount left. */
Desks *desks_new (Fs *fs, const FsWriting *writing);
/* After desks_end(), or before anything was served. NULL is fine. */
void desks_free (Desks *desks);

/* The mount has ended: sends what is to be sent, keeps the rest, and waits for both. */
void desks_end (Desks *desks);
/* Sends what is to be sent, and waits for it. Returns: deletes that could not be sent now. */
size_t desks_drain (Desks *desks);
void desks_pending (Desks *desks, FsPending *pending);

/* Of the directory @key, or of that in which the file @key is. NULL: nobody has written there. @desks NULL is fine. */
Desk *desks_find (Desks *desks, const NodeKey *key);
Desk *desks_get (Desks *desks, const NodeKey *key);

/* The module of the records in the directory @key. */
StoreModule *desks_records (Desks *desks, const NodeKey *key);

/* What the mount may write in a module, by its metadata. All false for NULL. */
StoreRights desks_rights (Desks *desks, StoreModule *module);

/* The record that was created as @name in the directory @dir; 0. */
uint64_t desks_alias (Desks *desks, const NodeKey *dir, const char *name);
/* As saves_find(). */
StoreState desks_find_by_field (Desks *desks, StoreModule *module, const char *field, const char *value,
                                StoreWait *wait, uint64_t *id, GError **error);

/* A record was opened by @thread in @version: what a save of it is compared with, if its text does not say. */
void desks_note_read (Desks *desks, StoreModule *module, uint64_t id, uint64_t version, pid_t thread);

/* News of the store; @desks NULL is fine. */
void desks_appeared (Desks *desks, StoreModule *module, uint64_t id);
void desks_changed (Desks *desks, StoreModule *module, uint64_t id);
void desks_gone (Desks *desks, StoreModule *module, uint64_t id);
void desks_deleted (Desks *desks, StoreModule *module, uint64_t id, const GError *failure);

/* ---- what programs do ------------------------------------------------------------------------------------------- */

/* One call of a program. Zero it, fill in the first part; it must stay where it is until it was answered. */
typedef struct
{
  void (*ring) (void *data); /* once, from another thread, if desk_feed() returned false */
  void *data;
  GBytes *server;     /* the text of the record that is renamed or truncated by path, as the server has it; else NULL */
  mode_t mode;        /* of what is created */
  const char *target; /* of a symlink */
  /* The answer. */
  bool answered;
  int error; /* errno */
  uint64_t node, id;
  /* The desk's own. */
  uint64_t request, draft;
  bool at_end, parked;
} DeskCall;

/* Feeds @event, whose kind and arguments are set. Returns: whether @call has its answer, else its ring comes. */
bool desk_feed (Desk *desk, EditEvent *event, const Who *who, DeskCall *call);
/* The program gives @call up, which waits: it is answered soon, if nothing has gone out yet. */
void desk_interrupt (Desk *desk, DeskCall *call);

/* A number for a handle that is opened, to be given back by closing it. @opened: the text it was opened with; NULL when
 * there is none. */
uint64_t desk_handle (Desk *desk, GBytes *opened);
/* EDIT_RELEASE, and forgets the number. Also for one that was never fed. */
void desk_close (Desk *desk, uint64_t handle);

/* EDIT_WRITE, and the bytes. Returns: 0 or an errno. */
int desk_write (Desk *desk, uint64_t handle, const Who *who, const void *data, size_t size, int64_t offset);
/* What a handle shows: the bytes read, or a negative errno. */
ssize_t desk_read (Desk *desk, uint64_t handle, void *data, size_t size, int64_t offset);

/* ---- what is to be seen ----------------------------------------------------------------------------------------- */

/* Has the record a text that is not saved? Sets what differs from the record's own attributes: size, blocks, times. */
bool desk_stat_record (Desk *desk, uint64_t id, struct stat *stat);
/* The same of a file that is here alone, and its links; false when there is none (any more). */
bool desk_stat_local (Desk *desk, uint64_t number, struct stat *stat);
/* The file's scratch, with a reference, for its own attributes; NULL when its bytes lie elsewhere. */
Scratch *desk_scratch (Desk *desk, uint64_t number);
/* The target of a symlink, to g_free(), or NULL. */
char *desk_target (Desk *desk, uint64_t number);
/* Is what has this number a scratch file, for which the kernel may keep pages? */
bool desk_is_scratch (Desk *desk, uint64_t number);
bool desk_is_link (Desk *desk, uint64_t number);

bool desk_hides (Desk *desk, uint64_t id);

typedef struct
{
  char *name;
  uint64_t number;
  bool is_link;
} DeskName;

/* The files that are here alone: array of DeskName that frees them. */
GPtrArray *desk_names (Desk *desk);
/* Changes with the names. */
uint64_t desk_version (Desk *desk);
