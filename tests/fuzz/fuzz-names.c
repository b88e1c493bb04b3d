/* Whatever a program asks for by name is read as something, and what we make of a text is read as a record. */
#include "model/names.h"

#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autofree char *label = names_label (text);
  g_autofree char *name = names_record (label, 7010000000201);
  uint64_t id = 0;

  if (names_read (text, &id) == NAME_RECORD)
    g_assert_cmpuint (id, >, 0);
  g_assert_cmpuint (strlen (label), <=, NAMES_LABEL_MAX);
  g_assert_true (g_utf8_validate (name, -1, NULL) && strchr (name, '/') == NULL);
  g_assert_cmpint (names_read (name, &id), ==, NAME_RECORD);
  g_assert_cmpuint (id, ==, 7010000000201);
  return 0;
}
