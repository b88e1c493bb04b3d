/* The Damerau-Levenshtein distance (its restricted form: no letter takes part in two slips), for error messages that
 * name the word that was meant. */
#include "base/nearest.h"

#include <glib.h>
#include <string.h>

#define WORD_MAX 64

static size_t
least (size_t a, size_t b, size_t c)
{
  return MIN (MIN (a, b), c);
}

size_t
nearest_distance (const char *a, const char *b)
{
  size_t rows = strlen (a), columns = strlen (b);
  size_t cost[WORD_MAX + 1][WORD_MAX + 1];

  if (rows > WORD_MAX || columns > WORD_MAX)
    return MAX (rows, columns);
  for (size_t i = 0; i <= rows; i++)
    cost[i][0] = i;
  for (size_t j = 0; j <= columns; j++)
    cost[0][j] = j;
  for (size_t i = 1; i <= rows; i++)
    for (size_t j = 1; j <= columns; j++)
      {
        cost[i][j] = least (cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
          cost[i][j] = MIN (cost[i][j], cost[i - 2][j - 2] + 1);
      }
  return cost[rows][columns];
}

const char *
nearest_word (const char *word, const char *const *known)
{
  g_autofree char *folded = g_ascii_strdown (word, -1);
  size_t best_distance = MAX (strlen (word) / 2, 1) + 1;
  const char *best = NULL;

  for (; *known != NULL; known++)
    {
      g_autofree char *folded_known = g_ascii_strdown (*known, -1);
      size_t distance = nearest_distance (folded, folded_known);

      if (distance >= best_distance)
        continue;
      best_distance = distance;
      best = *known;
    }
  return best;
}
