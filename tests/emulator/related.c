/* What hangs on a record: related lists of every kind, and its notes. */
#include <string.h>

#include "attachments.h"
#include "links.h"
#include "read.h"

static const Related *
find_related (const GPtrArray *all, const char *name)
{
  for (unsigned i = 0; i < all->len; i++)
    {
      const Related *related = all->pdata[i];

      if (strcmp (related->api_name, name) == 0)
        return related;
    }
  return NULL;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  uint64_t left = *(const uint64_t *) a;
  uint64_t right = *(const uint64_t *) b;

  return left < right ? -1 : left > right;
}

/* At the far ends of the links. */
static GArray *
far_ids (Emulator *emulator, const Module *linking, const Module *parent, uint64_t id)
{
  const Field *far = module_far_lookup (linking);
  char *fields[] = { far->api_name, NULL };
  g_autoptr (GArray) rows = store_rows (emulator, linking, parent, id);
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));

  for (unsigned i = 0; i < rows->len; i++)
    {
      json_auto_t *row = store_get_fields (emulator, linking, g_array_index (rows, uint64_t, i), fields);
      uint64_t other;

      if (parse_id (json_string_value (json_object_get (json_object_get (row, far->api_name), "id")), &other))
        g_array_append_val (ids, other);
    }
  return ids;
}

static GArray *
linked_ids (const Module *parent, uint64_t id, const char *list)
{
  const json_t *links = links_of (parent, id, list);
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  json_t *link;
  size_t index;

  json_array_foreach (links, index, link)
    {
      uint64_t other;

      if (parse_id (json_string_value (json_object_get (link, "id")), &other))
        g_array_append_val (ids, other);
    }
  return ids;
}

/* Ascending. */
static GArray *
related_ids (Emulator *emulator, const Module *parent, uint64_t id, const Related *related)
{
  GArray *ids = strcmp (related->api_name, "Notes") == 0 ? store_rows (emulator, related->module, parent, id)
                : related->linking != NULL               ? far_ids (emulator, related->linking, parent, id)
                : related->lookup != NULL ? store_children (emulator, related->module, related->lookup, id)
                                          : linked_ids (parent, id, related->api_name);

  g_array_sort (ids, compare_ids);
  return ids;
}

static void
refuse_list (Reply *reply)
{
  reply_error (reply, 400, "INVALID_DATA", "the relation name given seems to be invalid",
               json_pack ("{s:i}", "resource_path_index", 2));
}

void
handle_list_related (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  g_autoptr (GPtrArray) all = schema_related (emulator, module);
  const Related *related = find_related (all, request_segment (request, 2));
  g_autoptr (GArray) ids = NULL;
  ListCall call;
  uint64_t id;

  if (related == NULL)
    {
      refuse_list (reply);
      return;
    }
  id = read_id (emulator, request, reply, module, 1);
  if (id == 0)
    return;
  if (list_init (&call, emulator, request, reply, related->module, false))
    {
      ids = related_ids (emulator, module, id, related);
      list_answer (&call, emulator, request, reply, ids, NULL, NULL, NULL);
    }
  list_clear (&call);
}

void
handle_get_related (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  g_autoptr (GPtrArray) all = schema_related (emulator, module);
  const Related *related = find_related (all, request_segment (request, 2));
  uint64_t id = related == NULL ? 0 : read_id (emulator, request, reply, module, 1);
  g_autoptr (GArray) ids = NULL;
  Columns columns = { 0 };
  uint64_t wanted = 0;
  GString *out;

  if (related == NULL)
    refuse_list (reply);
  if (id == 0)
    return;
  ids = related_ids (emulator, module, id, related);
  if (!parse_id (request_segment (request, 3), &wanted) || !g_array_binary_search (ids, &wanted, compare_ids, NULL))
    reply_empty (reply, 204);
  else if (columns_parse (emulator, request, reply, related->module, true, &columns))
    {
      out = g_string_new ("{\"data\":[");
      row_write (emulator, related->module, wanted, &columns, false, out);
      g_string_append (out, "]}");
      reply_bytes (reply, 200, NULL, NULL, g_string_free_to_bytes (out));
    }
  columns_clear (&columns);
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

void
note_extra (Emulator *emulator, const Module *module, uint64_t id, const void *data, GString *out)
{
  json_auto_t *attachments = attachments_of_note (id);

  g_string_append (out, ",\"$attachments\":");
  json_write (out, attachments);
  g_string_append (out, ",\"$editable\":true,\"$is_shared_to_client\":false,\"$voice_note\":false,\"$size\":null");
}

/* The order in which this user likes to see notes. */
static bool
oldest_first (Emulator *emulator)
{
  return !setting_on (emulator, "notes_recent_first");
}

static void
list_notes (Emulator *emulator, const Request *request, Reply *reply, const GArray *among)
{
  ListCall call;

  if (list_init (&call, emulator, request, reply, schema_module (emulator, "Notes"), oldest_first (emulator)))
    list_answer (&call, emulator, request, reply, among, NULL, note_extra, NULL);
  list_clear (&call);
}

void
handle_list_notes (Emulator *emulator, const Request *request, Reply *reply)
{
  if (user_is_admin (request->user_id))
    list_notes (emulator, request, reply, NULL);
  else
    reply_error (reply, 403, "NOT_SUPPORTED", "not supported for this user", NULL);
}

void
handle_list_notes_of (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  uint64_t id = read_id (emulator, request, reply, module, 1);
  g_autoptr (GArray) notes = NULL;

  if (id == 0)
    return;
  notes = store_rows (emulator, schema_module (emulator, "Notes"), module, id);
  list_notes (emulator, request, reply, notes);
}

void
handle_get_note (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *notes = schema_module (emulator, "Notes");
  const Module *module = schema_module (emulator, request_segment (request, 0));
  bool alone = request_segment (request, 3) == NULL;
  uint64_t parent = alone ? 0 : read_id (emulator, request, reply, module, 1);
  uint64_t id = alone || parent != 0 ? read_id (emulator, request, reply, notes, alone ? 1 : 3) : 0;
  g_autoptr (GArray) among = parent == 0 ? NULL : store_rows (emulator, notes, module, parent);
  bool all = request_query (request, "fields") == NULL;
  Columns columns = { 0 };
  GString *out;

  if (id == 0)
    return;
  if (among != NULL && !g_array_binary_search (among, &id, compare_ids, NULL))
    {
      reply_empty (reply, 204);
      return;
    }
  if (columns_parse (emulator, request, reply, notes, false, &columns))
    {
      for (unsigned i = 1; all && i < notes->fields->len; i++)
        g_ptr_array_add (columns.fields, notes->fields->pdata[i]);
      out = g_string_new ("{\"data\":[");
      row_write (emulator, notes, id, &columns, true, out);
      g_string_truncate (out, out->len - 1);
      note_extra (emulator, notes, id, NULL, out);
      g_string_append (out, "}]}");
      reply_bytes (reply, 200, NULL, NULL, g_string_free_to_bytes (out));
    }
  columns_clear (&columns);
}
