/* The command line: its forms, and the words that refuse it. */
#include "app/options.h"

#include <string.h>

#define PARSE(...) parse ((char *[]){ "zohofs", __VA_ARGS__, NULL })
#define REFUSED(words, ...) refused (words, (char *[]){ "zohofs", __VA_ARGS__, NULL })

static Options *
parse (char **argv)
{
  g_autoptr (GError) error = NULL;
  Options *options = options_parse ((int)g_strv_length (argv), argv, &error);

  g_assert_no_error (error);
  return options;
}

static void
refused (const char *words, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Options) options = options_parse ((int)g_strv_length (argv), argv, &error);

  g_assert_null (options);
  g_assert_nonnull (error);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
}

static void
test_mount_point_alone_is_the_default_profile (void)
{
  g_autoptr (Options) options = PARSE ("crm");

  g_assert_cmpint (options->command, ==, OPTIONS_MOUNT);
  g_assert_cmpstr (options->profile, ==, "default");
  g_assert_cmpstr (options->target, ==, "crm");
  g_assert_false (options->foreground);
  g_assert_cmpint (options->ttl_s, ==, 60);
}

static void
test_fstab_form (void)
{
  g_autoptr (Options) options = PARSE (
      "work", "/mnt", "-o", "rw,dev,nosuid,_netdev,noauto,user,x-systemd.automount,ttl=5,names=id,allow_other");

  g_assert_cmpstr (options->profile, ==, "work");
  g_assert_cmpstr (options->target, ==, "/mnt");
  g_assert_cmpstr (options->fuse_options, ==, "rw,dev,nosuid,allow_other");
  g_assert_cmpint (options->ttl_s, ==, 5);
  g_assert_true (options->bare_names);
  g_assert_false (options->read_only);
}

static void
test_reading_alone (void)
{
  g_autoptr (Options) ro = PARSE ("crm", "-o", "ro");
  g_autoptr (Options) noopen = PARSE ("crm", "-o", "noopen,noatime");
  g_autoptr (Options) both = PARSE ("crm", "-o", "rw,ro,noopen");
  g_autoptr (Options) last = PARSE ("crm", "-o", "ro", "-o", "rw");

  g_assert_true (ro->read_only);
  g_assert_cmpstr (ro->fuse_options, ==, "rw");
  g_assert_true (noopen->noopen);
  g_assert_true (noopen->read_only);
  g_assert_cmpstr (noopen->fuse_options, ==, "ro,noatime");
  g_assert_true (both->read_only);
  g_assert_false (last->read_only);
  g_assert_cmpstr (last->fuse_options, ==, "rw");
}

static void
test_how_is_saved (void)
{
  g_autoptr (Options) plain = PARSE ("crm");
  g_autoptr (Options) told = PARSE ("crm", "-o", "dry_run,stale=overwrite,max_deletes=1000000");
  g_autoptr (Options) back = PARSE ("crm", "-o", "stale=overwrite,stale=refuse,max_deletes=1");

  g_assert_false (plain->read_only);
  g_assert_cmpstr (plain->fuse_options, ==, "rw");
  g_assert_false (plain->dry_run);
  g_assert_false (plain->stale_overwrite);
  g_assert_cmpuint (plain->max_deletes, ==, 1000);
  g_assert_true (told->dry_run);
  g_assert_true (told->stale_overwrite);
  g_assert_cmpuint (told->max_deletes, ==, 1000000);
  g_assert_false (back->stale_overwrite);
  g_assert_cmpuint (back->max_deletes, ==, 1);
}

static void
test_source_form_of_profile (void)
{
  g_autoptr (Options) options = PARSE ("zohofs#work", "/mnt");

  g_assert_cmpstr (options->profile, ==, "work");
}

static void
test_switches_stand_anywhere (void)
{
  g_autoptr (Options) options = PARSE ("-ottl=7", "work", "-f", "crm", "-o", "log=info");

  g_assert_true (options->foreground);
  g_assert_cmpint (options->ttl_s, ==, 7);
  g_assert_cmpint (options->log_level, ==, LOGGING_INFO);
  g_assert_cmpstr (options->target, ==, "crm");
}

static void
test_trace_is_foreground_and_debug (void)
{
  g_autoptr (Options) options = PARSE ("-d", "crm");

  g_assert_true (options->foreground);
  g_assert_true (options->trace);
  g_assert_cmpint (options->log_level, ==, LOGGING_DEBUG);
}

static void
test_commas_in_values (void)
{
  g_autoptr (Options) options = PARSE ("crm", "-o", "config=/a\\,b/c.conf,,ttl=1");

  g_assert_cmpstr (options->config_file, ==, "/a,b/c.conf");
  g_assert_cmpint (options->ttl_s, ==, 1);
}

static void
test_relative_paths_survive_the_daemon (void)
{
  g_autoptr (Options) options = PARSE ("crm", "-o", "state_dir=state");

  g_assert_true (g_path_is_absolute (options->state_dir));
}

static void
test_ways_to_sign_in (void)
{
  char code[] = "--self-client=1000.code";
  char *arguments[] = { "zohofs", "login", code, NULL };
  g_autoptr (Options) browser = PARSE ("login", "--read-only", "--modules", "Leads, Deals", "--port=8080", "--no-browser");
  g_autoptr (Options) device = PARSE ("login", "work", "--device");
  g_autoptr (Options) self_client = options_parse (3, arguments, NULL);
  g_autoptr (Options) token = PARSE ("login", "--refresh-token", "-", "--keyring");
  g_autoptr (Options) logout = PARSE ("logout", "work", "--force");

  g_assert_cmpint (browser->login_way, ==, LOGIN_BY_BROWSER);
  g_assert_true (browser->login_read_only && browser->no_browser);
  g_assert_cmpstr (browser->login_modules[1], ==, "Deals");
  g_assert_cmpint (browser->login_port, ==, 8080);
  g_assert_cmpint (device->login_way, ==, LOGIN_BY_DEVICE);
  g_assert_cmpstr (device->profile, ==, "work");
  g_assert_cmpint (self_client->login_way, ==, LOGIN_BY_SELF_CLIENT);
  g_assert_cmpstr (self_client->self_client_code, ==, "1000.code");
  g_assert_cmpstr (code, ==, "--self-client=xxxxxxxxx"); /* where every process could read it */
  g_assert_cmpint (token->login_way, ==, LOGIN_BY_REFRESH_TOKEN);
  g_assert_true (token->keyring);
  g_assert_cmpint (logout->command, ==, OPTIONS_LOGOUT);
  g_assert_true (logout->force);
}

static void
test_commands (void)
{
  g_autoptr (Options) login = PARSE ("login", "work", "--refresh-token", "-", "--client-secret-file=/s");
  g_autoptr (Options) status = PARSE ("status", "/mnt");
  g_autoptr (Options) why = PARSE ("why", "crm/Leads/x.json");
  g_autoptr (Options) drain = PARSE ("drain");
  g_autoptr (Options) drain_one = PARSE ("drain", "work");
  g_autoptr (Options) help = PARSE ("--help");
  g_autoptr (Options) version = PARSE ("-V");
  g_autoptr (Options) directory = PARSE ("--", "-odd");

  g_assert_cmpint (login->command, ==, OPTIONS_LOGIN);
  g_assert_cmpstr (login->profile, ==, "work");
  g_assert_cmpstr (login->client_secret_file, ==, "/s");
  g_assert_cmpint (status->command, ==, OPTIONS_STATUS);
  g_assert_cmpstr (status->target, ==, "/mnt");
  g_assert_cmpint (why->command, ==, OPTIONS_WHY);
  g_assert_cmpstr (why->target, ==, "crm/Leads/x.json");
  g_assert_cmpint (drain->command, ==, OPTIONS_DRAIN);
  g_assert_cmpstr (drain->target, ==, NULL);
  g_assert_cmpstr (drain_one->target, ==, "work");
  g_assert_cmpint (help->command, ==, OPTIONS_HELP);
  g_assert_cmpint (version->command, ==, OPTIONS_VERSION);
  g_assert_cmpstr (directory->target, ==, "-odd");
}

static void
test_switches_of_commands (void)
{
  g_autoptr (Options) status = PARSE ("status", "--json", "--watch", "work");
  g_autoptr (Options) audit = PARSE ("audit", "work", "--since=2026-03-02T10:00:00Z");
  g_autoptr (Options) doctor = PARSE ("doctor", "work", "--json");
  g_autoptr (Options) help = PARSE ("drain", "--help", "--json");

  g_assert_true (status->json && status->watch);
  g_assert_cmpstr (status->target, ==, "work");
  g_assert_cmpint (audit->since_s, ==, 1772445600);
  g_assert_cmpstr (audit->profile, ==, "work");
  g_assert_true (doctor->json);
  g_assert_cmpstr (doctor->profile, ==, "work");
  g_assert_cmpint (help->command, ==, OPTIONS_HELP);
  g_assert_true (g_str_has_prefix (help->help, "zohofs drain"));
  REFUSED ("--json goes with: zohofs status, zohofs audit, zohofs doctor, zohofs query.", "drain", "--json");
  REFUSED ("--watch goes with: zohofs status.", "crm", "--watch");
  REFUSED ("neither a time ago", "audit", "--since", "soon");
}

static void
test_refusals_name_what_was_meant (void)
{
  REFUSED ("did you mean allow_other", "crm", "-o", "alow_other");
  REFUSED ("did you mean ttl", "crm", "-o", "tll=5");
  REFUSED ("lists them", "crm", "-o", "zzzzzzzzzz");
  REFUSED ("did you mean --foreground", "crm", "--forground");
  REFUSED ("ttl=-1 is not", "crm", "-o", "ttl=-1");
  REFUSED ("ttl=99999999999999999999 is not", "crm", "-o", "ttl=99999999999999999999");
  REFUSED ("needs a value", "crm", "-o", "ttl");
  REFUSED ("needs a value", "crm", "-o", "config=");
  REFUSED ("needs a value", "crm", "-o");
  REFUSED ("takes no value", "crm", "-o", "ro=1");
  REFUSED ("takes no value", "crm", "-o", "noopen=1");
  REFUSED ("takes no value", "crm", "-o", "dry_run=1");
  REFUSED ("say ro,noopen", "crm", "-o", "rw,noopen");
  REFUSED ("say ro,noopen", "crm", "-o", "noopen,ro,rw");
  REFUSED ("neither stale=refuse", "crm", "-o", "stale=ok");
  REFUSED ("max_deletes=0 is not", "crm", "-o", "max_deletes=0");
  REFUSED ("max_deletes=1000001 is not", "crm", "-o", "max_deletes=1000001");
  REFUSED ("which file", "why");
  REFUSED ("which file", "why", "a", "b");
  REFUSED ("zohofs drain [PROFILE", "drain", "a", "b");
  REFUSED ("neither names=label", "crm", "-o", "names=x");
  REFUSED ("none of log=error", "crm", "-o", "log=loud");
  REFUSED ("No mount point", "-f");
  REFUSED ("Too many", "a", "b", "c");
  REFUSED ("cannot be a profile", "../x", "crm");
  REFUSED ("is empty", "");
  REFUSED ("read from standard input", "login", "--refresh-token", "1000.x");
  REFUSED ("one way to sign in", "login", "--device", "--refresh-token", "-");
  REFUSED ("one way to sign in", "login", "--self-client=-", "--device");
  REFUSED ("names of modules", "login", "--modules", "Leads,../x");
  REFUSED ("from 1024 to 65535", "login", "--port", "80");
  REFUSED ("goes with: zohofs login", "logout", "--device");
  REFUSED ("goes with: zohofs logout", "login", "--force");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/options/default-profile", test_mount_point_alone_is_the_default_profile);
  g_test_add_func ("/options/fstab", test_fstab_form);
  g_test_add_func ("/options/reading-alone", test_reading_alone);
  g_test_add_func ("/options/how-is-saved", test_how_is_saved);
  g_test_add_func ("/options/source", test_source_form_of_profile);
  g_test_add_func ("/options/anywhere", test_switches_stand_anywhere);
  g_test_add_func ("/options/trace", test_trace_is_foreground_and_debug);
  g_test_add_func ("/options/commas", test_commas_in_values);
  g_test_add_func ("/options/relative", test_relative_paths_survive_the_daemon);
  g_test_add_func ("/options/commands", test_commands);
  g_test_add_func ("/options/sign-in", test_ways_to_sign_in);
  g_test_add_func ("/options/switches-of-commands", test_switches_of_commands);
  g_test_add_func ("/options/refusals", test_refusals_name_what_was_meant);
  return g_test_run ();
}
