/* The table of nodes: lookup counts, references, and what the kernel holds of a file. */
#include "fs/handle.h"
#include "fs/inode.h"

#include <string.h>

static const NodeKind root_like = { .number = 0, .type = S_IFDIR };
static const NodeKind file_like = { .number = 2, .type = S_IFREG };
static const NodeKind other_like = { .number = 4, .type = S_IFREG };

static const NodeKey root = { &root_like, NULL, 0 };
static const NodeKey one = { &file_like, NULL, 7010000000001 };
static const NodeKey two = { &file_like, NULL, 7010000000002 };

static GBytes *
text_of (const char *text)
{
  return g_bytes_new_static (text, strlen (text));
}

static void
test_same_key_is_one_node (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  Node *node = nodes_lookup (nodes, &one);

  g_assert_true (node == nodes_lookup (nodes, &one));
  g_assert_true (node != nodes_lookup (nodes, &two));
  g_assert_true (nodes_of_id (nodes, node_id (nodes, node)) == node);
  g_assert_cmpuint (nodes_count (nodes), ==, 3);
}

static void
test_root_stays (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  Node *node = nodes_of_id (nodes, 1);

  g_assert_cmpuint (node_id (nodes, node), ==, 1);
  g_assert_cmpuint (node_ino (&root), ==, 1);
  nodes_forget (nodes, node, 5);
  g_assert_true (nodes_of_id (nodes, 1) == node);
  g_assert_cmpuint (nodes_drop (nodes, &root), ==, 1);
}

static void
test_inode_numbers_are_stable (void)
{
  const NodeKey other = { &other_like, NULL, one.id };

  /* Fixed by what backups have seen. */
  g_assert_cmpuint (node_ino (&one), ==, UINT64_C (11302805993937849013));
  g_assert_cmpuint (node_ino (&one), !=, node_ino (&two));
  g_assert_cmpuint (node_ino (&one), !=, node_ino (&other));
}

static void
test_goes_with_the_last_forget (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  Node *node = nodes_lookup (nodes, &one);

  nodes_lookup (nodes, &one);
  nodes_lookup (nodes, &one);
  nodes_forget (nodes, node, 2);
  g_assert_cmpuint (nodes_id_of_key (nodes, &one), ==, node_id (nodes, node));
  nodes_forget (nodes, node, 1);
  g_assert_cmpuint (nodes_id_of_key (nodes, &one), ==, 0);
  g_assert_cmpuint (nodes_count (nodes), ==, 1);
}

static void
test_our_reference_outlives_forget (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  Node *node = nodes_ref (nodes, nodes_lookup (nodes, &one));

  nodes_forget (nodes, node, 1);
  g_assert_cmpuint (nodes_id_of_key (nodes, &one), ==, 0);
  g_assert_cmpuint (nodes_count (nodes), ==, 2);
  g_assert_true (nodes_lookup (nodes, &one) == node);
  nodes_unref (nodes, node);
  g_assert_cmpuint (nodes_count (nodes), ==, 2);
}

static void
test_many_come_and_go (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  g_autoptr (GPtrArray) all = g_ptr_array_new ();

  for (uint64_t id = 1; id <= 10000; id++)
    g_ptr_array_add (all, nodes_lookup (nodes, &(NodeKey){ &file_like, NULL, id }));
  g_assert_cmpuint (nodes_count (nodes), ==, 10001);
  for (guint i = 0; i < all->len; i++)
    nodes_forget (nodes, g_ptr_array_index (all, i), 1);
  g_assert_cmpuint (nodes_count (nodes), ==, 1);
}

static void
test_first_open_finds_the_kernel_clean (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  g_autoptr (GBytes) text = text_of ("a");
  Node *node = nodes_lookup (nodes, &one);

  g_assert_false (nodes_open (nodes, node, text, 11));
  g_assert_false (nodes_open (nodes, node, text, 11));
  nodes_close (nodes, node);
  nodes_close (nodes, node);
}

static void
test_open_of_another_version_is_stale (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  g_autoptr (GBytes) text = text_of ("b");
  Node *node = nodes_lookup (nodes, &one);

  nodes_told (nodes, node, 11, 1);
  g_assert_true (nodes_open (nodes, node, text, 12));
  /* Until the kernel has dropped the old one, every open must see to it. */
  g_assert_true (nodes_open (nodes, node, text, 12));
  g_assert_cmpuint (nodes_drop (nodes, &one), ==, node_id (nodes, node));
  g_assert_false (nodes_open (nodes, node, text, 12));
}

static void
test_reads_get_the_version_whose_size_is_known (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  g_autoptr (Handles) handles = handles_new (nodes);
  g_autoptr (GBytes) old = text_of ("old");
  g_autoptr (GBytes) new = text_of ("newer");
  Node *node = nodes_lookup (nodes, &one);
  uint64_t version;
  bool stale;
  Handle *first = handle_open (handles, node, &(Opened){ old, 1, false }, &stale);
  Handle *second = handle_open (handles, node, &(Opened){ NULL, 2, false }, &stale);
  g_autoptr (GBytes) before = handle_text (handles, second, &version);
  g_autoptr (GBytes) after = NULL;

  g_assert_true (stale);
  g_assert_true (before == old);
  g_assert_cmpuint (version, ==, 1);
  nodes_told (nodes, node, 2, 5);
  g_assert_null (handle_text (handles, first, &version));
  g_assert_cmpuint (version, ==, 2);
  nodes_fill (nodes, node, old, 1);
  nodes_fill (nodes, node, new, 2);
  after = handle_text (handles, first, &version);
  g_assert_true (after == new);
  handle_close (handles, second);
  handle_close (handles, first);
}

static void
test_own_text_is_shared_with_nobody (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  g_autoptr (Handles) handles = handles_new (nodes);
  g_autoptr (GBytes) old = text_of ("old");
  g_autoptr (GBytes) new = text_of ("newer");
  Node *node = nodes_lookup (nodes, &one);
  bool stale;
  Handle *first = handle_open (handles, node, &(Opened){ old, 0, true }, &stale);
  uint64_t version;
  g_autoptr (GBytes) read = handle_text (handles, first, &version);

  g_assert_false (stale);
  handle_open (handles, node, &(Opened){ new, 0, true }, &stale); /* left open for handles_free() */
  g_assert_true (read == old);
}

static void
test_entries_are_kept_while_the_listing_is (void)
{
  g_autoptr (Nodes) nodes = nodes_new (&root);
  Node *dir = nodes_of_id (nodes, 1);

  g_assert_false (nodes_opendir (nodes, dir, 5));
  g_assert_true (nodes_opendir (nodes, dir, 5));
  g_assert_false (nodes_opendir (nodes, dir, 6));
  nodes_drop (nodes, &root);
  g_assert_false (nodes_opendir (nodes, dir, 6));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/inode/same-key-is-one-node", test_same_key_is_one_node);
  g_test_add_func ("/inode/root-stays", test_root_stays);
  g_test_add_func ("/inode/numbers-are-stable", test_inode_numbers_are_stable);
  g_test_add_func ("/inode/goes-with-the-last-forget", test_goes_with_the_last_forget);
  g_test_add_func ("/inode/our-reference-outlives-forget", test_our_reference_outlives_forget);
  g_test_add_func ("/inode/many-come-and-go", test_many_come_and_go);
  g_test_add_func ("/inode/first-open-finds-the-kernel-clean", test_first_open_finds_the_kernel_clean);
  g_test_add_func ("/inode/open-of-another-version-is-stale", test_open_of_another_version_is_stale);
  g_test_add_func ("/inode/reads-get-the-version-whose-size-is-known",
                   test_reads_get_the_version_whose_size_is_known);
  g_test_add_func ("/inode/own-text-is-shared-with-nobody", test_own_text_is_shared_with_nobody);
  g_test_add_func ("/inode/entries-are-kept-while-the-listing-is", test_entries_are_kept_while_the_listing_is);
  return g_test_run ();
}
