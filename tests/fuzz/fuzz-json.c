/* base/json.h: whatever is parsed is written and parsed again to the same bytes. */
#include "base/json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (json_t) value = json_parse ((const char *)data, size, NULL), again = NULL;
  g_autoptr (GString) first = g_string_new (NULL), second = g_string_new (NULL);

  if (value == NULL)
    return 0;
  json_write (value, first);
  again = json_parse (first->str, first->len, NULL);
  g_assert_nonnull (again);
  json_write (again, second);
  g_assert_cmpint (first->len, ==, second->len);
  g_assert_true (memcmp (first->str, second->str, first->len) == 0);
  return 0;
}
