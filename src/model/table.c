/* What is known of each record of a module: its entry, and the order in which entries are listed. */
#include "model/private.h"

/* An order with more holes than this and than half of its ids is made anew. */
#define HOLES_MIN 1000

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_clear_pointer (&entry->text, g_bytes_unref);
  g_free (entry->label);
  g_free (entry);
}

static Order *
order_new (void)
{
  Order *order = g_new0 (Order, 1);

  order->references = 1;
  order->ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  return order;
}

Order *
order_ref (Order *order)
{
  order->references++;
  return order;
}

void
order_unref (Order *order)
{
  if (--order->references > 0)
    return;
  g_array_unref (order->ids);
  g_free (order);
}

void
table_init (StoreModule *module)
{
  module->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, entry_free);
  module->ordered = g_hash_table_new (g_int64_hash, g_int64_equal);
  module->order = order_new ();
  module->version = 1;
}

void
table_clear (StoreModule *module)
{
  g_clear_pointer (&module->ordered, g_hash_table_unref);
  g_clear_pointer (&module->entries, g_hash_table_unref);
  g_clear_pointer (&module->order, order_unref);
}

Entry *
table_find (StoreModule *module, uint64_t id)
{
  return g_hash_table_lookup (module->entries, &id);
}

/* A list opened while the first listing streams sees all of it in the end: that is one version. */
static void
names_changed (StoreModule *module)
{
  module->version++;
  store_tell (module->store, NEWS_LISTING, module, 0, NULL);
}

/* A record that came back may still stand in the order: no list may show it twice. */
static bool
fill_hole (StoreModule *module, uint64_t id)
{
  if (module->order_holes == 0)
    return false;
  for (guint i = 0; i < module->order->ids->len; i++)
    if (g_array_index (module->order->ids, uint64_t, i) == id)
      {
        module->order_holes--;
        return true;
      }
  return false;
}

Entry *
table_put (StoreModule *module, uint64_t id, bool listed)
{
  Entry *entry = table_find (module, id);

  if (entry == NULL)
    {
      entry = g_new0 (Entry, 1);
      entry->id = id;
      g_hash_table_insert (module->entries, &entry->id, entry);
      g_hash_table_remove (module->missing, &id);
    }
  if (listed && !g_hash_table_contains (module->ordered, &entry->id))
    {
      g_hash_table_add (module->ordered, &entry->id);
      if (!fill_hole (module, id))
        g_array_append_val (module->order->ids, id);
      if (module->listing != LISTING_LOADING)
        names_changed (module);
    }
  return entry;
}

static char *
listed_name (const StoreModule *module, const Entry *entry)
{
  return names_record (module->store->config.bare_names ? NULL : entry->label, entry->id);
}

void
table_set (StoreModule *module, Entry *entry, Document *document)
{
  bool known = entry->label != NULL;
  bool renamed = g_strcmp0 (entry->label, document->label) != 0;
  bool changed = entry->version != 0 && entry->version != document->version;
  bool listed = g_hash_table_contains (module->ordered, &entry->id);

  if (renamed)
    {
      g_autofree char *old_name = known ? listed_name (module, entry) : NULL;

      g_free (entry->label);
      entry->label = g_steal_pointer (&document->label);
      if (known)
        store_tell (module->store, NEWS_RENAMED, module, entry->id, g_steal_pointer (&old_name));
      if (listed && known)
        names_changed (module);
    }
  if (changed)
    store_tell (module->store, NEWS_CHANGED, module, entry->id, NULL);
  if (document->mtime > module->mtime)
    module->mtime = document->mtime;
  if (entry->text == NULL || changed)
    {
      g_clear_pointer (&entry->text, g_bytes_unref);
      entry->text = g_steal_pointer (&document->text);
    }
  entry->version = document->version;
  entry->mtime = document->mtime;
}

/* Lists opened on the old order keep it. */
static void
renew_order (StoreModule *module)
{
  Order *fresh = order_new ();

  for (guint i = 0; i < module->order->ids->len; i++)
    {
      uint64_t id = g_array_index (module->order->ids, uint64_t, i);

      if (g_hash_table_contains (module->ordered, &id))
        g_array_append_val (fresh->ids, id);
    }
  order_unref (module->order);
  module->order = fresh;
  module->order_holes = 0;
}

void
table_remove (StoreModule *module, uint64_t id)
{
  Entry *entry = table_find (module, id);

  if (entry == NULL)
    return;
  store_tell (module->store, NEWS_GONE, module, id, listed_name (module, entry));
  if (g_hash_table_remove (module->ordered, &id))
    {
      module->order_holes++;
      names_changed (module);
    }
  g_hash_table_remove (module->entries, &id);
  if (module->order_holes > HOLES_MIN && module->order_holes > module->order->ids->len / 2)
    renew_order (module);
}

void
entry_fill (const Entry *entry, StoreEntry *out)
{
  out->id = entry->id;
  out->mtime = entry->mtime;
  out->version = entry->version;
  out->size = entry->text != NULL ? (int64_t)g_bytes_get_size (entry->text) : -1;
}
