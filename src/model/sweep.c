/* All rows of a module, in as few and as parallel calls as Zoho's paging allows.
 *
 * Each column slice is read by a run from the newest record down and, past 2,000 records, by a second one from the
 * oldest up. A run's first ten pages go by number, side by side; from then on each page names the next one's token.
 * The slice is done when one run has ended or both have met. What the runs have not landed is what sweep_pump()
 * sends, so a sweep that nobody wants more of rests, and one that failed goes on where it was. */
#include "model/private.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

/* Page tokens end after this many rows (doc/api-notes.md). */
#define TOKEN_ROWS_MAX 100000

/* A token that the server no longer takes makes its run start anew, this often. */
#define RESTARTS_MAX 3

typedef enum
{
  PAGE_UNSENT,
  PAGE_FLYING,
  PAGE_LANDED
} PageState;

typedef struct
{
  unsigned slice;
  bool ascending;
  PageState page[RECORDS_NUMBERED_PAGES];
  uint64_t page_edge[RECORDS_NUMBERED_PAGES];
  unsigned planned; /* numbered pages that may go side by side */
  char *token;      /* of the next page, after the numbered ones */
  bool token_flying;
  bool ended;       /* the last page has landed, and all before it */
  bool last_known;  /* a page said that there is no more after it */
  unsigned last_page;
  uint64_t token_edge; /* the last id that came by token; 0: none */
  uint64_t rows;
  bool capped;         /* has as many as page tokens give */
  unsigned flying, landed;
  unsigned restarts;
} Run;

/* A row whose slices are still coming. */
typedef struct
{
  uint64_t id;
  uint64_t have; /* bit per slice */
  json_t *row;
  bool torn;
} Partial;

struct Sweep
{
  Store *store;
  SweepConfig config;
  int64_t began_us;
  char *module;
  char *parent_module, *parent_id;
  char *since;
  char *ids;
  unsigned references; /* the owner and each call in flight */
  bool dropped;        /* by the owner */
  GArray *runs;        /* Run; two per slice: down, up */
  IdSet *seen;         /* ids given to config.row */
  GHashTable *partials;
  uint64_t want;
  int64_t server_time;
  int64_t failed_us;
};

typedef struct
{
  Sweep *sweep;
  unsigned run;
  unsigned page; /* 0: by token */
  int64_t sent_us;
  uint64_t ticket;
} PageCall;

static void
partial_free (gpointer data)
{
  Partial *partial = data;

  json_decref (partial->row);
  g_free (partial);
}

static Run *
run_at (Sweep *sweep, unsigned index)
{
  return &g_array_index (sweep->runs, Run, index);
}

static void
sweep_unref (Sweep *sweep)
{
  if (--sweep->references > 0)
    return;
  for (guint i = 0; i < sweep->runs->len; i++)
    g_free (run_at (sweep, i)->token);
  g_array_unref (sweep->runs);
  idset_free (sweep->seen);
  g_hash_table_unref (sweep->partials);
  g_free (sweep->module);
  g_free (sweep->parent_module);
  g_free (sweep->parent_id);
  g_free (sweep->since);
  g_free (sweep->ids);
  g_free (sweep);
}

static int64_t
pages_expected (const Sweep *sweep)
{
  return sweep->config.count < 0 ? -1 : MAX ((sweep->config.count + RECORDS_PAGE - 1) / RECORDS_PAGE, 1);
}

/* Pages by number may go ahead of their predecessors as far as the count says that they exist. */
static void
plan_runs (Sweep *sweep)
{
  int64_t pages = pages_expected (sweep);

  for (guint i = 0; i < sweep->runs->len; i++)
    {
      Run *run = run_at (sweep, i);

      if (!run->ascending)
        run->planned = (unsigned)CLAMP (pages, 1, RECORDS_NUMBERED_PAGES);
      else if (pages > RECORDS_NUMBERED_PAGES && sweep->since == NULL)
        run->planned = (unsigned)MIN (pages - RECORDS_NUMBERED_PAGES, RECORDS_NUMBERED_PAGES);
    }
}

void
sweep_expect (Sweep *sweep, int64_t count)
{
  sweep->config.count = count;
  plan_runs (sweep);
}

Sweep *
sweep_new (Store *store, const SweepConfig *config)
{
  Sweep *sweep = g_new0 (Sweep, 1);

  sweep->store = store;
  sweep->config = *config;
  sweep->began_us = clock_now_us ();
  if (config->slices->len > 1)
    sweep->config.schema = NULL; /* documents are made of whole rows */
  sweep->module = g_strdup (config->module);
  sweep->parent_module = g_strdup (config->parent_module);
  sweep->parent_id = g_strdup (config->parent_id);
  sweep->since = g_strdup (config->if_modified_since);
  sweep->ids = g_strdup (config->ids);
  sweep->references = 1;
  sweep->seen = idset_new ();
  sweep->partials = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, partial_free);
  sweep->runs = g_array_new (FALSE, TRUE, sizeof (Run));
  for (guint i = 0; i < config->slices->len * 2; i++)
    {
      Run run = { .slice = i / 2, .ascending = i % 2 == 1 };

      g_array_append_val (sweep->runs, run);
    }
  sweep_expect (sweep, config->count);
  return sweep;
}

/* The id up to which a run has all rows; 0: none yet. */
static uint64_t
run_edge (const Run *run)
{
  uint64_t edge = 0;
  unsigned i;

  for (i = 0; i < RECORDS_NUMBERED_PAGES && run->page[i] == PAGE_LANDED; i++)
    if (run->page_edge[i] != 0)
      edge = run->page_edge[i];
  /* Pages by token may come before the last numbered one. */
  return i == RECORDS_NUMBERED_PAGES && run->token_edge != 0 ? run->token_edge : edge;
}

static bool
slice_done (const Sweep *sweep, unsigned slice)
{
  const Run *down = &g_array_index (sweep->runs, Run, slice * 2);
  const Run *up = down + 1;
  uint64_t low = run_edge (down), high = run_edge (up);

  return down->ended || up->ended || (low != 0 && high != 0 && low <= high);
}

bool
sweep_done (const Sweep *sweep)
{
  for (guint slice = 0; slice < sweep->config.slices->len; slice++)
    if (!slice_done (sweep, slice))
      return false;
  return true;
}

bool
sweep_is_capped (const Sweep *sweep, uint64_t *after, uint64_t *before)
{
  *after = UINT64_MAX;
  *before = 0;
  if (sweep_done (sweep))
    return false;
  for (guint slice = 0; slice < sweep->config.slices->len; slice++)
    {
      const Run *down = &g_array_index (sweep->runs, Run, slice * 2);

      if (!slice_done (sweep, slice) && !(down[0].capped && down[1].capped))
        return false;
      /* A slice that is done leaves nothing, wherever its ends met. */
      if (slice_done (sweep, slice))
        continue;
      *after = MIN (*after, run_edge (down + 1));
      *before = MAX (*before, run_edge (down));
    }
  return true;
}

bool
sweep_flying (const Sweep *sweep)
{
  for (guint i = 0; i < sweep->runs->len; i++)
    if (g_array_index (sweep->runs, Run, i).flying > 0)
      return true;
  return false;
}

bool
sweep_saw (const Sweep *sweep, uint64_t id)
{
  return idset_contains (sweep->seen, id);
}

uint64_t
sweep_rows (const Sweep *sweep)
{
  return idset_size (sweep->seen);
}

unsigned
sweep_pages (const Sweep *sweep)
{
  unsigned pages = 0;

  for (guint i = 0; i < sweep->runs->len; i++)
    pages += g_array_index (sweep->runs, Run, i).landed;
  return pages;
}

int64_t
sweep_began_us (const Sweep *sweep)
{
  return sweep->began_us;
}

int64_t
sweep_failed_us (const Sweep *sweep)
{
  return sweep->failed_us;
}

int64_t
sweep_server_time (const Sweep *sweep)
{
  return sweep->server_time;
}

void
sweep_free (Sweep *sweep)
{
  if (sweep == NULL)
    return;
  sweep->dropped = true;
  sweep_unref (sweep);
}

/* ---- a page has come -------------------------------------------------------------------------------------------- */

static void
give_row (Sweep *sweep, uint64_t id, json_t *row, bool torn, Document *document)
{
  if (!idset_add (sweep->seen, id))
    {
      if (document != NULL)
        document_clear (document);
      return;
    }
  sweep->config.row (sweep->config.data, id, row, torn, document);
}

static void
join_row (Sweep *sweep, unsigned slice, uint64_t id, json_t *row)
{
  Partial *partial = g_hash_table_lookup (sweep->partials, &id);
  g_autoptr (json_t) copy = NULL;
  uint64_t all = sweep->config.slices->len >= 64 ? UINT64_MAX : (UINT64_C (1) << sweep->config.slices->len) - 1;

  if (idset_contains (sweep->seen, id))
    return;
  if (slice == 0 && sweep->config.name != NULL)
    sweep->config.name (sweep->config.data, id, row);
  if (partial == NULL)
    {
      partial = g_new0 (Partial, 1);
      partial->id = id;
      partial->row = json_object ();
      g_hash_table_insert (sweep->partials, &partial->id, partial);
    }
  if (partial->have != 0
      && g_strcmp0 (json_get_text (partial->row, "Modified_Time"), json_get_text (row, "Modified_Time")) != 0)
    partial->torn = true;
  copy = json_deep_copy (row);
  json_object_update (partial->row, copy);
  partial->have |= UINT64_C (1) << slice;
  if (partial->have == all)
    {
      give_row (sweep, id, partial->row, partial->torn, NULL);
      g_hash_table_remove (sweep->partials, &id);
    }
}

static void
take_rows (Sweep *sweep, const Run *run, const RecordsPage *page, Document *documents)
{
  size_t index;
  json_t *row;

  json_array_foreach (page->rows, index, row)
    {
      uint64_t id = row_id (row);

      if (sweep->config.slices->len > 1)
        join_row (sweep, run->slice, id, row);
      else
        {
          if (sweep->config.name != NULL && !idset_contains (sweep->seen, id))
            sweep->config.name (sweep->config.data, id, row);
          give_row (sweep, id, row, false,
                    documents != NULL && documents[index].text != NULL ? &documents[index] : NULL);
        }
    }
}

/* Has every page up to the last one landed? */
static void
settle_end (Run *run)
{
  if (!run->last_known)
    return;
  for (unsigned i = 0; i < MIN (run->last_page, RECORDS_NUMBERED_PAGES); i++)
    if (run->page[i] != PAGE_LANDED)
      return;
  run->ended = true;
}

static void
land_page (Run *run, unsigned number, const RecordsPage *page)
{
  size_t size = json_array_size (page->rows);
  uint64_t last = size > 0 ? row_id (json_array_get (page->rows, size - 1)) : 0;

  run->landed++;
  run->rows += size;
  if (number == 0)
    {
      run->token_flying = false;
      if (last != 0)
        run->token_edge = last;
      g_free (run->token);
      run->token = g_strdup (page->next_token);
    }
  else
    {
      run->page[number - 1] = PAGE_LANDED;
      run->page_edge[number - 1] = last;
      if (number == RECORDS_NUMBERED_PAGES && page->more)
        {
          g_free (run->token);
          run->token = g_strdup (page->next_token);
        }
    }
  if (!page->more && (!run->last_known || number < run->last_page))
    {
      run->last_known = true;
      run->last_page = number == 0 ? RECORDS_NUMBERED_PAGES : number;
    }
  settle_end (run);
  if (!run->ended && run->rows + RECORDS_PAGE > TOKEN_ROWS_MAX)
    {
      g_clear_pointer (&run->token, g_free);
      run->capped = true;
    }
}

static void
restart_run (Run *run)
{
  unsigned slice = run->slice, restarts = run->restarts + 1, planned = run->planned, flying = run->flying;
  bool ascending = run->ascending;

  g_free (run->token);
  *run = (Run){ .slice = slice, .ascending = ascending, .planned = planned, .flying = flying, .restarts = restarts };
}

/* Marks the page as not sent. Returns: true when the failure is mended by starting the run anew. */
static bool
fail_page (Run *run, unsigned number, const GError *error)
{
  if (number > 0)
    {
      run->page[number - 1] = PAGE_UNSENT;
      return false;
    }
  run->token_flying = false;
  if (!g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_CHANGED) || run->restarts >= RESTARTS_MAX)
    return false;
  restart_run (run);
  return true;
}

/* The documents of a page's rows where nothing else is needed for them; entries without text are left to the owner. */
static Document *
make_documents (const Schema *schema, json_t *rows)
{
  Document *documents = g_new0 (Document, json_array_size (rows) + 1);
  size_t index;
  json_t *row;

  json_array_foreach (rows, index, row)
    if (!document_maybe_cut (schema, row))
      document_make (schema, row, row_id (row), &documents[index]);
  return documents;
}

static void
on_page (const RecordsPage *page, const GError *error, void *data)
{
  PageCall *call = data;
  Sweep *sweep = call->sweep;
  Store *store = sweep->store;
  const Schema *schema = sweep->config.schema;
  g_autofree Document *documents = page != NULL && schema != NULL ? make_documents (schema, page->rows) : NULL;
  size_t made = documents != NULL ? json_array_size (page->rows) : 0;
  Run *run;

  call_begin (store, &call->ticket);
  run = run_at (sweep, call->run);
  run->flying--;
  if (!sweep->dropped && !store->stopping)
    {
      bool mended = false;

      if (page != NULL)
        {
          store->server_s = page->server_time;
          if (sweep->server_time == 0)
            sweep->server_time = page->server_time;
          land_page (run, call->page, page);
          take_rows (sweep, run, page, documents);
        }
      else
        {
          sweep->failed_us = call->sent_us;
          mended = fail_page (run, call->page, error);
        }
      sweep->references++; /* progress may drop the sweep */
      sweep->config.progress (sweep->config.data, mended ? NULL : error);
      sweep_unref (sweep);
    }
  for (size_t i = 0; i < made; i++)
    document_clear (&documents[i]);
  sweep_unref (sweep);
  g_free (call);
  call_end (store);
}

/* ---- sending ---------------------------------------------------------------------------------------------------- */

static void
send_page (Sweep *sweep, unsigned index, unsigned number)
{
  Run *run = run_at (sweep, index);
  PageCall *call = g_new0 (PageCall, 1);
  RecordsList list = {
    .module = sweep->module,
    .parent_module = sweep->parent_module,
    .parent_id = sweep->parent_id,
    .fields = sweep->config.slices->pdata[run->slice],
    .page = number,
    .page_token = number == 0 ? run->token : NULL,
    .sort_by = sweep->config.sorted ? "id" : NULL,
    .ascending = run->ascending,
    .ids = sweep->ids,
    .if_modified_since = sweep->since,
    .priority = sweep->config.priority,
  };

  call->sweep = sweep;
  call->run = index;
  call->page = number;
  call->sent_us = clock_now_us ();
  sweep->references++;
  run->flying++;
  if (number == 0)
    run->token_flying = true;
  else
    run->page[number - 1] = PAGE_FLYING;
  call->ticket = records_list (sweep->store->config.client, &list, on_page, call);
  call_sent (sweep->store, call->ticket);
}

/* The next page that @run may send now: its number, 0 for by token, -1 for none. @beyond: also past the plan. */
static int
next_page (const Run *run, bool beyond)
{
  unsigned most = run->planned;
  bool landed = true;

  if (run->ended)
    return -1;
  /* The last numbered page has the token of those that must come one by one: it goes early, while the others keep the
   * rest of the connections busy. The very first one is what somebody waits for. */
  if (most == RECORDS_NUMBERED_PAGES && run->page[most - 1] == PAGE_UNSENT && !run->last_known
      && (run->ascending || run->page[0] != PAGE_UNSENT))
    return RECORDS_NUMBERED_PAGES;
  for (unsigned i = 0; i < MIN (most, RECORDS_NUMBERED_PAGES); i++)
    {
      if (run->page[i] == PAGE_UNSENT && !(run->last_known && i + 1 > run->last_page))
        return (int)i + 1;
      landed &= run->page[i] == PAGE_LANDED;
    }
  if (!beyond || !landed || run->last_known)
    return -1;
  for (unsigned i = most; i < RECORDS_NUMBERED_PAGES; i++)
    if (run->page[i] != PAGE_LANDED)
      return run->page[i] == PAGE_UNSENT ? (int)i + 1 : -1;
  return run->token != NULL && !run->token_flying ? 0 : -1;
}

static uint64_t
slice_pages (const Run *down)
{
  return down[0].landed + down[0].flying + down[1].landed + down[1].flying;
}

/* Sends a page of one of the runs of @slice, the shorter first so that both ends go on side by side. */
static bool
send_of (Sweep *sweep, unsigned slice, bool beyond)
{
  const Run *down = run_at (sweep, slice * 2);
  bool both = down[1].planned > 0;
  bool up_first = both && down[0].landed + down[0].flying > down[1].landed + down[1].flying;

  for (unsigned i = 0; i < (both ? 2U : 1U); i++)
    {
      unsigned index = slice * 2 + (up_first ? 1 - i : i);
      int number = next_page (run_at (sweep, index), beyond);

      if (number < 0)
        continue;
      send_page (sweep, index, (unsigned)number);
      return true;
    }
  return false;
}

/* Sends the next page of a run that goes by token, ahead of numbered ones, since these wait for nothing. */
static bool
send_by_token (Sweep *sweep, unsigned slice)
{
  for (unsigned index = slice * 2; index < slice * 2 + 2; index++)
    {
      const Run *run = run_at (sweep, index);

      if (run->planned < RECORDS_NUMBERED_PAGES || run->ended || run->token == NULL || run->token_flying)
        continue;
      send_page (sweep, index, 0);
      return true;
    }
  return false;
}

/* Sends one page of @slice if one is due: what the plan has, then what must exist by the count; past that one at a
 * time, since each may be the last. */
static bool
send_next (Sweep *sweep, unsigned slice)
{
  const Run *down = run_at (sweep, slice * 2);
  int64_t expected = pages_expected (sweep);
  uint64_t sent = slice_pages (down);

  if (slice_done (sweep, slice) || sent * RECORDS_PAGE >= sweep->want)
    return false;
  if (expected >= 0 && (int64_t)sent < expected && send_by_token (sweep, slice))
    return true;
  if (send_of (sweep, slice, false))
    return true;
  if (expected >= 0 ? (int64_t)sent >= expected && down[0].flying + down[1].flying > 0
                    : down[0].flying + down[1].flying > 0)
    return false;
  return send_of (sweep, slice, true);
}

void
sweep_pump (Sweep *sweep, uint64_t want)
{
  bool sent;

  sweep->want = want;
  do
    {
      sent = false;
      for (guint slice = 0; slice < sweep->config.slices->len; slice++)
        sent |= send_next (sweep, slice);
    }
  while (sent);
}
