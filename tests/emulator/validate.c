/* One row against its module's fields: unknown keys, computed fields, mandatory ones, values, unique values.
 *
 * All mistakes of a row are collected, as Zoho does, and told together. */
#include "validate.h"

#include <string.h>

#include "activities.h"
#include "core.h"
#include "finder.h"
#include "payload.h"
#include "rows.h"
#include "tags.h"

static bool
is_empty (const json_t *value)
{
  return value == NULL || json_is_null (value)
         || (json_is_string (value) && *json_string_value (value) == '\0')
         || (json_is_array (value) && json_array_size (value) == 0);
}

static void
refuse_missing (const Check *check, const char *api_name, const char *path)
{
  add_error (check->errors, "MANDATORY_NOT_FOUND", "required field not found", detail_at (api_name, path));
}

static void
refuse_unknown_field (const Check *check, const char *key, const char *path)
{
  if (setting_is (check->emulator, "unknown_keys", "ignore"))
    return;
  add_error (check->errors, "INVALID_DATA", "the field api name given seems to be invalid", detail_at (key, path));
}

static void
refuse_computed (const Check *check, const char *key, const char *path)
{
  if (setting_is (check->emulator, "computed_fields", "refuse"))
    add_error (check->errors, "INVALID_DATA", "the field is not writable", detail_at (key, path));
}

/* Tag: [{"name"}], made known to the module on the way. */
static json_t *
check_tags (const Check *check, const json_t *value, const char *path)
{
  json_auto_t *tags = json_array ();
  json_t *tag;
  size_t index;

  json_array_foreach (value, index, tag)
    {
      const char *name = member_text (tag, "name");

      if (name == NULL || *name == '\0' || g_utf8_strlen (name, -1) > 25)
        {
          g_autofree char *place = g_strdup_printf ("%s[%zu].name", path, index);

          value_refuse (check, "Tag", place, "invalid data", NULL);
          return NULL;
        }
      json_array_append_new (tags, tag_named (check->emulator, check->module, name, json_object_get (tag, "color_code")));
    }
  return json_incref (tags);
}

/* $append_values: {"Field": true} adds to a multi-select picklist. */
static void
append_picked (const json_t *row, const json_t *old, const char *key, json_t *kept)
{
  const json_t *append = json_object_get (json_object_get (row, "$append_values"), key);
  const json_t *before = json_object_get (old, key);
  json_t *item;
  size_t at = 0;
  size_t index;

  if (!json_is_true (append) || !json_is_array (before))
    return;
  json_array_foreach (before, index, item)
    {
      bool there = false;
      json_t *other;
      size_t i;

      json_array_foreach (kept, i, other)
        there = there || json_equal (other, item);
      if (!there)
        json_array_insert (kept, at++, item);
    }
}

static json_t *
field_value (const Check *check, const Field *field, const json_t *row, const json_t *value, const json_t *old,
             const char *path)
{
  json_t *kept;

  if (field_is_deep (field) || field_has_files (field))
    return rows_merge (check, field, value, json_object_get (old, field->api_name), path);
  if (is_empty (value) && !json_is_array (value))
    return strcmp (field->data_type, "multiselectpicklist") == 0 ? json_array () : json_null ();
  if (strcmp (field->api_name, "Tag") == 0)
    return json_is_array (value) ? check_tags (check, value, path) : value_check (check, field, value, path);
  kept = value_check (check, field, value, path);
  if (kept != NULL && strcmp (field->data_type, "multiselectpicklist") == 0)
    append_picked (row, old, field->api_name, kept);
  return kept;
}

static void
take_key (const Check *check, const json_t *row, const char *key, const json_t *value, const json_t *old,
          const char *path, json_t *values)
{
  const Field *field = module_field (check->module, key);
  g_autofree char *place = NULL;
  json_t *kept;

  if (strcmp (key, "id") == 0 || *key == '$')
    return;
  if (field == NULL || !field->visible)
    {
      refuse_unknown_field (check, key, path);
      return;
    }
  if (field->computed && strcmp (key, "Tag") != 0)
    {
      refuse_computed (check, key, path);
      return;
    }
  if (field->mandatory && is_empty (value))
    {
      refuse_missing (check, key, path);
      return;
    }
  place = g_strdup_printf ("%s.%s", path, key);
  kept = field_value (check, field, row, value, old, place);
  if (kept != NULL)
    json_object_set_new (values, key, kept);
}

static void
check_mandatory (const Check *check, const json_t *row, const char *path)
{
  for (unsigned i = 0; i < check->module->fields->len; i++)
    {
      const Field *field = check->module->fields->pdata[i];

      if (field->mandatory && !field->computed && json_object_get (row, field->api_name) == NULL)
        refuse_missing (check, field->api_name, path);
    }
}

json_t *
validate_fields (const Check *check, const json_t *row, const json_t *old, const char *path)
{
  size_t before = json_array_size (check->errors);
  json_t *values = json_object ();
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) row, key, value)
    take_key (check, row, key, value, old, path, values);
  if (old == NULL)
    check_mandatory (check, row, path);
  if (json_array_size (check->errors) == before)
    return values;
  json_decref (values);
  return NULL;
}

json_t *
duplicate_details (Emulator *emulator, const Module *module, uint64_t holder, const char *api_name, const char *path)
{
  char *fields[] = { (char *) "Owner", NULL };
  json_auto_t *record = store_get_fields (emulator, module, holder, fields);
  json_t *details = detail_at (api_name, path);
  char text[24];

  json_object_set_new (details, "id", json_string (format_id (holder, text)));
  json_object_set_new (details, "duplicate_record",
                       json_pack ("{s:s, s:O?, s:{s:s, s:s}}", "id", text, "Owner", json_object_get (record, "Owner"),
                                  "module", "api_name", module->api_name, "id", module->id));
  return details;
}

static void
check_unique (const Check *check, const json_t *values, uint64_t id, const char *path)
{
  for (unsigned i = 0; i < check->module->fields->len; i++)
    {
      const Field *field = check->module->fields->pdata[i];
      const json_t *value = json_object_get (values, field->api_name);
      g_autofree char *text = !field->unique || is_empty (value) ? NULL : value_key (value);
      uint64_t holder = text == NULL ? 0 : find_value (check->emulator, check->module, field, text, id);

      if (holder != 0)
        add_error (check->errors, "DUPLICATE_DATA", "duplicate data",
                   duplicate_details (check->emulator, check->module, holder, field->api_name, path));
    }
}

/* What the row, or else the record, says its What_Id points into. */
static const char *
se_module_of (const json_t *row, const json_t *old)
{
  const char *given = member_text (row, "$se_module");

  return given != NULL ? given : member_text (old, "$se_module");
}

json_t *
validate_record (const Check *check, const json_t *row, const json_t *old, uint64_t id, const char *path)
{
  Check whole = *check;
  json_t *values;

  whole.se_module = se_module_of (row, old);
  values = validate_fields (&whole, row, old, path);
  if (values == NULL)
    return NULL;
  activities_check (&whole, row, values, old, path);
  check_unique (&whole, values, id, path);
  if (json_array_size (check->errors) == 0)
    return values;
  json_decref (values);
  return NULL;
}
