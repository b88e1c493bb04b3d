/* Records: pages of a module, one record, its full texts, how many, and which are gone. */
#include "api/records.h"

#include "api/listed.h"
#include "api/rows.h"
#include "api/url.h"
#include "base/error.h"

#include <string.h>

#define COUNT_MAX INT64_C (1000000000000)

/* What is kept while an answer is on its way. */
typedef struct
{
  RecordsDone done;
  RecordsCountDone count_done;
  void *data;
  char *id;     /* the one record asked for, else NULL */
  bool listing; /* "info" must be there */
} Ask;

static Ask *
ask_new (RecordsDone done, void *data)
{
  Ask *ask = g_new0 (Ask, 1);

  ask->done = done;
  ask->data = data;
  return ask;
}

static void
ask_free (Ask *ask)
{
  g_free (ask->id);
  g_free (ask);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Ask, ask_free)

/* The record asked for, once, and no other. */
static bool
check_one (const json_t *rows, const char *id, GError **error)
{
  if (json_array_size (rows) == 0)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "There is no record %s", id);
      return false;
    }
  if (json_array_size (rows) == 1 && g_strcmp0 (json_get_text (json_array_get (rows, 0), "id"), id) == 0)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho's answer makes no sense: record %s was asked for, not this",
               id);
  return false;
}

/* Fills @page, whose rows the caller drops. */
static bool
read_page (const Ask *ask, const ClientAnswer *answer, RecordsPage *page, GError **error)
{
  if (ask->listing)
    return listed_read (answer, page, error);
  page->server_time = answer->server_time;
  page->rows = rows_read (answer->body, "data", true, error);
  return page->rows != NULL && (ask->id == NULL || check_one (page->rows, ask->id, error));
}

static void
page_done (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autoptr (Ask) ask = data;
  g_autoptr (GError) why = NULL;
  RecordsPage page = { NULL };

  if (error != NULL)
    ask->done (NULL, error, ask->data);
  else if (read_page (ask, answer, &page, &why))
    ask->done (&page, NULL, ask->data);
  else
    ask->done (NULL, why, ask->data);
  json_decref (page.rows);
}

/* A number, or text of digits as an older description of the API has it. -1 otherwise. */
static int64_t
read_count (const json_t *body)
{
  const json_t *count = json_object_get (body, "count");
  const char *text = json_text (count);
  int64_t value = json_is_integer (count) ? json_integer_value (count) : -1;

  if (rows_is_id (text))
    value = g_ascii_strtoll (text, NULL, 10);
  return value <= COUNT_MAX ? value : -1;
}

static void
count_done (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autoptr (Ask) ask = data;
  g_autoptr (GError) why = NULL;
  int64_t count = answer != NULL ? read_count (answer->body) : -1;

  if (error == NULL && count < 0)
    error = why = g_error_new (ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho's answer makes no sense: its count is no number");
  ask->count_done (error == NULL ? count : 0, error, ask->data);
}

/* GET /crm/v8/{module}{rest} */
static uint64_t
get (Client *client, const char *module, const char *rest, ClientCall *call, ClientDone done, Ask *ask)
{
  g_autofree char *segment = url_encode (module);
  g_autofree char *path = g_strconcat ("/crm/v8/", segment, rest, NULL);

  call->path = path;
  return client_send (client, call, done, ask);
}

static void
add_number (GString *query, const char *name, unsigned value)
{
  char text[16];

  g_snprintf (text, sizeof text, "%u", value);
  url_add (query, name, text);
}

bool
records_add_id (GString *ids, uint64_t id)
{
  gsize before = ids->len;

  g_string_append_printf (ids, "%s%" G_GUINT64_FORMAT, before > 0 ? "," : "", id);
  if (ids->len <= RECORDS_IDS_BYTES_MAX)
    return true;
  g_string_truncate (ids, before);
  return false;
}

/* Where the rows of @list are below their module; NULL: they are all of it. To g_free(). */
static char *
related_path (const RecordsList *list)
{
  g_autofree char *id = list->parent_id != NULL ? url_encode (list->parent_id) : NULL;
  g_autofree char *module = url_encode (list->module);

  return id != NULL ? g_strconcat ("/", id, "/", module, NULL) : NULL;
}

uint64_t
records_list (Client *client, const RecordsList *list, RecordsDone done, void *data)
{
  g_autoptr (GString) query = g_string_new (NULL);
  ClientCall call = {
    .if_modified_since = list->if_modified_since,
    .priority = list->priority,
    .heavy = list->ascending || list->sort_by != NULL,
  };
  g_autofree char *related = related_path (list);
  Ask *ask = ask_new (done, data);

  ask->listing = true;
  url_add (query, "fields", list->fields);
  add_number (query, "per_page", RECORDS_PAGE);
  if (list->page > 0)
    add_number (query, "page", list->page);
  else
    url_add (query, "page_token", list->page_token);
  if (call.heavy)
    {
      url_add (query, "sort_by", list->sort_by != NULL ? list->sort_by : "id");
      url_add (query, "sort_order", list->ascending ? "asc" : "desc");
    }
  url_add (query, "ids", list->ids);
  call.query = query->str;
  return get (client, related != NULL ? list->parent_module : list->module, related, &call, page_done, ask);
}

static uint64_t
coql (Client *client, const char *query, ClientPriority priority, RecordsDone done, void *data)
{
  g_autoptr (json_t) body = json_object ();
  ClientCall call = { .method = "POST", .path = "/crm/v8/coql", .body = body, .priority = priority, .heavy = true };
  Ask *ask = ask_new (done, data);

  json_object_set_new (body, "select_query", json_from_text (query));
  ask->listing = true;
  return client_send (client, &call, page_done, ask);
}

uint64_t
records_between (Client *client, const RecordsBetween *between, RecordsDone done, void *data)
{
  g_autofree char *query = g_strdup_printf (
      "select id, %s from %s where (id > %" G_GUINT64_FORMAT " and id < %" G_GUINT64_FORMAT
      ") order by id asc limit %d", between->fields, between->module, between->after, between->before, RECORDS_PAGE);

  return coql (client, query, between->priority, done, data);
}

/* Quotes within a text are doubled. */
static void
add_condition (GString *query, const RecordsCondition *condition)
{
  g_string_append_printf (query, "%s %s '", condition->field, condition->op);
  for (const char *at = condition->value; *at != '\0'; at++)
    {
      if (*at == '\'')
        g_string_append_c (query, '\'');
      g_string_append_c (query, *at);
    }
  g_string_append_c (query, '\'');
}

uint64_t
records_where (Client *client, const RecordsWhere *where, RecordsDone done, void *data)
{
  g_autoptr (GString) query = g_string_new (NULL);

  g_string_append_printf (query, "select id, %s from %s where ", where->fields, where->module);
  for (size_t i = 1; i < where->conditions_size; i++) /* they are taken in pairs alone */
    g_string_append_c (query, '(');
  for (size_t i = 0; i < where->conditions_size; i++)
    {
      g_string_append (query, i > 0 ? " and " : "");
      add_condition (query, &where->conditions[i]);
      g_string_append (query, i > 0 ? ")" : "");
    }
  g_string_append_printf (query, " order by id asc limit %u", where->limit);
  return coql (client, query->str, where->priority, done, data);
}

uint64_t
records_get_fields (Client *client, const char *module, const char *id, const char *fields, ClientPriority priority,
                    RecordsDone done, void *data)
{
  g_autofree char *segment = url_encode (id);
  g_autofree char *rest = g_strconcat ("/", segment, NULL);
  g_autoptr (GString) query = g_string_new (NULL);
  ClientCall call = { .priority = priority };
  Ask *ask = ask_new (done, data);

  url_add (query, "fields", fields);
  call.query = query->len > 0 ? query->str : NULL;
  ask->id = g_strdup (id);
  return get (client, module, rest, &call, page_done, ask);
}

uint64_t
records_get (Client *client, const char *module, const char *id, ClientPriority priority, RecordsDone done, void *data)
{
  return records_get_fields (client, module, id, NULL, priority, done, data);
}

uint64_t
records_full (Client *client, const char *module, const char *ids, const char *fields, ClientPriority priority,
              RecordsDone done, void *data)
{
  g_autofree char *segment = url_encode (ids);
  g_autofree char *one = g_strconcat ("/", segment, "/actions/fetch_full_data", NULL);
  g_autoptr (GString) query = g_string_new (NULL);
  ClientCall call = { .priority = priority };
  bool several = strchr (ids, ',') != NULL;

  if (several)
    url_add (query, "ids", ids);
  url_add (query, "fields", fields);
  call.query = query->len > 0 ? query->str : NULL;
  return get (client, module, several ? "/actions/fetch_full_data" : one, &call, page_done, ask_new (done, data));
}

uint64_t
records_deleted (Client *client, const char *module, unsigned page, const char *if_modified_since,
                 ClientPriority priority, RecordsDone done, void *data)
{
  g_autoptr (GString) query = g_string_new ("type=all");
  ClientCall call = { .if_modified_since = if_modified_since, .priority = priority };
  Ask *ask = ask_new (done, data);

  ask->listing = true;
  add_number (query, "page", page);
  add_number (query, "per_page", RECORDS_PAGE);
  call.query = query->str;
  return get (client, module, "/deleted", &call, page_done, ask);
}

uint64_t
records_count (Client *client, const char *module, ClientPriority priority, RecordsCountDone done, void *data)
{
  ClientCall call = { .priority = priority };
  Ask *ask = ask_new (NULL, data);

  ask->count_done = done;
  return get (client, module, "/actions/count", &call, count_done, ask);
}
