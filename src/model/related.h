/* Records that hang on another one, by the related lists of its module. Questions work as those of store.h do. */
#pragma once

#include "model/found.h"
#include "model/saves.h"

/* The lists of @module whose records are in this mount: array of API names, sorted, to g_ptr_array_unref(). */
StoreState related_names (StoreModule *module, StoreWait *wait, GPtrArray **names, GError **error);
/* Has a record of @module such a list at all, "Notes" for instance? */
StoreState related_has (StoreModule *module, const char *list, StoreWait *wait, bool *has, GError **error);

/* What is in list @list of a record; ZOHO_ERROR_NOT_FOUND when the module has no such list. @fresh: not older than
 * the TTL. @found to found_unref(). */
StoreState related_records (StoreModule *module, uint64_t id, const char *list, bool fresh, StoreWait *wait,
                            Found **found, GError **error);

/* Can records be put into the list and taken out? Those of many-to-many relations can. Also sets the module whose
 * records they are; both NULL and false for no list. As it is known now: no call, no waiting. */
bool related_is_linkable (StoreModule *module, const char *list, StoreModule **target);

typedef struct
{
  StoreModule *module;
  uint64_t id, other;
  const char *list;
  bool remove;
  const char *path; /* of the link in the mount, for the lines */
  SaveWho who;
  /* Told once what came of it, also when nobody waits any more; no lock is held. Each may be NULL. */
  void (*failed) (void *data, const SaveError *error);
  void (*audit) (void *data, const SaveAudit *audit);
  void *data;
} RelatedChange;

/* Links @other with the record or takes that link away. READY: it is done, and related_records() knows. It cannot be
 * given up once it has been asked for. */
StoreState related_change (const RelatedChange *change, StoreWait *wait, GError **error);

/* A change that was refused without a call: tells both lines. */
void related_refused (const RelatedChange *change, const GError *error);
