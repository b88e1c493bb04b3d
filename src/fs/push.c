/* Who reads a directory through, in what order, and the pushing.
 *
 * The order is measured, not assumed: fts (grep -r, find, cp -r) goes by inode number in large directories and as
 * listed in small ones, tar as listed, rsync and the shell's `*` by name. A few READs that lie close together in one
 * of the three orders make a run of it; the files that follow are pushed, twice as far each time the reader gets to
 * the end of what it was given. So there is one READ for every PUSH_WINDOW_MAX files, and nothing is pushed while
 * the kernel has the pages.
 *
 * Never the wrong bytes: a text is pushed only as the version of the attributes that the kernel has, and by the
 * thread that drops pages, so a drop comes either before, and then the versions differ, or after. invalidate_give()
 * says what remains. */
#include "fs/push.h"

#include "base/lock.h"
#include "fs/kinds/kinds.h"

#include <string.h>

#define NEAR 8               /* reads of one run lie within this many places: readers side by side, files known before */
#define BATCH 32             /* files between two looks at other notices */
#define TEXT_MAX (256 * 1024)
#define MISSES 64            /* remembered for the notify thread; more are not needed to see an order */
#define NAMES_MAX (1u << 18) /* sorting more names would take longer than it saves */
#define PATIENCE_MIN 64      /* misses in no order before the orders are made anew */

typedef enum
{
  BY_LISTING,
  BY_INODE,
  BY_NAME,
  ORDERS
} OrderKind;

typedef struct
{
  uint32_t *at;    /* position -> index in the listing; NULL: the same */
  uint32_t *where; /* and back */
  bool made;
  PushRun run;
} Order;

typedef struct
{
  StoreModule *module;
  GArray *ids; /* uint64_t, as listed; 0: not seen. Guarded by the lock */
  bool changed; /* since the orders were made. The lock's */
  /* The notify thread's own. */
  uint64_t *known; /* the ids that the orders are of */
  size_t size;
  Order orders[ORDERS];
  size_t lost;     /* misses in no run since the orders were made */
  size_t patience; /* how many of them until they are made anew */
} Dir;

typedef struct
{
  Dir *dir;
  uint64_t id;
} Miss;

struct Push
{
  Nodes *nodes;
  Invalidate *invalidate;
  atomic_ullong *pushed;
  pthread_mutex_t lock; /* guards all below */
  GHashTable *dirs;     /* StoreModule -> Dir */
  Miss misses[MISSES];
  unsigned missed;      /* how many of them */
  bool queued;          /* the notify thread will come */
  bool stopping;
};

/* ---- when and how far ------------------------------------------------------------------------------------------- */

static void
go_on (PushRun *run, size_t position, size_t size)
{
  run->next = position + 1;
  run->end = MIN (MAX (run->end, run->next + run->window), size);
}

/* Do the latest reads lie close together, going forward? */
static bool
is_evidence (const PushRun *run)
{
  size_t low = run->recent[0], high = run->recent[0];

  if (run->seen < PUSH_EVIDENCE || run->recent[0] <= run->recent[PUSH_EVIDENCE - 1])
    return false;
  for (int i = 1; i < PUSH_EVIDENCE; i++)
    {
      low = MIN (low, run->recent[i]);
      high = MAX (high, run->recent[i]);
    }
  return high - low <= NEAR;
}

static void
remember (PushRun *run, size_t position)
{
  memmove (run->recent + 1, run->recent, (PUSH_EVIDENCE - 1) * sizeof run->recent[0]);
  run->recent[0] = position;
  run->seen = MIN (run->seen + 1, PUSH_EVIDENCE);
}

bool
push_run_read (PushRun *run, size_t position, size_t size)
{
  if (run->running && position >= run->end && position - run->end <= NEAR)
    {
      run->window = MIN (run->window * 2, PUSH_WINDOW_MAX);
      run->lead = 0;
      go_on (run, position, size);
      return true;
    }
  if (run->running && position >= run->next && position < run->end)
    {
      /* It is faster than we are: leave it some files, so that we meet it where it is by then. */
      run->lead = MIN (2 * run->lead + 1, PUSH_LEAD_MAX);
      run->next = MIN (position + 1 + run->lead, size);
      run->end = MIN (MAX (run->end, run->next + run->window), size);
      return true;
    }
  if (run->running && position < run->next && run->next - position <= 2 * PUSH_WINDOW_MAX)
    return true;
  remember (run, position);
  run->running = is_evidence (run);
  if (!run->running)
    return false;
  run->window = PUSH_WINDOW_MIN;
  run->lead = 0;
  run->end = 0;
  go_on (run, MAX (position, run->recent[1]), size);
  return true;
}

/* ---- orders ----------------------------------------------------------------------------------------------------- */

static NodeKey
key_at (const Dir *dir, size_t index)
{
  return (NodeKey){ &record_kind, dir->module, dir->known[index] };
}

static void
order_clear (Order *order)
{
  g_clear_pointer (&order->at, g_free);
  g_clear_pointer (&order->where, g_free);
  *order = (Order){ 0 };
}

static int
compare_inodes (const void *a, const void *b)
{
  const uint64_t *x = a, *y = b;

  return (x[0] > y[0]) - (x[0] < y[0]);
}

/* By inode number, which also finds a file's index. */
static void
make_inodes (Dir *dir)
{
  Order *order = &dir->orders[BY_INODE];
  g_autofree uint64_t *pairs = g_new (uint64_t, 2 * dir->size + 1);

  for (size_t i = 0; i < dir->size; i++)
    {
      const NodeKey key = key_at (dir, i);

      pairs[2 * i] = node_ino (&key);
      pairs[2 * i + 1] = i;
    }
  qsort (pairs, dir->size, 2 * sizeof pairs[0], compare_inodes);
  order->at = g_new (uint32_t, dir->size + 1);
  for (size_t i = 0; i < dir->size; i++)
    order->at[i] = (uint32_t)pairs[2 * i + 1];
  order->made = true;
}

typedef struct
{
  char *name;
  uint32_t index;
} Name;

static int
compare_names (const void *a, const void *b)
{
  const Name *x = a, *y = b;

  return strcmp (x->name, y->name);
}

static void
make_names (Dir *dir)
{
  Order *order = &dir->orders[BY_NAME];
  g_autofree Name *names = NULL;

  if (dir->size > NAMES_MAX)
    return;
  names = g_new (Name, dir->size + 1);
  for (size_t i = 0; i < dir->size; i++)
    names[i] = (Name){ store_record_name (dir->module, dir->known[i]), (uint32_t)i };
  qsort (names, dir->size, sizeof names[0], compare_names);
  order->at = g_new (uint32_t, dir->size + 1);
  order->where = g_new (uint32_t, dir->size + 1);
  for (size_t i = 0; i < dir->size; i++)
    {
      order->at[i] = names[i].index;
      order->where[names[i].index] = (uint32_t)i;
      g_free (names[i].name);
    }
  order->made = true;
}

/* Takes the listing as it is now. Lock not held. */
static void
make_orders (Push *push, Dir *dir)
{
  for (int i = 0; i < ORDERS; i++)
    order_clear (&dir->orders[i]);
  g_free (dir->known);
  {
    LOCKED (&push->lock);
    dir->size = MIN (dir->ids->len, UINT32_MAX);
    dir->known = g_memdup2 (dir->ids->data, dir->size * sizeof (uint64_t));
    dir->changed = false;
  }
  dir->orders[BY_LISTING].made = true;
  make_inodes (dir);
  dir->lost = 0;
  dir->patience = MAX (PATIENCE_MIN, dir->size / 16);
}

/* Where @id stands by inode number. */
static bool
find_inode (const Dir *dir, uint64_t id, size_t *position)
{
  const Order *order = &dir->orders[BY_INODE];
  const NodeKey key = { &record_kind, dir->module, id };
  uint64_t ino = node_ino (&key);
  size_t low = 0, high = dir->size;

  while (low < high)
    {
      size_t middle = low + (high - low) / 2;
      const NodeKey there = key_at (dir, order->at[middle]);

      if (node_ino (&there) < ino)
        low = middle + 1;
      else
        high = middle;
    }
  *position = low;
  return low < dir->size && dir->known[order->at[low]] == id;
}

/* ---- the notify thread ------------------------------------------------------------------------------------------ */

static PushRun *
running (Dir *dir)
{
  for (int i = 0; i < ORDERS; i++)
    if (dir->orders[i].made && dir->orders[i].run.running)
      return &dir->orders[i].run;
  return NULL;
}

/* Returns: whether the read fits a run. One that goes on is asked first, and a new one ends the others. */
static bool
try_orders (Dir *dir, const size_t *positions, bool only_running)
{
  for (int i = 0; i < ORDERS; i++)
    {
      Order *order = &dir->orders[i];

      if (!order->made || (only_running && !order->run.running) || !push_run_read (&order->run, positions[i], dir->size))
        continue;
      for (int other = 0; other < ORDERS; other++)
        if (other != i)
          dir->orders[other].run.running = false;
      return true;
    }
  return false;
}

static void
take_miss (Push *push, Dir *dir, uint64_t id)
{
  size_t positions[ORDERS] = { 0 };
  PushRun *run;
  bool known;

  if (dir->known == NULL)
    {
      /* Most who read a file read no other. */
      if (++dir->lost < PUSH_EVIDENCE)
        return;
      make_orders (push, dir);
    }
  known = find_inode (dir, id, &positions[BY_INODE]);
  if (known)
    {
      positions[BY_LISTING] = dir->orders[BY_INODE].at[positions[BY_INODE]];
      if (dir->orders[BY_NAME].made)
        positions[BY_NAME] = dir->orders[BY_NAME].where[positions[BY_LISTING]];
    }
  run = running (dir);
  if (known && run != NULL && try_orders (dir, positions, true))
    return;
  if (known && try_orders (dir, positions, false))
    return;
  dir->lost++;
  if (dir->lost == 2 * PUSH_EVIDENCE && !dir->orders[BY_NAME].made)
    make_names (dir);
  if (dir->lost < dir->patience)
    return;
  {
    LOCKED (&push->lock);
    if (!dir->changed)
      return;
  }
  make_orders (push, dir);
}

static void
give (Push *push, const Dir *dir, size_t index)
{
  const NodeKey key = key_at (dir, index);
  StoreEntry entry = { 0 };
  g_autoptr (GBytes) text = NULL;

  if (key.id == 0 || !nodes_has_seen (push->nodes, &key))
    return;
  text = store_peek (key.module, key.id, &entry);
  if (text != NULL && g_bytes_get_size (text) <= TEXT_MAX)
    atomic_fetch_add (push->pushed, invalidate_give (push->invalidate, &key, text, entry.version));
}

/* Returns: whether there is more to push in @dir. */
static bool
give_some (Push *push, Dir *dir)
{
  for (int i = 0; i < ORDERS; i++)
    {
      Order *order = &dir->orders[i];
      size_t end = MIN (order->run.next + BATCH, order->run.end);

      if (!order->made || !order->run.running)
        continue;
      for (; order->run.next < end; order->run.next++)
        give (push, dir, order->at != NULL ? order->at[order->run.next] : order->run.next);
      return order->run.next < order->run.end;
    }
  return false;
}

static void
work (void *data)
{
  Push *push = data;
  g_autoptr (GList) dirs = NULL;
  Miss misses[MISSES];
  unsigned missed;
  bool more = false;

  {
    LOCKED (&push->lock);
    missed = push->missed;
    memcpy (misses, push->misses, missed * sizeof misses[0]);
    push->missed = 0;
    dirs = g_hash_table_get_values (push->dirs);
  }
  for (unsigned i = 0; i < missed; i++)
    take_miss (push, misses[i].dir, misses[i].id);
  for (GList *link = dirs; link != NULL; link = link->next)
    more = give_some (push, link->data) || more;
  {
    LOCKED (&push->lock);
    push->queued = (more || push->missed > 0) && !push->stopping;
    if (!push->queued)
      return;
  }
  /* At the end of the queue, after all notices that have come meanwhile. */
  invalidate_run (push->invalidate, work, push);
}

/* ---- public ----------------------------------------------------------------------------------------------------- */

static void
dir_free (void *data)
{
  Dir *dir = data;

  for (int i = 0; i < ORDERS; i++)
    order_clear (&dir->orders[i]);
  g_array_unref (dir->ids);
  g_free (dir->known);
  g_free (dir);
}

Push *
push_new (Nodes *nodes, Invalidate *invalidate, atomic_ullong *pushed)
{
  Push *push = g_new0 (Push, 1);

  push->nodes = nodes;
  push->invalidate = invalidate;
  push->pushed = pushed;
  pthread_mutex_init (&push->lock, NULL);
  push->dirs = g_hash_table_new_full (NULL, NULL, NULL, dir_free);
  return push;
}

void
push_free (Push *push)
{
  if (push == NULL)
    return;
  g_hash_table_unref (push->dirs);
  pthread_mutex_destroy (&push->lock);
  g_free (push);
}

/* Lock held. */
static Dir *
dir_of (Push *push, StoreModule *module, bool make)
{
  Dir *dir = g_hash_table_lookup (push->dirs, module);

  if (dir != NULL || !make)
    return dir;
  dir = g_new0 (Dir, 1);
  dir->module = module;
  dir->ids = g_array_new (FALSE, TRUE, sizeof (uint64_t));
  g_hash_table_insert (push->dirs, module, dir);
  return dir;
}

void
push_listed (Push *push, StoreModule *module, size_t index, uint64_t id)
{
  LOCKED (&push->lock);
  Dir *dir = dir_of (push, module, true);

  if (index >= dir->ids->len)
    g_array_set_size (dir->ids, (guint)index + 1);
  if (g_array_index (dir->ids, uint64_t, index) == id)
    return;
  g_array_index (dir->ids, uint64_t, index) = id;
  dir->changed = true;
}

void
push_missed (Push *push, StoreModule *module, uint64_t id)
{
  bool queue;

  {
    LOCKED (&push->lock);
    Dir *dir = dir_of (push, module, false);

    if (dir == NULL || push->stopping || push->missed == MISSES)
      return;
    push->misses[push->missed++] = (Miss){ dir, id };
    queue = !push->queued;
    push->queued = true;
  }
  if (queue)
    invalidate_run (push->invalidate, work, push);
}

void
push_stop (Push *push)
{
  LOCKED (&push->lock);

  push->stopping = true;
}
