/* `zohofs why` looks through errors.jsonl from its end. What is in it was made of answers of a server and of names that
 * anybody may give, so nothing of it reaches the terminal unseen. */
#include "app/why_command.h"

#include "app/files.h"
#include "app/logging.h"
#include "app/status_command.h"
#include "base/error.h"
#include "base/jsonl.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOUNTS_MAX ((size_t) 8 << 20)
#define ERRORS_MAX ((size_t) JSONL_CAP * 2) /* a line may go past the cap */
#define LINE_MAX_SIZE ((size_t) 1 << 20)
#define DRAFTS ".zohofs/drafts/"

/* ---- which line -------------------------------------------------------------------------------------------------- */

/* The id of the record in the name of a file, or 0. */
static uint64_t
id_in_name (const char *path)
{
  const char *slash = strrchr (path, '/');
  uint64_t id = 0;

  return names_read (slash != NULL ? slash + 1 : path, &id) == NAME_RECORD ? id : 0;
}

static uint64_t
id_of (const json_t *line, const char *path)
{
  const char *text = json_get_text (line, "id");
  uint64_t id;

  return text != NULL && names_parse_id (text, &id) ? id : id_in_name (path);
}

static bool
is_same_folder (const char *a, const char *b)
{
  const char *a_slash = strrchr (a, '/'), *b_slash = strrchr (b, '/');
  size_t a_size = a_slash != NULL ? (size_t) (a_slash - a) : 0, b_size = b_slash != NULL ? (size_t) (b_slash - b) : 0;

  return a_size == b_size && memcmp (a, b, a_size) == 0;
}

static bool
is_about (const json_t *line, const char *inside)
{
  const char *path = json_get_text (line, "path"), *draft = json_get_text (line, "draft");
  uint64_t id = id_in_name (inside);

  if (path == NULL)
    return false;
  if (g_str_equal (path, inside) || g_strcmp0 (draft, inside) == 0)
    return true;
  return id != 0 && is_same_folder (path, inside) && id_of (line, path) == id;
}

json_t *
why_command_find (const char *text, size_t size, const char *inside)
{
  while (size > 0)
    {
      const char *newline = memrchr (text, '\n', size);
      const char *start = newline != NULL ? newline + 1 : text;
      size_t length = size - (size_t) (start - text);
      g_autoptr (json_t) line = length > 0 && length <= LINE_MAX_SIZE ? json_parse (start, length, NULL) : NULL;

      if (line != NULL && json_is_object (line) && is_about (line, inside))
        return g_steal_pointer (&line);
      size = newline != NULL ? (size_t) (newline - text) : 0;
    }
  return NULL;
}

/* ---- its words --------------------------------------------------------------------------------------------------- */

static void
row (GString *out, const char *name, const char *text)
{
  g_autofree char *value = text != NULL ? logging_shown (text) : NULL;

  if (value != NULL && *value != '\0')
    g_string_append_printf (out, "  %-6s %s\n", name, value);
}

static void
row_of_error (GString *out, const json_t *line)
{
  const char *name = json_get_text (line, "errno"), *code = json_get_text (line, "code");
  g_autofree char *both = name != NULL && code != NULL ? g_strdup_printf ("%s (%s)", name, code) : NULL;

  row (out, "error", both != NULL ? both : name != NULL ? name : code);
}

/* In the mount at @mountpoint, or NULL: a line may name any file. */
static char *
draft_path (const json_t *line, const char *mountpoint)
{
  const char *draft = json_get_text (line, "draft");
  g_autofree char *path = draft != NULL ? g_build_filename (mountpoint, draft, NULL) : NULL;
  g_autofree char *canonical = path != NULL ? g_canonicalize_filename (path, "/") : NULL;

  if (path == NULL || !g_str_has_prefix (draft, DRAFTS) || !g_str_equal (path, canonical))
    return NULL;
  return g_steal_pointer (&path);
}

char *
why_command_words (const json_t *line, const char *mountpoint)
{
  g_autofree char *path = logging_shown (json_get_text (line, "path"));
  g_autofree char *draft = draft_path (line, mountpoint);
  const char *message = json_get_text (line, "message"), *todo = json_get_text (line, "todo");
  bool there = draft != NULL && access (draft, F_OK) == 0;
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, "The last refused save of %s:\n", path);
  row (out, "when", json_get_text (line, "time"));
  row_of_error (out, line);
  row (out, "why", message != NULL ? message : "not told");
  row (out, "field", json_get_text (line, "field"));
  if (todo == NULL && there)
    todo = "Mend the draft and copy it onto the file.";
  row (out, "to do", todo);
  row (out, "draft", draft);
  if (draft != NULL && !there)
    row (out, "", "(It is not there any more.)");
  return g_string_free (out, FALSE);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

const char *
why_command_mount (char **mounts, const char *path, const char **inside)
{
  const char *found = NULL;
  size_t best = 0;

  for (char **pair = mounts; *pair != NULL; pair += 2)
    {
      size_t size = strlen (pair[1]);

      if (size <= best || strncmp (path, pair[1], size) != 0 || (path[size] != '/' && path[size] != '\0'))
        continue;
      found = pair[1];
      best = size;
      *inside = path[size] == '/' ? path + size + 1 : path + size;
    }
  return found;
}

static char *
real (const char *path)
{
  char *found = realpath (path, NULL);
  char *copy = g_strdup (found);

  free (found);
  return copy;
}

/* The file may be gone, its folder not. */
static char *
real_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *found = real (folder);

  return found != NULL ? g_build_filename (found, name, NULL) : NULL;
}

/* @target as it is written, then by way of symlinks. Returns: as why_command_mount(); @file, to g_free(), is what is in
 * the mount. */
static const char *
mount_of (char **mounts, const char *target, char **file)
{
  g_autofree char *absolute = g_canonicalize_filename (target, NULL);
  const char *inside = NULL;
  const char *found = why_command_mount (mounts, absolute, &inside);

  if (found != NULL)
    *file = g_strdup (inside);
  for (int i = 0; found == NULL && i < 2; i++)
    {
      g_autofree char *other = i == 0 ? real_folder (absolute) : real (absolute);

      found = other != NULL ? why_command_mount (mounts, other, &inside) : NULL;
      if (found != NULL)
        *file = g_strdup (inside);
    }
  return found;
}

static json_t *
find_line (const char *mountpoint, const char *file, const char *target, GError **error)
{
  g_autofree char *path = g_build_filename (mountpoint, ".zohofs", "errors.jsonl", NULL);
  size_t size = 0;
  g_autofree char *text = files_read (path, ERRORS_MAX, false, &size, error);
  json_t *line = text != NULL ? why_command_find (text, size, file) : NULL;

  if (text == NULL)
    g_prefix_error (error, "The mount at %s does not tell what was refused: ", mountpoint);
  else if (line == NULL)
    g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "No save of %s was refused, as far as the mount at %s knows.",
                 target, mountpoint);
  return line;
}

bool
why_command_run (const char *target, GError **error)
{
  size_t size;
  g_autofree char *text = files_read ("/proc/self/mounts", MOUNTS_MAX, false, &size, error);
  g_auto (GStrv) mounts = text != NULL ? status_command_mounts (text) : NULL;
  g_autofree char *file = NULL;
  const char *mountpoint = mounts != NULL ? mount_of (mounts, target, &file) : NULL;
  g_autoptr (json_t) line = NULL;
  g_autofree char *words = NULL;

  if (mounts == NULL)
    return false;
  if (mountpoint == NULL)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "%s is in no mount of zohofs on this machine.", target);
      return false;
    }
  line = find_line (mountpoint, file, target, error);
  if (line == NULL)
    return false;
  words = why_command_words (line, mountpoint);
  fputs (words, stdout);
  return true;
}
