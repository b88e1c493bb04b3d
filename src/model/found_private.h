/* Questions whose answers are rows that come by pages. All who ask the same share one flight; what it brought is held
 * for the TTL, and is never older than who asks. */
#pragma once

#include "model/found.h"
#include "model/private.h"

typedef struct
{
  const struct FoundKind *kind;
  StoreModule *module; /* asked about */
  StoreModule *target; /* of the rows, unless they say otherwise */
  uint64_t id;
  const char *text;    /* the kind's own, "" none */
} FoundQuestion;

typedef struct FoundKind
{
  const char *name;   /* tells questions of different kinds apart */
  unsigned pages_max; /* there are no more, or we take no more */
  /* Sends for page @page, 1 up; from the eleventh on @token is to be used, if there is one. Lock held. */
  uint64_t (*send) (const FoundQuestion *question, unsigned page, const char *token, ClientPriority priority,
                    RecordsDone done, void *data);
  /* Fills in @found but for the id. Lock held. Returns: false to leave the row out. */
  bool (*take) (const FoundQuestion *question, const json_t *row, FoundRow *found);
} FoundKind;

/* Lock held, all below. @fresh: not older than the TTL; else whatever is known of it will do. */
StoreState found_ask (Store *store, const FoundQuestion *question, bool fresh, StoreWait *wait, Found **found,
                      GError **error);
/* What is known of that record's answers, of that kind, is not true any more. */
void found_forget (Store *store, const FoundKind *kind, const StoreModule *module, uint64_t id);
/* No call may be under way. NULL is fine. */
void founds_free (struct Founds *founds);

/* The `fields` parameter for rows that are to be labelled: Zoho takes no id alone. The schema must be known.
 * Borrowed. */
const char *found_fields (const StoreModule *module);
/* The label that the schema of the row's module makes of it. To g_free(). */
char *found_label (const StoreModule *module, const json_t *row);
