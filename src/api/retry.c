/* Whether and when to try again. */
#include "api/retry.h"

#include "base/clock.h"

#include <glib.h>

/* Those who are busy say so on purpose and are asked until the deadline; what is broken or gone is soon given up, since
 * somebody waits who can often do with what is cached. */
#define TRIES_MAX 6
#define BOUND_MAX_US (30 * CLOCK_SECOND_US)

static int64_t
first_bound_us (RetryCause cause)
{
  switch (cause)
    {
    case RETRY_LOST:
      return CLOCK_SECOND_US / 10;
    case RETRY_BROKEN:
      return CLOCK_SECOND_US / 4;
    case RETRY_BUSY:
      return CLOCK_SECOND_US;
    }
  return CLOCK_SECOND_US;
}

static int64_t
spread (int64_t bound_us, uint32_t dice)
{
  return (int64_t)((double)bound_us * dice / UINT32_MAX);
}

int64_t
retry_delay (const RetryQuestion *question)
{
  int64_t bound_us = first_bound_us (question->cause) << MIN (question->tries - 1, 16);
  int64_t delay_us = spread (MIN (bound_us, BOUND_MAX_US), question->dice);

  /* 429 says that nothing was done, so it may be repeated even where twice would be wrong. */
  if (question->once && question->sent && question->cause != RETRY_BUSY)
    return -1;
  if (question->cause != RETRY_BUSY && question->tries >= TRIES_MAX)
    return -1;
  if (question->hint_us >= 0)
    delay_us = question->hint_us + spread (question->hint_us / 4, question->dice);
  return delay_us < question->deadline_us - question->now_us ? delay_us : -1;
}
