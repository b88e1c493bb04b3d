/* A change seen in the CRM as one line of JSON. "time" is when it was seen, so it never goes back from line to line;
 * "modified" is the record's own time. */
#include "app/events.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static const char *
word_of (StoreEventKind kind)
{
  switch (kind) /* no default: the compiler names a forgotten kind */
    {
    case STORE_EVENT_CREATED:
      return "created";
    case STORE_EVENT_CHANGED:
      return "changed";
    case STORE_EVENT_RENAMED:
      return "renamed";
    case STORE_EVENT_DELETED:
      return "deleted";
    case STORE_EVENT_RESTORED:
      return "restored";
    }
  return "changed";
}

static json_t *
time_of (int64_t seconds)
{
  char text[CLOCK_TIME_SIZE];

  if (seconds <= 0)
    return json_null ();
  clock_format_time (seconds, text);
  return json_string (text);
}

static json_t *
fields_of (const char *const *names)
{
  json_t *fields;

  if (names == NULL)
    return json_null ();
  fields = json_array ();
  for (; *names != NULL; names++)
    json_array_append_new (fields, json_from_text (*names));
  return fields;
}

void
events_add (void *events, const StoreEvent *event)
{
  g_autoptr (json_t) line = json_object ();
  char id[24];

  snprintf (id, sizeof id, "%" PRIu64, event->id);
  json_object_set_new (line, "time", time_of (clock_wall_s ()));
  json_object_set_new (line, "module", json_from_text (store_module_name (event->module)));
  json_object_set_new (line, "id", json_string (id));
  json_object_set_new (line, "what", json_string (word_of (event->kind)));
  json_object_set_new (line, "name", json_from_text (event->name));
  json_object_set_new (line, "fields", fields_of (event->fields));
  json_object_set_new (line, "modified", time_of (event->modified_s));
  jsonl_append (events, line);
}
