/* The machine's side of `zohofs doctor`. Nothing is made, mended or removed. */
#include "app/doctor.h"

#include "app/status_command.h"
#include "base/file.h"
#include "model/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "/dev/fuse"
#define TRIES 20
#define PAUSE_US 50000

/* ---- fuse -------------------------------------------------------------------------------------------------------- */

/* no_new_privs: programs with the setuid bit are run without its rights. */
static bool
may_gain_rights (void)
{
  g_autofree char *status = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return true;
  line = strstr (status, "\nNoNewPrivs:\t");
  return line == NULL || strtol (line + strlen ("\nNoNewPrivs:\t"), NULL, 10) == 0;
}

static void
look_at_helper (Findings *findings)
{
  g_autofree char *helper = g_find_program_in_path ("fusermount3");
  struct stat about;

  if (helper == NULL)
    findings_add (findings, FINDING_FAILED, "fuse", "Install the package fuse3.", "there is no fusermount3 in $PATH");
  else if (geteuid () == 0)
    findings_add (findings, FINDING_OK, "fuse", NULL, "%s is there, and root mounts without it", helper);
  else if (stat (helper, &about) < 0 || about.st_uid != 0 || (about.st_mode & S_ISUID) == 0)
    findings_add (findings, FINDING_FAILED, "fuse", "As root: chmod u+s on it, or install the package fuse3 again.",
                  "%s has no setuid bit, so that only root can mount", helper);
  else if (!may_gain_rights ())
    findings_add (findings, FINDING_FAILED, "fuse",
                  "Start it without NoNewPrivileges= and what implies that (doc/hardening.md).",
                  "no_new_privs is set here, so that %s cannot mount", helper);
  else
    findings_add (findings, FINDING_OK, "fuse", NULL, DEVICE " and %s are there", helper);
}

static void
look_at_fuse (Findings *findings)
{
  struct stat about;

  if (stat (DEVICE, &about) < 0 || !S_ISCHR (about.st_mode))
    findings_add (findings, FINDING_FAILED, "fuse", "As root: modprobe fuse; in a container, pass the device on.",
                  "there is no " DEVICE);
  else if (geteuid () == 0 && access (DEVICE, R_OK | W_OK) < 0)
    findings_add (findings, FINDING_FAILED, "fuse", "In a container, allow the device.", DEVICE " cannot be opened: %s",
                  g_strerror (errno));
  else
    look_at_helper (findings);
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

static void
look_at_folder (Findings *findings, const char *check, const char *path)
{
  struct stat about;

  if (stat (path, &about) < 0 && errno == ENOENT)
    findings_add (findings, FINDING_OK, check, NULL, "%s is not there yet, and will be made", path);
  else if (stat (path, &about) < 0 || !S_ISDIR (about.st_mode))
    findings_add (findings, FINDING_FAILED, check, "Put a folder of yours there.", "%s is no folder that can be used",
                  path);
  else if (about.st_uid != geteuid () || access (path, R_OK | W_OK | X_OK) < 0)
    findings_add (findings, FINDING_FAILED, check, "Give it to the user who mounts: chown -R.",
                  "%s is not yours to write to", path);
  else if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    findings_add (findings, FINDING_FAILED, check, "chmod go-rwx on it.", "%s can be written to by others", path);
  else if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    findings_add (findings, FINDING_WARNING, check, "chmod go-rwx on it.", "%s can be looked into by others", path);
  else
    findings_add (findings, FINDING_OK, check, NULL, "%s is yours alone", path);
}

/* As a mount does it before it opens the files: in a process of its own, which damage may take down. */
static void
look_at_cache (Findings *findings, const Places *places)
{
  g_autofree char *folder = places_documents (places);
  char *argv[] = { "/proc/self/exe", "check-cache", folder, NULL };
  int status = 0;

  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    findings_add (findings, FINDING_OK, "cache", NULL, "no documents are kept yet");
  else if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL) || status != 0)
    findings_add (findings, FINDING_WARNING, "cache", "Nothing: the next mount makes it anew.",
                  "the documents in %s are damaged, or of another version", folder);
  else
    findings_add (findings, FINDING_OK, "cache", NULL, "the documents in %s are sound", folder);
}

void
doctor_look_at_machine (Findings *findings, const Places *places)
{
  look_at_fuse (findings);
  look_at_folder (findings, "state", places->state_dir);
  look_at_folder (findings, "cache", places->cache_dir);
  look_at_cache (findings, places);
}

/* ---- what earlier mounts left ------------------------------------------------------------------------------------ */

/* The lock under which folders of the journal may be tried. -1: there is no journal, or somebody mounts for long. */
static int
lock_journal (const char *journal)
{
  g_autofree char *path = g_build_filename (journal, "lock", NULL);
  int fd = file_open_at (AT_FDCWD, path, O_RDWR);

  for (int i = 0; fd >= 0 && i < TRIES; i++)
    {
      if (flock (fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
      g_usleep (PAUSE_US);
    }
  file_close (&fd);
  return -1;
}

static bool
is_left (const char *journal, const char *name)
{
  g_autofree char *path = g_build_filename (journal, name, "lock", NULL);
  AUTO_FD int fd = file_open_at (AT_FDCWD, path, O_RDWR);

  return fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0;
}

static unsigned
count_left (const char *journal)
{
  g_autoptr (GDir) folder = g_dir_open (journal, 0, NULL);
  AUTO_FD int lock = lock_journal (journal);
  const char *name;
  unsigned count = 0;

  while (folder != NULL && lock >= 0 && (name = g_dir_read_name (folder)) != NULL)
    count += is_left (journal, name);
  return count;
}

static void
look_at_journal (Findings *findings, const Places *places)
{
  g_autofree char *journal = g_build_filename (places->state_dir, "journal", NULL);
  unsigned left = count_left (journal);

  if (left > 0)
    findings_add (findings, FINDING_WARNING, "journal", "Mount the profile: the next mount takes them up.",
                  "%u %s ended without sending all that was written", left, left == 1 ? "mount" : "mounts");
  else
    findings_add (findings, FINDING_OK, "journal", NULL, "no mount left anything unsent");
}

static void
look_at_drafts (Findings *findings, const Places *places)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) drafts = journal_drafts_list (places->state_dir, &error);

  if (drafts == NULL)
    findings_add (findings, FINDING_FAILED, "drafts", "Give the folder to the user who mounts: chown -R.", "%s",
                  error->message);
  else if (drafts->len > 0)
    findings_add (findings, FINDING_WARNING, "drafts",
                  "Correct them and copy them onto their records, or remove them; `zohofs why` tells more.",
                  "%u refused %s in .zohofs/drafts of the mount", drafts->len, drafts->len == 1 ? "text is" : "texts are");
  else
    findings_add (findings, FINDING_OK, "drafts", NULL, "no refused texts");
}

static void
look_at_mounts (Findings *findings, const char *profile)
{
  g_auto (GStrv) mountpoints = status_command_find (profile, NULL);
  unsigned living = 0;

  for (char **mountpoint = mountpoints; mountpoint != NULL && *mountpoint != NULL; mountpoint++)
    {
      g_autofree char *todo = g_strdup_printf ("fusermount3 -u -z %s", *mountpoint);
      struct stat about;

      if (stat (*mountpoint, &about) < 0 && errno == ENOTCONN)
        findings_add (findings, FINDING_FAILED, "mounts", todo, "the process behind %s is dead", *mountpoint);
      else
        living++;
    }
  findings_add (findings, FINDING_OK, "mounts", NULL, "%u of this profile", living);
}

void
doctor_look_at_leftovers (Findings *findings, const Places *places, const char *profile)
{
  look_at_journal (findings, places);
  look_at_drafts (findings, places);
  look_at_mounts (findings, profile);
}
