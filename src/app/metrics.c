/* The numbers of status.json as Prometheus reads them (text format 0.0.4). What is not known has no line. */
#include "app/metrics.h"

#include "base/clock.h"
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#define UNKNOWN (-1)

/* Names that end in _total only grow while the mount lives. */
static void
put_head (GString *out, const char *name, const char *help)
{
  g_string_append_printf (out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                          g_str_has_suffix (name, "_total") ? "counter" : "gauge");
}

static void
put (GString *out, const char *name, int64_t value, const char *help)
{
  if (value == UNKNOWN)
    return;
  put_head (out, name, help);
  g_string_append_printf (out, "%s %" PRId64 "\n", name, value);
}

static void
put_label (GString *out, const char *key, const char *value)
{
  g_autofree char *valid = g_utf8_make_valid (value, -1);

  g_string_append_printf (out, "%s=\"", key);
  for (const char *at = valid; *at != '\0'; at++)
    if (*at == '\n')
      g_string_append (out, "\\n");
    else
      g_string_append_printf (out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
  g_string_append_c (out, '"');
}

static void
put_about (GString *out, const StatusSource *source)
{
  put_head (out, "zohofs_info", "Which mount this is; always 1.");
  g_string_append (out, "zohofs_info{");
  put_label (out, "version", ZOHOFS_VERSION);
  g_string_append_c (out, ',');
  put_label (out, "profile", source->profile);
  g_string_append_c (out, ',');
  put_label (out, "api", source->api_url);
  g_string_append (out, "} 1\n");
  put (out, "zohofs_uptime_seconds", (clock_now_us () - source->started_us) / CLOCK_SECOND_US,
       "How long it has been mounted.");
  put (out, "zohofs_ttl_seconds", source->ttl_s, "How long what was read passes as fresh.");
}

static void
put_client (GString *out, const StatusSource *source)
{
  ClientStats stats;

  client_stats (source->client, &stats);
  put (out, "zohofs_api_calls_total", (int64_t) stats.calls, "API requests sent, retries included.");
  put (out, "zohofs_api_retries_total", (int64_t) stats.retries, "API requests sent again.");
  put (out, "zohofs_api_failures_total", (int64_t) stats.failures, "API calls that ended in an error.");
  put (out, "zohofs_api_token_calls_total", (int64_t) stats.token_calls, "Requests for an access token.");
  put (out, "zohofs_api_credits_total", (int64_t) stats.credits, "API credits spent, by our count.");
  put (out, "zohofs_api_credits_day", stats.credits_today, "API credits spent in the last 24 hours, by our count.");
  put (out, "zohofs_api_credits_remaining", stats.credits_remaining < 0 ? UNKNOWN : stats.credits_remaining,
       "API credits that the org has left, as the API said last.");
  put (out, "zohofs_api_credits_budget", source->daily_credits == 0 ? UNKNOWN : source->daily_credits,
       "API credits that this profile may spend in 24 hours.");
  put (out, "zohofs_api_calls_in_flight", stats.in_flight, "API calls waiting for their answers.");
  put (out, "zohofs_api_calls_queued", stats.queued, "API calls not sent yet.");
  put (out, "zohofs_api_concurrency", source->concurrency, "API calls that may be in flight at once.");
  put (out, "zohofs_api_last_error_seconds", stats.last_error[0] == '\0' ? UNKNOWN : stats.last_error_s,
       "When a call failed last, in seconds since 1970.");
  put (out, "zohofs_signed_out", stats.signed_out, "1 when the sign-in is dead.");
}

static void
put_program (GString *out, const char *name, const char *program, uint64_t value)
{
  g_string_append_printf (out, "%s{", name);
  put_label (out, "program", program);
  g_string_append_printf (out, "} %" PRIu64 "\n", value);
}

static void
put_programs (GString *out, const StatusSource *source)
{
  Cost list[COSTS_NAMES_MAX + 1];
  size_t count = client_costs (source->client, list);

  if (count == 0)
    return;
  /* No counters: a program may go to the others and come back with less. */
  put_head (out, "zohofs_program_calls", "API requests sent since the mount, by the program that wanted them.");
  for (size_t i = 0; i < count; i++)
    put_program (out, "zohofs_program_calls", list[i].program, list[i].calls);
  put_head (out, "zohofs_program_credits", "API credits spent since the mount, by the program that wanted the calls.");
  for (size_t i = 0; i < count; i++)
    put_program (out, "zohofs_program_credits", list[i].program, list[i].credits);
}

static void
put_store (GString *out, const StatusSource *source)
{
  StoreStats stats;

  store_stats (source->store, &stats);
  put (out, "zohofs_offline", stats.offline, "1 while Zoho cannot be reached and what is known is served.");
  put (out, "zohofs_modules_listed", stats.modules_listed, "Modules whose listing is known.");
  put (out, "zohofs_records", (int64_t) stats.records, "Records known.");
  put (out, "zohofs_document_bytes", (int64_t) stats.document_bytes, "Bytes of the documents of these.");
}

static void
put_disk (GString *out, const StatusSource *source)
{
  DiskStats stats;

  disk_stats (source->disk, &stats);
  put (out, "zohofs_disk_bytes", (int64_t) stats.file_bytes, "Bytes in use in the cache on disk.");
  put (out, "zohofs_disk_cap_bytes", (int64_t) stats.cap, "Bytes that the cache on disk may have.");
  put (out, "zohofs_disk_queued_bytes", (int64_t) stats.queued_bytes, "Bytes on their way to the disk.");
  put (out, "zohofs_disk_evicted_total", (int64_t) stats.evicted, "Documents dropped from the cache on disk.");
  put (out, "zohofs_disk_damaged_total", (int64_t) stats.damaged, "Values in the cache on disk that were damaged.");
  put (out, "zohofs_disk_rebuilt", stats.rebuilt, "1 when the cache on disk was begun anew at the mount.");
  put (out, "zohofs_disk_unused", stats.problem[0] != '\0', "1 while the cache on disk cannot be used.");
}

static void
put_saving (GString *out, const StatusSource *source)
{
  FsPending pending;
  ReportsWritten written;

  fs_pending (source->fs, &pending);
  reports_written (source->reports, &written);
  put (out, "zohofs_saving_read_only", source->read_only, "1 when the mount is read-only.");
  put (out, "zohofs_saving_dry_run", source->dry_run, "1 when saves are checked and not sent.");
  put (out, "zohofs_saving_drafts", (int64_t) pending.drafts, "Texts that programs have written and not saved.");
  put (out, "zohofs_saving_queued", (int64_t) pending.saves, "Saves on the wire or waiting for their turn.");
  put (out, "zohofs_saving_deletes", (int64_t) pending.deletes, "Deletes on the wire or waiting.");
  put (out, "zohofs_saving_refused", (int64_t) status_refused (source), "Refused saves in .zohofs/drafts.");
  put (out, "zohofs_saving_updates_total", (int64_t) written.updates, "Records changed in the CRM.");
  put (out, "zohofs_saving_creates_total", (int64_t) written.creates, "Records made in the CRM.");
  put (out, "zohofs_saving_deleted_total", (int64_t) written.deletes, "Records deleted in the CRM.");
}

static void
put_requests (GString *out, const StatusSource *source)
{
  g_autofree char *text = fs_counts (source->fs);
  g_autoptr (json_t) counts = json_parse (text, strlen (text), NULL);
  const char *kind;
  json_t *count;

  put_head (out, "zohofs_fuse_requests_total", "Requests of the kernel.");
  json_object_foreach (counts, kind, count)
    {
      g_string_append (out, "zohofs_fuse_requests_total{");
      put_label (out, "kind", kind);
      g_string_append_printf (out, "} %" JSON_INTEGER_FORMAT "\n", json_integer_value (count));
    }
}

char *
metrics_text (const StatusSource *source)
{
  GString *out = g_string_new (NULL);

  put_about (out, source);
  put_client (out, source);
  put_programs (out, source);
  put_store (out, source);
  put_disk (out, source);
  put_saving (out, source);
  put_requests (out, source);
  return g_string_free (out, FALSE);
}
