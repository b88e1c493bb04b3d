/* A name in a directory to what it means, by table: the first row that matches. */
#pragma once

#include "fs/node.h"

typedef struct Route Route;

/* Reads a name the table leaves open. As NodeKind.lookup. */
typedef StoreState (*RouteTake) (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error);

struct Route
{
  const char *name;     /* NULL: every name */
  bool listed;          /* shown by readdir */
  const NodeKind *kind; /* of the node {kind, the directory's module, id} */
  uint64_t id;
  RouteTake take;       /* instead of kind and id */
};

/* A table ends with a row of neither kind nor take. */
#define ROUTE_END { NULL, false, NULL, 0, NULL }

StoreState route_read (const Route *routes, const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found,
                       GError **error);

/* The listed row at @index, 0 up, or NULL when there are no more. */
const Route *route_listed (const Route *routes, size_t index);

/* How many rows are listed. */
size_t route_count_listed (const Route *routes);

/* Takes the name of a module's directory; for root and control. @kind and @id as in Route. */
StoreState route_take_module (const Ask *ask, const char *name, const NodeKind *kind, uint64_t id, NodeKey *found,
                              GError **error);

/* An entry for a fixed directory made of @routes followed by one {kind, module, id} per module of the listing. */
StoreState route_entry (const Route *routes, const NodeKind *kind, uint64_t id, const Ask *ask, const NodeKey *dir,
                        const Listing *listing, size_t index, Entry *entry, bool *at_end, GError **error);
