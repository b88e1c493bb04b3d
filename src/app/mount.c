/* Builds the stack (client, fs, store), serves, and frees it in reverse. What needs neither network nor threads is
 * checked before the fork. The sign-in is proved before the mount, so that a directory full of errors is never the
 * first one hears of a dead token. */
#include "app/mount.h"

#include "app/account.h"
#include "app/daemon.h"
#include "app/events.h"
#include "app/metrics.h"
#include "app/notify.h"
#include "app/places.h"
#include "app/privacy.h"
#include "app/readme.h"
#include "app/reports.h"
#include "app/signals.h"
#include "app/status.h"
#include "app/writing.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "model/attachments.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define README_US (15 * 60 * CLOCK_SECOND_US) /* how long its counts stay */

/*   phase     a signal
 *   STARTING  ends the process: nothing is mounted
 *   MOUNTED   ends fs_serve()
 *   ENDING    is too late to matter  */
typedef enum
{
  STARTING,
  MOUNTED,
  ENDING
} Phase;

typedef struct
{
  const Options *options;
  const Config *config;
  char *mountpoint;
  Daemon daemon;
  Client *client;
  Fs *fs;
  Store *store;
  Signals *signals;
  StatusSource status;
  const Places *places;
  Jsonl *journals[FS_JOURNALS];
  Disk *disk;
  Writing *writing; /* NULL: the mount is read-only */
  pthread_mutex_t readme_lock; /* guards the next three; taken before the store's */
  char *readme;                /* as it was given last, or NULL */
  guint readme_modules;        /* how many it names */
  int64_t readme_until_us;
  pthread_mutex_t lock; /* guards phase; held while mounting, so that a signal sees a mount or none */
  Phase phase;
} Mount;

static char *
give_status (void *data)
{
  Mount *mount = data;

  return status_text (&mount->status);
}

static char *
give_metrics (void *data)
{
  Mount *mount = data;

  return metrics_text (&mount->status);
}

/* For `df -i`: the day's API credits, as far as they are known. */
static bool
give_credits (void *data, uint64_t *total, uint64_t *left)
{
  const Mount *mount = data;
  int64_t budget = mount->config->daily_credits;
  ClientStats stats;
  int64_t free;

  client_stats (mount->client, &stats);
  free = stats.credits_remaining;
  if (budget > 0)
    free = free < 0 ? budget - stats.credits_today : MIN (free, budget - stats.credits_today);
  else if (free < 0)
    return false;
  *left = (uint64_t) MAX (free, 0);
  *total = *left + (uint64_t) MAX (stats.credits_today, 0);
  return true;
}

/* Those that are there, with their counts if all users may know them: the text is one for all. Without any call. */
static GArray *
readme_modules (const Mount *mount, const GPtrArray *known)
{
  GArray *modules = g_array_new (FALSE, FALSE, sizeof (ReadmeModule));
  bool counts = !access_has_users (mount->config->access);

  for (guint i = 0; i < known->len; i++)
    {
      ReadmeModule module = { store_module_name (known->pdata[i]), counts ? store_module_count (known->pdata[i]) : -1 };

      if (access_level (mount->config->access, module.name) != ACCESS_OFF)
        g_array_append_val (modules, module);
    }
  return modules;
}

/* Written anew when there are other modules, but for other counts only after a while: programs that copy the tree twice
 * are to find the same. */
static char *
give_readme (void *data)
{
  Mount *mount = data;
  g_autoptr (GPtrArray) known = store_known_modules (mount->store, NULL);
  guint count = known != NULL ? known->len : 0;
  int64_t now = clock_now_us ();
  LOCKED (&mount->readme_lock);

  if (mount->readme == NULL || mount->readme_modules != count || now >= mount->readme_until_us)
    {
      g_autoptr (GArray) modules = known != NULL ? readme_modules (mount, known) : NULL;

      g_free (mount->readme);
      mount->readme = readme_text (mount->options, mount->config->api_url,
                                   modules != NULL ? (ReadmeModule *)(void *)modules->data : NULL,
                                   modules != NULL ? modules->len : 0);
      mount->readme_modules = count;
      mount->readme_until_us = now + README_US;
    }
  return g_strdup (mount->readme);
}

/* Also where nothing is saved. */
static void
tell_refused (void *data, const SaveError *error)
{
  const Mount *mount = data;
  g_autoptr (Reports) reports = reports_new (mount->journals[FS_JOURNAL_ERRORS], NULL);

  reports_failed (reports, error);
}

static void
stop (void *data)
{
  Mount *mount = data;
  LOCKED (&mount->lock);

  if (mount->phase == STARTING)
    {
      daemon_failed (&mount->daemon, "Stopped by a signal before the mount was ready.");
      _exit (EXIT_FAILURE);
    }
  if (mount->phase == MOUNTED)
    fs_stop (mount->fs);
}

/* Somebody insists. The mount must not stay behind as a directory in which everything fails. */
static void
abandon (void *data)
{
  Mount *mount = data;
  char *argv[] = { "fusermount3", "-u", "-q", "-z", "--", mount->mountpoint, NULL };

  g_warning ("Stopped by a second signal; what was under way is cut off.");
  if (umount2 (mount->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
    g_spawn_sync ("/", argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  _exit (EXIT_FAILURE);
}

static void
set_phase (Mount *mount, Phase phase)
{
  LOCKED (&mount->lock);

  mount->phase = phase;
}

static void
open_journals (Mount *mount)
{
  static const char *const names[FS_JOURNALS] = {
    [FS_JOURNAL_EVENTS] = "events.jsonl",
    [FS_JOURNAL_AUDIT] = "audit.jsonl",
    [FS_JOURNAL_ERRORS] = "errors.jsonl",
  };

  for (size_t i = 0; i < FS_JOURNALS; i++)
    {
      g_autofree char *path = places_journal_path (mount->places, names[i]);

      mount->journals[i] = jsonl_new (path, i == FS_JOURNAL_AUDIT ? mount->config->audit_bytes : JSONL_CAP);
    }
  jsonl_keep (mount->journals[FS_JOURNAL_AUDIT], mount->config->audit_generations);
}

static bool
hides (const void *access, const char *module, const char *field)
{
  return access_hides (access, module, field);
}

static void
tell_event (void *data, const StoreEvent *event)
{
  Mount *mount = data;

  fs_record_seen (mount->fs, event);
  events_add (mount->journals[FS_JOURNAL_EVENTS], event);
}

static void
begin_attachments (Mount *mount)
{
  Reports *reports = writing_reports (mount->writing);
  const AttachmentsConfig config = {
    .state = mount->places->state_dir,
    .writes = mount->writing != NULL,
    .dry_run = mount->options->dry_run,
    .failed = reports != NULL ? reports_failed : NULL,
    .audit = reports != NULL ? reports_audit : NULL,
    .data = reports,
  };

  attachments_begin (mount->store, &config);
}

static void
build (Mount *mount)
{
  const Options *options = mount->options;
  FsConfig fs_config = {
    .mountpoint = mount->mountpoint,
    .profile = options->profile,
    .state = mount->places->state_dir,
    .options = options->fuse_options,
    .ttl_us = options->ttl_s * CLOCK_SECOND_US,
    .trace = options->trace,
    .noopen = options->noopen,
    .access = mount->config->access,
    .walkers = mount->config->walkers,
    .status = give_status,
    .metrics = give_metrics,
    .readme = give_readme,
    .folders = options->folders,
    .dry_run = options->dry_run,
    .failed = mount->writing != NULL ? reports_failed : NULL,
    .audit = mount->writing != NULL ? reports_audit : NULL,
    .report_data = writing_reports (mount->writing),
    .credits = give_credits,
    .refused = tell_refused,
    .data = mount,
  };
  StoreConfig store_config = {
    .client = mount->client,
    .disk = mount->disk,
    .ttl_us = options->ttl_s * CLOCK_SECOND_US,
    .offline_fail = options->offline_fail,
    .sweep_s = options->sweep_s,
    .hides = hides,
    .hides_data = mount->config->access,
    .bare_names = options->bare_names,
    .record_changed = fs_record_changed,
    .record_gone = fs_record_gone,
    .record_renamed = fs_record_renamed,
    .listing_changed = fs_listing_changed,
    .module_gone = fs_module_gone,
    .modules_changed = fs_modules_changed,
    .event = tell_event,
    .event_listener = mount,
  };

  memcpy (fs_config.journals, mount->journals, sizeof mount->journals);
  mount->fs = fs_new (&fs_config);
  store_config.listener = mount->fs;
  mount->store = store_new (&store_config);
  begin_attachments (mount);
  mount->status = (StatusSource) {
    .profile = options->profile,
    .api_url = mount->config->api_url,
    .mountpoint = mount->mountpoint,
    .concurrency = mount->config->concurrency,
    .daily_credits = mount->config->daily_credits,
    .ttl_s = options->ttl_s,
    .started_us = clock_now_us (),
    .client = mount->client,
    .store = mount->store,
    .disk = mount->disk,
    .fs = mount->fs,
    .state_dir = mount->places->state_dir,
    .reports = writing_reports (mount->writing),
    .read_only = options->read_only,
    .dry_run = options->dry_run,
    .discreet = access_has_users (mount->config->access),
  };
}

static bool
attach (Mount *mount, GError **error)
{
  FsWriting writing;
  LOCKED (&mount->lock);

  if (mount->writing != NULL)
    writing = writing_begin (mount->writing, mount->options, mount->store, mount->fs);
  if (!fs_mount (mount->fs, mount->store, mount->writing != NULL ? &writing : NULL, error))
    return false;
  mount->phase = MOUNTED;
  return true;
}

/* Whose documents they are: another sign-in may see other records, so it finds none of this one's. */
static char *
account_digest (const Config *config, const Credentials *credentials)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  const char *const parts[] = { config->api_url, config->client_id, credentials->refresh_token };

  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++)
    g_checksum_update (sum, (const guchar *) parts[i], (gssize) strlen (parts[i]) + 1);
  return g_strdup (g_checksum_get_string (sum));
}

static Disk *
open_disk (const Mount *mount, const Credentials *credentials, const Places *places)
{
  g_autofree char *folder = places_documents (places);
  g_autofree char *account = account_digest (mount->config, credentials);
  char *check[] = { "/proc/self/exe", "check-cache", folder, NULL };
  DiskConfig config
      = { .folder = folder, .account = account, .cap = mount->config->cache_bytes, .check = check };

  return disk_open (&config);
}

static bool
open_writing (Mount *mount, GError **error)
{
  if (mount->options->read_only)
    return true;
  mount->writing = writing_open (mount->places, mount->mountpoint, mount->journals[FS_JOURNAL_ERRORS],
                                 mount->journals[FS_JOURNAL_AUDIT], error);
  if (mount->writing == NULL)
    return false;
  if (mount->config->audit_values)
    reports_keep_values (writing_reports (mount->writing));
  if (mount->config->audit_syslog)
    reports_also (writing_reports (mount->writing), reports_to_syslog);
  return true;
}

static bool
start (Mount *mount, const Credentials *credentials, const Places *places, GError **error)
{
  g_autofree char *token_path = places_token_path (places);

  mount->client = account_open (mount->config, credentials, token_path, error);
  if (mount->client == NULL || !account_check (mount->client, mount->config, error))
    return false;
  if (!open_writing (mount, error))
    return false;
  mount->disk = open_disk (mount, credentials, places);
  build (mount);
  return attach (mount, error);
}

/* The store's calls end first, since their answers reach into fs; the save engine is asked by fs to its end. */
static void
tear_down (Mount *mount)
{
  set_phase (mount, ENDING);
  writing_stop (mount->writing);
  if (mount->store != NULL)
    store_stop (mount->store);
  fs_free (mount->fs);
  writing_end (mount->writing);
  store_free (mount->store);
  disk_free (mount->disk);
  client_free (mount->client);
  signals_end (mount->signals);
  writing_free (mount->writing);
  g_free (mount->readme);
  for (size_t i = 0; i < FS_JOURNALS; i++)
    jsonl_free (mount->journals[i]);
}

static bool
serve (Mount *mount)
{
  bool sound;

  store_foresee (mount->store);
  if (mount->writing != NULL)
    writing_settle (mount->writing);
  g_info ("Profile %s is mounted at %s.", mount->options->profile, mount->mountpoint);
  daemon_ready (&mount->daemon);
  notify_send ("READY=1");
  sound = fs_serve (mount->fs);
  notify_send ("STOPPING=1");
  if (!sound)
    g_warning ("The mount at %s ended because the kernel's end broke.", mount->mountpoint);
  return sound;
}

/* From the fork on. */
static int
live (const Options *options, const Config *config, const Credentials *credentials, const Places *places)
{
  g_autofree char *mountpoint = g_canonicalize_filename (options->target, NULL);
  g_autoptr (GError) error = NULL;
  Mount mount = {
    .options = options,
    .config = config,
    .mountpoint = mountpoint,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .readme_lock = PTHREAD_MUTEX_INITIALIZER,
    .daemon = daemon_start (options->foreground),
    .places = places,
  };
  bool sound;

  open_journals (&mount);
  privacy_guard ();
  signals_block ();
  mount.signals = signals_start (stop, abandon, &mount);
  sound = start (&mount, credentials, places, &error);
  if (sound)
    sound = serve (&mount);
  tear_down (&mount);
  if (error != NULL)
    daemon_failed (&mount.daemon, error->message);
  return sound ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
refuse (const GError *error)
{
  logging_tell (error->message);
  return EXIT_FAILURE;
}

int
mount_run (const Options *options)
{
  g_autoptr (Places) places = places_new (options);
  g_autoptr (Config) config = NULL;
  g_autoptr (Credentials) credentials = NULL;
  g_autoptr (GError) error = NULL;

  if ((config = config_load (places->config_file, &error)) == NULL)
    return refuse (error);
  if ((credentials = credentials_load (places->state_dir, options->profile, &error)) == NULL)
    return refuse (error);
  account_follow (config, credentials);
  return live (options, config, credentials, places);
}
