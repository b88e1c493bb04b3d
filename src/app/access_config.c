/* Rules as lines: a module's API name, or "default", and what may be done there. */
#include "app/access_config.h"

#include "app/refuse.h"

#include <string.h>

#define GROUP "access"
#define USER_PREFIX "access uid:"
#define NAME_MAX_BYTES 100

static const char *const levels[] = {
  [ACCESS_OFF] = "off",
  [ACCESS_READ] = "read",
  [ACCESS_WRITE] = "write",
  [ACCESS_FULL] = "full",
};

static bool
read_uid (const char *group, uid_t *uid)
{
  guint64 number;

  if (!g_str_has_prefix (group, USER_PREFIX)
      || !g_ascii_string_to_unsigned (group + strlen (USER_PREFIX), 10, 0, (guint64)ACCESS_EVERYBODY - 1, &number, NULL))
    return false;
  *uid = (uid_t)number;
  return true;
}

bool
access_config_is_group (const char *group)
{
  return g_str_equal (group, GROUP) || read_uid (group, &(uid_t){ 0 });
}

/* As the API names modules and fields. */
static bool
is_api_name (const char *text)
{
  size_t length = strspn (text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_");

  return length > 0 && length <= NAME_MAX_BYTES && text[length] == '\0';
}

static bool
read_level (Access *access, uid_t uid, const char *group, const char *key, const char *text, GError **error)
{
  const char *module = g_str_equal (key, "default") ? NULL : key;

  if (module != NULL && !is_api_name (module))
    return refuse (error, "%s in [%s] is not the API name of a module, nor \"default\".", key, group);
  for (size_t i = 0; i < G_N_ELEMENTS (levels); i++)
    if (g_str_equal (text, levels[i]))
      {
        access_set (access, uid, module, (AccessLevel)i);
        return true;
      }
  return refuse (error, "%s=%s in [%s] is none of off, read, write (all but deleting) and full.", key, text, group);
}

/* Of notes also whose they are. */
static bool
is_needed (const char *module, const char *field)
{
  return g_str_equal (field, "id") || g_str_equal (field, "Modified_Time")
         || (g_str_equal (module, "Notes") && g_str_equal (field, "Parent_Id"));
}

static bool
read_hidden (Access *access, const char *text, GError **error)
{
  g_auto (GStrv) names = g_strsplit (text, ",", -1);

  for (char **name = names; *name != NULL; name++)
    {
      char *point = strchr (g_strstrip (*name), '.');

      if (point != NULL)
        *point = '\0';
      if (point == NULL || !is_api_name (*name) || !is_api_name (point + 1))
        return refuse (error, "hide= in [" GROUP "] names fields as Leads.Phone,Contacts.Email.");
      if (is_needed (*name, point + 1))
        return refuse (error, "hide= in [" GROUP "]: without %s no record could be shown.", point + 1);
      access_hide (access, *name, point + 1);
    }
  return true;
}

static bool
read_group (Access *access, GKeyFile *keys, const char *group, GError **error)
{
  g_auto (GStrv) names = g_key_file_get_keys (keys, group, NULL, NULL);
  uid_t uid = ACCESS_EVERYBODY;
  bool everybody = !read_uid (group, &uid);

  for (char **name = names; name != NULL && *name != NULL; name++)
    {
      g_autofree char *text = g_key_file_get_string (keys, group, *name, NULL);
      bool good;

      g_strstrip (text);
      if (g_str_equal (*name, "hide") && everybody)
        good = read_hidden (access, text, error);
      else
        good = read_level (access, uid, group, *name, text, error);
      if (!good)
        return false;
    }
  return true;
}

Access *
access_config_read (GKeyFile *keys, GError **error)
{
  g_autoptr (Access) access = access_new ();
  g_auto (GStrv) groups = g_key_file_get_groups (keys, NULL);

  for (char **group = groups; *group != NULL; group++)
    if (access_config_is_group (*group) && !read_group (access, keys, *group, error))
      return NULL;
  return g_steal_pointer (&access);
}
