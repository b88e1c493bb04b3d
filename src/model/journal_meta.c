/* A draft's note as a line of JSON, both ways; whatever is in a file, what is read from it is checked. */
#include "model/journal_private.h"

#include <string.h>

#define REASON_MAX 65536

static const char *const state_names[] = { "clean", "open", "sending", "refused" };
static const char *const reason_keys[] = { "errno", "code", "message", "field", "todo" };

static const char *const damaged_message = "its note was damaged, so that nothing but its text is known for certain";
static const char *const damaged_todo = "Look at the text, and copy it onto the record it belongs to.";

static void
set_text (json_t *object, const char *key, const char *text)
{
  if (text != NULL)
    json_object_set_new (object, key, json_from_text (text));
}

static json_t *
write_versions (const GArray *versions)
{
  json_t *list = json_array ();

  for (guint i = 0; i < versions->len; i++)
    {
      const DraftVersion *at = &g_array_index (versions, DraftVersion, i);
      json_t *pair = json_array ();
      char hex[20];

      g_snprintf (hex, sizeof hex, "%" G_GINT64_MODIFIER "x", at->version);
      json_array_append_new (pair, json_string (hex));
      json_array_append_new (pair, json_integer (at->mtime));
      json_array_append_new (list, pair);
    }
  return list;
}

static bool
read_version (const json_t *pair, DraftVersion *version)
{
  const char *hex = json_string_value (json_array_get (pair, 0));
  const json_t *mtime = json_array_get (pair, 1);

  if (json_array_size (pair) != 2 || hex == NULL || !json_is_integer (mtime))
    return false;
  if (*hex == '\0' || strlen (hex) > 16 || strspn (hex, "0123456789abcdef") != strlen (hex))
    return false;
  version->version = g_ascii_strtoull (hex, NULL, 16);
  version->mtime = json_integer_value (mtime);
  return true;
}

static bool
read_versions (DraftInfo *info, const json_t *list)
{
  size_t count = json_array_size (list);

  if (!json_is_array (list) || count > DRAFT_VERSIONS_MAX)
    return false;
  for (size_t i = 0; i < count; i++)
    {
      DraftVersion version;

      if (!read_version (json_array_get (list, i), &version))
        return false;
      g_array_append_val (info->versions, version);
    }
  return true;
}

static bool
read_state (const char *text, DraftState *state)
{
  for (DraftState i = 0; text != NULL && i < G_N_ELEMENTS (state_names); i++)
    if (g_str_equal (text, state_names[i]))
      {
        *state = i;
        return true;
      }
  return false;
}

static bool
read_number (const json_t *object, const char *key, int64_t *number)
{
  const json_t *value = json_object_get (object, key);

  *number = json_integer_value (value);
  return json_is_integer (value) && *number >= 0;
}

/* Texts alone, under keys that are known. Returns: NULL when it is not that. */
static json_t *
read_reason (const json_t *value)
{
  g_autoptr (json_t) reason = json_object ();

  if (!json_is_object (value))
    return NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (reason_keys); i++)
    {
      const char *text = json_get_text (value, reason_keys[i]);

      if (text != NULL && strlen (text) <= REASON_MAX)
        set_text (reason, reason_keys[i], text);
    }
  return g_steal_pointer (&reason);
}

static bool
read_sending (DraftInfo *info, const json_t *note)
{
  const char *body = json_get_text (note, "body");

  if (body == NULL || strlen (body) > DRAFT_BODY_MAX || !read_number (note, "sent", &info->sent_s))
    return false;
  info->body = g_bytes_new (body, strlen (body));
  info->creator = g_strdup (json_get_text (note, "creator"));
  info->more = json_is_true (json_object_get (note, "more"));
  return true;
}

static bool
read_key (DraftInfo *info, const json_t *note)
{
  const char *module = json_get_text (note, "module"), *name = json_get_text (note, "name");
  const json_t *id = json_object_get (note, "id");

  if (!journal_is_name (module, true) || !journal_is_name (name, false))
    return false;
  info->module = g_strdup (module);
  info->name = g_strdup (name);
  info->program = g_strdup (json_get_text (note, "program"));
  info->id = journal_get_id (note, "id");
  return id == NULL || info->id != 0;
}

static bool
read_note (DraftInfo *info, const json_t *note)
{
  if (!read_key (info, note) || !read_state (json_get_text (note, "state"), &info->state))
    return false;
  if (!read_number (note, "pid", &info->pid) || !read_number (note, "time", &info->time_s))
    return false;
  if (!read_versions (info, json_object_get (note, "versions")))
    return false;
  info->extra = json_incref (json_object_get (note, "extra"));
  if (info->state == DRAFT_SENDING)
    return read_sending (info, note);
  if (info->state == DRAFT_REFUSED)
    info->reason = read_reason (json_object_get (note, "reason"));
  return info->state != DRAFT_REFUSED || info->reason != NULL;
}

static DraftInfo *
new_info (void)
{
  DraftInfo *info = g_new0 (DraftInfo, 1);

  info->versions = g_array_new (FALSE, FALSE, sizeof (DraftVersion));
  return info;
}

void
draft_info_free (DraftInfo *info)
{
  if (info == NULL)
    return;
  g_free (info->module);
  g_free (info->name);
  g_free (info->program);
  g_free (info->creator);
  g_array_unref (info->versions);
  json_decref (info->extra);
  json_decref (info->reason);
  g_clear_pointer (&info->body, g_bytes_unref);
  g_free (info);
}

void
journal_meta_write (const DraftInfo *info, GString *out)
{
  g_autoptr (json_t) note = json_object ();

  set_text (note, "module", info->module);
  set_text (note, "name", info->name);
  set_text (note, "program", info->program);
  set_text (note, "state", state_names[info->state]);
  if (info->id != 0)
    json_object_set_new (note, "id", journal_id_text (info->id));
  json_object_set_new (note, "pid", json_integer (info->pid));
  json_object_set_new (note, "time", json_integer (info->time_s));
  json_object_set_new (note, "versions", write_versions (info->versions));
  if (info->extra != NULL)
    json_object_set (note, "extra", info->extra);
  if (info->state == DRAFT_SENDING)
    {
      g_autofree char *body = g_strndup (g_bytes_get_data (info->body, NULL), g_bytes_get_size (info->body));

      set_text (note, "body", body);
      set_text (note, "creator", info->creator);
      json_object_set_new (note, "sent", json_integer (info->sent_s));
      json_object_set_new (note, "more", json_boolean (info->more));
    }
  if (info->reason != NULL)
    json_object_set (note, "reason", info->reason);
  journal_line_write (note, out);
}

DraftInfo *
journal_meta_read (const char *text, size_t size)
{
  g_autoptr (json_t) note = NULL;
  g_autoptr (DraftInfo) info = new_info ();

  if (size == 0 || size > JOURNAL_META_MAX || text[size - 1] != '\n')
    return NULL;
  note = journal_line_read (text, size - 1);
  return note != NULL && read_note (info, note) ? g_steal_pointer (&info) : NULL;
}

DraftInfo *
journal_meta_guess (const char *text, size_t size)
{
  const char *start = size > 0 ? memchr (text, '{', size) : NULL;
  g_autoptr (json_t) note = start != NULL ? json_parse (start, size - (size_t)(start - text), NULL) : NULL;
  const char *module = json_get_text (note, "module"), *name = json_get_text (note, "name");
  DraftInfo *info = new_info ();
  bool known = journal_is_name (module, true) && journal_is_name (name, false);

  info->module = g_strdup (known ? module : "Unknown");
  info->name = g_strdup (known ? name : "draft");
  journal_meta_refuse (info, &(DraftReason){ "EIO", "damaged-note", damaged_message, NULL, damaged_todo });
  return info;
}

DraftInfo *
journal_meta_copy (const DraftInfo *info)
{
  DraftInfo *copy = new_info ();

  copy->state = info->state;
  copy->module = g_strdup (info->module);
  copy->name = g_strdup (info->name);
  copy->program = g_strdup (info->program);
  copy->id = info->id;
  copy->pid = info->pid;
  copy->time_s = info->time_s;
  g_array_append_vals (copy->versions, info->versions->data, info->versions->len);
  copy->extra = json_incref (info->extra);
  copy->body = info->body != NULL ? g_bytes_ref (info->body) : NULL;
  copy->creator = g_strdup (info->creator);
  copy->sent_s = info->sent_s;
  copy->more = info->more;
  copy->reason = json_incref (info->reason);
  return copy;
}

void
journal_meta_refuse (DraftInfo *info, const DraftReason *reason)
{
  const char *const texts[] = { reason->errno_name, reason->code, reason->message, reason->field, reason->todo };

  info->state = DRAFT_REFUSED;
  g_clear_pointer (&info->body, g_bytes_unref);
  json_decref (info->reason);
  info->reason = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i] != NULL)
      {
        g_autofree char *cut = journal_cut (texts[i], REASON_MAX);

        set_text (info->reason, reason_keys[i], cut);
      }
}
