/* Base, text and the server's document: a text that is the server's sends nothing; what is sent makes the user's
 * changes true and leaves all else alone; once there, it is not sent again.
 *
 * An input that begins with '{' is the three as JSON, a line each. Any other is a string of choices: each byte picks
 * what comes next in the documents from a few values, so that the three have much in common. */
#include "model/patch.h"
#include "model/validate.h"
#include "model/value.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char fields_text[]
    = "[{\"api_name\":\"Name\",\"data_type\":\"text\"},{\"api_name\":\"Size\",\"data_type\":\"integer\"},"
      "{\"api_name\":\"Big\",\"data_type\":\"bigint\"},{\"api_name\":\"Amount\",\"data_type\":\"currency\"},"
      "{\"api_name\":\"Stage\",\"data_type\":\"picklist\"},{\"api_name\":\"Phases\",\"data_type\":"
      "\"multiselectpicklist\"},"
      "{\"api_name\":\"Start\",\"data_type\":\"datetime\"},{\"api_name\":\"Account\",\"data_type\":\"lookup\"},"
      "{\"api_name\":\"What_Id\",\"data_type\":\"multi_module_lookup\"},{\"api_name\":\"Tag\",\"data_type\":\"text\"},"
      "{\"api_name\":\"People\",\"data_type\":\"participants\"},{\"api_name\":\"Sum\",\"data_type\":\"formula\"},"
      "{\"api_name\":\"Items\",\"data_type\":\"subform\",\"associated_module\":{\"module\":\"Items\"}},"
      "{\"api_name\":\"Team\",\"data_type\":\"multiselectlookup\",\"multiselectlookup\":{\"connected_details\":{"
      "\"lookup_field\":{\"api_name\":\"Contact\"}}}}]";

static const char rows_text[] = "[{\"api_name\":\"Title\",\"data_type\":\"text\"},"
                                "{\"api_name\":\"Qty\",\"data_type\":\"double\"},"
                                "{\"api_name\":\"Total\",\"data_type\":\"formula\"}]";

static FieldSet *
rows_of (void *data, const char *module)
{
  g_autoptr (json_t) rows = json_parse (rows_text, strlen (rows_text), NULL);

  return field_set_new_rows (rows);
}

static const FieldSet *
fields_known (void)
{
  static FieldSet *fields;

  if (fields == NULL)
    {
      g_autoptr (json_t) rows = json_parse (fields_text, strlen (fields_text), NULL);

      fields = field_set_new (rows, rows_of, NULL);
    }
  return fields;
}

/* The next line of @text, up to @end, as an object; NULL when it is none. */
static json_t *
next_object (const char **text, const char *end)
{
  const char *start = *text;
  const char *line_end = start < end ? memchr (start, '\n', (size_t)(end - start)) : NULL;
  json_t *value;

  line_end = line_end != NULL ? line_end : end;
  *text = line_end < end ? line_end + 1 : end;
  value = json_parse (start, (size_t)(line_end - start), NULL);
  if (json_is_object (value))
    return value;
  json_decref (value);
  return NULL;
}

/* ---- documents by choices ---- */

typedef struct
{
  const uint8_t *at, *end;
} Choices;

static unsigned
choose (Choices *choices, unsigned count)
{
  return choices->at < choices->end ? *choices->at++ % count : 0;
}

static json_t *
choose_json (Choices *choices, const char *const *values)
{
  const char *text = values[choose (choices, g_strv_length ((char **)values))];

  return json_parse (text, strlen (text), NULL);
}

static const char *const some_titles[] = { "null", "\"a\"", "\"b\"", NULL };
static const char *const some_numbers[] = { "null", "1", "1.0", "2", "2.5", NULL };
static const char *const some_records[]
    = { "{\"id\":\"10\",\"name\":\"x\"}", "{\"id\":\"10\"}", "{\"id\":\"11\"}", "{\"id\":\"12\"}", NULL };

/* Rows with ascending ids from 1 to 4; in the user's text some without. */
static json_t *
choose_rows (Choices *choices, bool links, bool users)
{
  json_t *rows = json_array ();

  for (int id = 1; id <= 4; id++)
    {
      unsigned what = choose (choices, users ? 4 : 2);
      json_t *row = json_object ();
      char text[] = { (char)('0' + id), '\0' };

      if (what < 3)
        json_object_set_new (row, "id", json_string (text));
      if (links)
        json_object_set_new (row, "Contact", choose_json (choices, some_records));
      else
        {
          json_object_set_new (row, "Title", choose_json (choices, some_titles));
          json_object_set_new (row, "Qty", choose_json (choices, some_numbers));
          json_object_set_new (row, "Total", choose_json (choices, some_numbers));
        }
      if (users && choose (choices, 4) == 0)
        json_object_del (row, "Qty");
      if (what != 0)
        json_array_append (rows, row);
      json_decref (row);
    }
  return rows;
}

static json_t *
choose_document (Choices *choices, bool users)
{
  json_t *document = json_object ();

  json_object_set_new (document, "Name", choose_json (choices, some_titles));
  json_object_set_new (document, "Amount", choose_json (choices, some_numbers));
  json_object_set_new (document, "Sum", choose_json (choices, some_numbers));
  json_object_set_new (document, "Account", choose_json (choices, some_records));
  json_object_set_new (document, "Items", choose_rows (choices, false, users));
  json_object_set_new (document, "Team", choose_rows (choices, true, users));
  if (users && choose (choices, 4) == 0)
    json_object_del (document, "Items");
  return document;
}

/* ---- what must hold ---- */

/* Documents of the server have rows with ids, each once, and links that lead somewhere. */
static bool
is_canonical (const json_t *document, const char *key, const char *link)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);
  const json_t *rows = json_object_get (document, key);

  if (rows != NULL && !json_is_array (rows) && !json_is_null (rows))
    return false;
  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      const json_t *row = json_array_get (rows, i);

      if (value_id (row) == NULL || !g_hash_table_add (ids, (gpointer)value_id (row))
          || (link != NULL && value_id (json_object_get (row, link)) == NULL))
        return false;
    }
  return true;
}

/* Rows as Zoho leaves them: named ones changed, removed or kept, the others gone, new ones with new ids. */
static json_t *
apply_rows (const json_t *sent, const json_t *rows)
{
  json_t *result = json_array ();

  for (size_t i = 0; i < json_array_size (sent); i++)
    {
      json_t *row = json_array_get (sent, i);
      const json_t *old = value_id (row) != NULL ? row_with_id (rows, value_id (row)) : NULL;
      g_autofree char *id = g_strdup_printf ("new%zu", i);
      json_t *made = old != NULL ? json_deep_copy (old) : json_object ();

      g_assert_true (value_id (row) == NULL || old != NULL);
      json_object_update (made, row);
      if (value_id (row) == NULL)
        json_object_set_new (made, "id", json_string (id));
      if (json_object_get (row, "_delete") == NULL)
        json_array_append (result, made);
      json_decref (made);
    }
  return result;
}

static json_t *
apply (const FieldSet *fields, const Patch *patch, const json_t *current)
{
  json_t *result = json_deep_copy (current);
  const char *key;
  json_t *value;

  json_object_foreach (patch->update, key, value)
    {
      const Field *field = field_set_find (fields, key);
      bool rows = field != NULL && (field->kind == FIELD_ROWS || field->kind == FIELD_LINKS);

      json_object_set_new (result, key,
                           rows ? apply_rows (value, json_object_get (current, key)) : json_deep_copy (value));
    }
  return result;
}

/* What the user changed is as the user wants it. */
static void
check_values (const FieldSet *fields, const json_t *base, const json_t *text, const json_t *result)
{
  const GPtrArray *all = field_set_all (fields);

  for (guint i = 0; i < all->len; i++)
    {
      const Field *field = all->pdata[i];
      const json_t *value = json_object_get (text, field->name);

      if (value != NULL && field->updatable && field->kind != FIELD_ROWS && field->kind != FIELD_LINKS
          && field->kind != FIELD_TAGS && json_object_get (base, field->name) != NULL
          && !value_echoes (field, value, json_object_get (base, field->name)))
        g_assert_true (value_equal (field, value, json_object_get (result, field->name)));
    }
}

/* Rows that somebody else added are still there. */
static void
check_rows_stay (const char *key, const json_t *base, const json_t *current, const json_t *result)
{
  const json_t *rows = json_object_get (current, key);

  if (json_object_get (base, key) == NULL)
    return;
  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      const char *id = value_id (json_array_get (rows, i));

      if (row_with_id (json_object_get (base, key), id) == NULL)
        g_assert_nonnull (row_with_id (json_object_get (result, key), id));
    }
}

static void
check_patch (const FieldSet *fields, const json_t *base_document, const json_t *text, const json_t *current)
{
  g_autoptr (MergeBase) base = merge_base_of (base_document);
  g_autoptr (Patch) patch = patch_make (fields, base, text, current);
  g_autoptr (json_t) result = NULL;
  g_autoptr (Patch) again = NULL;
  g_auto (GStrv) differences = NULL;

  g_assert_true ((patch->kind == PATCH_CONFLICT) == (patch->conflicts != NULL));
  if (patch->kind == PATCH_CONFLICT)
    {
      g_free (patch_explain (patch));
      return;
    }
  result = apply (fields, patch, current);
  check_values (fields, base_document, text, result);
  check_rows_stay ("Items", base_document, current, result);
  g_clear_pointer (&patch->tags_add, json_decref); /* apply() knows no tags */
  g_clear_pointer (&patch->tags_remove, json_decref);
  differences = patch_differences (fields, patch, current, result);
  g_assert_cmpstr (differences[0], ==, NULL);
  again = patch_make (fields, base, text, result);
  g_assert_cmpint (again->kind, !=, PATCH_CONFLICT);
  g_assert_null (again->update);
}

static void
check_same (const FieldSet *fields, const json_t *document)
{
  g_autoptr (MergeBase) base = merge_base_of (document);
  g_autoptr (Patch) patch = patch_make (fields, base, document, document);

  g_assert_cmpint (patch->kind, ==, PATCH_NOTHING);
  g_assert_cmpstr (patch->ignored[0], ==, NULL);
}

static void
check (const json_t *base, const json_t *yours, const json_t *theirs)
{
  ValidateConfig config = { .fields = fields_known (), .id = 1 };

  if (base == NULL || yours == NULL || theirs == NULL || !is_canonical (base, "Items", NULL)
      || !is_canonical (theirs, "Items", NULL) || !is_canonical (base, "Team", "Contact")
      || !is_canonical (theirs, "Team", "Contact"))
    return;
  check_same (config.fields, base);
  json_decref (patch_create (config.fields, yours, NULL));
  if (validate_document (&config, yours, NULL, NULL))
    check_patch (config.fields, base, yours, theirs);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *)data, *end = text + size;
  bool lines = size > 0 && *text == '{';
  Choices choices = { data, data + size };
  g_autoptr (json_t) base = lines ? next_object (&text, end) : choose_document (&choices, false);
  g_autoptr (json_t) yours = lines ? next_object (&text, end) : choose_document (&choices, true);
  g_autoptr (json_t) theirs = lines ? next_object (&text, end) : choose_document (&choices, false);

  check (base, yours, theirs);
  return 0;
}
