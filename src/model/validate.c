/* What is surely refused by Zoho, told before the wire: whole texts, keys, mandatory fields. Single values are
 * validate_value.c's. */
#include "model/validate.h"

#include "base/error.h"
#include "base/nearest.h"
#include "model/names.h"
#include "model/validate_private.h"
#include "model/value.h"

#include <string.h>

/* Characters of a key that messages show; an API name has at most 50. */
#define KEY_SHOWN 64

bool
check_refuse (Check *check, const char *path, const char *format, ...)
{
  g_autofree char *words = NULL;
  va_list arguments;

  va_start (arguments, format);
  words = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (check->error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "%s%s%s", path, *path != '\0' ? ": " : "", words);
  if (check->path != NULL)
    *check->path = g_strdup (path);
  return false;
}

/* ---- parsing ---- */

/* json_parse() finds mistakes in a text in which numbers were marked, so its columns may be off: the text as it is says
 * where. What only the exact numbers of ours let pass is no mistake here. */
static json_t *
refuse_json (const char *text, size_t size, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (json_t) value = json_parse (text, size, &why);
  json_error_t plain;
  json_t *again = json_loadb (text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &plain);
  bool overflow = again == NULL && json_error_code (&plain) == json_error_numeric_overflow;

  if (value != NULL)
    g_set_error_literal (
        error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
        "A record is one JSON object, {...}, and this text is something else: write an object with the "
        "fields to save");
  else if (again == NULL && !overflow)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
                 "This is not JSON: %s (line %d, column %d); nothing was saved, so correct it and save again",
                 plain.text, plain.line, plain.column);
  else
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "%s; nothing was saved, so correct it and save again",
                 why->message);
  json_decref (again);
  return NULL;
}

json_t *
validate_parse (const char *text, size_t size, GError **error)
{
  json_t *value;

  if (size > VALIDATE_SIZE_MAX)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE,
                   "This text has %zu bytes, and a record at most %d: shorten it", size, VALIDATE_SIZE_MAX);
      return NULL;
    }
  if (size >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    {
      text += 3;
      size -= 3;
    }
  value = json_parse (text, size, NULL);
  if (json_is_object (value))
    return value;
  json_decref (value);
  return refuse_json (text, size, error);
}

/* ---- keys ---- */

/* @key below @prefix. Keys are the user's: what no API name can be is cut and made printable. */
static char *
path_of (const char *prefix, const char *key)
{
  g_autofree char *shown = g_utf8_substring (key, 0, MIN (g_utf8_strlen (key, -1), KEY_SHOWN));

  for (char *at = shown; *at != '\0'; at++)
    if ((unsigned char)*at < 0x20 || *at == 0x7f)
      *at = '?';
  return g_strdup_printf ("%s%s%s", prefix, *prefix != '\0' ? "." : "", shown);
}

static bool
refuse_key (Check *check, const FieldSet *fields, const char *key, const char *path)
{
  const char *meant = strlen (key) <= KEY_SHOWN ? nearest_word (key, field_set_names (fields)) : NULL;

  if (meant != NULL)
    return check_refuse (check, path, "there is no such field; did you mean %s? Correct or remove the key", meant);
  return check_refuse (check, path,
                       "there is no such field, or you may not see it: remove the key, or look its API name up in "
                       "fields.json");
}

/* Zoho's own marks on rows are not the user's to set: a removed row is one that is not there. */
static bool
check_row_id (Check *check, const json_t *row, const char *path)
{
  const json_t *id = json_object_get (row, "id");
  g_autofree char *place = g_strdup_printf ("%s.id", path);
  uint64_t number;

  if (id == NULL || json_is_null (id) || (json_text (id) != NULL && names_parse_id (json_text (id), &number)))
    return true;
  return check_refuse (check, place,
                       "a row's id is a string of digits: leave it as it was read, or remove it for a new row");
}

/* One key of a document or row. @known: the objects (const json_t *) it may be the same as. */
static bool
check_key (Check *check, const FieldSet *fields, const char *key, const json_t *value, const GPtrArray *known,
           bool creating, const char *path)
{
  const Field *field = field_set_find (fields, key);
  g_autoptr (GPtrArray) values = values_at (known, key);

  if (key[0] == '$' || strcmp (key, "id") == 0)
    return true;
  if (field == NULL)
    return refuse_key (check, fields, key, path);
  if (!(creating ? field->creatable : field->updatable) || echoes_any (field, value, values))
    return true;
  if (field->mandatory && value_is_empty (field, value))
    return check_refuse (check, path, "this field is mandatory, so it cannot be empty: give it a value%s",
                         creating ? "" : ", or remove the key to leave it as it is");
  if (field->kind == FIELD_ROWS || field->kind == FIELD_LINKS)
    return check_rows (check, field, value, values, path);
  return value_is_empty (field, value) || check_value (check, field, value, path);
}

bool
check_keys (Check *check, const FieldSet *fields, const json_t *object, const GPtrArray *known, bool creating,
            const char *prefix)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)object, key, value)
    {
      g_autofree char *path = path_of (prefix, key);

      if (!check_key (check, fields, key, value, known, creating, path))
        return false;
    }
  return true;
}

bool
check_mandatory (Check *check, const FieldSet *fields, const json_t *object, const char *prefix)
{
  const GPtrArray *all = field_set_all (fields);

  for (guint i = 0; i < all->len; i++)
    {
      const Field *field = all->pdata[i];
      g_autofree char *path = path_of (prefix, field->name);

      if (field->mandatory && value_is_empty (field, json_object_get (object, field->name)))
        return check_refuse (check, path, "this field is mandatory and missing: add it");
    }
  return true;
}

/* ---- rows ---- */

static GPtrArray *
known_rows (const GPtrArray *known, const char *id)
{
  GPtrArray *rows = g_ptr_array_new ();

  for (guint i = 0; i < known->len && id != NULL; i++)
    {
      const json_t *row = row_with_id (known->pdata[i], id);

      if (row != NULL)
        g_ptr_array_add (rows, (gpointer)row);
    }
  return rows;
}

static bool
check_link (Check *check, const Field *field, const json_t *row, bool is_known, const char *path)
{
  const json_t *target = json_object_get (row, field->link);
  g_autofree char *place = g_strdup_printf ("%s.%s", path, field->link);
  uint64_t id;

  if (value_id (target) != NULL && names_parse_id (value_id (target), &id))
    return true;
  if (is_known && target == NULL)
    return true;
  return check_refuse (check, place,
                       "a row of this field says which record it leads to: write {\"%s\": {\"id\": \"...\"}}",
                       field->link);
}

/* @known: rows in known documents with the same id. */
static bool
check_row (Check *check, const Field *field, const json_t *row, const GPtrArray *known, const char *path)
{
  bool is_new = known->len == 0;

  if (!json_is_object (row))
    return check_refuse (check, path, "a row is an object, {...}");
  if (!check_row_id (check, row, path))
    return false;
  if (field->kind == FIELD_LINKS)
    return check_link (check, field, row, !is_new, path);
  if (field->rows == NULL)
    return true;
  return check_keys (check, field->rows, row, known, is_new, path)
         && (!is_new || check_mandatory (check, field->rows, row, path));
}

bool
check_rows (Check *check, const Field *field, const json_t *value, const GPtrArray *known, const char *path)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);

  if (value_is_empty (field, value))
    return true;
  if (!json_is_array (value))
    return check_refuse (check, path, "the value is an array of rows, [{...}, ...]");
  if (json_array_size (value) > VALIDATE_ROWS_MAX)
    return check_refuse (check, path, "there are %zu rows, and at most %d can be saved at once: remove some",
                         json_array_size (value), VALIDATE_ROWS_MAX);
  for (size_t i = 0; i < json_array_size (value); i++)
    {
      const json_t *row = json_array_get (value, i);
      const char *id = value_id (row);
      g_autoptr (GPtrArray) same = known_rows (known, id);
      g_autofree char *place = g_strdup_printf ("%s[%zu]", path, i);

      if (!check_row (check, field, row, same, place))
        return false;
      if (id != NULL && !g_hash_table_add (ids, (gpointer)id))
        return check_refuse (check, place, "the row with id %s is there twice: remove the id to make it a new row", id);
    }
  return true;
}

/* ---- whole documents ---- */

static bool
check_id (Check *check, const json_t *document, uint64_t id)
{
  const json_t *given = json_object_get (document, "id");
  uint64_t number = 0;

  if (given == NULL || json_is_null (given) || id == 0)
    return true;
  if (json_text (given) != NULL && names_parse_id (json_text (given), &number) && number == id)
    return true;
  if (json_is_integer (given) && (uint64_t)json_integer_value (given) == id)
    return true;
  return check_refuse (check, "id",
                       "this file is record %" G_GUINT64_FORMAT
                       ", and its id cannot be changed: put the old id back or "
                       "remove the key",
                       id);
}

static bool
says_module (const json_t *object)
{
  const json_t *module = json_object_get (json_object_get (object, "What_Id"), "module");

  return json_get_text (object, "$se_module") != NULL || json_get_text (module, "api_name") != NULL
         || json_text (module) != NULL;
}

/* Zoho takes What_Id only with the module it leads into. */
static bool
check_se_module (Check *check, const FieldSet *fields, const json_t *document, const GPtrArray *known)
{
  const json_t *what = json_object_get (document, "What_Id");
  const json_t *module = json_object_get (document, "$se_module");

  if (module != NULL && !json_is_null (module) && json_text (module) == NULL)
    return check_refuse (check, "$se_module", "the value is the API name of a module, such as \"Deals\"");
  if (field_set_find (fields, "What_Id") == NULL || value_is_empty (NULL, what) || says_module (document))
    return true;
  for (guint i = 0; i < known->len; i++)
    if (says_module (known->pdata[i]))
      return true;
  return check_refuse (
      check, "$se_module",
      "What_Id needs to say which module its record is in: add \"$se_module\": \"Deals\", or whichever "
      "it is");
}

bool
validate_document (const ValidateConfig *config, const json_t *document, char **path, GError **error)
{
  Check check = { .open_picklists = config->open_picklists, .path = path, .error = error };
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  const GPtrArray *known = config->known != NULL ? config->known : none;
  bool creating = config->id == 0;

  if (!json_is_object (document))
    return check_refuse (&check, "", "A record is one JSON object, {...}");
  return check_id (&check, document, config->id) && check_keys (&check, config->fields, document, known, creating, "")
         && (!creating || check_mandatory (&check, config->fields, document, ""))
         && check_se_module (&check, config->fields, document, known);
}
