/* One descriptor writes the query and reads the rows, a line each, which are printed as they come. */
#include "app/query_command.h"

#include "app/logging.h"
#include "app/status_command.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "model/query_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE ((size_t)128 << 10)
#define TABLE_ROWS 200 /* that its widths are made for */
#define CELL_MAX 40    /* characters */

typedef struct
{
  OptionsForm form;
  GPtrArray *columns; /* NULL before the first row */
  GPtrArray *rows;    /* json_t *: of a table, until its widths are known */
  glong *widths;
} Printer;

static void
row_free (gpointer row)
{
  json_decref (row);
}

static void
printer_clear (Printer *printer)
{
  g_clear_pointer (&printer->columns, g_ptr_array_unref);
  g_clear_pointer (&printer->rows, g_ptr_array_unref);
  g_clear_pointer (&printer->widths, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Printer, printer_clear)

/* ---- a table ----------------------------------------------------------------------------------------------------- */

/* Of @row, or the heading. What servers send must not reach a terminal as it is. */
static char *
cell_of (const Printer *printer, const json_t *row, guint column)
{
  const char *name = printer->columns->pdata[column];
  g_autofree char *raw = row != NULL ? query_rows_cell (json_object_get (row, name)) : g_strdup (name);
  g_autofree char *clean = logging_shown (raw);
  g_autofree char *cut = NULL;

  if (g_utf8_strlen (clean, -1) <= CELL_MAX)
    return g_steal_pointer (&clean);
  cut = g_utf8_substring (clean, 0, CELL_MAX - 1);
  return g_strconcat (cut, "…", NULL);
}

static void
widen (Printer *printer, const json_t *row)
{
  for (guint i = 0; i < printer->columns->len; i++)
    {
      g_autofree char *cell = cell_of (printer, row, i);

      printer->widths[i] = MAX (printer->widths[i], g_utf8_strlen (cell, -1));
    }
}

static void
print_table_row (const Printer *printer, const json_t *row)
{
  for (guint i = 0; i < printer->columns->len; i++)
    {
      g_autofree char *cell = cell_of (printer, row, i);
      bool last = i + 1 == printer->columns->len;

      printf ("%s%*s", cell, last ? 0 : (int)MAX (printer->widths[i] - g_utf8_strlen (cell, -1) + 2, 2), "");
    }
  putchar ('\n');
}

static void
print_heading (Printer *printer)
{
  printer->widths = g_new0 (glong, printer->columns->len + 1);
  widen (printer, NULL);
  for (guint i = 0; i < printer->rows->len; i++)
    widen (printer, printer->rows->pdata[i]);
  print_table_row (printer, NULL);
  for (guint i = 0; i < printer->columns->len; i++)
    {
      g_autofree char *rule = g_strnfill ((gsize)printer->widths[i], '-');

      printf ("%s%s", rule, i + 1 == printer->columns->len ? "\n" : "  ");
    }
  for (guint i = 0; i < printer->rows->len; i++)
    print_table_row (printer, printer->rows->pdata[i]);
}

/* The rows that were kept for the widths. */
static void
end_table (Printer *printer)
{
  if (printer->form == OPTIONS_FORM_TABLE && printer->columns != NULL && printer->widths == NULL)
    print_heading (printer);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void
print_row (Printer *printer, json_t *row)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  bool first = printer->columns == NULL;

  if (first)
    printer->columns = query_rows_columns (row, none, false);
  if (printer->form == OPTIONS_FORM_CSV)
    {
      if (first)
        query_rows_csv (line, NULL, printer->columns);
      query_rows_csv (line, row, printer->columns);
      fputs (line->str, stdout);
      return;
    }
  if (printer->widths != NULL)
    {
      print_table_row (printer, row);
      return;
    }
  if (first)
    printer->rows = g_ptr_array_new_with_free_func (row_free);
  g_ptr_array_add (printer->rows, json_incref (row));
  if (printer->rows->len == TABLE_ROWS)
    end_table (printer);
}

/* A line of the array: a bracket, or a row and perhaps a comma. */
static bool
print_line (Printer *printer, const char *line, size_t size, GError **error)
{
  g_autoptr (json_t) row = NULL;

  if (size > 0 && line[size - 1] == ',')
    size--;
  if (size < 2)
    return true;
  if (printer->form == OPTIONS_FORM_LINES)
    {
      fwrite (line, 1, size, stdout);
      putchar ('\n');
      return true;
    }
  row = json_parse (line, size, error);
  if (row != NULL)
    print_row (printer, row);
  return row != NULL;
}

/* Prints the whole lines of @text and takes them out of it. */
static bool
print (Printer *printer, GString *text, GError **error)
{
  const char *at = text->str, *newline;

  if (printer->form == OPTIONS_FORM_JSON)
    {
      fwrite (text->str, 1, text->len, stdout);
      g_string_truncate (text, 0);
      return true;
    }
  while ((newline = memchr (at, '\n', text->len - (size_t)(at - text->str))) != NULL)
    {
      if (!print_line (printer, at, (size_t)(newline - at), error))
        return false;
      at = newline + 1;
    }
  g_string_erase (text, 0, at - text->str);
  return true;
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static char *
place_of (const char *query, json_int_t line, json_int_t column)
{
  g_auto (GStrv) lines = g_strsplit (query, "\n", -1);
  g_autofree char *clean = NULL;
  g_autofree char *blanks = NULL;

  if (line < 1 || line > (json_int_t)g_strv_length (lines) || column < 1
      || column > (json_int_t)g_utf8_strlen (lines[line - 1], -1) + 1)
    return NULL;
  clean = logging_shown (lines[line - 1]);
  blanks = g_strnfill ((gsize)column - 1, ' ');
  return g_strdup_printf ("  %s\n  %s^\n", clean, blanks);
}

char *
query_command_refusal (const char *text, size_t size, char **place)
{
  g_autoptr (json_t) answer = json_parse (text, size, NULL);
  const json_t *refusal = json_object_get (answer, "error");
  const char *message = json_get_text (refusal, "message"), *query = json_get_text (refusal, "query");

  *place = NULL;
  if (message != NULL && query != NULL)
    *place = place_of (query, json_integer_value (json_object_get (refusal, "line")),
                       json_integer_value (json_object_get (refusal, "column")));
  return g_strdup (message);
}

/* After a failed read, the next one has the reason. */
static bool
fail (int fd, char *buffer, GError **error)
{
  int number = errno;
  ssize_t got = read (fd, buffer, READ_SIZE);
  g_autofree char *place = NULL;
  g_autofree char *words = got > 0 ? query_command_refusal (buffer, (size_t)got, &place) : NULL;

  if (place != NULL)
    fputs (place, stderr);
  if (words != NULL)
    g_set_error_literal (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, words);
  else
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The rows cannot be read: %s.", g_strerror (number));
  return false;
}

/* ---- the mount --------------------------------------------------------------------------------------------------- */

static bool
read_rows (int fd, Printer *printer, GError **error)
{
  g_autofree char *buffer = g_malloc (READ_SIZE);
  g_autoptr (GString) text = g_string_new (NULL);
  ssize_t got;

  while ((got = read (fd, buffer, READ_SIZE)) > 0)
    {
      g_string_append_len (text, buffer, got);
      if (!print (printer, text, error))
        return false;
      if (ferror (stdout))
        return true; /* nobody reads any more */
    }
  end_table (printer);
  fflush (stdout);
  return got == 0 || fail (fd, buffer, error);
}

static int
open_mount (const Options *options, GError **error)
{
  g_auto (GStrv) found = status_command_find (options->target, error);
  g_autofree char *path = NULL;
  int fd;

  if (found == NULL)
    return -1;
  if (g_strv_length (found) > 1)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "Several mounts are meant: zohofs query QUERY MOUNTPOINT");
      return -1;
    }
  path = g_build_filename (found[0], ".coql", NULL);
  fd = open (path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "The mount at %s takes no queries: %s.", found[0],
                 errno == ENOENT ? "it is mounted with -o noopen" : g_strerror (errno));
  return fd;
}

bool
query_command_run (const Options *options, GError **error)
{
  AUTO_FD int fd = open_mount (options, error);
  g_auto (Printer) printer = { .form = options->form };

  if (fd < 0)
    return false;
  if (printer.form == OPTIONS_FORM_DEFAULT)
    printer.form = isatty (STDOUT_FILENO) ? OPTIONS_FORM_TABLE : OPTIONS_FORM_JSON;
  if (write (fd, options->query, strlen (options->query)) < 0)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "The query is not taken: %s.", g_strerror (errno));
      return false;
    }
  return read_rows (fd, &printer, error);
}
