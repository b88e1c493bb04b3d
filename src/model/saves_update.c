/* The phases of a save that changes a record (saves.h): what is to be sent, sending it, and what came of it. */
#include "model/saves_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/names.h"
#include "model/validate.h"

#include <string.h>

/* So often is a save decided anew after a 412 and sent again. */
#define RETRIES_MAX 2

static json_t *
parse (GBytes *text)
{
  return text != NULL ? json_parse (g_bytes_get_data (text, NULL), g_bytes_get_size (text), NULL) : NULL;
}

SaveStep
save_claim (Save *save, StoreWait *wait, GError **error)
{
  Saves *saves = save->saves;
  RecordKey key = { save->module, save->id };
  SaveStep step = STEP_ON;

  store_lock (saves->store);
  if (g_hash_table_contains (saves->claims, &key))
    {
      bell_wait (&saves->freed, wait);
      step = STEP_WAIT;
    }
  else
    {
      g_hash_table_add (saves->claims, g_memdup2 (&key, sizeof key));
      save->claimed = true;
      save->verb = save->adopted ? "create" : "update";
      save->phase = SAVE_CURRENT;
    }
  store_unlock (saves->store);
  return step;
}

static bool
is_unsettled (Save *save)
{
  const Entry *entry;
  bool unsettled;

  store_lock (save->saves->store);
  entry = table_find (save->module, save->id);
  unsettled = entry == NULL || entry->unsettled;
  store_unlock (save->saves->store);
  return unsettled;
}

static void
set_current (Save *save)
{
  json_decref (save->current);
  save->current = save_document (save, &save->entry);
}

SaveStep
save_current (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) why = NULL;
  StoreState state = store_entry (save->module, save->id, wait, &save->entry, &why);

  if (state == STORE_WAITING)
    return STEP_WAIT;
  if (state == STORE_FAILED)
    return save_fail (save, g_steal_pointer (&why), error);
  set_current (save);
  save->phase = save->current == NULL || is_unsettled (save) ? SAVE_READ : SAVE_DECIDE;
  return STEP_ON;
}

SaveStep
save_read (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) why = NULL;
  SaveStep step = save_fetch (save, wait, &why);

  if (step == STEP_FAILED)
    return save_fail (save, g_steal_pointer (&why), error);
  save->phase = SAVE_HAVE_READ;
  return step;
}

SaveStep
save_have_read (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) failure = save_take_failure (save);

  /* Of a write that was refused with a 412 by a try of its own it is not known whether another was taken. */
  save->open = failure != NULL && save->refusals > 0;
  if (failure != NULL)
    return save_fail (save, g_steal_pointer (&failure), error);
  set_current (save);
  if (save->current == NULL)
    return save_fail (
        save,
        g_error_new (ZOHO_ERROR, ZOHO_ERROR_FAILED, "The record was read and is gone again from the cache; try again"),
        error);
  save->fresh = true;
  save->phase = SAVE_DECIDE;
  return STEP_ON;
}

/* ---- deciding ---------------------------------------------------------------------------------------------------- */

static void
value_unref (gpointer value)
{
  json_decref (value);
}

/* The kept versions that have the time that the text names. */
static GPtrArray *
named_versions (const Save *save)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (value_unref);
  g_autoptr (GArray) versions = NULL;
  int64_t time;

  if (!clock_parse_time (json_get_text (save->document, "Modified_Time"), &time))
    return found;
  versions = disk_versions (save->saves->store->config.disk, module_key (save->module), save->id);
  for (guint i = 0; i < versions->len; i++)
    {
      const DiskVersion *version = &g_array_index (versions, DiskVersion, i);
      json_t *document = version->mtime == time ? parse (version->text) : NULL;

      if (document != NULL)
        g_ptr_array_add (found, document);
    }
  return found;
}

static void
add_known (GPtrArray *known, const json_t *document)
{
  if (document != NULL)
    g_ptr_array_add (known, (gpointer)document);
}

/* Is what the text says good, as far as that can be told here? */
static bool
is_valid (Save *save, const BaseCandidates *candidates, GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  ValidateConfig config = { .fields = save->fields, .known = known, .id = save->id };

  add_known (known, candidates->current);
  add_known (known, candidates->read);
  for (size_t i = 0; i < candidates->versions_size; i++)
    add_known (known, candidates->versions[i]);
  g_clear_pointer (&save->field, g_free);
  return validate_document (&config, save->document, &save->field, error);
}

/* A file that was restored names, inside as outside, the record that it was once. */
static void
drop_former_id (Save *save)
{
  const char *text = json_get_text (save->document, "id");
  Journal *journal = save->saves->config.journal;
  g_autofree char *folder = NULL;
  uint64_t former;
  char name[32];

  if (journal == NULL || text == NULL || !names_parse_id (text, &former) || former == save->id)
    return;
  g_snprintf (name, sizeof name, "%" G_GUINT64_FORMAT ".json", former);
  folder = saves_alias_folder (save->module, save->parent_id);
  if (journal_alias_get (journal, folder, name) == save->id)
    json_object_del (save->document, "id");
}

/* Of what version the text is nobody knows, but it says just what the record says now. */
static bool
changes_nothing (Save *save)
{
  g_autoptr (MergeBase) base = merge_base_of (save->current);

  g_clear_pointer (&save->patch, patch_free);
  save->patch = patch_make (save->fields, base, save->document, save->current);
  return save->patch->kind == PATCH_NOTHING;
}

static bool
compare (Save *save, GError **error)
{
  const SaveWhat *what = save->what;
  g_autoptr (GPtrArray) versions = named_versions (save);
  g_autoptr (json_t) read = parse (what->read);
  g_autoptr (json_t) saved = parse (what->saved);
  g_autoptr (json_t) answer = parse (what->saved_answer);
  g_autoptr (MergeBase) base = NULL;
  g_autoptr (GError) why = NULL;
  BaseCandidates candidates = {
    .text = save->document,
    .current = save->current,
    .versions = (const json_t *const *)versions->pdata,
    .versions_size = versions->len,
    .read = read,
    .read_us = what->read_us,
    .saved = saved,
    .saved_us = what->saved_us,
    .saved_answer = answer,
    .stale_overwrite = what->stale_overwrite,
  };

  drop_former_id (save);
  if (!is_valid (save, &candidates, error))
    return false;
  base = merge_base_choose (&candidates, &why);
  if (base == NULL && g_error_matches (why, ZOHO_ERROR, ZOHO_ERROR_CHANGED) && changes_nothing (save))
    return true;
  if (base == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&why));
      return false;
    }
  g_clear_pointer (&save->patch, patch_free);
  save->patch = patch_make (save->fields, base, save->document, save->current);
  return true;
}

static GError *
conflict_error (Save *save)
{
  g_autofree char *words = patch_explain (save->patch);

  save->field = g_strdup (json_get_text (json_array_get (save->patch->conflicts, 0), "path"));
  return g_error_new_literal (ZOHO_ERROR, ZOHO_ERROR_CHANGED, words);
}

static SaveStep
end_without_sending (Save *save, const char *outcome)
{
  /* A try that was taken, followed by one that was refused because of it; or an earlier save that was. */
  save->sent = save->refusals > 0 || save->adopted;
  if (save->sent)
    return save_succeed (save, "saved");
  return save_succeed (save, *save->patch->ignored != NULL || save->what->dry_run ? outcome : NULL);
}

SaveStep
save_decide (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (!compare (save, &why))
    return save_fail (save, g_steal_pointer (&why), error);
  switch (save->patch->kind)
    {
    case PATCH_NOTHING:
      return end_without_sending (save, "nothing to change");
    case PATCH_CONFLICT:
      return save_fail (save, conflict_error (save), error);
    case PATCH_SEND:
      break;
    }
  /* Nothing guards a note, so it is looked at just before. */
  if ((save->patch->rows || save->module->kind == MODULE_NOTES) && !save->fresh)
    save->phase = SAVE_READ;
  else if (save->what->dry_run)
    return end_without_sending (save, "dry run: nothing was sent");
  else if (save->refusals > RETRIES_MAX)
    return save_fail (
        save,
        g_error_new (ZOHO_ERROR, ZOHO_ERROR_CHANGED,
                     "The record is changed in the CRM again and again, faster than it can be saved here; "
                     "try again when that has ended"),
        error);
  else
    save->phase = SAVE_SEND;
  return STEP_ON;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

/* Of calls about one record. */
static void
on_written (const WriteResult *results, size_t count, const GError *error, void *data)
{
  Save *save = data;
  Saves *saves = save->saves;

  call_begin (saves->store, &save->ticket);
  saves_flying (saves, -1);
  save_landed (save, error);
  call_end (saves->store);
}

/* Lock held. */
static SaveStep
sent (Save *save, uint64_t ticket, StoreWait *wait)
{
  save->ticket = ticket;
  call_sent (save->saves->store, ticket);
  saves_flying (save->saves, 1);
  save->flying = save->on_wire = true;
  save->phase = SAVE_SENT;
  return save_wait (save, wait);
}

/* Lock held. */
static SaveStep
put (Save *save, StoreWait *wait)
{
  g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, save->id);
  const char *modified = json_get_text (save->current, "Modified_Time");
  WriteUpdate update = { .module = save->module->name,
                         .id = id,
                         .fields = save->patch->update,
                         .if_unmodified_since = modified,
                         .priority = wait->priority };

  if (modified != NULL && save->module->kind != MODULE_NOTES)
    return sent (save, write_update (save->saves->store->config.client, &update, on_written, save), wait);
  /* Nothing guards it, so it may go with others. */
  json_decref (save->row);
  save->row = json_deep_copy (save->patch->update);
  json_object_set_new (save->row, "id", json_string (id));
  save->flying = true;
  save->phase = SAVE_SENT;
  group_add (save, false);
  return save_wait (save, wait);
}

/* What goes out, for the journal. */
static json_t *
body_of (const Patch *patch)
{
  json_t *body = patch->update != NULL ? json_copy (patch->update) : json_object ();

  if (patch->tags_add != NULL)
    json_object_set (body, SAVE_TAGS_ADDED, patch->tags_add);
  if (patch->tags_remove != NULL)
    json_object_set (body, SAVE_TAGS_REMOVED, patch->tags_remove);
  return body;
}

SaveStep
save_send (Save *save, StoreWait *wait, GError **error)
{
  Saves *saves = save->saves;
  g_autoptr (json_t) body = body_of (save->patch);
  g_autoptr (GError) why = NULL;
  SaveStep step = STEP_FAILED;

  if (!save_note (save, body, &why))
    return save_fail (save, g_steal_pointer (&why), error);
  save->phase = SAVE_TAGS;
  if (save->patch->update == NULL)
    return STEP_ON;
  store_lock (saves->store);
  if (!saves_is_stopping (saves, &why))
    step = put (save, wait);
  store_unlock (saves->store);
  return step == STEP_FAILED ? save_fail (save, g_steal_pointer (&why), error) : step;
}

/* Lock held. */
static SaveStep
send_tags (Save *save, WriteTags action, const json_t *tags, StoreWait *wait)
{
  g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, save->id);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (size_t i = 0; i < json_array_size (tags); i++)
    g_ptr_array_add (names, (gpointer)json_get_text (json_array_get (tags, i), "name"));
  g_ptr_array_add (names, NULL);
  return sent (save,
               write_tags (save->saves->store->config.client, save->module->name, id, action,
                           (const char *const *)names->pdata, wait->priority, on_written, save),
               wait);
}

SaveStep
save_tags (Save *save, StoreWait *wait, GError **error)
{
  Saves *saves = save->saves;
  const json_t *tags[] = { save->patch->tags_add, save->patch->tags_remove };
  g_autoptr (GError) why = NULL;
  SaveStep step = STEP_FAILED;

  while (save->tags_done < G_N_ELEMENTS (tags) && tags[save->tags_done] == NULL)
    save->tags_done++;
  if (save->tags_done == G_N_ELEMENTS (tags))
    {
      save->phase = SAVE_VERIFY;
      return STEP_ON;
    }
  store_lock (saves->store);
  if (!saves_is_stopping (saves, &why))
    step = send_tags (save, save->tags_done == 0 ? WRITE_TAGS_ADD : WRITE_TAGS_REMOVE, tags[save->tags_done], wait);
  store_unlock (saves->store);
  save->tags_done++;
  return step == STEP_FAILED ? save_fail (save, g_steal_pointer (&why), error) : step;
}

/* 412, with words or without: not a lock or an approval, which another try would not mend. */
static bool
is_newer (const GError *failure)
{
  const char *code = zoho_error_refusal_code (failure);

  return g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_CHANGED)
         && (code == NULL || strcmp (code, "ALREADY_MODIFIED") == 0);
}

SaveStep
save_sent (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) failure = save_take_failure (save);

  if (failure == NULL)
    {
      save->taken = true;
      save->phase = SAVE_TAGS;
      return STEP_ON;
    }
  if (!save->taken && is_newer (failure))
    {
      save->refusals++;
      save->phase = SAVE_READ;
      return STEP_ON;
    }
  save->open = report_is_open (failure);
  if (!save->taken && (!save->open || g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_CANCELLED)))
    return save_fail (save, g_steal_pointer (&failure), error);
  save->trouble = g_steal_pointer (&failure);
  save->phase = SAVE_VERIFY;
  return STEP_ON;
}

/* ---- reading back ------------------------------------------------------------------------------------------------ */

SaveStep
save_verify (Save *save, StoreWait *wait, GError **error)
{
  SaveStep step = save_fetch (save, wait, NULL);

  save->phase = SAVE_VERIFIED;
  if (step != STEP_FAILED)
    return step;
  store_lock (save->saves->store);
  save->failure = g_error_new (ZOHO_ERROR, ZOHO_ERROR_CANCELLED, "The mount is ending");
  store_unlock (save->saves->store);
  return STEP_ON;
}

static void
set_answer (Save *save, const json_t *after)
{
  const json_t *sent = save->patch != NULL ? save->patch->update : save->row;
  g_autoptr (json_t) answer = json_object ();
  GString *text = g_string_new (NULL);
  const char *key;
  json_t *value;

  if (save->patch != NULL)
    {
      json_decref (answer);
      answer = patch_answer (save->patch, after);
    }
  else
    json_object_foreach ((json_t *)sent, key, value)
      if (json_object_get (after, key) != NULL)
        json_object_set (answer, key, json_object_get (after, key));
  json_write_compact (answer, text);
  save->answer = g_string_free_to_bytes (text);
}

/* Names of fields that read otherwise than they were sent. */
static char **
differences_of (const Save *save, const json_t *after)
{
  Patch created = { .kind = PATCH_SEND, .update = save->row };

  return patch_differences (save->fields, save->patch != NULL ? save->patch : &created, save->current, after);
}

/* It is in the CRM, and could not be read back. A new one is there for all that, to be read by who wants it. */
static SaveStep
unseen (Save *save, const GError *failure)
{
  g_autofree char *outcome = g_strconcat ("saved, but not read back: ", failure->message, NULL);
  StoreModule *module = save->module;
  Entry *entry;

  store_lock (save->saves->store);
  if (save->created_us != 0 && module->kind != MODULE_NOTES)
    entry = table_put (module, save->id, module->listing >= LISTING_LOADING);
  else
    entry = table_find (module, save->id);
  if (entry != NULL)
    table_outdate (module, entry);
  store_unlock (save->saves->store);
  save->entry = (StoreEntry){ .id = save->id, .size = -1 };
  save->sent = true;
  return save_succeed (save, outcome);
}

SaveStep
save_verified (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) failure = save_take_failure (save);
  g_autoptr (json_t) after = failure == NULL ? save_document (save, &save->entry) : NULL;
  g_auto (GStrv) differences = after != NULL ? differences_of (save, after) : NULL;
  g_autofree char *names = differences != NULL ? g_strjoinv (", ", differences) : NULL;
  g_autofree char *outcome = NULL;

  if (after == NULL && failure == NULL)
    failure = g_error_new (ZOHO_ERROR, ZOHO_ERROR_FAILED, "it is gone again from the cache");
  if (save->later && after == NULL && !g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    return save_put_off (save, g_steal_pointer (&failure), error);
  if (save->trouble != NULL && after == NULL)
    g_prefix_error (&save->trouble, "It could not be read back whether it was saved: ");
  if (save->trouble != NULL && (!report_is_open (save->trouble) || names == NULL || names[0] != '\0'))
    return save_fail (save, g_steal_pointer (&save->trouble), error);
  if (after == NULL)
    return unseen (save, failure);
  set_answer (save, after);
  save->sent = true;
  outcome = names[0] != '\0' ? g_strconcat ("saved; the CRM has other values in ", names, NULL) : g_strdup ("saved");
  return save_succeed (save, outcome);
}
