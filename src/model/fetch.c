/* One record, afresh: a single GET, its full rich texts where one may be cut, its further rows where a GET embeds only
 * some. All who want the same record share one flight; flights that begin together share one call where lists have all
 * of a record. */
#include "model/private.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

typedef struct
{
  FetchDone done;
  void *data;
} Asker;

typedef struct
{
  StoreModule *module;
  uint64_t id;
  char id_text[24];
  json_t *record; /* from the GET on */
  GArray *rest;   /* Sweep *: of the deep fields with more rows than embedded, parallel to schema->deep, else NULL */
  unsigned pending; /* sweeps not done */
  bool unsettled;   /* when it was read */
  const Schema *schema;
  Bell landed;
  GArray *askers; /* Asker */
  uint64_t ticket;
} Flight;

typedef struct
{
  Flight *flight;
  DeepField *deep;
  Sweep *sweep;
  json_t *rows;
} Rest;

static void
rest_free (Rest *rest)
{
  sweep_free (rest->sweep);
  json_decref (rest->rows);
  g_free (rest);
}

static void
flight_end (Flight *flight, const GError *error)
{
  StoreModule *module = flight->module;

  g_hash_table_remove (module->flights, &flight->id);
  for (guint i = 0; i < flight->askers->len; i++)
    {
      Asker asker = g_array_index (flight->askers, Asker, i);

      if (asker.done != NULL)
        asker.done (asker.data, flight->id, error);
    }
  bell_ring (module->store, &flight->landed, error);
  for (guint i = 0; i < flight->rest->len; i++)
    if (g_array_index (flight->rest, Rest *, i) != NULL)
      rest_free (g_array_index (flight->rest, Rest *, i));
  g_array_unref (flight->rest);
  g_array_unref (flight->askers);
  g_clear_pointer (&flight->record, json_decref);
  g_free (flight);
}

static void
flight_fail (Flight *flight, const GError *error)
{
  if (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    {
      int64_t until = clock_now_us () + MISSING_TTL_US;

      table_remove (flight->module, flight->id, 0);
      g_hash_table_insert (flight->module->missing, g_memdup2 (&flight->id, sizeof flight->id),
                           g_memdup2 (&until, sizeof until));
    }
  flight_end (flight, error);
}

/* The deep fields as the document shows them, from what the GET embedded or the rest brought. */
static void
settle_deep (Flight *flight)
{
  for (guint i = 0; i < flight->schema->deep->len; i++)
    {
      DeepField *deep = flight->schema->deep->pdata[i];
      Rest *rest = i < flight->rest->len ? g_array_index (flight->rest, Rest *, i) : NULL;
      const json_t *source = rest != NULL ? rest->rows : json_object_get (flight->record, deep->field);
      g_autoptr (json_t) rows = json_array ();
      size_t index;
      json_t *row;

      json_array_foreach (source, index, row)
        if (json_is_object (row) && row_id (row) != 0)
          json_array_append_new (rows, rest != NULL ? json_incref (row) : document_row (deep, row));
      json_array_foreach (rows, index, row)
        module_note_row (flight->module, row_id (row), flight->id, row_modified (row));
      document_set_rows (flight->record, deep->field, rows);
    }
}

/* A converted lead can be read by its id, and is in no list. */
static bool
is_elsewhere (const Flight *flight)
{
  return json_is_true (json_object_get (flight->record, "$converted"));
}

static void
flight_land (Flight *flight)
{
  StoreModule *module = flight->module;
  Document document = { 0 };
  Entry *entry;

  if (module->listing != LISTING_LISTED)
    module->stale_offline = false;
  settle_deep (flight);
  document_make (flight->schema, flight->record, flight->id, &document);
  if (is_elsewhere (flight))
    table_remove (module, flight->id, 0);
  entry = table_put (module, flight->id, module->listing >= LISTING_LOADING && !is_elsewhere (flight));
  table_set (module, entry, &document);
  entry->unsettled |= flight->unsettled;
  if (module->kind == MODULE_NOTES)
    notes_took (module, flight->id, flight->record);
  document_clear (&document);
  flight_end (flight, NULL);
}

/* ---- further rows ----------------------------------------------------------------------------------------------- */

static void
rest_row (void *data, uint64_t id, json_t *row, bool torn, Document *document)
{
  Rest *rest = data;
  const char *parent = json_get_text (json_object_get (row, rest->deep->parent), "id");

  if (g_strcmp0 (parent, rest->flight->id_text) == 0)
    json_array_append_new (rest->rows, document_row (rest->deep, row));
}

static void
rest_progress (void *data, const GError *error)
{
  Rest *rest = data;
  Flight *flight = rest->flight;

  if (error != NULL)
    flight_fail (flight, error);
  else if (!sweep_done (rest->sweep))
    sweep_pump (rest->sweep, UINT64_MAX);
  else if (--flight->pending == 0)
    flight_land (flight);
}

static void
rest_start (Flight *flight, guint index, DeepField *deep, GPtrArray *slices)
{
  Rest *rest = g_new0 (Rest, 1);
  SweepConfig config = { .module = deep->module, .slices = slices, .count = -1, .priority = CLIENT_PERSON,
                         .row = rest_row, .progress = rest_progress, .data = rest };

  rest->flight = flight;
  rest->deep = deep;
  rest->rows = json_array ();
  rest->sweep = sweep_new (flight->module->store, &config);
  g_array_index (flight->rest, Rest *, index) = rest;
  flight->pending++;
  sweep_pump (rest->sweep, UINT64_MAX);
}

/* Zoho names in $has_more the deep fields of which it embedded only some rows (doc/api-notes.md). */
static void
fetch_rest (Flight *flight)
{
  const json_t *more = json_object_get (flight->record, "$has_more");

  g_array_set_size (flight->rest, flight->schema->deep->len);
  for (guint i = 0; i < flight->schema->deep->len; i++)
    {
      DeepField *deep = flight->schema->deep->pdata[i];

      if (json_is_true (json_object_get (more, deep->field)))
        rest_start (flight, i, deep, deep_slices (deep));
    }
  if (flight->pending == 0)
    flight_land (flight);
}

/* ---- full texts ------------------------------------------------------------------------------------------------- */

static void
on_full (const RecordsPage *page, const GError *error, void *data)
{
  Flight *flight = data;
  Store *store = flight->module->store;

  call_begin (store, &flight->ticket);
  if (error != NULL)
    flight_fail (flight, error);
  else
    {
      const json_t *row = json_array_get (page->rows, 0);

      if (row_id (row) == flight->id)
        document_take_full (flight->schema, flight->record, row);
      fetch_rest (flight);
    }
  call_end (store);
}

static void
on_record (const RecordsPage *page, const GError *error, void *data)
{
  Flight *flight = data;
  Store *store = flight->module->store;
  const json_t *row = page != NULL ? json_array_get (page->rows, 0) : NULL;
  g_autoptr (GError) other = NULL;

  call_begin (store, &flight->ticket);
  if (error == NULL && row_id (row) != flight->id)
    {
      g_set_error (&other, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho answered with another record than %s/%s",
                   flight->module->name, flight->id_text);
      error = other;
    }
  if (error != NULL)
    flight_fail (flight, error);
  else
    {
      flight->record = json_deep_copy (row);
      store->server_s = page->server_time;
      flight->unsettled = store_is_unsettled (store, row_modified (row));
      /* A text longer than lists give is whole; one of just that length may be cut. */
      if (document_has_cut_length (flight->schema, flight->record))
        {
          flight->ticket = records_full (store->config.client, flight->module->name, flight->id_text,
                                         flight->schema->rich_fields, CLIENT_PERSON, on_full, flight);
          call_sent (store, flight->ticket);
        }
      else
        fetch_rest (flight);
    }
  call_end (store);
}

/* On the ground still: nothing is asked. */
static Flight *
flight_new (StoreModule *module, uint64_t id)
{
  Flight *flight = g_new0 (Flight, 1);

  flight->module = module;
  flight->id = id;
  flight->schema = module->schema;
  g_snprintf (flight->id_text, sizeof flight->id_text, "%" G_GUINT64_FORMAT, id);
  flight->askers = g_array_new (FALSE, FALSE, sizeof (Asker));
  flight->rest = g_array_new (FALSE, TRUE, sizeof (Rest *));
  g_hash_table_insert (module->flights, &flight->id, flight);
  return flight;
}

static void
flight_send (Flight *flight, ClientPriority priority)
{
  StoreModule *module = flight->module;

  flight->ticket = records_get_fields (module->store->config.client, module->name, flight->id_text,
                                       module->kind == MODULE_NOTES ? flight->schema->slices->pdata[0] : NULL, priority,
                                       on_record, flight);
  call_sent (module->store, flight->ticket);
}

static Flight *
flight_of (StoreModule *module, uint64_t id, ClientPriority priority)
{
  Flight *flight = g_hash_table_lookup (module->flights, &id);

  if (flight != NULL)
    return flight;
  flight = flight_new (module, id);
  flight_send (flight, priority);
  return flight;
}

/* ---- many at once ------------------------------------------------------------------------------------------------ */

/* Flights without a call of their own. */
typedef struct
{
  StoreModule *module;
  GHashTable *flights; /* id -> Flight, of those that have not landed */
  Sweep *sweep;
} Formation;

static void
formation_row (void *data, uint64_t id, json_t *row, bool torn, Document *document)
{
  Formation *formation = data;
  Flight *flight = g_hash_table_lookup (formation->flights, &id);

  /* What is not whole is asked for alone, at the end. */
  if (flight == NULL || torn || document_maybe_cut (flight->schema, row))
    return;
  g_hash_table_remove (formation->flights, &id);
  flight->record = json_deep_copy (row);
  flight->unsettled = store_is_unsettled (formation->module->store, row_modified (row));
  fetch_rest (flight);
}

/* The rest of the flights go on alone, or fail. */
static void
formation_end (Formation *formation, const GError *error)
{
  GHashTableIter iter;
  gpointer flight;

  g_hash_table_iter_init (&iter, formation->flights);
  while (g_hash_table_iter_next (&iter, NULL, &flight))
    {
      g_hash_table_iter_steal (&iter);
      if (error != NULL)
        flight_fail (flight, error);
      else
        flight_send (flight, CLIENT_LISTING);
    }
  g_hash_table_unref (formation->flights);
  sweep_free (formation->sweep);
  g_free (formation);
}

static void
formation_progress (void *data, const GError *error)
{
  Formation *formation = data;

  if (error != NULL || sweep_done (formation->sweep))
    formation_end (formation, error);
  else
    sweep_pump (formation->sweep, UINT64_MAX);
}

void
fetch_together (StoreModule *module, const uint64_t *ids, size_t count)
{
  g_autoptr (GString) text = g_string_new (NULL);
  SweepConfig config = { .module = module->name, .count = -1, .priority = CLIENT_LISTING, .row = formation_row,
                         .progress = formation_progress };
  Formation *formation;

  if (module->schema == NULL || module->schema->deep->len > 0 || module->kind == MODULE_NOTES
      || count <= module->schema->slices->len)
    return;
  formation = g_new0 (Formation, 1);
  formation->module = module;
  formation->flights = g_hash_table_new (g_int64_hash, g_int64_equal);
  for (size_t i = 0; i < count; i++)
    if (!g_hash_table_contains (module->flights, &ids[i]) && records_add_id (text, ids[i]))
      {
        Flight *flight = flight_new (module, ids[i]);

        g_hash_table_insert (formation->flights, &flight->id, flight);
      }
  config.slices = module->schema->slices;
  config.ids = text->str;
  config.data = formation;
  formation->sweep = sweep_new (module->store, &config);
  sweep_pump (formation->sweep, UINT64_MAX);
}

/* ---- for the other files ----------------------------------------------------------------------------------------- */

StoreState
fetch_record (StoreModule *module, uint64_t id, StoreWait *wait, GError **error)
{
  const Entry *entry = table_find (module, id);
  const int64_t *missing_until = g_hash_table_lookup (module->missing, &id);
  StoreState state;

  if (wait_failed (wait, error))
    return STORE_FAILED;
  if (entry != NULL && entry->version != 0 && entry->checked_us >= wait_began_us (wait))
    return STORE_READY;
  if (missing_until != NULL && clock_now_us () < *missing_until)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "There is no record %" G_GUINT64_FORMAT " in %s", id,
                   module->name);
      return STORE_FAILED;
    }
  if (entry != NULL && entry->version != 0 && wait_is_cached_only (wait))
    return STORE_READY;
  if (wait_refused (wait, error))
    return STORE_FAILED;
  state = catalog_schema (module, wait, error);
  if (state != STORE_READY)
    return state;
  return bell_wait (&flight_of (module, id, wait->priority)->landed, wait);
}

void
fetch_for (StoreModule *module, uint64_t id, FetchDone done, void *data)
{
  Asker asker = { done, data };

  g_array_append_val (flight_of (module, id, CLIENT_LISTING)->askers, asker);
}

void
fetch_forget (StoreModule *module, void *data)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, module->flights);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      GArray *askers = ((Flight *)value)->askers;

      for (guint i = 0; i < askers->len; i++)
        if (g_array_index (askers, Asker, i).data == data)
          g_array_index (askers, Asker, i).done = NULL;
    }
}
