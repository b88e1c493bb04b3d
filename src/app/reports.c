/* Changes and refusals as lines for people and programs. Texts come from servers and from names that anybody may give,
 * so each is made valid UTF-8 and cut to a length at which the file stays readable. */
#include "app/reports.h"

#include "app/audit_words.h"
#include "base/clock.h"
#include "model/names.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define DRAFTS ".zohofs/drafts/"
#define TEXT_MAX 4096   /* bytes of a text */
#define NAMES_MAX 1000  /* fields that are named */
#define VALUE_MAX 2048   /* bytes of a value as JSON */
#define VALUES_MAX 65536 /* of all of a line's */

struct Reports
{
  Jsonl *errors, *audit;
  bool values;
  void (*tell) (const char *words); /* may be NULL */
  atomic_ullong updates, creates, deletes;
};

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static void
put_text (json_t *line, const char *key, const char *text)
{
  g_autofree char *valid = NULL;

  if (text != NULL)
    {
      valid = g_utf8_make_valid (text, (gssize) strnlen (text, TEXT_MAX));
      if (strlen (text) > TEXT_MAX)
        {
          g_autofree char *whole = g_steal_pointer (&valid);

          valid = g_strconcat (whole, "...", NULL);
        }
    }
  json_object_set_new (line, key, json_from_text (valid));
}

static void
put_time (json_t *line, int64_t seconds)
{
  char text[CLOCK_TIME_SIZE];

  clock_format_time (seconds, text);
  json_object_set_new (line, "time", json_string (text));
}

/* Digits in a text, since numbers of programs lose some. */
static void
put_id (json_t *line, uint64_t id)
{
  char text[24];

  snprintf (text, sizeof text, "%" PRIu64, id);
  put_text (line, "id", id != 0 ? text : NULL);
}

static void
put_names (json_t *line, const char *key, const char *const *names)
{
  json_t *array = json_array ();

  for (size_t i = 0; names != NULL && names[i] != NULL && i < NAMES_MAX; i++)
    {
      g_autofree char *valid = g_utf8_make_valid (names[i], (gssize) strnlen (names[i], TEXT_MAX));

      json_array_append_new (array, json_from_text (valid));
    }
  json_object_set_new (line, key, array);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* A path begins with its module, and its last name may have the record's id. */
static void
put_place (json_t *line, const char *path)
{
  const char *first = path != NULL ? strchr (path, '/') : NULL, *last = path != NULL ? strrchr (path, '/') : NULL;
  g_autofree char *module = first != NULL ? g_strndup (path, (size_t) (first - path)) : NULL;
  uint64_t id = 0;

  put_text (line, "path", path);
  /* A note's file is in the folder of its record. */
  put_text (line, "module", first != NULL && g_str_has_prefix (first, "/notes/") ? "Notes" : module);
  put_id (line, last != NULL && names_read (last + 1, &id) == NAME_RECORD ? id : 0);
}

static json_t *
error_line (const SaveError *error)
{
  g_autofree char *draft = error->draft != NULL ? g_strconcat (DRAFTS, error->draft, NULL) : NULL;
  json_t *line = json_object ();

  put_time (line, error->time_s);
  put_place (line, error->path);
  put_text (line, "errno", error->errno_name);
  put_text (line, "code", error->code);
  put_text (line, "message", error->message);
  put_text (line, "field", error->field);
  put_text (line, "draft", draft);
  put_text (line, "todo", error->todo);
  return line;
}

static json_t *
audit_line (const SaveAudit *audit)
{
  json_t *line = json_object ();

  put_time (line, audit->time_s);
  json_object_set_new (line, "uid", json_integer ((json_int_t) audit->who.uid));
  json_object_set_new (line, "pid", json_integer (audit->who.pid));
  put_text (line, "program", audit->who.program);
  put_text (line, "verb", audit->verb);
  put_text (line, "path", audit->path);
  put_text (line, "module", audit->module);
  put_id (line, audit->id);
  put_names (line, "fields", audit->fields);
  put_names (line, "ignored", audit->ignored);
  put_text (line, "outcome", audit->plain_outcome != NULL ? audit->plain_outcome : audit->outcome);
  return line;
}

/* ---- values of fields -------------------------------------------------------------------------------------------- */

typedef struct
{
  json_t *changes; /* of the line */
  size_t size;     /* bytes of its values */
  unsigned left_out;
} Changes;

/* @value, cut if it is long. Adds its size to @size. */
static json_t *
bounded (const json_t *value, size_t *size)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *cut = NULL;
  g_autofree char *valid = NULL;
  g_autofree char *shown = NULL;

  if (value == NULL)
    value = json_null ();
  json_write_compact (value, text);
  *size += MIN (text->len, VALUE_MAX);
  if (text->len <= VALUE_MAX)
    return json_deep_copy (value);
  cut = g_strndup (json_is_string (value) ? json_string_value (value) : text->str, VALUE_MAX);
  valid = g_utf8_make_valid (cut, -1);
  shown = g_strconcat (valid, "...", NULL);
  return json_from_text (shown);
}

static void
put_change (Changes *changes, const char *field, const json_t *old, const json_t *new, bool has_old)
{
  g_autoptr (json_t) change = json_object ();
  size_t size = strlen (field);

  if (has_old)
    json_object_set_new (change, "old", bounded (old, &size));
  json_object_set_new (change, "new", bounded (new, &size));
  if (changes->size + size > VALUES_MAX)
    changes->left_out++;
  else
    {
      changes->size += size;
      json_object_set (changes->changes, field, change);
    }
}

static void
put_tags (Changes *changes, const SaveAudit *audit)
{
  g_autoptr (json_t) tags = json_object ();

  if (audit->tags_added == NULL && audit->tags_removed == NULL)
    return;
  if (audit->tags_added != NULL)
    json_object_set_new (tags, "added", json_deep_copy (audit->tags_added));
  if (audit->tags_removed != NULL)
    json_object_set_new (tags, "removed", json_deep_copy (audit->tags_removed));
  put_change (changes, "Tag", json_object_get (audit->before, "Tag"), tags, audit->before != NULL);
}

static void
put_changes (json_t *line, const SaveAudit *audit)
{
  Changes changes = { .changes = json_object () };
  const char *field;
  json_t *value;

  json_object_foreach ((json_t *) audit->sent, field, value)
    if (field[0] != '$')
      put_change (&changes, field, json_object_get (audit->before, field), value, audit->before != NULL);
  put_tags (&changes, audit);
  json_object_set_new (line, "changes", changes.changes);
  json_object_set_new (line, "left_out", json_integer (changes.left_out));
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

/* The engine says it in words alone: "saved", "saved; the CRM has other values in ...", "partly saved: ...",
 * "deleted". */
static bool
is_in_the_crm (const char *outcome)
{
  return outcome != NULL
         && (g_str_has_prefix (outcome, "saved") || g_str_has_prefix (outcome, "partly saved")
             || g_str_has_prefix (outcome, "deleted"));
}

static void
count (Reports *reports, const SaveAudit *audit)
{
  if (!is_in_the_crm (audit->outcome))
    return;
  if (g_strcmp0 (audit->verb, "delete") == 0)
    atomic_fetch_add (&reports->deletes, 1);
  else if (g_strcmp0 (audit->verb, "update") == 0)
    atomic_fetch_add (&reports->updates, 1);
  else
    atomic_fetch_add (&reports->creates, 1);
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

Reports *
reports_new (Jsonl *errors, Jsonl *audit)
{
  Reports *reports = g_new0 (Reports, 1);

  reports->errors = errors;
  reports->audit = audit;
  return reports;
}

void
reports_keep_values (Reports *reports)
{
  reports->values = true;
}

void
reports_also (Reports *reports, void (*tell) (const char *words))
{
  reports->tell = tell;
}

void
reports_to_syslog (const char *words)
{
  syslog (LOG_NOTICE, "audit: %s", words);
}

void
reports_free (Reports *reports)
{
  g_free (reports);
}

void
reports_failed (void *data, const SaveError *error)
{
  Reports *reports = data;
  g_autoptr (json_t) line = error_line (error);

  if (reports->errors != NULL)
    jsonl_append (reports->errors, line);
}

void
reports_audit (void *data, const SaveAudit *audit)
{
  Reports *reports = data;
  g_autoptr (json_t) line = audit_line (audit);

  count (reports, audit);
  if (reports->tell != NULL)
    {
      g_autofree char *words = audit_words (line, false);

      reports->tell (words);
    }
  if (reports->audit == NULL)
    return;
  if (reports->values)
    {
      put_text (line, "outcome", audit->outcome);
      put_changes (line, audit);
    }
  jsonl_append (reports->audit, line);
}

void
reports_written (Reports *reports, ReportsWritten *written)
{
  *written = (ReportsWritten) { 0 };
  if (reports == NULL)
    return;
  written->updates = atomic_load (&reports->updates);
  written->creates = atomic_load (&reports->creates);
  written->deletes = atomic_load (&reports->deletes);
}
