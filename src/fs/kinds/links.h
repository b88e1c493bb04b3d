/* Directories of symlinks to records: what is related, what was found by a search. */
#pragma once

#include "fs/kinds/kinds.h"
#include "model/found.h"

/* The node of a link to record @id of @target, in directory @group of @module; @group tells directories apart. */
NodeKey links_key (const Ask *ask, const NodeKind *kind, StoreModule *module, const char *group, const char *target,
                   uint64_t id);
/* Back: the record's id, and the group (which lives as long as the mount). */
uint64_t links_id (const Ask *ask, const NodeKey *link, const char **group);
/* NodeKind.also: the module that it leads to. A list may have records of several. */
const char *links_also (const Ask *ask, const NodeKey *link);

/* Where a link leads. @same_module: it is two directories below the one of its record, as hits of a search are; else
 * it is three below the root: "../../../Leads/Okafor.7010000000201.json". To g_free(). */
char *links_target (const FoundRow *row, bool same_module);

/* The node of the link with that name in @found; @found_key->kind stays NULL when there is none. */
void links_lookup (const Ask *ask, const NodeKind *kind, StoreModule *module, const char *group, const Found *found,
                   const char *name, NodeKey *found_key);

/* The entry at @index of @found. */
void links_entry (const Ask *ask, const NodeKind *kind, StoreModule *module, const char *group, const Found *found,
                  size_t index, bool same_module, Entry *entry);

/* NodeKind.attr of links, by their kind's target. */
StoreState links_attr (const Ask *ask, const NodeKey *node, Attr *attr, GError **error);
