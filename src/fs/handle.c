/* Open files and directories, all in one list. */
#include "fs/handle.h"

#include "base/lock.h"
#include "fs/desk.h"

struct Handle
{
  GList link;
  Node *node;
  const NodeKey *key; /* of the node, when it was opened */
  bool shared; /* a file that reads the node's text */
  GBytes *own; /* else its own, or NULL */
  Listing listing;
  const Stream *stream; /* or NULL */
  void *state;          /* its own */
  Desk *desk; /* or NULL */
  uint64_t number; /* there */
};

struct Handles
{
  Nodes *nodes;
  pthread_mutex_t lock; /* guards the list */
  GQueue open;          /* Handle * */
};

static Handle *
add (Handles *handles, Node *node)
{
  Handle *handle = g_new0 (Handle, 1);

  handle->node = nodes_ref (handles->nodes, node);
  handle->key = node_key (node);
  handle->link.data = handle;
  LOCKED (&handles->lock);
  g_queue_push_tail_link (&handles->open, &handle->link);
  return handle;
}

static void
dispose (Handles *handles, Handle *handle)
{
  if (handle->shared)
    nodes_close (handles->nodes, handle->node);
  if (handle->stream != NULL && handle->stream->release != NULL)
    handle->stream->release (handle->state);
  nodes_unref (handles->nodes, handle->node);
  g_clear_pointer (&handle->own, g_bytes_unref);
  g_clear_pointer (&handle->listing.records, store_list_unref);
  g_clear_pointer (&handle->listing.modules, g_ptr_array_unref);
  g_clear_pointer (&handle->listing.names, g_ptr_array_unref);
  g_clear_pointer (&handle->listing.found, found_unref);
  g_clear_pointer (&handle->listing.locals, g_ptr_array_unref);
  g_free (handle);
}

Handles *
handles_new (Nodes *nodes)
{
  Handles *handles = g_new0 (Handles, 1);

  handles->nodes = nodes;
  pthread_mutex_init (&handles->lock, NULL);
  g_queue_init (&handles->open);
  return handles;
}

void
handles_free (Handles *handles)
{
  GList *link;

  if (handles == NULL)
    return;
  while ((link = g_queue_pop_head_link (&handles->open)) != NULL)
    dispose (handles, link->data);
  pthread_mutex_destroy (&handles->lock);
  g_free (handles);
}

Handle *
handle_open (Handles *handles, Node *node, const Opened *opened, bool *stale)
{
  Handle *handle = add (handles, node);

  *stale = false;
  handle->shared = !opened->own;
  if (handle->shared)
    *stale = nodes_open (handles->nodes, node, opened->text, opened->version);
  else
    handle->own = g_bytes_ref (opened->text);
  return handle;
}

Handle *
handle_opendir (Handles *handles, Node *node, const Listing *listing)
{
  Handle *handle = add (handles, node);

  handle->listing = *listing;
  return handle;
}

Handle *
handle_open_desk (Handles *handles, Node *node, Desk *desk, uint64_t number)
{
  Handle *handle = add (handles, node);

  handle->desk = desk;
  handle->number = number;
  return handle;
}

Desk *
handle_desk (const Handle *handle, uint64_t *number)
{
  if (number != NULL)
    *number = handle->number;
  return handle->desk;
}

Handle *
handle_open_stream (Handles *handles, Node *node, const Stream *stream, void *state)
{
  Handle *handle = add (handles, node);

  handle->stream = stream;
  handle->state = state;
  return handle;
}

const Stream *
handle_stream (const Handle *handle, void **state)
{
  *state = handle->state;
  return handle->stream;
}

void
handle_close (Handles *handles, Handle *handle)
{
  if (handle->desk != NULL)
    desk_close (handle->desk, handle->number);
  {
    LOCKED (&handles->lock);
    g_queue_unlink (&handles->open, &handle->link);
  }
  dispose (handles, handle);
}

GBytes *
handle_text (Handles *handles, Handle *handle, uint64_t *version)
{
  return handle->shared ? nodes_text (handles->nodes, handle->node, version) : g_bytes_ref (handle->own);
}

const NodeKey *
handle_key (const Handle *handle)
{
  return handle->key;
}

const Listing *
handle_listing (const Handle *handle)
{
  return &handle->listing;
}

uint64_t
handle_number (const Handle *handle)
{
  return (uintptr_t) handle;
}

Handle *
handle_of_number (uint64_t number)
{
  return (Handle *) (uintptr_t) number;
}
