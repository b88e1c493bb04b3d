/* Records that hang on another one: their list, and links between them. Each call answers on a client worker thread
 * through @done; see client.h. */
#pragma once

#include "api/write.h"
#include "api/records.h"

typedef struct
{
  const char *module, *id; /* the record */
  const char *list;        /* API name of the related list */
  const char *fields;      /* comma separated; Zoho insists on it */
  unsigned page;           /* 1 to 10, or 0 with @page_token */
  const char *page_token;
  ClientPriority priority;
} RelatedList;

/* GET /crm/v8/{module}/{id}/{list}. Rows of a list of several modules have "$module". */
uint64_t related_list (Client *client, const RelatedList *list, RecordsDone done, void *data);

/* PUT or DELETE /crm/v8/{module}/{id}/{list}/{other}: many-to-many relations alone take them. Linking twice is
 * linking; a link that is gone already is ZOHO_ERROR_INVALID. */
typedef struct
{
  const char *module, *id, *list, *other;
  bool remove;
  ClientPriority priority;
} RelatedLink;

uint64_t related_link (Client *client, const RelatedLink *link, WriteDone done, void *data);
