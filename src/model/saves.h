/* Makes changes of the CRM out of what was written: saves, creates and deletes.
 *
 * Questions never block on the network and work as those of store.h do: READY, FAILED, or WAITING, and then the same
 * question is asked again after the ring. They may wait for the local disk (the journal). Whoever asks may give up
 * while saves_give_up() says so; else it asks until the answer is there, since the change may have been made.
 *
 * Any thread may call anything but saves_new() and saves_free(); of one SaveWhat one thread at a time. No lock is held
 * when a callback is called.
 *
 * A save goes through these phases (saves_update.c, saves_create.c):
 *
 *   phase    does                                            then
 *   PARSE    bytes to one JSON object                        FIELDS
 *   FIELDS   the module's metadata is there                  FIND for <Field>=<value>.json, CLAIM, or without id CREATE
 *   FIND     the record with the value                       CLAIM, or none: CREATE
 *   CLAIM    waits for other saves of the record             CURRENT
 *   CURRENT  the record as it is known                       DECIDE, or READ when it may have changed unseen
 *   READ     a GET that began after this                     HAVE_READ: DECIDE
 *   DECIDE   validation, base, three-way comparison          end (nothing, conflict, refused), READ (rows), SEND
 *   SEND     note on the disk, then PUT                      SENT
 *   SENT     what came of it                                 TAGS, VERIFY; READ (412); end (refused)
 *   TAGS     add_tags, remove_tags, one after the other      SENT
 *   CREATE   validation, the row                             ME, LOOK (an earlier try is unclear), end (refused)
 *   ME       who creates, for looking it up                  POST
 *   POST     note on the disk, then waits for its group      POSTED
 *   POSTED   what came of it                                 VERIFY, LOOK (unclear), end (refused)
 *   LOOK     those that it may be, though the answer was     LOOKED: COMPARE, which reads them one by one, then
 *            lost                                            VERIFIED, or end (not known); of an earlier try:
 *                                                            CLAIM, or not found after minutes: ME
 *   VERIFY   a GET that began after this                     VERIFIED: compares, end
 */
#pragma once

#include "model/journal.h"
#include "model/store.h"

typedef struct Saves Saves;
typedef struct Save Save;

/* Who does it, for audit lines. */
typedef struct
{
  uint64_t uid;
  int64_t pid;
  const char *program; /* NULL: not known */
} SaveWho;

/* A line of errors.jsonl. Borrowed texts; NULL: not known. */
typedef struct
{
  int64_t time_s;
  const char *path; /* "Leads/Okafor.7010000000201.json" */
  const char *errno_name, *code, *message, *field;
  const char *draft; /* "Leads/Okafor.7010000000201.json", below drafts/; NULL: there is none */
  const char *todo;
} SaveError;

/* A line of audit.jsonl: one for each change that was asked for. */
typedef struct
{
  int64_t time_s;
  SaveWho who;
  const char *verb; /* "update", "create", "upsert", "delete" */
  const char *path, *module;
  uint64_t id;                /* 0: none (yet) */
  const char *const *fields;  /* that were sent, or would be; ended by NULL; NULL: none */
  const char *const *ignored; /* changed by the user, but only the server sets them; likewise */
  const char *outcome;        /* in words, which may quote values of fields */
  const char *plain_outcome;  /* in words that quote none; NULL: nor does @outcome */
  /* For who wants to keep values: what was sent, or would be, as the API takes it; what the record was before. NULL:
   * none. */
  const json_t *sent, *tags_added, *tags_removed;
  const json_t *before;
} SaveAudit;

typedef struct
{
  Store *store;     /* borrowed */
  Journal *journal; /* borrowed; NULL: no aliases are kept, and deletes are not journalled (tests) */
  void (*failed) (void *data, const SaveError *error); /* may be NULL */
  void (*audit) (void *data, const SaveAudit *audit);  /* may be NULL */
  /* What came of a delete that was sent or pretended, after the table was changed: NULL: the record is gone;
   * ZOHO_ERROR_CANCELLED: it could not be asked, or nobody knows, and it is still pending; else it was refused, and is
   * pending no more. May be NULL. */
  void (*deleted) (void *data, StoreModule *module, uint64_t id, const GError *failure);
  void *data;
  void *delete_data; /* for the last one */
} SavesConfig;

Saves *saves_new (const SavesConfig *config);
/* After store_stop() and before store_free(); every SaveWhat was ended. NULL is fine. */
void saves_free (Saves *saves);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Saves, saves_free)

/* ---- saving ------------------------------------------------------------------------------------------------------ */

/* Zero it, fill it in, keep it as it is for all questions about one save, end with saves_end(). Everything is borrowed
 * until then. */
typedef struct
{
  StoreModule *module;
  uint64_t id;      /* 0: to be created */
  const char *name; /* as it was written, "x.json"; becomes an alias of what is created */
  /* Not NULL, with id 0: the name is <Field>=<value>.json (names_read_field()); it is no alias then. */
  const char *field, *value;
  StoreModule *parent; /* of a note: the record that it belongs to; NULL: it is no note, or that is not known */
  uint64_t parent_id;
  bool plain; /* the text is no document but the content of a note */
  GBytes *text;
  Draft *draft; /* the text's; NULL: none (tests) */
  SaveWho who;
  /* What this process last read and saved there, see merge_base.h; NULL: not known. */
  GBytes *read;
  int64_t read_us;
  GBytes *saved;
  int64_t saved_us;
  GBytes *saved_answer; /* SaveResult.answer of that save */
  bool dry_run;         /* -o dry_run: decides, tells the audit, sends nothing */
  bool stale_overwrite; /* -o stale=overwrite */
  /* A new file that stays where it was written until it is good: when it fails its draft is not refused but as before.
   * It stays SENDING when nobody knows whether the record was made (ZOHO_ERROR_UNCLEAR): who ends the mount then frees
   * that draft as it is, so that the next one looks, and does not refuse it. Another save of a file of that name, with
   * this draft or another one, looks for the record first, and is a save of it if it is there. */
  bool stays;
  Save *save;           /* theirs */
} SaveWhat;

typedef struct
{
  uint64_t id;      /* of the record; of a create that dry_run did not send: 0 */
  StoreEntry entry; /* as the server has it; size -1: it was saved, but could not be read back yet */
  bool sent;        /* false: there was nothing to change */
  GBytes *answer;   /* for SaveWhat.saved_answer of this process's next save; NULL: none. To save_result_clear() */
} SaveResult;

void save_result_clear (SaveResult *result);

/* READY: the CRM has what the text says, and so has the table; the draft is CLEAN, or OPEN when it was written
 * meanwhile or there was nothing to send: draft_done() is the caller's, when nobody has the file open any more.
 * FAILED: nothing was changed, or the words say what was; the draft was refused with the reason (it stays as it is
 * when the mount is ending, CANCELLED), and callbacks were told. @result is set when READY. */
StoreState saves_commit (Saves *saves, SaveWhat *what, StoreWait *wait, SaveResult *result, GError **error);

/* Somebody pressed Ctrl-C. Returns: true when nothing of it has gone out, and nothing will: cancel the wait and end it;
 * false: go on waiting. */
bool saves_give_up (Saves *saves, SaveWhat *what);

/* JournalAlias.module of the names under which records were created: of notes, those of record @parent_id; else 0. To
 * g_free(). */
char *saves_alias_folder (const StoreModule *module, uint64_t parent_id);

/* Once for each SaveWhat that was asked about, whatever came of it. Its wait must not be waiting. A change on the wire
 * goes on, and its draft stays SENDING, so that the next mount looks what became of it. */
void saves_end (Saves *saves, SaveWhat *what);

/* The new file at the path @from is at @to now: if an earlier try to create it got no answer, that holds for @to as
 * well. */
void saves_renamed (Saves *saves, const char *from, const char *to);

/* Before anybody saves: takes what saves_settle() is to look up. Until that is done, who saves a file of such a name
 * looks for its record first. */
void saves_take_unclear (Saves *saves);
/* Looks up what a crashed mount of the profile had on the wire (journal_take_unclear()): to be asked once after
 * saves_new(), by one thread, and again after each ring until it returns true. What got there is done, what did not
 * becomes refused drafts, and callbacks are told as for any save; what could not be looked up (no connection) is left
 * to the next mount. */
bool saves_settle (Saves *saves, StoreWait *wait);

/* The record of which @field is @value: sets @id, 0 when there is none. ZOHO_ERROR_DUPLICATE when there are several,
 * ZOHO_ERROR_NOT_FOUND when there is no such field, or none that can be asked for. */
StoreState saves_find (Saves *saves, StoreModule *module, const char *field, const char *value, StoreWait *wait,
                       uint64_t *id, GError **error);

/* ---- deletes ----------------------------------------------------------------------------------------------------- */

/* Journals it; nothing is sent yet. Asked for twice is once. */
bool saves_delete_add (Saves *saves, StoreModule *module, uint64_t id, const char *name, const SaveWho *who,
                       GError **error);

/* It was no delete after all: the record was saved. Returns: true when there is none (any more); false with
 * ZOHO_ERROR_CHANGED when it is on the wire already, or with the disk's error. */
bool saves_delete_cancel (Saves *saves, StoreModule *module, uint64_t id, GError **error);

/* Takes up one that a mount before this one left, from journal_deletes(), which should be `certain`. */
void saves_delete_adopt (Saves *saves, StoreModule *module, const JournalDelete *left);

/* Is the record to be hidden: added, and neither cancelled nor refused? */
bool saves_delete_is_pending (Saves *saves, StoreModule *module, uint64_t id);

typedef struct
{
  StoreModule *module;
  uint64_t id;
  int64_t added_us; /* clock_now_us() */
  int64_t pid;
  bool on_wire;
} SaveDelete;

/* All that are pending: array of SaveDelete, to g_array_unref(). */
GArray *saves_deletes (Saves *saves);

/* Sends those of @ids that are pending and not on the wire, up to 100 a call. What Zoho refuses is shown again and told
 * to the callbacks; what could not be asked (no connection, ...) stays pending, and is sent when this is called
 * again. */
void saves_delete_send (Saves *saves, StoreModule *module, const uint64_t *ids, size_t count);

/* The same with -o dry_run: nothing is sent. Those of @ids that are pending are so no more, which the audit is told,
 * and `deleted` with ZOHO_ERROR_READ_ONLY before this returns. A dry run takes up no deletes of mounts before it
 * (saves_delete_adopt()), and has pretended its own before it calls saves_drain(), which sends. */
void saves_delete_pretend (Saves *saves, StoreModule *module, const uint64_t *ids, size_t count);

/* The store's record_gone told it: the names under which it was created are forgotten, unless it is known again by now.
 * Writes to the disk if there were such names: not for a thread that must not wait. */
void saves_record_gone (Saves *saves, StoreModule *module, uint64_t id);

/* Sends all deletes, once, and blocks until neither a delete nor a save is on the wire: as long as the client's
 * deadline. Returns: how many deletes could not be sent and stay in the journal. */
size_t saves_drain (Saves *saves);

typedef struct
{
  unsigned saves;   /* under way, those that wait for a call of their module included */
  unsigned deletes; /* pending */
} SavesStats;

void saves_stats (Saves *saves, SavesStats *stats);
