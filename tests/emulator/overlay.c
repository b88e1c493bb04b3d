/* Sorted arrays beside one hash table. The usual change comes later than all before it, so it is appended. */
#include "overlay.h"

#include <string.h>

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  json_decref (entry->record);
  g_free (entry);
}

static void
bin_free (gpointer data)
{
  Bin *bin = data;

  g_free (bin->deleted.display_name);
  g_free (bin->deleted.deleted_by);
  json_decref (bin->created_by);
  g_free (bin);
}

Overlay *
overlay_new (void)
{
  Overlay *overlay = g_new0 (Overlay, 1);

  overlay->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, entry_free);
  overlay->dead = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  overlay->made = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  overlay->recent = g_array_new (FALSE, FALSE, sizeof (WalkPoint));
  overlay->rows_of = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_array_unref);
  overlay->bin = g_ptr_array_new_with_free_func (bin_free);
  return overlay;
}

void
overlay_free (Overlay *overlay)
{
  g_hash_table_unref (overlay->entries);
  g_array_unref (overlay->dead);
  g_array_unref (overlay->made);
  g_array_unref (overlay->recent);
  g_hash_table_unref (overlay->rows_of);
  g_ptr_array_unref (overlay->bin);
  g_free (overlay);
}

Entry *
overlay_entry (const Overlay *overlay, uint64_t id)
{
  return g_hash_table_lookup (overlay->entries, &id);
}

/* Where @id is, or would be. */
static unsigned
id_place (const GArray *ids, uint64_t id)
{
  unsigned low = 0;
  unsigned high = ids->len;

  while (low < high)
    {
      unsigned middle = low + (high - low) / 2;

      if (g_array_index (ids, uint64_t, middle) < id)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/* Makes sure that @id is, or is not, among @ids. */
static void
set_member (GArray *ids, uint64_t id, bool member)
{
  unsigned place = id_place (ids, id);
  bool is = place < ids->len && g_array_index (ids, uint64_t, place) == id;

  if (is && !member)
    g_array_remove_index (ids, place);
  else if (!is && member)
    g_array_insert_val (ids, place, id);
}

static unsigned
point_place (const GArray *points, WalkPoint point)
{
  unsigned low = 0;
  unsigned high = points->len;

  while (low < high)
    {
      unsigned middle = low + (high - low) / 2;
      const WalkPoint *at = &g_array_index (points, WalkPoint, middle);

      if (at->time < point.time || (at->time == point.time && at->id < point.id))
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static time_t
modified_of (const json_t *record)
{
  const char *text = json_string_value (json_object_get (record, "Modified_Time"));
  time_t time = 0;

  return text != NULL && parse_time (text, &time) ? time : 0;
}

/* Takes the entry, as it was, out of the lists of the living. */
static void
entry_leave (Overlay *overlay, const Entry *entry)
{
  if (!entry->live)
    return;
  overlay->unlisted -= entry->converted || entry->hidden;
  g_array_remove_index (overlay->recent, point_place (overlay->recent, (WalkPoint){ entry->modified, entry->id }));
}

static void
entry_join (Overlay *overlay, const Entry *entry)
{
  WalkPoint point = { entry->modified, entry->id };
  unsigned place = point_place (overlay->recent, point);

  if (!entry->live)
    return;
  overlay->unlisted += entry->converted || entry->hidden;
  g_array_insert_val (overlay->recent, place, point);
}

Entry *
overlay_put (Overlay *overlay, const Module *module, uint64_t id, json_t *record, bool live)
{
  Entry *entry = overlay_entry (overlay, id);
  uint64_t k;

  if (entry == NULL)
    {
      entry = g_new0 (Entry, 1);
      entry->id = id;
      g_hash_table_insert (overlay->entries, &entry->id, entry);
    }
  entry_leave (overlay, entry);
  if (entry->record != record)
    json_decref (entry->record);
  entry->record = record;
  entry->modified = modified_of (record);
  entry->live = live;
  entry->converted = json_is_true (json_object_get (record, "$converted"));
  entry->with_parent = false;
  entry_join (overlay, entry);
  if (generate_index (module, id, &k))
    set_member (overlay->dead, k, !live);
  else
    set_member (overlay->made, id, live);
  return entry;
}

void
overlay_hide (Overlay *overlay, Entry *entry, bool hidden)
{
  entry_leave (overlay, entry);
  entry->hidden = hidden;
  entry_join (overlay, entry);
}

void
overlay_add_row (Overlay *overlay, uint64_t parent, uint64_t row)
{
  GArray *rows = g_hash_table_lookup (overlay->rows_of, &parent);

  if (rows == NULL)
    {
      rows = g_array_new (FALSE, FALSE, sizeof (uint64_t));
      g_hash_table_insert (overlay->rows_of, g_memdup2 (&parent, sizeof parent), rows);
    }
  set_member (rows, row, true);
}

GArray *
overlay_rows (const Overlay *overlay, uint64_t parent)
{
  return g_hash_table_lookup (overlay->rows_of, &parent);
}

void
overlay_bin (Overlay *overlay, const Deleted *deleted, const json_t *created_by)
{
  Bin *bin = g_new0 (Bin, 1);

  bin->deleted = *deleted;
  bin->created_by = json_deep_copy (created_by);
  g_ptr_array_insert (overlay->bin, 0, bin);
}

static int
bin_find (const Overlay *overlay, uint64_t id)
{
  for (unsigned i = 0; i < overlay->bin->len; i++)
    {
      const Bin *bin = overlay->bin->pdata[i];

      if (bin->deleted.id == id)
        return (int) i;
    }
  return -1;
}

Bin *
overlay_binned (const Overlay *overlay, uint64_t id)
{
  int index = bin_find (overlay, id);

  return index < 0 ? NULL : overlay->bin->pdata[index];
}

void
overlay_unbin (Overlay *overlay, uint64_t id)
{
  int index = bin_find (overlay, id);

  if (index >= 0)
    g_ptr_array_remove_index (overlay->bin, (unsigned) index);
}
