/* Rules by user and module; what has no rule has the default's. */
#include "fs/access.h"

#include <errno.h>
#include <string.h>

typedef struct
{
  AccessLevel other;   /* of modules without a rule */
  GHashTable *modules; /* API name -> GINT_TO_POINTER (AccessLevel) */
} Rules;

struct Access
{
  Rules everybody;
  GHashTable *users;  /* GUINT_TO_POINTER (uid) -> Rules */
  GHashTable *hidden; /* API name of a module -> GPtrArray of names, ended by NULL */
};

static void
rules_init (Rules *rules)
{
  rules->other = ACCESS_FULL;
  rules->modules = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
rules_free (gpointer data)
{
  Rules *rules = data;

  g_hash_table_unref (rules->modules);
  g_free (rules);
}

static void
names_free (gpointer data)
{
  g_ptr_array_unref (data);
}

Access *
access_new (void)
{
  Access *access = g_new0 (Access, 1);

  rules_init (&access->everybody);
  access->users = g_hash_table_new_full (NULL, NULL, NULL, rules_free);
  access->hidden = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, names_free);
  return access;
}

void
access_free (Access *access)
{
  if (access == NULL)
    return;
  g_hash_table_unref (access->everybody.modules);
  g_hash_table_unref (access->users);
  g_hash_table_unref (access->hidden);
  g_free (access);
}

static Rules *
rules_of (Access *access, uid_t uid)
{
  Rules *rules;

  if (uid == ACCESS_EVERYBODY)
    return &access->everybody;
  rules = g_hash_table_lookup (access->users, GUINT_TO_POINTER (uid));
  if (rules != NULL)
    return rules;
  rules = g_new0 (Rules, 1);
  rules_init (rules);
  g_hash_table_insert (access->users, GUINT_TO_POINTER (uid), rules);
  return rules;
}

void
access_set (Access *access, uid_t uid, const char *module, AccessLevel level)
{
  Rules *rules = rules_of (access, uid);

  if (module == NULL)
    rules->other = level;
  else
    g_hash_table_replace (rules->modules, g_strdup (module), GINT_TO_POINTER (level));
}

void
access_hide (Access *access, const char *module, const char *field)
{
  GPtrArray *names = g_hash_table_lookup (access->hidden, module);

  if (names == NULL)
    {
      names = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (access->hidden, g_strdup (module), names);
    }
  else
    g_ptr_array_remove_index (names, names->len - 1);
  g_ptr_array_add (names, g_strdup (field));
  g_ptr_array_add (names, NULL);
}

static AccessLevel
level_in (const Rules *rules, const char *module)
{
  gpointer level;

  if (g_hash_table_lookup_extended (rules->modules, module, NULL, &level))
    return (AccessLevel)GPOINTER_TO_INT (level);
  return rules->other;
}

AccessLevel
access_level (const Access *access, const char *module)
{
  return access != NULL && module != NULL ? level_in (&access->everybody, module) : ACCESS_FULL;
}

static bool
is_enough (AccessLevel level, AccessNeed need)
{
  static const AccessLevel needed[] = {
    [ACCESS_TO_LOOK] = ACCESS_READ,
    [ACCESS_TO_WRITE] = ACCESS_WRITE,
    [ACCESS_TO_DELETE] = ACCESS_FULL,
  };

  return level >= needed[need];
}

int
access_refusal (const Access *access, uid_t uid, const char *module, AccessNeed need)
{
  const Rules *own;
  AccessLevel level;

  if (access == NULL || module == NULL)
    return 0;
  level = level_in (&access->everybody, module);
  if (level == ACCESS_OFF)
    return ENOENT;
  own = g_hash_table_lookup (access->users, GUINT_TO_POINTER (uid));
  if (own != NULL)
    level = MIN (level, level_in (own, module));
  return is_enough (level, need) ? 0 : EACCES;
}

bool
access_has_users (const Access *access)
{
  return access != NULL && g_hash_table_size (access->users) > 0;
}

/* Is anything in @rules less than @level? */
static bool
goes_below (const Rules *rules, AccessLevel level)
{
  GHashTableIter iter;
  gpointer one;

  if (rules->other < level)
    return true;
  g_hash_table_iter_init (&iter, rules->modules);
  while (g_hash_table_iter_next (&iter, NULL, &one))
    if (GPOINTER_TO_INT (one) < (int)level)
      return true;
  return false;
}

static bool
any_goes_below (const Access *access, AccessLevel level)
{
  GHashTableIter iter;
  gpointer rules;

  if (access == NULL)
    return false;
  if (g_hash_table_size (access->hidden) > 0 || goes_below (&access->everybody, level))
    return true;
  g_hash_table_iter_init (&iter, access->users);
  while (g_hash_table_iter_next (&iter, NULL, &rules))
    if (goes_below (rules, level))
      return true;
  return false;
}

bool
access_has_rules (const Access *access)
{
  return any_goes_below (access, ACCESS_FULL) || access_has_users (access);
}

bool
access_restricts (const Access *access)
{
  return any_goes_below (access, ACCESS_READ);
}

const char *const *
access_hidden (const Access *access, const char *module)
{
  const GPtrArray *names = access != NULL ? g_hash_table_lookup (access->hidden, module) : NULL;

  return names != NULL ? (const char *const *)names->pdata : NULL;
}

bool
access_hides (const Access *access, const char *module, const char *field)
{
  const char *const *names = access_hidden (access, module);

  return names != NULL && g_strv_contains (names, field);
}
