/* .coql, at the root and in each module: a query is written to it, and its rows are read from it. It is never
 * listed.
 *
 * Opened for reading and writing, one descriptor does both: what was written is a query once it is read from,
 * wherever in the file that read is; the rows begin there. Opened for writing alone, the query runs at the close,
 * which fails when it is refused; who opens for reading next, of the same user and session, reads the rows, or what
 * was wrong. */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "base/lock.h"
#include "fs/kinds/query_begin.h"
#include "model/query_reader.h"
#include "model/query_slots.h"

#include <fcntl.h>
#include <string.h>

/*   state     text   query  reader  words  leaves when
 *   empty     no     -      -       -      written to       -> written
 *   written   yes    -      -       -      read, or flushed -> running
 *   running   yes    yes    -       -      its first page   -> answered, or refused -> failed
 *   answered  any    -      yes     -      written to       -> written
 *   failed    any    -      -       yes    written to       -> written  */
typedef struct
{
  NodeKey node;
  bool writes_only;
  bool appends;       /* where it writes is where the kernel thinks that the file ends */
  EditProcess opener;
  pthread_mutex_t lock; /* guards all below. Queries are freed after it is dropped, since that rings who waits for them */
  GString *text;
  uint64_t text_end; /* where the last write ended */
  bool asked;        /* the text has been run */
  bool read;         /* since the last write */
  bool is_part;      /* perhaps: who closes is not who opened it */
  uint64_t base;     /* where the answer begins, as this descriptor counts */
  Query *query;      /* waits for its first page */
  QueryReader *reader;
  GBytes *words;     /* what is read in place of rows */
} Talk;

/* What is freed later. */
typedef struct
{
  Query *query;
  QueryReader *reader;
} Litter;

static void
litter_clear (Litter *litter)
{
  query_free (litter->query);
  query_reader_free (litter->reader);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Litter, litter_clear)

/* Lock held. @litter is empty. */
static void
drop_answer (Talk *talk, Litter *litter)
{
  litter->query = g_steal_pointer (&talk->query);
  litter->reader = g_steal_pointer (&talk->reader);
  g_clear_pointer (&talk->words, g_bytes_unref);
}

static QueryAsker
asker_of (const Ask *ask, const NodeKey *node)
{
  return (QueryAsker){ ask->who.uid, who_session (ask->who.process), node->module };
}

static char *
path_of (const Talk *talk)
{
  return talk->node.module != NULL ? g_strdup_printf ("%s/.coql", store_module_name (talk->node.module))
                                   : g_strdup (".coql");
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static bool
is_for_later (const GError *error)
{
  return error->code == ZOHO_ERROR_CANCELLED;
}

/* Lock held. @query: as far as it is known. */
static StoreState
fail (const Ask *ask, Talk *talk, const char *query, GError *failure, GError **error)
{
  g_autofree char *path = path_of (talk);

  if (!is_for_later (failure))
    {
      talk->asked = true;
      talk->words = query_failure_text (failure, query);
      if (!talk->is_part)
        query_tell_failure (ask, path, failure);
    }
  g_propagate_error (error, failure);
  return STORE_FAILED;
}

/* Lock held: brings the first page of what was written. @litter is empty. */
static StoreState
run (const Ask *ask, Talk *talk, Litter *litter, GError **error)
{
  g_auto (QueryPage) page = { NULL };
  GError *failure = NULL;
  QueryText *text = NULL;
  StoreState state = STORE_READY;

  if (talk->query == NULL)
    {
      state = query_begin (ask, talk->node.module, ask->who.uid, talk->text->str, talk->text->len, &text, &failure);
      if (state == STORE_FAILED)
        return fail (ask, talk, talk->text->str, failure, error);
      if (state == STORE_WAITING)
        return state;
      talk->query = query_new (ask->store, text, false);
    }
  state = query_page (talk->query, 0, ask->wait, &page, &failure);
  if (state == STORE_FAILED)
    {
      if (is_for_later (failure))
        return fail (ask, talk, "", failure, error);
      litter->query = g_steal_pointer (&talk->query);
      return fail (ask, talk, query_text (litter->query)->text, failure, error);
    }
  talk->asked = talk->asked || state == STORE_READY;
  return state;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static StoreState
coql_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  /* Whoever may look may ask. */
  *attr = (Attr){ .mode = S_IFREG | 0666, .mtime = ask->mounted_s, .volatile_size = true };
  return STORE_READY;
}

static StoreState
coql_open (const Ask *ask, const NodeKey *node, int flags, void **state, GError **error)
{
  Talk *talk = g_new0 (Talk, 1);

  talk->node = *node;
  talk->writes_only = (flags & O_ACCMODE) == O_WRONLY;
  talk->appends = (flags & O_APPEND) != 0;
  talk->opener = ask->who.process;
  talk->text = g_string_new (NULL);
  pthread_mutex_init (&talk->lock, NULL);
  if ((flags & O_ACCMODE) == O_RDONLY)
    {
      QueryAsker asker = asker_of (ask, node);
      Query *query;

      query_slots_take (ask->store, &asker, &query, &talk->words);
      if (query != NULL)
        talk->reader = query_reader_new (query);
    }
  *state = talk;
  return STORE_READY;
}

static void
coql_release (void *state)
{
  Talk *talk = state;
  g_auto (Litter) litter = { NULL };

  drop_answer (talk, &litter);
  g_string_free (talk->text, TRUE);
  pthread_mutex_destroy (&talk->lock);
  g_free (talk);
}

static StoreState
coql_write (const Ask *ask, void *state, const char *bytes, size_t size, uint64_t offset, GError **error)
{
  Talk *talk = state;
  g_auto (Litter) litter = { NULL };
  LOCKED (&talk->lock);

  /* What goes on where the last write ended is the same query, unless that has been read. */
  if (talk->read || (!talk->appends && offset != talk->text_end))
    g_string_truncate (talk->text, 0);
  if (size > QUERY_TEXT_MAX - MIN (talk->text->len, QUERY_TEXT_MAX))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE, "A query has at most %zu bytes", QUERY_TEXT_MAX);
      return STORE_FAILED;
    }
  drop_answer (talk, &litter);
  g_string_append_len (talk->text, bytes, (gssize)size);
  talk->text_end = offset + size;
  talk->read = talk->asked = false;
  return STORE_READY;
}

static StoreState
coql_truncate (const Ask *ask, void *state, uint64_t size, GError **error)
{
  Talk *talk = state;
  g_auto (Litter) litter = { NULL };
  LOCKED (&talk->lock);

  if (size > 0)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "A query is written, and not cut");
      return STORE_FAILED;
    }
  drop_answer (talk, &litter);
  g_string_truncate (talk->text, 0);
  talk->asked = false;
  return STORE_READY;
}

/* At the close of what only writes: the answer goes to who opens it next. What `{ cat a; cat b; } > .coql` writes
 * may be half a query when cat closes it; if it is not, it was refused for good, which is read. */
static StoreState
coql_flush (const Ask *ask, void *state, GError **error)
{
  Talk *talk = state;
  QueryAsker asker = asker_of (ask, &talk->node);
  g_auto (Litter) litter = { NULL };
  g_autoptr (GError) why = NULL;
  StoreState done;
  LOCKED (&talk->lock);

  if (!talk->writes_only || talk->text->len == 0 || talk->asked)
    return STORE_READY;
  talk->is_part = talk->opener.group != 0 && ask->who.process.group != 0 && !who_same (talk->opener, ask->who.process);
  done = run (ask, talk, &litter, &why);
  /* The slots ring who waits for what was there before, and so for nothing of this descriptor. */
  if (done != STORE_WAITING && talk->asked)
    query_slots_put (ask->store, &asker, g_steal_pointer (&talk->query), g_steal_pointer (&talk->words));
  if (done == STORE_FAILED && talk->is_part && talk->asked)
    return STORE_READY;
  if (done == STORE_FAILED)
    g_propagate_error (error, g_steal_pointer (&why));
  return done;
}

static size_t
copy (GBytes *from, uint64_t offset, char *bytes, size_t size)
{
  size_t length;
  const char *text = g_bytes_get_data (from, &length);
  size_t got = offset < length ? MIN (size, length - (size_t)offset) : 0;

  memcpy (bytes, text + (got > 0 ? offset : 0), got);
  return got;
}

/* Lock held: a read of the first byte begins the answer anew, if that has gone by. */
static void
rewind_answer (const Ask *ask, Talk *talk, uint64_t offset, Litter *litter)
{
  QueryText *text;
  const char *again;

  if (talk->reader == NULL || offset != 0 || !query_reader_is_past (talk->reader, 0))
    return;
  again = query_reader_text (talk->reader)->text;
  text = query_text_read (again, strlen (again), NULL);
  drop_answer (talk, litter);
  talk->reader = query_reader_new (query_new (ask->store, text, false));
}

/* Lock held. @litter is empty. */
static StoreState
bring_answer (const Ask *ask, Talk *talk, Litter *litter, GError **error)
{
  StoreState state;

  if (talk->text->len == 0 || talk->asked)
    return STORE_READY;
  state = run (ask, talk, litter, error);
  if (state == STORE_READY)
    talk->reader = query_reader_new (g_steal_pointer (&talk->query));
  return state;
}

static StoreState
coql_read (const Ask *ask, void *state, char *bytes, size_t size, uint64_t offset, size_t *got, GError **error)
{
  Talk *talk = state;
  g_auto (Litter) unrun = { NULL };
  g_auto (Litter) unread = { NULL };
  StoreState done;
  LOCKED (&talk->lock);

  /* Some seek to the beginning first, some (shells) cannot. */
  if (!talk->read || offset < talk->base)
    talk->base = offset;
  talk->read = true;
  offset -= talk->base;
  done = bring_answer (ask, talk, &unrun, error);
  if (done != STORE_READY)
    return done;
  rewind_answer (ask, talk, offset, &unread);
  *got = talk->words != NULL ? copy (talk->words, offset, bytes, size) : 0;
  return talk->reader != NULL ? query_reader_read (talk->reader, ask->wait, bytes, size, offset, got, error) : STORE_READY;
}

static const Stream coql_stream = {
  .open = coql_open,
  .read = coql_read,
  .write = coql_write,
  .truncate = coql_truncate,
  .flush = coql_flush,
  .release = coql_release,
  .seekable = true,
  .asks = true,
};

StoreState
coql_take (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  /* Without opens nobody could be told from others. */
  if (!ask->config->noopen)
    *found = (NodeKey){ &coql_kind, dir->module, 0 };
  return STORE_READY;
}

const NodeKind coql_kind = {
  .number = KIND_COQL,
  .type = S_IFREG,
  .attr = coql_attr,
  .stream = &coql_stream,
};
