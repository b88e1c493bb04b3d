/* A window on the answer: the page that is held. */
#include "model/query_reader.h"

#include "base/error.h"

#include <string.h>

struct QueryReader
{
  Query *query;
  QueryPage page; /* zeroed before the first */
  uint64_t next;  /* page */
  uint64_t begin; /* of the page, in the answer */
};

QueryReader *
query_reader_new (Query *query)
{
  QueryReader *reader = g_new0 (QueryReader, 1);

  reader->query = query;
  return reader;
}

void
query_reader_free (QueryReader *reader)
{
  if (reader == NULL)
    return;
  query_page_clear (&reader->page);
  query_free (reader->query);
  g_free (reader);
}

const QueryText *
query_reader_text (const QueryReader *reader)
{
  return query_text (reader->query);
}

bool
query_reader_is_past (const QueryReader *reader, uint64_t offset)
{
  return offset < reader->begin;
}

static uint64_t
end_of (const QueryReader *reader)
{
  return reader->begin + (reader->page.json != NULL ? g_bytes_get_size (reader->page.json) : 0);
}

static StoreState
go_on (QueryReader *reader, StoreWait *wait, GError **error)
{
  QueryPage page = { NULL };
  StoreState state = query_page (reader->query, reader->next, wait, &page, error);

  if (state != STORE_READY)
    return state;
  reader->begin = end_of (reader);
  query_page_clear (&reader->page);
  reader->page = page;
  reader->next++;
  return STORE_READY;
}

StoreState
query_reader_read (QueryReader *reader, StoreWait *wait, char *bytes, size_t size, uint64_t offset, size_t *got,
                   GError **error)
{
  StoreState state = STORE_READY;
  const char *text;

  *got = 0;
  if (offset == end_of (reader) && !reader->page.last)
    state = go_on (reader, wait, error);
  if (state != STORE_READY)
    return state;
  if (offset < reader->begin || (offset > end_of (reader) && !reader->page.last))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "The rows of a query come one after the other, and once");
      return STORE_FAILED;
    }
  if (offset >= end_of (reader))
    return STORE_READY;
  text = g_bytes_get_data (reader->page.json, NULL);
  *got = (size_t)MIN (size, end_of (reader) - offset);
  memcpy (bytes, text + (offset - reader->begin), *got);
  return STORE_READY;
}
