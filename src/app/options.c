/* The command line: `zohofs [PROFILE] MOUNTPOINT`, its commands, and the form in which mount.fuse3 calls us for a
 * line of /etc/fstab (`zohofs PROFILE /mnt -o rw,nosuid,_netdev,ttl=30`). Each -o word is a row of one table: ours,
 * libfuse's, or one that only mount(8) and systemd read. */
#include "app/options.h"

#include "app/refuse.h"
#include "app/audit_command.h"
#include "app/help.h"
#include "app/scopes.h"
#include "base/clock.h"
#include "base/nearest.h"

#include <string.h>

#define TTL_DEFAULT_S 60
#define TTL_MAX_S 86400
#define SWEEP_DEFAULT_S 86400
#define SWEEP_MAX_S (30 * 86400)
#define PROFILE_MAX 64
#define DELETES_DEFAULT 1000
#define DELETES_MAX 1000000

const char options_help[]
    = "zohofs: a Zoho CRM org as a drive\n"
      "\n"
      "  zohofs [PROFILE] MOUNTPOINT [-f] [-d] [-o OPTION,...]   mount; unmount with fusermount3 -u MOUNTPOINT\n"
      "  zohofs login [PROFILE] [--device]                       sign in with a browser, here or on another device\n"
      "  zohofs logout [PROFILE]                                 revoke the sign-in, and forget it\n"
      "  zohofs status [PROFILE|MOUNTPOINT]                      what the mounts are doing\n"
      "  zohofs why FILE                                         why the last save of a file was refused\n"
      "  zohofs drain [PROFILE|MOUNTPOINT]                       send what waits to be sent, and wait for it\n"
      "  zohofs audit [PROFILE|MOUNTPOINT]                       who changed what in the CRM\n"
      "  zohofs query QUERY [PROFILE|MOUNTPOINT]                 rows by COQL, as a table, JSON, JSON Lines or CSV\n"
      "  zohofs doctor [PROFILE]                                 what keeps a mount from working, and what to do\n"
      "\n"
      "  -f, --foreground         stay in the foreground, log to stderr\n"
      "  -d, --debug              the same, and trace each file operation\n"
      "  -o OPTION,...            options of the mount, below\n"
      "  -h, --help               this text; after a command: what it takes, and its exit status\n"
      "  -V, --version            the version\n"
      "\n"
      "Options of the mount:\n"
      "  ttl=SECONDS              how long what was read passes as fresh (60)\n"
      "  sweep=SECONDS            how often all ids of a module in use are looked at, for what no delta tells: lost\n"
      "                           permissions, converted leads, formulas (86400; 0: never)\n"
      "  offline=stale|fail       when Zoho cannot be reached: show what was known last (stale), or fail\n"
      "  names=label|id           files named after records and their ids (label), or ids alone\n"
      "  folders                  list the folder of each record, <Module>/<label>.<id>/, beside it; else it is reachable\n"
      "                           by name alone. Whoever walks the tree then pays a call for each list in each of them\n"
      "  ro                       nothing can be changed\n"
      "  dry_run                  saves are checked and told in .zohofs/audit.jsonl, but not sent\n"
      "  stale=refuse|overwrite   a text made from a version of the record that is no longer known, such as a backup:\n"
      "                           refuse it, or compare it with the record as it is now\n"
      "  max_deletes=N            deletes that one process may make (1000)\n"
      "  noopen                   pure reading, as for grep or backups: the kernel opens files without asking; with ro\n"
      "  log=LEVEL                error, warning (default), info or debug\n"
      "  config=FILE              instead of $XDG_CONFIG_HOME/zohofs/PROFILE.conf\n"
      "  state_dir=DIR            instead of $XDG_STATE_HOME/zohofs/PROFILE (the sign-in)\n"
      "  cache_dir=DIR            instead of $XDG_CACHE_HOME/zohofs/PROFILE (documents, access token)\n"
      "  allow_other, allow_root, default_permissions, nosuid, nodev, noexec, noatime, ...   as for any mount\n"
      "\n"
      "PROFILE is \"default\" when left out. In /etc/fstab: zohofs#PROFILE /mnt fuse.zohofs _netdev,noauto,user 0 0\n"
      "See zohofs(1).\n";

/* ---- -o ---------------------------------------------------------------------------------------------------------- */

static bool
set_path (char **path, const char *value)
{
  g_free (*path);
  *path = g_canonicalize_filename (value, NULL);
  return true;
}

static bool
set_config (Options *options, const char *value, GError **error)
{
  return set_path (&options->config_file, value);
}

static bool
set_state_dir (Options *options, const char *value, GError **error)
{
  return set_path (&options->state_dir, value);
}

static bool
set_cache_dir (Options *options, const char *value, GError **error)
{
  return set_path (&options->cache_dir, value);
}

static bool
set_ttl (Options *options, const char *value, GError **error)
{
  guint64 seconds;

  if (!g_ascii_string_to_unsigned (value, 10, 0, TTL_MAX_S, &seconds, NULL))
    return refuse (error, "ttl=%s is not a number of seconds from 0 to %d.", value, TTL_MAX_S);
  options->ttl_s = (int64_t) seconds;
  return true;
}

static bool
set_sweep (Options *options, const char *value, GError **error)
{
  guint64 seconds;

  if (!g_ascii_string_to_unsigned (value, 10, 0, SWEEP_MAX_S, &seconds, NULL))
    return refuse (error, "sweep=%s is not a number of seconds from 0 to %d.", value, SWEEP_MAX_S);
  options->sweep_s = (int64_t) seconds;
  return true;
}

static bool
set_offline (Options *options, const char *value, GError **error)
{
  if (!g_str_equal (value, "fail") && !g_str_equal (value, "stale"))
    return refuse (error, "offline=%s is neither offline=stale nor offline=fail.", value);
  options->offline_fail = g_str_equal (value, "fail");
  return true;
}

static bool
set_names (Options *options, const char *value, GError **error)
{
  if (!g_str_equal (value, "id") && !g_str_equal (value, "label"))
    return refuse (error, "names=%s is neither names=label nor names=id.", value);
  options->bare_names = g_str_equal (value, "id");
  return true;
}

static bool
set_noopen (Options *options, const char *value, GError **error)
{
  options->noopen = true;
  return true;
}

static bool
set_folders (Options *options, const char *value, GError **error)
{
  options->folders = true;
  return true;
}

/* Of several the last counts, as for mount(8). */
static bool
set_ro (Options *options, const char *value, GError **error)
{
  options->access = OPTIONS_ACCESS_READ;
  return true;
}

static bool
set_rw (Options *options, const char *value, GError **error)
{
  options->access = OPTIONS_ACCESS_WRITE;
  return true;
}

static bool
set_dry_run (Options *options, const char *value, GError **error)
{
  options->dry_run = true;
  return true;
}

static bool
set_stale (Options *options, const char *value, GError **error)
{
  if (!g_str_equal (value, "overwrite") && !g_str_equal (value, "refuse"))
    return refuse (error, "stale=%s is neither stale=refuse nor stale=overwrite.", value);
  options->stale_overwrite = g_str_equal (value, "overwrite");
  return true;
}

static bool
set_max_deletes (Options *options, const char *value, GError **error)
{
  guint64 count;

  if (!g_ascii_string_to_unsigned (value, 10, 1, DELETES_MAX, &count, NULL))
    return refuse (error, "max_deletes=%s is not a number from 1 to %d.", value, DELETES_MAX);
  options->max_deletes = (unsigned) count;
  return true;
}

static bool
set_log (Options *options, const char *value, GError **error)
{
  if (!logging_parse_level (value, &options->log_level))
    return refuse (error, "log=%s is none of log=error, log=warning, log=info and log=debug.", value);
  return true;
}

typedef struct
{
  const char *name;
  /* What a word of ours does. Both this and @pass unset: read by mount(8) and systemd alone, so dropped. */
  bool (*set) (Options *options, const char *value, GError **error);
  bool pass; /* libfuse's */
  bool bare; /* takes no value */
} Word;

static const Word words[] = {
  { "config", set_config },
  { "state_dir", set_state_dir },
  { "cache_dir", set_cache_dir },
  { "ttl", set_ttl },
  { "names", set_names },
  { "sweep", set_sweep },
  { "offline", set_offline },
  { "noopen", set_noopen, .bare = true },
  { "folders", set_folders, .bare = true },
  { "ro", set_ro, .bare = true },
  { "rw", set_rw, .bare = true },
  { "dry_run", set_dry_run, .bare = true },
  { "stale", set_stale },
  { "max_deletes", set_max_deletes },
  { "log", set_log },
  { "allow_other", .pass = true },
  { "allow_root", .pass = true },
  { "default_permissions", .pass = true },
  { "dev", .pass = true },
  { "nodev", .pass = true },
  { "suid", .pass = true },
  { "nosuid", .pass = true },
  { "exec", .pass = true },
  { "noexec", .pass = true },
  { "atime", .pass = true },
  { "noatime", .pass = true },
  { "diratime", .pass = true },
  { "nodiratime", .pass = true },
  { "relatime", .pass = true },
  { "norelatime", .pass = true },
  { "strictatime", .pass = true },
  { "nostrictatime", .pass = true },
  { "sync", .pass = true },
  { "async", .pass = true },
  { "dirsync", .pass = true },
  { "auto" },
  { "noauto" },
  { "user" },
  { "nouser" },
  { "users" },
  { "nousers" },
  { "owner" },
  { "group" },
  { "defaults" },
  { "nofail" },
  { "_netdev" },
  { "comment" },
};

static void
pass_on (Options *options, const char *word)
{
  g_autofree char *before = options->fuse_options;

  options->fuse_options = before == NULL ? g_strdup (word) : g_strconcat (before, ",", word, NULL);
}

static bool
refuse_word (const char *name, GError **error)
{
  const char *known[G_N_ELEMENTS (words) + 1] = { NULL };
  const char *meant;

  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    known[i] = words[i].name;
  meant = nearest_word (name, known);
  if (meant == NULL)
    return refuse (error, "Unknown option -o %s; `zohofs --help` lists them.", name);
  return refuse (error, "Unknown option -o %s; did you mean %s?", name, meant);
}

static bool
take_word (Options *options, const char *text, GError **error)
{
  const char *equals = strchr (text, '=');
  g_autofree char *name = equals == NULL ? g_strdup (text) : g_strndup (text, (size_t) (equals - text));

  if (g_ascii_strncasecmp (name, "x-", 2) == 0)
    return true;
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (!g_str_equal (name, words[i].name))
        continue;
      if ((words[i].pass || words[i].bare) && equals != NULL)
        return refuse (error, "The option -o %s takes no value.", name);
      if (words[i].set != NULL && !words[i].bare && (equals == NULL || equals[1] == '\0'))
        return refuse (error, "The option -o %s needs a value: %s=...", name, name);
      if (words[i].set != NULL)
        return words[i].set (options, words[i].bare ? NULL : equals + 1, error);
      if (words[i].pass)
        pass_on (options, name);
      return true;
    }
  return refuse_word (name, error);
}

/* Commas separate; "\," is a comma of a value and "\\" a backslash, as libfuse has it. */
static bool
take_words (Options *options, const char *text, GError **error)
{
  g_autoptr (GString) word = g_string_new (NULL);

  for (;; text++)
    {
      if (*text == '\\' && (text[1] == ',' || text[1] == '\\'))
        {
          g_string_append_c (word, *++text);
          continue;
        }
      if (*text != ',' && *text != '\0')
        {
          g_string_append_c (word, *text);
          continue;
        }
      if (word->len > 0 && !take_word (options, word->str, error))
        return false;
      g_string_truncate (word, 0);
      if (*text == '\0')
        return true;
    }
}

/* ---- switches ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  OptionsCommand command;
  const char *switches; /* that few commands take */
} Command;

static const Command commands[] = {
  { "login", OPTIONS_LOGIN,
    "--device --self-client --refresh-token --read-only --modules --port --no-browser --show-scopes --keyring "
    "--client-secret-file" },
  { "logout", OPTIONS_LOGOUT, "--force" },
  { "status", OPTIONS_STATUS, "--json --watch" },
  { "why", OPTIONS_WHY },
  { "drain", OPTIONS_DRAIN },
  { "audit", OPTIONS_AUDIT, "--json --since" },
  { "doctor", OPTIONS_DOCTOR, "--json" },
  { "query", OPTIONS_QUERY, "--json --jsonl --csv --table" },
  { "check-cache", OPTIONS_CHECK_CACHE },
  { "keyring", OPTIONS_KEYRING },
};

typedef struct
{
  int argc;
  char **argv;
  int at; /* the argument being read */
} Reader;

static const char *const switches[]
    = { "-f", "--foreground", "-d", "--debug", "-o", "-h", "--help", "-V", "--version", "--refresh-token",
        "--client-secret-file", "--device", "--self-client", "--read-only", "--modules", "--port", "--no-browser",
        "--show-scopes", "--keyring", "--force", "--json", "--jsonl", "--csv", "--table", "--watch", "--since", NULL };

/* The value of switch @name: what is glued to it ("-oro", "--x=y"), else the next argument. */
static const char *
value_of (Reader *reader, const char *name, GError **error)
{
  const char *argument = reader->argv[reader->at];
  const char *rest = argument + strlen (name);

  if (*rest != '\0')
    return name[1] == '-' ? rest + 1 : rest;
  if (reader->at + 1 < reader->argc)
    return reader->argv[++reader->at];
  refuse (error, "%s needs a value after it.", name);
  return NULL;
}

static bool
is_switch (const char *argument, const char *name)
{
  size_t size = strlen (name);

  if (strncmp (argument, name, size) != 0)
    return false;
  return argument[size] == '\0' || (name[1] == '-' ? argument[size] == '=' : g_str_equal (name, "-o"));
}

static bool
take_way (Options *options, LoginWay way, GError **error)
{
  if (options->login_way_given && options->login_way != way)
    return refuse (error, "Say one way to sign in: --device, --self-client, --refresh-token, or none of them for a browser.");
  options->login_way = way;
  options->login_way_given = true;
  return true;
}

static bool
take_refresh_token (Options *options, char *value, GError **error)
{
  /* Any other value would have shown the token to everybody who lists processes. */
  if (!g_str_equal (value, "-"))
    return refuse (error, "--refresh-token takes only \"-\": the token is read from standard input, since arguments "
                          "are visible to every process.");
  return take_way (options, LOGIN_BY_REFRESH_TOKEN, error);
}

/* A code works once and for minutes only, so it may be an argument; even so it does not stay where all can read it. */
static bool
take_self_client (Options *options, char *value, GError **error)
{
  if (!take_way (options, LOGIN_BY_SELF_CLIENT, error))
    return false;
  if (g_str_equal (value, "-"))
    return true;
  g_free (options->self_client_code);
  options->self_client_code = g_strdup (value);
  memset (value, 'x', strlen (value));
  return true;
}

static bool
take_modules (Options *options, char *value, GError **error)
{
  g_strfreev (options->login_modules);
  options->login_modules = scopes_parse_modules (value, error);
  return options->login_modules != NULL;
}

static bool
take_port (Options *options, char *value, GError **error)
{
  guint64 port;

  if (!g_ascii_string_to_unsigned (value, 10, 1024, 65535, &port, NULL))
    return refuse (error, "--port %s is not a number from 1024 to 65535.", value);
  options->login_port = (unsigned) port;
  return true;
}

static bool
take_since (Options *options, char *value, GError **error)
{
  if (!audit_command_since (value, clock_wall_s (), &options->since_s))
    return refuse (error, "--since %s is neither a time ago, such as 30m, 2h or 7d, nor a date, such as 2026-03-02.",
                   value);
  return true;
}

/* A switch of few commands: is this one of them? */
static bool
goes_with (const Options *options, const char *name, GError **error)
{
  g_autoptr (GString) takers = g_string_new (NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      if (commands[i].switches == NULL || strstr (commands[i].switches, name) == NULL)
        continue;
      if (commands[i].command == options->command || options->command == OPTIONS_HELP)
        return true;
      g_string_append_printf (takers, "%szohofs %s", takers->len > 0 ? ", " : "", commands[i].name);
    }
  return refuse (error, "%s goes with: %s.", name, takers->str);
}

/* How `zohofs query` prints. Returns: is it such a switch? */
static bool
form_of (const char *argument, OptionsForm *form)
{
  static const char *const names[] = {
    [OPTIONS_FORM_JSON] = "--json",
    [OPTIONS_FORM_LINES] = "--jsonl",
    [OPTIONS_FORM_CSV] = "--csv",
    [OPTIONS_FORM_TABLE] = "--table",
  };

  for (size_t i = OPTIONS_FORM_JSON; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (argument, names[i]))
      {
        *form = (OptionsForm)i;
        return true;
      }
  return false;
}

static bool
take_secret_file (Options *options, char *value, GError **error)
{
  return set_path (&options->client_secret_file, value);
}

static bool
take_device (Options *options, char *value, GError **error)
{
  return take_way (options, LOGIN_BY_DEVICE, error);
}

static bool
take_read_only (Options *options, char *value, GError **error)
{
  return options->login_read_only = true;
}

static bool
take_no_browser (Options *options, char *value, GError **error)
{
  return options->no_browser = true;
}

static bool
take_show_scopes (Options *options, char *value, GError **error)
{
  return options->show_scopes = true;
}

static bool
take_keyring (Options *options, char *value, GError **error)
{
  return options->keyring = true;
}

static bool
take_force (Options *options, char *value, GError **error)
{
  return options->force = true;
}

static bool
take_json (Options *options, char *value, GError **error)
{
  return options->json = true;
}

static bool
take_watch (Options *options, char *value, GError **error)
{
  return options->watch = true;
}

/* Switches of some commands alone. */
typedef struct
{
  const char *name;
  bool (*take) (Options *options, char *value, GError **error);
  bool valued; /* takes a value; else @value is NULL */
} Switch;

static const Switch own_switches[] = {
  { "--device", take_device },
  { "--self-client", take_self_client, true },
  { "--refresh-token", take_refresh_token, true },
  { "--client-secret-file", take_secret_file, true },
  { "--read-only", take_read_only },
  { "--modules", take_modules, true },
  { "--port", take_port, true },
  { "--no-browser", take_no_browser },
  { "--show-scopes", take_show_scopes },
  { "--keyring", take_keyring },
  { "--force", take_force },
  { "--since", take_since, true },
  { "--json", take_json },
  { "--watch", take_watch },
};

static const Switch *
own_switch (const char *argument)
{
  for (size_t i = 0; i < G_N_ELEMENTS (own_switches); i++)
    if (own_switches[i].valued ? is_switch (argument, own_switches[i].name)
                               : g_str_equal (argument, own_switches[i].name))
      return &own_switches[i];
  return NULL;
}

static bool
take_own_switch (Options *options, Reader *reader, const Switch *own, GError **error)
{
  const char *value = NULL;

  if (!goes_with (options, own->name, error))
    return false;
  if (own->valued && (value = value_of (reader, own->name, error)) == NULL)
    return false;
  return own->take (options, (char *) value, error);
}

static bool
take_switch (Options *options, Reader *reader, GError **error)
{
  const char *argument = reader->argv[reader->at];
  const char *value, *meant;
  const Switch *own;

  if (g_str_equal (argument, "-h") || g_str_equal (argument, "--help"))
    {
      if (options->help == NULL)
        options->help = help_text (options->command);
      options->command = OPTIONS_HELP;
    }
  else if (g_str_equal (argument, "-V") || g_str_equal (argument, "--version"))
    options->command = OPTIONS_VERSION;
  else if (g_str_equal (argument, "-f") || g_str_equal (argument, "--foreground"))
    options->foreground = true;
  else if (g_str_equal (argument, "-d") || g_str_equal (argument, "--debug"))
    options->trace = options->foreground = true;
  else if (is_switch (argument, "-o"))
    return (value = value_of (reader, "-o", error)) != NULL && take_words (options, value, error);
  else if ((options->command == OPTIONS_QUERY || !g_str_equal (argument, "--json")) && form_of (argument, &options->form))
    return goes_with (options, argument, error);
  else if ((own = own_switch (argument)) != NULL)
    return take_own_switch (options, reader, own, error);
  else if ((meant = nearest_word (argument, switches)) != NULL)
    return refuse (error, "Unknown option %s; did you mean %s?", argument, meant);
  else
    return refuse (error, "Unknown option %s; `zohofs --help` lists them.", argument);
  return true;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static bool
take_profile (Options *options, const char *name, GError **error)
{
  if (g_str_has_prefix (name, "zohofs#"))
    name += strlen ("zohofs#");
  /* What mount(8) makes of a name that is also one of a file here. */
  if (*name == '/')
    return refuse (error, "\"%s\" cannot be a profile. In /etc/fstab write it as zohofs#PROFILE.", name);
  if (!options_is_profile (name))
    return refuse (error, "\"%s\" cannot be a profile: letters, digits, '-', '_' and '.', at most %d of them.", name,
                   PROFILE_MAX);
  g_free (options->profile);
  options->profile = g_strdup (name);
  options->profile_given = true;
  return true;
}

/* A read-only mount is one because we say so, since queries are written also there; but not without opens. */
static bool
settle_access (Options *options, GError **error)
{
  g_autofree char *others = options->fuse_options;

  if (options->noopen && options->access == OPTIONS_ACCESS_WRITE)
    return refuse (error, "-o noopen is for reading alone: say ro,noopen, or leave noopen out.");
  options->read_only = options->noopen || options->access == OPTIONS_ACCESS_READ;
  options->fuse_options = g_strconcat (options->noopen ? "ro" : "rw", others != NULL ? "," : "", others, NULL);
  return true;
}

static bool
place_mount (Options *options, GPtrArray *plain, GError **error)
{
  if (plain->len == 0)
    return refuse (error, "No mount point given: zohofs [PROFILE] MOUNTPOINT. `zohofs --help` says more.");
  if (plain->len > 2)
    return refuse (error, "Too many arguments: zohofs [PROFILE] MOUNTPOINT, and \"%s\" after it.",
                   (char *) plain->pdata[2]);
  options->target = g_strdup (plain->pdata[plain->len - 1]);
  if (*options->target == '\0')
    return refuse (error, "The mount point is empty.");
  if (!settle_access (options, error))
    return false;
  return plain->len == 1 || take_profile (options, plain->pdata[0], error);
}

static bool
place_login (Options *options, const char *command, GPtrArray *plain, GError **error)
{
  if (plain->len > 1)
    return refuse (error, "Too many arguments: zohofs %s [PROFILE]", command);
  return plain->len == 0 || take_profile (options, plain->pdata[0], error);
}

static bool
place_keyring (Options *options, GPtrArray *plain, GError **error)
{
  if (plain->len != G_N_ELEMENTS (options->keyring_words))
    return refuse (error, "zohofs keyring is for zohofs itself.");
  for (unsigned i = 0; i < plain->len; i++)
    options->keyring_words[i] = plain->pdata[i];
  return true;
}

static bool
place_why (Options *options, GPtrArray *plain, GError **error)
{
  if (plain->len != 1)
    return refuse (error, "Say which file: zohofs why PATH");
  options->target = g_strdup (plain->pdata[0]);
  return true;
}

static bool
place_mounts (Options *options, const char *command, GPtrArray *plain, GError **error)
{
  if (plain->len > 1)
    return refuse (error, "Too many arguments: zohofs %s [PROFILE|MOUNTPOINT]", command);
  if (plain->len == 1)
    options->target = g_strdup (plain->pdata[0]);
  return true;
}

/* A name is a profile, too, so that its folders are known when it is not mounted. */
static bool
place_audit (Options *options, GPtrArray *plain, GError **error)
{
  if (!place_mounts (options, "audit", plain, error))
    return false;
  return options->target == NULL || !options_is_profile (options->target)
         || take_profile (options, options->target, error);
}

static bool
place_query (Options *options, GPtrArray *plain, GError **error)
{
  if (plain->len == 0 || plain->len > 2)
    return refuse (error, "Say what to ask, as one argument: zohofs query \"select ... from ... where ...\" "
                          "[PROFILE|MOUNTPOINT]");
  options->query = g_strdup (plain->pdata[0]);
  if (plain->len == 2)
    options->target = g_strdup (plain->pdata[1]);
  return true;
}

static bool
place_doctor (Options *options, GPtrArray *plain, GError **error)
{
  if (plain->len > 1)
    return refuse (error, "Too many arguments: zohofs doctor [PROFILE]");
  return plain->len == 0 || take_profile (options, plain->pdata[0], error);
}

static bool
place_words (Options *options, GPtrArray *plain, GError **error)
{
  switch (options->command)
    {
    case OPTIONS_MOUNT:
      return place_mount (options, plain, error);
    case OPTIONS_LOGIN:
      return place_login (options, "login", plain, error);
    case OPTIONS_LOGOUT:
      return place_login (options, "logout", plain, error);
    case OPTIONS_STATUS:
      return place_mounts (options, "status", plain, error);
    case OPTIONS_DRAIN:
      return place_mounts (options, "drain", plain, error);
    case OPTIONS_AUDIT:
      return place_audit (options, plain, error);
    case OPTIONS_QUERY:
      return place_query (options, plain, error);
    case OPTIONS_DOCTOR:
      return place_doctor (options, plain, error);
    case OPTIONS_WHY:
      return place_why (options, plain, error);
    case OPTIONS_KEYRING:
      return place_keyring (options, plain, error);
    case OPTIONS_CHECK_CACHE:
      options->target = g_strdup (plain->len == 1 ? plain->pdata[0] : "");
      return true;
    case OPTIONS_HELP:
    case OPTIONS_VERSION:
      return true;
    }
  return true;
}

/* Everything but the program's name and the command's. */
static bool
read_arguments (Options *options, Reader *reader, GPtrArray *plain, GError **error)
{
  bool only_words = false;

  for (; reader->at < reader->argc; reader->at++)
    {
      char *argument = reader->argv[reader->at];

      if (!only_words && g_str_equal (argument, "--"))
        only_words = true;
      else if (only_words || argument[0] != '-')
        g_ptr_array_add (plain, argument);
      else if (!take_switch (options, reader, error))
        return false;
    }
  return true;
}

static OptionsCommand
command_of (const char *word)
{
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (word, commands[i].name))
      return commands[i].command;
  return OPTIONS_MOUNT;
}

bool
options_is_profile (const char *name)
{
  size_t size = strlen (name);

  if (size == 0 || size > PROFILE_MAX || name[0] == '.' || name[0] == '-')
    return false;
  for (; *name != '\0'; name++)
    if (!g_ascii_isalnum (*name) && strchr ("-_.", *name) == NULL)
      return false;
  return true;
}

Options *
options_parse (int argc, char **argv, GError **error)
{
  g_autoptr (Options) options = g_new0 (Options, 1);
  g_autoptr (GPtrArray) plain = g_ptr_array_new ();
  Reader reader = { .argc = argc, .argv = argv, .at = 1 };

  options->profile = g_strdup ("default");
  options->ttl_s = TTL_DEFAULT_S;
  options->sweep_s = SWEEP_DEFAULT_S;
  options->max_deletes = DELETES_DEFAULT;
  options->log_level = LOGGING_WARNING;
  options->command = argc > 1 ? command_of (argv[1]) : OPTIONS_MOUNT;
  if (options->command != OPTIONS_MOUNT)
    reader.at++;
  if (!read_arguments (options, &reader, plain, error) || !place_words (options, plain, error))
    return NULL;
  if (options->trace)
    options->log_level = LOGGING_DEBUG;
  return g_steal_pointer (&options);
}

void
options_free (Options *options)
{
  if (options == NULL)
    return;
  g_free (options->profile);
  g_free (options->target);
  g_free (options->query);
  g_free (options->fuse_options);
  g_free (options->config_file);
  g_free (options->state_dir);
  g_free (options->cache_dir);
  g_free (options->client_secret_file);
  g_free (options->self_client_code);
  g_strfreev (options->login_modules);
  g_free (options);
}
