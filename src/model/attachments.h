/* Attachments of records: which there are, reading them, attaching files and links, deleting.
 *
 * Questions work as those of store.h do and never block on the network; those about files may wait for the local disk. A
 * list is held for the TTL, by record; the record's own time says nothing of it.
 *
 * A file that is being attached lies in the state folder until Zoho has it:
 *
 *   an upload is   its bytes                      leaves when
 *   LOCAL          <state>/uploads/<place>/<name> committed under a name that is no scratch name -> SENDING
 *   SENDING        the same, nobody writes        Zoho has it -> gone; refused, lost and not found there -> DRAFT
 *   DRAFT          <state>/drafts/<Module>/<name> the user takes it away
 *
 * After a crash the next mount makes drafts of what it finds in uploads/. A POST goes out once: when its answer is lost, the
 * list tells whether the attachment is there. */
#pragma once

#include "api/attachments.h"
#include "model/saves.h"

#include <stdatomic.h>

typedef struct
{
  const char *state; /* the profile's state folder; copied */
  bool writes;       /* takes up what crashed mounts left */
  bool dry_run;      /* nothing is attached or deleted */
  void (*failed) (void *data, const SaveError *error); /* may be NULL, as the next */
  void (*audit) (void *data, const SaveAudit *audit);
  void *data;
} AttachmentsConfig;

/* Once, before any question. */
void attachments_begin (Store *store, const AttachmentsConfig *config);

/* ---- which there are --------------------------------------------------------------------------------------------- */

/* Immutable, counted: attachment_ref() and attachment_unref(). */
typedef struct
{
  uint64_t id;
  char *name;      /* as shown: unique, fits a directory */
  char *long_name; /* the same with the id in it, which stays what it is when others go */
  char *title;     /* as Zoho has it */
  int64_t size;    /* -1: not known */
  int64_t mtime;
  char *url;       /* of a link; NULL: it is a file */
  atomic_uint references;
} Attachment;

Attachment *attachment_ref (Attachment *attachment);
void attachment_unref (Attachment *attachment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Attachment, attachment_unref)

/* Those of a record, by id. @list: array of Attachment, the caller's own, to g_ptr_array_unref(). @version:
 * equal ones are equal names, those of uploads included. */
StoreState attachments_list (StoreModule *module, uint64_t record, StoreWait *wait, GPtrArray **list, uint64_t *version,
                             GError **error);

/* The one that is shown under that name; READY and NULL: there is none. To attachment_unref(). */
StoreState attachments_named (StoreModule *module, uint64_t record, const char *name, StoreWait *wait,
                              Attachment **attachment, GError **error);

/* One of them by id, ZOHO_ERROR_NOT_FOUND. With @with_size also its exact size: a call where the list does not tell. */
StoreState attachments_get (StoreModule *module, uint64_t record, uint64_t id, bool with_size, StoreWait *wait,
                            Attachment **attachment, GError **error);

/* The one of @list with that name, either of both; NULL. Borrowed. */
Attachment *attachments_find (const GPtrArray *list, const char *name);

/* What a link's file says. To g_bytes_unref(). */
GBytes *attachment_link_text (const char *url);
/* The address in such a text, to g_free(); NULL when it is none. */
char *attachment_link_read (const char *text, size_t size);

/* Deletes it at once and for good. */
StoreState attachments_delete (StoreModule *module, uint64_t record, const char *name, const SaveWho *who, StoreWait *wait,
                               GError **error);

/* ---- reading one ------------------------------------------------------------------------------------------------- */

/* One reader's download. What has come lies in a file without a name, so that any part can be read again; nothing is
 * asked for before the first read, and the call goes no further than some megabytes ahead of the reader. A
 * connection that breaks costs a new call from the start, whose bytes must be the same. */
typedef struct Download Download;

Download *download_new (StoreModule *module, uint64_t record, uint64_t id);
/* Ends the call under way. No read may be waiting. NULL is fine. */
void download_free (Download *download);
/* As much of @size as there is. */
StoreState download_read (Download *download, char *bytes, size_t size, uint64_t offset, StoreWait *wait, size_t *got,
                          GError **error);

/* ---- attaching --------------------------------------------------------------------------------------------------- */

typedef struct Upload Upload;

/* A new empty file @name of the record; a local one of that name is forgotten. @replaces: the id of an attachment
 * that goes when this one is there; 0: none. To upload_unref(). */
Upload *upload_new (StoreModule *module, uint64_t record, const char *name, uint64_t replaces, GError **error);
void upload_unref (Upload *upload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Upload, upload_unref)

/* Those that have a name in the record's directory: array of Upload, to g_ptr_array_unref(). */
GPtrArray *uploads_list (StoreModule *module, uint64_t record);
/* A reference, or NULL. */
Upload *uploads_find (StoreModule *module, uint64_t record, const char *name);
Upload *uploads_of_number (Store *store, uint64_t number);
/* The attachment that the file of that number became, as far as that is remembered; 0: none. */
uint64_t uploads_attached (StoreModule *module, uint64_t record, uint64_t number);
/* The one that is about to replace attachment @id, or that has and is still open; a reference, or NULL. */
Upload *uploads_replacing (StoreModule *module, uint64_t record, uint64_t id);

uint64_t upload_number (const Upload *upload); /* never 0, never given twice */
/* To g_free(). */
char *upload_name (Upload *upload);
void upload_stat (Upload *upload, int64_t *size, int64_t *mtime);
/* As pread(): -1 with @error. */
ssize_t upload_read (Upload *upload, char *bytes, size_t size, uint64_t offset, GError **error);
/* All of it or, with an error, nothing; ZOHO_ERROR_TOO_LARGE past ATTACHMENTS_BYTES_MAX. They wait while it is sent. */
StoreState upload_write (Upload *upload, const char *bytes, size_t size, uint64_t offset, StoreWait *wait, GError **error);
StoreState upload_truncate (Upload *upload, uint64_t size, StoreWait *wait, GError **error);

/* Sends what was written since the last time, unless the name is a scratch name. FAILED: it is not attached, and
 * lies in the drafts; then it takes no more bytes and says so again when it is asked again. */
StoreState upload_commit (Upload *upload, const SaveWho *who, StoreWait *wait, GError **error);
/* The same when nobody waits for it. */
void upload_commit_later (Upload *upload);
/* Its writer was killed in the middle: what is not sent goes to the drafts. */
void upload_abandon (Upload *upload, const SaveWho *who);

/* Names in the record's directory. Only files that are local can be renamed; one that gets a name that is no scratch
 * name is committed. */
StoreState uploads_rename (StoreModule *module, uint64_t record, const char *name, const char *new_name, bool replace,
                           const SaveWho *who, StoreWait *wait, GError **error);
