/* Searches, as the names of directories say them. */
#include "model/search.h"

#include "api/search.h"
#include "base/error.h"
#include "model/found_private.h"

#include <string.h>

#define WORD_MIN 2 /* characters */
#define PHONE_MIN 3

static const struct
{
  const char *prefix, *by;
  glong min; /* characters of the value */
} forms[] = {
  { "word=", "word", WORD_MIN },
  { "email=", "email", 1 },
  { "phone=", "phone", PHONE_MIN },
  { "criteria=", "criteria", 1 },
};

/* What a path cannot hold. */
static char *
decode (const char *text)
{
  GString *decoded = g_string_new (NULL);

  while (*text != '\0')
    {
      bool slash = g_ascii_strncasecmp (text, "%2F", 3) == 0, percent = strncmp (text, "%25", 3) == 0;

      g_string_append_c (decoded, slash ? '/' : *text);
      text += slash || percent ? 3 : 1;
    }
  return g_string_free (decoded, FALSE);
}

static bool
is_plain (const char *text)
{
  if (!g_utf8_validate (text, -1, NULL))
    return false;
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < ' ' || *text == '\x7f')
      return false;
  return true;
}

/* "Field:op:value" in the API's words; NULL: it is not that. */
static char *
one_comparison (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 3);
  g_autofree char *value = NULL;
  bool list;

  if (g_strv_length (parts) != 3 || parts[0][0] == '\0' || parts[1][0] == '\0' || parts[2][0] == '\0'
      || strpbrk (parts[0], "()") != NULL || strpbrk (parts[1], "()") != NULL)
    return NULL;
  list = g_str_equal (parts[1], "in") || g_str_equal (parts[1], "between");
  value = search_escape (parts[2], list);
  return g_strdup_printf ("(%s:%s:%s)", parts[0], parts[1], value);
}

static bool
finish (SearchTerm *term, const char *by, const char *value, glong min)
{
  if (g_utf8_strlen (value, -1) < min)
    return false;
  term->by = by;
  term->value = g_str_equal (by, "criteria") && value[0] != '(' ? one_comparison (value) : g_strdup (value);
  return term->value != NULL;
}

bool
search_read (const char *text, SearchTerm *term)
{
  g_autofree char *decoded = decode (text);

  if (!is_plain (decoded))
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (forms); i++)
    if (g_str_has_prefix (decoded, forms[i].prefix))
      return finish (term, forms[i].by, decoded + strlen (forms[i].prefix), forms[i].min);
  /* Programs look for hidden files wherever they are. */
  return decoded[0] != '.' && finish (term, "word", decoded, WORD_MIN);
}

static uint64_t
send_page (const FoundQuestion *question, unsigned page, const char *token, ClientPriority priority, RecordsDone done,
           void *data)
{
  SearchTerm term = { 0 };
  SearchList list = {
    .module = question->module->name,
    .fields = found_fields (question->module),
    .page = page,
    .priority = priority,
  };
  uint64_t ticket;

  search_read (question->text, &term); /* which was good before */
  list.by = term.by;
  list.value = term.value;
  ticket = search_list (question->module->store->config.client, &list, done, data);
  g_free (term.value);
  return ticket;
}

static bool
take_row (const FoundQuestion *question, const json_t *row, FoundRow *found)
{
  found->label = found_label (question->module, row);
  return true;
}

static const FoundKind search_kind = { "search", SEARCH_PAGES_MAX, send_page, take_row };

StoreState
search_hits (StoreModule *module, const char *text, bool fresh, StoreWait *wait, Found **found, GError **error)
{
  FoundQuestion question = { .kind = &search_kind, .module = module, .target = module, .text = text };
  SearchTerm term = { 0 };
  StoreState state = STORE_FAILED;

  if (!search_read (text, &term))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "\"%s\" cannot be searched for", text);
      return STORE_FAILED;
    }
  g_free (term.value);
  store_lock (module->store);
  if (!store_is_stopping (module->store, error))
    state = catalog_schema (module, wait, error);
  if (state == STORE_READY)
    state = found_ask (module->store, &question, fresh, wait, found, error);
  store_unlock (module->store);
  return state;
}
