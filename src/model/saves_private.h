/* What the files of the save engine share. store->lock guards what lives in Saves, and of a Save what callbacks set;
 * the rest of a Save belongs to the thread that asks. */
#pragma once

#include "api/write.h"
#include "model/patch.h"
#include "model/private.h"
#include "model/saves.h"

typedef enum
{
  SAVE_PARSE,
  SAVE_FIELDS,
  SAVE_FIND,
  SAVE_CLAIM,
  SAVE_CURRENT,
  SAVE_READ,
  SAVE_HAVE_READ,
  SAVE_DECIDE,
  SAVE_SEND,
  SAVE_SENT,
  SAVE_TAGS,
  SAVE_CREATE,
  SAVE_ME,
  SAVE_POST,
  SAVE_POSTED,
  SAVE_LOOK,
  SAVE_LOOKED,
  SAVE_COMPARE,
  SAVE_VERIFY,
  SAVE_VERIFIED,
  SAVE_FIELDS_TO_SETTLE, /* where a save begins whose draft a crashed mount left */
  SAVE_SETTLE,
  SAVE_ENDED,
  SAVE_PHASES
} SavePhase;

typedef enum
{
  STEP_ON, /* the next phase */
  STEP_WAIT,
  STEP_DONE,
  STEP_FAILED
} SaveStep;

typedef struct
{
  StoreModule *module;
  uint64_t id;
} RecordKey;

struct Save
{
  Saves *saves;
  SaveWhat *what; /* NULL: given up */
  StoreModule *module;
  StoreModule *parent; /* of a note: whose it is, or NULL */
  uint64_t parent_id;
  char *name;
  char *path; /* for people */
  uint64_t id;
  char *by_field;   /* what->field */
  const char *verb; /* for the audit */
  SavePhase phase;
  json_t *document; /* the text */
  FieldSet *fields;
  json_t *current; /* what @patch was made against */
  Patch *patch;
  char *field; /* of a failure: where it is */
  bool claimed;
  bool fresh; /* @current was read since the save began */
  bool taken; /* some of it is in the CRM */
  bool noted; /* the draft says what was sent */
  bool open;  /* it may be there, and nobody can be asked any more */
  bool later; /* what cannot be looked up now is left to the next mount */
  bool upsert;
  unsigned tags_done; /* of add, remove */
  unsigned refusals;  /* 412 */
  uint64_t me;
  int64_t sent_s;
  json_t *row; /* to be created */
  size_t row_size;
  json_t *own_row;  /* while a doubt is looked into, and @row is that one's */
  bool adopted;     /* an earlier try, of which nobody knew, had made it */
  char **ignored;   /* of @row */
  guint looked;     /* how many of @candidates were compared */
  StoreEntry entry; /* of the result; sent and answer too */
  bool sent;
  GBytes *answer;
  GError *trouble; /* of a write of which it is not known whether it was taken, or that came after one that was */

  /* Lock held. */
  Bell landed;
  bool flying;
  bool on_wire;       /* something that writes went out */
  bool old_flight;    /* the flight that was joined had begun before */
  GError *failure;    /* of what landed */
  uint64_t created;   /* by what landed */
  int64_t created_us; /* when, if it had not been there before; 0: not */
  GArray *candidates; /* uint64_t: what a look found */
  uint64_t ticket;
};

/* Saves that wait for one call of their module. */
typedef struct
{
  StoreModule *module;
  bool create; /* else updates that nothing guards */
  bool flying;
  GQueue queue; /* Save * */
} Group;

typedef struct Settling Settling;

/* Of a draft's note: tags beside the fields. */
#define SAVE_TAGS_ADDED "+Tag"
#define SAVE_TAGS_REMOVED "-Tag"

struct Saves
{
  SavesConfig config;
  Store *store;
  pthread_cond_t idle; /* with store->lock: @active or a delete's state changed */
  unsigned active;     /* saves between their first question and saves_end(), and those given up on the wire */
  unsigned flying;     /* calls that write */
  Bell freed;          /* a claim was */
  GHashTable *claims;  /* set of RecordKey * */
  GHashTable *created; /* set of uint64_t *: ids of records made here */
  GPtrArray *groups;   /* Group * */
  GHashTable *fields;  /* StoreModule -> saves_fields.c's */
  GHashTable *finds;   /* saves_find.c */
  GHashTable *doubts;  /* "Leads/x.json" -> saves_create.c's */
  GHashTable *deletes; /* RecordKey * -> saves_delete.c's */
  GPtrArray *unclear;  /* Draft *, to saves_settle(), which one thread at a time calls; so with: */
  Settling *settling;
};

guint record_key_hash (gconstpointer key);
gboolean record_key_equal (gconstpointer a, gconstpointer b);

/* ---- saves.c ---- */

/* Makes what->save, which goes on from @phase. */
void save_begin (Saves *saves, SaveWhat *what, SavePhase phase);
/* Lock held, in a callback: what was waited for is there. Frees @save when it was given up. */
void save_landed (Save *save, const GError *error);
/* Takes the failure of what landed; NULL: none. */
GError *save_take_failure (Save *save);
/* Lock held: waits for save_landed(). */
SaveStep save_wait (Save *save, StoreWait *wait);
/* Ends in failure: tells the journal and the callbacks. @failure is taken over. */
SaveStep save_fail (Save *save, GError *failure, GError **error);
/* Ends without an outcome: save->later. @failure is taken over. */
SaveStep save_put_off (Save *save, GError *failure, GError **error);
/* Ends well. @outcome: for the audit. */
SaveStep save_succeed (Save *save, const char *outcome);
/* Lock held: nothing may be sent any more, because the mount is ending. */
bool saves_is_stopping (const Saves *saves, GError **error);
/* Lock held: a call that writes went out, or its answer was taken. */
void saves_flying (Saves *saves, int change);
/* Reads the record with a call that begins after now. STEP_ON: one that was made here has been read since then. */
SaveStep save_fetch (Save *save, StoreWait *wait, GError **error);
/* The record as the table has it, parsed; NULL: not here. */
json_t *save_document (Save *save, StoreEntry *entry);
/* The note is on the disk, or there is no draft. @body is the text of what goes out. */
bool save_note (Save *save, const json_t *body, GError **error);

/* ---- phases: saves_update.c, saves_create.c ---- */

SaveStep save_claim (Save *save, StoreWait *wait, GError **error);
SaveStep save_current (Save *save, StoreWait *wait, GError **error);
SaveStep save_read (Save *save, StoreWait *wait, GError **error);
SaveStep save_have_read (Save *save, StoreWait *wait, GError **error);
SaveStep save_decide (Save *save, StoreWait *wait, GError **error);
SaveStep save_send (Save *save, StoreWait *wait, GError **error);
SaveStep save_sent (Save *save, StoreWait *wait, GError **error);
SaveStep save_tags (Save *save, StoreWait *wait, GError **error);
SaveStep save_verify (Save *save, StoreWait *wait, GError **error);
SaveStep save_verified (Save *save, StoreWait *wait, GError **error);
/* It is not known whether @save made a record: who saves a file of that name looks for it first. */
void save_doubt (Save *save);
void saves_doubt_free (gpointer doubt);
/* The same of what another mount sent. @path: as report_path() makes it, taken over. */
void saves_doubt_put (Saves *saves, char *path, const json_t *row, int64_t sent_s, uint64_t me);
void saves_doubt_drop (Saves *saves, const char *path);
SaveStep save_create (Save *save, StoreWait *wait, GError **error);
SaveStep save_me (Save *save, StoreWait *wait, GError **error);
SaveStep save_post (Save *save, StoreWait *wait, GError **error);
SaveStep save_posted (Save *save, StoreWait *wait, GError **error);
SaveStep save_look (Save *save, StoreWait *wait, GError **error);
SaveStep save_looked (Save *save, StoreWait *wait, GError **error);
SaveStep save_compare (Save *save, StoreWait *wait, GError **error);

/* ---- saves_settle.c ---- */

SaveStep save_settle (Save *save, StoreWait *wait, GError **error);
void saves_settle_free (Saves *saves);

/* ---- saves_group.c ---- */

/* Lock held: @save->row goes out with the next call of its kind. */
void group_add (Save *save, bool create);
/* Lock held: if it waits for its group, it is not sent any more. Returns: false when it is on its way already. */
bool group_withdraw (Save *save);
void group_free (gpointer group);

/* ---- saves_fields.c ---- */

/* Lock held, after catalog_schema() was READY. To field_set_unref(). */
FieldSet *saves_fields (Saves *saves, StoreModule *module);
/* Lock held: is @field one that upsert can tell records by? */
bool saves_can_upsert (const StoreModule *module, const char *field);
void saves_fields_free (gpointer known);

/* ---- saves_find.c ---- */

void saves_find_free (gpointer find);
/* Lock held: what was found may be different now. */
void saves_find_forget (Saves *saves, const StoreModule *module);

/* ---- saves_delete.c ---- */

void saves_delete_free (gpointer pending);

/* ---- saves_report.c ---- */

/* Why, for the journal and errors.jsonl. */
void report_reason (const GError *failure, const char *field, DraftReason *reason);
/* What to do about a file that stays where it was written. */
const char *report_todo_in_place (const GError *failure);
void report_failure (Saves *saves, const char *path, const DraftReason *reason, const char *draft);
void report_audit (Saves *saves, const SaveAudit *audit);
/* "Leads/x.json", as the drafts have it. To g_free(). */
char *report_path (const StoreModule *module, const char *name);
/* Where the file is: of a note of record @parent_id of @parent, if that is not NULL. To g_free(). No lock held. */
char *report_place (const StoreModule *module, StoreModule *parent, uint64_t parent_id, const char *name);
/* Does @error leave open whether an update, delete or change of tags was made (api/write.h)? */
bool report_is_open (const GError *error);
