/* One reader's download of an attachment, from the curl thread through a file on the disk to the reader.
 *
 *   a download is   leaves when
 *   IDLE            a read wants more than has come                    -> FLYING
 *   FLYING          all has come -> WHOLE; the connection breaks -> IDLE, or FAILED when it broke before without bringing
 *                   anything; refused, no room, other bytes than before -> FAILED
 *   WHOLE, FAILED   never
 *
 * Zoho knows no ranges: a call that goes on where another one broke begins anew, and the bytes that are here already are
 * compared with those that come. While it is far enough ahead of the reader the call stands still. */
#include "model/attachments_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define AHEAD_BYTES (INT64_C (8) << 20)
#define TRIES_MAX 3 /* that bring nothing */
#define COMPARE_BYTES 16384

struct Download
{
  Store *store;
  AttachmentFolder *folder;
  uint64_t id;
  int fd; /* -1: not made yet */
  int64_t at; /* in the body under way; the curl thread's */

  /* Guarded by the store's lock. */
  int64_t got;    /* bytes in the file; grows on the curl thread alone */
  int64_t total;  /* -1: not known yet */
  int64_t wanted; /* the furthest that a reader wants to get */
  int64_t need;   /* when so much is here the bell rings */
  bool flying, whole, closed;
  bool paused;    /* curl holds a piece */
  int64_t got_before; /* when the call began */
  unsigned tries;
  GError *failure;
  uint64_t ticket;
  Bell landed;
};

static void
destroy (Download *download)
{
  if (download->fd >= 0)
    close (download->fd);
  g_clear_error (&download->failure);
  g_free (download);
}

/* ---- on the curl thread ------------------------------------------------------------------------------------------ */

static ClientTook
fail (Download *download, int code, const char *words)
{
  store_lock (download->store);
  if (download->failure == NULL)
    download->failure = g_error_new_literal (ZOHO_ERROR, code, words);
  store_unlock (download->store);
  return CLIENT_STOP;
}

/* Are the bytes that are here already the same? */
static bool
is_same (const Download *download, const char *bytes, int64_t size)
{
  char here[COMPARE_BYTES];

  for (int64_t done = 0; done < size;)
    {
      ssize_t got = pread (download->fd, here, (size_t)MIN (size - done, COMPARE_BYTES), download->at + done);

      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0 || memcmp (here, bytes + done, (size_t)got) != 0)
        return false;
      done += got;
    }
  return true;
}

static bool
put (const Download *download, const char *bytes, int64_t size, int64_t at)
{
  for (int64_t done = 0; done < size;)
    {
      ssize_t written = pwrite (download->fd, bytes + done, (size_t)(size - done), at + done);

      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return false;
      done += written;
    }
  return true;
}

/* Lock held. */
static ClientTook
judge (Download *download, const ClientPiece *piece)
{
  if (download->closed || download->failure != NULL)
    return CLIENT_STOP;
  if (piece->hurry || download->at + (int64_t)piece->size <= download->wanted + AHEAD_BYTES)
    return CLIENT_TOOK;
  download->paused = true;
  return CLIENT_LATER;
}

static ClientTook
take (const ClientPiece *piece, void *data)
{
  Download *download = data;
  int64_t size = (int64_t)piece->size, known, end = download->at + size;
  ClientTook took;

  store_lock (download->store);
  took = judge (download, piece);
  known = CLAMP (download->got - download->at, 0, size);
  if (took == CLIENT_TOOK && piece->length >= 0 && download->total < 0)
    download->total = piece->length;
  store_unlock (download->store);
  if (took != CLIENT_TOOK)
    return took;
  if (!is_same (download, piece->bytes, known))
    return fail (download, ZOHO_ERROR_CHANGED, "The attachment is another one than when it was begun to be read");
  if (!put (download, piece->bytes + known, size - known, download->at + known))
    return fail (download, ZOHO_ERROR_NO_SPACE, "There is no room on the local disk for the attachment");
  download->at = end;
  store_lock (download->store);
  download->got = MAX (download->got, end);
  if (download->got >= download->need)
    {
      download->need = INT64_MAX;
      bell_ring (download->store, &download->landed, NULL);
    }
  store_unlock (download->store);
  return CLIENT_TOOK;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

/* Lock held. */
static void
end_call (Download *download, const GError *error)
{
  bool brings = download->got > download->got_before;

  download->flying = download->paused = false;
  if (download->failure != NULL)
    return;
  if (error == NULL && download->at < download->got)
    download->failure = g_error_new_literal (ZOHO_ERROR, ZOHO_ERROR_CHANGED,
                                             "The attachment is shorter than when it was begun to be read");
  else if (error == NULL)
    {
      download->whole = true;
      download->total = download->got;
    }
  else if ((!g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_UNREACHABLE)
            && !g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT))
           || (!brings && ++download->tries >= TRIES_MAX))
    download->failure = g_error_copy (error);
  if (brings)
    download->tries = 0;
}

static void
on_end (int64_t length, const GError *error, void *data)
{
  Download *download = data;
  Store *store = download->store;
  bool closed;

  call_begin (store, &download->ticket);
  end_call (download, error);
  bell_ring (store, &download->landed, NULL);
  closed = download->closed;
  if (closed)
    destroy (download);
  call_end (store);
}

/* Lock held. */
static void
send (Download *download, ClientPriority priority)
{
  AttachmentsAddress address;
  const AttachmentsOf *of = attachments_address (download->folder, priority, &address);
  char id[24];

  g_snprintf (id, sizeof id, "%" G_GUINT64_FORMAT, download->id);
  download->flying = true;
  download->at = 0;
  download->got_before = download->got;
  download->ticket = attachments_api_download (download->store->config.client, of, id, take, on_end, download);
  call_sent (download->store, download->ticket);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Lock held. WAITING until there is something for the read; @size: how much. */
static StoreState
want (Download *download, uint64_t offset, size_t *size, StoreWait *wait, GError **error)
{
  int64_t begin = (int64_t)MIN (offset, (uint64_t)INT64_MAX / 2), end = begin + (int64_t)*size;

  if (download->total >= 0)
    end = MIN (end, MAX (download->total, begin));
  if (download->whole || end <= download->got || (download->total >= 0 && begin >= download->total))
    {
      *size = (size_t)MAX (MIN (end, download->got) - begin, 0);
      return STORE_READY;
    }
  if (download->failure != NULL)
    {
      g_propagate_error (error, g_error_copy (download->failure));
      return STORE_FAILED;
    }
  if (attachments_is_stopping (download->folder->all, error) || wait_refused (wait, error))
    return STORE_FAILED;
  download->wanted = MAX (download->wanted, end);
  download->need = MIN (download->need, end);
  if (!download->flying)
    send (download, wait->priority);
  else if (download->paused)
    {
      download->paused = false;
      client_resume (download->store->config.client, download->ticket);
    }
  return bell_wait (&download->landed, wait);
}

static bool
open_spool (Download *download, GError **error)
{
  if (download->fd < 0)
    download->fd = spool_nameless (download->folder->all->config.state);
  if (download->fd >= 0)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "No file for the attachment can be made on the local disk: %s",
               g_strerror (errno));
  return false;
}

Download *
download_new (StoreModule *module, uint64_t record, uint64_t id)
{
  Download *download = g_new0 (Download, 1);

  download->store = module->store;
  download->id = id;
  download->fd = -1;
  download->total = -1;
  download->need = INT64_MAX;
  store_lock (module->store);
  download->folder = attachments_folder (module, record);
  download->folder->users++;
  store_unlock (module->store);
  return download;
}

void
download_free (Download *download)
{
  Store *store;
  uint64_t ticket = 0;

  if (download == NULL)
    return;
  store = download->store;
  store_lock (store);
  download->folder->users--;
  download->closed = true;
  if (download->flying)
    ticket = download->ticket;
  else
    destroy (download);
  store_unlock (store);
  if (ticket != 0)
    client_cancel (store->config.client, ticket);
}

StoreState
download_read (Download *download, char *bytes, size_t size, uint64_t offset, StoreWait *wait, size_t *got, GError **error)
{
  StoreState state = STORE_FAILED;
  ssize_t read;

  store_lock (download->store);
  if (open_spool (download, error))
    state = want (download, offset, &size, wait, error);
  store_unlock (download->store);
  if (state != STORE_READY)
    return state;
  do
    read = size > 0 ? pread (download->fd, bytes, size, (off_t)offset) : 0;
  while (read < 0 && errno == EINTR);
  *got = (size_t)MAX (read, 0);
  if (read >= 0)
    return STORE_READY;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The local disk does not give the attachment back: %s",
               g_strerror (errno));
  return STORE_FAILED;
}
