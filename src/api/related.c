/* Records that hang on another one. */
#include "api/related.h"

#include "api/listed.h"
#include "api/response.h"
#include "api/rows.h"
#include "api/url.h"
#include "base/error.h"

typedef struct
{
  WriteDone done;
  void *data;
  char *other;
} Ask;

static char *
path_of (const char *module, const char *id, const char *list, const char *other)
{
  g_autofree char *first = url_encode (module);
  g_autofree char *second = url_encode (id);
  g_autofree char *third = url_encode (list);
  g_autofree char *last = other != NULL ? url_encode (other) : NULL;

  return g_strjoin ("/", "/crm/v8", first, second, third, last, NULL);
}

uint64_t
related_list (Client *client, const RelatedList *list, RecordsDone done, void *data)
{
  g_autofree char *path = path_of (list->module, list->id, list->list, NULL);
  g_autoptr (GString) query = g_string_new (NULL);
  g_autofree char *page = g_strdup_printf ("%u", list->page);
  g_autofree char *per_page = g_strdup_printf ("%d", RECORDS_PAGE);
  ClientCall call = { .path = path, .priority = list->priority };

  url_add (query, "fields", list->fields);
  url_add (query, "per_page", per_page);
  if (list->page > 0)
    url_add (query, "page", page);
  else
    url_add (query, "page_token", list->page_token);
  call.query = query->str;
  return listed_send (client, &call, done, data);
}

/* The outcome of the one row that was sent. */
static bool
read_outcome (const Ask *ask, const ClientAnswer *answer, GError **error)
{
  const json_t *rows = json_object_get (answer->body, "data"), *row = json_array_get (rows, 0);
  const char *id;

  if (json_array_size (rows) == 1 && response_row (row, error) != RESPONSE_OK)
    return false;
  id = json_get_text (json_object_get (row, "details"), "id");
  if (json_array_size (rows) == 1 && (id == NULL || g_str_equal (id, ask->other)))
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
               "Zoho's answer makes no sense: it does not say what became of a link");
  return false;
}

static void
landed (const ClientAnswer *answer, const GError *error, void *data)
{
  Ask *ask = data;
  g_autoptr (GError) why = NULL;
  WriteResult result = { 0 };

  if (error == NULL && read_outcome (ask, answer, &why))
    {
      result.id = g_ascii_strtoull (ask->other, NULL, 10);
      ask->done (&result, 1, NULL, ask->data);
    }
  else
    ask->done (NULL, 0, error != NULL ? error : why, ask->data);
  g_free (ask->other);
  g_free (ask);
}

uint64_t
related_link (Client *client, const RelatedLink *link, WriteDone done, void *data)
{
  g_autofree char *path = path_of (link->module, link->id, link->list, link->other);
  g_autoptr (json_t) body = link->remove ? NULL : json_pack ("{s:[{s:s}]}", "data", "id", link->other);
  ClientCall call = {
    .method = link->remove ? "DELETE" : "PUT",
    .path = path,
    .body = body,
    .rows = true,
    .priority = link->priority,
  };
  Ask *ask = g_new (Ask, 1);

  *ask = (Ask){ done, data, g_strdup (link->other) };
  return client_send (client, &call, landed, ask);
}
