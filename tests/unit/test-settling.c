/* What an earlier mount had on the wire is looked up by a thread, which ends with it or with the mount. */
#include "app/settling.h"
#include "base/lock.h"
#include "web_server.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

typedef struct
{
  char *state;
  WebServer *server;
  Client *client;
  Store *store;
  Journal *journal;
  Saves *saves;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t news;
  unsigned calls; /* the token's left out */
  bool holding;   /* no answer to them */
} Fixture;

static WebAnswer
answer (const WebRequest *request, void *data)
{
  Fixture *f = data;
  g_autofree char *token = g_strdup_printf ("{\"access_token\":\"t\",\"expires_in\":3600,\"api_domain\":\"%s\"}",
                                            web_server_url (f->server));
  LOCKED (&f->lock);

  if (g_str_has_prefix (request->target, "/oauth/"))
    return (WebAnswer){ .status = 200, .body = g_intern_string (token) };
  f->calls++;
  pthread_cond_broadcast (&f->news);
  while (f->holding)
    pthread_cond_wait (&f->news, &f->lock);
  return (WebAnswer){ .status = 200,
                      .body = "{\"modules\":[{\"id\":\"1\",\"api_name\":\"Leads\",\"api_supported\":true,"
                              "\"plural_label\":\"Leads\",\"viewable\":true}]}" };
}

static void
hold (Fixture *f, bool holding)
{
  LOCKED (&f->lock);

  f->holding = holding;
  pthread_cond_broadcast (&f->news);
}

static void
wait_call (Fixture *f)
{
  LOCKED (&f->lock);

  while (f->calls == 0)
    pthread_cond_wait (&f->news, &f->lock);
}

static void
open_journal (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  f->journal = journal_open (f->state, "/mnt", &error);
  g_assert_no_error (error);
}

/* A mount that dies with a save of a record of @module on the wire. */
static void
crash (Fixture *f, const char *module)
{
  const DraftKey key = { .module = module, .id = 77, .name = "Okafor.77.json", .pid = 1 };
  g_autoptr (GBytes) text = g_bytes_new_static ("{\"City\":\"Rome\"}", 15);
  Draft *draft = NULL;

  open_journal (f);
  g_assert_true (journal_draft_new (f->journal, &key, &draft, NULL));
  g_assert_true (draft_write (draft, "{\"City\":\"Rome\"}", 15, 0, NULL));
  g_assert_true (draft_sending (draft, text, NULL, NULL));
  draft_free (draft);
  journal_free (f->journal);
}

/* The next one. */
static void
begin (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  ClientConfig config = { .client_id = "1000.ID",
                          .client_secret = "secret",
                          .refresh_token = "1000.refresh",
                          .concurrency = 4,
                          .heavy_concurrency = 2,
                          .deadline_us = 60 * G_USEC_PER_SEC,
                          .body_max = 1024 * 1024 };

  config.api_url = config.accounts_url = web_server_url (f->server);
  f->client = client_new (&config, &error);
  g_assert_no_error (error);
  f->store = store_new (&(StoreConfig){ .client = f->client, .ttl_us = 60 * G_USEC_PER_SEC });
  open_journal (f);
  f->saves = saves_new (&(SavesConfig){ .store = f->store, .journal = f->journal });
}

static void
end (Fixture *f)
{
  store_stop (f->store);
  saves_free (f->saves);
  store_free (f->store);
  client_free (f->client);
  journal_free (f->journal);
}

static void
set_up (Fixture *f, const void *unused)
{
  pthread_mutex_init (&f->lock, NULL);
  pthread_cond_init (&f->news, NULL);
  f->state = g_dir_make_tmp ("zohofs-settling-XXXXXX", NULL);
  f->server = web_server_new (answer, f);
}

static int
remove_one (const char *path, const struct stat *about, int kind, struct FTW *where)
{
  return remove (path);
}

static void
tear_down (Fixture *f, const void *unused)
{
  hold (f, false);
  web_server_free (f->server);
  g_assert_cmpint (nftw (f->state, remove_one, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
  g_free (f->state);
  pthread_cond_destroy (&f->news);
  pthread_mutex_destroy (&f->lock);
}

static guint
refused (Fixture *f)
{
  g_autoptr (GPtrArray) drafts = journal_drafts_list (f->state, NULL);

  return drafts->len;
}

/* How many the next mount finds. */
static guint
unclear (Fixture *f)
{
  g_autoptr (GPtrArray) drafts = NULL;
  guint count;

  open_journal (f);
  drafts = journal_take_unclear (f->journal);
  count = drafts->len;
  g_clear_pointer (&drafts, g_ptr_array_unref);
  journal_free (f->journal);
  return count;
}

static void
test_nothing_to_settle (Fixture *f, const void *unused)
{
  begin (f);
  settling_end (settling_start (f->store, f->saves));
  settling_end (NULL);
  end (f);
  g_assert_cmpuint (f->calls, ==, 0);
}

/* Its module is gone, so there is nothing more to ask. */
static void
test_goes_on_when_the_answer_is_there (Fixture *f, const void *unused)
{
  Settling *settling;

  crash (f, "Gone");
  begin (f);
  hold (f, true);
  settling = settling_start (f->store, f->saves);
  wait_call (f);
  g_assert_cmpuint (refused (f), ==, 0);
  hold (f, false);
  while (refused (f) == 0)
    g_usleep (1000);
  settling_end (settling);
  end (f);
  g_assert_cmpuint (unclear (f), ==, 0);
}

static void
test_ends_in_the_middle (Fixture *f, const void *unused)
{
  Settling *settling;

  crash (f, "Leads");
  begin (f);
  hold (f, true);
  settling = settling_start (f->store, f->saves);
  wait_call (f);
  settling_end (settling);
  end (f);
  g_assert_cmpuint (refused (f), ==, 0);
  g_assert_cmpuint (unclear (f), ==, 1);
}

/* The answer and the end meet. */
static void
test_ends_at_any_moment (Fixture *f, const void *unused)
{
  crash (f, "Leads");
  for (int i = 0; i < 20; i++)
    {
      begin (f);
      settling_end (settling_start (f->store, f->saves));
      end (f);
    }
  g_assert_cmpuint (unclear (f) + refused (f), ==, 1);
}

static void
add (const char *name, void (*test) (Fixture *f, const void *unused))
{
  g_test_add (name, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/settling/nothing-to-settle", test_nothing_to_settle);
  add ("/settling/goes-on-when-the-answer-is-there", test_goes_on_when_the_answer_is_there);
  add ("/settling/ends-in-the-middle", test_ends_in_the_middle);
  add ("/settling/ends-at-any-moment", test_ends_at_any_moment);
  return g_test_run ();
}
