/* One scope against those of a token: the same operation or ALL, the same area or a wider one. */
#include "scopes.h"

#include <string.h>

/* "ZohoCRM.modules.ALL" covers "ZohoCRM.modules.leads.READ". */
static bool
covers (const char *granted, const char *wanted)
{
  const char *granted_operation = strrchr (granted, '.');
  const char *wanted_operation = strrchr (wanted, '.');
  size_t area = granted_operation == NULL ? 0 : (size_t) (granted_operation - granted);

  if (area == 0 || area > (size_t) (wanted_operation - wanted) || wanted[area] != '.')
    return false;
  if (g_ascii_strncasecmp (granted, wanted, area) != 0)
    return false;
  return g_ascii_strcasecmp (granted_operation, ".ALL") == 0
         || g_ascii_strcasecmp (granted_operation, wanted_operation) == 0;
}

bool
scope_check (Emulator *emulator, const Request *request, const char *scope, Reply *reply)
{
  g_auto (GStrv) granted = g_strsplit_set (request->scope == NULL ? "" : request->scope, ", ", -1);

  for (char **one = granted; *one != NULL; one++)
    {
      if (covers (*one, scope))
        return true;
    }
  reply_error (reply, setting_is (emulator, "scope_mismatch_status", "401") ? 401 : 403, "OAUTH_SCOPE_MISMATCH",
               "invalid oauth scope to access this URL", NULL);
  return false;
}

/* Lower case without underscores; custom modules share one; rows belong to their parent. */
char *
scope_to_read (Emulator *emulator, const Module *module)
{
  const Module *parent = module->parent == NULL ? NULL : schema_module (emulator, module->parent);
  g_autoptr (GString) name = NULL;

  if (parent != NULL)
    return scope_to_read (emulator, parent);
  if (g_strcmp0 (module->generated_type, "custom") == 0)
    return g_strdup ("ZohoCRM.modules.custom.READ");
  name = g_string_new (module->api_name);
  g_string_ascii_down (name);
  g_string_replace (name, "_", "", 0);
  return g_strdup_printf ("ZohoCRM.modules.%s.READ", name->str);
}
