/* The scratch patterns, as the programs that make such files spell them. */
#include "model/scratch_names.h"

#include <fnmatch.h>
#include <glib.h>

#define R "[A-Za-z0-9]" /* a random character of mkstemp() */

/* Shell patterns. Random characters are letters and digits, so that "sed1.json" is a name like any other. */
static const char *const patterns[] = {
  "4913",               /* vim: may I create files here? */
  ".*.sw[a-z]",         /* vim, nano */
  "*~",                 /* backups: vim, nano, emacs, joe */
  "#*#",                /* emacs: auto-save */
  ".#*",                /* emacs: lock */
  "sed" R R R R R R,    /* sed -i */
  "XX" R R R R R R,     /* perl -i */
  ".*." R R R R R R,    /* rsync */
  "*.tmp",
  "*.tmp.*",
  "*.save",           /* nano, on SIGHUP */
  ".goutputstream-*", /* GNOME */
  ".~lock.*#",        /* LibreOffice */
  "lu*.tmp",
  "*.part",       /* Firefox */
  "*.crdownload", /* Chrome */
  "*.bak",
  "*.orig", /* patch, git */
  "*.rej",
  "._*", /* macOS */
  ".DS_Store",
  ".directory", /* KDE */
  ".hidden",    /* GNOME */
  ".Trash*",
  ".nfs*",
  ".fuse_hidden*",
  ".git*",
  "*.lock",
  ".vscode",
  ".idea",
};

bool
scratch_name_matches (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (patterns); i++)
    if (fnmatch (patterns[i], name, 0) == 0)
      return true;
  return false;
}
