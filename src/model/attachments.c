/* Which attachments a record has, under which names they are shown, and deleting one. */
#include "model/attachments_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

#define FOLDERS_MAX 10000
#define DEEDS_MAX 4096
#define ROWS_MAX 100000 /* of one record */
#define PAGES_MAX (ROWS_MAX / 200)
#define NAME_BYTES_MAX 255
#define EXTENSION_MAX 32
#define LINK_SUFFIX ".url"
#define LINK_HEAD "[InternetShortcut]"

typedef struct
{
  AttachmentFolder *folder;
  uint64_t id;
  char *name, *deed;
  Doer doer;
  uint64_t ticket;
  Bell landed;
} Removal;

typedef struct
{
  Attachments *all;
  uint64_t id;
  int64_t counted; /* bytes, where no length is told; the curl thread's, then the end's */
  int64_t length;
  int64_t sent_us;
  uint64_t ticket;
  Bell landed;
} Probe;

/* ---- one attachment ---------------------------------------------------------------------------------------------- */

Attachment *
attachment_ref (Attachment *attachment)
{
  atomic_fetch_add (&attachment->references, 1);
  return attachment;
}

void
attachment_unref (Attachment *attachment)
{
  if (attachment == NULL || atomic_fetch_sub (&attachment->references, 1) > 1)
    return;
  g_free (attachment->name);
  g_free (attachment->long_name);
  g_free (attachment->title);
  g_free (attachment->url);
  g_free (attachment);
}

static Attachment *
attachment_new (uint64_t id, const char *title, int64_t size, int64_t mtime, const char *url)
{
  Attachment *attachment = g_new0 (Attachment, 1);

  atomic_init (&attachment->references, 1);
  attachment->id = id;
  attachment->title = g_strdup (title);
  attachment->mtime = mtime;
  attachment->url = g_strdup (url);
  attachment->size = size;
  if (url != NULL)
    {
      g_autoptr (GBytes) text = attachment_link_text (url);

      attachment->size = (int64_t)g_bytes_get_size (text);
    }
  return attachment;
}

static GPtrArray *
array_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)attachment_unref);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Where the extension begins, its dot included; the end when there is none. */
static size_t
stem_size (const char *name)
{
  const char *dot = strrchr (name, '.');
  size_t size = strlen (name);

  return dot == NULL || dot == name || strlen (dot) > EXTENSION_MAX ? size : (size_t)(dot - name);
}

/* "<stem><middle><extension>", the stem cut where it does not fit. */
static char *
fit (const char *name, const char *middle)
{
  size_t stem = stem_size (name), rest = strlen (middle) + strlen (name + stem);
  g_autofree char *head = NULL;

  if (stem + rest > NAME_BYTES_MAX)
    {
      stem = NAME_BYTES_MAX - rest;
      while (stem > 0 && ((guchar)name[stem] & 0xc0) == 0x80)
        stem--;
    }
  head = g_strndup (name, stem);
  return g_strconcat (head, middle, name + stem_size (name), NULL);
}

static char *
shown_name (const Attachment *attachment)
{
  const char *title = attachment->title[0] != '\0' ? attachment->title : "attachment";
  bool suffixed = g_str_has_suffix (title, LINK_SUFFIX);
  g_autofree char *name = g_strconcat (title, attachment->url != NULL && !suffixed ? LINK_SUFFIX : NULL, NULL);

  for (char *c = name; *c != '\0'; c++)
    if (*c == '/' || (guchar)*c < ' ' || *c == '\x7f')
      *c = '_';
  if (strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    name[0] = '_';
  return fit (name, "");
}

/* The newest of a name has it, others have their id in it: so what is written over a file is read there afterwards.
 * @list: by id. */
static void
name_all (GPtrArray *list)
{
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = list->len; i > 0; i--)
    {
      Attachment *attachment = list->pdata[i - 1];
      g_autofree char *middle = g_strdup_printf (".%" G_GUINT64_FORMAT, attachment->id);

      attachment->name = shown_name (attachment);
      attachment->long_name = fit (attachment->name, middle);
      while (g_hash_table_contains (taken, attachment->name))
        {
          char *longer = strcmp (attachment->name, attachment->long_name) != 0 ? g_strdup (attachment->long_name)
                                                                              : fit (attachment->name, "_");
          g_free (attachment->name);
          attachment->name = longer;
          if (strlen (longer) == NAME_BYTES_MAX && g_hash_table_contains (taken, longer))
            break;
        }
      g_hash_table_add (taken, attachment->name);
    }
}

Attachment *
attachments_find (const GPtrArray *list, const char *name)
{
  for (guint i = 0; i < list->len; i++)
    if (strcmp (((Attachment *)list->pdata[i])->name, name) == 0)
      return list->pdata[i];
  for (guint i = 0; i < list->len; i++)
    if (strcmp (((Attachment *)list->pdata[i])->long_name, name) == 0)
      return list->pdata[i];
  return NULL;
}

/* ---- links ------------------------------------------------------------------------------------------------------- */

/* What a server says may hold anything: it stays one line. */
GBytes *
attachment_link_text (const char *url)
{
  g_autofree char *line = g_strdup (url);
  char *text;
  size_t size;

  for (char *c = line; *c != '\0'; c++)
    if ((guchar)*c < ' ')
      *c = ' ';
  text = g_strconcat (LINK_HEAD "\nURL=", line, "\n", NULL);
  size = strlen (text);
  return g_bytes_new_take (text, size);
}

char *
attachment_link_read (const char *text, size_t size)
{
  g_autofree char *copy = NULL;
  g_auto (GStrv) lines = NULL;
  bool headed = false;

  if (size >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    {
      text += 3;
      size -= 3;
    }
  if (!g_utf8_validate (text, (gssize)size, NULL))
    return NULL;
  copy = g_strndup (text, size);
  lines = g_strsplit (copy, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_strstrip (*line);
      if (headed && g_ascii_strncasecmp (*line, "URL=", 4) == 0 && (*line)[4] != '\0')
        return g_strdup (*line + 4);
      headed |= g_ascii_strcasecmp (*line, LINK_HEAD) == 0;
      if (!headed && **line != '\0')
        return NULL;
    }
  return NULL;
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

static void
folder_free (gpointer data)
{
  AttachmentFolder *folder = data;

  g_clear_pointer (&folder->list, g_ptr_array_unref);
  g_clear_pointer (&folder->coming, g_ptr_array_unref);
  g_ptr_array_unref (folder->uploads);
  g_hash_table_unref (folder->removals);
  g_hash_table_unref (folder->done);
  g_hash_table_unref (folder->successors);
  g_hash_table_unref (folder->attached);
  g_free (folder);
}

static gboolean
drop_idle (gpointer key, gpointer value, gpointer data)
{
  const AttachmentFolder *folder = value;

  return !folder->flying && folder->users == 0 && g_hash_table_size (folder->removals) == 0;
}

AttachmentFolder *
attachments_folder (StoreModule *module, uint64_t record)
{
  Attachments *all = module->store->attachments;
  g_autofree char *key = g_strdup_printf ("%s/%" G_GUINT64_FORMAT, module->name, record);
  AttachmentFolder *folder = g_hash_table_lookup (all->folders, key);

  if (folder != NULL)
    return folder;
  if (g_hash_table_size (all->folders) >= FOLDERS_MAX)
    g_hash_table_foreach_remove (all->folders, drop_idle, NULL);
  folder = g_new0 (AttachmentFolder, 1);
  folder->all = all;
  folder->module = module;
  folder->record = record;
  folder->uploads = g_ptr_array_new ();
  folder->removals = g_hash_table_new (g_int64_hash, g_int64_equal);
  folder->done = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  folder->successors = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  folder->attached = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  attachments_touch (folder);
  g_hash_table_insert (all->folders, g_steal_pointer (&key), folder);
  return folder;
}

void
attachments_touch (AttachmentFolder *folder)
{
  folder->version = ++folder->all->versions;
}

bool
attachments_is_stopping (const Attachments *all, GError **error)
{
  return store_is_stopping (all->store, error);
}

void
attachments_note_done (AttachmentFolder *folder, char *deed)
{
  int64_t now_us = clock_now_us ();

  if (g_hash_table_size (folder->done) >= DEEDS_MAX)
    g_hash_table_remove_all (folder->done);
  g_hash_table_insert (folder->done, deed, g_memdup2 (&now_us, sizeof now_us));
}

bool
attachments_was_done (AttachmentFolder *folder, const char *deed, StoreWait *wait)
{
  const int64_t *done_us = g_hash_table_lookup (folder->done, deed);

  return done_us != NULL && wait->began_us != 0 && *done_us >= wait->began_us;
}

uint64_t
attachments_latest (const AttachmentFolder *folder, uint64_t id)
{
  const uint64_t *next;

  while ((next = g_hash_table_lookup (folder->successors, &id)) != NULL)
    id = *next;
  return id;
}

const AttachmentsOf *
attachments_address (const AttachmentFolder *folder, ClientPriority priority, AttachmentsAddress *address)
{
  g_snprintf (address->record, sizeof address->record, "%" G_GUINT64_FORMAT, folder->record);
  address->of = (AttachmentsOf){ folder->module->name, address->record, priority };
  return &address->of;
}

/* ---- listing ----------------------------------------------------------------------------------------------------- */

static int
by_id (gconstpointer a, gconstpointer b)
{
  const Attachment *first = *(Attachment *const *)a, *second = *(Attachment *const *)b;

  return first->id < second->id ? -1 : first->id > second->id;
}

/* Takes over @rows, in which names are not set yet. */
static void
set_list (AttachmentFolder *folder, GPtrArray *rows)
{
  g_ptr_array_sort (rows, by_id);
  for (guint i = rows->len; i > 1; i--)
    if (((Attachment *)rows->pdata[i - 1])->id == ((Attachment *)rows->pdata[i - 2])->id)
      g_ptr_array_remove_index (rows, i - 1);
  for (guint i = 0; i < rows->len; i++)
    {
      Attachment *attachment = rows->pdata[i];
      const int64_t *size = g_hash_table_lookup (folder->all->sizes, &attachment->id);

      if (size != NULL)
        attachment->size = *size;
    }
  name_all (rows);
  g_clear_pointer (&folder->list, g_ptr_array_unref);
  folder->list = rows;
  attachments_touch (folder);
}

/* What is listed, to be changed and set: names are made anew. */
static GPtrArray *
copy_rows (const AttachmentFolder *folder)
{
  GPtrArray *rows = array_new ();

  for (guint i = 0; folder->list != NULL && i < folder->list->len; i++)
    {
      const Attachment *old = folder->list->pdata[i];

      g_ptr_array_add (rows, attachment_new (old->id, old->title, old->size, old->mtime, old->url));
    }
  return rows;
}

void
attachments_put (AttachmentFolder *folder, uint64_t id, const char *title, int64_t size, int64_t mtime, const char *url)
{
  GPtrArray *rows;

  if (folder->list == NULL)
    return;
  rows = copy_rows (folder);
  g_ptr_array_add (rows, attachment_new (id, title, size, mtime, url));
  set_list (folder, rows);
  folder->again |= folder->flying;
}

void
attachments_drop (AttachmentFolder *folder, uint64_t id)
{
  GPtrArray *rows;

  if (folder->list == NULL)
    return;
  rows = copy_rows (folder);
  for (guint i = rows->len; i > 0; i--)
    if (((Attachment *)rows->pdata[i - 1])->id == id)
      g_ptr_array_remove_index (rows, i - 1);
  set_list (folder, rows);
  folder->again |= folder->flying;
}

static void on_page (const AttachmentsPage *page, const GError *error, void *data);

static void
ask_page (AttachmentFolder *folder, const char *token, ClientPriority priority)
{
  AttachmentsAddress address;
  const AttachmentsOf *of = attachments_address (folder, priority, &address);

  folder->pages++;
  folder->ticket = attachments_api_list (folder->all->store->config.client, of, folder->pages, token, on_page, folder);
  call_sent (folder->all->store, folder->ticket);
}

static void
begin_list (AttachmentFolder *folder, ClientPriority priority)
{
  g_clear_pointer (&folder->coming, g_ptr_array_unref);
  folder->coming = array_new ();
  folder->flying = true;
  folder->again = false;
  folder->pages = 0;
  folder->sent_us = clock_now_us ();
  ask_page (folder, NULL, priority);
}

static bool
take_page (AttachmentFolder *folder, const AttachmentsPage *page, GError **error)
{
  if (folder->coming->len + page->count > ROWS_MAX
      || (page->more && (page->count == 0 || folder->pages >= PAGES_MAX))
      || (page->more && page->next_token == NULL && folder->pages >= ATTACHMENTS_NUMBERED_PAGES))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE, "The record has more attachments than can be listed");
      return false;
    }
  for (size_t i = 0; i < page->count; i++)
    {
      const AttachmentRow *row = &page->rows[i];

      g_ptr_array_add (folder->coming, attachment_new (row->id, row->name, row->size, row->modified_s, row->url));
    }
  return true;
}

/* The list is whole, or has failed. */
static void
end_list (AttachmentFolder *folder, const GError *error)
{
  Store *store = folder->all->store;

  if (folder->again && error == NULL && !store->stopping)
    {
      begin_list (folder, CLIENT_PERSON);
      return;
    }
  folder->flying = false;
  if (error == NULL)
    {
      set_list (folder, g_steal_pointer (&folder->coming));
      folder->listed_us = folder->sent_us;
      folder->fresh_until_us = clock_now_us () + store->config.ttl_us;
    }
  g_clear_pointer (&folder->coming, g_ptr_array_unref);
  bell_fail (store, &folder->landed, error, folder->sent_us);
  uploads_judge (folder, error);
}

static void
on_page (const AttachmentsPage *page, const GError *error, void *data)
{
  AttachmentFolder *folder = data;
  Store *store = folder->all->store;
  g_autoptr (GError) why = NULL;

  call_begin (store, &folder->ticket);
  if (error == NULL && !take_page (folder, page, &why))
    error = why;
  if (error == NULL && page->more && !store->stopping)
    ask_page (folder, folder->pages >= ATTACHMENTS_NUMBERED_PAGES ? page->next_token : NULL, CLIENT_LISTING);
  else
    end_list (folder, error);
  call_end (store);
}

void
attachments_look_again (AttachmentFolder *folder, ClientPriority priority)
{
  folder->fresh_until_us = 0;
  if (folder->flying)
    folder->again = true;
  else
    begin_list (folder, priority);
}

StoreState
attachments_fresh (AttachmentFolder *folder, StoreWait *wait, GError **error)
{
  int64_t began_us = wait_began_us (wait);

  if (attachments_is_stopping (folder->all, error))
    return STORE_FAILED;
  if (folder->list != NULL && (clock_now_us () < folder->fresh_until_us || folder->listed_us >= began_us))
    return STORE_READY;
  if (wait_failed (wait, error))
    return STORE_FAILED;
  if (folder->list != NULL && wait_is_cached_only (wait))
    return STORE_READY;
  if (wait_refused (wait, error))
    return STORE_FAILED;
  if (!folder->flying)
    begin_list (folder, wait->priority);
  return bell_wait (&folder->landed, wait);
}

/* ---- deleting ---------------------------------------------------------------------------------------------------- */

static void
on_removed (const GError *error, void *data)
{
  Removal *removal = data;
  AttachmentFolder *folder = removal->folder;
  Store *store = folder->all->store;
  g_autofree char *refused = error != NULL ? g_strconcat ("refused: ", error->message, NULL) : NULL;

  attachments_audit (folder, &removal->doer, "detach", removal->name, error == NULL ? "deleted" : refused);
  if (error != NULL)
    attachments_failed (folder, removal->name, error, NULL);
  call_begin (store, &removal->ticket);
  g_hash_table_remove (folder->removals, &removal->id);
  if (error == NULL)
    {
      attachments_drop (folder, removal->id);
      attachments_note_done (folder, g_steal_pointer (&removal->deed));
    }
  bell_ring (store, &removal->landed, error);
  g_free (removal->name);
  g_free (removal->deed);
  doer_clear (&removal->doer);
  g_free (removal);
  call_end (store);
}

static Removal *
removal_new (AttachmentFolder *folder, const Attachment *attachment, const char *deed, const SaveWho *who,
             ClientPriority priority)
{
  Removal *removal = g_new0 (Removal, 1);
  AttachmentsAddress address;
  const AttachmentsOf *of = attachments_address (folder, priority, &address);
  char id[24];

  g_snprintf (id, sizeof id, "%" G_GUINT64_FORMAT, attachment->id);
  removal->folder = folder;
  removal->id = attachment->id;
  removal->name = g_strdup (attachment->name);
  removal->deed = g_strdup (deed);
  doer_set (&removal->doer, who);
  g_hash_table_insert (folder->removals, &removal->id, removal);
  removal->ticket = attachments_api_delete (folder->all->store->config.client, of, id, on_removed, removal);
  call_sent (folder->all->store, removal->ticket);
  return removal;
}

/* Lock held. @found: what a dry run leaves alone. */
static StoreState
remove_in (AttachmentFolder *folder, const char *name, const char *deed, const SaveWho *who, StoreWait *wait,
           Attachment **found, GError **error)
{
  StoreState state;
  Attachment *attachment;
  Removal *removal;

  if (attachments_was_done (folder, deed, wait))
    return STORE_READY;
  state = attachments_fresh (folder, wait, error);
  if (state != STORE_READY)
    return state;
  if (wait_failed (wait, error))
    return STORE_FAILED;
  attachment = attachments_find (folder->list, name);
  if (attachment == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "There is no attachment %s.", name);
      return STORE_FAILED;
    }
  if (folder->all->config.dry_run)
    {
      *found = attachment_ref (attachment);
      return STORE_READY;
    }
  removal = g_hash_table_lookup (folder->removals, &attachment->id);
  if (removal == NULL)
    removal = removal_new (folder, attachment, deed, who, wait->priority);
  return bell_wait (&removal->landed, wait);
}

StoreState
attachments_delete (StoreModule *module, uint64_t record, const char *name, const SaveWho *who, StoreWait *wait,
                    GError **error)
{
  Store *store = module->store;
  g_autofree char *deed = g_strconcat ("rm ", name, NULL);
  g_autoptr (Attachment) pretended = NULL;
  AttachmentFolder *folder;
  Upload *local;
  StoreState state = STORE_READY;

  store_lock (store);
  folder = attachments_folder (module, record);
  local = uploads_named (folder, name);
  if (local != NULL && upload_lands (local, wait))
    state = STORE_WAITING;
  else if (local != NULL)
    upload_remove (local);
  else
    state = remove_in (folder, name, deed, who, wait, &pretended, error);
  store_unlock (store);
  if (pretended != NULL)
    {
      Doer doer = { who->uid, who->pid, (char *)who->program };

      attachments_audit (folder, &doer, "detach", name, "dry run: nothing was sent");
    }
  return state;
}

/* ---- sizes that no list tells ------------------------------------------------------------------------------------ */

static ClientTook
probe_take (const ClientPiece *piece, void *data)
{
  Probe *probe = data;

  probe->length = piece->length;
  probe->counted += (int64_t)piece->size;
  return piece->length >= 0 ? CLIENT_STOP : CLIENT_TOOK;
}

static void
on_probed (int64_t length, const GError *error, void *data)
{
  g_autofree Probe *probe = data;
  Attachments *all = probe->all;
  bool known = error == NULL || probe->length >= 0;

  if (probe->length < 0)
    probe->length = length >= 0 ? length : probe->counted;
  call_begin (all->store, &probe->ticket);
  g_hash_table_remove (all->probes, &probe->id);
  if (known)
    g_hash_table_replace (all->sizes, g_memdup2 (&probe->id, sizeof probe->id),
                          g_memdup2 (&probe->length, sizeof probe->length));
  bell_fail (all->store, &probe->landed, known ? NULL : error, probe->sent_us);
  call_end (all->store);
}

/* Lock held. */
static StoreState
ask_size (AttachmentFolder *folder, uint64_t id, StoreWait *wait)
{
  Attachments *all = folder->all;
  Probe *probe = g_hash_table_lookup (all->probes, &id);
  AttachmentsAddress address;
  const AttachmentsOf *of = attachments_address (folder, wait->priority, &address);
  char text[24];

  if (probe != NULL)
    return bell_wait (&probe->landed, wait);
  g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, id);
  probe = g_new0 (Probe, 1);
  probe->all = all;
  probe->id = id;
  probe->length = -1;
  probe->sent_us = clock_now_us ();
  g_hash_table_insert (all->probes, &probe->id, probe);
  bell_wait (&probe->landed, wait);
  probe->ticket
      = attachments_api_download (all->store->config.client, of, text, probe_take, on_probed, probe);
  call_sent (all->store, probe->ticket);
  return STORE_WAITING;
}

/* Lock held: a size that came after the list. */
static void
apply_size (AttachmentFolder *folder, uint64_t id)
{
  GPtrArray *rows = copy_rows (folder);
  uint64_t version = folder->version;

  set_list (folder, rows);
  folder->version = version; /* no name changed */
}

/* What is listed, for a reader without the lock: an array of its own, since what is shared may be set anew meanwhile. */
static GPtrArray *
shown_rows (const AttachmentFolder *folder)
{
  GPtrArray *rows = array_new ();

  for (guint i = 0; i < folder->list->len; i++)
    g_ptr_array_add (rows, attachment_ref (folder->list->pdata[i]));
  return rows;
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

StoreState
attachments_list (StoreModule *module, uint64_t record, StoreWait *wait, GPtrArray **list, uint64_t *version,
                  GError **error)
{
  Store *store = module->store;
  AttachmentFolder *folder;
  StoreState state;

  store_lock (store);
  folder = attachments_folder (module, record);
  state = attachments_fresh (folder, wait, error);
  if (state == STORE_READY)
    {
      *list = shown_rows (folder);
      *version = folder->version;
    }
  store_unlock (store);
  return state;
}

StoreState
attachments_named (StoreModule *module, uint64_t record, const char *name, StoreWait *wait, Attachment **attachment,
                   GError **error)
{
  Store *store = module->store;
  AttachmentFolder *folder;
  StoreState state;

  store_lock (store);
  folder = attachments_folder (module, record);
  state = attachments_fresh (folder, wait, error);
  *attachment = state == STORE_READY ? attachments_find (folder->list, name) : NULL;
  if (*attachment != NULL)
    attachment_ref (*attachment);
  store_unlock (store);
  return state;
}

static Attachment *
find_id (const AttachmentFolder *folder, uint64_t id)
{
  for (guint i = 0; i < folder->list->len; i++)
    if (((Attachment *)folder->list->pdata[i])->id == id)
      return folder->list->pdata[i];
  return NULL;
}

/* Lock held. */
static StoreState
get_in (AttachmentFolder *folder, uint64_t id, bool with_size, StoreWait *wait, Attachment **attachment, GError **error)
{
  StoreState state = attachments_fresh (folder, wait, error);
  Attachment *found;

  if (state != STORE_READY)
    return state;
  id = attachments_latest (folder, id);
  found = find_id (folder, id);
  if (found == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "There is no such attachment (any more).");
      return STORE_FAILED;
    }
  if (with_size && found->size < 0 && g_hash_table_contains (folder->all->sizes, &id))
    {
      apply_size (folder, id);
      found = find_id (folder, id);
    }
  if (with_size && found->size < 0)
    return wait_failed (wait, error) || wait_refused (wait, error) ? STORE_FAILED : ask_size (folder, id, wait);
  *attachment = attachment_ref (found);
  return STORE_READY;
}

StoreState
attachments_get (StoreModule *module, uint64_t record, uint64_t id, bool with_size, StoreWait *wait,
                 Attachment **attachment, GError **error)
{
  Store *store = module->store;
  StoreState state;

  store_lock (store);
  state = get_in (attachments_folder (module, record), id, with_size, wait, attachment, error);
  store_unlock (store);
  return state;
}

static void
tell_left (const Attachments *all, const char *module, uint64_t record, const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%" G_GUINT64_FORMAT "/attachments/%s", module, record, name);
  g_autofree char *draft = g_strconcat (module, "/", name, NULL);
  SaveError error = { .time_s = clock_wall_s (),
                      .path = path,
                      .errno_name = "EIO",
                      .code = zoho_error_name (ZOHO_ERROR_UNCLEAR),
                      .message = "The mount ended before the file was attached",
                      .draft = draft,
                      .todo = "Look whether the file is attached; if not, copy the draft there" };

  if (all->config.failed != NULL)
    all->config.failed (all->config.data, &error);
}

void
attachments_begin (Store *store, const AttachmentsConfig *config)
{
  Attachments *all = g_new0 (Attachments, 1);

  all->store = store;
  all->config = *config;
  all->config.state = g_strdup (config->state);
  all->folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, folder_free);
  all->sizes = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  all->probes = g_hash_table_new (g_int64_hash, g_int64_equal);
  all->uploads = g_hash_table_new (g_int64_hash, g_int64_equal);
  store->attachments = all;
  if (config->writes)
    spool_adopt (all, tell_left);
}

void
attachments_end (Store *store)
{
  Attachments *all = store->attachments;

  if (all == NULL)
    return;
  uploads_end (all);
  g_hash_table_unref (all->folders);
  g_hash_table_unref (all->sizes);
  g_hash_table_unref (all->probes);
  g_hash_table_unref (all->uploads);
  g_free ((char *)all->config.state);
  g_free (all);
  store->attachments = NULL;
}
