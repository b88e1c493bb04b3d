/* What search and count look for: one of criteria, email, phone and word, seen through an index that may lag. */
#include "criteria.h"

#include <string.h>

#include "selection.h"

struct Criteria
{
  Emulator *emulator;
  const Module *module;
  Condition *condition; /* criteria= */
  GPtrArray *words;     /* folded; email=, phone= (digits), word=: each must be in one of @fields */
  GPtrArray *fields;    /* char *, borrowed, NULL-terminated: what the filter looks at */
  unsigned text_fields; /* how many of @fields, from the first, the words are looked for in */
  bool digits;          /* phone=: compare digits only */
  int converted;        /* 0: only those not converted, 1: only converted, -1: both */
  bool lag;
  time_t indexed;       /* with @lag: later changes are not seen */
};

static char *
only_digits (const char *text)
{
  GString *digits = g_string_new (NULL);

  for (; *text != '\0'; text++)
    {
      if (g_ascii_isdigit (*text))
        g_string_append_c (digits, *text);
    }
  return g_string_free (digits, FALSE);
}

static bool
field_has (const Criteria *criteria, const json_t *value, const char *word)
{
  g_autofree char *text = NULL;

  if (!json_is_string (value))
    return false;
  text = criteria->digits ? only_digits (json_string_value (value)) : text_fold (json_string_value (value));
  return strstr (text, word) != NULL;
}

static bool
record_has (const Criteria *criteria, const json_t *record, const char *word)
{
  for (unsigned i = 0; i < criteria->text_fields; i++)
    {
      if (field_has (criteria, json_object_get (record, criteria->fields->pdata[i]), word))
        return true;
    }
  return false;
}

static bool
is_indexed (const Criteria *criteria, const json_t *record)
{
  const char *text = json_string_value (json_object_get (record, "Modified_Time"));
  time_t modified;

  return !criteria->lag || text == NULL || !parse_time (text, &modified) || modified <= criteria->indexed;
}

static bool
filter (Emulator *emulator, uint64_t id, const json_t *record, void *data)
{
  const Criteria *criteria = data;

  if (!is_indexed (criteria, record) || source_hidden (criteria->module, id))
    return false;
  if (criteria->converted >= 0 && source_converted (criteria->module, id) != (criteria->converted == 1))
    return false;
  for (unsigned i = 0; i < criteria->words->len; i++)
    {
      if (!record_has (criteria, record, criteria->words->pdata[i]))
        return false;
    }
  return true;
}

/* The fields whose data_type is among @types. */
static void
look_into (Criteria *criteria, const char *const *types)
{
  for (unsigned i = 0; i < criteria->module->fields->len; i++)
    {
      const Field *field = criteria->module->fields->pdata[i];

      if (field->visible && g_strv_contains (types, field->data_type))
        g_ptr_array_add (criteria->fields, field->api_name);
    }
  criteria->text_fields = criteria->fields->len;
}

static bool
refuse_short (Refusal *refusal, const char *name, int least)
{
  return refuse (refusal, "INVALID_DATA", "invalid data",
                 json_pack ("{s:i, s:s}", "minimum_length", least, "param_name", name));
}

static bool
look_for_phone (Criteria *criteria, const char *text, Refusal *refusal)
{
  static const char *const types[] = { "phone", NULL };
  char *digits = only_digits (text);

  g_ptr_array_add (criteria->words, digits);
  criteria->digits = true;
  look_into (criteria, types);
  return strlen (digits) >= 3 || refuse_short (refusal, "phone", 3);
}

static bool
look_for_email (Criteria *criteria, const char *text, Refusal *refusal)
{
  static const char *const types[] = { "email", NULL };

  g_ptr_array_add (criteria->words, text_fold (text));
  look_into (criteria, types);
  return true;
}

static bool
look_for_word (Criteria *criteria, const char *text, Refusal *refusal)
{
  static const char *const types[]
      = { "text", "textarea", "email", "phone", "website", "picklist", "autonumber", NULL };
  g_autofree char *folded = text_fold (text);
  g_auto (GStrv) words = g_strsplit (folded, " ", -1);

  for (char **word = words; *word != NULL; word++)
    {
      if (**word != '\0')
        g_ptr_array_add (criteria->words, g_strdup (*word));
    }
  look_into (criteria, types);
  return g_utf8_strlen (g_strstrip (folded), -1) >= 2 || refuse_short (refusal, "word", 2);
}

static const char *
given (const Request *request, const char *name)
{
  const char *text = request_query (request, name);

  return text == NULL || *text == '\0' ? NULL : text;
}

static bool
look_for (Criteria *criteria, const Request *request, Refusal *refusal)
{
  const char *text = given (request, "criteria");

  if (text != NULL)
    {
      criteria->condition = criteria_parse (criteria->emulator, criteria->module, text, refusal);
      return criteria->condition != NULL;
    }
  if ((text = given (request, "email")) != NULL)
    return look_for_email (criteria, text, refusal);
  if ((text = given (request, "phone")) != NULL)
    return look_for_phone (criteria, text, refusal);
  if ((text = given (request, "word")) != NULL)
    return look_for_word (criteria, text, refusal);
  return refuse (refusal, "EXPECTED_PARAM_MISSING", "One of the expected parameter is missing",
                 json_pack ("{s:[s,s,s,s]}", "param_names", "criteria", "email", "phone", "word"));
}

static bool
read_converted (Criteria *criteria, const Request *request, Refusal *refusal)
{
  const char *text = given (request, "converted");

  criteria->converted = text == NULL || strcmp (text, "false") == 0 ? 0 : strcmp (text, "true") == 0 ? 1 : -1;
  if (criteria->converted < 0 && strcmp (text, "both") != 0)
    return refuse (refusal, "PATTERN_NOT_MATCHED", "Please check whether the input values are correct",
                   json_pack ("{s:s}", "param_name", "converted"));
  return true;
}

bool
criteria_given (const Request *request)
{
  return given (request, "criteria") != NULL || given (request, "email") != NULL || given (request, "phone") != NULL
         || given (request, "word") != NULL;
}

Criteria *
criteria_of_request (Emulator *emulator, const Module *module, const Request *request, Refusal *refusal)
{
  g_autoptr (Criteria) criteria = g_new0 (Criteria, 1);
  int64_t lag = setting_int (emulator, "search_lag_s", 0);

  criteria->emulator = emulator;
  criteria->module = module;
  criteria->words = g_ptr_array_new_with_free_func (g_free);
  criteria->fields = g_ptr_array_new ();
  criteria->lag = lag > 0;
  criteria->indexed = emulator_now (emulator) - (time_t) lag;
  if (!look_for (criteria, request, refusal) || !read_converted (criteria, request, refusal))
    return NULL;
  if (criteria->lag)
    g_ptr_array_add (criteria->fields, (char *) "Modified_Time");
  g_ptr_array_add (criteria->fields, NULL);
  return g_steal_pointer (&criteria);
}

static Selection
selection_of (const Criteria *criteria)
{
  return (Selection){ .emulator = criteria->emulator,
                      .source = criteria->module,
                      .where = criteria->condition,
                      .filter = filter,
                      .filter_fields = (char *const *) criteria->fields->pdata,
                      .filter_data = (void *) criteria };
}

GArray *
criteria_find (const Criteria *criteria, const GArray *order, uint64_t offset, uint64_t limit, bool *more)
{
  Selection selection = selection_of (criteria);

  selection.order = order;
  selection.offset = offset;
  selection.limit = limit;
  return selection_ids (&selection, more);
}

uint64_t
criteria_count (const Criteria *criteria)
{
  Selection selection = selection_of (criteria);

  return selection_count (&selection);
}

void
criteria_free (Criteria *criteria)
{
  if (criteria == NULL)
    return;
  condition_free (criteria->condition);
  g_ptr_array_unref (criteria->words);
  g_ptr_array_unref (criteria->fields);
  g_free (criteria);
}
