/* Records that hang on another one, and links between records. */
#include "model/related.h"

#include "api/related.h"
#include "base/clock.h"
#include "base/error.h"
#include "model/found_private.h"
#include "model/saves_private.h"

#include <string.h>

#define PAGES_MAX 500 /* as far as page tokens reach */
#define CHANGES_KEPT 1000
#define CHANGE_KEPT_US (60 * CLOCK_SECOND_US)

/* The relations that Zoho links and delinks (doc/api-notes.md), either way. */
static const char *const many_to_many[][2] = {
  { "Campaigns", "Leads" },   { "Campaigns", "Contacts" },   { "Products", "Leads" },
  { "Products", "Accounts" }, { "Products", "Contacts" },    { "Products", "Deals" },
  { "Products", "Price_Books" }, { "Appointments__s", "Services__s" },
};

/* A link that is being made or taken away, and for a while what came of it, for who asks again. */
typedef struct
{
  Store *store;
  RelatedChange change; /* its texts are ours */
  bool flying;
  int64_t sent_us, done_us;
  bool done;
  Bell landed;
  uint64_t ticket;
} Change;

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static StoreModule *
listed_module (const Store *store, const char *name)
{
  for (guint i = 0; name != NULL && i < store->listed->len; i++)
    if (g_str_equal (((StoreModule *)store->listed->pdata[i])->name, name))
      return store->listed->pdata[i];
  return NULL;
}

static bool
is_name (const char *name)
{
  size_t size = name != NULL ? strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_") : 0;

  return size > 0 && size <= 100 && name[size] == '\0';
}

/* Lock held: the module of a list's records; NULL: it is no list of ours. */
static StoreModule *
target_of (const Store *store, const json_t *list)
{
  if (!is_name (json_get_text (list, "api_name")) || json_get_text (list, "href") == NULL
      || g_strcmp0 (json_get_text (list, "status"), "scheduled_for_deletion") == 0)
    return NULL;
  return listed_module (store, json_get_text (json_object_get (list, "module"), "api_name"));
}

/* Lock held. */
static const json_t *
find_list (const StoreModule *module, const char *name)
{
  for (size_t i = 0; i < json_array_size (module->related_lists); i++)
    if (g_strcmp0 (json_get_text (json_array_get (module->related_lists, i), "api_name"), name) == 0)
      return json_array_get (module->related_lists, i);
  return NULL;
}

/* Lock held: the lists, and the modules they lead to. */
static StoreState
bring_lists (StoreModule *module, StoreWait *wait, GError **error)
{
  StoreState state = STORE_FAILED;

  if (!store_is_stopping (module->store, error))
    state = catalog_modules (module->store, wait, error);
  return state == STORE_READY ? texts_related_lists (module, wait, error) : state;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

StoreState
related_names (StoreModule *module, StoreWait *wait, GPtrArray **names, GError **error)
{
  StoreState state;

  store_lock (module->store);
  state = bring_lists (module, wait, error);
  if (state == STORE_READY)
    {
      *names = g_ptr_array_new_with_free_func (g_free);
      for (size_t i = 0; i < json_array_size (module->related_lists); i++)
        {
          const json_t *list = json_array_get (module->related_lists, i);

          if (target_of (module->store, list) != NULL)
            g_ptr_array_add (*names, g_strdup (json_get_text (list, "api_name")));
        }
      g_ptr_array_sort (*names, compare_names);
    }
  store_unlock (module->store);
  return state;
}

StoreState
related_has (StoreModule *module, const char *list, StoreWait *wait, bool *has, GError **error)
{
  StoreState state;

  store_lock (module->store);
  state = bring_lists (module, wait, error);
  *has = state == STORE_READY && find_list (module, list) != NULL;
  store_unlock (module->store);
  return state;
}

/* ---- what is in them --------------------------------------------------------------------------------------------- */

static uint64_t
send_page (const FoundQuestion *question, unsigned page, const char *token, ClientPriority priority, RecordsDone done,
           void *data)
{
  g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, question->id);
  RelatedList list = {
    .module = question->module->name,
    .id = id,
    .list = question->text,
    .fields = found_fields (question->target),
    .page = token != NULL ? 0 : page,
    .page_token = token,
    .priority = priority,
  };

  return related_list (question->module->store->config.client, &list, done, data);
}

/* A list of activities has rows of several modules. */
static bool
take_row (const FoundQuestion *question, const json_t *row, FoundRow *found)
{
  const json_t *module = json_object_get (row, "$module");
  const char *name = json_is_object (module) ? json_get_text (module, "api_name") : json_text (module);

  if (name != NULL)
    found->module = listed_module (question->module->store, name);
  if (found->module == NULL)
    return false;
  found->label = found_label (found->module, row);
  return true;
}

static const FoundKind related_kind = { "related", PAGES_MAX, send_page, take_row };

StoreState
related_records (StoreModule *module, uint64_t id, const char *list, bool fresh, StoreWait *wait, Found **found,
                 GError **error)
{
  FoundQuestion question = { .kind = &related_kind, .module = module, .id = id, .text = list };
  StoreState state;

  store_lock (module->store);
  state = bring_lists (module, wait, error);
  if (state == STORE_READY)
    {
      question.target = target_of (module->store, find_list (module, list));
      if (question.target == NULL)
        {
          g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "%s has no related list %s", module->name, list);
          state = STORE_FAILED;
        }
      else
        state = catalog_schema (question.target, wait, error);
    }
  if (state == STORE_READY)
    state = found_ask (module->store, &question, fresh, wait, found, error);
  store_unlock (module->store);
  return state;
}

/* ---- links ------------------------------------------------------------------------------------------------------- */

static bool
is_pair (const char *one, const char *other)
{
  for (size_t i = 0; i < G_N_ELEMENTS (many_to_many); i++)
    for (int side = 0; side < 2; side++)
      if (g_str_equal (many_to_many[i][side], one) && g_str_equal (many_to_many[i][1 - side], other))
        return true;
  return false;
}

bool
related_is_linkable (StoreModule *module, const char *list, StoreModule **target)
{
  bool linkable;

  store_lock (module->store);
  *target = target_of (module->store, find_list (module, list));
  linkable = *target != NULL && is_pair (module->name, (*target)->name);
  store_unlock (module->store);
  return linkable;
}

static void
change_free (gpointer data)
{
  Change *change = data;

  g_free ((char *)change->change.list);
  g_free ((char *)change->change.path);
  g_free ((char *)change->change.who.program);
  g_free (change);
}

static const char *
todo_of (const GError *error)
{
  if (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_FORBIDDEN))
    return "Change the field in the other record that names this one";
  if (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_INVALID))
    return "Link to a file of the list's module by its own name: ln -s ../../<Module>/<name> <list>/";
  return "Try again when the reason has gone";
}

static void
tell_failed (const RelatedChange *change, const GError *error)
{
  DraftReason reason = { 0 };
  SaveError line;

  report_reason (error, NULL, &reason);
  line = (SaveError){
    .time_s = clock_wall_s (),
    .path = change->path,
    .errno_name = reason.errno_name,
    .code = reason.code,
    .message = reason.message,
    .field = reason.field,
    .todo = todo_of (error),
  };
  if (change->failed != NULL)
    change->failed (change->data, &line);
}

static void
tell_audit (const RelatedChange *change, const GError *error)
{
  g_autofree char *words = error != NULL ? g_strdup_printf ("refused: %s", error->message) : NULL;
  const char *fields[] = { change->list, NULL };
  SaveAudit audit = {
    .time_s = clock_wall_s (),
    .who = change->who,
    .verb = change->remove ? "delink" : "link",
    .path = change->path,
    .module = store_module_name (change->module),
    .id = change->id,
    .fields = fields,
    .outcome = words != NULL ? words : change->remove ? "delinked" : "linked",
  };

  if (change->audit != NULL)
    change->audit (change->data, &audit);
}

void
related_refused (const RelatedChange *change, const GError *error)
{
  tell_failed (change, error);
  tell_audit (change, error);
}

/* Lock held: a link is in the lists of both its ends. */
static void
forget_lists (const Change *change)
{
  StoreModule *target = target_of (change->store, find_list (change->change.module, change->change.list));

  found_forget (change->store, &related_kind, change->change.module, change->change.id);
  if (target != NULL)
    found_forget (change->store, &related_kind, target, change->change.other);
}

static void
on_changed (const WriteResult *results, size_t count, const GError *error, void *data)
{
  Change *change = data;
  Store *store = change->store;

  /* It was taken away already: by somebody else, or by us when the answer was lost. */
  if (change->change.remove && g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    error = NULL;
  /* Before anybody who waits may go on, and look into the files. */
  if (error != NULL)
    related_refused (&change->change, error);
  else
    tell_audit (&change->change, NULL);
  call_begin (store, &change->ticket);
  change->flying = false;
  change->done = error == NULL;
  change->done_us = clock_now_us ();
  /* After a lost answer nobody knows. */
  forget_lists (change);
  bell_ring (store, &change->landed, error);
  call_end (store);
}

static gboolean
is_over (gpointer key, gpointer value, gpointer data)
{
  const Change *change = value;

  return !change->flying && change->done_us + CHANGE_KEPT_US < clock_now_us ();
}

static char *
key_of (const RelatedChange *change)
{
  return g_strdup_printf ("%d %s %" G_GUINT64_FORMAT " %s %" G_GUINT64_FORMAT, change->remove, change->module->name,
                          change->id, change->list, change->other);
}

/* Lock held. */
static Change *
change_of (Store *store, const RelatedChange *what)
{
  g_autofree char *key = key_of (what);
  Change *change;

  if (store->links == NULL)
    store->links = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, change_free);
  change = g_hash_table_lookup (store->links, key);
  if (change != NULL)
    return change;
  if (g_hash_table_size (store->links) >= CHANGES_KEPT)
    g_hash_table_foreach_remove (store->links, is_over, NULL);
  change = g_new0 (Change, 1);
  change->store = store;
  change->change = *what;
  change->change.list = g_strdup (what->list);
  change->change.path = g_strdup (what->path);
  change->change.who.program = g_strdup (what->who.program);
  g_hash_table_insert (store->links, g_steal_pointer (&key), change);
  return change;
}

/* Lock held. */
static void
send_change (Change *change, const RelatedChange *what, ClientPriority priority)
{
  g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, what->id);
  g_autofree char *other = g_strdup_printf ("%" G_GUINT64_FORMAT, what->other);
  RelatedLink link = { what->module->name, id, what->list, other, what->remove, priority };

  g_free ((char *)change->change.path);
  g_free ((char *)change->change.who.program);
  change->change.path = g_strdup (what->path);
  change->change.who = what->who;
  change->change.who.program = g_strdup (what->who.program);
  change->flying = true;
  change->sent_us = clock_now_us ();
  change->ticket = related_link (change->store->config.client, &link, on_changed, change);
  call_sent (change->store, change->ticket);
}

StoreState
related_change (const RelatedChange *what, StoreWait *wait, GError **error)
{
  Store *store = what->module->store;
  StoreState state = STORE_FAILED;
  int64_t began_us;

  store_lock (store);
  began_us = wait_began_us (wait);
  if (!store_is_stopping (store, error) && !wait_failed (wait, error))
    {
      Change *change = change_of (store, what);

      state = STORE_READY;
      if (!change->flying && (!change->done || change->sent_us < began_us))
        send_change (change, what, wait->priority);
      if (change->flying)
        state = bell_wait (&change->landed, wait);
    }
  store_unlock (store);
  return state;
}
