/* From the access that is wanted to Zoho's names for it. */
#include "app/scopes.h"

#include "base/error.h"

#include <string.h>

#define MODULES_MAX 100
#define NAME_MAX_BYTES 50

/* Modules that have a scope of their own; all others share "custom". */
static const char *const standard[]
    = { "Leads",    "Accounts",  "Contacts",     "Deals",           "Campaigns", "Tasks",         "Cases",
        "Events",   "Calls",     "Solutions",    "Products",        "Vendors",   "Price_Books",   "Quotes",
        "Invoices", "Sales_Orders", "Purchase_Orders", "Notes",     "Attachments" };

typedef struct
{
  const char *scope;
  const char *purpose;
} Scope;

/* Needed whatever is mounted. */
static const Scope always[] = {
  { "ZohoCRM.settings.modules.READ", "what modules there are" },
  { "ZohoCRM.settings.fields.READ", "what fields they have" },
  { "ZohoCRM.settings.related_lists.READ", "which lists a record has" },
  { "ZohoCRM.settings.layouts.READ", "how many records a module has" },
  { "ZohoCRM.users.READ", "who is signed in, and names of owners" },
  { "ZohoCRM.org.READ", "the organization's name and currency" },
  { "ZohoCRM.coql.READ", "queries, and modules of more than 200,000 records" },
  { "ZohoSearch.securesearch.READ", "search, and counting" },
};

static bool
is_name (const char *name)
{
  return g_ascii_isalpha (*name) && strlen (name) <= NAME_MAX_BYTES
         && name[strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

char **
scopes_parse_modules (const char *text, GError **error)
{
  g_auto (GStrv) names = g_strsplit (text, ",", MODULES_MAX + 1);

  for (unsigned i = 0; names[i] != NULL; i++)
    if (i == MODULES_MAX || !is_name (g_strstrip (names[i])))
      {
        g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
                     "--modules takes API names of modules and commas, such as Leads,Contacts; \"%.60s\" is none.",
                     names[i]);
        return NULL;
      }
  if (names[0] != NULL)
    return g_steal_pointer (&names);
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID, "--modules names no module.");
  return NULL;
}

/* "Sales_Orders" is "salesorders"; to g_free(). */
static char *
part_of (const char *module)
{
  GString *part = g_string_new (NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (standard); i++)
    {
      if (g_ascii_strcasecmp (module, standard[i]) != 0)
        continue;
      for (const char *c = standard[i]; *c != '\0'; c++)
        if (*c != '_')
          g_string_append_c (part, g_ascii_tolower (*c));
      return g_string_free (part, FALSE);
    }
  g_string_append (part, "custom");
  return g_string_free (part, FALSE);
}

typedef void (*Take) (GString *out, const char *scope, const char *purpose);

static void
take_part (GString *out, GHashTable *seen, Take take, const char *part, const char *operation, const char *purpose)
{
  g_autofree char *scope = g_strdup_printf ("ZohoCRM.modules.%s.%s", part, operation);

  if (g_hash_table_add (seen, g_strdup (scope)))
    take (out, scope, purpose);
}

/* Notes and attachments have scopes of their own beside those of the records they are on. */
static void
take_modules (GString *out, Take take, const ScopesWanted *wanted)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const char *operation = wanted->read_only ? "READ" : "ALL", *verb = wanted->read_only ? "read" : "read and change";

  for (char **module = wanted->modules; *module != NULL; module++)
    {
      g_autofree char *part = part_of (*module);
      g_autofree char *purpose = g_str_equal (part, "custom") ? g_strdup_printf ("%s records of all custom modules", verb)
                                                              : g_strdup_printf ("%s %s", verb, *module);

      take_part (out, seen, take, part, operation, purpose);
    }
  take_part (out, seen, take, "notes", operation, wanted->read_only ? "read their notes" : "read and change their notes");
  take_part (out, seen, take, "attachments", operation,
             wanted->read_only ? "read their attachments" : "read and change their attachments");
}

static char *
take_all (const ScopesWanted *wanted, Take take)
{
  GString *out = g_string_new (NULL);

  if (wanted->modules != NULL)
    take_modules (out, take, wanted);
  else if (wanted->read_only)
    take (out, "ZohoCRM.modules.READ", "read all records, notes and attachments");
  else
    take (out, "ZohoCRM.modules.ALL", "read and change all records, notes and attachments");
  for (size_t i = 0; i < G_N_ELEMENTS (always); i++)
    take (out, always[i].scope, always[i].purpose);
  return g_string_free (out, FALSE);
}

static void
take_name (GString *out, const char *scope, const char *purpose)
{
  g_string_append_printf (out, "%s%s", out->len > 0 ? "," : "", scope);
}

static void
take_line (GString *out, const char *scope, const char *purpose)
{
  g_string_append_printf (out, "  %-38s %s\n", scope, purpose);
}

char *
scopes_text (const ScopesWanted *wanted)
{
  return take_all (wanted, take_name);
}

char *
scopes_words (const ScopesWanted *wanted)
{
  return take_all (wanted, take_line);
}
