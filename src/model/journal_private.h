/* What the files of the journal share. */
#pragma once

#include "base/file.h"
#include "model/journal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* ---- journal_file.c: files and folders, by descriptor of their folder; failures are in errno --------------------- */

#define JOURNAL_META_MAX (INT64_C (112) << 20)
#define JOURNAL_LINE_MAX 65536

/* Gives the words of errno @number, after @what, which says what could not be done. */
void journal_fail (GError **error, int number, const char *what, ...) G_GNUC_PRINTF (3, 4);

/* A folder that is no link. @make: made, 0700, when missing. */
int journal_open_folder (int at, const char *name, bool make);
/* The profile's state folder; likewise. */
int journal_open_state (const char *state, bool make);
bool journal_write_at (int fd, const void *data, size_t size, int64_t offset);
/* All of a file of at most @max bytes; NULL with errno, EFBIG for a longer one. */
GBytes *journal_read_fd (int fd, int64_t max);
/* @to/@name is @text after that, or, with an error, what it was. @temporary (in @from) must be nobody else's. @sync:
 * lasts through a power cut. */
bool journal_replace (int from, const char *temporary, int to, const char *name, const GString *text, bool sync);
/* flock() with a deadline of clock_now_us(); errno ETIMEDOUT when it passed. */
bool journal_flock (int fd, int how, int64_t deadline_us);
#define JOURNAL_LOCK_TIMEOUT_US (INT64_C (60) * 1000000)

/* Can @name be a file's name in a folder of ours; @module: a module's. */
bool journal_is_name (const char *name, bool module);
/* Names of a folder, without "." and "..", sorted. NULL with errno. */
GPtrArray *journal_names (int folder);
/* "<prefix><number><suffix>", without signs or leading zeros. */
bool journal_number (const char *name, const char *prefix, const char *suffix, uint64_t *number);

/* ---- journal_line.c ---------------------------------------------------------------------------------------------- */

/* Appends the checksummed line of object @value, with its newline. */
void journal_line_write (const json_t *value, GString *out);
/* @text: without the newline. Returns: the object, to json_decref(); NULL when it is damaged. */
json_t *journal_line_read (const char *text, size_t size);
/* Text at most @max bytes long, cut between characters, valid UTF-8. To g_free(). */
char *journal_cut (const char *text, size_t max);
/* The id at @key, written as a text; 0 when it is none. */
uint64_t journal_get_id (const json_t *object, const char *key);
json_t *journal_id_text (uint64_t id);

/* ---- journal_meta.c ---------------------------------------------------------------------------------------------- */

void journal_meta_write (const DraftInfo *info, GString *out);
/* Returns: NULL when damaged. */
DraftInfo *journal_meta_read (const char *text, size_t size);
/* For a damaged note: where the data belongs, as far as can be told, and the reason that says so. */
DraftInfo *journal_meta_guess (const char *text, size_t size);
DraftInfo *journal_meta_copy (const DraftInfo *info);
/* Makes @info REFUSED. */
void journal_meta_refuse (DraftInfo *info, const DraftReason *reason);

/* ---- journal_log.c: a file of lines that grows, and what it says as a table in memory ---------------------------- */

typedef struct JournalLog JournalLog;

/* All are called with the log's lock held. */
typedef struct
{
  bool (*apply) (void *data, const json_t *line); /* false: makes no sense */
  void (*clear) (void *data);
  size_t (*live) (const void *data);              /* lines that dump() would write */
  void (*dump) (const void *data, GString *out);
} JournalLogKind;

/* Reads the file, made when missing. @folder must outlive the log. */
JournalLog *journal_log_open (int folder, const char *name, const JournalLogKind *kind, void *data, GError **error);
void journal_log_free (JournalLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (JournalLog, journal_log_free)
/* Guards the data. */
pthread_mutex_t *journal_log_lock (JournalLog *log);
/* Reads what other processes have added. Lock not held. */
void journal_log_refresh (JournalLog *log);
/* Durable and applied when it returns; calls that come together share one sync. Lock not held. @what: for the words. */
bool journal_log_append (JournalLog *log, json_t *const *lines, size_t count, const char *what, GError **error);
/* Lines that made no sense when the file was read. */
size_t journal_log_damaged (JournalLog *log);

/* ---- journal_aside.c --------------------------------------------------------------------------------------------- */

/* Moves @from/@name to drafts/ with @info, which is REFUSED, as its note; both on the disk after that. */
bool journal_aside (int state, int from, const char *name, const DraftInfo *info, GError **error);

/* ---- journal_draft.c --------------------------------------------------------------------------------------------- */

/* The draft @name of @folder, which stays there; @info: its note, SENDING. Its data may be missing. */
Draft *journal_draft_adopt (Journal *journal, int folder, const char *name, const DraftInfo *info, GError **error);

/* ---- journal_adopt.c --------------------------------------------------------------------------------------------- */

/* @folder: left by a mount, and locked by us. Its unclear drafts stay in it, and need it to be held. Returns: how
 * many. */
unsigned journal_adopt (Journal *journal, int folder, const char *name);

/* ---- journal_deletes.c, journal_alias.c -------------------------------------------------------------------------- */

typedef struct
{
  GHashTable *table; /* number -> JournalDelete; guarded by the log's lock */
  atomic_uint_fast64_t last;
} Deletes;

extern const JournalLogKind journal_deletes_kind;
void journal_deletes_init (Deletes *deletes);
void journal_deletes_clear (Deletes *deletes);
/* Adds those of a log that was left. */
bool journal_deletes_adopt (Journal *journal, int folder, GError **error);

typedef struct
{
  GHashTable *names;   /* "module/name" -> Alias, which owns the key; guarded by the log's lock */
  GHashTable *records; /* id -> array of Alias */
} Aliases;

extern const JournalLogKind journal_aliases_kind;
void journal_aliases_init (Aliases *aliases);
void journal_aliases_clear (Aliases *aliases);

/* A folder of journal/ that we hold. */
typedef struct
{
  int folder, lock; /* the lock: of `lock` in it, flocked */
  char *name;       /* <n> */
} JournalFolder;

struct Journal
{
  int state, parent; /* descriptors: the state folder, journal/ */
  int folder;        /* of our own folder; its holder's copy */
  GPtrArray *held;   /* of JournalFolder: our own first, then those left by others that have unclear drafts */
  atomic_uint_fast64_t last_draft;
  Deletes deletes;
  JournalLog *deletes_log;
  Aliases aliases;
  JournalLog *aliases_log;
  pthread_mutex_t guard; /* guards the next */
  GPtrArray *unclear;
};
