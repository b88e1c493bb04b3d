/* What a mount is doing, as one JSON object: gathered from the counters of client, store and fs, and without
 * secrets. */
#include "app/status.h"

#include "base/clock.h"
#include "base/json.h"

#include <string.h>
#include <unistd.h>

static void
put_number (json_t *object, const char *key, int64_t value)
{
  json_object_set_new (object, key, json_integer (value));
}

/* The words may come from a server, cut anywhere. */
static void
put_text (json_t *object, const char *key, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  json_object_set_new (object, key, json_from_text (valid));
}

static json_t *
account_of (const StatusSource *source)
{
  json_t *account = json_object ();

  put_text (account, "profile", source->profile);
  put_text (account, "api", source->api_url);
  put_text (account, "mountpoint", source->mountpoint);
  put_text (account, "state", source->state_dir);
  return account;
}

static json_t *
credits_of (const StatusSource *source, const ClientStats *stats)
{
  json_t *credits = json_object ();

  put_number (credits, "spent", (int64_t) stats->credits);
  put_number (credits, "today", stats->credits_today);
  json_object_set_new (credits, "remaining",
                       stats->credits_remaining < 0 ? json_null () : json_integer (stats->credits_remaining));
  json_object_set_new (credits, "budget",
                       source->daily_credits == 0 ? json_null () : json_integer (source->daily_credits));
  return credits;
}

/* An array, since the order tells: the most expensive first. */
static json_t *
programs_of (Client *client)
{
  json_t *programs = json_array ();
  Cost list[COSTS_NAMES_MAX + 1];
  size_t count = client_costs (client, list);

  for (size_t i = 0; i < count; i++)
    {
      json_t *program = json_object ();

      put_text (program, "program", list[i].program);
      put_number (program, "calls", (int64_t) list[i].calls);
      put_number (program, "credits", (int64_t) list[i].credits);
      json_array_append_new (programs, program);
    }
  return programs;
}

static json_t *
last_error_of (const StatusSource *source, const ClientStats *stats)
{
  char when[CLOCK_TIME_SIZE];
  json_t *error;

  if (stats->last_error[0] == '\0')
    return json_null ();
  error = json_object ();
  clock_format_time (stats->last_error_s, when);
  put_text (error, "time", when);
  put_text (error, "message",
            source->discreet ? "not shown, since users have rules of their own: the log has it" : stats->last_error);
  return error;
}

static json_t *
cache_of (const StoreStats *stats, Disk *disk)
{
  json_t *cache = json_object ();
  DiskStats kept;

  disk_stats (disk, &kept);

  put_number (cache, "modules_listed", stats->modules_listed);
  put_number (cache, "records", (int64_t) stats->records);
  put_number (cache, "document_bytes", (int64_t) stats->document_bytes);
  put_number (cache, "disk_bytes", (int64_t) kept.file_bytes);
  put_number (cache, "disk_cap_bytes", (int64_t) kept.cap);
  put_number (cache, "queued_bytes", (int64_t) kept.queued_bytes);
  put_number (cache, "evicted", (int64_t) kept.evicted);
  put_number (cache, "damaged", (int64_t) kept.damaged);
  json_object_set_new (cache, "rebuilt", json_boolean (kept.rebuilt));
  json_object_set_new (cache, "problem", kept.problem[0] == '\0' ? json_null () : json_from_text (kept.problem));
  return cache;
}

static json_t *
requests_of (Fs *fs)
{
  g_autofree char *text = fs_counts (fs);
  json_t *counts = json_parse (text, strlen (text), NULL);

  return counts != NULL ? counts : json_object ();
}

static json_t *
saving_of (const StatusSource *source)
{
  json_t *saving = json_object ();
  FsPending pending;

  fs_pending (source->fs, &pending);
  put_number (saving, "drafts", (int64_t) pending.drafts);
  put_number (saving, "queued", (int64_t) pending.saves);
  put_number (saving, "deletes", (int64_t) pending.deletes);
  put_number (saving, "refused", (int64_t) status_refused (source));
  json_object_set_new (saving, "read_only", json_boolean (source->read_only));
  json_object_set_new (saving, "dry_run", json_boolean (source->dry_run));
  return saving;
}

static json_t *
written_of (const StatusSource *source)
{
  json_t *object = json_object ();
  ReportsWritten written;

  reports_written (source->reports, &written);
  put_number (object, "updates", (int64_t) written.updates);
  put_number (object, "creates", (int64_t) written.creates);
  put_number (object, "deletes", (int64_t) written.deletes);
  return object;
}

size_t
status_refused (const StatusSource *source)
{
  g_autoptr (GPtrArray) drafts = journal_drafts_list (source->state_dir, NULL);

  return drafts != NULL ? drafts->len : 0;
}

char *
status_text (const StatusSource *source)
{
  g_autoptr (json_t) status = json_object ();
  g_autoptr (GString) text = g_string_new (NULL);
  ClientStats client;
  StoreStats store;

  client_stats (source->client, &client);
  store_stats (source->store, &store);
  json_object_set_new (status, "account", account_of (source));
  json_object_set_new (status, "credits", credits_of (source, &client));
  json_object_set_new (status, "programs", programs_of (source->client));
  json_object_set_new (status, "cache", cache_of (&store, source->disk));
  json_object_set_new (status, "fuse", requests_of (source->fs));
  json_object_set_new (status, "saving", saving_of (source));
  json_object_set_new (status, "written", written_of (source));
  json_object_set_new (status, "last_error", last_error_of (source, &client));
  json_object_set_new (status, "signed_out", json_boolean (client.signed_out));
  json_object_set_new (status, "offline", json_boolean (store.offline));
  put_number (status, "calls", (int64_t) client.calls);
  put_number (status, "retries", (int64_t) client.retries);
  put_number (status, "failures", (int64_t) client.failures);
  put_number (status, "token_calls", (int64_t) client.token_calls);
  put_number (status, "in_flight", client.in_flight);
  put_number (status, "queued", client.queued);
  put_number (status, "landing", client.landing);
  put_number (status, "concurrency", source->concurrency);
  put_number (status, "ttl_s", source->ttl_s);
  put_number (status, "uptime_s", (clock_now_us () - source->started_us) / CLOCK_SECOND_US);
  put_number (status, "pid", getpid ());
  put_text (status, "version", ZOHOFS_VERSION);
  json_write (status, text);
  return g_strdup (text->str);
}
