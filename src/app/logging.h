/* Where the lines of g_debug(), g_info(), g_message() and g_warning() go. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum
{
  LOGGING_ERROR, /* only what ends the mount */
  LOGGING_WARNING,
  LOGGING_INFO,
  LOGGING_DEBUG
} LoggingLevel;

/* "debug", "info", "warning", "error". */
bool logging_parse_level (const char *text, LoggingLevel *level);

/* Sends all logging to stderr. Before any thread starts. */
void logging_start (LoggingLevel level);

/* From now on to syslog instead. Any thread. */
void logging_to_syslog (void);

/* @message as it may be shown: one line, and nothing in it that looks like a Zoho token. To g_free(). */
char *logging_clean (const char *message);

/* The same for a terminal: @text, of any bytes, without what a terminal obeys, also beyond ASCII, and without what
 * turns the direction of writing; cut where nobody reads on. To g_free(). */
char *logging_shown (const char *text);

/* "zohofs: @message" on stderr: the one line that says why a command failed. */
void logging_tell (const char *message);
