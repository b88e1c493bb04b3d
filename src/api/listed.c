/* One page of rows, checked. */
#include "api/listed.h"

#include "api/rows.h"
#include "base/error.h"

typedef struct
{
  RecordsDone done;
  void *data;
} Ask;

bool
listed_read (const ClientAnswer *answer, RecordsPage *page, GError **error)
{
  page->server_time = answer->server_time;
  page->rows = rows_read (answer->body, "data", true, error);
  if (page->rows == NULL || !rows_read_info (answer->body, &page->more, &page->next_token, error))
    return false;
  if (!page->more || json_array_size (page->rows) > 0)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
               "Zoho's answer makes no sense: an empty page says that more rows follow");
  return false;
}

static void
landed (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autofree Ask *ask = data;
  g_autoptr (GError) why = NULL;
  RecordsPage page = { NULL };

  if (error != NULL)
    ask->done (NULL, error, ask->data);
  else if (listed_read (answer, &page, &why))
    ask->done (&page, NULL, ask->data);
  else
    ask->done (NULL, why, ask->data);
  json_decref (page.rows);
}

uint64_t
listed_send (Client *client, const ClientCall *call, RecordsDone done, void *data)
{
  Ask *ask = g_new (Ask, 1);

  *ask = (Ask){ done, data };
  return client_send (client, call, landed, ask);
}
