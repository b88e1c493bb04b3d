/* Bulk write: the rows of an uploaded CSV become records, and a CSV says what came of each. */
#include "bulk.h"

#include <string.h>

#include "archive.h"
#include "bulk_cell.h"
#include "csv.h"
#include "finder.h"
#include "payload.h"
#include "save.h"

enum
{
  MOST_RESOURCES = 5,
  MOST_ROWS = 25000,
  MOST_COLUMNS = 200,
  MOST_CSV_BYTES = 100 * 1024 * 1024,
  SHOWN_COLUMNS = 3, /* of the input, in the result */
  CREDITS = 500      /* when the knob bulk_credits is on; the guide has bulk jobs free */
};

typedef enum
{
  OPERATION_INSERT,
  OPERATION_UPDATE,
  OPERATION_UPSERT
} Operation;

static const char *const operations[] = { "insert", "update", "upsert" };

typedef struct
{
  const Field *field;  /* NULL: the id */
  const char *api_name;
  int64_t index;       /* column; -1: none, only a default */
  const char *format;
  const char *find_by;
  const char *otherwise;
} Mapping;

/* One resource of the job, and what became of it. */
typedef struct
{
  Emulator *emulator;
  Operation operation;
  Module *module;
  GArray *mappings;   /* Mapping; texts are the request's, the header row's or the schema's */
  GPtrArray *rows;    /* GStrv, the header first */
  const char *file_name;
  const char *find_by;
  bool ignore_empty;
  unsigned added, updated, skipped;
  GString *report;
} Resource;

static void
resource_clear (Resource *resource)
{
  g_clear_pointer (&resource->mappings, g_array_unref);
  g_clear_pointer (&resource->rows, g_ptr_array_unref);
}

static bool
refuse_write (Reply *reply, const char *code, const char *message, json_t *details)
{
  reply_error (reply, 400, code, message, details);
  return false;
}

static bool
refuse_missing (Reply *reply, const char *key)
{
  g_autofree char *message = g_strdup_printf ("Required key %s is not available", key);

  return refuse_write (reply, "MANDATORY_NOT_FOUND", message, json_pack ("{s:s}", "api_name", key));
}

/* ---- the request ---- */

static bool
take_rows (Resource *resource, const json_t *json, Reply *reply)
{
  const char *file_id = member_text (json, "file_id");
  const json_t *names = json_object_get (json, "file_names");
  g_autoptr (GBytes) content = NULL;
  GBytes *zip;
  const char *text;
  size_t size;

  if (file_id == NULL)
    return refuse_missing (reply, "file_id");
  if (json_array_size (names) > 1)
    return refuse_write (reply, "FILE_NOT_SUPPORTED", "One file per resource is supported", NULL);
  resource->file_name = json_string_value (json_array_get (names, 0));
  zip = bulk_uploaded (file_id);
  content = zip == NULL ? NULL : archive_unpack (zip, resource->file_name, MOST_CSV_BYTES);
  if (content == NULL)
    return refuse_write (reply, "FILE_NOT_FOUND", "The file is not found", NULL);
  if (resource->file_name == NULL)
    resource->file_name = "data.csv";
  text = g_bytes_get_data (content, &size);
  resource->rows = csv_parse (text == NULL ? "" : text, size, csv_guess_delimiter (text == NULL ? "" : text, size),
                              MOST_ROWS + 1, MOST_COLUMNS);
  if (resource->rows != NULL && resource->rows->len > 0)
    return true;
  return refuse_write (reply, "FILE_NOT_SUPPORTED", "The file is no CSV of at most 25000 rows and 200 columns", NULL);
}

static bool
is_writable (const Field *field)
{
  static const char *const without[] = { "formula",  "rollup_summary",    "autonumber",     "subform", "fileupload",
                                         "imageupload", "multiselectlookup", "multiuserlookup", NULL };

  return !field->computed && !g_strv_contains (without, field->data_type);
}

static bool
take_mapping (Resource *resource, const json_t *json, Reply *reply)
{
  const char *name = member_text (json, "api_name");
  const json_t *index = json_object_get (json, "index");
  Mapping mapping = {
    .field = name == NULL ? NULL : module_field (resource->module, name),
    .api_name = name,
    .index = json_is_integer (index) ? json_integer_value (index) : -1,
    .format = member_text (json, "format"),
    .find_by = member_text (json, "find_by"),
    .otherwise = member_text (json_object_get (json, "default_value"), "value"),
  };

  if (name == NULL)
    return refuse_missing (reply, "api_name");
  if (strcmp (name, "id") == 0)
    mapping.field = NULL;
  else if (mapping.field == NULL || !is_writable (mapping.field))
    return refuse_write (reply, "INVALID_DATA", "the field api name given seems to be invalid",
                         json_pack ("{s:s}", "api_name", name));
  if (mapping.index >= MOST_COLUMNS || (mapping.index < 0 && mapping.otherwise == NULL))
    return refuse_write (reply, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "api_name", "index"));
  g_array_append_val (resource->mappings, mapping);
  return true;
}

/* Without mappings the header row has the API names; other columns are left out. */
static void
map_by_header (Resource *resource)
{
  char **header = resource->rows->pdata[0];

  for (int64_t i = 0; header[i] != NULL; i++)
    {
      const Field *field = module_field (resource->module, header[i]);
      Mapping mapping = { .field = field, .api_name = header[i], .index = i };

      if (strcmp (header[i], "id") == 0)
        mapping.field = NULL;
      else if (field == NULL || !is_writable (field))
        continue;
      g_array_append_val (resource->mappings, mapping);
    }
}

static const Mapping *
mapping_of (const Resource *resource, const char *api_name)
{
  for (unsigned i = 0; i < resource->mappings->len; i++)
    {
      const Mapping *mapping = &g_array_index (resource->mappings, Mapping, i);

      if (strcmp (mapping->api_name, api_name) == 0)
        return mapping;
    }
  return NULL;
}

static bool
take_mappings (Resource *resource, const json_t *json, Reply *reply)
{
  const json_t *mappings = json_object_get (json, "field_mappings");
  json_t *each;
  size_t index;

  resource->mappings = g_array_new (FALSE, TRUE, sizeof (Mapping));
  if (json_array_size (mappings) > MOST_COLUMNS)
    return refuse_write (reply, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "api_name", "field_mappings"));
  json_array_foreach (mappings, index, each)
    {
      if (!take_mapping (resource, each, reply))
        return false;
    }
  if (resource->mappings->len == 0)
    map_by_header (resource);
  for (unsigned i = 0; resource->operation != OPERATION_UPDATE && i < resource->module->fields->len; i++)
    {
      const Field *field = resource->module->fields->pdata[i];

      if (field->mandatory && is_writable (field) && mapping_of (resource, field->api_name) == NULL)
        return refuse_write (reply, "MANDATORY_FIELDS_NOT_MAPPED", "A mandatory field is not mapped",
                             json_pack ("{s:s}", "api_name", field->api_name));
    }
  return true;
}

static bool
take_find_by (Resource *resource, const json_t *json, Reply *reply)
{
  resource->find_by = member_text (json, "find_by");
  if (resource->find_by == NULL)
    return resource->operation == OPERATION_INSERT || refuse_missing (reply, "find_by");
  if (mapping_of (resource, resource->find_by) != NULL)
    return true;
  return refuse_write (reply, "INVALID_DATA", "find_by names no mapped field",
                       json_pack ("{s:s}", "api_name", "find_by"));
}

static bool
take_module (Resource *resource, const json_t *json, Reply *reply)
{
  static const char *const without[] = { "Notes", "Attachments", "Events", "Calls", NULL };
  const char *name = member_text (json_object_get (json, "module"), "api_name");

  if (name == NULL)
    return refuse_missing (reply, "module");
  resource->module = g_strv_contains (without, name) ? NULL : schema_module (resource->emulator, name);
  if (resource->module != NULL && resource->module->api_supported && resource->module->creatable
      && (strcmp (resource->module->generated_type, "default") == 0
          || strcmp (resource->module->generated_type, "custom") == 0))
    return true;
  return refuse_write (reply, "MODULE_NOT_AVAILABLE", "The module is not available", NULL);
}

/* ---- the rows ---- */

/* A cell's text, "" where the row is too short for it. */
static const char *
cell (char **row, int64_t index)
{
  for (int64_t i = 0; index >= 0 && row[i] != NULL; i++)
    {
      if (i == index)
        return row[i];
    }
  return "";
}

static const char *
mapped_text (const Mapping *mapping, char **row)
{
  const char *text = cell (row, mapping->index);

  return *text == '\0' && mapping->otherwise != NULL ? mapping->otherwise : text;
}

static void
add_problem (GString *problems, const char *code, const char *column)
{
  g_string_append_printf (problems, "%s%s-%s", problems->len > 0 ? ":" : "", code, column == NULL ? "" : column);
}

/* The row as a record write takes it; new. Cells that do not fit are named in @problems. */
static json_t *
row_values (const Resource *resource, char **row, GString *problems)
{
  json_t *values = json_object ();

  for (unsigned i = 0; i < resource->mappings->len; i++)
    {
      const Mapping *mapping = &g_array_index (resource->mappings, Mapping, i);
      const char *text = mapped_text (mapping, row);
      json_t *value;

      if (mapping->field == NULL || (resource->ignore_empty && *text == '\0'))
        continue;
      value = bulk_cell_value (resource->emulator, mapping->field, text, mapping->format, mapping->find_by);
      if (value == NULL)
        add_problem (problems, "INVALID_DATA", mapping->api_name);
      else
        json_object_set_new (values, mapping->api_name, value);
    }
  return values;
}

/* The record that find_by means for this row; 0: none. */
static uint64_t
find_record (const Resource *resource, char **row)
{
  const Mapping *mapping = resource->find_by == NULL ? NULL : mapping_of (resource, resource->find_by);
  const char *text = mapping == NULL ? "" : mapped_text (mapping, row);
  uint64_t id;

  if (*text == '\0')
    return 0;
  if (mapping->field != NULL)
    return find_value (resource->emulator, resource->module, mapping->field, text, 0);
  return parse_id (text, &id) && store_exists (resource->emulator, resource->module, id) ? id : 0;
}

/* What an entry of the record API says went wrong. */
static void
add_entry_problems (const json_t *entry, GString *problems)
{
  const json_t *details = json_object_get (entry, "details");
  const json_t *errors = json_object_get (details, "errors");
  json_t *each;
  size_t index;

  json_array_foreach (errors, index, each)
    add_problem (problems, member_text (each, "code"), member_text (json_object_get (each, "details"), "api_name"));
  if (!json_is_array (errors))
    add_problem (problems, member_text (entry, "code"), member_text (details, "api_name"));
}

static void
report_row (const Resource *resource, char **row, const char *status, uint64_t id, const char *problems)
{
  char digits[24];

  for (unsigned i = 0; i < resource->mappings->len && i < SHOWN_COLUMNS; i++)
    {
      csv_append (resource->report, mapped_text (&g_array_index (resource->mappings, Mapping, i), row));
      g_string_append_c (resource->report, ',');
    }
  g_string_append_printf (resource->report, "%s,%s,", status, id == 0 ? "" : format_id (id, digits));
  csv_append (resource->report, problems);
  g_string_append_c (resource->report, '\n');
}

static void
write_row (Resource *resource, const Save *save, char **row)
{
  g_autoptr (GString) problems = g_string_new (NULL);
  json_auto_t *values = row_values (resource, row, problems);
  uint64_t id = find_record (resource, row);
  bool inserts = resource->operation == OPERATION_INSERT || (resource->operation == OPERATION_UPSERT && id == 0);
  json_auto_t *entry = NULL;

  if (inserts && id != 0)
    add_problem (problems, "DUPLICATE_DATA", resource->find_by);
  else if (!inserts && id == 0)
    add_problem (problems, "INVALID_DATA", resource->find_by);
  if (problems->len == 0)
    {
      entry = inserts ? save_insert (save, values, "$", &id) : save_update (save, id, values, "$");
      if (!is_success (entry))
        add_entry_problems (entry, problems);
    }
  if (problems->len > 0)
    resource->skipped++;
  else if (inserts)
    resource->added++;
  else
    resource->updated++;
  report_row (resource, row, problems->len > 0 ? "skipped" : inserts ? "added" : "updated", id, problems->str);
}

static void
write_rows (Resource *resource, const Save *save)
{
  for (unsigned i = 0; i < resource->mappings->len && i < SHOWN_COLUMNS; i++)
    {
      csv_append (resource->report, g_array_index (resource->mappings, Mapping, i).api_name);
      g_string_append_c (resource->report, ',');
    }
  g_string_append (resource->report, "STATUS,RECORD_ID,ERRORS\n");
  for (unsigned i = 1; i < resource->rows->len; i++)
    write_row (resource, save, resource->rows->pdata[i]);
}

/* What the job's state shows of the resource, new. */
static json_t *
shown_resource (const Resource *resource)
{
  json_t *mappings = json_array ();

  for (unsigned i = 0; i < resource->mappings->len; i++)
    {
      const Mapping *mapping = &g_array_index (resource->mappings, Mapping, i);
      json_t *shown = json_pack ("{s:s, s:I, s:s?, s:s?}", "api_name", mapping->api_name, "index",
                                 (json_int_t) mapping->index, "format", mapping->format, "find_by", mapping->find_by);

      if (mapping->otherwise != NULL)
        json_object_set_new (shown, "default_value", json_pack ("{s:s}", "value", mapping->otherwise));
      json_array_append_new (mappings, shown);
    }
  return json_pack ("{s:s, s:s, s:o, s:b, s:o, s:{s:s, s:s, s:i, s:i, s:i, s:i}}", "status", "COMPLETED", "type",
                    "data", "module", bulk_module_ref (resource->module), "ignore_empty", resource->ignore_empty,
                    "field_mappings", mappings, "file", "status", "COMPLETED", "name", resource->file_name,
                    "added_count", (int) resource->added, "updated_count", (int) resource->updated, "skipped_count",
                    (int) resource->skipped, "total_count", (int) (resource->rows->len - 1));
}

static bool
take_resource (Resource *resource, const json_t *json, Reply *reply)
{
  static const char *const known[] = { "type",         "module",  "file_id",        "file_names",
                                       "ignore_empty", "find_by", "field_mappings", NULL };
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) json, key, value)
    {
      if (!g_strv_contains (known, key))
        return refuse_write (reply, "REQUEST_BODY_NOT_SUPPORTED", "A resource has keys that are not supported",
                             NULL);
    }
  if (json_object_get (json, "ignore_empty") != NULL)
    resource->ignore_empty = json_is_true (json_object_get (json, "ignore_empty"));
  return take_module (resource, json, reply) && take_rows (resource, json, reply)
         && take_mappings (resource, json, reply) && take_find_by (resource, json, reply);
}

/* Checks every resource before the first one is written. false: refused. */
static bool
take_resources (Emulator *emulator, const json_t *body, Resource *resources, size_t *count, Reply *reply)
{
  const json_t *list = json_object_get (body, "resource");
  const char *operation = member_text (body, "operation");
  size_t which = 0;

  if (operation == NULL)
    return refuse_missing (reply, "operation");
  while (which < G_N_ELEMENTS (operations) && strcmp (operations[which], operation) != 0)
    which++;
  if (which == G_N_ELEMENTS (operations))
    return refuse_write (reply, "INVALID_DATA", "invalid data",
                         json_pack ("{s:s, s:[s, s, s]}", "api_name", "operation", "supported_values", "insert",
                                    "update", "upsert"));
  if (json_array_size (list) == 0)
    return refuse_missing (reply, "resource");
  if (json_array_size (list) > MOST_RESOURCES)
    return refuse_write (reply, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "api_name", "resource"));
  for (*count = 0; *count < json_array_size (list); ++*count)
    {
      Resource *resource = &resources[*count];

      resource->emulator = emulator;
      resource->operation = (Operation) which;
      resource->ignore_empty = json_is_true (json_object_get (body, "ignore_empty"));
      if (!take_resource (resource, json_array_get (list, *count), reply))
        {
          ++*count;
          return false;
        }
    }
  return true;
}

static void
run_write (Resource *resources, size_t count, const Request *request, const json_t *body, Job *job, Reply *reply)
{
  g_autoptr (GString) report = g_string_new (NULL);
  g_autofree char *name = g_strdup_printf ("%s.csv", job->id);
  g_autofree char *url = g_strdup_printf ("/crm/bulk/v8/write/%s/result", job->id);
  g_autoptr (GBytes) content = NULL;
  json_t *shown = json_array ();

  for (size_t i = 0; i < count; i++)
    {
      Save save;

      resources[i].report = report;
      if (save_begin (&save, resources[i].emulator, request, reply, resources[i].module->api_name))
        write_rows (&resources[i], &save);
      json_array_append_new (shown, shown_resource (&resources[i]));
    }
  content = g_string_free_to_bytes (g_steal_pointer (&report));
  job->zip = archive_pack (name, content);
  job->result = json_pack ("{s:s}", "download_url", url);
  job->shown = json_pack ("{s:s, s:s, s:o}", "operation", member_text (body, "operation"), "character_encoding",
                          member_text (body, "character_encoding") == NULL ? "UTF-8"
                                                                           : member_text (body, "character_encoding"),
                          "resource", shown);
  if (job->callback != NULL)
    json_object_set_new (job->shown, "callback", json_pack ("{s:s, s:s}", "url", job->callback, "method", "post"));
}

void
handle_bulk_write (Emulator *emulator, const Request *request, Reply *reply)
{
  static const char *const known[] = { "operation", "ignore_empty", "character_encoding",
                                       "callback",  "resource",     NULL };
  const json_t *body = bulk_body (request, reply, known);
  Resource resources[MOST_RESOURCES] = { 0 };
  size_t count = 0;
  Job *job;
  json_t *details;

  if (body == NULL)
    return;
  job = job_new (emulator, request, true);
  if (!take_resources (emulator, body, resources, &count, reply) || !bulk_take_callback (body, job, reply))
    g_clear_pointer (&job, job_free);
  else
    run_write (resources, count, request, body, job, reply);
  for (size_t i = 0; i < count; i++)
    resource_clear (&resources[i]);
  if (job == NULL)
    return;
  if (setting_on (emulator, "bulk_credits"))
    reply->credits = CREDITS;
  details = json_pack ("{s:s, s:o}", "id", job->id, "created_by", user_ref (emulator, request->user_id));
  bulk_add (emulator, job);
  reply_json (reply, 201,
              json_pack ("{s:s, s:s, s:s, s:o}", "status", "success", "code", "SUCCESS", "message", "success",
                         "details", details));
}
