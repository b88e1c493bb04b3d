/* What an org consists of: modules, their fields and related lists, the org itself, its users.
 * Each call answers on a client worker thread through @done with an array of objects; see client.h. */
#pragma once

#include "api/client.h"

/* @rows: array of objects, never NULL, borrowed. Names that do not match ^[A-Za-z][A-Za-z0-9_]*$ (50 at most) are left
 * out of modules and fields: they could not be paths or parameters. */
typedef void (*MetadataDone) (json_t *rows, const GError *error, void *data);

uint64_t metadata_modules (Client *client, ClientPriority priority, MetadataDone done, void *data);
uint64_t metadata_fields (Client *client, const char *module, ClientPriority priority, MetadataDone done, void *data);
uint64_t metadata_related_lists (Client *client, const char *module, ClientPriority priority, MetadataDone done,
                                 void *data);
/* GET /org: one row. */
uint64_t metadata_org (Client *client, ClientPriority priority, MetadataDone done, void *data);

/* GET /users?type=AllUsers (or CurrentUser): all pages, up to 100,000 users; rows carry checked ids.
 * The ticket is that of the first page. */
uint64_t metadata_users (Client *client, const char *type, ClientPriority priority, MetadataDone done, void *data);
