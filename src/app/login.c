/* `zohofs login [PROFILE] --refresh-token -`: the refresh token comes from standard input and the client secret from a
 * file or a prompt, never from the command line, where every process could read them. Only what Zoho accepts is kept. */
#include "app/login.h"

#include "app/account.h"
#include "app/files.h"
#include "app/places.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static char *
read_secret_file (const char *path, GError **error)
{
  size_t size;
  char *secret = files_read (path, CREDENTIALS_MAX, true, &size, error);

  if (secret == NULL || credentials_tidy (secret, "client secret", error))
    return secret;
  credentials_wipe (secret);
  return NULL;
}

/* One line without echo. Returns: NULL at the end of input. */
static char *
ask_hidden (int terminal, const char *question)
{
  char line[CREDENTIALS_MAX];
  struct termios before, hidden;
  ssize_t size;
  char *answer;

  if (tcgetattr (terminal, &before) < 0)
    return NULL;
  hidden = before;
  hidden.c_lflag &= ~(tcflag_t) ECHO;
  dprintf (terminal, "%s", question);
  tcsetattr (terminal, TCSAFLUSH, &hidden);
  size = TEMP_FAILURE_RETRY (read (terminal, line, sizeof line - 1));
  tcsetattr (terminal, TCSAFLUSH, &before);
  dprintf (terminal, "\n");
  if (size <= 0)
    return NULL;
  line[size] = '\0';
  answer = g_strdup (line);
  explicit_bzero (line, sizeof line);
  return answer;
}

static char *
read_refresh_token (GError **error)
{
  bool by_hand = isatty (STDIN_FILENO);
  size_t size = 0;
  char *token = by_hand ? ask_hidden (STDIN_FILENO, "Refresh token: ")
                        : files_read_fd (STDIN_FILENO, "standard input", CREDENTIALS_MAX, &size, error);

  if (token == NULL && by_hand)
    token = g_strdup ("");
  if (token == NULL)
    return NULL;
  if ((by_hand || strlen (token) == size) && credentials_tidy (token, "refresh token", error))
    return token;
  credentials_wipe (token);
  if (error != NULL && *error == NULL)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "This is not a refresh token: it has NUL characters.");
  return NULL;
}

/* An empty answer keeps @kept. Without a terminal @kept must do. */
static char *
ask_secret (char *kept, GError **error)
{
  int terminal = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  char *answer = NULL;

  if (terminal >= 0)
    {
      answer = ask_hidden (terminal, kept == NULL ? "Client secret: " : "Client secret (empty: as before): ");
      close (terminal);
    }
  if (kept != NULL && (answer == NULL || *g_strstrip (answer) == '\0'))
    {
      credentials_wipe (answer);
      return kept;
    }
  credentials_wipe (kept);
  if (answer == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
                   "There is no terminal to ask for the client secret; give it with --client-secret-file FILE.");
      return NULL;
    }
  if (credentials_tidy (answer, "client secret", error))
    return answer;
  credentials_wipe (answer);
  return NULL;
}

static char *
read_client_secret (const Options *options, const Places *places, GError **error)
{
  char *kept = NULL;

  if (options->client_secret_file != NULL)
    return read_secret_file (options->client_secret_file, error);
  if (!credentials_load_secret (places->state_dir, &kept, error))
    return NULL;
  return ask_secret (kept, error);
}

/* The token of the sign-in before this one would be used for up to an hour more. */
static bool
forget_token (const Places *places, GError **error)
{
  g_autofree char *path = places_token_path (places);

  if (g_unlink (path) == 0 || errno == ENOENT || errno == ENOTDIR)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The old access token %s cannot be removed: %s.", path,
               g_strerror (errno));
  return false;
}

bool
login_run (const Options *options, GError **error)
{
  g_autoptr (Places) places = places_new (options);
  g_autoptr (Config) config = config_load (places->config_file, error);
  g_autoptr (Credentials) credentials = g_new0 (Credentials, 1);
  g_autoptr (Client) client = NULL;

  if (config == NULL)
    return false;
  if ((credentials->refresh_token = read_refresh_token (error)) == NULL
      || (credentials->client_secret = read_client_secret (options, places, error)) == NULL)
    return false;
  client = account_open (config, credentials, NULL, error);
  if (client == NULL || !account_check (client, config, error))
    return false;
  if (!credentials_save (credentials, places->state_dir, error) || !forget_token (places, error))
    return false;
  printf ("Signed in: profile %s at %s.\n", options->profile, config->api_url);
  return true;
}
