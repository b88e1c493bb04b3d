/* A folder of small files. */
#include "fs/query_files.h"

#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 10000

bool
query_files_fail (GError **error, const char *what)
{
  int number = errno;
  ZohoError code = ZOHO_ERROR_FAILED;

  if (number == ENOENT)
    code = ZOHO_ERROR_NOT_FOUND;
  else if (number == EEXIST)
    code = ZOHO_ERROR_DUPLICATE;
  else if (number == ENOSPC || number == EDQUOT)
    code = ZOHO_ERROR_NO_SPACE;
  else if (number == EINVAL || number == ELOOP || number == ENAMETOOLONG)
    code = ZOHO_ERROR_INVALID;
  g_set_error (error, ZOHO_ERROR, code, "%s: %s", what, g_strerror (number));
  return false;
}

char *
query_files_folder (const char *state, bool create, GError **error)
{
  g_autofree char *path = g_build_filename (state, "queries", NULL);

  if (!create || g_mkdir_with_parents (path, 0700) == 0)
    return g_steal_pointer (&path);
  query_files_fail (error, "The folder for queries cannot be made");
  return NULL;
}

/* Returns: -1 with errno. */
static int
open_folder (const char *state)
{
  g_autofree char *path = query_files_folder (state, false, NULL);

  return open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool
look (int folder, const char *name, struct stat *about)
{
  return fstatat (folder, name, about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (about->st_mode);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

GPtrArray *
query_files_list (const char *state)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  int folder = open_folder (state);
  DIR *dir = folder >= 0 ? fdopendir (folder) : NULL;
  const struct dirent *entry;
  struct stat about;

  if (dir == NULL)
    {
      file_close (&folder);
      return names;
    }
  while (names->len < NAMES_MAX && (entry = readdir (dir)) != NULL)
    if (look (folder, entry->d_name, &about))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  closedir (dir);
  g_ptr_array_sort (names, compare);
  return names;
}

bool
query_files_stat (const char *state, const char *name, struct stat *about, GError **error)
{
  AUTO_FD int folder = open_folder (state);

  if (folder >= 0 && look (folder, name, about))
    return true;
  errno = ENOENT;
  return query_files_fail (error, name);
}

char *
query_files_name (const char *state, uint64_t inode, struct stat *about)
{
  g_autoptr (GPtrArray) names = query_files_list (state);
  AUTO_FD int folder = open_folder (state);

  for (guint i = 0; folder >= 0 && i < names->len; i++)
    if (look (folder, names->pdata[i], about) && about->st_ino == inode)
      return g_strdup (names->pdata[i]);
  return NULL;
}

bool
query_files_create (const char *state, const char *name, struct stat *about, GError **error)
{
  g_autofree char *path = query_files_folder (state, true, error);
  AUTO_FD int folder = path != NULL ? open_folder (state) : -1;
  AUTO_FD int fd = -1;

  if (path == NULL)
    return false;
  fd = folder >= 0 ? file_open_at (folder, name, O_RDWR | O_CREAT | O_EXCL) : -1;
  return (fd >= 0 && fstat (fd, about) == 0) || query_files_fail (error, name);
}

int
query_files_open (const char *state, uint64_t inode, int flags, GError **error)
{
  struct stat about;
  g_autofree char *name = query_files_name (state, inode, &about);
  AUTO_FD int folder = open_folder (state);
  int fd = -1;

  errno = ENOENT;
  if (name != NULL && folder >= 0)
    fd = file_open_at (folder, name, flags);
  if (fd < 0)
    query_files_fail (error, name != NULL ? name : "The file");
  return fd;
}

GBytes *
query_files_read (const char *state, const char *name, GError **error)
{
  AUTO_FD int folder = open_folder (state);
  AUTO_FD int fd = folder >= 0 ? file_open_at (folder, name, O_RDONLY) : -1;
  g_autoptr (GString) text = g_string_new (NULL);
  char part[16384];
  ssize_t got = -1;

  while (fd >= 0 && text->len <= QUERY_FILES_MAX && (got = read (fd, part, sizeof part)) > 0)
    g_string_append_len (text, part, got);
  if (fd >= 0 && got >= 0)
    return g_string_free_to_bytes (g_steal_pointer (&text));
  query_files_fail (error, name);
  return NULL;
}

bool
query_files_rename (const char *state, const char *name, const char *new_name, unsigned flags, GError **error)
{
  AUTO_FD int folder = open_folder (state);

  return (folder >= 0 && renameat2 (folder, name, folder, new_name, flags) == 0) || query_files_fail (error, name);
}

bool
query_files_remove (const char *state, const char *name, GError **error)
{
  AUTO_FD int folder = open_folder (state);

  return (folder >= 0 && unlinkat (folder, name, 0) == 0) || query_files_fail (error, name);
}
