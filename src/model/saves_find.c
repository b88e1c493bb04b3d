/* The one record with some value of some field, by COQL. All who ask for the same at a time share a call, and what it
 * found serves whoever began to ask before it went out. */
#include "model/saves_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

#define VALUE_MAX 250
#define FINDS_MAX 1000

typedef struct
{
  Saves *saves;
  const StoreModule *module;
  bool flying;
  bool old;        /* asked for before something was created */
  int64_t sent_us; /* when what it found was asked for; 0: nothing was found yet */
  uint64_t ids[2]; /* 0: no more */
  Bell landed;
  uint64_t ticket;
} Find;

void
saves_find_free (gpointer find)
{
  g_free (find);
}

void
saves_find_forget (Saves *saves, const StoreModule *module)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, saves->finds);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Find *find = value;

      if (find->module == module && find->flying)
        find->old = true;
      else if (find->module == module)
        g_hash_table_iter_remove (&iter);
    }
}

static void
on_found (const RecordsPage *page, const GError *error, void *data)
{
  Find *find = data;
  Saves *saves = find->saves;

  call_begin (saves->store, &find->ticket);
  find->flying = false;
  find->ids[0] = page != NULL ? row_id (json_array_get (page->rows, 0)) : 0;
  find->ids[1] = page != NULL ? row_id (json_array_get (page->rows, 1)) : 0;
  if (page == NULL || find->old)
    find->sent_us = 0;
  find->old = false;
  bell_ring (saves->store, &find->landed, error);
  call_end (saves->store);
}

static bool
can_be_asked (const StoreModule *module, const char *field, const char *value)
{
  if (!g_hash_table_contains (module->schema->known, field) || *value == '\0' || strlen (value) > VALUE_MAX
      || !g_utf8_validate (value, -1, NULL))
    return false;
  for (; *value != '\0'; value++)
    if ((unsigned char)*value < ' ' || *value == '\\' || *value == '\x7f')
      return false;
  return true;
}

/* Lock held. */
static Find *
find_of (Saves *saves, StoreModule *module, const char *field, const char *value)
{
  g_autofree char *key = g_strjoin ("\n", module->name, field, value, NULL);
  Find *find = g_hash_table_lookup (saves->finds, key);

  if (find != NULL)
    return find;
  if (g_hash_table_size (saves->finds) >= FINDS_MAX)
    {
      GHashTableIter iter;
      gpointer old;

      g_hash_table_iter_init (&iter, saves->finds);
      while (g_hash_table_iter_next (&iter, NULL, &old))
        if (!((Find *)old)->flying)
          g_hash_table_iter_remove (&iter);
    }
  find = g_new0 (Find, 1);
  find->saves = saves;
  find->module = module;
  g_hash_table_insert (saves->finds, g_steal_pointer (&key), find);
  return find;
}

/* Lock held. */
static void
send (Find *find, const char *field, const char *value, ClientPriority priority)
{
  RecordsCondition condition = { field, "=", value };
  RecordsWhere where = { .module = find->module->name,
                         .fields = field,
                         .conditions = &condition,
                         .conditions_size = 1,
                         .limit = G_N_ELEMENTS (find->ids),
                         .priority = priority };

  find->flying = true;
  find->sent_us = clock_now_us ();
  find->ticket = records_where (find->saves->store->config.client, &where, on_found, find);
  call_sent (find->saves->store, find->ticket);
}

/* Lock held, the schema is known. */
static StoreState
ask (Saves *saves, StoreModule *module, const char *field, const char *value, StoreWait *wait, uint64_t *id,
     GError **error)
{
  int64_t began_us = wait_began_us (wait);
  Find *find;

  if (!can_be_asked (module, field, value))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND,
                   "%s has no field %s, or none that can be asked for this value", module->name, field);
      return STORE_FAILED;
    }
  find = find_of (saves, module, field, value);
  if ((find->flying || find->sent_us < began_us) && wait_refused (wait, error))
    return STORE_FAILED;
  if (find->flying)
    return bell_wait (&find->landed, wait);
  if (find->sent_us == 0 || find->sent_us < began_us)
    {
      send (find, field, value, wait->priority);
      return bell_wait (&find->landed, wait);
    }
  *id = find->ids[0];
  if (find->ids[1] == 0)
    return STORE_READY;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_DUPLICATE,
               "Several records of %s have %s=%s, among them %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT
               ": use the name of the one that is meant",
               module->name, field, value, find->ids[0], find->ids[1]);
  return STORE_FAILED;
}

StoreState
saves_find (Saves *saves, StoreModule *module, const char *field, const char *value, StoreWait *wait, uint64_t *id,
            GError **error)
{
  StoreState state = STORE_FAILED;

  store_lock (saves->store);
  if (!saves_is_stopping (saves, error))
    state = catalog_schema (module, wait, error);
  if (state == STORE_READY)
    state = ask (saves, module, field, value, wait, id, error);
  store_unlock (saves->store);
  return state;
}
