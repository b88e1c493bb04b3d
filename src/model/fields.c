/* Metadata of fields, read once into what saving asks of it. */
#include "model/fields.h"

#include "model/private.h"

#include <stdatomic.h>
#include <string.h>

struct FieldSet
{
  atomic_int references;
  GPtrArray *all;   /* Field * */
  GPtrArray *names; /* char *, of the fields; ended by NULL */
  GHashTable *by_name;
};

static const struct
{
  const char *data_type;
  FieldKind kind;
} kinds[] = {
  { "text", FIELD_TEXT },
  { "textarea", FIELD_TEXT },
  { "email", FIELD_EMAIL },
  { "phone", FIELD_PHONE },
  { "website", FIELD_WEBSITE },
  { "picklist", FIELD_PICK },
  { "multiselectpicklist", FIELD_PICKS },
  { "boolean", FIELD_BOOLEAN },
  { "integer", FIELD_INTEGER },
  { "bigint", FIELD_BIGINT },
  { "double", FIELD_DECIMAL },
  { "decimal", FIELD_DECIMAL },
  { "currency", FIELD_DECIMAL },
  { "percent", FIELD_DECIMAL },
  { "date", FIELD_DATE },
  { "datetime", FIELD_TIME },
  { "lookup", FIELD_LOOKUP },
  { "ownerlookup", FIELD_LOOKUP },
  { "userlookup", FIELD_LOOKUP },
  { "layout", FIELD_LOOKUP },
  { "consent_lookup", FIELD_LOOKUP },
  { "multi_module_lookup", FIELD_ANY_LOOKUP },
  { "multiselectlookup", FIELD_LINKS },
  { "multiuserlookup", FIELD_LINKS },
  { "subform", FIELD_ROWS },
  { "participants", FIELD_PARTICIPANTS },
  { "event_reminder", FIELD_REMINDERS },
  { "ALARM", FIELD_ALARM },
  { "RRULE", FIELD_RECURRENCE },
  { "formula", FIELD_COMPUTED },
  { "rollup_summary", FIELD_COMPUTED },
  { "autonumber", FIELD_COMPUTED },
  { "fileupload", FIELD_COMPUTED },
  { "imageupload", FIELD_COMPUTED },
  { "profileimage", FIELD_COMPUTED },
};

/* Set by the server alone, whatever metadata says. */
static const char *const system_fields[] = {
  "Created_Time", "Modified_Time", "Created_By", "Modified_By", "Last_Activity_Time", "Record_Status__s", "Locked__s",
};

static FieldKind
kind_of (const char *name, const char *data_type)
{
  if (strcmp (name, "Tag") == 0)
    return FIELD_TAGS;
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].data_type, data_type) == 0)
      return kinds[i].kind;
  return FIELD_OTHER;
}

static bool
is_system_field (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (system_fields); i++)
    if (strcmp (system_fields[i], name) == 0)
      return true;
  return false;
}

/* Tags are written by actions of their own, so what metadata says of the field is not asked. */
static bool
is_writable (const Field *field, const json_t *row, const char *operation)
{
  if (field->kind == FIELD_TAGS)
    return true;
  return field->kind != FIELD_COMPUTED && !is_system_field (field->name)
         && (field->kind != FIELD_LINKS || field->link != NULL)
         && !json_is_true (json_object_get (row, "field_read_only"))
         && !json_is_true (json_object_get (row, "read_only")) && !json_is_true (json_object_get (row, "virtual_field"))
         && !json_is_false (json_object_get (json_object_get (row, "operation_type"), operation));
}

static void
add_pick (GPtrArray *picks, const char *value)
{
  if (value != NULL && !g_ptr_array_find_with_equal_func (picks, value, g_str_equal, NULL))
    g_ptr_array_add (picks, g_strdup (value));
}

/* NULL when metadata names no values. */
static GPtrArray *
picks_of (const json_t *row)
{
  const json_t *values = json_object_get (row, "pick_list_values");
  GPtrArray *picks;

  if (json_array_size (values) == 0)
    return NULL;
  picks = g_ptr_array_new_with_free_func (g_free);
  for (size_t i = 0; i < json_array_size (values); i++)
    add_pick (picks, json_get_text (json_array_get (values, i), "actual_value"));
  for (size_t i = 0; i < json_array_size (values); i++)
    add_pick (picks, json_get_text (json_array_get (values, i), "display_value"));
  g_ptr_array_add (picks, NULL);
  return picks;
}

/* doc/api-notes.md: what `textarea.type` allows where `length` does not say. */
static int64_t
length_of (const json_t *row)
{
  int64_t length = json_integer_value (json_object_get (row, "length"));
  const char *type = json_get_text (json_object_get (row, "textarea"), "type");

  if (length > 0)
    return length;
  if (g_strcmp0 (type, "small") == 0)
    return 2000;
  if (g_strcmp0 (type, "large") == 0)
    return 32000;
  return g_strcmp0 (type, "rich_text") == 0 ? 50000 : 0;
}

static int
decimals_of (const json_t *row)
{
  const json_t *places = json_object_get (row, "decimal_place");
  json_int_t value = json_integer_value (places);

  return json_is_integer (places) && value >= 0 && value <= 30 ? (int)value : -1;
}

/* The key of the other record in a row of a link: as in schema.c. */
static char *
link_of (const char *data_type, const json_t *row)
{
  const json_t *connected = json_object_get (json_object_get (row, data_type), "connected_details");
  const char *key = json_get_text (json_object_get (connected, "lookup_field"), "api_name");

  if (key == NULL)
    key = json_get_text (json_object_get (connected, "field"), "api_name");
  if (key == NULL)
    key = json_get_text (connected, "lookup_field");
  if (key == NULL)
    key = json_get_text (connected, "field");
  return g_strdup (key);
}

static const char *
subform_module (const json_t *row)
{
  const json_t *associated = json_object_get (row, "associated_module");
  const char *module = json_get_text (associated, "module");

  if (module == NULL)
    module = json_get_text (json_object_get (associated, "module"), "api_name");
  return module != NULL ? module : json_get_text (json_object_get (row, "subform"), "module");
}

static void
field_free (gpointer data)
{
  Field *field = data;

  g_free (field->name);
  g_free (field->data_type);
  g_free (field->link);
  g_clear_pointer (&field->picks, g_ptr_array_unref);
  field_set_unref (field->rows);
  g_free (field);
}

static Field *
field_new (const char *name, const char *data_type, const json_t *row)
{
  Field *field = g_new0 (Field, 1);

  field->name = g_strdup (name);
  field->data_type = g_strdup (data_type);
  field->kind = kind_of (name, data_type);
  if (field->kind == FIELD_LINKS)
    field->link = link_of (data_type, row);
  if (field->kind == FIELD_PICK || field->kind == FIELD_PICKS)
    field->picks = picks_of (row);
  field->length = length_of (row);
  field->decimals = decimals_of (row);
  field->creatable = is_writable (field, row, "api_create");
  field->updatable = is_writable (field, row, "api_update");
  field->mandatory = field->creatable && json_is_true (json_object_get (row, "system_mandatory"));
  return field;
}

static FieldSet *
set_new (const json_t *fields, bool within, FieldRows rows, void *data)
{
  FieldSet *set = g_new0 (FieldSet, 1);

  atomic_init (&set->references, 1);
  set->all = g_ptr_array_new_with_free_func (field_free);
  set->names = g_ptr_array_new ();
  set->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  for (size_t i = 0; i < json_array_size (fields); i++)
    {
      const json_t *row = json_array_get (fields, i);
      const char *name = json_get_text (row, "api_name"), *type = json_get_text (row, "data_type");
      Field *field;

      if (name == NULL || type == NULL || strcmp (name, "id") == 0 || json_is_false (json_object_get (row, "visible"))
          || g_hash_table_contains (set->by_name, name))
        continue;
      field = field_new (name, type, row);
      if (within && !schema_row_field (name))
        field->creatable = field->updatable = field->mandatory = false;
      if (field->kind == FIELD_ROWS && rows != NULL && subform_module (row) != NULL)
        field->rows = rows (data, subform_module (row));
      g_ptr_array_add (set->all, field);
      g_ptr_array_add (set->names, field->name);
      g_hash_table_insert (set->by_name, field->name, field);
    }
  g_ptr_array_add (set->names, NULL);
  return set;
}

FieldSet *
field_set_new (const json_t *fields, FieldRows rows, void *data)
{
  return set_new (fields, false, rows, data);
}

FieldSet *
field_set_new_rows (const json_t *fields)
{
  return set_new (fields, true, NULL, NULL);
}

FieldSet *
field_set_ref (FieldSet *set)
{
  atomic_fetch_add (&set->references, 1);
  return set;
}

void
field_set_unref (FieldSet *set)
{
  if (set == NULL || atomic_fetch_sub (&set->references, 1) != 1)
    return;
  g_hash_table_unref (set->by_name);
  g_ptr_array_unref (set->names);
  g_ptr_array_unref (set->all);
  g_free (set);
}

const Field *
field_set_find (const FieldSet *set, const char *name)
{
  return set != NULL ? g_hash_table_lookup (set->by_name, name) : NULL;
}

const GPtrArray *
field_set_all (const FieldSet *set)
{
  return set->all;
}

const char *const *
field_set_names (const FieldSet *set)
{
  return (const char *const *)set->names->pdata;
}
