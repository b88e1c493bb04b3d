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
  reply_error (reply, (unsigned) setting_int (emulator, "scope_status", 403), "OAUTH_SCOPE_MISMATCH",
               "invalid oauth scope to access this URL", NULL);
  return false;
}

/* Lower case without underscores; all that is not Zoho's own shares one name. */
char *
scope_to_read (const Module *module)
{
  g_autoptr (GString) name = g_string_new (module->api_name);

  if (strcmp (module->generated_type, "default") != 0)
    return g_strdup ("ZohoCRM.modules.custom.READ");
  g_string_ascii_down (name);
  g_string_replace (name, "_", "", 0);
  return g_strdup_printf ("ZohoCRM.modules.%s.READ", name->str);
}
