/* Walks the pages of a data file as LMDB would, but believes nothing: LMDB itself crashes, loops or overwrites pages
 * in use when a page number, an offset or its list of free pages is damaged.
 *
 * The layout is that of LMDB 0.9 (data version 1): two pages that say where the trees begin, then trees of branch
 * and leaf pages, values too large for a leaf on runs of overflow pages. Every page must be reached once at most, be
 * what its place says, hold keys in order within its bounds, and the counts must agree. Bodies of documents are not
 * looked at. */
#include "model/disk_private.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0xBEEFC0DE
#define DATA_VERSION 1
#define NO_PAGE ((size_t)-1)
#define META_PAGES 2
#define PAGE_SIZE_MIN 512
#define PAGE_SIZE_MAX 32768
#define DEPTH_MAX 32
#define KEY_MAX 511
/* How often a commit is looked at that others may leave behind at that moment. */
#define TRIES 1000

/* Pages neither in use nor free, a few of which do no harm: so many, and such a part of all. */
#define LOST_MAX 256
#define LOST_PART 16

/* Flags of pages. */
#define BRANCH 0x01
#define LEAF 0x02
#define OVERFLOW_RUN 0x04
#define META_PAGE 0x08

/* Flags of nodes. */
#define ON_OVERFLOW 0x01
#define IS_TREE 0x02

/* The flag of the tree of free pages, whose keys are numbers. */
#define INTEGER_KEYS 0x08

typedef struct
{
  size_t number;
  uint16_t unused;
  uint16_t flags;
  union
  {
    struct
    {
      uint16_t lower, upper; /* bounds of the space that is free */
    };
    uint32_t run; /* pages, of an overflow run */
  };
} PageHead;

typedef struct
{
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  uint16_t low, high;
#else
  uint16_t high, low;
#endif
  uint16_t flags;
  uint16_t key_size;
} NodeHead;

typedef struct
{
  uint32_t pad; /* of the tree of free pages: the size of a page */
  uint16_t flags;
  uint16_t depth;
  size_t branches, leaves, overflows, entries, root;
} Tree;

typedef struct
{
  uint32_t magic, version;
  size_t address, map_size;
  Tree trees[2]; /* of free pages, of named trees */
  size_t last_page, txn;
} Meta;

typedef enum
{
  KIND_FREE,
  KIND_TOP,
  KIND_NAMED, /* + DiskDb */
} Kind;

typedef struct
{
  const uint8_t *map;
  size_t file_pages; /* whole ones in the file */
  size_t page_size;
  Meta meta;
  uint8_t *seen;     /* a bit per page up to meta.last_page */
  size_t marked;     /* bits set */
  uint8_t *covered;  /* a byte for two of a page */
  Tree named[DISK_DBS];
  bool has_named[DISK_DBS], has_meta;
} Walk;

/* A tree under way. */
typedef struct
{
  Walk *walk;
  Kind kind;
  Tree want, found; /* found: counts only */
  MDB_val last;     /* the key before, in order */
  bool last_parts;  /* it parts two pages: the next may be equal */
} TreeWalk;

/* A node, checked to lie within its page. */
typedef struct
{
  NodeHead head;
  size_t offset;
  MDB_val key;
  const uint8_t *data; /* of a large value: the number of its first page, until it is followed there */
  size_t data_size;
} Node;

static bool
mark (Walk *walk, size_t page)
{
  uint8_t bit = (uint8_t)(1 << page % 8);

  if (page < META_PAGES || page > walk->meta.last_page || (walk->seen[page / 8] & bit) != 0)
    return false;
  walk->seen[page / 8] |= bit;
  walk->marked++;
  return true;
}

/* Is @page one of the file's, not seen before, and does it say so itself? Returns: its bytes, or NULL. */
static const uint8_t *
enter_page (Walk *walk, size_t page, PageHead *head)
{
  const uint8_t *bytes;

  if (!mark (walk, page) || page >= walk->file_pages)
    return NULL;
  bytes = walk->map + page * walk->page_size;
  memcpy (head, bytes, sizeof *head);
  return head->number == page ? bytes : NULL;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static bool
check_free_pages (Walk *walk, const Node *node)
{
  size_t count, page, before = NO_PAGE, txn;

  if (node->key.mv_size != sizeof txn || node->data_size < sizeof count)
    return false;
  memcpy (&txn, node->key.mv_data, sizeof txn);
  memcpy (&count, node->data, sizeof count);
  if (txn == 0 || txn > walk->meta.txn || count > node->data_size / sizeof count - 1)
    return false;
  for (size_t i = 1; i <= count; i++)
    {
      memcpy (&page, node->data + i * sizeof page, sizeof page);
      if (page >= before || !mark (walk, page))
        return false;
      before = page;
    }
  return true;
}

static bool
check_meta (Walk *walk, const Node *node)
{
  DiskMeta head;
  MDB_val value = { node->data_size, (void *)node->data };

  if (node->head.flags != 0 || !disk_value_read (DISK_DBS, &node->key, &value, &head, sizeof head))
    return false;
  walk->has_meta = true;
  return head.format == DISK_FORMAT;
}

static bool
check_named (Walk *walk, const Node *node)
{
  if (node->key.mv_size == strlen (DISK_META) && memcmp (node->key.mv_data, DISK_META, node->key.mv_size) == 0)
    return check_meta (walk, node);
  for (DiskDb db = 0; db < DISK_DBS; db++)
    if (node->key.mv_size == strlen (disk_db_names[db])
        && memcmp (node->key.mv_data, disk_db_names[db], node->key.mv_size) == 0)
      {
        if (node->head.flags != IS_TREE || node->data_size != sizeof (Tree))
          return false;
        memcpy (&walk->named[db], node->data, sizeof (Tree));
        walk->has_named[db] = true;
        return true;
      }
  return false;
}

static bool
check_record (DiskDb db, const Node *node)
{
  DiskIndexed row;

  if (node->key.mv_size != disk_key_parts (db) * sizeof (uint64_t))
    return false;
  switch (db)
    {
    case DISK_DOCUMENTS:
      return node->data_size >= sizeof (DiskDocument);
    case DISK_INDEX:
      if (node->data_size < sizeof row)
        return false;
      memcpy (&row, node->data, sizeof row);
      return node->data_size == sizeof row + row.label_size;
    case DISK_ROWS:
      return node->data_size == sizeof (DiskIndexedRow);
    case DISK_MODULES:
      return node->data_size == sizeof (DiskState);
    case DISK_DBS:
      break;
    }
  return false;
}

static bool
check_value (TreeWalk *tree, const Node *node)
{
  switch (tree->kind)
    {
    case KIND_FREE:
      return check_free_pages (tree->walk, node);
    case KIND_TOP:
      return check_named (tree->walk, node);
    default:
      return check_record ((DiskDb)(tree->kind - KIND_NAMED), node);
    }
}

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

static size_t
node_size (const Node *node)
{
  return (sizeof node->head + node->key.mv_size + node->data_size + 1) / 2 * 2;
}

/* Marks what the node covers of its page. Returns: false when that is not all its own. */
static bool
cover (Walk *walk, const Node *node)
{
  for (size_t i = node->offset / 2; i < (node->offset + node_size (node)) / 2; i++)
    if (walk->covered[i]++ != 0)
      return false;
  return true;
}

/* Follows a value onto its run of overflow pages. */
static bool
enter_run (TreeWalk *tree, Node *node)
{
  Walk *walk = tree->walk;
  size_t first, size = node->head.low | (size_t)node->head.high << 16;
  const uint8_t *bytes;
  PageHead head;

  memcpy (&first, node->data, sizeof first);
  bytes = enter_page (walk, first, &head);
  if (bytes == NULL || head.flags != OVERFLOW_RUN || head.run == 0
      || head.run > walk->file_pages - first || size > (size_t)head.run * walk->page_size - sizeof head)
    return false;
  for (size_t i = 1; i < head.run; i++)
    if (!mark (walk, first + i))
      return false;
  tree->found.overflows += head.run;
  node->data = bytes + sizeof head;
  node->data_size = size;
  return true;
}

/* Reads node @i of a page. */
static bool
read_node (TreeWalk *tree, const uint8_t *bytes, const PageHead *page, size_t i, Node *node)
{
  Walk *walk = tree->walk;
  bool leaf = (page->flags & LEAF) != 0;
  size_t left;
  uint16_t offset;

  memcpy (&offset, bytes + sizeof *page + i * sizeof offset, sizeof offset);
  if (offset % 2 != 0 || offset < page->upper || offset > walk->page_size - sizeof node->head)
    return false;
  memcpy (&node->head, bytes + offset, sizeof node->head);
  left = walk->page_size - offset - sizeof node->head;
  if (node->head.key_size > left || node->head.key_size > KEY_MAX)
    return false;
  left -= node->head.key_size;
  node->key = (MDB_val){ node->head.key_size, (void *)(bytes + offset + sizeof node->head) };
  node->data = bytes + offset + sizeof node->head + node->head.key_size;
  node->data_size = 0;
  if (leaf && (node->head.flags & ON_OVERFLOW) != 0)
    node->data_size = sizeof (size_t);
  else if (leaf)
    node->data_size = node->head.low | (size_t)node->head.high << 16;
  node->offset = offset;
  return node->data_size <= left;
}

/* Is @key after all keys before it? */
static bool
ascends (TreeWalk *tree, const MDB_val *key, bool parts)
{
  int order = 1;

  if (tree->last.mv_data != NULL && tree->kind == KIND_FREE)
    {
      size_t left, right;

      if (key->mv_size != sizeof left)
        return false;
      memcpy (&left, tree->last.mv_data, sizeof left);
      memcpy (&right, key->mv_data, sizeof right);
      order = right < left ? -1 : right > left;
    }
  else if (tree->last.mv_data != NULL)
    {
      order = memcmp (key->mv_data, tree->last.mv_data, MIN (key->mv_size, tree->last.mv_size));
      if (order == 0)
        order = key->mv_size < tree->last.mv_size ? -1 : key->mv_size > tree->last.mv_size;
    }
  if (order < 0 || (order == 0 && !tree->last_parts))
    return false;
  tree->last = *key;
  tree->last_parts = parts;
  return true;
}

static bool
check_leaf_node (TreeWalk *tree, Node *node)
{
  uint16_t flags = node->head.flags;

  if (node->key.mv_size == 0 || (tree->kind == KIND_FREE && node->key.mv_size != sizeof (size_t))
      || !ascends (tree, &node->key, false))
    return false;
  if (flags != 0 && flags != ON_OVERFLOW && (flags != IS_TREE || tree->kind != KIND_TOP))
    return false;
  if (flags == ON_OVERFLOW && !enter_run (tree, node))
    return false;
  tree->found.entries++;
  return check_value (tree, node);
}

/* ---- trees ------------------------------------------------------------------------------------------------------ */

static bool walk_page (TreeWalk *tree, size_t number, unsigned level);

static bool
check_branch_node (TreeWalk *tree, const Node *node, size_t i, unsigned level)
{
  size_t child = node->head.low | (size_t)node->head.high << 16;

  if (sizeof child > 4)
    child |= (size_t)((uint64_t)node->head.flags << 32);
  /* The first key of a branch page means nothing. */
  if (i > 0 && (node->key.mv_size == 0 || !ascends (tree, &node->key, true)))
    return false;
  return walk_page (tree, child, level + 1);
}

/* Checks that the nodes of a page fill its used part, each its own. Returns: how many they are; 0: none, or bad. */
static size_t
check_layout (TreeWalk *tree, const uint8_t *bytes, const PageHead *head)
{
  Walk *walk = tree->walk;
  size_t count, used = 0;

  if (head->lower < sizeof *head || head->lower % 2 != 0 || head->lower > head->upper || head->upper > walk->page_size)
    return 0;
  count = (head->lower - sizeof *head) / sizeof (uint16_t);
  memset (walk->covered, 0, walk->page_size / 2);
  for (size_t i = 0; i < count; i++)
    {
      Node node;

      if (!read_node (tree, bytes, head, i, &node) || !cover (walk, &node))
        return 0;
      used += node_size (&node);
    }
  return used == walk->page_size - head->upper ? count : 0;
}

static bool
walk_page (TreeWalk *tree, size_t number, unsigned level)
{
  Walk *walk = tree->walk;
  bool leaf = level + 1 == tree->want.depth;
  size_t count;
  PageHead head;
  const uint8_t *bytes = level < tree->want.depth ? enter_page (walk, number, &head) : NULL;

  if (bytes == NULL || head.flags != (leaf ? LEAF : BRANCH))
    return false;
  count = check_layout (tree, bytes, &head);
  if (count < (leaf || tree->kind == KIND_FREE ? 1 : 2))
    return false;
  tree->found.leaves += leaf;
  tree->found.branches += !leaf;
  for (size_t i = 0; i < count; i++)
    {
      Node node;

      if (!read_node (tree, bytes, &head, i, &node))
        return false;
      if (leaf ? !check_leaf_node (tree, &node) : !check_branch_node (tree, &node, i, level))
        return false;
    }
  return true;
}

static bool
walk_tree (Walk *walk, const Tree *want, Kind kind)
{
  TreeWalk tree = { .walk = walk, .kind = kind, .want = *want };

  if (want->flags != (kind == KIND_FREE ? INTEGER_KEYS : 0) || want->depth > DEPTH_MAX)
    return false;
  if (want->root != NO_PAGE && !walk_page (&tree, want->root, 0))
    return false;
  if (want->root == NO_PAGE && want->depth != 0)
    return false;
  return tree.found.branches == want->branches && tree.found.leaves == want->leaves
         && tree.found.overflows == want->overflows && tree.found.entries == want->entries;
}

static bool
walk_trees (Walk *walk)
{
  if (!walk_tree (walk, &walk->meta.trees[0], KIND_FREE) || !walk_tree (walk, &walk->meta.trees[1], KIND_TOP))
    return false;
  if (walk->meta.trees[1].entries == 0)
    return true;
  for (DiskDb db = 0; db < DISK_DBS; db++)
    if (!walk->has_named[db] || !walk_tree (walk, &walk->named[db], (Kind)(KIND_NAMED + db)))
      return false;
  return walk->has_meta;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

/* Commits take the two pages by turns. */
static bool
read_meta (const uint8_t *map, size_t page_size, size_t page, Meta *meta)
{
  PageHead head;

  memcpy (&head, map + page * page_size, sizeof head);
  memcpy (meta, map + page * page_size + sizeof head, sizeof *meta);
  return head.flags == META_PAGE && head.number == page && meta->magic == MAGIC && meta->version == DATA_VERSION
         && (meta->txn == 0 || meta->txn % META_PAGES == page);
}

/* Both must be sound, as LMDB chooses by number. Returns: 0 or the size of a page. */
static size_t
read_page_size (const uint8_t *map, size_t size)
{
  Meta metas[META_PAGES];
  size_t page_size;

  if (size < META_PAGES * PAGE_SIZE_MIN || !read_meta (map, 0, 0, &metas[0]))
    return 0;
  page_size = metas[0].trees[0].pad;
  if (page_size < PAGE_SIZE_MIN || page_size > PAGE_SIZE_MAX || (page_size & (page_size - 1)) != 0
      || size < META_PAGES * page_size)
    return 0;
  return read_meta (map, page_size, 1, &metas[1]) && metas[1].trees[0].pad == page_size ? page_size : 0;
}

/* Copies what the first pages say of commit @txn. Returns: false when another mount has committed twice since. */
static bool
read_snapshot (const uint8_t *map, size_t page_size, size_t txn, Meta *meta)
{
  Meta again;
  size_t page = txn % META_PAGES;

  return read_meta (map, page_size, page, meta) && meta->txn == txn && read_meta (map, page_size, page, &again)
         && memcmp (&again, meta, sizeof again) == 0;
}

static bool
walk_snapshot (Walk *walk)
{
  bool sound;

  /* Pages at the end may never have been written, when they are free. */
  if (walk->meta.last_page < META_PAGES - 1 || walk->meta.last_page > SIZE_MAX / walk->page_size / 2)
    return false;
  walk->seen = g_try_malloc0 (walk->meta.last_page / 8 + 1);
  walk->covered = g_malloc (walk->page_size);
  sound = walk->seen != NULL && walk_trees (walk)
          && walk->meta.last_page - (META_PAGES - 1) - walk->marked <= LOST_MAX + walk->meta.last_page / LOST_PART;
  g_free (walk->covered);
  g_free (walk->seen);
  return sound;
}

/* Returns: the whole file, to munmap() with @size, or NULL. */
static const uint8_t *
map_file (int fd, size_t *size)
{
  struct stat status;
  void *map;

  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode) || status.st_size <= 0)
    return NULL;
  *size = (size_t)status.st_size;
  map = mmap (NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
  return map != MAP_FAILED ? map : NULL;
}

/* A transaction is held, and so no page of what @meta leads to is written meanwhile. */
static bool
walk_file (int fd, size_t page_size, const Meta *meta)
{
  size_t size;
  Walk walk = { .map = map_file (fd, &size), .page_size = page_size, .meta = *meta };
  bool sound;

  if (walk.map == NULL)
    return false;
  walk.file_pages = size / page_size;
  sound = walk_snapshot (&walk);
  munmap ((void *)walk.map, size);
  return sound;
}

/* Other mounts may commit in between: then a later commit is tried. @first: the file's first pages. */
static bool
walk_held (int fd, const uint8_t *first, size_t page_size, MDB_env *env)
{
  bool held = false, sound = false;

  for (unsigned tries = 0; tries < TRIES && !held; tries++)
    {
      MDB_txn *txn;
      Meta meta;

      if (mdb_txn_begin (env, NULL, MDB_RDONLY, &txn) != 0)
        return false;
      held = read_snapshot (first, page_size, mdb_txn_id (txn), &meta);
      sound = held && walk_file (fd, page_size, &meta);
      mdb_txn_abort (txn);
    }
  return sound;
}

static bool
check_file (int fd, const char *folder)
{
  size_t size, page_size;
  const uint8_t *first = map_file (fd, &size);
  bool sound = false;
  MDB_env *env;

  if (first == NULL)
    return false;
  page_size = read_page_size (first, size);
  if (page_size != 0 && mdb_env_create (&env) == 0)
    {
      if (mdb_env_open (env, folder, MDB_RDONLY | MDB_NOTLS, 0600) == 0)
        sound = walk_held (fd, first, page_size, env);
      mdb_env_close (env);
    }
  munmap ((void *)first, size);
  return sound;
}

bool
disk_check (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "data.mdb", NULL);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  bool sound;

  if (fd < 0)
    return access (path, F_OK) != 0;
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode) && status.st_size == 0)
    sound = true; /* a mount was killed before it wrote anything */
  else
    sound = check_file (fd, folder);
  close (fd);
  return sound;
}
