/* Whatever is written to .coql: it is refused, or becomes calls of bounded number that keep to what was written. */
#include "base/error.h"
#include "model/query_text.h"

#include <stddef.h>
#include <string.h>

#define PAGES 5

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static json_t *
page_of (uint64_t asked, uint64_t after)
{
  json_t *rows = json_array ();

  for (uint64_t i = 1; i <= asked; i++)
    {
      g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, after + i);

      json_array_append_new (rows, json_pack ("{s:s}", "id", id));
    }
  return rows;
}

static void
ask (const QueryText *query)
{
  QueryPlace place = { .paging = query->paging };

  for (unsigned page = 0; page < PAGES && !place.ended; page++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *next = query_text_next (query, &place, &error);
      g_autoptr (json_t) rows = NULL;

      if (next == NULL)
        {
          g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE);
          return;
        }
      g_assert_true (g_utf8_validate (next, -1, NULL));
      if (query->paging != QUERY_WHOLE)
        g_assert_true (strncmp (next, query->text, query->where) == 0 && place.asked <= 200);
      rows = page_of (MAX (place.asked, 1), place.after);
      g_assert_true (query_text_landed (query, &place, rows, true, NULL));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  const char *text = (const char *)data;
  g_autofree char *whole = NULL;
  g_autoptr (QueryText) query = NULL;

  if (query_text_is_bare (text, size))
    {
      g_autofree char *condition = g_strndup (text, size);

      whole = query_text_complete (condition, "Leads", "Last_Name");
    }
  query = query_text_read (whole != NULL ? whole : text, whole != NULL ? strlen (whole) : size, &error);
  if (query == NULL)
    {
      g_assert_cmpint (error->domain, ==, ZOHO_ERROR);
      return 0;
    }
  g_assert_true (query_text_names (query, "select"));
  ask (query);
  return 0;
}
