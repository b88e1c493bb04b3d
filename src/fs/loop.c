/* Mounts, serves with a few threads, unmounts. Our own loop, because libfuse's cannot be ended from another thread. */
#include "fs/loop.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "fs/fs.h"
#include "fs/kinds/kinds.h"
#include "fs/mountpoint.h"
#include "fs/ops.h"
#include "fs/session_io.h"
#include "model/notes.h"

#include <errno.h>
#include <fuse_log.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 8

/* Enough to keep the processors busy, and one for who waits for the disk: no thread ever waits for the network, and
 * more of them but take turns with cold caches. */
static int
threads (void)
{
  return CLAMP ((int)g_get_num_processors (), 2, THREADS_MAX - 1) + 1;
}

static const char *const count_names[COUNTS] = {
  "lookup", "forget", "getattr", "readlink", "open", "read", "release", "opendir", "readdir", "releasedir", "statfs",
  "other", "pushed",
};

typedef struct
{
  Fs *fs;
  pthread_t thread;
  struct fuse_buf buffer; /* here, since the thread may be cancelled while it reads */
  bool broken;            /* the kernel's end failed in an odd way */
} Server;

/* What libfuse says while we mount, for our error's words. */
static _Thread_local GString *mount_words;

static void
take_log (enum fuse_log_level level, const char *format, va_list args)
{
  g_autofree char *text = g_strdup_vprintf (format, args);

  if (mount_words != NULL)
    {
      g_string_append (mount_words, text);
      return;
    }
  g_strchomp (text);
  if (level <= FUSE_LOG_WARNING)
    g_warning ("%s", text);
  else
    g_debug ("%s", text);
}

/* ---- serving ---------------------------------------------------------------------------------------------------- */

static void
tell_ended (Fs *fs)
{
  LOCKED (&fs->lock);

  fs->ended = true;
  pthread_cond_signal (&fs->news);
}

static int
receive (Server *server)
{
  int got;

  pthread_setcancelstate (PTHREAD_CANCEL_ENABLE, NULL);
  got = fuse_session_receive_buf (server->fs->session, &server->buffer);
  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, NULL);
  return got;
}

static void *
serve (void *data)
{
  Server *server = data;
  struct fuse_session *session = server->fs->session;
  int got = -EINTR;

  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, NULL);
  while (!fuse_session_exited (session) && (got > 0 || got == -EINTR))
    {
      got = receive (server);
      if (got > 0)
        fuse_session_process_buf (session, &server->buffer);
    }
  server->broken = got < 0 && got != -EINTR;
  tell_ended (server->fs);
  return NULL;
}

static void
start (Fs *fs, Server *servers)
{
  for (int i = 0; i < threads (); i++)
    {
      servers[i].fs = fs;
      if (pthread_create (&servers[i].thread, NULL, serve, &servers[i]) != 0)
        g_error ("Cannot start a thread to serve the mount: too many threads, or no memory");
      pthread_setname_np (servers[i].thread, "serve");
    }
}

static void
wait_for_end (Fs *fs)
{
  LOCKED (&fs->lock);

  while (!fs->stopping && !fs->ended)
    pthread_cond_wait (&fs->news, &fs->lock);
}

/* Ends the threads. Returns: false when one of them met an odd failure. */
static bool
join (Fs *fs, Server *servers)
{
  bool sound = true;

  fuse_session_exit (fs->session);
  for (int i = 0; i < threads (); i++)
    pthread_cancel (servers[i].thread);
  for (int i = 0; i < threads (); i++)
    {
      pthread_join (servers[i].thread, NULL);
      free (servers[i].buffer.mem);
      sound = sound && !servers[i].broken;
    }
  return sound;
}

/* ---- mounting --------------------------------------------------------------------------------------------------- */

/* libfuse splits options at commas unless a backslash precedes them. */
static char *
option_text (const char *text)
{
  GString *out = g_string_new (NULL);

  for (; *text != '\0'; text++)
    {
      if (*text == ',' || *text == '\\')
        g_string_append_c (out, '\\');
      g_string_append_c (out, *text);
    }
  return g_string_free (out, FALSE);
}

static struct fuse_session *
new_session (Fs *fs)
{
  g_autofree char *profile = option_text (fs->config.profile);
  g_autofree char *options
      = g_strdup_printf ("-ofsname=zohofs#%s,subtype=zohofs,default_permissions%s%s%s", profile,
                         fs->config.options != NULL && *fs->config.options != '\0' ? "," : "",
                         fs->config.options != NULL ? fs->config.options : "", fs->config.trace ? ",debug" : "");
  char *argv[] = { "zohofs", options, NULL };
  struct fuse_args args = FUSE_ARGS_INIT (2, argv);
  struct fuse_session *session = fuse_session_new (&args, &ops_table, sizeof ops_table, fs);

  fuse_opt_free_args (&args);
  return session;
}

static bool
mount_session (Fs *fs, GError **error)
{
  g_autofree char *words = NULL;

  fs->session = new_session (fs);
  if (fs->session != NULL && fuse_session_mount (fs->session, fs->config.mountpoint) == 0
      && session_io_install (fs->session))
    return true;
  if (mount_words->len == 0)
    g_string_append (mount_words, "the kernel refused, or fusermount3 has said why above");
  words = g_strdelimit (g_strstrip (g_strdup (mount_words->str)), "\n", ' ');
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED, "Cannot mount at %s: %s.", fs->config.mountpoint, words);
  g_clear_pointer (&fs->session, fuse_session_destroy);
  return false;
}

static void
unmount (Fs *fs)
{
  if (fs->session == NULL)
    return;
  fuse_session_unmount (fs->session);
  /* A connection cut by the administrator leaves its mount behind. */
  mountpoint_clear (fs->config.mountpoint);
}

/* ---- public ----------------------------------------------------------------------------------------------------- */

Fs *
fs_new (const FsConfig *config)
{
  Fs *fs = g_new0 (Fs, 1);
  const NodeKey root = { &root_kind, NULL, 0 };

  fs->config = *config;
  fs->config.mountpoint = g_strdup (config->mountpoint);
  fs->config.profile = g_strdup (config->profile);
  fs->config.state = g_strdup (config->state);
  fs->config.options = g_strdup (config->options);
  fs->uid = getuid ();
  fs->gid = getgid ();
  pthread_mutex_init (&fs->lock, NULL);
  pthread_cond_init (&fs->news, NULL);
  fs->nodes = nodes_new (&root);
  fs->handles = handles_new (fs->nodes);
  fs->draft_names = draft_names_new ();
  fs->ops = ops_new ();
  fs->invalidate = invalidate_new (fs->nodes);
  fs->push = push_new (fs->nodes, fs->invalidate, &fs->counts[COUNT_PUSHED]);
  fs->delta = delta_new (fs->config.ttl_us);
  return fs;
}

bool
fs_mount (Fs *fs, Store *store, const FsWriting *writing, GError **error)
{
  bool mounted;

  if (!mountpoint_check (fs->config.mountpoint, error))
    return false;
  fs->store = store;
  fs->mounted_s = clock_wall_s ();
  if (writing != NULL)
    fs->desks = desks_new (fs, writing);
  fuse_set_log_func (take_log);
  mount_words = g_string_new (NULL);
  mounted = mount_session (fs, error);
  g_string_free (g_steal_pointer (&mount_words), TRUE);
  if (mounted)
    invalidate_start (fs->invalidate, fs->session);
  return mounted;
}

bool
fs_serve (Fs *fs)
{
  Server servers[THREADS_MAX] = { 0 };
  bool sound;

  start (fs, servers);
  wait_for_end (fs);
  /* In this order: a notice may wait in the kernel for a request that we have parked or not read yet. */
  ops_stop (fs->ops);
  push_stop (fs->push);
  invalidate_stop (fs->invalidate);
  sound = join (fs, servers);
  ops_stop (fs->ops);
  delta_stop (fs->delta);
  unmount (fs);
  if (fs->desks != NULL)
    desks_end (fs->desks);
  return sound;
}

void
fs_stop (Fs *fs)
{
  LOCKED (&fs->lock);

  fs->stopping = true;
  pthread_cond_signal (&fs->news);
}

void
fs_free (Fs *fs)
{
  if (fs == NULL)
    return;
  unmount (fs);
  invalidate_free (fs->invalidate);
  push_free (fs->push);
  delta_free (fs->delta);
  ops_free (fs->ops);
  g_clear_pointer (&fs->session, fuse_session_destroy);
  handles_free (fs->handles);
  desks_free (fs->desks);
  nodes_free (fs->nodes);
  draft_names_free (fs->draft_names);
  pthread_cond_destroy (&fs->news);
  pthread_mutex_destroy (&fs->lock);
  g_free ((char *) fs->config.mountpoint);
  g_free ((char *) fs->config.profile);
  g_free ((char *) fs->config.state);
  g_free ((char *) fs->config.options);
  g_free (fs);
}

char *
fs_counts (Fs *fs)
{
  GString *text = g_string_new ("{");

  for (int i = 0; i < COUNTS; i++)
    g_string_append_printf (text, "%s\"%s\":%llu", i > 0 ? "," : "", count_names[i], atomic_load (&fs->counts[i]));
  g_string_append_c (text, '}');
  return g_string_free (text, FALSE);
}

/* ---- the store's news ------------------------------------------------------------------------------------------- */

void
fs_record_changed (void *data, StoreModule *module, uint64_t id)
{
  Fs *fs = data;

  invalidate_inode (fs->invalidate, &(NodeKey){ &record_kind, module, id }, NULL, NULL);
  desks_changed (fs->desks, module, id);
}

/* The directory in which the record's file is. */
static NodeKey
dir_of (Fs *fs, StoreModule *module, uint64_t id)
{
  NodeKey dir = { &module_kind, module, 0 };

  if (module == store_notes (fs->store) && store_note_parent (fs->store, id, &dir.module, &dir.id))
    dir.kind = &notes_of_kind;
  return dir;
}

void
fs_record_gone (void *data, StoreModule *module, uint64_t id, const char *name)
{
  Fs *fs = data;
  const NodeKey dir = dir_of (fs, module, id);
  const NodeKey key = { &record_kind, module, id };

  if (name != NULL)
    invalidate_entry (fs->invalidate, &dir, &key, name);
  invalidate_inode (fs->invalidate, &key, NULL, NULL);
  desks_gone (fs->desks, module, id);
}

void
fs_record_renamed (void *data, StoreModule *module, uint64_t id, const char *old_name)
{
  Fs *fs = data;
  const NodeKey dir = dir_of (fs, module, id);

  if (old_name != NULL)
    invalidate_entry (fs->invalidate, &dir, NULL, old_name);
}

void
fs_listing_changed (void *data, StoreModule *module)
{
  Fs *fs = data;
  const NodeKey dir = { &module_kind, module, 0 };

  invalidate_inode (fs->invalidate, &dir, NULL, NULL);
}

void
fs_module_gone (void *data, StoreModule *module)
{
  Fs *fs = data;
  const NodeKey root = { &root_kind, NULL, 0 };
  const NodeKey key = { &module_kind, module, 0 };

  invalidate_entry (fs->invalidate, &root, &key, store_module_name (module));
}

void
fs_record_seen (void *data, const StoreEvent *event)
{
  Fs *fs = data;

  if (event->kind == STORE_EVENT_CREATED || event->kind == STORE_EVENT_RESTORED)
    desks_appeared (fs->desks, event->module, event->id);
}

void
fs_modules_changed (void *data)
{
  Fs *fs = data;

  invalidate_inode (fs->invalidate, &(NodeKey){ &root_kind, NULL, 0 }, NULL, NULL);
}

/* ---- what was written ------------------------------------------------------------------------------------------- */

size_t
fs_drain (Fs *fs)
{
  return fs->desks != NULL ? desks_drain (fs->desks) : 0;
}

void
fs_pending (Fs *fs, FsPending *pending)
{
  *pending = (FsPending){ 0 };
  if (fs->desks != NULL)
    desks_pending (fs->desks, pending);
}

void
fs_deleted (void *data, StoreModule *module, uint64_t id, const GError *failure)
{
  Fs *fs = data;

  desks_deleted (fs->desks, module, id, failure);
}
