/* The permissions (scopes) that a sign-in asks for: only those that the chosen access needs. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct
{
  bool read_only;
  char **modules; /* names as the tree has them; NULL: all */
} ScopesWanted;

/* Checks "Leads,Contacts" as a list of modules. Returns: to g_strfreev(), or NULL with one clear line in @error. */
char **scopes_parse_modules (const char *text, GError **error);

/* "ZohoCRM.users.READ,...", as Zoho takes them. To g_free(). */
char *scopes_text (const ScopesWanted *wanted);

/* A line for each, with what it is for. To g_free(). */
char *scopes_words (const ScopesWanted *wanted);
