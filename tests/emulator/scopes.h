/* Scopes that depend on what a request says, not only on its path. */
#pragma once

#include "request.h"

/* Does the token cover @scope, such as "ZohoCRM.modules.leads.READ"? ALL and wider areas do. Case aside.
 * Returns: false: refused, and answered. */
bool scope_check (Emulator *emulator, const Request *request, const char *scope, Reply *reply);

/* The scope that reads records of @module, new. */
char *scope_to_read (const Module *module);
