/* Opening /.zohofs/drain of a mount waits until all is sent; its text tells what could not be. */
#include "app/drain_command.h"

#include "app/files.h"
#include "app/logging.h"
#include "app/status_command.h"
#include "base/error.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

#define ANSWER_MAX ((size_t) 64 << 10)

/* Returns: was it a count? */
static bool
add (GString *words, const json_t *answer, const char *key, const char *one, const char *many)
{
  const json_t *value = json_object_get (answer, key);
  int64_t count = json_integer_value (value);

  if (count > 0)
    g_string_append_printf (words, "%s%" PRId64 " %s", words->len > 0 ? ", " : "", count, count == 1 ? one : many);
  return json_is_integer (value) && count >= 0;
}

char *
drain_command_words (const char *text, size_t size, const char *mountpoint, bool *left, GError **error)
{
  g_autoptr (json_t) answer = json_parse (text, size, error);
  g_autoptr (GString) words = g_string_new (NULL);
  g_autofree char *place = logging_clean (mountpoint);

  if (answer == NULL)
    return NULL;
  if (!add (words, answer, "drafts", "text that is written and not saved", "texts that are written and not saved")
      || !add (words, answer, "saves", "save", "saves") || !add (words, answer, "deletes", "delete", "deletes"))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, ".zohofs/drain is not what zohofs writes.");
      return NULL;
    }
  *left = words->len > 0;
  if (!*left)
    return g_strdup_printf ("%s: everything is in the CRM.\n", place);
  return g_strdup_printf ("%s: not in the CRM yet: %s.\n", place, words->str);
}

static bool
drain (const char *mountpoint, bool *left, GError **error)
{
  g_autofree char *path = g_build_filename (mountpoint, ".zohofs", "drain", NULL);
  g_autofree char *place = logging_clean (mountpoint);
  g_autoptr (GError) failure = NULL;
  size_t size = 0;
  g_autofree char *text = files_read (path, ANSWER_MAX, false, &size, &failure);
  g_autofree char *words = text != NULL ? drain_command_words (text, size, mountpoint, left, &failure) : NULL;

  if (words != NULL)
    {
      fputs (words, stdout);
      fflush (stdout);
      return true;
    }
  g_propagate_prefixed_error (error, g_steal_pointer (&failure), "The mount at %s does not tell what it has sent: ",
                              place);
  return false;
}

bool
drain_command_run (const char *target, GError **error)
{
  g_auto (GStrv) mountpoints = status_command_find (target, error);
  bool all_left = false;

  if (mountpoints == NULL)
    return false;
  for (char **mountpoint = mountpoints; *mountpoint != NULL; mountpoint++)
    {
      bool left = false;

      if (!drain (*mountpoint, &left, error))
        return false;
      all_left = all_left || left;
    }
  if (all_left)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
                 "Not everything could be sent; it is kept, and tried again. `zohofs status` has the last error.");
  return !all_left;
}
