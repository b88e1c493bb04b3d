/* Findings are kept until all is looked at, since JSON has them all in one object. */
#include "app/findings.h"

#include "app/logging.h"
#include "base/json.h"

typedef struct
{
  FindingState state;
  const char *check;
  char *words, *todo;
} Finding;

struct Findings
{
  GPtrArray *all; /* of Finding */
};

static const struct
{
  const char *name, *mark, *colour;
} states[] = {
  [FINDING_OK] = { "ok", "ok", "\033[32m" },
  [FINDING_WARNING] = { "warning", "warning", "\033[33m" },
  [FINDING_FAILED] = { "failed", "FAILED", "\033[31m" },
  [FINDING_SKIPPED] = { "skipped", "skipped", "\033[2m" },
};

static void
finding_free (gpointer data)
{
  Finding *finding = data;

  g_free (finding->words);
  g_free (finding->todo);
  g_free (finding);
}

Findings *
findings_new (void)
{
  Findings *findings = g_new0 (Findings, 1);

  findings->all = g_ptr_array_new_with_free_func (finding_free);
  return findings;
}

void
findings_free (Findings *findings)
{
  if (findings == NULL)
    return;
  g_ptr_array_unref (findings->all);
  g_free (findings);
}

void
findings_add (Findings *findings, FindingState state, const char *check, const char *todo, const char *format, ...)
{
  Finding *finding = g_new0 (Finding, 1);
  g_autofree char *words = NULL;
  va_list arguments;

  va_start (arguments, format);
  words = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  finding->state = state;
  finding->check = check;
  finding->words = logging_shown (words);
  finding->todo = todo != NULL ? logging_shown (todo) : NULL;
  g_ptr_array_add (findings->all, finding);
}

bool
findings_are_good (const Findings *findings)
{
  for (guint i = 0; i < findings->all->len; i++)
    if (((const Finding *) findings->all->pdata[i])->state == FINDING_FAILED)
      return false;
  return true;
}

char *
findings_words (const Findings *findings, bool colour)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < findings->all->len; i++)
    {
      const Finding *finding = findings->all->pdata[i];

      g_string_append_printf (out, "%s%-8s%s %-11s %s\n", colour ? states[finding->state].colour : "",
                              states[finding->state].mark, colour ? "\033[0m" : "", finding->check, finding->words);
      if (finding->todo != NULL)
        g_string_append_printf (out, "%20s -> %s\n", "", finding->todo);
    }
  return g_string_free (out, FALSE);
}

char *
findings_json (const Findings *findings)
{
  g_autoptr (json_t) object = json_object ();
  json_t *checks = json_array ();
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < findings->all->len; i++)
    {
      const Finding *finding = findings->all->pdata[i];
      json_t *check = json_object ();

      json_object_set_new (check, "check", json_string (finding->check));
      json_object_set_new (check, "state", json_string (states[finding->state].name));
      json_object_set_new (check, "words", json_from_text (finding->words));
      json_object_set_new (check, "todo", json_from_text (finding->todo));
      json_array_append_new (checks, check);
    }
  json_object_set_new (object, "ok", json_boolean (findings_are_good (findings)));
  json_object_set_new (object, "checks", checks);
  json_write (object, out);
  return g_string_free (out, FALSE);
}
