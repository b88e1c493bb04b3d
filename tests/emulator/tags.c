/* Tags: a list per module, and their coming and going on records. A name not yet known becomes a tag when it is
 * used. */
#include "tags.h"

#include <string.h>

#include "core.h"
#include "finder.h"
#include "payload.h"
#include "states.h"
#include "write.h"

enum
{
  NAME_LENGTH = 25,
  MOST_IDS = 500,
  IDS_PER_CREDIT = 50,
  MOST_TAGS = 100
};

static json_t *tags_of_modules; /* module's api name -> array of tags as settings/tags shows them; guarded as the store */

static json_t *
tags_of (const char *module)
{
  json_t *tags = json_object_get (tags_of_modules, module);

  if (tags == NULL)
    {
      tags = json_array ();
      json_object_set_new (tags_of_modules, module, tags);
    }
  return tags;
}

static json_t *
find_tag (const json_t *tags, const char *key, const char *text)
{
  json_t *tag;
  size_t index;

  json_array_foreach (tags, index, tag)
    {
      if (text != NULL && g_ascii_strcasecmp (member_text (tag, key), text) == 0)
        return tag;
    }
  return NULL;
}

static json_t *
tag_create (Emulator *emulator, json_t *tags, const char *name, const json_t *color)
{
  const char *me = emulator_me (emulator);
  char id[24];
  char now[32];
  json_t *tag;

  format_time (emulator_now (emulator), now);
  tag = json_pack ("{s:s, s:s, s:O?, s:s, s:s, s:o?, s:o?}", "name", name, "id", format_id (fresh_id (), id), "color_code",
                   json_is_string (color) ? color : NULL, "created_time", now, "modified_time", now, "created_by",
                   user_ref (emulator, me), "modified_by", user_ref (emulator, me));
  json_array_append_new (tags, tag);
  return tag;
}

static json_t *
tag_ref (const json_t *tag)
{
  return json_pack ("{s:O, s:O, s:O}", "name", json_object_get (tag, "name"), "id", json_object_get (tag, "id"),
                    "color_code", json_object_get (tag, "color_code"));
}

json_t *
tag_named (Emulator *emulator, const Module *module, const char *name, const json_t *color)
{
  json_t *tags = tags_of (module->api_name);
  json_t *tag = find_tag (tags, "name", name);

  return tag_ref (tag != NULL ? tag : tag_create (emulator, tags, name, color));
}

/* ---- on records -------------------------------------------------------------------------------------------------- */

/* The tags of the body, or of ?tag_names=, as references; NULL: refused. New. */
static json_t *
wanted_tags (Emulator *emulator, const Request *request, Reply *reply, const Module *module)
{
  static const char *const keys[] = { "tags", "ids", "over_write", NULL };
  json_auto_t *wanted = json_array ();
  json_t *body = payload_object (emulator, request, reply, keys);
  json_t *tag;
  size_t index;

  if (body == NULL)
    return NULL;
  if (json_array_size (json_object_get (body, "tags")) == 0)
    {
      reply_error (reply, 400, "MANDATORY_NOT_FOUND", "required field not found", detail_at ("tags", "$"));
      return NULL;
    }
  json_array_foreach (json_object_get (body, "tags"), index, tag)
    {
      g_autofree char *path = g_strdup_printf ("$.tags[%zu]", index);
      const char *name = member_text (tag, "name");
      json_t *known = name != NULL ? NULL : find_tag (tags_of (module->api_name), "id", member_text (tag, "id"));
      json_t *details;

      if (known != NULL)
        name = member_text (known, "name");
      if (name != NULL && *name != '\0' && g_utf8_strlen (name, -1) <= NAME_LENGTH)
        {
          json_array_append_new (wanted, tag_named (emulator, module, name, json_object_get (tag, "color_code")));
          continue;
        }
      details = detail_at ("name", path);
      if (name != NULL && *name != '\0')
        json_object_set_new (details, "maximum_length", json_integer (NAME_LENGTH));
      reply_error (reply, 400, "INVALID_DATA", "invalid data", details);
      return NULL;
    }
  return json_incref (wanted);
}

/* The ids the call is about: from the path, the body or the query. NULL: refused. New. */
static json_t *
wanted_ids (const Request *request, Reply *reply)
{
  const json_t *ids = json_object_get (request->json, "ids");

  if (strcmp (request_segment (request, 1), "actions") != 0)
    return json_pack ("[s]", request_segment (request, 1));
  if (!json_is_array (ids))
    return payload_ids (request, reply, MOST_IDS);
  if (json_array_size (ids) > 0 && json_array_size (ids) <= MOST_IDS)
    return json_copy ((json_t *) ids);
  reply_error (reply, 400, "INVALID_DATA", "invalid data",
               json_pack ("{s:i, s:s, s:s}", "maximum_length", MOST_IDS, "api_name", "ids", "json_path", "$.ids"));
  return NULL;
}

static void
merge_tags (json_t *tags, const json_t *wanted, bool remove)
{
  json_t *tag;
  size_t index;

  json_array_foreach (wanted, index, tag)
    {
      size_t i;
      json_t *other;
      size_t found = json_array_size (tags);

      json_array_foreach (tags, i, other)
        {
          if (g_ascii_strcasecmp (member_text (other, "name") == NULL ? "" : member_text (other, "name"),
                                  member_text (tag, "name"))
              == 0)
            found = i;
        }
      if (found < json_array_size (tags))
        json_array_remove (tags, found);
      if (!remove)
        json_array_append (tags, tag);
    }
}

static json_t *
tag_record (Emulator *emulator, const Request *request, Module *module, const json_t *text, const json_t *wanted,
            bool remove, bool over_write)
{
  json_auto_t *record = NULL;
  json_t *refusal;
  json_t *tags;
  uint64_t id;

  if (json_id (text, &id))
    record = store_get (emulator, module, id);
  if (record == NULL)
    return entry_error ("INVALID_DATA", "the id given seems to be invalid", json_pack ("{s:O}", "id", text));
  refusal = state_refusal (emulator, record, id, "update");
  if (refusal != NULL)
    return refusal;
  tags = json_array ();
  if (!over_write && json_is_array (json_object_get (record, "Tag")))
    json_array_extend (tags, json_object_get (record, "Tag"));
  merge_tags (tags, wanted, remove);
  json_object_set_new (record, "Tag", tags);
  store_update (emulator, module, id, json_incref (record), request->user_id, !setting_on (emulator, "tags_keep_time"));
  return entry_success (remove ? "tags removed successfully" : "tags updated successfully",
                        json_pack ("{s:O, s:O}", "id", text, "tags", tags));
}

static void
tag_records (Emulator *emulator, const Request *request, Reply *reply, bool remove)
{
  Module *module = schema_module (emulator, request_segment (request, 0));
  json_auto_t *ids = NULL;
  json_auto_t *wanted = wanted_tags (emulator, request, reply, module);
  const char *over = request_query (request, "over_write");
  bool over_write = json_is_true (json_object_get (request->json, "over_write")) || g_strcmp0 (over, "true") == 0;
  json_t *entries;
  json_t *text;
  size_t index;
  size_t good = 0;
  size_t locked = 0;
  char counts[2][24];

  ids = wanted == NULL ? NULL : wanted_ids (request, reply);
  if (ids == NULL)
    return;
  reply->credits = (unsigned) (json_array_size (ids) + IDS_PER_CREDIT - 1) / IDS_PER_CREDIT;
  entries = json_array ();
  json_array_foreach (ids, index, text)
    {
      json_t *entry = tag_record (emulator, request, module, text, wanted, remove, over_write);

      good += strcmp (member_text (entry, "status"), "success") == 0;
      locked += strcmp (member_text (entry, "code"), "RECORD_LOCKED") == 0;
      json_array_append_new (entries, entry);
    }
  g_snprintf (counts[0], sizeof counts[0], "%zu", good);
  g_snprintf (counts[1], sizeof counts[1], "%zu", locked);
  reply_json (reply, entries_status (entries, 200),
              json_pack ("{s:o, s:s, s:s}", "data", entries, "success_count", counts[0], "locked_count", counts[1]));
}

void
handle_add_tags (Emulator *emulator, const Request *request, Reply *reply)
{
  tag_records (emulator, request, reply, false);
}

void
handle_remove_tags (Emulator *emulator, const Request *request, Reply *reply)
{
  tag_records (emulator, request, reply, true);
}

/* ---- settings/tags ----------------------------------------------------------------------------------------------- */

/* The module of ?module=, or NULL when refused. */
static const Module *
tags_module (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *name = request_query (request, "module");
  const Module *module = name == NULL ? NULL : schema_module (emulator, name);

  if (name == NULL || *name == '\0')
    reply_error (reply, 400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
                 json_pack ("{s:s}", "param_name", "module"));
  else if (module == NULL)
    reply_error (reply, 400, "INVALID_MODULE", "the module name given seems to be invalid", NULL);
  return module;
}

void
handle_list_tags (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = tags_module (emulator, request, reply);
  const json_t *tags = module == NULL ? NULL : json_object_get (tags_of_modules, module->api_name);

  if (module == NULL)
    return;
  if (json_array_size (tags) == 0)
    {
      reply_empty (reply, 204);
      return;
    }
  reply_json (reply, 200,
              json_pack ("{s:o, s:{s:i, s:i}}", "tags", json_deep_copy (tags), "info", "count",
                         (int) json_array_size (tags), "allowed_count", MOST_TAGS));
}

/* What is wrong with a tag of the body, or NULL. @own: the tag being renamed. */
static json_t *
tag_refusal (const json_t *tags, const json_t *given, const json_t *own, const char *path)
{
  const char *name = member_text (given, "name");
  const json_t *other = find_tag (tags, "name", name);
  json_t *details;

  if (name == NULL || *name == '\0')
    return entry_error ("MANDATORY_NOT_FOUND", "required field not found", detail_at ("name", path));
  details = detail_at ("name", path);
  if (g_utf8_strlen (name, -1) > NAME_LENGTH)
    {
      json_object_set_new (details, "maximum_length", json_integer (NAME_LENGTH));
      return entry_error ("INVALID_DATA", "invalid data", details);
    }
  if (other != NULL && other != own)
    {
      json_object_set (details, "id", json_object_get (other, "id"));
      return entry_error ("DUPLICATE_DATA", "duplicate data", details);
    }
  json_decref (details);
  return NULL;
}

static json_t *
create_entry (Emulator *emulator, json_t *tags, const json_t *given, const char *path)
{
  json_t *refusal = tag_refusal (tags, given, NULL, path);

  if (refusal != NULL)
    return refusal;
  if (json_array_size (tags) >= MOST_TAGS)
    return entry_error ("LICENSE_LIMIT_EXCEEDED", "tags edition limit exceeded", NULL);
  return entry_success ("tags created successfully",
                        json_deep_copy (tag_create (emulator, tags, member_text (given, "name"),
                                                    json_object_get (given, "color_code"))));
}

static json_t *
update_entry (Emulator *emulator, json_t *tags, const char *id, const json_t *given, const char *path)
{
  json_t *tag = find_tag (tags, "id", id);
  json_t *refusal;
  char now[32];

  if (tag == NULL)
    return entry_error ("INVALID_DATA", "tags not found", json_pack ("{s:s?}", "id", id));
  refusal = tag_refusal (tags, given, tag, path);
  if (refusal != NULL)
    return refusal;
  format_time (emulator_now (emulator), now);
  json_object_set (tag, "name", json_object_get (given, "name"));
  if (json_object_get (given, "color_code") != NULL)
    json_object_set (tag, "color_code", json_object_get (given, "color_code"));
  json_object_set_new (tag, "modified_time", json_string (now));
  return entry_success ("tags updated successfully", json_deep_copy (tag));
}

static void
save_tags (Emulator *emulator, const Request *request, Reply *reply, bool update)
{
  const Module *module = tags_module (emulator, request, reply);
  json_t *rows = module == NULL ? NULL
                                : payload_rows (emulator, request, reply, "tags", NULL, MOST_TAGS, "LIMIT_EXCEEDED");
  json_t *entries;
  json_t *row;
  size_t index;

  if (rows == NULL)
    return;
  entries = json_array ();
  json_array_foreach (rows, index, row)
    {
      g_autofree char *path = g_strdup_printf ("$.tags[%zu]", index);
      const char *id = request_segment (request, 2);
      json_t *tags = tags_of (module->api_name);

      json_array_append_new (entries, update ? update_entry (emulator, tags, id != NULL ? id : member_text (row, "id"),
                                                             row, path)
                                             : create_entry (emulator, tags, row, path));
    }
  reply_entries (reply, "tags", entries, update ? 200 : 201);
}

void
handle_create_tags (Emulator *emulator, const Request *request, Reply *reply)
{
  save_tags (emulator, request, reply, false);
}

void
handle_update_tags (Emulator *emulator, const Request *request, Reply *reply)
{
  save_tags (emulator, request, reply, true);
}

/* Generated records know one tag. */
void
tags_start (Emulator *emulator)
{
  char id[24];
  char when[32];

  format_id (FIRST_ID + 50, id);
  format_time (emulator_now (emulator), when);
  tags_of_modules = json_object ();
  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      const Module *module = emulator->modules->pdata[i];

      if (module_field (module, "Tag") == NULL)
        continue;
      json_array_append_new (tags_of (module->api_name),
                             json_pack ("{s:s, s:s, s:n, s:s, s:s, s:o?, s:o?}", "name", "vip", "id", id, "color_code",
                                        "created_time", when, "modified_time", when, "created_by",
                                        user_ref (emulator, ME_ID), "modified_by", user_ref (emulator, ME_ID)));
    }
}

void
tags_stop (Emulator *emulator)
{
  g_clear_pointer (&tags_of_modules, json_decref);
}
