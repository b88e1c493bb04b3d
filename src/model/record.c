/* The canonical document of a record: a pure function of it, whatever call brought it. */
#include "model/private.h"

#include "base/clock.h"

#include <string.h>
#include <xxhash.h>

/* A list page gives rich text up to this many characters (doc/api-notes.md). */
#define RICH_LISTED_MAX 500

uint64_t
row_id (const json_t *row)
{
  const char *text = json_get_text (row, "id");
  uint64_t id = 0;

  if (text != NULL && !names_parse_id (text, &id))
    id = 0;
  return id;
}

int64_t
row_modified (const json_t *row)
{
  int64_t seconds;

  return clock_parse_time (json_get_text (row, "Modified_Time"), &seconds) ? seconds : 0;
}

static glong
rich_length (const Schema *schema, const json_t *row, guint index)
{
  const char *text = json_text (json_object_get (row, schema->rich->pdata[index]));

  return text != NULL ? g_utf8_strlen (text, -1) : 0;
}

bool
document_maybe_cut (const Schema *schema, const json_t *row)
{
  for (guint i = 0; i < schema->rich->len; i++)
    if (rich_length (schema, row, i) >= RICH_LISTED_MAX)
      return true;
  return false;
}

bool
document_has_cut_length (const Schema *schema, const json_t *record)
{
  for (guint i = 0; i < schema->rich->len; i++)
    if (rich_length (schema, record, i) == RICH_LISTED_MAX)
      return true;
  return false;
}

void
document_take_full (const Schema *schema, json_t *record, const json_t *full)
{
  for (guint i = 0; i < schema->rich->len; i++)
    {
      const char *field = schema->rich->pdata[i];
      json_t *value = json_object_get (full, field);

      if (json_is_string (value))
        json_object_set_new (record, field, json_deep_copy (value));
    }
}

static int
compare_rows (gconstpointer a, gconstpointer b)
{
  uint64_t left = row_id (*(json_t *const *)a), right = row_id (*(json_t *const *)b);

  return left < right ? -1 : left > right;
}

/* A copy of @value (NULL: null), since what is kept longer than an answer must not share its reference counts with the
 * thread that frees the answer. */
static void
set_copy (json_t *object, const char *key, const json_t *value)
{
  json_object_set_new (object, key, value != NULL ? json_deep_copy (value) : json_null ());
}

json_t *
document_row (const DeepField *deep, const json_t *row)
{
  json_t *shown = json_object ();

  set_copy (shown, "id", json_object_get (row, "id"));
  if (deep->connected != NULL)
    {
      const json_t *other = json_object_get (row, deep->connected);
      json_t *lookup = json_object ();

      set_copy (lookup, "id", json_object_get (other, "id"));
      set_copy (lookup, "name", json_object_get (other, "name"));
      json_object_set_new (shown, deep->connected, json_is_object (other) ? lookup : json_null ());
      if (!json_is_object (other))
        json_decref (lookup);
      return shown;
    }
  for (guint i = 0; deep->schema != NULL && i < deep->schema->fields->len; i++)
    {
      const char *field = deep->schema->fields->pdata[i];

      if (schema_row_field (field))
        set_copy (shown, field, json_object_get (row, field));
    }
  return shown;
}

void
document_set_rows (json_t *record, const char *field, json_t *rows)
{
  size_t size = json_array_size (rows);
  g_autofree json_t **sorted = g_new (json_t *, size + 1);
  json_t *array;

  if (size == 0)
    {
      json_object_set_new (record, field, json_null ());
      return;
    }
  for (size_t i = 0; i < size; i++)
    sorted[i] = json_array_get (rows, i);
  qsort (sorted, size, sizeof *sorted, compare_rows);
  array = json_array ();
  for (size_t i = 0; i < size; i++)
    json_array_append (array, sorted[i]);
  json_object_set_new (record, field, array);
}

/* The value of @field as the document shows it; a new reference. */
static json_t *
shown_value (const json_t *record, const char *field)
{
  json_t *value = json_object_get (record, field);

  if (value == NULL || (json_is_array (value) && json_array_size (value) == 0))
    return json_null ();
  return json_incref (value);
}

/* The first words of @text, as many as a label holds. */
static char *
label_of_words (const char *text)
{
  char *label = names_label (text);
  char *end = strrchr (label, '_');

  /* Cut within a word: no label of so many bytes is whole. */
  if (end != NULL && end > label && strlen (label) > NAMES_LABEL_MAX - 4 && strlen (text) > NAMES_LABEL_MAX)
    *end = '\0';
  return label;
}

static char *
label_of (const Schema *schema, const json_t *record)
{
  const json_t *value = schema->label != NULL ? json_object_get (record, schema->label) : NULL;
  const char *text = json_is_object (value) ? json_get_text (value, "name") : json_text (value);
  g_autofree char *label = names_label (text != NULL ? text : "");

  if (*label != '\0' || schema->label_else == NULL)
    return g_steal_pointer (&label);
  text = json_get_text (record, schema->label_else);
  return label_of_words (text != NULL ? text : "");
}

/* Without the room it grew into, since thousands of texts wait for the disk at once. */
static GBytes *
take_text (GString *text)
{
  gsize size = text->len;
  char *bytes = g_string_free (text, FALSE);

  return g_bytes_new_take (g_realloc (bytes, size), size);
}

void
document_make (const Schema *schema, const json_t *record, uint64_t id, Document *document)
{
  g_autoptr (json_t) shown = json_object ();
  g_autofree char *id_text = g_strdup_printf ("%" G_GUINT64_FORMAT, id);
  GString *text = g_string_sized_new (2048);

  for (guint i = 0; i < schema->fields->len; i++)
    json_object_set_new (shown, schema->fields->pdata[i], shown_value (record, schema->fields->pdata[i]));
  json_object_set_new (shown, "id", json_string (id_text));
  json_write (shown, text);
  document->mtime = row_modified (record);
  document->label = label_of (schema, record);
  document->version = XXH3_64bits (text->str, text->len) | 1; /* 0 means none */
  document->text = take_text (text);
}

void
document_clear (Document *document)
{
  g_clear_pointer (&document->text, g_bytes_unref);
  g_clear_pointer (&document->label, g_free);
}
