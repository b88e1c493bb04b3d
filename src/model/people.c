/* /Users: all users of the org, read as a whole, and which of them we are. */
#include "model/private.h"

#include "base/clock.h"
#include "base/error.h"

typedef struct
{
  StoreModule *users;
  uint64_t ticket;
} UsersCall;

/* A user's document: every key of the answer but `$` keys. */
static void
user_document (const json_t *row, Document *document)
{
  const char *key, *name = json_get_text (row, "full_name");
  json_t *value;
  Schema plain = { .fields = g_ptr_array_new () };

  json_object_foreach ((json_t *)row, key, value)
    if (key[0] != '$')
      g_ptr_array_add (plain.fields, (gpointer)key);
  document_make (&plain, row, row_id (row), document);
  g_ptr_array_unref (plain.fields);
  g_free (document->label);
  document->label = names_label (name != NULL ? name : "");
}

static void
take_users (StoreModule *users, json_t *rows)
{
  g_autoptr (IdSet) here = idset_new ();
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  TableIter iter;
  const Entry *known;
  size_t index;
  json_t *row;

  json_array_foreach (rows, index, row)
    {
      Document document = { 0 };

      user_document (row, &document);
      table_set (users, table_put (users, row_id (row), true), &document);
      document_clear (&document);
      idset_add (here, row_id (row));
    }
  table_iterate (users->table, &iter);
  while ((known = table_next (&iter)) != NULL)
    if (!idset_contains (here, known->id))
      g_array_append_val (gone, known->id);
  for (guint i = 0; i < gone->len; i++)
    table_remove (users, g_array_index (gone, uint64_t, i), 0);
}

static void
on_users (json_t *rows, const GError *error, void *data)
{
  g_autofree UsersCall *call = data;
  StoreModule *users = call->users;
  Store *store = users->store;
  bool known;

  call_begin (store, &call->ticket);
  users->schema_flying = false;
  if (rows != NULL)
    {
      take_users (users, rows);
      users->listing = LISTING_LISTED;
      users->stale_offline = false;
    }
  known = users->listing == LISTING_LISTED;
  if (known)
    {
      users->stale_offline = rows == NULL;
      users->refreshed_us = clock_now_us ();
      users->fresh_until_us = users->refreshed_us + store->config.ttl_us;
    }
  bell_ring (store, &users->refreshed, known ? NULL : error);
  call_end (store);
}

StoreState
people_load (StoreModule *users, StoreWait *wait, GError **error)
{
  if (wait_failed (wait, error))
    return STORE_FAILED;
  if (users->listing == LISTING_LISTED
      && (clock_now_us () < users->fresh_until_us || users->refreshed_us >= wait_began_us (wait)))
    return STORE_READY;
  if (users->listing == LISTING_LISTED && wait_is_cached_only (wait))
    return STORE_READY;
  if (wait_refused (wait, error))
    return STORE_FAILED;
  if (!users->schema_flying)
    {
      UsersCall *call = g_new0 (UsersCall, 1);

      call->users = users;
      users->schema_flying = true;
      call->ticket = metadata_users (users->store->config.client, "AllUsers", wait->priority, on_users, call);
      call_sent (users->store, call->ticket);
    }
  return bell_wait (&users->refreshed, wait);
}
