/* A request of the kernel that may have to wait, without a thread that waits with it.
 *
 * An Op is a request and a step. op_run() calls the step; when the step says STORE_WAITING the op parks until its ring,
 * which runs the step again on whatever thread rings. Interrupts and ops_stop() end a parked op with EINTR. */
#pragma once

#include "fs/desk.h"
#include "fs/handle.h"

#include <fuse_lowlevel.h>
#include <stdatomic.h>

typedef struct Op Op;
typedef struct Ops Ops;

/* READY: the step has answered through op_request(). FAILED: @error is set, and the op answers it. WAITING: the op's
 * ring comes, or has come; the step may have kept what it found so far in the op. */
typedef StoreState (*OpStep) (Op *op, GError **error);

struct Op
{
  Fs *fs;
  Ask ask;
  Node *node;       /* the node the request names, held by the kernel */
  const char *verb; /* for logs */
  AccessNeed need;  /* of the user, by the rules that the node comes under */
  /* Arguments and findings of the steps. */
  char *name;
  struct fuse_file_info fi;
  size_t size;
  uint64_t index;
  bool plus;
  bool asked;         /* read: the kernel has been made to ask for the size */
  char *buffer;       /* readdir: what goes out, @used of @size bytes */
  size_t used;
  GPtrArray *counted; /* readdirplus: Node * with a lookup in @buffer */
  Handle *handle;     /* open: waits for the kernel to drop the old version */
  GBytes *text;       /* read without an open: waits for the kernel to know the new size; lookup: to be kept; writing:
                       * what the record is without what is written */
  /* What programs write (ops_write.c, ops_names.c). */
  Desk *desk;
  EditEvent event;
  DeskCall call;
  bool fed;
  char *new_name;
  char *target;      /* symlink */
  uint64_t ids[2];   /* of the names, as far as they are resolved */
  unsigned resolved;
  struct stat attr;  /* setattr */
  int to_set;        /* the same, or the flags of a rename */
  void *state;       /* ops_stream.c: of a file that is not open yet */
  NodeKey made;      /* create: what the directory has made */
  /* Called by the thread that cancels, when the op is parked: it is rung then. NULL: it waits for the store, or for
   * something that cannot be given up. */
  void (*give_up) (Op *op);
  /* op.c's own. */
  Ops *ops;
  OpStep step;
  fuse_req_t req;
  pid_t thread; /* that asks */
  char program[WHO_PROGRAM_SIZE]; /* of its process; "" until somebody wants to know */
  StoreWait wait;
  GList link;
  atomic_uint refs;
  bool listed;    /* has waited; its own thread's */
  uint64_t dir;   /* then: the nodeid of the directory whose notices wait for it, or 0 */
  bool parked;    /* nobody runs it. This and the next two: the lock's */
  bool rung;      /* the ring came while it ran */
  bool cancelled; /* end it when it parks */
};

Ops *ops_new (void);
/* No op may be left. */
void ops_free (Ops *ops);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Ops, ops_free)

/* Ends what is parked, and from now on whatever parks, with EINTR. Returns once nothing is left. */
void ops_stop (Ops *ops);

/* Takes @req over: op_run() answers it, now or later, and at once when the user may not. Fields for the step are set
 * in between. */
Op *op_new (Fs *fs, fuse_req_t req, const char *verb, Node *node, OpStep step, ClientPriority priority);
/* The same for what only looks: who is a walker is answered with what is known. */
Op *op_new_look (Fs *fs, fuse_req_t req, const char *verb, Node *node, OpStep step, ClientPriority priority);
void op_run (Op *op);

/* The program that asks, for the life of the op. */
const char *op_program (Op *op);

/* The request to answer, which must be done next: no interrupt comes for it any more. */
fuse_req_t op_request (Op *op);

/* The op's ring, for waits other than the store's. @op is an Op. */
void op_ring (void *op);
