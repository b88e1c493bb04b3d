/* The command line, read and checked. */
#pragma once

#include "app/logging.h"

#include <stdint.h>

typedef enum
{
  OPTIONS_MOUNT,
  OPTIONS_LOGIN,
  OPTIONS_LOGOUT,
  OPTIONS_STATUS,
  OPTIONS_WHY,
  OPTIONS_DRAIN,
  OPTIONS_DOCTOR,
  OPTIONS_AUDIT,
  OPTIONS_QUERY,
  OPTIONS_CHECK_CACHE, /* ours alone: target is the folder */
  OPTIONS_KEYRING,     /* ours alone: of app/keyring.c */
  OPTIONS_HELP,
  OPTIONS_VERSION
} OptionsCommand;

/* How rows are printed. */
typedef enum
{
  OPTIONS_FORM_DEFAULT, /* a table on a terminal, else JSON */
  OPTIONS_FORM_JSON,
  OPTIONS_FORM_LINES,
  OPTIONS_FORM_CSV,
  OPTIONS_FORM_TABLE
} OptionsForm;

/* How to sign in. */
typedef enum
{
  LOGIN_BY_BROWSER,
  LOGIN_BY_DEVICE,
  LOGIN_BY_SELF_CLIENT,
  LOGIN_BY_REFRESH_TOKEN
} LoginWay;

/* What -o said. */
typedef enum
{
  OPTIONS_ACCESS_DEFAULT,
  OPTIONS_ACCESS_READ,
  OPTIONS_ACCESS_WRITE
} OptionsAccess;

typedef struct
{
  OptionsCommand command;
  char *profile;            /* never NULL */
  bool profile_given;
  char *target;             /* mount: the mount point as given; status, drain, audit, query: a mount point or profile, or NULL
                             * for all (audit: the profile); why: a file */
  bool foreground, trace;
  bool bare_names;
  bool noopen;
  bool folders;             /* of records are listed */
  OptionsAccess access;
  bool read_only;           /* by that and noopen */
  bool dry_run;
  bool stale_overwrite;     /* a text made from a version that is no longer known is compared with the current one */
  unsigned max_deletes;     /* by one process */
  int64_t ttl_s;
  int64_t sweep_s;          /* between looks at all ids; 0: none */
  bool offline_fail;
  LoggingLevel log_level;
  char *fuse_options;       /* what libfuse is to see, comma separated; NULL: nothing */
  char *config_file;        /* absolute; NULL: where the profile has it */
  char *state_dir, *cache_dir;
  LoginWay login_way;
  bool login_way_given;
  char *self_client_code;   /* login; NULL: standard input has it */
  bool login_read_only;     /* login asks for permission to read alone */
  char **login_modules;     /* login asks for these; NULL: all */
  unsigned login_port;      /* that the browser comes back to; 0: any */
  bool no_browser;          /* login starts none */
  bool show_scopes;         /* login says what it would ask for, and no more */
  bool keyring;             /* login keeps the secrets there */
  bool force;               /* logout: also when Zoho cannot be told */
  char *keyring_words[3];   /* ours alone; borrowed */
  char *client_secret_file; /* login; NULL: ask */
  const char *help;         /* what --help prints: of the command that it was given with */
  bool json;                /* status, doctor, audit */
  char *query;              /* query: the text */
  OptionsForm form;         /* query */
  bool watch;               /* status */
  int64_t since_s;          /* audit: in seconds since 1970; 0: from the beginning */
} Options;

/* Returns: NULL with one clear line in @error, which names what was probably meant. */
Options *options_parse (int argc, char **argv, GError **error);

/* NULL is fine. */
void options_free (Options *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Options, options_free)

/* May @name be a profile, and so part of paths? */
bool options_is_profile (const char *name);

/* What --help prints without a command. */
extern const char options_help[];
