/* What the files of the save engine share. editing_nodes.c: nodes, drafts, handles; editing_commits.c: commits and
 * their order; editing_deletes.c: records that hide; editing_names.c and editing_io.c: the events; editing.c: the rest.
 */
#pragma once

#include "model/editing.h"
#include "model/names.h"

typedef struct
{
  uint64_t number;
  unsigned refs; /* the node's, handles', commits' */
  bool dirty;    /* written since the last commit of it */
  bool empty;
  /* Being sent, or among the user's drafts: either way it is not changed any more, and who writes gets a copy. */
  bool flying, kept;
  int broken;         /* errno with which a write to it failed; 0 */
  unsigned epoch;     /* counts commits */
  EditProcess writer; /* who wrote last */
} EditDraft;

typedef enum
{
  NODE_SCRATCH,
  NODE_LINK,
  NODE_NEW,     /* a *.json that is no record yet */
  NODE_FIELD,   /* <Field>=<value>.json, likewise */
  NODE_RECORD,  /* that of record `id` */
  NODE_NAMELESS /* unlinked or replaced; lives as long as its handles */
} EditNodeKind;

typedef struct
{
  uint64_t number;
  EditNodeKind kind;
  uint64_t id;
  char *name; /* under which it is, or was made; NULL: none known */
  EditDraft
      *draft; /* the live one, seen by all handles. A record's: not saved. NULL for a record as the server has it */
  uint64_t copy_of; /* the record from which it was renamed, as long as its bytes are that record's; or 0 */
  unsigned handles, writers, commits;
  int64_t empty_until_us; /* a record that was emptied and closed is shown so until then; 0 */
  /* Of NAMELESS alone. */
  bool was_file; /* a record's or a new one's: its bytes are kept when they are not saved */
  bool unlinked; /* not replaced */
  EditProcess gone_by;
} EditNode;

typedef struct
{
  uint64_t number;
  EditNode *node;
  EditDraft *draft; /* what it wrote; stays after a commit */
  unsigned epoch;   /* the draft's when it wrote last */
  EditProcess opener;
  bool writes, appends;
  int error; /* of a failed fsync, to be told once more by FLUSH; 0 */
} EditHandle;

/* One that deletes. */
typedef struct
{
  EditProcess process;
  unsigned deletes; /* that it asked for and did not take back */
  unsigned waiting;
  int64_t last_us;
  bool ended;
} EditDeleter;

typedef enum
{
  RECORD_THERE,
  RECORD_AWAY,     /* renamed to a scratch name */
  RECORD_UNLINKED, /* to be deleted */
  RECORD_DELETING  /* on the wire */
} EditRecordState;

typedef struct
{
  uint64_t id;
  EditRecordState state;
  EditNode *node; /* NULL: as the server has it */
  int64_t since_us;
  EditDeleter *deleter; /* of UNLINKED */
  bool at_once;         /* a drain asked for it */
} EditRecord;

typedef struct
{
  uint64_t request, handle;
  bool fsync;
} EditWaiter;

typedef struct
{
  uint64_t number;
  EditNode *node;
  EditDraft *draft; /* NULL until it is sent */
  EditVerb verb;
  uint64_t id;
  char *name; /* of INSERT and UPSERT, and of renames */
  bool sent;
  bool rename; /* the node gets the name when it is saved, else stays what it is */
  EditProcess process;
  GArray *waiters; /* of EditWaiter */
} EditCommit;

struct Editing
{
  EditingConfig config;
  EditingComplete complete;
  void *data;
  GHashTable *nodes;    /* number -> EditNode, owned */
  GHashTable *names;    /* key -> EditNode that is here alone */
  GHashTable *handles;  /* number -> EditHandle, owned */
  GHashTable *records;  /* id -> EditRecord, owned; those with a node or a state */
  GHashTable *deleters; /* EditProcess -> EditDeleter, owned */
  GHashTable *drafts;   /* number -> EditDraft, owned */
  GQueue commits;       /* EditCommit, oldest first; sent and waiting */
  uint64_t last_number; /* of nodes, drafts, commits */
  unsigned last_group;
  bool draining;
  /* Of the event at hand. */
  const EditEvent *event;
  GArray *actions;
};

bool edit_same_process (EditProcess a, EditProcess b);

/* Each returns a new action at the end of the list, to be filled before the next one is asked for. */
EditAction *edit_act (Editing *e, EditActionKind kind);
EditAction *edit_answer (Editing *e, int error);
void edit_act_id (Editing *e, EditActionKind kind, uint64_t id);

/* ---- nodes ---- */

/* "<id>.json" for a name with an id, else the name. To g_free(). */
char *edit_key (const char *name);
EditNode *edit_node_new (Editing *e, EditNodeKind kind, const char *name);
EditNode *edit_node_find (const Editing *e, uint64_t number);
EditNode *edit_node_named (const Editing *e, const char *name);
/* Gives a local node another name and kind, taking it out of where it was; whoever had the name loses it. */
void edit_node_move (Editing *e, EditNode *node, EditNodeKind kind, const char *name);
/* It has no name any more. */
void edit_node_lose (Editing *e, EditNode *node, bool unlinked);
/* Frees it when nothing needs it. */
void edit_node_check (Editing *e, EditNode *node);
/* A record that was emptied and closed may be about to be filled by the next program; else it is shown again. */
void edit_node_await (Editing *e, EditNode *node);
/* Makes a node the record's, under @name if not NULL, and loses the one that was. */
void edit_node_adopt (Editing *e, EditNode *node, uint64_t id, const char *name);
/* A record's node is a local file from now on, if it was one. */
void edit_node_release (Editing *e, EditNode *node, EditNodeKind kind, const char *name);
/* The record is not what it was: a file that was renamed from it is no copy of it. */
void edit_copies_forget (Editing *e, uint64_t id);
/* The record's node, made if it has none. */
EditNode *edit_node_of_record (Editing *e, uint64_t id);

void edit_draft_begin (Editing *e, EditNode *node, EditSeed seed, uint64_t from);
void edit_draft_set (Editing *e, EditDraft **place, EditDraft *draft);
/* Makes sure that the node has a live draft, for @handle if not NULL, that may be written to. */
void edit_draft_own (Editing *e, EditNode *node, EditHandle *handle);
/* A record whose draft is saved, kept or dropped is as the server has it. */
void edit_draft_retire (Editing *e, EditNode *node);
void edit_draft_keep (Editing *e, EditNode *node, EditDraft *draft, int error);

EditHandle *edit_handle_new (Editing *e, EditNode *node);
EditHandle *edit_handle_find (const Editing *e, uint64_t number);
void edit_handle_free (Editing *e, EditHandle *handle);
/* Has it written since the last commit? */
bool edit_handle_wrote (const EditHandle *handle);

/* ---- records ---- */

EditRecord *edit_record_find (const Editing *e, uint64_t id);
EditRecord *edit_record_get (Editing *e, uint64_t id);
void edit_record_check (Editing *e, EditRecord *record);
bool edit_record_hides (const Editing *e, uint64_t id);
void edit_record_away (Editing *e, uint64_t id);
void edit_record_unlink (Editing *e, uint64_t id, EditProcess process);
/* A name of it is there again: a save of the same record. */
void edit_record_back (Editing *e, uint64_t id);
bool edit_too_many (Editing *e, EditProcess process, unsigned elsewhere);
/* Records whose time away is over. */
void edit_records_return (Editing *e);
void edit_deletes_send (Editing *e);
void edit_delete_answered (Editing *e);
void edit_process_ended (Editing *e);
void edit_record_vanished (Editing *e, uint64_t id);

/* ---- commits ---- */

bool edit_commit_flies (const Editing *e, uint64_t id);
/* Asks for a commit of the node's draft. @handle: for whom the request waits, if @waits. */
void edit_commit (Editing *e, EditNode *node, EditHandle *handle, bool waits);
/* The commit that gives @node the name @name: record @id's, or with 0 a new one's. */
void edit_commit_rename (Editing *e, EditNode *node, const char *name, uint64_t id);
/* Waits for the commit that holds what the handle wrote. Returns: false when there is none. */
bool edit_commit_join (Editing *e, EditNode *node, EditHandle *handle);
void edit_commit_answered (Editing *e);
void edit_commit_interrupt (Editing *e);
void edit_commits_pump (Editing *e);
/* The record is gone: what would have been saved there becomes a new one. */
void edit_commits_unbind (Editing *e, uint64_t id);
/* The record that came of a name: what waits with that name is a save of it. */
void edit_commits_bind (Editing *e, const char *name, uint64_t id);

/* ---- events ---- */

void edit_on_lookup (Editing *e);
void edit_on_create (Editing *e);
void edit_on_rename (Editing *e);
void edit_on_unlink (Editing *e);
void edit_on_symlink (Editing *e);
void edit_on_open (Editing *e);
void edit_open_node (Editing *e, EditNode *node);
void edit_on_write (Editing *e);
void edit_on_truncate (Editing *e);
void edit_on_flush (Editing *e);
void edit_on_fsync (Editing *e);
void edit_on_release (Editing *e);
void edit_handle_release (Editing *e, EditHandle *handle);
void edit_on_failed (Editing *e);
/* Records that were emptied and closed long enough ago. */
void edit_empty_return (Editing *e);
int edit_read_only (const Editing *e);
