/* The error domain and the names of its codes. */
#include "base/error.h"

#include <stdatomic.h>

/* Not G_DEFINE_QUARK: its once-guard is plain memory to ThreadSanitizer. */
GQuark
zoho_error_quark (void)
{
  static _Atomic GQuark quark;
  GQuark known = atomic_load (&quark);

  if (known == 0)
    {
      known = g_quark_from_static_string ("zohofs-error-quark");
      atomic_store (&quark, known);
    }
  return known;
}

const char *
zoho_error_name (ZohoError code)
{
  switch (code) /* no default: the compiler names a forgotten code */
    {
    case ZOHO_ERROR_FAILED:
      return "failed";
    case ZOHO_ERROR_NOT_FOUND:
      return "not-found";
    case ZOHO_ERROR_DENIED:
      return "denied";
    case ZOHO_ERROR_FORBIDDEN:
      return "forbidden";
    case ZOHO_ERROR_INVALID:
      return "invalid";
    case ZOHO_ERROR_CHANGED:
      return "changed";
    case ZOHO_ERROR_DUPLICATE:
      return "duplicate";
    case ZOHO_ERROR_SPENT:
      return "spent";
    case ZOHO_ERROR_TOO_LARGE:
      return "too-large";
    case ZOHO_ERROR_SIGNED_OUT:
      return "signed-out";
    case ZOHO_ERROR_UNREACHABLE:
      return "unreachable";
    case ZOHO_ERROR_TIMED_OUT:
      return "timed-out";
    case ZOHO_ERROR_READ_ONLY:
      return "read-only";
    case ZOHO_ERROR_CANCELLED:
      return "cancelled";
    case ZOHO_ERROR_UNCLEAR:
      return "unclear";
    case ZOHO_ERROR_NO_SPACE:
      return "no-space";
    }
  return "failed";
}
