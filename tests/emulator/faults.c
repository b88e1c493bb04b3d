/* What goes wrong on purpose: a set of rules, each for some of the requests, given as a whole by POST
 * /_emulator/faults. A new set replaces the old one and releases whom the old one holds up. */
#include "core.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum
{
  SLICE_MS = 50 /* how often a waiting call looks whether its peer is still there */
};

typedef struct
{
  GRegex *match;
  int64_t count; /* times left; 0: for ever */
  int64_t skip;
  int64_t seen, hits;
  bool used_up;
  Fault fault;
} Rule;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static pthread_cond_t changed;
static GPtrArray *rules; /* Rule */
static unsigned generation;
static bool stopping;

void
fault_clear (Fault *fault)
{
  g_free (fault->code);
  g_free (fault->body);
  json_decref (fault->headers);
}

static void
rule_free (gpointer data)
{
  Rule *rule = data;

  g_regex_unref (rule->match);
  fault_clear (&rule->fault);
  g_free (rule);
}

void
faults_start (void)
{
  pthread_condattr_t monotonic;

  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init (&changed, &monotonic);
  pthread_condattr_destroy (&monotonic);
  rules = g_ptr_array_new_with_free_func (rule_free);
}

void
faults_stop (void)
{
  pthread_mutex_lock (&lock);
  stopping = true;
  g_ptr_array_set_size (rules, 0);
  pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&lock);
}

bool
faults_stopping (void)
{
  bool now;

  pthread_mutex_lock (&lock);
  now = stopping;
  pthread_mutex_unlock (&lock);
  return now;
}

static int64_t
number_at (const json_t *object, const char *key)
{
  return json_integer_value (json_object_get (object, key));
}

static Rule *
rule_new (const json_t *json, GError **error)
{
  const json_t *match = json_object_get (json, "match");
  const json_t *body = json_object_get (json, "body");
  GRegex *regex;
  Rule *rule;

  regex = g_regex_new (json_is_string (match) ? json_string_value (match) : ".", G_REGEX_OPTIMIZE, 0, error);
  if (regex == NULL)
    return NULL;
  rule = g_new0 (Rule, 1);
  rule->match = regex;
  rule->count = number_at (json, "count");
  rule->skip = number_at (json, "skip");
  rule->fault = (Fault){
    .hit = true,
    .status = (int) CLAMP (number_at (json, "status"), 0, 599),
    .code = g_strdup (json_string_value (json_object_get (json, "code"))),
    .body = json_is_string (body) ? g_strdup (json_string_value (body))
            : body != NULL        ? json_dumps (body, 0)
                                  : NULL,
    .cut = json_is_true (json_object_get (json, "cut")),
    .reset = json_is_true (json_object_get (json, "reset")),
    .stall = json_is_true (json_object_get (json, "stall")),
    .malformed = json_is_true (json_object_get (json, "malformed")),
    .html = json_is_true (json_object_get (json, "html")),
    .stall_ms = number_at (json, "stall_ms"),
    .huge_mb = number_at (json, "huge_mb"),
    .delay_ms = number_at (json, "delay_ms"),
    .headers = json_deep_copy (json_object_get (json, "headers")),
  };
  return rule;
}

bool
faults_set (const json_t *list, GError **error)
{
  GPtrArray *fresh = g_ptr_array_new_with_free_func (rule_free);
  json_t *item;
  size_t index;

  if (json_is_object (list))
    {
      Rule *rule = rule_new (list, error);

      if (rule != NULL)
        g_ptr_array_add (fresh, rule);
    }
  json_array_foreach (list, index, item)
    {
      Rule *rule = rule_new (item, error);

      if (rule == NULL)
        break;
      g_ptr_array_add (fresh, rule);
    }
  if (fresh->len != (json_is_object (list) ? 1 : json_array_size (list)))
    {
      g_ptr_array_unref (fresh);
      return false;
    }
  pthread_mutex_lock (&lock);
  g_ptr_array_unref (rules);
  rules = fresh;
  generation++;
  pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&lock);
  return true;
}

json_t *
faults_json (void)
{
  json_t *list = json_array ();

  pthread_mutex_lock (&lock);
  for (unsigned i = 0; i < rules->len; i++)
    {
      const Rule *rule = rules->pdata[i];

      json_array_append_new (list, json_pack ("{s:s, s:I, s:I, s:b}", "match", g_regex_get_pattern (rule->match),
                                              "seen", (json_int_t) rule->seen, "hits", (json_int_t) rule->hits,
                                              "used_up", rule->used_up));
    }
  pthread_mutex_unlock (&lock);
  return list;
}

/* Does the rule act on this request? Counts. Lock held. */
static bool
rule_acts (Rule *rule, const char *line)
{
  if (rule->used_up || !g_regex_match (rule->match, line, 0, NULL))
    return false;
  rule->seen++;
  if (rule->skip > 0)
    {
      rule->skip--;
      return false;
    }
  rule->hits++;
  rule->used_up = rule->count > 0 && rule->hits >= rule->count;
  return true;
}

void
faults_take (const Request *request, Fault *fault)
{
  g_autofree char *line = NULL;

  *fault = (Fault){ 0 };
  pthread_mutex_lock (&lock);
  if (rules->len > 0)
    line = g_strconcat (request->method, " ", request->path, *request->raw_query == '\0' ? NULL : "?",
                        request->raw_query, NULL);
  for (unsigned i = 0; i < rules->len && !fault->hit; i++)
    {
      Rule *rule = rules->pdata[i];

      if (!rule_acts (rule, line))
        continue;
      *fault = rule->fault;
      fault->code = g_strdup (fault->code);
      fault->body = g_strdup (fault->body);
      fault->headers = json_deep_copy (fault->headers);
    }
  fault->generation = generation;
  pthread_mutex_unlock (&lock);
}

static bool
has_hung_up (int fd)
{
  struct pollfd peer = { .fd = fd, .events = POLLRDHUP };

  return poll (&peer, 1, 0) == 1 && (peer.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static struct timespec
later (struct timespec time, int64_t ms)
{
  time.tv_sec += ms / 1000;
  time.tv_nsec += ms % 1000 * 1000000;
  time.tv_sec += time.tv_nsec / 1000000000;
  time.tv_nsec %= 1000000000;
  return time;
}

/* @fault NULL: a new set changes nothing. */
void
faults_wait (const Fault *fault, int64_t ms, int fd)
{
  int64_t left = ms;

  pthread_mutex_lock (&lock);
  while (left != 0 && !stopping && (fault == NULL || fault->generation == generation) && !has_hung_up (fd))
    {
      int64_t slice = left < 0 ? SLICE_MS : MIN (left, SLICE_MS);
      struct timespec now, end;

      clock_gettime (CLOCK_MONOTONIC, &now);
      end = later (now, slice);
      while (pthread_cond_timedwait (&changed, &lock, &end) != ETIMEDOUT)
        {
          if (stopping || (fault != NULL && fault->generation != generation))
            break;
        }
      if (left > 0)
        left -= slice;
    }
  pthread_mutex_unlock (&lock);
}
