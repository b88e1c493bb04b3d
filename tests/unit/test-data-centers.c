/* Zoho's hosts, and what only looks like one. */
#include "app/data_centers.h"

static void
is_at (const char *name, const char *environment, const char *accounts, const char *api)
{
  g_autofree char *accounts_url = NULL, *api_url = NULL;

  g_assert_true (data_centers_find (name, environment, &accounts_url, &api_url));
  g_assert_cmpstr (accounts_url, ==, accounts);
  g_assert_cmpstr (api_url, ==, api);
  g_assert_cmpstr (data_centers_name (accounts_url), ==, name);
}

static void
test_all (void)
{
  g_auto (GStrv) names = g_strsplit (DATA_CENTERS, ", ", -1);

  for (char **name = names; *name != NULL; name++)
    {
      g_autofree char *accounts_url = NULL, *api_url = NULL;

      g_assert_true (data_centers_find (*name, NULL, &accounts_url, &api_url));
      g_assert_cmpstr (data_centers_name (accounts_url), ==, *name);
    }
  is_at ("us", NULL, "https://accounts.zoho.com", "https://www.zohoapis.com");
  is_at ("au", "production", "https://accounts.zoho.com.au", "https://www.zohoapis.com.au");
  is_at ("ca", NULL, "https://accounts.zohocloud.ca", "https://www.zohoapis.ca");
  is_at ("eu", "sandbox", "https://accounts.zoho.eu", "https://sandbox.zohoapis.eu");
  is_at ("in", "developer", "https://accounts.zoho.in", "https://developer.zohoapis.in");
}

static void
test_others (void)
{
  static const char *const urls[]
      = { "https://accounts.zoho.com.evil.example", "http://accounts.zoho.com", "https://accounts.zoho.com:444",
          "https://accounts.zoho.com/", "https://evil@accounts.zoho.com", "https://accounts.zoho.co", "accounts.zoho.com",
          "https://", "" };
  char *accounts_url = NULL, *api_url = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (urls); i++)
    g_assert_null (data_centers_name (urls[i]));
  g_assert_false (data_centers_find ("mars", NULL, &accounts_url, &api_url));
  g_assert_false (data_centers_is_environment ("staging"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/data-centers/all", test_all);
  g_test_add_func ("/data-centers/others", test_others);
  return g_test_run ();
}
