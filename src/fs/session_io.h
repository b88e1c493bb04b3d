/* The connection to the kernel, with one correction: libfuse before 3.17 leaves FUSE_PARALLEL_DIROPS out of its answer
 * to INIT, so that the kernel would send lookups and readdirs of a directory one at a time, and one that waits for Zoho
 * would hold up all others. */
#pragma once

#include <stdbool.h>

struct fuse_session;

/* Call after fuse_session_mount(). */
bool session_io_install (struct fuse_session *session);
