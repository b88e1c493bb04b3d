/* A running query. A page is made into text by the worker that brought it, before the lock is taken. */
#include "model/query.h"

#include "api/coql.h"
#include "base/error.h"
#include "model/private.h"
#include "model/query_rows.h"

#include <string.h>

/* Columns of a SELECT; the API may take more (doc/api-notes.md). */
#define COLUMNS_MAX 50

/* place and columns are the flying call's; the rest is guarded by the store's lock. */
struct Query
{
  Store *store;
  QueryText *text;
  bool all_forms;
  QueryPlace place;
  GPtrArray *columns; /* of CSV; NULL before the first page */
  QueryPage page;     /* that landed last */
  uint64_t pages;     /* that landed */
  bool flying;
  bool given_up; /* freed when the call ends */
  GError *refusal; /* asking again changes nothing */
  uint64_t ticket;
  Bell landed;
};

void
query_page_clear (QueryPage *page)
{
  g_clear_pointer (&page->json, g_bytes_unref);
  g_clear_pointer (&page->lines, g_bytes_unref);
  g_clear_pointer (&page->csv, g_bytes_unref);
}

static void
dispose (Query *query)
{
  query_page_clear (&query->page);
  query_text_free (query->text);
  g_clear_pointer (&query->columns, g_ptr_array_unref);
  g_clear_error (&query->refusal);
  g_free (query);
}

/* ---- a page as text ---------------------------------------------------------------------------------------------- */

static void
make_page (Query *query, const json_t *rows, bool first, QueryPage *page)
{
  g_autoptr (GString) json = g_string_new (first ? "[" : NULL);
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (GString) csv = g_string_new (NULL);

  if (query->columns == NULL)
    {
      query->columns = query_rows_columns (json_array_get (rows, 0), query->text->columns, !query->text->aggregates);
      query_rows_csv (csv, NULL, query->columns);
    }
  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      const json_t *row = json_array_get (rows, i);
      gsize begin;

      g_string_append (json, first && i == 0 ? "\n" : ",\n");
      begin = json->len;
      query_rows_json (json, row, query->text->columns);
      if (!query->all_forms)
        continue;
      query_rows_csv (csv, row, query->columns);
      g_string_append (lines, json->str + begin);
      g_string_append_c (lines, '\n');
    }
  page->last = query->place.ended;
  if (page->last)
    g_string_append (json, "\n]\n");
  page->json = g_string_free_to_bytes (g_steal_pointer (&json));
  if (!query->all_forms)
    return;
  page->lines = g_string_free_to_bytes (g_steal_pointer (&lines));
  page->csv = g_string_free_to_bytes (g_steal_pointer (&csv));
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static bool
is_final (const GError *error)
{
  return error->code == ZOHO_ERROR_INVALID || error->code == ZOHO_ERROR_DENIED || error->code == ZOHO_ERROR_TOO_LARGE;
}

static void
take (Query *query, QueryPage *made, const GError *error)
{
  query->flying = false;
  if (error == NULL)
    {
      query_page_clear (&query->page);
      query->page = *made;
      *made = (QueryPage){ NULL };
      query->pages++;
    }
  else if (is_final (error))
    query->refusal = g_error_copy (error);
  bell_ring (query->store, &query->landed, error);
}

static void
on_page (const CoqlPage *answer, const GError *error, void *data)
{
  Query *query = data;
  Store *store = query->store;
  g_auto (QueryPage) made = { NULL };
  g_autoptr (GError) why = NULL;
  bool first = query->columns == NULL;

  if (answer != NULL && query_text_landed (query->text, &query->place, answer->rows, answer->more, &why))
    make_page (query, answer->rows, first, &made);
  call_begin (store, &query->ticket);
  if (query->given_up)
    dispose (query);
  else
    take (query, &made, why != NULL ? why : error);
  call_end (store);
}

/* Lock held. */
static StoreState
send (Query *query, StoreWait *wait, GError **error)
{
  g_autofree char *text = query_text_next (query->text, &query->place, error);

  if (text == NULL)
    return STORE_FAILED;
  query->flying = true;
  query->ticket = coql_send (query->store->config.client, text, wait->priority, on_page, query);
  call_sent (query->store, query->ticket);
  return bell_wait (&query->landed, wait);
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

Query *
query_new (Store *store, QueryText *text, bool all_forms)
{
  Query *query = g_new0 (Query, 1);

  query->store = store;
  query->text = text;
  query->all_forms = all_forms;
  query->place.paging = text->paging;
  return query;
}

void
query_free (Query *query)
{
  Store *store;
  uint64_t ticket;
  bool flying;

  if (query == NULL)
    return;
  store = query->store;
  store_lock (store);
  flying = query->flying;
  ticket = query->ticket;
  query->given_up = true;
  bell_ring (store, &query->landed, NULL);
  if (!flying)
    dispose (query);
  store_unlock (store);
  if (flying)
    client_cancel (store->config.client, ticket);
}

const QueryText *
query_text (const Query *query)
{
  return query->text;
}

/* Lock held. */
static StoreState
ask (Query *query, uint64_t index, StoreWait *wait, QueryPage *page, GError **error)
{
  if (store_is_stopping (query->store, error) || wait_failed (wait, error))
    return STORE_FAILED;
  if (query->pages == index + 1)
    {
      *page = query->page;
      g_bytes_ref (page->json);
      if (query->all_forms)
        {
          g_bytes_ref (page->lines);
          g_bytes_ref (page->csv);
        }
      return STORE_READY;
    }
  g_assert (query->pages == index && !query->page.last);
  if (query->refusal != NULL)
    {
      g_propagate_error (error, g_error_copy (query->refusal));
      return STORE_FAILED;
    }
  if (wait_refused (wait, error))
    return STORE_FAILED;
  return query->flying ? bell_wait (&query->landed, wait) : send (query, wait, error);
}

StoreState
query_page (Query *query, uint64_t index, StoreWait *wait, QueryPage *page, GError **error)
{
  StoreState state;

  store_lock (query->store);
  state = ask (query, index, wait, page, error);
  store_unlock (query->store);
  return state;
}

/* ---- a condition alone ------------------------------------------------------------------------------------------- */

static bool
is_selectable (const json_t *field)
{
  static const char *const types[]
      = { "text", "textarea", "email", "phone", "website", "picklist", "multiselectpicklist", "boolean", "integer",
          "bigint", "double", "currency", "percent", "date", "datetime", "lookup", "ownerlookup", "userlookup",
          "autonumber", "formula", NULL };
  static const char *const words[]
      = { "select", "from", "where", "and", "or", "not", "in", "like", "is", "null", "between", "group", "order", "by",
          "asc", "desc", "limit", "offset", "as", "id", NULL };
  const char *type = json_get_text (field, "data_type"), *name = json_get_text (field, "api_name");
  g_autofree char *lower = name != NULL ? g_ascii_strdown (name, -1) : NULL;

  if (type == NULL || lower == NULL || !g_strv_contains (types, type) || g_strv_contains (words, lower))
    return false;
  return g_strcmp0 (json_get_text (field, "json_type"), "jsonarray") != 0 || strcmp (type, "multiselectpicklist") == 0;
}

/* Lock held, the schema is known. The display field comes first. */
static char *
fields_of (const StoreModule *module, const char *const *hidden)
{
  GString *out = g_string_new (NULL);
  const char *label = module->schema->label;
  unsigned count = 1; /* id */
  size_t index;
  json_t *field;

  if (label != NULL && (hidden == NULL || !g_strv_contains (hidden, label)))
    {
      g_string_append (out, label);
      count++;
    }
  json_array_foreach (module->fields, index, field)
    {
      const char *name = json_get_text (field, "api_name");

      if (count >= COLUMNS_MAX || !is_selectable (field) || !g_hash_table_contains (module->schema->known, name)
          || g_strcmp0 (name, label) == 0 || (hidden != NULL && g_strv_contains (hidden, name)))
        continue;
      g_string_append_printf (out, "%s%s", out->len > 0 ? ", " : "", name);
      count++;
    }
  return g_string_free (out, FALSE);
}

StoreState
query_complete (StoreModule *module, const char *condition, const char *const *hidden, StoreWait *wait, char **whole,
                GError **error)
{
  g_autofree char *fields = NULL;
  StoreState state = STORE_FAILED;

  store_lock (module->store);
  if (!store_is_stopping (module->store, error))
    state = catalog_schema (module, wait, error);
  if (state == STORE_READY)
    fields = fields_of (module, hidden);
  store_unlock (module->store);
  if (state == STORE_READY)
    *whole = query_text_complete (condition, module->name, fields);
  return state;
}
