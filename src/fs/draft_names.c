/* A number is the hash of its name, or the next free one: whoever names files need not be our friend. */
#include "fs/draft_names.h"

#include "base/lock.h"

#include <string.h>
#include <xxhash.h>

typedef struct
{
  uint64_t number;
  char *module, *name;
} DraftName;

struct DraftNames
{
  pthread_mutex_t lock; /* guards the table; what is in it never changes */
  GHashTable *table;    /* number to DraftName */
};

static void
name_free (gpointer data)
{
  DraftName *name = data;

  g_free (name->module);
  g_free (name->name);
  g_free (name);
}

static uint64_t
hash_of (const char *module, const char *name)
{
  return XXH64 (name != NULL ? name : "", name != NULL ? strlen (name) : 0, XXH64 (module, strlen (module), 0));
}

DraftNames *
draft_names_new (void)
{
  DraftNames *names = g_new0 (DraftNames, 1);

  pthread_mutex_init (&names->lock, NULL);
  names->table = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, name_free);
  return names;
}

void
draft_names_free (DraftNames *names)
{
  if (names == NULL)
    return;
  g_hash_table_unref (names->table);
  pthread_mutex_destroy (&names->lock);
  g_free (names);
}

uint64_t
draft_names_number (DraftNames *names, const char *module, const char *name)
{
  uint64_t number = hash_of (module, name);
  DraftName *found;
  LOCKED (&names->lock);

  for (;; number++)
    {
      found = number != 0 ? g_hash_table_lookup (names->table, &number) : NULL;
      if (found == NULL && number != 0)
        break;
      if (found != NULL && g_str_equal (found->module, module) && g_strcmp0 (found->name, name) == 0)
        return number;
    }
  found = g_new (DraftName, 1);
  *found = (DraftName){ number, g_strdup (module), g_strdup (name) };
  g_hash_table_insert (names->table, &found->number, found);
  return number;
}

void
draft_names_get (DraftNames *names, uint64_t number, const char **module, const char **name)
{
  const DraftName *found;
  LOCKED (&names->lock);

  found = g_hash_table_lookup (names->table, &number);
  *module = found->module;
  *name = found->name;
}
