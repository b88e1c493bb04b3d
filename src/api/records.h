/* Records: pages of a module, one record, its full texts, how many, and which are gone.
 * Each call answers on a client worker thread through @done; see client.h. */
#pragma once

#include "api/client.h"

/* Rows per page and names per `fields` parameter (doc/api-notes.md). */
#define RECORDS_PAGE 200
#define RECORDS_FIELDS_MAX 50
#define RECORDS_FIELDS_BYTES_MAX 1024
#define RECORDS_FULL_MAX 100 /* ids per call */
#define RECORDS_IDS_BYTES_MAX 1024 /* and the characters they may take: fewer fit when they are long */
#define RECORDS_NUMBERED_PAGES 10

/* Rows of one answer. Each row is an object whose "id" is a string of 1 to 19 digits (checked: others make the whole
 * answer ZOHO_ERROR_FAILED). */
typedef struct
{
  json_t *rows;           /* array, never NULL, borrowed: take references to rows you keep */
  bool more;              /* info.more_records */
  const char *next_token; /* info.next_page_token or NULL; borrowed */
  int64_t server_time;
} RecordsPage;

typedef void (*RecordsDone) (const RecordsPage *page, const GError *error, void *data);

typedef struct
{
  const char *module; /* API name: record, subform or linking module */
  /* Not NULL: not all rows but those in the related list @module of this record. */
  const char *parent_module, *parent_id;
  const char *fields; /* comma separated; see RECORDS_FIELDS_* */
  unsigned page;      /* 1 to 10, or 0 with @page_token */
  const char *page_token;
  const char *ids;    /* comma separated, at most 1,024 characters; NULL: all */
  /* Not NULL: by this field, downwards unless @ascending. NULL: by id upwards if @ascending, else in Zoho's own
   * order, which leaves sort_by away (sorting is of the heavy class). */
  const char *sort_by;
  bool ascending;
  const char *if_modified_since;
  ClientPriority priority;
} RecordsList;

/* GET /crm/v8/{module}, or /crm/v8/{parent module}/{parent id}/{module}. A page token that is no longer good is
 * ZOHO_ERROR_CHANGED: begin the list again. */
uint64_t records_list (Client *client, const RecordsList *list, RecordsDone done, void *data);

/* POST /crm/v8/coql: the rows of @module with ids above @after and below @before, by id upwards, RECORDS_PAGE of
 * them at most; for what page tokens do not reach. `select` takes other fields than `fields` does, and shows some in
 * another form: good for names and times, not for documents. */
typedef struct
{
  const char *module;
  const char *fields; /* comma separated, without id */
  uint64_t after, before;
  ClientPriority priority;
} RecordsBetween;

uint64_t records_between (Client *client, const RecordsBetween *between, RecordsDone done, void *data);

/* POST /crm/v8/coql: the rows of @module for which all conditions hold, by id upwards. @fields as above. */
typedef struct
{
  const char *field;
  const char *op;    /* "=", ">=" */
  const char *value; /* any text */
} RecordsCondition;

typedef struct
{
  const char *module;
  const char *fields;
  const RecordsCondition *conditions; /* 1 or more */
  size_t conditions_size;
  unsigned limit; /* 1 to RECORDS_PAGE */
  ClientPriority priority;
} RecordsWhere;

uint64_t records_where (Client *client, const RecordsWhere *where, RecordsDone done, void *data);

/* GET /crm/v8/{module}/{id}: @page has one row; an unknown id is ZOHO_ERROR_NOT_FOUND in each of Zoho's spellings
 * (204, 404, INVALID_DATA about the id). */
uint64_t records_get (Client *client, const char *module, const char *id, ClientPriority priority, RecordsDone done,
                      void *data);

/* The same with @fields, for modules that want them named. */
uint64_t records_get_fields (Client *client, const char *module, const char *id, const char *fields,
                             ClientPriority priority, RecordsDone done, void *data);

/* GET /crm/v8/{module}/actions/fetch_full_data?ids=&fields=, or with one id .../{id}/actions/fetch_full_data.
 * Answers may leave records out. */
uint64_t records_full (Client *client, const char *module, const char *ids, const char *fields,
                       ClientPriority priority, RecordsDone done, void *data);

/* GET /crm/v8/{module}/deleted?type=all, rows {"id","display_name","type","deleted_time",...}. */
uint64_t records_deleted (Client *client, const char *module, unsigned page, const char *if_modified_since,
                          ClientPriority priority, RecordsDone done, void *data);

/* Appends @id to @ids, an `ids` parameter. Returns: false, and leaves it as it is, when no more fit. */
bool records_add_id (GString *ids, uint64_t id);

/* GET /crm/v8/{module}/actions/count: a hint that may lag minutes. */
typedef void (*RecordsCountDone) (int64_t count, const GError *error, void *data);
uint64_t records_count (Client *client, const char *module, ClientPriority priority, RecordsCountDone done,
                        void *data);
