/* References to records that an answer named, and the questions for them. */
#include "model/found_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdatomic.h>
#include <string.h>
#include <xxhash.h>

#define ANSWERS_MAX 1000
#define ROWS_HELD_MAX 500000 /* of all answers; what nobody waits for goes first */
#define NUMBERED_PAGES 10

struct Found
{
  atomic_uint references;
  GArray *rows; /* FoundRow */
  uint64_t version;
  bool cut;
};

/* A question, as long as its answer is held. */
typedef struct
{
  Store *store;
  FoundQuestion question; /* its text is ours */
  ClientPriority priority;
  Found *found;           /* the last answer, or NULL */
  int64_t sent_us;        /* when its first page was asked for; 0: it is not true any more */
  /* The flight: */
  bool flying, forgotten; /* forgotten: what comes is of a time that is over */
  Found *coming;
  IdSet *ids;
  unsigned page;
  int64_t began_us;
  Bell landed;
  uint64_t ticket;
} Answer;

typedef struct Founds
{
  GHashTable *answers; /* text of the question -> Answer */
  size_t rows;         /* held by them */
} Founds;

/* ---- what was found ---------------------------------------------------------------------------------------------- */

static void
clear_row (gpointer data)
{
  FoundRow *row = data;

  g_free (row->label);
  g_clear_pointer (&row->text, g_bytes_unref);
}

static Found *
found_new (void)
{
  Found *found = g_new0 (Found, 1);

  atomic_init (&found->references, 1);
  found->rows = g_array_new (FALSE, FALSE, sizeof (FoundRow));
  g_array_set_clear_func (found->rows, clear_row);
  return found;
}

static int
compare_rows (const void *a, const void *b)
{
  const FoundRow *left = a, *right = b;

  return left->id < right->id ? -1 : left->id > right->id;
}

static void
seal (Found *found)
{
  uint64_t version = found->cut;

  g_array_sort (found->rows, compare_rows);
  for (guint i = 0; i < found->rows->len; i++)
    {
      const FoundRow *row = &g_array_index (found->rows, FoundRow, i);

      version = XXH64 (&row->id, sizeof row->id, version);
      version = XXH64 (row->label, strlen (row->label), version);
      if (row->text != NULL)
        version = XXH64 (g_bytes_get_data (row->text, NULL), g_bytes_get_size (row->text), version);
    }
  found->version = version | 1;
}

Found *
found_ref (Found *found)
{
  atomic_fetch_add (&found->references, 1);
  return found;
}

void
found_unref (Found *found)
{
  if (found == NULL || atomic_fetch_sub (&found->references, 1) > 1)
    return;
  g_array_unref (found->rows);
  g_free (found);
}

size_t
found_size (const Found *found)
{
  return found->rows->len;
}

const FoundRow *
found_at (const Found *found, size_t index)
{
  return &g_array_index (found->rows, FoundRow, index);
}

const FoundRow *
found_find (const Found *found, uint64_t id)
{
  const FoundRow wanted = { .id = id };

  if (found->rows->len == 0)
    return NULL;
  return bsearch (&wanted, found->rows->data, found->rows->len, sizeof wanted, compare_rows);
}

uint64_t
found_version (const Found *found)
{
  return found->version;
}

bool
found_is_cut (const Found *found)
{
  return found->cut;
}

char *
found_name (const FoundRow *row)
{
  Store *store = row->module->store;
  const Entry *entry;
  const char *label;
  char *name;

  store_lock (store);
  entry = table_find (row->module, row->id);
  label = entry != NULL && entry->label != NULL ? entry->label : row->label;
  name = names_record (store->config.bare_names ? NULL : label, row->id);
  store_unlock (store);
  return name;
}

const char *
found_fields (const StoreModule *module)
{
  const Schema *schema = module->schema;

  if (schema->label != NULL || schema->has_modified || schema->fields->len == 0)
    return schema->label != NULL ? schema->label : "Modified_Time";
  return schema->fields->pdata[0];
}

char *
found_label (const StoreModule *module, const json_t *row)
{
  const char *field = module->schema != NULL ? module->schema->label : NULL;
  const json_t *value = field != NULL ? json_object_get (row, field) : NULL;
  const char *text = json_is_object (value) ? json_get_text (value, "name") : json_text (value);

  return names_label (text != NULL ? text : "");
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static void
drop_found (Founds *founds, Answer *answer)
{
  if (answer->found != NULL)
    founds->rows -= answer->found->rows->len;
  g_clear_pointer (&answer->found, found_unref);
}

static void
answer_free (gpointer data)
{
  Answer *answer = data;

  found_unref (answer->found);
  found_unref (answer->coming);
  idset_free (answer->ids);
  g_free ((char *)answer->question.text);
  g_free (answer);
}

static void
add_row (Answer *answer, const json_t *json)
{
  FoundRow row = { .module = answer->question.target, .id = row_id (json) };

  if (row.id == 0 || !idset_add (answer->ids, row.id))
    return;
  if (answer->question.kind->take (&answer->question, json, &row))
    g_array_append_val (answer->coming->rows, row);
  else
    clear_row (&row);
}

/* The flight has ended; @coming is whole unless there is @error. */
static void
land (Answer *answer, const GError *error)
{
  Founds *founds = answer->store->founds;
  bool offline = error != NULL && answer->found != NULL && refresh_is_offline (answer->question.module, error);

  answer->flying = false;
  if (error == NULL)
    {
      seal (answer->coming);
      drop_found (founds, answer);
      answer->found = g_steal_pointer (&answer->coming);
      founds->rows += answer->found->rows->len;
    }
  if (error == NULL || offline)
    answer->sent_us = answer->forgotten ? 0 : answer->began_us;
  answer->forgotten = false;
  g_clear_pointer (&answer->coming, found_unref);
  g_clear_pointer (&answer->ids, idset_free);
  bell_fail (answer->store, &answer->landed, offline ? NULL : error, answer->began_us);
}

/* The pages call each other: an answer sends for the next one. */
static void on_page (const RecordsPage *page, const GError *error, void *data);

static void
send (Answer *answer, const char *token)
{
  answer->page++;
  answer->ticket = answer->question.kind->send (&answer->question, answer->page, token, answer->priority, on_page,
                                                answer);
  call_sent (answer->store, answer->ticket);
}

static void
on_page (const RecordsPage *page, const GError *error, void *data)
{
  Answer *answer = data;
  Store *store = answer->store;

  call_begin (store, &answer->ticket);
  for (size_t i = 0; page != NULL && i < json_array_size (page->rows); i++)
    add_row (answer, json_array_get (page->rows, i));
  if (page != NULL && page->more && answer->page < answer->question.kind->pages_max && !store->stopping)
    send (answer, answer->page >= NUMBERED_PAGES ? page->next_token : NULL);
  else
    {
      answer->coming->cut = page != NULL && page->more;
      land (answer, error);
    }
  call_end (store);
}

static gboolean
is_idle (gpointer key, gpointer value, gpointer data)
{
  const Answer *answer = value;
  const int64_t *before = data;

  return !answer->flying && answer->sent_us < *before;
}

/* Makes room: first what is stale, then all that nobody waits for. */
static void
make_room (Store *store, Founds *founds)
{
  int64_t before[] = { clock_now_us () - store->config.ttl_us, INT64_MAX };
  GHashTableIter iter;
  gpointer value;

  for (size_t i = 0; i < G_N_ELEMENTS (before); i++)
    {
      if (g_hash_table_size (founds->answers) < ANSWERS_MAX && founds->rows < ROWS_HELD_MAX)
        return;
      g_hash_table_foreach_remove (founds->answers, is_idle, &before[i]);
      founds->rows = 0;
      g_hash_table_iter_init (&iter, founds->answers);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        founds->rows += ((Answer *)value)->found != NULL ? ((Answer *)value)->found->rows->len : 0;
    }
}

static Answer *
answer_of (Store *store, const FoundQuestion *question)
{
  g_autofree char *key = g_strdup_printf ("%s\n%s\n%" G_GUINT64_FORMAT "\n%s", question->kind->name,
                                          question->module->name, question->id, question->text);
  Answer *answer;

  if (store->founds == NULL)
    {
      store->founds = g_new0 (Founds, 1);
      store->founds->answers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, answer_free);
    }
  answer = g_hash_table_lookup (store->founds->answers, key);
  if (answer != NULL)
    return answer;
  make_room (store, store->founds);
  answer = g_new0 (Answer, 1);
  answer->store = store;
  answer->question = *question;
  answer->question.text = g_strdup (question->text);
  g_hash_table_insert (store->founds->answers, g_steal_pointer (&key), answer);
  return answer;
}

static bool
will_do (const Answer *answer, bool fresh, int64_t began_us)
{
  if (answer->found == NULL)
    return false;
  if (!fresh)
    return true;
  return answer->sent_us != 0
         && (answer->sent_us >= began_us || clock_now_us () < answer->sent_us + answer->store->config.ttl_us);
}

StoreState
found_ask (Store *store, const FoundQuestion *question, bool fresh, StoreWait *wait, Found **found, GError **error)
{
  int64_t began_us = wait_began_us (wait);
  Answer *answer;

  if (wait_failed (wait, error))
    return STORE_FAILED;
  answer = answer_of (store, question);
  if (will_do (answer, fresh, began_us) || (answer->found != NULL && wait_is_cached_only (wait)))
    {
      *found = found_ref (answer->found);
      return STORE_READY;
    }
  if (wait_refused (wait, error))
    return STORE_FAILED;
  if (!answer->flying)
    {
      answer->flying = true;
      answer->page = 0;
      answer->priority = wait->priority;
      answer->began_us = clock_now_us ();
      answer->coming = found_new ();
      answer->ids = idset_new ();
      send (answer, NULL);
    }
  return bell_wait (&answer->landed, wait);
}

void
found_forget (Store *store, const FoundKind *kind, const StoreModule *module, uint64_t id)
{
  GHashTableIter iter;
  gpointer value;

  if (store->founds == NULL)
    return;
  g_hash_table_iter_init (&iter, store->founds->answers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Answer *answer = value;

      if (answer->question.kind != kind || answer->question.module != module || answer->question.id != id)
        continue;
      answer->sent_us = 0;
      answer->forgotten = answer->flying;
      drop_found (store->founds, answer);
    }
}

void
founds_free (Founds *founds)
{
  if (founds == NULL)
    return;
  g_hash_table_unref (founds->answers);
  g_free (founds);
}
