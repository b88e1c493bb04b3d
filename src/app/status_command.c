/* `zohofs status` finds mounts in the kernel's list, reads /.zohofs/status.json of each and prints it for people. */
#include "app/status_command.h"

#include "app/files.h"
#include "app/logging.h"
#include "base/error.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOUNTS_MAX ((size_t) 8 << 20)
#define STATUS_MAX ((size_t) 1 << 20)
#define SOURCE_PREFIX "zohofs#"
#define WATCH_S 2
#define PROGRAMS_SHOWN 3
#define CLEAR "\033[H\033[2J" /* the screen */

static int64_t
number_of (const json_t *object, const char *key)
{
  return json_integer_value (json_object_get (object, key));
}

static void
row (GString *out, const char *name, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
row (GString *out, const char *name, const char *format, ...)
{
  g_autofree char *value = NULL;
  g_autofree char *clean = NULL;
  va_list arguments;

  va_start (arguments, format);
  value = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  clean = logging_clean (value);
  g_string_append_printf (out, "  %-11s %s\n", name, clean);
}

static void
row_of_credits (GString *out, const json_t *credits)
{
  g_autoptr (GString) words = g_string_new (NULL);
  const json_t *remaining = json_object_get (credits, "remaining");
  const json_t *budget = json_object_get (credits, "budget");

  g_string_printf (words, "%" PRId64 " in the last 24 hours", number_of (credits, "today"));
  if (json_is_integer (budget))
    g_string_append_printf (words, " of a budget of %" PRId64, (int64_t) json_integer_value (budget));
  if (json_is_integer (remaining))
    g_string_append_printf (words, ", %" PRId64 " left to the org", (int64_t) json_integer_value (remaining));
  row (out, "credits", "%s", words->str);
}

static void
row_of_requests (GString *out, const json_t *counts)
{
  g_autoptr (GString) words = g_string_new (NULL);
  const char *kind;
  json_t *count;

  json_object_foreach ((json_t *) counts, kind, count)
    if (json_integer_value (count) > 0)
      g_string_append_printf (words, "%s%s %" PRId64, words->len > 0 ? ", " : "", kind,
                              (int64_t) json_integer_value (count));
  row (out, "requests", "%s", words->len > 0 ? words->str : "none");
}

/* "3 saves queued" */
static void
add_count (GString *words, int64_t count, const char *one, const char *many)
{
  if (count > 0)
    g_string_append_printf (words, "%s%" PRId64 " %s", words->len > 0 ? ", " : "", count, count == 1 ? one : many);
}

static void
rows_of_saving (GString *out, const json_t *saving, const json_t *written)
{
  g_autoptr (GString) open = g_string_new (NULL);
  g_autoptr (GString) sent = g_string_new (NULL);
  bool read_only = json_is_true (json_object_get (saving, "read_only"));

  if (!json_is_object (saving)) /* an older mount */
    return;
  add_count (open, number_of (saving, "drafts"), "draft open", "drafts open");
  add_count (open, number_of (saving, "queued"), "save queued", "saves queued");
  add_count (open, number_of (saving, "deletes"), "delete waiting", "deletes waiting");
  add_count (open, number_of (saving, "refused"), "refused (see .zohofs/drafts)", "refused (see .zohofs/drafts)");
  if (open->len == 0)
    g_string_append (open, read_only ? "read-only" : "nothing is waiting");
  else if (read_only)
    g_string_prepend (open, "read-only; ");
  if (!read_only && json_is_true (json_object_get (saving, "dry_run")))
    g_string_append (open, "; a dry run, nothing is sent");
  row (out, "saving", "%s", open->str);
  if (read_only)
    return;
  add_count (sent, number_of (written, "updates"), "record changed", "records changed");
  add_count (sent, number_of (written, "creates"), "created", "created");
  add_count (sent, number_of (written, "deletes"), "deleted", "deleted");
  row (out, "written", "%s", sent->len > 0 ? sent->str : "nothing so far");
}

static void
row_of_uptime (GString *out, const json_t *status)
{
  int64_t minutes = number_of (status, "uptime_s") / 60;

  row (out, "running", "for %" PRId64 " h %" PRId64 " min as process %" PRId64 ", version %s", minutes / 60,
       minutes % 60, number_of (status, "pid"), json_get_text (status, "version"));
}

static void
row_of_disk (GString *out, const json_t *cache)
{
  const char *problem = json_get_text (cache, "problem");
  g_autofree char *used = g_format_size ((guint64) MAX (number_of (cache, "disk_bytes"), 0));
  g_autofree char *cap = g_format_size ((guint64) MAX (number_of (cache, "disk_cap_bytes"), 0));

  if (problem != NULL)
    row (out, "disk", "not used, so the next mount begins anew: %s", problem);
  else
    row (out, "disk", "%s of %s%s", used, cap,
         json_is_true (json_object_get (cache, "rebuilt")) ? ", made anew at this mount" : "");
}

/* Whose the credits were: the dearest ones. */
static void
row_of_programs (GString *out, const json_t *programs)
{
  g_autoptr (GString) words = g_string_new (NULL);

  for (size_t i = 0; i < json_array_size (programs) && i < PROGRAMS_SHOWN; i++)
    {
      const json_t *program = json_array_get (programs, i);
      const char *name = json_get_text (program, "program");

      g_string_append_printf (words, "%s%s %" PRId64, words->len > 0 ? ", " : "", name != NULL ? name : "?",
                              number_of (program, "credits"));
    }
  if (json_is_array (programs)) /* else an older mount */
    row (out, "spent by", "%s", words->len > 0 ? words->str : "nobody so far");
}

static void
rows (GString *out, const json_t *status)
{
  const json_t *account = json_object_get (status, "account");
  const json_t *cache = json_object_get (status, "cache");
  const json_t *last_error = json_object_get (status, "last_error");
  g_autofree char *bytes = g_format_size ((guint64) MAX (number_of (cache, "document_bytes"), 0));

  row (out, "profile", "%s at %s", json_get_text (account, "profile"), json_get_text (account, "api"));
  row (out, "sign-in", "%s", json_is_true (json_object_get (status, "signed_out"))
                                 ? "dead; sign in again with `zohofs login`" : "good");
  row (out, "connection", "%s", json_is_true (json_object_get (status, "offline"))
                                    ? "none; what is known is still served" : "good");
  row_of_credits (out, json_object_get (status, "credits"));
  row_of_programs (out, json_object_get (status, "programs"));
  row (out, "calls", "%" PRId64 " (%" PRId64 " in flight of %" PRId64 " allowed, %" PRId64 " queued, %" PRId64
       " retries, %" PRId64 " failed)", number_of (status, "calls"), number_of (status, "in_flight"),
       number_of (status, "concurrency"), number_of (status, "queued"), number_of (status, "retries"),
       number_of (status, "failures"));
  row (out, "cache", "%" PRId64 " modules listed, %" PRId64 " records known, %s of documents",
       number_of (cache, "modules_listed"), number_of (cache, "records"), bytes);
  row_of_disk (out, cache);
  rows_of_saving (out, json_object_get (status, "saving"), json_object_get (status, "written"));
  row_of_requests (out, json_object_get (status, "fuse"));
  row_of_uptime (out, status);
  if (json_is_object (last_error))
    row (out, "last error", "%s: %s", json_get_text (last_error, "time"), json_get_text (last_error, "message"));
}

static json_t *
parse (const char *text, size_t size, GError **error)
{
  g_autoptr (json_t) status = json_parse (text, size, error);

  if (status == NULL)
    return NULL;
  if (json_is_object (status) && json_is_object (json_object_get (status, "account")))
    return g_steal_pointer (&status);
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "status.json is not what zohofs writes.");
  return NULL;
}

static json_t *
read_status (const char *mountpoint, GError **error)
{
  g_autofree char *path = g_build_filename (mountpoint, ".zohofs", "status.json", NULL);
  size_t size;
  g_autofree char *text = files_read (path, STATUS_MAX, false, &size, error);
  json_t *status = text != NULL ? parse (text, size, error) : NULL;

  if (status == NULL)
    g_prefix_error (error, "The mount at %s does not tell its status: ", mountpoint);
  return status;
}

static void
print_table (const char *mountpoint, const json_t *status)
{
  g_autofree char *heading = logging_clean (mountpoint);
  g_autoptr (GString) table = g_string_new (NULL);

  rows (table, status);
  printf ("%s\n%s", heading, table->str);
}

static void
print_array (const json_t *all, bool compact)
{
  g_autoptr (GString) out = g_string_new (NULL);

  if (compact)
    json_write_compact (all, out);
  else
    json_write (all, out);
  printf ("%s%s", out->str, compact ? "\n" : "");
}

static bool
is_mounted (const char *mountpoint)
{
  g_auto (GStrv) found = status_command_find (mountpoint, NULL);

  return found != NULL;
}

/* A mount that does not answer keeps the others from nothing; one that was unmounted since is left out. */
static bool
print_all (char **mountpoints, StatusStyle style, GError **error)
{
  g_autoptr (json_t) all = json_array ();
  g_autoptr (GError) first = NULL;

  for (char **mountpoint = mountpoints; *mountpoint != NULL; mountpoint++)
    {
      g_autoptr (GError) why = NULL;
      json_t *status = read_status (*mountpoint, &why);

      if (status == NULL && first == NULL && is_mounted (*mountpoint))
        first = g_steal_pointer (&why);
      if (status == NULL)
        continue;
      json_array_append_new (all, status);
      if (!style.json)
        print_table (*mountpoint, status);
    }
  if (style.json)
    print_array (all, style.watch);
  if (first == NULL)
    return true;
  g_propagate_error (error, g_steal_pointer (&first));
  return false;
}

static bool
is_wanted (const char *source, const char *mountpoint, const char *target)
{
  g_autofree char *absolute = target == NULL ? NULL : g_canonicalize_filename (target, NULL);
  char *real;
  bool same;

  if (target == NULL || g_str_equal (mountpoint, absolute))
    return true;
  if (g_str_has_prefix (source, SOURCE_PREFIX) && g_str_equal (source + strlen (SOURCE_PREFIX), target))
    return true;
  real = realpath (target, NULL);
  same = real != NULL && g_str_equal (real, mountpoint);
  free (real);
  return same;
}

/* Blanks and backslashes are octal in the kernel's list: "\040". To g_free(). */
static char *
plain (const char *escaped)
{
  GString *out = g_string_new (NULL);

  while (*escaped != '\0')
    if (strspn (escaped + 1, "01234567") >= 3 && *escaped == '\\')
      {
        g_string_append_c (out, (char) ((escaped[1] - '0') * 64 + (escaped[2] - '0') * 8 + (escaped[3] - '0')));
        escaped += 4;
      }
    else
      g_string_append_c (out, *escaped++);
  return g_string_free (out, FALSE);
}

char **
status_command_mounts (const char *text)
{
  g_autoptr (GStrvBuilder) pairs = g_strv_builder_new ();
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, " ", 4);
      g_autofree char *source = NULL;
      g_autofree char *mountpoint = NULL;

      if (g_strv_length (words) < 4 || !g_str_has_prefix (words[2], "fuse.zohofs"))
        continue;
      source = plain (words[0]);
      mountpoint = plain (words[1]);
      g_strv_builder_add_many (pairs, source, mountpoint, NULL);
    }
  return g_strv_builder_end (pairs);
}

char *
status_command_table (const char *text, size_t size, GError **error)
{
  g_autoptr (json_t) status = parse (text, size, error);
  GString *out;

  if (status == NULL)
    return NULL;
  out = g_string_new (NULL);
  rows (out, status);
  return g_string_free (out, FALSE);
}

char **
status_command_find (const char *target, GError **error)
{
  size_t size;
  g_autofree char *text = files_read ("/proc/self/mounts", MOUNTS_MAX, false, &size, error);
  g_auto (GStrv) mounts = text == NULL ? NULL : status_command_mounts (text);
  g_autoptr (GStrvBuilder) wanted = g_strv_builder_new ();
  g_auto (GStrv) found = NULL;

  if (text == NULL)
    return NULL;
  for (char **pair = mounts; *pair != NULL; pair += 2)
    if (is_wanted (pair[0], pair[1], target))
      g_strv_builder_add (wanted, pair[1]);
  found = g_strv_builder_end (wanted);
  if (*found != NULL)
    return g_steal_pointer (&found);
  if (target == NULL)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "No zohofs is mounted on this machine.");
  else
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND,
                 "No zohofs is mounted at %s or for a profile of that name.", target);
  return NULL;
}

char *
status_command_state (const char *mountpoint)
{
  g_autoptr (json_t) status = read_status (mountpoint, NULL);
  const char *state = status != NULL ? json_get_text (json_object_get (status, "account"), "state") : NULL;

  return state != NULL && *state == '/' ? g_strdup (state) : NULL;
}

bool
status_command_run (const char *target, StatusStyle style, GError **error)
{
  bool on_terminal = isatty (STDOUT_FILENO);

  for (;;)
    {
      g_auto (GStrv) mountpoints = status_command_find (target, error);

      if (mountpoints == NULL)
        return false;
      if (style.watch && !style.json && on_terminal)
        fputs (CLEAR, stdout);
      if (!print_all (mountpoints, style, error))
        return false;
      if (!style.watch)
        return true;
      if (!style.json && !on_terminal)
        putchar ('\n');
      fflush (stdout);
      sleep (WATCH_S);
    }
}
