/* Names by table: the first row that matches, and what is listed. And errors to errnos. */
#include "fs/route.h"

#include "base/error.h"
#include "fs/kinds/kinds.h"
#include "fs/reply.h"

#include <errno.h>

static const NodeKind file_like = { .number = 4, .type = S_IFREG };
static const NodeKind dir_like = { .number = 6, .type = S_IFDIR };
static const NodeKey dir = { &dir_like, NULL, 0 };

static StoreState
take_digit (const Ask *ask, const NodeKey *parent, const char *name, NodeKey *found, GError **error)
{
  if (g_ascii_isdigit (*name))
    *found = (NodeKey) { &dir_like, NULL, (uint64_t) (*name - '0') };
  return STORE_READY;
}

static StoreState
take_failing (const Ask *ask, const NodeKey *parent, const char *name, NodeKey *found, GError **error)
{
  g_set_error_literal (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND, "No such thing.");
  return STORE_FAILED;
}

static const Route open_table[] = {
  { "7", true, &file_like, 70, NULL },
  { "hidden", false, &file_like, 71, NULL },
  { "shown", true, &file_like, 72, NULL },
  { NULL, false, NULL, 0, take_digit },
  ROUTE_END,
};

static const Route closed_table[] = {
  { "only", true, &file_like, 1, NULL },
  { "fails", false, NULL, 0, take_failing },
  ROUTE_END,
};

static NodeKey
read_name (const Route *routes, const char *name)
{
  g_autoptr (GError) error = NULL;
  NodeKey found = { 0 };

  g_assert_cmpint (route_read (routes, NULL, &dir, name, &found, &error), ==, STORE_READY);
  g_assert_no_error (error);
  return found;
}

static void
test_first_match_wins (void)
{
  g_assert_cmpuint (read_name (open_table, "7").id, ==, 70);
  g_assert_cmpuint (read_name (open_table, "8").id, ==, 8);
  g_assert_cmpuint (read_name (open_table, "hidden").id, ==, 71);
}

static void
test_unknown_names_are_no_error (void)
{
  g_assert_null (read_name (open_table, "x").kind);
  g_assert_null (read_name (closed_table, "x").kind);
  g_assert_null (read_name (closed_table, "").kind);
  g_assert_null (read_name (closed_table, "Only").kind);
}

static void
test_a_take_may_fail (void)
{
  g_autoptr (GError) error = NULL;
  NodeKey found = { 0 };

  g_assert_cmpint (route_read (closed_table, NULL, &dir, "fails", &found, &error), ==, STORE_FAILED);
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_NOT_FOUND);
}

static void
test_lists_what_is_listed (void)
{
  g_assert_cmpuint (route_count_listed (open_table), ==, 2);
  g_assert_cmpstr (route_listed (open_table, 0)->name, ==, "7");
  g_assert_cmpstr (route_listed (open_table, 1)->name, ==, "shown");
  g_assert_null (route_listed (open_table, 2));
}

static void
test_control_is_reachable_without_a_call (void)
{
  const NodeKey root = { &root_kind, NULL, 0 };
  g_autoptr (GError) error = NULL;
  NodeKey found = { 0 };
  NodeKey below = { 0 };

  g_assert_cmpint (root_kind.lookup (NULL, &root, ".zohofs", &found, &error), ==, STORE_READY);
  g_assert_true (found.kind == &control_kind);
  g_assert_cmpint (control_kind.lookup (NULL, &found, "status.json", &below, &error), ==, STORE_READY);
  g_assert_true (below.kind == &status_kind);
  g_assert_cmpint (control_kind.lookup (NULL, &found, "modules", &below, &error), ==, STORE_READY);
  g_assert_cmpuint (below.id, ==, CONTROL_MODULES);
}

static void
test_fixed_directories_list_names_of_texts (void)
{
  const NodeKey top = { &control_kind, NULL, CONTROL_TOP };
  Ask ask = { .mounted_s = 7 };
  Listing listing = { 0 };
  g_autoptr (GError) error = NULL;
  bool at_end = false;
  g_autoptr (GString) names = g_string_new (NULL);

  for (size_t index = 0; !at_end; index++)
    {
      g_auto (Entry) entry = { 0 };

      g_assert_cmpint (control_kind.entry (&ask, &top, &listing, index, true, &entry, &at_end, &error), ==, STORE_READY);
      if (!at_end)
        g_string_append_printf (names, "%s%s ", entry.name, entry.has_attr ? "/" : "");
    }
  g_assert_cmpstr (names->str, ==, "status.json metrics events.jsonl errors.jsonl audit.jsonl drafts/ trash/ org.json modules/ ");
}

static void
test_errnos (void)
{
  static const int expected[] = {
    [ZOHO_ERROR_FAILED] = EIO,         [ZOHO_ERROR_NOT_FOUND] = ENOENT,        [ZOHO_ERROR_DENIED] = EACCES,
    [ZOHO_ERROR_FORBIDDEN] = EPERM,    [ZOHO_ERROR_INVALID] = EINVAL,          [ZOHO_ERROR_CHANGED] = EBUSY,
    [ZOHO_ERROR_DUPLICATE] = EEXIST,   [ZOHO_ERROR_SPENT] = EDQUOT,            [ZOHO_ERROR_TOO_LARGE] = EFBIG,
    [ZOHO_ERROR_SIGNED_OUT] = EKEYEXPIRED, [ZOHO_ERROR_UNREACHABLE] = ENETUNREACH, [ZOHO_ERROR_TIMED_OUT] = ETIMEDOUT,
    [ZOHO_ERROR_READ_ONLY] = EROFS,    [ZOHO_ERROR_CANCELLED] = EINTR,
    [ZOHO_ERROR_UNCLEAR] = EIO,
  };
  g_autoptr (GError) foreign = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_NOENT, "Not ours.");

  for (size_t i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (ZOHO_ERROR, (int) i, "Words.");

      g_assert_cmpint (reply_errno (error), ==, expected[i]);
    }
  g_assert_cmpint (reply_errno (foreign), ==, EIO);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/route/first-match-wins", test_first_match_wins);
  g_test_add_func ("/route/unknown-names-are-no-error", test_unknown_names_are_no_error);
  g_test_add_func ("/route/a-take-may-fail", test_a_take_may_fail);
  g_test_add_func ("/route/lists-what-is-listed", test_lists_what_is_listed);
  g_test_add_func ("/route/control-is-reachable-without-a-call", test_control_is_reachable_without_a_call);
  g_test_add_func ("/route/fixed-directories-list-names-of-texts", test_fixed_directories_list_names_of_texts);
  g_test_add_func ("/reply/errnos", test_errnos);
  return g_test_run ();
}
