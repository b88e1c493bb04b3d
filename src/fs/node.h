/* What the tree is made of: a node is something the kernel knows by a nodeid, a kind is how all nodes of one sort
 * answer. ops.c asks kinds and replies; it knows none of them by name. */
#pragma once

#include "fs/draft_names.h"
#include "fs/loop.h"
#include "fs/who.h"
#include "model/found.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct NodeKind NodeKind;
typedef struct Desks Desks;

/* What a node is, whatever name it was found by. Equal keys are one node. */
typedef struct
{
  const NodeKind *kind;
  StoreModule *module; /* NULL where the kind has none */
  uint64_t id;         /* the record's id, or the kind's own number */
} NodeKey;

/* What a kind may use to answer: it never blocks, and gives STORE_WAITING when the store does. */
typedef struct
{
  Store *store;
  StoreWait *wait;
  const FsConfig *config;
  int64_t mounted_s; /* when the mount was made; the mtime of what has none */
  bool fresh;        /* attributes, too, are not to be older than the TTL */
  DraftNames *draft_names;
  Desks *desks; /* NULL: the mount is read-only */
  /* Who asks; for what only looks the user is known, and the process is not. */
  Who who;
} Ask;

typedef struct
{
  mode_t mode;
  int64_t size;     /* bytes */
  int64_t mtime;    /* seconds since 1970 */
  uint64_t version; /* of the bytes that size belongs to; 0: they have none */
  bool volatile_size; /* another one at the next look, so the kernel must not keep it */
  bool has_stat;      /* what programs write: as @stat says, but for the inode number */
  struct stat stat;
} Attr;

typedef struct
{
  GBytes *text;     /* NULL: it comes by NodeKind.text when it is read */
  uint64_t version; /* equal versions are equal bytes */
  bool own;         /* this open alone sees this text: neither shared nor cached by the kernel */
} Opened;

/* What one opendir sees. */
typedef struct
{
  StoreList *records; /* or NULL */
  GPtrArray *modules; /* StoreModule *, or NULL */
  GPtrArray *names;   /* char *, or NULL */
  Found *found;       /* or NULL */
  mode_t record_mode; /* of all in @records */
  GPtrArray *locals;  /* DeskName *: files that are here alone; or NULL */
  uint64_t version;   /* equal versions are equal contents */
} Listing;

typedef struct
{
  NodeKey key;   /* kind NULL: nothing at this index */
  char *name;    /* the entry's own */
  bool has_attr; /* else only the name is known yet */
  Attr attr;
} Entry;

static inline void
entry_clear (Entry *entry)
{
  g_clear_pointer (&entry->name, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Entry, entry_clear)

/* A file that is talked to: each open has a state of its own, and nothing of it is kept by the kernel. Each may wait
 * and be asked again, with the same arguments; several threads may ask at once. NULL means that it cannot. */
typedef struct
{
  /* @flags: of open(2). Sets @state, which may stay NULL. */
  StoreState (*open) (const Ask *ask, const NodeKey *node, int flags, void **state, GError **error);
  /* At most @size bytes from @offset on; 0 at the end. */
  StoreState (*read) (const Ask *ask, void *state, char *bytes, size_t size, uint64_t offset, size_t *got,
                      GError **error);
  /* All of it or, with an error, nothing. */
  StoreState (*write) (const Ask *ask, void *state, const char *bytes, size_t size, uint64_t offset, GError **error);
  /* ftruncate(2) through that open; truncate(2) opens and closes. */
  StoreState (*truncate) (const Ask *ask, void *state, uint64_t size, GError **error);
  /* A close(2) of one of its descriptors; fsync(2) too. */
  StoreState (*flush) (const Ask *ask, void *state, GError **error);
  /* Once, at the last close. Must not wait. */
  void (*release) (void *state);
  bool seekable; /* reads may come in any order */
  bool asks;     /* what is written is a question: who may look may write */
} Stream;

/* NULL means the kind cannot. Each may be asked again after STORE_WAITING. */
struct NodeKind
{
  unsigned number; /* part of st_ino: never changes, never reused */
  mode_t type;     /* S_IFDIR, S_IFREG or S_IFLNK */
  /* For the rules of access (admit.h); both cost no call and may be NULL. The name of a second module of which it shows
   * something, or NULL; borrowed. */
  const char *(*also) (const Ask *ask, const NodeKey *node);
  /* Does it tell of records of any module? */
  bool (*of_all) (const Ask *ask, const NodeKey *node);
  bool told;       /* once its directory has been listed, we are told of each change; fs_record_changed() and the like */
  StoreState (*attr) (const Ask *ask, const NodeKey *node, Attr *attr, GError **error);
  /* @found->kind stays NULL when no such name can be, which is known without asking. That the node exists is for its
   * own attr to say. */
  StoreState (*lookup) (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error);
  StoreState (*open) (const Ask *ask, const NodeKey *node, Opened *opened, GError **error);
  /* The text of a version that open has named, at once; NULL: it is not here any more. */
  GBytes *(*text) (const NodeKey *node, uint64_t version);
  /* What open does, and always with the text. NULL: open does it. */
  StoreState (*open_whole) (const Ask *ask, const NodeKey *node, Opened *opened, GError **error);
  /* Without opens: the text as it is known, at once and for nothing; NULL: ask open_whole. */
  GBytes *(*peek) (const NodeKey *node);
  /* What grows while it is open is read as it is now, and not from Opened.text, which is its own and may be empty.
   * At most @size bytes from @offset on; none at the end. To g_bytes_unref(), never NULL. */
  GBytes *(*read) (const FsConfig *config, const NodeKey *node, uint64_t offset, size_t size);
  const Stream *stream;
  /* Of directories that are not desks: makes, links, moves within the directory, removes the entry @name. Asked again
   * after STORE_WAITING. A file that was made is opened by its kind's stream. */
  StoreState (*create) (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *made, GError **error);
  StoreState (*symlink) (const Ask *ask, const NodeKey *dir, const char *name, const char *target, NodeKey *made,
                         GError **error);
  StoreState (*rename) (const Ask *ask, const NodeKey *dir, const char *name, const char *new_name, unsigned flags,
                        GError **error);
  StoreState (*unlink) (const Ask *ask, const NodeKey *dir, const char *name, GError **error);
  StoreState (*target) (const Ask *ask, const NodeKey *node, char **target, GError **error);
  StoreState (*list) (const Ask *ask, const NodeKey *dir, Listing *listing, GError **error);
  /* The entry at @index, 0 up, without "." and "..". */
  StoreState (*entry) (const Ask *ask, const NodeKey *dir, const Listing *listing, size_t index, bool want_attr,
                       Entry *entry, bool *at_end, GError **error);
};
