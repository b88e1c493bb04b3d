/* The one place where what went wrong becomes an errno, and a line in the log. */
#pragma once

#include "fs/op.h"

/* The errno for an error of ZOHO_ERROR; EIO for any other. */
int reply_errno (const GError *error);

/* Answers the op's request with @error and logs its words. */
void reply_failure (Op *op, const GError *error);
