/* Zoho's search. */
#include "api/search.h"

#include "api/listed.h"
#include "api/url.h"

#include <string.h>

uint64_t
search_list (Client *client, const SearchList *list, RecordsDone done, void *data)
{
  g_autofree char *module = url_encode (list->module);
  g_autofree char *path = g_strconcat ("/crm/v8/", module, "/search", NULL);
  g_autofree char *query = NULL;
  g_autofree char *fields = url_encode (list->fields);
  /* Commas of values are theirs, so all of it is encoded. */
  g_autofree char *value = url_encode (list->value);
  ClientCall call = { .path = path, .priority = list->priority, .heavy = true };

  query = g_strdup_printf ("%s=%s&fields=%s&page=%u&per_page=%d", list->by, value, fields, list->page, RECORDS_PAGE);
  call.query = query;
  return listed_send (client, &call, done, data);
}

char *
search_escape (const char *value, bool list)
{
  GString *escaped = g_string_new (NULL);

  for (; *value != '\0'; value++)
    {
      if (strchr (list ? "()" : "(),", *value) != NULL || (value[0] == '\\' && value[1] == '\0'))
        g_string_append_c (escaped, '\\');
      g_string_append_c (escaped, *value);
    }
  return g_string_free (escaped, FALSE);
}
