/* Files that are being attached: written here, sent when they are closed under a name of their own, and made drafts
 * of when that fails. The states are in attachments.h.
 *
 * Who has it open keeps an upload when it has lost its name: further writes make another attachment, which replaces
 * the one before. */
#include "model/attachments_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/journal_private.h"
#include "model/scratch_names.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LINK_BYTES_MAX 65536
#define CLOCKS_DIFFER_S 120
#define SUCCESSORS_MAX 4096

struct Upload
{
  Attachments *all;
  AttachmentFolder *folder;
  uint64_t number;

  /* Guarded by the store's lock. */
  unsigned references;
  char *name;
  bool named;      /* in the record's directory */
  bool removed;    /* by somebody, so that it is to become nothing */
  bool dirty;      /* bytes that were not sent */
  bool queued;     /* has a reference, to be sent when nothing of its name is under way any more */
  bool sending;    /* its bytes and its name stay what they are */
  bool looking;    /* sending, the answer was lost: the list is to tell */
  bool pretended;  /* of a dry run */
  GError *failure; /* it is a draft, or is nowhere */
  uint64_t origin;   /* the attachment whose file was opened for it; 0: none */
  uint64_t replaces; /* goes when this one is there; 0: none */
  uint64_t made;     /* what it has become, while what it replaces goes */
  Spool spool;
  int64_t size, mtime;
  Doer doer;
  char *title, *url; /* as it is sent; url: of a link, or NULL */
  uint64_t ticket;
  GArray *known;     /* uint64_t: ids that were there before; NULL: the list was not known */
  int64_t sent_s, look_us;
  Bell landed;
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* Is what it holds to be kept when nobody has it any more? Lock held. */
static bool
is_wanted (const Upload *upload)
{
  return (upload->dirty || upload->pretended) && !upload->removed && upload->size > 0 && upload->failure == NULL
         && !scratch_name_matches (upload->name);
}

/* The mount ends: what was not sent becomes a draft. Lock not held. */
static void
keep (Upload *upload)
{
  g_autoptr (GError) failure
      = g_error_new (ZOHO_ERROR, ZOHO_ERROR_CANCELLED, "%s", upload->pretended ? "A dry run attaches nothing"
                                                                            : "The mount ended before the file was closed");

  if (is_wanted (upload) && spool_aside (upload->all, upload->folder, &upload->spool, upload->name, &upload->doer, failure))
    attachments_failed (upload->folder, upload->name, failure, upload->name);
}

/* Lock not held; nobody else knows it. */
static void
destroy (Upload *upload)
{
  spool_remove (upload->all, &upload->spool, upload->name);
  spool_close (&upload->spool);
  g_clear_error (&upload->failure);
  g_clear_pointer (&upload->known, g_array_unref);
  doer_clear (&upload->doer);
  g_free (upload->name);
  g_free (upload->title);
  g_free (upload->url);
  g_free (upload);
}

/* Lock held. Returns: what is to be destroyed without it, or NULL. */
static Upload *
let_go (Upload *upload)
{
  if (--upload->references > 0)
    return NULL;
  g_hash_table_remove (upload->all->uploads, &upload->number);
  upload->folder->users--;
  return upload;
}

void
upload_unref (Upload *upload)
{
  Store *store;
  Upload *last;
  bool alone;

  if (upload == NULL)
    return;
  store = upload->all->store;
  store_lock (store);
  alone = upload->references == 1;
  store_unlock (store);
  if (alone)
    keep (upload);
  store_lock (store);
  last = let_go (upload);
  store_unlock (store);
  if (last != NULL)
    destroy (last);
}

/* Lock held; somebody else has a reference, or it is for destroying. */
static Upload *
take_name (Upload *upload)
{
  if (!upload->named)
    return NULL;
  upload->named = false;
  g_ptr_array_remove (upload->folder->uploads, upload);
  attachments_touch (upload->folder);
  return let_go (upload);
}

/* Lock held. Nothing comes of it, unless more is written. */
static void
unname (Upload *upload)
{
  Upload *last = take_name (upload);

  upload->dirty = false;
  if (last != NULL)
    destroy (last);
}

void
upload_remove (Upload *upload)
{
  upload->removed = true;
  unname (upload);
}

bool
upload_lands (Upload *upload, StoreWait *wait)
{
  return upload->sending && bell_wait (&upload->landed, wait) == STORE_WAITING;
}

Upload *
uploads_named (const AttachmentFolder *folder, const char *name)
{
  for (guint i = 0; i < folder->uploads->len; i++)
    if (strcmp (((Upload *)folder->uploads->pdata[i])->name, name) == 0)
      return folder->uploads->pdata[i];
  return NULL;
}

static void
fail_disk (GError **error, const char *words)
{
  int number = errno;
  int code = number == ENOSPC || number == EDQUOT ? ZOHO_ERROR_NO_SPACE : ZOHO_ERROR_FAILED;

  g_set_error (error, ZOHO_ERROR, code, "%s: %s", words, g_strerror (number));
}

/* Zoho is told no control characters (api/attachments.c), so who came again under such a name would attach it twice. */
static bool
check_name (const char *name, GError **error)
{
  const char *c = name;

  while ((guchar)*c >= ' ' && *c != '\x7f')
    c++;
  if (*c == '\0' && journal_is_name (name, false))
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "An attachment cannot have such a name.");
  return false;
}

Upload *
upload_new (StoreModule *module, uint64_t record, const char *name, uint64_t replaces, GError **error)
{
  Store *store = module->store;
  Upload *upload, *old;

  if (!check_name (name, error))
    return NULL;
  upload = g_new0 (Upload, 1);
  upload->all = store->attachments;
  upload->name = g_strdup (name);
  upload->mtime = clock_wall_s ();
  upload->origin = upload->replaces = replaces;
  store_lock (store);
  upload->folder = attachments_folder (module, record);
  upload->number = ++upload->all->numbers;
  if (!spool_open (upload->all, upload->folder, upload->number, name, &upload->spool))
    {
      fail_disk (error, "The file cannot be kept on the local disk until it is attached");
      store_unlock (store);
      destroy (upload);
      return NULL;
    }
  old = uploads_named (upload->folder, name);
  if (old != NULL && replaces != 0 && old->replaces == replaces && old->failure == NULL)
    {
      old->references++;
      store_unlock (store);
      destroy (upload);
      return old;
    }
  if (old != NULL)
    {
      old->removed = true;
      old = take_name (old);
    }
  upload->folder->users++;
  upload->references = 2;
  upload->named = true;
  g_ptr_array_add (upload->folder->uploads, upload);
  g_hash_table_insert (upload->all->uploads, &upload->number, upload);
  attachments_touch (upload->folder);
  store_unlock (store);
  if (old != NULL)
    destroy (old);
  return upload;
}

/* The store has stopped. */
static void
end_one (Upload *upload)
{
  Store *store = upload->all->store;

  keep (upload);
  store_lock (store);
  unname (upload);
  store_unlock (store);
}

static GPtrArray *
all_uploads (const Attachments *all)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)upload_unref);
  GHashTableIter iter;
  gpointer value;

  store_lock (all->store);
  g_hash_table_iter_init (&iter, all->uploads);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ((Upload *)value)->references++;
      g_ptr_array_add (list, value);
    }
  store_unlock (all->store);
  return list;
}

void
uploads_end (Attachments *all)
{
  g_autoptr (GPtrArray) list = all_uploads (all);

  for (guint i = 0; i < list->len; i++)
    {
      Upload *upload = list->pdata[i];

      end_one (upload);
      if (upload->queued)
        upload_unref (upload);
    }
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

GPtrArray *
uploads_list (StoreModule *module, uint64_t record)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)upload_unref);
  const AttachmentFolder *folder;

  store_lock (module->store);
  folder = attachments_folder (module, record);
  for (guint i = 0; i < folder->uploads->len; i++)
    {
      Upload *upload = folder->uploads->pdata[i];

      upload->references++;
      g_ptr_array_add (list, upload);
    }
  store_unlock (module->store);
  return list;
}

static Upload *
with_reference (Upload *upload)
{
  if (upload != NULL)
    upload->references++;
  return upload;
}

Upload *
uploads_find (StoreModule *module, uint64_t record, const char *name)
{
  Upload *found;

  store_lock (module->store);
  found = with_reference (uploads_named (attachments_folder (module, record), name));
  store_unlock (module->store);
  return found;
}

Upload *
uploads_of_number (Store *store, uint64_t number)
{
  Upload *found;

  store_lock (store);
  found = with_reference (g_hash_table_lookup (store->attachments->uploads, &number));
  store_unlock (store);
  return found;
}

uint64_t
uploads_attached (StoreModule *module, uint64_t record, uint64_t number)
{
  const uint64_t *id;
  uint64_t found;

  store_lock (module->store);
  id = g_hash_table_lookup (attachments_folder (module, record)->attached, &number);
  found = id != NULL ? *id : 0;
  store_unlock (module->store);
  return found;
}

/* Lock held. */
static bool
stands_for (const Upload *upload, const AttachmentFolder *folder, uint64_t id)
{
  return upload->folder == folder && upload->failure == NULL && !upload->removed
         && (upload->origin == id || (upload->named && upload->replaces == id));
}

Upload *
uploads_replacing (StoreModule *module, uint64_t record, uint64_t id)
{
  const AttachmentFolder *folder;
  GHashTableIter iter;
  gpointer value;
  Upload *found = NULL;

  store_lock (module->store);
  folder = attachments_folder (module, record);
  g_hash_table_iter_init (&iter, folder->all->uploads);
  while (found == NULL && g_hash_table_iter_next (&iter, NULL, &value))
    if (stands_for (value, folder, id))
      found = with_reference (value);
  store_unlock (module->store);
  return found;
}

uint64_t
upload_number (const Upload *upload)
{
  return upload->number;
}

char *
upload_name (Upload *upload)
{
  char *name;

  store_lock (upload->all->store);
  name = g_strdup (upload->name);
  store_unlock (upload->all->store);
  return name;
}

void
upload_stat (Upload *upload, int64_t *size, int64_t *mtime)
{
  store_lock (upload->all->store);
  *size = upload->size;
  *mtime = upload->mtime;
  store_unlock (upload->all->store);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

ssize_t
upload_read (Upload *upload, char *bytes, size_t size, uint64_t offset, GError **error)
{
  ssize_t got;

  do
    got = pread (upload->spool.fd, bytes, size, (off_t)MIN (offset, (uint64_t)INT64_MAX));
  while (got < 0 && errno == EINTR);
  if (got < 0)
    fail_disk (error, "The file cannot be read");
  return got;
}

/* Lock held. May the bytes be changed so that @end is the end of them? */
static StoreState
may_change (Upload *upload, uint64_t end, StoreWait *wait, GError **error)
{
  if (upload->sending)
    return bell_wait (&upload->landed, wait);
  if (upload->failure != NULL)
    g_propagate_error (error, g_error_copy (upload->failure));
  else if (end > (uint64_t)ATTACHMENTS_BYTES_MAX)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE,
                 "Zoho takes attachments of at most 100 MB (%" G_GINT64_FORMAT " bytes).", ATTACHMENTS_BYTES_MAX);
  else
    return STORE_READY;
  return STORE_FAILED;
}

static bool
put (const Upload *upload, const char *bytes, size_t size, uint64_t offset, GError **error)
{
  for (size_t done = 0; done < size;)
    {
      ssize_t written = pwrite (upload->spool.fd, bytes + done, size - done, (off_t)(offset + done));

      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        {
          fail_disk (error, "The file cannot be kept on the local disk until it is attached");
          return false;
        }
      done += (size_t)written;
    }
  return true;
}

/* What ends lets the next one of its name begin, and that ends here. */
static void send_queued (const Upload *landed);

/* Lock held; somebody has a reference. */
static void
end_failed (Upload *upload, const GError *failure)
{
  Upload *last = take_name (upload);

  g_assert (last == NULL);
  upload->sending = upload->looking = upload->dirty = false;
  upload->failure = g_error_copy (failure);
  bell_ring (upload->all->store, &upload->landed, failure);
  send_queued (upload);
}

/* Bytes that were to be in it are not, so what is there must not be attached for the whole: it is gone at once,
 * since some programs close what they could not write. @failure is handed over; NULL: it only waits. */
static StoreState
spoilt (Upload *upload, StoreState state, GError *failure, GError **error)
{
  Store *store = upload->all->store;
  bool told;

  if (failure == NULL)
    return state;
  store_lock (store);
  told = upload->failure == NULL && !upload->sending && upload->named;
  if (upload->failure == NULL && !upload->sending)
    end_failed (upload, failure);
  store_unlock (store);
  if (told)
    attachments_failed (upload->folder, upload->name, failure, NULL);
  g_propagate_error (error, failure);
  return state;
}

/* Lock held. */
static void
note_change (Upload *upload, int64_t size)
{
  upload->size = size;
  upload->mtime = clock_wall_s ();
  upload->dirty = true;
  upload->pretended = false;
}

StoreState
upload_write (Upload *upload, const char *bytes, size_t size, uint64_t offset, StoreWait *wait, GError **error)
{
  Store *store = upload->all->store;
  uint64_t end = offset + size;
  GError *failure = NULL;
  StoreState state;

  store_lock (store);
  state = may_change (upload, end < offset ? UINT64_MAX : end, wait, &failure);
  store_unlock (store);
  if (state == STORE_READY && !put (upload, bytes, size, offset, &failure))
    state = STORE_FAILED;
  if (state != STORE_READY)
    return spoilt (upload, state, failure, error);
  store_lock (store);
  note_change (upload, MAX (upload->size, (int64_t)end));
  store_unlock (store);
  return STORE_READY;
}

/* Lock held, so that it is not sent meanwhile: its end would be missing. */
static StoreState
resize (Upload *upload, uint64_t size, StoreWait *wait, GError **error)
{
  StoreState state = may_change (upload, size, wait, error);

  if (state != STORE_READY)
    return state;
  if (ftruncate (upload->spool.fd, (off_t)size) < 0)
    {
      fail_disk (error, "The file cannot be resized");
      return STORE_FAILED;
    }
  if ((int64_t)size != upload->size)
    note_change (upload, (int64_t)size);
  return STORE_READY;
}

StoreState
upload_truncate (Upload *upload, uint64_t size, StoreWait *wait, GError **error)
{
  Store *store = upload->all->store;
  GError *failure = NULL;
  StoreState state;

  store_lock (store);
  state = resize (upload, size, wait, &failure);
  store_unlock (store);
  return state == STORE_READY ? STORE_READY : spoilt (upload, state, failure, error);
}

/* ---- one of a name at a time ------------------------------------------------------------------------------------- */

/* Lock held: one of the name of @upload for which @is. */
static Upload *
namesake (const Upload *upload, bool (*is) (const Upload *upload, const Upload *other))
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, upload->all->uploads);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Upload *other = value;

      if (other->folder == upload->folder && strcmp (other->name, upload->name) == 0 && is (upload, other))
        return other;
    }
  return NULL;
}

static bool
is_sent_beside (const Upload *upload, const Upload *other)
{
  return other != upload && other->sending;
}

/* Lock held: what is being sent under the name of @upload. Two at a time would replace the same one, and both would
 * stay. */
static Upload *
in_the_way (const Upload *upload)
{
  return namesake (upload, is_sent_beside);
}

/* In @table of a folder, for who has looked up what was before and comes with it now. */
static void
note_became (GHashTable *table, uint64_t before, uint64_t after)
{
  if (g_hash_table_size (table) >= SUCCESSORS_MAX)
    g_hash_table_remove_all (table);
  g_hash_table_replace (table, g_memdup2 (&before, sizeof before), g_memdup2 (&after, sizeof after));
}

/* ---- the end of a commit ----------------------------------------------------------------------------------------- */

/* Lock not held: nobody changes it while it is sent. */
static void
tell_failure (Upload *upload, const GError *failure)
{
  bool kept = spool_aside (upload->all, upload->folder, &upload->spool, upload->name, &upload->doer, failure);
  g_autofree char *outcome = g_strconcat ("refused: ", failure->message, NULL);

  attachments_failed (upload->folder, upload->name, failure, kept ? upload->name : NULL);
  attachments_audit (upload->folder, &upload->doer, "attach", upload->name, outcome);
}

static void
end_good (Upload *upload)
{
  Upload *last;

  note_became (upload->folder->attached, upload->number, upload->replaces);
  last = upload->dirty ? NULL : take_name (upload);

  g_assert (last == NULL);
  upload->sending = upload->looking = false;
  bell_ring (upload->all->store, &upload->landed, NULL);
  send_queued (upload);
}

/* What is sent has a reference of its own. Ends with call_end(). */
static void
end_call (Upload *upload)
{
  Store *store = upload->all->store;
  Upload *last = let_go (upload);

  store_unlock (store);
  if (last != NULL)
    destroy (last);
  store_lock (store);
  call_end (store);
}

static void
on_replaced (const GError *error, void *data)
{
  Upload *upload = data;
  Store *store = upload->all->store;
  g_autofree char *refused = error != NULL ? g_strconcat ("refused: ", error->message, NULL) : NULL;

  attachments_audit (upload->folder, &upload->doer, "detach", upload->name, error == NULL ? "deleted" : refused);
  if (error != NULL)
    attachments_failed (upload->folder, upload->name, error, NULL);
  call_begin (store, &upload->ticket);
  if (error == NULL)
    attachments_drop (upload->folder, upload->replaces);
  upload->replaces = upload->made;
  end_good (upload);
  end_call (upload);
}

/* Lock held: it is attachment @id. Returns: whether a call goes on about it. */
static bool
take_made (Upload *upload, uint64_t id, int64_t modified_s)
{
  Store *store = upload->all->store;
  uint64_t old = upload->replaces;
  AttachmentsAddress address;
  const AttachmentsOf *of = attachments_address (upload->folder, CLIENT_PERSON, &address);
  char text[24];

  attachments_put (upload->folder, id, upload->title, upload->size,
                   modified_s != 0 ? modified_s : clock_wall_s (), upload->url);
  g_clear_pointer (&upload->known, g_array_unref);
  if (old == 0 || store->stopping)
    {
      upload->replaces = id;
      end_good (upload);
      return false;
    }
  upload->made = id;
  note_became (upload->folder->successors, old, id);
  g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, old);
  upload->ticket = attachments_api_delete (store->config.client, of, text, on_replaced, upload);
  call_sent (store, upload->ticket);
  return true;
}

/* Lock held: the answer was lost. */
static void
look (Upload *upload)
{
  upload->looking = true;
  upload->look_us = clock_now_us ();
  attachments_look_again (upload->folder, CLIENT_PERSON);
}

static void
on_sent (const AttachmentMade *made, const GError *error, void *data)
{
  Upload *upload = data;
  Store *store = upload->all->store;
  bool unclear = g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_UNCLEAR);
  bool goes_on = false, looks;

  store_lock (store);
  looks = unclear && !store->stopping;
  store_unlock (store);
  if (error != NULL && !looks)
    tell_failure (upload, error);
  if (made != NULL)
    attachments_audit (upload->folder, &upload->doer, "attach", upload->name, "saved");
  call_begin (store, &upload->ticket);
  if (made != NULL)
    goes_on = take_made (upload, made->id, made->modified_s);
  else if (looks)
    look (upload);
  else
    end_failed (upload, error);
  if (looks || goes_on)
    call_end (store);
  else
    end_call (upload);
}

/* Lock held. Which attachment of the list may be it? */
static uint64_t
find_made (const Upload *upload)
{
  const GPtrArray *list = upload->folder->list;

  for (guint i = list->len; i > 0; i--)
    {
      const Attachment *attachment = list->pdata[i - 1];
      bool fits = strcmp (attachment->title, upload->title) == 0 && g_strcmp0 (attachment->url, upload->url) == 0
                  && (upload->url != NULL || attachment->size < 0 || attachment->size == upload->size)
                  && (attachment->mtime == 0 || attachment->mtime >= upload->sent_s - CLOCKS_DIFFER_S);

      for (guint j = 0; fits && upload->known != NULL && j < upload->known->len; j++)
        fits = g_array_index (upload->known, uint64_t, j) != attachment->id;
      if (fits)
        return attachment->id;
    }
  return 0;
}

/* Those without a name, too. */
static Upload *
next_to_judge (const AttachmentFolder *folder)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, folder->all->uploads);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Upload *upload = value;

      if (upload->folder == folder && upload->looking && folder->sent_us >= upload->look_us)
        return upload;
    }
  return NULL;
}

/* Lock held, which is dropped and taken. */
static void
judge (Upload *upload, const GError *failure)
{
  Store *store = upload->all->store;
  uint64_t id = failure == NULL ? find_made (upload) : 0;
  g_autoptr (GError) why = NULL;
  bool goes_on = false;

  upload->looking = false;
  store_unlock (store);
  if (id != 0)
    attachments_audit (upload->folder, &upload->doer, "attach", upload->name, "saved; its answer was lost");
  else if (failure == NULL)
    g_set_error (&why, ZOHO_ERROR, ZOHO_ERROR_UNREACHABLE,
                 "The connection broke while the file was sent, and it is not among the attachments");
  else
    g_set_error (&why, ZOHO_ERROR, ZOHO_ERROR_UNCLEAR,
                 "The connection broke while the file was sent, and nobody can be asked whether it is attached: %s",
                 failure->message);
  if (why != NULL)
    tell_failure (upload, why);
  store_lock (store);
  if (id != 0)
    goes_on = take_made (upload, id, 0);
  else
    end_failed (upload, why);
  if (!goes_on)
    {
      Upload *last = let_go (upload);

      store_unlock (store);
      if (last != NULL)
        destroy (last);
      store_lock (store);
    }
}

void
uploads_judge (AttachmentFolder *folder, const GError *failure)
{
  Upload *upload;

  while ((upload = next_to_judge (folder)) != NULL)
    judge (upload, failure);
}

/* ---- committing -------------------------------------------------------------------------------------------------- */

/* The name as Zoho is told, and the address when it is a link. Lock held. */
static void
read_what (Upload *upload)
{
  g_autofree char *text = NULL;
  size_t size = strlen (upload->name), suffix = strlen (".url");
  ssize_t got;

  g_clear_pointer (&upload->url, g_free);
  g_free (upload->title);
  upload->title = g_strdup (upload->name);
  if (upload->size > LINK_BYTES_MAX || size <= suffix || g_ascii_strcasecmp (upload->name + size - suffix, ".url") != 0)
    return;
  text = g_malloc ((size_t)upload->size + 1);
  got = upload_read (upload, text, (size_t)upload->size, 0, NULL);
  upload->url = got > 0 ? attachment_link_read (text, (size_t)got) : NULL;
  if (upload->url != NULL)
    upload->title[size - suffix] = '\0';
}

static void
note_known (Upload *upload)
{
  const GPtrArray *list = upload->folder->list;

  g_clear_pointer (&upload->known, g_array_unref);
  if (list == NULL)
    return;
  upload->known = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  for (guint i = 0; i < list->len; i++)
    g_array_append_val (upload->known, ((Attachment *)list->pdata[i])->id);
}

/* Lock held. */
static void
send (Upload *upload, ClientPriority priority)
{
  Client *client = upload->all->store->config.client;
  AttachmentsAddress address;
  const AttachmentsOf *of = attachments_address (upload->folder, priority, &address);

  read_what (upload);
  note_known (upload);
  upload->replaces = attachments_latest (upload->folder, upload->replaces);
  upload->dirty = false;
  upload->sending = true;
  upload->references++;
  upload->sent_s = clock_wall_s ();
  if (upload->url != NULL)
    upload->ticket = attachments_api_link (client, of, upload->title, upload->url, on_sent, upload);
  else
    upload->ticket = attachments_api_upload (client, of, upload->title, upload->spool.fd, upload->size, on_sent, upload);
  call_sent (upload->all->store, upload->ticket);
}

/* Is there something to be sent? Lock held. */
static bool
is_due (const Upload *upload)
{
  return upload->dirty && !upload->removed && !upload->sending && upload->size > 0 && upload->failure == NULL
         && !scratch_name_matches (upload->name) && !upload->all->store->stopping;
}

/* Lock held. Nobody waits, but somebody has written it: it is not for background work's part of the budget. */
static void
send_later (Upload *upload)
{
  if (in_the_way (upload) == NULL)
    send (upload, CLIENT_LISTING);
  else if (!upload->queued)
    {
      upload->queued = true;
      upload->references++;
    }
}

static bool
is_queued (const Upload *landed, const Upload *other)
{
  return other->queued;
}

static void
send_queued (const Upload *landed)
{
  Upload *upload = namesake (landed, is_queued), *last;

  if (upload == NULL || in_the_way (upload) != NULL || upload->all->store->stopping)
    return;
  upload->queued = false;
  if (is_due (upload))
    send (upload, CLIENT_LISTING);
  last = let_go (upload);
  if (last != NULL)
    destroy (last);
}

/* Lock held. @pretend: a dry run is to be told. */
static StoreState
commit (Upload *upload, const SaveWho *who, StoreWait *wait, bool *pretend, GError **error)
{
  Upload *other;

  if (upload->sending)
    return bell_wait (&upload->landed, wait);
  if (upload->failure != NULL)
    {
      g_propagate_error (error, g_error_copy (upload->failure));
      return STORE_FAILED;
    }
  if (!is_due (upload))
    return STORE_READY;
  other = in_the_way (upload);
  if (other != NULL)
    return bell_wait (&other->landed, wait);
  doer_set (&upload->doer, who);
  if (upload->all->config.dry_run)
    {
      upload->dirty = false;
      *pretend = upload->pretended = true;
      return STORE_READY;
    }
  send (upload, wait->priority);
  return bell_wait (&upload->landed, wait);
}

StoreState
upload_commit (Upload *upload, const SaveWho *who, StoreWait *wait, GError **error)
{
  Store *store = upload->all->store;
  bool pretend = false;
  StoreState state;

  store_lock (store);
  state = commit (upload, who, wait, &pretend, error);
  store_unlock (store);
  if (pretend)
    attachments_audit (upload->folder, &upload->doer, "attach", upload->name, "dry run: nothing was sent");
  return state;
}

void
upload_commit_later (Upload *upload)
{
  Store *store = upload->all->store;

  store_lock (store);
  if (is_due (upload) && !upload->all->config.dry_run)
    send_later (upload);
  else if (upload->size == 0 && upload->replaces != 0 && !upload->sending)
    unname (upload); /* it was emptied, and nothing came: the attachment is seen again */
  store_unlock (store);
}

void
upload_abandon (Upload *upload, const SaveWho *who)
{
  Store *store = upload->all->store;
  g_autoptr (GError) failure
      = g_error_new (ZOHO_ERROR, ZOHO_ERROR_CANCELLED, "The program that wrote the file was killed, so it was not attached");
  bool mine;

  store_lock (store);
  mine = is_due (upload);
  if (mine)
    {
      doer_set (&upload->doer, who);
      upload->sending = true;
    }
  store_unlock (store);
  if (!mine)
    return;
  tell_failure (upload, failure);
  store_lock (store);
  end_failed (upload, failure);
  store_unlock (store);
}

/* ---- renaming ---------------------------------------------------------------------------------------------------- */

static bool
refuse (GError **error, int code, const char *words)
{
  g_set_error_literal (error, ZOHO_ERROR, code, words);
  return false;
}

/* Lock held. @upload, which is local, gets the name @new_name; @gone: to be destroyed. */
static bool
give_name (Upload *upload, const char *new_name, bool replace, Upload **gone, GError **error)
{
  AttachmentFolder *folder = upload->folder;
  Upload *other = uploads_named (folder, new_name);
  const Attachment *there = folder->list != NULL ? attachments_find (folder->list, new_name) : NULL;

  if (!check_name (new_name, error))
    return false;
  if (!replace && (other != NULL || there != NULL))
    return refuse (error, ZOHO_ERROR_DUPLICATE, "There is a file of that name.");
  if (upload->spool.place != NULL && !spool_rename (upload->all, &upload->spool, upload->name, new_name))
    {
      fail_disk (error, "The file cannot be renamed");
      return false;
    }
  if (other != NULL && other != upload)
    {
      upload->replaces = other->replaces != 0 ? other->replaces : upload->replaces;
      other->dirty = false;
      other->removed = true;
      *gone = take_name (other);
    }
  if (there != NULL && !scratch_name_matches (new_name))
    upload->replaces = there->id;
  g_free (upload->name);
  upload->name = g_strdup (new_name);
  if (upload->pretended)
    upload->dirty = true;
  attachments_touch (folder);
  return true;
}

/* Lock held. @upload: a reference to what has the name now. */
static StoreState
rename_in (AttachmentFolder *folder, const char *name, const char *new_name, bool replace, const char *deed,
           StoreWait *wait, Upload **upload, Upload **gone, GError **error)
{
  Upload *found = uploads_named (folder, name), *other;
  StoreState state;

  if (found != NULL && found->sending)
    return bell_wait (&found->landed, wait);
  if (found == NULL && attachments_was_done (folder, deed, wait))
    {
      *upload = with_reference (uploads_named (folder, new_name));
      return wait_failed (wait, error) ? STORE_FAILED : STORE_READY;
    }
  state = attachments_fresh (folder, wait, error);
  if (state != STORE_READY)
    return state;
  if (found == NULL)
    {
      bool there = attachments_find (folder->list, name) != NULL;

      refuse (error, there ? ZOHO_ERROR_FORBIDDEN : ZOHO_ERROR_NOT_FOUND,
              there ? "Zoho cannot rename an attachment: copy it and delete the old one." : "There is no such file.");
      return STORE_FAILED;
    }
  other = replace ? uploads_named (folder, new_name) : NULL;
  if (other != NULL && other->sending)
    return bell_wait (&other->landed, wait);
  if (!give_name (found, new_name, replace, gone, error))
    return STORE_FAILED;
  wait_began_us (wait);
  attachments_note_done (folder, g_strdup (deed));
  *upload = with_reference (found);
  return STORE_READY;
}

StoreState
uploads_rename (StoreModule *module, uint64_t record, const char *name, const char *new_name, bool replace,
                const SaveWho *who, StoreWait *wait, GError **error)
{
  Store *store = module->store;
  g_autofree char *deed = g_strconcat ("mv ", name, "/", new_name, NULL);
  g_autoptr (Upload) upload = NULL;
  Upload *gone = NULL;
  StoreState state;

  if (strcmp (name, new_name) == 0)
    return STORE_READY;
  store_lock (store);
  state = rename_in (attachments_folder (module, record), name, new_name, replace, deed, wait, &upload, &gone, error);
  store_unlock (store);
  if (gone != NULL)
    destroy (gone);
  return state == STORE_READY && upload != NULL ? upload_commit (upload, who, wait, error) : state;
}
