/* Programs that look at every file there is: indexers and the like. They are given what is known already, so that
 * they spend no credits. Filled before the mount, then only asked: any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Indexers of the usual desktops and of locate(1). */
#define WALKERS_DEFAULT                                                                                                \
  "updatedb,updatedb.plocate,updatedb.mlocate,plocate,mlocate,baloo_file,baloo_file_extractor,tracker-miner-fs,"        \
  "tracker-miner-fs-3,tracker-extract,tracker-extract-3,localsearch,localsearch-3,localsearch-extractor-3,recollindex"

typedef struct Walkers Walkers;

/* @names: names of programs as /proc/PID/comm has them, of which it has 15 bytes; commas between. Returns: NULL when
 * that is no such list; an empty one is. */
Walkers *walkers_new (const char *names);
/* NULL is fine. */
void walkers_free (Walkers *walkers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Walkers, walkers_free)

/* Is there any? NULL: there is none. */
bool walkers_any (const Walkers *walkers);
bool walkers_has (const Walkers *walkers, const char *program);

/* Something was refused to @program, one of them. Returns: whether it is time to say so, once in a minute. */
bool walkers_tell (Walkers *walkers, const char *program);
