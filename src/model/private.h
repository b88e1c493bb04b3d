/* What the files of the model share: the store, its modules, entries and flights.
 *
 * One lock, store->lock, guards everything here. Nothing waits with it held: calls go out with client_send(), which
 * only queues, and their answers take the lock on a client worker thread. Rings and news for the listener are
 * collected in store->outbox while the lock is held and delivered by store_unlock() after it is dropped. Lock order:
 * store, client.
 *
 * JSON of an answer is freed by the worker that brought it: what is kept is a deep copy. */
#pragma once

#include "api/metadata.h"
#include "api/records.h"
#include "base/idset.h"
#include "base/workers.h"
#include "model/hot.h"
#include "model/names.h"
#include "model/store.h"

#include <pthread.h>

/* ---- wait.c ---- */

/* Something that lands one day; zeroed memory is a valid one. */
typedef struct
{
  GQueue waits; /* StoreWait *, linked by wait->link */
} Bell;

void store_lock (Store *store);
void store_unlock (Store *store); /* and delivers the outbox */

/* Lock held, all of them. */
StoreState bell_wait (Bell *bell, StoreWait *wait);
/* Rings all that wait; with @error each of them fails. */
void bell_ring (Store *store, Bell *bell, const GError *error);
/* The same for a call that went out at @sent_us: who began to wait later is rung to ask again, for the failure may
 * be of a time that is over. */
void bell_fail (Store *store, Bell *bell, const GError *error, int64_t sent_us);
/* The failure a ring left in @wait: moves it to @error. */
bool wait_failed (StoreWait *wait, GError **error);

/* To be asked before a call is started or joined for @wait, whatever the priority. Is the asker served with what is
 * known, and nothing else? Then what is old will do. NULL: no. */
bool wait_is_cached_only (StoreWait *wait);
/* The same where nothing is known: sets @error. */
bool wait_refused (StoreWait *wait, GError **error);

typedef enum
{
  NEWS_CHANGED,
  NEWS_GONE,
  NEWS_RENAMED,
  NEWS_LISTING,
  NEWS_MODULE_GONE,
  NEWS_MODULES /* of no module */
} NewsKind;
/* @name is taken over. */
void store_tell (Store *store, NewsKind kind, StoreModule *module, uint64_t id, char *name);

/* Books a call that went out with @ticket, lock held. Its answer begins with call_begin(), which takes the lock
 * before it reads the ticket (the answer may overtake the sender), and ends with call_end(), which drops the lock
 * and delivers; store_stop() waits for the latter. */
void call_sent (Store *store, uint64_t ticket);
void call_begin (Store *store, const uint64_t *ticket);
void call_end (Store *store);

/* ---- schema.c ---- */

/* A field that list pages leave out. */
typedef struct
{
  char *field;       /* of the parent */
  char *module;      /* subform or linking module */
  char *parent;      /* field of that module that names the parent record */
  char *connected;   /* linking: the field with the other record; NULL for a subform */
  GPtrArray *slices; /* deep_slices() */
  struct Schema *schema; /* of that module; NULL until known; owned by its StoreModule */
} DeepField;

/* What the documents of a module consist of. Immutable once the schemas of its deep fields are known. */
typedef struct Schema
{
  GPtrArray *fields;   /* char *: visible API names, sorted */
  GPtrArray *slices;   /* char *: `fields` parameters */
  GPtrArray *deep;     /* DeepField * */
  GPtrArray *rich;     /* char *: rich text fields; also in slices */
  GPtrArray *computed; /* char *: formulas and rollups, which change without their record; fields' own */
  GHashTable *known;   /* set of fields, for filtering */
  char *label;         /* the display field, or NULL */
  const char *label_else; /* the field whose first words are the label where that is empty, or NULL */
  char *rich_fields;   /* comma list of rich */
  char *watched;       /* see schema_watched() */
  bool has_modified;   /* Modified_Time is among the fields */
  bool has_se_module;  /* What_Id is */
} Schema;

Schema *schema_new (const char *module, const char *display_field, json_t *fields);
void schema_free (Schema *schema);
/* Of a module of Zoho's own, where the metadata does not tell; NULL: it is none. */
const char *schema_display_field (const char *module);
/* Equal digests, equal documents of equal records. */
uint64_t schema_digest (const Schema *schema);
/* Does one list call give whole rows? */
bool schema_is_flat (const Schema *schema);
/* The `fields` parameter that tells of a row whether its document is the same. */
const char *schema_watched (const Schema *schema);
/* Is @field of a subform or linking row part of the parent's document? */
bool schema_row_field (const char *field);

/* The slices in which the rows of @deep are listed, with what names their parent. To be kept by the caller's @deep:
 * freed with it. */
GPtrArray *deep_slices (DeepField *deep);

/* ---- record.c ---- */

/* A document being put together. */
typedef struct
{
  GBytes *text;
  uint64_t version;
  int64_t mtime;
  char *label;
} Document;

/* From a whole record (deep fields as a GET shows them). */
void document_make (const Schema *schema, const json_t *record, uint64_t id, Document *document);
void document_clear (Document *document);
/* One row of a subform or linking module as it stands in the parent's document; a new reference. */
json_t *document_row (const DeepField *deep, const json_t *row);
/* Sorts such rows by id and sets them as @field of @record; none: null. */
void document_set_rows (json_t *record, const char *field, json_t *rows);
uint64_t row_id (const json_t *row);        /* checked by api/rows.c */
int64_t row_modified (const json_t *row);   /* 0 when there is none */
/* May a rich text of @row, from a list page, be a cut one? */
bool document_maybe_cut (const Schema *schema, const json_t *row);
/* Has one of @record, from a GET, just the length at which a list page cuts? */
bool document_has_cut_length (const Schema *schema, const json_t *record);
/* Puts the rich texts of @full, from fetch_full_data, into @record. */
void document_take_full (const Schema *schema, json_t *record, const json_t *full);

/* ---- table.c ---- */

typedef struct
{
  uint64_t id;
  uint64_t version;   /* of its document on disk; 0: none yet */
  int64_t mtime;
  int64_t checked_us; /* when we last knew it to be current; for single records outside a listing */
  char *label;        /* NULL: not known */
  uint32_t size;      /* of the document */
  bool listed;        /* in the order */
  bool unsettled;     /* it changed in the very second in which it was read, and so may have changed again unseen */
} Entry;

/* Ids in the order they came, shared by the lists that were opened on it. */
typedef struct
{
  unsigned references;
  GArray *ids; /* uint64_t; only grows */
} Order;

typedef struct Table Table;

typedef struct
{
  GHashTableIter iter;
} TableIter;

/* Without a lock while nobody else knows it. */
Table *table_new (void);
void table_free (Table *table); /* NULL is fine */
void table_restore (Table *table, const DiskEntry *kept);

/* Lock held, all below. */
Order *table_order (const Table *table);
size_t table_size (const Table *table);
uint64_t table_bytes (const Table *table); /* of all documents */
/* Nothing may be put or removed meanwhile. */
void table_iterate (const Table *table, TableIter *iter);
Entry *table_next (TableIter *iter); /* NULL at the end */
Entry *table_find (const StoreModule *module, uint64_t id);
/* The entry, made when new. Appends it to the order when @listed and not in it yet. */
Entry *table_put (StoreModule *module, uint64_t id, bool listed);
/* Takes over @document's label. Tells the listener what changed; the entry is current as of now. */
void table_set (StoreModule *module, Entry *entry, Document *document);
/* Is the record known as of later than @mtime, from an answer that came after @asked_us? Then what an answer shows that
 * was asked for at @asked_us is the record as it was, before a save for instance, and is not to be set. */
bool table_is_newer (const StoreModule *module, uint64_t id, int64_t mtime, int64_t asked_us);
/* The document of @entry is another one than we have: it is to be fetched. */
void table_outdate (StoreModule *module, Entry *entry);
/* Tells the listener. @deleted_at: when it was deleted, and so may be restored; 0: it is just not there. */
void table_remove (StoreModule *module, uint64_t id, int64_t deleted_at);
/* Makes @table, from disk, the module's, with what was known before. */
void table_adopt (StoreModule *module, Table *table);
void entry_fill (const Entry *entry, StoreEntry *out);
Order *order_ref (Order *order);
void order_unref (Order *order);
/* @name is taken over. @old_version 0: there was none, or which fields differ does not matter. */
void store_tell_event (StoreModule *module, StoreEventKind kind, const Entry *entry, char *name, uint64_t old_version,
                       GBytes *text);

/* ---- sweep.c ---- */

/* All rows of one module, slice by slice, page by page, from both ends. Rows come to @row (lock held) once all
 * slices of them are there. */
typedef struct Sweep Sweep;

typedef struct
{
  const char *module;
  const char *parent_module, *parent_id; /* not NULL: the rows in the related list @module of this record */
  const GPtrArray *slices;
  int64_t count;               /* how many rows to expect; -1 unknown */
  const char *ids;             /* these rows alone, comma separated; NULL: all */
  bool sorted;                   /* Zoho's own order is another one than the newest first */
  const char *if_modified_since; /* a delta: no numbered pages ahead, one end only; NULL: all rows */
  ClientPriority priority;
  /* Not NULL, one slice: the documents of rows are made ahead, without the lock; it must outlive the sweep's calls. */
  const Schema *schema;
  /* A whole row (slices joined), once per id. @torn: its slices name different Modified_Times. @document: made
   * ahead, to be cleared or taken, or NULL. Lock held. */
  void (*row) (void *data, uint64_t id, json_t *row, bool torn, Document *document);
  /* After each page and at the end; @error: sending stopped, sweep_pump() tries again. Lock held. May free the sweep
   * only when sweep_done(). */
  void (*progress) (void *data, const GError *error);
  /* Rows of the first slice as they come, before they are whole; NULL: not wanted. Lock held. */
  void (*name) (void *data, uint64_t id, const json_t *row);
  void *data;
} SweepConfig;

/* Lock held, all of them. Nothing is sent before sweep_pump(). */
void sweep_expect (Sweep *sweep, int64_t count); /* the count came later */
Sweep *sweep_new (Store *store, const SweepConfig *config);
/* Sends what may be sent while fewer than @want rows have landed. */
void sweep_pump (Sweep *sweep, uint64_t want);
bool sweep_done (const Sweep *sweep);
/* Page tokens reach no further: the rows with ids between @after and @before are left. */
bool sweep_is_capped (const Sweep *sweep, uint64_t *after, uint64_t *before);
bool sweep_flying (const Sweep *sweep); /* something is in flight */
bool sweep_saw (const Sweep *sweep, uint64_t id); /* its whole row was given */
uint64_t sweep_rows (const Sweep *sweep); /* whole ones given */
unsigned sweep_pages (const Sweep *sweep); /* landed */
int64_t sweep_began_us (const Sweep *sweep); /* nothing of it was asked for before */
int64_t sweep_failed_us (const Sweep *sweep); /* when the call that failed last went out */
int64_t sweep_server_time (const Sweep *sweep); /* of the first answer, 0 unknown */
/* Calls in flight are let go: their answers will be dropped. */
void sweep_free (Sweep *sweep);

/* ---- middle.c: names and times of what a capped sweep leaves ---- */

typedef struct Middle Middle;
typedef void (*MiddleRow) (void *data, uint64_t id, const json_t *row); /* lock held */
/* After each answer; lock held; it may free the middle. */
typedef void (*MiddleProgress) (void *data, const GError *error);

/* Lock held, all of them. Bounds are exclusive. Nothing is sent before middle_pump(). */
Middle *middle_new (StoreModule *module, uint64_t after, uint64_t before, MiddleRow row, MiddleProgress progress,
                    void *data);
/* Sends while fewer than @want rows have landed. */
void middle_pump (Middle *middle, uint64_t want);
bool middle_done (const Middle *middle);
bool middle_flying (const Middle *middle);
void middle_free (Middle *middle); /* NULL is fine */

/* ---- the store ---- */

typedef struct Notes Notes;     /* notes.c: which record has which */
typedef struct Load Load;       /* load.c: a listing being made */
typedef struct Refresh Refresh; /* refresh.c: what changed */

typedef enum
{
  MODULE_RECORDS,
  MODULE_USERS,
  MODULE_NOTES
} ModuleKind;

/*   state      listing              leaves when
 *   UNLISTED   none                 somebody looks at it         -> RESTORING
 *   RESTORING  none                 the disk had it              -> LISTED
 *                                   the disk had none            -> LOADING, once somebody lists it
 *   LOADING    grows while read     everything has landed        -> LISTED
 *   LISTED     whole                fields changed, delta broke  -> LOADING
 */
typedef enum
{
  LISTING_UNLISTED,
  LISTING_RESTORING,
  LISTING_LOADING,
  LISTING_LISTED
} ListingState;

typedef struct
{
  uint64_t id;
  uint64_t record;
  int64_t mtime; /* 0: not known */
  bool unsettled; /* see Entry */
} RowKnown;

struct StoreModule
{
  Store *store;
  ModuleKind kind;
  char *name;
  _Atomic uint64_t number;
  json_t *metadata;       /* its row of /settings/modules */
  char *display_field;    /* as metadata says, or NULL */

  Schema *schema;         /* NULL until asked */
  GPtrArray *old_schemas; /* Schema *: calls under way may still use them; freed with the store */
  json_t *fields;         /* rows of /settings/fields, kept for the texts */
  int64_t schema_until_us;
  bool schema_flying;
  Bell schema_landed;
  int64_t count;          /* as Zoho counted lately; -1 unknown */
  uint64_t count_ticket;
  bool count_flying;
  bool counted;           /* the count is for a listing that has not begun */

  Table *table;
  uint64_t version;       /* of the set of names */
  int64_t mtime;          /* of the directory; 0: nobody has asked yet */

  ListingState listing;
  bool second_pass;       /* the load under way follows one in which records went away */
  Load *load;
  int64_t fresh_until_us; /* the listing; LISTED only; 0: not looked at since it was restored */
  int64_t since;          /* server time up to which all changes are known */
  int64_t swept;          /* server time of the last look at all ids */
  struct IdSweep *id_sweep; /* under way, or NULL */
  Refresh *refresh;       /* in flight, or NULL */
  Bell refreshed;
  bool stale_offline;     /* the last refresh found no connection */

  int64_t refreshed_us;   /* when the last revalidation or listing ended */
  GHashTable *deleted;    /* ids that /deleted named -> int64_t *: when; they may be restored */
  GHashTable *rows;       /* set of RowKnown, by the id of a subform or linking row */

  uint64_t epoch;         /* index.c, to the next blank line */
  int64_t index_since, index_written;
  bool index_dirty, restore_tried;
  Bell restored;

  GHashTable *flights;    /* id -> Flight (fetch.c) */
  GPtrArray *batches;     /* batch.c: in flight */
  guint batch_place;      /* in the order: where the last one ended */
  GHashTable *missing;    /* id -> int64_t *: known not to be there, until */

  json_t *related_lists;  /* texts.c */
  bool related_flying;
  Bell related_landed;
};

struct Store
{
  StoreConfig config;
  pthread_mutex_t lock;   /* guards all below, and all modules */
  pthread_cond_t quiet;   /* calls became 0 */
  unsigned calls;
  GHashTable *tickets;    /* set of uint64_t * */
  bool stopping;
  GQueue outbox;          /* wait.c */
  Hot *hot;               /* documents used last */
  int64_t began_s;
  int64_t server_s;       /* when the answer that is being taken was made, by the server's clock; 0 unknown */
  Workers *reader;        /* reads indexes from disk */

  GHashTable *modules;    /* name -> StoreModule; never removed while the store lives */
  GPtrArray *listed;      /* StoreModule *: the directories, sorted */
  int64_t modules_until_us;
  bool modules_known, modules_flying;
  Bell modules_landed;

  Notes *notes;

  StoreModule *users;
  uint64_t me;
  bool me_flying;
  Bell me_landed;

  struct Founds *founds;  /* found.c; NULL until somebody asks */
  GHashTable *links;      /* related.c: links being made or taken away; NULL until then */
  struct QuerySlots *query_slots; /* query_slots.c */
  struct Queries *queries;        /* queries.c */

  json_t *org;            /* texts.c */
  bool org_flying;
  Bell org_landed;

  struct Attachments *attachments; /* attachments.c; NULL before attachments_begin() */
};

/* After a revalidation that found no connection, the next one is tried this much later. */
#define REFRESH_OFFLINE_RETRY_US (5 * INT64_C (1000000))
#define MISSING_TTL_US (1 * INT64_C (1000000))
#define OVERLAP_S 120 /* of deltas: clocks and comparisons differ (doc/api-notes.md) */

/* catalog.c; lock held */
StoreModule *module_new (Store *store, ModuleKind kind, const char *name, uint64_t number);
void module_free (StoreModule *module);
StoreState catalog_modules (Store *store, StoreWait *wait, GError **error);
/* Asks for modules when they are not known or old, and @wait (or NULL) may. */
void catalog_look_again (Store *store, StoreWait *wait, ClientPriority priority);
/* The module's schema and those of its subforms. */
StoreState catalog_schema (StoreModule *module, StoreWait *wait, GError **error);
/* Is the field hidden by the configuration? */
bool catalog_hides (const StoreModule *module, const char *field);
/* Is the one by which its records are called? Then answers that name them are not believed. */
bool catalog_hides_label (const StoreModule *module);
/* Those of @rows that the configuration does not hide: what is not among the fields is nowhere. A new reference. */
json_t *catalog_shown (const StoreModule *module, json_t *rows);
/* Notes which record a subform or linking row belongs to, for deletions, which name no parent. */
void module_note_row (StoreModule *module, uint64_t id, uint64_t record, int64_t mtime);
const RowKnown *module_row (const StoreModule *module, uint64_t row); /* NULL: not known */
void module_forget_row (StoreModule *module, uint64_t row);

/* index.c; lock held */
uint64_t module_key (const StoreModule *module); /* on disk */
/* The module is listed from scratch. */
void index_begin (StoreModule *module);
void index_put (StoreModule *module, const Entry *entry);
void index_remove (StoreModule *module, uint64_t id, int64_t deleted_at);
void index_put_row (StoreModule *module, const RowKnown *row);
void index_remove_row (StoreModule *module, uint64_t row);
/* All changes up to module->since are in the table. */
void index_end (StoreModule *module);
/* The directory's mtime, as an earlier mount left it; 0: there is no index. */
int64_t index_mtime (const StoreModule *module);
/* Takes up what an earlier mount left, once; READY: the listing is LISTED, or has to be made. */
StoreState index_restore (StoreModule *module, StoreWait *wait, GError **error);

/* idsweep.c; lock held: looks at all ids in the background when it is time. */
void idsweep_consider (StoreModule *module);
void idsweep_free (StoreModule *module);

/* load.c; lock held */
/* The module will be listed once its fields are known: what can be asked before that is. */
void load_foresee (StoreModule *module, StoreWait *wait);
/* Starts the first listing or goes on with it; READY once it streams. */
StoreState load_begin (StoreModule *module, StoreWait *wait, GError **error);
/* More is wanted: @rows of them in all. WAITING until something lands. */
StoreState load_want (StoreModule *module, uint64_t rows, StoreWait *wait, GError **error);
/* Are documents on their way with the listing under way, and not only names? */
bool load_brings_documents (const StoreModule *module);
void load_free (Load *load);

/* refresh.c; lock held */
/* Revalidates a LISTED module. */
StoreState refresh_module (StoreModule *module, StoreWait *wait, GError **error);
/* What changed since @since (server time): @done, lock held, once it is in the table. @deep: also subform and linking
 * rows. @relist: too much changed to be fetched one by one. */
/* @sent_us: when its calls began to go out. */
typedef void (*RefreshDone) (void *data, int64_t server_time, bool relist, int64_t sent_us, const GError *error);
Refresh *refresh_new (StoreModule *module, int64_t since, bool deep, RefreshDone done, void *data);
/* Its @done will not be called any more. NULL is fine. */
void refresh_free (Refresh *refresh);

/* Did what has that Modified_Time change in the second of the answer being taken? */
bool store_is_unsettled (const Store *store, int64_t mtime);

bool refresh_is_offline (const StoreModule *module, const GError *error); /* old answers are to be served instead */

/* fetch.c; lock held: one record, afresh. READY means the entry in the table was fetched since @wait began. */
StoreState fetch_record (StoreModule *module, uint64_t id, StoreWait *wait, GError **error);
/* The same for the model itself: @done (lock held) once it is in the table, or has failed. The schema must be known. */
typedef void (*FetchDone) (void *data, uint64_t id, const GError *error);
void fetch_for (StoreModule *module, uint64_t id, FetchDone done, void *data);
/* Begins to fetch records that were just made, with few calls where lists have all of them; whoever then wants one of
 * them joins in. Else it does nothing. */
void fetch_together (StoreModule *module, const uint64_t *ids, size_t count);
/* @done with @data will not be called any more. */
void fetch_forget (StoreModule *module, void *data);

/* batch.c; lock held: the same, with what is listed next to it and lacks its document too. */
StoreState batch_fetch (StoreModule *module, uint64_t id, StoreWait *wait, GError **error);
void batches_free (StoreModule *module);

/* texts.c; lock held: module->related_lists */
StoreState texts_related_lists (StoreModule *module, StoreWait *wait, GError **error);

/* people.c; lock held: the whole of /Users */
StoreState people_load (StoreModule *users, StoreWait *wait, GError **error);

/* notes.c; lock held */
Notes *notes_new (Store *store);
void notes_free (Notes *notes); /* NULL is fine */
/* A note came by itself, or is gone. */
void notes_took (StoreModule *notes, uint64_t id, const json_t *row);
void notes_lost (StoreModule *notes, uint64_t id);
/* READY: what is known of note @id is fresh; or, with @fetch, it is to be fetched. */
StoreState notes_freshen (StoreModule *notes, uint64_t id, StoreWait *wait, bool *fetch, GError **error);

/* store.c: when this wait began; a thing checked since then is fresh for it whatever the TTL. */
int64_t wait_began_us (StoreWait *wait);
/* Lock held: no more questions, and nothing more is sent. Sets @error then. */
bool store_is_stopping (const Store *store, GError **error);

/* attachments.c: frees what attachments_begin() made, if it was called. No call is under way, no lock is held. */
void attachments_end (Store *store);
