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

/* Without what only escapes. To g_free(). */
static char *
bare (const char *value)
{
  GString *text = g_string_new (NULL);

  for (; *value != '\0'; value++)
    if (*value != '\\')
      g_string_append_c (text, *value);
  return g_string_free (text, FALSE);
}

static bool
is_of_name (char character)
{
  return g_ascii_isalnum (character) || character == '_';
}

static bool
is_among (const char *word, size_t size, const char *const *names)
{
  for (; *names != NULL; names++)
    if (strlen (*names) == size && g_ascii_strncasecmp (*names, word, size) == 0)
      return true;
  return false;
}

bool
search_names_any (const SearchTerm *term, const char *const *names)
{
  g_autofree char *text = bare (term->value);

  for (const char *at = text, *end; names != NULL && *at != '\0'; at = end)
    {
      for (end = at; is_of_name (*end); end++)
        ;
      if (end > at && is_among (at, (size_t)(end - at), names))
        return true;
      end += end == at;
    }
  return false;
}

bool
search_has_path (const SearchTerm *term)
{
  g_autofree char *text = bare (term->value);

  for (const char *colon = strchr (text, ':'); colon != NULL; colon = strchr (colon + 1, ':'))
    for (const char *at = colon; at > text && (is_of_name (at[-1]) || at[-1] == '.'); at--)
      if (at[-1] == '.')
        return true;
  return false;
}

static uint64_t
send_page (const FoundQuestion *question, unsigned page, const char *token, ClientPriority priority, RecordsDone done,
           void *data)
{
  g_auto (SearchTerm) term = { 0 };
  SearchList list = {
    .module = question->module->name,
    .fields = found_fields (question->module),
    .page = page,
    .priority = priority,
  };

  search_read (question->text, &term); /* which was good before */
  list.by = term.by;
  list.value = term.value;
  return search_list (question->module->store->config.client, &list, done, data);
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
  g_auto (SearchTerm) term = { 0 };
  StoreState state = STORE_FAILED;

  if (!search_read (text, &term))
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "\"%s\" cannot be searched for", text);
      return STORE_FAILED;
    }
  store_lock (module->store);
  if (!store_is_stopping (module->store, error))
    state = catalog_schema (module, wait, error);
  if (state == STORE_READY)
    state = found_ask (module->store, &question, fresh, wait, found, error);
  store_unlock (module->store);
  return state;
}
