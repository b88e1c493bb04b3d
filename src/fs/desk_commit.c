/* Saves: from the engine's word that a text is to be sent, to what the kernel and the engine are told of the outcome. A
 * commit goes on on the desks' workers, since it waits for the disk; for the network it waits without a thread. */
#include "fs/desk_private.h"

#include "base/behalf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "fs/kinds/kinds.h"
#include "fs/reply.h"

#include <errno.h>
#include <string.h>

#define SAVED_MAX 256 /* remembered for each module */

struct Commit
{
  Desk *desk;
  uint64_t number, node, id;
  EditVerb verb;
  EditProcess process;
  char *name;
  Content *content;
  Draft *draft;  /* borrowed from the content, or own */
  Draft *own;    /* of a text that lies in the scratch space */
  char *field, *value;
  char program[WHO_PROGRAM_SIZE];
  SaveWhat what;
  StoreWait wait;
  SaveResult result;
  GError *failure;
  bool given_up; /* the outcome */
  atomic_int runs;         /* asked for and not done */
  atomic_bool waiting;     /* the wait rings */
  atomic_bool interrupted; /* somebody wants it given up */
};

static void
commit_free (Commit *commit)
{
  store_wait_clear (&commit->wait);
  save_result_clear (&commit->result);
  g_clear_error (&commit->failure);
  g_clear_pointer (&commit->what.text, g_bytes_unref);
  g_clear_pointer (&commit->what.read, g_bytes_unref);
  g_clear_pointer (&commit->what.saved, g_bytes_unref);
  g_clear_pointer (&commit->what.saved_answer, g_bytes_unref);
  draft_free (commit->own);
  content_unref (commit->content);
  g_free (commit->field);
  g_free (commit->value);
  g_free (commit->name);
  g_free (commit);
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

void
desk_saved_free (gpointer data)
{
  DeskSaved *saved = data;

  g_clear_pointer (&saved->text, g_bytes_unref);
  g_clear_pointer (&saved->answer, g_bytes_unref);
  g_free (saved);
}

/* Lock held: what the commit's process saved last to record @id, as a link of desk->saved; NULL. */
static GList *
find_saved (const Commit *commit, uint64_t id)
{
  for (GList *at = commit->desk->saved.head; at != NULL; at = at->next)
    {
      const DeskSaved *saved = at->data;

      if (saved->id == id && who_same (saved->process, commit->process))
        return at;
    }
  return NULL;
}

/* Lock held. */
static void
remember (Commit *commit)
{
  GQueue *all = &commit->desk->saved;
  GList *before = find_saved (commit, commit->result.id);
  DeskSaved *saved = g_new (DeskSaved, 1);

  *saved = (DeskSaved){ .process = commit->process,
                        .id = commit->result.id,
                        .text = g_bytes_ref (commit->what.text),
                        .answer = commit->result.answer != NULL ? g_bytes_ref (commit->result.answer) : NULL,
                        .us = clock_now_us () };
  if (before != NULL)
    {
      desk_saved_free (before->data);
      g_queue_delete_link (all, before);
    }
  g_queue_push_head (all, saved);
  if (all->length > SAVED_MAX)
    desk_saved_free (g_queue_pop_tail (all));
}

/* The copy of a scratch text, which was made for this commit alone; what was refused has gone to the drafts. */
static void
drop_own (Commit *commit)
{
  DraftState state = commit->own != NULL ? draft_state (commit->own) : DRAFT_REFUSED;
  g_autoptr (GError) error = NULL;

  if (state == DRAFT_SENDING || state == DRAFT_REFUSED || (state == DRAFT_OPEN && commit->failure != NULL && !commit->given_up))
    return;
  if (!draft_done (commit->own, &error))
    g_warning ("%s: a draft stays in the journal: %s", commit->name, error->message);
}

static EditOutcome
outcome_of (const Commit *commit)
{
  if (commit->given_up)
    return EDIT_UNSENT;
  if (commit->failure != NULL)
    return EDIT_REFUSED;
  return commit->what.dry_run && !commit->result.sent ? EDIT_PRETENDED : EDIT_SAVED;
}

/* The new file may have been renamed meanwhile. */
static void
follow_name (Commit *commit)
{
  Desk *desk = commit->desk;
  LOCKED (&desk->lock);
  const char *name = editing_name_of (desk->editing, commit->node);
  g_autofree char *before = commit->failure != NULL && commit->id == 0 && name != NULL ? desk_path (desk, commit->name) : NULL;
  g_autofree char *after = before != NULL ? desk_path (desk, name) : NULL;

  if (before != NULL)
    saves_renamed (desk->desks->writing.saves, before, after);
}

static void
commit_end (void *data)
{
  Commit *commit = data;
  Desk *desk = commit->desk;
  EditEvent event = { .kind = EDIT_COMMITTED, .commit = commit->number, .outcome = outcome_of (commit) };

  event.id = commit->result.id;
  event.error = commit->given_up ? EINTR : commit->failure != NULL ? reply_errno (commit->failure) : 0;
  if (event.outcome == EDIT_SAVED)
    {
      LOCKED (&desk->lock);
      remember (commit);
    }
  saves_end (desk->desks->writing.saves, &commit->what);
  follow_name (commit);
  drop_own (commit);
  desk_committed (desk, &event, commit->failure);
  commit_free (commit);
}

static void
push_end (void *data)
{
  Commit *commit = data;

  workers_push (commit->desk->desks->workers, commit_end, commit);
}

/* Whoever waits for the save looks at the file next: the kernel must have forgotten what it knew. */
static void
settle (Commit *commit)
{
  NodeKey key = { &record_kind, commit->desk->module, commit->result.id };

  if (commit->failure != NULL || commit->given_up || commit->result.id == 0)
    commit_end (commit);
  else
    invalidate_inode (commit->desk->desks->fs->invalidate, &key, push_end, commit);
}

/* ---- its way ----------------------------------------------------------------------------------------------------- */

/* Returns: has it been given up? */
static bool
give_up (Commit *commit)
{
  Desks *desks = commit->desk->desks;

  if (!atomic_load (&commit->interrupted) || !saves_give_up (desks->writing.saves, &commit->what))
    return false;
  /* If it rings already, that run comes here again. */
  if (atomic_load (&commit->waiting) && !store_wait_cancel (desks->fs->store, &commit->wait))
    return false;
  commit->given_up = true;
  return true;
}

/* Returns: is it over? */
static bool
step (Commit *commit)
{
  StoreState state;

  if (give_up (commit))
    return true;
  /* Somebody interrupts what cannot be given up any more. */
  if (atomic_load (&commit->waiting))
    return false;
  atomic_store (&commit->waiting, true);
  state = saves_commit (commit->desk->desks->writing.saves, &commit->what, &commit->wait, &commit->result,
                        &commit->failure);
  if (state == STORE_WAITING)
    return false;
  atomic_store (&commit->waiting, false);
  return true;
}

static void
program_of (void *data, char name[BEHALF_PROGRAM_SIZE])
{
  const Commit *commit = data;

  g_strlcpy (name, commit->program, BEHALF_PROGRAM_SIZE);
}

/* What it costs is charged to who wrote the text. */
static bool
step_for_program (Commit *commit)
{
  const Behalf behalf = { program_of, commit };
  const Behalf *before = behalf_set (&behalf);
  bool done = step (commit);

  behalf_set (before);
  return done;
}

static void
run (void *data)
{
  Commit *commit = data;

  do
    if (step_for_program (commit))
      {
        settle (commit);
        return;
      }
  while (atomic_fetch_sub (&commit->runs, 1) != 1);
}

static void
run_again (Commit *commit)
{
  if (atomic_fetch_add (&commit->runs, 1) == 0)
    workers_push (commit->desk->desks->workers, run, commit);
}

static void
ring (void *data)
{
  Commit *commit = data;

  atomic_store (&commit->waiting, false);
  run_again (commit);
}

void
commit_interrupt (Commit *commit)
{
  atomic_store (&commit->interrupted, true);
  run_again (commit);
}

/* ---- its beginning ----------------------------------------------------------------------------------------------- */

/* What the process read last, and what it saved last. */
static void
recall (Commit *commit)
{
  Desk *desk = commit->desk;
  SaveWhat *what = &commit->what;
  uint64_t version;

  if (commit->id == 0)
    return;
  version = readers_find (desk->desks->readers, desk->module, commit->id, commit->process, &what->read_us);
  if (version != 0)
    what->read = store_version (desk->module, commit->id, version);
  LOCKED (&desk->lock);
  const GList *at = find_saved (commit, commit->id);
  const DeskSaved *saved = at != NULL ? at->data : NULL;

  if (saved == NULL)
    return;
  what->saved = g_bytes_ref (saved->text);
  what->saved_answer = saved->answer != NULL ? g_bytes_ref (saved->answer) : NULL;
  what->saved_us = saved->us;
}

/* The text of a scratch file is written ahead before it goes out. */
static bool
copy_to_journal (Commit *commit, GError **error)
{
  Journal *journal = commit->desk->desks->writing.journal;
  const SaveWhat *what = &commit->what;
  DraftKey key = { .module = store_module_name (commit->desk->module),
                   .id = commit->id,
                   .name = commit->name,
                   .pid = what->who.pid,
                   .program = commit->program };
  gsize size;
  const void *bytes = g_bytes_get_data (what->text, &size);

  return journal_draft_new (journal, &key, &commit->own, error) && draft_write (commit->own, bytes, size, 0, error);
}

/* A new note that is written as a text; or a text for one that was. */
static bool
is_plain (const Commit *commit)
{
  const Desk *desk = commit->desk;
  g_autofree char *folder = NULL;
  gsize size;
  const char *text = g_bytes_get_data (commit->what.text, &size);

  if (desk->place.parent == NULL || commit->id == 0)
    return desk->place.parent != NULL && names_is_text (commit->name);
  while (size > 0 && g_ascii_isspace (*text))
    text++, size--;
  if (size > 0 && *text == '{')
    return false;
  folder = saves_alias_folder (desk->module, desk->place.parent_id);
  return journal_alias_any (desk->desks->writing.journal, folder, commit->id, names_is_text);
}

static bool
prepare (Commit *commit, GError **error)
{
  SaveWhat *what = &commit->what;

  what->text = content_text (commit->content, error);
  if (what->text == NULL)
    return false;
  what->plain = is_plain (commit);
  if (commit->draft == NULL && !copy_to_journal (commit, error))
    return false;
  what->draft = commit->draft != NULL ? commit->draft : commit->own;
  /* A new file that was written where it is stays there until it is good. */
  what->stays = commit->id == 0 && commit->draft != NULL;
  if (commit->verb == EDIT_UPSERT && names_read_field (commit->name, &commit->field, &commit->value))
    {
      what->field = commit->field;
      what->value = commit->value;
    }
  recall (commit);
  return true;
}

static void
begin (void *data)
{
  Commit *commit = data;

  if (commit->failure == NULL && prepare (commit, &commit->failure))
    {
      run (commit);
      return;
    }
  desk_report (commit->desk, commit->name, reply_errno (commit->failure), commit->failure->message,
               "Make room or shorten it, then save it again", false);
  commit_end (commit);
}

Commit *
commit_new (Desk *desk, const EditAction *action, DeskText *text, const GError *broken)
{
  Commit *commit = g_new0 (Commit, 1);
  const FsWriting *writing = &desk->desks->writing;

  commit->desk = desk;
  commit->number = action->commit;
  commit->node = action->node;
  commit->id = action->id;
  commit->verb = action->verb;
  commit->process = action->process;
  commit->name = action->id != 0 ? desk_record_name (desk, action->id) : g_strdup (action->name);
  commit->content = content_ref (text->content);
  commit->draft = content_draft (text->content);
  g_strlcpy (commit->program, text->program, sizeof commit->program);
  commit->what = (SaveWhat){ .module = desk->module,
                             .id = action->id,
                             .parent = desk->place.parent,
                             .parent_id = desk->place.parent_id,
                             .name = commit->name,
                             .who = { .uid = text->uid, .pid = text->pid, .program = commit->program },
                             .dry_run = writing->dry_run,
                             .stale_overwrite = writing->stale_overwrite };
  commit->failure = broken != NULL ? g_error_copy (broken) : NULL;
  commit->wait = STORE_WAIT_INIT (ring, commit, CLIENT_PERSON);
  atomic_init (&commit->runs, 1);
  g_hash_table_insert (desk->commits, &commit->number, commit);
  return commit;
}

void
commit_start (Commit *commit)
{
  workers_push (commit->desk->desks->workers, begin, commit);
}

/* ---- what stays here --------------------------------------------------------------------------------------------- */

void
desk_report (Desk *desk, const char *name, int error, const char *message, const char *todo, bool kept)
{
  const FsWriting *writing = &desk->desks->writing;
  g_autofree char *path = desk_path (desk, name);
  g_autofree char *draft = g_strconcat (store_module_name (desk->module), "/", name, NULL);
  const SaveError line = { .time_s = clock_wall_s (),
                           .path = path,
                           .errno_name = strerrorname_np (error),
                           .message = message,
                           .draft = kept ? draft : NULL,
                           .todo = todo };

  if (writing->failed != NULL)
    writing->failed (writing->data, &line);
}

void
desk_keep (Desk *desk, const EditAction *action, const GError *failure)
{
  const DeskText *text = g_hash_table_lookup (desk->texts, &action->draft);
  Draft *draft = text != NULL ? content_draft (text->content) : NULL;
  g_autofree char *own = action->id != 0 ? desk_record_name (desk, action->id) : NULL;
  const char *name = own != NULL ? own : action->name[0] != '\0' ? action->name : "unnamed.json";
  int number = action->error != 0 ? action->error : EBUSY;
  const char *message
      = failure != NULL      ? failure->message
        : action->error != 0 ? "The local disk did not take all of it"
                             : "It was replaced or unlinked by another program, or unmounted, before it was saved";
  DraftReason reason = { .errno_name = strerrorname_np (number),
                         .message = message,
                         .todo = "Look whether it is still wanted, then copy the draft onto the record, or delete it" };
  DraftState state = draft != NULL ? draft_state (draft) : DRAFT_REFUSED;
  g_autoptr (GError) error = NULL;

  /* The commit has told of it, or its outcome is for the next mount to look up. */
  if (state == DRAFT_REFUSED || state == DRAFT_SENDING)
    return;
  if (!draft_refuse (draft, &reason, &error))
    g_warning ("%s/%s: the draft stays in the journal: %s", store_module_name (desk->module), name, error->message);
  else if (failure == NULL)
    desk_report (desk, name, number, reason.message, reason.todo, true);
}
