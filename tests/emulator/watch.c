/* Notifications: the channels of /actions/watch. A change of a record is told to each channel it concerns, at most once
 * and in order; what is sent is made in watch_send.c, while the change holds the write lock. */
#include "watch.h"

#include <string.h>

#include "handlers.h"
#include "payload.h"
#include "sender.h"

enum
{
  MOST_PER_CALL = 50,
  MOST_EVENTS = 50,
  MOST_FIELDS = 10,
  MOST_CHANNELS = 200, /* of the org; knob watch_channels */
  MOST_TOKEN = 50,
  DEFAULT_LIFE_S = 60 * 60,
  LONGEST_LIFE_S = 7 * 24 * 60 * 60
};

typedef enum
{
  METHOD_POST,
  METHOD_PUT,
  METHOD_PATCH
} Method;

static GPtrArray *channels; /* Channel; write lock */
static Sender *sender;

static void
channel_free (gpointer data)
{
  Channel *channel = data;

  g_free (channel->channel_id);
  g_free (channel->user_id);
  g_free (channel->base_url);
  g_free (channel->notify_url);
  g_free (channel->token);
  g_ptr_array_unref (channel->events);
  json_decref (channel->conditions);
  g_free (channel);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Channel, channel_free)

static Channel *
find_channel (Emulator *emulator, const char *id, const char *user_id)
{
  for (unsigned i = 0; i < channels->len; i++)
    {
      Channel *channel = channels->pdata[i];

      if (strcmp (channel->channel_id, id) == 0 && strcmp (channel->user_id, user_id) == 0
          && emulator_now (emulator) < channel->expiry)
        return channel;
    }
  return NULL;
}

static void
drop_expired (Emulator *emulator)
{
  for (unsigned i = channels->len; i > 0; i--)
    {
      const Channel *channel = channels->pdata[i - 1];

      if (emulator_now (emulator) >= channel->expiry)
        g_ptr_array_remove_index (channels, i - 1);
    }
}

/* ---- what a client sends ---- */

static json_t *
refuse_key (const char *code, const char *message, const char *path, const char *key, const char *type)
{
  json_t *details = detail_at (key, path);

  if (type != NULL)
    json_object_set_new (details, "expected_data_type", json_string (type));
  return entry_error (code, message, details);
}

static json_t *
invalid_key (const char *path, const char *key, const char *type)
{
  return refuse_key ("INVALID_DATA", "invalid data", path, key, type);
}

/* "Leads.edit": a module that takes notifications, and a verb. */
static bool
event_valid (Emulator *emulator, const char *event)
{
  static const char *const verbs[] = { "create", "edit", "delete", "all", NULL };
  static const char *const without[] = { "Notes", "Attachments", NULL };
  g_auto (GStrv) words = g_strsplit (event, ".", 2);
  const Module *module;

  if (g_strv_length (words) != 2 || !g_strv_contains (verbs, words[1]) || g_strv_contains (without, words[0]))
    return false;
  if (strcmp (event, "Users.all") == 0)
    return true;
  module = schema_module (emulator, words[0]);
  return module != NULL && module->api_supported && !g_str_has_suffix (module->generated_type, "subform");
}

static json_t *
take_events (Emulator *emulator, const json_t *row, const char *path, Channel *channel)
{
  const json_t *events = json_object_get (row, "events");
  json_t *event;
  size_t index;

  if (!json_is_array (events) || json_array_size (events) == 0)
    return invalid_key (path, "events", "jsonarray");
  if (json_array_size (events) > MOST_EVENTS)
    {
      json_t *details = detail_at ("events", path);

      json_object_set_new (details, "maximum_length", json_integer (MOST_EVENTS));
      return entry_error ("INVALID_DATA", "invalid data", details);
    }
  g_ptr_array_set_size (channel->events, 0);
  json_array_foreach (events, index, event)
    {
      g_autofree char *key = g_strdup_printf ("events[%zu]", index);

      if (!json_is_string (event) || !event_valid (emulator, json_string_value (event)))
        return invalid_key (path, key, NULL);
      g_ptr_array_add (channel->events, g_strdup (json_string_value (event)));
    }
  return NULL;
}

static json_t *
take_url (const json_t *row, const char *path, Channel *channel)
{
  const char *url = member_text (row, "notify_url");

  if (url == NULL || !sender_url_valid (url))
    return invalid_key (path, "notify_url", NULL);
  g_free (channel->notify_url);
  channel->notify_url = g_strdup (url);
  return NULL;
}

static json_t *
take_token (const json_t *row, const char *path, Channel *channel)
{
  const json_t *token = json_object_get (row, "token");
  json_t *details;

  g_clear_pointer (&channel->token, g_free);
  if (json_is_null (token))
    return NULL;
  if (!json_is_string (token))
    return invalid_key (path, "token", "string");
  if (g_utf8_strlen (json_string_value (token), -1) <= MOST_TOKEN)
    {
      channel->token = g_strdup (json_string_value (token));
      return NULL;
    }
  details = detail_at ("token", path);
  json_object_set_new (details, "maximum_length", json_integer (MOST_TOKEN));
  return entry_error ("INVALID_DATA", "invalid data", details);
}

/* More than a week ahead counts as not said: an hour. Fractions of seconds are not taken. */
static json_t *
take_expiry (Emulator *emulator, const json_t *row, const char *path, Channel *channel)
{
  const json_t *expiry = json_object_get (row, "channel_expiry");
  const char *text = json_string_value (expiry);
  time_t now = emulator_now (emulator);
  time_t time;

  channel->expiry = now + DEFAULT_LIFE_S;
  if (expiry == NULL || json_is_null (expiry))
    return NULL;
  if (text == NULL || strchr (text, '.') != NULL || !parse_time (text, &time) || time <= now)
    return invalid_key (path, "channel_expiry", "datetime");
  if (time - now <= LONGEST_LIFE_S)
    channel->expiry = time;
  return NULL;
}

static json_t *
take_flag (const json_t *row, const char *path, const char *key, bool *flag)
{
  const json_t *value = json_object_get (row, key);

  if (!json_is_boolean (value))
    return invalid_key (path, key, "boolean");
  *flag = json_is_true (value);
  return NULL;
}

/* How many fields a selection names; -1: one of them is not of the module, or it is no selection. */
static int
count_fields (const Module *module, const json_t *selection, unsigned depth)
{
  const json_t *group = json_object_get (selection, "group");
  const char *operator = member_text (selection, "group_operator");
  const char *name = member_text (json_object_get (selection, "field"), "api_name");
  json_t *member;
  size_t index;
  int count = 0;

  if (group == NULL)
    return name != NULL && module_field (module, name) != NULL ? 1 : -1;
  if (depth > 2 || json_array_size (group) == 0 || operator == NULL
      || (strcmp (operator, "or") != 0 && strcmp (operator, "and") != 0))
    return -1;
  json_array_foreach (group, index, member)
    {
      int more = count_fields (module, member, depth + 1);

      if (more < 0 || count > MOST_FIELDS)
        return -1;
      count += more;
    }
  return count;
}

static json_t *
take_conditions (Emulator *emulator, const json_t *row, const char *path, Channel *channel)
{
  const json_t *conditions = json_object_get (row, "notification_condition");
  json_t *condition;
  size_t index;
  int count = 0;

  json_decref (channel->conditions);
  channel->conditions = NULL;
  if (json_is_null (conditions))
    return NULL;
  if (!json_is_array (conditions))
    return invalid_key (path, "notification_condition", "jsonarray");
  json_array_foreach (conditions, index, condition)
    {
      const char *name = member_text (json_object_get (condition, "module"), "api_name");
      const Module *module = name == NULL ? NULL : schema_module (emulator, name);
      int more = module == NULL || g_strcmp0 (member_text (condition, "type"), "field_selection") != 0
                   ? -1 : count_fields (module, json_object_get (condition, "field_selection"), 0);

      if (more < 0 || (count += more) > MOST_FIELDS)
        return invalid_key (path, "notification_condition", NULL);
    }
  channel->conditions = json_deep_copy (conditions);
  return NULL;
}

/* Puts what @row says into @channel. Keys of a PATCH that are absent stay as they are. NULL: good. */
static json_t *
take_row (Emulator *emulator, const json_t *row, const char *path, Method method, Channel *channel)
{
  static const char *const mandatory[] = { "events", "notify_url" };
  json_t *refusal = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (mandatory) && method != METHOD_PATCH; i++)
    {
      if (json_object_get (row, mandatory[i]) == NULL)
        return refuse_key ("MANDATORY_NOT_FOUND", "required field not found", path, mandatory[i], NULL);
    }
  if (json_object_get (row, "events") != NULL)
    refusal = take_events (emulator, row, path, channel);
  if (refusal == NULL && json_object_get (row, "notify_url") != NULL)
    refusal = take_url (row, path, channel);
  if (refusal == NULL && json_object_get (row, "token") != NULL)
    refusal = take_token (row, path, channel);
  if (refusal == NULL && (method != METHOD_PATCH || json_object_get (row, "channel_expiry") != NULL))
    refusal = take_expiry (emulator, row, path, channel);
  if (refusal == NULL && json_object_get (row, "notify_on_related_action") != NULL)
    refusal = take_flag (row, path, "notify_on_related_action", &channel->related);
  if (refusal == NULL && json_object_get (row, "return_affected_field_values") != NULL)
    refusal = take_flag (row, path, "return_affected_field_values", &channel->values);
  if (refusal == NULL && json_object_get (row, "notification_condition") != NULL)
    refusal = take_conditions (emulator, row, path, channel);
  return refusal;
}

static Channel *
channel_new (const Request *request, const char *id)
{
  const char *host = request_header (request, "host");
  Channel *channel = g_new0 (Channel, 1);

  channel->channel_id = g_strdup (id);
  channel->user_id = g_strdup (request->user_id);
  channel->base_url = g_strdup_printf ("http://%s", host == NULL || strlen (host) > 100 ? "127.0.0.1" : host);
  channel->events = g_ptr_array_new_with_free_func (g_free);
  channel->related = true;
  return channel;
}

static Channel *
channel_copy (const Channel *channel)
{
  Channel *copy = g_new0 (Channel, 1);

  *copy = *channel;
  copy->channel_id = g_strdup (channel->channel_id);
  copy->user_id = g_strdup (channel->user_id);
  copy->base_url = g_strdup (channel->base_url);
  copy->notify_url = g_strdup (channel->notify_url);
  copy->token = g_strdup (channel->token);
  copy->events = g_ptr_array_new_with_free_func (g_free);
  for (unsigned i = 0; i < channel->events->len; i++)
    g_ptr_array_add (copy->events, g_strdup (channel->events->pdata[i]));
  copy->conditions = json_incref (channel->conditions);
  return copy;
}

/* ---- what is shown ---- */

static char *
event_module (const char *event)
{
  return g_strndup (event, strcspn (event, "."));
}

/* The modules a channel hears of, in the order of its events; char *. */
static GPtrArray *
channel_modules (const Channel *channel)
{
  GPtrArray *modules = g_ptr_array_new_with_free_func (g_free);

  for (unsigned i = 0; i < channel->events->len; i++)
    {
      char *module = event_module (channel->events->pdata[i]);

      if (g_ptr_array_find_with_equal_func (modules, module, g_str_equal, NULL))
        g_free (module);
      else
        g_ptr_array_add (modules, module);
    }
  return modules;
}

/* What all answers say of a channel's module; new. */
static json_t *
resource_json (Emulator *emulator, const Channel *channel, const char *name)
{
  const Module *module = schema_module (emulator, name);
  g_autofree char *uri = channel_resource (channel, name);
  char expiry[32];

  format_time (channel->expiry, expiry);
  return json_pack ("{s:s, s:s, s:s, s:s, s:s}", "channel_expiry", expiry, "resource_uri", uri, "resource_id",
                    module == NULL ? "" : module->id, "resource_name", name, "channel_id", channel->channel_id);
}

static json_t *
saved_entry (Emulator *emulator, const Channel *channel)
{
  g_autoptr (GPtrArray) modules = channel_modules (channel);
  json_t *events = json_array ();

  for (unsigned i = 0; i < modules->len; i++)
    json_array_append_new (events, resource_json (emulator, channel, modules->pdata[i]));
  return entry_success ("Successfully subscribed for actions-watch of the given module",
                        json_pack ("{s:o}", "events", events));
}

static json_t *
shown_channel (Emulator *emulator, const Channel *channel, const char *module)
{
  json_t *shown = resource_json (emulator, channel, module);
  json_t *events = json_array ();

  for (unsigned i = 0; i < channel->events->len; i++)
    {
      g_autofree char *name = event_module (channel->events->pdata[i]);

      if (strcmp (name, module) == 0)
        json_array_append_new (events, json_string (channel->events->pdata[i]));
    }
  json_object_set_new (shown, "events", events);
  json_object_set_new (shown, "notify_url", json_string (channel->notify_url));
  json_object_set_new (shown, "token", channel->token == NULL ? json_null () : json_string (channel->token));
  json_object_set_new (shown, "fields", json_null ());
  json_object_set_new (shown, "notify_on_related_action", json_boolean (channel->related));
  json_object_set_new (shown, "return_affected_field_values", json_boolean (channel->values));
  json_object_set (shown, "notification_condition",
                   channel->conditions == NULL ? json_null () : channel->conditions);
  return shown;
}

/* ---- the calls ---- */

/* PATCH with "_delete_events": takes the listed events away, and with the last one the channel. */
static json_t *
delete_events (Emulator *emulator, const json_t *row, const char *path, Channel *channel)
{
  g_autoptr (Channel) listed = channel_copy (channel);
  json_t *refusal = take_events (emulator, row, path, listed);
  json_t *entry;

  if (refusal != NULL)
    return refusal;
  for (unsigned i = 0; i < listed->events->len; i++)
    {
      unsigned index;

      if (g_ptr_array_find_with_equal_func (channel->events, listed->events->pdata[i], g_str_equal, &index))
        g_ptr_array_remove_index (channel->events, index);
    }
  entry = saved_entry (emulator, listed);
  if (channel->events->len == 0)
    g_ptr_array_remove (channels, channel);
  return entry;
}

static json_t *
not_subscribed (const char *path)
{
  return refuse_key ("NOT_SUBSCRIBED", "the channel is not subscribed", path, "channel_id", NULL);
}

static json_t *
save_row (Emulator *emulator, const Request *request, const json_t *row, const char *path, Method method)
{
  uint64_t number;
  char id[24];
  Channel *old;
  g_autoptr (Channel) channel = NULL;
  json_t *refusal;

  if (!json_is_object (row))
    return invalid_key (path, "watch", "jsonobject");
  if (json_object_get (row, "channel_id") == NULL)
    return refuse_key ("MANDATORY_NOT_FOUND", "required field not found", path, "channel_id", NULL);
  if (!json_id (json_object_get (row, "channel_id"), &number) || number > INT64_MAX)
    return invalid_key (path, "channel_id", "bigint");
  old = find_channel (emulator, format_id (number, id), request->user_id);
  if (old == NULL && method != METHOD_POST)
    return not_subscribed (path);
  if (method == METHOD_PATCH && json_is_true (json_object_get (row, "_delete_events")))
    return delete_events (emulator, row, path, old);
  if (old == NULL && channels->len >= setting_int (emulator, "watch_channels", MOST_CHANNELS))
    return entry_error ("LIMIT_REACHED", "no more channels can be subscribed", NULL);
  channel = method == METHOD_PATCH ? channel_copy (old) : channel_new (request, id);
  refusal = take_row (emulator, row, path, method, channel);
  if (refusal != NULL)
    return refusal;
  if (old != NULL)
    g_ptr_array_remove (channels, old);
  g_ptr_array_add (channels, channel);
  return saved_entry (emulator, g_steal_pointer (&channel));
}

static json_t *
unknown_key (const json_t *row, const char *path)
{
  static const char *const known[] = { "channel_id", "events", "notify_url", "token", "channel_expiry",
                                       "notify_on_related_action", "return_affected_field_values",
                                       "notification_condition", "_delete_events", NULL };
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) row, key, value)
    {
      if (!g_strv_contains (known, key))
        return invalid_key (path, key, NULL);
    }
  return NULL;
}

static void
save_rows (Emulator *emulator, const Request *request, Reply *reply, Method method)
{
  static const char *const none[] = { NULL };
  json_t *rows = payload_rows (emulator, request, reply, "watch", none, MOST_PER_CALL, "INVALID_DATA");
  json_t *entries;
  json_t *row;
  size_t index;

  if (rows == NULL)
    return;
  drop_expired (emulator);
  entries = json_array ();
  json_array_foreach (rows, index, row)
    {
      g_autofree char *path = g_strdup_printf ("$.watch[%zu]", index);
      json_t *entry = unknown_key (row, path);

      if (entry == NULL)
        entry = save_row (emulator, request, row, path, method);
      json_array_append_new (entries, entry);
    }
  reply_entries (reply, "watch", entries, method == METHOD_POST ? 201 : 200);
}

static void
handle_subscribe (Emulator *emulator, const Request *request, Reply *reply)
{
  save_rows (emulator, request, reply, METHOD_POST);
}

static void
handle_replace (Emulator *emulator, const Request *request, Reply *reply)
{
  save_rows (emulator, request, reply, METHOD_PUT);
}

static void
handle_patch (Emulator *emulator, const Request *request, Reply *reply)
{
  save_rows (emulator, request, reply, METHOD_PATCH);
}

/* A query parameter that is a number from 1 to @most. false: refused. */
static bool
take_number (const Request *request, Reply *reply, const char *name, unsigned most, unsigned *number)
{
  const char *text = request_query (request, name);
  guint64 value;

  if (text == NULL)
    return true;
  if (g_ascii_string_to_unsigned (text, 10, 1, most, &value, NULL))
    {
      *number = (unsigned) value;
      return true;
    }
  reply_error (reply, 400, "INVALID_DATA", "invalid data",
               json_pack ("{s:s, s:s}", "param_name", name, "expected_data_type", "integer"));
  return false;
}

/* All rows that the filters let through: one per channel and module; new. */
static json_t *
list_channels (Emulator *emulator, const Request *request)
{
  const char *id = request_query (request, "channel_id");
  const char *module = request_query (request, "module");
  json_t *rows = json_array ();

  for (unsigned i = 0; i < channels->len; i++)
    {
      const Channel *channel = channels->pdata[i];
      g_autoptr (GPtrArray) modules = channel_modules (channel);

      if (emulator_now (emulator) >= channel->expiry || strcmp (channel->user_id, request->user_id) != 0
          || (id != NULL && strcmp (channel->channel_id, id) != 0))
        continue;
      for (unsigned k = 0; k < modules->len; k++)
        {
          if (module == NULL || strcmp (modules->pdata[k], module) == 0)
            json_array_append_new (rows, shown_channel (emulator, channel, modules->pdata[k]));
        }
    }
  return rows;
}

static void
handle_list (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *module = request_query (request, "module");
  json_auto_t *rows = NULL;
  json_t *page_rows;
  unsigned page = 1;
  unsigned per_page = 200;
  size_t first;

  if (module != NULL && schema_module (emulator, module) == NULL && strcmp (module, "Users") != 0)
    {
      reply_error (reply, 400, "INVALID_MODULE", "the module name given seems to be invalid",
                   json_pack ("{s:s}", "api_name", "module"));
      return;
    }
  if (!take_number (request, reply, "page", 100000, &page)
      || !take_number (request, reply, "per_page", 200, &per_page))
    return;
  rows = list_channels (emulator, request);
  first = (size_t) (page - 1) * per_page;
  page_rows = json_array ();
  for (size_t i = first; i < json_array_size (rows) && i < first + per_page; i++)
    json_array_append (page_rows, json_array_get (rows, i));
  if (json_array_size (page_rows) == 0)
    {
      json_decref (page_rows);
      reply_empty (reply, 204);
      return;
    }
  reply_json (reply, 200,
              json_pack ("{s:o, s:{s:i, s:i, s:i, s:b}}", "watch", page_rows, "info", "per_page", (int) per_page,
                         "count", (int) json_array_size (page_rows), "page", (int) page, "more_records",
                         json_array_size (rows) > first + per_page));
}

static json_t *
unsubscribe (Emulator *emulator, const Request *request, const char *id)
{
  Channel *channel = find_channel (emulator, id, request->user_id);
  g_autoptr (GPtrArray) modules = NULL;
  json_t *details;

  if (channel == NULL)
    return entry_error ("NOT_SUBSCRIBED", "the channel is not subscribed",
                        json_pack ("{s:s}", "api_name", "channel_ids"));
  modules = channel_modules (channel);
  details = resource_json (emulator, channel, modules->pdata[0]);
  json_object_del (details, "channel_expiry");
  json_object_del (details, "resource_name");
  g_ptr_array_remove (channels, channel);
  return entry_success ("Successfully un-subscribed from actions-watch", details);
}

static void
handle_unsubscribe (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *ids = request_query (request, "channel_ids");
  g_auto (GStrv) words = ids == NULL ? NULL : g_strsplit (ids, ",", MOST_PER_CALL + 1);
  json_t *entries;

  if (ids == NULL || *ids == '\0')
    {
      reply_error (reply, 400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
                   json_pack ("{s:s}", "param_name", "channel_ids"));
      return;
    }
  if (g_strv_length (words) > MOST_PER_CALL)
    {
      reply_error (reply, 400, "LIMIT_EXCEEDED", "limit exceeded",
                   json_pack ("{s:s, s:i}", "param_name", "channel_ids", "limit", MOST_PER_CALL));
      return;
    }
  entries = json_array ();
  for (char **word = words; *word != NULL; word++)
    json_array_append_new (entries, unsubscribe (emulator, request, g_strstrip (*word)));
  reply_entries (reply, "watch", entries, 200);
}

/* Write lock held: a record changed. */
static void
tell_channels (Emulator *emulator, Module *module, const char *operation, uint64_t id, json_t *changed, void *unused)
{
  for (unsigned i = 0; channels != NULL && i < channels->len; i++)
    {
      const Channel *channel = channels->pdata[i];
      json_t *message = watch_message (emulator, channel, module, operation, id, changed);

      if (message != NULL)
        sender_post (sender, channel->notify_url, message, 0);
    }
}

void
watch_start (Emulator *emulator)
{
  channels = g_ptr_array_new_with_free_func (channel_free);
  sender = sender_new ();
  store_listen (emulator, tell_channels, NULL);
}

void
watch_stop (Emulator *emulator)
{
  g_clear_pointer (&channels, g_ptr_array_unref);
  g_clear_pointer (&sender, sender_free);
}

const Route watch_routes[] = {
  { "POST", "actions/watch", "notifications.CREATE", 1, ROUTE_WRITES, NULL, handle_subscribe },
  { "PUT", "actions/watch", "notifications.UPDATE", 1, ROUTE_WRITES, NULL, handle_replace },
  { "PATCH", "actions/watch", "notifications.UPDATE", 1, ROUTE_WRITES, NULL, handle_patch },
  { "GET", "actions/watch", "notifications.READ", 1, 0, "channel_id,module,page,per_page", handle_list },
  { "DELETE", "actions/watch", "notifications.DELETE", 1, ROUTE_WRITES, "channel_ids", handle_unsubscribe },
  { 0 },
};
