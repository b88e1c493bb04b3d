/* `zohofs audit` reads audit.jsonl, the files set aside first, from the profile's state folder, so that it works
 * without a mount. A mount point stands for the state folder that the mount uses; who may not read that one has the
 * current file in the mount. */
#include "app/audit_command.h"

#include "app/audit_words.h"
#include "app/logging.h"
#include "app/places.h"
#include "app/status_command.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "audit.jsonl"
#define LINE_SIZE_MAX ((ssize_t) 1 << 20)

typedef struct
{
  const Options *options;
  bool any; /* was a line printed? */
} Audit;

static void
print_line (Audit *audit, char *text, ssize_t size)
{
  g_autoptr (json_t) line = NULL;
  g_autofree char *words = NULL;

  if (size > 0 && text[size - 1] == '\n')
    text[--size] = '\0';
  line = size > 0 && size <= LINE_SIZE_MAX ? json_parse (text, (size_t) size, NULL) : NULL;
  if (!json_is_object (line) || audit_words_time (line) < audit->options->since_s)
    return;
  audit->any = true;
  if (audit->options->json)
    {
      puts (text);
      return;
    }
  words = audit_words (line, true);
  puts (words);
}

/* Returns: false with errno when it cannot be read; one that is not there is read. */
static bool
print_file (Audit *audit, const char *path)
{
  int fd = file_open_at (AT_FDCWD, path, O_RDONLY);
  FILE *file = fd >= 0 ? fdopen (fd, "r") : NULL;
  char *text = NULL;
  size_t room = 0;
  ssize_t size;

  if (file == NULL)
    return errno == ENOENT;
  while ((size = getline (&text, &room, file)) >= 0)
    print_line (audit, text, size);
  free (text);
  fclose (file);
  return true;
}

static bool
print_all (Audit *audit, const char *path, GError **error)
{
  for (int number = JSONL_GENERATIONS_MAX; number >= 0; number--)
    {
      g_autofree char *aside = number > 0 ? g_strdup_printf ("%s.%d", path, number) : g_strdup (path);

      if (print_file (audit, aside))
        continue;
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "%s cannot be read: %s.", aside, g_strerror (errno));
      return false;
    }
  if (!audit->any && !audit->options->json)
    printf ("%s\n", audit->options->since_s != 0 ? "Nothing was changed since then." : "Nothing was changed so far.");
  return true;
}

/* The file behind the mount's; the mount's own for who may not read that. To g_free(). */
static char *
path_of_mount (const char *mountpoint)
{
  g_autofree char *inside = g_build_filename (mountpoint, ".zohofs", NAME, NULL);
  g_autofree char *state = status_command_state (mountpoint);
  g_autofree char *behind = state != NULL ? g_build_filename (state, NAME, NULL) : NULL;

  if (behind != NULL && access (behind, R_OK) == 0)
    return g_steal_pointer (&behind);
  return g_steal_pointer (&inside);
}

/* What cannot be a profile's name is a mount point. A profile whose folder is not at its usual place is asked for by
 * its mounts. To g_free(). */
static char *
path_of_target (const Options *options, GError **error)
{
  bool is_profile = options->target == NULL || options_is_profile (options->target);
  g_autoptr (Places) places = places_new (options);
  g_autoptr (GError) none = NULL;
  g_auto (GStrv) found = NULL;

  if (is_profile && g_file_test (places->state_dir, G_FILE_TEST_IS_DIR))
    return places_journal_path (places, NAME);
  found = status_command_find (is_profile ? options->profile : options->target, is_profile ? &none : error);
  if (found != NULL)
    return path_of_mount (found[0]);
  if (is_profile)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND,
                 "There is no profile %s that was ever signed in: %s is missing.", options->profile, places->state_dir);
  return NULL;
}

bool
audit_command_since (const char *text, int64_t now_s, int64_t *since_s)
{
  static const struct
  {
    char unit;
    int64_t seconds;
  } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
  size_t size = strlen (text);
  g_autofree char *number = size > 0 ? g_strndup (text, size - 1) : NULL;
  g_autofree char *midnight = g_strconcat (text, "T00:00:00", NULL);
  g_autoptr (GTimeZone) local = g_time_zone_new_local ();
  g_autoptr (GDateTime) time = NULL;
  guint64 count;

  for (size_t i = 0; i < G_N_ELEMENTS (units) && number != NULL; i++)
    if (text[size - 1] == units[i].unit && g_ascii_string_to_unsigned (number, 10, 0, UINT32_MAX, &count, NULL))
      {
        *since_s = now_s - (int64_t) count * units[i].seconds;
        return true;
      }
  time = g_date_time_new_from_iso8601 (strchr (text, 'T') != NULL ? text : midnight, local);
  if (time == NULL)
    return false;
  *since_s = g_date_time_to_unix (time);
  return true;
}

bool
audit_command_run (const Options *options, GError **error)
{
  g_autofree char *path = path_of_target (options, error);
  Audit audit = { .options = options };

  return path != NULL && print_all (&audit, path, error);
}
