/* The table of nodes. Nodeids are the nodes' addresses: without NFS export the kernel never sends one it has
 * forgotten. */
#include "fs/inode.h"

#include "base/lock.h"

#include <stdatomic.h>
#include <xxhash.h>

#define ROOT_ID 1
#define SEEN_OTHER UINT64_MAX /* of no version */

/* What reads of a file get: always the version that the kernel has the size of. */
typedef struct
{
  unsigned opens;
  uint64_t version;
  GBytes *text; /* NULL: nobody has read it yet */
} Texts;

struct Node
{
  NodeKey first; /* its key at first */
  /* Its key now, if that is another one; read without the lock. What it was before stays as long as the node, since
   * requests under way may look at it. */
  NodeKey *_Atomic later;
  /* The rest is guarded by the table's lock. */
  GSList *keys;     /* all that were set, owned */
  bool cut;         /* nobody finds it by its key any more */
  uint64_t lookups; /* the kernel's */
  unsigned refs;    /* ours */
  uint64_t seen;    /* file: version of what the kernel may hold; directory: of its cached entries. 0: nothing */
  int64_t size;     /* file: as the kernel was told last */
  bool doubt;       /* file: the kernel may not have taken that */
  Texts *texts;     /* NULL when not open and not kept */
};

struct Nodes
{
  pthread_mutex_t lock;
  GHashTable *table; /* NodeKey * of a node, to the node */
  GHashTable *cut;   /* set of the others */
  Node *root;        /* always there */
};

static guint
key_hash (gconstpointer data)
{
  const NodeKey *key = data;
  uintptr_t parts[3] = { (uintptr_t) key->kind, (uintptr_t) key->module, (uintptr_t) key->id };

  return (guint) XXH64 (parts, sizeof parts, 0);
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  const NodeKey *x = a;
  const NodeKey *y = b;

  return x->id == y->id && x->module == y->module && x->kind == y->kind;
}

static void
drop_texts (Node *node)
{
  if (node->texts == NULL)
    return;
  g_clear_pointer (&node->texts->text, g_bytes_unref);
  g_clear_pointer (&node->texts, g_free);
}

static void
set_text (Texts *texts, GBytes *text, uint64_t version)
{
  g_clear_pointer (&texts->text, g_bytes_unref);
  texts->text = text != NULL ? g_bytes_ref (text) : NULL;
  texts->version = version;
}

static void
node_free (void *data)
{
  Node *node = data;

  drop_texts (node);
  g_slist_free_full (node->keys, g_free);
  g_free (node);
}

/* Lock held. */
static Node *
find (Nodes *nodes, const NodeKey *key)
{
  return g_hash_table_lookup (nodes->table, key);
}

/* Lock held. */
static Node *
find_or_make (Nodes *nodes, const NodeKey *key)
{
  Node *node = find (nodes, key);

  if (node != NULL)
    return node;
  node = g_new0 (Node, 1);
  node->first = *key;
  g_hash_table_insert (nodes->table, &node->first, node);
  return node;
}

/* Lock held. */
static uint64_t
id_of_key (Nodes *nodes, const NodeKey *key)
{
  Node *node = find (nodes, key);

  if (node == nodes->root)
    return ROOT_ID;
  return node != NULL && node->lookups > 0 ? (uintptr_t) node : 0;
}

/* Lock held. */
static void
drop_if_unused (Nodes *nodes, Node *node)
{
  if (node->lookups > 0 || node->refs > 0 || node == nodes->root)
    return;
  if (node->cut)
    g_hash_table_remove (nodes->cut, node);
  else
    g_hash_table_remove (nodes->table, node_key (node));
}

Nodes *
nodes_new (const NodeKey *root)
{
  Nodes *nodes = g_new0 (Nodes, 1);

  pthread_mutex_init (&nodes->lock, NULL);
  nodes->table = g_hash_table_new_full (key_hash, key_equal, NULL, node_free);
  nodes->cut = g_hash_table_new_full (NULL, NULL, node_free, NULL);
  nodes->root = find_or_make (nodes, root);
  return nodes;
}

void
nodes_free (Nodes *nodes)
{
  if (nodes == NULL)
    return;
  g_hash_table_unref (nodes->table);
  g_hash_table_unref (nodes->cut);
  pthread_mutex_destroy (&nodes->lock);
  g_free (nodes);
}

Node *
nodes_of_id (Nodes *nodes, uint64_t nodeid)
{
  return nodeid == ROOT_ID ? nodes->root : (Node *) (uintptr_t) nodeid;
}

uint64_t
node_id (const Nodes *nodes, const Node *node)
{
  return node == nodes->root ? ROOT_ID : (uintptr_t) node;
}

const NodeKey *
node_key (const Node *node)
{
  const NodeKey *later = atomic_load_explicit (&((Node *)node)->later, memory_order_acquire);

  return later != NULL ? later : &node->first;
}

uint64_t
node_ino (const NodeKey *key)
{
  uint64_t parts[3] = { key->kind->number, key->module != NULL ? store_module_number (key->module) : 0, key->id };
  uint64_t ino;

  if (key->kind->number == 0)
    return ROOT_ID;
  ino = XXH64 (parts, sizeof parts, 0);
  return ino > ROOT_ID ? ino : ino + 2;
}

Node *
nodes_lookup (Nodes *nodes, const NodeKey *key)
{
  LOCKED (&nodes->lock);
  Node *node = find_or_make (nodes, key);

  node->lookups++;
  return node;
}

void
nodes_forget (Nodes *nodes, Node *node, uint64_t count)
{
  LOCKED (&nodes->lock);

  node->lookups -= MIN (count, node->lookups);
  drop_if_unused (nodes, node);
}

Node *
nodes_ref (Nodes *nodes, Node *node)
{
  LOCKED (&nodes->lock);

  node->refs++;
  return node;
}

void
nodes_unref (Nodes *nodes, Node *node)
{
  LOCKED (&nodes->lock);

  g_assert (node->refs > 0);
  node->refs--;
  drop_if_unused (nodes, node);
}

/* Lock held. The kernel holds nothing that would still be true of the node. */
static void
set_key (Nodes *nodes, Node *node, const NodeKey *key)
{
  NodeKey *copy = g_memdup2 (key, sizeof *key);

  node->keys = g_slist_prepend (node->keys, copy);
  atomic_store_explicit (&node->later, copy, memory_order_release);
  node->seen = SEEN_OTHER;
  g_hash_table_insert (nodes->table, copy, node);
}

/* Lock held. */
static void
take_key (Nodes *nodes, Node *node)
{
  g_hash_table_steal (nodes->table, node_key (node));
}

void
nodes_rekey (Nodes *nodes, const NodeKey *from, const NodeKey *to, const NodeKey *replaced)
{
  LOCKED (&nodes->lock);
  Node *node = find (nodes, from);
  Node *old = find (nodes, to);

  if (old != NULL)
    {
      take_key (nodes, old);
      if (replaced != NULL && find (nodes, replaced) == NULL)
        set_key (nodes, old, replaced);
      else
        {
          old->cut = true;
          g_hash_table_add (nodes->cut, old);
        }
    }
  if (node == NULL)
    return;
  take_key (nodes, node);
  set_key (nodes, node, to);
}

bool
nodes_is_cut (Nodes *nodes, Node *node)
{
  LOCKED (&nodes->lock);

  return node->cut;
}

size_t
nodes_count (Nodes *nodes)
{
  LOCKED (&nodes->lock);

  return g_hash_table_size (nodes->table) + g_hash_table_size (nodes->cut);
}

bool
nodes_told (Nodes *nodes, Node *node, uint64_t version, int64_t size)
{
  LOCKED (&nodes->lock);
  bool stale = version != 0 && node->seen != 0 && node->seen != version;

  node->size = size;
  if (version != 0)
    node->seen = version;
  if (version != 0 && node->texts != NULL && node->texts->opens > 0 && node->texts->version != version)
    set_text (node->texts, NULL, version);
  return stale;
}

bool
nodes_has_seen (Nodes *nodes, const NodeKey *key)
{
  LOCKED (&nodes->lock);
  const Node *node = find (nodes, key);

  return node != NULL && node->lookups > 0 && node->seen != 0;
}

Node *
nodes_ref_seen (Nodes *nodes, const NodeKey *key, uint64_t version)
{
  LOCKED (&nodes->lock);
  Node *node = find (nodes, key);

  if (node == NULL || node->lookups == 0 || node->seen != version || version == 0)
    return NULL;
  node->refs++;
  return node;
}

bool
nodes_unref_seen (Nodes *nodes, Node *node, uint64_t version)
{
  LOCKED (&nodes->lock);
  bool same = node->seen == version;

  node->refs--;
  drop_if_unused (nodes, node);
  return same;
}

int64_t
nodes_size (Nodes *nodes, Node *node)
{
  LOCKED (&nodes->lock);

  return node->size;
}

bool
nodes_cuts (Nodes *nodes, Node *node, int64_t size)
{
  LOCKED (&nodes->lock);

  return node->doubt || size > node->size;
}

uint64_t
nodes_ask (Nodes *nodes, const NodeKey *key, int64_t size)
{
  LOCKED (&nodes->lock);
  uint64_t id = id_of_key (nodes, key);

  if (id == 0)
    return 0;
  nodes_of_id (nodes, id)->size = size;
  nodes_of_id (nodes, id)->doubt = false;
  return id;
}

void
nodes_keep (Nodes *nodes, Node *node, GBytes *text)
{
  LOCKED (&nodes->lock);

  if (node->texts == NULL)
    node->texts = g_new0 (Texts, 1);
  set_text (node->texts, text, 0);
}

GBytes *
nodes_kept (Nodes *nodes, Node *node)
{
  LOCKED (&nodes->lock);

  return node->texts != NULL ? g_bytes_ref (node->texts->text) : NULL;
}

bool
nodes_open (Nodes *nodes, Node *node, GBytes *text, uint64_t version)
{
  LOCKED (&nodes->lock);
  bool stale = node->seen != 0 && node->seen != version;

  if (node->texts == NULL)
    node->texts = g_new0 (Texts, 1);
  /* Who has it open already reads what goes with the size that the kernel knows, until it is told another one. */
  if (node->texts->opens++ == 0)
    set_text (node->texts, text, version);
  if (!stale)
    node->seen = version;
  return stale;
}

void
nodes_close (Nodes *nodes, Node *node)
{
  LOCKED (&nodes->lock);

  g_assert (node->texts != NULL && node->texts->opens > 0);
  if (--node->texts->opens == 0)
    drop_texts (node);
}

GBytes *
nodes_text (Nodes *nodes, Node *node, uint64_t *version)
{
  LOCKED (&nodes->lock);

  g_assert (node->texts != NULL);
  *version = node->texts->version;
  return node->texts->text != NULL ? g_bytes_ref (node->texts->text) : NULL;
}

void
nodes_fill (Nodes *nodes, Node *node, GBytes *text, uint64_t version)
{
  LOCKED (&nodes->lock);

  if (node->texts != NULL && node->texts->text == NULL && node->texts->version == version)
    set_text (node->texts, text, version);
}

uint64_t
nodes_drop (Nodes *nodes, const NodeKey *key)
{
  LOCKED (&nodes->lock);
  uint64_t id = id_of_key (nodes, key);

  if (id == 0)
    return 0;
  nodes_of_id (nodes, id)->seen = 0;
  nodes_of_id (nodes, id)->doubt = true;
  return id;
}

uint64_t
nodes_id_of_key (Nodes *nodes, const NodeKey *key)
{
  LOCKED (&nodes->lock);

  return id_of_key (nodes, key);
}

bool
nodes_opendir (Nodes *nodes, Node *node, uint64_t version)
{
  LOCKED (&nodes->lock);
  bool same = node->seen == version && version != 0;

  node->seen = version;
  return same;
}
