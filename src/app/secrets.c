/* What a person or a program hands over in secret. Arguments will not do: every process can read those. */
#include "app/secrets.h"

#include "app/files.h"
#include "base/error.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

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

char *
secrets_from_file (const char *path, const char *what, GError **error)
{
  size_t size;
  char *secret = files_read (path, CREDENTIALS_MAX, true, &size, error);

  if (secret == NULL || credentials_tidy (secret, what, error))
    return secret;
  credentials_wipe (secret);
  return NULL;
}

char *
secrets_from_input (const char *what, const char *question, GError **error)
{
  bool by_hand = isatty (STDIN_FILENO);
  size_t size = 0;
  char *token = by_hand ? ask_hidden (STDIN_FILENO, question)
                        : files_read_fd (STDIN_FILENO, "standard input", CREDENTIALS_MAX, &size, error);

  if (token == NULL && by_hand)
    token = g_strdup ("");
  if (token == NULL)
    return NULL;
  if ((by_hand || strlen (token) == size) && credentials_tidy (token, what, error))
    return token;
  credentials_wipe (token);
  if (error != NULL && *error == NULL)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "This is not a %s: it has NUL characters.", what);
  return NULL;
}

char *
secrets_client_secret (char *kept, GError **error)
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
