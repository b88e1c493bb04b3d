/* Words for people, as an error. */
#include "app/refuse.h"

#include "base/error.h"

bool
refuse (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_propagate_error (error, g_error_new_valist (ZOHO_ERROR, ZOHO_ERROR_INVALID, format, arguments));
  va_end (arguments);
  return false;
}
