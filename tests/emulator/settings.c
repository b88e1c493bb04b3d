/* Knobs: names with texts, read by everyone at any time. */
#include "core.h"

#include <string.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static GHashTable *settings; /* name -> text */
static GHashTable *kept;     /* as at the start; NULL: not yet */

void
settings_start (void)
{
  settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
settings_stop (void)
{
  g_clear_pointer (&settings, g_hash_table_unref);
  g_clear_pointer (&kept, g_hash_table_unref);
}

static GHashTable *
copy_of (GHashTable *table)
{
  GHashTable *copy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer name, text;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, &text))
    g_hash_table_insert (copy, g_strdup (name), g_strdup (text));
  return copy;
}

void
settings_keep (void)
{
  kept = copy_of (settings);
}

void
settings_restore (void)
{
  pthread_rwlock_wrlock (&lock);
  g_hash_table_unref (settings);
  settings = copy_of (kept);
  pthread_rwlock_unlock (&lock);
}

void
setting_set (const char *name, const char *value)
{
  pthread_rwlock_wrlock (&lock);
  g_hash_table_replace (settings, g_strdup (name), g_strdup (value));
  pthread_rwlock_unlock (&lock);
}

char *
setting_text (Emulator *emulator, const char *name)
{
  char *text;

  pthread_rwlock_rdlock (&lock);
  text = g_strdup (g_hash_table_lookup (settings, name));
  pthread_rwlock_unlock (&lock);
  return text;
}

int64_t
setting_int (Emulator *emulator, const char *name, int64_t otherwise)
{
  const char *text;
  int64_t value = otherwise;

  pthread_rwlock_rdlock (&lock);
  text = g_hash_table_lookup (settings, name);
  if (text != NULL && strcmp (text, "true") == 0)
    value = 1;
  else if (text != NULL && strcmp (text, "false") == 0)
    value = 0;
  else if (text != NULL)
    value = g_ascii_strtoll (text, NULL, 10);
  pthread_rwlock_unlock (&lock);
  return value;
}

bool
setting_on (Emulator *emulator, const char *name)
{
  return setting_int (emulator, name, 0) != 0;
}

bool
setting_is (Emulator *emulator, const char *name, const char *value)
{
  bool same;

  pthread_rwlock_rdlock (&lock);
  same = g_strcmp0 (g_hash_table_lookup (settings, name), value) == 0;
  pthread_rwlock_unlock (&lock);
  return same;
}

json_t *
settings_json (void)
{
  json_t *all = json_object ();
  GHashTableIter iter;
  gpointer name, text;

  pthread_rwlock_rdlock (&lock);
  g_hash_table_iter_init (&iter, settings);
  while (g_hash_table_iter_next (&iter, &name, &text))
    json_object_set_new (all, name, json_string (text));
  pthread_rwlock_unlock (&lock);
  return all;
}
