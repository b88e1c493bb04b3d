/* One workflow rule, from the knob "workflow", a JSON text:
 *
 *   {"module":"Deals", "when_field":"Stage", "set_field":"Next_Step", "value":"Call", "delay_s":1}
 *
 * After a client saved when_field (any field, without it), the system sets set_field to value: before the next request
 * when delay_s is absent or 0, else so many seconds later by the emulator's clock. A change by the rule triggers no
 * rule. */
#include "workflow.h"

#include <string.h>

#include "core.h"
#include "payload.h"

enum
{
  LOOK_MS = 20 /* how often the clock, which tests may move, is looked at while something waits */
};

typedef struct
{
  char *module;
  uint64_t id;
  json_t *values;
  time_t due;
} Change;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows; the emulator's lock is taken first */
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;   /* a change waits, or it is time to stop */
static GPtrArray *waiting;                               /* Change *, in the order of saving */
static bool stopping;
static pthread_t thread;

static void
change_free (gpointer data)
{
  Change *change = data;

  g_free (change->module);
  json_decref (change->values);
  g_free (change);
}

static json_t *
rule_read (Emulator *emulator)
{
  g_autofree char *text = setting_text (emulator, "workflow");

  return text == NULL ? NULL : json_read (text, strlen (text));
}

static bool
rule_applies (const json_t *rule, const Module *module, const json_t *values)
{
  const char *when = member_text (rule, "when_field");

  return g_strcmp0 (member_text (rule, "module"), module->api_name) == 0
         && (when == NULL || json_object_get (values, when) != NULL);
}

static void
wait_for (const Module *module, uint64_t id, json_t *values, time_t due)
{
  Change *change = g_new0 (Change, 1);

  change->module = g_strdup (module->api_name);
  change->id = id;
  change->values = values;
  change->due = due;
  pthread_mutex_lock (&lock);
  g_ptr_array_add (waiting, change);
  pthread_cond_signal (&news);
  pthread_mutex_unlock (&lock);
}

void
workflow_saved (Emulator *emulator, Module *module, uint64_t id, const json_t *values)
{
  json_auto_t *rule = rule_read (emulator);
  const char *field = member_text (rule, "set_field");
  json_int_t delay = json_integer_value (json_object_get (rule, "delay_s"));
  json_t *set;

  if (field == NULL || module_field (module, field) == NULL || !rule_applies (rule, module, values))
    return;
  set = json_pack ("{s:O?}", field, json_object_get (rule, "value"));
  if (delay > 0)
    wait_for (module, id, set, emulator_now (emulator) + delay);
  else
    store_set (emulator, module, id, set, NULL, true);
}

/* The first change that is due by @now, taken out; NULL: none. */
static Change *
take_due (time_t now)
{
  Change *found = NULL;

  pthread_mutex_lock (&lock);
  for (unsigned i = 0; i < waiting->len && found == NULL; i++)
    {
      if (((Change *) waiting->pdata[i])->due <= now)
        found = g_ptr_array_steal_index (waiting, i);
    }
  pthread_mutex_unlock (&lock);
  return found;
}

void
workflow_run (Emulator *emulator)
{
  time_t now = emulator_now (emulator);
  Change *change;

  while ((change = take_due (now)) != NULL)
    {
      Module *module = schema_module (emulator, change->module);

      if (module != NULL && store_exists (emulator, module, change->id))
        store_set (emulator, module, change->id, json_incref (change->values), NULL, true);
      change_free (change);
    }
}

/* Waits until something is there to look at. False: time to stop. */
static bool
wait_for_news (void)
{
  struct timespec until;
  bool going;

  pthread_mutex_lock (&lock);
  while (waiting->len == 0 && !stopping)
    pthread_cond_wait (&news, &lock);
  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_nsec += LOOK_MS * 1000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  if (!stopping)
    pthread_cond_timedwait (&news, &lock, &until);
  going = !stopping;
  pthread_mutex_unlock (&lock);
  return going;
}

static bool
any_due (time_t now)
{
  bool any = false;

  pthread_mutex_lock (&lock);
  for (unsigned i = 0; i < waiting->len; i++)
    any = any || ((Change *) waiting->pdata[i])->due <= now;
  pthread_mutex_unlock (&lock);
  return any;
}

static void *
run (void *data)
{
  Emulator *emulator = data;

  while (wait_for_news ())
    {
      if (!any_due (emulator_now (emulator)))
        continue;
      pthread_rwlock_wrlock (&emulator->lock);
      workflow_run (emulator);
      pthread_rwlock_unlock (&emulator->lock);
    }
  return NULL;
}

void
workflow_start (Emulator *emulator)
{
  waiting = g_ptr_array_new_with_free_func (change_free);
  stopping = false;
  pthread_create (&thread, NULL, run, emulator);
}

void
workflow_stop (Emulator *emulator)
{
  pthread_mutex_lock (&lock);
  stopping = true;
  pthread_cond_signal (&news);
  pthread_mutex_unlock (&lock);
  pthread_join (thread, NULL);
  g_clear_pointer (&waiting, g_ptr_array_unref);
}
