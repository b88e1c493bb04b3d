/* The configuration: what is taken, and that what is refused is named. */
#include "app/config.h"

#include "base/nearest.h"

#include <string.h>

#define ACCOUNT "[account]\ndata_center=eu\nclient_id=1000.AB\n"
#define HOSTS(accounts, api) "[account]\nclient_id=1000.AB\naccounts_url=" accounts "\napi_url=" api "\n"

static Config *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  Config *config = config_parse (text, strlen (text), "x.conf", &error);

  g_assert_no_error (error);
  return config;
}

static void
refused (const char *text, size_t size, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Config) config = config_parse (text, size, "x.conf", &error);

  g_assert_null (config);
  g_assert_nonnull (error);
  g_assert_true (g_str_has_prefix (error->message, "x.conf: "));
  if (strstr (error->message, words) == NULL || strchr (error->message, '\n') != NULL)
    g_error ("\"%s\" does not say \"%s\" in one line", error->message, words);
}

static void
test_defaults (void)
{
  g_autoptr (Config) config = parse (ACCOUNT);

  g_assert_cmpstr (config->accounts_url, ==, "https://accounts.zoho.eu");
  g_assert_cmpstr (config->api_url, ==, "https://www.zohoapis.eu");
  g_assert_cmpstr (config->client_id, ==, "1000.AB");
  g_assert_cmpint (config->concurrency, ==, 5);
  g_assert_cmpint (config->heavy_concurrency, ==, 4);
  g_assert_cmpint (config->daily_credits, ==, 0);
  g_assert_cmpint (config->deadline_us, ==, 60 * G_USEC_PER_SEC);
}

static void
test_limits (void)
{
  g_autoptr (Config) config = parse (ACCOUNT "[limits]\nconcurrency = 1\ndaily_credits=20000\ndeadline=9\n");

  g_assert_cmpint (config->concurrency, ==, 1);
  g_assert_cmpint (config->heavy_concurrency, ==, 1);
  g_assert_cmpint (config->daily_credits, ==, 20000);
  g_assert_cmpint (config->deadline_us, ==, 9 * G_USEC_PER_SEC);
}

static void
test_audit (void)
{
  g_autoptr (Config) usual = parse (ACCOUNT);
  g_autoptr (Config) config = parse (ACCOUNT "[audit]\nsize_mb=3\ngenerations=9\nsyslog=yes\nvalues=yes\n");

  g_assert_cmpint (usual->audit_bytes, ==, 10 << 20);
  g_assert_cmpuint (usual->audit_generations, ==, 1);
  g_assert_false (usual->audit_syslog);
  g_assert_cmpint (config->audit_bytes, ==, 3 << 20);
  g_assert_cmpuint (config->audit_generations, ==, 9);
  g_assert_true (config->audit_syslog);
  g_assert_true (config->audit_values);
  g_assert_false (usual->audit_values);
  refused (ACCOUNT "[audit]\nsyslog=maybe\n", strlen (ACCOUNT "[audit]\nsyslog=maybe\n"), "neither yes nor no");
  refused (ACCOUNT "[audit]\nsize_mb=0\n", strlen (ACCOUNT "[audit]\nsize_mb=0\n"), "from 1 to 1024");
}

static void
test_walkers (void)
{
  g_autoptr (Config) usual = parse (ACCOUNT);
  g_autoptr (Config) own = parse (ACCOUNT "[limits]\nwalkers= rsync, updatedb\n");
  g_autoptr (Config) none = parse (ACCOUNT "[limits]\nwalkers=\n");

  g_assert_true (walkers_has (usual->walkers, "baloo_file"));
  g_assert_false (walkers_has (usual->walkers, "rsync"));
  g_assert_true (walkers_has (own->walkers, "rsync"));
  g_assert_false (walkers_has (own->walkers, "baloo_file"));
  g_assert_false (walkers_any (none->walkers));
  refused (ACCOUNT "[limits]\nwalkers=/usr/bin/x\n", strlen (ACCOUNT "[limits]\nwalkers=/usr/bin/x\n"), "/proc/PID/comm");
}

static void
test_data_centers (void)
{
  static const struct
  {
    const char *name, *accounts, *api;
  } rows[] = {
    { "us", "https://accounts.zoho.com", "https://www.zohoapis.com" },
    { "in", "https://accounts.zoho.in", "https://www.zohoapis.in" },
    { "jp", "https://accounts.zoho.jp", "https://www.zohoapis.jp" },
    { "au", "https://accounts.zoho.com.au", "https://www.zohoapis.com.au" },
    { "cn", "https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn" },
    { "ca", "https://accounts.zohocloud.ca", "https://www.zohoapis.ca" },
    { "sa", "https://accounts.zoho.sa", "https://www.zohoapis.sa" },
    { "uk", "https://accounts.zoho.uk", "https://www.zohoapis.uk" },
    { "ae", "https://accounts.zoho.ae", "https://www.zohoapis.ae" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strdup_printf ("[account]\nclient_id=1000.AB\ndata_center=%s\n", rows[i].name);
      g_autoptr (Config) config = parse (text);

      g_assert_cmpstr (config->accounts_url, ==, rows[i].accounts);
      g_assert_cmpstr (config->api_url, ==, rows[i].api);
    }
}

static void
test_environments (void)
{
  g_autoptr (Config) sandbox = parse (ACCOUNT "environment=sandbox\n");
  g_autoptr (Config) developer = parse (ACCOUNT "environment=developer\n");

  g_assert_cmpstr (sandbox->api_url, ==, "https://sandbox.zohoapis.eu");
  g_assert_cmpstr (sandbox->accounts_url, ==, "https://accounts.zoho.eu");
  g_assert_cmpstr (developer->api_url, ==, "https://developer.zohoapis.eu");
}

static void
test_addresses (void)
{
  g_autoptr (Config) secure = parse (HOSTS ("https://a.example/", "https://b.example:8443"));
  g_autoptr (Config) local = parse (HOSTS ("http://127.0.0.1:1", "http://localhost:2"));
  g_autoptr (Config) local6 = parse (HOSTS ("http://[::1]:1", "http://127.8.9.1"));

  g_assert_cmpstr (secure->accounts_url, ==, "https://a.example");
  g_assert_cmpstr (secure->api_url, ==, "https://b.example:8443");
  g_assert_cmpstr (local->api_url, ==, "http://localhost:2");
  g_assert_cmpstr (local6->accounts_url, ==, "http://[::1]:1");
}

static void
test_refusals (void)
{
  static const struct
  {
    const char *text, *words;
  } rows[] = {
    { "", "no data_center" },
    { "[account]\ndata_center=eu\n", "no client_id" },
    { "[account]\ndata_center=eu\nclient_id=a b\n", "without blanks" },
    { "[account]\ndata_center=de\nclient_id=1000.AB\n", "data_center=de is none of us, eu" },
    { "[acount]\n", "unknown group \"acount\"; did you mean \"account\"" },
    { ACCOUNT "[zzzzzzzzzzzz]\n", "known are account, limits" },
    { ACCOUNT "[limits]\nconcurency=5\n", "unknown key of [limits] \"concurency\"; did you mean \"concurrency\"" },
    { ACCOUNT "client_secret=abc\n", "secrets do not belong" },
    { ACCOUNT "environment=test\n", "environment=test is none" },
    { ACCOUNT "api_url=https://x.example\n", "not both" },
    { ACCOUNT "[limits]\nconcurrency=0\n", "concurrency=0 is not a whole number from 1 to 25" },
    { ACCOUNT "[limits]\nconcurrency=26\n", "concurrency=26" },
    { ACCOUNT "[limits]\ndeadline=1.5\n", "deadline=1.5" },
    { ACCOUNT "[limits]\ndaily_credits=-1\n", "daily_credits=-1" },
    { "[account]\nclient_id=1000.AB\napi_url=https://x.example\n", "accounts_url is missing" },
    { HOSTS ("http://a.example", "https://b.example"), "in the clear" },
    { HOSTS ("http://127.0.0.1.example", "https://b.example"), "in the clear" },
    { HOSTS ("https://a.example", "ftp://b.example"), "https://" },
    { HOSTS ("https://a.example", "b.example"), "not an address" },
    { HOSTS ("https://u:p@a.example", "https://b.example"), "more than a host" },
    { HOSTS ("https://a.example", "https://b.example/crm"), "more than a host" },
    { "data_center=eu\n", "line 1 comes before" },
    { "[account]\nthis is no setting\n", "line 2 is neither" },
    { "[account\n", "line 1 is neither" },
    { "[account]\n\xff=1\n", "UTF-8" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    refused (rows[i].text, strlen (rows[i].text), rows[i].words);
  refused ("[account]\0x=1", 13, "not a text file");
}

static void
test_nearest (void)
{
  static const char *const known[] = { "concurrency", "deadline", "ttl", NULL };

  g_assert_cmpint (nearest_distance ("", "abc"), ==, 3);
  g_assert_cmpint (nearest_distance ("abc", "acb"), ==, 1);
  g_assert_cmpint (nearest_distance ("kitten", "sitting"), ==, 3);
  g_assert_cmpstr (nearest_word ("DEADLIEN", known), ==, "deadline");
  g_assert_cmpstr (nearest_word ("tl", known), ==, "ttl");
  g_assert_null (nearest_word ("xyzxyzxyz", known));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/defaults", test_defaults);
  g_test_add_func ("/config/limits", test_limits);
  g_test_add_func ("/config/audit", test_audit);
  g_test_add_func ("/config/walkers", test_walkers);
  g_test_add_func ("/config/data-centers", test_data_centers);
  g_test_add_func ("/config/environments", test_environments);
  g_test_add_func ("/config/addresses", test_addresses);
  g_test_add_func ("/config/refusals", test_refusals);
  g_test_add_func ("/config/nearest", test_nearest);
  return g_test_run ();
}
