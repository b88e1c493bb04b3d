/* The body of a write: is it JSON, does it have its rows, are there not too many, and does it say nothing unknown.
 *
 * Zoho answers these before it looks at any row, with one error for the whole call (shape A). */
#include "payload.h"

#include <string.h>

json_t *
detail_at (const char *api_name, const char *base)
{
  g_autofree char *path = g_strdup_printf ("%s.%s", base, api_name);

  return json_pack ("{s:s, s:s}", "api_name", api_name, "json_path", path);
}

void
add_error (json_t *errors, const char *code, const char *message, json_t *details)
{
  json_array_append_new (errors, entry_error (code, message, details));
}

json_t *
errors_entry (const json_t *errors)
{
  if (json_array_size (errors) == 1)
    return json_incref (json_array_get (errors, 0));
  return entry_error ("MULTIPLE_OR_MULTI_ERRORS", "multiple errors occurred",
                      json_pack ("{s:o}", "errors", json_deep_copy (errors)));
}

bool
json_id (const json_t *value, uint64_t *id)
{
  if (json_is_integer (value))
    {
      *id = (uint64_t) json_integer_value (value);
      return json_integer_value (value) > 0;
    }
  return json_is_string (value) && parse_id (json_string_value (value), id);
}

const char *
member_text (const json_t *object, const char *key)
{
  return json_string_value (json_object_get (object, key));
}

static bool
is_known (const char *key, const char *const *known)
{
  return known != NULL && g_strv_contains (known, key);
}

/* The first key that the call does not take, or NULL. */
static const char *
unknown_key (json_t *body, const char *rows, const char *const *known)
{
  const char *key;
  json_t *value;

  json_object_foreach (body, key, value)
    {
      if (g_strcmp0 (key, rows) != 0 && !is_known (key, known))
        return key;
    }
  return NULL;
}

static bool
refuse_unknown (Emulator *emulator, Reply *reply, json_t *body, const char *rows, const char *const *known)
{
  const char *key = setting_is (emulator, "unknown_keys", "ignore") ? NULL : unknown_key (body, rows, known);

  if (key == NULL)
    return false;
  reply_error (reply, 400, "INVALID_DATA", "the key given seems to be invalid", detail_at (key, "$"));
  return true;
}

static json_t *
body_object (const Request *request, Reply *reply)
{
  if (!request->json_bad && json_is_object (request->json))
    return request->json;
  reply_error (reply, 400, "INVALID_DATA", "body", json_pack ("{s:s}", "expected_data_type", "jsonobject"));
  return NULL;
}

json_t *
payload_object (Emulator *emulator, const Request *request, Reply *reply, const char *const *known)
{
  json_t *body = body_object (request, reply);

  if (body == NULL || refuse_unknown (emulator, reply, body, NULL, known))
    return NULL;
  return body;
}

/* "trigger" lists automations to run; anything else in it is a mistake worth telling. */
static bool
refuse_trigger (Reply *reply, json_t *body)
{
  static const char *const names[] = { "workflow", "approval", "blueprint", "pathfinder", "orchestration", NULL };
  json_t *trigger = json_object_get (body, "trigger");
  json_t *name;
  size_t index;

  if (trigger == NULL || json_is_null (trigger))
    return false;
  if (!json_is_array (trigger))
    {
      reply_error (reply, 400, "INVALID_DATA", "invalid data",
                   json_pack ("{s:s, s:s, s:s}", "expected_data_type", "jsonarray", "api_name", "trigger", "json_path",
                              "$.trigger"));
      return true;
    }
  json_array_foreach (trigger, index, name)
    {
      g_autofree char *path = g_strdup_printf ("$.trigger[%zu]", index);

      if (json_is_string (name) && g_strv_contains (names, json_string_value (name)))
        continue;
      reply_error (reply, 400, "INVALID_DATA", "invalid data",
                   json_pack ("{s:s, s:s, s:[s,s,s,s,s]}", "api_name", "trigger", "json_path", path,
                              "supported_values", names[0], names[1], names[2], names[3], names[4]));
      return true;
    }
  return false;
}

json_t *
payload_rows (Emulator *emulator, const Request *request, Reply *reply, const char *key, const char *const *known,
              size_t most, const char *over)
{
  json_t *body = body_object (request, reply);
  json_t *rows = body == NULL ? NULL : json_object_get (body, key);

  if (body == NULL)
    return NULL;
  if (rows == NULL || json_is_null (rows) || (json_is_array (rows) && json_array_size (rows) == 0))
    {
      reply_error (reply, 400, "MANDATORY_NOT_FOUND", "required field not found", detail_at (key, "$"));
      return NULL;
    }
  if (!json_is_array (rows))
    {
      json_t *details = detail_at (key, "$");

      json_object_set_new (details, "expected_data_type", json_string ("jsonarray"));
      reply_error (reply, 400, "INVALID_DATA", "invalid data", details);
      return NULL;
    }
  if (json_array_size (rows) > most)
    {
      json_t *details = detail_at (key, "$");

      json_object_set_new (details, "maximum_length", json_integer ((json_int_t) most));
      reply_error (reply, 400, over, strcmp (over, "INVALID_DATA") == 0 ? "invalid data" : "limit exceeded", details);
      return NULL;
    }
  if (refuse_unknown (emulator, reply, body, key, known) || refuse_trigger (reply, body))
    return NULL;
  return rows;
}

json_t *
payload_ids (const Request *request, Reply *reply, size_t most)
{
  const char *text = request_query (request, "ids");
  g_auto (GStrv) parts = text == NULL ? NULL : g_strsplit (text, ",", -1);
  json_t *ids;

  if (text == NULL || *text == '\0')
    {
      reply_error (reply, 400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
                   json_pack ("{s:s}", "param_name", "ids"));
      return NULL;
    }
  if (g_strv_length (parts) > most)
    {
      g_autofree char *limit = g_strdup_printf ("%zu", most);

      reply_error (reply, 400, "LIMIT_EXCEEDED", "limit exceeded",
                   json_pack ("{s:s, s:s}", "limit", limit, "param_name", "ids"));
      return NULL;
    }
  ids = json_array ();
  for (char **part = parts; *part != NULL; part++)
    {
      uint64_t id;

      g_strstrip (*part);
      if (!request->external && !parse_id (*part, &id))
        {
          json_decref (ids);
          reply_error (reply, 400, "UNABLE_TO_PARSE_DATA_TYPE",
                       "either the request body or parameters is in wrong format",
                       json_pack ("{s:s}", "param_name", "ids"));
          return NULL;
        }
      json_array_append_new (ids, json_string (*part));
    }
  return ids;
}

unsigned
entries_status (const json_t *entries, unsigned all_good)
{
  size_t good = 0;
  json_t *entry;
  size_t index;

  json_array_foreach (entries, index, entry)
    good += g_strcmp0 (member_text (entry, "status"), "success") == 0;
  return good == json_array_size (entries) ? all_good : good > 0 ? 207 : 400;
}

void
reply_unknown_record (Emulator *emulator, Reply *reply, const char *message)
{
  reply_error (reply, setting_is (emulator, "unknown_id", "404") ? 404 : 400, "INVALID_DATA", message,
               json_pack ("{s:i}", "resource_path_index", 1));
}

uint64_t
fresh_id (void)
{
  static uint64_t last = UINT64_C (7019000000000);

  return ++last;
}

int64_t
limit_of (Emulator *emulator, const char *name, int64_t otherwise)
{
  int64_t limit = setting_int (emulator, name, 0);

  return limit > 0 ? limit : otherwise;
}
