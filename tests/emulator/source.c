/* Reads records and users alike, so that queries need not tell them apart. */
#include "source.h"

#include <string.h>

#include "core.h"

const Module source_users = { .api_name = (char *) "Users" };

const Module *
source_find (Emulator *emulator, const char *api_name)
{
  const Module *module;

  if (strcmp (api_name, source_users.api_name) == 0)
    return &source_users;
  module = schema_module (emulator, api_name);
  return module != NULL && module->api_supported && module->viewable ? module : NULL;
}

static uint64_t
user_id (unsigned index)
{
  uint64_t id = 0;

  parse_id (json_string_value (json_object_get (users_at (index), "id")), &id);
  return id;
}

json_t *
source_get (Emulator *emulator, const Module *source, uint64_t id, char *const *fields)
{
  char text[24];

  if (source == &source_users)
    return json_deep_copy (users_find (format_id (id, text))); /* not shared between threads */
  return store_get_fields (emulator, source, id, fields);
}

uint64_t
source_next (Emulator *emulator, const Module *source, uint64_t after)
{
  if (source != &source_users)
    return store_next (emulator, source, after);
  for (unsigned i = 0; i < users_count (); i++)
    {
      if (user_id (i) > after)
        return user_id (i);
    }
  return 0;
}

uint64_t
source_prev (Emulator *emulator, const Module *source, uint64_t before)
{
  if (source != &source_users)
    return store_prev (emulator, source, before);
  for (unsigned i = users_count (); i > 0; i--)
    {
      if (user_id (i - 1) < before)
        return user_id (i - 1);
    }
  return 0;
}

bool
source_converted (const Module *source, uint64_t id)
{
  return source != &source_users && store_converted (source, id);
}

bool
source_hidden (const Module *source, uint64_t id)
{
  return source != &source_users && store_hidden (source, id);
}

bool
user_property (const char *key, Kind *kind)
{
  static const struct
  {
    const char *key;
    Kind kind;
  } properties[] = {
    { "id", KIND_ID },
    { "full_name", KIND_TEXT },
    { "first_name", KIND_TEXT },
    { "last_name", KIND_TEXT },
    { "email", KIND_TEXT },
    { "phone", KIND_TEXT },
    { "alias", KIND_TEXT },
    { "time_zone", KIND_TEXT },
    { "locale", KIND_TEXT },
    { "language", KIND_TEXT },
    { "status", KIND_PICKLIST },
    { "confirm", KIND_BOOLEAN },
    { "role", KIND_LOOKUP },
    { "profile", KIND_LOOKUP },
    { "created_time", KIND_TIME },
    { "created_by", KIND_LOOKUP },
    { "Modified_Time", KIND_TIME },
    { "Modified_By", KIND_LOOKUP },
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      if (strcmp (properties[i].key, key) == 0)
        {
          *kind = properties[i].kind;
          return true;
        }
    }
  return false;
}
