/* An open directory: opendir takes a listing, readdir goes through it by index, so offsets stay good while pages of a
 * first listing still arrive. A readdir that has entries answers with them rather than wait for more. */
#pragma once

#include "fs/op.h"

/* The steps of OPENDIR, and of READDIR and READDIRPLUS (with op->plus, op->index and op->size). */
StoreState listing_open_step (Op *op, GError **error);
StoreState listing_read_step (Op *op, GError **error);
