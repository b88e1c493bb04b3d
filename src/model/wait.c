/* Who waits for what, and telling them with no lock held. */
#include "model/private.h"

#include "base/error.h"

/* What store_unlock() delivers: a ring, news for the listener, or an event. */
typedef struct
{
  void (*ring) (void *data); /* NULL: news */
  void *data;
  bool is_event;
  StoreEvent event; /* its name is @name */
  uint64_t old_version;
  GBytes *text;
  NewsKind kind;
  StoreModule *module;
  uint64_t id;
  char *name;
} Parcel;

void
store_lock (Store *store)
{
  int failed = pthread_mutex_lock (&store->lock);

  g_assert (failed == 0);
}

/* The top-level fields that differ, in order of their names; NULL when the old text is not there any more. */
static GPtrArray *
changed_fields (const StoreConfig *config, const Parcel *parcel)
{
  const StoreEvent *event = &parcel->event;
  g_autoptr (GBytes) old_text
      = parcel->old_version != 0
            ? disk_get (config->disk, module_key (event->module), event->id, parcel->old_version) : NULL;
  g_autoptr (json_t) before = NULL;
  g_autoptr (json_t) after = NULL;
  GPtrArray *fields;
  const char *key;
  json_t *value;

  if (old_text == NULL || parcel->text == NULL)
    return NULL;
  before = json_parse (g_bytes_get_data (old_text, NULL), g_bytes_get_size (old_text), NULL);
  after = json_parse (g_bytes_get_data (parcel->text, NULL), g_bytes_get_size (parcel->text), NULL);
  if (before == NULL || after == NULL)
    return NULL;
  fields = g_ptr_array_new_with_free_func (g_free);
  json_object_foreach (after, key, value)
    if (!json_equal (json_object_get (before, key), value))
      g_ptr_array_add (fields, g_strdup (key));
  json_object_foreach (before, key, value)
    if (json_object_get (after, key) == NULL)
      g_ptr_array_add (fields, g_strdup (key));
  g_ptr_array_add (fields, NULL);
  return fields;
}

static void
deliver_event (const StoreConfig *config, Parcel *parcel)
{
  g_autoptr (GPtrArray) fields = changed_fields (config, parcel);

  parcel->event.name = parcel->name;
  parcel->event.fields = fields != NULL ? (const char *const *)fields->pdata : NULL;
  config->event (config->event_listener, &parcel->event);
  g_clear_pointer (&parcel->text, g_bytes_unref);
}

static void
deliver (const StoreConfig *config, Parcel *parcel)
{
  if (parcel->ring != NULL)
    parcel->ring (parcel->data);
  else if (parcel->is_event)
    deliver_event (config, parcel);
  else
    switch (parcel->kind)
      {
      case NEWS_CHANGED:
        if (config->record_changed != NULL)
          config->record_changed (config->listener, parcel->module, parcel->id);
        break;
      case NEWS_GONE:
        if (config->record_gone != NULL)
          config->record_gone (config->listener, parcel->module, parcel->id, parcel->name);
        break;
      case NEWS_RENAMED:
        if (config->record_renamed != NULL)
          config->record_renamed (config->listener, parcel->module, parcel->id, parcel->name);
        break;
      case NEWS_LISTING:
        if (config->listing_changed != NULL)
          config->listing_changed (config->listener, parcel->module);
        break;
      case NEWS_MODULE_GONE:
        if (config->module_gone != NULL)
          config->module_gone (config->listener, parcel->module);
        break;
      case NEWS_MODULES:
        if (config->modules_changed != NULL)
          config->modules_changed (config->listener);
        break;
      }
  g_free (parcel->name);
  g_free (parcel);
}

void
store_unlock (Store *store)
{
  GQueue outbox = store->outbox;
  Parcel *parcel;

  g_queue_init (&store->outbox);
  pthread_mutex_unlock (&store->lock);
  /* News first: who is rung may then trust that the notices about what it asked for are on their way. */
  for (GList *link = outbox.head; link != NULL;)
    {
      GList *next = link->next;

      parcel = link->data;
      if (parcel->ring == NULL)
        {
          g_queue_delete_link (&outbox, link);
          deliver (&store->config, parcel);
        }
      link = next;
    }
  while ((parcel = g_queue_pop_head (&outbox)) != NULL)
    deliver (&store->config, parcel);
}

void
store_tell (Store *store, NewsKind kind, StoreModule *module, uint64_t id, char *name)
{
  Parcel *parcel = g_new0 (Parcel, 1);

  parcel->kind = kind;
  parcel->module = module;
  parcel->id = id;
  parcel->name = name;
  g_queue_push_tail (&store->outbox, parcel);
}

void
store_tell_event (StoreModule *module, StoreEventKind kind, const Entry *entry, char *name, uint64_t old_version,
                  GBytes *text)
{
  g_autofree char *owned = name;
  Parcel *parcel;

  if (module->store->config.event == NULL)
    return;
  parcel = g_new0 (Parcel, 1);
  parcel->is_event = true;
  parcel->event = (StoreEvent){ .module = module, .id = entry->id, .kind = kind, .modified_s = entry->mtime };
  parcel->old_version = old_version;
  parcel->text = text != NULL ? g_bytes_ref (text) : NULL;
  parcel->name = g_steal_pointer (&owned);
  g_queue_push_tail (&module->store->outbox, parcel);
}

StoreState
bell_wait (Bell *bell, StoreWait *wait)
{
  g_assert (wait->bell == NULL);
  wait->link.data = wait;
  wait->link.prev = wait->link.next = NULL;
  wait->bell = bell;
  wait_began_us (wait);
  g_queue_push_tail_link (&bell->waits, &wait->link);
  return STORE_WAITING;
}

void
bell_fail (Store *store, Bell *bell, const GError *error, int64_t sent_us)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&bell->waits)) != NULL)
    {
      StoreWait *wait = link->data;
      Parcel *parcel = g_new0 (Parcel, 1);

      wait->bell = NULL;
      if (error != NULL && wait->failure == NULL && wait->began_us <= sent_us)
        wait->failure = g_error_copy (error);
      parcel->ring = wait->ring;
      parcel->data = wait->data;
      g_queue_push_tail (&store->outbox, parcel);
    }
}

void
bell_ring (Store *store, Bell *bell, const GError *error)
{
  bell_fail (store, bell, error, INT64_MAX);
}

bool
wait_failed (StoreWait *wait, GError **error)
{
  if (wait->failure == NULL)
    return false;
  g_propagate_error (error, g_steal_pointer (&wait->failure));
  return true;
}

bool
wait_is_cached_only (StoreWait *wait)
{
  if (wait == NULL || wait->cached_only == NULL)
    return false;
  if (!wait->asked)
    wait->held_back = wait->cached_only (wait->data);
  wait->asked = true;
  return wait->held_back;
}

bool
wait_refused (StoreWait *wait, GError **error)
{
  if (!wait_is_cached_only (wait))
    return false;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_SPENT,
               "A program of the list of walkers gets what is known already, and this would need a call to Zoho; if it is to "
               "read the CRM, take its name out of walkers= below [limits] in the configuration");
  return true;
}

bool
store_wait_cancel (Store *store, StoreWait *wait)
{
  bool waited;

  store_lock (store);
  waited = wait->bell != NULL;
  if (waited)
    {
      Bell *bell = wait->bell;

      g_queue_unlink (&bell->waits, &wait->link);
      wait->bell = NULL;
    }
  store_unlock (store);
  return waited;
}

void
store_wait_clear (StoreWait *wait)
{
  g_assert (wait->bell == NULL);
  g_clear_error (&wait->failure);
}

void
call_sent (Store *store, uint64_t ticket)
{
  store->calls++;
  g_hash_table_add (store->tickets, g_memdup2 (&ticket, sizeof ticket));
}

void
call_begin (Store *store, const uint64_t *ticket)
{
  store_lock (store);
  g_hash_table_remove (store->tickets, ticket);
}

void
call_end (Store *store)
{
  store_unlock (store);
  store_lock (store);
  if (--store->calls == 0)
    pthread_cond_broadcast (&store->quiet);
  pthread_mutex_unlock (&store->lock);
}
