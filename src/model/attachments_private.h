/* What the files about attachments share. The store's lock guards everything, but for what a download's curl thread
 * and an upload's file do. */
#pragma once

#include "model/attachments.h"
#include "model/private.h"

/* The attachments of one record. */
typedef struct
{
  struct Attachments *all;
  StoreModule *module;
  uint64_t record;

  GPtrArray *list;        /* Attachment *, by id; never changed once it is here; NULL: not known */
  uint64_t version;       /* of the names */
  int64_t fresh_until_us;
  int64_t listed_us;      /* when the calls that gave the list began */

  bool flying, again;     /* again: what is on its way is too old for somebody */
  GPtrArray *coming;      /* Attachment *, without names, of the pages so far */
  unsigned pages;
  int64_t sent_us;
  uint64_t ticket;
  Bell landed;

  GHashTable *successors; /* id of an attachment -> that of the one which replaced it */
  GHashTable *attached;   /* number of an upload -> id of the attachment that it is now */
  unsigned users;         /* downloads and uploads that name it */
  GPtrArray *uploads;     /* Upload *, with a reference each: those that have a name */
  GHashTable *removals;   /* id -> Removal, on the wire */
  GHashTable *done;       /* a deed in words -> int64_t *: when it was done, for who asks again */
} AttachmentFolder;

typedef struct Attachments
{
  Store *store;
  AttachmentsConfig config; /* state: our own copy */
  GHashTable *folders;      /* "Leads/123" -> AttachmentFolder */
  GHashTable *sizes;        /* id -> int64_t *: exact ones that lists did not tell */
  GHashTable *probes;       /* id -> Probe, on the wire */
  GHashTable *uploads;      /* number -> Upload, borrowed */
  uint64_t numbers, versions;
} Attachments;

/* ---- attachments.c; lock held ------------------------------------------------------------------------------------ */

AttachmentFolder *attachments_folder (StoreModule *module, uint64_t record);
/* READY: folder->list is there and fresh for @wait. */
StoreState attachments_fresh (AttachmentFolder *folder, StoreWait *wait, GError **error);
/* Lists anew, from now on. */
void attachments_look_again (AttachmentFolder *folder, ClientPriority priority);
void attachments_put (AttachmentFolder *folder, uint64_t id, const char *title, int64_t size, int64_t mtime,
                      const char *url);
void attachments_drop (AttachmentFolder *folder, uint64_t id);
/* Names came, went or changed. */
void attachments_touch (AttachmentFolder *folder);
bool attachments_is_stopping (const Attachments *all, GError **error);
void attachments_note_done (AttachmentFolder *folder, char *deed); /* takes @deed over */
bool attachments_was_done (AttachmentFolder *folder, const char *deed, StoreWait *wait);

/* For calls about @folder. */
typedef struct
{
  char record[24];
  AttachmentsOf of;
} AttachmentsAddress;

const AttachmentsOf *attachments_address (const AttachmentFolder *folder, ClientPriority priority,
                                          AttachmentsAddress *address);

/* ---- attachments_tell.c; lock not held --------------------------------------------------------------------------- */

/* Who did it, kept. */
typedef struct
{
  uint64_t uid;
  int64_t pid;
  char *program;
} Doer;

void doer_set (Doer *doer, const SaveWho *who);
void doer_clear (Doer *doer);

void attachments_audit (const AttachmentFolder *folder, const Doer *doer, const char *verb, const char *name,
                        const char *outcome);
/* @draft: the name in drafts/<Module>/, or NULL. */
void attachments_failed (const AttachmentFolder *folder, const char *name, const GError *failure, const char *draft);
void attachments_reason (const GError *failure, DraftReason *reason);

/* ---- uploads.c --------------------------------------------------------------------------------------------------- */

/* @folder has been listed. To be called with the lock held, which it drops and takes. */
void uploads_judge (AttachmentFolder *folder, const GError *failure);
void uploads_end (Attachments *all);
/* Lock held, both. The one that has the name in the directory, borrowed, or NULL. */
Upload *uploads_named (const AttachmentFolder *folder, const char *name);
/* Lock held: what attachment @id has become by what was written over it; itself when nothing was. */
uint64_t attachments_latest (const AttachmentFolder *folder, uint64_t id);
/* Lock held: somebody removes it, so that nothing comes of it whatever is written yet. */
void upload_remove (Upload *upload);
/* Lock held: is it just being sent? Then @wait is rung when that has ended. */
bool upload_lands (Upload *upload, StoreWait *wait);

/* ---- spool.c: the file of an upload; failures are in errno ------------------------------------------------------- */

typedef struct
{
  int fd;      /* its bytes; -1: none */
  char *place; /* the folder in uploads/; NULL: it is not there any more */
} Spool;

bool spool_open (const Attachments *all, const AttachmentFolder *folder, uint64_t number, const char *name, Spool *spool);
bool spool_rename (const Attachments *all, const Spool *spool, const char *name, const char *new_name);
/* Its name goes; the bytes stay for who has them open. */
void spool_remove (const Attachments *all, Spool *spool, const char *name);
void spool_close (Spool *spool);
/* Makes a draft of it. Returns: whether it is one. */
bool spool_aside (const Attachments *all, const AttachmentFolder *folder, Spool *spool, const char *name, const Doer *doer,
                  const GError *failure);
/* Makes drafts of what crashed mounts left. @found: told of each. */
void spool_adopt (const Attachments *all, void (*found) (const Attachments *all, const char *module, uint64_t record,
                                                         const char *name));
/* A file without a name in the state folder; -1. */
int spool_nameless (const char *state);
