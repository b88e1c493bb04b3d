/* What becomes of the files that programs write in a module's directory: which save is sent, which file stays local,
 * what is deleted. Only decisions: no contents, no clock, no threads, no network. Events go in, actions come out; the
 * state between them is one Editing per directory. The rules are in doc/saving.md, the state table is at the head of
 * editing.c.
 *
 * For the one who feeds it (one lock per directory around every call here):
 *
 * - Each event of a program carries a @request of yours, and is answered by just one EDIT_ANSWER with that request:
 * mostly among the actions at once, else when the commit that it waits for is answered. Actions are to be done in their
 * order, before the next event; an EDIT_ANSWER, and what needs the network, after the lock is dropped.
 * - Names: tell which record a name means on the server: `id` for `name`, `new_id` for `new_name`, 0 for none. That is
 * the id that is in the name if there is such a record; else what is known by EDIT_ALIAS (a name with an id in it is an
 * alias as "<id>.json", whatever its label); for "<Field>=<value>.json" the record that has the value. Several records,
 * a locked record or another reason to refuse: answer that yourself and feed nothing. A record stays known although it
 * was unlinked or renamed: whether it hides is decided here.
 * - Nodes: a number here for each file that a writer has touched. Records that nobody writes have none: EDIT_ANSWER
 * then has node 0 and the id, and the file is as the server has it. Opens for reading of such need not be told. Keep
 * the number at your inode; events on an inode carry its `node`, or `id` for a record without one. An answer to
 * EDIT_OPEN brings the number that your inode of the record has from now on. EDIT_ADOPT says that a node is now the
 * record's; whatever inode was the record's before is cut off from it and keeps its text for those who have it open.
 * EDIT_DROP_NODE takes the number back: an inode of a record is then again as the server has it, another one has no
 * contents any more (ESTALE).
 * - Drafts: a number for each text that programs write. EDIT_DRAFT makes one, EDIT_DROP_DRAFT ends it. EDIT_WRITE is
 *   fed first; the answer's `draft` is then written to (where `at_end` is set: at its end, whatever the offset says).
 * If that or EDIT_RESIZE fails, feed EDIT_FAILED before you reply. A handle shows editing_shown(); 0: the text it was
 * opened with.
 * - EDIT_COMMIT: send the draft, which is not changed until you feed EDIT_COMMITTED (who writes meanwhile gets a copy).
 * An unchanged document is committed without sending anything. When it is saved, settle size, time and the kernel's
 * caches before you feed it.
 * - Time: feed EDIT_TIME at editing_next_us(), or later, and EDIT_ENDED for those of editing_processes() that have
 * ended.
 *
 * One thread at a time. Pure: the same events give the same actions. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Editing Editing;

#define EDIT_NAME_SIZE 256
#define EDIT_GROUP_MAX 100 /* ids of a delete call */

/* A thread group and when it began, so that a number used again is another one. */
typedef struct
{
  uint64_t group, start;
} EditProcess;

typedef struct
{
  /* Errnos with which it is refused; 0: allowed. All three: a read-only directory, in which nothing is written. */
  int no_create, no_update, no_delete;
  int64_t delete_delay_us; /* how long an unlinked or renamed record is just not there */
  int64_t delete_wait_us;  /* how long a delete waits for its process to end */
  unsigned max_deletes;    /* by one process */
  bool notes;              /* the directory is a record's notes: names_read_note() */
  uint64_t numbers;        /* of nodes: above this one */
} EditingConfig;

/* Is the text of @draft, as it is now, one whole JSON value? Called under your lock, for FLUSH and fsync by others than
 * those who opened the file. */
typedef bool (*EditingComplete) (uint64_t draft, void *data);

typedef enum
{
  /* Of programs; all with request, process. */
  EDIT_LOOKUP,   /* name, id */
  EDIT_CREATE,   /* name, id, handle, flags */
  EDIT_OPEN,     /* node or id, handle, flags */
  EDIT_WRITE,    /* handle, size */
  EDIT_TRUNCATE, /* handle, or node or id; size */
  EDIT_FLUSH,    /* handle */
  EDIT_FSYNC,    /* handle */
  EDIT_RELEASE,  /* handle; no process is known */
  EDIT_RENAME,   /* name, id, new_name, new_id, rename_flags as renameat2 has them */
  EDIT_UNLINK,   /* name, id; deletes_elsewhere */
  EDIT_LINK,
  EDIT_SYMLINK, /* name, id */
  EDIT_MKDIR,
  EDIT_SETATTR, /* mode, owner, times; size is EDIT_TRUNCATE */
  EDIT_GETATTR,
  EDIT_INTERRUPT, /* request: the one to give up, if it still can be; this event itself is not answered */
  /* Of the world; not answered. */
  EDIT_FAILED,    /* handle or node; error: what was answered could not be written to the draft */
  EDIT_TIME,      /* nothing but now_us */
  EDIT_ENDED,     /* process */
  EDIT_COMMITTED, /* commit, outcome; error unless it was saved or pretended; id of a record that was made, or found */
  EDIT_DELETED,   /* id; error: 0, ENOENT, or what refused it */
  EDIT_APPEARED,  /* id: the server has it, again */
  EDIT_CHANGED,   /* id */
  EDIT_VANISHED,  /* id */
  EDIT_DRAIN,     /* deletes go at once */
  EDIT_UNMOUNT,   /* the last one: after a drain, what is not saved is kept; handles count as released */
} EditEventKind;

typedef enum
{
  EDIT_READS = 1,
  EDIT_WRITES = 2,
  EDIT_TRUNCATES = 4,
  EDIT_APPENDS = 8,
  EDIT_EXCLUSIVE = 16,
} EditFlags;

typedef enum
{
  EDIT_SAVED,
  EDIT_REFUSED,
  EDIT_UNSENT, /* interrupted before it went out: the draft goes on as if nothing was tried */
  /* A dry run: it was found good, and nothing was sent. A record reads as the server has it; a new file is here alone
   * under the name it was given, and not saved again until it is written. */
  EDIT_PRETENDED,
} EditOutcome;

typedef struct
{
  EditEventKind kind;
  int64_t now_us; /* always; never goes back */
  uint64_t request;
  EditProcess process;
  const char *name, *new_name; /* one path component, less than EDIT_NAME_SIZE bytes */
  uint64_t id, new_id;
  uint64_t node;
  uint64_t handle; /* a number of yours, not 0, not in use */
  unsigned flags, rename_flags;
  int64_t size;
  unsigned deletes_elsewhere; /* editing_deletes_of() the other directories */
  uint64_t commit;
  EditOutcome outcome;
  int error;
} EditEvent;

typedef enum
{
  EDIT_ANSWER,     /* request, error; where it makes sense: node, id, draft, at_end */
  EDIT_DRAFT,      /* draft, node, id of a record's, seed, from (a draft) or handle */
  EDIT_RESIZE,     /* draft, size: truncate it */
  EDIT_DROP_DRAFT, /* draft: nobody needs its bytes any more */
  EDIT_COMMIT,     /* commit, verb, node, draft, id or name, process; wait: somebody waits for it */
  EDIT_KEEP_DRAFT, /* draft, node, id, name (may be ""), error (0: replaced, or unmounted, before it was saved): to
                    * the user's drafts, with the reason; readable until it is dropped */
  EDIT_STAYS,      /* draft, node, name, error: refused, but the new file stays in the directory as it is */
  EDIT_RESTORE,    /* node, id: new opens read what the server has */
  EDIT_ALIAS,      /* name, id: keep it before anything is answered */
  EDIT_ADOPT, /* node is the record id's, 0: is a local file; from: the one that was, 0: your inode of it, if any */
  EDIT_HIDE,  /* id: none of its names is there */
  EDIT_SHOW_AGAIN,      /* id: its names are there; node, 0: an inode of yours that is new */
  EDIT_SCHEDULE_DELETE, /* id, process, at_us: not before that time; durable before it is answered */
  EDIT_CANCEL_DELETE,   /* id; durable before anything else is done to the record */
  EDIT_SEND_DELETE,     /* id, group: those with one group go in one call */
  EDIT_TOO_MANY,        /* process, id: what to tell, beside the EPERM of the answer */
  EDIT_DROP_NODE,       /* node */
} EditActionKind;

typedef enum
{
  EDIT_SEED_EMPTY,
  EDIT_SEED_HANDLE, /* what `handle` shows: the text it was opened with */
  EDIT_SEED_SERVER, /* the record as it is on the server */
  EDIT_SEED_DRAFT,  /* what `from` holds */
} EditSeed;

typedef enum
{
  EDIT_SAVE,   /* of record id */
  EDIT_INSERT, /* a new record, written as name */
  EDIT_UPSERT, /* "<Field>=<value>.json", which no record has */
} EditVerb;

typedef struct
{
  EditActionKind kind;
  uint64_t request, node, id, draft, from, handle, commit;
  int error;
  bool at_end, wait;
  EditSeed seed;
  EditVerb verb;
  EditProcess process;
  int64_t at_us;
  unsigned group;
  int64_t size;
  char name[EDIT_NAME_SIZE];
} EditAction;

/* Returns: to editing_free(). */
Editing *editing_new (const EditingConfig *config, EditingComplete complete, void *data);
/* NULL is fine. */
void editing_free (Editing *editing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Editing, editing_free)

/* Appends to @actions, an array of EditAction. What comes from the kernel is checked: numbers that are not known are
 * answered with EBADF or ESTALE. */
void editing_feed (Editing *editing, const EditEvent *event, GArray *actions);

/* When EDIT_TIME has something to do; INT64_MAX: nothing waits for time. */
int64_t editing_next_us (const Editing *editing);
/* Appends those whose end is of interest to @processes, an array of EditProcess. */
void editing_processes (const Editing *editing, GArray *processes);
/* How many records a process has deleted here. */
unsigned editing_deletes_of (const Editing *editing, EditProcess process);

/* Has the node a name, so that others can open it? */
bool editing_is_named (const Editing *editing, uint64_t node);

/* Its name, or the last one that it had; borrowed. NULL: none but its record's, or no such node. */
const char *editing_name_of (const Editing *editing, uint64_t node);
/* The file that is here alone as @name; 0: none. */
uint64_t editing_named (const Editing *editing, const char *name);

/* The draft that a handle reads; 0: none, the text it was opened with. */
uint64_t editing_shown (const Editing *editing, uint64_t handle);
/* The draft that an open of the node, or a stat, shows; 0: none, the record as the server has it. */
uint64_t editing_draft_of (const Editing *editing, uint64_t node);

/* The commit that was sent and that nobody but @request waits for: it can be given up. 0: none. */
uint64_t editing_commit_of (const Editing *editing, uint64_t request);

/* Is the record without names now? For listings. */
bool editing_hides (const Editing *editing, uint64_t id);
/* The files that are here alone, for listings, in no order. */
typedef void (*EditingName) (const char *name, uint64_t node, bool is_link, void *data);
void editing_list (const Editing *editing, EditingName name, void *data);

/* For status.json. @drafts: texts that are not saved; @flying: commits on the wire or waiting for their turn; @deletes:
 * those waiting and those on the wire; @nodes: all that is held here. */
typedef struct
{
  size_t drafts, flying, deletes, nodes, handles;
} EditingCounts;
EditingCounts editing_counts (const Editing *editing);
