/* The words for people: who, what, which record, what came of it. A line was made of answers of a server and of
 * names that anybody may give, so each text is made harmless before it is put among the others. */
#include "app/audit_words.h"

#include "app/logging.h"
#include "base/clock.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define FIELDS_MAX 40 /* that are named */
#define VALUE_MAX 120 /* bytes of a value that is shown */
#define USER_SIZE 16384

typedef struct
{
  const char *verb, *words;
} Verb;

static const Verb verbs[] = {
  { "update", "change" },
  { "create", "create" },
  { "upsert", "change or create" },
  { "delete", "delete" },
};

static void
add (GString *out, const char *text)
{
  g_autofree char *plain = logging_shown (text);

  g_string_append (out, plain);
}

static const char *
words_of (const char *verb)
{
  for (size_t i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].verb, verb))
      return verbs[i].words;
  return verb;
}

static void
add_user (GString *out, const json_t *uid)
{
  json_int_t number = json_integer_value (uid);
  char buffer[USER_SIZE];
  struct passwd entry, *found = NULL;

  if (!json_is_integer (uid) || number < 0 || number > UINT32_MAX)
    return;
  if (getpwuid_r ((uid_t) number, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
    {
      g_string_append (out, ", user ");
      add (out, found->pw_name);
      return;
    }
  g_string_append_printf (out, ", user %" JSON_INTEGER_FORMAT, number);
}

static void
add_who (GString *out, const json_t *line)
{
  const char *program = json_get_text (line, "program");
  const json_t *pid = json_object_get (line, "pid");

  add (out, program != NULL ? program : "a program");
  g_string_append (out, " (process ");
  if (json_is_integer (pid))
    g_string_append_printf (out, "%" JSON_INTEGER_FORMAT, json_integer_value (pid));
  else
    g_string_append_c (out, '?');
  add_user (out, json_object_get (line, "uid"));
  g_string_append (out, "): ");
}

static void
add_what (GString *out, const json_t *line)
{
  const char *verb = json_get_text (line, "verb"), *path = json_get_text (line, "path");
  const char *module = json_get_text (line, "module"), *id = json_get_text (line, "id");

  add (out, verb != NULL ? words_of (verb) : "use");
  g_string_append_c (out, ' ');
  if (path == NULL)
    path = module;
  add (out, path != NULL ? path : "something");
  if (id != NULL && (path == NULL || strstr (path, id) == NULL))
    {
      g_string_append (out, ", record ");
      add (out, id);
    }
}

/* "(City, Phone)" */
static void
add_fields (GString *out, const json_t *fields, const char *before, const char *after)
{
  size_t size = json_array_size (fields);

  if (size == 0)
    return;
  g_string_append (out, before);
  for (size_t i = 0; i < size && i < FIELDS_MAX; i++)
    {
      const char *name = json_text (json_array_get (fields, i));

      if (i > 0)
        g_string_append (out, ", ");
      add (out, name != NULL ? name : "?");
    }
  if (size > FIELDS_MAX)
    g_string_append_printf (out, " and %zu more", size - FIELDS_MAX);
  g_string_append (out, after);
}

static void
add_value (GString *out, const json_t *value)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *cut = NULL;

  json_write_compact (value, text);
  cut = g_utf8_make_valid (text->str, (gssize) MIN (text->len, VALUE_MAX));
  add (out, cut);
  if (text->len > VALUE_MAX)
    g_string_append (out, "...");
}

/* "; City from \"Oslo\" to \"Bergen\"" */
static void
add_changes (GString *out, const json_t *line)
{
  json_int_t left_out = json_integer_value (json_object_get (line, "left_out"));
  size_t shown = 0;
  const char *field;
  json_t *change;

  json_object_foreach (json_object_get (line, "changes"), field, change)
    {
      const json_t *old = json_object_get (change, "old"), *new = json_object_get (change, "new");

      if (new == NULL || shown++ >= FIELDS_MAX)
        continue;
      g_string_append (out, "; ");
      add (out, field);
      if (old != NULL)
        g_string_append (out, " from ");
      if (old != NULL)
        add_value (out, old);
      g_string_append (out, " to ");
      add_value (out, new);
    }
  if (shown > FIELDS_MAX || left_out > 0)
    g_string_append (out, "; and more");
}

static void
add_time (GString *out, const json_t *line)
{
  int64_t seconds = audit_words_time (line);
  g_autoptr (GDateTime) time = seconds != 0 ? g_date_time_new_from_unix_local (seconds) : NULL;
  g_autofree char *text = time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M:%S") : NULL;

  g_string_append_printf (out, "%-19s  ", text != NULL ? text : "at an unknown time");
}

int64_t
audit_words_time (const json_t *line)
{
  const char *text = json_get_text (line, "time");
  int64_t seconds;

  return text != NULL && clock_parse_time (text, &seconds) ? seconds : 0;
}

char *
audit_words (const json_t *line, bool dated)
{
  const char *outcome = json_get_text (line, "outcome");
  GString *out = g_string_new (NULL);

  if (dated)
    add_time (out, line);
  add_who (out, line);
  add_what (out, line);
  add_fields (out, json_object_get (line, "fields"), " (", ")");
  g_string_append (out, ": ");
  add (out, outcome != NULL ? outcome : "not told what came of it");
  add_fields (out, json_object_get (line, "ignored"), "; left alone, since only the CRM sets them: ", "");
  add_changes (out, line);
  return g_string_free (out, FALSE);
}
