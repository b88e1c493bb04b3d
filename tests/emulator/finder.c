/* Finds records by a field's value without reading the module each time.
 *
 * Candidates come from two places. What changed while running is in a table from hash to ids, fed by the store's
 * listener.
 * What is as generated: the values of unique fields carry the record's index ("user.12+3f@.."), which gives the one
 * candidate; for other fields the module is read once into an array of (hash, id) sorted by hash. Both only propose: a
 * candidate counts if the live record has the value now, so old entries need no removal. */
#include "finder.h"

#include <string.h>

#include "core.h"
#include "payload.h"

enum
{
  MOST_PROBES = 32
};

typedef struct
{
  uint64_t hash;
  uint64_t id;
} Entry;

typedef struct
{
  char *module;      /* api names: modules may be made anew when the emulator is reset */
  char *field;
  bool carried;      /* generated values carry the index of their record */
  GArray *base;      /* Entry, by hash, then id; empty if carried */
  GHashTable *later; /* hash -> GArray of uint64_t ids */
} Index;

static GPtrArray *indexes; /* Index *; write lock */

static void
index_free (gpointer data)
{
  Index *index = data;

  g_free (index->module);
  g_free (index->field);
  g_array_unref (index->base);
  g_hash_table_unref (index->later);
  g_free (index);
}

/* FNV-1a. */
static uint64_t
hash_text (const char *text)
{
  g_autofree char *folded = g_utf8_casefold (text, -1);
  uint64_t hash = UINT64_C (14695981039346656037);

  for (const unsigned char *c = (const unsigned char *) folded; *c != '\0'; c++)
    hash = (hash ^ *c) * UINT64_C (1099511628211);
  return hash;
}

/* What two values must share to be duplicates; NULL: an empty value, never a duplicate. */
char *
value_key (const json_t *value)
{
  if (exact_number (value) != NULL)
    return g_strdup (exact_number (value));
  if (json_is_string (value))
    return *json_string_value (value) == '\0' ? NULL : g_strdup (json_string_value (value));
  if (json_is_object (value))
    return g_strdup (member_text (value, "id"));
  if (json_is_integer (value))
    return g_strdup_printf ("%" JSON_INTEGER_FORMAT, json_integer_value (value));
  if (json_is_real (value))
    return g_strdup_printf ("%.17g", json_real_value (value));
  return NULL;
}

static char *
field_text (Emulator *emulator, const Module *module, char *field, uint64_t id)
{
  char *fields[] = { field, NULL };
  json_auto_t *record = store_get_fields (emulator, module, id, fields);

  return value_key (json_object_get (record, field));
}

static int
entry_compare (gconstpointer a, gconstpointer b)
{
  const Entry *left = a;
  const Entry *right = b;

  if (left->hash != right->hash)
    return left->hash < right->hash ? -1 : 1;
  return left->id < right->id ? -1 : left->id > right->id;
}

/* The number that the first run of digits makes. */
static bool
first_number (const char *text, uint64_t *number)
{
  const char *digits = text + strcspn (text, "0123456789");

  *number = g_ascii_strtoull (digits, NULL, 10);
  return *digits != '\0';
}

/* Do the generated values of @field carry the index of their record? The first ones tell. */
static bool
carries_index (Emulator *emulator, const Module *module, const Field *field)
{
  for (uint64_t k = 0; k < MOST_PROBES && k < module->generated; k++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      uint64_t number;

      generate_value (emulator, module, k, field, text, false);
      if (strcmp (text->str, "null") != 0 && (!first_number (text->str, &number) || number != k))
        return false;
    }
  return true;
}

static Index *
index_new (Emulator *emulator, const Module *module, const Field *field)
{
  Index *index = g_new0 (Index, 1);

  index->module = g_strdup (module->api_name);
  index->field = g_strdup (field->api_name);
  index->base = g_array_new (FALSE, FALSE, sizeof (Entry));
  index->later = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_array_unref);
  index->carried = field->unique && carries_index (emulator, module, field);
  if (index->carried)
    return index;
  for (uint64_t id = store_next (emulator, module, 0); id != 0; id = store_next (emulator, module, id))
    {
      g_autofree char *text = field_text (emulator, module, field->api_name, id);
      Entry entry = { text == NULL ? 0 : hash_text (text), id };

      if (text != NULL)
        g_array_append_val (index->base, entry);
    }
  g_array_sort (index->base, entry_compare);
  return index;
}

static Index *
index_for (Emulator *emulator, const Module *module, const Field *field)
{
  for (unsigned i = 0; i < indexes->len; i++)
    {
      Index *index = indexes->pdata[i];

      if (strcmp (index->module, module->api_name) == 0 && strcmp (index->field, field->api_name) == 0)
        return index;
    }
  g_ptr_array_add (indexes, index_new (emulator, module, field));
  return indexes->pdata[indexes->len - 1];
}

static void
index_note (Emulator *emulator, Index *index, const Module *module, uint64_t id)
{
  g_autofree char *text = field_text (emulator, module, index->field, id);
  uint64_t hash = text == NULL ? 0 : hash_text (text);
  GArray *ids = g_hash_table_lookup (index->later, &hash);

  if (text == NULL)
    return;
  if (ids == NULL)
    {
      ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
      g_hash_table_insert (index->later, g_memdup2 (&hash, sizeof hash), ids);
    }
  g_array_append_val (ids, id);
}

static void
on_change (Emulator *emulator, Module *module, const char *operation, uint64_t id, json_t *changed, void *data)
{
  if (strcmp (operation, "delete") == 0)
    return;
  for (unsigned i = 0; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];

      if (field->unique)
        index_for (emulator, module, field);
    }
  for (unsigned i = 0; i < indexes->len; i++)
    {
      Index *index = indexes->pdata[i];

      if (strcmp (index->module, module->api_name) == 0)
        index_note (emulator, index, module, id);
    }
}

/* The first base entry with @hash, or where it would be. */
static unsigned
base_find (const GArray *base, uint64_t hash)
{
  unsigned low = 0;
  unsigned high = base->len;

  while (low < high)
    {
      unsigned middle = low + (high - low) / 2;

      if (g_array_index (base, Entry, middle).hash < hash)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static bool
still_has (Emulator *emulator, const Module *module, const Field *field, uint64_t id, const char *folded)
{
  g_autofree char *text = field_text (emulator, module, field->api_name, id);
  g_autofree char *now = text == NULL ? NULL : g_utf8_casefold (text, -1);

  return g_strcmp0 (now, folded) == 0;
}

/* The generated record whose index stands in the value of its unique field. 0: none. */
static uint64_t
generated_candidate (const Module *module, const char *text)
{
  uint64_t k;

  return first_number (text, &k) && k < module->generated ? generate_id (module, k) : 0;
}

uint64_t
find_value (Emulator *emulator, const Module *module, const Field *field, const char *text, uint64_t except)
{
  Index *index = index_for (emulator, module, field);
  g_autofree char *folded = g_utf8_casefold (text, -1);
  uint64_t hash = hash_text (text);
  GArray *later = g_hash_table_lookup (index->later, &hash);
  uint64_t found = index->carried ? generated_candidate (module, text) : 0;

  if (found != 0 && (found == except || !still_has (emulator, module, field, found, folded)))
    found = 0;
  for (unsigned i = base_find (index->base, hash); i < index->base->len; i++)
    {
      const Entry *entry = &g_array_index (index->base, Entry, i);

      if (entry->hash != hash || found != 0)
        break;
      if (entry->id != except && still_has (emulator, module, field, entry->id, folded))
        found = entry->id;
    }
  for (unsigned i = 0; later != NULL && i < later->len; i++)
    {
      uint64_t id = g_array_index (later, uint64_t, i);

      if (id != except && (found == 0 || id < found) && still_has (emulator, module, field, id, folded))
        found = id;
    }
  return found;
}

/* "Field" or "Target.Field" after "Module.Lookup." or "Module.Lookup->". */
static const Field *
external_of_lookup (const char *rest, const Field *lookup, const Module *target)
{
  size_t length = strlen (lookup->api_name);
  const char *name;

  if (strncmp (rest, lookup->api_name, length) != 0)
    return NULL;
  if (rest[length] == '.')
    return module_field (target, rest + length + 1);
  if (!g_str_has_prefix (rest + length, "->") || !g_str_has_prefix (rest + length + 2, target->api_name))
    return NULL;
  name = rest + length + 2 + strlen (target->api_name);
  return *name == '.' ? module_field (target, name + 1) : NULL;
}

const Field *
external_field (Emulator *emulator, const char *header, const Module *module, const Field *lookup, const Module *target)
{
  g_auto (GStrv) parts = header == NULL ? NULL : g_strsplit (header, ",", 20);

  for (char **part = parts; part != NULL && *part != NULL; part++)
    {
      const char *name = g_strstrip (*part);
      size_t length = strlen (module->api_name);
      const Field *field;

      if (strncmp (name, module->api_name, length) != 0 || name[length] != '.')
        continue;
      name += length + 1;
      field = lookup == NULL ? module_field (module, name) : external_of_lookup (name, lookup, target);
      if (field != NULL && field->external)
        return field;
    }
  return NULL;
}

uint64_t
request_record (Emulator *emulator, const Request *request, const Module *module, const char *text)
{
  const Field *field = external_field (emulator, request_header (request, "x-external"), module, NULL, NULL);
  uint64_t id;

  if (text == NULL)
    return 0;
  if (field != NULL)
    return find_value (emulator, module, field, text, 0);
  return parse_id (text, &id) && store_exists (emulator, module, id) && !store_hidden (module, id) ? id : 0;
}

void
finder_start (Emulator *emulator)
{
  indexes = g_ptr_array_new_with_free_func (index_free);
  store_listen (emulator, on_change, NULL);
}

void
finder_stop (Emulator *emulator)
{
  g_clear_pointer (&indexes, g_ptr_array_unref);
}
