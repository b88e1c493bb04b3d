/* What of the writing side must survive kill -9 and a power cut: drafts, deletes that were answered but not sent,
 * writes whose outcome is not known, and the names under which records were created.
 *
 * All of it lives in the state folder of a profile, which the profile's mounts share:
 *
 *   journal/<n>/        a mount's own folder, held by the flock of its `lock` for the mount's life; with
 *     d<k>, d<k>.json     a draft and its note (one checksummed line of JSON)
 *     deletes             deletes, one checksummed line of JSON each
 *   drafts/<Module>/<name>        refused drafts, for the user; their notes in drafts/.meta/<Module>/<name>
 *   aliases             names under which records were created; shared, each change under its flock
 *
 * A folder of journal/ whose lock is free was left by a mount that crashed or could not send all. Whoever opens a
 * journal of the profile next adopts it; one with unclear drafts is held until these are settled, or the mount ends.
 *
 *   state     its data is                          leaves when                        after a crash
 *   CLEAN     the server's, or saved               draft_write, draft_truncate -> OPEN  dropped
 *   OPEN      the user's, not saved                draft_sending -> SENDING             refused draft (empty: dropped)
 *   SENDING   on the wire; the body is in the note draft_saved -> CLEAN, or OPEN when   handed to the caller as unclear
 *                                                  written since; draft_unsent -> OPEN
 *   REFUSED   on its way to drafts/                when it is there                     the way is gone to its end
 *   any       draft_done: removed; draft_refuse: -> REFUSED
 *
 * A note that is damaged or missing costs the note: the data becomes a refused draft with the reason "its note was
 * damaged".
 *
 * Any thread may call anything but journal_open(), journal_free() and draft_free(). Every function may wait for the
 * local disk, none for the network; locks are held across disk writes and never across a call to the caller. Errors:
 * ZOHO_ERROR_NO_SPACE for a full disk (what was there before stays), ZOHO_ERROR_TIMED_OUT when another process holds a
 * lock for long, ZOHO_ERROR_INVALID for names that cannot be, ZOHO_ERROR_FAILED for other trouble of the disk. */
#pragma once

#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Journal Journal;
typedef struct Draft Draft;

/* ---- the journal of a mount -------------------------------------------------------------------------------------- */

/* Waits until no living mount of @mount_point is left, such as a daemon that still drains. @state: the profile's state
 * folder. @mount_point: absolute and canonical. @deadline_us: of clock_now_us(). Returns: false with
 * ZOHO_ERROR_TIMED_OUT, naming the process, when it was still there at the deadline. */
bool journal_wait (const char *state, const char *mount_point, int64_t deadline_us, GError **error);

/* Makes the mount's folder and adopts what crashed mounts left. What cannot be adopted now is told in the log and stays
 * for the next mount. Returns: NULL with ZOHO_ERROR_CHANGED when a living mount of @mount_point is there, or with the
 * disk's error. To be called in the process that will serve: its id is what others are told. */
Journal *journal_open (const char *state, const char *mount_point, GError **error);

/* Drops the lock, and removes the folder if neither drafts nor deletes are in it. NULL is fine. All drafts were freed
 * before; no other thread may be inside. */
void journal_free (Journal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Journal, journal_free)

/* ---- drafts ------------------------------------------------------------------------------------------------------ */

#define DRAFT_SIZE_MAX (INT64_C (64) << 20)
#define DRAFT_BODY_MAX (INT64_C (16) << 20)
#define DRAFT_VERSIONS_MAX 64
#define DRAFT_NAME_MAX 255

typedef enum
{
  DRAFT_CLEAN,
  DRAFT_OPEN,
  DRAFT_SENDING,
  DRAFT_REFUSED,
} DraftState;

/* Whose draft. Names are UTF-8, not empty, at most DRAFT_NAME_MAX bytes, without '/'; no module begins with '.'. */
typedef struct
{
  const char *module;
  uint64_t id; /* 0: to be created */
  const char *name; /* as it was written */
  int64_t pid;      /* of the writer */
  const char *program; /* of the writer; NULL: not known */
} DraftKey;

/* A version of the record that the writer may have started from. */
typedef struct
{
  uint64_t version;
  int64_t mtime;
} DraftVersion;

/* A copy of what the note says. */
typedef struct
{
  DraftState state;
  char *module, *name, *program; /* program: NULL when not known */
  uint64_t id;
  int64_t pid, time_s; /* when the draft was made */
  GArray *versions;    /* of DraftVersion */
  json_t *extra;       /* the caller's own; NULL: none */
  /* Of SENDING alone: */
  GBytes *body;    /* just what was sent */
  char *creator;   /* who sent it, as the CRM knows them; NULL: not given */
  int64_t sent_s;
  bool more;       /* the data was written since */
  /* Of REFUSED alone: an object of texts, errno, code, message, field, todo, those that are known. */
  json_t *reason;
} DraftInfo;

void draft_info_free (DraftInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DraftInfo, draft_info_free)

/* A new empty draft, CLEAN. Sets @draft, to draft_free(). */
bool journal_draft_new (Journal *journal, const DraftKey *key, Draft **draft, GError **error);

/* Forgets the handle, not the draft: one that is neither done nor refused stays for the next mount. NULL is fine. */
void draft_free (Draft *draft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Draft, draft_free)

/* To draft_info_free(). */
DraftInfo *draft_info (Draft *draft);
DraftState draft_state (Draft *draft);

/* Makes @text the data of a CLEAN draft, which stays CLEAN: what the writer finds when it opens the file. */
bool draft_seed (Draft *draft, GBytes *text, GError **error);

/* The user's writing. All of it or, with an error, nothing; ZOHO_ERROR_TOO_LARGE past DRAFT_SIZE_MAX. Refused once the
 * draft is done or refused. Safe against kill -9 when it returns; against a power cut after draft_sync(). */
bool draft_write (Draft *draft, const void *data, size_t size, int64_t offset, GError **error);
bool draft_truncate (Draft *draft, int64_t size, GError **error);

/* These go on working after draft_refuse() and draft_done(). draft_read() returns the bytes read, 0 at the end, -1 with
 * @error. */
ssize_t draft_read (Draft *draft, void *data, size_t size, int64_t offset, GError **error);
int64_t draft_size (Draft *draft);
/* All of it, to g_bytes_unref(). */
GBytes *draft_text (Draft *draft, GError **error);

/* What the note says from now on. @versions: at most DRAFT_VERSIONS_MAX; @extra: NULL for none, stays the caller's, and
 * must not change while it is here. */
bool draft_set_base (Draft *draft, const DraftVersion *versions, size_t count, json_t *extra, GError **error);
/* The file has another name now. */
bool draft_set_name (Draft *draft, const char *name, GError **error);
/* The record was created. */
bool draft_set_id (Draft *draft, uint64_t id, GError **error);

/* Data and note are on the disk. */
bool draft_sync (Draft *draft, GError **error);

/* To be called before @body (UTF-8, at most DRAFT_BODY_MAX) goes out: OPEN or CLEAN -> SENDING, data and note on the
 * disk. @creator: NULL is fine. Savers that will go out together do well to call it each on its own thread, so that
 * their syncs meet: from here to the wire may take any time. */
bool draft_sending (Draft *draft, GBytes *body, const char *creator, GError **error);
/* The server has it: SENDING -> CLEAN, or OPEN if it was written since. */
bool draft_saved (Draft *draft, GError **error);
/* It certainly did not get there: SENDING -> OPEN. */
bool draft_unsent (Draft *draft, GError **error);

/* Removes it, whatever its state: what it holds is saved, or not wanted. */
bool draft_done (Draft *draft, GError **error);

/* Why a draft was refused; every text may be NULL. */
typedef struct
{
  const char *errno_name; /* "EBUSY" */
  const char *code;       /* of Zoho or of zoho_error_name() */
  const char *message;
  const char *field;
  const char *todo;
} DraftReason;

/* Moves it to drafts/<Module>/<name>. A draft that has that name goes on as <name>.<k>, a longer name cut to make room.
 * With an error the draft is where it was, and the next mount moves it. */
bool draft_refuse (Draft *draft, const DraftReason *reason, GError **error);

/* The drafts that crashed mounts left SENDING: their creates (id 0) and updates may have reached the server or not.
 * Each is to be looked up. Arrived: draft_done(), but draft_refuse() when DraftInfo.more, since what was written after
 * that is nowhere else. Not arrived: draft_refuse(). One that is just freed comes again at the next mount.
 * Returns: array of Draft, the caller's, which frees them; later calls get an empty one. */
GPtrArray *journal_take_unclear (Journal *journal);

/* ---- refused drafts, for any process of the profile -------------------------------------------------------------- */

typedef struct
{
  char *module, *name;
  uint64_t id;    /* 0: none, or not known */
  int64_t size, mtime_s;
  json_t *reason; /* as DraftInfo.reason; never NULL */
} DraftEntry;

/* Returns: array of DraftEntry that frees them, by module and name; empty when there is no folder. */
GPtrArray *journal_drafts_list (const char *state, GError **error);
/* One of them, alone in an array; NULL with ZOHO_ERROR_NOT_FOUND. */
GPtrArray *journal_drafts_find (const char *state, const char *module, const char *name, GError **error);
/* Its text, to g_bytes_unref(). */
GBytes *journal_draft_open (const char *state, const char *module, const char *name, GError **error);
/* The user deletes it. */
bool journal_draft_remove (const char *state, const char *module, const char *name, GError **error);

/* ---- deletes ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint64_t number; /* names it in this journal */
  char *module;
  uint64_t id;
  char *label, *who; /* for people: the file's name; "1000 rm" */
  int64_t time_s;
  bool left;    /* by a mount before this one */
  bool certain; /* false: the file it comes from was damaged, so that it may have been cancelled: ask before sending */
} JournalDelete;

/* Durable when it returns; calls that come together share one sync. @label and @who are cut at 255 bytes. */
bool journal_delete_add (Journal *journal, const char *module, uint64_t id, const char *label, const char *who,
                         uint64_t *number, GError **error);
/* They were sent and answered; or were no deletes after all: wait for that before anything else is done to the record,
 * or a crash brings them back. Numbers that are not there are fine. Durable too. */
bool journal_delete_done (Journal *journal, const uint64_t *numbers, size_t count, GError **error);
bool journal_delete_cancel (Journal *journal, uint64_t number, GError **error);

/* Those neither done nor cancelled, by number; after journal_open() the ones that were left. Returns: array of
 * JournalDelete that frees them. */
GPtrArray *journal_deletes (Journal *journal);

/* ---- aliases ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  const char *module;
  const char *name;
  uint64_t id;
} JournalAlias;

/* Durable, one sync for all of them; a name that is there gets the new id. Every mount of the profile sees them. */
bool journal_alias_put (Journal *journal, const JournalAlias *aliases, size_t count, GError **error);
/* Returns: the id, or 0. Reads from the disk what other mounts have put since the last look. */
uint64_t journal_alias_get (Journal *journal, const char *module, const char *name);
/* Has the record a name there for which @wanted is true? */
bool journal_alias_any (Journal *journal, const char *module, uint64_t id, bool (*wanted) (const char *name));
bool journal_alias_drop (Journal *journal, const char *module, const char *name, GError **error);
/* The record is gone: all names of it. Costs nothing when it has none. */
bool journal_alias_drop_record (Journal *journal, const char *module, uint64_t id, GError **error);
