/* Each check goes on where the one before it failed, so that one run tells all that is wrong. */
#include "app/doctor.h"

#include "app/config.h"
#include "app/logging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* https://no-color.org: any value but an empty one means none. */
static bool
wants_colour (void)
{
  const char *no_colour = g_getenv ("NO_COLOR"), *terminal = g_getenv ("TERM");

  return isatty (STDOUT_FILENO) && (no_colour == NULL || *no_colour == '\0')
         && (terminal == NULL || !g_str_equal (terminal, "dumb"));
}

static bool
look_at_configuration (Findings *findings, const Places *places)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Config) config = config_load (places->config_file, &error);

  if (config == NULL)
    findings_add (findings, FINDING_FAILED, "config", "Write it as zohofs.conf(5) says.", "%s",
                  error->message);
  else
    findings_add (findings, FINDING_OK, "config", NULL, "%s; Zoho is %s", places->config_file, config->api_url);
  return config != NULL;
}

bool
doctor_run (const Options *options)
{
  g_autoptr (Places) places = places_new (options);
  g_autoptr (Findings) findings = findings_new ();
  g_autofree char *text = NULL;

  doctor_look_at_machine (findings, places);
  if (look_at_configuration (findings, places))
    doctor_ask_zoho (findings, places, options->profile);
  else
    findings_add (findings, FINDING_SKIPPED, "sign-in", NULL, "without a configuration nobody can be asked");
  doctor_look_at_leftovers (findings, places, options->profile);
  text = options->json ? findings_json (findings) : findings_words (findings, wants_colour ());
  fputs (text, stdout);
  return findings_are_good (findings);
}
