/* POST /files keeps a file under an id that file and image fields of records then take. At most ten files a call, 20 MB
 * each; one that is larger refuses the whole upload. */
#include "uploads.h"

#include "multipart.h"
#include "payload.h"

enum
{
  MOST_FILES = 10,
  MOST_BYTES = 20 * 1000 * 1000
};

typedef struct
{
  char *name;
  char *type;
  GBytes *bytes;
  time_t when;
} Upload;

static GHashTable *uploads; /* file id -> Upload; guarded as the store */

static void
upload_free (gpointer data)
{
  Upload *upload = data;

  g_free (upload->name);
  g_free (upload->type);
  g_bytes_unref (upload->bytes);
  g_free (upload);
}

static json_t *
upload_keep (Emulator *emulator, const Part *part)
{
  Upload *upload = g_new0 (Upload, 1);
  g_autofree char *seed = g_strdup_printf ("file %" G_GUINT64_FORMAT, fresh_id ());
  char *id = g_compute_checksum_for_string (G_CHECKSUM_SHA256, seed, -1);
  g_autofree char *message = g_strdup_printf ("%s upload is successful", part->file_name);

  upload->name = g_strdup (part->file_name);
  upload->type = g_strdup (part->type == NULL ? "application/octet-stream" : part->type);
  upload->bytes = g_bytes_new (part->data, part->size);
  upload->when = emulator_now (emulator);
  g_hash_table_insert (uploads, id, upload);
  return entry_success (message, json_pack ("{s:s, s:s}", "name", upload->name, "id", id));
}

void
handle_upload_files (Emulator *emulator, const Request *request, Reply *reply)
{
  g_autoptr (GPtrArray) parts = multipart_parse (request);
  size_t most = (size_t) limit_of (emulator, "file_limit", MOST_BYTES);
  json_t *entries;

  for (unsigned i = 0; parts != NULL && i < parts->len; i++)
    {
      const Part *part = parts->pdata[i];

      if (part->file_name == NULL || *part->file_name == '\0')
        g_clear_pointer (&parts, g_ptr_array_unref);
      else if (part->size > most)
        {
          reply_error (reply, 415, "FILE_SIZE_MORE_THAN_ALLOWED_SIZE",
                       "Please check if the size of the file is in the correct range", NULL);
          return;
        }
    }
  if (parts == NULL || parts->len == 0 || parts->len > MOST_FILES)
    {
      reply_error (reply, 400, "INVALID_REQUEST",
                   "unable to process your request. please verify whether you have entered proper method name, "
                   "parameter and parameter values.",
                   NULL);
      return;
    }
  entries = json_array ();
  for (unsigned i = 0; i < parts->len; i++)
    json_array_append_new (entries, upload_keep (emulator, parts->pdata[i]));
  reply_entries (reply, "data", entries, 200);
}

void
handle_download_file (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *id = request_query (request, "id");
  const Upload *upload = id == NULL ? NULL : g_hash_table_lookup (uploads, id);

  if (id == NULL || *id == '\0')
    reply_error (reply, 400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
                 json_pack ("{s:s}", "param_name", "id"));
  else if (upload == NULL)
    reply_empty (reply, 204);
  else
    reply_bytes (reply, 200, upload->type, upload->name, g_bytes_ref (upload->bytes));
}

json_t *
uploads_describe (Emulator *emulator, const char *file_id, size_t sequence)
{
  const Upload *upload = file_id == NULL ? NULL : g_hash_table_lookup (uploads, file_id);
  char id[24];
  char when[32];

  if (upload == NULL)
    return NULL;
  format_time (upload->when, when);
  return json_pack ("{s:s, s:s, s:s, s:I, s:s, s:i}", "id", format_id (fresh_id (), id), "File_Id__s", file_id,
                    "File_Name__s", upload->name, "Size__s", (json_int_t) g_bytes_get_size (upload->bytes),
                    "Created_Time__s", when, "Sequence_Number__s", (int) sequence);
}

void
uploads_start (Emulator *emulator)
{
  uploads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, upload_free);
}

void
uploads_stop (Emulator *emulator)
{
  g_clear_pointer (&uploads, g_hash_table_unref);
}
