/* The org's people: a dozen users of every state, with names that are hard to write. The first is the one whose token
 * the client has; the second changes things "behind its back". */
#include "core.h"

#include <string.h>

typedef struct
{
  const char *first, *last, *role, *profile, *status;
  bool confirmed;
} Person;

/* Their ids count up from FIRST_ID + 1. */
static const Person people[] = {
  { "Sample", "Owner", "CEO", "Administrator", "active", true },
  { "Other", "Editor", "Manager", "Administrator", "active", true },
  { "Adaeze", "Okafor", "Sales", "Standard", "active", true },
  { "Łukasz", "Żółć", "Sales", "Standard", "active", true },
  { "明", "王", "Sales", "Standard", "active", true },
  { "Ольга", "Иванова", "Manager", "Standard", "active", true },
  { "Seán \"Jack\"", "O'Neil / Sons", "Sales", "Standard", "active", true },
  { NULL, "محمد", "Sales", "Standard", "active", false },
  { "Ana", "Gone", "Sales", "Standard", "inactive", true },
  { "Ben", "Gone", "Sales", "Standard", "inactive", true },
  { "Del", "Eted", "Sales", "Standard", "deleted", true },
  { "Zoë", "🦊 Fox", "Support", "Standard", "disabled", false },
};

static json_t *users; /* array; never changed once made */

static uint64_t
number_of (const char *name)
{
  static const char *const names[] = { "CEO", "Manager", "Sales", "Support", "Administrator", "Standard" };

  for (uint64_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (strcmp (names[i], name) == 0)
        return i;
    }
  return 0;
}

static json_t *
named (const char *name)
{
  char id[24];

  return json_pack ("{s:s, s:s}", "name", name, "id", format_id (FIRST_ID + 20 + number_of (name), id));
}

static json_t *
person_json (const Person *person, unsigned index)
{
  g_autofree char *full
      = person->first == NULL ? g_strdup (person->last) : g_strdup_printf ("%s %s", person->first, person->last);
  g_autofree char *email = g_strdup_printf ("user%u@harbor.example", index + 1);
  g_autofree char *zuid = g_strdup_printf ("%u", 600000001 + index);
  json_t *user;
  char id[24];

  user = json_pack ("{s:s, s:s, s:s?, s:s, s:s, s:s, s:b, s:s, s:o, s:o}", "id", format_id (FIRST_ID + 1 + index, id),
                    "full_name", full, "first_name", person->first, "last_name", person->last, "email", email, "status",
                    person->status, "confirm", person->confirmed, "zuid", zuid, "role", named (person->role), "profile",
                    named (person->profile));
  json_object_update_new (user, json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:n, s:n, s:b, s:s, s:s, s:b}", "time_zone",
                                           "Etc/UTC", "locale", "en_US", "language", "en_US", "country_locale", "en_US",
                                           "date_format", "yyyy-MM-dd", "time_format", "HH:mm", "alias", "phone",
                                           "microsoft", false, "created_time", "2025-01-02T08:00:00+00:00",
                                           "Modified_Time", "2026-01-02T08:00:00+00:00", "Isonline", false));
  json_object_set_new (user, "created_by", json_pack ("{s:s, s:s}", "name", "Sample Owner", "id", ME_ID));
  json_object_set_new (user, "Modified_By", json_pack ("{s:s, s:s}", "name", "Sample Owner", "id", ME_ID));
  json_object_set_new (user, "type__s", json_string ("Regular User"));
  json_object_set_new (user, "category", json_string ("regular_user"));
  json_object_set_new (user, "personal_account", json_false ());
  json_object_set_new (user, "name_format__s", json_string ("Salutation,First Name,Last Name"));
  return user;
}

void
users_start (Emulator *emulator)
{
  users = json_array ();
  for (unsigned i = 0; i < G_N_ELEMENTS (people); i++)
    json_array_append_new (users, person_json (&people[i], i));
}

void
users_stop (void)
{
  json_decref (users);
  users = NULL;
}

unsigned
users_count (void)
{
  return G_N_ELEMENTS (people);
}

json_t *
users_at (unsigned index)
{
  return json_array_get (users, index);
}

json_t *
users_find (const char *id)
{
  uint64_t number;

  if (id == NULL || !parse_id (id, &number) || number <= FIRST_ID)
    return NULL;
  return json_array_get (users, (size_t) (number - FIRST_ID - 1));
}

bool
user_is_admin (const char *id)
{
  const json_t *profile = json_object_get (users_find (id), "profile");

  return g_strcmp0 (json_string_value (json_object_get (profile, "name")), "Administrator") == 0;
}

json_t *
user_ref (Emulator *emulator, const char *user_id)
{
  const json_t *user = users_find (user_id);

  if (user == NULL)
    return NULL;
  return json_pack ("{s:O, s:O}", "name", json_object_get (user, "full_name"), "id", json_object_get (user, "id"));
}

void
user_write_ref (GString *out, unsigned index)
{
  const json_t *user = users_at (index);

  g_string_append (out, "{\"name\":");
  json_write (out, json_object_get (user, "full_name"));
  g_string_append (out, ",\"id\":");
  json_write (out, json_object_get (user, "id"));
  g_string_append (out, ",\"email\":");
  json_write (out, json_object_get (user, "email"));
  g_string_append_c (out, '}');
}

const char *
emulator_me (Emulator *emulator)
{
  return ME_ID;
}
