/* The small parts of a comparison: values in several bases, what is noted, rows as they are sent. */
#include "model/patch_private.h"

#include "model/value.h"

#include <string.h>

void
diff_ignore (Diff *diff, const char *path)
{
  g_ptr_array_add (diff->ignored, g_strdup (path));
}

static void
set_value (json_t *object, const char *key, const json_t *value)
{
  json_object_set_new (object, key, value != NULL ? json_deep_copy (value) : json_null ());
}

void
diff_conflict (Diff *diff, const Field *field, const char *path, const json_t *base, const json_t *yours,
               const json_t *theirs)
{
  json_t *conflict;

  if (json_array_size (diff->conflicts) >= PATCH_CONFLICTS_MAX)
    return;
  conflict = json_object ();
  json_object_set_new (conflict, "field", json_from_text (field->name));
  json_object_set_new (conflict, "path", json_from_text (path));
  set_value (conflict, "base", base);
  set_value (conflict, "yours", yours);
  set_value (conflict, "theirs", theirs);
  json_array_append_new (diff->conflicts, conflict);
}

bool
row_key (const FieldSet *fields, const char *key)
{
  const Field *field = field_set_find (fields, key);

  if (strcmp (key, "id") == 0 || key[0] == '$')
    return false;
  return fields == NULL || (field != NULL && field->updatable);
}

bool
row_covers (const FieldSet *fields, const json_t *asked, const json_t *row)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)asked, key, value)
    {
      const Field *field = field_set_find (fields, key);

      if (row_key (fields, key) && !value_is_empty (field, value)
          && !value_equal (field, value, json_object_get (row, key)))
        return false;
    }
  return true;
}

json_t *
row_wire (const FieldSet *fields, const json_t *row)
{
  json_t *wire = json_object ();
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)row, key, value)
    {
      const Field *field = field_set_find (fields, key);

      if (row_key (fields, key) && (field == NULL || field->creatable) && !value_is_empty (field, value))
        json_object_set_new (wire, key, value_wire (field, value));
    }
  return wire;
}

json_t *
row_bare (const char *id)
{
  json_t *row = json_object ();

  json_object_set_new (row, "id", json_from_text (id));
  return row;
}

json_t *
row_removal (const char *id)
{
  json_t *row = row_bare (id);

  json_object_set_new (row, "_delete", json_null ());
  return row;
}

const char *
link_target (const Field *field, const json_t *row)
{
  return value_id (json_object_get (row, field->link));
}

json_t *
link_wire (const Field *field, const char *id)
{
  json_t *row = json_object ();

  json_object_set_new (row, field->link, row_bare (id));
  return row;
}

json_t *
tag_wire (const json_t *tag)
{
  json_t *wire = json_object ();

  json_object_set_new (wire, "name", json_from_text (json_get_text (tag, "name")));
  return wire;
}
