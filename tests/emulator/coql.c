/* POST coql: a query in, rows out; priced by its LIMIT. */
#include <string.h>

#include "coql_eval.h"
#include "handlers.h"
#include "payload.h"
#include "scopes.h"

static json_t *
body_details (const char *name, const char *type)
{
  g_autofree char *path = g_strdup_printf ("$.%s", name);
  json_t *details = json_pack ("{s:s, s:s}", "api_name", name, "json_path", path);

  if (type != NULL)
    json_object_set_new (details, "expected_data_type", json_string (type));
  return details;
}

/* The query's text in the body; NULL: refused. Borrowed. */
static const char *
query_text (const json_t *body, Refusal *refusal)
{
  const json_t *text = json_object_get (body, "select_query");

  if (text == NULL || json_is_null (text))
    refuse (refusal, "MANDATORY_NOT_FOUND", "required field not found",
            json_pack ("{s:s}", "api_name", "select_query"));
  else if (!json_is_string (text))
    refuse (refusal, "INVALID_DATA", "invalid data", body_details ("select_query", "string"));
  return json_string_value (text);
}

/* *@wanted: does the body ask for the fields' metadata? */
static bool
read_meta (const json_t *body, bool *wanted, Refusal *refusal)
{
  const json_t *meta = json_object_get (body, "include_meta");
  json_t *details;

  *wanted = json_array_size (meta) == 1 && g_strcmp0 (json_string_value (json_array_get (meta, 0)), "fields") == 0;
  if (meta == NULL || *wanted)
    return true;
  details = body_details ("include_meta", json_is_array (meta) ? NULL : "jsonarray");
  if (json_is_array (meta))
    json_object_set_new (details, "supported_values", json_pack ("[s]", "fields"));
  return refuse (refusal, "INVALID_DATA", "invalid data", details);
}

static unsigned
price (uint64_t limit)
{
  return limit <= 200 ? 1 : limit <= 1000 ? 2 : 3;
}

/* Everything read needs its own scope. Users are seen through owner fields by all: only FROM Users needs theirs. */
static bool
check_scopes (const CoqlPlan *plan, bool meta, const Request *request, Reply *reply)
{
  for (unsigned i = 0; i < plan->modules->len; i++)
    {
      const Module *module = plan->modules->pdata[i];
      g_autofree char *scope = NULL;

      if (module == &source_users && plan->source != module)
        continue;
      scope = module == &source_users ? g_strdup ("ZohoCRM.users.READ") : scope_to_read (module);
      if (!scope_check (plan->emulator, request, scope, reply))
        return false;
    }
  return !meta || scope_check (plan->emulator, request, "ZohoCRM.settings.fields.READ", reply);
}

static json_t *
fields_meta (const CoqlPlan *plan)
{
  json_t *fields = json_object ();

  for (unsigned i = 0; i < plan->columns->len; i++)
    {
      const CoqlColumn *column = plan->columns->pdata[i];

      if (column->path->field != NULL)
        json_object_set_new (fields, column->path->text,
                             schema_field_json (plan->emulator, column->path->module, column->path->field));
    }
  return fields;
}

static void
answer (const CoqlPlan *plan, bool meta, Reply *reply)
{
  bool more = false;
  json_t *rows = coql_run (plan, &more);
  json_t *body;

  if (json_array_size (rows) == 0)
    {
      json_decref (rows);
      reply_empty (reply, 204);
      return;
    }
  body = json_pack ("{s:o, s:{s:I, s:b}}", "data", rows, "info", "count", (json_int_t) json_array_size (rows),
                    "more_records", more);
  if (meta)
    json_object_set_new (body, "fields", fields_meta (plan));
  reply_json (reply, 200, body);
}

static CoqlPlan *
plan_of_body (Emulator *emulator, const json_t *body, const char *user_id, bool *meta, Refusal *refusal)
{
  const char *text = query_text (body, refusal);
  g_autoptr (CoqlQuery) query = NULL;

  if (text == NULL || !read_meta (body, meta, refusal))
    return NULL;
  query = coql_parse (text, refusal);
  return query == NULL ? NULL : coql_plan (emulator, query, user_id, refusal);
}

static void
handle_coql (Emulator *emulator, const Request *request, Reply *reply)
{
  static const char *const known[] = { "select_query", "include_meta", NULL };
  json_t *body = payload_object (emulator, request, reply, known);
  g_auto (Refusal) refusal = { 0 };
  g_autoptr (CoqlPlan) plan = NULL;
  bool meta = false;

  if (body == NULL)
    return;
  plan = plan_of_body (emulator, body, request->user_id, &meta, &refusal);
  if (plan == NULL)
    {
      refusal_reply (&refusal, reply);
      return;
    }
  if (!check_scopes (plan, meta, request, reply))
    return;
  reply->credits = price (plan->limit);
  answer (plan, meta, reply);
}

const Route coql_routes[] = {
  { "POST", "coql", "coql.READ", 1, ROUTE_HEAVY, NULL, handle_coql },
  { 0 },
};
