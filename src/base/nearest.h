/* What a mistyped word was probably meant to be. Pure. */
#pragma once

#include <stddef.h>

/* The word of @known (ended by NULL) fewest typing slips away from @word: a wrong, missing, extra or swapped letter
 * each; case is none. Returns: NULL when none is near enough to be meant. Borrowed from @known. */
const char *nearest_word (const char *word, const char *const *known);

/* How many slips turn @a into @b; big for words over 64 bytes. */
size_t nearest_distance (const char *a, const char *b);
