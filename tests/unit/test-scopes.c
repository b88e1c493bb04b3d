/* What is asked for is what is needed. */
#include "app/scopes.h"

#include <string.h>

static void
asks (bool read_only, const char *modules, const char *const *wanted, const char *const *unwanted)
{
  g_auto (GStrv) names = modules != NULL ? scopes_parse_modules (modules, NULL) : NULL;
  const ScopesWanted access = { read_only, names };
  g_autofree char *text = scopes_text (&access);
  g_auto (GStrv) scopes = g_strsplit (text, ",", -1);

  for (; *wanted != NULL; wanted++)
    g_assert_true (g_strv_contains ((const char *const *) scopes, *wanted));
  for (; *unwanted != NULL; unwanted++)
    g_assert_null (strstr (text, *unwanted));
  for (size_t i = 0; scopes[i] != NULL; i++)
    for (size_t k = i + 1; scopes[k] != NULL; k++)
      g_assert_cmpstr (scopes[i], !=, scopes[k]);
}

static void
test_everything (void)
{
  static const char *const wanted[] = { "ZohoCRM.modules.ALL", "ZohoCRM.users.READ", NULL };
  static const char *const unwanted[] = { "settings.ALL", "DELETE", "bulk", "notifications", NULL };

  asks (false, NULL, wanted, unwanted);
}

static void
test_reading (void)
{
  static const char *const wanted[] = { "ZohoCRM.modules.READ", "ZohoCRM.coql.READ", NULL };
  static const char *const unwanted[] = { ".ALL", "CREATE", "WRITE", "UPDATE", "DELETE", NULL };

  asks (true, NULL, wanted, unwanted);
}

static void
test_some_modules (void)
{
  static const char *const wanted[]
      = { "ZohoCRM.modules.leads.READ", "ZohoCRM.modules.purchaseorders.READ", "ZohoCRM.modules.custom.READ",
          "ZohoCRM.modules.notes.READ", NULL };
  static const char *const unwanted[] = { "modules.READ,ZohoCRM.m", ".ALL", "contacts", "projects", NULL };

  asks (true, "Leads, leads,Purchase_Orders,Projects,Wide,Notes", wanted, unwanted);
}

static void
test_bad_names (void)
{
  static const char *const bad[] = { "", ",", "Leads,", "a b", "Leads,../x", "1st", "caf\303\251" };

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (scopes_parse_modules (bad[i], &error));
      g_assert_nonnull (error);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scopes/everything", test_everything);
  g_test_add_func ("/scopes/reading", test_reading);
  g_test_add_func ("/scopes/some-modules", test_some_modules);
  g_test_add_func ("/scopes/bad-names", test_bad_names);
  return g_test_run ();
}
