/* Deletes that were answered: {"add": {...}} when one is, {"end": [numbers]} when it was sent or taken back. */
#include "model/journal_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <string.h>

#define TEXT_MAX 255
#define ENDED_MAX 1000 /* in a line */

static void
delete_free (gpointer data)
{
  JournalDelete *delete = data;

  g_free (delete->module);
  g_free (delete->label);
  g_free (delete->who);
  g_free (delete);
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  const JournalDelete *one = *(JournalDelete *const *)a, *two = *(JournalDelete *const *)b;

  return one->number < two->number ? -1 : one->number > two->number;
}

static JournalDelete *
delete_copy (const JournalDelete *delete)
{
  JournalDelete *copy = g_memdup2 (delete, sizeof *delete);

  copy->module = g_strdup (delete->module);
  copy->label = g_strdup (delete->label);
  copy->who = g_strdup (delete->who);
  return copy;
}

/* Takes @deletes (a table). Returns: array that frees them, by number. */
static GPtrArray *
to_array (GHashTable *table)
{
  GPtrArray *array = g_ptr_array_new_with_free_func (delete_free);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (array, delete_copy (value));
  g_ptr_array_sort (array, compare_numbers);
  return array;
}

static json_t *
line_of (const JournalDelete *delete)
{
  json_t *add = json_object (), *line = json_object ();

  json_object_set_new (add, "n", json_integer ((json_int_t) delete->number));
  json_object_set_new (add, "module", json_from_text (delete->module));
  json_object_set_new (add, "id", journal_id_text (delete->id));
  json_object_set_new (add, "label", json_from_text (delete->label));
  json_object_set_new (add, "who", json_from_text (delete->who));
  json_object_set_new (add, "time", json_integer (delete->time_s));
  json_object_set_new (add, "left", json_boolean (delete->left));
  json_object_set_new (add, "certain", json_boolean (delete->certain));
  json_object_set_new (line, "add", add);
  return line;
}

/* NULL when it makes no sense. */
static JournalDelete *
read_add (const json_t *add)
{
  const char *module = json_get_text (add, "module"), *label = json_get_text (add, "label");
  const char *who = json_get_text (add, "who");
  int64_t number = json_integer_value (json_object_get (add, "n"));
  uint64_t id = journal_get_id (add, "id");
  JournalDelete *delete;

  if (!journal_is_name (module, true) || id == 0 || number <= 0 || label == NULL || who == NULL
      || strlen (label) > TEXT_MAX || strlen (who) > TEXT_MAX)
    return NULL;
  delete = g_new0 (JournalDelete, 1);
  delete->number = (uint64_t)number;
  delete->module = g_strdup (module);
  delete->id = id;
  delete->label = g_strdup (label);
  delete->who = g_strdup (who);
  delete->time_s = json_integer_value (json_object_get (add, "time"));
  delete->left = json_is_true (json_object_get (add, "left"));
  delete->certain = json_is_true (json_object_get (add, "certain"));
  return delete;
}

static bool
apply_end (Deletes *deletes, const json_t *numbers)
{
  for (size_t i = 0; i < json_array_size (numbers); i++)
    {
      uint64_t number = (uint64_t)json_integer_value (json_array_get (numbers, i));

      g_hash_table_remove (deletes->table, &number);
    }
  return json_is_array (numbers);
}

static bool
apply (void *data, const json_t *line)
{
  Deletes *deletes = data;
  const json_t *add = json_object_get (line, "add");
  JournalDelete *delete;

  if (add == NULL)
    return apply_end (deletes, json_object_get (line, "end"));
  delete = read_add (add);
  if (delete == NULL)
    return false;
  g_hash_table_replace (deletes->table, &delete->number, delete);
  return true;
}

static void
clear (void *data)
{
  Deletes *deletes = data;

  g_hash_table_remove_all (deletes->table);
}

static size_t
live (const void *data)
{
  const Deletes *deletes = data;

  return g_hash_table_size (deletes->table);
}

static void
dump (const void *data, GString *out)
{
  const Deletes *deletes = data;
  g_autoptr (GPtrArray) all = to_array (deletes->table);

  for (guint i = 0; i < all->len; i++)
    {
      g_autoptr (json_t) line = line_of (all->pdata[i]);

      journal_line_write (line, out);
    }
}

const JournalLogKind journal_deletes_kind = { apply, clear, live, dump };

static void
unref_line (gpointer line)
{
  json_decref (line);
}

static uint64_t
next_number (Journal *journal)
{
  return atomic_fetch_add (&journal->deletes.last, 1) + 1;
}

void
journal_deletes_init (Deletes *deletes)
{
  deletes->table = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, delete_free);
  atomic_init (&deletes->last, 0);
}

void
journal_deletes_clear (Deletes *deletes)
{
  g_clear_pointer (&deletes->table, g_hash_table_unref);
}

/* After a crash in the midst of taking them over. */
static bool
is_known (Journal *journal, const JournalDelete *delete)
{
  GHashTableIter iter;
  gpointer value;
  LOCKED (journal_log_lock (journal->deletes_log));

  g_hash_table_iter_init (&iter, journal->deletes.table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const JournalDelete *other = value;

      if (other->id == delete->id && g_str_equal (other->module, delete->module))
        return true;
    }
  return false;
}

/* A line that is damaged may have been the one that took a delete back, so none of that file is certain. */
bool
journal_deletes_adopt (Journal *journal, int folder, GError **error)
{
  Deletes left;
  g_autoptr (JournalLog) log = NULL;
  g_autoptr (GPtrArray) found = NULL, lines = g_ptr_array_new_with_free_func (unref_line);
  size_t damaged;

  journal_deletes_init (&left);
  log = journal_log_open (folder, "deletes", &journal_deletes_kind, &left, error);
  found = to_array (left.table);
  journal_deletes_clear (&left);
  if (log == NULL)
    return false;
  damaged = journal_log_damaged (log);
  if (damaged > 0)
    g_warning ("%zu lines of the deletes that an earlier mount left are damaged.", damaged);
  for (guint i = 0; i < found->len; i++)
    {
      JournalDelete *delete = found->pdata[i];

      delete->number = next_number (journal);
      delete->left = true;
      delete->certain = delete->certain && damaged == 0;
      if (!is_known (journal, delete))
        g_ptr_array_add (lines, line_of (delete));
    }
  return journal_log_append (journal->deletes_log, (json_t *const *)lines->pdata, lines->len,
                             "The deletes of an earlier mount could not be written down", error);
}

bool
journal_delete_add (Journal *journal, const char *module, uint64_t id, const char *label, const char *who,
                    uint64_t *number, GError **error)
{
  g_autofree char *short_label = journal_cut (label, TEXT_MAX), *short_who = journal_cut (who, TEXT_MAX);
  JournalDelete delete
      = { .module = (char *)module, .id = id, .label = short_label, .who = short_who, .certain = true };
  g_autoptr (json_t) line = NULL;
  json_t *lines[1];

  if (!journal_is_name (module, true) || id == 0 || id > G_MAXINT64)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "What is to be deleted has no module or no id");
      return false;
    }
  delete.number = next_number (journal);
  delete.time_s = clock_wall_s ();
  line = line_of (&delete);
  lines[0] = line;
  if (!journal_log_append (journal->deletes_log, lines, 1,
                           "The delete could not be written down, so nothing is deleted", error))
    return false;
  *number = delete.number;
  return true;
}

bool
journal_delete_done (Journal *journal, const uint64_t *numbers, size_t count, GError **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (unref_line);

  for (size_t at = 0; at < count; at += ENDED_MAX)
    {
      json_t *line = json_object (), *ended = json_array ();

      for (size_t i = at; i < MIN (count, at + ENDED_MAX); i++)
        json_array_append_new (ended, json_integer ((json_int_t)numbers[i]));
      json_object_set_new (line, "end", ended);
      g_ptr_array_add (lines, line);
    }
  return journal_log_append (journal->deletes_log, (json_t *const *)lines->pdata, lines->len,
                             "That a delete has ended could not be written down", error);
}

bool
journal_delete_cancel (Journal *journal, uint64_t number, GError **error)
{
  return journal_delete_done (journal, &number, 1, error);
}

GPtrArray *
journal_deletes (Journal *journal)
{
  LOCKED (journal_log_lock (journal->deletes_log));

  return to_array (journal->deletes.table);
}
