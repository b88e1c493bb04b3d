/* The program: reads the command line and hands over to one command. */
#include "app/audit_command.h"
#include "app/doctor.h"
#include "app/drain_command.h"
#include "app/keyring.h"
#include "app/login.h"
#include "app/logout_command.h"
#include "app/mount.h"
#include "app/options.h"
#include "app/privacy.h"
#include "app/query_command.h"
#include "app/status_command.h"
#include "app/why_command.h"
#include "model/disk.h"

#include <stdio.h>
#include <stdlib.h>

#define EXIT_USAGE 2

static int
tell (const GError *error, int status)
{
  logging_tell (error->message);
  return status;
}

static int
run (const Options *options)
{
  g_autoptr (GError) error = NULL;

  switch (options->command)
    {
    case OPTIONS_MOUNT:
      return mount_run (options);
    case OPTIONS_LOGIN:
      privacy_guard ();
      return login_run (options, &error) ? EXIT_SUCCESS : tell (error, EXIT_FAILURE);
    case OPTIONS_LOGOUT:
      privacy_guard ();
      return logout_command_run (options, &error) ? EXIT_SUCCESS : tell (error, EXIT_FAILURE);
    case OPTIONS_KEYRING:
      privacy_guard ();
      return keyring_serve (options->keyring_words[0], options->keyring_words[1], options->keyring_words[2]);
    case OPTIONS_STATUS:
      return status_command_run (options->target, (StatusStyle) { options->json, options->watch }, &error)
                 ? EXIT_SUCCESS : tell (error, EXIT_FAILURE);
    case OPTIONS_WHY:
      return why_command_run (options->target, &error) ? EXIT_SUCCESS : tell (error, EXIT_FAILURE);
    case OPTIONS_DRAIN:
      return drain_command_run (options->target, &error) ? EXIT_SUCCESS : tell (error, EXIT_FAILURE);
    case OPTIONS_AUDIT:
      return audit_command_run (options, &error) ? EXIT_SUCCESS : tell (error, EXIT_FAILURE);
    case OPTIONS_QUERY:
      return query_command_run (options, &error) ? EXIT_SUCCESS : tell (error, EXIT_FAILURE);
    case OPTIONS_DOCTOR:
      privacy_guard ();
      return doctor_run (options) ? EXIT_SUCCESS : EXIT_FAILURE;
    case OPTIONS_CHECK_CACHE:
      return disk_check (options->target) ? EXIT_SUCCESS : EXIT_FAILURE;
    case OPTIONS_HELP:
      fputs (options->help, stdout);
      return EXIT_SUCCESS;
    case OPTIONS_VERSION:
      printf ("zohofs %s\n", ZOHOFS_VERSION);
      return EXIT_SUCCESS;
    }
  return EXIT_USAGE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Options) options = options_parse (argc, argv, &error);

  if (options == NULL)
    return tell (error, EXIT_USAGE);
  logging_start (options->log_level);
  return run (options);
}
