/* URLs: what may be talked to, and what may be written into one. */
#include "api/url.h"

#include "base/error.h"

static void
test_encodes (void)
{
  g_autofree char *plain = url_encode ("Az9-._~");
  g_autofree char *odd = url_encode ("a b/?&=#%,\xc3\xa9\n");
  g_autoptr (GString) query = g_string_new (NULL);

  g_assert_cmpstr (plain, ==, "Az9-._~");
  g_assert_cmpstr (odd, ==, "a%20b%2F%3F%26%3D%23%25%2C%C3%A9%0A");
  url_add (query, "fields", "A,B");
  url_add (query, "none", NULL);
  url_add (query, "q", "1&x=2");
  g_assert_cmpstr (query->str, ==, "fields=A,B&q=1%26x%3D2");
}

static void
test_bases (void)
{
  static const char *const good[] = {
    "https://www.zohoapis.com", "https://accounts.zoho.com.au:8443", "http://127.0.0.1:8080", "http://localhost",
    "http://[::1]:80",
  };
  static const char *const bad[] = {
    "",
    "www.zohoapis.com",
    "http://www.zohoapis.com",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "https://",
    "https://a.example/",
    "https://a.example/path",
    "https://a.example?x",
    "https://user@a.example",
    "https://user:word@127.0.0.1",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "https://a b",
    "http://127.0.0.1:99999",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (url_check_base (good[i], &error));
      g_assert_no_error (error);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      if (url_check_base (bad[i], &error))
        g_error ("%s was taken", bad[i]);
      g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
    }
}

static void
test_hosts (void)
{
  g_autofree char *host = url_host ("https://WWW.ZohoAPIs.com/crm/v8");
  g_autofree char *none = url_host ("nonsense");

  g_assert_cmpstr (host, ==, "www.zohoapis.com");
  g_assert_null (none);
  g_assert_true (url_host_is_loopback ("127.0.0.1"));
  g_assert_false (url_host_is_loopback ("127.0.0.1.example.com"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/url/encodes", test_encodes);
  g_test_add_func ("/url/bases", test_bases);
  g_test_add_func ("/url/hosts", test_hosts);
  return g_test_run ();
}
