/* The rows of a subform, three ways.
 *
 * Rows are told apart by id. A row of the text without an id that anyone knows is *fresh*. Most fresh rows are new
 * ones, but a text saved a second time from the same buffer holds them as well: then the base, the text saved before,
 * has the same fresh rows, and Zoho has given them ids meanwhile. So fresh rows of the text are paired with those of
 * the base, and those are found among the server's rows by what they say. */
#include "model/patch_private.h"

#include "model/value.h"

#include <string.h>

typedef struct
{
  Diff *diff;
  const Field *field;
  const GPtrArray *before; /* const json_t *: the arrays (or null) of the bases, at least one */
  const json_t *answer, *yours, *theirs;
  GHashTable *mentioned; /* id -> const json_t *: the row of the text that is about it */
  GHashTable *was_fresh; /* id -> const json_t *: that row in the base, where it had no id yet */
  GHashTable *taken;     /* set of ids: rows of the server that a fresh row is the same as */
  GHashTable *dropped;   /* set of ids: rows whose fresh row in the base is gone in the text */
  GPtrArray *fresh;      /* const json_t *: rows of the text; in the end those to add */
  json_t *rows;          /* to send */
  size_t changes;
} Rows;

static bool
in_some_base (const Rows *rows, const char *id)
{
  for (guint i = 0; i < rows->before->len; i++)
    if (row_with_id (rows->before->pdata[i], id) != NULL)
      return true;
  return false;
}

static bool
in_all_bases (const Rows *rows, const char *id)
{
  for (guint i = 0; i < rows->before->len; i++)
    if (row_with_id (rows->before->pdata[i], id) == NULL)
      return false;
  return true;
}

static bool
is_known (const Rows *rows, const char *id)
{
  return id != NULL && (in_some_base (rows, id) || row_with_id (rows->theirs, id) != NULL);
}

static bool
same_rows (const FieldSet *fields, const json_t *a, const json_t *b)
{
  return row_covers (fields, a, b) && row_covers (fields, b, a);
}

static void
sort_out (Rows *rows)
{
  for (size_t i = 0; i < json_array_size (rows->yours); i++)
    {
      json_t *row = json_array_get (rows->yours, i);
      const char *id = value_id (row);

      if (!is_known (rows, id))
        g_ptr_array_add (rows->fresh, row);
      else if (!g_hash_table_contains (rows->mentioned, id))
        g_hash_table_insert (rows->mentioned, (gpointer)id, row);
    }
}

static bool
is_free (const Rows *rows, const char *id)
{
  return id != NULL && !g_hash_table_contains (rows->mentioned, id) && !g_hash_table_contains (rows->taken, id)
         && !g_hash_table_contains (rows->dropped, id);
}

/* The id of a row added on the server since the bases that says what fresh row @row says, or NULL. */
static const char *
find_added (const Rows *rows, const json_t *row)
{
  for (size_t i = 0; i < json_array_size (rows->theirs); i++)
    {
      const json_t *other = json_array_get (rows->theirs, i);
      const char *id = value_id (other);

      if (is_free (rows, id) && !in_some_base (rows, id) && row_covers (rows->field->rows, row, other))
        return id;
    }
  return NULL;
}

/* The id of a row of the bases that the text does not mention, and that is the same as fresh row @row, or NULL. */
static const char *
find_unmentioned (const Rows *rows, const json_t *row)
{
  const json_t *first = rows->before->pdata[0];

  for (size_t i = 0; i < json_array_size (first); i++)
    {
      const json_t *other = json_array_get (first, i);
      const char *id = value_id (other);

      if (is_free (rows, id) && in_all_bases (rows, id) && same_rows (rows->field->rows, row, other))
        return id;
    }
  return NULL;
}

/* Rows without an id in the first base: all have the same ones, since only a text saved here has any. */
static GPtrArray *
fresh_before (const Rows *rows)
{
  GPtrArray *fresh = g_ptr_array_new ();
  const json_t *first = rows->before->pdata[0];

  for (size_t i = 0; i < json_array_size (first); i++)
    if (value_id (json_array_get (first, i)) == NULL)
      g_ptr_array_add (fresh, json_array_get (first, i));
  return fresh;
}

/* Fresh rows that are in base and text alike: nothing to do for them. */
static void
pair_same (Rows *rows, GPtrArray *before)
{
  for (guint i = 0; i < before->len;)
    {
      const char *id;
      guint j = 0;

      while (j < rows->fresh->len && !same_rows (rows->field->rows, rows->fresh->pdata[j], before->pdata[i]))
        j++;
      if (j == rows->fresh->len)
        {
          i++;
          continue;
        }
      id = find_added (rows, before->pdata[i]);
      if (id != NULL)
        g_hash_table_add (rows->taken, (gpointer)id);
      g_ptr_array_remove_index (rows->fresh, j);
      g_ptr_array_remove_index (before, i);
    }
}

/* The user changed (@row) or removed (NULL) a row that was fresh in the base. */
static void
follow_fresh (Rows *rows, json_t *row, json_t *before)
{
  g_autofree char *path = g_strdup_printf ("%s[new]", rows->field->name);
  const char *id = find_added (rows, before);

  if (id == NULL && row != NULL)
    diff_conflict (rows->diff, rows->field, path, before, row, NULL);
  if (id == NULL)
    return;
  if (row == NULL)
    {
      g_hash_table_add (rows->dropped, (gpointer)id);
      return;
    }
  g_hash_table_insert (rows->mentioned, (gpointer)id, row);
  g_hash_table_insert (rows->was_fresh, (gpointer)id, before);
}

static void
pair_fresh (Rows *rows)
{
  g_autoptr (GPtrArray) before = fresh_before (rows);

  pair_same (rows, before);
  for (guint i = 0; i < before->len; i++)
    {
      follow_fresh (rows, rows->fresh->len > 0 ? rows->fresh->pdata[0] : NULL, before->pdata[i]);
      if (rows->fresh->len > 0)
        g_ptr_array_remove_index (rows->fresh, 0);
    }
}

/* Fresh rows that are rows of the base without their ids. */
static void
match_unmentioned (Rows *rows)
{
  for (guint i = 0; i < rows->fresh->len;)
    {
      json_t *row = rows->fresh->pdata[i];
      const char *id = find_unmentioned (rows, row);

      if (id == NULL)
        {
          i++;
          continue;
        }
      g_hash_table_insert (rows->mentioned, (gpointer)id, row);
      g_ptr_array_remove_index (rows->fresh, i);
    }
}

/* Fresh rows that are there already, or say nothing. What stays in rows->fresh is really new. */
static void
match_added (Rows *rows)
{
  for (guint i = 0; i < rows->fresh->len;)
    {
      json_t *row = rows->fresh->pdata[i];
      g_autoptr (json_t) wire = row_wire (rows->field->rows, row);
      const char *id = json_object_size (wire) > 0 ? find_added (rows, row) : NULL;

      if (id == NULL && json_object_size (wire) > 0)
        {
          i++;
          continue;
        }
      if (id != NULL)
        g_hash_table_add (rows->taken, (gpointer)id);
      g_ptr_array_remove_index (rows->fresh, i);
    }
}

/* The row @id in the bases, as they had it. */
static GPtrArray *
row_before (const Rows *rows, const char *id)
{
  GPtrArray *found = g_ptr_array_new ();
  gpointer fresh = g_hash_table_lookup (rows->was_fresh, id);

  if (fresh != NULL)
    {
      g_ptr_array_add (found, fresh);
      return found;
    }
  for (guint i = 0; i < rows->before->len; i++)
    {
      const json_t *row = row_with_id (rows->before->pdata[i], id);

      if (row != NULL)
        g_ptr_array_add (found, (gpointer)row);
    }
  return found;
}

/* As the user has seen it, or may have; and as our own last save left it. */
static GPtrArray *
row_seen (const Rows *rows, const char *id)
{
  const json_t *known = row_with_id (json_object_get (rows->diff->base->seen, rows->field->name), id);
  const json_t *answered = row_with_id (rows->answer, id);
  GPtrArray *seen = known == NULL ? row_before (rows, id) : g_ptr_array_new ();

  if (known != NULL)
    g_ptr_array_add (seen, (gpointer)known);
  if (answered != NULL)
    g_ptr_array_add (seen, (gpointer)answered);
  return seen;
}

/* The keys of @yours that the user changed, into @wire. @theirs may be NULL: the row is gone. */
static void
changed_keys (Rows *rows, const char *id, const json_t *yours, const json_t *theirs, json_t *wire)
{
  g_autoptr (GPtrArray) before = row_before (rows, id);
  const FieldSet *fields = rows->field->rows;
  const char *key;
  json_t *value;

  if (before->len == 0 && theirs != NULL)
    g_ptr_array_add (before, (gpointer)theirs);
  json_object_foreach ((json_t *)yours, key, value)
    {
      const Field *field = field_set_find (fields, key);
      g_autoptr (GPtrArray) values = values_at (before, key);
      g_autofree char *path = g_strdup_printf ("%s[%s].%s", rows->field->name, id, key);
      const json_t *now = json_object_get (theirs, key);

      if (values->len == 0)
        g_ptr_array_add (values, (gpointer)now);
      if (key[0] == '$' || strcmp (key, "id") == 0 || echoes_any (field, value, values)
          || (theirs != NULL && value_equal (field, value, now)))
        continue;
      if (row_key (fields, key))
        json_object_set_new (wire, key, value_wire (field, value));
      else
        diff_ignore (rows->diff, path);
    }
}

/* Notes what of @theirs somebody else changed that @yours says otherwise. Returns: is there anything? */
static bool
note_conflicts (Rows *rows, const char *id, const json_t *yours, const json_t *theirs)
{
  g_autoptr (GPtrArray) seen = row_seen (rows, id);
  const FieldSet *fields = rows->field->rows;
  bool found = false;
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)yours, key, value)
    {
      const Field *field = field_set_find (fields, key);
      g_autoptr (GPtrArray) values = values_at (seen, key);
      g_autofree char *path = g_strdup_printf ("%s[%s].%s", rows->field->name, id, key);
      const json_t *now = json_object_get (theirs, key);

      if (!row_key (fields, key) || values->len == 0 || equals_any (field, now, values)
          || value_equal (field, value, now))
        continue;
      diff_conflict (rows->diff, rows->field, path, values->pdata[0], value, now);
      found = true;
    }
  return found;
}

static void
edit_row (Rows *rows, const char *id, const json_t *yours, const json_t *theirs)
{
  g_autoptr (json_t) wire = row_bare (id);

  changed_keys (rows, id, yours, theirs, wire);
  if (json_object_size (wire) > 1)
    {
      if (note_conflicts (rows, id, yours, theirs))
        return;
      rows->changes++;
    }
  json_array_append (rows->rows, wire);
}

/* Has somebody else changed row @theirs since? */
static bool
is_changed (const Rows *rows, const char *id, const json_t *theirs)
{
  g_autoptr (GPtrArray) seen = row_seen (rows, id);

  for (guint i = 0; i < seen->len; i++)
    if (same_rows (rows->field->rows, seen->pdata[i], theirs))
      return false;
  return seen->len > 0;
}

static void
remove_row (Rows *rows, const char *id, const json_t *theirs)
{
  g_autofree char *path = g_strdup_printf ("%s[%s]", rows->field->name, id);

  if (is_changed (rows, id, theirs))
    {
      diff_conflict (rows->diff, rows->field, path, row_with_id (rows->before->pdata[0], id), NULL, theirs);
      return;
    }
  json_array_append_new (rows->rows, row_removal (id));
  rows->changes++;
}

static void
go_through_theirs (Rows *rows)
{
  for (size_t i = 0; i < json_array_size (rows->theirs); i++)
    {
      const json_t *theirs = json_array_get (rows->theirs, i);
      const char *id = value_id (theirs);
      const json_t *yours = id != NULL ? g_hash_table_lookup (rows->mentioned, id) : NULL;

      if (id == NULL)
        continue;
      if (yours != NULL)
        edit_row (rows, id, yours, theirs);
      else if (g_hash_table_contains (rows->dropped, id) || in_all_bases (rows, id))
        remove_row (rows, id, theirs);
      else
        json_array_append_new (rows->rows, row_bare (id));
    }
}

/* Rows somebody else removed: gone, unless the user changed them. */
static void
go_through_gone (Rows *rows)
{
  for (size_t i = 0; i < json_array_size (rows->yours); i++)
    {
      const json_t *yours = json_array_get (rows->yours, i);
      const char *id = value_id (yours);
      g_autofree char *path = g_strdup_printf ("%s[%s]", rows->field->name, id);
      g_autoptr (json_t) wire = json_object ();

      if (id == NULL || !in_some_base (rows, id) || row_with_id (rows->theirs, id) != NULL)
        continue;
      changed_keys (rows, id, yours, NULL, wire);
      if (json_object_size (wire) > 0)
        diff_conflict (rows->diff, rows->field, path, row_with_id (rows->before->pdata[0], id), yours, NULL);
    }
}

void
diff_rows (Diff *diff, const Field *field, const GPtrArray *before, const json_t *answer, const json_t *yours,
           const json_t *theirs)
{
  g_autoptr (GHashTable) mentioned = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) was_fresh = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) dropped = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) fresh = g_ptr_array_new ();
  g_autoptr (json_t) out = json_array ();
  Rows rows = { .diff = diff,
                .field = field,
                .before = before,
                .answer = answer,
                .yours = yours,
                .theirs = theirs,
                .mentioned = mentioned,
                .was_fresh = was_fresh,
                .taken = taken,
                .dropped = dropped,
                .fresh = fresh,
                .rows = out };

  sort_out (&rows);
  pair_fresh (&rows);
  match_unmentioned (&rows);
  match_added (&rows);
  go_through_theirs (&rows);
  go_through_gone (&rows);
  for (guint i = 0; i < fresh->len; i++)
    json_array_append_new (out, row_wire (field->rows, fresh->pdata[i]));
  if (rows.changes + fresh->len == 0)
    return;
  json_object_set (diff->update, field->name, out);
  diff->rows = true;
}
