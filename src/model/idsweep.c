/* A look at all ids of a listed module, in the background, a page at a time: some things no delta tells (records
 * that the user may see no more, converted leads, what formulas compute). It costs as much as listing one slice, so
 * it comes once a day, and only while the module is used. What it finds is fetched singly before it is believed,
 * since rows may have moved past a page meanwhile. */
#include "model/private.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

#define AHEAD_ROWS (2 * RECORDS_PAGE)

/* Page tokens reach no further, and queries do not tell what a list leaves out. */
#define ROWS_MAX 200000

/* More than this is not fetched one by one: the module is listed anew. */
#define DOUBTS_MAX 200

typedef struct IdSweep
{
  StoreModule *module;
  const Schema *schema;
  GPtrArray *slices; /* char *: one */
  Sweep *sweep;
  IdSet *doubts;     /* ids to be fetched */
  GArray *order;     /* the same, uint64_t */
  unsigned fetching;
  int64_t started_us;
} IdSweep;

void
idsweep_free (StoreModule *module)
{
  IdSweep *look = g_steal_pointer (&module->id_sweep);

  if (look == NULL)
    return;
  fetch_forget (module, look);
  sweep_free (look->sweep);
  idset_free (look->doubts);
  g_array_unref (look->order);
  g_ptr_array_unref (look->slices);
  g_free (look);
}

static void
doubt (IdSweep *look, uint64_t id)
{
  if (idset_add (look->doubts, id))
    g_array_append_val (look->order, id);
}

/* Does the document show other results of formulas than @row? */
static bool
computes_otherwise (const IdSweep *look, const Entry *entry, const json_t *row)
{
  const Schema *schema = look->schema;
  g_autoptr (GBytes) text = NULL;
  g_autoptr (json_t) document = NULL;

  if (schema->computed->len == 0)
    return false;
  text = store_version (look->module, entry->id, entry->version);
  if (text == NULL)
    return false;
  document = json_parse (g_bytes_get_data (text, NULL), g_bytes_get_size (text), NULL);
  for (guint i = 0; document != NULL && i < schema->computed->len; i++)
    {
      const json_t *shown = json_object_get (document, schema->computed->pdata[i]);
      const json_t *now = json_object_get (row, schema->computed->pdata[i]);

      if (now != NULL && shown != NULL && !json_equal (shown, now))
        return true;
    }
  return false;
}

static void
look_at_row (void *data, uint64_t id, json_t *row, bool torn, Document *document)
{
  IdSweep *look = data;
  const Entry *entry = table_find (look->module, id);

  if (table_is_newer (look->module, id, row_modified (row), sweep_began_us (look->sweep)))
    return;
  if (document != NULL)
    table_set (look->module, table_put (look->module, id, true), document);
  else if (entry == NULL || !entry->listed || entry->version == 0 || entry->mtime != row_modified (row)
           || computes_otherwise (look, entry, row))
    doubt (look, id);
}

static void
end (IdSweep *look)
{
  StoreModule *module = look->module;

  module->swept = MAX (module->since, sweep_server_time (look->sweep));
  module->index_dirty = true;
  idsweep_free (module);
  index_end (module);
}

static void
on_fetched (void *data, uint64_t id, const GError *error)
{
  IdSweep *look = data;

  /* What failed is looked at again tomorrow; what is not there any more has left the table. */
  if (--look->fetching == 0)
    end (look);
}

static void
find_missing (IdSweep *look)
{
  TableIter iter;
  const Entry *entry;

  table_iterate (look->module->table, &iter);
  while ((entry = table_next (&iter)) != NULL)
    if (entry->listed && entry->checked_us < look->started_us && !sweep_saw (look->sweep, entry->id))
      doubt (look, entry->id);
}

static void
settle_doubts (IdSweep *look)
{
  StoreModule *module = look->module;

  find_missing (look);
  if (look->order->len == 0)
    {
      end (look);
      return;
    }
  if (look->order->len > DOUBTS_MAX)
    {
      module->listing = LISTING_UNLISTED;
      end (look);
      return;
    }
  look->fetching = look->order->len;
  for (guint i = 0; i < look->order->len; i++)
    fetch_for (module, g_array_index (look->order, uint64_t, i), on_fetched, look);
}

static void
on_progress (void *data, const GError *error)
{
  IdSweep *look = data;

  if (error != NULL || look->module->listing != LISTING_LISTED)
    idsweep_free (look->module); /* the next refresh begins it again */
  else if (!sweep_done (look->sweep))
    sweep_pump (look->sweep, sweep_rows (look->sweep) + AHEAD_ROWS);
  else if (look->fetching == 0)
    settle_doubts (look);
}

void
idsweep_consider (StoreModule *module)
{
  Store *store = module->store;
  IdSweep *look;
  SweepConfig config = { .module = module->name, .count = (int64_t)table_size (module->table),
                         .priority = CLIENT_BACKGROUND, .row = look_at_row, .progress = on_progress };

  if (module->swept == 0)
    module->swept = module->since;
  if (module->id_sweep != NULL || module->listing != LISTING_LISTED || store->config.sweep_s == 0
      || module->since < module->swept + store->config.sweep_s || table_size (module->table) == 0
      || table_size (module->table) > ROWS_MAX)
    return;
  look = g_new0 (IdSweep, 1);
  look->module = module;
  look->schema = module->schema;
  look->started_us = clock_now_us ();
  look->doubts = idset_new ();
  look->order = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  look->slices = g_ptr_array_new ();
  g_ptr_array_add (look->slices, (gpointer)schema_watched (module->schema));
  config.slices = look->slices;
  config.data = look;
  if (schema_is_flat (module->schema))
    config.schema = module->schema;
  look->sweep = sweep_new (store, &config);
  module->id_sweep = look;
  sweep_pump (look->sweep, AHEAD_ROWS);
}
