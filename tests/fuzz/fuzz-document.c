/* Fields and a record, a line each: whatever they hold, the document is JSON with an id, and made of itself it is
 * the same. */
#include "model/private.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_document (const Schema *schema, const json_t *record)
{
  Document first = { 0 }, second = { 0 };
  g_autoptr (json_t) again = NULL;
  gsize size;
  const char *text;

  document_make (schema, record, row_id (record), &first);
  text = g_bytes_get_data (first.text, &size);
  again = json_parse (text, size, NULL);
  g_assert_nonnull (again);
  document_make (schema, again, row_id (record), &second);
  g_assert_cmpuint (first.version, ==, second.version);
  document_clear (&first);
  document_clear (&second);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *)data, *line = memchr (text, '\n', size);
  g_autoptr (json_t) fields = line != NULL ? json_parse (text, (size_t)(line - text), NULL) : NULL;
  g_autoptr (json_t) record = line != NULL ? json_parse (line, size - (size_t)(line - text), NULL) : NULL;
  Schema *schema;

  if (!json_is_array (fields) || !json_is_object (record))
    return 0;
  schema = schema_new ("Module", NULL, fields);
  for (guint i = 0; i < schema->slices->len; i++)
    g_assert_cmpuint (strlen (schema->slices->pdata[i]), <=, RECORDS_FIELDS_BYTES_MAX);
  check_document (schema, record);
  schema_free (schema);
  return 0;
}
