/* What a crashed mount had on the wire: each such draft is looked up in the CRM, and is done if it got there, refused
 * if not. One after the other, since that is rare. */
#include "model/saves_private.h"

#include "base/error.h"
#include "model/names.h"
#include "model/notes.h"

/* Lock held for nothing: one thread at a time asks. */
struct Settling
{
  SaveWhat what;
  DraftInfo *info;
  Draft *draft;
  char *field, *value; /* of the name */
};

static void
settling_free (Settling *settling)
{
  draft_free (settling->draft);
  draft_info_free (settling->info);
  g_clear_pointer (&settling->what.text, g_bytes_unref);
  g_free (settling->field);
  g_free (settling->value);
  g_free (settling);
}

static Settling *
settling_new (Draft *draft)
{
  Settling *settling = g_new0 (Settling, 1);

  settling->draft = draft;
  settling->info = draft_info (draft);
  settling->what = (SaveWhat){ .id = settling->info->id,
                               .name = settling->info->name,
                               .text = g_bytes_new_static ("", 0),
                               .draft = draft,
                               .who = { .pid = settling->info->pid, .program = settling->info->program } };
  if (names_read_field (settling->info->name, &settling->field, &settling->value))
    {
      settling->what.field = settling->field;
      settling->what.value = settling->value;
    }
  return settling;
}

static char **
sorted_keys (const json_t *body)
{
  GPtrArray *keys = g_ptr_array_new ();
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)body, key, value)
    g_ptr_array_add (keys, g_strdup (key));
  g_ptr_array_add (keys, NULL);
  return (char **)g_ptr_array_free (keys, FALSE);
}

/* As save_send() wrote it down. */
static Patch *
patch_of (json_t *body)
{
  Patch *patch = g_new0 (Patch, 1);

  patch->kind = PATCH_SEND;
  patch->fields = sorted_keys (body);
  patch->ignored = g_new0 (char *, 1);
  patch->tags_add = json_incref (json_object_get (body, SAVE_TAGS_ADDED));
  patch->tags_remove = json_incref (json_object_get (body, SAVE_TAGS_REMOVED));
  json_object_del (body, SAVE_TAGS_ADDED);
  json_object_del (body, SAVE_TAGS_REMOVED);
  patch->update = json_incref (body);
  return patch;
}

/* The record that a note was to belong to, as the row says. */
static void
find_parent (Save *save, const json_t *row)
{
  const json_t *parent = json_object_get (row, "Parent_Id");
  const char *module = json_get_text (json_object_get (parent, "module"), "api_name");
  uint64_t id = row_id (parent);

  if (module == NULL || id == 0)
    return;
  store_lock (save->saves->store);
  save->parent = g_hash_table_lookup (save->saves->store->modules, module);
  store_unlock (save->saves->store);
  save->parent_id = save->parent != NULL ? id : 0;
}

/* The phase SETTLE: what was sent is what is compared. */
SaveStep
save_settle (Save *save, StoreWait *wait, GError **error)
{
  g_autoptr (DraftInfo) info = draft_info (save->what->draft);
  g_autoptr (json_t) body = NULL;

  if (info->body != NULL)
    body = json_parse (g_bytes_get_data (info->body, NULL), g_bytes_get_size (info->body), NULL);
  save->trouble = g_error_new (ZOHO_ERROR, save->id != 0 ? ZOHO_ERROR_FAILED : ZOHO_ERROR_UNCLEAR,
                               "The mount ended while this was being sent, and the CRM does not have it");
  if (!json_is_object (body))
    return save_fail (save, g_steal_pointer (&save->trouble), error);
  save->sent_s = info->sent_s;
  if (info->creator == NULL || !names_parse_id (info->creator, &save->me))
    save->me = 0;
  if (save->id != 0)
    save->patch = patch_of (body);
  else
    save->row = json_incref (body);
  if (save->module->kind == MODULE_NOTES)
    find_parent (save, body);
  save->phase = save->id != 0 ? SAVE_VERIFY : SAVE_LOOK;
  return STEP_ON;
}

static char *
path_of (const DraftInfo *info)
{
  return g_strconcat (info->module, "/", info->name, NULL);
}

/* Until it is settled, and if it cannot be, whoever saves a file of that name looks for the record first. */
static void
doubt (gpointer data, gpointer user_data)
{
  g_autoptr (DraftInfo) info = draft_info (data);
  g_autofree char *field = NULL;
  g_autofree char *value = NULL;
  g_autoptr (json_t) body = NULL;
  uint64_t me;

  if (info->id == 0 && info->body != NULL && !names_read_field (info->name, &field, &value))
    body = json_parse (g_bytes_get_data (info->body, NULL), g_bytes_get_size (info->body), NULL);
  if (!json_is_object (body))
    return;
  if (info->creator == NULL || !names_parse_id (info->creator, &me))
    me = 0;
  saves_doubt_put (user_data, path_of (info), body, info->sent_s, me);
}

/* It got there; what was written after that did not. */
static void
finish (Saves *saves, const Settling *settling)
{
  static const DraftReason later = { .errno_name = "EINTR",
                                     .code = "unsent",
                                     .message = "The mount ended before this was sent; what was written before it is "
                                                "in the CRM",
                                     .todo = "Copy the draft onto the record" };
  g_autofree char *path = path_of (settling->info);
  g_autoptr (GError) why = NULL;

  saves_doubt_drop (saves, path);
  if (settling->info->more ? !draft_refuse (settling->draft, &later, &why) : !draft_done (settling->draft, &why))
    g_warning ("%s/%s: %s", settling->info->module, settling->info->name, why->message);
}

/* A module that is gone has nothing to be looked up in; else the next mount tries. */
static void
give_up (const Settling *settling, const GError *failure)
{
  DraftReason reason;
  g_autoptr (GError) why = NULL;

  if (!g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    return;
  report_reason (failure, NULL, &reason);
  if (!draft_refuse (settling->draft, &reason, &why))
    g_warning ("%s/%s: %s", settling->info->module, settling->info->name, why->message);
}

/* The modules must be known, of which a note's record has one. */
static StoreState
find_notes (Saves *saves, Settling *settling, StoreWait *wait, GError **error)
{
  GPtrArray *modules = NULL;
  StoreState state = store_modules (saves->store, wait, &modules, error);

  g_clear_pointer (&modules, g_ptr_array_unref);
  if (state == STORE_READY)
    settling->what.module = store_notes (saves->store);
  return state;
}

static StoreState
settle (Saves *saves, Settling *settling, StoreWait *wait)
{
  SaveResult result = { 0 };
  g_autoptr (GError) failure = NULL;
  StoreState state = STORE_READY;

  if (settling->what.module == NULL && g_str_equal (settling->info->module, store_module_name (store_notes (saves->store))))
    state = find_notes (saves, settling, wait, &failure);
  else if (settling->what.module == NULL)
    state = store_module (saves->store, settling->info->module, wait, &settling->what.module, &failure);
  if (state == STORE_FAILED)
    give_up (settling, failure);
  if (state != STORE_READY)
    return state;
  if (settling->what.save == NULL)
    {
      save_begin (saves, &settling->what, SAVE_FIELDS_TO_SETTLE);
      settling->what.save->open = settling->what.save->later = true;
    }
  state = saves_commit (saves, &settling->what, wait, &result, &failure);
  if (state == STORE_WAITING)
    return STORE_WAITING;
  if (state == STORE_READY)
    finish (saves, settling);
  save_result_clear (&result);
  saves_end (saves, &settling->what);
  return state;
}

/* Those not settled come again at the next mount. */
void
saves_settle_free (Saves *saves)
{
  if (saves->settling != NULL)
    saves_end (saves, &saves->settling->what);
  g_clear_pointer (&saves->settling, settling_free);
  while (saves->unclear != NULL && saves->unclear->len > 0)
    draft_free (g_ptr_array_steal_index (saves->unclear, saves->unclear->len - 1));
  g_clear_pointer (&saves->unclear, g_ptr_array_unref);
}

void
saves_take_unclear (Saves *saves)
{
  if (saves->unclear != NULL)
    return;
  saves->unclear = journal_take_unclear (saves->config.journal);
  g_ptr_array_set_free_func (saves->unclear, NULL);
  g_ptr_array_foreach (saves->unclear, doubt, saves);
}

bool
saves_settle (Saves *saves, StoreWait *wait)
{
  saves_take_unclear (saves);
  while (saves->settling != NULL || saves->unclear->len > 0)
    {
      if (saves->settling == NULL)
        saves->settling = settling_new (g_ptr_array_steal_index (saves->unclear, saves->unclear->len - 1));
      if (settle (saves, saves->settling, wait) == STORE_WAITING)
        return false;
      g_clear_pointer (&saves->settling, settling_free);
    }
  return true;
}
