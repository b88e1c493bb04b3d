/* Numbers for the names in /.zohofs/drafts, whose files come and go with no id of their own. A name keeps its number
 * for the mount's life, and practically always gets the same one in the next. Any thread. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct DraftNames DraftNames;

DraftNames *draft_names_new (void);
/* NULL is fine. No other thread may be inside. */
void draft_names_free (DraftNames *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DraftNames, draft_names_free)

/* The number of draft @name of @module; @name NULL: of the module's folder. Never 0. */
uint64_t draft_names_number (DraftNames *names, const char *module, const char *name);

/* Back, for numbers that were given. They live as long as @names; @name: NULL for a folder. */
void draft_names_get (DraftNames *names, uint64_t number, const char **module, const char **name);
