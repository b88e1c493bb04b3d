/* The save engine: the sequences of calls that editors and tools were seen to send, and what becomes of them; a CRM
 * that holds texts stands behind it. Then random events, against what must always hold.
 *
 * A script is statements, each of words, separated by ';'. "rec.json" is the name of record REC, "other.json" that of
 * record OTHER, "id.json" REC's without a label. Calls of programs begin with who calls, P1 to P9:
 *
 *   open FLAGS NAME H    FLAGS of r, w, t(runcate), a(ppend); H: the handle's name, one letter
 *   create FLAGS NAME H  the same, and e(xclusive)
 *   write H TEXT   trunc H SIZE   flush H   fsync H   release H   close H (flush and release)
 *   pathtrunc NAME SIZE   rename A B [noreplace|exchange]   unlink NAME   link   symlink NAME   mkdir   chmod   stat
 * NAME
 *
 * A call must succeed, unless what follows is "fails ERRNO" or "waits". Besides: "reads H TEXT", "shows NAME TEXT",
 * "gone NAME"; "wait SECONDS", "end P", "drain", "unmount"; "refuse ERRNO" (the next commit), "hold" and "go" (of
 * commits and deletes), "unsent" (the oldest commit held is given back), "keep ERRNO" (the next delete is refused),
 * "interrupt" (what waits), "full H" (the disk is), "dry" (saves are pretended from now on). "vanish", "appear": REC on the server. A text is good when it
 * begins with '{' and ends with '}'. */
#include "model/editing_private.h"
#include "model/names.h"

#include <errno.h>
#include <string.h>

#define REC UINT64_C (7010000000201)
#define OTHER UINT64_C (7010000000202)
#define REC_NAME "Okafor.7010000000201.json"
#define OTHER_NAME "Okello.7010000000202.json"
#define SECOND INT64_C (1000000)
#define START (100 * SECOND)
#define PENDING (-1)

static const EditingConfig writable
    = { .delete_delay_us = 2 * SECOND, .delete_wait_us = 60 * SECOND, .max_deletes = 1000 };

typedef struct
{
  uint64_t number;
  EditVerb verb;
  uint64_t id, draft;
  char *name;
} Sent;

typedef struct
{
  uint64_t number;
  int64_t offset;
  char *opened; /* the text it was opened with */
} Open;

typedef struct
{
  Editing *editing;
  GHashTable *records; /* id -> text */
  GHashTable *aliases; /* name -> id */
  GHashTable *drafts;  /* number -> GString */
  GHashTable *opens;   /* letter -> Open */
  GQueue sent;         /* Sent, not answered */
  GArray *deleting;    /* ids sent, not answered */
  GHashTable *scheduled;
  GHashTable *waiting; /* requests without an answer */
  bool held, dry;
  int refuse, keep;
  int64_t now;
  uint64_t last_request, last_handle, last_id;
  uint64_t request; /* of the call at hand */
  int result;
  EditAction answer;
  unsigned puts, posts, unchanged, pretended, deletes, calls, kept, stays, too_many;
  const char *script;
} World;

static void
string_free (gpointer data)
{
  g_string_free (data, TRUE);
}

static void
open_free (gpointer data)
{
  g_free (((Open *)data)->opened);
  g_free (data);
}

static gpointer
key_of (uint64_t number)
{
  return g_memdup2 (&number, sizeof number);
}

static GHashTable *
number_table (GDestroyNotify value_free)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, value_free);
}

static void
trouble (const World *world, const char *what, const char *more)
{
  g_error ("%s %s, in: %s", what, more, world->script);
}

static const char *
text_of (const World *world, uint64_t draft)
{
  const GString *text = g_hash_table_lookup (world->drafts, &draft);

  if (text == NULL)
    trouble (world, "a draft that is not there is read", "");
  return text == NULL ? "" : text->str;
}

static bool
is_good (const char *text)
{
  return g_str_has_prefix (text, "{") && g_str_has_suffix (text, "}");
}

static bool
is_complete (uint64_t draft, void *data)
{
  return is_good (text_of (data, draft));
}

/* ---- the world --------------------------------------------------------------------------------------------------- */

static World *
world_new (const EditingConfig *config)
{
  World *world = g_new0 (World, 1);

  world->editing = editing_new (config, is_complete, world);
  world->records = number_table (g_free);
  world->aliases = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  world->drafts = number_table (string_free);
  world->opens = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, open_free);
  world->deleting = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  world->scheduled = number_table (NULL);
  world->waiting = number_table (NULL);
  world->now = START;
  world->last_id = OTHER;
  world->script = "";
  g_hash_table_insert (world->records, key_of (REC), g_strdup ("{old}"));
  g_hash_table_insert (world->records, key_of (OTHER), g_strdup ("{other}"));
  return world;
}

static void
sent_free (gpointer data)
{
  g_free (((Sent *)data)->name);
  g_free (data);
}

static void
world_free (World *world)
{
  editing_free (world->editing);
  g_queue_clear_full (&world->sent, sent_free);
  g_hash_table_unref (world->records);
  g_hash_table_unref (world->aliases);
  g_hash_table_unref (world->drafts);
  g_hash_table_unref (world->opens);
  g_hash_table_unref (world->scheduled);
  g_hash_table_unref (world->waiting);
  g_array_unref (world->deleting);
  g_free (world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

static Open *
open_numbered (const World *world, uint64_t number)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, world->opens);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Open *)value)->number == number)
      return value;
  return NULL;
}

static const char *
seed_of (World *world, const EditAction *action)
{
  const char *text = "";

  if (action->seed == EDIT_SEED_HANDLE)
    text = open_numbered (world, action->handle)->opened;
  else if (action->seed == EDIT_SEED_SERVER)
    text = g_hash_table_lookup (world->records, &action->id);
  else if (action->seed == EDIT_SEED_DRAFT)
    text = text_of (world, action->from);
  return text == NULL ? "" : text;
}

static void
on_answer (World *world, const EditAction *action)
{
  if (!g_hash_table_remove (world->waiting, &action->request))
    trouble (world, "a call is answered twice", "");
  if (action->request != world->request)
    return;
  world->result = action->error;
  world->answer = *action;
}

static void
on_commit (World *world, const EditAction *action)
{
  Sent *sent = g_new0 (Sent, 1);

  for (GList *at = world->sent.head; at != NULL; at = at->next)
    if (action->id != 0 && ((Sent *)at->data)->id == action->id)
      trouble (world, "two saves of a record at a time", "");
  sent->number = action->commit;
  sent->verb = action->verb;
  sent->id = action->id;
  sent->draft = action->draft;
  sent->name = g_strdup (action->name);
  if (*text_of (world, action->draft) == '\0')
    trouble (world, "an empty file is sent", "");
  g_queue_push_tail (&world->sent, sent);
}

static void
on_send_delete (World *world, const EditAction *action)
{
  if (!g_hash_table_remove (world->scheduled, &action->id))
    trouble (world, "a delete goes out that was not to be", "");
  if (!editing_hides (world->editing, action->id))
    trouble (world, "a record is deleted that has a name", "");
  for (GList *at = world->sent.head; at != NULL; at = at->next)
    if (((Sent *)at->data)->id == action->id)
      trouble (world, "a record is deleted that is being saved", "");
  g_array_append_val (world->deleting, action->id);
}

static void
on_draft (World *world, const EditAction *action)
{
  g_hash_table_insert (world->drafts, key_of (action->draft), g_string_new (seed_of (world, action)));
}

static void
resize (GString *text, gsize size)
{
  while (text->len < size)
    g_string_append_c (text, '?');
  g_string_truncate (text, size);
}

static void
on_action (World *world, const EditAction *action)
{
  switch (action->kind)
    {
    case EDIT_ANSWER:
      on_answer (world, action);
      break;
    case EDIT_DRAFT:
      on_draft (world, action);
      break;
    case EDIT_RESIZE:
      resize (g_hash_table_lookup (world->drafts, &action->draft), (gsize)action->size);
      break;
    case EDIT_DROP_DRAFT:
      g_assert_true (g_hash_table_remove (world->drafts, &action->draft));
      break;
    case EDIT_COMMIT:
      on_commit (world, action);
      break;
    case EDIT_KEEP_DRAFT:
      text_of (world, action->draft);
      world->kept++;
      break;
    case EDIT_STAYS:
      world->stays++;
      break;
    case EDIT_ALIAS:
      g_hash_table_insert (world->aliases, g_strdup (action->name), key_of (action->id));
      break;
    case EDIT_SCHEDULE_DELETE:
      if (!g_hash_table_add (world->scheduled, key_of (action->id)))
        trouble (world, "a delete is scheduled twice", "");
      break;
    case EDIT_CANCEL_DELETE:
      if (!g_hash_table_remove (world->scheduled, &action->id))
        trouble (world, "a delete is cancelled that is not", "");
      break;
    case EDIT_SEND_DELETE:
      on_send_delete (world, action);
      break;
    case EDIT_TOO_MANY:
      world->too_many++;
      break;
    case EDIT_RESTORE:
    case EDIT_ADOPT:
    case EDIT_HIDE:
    case EDIT_SHOW_AGAIN:
    case EDIT_DROP_NODE:
      break;
    }
}

static void
feed (World *world, EditEvent event)
{
  g_autoptr (GArray) actions = g_array_new (FALSE, FALSE, sizeof (EditAction));
  unsigned group = 0;
  unsigned size = 0;

  event.now_us = world->now;
  editing_feed (world->editing, &event, actions);
  for (guint i = 0; i < actions->len; i++)
    {
      const EditAction *action = &g_array_index (actions, EditAction, i);

      on_action (world, action);
      if (action->kind != EDIT_SEND_DELETE)
        continue;
      world->calls += action->group != group;
      size = action->group != group ? 1 : size + 1;
      group = action->group;
      g_assert_cmpuint (size, <=, EDIT_GROUP_MAX);
    }
}

/* What the CRM makes of a save. Returns: the errno. */
static int
serve (World *world, Sent *sent)
{
  g_autofree char *text = g_strdup (text_of (world, sent->draft));
  const char *old = g_hash_table_lookup (world->records, &sent->id);
  int refuse = world->refuse;

  world->refuse = 0;
  if (refuse != 0 || !is_good (text))
    return refuse != 0 ? refuse : EINVAL;
  if (sent->verb == EDIT_SAVE && old == NULL)
    return ENOENT;
  if (world->dry)
    {
      world->pretended++;
      return 0;
    }
  if (sent->verb == EDIT_SAVE)
    {
      world->puts += strcmp (old, text) != 0;
      world->unchanged += strcmp (old, text) == 0;
    }
  else
    {
      world->posts++;
      sent->id = ++world->last_id;
    }
  if (sent->verb == EDIT_UPSERT)
    g_hash_table_insert (world->aliases, g_strdup (sent->name), key_of (sent->id));
  g_hash_table_insert (world->records, key_of (sent->id), g_steal_pointer (&text));
  return 0;
}

static void
answer_commit (World *world)
{
  Sent *sent = g_queue_pop_head (&world->sent);
  int error = serve (world, sent);

  feed (world, (EditEvent){ .kind = EDIT_COMMITTED,
                            .commit = sent->number,
                            .id = sent->id,
                            .error = error,
                            .outcome = error != 0   ? EDIT_REFUSED
                                       : world->dry ? EDIT_PRETENDED
                                                    : EDIT_SAVED });
  sent_free (sent);
}

static void
answer_delete (World *world)
{
  uint64_t id = g_array_index (world->deleting, uint64_t, 0);
  int error = world->keep;

  world->keep = 0;
  g_array_remove_index (world->deleting, 0);
  if (error == 0 && !g_hash_table_remove (world->records, &id))
    error = ENOENT;
  world->deletes += error == 0;
  feed (world, (EditEvent){ .kind = EDIT_DELETED, .id = id, .error = error });
}

static void
settle (World *world)
{
  while (!world->held && (world->sent.length > 0 || world->deleting->len > 0))
    if (world->sent.length > 0)
      answer_commit (world);
    else
      answer_delete (world);
}

/* A call of a program. */
static int
call (World *world, EditEvent event)
{
  event.request = world->request = ++world->last_request;
  world->result = PENDING;
  memset (&world->answer, 0, sizeof world->answer);
  g_hash_table_add (world->waiting, key_of (event.request));
  feed (world, event);
  settle (world);
  if (world->result == PENDING && !world->held)
    trouble (world, "a call is not answered", "");
  return world->result;
}

static void
news (World *world, EditEvent event)
{
  feed (world, event);
  settle (world);
}

static uint64_t
resolve (const World *world, const char *name)
{
  uint64_t id = 0;
  bool numbered = names_read (name, &id) == NAME_RECORD;
  g_autofree char *key = numbered ? names_record (NULL, id) : g_strdup (name);
  const uint64_t *alias = g_hash_table_lookup (world->aliases, key);

  if (numbered && g_hash_table_contains (world->records, &id))
    return id;
  return alias == NULL || !g_hash_table_contains (world->records, alias) ? 0 : *alias;
}

static char *
real_name (const char *word)
{
  g_auto (GStrv) halves = NULL;
  g_auto (GStrv) parts = g_strsplit (word, "rec.json", -1);
  g_autofree char *joined = g_strjoinv (REC_NAME, parts);

  if (strcmp (word, "id.json") == 0)
    return g_strdup ("7010000000201.json");
  halves = g_strsplit (joined, "other.json", -1);
  return g_strjoinv (OTHER_NAME, halves);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static int
look_up (World *world, const char *name)
{
  return call (world, (EditEvent){ .kind = EDIT_LOOKUP, .name = name, .id = resolve (world, name) });
}

static const char *
shown_text (World *world, uint64_t node, uint64_t id)
{
  uint64_t draft = node == 0 ? 0 : editing_draft_of (world->editing, node);
  const char *text = draft != 0 ? text_of (world, draft) : g_hash_table_lookup (world->records, &id);

  return text == NULL ? "" : text;
}

static unsigned
flags_of (const char *word)
{
  unsigned flags = 0;

  for (; *word != '\0'; word++)
    flags |= *word == 'r'   ? EDIT_READS
             : *word == 'w' ? EDIT_WRITES
             : *word == 't' ? EDIT_TRUNCATES | EDIT_WRITES
             : *word == 'a' ? EDIT_APPENDS | EDIT_WRITES
                            : EDIT_EXCLUSIVE;
  return flags;
}

static void
note_open (World *world, const char *letter, const char *text)
{
  Open *opened = g_new0 (Open, 1);

  opened->number = world->last_handle;
  opened->opened = g_strdup (text);
  g_hash_table_insert (world->opens, g_strdup (letter), opened);
}

static void
do_open (World *world, EditProcess process, char **words)
{
  g_autofree char *name = real_name (words[2]);
  g_autofree char *text = NULL;
  EditEvent event
      = { .kind = EDIT_OPEN, .process = process, .flags = flags_of (words[1]), .handle = ++world->last_handle };

  if (look_up (world, name) != 0)
    return;
  event.node = world->answer.node;
  event.id = event.node == 0 ? world->answer.id : 0;
  text = g_strdup (shown_text (world, world->answer.node, world->answer.id));
  note_open (world, words[3], text);
  if (call (world, event) != 0)
    g_hash_table_remove (world->opens, words[3]);
}

/* As open() with O_CREAT, where the name was not found. */
static void
do_create (World *world, EditProcess process, char **words)
{
  g_autofree char *name = real_name (words[2]);
  EditEvent event = { .kind = EDIT_CREATE,
                      .process = process,
                      .name = name,
                      .id = resolve (world, name),
                      .flags = flags_of (words[1]),
                      .handle = ++world->last_handle };

  note_open (world, words[3], "");
  if (call (world, event) != 0)
    g_hash_table_remove (world->opens, words[3]);
}

static Open *
open_of (const World *world, const char *letter)
{
  Open *opened = g_hash_table_lookup (world->opens, letter);

  if (opened == NULL)
    trouble (world, "the script has no handle", letter);
  return opened;
}

static void
do_write (World *world, EditProcess process, char **words)
{
  Open *opened = open_of (world, words[1]);
  size_t size = strlen (words[2]);
  GString *text;

  if (call (world,
            (EditEvent){ .kind = EDIT_WRITE, .process = process, .handle = opened->number, .size = (int64_t)size })
      != 0)
    return;
  text = g_hash_table_lookup (world->drafts, &world->answer.draft);
  if (world->answer.at_end)
    opened->offset = (int64_t)text->len;
  while ((int64_t)text->len < opened->offset)
    g_string_append_c (text, '?');
  g_string_overwrite_len (text, (gsize)opened->offset, words[2], (gssize)size);
  opened->offset += (int64_t)size;
}

static void
do_path_truncate (World *world, EditProcess process, char **words)
{
  g_autofree char *name = real_name (words[1]);
  EditEvent event = { .kind = EDIT_TRUNCATE, .process = process, .size = g_ascii_strtoll (words[2], NULL, 10) };

  if (look_up (world, name) != 0)
    return;
  event.node = world->answer.node;
  event.id = event.node == 0 ? world->answer.id : 0;
  call (world, event);
}

static void
do_rename (World *world, EditProcess process, char **words)
{
  g_autofree char *from = real_name (words[1]);
  g_autofree char *to = real_name (words[2]);
  unsigned flags = words[3] == NULL ? 0 : strcmp (words[3], "noreplace") == 0 ? 1 : 2;

  call (world, (EditEvent){ .kind = EDIT_RENAME,
                            .process = process,
                            .name = from,
                            .id = resolve (world, from),
                            .new_name = to,
                            .new_id = resolve (world, to),
                            .rename_flags = flags });
}

static void
do_named (World *world, EditEventKind kind, EditProcess process, char **words)
{
  g_autofree char *name = real_name (words[1] == NULL ? "x" : words[1]);

  call (world, (EditEvent){ .kind = kind, .process = process, .name = name, .id = resolve (world, name) });
}

static void
do_handle (World *world, EditEventKind kind, EditProcess process, char **words)
{
  EditEvent event = { .kind = kind, .process = process, .handle = open_of (world, words[1])->number };

  if (kind == EDIT_TRUNCATE)
    event.size = g_ascii_strtoll (words[2], NULL, 10);
  call (world, event);
  if (kind == EDIT_RELEASE)
    g_hash_table_remove (world->opens, words[1]);
}

static void
do_close (World *world, EditProcess process, char **words)
{
  int result;

  do_handle (world, EDIT_FLUSH, process, words);
  result = world->result;
  do_handle (world, EDIT_RELEASE, (EditProcess){ 0, 0 }, words);
  world->result = result;
}

static void
do_call (World *world, EditProcess process, char **words)
{
  static const struct
  {
    const char *word;
    EditEventKind kind;
    void (*run) (World *world, EditEventKind kind, EditProcess process, char **words);
  } plain[] = {
    { "trunc", EDIT_TRUNCATE, do_handle },  { "flush", EDIT_FLUSH, do_handle },  { "fsync", EDIT_FSYNC, do_handle },
    { "release", EDIT_RELEASE, do_handle }, { "unlink", EDIT_UNLINK, do_named }, { "symlink", EDIT_SYMLINK, do_named },
    { "link", EDIT_LINK, do_named },        { "mkdir", EDIT_MKDIR, do_named },   { "chmod", EDIT_SETATTR, do_named },
    { "stat", EDIT_LOOKUP, do_named },
  };
  static const struct
  {
    const char *word;
    void (*run) (World *world, EditProcess process, char **words);
  } special[] = {
    { "open", do_open },   { "create", do_create },           { "write", do_write },
    { "close", do_close }, { "pathtrunc", do_path_truncate }, { "rename", do_rename },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (plain); i++)
    if (strcmp (words[0], plain[i].word) == 0)
      {
        plain[i].run (world, plain[i].kind, process, words);
        return;
      }
  for (size_t i = 0; i < G_N_ELEMENTS (special); i++)
    if (strcmp (words[0], special[i].word) == 0)
      {
        special[i].run (world, process, words);
        return;
      }
  trouble (world, "no such statement:", words[0]);
}

/* ---- scripts ----------------------------------------------------------------------------------------------------- */

static int
errno_named (const char *name)
{
  static const struct
  {
    const char *name;
    int number;
  } errnos[] = {
    { "EPERM", EPERM }, { "ENOENT", ENOENT }, { "EEXIST", EEXIST }, { "EINVAL", EINVAL },
    { "EBUSY", EBUSY }, { "EACCES", EACCES }, { "EROFS", EROFS },   { "EINTR", EINTR },
    { "EBADF", EBADF }, { "ENOSPC", ENOSPC }, { "ESTALE", ESTALE }, { "ELOOP", ELOOP },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (errnos); i++)
    if (strcmp (errnos[i].name, name) == 0)
      return errnos[i].number;
  g_error ("no errno %s", name);
}

static EditProcess
process_named (const World *world, const char *word)
{
  if (word[0] != 'P')
    trouble (world, "no process:", word);
  return (EditProcess){ (uint64_t)(word[1] - '0') + 1000, 7 };
}

static void
let_time_pass (World *world, int64_t by_us)
{
  int64_t end = world->now + by_us;

  for (int64_t next = editing_next_us (world->editing); next <= end; next = editing_next_us (world->editing))
    {
      world->now = MAX (world->now, next);
      news (world, (EditEvent){ .kind = EDIT_TIME });
    }
  world->now = end;
  news (world, (EditEvent){ .kind = EDIT_TIME });
}

static void
go (World *world)
{
  world->held = false;
  settle (world);
}

static void
give_back (World *world)
{
  Sent *sent = g_queue_pop_head (&world->sent);

  feed (world, (EditEvent){ .kind = EDIT_COMMITTED, .commit = sent->number, .outcome = EDIT_UNSENT, .error = EINTR });
  sent_free (sent);
}

static void
expect_text (const World *world, const char *found, const char *text)
{
  g_autofree char *both = g_strdup_printf ("%s, not %s", found, text);

  if (strcmp (found, text) != 0)
    trouble (world, "the text is", both);
}

/* A statement that is no call. Returns: false for others. */
static bool
do_other (World *world, char **words)
{
  const char *word = words[0];
  g_autofree char *name = words[1] == NULL ? NULL : real_name (words[1]);

  if (strcmp (word, "reads") == 0)
    {
      uint64_t draft = editing_shown (world->editing, open_of (world, words[1])->number);

      expect_text (world, draft != 0 ? text_of (world, draft) : open_of (world, words[1])->opened,
                   words[2] == NULL ? "" : words[2]);
    }
  else if (strcmp (word, "shows") == 0)
    {
      if (look_up (world, name) != 0)
        trouble (world, "there is no", name);
      expect_text (world, shown_text (world, world->answer.node, world->answer.id), words[2] == NULL ? "" : words[2]);
    }
  else if (strcmp (word, "gone") == 0)
    {
      if (look_up (world, name) != ENOENT)
        trouble (world, "still there:", name);
      world->result = 0;
    }
  else if (strcmp (word, "wait") == 0)
    let_time_pass (world, (int64_t)(g_ascii_strtod (words[1], NULL) * (double)SECOND));
  else if (strcmp (word, "end") == 0)
    news (world, (EditEvent){ .kind = EDIT_ENDED, .process = process_named (world, words[1]) });
  else if (strcmp (word, "drain") == 0)
    news (world, (EditEvent){ .kind = EDIT_DRAIN });
  else if (strcmp (word, "unmount") == 0)
    news (world, (EditEvent){ .kind = EDIT_UNMOUNT });
  else if (strcmp (word, "refuse") == 0)
    world->refuse = errno_named (words[1]);
  else if (strcmp (word, "keep") == 0)
    world->keep = errno_named (words[1]);
  else if (strcmp (word, "dry") == 0)
    world->dry = true;
  else if (strcmp (word, "hold") == 0)
    world->held = true;
  else if (strcmp (word, "go") == 0)
    go (world);
  else if (strcmp (word, "unsent") == 0)
    give_back (world);
  else if (strcmp (word, "interrupt") == 0)
    news (world, (EditEvent){ .kind = EDIT_INTERRUPT, .request = world->request });
  else if (strcmp (word, "full") == 0)
    news (world, (EditEvent){ .kind = EDIT_FAILED, .handle = open_of (world, words[1])->number, .error = ENOSPC });
  else if (strcmp (word, "vanish") == 0)
    {
      g_hash_table_remove (world->records, &(uint64_t){ REC });
      news (world, (EditEvent){ .kind = EDIT_VANISHED, .id = REC });
    }
  else if (strcmp (word, "appear") == 0)
    {
      g_hash_table_insert (world->records, key_of (REC), g_strdup ("{old}"));
      news (world, (EditEvent){ .kind = EDIT_APPEARED, .id = REC });
    }
  else
    return false;
  return true;
}

/* What the call before this statement was to give. Returns: whether the statement says so. */
static bool
check_result (World *world, char **words)
{
  int result = world->result;

  if (strcmp (words[0], "fails") == 0)
    {
      if (result != errno_named (words[1]))
        trouble (world, "did not fail with", words[1]);
      world->result = 0;
      return true;
    }
  if (strcmp (words[0], "waits") == 0)
    {
      if (result != PENDING)
        trouble (world, "did not wait", "");
      world->result = 0;
      return true;
    }
  if (result != 0)
    {
      g_autofree char *before
          = g_strdup_printf ("failed before \"%s\": %s", words[0], result < 0 ? "" : g_strerror (result));

      trouble (world, before, "");
    }
  return false;
}

static void
run_statement (World *world, const char *statement)
{
  g_autofree char *text = g_strstrip (g_strdup (statement));
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  if (text[0] == '\0' || check_result (world, words))
    return;
  if (!do_other (world, words))
    do_call (world, process_named (world, words[0]), words + 1);
}

static void
run (World *world, const char *script)
{
  g_auto (GStrv) statements = g_strsplit (script, ";", -1);

  world->script = script;
  world->result = 0;
  for (size_t i = 0; statements[i] != NULL; i++)
    run_statement (world, statements[i]);
  check_result (world, (char *[]){ "the end", NULL });
}

static void
add_name (const char *name, uint64_t node, bool is_link, void *data)
{
  g_ptr_array_add (data, g_strdup (name));
}

static int
by_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static GPtrArray *
names_left (const World *world)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  editing_list (world->editing, add_name, names);
  g_ptr_array_sort (names, by_text);
  return names;
}

/* Everyone went home. */
static void
finish (World *world)
{
  go (world);
  for (char p = '1'; p <= '9'; p++)
    run_statement (world, (char[]){ 'e', 'n', 'd', ' ', 'P', p, '\0' });
  let_time_pass (world, 200 * SECOND);
}

static void
check_nothing_held (World *world)
{
  EditingCounts counts = editing_counts (world->editing);
  g_autoptr (GPtrArray) names = names_left (world);

  if (counts.nodes != names->len || counts.handles != 0 || counts.flying != 0 || counts.deletes != 0
      || g_hash_table_size (world->drafts) > names->len || g_hash_table_size (world->scheduled) != 0
      || g_hash_table_size (world->waiting) != 0)
    trouble (world, "something is still held", "");
}

/* ---- what programs do -------------------------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  const char *script;
  unsigned puts, posts, deletes, kept;
  const char *text; /* of REC in the end; NULL: as it was; "": gone */
  const char *left; /* local names in the end */
} Case;

#define VIM_SWAP "P1 create rwe .rec.json.swp s; P1 write s b0VIM; "
#define VIM_BYE "; P1 close s; P1 unlink .rec.json.swp"
#define VIM_PROBE "P1 create e 4913 p; P1 chmod 4913; P1 close p; P1 unlink 4913; "
#define VIM_SAVE(text)                                                                                                 \
  VIM_PROBE "P1 rename rec.json rec.json~; P1 create w rec.json h; P1 trunc h 0; P1 write h " text                     \
            "; P1 fsync h; P1 chmod rec.json; P1 close h; P1 unlink rec.json~"

static const Case saves[] = {
  { "vim", VIM_SWAP VIM_SAVE ("{new}") VIM_BYE, 1, 0, 0, 0, "{new}", "" },
  { "vim twice", VIM_SWAP VIM_SAVE ("{new}") "; wait 9; " VIM_SAVE ("{newer}") VIM_BYE, 2, 0, 0, 0, "{newer}", "" },
  { "vim twice at once", VIM_SWAP VIM_SAVE ("{new}") "; " VIM_SAVE ("{newer}") VIM_BYE, 2, 0, 0, 0, "{newer}", "" },
  { "vim without a change", VIM_SWAP VIM_SAVE ("{old}") VIM_BYE, 0, 0, 0, 0, NULL, "" },
  { "vim, slow between rename and create",
    VIM_PROBE "P1 rename rec.json rec.json~; gone rec.json; wait 5; shows rec.json {old}; P1 create w rec.json h;"
              "P1 trunc h 0; P1 write h {new}; P1 fsync h; P1 close h; P1 unlink rec.json~",
    1, 0, 0, 0, "{new}", "" },
  { "vim backupcopy=yes",
    "P1 create we rec.json~ b; P1 write b {old}; P1 close b; P1 open w rec.json h; P1 trunc h 0; P1 write h {new};"
    "P1 fsync h; P1 chmod rec.json; P1 close h; P1 unlink rec.json~",
    1, 0, 0, 0, "{new}", "" },
  { "vim nowritebackup",
    "P1 open w rec.json h; P1 trunc h 0; P1 write h {new}; P1 fsync h; P1 chmod rec.json; P1 close h", 1, 0, 0, 0,
    "{new}", "" },
  { "vim, the save fails",
    VIM_PROBE "P1 rename rec.json rec.json~; P1 create w rec.json h; P1 trunc h 0; P1 write h {new}; refuse EBUSY;"
              "P1 fsync h; fails EBUSY; P1 close h; fails EBUSY; P1 unlink rec.json; P1 rename rec.json~ rec.json;"
              "shows rec.json {old}",
    0, 0, 0, 1, NULL, "" },
  { "vim, the save fails, then works",
    VIM_PROBE
    "P1 rename rec.json rec.json~; P1 create w rec.json h; P1 trunc h 0; P1 write h {bad; P1 fsync h; fails EINVAL;"
    "P1 close h; fails EINVAL; P1 unlink rec.json; P1 rename rec.json~ rec.json; " VIM_SAVE ("{new}"),
    1, 0, 0, 1, "{new}", "" },
  { "vim, the backup rename refused",
    "P1 create we rec.json~ b; P1 write b {old}; P1 close b; P1 unlink rec.json; gone rec.json; P1 create we rec.json "
    "h;"
    "P1 trunc h 0; P1 write h {new}; P1 fsync h; P1 close h; P1 unlink rec.json~",
    1, 0, 0, 0, "{new}", "" },
  { "vim, a new file",
    VIM_SWAP
    "P1 create w new.json h; P1 trunc h 0; P1 write h {new}; P1 fsync h; P1 close h; shows new.json {new}" VIM_BYE,
    0, 1, 0, 0, NULL, "" },
  { "vim, a new file saved twice",
    "P1 create w new.json h; P1 trunc h 0; P1 write h {new}; P1 fsync h; P1 close h; P1 rename new.json new.json~; "
    "gone new.json;"
    "P1 create w new.json h; P1 trunc h 0; P1 write h {newer}; P1 fsync h; P1 close h; P1 unlink new.json~; shows "
    "new.json {newer}",
    1, 1, 0, 0, NULL, "" },
  { "vim of a symlinked lock", "P1 symlink .rec.json.swp; P1 unlink .rec.json.swp", 0, 0, 0, 0, NULL, "" },
  { "nano", "P1 open wt rec.json h; P1 write h {new}; P1 fsync h; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "nano -B",
    "P1 create we rec.json~ b; P1 write b {old}; P1 close b; P1 open wt rec.json h; P1 write h {new}; P1 fsync h; P1 "
    "close h",
    1, 0, 0, 0, "{new}", "rec.json~" },
  { "nano -G",
    "P1 create we .rec.json.swp s; P1 write s nano; P1 close s; P1 open wt rec.json h; P1 write h {new}; P1 fsync h; "
    "P1 close h;"
    "P1 unlink .rec.json.swp",
    1, 0, 0, 0, "{new}", "" },
  { "nano, hung up", "P1 create we rec.json.save h; P1 write h {new}; P1 fsync h; P1 close h", 0, 0, 0, 0, NULL,
    "rec.json.save" },
  { "emacs",
    "P1 symlink .#rec.json; P1 create w #rec.json# a; P1 write a {ne; P1 close a; P1 rename rec.json rec.json~;"
    "P1 create we rec.json h; P1 write h {new}; P1 fsync h; P1 close h; P1 unlink #rec.json#; P1 unlink .#rec.json",
    1, 0, 0, 0, "{new}", "rec.json~" },
  { "emacs, backup-by-copying",
    "P1 create we .#rec.json l; P1 close l; P1 create we rec.json~ b; P1 write b {old}; P1 close b; P1 open wt "
    "rec.json h;"
    "P1 write h {new}; P1 fsync h; P1 close h; P1 unlink .#rec.json",
    1, 0, 0, 0, "{new}", "rec.json~" },
  { "emacs, the second save", "P1 open wt rec.json h; P1 write h {new}; P1 fsync h; P1 close h", 1, 0, 0, 0, "{new}",
    "" },
  { "ed", "P1 open wt rec.json h; P1 write h {new}; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "micro, joe",
    "P1 create w rec.json~ b; P1 write b {old}; P1 close b; P1 open wt rec.json h; P1 write h {n; P1 write h ew};"
    "P1 close h; P1 unlink rec.json~",
    1, 0, 0, 0, "{new}", "" },
  { "sed -i",
    "P1 open r rec.json o; P1 create we sedAb12cD t; P1 chmod sedAb12cD; P1 write t {new}; P1 close o; P1 close t;"
    "P1 rename sedAb12cD rec.json",
    1, 0, 0, 0, "{new}", "" },
  { "sed -i.bak",
    "P1 open r rec.json o; P1 create we sedAb12cD t; P1 write t {new}; P1 close o; P1 close t; P1 rename rec.json "
    "rec.json.bak;"
    "P1 rename sedAb12cD rec.json",
    1, 0, 0, 0, "{new}", "rec.json.bak" },
  { "perl -pi",
    "P1 open r rec.json o; P1 create we XXAb12cD3e t; P1 chmod XXAb12cD3e; P1 write t {new}; P1 flush t;"
    "P1 rename XXAb12cD3e rec.json; reads o {old}; P1 close o; P1 close t",
    1, 0, 0, 0, "{new}", "" },
  { "perl -pi.bak",
    "P1 open r rec.json o; P1 create we XXAb12cD3e t; P1 write t {new}; P1 close t; P1 link; fails EPERM;"
    "P1 rename rec.json rec.json.bak; P1 rename XXAb12cD3e rec.json; P1 close o",
    1, 0, 0, 0, "{new}", "rec.json.bak" },
  { "ruby -i",
    "P1 open r rec.json o; P1 unlink rec.json; P1 create w rec.json h; P1 write h {new}; reads o {old}; P1 close o; P1 "
    "close h",
    1, 0, 0, 0, "{new}", "" },
  { "ruby -i.bak",
    "P1 open r rec.json o; P1 rename rec.json rec.json.bak; P1 create w rec.json h; P1 write h {new}; P1 close o; P1 "
    "close h",
    1, 0, 0, 0, "{new}", "rec.json.bak" },
  { "python open('w')", "P1 open wt rec.json h; P1 write h {new}; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "python open('r+')", "P1 open rw rec.json h; P1 write h {NEW}; P1 trunc h 5; P1 close h", 1, 0, 0, 0, "{NEW}", "" },
  { "os.replace", "P1 create we rec.json.tmp1234 t; P1 write t {new}; P1 close t; P1 rename rec.json.tmp1234 rec.json",
    1, 0, 0, 0, "{new}", "" },
  { "os.replace with fsync",
    "P1 create we tmpab12 t; P1 write t {new}; P1 fsync t; P1 close t; P1 rename tmpab12 rec.json", 1, 0, 0, 0, "{new}",
    "" },
  { "json.dump in pieces", "P1 open wt rec.json h; P1 write h {n; P1 write h e; P1 write h w}; P1 close h", 1, 0, 0, 0,
    "{new}", "" },
  { "node writeFile", "P1 open wt rec.json h; P1 write h {new}; P1 flush h; P1 release h", 1, 0, 0, 0, "{new}", "" },
  { "VS Code", "P1 open wt rec.json h; P1 write h {new}; P1 fsync h; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "VS Code hears of it at close, fsync ignored",
    "P1 open wt rec.json h; P1 write h {new; P1 fsync h; fails EINVAL; P1 flush h; fails EINVAL; P1 release h", 0, 0, 0,
    1, NULL, "" },
  { "jq and mv", "P1 create w tmp.Ab12 t; P2 write t {new}; P2 flush t; P1 close t; P3 rename tmp.Ab12 rec.json", 1, 0,
    0, 0, "{new}", "" },
  { "jq onto itself",
    "P1 open wt rec.json h; P1 flush h; P1 open r rec.json o; reads o ; P1 close o; P1 close h; wait 3", 0, 0, 0, 0,
    NULL, "" },
  { "sponge", "P1 open wt rec.json h; P1 write h {new}; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "tee", "P1 open wt rec.json h; P1 write h {n; P1 write h ew}; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "cp over", "P1 open wt rec.json h; P1 write h {new}; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "cp -p over", "P1 open wt rec.json h; P1 write h {new}; P1 chmod rec.json; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "cp --remove-destination", "P1 unlink rec.json; P1 create we rec.json h; P1 write h {new}; P1 close h", 1, 0, 0, 0,
    "{new}", "" },
  { "mv from outside", "P1 unlink rec.json; P1 create we rec.json h; P1 write h {new}; P1 chmod rec.json; P1 close h",
    1, 0, 0, 0, "{new}", "" },
  { "mv from outside, slow", "P1 unlink rec.json; wait 30; P1 create we rec.json h; P1 write h {new}; P1 close h", 1, 0,
    0, 0, "{new}", "" },
  { "mv from outside, another label", "P1 unlink rec.json; P1 create we id.json h; P1 write h {new}; P1 close h", 1, 0,
    0, 0, "{new}", "" },
  { "dd", "P1 open wt rec.json h; P1 flush h; P1 write h {n; P1 write h ew}; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "dd conv=notrunc", "P1 open w rec.json h; P1 write h {new}; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "truncate, then append",
    "P1 open w rec.json h; P1 trunc h 0; P1 close h; end P1; shows rec.json; P2 open a rec.json h; P2 flush h; P2 "
    "write h {new};"
    "P2 close h",
    1, 0, 0, 0, "{new}", "" },
  { "truncate by path, then write", "P1 pathtrunc rec.json 0; P1 open w rec.json h; P1 write h {new}; P1 close h", 1, 0,
    0, 0, "{new}", "" },
  { "truncate and nothing, while somebody looks",
    "P1 open w rec.json h; P1 trunc h 0; P1 close h; wait 1; P2 open r rec.json o; P2 close o; wait 1;"
    "shows rec.json {old}",
    0, 0, 0, 0, NULL, "" },
  { "truncate and nothing", "P1 open w rec.json h; P1 trunc h 0; P1 close h; wait 3; shows rec.json {old}", 0, 0, 0, 0,
    NULL, "" },
  { "truncate by path to its size", "P1 pathtrunc rec.json 5", 0, 0, 0, 0, NULL, "" },
  { "truncate by path to bad JSON", "P1 pathtrunc rec.json 3; fails EINVAL; shows rec.json {old}", 0, 0, 0, 1, NULL,
    "" },
  { "shell >", "P1 open wt rec.json h; P1 flush h; P1 write h {new}; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "shell > of nothing", "P1 open wt rec.json h; P1 flush h; P1 close h; wait 3; shows rec.json {old}", 0, 0, 0, 0,
    NULL, "" },
  { "shell >> makes bad JSON",
    "P1 open a rec.json h; P1 flush h; P1 write h more; P1 close h; fails EINVAL; shows rec.json {old}", 0, 0, 0, 1,
    NULL, "" },
  { "{ cat a; cat b; } >",
    "P1 open wt rec.json h; P1 flush h; P2 write h {n; P2 flush h; P3 write h ew}; P3 flush h; P1 close h", 1, 0, 0, 0,
    "{new}", "" },
  { "{ cat a; echo b; } >",
    "P1 open wt rec.json h; P1 flush h; P2 write h {n; P2 flush h; P1 write h ew}; P1 flush h; P1 release h", 1, 0, 0,
    0, "{new}", "" },
  { "a child writes and nobody flushes it whole", "P1 open wt rec.json h; P1 flush h; P2 write h {new}; P1 release h",
    1, 0, 0, 0, "{new}", "" },
  { "rsync -a",
    "P1 create we .rec.json.Ab12cD t; P1 chmod .rec.json.Ab12cD; P1 write t {new}; P1 close t; P1 chmod "
    ".rec.json.Ab12cD;"
    "P1 open r .rec.json.Ab12cD t; P1 chmod .rec.json.Ab12cD; P1 close t; P1 rename .rec.json.Ab12cD rec.json",
    1, 0, 0, 0, "{new}", "" },
  { "rsync --inplace", "P1 open w rec.json h; P1 write h {NEW}; P1 trunc h 5; P1 close h", 1, 0, 0, 0, "{NEW}", "" },
  { "tar x", "P1 unlink rec.json; P1 create we rec.json h; P1 write h {new}; P1 chmod rec.json; P1 close h", 1, 0, 0, 0,
    "{new}", "" },
  { "git checkout", "P1 unlink rec.json; P1 create we rec.json h; P1 write h {new}; P1 close h", 1, 0, 0, 0, "{new}",
    "" },
  { "git checkout of the same", "P1 unlink rec.json; P1 create we rec.json h; P1 write h {old}; P1 close h", 0, 0, 0, 0,
    NULL, "" },
  { "git init is refused", "P1 mkdir .git; fails EPERM", 0, 0, 0, 0, NULL, "" },
  { "patch",
    "P1 create we rec.json.orig b; P1 write b {old}; P1 close b; P1 create we poAb12cD t; P1 write t {new}; P1 close t;"
    "P1 rename poAb12cD rec.json; P1 unlink rec.json.orig",
    1, 0, 0, 0, "{new}", "" },
  { "GNOME",
    "P1 create we .goutputstream-Ab12cD t; P1 write t {new}; P1 fsync t; P1 close t; P1 rename rec.json rec.json~;"
    "P1 rename .goutputstream-Ab12cD rec.json",
    1, 0, 0, 0, "{new}", "rec.json~" },
  { "touch", "P1 open w rec.json h; P1 flush h; P1 chmod rec.json; P1 close h", 0, 0, 0, 0, NULL, "" },
  { "touch of a new file", "P1 create w new.json h; P1 flush h; P1 chmod new.json; P1 close h; shows new.json ", 0, 0,
    0, 0, NULL, "new.json" },
  { "open and close", "P1 open rw rec.json h; P1 close h; P1 open r rec.json h; P1 close h", 0, 0, 0, 0, NULL, "" },
  { "the same text", "P1 open wt rec.json h; P1 write h {old}; P1 close h", 0, 0, 0, 0, NULL, "" },
};

static void
check_case (const Case *c, World *world)
{
  g_autoptr (GPtrArray) names = names_left (world);
  const char *text = g_hash_table_lookup (world->records, &(uint64_t){ REC });
  g_auto (GStrv) words = g_strsplit (c->left, " ", -1);
  const char *expected = c->text == NULL ? "{old}" : c->text[0] == '\0' ? NULL : c->text;
  unsigned wanted = c->left[0] == '\0' ? 0 : g_strv_length (words);
  g_autofree char *found = g_strdup_printf ("%s: %u puts, %u posts, %u deletes, %u kept, text %s, %u names", c->name,
                                            world->puts, world->posts, world->deletes, world->kept, text, names->len);

  if (world->puts != c->puts || world->posts != c->posts || world->deletes != c->deletes || world->kept != c->kept
      || g_strcmp0 (text, expected) != 0 || names->len != wanted)
    trouble (world, found, "");
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *name = real_name (words[i]);

      g_assert_cmpstr (names->pdata[i], ==, name);
    }
  check_nothing_held (world);
}

static void
run_cases (const Case *cases, size_t count, const EditingConfig *config)
{
  for (size_t i = 0; i < count; i++)
    {
      g_autoptr (World) world = world_new (config);

      run (world, cases[i].script);
      finish (world);
      check_case (&cases[i], world);
    }
}

static void
test_saves (void)
{
  run_cases (saves, G_N_ELEMENTS (saves), &writable);
}

/* ---- refusals, deletes, creates, races --------------------------------------------------------------------------- */

static const Case refusals[] = {
  { "a refused save reads as the server has it, and is kept",
    "refuse EBUSY; P1 open wt rec.json h; P1 write h {new}; P1 flush h; fails EBUSY; shows rec.json {old}; reads h "
    "{new}; P1 release h",
    0, 0, 0, 1, NULL, "" },
  { "what is written after a refused save goes on with what the handle wrote",
    "P1 open wt rec.json h; P1 write h {ne; P1 fsync h; fails EINVAL; P1 write h w}; P1 close h", 1, 0, 0, 1, "{new}",
    "" },
  { "what is written after a save goes on with what the handle wrote",
    "P1 open wt rec.json h; P1 write h {a}; P1 fsync h; shows rec.json {a}; P1 write h {b}; P1 close h", 2, 0, 0, 0,
    "{a}{b}", "" },
  { "appending after a save goes to the end of what the handle wrote",
    "P1 open at rec.json h; P1 write h {a}; P1 fsync h; P1 write h {b}; P1 close h", 2, 0, 0, 0, "{a}{b}", "" },
  { "a refused rename leaves the scratch where it was, and a copy",
    "P1 create we tmp1 t; P1 write t {bad; P1 close t; P1 rename tmp1 rec.json; fails EINVAL; shows rec.json {old}; "
    "shows tmp1 {bad",
    0, 0, 0, 1, NULL, "tmp1" },
  { "a refused rename after the record was unlinked gives it back",
    "P1 create we tmp1 t; P1 write t {bad; P1 close t; P1 unlink rec.json; P1 rename tmp1 rec.json; fails EINVAL; "
    "shows rec.json {old};"
    "P1 unlink tmp1",
    0, 0, 0, 1, NULL, "" },
  { "a scratch is renamed again after a refusal",
    "P1 create we tmp1 t; P1 write t {new}; P1 close t; refuse EBUSY; P1 rename tmp1 rec.json; fails EBUSY; P1 rename "
    "tmp1 rec.json",
    1, 0, 0, 1, "{new}", "" },
  { "an empty file is no record",
    "P1 create we tmp1 t; P1 close t; P1 rename tmp1 rec.json; fails EINVAL; P1 unlink tmp1", 0, 0, 0, 0, NULL, "" },
  { "renameat2",
    "P1 create we tmp1 t; P1 write t {new}; P1 close t; P1 rename tmp1 rec.json exchange; fails EINVAL;"
    "P1 rename tmp1 rec.json noreplace; fails EEXIST; P1 rename tmp1 tmp2 noreplace; P1 unlink tmp2",
    0, 0, 0, 0, NULL, "" },
  { "records are not renamed",
    "P1 rename rec.json other.json; fails EPERM; P1 rename rec.json new.json; fails EPERM;"
    "P1 rename rec.json id.json; P1 rename rec.json notes; fails EPERM",
    0, 0, 0, 0, NULL, "" },
  { "exclusive create of a record", "P1 create we rec.json h; fails EEXIST; P1 create we id.json h; fails EEXIST", 0, 0,
    0, 0, NULL, "" },
  { "symlinks are scratch",
    "P1 symlink a.json; fails EPERM; P1 symlink lock; P1 rename lock a.json; fails EPERM; P1 symlink lock;"
    "fails EEXIST; P1 open r lock h; fails ELOOP; P1 unlink lock",
    0, 0, 0, 0, NULL, "" },
  { "a full disk is no save",
    "P1 open wt rec.json h; P1 write h {new}; full h; P1 flush h; fails ENOSPC; P1 release h; shows rec.json {old}", 0,
    0, 0, 1, NULL, "" },
  { "a full disk, started anew",
    "P1 open at rec.json h; P1 write h {bad}; full h; P1 trunc h 0; P1 write h {new}; P1 close h", 1, 0, 0, 0, "{new}",
    "" },
  { "the record vanished",
    "P1 open wt rec.json h; P1 write h {new}; vanish; P1 flush h; fails ENOENT; P1 release h; gone rec.json", 0, 0, 0,
    1, "", "" },
  { "an interrupt of what has not gone out",
    "P1 open wt rec.json h; P1 write h {new}; hold; P1 flush h; waits; P2 open w id.json i; P2 write i {NEW}; P2 flush "
    "i; waits; interrupt;"
    "fails EINTR; go; P1 release h; P2 close i",
    2, 0, 0, 0, "{NEW}", "" },
  { "a save given back is saved at the next chance",
    "P1 open wt rec.json h; P1 write h {new}; hold; P1 flush h; waits; unsent; fails EINTR; go; P1 release h", 1, 0, 0,
    0, "{new}", "" },
};

static const Case deletes[] = {
  { "rm", "P1 unlink rec.json; gone rec.json; gone id.json; P1 unlink rec.json; fails ENOENT", 0, 0, 1, 0, "", "" },
  { "rm, refused", "keep EACCES; P1 unlink rec.json; end P1; wait 3; shows rec.json {old}", 0, 0, 0, 0, NULL, "" },
  { "rm and drain", "P1 unlink rec.json; drain; vanish", 0, 0, 1, 0, "", "" },
  { "rm and touch", "P1 unlink rec.json; P1 create w rec.json h; P1 close h; wait 3; shows rec.json {old}", 0, 0, 0, 0,
    NULL, "" },
  { "rm of one that vanishes", "P1 unlink rec.json; vanish", 0, 0, 0, 0, "", "" },
  { "rm of a scratch that was the record",
    "P1 rename rec.json rec.json~; P1 unlink rec.json~; wait 3; shows rec.json {old}", 0, 0, 0, 0, NULL, "" },
  { "a backup renamed back saves nothing",
    "P1 rename rec.json rec.json~; P1 rename rec.json~ rec.json; shows rec.json {old}", 0, 0, 0, 0, NULL, "" },
  { "a backup renamed back late", "P1 rename rec.json rec.json~; wait 9; P1 rename rec.json~ rec.json", 0, 0, 0, 0,
    NULL, "" },
  { "a backup renamed back after a save restores",
    "P1 rename rec.json rec.json~; P1 create w rec.json h; P1 write h {new}; P1 close h; P1 rename rec.json~ rec.json",
    2, 0, 0, 0, NULL, "" },
  { "a backup that was edited is saved",
    "P1 rename rec.json rec.json~; P1 open wt rec.json~ h; P1 write h {new}; P1 close h;"
    "P1 rename rec.json~ rec.json",
    1, 0, 0, 0, "{new}", "" },
  { "a save while the delete is on the wire, and it was deleted",
    "P1 unlink rec.json; end P1; hold; wait 3; P2 create w rec.json h; P2 write h {new}; P2 flush h; waits; go; P2 "
    "release h; shows rec.json {new}",
    0, 1, 1, 0, "", "" },
  { "a save while the delete is on the wire, and it was refused",
    "P1 unlink rec.json; end P1; hold; keep EACCES; wait 3; P2 create w rec.json h; P2 write h {new}; P2 flush h; "
    "waits; go; P2 release h",
    1, 0, 0, 0, "{new}", "" },
  { "a rename while the delete is on the wire",
    "P1 unlink rec.json; end P1; hold; wait 3; P2 create w tmp1 h; P2 write h {new}; P2 close h; P2 rename tmp1 "
    "rec.json; waits; go",
    0, 1, 1, 0, "", "" },
  { "a delete waits for the save that is under way",
    "P1 open wt rec.json h; P1 write h {new}; hold; P1 flush h; waits; P2 unlink rec.json; end P2; wait 9; go; P1 "
    "release h",
    1, 0, 1, 0, "", "" },
  { "what is written to an unlinked record by another is kept",
    "P1 open wt rec.json h; P1 write h {new}; P2 unlink rec.json; P1 close h", 0, 0, 1, 1, "", "" },
  { "what is written to an unlinked record by the same is not",
    "P1 open wt rec.json h; P1 write h {new}; P1 unlink rec.json; P1 close h", 0, 0, 1, 0, "", "" },
  { "what is written to a replaced record is kept",
    "P1 open wt rec.json h; P1 write h {new}; P2 create w tmp1 t; P2 write t {theirs}; P2 close t; P2 rename tmp1 "
    "rec.json; P1 close h",
    1, 0, 0, 1, "{theirs}", "" },
};

static const Case creates[] = {
  { "cp", "P1 create we new.json h; P1 write h {new}; P1 chmod new.json; P1 close h; shows new.json {new}", 0, 1, 0, 0,
    NULL, "" },
  { "cp twice",
    "P1 create we new.json h; P1 write h {a}; P1 close h; P1 open wt new.json h; P1 write h {b}; P1 close h", 1, 1, 0,
    0, NULL, "" },
  { "empty first", "P1 create w new.json h; P1 close h; wait 99; P2 open wt new.json h; P2 write h {new}; P2 close h",
    0, 1, 0, 0, NULL, "" },
  { "bad first",
    "P1 create w new.json h; P1 write h {bad; P1 close h; fails EINVAL; shows new.json {bad; P1 open wt new.json h;"
    "P1 write h {new}; P1 close h",
    0, 1, 0, 0, NULL, "" },
  { "bad, and stays", "P1 create w new.json h; P1 write h {bad; P1 close h; fails EINVAL; wait 99", 0, 0, 0, 0, NULL,
    "new.json" },
  { "bad, and kept at the end", "P1 create w new.json h; P1 write h {bad; P1 close h; fails EINVAL; unmount", 0, 0, 0,
    1, NULL, "" },
  { "renamed to a new name",
    "P1 create we .new.json.Ab12cD t; P1 write t {new}; P1 close t; P1 rename .new.json.Ab12cD new.json;"
    "shows new.json {new}",
    0, 1, 0, 0, NULL, "" },
  { "renamed to a new name, refused",
    "P1 create we tmp1 t; P1 write t {bad; P1 close t; P1 rename tmp1 new.json; fails EINVAL; gone new.json;"
    "P1 unlink tmp1",
    0, 0, 0, 1, NULL, "" },
  { "a restore of a record that is no more",
    "vanish; P1 create we rec.json h; P1 write h {new}; P1 close h; P1 open wt id.json h;"
    "P1 write h {newer}; P1 close h",
    1, 1, 0, 0, "", "" },
  { "a record comes back under the name of a new file",
    "vanish; P1 create we rec.json h; appear; P1 write h {new}; P1 close h", 1, 0, 0, 0, "{new}", "" },
  { "upsert",
    "P1 create w Email=x@example.com.json h; P1 write h {new}; P1 close h; P1 open wt Email=x@example.com.json h; P1 "
    "write h {b};"
    "P1 close h",
    1, 1, 0, 0, NULL, "" },
  { "rm of a new one", "P1 create w new.json h; P1 write h {new}; P1 close h; P1 unlink new.json; gone new.json", 0, 1,
    1, 0, NULL, "" },
  { "rm of a new one before it is one", "P1 create w new.json h; P1 write h {new}; P1 unlink new.json; P1 close h", 0,
    0, 0, 0, NULL, "" },
  { "rm of a new one on the wire",
    "P1 create w new.json h; P1 write h {new}; hold; P1 flush h; waits; P2 unlink new.json; go; P1 release h", 0, 1, 1,
    0, NULL, "" },
  { "a new one on the wire, written again",
    "P1 create w new.json h; P1 write h {new}; hold; P1 flush h; waits; P2 open a new.json i;"
    "P2 write i {b}; P2 flush i; waits; go; P1 release h; P2 release i",
    1, 1, 0, 0, NULL, "" },
  { "a new one on the wire, replaced",
    "P1 create w new.json h; P1 write h {a}; hold; P1 flush h; waits; P2 create w tmp1 t; P2 write t {b};"
    "P2 close t; P2 rename tmp1 new.json; waits; go; P1 release h; shows new.json {b}",
    1, 1, 0, 0, NULL, "" },
  { "a new one on the wire, removed and made again",
    "P1 create w new.json h; P1 write h {a}; hold; P1 flush h; waits; P2 unlink new.json;"
    "P2 create w new.json i; P2 write i {b}; P2 flush i; waits; go; P1 release h; P2 release i; shows new.json {b}",
    1, 1, 0, 0, NULL, "" },
  { "new names move",
    "P1 create w a.json h; P1 rename a.json b.json; gone a.json; P1 write h {new}; P1 close h; shows b.json {new}", 0,
    1, 0, 0, NULL, "" },
  { "a new one onto a record",
    "P1 create w a.json h; P1 write h {bad; P1 close h; fails EINVAL; P1 open wt a.json h; P1 write h {new};"
    "P1 rename a.json rec.json; P1 close h",
    1, 0, 0, 0, "{new}", "" },
  { "scratch stays", "P1 create w x h; P1 write h {new}; P1 fsync h; P1 close h; wait 99", 0, 0, 0, 0, NULL, "x" },
};

static const Case races[] = {
  { "two write one draft",
    "P1 open wt rec.json h; P1 write h {n; P2 open w rec.json i; reads i {n; P2 close i; P1 write h ew}; P1 close h", 1,
    0, 0, 0, "{new}", "" },
  { "a sync of half a text by another saves nothing",
    "P1 open wt rec.json h; P1 write h {n; P2 open r rec.json i; P2 fsync i; P2 close i;"
    "P1 write h ew}; P1 close h",
    1, 0, 0, 0, "{new}", "" },
  { "a reader sees the draft, later ones the server's",
    "P1 open wt rec.json h; P1 write h {new}; P2 open r rec.json i; reads i {new};"
    "P1 close h; P2 close i",
    1, 0, 0, 0, "{new}", "" },
  { "saves of one record go one after the other",
    "P1 open wt rec.json h; P1 write h {a}; hold; P1 flush h; waits; P2 open wt id.json i; P2 write i {b};"
    "P2 flush i; waits; go; P1 release h; P2 release i",
    2, 0, 0, 0, "{b}", "" },
  { "a refused save and what is written meanwhile",
    "P1 open wt rec.json h; P1 write h {a}; hold; refuse EBUSY; P1 flush h; waits; P2 open wt id.json i;"
    "P2 write i {b}; P2 flush i; waits; go; P1 release h; P2 release i",
    1, 0, 0, 1, "{b}", "" },
  { "two flushes of one write",
    "P1 open wt rec.json h; P1 write h {a}; hold; P1 flush h; waits; P1 flush h; waits; go; P1 release h", 1, 0, 0, 0,
    "{a}", "" },
  { "mv onto it while it is being saved",
    "P1 open wt rec.json h; P1 write h {a}; hold; P1 flush h; waits; P2 create w tmp1 t; P2 write t {b}; P2 close t;"
    "P2 rename tmp1 rec.json; waits; go; P1 release h",
    2, 0, 0, 0, "{b}", "" },
  { "written while it is being renamed",
    "P1 create w tmp1 t; P1 write t {a}; hold; P2 rename tmp1 rec.json; waits; P1 write t {b}; go; P1 close t", 2, 0, 0,
    0, "{a}{b}", "" },
  { "renamed away while it is being saved",
    "P1 open wt rec.json h; P1 write h {a}; hold; P1 flush h; waits; P2 rename rec.json rec.json~; go;"
    "P1 release h; wait 3; shows rec.json {a}; P2 unlink rec.json~",
    1, 0, 0, 0, "{a}", "" },
  { "unmounted while it is written", "P1 open wt rec.json h; P1 write h {bad; unmount", 0, 0, 0, 1, NULL, "" },
};

static void
test_refusals (void)
{
  run_cases (refusals, G_N_ELEMENTS (refusals), &writable);
}

static void
test_deletes (void)
{
  run_cases (deletes, G_N_ELEMENTS (deletes), &writable);
}

static void
test_creates (void)
{
  run_cases (creates, G_N_ELEMENTS (creates), &writable);
}

static void
test_races (void)
{
  run_cases (races, G_N_ELEMENTS (races), &writable);
}

/* It need not even be asked whether something changed, so that this works without a network. */
static void
test_renaming_back_asks_nothing (void)
{
  g_autoptr (World) world = world_new (&writable);

  run (world, "P1 rename rec.json rec.json~; P1 rename rec.json~ rec.json; shows rec.json {old}");
  g_assert_cmpuint (world->puts + world->unchanged, ==, 0);
}

static void
test_bad_new_files_stay (void)
{
  g_autoptr (World) world = world_new (&writable);

  run (world, "P1 create w new.json h; P1 write h {bad; P1 close h; fails EINVAL; shows new.json {bad");
  g_assert_cmpuint (world->stays, ==, 1);
  g_assert_cmpuint (world->kept, ==, 0);
}

/* Nothing is sent, and what is found good is answered as if it had been. */
static void
test_dry_run (void)
{
  static const char *const scripts[] = {
    /* A record reads as the server has it, to who opens it; the handle that wrote goes on. */
    "dry; P1 open wt rec.json h; P1 write h {new}; P1 fsync h; shows rec.json {old}; reads h {new}; P1 close h; "
    "wait 99; shows rec.json {old}",
    "dry; P1 open wt rec.json h; P1 write h {bad; P1 close h; fails EINVAL; shows rec.json {old}",
    "dry; P1 create w tmp1 h; P1 write h {new}; P1 close h; P1 rename tmp1 rec.json; shows rec.json {old}; gone tmp1",
    "dry; P1 rename rec.json rec.json~; P1 create w rec.json h; P1 write h {new}; P1 close h; shows rec.json {old}; "
    "shows rec.json~ {old}; P1 unlink rec.json~",
    /* A new file stays, and is saved again when it is written again alone. */
    "dry; P1 create w new.json h; P1 write h {new}; P1 close h; shows new.json {new}; wait 99; shows new.json {new}",
    "dry; P1 create w Email=x.json h; P1 write h {new}; P1 close h; wait 99; shows Email=x.json {new}",
    "dry; P1 create w tmp1 h; P1 write h {new}; P1 close h; P1 rename tmp1 new.json; gone tmp1; wait 99; shows "
    "new.json {new}",
    /* Written while it was under way: that is pretended in its turn. */
    "dry; hold; P1 open wt rec.json h; P1 write h {one}; P1 fsync h; waits; P1 write h {two}; P1 release h; go; "
    "wait 99; shows rec.json {old}",
    /* Unlinked meanwhile: there is no record to be deleted. */
    "dry; hold; P1 create w new.json h; P1 write h {new}; P1 fsync h; waits; P1 unlink new.json; go; P1 close h; "
    "wait 99; gone new.json",
  };
  static const unsigned pretended[] = { 1, 0, 1, 1, 1, 1, 1, 2, 1 };

  for (size_t i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autoptr (World) world = world_new (&writable);

      run (world, scripts[i]);
      g_assert_cmpuint (world->pretended, ==, pretended[i]);
      g_assert_cmpuint (world->puts + world->posts + world->deletes, ==, 0);
      g_assert_cmpuint (g_hash_table_size (world->aliases), ==, 0);
    }
}

/* ---- rights and times -------------------------------------------------------------------------------------------- */

static const Case read_only[] = {
  { "nothing is written",
    "P1 open r rec.json h; P1 close h; P1 open w rec.json h; fails EROFS; P1 open wt rec.json h; fails EROFS; P1 "
    "create w new.json h;"
    "fails EROFS; P1 create w 4913 h; fails EROFS; P1 create w rec.json h; fails EROFS; P1 unlink rec.json; fails "
    "EROFS;"
    "P1 rename rec.json rec.json~; fails EROFS; P1 symlink .#rec.json; fails EROFS; P1 link; fails EROFS; P1 mkdir; "
    "fails EROFS;"
    "P1 chmod rec.json; fails EROFS; P1 pathtrunc rec.json 0; fails EROFS; shows rec.json {old}",
    0, 0, 0, 0, NULL, "" },
};

static const Case no_delete[] = {
  { "all but delete",
    "P1 unlink rec.json; fails EACCES; P1 open wt rec.json h; P1 write h {new}; P1 close h; P1 create w 4913 h; P1 "
    "close h; P1 unlink 4913;"
    "P1 create w new.json h; P1 write h {new}; P1 close h",
    1, 1, 0, 0, "{new}", "" },
};

static const Case no_create[] = {
  { "no new records",
    "P1 create w new.json h; fails EACCES; P1 create w Email=x.json h; fails EACCES; P1 create w tmp1 h; P1 write h "
    "{new}; P1 close h;"
    "P1 rename tmp1 new.json; fails EACCES; P1 rename tmp1 rec.json",
    1, 0, 0, 0, "{new}", "" },
};

static const Case no_update[] = {
  { "records stay as they are",
    "P1 open w rec.json h; fails EACCES; P1 create w tmp1 h; P1 write h {new}; P1 close h; P1 rename tmp1 rec.json; "
    "fails EACCES;"
    "P1 rename rec.json rec.json~; fails EACCES; P1 rename tmp1 new.json",
    0, 1, 0, 0, NULL, "" },
};

static void
test_rights (void)
{
  EditingConfig config = writable;

  config.no_create = config.no_update = config.no_delete = EROFS;
  run_cases (read_only, G_N_ELEMENTS (read_only), &config);
  config = writable;
  config.no_delete = EACCES;
  run_cases (no_delete, G_N_ELEMENTS (no_delete), &config);
  config = writable;
  config.no_create = EACCES;
  run_cases (no_create, G_N_ELEMENTS (no_create), &config);
  config = writable;
  config.no_update = EACCES;
  run_cases (no_update, G_N_ELEMENTS (no_update), &config);
}

static void
expect_deletes (World *world, unsigned count, const char *script)
{
  run (world, script);
  if (world->deletes != count)
    trouble (world, "another number of deletes", "");
}

static void
test_when_deletes_go (void)
{
  g_autoptr (World) ended = world_new (&writable);
  g_autoptr (World) lives = world_new (&writable);
  g_autoptr (World) other = world_new (&writable);

  expect_deletes (ended, 0, "P1 unlink rec.json; end P1; wait 1.9");
  expect_deletes (ended, 1, "wait 0.1");
  expect_deletes (lives, 0, "P1 unlink rec.json; wait 59");
  expect_deletes (lives, 1, "wait 11");
  expect_deletes (other, 0, "P1 unlink rec.json; end P2; wait 30");
  expect_deletes (other, 1, "end P1");
}

static void
add_records (World *world, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    g_hash_table_insert (world->records, key_of (UINT64_C (8000000000000) + i), g_strdup ("{}"));
}

/* Returns: the errno of the last one. */
static int
unlink_records (World *world, unsigned count, EditProcess process, int64_t pause_us)
{
  int result = 0;

  for (unsigned i = 0; i < count; i++)
    {
      g_autofree char *name = names_record (NULL, UINT64_C (8000000000000) + i);

      result = call (world,
                     (EditEvent){ .kind = EDIT_UNLINK, .name = name, .id = resolve (world, name), .process = process });
      world->now += pause_us;
    }
  return result;
}

static void
test_many_deletes_are_few_calls (void)
{
  g_autoptr (World) world = world_new (&writable);

  add_records (world, 1000);
  g_assert_cmpint (unlink_records (world, 1000, process_named (world, "P1"), 700), ==, 0);
  g_assert_cmpuint (editing_deletes_of (world->editing, process_named (world, "P1")), ==, 1000);
  run (world, "end P1; wait 9");
  g_assert_cmpuint (world->deletes, ==, 1000);
  g_assert_cmpuint (world->calls, ==, 10);
  check_nothing_held (world);
}

/* As `xargs -n 1 rm` does. */
static void
test_deletes_of_many_processes_go_together (void)
{
  g_autoptr (World) world = world_new (&writable);

  add_records (world, 300);
  for (unsigned i = 0; i < 300; i++)
    {
      EditProcess process = { 5000 + i, i };
      g_autofree char *name = names_record (NULL, UINT64_C (8000000000000) + i);

      call (world, (EditEvent){ .kind = EDIT_UNLINK, .name = name, .id = resolve (world, name), .process = process });
      news (world, (EditEvent){ .kind = EDIT_ENDED, .process = process });
      let_time_pass (world, 5000);
    }
  let_time_pass (world, 9 * SECOND);
  g_assert_cmpuint (world->deletes, ==, 300);
  g_assert_cmpuint (world->calls, <=, 5);
  check_nothing_held (world);
}

static void
test_too_many_deletes (void)
{
  g_autoptr (World) world = world_new (&writable);
  EditProcess process = process_named (world, "P1");
  g_autoptr (GArray) processes = g_array_new (FALSE, FALSE, sizeof (EditProcess));

  add_records (world, 1001);
  g_assert_cmpint (unlink_records (world, 1001, process, 0), ==, EPERM);
  g_assert_cmpuint (world->too_many, ==, 1);
  editing_processes (world->editing, processes);
  g_assert_cmpuint (processes->len, ==, 1);
  /* What was a save does not count. */
  run (world, "P1 create w 8000000000000.json h; P1 close h; P1 unlink rec.json; P1 unlink other.json; fails EPERM; P2 "
              "unlink other.json");
  finish (world);
  g_assert_cmpuint (world->deletes, ==, 1001);
  check_nothing_held (world);
  g_assert_cmpuint (editing_deletes_of (world->editing, process), ==, 0);
  g_assert_cmpint (call (world, (EditEvent){ .kind = EDIT_UNLINK,
                                             .name = "8000000000000.json",
                                             .id = resolve (world, "8000000000000.json"),
                                             .process = process,
                                             .deletes_elsewhere = 1000 }),
                   ==, EPERM);
}

static void
test_numbers_that_are_not_known (void)
{
  g_autoptr (World) world = world_new (&writable);

  g_assert_cmpint (call (world, (EditEvent){ .kind = EDIT_WRITE, .handle = 77, .size = 1 }), ==, EBADF);
  g_assert_cmpint (call (world, (EditEvent){ .kind = EDIT_FLUSH, .handle = 77 }), ==, EBADF);
  g_assert_cmpint (call (world, (EditEvent){ .kind = EDIT_FSYNC, .handle = 77 }), ==, EBADF);
  g_assert_cmpint (call (world, (EditEvent){ .kind = EDIT_RELEASE, .handle = 77 }), ==, EBADF);
  g_assert_cmpint (call (world, (EditEvent){ .kind = EDIT_OPEN, .handle = 77, .node = 99 }), ==, ESTALE);
  g_assert_cmpint (call (world, (EditEvent){ .kind = EDIT_OPEN, .handle = 77 }), ==, ESTALE);
  g_assert_cmpint (call (world, (EditEvent){ .kind = EDIT_TRUNCATE, .node = 99 }), ==, ESTALE);
  g_assert_cmpint (call (world, (EditEvent){ .kind = EDIT_RENAME, .name = "a" }), ==, EINVAL);
  news (world, (EditEvent){ .kind = EDIT_COMMITTED, .commit = 5 });
  news (world, (EditEvent){ .kind = EDIT_DELETED, .id = REC });
  news (world, (EditEvent){ .kind = EDIT_INTERRUPT, .request = 5 });
  news (world, (EditEvent){ .kind = EDIT_FAILED, .handle = 5 });
  check_nothing_held (world);
}

/* ---- random events ----------------------------------------------------------------------------------------------- */

static unsigned
count_handles (const Editing *e, const EditNode *node, bool writers)
{
  GHashTableIter iter;
  gpointer value;
  unsigned count = 0;

  g_hash_table_iter_init (&iter, e->handles);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    count += ((EditHandle *)value)->node == node && (!writers || ((EditHandle *)value)->writes);
  return count;
}

static bool
is_local (EditNodeKind kind)
{
  return kind == NODE_SCRATCH || kind == NODE_LINK || kind == NODE_NEW || kind == NODE_FIELD;
}

static void
check_node (const World *world, const EditNode *node)
{
  const Editing *e = world->editing;
  const EditRecord *record = node->kind == NODE_RECORD ? edit_record_find (e, node->id) : NULL;
  bool unsaved = node->draft != NULL && node->draft->dirty && !node->draft->empty;

  g_assert_cmpuint (node->handles, ==, count_handles (e, node, false));
  g_assert_cmpuint (node->writers, ==, count_handles (e, node, true));
  if (is_local (node->kind))
    g_assert_true (edit_node_named (e, node->name) == node);
  if (node->kind == NODE_RECORD)
    g_assert_true (record != NULL && record->node == node);
  if (node->kind == NODE_NAMELESS)
    g_assert_cmpuint (node->handles + node->commits, >, 0);
  if (node->kind == NODE_RECORD)
    g_assert_cmpuint (node->handles + node->commits + (node->draft != NULL), >, 0);
  if (is_local (node->kind) && node->kind != NODE_LINK)
    g_assert_nonnull (node->draft);
  /* Somebody has still to save what is not saved. */
  if (unsaved && (node->kind == NODE_RECORD || node->kind == NODE_NEW || node->kind == NODE_FIELD))
    g_assert_cmpuint (node->writers + node->commits, >, 0);
  if (node->kind == NODE_RECORD && node->draft != NULL && node->draft->empty && node->writers == 0
      && node->draft->dirty)
    g_assert_cmpint (node->empty_until_us, >, 0);
}

static void
check_state (const World *world)
{
  const Editing *e = world->editing;
  GHashTableIter iter;
  gpointer value;

  g_assert_cmpuint (g_hash_table_size (e->drafts), ==, g_hash_table_size (world->drafts));
  g_hash_table_iter_init (&iter, e->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    check_node (world, value);
  g_hash_table_iter_init (&iter, e->records);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const EditRecord *record = value;

      g_assert_true (record->state != RECORD_THERE || record->node != NULL);
      g_assert_true ((record->state == RECORD_UNLINKED) == (record->deleter != NULL));
      g_assert_true (record->node == NULL || (record->state != RECORD_UNLINKED && record->state != RECORD_AWAY));
    }
}

static const char *const random_names[]
    = { "rec.json", "id.json",   "other.json", "new.json", "b.json",         "rec.json~",
        "tmp1",     "sedAb12cD", "rec.json",   "rec.json", "Email=x@y.json", "7010000000203.json" };

static const char *
any_name (GRand *rand)
{
  return random_names[g_rand_int_range (rand, 0, G_N_ELEMENTS (random_names))];
}

/* A statement that can be made now. @token: text that is written nowhere else. */
static char *
random_statement (const World *world, GRand *rand, unsigned token)
{
  static const char *const flags[] = { "r", "w", "wt", "a", "rw" };
  char letter = (char)('a' + g_rand_int_range (rand, 0, 6));
  bool is_open = g_hash_table_contains (world->opens, (char[]){ letter, '\0' });
  int p = g_rand_int_range (rand, 1, 4);
  int choice = g_rand_int_range (rand, 0, 22);

  if (choice < 9 && !is_open && g_rand_boolean (rand))
    return g_strdup_printf ("P%d open %s %s %c", p, flags[g_rand_int_range (rand, 0, 5)], any_name (rand), letter);
  if (choice < 9 && !is_open)
    return g_strdup_printf ("P%d create w%s %s %c", p, g_rand_boolean (rand) ? "e" : "", any_name (rand), letter);
  if (choice < 4)
    return g_strdup_printf ("P%d write %c %s%u%s", p, letter, g_rand_boolean (rand) ? "{" : "", token,
                            g_rand_boolean (rand) ? "}" : "");
  if (choice == 4)
    return g_strdup_printf ("P%d trunc %c %d", p, letter, g_rand_int_range (rand, 0, 2) * 3);
  if (choice == 5)
    return g_strdup_printf ("P%d fsync %c", p, letter);
  if (choice == 6)
    return g_strdup_printf ("P%d flush %c", p, letter);
  if (choice < 9)
    return g_strdup_printf ("P%d %s %c", p, g_rand_int_range (rand, 0, 8) == 0 ? "release" : "close", letter);
  if (choice < 13)
    return g_strdup_printf ("P%d rename %s %s", p, any_name (rand), any_name (rand));
  if (choice < 15)
    return g_strdup_printf ("P%d unlink %s", p, any_name (rand));
  if (choice == 15)
    return g_strdup_printf ("P%d pathtrunc %s %d", p, any_name (rand), g_rand_int_range (rand, 0, 2) * 2);
  if (choice == 16)
    return g_strdup_printf ("wait %d", g_rand_int_range (rand, 0, 5));
  if (choice == 17)
    return g_strdup_printf ("end P%d", p);
  if (choice == 18)
    return g_strdup (g_rand_boolean (rand) ? "hold" : "go");
  if (choice == 19)
    return g_strdup (g_rand_boolean (rand) ? "refuse EBUSY" : "keep EACCES");
  if (choice == 20)
    return g_strdup (g_rand_int_range (rand, 0, 6) > 0 ? "interrupt" : "drain");
  return g_strdup (world->held && world->sent.length > 0 && g_rand_boolean (rand) ? "unsent" : "hold");
}

/* What is not saved, and of what, before an event: drafts of files, as numbers. */
static GHashTable *
unsaved_now (const World *world)
{
  GHashTable *unsaved = number_table (NULL);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, world->editing->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const EditNode *node = value;
      bool file = node->kind == NODE_RECORD || node->kind == NODE_NEW || node->kind == NODE_FIELD
                  || (node->kind == NODE_NAMELESS && node->was_file && !node->unlinked);

      if (file && node->draft != NULL && node->draft->dirty && !node->draft->empty)
        g_hash_table_add (unsaved, key_of (node->draft->number));
    }
  return unsaved;
}

/* May the statement throw away what it finds, because a program asks for just that? */
static bool
may_throw_away (const char *statement)
{
  return strstr (statement, "unlink") != NULL || strstr (statement, "trunc") != NULL
         || strstr (statement, " wt ") != NULL;
}

/* What was not saved and is gone now went to the CRM or to the user's drafts. */
static void
check_nothing_lost (World *world, GHashTable *before, unsigned handled_before, const char *statement)
{
  GHashTableIter iter;
  gpointer key;
  unsigned gone = 0;
  unsigned handled = world->puts + world->posts + world->kept + world->unchanged + world->pretended;

  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    gone += !g_hash_table_contains (world->drafts, key);
  if (gone > handled - handled_before && !may_throw_away (statement))
    trouble (world, "a text is lost by", statement);
}

static void
random_run (guint32 seed, bool dry, unsigned *saves_seen)
{
  g_autoptr (World) world = world_new (&writable);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autofree char *title = g_strdup_printf ("random events, seed %u", seed);

  world->script = title;
  world->dry = dry;
  for (unsigned i = 0; i < 400; i++)
    {
      g_autofree char *statement = random_statement (world, rand, i);
      g_autoptr (GHashTable) unsaved = unsaved_now (world);
      unsigned handled = world->puts + world->posts + world->kept + world->unchanged + world->pretended;

      if (g_getenv ("EDITING_TRACE") != NULL)
        g_printerr ("%u %s\n", i, statement);
      world->result = 0;
      run_statement (world, statement);
      check_state (world);
      check_nothing_lost (world, unsaved, handled, statement);
    }
  world->result = 0;
  go (world);
  for (char letter = 'a'; letter < 'g'; letter++)
    if (g_hash_table_contains (world->opens, (char[]){ letter, '\0' }))
      {
        g_autofree char *statement = g_strdup_printf ("P1 close %c", letter);

        world->result = 0;
        run_statement (world, statement);
      }
  world->result = 0;
  world->keep = world->refuse = 0;
  finish (world);
  check_state (world);
  check_nothing_held (world);
  g_assert_true (!dry || world->puts + world->posts == 0);
  *saves_seen += world->puts + world->posts + world->pretended;
}

static void
test_random_events (void)
{
  unsigned saves_seen = 0;

  for (guint32 seed = 1; seed <= 300; seed++)
    random_run (seed, false, &saves_seen);
  /* A run in which nothing was saved would prove nothing. */
  g_assert_cmpuint (saves_seen, >, 100);
}

static void
test_random_events_of_a_dry_run (void)
{
  unsigned saves_seen = 0;

  for (guint32 seed = 1; seed <= 100; seed++)
    random_run (seed, true, &saves_seen);
  g_assert_cmpuint (saves_seen, >, 30);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/editing/saves", test_saves);
  g_test_add_func ("/editing/refusals", test_refusals);
  g_test_add_func ("/editing/deletes", test_deletes);
  g_test_add_func ("/editing/creates", test_creates);
  g_test_add_func ("/editing/races", test_races);
  g_test_add_func ("/editing/renaming-back-asks-nothing", test_renaming_back_asks_nothing);
  g_test_add_func ("/editing/bad-new-files-stay", test_bad_new_files_stay);
  g_test_add_func ("/editing/dry-run", test_dry_run);
  g_test_add_func ("/editing/rights", test_rights);
  g_test_add_func ("/editing/when-deletes-go", test_when_deletes_go);
  g_test_add_func ("/editing/many-deletes-are-few-calls", test_many_deletes_are_few_calls);
  g_test_add_func ("/editing/deletes-of-many-processes-go-together", test_deletes_of_many_processes_go_together);
  g_test_add_func ("/editing/too-many-deletes", test_too_many_deletes);
  g_test_add_func ("/editing/numbers-that-are-not-known", test_numbers_that_are_not_known);
  g_test_add_func ("/editing/random-events", test_random_events);
  g_test_add_func ("/editing/random-events-of-a-dry-run", test_random_events_of_a_dry_run);
  return g_test_run ();
}
