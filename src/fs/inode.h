/* The nodes the kernel knows, and how often it has looked each one up. Any thread; one lock, held for moments.
 *
 * A node lives while the kernel counts a lookup of it or we hold a reference. During a request the kernel holds the
 * node it names. What the kernel keeps of a file (attributes, pages) is of one version at a time: `seen`. */
#pragma once

#include "fs/node.h"

typedef struct Nodes Nodes;
typedef struct Node Node;

Nodes *nodes_new (const NodeKey *root);
/* Frees all nodes, also those the kernel never forgot. */
void nodes_free (Nodes *nodes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Nodes, nodes_free)

/* The node of a nodeid that the kernel holds, and back. */
Node *nodes_of_id (Nodes *nodes, uint64_t nodeid);
uint64_t node_id (const Nodes *nodes, const Node *node);

/* Lives as long as the node, also when the node gets another one. */
const NodeKey *node_key (const Node *node);

/* The inode number of what @key names: the same at every mount, never 0, and 1 only for the root. */
uint64_t node_ino (const NodeKey *key);

/* Finds or makes the node and counts one lookup by the kernel. A reply that fails takes it back by nodes_forget(). */
Node *nodes_lookup (Nodes *nodes, const NodeKey *key);
void nodes_forget (Nodes *nodes, Node *node, uint64_t count);

Node *nodes_ref (Nodes *nodes, Node *node);
void nodes_unref (Nodes *nodes, Node *node);

/* The node of @from, if there is one, is that of @to from now on: a rename, or a record that came of a file. The
 * node that @to had goes on with the key @replaced, or, when that is NULL, without one: only who holds it can use
 * it. */
void nodes_rekey (Nodes *nodes, const NodeKey *from, const NodeKey *to, const NodeKey *replaced);
/* Was its key given to another one? */
bool nodes_is_cut (Nodes *nodes, Node *node);

/* How many there are; for tests and status. */
size_t nodes_count (Nodes *nodes);

/* ---- what the kernel holds of a file ---------------------------------------------------------------------------- */

/* A reply is about to give the kernel attributes of @version, whose bytes are @size. Returns: whether it may hold
 * something of another version. */
bool nodes_told (Nodes *nodes, Node *node, uint64_t version, int64_t size);

/* As the kernel was told last. */
int64_t nodes_size (Nodes *nodes, Node *node);

/* Does the kernel have attributes of any version? */
bool nodes_has_seen (Nodes *nodes, const NodeKey *key);
/* The node with a reference, if the attributes that the kernel has are of @version; else NULL. And back. Returns:
 * whether they still are. */
Node *nodes_ref_seen (Nodes *nodes, const NodeKey *key, uint64_t version);
bool nodes_unref_seen (Nodes *nodes, Node *node, uint64_t version);

/* May the kernel know a smaller size than @size? It believes what it was told last, or, when it was told to drop things
 * meanwhile, what it was told before: attributes that cross such a notice it ignores. */
bool nodes_cuts (Nodes *nodes, Node *node, int64_t size);
/* It is about to be told to ask again. Returns: the nodeid, or 0 when the kernel knows no such node. */
uint64_t nodes_ask (Nodes *nodes, const NodeKey *key, int64_t size);

/* Without opens: the text that goes with the attributes last given, for files that have another one at each look. NULL
 * when there is none; to g_bytes_unref(). */
void nodes_keep (Nodes *nodes, Node *node, GBytes *text);
GBytes *nodes_kept (Nodes *nodes, Node *node);

/* A file opens: reads of all its handles get @version, once the kernel has its attributes; @text NULL: the text
 * comes by nodes_fill(). Returns: true when the kernel may hold something of another version, which must go before
 * the open is answered. */
bool nodes_open (Nodes *nodes, Node *node, GBytes *text, uint64_t version);
void nodes_close (Nodes *nodes, Node *node);

/* What a read of an open file gets: the version that goes with the size the kernel was told last, since it would cut
 * another one. To g_bytes_unref(); NULL: it is not here yet. */
GBytes *nodes_text (Nodes *nodes, Node *node, uint64_t *version);
/* Further reads of that version get @text. */
void nodes_fill (Nodes *nodes, Node *node, GBytes *text, uint64_t version);

/* The kernel is about to be told to drop what it holds. Returns: the nodeid, or 0 when the kernel knows no such
 * node. */
uint64_t nodes_drop (Nodes *nodes, const NodeKey *key);

/* The nodeid, or 0 when the kernel knows no such node. */
uint64_t nodes_id_of_key (Nodes *nodes, const NodeKey *key);

/* A directory opens with contents of @version. Returns: whether the kernel's cached entries are of the same. */
bool nodes_opendir (Nodes *nodes, Node *node, uint64_t version);
