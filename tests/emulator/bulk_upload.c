/* The upload host's one call: ZIP files for bulk write, kept until they are crowded out. */
#include "bulk.h"

#include <string.h>

#include "archive.h"
#include "multipart.h"
#include "payload.h"

enum
{
  MOST_BYTES = 25 * 1024 * 1024,
  MOST_FILES = 20
};

static GHashTable *files; /* file id -> GBytes; write lock */
static GQueue *order;     /* file ids, oldest first; the table's own */

void
bulk_uploads_start (void)
{
  files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  order = g_queue_new ();
}

void
bulk_uploads_stop (void)
{
  g_clear_pointer (&order, g_queue_free);
  g_clear_pointer (&files, g_hash_table_unref);
}

GBytes *
bulk_uploaded (const char *file_id)
{
  return g_hash_table_lookup (files, file_id);
}

static void
keep (char *id, GBytes *zip)
{
  g_hash_table_insert (files, id, zip);
  g_queue_push_tail (order, id);
  if (g_queue_get_length (order) > MOST_FILES)
    g_hash_table_remove (files, g_queue_pop_head (order));
}

void
handle_bulk_upload (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *feature = request_header (request, "feature");
  const char *org = request_header (request, "x-crm-org");
  g_autoptr (GPtrArray) parts = NULL;
  g_autoptr (GBytes) zip = NULL;
  const Part *part;
  char id[24];
  char time[32];

  if (feature == NULL || org == NULL)
    {
      reply_error (reply, 400, "MANDATORY_NOT_FOUND", "required header not found",
                   json_pack ("{s:s}", "api_name", feature == NULL ? "feature" : "X-CRM-ORG"));
      return;
    }
  if (strcmp (feature, "bulk-write") != 0)
    {
      reply_error (reply, 400, "NOT_SUPPORTED_FEATURE", "the feature is not supported", NULL);
      return;
    }
  if (request->body_size > MOST_BYTES)
    {
      reply_error (reply, 413, "FILE_TOO_LARGE", "the file is larger than 25 MB", NULL);
      return;
    }
  parts = multipart_parse (request);
  part = multipart_part (parts, "file");
  if (part == NULL)
    {
      reply_error (reply, 400, "MANDATORY_NOT_FOUND", "required part not found",
                   json_pack ("{s:s}", "api_name", "file"));
      return;
    }
  zip = g_bytes_new (part->data, part->size);
  if (!archive_is_zip (zip))
    {
      reply_error (reply, 400, "INVALID_FILE_FORMAT", "the file is not a ZIP", NULL);
      return;
    }
  keep (g_strdup (format_id (fresh_id (), id)), g_steal_pointer (&zip));
  format_time (emulator_now (emulator), time);
  reply_json (reply, 200,
              json_pack ("{s:s, s:s, s:s, s:{s:s, s:s}}", "status", "success", "code", "FILE_UPLOAD_SUCCESS", "message",
                         "file uploaded.", "details", "file_id", id, "created_time", time));
}
