/* Attachments of a record: list, download, upload, link, delete. Each call answers on a client worker thread through
 * its callback; see client.h. What is given is read before a call returns, but for files that are sent. */
#pragma once

#include "api/client.h"

#define ATTACHMENTS_NUMBERED_PAGES 10 /* further ones go by token */
/* Bytes of a file: Zoho takes requests of 100 MB, in which its name and the frame have to fit, too. */
#define ATTACHMENTS_BYTES_MAX (INT64_C (100) * 1000 * 1000 - 4096)

/* One row of a list, checked: texts are borrowed. */
typedef struct
{
  uint64_t id;
  const char *name; /* may be any text; "" when there is none */
  int64_t size;     /* bytes; -1: it does not say */
  int64_t modified_s; /* 0 unknown */
  const char *url;  /* of a link; NULL: it is a file */
} AttachmentRow;

/* @rows, or @error. @more: there is another page, with @next_token where that is not NULL. */
typedef struct
{
  const AttachmentRow *rows;
  size_t count;
  bool more;
  const char *next_token;
} AttachmentsPage;

typedef void (*AttachmentsListDone) (const AttachmentsPage *page, const GError *error, void *data);

/* Whose they are. */
typedef struct
{
  const char *module, *record;
  ClientPriority priority;
} AttachmentsOf;

/* GET /crm/v8/{module}/{record}/Attachments. @page: 1 to ATTACHMENTS_NUMBERED_PAGES, or 0 with @page_token. */
uint64_t attachments_api_list (Client *client, const AttachmentsOf *of, unsigned page, const char *page_token,
                               AttachmentsListDone done, void *data);

/* GET .../Attachments/{id}. The bytes go to @take, with @data; @length: of the body, -1 unknown.
 * ZOHO_ERROR_NOT_FOUND when there is none of that id, INVALID for a link. An error in the middle says that those
 * that were taken are good. */
typedef void (*AttachmentsDownloadDone) (int64_t length, const GError *error, void *data);

uint64_t attachments_api_download (Client *client, const AttachmentsOf *of, const char *id, ClientTake take,
                                   AttachmentsDownloadDone done, void *data);

/* What was made. */
typedef struct
{
  uint64_t id;
  int64_t modified_s; /* 0 unknown */
} AttachmentMade;

/* Exactly one of @made and @error is NULL. ZOHO_ERROR_UNCLEAR: it may have been made, look before it is sent again. */
typedef void (*AttachmentsMadeDone) (const AttachmentMade *made, const GError *error, void *data);

/* POST .../Attachments with @size bytes of @fd, which stays open and as it is until @done. */
uint64_t attachments_api_upload (Client *client, const AttachmentsOf *of, const char *name, int fd, int64_t size,
                                 AttachmentsMadeDone done, void *data);
/* The same with an address instead. */
uint64_t attachments_api_link (Client *client, const AttachmentsOf *of, const char *title, const char *url,
                               AttachmentsMadeDone done, void *data);

/* DELETE .../Attachments/{id}. For good: no bin has it. @error NULL: it is gone, or was. */
typedef void (*AttachmentsDeleteDone) (const GError *error, void *data);

uint64_t attachments_api_delete (Client *client, const AttachmentsOf *of, const char *id, AttachmentsDeleteDone done,
                                 void *data);
