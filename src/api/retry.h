/* Whether and when to try again. Pure: no clock, no dice, no network. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum
{
  RETRY_LOST,   /* no connection, or it broke before the answer was whole */
  RETRY_BROKEN, /* 5xx */
  RETRY_BUSY    /* 429 */
} RetryCause;

typedef struct
{
  RetryCause cause;
  unsigned tries;  /* made so far, >= 1 */
  bool once;       /* not idempotent */
  bool sent;       /* a byte of the last try may have gone out */
  int64_t hint_us; /* what Retry-After asks for, -1: it was absent */
  int64_t now_us, deadline_us;
  uint32_t dice; /* any number, evenly spread */
} RetryQuestion;

/* Returns: microseconds to wait before the next try, or -1: give up with the last error. Full jitter under a bound that
 * doubles, so that callers who failed together do not come back together; never past the deadline. */
int64_t retry_delay (const RetryQuestion *question);

/* How long all calls wait after the last of @refusals 429s in a row: full jitter as above, but never next to
 * nothing, so that a minute of refusals has a bounded number of tries. @hint_us as above; it counts up to five
 * minutes. */
int64_t retry_pause (unsigned refusals, int64_t hint_us, uint32_t dice);
