/* What one opendir sees: the module's order of ids, up to where it was whole, or as far as it grows while it
 * streams. */
#include "model/private.h"

#include "base/clock.h"
#include "base/error.h"

/* How far ahead of the reader pages are asked for: as much again as it has read, and at least this. */
#define AHEAD_ROWS 1000

struct StoreList
{
  StoreModule *module;
  Order *order;
  unsigned references;
  size_t size;    /* of a whole listing */
  bool streaming; /* grows until the first listing has ended */
  uint64_t version;
};

/* Lock held: the module's listing is there, or on its way. */
static StoreState
ready_to_list (StoreModule *module, StoreWait *wait, GError **error)
{
  StoreState state;

  if (module->kind == MODULE_USERS)
    return people_load (module, wait, error);
  load_foresee (module, wait);
  state = index_restore (module, wait, error);
  if (state != STORE_READY)
    return state;
  if (module->listing == LISTING_LISTED)
    return refresh_module (module, wait, error);
  return load_begin (module, wait, error);
}

StoreState
store_list (StoreModule *module, StoreWait *wait, StoreList **list, GError **error)
{
  Store *store = module->store;
  StoreState state;

  store_lock (store);
  state = ready_to_list (module, wait, error);
  if (state == STORE_READY)
    {
      StoreList *made = g_new0 (StoreList, 1);

      made->module = module;
      made->order = order_ref (table_order (module->table));
      made->references = 1;
      made->size = made->order->ids->len;
      made->streaming = module->listing != LISTING_LISTED;
      made->version = module->version;
      *list = made;
    }
  store_unlock (store);
  return state;
}

StoreList *
store_list_ref (StoreList *list)
{
  store_lock (list->module->store);
  list->references++;
  store_unlock (list->module->store);
  return list;
}

void
store_list_unref (StoreList *list)
{
  Store *store;

  if (list == NULL)
    return;
  store = list->module->store;
  store_lock (store);
  if (--list->references == 0)
    {
      order_unref (list->order);
      g_free (list);
    }
  store_unlock (store);
}

uint64_t
store_list_version (const StoreList *list)
{
  return list->version;
}

/* Lock held: is there an entry at @index? */
static StoreState
reach (StoreList *list, size_t index, StoreWait *wait, bool *at_end, GError **error)
{
  StoreModule *module = list->module;
  StoreState state;

  if (index < (list->streaming ? list->order->ids->len : list->size))
    return STORE_READY;
  if (!list->streaming || module->listing == LISTING_LISTED)
    {
      *at_end = true;
      return STORE_READY;
    }
  state = load_begin (module, wait, error);
  return state == STORE_READY ? load_want (module, index + MAX (index, AHEAD_ROWS), wait, error) : state;
}

StoreState
store_list_at (StoreList *list, size_t index, bool want_size, StoreWait *wait, StoreEntry *entry, char **name,
               bool *at_end, GError **error)
{
  StoreModule *module = list->module;
  StoreState state;

  *at_end = false;
  *name = NULL;
  *entry = (StoreEntry){ .size = -1 };
  store_lock (module->store);
  state = reach (list, index, wait, at_end, error);
  if (state == STORE_READY && !*at_end)
    {
      const Entry *found = table_find (module, g_array_index (list->order->ids, uint64_t, index));

      if (found != NULL && found->listed)
        {
          entry_fill (found, entry);
          *name = names_record (module->store->config.bare_names ? NULL : found->label, found->id);
        }
    }
  store_unlock (module->store);
  return state;
}
