/* One log writer for all layers: a level, one line per message, to stderr in the foreground and to syslog behind it.
 * What the layers log comes partly from servers and file names, so lines are made harmless here once for all: control
 * characters go, and anything shaped like a token is masked even if a layer was careless. */
#include "app/logging.h"

#include "base/mask.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define SHOWN_MAX 4096 /* bytes of a text */

static LoggingLevel least_level = LOGGING_WARNING;
static atomic_bool in_syslog;

static LoggingLevel
level_of (GLogLevelFlags flags)
{
  if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return LOGGING_ERROR;
  if (flags & G_LOG_LEVEL_WARNING)
    return LOGGING_WARNING;
  if (flags & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO))
    return LOGGING_INFO;
  return LOGGING_DEBUG;
}

static int
syslog_priority (LoggingLevel level)
{
  switch (level)
    {
    case LOGGING_ERROR:
      return LOG_ERR;
    case LOGGING_WARNING:
      return LOG_WARNING;
    case LOGGING_INFO:
      return LOG_INFO;
    case LOGGING_DEBUG:
      return LOG_DEBUG;
    }
  return LOG_ERR;
}

static GLogWriterOutput
write_line (GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer unused)
{
  static const char *const names[] = { "error", "warning", "info", "debug" };
  LoggingLevel level = level_of (flags);
  g_autofree char *text = NULL;

  if (level > least_level)
    return G_LOG_WRITER_HANDLED;
  for (gsize i = 0; i < n_fields && text == NULL; i++)
    if (g_str_equal (fields[i].key, "MESSAGE") && fields[i].length < 0)
      text = logging_clean (fields[i].value);
  if (text == NULL)
    return G_LOG_WRITER_UNHANDLED;
  if (atomic_load (&in_syslog))
    syslog (syslog_priority (level), "%s", text);
  else
    fprintf (stderr, "zohofs: %s: %s\n", names[level], text);
  return G_LOG_WRITER_HANDLED;
}

bool
logging_parse_level (const char *text, LoggingLevel *level)
{
  static const char *const names[] = { "error", "warning", "info", "debug" };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (text, names[i]))
      {
        *level = (LoggingLevel) i;
        return true;
      }
  return false;
}

void
logging_start (LoggingLevel level)
{
  least_level = level;
  g_log_set_writer_func (write_line, NULL, NULL);
}

void
logging_to_syslog (void)
{
  openlog ("zohofs", LOG_PID, LOG_DAEMON);
  atomic_store (&in_syslog, true);
}

char *
logging_clean (const char *message)
{
  char *line = mask_tokens (message);

  for (char *at = line; *at != '\0'; at++)
    if ((unsigned char) *at < ' ' || *at == 0x7f)
      *at = ' ';
  return line;
}

char *
logging_shown (const char *text)
{
  g_autofree char *line = logging_clean (text);
  g_autofree char *valid = g_utf8_make_valid (line, -1);
  GString *out = g_string_new (NULL);

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      bool plain = g_unichar_isprint (c) && g_unichar_type (c) != G_UNICODE_LINE_SEPARATOR
                   && g_unichar_type (c) != G_UNICODE_PARAGRAPH_SEPARATOR;

      if (out->len >= SHOWN_MAX)
        {
          g_string_append (out, " ...");
          break;
        }
      g_string_append_unichar (out, plain ? c : '?');
    }
  return g_string_free (out, FALSE);
}

void
logging_tell (const char *message)
{
  g_autofree char *line = logging_clean (message);

  fprintf (stderr, "zohofs: %s\n", line);
}
