/* zoho-emulator: a Zoho CRM v8 org and its accounts server on one loopback port, for tests and demos. */
#include "emulator.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "handlers.h"

#define SAMPLE                                                                                                         \
  "Leads=1000,Contacts=300,Accounts=200,Deals=200,Quotes=50,Tasks=100,Events=20,Calls=20,Projects=60,Wide=20,"         \
  "Products=50,Vendors=10,Campaigns=10"

enum
{
  SAMPLE_NOTES = 200,
  MOST_NOTES = 1000000
};

/* What the command line said; a reset goes back to it. */
typedef struct
{
  int port;
  int notes;
  int64_t seed;
  char *records;
  char **settings; /* NAME=VALUE */
  gboolean second; /* is there a second data centre? */
} Options;

static Options options = { .notes = -1, .seed = 1 };

/* ---- time -------------------------------------------------------------------------------------------------------- */

time_t
emulator_now (Emulator *emulator)
{
  return time (NULL) + (time_t) emulator->offset_s;
}

void
format_time (time_t time, char out[static 32])
{
  struct tm parts;

  gmtime_r (&time, &parts);
  g_snprintf (out, 32, "%04d-%02d-%02dT%02d:%02d:%02d+00:00", CLAMP (parts.tm_year + 1900, 0, 9999), parts.tm_mon + 1,
              parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/* "+05:30", "-0800", "Z". */
static bool
parse_offset (const char *text, int *seconds)
{
  int hours, minutes, end = 0;

  if (strcmp (text, "Z") == 0)
    {
      *seconds = 0;
      return true;
    }
  if ((*text != '+' && *text != '-') || !g_ascii_isdigit (text[1]))
    return false;
  if ((sscanf (text + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 || text[1 + end] != '\0')
      && (sscanf (text + 1, "%2d%2d%n", &hours, &minutes, &end) != 2 || text[1 + end] != '\0'))
    return false;
  *seconds = (hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
  return hours < 24 && minutes < 60;
}

bool
parse_time (const char *text, time_t *time)
{
  struct tm parts = { 0 };
  int end = 0;
  int offset;

  if (text == NULL || !g_ascii_isdigit (*text)
      || sscanf (text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                 &parts.tm_min, &parts.tm_sec, &end)
             != 6
      || end != 19)
    return false;
  if (parts.tm_mon < 1 || parts.tm_mon > 12 || parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 60
      || !g_date_valid_dmy ((GDateDay) parts.tm_mday, (GDateMonth) parts.tm_mon, (GDateYear) MAX (1, parts.tm_year)))
    return false;
  text += end;
  if (*text == '.')
    text += 1 + strspn (text + 1, "0123456789");
  if (!parse_offset (text, &offset))
    return false;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  *time = timegm (&parts) - offset;
  return true;
}

bool
emulator_is_second (const Emulator *emulator, const char *host)
{
  return emulator->second_url != NULL && host != NULL
         && g_str_equal (host, emulator->second_url + strlen ("http://"));
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static bool
fail (GError **error, const char *format, const char *text)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, format, text);
  return false;
}

/* "Leads=1000". A name that is no module becomes a custom one. */
static bool
apply_records (Emulator *emulator, const char *text, GError **error)
{
  g_auto (GStrv) pairs = g_strsplit (text, ",", -1);

  for (char **pair = pairs; *pair != NULL && **pair != '\0'; pair++)
    {
      char *equals = strchr (*pair, '=');
      Module *module;
      guint64 count;

      if (equals == NULL || equals == *pair || !g_ascii_isalpha (**pair)
          || !g_ascii_string_to_unsigned (equals + 1, 10, 0, MOST_RECORDS, &count, NULL))
        return fail (error, "--records: %s is not MODULE=COUNT (at most 1000000)", *pair);
      *equals = '\0';
      module = schema_module (emulator, *pair);
      if (module == NULL)
        module = schema_add_custom (emulator, *pair);
      if (!module->api_supported || module->parent != NULL || strcmp (module->status, "system_hidden") == 0)
        return fail (error, "--records: %s cannot have records of its own", *pair);
      module->generated = count;
    }
  return true;
}

static bool
apply_settings (char **settings, GError **error)
{
  for (char **setting = settings; setting != NULL && *setting != NULL; setting++)
    {
      char *equals = strchr (*setting, '=');

      if (equals == NULL || equals == *setting)
        return fail (error, "--set: %s is not NAME=VALUE", *setting);
      *equals = '\0';
      setting_set (*setting, equals + 1);
    }
  return true;
}

static void
set_number (const char *name, int64_t value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, value);

  setting_set (name, text);
}

static bool
parse_options (int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- an emulated Zoho CRM org");
  int latency = 0, concurrency = 0;
  int64_t credits = 0;
  const GOptionEntry entries[] = {
    { "port", 0, 0, G_OPTION_ARG_INT, &options.port, "port on 127.0.0.1; 0: any", "P" },
    { "records", 0, 0, G_OPTION_ARG_STRING, &options.records, "how many records each module has", "Leads=1000,..." },
    { "notes", 0, 0, G_OPTION_ARG_INT, &options.notes, "how many notes, spread over all records", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "what the records are made from", "S" },
    { "latency-ms", 0, 0, G_OPTION_ARG_INT, &latency, "how long each call takes", "L" },
    { "concurrency", 0, 0, G_OPTION_ARG_INT, &concurrency, "calls at a time; 0: any number", "C" },
    { "credits", 0, 0, G_OPTION_ARG_INT64, &credits, "credits of a day; 0: no limit", "K" },
    { "second", 0, 0, G_OPTION_ARG_NONE, &options.second, "a second data centre, on a port of its own", NULL },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.settings, "a knob, see README.md", "NAME=VALUE" },
    { 0 },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return false;
  if (*argc > 1)
    return fail (error, "%s: unknown argument", (*argv)[1]);
  if (options.port < 0 || options.port > 65535)
    return fail (error, "%s", "--port: 0 to 65535");
  set_number ("latency_ms", latency);
  set_number ("concurrency", concurrency);
  set_number ("credits", credits);
  if (!apply_settings (options.settings, error))
    return false;
  settings_keep ();
  return true;
}

static bool
make_org (Emulator *emulator, GError **error)
{
  bool sample = options.records == NULL;
  int notes = options.notes >= 0 ? options.notes : sample ? SAMPLE_NOTES : 0;

  emulator->seed = (uint64_t) options.seed;
  schema_start (emulator);
  if (!apply_records (emulator, sample ? SAMPLE : options.records, error))
    return false;
  schema_module (emulator, "Notes")->generated = (uint64_t) MIN (notes, MOST_NOTES);
  generate_count_rows (emulator);
  return true;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void
start_families (Emulator *emulator)
{
  notes_start (emulator);
  bulk_start (emulator);
  watch_start (emulator);
}

static void
stop_families (Emulator *emulator)
{
  watch_stop (emulator);
  bulk_stop (emulator);
  notes_stop (emulator);
}

static void
make_anew (Emulator *emulator)
{
  g_autoptr (GError) error = NULL;

  pthread_rwlock_wrlock (&emulator->lock);
  store_stop (emulator);
  schema_stop (emulator);
  if (!make_org (emulator, &error))
    g_error ("the org of the start cannot be made again: %s", error->message);
  store_start (emulator);
  emulator->offset_s = 0;
  pthread_rwlock_unlock (&emulator->lock);
}

void
emulator_reset (Emulator *emulator)
{
  json_auto_t *none = json_array ();

  faults_set (none, NULL);
  pthread_rwlock_wrlock (&emulator->gate);
  stop_families (emulator);
  settings_restore ();
  make_anew (emulator);
  oauth_reset (emulator, true);
  ledger_reset ();
  start_families (emulator);
  pthread_rwlock_unlock (&emulator->gate);
}

/* Serves until SIGTERM or SIGINT, which all threads have blocked. */
static bool
serve (Emulator *emulator, unsigned port, const sigset_t *signals, GError **error)
{
  int number;

  if (!http_start (emulator, port, options.second, error))
    return false;
  printf ("listening on %s\n", emulator->url);
  if (emulator->second_url != NULL)
    printf ("second data centre on %s\n", emulator->second_url);
  fflush (stdout);
  sigwait (signals, &number);
  http_stop ();
  return true;
}

static bool
run (Emulator *emulator, const sigset_t *signals, GError **error)
{
  bool served;

  if (!make_org (emulator, error))
    {
      schema_stop (emulator);
      return false;
    }
  store_start (emulator);
  users_start (emulator);
  oauth_start (emulator);
  ledger_start ();
  faults_start ();
  routes_start ();
  start_families (emulator);
  served = serve (emulator, (unsigned) options.port, signals, error);
  stop_families (emulator);
  routes_stop ();
  ledger_stop ();
  oauth_stop ();
  users_stop ();
  store_stop (emulator);
  schema_stop (emulator);
  return served;
}

int
main (int argc, char **argv)
{
  static Emulator emulator;
  g_autoptr (GError) error = NULL;
  sigset_t signals;
  bool good;

  setlocale (LC_ALL, "C.UTF-8");
  sigemptyset (&signals);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGINT);
  pthread_sigmask (SIG_BLOCK, &signals, NULL);
  signal (SIGPIPE, SIG_IGN);
  pthread_rwlock_init (&emulator.gate, NULL);
  pthread_rwlock_init (&emulator.lock, NULL);
  settings_start ();
  good = parse_options (&argc, &argv, &error) && run (&emulator, &signals, &error);
  if (!good)
    fprintf (stderr, "zoho-emulator: %s\n", error->message);
  settings_stop ();
  g_free (emulator.url);
  g_free (emulator.second_url);
  g_free (options.records);
  g_strfreev (options.settings);
  pthread_rwlock_destroy (&emulator.lock);
  pthread_rwlock_destroy (&emulator.gate);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
