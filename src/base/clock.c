/* Time, which tests can stop. */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static atomic_bool frozen;
static _Atomic int64_t frozen_us;
static _Atomic int64_t frozen_wall_us;

int64_t
clock_now_us (void)
{
  struct timespec now;

  if (atomic_load (&frozen))
    return atomic_load (&frozen_us);
  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * CLOCK_SECOND_US + now.tv_nsec / 1000;
}

int64_t
clock_wall_s (void)
{
  if (atomic_load (&frozen))
    return atomic_load (&frozen_wall_us) / CLOCK_SECOND_US;
  return time (NULL);
}

void
clock_freeze (int64_t monotonic_us, int64_t wall_s)
{
  atomic_store (&frozen_us, monotonic_us);
  atomic_store (&frozen_wall_us, wall_s * CLOCK_SECOND_US);
  atomic_store (&frozen, true);
}

void
clock_advance (int64_t by_us)
{
  atomic_fetch_add (&frozen_us, by_us);
  atomic_fetch_add (&frozen_wall_us, by_us);
}

void
clock_thaw (void)
{
  atomic_store (&frozen, false);
}

/* The @width digits at @text as a number within bounds, or -1. */
static int
digits (const char *text, int width, int least, int most)
{
  int value = 0;

  for (int i = 0; i < width; i++)
    {
      if (text[i] < '0' || text[i] > '9')
        return -1;
      value = value * 10 + (text[i] - '0');
    }
  return value < least || value > most ? -1 : value;
}

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t
days_from_civil (int64_t year, int month, int day)
{
  int64_t shifted = month <= 2 ? year - 1 : year;
  int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
  int64_t year_of_era = shifted - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

  return era * 146097 + day_of_era - 719468;
}

bool
clock_parse_time (const char *text, int64_t *seconds)
{
  int year, month, day, hour, minute, second, sign, zone_hour, zone_minute;

  if (text == NULL || strnlen (text, 20) < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T'
      || text[13] != ':' || text[16] != ':')
    return false;
  year = digits (text, 4, 1, 9999);
  month = digits (text + 5, 2, 1, 12);
  day = digits (text + 8, 2, 1, 31);
  hour = digits (text + 11, 2, 0, 23);
  minute = digits (text + 14, 2, 0, 59);
  second = digits (text + 17, 2, 0, 60);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0)
    return false;
  *seconds = days_from_civil (year, month, day) * 86400 + hour * 3600 + minute * 60 + second;

  text += 19;
  if (*text == '.')
    for (text++; *text >= '0' && *text <= '9';)
      text++;
  if (strcmp (text, "Z") == 0)
    return true;
  sign = *text == '+' ? 1 : *text == '-' ? -1 : 0;
  if (sign == 0 || strlen (text) != 6 || text[3] != ':')
    return false;
  zone_hour = digits (text + 1, 2, 0, 23);
  zone_minute = digits (text + 4, 2, 0, 59);
  if (zone_hour < 0 || zone_minute < 0)
    return false;
  *seconds -= sign * (zone_hour * 3600 + zone_minute * 60);
  return true;
}

void
clock_format_time (int64_t seconds, char out[static CLOCK_TIME_SIZE])
{
  time_t when = seconds;
  struct tm parts;

  if (gmtime_r (&when, &parts) == NULL || parts.tm_year < -1899 || parts.tm_year > 8099)
    gmtime_r (&(time_t){ 0 }, &parts);
  strftime (out, CLOCK_TIME_SIZE, "%Y-%m-%dT%H:%M:%S+00:00", &parts);
}
