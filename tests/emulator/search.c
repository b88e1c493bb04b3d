/* GET {module}/search: pages of what an index finds, at most 2,000 rows in all. */
#include <string.h>

#include "core.h"
#include "criteria.h"
#include "handlers.h"
#include "selection.h"

enum
{
  MOST_ROWS = 2000,
  MOST_PER_PAGE = 200
};

typedef struct
{
  uint64_t page, per_page;
  Path *sort_by;
  bool descending;
  bool narrow;     /* only @columns; else full-width rows */
  Columns columns;
} Page;

static void
page_clear (Page *page)
{
  path_free (page->sort_by);
  if (page->narrow)
    columns_clear (&page->columns);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Page, page_clear)

static const char *
param (const Request *request, const char *name)
{
  const char *text = request_query (request, name);

  return text == NULL || *text == '\0' ? NULL : text;
}

static bool
read_number (const Request *request, const char *name, uint64_t most, uint64_t otherwise, uint64_t *number,
             Refusal *refusal)
{
  const char *text = param (request, name);

  *number = otherwise;
  if (text == NULL || g_ascii_string_to_unsigned (text, 10, 1, most, number, NULL))
    return true;
  return refuse (refusal, "INVALID_DATA", "invalid data",
                 json_pack ("{s:s, s:s}", "expected_data_type", "integer", "param_name", name));
}

static bool
read_sort (Emulator *emulator, const Module *module, const Request *request, Page *page, Refusal *refusal)
{
  const char *sort_by = param (request, "sort_by");
  const char *order = param (request, "sort_order");
  g_autofree char *bad_module = NULL;

  page->sort_by = path_new (emulator, module, sort_by == NULL ? "id" : sort_by, &bad_module);
  if (page->sort_by == NULL || page->sort_by->hops->len != 1 || page->sort_by->kind == KIND_ROWS)
    return refuse (refusal, "INVALID_DATA", "the field api name given seems to be invalid",
                   json_pack ("{s:s}", "param_name", "sort_by"));
  page->descending = order == NULL || strcmp (order, "desc") == 0;
  if (!page->descending && strcmp (order, "asc") != 0)
    return refuse (refusal, "PATTERN_NOT_MATCHED", "Please check whether the input values are correct",
                   json_pack ("{s:s}", "param_name", "sort_order"));
  return true;
}

static bool
read_page (Emulator *emulator, const Module *module, const Request *request, Page *page, Refusal *refusal)
{
  if (!read_number (request, "page", G_MAXINT32, 1, &page->page, refusal)
      || !read_number (request, "per_page", MOST_PER_PAGE, MOST_PER_PAGE, &page->per_page, refusal)
      || !read_sort (emulator, module, request, page, refusal))
    return false;
  if (page->page * page->per_page > MOST_ROWS)
    return refuse (refusal, "LIMIT_REACHED", "maximum response iteration limit reached",
                   json_pack ("{s:s}", "limit", "2000"));
  return true;
}

static bool
is_searchable (const Module *module, Refusal *refusal)
{
  if ((strcmp (module->generated_type, "default") == 0 || strcmp (module->generated_type, "custom") == 0)
      && strcmp (module->api_name, "Notes") != 0 && strcmp (module->api_name, "Attachments") != 0)
    return true;
  return refuse (refusal, "NOT_SUPPORTED", "the module is not supported for search",
                 json_pack ("{s:s}", "module", module->api_name));
}

static GArray *
order_of (const Page *page)
{
  GArray *orders = g_array_new (FALSE, FALSE, sizeof (Order));
  Order order = { page->sort_by, page->descending };

  g_array_append_val (orders, order);
  return orders;
}

/* Without `fields` the row is as wide as a single GET's, `$` keys and all, but has no rows of subforms. */
static json_t *
make_row (Emulator *emulator, const Module *module, const Page *page, uint64_t id)
{
  g_autoptr (GString) text = g_string_new (NULL);
  json_t *row;

  if (page->narrow)
    row_write (emulator, module, id, &page->columns, false, text);
  else
    record_write (emulator, module, id, NULL, text);
  row = json_read (text->str, text->len);
  for (unsigned i = 0; !page->narrow && i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];

      if (field_is_deep (field))
        json_object_del (row, field->api_name);
    }
  json_object_del (row, "$has_more");
  return row;
}

static json_t *
make_answer (Emulator *emulator, const Module *module, const Page *page, const GArray *ids, bool more)
{
  json_t *rows = json_array ();

  for (unsigned i = 0; i < ids->len; i++)
    json_array_append_new (rows, make_row (emulator, module, page, g_array_index (ids, uint64_t, i)));
  return json_pack ("{s:o, s:{s:I, s:I, s:I, s:s, s:s, s:b}}", "data", rows, "info", "per_page",
                    (json_int_t) page->per_page, "count", (json_int_t) ids->len, "page", (json_int_t) page->page,
                    "sort_by", path_root (page->sort_by), "sort_order", page->descending ? "desc" : "asc",
                    "more_records", more);
}

static void
handle_search (Emulator *emulator, const Request *request, Reply *reply)
{
  const Module *module = schema_module (emulator, request_segment (request, 0));
  g_auto (Refusal) refusal = { 0 };
  g_auto (Page) page = { 0 };
  g_autoptr (Criteria) criteria = NULL;
  g_autoptr (GArray) order = NULL;
  g_autoptr (GArray) ids = NULL;
  bool more;

  if (param (request, "fields") != NULL
      && !(page.narrow = columns_parse (emulator, request, reply, module, false, &page.columns)))
    return;
  if (is_searchable (module, &refusal) && read_page (emulator, module, request, &page, &refusal))
    criteria = criteria_of_request (emulator, module, request, &refusal);
  if (criteria == NULL)
    {
      refusal_reply (&refusal, reply);
      return;
    }
  order = order_of (&page);
  ids = criteria_find (criteria, order, (page.page - 1) * page.per_page, page.per_page, &more);
  if (ids->len == 0)
    reply_empty (reply, 204);
  else
    reply_json (reply, 200, make_answer (emulator, module, &page, ids, more));
}

const Route search_routes[] = {
  { "GET", "{module}/search", "modules.{module}.READ,ZohoSearch.securesearch.READ", 1, ROUTE_HEAVY,
    "criteria,email,phone,word,fields,page,per_page,sort_by,sort_order,converted,approved,approval_state,type",
    handle_search },
  { 0 },
};
