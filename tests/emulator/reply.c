/* Building answers: the envelopes of success and error that all endpoints share. */
#include "core.h"

#include <string.h>

const char *
request_query (const Request *request, const char *name)
{
  return g_hash_table_lookup (request->query, name);
}

const char *
request_header (const Request *request, const char *lower_case_name)
{
  return g_hash_table_lookup (request->headers, lower_case_name);
}

const char *
request_segment (const Request *request, unsigned n)
{
  return n < request->segments->len ? request->segments->pdata[n] : NULL;
}

void
request_clear (Request *request)
{
  g_free ((char *) request->path);
  g_free ((char *) request->raw_query);
  g_clear_pointer (&request->segments, g_ptr_array_unref);
  g_clear_pointer (&request->query, g_hash_table_unref);
  g_clear_pointer (&request->headers, g_hash_table_unref);
  json_decref (request->json);
  g_free ((char *) request->user_id);
  g_free ((char *) request->scope);
}

void
reply_clear (Reply *reply)
{
  g_clear_pointer (&reply->body, g_bytes_unref);
  g_clear_pointer (&reply->content_type, g_free);
  g_clear_pointer (&reply->file_name, g_free);
  g_clear_pointer (&reply->location, g_free);
}

void
reply_bytes (Reply *reply, unsigned status, const char *type, const char *file_name, GBytes *bytes)
{
  g_clear_pointer (&reply->body, g_bytes_unref);
  g_clear_pointer (&reply->content_type, g_free);
  g_clear_pointer (&reply->file_name, g_free);
  reply->status = status;
  reply->content_type = g_strdup (type);
  reply->file_name = g_strdup (file_name);
  reply->body = bytes;
}

void
reply_json (Reply *reply, unsigned status, json_t *body)
{
  GString *text = g_string_sized_new (512);

  json_write (text, body);
  json_decref (body);
  reply_bytes (reply, status, NULL, NULL, g_string_free_to_bytes (text));
}

void
reply_empty (Reply *reply, unsigned status)
{
  reply_bytes (reply, status, NULL, NULL, NULL);
}

json_t *
entry_success (const char *message, json_t *details)
{
  return json_pack ("{s:s, s:o, s:s, s:s}", "code", "SUCCESS", "details", details == NULL ? json_object () : details,
                    "message", message, "status", "success");
}

json_t *
entry_error (const char *code, const char *message, json_t *details)
{
  return json_pack ("{s:s, s:o, s:s, s:s}", "code", code, "details", details == NULL ? json_object () : details,
                    "message", message, "status", "error");
}

void
reply_error (Reply *reply, unsigned status, const char *code, const char *message, json_t *details)
{
  reply->rejected = true;
  reply_json (reply, status, entry_error (code, message, details));
}

void
reply_entries (Reply *reply, const char *key, json_t *entries, unsigned all_good)
{
  size_t good = 0;
  size_t modified = 0;
  size_t count = json_array_size (entries);
  size_t index;
  json_t *entry;

  json_array_foreach (entries, index, entry)
    {
      good += g_strcmp0 (json_string_value (json_object_get (entry, "status")), "success") == 0;
      modified += g_strcmp0 (json_string_value (json_object_get (entry, "code")), "ALREADY_MODIFIED") == 0;
    }
  reply->rejected |= good < count;
  reply_json (reply,
              good == count       ? all_good
              : good > 0          ? 207
              : modified == count ? 412
                                  : 400,
              json_pack ("{s:o}", key, entries));
}

json_t *
page_info (unsigned per_page, size_t count, unsigned page, bool more)
{
  return json_pack ("{s:i, s:i, s:i, s:b}", "per_page", (int) per_page, "count", (int) count, "page", (int) page,
                    "more_records", more);
}
