/* Link and delink: PUT and DELETE on a related list. Only many-to-many relations take them; a one-to-many relation is
 * changed through the child's lookup field. */
#include "write.h"

#include <string.h>

#include "finder.h"
#include "links.h"
#include "payload.h"

enum
{
  MOST_ROWS = 100
};

/* A call on a related list, after the checks both share. */
typedef struct
{
  Emulator *emulator;
  const Request *request;
  const Module *parent;
  const Module *target;
  const char *list;
  const char *related; /* the related id in the path, or NULL */
  uint64_t id;
} Call;

static void
refuse_path (Reply *reply, const char *code, const char *message, int index)
{
  reply_error (reply, 400, code, message, json_pack ("{s:i}", "resource_path_index", index));
}

/* False: refused. */
static bool
call_begin (Call *call, Emulator *emulator, const Request *request, Reply *reply)
{
  *call = (Call) {
    .emulator = emulator,
    .request = request,
    .parent = schema_module (emulator, request_segment (request, 0)),
    .list = request_segment (request, 2),
    .related = request_segment (request, 3),
  };
  call->target = schema_module (emulator, call->list);
  call->id = request_record (emulator, request, call->parent, request_segment (request, 1));
  if (call->id == 0)
    refuse_path (reply, "INVALID_DATA", "the id given seems to be invalid", 1);
  else if (call->target == NULL)
    refuse_path (reply, "INVALID_DATA", "the relation name given seems to be invalid", 2);
  else if (!links_has_list (call->parent, call->list))
    refuse_path (reply, "NOT_SUPPORTED", "the relation cannot be changed", 2);
  else
    return true;
  return false;
}

/* What a link may carry beside the id. */
static json_t *
extra_of (const json_t *row)
{
  json_t *extra = json_copy ((json_t *) row);

  json_object_del (extra, "id");
  return extra;
}

static json_t *
link_entry (const Call *call, const json_t *row, const char *related, const char *path)
{
  json_auto_t *extra = NULL;
  uint64_t id = 0;
  char text[24];

  if (!json_is_object (row))
    return entry_error ("INVALID_DATA", "invalid data", json_pack ("{s:s, s:s}", "api_name", "data", "json_path", path));
  if (related == NULL && json_object_get (row, "id") == NULL)
    return entry_error ("MANDATORY_NOT_FOUND", "required field not found", detail_at ("id", path));
  if (!(related != NULL ? parse_id (related, &id) : json_id (json_object_get (row, "id"), &id))
      || !store_exists (call->emulator, call->target, id))
    return entry_error ("INVALID_DATA", "the related id given seems to be invalid", detail_at ("id", path));
  extra = extra_of (row);
  links_add (call->parent, call->id, call->list, id, extra);
  return entry_success ("relation added", json_pack ("{s:s}", "id", format_id (id, text)));
}

void
handle_link (Emulator *emulator, const Request *request, Reply *reply)
{
  json_t *rows;
  json_t *entries;
  json_t *row;
  size_t index;
  Call call;

  if (!call_begin (&call, emulator, request, reply))
    return;
  rows = payload_rows (emulator, request, reply, "data", NULL, call.related != NULL ? 1 : MOST_ROWS, "LIMIT_EXCEEDED");
  if (rows == NULL)
    return;
  entries = json_array ();
  json_array_foreach (rows, index, row)
    {
      g_autofree char *path = g_strdup_printf ("$.data[%zu]", index);

      json_array_append_new (entries, link_entry (&call, row, call.related, path));
    }
  reply_entries (reply, "data", entries, 200);
}

static json_t *
delink_entry (const Call *call, const char *text)
{
  uint64_t id;

  if (!parse_id (text, &id) || !links_remove (call->parent, call->id, call->list, id))
    return entry_error ("INVALID_DATA", "the relation does not exist", json_pack ("{s:s}", "id", text));
  return entry_success ("relation removed", json_pack ("{s:s}", "id", text));
}

void
handle_delink (Emulator *emulator, const Request *request, Reply *reply)
{
  json_auto_t *ids = NULL;
  json_t *entries;
  json_t *text;
  size_t index;
  Call call;

  if (!call_begin (&call, emulator, request, reply))
    return;
  ids = call.related != NULL ? json_pack ("[s]", call.related) : payload_ids (request, reply, MOST_ROWS);
  if (ids == NULL)
    return;
  entries = json_array ();
  json_array_foreach (ids, index, text)
    json_array_append_new (entries, delink_entry (&call, json_string_value (text)));
  reply_entries (reply, "data", entries, 200);
}
