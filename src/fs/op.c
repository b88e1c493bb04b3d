/* Requests that wait without a thread.
 *
 *   an op is        leaves when
 *   running         the step has answered               -> gone
 *                   the step waits and has been rung    -> running
 *                   the step waits                      -> parked
 *   parked          its ring                            -> running, on the ringing thread
 *                   cancelled, and the store agrees     -> gone, EINTR
 *
 * Exactly one thread runs an op. libfuse calls interrupted() with its own locks held, so that only hands the op to the
 * cancelling thread. The request's lock in libfuse comes before ours. */
#include "fs/op.h"

#include "base/behalf.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/workers.h"
#include "fs/admit.h"
#include "fs/fs.h"
#include "fs/reply.h"

struct Ops
{
  pthread_mutex_t lock; /* guards all below, and the ops' flags */
  pthread_cond_t fewer; /* an op left the list */
  GQueue waited;        /* ops that have parked at least once and have not ended */
  bool stopping;
  Workers *cancel; /* one thread */
};

static void
op_unref (Op *op)
{
  if (atomic_fetch_sub (&op->refs, 1) != 1)
    return;
  store_wait_clear (&op->wait);
  g_clear_pointer (&op->counted, g_ptr_array_unref);
  g_clear_pointer (&op->text, g_bytes_unref);
  g_free (op->buffer);
  g_free (op->name);
  g_free (op->new_name);
  g_free (op->target);
  g_free (op);
}

static bool
is_in_directory (const Op *op)
{
  return S_ISDIR (node_key (op->node)->kind->type);
}

/* The request has been answered. */
static void
op_end (Op *op)
{
  if (op->listed && op->dir != 0)
    invalidate_let_go (op->fs->invalidate, op->dir);
  if (op->listed)
    {
      LOCKED (&op->ops->lock);
      g_queue_unlink (&op->ops->waited, &op->link);
      pthread_cond_signal (&op->ops->fewer);
    }
  op_unref (op);
}

static void
cancel (void *data)
{
  Op *op = data;
  bool parked;

  {
    LOCKED (&op->ops->lock);
    parked = op->parked;
  }
  if (parked && op->give_up != NULL)
    op->give_up (op);
  else if (parked && store_wait_cancel (op->ask.store, &op->wait))
    {
      g_autoptr (GError) error = g_error_new (ZOHO_ERROR, ZOHO_ERROR_CANCELLED, "Interrupted while waiting for Zoho.");

      {
        LOCKED (&op->ops->lock);
        parked = op->parked;
        op->parked = false;
        /* It was rung and waits anew, and we have just silenced that: let it find out. */
        if (!parked)
          op->rung = true;
      }
      if (parked)
        {
          reply_failure (op, error);
          op_end (op);
        }
    }
  op_unref (op);
}

/* Lock held. */
static void
push_cancel (Op *op)
{
  atomic_fetch_add (&op->refs, 1);
  workers_push (op->ops->cancel, cancel, op);
}

static void
interrupted (fuse_req_t req, void *data)
{
  Op *op = data;

  LOCKED (&op->ops->lock);
  op->cancelled = true;
  if (op->parked)
    push_cancel (op);
}

/* From now on an interrupt or a stop finds it. */
static void
list (Op *op)
{
  op->listed = true;
  if (is_in_directory (op))
    {
      op->dir = node_id (op->fs->nodes, op->node);
      invalidate_hold (op->fs->invalidate, op->dir);
    }
  {
    LOCKED (&op->ops->lock);
    op->link.data = op;
    g_queue_push_tail_link (&op->ops->waited, &op->link);
    op->cancelled = op->ops->stopping && op->give_up == NULL;
  }
  fuse_req_interrupt_func (op->req, interrupted, op);
}

/* The step waits. Returns: true when it has been rung already; else the op is no longer ours. */
static bool
rung_or_parked (Op *op)
{
  if (!op->listed)
    list (op);
  LOCKED (&op->ops->lock);
  if (op->rung)
    {
      op->rung = false;
      return true;
    }
  op->parked = true;
  if (op->cancelled)
    push_cancel (op);
  return false;
}

Ops *
ops_new (void)
{
  Ops *ops = g_new0 (Ops, 1);

  pthread_mutex_init (&ops->lock, NULL);
  pthread_cond_init (&ops->fewer, NULL);
  g_queue_init (&ops->waited);
  ops->cancel = workers_new ("cancel", 1);
  return ops;
}

void
ops_free (Ops *ops)
{
  if (ops == NULL)
    return;
  workers_free (ops->cancel);
  g_assert (g_queue_is_empty (&ops->waited));
  pthread_cond_destroy (&ops->fewer);
  pthread_mutex_destroy (&ops->lock);
  g_free (ops);
}

void
ops_stop (Ops *ops)
{
  LOCKED (&ops->lock);

  ops->stopping = true;
  for (GList *link = ops->waited.head; link != NULL; link = link->next)
    {
      Op *op = link->data;

      /* Saves end by themselves, and are let. */
      if (op->give_up != NULL)
        continue;
      op->cancelled = true;
      if (op->parked)
        push_cancel (op);
    }
  while (!g_queue_is_empty (&ops->waited))
    pthread_cond_wait (&ops->fewer, &ops->lock);
}

Op *
op_new (Fs *fs, fuse_req_t req, const char *verb, Node *node, OpStep step, ClientPriority priority)
{
  Op *op = g_new0 (Op, 1);

  op->fs = fs;
  op->ops = fs->ops;
  op->req = req;
  op->thread = fuse_req_ctx (req)->pid;
  op->verb = verb;
  op->node = node;
  op->step = step;
  op->wait = STORE_WAIT_INIT (op_ring, op, priority);
  op->ask = (Ask){ .store = fs->store,
                    .wait = &op->wait,
                    .config = &fs->config,
                    .mounted_s = fs->mounted_s,
                    .draft_names = fs->draft_names,
                    .desks = fs->desks,
                    .who = { .uid = fuse_req_ctx (req)->uid, .gid = fuse_req_ctx (req)->gid } };
  atomic_init (&op->refs, 1);
  return op;
}

static bool
is_walker (void *data)
{
  Op *op = data;

  return walkers_has (op->fs->config.walkers, op_program (op));
}

Op *
op_new_look (Fs *fs, fuse_req_t req, const char *verb, Node *node, OpStep step, ClientPriority priority)
{
  Op *op = op_new (fs, req, verb, node, step, priority);

  if (walkers_any (fs->config.walkers))
    op->wait.cached_only = is_walker;
  return op;
}

const char *
op_program (Op *op)
{
  /* Read when it matters, since it takes as long as a whole request that is answered from the cache. */
  if (op->program[0] == '\0')
    who_program_of (op->thread, op->program);
  return op->program;
}

static void
program_of (void *data, char name[BEHALF_PROGRAM_SIZE])
{
  g_strlcpy (name, op_program (data), BEHALF_PROGRAM_SIZE);
}

/* What it sends is charged to the program that asks. */
static StoreState
take_step (Op *op, GError **error)
{
  const Behalf behalf = { program_of, op };
  const Behalf *before = behalf_set (&behalf);
  StoreState state = op->step (op, error);

  behalf_set (before);
  return state;
}

static void
go (Op *op)
{
  StoreState state;

  do
    {
      g_autoptr (GError) error = NULL;

      state = take_step (op, &error);
      if (state == STORE_FAILED)
        reply_failure (op, error);
      if (state != STORE_WAITING)
        {
          op_end (op);
          return;
        }
    }
  while (rung_or_parked (op));
}

fuse_req_t
op_request (Op *op)
{
  /* Waits for an interrupted() that runs now. */
  if (op->listed)
    fuse_req_interrupt_func (op->req, NULL, NULL);
  return op->req;
}

/* Returns: false when the user may not, and the request is answered. */
static bool
admit (Op *op)
{
  int refusal = admit_refusal (op->fs, op->ask.who.uid, node_key (op->node), op->need);

  if (refusal == 0)
    return true;
  fuse_reply_err (op->req, refusal);
  op_end (op);
  return false;
}

void
op_run (Op *op)
{
  if (admit (op))
    go (op);
}

void
op_ring (void *data)
{
  Op *op = data;
  bool parked;

  {
    LOCKED (&op->ops->lock);
    parked = op->parked;
    op->parked = false;
    op->rung = !parked;
  }
  if (parked)
    go (op);
}
