/* What is known of each record of a module: its entry, and the order in which entries are listed. Documents are not
 * here but in the disk cache; of each the entry has version and size. Entries stand in slabs, since a million of
 * them is a module some orgs have. */
#include "model/private.h"

#include "base/clock.h"

/* An order with more holes than this and than half of its ids is made anew. */
#define HOLES_MIN 1000

#define SLAB_ENTRIES 1024

struct Table
{
  GHashTable *entries; /* set of Entry *, by id, its first member */
  GPtrArray *slabs;    /* Entry [SLAB_ENTRIES] */
  unsigned used;       /* of the last slab */
  Entry *free;         /* linked by the label's place */
  Order *order;
  uint64_t holes;      /* ids in order that are listed no more */
  uint64_t bytes;      /* of all documents */
};

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

Table *
table_new (void)
{
  Table *table = g_new0 (Table, 1);

  table->entries = g_hash_table_new (g_int64_hash, g_int64_equal);
  table->slabs = g_ptr_array_new_with_free_func (g_free);
  table->used = SLAB_ENTRIES;
  table->order = order_new ();
  return table;
}

void
table_free (Table *table)
{
  GHashTableIter iter;
  gpointer entry;

  if (table == NULL)
    return;
  g_hash_table_iter_init (&iter, table->entries);
  while (g_hash_table_iter_next (&iter, &entry, NULL))
    g_free (((Entry *)entry)->label);
  g_hash_table_unref (table->entries);
  g_ptr_array_unref (table->slabs);
  order_unref (table->order);
  g_free (table);
}

static Entry *
take_entry (Table *table)
{
  Entry *entry = table->free;

  if (entry != NULL)
    {
      table->free = (Entry *)(void *)entry->label;
      return entry;
    }
  if (table->used == SLAB_ENTRIES)
    {
      g_ptr_array_add (table->slabs, g_new (Entry, SLAB_ENTRIES));
      table->used = 0;
    }
  return (Entry *)table->slabs->pdata[table->slabs->len - 1] + table->used++;
}

static void
drop_entry (Table *table, Entry *entry)
{
  table->bytes -= entry->size;
  g_hash_table_remove (table->entries, &entry->id);
  g_free (entry->label);
  entry->label = (char *)(void *)table->free;
  table->free = entry;
}

static Entry *
add_entry (Table *table, uint64_t id)
{
  Entry *entry = take_entry (table);

  *entry = (Entry){ .id = id };
  g_hash_table_add (table->entries, entry);
  return entry;
}

Order *
table_order (const Table *table)
{
  return table->order;
}

size_t
table_size (const Table *table)
{
  return g_hash_table_size (table->entries);
}

uint64_t
table_bytes (const Table *table)
{
  return table->bytes;
}

void
table_iterate (const Table *table, TableIter *iter)
{
  g_hash_table_iter_init (&iter->iter, table->entries);
}

Entry *
table_next (TableIter *iter)
{
  gpointer entry;

  return g_hash_table_iter_next (&iter->iter, &entry, NULL) ? entry : NULL;
}

Entry *
table_find (const StoreModule *module, uint64_t id)
{
  return g_hash_table_lookup (module->table->entries, &id);
}

void
table_restore (Table *table, const DiskEntry *kept)
{
  Entry *entry = add_entry (table, kept->id);

  entry->version = kept->version;
  entry->mtime = kept->mtime;
  entry->size = kept->size;
  table->bytes += kept->size;
  entry->label = g_strdup (kept->label);
  entry->listed = true;
  g_array_append_val (table->order->ids, kept->id);
}

void
table_adopt (StoreModule *module, Table *table)
{
  TableIter iter;
  const Entry *old;

  /* What was fetched singly since the mount is newer than what the disk had. */
  table_iterate (module->table, &iter);
  while ((old = table_next (&iter)) != NULL)
    {
      uint64_t id = old->id;
      Entry *entry = g_hash_table_lookup (table->entries, &id);

      if (entry == NULL)
        entry = add_entry (table, id);
      g_free (entry->label);
      table->bytes += (uint64_t)old->size - entry->size;
      *entry = (Entry){ .id = id, .version = old->version, .mtime = old->mtime, .checked_us = old->checked_us,
                        .label = g_strdup (old->label), .size = old->size, .listed = entry->listed,
                        .unsettled = old->unsettled };
    }
  table_free (module->table);
  module->table = table;
  module->version++;
}

/* A list opened while the first listing streams sees all of it in the end: that is one version. */
static void
names_changed (StoreModule *module)
{
  module->version++;
  module->mtime = MAX (module->mtime + 1, clock_wall_s ());
  store_tell (module->store, NEWS_LISTING, module, 0, NULL);
}

/* A record that came back may still stand in the order: no list may show it twice. */
static bool
fill_hole (Table *table, uint64_t id)
{
  if (table->holes == 0)
    return false;
  for (guint i = 0; i < table->order->ids->len; i++)
    if (g_array_index (table->order->ids, uint64_t, i) == id)
      {
        table->holes--;
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
      entry = add_entry (module->table, id);
      g_hash_table_remove (module->missing, &id);
    }
  if (listed && !entry->listed)
    {
      entry->listed = true;
      if (!fill_hole (module->table, id))
        g_array_append_val (module->table->order->ids, id);
      if (module->listing == LISTING_LISTED)
        names_changed (module);
    }
  return entry;
}

static char *
listed_name (const StoreModule *module, const Entry *entry)
{
  return names_record (module->store->config.bare_names ? NULL : entry->label, entry->id);
}

/* Makes @label the entry's. Returns: true when it had another one. */
static bool
set_label (StoreModule *module, Entry *entry, char **label)
{
  bool known = entry->label != NULL;
  g_autofree char *old_name = NULL;

  if (g_strcmp0 (entry->label, *label) == 0)
    return false;
  old_name = known ? listed_name (module, entry) : NULL;
  g_free (entry->label);
  entry->label = g_steal_pointer (label);
  if (!known)
    return false;
  store_tell (module->store, NEWS_RENAMED, module, entry->id, g_steal_pointer (&old_name));
  if (entry->listed)
    names_changed (module);
  return true;
}

/* A record that came while the module is listed is news; while it is being listed all are new. */
static void
announce (StoreModule *module, const Entry *entry, uint64_t old_version, bool renamed, GBytes *text)
{
  StoreEventKind kind = renamed ? STORE_EVENT_RENAMED : STORE_EVENT_CHANGED;

  if (old_version == 0 && (module->listing != LISTING_LISTED || !entry->listed))
    return;
  if (old_version == 0)
    kind = g_hash_table_remove (module->deleted, &entry->id) ? STORE_EVENT_RESTORED : STORE_EVENT_CREATED;
  store_tell_event (module, kind, entry, listed_name (module, entry), old_version, text);
}

void
table_set (StoreModule *module, Entry *entry, Document *document)
{
  Disk *disk = module->store->config.disk;
  uint64_t old_version = entry->version;
  bool same = old_version == document->version && entry->mtime == document->mtime;
  bool renamed = set_label (module, entry, &document->label);

  disk_put (disk, module_key (module), entry->id, document->version, document->mtime, document->text);
  hot_put (module->store->hot, entry->id, document->version, document->text);
  entry->version = document->version;
  entry->mtime = document->mtime;
  module->table->bytes += g_bytes_get_size (document->text) - entry->size;
  entry->size = (uint32_t)g_bytes_get_size (document->text);
  entry->checked_us = clock_now_us ();
  entry->unsettled = store_is_unsettled (module->store, document->mtime);
  if (old_version != 0 && old_version != document->version)
    store_tell (module->store, NEWS_CHANGED, module, entry->id, NULL);
  if (old_version != document->version)
    announce (module, entry, old_version, renamed, document->text);
  if (!same || renamed || module->listing == LISTING_LOADING)
    index_put (module, entry);
}

bool
table_is_newer (const StoreModule *module, uint64_t id, int64_t mtime, int64_t asked_us)
{
  const Entry *entry = table_find (module, id);

  return entry != NULL && entry->version != 0 && entry->mtime > mtime && entry->checked_us >= asked_us;
}

void
table_outdate (StoreModule *module, Entry *entry)
{
  if (entry->version == 0)
    return;
  store_tell (module->store, NEWS_CHANGED, module, entry->id, NULL);
  module->table->bytes -= entry->size;
  entry->version = 0;
  entry->size = 0;
}

/* Lists opened on the old order keep it. */
static void
renew_order (Table *table)
{
  Order *fresh = order_new ();

  for (guint i = 0; i < table->order->ids->len; i++)
    {
      uint64_t id = g_array_index (table->order->ids, uint64_t, i);
      const Entry *entry = g_hash_table_lookup (table->entries, &id);

      if (entry != NULL && entry->listed)
        g_array_append_val (fresh->ids, id);
    }
  order_unref (table->order);
  table->order = fresh;
  table->holes = 0;
}

void
table_remove (StoreModule *module, uint64_t id, int64_t deleted_at)
{
  Table *table = module->table;
  Entry *entry = table_find (module, id);

  index_remove (module, id, deleted_at);
  if (module->kind == MODULE_NOTES)
    notes_lost (module, id);
  if (entry == NULL)
    return;
  store_tell (module->store, NEWS_GONE, module, id, listed_name (module, entry));
  if (entry->version != 0)
    store_tell_event (module, STORE_EVENT_DELETED, entry, listed_name (module, entry), 0, NULL);
  if (entry->listed)
    {
      table->holes++;
      names_changed (module);
    }
  drop_entry (table, entry);
  if (table->holes > HOLES_MIN && table->holes > table->order->ids->len / 2)
    renew_order (table);
}

void
entry_fill (const Entry *entry, StoreEntry *out)
{
  out->id = entry->id;
  out->mtime = entry->mtime;
  out->version = entry->version;
  out->size = entry->version != 0 ? (int64_t)entry->size : -1;
}
