/* Writing records: update, create, upsert, delete, tags. Each call answers on a client worker thread through its
 * WriteDone; see client.h. What is given is read before a call returns. Whether it is good is for the caller to check
 * first (model/validate.h); what Zoho refuses all the same comes back in words.
 *
 * Whether it was done:
 * - Creates and upserts go out once. ZOHO_ERROR_UNCLEAR, of the call or of a row, says that it may have been done: look
 *   the record up before it is written again. Any other error says that it was not.
 * - Updates, deletes and tags are the same done twice, so the client tries them again. TIMED_OUT, UNREACHABLE,
 *   CANCELLED and FAILED leave open whether one of the tries was taken: read the record, or write the same again.
 * - A try that was taken may be followed by one that is refused because of it. CHANGED (412) therefore may be about
 *   one's own update: read the record and compare it with what was sent. NOT_FOUND of a delete counts as deleted. */
#pragma once

#include "api/client.h"

#define WRITE_ROWS_MAX 100  /* per call */
#define WRITE_ROWS_LIGHT 10 /* more are of the heavy class */

typedef struct
{
  uint64_t id;                 /* of the record; 0: refused, and unknown */
  int64_t modified_s;          /* its new Modified_Time; 0 unknown. A workflow may move it a moment later */
  const char *duplicate_field; /* upsert: the field that found the record; NULL: none. Borrowed */
  bool updated;                /* upsert: the record was there before */
  const GError *error;         /* refused; NULL: done. Borrowed */
} WriteResult;

/* @results: one per row, in the order of the rows. Exactly one of @results and @error is NULL. Of calls about one
 * record (update, tags) the refusal of its row is @error. An answer that is not about the rows that were sent, one
 * each, is FAILED or UNCLEAR. */
typedef void (*WriteDone) (const WriteResult *results, size_t count, const GError *error, void *data);

typedef struct
{
  const char *module, *id;
  const json_t *fields;            /* object without id: what changes */
  const char *if_unmodified_since; /* Modified_Time as it was read: CHANGED when the record is newer. NULL: no guard */
  const char *const *trigger;      /* automations to run, NULL at the end; NULL: all, empty: none */
  ClientPriority priority;
} WriteUpdate;

/* PUT /crm/v8/{module}/{id} */
uint64_t write_update (Client *client, const WriteUpdate *update, WriteDone done, void *data);

typedef struct
{
  const char *module;
  const json_t *rows;         /* array of 1 to WRITE_ROWS_MAX objects */
  const char *const *trigger; /* as above */
  ClientPriority priority;
} WriteRows;

/* PUT /crm/v8/{module}: each row has its id. */
uint64_t write_update_many (Client *client, const WriteRows *rows, WriteDone done, void *data);

/* POST /crm/v8/{module} */
uint64_t write_create (Client *client, const WriteRows *rows, WriteDone done, void *data);

/* POST /crm/v8/{module}/upsert. @check: API names of the fields that tell which record is meant, in their order; NULL:
 * the module's own. A row with an id is an update. Two rows may end up in one record. */
uint64_t write_upsert (Client *client, const WriteRows *rows, const char *const *check, WriteDone done, void *data);

/* DELETE /crm/v8/{module}?ids=. @ids: comma separated, at most WRITE_ROWS_MAX. */
uint64_t write_delete (Client *client, const char *module, const char *ids, ClientPriority priority, WriteDone done,
                       void *data);

typedef enum
{
  WRITE_TAGS_ADD,
  WRITE_TAGS_REMOVE
} WriteTags;

/* POST /crm/v8/{module}/{id}/actions/add_tags or remove_tags. @names: NULL at the end. Names that are there already, or
 * gone already, are no error. */
uint64_t write_tags (Client *client, const char *module, const char *id, WriteTags action, const char *const *names,
                     ClientPriority priority, WriteDone done, void *data);
