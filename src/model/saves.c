/* The door to the save engine: a save from its first question to its end, and what its phases share. */
#include "model/saves_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/validate.h"

#include <string.h>

guint
record_key_hash (gconstpointer key)
{
  const RecordKey *record = key;

  return g_direct_hash (record->module) ^ g_int64_hash (&record->id);
}

gboolean
record_key_equal (gconstpointer a, gconstpointer b)
{
  const RecordKey *one = a, *other = b;

  return one->module == other->module && one->id == other->id;
}

Saves *
saves_new (const SavesConfig *config)
{
  Saves *saves = g_new0 (Saves, 1);

  saves->config = *config;
  saves->store = config->store;
  pthread_cond_init (&saves->idle, NULL);
  saves->claims = g_hash_table_new_full (record_key_hash, record_key_equal, g_free, NULL);
  saves->created = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  saves->groups = g_ptr_array_new_with_free_func (group_free);
  saves->fields = g_hash_table_new_full (NULL, NULL, NULL, saves_fields_free);
  saves->finds = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, saves_find_free);
  saves->doubts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, saves_doubt_free);
  saves->deletes = g_hash_table_new_full (record_key_hash, record_key_equal, NULL, saves_delete_free);
  return saves;
}

void
saves_free (Saves *saves)
{
  if (saves == NULL)
    return;
  saves_settle_free (saves);
  g_assert (saves->active == 0);
  g_hash_table_unref (saves->claims);
  g_hash_table_unref (saves->created);
  g_ptr_array_unref (saves->groups);
  g_hash_table_unref (saves->fields);
  g_hash_table_unref (saves->finds);
  g_hash_table_unref (saves->doubts);
  g_hash_table_unref (saves->deletes);
  pthread_cond_destroy (&saves->idle);
  g_free (saves);
}

bool
saves_is_stopping (const Saves *saves, GError **error)
{
  return store_is_stopping (saves->store, error);
}

void
saves_flying (Saves *saves, int change)
{
  saves->flying += (unsigned)change;
  if (saves->flying == 0)
    pthread_cond_broadcast (&saves->idle);
}

/* ---- one save ---------------------------------------------------------------------------------------------------- */

void
save_begin (Saves *saves, SaveWhat *what, SavePhase phase)
{
  Save *save = g_new0 (Save, 1);

  save->saves = saves;
  save->what = what;
  save->module = what->module;
  save->parent = what->parent;
  save->parent_id = what->parent_id;
  save->name = g_strdup (what->name);
  save->path = report_place (what->module, what->parent, what->parent_id, what->name);
  save->by_field = g_strdup (what->field);
  save->id = what->id;
  save->verb = what->id != 0 ? "update" : "create";
  save->candidates = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  save->phase = phase;
  what->save = save;
  store_lock (saves->store);
  saves->active++;
  store_unlock (saves->store);
}

/* Lock held: the next save of the record may begin. */
static void
release_claim (Save *save)
{
  RecordKey key = { save->module, save->id };

  if (!save->claimed)
    return;
  save->claimed = false;
  g_hash_table_remove (save->saves->claims, &key);
  bell_ring (save->saves->store, &save->saves->freed, NULL);
}

/* Lock held. */
static void
save_free (Save *save)
{
  Saves *saves = save->saves;

  release_claim (save);
  if (--saves->active == 0)
    pthread_cond_broadcast (&saves->idle);
  json_decref (save->document);
  json_decref (save->current);
  json_decref (save->row);
  json_decref (save->own_row);
  field_set_unref (save->fields);
  patch_free (save->patch);
  g_array_unref (save->candidates);
  g_strfreev (save->ignored);
  g_clear_pointer (&save->answer, g_bytes_unref);
  g_clear_error (&save->failure);
  g_clear_error (&save->trouble);
  g_free (save->field);
  g_free (save->by_field);
  g_free (save->name);
  g_free (save->path);
  g_free (save);
}

/* Lock held: what is known of a record that was written and not read back is old. */
static void
outdate (Save *save)
{
  Entry *entry = table_find (save->module, save->id);

  if (entry != NULL)
    table_outdate (save->module, entry);
}

void
save_landed (Save *save, const GError *error)
{
  save->flying = false;
  if (error != NULL && save->failure == NULL)
    save->failure = g_error_copy (error);
  if (save->what != NULL)
    {
      bell_ring (save->saves->store, &save->landed, NULL);
      return;
    }
  if (save->on_wire)
    outdate (save);
  save_free (save);
}

GError *
save_take_failure (Save *save)
{
  GError *failure;

  store_lock (save->saves->store);
  failure = g_steal_pointer (&save->failure);
  store_unlock (save->saves->store);
  return failure;
}

SaveStep
save_wait (Save *save, StoreWait *wait)
{
  bell_wait (&save->landed, wait);
  return STEP_WAIT;
}

static void
on_fetched (void *data, uint64_t id, const GError *error)
{
  Save *save = data;

  if (save->old_flight && save->what != NULL && !saves_is_stopping (save->saves, NULL))
    {
      save->old_flight = false;
      fetch_for (save->module, id, on_fetched, save);
    }
  else
    save_landed (save, error);
}

/* Was it read since it was made? */
static bool
is_read_back (const Save *save)
{
  const Entry *entry = save->created_us != 0 ? table_find (save->module, save->id) : NULL;

  return entry != NULL && entry->version != 0 && entry->checked_us >= save->created_us;
}

SaveStep
save_fetch (Save *save, StoreWait *wait, GError **error)
{
  Saves *saves = save->saves;
  SaveStep step = STEP_FAILED;

  store_lock (saves->store);
  if (is_read_back (save))
    step = STEP_ON;
  else if (!saves_is_stopping (saves, error))
    {
      /* What a flight under way brings may have been read before the record was written. */
      save->old_flight = save->created_us == 0 && g_hash_table_contains (save->module->flights, &save->id);
      save->flying = true;
      fetch_for (save->module, save->id, on_fetched, save);
      step = save_wait (save, wait);
    }
  store_unlock (saves->store);
  return step;
}

json_t *
save_document (Save *save, StoreEntry *entry)
{
  g_autoptr (GBytes) text = store_peek (save->module, save->id, entry);

  return text != NULL ? json_parse (g_bytes_get_data (text, NULL), g_bytes_get_size (text), NULL) : NULL;
}

bool
save_note (Save *save, const json_t *body, GError **error)
{
  GString *text;
  g_autofree char *creator = save->me != 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT, save->me) : NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (save->what->draft == NULL)
    return true;
  text = g_string_new (NULL);
  json_write_compact (body, text);
  bytes = g_string_free_to_bytes (text);
  /* After a 412 the note is of what was sent before. */
  if (draft_state (save->what->draft) == DRAFT_SENDING && !draft_unsent (save->what->draft, error))
    return false;
  save->noted = draft_sending (save->what->draft, bytes, creator, error);
  return save->noted;
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* The keys of @row, sorted, ended by NULL; borrowed. */
static GPtrArray *
keys_of (const json_t *row)
{
  GPtrArray *keys = g_ptr_array_new ();
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)row, key, value)
    g_ptr_array_add (keys, (gpointer)key);
  g_ptr_array_sort (keys, compare_names);
  g_ptr_array_add (keys, NULL);
  return keys;
}

/* @plain: the outcome without words that may quote a value; NULL: it has none. */
static void
tell_audit (const Save *save, const char *outcome, const char *plain)
{
  g_autoptr (GPtrArray) keys = keys_of (save->row);
  const Patch *patch = save->patch;

  report_audit (save->saves,
                &(SaveAudit){ .time_s = clock_wall_s (),
                              .who = save->what->who,
                              .verb = save->verb,
                              .path = save->path,
                              .module = save->module->name,
                              .id = save->id,
                              .fields = (const char *const *)(patch != NULL ? (void *)patch->fields : keys->pdata),
                              .ignored = (const char *const *)(patch != NULL ? patch->ignored : save->ignored),
                              .outcome = outcome,
                              .plain_outcome = plain,
                              .sent = patch != NULL ? patch->update : save->row,
                              .tags_added = patch != NULL ? patch->tags_add : NULL,
                              .tags_removed = patch != NULL ? patch->tags_remove : NULL,
                              .before = patch != NULL ? save->current : NULL });
}

/* Returns: is the draft where refused ones are? */
static bool
refuse_draft (const Save *save, const DraftReason *reason)
{
  g_autoptr (GError) why = NULL;

  if (save->what->draft == NULL)
    return false;
  if (draft_refuse (save->what->draft, reason, &why))
    return true;
  g_warning ("%s/%s: the draft stays in the journal: %s", save->module->name, save->name, why->message);
  return false;
}

/* The text goes on as if this save had not been tried. One of which it is not known whether it was taken, now or by an
 * earlier save, stays SENDING: if the mount ends before that is known, the next one looks. */
static void
keep_draft (const Save *save)
{
  g_autoptr (GError) why = NULL;

  if (save->what->draft != NULL && save->noted && !save->open && draft_state (save->what->draft) == DRAFT_SENDING
      && !draft_unsent (save->what->draft, &why))
    g_warning ("%s/%s: %s", save->module->name, save->name, why->message);
}

/* "refused: EINVAL, INVALID_DATA, at Email" */
static char *
plain_outcome (const Save *save, const DraftReason *reason)
{
  const char *field = reason->field;

  return g_strconcat (save->taken ? "partly saved: " : "refused: ", reason->errno_name, ", ", reason->code,
                      field != NULL ? ", at " : NULL, field, NULL);
}

static void
tell_failure (const Save *save, const GError *failure)
{
  g_autofree char *draft = report_path (save->module, save->name);
  g_autofree char *outcome = g_strconcat (save->taken ? "partly saved: " : "refused: ", failure->message, NULL);
  g_autofree char *plain = NULL;
  DraftReason reason;

  report_reason (failure, save->field, &reason);
  plain = plain_outcome (save, &reason);
  if (save->what->stays)
    {
      keep_draft (save);
      reason.todo = report_todo_in_place (failure);
      report_failure (save->saves, save->path, &reason, NULL);
    }
  else
    report_failure (save->saves, save->path, &reason, refuse_draft (save, &reason) ? draft : NULL);
  tell_audit (save, outcome, plain);
}

SaveStep
save_fail (Save *save, GError *failure, GError **error)
{
  save->phase = SAVE_ENDED;
  if (save->taken)
    g_prefix_error (&failure, "A part of it was saved, the rest was not: ");
  if (g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_UNCLEAR))
    save_doubt (save);
  if (g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_CANCELLED))
    keep_draft (save);
  else
    tell_failure (save, failure);
  g_propagate_error (error, failure);
  return STEP_FAILED;
}

SaveStep
save_put_off (Save *save, GError *failure, GError **error)
{
  g_message ("%s/%s: whether it was saved could not be looked up now: %s", save->module->name, save->name,
             failure->message);
  save->phase = SAVE_ENDED;
  g_propagate_error (error, failure);
  return STEP_FAILED;
}

SaveStep
save_succeed (Save *save, const char *outcome)
{
  g_autoptr (GError) why = NULL;

  save->phase = SAVE_ENDED;
  if (save->what->draft != NULL && draft_state (save->what->draft) == DRAFT_SENDING
      && !draft_saved (save->what->draft, &why))
    g_warning ("%s: saved, but the journal does not know: %s", save->path, why->message);
  if (outcome != NULL)
    tell_audit (save, outcome, NULL);
  return STEP_DONE;
}

/* ---- first phases ------------------------------------------------------------------------------------------------ */

/* What a text is as a note: the newline that ends it is the file's. */
static json_t *
document_of_text (GBytes *text, GError **error)
{
  gsize size;
  const char *bytes = g_bytes_get_data (text, &size);
  json_t *document;

  while (size > 0 && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r'))
    size--;
  document = memchr (bytes, '\0', size) == NULL ? json_pack ("{s:s%}", "Note_Content", bytes, (size_t)size) : NULL;
  if (document == NULL)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "It is no text in UTF-8, which the content of a note must be");
  return document;
}

static SaveStep
save_parse (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) why = NULL;

  save->document
      = save->what->plain ? document_of_text (save->what->text, &why)
        : validate_parse (g_bytes_get_data (save->what->text, NULL), g_bytes_get_size (save->what->text), &why);
  if (save->document == NULL)
    return save_fail (save, g_steal_pointer (&why), error);
  save->phase = SAVE_FIELDS;
  return STEP_ON;
}

static SaveStep
save_fields (Save *save, StoreWait *wait, GError **error)
{
  Saves *saves = save->saves;
  g_autoptr (GError) why = NULL;
  StoreState state = STORE_FAILED;

  store_lock (saves->store);
  if (!saves_is_stopping (saves, &why))
    state = catalog_schema (save->module, wait, &why);
  if (state == STORE_READY)
    save->fields = saves_fields (saves, save->module);
  store_unlock (saves->store);
  if (state == STORE_WAITING)
    return STEP_WAIT;
  if (state == STORE_FAILED && save->later)
    return save_put_off (save, g_steal_pointer (&why), error);
  if (state == STORE_FAILED)
    return save_fail (save, g_steal_pointer (&why), error);
  if (save->phase == SAVE_FIELDS_TO_SETTLE)
    save->phase = SAVE_SETTLE;
  else if (save->id != 0)
    save->phase = SAVE_CLAIM;
  else
    save->phase = save->what->field != NULL ? SAVE_FIND : SAVE_CREATE;
  return STEP_ON;
}

static SaveStep
save_find (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (GError) why = NULL;
  StoreState state
      = saves_find (save->saves, save->module, save->what->field, save->what->value, wait, &save->id, &why);

  if (state == STORE_WAITING)
    return STEP_WAIT;
  if (state == STORE_FAILED)
    return save_fail (save, g_steal_pointer (&why), error);
  save->phase = save->id != 0 ? SAVE_CLAIM : SAVE_CREATE;
  return STEP_ON;
}

typedef SaveStep (*Phase) (Save *save, StoreWait *wait, GError **error);

static const Phase phases[SAVE_PHASES] = {
  [SAVE_PARSE] = save_parse,
  [SAVE_FIELDS] = save_fields,
  [SAVE_FIND] = save_find,
  [SAVE_CLAIM] = save_claim,
  [SAVE_CURRENT] = save_current,
  [SAVE_READ] = save_read,
  [SAVE_HAVE_READ] = save_have_read,
  [SAVE_DECIDE] = save_decide,
  [SAVE_SEND] = save_send,
  [SAVE_SENT] = save_sent,
  [SAVE_TAGS] = save_tags,
  [SAVE_CREATE] = save_create,
  [SAVE_ME] = save_me,
  [SAVE_POST] = save_post,
  [SAVE_POSTED] = save_posted,
  [SAVE_LOOK] = save_look,
  [SAVE_LOOKED] = save_looked,
  [SAVE_COMPARE] = save_compare,
  [SAVE_VERIFY] = save_verify,
  [SAVE_VERIFIED] = save_verified,
  [SAVE_FIELDS_TO_SETTLE] = save_fields,
  [SAVE_SETTLE] = save_settle,
};

/* Is the answer that it waits for still on its way? Then @wait waits on. */
static bool
is_flying (Save *save, StoreWait *wait)
{
  bool flying;

  store_lock (save->saves->store);
  flying = save->flying;
  if (flying)
    save_wait (save, wait);
  store_unlock (save->saves->store);
  return flying;
}

StoreState
saves_commit (Saves *saves, SaveWhat *what, StoreWait *wait, SaveResult *result, GError **error)
{
  SaveStep step = STEP_ON;
  Save *save;

  if (what->save == NULL)
    save_begin (saves, what, SAVE_PARSE);
  save = what->save;
  g_assert (save->phase != SAVE_ENDED);
  if (is_flying (save, wait))
    return STORE_WAITING;
  while (step == STEP_ON)
    step = phases[save->phase](save, wait, error);
  if (step == STEP_WAIT)
    return STORE_WAITING;
  store_lock (saves->store);
  release_claim (save);
  store_unlock (saves->store);
  if (step == STEP_FAILED)
    return STORE_FAILED;
  *result = (SaveResult){
    .id = save->id, .entry = save->entry, .sent = save->sent, .answer = g_steal_pointer (&save->answer)
  };
  return STORE_READY;
}

bool
saves_give_up (Saves *saves, SaveWhat *what)
{
  Save *save = what->save;
  bool can;

  store_lock (saves->store);
  can = save == NULL || (!save->on_wire && group_withdraw (save));
  store_unlock (saves->store);
  return can;
}

void
saves_end (Saves *saves, SaveWhat *what)
{
  Save *save = g_steal_pointer (&what->save);
  bool sent;

  if (save == NULL)
    return;
  store_lock (saves->store);
  sent = save->on_wire || !group_withdraw (save);
  store_unlock (saves->store);
  if (!sent && save->phase != SAVE_ENDED)
    keep_draft (save);
  store_lock (saves->store);
  save->what = NULL;
  if (!save->flying)
    save_free (save);
  store_unlock (saves->store);
}

void
save_result_clear (SaveResult *result)
{
  g_clear_pointer (&result->answer, g_bytes_unref);
}

void
saves_stats (Saves *saves, SavesStats *stats)
{
  store_lock (saves->store);
  *stats = (SavesStats){ .saves = saves->active, .deletes = g_hash_table_size (saves->deletes) };
  store_unlock (saves->store);
}
