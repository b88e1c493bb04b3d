/* The recycle bin: what lies in it, taking out, and emptying. How long things lie there is the store's affair. */
#include "write.h"

#include "payload.h"

enum
{
  MOST_ROWS = 200,
  MOST_IDS = 100
};

typedef struct
{
  Module *module;
  const Deleted *deleted;
} Binned;

static int
binned_compare (gconstpointer a, gconstpointer b)
{
  const Deleted *left = ((const Binned *) a)->deleted;
  const Deleted *right = ((const Binned *) b)->deleted;

  if (left->when != right->when)
    return left->when > right->when ? -1 : 1;
  return left->id > right->id ? -1 : left->id < right->id;
}

/* All that is in the bin, newest first; @only: just this id, if not 0. Binned elements. */
static GArray *
bin_contents (Emulator *emulator, uint64_t only)
{
  GPtrArray *modules = schema_modules (emulator);
  GArray *all = g_array_new (FALSE, FALSE, sizeof (Binned));

  for (unsigned i = 0; i < modules->len; i++)
    {
      GPtrArray *deleted = store_deleted (emulator, modules->pdata[i]);

      for (unsigned j = 0; j < deleted->len; j++)
        {
          Binned binned = { modules->pdata[i], deleted->pdata[j] };

          if (!binned.deleted->permanent && (only == 0 || binned.deleted->id == only))
            g_array_append_val (all, binned);
        }
    }
  g_array_sort (all, binned_compare);
  return all;
}

static json_t *
binned_json (Emulator *emulator, const Binned *binned)
{
  const Deleted *deleted = binned->deleted;
  char id[24];
  char when[32];

  format_time (deleted->when, when);
  return json_pack ("{s:s, s:s?, s:s, s:{s:s, s:s}, s:o?, s:o?}", "id", format_id (deleted->id, id), "display_name",
                    deleted->display_name, "deleted_time", when, "module", "api_name", binned->module->api_name, "id",
                    binned->module->id, "deleted_by", user_ref (emulator, deleted->deleted_by), "owner",
                    user_ref (emulator, deleted->deleted_by));
}

static int64_t
page_param (const Request *request, const char *name, int64_t otherwise, int64_t most)
{
  const char *text = request_query (request, name);
  int64_t value = text == NULL || *text == '\0' ? otherwise : g_ascii_strtoll (text, NULL, 10);

  return value < 1 || value > most ? -1 : value;
}

static void
refuse_id (Reply *reply)
{
  reply_error (reply, 400, "INVALID_DATA", "the id given seems to be invalid",
               json_pack ("{s:i}", "resource_path_index", 2));
}

void
handle_list_bin (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *text = request_segment (request, 2);
  int64_t page = page_param (request, "page", 1, 1000000);
  int64_t per_page = page_param (request, "per_page", MOST_ROWS, MOST_ROWS);
  g_autoptr (GArray) all = NULL;
  uint64_t id = 0;
  uint64_t first;
  json_t *rows;

  if (text != NULL && !parse_id (text, &id))
    {
      refuse_id (reply);
      return;
    }
  if (page < 0 || per_page < 0)
    {
      reply_error (reply, 400, "INVALID_DATA", "invalid data",
                   json_pack ("{s:s}", "param_name", page < 0 ? "page" : "per_page"));
      return;
    }
  all = bin_contents (emulator, id);
  first = (uint64_t) ((page - 1) * per_page);
  if (first >= all->len)
    {
      reply_empty (reply, 204);
      return;
    }
  rows = json_array ();
  for (uint64_t i = first; i < all->len && i < first + (uint64_t) per_page; i++)
    json_array_append_new (rows, binned_json (emulator, &g_array_index (all, Binned, i)));
  reply_json (reply, 200,
              json_pack ("{s:o, s:{s:I, s:i, s:I, s:b}}", "recycle_bin", rows, "info", "per_page",
                         (json_int_t) per_page, "count", (int) json_array_size (rows), "page", (json_int_t) page,
                         "more_records", all->len > first + (uint64_t) per_page));
}

static json_t *
purge_entry (Emulator *emulator, const char *text)
{
  g_autoptr (GArray) found = NULL;
  uint64_t id;

  if (parse_id (text, &id))
    found = bin_contents (emulator, id);
  if (found == NULL || found->len == 0)
    return entry_error ("CANNOT_DELETE", "record not found in the recycle bin", json_pack ("{s:s}", "id", text));
  store_purge (emulator, g_array_index (found, Binned, 0).module, id);
  return entry_success ("record deleted permanently", json_pack ("{s:s}", "id", text));
}

void
handle_purge (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *only = request_segment (request, 2);
  json_auto_t *ids = only != NULL ? json_pack ("[s]", only) : payload_ids (request, reply, MOST_IDS);
  json_t *entries;
  json_t *text;
  size_t index;

  if (ids == NULL)
    return;
  entries = json_array ();
  json_array_foreach (ids, index, text)
    json_array_append_new (entries, purge_entry (emulator, json_string_value (text)));
  reply_entries (reply, "recycle_bin", entries, 200);
}

void
handle_restore (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *text = request_segment (request, 2);
  g_autoptr (GArray) found = NULL;
  uint64_t id;

  if (parse_id (text, &id))
    found = bin_contents (emulator, id);
  if (found == NULL || found->len == 0)
    {
      refuse_id (reply);
      return;
    }
  store_restore (emulator, g_array_index (found, Binned, 0).module, id);
  reply_json (reply, 200,
              json_pack ("{s:[o]}", "recycle_bin",
                         entry_success ("record restored", json_pack ("{s:s}", "id", text))));
}
