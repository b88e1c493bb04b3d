/* <Module>/<label>.<id>/attachments: a record's attachments, and files on their way to be some. An attachment has
 * its node by its id, a file by its number; a link is a file of text.
 *
 * NodeKey.id of the directory is the record's, of what is in it a draft_names_number() of "attachments
 * <Module>/<record>" and the attachment's id, or "+" and the file's number. */
#include "fs/kinds/kinds.h"

#include "base/error.h"
#include "fs/access.h"
#include "fs/desk.h"
#include "model/attachments.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROCESS_FLAGS_FIELD 9 /* of /proc/<thread>/stat, see proc(5); the first two are skipped with the name */
#define KILLED 0x400          /* PF_SIGNALED: a signal ends it */

/* What a node of the second kind is. */
typedef struct
{
  uint64_t record;
  uint64_t id;     /* of the attachment; 0: it is a file */
  uint64_t number; /* of the file */
} Place;

/* An open one: exactly one of the first three is set. */
typedef struct
{
  Download *download;
  GBytes *text;
  Upload *upload;
  bool writes;
  EditProcess opener;
} Open;

static StoreState
fail (GError **error, int code, const char *words)
{
  g_set_error_literal (error, ZOHO_ERROR, code, words);
  return STORE_FAILED;
}

static bool
may_write (const Ask *ask, GError **error)
{
  if (ask->desks == NULL)
    fail (error, ZOHO_ERROR_READ_ONLY, "The mount is read-only.");
  return ask->desks != NULL;
}

static bool
may_delete (const Ask *ask, const NodeKey *node, GError **error)
{
  if (!may_write (ask, error))
    return false;
  if (access_refusal (ask->config->access, ask->who.uid, store_module_name (node->module), ACCESS_TO_DELETE) == 0)
    return true;
  fail (error, ZOHO_ERROR_DENIED, "The rules of this mount do not let you delete or replace attachments here.");
  return false;
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static NodeKey
key_of (const Ask *ask, StoreModule *module, uint64_t record, const char *name)
{
  g_autofree char *directory
      = g_strdup_printf ("attachments %s/%" G_GUINT64_FORMAT, store_module_name (module), record);

  return (NodeKey){ &attachment_kind, module, draft_names_number (ask->draft_names, directory, name) };
}

static NodeKey
key_of_attachment (const Ask *ask, const NodeKey *dir, const Attachment *attachment)
{
  g_autofree char *name = g_strdup_printf ("%" G_GUINT64_FORMAT, attachment->id);

  return key_of (ask, dir->module, dir->id, name);
}

static NodeKey
key_of_upload (const Ask *ask, const NodeKey *dir, const Upload *upload)
{
  g_autofree char *name = g_strdup_printf ("+%" G_GUINT64_FORMAT, upload_number (upload));

  return key_of (ask, dir->module, dir->id, name);
}

static Place
place_of (const Ask *ask, const NodeKey *node)
{
  const char *directory, *name;
  Place place = { 0 };

  draft_names_get (ask->draft_names, node->id, &directory, &name);
  place.record = g_ascii_strtoull (strrchr (directory, '/') + 1, NULL, 10);
  if (name[0] == '+')
    place.number = g_ascii_strtoull (name + 1, NULL, 10);
  else
    place.id = g_ascii_strtoull (name, NULL, 10);
  return place;
}

/* The same as it is now: a file may have become an attachment since it was looked up. */
static Place
place_now (const Ask *ask, const NodeKey *node)
{
  Place place = place_of (ask, node);
  g_autoptr (Upload) upload = place.id == 0 ? uploads_of_number (ask->store, place.number) : NULL;

  if (place.id == 0 && upload == NULL)
    place.id = uploads_attached (node->module, place.record, place.number);
  return place;
}

/* ---- the directory ----------------------------------------------------------------------------------------------- */

static StoreState
directory_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  kinds_directory_attr (attr, ask->mounted_s, ask->desks != NULL);
  return STORE_READY;
}

/* Files stand before attachments of their name, which they replace when they are closed. */
static StoreState
find (const Ask *ask, const NodeKey *dir, const char *name, Upload **upload, Attachment **attachment, GError **error)
{
  *upload = uploads_find (dir->module, dir->id, name);
  if (*upload != NULL)
    return STORE_READY;
  return attachments_named (dir->module, dir->id, name, ask->wait, attachment, error);
}

static StoreState
directory_lookup (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error)
{
  g_autoptr (Upload) upload = NULL;
  g_autoptr (Attachment) attachment = NULL;
  StoreState state = find (ask, dir, name, &upload, &attachment, error);

  if (state != STORE_READY)
    return state;
  if (upload != NULL)
    *found = key_of_upload (ask, dir, upload);
  else if (attachment != NULL)
    *found = key_of_attachment (ask, dir, attachment);
  else
    return fail (error, ZOHO_ERROR_NOT_FOUND, "There is no such attachment.");
  return STORE_READY;
}

static bool
has_name (const GPtrArray *names, const char *name)
{
  for (guint i = 0; i < names->len; i++)
    if (strcmp (names->pdata[i], name) == 0)
      return true;
  return false;
}

static StoreState
directory_list (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error)
{
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GPtrArray) uploads = NULL;
  StoreState state = attachments_list (dir->module, dir->id, ask->wait, &list, &listing->version, error);
  guint files;

  if (state != STORE_READY)
    return state;
  uploads = uploads_list (dir->module, dir->id);
  listing->names = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < uploads->len; i++)
    g_ptr_array_add (listing->names, upload_name (uploads->pdata[i]));
  files = listing->names->len;
  for (guint i = 0; i < list->len; i++)
    {
      const Attachment *attachment = list->pdata[i];

      if (files == 0 || !has_name (listing->names, attachment->name))
        g_ptr_array_add (listing->names, g_strdup (attachment->name));
    }
  return STORE_READY;
}

static struct stat
stat_of (const Ask *ask, int64_t size, int64_t mtime)
{
  return (struct stat){ .st_mode = S_IFREG | (ask->desks != NULL ? 0644 : 0444),
                        .st_nlink = 1,
                        .st_uid = getuid (),
                        .st_gid = getgid (),
                        .st_size = size,
                        .st_blocks = size / 512 + (size % 512 != 0),
                        .st_mtim.tv_sec = mtime,
                        .st_ctim.tv_sec = mtime,
                        .st_atim.tv_sec = mtime };
}

/* Where files are written, what a name means changes without the kernel: it is to ask each time, which costs no
 * call. */
static Attr
attr_of (const Ask *ask, int64_t size, int64_t mtime)
{
  bool changes = ask->desks != NULL;

  return (Attr){ .mode = S_IFREG | (changes ? 0644 : 0444),
                 .size = size,
                 .mtime = mtime,
                 .volatile_size = changes,
                 .has_stat = changes,
                 .stat = stat_of (ask, size, mtime) };
}

static Attr
attr_of_attachment (const Ask *ask, const Attachment *attachment)
{
  return attr_of (ask, attachment->size, attachment->mtime != 0 ? attachment->mtime : ask->mounted_s);
}

static StoreState
directory_entry (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr, Entry *entry,
                 bool *at_end, GError **error)
{
  g_autoptr (Upload) upload = NULL;
  g_autoptr (Attachment) attachment = NULL;
  StoreState state;

  *at_end = index >= listing->names->len;
  if (*at_end)
    return STORE_READY;
  state = find (ask, dir, listing->names->pdata[index], &upload, &attachment, error);
  if (state != STORE_READY || (upload == NULL && attachment == NULL))
    return state;
  entry->name = g_strdup (listing->names->pdata[index]);
  entry->key = upload != NULL ? key_of_upload (ask, dir, upload) : key_of_attachment (ask, dir, attachment);
  entry->has_attr = attachment != NULL && attachment->size >= 0;
  if (entry->has_attr)
    entry->attr = attr_of_attachment (ask, attachment);
  return STORE_READY;
}

/* ---- names in it ------------------------------------------------------------------------------------------------- */

/* @program: room for its name. */
static SaveWho
who_of (const Ask *ask, char program[WHO_PROGRAM_SIZE])
{
  who_program ((pid_t)ask->who.process.group, program);
  return (SaveWho){ .uid = ask->who.uid, .pid = (int64_t)ask->who.process.group, .program = program };
}

static StoreState
directory_create (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *made, GError **error)
{
  g_autoptr (Upload) old = NULL;
  g_autoptr (Upload) upload = NULL;
  g_autoptr (Attachment) attachment = NULL;
  StoreState state;

  if (!may_write (ask, error))
    return STORE_FAILED;
  if (strlen (name) > NAME_MAX)
    return fail (error, ZOHO_ERROR_INVALID, "The name is too long.");
  state = find (ask, dir, name, &old, &attachment, error);
  if (state != STORE_READY)
    return state;
  if (attachment != NULL && !may_delete (ask, dir, error))
    return STORE_FAILED;
  if (old == NULL)
    upload = upload_new (dir->module, dir->id, name, attachment != NULL ? attachment->id : 0, error);
  if (old == NULL && upload == NULL)
    return STORE_FAILED;
  *made = key_of_upload (ask, dir, old != NULL ? old : upload);
  return STORE_READY;
}

static StoreState
directory_rename (const Ask *ask, const NodeKey *dir, const char *name, const char *new_name, unsigned flags,
                  GError **error)
{
  char program[WHO_PROGRAM_SIZE];
  SaveWho who = who_of (ask, program);

  if (!may_write (ask, error))
    return STORE_FAILED;
  if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0)
    return fail (error, ZOHO_ERROR_INVALID, "Attachments cannot be exchanged.");
  return uploads_rename (dir->module, dir->id, name, new_name, flags == 0 && may_delete (ask, dir, NULL), &who, ask->wait,
                         error);
}

static StoreState
directory_unlink (const Ask *ask, const NodeKey *dir, const char *name, GError **error)
{
  char program[WHO_PROGRAM_SIZE];
  SaveWho who = who_of (ask, program);
  g_autoptr (Upload) local = uploads_find (dir->module, dir->id, name);

  if (local != NULL ? !may_write (ask, error) : !may_delete (ask, dir, error))
    return STORE_FAILED;
  return attachments_delete (dir->module, dir->id, name, &who, ask->wait, error);
}

/* ---- what is in it ----------------------------------------------------------------------------------------------- */

static StoreState
file_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error)
{
  Place place = place_now (ask, node);
  g_autoptr (Upload) upload = place.id == 0 ? uploads_of_number (ask->store, place.number)
                                            : uploads_replacing (node->module, place.record, place.id);
  g_autoptr (Attachment) attachment = NULL;
  int64_t size, mtime;
  StoreState state;

  if (upload != NULL)
    {
      upload_stat (upload, &size, &mtime);
      *attr = attr_of (ask, size, mtime);
      return STORE_READY;
    }
  if (place.id == 0)
    return fail (error, ZOHO_ERROR_NOT_FOUND, "There is no such file any more.");
  state = attachments_get (node->module, place.record, place.id, true, ask->wait, &attachment, error);
  if (state == STORE_READY)
    *attr = attr_of_attachment (ask, attachment);
  return state;
}

/* Without opens a file cannot be streamed: every read would begin a download of its own. */
static StoreState
file_open_whole (const Ask *ask, const NodeKey *node, Opened *opened, GError **error)
{
  return fail (error, ZOHO_ERROR_FORBIDDEN, "Attachments cannot be read with -o noopen.");
}

/* ---- open ones --------------------------------------------------------------------------------------------------- */

static StoreState
open_to_read (const Ask *ask, const NodeKey *node, const Place *place, Open *open, GError **error)
{
  g_autoptr (Attachment) attachment = NULL;
  StoreState state = attachments_get (node->module, place->record, place->id, false, ask->wait, &attachment, error);

  if (state != STORE_READY)
    return state;
  if (attachment->url != NULL)
    open->text = attachment_link_text (attachment->url);
  else
    open->download = download_new (node->module, place->record, attachment->id);
  return STORE_READY;
}

/* Written anew from its beginning; what is there goes when it is attached. */
static StoreState
open_to_replace (const Ask *ask, const NodeKey *node, const Place *place, int flags, Open *open, GError **error)
{
  g_autoptr (Attachment) attachment = NULL;
  StoreState state;

  if (!may_delete (ask, node, error))
    return STORE_FAILED;
  open->upload = uploads_replacing (node->module, place->record, place->id);
  if (open->upload != NULL)
    return (flags & O_TRUNC) != 0 ? upload_truncate (open->upload, 0, ask->wait, error) : STORE_READY;
  if ((flags & O_TRUNC) == 0)
    return fail (error, ZOHO_ERROR_FORBIDDEN, "Zoho cannot change a part of an attachment: write the whole file.");
  state = attachments_get (node->module, place->record, place->id, false, ask->wait, &attachment, error);
  if (state != STORE_READY)
    return state;
  /* It may have been written over since it was looked up. */
  if (attachment->id != place->id)
    open->upload = uploads_replacing (node->module, place->record, attachment->id);
  if (open->upload == NULL)
    open->upload = upload_new (node->module, place->record, attachment->name, attachment->id, error);
  /* Somebody else may have begun at the same time. */
  return open->upload != NULL ? upload_truncate (open->upload, 0, ask->wait, error) : STORE_FAILED;
}

static StoreState
open_file (const Ask *ask, const Place *place, int flags, Open *open, GError **error)
{
  open->upload = uploads_of_number (ask->store, place->number);
  if (open->upload == NULL)
    return fail (error, ZOHO_ERROR_NOT_FOUND, "There is no such file any more.");
  if (open->writes && (flags & O_TRUNC) != 0)
    return upload_truncate (open->upload, 0, ask->wait, error);
  return STORE_READY;
}

static void
stream_release (void *data)
{
  Open *open = data;

  if (open == NULL)
    return;
  download_free (open->download);
  g_clear_pointer (&open->text, g_bytes_unref);
  if (open->upload != NULL && open->writes)
    upload_commit_later (open->upload);
  upload_unref (open->upload);
  g_free (open);
}

static StoreState
stream_open (const Ask *ask, const NodeKey *node, int flags, void **state, GError **error)
{
  Place place = place_now (ask, node);
  Open *open = g_new0 (Open, 1);
  StoreState answer = STORE_FAILED;

  open->writes = (flags & O_ACCMODE) != O_RDONLY;
  open->opener = ask->who.process;
  if (!open->writes || may_write (ask, error))
    {
      if (place.id == 0)
        answer = open_file (ask, &place, flags, open, error);
      else if (open->writes)
        answer = open_to_replace (ask, node, &place, flags, open, error);
      else
        answer = open_to_read (ask, node, &place, open, error);
    }
  if (answer == STORE_READY)
    {
      *state = open;
      return STORE_READY;
    }
  open->writes = false;
  stream_release (open);
  return answer;
}

static StoreState
stream_read (const Ask *ask, void *state, char *bytes, size_t size, uint64_t offset, size_t *got, GError **error)
{
  const Open *open = state;
  ssize_t read;
  gsize length;
  const char *text;

  if (open->download != NULL)
    return download_read (open->download, bytes, size, offset, ask->wait, got, error);
  if (open->upload != NULL)
    {
      read = upload_read (open->upload, bytes, size, offset, error);
      *got = (size_t)MAX (read, 0);
      return read >= 0 ? STORE_READY : STORE_FAILED;
    }
  text = g_bytes_get_data (open->text, &length);
  *got = offset < length ? MIN (size, length - offset) : 0;
  if (*got > 0)
    memcpy (bytes, text + offset, *got);
  return STORE_READY;
}

static StoreState
not_writable (GError **error)
{
  return fail (error, ZOHO_ERROR_DENIED, "It is not open for writing.");
}

static StoreState
stream_write (const Ask *ask, void *state, const char *bytes, size_t size, uint64_t offset, GError **error)
{
  const Open *open = state;

  return open->writes ? upload_write (open->upload, bytes, size, offset, ask->wait, error) : not_writable (error);
}

static StoreState
stream_truncate (const Ask *ask, void *state, uint64_t size, GError **error)
{
  const Open *open = state;

  return open->writes ? upload_truncate (open->upload, size, ask->wait, error) : not_writable (error);
}

/* A thread that closes because a signal ends it has not come to the end of what it wanted to write. */
static bool
is_killed (pid_t thread)
{
  char path[64], text[1024];
  unsigned flags = 0;
  ssize_t got;
  const char *at;
  int fd;

  snprintf (path, sizeof path, "/proc/%ld/stat", (long)thread);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  got = read (fd, text, sizeof text - 1);
  close (fd);
  text[MAX (got, 0)] = '\0';
  at = strrchr (text, ')');
  for (int field = 2; at != NULL && field < PROCESS_FLAGS_FIELD; field++)
    at = strchr (at + 1, ' ');
  return at != NULL && sscanf (at, " %u", &flags) == 1 && (flags & KILLED) != 0;
}

/* What several programs write one after the other through one open, as `{ a; b; } > file` has it, is whole when the
 * one that opened it closes it. */
static bool
is_end (const Ask *ask, const Open *open)
{
  return open->opener.group == 0 || ask->who.process.group == 0
         || (open->opener.group == ask->who.process.group && open->opener.start == ask->who.process.start);
}

static StoreState
stream_flush (const Ask *ask, void *state, GError **error)
{
  const Open *open = state;
  char program[WHO_PROGRAM_SIZE];
  SaveWho who = who_of (ask, program);

  if (open->upload == NULL || !open->writes || !is_end (ask, open))
    return STORE_READY;
  if (is_killed (ask->who.thread))
    upload_abandon (open->upload, &who);
  return upload_commit (open->upload, &who, ask->wait, error);
}

static const Stream stream = {
  .open = stream_open,
  .read = stream_read,
  .write = stream_write,
  .truncate = stream_truncate,
  .flush = stream_flush,
  .release = stream_release,
  .seekable = true,
};

const NodeKind attachments_kind = {
  .number = KIND_ATTACHMENTS,
  .type = S_IFDIR,
  .attr = directory_attr,
  .lookup = directory_lookup,
  .list = directory_list,
  .entry = directory_entry,
  .create = directory_create,
  .rename = directory_rename,
  .unlink = directory_unlink,
};

const NodeKind attachment_kind = {
  .number = KIND_ATTACHMENT,
  .type = S_IFREG,
  .attr = file_attr,
  .open_whole = file_open_whole,
  .stream = &stream,
};
