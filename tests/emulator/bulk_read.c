/* Bulk read: a module's records as CSV (or its events as ICS) in a ZIP, 200,000 rows a page.
 *
 * Without a sort order of its own an export goes by id. A page token names the id that the next page starts after. */
#include "bulk.h"

#include <string.h>

#include "archive.h"
#include "csv.h"
#include "path.h"
#include "payload.h"

enum
{
  ROWS_PER_PAGE = 200000,
  ICS_ROWS_PER_PAGE = 20000,
  LAST_PAGE = 500,
  CREDITS = 50, /* when the knob bulk_credits is on; the guide has bulk jobs free */
  TOKEN_LIFE_S = 24 * 60 * 60
};

/* What a job exports. */
typedef struct
{
  const Module *module;
  GPtrArray *columns; /* Path */
  BulkCriteria *criteria;
  const char *owner;  /* of the records, by a view; NULL: anybody */
  bool ics;
  int64_t page;
  int64_t per_page;
  uint64_t after;     /* from a page token */
} Export;

static void
export_clear (Export *export)
{
  g_clear_pointer (&export->columns, g_ptr_array_unref);
  bulk_criteria_free (export->criteria);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Export, export_clear)

static bool
refuse_read (Reply *reply, const char *code, const char *message, json_t *details)
{
  reply_error (reply, 400, code, message, details);
  return false;
}

static bool
take_module (Emulator *emulator, const json_t *query, Export *export, Reply *reply)
{
  static const char *const without[] = { "Notes", "Attachments", "Emails", NULL };
  const char *name = member_text (json_object_get (query, "module"), "api_name");

  if (name == NULL)
    return refuse_read (reply, "INVALID_REQUEST", "The module is missing", NULL);
  if (g_strv_contains (without, name))
    return refuse_read (reply, "MODULE_NOT_SUPPORTED", "The module is not supported", NULL);
  export->module = schema_module (emulator, name);
  if (export->module != NULL && export->module->api_supported && export->module->viewable)
    return true;
  return refuse_read (reply, "MODULE_NOT_AVAILABLE", "The module is not available",
                      json_pack ("{s:s}", "module", name));
}

/* Rows inside a record, files and the like have no place in a cell. */
static bool
fits_a_cell (const Path *path)
{
  return path != NULL && path->kind != KIND_ROWS;
}

static bool
add_column (Emulator *emulator, Export *export, const char *name)
{
  g_autofree char *bad_module = NULL;
  g_autoptr (Path) path = path_new (emulator, export->module, name, &bad_module);

  if (!fits_a_cell (path))
    return false;
  g_ptr_array_add (export->columns, g_steal_pointer (&path));
  return true;
}

static bool
take_fields (Emulator *emulator, const json_t *query, Export *export, Reply *reply)
{
  const json_t *fields = json_object_get (query, "fields");
  bool has_id = false;
  json_t *each;
  size_t index;

  export->columns = g_ptr_array_new_with_free_func ((GDestroyNotify) path_free);
  if (fields != NULL && export->ics)
    return refuse_read (reply, "FIELD_NOT_SUPPORTED", "Fields are not supported for ICS", NULL);
  if (fields != NULL && !json_is_null (fields) && !json_is_array (fields))
    return refuse_read (reply, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "api_name", "fields"));
  json_array_foreach (fields, index, each)
    {
      const char *name = json_string_value (each);

      if (name == NULL || !add_column (emulator, export, name))
        return refuse_read (reply, "FIELD_NOT_SUPPORTED", "The field is not supported",
                            json_pack ("{s:s?}", "api_name", name));
      has_id = has_id || strcmp (name, "id") == 0;
    }
  for (unsigned i = 0; json_array_size (fields) == 0 && i < export->module->fields->len; i++)
    {
      const Field *field = export->module->fields->pdata[i];

      if (field->visible && strcmp (field->api_name, "id") != 0)
        add_column (emulator, export, field->api_name);
    }
  if (!has_id)
    add_column (emulator, export, "id");
  return true;
}

static bool
take_criteria (Emulator *emulator, const json_t *query, Export *export, Reply *reply)
{
  const json_t *criteria = json_object_get (query, "criteria");

  if (criteria == NULL || json_is_null (criteria))
    return true;
  export->criteria = bulk_criteria_new (emulator, export->module, criteria, reply);
  return export->criteria != NULL;
}

/* The token: whose it is, until when, what it exports, and after which id. */
static char *
make_token (Emulator *emulator, const Request *request, const json_t *query, uint64_t after)
{
  json_auto_t *bound = json_copy ((json_t *) query);
  g_autofree char *text = NULL;
  g_autofree char *sum = NULL;
  g_autofree char *plain = NULL;

  json_object_del (bound, "page");
  json_object_del (bound, "page_token");
  text = json_dumps (bound, JSON_SORT_KEYS | JSON_COMPACT);
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  plain = g_strdup_printf ("%s %" G_GINT64_FORMAT " %s %" G_GUINT64_FORMAT, request->user_id,
                           (gint64) emulator_now (emulator) + TOKEN_LIFE_S, sum, after);
  return g_base64_encode ((const guchar *) plain, strlen (plain));
}

static bool
take_token (Emulator *emulator, const Request *request, const json_t *query, const char *token, Export *export,
            Reply *reply)
{
  gsize size;
  g_autofree guchar *bytes = g_base64_decode (token, &size);
  g_autofree char *plain = g_strndup ((const char *) bytes, size);
  g_auto (GStrv) words = g_strsplit (plain, " ", 5);
  g_autofree char *again = NULL;
  g_autofree guchar *wanted_bytes = NULL;
  g_autofree char *wanted = NULL;
  g_auto (GStrv) wanted_words = NULL;

  if (g_strv_length (words) != 4 || !parse_id (words[3], &export->after) || strcmp (words[0], request->user_id) != 0)
    return refuse_read (reply, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "api_name", "page_token"));
  if (g_ascii_strtoll (words[1], NULL, 10) < emulator_now (emulator))
    return refuse_read (reply, "EXPIRED_VALUE", "The page token is expired",
                        json_pack ("{s:s}", "api_name", "page_token"));
  again = make_token (emulator, request, query, export->after);
  wanted_bytes = g_base64_decode (again, &size);
  wanted = g_strndup ((const char *) wanted_bytes, size);
  wanted_words = g_strsplit (wanted, " ", 5);
  if (strcmp (words[2], wanted_words[2]) == 0)
    return true;
  return refuse_read (reply, "TOKEN_BOUND_DATA_MISMATCH", "The query differs from that of the page token",
                      json_pack ("{s:s}", "api_name", "page_token"));
}

static bool
take_page (Emulator *emulator, const Request *request, const json_t *query, Export *export, Reply *reply)
{
  const json_t *page = json_object_get (query, "page");
  const json_t *token = json_object_get (query, "page_token");

  export->per_page = setting_int (emulator, "bulk_page_rows", export->ics ? ICS_ROWS_PER_PAGE : ROWS_PER_PAGE);
  export->page = 1;
  if (page != NULL && !json_is_null (page))
    {
      export->page = json_is_integer (page) ? json_integer_value (page) : 0;
      if (export->page < 1 || export->page > LAST_PAGE)
        return refuse_read (reply, "PAGE_RANGE_EXCEEDED", "The page range is exceeded",
                            json_pack ("{s:i}", "max_limit", LAST_PAGE));
    }
  if (token == NULL || json_is_null (token))
    return true;
  if (page != NULL)
    return refuse_read (reply, "AMBIGUITY_DURING_PROCESSING", "page and page_token exclude each other", NULL);
  if (!json_is_string (token))
    return refuse_read (reply, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "api_name", "page_token"));
  return take_token (emulator, request, query, json_string_value (token), export, reply);
}

/* A view is the module's id and a digit: 0 for all records, 1 for the caller's own. */
static bool
take_view (const Request *request, const json_t *query, Export *export, Reply *reply)
{
  const json_t *view = json_object_get (query, "cvid");
  const char *text = json_string_value (view);
  size_t length = strlen (export->module->id);

  if (view == NULL || json_is_null (view))
    return true;
  if (text == NULL || strlen (text) != length + 1 || strncmp (text, export->module->id, length) != 0
      || (text[length] != '0' && text[length] != '1'))
    return refuse_read (reply, "CVID_NOT_SUPPORTED", "The custom view is not supported", NULL);
  export->owner = text[length] == '1' ? request->user_id : NULL;
  return true;
}

static bool
take_query (Emulator *emulator, const Request *request, const json_t *body, Export *export, Reply *reply)
{
  static const char *const known[] = { "module", "fields", "criteria", "cvid", "page", "page_token", NULL };
  const json_t *query = json_object_get (body, "query");
  const char *type = member_text (body, "file_type");
  const char *key;
  json_t *value;

  if (!json_is_object (query))
    return refuse_read (reply, "INVALID_REQUEST", "The query is missing", NULL);
  json_object_foreach ((json_t *) query, key, value)
    {
      if (!g_strv_contains (known, key))
        return refuse_read (reply, "QUERY_NOT_SUPPORTED", "The query has keys that are not supported", NULL);
    }
  if (!take_module (emulator, query, export, reply))
    return false;
  export->ics = type != NULL && strcmp (type, "ics") == 0;
  if (json_object_get (body, "file_type") != NULL && (type == NULL || (!export->ics && strcmp (type, "csv") != 0)))
    return refuse_read (reply, "INVALID_DATA", "invalid data",
                        json_pack ("{s:s, s:[s, s]}", "api_name", "file_type", "supported_values", "csv", "ics"));
  if (export->ics && strcmp (export->module->api_name, "Events") != 0)
    return refuse_read (reply, "INVALID_DATA", "invalid data",
                        json_pack ("{s:s, s:[s]}", "api_name", "file_type", "supported_values", "csv"));
  return take_view (request, query, export, reply) && take_fields (emulator, query, export, reply)
         && take_criteria (emulator, query, export, reply)
         && take_page (emulator, request, query, export, reply);
}

/* A cell's text; new. Lookups give their ids, several values are joined by ";". */
static char *
cell_text (const json_t *value)
{
  g_autoptr (GString) joined = g_string_new (NULL);
  json_t *each;
  size_t index;

  if (value == NULL || json_is_null (value))
    return g_strdup ("");
  if (json_is_string (value))
    return g_strdup (exact_number (value) != NULL ? exact_number (value) : json_string_value (value));
  if (json_is_object (value))
    return cell_text (json_object_get (value, "id"));
  if (!json_is_array (value))
    json_write (joined, value);
  json_array_foreach (value, index, each)
    {
      g_autofree char *text = cell_text (json_is_object (each) && json_object_get (each, "name") != NULL
                                           ? json_object_get (each, "name") : each);

      g_string_append_printf (joined, "%s%s", index == 0 ? "" : ";", text);
    }
  return g_string_free (g_steal_pointer (&joined), FALSE);
}

static void
append_row (Emulator *emulator, const Export *export, const json_t *record, GString *out)
{
  for (unsigned i = 0; i < export->columns->len; i++)
    {
      json_auto_t *value = path_value (emulator, export->columns->pdata[i], record);
      g_autofree char *text = cell_text (value);

      if (i > 0)
        g_string_append_c (out, ',');
      csv_append (out, text);
    }
  g_string_append_c (out, '\n');
}

static void
append_header (const Export *export, GString *out)
{
  for (unsigned i = 0; i < export->columns->len; i++)
    {
      const Path *path = export->columns->pdata[i];

      if (i > 0)
        g_string_append_c (out, ',');
      csv_append (out, path->text);
    }
  g_string_append_c (out, '\n');
}

/* "20260302T100000Z" */
static void
append_ics_time (const char *name, const char *text, GString *out)
{
  time_t time;
  struct tm parts;
  char buffer[32];

  if (text == NULL || !parse_time (text, &time) || gmtime_r (&time, &parts) == NULL)
    return;
  strftime (buffer, sizeof buffer, "%Y%m%dT%H%M%SZ", &parts);
  g_string_append_printf (out, "%s:%s\r\n", name, buffer);
}

static void
append_event (const json_t *record, GString *out)
{
  const char *title = member_text (record, "Event_Title");

  g_string_append_printf (out, "BEGIN:VEVENT\r\nUID:%s\r\n", member_text (record, "id"));
  append_ics_time ("DTSTART", member_text (record, "Start_DateTime"), out);
  append_ics_time ("DTEND", member_text (record, "End_DateTime"), out);
  g_string_append (out, "SUMMARY:");
  for (const char *c = title == NULL ? "" : title; *c != '\0'; c++)
    {
      if (strchr (",;\\", *c) != NULL)
        g_string_append_c (out, '\\');
      if (*c == '\n')
        g_string_append (out, "\\n");
      else if (*c != '\r')
        g_string_append_c (out, *c);
    }
  g_string_append (out, "\r\nEND:VEVENT\r\n");
}

/* The keys of a record that the export looks at; NULL-terminated, the strings are the paths' own. */
static GPtrArray *
wanted_keys (const Export *export)
{
  GPtrArray *keys = g_ptr_array_new ();

  for (unsigned i = 0; i < export->columns->len; i++)
    g_ptr_array_add (keys, (char *) path_root (export->columns->pdata[i]));
  if (export->criteria != NULL)
    bulk_criteria_keys (export->criteria, keys);
  if (export->owner != NULL)
    g_ptr_array_add (keys, (char *) "Owner");
  g_ptr_array_add (keys, NULL);
  return keys;
}

static bool
is_exported (Emulator *emulator, const Export *export, const json_t *record)
{
  const char *owner = member_text (json_object_get (record, "Owner"), "id");

  if (record == NULL || (export->owner != NULL && g_strcmp0 (owner, export->owner) != 0))
    return false;
  return export->criteria == NULL || bulk_criteria_match (emulator, export->criteria, record);
}

/* Writes the page into @out. Returns: how many rows; *@last is the id of the last one, *@more: others follow. */
static int64_t
write_rows (Emulator *emulator, const Export *export, GString *out, uint64_t *last, bool *more)
{
  g_autoptr (GPtrArray) keys = wanted_keys (export);
  int64_t skipped = (export->page - 1) * export->per_page;
  int64_t count = 0;
  uint64_t id = export->after;

  if (export->criteria == NULL && export->owner == NULL && skipped > 0)
    {
      id = store_at (emulator, export->module, (uint64_t) skipped - 1, true);
      if (id == 0)
        return 0;
      skipped = 0;
    }
  while ((id = store_next (emulator, export->module, id)) != 0)
    {
      json_auto_t *record = store_get_fields (emulator, export->module, id, (char *const *) keys->pdata);

      if (!is_exported (emulator, export, record) || skipped-- > 0)
        continue;
      if (count == export->per_page)
        {
          *more = true;
          break;
        }
      if (export->ics)
        append_event (record, out);
      else
        append_row (emulator, export, record, out);
      *last = id;
      count++;
    }
  return count;
}

static void
run_export (Emulator *emulator, const Request *request, const json_t *query, Export *export, Job *job)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *name = g_strdup_printf ("%s.%s", job->id, export->ics ? "ics" : "csv");
  g_autofree char *url = g_strdup_printf ("/crm/bulk/v8/read/%s/result", job->id);
  g_autofree char *token = NULL;
  g_autoptr (GBytes) content = NULL;
  uint64_t last = 0;
  bool more = false;
  int64_t count;

  if (export->ics)
    g_string_append (out, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//zoho-emulator//EN\r\n");
  else
    append_header (export, out);
  count = write_rows (emulator, export, out, &last, &more);
  if (export->ics)
    g_string_append (out, "END:VCALENDAR\r\n");
  content = g_string_free_to_bytes (g_steal_pointer (&out));
  job->zip = archive_pack (name, content);
  if (more)
    token = make_token (emulator, request, query, last);
  job->result = json_pack ("{s:I, s:I, s:I, s:s, s:b, s:s?}", "page", (json_int_t) export->page, "per_page",
                           (json_int_t) export->per_page, "count", (json_int_t) count, "download_url", url,
                           "more_records", more, "next_page_token", token);
  if (!more)
    json_object_del (job->result, "next_page_token");
}

static json_t *
shown_query (const json_t *query, const Export *export)
{
  json_t *shown = json_pack ("{s:o, s:I}", "module", bulk_module_ref (export->module), "page",
                             (json_int_t) export->page);

  if (json_is_string (json_object_get (query, "cvid")))
    json_object_set (shown, "cvid", json_object_get (query, "cvid"));
  if (json_array_size (json_object_get (query, "fields")) > 0)
    json_object_set_new (shown, "fields", json_deep_copy (json_object_get (query, "fields")));
  if (export->criteria != NULL)
    json_object_set_new (shown, "criteria", bulk_criteria_json (export->criteria));
  return shown;
}

void
handle_bulk_read (Emulator *emulator, const Request *request, Reply *reply)
{
  static const char *const known[] = { "callback", "query", "file_type", NULL };
  const json_t *body = bulk_body (request, reply, known);
  const json_t *query = json_object_get (body, "query");
  g_auto (Export) export = { 0 };
  Job *job;
  char time[32];
  json_t *details;

  if (body == NULL || !take_query (emulator, request, body, &export, reply))
    return;
  job = job_new (emulator, request, false);
  if (!bulk_take_callback (body, job, reply))
    {
      job_free (job);
      return;
    }
  if (setting_on (emulator, "bulk_credits"))
    reply->credits = CREDITS;
  run_export (emulator, request, query, &export, job);
  job->shown = json_pack ("{s:s, s:o, s:s}", "operation", "read", "query", shown_query (query, &export), "file_type",
                          export.ics ? "ics" : "csv");
  format_time (job->created, time);
  details = json_pack ("{s:s, s:s, s:s, s:o, s:s}", "id", job->id, "operation", "read", "state", "ADDED",
                       "created_by", user_ref (emulator, request->user_id), "created_time", time);
  bulk_add (emulator, job);
  reply_json (reply, 201,
              json_pack ("{s:[{s:s, s:s, s:s, s:o}], s:{}}", "data", "status", "success", "code",
                         "ADDED_SUCCESSFULLY", "message", "Added successfully.", "details", details, "info"));
}
