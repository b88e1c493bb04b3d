/* COQL, Zoho's query language. */
#include "api/coql.h"

#include "api/rows.h"
#include "base/error.h"

#include <string.h>

/* What is kept while an answer is on its way. */
typedef struct
{
  CoqlDone done;
  void *data;
} Ask;

/* Is it the query that Zoho did not like? */
static bool
is_about_query (const GError *error)
{
  if (zoho_error_refusal_code (error) == NULL)
    return false;
  return error->code == ZOHO_ERROR_INVALID || error->code == ZOHO_ERROR_NOT_FOUND || error->code == ZOHO_ERROR_DUPLICATE
         || error->code == ZOHO_ERROR_CHANGED;
}

/* The codes mean other things where records are written. @error's own words begin with its code in brackets. */
static GError *
query_refusal (const GError *error)
{
  const char *code = zoho_error_refusal_code (error);
  g_autofree char *mark = g_strdup_printf (" (%s", code);
  const char *words = strstr (error->message, mark);
  GError *refusal = g_error_new (ZOHO_ERROR, ZOHO_ERROR_INVALID, "Zoho does not take the query%s",
                                 words != NULL ? words : "");
  unsigned line, column;

  zoho_error_place (error, &line, &column);
  zoho_error_set_refusal (refusal, code, zoho_error_refusal_field (error));
  zoho_error_set_place (refusal, line, column);
  return refusal;
}

static bool
read_page (const ClientAnswer *answer, json_t **rows, bool *more, GError **error)
{
  const char *token;

  *rows = rows_read (answer->body, "data", false, error);
  if (*rows == NULL || !rows_read_info (answer->body, more, &token, error))
    return false;
  if (json_array_size (*rows) > 0 || !*more)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
               "Zoho's answer makes no sense: an empty page says that more rows follow");
  return false;
}

static void
on_answer (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autofree Ask *ask = data;
  g_autoptr (GError) why = NULL;
  g_autoptr (json_t) rows = NULL;
  CoqlPage page = { NULL };

  if (error != NULL && is_about_query (error))
    error = why = query_refusal (error);
  else if (error == NULL && !read_page (answer, &rows, &page.more, &why))
    error = why;
  page.rows = rows;
  ask->done (error == NULL ? &page : NULL, error, ask->data);
}

uint64_t
coql_send (Client *client, const char *query, ClientPriority priority, CoqlDone done, void *data)
{
  g_autoptr (json_t) body = json_object ();
  ClientCall call = { .method = "POST", .path = "/crm/v8/coql", .body = body, .priority = priority, .heavy = true };
  Ask *ask = g_new0 (Ask, 1);

  ask->done = done;
  ask->data = data;
  json_object_set_new (body, "select_query", json_from_text (query));
  return client_send (client, &call, on_answer, ask);
}
