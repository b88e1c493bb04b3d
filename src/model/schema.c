/* What the documents of a module consist of: which fields, in which list calls they come, which come otherwise. */
#include "model/private.h"

#include <string.h>
#include <xxhash.h>

/* Part of every digest: another number when the same fields make another document. */
#define DOCUMENT_FORM "1"

/* Fields of the look at all ids: what fits a `fields` parameter beside Modified_Time. */
#define WATCHED_MAX 40
#define WATCHED_BYTES_MAX 900

/* The display fields of Zoho's own modules, where the metadata does not tell. */
static const struct
{
  const char *module, *field;
} display_fields[] = {
  { "Leads", "Full_Name" },          { "Contacts", "Full_Name" },     { "Accounts", "Account_Name" },
  { "Deals", "Deal_Name" },          { "Campaigns", "Campaign_Name" }, { "Products", "Product_Name" },
  { "Vendors", "Vendor_Name" },      { "Price_Books", "Price_Book_Name" }, { "Cases", "Subject" },
  { "Solutions", "Solution_Title" }, { "Quotes", "Subject" },         { "Sales_Orders", "Subject" },
  { "Purchase_Orders", "Subject" },  { "Invoices", "Subject" },       { "Tasks", "Subject" },
  { "Calls", "Subject" },            { "Events", "Event_Title" },     { "Services__s", "Service_Name" },
};

/* What a GET embeds of a subform row besides its own fields says nothing new, and a list of the rows says more than the
 * GET: these are left out on both ways, so that the document does not depend on the way. */
static const char *const not_of_a_row[] = {
  "Parent_Id",     "Layout",           "Owner",         "Created_By",   "Modified_By", "Last_Activity_Time", "Tag",
  "Record_Status__s", "Record_Image",  "Currency",      "Exchange_Rate", "Locked__s",  "Name",
};

bool
schema_row_field (const char *field)
{
  for (size_t i = 0; i < G_N_ELEMENTS (not_of_a_row); i++)
    if (strcmp (not_of_a_row[i], field) == 0)
      return false;
  return field[0] != '$';
}

static void
deep_free (gpointer data)
{
  DeepField *deep = data;

  g_free (deep->field);
  g_free (deep->module);
  g_free (deep->parent);
  g_free (deep->connected);
  g_clear_pointer (&deep->slices, g_ptr_array_unref);
  g_free (deep);
}

void
schema_free (Schema *schema)
{
  if (schema == NULL)
    return;
  g_hash_table_unref (schema->known);
  g_ptr_array_unref (schema->fields);
  g_ptr_array_unref (schema->slices);
  g_ptr_array_unref (schema->deep);
  g_ptr_array_unref (schema->rich);
  g_free (schema->rich_fields);
  g_free (schema->label);
  g_free (schema->watched);
  g_ptr_array_unref (schema->computed);
  g_free (schema);
}

/* The API name at @object.@key.api_name (or @object.@key itself), checked as a path segment would be. */
static const char *
api_name_of (const json_t *object, const char *key)
{
  const json_t *value = json_object_get (object, key);
  const char *name = json_is_object (value) ? json_get_text (value, "api_name") : json_text (value);

  if (name == NULL || !g_ascii_isalpha (name[0]) || strlen (name) > 50)
    return NULL;
  for (const char *at = name; *at != '\0'; at++)
    if (!g_ascii_isalnum (*at) && *at != '_')
      return NULL;
  return name;
}

/* The deep field that @row describes, or NULL when its metadata does not say enough. */
static DeepField *
deep_new (const char *field, const char *type, const json_t *row)
{
  const json_t *linking, *connected;
  const char *module, *parent = "Parent_Id", *other = NULL;
  DeepField *deep;

  if (strcmp (type, "subform") == 0)
    {
      module = api_name_of (json_object_get (row, "associated_module"), "module");
      if (module == NULL)
        module = api_name_of (json_object_get (row, "subform"), "module");
    }
  else
    {
      const json_t *details = json_object_get (row, type); /* "multiselectlookup", "multiuserlookup" */

      linking = json_object_get (details, "linking_details");
      connected = json_object_get (details, "connected_details");
      module = api_name_of (linking, "module");
      parent = api_name_of (linking, "lookup_field");
      other = api_name_of (connected, "lookup_field");
      if (other == NULL)
        other = api_name_of (connected, "field");
      if (parent == NULL || other == NULL)
        return NULL;
    }
  if (module == NULL)
    return NULL;
  deep = g_new0 (DeepField, 1);
  deep->field = g_strdup (field);
  deep->module = g_strdup (module);
  deep->parent = g_strdup (parent);
  deep->connected = g_strdup (other);
  return deep;
}

static bool
is_deep_type (const char *type)
{
  return strcmp (type, "subform") == 0 || strcmp (type, "multiselectlookup") == 0
         || strcmp (type, "multiuserlookup") == 0;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Adds @name to the last slice, or to a new one that starts with @first (or NULL). */
static void
slice_add (GPtrArray *slices, unsigned *names, const char *name, const char *first)
{
  GString *slice;
  size_t least = slices->len > 0 ? ((GString *)slices->pdata[slices->len - 1])->len + 1 + strlen (name) : 0;

  if (slices->len == 0 || *names == RECORDS_FIELDS_MAX || least > RECORDS_FIELDS_BYTES_MAX)
    {
      slice = g_string_new (first);
      g_ptr_array_add (slices, slice);
      *names = first != NULL ? 1 : 0;
    }
  slice = slices->pdata[slices->len - 1];
  if (slice->len > 0)
    g_string_append_c (slice, ',');
  g_string_append (slice, name);
  ++*names;
}

/* The `fields` parameters: the label first, since names are needed first; Modified_Time in each, since it tells whether
 * the slices of a row are of the same moment. */
static GPtrArray *
cut_slices (const Schema *schema, GPtrArray *listed)
{
  GPtrArray *texts = g_ptr_array_new (), *slices = g_ptr_array_new_with_free_func (g_free);
  const char *first = schema->has_modified ? "Modified_Time" : NULL;
  unsigned names = 0;

  if (schema->label != NULL)
    slice_add (texts, &names, schema->label, first);
  for (guint i = 0; i < listed->len; i++)
    {
      const char *name = listed->pdata[i];

      if (g_strcmp0 (name, schema->label) != 0 && g_strcmp0 (name, first) != 0)
        slice_add (texts, &names, name, first);
    }
  if (texts->len == 0)
    g_ptr_array_add (texts, g_string_new (first != NULL ? first : "Created_Time"));
  for (guint i = 0; i < texts->len; i++)
    g_ptr_array_add (slices, g_string_free (texts->pdata[i], FALSE));
  g_ptr_array_unref (texts);
  return slices;
}

const char *
schema_display_field (const char *module)
{
  for (size_t i = 0; i < G_N_ELEMENTS (display_fields); i++)
    if (strcmp (display_fields[i].module, module) == 0)
      return display_fields[i].field;
  return NULL;
}

static const char *
find_label (const Schema *schema, const char *module, const char *display_field)
{
  const char *label = display_field != NULL ? display_field : schema_display_field (module);

  if (label == NULL)
    label = "Name";
  return g_hash_table_contains (schema->known, label) ? label : NULL;
}

/* Hidden fields are listed too; their values never come. */
static bool
is_visible (const json_t *row)
{
  return !json_is_false (json_object_get (row, "visible"));
}

static bool
is_rich (const json_t *row)
{
  const char *kind = json_get_text (json_object_get (row, "textarea"), "type");

  return kind != NULL && strcmp (kind, "rich_text") == 0;
}

static bool
is_computed (const char *data_type)
{
  return strcmp (data_type, "formula") == 0 || strcmp (data_type, "rollup_summary") == 0;
}

static char *
join_watched (const Schema *schema)
{
  GString *text = g_string_new (schema->has_modified ? "Modified_Time" : "Created_Time");

  for (guint i = 0; i < MIN (schema->computed->len, WATCHED_MAX) && text->len < WATCHED_BYTES_MAX; i++)
    g_string_append_printf (text, ",%s", (char *)schema->computed->pdata[i]);
  return g_string_free (text, FALSE);
}

Schema *
schema_new (const char *module, const char *display_field, json_t *fields)
{
  Schema *schema = g_new0 (Schema, 1);
  g_autoptr (GPtrArray) listed = g_ptr_array_new ();
  size_t index;
  json_t *row;

  schema->fields = g_ptr_array_new_with_free_func (g_free);
  schema->deep = g_ptr_array_new_with_free_func (deep_free);
  schema->rich = g_ptr_array_new_with_free_func (g_free);
  schema->computed = g_ptr_array_new ();
  schema->known = g_hash_table_new (g_str_hash, g_str_equal);
  json_array_foreach (fields, index, row)
    {
      const char *name = api_name_of (row, "api_name");
      const char *type = json_get_text (row, "data_type");
      char *copy;

      if (name == NULL || type == NULL || !is_visible (row) || strcmp (name, "id") == 0
          || g_hash_table_contains (schema->known, name))
        continue;
      copy = g_strdup (name);
      g_ptr_array_add (schema->fields, copy);
      g_hash_table_add (schema->known, copy);
      if (is_deep_type (type))
        {
          DeepField *deep = deep_new (name, type, row);

          if (deep != NULL)
            g_ptr_array_add (schema->deep, deep);
          continue;
        }
      g_ptr_array_add (listed, copy);
      if (is_computed (type))
        g_ptr_array_add (schema->computed, copy);
      if (is_rich (row))
        g_ptr_array_add (schema->rich, g_strdup (name));
    }
  schema->has_modified = g_hash_table_contains (schema->known, "Modified_Time");
  schema->has_se_module = g_hash_table_contains (schema->known, "What_Id");
  if (schema->has_se_module)
    {
      char *copy = g_strdup ("$se_module");

      g_ptr_array_add (schema->fields, copy);
      g_hash_table_add (schema->known, copy);
      g_ptr_array_add (listed, copy);
    }
  g_ptr_array_sort (schema->fields, compare_names);
  g_ptr_array_sort (listed, compare_names);
  schema->label = g_strdup (find_label (schema, module, display_field));
  schema->slices = cut_slices (schema, listed);
  schema->watched = join_watched (schema);
  g_ptr_array_add (schema->rich, NULL);
  schema->rich_fields = g_strjoinv (",", (char **)schema->rich->pdata);
  g_ptr_array_set_size (schema->rich, (int)schema->rich->len - 1);
  return schema;
}

static void
hash_text (XXH3_state_t *state, const char *text)
{
  if (text != NULL)
    XXH3_64bits_update (state, text, strlen (text));
  XXH3_64bits_update (state, "", 1); /* "ab", "c" is not "a", "bc" */
}

static void
hash_names (XXH3_state_t *state, const GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++)
    hash_text (state, names->pdata[i]);
  hash_text (state, NULL);
}

uint64_t
schema_digest (const Schema *schema)
{
  XXH3_state_t *state = XXH3_createState ();
  uint64_t digest;

  XXH3_64bits_reset (state);
  hash_text (state, DOCUMENT_FORM);
  hash_text (state, schema->label);
  hash_names (state, schema->fields);
  hash_names (state, schema->rich);
  for (guint i = 0; i < schema->deep->len; i++)
    {
      const DeepField *deep = schema->deep->pdata[i];

      hash_text (state, deep->field);
      hash_text (state, deep->module);
      hash_text (state, deep->parent);
      hash_text (state, deep->connected);
      if (deep->schema != NULL)
        hash_names (state, deep->schema->fields);
    }
  digest = XXH3_64bits_digest (state) | 1;
  XXH3_freeState (state);
  return digest;
}

bool
schema_is_flat (const Schema *schema)
{
  return schema->deep->len == 0 && schema->slices->len == 1;
}

const char *
schema_watched (const Schema *schema)
{
  return schema_is_flat (schema) ? schema->slices->pdata[0] : schema->watched;
}

GPtrArray *
deep_slices (DeepField *deep)
{
  const Schema *rows = deep->schema;

  if (deep->slices != NULL)
    return deep->slices;
  deep->slices = g_ptr_array_new_with_free_func (g_free);
  if (deep->connected != NULL)
    g_ptr_array_add (deep->slices, g_strdup_printf ("%s,%s,Modified_Time", deep->parent, deep->connected));
  else
    for (guint i = 0; i < rows->slices->len; i++)
      {
        const char *slice = rows->slices->pdata[i];
        bool named = g_hash_table_contains (rows->known, deep->parent);

        /* Which record a row belongs to may not be among its fields. */
        g_ptr_array_add (deep->slices,
                         i == 0 && !named ? g_strdup_printf ("%s,%s", deep->parent, slice) : g_strdup (slice));
      }
  return deep->slices;
}
