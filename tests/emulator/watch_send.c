/* Turns the change of a record into what its subscribers are sent. The verbs are not those they subscribed with. */
#include "watch.h"

#include <string.h>

#include "payload.h"

static const struct
{
  const char *operation; /* in the message */
  const char *event;     /* subscribed to */
} verbs[] = { { "insert", "create" }, { "update", "edit" }, { "delete", "delete" } };

char *
channel_resource (const Channel *channel, const char *module)
{
  return g_strdup_printf ("%s/crm/v8/%s", channel->base_url, module);
}

static bool
is_subscribed (const Channel *channel, const Module *module, const char *operation)
{
  g_autofree char *all = g_strdup_printf ("%s.all", module->api_name);
  g_autofree char *one = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      if (strcmp (verbs[i].operation, operation) == 0)
        one = g_strdup_printf ("%s.%s", module->api_name, verbs[i].event);
    }
  for (unsigned i = 0; i < channel->events->len; i++)
    {
      const char *event = channel->events->pdata[i];

      if (strcmp (event, all) == 0 || g_strcmp0 (event, one) == 0)
        return true;
    }
  return false;
}

/* The names of the changed fields; new. */
static json_t *
field_names (const json_t *changed)
{
  json_t *names = json_array ();
  const char *key;
  json_t *value;
  size_t index;

  json_array_foreach (changed, index, value)
    json_array_append (names, value);
  json_object_foreach ((json_t *) changed, key, value)
    json_array_append_new (names, json_string (key));
  return names;
}

static bool
has_name (const json_t *names, const char *name)
{
  json_t *each;
  size_t index;

  json_array_foreach (names, index, each)
    {
      if (g_strcmp0 (json_string_value (each), name) == 0)
        return true;
    }
  return false;
}

/* One field, or a group of them. */
static bool
selects (const json_t *selection, const json_t *names)
{
  const json_t *group = json_object_get (selection, "group");
  bool any = g_strcmp0 (member_text (selection, "group_operator"), "or") == 0;
  const char *name = member_text (json_object_get (selection, "field"), "api_name");
  json_t *member;
  size_t index;

  if (!json_is_array (group))
    return name != NULL && has_name (names, name);
  json_array_foreach (group, index, member)
    {
      if (selects (member, names) == any)
        return any;
    }
  return !any;
}

/* Conditions sift edits only. */
static bool
meets_conditions (const Channel *channel, const Module *module, const json_t *names)
{
  json_t *condition;
  size_t index;

  json_array_foreach (channel->conditions, index, condition)
    {
      if (g_strcmp0 (member_text (json_object_get (condition, "module"), "api_name"), module->api_name) == 0
          && !selects (json_object_get (condition, "field_selection"), names))
        return false;
    }
  return true;
}

/* "a=1&b=2" after the question mark; new. */
static json_t *
query_params (const char *url)
{
  const char *query = strchr (url, '?');
  g_auto (GStrv) pairs = query == NULL ? NULL : g_strsplit (query + 1, "&", 0);
  json_t *params = json_object ();

  for (char **pair = pairs; pair != NULL && *pair != NULL; pair++)
    {
      g_auto (GStrv) sides = g_strsplit (*pair, "=", 2);
      g_autofree char *name = sides[0] == NULL ? NULL : g_uri_unescape_string (sides[0], NULL);
      g_autofree char *value = sides[0] == NULL || sides[1] == NULL ? NULL : g_uri_unescape_string (sides[1], NULL);

      if (name != NULL && *name != '\0' && g_utf8_validate (name, -1, NULL)
          && (value == NULL || g_utf8_validate (value, -1, NULL)))
        json_object_set_new (params, name, json_string (value == NULL ? "" : value));
    }
  return params;
}

static json_t *
affected_values (Emulator *emulator, const Module *module, uint64_t id, const char *text, const json_t *names)
{
  json_auto_t *record = store_get (emulator, module, id);
  json_t *values = json_object ();
  json_t *name;
  size_t index;

  json_array_foreach (names, index, name)
    {
      json_t *value = json_object_get (record, json_string_value (name));

      json_object_set (values, json_string_value (name), value == NULL ? json_null () : value);
    }
  return json_pack ("[{s:s, s:o}]", "record_id", text, "values", values);
}

json_t *
watch_message (Emulator *emulator, const Channel *channel, const Module *module, const char *operation, uint64_t id,
               const json_t *changed)
{
  json_auto_t *names = field_names (changed);
  g_autofree char *resource = channel_resource (channel, module->api_name);
  char text[24];
  json_t *message;

  if (emulator_now (emulator) >= channel->expiry || !is_subscribed (channel, module, operation)
      || (strcmp (operation, "update") == 0 && !meets_conditions (channel, module, names)))
    return NULL;
  format_id (id, text);
  message = json_pack ("{s:I, s:s, s:s, s:[s], s:s, s:s, s:s?, s:o, s:[{s:O}]}", "server_time",
                       (json_int_t) emulator_now (emulator) * 1000, "module", module->api_name, "resource_uri",
                       resource, "ids", text, "operation", operation, "channel_id", channel->channel_id, "token",
                       channel->token, "query_params", query_params (channel->notify_url), "affected_fields", text, names);
  if (channel->values)
    json_object_set_new (message, "affected_values", affected_values (emulator, module, id, text, names));
  return message;
}
