/* What happens to names in a directory: looked up, created, renamed, unlinked. */
#include "model/editing_private.h"

#include <errno.h>
#include <string.h>

#define RENAME_FLAG_NOREPLACE 1u

/* What a name means now. */
typedef struct
{
  NameKind kind;
  EditNode *local; /* the file that is here alone, or NULL */
  uint64_t id;     /* else the record, which may hide; 0: none */
  bool there;
} Place;

static NameKind
read_name (const Editing *e, const char *name, uint64_t *id)
{
  return e->config.notes ? names_read_note (name, id) : names_read (name, id);
}

static Place
place_of (Editing *e, const char *name, uint64_t id)
{
  uint64_t own = 0;
  Place place = { .kind = read_name (e, name, &own) };
  bool can_be_record = place.kind == NAME_RECORD || place.kind == NAME_FIELD || place.kind == NAME_NEW;

  place.local = edit_node_named (e, name);
  if (place.local != NULL || !can_be_record)
    {
      place.there = place.local != NULL;
      return place;
    }
  place.id = id == 0 && place.kind == NAME_RECORD && edit_record_find (e, own) != NULL ? own : id;
  place.there = place.id != 0 && !edit_record_hides (e, place.id);
  return place;
}

static bool
is_scratch (NameKind kind)
{
  return kind == NAME_SCRATCH_PATTERN || kind == NAME_SCRATCH;
}

/* The errno of a name that no file of a program can have; 0: fine. */
static int
refuse_name (const Editing *e, const char *name)
{
  NameKind kind = read_name (e, name, &(uint64_t){ 0 });

  if (strlen (name) >= EDIT_NAME_SIZE)
    return ENAMETOOLONG;
  return kind == NAME_FIXED || kind == NAME_FOLDER ? EPERM : 0;
}

static EditNodeKind
new_kind (NameKind kind)
{
  return is_scratch (kind) ? NODE_SCRATCH : kind == NAME_FIELD ? NODE_FIELD : NODE_NEW;
}

static void
answer_node (Editing *e, const EditNode *node)
{
  EditAction *action = edit_answer (e, 0);

  action->node = node->number;
  action->id = node->id;
  action->draft = node->draft == NULL ? 0 : node->draft->number;
}

void
edit_on_lookup (Editing *e)
{
  Place place = place_of (e, e->event->name, e->event->id);
  EditRecord *record = place.id == 0 ? NULL : edit_record_find (e, place.id);

  if (!place.there)
    edit_answer (e, ENOENT);
  else if (place.local != NULL)
    answer_node (e, place.local);
  else if (record != NULL && record->node != NULL)
    answer_node (e, record->node);
  else
    edit_answer (e, 0)->id = place.id;
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

static void
open_made (Editing *e, EditNode *node)
{
  edit_draft_begin (e, node, EDIT_SEED_EMPTY, 0);
  node->draft->dirty = true;
  edit_handle_new (e, node);
  answer_node (e, node);
}

/* A record that hides gets a new file: what is written there is a save of it. */
static void
create_again (Editing *e, uint64_t id)
{
  EditNode *node;
  EditRecord *record;
  EditAction *action;

  edit_record_back (e, id);
  node = edit_node_new (e, NODE_RECORD, e->event->name);
  node->id = id;
  record = edit_record_get (e, id);
  record->node = node;
  action = edit_act (e, EDIT_ADOPT);
  action->node = node->number;
  action->id = id;
  open_made (e, node);
}

void
edit_on_create (Editing *e)
{
  const EditEvent *event = e->event;
  Place place = place_of (e, event->name, event->id);
  int error = edit_read_only (e) != 0 ? edit_read_only (e) : refuse_name (e, event->name);
  EditNodeKind kind = new_kind (place.kind);

  if (error == 0 && place.there && (event->flags & EDIT_EXCLUSIVE) != 0)
    error = EEXIST;
  else if (error == 0 && place.local == NULL && place.id != 0)
    error = e->config.no_update;
  else if (error == 0 && place.local == NULL && kind != NODE_SCRATCH)
    error = e->config.no_create;
  if (error == 0 && (event->handle == 0 || edit_handle_find (e, event->handle) != NULL))
    error = EINVAL;
  if (error != 0)
    edit_answer (e, error);
  else if (place.there)
    edit_open_node (e, place.local != NULL ? place.local : edit_node_of_record (e, place.id));
  else if (place.id != 0)
    create_again (e, place.id);
  else
    open_made (e, edit_node_new (e, kind, event->name));
}

void
edit_on_symlink (Editing *e)
{
  Place place = place_of (e, e->event->name, e->event->id);
  int error = edit_read_only (e) != 0 ? edit_read_only (e) : refuse_name (e, e->event->name);

  if (error == 0 && place.there)
    error = EEXIST;
  if (error == 0 && !is_scratch (place.kind))
    error = EPERM;
  if (error != 0)
    edit_answer (e, error);
  else
    answer_node (e, edit_node_new (e, NODE_LINK, e->event->name));
}

/* ---- unlink ------------------------------------------------------------------------------------------------------ */

static void
unlink_record (Editing *e, uint64_t id)
{
  EditAction *action;

  if (e->config.no_delete != 0)
    {
      edit_answer (e, e->config.no_delete);
      return;
    }
  if (edit_too_many (e, e->event->process, e->event->deletes_elsewhere))
    {
      action = edit_act (e, EDIT_TOO_MANY);
      action->process = e->event->process;
      action->id = id;
      edit_answer (e, EPERM);
      return;
    }
  edit_record_unlink (e, id, e->event->process);
  edit_answer (e, 0);
}

void
edit_on_unlink (Editing *e)
{
  Place place = place_of (e, e->event->name, e->event->id);

  if (edit_read_only (e) != 0)
    edit_answer (e, edit_read_only (e));
  else if (!place.there)
    edit_answer (e, ENOENT);
  else if (place.local == NULL)
    unlink_record (e, place.id);
  else
    {
      edit_node_lose (e, place.local, true);
      edit_answer (e, 0);
    }
}

/* ---- rename ------------------------------------------------------------------------------------------------------ */

/* The record's node becomes the scratch, with the record's text if it had none of its own. */
static void
rename_away (Editing *e, uint64_t id, const char *name)
{
  EditNode *node = edit_node_of_record (e, id);
  bool is_copy = node->draft == NULL;
  EditDraft *draft;

  if (is_copy)
    edit_draft_begin (e, node, EDIT_SEED_SERVER, 0);
  draft = node->draft;
  edit_record_away (e, id);
  edit_node_release (e, node, NODE_SCRATCH, name);
  node->copy_of = is_copy && draft == node->draft ? id : 0;
  edit_answer (e, 0);
}

static bool
is_deleting (const Editing *e, uint64_t id)
{
  const EditRecord *record = edit_record_find (e, id);

  return record != NULL && record->state == RECORD_DELETING;
}

static void
rename_onto_record (Editing *e, EditNode *node, uint64_t id)
{
  bool is_copy = node->copy_of == id && !is_deleting (e, id);

  if (e->config.no_update != 0 || node->draft == NULL || node->draft->empty)
    {
      edit_answer (e, e->config.no_update != 0 ? e->config.no_update : EINVAL);
      return;
    }
  edit_record_back (e, id);
  if (!is_copy)
    {
      edit_commit_rename (e, node, e->event->new_name, id);
      return;
    }
  edit_node_adopt (e, node, id, e->event->new_name);
  edit_draft_retire (e, node);
  edit_answer (e, 0);
  edit_node_check (e, node);
}

static void
rename_to_new (Editing *e, EditNode *node, NameKind to)
{
  EditNodeKind kind = new_kind (to);
  bool empty = node->draft == NULL || node->draft->empty;

  if (e->config.no_create != 0)
    edit_answer (e, e->config.no_create);
  else if (empty || (node->kind == NODE_NEW && kind == NODE_NEW))
    {
      edit_node_move (e, node, kind, e->event->new_name);
      edit_answer (e, 0);
    }
  else
    edit_commit_rename (e, node, e->event->new_name, 0);
}

static void
rename_local (Editing *e, EditNode *node, const Place *to)
{
  if (is_scratch (to->kind))
    {
      edit_node_move (e, node, node->kind == NODE_LINK ? NODE_LINK : NODE_SCRATCH, e->event->new_name);
      edit_answer (e, 0);
    }
  else if (node->kind == NODE_LINK)
    edit_answer (e, EPERM);
  else if (to->id != 0)
    rename_onto_record (e, node, to->id);
  else
    rename_to_new (e, node, to->kind);
}

static void
rename_record (Editing *e, uint64_t id, const Place *to)
{
  if (e->config.no_update != 0)
    edit_answer (e, e->config.no_update);
  else if (!is_scratch (to->kind))
    edit_answer (e, EPERM); /* a record's name comes from its fields, and its text is no other record's */
  else
    rename_away (e, id, e->event->new_name);
}

static int
refuse_rename (Editing *e, const Place *from, const Place *to)
{
  const EditEvent *event = e->event;
  int error = edit_read_only (e);

  if (error == 0 && (event->rename_flags & ~RENAME_FLAG_NOREPLACE) != 0)
    error = EINVAL;
  if (error == 0)
    error = refuse_name (e, event->new_name);
  if (error == 0 && !from->there)
    error = ENOENT;
  if (error == 0 && to->there && (event->rename_flags & RENAME_FLAG_NOREPLACE) != 0)
    error = EEXIST;
  return error;
}

void
edit_on_rename (Editing *e)
{
  Place from = place_of (e, e->event->name, e->event->id);
  Place to = place_of (e, e->event->new_name, e->event->new_id);
  int error = refuse_rename (e, &from, &to);

  if (error != 0)
    edit_answer (e, error);
  else if (to.there && from.local == to.local && from.id == to.id)
    edit_answer (e, 0);
  else if (from.local != NULL)
    rename_local (e, from.local, &to);
  else
    rename_record (e, from.id, &to);
}
