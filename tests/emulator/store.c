/* Records: what is generated, unless it was changed; and all changing of them. Rows of subforms and links are records
 * of their own modules; the record itself is kept without them and put together when asked for. */
#include <string.h>

#include "overlay.h"

enum
{
  BIN_DAYS = 60,
  FORGET_DAYS = 120
};

typedef struct
{
  StoreListener listener;
  void *data;
} Listener;

void
store_start (Emulator *emulator)
{
  emulator->next_id = FIRST_NEW_ID;
  emulator->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
  for (unsigned i = 0; i < emulator->modules->len; i++)
    ((Module *) emulator->modules->pdata[i])->overlay = overlay_new ();
}

void
store_stop (Emulator *emulator)
{
  for (unsigned i = 0; i < emulator->modules->len; i++)
    overlay_free (((Module *) emulator->modules->pdata[i])->overlay);
  g_array_unref (emulator->listeners);
}

void
store_listen (Emulator *emulator, StoreListener listener, void *data)
{
  Listener entry = { listener, data };

  g_array_append_val (emulator->listeners, entry);
}

static void
tell (Emulator *emulator, Module *module, const char *operation, uint64_t id, json_t *changed)
{
  for (unsigned i = 0; i < emulator->listeners->len; i++)
    {
      const Listener *entry = &g_array_index (emulator->listeners, Listener, i);

      entry->listener (emulator, module, operation, id, changed, entry->data);
    }
}

bool
parse_id (const char *text, uint64_t *id)
{
  size_t length = text == NULL ? 0 : strlen (text);

  if (length < 1 || length > 19 || strspn (text, "0123456789") != length)
    return false;
  *id = g_ascii_strtoull (text, NULL, 10);
  return true;
}

char *
format_id (uint64_t id, char out[static 24])
{
  g_snprintf (out, 24, "%" G_GUINT64_FORMAT, id);
  return out;
}

/* ---- looking up -------------------------------------------------------------------------------------------------- */

json_t *
store_edited (const Module *module, uint64_t id)
{
  const Entry *entry = overlay_entry (module->overlay, id);

  return entry != NULL && entry->live ? entry->record : NULL;
}

bool
store_has_changes (const Module *module)
{
  return g_hash_table_size (module->overlay->entries) > 0;
}

bool
store_exists (Emulator *emulator, const Module *module, uint64_t id)
{
  const Entry *entry = overlay_entry (module->overlay, id);
  uint64_t k;

  return entry != NULL ? entry->live : generate_index (module, id, &k);
}

bool
store_converted (const Module *module, uint64_t id)
{
  const Entry *entry = overlay_entry (module->overlay, id);

  return entry != NULL && entry->converted;
}

bool
store_hidden (const Module *module, uint64_t id)
{
  const Entry *entry = overlay_entry (module->overlay, id);

  return entry != NULL && entry->hidden;
}

uint64_t
store_count_unlisted (const Module *module)
{
  return module->overlay->unlisted;
}

time_t
store_modified (Emulator *emulator, const Module *module, uint64_t id)
{
  const Entry *entry = overlay_entry (module->overlay, id);
  uint64_t k;

  if (entry != NULL)
    return entry->modified;
  return generate_index (module, id, &k) ? generate_modified (module, k) : 0;
}

/* A generated record's fields as a tree. @names: NULL: all. */
static json_t *
generated_tree (Emulator *emulator, const Module *module, uint64_t id, uint64_t k, char *const *names)
{
  g_autoptr (GString) text = g_string_sized_new (1024);

  g_string_append_printf (text, "{\"id\":\"%" G_GUINT64_FORMAT "\"", id);
  for (unsigned i = 1; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];

      if (!field->visible || field_is_deep (field)
          || (names != NULL && !g_strv_contains ((const char *const *) names, field->api_name)))
        continue;
      g_string_append_printf (text, ",\"%s\":", field->api_name);
      generate_value (emulator, module, k, field, text, true);
    }
  g_string_append_c (text, '}');
  return json_loadb (text->str, text->len, 0, NULL);
}

static bool
is_shown (const Module *module, const char *key)
{
  const Field *field = module_field (module, key);

  return *key == '$' || (field != NULL && field->visible && !field_is_deep (field));
}

/* Fields added or shown since the record was kept are null in it. */
static json_t *
kept_tree (const Module *module, const json_t *record, char *const *names)
{
  json_t *tree = json_object ();
  const char *key;
  json_t *value;

  json_object_set (tree, "id", json_object_get (record, "id"));
  for (unsigned i = 1; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];

      if (is_shown (module, field->api_name)
          && (names == NULL || g_strv_contains ((const char *const *) names, field->api_name)))
        json_object_set_new (tree, field->api_name, json_null ());
    }
  json_object_foreach ((json_t *) record, key, value)
    {
      if (is_shown (module, key) && (names == NULL || g_strv_contains ((const char *const *) names, key)))
        json_object_set_new (tree, key, json_deep_copy (value));
    }
  return tree;
}

/* Dead records too, if they were kept. */
static json_t *
tree_of (Emulator *emulator, const Module *module, uint64_t id, char *const *names)
{
  const Entry *entry = overlay_entry (module->overlay, id);
  uint64_t k;

  if (entry != NULL)
    return entry->record == NULL ? NULL : kept_tree (module, entry->record, names);
  return generate_index (module, id, &k) ? generated_tree (emulator, module, id, k, names) : NULL;
}

json_t *
store_get_fields (Emulator *emulator, const Module *module, uint64_t id, char *const *fields)
{
  return store_exists (emulator, module, id) ? tree_of (emulator, module, id, fields) : NULL;
}

char *
store_name (Emulator *emulator, const Module *module, uint64_t id)
{
  const json_t *kept = store_edited (module, id);
  const Field *field = module->display_field == NULL ? NULL : module_field (module, module->display_field);
  g_autoptr (GString) text = NULL;
  json_auto_t *value = NULL;
  uint64_t k;

  if (!store_exists (emulator, module, id))
    return NULL;
  if (field == NULL)
    return g_strdup ("");
  if (kept == NULL && generate_index (module, id, &k))
    {
      text = g_string_new (NULL);
      generate_value (emulator, module, k, field, text, false);
      value = json_loadb (text->str, text->len, JSON_DECODE_ANY, NULL);
      return g_strdup (json_is_string (value) ? json_string_value (value) : "");
    }
  kept = json_object_get (kept, field->api_name);
  return g_strdup (json_is_string (kept) ? json_string_value (kept) : "");
}

GArray *
store_rows (Emulator *emulator, const Module *rows, const Module *parent, uint64_t id)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  const GArray *made = overlay_rows (rows->overlay, id);
  uint64_t k, first, step;
  uint64_t count = generate_index (parent, id, &k) ? generate_rows (emulator, rows, parent, k, &first, &step) : 0;

  for (uint64_t i = 0; i < count; i++)
    {
      uint64_t row = generate_id (rows, first + i * step);

      if (store_exists (emulator, rows, row))
        g_array_append_val (ids, row);
    }
  for (unsigned i = 0; made != NULL && i < made->len; i++)
    {
      uint64_t row = g_array_index (made, uint64_t, i);

      if (store_exists (emulator, rows, row))
        g_array_append_val (ids, row);
    }
  return ids;
}

/* A row as it stands in its parent: all of a subform's, of a link only what it leads to. */
static json_t *
embedded_row (Emulator *emulator, const Module *rows, uint64_t id)
{
  const Field *far = strcmp (rows->generated_type, "linking") == 0 ? module_far_lookup (rows) : NULL;
  char *only[] = { far == NULL ? NULL : far->api_name, NULL };

  return store_get_fields (emulator, rows, id, far == NULL ? NULL : only);
}

json_t *
store_get (Emulator *emulator, const Module *module, uint64_t id)
{
  json_t *record = store_get_fields (emulator, module, id, NULL);

  for (unsigned i = 0; record != NULL && i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];
      const Module *rows = field_is_deep (field) && field->visible ? schema_module (emulator, field->target) : NULL;
      g_autoptr (GArray) ids = NULL;
      json_t *array;

      if (rows == NULL)
        continue;
      ids = store_rows (emulator, rows, module, id);
      array = json_array ();
      for (unsigned j = 0; j < ids->len; j++)
        json_array_append_new (array, embedded_row (emulator, rows, g_array_index (ids, uint64_t, j)));
      json_object_set_new (record, field->api_name, array);
    }
  return record;
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */

uint64_t
store_count (Emulator *emulator, const Module *module)
{
  return module->generated - module->overlay->dead->len + module->overlay->made->len;
}

/* The first generated index whose id is greater than @id. */
static uint64_t
index_past (const Module *module, uint64_t id)
{
  uint64_t low = 0;
  uint64_t high = module->generated;

  while (low < high)
    {
      uint64_t middle = low + (high - low) / 2;

      if (generate_id (module, middle) <= id)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static unsigned
members_before (const GArray *ids, uint64_t id)
{
  unsigned low = 0;
  unsigned high = ids->len;

  while (low < high)
    {
      unsigned middle = low + (high - low) / 2;

      if (g_array_index (ids, uint64_t, middle) < id)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static bool
is_dead (const Module *module, uint64_t k)
{
  const GArray *dead = module->overlay->dead;
  unsigned place = dead->len == 0 ? 0 : members_before (dead, k);

  return place < dead->len && g_array_index (dead, uint64_t, place) == k;
}

uint64_t
store_next (Emulator *emulator, const Module *module, uint64_t after)
{
  const GArray *made = module->overlay->made;
  uint64_t k;
  unsigned place;

  k = after == 0 ? 0 : generate_index (module, after, &k) ? k + 1 : index_past (module, after);
  while (k < module->generated && is_dead (module, k))
    k++;
  if (k < module->generated)
    return generate_id (module, k);
  place = members_before (made, after + 1);
  return place < made->len ? g_array_index (made, uint64_t, place) : 0;
}

uint64_t
store_prev (Emulator *emulator, const Module *module, uint64_t before)
{
  const GArray *made = module->overlay->made;
  unsigned place = members_before (made, before);
  uint64_t k;

  if (before == 0)
    return 0;
  if (place > 0)
    return g_array_index (made, uint64_t, place - 1);
  if (!generate_index (module, before, &k))
    k = index_past (module, before - 1);
  while (k > 0 && is_dead (module, k - 1))
    k--;
  return k == 0 ? 0 : generate_id (module, k - 1);
}

/* The @index-th generated record that is alive. */
static uint64_t
living_index (const Module *module, uint64_t index)
{
  const GArray *dead = module->overlay->dead;
  unsigned low = 0;
  unsigned high = dead->len;

  while (low < high) /* how many dead ones stand before it */
    {
      unsigned middle = low + (high - low) / 2;

      if (g_array_index (dead, uint64_t, middle) - middle <= index)
        low = middle + 1;
      else
        high = middle;
    }
  return index + low;
}

uint64_t
store_at (Emulator *emulator, const Module *module, uint64_t index, bool ascending)
{
  uint64_t count = store_count (emulator, module);
  uint64_t living = module->generated - module->overlay->dead->len;

  if (index >= count)
    return 0;
  if (!ascending)
    index = count - 1 - index;
  if (index >= living)
    return g_array_index (module->overlay->made, uint64_t, index - living);
  return generate_id (module, living_index (module, index));
}

GArray *
store_modified_since (Emulator *emulator, const Module *module, time_t time)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  WalkPoint point;
  Walk walk;

  walk_init (&walk, emulator, module, false, true, &time, NULL);
  while (walk_next (&walk, &point))
    g_array_append_val (ids, point.id);
  walk_clear (&walk);
  return ids;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  uint64_t left = *(const uint64_t *) a;
  uint64_t right = *(const uint64_t *) b;

  return left < right ? -1 : left > right;
}

GArray *
store_children (Emulator *emulator, const Module *module, const Field *field, uint64_t target)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  char wanted[24];
  uint64_t target_k, first, step;

  format_id (target, wanted);
  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      const Module *other = emulator->modules->pdata[i];
      const Module *found;
      uint64_t found_k;

      if (!generate_index (other, target, &target_k)
          || !generate_children (emulator, module, field, other, target_k, &first, &step))
        continue;
      for (uint64_t k = first; k < module->generated; k += step)
        {
          uint64_t id = generate_id (module, k);

          if (overlay_entry (module->overlay, id) == NULL
              && generate_target (emulator, module, k, field, &found, &found_k) && found == other
              && found_k == target_k)
            g_array_append_val (ids, id);
        }
    }
  for (unsigned i = 0; i < module->overlay->recent->len; i++)
    {
      uint64_t id = g_array_index (module->overlay->recent, WalkPoint, i).id;
      const json_t *value = json_object_get (store_edited (module, id), field->api_name);

      if (g_strcmp0 (json_string_value (json_object_get (value, "id")), wanted) == 0)
        g_array_append_val (ids, id);
    }
  g_array_sort (ids, compare_ids);
  return ids;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Owners are shown with their address, whoever set them. */
static void
complete_users (Emulator *emulator, const Module *module, json_t *record)
{
  for (unsigned i = 0; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];
      const json_t *value = json_object_get (record, field->api_name);
      const json_t *user = NULL;

      if (strcmp (field->data_type, "ownerlookup") == 0 || strcmp (field->data_type, "userlookup") == 0)
        user = users_find (json_string_value (json_object_get (value, "id")));
      if (user != NULL)
        json_object_set_new (record, field->api_name,
                             json_pack ("{s:O, s:O, s:O}", "name", json_object_get (user, "full_name"), "id",
                                        json_object_get (user, "id"), "email", json_object_get (user, "email")));
    }
}

/* Fields that follow from others. */
static void
compute (const Module *module, json_t *record)
{
  const char *first = json_string_value (json_object_get (record, "First_Name"));
  const char *last = json_string_value (json_object_get (record, "Last_Name"));
  const json_t *size = json_object_get (record, "Team_Size");
  g_autofree char *full
      = g_strdup_printf ("%s%s%s", first == NULL ? "" : first, first == NULL ? "" : " ", last == NULL ? "" : last);

  if (module_field (module, "Full_Name") != NULL)
    json_object_set_new (record, "Full_Name", json_string (full));
  if (module_field (module, "Double_Size") != NULL)
    json_object_set_new (record, "Double_Size",
                         json_is_integer (size) ? json_integer (2 * json_integer_value (size)) : json_null ());
}

static void
stamp (Emulator *emulator, const Module *module, json_t *record, const char *user_id, bool created)
{
  const char *user = user_id == NULL ? OTHER_ID : user_id;
  char now[32];

  format_time (emulator_now (emulator), now);
  json_object_set_new (record, "Modified_Time", json_string (now));
  if (module_field (module, "Modified_By") != NULL)
    json_object_set_new (record, "Modified_By", user_ref (emulator, user));
  if (module_field (module, "Last_Activity_Time") != NULL)
    json_object_set_new (record, "Last_Activity_Time", json_string (now));
  if (!created)
    return;
  json_object_set_new (record, "Created_Time", json_string (now));
  if (module_field (module, "Created_By") != NULL)
    json_object_set_new (record, "Created_By", user_ref (emulator, user));
}

static uint64_t
parent_id (const Module *module, const json_t *record)
{
  const Field *near = module->parent == NULL ? NULL : module_near_lookup (module);
  const json_t *parent = json_object_get (record, near == NULL ? "Parent_Id" : near->api_name);
  uint64_t id = 0;

  parse_id (json_string_value (json_object_get (parent, "id")), &id);
  return id;
}

static bool
has_parents (const Module *module)
{
  return module->parent != NULL || strcmp (module->api_name, "Notes") == 0;
}

static uint64_t
insert_plain (Emulator *emulator, Module *module, json_t *record, const char *user_id)
{
  uint64_t id = emulator->next_id++;
  char text[24];

  json_object_set_new (record, "id", json_string (format_id (id, text)));
  stamp (emulator, module, record, user_id, true);
  complete_users (emulator, module, record);
  compute (module, record);
  overlay_put (module->overlay, module, id, record, true);
  if (has_parents (module) && parent_id (module, record) != 0)
    overlay_add_row (module->overlay, parent_id (module, record), id);
  return id;
}

/* Gone for good, without a trace in the bin. */
static void
drop (Emulator *emulator, Module *module, uint64_t id)
{
  overlay_put (module->overlay, module, id, NULL, false);
}

/* @row's own keys into @kept, the record of the row. */
static void
take_row (json_t *kept, const json_t *row)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) row, key, value)
    {
      if (*key != '$' && strcmp (key, "id") != 0 && strcmp (key, "Layout") != 0)
        json_object_set (kept, key, value);
    }
}

/* Returns: the row's id. */
static uint64_t
put_row (Emulator *emulator, Module *rows, const Module *parent, uint64_t parent_id_, const json_t *row,
         const char *user_id)
{
  const Field *near = module_near_lookup (rows);
  const char *text = json_string_value (json_object_get (row, "id"));
  json_t *kept = NULL;
  uint64_t id;

  if (parse_id (text, &id) && store_exists (emulator, rows, id))
    {
      json_auto_t *before = tree_of (emulator, rows, id, NULL);

      kept = json_deep_copy (before);
      take_row (kept, row);
      if (json_equal (kept, before))
        json_decref (kept);
      else
        {
          stamp (emulator, rows, kept, user_id, false);
          complete_users (emulator, rows, kept);
          overlay_put (rows->overlay, rows, id, kept, true);
        }
      return id;
    }
  kept = json_object ();
  for (unsigned i = 1; i < rows->fields->len; i++)
    json_object_set_new (kept, ((Field *) rows->fields->pdata[i])->api_name, json_null ());
  take_row (kept, row);
  if (near != NULL)
    {
      g_autofree char *name = store_name (emulator, parent, parent_id_);
      char plain[24];

      json_object_set_new (
          kept, near->api_name,
          json_pack ("{s:s, s:s}", "name", name == NULL ? "" : name, "id", format_id (parent_id_, plain)));
    }
  return insert_plain (emulator, rows, kept, user_id);
}

static bool
contains (const GArray *ids, uint64_t id)
{
  for (unsigned i = 0; i < ids->len; i++)
    {
      if (g_array_index (ids, uint64_t, i) == id)
        return true;
    }
  return false;
}

/* The rows of @field are now @array. */
static void
put_rows (Emulator *emulator, const Module *parent, uint64_t id, const Field *field, const json_t *array,
          const char *user_id)
{
  Module *rows = schema_module (emulator, field->target);
  g_autoptr (GArray) before = rows == NULL ? NULL : store_rows (emulator, rows, parent, id);
  g_autoptr (GArray) after = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  json_t *row;
  size_t index;

  if (rows == NULL)
    return;
  json_array_foreach (array, index, row)
    {
      uint64_t row_id = put_row (emulator, rows, parent, id, row, user_id);

      g_array_append_val (after, row_id);
    }
  for (unsigned i = 0; i < before->len; i++)
    {
      if (!contains (after, g_array_index (before, uint64_t, i)))
        drop (emulator, rows, g_array_index (before, uint64_t, i));
    }
}

/* Takes the deep fields out of @record: an object of them, new. */
static json_t *
take_deep (const Module *module, json_t *record)
{
  json_t *deep = json_object ();

  for (unsigned i = 0; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];
      json_t *value = field_is_deep (field) ? json_object_get (record, field->api_name) : NULL;

      if (value == NULL)
        continue;
      json_object_set (deep, field->api_name, value);
      json_object_del (record, field->api_name);
    }
  return deep;
}

static void
put_deep (Emulator *emulator, const Module *module, uint64_t id, const json_t *deep, const char *user_id)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) deep, key, value)
    {
      if (json_is_array (value))
        put_rows (emulator, module, id, module_field (module, key), value, user_id);
    }
}

/* What is in @after and not so in @before, new. */
static json_t *
changes (const json_t *before, const json_t *after)
{
  json_t *changed = json_object ();
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) after, key, value)
    {
      if (!json_equal (json_object_get (before, key), value))
        json_object_set (changed, key, value);
    }
  return changed;
}

static uint64_t
next_autonumber (Emulator *emulator, const Module *module)
{
  return module->generated + (emulator->next_id - FIRST_NEW_ID) + 1;
}

uint64_t
store_insert (Emulator *emulator, Module *module, json_t *record, const char *user_id)
{
  json_auto_t *deep = take_deep (module, record);
  uint64_t id;

  for (unsigned i = 0; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];
      g_autofree char *number = NULL;

      if (strcmp (field->data_type, "autonumber") != 0)
        continue;
      number = g_strdup_printf ("N-%" G_GUINT64_FORMAT, next_autonumber (emulator, module));
      json_object_set_new (record, field->api_name, json_string (number));
    }
  id = insert_plain (emulator, module, record, user_id);
  put_deep (emulator, module, id, deep, user_id);
  tell (emulator, module, "insert", id, record);
  return id;
}

bool
store_hide (Emulator *emulator, Module *module, uint64_t id, bool hidden)
{
  json_t *record = store_exists (emulator, module, id) ? tree_of (emulator, module, id, NULL) : NULL;

  if (record == NULL)
    return false;
  overlay_hide (module->overlay, overlay_put (module->overlay, module, id, record, true), hidden);
  return true;
}

bool
store_update (Emulator *emulator, Module *module, uint64_t id, json_t *record, const char *user_id, bool touch)
{
  json_auto_t *before = store_get (emulator, module, id);
  json_auto_t *deep = take_deep (module, record);
  json_auto_t *changed = NULL;
  json_auto_t *deep_before = NULL;
  char text[24];

  if (before == NULL)
    {
      json_decref (record);
      return false;
    }
  deep_before = take_deep (module, before);
  json_object_set_new (record, "id", json_string (format_id (id, text)));
  complete_users (emulator, module, record);
  compute (module, record);
  changed = changes (before, record);
  json_object_update_new (changed, changes (deep_before, deep));
  if (touch)
    stamp (emulator, module, record, user_id, false);
  complete_users (emulator, module, record);
  overlay_put (module->overlay, module, id, record, true);
  put_deep (emulator, module, id, deep, user_id);
  tell (emulator, module, "update", id, changed);
  return true;
}

bool
store_set (Emulator *emulator, Module *module, uint64_t id, json_t *values, const char *by, bool touch)
{
  json_t *record = store_get (emulator, module, id);

  if (record == NULL)
    {
      json_decref (values);
      return false;
    }
  json_object_update_new (record, values);
  return store_update (emulator, module, id, record, by, touch);
}

/* ---- deleting ---------------------------------------------------------------------------------------------------- */

/* Rows and notes that are live, or went with their parent, depending on @live: all are set to the other state. */
static void
turn_rows (Emulator *emulator, const Module *parent, uint64_t id, bool live)
{
  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      Module *rows = emulator->modules->pdata[i];
      g_autoptr (GArray) ids = NULL;

      if (g_strcmp0 (rows->parent, parent->api_name) != 0 && strcmp (rows->api_name, "Notes") != 0)
        continue;
      ids = live ? g_array_new (FALSE, FALSE, sizeof (uint64_t)) : store_rows (emulator, rows, parent, id);
      if (live)
        {
          GHashTableIter iter;
          gpointer value;

          g_hash_table_iter_init (&iter, rows->overlay->entries);
          while (g_hash_table_iter_next (&iter, NULL, &value))
            {
              const Entry *entry = value;

              if (entry->with_parent && parent_id (rows, entry->record) == id)
                g_array_append_val (ids, entry->id);
            }
        }
      for (unsigned j = 0; j < ids->len; j++)
        {
          uint64_t row = g_array_index (ids, uint64_t, j);
          Entry *entry = overlay_put (rows->overlay, rows, row, tree_of (emulator, rows, row, NULL), live);

          entry->with_parent = !live;
        }
    }
}

bool
store_delete (Emulator *emulator, Module *module, uint64_t id, const char *user_id)
{
  Deleted deleted = { .id = id, .when = emulator_now (emulator) };
  json_t *record;

  if (!store_exists (emulator, module, id))
    return false;
  record = tree_of (emulator, module, id, NULL);
  deleted.display_name = store_name (emulator, module, id);
  deleted.deleted_by = g_strdup (user_id == NULL ? OTHER_ID : user_id);
  turn_rows (emulator, module, id, false);
  overlay_put (module->overlay, module, id, record, false);
  overlay_bin (module->overlay, &deleted, json_object_get (record, "Created_By"));
  tell (emulator, module, "delete", id, NULL);
  return true;
}

bool
store_restore (Emulator *emulator, Module *module, uint64_t id)
{
  const Bin *bin = overlay_binned (module->overlay, id);
  Entry *entry = overlay_entry (module->overlay, id);

  if (bin == NULL || bin->deleted.permanent || entry == NULL || entry->live || entry->record == NULL)
    return false;
  overlay_unbin (module->overlay, id);
  if (setting_on (emulator, "restore_touches"))
    stamp (emulator, module, entry->record, NULL, false);
  overlay_put (module->overlay, module, id, entry->record, true);
  turn_rows (emulator, module, id, true);
  tell (emulator, module, "insert", id, entry->record);
  return true;
}

static void
purge (Bin *bin)
{
  bin->deleted.permanent = true;
  g_clear_pointer (&bin->deleted.display_name, g_free);
}

bool
store_purge (Emulator *emulator, Module *module, uint64_t id)
{
  Bin *bin = overlay_binned (module->overlay, id);

  if (bin == NULL || bin->deleted.permanent)
    return false;
  purge (bin);
  drop (emulator, module, id);
  return true;
}

GPtrArray *
store_deleted (Emulator *emulator, const Module *module)
{
  return module->overlay->bin;
}

json_t *
store_deleted_by_whom (const Deleted *deleted)
{
  return ((const Bin *) deleted)->created_by;
}

void
store_age (Emulator *emulator)
{
  time_t now = emulator_now (emulator);

  for (unsigned i = 0; i < emulator->modules->len; i++)
    {
      Module *module = emulator->modules->pdata[i];
      GPtrArray *bin = module->overlay->bin;

      for (unsigned j = bin->len; j-- > 0;)
        {
          Bin *binned = bin->pdata[j];
          int64_t days = (now - binned->deleted.when) / 86400;

          if (days >= FORGET_DAYS)
            g_ptr_array_remove_index (bin, j);
          else if (days >= BIN_DAYS && !binned->deleted.permanent)
            store_purge (emulator, module, binned->deleted.id);
        }
    }
}
