/* What an org consists of: modules, their fields and related lists, the org itself, its users. */
#include "api/metadata.h"

#include "api/rows.h"
#include "api/url.h"
#include "base/error.h"

#define USERS_PAGE 200
#define USERS_MAX 100000

/* What is kept while an answer is on its way. */
typedef struct
{
  const char *key; /* of the array in the answer */
  bool names;      /* rows are left out whose api_name is none */
  MetadataDone done;
  void *data;
} Ask;

static void
rows_done (const ClientAnswer *answer, const GError *error, void *data)
{
  g_autofree Ask *ask = data;
  g_autoptr (GError) why = NULL;
  g_autoptr (json_t) rows = answer != NULL ? rows_read (answer->body, ask->key, false, &why) : NULL;
  g_autoptr (json_t) good = rows != NULL && ask->names ? rows_with_good_names (rows) : json_incref (rows);

  ask->done (good, error != NULL ? error : why, ask->data);
}

static uint64_t
ask_for (Client *client, const char *key, bool names, const char *path, const char *query, ClientPriority priority,
         MetadataDone done, void *data)
{
  ClientCall call = { .path = path, .query = query, .priority = priority };
  Ask *ask = g_new (Ask, 1);

  *ask = (Ask){ .key = key, .names = names, .done = done, .data = data };
  return client_send (client, &call, rows_done, ask);
}

/* The pages of /users so far. */
typedef struct
{
  Client *client;
  char *type;
  ClientPriority priority;
  unsigned page;
  json_t *rows;
  GHashTable *ids; /* char *, those in @rows */
  MetadataDone done;
  void *data;
} Users;

static void
users_free (Users *users)
{
  g_free (users->type);
  json_decref (users->rows);
  g_hash_table_unref (users->ids);
  g_free (users);
}

/* Rows may move between pages while they are read: each id is taken once. */
static void
take_users (Users *users, const json_t *rows)
{
  for (size_t i = 0; i < json_array_size (rows); i++)
    {
      json_t *row = json_array_get (rows, i);

      if (g_hash_table_add (users->ids, g_strdup (json_get_text (row, "id"))))
        json_array_append (users->rows, row);
    }
}

/* Returns: false with @error, else @more. */
static bool
read_users (Users *users, const ClientAnswer *answer, bool *more, GError **error)
{
  g_autoptr (json_t) rows = rows_read (answer->body, "users", true, error);
  const char *token;

  if (rows == NULL || !rows_read_info (answer->body, more, &token, error))
    return false;
  take_users (users, rows);
  if (json_array_size (users->rows) > USERS_MAX || (*more && users->page >= USERS_MAX / USERS_PAGE))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE, "This organization has more than %d users", USERS_MAX);
      return false;
    }
  if (!*more || json_array_size (rows) > 0)
    return true;
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED,
               "Zoho's answer makes no sense: an empty page says that more users follow");
  return false;
}

static uint64_t
ask_users (Users *users, ClientDone done)
{
  g_autoptr (GString) query = g_string_new (NULL);
  ClientCall call = { .path = "/crm/v8/users", .priority = users->priority };

  users->page++;
  url_add (query, "type", users->type);
  g_string_append_printf (query, "&page=%u&per_page=%d", users->page, USERS_PAGE);
  call.query = query->str;
  return client_send (users->client, &call, done, users);
}

static void
users_done (const ClientAnswer *answer, const GError *error, void *data)
{
  Users *users = data;
  g_autoptr (GError) why = NULL;
  bool more = false;

  if (error == NULL && read_users (users, answer, &more, &why) && more)
    {
      ask_users (users, users_done);
      return;
    }
  error = error != NULL ? error : why;
  users->done (error == NULL ? users->rows : NULL, error, users->data);
  users_free (users);
}

uint64_t
metadata_modules (Client *client, ClientPriority priority, MetadataDone done, void *data)
{
  return ask_for (client, "modules", true, "/crm/v8/settings/modules", NULL, priority, done, data);
}

uint64_t
metadata_fields (Client *client, const char *module, ClientPriority priority, MetadataDone done, void *data)
{
  g_autoptr (GString) query = g_string_new (NULL);

  url_add (query, "module", module);
  return ask_for (client, "fields", true, "/crm/v8/settings/fields", query->str, priority, done, data);
}

uint64_t
metadata_related_lists (Client *client, const char *module, ClientPriority priority, MetadataDone done, void *data)
{
  g_autoptr (GString) query = g_string_new (NULL);

  url_add (query, "module", module);
  return ask_for (client, "related_lists", false, "/crm/v8/settings/related_lists", query->str, priority, done, data);
}

uint64_t
metadata_org (Client *client, ClientPriority priority, MetadataDone done, void *data)
{
  return ask_for (client, "org", false, "/crm/v8/org", NULL, priority, done, data);
}

uint64_t
metadata_users (Client *client, const char *type, ClientPriority priority, MetadataDone done, void *data)
{
  Users *users = g_new0 (Users, 1);

  users->client = client;
  users->type = g_strdup (type);
  users->priority = priority;
  users->rows = json_array ();
  users->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  users->done = done;
  users->data = data;
  return ask_users (users, users_done);
}
