/* CRM documents as fs needs them: modules, listings, records, metadata texts. Knows no FUSE.
 *
 * Questions never block. A question either has its answer at once (STORE_READY, STORE_FAILED), or it starts or joins
 * the calls that will bring it and gives STORE_WAITING: then @wait is rung once, from another thread, when something
 * it waits for has landed, and the same question is asked again. A question asked again after a failed call gives
 * that failure (STORE_FAILED), not another call, because the wait remembers it. Any thread may ask.
 *
 * Who looks at everything (an indexer) may be kept from causing calls: by StoreWait.cached_only. What is known is given
 * then, whatever its age, and what is not known is ZOHO_ERROR_SPENT. */
#pragma once

#include "api/client.h"
#include "model/disk.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Store Store;
typedef struct StoreModule StoreModule; /* lives as long as the store */
typedef struct StoreList StoreList;     /* what one opendir sees; counted */

typedef enum
{
  STORE_READY,
  STORE_WAITING,
  STORE_FAILED
} StoreState;

/* One asker. Zero it with STORE_WAIT_INIT before the first question of an operation, keep it for all questions of that
 * operation, and end with store_wait_clear(). */
typedef struct
{
  /* Rings at most once for each STORE_WAITING, with no lock held. */
  void (*ring) (void *data);
  void *data;
  ClientPriority priority;
  /* Is the asker served with what is known, and never by a call? Asked at most once, with locks of the store's held,
   * and only where a call would be started or joined; NULL: no. */
  bool (*cached_only) (void *data);
  bool held_back; /* it was: what was given may be old, and what was said not to be there may be */
  /* The store's own. */
  bool asked;
  GList link;
  void *bell;
  GError *failure;
  int64_t began_us;
  bool batched;
} StoreWait;

#define STORE_WAIT_INIT(ring_, data_, priority_)                                                                       \
  (StoreWait) { .ring = (ring_), .data = (data_), .priority = (priority_) }

/* Gives up waiting. Returns: true when it was waiting and will not ring any more; false when it does not wait, or the
 * ring has been or is being delivered. */
bool store_wait_cancel (Store *store, StoreWait *wait);

/* Frees what the wait remembers. It must not be waiting. */
void store_wait_clear (StoreWait *wait);

/* What was seen to have changed in the CRM since it was looked at before. */
typedef enum
{
  STORE_EVENT_CREATED,
  STORE_EVENT_CHANGED,
  STORE_EVENT_RENAMED,  /* changed, and its label with it */
  STORE_EVENT_DELETED,  /* or not to be seen any more */
  STORE_EVENT_RESTORED
} StoreEventKind;

typedef struct
{
  StoreModule *module;
  uint64_t id;
  StoreEventKind kind;
  const char *name;          /* as listed now, or last */
  const char *const *fields; /* top-level fields that differ, NULL-terminated; NULL: not known */
  int64_t modified_s;        /* Modified_Time as known last */
} StoreEvent;

typedef struct
{
  Client *client;    /* borrowed; must outlive the store */
  int64_t ttl_us;    /* how long what we know passes as fresh */
  Disk *disk;        /* borrowed; must outlive the store */
  bool bare_names;   /* -o names=id */
  bool offline_fail; /* -o offline=fail: nothing old is served when Zoho cannot be reached */
  /* Is the field to be left out of everything? NULL: none is. Pure; any thread, with locks held. */
  bool (*hides) (const void *data, const char *module, const char *field);
  const void *hides_data;
  int64_t sweep_s;   /* all ids of a module are looked at this often, for what no delta tells */
  /* Called with no lock held, from worker threads; each may be NULL. @data is @listener. */
  void (*record_changed) (void *listener, StoreModule *module, uint64_t id);  /* its text is another one now */
  void (*record_gone) (void *listener, StoreModule *module, uint64_t id, const char *name); /* @name as listed, or NULL */
  void (*record_renamed) (void *listener, StoreModule *module, uint64_t id, const char *old_name);
  void (*listing_changed) (void *listener, StoreModule *module);              /* entries came, went or changed name */
  void (*module_gone) (void *listener, StoreModule *module); /* no directory of that name any more */
  void (*modules_changed) (void *listener);                  /* other directories than before */
  void *listener;
  /* One call for each change seen, after the others; may be NULL. Same threads. */
  void (*event) (void *event_listener, const StoreEvent *event);
  void *event_listener;
} StoreConfig;

Store *store_new (const StoreConfig *config);
/* All waits must be cancelled or rung and the client quiet or freed by store_stop() first. */
void store_free (Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Store, store_free)
/* Cancels the calls under way and waits until none of their answers can come any more. Questions fail from now on. */
void store_stop (Store *store);

/* ---- modules ---------------------------------------------------------------------------------------------------- */

/* The modules that are directories (doc/api-notes.md; Users is not among them), sorted by API name.
 * @modules: array of StoreModule *, to g_ptr_array_unref(). */
StoreState store_modules (Store *store, StoreWait *wait, GPtrArray **modules, GError **error);

/* Asks for them in the background, so that whoever comes first need not wait for that. */
void store_foresee (Store *store);

/* The same as known now, without waiting; NULL: not known yet. What is old is looked at again in the background.
 * @wait: who asks; NULL: nobody who may not have that done. */
GPtrArray *store_known_modules (Store *store, StoreWait *wait);

/* The module with that API name, ZOHO_ERROR_NOT_FOUND when there is none. A name that cannot be one costs nothing. */
StoreState store_module (Store *store, const char *api_name, StoreWait *wait, StoreModule **module, GError **error);

/* The directory /Users; known without any call. */
StoreModule *store_users (Store *store);

const char *store_module_name (const StoreModule *module);      /* API name, "Users" */
/* The module's own number, stable over renames and remounts; 0 for Users. For inode numbers. */
uint64_t store_module_number (const StoreModule *module);
/* What this user's profile may do with its records, as the modules were known last: no call, no waiting. What Zoho does
 * not say is allowed, since it refuses what is not; of Users nothing is. */
typedef struct
{
  bool create, update, delete;
} StoreRights;

StoreRights store_module_rights (StoreModule *module);
/* How many records it has, as far as known without any call; -1: not known. */
int64_t store_module_count (StoreModule *module);
/* When its listing last changed, as far as known; seconds since 1970. */
int64_t store_module_mtime (StoreModule *module);

/* ---- records ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint64_t id;
  int64_t mtime;     /* Modified_Time, seconds since 1970 */
  int64_t size;      /* exact bytes of the document; -1 while its deep fields are on their way */
  uint64_t version;  /* equal versions are equal bytes: a hash of the text; 0 when size is -1 */
} StoreEntry;

/* The listed name of a record, such as "Okafor.7010000000201.json", "7010000000201.json" when the label is empty or not
 * known. To g_free(). */
char *store_record_name (StoreModule *module, uint64_t id);

/* Attributes of one record. Costs nothing when the module is listed or the record known; else one GET.
 * ZOHO_ERROR_NOT_FOUND when there is no such record (remembered for a moment). */
StoreState store_entry (StoreModule *module, uint64_t id, StoreWait *wait, StoreEntry *entry, GError **error);

/* The same, and the document, revalidated when older than the TTL (close-to-open). @text to g_bytes_unref(). */
StoreState store_document (StoreModule *module, uint64_t id, StoreWait *wait, StoreEntry *entry, GBytes **text,
                           GError **error);

/* The same without the document: what an open needs to know. Costs what store_document() does. */
StoreState store_revalidate (StoreModule *module, uint64_t id, StoreWait *wait, StoreEntry *entry, GError **error);

/* The document of one version; NULL when it is neither in memory nor on disk any more. Asks nobody, takes no lock of
 * the store's. */
GBytes *store_version (const StoreModule *module, uint64_t id, uint64_t version);

/* The document as it is known now, without any call and without freshness; NULL when it is not here. May read from the
 * disk. For reads of a file already open and for pushing. */
GBytes *store_peek (StoreModule *module, uint64_t id, StoreEntry *entry);

/* /Users/me.json: the mount's own user. */
StoreState store_me (Store *store, StoreWait *wait, uint64_t *id, GError **error);

/* ---- listings --------------------------------------------------------------------------------------------------- */

/* What opendir sees: revalidates first when older than the TTL (ready at once while a first listing streams).
 * @list to store_list_unref(). */
StoreState store_list (StoreModule *module, StoreWait *wait, StoreList **list, GError **error);
StoreList *store_list_ref (StoreList *list);
void store_list_unref (StoreList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StoreList, store_list_unref)

/* The entry at @index of the list (0 up; stable for this list, also while pages arrive in any order; ids never repeat).
 * STORE_READY with @at_end set means there is no such entry and none will come. @name is the listed name, to g_free().
 * With @want_size false (readdir without plus) an entry may come with size -1 and no documents are asked for.
 * Entries that went away since are skipped by giving entry->id 0 and no name. */
StoreState store_list_at (StoreList *list, size_t index, bool want_size, StoreWait *wait, StoreEntry *entry,
                          char **name, bool *at_end, GError **error);

/* Changes whenever the module's set of names does: equal numbers, equal directory contents. */
uint64_t store_list_version (const StoreList *list);

/* ---- metadata texts (/.zohofs) ---------------------------------------------------------------------------------- */

typedef enum
{
  STORE_TEXT_ORG,
  STORE_TEXT_MODULE,
  STORE_TEXT_FIELDS,
  STORE_TEXT_RELATED_LISTS,
  STORE_TEXT_SCHEMA
} StoreText;

/* Canonical JSON. @module is NULL for ORG. @text to g_bytes_unref(). */
StoreState store_text (Store *store, StoreText what, StoreModule *module, StoreWait *wait, GBytes **text,
                       GError **error);

/* ---- what status.json shows ------------------------------------------------------------------------------------- */

typedef struct
{
  unsigned modules_listed;
  uint64_t records;       /* known */
  uint64_t document_bytes; /* of all their documents */
  bool offline;           /* the last revalidation found no connection and old answers are served */
} StoreStats;

void store_stats (Store *store, StoreStats *stats);
