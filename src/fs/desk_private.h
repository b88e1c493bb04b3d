/* What the files of the desk share. desk.c: feeding, and what comes of it; desk_commit.c: saves; desk_left.c: what an
 * earlier mount left; desk_time.c: the clock, and the end; desk_look.c: what is to be seen. */
#pragma once

#include "base/workers.h"
#include "fs/desk.h"
#include "fs/fs.h"
#include "model/names.h"
#include "fs/readers.h"

#define DESK_DELETE_DELAY_US (INT64_C (2) * 1000000)
#define DESK_DELETE_WAIT_US (INT64_C (60) * 1000000)

/* A node of the save engine. */
typedef struct
{
  uint64_t number;
  uint64_t id;   /* of the record that it is; 0 */
  bool scratch;  /* its bytes need not outlive the mount */
  Scratch *link; /* of a symlink */
} DeskNode;

/* A draft of the save engine. */
typedef struct
{
  uint64_t number, node;
  Content *content;
  /* Who wrote last. */
  uid_t uid;
  pid_t pid;
  char program[WHO_PROGRAM_SIZE];
} DeskText;

typedef struct
{
  uint64_t number;
  GBytes *opened; /* or NULL */
} DeskHandle;

/* What a process saved last to a record. */
typedef struct
{
  EditProcess process;
  uint64_t id;
  GBytes *text, *answer;
  int64_t us;
} DeskSaved;

/* A directory. */
typedef struct
{
  StoreModule *module; /* of its records */
  StoreModule *parent; /* of notes: whose they are; else NULL */
  uint64_t parent_id;
} DeskPlace;

struct Desk
{
  DeskPlace place; /* the key in Desks.table */
  Desks *desks;
  StoreModule *module; /* place.module */
  pthread_mutex_t lock; /* guards the rest */
  Editing *editing;
  GHashTable *nodes;   /* number -> DeskNode */
  GHashTable *by_id;   /* id -> DeskNode that is the record's, borrowed */
  GHashTable *texts;   /* draft number -> DeskText */
  GHashTable *handles; /* number -> DeskHandle */
  GHashTable *waiting; /* request -> DeskCall, borrowed */
  GHashTable *commits; /* number -> Commit, borrowed: under way */
  GHashTable *flying;  /* set of ids: deletes on the wire */
  GArray *retries;     /* ids of deletes that could not be asked */
  int64_t retry_us;
  GQueue saved;        /* DeskSaved, the newest first */
  uint64_t last_number; /* of requests and handles */
  uint64_t version;
};

struct Desks
{
  Fs *fs;
  FsWriting writing;
  Readers *readers;
  Workers *workers; /* on which saves go on */
  pthread_mutex_t lock; /* guards the rest; taken before a desk's */
  pthread_cond_t news; /* for the clock */
  pthread_cond_t idle; /* a save or a delete has ended */
  GHashTable *table;    /* set of Desk, by place */
  GPtrArray *notes;     /* Desk *: those of notes, borrowed; by what their numbers begin with */
  atomic_bool any;      /* the table is not empty */
  bool taking_up; /* deletes of an earlier mount */
  bool stopping;
  bool stirred;         /* there may be something earlier to wait for */
  pthread_t clock;
};

/* What is to be done once the lock is dropped. */
typedef struct
{
  GPtrArray *rings;   /* DeskCall */
  GPtrArray *commits; /* Commit */
  GArray *deletes;    /* ids */
} Outcome;

/* Feeds an event of the world. */
void desk_tell (Desk *desk, EditEvent *event);
/* Feeds EDIT_COMMITTED. @failure: why it was refused, or NULL. */
void desk_committed (Desk *desk, EditEvent *event, const GError *failure);
/* "Leads/x.json", for people. To g_free(). */
char *desk_path (const Desk *desk, const char *name);
/* Lock held: the text of a draft; NULL. */
DeskText *desk_text (const Desk *desk, uint64_t draft);
/* The record's name, for people. To g_free(). */
char *desk_record_name (const Desk *desk, uint64_t id);
/* Lock held: is @node what people see of record @id? One that was unlinked while it was open is, until the record is
 * back or has another one. */
bool desk_is_seen (const Desk *desk, const DeskNode *node, uint64_t id);
/* Wakes the clock, and whoever waits for saves and deletes to end. */
void desks_stir (Desks *desks);

/* ---- desk_commit.c ---- */

typedef struct Commit Commit;

/* Lock held. @broken: why the local disk has just not taken the text, or NULL. */
Commit *commit_new (Desk *desk, const EditAction *action, DeskText *text, const GError *broken);
/* No lock held. */
void commit_start (Commit *commit);
void desk_saved_free (gpointer saved);
/* Lock held: it should be given up, if that is still possible. */
void commit_interrupt (Commit *commit);
/* Lock held: puts a text among the user's drafts. @failure: of the commit that has just ended, or NULL. */
void desk_keep (Desk *desk, const EditAction *action, const GError *failure);
/* Lock held: a line of errors.jsonl. */
void desk_report (Desk *desk, const char *name, int error, const char *message, const char *todo, bool kept);

/* ---- desk_left.c ---- */

void desks_take_up (Desks *desks);

/* ---- desk_time.c ---- */

void desks_start_clock (Desks *desks);
/* Ids of deletes go out, or are only told with -o dry_run. */
void desk_send_deletes (Desk *desk, const uint64_t *ids, size_t count);
