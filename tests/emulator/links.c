/* Which records are linked with which. A link is kept twice, once for each end, so that either's list is at hand. */
#include "links.h"

#include <string.h>

#include "payload.h"

static const char *const pairs[][2] = {
  { "Campaigns", "Leads" },   { "Campaigns", "Contacts" }, { "Products", "Leads" },
  { "Products", "Accounts" }, { "Products", "Contacts" },  { "Products", "Deals" },
  { "Products", "Price_Books" },
};

static json_t *links; /* "Campaigns/7010000000201/Leads" -> array of links; guarded as the store */

static char *
key_of (const char *module, uint64_t id, const char *list)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT "/%s", module, id, list);
}

bool
links_has_list (const Module *module, const char *list)
{
  for (size_t i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      if ((strcmp (pairs[i][0], module->api_name) == 0 && strcmp (pairs[i][1], list) == 0)
          || (strcmp (pairs[i][1], module->api_name) == 0 && strcmp (pairs[i][0], list) == 0))
        return true;
    }
  return false;
}

const json_t *
links_of (const Module *module, uint64_t id, const char *list)
{
  g_autofree char *key = key_of (module->api_name, id, list);

  return json_object_get (links, key);
}

static size_t
find_link (const json_t *list, const char *id)
{
  json_t *link;
  size_t index;

  json_array_foreach (list, index, link)
    {
      if (strcmp (member_text (link, "id"), id) == 0)
        return index;
    }
  return json_array_size (list);
}

static void
add_end (const char *module, uint64_t id, const char *list, uint64_t other, const json_t *extra)
{
  g_autofree char *key = key_of (module, id, list);
  json_t *all = json_object_get (links, key);
  char text[24];
  size_t at;

  format_id (other, text);
  if (all == NULL)
    {
      all = json_array ();
      json_object_set_new (links, key, all);
    }
  at = find_link (all, text);
  if (at == json_array_size (all))
    json_array_append_new (all, json_object ());
  if (extra != NULL)
    json_object_update (json_array_get (all, at), (json_t *) extra);
  json_object_set_new (json_array_get (all, at), "id", json_string (text));
}

static bool
remove_end (const char *module, uint64_t id, const char *list, uint64_t other)
{
  g_autofree char *key = key_of (module, id, list);
  json_t *all = json_object_get (links, key);
  char text[24];
  size_t at = find_link (all, format_id (other, text));

  if (at == json_array_size (all))
    return false;
  json_array_remove (all, at);
  if (json_array_size (all) == 0)
    json_object_del (links, key);
  return true;
}

void
links_add (const Module *module, uint64_t id, const char *list, uint64_t other, const json_t *extra)
{
  add_end (module->api_name, id, list, other, extra);
  add_end (list, other, module->api_name, id, extra);
}

bool
links_remove (const Module *module, uint64_t id, const char *list, uint64_t other)
{
  remove_end (list, other, module->api_name, id);
  return remove_end (module->api_name, id, list, other);
}

void
links_start (void)
{
  links = json_object ();
}

void
links_stop (void)
{
  g_clear_pointer (&links, json_decref);
}
