/* The names of records that page tokens do not reach: what lies between the ids that a listing has read from both ends
 * comes by queries on id, in a few pieces side by side. Documents of these come when they are wanted (batch.c). */
#include "model/private.h"

#include "base/error.h"

#include <string.h>

/* Queries are of the heavy class: more pieces would but wait for each other. */
#define PIECES 4

typedef struct
{
  struct Middle *middle; /* NULL: given up */
  Store *store;
  uint64_t ticket;
} Call;

struct Middle
{
  StoreModule *module;
  Call *calls[PIECES]; /* NULL: not in flight */
  uint64_t after[PIECES], before[PIECES]; /* what is left */
  bool ended[PIECES];
  uint64_t rows;
  char *fields;
  MiddleRow row;
  MiddleProgress progress;
  void *data;
};

Middle *
middle_new (StoreModule *module, uint64_t after, uint64_t before, MiddleRow row, MiddleProgress progress, void *data)
{
  Middle *middle = g_new0 (Middle, 1);
  uint64_t step = (before - after) / PIECES + 1;

  middle->module = module;
  middle->fields = module->schema->label != NULL ? g_strdup_printf ("%s, Modified_Time", module->schema->label)
                                                 : g_strdup ("Modified_Time");
  middle->row = row;
  middle->progress = progress;
  middle->data = data;
  for (unsigned i = 0; i < PIECES; i++)
    {
      /* Bounds are left out by the query, so a piece begins one below its first id. */
      middle->after[i] = MIN (after + i * step, before);
      middle->before[i] = MIN (after + (i + 1) * step + 1, before);
      middle->ended[i] = middle->after[i] + 1 >= middle->before[i];
    }
  return middle;
}

void
middle_free (Middle *middle)
{
  if (middle == NULL)
    return;
  for (unsigned i = 0; i < PIECES; i++)
    if (middle->calls[i] != NULL)
      middle->calls[i]->middle = NULL;
  g_free (middle->fields);
  g_free (middle);
}

bool
middle_done (const Middle *middle)
{
  for (unsigned i = 0; i < PIECES; i++)
    if (!middle->ended[i])
      return false;
  return true;
}

bool
middle_flying (const Middle *middle)
{
  for (unsigned i = 0; i < PIECES; i++)
    if (middle->calls[i] != NULL)
      return true;
  return false;
}

static void
take_rows (Middle *middle, unsigned piece, const RecordsPage *page)
{
  uint64_t before = middle->after[piece];
  size_t index;
  json_t *row;

  json_array_foreach (page->rows, index, row)
    {
      uint64_t id = row_id (row);

      /* A row that was not asked for, or in no order, is none of ours. */
      if (id <= middle->after[piece] || id >= middle->before[piece])
        continue;
      middle->after[piece] = id;
      middle->rows++;
      middle->row (middle->data, id, row);
    }
  /* A server that brings nothing new and says that there is more would be asked for ever. */
  middle->ended[piece] = !page->more || middle->after[piece] == before;
}

static void
on_rows (const RecordsPage *page, const GError *error, void *data)
{
  g_autofree Call *call = data;
  Store *store = call->store;
  Middle *middle;

  call_begin (store, &call->ticket);
  middle = call->middle;
  if (page != NULL)
    store->server_s = page->server_time;
  if (middle != NULL)
    {
      for (unsigned i = 0; i < PIECES; i++)
        if (middle->calls[i] == call)
          {
            middle->calls[i] = NULL;
            if (page != NULL)
              take_rows (middle, i, page);
          }
      middle->progress (middle->data, error);
    }
  call_end (store);
}

static void
send_piece (Middle *middle, unsigned index)
{
  Call *call = g_new0 (Call, 1);
  RecordsBetween between = {
    .module = middle->module->name,
    .fields = middle->fields,
    .after = middle->after[index],
    .before = middle->before[index],
    .priority = CLIENT_LISTING,
  };

  call->middle = middle;
  call->store = middle->module->store;
  middle->calls[index] = call;
  call->ticket = records_between (call->store->config.client, &between, on_rows, call);
  call_sent (call->store, call->ticket);
}

void
middle_pump (Middle *middle, uint64_t want)
{
  for (unsigned i = 0; i < PIECES && middle->rows < want; i++)
    if (!middle->ended[i] && middle->calls[i] == NULL)
      send_piece (middle, i);
}
