/* Modules and fields, made from the table of text, and how the metadata calls show them.
 *
 * Ids: a module's is FIRST_ID + 100 + its number, a field's counts up from FIRST_ID + 1,000 * (1 + the module's
 * number). */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#include "schema_table.h"

static const struct
{
  const char *data_type;
  const char *json_type;
  int length;
} types[] = {
  { "text", "string", 255 },
  { "textarea", "string", 2000 },
  { "email", "string", 100 },
  { "phone", "string", 30 },
  { "website", "string", 450 },
  { "picklist", "string", 120 },
  { "autonumber", "string", 120 },
  { "profileimage", "string", 255 },
  { "multiselectpicklist", "jsonarray", 4096 },
  { "boolean", "boolean", 5 },
  { "integer", "integer", 9 },
  { "bigint", "string", 18 },
  { "double", "double", 16 },
  { "currency", "double", 16 },
  { "percent", "double", 5 },
  { "date", "string", 20 },
  { "datetime", "string", 120 },
  { "lookup", "jsonobject", 120 },
  { "ownerlookup", "jsonobject", 120 },
  { "userlookup", "jsonobject", 120 },
  { "multi_module_lookup", "jsonobject", 120 },
  { "multiselectlookup", "jsonarray", 255 },
  { "multiuserlookup", "jsonarray", 255 },
  { "subform", "jsonarray", 200 },
  { "fileupload", "jsonarray", 255 },
  { "formula", "double", 16 },
  { "participants", "jsonarray", 5000 },
  { "event_reminder", "jsonarray", 1000 },
  { "ALARM", "jsonobject", 255 },
  { "RRULE", "jsonobject", 255 },
};

static int
type_index (const char *data_type)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (types); i++)
    {
      if (strcmp (types[i].data_type, data_type) == 0)
        return (int) i;
    }
  return 0;
}

unsigned
module_number (const Module *module)
{
  uint64_t id = 0;

  parse_id (module->id, &id);
  return (unsigned) (id - FIRST_ID - 100);
}

static void
field_free (gpointer data)
{
  Field *field = data;

  g_free (field->api_name);
  g_free (field->data_type);
  g_free (field->id);
  g_free (field->target);
  g_strfreev (field->picklist);
  g_free (field);
}

static void
module_free (gpointer data)
{
  Module *module = data;

  g_free (module->api_name);
  g_free (module->module_name);
  g_free (module->id);
  g_free (module->generated_type);
  g_free (module->display_field);
  g_free (module->parent);
  g_free (module->parent_field);
  g_free (module->status);
  g_ptr_array_unref (module->fields);
  g_free (module);
}

static void
apply_flags (Field *field, const char *flags)
{
  for (; *flags != '\0'; flags++)
    {
      field->mandatory |= *flags == 'm';
      field->unique |= *flags == 'u';
      field->external |= *flags == 'x';
      field->computed |= *flags == 'c';
      field->rich_text |= *flags == 'r';
      if (*flags == 'h')
        field->visible = false;
    }
}

static char *
new_field_id (const Module *module)
{
  char id[24];

  return g_strdup (format_id (FIRST_ID + 1000 * (uint64_t) (1 + module_number (module)) + module->fields->len, id));
}

Field *
schema_add_field (Emulator *emulator, Module *module, const char *definition)
{
  const char *picks = strchr (definition, '=');
  g_autofree char *head = picks == NULL ? g_strdup (definition) : g_strndup (definition, (gsize) (picks - definition));
  g_auto (GStrv) words = g_strsplit (g_strstrip (head), " ", -1);
  Field *field;
  char *colon;

  if (words[0] == NULL || words[1] == NULL)
    return NULL;
  field = g_new0 (Field, 1);
  colon = strchr (words[1], ':');
  if (colon != NULL)
    *colon = '\0';
  field->api_name = g_strdup (words[0]);
  field->data_type = g_strdup (words[1]);
  field->length = colon != NULL ? atoi (colon + 1) : types[type_index (words[1])].length;
  field->visible = true;
  field->id = new_field_id (module);
  for (char **word = words + 2; *word != NULL; word++)
    {
      if (**word == '>')
        field->target = g_strdup (*word + 1);
      else
        apply_flags (field, *word);
    }
  if (picks != NULL)
    field->picklist = g_strsplit (picks + 1, "|", -1);
  g_ptr_array_add (module->fields, field);
  return field;
}

static void
add_fields (Emulator *emulator, Module *module, const char *definitions)
{
  g_autofree char *text = g_strdup (definitions);

  for (char *at = text; at != NULL && *at != '\0';)
    {
      char *end = strchr (at, ';');

      if (end != NULL)
        *end = '\0';
      schema_add_field (emulator, module, g_strstrip (at));
      at = end == NULL ? NULL : end + 1;
    }
}

static void
add_parent_field (Emulator *emulator, Module *module)
{
  g_autofree char *definition = g_strdup_printf ("Parent_Id lookup c >%s", module->parent);

  if (strcmp (module->generated_type, "subform") == 0)
    schema_add_field (emulator, module, definition);
}

static Module *
module_new (Emulator *emulator, const ModuleSpec *spec)
{
  Module *module = g_new0 (Module, 1);
  bool row = spec->parent != NULL;
  char id[24];

  module->api_name = g_strdup (spec->api_name);
  module->module_name = g_strdup (spec->module_name);
  module->id = g_strdup (format_id (FIRST_ID + 100 + emulator->modules->len, id));
  module->generated_type = g_strdup (spec->generated_type);
  module->display_field = g_strdup (spec->display_field);
  module->parent = g_strdup (spec->parent);
  module->parent_field = g_strdup (spec->parent_field);
  module->api_supported = strchr (spec->flags, 's') == NULL;
  module->viewable = strchr (spec->flags, 'v') == NULL;
  module->creatable = module->editable = module->deletable = strchr (spec->flags, 'r') == NULL;
  module->status = g_strdup (strchr (spec->flags, 'h') != NULL || row ? "system_hidden"
                             : strchr (spec->flags, 'u') != NULL      ? "user_hidden"
                                                                      : "visible");
  module->fields = g_ptr_array_new_with_free_func (field_free);
  schema_add_field (emulator, module, "id bigint c");
  add_parent_field (emulator, module);
  add_fields (emulator, module, spec->fields);
  if (row)
    add_fields (emulator, module, usual_row_fields);
  else if (strchr (spec->flags, 't') == NULL)
    add_fields (emulator, module, usual_fields);
  g_ptr_array_add (emulator->modules, module);
  g_hash_table_insert (emulator->by_name, module->api_name, module);
  return module;
}

void
schema_start (Emulator *emulator)
{
  emulator->modules = g_ptr_array_new_with_free_func (module_free);
  emulator->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  for (const ModuleSpec *spec = module_specs; spec->api_name != NULL; spec++)
    module_new (emulator, spec);
}

void
schema_stop (Emulator *emulator)
{
  g_hash_table_unref (emulator->by_name);
  g_ptr_array_unref (emulator->modules);
}

Module *
schema_add_custom (Emulator *emulator, const char *api_name)
{
  ModuleSpec spec = { .api_name = api_name,
                      .singular = api_name,
                      .generated_type = "custom",
                      .display_field = "Name",
                      .flags = "",
                      .fields = "Name text:120 m; Email email:100; Status picklist =Open|Done; "
                                "Visit_Date date; Description textarea:32000 l" };
  g_autofree char *module_name = g_strdup_printf ("CustomModule%u", emulator->modules->len);

  spec.module_name = module_name;
  return module_new (emulator, &spec);
}

Module *
schema_module (Emulator *emulator, const char *api_name)
{
  return api_name == NULL ? NULL : g_hash_table_lookup (emulator->by_name, api_name);
}

GPtrArray *
schema_modules (Emulator *emulator)
{
  return emulator->modules;
}

void
schema_rename (Emulator *emulator, Module *module, const char *api_name)
{
  g_autofree char *old = g_strdup (module->api_name);

  g_hash_table_remove (emulator->by_name, old);
  g_free (module->api_name);
  module->api_name = g_strdup (api_name);
  g_hash_table_insert (emulator->by_name, module->api_name, module);
  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      Module *other = emulator->modules->pdata[i];

      if (g_strcmp0 (other->parent, old) == 0)
        {
          g_free (other->parent);
          other->parent = g_strdup (api_name);
        }
      for (unsigned j = 0; j < other->fields->len; j++)
        {
          Field *field = other->fields->pdata[j];

          if (g_strcmp0 (field->target, old) != 0)
            continue;
          g_free (field->target);
          field->target = g_strdup (api_name);
        }
    }
}

Field *
module_field (const Module *module, const char *api_name)
{
  for (unsigned i = 0; i < module->fields->len; i++)
    {
      Field *field = module->fields->pdata[i];

      if (strcmp (field->api_name, api_name) == 0)
        return field;
    }
  return NULL;
}

bool
field_is_deep (const Field *field)
{
  return strcmp (field->data_type, "subform") == 0 || strcmp (field->data_type, "multiselectlookup") == 0
         || strcmp (field->data_type, "multiuserlookup") == 0;
}

GPtrArray *
schema_row_modules (Emulator *emulator, const Module *parent)
{
  GPtrArray *rows = g_ptr_array_new ();

  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      Module *module = emulator->modules->pdata[i];

      if (g_strcmp0 (module->parent, parent->api_name) == 0)
        g_ptr_array_add (rows, module);
    }
  return rows;
}

Field *
module_near_lookup (const Module *rows)
{
  for (unsigned i = 0; i < rows->fields->len; i++)
    {
      Field *field = rows->fields->pdata[i];

      if (strcmp (field->data_type, "lookup") == 0 && g_strcmp0 (field->target, rows->parent) == 0)
        return field;
    }
  return NULL;
}

Field *
module_far_lookup (const Module *linking)
{
  const Field *near = module_near_lookup (linking);

  for (unsigned i = 0; i < linking->fields->len; i++)
    {
      Field *field = linking->fields->pdata[i];

      if (field != near && (strcmp (field->data_type, "lookup") == 0 || strcmp (field->data_type, "userlookup") == 0))
        return field;
    }
  return NULL;
}

/* ---- as JSON ----------------------------------------------------------------------------------------------------- */

static char *
label_of (const char *api_name)
{
  g_autofree char *spaced = g_strdelimit (g_strdup (api_name), "_", ' ');

  return g_strdup (g_strstrip (spaced));
}

static char *
singular_of (const Module *module)
{
  for (const ModuleSpec *spec = module_specs; spec->api_name != NULL; spec++)
    {
      if (strcmp (spec->module_name, module->module_name) == 0)
        return g_strdup (spec->singular);
    }
  return label_of (module->api_name);
}

json_t *
schema_module_json (Emulator *emulator, const Module *module)
{
  g_autofree char *plural = label_of (module->api_name);
  g_autofree char *singular = singular_of (module);
  bool tab = strcmp (module->status, "visible") == 0;
  bool notes = strcmp (module->api_name, "Notes") == 0 || strcmp (module->api_name, "Attachments") == 0;
  const Module *parent = module->parent == NULL ? NULL : schema_module (emulator, module->parent);
  char text[24];
  json_t *json;

  json = json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:i, s:s}", "id", module->id,
                    "api_name", module->api_name, "module_name", module->module_name, "singular_label", singular,
                    "plural_label", plural, "generated_type", module->generated_type, "api_supported",
                    module->api_supported, "creatable", module->creatable, "viewable", module->viewable, "editable",
                    module->editable, "deletable", module->deletable, "show_as_tab", tab, "visibility",
                    tab || notes ? 1 : 2, "status", module->status);
  json_object_update_new (
      json, json_pack ("{s:b, s:b, s:b, s:b, s:b, s:b, s:i, s:o, s:i, s:s, s:n, s:n, s:n}", "recycle_bin_on_delete",
                       true, "convertable", strcmp (module->api_name, "Leads") == 0, "quick_create", tab,
                       "has_more_profiles", false, "feeds_required", false, "global_search_supported", tab,
                       "sequence_number", (int) module_number (module), "parent_module", json_object (),
                       "profile_count", 2, "access_type", "org_based", "modified_time", "description", "web_link"));
  if (parent != NULL)
    json_object_set_new (json, "parent_module",
                         json_pack ("{s:s, s:s}", "api_name", parent->api_name, "id", parent->id));
  json_object_set_new (json, "modified_by", json_null ());
  json_object_set_new (json, "sub_menu_available", json_false ());
  json_object_set_new (json, "presence_sub_menu", json_false ());
  json_object_set_new (json, "private_profile", json_null ());
  json_object_set_new (json, "public_fields_configured", json_false ());
  json_object_set_new (json, "business_card_field_limit", json_integer (0));
  json_object_set_new (json, "isBlueprintSupported", json_boolean (tab));
  json_object_set_new (json, "profiles",
                       json_pack ("[{s:s, s:s}]", "name", "Administrator", "id", format_id (FIRST_ID + 24, text)));
  json_array_append_new (json_object_get (json, "profiles"),
                         json_pack ("{s:s, s:s}", "name", "Standard", "id", format_id (FIRST_ID + 25, text)));
  return json;
}

static json_t *
picklist_json (const Field *field)
{
  json_t *values = json_array ();
  uint64_t id = 0;

  parse_id (field->id, &id);
  for (unsigned i = 0; field->picklist != NULL && field->picklist[i] != NULL; i++)
    {
      char text[24];

      json_array_append_new (values, json_pack ("{s:s, s:s, s:s, s:s, s:i, s:s}", "id", format_id (id * 10 + i, text),
                                                "actual_value", field->picklist[i], "display_value", field->picklist[i],
                                                "reference_value", field->picklist[i], "sequence_number", (int) i + 1,
                                                "type", "used"));
    }
  return values;
}

static json_t *
module_ref (const Module *module)
{
  return json_pack ("{s:s, s:s}", "api_name", module->api_name, "id", module->id);
}

/* A lookup of a linking module, as multiselectlookup's details name it. */
static json_t *
linking_lookup (const Module *linking, const Field *field, const Module *target)
{
  g_autofree char *label = label_of (linking->api_name);

  if (field == NULL)
    return json_object ();
  return json_pack (
      "{s:s, s:o, s:o?, s:s}", "display_label", label, "lookup_field",
      json_pack ("{s:s, s:s, s:s}", "api_name", field->api_name, "id", field->id, "field_label", field->api_name),
      "module", target == NULL ? NULL : module_ref (target), "api_name", field->api_name);
}

static json_t *
linking_details (Emulator *emulator, const Module *linking)
{
  const Field *near = module_near_lookup (linking);
  const Field *far = module_far_lookup (linking);
  const Module *target = far == NULL ? NULL : schema_module (emulator, far->target);
  json_t *details = json_object ();
  json_t *linking_json = json_pack ("{s:o, s:o}", "module", module_ref (linking), "lookup_field",
                                    linking_lookup (linking, near, schema_module (emulator, linking->parent)));

  json_object_set_new (json_object_get (linking_json, "module"), "visibility", json_integer (2));
  json_object_set_new (json_object_get (linking_json, "module"), "plural_label", json_string (linking->api_name));
  json_object_set_new (details, "linking_details", linking_json);
  json_object_set_new (details, "connected_details",
                       target != NULL ? json_pack ("{s:o, s:o}", "module", module_ref (target), "lookup_field",
                                                   linking_lookup (linking, far, target))
                                      : json_pack ("{s:{s:s}, s:o}", "module", "api_name", "Users", "lookup_field",
                                                   linking_lookup (linking, far, NULL)));
  json_object_set_new (
      details, "related_list",
      json_pack ("{s:s, s:s}", "api_name", linking->parent_field, "display_label", linking->parent_field));
  json_object_set_new (details, "record_access", json_false ());
  return details;
}

/* What What_Id and Parent_Id may point into: every module with a tab of its own. */
static json_t *
what_modules (Emulator *emulator)
{
  json_t *modules = json_array ();

  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      const Module *module = emulator->modules->pdata[i];

      if (module->api_supported && strcmp (module->status, "visible") == 0)
        json_array_append_new (modules, json_pack ("{s:s, s:s, s:s}", "api_name", module->api_name, "module_name",
                                                   module->module_name, "id", module->id));
    }
  return modules;
}

static void
add_target (Emulator *emulator, const Field *field, json_t *json)
{
  const Module *target = field->target == NULL ? NULL : schema_module (emulator, field->target);
  json_t *linking = target != NULL && field_is_deep (field) && strcmp (field->data_type, "subform") != 0
                        ? linking_details (emulator, target)
                        : json_object ();
  bool lookup = strcmp (field->data_type, "lookup") == 0;
  bool subform = strcmp (field->data_type, "subform") == 0;
  g_autofree char *list = g_strdup_printf ("%s_List", field->api_name);

  json_object_set_new (json, "lookup",
                       !lookup || target == NULL
                           ? json_object ()
                           : json_pack ("{s:o, s:s, s:s, s:s}", "module", module_ref (target), "api_name", list,
                                        "display_label", list, "id", field->id));
  json_object_set_new (json, "multiselectlookup",
                       strcmp (field->data_type, "multiselectlookup") == 0 ? json_incref (linking) : json_object ());
  json_object_set_new (json, "multiuserlookup",
                       strcmp (field->data_type, "multiuserlookup") == 0 ? json_incref (linking) : json_object ());
  json_object_set_new (json, "associated_module",
                       subform && target != NULL
                           ? json_pack ("{s:s, s:s}", "module", target->api_name, "id", target->id)
                           : json_null ());
  json_object_set_new (json, "subform", subform && target != NULL ? module_ref (target) : json_null ());
  json_object_set_new (json, "multi_module_lookup",
                       strcmp (field->data_type, "multi_module_lookup") == 0
                           ? json_pack ("{s:s, s:s, s:o}", "display_label", field->api_name, "api_name",
                                        field->api_name, "modules", what_modules (emulator))
                           : json_object ());
  json_decref (linking);
}

static const char *
json_type_of (const Field *field)
{
  return strcmp (field->api_name, "Tag") == 0 ? "jsonarray" : types[type_index (field->data_type)].json_type;
}

static json_t *
textarea_json (const Field *field)
{
  return json_pack ("{s:s}", "type", field->rich_text ? "rich_text" : field->length > 2000 ? "large" : "small");
}

static void
add_access (const Field *field, json_t *json)
{
  bool writable = !field->computed;
  char text[24];

  json_object_set_new (json, "view_type",
                       json_pack ("{s:b, s:b, s:b, s:b}", "view", field->visible, "edit", writable, "create", writable,
                                  "quick_create", field->mandatory));
  json_object_set_new (json, "operation_type",
                       json_pack ("{s:b, s:b, s:b, s:b}", "web_create", writable, "web_update", writable, "api_create",
                                  writable, "api_update", writable));
  json_object_set_new (json, "profiles",
                       json_pack ("[{s:s, s:s, s:s}]", "name", "Administrator", "id", format_id (FIRST_ID + 24, text),
                                  "permission_type",
                                  !field->visible ? "hidden"
                                  : writable      ? "read_write"
                                                  : "read_only"));
}

static void
add_numbers (const Field *field, json_t *json)
{
  bool decimal = strcmp (field->data_type, "currency") == 0 || strcmp (field->data_type, "double") == 0
                 || strcmp (field->data_type, "percent") == 0;

  json_object_set_new (json, "decimal_place", decimal ? json_integer (2) : json_null ());
  json_object_set_new (json, "auto_number",
                       strcmp (field->data_type, "autonumber") == 0
                           ? json_pack ("{s:s, s:i, s:s}", "prefix", "N-", "start_number", 1, "suffix", "")
                           : json_object ());
  json_object_set_new (json, "formula",
                       strcmp (field->data_type, "formula") == 0
                           ? json_pack ("{s:s, s:b}", "return_type", "double", "dynamic", false)
                           : json_object ());
  json_object_set_new (json, "currency",
                       strcmp (field->data_type, "currency") == 0
                           ? json_pack ("{s:s, s:i}", "rounding_option", "normal", "precision", 2)
                           : json_object ());
  json_object_set_new (json, "rollup_summary", json_object ());
}

/* How forms show it; nothing here says anything about values. */
static void
add_looks (const Module *module, const Field *field, json_t *json)
{
  bool names_record = g_strcmp0 (module->display_field, field->api_name) == 0;

  json_object_update_new (
      json, json_pack ("{s:b, s:b, s:i, s:b, s:b, s:b, s:b, s:n, s:n, s:n, s:n, s:{s:b, s:b}}", "display_field",
                       names_record, "separator", false, "display_type", -1, "public", false, "enable_colour_code",
                       false, "colour_code_enabled_by_system", false, "pick_list_values_sorted_lexically", false,
                       "association_details", "convert_mapping", "history_tracking_enabled", "range", "email_parser",
                       "fields_update_supported", false, "record_operations_supported", false));
  json_object_set_new (json, "history_tracking_enabled", json_false ());
  json_object_set_new (json, "convert_mapping", json_object ());
}

json_t *
schema_field_json (Emulator *emulator, const Module *module, const Field *field)
{
  g_autofree char *label = label_of (field->api_name);
  bool custom = strcmp (module->generated_type, "default") != 0;
  bool plain = !field_is_deep (field) && strcmp (field->data_type, "textarea") != 0;
  json_t *json;

  json = json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:s}", "id", field->id,
                    "api_name", field->api_name, "field_label", label, "display_label", label, "data_type",
                    field->data_type, "json_type", json_type_of (field), "length", field->length, "system_mandatory",
                    field->mandatory, "required", field->mandatory, "read_only", field->computed, "field_read_only",
                    field->computed, "visible", field->visible, "custom_field", custom, "virtual_field",
                    strcmp (field->api_name, "Full_Name") == 0, "type", "used");
  json_object_set_new (json, "unique", field->unique ? json_pack ("{s:b}", "case_sensitive", false) : json_object ());
  json_object_set_new (json, "external",
                       field->external ? json_pack ("{s:s, s:b}", "type", "org", "show", true) : json_null ());
  json_object_set_new (json, "pick_list_values", picklist_json (field));
  json_object_set_new (json, "searchable", json_boolean (plain));
  json_object_set_new (json, "filterable", json_boolean (plain));
  json_object_set_new (json, "sortable", json_boolean (plain));
  json_object_set_new (json, "businesscard_supported", json_true ());
  json_object_set_new (json, "webhook", json_true ());
  json_object_set_new (json, "mass_update", json_boolean (!field->computed));
  if (strcmp (field->data_type, "textarea") == 0)
    json_object_set_new (json, "textarea", textarea_json (field));
  json_object_set_new (json, "tooltip", json_null ());
  json_object_set_new (json, "created_source", json_string ("default"));
  json_object_set_new (json, "ui_type", json_integer (1));
  json_object_set_new (json, "crypt", json_null ());
  json_object_set_new (json, "private", json_null ());
  json_object_set_new (json, "history_tracking", json_null ());
  add_looks (module, field, json);
  add_access (field, json);
  add_numbers (field, json);
  add_target (emulator, field, json);
  return json;
}

/* ---- related lists ----------------------------------------------------------------------------------------------- */

static void
related_free (gpointer data)
{
  Related *related = data;

  g_free (related->api_name);
  g_free (related->label);
  g_free (related);
}

static void
add_related (GPtrArray *all, const char *api_name, const char *type, Module *module, Field *lookup, Module *linking)
{
  Related *related = g_new0 (Related, 1);

  *related = (Related){ g_strdup (api_name), label_of (api_name), type, module, lookup, linking };
  g_ptr_array_add (all, related);
}

/* "Contacts" of an account; a second lookup from the same module gets the field's name too. */
static void
add_children (GPtrArray *all, const Module *parent, Module *child)
{
  unsigned found = 0;

  for (unsigned i = 0; i < child->fields->len; i++)
    {
      Field *field = child->fields->pdata[i];
      bool what = strcmp (field->data_type, "multi_module_lookup") == 0 && strcmp (field->api_name, "What_Id") == 0
                  && strcmp (parent->api_name, "Contacts") != 0 && strcmp (parent->generated_type, "default") == 0;
      g_autofree char *name = NULL;

      if (!what && (strcmp (field->data_type, "lookup") != 0 || g_strcmp0 (field->target, parent->api_name) != 0))
        continue;
      name = found++ == 0 && child != parent ? g_strdup (child->api_name)
                                             : g_strdup_printf ("%s_%s", child->api_name, field->api_name);
      add_related (all, name, "default", child, field, NULL);
    }
}

/* Relations that are links of their own (Campaigns and leads, ...), see links.h. */
static void
add_linked (Emulator *emulator, GPtrArray *all, const Module *module)
{
  static const char *const pairs[][2] = {
    { "Campaigns", "Leads" },   { "Campaigns", "Contacts" }, { "Products", "Leads" },       { "Products", "Accounts" },
    { "Products", "Contacts" }, { "Products", "Deals" },     { "Products", "Price_Books" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      for (unsigned end = 0; end < 2; end++)
        {
          if (strcmp (pairs[i][end], module->api_name) == 0)
            add_related (all, pairs[i][1 - end], "default", schema_module (emulator, pairs[i][1 - end]), NULL, NULL);
        }
    }
}

GPtrArray *
schema_related (Emulator *emulator, const Module *module)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (related_free);

  add_related (all, "Notes", "default", schema_module (emulator, "Notes"), NULL, NULL);
  add_related (all, "Attachments", "default", schema_module (emulator, "Attachments"), NULL, NULL);
  add_linked (emulator, all, module);
  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      Module *other = emulator->modules->pdata[i];
      Field *far = strcmp (other->generated_type, "linking") == 0 ? module_far_lookup (other) : NULL;

      if (strcmp (other->status, "visible") == 0 && other->api_supported)
        add_children (all, module, other);
      if (g_strcmp0 (other->parent, module->api_name) == 0 && far != NULL && far->target != NULL)
        add_related (all, other->parent_field, "multiselectlookup", schema_module (emulator, far->target), NULL, other);
    }
  return all;
}
