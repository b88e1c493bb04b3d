/* Records that were deleted: of each a small document. */
#include "model/trash.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/found_private.h"

#define PAGES_MAX 500

static uint64_t
send_page (const FoundQuestion *question, unsigned page, const char *token, ClientPriority priority, RecordsDone done,
           void *data)
{
  return records_deleted (question->module->store->config.client, question->module->name, page, NULL, priority, done,
                          data);
}

static bool
take_row (const FoundQuestion *question, const json_t *row, FoundRow *found)
{
  static const char *const keys[] = { "id", "display_name", "type", "deleted_by", "deleted_time", "created_by" };
  g_autoptr (json_t) shown = json_object ();
  bool hidden = catalog_hides_label (question->module);
  const char *label = hidden ? NULL : json_get_text (row, "display_name"), *time = json_get_text (row, "deleted_time");
  GString *text = g_string_new (NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      bool shows = !hidden || !g_str_equal (keys[i], "display_name");
      json_t *value = shows ? json_object_get (row, keys[i]) : NULL;

      json_object_set_new (shown, keys[i], value != NULL ? json_incref (value) : json_null ());
    }
  json_write (shown, text);
  found->text = g_string_free_to_bytes (text);
  found->label = names_label (label != NULL ? label : "");
  if (time == NULL || !clock_parse_time (time, &found->mtime))
    found->mtime = 0;
  return true;
}

static const FoundKind trash_kind = { "deleted", PAGES_MAX, send_page, take_row };

StoreState
trash_records (StoreModule *module, bool fresh, StoreWait *wait, Found **found, GError **error)
{
  FoundQuestion question = { .kind = &trash_kind, .module = module, .target = module, .text = "" };
  StoreState state = STORE_FAILED;

  store_lock (module->store);
  if (!store_is_stopping (module->store, error))
    state = found_ask (module->store, &question, fresh, wait, found, error);
  store_unlock (module->store);
  return state;
}
