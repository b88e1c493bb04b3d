/* What is open: files and directories. The kernel may leave some open when the mount goes, so they are all
 * remembered. Reads of a shared file get the text of its latest open, since all its handles share the kernel's
 * pages. Any thread. */
#pragma once

#include "fs/inode.h"

typedef struct Handles Handles;
typedef struct Handle Handle;
typedef struct Desk Desk;

/* @nodes is borrowed. */
Handles *handles_new (Nodes *nodes);
/* Closes what is still open. */
void handles_free (Handles *handles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Handles, handles_free)

/* Each keeps a reference to @node. The first sets @stale as nodes_open() says and takes a reference to the text; the
 * second takes the listing over. */
Handle *handle_open (Handles *handles, Node *node, const Opened *opened, bool *stale);
Handle *handle_opendir (Handles *handles, Node *node, const Listing *listing);
/* A file that a desk knows by @number. */
Handle *handle_open_desk (Handles *handles, Node *node, Desk *desk, uint64_t number);
void handle_close (Handles *handles, Handle *handle);

/* A file that is talked to by @stream. @state is taken over: its release is called at the close. */
Handle *handle_open_stream (Handles *handles, Node *node, const Stream *stream, void *state);
/* NULL: it is no such file. */
const Stream *handle_stream (const Handle *handle, void **state);

/* NULL: no desk knows it. @number may be NULL. */
Desk *handle_desk (const Handle *handle, uint64_t *number);

/* An open file's whole text. To g_bytes_unref(). */
GBytes *handle_text (Handles *handles, Handle *handle, uint64_t *version);

/* What was opened, whatever its node is by now. */
const NodeKey *handle_key (const Handle *handle);

const Listing *handle_listing (const Handle *handle);

/* As fuse_file_info.fh, and back. */
uint64_t handle_number (const Handle *handle);
Handle *handle_of_number (uint64_t number);
