/* A core file would hold tokens and customer data, and so would the memory that a debugger of the same user reads. */
#include "app/privacy.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#if defined __SANITIZE_ADDRESS__
#define UNDER_ADDRESS_SANITIZER 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define UNDER_ADDRESS_SANITIZER 1
#endif
#endif

void
privacy_guard (void)
{
  struct rlimit none = { 0, 0 };

  setrlimit (RLIMIT_CORE, &none);
#ifndef UNDER_ADDRESS_SANITIZER /* whose search for leaks attaches to us like a debugger */
  prctl (PR_SET_DUMPABLE, 0);
#endif
}
