/* The journal: what must survive, with processes that end in the middle of it. */
#include "model/journal_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOUNT "/mnt/crm"

typedef struct
{
  char *state;
} Fixture;

static const DraftKey lead_key = { "Leads", 7010000000201, "Ann.7010000000201.json", 4711, "vim" };
static const DraftKey new_key = { "Leads", 0, "new.json", 4711, NULL };

static const DraftReason busy = { "EBUSY", "changed", "Email was changed by a colleague", "Email", "Read it again" };

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *below = g_build_filename (path, name, NULL);

      remove_all (below);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

/* In memory where that is to be had: a kill does not tell whether a disk was synced, and syncs take most of the time.
 */
static void
set_up (Fixture *f, const void *unused)
{
  bool memory = access ("/dev/shm", W_OK | X_OK) == 0;

  f->state = g_build_filename (memory ? "/dev/shm" : g_get_tmp_dir (), "zohofs-journal-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (f->state));
}

static void
tear_down (Fixture *f, const void *unused)
{
  remove_all (f->state);
  g_free (f->state);
}

static Journal *
open_at (Fixture *f, const char *mount_point)
{
  g_autoptr (GError) error = NULL;
  Journal *journal = journal_open (f->state, mount_point, &error);

  g_assert_no_error (error);
  return journal;
}

static Journal *
open_journal (Fixture *f)
{
  return open_at (f, MOUNT);
}

static Draft *
new_draft (Journal *journal, const DraftKey *key, const char *text)
{
  g_autoptr (GError) error = NULL;
  Draft *draft = NULL;

  g_assert_true (journal_draft_new (journal, key, &draft, &error));
  g_assert_no_error (error);
  g_assert_true (draft_write (draft, text, strlen (text), 0, NULL));
  return draft;
}

static void
send_body (Draft *draft, const char *body)
{
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
  g_autoptr (GError) error = NULL;

  g_assert_true (draft_sending (draft, bytes, "7010000000001", &error));
  g_assert_no_error (error);
}

static void
assert_bytes (GBytes *bytes, const char *text)
{
  g_assert_nonnull (bytes);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, strlen (text));
}

static void
assert_text (Draft *draft, const char *text)
{
  g_autoptr (GBytes) bytes = draft_text (draft, NULL);

  assert_bytes (bytes, text);
  g_assert_cmpint (draft_size (draft), ==, strlen (text));
}

static GPtrArray *
list_drafts (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *list = journal_drafts_list (f->state, &error);

  g_assert_no_error (error);
  return list;
}

static unsigned
count_drafts (Fixture *f)
{
  g_autoptr (GPtrArray) list = list_drafts (f);

  return list->len;
}

/* There is that refused draft, with that text and a reason of that code. */
static void
assert_refused (Fixture *f, const char *module, const char *name, const char *text, const char *code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = journal_drafts_find (f->state, module, name, &error);
  g_autoptr (GBytes) bytes = NULL;
  const DraftEntry *entry;

  g_assert_no_error (error);
  entry = found->pdata[0];
  g_assert_cmpstr (json_get_text (entry->reason, "code"), ==, code);
  g_assert_cmpint (entry->size, ==, strlen (text));
  bytes = journal_draft_open (f->state, module, name, &error);
  g_assert_no_error (error);
  assert_bytes (bytes, text);
}

static unsigned
count_names (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  unsigned count = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

static char *
path_of (Fixture *f, const char *name)
{
  return g_build_filename (f->state, name, NULL);
}

static void
assert_mode (Fixture *f, const char *name, mode_t mode)
{
  g_autofree char *path = path_of (f, name);
  struct stat about;

  g_assert_cmpint (lstat (path, &about), ==, 0);
  g_assert_cmpint (about.st_mode & 07777, ==, mode);
}

/* Nothing but what mounts share is left. */
static void
assert_no_folders (Fixture *f)
{
  g_autofree char *journal = path_of (f, "journal");

  g_assert_cmpuint (count_names (journal), ==, 1);
}

/* ---- drafts ----------------------------------------------------------------------------------------------------- */

static void
test_draft_holds_what_was_written (Fixture *f, const void *unused)
{
  g_autoptr (Journal) journal = open_journal (f);
  g_autoptr (Draft) draft = new_draft (journal, &lead_key, "hello world");
  char buffer[16] = "";

  g_assert_true (draft_write (draft, "W", 1, 6, NULL));
  assert_text (draft, "hello World");
  g_assert_cmpint (draft_read (draft, buffer, 15, 6, NULL), ==, 5);
  g_assert_cmpstr (buffer, ==, "World");
  g_assert_true (draft_truncate (draft, 5, NULL));
  assert_text (draft, "hello");
  g_assert_true (draft_sync (draft, NULL));
  assert_mode (f, "journal", 0700);
  assert_mode (f, "journal/1", 0700);
  assert_mode (f, "journal/1/lock", 0600);
  assert_mode (f, "journal/1/d1", 0600);
  assert_mode (f, "journal/1/d1.json", 0600);
  assert_mode (f, "aliases", 0600);
  g_assert_true (draft_done (draft, NULL));
  assert_text (draft, "hello");
  g_assert_false (draft_write (draft, "x", 1, 0, NULL));
  g_clear_pointer (&draft, draft_free);
  g_clear_pointer (&journal, journal_free);
  assert_no_folders (f);
  g_assert_cmpuint (count_drafts (f), ==, 0);
}

static void
test_names_are_checked (Fixture *f, const void *unused)
{
  g_autoptr (Journal) journal = open_journal (f);
  g_autofree char *long_name = g_strnfill (256, 'x');
  const char *const modules[] = { "", "..", ".meta", "a/b", long_name };
  const char *const names[] = { "", ".", "..", "a/b", "\xff.json", long_name };
  Draft *draft = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (modules) + G_N_ELEMENTS (names); i++)
    {
      DraftKey key = lead_key;
      g_autoptr (GError) error = NULL;

      if (i < G_N_ELEMENTS (modules))
        key.module = modules[i];
      else
        key.name = names[i - G_N_ELEMENTS (modules)];
      g_assert_false (journal_draft_new (journal, &key, &draft, &error));
      g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID);
    }
  g_assert_null (journal_draft_open (f->state, "..", "aliases", NULL));
  g_assert_null (journal_draft_open (f->state, "Leads", "../../aliases", NULL));
}

static void
test_draft_is_bounded (Fixture *f, const void *unused)
{
  g_autoptr (Journal) journal = open_journal (f);
  g_autoptr (Draft) draft = new_draft (journal, &new_key, "x");
  const int64_t offsets[] = { -1, DRAFT_SIZE_MAX, INT64_MAX };

  for (size_t i = 0; i < G_N_ELEMENTS (offsets); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (draft_write (draft, "y", 1, offsets[i], &error));
      g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE);
    }
  g_assert_false (draft_truncate (draft, DRAFT_SIZE_MAX + 1, NULL));
  assert_text (draft, "x");
  g_assert_true (draft_done (draft, NULL));
}

static void
test_states (Fixture *f, const void *unused)
{
  g_autoptr (Journal) journal = open_journal (f);
  g_autoptr (GBytes) seed = g_bytes_new_static ("server", 6);
  g_autoptr (DraftInfo) info = NULL;
  g_autoptr (Draft) draft = NULL;

  g_assert_true (journal_draft_new (journal, &new_key, &draft, NULL));
  g_assert_true (draft_seed (draft, seed, NULL));
  g_assert_cmpint (draft_state (draft), ==, DRAFT_CLEAN);
  g_assert_true (draft_write (draft, "S", 1, 0, NULL));
  g_assert_cmpint (draft_state (draft), ==, DRAFT_OPEN);
  g_assert_false (draft_seed (draft, seed, NULL));
  send_body (draft, "{}");
  g_assert_true (draft_saved (draft, NULL));
  g_assert_cmpint (draft_state (draft), ==, DRAFT_CLEAN);
  g_assert_true (draft_set_id (draft, 7010000000301, NULL));
  send_body (draft, "{}");
  g_assert_true (draft_write (draft, "again", 5, 0, NULL));
  g_assert_cmpint (draft_state (draft), ==, DRAFT_SENDING);
  info = draft_info (draft);
  g_assert_true (info->more);
  g_assert_cmpuint (info->id, ==, 7010000000301);
  assert_bytes (info->body, "{}");
  g_assert_true (draft_saved (draft, NULL));
  g_assert_cmpint (draft_state (draft), ==, DRAFT_OPEN);
  send_body (draft, "{}");
  g_assert_true (draft_unsent (draft, NULL));
  g_assert_cmpint (draft_state (draft), ==, DRAFT_OPEN);
  g_assert_true (draft_done (draft, NULL));
}

/* ---- adoption --------------------------------------------------------------------------------------------------- */

static void
test_open_draft_is_adopted_as_refused (Fixture *f, const void *unused)
{
  Journal *journal = open_journal (f);
  Draft *draft = new_draft (journal, &lead_key, "mine");

  draft_free (draft);
  journal_free (journal);
  journal = open_journal (f);
  g_assert_cmpuint (count_drafts (f), ==, 1);
  assert_refused (f, "Leads", lead_key.name, "mine", "mount-ended");
  assert_mode (f, "drafts/Leads/Ann.7010000000201.json", 0600);
  assert_mode (f, "drafts/.meta/Leads/Ann.7010000000201.json", 0600);
  assert_mode (f, "drafts/.meta/Leads", 0700);
  journal_free (journal);
  assert_no_folders (f);
}

static void
test_clean_and_empty_drafts_are_dropped (Fixture *f, const void *unused)
{
  Journal *journal = open_journal (f);
  g_autoptr (GBytes) seed = g_bytes_new_static ("server", 6);
  Draft *clean = NULL, *saved = new_draft (journal, &lead_key, "saved"), *empty = new_draft (journal, &new_key, "x");

  g_assert_true (journal_draft_new (journal, &lead_key, &clean, NULL));
  g_assert_true (draft_seed (clean, seed, NULL));
  send_body (saved, "{}");
  g_assert_true (draft_saved (saved, NULL));
  g_assert_true (draft_truncate (empty, 0, NULL));
  draft_free (clean);
  draft_free (saved);
  draft_free (empty);
  journal_free (journal);
  journal = open_journal (f);
  g_assert_cmpuint (count_drafts (f), ==, 0);
  journal_free (journal);
  assert_no_folders (f);
}

/* What is known of a create whose outcome is not. */
static void
assert_unclear (Draft *draft, json_t *extra)
{
  g_autoptr (DraftInfo) info = draft_info (draft);

  g_assert_cmpint (info->state, ==, DRAFT_SENDING);
  g_assert_cmpuint (info->id, ==, 0);
  g_assert_cmpstr (info->name, ==, "new.json");
  g_assert_cmpstr (info->creator, ==, "7010000000001");
  g_assert_cmpint (info->sent_s, >, 0);
  g_assert_cmpuint (info->versions->len, ==, 1);
  g_assert_cmpuint (g_array_index (info->versions, DraftVersion, 0).version, ==, G_MAXUINT64);
  g_assert_cmpint (g_array_index (info->versions, DraftVersion, 0).mtime, ==, 1700000000);
  g_assert_true (json_equal (info->extra, extra));
  assert_bytes (info->body, "{\"a\":\"\\u0001\xc3\xa4\"}");
  assert_text (draft, "{ \"a\" }");
}

static void
test_sent_draft_is_handed_over_until_it_is_settled (Fixture *f, const void *unused)
{
  const char text[] = "{\"amount\":1234567890123456.78,\"n\":[1,null]}";
  g_autoptr (json_t) extra = json_parse (text, strlen (text), NULL);
  DraftVersion version = { G_MAXUINT64, 1700000000 };
  Journal *journal = open_journal (f);
  Draft *draft = new_draft (journal, &new_key, "{ \"a\" }");

  g_assert_true (draft_set_base (draft, &version, 1, extra, NULL));
  send_body (draft, "{\"a\":\"\\u0001\xc3\xa4\"}");
  draft_free (draft);
  journal_free (journal);
  for (int round = 0; round < 3; round++) /* taken, not taken, taken and settled */
    {
      g_autoptr (GPtrArray) unclear = NULL;

      journal = open_journal (f);
      if (round != 1)
        {
          unclear = journal_take_unclear (journal);
          g_assert_cmpuint (unclear->len, ==, 1);
          assert_unclear (unclear->pdata[0], extra);
        }
      if (round == 2)
        g_assert_true (draft_refuse (unclear->pdata[0], &busy, NULL));
      g_clear_pointer (&unclear, g_ptr_array_unref);
      journal_free (journal);
      g_assert_cmpuint (count_drafts (f), ==, round == 2);
    }
  assert_refused (f, "Leads", "new.json", "{ \"a\" }", "changed");
  assert_no_folders (f);
}

static void
test_sent_draft_without_data_is_its_body (Fixture *f, const void *unused)
{
  g_autofree char *data = path_of (f, "journal/1/d1");
  g_autoptr (GPtrArray) unclear = NULL;
  Journal *journal = open_journal (f);
  Draft *draft = new_draft (journal, &new_key, "{ }");

  send_body (draft, "{\"a\":1}");
  draft_free (draft);
  journal_free (journal);
  g_assert_cmpint (g_unlink (data), ==, 0);
  journal = open_journal (f);
  unclear = journal_take_unclear (journal);
  g_assert_cmpuint (unclear->len, ==, 1);
  assert_text (unclear->pdata[0], "{\"a\":1}");
  g_assert_true (draft_done (unclear->pdata[0], NULL));
  g_clear_pointer (&unclear, g_ptr_array_unref);
  journal_free (journal);
  assert_no_folders (f);
}

static void
flip (const char *path, size_t at, unsigned bit)
{
  int fd = open (path, O_RDWR | O_CLOEXEC);
  unsigned char byte;

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pread (fd, &byte, 1, (off_t)at), ==, 1);
  byte ^= (unsigned char)(1u << bit);
  g_assert_cmpint (pwrite (fd, &byte, 1, (off_t)at), ==, 1);
  close (fd);
}

static size_t
file_size (const char *path)
{
  struct stat about;

  g_assert_cmpint (stat (path, &about), ==, 0);
  return (size_t)about.st_size;
}

/* The draft is in the folder once, wherever its name led. */
static void
assert_kept_once (Fixture *f)
{
  g_autoptr (GPtrArray) list = list_drafts (f);
  const DraftEntry *entry;

  g_assert_cmpuint (list->len, ==, 1);
  entry = list->pdata[0];
  assert_refused (f, entry->module, entry->name, "precious", "damaged-note");
  g_assert_nonnull (strstr (json_get_text (entry->reason, "message"), "its note was damaged"));
  g_assert_true (journal_draft_remove (f->state, entry->module, entry->name, NULL));
}

/* Flips each byte, cuts the note short, and takes it away. */
static void
test_damaged_note_never_loses_the_data (Fixture *f, const void *sending)
{
  g_autofree char *note = path_of (f, "journal/1/d1.json");
  size_t size = 1;

  for (size_t at = 0; at < size + 2; at++)
    {
      Journal *journal = open_journal (f);
      Draft *draft = new_draft (journal, &new_key, "precious");

      if (sending != NULL)
        send_body (draft, "{}");
      draft_free (draft);
      journal_free (journal);
      size = file_size (note);
      if (at < size)
        flip (note, at, at % 8);
      else if (at == size)
        g_assert_cmpint (truncate (note, (off_t)size / 2), ==, 0);
      else
        g_assert_cmpint (g_unlink (note), ==, 0);
      journal_free (open_journal (f));
      assert_kept_once (f);
    }
}

static void
test_strange_files_do_no_harm (Fixture *f, const void *unused)
{
  g_autofree char *folder = path_of (f, "journal/1"), *link = path_of (f, "journal/1/d7");
  g_autofree char *pipe = path_of (f, "journal/1/d8"), *words = path_of (f, "journal/1/words");

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_cmpint (symlink ("/etc/passwd", link), ==, 0);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  g_assert_true (g_file_set_contents (words, "mine", 4, NULL));
  journal_free (open_journal (f));
  g_assert_cmpuint (count_drafts (f), ==, 0);
  g_assert_true (g_file_test (words, G_FILE_TEST_EXISTS));
}

/* A crash between the note that says refused and the move. */
static void
test_refusal_is_finished (Fixture *f, const void *unused)
{
  g_autofree char *in_the_way = path_of (f, "drafts");
  Journal *journal = open_journal (f);
  Draft *draft = new_draft (journal, &new_key, "mine");
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (in_the_way, "", 0, NULL));
  g_assert_false (draft_refuse (draft, &busy, &error));
  g_assert_error (error, ZOHO_ERROR, ZOHO_ERROR_FAILED);
  g_assert_cmpint (draft_state (draft), ==, DRAFT_REFUSED);
  draft_free (draft);
  journal_free (journal);
  g_assert_cmpint (g_unlink (in_the_way), ==, 0);
  journal_free (open_journal (f));
  g_assert_cmpuint (count_drafts (f), ==, 1);
  assert_refused (f, "Leads", "new.json", "mine", "changed");
}

/* ---- refused drafts -----------------------------------------------------------------------------------------------
 */

static void
refuse_text (Journal *journal, const DraftKey *key, const char *text)
{
  g_autoptr (Draft) draft = new_draft (journal, key, text);
  g_autoptr (GError) error = NULL;

  g_assert_true (draft_refuse (draft, &busy, &error));
  g_assert_no_error (error);
  assert_text (draft, text);
  g_assert_false (draft_write (draft, "x", 1, 0, NULL));
}

static void
test_older_drafts_keep_their_text (Fixture *f, const void *unused)
{
  g_autoptr (Journal) journal = open_journal (f);

  for (int i = 0; i < 12; i++)
    {
      g_autofree char *text = g_strdup_printf ("text %d", i);

      refuse_text (journal, &new_key, text);
    }
  g_assert_cmpuint (count_drafts (f), ==, 12);
  assert_refused (f, "Leads", "new.json", "text 11", "changed");
  for (int i = 0; i < 11; i++)
    {
      g_autofree char *text = g_strdup_printf ("text %d", i), *name = g_strdup_printf ("new.json.%d", i + 1);

      assert_refused (f, "Leads", name, text, "changed");
    }
}

static void
test_long_names_are_cut (Fixture *f, const void *unused)
{
  g_autoptr (Journal) journal = open_journal (f);
  g_autoptr (GString) name = g_string_new ("x");
  DraftKey key = new_key;

  for (int i = 0; i < 127; i++)
    g_string_append (name, "\xc3\xa4");
  key.name = name->str;
  for (int i = 0; i < 3; i++)
    refuse_text (journal, &key, "long");
  g_assert_cmpuint (count_drafts (f), ==, 3);
}

static void
test_reason_is_read_back (Fixture *f, const void *unused)
{
  g_autoptr (Journal) journal = open_journal (f);
  g_autoptr (GPtrArray) found = NULL;
  g_autofree char *note = path_of (f, "drafts/.meta/Leads/Ann.7010000000201.json");
  const DraftEntry *entry;

  refuse_text (journal, &lead_key, "mine");
  found = journal_drafts_find (f->state, "Leads", lead_key.name, NULL);
  entry = found->pdata[0];
  g_assert_cmpuint (entry->id, ==, lead_key.id);
  g_assert_cmpstr (json_get_text (entry->reason, "errno"), ==, "EBUSY");
  g_assert_cmpstr (json_get_text (entry->reason, "field"), ==, "Email");
  g_assert_cmpstr (json_get_text (entry->reason, "todo"), ==, "Read it again");
  flip (note, 40, 0);
  assert_refused (f, "Leads", lead_key.name, "mine", "damaged-note");
  g_assert_true (journal_draft_remove (f->state, "Leads", lead_key.name, NULL));
  g_assert_false (g_file_test (note, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (count_drafts (f), ==, 0);
}

/* ---- deletes ---------------------------------------------------------------------------------------------------- */

static uint64_t
add_delete (Journal *journal, uint64_t id)
{
  g_autoptr (GError) error = NULL;
  uint64_t number = 0;

  g_assert_true (journal_delete_add (journal, "Leads", id, "Ann", "1000 rm", &number, &error));
  g_assert_no_error (error);
  return number;
}

static unsigned
count_deletes (Journal *journal)
{
  g_autoptr (GPtrArray) deletes = journal_deletes (journal);

  return deletes->len;
}

static void
test_deletes_outlive_the_mount (Fixture *f, const void *unused)
{
  Journal *journal = open_journal (f);
  uint64_t numbers[4];
  g_autoptr (GPtrArray) left = NULL;
  const JournalDelete *delete;

  for (unsigned i = 0; i < 4; i++)
    numbers[i] = add_delete (journal, 100 + i);
  g_assert_true (journal_delete_done (journal, numbers, 2, NULL));
  g_assert_true (journal_delete_cancel (journal, numbers[2], NULL));
  g_assert_cmpuint (count_deletes (journal), ==, 1);
  journal_free (journal);
  for (int i = 0; i < 2; i++)
    journal_free (open_journal (f));
  journal = open_journal (f);
  left = journal_deletes (journal);
  g_assert_cmpuint (left->len, ==, 1);
  delete = left->pdata[0];
  g_assert_cmpuint (delete->id, ==, 103);
  g_assert_cmpstr (delete->module, ==, "Leads");
  g_assert_cmpstr (delete->label, ==, "Ann");
  g_assert_cmpstr (delete->who, ==, "1000 rm");
  g_assert_true (delete->left && delete->certain);
  g_assert_true (journal_delete_done (journal, &delete->number, 1, NULL));
  journal_free (journal);
  assert_no_folders (f);
}

/* Any damage: what is left is only told of, since the line may have been the one that took it back. */
static void
test_damaged_deletes_are_not_certain (Fixture *f, const void *unused)
{
  g_autofree char *path = path_of (f, "journal/1/deletes");
  size_t size = 1;

  for (size_t at = 0; at <= size; at += 7)
    {
      Journal *journal = open_journal (f);
      uint64_t first = add_delete (journal, 100);
      g_autoptr (GPtrArray) left = NULL;

      add_delete (journal, 101);
      g_assert_true (journal_delete_cancel (journal, first, NULL));
      journal_free (journal);
      size = file_size (path);
      if (at + 7 <= size)
        flip (path, at, at % 8);
      else
        g_assert_cmpint (truncate (path, (off_t)size - 3), ==, 0);
      journal = open_journal (f);
      left = journal_deletes (journal);
      for (guint i = 0; i < left->len; i++)
        {
          const JournalDelete *delete = left->pdata[i];

          g_assert_false (delete->certain);
          g_assert_true (journal_delete_done (journal, &delete->number, 1, NULL));
        }
      journal_free (journal);
      assert_no_folders (f);
    }
}

#define THREADS 8
#define PER_THREAD 50

static void *
add_many (void *data)
{
  for (uint64_t i = 0; i < PER_THREAD; i++)
    {
      uint64_t number = add_delete (data, 1000 + i);

      if (i % 2 == 0)
        g_assert_true (journal_delete_done (data, &number, 1, NULL));
    }
  return NULL;
}

static void
test_threads_share_the_log (Fixture *f, const void *unused)
{
  Journal *journal = open_journal (f);
  pthread_t threads[THREADS];

  for (int i = 0; i < THREADS; i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, add_many, journal), ==, 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join (threads[i], NULL);
  g_assert_cmpuint (count_deletes (journal), ==, THREADS * PER_THREAD / 2);
  journal_free (journal);
  journal = open_journal (f);
  g_assert_cmpuint (count_deletes (journal), ==, THREADS * PER_THREAD / 2);
  journal_free (journal);
}

static void
test_dead_lines_go (Fixture *f, const void *unused)
{
  g_autofree char *path = path_of (f, "aliases");
  Journal *journal = open_journal (f), *other = open_at (f, "/mnt/other");
  JournalAlias aliases[100];
  size_t one_round = 0;

  for (int round = 0; round < 50; round++)
    {
      g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

      for (unsigned i = 0; i < 100; i++)
        {
          g_ptr_array_add (names, g_strdup_printf ("%u.json", i));
          aliases[i] = (JournalAlias){ "Leads", names->pdata[i], 1 + i + 100 * (unsigned)round };
        }
      g_assert_true (journal_alias_put (round % 2 == 0 ? journal : other, aliases, 100, NULL));
      one_round = round == 0 ? file_size (path) : one_round;
      g_assert_cmpuint (journal_alias_get (journal, "Leads", "99.json"), ==, 100 * (round + 1));
      g_assert_cmpuint (journal_alias_get (other, "Leads", "99.json"), ==, 100 * (round + 1));
    }
  g_assert_cmpuint (file_size (path), <, one_round * 20);
  journal_free (other);
  journal_free (journal);
}

/* ---- aliases ---------------------------------------------------------------------------------------------------- */

static void
put_alias (Journal *journal, const char *name, uint64_t id)
{
  JournalAlias alias = { "Leads", name, id };
  g_autoptr (GError) error = NULL;

  g_assert_true (journal_alias_put (journal, &alias, 1, &error));
  g_assert_no_error (error);
}

static void
test_aliases_are_shared_and_kept (Fixture *f, const void *unused)
{
  Journal *journal = open_journal (f), *other = open_at (f, "/mnt/other");

  put_alias (journal, "a.json", 7);
  put_alias (journal, "b.json", 7);
  put_alias (other, "c.json", 8);
  put_alias (other, "c.json", 9);
  g_assert_cmpuint (journal_alias_get (other, "Leads", "b.json"), ==, 7);
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "c.json"), ==, 9);
  g_assert_cmpuint (journal_alias_get (journal, "Deals", "c.json"), ==, 0);
  g_assert_true (journal_alias_drop_record (other, "Deals", 7, NULL));
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "a.json"), ==, 7);
  g_assert_true (journal_alias_drop_record (other, "Leads", 7, NULL));
  g_assert_true (journal_alias_drop_record (other, "Leads", 8, NULL));
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "a.json"), ==, 0);
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "b.json"), ==, 0);
  journal_free (other);
  journal_free (journal);
  journal = open_journal (f);
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "c.json"), ==, 9);
  g_assert_true (journal_alias_drop (journal, "Leads", "c.json", NULL));
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "c.json"), ==, 0);
  journal_free (journal);
}

static void
test_damaged_alias_costs_itself (Fixture *f, const void *unused)
{
  g_autofree char *path = path_of (f, "aliases");
  Journal *journal = open_journal (f);
  size_t first;

  put_alias (journal, "a.json", 7);
  first = file_size (path);
  put_alias (journal, "b.json", 8);
  put_alias (journal, "c, whose line is longer than the next one.json", 9);
  journal_free (journal);
  flip (path, first + 30, 1);
  g_assert_cmpint (truncate (path, (off_t)file_size (path) - 1), ==, 0);
  journal = open_journal (f);
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "a.json"), ==, 7);
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "b.json"), ==, 0);
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "c.json"), ==, 0);
  put_alias (journal, "d.json", 10);
  journal_free (journal);
  g_assert_cmpint (file_size (path), ==, 3 * first + 1); /* "10" is longer */
  journal = open_journal (f);
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "d.json"), ==, 10);
  journal_free (journal);
}

static void
test_many_aliases (Fixture *f, const void *unused)
{
  const size_t count = 100000;
  g_autofree JournalAlias *aliases = g_new (JournalAlias, count);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  Journal *journal = open_journal (f);

  for (size_t i = 0; i < count; i++)
    {
      g_ptr_array_add (names, g_strdup_printf ("restored %zu.json", i));
      aliases[i] = (JournalAlias){ "Leads", names->pdata[i], i + 1 };
    }
  g_assert_true (journal_alias_put (journal, aliases, count, NULL));
  journal_free (journal);
  journal = open_journal (f);
  for (size_t i = 0; i < count; i++)
    g_assert_cmpuint (journal_alias_get (journal, "Leads", names->pdata[i]), ==, i + 1);
  journal_free (journal);
}

/* ---- several processes --------------------------------------------------------------------------------------------
 */

/* Runs @work in a process. Returns: its id. */
static pid_t
start (void (*work) (Fixture *f, int argument), Fixture *f, int argument)
{
  pid_t child = fork ();

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      work (f, argument);
      _exit (0);
    }
  return child;
}

static void
assert_ended_well (pid_t child)
{
  int status;

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

#define ALIASES_EACH 150

/* Overwrites a lot, so that the file is replaced under the other's hands. */
static void
write_aliases (Fixture *f, int writer)
{
  g_autofree char *mount_point = g_strdup_printf ("/mnt/%d", writer);
  Journal *journal = open_at (f, mount_point);

  for (uint64_t i = 1; i <= ALIASES_EACH; i++)
    {
      g_autofree char *name = g_strdup_printf ("%d-%" G_GUINT64_FORMAT ".json", writer, i);
      JournalAlias same[20];

      for (int n = 0; n < 20; n++)
        same[n] = (JournalAlias){ "Leads", name, i + (n == 19 ? 0 : 1000) };
      g_assert_true (journal_alias_put (journal, same, 20, NULL));
      g_assert_cmpuint (journal_alias_get (journal, "Leads", name), ==, i);
    }
  journal_free (journal);
}

static void
test_two_processes_share_aliases (Fixture *f, const void *unused)
{
  g_autoptr (Journal) journal = open_journal (f);
  pid_t children[2] = { start (write_aliases, f, 0), start (write_aliases, f, 1) };

  assert_ended_well (children[0]);
  assert_ended_well (children[1]);
  for (int writer = 0; writer < 2; writer++)
    for (uint64_t i = 1; i <= ALIASES_EACH; i++)
      {
        g_autofree char *name = g_strdup_printf ("%d-%" G_GUINT64_FORMAT ".json", writer, i);

        g_assert_cmpuint (journal_alias_get (journal, "Leads", name), ==, i);
      }
}

/* Tells the pipe that it is there, and stays until it is killed. */
static void
hold_mount (Fixture *f, int pipe)
{
  Journal *journal = open_at (f, "/mnt/b\xff");

  g_assert_nonnull (journal);
  g_assert_cmpint (write (pipe, "!", 1), ==, 1);
  for (;;)
    pause ();
}

static void
test_new_mount_waits_for_the_old_one (Fixture *f, const void *unused)
{
  int ends[2];
  char byte;
  pid_t child;
  g_autoptr (GError) timed_out = NULL, held = NULL, none = NULL;
  g_autoptr (Journal) other = NULL, journal = NULL;

  g_assert_true (journal_wait (f->state, "/mnt/b\xff", 0, NULL));
  g_assert_cmpint (pipe (ends), ==, 0);
  child = start (hold_mount, f, ends[1]);
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 1);
  g_assert_false (journal_wait (f->state, "/mnt/b\xff", 0, &timed_out));
  g_assert_error (timed_out, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT);
  g_assert_null (journal_open (f->state, "/mnt/b\xff", &held));
  g_assert_error (held, ZOHO_ERROR, ZOHO_ERROR_CHANGED);
  g_assert_true (journal_wait (f->state, "/mnt/other", 0, NULL));
  other = open_at (f, "/mnt/other");
  kill (child, SIGKILL);
  g_assert_true (journal_wait (f->state, "/mnt/b\xff", INT64_MAX, &none));
  g_assert_no_error (none);
  journal = open_at (f, "/mnt/b\xff");
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  close (ends[0]);
  close (ends[1]);
}

/* ---- a full disk --------------------------------------------------------------------------------------------------
 */

static void
limit_files (rlim_t size)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = MIN (size, limit.rlim_max);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

/* More lines than fit; those that do are taken back too. */
static void
put_too_many (Journal *journal)
{
  JournalAlias aliases[200];

  for (unsigned i = 0; i < G_N_ELEMENTS (aliases); i++)
    aliases[i] = (JournalAlias){ "Leads", "a.json", i + 1 };
  g_assert_false (journal_alias_put (journal, aliases, G_N_ELEMENTS (aliases), NULL));
  g_assert_cmpuint (journal_alias_get (journal, "Leads", "a.json"), ==, 0);
}

static void
fill_disk (Fixture *f, int unused)
{
  g_autoptr (Journal) journal = open_journal (f);
  g_autoptr (Draft) draft = new_draft (journal, &new_key, "earlier content");
  g_autofree char *large = g_strnfill (8192, 'x');
  g_autoptr (GBytes) body = g_bytes_new_static (large, 8192);
  g_autoptr (GError) write_error = NULL, note_error = NULL, delete_error = NULL;
  uint64_t number;

  signal (SIGXFSZ, SIG_IGN);
  limit_files (4096);
  g_assert_false (draft_write (draft, large, 8192, 8, &write_error));
  g_assert_error (write_error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE);
  assert_text (draft, "earlier content");
  g_assert_false (draft_sending (draft, body, NULL, &note_error));
  g_assert_error (note_error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE);
  g_assert_cmpint (draft_state (draft), ==, DRAFT_OPEN);
  put_too_many (journal);
  limit_files (10);
  g_assert_false (journal_delete_add (journal, "Leads", 5, "Ann", "rm", &number, &delete_error));
  g_assert_error (delete_error, ZOHO_ERROR, ZOHO_ERROR_NO_SPACE);
  g_assert_cmpuint (count_deletes (journal), ==, 0);
  g_assert_false (draft_refuse (draft, &busy, NULL));
  limit_files (RLIM_INFINITY);
  add_delete (journal, 6);
}

static void
test_full_disk (Fixture *f, const void *unused)
{
  g_autoptr (GPtrArray) deletes = NULL;
  g_autoptr (Journal) journal = NULL;

  assert_ended_well (start (fill_disk, f, 0));
  journal = open_journal (f);
  deletes = journal_deletes (journal);
  g_assert_cmpuint (deletes->len, ==, 1);
  g_assert_cmpuint (((JournalDelete *)deletes->pdata[0])->id, ==, 6);
  g_assert_true (((JournalDelete *)deletes->pdata[0])->certain);
  assert_refused (f, "Leads", "new.json", "earlier content", "mount-ended");
}

/* ---- kill -9 --------------------------------------------------------------------------------------------------------
 */

#define KILLS 30
#define RUNS_MAX 1000
#define STEPS 400

/* What the child does to draft @number, step by step; it says so before and after. */
typedef enum
{
  DO_WRITE,
  DO_SEND,
  DO_END, /* done, refused, or left as it is, by number % 3 */
  DO_DELETE,
  DO_ALIAS,
  DOINGS
} Doing;

static void
say (int pipe, unsigned step, bool after)
{
  unsigned word = step * 2 + after;

  g_assert_cmpint (write (pipe, &word, sizeof word), ==, sizeof word);
}

static void
text_for (unsigned number, char text[static 64])
{
  g_snprintf (text, 64, "the text of draft %u", number);
}

static void
end_draft (Draft **draft, unsigned number)
{
  if (number % 3 == 0)
    g_assert_true (draft_done (*draft, NULL));
  if (number % 3 == 1)
    g_assert_true (draft_refuse (*draft, &busy, NULL));
  g_clear_pointer (draft, draft_free);
}

static void
do_step (Journal *journal, unsigned step, Draft **draft)
{
  unsigned number = step / DOINGS + 1;
  char text[64];

  text_for (number, text);
  switch ((Doing)(step % DOINGS))
    {
    case DO_WRITE:
      *draft = new_draft (journal, &new_key, text);
      return;
    case DO_SEND:
      if (number % 2 == 0)
        send_body (*draft, text);
      return;
    case DO_END:
      end_draft (draft, number);
      return;
    case DO_DELETE:
      add_delete (journal, number);
      return;
    case DO_ALIAS:
      put_alias (journal, text, number);
      return;
    case DOINGS:
      return;
    }
}

static void
work_until_killed (Fixture *f, int pipe)
{
  g_autoptr (Journal) journal = open_journal (f);
  Draft *draft = NULL;

  for (unsigned step = 0; step < STEPS; step++)
    {
      say (pipe, step, false);
      do_step (journal, step, &draft);
      say (pipe, step, true);
    }
  pause ();
}

/* Counts the text of each draft that is anywhere. No kill damages a note. */
static GHashTable *
count_texts (Fixture *f, Journal *journal)
{
  GHashTable *counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) refused = list_drafts (f), unclear = journal_take_unclear (journal);

  for (guint i = 0; i < refused->len + unclear->len; i++)
    {
      const DraftEntry *entry = i < refused->len ? refused->pdata[i] : NULL;
      g_autoptr (GBytes) bytes = entry != NULL ? journal_draft_open (f->state, entry->module, entry->name, NULL)
                                               : draft_text (unclear->pdata[i - refused->len], NULL);
      char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      int count = GPOINTER_TO_INT (g_hash_table_lookup (counts, text)) + 1;

      if (entry != NULL)
        g_assert_cmpstr (json_get_text (entry->reason, "code"), !=, "damaged-note");
      g_hash_table_insert (counts, text, GINT_TO_POINTER (count));
    }
  return counts;
}

/* @begun: steps begun; @ended: of these, ended. Takes the drafts out of @counts. */
static void
check_drafts (GHashTable *counts, unsigned begun, unsigned ended)
{
  for (unsigned number = 1; (number - 1) * DOINGS < begun; number++)
    {
      unsigned first = (number - 1) * DOINGS;
      char text[64];
      int count;

      text_for (number, text);
      count = GPOINTER_TO_INT (g_hash_table_lookup (counts, text));
      g_assert_cmpint (count, <=, 1);
      if (number % 3 == 0 && first + DO_END < ended)
        g_assert_cmpint (count, ==, 0);
      else if (first + DO_WRITE < ended && (number % 3 != 0 || first + DO_END >= begun))
        g_assert_cmpint (count, ==, 1);
      g_hash_table_remove (counts, text);
    }
  g_assert_cmpuint (g_hash_table_size (counts), ==, 0); /* no text but whole ones */
}

static void
check_lines (Journal *journal, unsigned left, unsigned begun, unsigned ended)
{
  unsigned deletes = count_deletes (journal), wanted = left, possible = left;

  for (unsigned number = 1; (number - 1) * DOINGS < begun; number++)
    {
      unsigned first = (number - 1) * DOINGS;
      char text[64];

      text_for (number, text);
      wanted += first + DO_DELETE < ended;
      possible += first + DO_DELETE < begun;
      if (first + DO_ALIAS < ended)
        g_assert_cmpuint (journal_alias_get (journal, "Leads", text), ==, number);
    }
  g_assert_cmpuint (deletes, >=, wanted);
  g_assert_cmpuint (deletes, <=, possible);
}

/* Returns: whether something was in flight when it was killed. */
static bool
kill_once (GRand *dice)
{
  Fixture f;
  int ends[2];
  unsigned word = 0, begun = 0, ended = 0, heard = 0, until = (unsigned)g_rand_int_range (dice, 1, 2 * STEPS);
  unsigned spins = (unsigned)g_rand_int_range (dice, 0, 20000);
  pid_t child;
  Journal *journal;
  g_autoptr (GHashTable) counts = NULL;

  set_up (&f, NULL);
  g_assert_cmpint (pipe (ends), ==, 0);
  child = start (work_until_killed, &f, ends[1]);
  close (ends[1]);
  while (read (ends[0], &word, sizeof word) == sizeof word)
    {
      begun = MAX (begun, word / 2 + 1);
      ended = MAX (ended, word / 2 + (word & 1));
      if (++heard != until)
        continue;
      for (volatile unsigned i = 0; i < spins; i++)
        ;
      kill (child, SIGKILL);
    }
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  close (ends[0]);
  journal = open_journal (&f);
  counts = count_texts (&f, journal);
  check_drafts (counts, begun, ended);
  check_lines (journal, 0, begun, ended);
  journal_free (journal);
  tear_down (&f, NULL);
  return begun > ended;
}

static void
test_kill_loses_nothing (void)
{
  g_autoptr (GRand) dice = g_rand_new_with_seed (g_test_rand_int ());
  int killed = 0, runs = 0;

  while (killed < KILLS)
    {
      g_assert_cmpint (++runs, <=, RUNS_MAX);
      killed += kill_once (dice);
    }
  g_test_message ("%d runs, of which %d were killed in the middle of something", runs, killed);
}

#define LEFT_OPEN 998
#define LEFT_SENT 1000
#define EVERY_STEPS (6 * DOINGS) /* each way a draft can end, sent and not */

typedef struct
{
  atomic_uint begun, ended;
} Progress;

/* A mount that ended with a draft, a sent draft, one without changes, and a delete. */
static void
leave_something (Fixture *f)
{
  g_autoptr (Journal) journal = open_journal (f);
  g_autoptr (Draft) opened = NULL, sent = NULL, clean = NULL;
  g_autoptr (GBytes) seed = g_bytes_new_static ("server", 6);
  char text[64];

  g_assert_true (journal_draft_new (journal, &lead_key, &clean, NULL));
  g_assert_true (draft_seed (clean, seed, NULL));
  text_for (LEFT_OPEN, text);
  opened = new_draft (journal, &lead_key, text);
  text_for (LEFT_SENT, text);
  sent = new_draft (journal, &new_key, text);
  send_body (sent, text);
  add_delete (journal, LEFT_SENT);
}

/* Adopts that, then does each thing there is; stops itself first, for its tracer. */
static void
work_traced (Fixture *f, Progress *progress)
{
  g_autoptr (Journal) journal = NULL;
  Draft *draft = NULL;

  if (ptrace (PTRACE_TRACEME, 0, NULL, NULL) < 0)
    _exit (77);
  raise (SIGSTOP);
  journal = open_journal (f);
  for (unsigned step = 0; step < EVERY_STEPS; step++)
    {
      atomic_store (&progress->begun, step + 1);
      do_step (journal, step, &draft);
      atomic_store (&progress->ended, step + 1);
    }
}

/* Kills @child when it enters or leaves its system call number @until. Returns: false when it ended before that. */
static bool
trace (pid_t child, unsigned until)
{
  int status = 0;

  for (unsigned calls = 0; waitpid (child, &status, 0) == child && WIFSTOPPED (status); calls++)
    {
      if (calls == until)
        {
          kill (child, SIGKILL);
          g_assert_cmpint (waitpid (child, &status, 0), ==, child);
          return true;
        }
      g_assert_cmpint (ptrace (PTRACE_SYSCALL, child, NULL, NULL), ==, 0);
    }
  g_assert_true (WIFEXITED (status) && (WEXITSTATUS (status) == 0 || WEXITSTATUS (status) == 77));
  return false;
}

/* What an earlier mount left is there once. Takes it out of @counts. */
static void
check_left (GHashTable *counts, unsigned number)
{
  char text[64];

  text_for (number, text);
  g_assert_cmpint (GPOINTER_TO_INT (g_hash_table_lookup (counts, text)), ==, 1);
  g_hash_table_remove (counts, text);
}

static bool
kill_at (unsigned until, Progress *progress)
{
  Fixture f;
  pid_t child;
  bool killed;
  Journal *journal;
  g_autoptr (GHashTable) counts = NULL;

  set_up (&f, NULL);
  leave_something (&f);
  atomic_store (&progress->begun, 0);
  atomic_store (&progress->ended, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      work_traced (&f, progress);
      _exit (0);
    }
  killed = trace (child, until);
  journal = open_journal (&f);
  counts = count_texts (&f, journal);
  check_left (counts, LEFT_OPEN);
  check_left (counts, LEFT_SENT);
  check_drafts (counts, atomic_load (&progress->begun), atomic_load (&progress->ended));
  check_lines (journal, 1, atomic_load (&progress->begun), atomic_load (&progress->ended));
  journal_free (journal);
  tear_down (&f, NULL);
  return killed;
}

static void
test_kill_at_every_system_call (void)
{
  Progress *progress = mmap (NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  unsigned until = 1;

  g_assert_true (progress != MAP_FAILED);
  while (kill_at (until, progress))
    until += 2; /* between two calls nothing changes on the disk */
  if (atomic_load (&progress->ended) < EVERY_STEPS)
    g_test_skip ("tracing is not allowed here");
  else
    g_test_message ("killed at %u moments", until / 2);
  munmap (progress, sizeof *progress);
}

/* What the journal tells of damage is no failure of these tests. */
static GLogWriterOutput
drop_log (GLogLevelFlags level, const GLogField *fields, gsize count, gpointer unused)
{
  return G_LOG_WRITER_HANDLED;
}

int
main (int argc, char **argv)
{
#define ADD(path, test, data) g_test_add ("/journal/" path, Fixture, data, set_up, test, tear_down)
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR);
  g_log_set_writer_func (drop_log, NULL, NULL);
  ADD ("draft-holds-what-was-written", test_draft_holds_what_was_written, NULL);
  ADD ("names-are-checked", test_names_are_checked, NULL);
  ADD ("draft-is-bounded", test_draft_is_bounded, NULL);
  ADD ("states", test_states, NULL);
  ADD ("open-draft-is-adopted-as-refused", test_open_draft_is_adopted_as_refused, NULL);
  ADD ("clean-and-empty-drafts-are-dropped", test_clean_and_empty_drafts_are_dropped, NULL);
  ADD ("sent-draft-is-handed-over-until-it-is-settled", test_sent_draft_is_handed_over_until_it_is_settled, NULL);
  ADD ("sent-draft-without-data-is-its-body", test_sent_draft_without_data_is_its_body, NULL);
  ADD ("damaged-note-never-loses-the-data/open", test_damaged_note_never_loses_the_data, NULL);
  ADD ("damaged-note-never-loses-the-data/sending", test_damaged_note_never_loses_the_data, "sending");
  ADD ("strange-files-do-no-harm", test_strange_files_do_no_harm, NULL);
  ADD ("refusal-is-finished", test_refusal_is_finished, NULL);
  ADD ("older-drafts-keep-their-text", test_older_drafts_keep_their_text, NULL);
  ADD ("long-names-are-cut", test_long_names_are_cut, NULL);
  ADD ("reason-is-read-back", test_reason_is_read_back, NULL);
  ADD ("deletes-outlive-the-mount", test_deletes_outlive_the_mount, NULL);
  ADD ("damaged-deletes-are-not-certain", test_damaged_deletes_are_not_certain, NULL);
  ADD ("threads-share-the-log", test_threads_share_the_log, NULL);
  ADD ("dead-lines-go", test_dead_lines_go, NULL);
  ADD ("aliases-are-shared-and-kept", test_aliases_are_shared_and_kept, NULL);
  ADD ("damaged-alias-costs-itself", test_damaged_alias_costs_itself, NULL);
  ADD ("many-aliases", test_many_aliases, NULL);
  ADD ("two-processes-share-aliases", test_two_processes_share_aliases, NULL);
  ADD ("new-mount-waits-for-the-old-one", test_new_mount_waits_for_the_old_one, NULL);
  ADD ("full-disk", test_full_disk, NULL);
  g_test_add_func ("/journal/kill-loses-nothing", test_kill_loses_nothing);
  g_test_add_func ("/journal/kill-at-every-system-call", test_kill_at_every_system_call);
  return g_test_run ();
}
