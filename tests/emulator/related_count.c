/* POST /{module}/{id}/actions/get_related_records_count: the sizes of up to twenty related lists of one record. */
#include "related_count.h"

#include <string.h>

#include "attachments.h"
#include "core.h"
#include "finder.h"
#include "links.h"
#include "payload.h"

enum
{
  MOST_LISTS = 20
};

static size_t
count_linked (Emulator *emulator, const Module *parent, uint64_t id, const Related *related)
{
  const json_t *all = links_of (parent, id, related->api_name);
  size_t count = 0;
  json_t *link;
  size_t index;

  json_array_foreach (all, index, link)
    {
      uint64_t other;

      count += json_id (json_object_get (link, "id"), &other) && store_exists (emulator, related->module, other);
    }
  return count;
}

static size_t
count_related (Emulator *emulator, const Module *parent, uint64_t id, const Related *related)
{
  g_autoptr (GArray) ids = NULL;

  if (strcmp (related->api_name, "Attachments") == 0)
    return attachments_count (parent, id);
  if (links_has_list (parent, related->api_name))
    return count_linked (emulator, parent, id, related);
  if (related->linking != NULL)
    ids = store_rows (emulator, related->linking, parent, id);
  else if (related->lookup != NULL)
    ids = store_children (emulator, related->module, related->lookup, id);
  else
    ids = store_rows (emulator, related->module, parent, id);
  return ids->len;
}

static const Related *
find_related (const GPtrArray *all, const char *api_name)
{
  for (unsigned i = 0; api_name != NULL && i < all->len; i++)
    {
      const Related *related = all->pdata[i];

      if (strcmp (related->api_name, api_name) == 0)
        return related;
    }
  return NULL;
}

void
handle_related_count (Emulator *emulator, const Request *request, Reply *reply)
{
  static const char *const key = "get_related_records_count";
  const Module *module = schema_module (emulator, request_segment (request, 0));
  json_t *rows = payload_rows (emulator, request, reply, key, NULL, MOST_LISTS, "INVALID_DATA");
  g_autoptr (GPtrArray) all = NULL;
  json_auto_t *counts = json_array ();
  json_t *row;
  size_t index;
  uint64_t id;

  if (rows == NULL)
    return;
  id = request_record (emulator, request, module, request_segment (request, 1));
  if (id == 0)
    {
      reply_unknown_record (emulator, reply, "the id given seems to be invalid");
      return;
    }
  all = schema_related (emulator, module);
  json_array_foreach (rows, index, row)
    {
      g_autofree char *path = g_strdup_printf ("$.%s[%zu].related_list", key, index);
      json_t *list = json_object_get (row, "related_list");
      const Related *related = find_related (all, member_text (list, "api_name"));

      if (related == NULL)
        {
          reply_error (reply, 400, list == NULL ? "MANDATORY_NOT_FOUND" : "INVALID_DATA",
                       list == NULL ? "required field not found" : "invalid data", detail_at ("api_name", path));
          return;
        }
      json_array_append_new (counts, json_pack ("{s:I, s:O}", "count",
                                                (json_int_t) count_related (emulator, module, id, related),
                                                "related_list", list));
    }
  reply_json (reply, 200, json_pack ("{s:O}", key, counts));
}
