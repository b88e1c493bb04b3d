/* Lists: parameters strictly checked, pages by number up to 2,000 rows and by token up to 100,000. A page number is an
 * offset into the list as it is now; a token goes on after the last row it gave, whatever was inserted or deleted. */
#include <string.h>

#include "finder.h"
#include "read.h"

enum
{
  MOST_PER_PAGE = 200,
  MOST_BY_PAGE = 2000,
  MOST_BY_TOKEN = 100000,
  MOST_IDS = 100,
  MOST_IDS_LENGTH = 1024,
  TOKEN_LIFE = 24 * 3600
};

static bool
refuse (Reply *reply, const char *code, json_t *details)
{
  const char *message = strcmp (code, "AMBIGUITY_DURING_PROCESSING") == 0 ? "ambiguity while processing the request"
                        : strcmp (code, "LIMIT_EXCEEDED") == 0            ? "limit exceeded"
                        : strcmp (code, "DISCRETE_PAGINATION_LIMIT_EXCEEDED") == 0
                            ? "more records cannot be had by page, use page_token"
                        : strcmp (code, "PAGINATION_LIMIT_EXCEEDED") == 0 ? "more records cannot be had by page_token"
                                                                          : "invalid data";

  reply_error (reply, 400, code, message, details);
  return false;
}

static bool
number_param (const Request *request, Reply *reply, const char *name, uint64_t most, unsigned *value)
{
  const char *text = request_query (request, name);
  guint64 number;

  if (text == NULL || *text == '\0')
    return true;
  if (!g_ascii_string_to_unsigned (text, 10, 1, most, &number, NULL))
    return refuse (reply, "INVALID_DATA",
                   json_pack ("{s:s, s:s, s:I}", "param_name", name, "expected_data_type", "integer", "maximum_length",
                              (json_int_t) most));
  *value = (unsigned) number;
  return true;
}

bool
page_params (const Request *request, Reply *reply, unsigned *page, unsigned *per_page)
{
  *page = 1;
  *per_page = MOST_PER_PAGE;
  return number_param (request, reply, "page", 1000000, page)
         && number_param (request, reply, "per_page", MOST_PER_PAGE, per_page);
}

bool
since_header (const Request *request, Reply *reply, bool *given, time_t *since)
{
  const char *text = request_header (request, "if-modified-since");

  *given = text != NULL && *text != '\0';
  if (!*given || parse_time (text, since))
    return true;
  return refuse (reply, "INVALID_DATA",
                 json_pack ("{s:s, s:s}", "param_name", "If-Modified-Since", "expected_data_type", "datetime"));
}

static bool
one_of (const Request *request, Reply *reply, const char *name, const char *const *values, const char **value)
{
  const char *text = request_query (request, name);

  if (text == NULL || *text == '\0')
    return true;
  if (!g_strv_contains (values, text))
    {
      json_t *supported = json_array ();

      for (unsigned i = 0; values[i] != NULL; i++)
        json_array_append_new (supported, json_string (values[i]));
      return refuse (reply, "INVALID_DATA",
                     json_pack ("{s:s, s:o}", "param_name", name, "supported_values", supported));
    }
  *value = text;
  return true;
}

static bool
order_params (ListCall *call, const Request *request, Reply *reply)
{
  static const char *const columns[] = { "id", "Created_Time", "Modified_Time", NULL };
  static const char *const orders[] = { "asc", "desc", NULL };
  static const char *const converted[] = { "true", "false", "both", NULL };
  const char *order = call->ascending ? "asc" : "desc";

  call->sort_by = "id";
  call->converted = "false";
  if (!one_of (request, reply, "sort_by", columns, &call->sort_by)
      || !one_of (request, reply, "sort_order", orders, &order)
      || !one_of (request, reply, "converted", converted, &call->converted))
    return false;
  call->ascending = strcmp (order, "asc") == 0;
  call->by_time = strcmp (call->sort_by, "Modified_Time") == 0;
  if (request_query (request, "cvid") != NULL && request_query (request, "sort_by") != NULL)
    return refuse (reply, "AMBIGUITY_DURING_PROCESSING",
                   json_pack ("{s:[{s:s}, {s:s}]}", "ambiguity_due_to", "param_name", "cvid", "param_name", "sort_by"));
  return true;
}

static bool
token_params (ListCall *call, Emulator *emulator, const Request *request, Reply *reply)
{
  const char *token = request_query (request, "page_token");

  if (token == NULL || *token == '\0')
    {
      if ((uint64_t) call->page * call->per_page <= MOST_BY_PAGE)
        return true;
      return refuse (reply, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", json_pack ("{s:i}", "limit", MOST_BY_PAGE));
    }
  if (request_query (request, "page") != NULL && !setting_on (emulator, "page_with_token"))
    return refuse (
        reply, "AMBIGUITY_DURING_PROCESSING",
        json_pack ("{s:[{s:s}, {s:s}]}", "ambiguity_due_to", "param_name", "page", "param_name", "page_token"));
  if (!page_token_read (emulator, request, reply, &call->token))
    return false;
  call->has_token = true;
  call->page = (unsigned) (call->token.count / call->per_page) + 1;
  if (call->token.count < (uint64_t) setting_int (emulator, "token_rows", MOST_BY_TOKEN))
    return true;
  return refuse (reply, "PAGINATION_LIMIT_EXCEEDED", json_pack ("{s:i}", "limit", MOST_BY_TOKEN));
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  uint64_t left = *(const uint64_t *) a;
  uint64_t right = *(const uint64_t *) b;

  return left < right ? -1 : left > right;
}

/* With X-EXTERNAL the texts are values of that field. */
static bool
ids_param (ListCall *call, Emulator *emulator, const Request *request, Reply *reply)
{
  const char *text = request_query (request, "ids");
  unsigned most = (unsigned) setting_int (emulator, "ids_max", MOST_IDS);
  g_auto (GStrv) parts = NULL;

  if (text == NULL || *text == '\0')
    return true;
  parts = g_strsplit (text, ",", -1);
  if (g_strv_length (parts) > most)
    return refuse (reply, "LIMIT_EXCEEDED", json_pack ("{s:i, s:s}", "limit", (int) most, "param_name", "ids"));
  if (strlen (text) > MOST_IDS_LENGTH)
    return refuse (reply, "INVALID_DATA",
                   json_pack ("{s:i, s:s}", "maximum_length", MOST_IDS_LENGTH, "param_name", "ids"));
  call->ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  for (char **part = parts; *part != NULL; part++)
    {
      uint64_t id;

      if (request->external)
        id = request_record (emulator, request, call->module, *part);
      else if (!parse_id (g_strstrip (*part), &id))
        return refuse (reply, "UNABLE_TO_PARSE_DATA_TYPE",
                       json_pack ("{s:s, s:s}", "param_name", "ids", "expected_data_type", "bigint"));
      g_array_append_val (call->ids, id);
    }
  g_array_sort (call->ids, compare_ids);
  return true;
}

bool
list_init (ListCall *call, Emulator *emulator, const Request *request, Reply *reply, const Module *module,
           bool ascending)
{
  *call = (ListCall){ .module = module, .ascending = ascending };
  return columns_parse (emulator, request, reply, module, true, &call->columns)
         && page_params (request, reply, &call->page, &call->per_page) && order_params (call, request, reply)
         && since_header (request, reply, &call->bounded, &call->since) && token_params (call, emulator, request, reply)
         && ids_param (call, emulator, request, reply);
}

void
list_clear (ListCall *call)
{
  columns_clear (&call->columns);
  g_clear_pointer (&call->ids, g_array_unref);
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */

static bool
contains (const GArray *ids, uint64_t id)
{
  return ids == NULL || g_array_binary_search ((GArray *) ids, &id, compare_ids, NULL);
}

/* Everything that is not about order. */
static bool
is_listed (const ListCall *call, Emulator *emulator, uint64_t id, RowTest test, const void *data)
{
  bool converted = store_converted (call->module, id);

  if (!contains (call->ids, id) || store_hidden (call->module, id))
    return false;
  if (strcmp (call->converted, "both") != 0 && converted != (strcmp (call->converted, "true") == 0))
    return false;
  return test == NULL || test (emulator, call->module, id, data);
}

/* Rows in order: of the whole module, by id alone; of the whole module with a Walk; or of given ids. */
typedef struct
{
  const ListCall *call;
  Emulator *emulator;
  bool plain;
  uint64_t last; /* plain: the id given last */
  Walk walk;
  GArray *points; /* given ids, in order; NULL: none given */
  unsigned next;
} Rows;

static int
compare_points (gconstpointer a, gconstpointer b)
{
  const WalkPoint *left = a;
  const WalkPoint *right = b;

  if (left->time != right->time)
    return left->time < right->time ? -1 : 1;
  return left->id < right->id ? -1 : left->id > right->id;
}

static bool
is_after (const ListCall *call, const WalkPoint *point)
{
  int order = compare_points (point, &call->token.last);

  return !call->has_token || (call->ascending ? order > 0 : order < 0);
}

static void
sort_points (Rows *rows, const GArray *ids)
{
  const ListCall *call = rows->call;

  rows->points = g_array_new (FALSE, FALSE, sizeof (WalkPoint));
  for (unsigned i = 0; i < ids->len; i++)
    {
      uint64_t id = g_array_index (ids, uint64_t, i);
      time_t modified = store_modified (rows->emulator, call->module, id);
      WalkPoint point = { call->by_time ? modified : 0, id };

      if (store_exists (rows->emulator, call->module, id) && (!call->bounded || modified > call->since)
          && is_after (call, &point))
        g_array_append_val (rows->points, point);
    }
  g_array_sort (rows->points, compare_points);
}

static void
rows_init (Rows *rows, const ListCall *call, Emulator *emulator, const GArray *among)
{
  *rows = (Rows){ .call = call, .emulator = emulator };
  if (among != NULL || call->ids != NULL)
    {
      sort_points (rows, among != NULL ? among : call->ids);
      return;
    }
  rows->plain = !call->by_time && !call->bounded;
  rows->last = !call->has_token ? (call->ascending ? 0 : UINT64_MAX) : call->token.last.id;
  if (!rows->plain)
    walk_init (&rows->walk, emulator, call->module, call->by_time, call->ascending, call->bounded ? &call->since : NULL,
               call->has_token ? &call->token.last : NULL);
}

static bool
rows_next (Rows *rows, WalkPoint *point)
{
  const ListCall *call = rows->call;

  if (rows->points != NULL)
    {
      if (rows->next >= rows->points->len)
        return false;
      *point
          = g_array_index (rows->points, WalkPoint, call->ascending ? rows->next : rows->points->len - 1 - rows->next);
      rows->next++;
      return true;
    }
  if (!rows->plain)
    return walk_next (&rows->walk, point);
  point->time = 0;
  point->id = call->ascending ? store_next (rows->emulator, call->module, rows->last)
                              : store_prev (rows->emulator, call->module, rows->last);
  rows->last = point->id;
  return point->id != 0;
}

static void
rows_clear (Rows *rows)
{
  g_clear_pointer (&rows->points, g_array_unref);
  walk_clear (&rows->walk);
}

static void
write_text_or_null (GString *out, const char *key, const char *text)
{
  g_string_append_printf (out, ",\"%s\":", key);
  if (text == NULL)
    g_string_append (out, "null");
  else
    json_write_text (out, text, -1);
}

static void
write_info (const ListCall *call, Emulator *emulator, const Request *request, GString *out, uint64_t count, bool more,
            WalkPoint last)
{
  uint64_t before = call->has_token ? call->token.count : (uint64_t) (call->page - 1) * call->per_page;
  PageToken token = { last, before + count };
  g_autofree char *next = more ? page_token_new (emulator, request, &token) : NULL;
  char expiry[32];

  format_time (emulator_now (emulator) + TOKEN_LIFE, expiry);
  g_string_append_printf (out, "],\"info\":{\"per_page\":%u,\"count\":%" G_GUINT64_FORMAT ",\"page\":%u",
                          call->per_page, count, call->page);
  g_string_append_printf (out, ",\"sort_by\":\"%s\",\"sort_order\":\"%s\",\"more_records\":%s", call->sort_by,
                          call->ascending ? "asc" : "desc", more ? "true" : "false");
  write_text_or_null (out, "next_page_token", next);
  write_text_or_null (out, "previous_page_token", NULL);
  write_text_or_null (out, "page_token_expiry", more ? expiry : NULL);
  g_string_append (out, ",\"call\":false,\"email\":false}}");
}

/* A row without its closing brace gets what @extra adds. */
static void
write_row (const ListCall *call, Emulator *emulator, uint64_t id, RowExtra extra, const void *data, GString *out)
{
  row_write (emulator, call->module, id, &call->columns, false, out);
  if (extra == NULL)
    return;
  g_string_truncate (out, out->len - 1);
  extra (emulator, call->module, id, data, out);
  g_string_append_c (out, '}');
}

/* Nothing to show: 304 when nothing at all is new, else 204. */
static void
answer_empty (const ListCall *call, Reply *reply, uint64_t seen)
{
  reply_empty (reply, call->bounded && seen == 0 && !call->has_token ? 304 : 204);
}

void
list_answer (const ListCall *call, Emulator *emulator, const Request *request, Reply *reply, const GArray *among,
             RowTest test, RowExtra extra, const void *data)
{
  uint64_t skip = call->has_token ? 0 : (uint64_t) (call->page - 1) * call->per_page;
  GString *out = g_string_sized_new (64 * 1024);
  uint64_t seen = 0, count = 0;
  WalkPoint point, last = { 0 };
  bool more = false;
  Rows rows;

  g_string_append (out, "{\"data\":[");
  rows_init (&rows, call, emulator, among);
  while (!more && rows_next (&rows, &point))
    {
      if (!is_listed (call, emulator, point.id, test, data) || seen++ < skip)
        continue;
      more = count == call->per_page;
      if (more)
        break;
      if (count++ > 0)
        g_string_append_c (out, ',');
      write_row (call, emulator, point.id, extra, data, out);
      last = point;
    }
  rows_clear (&rows);
  if (count == 0)
    {
      g_string_free (out, TRUE);
      answer_empty (call, reply, seen);
      return;
    }
  write_info (call, emulator, request, out, count, more, last);
  reply_bytes (reply, 200, NULL, NULL, g_string_free_to_bytes (out));
}
