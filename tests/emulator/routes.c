/* From a request to its handler: finding the route, and all that Zoho checks before a handler sees the call: token,
 * scope, parameters, module, credits, concurrency. */
#include "core.h"

#include <string.h>

#include "handlers.h"

enum
{
  MOST_SEGMENTS = 12,
  ROWS_PER_CREDIT = 10
};

static const Route *const families[] = {
  metadata_routes, read_routes, search_routes, coql_routes, write_routes, notes_routes, bulk_routes, watch_routes,
};

typedef struct
{
  const Route *route;
  unsigned count;
  char *segments[MOST_SEGMENTS];
} Pattern;

typedef struct
{
  const Route *route;
  bool wrong_method; /* the path is known with another method */
  bool wrong_module; /* it would be, if there were such a module */
} Match;

static GArray *patterns; /* Pattern, in order */

void
routes_start (void)
{
  patterns = g_array_new (FALSE, TRUE, sizeof (Pattern));
  for (unsigned i = 0; i < G_N_ELEMENTS (families); i++)
    {
      for (const Route *route = families[i]; route->method != NULL; route++)
        {
          g_auto (GStrv) parts = g_strsplit (route->pattern, "/", MOST_SEGMENTS);
          Pattern pattern = { .route = route };

          for (char **part = parts; *part != NULL; part++)
            pattern.segments[pattern.count++] = g_strdup (*part);
          g_array_append_val (patterns, pattern);
        }
    }
}

void
routes_stop (void)
{
  for (unsigned i = 0; i < patterns->len; i++)
    {
      Pattern *pattern = &g_array_index (patterns, Pattern, i);

      for (unsigned j = 0; j < pattern->count; j++)
        g_free (pattern->segments[j]);
    }
  g_array_unref (patterns);
}

/* ---- matching ---------------------------------------------------------------------------------------------------- */

/* Words that start a path of their own: never a module's name. */
static bool
is_reserved (const char *segment)
{
  static const char *const reserved[]
      = { "settings", "org", "users", "coql", "files", "actions", "read", "write", "upload", "__composite_requests",
          NULL };

  return g_strv_contains (reserved, segment);
}

static bool
is_callable (Emulator *emulator, const char *name)
{
  const Module *module = schema_module (emulator, name);

  return module != NULL && module->api_supported;
}

/* How many segments are literal; -1: no match. */
static int
literals (Emulator *emulator, const Pattern *pattern, const GPtrArray *segments, bool *wrong_module)
{
  int count = 0;
  bool known = true;

  if (pattern->count != segments->len)
    return -1;
  for (unsigned i = 0; i < pattern->count; i++)
    {
      const char *wanted = pattern->segments[i];
      const char *segment = segments->pdata[i];

      if (*wanted != '{')
        {
          if (strcmp (wanted, segment) != 0)
            return -1;
          count++;
        }
      else if (strcmp (wanted, "{module}") == 0 && !is_callable (emulator, segment))
        {
          if (is_reserved (segment))
            return -1;
          known = false;
        }
    }
  if (known)
    return count;
  *wrong_module = true;
  return -1;
}

static Match
find_route (Emulator *emulator, const Request *request, bool bulk)
{
  Match match = { 0 };
  int best = -1;

  for (unsigned i = 0; i < patterns->len; i++)
    {
      const Pattern *pattern = &g_array_index (patterns, Pattern, i);
      int count;

      if (((pattern->route->flags & ROUTE_BULK) != 0) != bulk)
        continue;
      count = literals (emulator, pattern, request->segments, &match.wrong_module);
      if (count < 0)
        continue;
      if (strcmp (pattern->route->method, request->method) != 0)
        {
          match.wrong_method = true;
          continue;
        }
      if (count > best)
        {
          best = count;
          match.route = pattern->route;
        }
    }
  return match;
}

static void
refuse_path (Emulator *emulator, const Match *match, Reply *reply)
{
  if (match->wrong_method)
    reply_error (reply, (unsigned) setting_int (emulator, "method_status", 405), "INVALID_REQUEST_METHOD",
                 "The http request method type is not a valid one", NULL);
  else if (match->wrong_module)
    reply_error (reply, 400, "INVALID_MODULE", "the module name given seems to be invalid",
                 json_pack ("{s:i}", "resource_path_index", 0));
  else
    reply_error (reply, 404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one", NULL);
}

/* ---- scopes ------------------------------------------------------------------------------------------------------ */

static bool
has_scope (char *const *granted, const char *area, const char *part, const char *operation)
{
  g_autofree char *scope = part == NULL ? g_strdup_printf ("ZohoCRM.%s.%s", area, operation)
                                        : g_strdup_printf ("ZohoCRM.%s.%s.%s", area, part, operation);

  return g_strv_contains ((const char *const *) granted, scope);
}

/* The name a module has in scopes. */
static char *
scope_name (Emulator *emulator, const Request *request, const Route *route)
{
  g_auto (GStrv) parts = g_strsplit (route->pattern, "/", -1);
  const Module *module = NULL;
  GString *name;

  for (unsigned i = 0; parts[i] != NULL && module == NULL; i++)
    {
      if (strcmp (parts[i], "{module}") == 0)
        module = schema_module (emulator, request_segment (request, i));
    }
  if (module == NULL)
    return g_strdup ("custom");
  if (strcmp (module->generated_type, "default") != 0)
    return g_strdup ("custom");
  name = g_string_new (NULL);
  for (const char *c = module->api_name; *c != '\0'; c++)
    {
      if (*c != '_')
        g_string_append_c (name, g_ascii_tolower (*c));
    }
  return g_string_free (name, FALSE);
}

/* "modules.{module}.READ", "coql.READ", "ZohoSearch.securesearch.READ". */
static bool
grants (char *const *granted, const char *wanted, const char *module)
{
  g_auto (GStrv) parts = g_strsplit (wanted, ".", 3);
  const char *operation = parts[g_strv_length (parts) - 1];
  const char *operations[] = { operation, "ALL", NULL };
  const char *part;

  if (g_str_has_prefix (wanted, "Zoho"))
    return g_strv_contains ((const char *const *) granted, wanted);
  if (strcmp (operation, "CREATE") == 0 || strcmp (operation, "UPDATE") == 0)
    operations[2] = "WRITE";
  part = parts[2] == NULL ? NULL : strcmp (parts[1], "{module}") == 0 ? module : parts[1];
  for (unsigned i = 0; i < 3 && operations[i] != NULL; i++)
    {
      if (has_scope (granted, parts[0], NULL, operations[i])
          || (part != NULL && has_scope (granted, parts[0], part, operations[i])))
        return true;
    }
  return false;
}

static bool
check_scope (Emulator *emulator, const Request *request, const Route *route, Reply *reply)
{
  g_auto (GStrv) granted = g_strsplit (request->scope, ",", -1);
  g_auto (GStrv) wanted = g_strsplit (route->scope == NULL ? "" : route->scope, ",", -1);
  g_autofree char *module = route->scope == NULL ? NULL : scope_name (emulator, request, route);

  for (char **scope = wanted; *scope != NULL && **scope != '\0'; scope++)
    {
      if (grants (granted, *scope, module))
        continue;
      reply_error (reply, (unsigned) setting_int (emulator, "scope_status", 403), "OAUTH_SCOPE_MISMATCH",
                   "invalid oauth scope to access this URL", NULL);
      return false;
    }
  return true;
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static bool
check_token (Emulator *emulator, Request *request, Reply *reply)
{
  const char *header = request_header (request, "authorization");
  char *user_id = NULL;
  char *scope = NULL;

  if (header == NULL || !g_str_has_prefix (header, "Zoho-oauthtoken "))
    {
      reply_error (reply, 401, "AUTHENTICATION_FAILURE", "Authentication failed", NULL);
      return false;
    }
  if (!oauth_check (emulator, request, header + strlen ("Zoho-oauthtoken "), &user_id, &scope, &reply->token_ends))
    {
      reply_error (reply, 401, "INVALID_TOKEN", "invalid oauth token", NULL);
      return false;
    }
  request->user_id = user_id;
  request->scope = scope;
  return true;
}

static bool
check_params (Emulator *emulator, const Request *request, const Route *route, Reply *reply)
{
  g_auto (GStrv) known = g_strsplit (route->params == NULL ? "" : route->params, ",", -1);
  GHashTableIter iter;
  gpointer name;

  if (setting_is (emulator, "unknown_params", "ignore"))
    return true;
  g_hash_table_iter_init (&iter, request->query);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      if (g_strv_contains ((const char *const *) known, name))
        continue;
      reply_error (reply, 400, "INVALID_DATA", "the parameter given seems to be invalid",
                   json_pack ("{s:s}", "param_name", name));
      return false;
    }
  return true;
}

static bool
check_body (Request *request, const Route *route, Reply *reply)
{
  const char *type = request_header (request, "content-type");
  bool json = type == NULL || strstr (type, "json") != NULL;

  if ((route->flags & ROUTE_NO_JSON) != 0 || request->body_size == 0)
    return true;
  if ((route->flags & ROUTE_BULK) != 0 && (type == NULL || !json))
    {
      reply_error (reply, 415, "MEDIA_TYPE_NOT_SUPPORTED", "the media type is not supported", NULL);
      return false;
    }
  request->json = json_read (request->body, request->body_size);
  request->json_bad = request->json == NULL;
  return true;
}

/* Lists in an order or a view of their own, and writes of many rows, count as heavy wherever they are. */
static bool
is_heavy (const Request *request, const Route *route)
{
  bool list = strcmp (route->pattern, "{module}") == 0;

  if ((route->flags & ROUTE_HEAVY) != 0)
    return true;
  if (list && strcmp (route->method, "GET") == 0)
    return request_query (request, "sort_by") != NULL || request_query (request, "cvid") != NULL;
  return (route->flags & ROUTE_WRITES) != 0
         && json_array_size (json_object_get (request->json, "data")) > ROWS_PER_CREDIT;
}

static unsigned
cost_of (const Request *request, const Route *route)
{
  size_t rows = json_array_size (json_object_get (request->json, "data"));
  bool write = strcmp (route->method, "POST") == 0 || strcmp (route->method, "PUT") == 0;

  if (strcmp (route->pattern, "{module}") == 0 && request_query (request, "cvid") != NULL)
    return 3;
  if (write && route->credits == 1 && rows > ROWS_PER_CREDIT)
    return (unsigned) ((MIN (rows, 100) + ROWS_PER_CREDIT - 1) / ROWS_PER_CREDIT);
  return route->credits;
}

static void
too_many (Reply *reply, const char *message)
{
  reply_error (reply, 429, "TOO_MANY_REQUESTS", message, NULL);
  reply->rejected = false;
  reply->credits = 0;
}

static void
run (Emulator *emulator, Request *request, const Route *route, Reply *reply)
{
  int64_t latency = setting_int (emulator, "latency_ms", 0);

  if (latency > 0)
    faults_wait (NULL, latency, request->fd);
  pthread_rwlock_rdlock (&emulator->gate);
  if ((route->flags & ROUTE_WRITES) != 0 || request->external)
    pthread_rwlock_wrlock (&emulator->lock);
  else
    pthread_rwlock_rdlock (&emulator->lock);
  route->handler (emulator, request, reply);
  pthread_rwlock_unlock (&emulator->lock);
  pthread_rwlock_unlock (&emulator->gate);
}

/* With a place for it among the calls under way. */
static void
run_in_place (Emulator *emulator, Request *request, const Route *route, Reply *reply)
{
  bool heavy = is_heavy (request, route);
  bool half_used;
  int64_t left;

  if (!ledger_enter (emulator, heavy))
    {
      too_many (reply, "too many requests at a time");
      return;
    }
  reply->credits = cost_of (request, route);
  left = ledger_remaining (emulator, &half_used);
  if (left >= 0 && left < reply->credits)
    too_many (reply, "the credits of the day are used up");
  else
    {
      run (emulator, request, route, reply);
      ledger_spend (emulator, reply->credits);
    }
  ledger_leave (heavy);
}

static Match
locked_find (Emulator *emulator, const Request *request, bool bulk)
{
  Match match;

  pthread_rwlock_rdlock (&emulator->lock);
  match = find_route (emulator, request, bulk);
  pthread_rwlock_unlock (&emulator->lock);
  return match;
}

static bool
locked_scope (Emulator *emulator, const Request *request, const Route *route, Reply *reply)
{
  bool granted;

  pthread_rwlock_rdlock (&emulator->lock);
  granted = check_scope (emulator, request, route, reply);
  pthread_rwlock_unlock (&emulator->lock);
  return granted;
}

void
routes_answer (Emulator *emulator, Request *request, Reply *reply)
{
  bool bulk = g_str_has_prefix (request->path, "/crm/bulk/v8/");
  bool half_used;
  int64_t left;
  Match match;

  if (!bulk && !g_str_has_prefix (request->path, "/crm/v8/"))
    {
      refuse_path (emulator, &(Match){ 0 }, reply);
      return;
    }
  if (!check_token (emulator, request, reply))
    return;
  match = locked_find (emulator, request, bulk);
  if (match.route == NULL)
    refuse_path (emulator, &match, reply);
  else if (locked_scope (emulator, request, match.route, reply) && check_params (emulator, request, match.route, reply)
           && check_body (request, match.route, reply))
    run_in_place (emulator, request, match.route, reply);
  left = ledger_remaining (emulator, &half_used);
  if (half_used)
    reply->credits_left = left;
}
