/* Whoever waits for a result carries it on: takes the page that came, writes it down and asks for the next.
 *
 *   a result is  leaves when
 *   begun        its last page was written            -> whole
 *                Zoho refuses the query               -> refused
 *                nobody has carried it on for long    -> gone
 *   whole        the TTL, and what a listing promised -> gone at the next question
 *   refused      the same
 *   any          its query is another one             -> gone
 *
 * To free one rings who waits for it, who then asks us: so results go once the lock is dropped. */
#include "model/queries.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/lock.h"
#include "model/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESULTS_MAX 100
#define TOLD_US (60 * CLOCK_SECOND_US)   /* from a listing to the look at what it shows */
#define BEGUN_US (600 * CLOCK_SECOND_US) /* from a page to the next one, which somebody may have given up */

typedef struct
{
  char *name, *text;
  Query *query;      /* NULL: whole or refused */
  uint64_t pages;    /* that were written */
  int fds[QUERY_FORMS];
  GBytes *bytes[QUERY_FORMS]; /* of a whole one */
  GError *refusal;
  uint64_t version;
  int64_t made_s;
  int64_t good_until_us; /* the TTL, or of one that is begun BEGUN_US */
  int64_t told_until_us; /* by a listing */
} Result;

struct Queries
{
  pthread_mutex_t lock; /* guards all below; the store's comes after it. Held while pages are written to the disk */
  GHashTable *results;  /* name -> Result */
  uint64_t versions;
};

/* ---- results ----------------------------------------------------------------------------------------------------- */

static void
result_free (gpointer data)
{
  Result *result = data;

  query_free (result->query);
  for (int i = 0; i < QUERY_FORMS; i++)
    {
      file_close (&result->fds[i]);
      g_clear_pointer (&result->bytes[i], g_bytes_unref);
    }
  g_clear_error (&result->refusal);
  g_free (result->name);
  g_free (result->text);
  g_free (result);
}

static bool
is_old (const Result *result, int64_t now_us)
{
  return now_us >= result->good_until_us && now_us >= result->told_until_us;
}

/* Lock held. */
static void
let_go (Queries *queries, Result *result, GPtrArray *gone)
{
  g_hash_table_steal (queries->results, result->name);
  g_ptr_array_add (gone, result);
}

/* Lock held: room for one more. */
static void
sweep (Queries *queries, int64_t now_us, GPtrArray *gone)
{
  Result *oldest = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, queries->results);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Result *result = value;

      if (is_old (result, now_us))
        {
          g_hash_table_iter_steal (&iter);
          g_ptr_array_add (gone, result);
        }
      else if (oldest == NULL || result->good_until_us < oldest->good_until_us)
        oldest = result;
    }
  if (oldest != NULL && g_hash_table_size (queries->results) >= RESULTS_MAX)
    let_go (queries, oldest, gone);
}

/* ---- on the disk ------------------------------------------------------------------------------------------------- */

static bool
fail (GError **error, const char *what)
{
  int number = errno;

  g_set_error (error, ZOHO_ERROR, number == ENOSPC || number == EDQUOT ? ZOHO_ERROR_NO_SPACE : ZOHO_ERROR_FAILED,
               "%s: %s", what, g_strerror (number));
  return false;
}

/* A file without a name. Returns: -1 with errno. */
static int
open_nameless (const char *folder)
{
  int fd = open (folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  g_autofree char *path = NULL;

  if (fd >= 0)
    return fd;
  /* Not all file systems have that. */
  path = g_build_filename (folder, ".rows-XXXXXX", NULL);
  fd = mkostemp (path, O_CLOEXEC);
  if (fd >= 0)
    unlink (path);
  return fd;
}

static bool
write_all (int fd, GBytes *bytes)
{
  size_t size;
  const char *text = g_bytes_get_data (bytes, &size);

  while (size > 0)
    {
      ssize_t written = write (fd, text, size);

      if (written < 0 && errno != EINTR)
        return false;
      text += MAX (written, 0);
      size -= (size_t)MAX (written, 0);
    }
  return true;
}

static bool
write_page (Result *result, const QueryPage *page, GError **error)
{
  GBytes *const forms[QUERY_FORMS] = { page->json, page->lines, page->csv };

  for (int i = 0; i < QUERY_FORMS; i++)
    if (!write_all (result->fds[i], forms[i]))
      return fail (error, "The rows of the query cannot be kept on this computer");
  return true;
}

/* Through the page cache, which the kernel may drop: results may be large. */
static bool
map (Result *result, GError **error)
{
  for (int i = 0; i < QUERY_FORMS; i++)
    {
      g_autoptr (GError) why = NULL;
      GMappedFile *file = g_mapped_file_new_from_fd (result->fds[i], FALSE, &why);

      if (file == NULL)
        {
          g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The rows of the query cannot be read back: %s", why->message);
          return false;
        }
      result->bytes[i] = g_mapped_file_get_bytes (file);
      g_mapped_file_unref (file);
      file_close (&result->fds[i]);
      result->fds[i] = -1;
    }
  return true;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static Result *
result_new (Store *store, const QueriesWanted *wanted, GError **error)
{
  Result *result = g_new0 (Result, 1);
  QueryText *text;
  bool good = true;

  for (int i = 0; i < QUERY_FORMS; i++)
    {
      result->fds[i] = good ? open_nameless (wanted->folder) : -1;
      good = result->fds[i] >= 0;
    }
  if (!good)
    fail (error, "No room for the rows of the query can be made on this computer");
  text = good ? query_text_read (wanted->text->text, strlen (wanted->text->text), error) : NULL;
  if (text == NULL)
    {
      result_free (result);
      return NULL;
    }
  result->name = g_strdup (wanted->name);
  result->text = g_strdup (text->text);
  result->query = query_new (store, text, true);
  return result;
}

/* Lock held: the result that is held of that query, or one that is begun. */
static Result *
result_of (Store *store, const QueriesWanted *wanted, GPtrArray *gone, StoreWait *wait, GError **error)
{
  Queries *queries = store->queries;
  int64_t now_us = clock_now_us ();
  Result *result = g_hash_table_lookup (queries->results, wanted->name);

  if (result != NULL && strcmp (result->text, wanted->text->text) == 0
      && (!is_old (result, now_us) || wait_is_cached_only (wait)))
    return result;
  if (wait_refused (wait, error))
    return NULL;
  if (result != NULL)
    let_go (queries, result, gone);
  sweep (queries, now_us, gone);
  result = result_new (store, wanted, error);
  if (result != NULL)
    {
      result->made_s = clock_wall_s ();
      result->version = ++queries->versions;
      result->good_until_us = now_us + BEGUN_US;
      g_hash_table_replace (queries->results, result->name, result);
    }
  return result;
}

/* Lock held: its end has come. */
static void
settle (Store *store, Result *result)
{
  g_clear_pointer (&result->query, query_free);
  result->good_until_us = clock_now_us () + store->config.ttl_us;
}

/* Lock held: the next page. */
static StoreState
carry_on (Store *store, Result *result, GPtrArray *gone, StoreWait *wait, GError **error)
{
  g_auto (QueryPage) page = { NULL };
  g_autoptr (GError) why = NULL;
  StoreState state = query_page (result->query, result->pages, wait, &page, &why);

  if (state == STORE_WAITING)
    return state;
  if (state == STORE_READY && write_page (result, &page, &why) && (!page.last || map (result, &why)))
    {
      result->pages++;
      result->good_until_us = clock_now_us () + BEGUN_US;
      if (page.last)
        settle (store, result);
      return STORE_READY;
    }
  if (state == STORE_READY) /* half a page may be on the disk */
    let_go (store->queries, result, gone);
  else if (why->code == ZOHO_ERROR_INVALID || why->code == ZOHO_ERROR_DENIED || why->code == ZOHO_ERROR_TOO_LARGE)
    {
      result->refusal = g_error_copy (why);
      settle (store, result);
    }
  g_propagate_error (error, g_steal_pointer (&why));
  return STORE_FAILED;
}

StoreState
queries_make (Store *store, const QueriesWanted *wanted, StoreWait *wait, GError **error)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (result_free);
  StoreState state = STORE_READY;
  Result *result;
  LOCKED (&store->queries->lock);

  result = result_of (store, wanted, gone, wait, error);
  if (result == NULL)
    return STORE_FAILED;
  if (result->refusal != NULL)
    {
      g_propagate_error (error, g_error_copy (result->refusal));
      return STORE_FAILED;
    }
  while (state == STORE_READY && result->query != NULL && (wanted->whole || result->pages == 0))
    state = carry_on (store, result, gone, wait, error);
  return state;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

GBytes *
queries_get (Store *store, const char *name, QueryForm form, uint64_t *version, int64_t *made_s)
{
  const Result *result;
  LOCKED (&store->queries->lock);

  result = g_hash_table_lookup (store->queries->results, name);
  if (result == NULL || result->bytes[form] == NULL)
    return NULL;
  *version = result->version;
  *made_s = result->made_s;
  return g_bytes_ref (result->bytes[form]);
}

GPtrArray *
queries_held (Store *store)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  int64_t now_us = clock_now_us ();
  GHashTableIter iter;
  gpointer value;
  LOCKED (&store->queries->lock);

  g_hash_table_iter_init (&iter, store->queries->results);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Result *result = value;

      if (result->bytes[0] == NULL || now_us >= result->good_until_us)
        continue;
      result->told_until_us = now_us + TOLD_US;
      g_ptr_array_add (names, g_strdup (result->name));
    }
  return names;
}

void
queries_forget (Store *store, const char *name)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (result_free);
  Result *result;
  LOCKED (&store->queries->lock);

  result = g_hash_table_lookup (store->queries->results, name);
  if (result != NULL)
    let_go (store->queries, result, gone);
}

Queries *
queries_new (void)
{
  Queries *queries = g_new0 (Queries, 1);

  pthread_mutex_init (&queries->lock, NULL);
  queries->results = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, result_free);
  return queries;
}

void
queries_free (Queries *queries)
{
  if (queries == NULL)
    return;
  g_hash_table_unref (queries->results);
  pthread_mutex_destroy (&queries->lock);
  g_free (queries);
}
