/* The short text of each command; the manual has the long ones. */
#include "app/help.h"

#define FOLDERS                                                                                                        \
  "  -o config=FILE, state_dir=DIR, cache_dir=DIR   where the profile's files are, if not at their usual places\n"

static const char login[]
    = "zohofs login [PROFILE] [--device | --self-client CODE | --refresh-token -] [OPTION...]\n"
      "\n"
      "Signs in to Zoho and keeps the sign-in; a mount of the profile goes on with the new one by itself. Without one of the\n"
      "three, Zoho's page is opened in a browser on this machine. The client secret is asked for on the terminal.\n"
      "\n"
      "  --device                   agree on another device, for machines without a browser\n"
      "  --self-client CODE|-       with a code that the API console made (self client); -: read from standard input\n"
      "  --refresh-token -          with a refresh token, read from standard input\n"
      "  --read-only                ask for permission to read alone\n"
      "  --modules Leads,...        ask for permission for these modules alone\n"
      "  --show-scopes              say the permissions (scopes) that would be asked for, and do no more\n"
      "  --no-browser               start no browser, only show the address of the page\n"
      "  --port N                   the browser comes back to http://127.0.0.1:N/callback; else any port\n"
      "  --client-secret-file FILE  read the client secret from FILE, which nobody else may be able to read\n"
      "  --keyring                  keep the secrets in the desktop's keyring, not in files (0600)\n"
      FOLDERS "\n"
      "Exit status: 0 signed in; 1 not, one line says why; 2 the command line is wrong.\n";

static const char logout[]
    = "zohofs logout [PROFILE] [--force] [-o OPTION,...]\n"
      "\n"
      "Revokes the sign-in at Zoho and removes its secrets from this machine.\n"
      "\n"
      "  --force    remove them without telling Zoho, as when it cannot be reached\n"
      FOLDERS "\n"
      "Exit status: 0 signed out; 1 not, and nothing was removed; 2 the command line is wrong.\n";

static const char status[]
    = "zohofs status [PROFILE|MOUNTPOINT] [--json] [--watch]\n"
      "\n"
      "Shows what the mounts of this machine are doing: sign-in, credits, calls, cache, what waits to be sent.\n"
      "\n"
      "  --json    an array with the status.json of each mount\n"
      "  --watch   again every two seconds, until no such mount is left; with --json one line each time\n"
      "\n"
      "Exit status: 0 shown; 1 nothing is mounted there, or it does not answer; 2 the command line is wrong.\n";

static const char why[]
    = "zohofs why FILE\n"
      "\n"
      "Says why the last save of FILE was refused, where its text is kept and what to do.\n"
      "\n"
      "Exit status: 0 told; 1 no save of it was refused, or FILE is in no mount; 2 the command line is wrong.\n";

static const char drain[]
    = "zohofs drain [PROFILE|MOUNTPOINT]\n"
      "\n"
      "Sends what waits to be sent, and ends when it is in the CRM.\n"
      "\n"
      "Exit status: 0 everything is in the CRM; 1 something is not, or nothing is mounted; 2 the command line is wrong.\n";

static const char audit[]
    = "zohofs audit [PROFILE|MOUNTPOINT] [--since WHEN] [--json] [-o OPTION,...]\n"
      "\n"
      "Shows who changed what in the CRM through a profile's mounts: program, user, record, names of fields, outcome.\n"
      "Nothing needs to be mounted.\n"
      "\n"
      "  --since WHEN   a time ago (30m, 2h, 7d), a date (2026-03-02) or a time (2026-03-02T10:00:00)\n"
      "  --json         the lines of audit.jsonl as they are\n"
      FOLDERS "\n"
      "Exit status: 0 shown; 1 there is no such profile, or it cannot be read; 2 the command line is wrong.\n";

static const char doctor[]
    = "zohofs doctor [PROFILE] [--json] [-o OPTION,...]\n"
      "\n"
      "Looks for what keeps a mount from working, and says what to do: FUSE, folders, configuration, sign-in, connection,\n"
      "clock, permissions for each module, credits, disk cache, what earlier mounts left. Costs a few API credits: one for\n"
      "each module that the user may see, and about five.\n"
      "\n"
      "  --json    {\"ok\": ..., \"checks\": [{\"check\", \"state\", \"words\", \"todo\"}]}; state: ok, warning, failed, skipped\n"
      FOLDERS "\n"
      "Exit status: 0 nothing failed; 1 something did; 2 the command line is wrong.\n";

static const char query[]
    = "zohofs query QUERY [PROFILE|MOUNTPOINT] [--json|--jsonl|--csv|--table]\n"
      "\n"
      "Asks the CRM by COQL, Zoho's query language, through a mount, and prints the rows as they come: a JSON array, JSON\n"
      "Lines, CSV or a table, which is also what a terminal gets without any of these; anything else gets JSON. A cell of\n"
      "CSV or of a table has a lookup's name. Each 200 rows cost an API call, and 100,000 can be had.\n"
      "\n"
      "  zohofs query \"select Last_Name, Email from Leads where Lead_Status = 'Open' limit 20\"\n"
      "\n"
      "Exit status: 0 shown; 1 the query is refused (the place is shown), or nothing is mounted; 2 the command line is\n"
      "wrong.\n";

const char *
help_text (OptionsCommand command)
{
  switch (command) /* no default: the compiler names a forgotten command */
    {
    case OPTIONS_LOGIN:
      return login;
    case OPTIONS_LOGOUT:
      return logout;
    case OPTIONS_STATUS:
      return status;
    case OPTIONS_WHY:
      return why;
    case OPTIONS_DRAIN:
      return drain;
    case OPTIONS_AUDIT:
      return audit;
    case OPTIONS_QUERY:
      return query;
    case OPTIONS_DOCTOR:
      return doctor;
    case OPTIONS_MOUNT:
    case OPTIONS_CHECK_CACHE:
    case OPTIONS_KEYRING:
    case OPTIONS_HELP:
    case OPTIONS_VERSION:
      return options_help;
    }
  return options_help;
}
