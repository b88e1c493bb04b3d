/* Zoho's search: what its index finds, which lags behind. Answers on a client worker thread through @done; see
 * client.h. */
#pragma once

#include "api/records.h"

#define SEARCH_ROWS_MAX 2000 /* in all; what lies beyond cannot be had */
#define SEARCH_PAGES_MAX (SEARCH_ROWS_MAX / RECORDS_PAGE)

typedef struct
{
  const char *module;
  const char *by;     /* "word", "email", "phone" or "criteria" */
  const char *value;  /* criteria: in the API's own words, escaped by search_escape() */
  const char *fields; /* comma separated */
  unsigned page;      /* 1 to SEARCH_PAGES_MAX */
  ClientPriority priority;
} SearchList;

/* GET /crm/v8/{module}/search */
uint64_t search_list (Client *client, const SearchList *list, RecordsDone done, void *data);

/* A value as it stands in criteria: a backslash before parentheses, before a backslash at the end and, unless @list
 * says that it is a list of values, before commas. To g_free(). */
char *search_escape (const char *value, bool list);
