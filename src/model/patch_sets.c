/* Links and tags: sets, of which each side adds and removes members. */
#include "model/patch_private.h"

#include "model/value.h"

/* ---- links: members are told apart by the record they lead to ---- */

static bool
links_to (const Field *field, const json_t *rows, const char *target)
{
  for (size_t i = 0; i < json_array_size (rows); i++)
    if (g_strcmp0 (link_target (field, json_array_get (rows, i)), target) == 0)
      return true;
  return false;
}

/* Where row @row of the text leads to; a bare {"id"} leads where that row led before. */
static const char *
text_target (const Field *field, const json_t *row, const GPtrArray *before, const json_t *theirs)
{
  const json_t *known = NULL;

  if (link_target (field, row) != NULL || value_id (row) == NULL)
    return link_target (field, row);
  for (guint i = 0; i < before->len && known == NULL; i++)
    known = row_with_id (before->pdata[i], value_id (row));
  return link_target (field, known != NULL ? known : row_with_id (theirs, value_id (row)));
}

static bool
in_any_base (const Field *field, const GPtrArray *before, const char *target)
{
  for (guint i = 0; i < before->len; i++)
    if (links_to (field, before->pdata[i], target))
      return true;
  return false;
}

static bool
in_all_bases (const Field *field, const GPtrArray *before, const char *target)
{
  for (guint i = 0; i < before->len; i++)
    if (!links_to (field, before->pdata[i], target))
      return false;
  return true;
}

/* The set of records that the text links to. */
static GHashTable *
wanted_targets (const Field *field, const GPtrArray *before, const json_t *yours, const json_t *theirs)
{
  GHashTable *wanted = g_hash_table_new (g_str_hash, g_str_equal);

  for (size_t i = 0; i < json_array_size (yours); i++)
    {
      const char *target = text_target (field, json_array_get (yours, i), before, theirs);

      if (target != NULL)
        g_hash_table_add (wanted, (gpointer)target);
    }
  return wanted;
}

/* Each wanted target the user added that is not there yet, in the order of the text. */
static size_t
add_links (const Field *field, const GPtrArray *before, const json_t *yours, const json_t *theirs, GHashTable *wanted,
           json_t *rows)
{
  size_t added = 0;

  for (size_t i = 0; i < json_array_size (yours); i++)
    {
      const char *target = text_target (field, json_array_get (yours, i), before, theirs);

      if (target == NULL || !g_hash_table_remove (wanted, target) || in_any_base (field, before, target)
          || links_to (field, theirs, target))
        continue;
      json_array_append_new (rows, link_wire (field, target));
      added++;
    }
  return added;
}

void
diff_links (Diff *diff, const Field *field, const GPtrArray *before, const json_t *yours, const json_t *theirs)
{
  g_autoptr (GHashTable) wanted = wanted_targets (field, before, yours, theirs);
  g_autoptr (json_t) rows = json_array ();
  size_t changes = 0;

  for (size_t i = 0; i < json_array_size (theirs); i++)
    {
      const json_t *row = json_array_get (theirs, i);
      const char *target = link_target (field, row), *id = value_id (row);
      bool removed = target != NULL && !g_hash_table_contains (wanted, target) && in_all_bases (field, before, target);

      if (id == NULL)
        continue;
      json_array_append_new (rows, removed ? row_removal (id) : row_bare (id));
      changes += removed;
    }
  changes += add_links (field, before, yours, theirs, wanted, rows);
  if (changes == 0)
    return;
  json_object_set (diff->update, field->name, rows);
  diff->rows = true;
}

/* ---- tags ---- */

static const json_t *
find_tag (const json_t *tags, const json_t *tag)
{
  for (size_t i = 0; i < json_array_size (tags); i++)
    if (value_same_tag (json_array_get (tags, i), tag))
      return json_array_get (tags, i);
  return NULL;
}

static guint
count_bases_with (const GPtrArray *before, const json_t *tag)
{
  guint count = 0;

  for (guint i = 0; i < before->len; i++)
    count += find_tag (before->pdata[i], tag) != NULL;
  return count;
}

void
diff_tags (Diff *diff, const GPtrArray *before, const json_t *yours, const json_t *theirs)
{
  for (size_t i = 0; i < json_array_size (yours); i++)
    {
      const json_t *tag = json_array_get (yours, i);

      if (json_get_text (tag, "name") != NULL && count_bases_with (before, tag) == 0 && find_tag (theirs, tag) == NULL
          && find_tag (diff->tags_add, tag) == NULL)
        json_array_append_new (diff->tags_add, tag_wire (tag));
    }
  for (size_t i = 0; i < json_array_size (theirs); i++)
    {
      const json_t *tag = json_array_get (theirs, i);

      if (json_get_text (tag, "name") != NULL && find_tag (yours, tag) == NULL
          && count_bases_with (before, tag) == before->len)
        json_array_append_new (diff->tags_remove, tag_wire (tag));
    }
}
