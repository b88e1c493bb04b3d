/* Writing records: update, create, upsert, delete, tags. */
#include "api/write.h"

#include "api/response.h"
#include "api/rows.h"
#include "api/url.h"
#include "base/clock.h"
#include "base/error.h"

#include <string.h>

#define ROWS_PER_CREDIT 10

/* What is kept while an answer is on its way. */
typedef struct
{
  WriteDone done;
  void *data;
  GArray *ids;   /* uint64_t per row: the record that it is about; 0: a new one, or what upsert finds */
  bool once;     /* what went wrong may have been done */
  bool fresh;    /* each row makes a record of its own */
  bool one;      /* the call is about one record */
  bool nameless; /* Zoho may leave the id out */
} Ask;

static Ask *
ask_new (WriteDone done, void *data)
{
  Ask *ask = g_new0 (Ask, 1);

  ask->done = done;
  ask->data = data;
  ask->ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  return ask;
}

static void
ask_free (Ask *ask)
{
  g_array_unref (ask->ids);
  g_free (ask);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Ask, ask_free)

static uint64_t
id_of (const char *text)
{
  return rows_is_id (text) ? g_ascii_strtoull (text, NULL, 10) : 0;
}

static void
ask_add (Ask *ask, const char *id)
{
  uint64_t number = id_of (id);

  g_array_append_val (ask->ids, number);
}

static void
ask_add_rows (Ask *ask, const json_t *rows)
{
  for (size_t i = 0; i < json_array_size (rows); i++)
    ask_add (ask, ask->fresh ? NULL : json_get_text (json_array_get (rows, i), "id"));
}

static bool
nonsense (GError **error, const char *words)
{
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Zoho's answer makes no sense: %s", words);
  return false;
}

/* Does a refusal say that it is about another row than the one in whose place it stands? */
static bool
is_misplaced (const Ask *ask, size_t index, const json_t *row, const GError *refusal)
{
  const json_t *details = json_object_get (row, "details");
  const char *path = json_get_text (details, "json_path");
  uint64_t id = id_of (json_get_text (details, "id"));
  uint64_t asked = g_array_index (ask->ids, uint64_t, index);

  if (path != NULL && g_str_has_prefix (path, "$.data[")
      && g_ascii_strtoull (path + strlen ("$.data["), NULL, 10) != index)
    return true;
  /* Other refusals may name another record, such as the one that has the value already. */
  return g_error_matches (refusal, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND) && id != 0 && asked != 0 && id != asked;
}

static bool
is_taken (const WriteResult *results, size_t count, uint64_t id)
{
  for (size_t i = 0; i < count; i++)
    if (results[i].id == id)
      return true;
  return false;
}

static bool
read_done (const Ask *ask, size_t index, const json_t *row, WriteResult *results, GError **error)
{
  WriteResult *result = &results[index];
  const json_t *details = json_object_get (row, "details");
  const char *text = json_get_text (details, "id"), *modified = json_get_text (details, "Modified_Time");
  uint64_t asked = g_array_index (ask->ids, uint64_t, index);
  uint64_t id = text == NULL && ask->nameless ? asked : id_of (text);

  if (g_strcmp0 (json_get_text (row, "status"), "success") != 0 || id == 0)
    return nonsense (error, "it does not say what became of a record");
  if (asked != 0 && id != asked)
    return nonsense (error, "it is about a record that was not written");
  if (ask->fresh && is_taken (results, index, id))
    return nonsense (error, "two new records have the same id");
  result->id = id;
  result->duplicate_field = json_get_text (row, "duplicate_field");
  result->updated = g_strcmp0 (json_get_text (row, "action"), "update") == 0;
  if (modified == NULL || !clock_parse_time (modified, &result->modified_s))
    result->modified_s = 0;
  return true;
}

static bool
read_result (const Ask *ask, size_t index, const json_t *row, WriteResult *results, GError **error)
{
  GError *refusal = NULL;
  ResponseKind kind = response_row (row, &refusal);

  if (kind == RESPONSE_OK)
    return read_done (ask, index, row, results, error);
  if (kind == RESPONSE_BROKEN && ask->once)
    response_set_unclear (&refusal);
  results[index].id = g_array_index (ask->ids, uint64_t, index);
  results[index].error = refusal;
  if (is_misplaced (ask, index, row, refusal))
    return nonsense (error, "its rows are not in the order of those that were written");
  return true;
}

static bool
read_results (const Ask *ask, const ClientAnswer *answer, WriteResult *results, GError **error)
{
  const json_t *rows = json_object_get (answer->body, "data");

  /* The whole call may be refused as if it were one row; the client lets through nothing but refusals here. */
  if (answer->status >= 400 && json_array_size (rows) != ask->ids->len)
    return response_row (json_array_get (rows, 0), error) == RESPONSE_OK;
  if (!json_is_array (rows) || json_array_size (rows) != ask->ids->len)
    return nonsense (error, "it is about more or fewer records than were written");
  for (size_t i = 0; i < ask->ids->len; i++)
    if (!read_result (ask, i, json_array_get (rows, i), results, error))
      return false;
  return true;
}

static void
free_results (WriteResult *results, size_t count)
{
  for (size_t i = 0; i < count; i++)
    g_clear_error ((GError **)&results[i].error);
  g_free (results);
}

static void
deliver (const Ask *ask, const WriteResult *results, const GError *error)
{
  if (error == NULL && ask->one)
    error = results[0].error;
  if (error != NULL)
    ask->done (NULL, 0, error, ask->data);
  else
    ask->done (results, ask->ids->len, NULL, ask->data);
}

static void
landed (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autoptr (Ask) ask = data;
  g_autoptr (GError) why = NULL;
  WriteResult *results = g_new0 (WriteResult, ask->ids->len + 1);

  if (error == NULL && !read_results (ask, answer, results, &why))
    {
      if (ask->once && answer->status < 300)
        response_set_unclear (&why);
      error = why;
    }
  deliver (ask, results, error);
  free_results (results, ask->ids->len);
}

static json_t *
texts (const char *const *list)
{
  json_t *array = json_array ();

  for (; *list != NULL; list++)
    json_array_append_new (array, json_from_text (*list));
  return array;
}

/* {"data":@rows,"trigger":[...]} */
static json_t *
body_of (json_t *rows, const char *const *trigger)
{
  json_t *body = json_object ();

  json_object_set_new (body, "data", rows);
  if (trigger != NULL)
    json_object_set_new (body, "trigger", texts (trigger));
  return body;
}

/* Sends @call to /crm/v8/{module}{/id}{rest}. */
static uint64_t
send_to (Client *client, const char *module, const char *id, const char *rest, ClientCall *call, Ask *ask)
{
  g_autofree char *first = url_encode (module);
  g_autofree char *second = id != NULL ? url_encode (id) : NULL;
  g_autofree char *path = g_strconcat ("/crm/v8/", first, second != NULL ? "/" : "", second != NULL ? second : "", rest,
                                       NULL);

  call->path = path;
  call->rows = true;
  call->once = ask->once;
  return client_send (client, call, landed, ask);
}

static uint64_t
send_rows (Client *client, const char *method, const char *rest, const WriteRows *rows, json_t *body, Ask *ask)
{
  size_t count = json_array_size (rows->rows);
  ClientCall call = {
    .method = method,
    .body = body,
    .priority = rows->priority,
    .credits = (unsigned)((count + ROWS_PER_CREDIT - 1) / ROWS_PER_CREDIT),
    .heavy = count > WRITE_ROWS_LIGHT,
  };

  ask_add_rows (ask, rows->rows);
  return send_to (client, rows->module, NULL, rest, &call, ask);
}

uint64_t
write_update (Client *client, const WriteUpdate *update, WriteDone done, void *data)
{
  json_t *rows = json_array ();
  g_autoptr (json_t) body = body_of (rows, update->trigger);
  ClientCall call = {
    .method = "PUT",
    .body = body,
    .if_unmodified_since = update->if_unmodified_since,
    .priority = update->priority,
  };
  Ask *ask = ask_new (done, data);

  json_array_append (rows, (json_t *)update->fields);
  ask_add (ask, update->id);
  ask->one = true;
  return send_to (client, update->module, update->id, NULL, &call, ask);
}

uint64_t
write_update_many (Client *client, const WriteRows *rows, WriteDone done, void *data)
{
  g_autoptr (json_t) body = body_of (json_incref ((json_t *)rows->rows), rows->trigger);

  return send_rows (client, "PUT", NULL, rows, body, ask_new (done, data));
}

uint64_t
write_create (Client *client, const WriteRows *rows, WriteDone done, void *data)
{
  g_autoptr (json_t) body = body_of (json_incref ((json_t *)rows->rows), rows->trigger);
  Ask *ask = ask_new (done, data);

  ask->once = ask->fresh = true;
  return send_rows (client, "POST", NULL, rows, body, ask);
}

uint64_t
write_upsert (Client *client, const WriteRows *rows, const char *const *check, WriteDone done, void *data)
{
  g_autoptr (json_t) body = body_of (json_incref ((json_t *)rows->rows), rows->trigger);
  Ask *ask = ask_new (done, data);

  ask->once = true;
  if (check != NULL)
    json_object_set_new (body, "duplicate_check_fields", texts (check));
  return send_rows (client, "POST", "/upsert", rows, body, ask);
}

uint64_t
write_delete (Client *client, const char *module, const char *ids, ClientPriority priority, WriteDone done, void *data)
{
  g_autoptr (GString) query = g_string_new (NULL);
  g_auto (GStrv) list = g_strsplit (ids, ",", -1);
  ClientCall call = { .method = "DELETE", .priority = priority };
  Ask *ask = ask_new (done, data);

  for (char **id = list; *id != NULL; id++)
    ask_add (ask, *id);
  url_add (query, "ids", ids);
  call.query = query->str;
  return send_to (client, module, NULL, NULL, &call, ask);
}

uint64_t
write_tags (Client *client, const char *module, const char *id, WriteTags action, const char *const *names,
            ClientPriority priority, WriteDone done, void *data)
{
  g_autoptr (json_t) body = json_object ();
  json_t *tags = json_array ();
  ClientCall call = { .method = "POST", .body = body, .priority = priority };
  Ask *ask = ask_new (done, data);

  json_object_set_new (body, "tags", tags);
  for (; *names != NULL; names++)
    {
      json_t *tag = json_object ();

      json_object_set_new (tag, "name", json_from_text (*names));
      json_array_append_new (tags, tag);
    }
  ask_add (ask, id);
  ask->one = ask->nameless = true;
  return send_to (client, module, id, action == WRITE_TAGS_ADD ? "/actions/add_tags" : "/actions/remove_tags", &call,
                  ask);
}
