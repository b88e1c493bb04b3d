/* Checks before mounting. libfuse and fusermount3 would print their own words, or none. */
#include "fs/mountpoint.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TYPE "fuse.zohofs"
#define FUSERMOUNT "fusermount3"

static bool
refuse (GError **error, ZohoError code, char *words)
{
  g_set_error_literal (error, ZOHO_ERROR, code, words);
  g_free (words);
  return false;
}

/* @path without symlinks before its last part, which may be a dead mount that nothing can look into. */
static char *
canonical (const char *path)
{
  g_autofree char *dir = g_path_get_dirname (path);
  g_autofree char *base = g_path_get_basename (path);
  char *whole = realpath (path, NULL);
  char *parent;
  char *joined;

  if (whole != NULL)
    return whole;
  parent = realpath (dir, NULL);
  joined = g_build_filename (parent != NULL ? parent : dir, base, NULL);
  free (parent);
  return joined;
}

/* The type of the file system mounted last at @path, from the kernel's list. NULL: none. To g_free(). */
static char *
mounted_type (const char *path)
{
  g_autofree char *list = NULL;
  g_auto (GStrv) lines = NULL;
  char *type = NULL;

  if (!g_file_get_contents ("/proc/self/mountinfo", &list, NULL, NULL))
    return NULL;
  lines = g_strsplit (list, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      /* 36 35 98:0 /root /mount/point options... - type source options; blanks in names are octal. */
      g_auto (GStrv) parts = g_strsplit (*line, " ", 6);
      const char *tail = strstr (*line, " - ");
      g_autofree char *point = g_strv_length (parts) == 6 ? g_strcompress (parts[4]) : NULL;

      if (point == NULL || tail == NULL || !g_str_equal (point, path))
        continue;
      g_free (type);
      type = g_strndup (tail + 3, strcspn (tail + 3, " "));
    }
  return type;
}

static bool
is_ours (const char *path)
{
  g_autofree char *place = canonical (path);
  g_autofree char *type = mounted_type (place);

  return type != NULL && g_str_equal (type, TYPE);
}

/* Asks what the kernel has not cached: stat() of a dead mount may succeed. A daemon that is just being killed ends the
 * question that waits for it with ECONNABORTED. */
static bool
is_dead (const char *path)
{
  struct statvfs stat;

  return statvfs (path, &stat) != 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

static void
unmount (const char *path)
{
  const char *argv[] = { FUSERMOUNT, "-u", "-q", "-z", "--", path, NULL };

  if (umount2 (path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
    return;
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
}

static bool
is_empty (const char *path)
{
  DIR *dir = opendir (path);
  const struct dirent *entry;
  bool empty = true;

  if (dir == NULL)
    return true;
  while (empty && (entry = readdir (dir)) != NULL)
    empty = g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, "..");
  closedir (dir);
  return empty;
}

static bool
check_device (GError **error)
{
  int fd = open ("/dev/fuse", O_RDWR | O_CLOEXEC);
  g_autofree char *program = NULL;

  if (fd < 0 && (errno == EACCES || errno == EPERM))
    return refuse (error, ZOHO_ERROR_DENIED,
                   g_strdup ("No permission to open /dev/fuse. Ask the administrator for access to it."));
  if (fd < 0)
    return refuse (error, ZOHO_ERROR_FAILED,
                   g_strdup_printf ("Cannot open /dev/fuse: %s. Load the kernel module with: modprobe fuse",
                                    g_strerror (errno)));
  close (fd);
  if (geteuid () == 0)
    return true;
  program = g_find_program_in_path (FUSERMOUNT);
  if (program == NULL)
    return refuse (error, ZOHO_ERROR_FAILED,
                   g_strdup (FUSERMOUNT " is not installed, and without it only root can mount. Install the package "
                                        "fuse3."));
  return true;
}

static bool
check_directory (const char *path, GError **error)
{
  struct stat stat_of;

  if (stat (path, &stat_of) != 0)
    return errno == ENOENT
               ? refuse (error, ZOHO_ERROR_NOT_FOUND,
                         g_strdup_printf ("The mount point %s does not exist. Create it with: mkdir %s", path, path))
               : refuse (error, ZOHO_ERROR_DENIED,
                         g_strdup_printf ("Cannot look at the mount point %s: %s.", path, g_strerror (errno)));
  if (!S_ISDIR (stat_of.st_mode))
    return refuse (error, ZOHO_ERROR_INVALID, g_strdup_printf ("The mount point %s is not a directory.", path));
  if (is_ours (path))
    return refuse (error, ZOHO_ERROR_CHANGED,
                   g_strdup_printf ("A zohofs is already mounted at %s. Unmount it first with: fusermount3 -u %s", path,
                                    path));
  if (!is_empty (path))
    return refuse (error, ZOHO_ERROR_CHANGED,
                   g_strdup_printf ("The mount point %s is not empty. Choose an empty directory.", path));
  return true;
}

void
mountpoint_clear (const char *path)
{
  /* Dead mounts can lie upon each other; each round takes one away, or is the last. */
  for (int round = 0; round < 8 && is_ours (path) && is_dead (path); round++)
    {
      g_message ("Taking away a mount at %s whose daemon is dead", path);
      unmount (path);
    }
}

bool
mountpoint_check (const char *path, GError **error)
{
  mountpoint_clear (path);
  return check_directory (path, error) && check_device (error);
}
