/* The phases of a save that makes a record (saves.h), and finding it again when the answer was lost: a POST has no
 * idempotency key, so it is never sent twice.
 *
 * What cannot be found at once may still come, since Zoho may be at work on it. Therefore the name is in doubt from
 * then on: the next save of it looks for the record first, and if it is there, is a save of it. If it is not there,
 * another one is made only when the first try is so old (DOUBT_S) that nothing can come of it any more. */
#include "model/saves_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/validate.h"
#include "model/value.h"

#include <string.h>

#define CANDIDATES_MAX 20
#define CLOCKS_DIFFER_S 5
#define DOUBT_S 120

/* Of a create that may have been made. Lock held; it is not changed. */
typedef struct
{
  json_t *row;
  int64_t sent_s;
  uint64_t me;
} Doubt;

/* ---- doubts ------------------------------------------------------------------------------------------------------ */

void
saves_doubt_free (gpointer data)
{
  Doubt *doubt = data;

  json_decref (doubt->row);
  g_free (doubt);
}

void
saves_doubt_put (Saves *saves, char *path, const json_t *row, int64_t sent_s, uint64_t me)
{
  Doubt *doubt = g_new0 (Doubt, 1);

  doubt->row = json_deep_copy (row);
  doubt->sent_s = sent_s;
  doubt->me = me;
  store_lock (saves->store);
  g_hash_table_replace (saves->doubts, path, doubt);
  store_unlock (saves->store);
}

void
saves_doubt_drop (Saves *saves, const char *path)
{
  store_lock (saves->store);
  g_hash_table_remove (saves->doubts, path);
  store_unlock (saves->store);
}

void
save_doubt (Save *save)
{
  /* <Field>=<value>.json is looked for by its value anyway. */
  if (save->id != 0 || save->row == NULL || save->own_row != NULL || save->by_field != NULL)
    return;
  saves_doubt_put (save->saves, g_strdup (save->path), save->row, save->sent_s, save->me);
}

void
saves_renamed (Saves *saves, const char *from, const char *to)
{
  const Doubt *doubt;
  Doubt *copy;

  store_lock (saves->store);
  doubt = g_hash_table_lookup (saves->doubts, from);
  if (doubt != NULL && strcmp (from, to) != 0)
    {
      copy = g_memdup2 (doubt, sizeof *doubt);
      copy->row = json_deep_copy (doubt->row);
      g_hash_table_replace (saves->doubts, g_strdup (to), copy);
    }
  store_unlock (saves->store);
}

/* Is the name in doubt? Then the save is about the earlier try until that is settled. */
static bool
take_up_doubt (Save *save)
{
  const Doubt *doubt;

  store_lock (save->saves->store);
  doubt = save->by_field == NULL ? g_hash_table_lookup (save->saves->doubts, save->path) : NULL;
  if (doubt != NULL)
    {
      save->own_row = save->row;
      save->row = json_deep_copy (doubt->row);
      save->sent_s = doubt->sent_s;
      save->me = doubt->me;
    }
  store_unlock (save->saves->store);
  if (doubt == NULL)
    return false;
  save->open = true;
  save->trouble = g_error_new (ZOHO_ERROR, ZOHO_ERROR_UNCLEAR, "An earlier try to create it got no answer");
  return true;
}

static void
end_doubt (Save *save)
{
  saves_doubt_drop (save->saves, save->path);
  json_decref (save->row);
  save->row = g_steal_pointer (&save->own_row);
  g_clear_error (&save->trouble);
  save->open = false;
}

/* The earlier try had made the record save->id: this is a save of it. */
static SaveStep
adopt (Save *save)
{
  end_doubt (save);
  g_clear_pointer (&save->row, json_decref);
  save->taken = false;
  save->adopted = true;
  save->phase = SAVE_CLAIM;
  return STEP_ON;
}

/* Nothing came of the earlier try. */
static SaveStep
make_after_all (Save *save)
{
  end_doubt (save);
  g_array_set_size (save->candidates, 0);
  save->looked = 0;
  save->phase = SAVE_ME;
  return STEP_ON;
}

/* ---- making it --------------------------------------------------------------------------------------------------- */

static bool
takes_plain_text (const Field *field)
{
  return field != NULL
         && (field->kind == FIELD_TEXT || field->kind == FIELD_EMAIL || field->kind == FIELD_PHONE
             || field->kind == FIELD_WEBSITE || field->kind == FIELD_PICK);
}

/* The value that the file's name says, where the text does not. */
static void
add_named_value (Save *save)
{
  const Field *field = save->by_field != NULL ? field_set_find (save->fields, save->by_field) : NULL;

  if (takes_plain_text (field) && value_is_empty (field, json_object_get (save->document, save->by_field)))
    json_object_set_new (save->document, save->by_field, json_from_text (save->what->value));
}

static bool
has_text (const json_t *row, const char *field)
{
  const char *text = json_get_text (row, field);

  return text != NULL && *text != '\0';
}

/* Of a note: whose it is, which its text need not say. */
static bool
complete_note (Save *save, GError **error)
{
  g_autofree char *id = NULL;

  if (!has_text (save->row, "Note_Title") && !has_text (save->row, "Note_Content"))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "A note needs Note_Title or Note_Content");
      return false;
    }
  if (save->parent == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "Which record the note is to belong to is not known");
      return false;
    }
  id = g_strdup_printf ("%" G_GUINT64_FORMAT, save->parent_id);
  json_object_set_new (save->row, "Parent_Id",
                       json_pack ("{s:{s:s}, s:s}", "module", "api_name", save->parent->name, "id", id));
  return true;
}

SaveStep
save_create (Save *save, StoreWait *wait, GError **error)
{
  ValidateConfig config = { .fields = save->fields };
  g_autoptr (GError) why = NULL;

  add_named_value (save);
  if (!validate_document (&config, save->document, &save->field, &why))
    return save_fail (save, g_steal_pointer (&why), error);
  save->row = patch_create (save->fields, save->document, &save->ignored);
  save->row_size = g_bytes_get_size (save->what->text);
  if (save->module->kind == MODULE_NOTES && !complete_note (save, &why))
    return save_fail (save, g_steal_pointer (&why), error);
  if (save->by_field != NULL)
    {
      store_lock (save->saves->store);
      save->upsert
          = saves_can_upsert (save->module, save->by_field) && json_object_get (save->row, save->by_field) != NULL;
      store_unlock (save->saves->store);
      save->verb = save->upsert ? "upsert" : "create";
    }
  if (save->what->dry_run)
    return save_succeed (save, "dry run: nothing was sent");
  save->phase = take_up_doubt (save) ? SAVE_LOOK : SAVE_ME;
  return STEP_ON;
}

/* Without it a lost answer is looked for among the records of all. */
SaveStep
save_me (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (store_me (save->saves->store, wait, &save->me, &why) == STORE_WAITING)
    return STEP_WAIT;
  if (why != NULL)
    g_message ("Who creates records here is not known: %s", why->message);
  save->phase = SAVE_POST;
  return STEP_ON;
}

SaveStep
save_post (Save *save, StoreWait *wait, GError **error)
{
  Saves *saves = save->saves;
  g_autoptr (GError) why = NULL;
  SaveStep step = STEP_FAILED;

  save->sent_s = clock_wall_s ();
  if (!save_note (save, save->row, &why))
    return save_fail (save, g_steal_pointer (&why), error);
  save->phase = SAVE_POSTED;
  store_lock (saves->store);
  if (!saves_is_stopping (saves, &why))
    {
      group_add (save, true);
      step = save_wait (save, wait);
    }
  store_unlock (saves->store);
  return step == STEP_FAILED ? save_fail (save, g_steal_pointer (&why), error) : step;
}

static void
set_id (Save *save, uint64_t id)
{
  g_autoptr (GError) why = NULL;

  save->id = id;
  save->taken = true;
  if (save->by_field != NULL)
    {
      store_lock (save->saves->store);
      saves_find_forget (save->saves, save->module);
      store_unlock (save->saves->store);
    }
  if (save->what->draft != NULL && !draft_set_id (save->what->draft, id, &why))
    g_warning ("%s/%s: the journal does not know that it was created: %s", save->module->name, save->name,
               why->message);
}

SaveStep
save_posted (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) failure = save_take_failure (save);

  if (failure == NULL)
    {
      set_id (save, save->created);
      save->phase = SAVE_VERIFY;
      return STEP_ON;
    }
  if (!g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_UNCLEAR))
    return save_fail (save, g_steal_pointer (&failure), error);
  save->open = true;
  save->trouble = g_steal_pointer (&failure);
  save->phase = SAVE_LOOK;
  return STEP_ON;
}

/* ---- looking for it ---------------------------------------------------------------------------------------------- */

/* It may be there, and that is all that is known. */
static SaveStep
stay_unclear (Save *save, const char *words, GError **error)
{
  g_prefix_error (&save->trouble, "%s. ", words);
  return save_fail (save, g_steal_pointer (&save->trouble), error);
}

/* @failure is taken over. */
static SaveStep
not_looked (Save *save, GError *failure, GError **error)
{
  g_autoptr (GError) why = failure;

  if (save->later)
    return save_put_off (save, g_steal_pointer (&why), error);
  return stay_unclear (save, "It was looked for in the CRM, which failed too", error);
}

static void
take_candidates (Save *save, const RecordsPage *page)
{
  int64_t skew = page->server_time != 0 ? page->server_time - clock_wall_s () : 0;
  size_t index;
  json_t *row;

  json_array_foreach (page->rows, index, row)
    {
      uint64_t id = row_id (row);
      int64_t created;

      if (clock_parse_time (json_get_text (row, "Created_Time"), &created)
          && created >= save->sent_s + skew - CLOCKS_DIFFER_S && !g_hash_table_contains (save->saves->created, &id))
        g_array_append_val (save->candidates, id);
    }
}

static void
on_looked (const RecordsPage *page, const GError *error, void *data)
{
  Save *save = data;
  Store *store = save->saves->store;

  call_begin (store, &save->ticket);
  if (page != NULL)
    take_candidates (save, page);
  save_landed (save, error);
  call_end (store);
}

/* Can @value stand in a query? */
static bool
is_plain (const char *value)
{
  if (value == NULL || *value == '\0' || strlen (value) > 250)
    return false;
  for (; *value != '\0'; value++)
    if ((unsigned char)*value < ' ' || *value == '\\' || *value == '\x7f')
      return false;
  return true;
}

/* A field that was sent and that the record is called by. */
static const char *
name_field (const Save *save)
{
  const char *label = save->module->schema->label;

  if (label != NULL && is_plain (json_get_text (save->row, label)))
    return label;
  return is_plain (json_get_text (save->row, "Last_Name")) ? "Last_Name" : NULL;
}

/* Lock held: among the notes of the record, the newest first. */
static void
send_look_for_note (Save *save)
{
  g_autofree char *parent = g_strdup_printf ("%" G_GUINT64_FORMAT, save->parent_id);
  RecordsList list = { .module = save->module->name,
                       .parent_module = save->parent->name,
                       .parent_id = parent,
                       .fields = "Created_Time",
                       .page = 1,
                       .sort_by = "Created_Time",
                       .priority = CLIENT_PERSON };

  save->flying = true;
  save->ticket = records_list (save->saves->store->config.client, &list, on_looked, save);
  call_sent (save->saves->store, save->ticket);
}

/* Lock held. */
static void
send_look (Save *save)
{
  g_autofree char *creator = g_strdup_printf ("%" G_GUINT64_FORMAT, save->me);
  const char *name = name_field (save);
  char since[CLOCK_TIME_SIZE];
  RecordsCondition conditions[3] = { { "Created_Time", ">=", since } };
  RecordsWhere where = { .module = save->module->name,
                         .fields = "Created_Time",
                         .conditions = conditions,
                         .conditions_size = 1,
                         .limit = CANDIDATES_MAX,
                         .priority = CLIENT_PERSON };

  clock_format_time (save->sent_s - OVERLAP_S, since);
  if (save->me != 0 && field_set_find (save->fields, "Created_By") != NULL)
    conditions[where.conditions_size++] = (RecordsCondition){ "Created_By", "=", creator };
  if (name != NULL)
    conditions[where.conditions_size++] = (RecordsCondition){ name, "=", json_get_text (save->row, name) };
  save->flying = true;
  save->ticket = records_where (save->saves->store->config.client, &where, on_looked, save);
  call_sent (save->saves->store, save->ticket);
}

SaveStep
save_look (Save *save, StoreWait *wait, GError **error)
{
  Saves *saves = save->saves;
  bool can;

  if (field_set_find (save->fields, "Created_Time") == NULL)
    return stay_unclear (save, "Records of this module do not say when they were created, so it was not looked for",
                         error);
  if (save->module->kind == MODULE_NOTES && save->parent == NULL)
    return stay_unclear (save, "Which record the note belongs to is not known, so it was not looked for", error);
  save->phase = SAVE_LOOKED;
  store_lock (saves->store);
  can = !saves_is_stopping (saves, NULL);
  if (can)
    {
      if (save->module->kind == MODULE_NOTES)
        send_look_for_note (save);
      else
        send_look (save);
      save_wait (save, wait);
    }
  store_unlock (saves->store);
  return can ? STEP_WAIT
             : save_fail (save, g_error_new (ZOHO_ERROR, ZOHO_ERROR_CANCELLED, "The mount is ending"), error);
}

SaveStep
save_looked (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) failure = save_take_failure (save);

  if (failure != NULL)
    return not_looked (save, g_steal_pointer (&failure), error);
  save->phase = SAVE_COMPARE;
  return STEP_ON;
}

/* Makes the candidate that was read ours, if it is what was sent and nobody else's. */
static bool
claim_candidate (Save *save, uint64_t id)
{
  Patch sent = { .kind = PATCH_SEND, .update = save->row };
  g_autoptr (json_t) after = save_document (save, &save->entry);
  g_auto (GStrv) differences = after != NULL ? patch_differences (save->fields, &sent, NULL, after) : NULL;
  bool ours;

  if (after == NULL || *differences != NULL)
    return false;
  store_lock (save->saves->store);
  ours = g_hash_table_add (save->saves->created, g_memdup2 (&id, sizeof id));
  store_unlock (save->saves->store);
  return ours;
}

static void
keep_alias (const Save *save)
{
  g_autoptr (GError) why = NULL;
  g_autofree char *folder = saves_alias_folder (save->module, save->parent_id);
  JournalAlias alias = { folder, save->name, save->id };

  if (save->saves->config.journal != NULL && save->by_field == NULL
      && !journal_alias_put (save->saves->config.journal, &alias, 1, &why))
    g_warning ("%s/%s: its name could not be kept: %s", save->module->name, save->name, why->message);
}

/* The candidate save->id was read. */
static bool
is_it (Save *save)
{
  if (!claim_candidate (save, save->id))
    return false;
  g_clear_error (&save->trouble);
  keep_alias (save);
  set_id (save, save->id);
  return true;
}

/* Somebody else who looked for it may have found it meanwhile: the record that the name means; 0: none. */
static uint64_t
found_by_others (const Save *save)
{
  Journal *journal = save->saves->config.journal;
  g_autofree char *folder = saves_alias_folder (save->module, save->parent_id);

  return journal != NULL && save->own_row != NULL ? journal_alias_get (journal, folder, save->name) : 0;
}

SaveStep
save_compare (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) failure = save_take_failure (save);
  bool read = save->id != 0, gone = g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND);
  SaveStep step;

  if (read && failure == NULL && is_it (save))
    {
      if (save->own_row != NULL)
        return adopt (save);
      save->phase = SAVE_VERIFIED;
      return STEP_ON;
    }
  save->id = 0;
  if (failure != NULL && !gone)
    return not_looked (save, g_steal_pointer (&failure), error);
  if (save->looked == save->candidates->len && (save->id = found_by_others (save)) != 0)
    return adopt (save);
  if (save->looked == save->candidates->len && save->own_row != NULL && clock_wall_s () - save->sent_s >= DOUBT_S)
    return make_after_all (save);
  if (save->looked == save->candidates->len)
    return stay_unclear (save, "It was looked for in the CRM and is not there yet", error);
  save->id = g_array_index (save->candidates, uint64_t, save->looked++);
  g_clear_error (&failure);
  step = save_fetch (save, wait, &failure);
  if (step != STEP_FAILED)
    return step;
  save->id = 0;
  return save_fail (save, g_steal_pointer (&failure), error);
}
