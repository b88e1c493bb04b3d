/* Values of fields: when two are the same, and how one goes to Zoho. Pure; any thread.
 *
 * @field may be NULL everywhere: then the value is taken as plain JSON. */
#pragma once

#include "model/fields.h"

/* Missing (NULL), null, "" and [] are the same nothing; of a picklist "-None-" is too. */
bool value_is_empty (const Field *field, const json_t *value);

/* Do @a and @b mean the same? Numbers by value, times by instant, lookups by id (a renamed record is the same record),
 * tags and several picks in any order, objects in any order of keys. */
bool value_equal (const Field *field, const json_t *a, const json_t *b);

/* Is @value what is left of @original (or the same) when a program reads and writes it without touching it? Most hold
 * numbers as doubles, so of 1234567890123456.78 they write 1234567890123456.8: that is no change of the user's. */
bool value_echoes (const Field *field, const json_t *value, const json_t *original);

/* As a body of POST or PUT takes it: null when empty, lookups as {"id"} alone, big integers as strings, whole numbers
 * without a point; all other numbers keep their digits. Not for rows, links and tags. A new reference. */
json_t *value_wire (const Field *field, const json_t *value);

/* @value on one line for a message, cut at a bounded length. To g_free(). */
char *value_quote (const json_t *value);

/* The text at "id" of an object, or NULL. Borrowed. */
const char *value_id (const json_t *value);

/* The values of @key in all objects of @from (const json_t *) that have it, borrowed. To g_ptr_array_unref(). */
GPtrArray *values_at (const GPtrArray *from, const char *key);

/* Is @value the same as one of @values (const json_t *)? */
bool equals_any (const Field *field, const json_t *value, const GPtrArray *values);
bool echoes_any (const Field *field, const json_t *value, const GPtrArray *values);

/* The item of array @rows whose "id" is @id, or NULL. Borrowed. */
const json_t *row_with_id (const json_t *rows, const char *id);

/* Are tags @a and @b one? By id where both have one, else by name in any case. */
bool value_same_tag (const json_t *a, const json_t *b);

/* A number of any length taken apart: 0.digits * 10^point, without leading and trailing zeros. */
typedef struct
{
  const char *start, *end; /* its digits, with a '.' somewhere or not */
  int64_t count;           /* of digits; 0: the number is 0 */
  int64_t point;           /* digits in front of the point; negative: zeros after it */
  bool negative;
  char own[32]; /* backs start and end for 64-bit integers */
} Decimal;

/* Returns: false when @value is no number. @decimal must stay where it is, and live no longer than @value. */
bool decimal_read (const json_t *value, Decimal *decimal);
bool decimal_equal (const Decimal *a, const Decimal *b);
/* How many digits it needs after the point. */
int64_t decimal_places (const Decimal *decimal);
