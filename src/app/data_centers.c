/* The table of Zoho's data centres. Only what stands here is taken for a host of Zoho's. */
#include "app/data_centers.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *accounts;
  const char *api; /* what follows "www." */
} DataCenter;

static const DataCenter data_centers[] = {
  { "us", "accounts.zoho.com", "zohoapis.com" },
  { "eu", "accounts.zoho.eu", "zohoapis.eu" },
  { "in", "accounts.zoho.in", "zohoapis.in" },
  { "jp", "accounts.zoho.jp", "zohoapis.jp" },
  { "au", "accounts.zoho.com.au", "zohoapis.com.au" },
  { "cn", "accounts.zoho.com.cn", "zohoapis.com.cn" },
  { "ca", "accounts.zohocloud.ca", "zohoapis.ca" },
  { "sa", "accounts.zoho.sa", "zohoapis.sa" },
  { "uk", "accounts.zoho.uk", "zohoapis.uk" },
  { "ae", "accounts.zoho.ae", "zohoapis.ae" },
};

static const char *
prefix_of (const char *environment)
{
  if (environment == NULL || g_str_equal (environment, "production"))
    return "www";
  if (g_str_equal (environment, "sandbox") || g_str_equal (environment, "developer"))
    return environment;
  return NULL;
}

bool
data_centers_is_environment (const char *environment)
{
  return prefix_of (environment) != NULL;
}

bool
data_centers_find (const char *name, const char *environment, char **accounts_url, char **api_url)
{
  const char *prefix = prefix_of (environment);

  for (size_t i = 0; prefix != NULL && i < G_N_ELEMENTS (data_centers); i++)
    {
      if (!g_str_equal (name, data_centers[i].name))
        continue;
      *accounts_url = g_strdup_printf ("https://%s", data_centers[i].accounts);
      *api_url = g_strdup_printf ("https://%s.%s", prefix, data_centers[i].api);
      return true;
    }
  return false;
}

const char *
data_centers_name (const char *url)
{
  const char *host = url + strlen ("https://");

  if (!g_str_has_prefix (url, "https://"))
    return NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (data_centers); i++)
    if (g_ascii_strcasecmp (host, data_centers[i].accounts) == 0)
      return data_centers[i].name;
  return NULL;
}
