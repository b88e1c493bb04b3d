/* The configuration file: which account, and how hard we may press its API. Strict, because a setting that is silently
 * ignored is worse than one that is refused: unknown groups and keys are errors that name what was meant. */
#include "app/config.h"

#include "app/access_config.h"
#include "app/data_centers.h"
#include "app/files.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/jsonl.h"
#include "base/nearest.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#define FILE_MAX 65536
#define CLIENT_ID_MAX 200

/* Zoho allows 25 calls at once in its largest edition, and 10 of the heavy class in every one. */
#define CONCURRENCY_MAX 25
#define HEAVY_MAX 10

#define CACHE_MB_MIN 1
#define CACHE_MB_MAX (16 << 20)

#define AUDIT_MB_MAX 1024

static const char *const groups[] = { "account", "limits", "access", "audit", NULL };
static const char *const account_keys[]
    = { "data_center", "environment", "accounts_url", "api_url", "other_accounts_url", "other_api_url", "client_id", NULL };
static const char *const limits_keys[] = { "concurrency", "daily_credits", "deadline", "cache_mb", "walkers", NULL };
static const char *const audit_keys[] = { "size_mb", "generations", "syslog", "values", NULL };

/* One file being read. */
typedef struct
{
  const char *path;
  GKeyFile *keys;
} Reading;

static bool
refuse (const Reading *reading, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);

static bool
refuse (const Reading *reading, GError **error, const char *format, ...)
{
  g_autofree char *words = NULL;
  va_list arguments;

  va_start (arguments, format);
  words = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "%s: %s", reading->path, words);
  return false;
}

static bool
refuse_name (const Reading *reading, const char *what, const char *name, const char *const *known, GError **error)
{
  const char *meant = nearest_word (name, known);
  g_autofree char *all = g_strjoinv (", ", (char **) known);

  if (meant == NULL)
    return refuse (reading, error, "unknown %s \"%s\"; known are %s.", what, name, all);
  return refuse (reading, error, "unknown %s \"%s\"; did you mean \"%s\"?", what, name, meant);
}

static bool
check_keys (const Reading *reading, const char *group, const char *const *known, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (reading->keys, group, NULL, NULL);

  for (char **key = keys; key != NULL && *key != NULL; key++)
    {
      g_autofree char *what = g_strdup_printf ("key of [%s]", group);

      if (g_strv_contains (known, *key))
        continue;
      if (g_str_equal (*key, "client_secret") || g_str_equal (*key, "refresh_token"))
        return refuse (reading, error, "secrets do not belong into the configuration: take %s out and run "
                                       "`zohofs login`.", *key);
      return refuse_name (reading, what, *key, known, error);
    }
  return true;
}

static bool
check_names (const Reading *reading, GError **error)
{
  g_auto (GStrv) found = g_key_file_get_groups (reading->keys, NULL);

  for (char **group = found; *group != NULL; group++)
    if (!g_strv_contains (groups, *group) && !access_config_is_group (*group))
      return refuse_name (reading, "group", *group, groups, error);
  return check_keys (reading, "account", account_keys, error) && check_keys (reading, "limits", limits_keys, error)
         && check_keys (reading, "audit", audit_keys, error);
}

/* The value of a key without the blanks around it; NULL when it is not there. To g_free(). */
static char *
value_of (const Reading *reading, const char *group, const char *key)
{
  char *value = g_key_file_get_string (reading->keys, group, key, NULL);

  return value == NULL ? NULL : g_strstrip (value);
}

static bool
read_number (const Reading *reading, const char *group, const char *key, int64_t least, int64_t most, int64_t *value,
             GError **error)
{
  g_autofree char *text = value_of (reading, group, key);
  gint64 number;

  if (text == NULL)
    return true;
  if (!g_ascii_string_to_signed (text, 10, least, most, &number, NULL))
    return refuse (reading, error, "%s=%s is not a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ".",
                   key, text, (gint64) least, (gint64) most);
  *value = number;
  return true;
}

static bool
read_switch (const Reading *reading, const char *group, const char *key, bool *value, GError **error)
{
  g_autofree char *text = value_of (reading, group, key);

  if (text == NULL)
    return true;
  if (!g_str_equal (text, "yes") && !g_str_equal (text, "no"))
    return refuse (reading, error, "%s=%s is neither yes nor no.", key, text);
  *value = g_str_equal (text, "yes");
  return true;
}

static bool
is_loopback (const char *host)
{
  struct in_addr address;

  if (g_str_equal (host, "localhost") || g_str_equal (host, "::1"))
    return true;
  return inet_pton (AF_INET, host, &address) == 1 && ntohl (address.s_addr) >> 24 == 127;
}

/* Takes @text as the address of a host, and nothing more. */
static bool
read_url (const Reading *reading, const char *key, const char *text, char **url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri == NULL ? "" : g_uri_get_scheme (uri);
  const char *host = uri == NULL ? NULL : g_uri_get_host (uri);

  if (host == NULL || *host == '\0')
    return refuse (reading, error, "%s=%s is not an address such as https://www.zohoapis.com.", key, text);
  if (g_uri_get_userinfo (uri) != NULL || g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL
      || (*g_uri_get_path (uri) != '\0' && !g_str_equal (g_uri_get_path (uri), "/")))
    return refuse (reading, error, "%s=%s has more than a host and a port; leave the rest out.", key, text);
  if (!g_str_equal (scheme, "https") && !g_str_equal (scheme, "http"))
    return refuse (reading, error, "%s=%s must begin with https://.", key, text);
  if (g_str_equal (scheme, "http") && !is_loopback (host))
    return refuse (reading, error, "%s=%s would send the sign-in in the clear; plain http goes to this machine only.",
                   key, text);
  *url = g_strdup (text);
  if (g_str_has_suffix (*url, "/"))
    (*url)[strlen (*url) - 1] = '\0';
  return true;
}

static bool
read_data_center (const Reading *reading, const char *name, Config *config, GError **error)
{
  config->environment = value_of (reading, "account", "environment");
  if (!data_centers_is_environment (config->environment))
    return refuse (reading, error, "environment=%s is none of production, sandbox and developer.", config->environment);
  return data_centers_find (name, config->environment, &config->accounts_url, &config->api_url)
         || refuse (reading, error, "data_center=%s is none of " DATA_CENTERS ".", name);
}

/* Where a sign-in may be sent on to, besides Zoho's own data centres. */
static bool
read_other_hosts (const Reading *reading, Config *config, GError **error)
{
  g_autofree char *accounts = value_of (reading, "account", "other_accounts_url");
  g_autofree char *api = value_of (reading, "account", "other_api_url");

  if (accounts == NULL && api == NULL)
    return true;
  if (accounts == NULL || api == NULL)
    return refuse (reading, error, "other_accounts_url and other_api_url belong together; %s is missing.",
                   api == NULL ? "other_api_url" : "other_accounts_url");
  return read_url (reading, "other_accounts_url", accounts, &config->other_accounts_url, error)
         && read_url (reading, "other_api_url", api, &config->other_api_url, error);
}

static bool
read_hosts (const Reading *reading, Config *config, GError **error)
{
  g_autofree char *name = value_of (reading, "account", "data_center");
  g_autofree char *accounts = value_of (reading, "account", "accounts_url");
  g_autofree char *api = value_of (reading, "account", "api_url");

  if (name != NULL && (accounts != NULL || api != NULL))
    return refuse (reading, error, "give either data_center or accounts_url and api_url, not both.");
  if (name != NULL)
    return read_data_center (reading, name, config, error);
  if (accounts == NULL && api == NULL)
    return refuse (reading, error, "[account] has no data_center; it is one of " DATA_CENTERS ".");
  if (accounts == NULL || api == NULL)
    return refuse (reading, error, "accounts_url and api_url belong together; %s is missing.",
                   api == NULL ? "api_url" : "accounts_url");
  if (g_key_file_has_key (reading->keys, "account", "environment", NULL))
    return refuse (reading, error, "environment goes with data_center; api_url already names the environment.");
  return read_url (reading, "accounts_url", accounts, &config->accounts_url, error)
         && read_url (reading, "api_url", api, &config->api_url, error) && read_other_hosts (reading, config, error);
}

static bool
read_client_id (const Reading *reading, Config *config, GError **error)
{
  config->client_id = value_of (reading, "account", "client_id");
  if (config->client_id == NULL || *config->client_id == '\0')
    return refuse (reading, error, "[account] has no client_id; the Zoho API console shows it, as 1000. and letters.");
  if (strlen (config->client_id) > CLIENT_ID_MAX || !files_is_word (config->client_id))
    return refuse (reading, error, "client_id is not a client id: up to %d letters, digits and signs without blanks.",
                   CLIENT_ID_MAX);
  return true;
}

static bool
read_access (const Reading *reading, Config *config, GError **error)
{
  g_autoptr (GError) why = NULL;

  config->access = access_config_read (reading->keys, &why);
  return config->access != NULL || refuse (reading, error, "%s", why->message);
}

static bool
read_walkers (const Reading *reading, Config *config, GError **error)
{
  g_autofree char *names = value_of (reading, "limits", "walkers");

  config->walkers = walkers_new (names != NULL ? names : WALKERS_DEFAULT);
  return config->walkers != NULL
         || refuse (reading, error, "walkers=%s is no list of programs: names as in /proc/PID/comm, such as updatedb, "
                                    "with commas between, at most 64; or nothing, for none.", names);
}

static bool
read_limits (const Reading *reading, Config *config, GError **error)
{
  int64_t concurrency = 5, deadline_s = 60, cache_mb = 4096;

  if (!read_number (reading, "limits", "concurrency", 1, CONCURRENCY_MAX, &concurrency, error)
      || !read_number (reading, "limits", "daily_credits", 0, 1000000000, &config->daily_credits, error)
      || !read_number (reading, "limits", "deadline", 1, 3600, &deadline_s, error)
      || !read_number (reading, "limits", "cache_mb", CACHE_MB_MIN, CACHE_MB_MAX, &cache_mb, error)
      || !read_walkers (reading, config, error))
    return false;
  config->concurrency = (unsigned) concurrency;
  /* One slot stays free of heavy calls, so that a person's read need not wait behind them. */
  config->heavy_concurrency = (unsigned) CLAMP (concurrency - 1, 1, HEAVY_MAX);
  config->deadline_us = deadline_s * CLOCK_SECOND_US;
  config->cache_bytes = (uint64_t) cache_mb << 20;
  return true;
}

static bool
read_audit (const Reading *reading, Config *config, GError **error)
{
  int64_t size_mb = JSONL_CAP >> 20, generations = 1;

  if (!read_number (reading, "audit", "size_mb", 1, AUDIT_MB_MAX, &size_mb, error)
      || !read_number (reading, "audit", "generations", 1, JSONL_GENERATIONS_MAX, &generations, error)
      || !read_switch (reading, "audit", "syslog", &config->audit_syslog, error)
      || !read_switch (reading, "audit", "values", &config->audit_values, error))
    return false;
  config->audit_bytes = size_mb << 20;
  config->audit_generations = (unsigned) generations;
  return true;
}

/* GKeyFile's own words show the line, which may be a secret in the wrong place; ours count it. */
static bool
check_lines (const Reading *reading, const char *text, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  bool in_group = false;

  for (unsigned i = 0; lines[i] != NULL; i++)
    {
      const char *line = g_strstrip (lines[i]);

      if (*line == '\0' || *line == '#')
        continue;
      if (*line == '[' && strchr (line, ']') != NULL)
        in_group = true;
      else if (*line == '=' || strchr (line, '=') == NULL)
        return refuse (reading, error, "line %u is neither [group] nor key=value nor # comment.", i + 1);
      else if (!in_group)
        return refuse (reading, error, "line %u comes before the first group; [account] belongs above it.", i + 1);
    }
  return true;
}

Config *
config_parse (const char *text, size_t size, const char *path, GError **error)
{
  g_autoptr (Config) config = g_new0 (Config, 1);
  g_autoptr (GKeyFile) keys = g_key_file_new ();
  g_autoptr (GError) cause = NULL;
  Reading reading = { .path = path, .keys = keys };
  g_autofree char *copy = g_strndup (text, size);

  if (strlen (copy) != size || !g_utf8_validate (copy, (gssize) size, NULL))
    {
      refuse (&reading, error, "this is not a text file in UTF-8.");
      return NULL;
    }
  if (!check_lines (&reading, copy, error))
    return NULL;
  if (size > 0 && !g_key_file_load_from_data (keys, copy, size, G_KEY_FILE_NONE, &cause))
    {
      refuse (&reading, error, "a group or key has an impossible name; names are letters, digits, '-' and '_'.");
      return NULL;
    }
  if (!check_names (&reading, error) || !read_hosts (&reading, config, error)
      || !read_client_id (&reading, config, error) || !read_limits (&reading, config, error)
      || !read_access (&reading, config, error) || !read_audit (&reading, config, error))
    return NULL;
  return g_steal_pointer (&config);
}

Config *
config_load (const char *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *text = NULL;
  size_t size;

  text = files_read (path, FILE_MAX, false, &size, &cause);
  if (text == NULL && g_error_matches (cause, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND,
                   "There is no configuration %s; write one with data_center and client_id below [account], then run "
                   "`zohofs login`. zohofs(1) shows an example.", path);
      return NULL;
    }
  if (text == NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&cause), "The configuration cannot be read: ");
      return NULL;
    }
  return config_parse (text, size, path, error);
}

void
config_free (Config *config)
{
  if (config == NULL)
    return;
  access_free (config->access);
  walkers_free (config->walkers);
  g_free (config->accounts_url);
  g_free (config->api_url);
  g_free (config->environment);
  g_free (config->other_accounts_url);
  g_free (config->other_api_url);
  g_free (config->client_id);
  g_free (config);
}
