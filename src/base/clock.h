/* Time, which tests can stop. Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_SECOND_US INT64_C (1000000)

/* Microseconds of a clock that never jumps; for TTLs and deadlines. */
int64_t clock_now_us (void);

/* Seconds since 1970, for stamps people read. */
int64_t clock_wall_s (void);

/* Tests only: stops both clocks at @monotonic_us and @wall_s; clock_advance() moves them. */
void clock_freeze (int64_t monotonic_us, int64_t wall_s);
void clock_advance (int64_t by_us);
void clock_thaw (void);

/* Parses Zoho's "2026-03-02T10:00:00+02:00" (also with "Z", also with fractions, which are cut)
 * to seconds since 1970. Returns: false when @text is nothing of the kind. */
bool clock_parse_time (const char *text, int64_t *seconds);

/* The form Zoho takes: "2026-03-02T10:00:00+00:00". @out holds 26 bytes. */
#define CLOCK_TIME_SIZE 26
void clock_format_time (int64_t seconds, char out[static CLOCK_TIME_SIZE]);
