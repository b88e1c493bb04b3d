/* Lines and notes of the journal, whatever is in the file: read or refused, and what was read is written and read again
 * as the same. */
#include "model/journal_private.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
try_note (const char *text, size_t size)
{
  g_autoptr (DraftInfo) info = journal_meta_read (text, size), guess = journal_meta_guess (text, size), again = NULL;
  g_autoptr (GString) first = g_string_new (NULL), second = g_string_new (NULL);

  g_assert_true (journal_is_name (guess->module, true) && journal_is_name (guess->name, false));
  if (info == NULL)
    return;
  g_assert_true (journal_is_name (info->module, true) && journal_is_name (info->name, false));
  journal_meta_write (info, first);
  again = journal_meta_read (first->str, first->len);
  g_assert_nonnull (again);
  journal_meta_write (again, second);
  g_assert_cmpstr (first->str, ==, second->str);
}

static void
try_lines (const JournalLogKind *kind, void *table, const json_t *line)
{
  g_autoptr (GString) out = g_string_new (NULL);

  kind->apply (table, line);
  kind->apply (table, line);
  kind->dump (table, out);
  kind->clear (table);
}

/* As what a log is told; a fuzzer will not guess a checksum, so the line gets the one it needs. */
static void
try_value (json_t *value)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (json_t) read = NULL;
  Deletes deletes;
  Aliases aliases;

  journal_line_write (value, line);
  try_note (line->str, line->len);
  read = journal_line_read (line->str, line->len - 1);
  if (read == NULL) /* nested too deeply for the reader, or a text that JSON cannot carry */
    return;
  journal_deletes_init (&deletes);
  journal_aliases_init (&aliases);
  try_lines (&journal_deletes_kind, &deletes, read);
  try_lines (&journal_aliases_kind, &aliases, read);
  journal_deletes_clear (&deletes);
  journal_aliases_clear (&aliases);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *)data;
  const char *start = size > 0 ? memchr (text, '{', size) : NULL;
  g_autoptr (json_t) value = start != NULL ? json_parse (start, size - (size_t)(start - text), NULL) : NULL;

  json_decref (journal_line_read (text, size));
  try_note (text, size);
  if (json_is_object (value))
    try_value (value);
  return 0;
}
