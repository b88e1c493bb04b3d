/* Bulk jobs: their table, their states, their results.
 *
 *   stage      read shows    write shows  leaves when
 *   ADDED      ADDED         ADDED        the first time its state is asked for
 *   RUNNING    QUEUED, then  INPROGRESS   asked `bulk_polls` times (knob, 2), or `bulk_seconds` old (knob; polls do not
 *              IN PROGRESS                count then), or, where it has a callback, a second old
 *   DONE       COMPLETED     COMPLETED    a day later it is forgotten
 *   FAILED     FAILURE       FAILED       instead of DONE while the knob `bulk_fail` is on */
#include "bulk.h"

#include <pthread.h>
#include <string.h>

#include "handlers.h"
#include "payload.h"
#include "sender.h"

enum
{
  MOST_JOBS = 1000,
  KEPT_S = 24 * 60 * 60,
  DOWNLOADS_PER_MINUTE = 10,
  CALLBACK_MS = 1000
};

typedef enum
{
  STAGE_ADDED,
  STAGE_RUNNING,
  STAGE_DONE,
  STAGE_FAILED
} Stage;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below and what moves in a Job: its polls */
static GHashTable *jobs; /* id -> Job */
static GQueue *order;    /* ids, oldest first; the table's own */
static GArray *downloads; /* time_t of the last minute */
static uint64_t last_id;
static Sender *sender;

Job *
job_new (Emulator *emulator, const Request *request, bool writes)
{
  Job *job = g_new0 (Job, 1);

  pthread_mutex_lock (&lock);
  format_id (UINT64_C (7018000000000) + ++last_id, job->id);
  pthread_mutex_unlock (&lock);
  job->writes = writes;
  job->user_id = g_strdup (request->user_id);
  job->created = emulator_now (emulator);
  return job;
}

void
job_free (Job *job)
{
  g_free (job->user_id);
  json_decref (job->shown);
  json_decref (job->result);
  g_clear_pointer (&job->zip, g_bytes_unref);
  g_free (job->callback);
  g_free (job);
}

json_t *
bulk_module_ref (const Module *module)
{
  return json_pack ("{s:s, s:s}", "api_name", module->api_name, "id", module->id);
}

const json_t *
bulk_body (const Request *request, Reply *reply, const char *const *known)
{
  const char *type = request_header (request, "content-type");
  const char *key;
  json_t *value;

  if (type == NULL || g_ascii_strncasecmp (type, "application/json", 16) != 0)
    reply_error (reply, 415, "MEDIA_TYPE_NOT_SUPPORTED", "Media type is not supported", NULL);
  else if (request->body_size == 0)
    reply_error (reply, 400, "REQUEST_BODY_IS_EMPTY", "Request body is empty", NULL);
  else if (!json_is_object (request->json))
    reply_error (reply, 400, "REQUEST_BODY_NOT_READABLE", "Unable to read the request body", NULL);
  else
    {
      json_object_foreach (request->json, key, value)
        {
          if (g_strv_contains (known, key))
            continue;
          reply_error (reply, 400, "REQUEST_BODY_NOT_SUPPORTED", "The request body has keys that are not supported",
                       json_object ());
          return NULL;
        }
      return request->json;
    }
  return NULL;
}

bool
bulk_take_callback (const json_t *body, Job *job, Reply *reply)
{
  const json_t *callback = json_object_get (body, "callback");
  const char *url = member_text (callback, "url");
  const char *method = member_text (callback, "method");

  if (callback == NULL || json_is_null (callback))
    return true;
  if (url == NULL || !sender_url_valid (url))
    {
      reply_error (reply, 400, "INVALID_CALLBACK_URL", "The callback URL is invalid", NULL);
      return false;
    }
  if (method == NULL || g_ascii_strcasecmp (method, "post") != 0)
    {
      reply_error (reply, 400, "INVALID_CALLBACK_METHOD", "The callback method is invalid",
                   json_pack ("{s:[s]}", "supported_callback_methods", "post"));
      return false;
    }
  job->callback = g_strdup (url);
  return true;
}

static Stage
job_stage (Emulator *emulator, const Job *job)
{
  int64_t seconds = setting_int (emulator, "bulk_seconds", 0);
  int64_t age = emulator_now (emulator) - job->created;
  bool ripe = seconds > 0 ? age >= seconds : job->polls > setting_int (emulator, "bulk_polls", 2);

  if (job->callback != NULL && age >= CALLBACK_MS / 1000)
    ripe = true;
  if (ripe)
    return setting_on (emulator, "bulk_fail") ? STAGE_FAILED : STAGE_DONE;
  return job->polls == 0 ? STAGE_ADDED : STAGE_RUNNING;
}

static const char *
state_name (const Job *job, Stage stage)
{
  switch (stage)
    {
    case STAGE_ADDED:   return "ADDED";
    case STAGE_RUNNING: return job->writes ? "INPROGRESS" : job->polls == 1 ? "QUEUED" : "IN PROGRESS";
    case STAGE_DONE:    return "COMPLETED";
    case STAGE_FAILED:  return job->writes ? "FAILED" : "FAILURE";
    }
  return "ADDED";
}

/* What the answer shows at @stage; new. A write's resources show their counts only at the end. */
static json_t *
job_json (const Job *job, Stage stage)
{
  json_t *shown = json_deep_copy (job->shown);
  json_t *resources = json_object_get (shown, "resource");
  json_t *resource;
  size_t index;

  json_object_set_new (shown, job->writes ? "status" : "state", json_string (state_name (job, stage)));
  if (stage == STAGE_DONE)
    json_object_set (shown, "result", job->result);
  if (stage == STAGE_FAILED && !job->writes)
    json_object_set_new (shown, "result", json_pack ("{s:s}", "error_message", "The job failed"));
  json_array_foreach (resources, index, resource)
    {
      if (stage == STAGE_DONE)
        continue;
      json_object_set_new (resource, "status", json_string (stage == STAGE_ADDED ? "ADDED" : "INPROGRESS"));
      json_object_del (resource, "file");
      json_object_del (resource, "code");
    }
  return shown;
}

/* Lock held. */
static void
forget_old_jobs (time_t now)
{
  while (!g_queue_is_empty (order))
    {
      const char *id = g_queue_peek_head (order);
      const Job *job = g_hash_table_lookup (jobs, id);

      if (g_queue_get_length (order) <= MOST_JOBS && now - job->created <= KEPT_S)
        return;
      g_queue_pop_head (order);
      g_hash_table_remove (jobs, id);
    }
}

void
bulk_add (Emulator *emulator, Job *job)
{
  char time[32];

  format_time (job->created, time);
  json_object_set_new (job->shown, "id", json_string (job->id));
  json_object_set_new (job->shown, "created_by", user_ref (emulator, job->user_id));
  json_object_set_new (job->shown, "created_time", json_string (time));
  if (job->callback != NULL)
    {
      json_t *state = job_json (job, setting_on (emulator, "bulk_fail") ? STAGE_FAILED : STAGE_DONE);

      sender_post (sender, job->callback, job->writes ? state : json_pack ("{s:[o]}", "data", state), CALLBACK_MS);
    }
  pthread_mutex_lock (&lock);
  g_hash_table_insert (jobs, job->id, job);
  g_queue_push_tail (order, job->id);
  forget_old_jobs (emulator_now (emulator));
  pthread_mutex_unlock (&lock);
}

/* Lock held. The job in the path, of this kind and this user's org. NULL: answered. */
static Job *
find_job (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *kind = request_segment (request, 0);
  const char *id = request_segment (request, 1);
  Job *job;

  forget_old_jobs (emulator_now (emulator));
  job = g_hash_table_lookup (jobs, id);
  if (job != NULL && job->writes == (strcmp (kind, "write") == 0))
    return job;
  reply_error (reply, 404, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.",
               json_pack ("{s:s}", "resource", id));
  return NULL;
}

static void
handle_state (Emulator *emulator, const Request *request, Reply *reply)
{
  json_t *shown = NULL;
  Job *job;

  pthread_mutex_lock (&lock);
  job = find_job (emulator, request, reply);
  if (job != NULL)
    {
      job->polls++;
      shown = job_json (job, job_stage (emulator, job));
    }
  pthread_mutex_unlock (&lock);
  if (shown == NULL)
    return;
  if (strcmp (request_segment (request, 0), "write") == 0)
    reply_json (reply, 200, shown);
  else
    reply_json (reply, 200, json_pack ("{s:[o]}", "data", shown));
}

/* Lock held. One more download: are there too many within the minute? */
static bool
count_download (Emulator *emulator)
{
  time_t now = emulator_now (emulator);
  int64_t most = setting_int (emulator, "bulk_downloads", DOWNLOADS_PER_MINUTE);

  while (downloads->len > 0 && now - g_array_index (downloads, time_t, 0) >= 60)
    g_array_remove_index (downloads, 0);
  if (downloads->len >= most)
    return false;
  g_array_append_val (downloads, now);
  return true;
}

/* Lock held. The job's file, a copy: ThreadSanitizer does not see how glib counts references. NULL: answered. */
static GBytes *
take_result (Emulator *emulator, const Request *request, Reply *reply, char **name)
{
  Job *job = find_job (emulator, request, reply);

  if (job == NULL)
    return NULL;
  if (job_stage (emulator, job) != STAGE_DONE)
    {
      reply_error (reply, 404, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.",
                   json_pack ("{s:s}", "resource", job->id));
      return NULL;
    }
  if (!count_download (emulator))
    {
      reply_error (reply, 429, "TOO_MANY_REQUESTS", "You have made too many downloads in one minute", NULL);
      return NULL;
    }
  *name = g_strdup_printf ("%s.zip", job->id);
  return g_bytes_new (g_bytes_get_data (job->zip, NULL), g_bytes_get_size (job->zip));
}

static void
handle_result (Emulator *emulator, const Request *request, Reply *reply)
{
  g_autofree char *name = NULL;
  GBytes *zip;

  pthread_mutex_lock (&lock);
  zip = take_result (emulator, request, reply, &name);
  pthread_mutex_unlock (&lock);
  if (zip != NULL)
    reply_bytes (reply, 200, "application/zip", name, zip);
}

void
bulk_start (Emulator *emulator)
{
  pthread_mutex_lock (&lock);
  jobs = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) job_free);
  order = g_queue_new ();
  downloads = g_array_new (FALSE, FALSE, sizeof (time_t));
  pthread_mutex_unlock (&lock);
  sender = sender_new ();
  bulk_uploads_start ();
}

void
bulk_stop (Emulator *emulator)
{
  g_clear_pointer (&sender, sender_free);
  bulk_uploads_stop ();
  pthread_mutex_lock (&lock);
  g_clear_pointer (&order, g_queue_free);
  g_clear_pointer (&jobs, g_hash_table_unref);
  g_clear_pointer (&downloads, g_array_unref);
  pthread_mutex_unlock (&lock);
}

const Route bulk_routes[] = {
  { "POST", "read", "bulk.READ", 0, ROUTE_BULK, NULL, handle_bulk_read },
  { "GET", "read/{job}", "bulk.READ", 1, ROUTE_BULK, NULL, handle_state },
  { "GET", "read/{job}/result", "bulk.READ", 1, ROUTE_BULK, NULL, handle_result },
  { "POST", "write", "bulk.CREATE", 0, ROUTE_BULK | ROUTE_WRITES, NULL, handle_bulk_write },
  { "GET", "write/{job}", "bulk.READ", 1, ROUTE_BULK, NULL, handle_state },
  { "GET", "write/{job}/result", "bulk.READ", 1, ROUTE_BULK, NULL, handle_result },
  { "POST", "upload", "ZohoFiles.files.ALL", 1, ROUTE_WRITES | ROUTE_NO_JSON, NULL, handle_bulk_upload },
  { 0 },
};
