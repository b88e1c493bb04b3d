/* Turns JSON values and a query's literals into numbers and folded texts that compare by type. */
#include "scalar.h"

#include <stdlib.h>
#include <string.h>

static const struct
{
  const char *data_type;
  Kind kind;
} kinds[] = {
  { "text", KIND_TEXT },
  { "textarea", KIND_TEXT },
  { "email", KIND_TEXT },
  { "phone", KIND_TEXT },
  { "website", KIND_TEXT },
  { "autonumber", KIND_TEXT },
  { "string", KIND_TEXT },
  { "profileimage", KIND_TEXT },
  { "picklist", KIND_PICKLIST },
  { "multiselectpicklist", KIND_MULTI },
  { "boolean", KIND_BOOLEAN },
  { "integer", KIND_NUMBER },
  { "bigint", KIND_NUMBER },
  { "double", KIND_NUMBER },
  { "currency", KIND_NUMBER },
  { "percent", KIND_NUMBER },
  { "date", KIND_DATE },
  { "datetime", KIND_TIME },
  { "lookup", KIND_LOOKUP },
  { "ownerlookup", KIND_LOOKUP },
  { "userlookup", KIND_LOOKUP },
  { "multi_module_lookup", KIND_LOOKUP },
  { "consent_lookup", KIND_LOOKUP },
  { "layout", KIND_LOOKUP },
};

static Kind
kind_of_type (const char *data_type)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (g_strcmp0 (kinds[i].data_type, data_type) == 0)
        return kinds[i].kind;
    }
  return KIND_ROWS;
}

static int
part_compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* ";a;b;" of folded parts, which are taken over. */
static char *
join_parts (GPtrArray *parts)
{
  GString *text = g_string_new (";");

  g_ptr_array_sort (parts, part_compare);
  for (unsigned i = 0; i < parts->len; i++)
    g_string_append_printf (text, "%s;", (char *) parts->pdata[i]);
  return g_string_free (text, FALSE);
}

/* Texts of an array: strings, or the names of objects such as tags. */
static char *
join_array (const json_t *array)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  json_t *item;
  size_t index;

  json_array_foreach (array, index, item)
    {
      const char *text = json_string_value (json_is_object (item) ? json_object_get (item, "name") : item);

      if (text != NULL && *text != '\0')
        g_ptr_array_add (parts, text_fold (text));
    }
  return parts->len == 0 ? NULL : join_parts (parts);
}

static char *
split_and_join (const char *text)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) pieces = g_strsplit (text, ";", -1);

  for (char **piece = pieces; *piece != NULL; piece++)
    {
      if (*g_strstrip (*piece) != '\0')
        g_ptr_array_add (parts, text_fold (*piece));
    }
  return join_parts (parts);
}

static bool
parse_number (const char *text, long double *number)
{
  char *end;

  if (*text == '\0' || strspn (text, "0123456789+-.eE") != strlen (text))
    return false;
  *number = strtold (text, &end);
  return *end == '\0' && *number == *number;
}

/* yyyy-MM-dd, as days. */
static bool
parse_date (const char *text, long double *days)
{
  g_autoptr (GDate) date = g_date_new ();
  unsigned year, month, day;

  if (strlen (text) != 10 || strspn (text, "0123456789-") != 10 || text[4] != '-' || text[7] != '-'
      || sscanf (text, "%4u-%2u-%2u", &year, &month, &day) != 3)
    return false;
  if (year == 0 || !g_date_valid_dmy ((GDateDay) day, (GDateMonth) month, (GDateYear) year))
    return false;
  g_date_set_dmy (date, (GDateDay) day, (GDateMonth) month, (GDateYear) year);
  *days = g_date_get_julian (date);
  return true;
}

static bool
parse_instant (const char *text, long double *number)
{
  time_t time;

  if (!parse_time (text, &time))
    return false;
  *number = time;
  return true;
}

static bool
parse_record_id (const char *text, long double *number)
{
  uint64_t id;

  if (!parse_id (text, &id))
    return false;
  *number = id;
  return true;
}

static bool
parse_boolean (const char *text, long double *number)
{
  *number = g_ascii_strcasecmp (text, "true") == 0;
  return *number != 0 || g_ascii_strcasecmp (text, "false") == 0;
}

static bool
parse_by_kind (Kind kind, const char *text, long double *number)
{
  switch (kind)
    {
    case KIND_BOOLEAN:
      return parse_boolean (text, number);
    case KIND_NUMBER:
      return parse_number (text, number);
    case KIND_DATE:
      return parse_date (text, number);
    case KIND_TIME:
      return parse_instant (text, number);
    case KIND_ID:
    case KIND_LOOKUP:
      return parse_record_id (text, number);
    case KIND_TEXT:
    case KIND_PICKLIST:
    case KIND_MULTI:
    case KIND_ROWS:
      break;
    }
  return false;
}

static bool
read_number (Kind kind, const json_t *value, long double *number)
{
  if (json_is_object (value))
    return read_number (kind, json_object_get (value, "id"), number);
  if (exact_number (value) != NULL)
    return parse_by_kind (kind, exact_number (value), number);
  if (json_is_boolean (value))
    *number = json_is_true (value);
  else if (json_is_integer (value))
    *number = json_integer_value (value);
  else if (json_is_real (value))
    *number = json_real_value (value);
  else
    return json_is_string (value) && parse_by_kind (kind, json_string_value (value), number);
  return true;
}

static char *
read_text (Kind kind, const json_t *value)
{
  if (json_is_array (value))
    return join_array (value);
  if (json_is_number (value))
    return json_dumps (value, JSON_ENCODE_ANY);
  if (!json_is_string (value) || json_string_length (value) == 0)
    return NULL;
  return kind == KIND_MULTI ? split_and_join (json_string_value (value)) : text_fold (json_string_value (value));
}

Kind
scalar_kind (Emulator *emulator, const Module *module, const Field *field)
{
  json_auto_t *shown = NULL;
  json_t *computed;

  if (strcmp (field->api_name, "id") == 0)
    return KIND_ID;
  if (strcmp (field->data_type, "formula") != 0 && strcmp (field->data_type, "rollup_summary") != 0)
    return kind_of_type (field->data_type);
  shown = schema_field_json (emulator, module, field);
  computed = json_object_get (shown, field->data_type);
  return kind_of_type (json_string_value (json_object_get (computed, "return_type")));
}

bool
kind_is_text (Kind kind)
{
  return kind == KIND_TEXT || kind == KIND_PICKLIST || kind == KIND_MULTI;
}

const char *
kind_name (Kind kind)
{
  switch (kind)
    {
    case KIND_TEXT:
      return "text";
    case KIND_PICKLIST:
      return "picklist";
    case KIND_MULTI:
      return "multiselectpicklist";
    case KIND_BOOLEAN:
      return "boolean";
    case KIND_NUMBER:
      return "double";
    case KIND_DATE:
      return "date";
    case KIND_TIME:
      return "datetime";
    case KIND_ID:
    case KIND_LOOKUP:
      return "bigint";
    case KIND_ROWS:
      break;
    }
  return "jsonarray";
}

bool
scalar_parse (Kind kind, const char *text, Scalar *scalar)
{
  *scalar = (Scalar){ 0 };
  if (kind == KIND_MULTI)
    scalar->text = split_and_join (text);
  else if (kind_is_text (kind))
    scalar->text = text_fold (text);
  else
    scalar->empty = !parse_by_kind (kind, text, &scalar->number);
  return !scalar->empty;
}

void
scalar_read (Kind kind, const json_t *value, Scalar *scalar)
{
  *scalar = (Scalar){ 0 };
  if (kind == KIND_ROWS)
    scalar->empty = value == NULL || json_is_null (value) || (json_is_array (value) && json_array_size (value) == 0);
  else if (kind_is_text (kind))
    scalar->empty = (scalar->text = read_text (kind, value)) == NULL;
  else
    scalar->empty = !read_number (kind, value, &scalar->number);
}

int
scalar_compare (const Scalar *left, const Scalar *right)
{
  if (left->empty || right->empty)
    return (int) right->empty - (int) left->empty;
  if (left->text != NULL && right->text != NULL)
    return strcmp (left->text, right->text);
  return (left->number > right->number) - (left->number < right->number);
}

char *
text_fold (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    {
      if ((unsigned char) *c >= 0x80)
        return g_utf8_casefold (text, -1);
    }
  return g_ascii_strdown (text, -1);
}

void
scalar_clear (Scalar *scalar)
{
  g_clear_pointer (&scalar->text, g_free);
}
