/* The field sets that saving needs, made of the metadata that the modules keep, once for each state of it. */
#include "model/saves_private.h"

#include <string.h>

/* References to the rows it was made of are held, so that equal pointers are the same rows. */
typedef struct
{
  json_t *fields;
  GPtrArray *rows; /* json_t *: of the subforms' modules; NULL: not known */
  FieldSet *set;
} Known;

/* Modules that have no upsert. */
static const char *const without_upsert[] = { "Tasks", "Events", "Calls" };

/* What Zoho itself tells duplicates by, besides unique fields. */
static const struct
{
  const char *module, *field;
} duplicate_checks[] = {
  { "Leads", "Email" },      { "Contacts", "Email" },        { "Accounts", "Account_Name" },
  { "Deals", "Deal_Name" },  { "Products", "Product_Name" }, { "Cases", "Subject" },
  { "Quotes", "Subject" },   { "Sales_Orders", "Subject" },  { "Purchase_Orders", "Subject" },
  { "Invoices", "Subject" },
};

static void
rows_unref (gpointer rows)
{
  json_decref (rows);
}

void
saves_fields_free (gpointer known)
{
  Known *old = known;

  json_decref (old->fields);
  g_ptr_array_unref (old->rows);
  field_set_unref (old->set);
  g_free (old);
}

static json_t *
rows_of (const StoreModule *module, const DeepField *deep)
{
  const StoreModule *rows = g_hash_table_lookup (module->store->modules, deep->module);

  return rows != NULL ? rows->fields : NULL;
}

static bool
is_current (const Known *known, const StoreModule *module)
{
  if (known == NULL || known->fields != module->fields || known->rows->len != module->schema->deep->len)
    return false;
  for (guint i = 0; i < known->rows->len; i++)
    if (known->rows->pdata[i] != rows_of (module, module->schema->deep->pdata[i]))
      return false;
  return true;
}

static FieldSet *
subform_fields (void *data, const char *module)
{
  const Store *store = data;
  const StoreModule *rows = g_hash_table_lookup (store->modules, module);

  return rows != NULL && rows->fields != NULL ? field_set_new_rows (rows->fields) : NULL;
}

FieldSet *
saves_fields (Saves *saves, StoreModule *module)
{
  Known *known = g_hash_table_lookup (saves->fields, module);

  if (is_current (known, module))
    return field_set_ref (known->set);
  known = g_new0 (Known, 1);
  known->fields = json_incref (module->fields);
  known->rows = g_ptr_array_new_with_free_func (rows_unref);
  for (guint i = 0; i < module->schema->deep->len; i++)
    g_ptr_array_add (known->rows, json_incref (rows_of (module, module->schema->deep->pdata[i])));
  known->set = field_set_new (module->fields, subform_fields, saves->store);
  g_hash_table_replace (saves->fields, module, known);
  return field_set_ref (known->set);
}

static bool
is_unique (const StoreModule *module, const char *field)
{
  size_t index;
  json_t *row;

  json_array_foreach (module->fields, index, row)
    if (g_strcmp0 (json_get_text (row, "api_name"), field) == 0)
      return json_object_size (json_object_get (row, "unique")) > 0;
  return false;
}

bool
saves_can_upsert (const StoreModule *module, const char *field)
{
  for (size_t i = 0; i < G_N_ELEMENTS (without_upsert); i++)
    if (strcmp (module->name, without_upsert[i]) == 0)
      return false;
  for (size_t i = 0; i < G_N_ELEMENTS (duplicate_checks); i++)
    if (strcmp (module->name, duplicate_checks[i].module) == 0 && strcmp (field, duplicate_checks[i].field) == 0)
      return true;
  return is_unique (module, field);
}
