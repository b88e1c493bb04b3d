/* Whether and when to try again. */
#include "api/retry.h"

#include "base/clock.h"

#include <glib.h>

/* Those who are busy say so on purpose and are asked until the deadline; what is broken or gone is soon given up, since
 * somebody waits who can often do with what is cached. */
#define TRIES_MAX 6
#define BOUND_MAX_US (30 * CLOCK_SECOND_US)

/* The least pause of all calls: a quarter of the bound, up to this. So there are at most 20 tries in a minute of
 * refusals, and four on average. */
#define PAUSE_LEAST_US (3 * CLOCK_SECOND_US)
#define HINT_MAX_US (300 * CLOCK_SECOND_US)

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

static int64_t
bound_after (RetryCause cause, unsigned tries)
{
  return MIN (first_bound_us (cause) << MIN (tries - 1, 16), BOUND_MAX_US);
}

int64_t
retry_delay (const RetryQuestion *question)
{
  int64_t delay_us = spread (bound_after (question->cause, question->tries), question->dice);

  /* 429 says that nothing was done, so it may be repeated even where twice would be wrong. */
  if (question->once && question->sent && question->cause != RETRY_BUSY)
    return -1;
  if (question->cause != RETRY_BUSY && question->tries >= TRIES_MAX)
    return -1;
  if (question->hint_us >= 0)
    delay_us = question->hint_us + spread (question->hint_us / 4, question->dice);
  return delay_us < question->deadline_us - question->now_us ? delay_us : -1;
}

int64_t
retry_pause (unsigned refusals, int64_t hint_us, uint32_t dice)
{
  int64_t bound_us = bound_after (RETRY_BUSY, refusals);

  hint_us = MIN (hint_us, HINT_MAX_US);
  if (hint_us >= 0)
    return hint_us + spread (hint_us / 4, dice);
  return MAX (spread (bound_us, dice), MIN (bound_us / 4, PAUSE_LEAST_US));
}
