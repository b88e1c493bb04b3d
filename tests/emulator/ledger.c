/* What the org's calls cost: the log of requests, the credits of a rolling day, the calls under way. */
#include "core.h"

#include <string.h>

enum
{
  LOG_LENGTH = 200000,
  MOST_BODY_KEPT = 256 * 1024,
  DAY_MINUTES = 24 * 60,
  SUB_CONCURRENCY = 10
};

typedef struct
{
  char *method;
  char *path;
  char *query;
  char *agent;
  char *body; /* JSON that was sent along; NULL: none, or too much to keep */
  time_t time;
  unsigned status; /* 0: under way */
  unsigned credits;
  double ms;
  bool rejected;
} Call;

typedef struct
{
  int64_t minute;
  int64_t credits;
} Minute;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static GQueue calls;                                     /* Call *, oldest first */
static uint64_t first_number;                            /* of the oldest call */
static GQueue spent;                                     /* Minute *, oldest first; the day's */
static int64_t spent_in_day;
static uint64_t requests, rejected, credits_total;
static unsigned in_flight, max_in_flight, heavy_in_flight, max_heavy;

static void
call_free (gpointer data)
{
  Call *call = data;

  g_free (call->method);
  g_free (call->path);
  g_free (call->query);
  g_free (call->agent);
  g_free (call->body);
  g_free (call);
}

void
ledger_start (void)
{
  g_queue_init (&calls);
  g_queue_init (&spent);
  first_number = 1;
}

void
ledger_reset (void)
{
  pthread_mutex_lock (&lock);
  first_number += calls.length;
  g_queue_clear_full (&calls, call_free);
  g_queue_clear_full (&spent, g_free);
  spent_in_day = 0;
  requests = rejected = credits_total = 0;
  max_in_flight = in_flight;
  max_heavy = heavy_in_flight;
  pthread_mutex_unlock (&lock);
}

void
ledger_stop (void)
{
  ledger_reset ();
}

static char *
body_to_keep (const Request *request)
{
  if (request->body_size == 0 || request->body_size > MOST_BODY_KEPT || request->body[0] != '{'
      || !g_utf8_validate (request->body, (gssize) request->body_size, NULL))
    return NULL;
  return g_strndup (request->body, request->body_size);
}

uint64_t
ledger_begin (const Request *request, time_t now, bool counted)
{
  Call *call = g_new0 (Call, 1);
  uint64_t number;

  *call = (Call){
    .method = g_strdup (request->method),
    .path = g_strdup (request->path),
    .query = g_strdup (request->raw_query),
    .agent = g_strdup (request_header (request, "user-agent")),
    .body = body_to_keep (request),
    .time = now,
  };
  pthread_mutex_lock (&lock);
  g_queue_push_tail (&calls, call);
  number = first_number + calls.length - 1;
  if (calls.length > LOG_LENGTH)
    {
      call_free (g_queue_pop_head (&calls));
      first_number++;
    }
  requests += counted;
  in_flight += counted;
  max_in_flight = MAX (max_in_flight, in_flight);
  pthread_mutex_unlock (&lock);
  return number;
}

void
ledger_end (uint64_t number, const Reply *reply, double ms, bool counted)
{
  Call *call;

  pthread_mutex_lock (&lock);
  in_flight -= counted;
  rejected += counted && reply->rejected;
  call = number < first_number ? NULL : g_queue_peek_nth (&calls, (unsigned) (number - first_number));
  if (call != NULL)
    {
      call->status = reply->status;
      call->credits = reply->credits;
      call->rejected = reply->rejected;
      call->ms = ms;
    }
  pthread_mutex_unlock (&lock);
}

/* Lock held. */
static void
forget_old (int64_t minute)
{
  Minute *oldest;

  while ((oldest = g_queue_peek_head (&spent)) != NULL && oldest->minute <= minute - DAY_MINUTES)
    {
      spent_in_day -= oldest->credits;
      g_free (g_queue_pop_head (&spent));
    }
}

bool
ledger_spend (Emulator *emulator, unsigned credits)
{
  int64_t most = setting_int (emulator, "credits", 0);
  int64_t minute = emulator_now (emulator) / 60;
  Minute *last;

  pthread_mutex_lock (&lock);
  forget_old (minute);
  if (most > 0 && spent_in_day + credits > most)
    {
      pthread_mutex_unlock (&lock);
      return false;
    }
  last = g_queue_peek_tail (&spent);
  if (last == NULL || last->minute != minute)
    {
      last = g_new0 (Minute, 1);
      last->minute = minute;
      g_queue_push_tail (&spent, last);
    }
  last->credits += credits;
  spent_in_day += credits;
  credits_total += credits;
  pthread_mutex_unlock (&lock);
  return true;
}

int64_t
ledger_remaining (Emulator *emulator, bool *half_used)
{
  int64_t most = setting_int (emulator, "credits", 0);
  int64_t used;

  pthread_mutex_lock (&lock);
  forget_old (emulator_now (emulator) / 60);
  used = spent_in_day;
  pthread_mutex_unlock (&lock);
  *half_used = most > 0 && 2 * used >= most;
  return most > 0 ? MAX (0, most - used) : -1;
}

bool
ledger_enter (Emulator *emulator, bool heavy)
{
  int64_t most = setting_int (emulator, "concurrency", 0);
  int64_t most_heavy = setting_int (emulator, "sub_concurrency", most > 0 ? SUB_CONCURRENCY : 0);
  bool free_place;

  pthread_mutex_lock (&lock);
  free_place = (most <= 0 || in_flight <= most) && (!heavy || most_heavy <= 0 || heavy_in_flight < most_heavy);
  if (free_place && heavy)
    {
      heavy_in_flight++;
      max_heavy = MAX (max_heavy, heavy_in_flight);
    }
  pthread_mutex_unlock (&lock);
  return free_place;
}

void
ledger_leave (bool heavy)
{
  pthread_mutex_lock (&lock);
  heavy_in_flight -= heavy;
  pthread_mutex_unlock (&lock);
}

json_t *
ledger_stats (Emulator *emulator)
{
  json_t *stats;
  bool half;
  int64_t remaining = ledger_remaining (emulator, &half);

  pthread_mutex_lock (&lock);
  stats = json_pack ("{s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:I, s:I}", "requests", (json_int_t) requests,
                     "rejected", (json_int_t) rejected, "credits", (json_int_t) credits_total, "credits_in_day",
                     (json_int_t) spent_in_day, "in_flight", (int) in_flight, "max_in_flight", (int) max_in_flight,
                     "heavy_in_flight", (int) heavy_in_flight, "max_heavy_in_flight", (int) max_heavy,
                     "credits_remaining", (json_int_t) remaining, "last_number",
                     (json_int_t) (first_number + calls.length - 1));
  pthread_mutex_unlock (&lock);
  return stats;
}

static void
write_text_or_null (GString *out, const char *text)
{
  if (text == NULL)
    g_string_append (out, "null");
  else
    json_write_text (out, text, -1);
}

static void
write_call (GString *out, const Call *call, uint64_t number, bool bodies)
{
  char time[32];

  format_time (call->time, time);
  g_string_append_printf (out, "{\"number\":%" G_GUINT64_FORMAT ",\"time\":\"%s\",\"method\":", number, time);
  json_write_text (out, call->method, -1);
  g_string_append (out, ",\"path\":");
  json_write_text (out, call->path, -1);
  g_string_append (out, ",\"query\":");
  json_write_text (out, call->query, -1);
  g_string_append_printf (out,
                          ",\"status\":%u,\"credits\":%u,\"ms\":%.3f,\"rejected\":%s,\"user_agent\":", call->status,
                          call->credits, call->ms, call->rejected ? "true" : "false");
  write_text_or_null (out, call->agent);
  if (bodies)
    {
      g_string_append (out, ",\"body\":");
      write_text_or_null (out, call->body);
    }
  g_string_append_c (out, '}');
}

GString *
ledger_requests (uint64_t since, bool bodies)
{
  GString *out = g_string_new ("[");
  uint64_t number;

  pthread_mutex_lock (&lock);
  number = first_number;
  for (GList *link = calls.head; link != NULL; link = link->next, number++)
    {
      if (number <= since)
        continue;
      if (out->len > 1)
        g_string_append (out, ",\n");
      write_call (out, link->data, number, bodies);
    }
  pthread_mutex_unlock (&lock);
  g_string_append (out, "]\n");
  return out;
}
