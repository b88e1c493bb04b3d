/* Names under which records were created: {"put": [module, name, id]}, {"drop": [module, name]}, {"gone": [module,
 * id]}. */
#include "model/journal_private.h"

#include "base/error.h"
#include "base/lock.h"
#include "model/names.h"

#include <string.h>

typedef struct
{
  uint64_t id;
  const char *name; /* in the key */
  char key[];       /* "module/name" */
} Alias;

static char *
key_of (const char *module, const char *name)
{
  return g_strconcat (module, "/", name, NULL);
}

static bool
is_of_module (const Alias *alias, const char *module)
{
  size_t size = strlen (module);

  return strncmp (alias->key, module, size) == 0 && alias->key[size] == '/';
}

static void
forget (Aliases *aliases, const char *key)
{
  Alias *alias = g_hash_table_lookup (aliases->names, key);
  GPtrArray *same;

  if (alias == NULL)
    return;
  same = g_hash_table_lookup (aliases->records, &alias->id);
  g_ptr_array_remove_fast (same, alias);
  if (same->len == 0)
    g_hash_table_remove (aliases->records, &alias->id);
  g_hash_table_remove (aliases->names, key);
}

static void
put (Aliases *aliases, const char *module, const char *name, uint64_t id)
{
  g_autofree char *key = key_of (module, name);
  Alias *alias;
  GPtrArray *same;

  forget (aliases, key);
  alias = g_malloc (sizeof *alias + strlen (key) + 1);
  alias->id = id;
  memcpy (alias->key, key, strlen (key) + 1);
  alias->name = alias->key + strlen (module) + 1;
  same = g_hash_table_lookup (aliases->records, &id);
  if (same == NULL)
    {
      same = g_ptr_array_new ();
      g_hash_table_insert (aliases->records, g_memdup2 (&id, sizeof id), same);
    }
  g_ptr_array_add (same, alias);
  g_hash_table_insert (aliases->names, alias->key, alias);
}

static void
forget_record (Aliases *aliases, const char *module, uint64_t id)
{
  GPtrArray *same = g_hash_table_lookup (aliases->records, &id);

  for (guint i = same != NULL ? same->len : 0; i > 0; i--)
    {
      const Alias *alias = same->pdata[i - 1];
      bool last = same->len == 1; /* then the array goes too */

      if (is_of_module (alias, module))
        forget (aliases, alias->key);
      if (last)
        return;
    }
}

static const char *
text_at (const json_t *list, size_t index)
{
  return json_text (json_array_get (list, index));
}

static bool
apply_id (Aliases *aliases, const json_t *list, size_t index)
{
  uint64_t id;

  if (text_at (list, index) == NULL || !names_parse_id (text_at (list, index), &id))
    return false;
  if (index == 1)
    forget_record (aliases, text_at (list, 0), id);
  else
    put (aliases, text_at (list, 0), text_at (list, 1), id);
  return true;
}

static bool
apply (void *data, const json_t *line)
{
  Aliases *aliases = data;
  const json_t *added = json_object_get (line, "put"), *dropped = json_object_get (line, "drop");
  const json_t *gone = json_object_get (line, "gone");
  const json_t *list = added != NULL ? added : dropped != NULL ? dropped : gone;
  g_autofree char *key = NULL;

  if (!journal_is_name (text_at (list, 0), true))
    return false;
  if (list == gone)
    return apply_id (aliases, list, 1);
  if (!journal_is_name (text_at (list, 1), false))
    return false;
  if (list == added)
    return apply_id (aliases, list, 2);
  key = key_of (text_at (list, 0), text_at (list, 1));
  forget (aliases, key);
  return true;
}

static void
clear (void *data)
{
  Aliases *aliases = data;

  g_hash_table_remove_all (aliases->records);
  g_hash_table_remove_all (aliases->names);
}

static size_t
live (const void *data)
{
  const Aliases *aliases = data;

  return g_hash_table_size (aliases->names);
}

static json_t *
put_line (const char *module, const char *name, uint64_t id)
{
  json_t *line = json_object (), *list = json_array ();

  json_array_append_new (list, json_from_text (module));
  json_array_append_new (list, json_from_text (name));
  json_array_append_new (list, journal_id_text (id));
  json_object_set_new (line, "put", list);
  return line;
}

static void
dump (const void *data, GString *out)
{
  const Aliases *aliases = data;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, aliases->names);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Alias *alias = value;
      g_autofree char *module = g_strndup (alias->key, (size_t)(alias->name - alias->key) - 1);
      g_autoptr (json_t) line = put_line (module, alias->name, alias->id);

      journal_line_write (line, out);
    }
}

const JournalLogKind journal_aliases_kind = { apply, clear, live, dump };

static void
unref_line (gpointer line)
{
  json_decref (line);
}

static void
free_array (gpointer array)
{
  g_ptr_array_unref (array);
}

static bool
check (const char *module, const char *name, uint64_t id, GError **error)
{
  if (journal_is_name (module, true) && journal_is_name (name, false) && id != 0 && id <= G_MAXINT64)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "This name cannot be remembered as one of a record");
  return false;
}

static bool
append (Journal *journal, const char *what, json_t *list, GError **error)
{
  g_autoptr (json_t) line = json_object ();
  json_t *lines[1] = { line };

  json_object_set_new (line, what, list);
  return journal_log_append (journal->aliases_log, lines, 1,
                             "That a name is no longer a record's could not be written down", error);
}

static bool
has_record (Journal *journal, uint64_t id)
{
  LOCKED (journal_log_lock (journal->aliases_log));

  return g_hash_table_contains (journal->aliases.records, &id);
}

void
journal_aliases_init (Aliases *aliases)
{
  aliases->names = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  aliases->records = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, free_array);
}

void
journal_aliases_clear (Aliases *aliases)
{
  g_clear_pointer (&aliases->records, g_hash_table_unref);
  g_clear_pointer (&aliases->names, g_hash_table_unref);
}

bool
journal_alias_put (Journal *journal, const JournalAlias *aliases, size_t count, GError **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (unref_line);

  for (size_t i = 0; i < count; i++)
    {
      if (!check (aliases[i].module, aliases[i].name, aliases[i].id, error))
        return false;
      g_ptr_array_add (lines, put_line (aliases[i].module, aliases[i].name, aliases[i].id));
    }
  return journal_log_append (journal->aliases_log, (json_t *const *)lines->pdata, lines->len,
                             "The name of a new record could not be written down", error);
}

uint64_t
journal_alias_get (Journal *journal, const char *module, const char *name)
{
  g_autofree char *key = key_of (module, name);
  const Alias *alias;

  journal_log_refresh (journal->aliases_log);
  {
    LOCKED (journal_log_lock (journal->aliases_log));

    alias = g_hash_table_lookup (journal->aliases.names, key);
    return alias != NULL ? alias->id : 0;
  }
}

bool
journal_alias_any (Journal *journal, const char *module, uint64_t id, bool (*wanted) (const char *name))
{
  const GPtrArray *same;
  bool any = false;

  journal_log_refresh (journal->aliases_log);
  LOCKED (journal_log_lock (journal->aliases_log));
  same = g_hash_table_lookup (journal->aliases.records, &id);
  for (guint i = 0; same != NULL && !any && i < same->len; i++)
    {
      const Alias *alias = same->pdata[i];

      any = is_of_module (alias, module) && wanted (alias->name);
    }
  return any;
}

bool
journal_alias_drop (Journal *journal, const char *module, const char *name, GError **error)
{
  json_t *list;

  if (!check (module, name, 1, error))
    return false;
  if (journal_alias_get (journal, module, name) == 0)
    return true;
  list = json_array ();
  json_array_append_new (list, json_from_text (module));
  json_array_append_new (list, json_from_text (name));
  return append (journal, "drop", list, error);
}

bool
journal_alias_drop_record (Journal *journal, const char *module, uint64_t id, GError **error)
{
  json_t *list;

  if (!check (module, "any", id, error))
    return false;
  journal_log_refresh (journal->aliases_log);
  if (!has_record (journal, id))
    return true;
  list = json_array ();
  json_array_append_new (list, json_from_text (module));
  json_array_append_new (list, journal_id_text (id));
  return append (journal, "gone", list, error);
}
