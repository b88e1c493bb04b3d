/* Follows a dotted path of field names from one record to the value at its end.
 *
 * Ids are not reused across modules, so a lookup into several modules needs no check of which one it points into: the
 * record is simply not found in the others. */
#include "path.h"

#include <string.h>

enum
{
  MOST_SEGMENTS = 3
};

static void
hop_clear (gpointer data)
{
  g_free (((Hop *) data)->key);
}

static void
add_hop (Path *path, const Module *source, const char *key)
{
  Hop hop = { source, g_strdup (key) };

  g_array_append_val (path->hops, hop);
}

static bool
points_at_user (const Field *field)
{
  return strcmp (field->data_type, "ownerlookup") == 0 || strcmp (field->data_type, "userlookup") == 0
         || g_strcmp0 (field->target, "Users") == 0;
}

/* The module that @field leads to; @named: written after "->", or NULL. */
static const Module *
lookup_target (Emulator *emulator, const Field *field, const char *named, char **bad_module)
{
  const Module *target;

  if (points_at_user (field))
    return named == NULL ? &source_users : NULL;
  if (named == NULL)
    return strcmp (field->data_type, "lookup") == 0 && field->target != NULL ? source_find (emulator, field->target)
                                                                              : NULL;
  if (strcmp (field->data_type, "lookup") != 0 && strcmp (field->data_type, "multi_module_lookup") != 0)
    return NULL;
  target = source_find (emulator, named);
  if (target == NULL)
    *bad_module = g_strdup (named);
  return target;
}

/* A property inside the object that is there already: {"name","id"} of a role, a profile, a layout. */
static bool
end_inside (Path *path, const char *key)
{
  path->kind = strcmp (key, "id") == 0 ? KIND_LOOKUP : KIND_TEXT;
  path->field = NULL;
  add_hop (path, NULL, key);
  return strcmp (key, "id") == 0 || strcmp (key, "name") == 0;
}

/* @segments: what is left, the first one a property of a user. */
static bool
walk_user (Path *path, char **segments)
{
  path->module = &source_users;
  path->field = NULL;
  add_hop (path, &source_users, segments[0]);
  if (strstr (segments[0], "->") != NULL || !user_property (segments[0], &path->kind))
    return false;
  if (segments[1] == NULL)
    return true;
  return path->kind == KIND_LOOKUP && segments[2] == NULL && end_inside (path, segments[1]);
}

static bool
end_at_field (Emulator *emulator, Path *path, const Module *module, const char *key)
{
  const Field *field = module_field (module, key);

  add_hop (path, module, key);
  path->module = module;
  path->field = field;
  if (strcmp (key, "id") == 0)
    path->kind = KIND_ID;
  else if (field == NULL || !field->visible)
    return false;
  else
    path->kind = scalar_kind (emulator, module, field);
  return true;
}

static bool
walk (Emulator *emulator, Path *path, const Module *module, char **segments, char **bad_module)
{
  g_auto (GStrv) arrow = NULL;
  const Field *field;
  const Module *target;

  if (module == &source_users)
    return walk_user (path, segments);
  if (segments[1] == NULL)
    return end_at_field (emulator, path, module, segments[0]);
  arrow = g_strsplit (segments[0], "->", 2);
  field = arrow[0] == NULL ? NULL : module_field (module, arrow[0]);
  if (field == NULL || !field->visible)
    return false;
  add_hop (path, module, arrow[0]);
  path->module = module;
  if (strcmp (field->data_type, "layout") == 0)
    return segments[2] == NULL && end_inside (path, segments[1]);
  target = lookup_target (emulator, field, arrow[1], bad_module);
  return target != NULL && walk (emulator, path, target, segments + 1, bad_module);
}

Path *
path_new (Emulator *emulator, const Module *from, const char *text, char **bad_module)
{
  g_autoptr (Path) path = g_new0 (Path, 1);
  g_auto (GStrv) segments = g_strsplit (text, ".", MOST_SEGMENTS + 2);
  char **first = segments;

  *bad_module = NULL;
  path->text = g_strdup (text);
  path->hops = g_array_new (FALSE, FALSE, sizeof (Hop));
  g_array_set_clear_func (path->hops, hop_clear);
  if (*text == '!')
    {
      if (strcmp (first[0] + 1, from->api_name) != 0)
        {
          *bad_module = g_strdup (first[0] + 1);
          return NULL;
        }
      first++;
    }
  if (*first == NULL || g_strv_length (first) > MOST_SEGMENTS || !walk (emulator, path, from, first, bad_module))
    return NULL;
  return g_steal_pointer (&path);
}

const char *
path_root (const Path *path)
{
  return g_array_index (path->hops, Hop, 0).key;
}

bool
path_is_own (const Path *path, const char *key)
{
  return path->hops->len == 1 && strcmp (path_root (path), key) == 0;
}

bool
path_is_own_id (const Path *path)
{
  return path_is_own (path, "id");
}

/* The record that @value points at, with @hop's key. */
static json_t *
follow (Emulator *emulator, const Hop *hop, const json_t *value)
{
  char *fields[] = { hop->key, NULL };
  const char *text = json_string_value (json_object_get (value, "id"));
  uint64_t id;

  if (text == NULL || !parse_id (text, &id))
    return NULL;
  return source_get (emulator, hop->source, id, fields);
}

json_t *
path_value (Emulator *emulator, const Path *path, const json_t *record)
{
  json_auto_t *value = json_incref (json_object_get (record, path_root (path)));

  for (unsigned i = 1; i < path->hops->len && value != NULL; i++)
    {
      const Hop *hop = &g_array_index (path->hops, Hop, i);
      json_auto_t *next = hop->source == NULL ? json_incref (value) : follow (emulator, hop, value);

      json_decref (value);
      value = json_incref (json_object_get (next, hop->key));
    }
  return value == NULL ? json_null () : g_steal_pointer (&value);
}

void
path_scalar (Emulator *emulator, const Path *path, const json_t *record, Scalar *scalar)
{
  json_auto_t *value = NULL;

  if (path->hops->len == 1)
    {
      scalar_read (path->kind, json_object_get (record, path_root (path)), scalar);
      return;
    }
  value = path_value (emulator, path, record);
  scalar_read (path->kind, value, scalar);
}

void
path_free (Path *path)
{
  if (path == NULL)
    return;
  g_free (path->text);
  g_array_unref (path->hops);
  g_free (path);
}
