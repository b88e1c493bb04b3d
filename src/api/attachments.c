/* Attachments of a record: list, download, upload, link, delete. */
#include "api/attachments.h"

#include "api/response.h"
#include "api/rows.h"
#include "api/url.h"
#include "base/clock.h"
#include "base/error.h"

#include <string.h>

#define PER_PAGE "200"
#define FIELDS "id,File_Name,Size,Modified_Time"

typedef struct
{
  union
  {
    AttachmentsListDone list;
    AttachmentsDownloadDone download;
    AttachmentsMadeDone made;
    AttachmentsDeleteDone deleted;
  } done;
  ClientTake take;
  void *data;
} Ask;

/* /crm/v8/{module}/{record}/Attachments{/id}. To g_free(). */
static char *
path_of (const AttachmentsOf *of, const char *id)
{
  g_autofree char *module = url_encode (of->module);
  g_autofree char *record = url_encode (of->record);
  g_autofree char *last = id != NULL ? url_encode (id) : NULL;

  return g_strconcat ("/crm/v8/", module, "/", record, "/Attachments", last != NULL ? "/" : NULL, last, NULL);
}

/* ---- list -------------------------------------------------------------------------------------------------------- */

/* Zoho gives the size as a text of digits; anything else is not believed. */
static int64_t
size_of (const json_t *row)
{
  const json_t *value = json_object_get (row, "Size");
  const char *text = json_text (value);
  guint64 size;

  if (json_is_integer (value) && json_integer_value (value) >= 0)
    return json_integer_value (value);
  return text != NULL && g_ascii_string_to_unsigned (text, 10, 0, INT64_MAX, &size, NULL) ? (int64_t)size : -1;
}

static AttachmentRow
read_row (const json_t *row)
{
  const char *name = json_get_text (row, "File_Name"), *modified = json_get_text (row, "Modified_Time");
  AttachmentRow read = {
    .id = g_ascii_strtoull (json_get_text (row, "id"), NULL, 10),
    .name = name != NULL ? name : "",
    .size = size_of (row),
    .url = json_get_text (row, "$link_url"),
  };

  if (modified == NULL || !clock_parse_time (modified, &read.modified_s))
    read.modified_s = 0;
  return read;
}

static void
listed (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autofree Ask *ask = data;
  g_autoptr (GError) why = NULL;
  g_autoptr (json_t) rows = error == NULL ? rows_read (answer->body, "data", true, &why) : NULL;
  g_autoptr (GArray) read = g_array_new (FALSE, FALSE, sizeof (AttachmentRow));
  AttachmentsPage page = { 0 };

  if (rows == NULL || !rows_read_info (answer->body, &page.more, &page.next_token, &why))
    {
      ask->done.list (NULL, error != NULL ? error : why, ask->data);
      return;
    }
  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      AttachmentRow row = read_row (json_array_get (rows, i));

      g_array_append_val (read, row);
    }
  page.rows = (const AttachmentRow *)(void *)read->data;
  page.count = read->len;
  ask->done.list (&page, NULL, ask->data);
}

uint64_t
attachments_api_list (Client *client, const AttachmentsOf *of, unsigned page, const char *page_token,
                      AttachmentsListDone done, void *data)
{
  g_autofree char *path = path_of (of, NULL);
  g_autofree char *number = page_token == NULL ? g_strdup_printf ("%u", page) : NULL;
  g_autoptr (GString) query = g_string_new (NULL);
  ClientCall call = { .path = path, .priority = of->priority };
  Ask *ask = g_new0 (Ask, 1);

  ask->done.list = done;
  ask->data = data;
  url_add (query, "fields", FIELDS);
  url_add (query, "per_page", PER_PAGE);
  url_add (query, "page", number);
  url_add (query, "page_token", page_token);
  call.query = query->str;
  return client_send (client, &call, listed, ask);
}

/* ---- download ---------------------------------------------------------------------------------------------------- */

static ClientTook
take (const ClientPiece *piece, void *data)
{
  const Ask *ask = data;

  return ask->take (piece, ask->data);
}

static void
downloaded (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autofree Ask *ask = data;
  g_autoptr (GError) why = NULL;

  if (error == NULL && answer->status != 200)
    g_set_error (&why, ZOHO_ERROR, answer->status == 204 ? ZOHO_ERROR_NOT_FOUND : ZOHO_ERROR_FAILED,
                 answer->status == 204 ? "There is no such attachment (any more)"
                                       : "Zoho's answer makes no sense: it is no file");
  ask->done.download (answer != NULL ? answer->length : -1, error != NULL ? error : why, ask->data);
}

uint64_t
attachments_api_download (Client *client, const AttachmentsOf *of, const char *id, ClientTake take_piece,
                          AttachmentsDownloadDone done, void *data)
{
  g_autofree char *path = path_of (of, id);
  ClientCall call = { .path = path, .priority = of->priority, .take = take };
  Ask *ask = g_new0 (Ask, 1);

  ask->done.download = done;
  ask->take = take_piece;
  ask->data = data;
  return client_send (client, &call, downloaded, ask);
}

/* ---- upload ------------------------------------------------------------------------------------------------------ */

static bool
read_made (const ClientAnswer *answer, AttachmentMade *made, GError **error)
{
  const json_t *row = json_array_get (json_object_get (answer->body, "data"), 0);
  const json_t *details = json_object_get (row, "details");
  const char *id = json_get_text (details, "id"), *modified = json_get_text (details, "Modified_Time");

  if (row != NULL && response_row (row, error) != RESPONSE_OK)
    return false;
  if (g_strcmp0 (json_get_text (row, "status"), "success") != 0 || !rows_is_id (id))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_UNCLEAR,
                   "Zoho's answer makes no sense: it does not say whether the file was attached");
      return false;
    }
  made->id = g_ascii_strtoull (id, NULL, 10);
  if (modified == NULL || !clock_parse_time (modified, &made->modified_s))
    made->modified_s = 0;
  return true;
}

static void
uploaded (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autofree Ask *ask = data;
  g_autoptr (GError) why = NULL;
  AttachmentMade made = { 0 };
  bool good = error == NULL && read_made (answer, &made, &why);

  ask->done.made (good ? &made : NULL, error != NULL ? error : why, ask->data);
}

/* A boundary that the file would have to guess. */
static char *
boundary_new (void)
{
  return g_strdup_printf ("zohofs-%08x%08x%08x%08x", g_random_int (), g_random_int (), g_random_int (), g_random_int ());
}

/* A value in quotes, in a header of a part. */
static void
add_quoted (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (; *text != '\0'; text++)
    {
      if (*text == '"' || *text == '\\')
        g_string_append_c (out, '\\');
      g_string_append_c (out, (guchar)*text < ' ' || *text == '\x7f' ? '_' : *text);
    }
  g_string_append_c (out, '"');
}

static void
add_text (GString *out, const char *boundary, const char *name, const char *value)
{
  g_string_append_printf (out, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, name, value);
}

static uint64_t
send_parts (Client *client, const AttachmentsOf *of, const char *boundary, ClientUpload *upload,
            AttachmentsMadeDone done, void *data)
{
  g_autofree char *path = path_of (of, NULL);
  g_autofree char *type = g_strconcat ("multipart/form-data; boundary=", boundary, NULL);
  ClientCall call = { .method = "POST", .path = path, .priority = of->priority, .upload = upload, .once = true };
  Ask *ask = g_new0 (Ask, 1);

  upload->content_type = type;
  ask->done.made = done;
  ask->data = data;
  return client_send (client, &call, uploaded, ask);
}

uint64_t
attachments_api_upload (Client *client, const AttachmentsOf *of, const char *name, int fd, int64_t size,
                        AttachmentsMadeDone done, void *data)
{
  g_autofree char *boundary = boundary_new ();
  g_autofree char *tail = g_strconcat ("\r\n--", boundary, "--\r\n", NULL);
  g_autoptr (GString) head = g_string_new (NULL);
  ClientUpload upload = { .tail = tail, .fd = fd, .size = size };

  g_string_append_printf (head, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=", boundary);
  add_quoted (head, name);
  g_string_append (head, "\r\nContent-Type: application/octet-stream\r\n\r\n");
  upload.head = head->str;
  return send_parts (client, of, boundary, &upload, done, data);
}

uint64_t
attachments_api_link (Client *client, const AttachmentsOf *of, const char *title, const char *url,
                      AttachmentsMadeDone done, void *data)
{
  g_autofree char *boundary = boundary_new ();
  g_autofree char *tail = g_strconcat ("--", boundary, "--\r\n", NULL);
  g_autoptr (GString) head = g_string_new (NULL);
  ClientUpload upload = { .tail = tail, .fd = -1, .size = 0 };

  add_text (head, boundary, "attachmentUrl", url);
  add_text (head, boundary, "title", title);
  upload.head = head->str;
  return send_parts (client, of, boundary, &upload, done, data);
}

/* ---- delete ------------------------------------------------------------------------------------------------------ */

static void
deleted (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autofree Ask *ask = data;
  const json_t *row = error == NULL ? json_array_get (json_object_get (answer->body, "data"), 0) : NULL;
  g_autoptr (GError) why = NULL;

  if (row != NULL)
    response_row (row, &why);
  if (error == NULL)
    error = why;
  if (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    error = NULL;
  ask->done.deleted (error, ask->data);
}

uint64_t
attachments_api_delete (Client *client, const AttachmentsOf *of, const char *id, AttachmentsDeleteDone done, void *data)
{
  g_autofree char *path = path_of (of, id);
  ClientCall call = { .method = "DELETE", .path = path, .priority = of->priority };
  Ask *ask = g_new0 (Ask, 1);

  ask->done.deleted = done;
  ask->data = data;
  return client_send (client, &call, deleted, ask);
}
