/* What the org is made of: modules, fields, related lists, layouts, views, roles, profiles, users, the org itself. */
#include <string.h>

#include "core.h"
#include "handlers.h"

enum
{
  MOST_USERS = 200,
  MOST_USER_IDS = 100
};

static void
missing_param (Reply *reply, const char *name)
{
  reply_error (reply, 400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing",
               json_pack ("{s:s}", "param_name", name));
}

/* The module of parameter `module`; NULL: refused. */
static const Module *
module_param (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *name = request_query (request, "module");
  const Module *module = schema_module (emulator, name);

  if (name == NULL || *name == '\0')
    {
      missing_param (reply, "module");
      return NULL;
    }
  if (module == NULL || !module->api_supported)
    {
      reply_error (reply, 400, "INVALID_MODULE", "the module name given seems to be invalid",
                   json_pack ("{s:s}", "param_name", "module"));
      return NULL;
    }
  return module;
}

/* ---- modules, fields --------------------------------------------------------------------------------------------- */

static void
handle_modules (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *status = request_query (request, "status");
  g_auto (GStrv) wanted = status == NULL || *status == '\0' ? NULL : g_strsplit (status, ",", -1);
  GPtrArray *modules = schema_modules (emulator);
  json_t *list = json_array ();

  for (unsigned i = 0; i < modules->len; i++)
    {
      const Module *module = modules->pdata[i];

      if (wanted == NULL || g_strv_contains ((const char *const *) wanted, module->status))
        json_array_append_new (list, schema_module_json (emulator, module));
    }
  if (json_array_size (list) > 0)
    {
      reply_json (reply, 200, json_pack ("{s:o}", "modules", list));
      return;
    }
  json_decref (list);
  reply_empty (reply, 204);
}

static void
handle_module (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 2));

  if (module == NULL)
    reply_error (reply, 400, "INVALID_MODULE", "the module name given seems to be invalid",
                 json_pack ("{s:i}", "resource_path_index", 2));
  else
    reply_json (reply, 200, json_pack ("{s:[o]}", "modules", schema_module_json (emulator, module)));
}

static void
handle_fields (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = module_param (emulator, request, reply);
  const char *type = request_query (request, "type");
  json_t *list;

  if (module == NULL)
    return;
  if (g_strcmp0 (type, "unused") == 0)
    {
      reply_empty (reply, 204);
      return;
    }
  list = json_array ();
  for (unsigned i = 0; i < module->fields->len; i++)
    json_array_append_new (list, schema_field_json (emulator, module, module->fields->pdata[i]));
  reply_json (reply, 200, json_pack ("{s:o}", "fields", list));
}

static void
handle_field (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = module_param (emulator, request, reply);
  const char *id = request_segment (request, 2);

  for (unsigned i = 0; module != NULL && i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];

      if (strcmp (field->id, id) != 0)
        continue;
      reply_json (reply, 200, json_pack ("{s:[o]}", "fields", schema_field_json (emulator, module, field)));
      return;
    }
  if (module != NULL)
    reply_error (reply, 400, "INVALID_DATA", "the id given seems to be invalid",
                 json_pack ("{s:i}", "resource_path_index", 2));
}

/* ---- related lists, layouts, views ------------------------------------------------------------------------------- */

static json_t *
module_ref_or_null (const Module *module)
{
  return module == NULL ? json_null () : json_pack ("{s:s, s:s}", "api_name", module->api_name, "id", module->id);
}

static json_t *
related_json (const Module *module, const Related *related, unsigned index)
{
  g_autofree char *href = g_strdup_printf ("%s/{ENTITYID}/%s", module->api_name, related->api_name);
  g_autofree char *sequence = g_strdup_printf ("%u", index + 1);
  uint64_t module_id = 0;
  char id[24];

  parse_id (module->id, &module_id);
  return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:n, s:o, s:s, s:s, s:n, s:b, s:b, s:b}", "id",
                    format_id (module_id * 1000 + index, id), "api_name", related->api_name, "name", related->label,
                    "display_label", related->label, "href", href, "type", related->type, "module",
                    module_ref_or_null (related->module), "connectedmodule", "linkingmodule",
                    related->linking == NULL ? json_null () : json_string (related->linking->api_name),
                    "sequence_number", sequence, "status", "visible", "action", "customize_sort", false,
                    "customize_fields", false, "customize_display_label", false);
}

static void
handle_related_lists (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = module_param (emulator, request, reply);
  const char *status = request_query (request, "status");
  g_autoptr (GPtrArray) all = NULL;
  json_t *list;

  if (module == NULL)
    return;
  if (status != NULL && *status != '\0' && strstr (status, "visible") == NULL)
    {
      reply_empty (reply, 204);
      return;
    }
  all = schema_related (emulator, module);
  list = json_array ();
  for (unsigned i = 0; i < all->len; i++)
    json_array_append_new (list, related_json (module, all->pdata[i], i));
  reply_json (reply, 200, json_pack ("{s:o}", "related_lists", list));
}

static json_t *
layout_json (Emulator *emulator, const Module *module)
{
  json_t *fields = json_array ();
  uint64_t module_id = 0;
  char id[24];
  char profile[24];

  for (unsigned i = 1; i < module->fields->len; i++)
    {
      json_t *field = schema_field_json (emulator, module, module->fields->pdata[i]);

      json_object_del (field, "email_parser");
      json_array_append_new (fields, field);
    }
  parse_id (module->id, &module_id);
  return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:[{s:s, s:s, s:b}], s:[{s:s, s:s, s:s, s:i, s:o}]}", "id",
                    format_id (module_id * 100, id), "name", "Standard", "api_name", "Standard__s", "display_label",
                    "Standard", "status", "active", "generated_type", "system", "visible", true, "profiles", "name",
                    "Administrator", "id", format_id (FIRST_ID + 24, profile), "default", true, "sections", "name",
                    "Information", "api_name", "Information", "display_label", "Information", "sequence_number", 1,
                    "fields", fields);
}

static void
handle_layouts (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = module_param (emulator, request, reply);
  const char *wanted = request_segment (request, 2);
  json_t *layout;

  if (module == NULL)
    return;
  layout = layout_json (emulator, module);
  if (wanted == NULL || strcmp (wanted, json_string_value (json_object_get (layout, "id"))) == 0)
    {
      reply_json (reply, 200, json_pack ("{s:[o]}", "layouts", layout));
      return;
    }
  json_decref (layout);
  reply_empty (reply, 204);
}

/* 0: all records; 1: the caller's own. read.c knows the same two ids. */
static json_t *
view_json (const Module *module, unsigned index)
{
  g_autofree char *name = g_strdup_printf (index == 0 ? "All %s" : "My %s", module->api_name);
  uint64_t module_id = 0;
  char id[24];

  parse_id (module->id, &module_id);
  return json_pack ("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:s, s:o, s:[{s:s}], s:n, s:n, s:n}", "id",
                    format_id (module_id * 10 + index, id), "name", name, "system_name", name, "display_value", name,
                    "default", index == 0, "system_defined", true, "favorite", false, "category", "public_views",
                    "criteria",
                    index == 0 ? json_null ()
                               : json_pack ("{s:s, s:{s:s}, s:s}", "comparator", "equal", "field", "api_name", "Owner",
                                            "value", "${CURRENTUSER}"),
                    "fields", "api_name", module->display_field == NULL ? "id" : module->display_field, "sort_by",
                    "sort_order", "shared_to");
}

static void
handle_views (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = module_param (emulator, request, reply);
  const char *wanted = request_segment (request, 2);
  json_t *views;
  size_t count;

  if (module == NULL)
    return;
  views = json_array ();
  for (unsigned i = 0; i < 2; i++)
    {
      json_t *view = view_json (module, i);

      if (wanted == NULL || strcmp (wanted, json_string_value (json_object_get (view, "id"))) == 0)
        json_array_append (views, view);
      json_decref (view);
    }
  count = json_array_size (views);
  if (count == 0)
    {
      json_decref (views);
      reply_empty (reply, 204);
      return;
    }
  reply_json (reply, 200, json_pack ("{s:o, s:o}", "custom_views", views, "info", page_info (200, count, 1, false)));
}

/* ---- roles, profiles, org ---------------------------------------------------------------------------------------- */

/* @extra: an object that each of them has too; borrowed. */
static void
reply_named (Reply *reply, const char *key, const char *const *names, unsigned first, const char *wanted, json_t *extra)
{
  json_t *list = json_array ();

  for (unsigned i = 0; names[i] != NULL; i++)
    {
      json_t *item;
      char id[24];

      format_id (FIRST_ID + first + i, id);
      if (wanted != NULL && strcmp (wanted, id) != 0)
        continue;
      item = json_pack ("{s:s, s:s, s:s, s:n}", "id", id, "name", names[i], "display_label", names[i], "description");
      json_object_update (item, extra);
      if (json_object_get (extra, "api_name") != NULL)
        json_object_set_new (item, "api_name", json_string (names[i]));
      json_array_append_new (list, item);
    }
  if (json_array_size (list) > 0)
    {
      reply_json (reply, 200, json_pack ("{s:o}", key, list));
      return;
    }
  json_decref (list);
  reply_empty (reply, 204);
}

static void
handle_roles (Emulator *emulator, const Request *request, Reply *reply)
{
  static const char *const names[] = { "CEO", "Manager", "Sales", "Support", NULL };
  json_auto_t *extra
      = json_pack ("{s:n, s:n, s:n, s:n, s:n, s:n, s:b}", "reporting_to", "forecast_manager", "created_by__s",
                   "modified_by__s", "created_time__s", "modified_time__s", "share_with_peers", true);

  reply_named (reply, "roles", names, 20, request_segment (request, 2), extra);
}

static void
handle_profiles (Emulator *emulator, const Request *request, Reply *reply)
{
  static const char *const names[] = { "Administrator", "Standard", NULL };
  json_auto_t *extra = json_pack ("{s:b, s:n, s:n, s:n, s:n, s:n, s:s}", "custom", false, "api_name", "created_time",
                                  "modified_time", "created_by", "modified_by", "type", "normal_profile");

  reply_named (reply, "profiles", names, 24, request_segment (request, 2), extra);
}

static void
handle_org (Emulator *emulator, const Request *request, Reply *reply)
{
  json_t *org = json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "id",
                           "7010000000009", "zgid", "700000001", "company_name", "Harbor Tiles", "alias", "Harbor",
                           "primary_email", "user1@harbor.example", "time_zone", "Etc/UTC", "currency", "Euro",
                           "currency_symbol", "€", "iso_code", "EUR", "country_code", "DE", "country", "Germany",
                           "type", "production", "mc_status", false, "gapps_enabled", false);

  json_object_set_new (org, "currency_locale", json_string ("de_DE"));
  json_object_set_new (org, "primary_zuid", json_string ("600000001"));
  json_object_set_new (org, "license_details",
                       json_pack ("{s:b, s:s, s:i, s:i, s:n}", "paid", true, "paid_type", "enterprise",
                                  "users_license_purchased", 12, "portal_users_license_purchased", 0, "paid_expiry"));
  json_object_set_new (org, "created_time", json_string ("2025-01-02T08:00:00+00:00"));
  reply_json (reply, 200, json_pack ("{s:[o]}", "org", org));
}

/* ---- users ------------------------------------------------------------------------------------------------------- */

static const char *
text_at (const json_t *user, const char *key)
{
  return json_string_value (json_object_get (user, key));
}

/* Is @user of the @type? *@known: is there such a type? */
static bool
user_is (const json_t *user, const char *type, const char *caller, bool *known)
{
  bool active = g_strcmp0 (text_at (user, "status"), "active") == 0;
  bool confirmed = json_is_true (json_object_get (user, "confirm"));
  bool admin = user_is_admin (text_at (user, "id"));
  const struct
  {
    const char *type;
    bool is;
  } types[] = {
    { "AllUsers", g_strcmp0 (text_at (user, "status"), "deleted") != 0 },
    { "ActiveUsers", active },
    { "DeactiveUsers", g_strcmp0 (text_at (user, "status"), "inactive") == 0 },
    { "ConfirmedUsers", confirmed },
    { "NotConfirmedUsers", !confirmed },
    { "DeletedUsers", g_strcmp0 (text_at (user, "status"), "deleted") == 0 },
    { "ActiveConfirmedUsers", active && confirmed },
    { "AdminUsers", admin },
    { "ActiveConfirmedAdmins", active && confirmed && admin },
    { "CurrentUser", g_strcmp0 (text_at (user, "id"), caller) == 0 },
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (types); i++)
    {
      if (strcmp (types[i].type, type) != 0)
        continue;
      *known = true;
      return types[i].is;
    }
  *known = false;
  return false;
}

static bool
user_changed (const json_t *user, const Request *request)
{
  const char *header = request_header (request, "if-modified-since");
  time_t since, modified;

  return header == NULL || !parse_time (header, &since) || !parse_time (text_at (user, "Modified_Time"), &modified)
         || modified > since;
}

/* The users that the parameters ask for, new; NULL: refused. */
static json_t *
users_wanted (const Request *request, Reply *reply)
{
  const char *type = request_query (request, "type");
  const char *ids = request_query (request, "ids");
  g_auto (GStrv) wanted = ids == NULL || *ids == '\0' ? NULL : g_strsplit (ids, ",", -1);
  json_t *list = json_array ();
  bool known = true;

  if (type == NULL || *type == '\0')
    type = "AllUsers";
  for (unsigned i = 0; i < users_count () && known; i++)
    {
      json_t *user = users_at (i);

      if (user_is (user, type, request->user_id, &known) && user_changed (user, request)
          && (wanted == NULL || g_strv_contains ((const char *const *) wanted, text_at (user, "id"))))
        json_array_append (list, user);
    }
  if (known && (wanted == NULL || g_strv_length (wanted) <= MOST_USER_IDS))
    return list;
  json_decref (list);
  reply_error (reply, 400, known ? "LIMIT_EXCEEDED" : "INVALID_DATA", known ? "limit exceeded" : "invalid data",
               json_pack ("{s:s}", "param_name", known ? "ids" : "type"));
  return NULL;
}

static bool
user_page (const Request *request, Reply *reply, guint64 *page, guint64 *per_page)
{
  const char *texts[] = { request_query (request, "page"), request_query (request, "per_page") };
  guint64 *values[] = { page, per_page };

  *page = 1;
  *per_page = MOST_USERS;
  for (unsigned i = 0; i < 2; i++)
    {
      if (texts[i] == NULL || *texts[i] == '\0'
          || g_ascii_string_to_unsigned (texts[i], 10, 1, i == 0 ? 100000 : MOST_USERS, values[i], NULL))
        continue;
      reply_error (reply, 400, "INVALID_DATA", "invalid data",
                   json_pack ("{s:s}", "param_name", i == 0 ? "page" : "per_page"));
      return false;
    }
  return true;
}

static void
handle_users (Emulator *emulator, const Request *request, Reply *reply)
{
  json_auto_t *all = users_wanted (request, reply);
  json_t *list;
  guint64 page, per_page, first;

  if (all == NULL || !user_page (request, reply, &page, &per_page))
    return;
  list = json_array ();
  first = (page - 1) * per_page;
  for (guint64 i = first; i < json_array_size (all) && i < first + per_page; i++)
    json_array_append (list, json_array_get (all, (size_t) i));
  if (json_array_size (list) == 0)
    {
      json_decref (list);
      reply_empty (reply,
                   json_array_size (all) == 0 && request_header (request, "if-modified-since") != NULL ? 304 : 204);
      return;
    }
  reply_json (reply, 200,
              json_pack ("{s:o, s:o}", "users", list, "info",
                         page_info ((unsigned) per_page, json_array_size (list), (unsigned) page,
                                    json_array_size (all) > first + per_page)));
}

static void
handle_user (Emulator *emulator, const Request *request, Reply *reply)
{
  const char *text = request_segment (request, 1);
  json_t *user = users_find (text);
  uint64_t id;

  if (user != NULL)
    reply_json (reply, 200, json_pack ("{s:[O]}", "users", user));
  else if (parse_id (text, &id))
    reply_empty (reply, 204);
  else
    reply_error (reply, 400, "INVALID_DATA", "the id given seems to be invalid",
                 json_pack ("{s:i}", "resource_path_index", 1));
}

static void
handle_count_users (Emulator *emulator, const Request *request, Reply *reply)
{
  json_auto_t *all = users_wanted (request, reply);

  if (all != NULL)
    reply_json (reply, 200, json_pack ("{s:I}", "count", (json_int_t) json_array_size (all)));
}

const Route metadata_routes[] = {
  { "GET", "settings/modules", "settings.modules.READ", 1, 0, "status,include,feature_name", handle_modules },
  { "GET", "settings/modules/{name}", "settings.modules.READ", 1, 0, NULL, handle_module },
  { "GET", "settings/fields", "settings.fields.READ", 1, 0, "module,type,include", handle_fields },
  { "GET", "settings/fields/{id}", "settings.fields.READ", 1, 0, "module,type,include", handle_field },
  { "GET", "settings/related_lists", "settings.related_lists.READ", 1, 0, "module,layout_id,status",
    handle_related_lists },
  { "GET", "settings/layouts", "settings.layouts.READ", 1, 0, "module,mode,include,include_inner_details",
    handle_layouts },
  { "GET", "settings/layouts/{id}", "settings.layouts.READ", 1, 0, "module,mode,include,include_inner_details",
    handle_layouts },
  { "GET", "settings/custom_views", "settings.custom_views.READ", 1, 0, "module,filters,page,per_page", handle_views },
  { "GET", "settings/custom_views/{id}", "settings.custom_views.READ", 1, 0, "module,include_inner_details",
    handle_views },
  { "GET", "settings/roles", "settings.roles.READ", 1, 0, NULL, handle_roles },
  { "GET", "settings/roles/{id}", "settings.roles.READ", 1, 0, NULL, handle_roles },
  { "GET", "settings/profiles", "settings.profiles.READ", 1, 0, "type,include_types,filters", handle_profiles },
  { "GET", "settings/profiles/{id}", "settings.profiles.READ", 1, 0, NULL, handle_profiles },
  { "GET", "org", "org.READ", 1, 0, NULL, handle_org },
  { "GET", "users", "users.READ", 1, 0, "type,page,per_page,ids,type__s", handle_users },
  { "GET", "users/actions/count", "users.READ", 1, 0, "type", handle_count_users },
  { "GET", "users/{id}", "users.READ", 1, 0, NULL, handle_user },
  { 0 },
};
