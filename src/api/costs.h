/* What each program has cost: calls and credits since the start. Any thread. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#define COSTS_NAMES_MAX 32   /* told by name; the rest is told together */
#define COSTS_PROGRAM_SIZE 16

typedef struct Costs Costs;

typedef struct
{
  char program[COSTS_PROGRAM_SIZE]; /* UTF-8 without control characters; "others": all that have no row of their own */
  uint64_t calls, credits;
} Cost;

Costs *costs_new (void);
void costs_add (Costs *costs, const char *program, unsigned credits);

/* The most expensive first, then "others" where there are any. Returns: how many. */
size_t costs_list (Costs *costs, Cost list[COSTS_NAMES_MAX + 1]);

/* NULL is fine. */
void costs_free (Costs *costs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Costs, costs_free)
