/* Where generated records stand: their ids and times, whose rows they are, what they point at. All of it can be
 * computed in both directions, so neither a page in the middle nor the rows of a record need a search.
 *
 * A module's ids lie in a block of its own, three apart with gaps. Rows repeat a pattern of sixteen parents; row j of
 * parent p has the id block + 512 p + j. Both times grow with the index. */
#include "core.h"

#include <string.h>

#define MODIFIED_BASE 1767225600 /* 2026-01-01 */
#define CREATED_BASE 1748736000  /* 2025-06-01 */

enum
{
  PATTERN = 16,
  ROW_SPACING = 512,
  STEP_SECONDS = 5,
  NOTES_EACH = 3,
  WHAT_KINDS = 4
};

static const struct
{
  const char *field; /* of the parent */
  unsigned counts[PATTERN];
} patterns[] = {
  { "Milestones", { 0, 1, 3, 0, 2, 5, 0, 1, 25, 0, 2, 110, 1, 0, 4, 2 } },
  { "Team_Contacts", { 0, 1, 2, 0, 3, 5, 1, 0, 8, 0, 2, 1, 103, 0, 4, 1 } },
  { "Members", { 0, 1, 2, 0, 3, 8, 1, 0, 2, 0, 2, 1, 5, 0, 4, 1 } },
  { "", { 2, 0, 3, 1, 5, 0, 2, 4, 1, 120, 0, 3, 2, 7, 0, 1 } },
};

uint64_t
mix (uint64_t a, uint64_t b)
{
  uint64_t x = a * UINT64_C (0x9e3779b97f4a7c15) + b + UINT64_C (0x632be59bd9b4e019);

  x = (x ^ (x >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C (0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static uint64_t
block_of (const Module *module)
{
  return FIRST_ID + (module_number (module) + 1) * UINT64_C (10000000000) + 1000;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Row modules: the counts of the pattern. @cap: links cannot be more than there is to link with. */
static const unsigned *
pattern_of (const Module *rows)
{
  unsigned i = 0;

  while (i < G_N_ELEMENTS (patterns) - 1 && strcmp (patterns[i].field, rows->parent_field) != 0)
    i++;
  return patterns[i].counts;
}

static uint64_t
pattern_total (const Module *rows)
{
  const unsigned *counts = pattern_of (rows);
  uint64_t total = 0;

  for (unsigned i = 0; i < PATTERN; i++)
    total += counts[i];
  return total;
}

/* How many rows the first @parents parents have. */
static uint64_t
rows_before (const Module *rows, uint64_t parents)
{
  const unsigned *counts = pattern_of (rows);
  uint64_t sum = parents / PATTERN * pattern_total (rows);

  for (unsigned i = 0; i < parents % PATTERN; i++)
    sum += counts[i];
  return sum;
}

static void
row_place (const Module *rows, uint64_t k, uint64_t *parent, uint64_t *j)
{
  const unsigned *counts = pattern_of (rows);
  uint64_t total = pattern_total (rows);
  uint64_t rest = k % total;
  unsigned i = 0;

  while (rest >= counts[i])
    rest -= counts[i++];
  *parent = k / total * PATTERN + i;
  *j = rest;
}

void
generate_count_rows (Emulator *emulator)
{
  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      Module *rows = emulator->modules->pdata[i];
      const Module *parent = rows->parent == NULL ? NULL : schema_module (emulator, rows->parent);
      const Field *far = strcmp (rows->generated_type, "linking") == 0 ? module_far_lookup (rows) : NULL;
      const Module *target = far == NULL || far->target == NULL ? NULL : schema_module (emulator, far->target);

      if (parent == NULL)
        continue;
      rows->generated = rows_before (rows, parent->generated);
      if (target != NULL && target->generated < 103) /* the longest row of links needs so many different records */
        rows->generated = 0;
    }
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

static bool
can_have_notes (const Module *module)
{
  return module->generated > 0 && module->parent == NULL && strcmp (module->status, "visible") == 0;
}

/* How a module's notes are spread over its records. */
typedef struct
{
  unsigned kinds; /* modules with notes */
  unsigned kind;  /* this one's place among them */
  uint64_t notes; /* of this module */
  uint64_t each;  /* at most so many on a record */
  uint64_t slots; /* records with notes */
  uint64_t stride;
} Spread;

/* Of @module, or of the @kind-th one (@module NULL). Returns: the module; NULL: none. */
static const Module *
spread_of (Emulator *emulator, const Module *notes, const Module *module, unsigned kind, Spread *spread)
{
  const Module *found = NULL;

  *spread = (Spread){ 0 };
  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      const Module *other = emulator->modules->pdata[i];

      if (!can_have_notes (other))
        continue;
      if (other == module || (module == NULL && spread->kinds == kind))
        {
          found = other;
          spread->kind = spread->kinds;
        }
      spread->kinds++;
    }
  if (found == NULL)
    return NULL;
  spread->notes = (notes->generated + spread->kinds - 1 - spread->kind) / spread->kinds;
  spread->each = MAX (NOTES_EACH, (spread->notes + found->generated - 1) / found->generated);
  spread->slots = (spread->notes + spread->each - 1) / spread->each;
  spread->stride = spread->slots == 0 ? 1 : MAX (1, found->generated / spread->slots);
  return found;
}

static unsigned
count_kinds (Emulator *emulator)
{
  unsigned kinds = 0;

  for (unsigned i = 0; i < emulator->modules->len; i++)
    kinds += can_have_notes (emulator->modules->pdata[i]);
  return kinds;
}

bool
generate_parent (Emulator *emulator, const Module *rows, uint64_t k, const Module **parent, uint64_t *parent_k)
{
  Spread spread;
  uint64_t j;
  unsigned kinds;

  if (rows->parent != NULL)
    {
      *parent = schema_module (emulator, rows->parent);
      row_place (rows, k, parent_k, &j);
      return *parent != NULL;
    }
  if (strcmp (rows->api_name, "Notes") != 0)
    return false;
  kinds = count_kinds (emulator);
  *parent = kinds == 0 ? NULL : spread_of (emulator, rows, NULL, (unsigned) (k % kinds), &spread);
  if (*parent == NULL)
    return false;
  *parent_k = k / kinds / spread.each * spread.stride;
  return true;
}

uint64_t
generate_rows (Emulator *emulator, const Module *rows, const Module *parent, uint64_t parent_k, uint64_t *first,
               uint64_t *step)
{
  Spread spread;
  uint64_t slot;

  *step = 1;
  *first = 0;
  if (rows->generated == 0)
    return 0;
  if (rows->parent != NULL)
    {
      *first = rows_before (rows, parent_k);
      return pattern_of (rows)[parent_k % PATTERN];
    }
  if (strcmp (rows->api_name, "Notes") != 0 || spread_of (emulator, rows, parent, 0, &spread) == NULL)
    return 0;
  slot = parent_k / spread.stride;
  if (parent_k % spread.stride != 0 || slot >= spread.slots)
    return 0;
  *first = slot * spread.each * spread.kinds + spread.kind;
  *step = spread.kinds;
  return MIN (spread.each, spread.notes - slot * spread.each);
}

/* ---- ids and times ----------------------------------------------------------------------------------------------- */

uint64_t
generate_id (const Module *module, uint64_t k)
{
  uint64_t parent, j;

  if (module->parent == NULL)
    return block_of (module) + 3 * k + mix (module_number (module), k) % 3;
  row_place (module, k, &parent, &j);
  return block_of (module) + parent * ROW_SPACING + j;
}

bool
generate_index (const Module *module, uint64_t id, uint64_t *k)
{
  uint64_t block = block_of (module);
  uint64_t parent;

  if (id < block)
    return false;
  if (module->parent == NULL)
    {
      *k = (id - block) / 3;
      return *k < module->generated && generate_id (module, *k) == id;
    }
  parent = (id - block) / ROW_SPACING;
  *k = parent > MOST_RECORDS ? module->generated : rows_before (module, parent) + (id - block) % ROW_SPACING;
  return *k < module->generated && (id - block) % ROW_SPACING < pattern_of (module)[parent % PATTERN];
}

static time_t
time_of (const Module *module, uint64_t k, time_t base)
{
  uint64_t j;

  if (module->parent != NULL)
    row_place (module, k, &k, &j);
  return base + (time_t) (k * STEP_SECONDS + mix (k, 7) % STEP_SECONDS);
}

time_t
generate_created (const Module *module, uint64_t k)
{
  return time_of (module, k, CREATED_BASE);
}

time_t
generate_modified (const Module *module, uint64_t k)
{
  return time_of (module, k, MODIFIED_BASE);
}

uint64_t
generate_after (const Module *module, time_t time)
{
  uint64_t low = 0;
  uint64_t high = module->generated;

  while (low < high)
    {
      uint64_t middle = low + (high - low) / 2;

      if (generate_modified (module, middle) <= time)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/* ---- lookups ----------------------------------------------------------------------------------------------------- */

static uint64_t
offset_of (const Module *module, const Field *field, uint64_t targets)
{
  uint64_t id = 0;

  parse_id (field->id, &id);
  return (id % 1000 * 11 + module_number (module)) % targets;
}

/* What a record's What_Id points into. */
static const Module *
what_module (Emulator *emulator, uint64_t kind)
{
  static const char *const names[] = { "Accounts", "Deals", "Leads" };
  const Module *module = kind < G_N_ELEMENTS (names) ? schema_module (emulator, names[kind]) : NULL;

  return module == NULL || module->generated == 0 ? NULL : module;
}

bool
generate_target (Emulator *emulator, const Module *module, uint64_t k, const Field *field, const Module **target,
                 uint64_t *target_k)
{
  bool multi = strcmp (field->data_type, "multi_module_lookup") == 0;

  if (strcmp (field->api_name, "Parent_Id") == 0
      || (module->parent != NULL && g_strcmp0 (field->target, module->parent) == 0))
    return generate_parent (emulator, module, k, target, target_k);
  *target = multi                   ? what_module (emulator, k % WHAT_KINDS)
            : field->target == NULL ? NULL
                                    : schema_module (emulator, field->target);
  if (*target == NULL || (*target)->generated == 0)
    return false;
  if (!multi && module->parent == NULL && !field->mandatory && k % 7 == 3)
    return false;
  *target_k = ((multi ? k / WHAT_KINDS : k) + offset_of (module, field, (*target)->generated)) % (*target)->generated;
  return true;
}

bool
generate_children (Emulator *emulator, const Module *module, const Field *field, const Module *target,
                   uint64_t target_k, uint64_t *first, uint64_t *step)
{
  uint64_t count = target->generated;
  uint64_t start;

  if (count == 0 || target_k >= count)
    return false;
  start = (target_k + count - offset_of (module, field, count)) % count;
  *first = start;
  *step = count;
  if (strcmp (field->data_type, "multi_module_lookup") != 0)
    return true;
  for (uint64_t kind = 0; kind < WHAT_KINDS; kind++)
    {
      if (what_module (emulator, kind) != target)
        continue;
      *first = start * WHAT_KINDS + kind;
      *step = count * WHAT_KINDS;
      return true;
    }
  return false;
}
