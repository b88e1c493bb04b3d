/* Records as text: a row of a list with what a list leaves out left out, and the whole record of a single GET.
 * Untouched records go from the generator to the text without a tree between. */
#include <string.h>

#include "core.h"

enum
{
  MOST_FIELDS = 50,
  MOST_PARAM_LENGTH = 1024,
  RICH_TEXT_LENGTH = 500,
  EMBED_MOST = 100
};

/* What every record has beside its fields. */
static const struct
{
  const char *key;
  const char *value;
} dollars[] = {
  { "$currency_symbol", "\"$\"" },
  { "$field_states", "null" },
  { "$sharing_permission", "\"full_access\"" },
  { "$state", "\"save\"" },
  { "$converted", "false" },
  { "$converted_detail", "{}" },
  { "$process_flow", "false" },
  { "$locked_for_me", "false" },
  { "$approval", "{\"delegate\":false,\"takeover\":false,\"approve\":false,\"reject\":false,\"resubmit\":false}" },
  { "$approval_state", "\"approved\"" },
  { "$approved", "true" },
  { "$editable", "true" },
  { "$orchestration", "false" },
  { "$in_merge", "false" },
  { "$status", "null" },
  { "$pathfinder", "false" },
  { "$review", "null" },
  { "$review_process", "{\"approve\":false,\"reject\":false,\"resubmit\":false}" },
  { "$zia_owner_assignment", "\"owner_recommendation_unavailable\"" },
  { "$zia_visions", "null" },
  { "$wizard_connection_path", "null" },
  { "$layout_id", "{\"display_label\":\"Standard\",\"name\":\"Standard\",\"id\":\"7010000000091\"}" },
  { "$canvas_id", "null" },
};

void
columns_clear (Columns *columns)
{
  g_clear_pointer (&columns->fields, g_ptr_array_unref);
  g_clear_pointer (&columns->dollar, g_ptr_array_unref);
}

static bool
refuse_fields (Reply *reply, const char *code, const char *message, json_t *details)
{
  reply_error (reply, 400, code, message, details);
  return false;
}

/* One name of `fields`. false: unknown. */
static bool
add_column (Columns *columns, const Module *module, const char *name)
{
  Field *field = module_field (module, name);

  if (*name == '$')
    {
      g_ptr_array_add (columns->dollar, g_strdup (name));
      return true;
    }
  if (strcmp (name, "id") == 0)
    return true;
  if (field == NULL)
    return false;
  if (field->visible && !g_ptr_array_find (columns->fields, field, NULL))
    g_ptr_array_add (columns->fields, field);
  return true;
}

bool
columns_parse (Emulator *emulator, const Request *request, Reply *reply, const Module *module, bool mandatory,
               Columns *columns)
{
  const char *text = request_query (request, "fields");
  g_auto (GStrv) names = NULL;
  unsigned known = 0;

  *columns = (Columns){ g_ptr_array_new (), g_ptr_array_new_with_free_func (g_free) };
  if (text == NULL || *text == '\0')
    return !mandatory
           || refuse_fields (reply, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
                             json_pack ("{s:s}", "param_name", "fields"));
  names = g_strsplit (text, ",", -1);
  if (g_strv_length (names) > MOST_FIELDS)
    return refuse_fields (reply, "LIMIT_EXCEEDED", "limit exceeded",
                          json_pack ("{s:i, s:s}", "limit", MOST_FIELDS, "param_name", "fields"));
  if (g_utf8_strlen (text, -1) > MOST_PARAM_LENGTH)
    return refuse_fields (reply, "INVALID_DATA", "invalid data",
                          json_pack ("{s:i, s:s}", "maximum_length", MOST_PARAM_LENGTH, "param_name", "fields"));
  for (char **name = names; *name != NULL; name++)
    {
      if (add_column (columns, module, g_strstrip (*name)))
        known++;
      else if (setting_is (emulator, "unknown_fields", "refuse"))
        return refuse_fields (reply, "INVALID_DATA", "invalid data",
                              json_pack ("{s:s, s:s}", "param_name", "fields", "api_name", *name));
    }
  if (known == 0
      || (columns->fields->len + columns->dollar->len == 0 && mandatory && !setting_on (emulator, "id_alone")))
    return refuse_fields (reply, "INVALID_DATA", "invalid data", json_pack ("{s:s}", "param_name", "fields"));
  return true;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void
write_cut (GString *out, const char *text)
{
  const char *end = g_utf8_strlen (text, -1) <= RICH_TEXT_LENGTH ? text + strlen (text)
                                                                 : g_utf8_offset_to_pointer (text, RICH_TEXT_LENGTH);

  json_write_text (out, text, end - text);
}

/* @kept: the record if it was changed; else it is the @k-th generated one. */
static void
write_value (Emulator *emulator, const Module *module, const json_t *kept, uint64_t k, const Field *field, bool whole,
             GString *out)
{
  const json_t *value = json_object_get (kept, field->api_name);
  g_autoptr (GString) text = NULL;
  json_auto_t *made = NULL;

  if (kept == NULL && (whole || !field->rich_text))
    {
      generate_value (emulator, module, k, field, out, false);
      return;
    }
  if (kept == NULL)
    {
      text = g_string_new (NULL);
      generate_value (emulator, module, k, field, text, false);
      value = made = json_loadb (text->str, text->len, JSON_DECODE_ANY, NULL);
    }
  if (field->rich_text && !whole && json_is_string (value))
    write_cut (out, json_string_value (value));
  else
    json_write (out, value);
}

/* The module What_Id points into, as `$se_module` says it. */
static void
write_se_module (Emulator *emulator, const Module *module, const json_t *kept, uint64_t k, GString *out)
{
  const Field *what = module_field (module, "What_Id");
  const json_t *name = json_object_get (json_object_get (json_object_get (kept, "What_Id"), "module"), "api_name");
  const Module *target;
  uint64_t target_k;

  if (json_is_string (name))
    json_write (out, name);
  else if (kept != NULL && json_is_object (json_object_get (kept, "What_Id")))
    json_write (out, json_object_get (kept, "$se_module"));
  else if (kept == NULL && what != NULL && generate_target (emulator, module, k, what, &target, &target_k))
    json_write_text (out, target->api_name, -1);
  else
    g_string_append (out, "null");
}

static void
write_dollar (Emulator *emulator, const Module *module, const json_t *kept, uint64_t k, const char *key, GString *out)
{
  const json_t *own = json_object_get (kept, key);

  g_string_append_c (out, ',');
  json_write_text (out, key, -1);
  g_string_append_c (out, ':');
  if (strcmp (key, "$se_module") == 0)
    {
      write_se_module (emulator, module, kept, k, out);
      return;
    }
  if (own != NULL)
    {
      json_write (out, own);
      return;
    }
  for (unsigned i = 0; i < G_N_ELEMENTS (dollars); i++)
    {
      if (strcmp (dollars[i].key, key) == 0)
        {
          g_string_append (out, dollars[i].value);
          return;
        }
    }
  g_string_append (out, "null");
}

/* {"id":"..." of a record; false: there is none. */
static bool
begin_row (Emulator *emulator, const Module *module, uint64_t id, const json_t **kept, uint64_t *k, GString *out)
{
  *kept = store_edited (module, id);
  *k = 0;
  if (*kept == NULL && (!store_exists (emulator, module, id) || !generate_index (module, id, k)))
    return false;
  g_string_append_printf (out, "{\"id\":\"%" G_GUINT64_FORMAT "\"", id);
  return true;
}

static void
write_field (Emulator *emulator, const Module *module, const json_t *kept, uint64_t k, const Field *field, bool whole,
             GString *out)
{
  g_string_append_printf (out, ",\"%s\":", field->api_name);
  write_value (emulator, module, kept, k, field, whole, out);
}

void
row_write (Emulator *emulator, const Module *module, uint64_t id, const Columns *columns, bool whole, GString *out)
{
  const json_t *kept;
  uint64_t k;

  if (!begin_row (emulator, module, id, &kept, &k, out))
    return;
  for (unsigned i = 0; i < columns->fields->len; i++)
    {
      const Field *field = columns->fields->pdata[i];

      if (!field_is_deep (field))
        write_field (emulator, module, kept, k, field, whole, out);
    }
  for (unsigned i = 0; i < columns->dollar->len; i++)
    write_dollar (emulator, module, kept, k, columns->dollar->pdata[i], out);
  g_string_append_c (out, '}');
}

/* ---- whole records ----------------------------------------------------------------------------------------------- */

static void
write_embedded (Emulator *emulator, const Module *rows, uint64_t id, GString *out)
{
  const Field *far = strcmp (rows->generated_type, "linking") == 0 ? module_far_lookup (rows) : NULL;
  const json_t *kept;
  uint64_t k;

  if (!begin_row (emulator, rows, id, &kept, &k, out))
    return;
  for (unsigned i = 1; i < rows->fields->len; i++)
    {
      const Field *field = rows->fields->pdata[i];

      if (field->visible && (far == NULL || field == far))
        write_field (emulator, rows, kept, k, field, true, out);
    }
  g_string_append (out, far == NULL ? ",\"Layout\":null,\"$in_merge\":false}" : "}");
}

/* Returns: were there more rows than are shown? */
static bool
write_rows (Emulator *emulator, const Module *module, uint64_t id, const Field *field, GString *out)
{
  const Module *rows = schema_module (emulator, field->target);
  g_autoptr (GArray) ids
      = rows == NULL ? g_array_new (FALSE, FALSE, sizeof (uint64_t)) : store_rows (emulator, rows, module, id);
  unsigned most = (unsigned) setting_int (emulator, "embed_max", EMBED_MOST);

  g_string_append_printf (out, ",\"%s\":[", field->api_name);
  for (unsigned i = 0; i < ids->len && i < most; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      write_embedded (emulator, rows, g_array_index (ids, uint64_t, i), out);
    }
  g_string_append_c (out, ']');
  return ids->len > most;
}

static void
write_has_more (GString *out, const GString *flags)
{
  if (flags->len > 0)
    g_string_append_printf (out, ",\"$has_more\":{%s}", flags->str);
}

static bool
is_wanted (const Columns *columns, const Field *field)
{
  if (!field->visible)
    return false;
  return columns == NULL || g_ptr_array_find (columns->fields, (gpointer) field, NULL);
}

static void
write_all_dollars (Emulator *emulator, const Module *module, const json_t *kept, uint64_t k, GString *out)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (dollars); i++)
    write_dollar (emulator, module, kept, k, dollars[i].key, out);
  if (module_field (module, "What_Id") != NULL)
    write_dollar (emulator, module, kept, k, "$se_module", out);
}

void
record_write (Emulator *emulator, const Module *module, uint64_t id, const Columns *columns, GString *out)
{
  bool whole = !setting_on (emulator, "get_cuts_rich_text");
  bool all = columns == NULL || columns->fields->len + columns->dollar->len == 0;
  g_autoptr (GString) more = g_string_new (NULL);
  const json_t *kept;
  uint64_t k;

  if (!begin_row (emulator, module, id, &kept, &k, out))
    return;
  for (unsigned i = 1; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];

      if (!is_wanted (all ? NULL : columns, field))
        continue;
      if (!field_is_deep (field))
        write_field (emulator, module, kept, k, field, whole, out);
      else
        g_string_append_printf (more, "%s\"%s\":%s", more->len > 0 ? "," : "", field->api_name,
                                write_rows (emulator, module, id, field, out) ? "true" : "false");
    }
  write_has_more (out, more);
  if (all)
    write_all_dollars (emulator, module, kept, k, out);
  for (unsigned i = 0; !all && i < columns->dollar->len; i++)
    write_dollar (emulator, module, kept, k, columns->dollar->pdata[i], out);
  if (!all)
    write_dollar (emulator, module, kept, k, "$canvas_id", out);
  g_string_append_c (out, '}');
}
