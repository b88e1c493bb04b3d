/* Feeds the save engine and does what it decides. Each action is a row of a table. */
#include "fs/desk_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/lock.h"
#include "fs/kinds/kinds.h"
#include "fs/reply.h"
#include "model/notes.h"

#include <errno.h>
#include <string.h>

/* Numbers of local files of different folders of notes differ, since all are of the module Notes. */
#define NUMBERS_OF_A_DESK 40

/* An event being fed. */
typedef struct
{
  Desk *desk;
  const EditEvent *event;
  const Who *who;        /* NULL: of the world */
  DeskCall *call;        /* or NULL */
  const GError *failure; /* of the commit that has ended; NULL */
  Outcome *outcome;
  uint64_t broken; /* the node of a text that could not be made or resized; 0 */
  int error;       /* why */
  GError *why;     /* why, for people */
  uint64_t undone; /* the record whose delete could not be journalled; 0 */
} Feeding;

/* ---- outcomes ---------------------------------------------------------------------------------------------------- */

static void
outcome_init (Outcome *outcome)
{
  outcome->rings = g_ptr_array_new ();
  outcome->commits = g_ptr_array_new ();
  outcome->deletes = g_array_new (FALSE, FALSE, sizeof (uint64_t));
}

/* No lock held. */
static void
outcome_run (Desk *desk, Outcome *outcome)
{
  for (guint i = 0; i < outcome->rings->len; i++)
    {
      DeskCall *call = outcome->rings->pdata[i];

      call->ring (call->data);
    }
  for (guint i = 0; i < outcome->commits->len; i++)
    commit_start (outcome->commits->pdata[i]);
  if (outcome->deletes->len > 0)
    desk_send_deletes (desk, (const uint64_t *)(void *)outcome->deletes->data, outcome->deletes->len);
  g_ptr_array_unref (outcome->rings);
  g_ptr_array_unref (outcome->commits);
  g_array_unref (outcome->deletes);
}

/* ---- nodes and texts --------------------------------------------------------------------------------------------- */

static void
node_free (gpointer data)
{
  DeskNode *node = data;

  scratch_unref (node->link);
  g_free (node);
}

static void
text_free (gpointer data)
{
  DeskText *text = data;

  content_unref (text->content);
  g_free (text);
}

static void
handle_free (gpointer data)
{
  DeskHandle *handle = data;

  g_clear_pointer (&handle->opened, g_bytes_unref);
  g_free (handle);
}

static NameKind
kind_of_name (const Desk *desk, const char *name)
{
  uint64_t id;

  return desk->place.parent != NULL ? names_read_note (name, &id) : names_read (name, &id);
}

static bool
is_scratch_name (const Desk *desk, const char *name)
{
  NameKind kind = kind_of_name (desk, name);

  return kind == NAME_SCRATCH || kind == NAME_SCRATCH_PATTERN;
}

static DeskNode *
node_of (Desk *desk, uint64_t number)
{
  DeskNode *node = g_hash_table_lookup (desk->nodes, &number);

  if (node != NULL)
    return node;
  node = g_new0 (DeskNode, 1);
  node->number = number;
  g_hash_table_insert (desk->nodes, &node->number, node);
  return node;
}

DeskText *
desk_text (const Desk *desk, uint64_t draft)
{
  return draft != 0 ? g_hash_table_lookup (desk->texts, &draft) : NULL;
}

static void
set_record (Desk *desk, DeskNode *node, uint64_t id)
{
  if (node->id != 0 && g_hash_table_lookup (desk->by_id, &node->id) == node)
    g_hash_table_remove (desk->by_id, &node->id);
  node->id = id;
  if (id != 0)
    g_hash_table_replace (desk->by_id, &node->id, node);
}

static NodeKey
record_key (const Desk *desk, uint64_t id)
{
  return (NodeKey){ &record_kind, desk->module, id };
}

static NodeKey
local_key (const Desk *desk, uint64_t number)
{
  return (NodeKey){ &local_kind, desk->module, number };
}

char *
desk_record_name (const Desk *desk, uint64_t id)
{
  return store_record_name (desk->module, id);
}

char *
desk_path (const Desk *desk, const char *name)
{
  g_autofree char *folder
      = desk->place.parent != NULL ? store_notes_folder (desk->place.parent, desk->place.parent_id) : NULL;

  return g_strconcat (folder != NULL ? folder : store_module_name (desk->module), "/", name, NULL);
}

static NodeKey
dir_key (const Desk *desk)
{
  const DeskPlace *place = &desk->place;

  if (place->parent != NULL)
    return (NodeKey){ &notes_of_kind, place->parent, place->parent_id };
  return (NodeKey){ &module_kind, desk->module, 0 };
}

static void
names_changed (Desk *desk)
{
  const NodeKey dir = dir_key (desk);

  desk->version++;
  invalidate_inode (desk->desks->fs->invalidate, &dir, NULL, NULL);
}

/* ---- actions ----------------------------------------------------------------------------------------------------- */

static void
on_answer (Feeding *feeding, const EditAction *action)
{
  DeskCall *call = g_hash_table_lookup (feeding->desk->waiting, &action->request);

  if (call == NULL)
    return;
  g_hash_table_remove (feeding->desk->waiting, &action->request);
  call->answered = true;
  call->error = action->error;
  call->node = action->node;
  call->id = action->id;
  call->draft = action->draft;
  call->at_end = action->at_end;
  if (call->parked)
    g_ptr_array_add (feeding->outcome->rings, call);
}

static ScratchCaller
caller_of (const Who *who)
{
  return who != NULL ? (ScratchCaller){ .uid = who->uid, .gid = who->gid } : (ScratchCaller){ 0 };
}

static Content *
new_scratch (Feeding *feeding, const DeskText *from)
{
  const ScratchCaller owner = caller_of (feeding->who);
  g_autoptr (GError) error = NULL;
  ScratchAttr attr = { .mode = feeding->call != NULL && feeding->event->kind == EDIT_CREATE ? feeding->call->mode : 0644 };
  Scratch *scratch;

  if (from != NULL && content_scratch (from->content) != NULL)
    scratch_attr (content_scratch (from->content), &attr);
  scratch
      = scratch_new_file (feeding->desk->desks->writing.scratch, attr.mode & 07777, &owner, &error);
  return scratch != NULL ? content_of_scratch (scratch) : content_broken (g_steal_pointer (&error));
}

static Content *
new_draft (Feeding *feeding, const DeskNode *node)
{
  Desk *desk = feeding->desk;
  g_autofree char *own = node->id != 0 ? desk_record_name (desk, node->id) : NULL;
  const char *local = editing_name_of (desk->editing, node->number);
  const char *name = own != NULL ? own : local != NULL ? local : "new.json";
  char program[WHO_PROGRAM_SIZE] = "?";
  DraftKey key = { .module = store_module_name (desk->module), .id = node->id, .name = name, .program = program };
  g_autoptr (GError) error = NULL;
  Draft *draft = NULL;

  if (feeding->who != NULL)
    {
      key.pid = (int64_t)feeding->who->process.group;
      who_program ((pid_t)feeding->who->process.group, program);
    }
  if (journal_draft_new (desk->desks->writing.journal, &key, &draft, &error))
    return content_of_draft (draft);
  return content_broken (g_steal_pointer (&error));
}

/* What a draft begins with; NULL with @error, or for nothing. */
static GBytes *
seed_of (Feeding *feeding, const EditAction *action, GError **error)
{
  Desk *desk = feeding->desk;
  const DeskHandle *handle;
  const DeskText *from;
  StoreEntry entry;

  switch (action->seed)
    {
    case EDIT_SEED_EMPTY:
      return NULL;
    case EDIT_SEED_HANDLE:
      handle = g_hash_table_lookup (desk->handles, &action->handle);
      if (handle != NULL && handle->opened != NULL)
        return g_bytes_ref (handle->opened);
      break;
    case EDIT_SEED_SERVER:
      if (feeding->call != NULL && feeding->call->server != NULL)
        return g_bytes_ref (feeding->call->server);
      break;
    case EDIT_SEED_DRAFT:
      from = desk_text (desk, action->from);
      return from != NULL ? content_text (from->content, error) : NULL;
    }
  return store_peek (desk->module, node_of (desk, action->node)->id, &entry);
}

static void
note_broken (Feeding *feeding, uint64_t node, const GError *error)
{
  feeding->broken = node;
  feeding->error = reply_errno (error);
  g_clear_error (&feeding->why);
  feeding->why = g_error_copy (error);
}

static void
on_draft (Feeding *feeding, const EditAction *action)
{
  Desk *desk = feeding->desk;
  DeskNode *node = node_of (desk, action->node);
  const DeskText *from = action->seed == EDIT_SEED_DRAFT ? desk_text (desk, action->from) : NULL;
  /* What is renamed away is a copy of what the server has. */
  bool scratch = node->scratch || feeding->event->kind == EDIT_RENAME;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) seed = NULL;
  DeskText *text = g_new0 (DeskText, 1);

  if (action->id != 0 && desk_is_seen (desk, node, action->id))
    set_record (desk, node, action->id);
  seed = seed_of (feeding, action, &error);
  text->number = action->draft;
  text->node = action->node;
  text->content = scratch ? new_scratch (feeding, from) : new_draft (feeding, node);
  g_strlcpy (text->program, from != NULL ? from->program : "?", sizeof text->program);
  g_hash_table_insert (desk->texts, &text->number, text);
  if (error == NULL && seed != NULL)
    content_seed (text->content, seed, &error);
  if (error != NULL)
    note_broken (feeding, action->node, error);
}

/* What is truncated to nothing begins anew. */
static void
make_again (Feeding *feeding, DeskText *text)
{
  DeskNode *node = node_of (feeding->desk, text->node);
  Content *broken = text->content;

  text->content = node->scratch ? new_scratch (feeding, NULL) : new_draft (feeding, node);
  content_unref (broken);
}

static void
on_resize (Feeding *feeding, const EditAction *action)
{
  DeskText *text = desk_text (feeding->desk, action->draft);
  g_autoptr (GError) error = NULL;

  if (text == NULL)
    return;
  if (action->size == 0 && content_is_broken (text->content))
    make_again (feeding, text);
  if (!content_truncate (text->content, action->size, &error))
    note_broken (feeding, text->node, error);
}

/* A draft that is on the wire, or on its way to the user's, has its own way out of the journal. */
static void
on_drop_draft (Feeding *feeding, const EditAction *action)
{
  const DeskText *text = desk_text (feeding->desk, action->draft);
  Draft *draft = text != NULL ? content_draft (text->content) : NULL;
  DraftState state = draft != NULL ? draft_state (draft) : DRAFT_REFUSED;
  g_autoptr (GError) error = NULL;

  if ((state == DRAFT_CLEAN || state == DRAFT_OPEN) && !draft_done (draft, &error))
    g_warning ("%s: a draft stays in the journal: %s", store_module_name (feeding->desk->module), error->message);
  g_hash_table_remove (feeding->desk->texts, &action->draft);
}

static void
on_commit (Feeding *feeding, const EditAction *action)
{
  DeskText *text = desk_text (feeding->desk, action->draft);

  const GError *broken = feeding->broken == action->node ? feeding->why : NULL;

  g_ptr_array_add (feeding->outcome->commits, commit_new (feeding->desk, action, text, broken));
}

static void
on_keep_draft (Feeding *feeding, const EditAction *action)
{
  desk_keep (feeding->desk, action, feeding->failure);
}

/* Why a commit was refused has been told where it was. */
static void
on_stays (Feeding *feeding, const EditAction *action)
{
  if (feeding->failure == NULL)
    desk_report (feeding->desk, action->name, action->error, "The local disk did not take all of it",
                 "Make room, then write the whole file again", false);
}

static void
on_restore (Feeding *feeding, const EditAction *action)
{
  const NodeKey key = record_key (feeding->desk, action->id);

  if (action->id != 0)
    invalidate_inode (feeding->desk->desks->fs->invalidate, &key, NULL, NULL);
}

static void
on_alias (Feeding *feeding, const EditAction *action)
{
  Desk *desk = feeding->desk;
  g_autofree char *folder = saves_alias_folder (desk->module, desk->place.parent_id);
  const JournalAlias alias = { folder, action->name, action->id };
  g_autoptr (GError) error = NULL;

  if (!journal_alias_put (desk->desks->writing.journal, &alias, 1, &error))
    g_warning ("%s/%s is record %" G_GUINT64_FORMAT ", which the next mount will not know: %s", alias.module, alias.name,
               alias.id, error->message);
}

static void
on_adopt (Feeding *feeding, const EditAction *action)
{
  Desk *desk = feeding->desk;
  DeskNode *node = node_of (desk, action->node);
  Nodes *nodes = desk->desks->fs->nodes;
  NodeKey local = local_key (desk, action->node);
  NodeKey before = local_key (desk, action->from);
  NodeKey key = record_key (desk, action->id != 0 ? action->id : node->id != 0 ? node->id : feeding->event->id);

  if (action->id == 0)
    {
      node->scratch = feeding->event->kind == EDIT_RENAME;
      set_record (desk, node, 0);
      nodes_rekey (nodes, &key, &local, NULL);
    }
  else
    {
      node->scratch = false;
      set_record (desk, node, action->id);
      nodes_rekey (nodes, &local, &key, action->from != 0 ? &before : NULL);
    }
  names_changed (desk);
}

/* The names by which programs did not hide it themselves, but the kernel may know it. */
static void
on_hide (Feeding *feeding, const EditAction *action)
{
  Desk *desk = feeding->desk;
  const NodeKey dir = dir_key (desk);
  g_autofree char *name = desk_record_name (desk, action->id);
  DeskNode *node = g_hash_table_lookup (desk->by_id, &action->id);

  if (node != NULL)
    g_hash_table_remove (desk->by_id, &action->id);
  if (g_strcmp0 (feeding->event->name, name) != 0)
    invalidate_entry (desk->desks->fs->invalidate, &dir, NULL, name);
  names_changed (desk);
}

static void
on_show_again (Feeding *feeding, const EditAction *action)
{
  names_changed (feeding->desk);
}

static void
on_schedule_delete (Feeding *feeding, const EditAction *action)
{
  Desk *desk = feeding->desk;
  g_autofree char *name = desk_record_name (desk, action->id);
  char program[WHO_PROGRAM_SIZE];
  SaveWho who = { .uid = feeding->who != NULL ? feeding->who->uid : desk->desks->fs->uid,
                  .pid = (int64_t)action->process.group,
                  .program = program };
  g_autoptr (GError) error = NULL;

  who_program ((pid_t)action->process.group, program);
  if (saves_delete_add (desk->desks->writing.saves, desk->module, action->id, name, &who, &error))
    return;
  g_warning ("%s/%s cannot be deleted: %s", store_module_name (desk->module), name, error->message);
  feeding->undone = action->id;
  feeding->error = reply_errno (error);
}

static void
on_cancel_delete (Feeding *feeding, const EditAction *action)
{
  Desk *desk = feeding->desk;
  g_autoptr (GError) error = NULL;

  if (!saves_delete_cancel (desk->desks->writing.saves, desk->module, action->id, &error))
    g_warning ("%s: %s", store_module_name (desk->module), error->message);
}

static void
on_send_delete (Feeding *feeding, const EditAction *action)
{
  uint64_t *id = g_memdup2 (&action->id, sizeof action->id);

  g_hash_table_add (feeding->desk->flying, id);
  g_array_append_val (feeding->outcome->deletes, action->id);
}

static void
on_too_many (Feeding *feeding, const EditAction *action)
{
  Desk *desk = feeding->desk;
  g_autofree char *name = desk_record_name (desk, action->id);
  g_autofree char *message
      = g_strdup_printf ("This process has deleted %u records, which is all that one may", desk->desks->writing.max_deletes);

  desk_report (desk, name, EPERM, message, "Delete by several processes, or mount with -o max_deletes=N", false);
}

static void
on_drop_node (Feeding *feeding, const EditAction *action)
{
  DeskNode *node = g_hash_table_lookup (feeding->desk->nodes, &action->node);

  if (node == NULL)
    return;
  set_record (feeding->desk, node, 0);
  g_hash_table_remove (feeding->desk->nodes, &action->node);
}

static void (*const doers[]) (Feeding *feeding, const EditAction *action) = {
  [EDIT_ANSWER] = on_answer,
  [EDIT_DRAFT] = on_draft,
  [EDIT_RESIZE] = on_resize,
  [EDIT_DROP_DRAFT] = on_drop_draft,
  [EDIT_COMMIT] = on_commit,
  [EDIT_KEEP_DRAFT] = on_keep_draft,
  [EDIT_STAYS] = on_stays,
  [EDIT_RESTORE] = on_restore,
  [EDIT_ALIAS] = on_alias,
  [EDIT_ADOPT] = on_adopt,
  [EDIT_HIDE] = on_hide,
  [EDIT_SHOW_AGAIN] = on_show_again,
  [EDIT_SCHEDULE_DELETE] = on_schedule_delete,
  [EDIT_CANCEL_DELETE] = on_cancel_delete,
  [EDIT_SEND_DELETE] = on_send_delete,
  [EDIT_TOO_MANY] = on_too_many,
  [EDIT_DROP_NODE] = on_drop_node,
};

/* ---- feeding ----------------------------------------------------------------------------------------------------- */

static void
feed_raw (Feeding *feeding)
{
  g_autoptr (GArray) actions = g_array_new (FALSE, TRUE, sizeof (EditAction));

  editing_feed (feeding->desk->editing, feeding->event, actions);
  for (guint i = 0; i < actions->len; i++)
    {
      const EditAction *action = &g_array_index (actions, EditAction, i);

      /* Where the first text of a file lies depends on its name. */
      if (action->kind == EDIT_DRAFT && feeding->event->kind == EDIT_CREATE)
        node_of (feeding->desk, action->node)->scratch = is_scratch_name (feeding->desk, feeding->event->name);
      doers[action->kind](feeding, action);
    }
}

static bool
is_about_names (EditEventKind kind)
{
  return kind == EDIT_CREATE || kind == EDIT_RENAME || kind == EDIT_UNLINK || kind == EDIT_SYMLINK;
}

/* Does the program hear of it now that a text is broken? Who writes hears of it then, who saves when that has
 * failed. */
static bool
call_fails (const Feeding *feeding)
{
  EditEventKind kind = feeding->event->kind;

  return feeding->call != NULL && feeding->call->answered && feeding->call->error == 0
         && (kind == EDIT_TRUNCATE || kind == EDIT_OPEN || kind == EDIT_RENAME);
}

/* A record that was renamed away and could not take its text along. */
static void
rename_back (Feeding *feeding, const EditEvent *event)
{
  const EditEvent back = {
    .kind = EDIT_RENAME, .now_us = event->now_us, .name = event->new_name, .new_name = event->name, .new_id = event->id
  };

  feeding->event = &back;
  feed_raw (feeding);
}

/* What is told of a new file, also to the next mount, goes by its name. */
static void
follow_name (Feeding *feeding)
{
  Desk *desk = feeding->desk;
  const EditEvent *event = feeding->event;
  NameKind kind = kind_of_name (desk, event->new_name);
  g_autofree char *before = desk_path (desk, event->name);
  g_autofree char *after = desk_path (desk, event->new_name);
  const DeskText *text = desk_text (desk, editing_draft_of (desk->editing, editing_named (desk->editing, event->new_name)));
  Draft *draft = text != NULL ? content_draft (text->content) : NULL;
  g_autoptr (GError) error = NULL;

  if (draft == NULL || (kind != NAME_NEW && kind != NAME_RECORD))
    return;
  saves_renamed (desk->desks->writing.saves, before, after);
  if (!draft_set_name (draft, event->new_name, &error))
    g_warning ("%s: %s", store_module_name (desk->module), error->message);
}

/* Lock held. */
static void
feed (Feeding *feeding, EditEvent *event)
{
  Desk *desk = feeding->desk;
  Feeding more = *feeding;
  EditEvent next;

  event->now_us = clock_now_us ();
  feeding->event = event;
  feed_raw (feeding);
  if (is_about_names (event->kind))
    desk->version++;
  if (event->kind == EDIT_RENAME && feeding->call != NULL && feeding->call->answered && feeding->call->error == 0)
    follow_name (feeding);
  more.call = NULL;
  more.event = &next;
  if (feeding->broken != 0)
    {
      next = (EditEvent){
        .kind = EDIT_FAILED, .now_us = event->now_us, .node = feeding->broken, .error = feeding->error
      };
      feed_raw (&more);
      if (call_fails (feeding) && event->kind == EDIT_RENAME)
        rename_back (&more, event);
      if (call_fails (feeding))
        feeding->call->error = feeding->error;
    }
  if (feeding->undone != 0)
    {
      next = (EditEvent){ .kind = EDIT_VANISHED, .now_us = event->now_us, .id = feeding->undone };
      feed_raw (&more);
      if (feeding->call != NULL)
        feeding->call->error = feeding->error;
    }
  g_clear_error (&feeding->why);
  g_clear_error (&more.why);
}

static void
register_call (Desk *desk, EditEvent *event, const Who *who, DeskCall *call)
{
  call->request = event->request = ++desk->last_number;
  event->process = who->process;
  g_hash_table_insert (desk->waiting, &call->request, call);
}

/* By the same process in other modules. */
static unsigned
deletes_elsewhere (Desk *desk, EditProcess process)
{
  Desks *desks = desk->desks;
  unsigned deletes = 0;
  GHashTableIter iter;
  gpointer value;
  LOCKED (&desks->lock);

  g_hash_table_iter_init (&iter, desks->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Desk *other = value;

      if (other == desk)
        continue;
      LOCKED (&other->lock);
      deletes += editing_deletes_of (other->editing, process);
    }
  return deletes;
}

/* Lock held: what is made by a symlink's event. */
static void
keep_link (Feeding *feeding)
{
  DeskCall *call = feeding->call;
  const ScratchCaller owner = caller_of (feeding->who);
  g_autoptr (GError) error = NULL;
  Scratch *link;
  EditEvent undo = { .kind = EDIT_UNLINK, .now_us = feeding->event->now_us, .name = feeding->event->name };

  link = scratch_new_link (feeding->desk->desks->writing.scratch, call->target, &owner, &error);
  if (link != NULL)
    {
      node_of (feeding->desk, call->node)->link = link;
      return;
    }
  call->error = reply_errno (error);
  feeding->call = NULL;
  feeding->event = &undo;
  feed_raw (feeding);
}

bool
desk_feed (Desk *desk, EditEvent *event, const Who *who, DeskCall *call)
{
  Outcome outcome;
  Feeding feeding = { .desk = desk, .who = who, .call = call, .outcome = &outcome };
  bool answered;

  outcome_init (&outcome);
  if (event->kind == EDIT_UNLINK)
    event->deletes_elsewhere = deletes_elsewhere (desk, who->process);
  {
    LOCKED (&desk->lock);
    register_call (desk, event, who, call);
    feed (&feeding, event);
    if (event->kind == EDIT_SYMLINK && call->error == 0)
      keep_link (&feeding);
    answered = call->answered;
    call->parked = !answered;
  }
  outcome_run (desk, &outcome);
  /* Looks are many, and bring nothing nearer. */
  if (event->kind != EDIT_LOOKUP)
    desks_stir (desk->desks);
  return answered;
}

/* An event of the world. */
static void
tell (Desk *desk, EditEvent *event, const GError *failure)
{
  Outcome outcome;
  Feeding feeding = { .desk = desk, .failure = failure, .outcome = &outcome };

  outcome_init (&outcome);
  {
    LOCKED (&desk->lock);
    /* Together with the event: who drains may not see the one without the other. */
    if (event->kind == EDIT_COMMITTED)
      g_hash_table_remove (desk->commits, &event->commit);
    if (event->kind == EDIT_DELETED)
      g_hash_table_remove (desk->flying, &event->id);
    feed (&feeding, event);
  }
  outcome_run (desk, &outcome);
  desks_stir (desk->desks);
}

void
desk_tell (Desk *desk, EditEvent *event)
{
  tell (desk, event, NULL);
}

void
desk_committed (Desk *desk, EditEvent *event, const GError *failure)
{
  tell (desk, event, failure);
}

/* ---- handles ----------------------------------------------------------------------------------------------------- */

uint64_t
desk_handle (Desk *desk, GBytes *opened)
{
  DeskHandle *handle = g_new0 (DeskHandle, 1);
  LOCKED (&desk->lock);

  handle->number = ++desk->last_number;
  handle->opened = opened != NULL ? g_bytes_ref (opened) : NULL;
  g_hash_table_insert (desk->handles, &handle->number, handle);
  return handle->number;
}

void
desk_close (Desk *desk, uint64_t number)
{
  EditEvent event = { .kind = EDIT_RELEASE, .handle = number };

  desk_tell (desk, &event);
  LOCKED (&desk->lock);
  g_hash_table_remove (desk->handles, &number);
}

/* Lock held. */
static void
note_writer (DeskText *text, const Who *who)
{
  pid_t pid = (pid_t)who->process.group;

  if (text->pid != pid || text->uid != who->uid)
    who_program (pid, text->program);
  text->pid = pid;
  text->uid = who->uid;
}

int
desk_write (Desk *desk, uint64_t handle, const Who *who, const void *data, size_t size, int64_t offset)
{
  const ScratchCaller caller = caller_of (who);
  EditEvent event = { .kind = EDIT_WRITE, .handle = handle, .size = (int64_t)size };
  DeskCall call = { 0 };
  Outcome outcome;
  Feeding feeding = { .desk = desk, .who = who, .call = &call, .outcome = &outcome };
  g_autoptr (GError) error = NULL;

  outcome_init (&outcome);
  {
    LOCKED (&desk->lock);
    DeskText *text;

    register_call (desk, &event, who, &call);
    feed (&feeding, &event);
    text = call.error == 0 && size > 0 ? desk_text (desk, call.draft) : NULL;
    if (text != NULL && feeding.broken != 0)
      call.error = feeding.error;
    else if (text != NULL)
      {
        note_writer (text, who);
        if (!content_write (text->content, &caller, data, size, call.at_end ? content_size (text->content) : offset,
                            &error))
          {
            EditEvent failed = { .kind = EDIT_FAILED, .handle = handle, .error = reply_errno (error) };

            call.error = failed.error;
            feeding.call = NULL;
            feed (&feeding, &failed);
          }
      }
  }
  outcome_run (desk, &outcome);
  return call.error;
}

ssize_t
desk_read (Desk *desk, uint64_t number, void *data, size_t size, int64_t offset)
{
  g_autoptr (Content) content = NULL;
  g_autoptr (GBytes) opened = NULL;
  g_autoptr (GError) error = NULL;
  const char *bytes;
  size_t length;
  ssize_t got;

  {
    LOCKED (&desk->lock);
    const DeskText *text = desk_text (desk, editing_shown (desk->editing, number));
    const DeskHandle *handle = g_hash_table_lookup (desk->handles, &number);

    if (text != NULL)
      content = content_ref (text->content);
    if (handle != NULL && handle->opened != NULL)
      opened = g_bytes_ref (handle->opened);
  }
  if (content != NULL)
    {
      got = content_read (content, data, size, offset, &error);
      return got >= 0 ? got : -reply_errno (error);
    }
  if (opened == NULL)
    return 0;
  bytes = g_bytes_get_data (opened, &length);
  if (offset < 0 || (uint64_t)offset >= length)
    return 0;
  length = MIN (size, length - (size_t)offset);
  memcpy (data, bytes + offset, length);
  return (ssize_t)length;
}

/* ---- desks ------------------------------------------------------------------------------------------------------- */

/* For texts of which half may have been written: is it one whole JSON value? Lock held. */
static bool
is_complete (uint64_t draft, void *data)
{
  const DeskText *text = desk_text (data, draft);
  g_autoptr (GBytes) bytes = text != NULL ? content_text (text->content, NULL) : NULL;
  g_autoptr (json_t) value = NULL;

  if (bytes == NULL)
    return false;
  value = json_parse (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL);
  return value != NULL;
}

StoreRights
desks_rights (Desks *desks, StoreModule *module)
{
  StoreRights rights;
  AccessLevel level;

  if (desks == NULL || module == NULL)
    return (StoreRights){ 0 };
  rights = store_module_rights (module);
  level = access_level (desks->fs->config.access, store_module_name (module));
  rights.create = rights.create && level >= ACCESS_WRITE;
  rights.update = rights.update && level >= ACCESS_WRITE;
  rights.delete = rights.delete && level >= ACCESS_FULL;
  return rights;
}

StoreModule *
desks_records (Desks *desks, const NodeKey *key)
{
  return key->kind == &notes_of_kind ? store_notes (desks->fs->store) : key->module;
}

uint64_t
desks_alias (Desks *desks, const NodeKey *dir, const char *name)
{
  g_autofree char *folder
      = saves_alias_folder (desks_records (desks, dir), dir->kind == &notes_of_kind ? dir->id : 0);

  return journal_alias_get (desks->writing.journal, folder, name);
}

StoreState
desks_find_by_field (Desks *desks, StoreModule *module, const char *field, const char *value, StoreWait *wait,
                     uint64_t *id, GError **error)
{
  return saves_find (desks->writing.saves, module, field, value, wait, id, error);
}

void
desks_appeared (Desks *desks, StoreModule *module, uint64_t id)
{
  Desk *desk = desks_find (desks, &(NodeKey){ &record_kind, module, id });

  if (desk != NULL)
    desk_tell (desk, &(EditEvent){ .kind = EDIT_APPEARED, .id = id });
}

void
desks_changed (Desks *desks, StoreModule *module, uint64_t id)
{
  Desk *desk = desks_find (desks, &(NodeKey){ &record_kind, module, id });

  if (desk != NULL)
    desk_tell (desk, &(EditEvent){ .kind = EDIT_CHANGED, .id = id });
}

void
desks_gone (Desks *desks, StoreModule *module, uint64_t id)
{
  Desk *desk = desks_find (desks, &(NodeKey){ &record_kind, module, id });

  if (desk != NULL)
    desk_tell (desk, &(EditEvent){ .kind = EDIT_VANISHED, .id = id });
  if (desks != NULL)
    saves_record_gone (desks->writing.saves, module, id);
}

void
desk_interrupt (Desk *desk, DeskCall *call)
{
  EditEvent event = { .kind = EDIT_INTERRUPT, .request = call->request };

  desk_tell (desk, &event);
  LOCKED (&desk->lock);
  const uint64_t number = editing_commit_of (desk->editing, event.request);
  Commit *commit = number != 0 ? g_hash_table_lookup (desk->commits, &number) : NULL;

  if (commit != NULL)
    commit_interrupt (commit);
}

static EditingConfig
config_of (Desks *desks, const DeskPlace *place, uint64_t numbers)
{
  StoreModule *module = place->module;
  StoreRights rights = desks_rights (desks, module);
  int refusal = module == store_users (desks->fs->store) ? EROFS : EACCES;

  return (EditingConfig){
    .no_create = rights.create ? 0 : refusal,
    .no_update = rights.update ? 0 : refusal,
    .no_delete = rights.delete ? 0 : refusal,
    .delete_delay_us = DESK_DELETE_DELAY_US,
    .delete_wait_us = DESK_DELETE_WAIT_US,
    .max_deletes = desks->writing.max_deletes,
    .notes = place->parent != NULL,
    .numbers = numbers,
  };
}

static void
desk_free (gpointer data)
{
  Desk *desk = data;

  editing_free (desk->editing);
  g_hash_table_unref (desk->by_id);
  g_hash_table_unref (desk->nodes);
  g_hash_table_unref (desk->texts);
  g_hash_table_unref (desk->handles);
  g_hash_table_unref (desk->waiting);
  g_hash_table_unref (desk->commits);
  g_hash_table_unref (desk->flying);
  g_array_unref (desk->retries);
  g_queue_clear_full (&desk->saved, desk_saved_free);
  pthread_mutex_destroy (&desk->lock);
  g_free (desk);
}

static GHashTable *
number_table (GDestroyNotify value_free)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, value_free);
}

static Desk *
desk_new (Desks *desks, const DeskPlace *place, uint64_t numbers)
{
  Desk *desk = g_new0 (Desk, 1);
  EditingConfig config = config_of (desks, place, numbers);

  desk->place = *place;
  desk->desks = desks;
  desk->module = place->module;
  pthread_mutex_init (&desk->lock, NULL);
  desk->editing = editing_new (&config, is_complete, desk);
  desk->nodes = number_table (node_free);
  desk->by_id = number_table (NULL);
  desk->texts = number_table (text_free);
  desk->handles = number_table (handle_free);
  desk->waiting = number_table (NULL);
  desk->commits = number_table (NULL);
  desk->flying = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  desk->retries = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  g_queue_init (&desk->saved);
  return desk;
}

static guint
place_hash (gconstpointer key)
{
  const DeskPlace *place = key;

  return g_direct_hash (place->module) ^ g_direct_hash (place->parent) ^ g_int64_hash (&place->parent_id);
}

static gboolean
place_equal (gconstpointer a, gconstpointer b)
{
  const DeskPlace *one = a, *other = b;

  return one->module == other->module && one->parent == other->parent && one->parent_id == other->parent_id;
}

static DeskPlace
place_of_number (Desks *desks, uint64_t number)
{
  uint64_t index = number >> NUMBERS_OF_A_DESK;
  LOCKED (&desks->lock);

  if (index == 0 || index > desks->notes->len)
    return (DeskPlace){ 0 };
  return ((Desk *)desks->notes->pdata[index - 1])->place;
}

static DeskPlace
place_of (Desks *desks, const NodeKey *key)
{
  Store *store = desks->fs->store;
  DeskPlace place = { .module = key->module };

  if (key->kind == &notes_of_kind)
    return (DeskPlace){ store_notes (store), key->module, key->id };
  if (key->module != store_notes (store))
    return place;
  if (key->kind == &local_kind || key->kind == &local_link_kind)
    return place_of_number (desks, key->id);
  if (!store_note_parent (store, key->id, &place.parent, &place.parent_id))
    place.parent = NULL;
  return place;
}

Desk *
desks_find (Desks *desks, const NodeKey *key)
{
  DeskPlace place;

  if (desks == NULL || !atomic_load (&desks->any))
    return NULL;
  place = place_of (desks, key);
  LOCKED (&desks->lock);
  return g_hash_table_lookup (desks->table, &place);
}

/* Lock held. */
static Desk *
add_desk (Desks *desks, const DeskPlace *place)
{
  uint64_t numbers = place->parent != NULL ? (uint64_t)(desks->notes->len + 1) << NUMBERS_OF_A_DESK : 0;
  Desk *desk = desk_new (desks, place, numbers);

  if (place->parent != NULL)
    g_ptr_array_add (desks->notes, desk);
  g_hash_table_insert (desks->table, &desk->place, desk);
  atomic_store (&desks->any, true);
  return desk;
}

Desk *
desks_get (Desks *desks, const NodeKey *key)
{
  DeskPlace place = place_of (desks, key);
  LOCKED (&desks->lock);
  Desk *desk = g_hash_table_lookup (desks->table, &place);

  return desk != NULL ? desk : add_desk (desks, &place);
}

Desks *
desks_new (Fs *fs, const FsWriting *writing)
{
  Desks *desks = g_new0 (Desks, 1);

  desks->fs = fs;
  desks->writing = *writing;
  pthread_mutex_init (&desks->lock, NULL);
  desks->readers = readers_new ();
  desks->workers = workers_new ("save", 8);
  desks->table = g_hash_table_new_full (place_hash, place_equal, NULL, desk_free);
  desks->notes = g_ptr_array_new ();
  desks_start_clock (desks);
  desks_take_up (desks);
  return desks;
}

void
desks_free (Desks *desks)
{
  if (desks == NULL)
    return;
  if (desks->workers != NULL)
    desks_end (desks);
  g_hash_table_unref (desks->table);
  g_ptr_array_unref (desks->notes);
  readers_free (desks->readers);
  pthread_cond_destroy (&desks->news);
  pthread_cond_destroy (&desks->idle);
  pthread_mutex_destroy (&desks->lock);
  g_free (desks);
}

void
desks_note_read (Desks *desks, StoreModule *module, uint64_t id, uint64_t version, pid_t thread)
{
  if (desks != NULL && version != 0)
    readers_add (desks->readers, module, id, version, thread);
}
