/* Which notes a record has. Notes are entries of a module like any other; here is only kept to which record each belongs,
 * and as of when that is known. It comes in four ways:
 *
 *   way       calls                                   brings
 *   one       the list of one record's notes          the notes of that record, and which of them are gone
 *   all       pages of all notes of the org           the notes of all records; for administrators alone
 *   each      "one" for each record of a module       the same for that module, where that takes fewer calls than "all"
 *   changes   all notes by Modified_Time, the newest  what came and changed since "all"; a count smaller than what is
 *             first, as far as they are new; a count  known says that some are gone, and then all are read again
 *
 * A note does not move its record's Modified_Time, and Zoho tells of no deleted notes, so the freshness of notes is their
 * own. Somebody who asks for one record's notes gets "one"; who walks through many, having asked which records have any,
 * gets "changes". */
#include "model/notes.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/private.h"

#include <string.h>

/* A count may lag behind by this (doc/api-notes.md). */
#define COUNT_LAG_S 600

/* As far as page tokens reach from both ends. */
#define REACH_ROWS 200000

/* More pages of changes than this: all are read again. */
#define CHANGES_PAGES_MAX RECORDS_NUMBERED_PAGES

/* Without a count, all notes are read again after so long. */
#define BLIND_US (900 * CLOCK_SECOND_US)

typedef struct Each Each;

/* A record with notes, or of which they were asked. */
typedef struct
{
  StoreModule *module;
  uint64_t id;
  Notes *notes;
  GArray *ids;        /* uint64_t, ascending */
  char *label;        /* as a note names it; or NULL */
  int64_t checked_us; /* its own list landed */
  int64_t mtime;      /* 0: never seen to change */
  Sweep *sweep;       /* under way, or NULL */
  Each *each;         /* that waits for it, or NULL */
  Bell landed;
} NotesOf;

/* All records of a module, one by one. */
struct Each
{
  unsigned pending;
  int64_t checked_us;
  GError *failure;
  Bell landed;
};

/* The answer to "changes", put together. */
typedef struct
{
  Notes *notes; /* NULL: given up */
  Store *store;
  unsigned page;
  uint64_t ticket;
} NotesCall;

struct Notes
{
  Store *store;
  StoreModule *module;
  GHashTable *records;  /* set of NotesOf *, by module and id */
  GHashTable *owners;   /* id of a note -> NotesOf *; stays when the note is gone */
  GHashTable *each;     /* StoreModule -> Each */
  bool refused;         /* Zoho does not list all notes, or not so many */
  int64_t all_us;       /* all, and what changed since, was known; 0: never */
  int64_t since;        /* server time of that */
  int64_t read_us;      /* all were read one by one */
  int64_t walk_us;      /* somebody asked which records have notes */
  StoreModule *for_module; /* for which all are being read */
  int64_t mtime;
  int64_t count;        /* as Zoho counted last; -1 unknown */
  GArray *recent;       /* int64_t: when notes were made that a count may not know yet */
  Sweep *sweep;         /* "all" under way, or NULL */
  bool chosen;          /* it is to go on to the end */
  NotesCall *changes, *counting; /* in flight, or NULL */
  bool looking;         /* for changes */
  bool too_many;        /* of them to be had page by page */
  int64_t changes_us, changes_server;
  Bell landed;          /* of all these */
};

/* ---- fields ------------------------------------------------------------------------------------------------------ */

/* The fields of a note are the same in every org; whether /settings/fields tells them is not said. */
static const struct
{
  const char *name, *type;
  bool writable;
  int length;
} note_fields[] = {
  { "Created_By", "ownerlookup", false, 0 },   { "Created_Time", "datetime", false, 0 },
  { "Modified_By", "ownerlookup", false, 0 },  { "Modified_Time", "datetime", false, 0 },
  { "Note_Content", "textarea", true, 65535 }, { "Note_Title", "text", true, 120 },
  { "Owner", "ownerlookup", false, 0 },        { "Parent_Id", "multi_module_lookup", false, 0 },
};

static json_t *
make_fields (void)
{
  json_t *fields = json_array ();

  for (size_t i = 0; i < G_N_ELEMENTS (note_fields); i++)
    json_array_append_new (fields, json_pack ("{s:s, s:s, s:b, s:i}", "api_name", note_fields[i].name, "data_type",
                                              note_fields[i].type, "read_only", !note_fields[i].writable, "length",
                                              note_fields[i].length));
  return fields;
}

/* ---- records and their notes ------------------------------------------------------------------------------------- */

static guint
of_hash (gconstpointer key)
{
  const NotesOf *of = key;

  return g_int64_hash (&of->id) ^ g_direct_hash (of->module);
}

static gboolean
of_equal (gconstpointer a, gconstpointer b)
{
  const NotesOf *one = a, *other = b;

  return one->module == other->module && one->id == other->id;
}

static void
of_free (gpointer data)
{
  NotesOf *of = data;

  sweep_free (of->sweep);
  g_array_unref (of->ids);
  g_free (of->label);
  g_free (of);
}

static NotesOf *
of_find (const Notes *notes, StoreModule *module, uint64_t id)
{
  const NotesOf wanted = { .module = module, .id = id };
  gpointer of = NULL;

  g_hash_table_lookup_extended (notes->records, &wanted, &of, NULL);
  return of;
}

static NotesOf *
of_record (Notes *notes, StoreModule *module, uint64_t id)
{
  NotesOf *of = of_find (notes, module, id);

  if (of != NULL)
    return of;
  of = g_new0 (NotesOf, 1);
  of->notes = notes;
  of->module = module;
  of->id = id;
  of->ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  g_hash_table_add (notes->records, of);
  return of;
}

/* Where @id stands or would stand among @ids. */
static guint
place_of (const GArray *ids, uint64_t id, bool *there)
{
  guint low = 0, high = ids->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (g_array_index (ids, uint64_t, middle) < id)
        low = middle + 1;
      else
        high = middle;
    }
  *there = low < ids->len && g_array_index (ids, uint64_t, low) == id;
  return low;
}

/* A listing that nobody has seen before has not changed. */
static void
of_changed (NotesOf *of)
{
  Notes *notes = of->notes;

  if (of->checked_us == 0 && notes->all_us == 0)
    return;
  of->mtime = MAX (of->mtime + 1, clock_wall_s ());
  notes->mtime = MAX (notes->mtime + 1, of->mtime);
}

/* The record that a note's row names; NULL: none that we know. */
static NotesOf *
parent_of (Notes *notes, const json_t *row)
{
  const json_t *parent = json_object_get (row, "Parent_Id");
  const json_t *module = json_object_get (parent, "module");
  const char *name = json_is_object (module) ? json_get_text (module, "api_name") : json_text (module);
  const char *label = json_get_text (parent, "name");
  StoreModule *known = name != NULL ? g_hash_table_lookup (notes->store->modules, name) : NULL;
  uint64_t id = row_id (parent);
  NotesOf *of;

  if (known == NULL || id == 0)
    return NULL;
  of = of_record (notes, known, id);
  if (of->label == NULL && label != NULL && !catalog_hides_label (known))
    of->label = names_label (label);
  return of;
}

static void
note_recent (Notes *notes, const json_t *row)
{
  int64_t made;

  if (clock_parse_time (json_get_text (row, "Created_Time"), &made))
    g_array_append_val (notes->recent, made);
}

/* The note is among those of @of no more. */
static void
take_off (NotesOf *of, uint64_t id)
{
  bool there;
  guint place = place_of (of->ids, id, &there);

  if (!there)
    return;
  g_array_remove_index (of->ids, place);
  of_changed (of);
}

/* Which record the note belongs to: another one than before, when that was merged into it. */
static void
attach (Notes *notes, uint64_t id, const json_t *row)
{
  NotesOf *of = parent_of (notes, row), *before = g_hash_table_lookup (notes->owners, &id);
  bool there;
  guint place;

  if (of == NULL)
    return;
  if (before != NULL && before != of)
    take_off (before, id);
  g_hash_table_insert (notes->owners, g_memdup2 (&id, sizeof id), of);
  place = place_of (of->ids, id, &there);
  if (there)
    return;
  g_array_insert_val (of->ids, place, id);
  if (notes->all_us != 0)
    note_recent (notes, row);
  of_changed (of);
}

void
notes_lost (StoreModule *module, uint64_t id)
{
  NotesOf *of = g_hash_table_lookup (module->store->notes->owners, &id);

  if (of != NULL)
    take_off (of, id);
}

void
notes_took (StoreModule *module, uint64_t id, const json_t *row)
{
  attach (module->store->notes, id, row);
}

/* A row that came in an answer to what was asked at @asked_us. */
static void
take_row (Notes *notes, uint64_t id, const json_t *row, Document *document, int64_t asked_us)
{
  StoreModule *module = notes->module;
  Entry *entry = table_find (module, id);

  if (!table_is_newer (module, id, row_modified (row), asked_us))
    table_set (module, entry != NULL ? entry : table_put (module, id, false), document);
  attach (notes, id, row);
}

/* Of @ids those that a list has not shown which was asked for after they were known are gone. */
static void
drop_unseen (Notes *notes, const GArray *ids, const Sweep *sweep)
{
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (uint64_t));

  for (guint i = 0; i < ids->len; i++)
    {
      uint64_t id = g_array_index (ids, uint64_t, i);
      const Entry *entry = table_find (notes->module, id);

      if (!sweep_saw (sweep, id) && (entry == NULL || entry->checked_us < sweep_began_us (sweep)))
        g_array_append_val (gone, id);
    }
  for (guint i = 0; i < gone->len; i++)
    {
      uint64_t id = g_array_index (gone, uint64_t, i);

      table_remove (notes->module, id, 0);
      notes_lost (notes->module, id);
    }
}

/* Is what was known at @us good enough for @wait? */
static bool
is_fresh (const Notes *notes, int64_t us, StoreWait *wait)
{
  return us != 0 && (clock_now_us () < us + notes->store->config.ttl_us || us >= wait_began_us (wait));
}

/* A failed look where something is known already: that will do for a moment, if nobody could be asked. */
static bool
old_will_do (Notes *notes, int64_t *us, const GError *error)
{
  if (*us == 0 || !refresh_is_offline (notes->module, error))
    return false;
  g_warning ("Notes are shown as they were: %s", error->message);
  notes->module->stale_offline = true;
  *us = clock_now_us () + REFRESH_OFFLINE_RETRY_US - notes->store->config.ttl_us;
  return true;
}

/* ---- one --------------------------------------------------------------------------------------------------------- */

static void
one_row (void *data, uint64_t id, json_t *row, bool torn, Document *document)
{
  NotesOf *of = data;

  take_row (of->notes, id, row, document, sweep_began_us (of->sweep));
}

static void
each_landed (Each *each, const GError *error, Store *store)
{
  g_autoptr (GError) failure = NULL;

  if (error != NULL && each->failure == NULL)
    each->failure = g_error_copy (error);
  if (--each->pending > 0)
    return;
  failure = g_steal_pointer (&each->failure);
  if (failure == NULL)
    each->checked_us = clock_now_us ();
  bell_ring (store, &each->landed, failure);
}

static void
one_end (NotesOf *of, const GError *error)
{
  Notes *notes = of->notes;
  Each *each = g_steal_pointer (&of->each);
  int64_t sent_us = sweep_failed_us (of->sweep);

  if (error != NULL && old_will_do (notes, &of->checked_us, error))
    error = NULL;
  else if (error == NULL)
    {
      drop_unseen (notes, of->ids, of->sweep);
      of->checked_us = clock_now_us ();
      notes->module->stale_offline = false;
    }
  g_clear_pointer (&of->sweep, sweep_free);
  if (error != NULL)
    bell_fail (notes->store, &of->landed, error, sent_us);
  else
    bell_ring (notes->store, &of->landed, NULL);
  if (each != NULL)
    each_landed (each, error, notes->store);
}

static void
one_progress (void *data, const GError *error)
{
  NotesOf *of = data;

  if (error == NULL && !sweep_done (of->sweep))
    sweep_pump (of->sweep, UINT64_MAX);
  else
    one_end (of, error);
}

static void
one_start (NotesOf *of, ClientPriority priority)
{
  Notes *notes = of->notes;
  g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, of->id);
  SweepConfig config = { .module = notes->module->name,
                         .parent_module = of->module->name,
                         .parent_id = id,
                         .sorted = true,
                         .slices = notes->module->schema->slices,
                         .count = -1,
                         .priority = priority,
                         .schema = notes->module->schema,
                         .row = one_row,
                         .progress = one_progress,
                         .data = of };

  if (of->sweep != NULL)
    return;
  of->sweep = sweep_new (notes->store, &config);
  sweep_pump (of->sweep, UINT64_MAX);
}

/* ---- each -------------------------------------------------------------------------------------------------------- */

static StoreState
ask_each (Notes *notes, StoreModule *module, StoreWait *wait)
{
  Each *each = g_hash_table_lookup (notes->each, module);
  TableIter iter;
  const Entry *entry;

  if (is_fresh (notes, each->checked_us, wait))
    return STORE_READY;
  if (each->pending > 0)
    return bell_wait (&each->landed, wait);
  each->pending = 1; /* until all are sent */
  table_iterate (module->table, &iter);
  while ((entry = table_next (&iter)) != NULL)
    {
      NotesOf *of = of_record (notes, module, entry->id);

      if (of->each != NULL || is_fresh (notes, of->checked_us, wait))
        continue;
      of->each = each;
      each->pending++;
      one_start (of, CLIENT_LISTING);
    }
  if (--each->pending > 0)
    return bell_wait (&each->landed, wait);
  each->checked_us = clock_now_us ();
  return STORE_READY;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

/* Does it take fewer calls to ask for each record of @module than for @pages? */
static bool
is_cheaper_each (const StoreModule *module, int64_t pages)
{
  return module != NULL && module->listing == LISTING_LISTED && (int64_t)table_size (module->table) < pages;
}

static void
all_row (void *data, uint64_t id, json_t *row, bool torn, Document *document)
{
  Notes *notes = data;

  take_row (notes, id, row, document, sweep_began_us (notes->sweep));
}

static GArray *
all_ids (const Notes *notes)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  TableIter iter;
  const Entry *entry;

  table_iterate (notes->module->table, &iter);
  while ((entry = table_next (&iter)) != NULL)
    g_array_append_val (ids, entry->id);
  return ids;
}

static void
all_known (Notes *notes)
{
  g_autoptr (GArray) ids = all_ids (notes);

  drop_unseen (notes, ids, notes->sweep);
  notes->since = sweep_server_time (notes->sweep) != 0 ? sweep_server_time (notes->sweep) : clock_wall_s ();
  notes->all_us = notes->read_us = clock_now_us ();
  notes->module->stale_offline = false;
  g_array_set_size (notes->recent, 0);
}

static void
all_end (Notes *notes, const GError *error)
{
  int64_t sent_us = sweep_failed_us (notes->sweep);

  if (error != NULL && g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_DENIED))
    {
      g_message ("Zoho does not list all notes to this user: which records have notes shows once they were looked at.");
      notes->refused = true;
      notes->all_us = 0;
      error = NULL;
    }
  else if (error != NULL && old_will_do (notes, &notes->all_us, error))
    error = NULL;
  else if (error == NULL)
    all_known (notes);
  g_clear_pointer (&notes->sweep, sweep_free);
  if (error != NULL)
    bell_fail (notes->store, &notes->landed, error, sent_us);
  else
    bell_ring (notes->store, &notes->landed, NULL);
}

/* There are more than can be listed, or it takes fewer calls to ask for the records of the module. */
static void
all_give_up (Notes *notes, bool refused)
{
  notes->refused = refused;
  notes->all_us = 0;
  if (is_cheaper_each (notes->for_module, refused ? REACH_ROWS / RECORDS_PAGE : INT64_MAX)
      && !g_hash_table_contains (notes->each, notes->for_module))
    g_hash_table_insert (notes->each, notes->for_module, g_new0 (Each, 1));
  g_clear_pointer (&notes->sweep, sweep_free);
  bell_ring (notes->store, &notes->landed, NULL);
}

static void
all_choose (Notes *notes)
{
  int64_t rows = notes->count;
  int64_t pages = (rows + RECORDS_PAGE - 1) / RECORDS_PAGE - (int64_t)sweep_pages (notes->sweep);

  if (rows > REACH_ROWS)
    all_give_up (notes, true);
  else if (rows > 0 && is_cheaper_each (notes->for_module, pages))
    all_give_up (notes, false);
  else
    {
      notes->chosen = true;
      if (rows > 0)
        sweep_expect (notes->sweep, rows);
      sweep_pump (notes->sweep, UINT64_MAX);
    }
}

static void changes_go_on (Notes *notes);

static void
on_count (int64_t count, const GError *error, void *data)
{
  g_autofree NotesCall *call = data;
  Store *store = call->store;
  Notes *notes;

  call_begin (store, &call->ticket);
  notes = call->notes;
  if (notes != NULL && !store->stopping)
    {
      notes->counting = NULL;
      notes->count = error == NULL ? count : -1;
      if (notes->sweep != NULL && !notes->chosen)
        all_choose (notes);
      else
        changes_go_on (notes);
    }
  call_end (store);
}

static NotesCall *
call_new (Notes *notes)
{
  NotesCall *call = g_new0 (NotesCall, 1);

  call->notes = notes;
  call->store = notes->store;
  return call;
}

static void
send_count (Notes *notes)
{
  if (notes->counting != NULL)
    return;
  notes->counting = call_new (notes);
  notes->counting->ticket
      = records_count (notes->store->config.client, notes->module->name, CLIENT_LISTING, on_count, notes->counting);
  call_sent (notes->store, notes->counting->ticket);
}

static void
all_progress (void *data, const GError *error)
{
  Notes *notes = data;
  uint64_t after, before;

  if (error != NULL || sweep_done (notes->sweep))
    all_end (notes, error);
  else if (!notes->chosen)
    send_count (notes);
  else if (sweep_is_capped (notes->sweep, &after, &before))
    all_give_up (notes, true);
  else
    sweep_pump (notes->sweep, UINT64_MAX);
}

/* The first page goes alone: where it is the only one, no count is needed. */
static void
all_start (Notes *notes, StoreModule *module, bool again)
{
  SweepConfig config = { .module = notes->module->name,
                         .sorted = true,
                         .slices = notes->module->schema->slices,
                         .count = again ? notes->count : -1,
                         .priority = CLIENT_LISTING,
                         .schema = notes->module->schema,
                         .row = all_row,
                         .progress = all_progress,
                         .data = notes };

  notes->sweep = sweep_new (notes->store, &config);
  notes->for_module = module;
  notes->chosen = again;
  sweep_pump (notes->sweep, again ? UINT64_MAX : 1);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

static void send_changes (Notes *notes, unsigned page);

/* Were notes deleted, as far as a count can tell that may not know the newest yet? */
static bool
some_are_gone (Notes *notes)
{
  int64_t now = clock_wall_s ();
  GArray *recent = notes->recent;

  for (guint i = recent->len; i > 0; i--)
    if (g_array_index (recent, int64_t, i - 1) < now - COUNT_LAG_S)
      g_array_remove_index_fast (recent, i - 1);
  if (notes->count < 0)
    return clock_now_us () >= notes->read_us + BLIND_US;
  return notes->count + (int64_t)recent->len < (int64_t)table_size (notes->module->table);
}

/* Once the changes and the count are there. */
static void
changes_go_on (Notes *notes)
{
  if (!notes->looking || notes->changes != NULL || notes->counting != NULL)
    return;
  notes->looking = false;
  if (notes->too_many || some_are_gone (notes)
      || clock_now_us () >= notes->read_us + notes->store->config.sweep_s * CLOCK_SECOND_US)
    {
      all_start (notes, NULL, true);
      return;
    }
  notes->since = MAX (notes->since, notes->changes_server);
  notes->all_us = clock_now_us ();
  notes->module->stale_offline = false;
  bell_ring (notes->store, &notes->landed, NULL);
}

static void
changes_fail (Notes *notes, const GError *error, int64_t sent_us)
{
  notes->looking = false;
  if (old_will_do (notes, &notes->all_us, error))
    bell_ring (notes->store, &notes->landed, NULL);
  else
    bell_fail (notes->store, &notes->landed, error, sent_us);
}

/* Returns: false once a row is older than what is known. */
static bool
take_changes (Notes *notes, const json_t *rows)
{
  size_t index;
  json_t *row;

  json_array_foreach (rows, index, row)
    {
      Document document = { 0 };

      if (row_modified (row) < notes->since - OVERLAP_S)
        return false;
      document_make (notes->module->schema, row, row_id (row), &document);
      take_row (notes, row_id (row), row, &document, notes->changes_us);
      document_clear (&document);
    }
  return true;
}

static void
on_changes (const RecordsPage *page, const GError *error, void *data)
{
  g_autofree NotesCall *call = data;
  Store *store = call->store;
  Notes *notes;

  call_begin (store, &call->ticket);
  notes = call->notes;
  if (notes != NULL && !store->stopping)
    {
      notes->changes = NULL;
      if (page == NULL)
        changes_fail (notes, error, notes->changes_us);
      else
        {
          store->server_s = page->server_time;
          if (call->page == 1)
            notes->changes_server = page->server_time;
          if (take_changes (notes, page->rows) && page->more)
            {
              notes->too_many = call->page >= CHANGES_PAGES_MAX;
              if (!notes->too_many)
                send_changes (notes, call->page + 1);
            }
          changes_go_on (notes);
        }
    }
  call_end (store);
}

static void
send_changes (Notes *notes, unsigned page)
{
  RecordsList list = { .module = notes->module->name,
                       .fields = notes->module->schema->slices->pdata[0],
                       .page = page,
                       .sort_by = "Modified_Time",
                       .priority = CLIENT_LISTING };

  notes->changes = call_new (notes);
  notes->changes->page = page;
  notes->changes->ticket = records_list (notes->store->config.client, &list, on_changes, notes->changes);
  call_sent (notes->store, notes->changes->ticket);
}

/* All are known, as of some time ago. */
static StoreState
ask_changes (Notes *notes, StoreWait *wait)
{
  if (notes->sweep == NULL && !notes->looking && notes->changes == NULL)
    {
      notes->looking = true;
      notes->too_many = false;
      notes->changes_us = clock_now_us ();
      send_changes (notes, 1);
      send_count (notes);
    }
  return bell_wait (&notes->landed, wait);
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

/* Lock held: the notes of a record are known, and not older than the TTL. */
static StoreState
freshen (NotesOf *of, StoreWait *wait, GError **error)
{
  Notes *notes = of->notes;
  int64_t now = clock_now_us ();

  if (wait_failed (wait, error))
    return STORE_FAILED;
  if (is_fresh (notes, MAX (of->checked_us, notes->all_us), wait))
    return STORE_READY;
  if ((of->checked_us != 0 || notes->all_us != 0) && wait_is_cached_only (wait))
    return STORE_READY;
  if (wait_refused (wait, error))
    return STORE_FAILED;
  if (of->sweep == NULL && notes->sweep != NULL)
    return bell_wait (&notes->landed, wait);
  if (of->sweep == NULL && notes->all_us != 0 && now < notes->walk_us + notes->store->config.ttl_us)
    {
      notes->walk_us = now;
      return ask_changes (notes, wait);
    }
  one_start (of, wait->priority);
  return bell_wait (&of->landed, wait);
}

/* Lock held: was it ever known which records of @module have notes? */
static bool
are_known (const Notes *notes, StoreModule *module)
{
  const Each *each = g_hash_table_lookup (notes->each, module);

  return notes->all_us != 0 || (each != NULL ? each->checked_us != 0 : notes->refused);
}

/* Lock held: which records of @module have notes is known as far as it can be. */
static StoreState
freshen_all (Notes *notes, StoreModule *module, StoreWait *wait, GError **error)
{
  if (wait_failed (wait, error))
    return STORE_FAILED;
  notes->walk_us = clock_now_us ();
  if (is_fresh (notes, notes->all_us, wait))
    return STORE_READY;
  if (are_known (notes, module) && wait_is_cached_only (wait))
    return STORE_READY;
  if (wait_refused (wait, error))
    return STORE_FAILED;
  if (notes->sweep != NULL)
    return bell_wait (&notes->landed, wait);
  if (notes->all_us != 0)
    return ask_changes (notes, wait);
  if (g_hash_table_contains (notes->each, module))
    return ask_each (notes, module, wait);
  if (notes->refused)
    return STORE_READY;
  all_start (notes, module, false);
  return bell_wait (&notes->landed, wait);
}

StoreState
notes_freshen (StoreModule *module, uint64_t id, StoreWait *wait, bool *fetch, GError **error)
{
  NotesOf *of = g_hash_table_lookup (module->store->notes->owners, &id);
  const Entry *entry = table_find (module, id);

  *fetch = entry == NULL || entry->version == 0;
  if (*fetch || is_fresh (module->store->notes, entry->checked_us, wait))
    return STORE_READY;
  if (of != NULL)
    return freshen (of, wait, error);
  *fetch = true;
  return STORE_READY;
}

static void
name_free (gpointer data)
{
  NoteName *name = data;

  g_free (name->name);
  g_free (name);
}

static void
add_name (GPtrArray *names, uint64_t id, char *name)
{
  NoteName *made = g_new (NoteName, 1);

  *made = (NoteName){ id, name };
  g_ptr_array_add (names, made);
}

StoreState
store_notes_of (StoreModule *module, uint64_t id, StoreWait *wait, GPtrArray **names, GError **error)
{
  Store *store = module->store;
  StoreState state = STORE_FAILED;
  NotesOf *of;

  store_lock (store);
  of = of_record (store->notes, module, id);
  if (!store_is_stopping (store, error))
    state = freshen (of, wait, error);
  if (state == STORE_READY)
    {
      *names = g_ptr_array_new_with_free_func (name_free);
      for (guint i = 0; i < of->ids->len; i++)
        {
          uint64_t note = g_array_index (of->ids, uint64_t, i);
          const Entry *entry = table_find (store->notes->module, note);

          add_name (*names, note,
                    names_record (entry != NULL && !store->config.bare_names ? entry->label : NULL, note));
        }
    }
  store_unlock (store);
  return state;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  const NoteName *one = *(NoteName *const *)a, *other = *(NoteName *const *)b;

  return (one->id > other->id) - (one->id < other->id);
}

/* As its file is called, without ".json". */
static char *
stem_of (const NotesOf *of)
{
  const Entry *entry = table_find (of->module, of->id);
  const char *label = entry != NULL && entry->label != NULL ? entry->label : of->label;
  char *name = names_record (of->module->store->config.bare_names ? NULL : label, of->id);

  name[strlen (name) - strlen (".json")] = '\0';
  return name;
}

StoreState
store_noted_records (StoreModule *module, StoreWait *wait, GPtrArray **names, GError **error)
{
  Store *store = module->store;
  StoreState state = STORE_FAILED;
  GHashTableIter iter;
  gpointer value;

  store_lock (store);
  if (!store_is_stopping (store, error))
    state = freshen_all (store->notes, module, wait, error);
  if (state == STORE_READY)
    {
      *names = g_ptr_array_new_with_free_func (name_free);
      g_hash_table_iter_init (&iter, store->notes->records);
      while (g_hash_table_iter_next (&iter, &value, NULL))
        {
          const NotesOf *of = value;

          if (of->module == module && of->ids->len > 0)
            add_name (*names, of->id, stem_of (of));
        }
      g_ptr_array_sort (*names, compare_names);
    }
  store_unlock (store);
  return state;
}

StoreModule *
store_notes (Store *store)
{
  return store->notes->module;
}

bool
store_has_notes (StoreModule *module)
{
  Store *store = module->store;
  const json_t *row;
  bool has;

  store_lock (store);
  row = store->notes->module->metadata;
  has = module->kind == MODULE_RECORDS && json_is_true (json_object_get (row, "api_supported"))
        && json_is_true (json_object_get (row, "viewable"));
  store_unlock (store);
  return has;
}

bool
store_is_noted (StoreModule *module, uint64_t id)
{
  Store *store = module->store;
  const NotesOf *of;
  bool noted;

  store_lock (store);
  of = of_find (store->notes, module, id);
  noted = of != NULL && of->ids->len > 0;
  store_unlock (store);
  return noted;
}

bool
store_note_parent (Store *store, uint64_t id, StoreModule **module, uint64_t *record)
{
  const NotesOf *of;

  store_lock (store);
  of = g_hash_table_lookup (store->notes->owners, &id);
  if (of != NULL)
    {
      *module = of->module;
      *record = of->id;
    }
  store_unlock (store);
  return of != NULL;
}

char *
store_notes_folder (StoreModule *module, uint64_t id)
{
  Store *store = module->store;
  g_autofree char *stem = NULL;

  store_lock (store);
  stem = stem_of (of_record (store->notes, module, id));
  store_unlock (store);
  return g_strconcat (module->name, "/notes/", stem, NULL);
}

int64_t
store_notes_mtime (StoreModule *module, uint64_t id)
{
  Store *store = module->store;
  const NotesOf *of;
  int64_t mtime;

  store_lock (store);
  of = id != 0 ? of_find (store->notes, module, id) : NULL;
  mtime = id == 0 ? store->notes->mtime : of != NULL ? of->mtime : 0;
  if (mtime == 0)
    mtime = store->began_s;
  store_unlock (store);
  return mtime;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void
each_free (gpointer data)
{
  Each *each = data;

  g_clear_error (&each->failure);
  g_free (each);
}

Notes *
notes_new (Store *store)
{
  Notes *notes = g_new0 (Notes, 1);
  StoreModule *module = module_new (store, MODULE_NOTES, "Notes", 0);
  g_autoptr (json_t) fields = make_fields ();

  module->fields = catalog_shown (module, fields);
  module->schema = schema_new (module->name, "Note_Title", module->fields);
  module->schema->label_else = catalog_hides (module, "Note_Content") ? NULL : "Note_Content";
  module->schema_until_us = INT64_MAX;
  g_hash_table_insert (store->modules, module->name, module);
  notes->store = store;
  notes->module = module;
  notes->records = g_hash_table_new_full (of_hash, of_equal, of_free, NULL);
  notes->owners = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  notes->each = g_hash_table_new_full (NULL, NULL, NULL, each_free);
  notes->recent = g_array_new (FALSE, FALSE, sizeof (int64_t));
  notes->count = -1;
  return notes;
}

void
notes_free (Notes *notes)
{
  if (notes == NULL)
    return;
  sweep_free (notes->sweep);
  g_hash_table_unref (notes->owners);
  g_hash_table_unref (notes->records);
  g_hash_table_unref (notes->each);
  g_array_unref (notes->recent);
  g_free (notes);
}
