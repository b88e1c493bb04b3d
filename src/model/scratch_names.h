/* The names of temporary, swap, backup and lock files, which stay local and never reach the CRM. Pure; any thread. */
#pragma once

#include <stdbool.h>

/* Is @name, one path component, one that programs give to files of their own? Also when it ends in ".json". */
bool scratch_name_matches (const char *name);
