/* The three-way comparison of whole documents, field by field. */
#include "model/patch_private.h"

#include "model/value.h"

#include <string.h>

/* Neither sent nor named when changed: the id is the file's, and Modified_Time names the base. */
static bool
is_silent (const char *key)
{
  return key[0] == '$' || strcmp (key, "id") == 0 || strcmp (key, "Modified_Time") == 0;
}

/* ---- comparing ---- */

/* Has nobody else changed the field since the text was read? */
static bool
is_untouched (const Diff *diff, const Field *field, const GPtrArray *before, const json_t *theirs)
{
  const json_t *answer = json_object_get (diff->base->answer, field->name);
  const json_t *seen = json_object_get (diff->base->seen, field->name);

  if (answer != NULL && value_equal (field, theirs, answer))
    return true;
  return seen != NULL ? value_equal (field, theirs, seen) : equals_any (field, theirs, before);
}

static void
diff_value (Diff *diff, const Field *field, const GPtrArray *before, const json_t *yours, const json_t *theirs)
{
  if (echoes_any (field, yours, before) || value_equal (field, yours, theirs))
    return;
  if (!field->updatable)
    diff_ignore (diff, field->name);
  else if (!is_untouched (diff, field, before, theirs))
    diff_conflict (diff, field, field->name, before->pdata[0], yours, theirs);
  else
    json_object_set_new (diff->update, field->name, value_wire (field, yours));
}

static void
diff_field (Diff *diff, const Field *field, const json_t *yours)
{
  g_autoptr (GPtrArray) before = values_at (diff->base->texts, field->name);
  g_autoptr (json_t) none = json_null ();
  const json_t *theirs = json_object_get (diff->current, field->name);

  if (theirs == NULL)
    theirs = none;
  if (before->len == 0)
    g_ptr_array_add (before, (gpointer)theirs);
  if (field->kind == FIELD_TAGS)
    diff_tags (diff, before, yours, theirs);
  else if (field->kind == FIELD_ROWS && field->updatable)
    diff_rows (diff, field, before, json_object_get (diff->base->answer, field->name), yours, theirs);
  else if (field->kind == FIELD_LINKS && field->updatable)
    diff_links (diff, field, before, yours, theirs);
  else
    diff_value (diff, field, before, yours, theirs);
}

/* A key that is no field (any more). */
static void
diff_unknown (Diff *diff, const char *key, const json_t *yours)
{
  g_autoptr (GPtrArray) before = values_at (diff->base->texts, key);

  if (!equals_any (NULL, yours, before))
    diff_ignore (diff, key);
}

/* The module that What_Id of @text points into: what the user wrote, rather than what stood there before. */
static const json_t *
se_module_of (const json_t *text, const GPtrArray *bases, const json_t *current)
{
  const json_t *module = json_object_get (json_object_get (text, "What_Id"), "module");
  const json_t *written = json_object_get (text, "$se_module");
  g_autoptr (GPtrArray) before = bases != NULL ? values_at (bases, "$se_module") : g_ptr_array_new ();

  if (json_is_object (module))
    module = json_object_get (module, "api_name");
  if (!value_is_empty (NULL, written) && !equals_any (NULL, written, before))
    return written;
  if (json_text (module) != NULL)
    return module;
  return !value_is_empty (NULL, written) ? written : json_object_get (current, "$se_module");
}

/* Its module goes along with What_Id; of a module alone nothing can be made. */
static void
diff_se_module (Diff *diff)
{
  const json_t *what = json_object_get (diff->update, "What_Id");
  const json_t *written = json_object_get (diff->text, "$se_module");
  const json_t *module = se_module_of (diff->text, diff->base->texts, diff->current);
  g_autoptr (GPtrArray) before = values_at (diff->base->texts, "$se_module");

  if (what != NULL && !json_is_null (what) && !value_is_empty (NULL, module))
    json_object_set_new (diff->update, "$se_module", json_deep_copy (module));
  else if (what == NULL && written != NULL && !equals_any (NULL, written, before)
           && !value_equal (NULL, written, json_object_get (diff->current, "$se_module")))
    diff_ignore (diff, "$se_module");
}

/* ---- the result ---- */

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Takes @names over. */
static char **
sorted_names (GPtrArray *names)
{
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (names, FALSE);
}

static char **
names_sent (const Patch *patch)
{
  GPtrArray *names = g_ptr_array_new ();
  const char *key;
  json_t *value;

  json_object_foreach (patch->update, key, value)
    if (key[0] != '$')
      g_ptr_array_add (names, g_strdup (key));
  if (patch->tags_add != NULL || patch->tags_remove != NULL)
    g_ptr_array_add (names, g_strdup ("Tag"));
  return sorted_names (names);
}

/* @value, or NULL (and it is freed) when it is an empty object or array. */
static json_t *
unless_empty (json_t *value)
{
  if (json_object_size (value) + json_array_size (value) > 0)
    return value;
  json_decref (value);
  return NULL;
}

static Patch *
finish (Diff *diff)
{
  Patch *patch = g_new0 (Patch, 1);

  patch->conflicts = unless_empty (diff->conflicts);
  if (patch->conflicts != NULL)
    {
      patch->kind = PATCH_CONFLICT;
      json_decref (diff->update);
      json_decref (diff->tags_add);
      json_decref (diff->tags_remove);
    }
  else
    {
      patch->update = unless_empty (diff->update);
      patch->tags_add = unless_empty (diff->tags_add);
      patch->tags_remove = unless_empty (diff->tags_remove);
      patch->rows = diff->rows;
    }
  patch->ignored = sorted_names (diff->ignored);
  patch->fields = names_sent (patch);
  if (patch->kind != PATCH_CONFLICT)
    patch->kind = patch->fields[0] != NULL ? PATCH_SEND : PATCH_NOTHING;
  return patch;
}

Patch *
patch_make (const FieldSet *fields, const MergeBase *base, const json_t *text, const json_t *current)
{
  Diff diff = { .fields = fields,
                .base = base,
                .text = text,
                .current = current,
                .update = json_object (),
                .tags_add = json_array (),
                .tags_remove = json_array (),
                .conflicts = json_array (),
                .ignored = g_ptr_array_new () };
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)text, key, value)
    {
      const Field *field = field_set_find (fields, key);

      if (is_silent (key))
        continue;
      if (field != NULL)
        diff_field (&diff, field, value);
      else
        diff_unknown (&diff, key, value);
    }
  diff_se_module (&diff);
  return finish (&diff);
}

char *
patch_explain (const Patch *patch)
{
  const json_t *first = json_array_get (patch->conflicts, 0);
  size_t more = json_array_size (patch->conflicts) > 1 ? json_array_size (patch->conflicts) - 1 : 0;
  g_autofree char *yours = value_quote (json_object_get (first, "yours"));
  g_autofree char *theirs = value_quote (json_object_get (first, "theirs"));
  g_autofree char *others = more > 0 ? g_strdup_printf (" (and %zu more)", more) : g_strdup ("");

  return g_strdup_printf ("%s was changed on the server since the text was read: you wrote %s, there is now %s%s; "
                          "nothing was sent, so read the file again and repeat the change",
                          json_get_text (first, "path"), yours, theirs, others);
}

void
patch_free (Patch *patch)
{
  if (patch == NULL)
    return;
  json_decref (patch->update);
  json_decref (patch->tags_add);
  json_decref (patch->tags_remove);
  json_decref (patch->conflicts);
  g_strfreev (patch->fields);
  g_strfreev (patch->ignored);
  g_free (patch);
}

/* ---- the mirror ---- */

/* Does @row have every value that @sent has? */
static bool
row_says (const FieldSet *fields, const json_t *sent, const json_t *row)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)sent, key, value)
    if (!value_equal (field_set_find (fields, key), value, json_object_get (row, key)))
      return false;
  return true;
}

/* Is there a row in @after that is not in @before, and not in @used, with what @sent says? Then it is used. */
static bool
is_added (const FieldSet *fields, const json_t *sent, const json_t *before, const json_t *after, GHashTable *used)
{
  for (size_t i = 0; i < json_array_size (after); i++)
    {
      const json_t *row = json_array_get (after, i);
      const char *id = value_id (row);

      if (id != NULL && row_with_id (before, id) == NULL && row_says (fields, sent, row)
          && g_hash_table_add (used, (gpointer)id))
        return true;
    }
  return false;
}

static bool
rows_are_there (const Field *field, const json_t *sent, const json_t *before, const json_t *after)
{
  g_autoptr (GHashTable) used = g_hash_table_new (g_str_hash, g_str_equal);

  for (size_t i = 0; i < json_array_size (sent); i++)
    {
      const json_t *row = json_array_get (sent, i);
      const json_t *now = value_id (row) != NULL ? row_with_id (after, value_id (row)) : NULL;
      bool removal = json_object_get (row, "_delete") != NULL;

      if (value_id (row) == NULL ? !is_added (field->rows, row, before, after, used)
          : removal              ? now != NULL
                                 : now == NULL || !row_says (field->rows, row, now))
        return false;
    }
  return true;
}

static bool
tags_are (const json_t *tags, const json_t *after, bool there)
{
  for (size_t i = 0; i < json_array_size (tags); i++)
    {
      bool found = false;

      for (size_t j = 0; j < json_array_size (after) && !found; j++)
        found = value_same_tag (json_array_get (tags, i), json_array_get (after, j));
      if (found != there)
        return false;
    }
  return true;
}

/* A cleared check box reads back as false. */
static bool
value_is_there (const Field *field, const json_t *sent, const json_t *after)
{
  if (field->kind == FIELD_BOOLEAN && !json_is_true (sent))
    return !json_is_true (after);
  return value_equal (field, sent, after);
}

char **
patch_differences (const FieldSet *fields, const Patch *patch, const json_t *before, const json_t *after)
{
  const json_t *tags = json_object_get (after, "Tag");
  GPtrArray *names = g_ptr_array_new ();
  const char *key;
  json_t *value;

  json_object_foreach (patch->update, key, value)
    {
      const Field *field = field_set_find (fields, key);
      const json_t *now = json_object_get (after, key);
      bool rows = field != NULL && (field->kind == FIELD_ROWS || field->kind == FIELD_LINKS);

      if (field == NULL)
        continue;
      if (rows ? !rows_are_there (field, value, json_object_get (before, key), now)
               : !value_is_there (field, value, now))
        g_ptr_array_add (names, g_strdup (key));
    }
  if (!tags_are (patch->tags_add, tags, true) || !tags_are (patch->tags_remove, tags, false))
    g_ptr_array_add (names, g_strdup ("Tag"));
  return sorted_names (names);
}

json_t *
patch_answer (const Patch *patch, const json_t *after)
{
  json_t *answer = json_object ();

  for (char **name = patch->fields; *name != NULL; name++)
    {
      const json_t *value = json_object_get (after, *name);

      if (value != NULL)
        json_object_set_new (answer, *name, json_deep_copy (value));
    }
  return answer;
}

/* ---- creating ---- */

static json_t *
rows_wire (const Field *field, const json_t *rows)
{
  json_t *wire = json_array ();

  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      const json_t *row = json_array_get (rows, i);
      const char *target = field->kind == FIELD_LINKS ? link_target (field, row) : NULL;

      if (field->kind == FIELD_TAGS && json_get_text (row, "name") != NULL)
        json_array_append_new (wire, tag_wire (row));
      else if (field->kind == FIELD_ROWS)
        json_array_append_new (wire, row_wire (field->rows, row));
      else if (target != NULL)
        json_array_append_new (wire, link_wire (field, target));
    }
  return wire;
}

json_t *
patch_create (const FieldSet *fields, const json_t *text, char ***ignored)
{
  json_t *record = json_object ();
  GPtrArray *left_out = g_ptr_array_new ();
  const json_t *module = se_module_of (text, NULL, NULL);
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)text, key, value)
    {
      const Field *field = field_set_find (fields, key);
      bool many
          = field != NULL && (field->kind == FIELD_TAGS || field->kind == FIELD_ROWS || field->kind == FIELD_LINKS);

      if (key[0] == '$' || strcmp (key, "id") == 0 || value_is_empty (field, value))
        continue;
      if (field == NULL || !field->creatable)
        g_ptr_array_add (left_out, g_strdup (key));
      else
        json_object_set_new (record, key, many ? rows_wire (field, value) : value_wire (field, value));
    }
  if (json_object_get (record, "What_Id") != NULL && !value_is_empty (NULL, module))
    json_object_set_new (record, "$se_module", json_deep_copy (module));
  if (ignored != NULL)
    *ignored = sorted_names (left_out);
  else
    g_strfreev (sorted_names (left_out));
  return record;
}
