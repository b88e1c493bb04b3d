/* Attachments: files and links hung on a record, kept in memory under (module, id); and the one photo a record may
 * have.
 *
 * An upload answers 200, not 201. Names may repeat; there is no overwrite and no rename. A link cannot be
 * downloaded. */
#include "attachments.h"

#include <string.h>

#include "finder.h"
#include "multipart.h"
#include "payload.h"
#include "states.h"
#include "values.h"

enum
{
  MOST_BYTES = 100 * 1000 * 1000,
  MOST_PHOTO_BYTES = 10 * 1000 * 1000,
  MOST_ROWS = 200,
  MOST_IDS = 100,
  MOST_FIELDS = 50
};

typedef struct
{
  uint64_t id;
  char *name;
  char *type;
  char *file_id;
  char *link;    /* of a link; else NULL */
  GBytes *bytes; /* NULL: a link */
  time_t when;
  char *user_id;
} Attachment;

typedef struct
{
  char *type;
  GBytes *bytes;
} Photo;

static GHashTable *attachments; /* "Leads/7010000000201" -> GPtrArray of Attachment, oldest first; guarded as the store */
static GHashTable *photos;      /* the same key -> Photo */

static void
attachment_free (gpointer data)
{
  Attachment *attachment = data;

  g_free (attachment->name);
  g_free (attachment->type);
  g_free (attachment->file_id);
  g_free (attachment->link);
  g_clear_pointer (&attachment->bytes, g_bytes_unref);
  g_free (attachment->user_id);
  g_free (attachment);
}

static void
photo_free (gpointer data)
{
  Photo *photo = data;

  g_free (photo->type);
  g_bytes_unref (photo->bytes);
  g_free (photo);
}

static char *
key_of (const Module *module, uint64_t id)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT, module->api_name, id);
}

static GPtrArray *
attachments_of (const Module *module, uint64_t id)
{
  g_autofree char *key = key_of (module, id);

  return g_hash_table_lookup (attachments, key);
}

size_t
attachments_count (const Module *module, uint64_t id)
{
  const GPtrArray *all = attachments_of (module, id);

  return all == NULL ? 0 : all->len;
}

/* The record of the path; 0: refused. */
static uint64_t
parent_of (Emulator *emulator, const Request *request, Reply *reply, const Module *module)
{
  uint64_t id = request_record (emulator, request, module, request_segment (request, 1));

  if (id == 0)
    reply_error (reply, 400, "INVALID_DATA", "the related id given seems to be invalid",
                 json_pack ("{s:i}", "resource_path_index", 1));
  return id;
}

static char *
size_text (const Attachment *attachment)
{
  return g_strdup_printf ("%zu", attachment->bytes == NULL ? 0 : g_bytes_get_size (attachment->bytes));
}

/* All that is known of an attachment, new. */
static json_t *
attachment_json (Emulator *emulator, const Module *module, uint64_t parent, const Attachment *attachment)
{
  g_autofree char *size = size_text (attachment);
  char id[24];
  char when[32];

  format_time (attachment->when, when);
  return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s?, s:s, s:s, s:s?, s:b, s:s}", "id",
                    format_id (attachment->id, id), "File_Name", attachment->name, "Size", size, "Created_Time", when,
                    "Modified_Time", when, "Created_By", user_ref (emulator, attachment->user_id), "Modified_By",
                    user_ref (emulator, attachment->user_id), "Owner", user_ref (emulator, attachment->user_id),
                    "Parent_Id", record_ref (emulator, module, parent), "$file_id", attachment->file_id, "$type",
                    attachment->link != NULL ? "Link" : "Attachment", "$se_module", module->api_name, "$link_url",
                    attachment->link, "$editable", true, "$state", "save");
}

/* The parameters of a list. False: refused. */
static bool
list_params (const Request *request, Reply *reply, GStrv *fields, unsigned *page, unsigned *per_page)
{
  const char *names = request_query (request, "fields");
  const char *texts[] = { request_query (request, "page"), request_query (request, "per_page") };
  const char *params[] = { "page", "per_page" };
  uint64_t values[] = { 1, MOST_ROWS };

  if (names == NULL || *names == '\0')
    {
      reply_error (reply, 400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
                   json_pack ("{s:s}", "param_name", "fields"));
      return false;
    }
  for (unsigned i = 0; i < 2; i++)
    {
      if (texts[i] == NULL || *texts[i] == '\0')
        continue;
      if (g_ascii_string_to_unsigned (texts[i], 10, 1, i == 0 ? 1000000 : MOST_ROWS, &values[i], NULL))
        continue;
      reply_error (reply, 400, "INVALID_DATA", "invalid data",
                   json_pack ("{s:s, s:s}", "param_name", params[i], "expected_data_type", "integer"));
      return false;
    }
  *fields = g_strsplit (names, ",", -1);
  *page = (unsigned) values[0];
  *per_page = (unsigned) values[1];
  if (g_strv_length (*fields) <= MOST_FIELDS)
    return true;
  reply_error (reply, 400, "LIMIT_EXCEEDED", "limit exceeded",
               json_pack ("{s:i, s:s}", "limit", MOST_FIELDS, "param_name", "fields"));
  return false;
}

/* `$` keys come whatever is asked. */
static json_t *
only_fields (json_t *row, char *const *fields)
{
  json_t *kept = json_object ();
  const char *key;
  json_t *value;

  json_object_foreach (row, key, value)
    {
      if (*key == '$' || strcmp (key, "id") == 0 || strcmp (key, "Parent_Id") == 0
          || g_strv_contains ((const char *const *) fields, key))
        json_object_set (kept, key, value);
    }
  json_decref (row);
  return kept;
}

void
handle_list_attachments (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t parent = parent_of (emulator, request, reply, module);
  g_auto (GStrv) fields = NULL;
  const GPtrArray *all;
  unsigned page, per_page;
  json_t *rows;
  size_t first;

  if (parent == 0 || !list_params (request, reply, &fields, &page, &per_page))
    return;
  all = attachments_of (module, parent);
  first = (size_t) (page - 1) * per_page;
  if (all == NULL || first >= all->len)
    {
      reply_empty (reply, 204);
      return;
    }
  rows = json_array ();
  for (size_t i = first; i < all->len && i < first + per_page; i++)
    json_array_append_new (rows, only_fields (attachment_json (emulator, module, parent, all->pdata[i]), fields));
  reply_json (reply, 200,
              json_pack ("{s:o, s:o}", "data", rows, "info",
                         page_info (per_page, json_array_size (rows), page, all->len > first + per_page)));
}

json_t *
attachments_of_note (uint64_t note)
{
  g_autofree char *key = g_strdup_printf ("Notes/%" G_GUINT64_FORMAT, note);
  const GPtrArray *all = g_hash_table_lookup (attachments, key);
  json_t *list = json_array ();

  for (unsigned i = 0; all != NULL && i < all->len; i++)
    {
      const Attachment *attachment = all->pdata[i];
      g_autofree char *size = size_text (attachment);
      char id[24];

      json_array_append_new (list, json_pack ("{s:s?, s:s, s:s, s:s}", "$file_id", attachment->file_id, "File_Name",
                                              attachment->name, "Size", size, "id", format_id (attachment->id, id)));
    }
  return list;
}

/* ---- upload ------------------------------------------------------------------------------------------------------ */

static Attachment *
attachment_new (Emulator *emulator, const Request *request, const char *name)
{
  Attachment *attachment = g_new0 (Attachment, 1);

  attachment->id = fresh_id ();
  attachment->name = g_strdup (name);
  attachment->when = emulator_now (emulator);
  attachment->user_id = g_strdup (request->user_id);
  return attachment;
}

static Attachment *
attachment_of_file (Emulator *emulator, const Request *request, const Part *part)
{
  Attachment *attachment = attachment_new (emulator, request, part->file_name);
  char id[24];

  attachment->type = g_strdup (part->type == NULL ? "application/octet-stream" : part->type);
  attachment->bytes = g_bytes_new (part->data, part->size);
  attachment->file_id = g_compute_checksum_for_string (G_CHECKSUM_SHA256, format_id (attachment->id, id), -1);
  return attachment;
}

static Attachment *
attachment_of_link (Emulator *emulator, const Request *request, const char *url, const char *title)
{
  Attachment *attachment = attachment_new (emulator, request, title == NULL || *title == '\0' ? url : title);

  attachment->link = g_strdup (url);
  return attachment;
}

static bool
is_url (const char *text)
{
  g_autoptr (GUri) uri = text == NULL ? NULL : g_uri_parse (text, G_URI_FLAGS_NONE, NULL);

  return uri != NULL && g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0';
}

/* The attachment the body describes; NULL: refused. New. */
static Attachment *
attachment_sent (Emulator *emulator, const Request *request, Reply *reply)
{
  g_autoptr (GPtrArray) parts = multipart_parse (request);
  const Part *file = multipart_part (parts, "file");
  g_autofree char *url = NULL;
  g_autofree char *title = NULL;

  if (file != NULL && file->file_name != NULL && *file->file_name != '\0')
    return attachment_of_file (emulator, request, file);
  url = parts != NULL ? multipart_text (parts, "attachmentUrl") : g_strdup (request_query (request, "attachmentUrl"));
  title = parts != NULL ? multipart_text (parts, "title") : g_strdup (request_query (request, "title"));
  if (url == NULL)
    reply_error (reply, 400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
                 json_pack ("{s:s}", "param_name", "file"));
  else if (is_url (url))
    return attachment_of_link (emulator, request, url, title);
  else
    reply_error (reply, 400, "INVALID_DATA", "the given attachment URL is incorrect",
                 json_pack ("{s:s}", "param_name", "attachmentUrl"));
  return NULL;
}

static json_t *
attached_entry (Emulator *emulator, const Attachment *attachment)
{
  char id[24];
  char when[32];

  format_time (attachment->when, when);
  return entry_success ("attachment uploaded successfully",
                        json_pack ("{s:s, s:o?, s:s, s:s, s:o?}", "Modified_Time", when, "Modified_By",
                                   user_ref (emulator, attachment->user_id), "Created_Time", when, "id",
                                   format_id (attachment->id, id), "Created_By",
                                   user_ref (emulator, attachment->user_id)));
}

static bool
refuse_size (Emulator *emulator, const Request *request, Reply *reply, int64_t most)
{
  if ((int64_t) request->body_size <= limit_of (emulator, "attachment_limit", most))
    return false;
  reply_error (reply, 413, "FILE_SIZE_MORE_THAN_ALLOWED_SIZE",
               "Please check if the size of the file is in the correct range", NULL);
  return true;
}

/* A record that is locked or in approval takes no files either. */
static bool
refuse_state (Emulator *emulator, Reply *reply, const Module *module, uint64_t id)
{
  json_auto_t *record = store_get (emulator, module, id);
  json_auto_t *refusal = record == NULL ? NULL : state_refusal (emulator, record, id, "attach");

  if (refusal == NULL)
    return false;
  reply_error (reply, 400, member_text (refusal, "code"), member_text (refusal, "message"),
               json_deep_copy (json_object_get (refusal, "details")));
  return true;
}

void
handle_attach (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t parent = parent_of (emulator, request, reply, module);
  Attachment *attachment;
  GPtrArray *all;
  json_t *entries;

  if (parent == 0 || refuse_size (emulator, request, reply, MOST_BYTES) || refuse_state (emulator, reply, module, parent))
    return;
  attachment = attachment_sent (emulator, request, reply);
  if (attachment == NULL)
    return;
  all = attachments_of (module, parent);
  if (all == NULL)
    {
      all = g_ptr_array_new_with_free_func (attachment_free);
      g_hash_table_insert (attachments, key_of (module, parent), all);
    }
  g_ptr_array_add (all, attachment);
  entries = json_array ();
  json_array_append_new (entries, attached_entry (emulator, attachment));
  reply_entries (reply, "data", entries, 200);
}

/* ---- download, delete -------------------------------------------------------------------------------------------- */

static bool
find_attachment (const GPtrArray *all, const char *text, unsigned *index)
{
  uint64_t id;

  if (all == NULL || !parse_id (text, &id))
    return false;
  for (*index = 0; *index < all->len; (*index)++)
    {
      if (((const Attachment *) all->pdata[*index])->id == id)
        return true;
    }
  return false;
}

void
handle_download_attachment (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t parent = parent_of (emulator, request, reply, module);
  const GPtrArray *all = parent == 0 ? NULL : attachments_of (module, parent);
  const Attachment *attachment;
  unsigned index;

  if (parent == 0)
    return;
  if (!find_attachment (all, request_segment (request, 3), &index))
    {
      reply_empty (reply, 204);
      return;
    }
  attachment = all->pdata[index];
  if (attachment->bytes == NULL)
    reply_error (reply, 400, "DOWNLOAD_NOT_ALLOWED", "As it is a linked attachment, you can not download it",
                 json_pack ("{s:s}", "param_name", "id"));
  else
    reply_bytes (reply, 200, attachment->type, attachment->name, g_bytes_ref (attachment->bytes));
}

static json_t *
delete_one (GPtrArray *all, const char *text)
{
  unsigned index;

  if (!find_attachment (all, text, &index))
    return entry_error ("INVALID_DATA", "record not deleted", json_pack ("{s:s}", "id", text));
  g_ptr_array_remove_index (all, index);
  return entry_success ("record deleted", json_pack ("{s:s}", "id", text));
}

void
handle_delete_attachments (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t parent = parent_of (emulator, request, reply, module);
  GPtrArray *all = parent == 0 ? NULL : attachments_of (module, parent);
  const char *only = request_segment (request, 3);
  json_auto_t *ids = NULL;
  json_t *entries;
  json_t *text;
  size_t index;
  unsigned at;

  if (parent == 0)
    return;
  if (only != NULL && !find_attachment (all, only, &at))
    {
      reply_error (reply, 400, "INVALID_DATA", "record not deleted", json_pack ("{s:i}", "resource_path_index", 3));
      return;
    }
  ids = only != NULL ? json_pack ("[s]", only) : payload_ids (request, reply, MOST_IDS);
  if (ids == NULL)
    return;
  entries = json_array ();
  json_array_foreach (ids, index, text)
    json_array_append_new (entries, delete_one (all, json_string_value (text)));
  reply_entries (reply, "data", entries, 200);
}

/* ---- photo ------------------------------------------------------------------------------------------------------- */

/* What the first bytes say; NULL: no image. */
static const char *
image_type (const Part *part)
{
  static const struct
  {
    const char *magic;
    size_t length;
    const char *type;
  } kinds[] = {
    { "\x89PNG\r\n\x1a\n", 8, "image/png" },
    { "\xff\xd8\xff", 3, "image/jpeg" },
    { "GIF8", 4, "image/gif" },
    { "BM", 2, "image/bmp" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (part->size >= kinds[i].length && memcmp (part->data, kinds[i].magic, kinds[i].length) == 0)
        return kinds[i].type;
    }
  return NULL;
}

void
handle_get_photo (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t id = parent_of (emulator, request, reply, module);
  g_autofree char *key = key_of (module, id);
  const Photo *photo = g_hash_table_lookup (photos, key);

  if (id == 0)
    return;
  if (photo == NULL)
    reply_empty (reply, 204);
  else
    reply_bytes (reply, 200, photo->type, "photo", g_bytes_ref (photo->bytes));
}

void
handle_set_photo (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t id = parent_of (emulator, request, reply, module);
  g_autoptr (GPtrArray) parts = NULL;
  const Part *file;
  const char *type;
  Photo *photo;

  if (id == 0 || refuse_size (emulator, request, reply, MOST_PHOTO_BYTES) || refuse_state (emulator, reply, module, id))
    return;
  parts = multipart_parse (request);
  file = multipart_part (parts, "file");
  type = file == NULL ? NULL : image_type (file);
  if (type == NULL)
    {
      reply_error (reply, 400, "INVALID_DATA", "invalid data", NULL);
      return;
    }
  photo = g_new0 (Photo, 1);
  photo->type = g_strdup (type);
  photo->bytes = g_bytes_new (file->data, file->size);
  g_hash_table_replace (photos, key_of (module, id), photo);
  reply_json (reply, 200, entry_success ("photo uploaded successfully", json_object ()));
}

void
handle_delete_photo (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t id = parent_of (emulator, request, reply, module);
  g_autofree char *key = key_of (module, id);

  if (id == 0)
    return;
  if (g_hash_table_remove (photos, key))
    reply_json (reply, 200, entry_success ("photo deleted successfully", json_object ()));
  else
    reply_error (reply, 400, "INVALID_DATA", "the record has no photo", json_pack ("{s:i}", "resource_path_index", 1));
}

void
attachments_start (Emulator *emulator)
{
  attachments = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  photos = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, photo_free);
}

void
attachments_stop (Emulator *emulator)
{
  g_clear_pointer (&attachments, g_hash_table_unref);
  g_clear_pointer (&photos, g_hash_table_unref);
}
