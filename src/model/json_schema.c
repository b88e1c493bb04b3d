/* A module's documents as JSON Schema. */
#include "model/json_schema.h"

#include "model/activity.h"

#include <string.h>

#define ID_PATTERN "^[0-9]{1,19}$"

static json_t *
type_or_null (const char *type)
{
  return json_pack ("{s:[s, s]}", "type", type, "null");
}

static json_t *
text_schema (int64_t length, const char *format)
{
  json_t *schema = type_or_null ("string");

  if (length > 0)
    json_object_set_new (schema, "maxLength", json_integer (length));
  if (format != NULL)
    json_object_set_new (schema, "format", json_string (format));
  return schema;
}

/* The values are what editors offer; others are let pass. */
static json_t *
pick_schema (const Field *field)
{
  json_t *values = json_array ();

  for (guint i = 0; field->picks != NULL && field->picks->pdata[i] != NULL; i++)
    json_array_append_new (values, json_from_text (field->picks->pdata[i]));
  if (json_array_size (values) == 0)
    {
      json_decref (values);
      return json_pack ("{s:s}", "type", "string");
    }
  return json_pack ("{s:[{s:o}, {s:s}]}", "anyOf", "enum", values, "type", "string");
}

static json_t *
or_null (json_t *schema)
{
  return json_pack ("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
}

/* An object that refers to a record: others of its keys come and go. */
static json_t *
reference (void)
{
  return json_pack ("{s:s, s:{s:{s:s, s:s}, s:{s:[s, s]}}, s:[s]}", "type", "object", "properties", "id", "type",
                    "string", "pattern", ID_PATTERN, "name", "type", "string", "null", "required", "id");
}

static json_t *
array_of (json_t *items)
{
  return json_pack ("{s:[s, s], s:o}", "type", "array", "null", "items", items);
}

/* What a field holds by the JSON type that metadata gives. */
static json_t *
plain_schema (const json_t *row)
{
  static const char *const types[][2] = {
    { "string", "string" },   { "integer", "integer" },   { "double", "number" },
    { "boolean", "boolean" }, { "jsonobject", "object" }, { "jsonarray", "array" },
  };
  const char *type = json_get_text (row, "json_type");

  for (size_t i = 0; type != NULL && i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (types[i][0], type))
      return type_or_null (types[i][1]);
  return json_object ();
}

static json_t *rows_schema (const Field *field);

static json_t *
value_schema (const Field *field, const json_t *row)
{
  switch (field->kind)
    {
    case FIELD_TEXT:
    case FIELD_PHONE:
    case FIELD_WEBSITE:
      return text_schema (field->length, NULL);
    case FIELD_EMAIL:
      return text_schema (field->length, "email");
    case FIELD_PICK:
      return or_null (pick_schema (field));
    case FIELD_PICKS:
      return array_of (pick_schema (field));
    case FIELD_BOOLEAN:
      return type_or_null ("boolean");
    case FIELD_INTEGER:
      return type_or_null ("integer");
    case FIELD_BIGINT:
      return json_pack ("{s:[s, s], s:s}", "type", "string", "null", "pattern", "^-?[0-9]{1,19}$");
    case FIELD_DECIMAL:
      return type_or_null ("number");
    case FIELD_DATE:
      return text_schema (0, "date");
    case FIELD_TIME:
      return text_schema (0, "date-time");
    case FIELD_LOOKUP:
    case FIELD_ANY_LOOKUP:
      return or_null (reference ());
    case FIELD_TAGS:
      return array_of (json_pack ("{s:s, s:{s:{s:s}}, s:[s]}", "type", "object", "properties", "name", "type", "string",
                                  "required", "name"));
    case FIELD_ROWS:
      return array_of (rows_schema (field));
    case FIELD_LINKS:
      return array_of (field->link == NULL ? json_pack ("{s:s}", "type", "object")
                                           : json_pack ("{s:s, s:{s:o}}", "type", "object", "properties", field->link,
                                                        or_null (reference ())));
    case FIELD_PARTICIPANTS:
      return json_pack ("{s:[s, s], s:i, s:{s:s, s:{s:{s:s}}, s:[s]}}", "type", "array", "null", "maxItems",
                        ACTIVITY_PARTICIPANTS_MAX, "items", "type", "object", "properties", "type", "type", "string",
                        "required", "type");
    case FIELD_REMINDERS:
      return array_of (json_pack ("{s:s, s:{s:{s:s}}, s:[s, s]}", "type", "object", "properties", "period", "type",
                                  "string", "required", "unit", "period"));
    case FIELD_ALARM:
    case FIELD_RECURRENCE:
      return or_null (json_pack ("{s:s, s:{s:{s:s}}, s:[s]}", "type", "object", "properties",
                                 field->kind == FIELD_ALARM ? "ALARM" : "RRULE", "type", "string", "required",
                                 field->kind == FIELD_ALARM ? "ALARM" : "RRULE"));
    case FIELD_COMPUTED:
    case FIELD_OTHER:
      break;
    }
  return plain_schema (row);
}

static void
describe (json_t *schema, const Field *field, const json_t *row)
{
  const char *label = json_get_text (row, "field_label");
  g_autofree char *words = g_strdup_printf ("%s (%s)%s", label != NULL ? label : field->name, field->data_type,
                                            field->mandatory ? ", mandatory" : "");

  json_object_set_new (schema, "title", json_from_text (label != NULL ? label : field->name));
  json_object_set_new (schema, "description", json_from_text (words));
  if (!field->updatable && !field->creatable)
    json_object_set_new (schema, "readOnly", json_true ());
}

static json_t *
id_schema (void)
{
  return json_pack ("{s:[s, s], s:s, s:s, s:b}", "type", "string", "null", "pattern", ID_PATTERN, "title", "id",
                    "readOnly", true);
}

/* The two read each other: rows have values. Zoho shows more in a row than its metadata says. */
static json_t *
rows_schema (const Field *field)
{
  json_t *properties = json_object ();
  const GPtrArray *all = field->rows != NULL ? field_set_all (field->rows) : NULL;

  json_object_set_new (properties, "id", id_schema ());
  for (guint i = 0; all != NULL && i < all->len; i++)
    {
      const Field *own = all->pdata[i];
      json_t *schema = own->kind == FIELD_ROWS ? json_object () : value_schema (own, NULL);

      describe (schema, own, NULL);
      json_object_set_new (properties, own->name, schema);
    }
  return json_pack ("{s:s, s:o}", "type", "object", "properties", properties);
}

json_t *
json_schema (const char *name, const json_t *rows, const FieldSet *fields, GHashTable *shown)
{
  json_t *properties = json_object (), *required = json_array ();

  json_object_set_new (properties, "id", id_schema ());
  json_object_set_new (properties, "$se_module", json_pack ("{s:[s, s], s:s}", "type", "string", "null", "description",
                                                            "The module that What_Id leads into"));
  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      const json_t *row = json_array_get (rows, i);
      const char *key = json_get_text (row, "api_name");
      const Field *field = key != NULL ? field_set_find (fields, key) : NULL;
      json_t *schema;

      if (field == NULL || !g_hash_table_contains (shown, key))
        continue;
      schema = value_schema (field, row);
      describe (schema, field, row);
      json_object_set_new (properties, key, schema);
      if (field->mandatory)
        json_array_append_new (required, json_string (key));
    }
  if (!g_hash_table_contains (shown, "What_Id"))
    json_object_del (properties, "$se_module");
  return json_pack ("{s:s, s:s, s:s, s:o, s:o, s:b}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                    "title", name, "type", "object", "properties", properties, "required", required,
                    "additionalProperties", false);
}
