/* The rules of access are those for files. What a path leads to is known to Zoho alone, and so is of what module the
 * rows are that no directory has (of subforms, notes, links between records). So where rules close modules or hide
 * fields, a query stays within one of the mount's modules. */
#include "fs/kinds/query_begin.h"

#include "base/clock.h"
#include "base/error.h"
#include "fs/access.h"
#include "fs/reply.h"
#include "model/saves.h"

#include <errno.h>
#include <string.h>

/* ---- rules ------------------------------------------------------------------------------------------------------- */

/* As the org spells it, which rules go by; NULL: it is no directory of the mount. */
static const char *
spelled (const GPtrArray *modules, const char *name)
{
  for (guint i = 0; i < modules->len; i++)
    if (g_ascii_strcasecmp (store_module_name (modules->pdata[i]), name) == 0)
      return store_module_name (modules->pdata[i]);
  return NULL;
}

static bool
forbid (GError **error, ZohoError code, const char *words, const char *what)
{
  g_set_error (error, ZOHO_ERROR, code, "%s%s", words, what);
  return false;
}

static bool
names_hidden (const Access *access, const char *module, const QueryText *query)
{
  const char *const *hidden = access_hidden (access, module);

  for (size_t i = 0; hidden != NULL && hidden[i] != NULL; i++)
    if (query_text_names (query, hidden[i]))
      return true;
  return false;
}

static bool
may (const Access *access, uid_t uid, const GPtrArray *modules, const QueryText *query, GError **error)
{
  const char *module = query->module != NULL ? spelled (modules, query->module) : NULL;
  int refusal = access_refusal (access, uid, module, ACCESS_TO_LOOK);

  if (refusal == ENOENT)
    return forbid (error, ZOHO_ERROR_INVALID, "There is no such module in this mount: ", module);
  if (refusal != 0)
    return forbid (error, ZOHO_ERROR_DENIED, "The mount's rules of access do not let you look into ", module);
  if (!access_restricts (access))
    return true;
  if (module == NULL || query->paging == QUERY_WHOLE || query->joins)
    return forbid (error, ZOHO_ERROR_DENIED, "This mount's rules of access close modules or hide fields, so a query stays "
                   "within one of its modules: no paths through lookups, no query within it", "");
  if (names_hidden (access, module, query))
    return forbid (error, ZOHO_ERROR_DENIED, "The mount's rules of access hide a field that the query names, of ", module);
  return true;
}

static StoreState
check_rules (const Ask *ask, uid_t uid, const QueryText *query, GError **error)
{
  g_autoptr (GPtrArray) modules = NULL;
  StoreState state;

  if (ask->config->access == NULL)
    return STORE_READY;
  state = store_modules (ask->store, ask->wait, &modules, error);
  if (state != STORE_READY)
    return state;
  return may (ask->config->access, uid, modules, query, error) ? STORE_READY : STORE_FAILED;
}

/* ---- begin ------------------------------------------------------------------------------------------------------- */

StoreState
query_begin (const Ask *ask, StoreModule *module, uid_t uid, const char *text, size_t size, QueryText **query,
             GError **error)
{
  g_autofree char *whole = NULL;
  g_autoptr (QueryText) read = NULL;
  StoreState state = STORE_READY;

  if (module != NULL && size <= QUERY_TEXT_MAX && query_text_is_bare (text, size) && g_utf8_validate (text, (gssize)size, NULL))
    {
      g_autofree char *condition = g_strndup (text, size);

      state = query_complete (module, condition, access_hidden (ask->config->access, store_module_name (module)),
                              ask->wait, &whole, error);
    }
  if (state != STORE_READY)
    return state;
  read = query_text_read (whole != NULL ? whole : text, whole != NULL ? strlen (whole) : size, error);
  if (read == NULL)
    return STORE_FAILED;
  state = check_rules (ask, uid, read, error);
  if (state == STORE_READY)
    *query = g_steal_pointer (&read);
  return state;
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

void
query_tell_failure (const Ask *ask, const char *path, const GError *error)
{
  SaveError told = {
    .time_s = clock_wall_s (),
    .path = path,
    .errno_name = strerrorname_np (reply_errno (error)),
    .code = zoho_error_refusal_code (error),
    .message = error->message,
    .field = zoho_error_refusal_field (error),
    .todo = error->code == ZOHO_ERROR_INVALID ? "Correct the query and write it again." : "Write the query again.",
  };

  /* Of walkers it is told elsewhere, now and then. */
  if (ask->config->refused != NULL && !ask->wait->held_back)
    ask->config->refused (ask->config->data, &told);
}

static void
put_number (json_t *object, const char *key, unsigned number)
{
  json_object_set_new (object, key, number > 0 ? json_integer (number) : json_null ());
}

GBytes *
query_failure_text (const GError *error, const char *query)
{
  g_autoptr (json_t) whole = json_object ();
  GString *out = g_string_new (NULL);
  json_t *object = json_object ();
  unsigned line, column;

  zoho_error_place (error, &line, &column);
  json_object_set_new (object, "errno", json_from_text (strerrorname_np (reply_errno (error))));
  json_object_set_new (object, "code", json_from_text (zoho_error_refusal_code (error)));
  json_object_set_new (object, "message", json_from_text (error->message));
  put_number (object, "line", line);
  put_number (object, "column", column);
  json_object_set_new (object, "query", json_from_text (g_utf8_validate (query, -1, NULL) ? query : NULL));
  json_object_set_new (whole, "error", object);
  json_write (whole, out);
  return g_string_free_to_bytes (out);
}
