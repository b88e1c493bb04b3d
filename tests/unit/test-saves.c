/* Saves, creates and deletes against a scripted CRM: what goes out, how often, and what becomes of the draft. */
#include "model/saves.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "model/disk.h"
#include "model/private.h"
#include "web_server.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

/* The server's clock stands at 10:00:00 (web_server.c). */
#define T0 "2026-03-02T07:00:00+00:00"
#define T1 "2026-03-02T08:00:00+00:00"
#define T2 "2026-03-02T09:00:00+00:00"
#define NOW "2026-03-02T10:00:00+00:00"

#define ITEMS "{\"api_name\":\"Items\",\"data_type\":\"subform\",\"associated_module\":{\"module\":\"Items_M\"}},"
#define FIELDS_WITH(more)                                                                                              \
  "{\"fields\":[{\"api_name\":\"Last_Name\",\"data_type\":\"text\",\"system_mandatory\":true,\"length\":20},"          \
  "{\"api_name\":\"Phone\",\"data_type\":\"phone\"},{\"api_name\":\"City\",\"data_type\":\"text\"},"                   \
  "{\"api_name\":\"Email\",\"data_type\":\"email\",\"unique\":{\"casesensitive\":\"0\"}},"                             \
  "{\"api_name\":\"Tag\",\"data_type\":\"text\",\"json_type\":\"jsonarray\"},"                                         \
  more                                                                                                                 \
  "{\"api_name\":\"Created_By\",\"data_type\":\"ownerlookup\"},"                                                       \
  "{\"api_name\":\"Created_Time\",\"data_type\":\"datetime\"},"                                                        \
  "{\"api_name\":\"Modified_Time\",\"data_type\":\"datetime\"}]}"
#define ROW_FIELDS                                                                                                     \
  "{\"fields\":[{\"api_name\":\"Title\",\"data_type\":\"text\"},{\"api_name\":\"Parent_Id\",\"data_type\":\"lookup\"}" \
  ","                                                                                                                  \
  "{\"api_name\":\"Modified_Time\",\"data_type\":\"datetime\"}]}"
#define MODULES                                                                                                        \
  "{\"modules\":[{\"id\":\"1\",\"api_name\":\"Leads\",\"api_supported\":true,\"viewable\":true,"                       \
  "\"generated_type\":\"default\",\"creatable\":true,\"deletable\":false,\"display_field\":\"Last_Name\"}]}"
#define USERS "{\"users\":[{\"id\":\"9\"}],\"info\":{\"more_records\":false}}"

#define REFUSED(code, details)                                                                                         \
  "{\"data\":[{\"code\":\"" code "\",\"details\":" details ",\"message\":\"m\",\"status\":\"error\"}]}"
#define DONE "{\"code\":\"SUCCESS\",\"details\":{\"id\":\"77\"},\"status\":\"success\"}"

typedef struct
{
  WebServer *server;
  Client *client;
  Disk *disk;
  Store *store;
  Saves *saves;
  Journal *journal;
  StoreModule *leads;
  char *state;

  pthread_mutex_t lock; /* guards all below */
  pthread_cond_t news;
  GQueue script; /* WebAnswer *: for calls about records */
  GString *log;  /* "METHOD target body\n" of these, and "guard <time>\n" before what has one */
  unsigned calls, posts;
  bool holding; /* calls about records get no answer */
  bool holding_reads;
  const char *list; /* not NULL: a module without subforms, of which lists show this */
  bool listing, holding_lists; /* a list was asked for; gets no answer */
  bool making; /* POSTs are answered as they should be */
  GString *errors, *audit, *deleted;
} Crm;

/* ---- the CRM ----------------------------------------------------------------------------------------------------- */

static WebAnswer
body_answer (const char *body)
{
  return (WebAnswer){ .status = 200, .body = body };
}

static void
log_call (Crm *crm, const WebRequest *request)
{
  const char *guard = strstr (request->head, "If-Unmodified-Since: ");

  if (guard != NULL)
    g_string_append_printf (crm->log, "guard %.19s\n", guard + strlen ("If-Unmodified-Since: "));
  g_string_append_printf (crm->log, "%s %s %s\n", request->method, request->target + strlen ("/crm/v8/"),
                          request->body != NULL ? request->body : "");
}

/* Each row is taken; those without id are new records. */
static WebAnswer
take_rows (Crm *crm, const WebRequest *request)
{
  g_autoptr (json_t) body = json_parse (request->body, strlen (request->body), NULL);
  g_autoptr (json_t) answers = json_array ();
  g_autoptr (json_t) all = json_object ();
  g_autoptr (GString) text = g_string_new (NULL);
  size_t index;
  json_t *row;

  json_array_foreach (json_object_get (body, "data"), index, row)
    {
      json_t *id = json_object_get (row, "id");

      id = id != NULL ? json_incref (id) : json_sprintf ("%u", 100000 + ++crm->posts);
      json_array_append_new (
          answers, json_pack ("{s:s, s:{s:o}, s:s}", "code", "SUCCESS", "details", "id", id, "status", "success"));
    }
  json_object_set (all, "data", answers);
  json_write_compact (all, text);
  return body_answer (g_intern_string (text->str));
}

static WebAnswer
read_record (const WebRequest *request)
{
  g_autofree char *text
      = g_strdup_printf ("{\"data\":[{\"id\":\"%s\",\"Last_Name\":\"N\"}]}", strrchr (request->target, '/') + 1);

  return body_answer (g_intern_string (text));
}

/* Lock held. */
static WebAnswer
list_page (Crm *crm)
{
  crm->listing = true;
  pthread_cond_broadcast (&crm->news);
  while (crm->holding_lists)
    pthread_cond_wait (&crm->news, &crm->lock);
  return body_answer (crm->list);
}

static WebAnswer
answer (const WebRequest *request, void *data)
{
  Crm *crm = data;
  WebAnswer *next;
  WebAnswer now;
  g_autofree char *token = NULL;
  LOCKED (&crm->lock);

  if (g_str_has_prefix (request->target, "/oauth/"))
    {
      token = g_strdup_printf ("{\"access_token\":\"t\",\"expires_in\":3600,\"api_domain\":\"%s\"}",
                               web_server_url (crm->server));
      return body_answer (g_intern_string (token));
    }
  if (strstr (request->target, "/settings/modules") != NULL)
    return body_answer (MODULES);
  if (strstr (request->target, "/settings/fields") != NULL)
    return body_answer (strstr (request->target, "module=Items_M") != NULL ? ROW_FIELDS
                        : crm->list != NULL                                ? FIELDS_WITH ("")
                                                                           : FIELDS_WITH (ITEMS));
  if (strstr (request->target, "/users") != NULL)
    return body_answer (USERS);
  if (crm->list != NULL && strstr (request->target, "/Leads/deleted") != NULL)
    return (WebAnswer){ .status = 204 };
  if (crm->list != NULL && strstr (request->target, "/Leads?") != NULL)
    return list_page (crm);
  crm->calls++;
  log_call (crm, request);
  pthread_cond_broadcast (&crm->news);
  while (crm->holding || (crm->holding_reads && strcmp (request->method, "GET") == 0))
    pthread_cond_wait (&crm->news, &crm->lock);
  if (crm->making)
    return strcmp (request->method, "GET") == 0 ? read_record (request) : take_rows (crm, request);
  next = g_queue_pop_head (&crm->script);
  if (next == NULL)
    return (WebAnswer){ .status = 400, .body = REFUSED ("NOT_SCRIPTED", "{}") };
  now = *next;
  g_free (next);
  return now;
}

static void
will (Crm *crm, int status, const char *body)
{
  WebAnswer next = { .status = status, .body = body };
  LOCKED (&crm->lock);

  g_queue_push_tail (&crm->script, g_memdup2 (&next, sizeof next));
}

/* A record as GET shows it; @more: ",\"City\":\"x\"". */
static void
will_show (Crm *crm, const char *modified, const char *more)
{
  g_autofree char *text = g_strdup_printf ("{\"data\":[{\"id\":\"77\",\"Last_Name\":\"Okafor\",\"Phone\":\"1\","
                                           "\"Modified_Time\":\"%s\"%s}]}",
                                           modified, more);

  will (crm, 200, g_intern_string (text));
}

static void
will_take (Crm *crm)
{
  will (crm, 200, "{\"data\":[" DONE "]}");
}

static void
will_lose (Crm *crm)
{
  WebAnswer next = { .status = 200, .body = "{}", .end = WEB_RESET };
  LOCKED (&crm->lock);

  g_queue_push_tail (&crm->script, g_memdup2 (&next, sizeof next));
}

static void
hold (Crm *crm, bool holding)
{
  LOCKED (&crm->lock);

  crm->holding = holding;
  pthread_cond_broadcast (&crm->news);
}

static void
hold_reads (Crm *crm, bool holding)
{
  LOCKED (&crm->lock);

  crm->holding_reads = holding;
  pthread_cond_broadcast (&crm->news);
}

static void
wait_calls (Crm *crm, unsigned calls)
{
  LOCKED (&crm->lock);

  while (crm->calls < calls)
    pthread_cond_wait (&crm->news, &crm->lock);
}

/* What was asked since the last look. */
static void
check_calls (Crm *crm, const char *expected)
{
  LOCKED (&crm->lock);

  g_assert_cmpstr (crm->log->str, ==, expected);
  g_string_truncate (crm->log, 0);
  g_assert_cmpint (crm->script.length, ==, 0);
}

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static void
on_failed (void *data, const SaveError *error)
{
  Crm *crm = data;
  LOCKED (&crm->lock);

  g_assert_nonnull (error->message);
  g_assert_nonnull (error->todo);
  g_string_append_printf (crm->errors, "%s %s %s %s %s\n", error->path, error->errno_name, error->code,
                          error->field != NULL ? error->field : "-", error->draft != NULL ? error->draft : "-");
  g_test_message ("%s", error->message);
}

static void
on_audit (void *data, const SaveAudit *audit)
{
  Crm *crm = data;
  g_autofree char *fields = audit->fields != NULL ? g_strjoinv (",", (char **)audit->fields) : g_strdup ("");
  g_autofree char *ignored = audit->ignored != NULL ? g_strjoinv (",", (char **)audit->ignored) : g_strdup ("");
  LOCKED (&crm->lock);

  g_string_append_printf (crm->audit, "%s %s %" G_GUINT64_FORMAT " [%s] [%s] %.12s\n", audit->verb, audit->path,
                          audit->id, fields, ignored, audit->outcome);
}

static void
on_deleted (void *data, StoreModule *module, uint64_t id, const GError *failure)
{
  Crm *crm = data;
  bool pending = saves_delete_is_pending (crm->saves, module, id); /* which takes the store's lock */
  StoreEntry entry;
  g_autoptr (GBytes) text = store_peek (module, id, &entry);
  LOCKED (&crm->lock);

  g_string_append_printf (crm->deleted, "%" G_GUINT64_FORMAT " %s%s%s\n", id,
                          failure != NULL ? zoho_error_name ((ZohoError)failure->code) : "gone",
                          pending ? " pending" : "", text != NULL ? " here" : "");
}

static void
check_told (Crm *crm, GString *told, const char *expected)
{
  LOCKED (&crm->lock);

  g_assert_cmpstr (told->str, ==, expected);
  g_string_truncate (told, 0);
}

/* ---- fixture ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  Crm *crm;
  bool rung; /* guarded by its lock */
} Ringer;

static void
ring (void *data)
{
  Ringer *ringer = data;
  LOCKED (&ringer->crm->lock);

  ringer->rung = true;
  pthread_cond_broadcast (&ringer->crm->news);
}

static void
wait_ring (Ringer *ringer)
{
  LOCKED (&ringer->crm->lock);

  while (!ringer->rung)
    pthread_cond_wait (&ringer->crm->news, &ringer->crm->lock);
  ringer->rung = false;
}

static void
find_module (Crm *crm)
{
  Ringer ringer = { .crm = crm };
  StoreWait wait = STORE_WAIT_INIT (ring, &ringer, CLIENT_PERSON);
  g_autoptr (GError) error = NULL;

  while (store_module (crm->store, "Leads", &wait, &crm->leads, &error) == STORE_WAITING)
    wait_ring (&ringer);
  g_assert_no_error (error);
  store_wait_clear (&wait);
}

static void
open_saves (Crm *crm)
{
  crm->saves = saves_new (&(SavesConfig){ .store = crm->store,
                                          .journal = crm->journal,
                                          .failed = on_failed,
                                          .audit = on_audit,
                                          .deleted = on_deleted,
                                          .data = crm,
                                          .delete_data = crm });
}

static void
set_up (Crm *crm, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = NULL;
  ClientConfig config = { .client_id = "1000.ID",
                          .client_secret = "secret",
                          .refresh_token = "1000.refresh",
                          .concurrency = 4,
                          .heavy_concurrency = 2,
                          .deadline_us = 60 * G_USEC_PER_SEC,
                          .body_max = 1024 * 1024 };

  g_error_free (g_error_new_literal (ZOHO_ERROR, ZOHO_ERROR_FAILED, "first"));
  pthread_mutex_init (&crm->lock, NULL);
  pthread_cond_init (&crm->news, NULL);
  g_queue_init (&crm->script);
  crm->log = g_string_new (NULL);
  crm->errors = g_string_new (NULL);
  crm->audit = g_string_new (NULL);
  crm->deleted = g_string_new (NULL);
  crm->state = g_dir_make_tmp ("zohofs-saves-XXXXXX", NULL);
  crm->server = web_server_new (answer, crm);
  config.api_url = config.accounts_url = web_server_url (crm->server);
  crm->client = client_new (&config, &error);
  g_assert_no_error (error);
  folder = g_build_filename (crm->state, "cache", NULL);
  crm->disk = disk_open (&(DiskConfig){ .folder = folder, .account = "me", .cap = 16 << 20 });
  crm->store = store_new (&(StoreConfig){ .client = crm->client, .ttl_us = 60 * G_USEC_PER_SEC, .disk = crm->disk });
  crm->journal = journal_open (crm->state, "/mnt", &error);
  g_assert_no_error (error);
  open_saves (crm);
  find_module (crm);
}

static int
remove_one (const char *path, const struct stat *about, int kind, struct FTW *where)
{
  return remove (path);
}

static void
tear_down (Crm *crm, const void *unused)
{
  store_stop (crm->store);
  saves_free (crm->saves);
  store_free (crm->store);
  client_free (crm->client);
  disk_free (crm->disk);
  journal_free (crm->journal);
  web_server_free (crm->server);
  g_assert_cmpint (nftw (crm->state, remove_one, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
  g_free (crm->state);
  g_queue_clear_full (&crm->script, g_free);
  g_string_free (crm->log, TRUE);
  g_string_free (crm->errors, TRUE);
  g_string_free (crm->audit, TRUE);
  g_string_free (crm->deleted, TRUE);
  pthread_cond_destroy (&crm->news);
  pthread_mutex_destroy (&crm->lock);
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

typedef struct
{
  SaveWhat what;
  StoreWait wait;
  SaveResult result;
  StoreState state; /* READY before it was asked */
  Draft *draft;
  GError *error;
  Crm *crm;
  Ringer ringer;
} Attempt;

static Attempt *
attempt_new (Crm *crm, uint64_t id, const char *name, const char *text)
{
  Attempt *attempt = g_new0 (Attempt, 1);
  g_autoptr (GError) error = NULL;
  DraftKey key = { .module = "Leads", .id = id, .name = name, .pid = 1 };

  attempt->crm = crm;
  attempt->ringer.crm = crm;
  attempt->wait = STORE_WAIT_INIT (ring, &attempt->ringer, CLIENT_PERSON);
  attempt->what = (SaveWhat){ .module = crm->leads, .id = id, .name = name };
  attempt->what.text = g_bytes_new (text, strlen (text));
  journal_draft_new (crm->journal, &key, &attempt->draft, &error);
  g_assert_no_error (error);
  draft_write (attempt->draft, text, strlen (text), 0, &error);
  g_assert_no_error (error);
  attempt->what.draft = attempt->draft;
  return attempt;
}

static void
attempt_ask (Attempt *attempt)
{
  attempt->state
      = saves_commit (attempt->crm->saves, &attempt->what, &attempt->wait, &attempt->result, &attempt->error);
}

/* To the end, whether it was asked before or not. */
static void
attempt_run (Attempt *attempt)
{
  if (attempt->state != STORE_WAITING)
    attempt_ask (attempt);
  while (attempt->state == STORE_WAITING)
    {
      wait_ring (&attempt->ringer);
      attempt_ask (attempt);
    }
  g_assert_true ((attempt->state == STORE_FAILED) == (attempt->error != NULL));
}

static void
attempt_end (Attempt *attempt)
{
  g_autoptr (GError) error = NULL;

  saves_end (attempt->crm->saves, &attempt->what);
  store_wait_clear (&attempt->wait);
  save_result_clear (&attempt->result);
  if (draft_state (attempt->draft) != DRAFT_REFUSED)
    draft_done (attempt->draft, &error);
  g_assert_no_error (error);
  draft_free (attempt->draft);
  g_bytes_unref (attempt->what.text);
  g_clear_error (&attempt->error);
  g_free (attempt);
}

static void
check_saved (Attempt *attempt, bool sent)
{
  g_assert_no_error (attempt->error);
  g_assert_cmpint (attempt->result.sent, ==, sent);
  g_assert_cmpint (attempt->result.entry.size, >, 0);
  g_assert_cmpint (draft_state (attempt->draft), ==, sent ? DRAFT_CLEAN : DRAFT_OPEN);
  attempt_end (attempt);
}

static void
check_refused (Attempt *attempt, int code, const char *errno_name)
{
  Crm *crm = attempt->crm;
  g_autoptr (GPtrArray) drafts = NULL;
  g_autoptr (GError) error = NULL;
  const DraftEntry *entry;

  g_assert_error (attempt->error, ZOHO_ERROR, code);
  g_assert_cmpint (draft_state (attempt->draft), ==, DRAFT_REFUSED);
  attempt_end (attempt);
  drafts = journal_drafts_list (crm->state, &error);
  g_assert_no_error (error);
  g_assert_cmpint (drafts->len, ==, 1);
  entry = drafts->pdata[0];
  g_assert_cmpstr (json_get_text (entry->reason, "errno"), ==, errno_name);
  g_assert_nonnull (json_get_text (entry->reason, "todo"));
  journal_draft_remove (crm->state, entry->module, entry->name, &error);
  g_assert_no_error (error);
}

static Attempt *
update (Crm *crm, const char *text)
{
  Attempt *attempt = attempt_new (crm, 77, "Okafor.77.json", text);

  attempt_run (attempt);
  return attempt;
}

/* The record is known as of T0. */
static void
know (Crm *crm, const char *more)
{
  will_show (crm, T0, more);
  check_saved (update (crm, "{}"), false);
  check_calls (crm, "GET Leads/77 \n");
}

#define GUARD0 "guard 2026-03-02T07:00:00\n"
#define GUARD1 "guard 2026-03-02T08:00:00\n"
#define PUT(fields) "PUT Leads/77 {\"data\":[" fields "]}\n"
#define GET "GET Leads/77 \n"

static void
test_only_the_change_is_sent (Crm *crm, const void *unused)
{
  know (crm, "");
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_saved (update (crm, "{\"id\":\"77\",\"Modified_Time\":\"" T0 "\",\"Phone\":\"1\",\"City\":\"Rome\"}"), true);
  check_calls (crm, GUARD0 PUT ("{\"City\":\"Rome\"}") GET);
  check_told (crm, crm->audit, "update Leads/Okafor.77.json 77 [City] [] saved\n");
  check_told (crm, crm->errors, "");
}

static void
test_nothing_is_sent (Crm *crm, const void *unused)
{
  know (crm, "");
  check_saved (update (crm, "{\"Phone\":\"1\",   \"Last_Name\":\"Okafor\",\n\"City\":null}"), false);
  check_saved (update (crm, "{\"Phone\":\"1\",\"Created_Time\":\"" T2 "\"}"), false);
  check_calls (crm, "");
  check_told (crm, crm->audit, "update Leads/Okafor.77.json 77 [] [Created_Time] nothing to c\n");
}

static void
test_null_clears (Crm *crm, const void *unused)
{
  know (crm, "");
  will_take (crm);
  will (crm, 200, "{\"data\":[{\"id\":\"77\",\"Last_Name\":\"Okafor\",\"Modified_Time\":\"" T1 "\"}]}");
  check_saved (update (crm, "{\"Phone\":null}"), true);
  check_calls (crm, GUARD0 PUT ("{\"Phone\":null}") GET);
}

static void
test_dry_run (Crm *crm, const void *unused)
{
  Attempt *attempt;

  know (crm, "");
  attempt = attempt_new (crm, 77, "Okafor.77.json", "{\"City\":\"Rome\"}");
  attempt->what.dry_run = true;
  attempt_run (attempt);
  check_saved (attempt, false);
  attempt = attempt_new (crm, 0, "new.json", "{\"Last_Name\":\"N\"}");
  attempt->what.dry_run = true;
  attempt_run (attempt);
  g_assert_no_error (attempt->error);
  g_assert_cmpint (attempt->result.id, ==, 0);
  attempt_end (attempt);
  check_calls (crm, "");
  check_told (crm, crm->audit,
              "update Leads/Okafor.77.json 77 [City] [] dry run: not\n"
              "create Leads/new.json 0 [Last_Name] [] dry run: not\n");
}

static void
test_merge_after_412 (Crm *crm, const void *unused)
{
  know (crm, "");
  will (crm, 412, REFUSED ("ALREADY_MODIFIED", "{\"id\":\"77\"}"));
  will_show (crm, T1, ",\"Email\":\"a@b.c\"");
  will_take (crm);
  will_show (crm, T2, ",\"Email\":\"a@b.c\",\"City\":\"Rome\"");
  check_saved (update (crm, "{\"Modified_Time\":\"" T0 "\",\"Email\":null,\"City\":\"Rome\"}"), true);
  check_calls (crm, GUARD0 PUT ("{\"City\":\"Rome\"}") GET GUARD1 PUT ("{\"City\":\"Rome\"}") GET);
}

static void
test_412_again_and_again (Crm *crm, const void *unused)
{
  know (crm, "");
  for (unsigned i = 0; i < 3; i++)
    {
      will (crm, 412, REFUSED ("ALREADY_MODIFIED", "{\"id\":\"77\"}"));
      will_show (crm, T1, "");
    }
  check_refused (update (crm, "{\"Modified_Time\":\"" T0 "\",\"City\":\"Rome\"}"), ZOHO_ERROR_CHANGED, "EBUSY");
  check_calls (crm, GUARD0 PUT ("{\"City\":\"Rome\"}") GET GUARD1 PUT ("{\"City\":\"Rome\"}")
                        GET GUARD1 PUT ("{\"City\":\"Rome\"}") GET);
}

static void
test_conflict (Crm *crm, const void *unused)
{
  Attempt *attempt;

  know (crm, "");
  will (crm, 412, REFUSED ("ALREADY_MODIFIED", "{\"id\":\"77\"}"));
  will_show (crm, T1, ",\"City\":\"Oslo\"");
  attempt = update (crm, "{\"Modified_Time\":\"" T0 "\",\"City\":\"Rome\"}");
  g_assert_nonnull (strstr (attempt->error->message, "Oslo"));
  g_assert_nonnull (strstr (attempt->error->message, "Rome"));
  check_refused (attempt, ZOHO_ERROR_CHANGED, "EBUSY");
  check_calls (crm, GUARD0 PUT ("{\"City\":\"Rome\"}") GET);
  check_told (crm, crm->errors, "Leads/Okafor.77.json EBUSY changed City Leads/Okafor.77.json\n");
}

/* The first try was taken, and its answer lost. */
static void
test_lost_answer_of_an_update (Crm *crm, const void *unused)
{
  know (crm, "");
  will_lose (crm);
  will (crm, 412, REFUSED ("ALREADY_MODIFIED", "{\"id\":\"77\"}"));
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_saved (update (crm, "{\"Modified_Time\":\"" T0 "\",\"City\":\"Rome\"}"), true);
  check_calls (crm, GUARD0 PUT ("{\"City\":\"Rome\"}") GUARD0 PUT ("{\"City\":\"Rome\"}") GET);
  check_told (crm, crm->errors, "");
}

/* What Zoho says makes no sense, so the record is read. */
static void
test_open_outcome_of_an_update (Crm *crm, const void *unused)
{
  know (crm, "");
  will (crm, 200, "{\"data\":[]}");
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_saved (update (crm, "{\"City\":\"Rome\"}"), true);
  will (crm, 200, "{\"data\":[]}");
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_refused (update (crm, "{\"City\":\"Bonn\"}"), ZOHO_ERROR_FAILED, "EIO");
}

static void
test_saved_and_not_read_back (Crm *crm, const void *unused)
{
  Attempt *attempt;

  know (crm, "");
  will_take (crm);
  will (crm, 403, REFUSED ("NO_PERMISSION", "{}"));
  attempt = update (crm, "{\"City\":\"Rome\"}");
  g_assert_no_error (attempt->error);
  g_assert_cmpint (attempt->result.entry.size, ==, -1);
  g_assert_cmpint (draft_state (attempt->draft), ==, DRAFT_CLEAN);
  attempt_end (attempt);
}

static void
test_refused_before_the_wire (Crm *crm, const void *unused)
{
  static const struct
  {
    const char *text, *field;
  } bad[] = {
    { "{\"City\":", "-" },
    { "[]", "-" },
    { "{\"Cty\":\"Rome\"}", "Cty" },
    { "{\"City\":7}", "City" },
    { "{\"Last_Name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "Last_Name" },
    { "{\"Last_Name\":null}", "Last_Name" },
    { "{\"id\":\"78\"}", "id" },
  };

  know (crm, "");
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *told
          = g_strdup_printf ("Leads/Okafor.77.json EINVAL invalid %s Leads/Okafor.77.json\n", bad[i].field);

      check_refused (update (crm, bad[i].text), ZOHO_ERROR_INVALID, "EINVAL");
      check_told (crm, crm->errors, told);
    }
  check_calls (crm, "");
}

static void
test_refused_by_the_server (Crm *crm, const void *unused)
{
  static const struct
  {
    int status;
    const char *body;
    int code;
    const char *errno_name, *told;
  } bad[] = {
    { 400, REFUSED ("INVALID_DATA", "{\"api_name\":\"City\",\"json_path\":\"$.data[0].City\"}"), ZOHO_ERROR_INVALID,
      "EINVAL", "INVALID_DATA City" },
    { 400, REFUSED ("DUPLICATE_DATA", "{\"api_name\":\"City\"}"), ZOHO_ERROR_DUPLICATE, "EEXIST",
      "DUPLICATE_DATA City" },
    { 400, REFUSED ("RECORD_LOCKED", "{}"), ZOHO_ERROR_CHANGED, "EBUSY", "RECORD_LOCKED -" },
    { 400, REFUSED ("NOT_APPROVED", "{}"), ZOHO_ERROR_CHANGED, "EBUSY", "NOT_APPROVED -" },
    { 403, REFUSED ("NO_PERMISSION", "{}"), ZOHO_ERROR_DENIED, "EACCES", "NO_PERMISSION -" },
    { 404, REFUSED ("INVALID_DATA", "{\"id\":\"77\"}"), ZOHO_ERROR_NOT_FOUND, "ENOENT", "INVALID_DATA -" },
  };

  know (crm, "");
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *told
          = g_strdup_printf ("Leads/Okafor.77.json %s %s Leads/Okafor.77.json\n", bad[i].errno_name, bad[i].told);

      will (crm, bad[i].status, bad[i].body);
      check_refused (update (crm, "{\"City\":\"Rome\"}"), bad[i].code, bad[i].errno_name);
      check_calls (crm, GUARD0 PUT ("{\"City\":\"Rome\"}"));
      check_told (crm, crm->errors, told);
    }
}

static void
test_unknown_version (Crm *crm, const void *unused)
{
  const char *text = "{\"Modified_Time\":\"2020-01-01T00:00:00Z\",\"City\":\"Rome\",\"Phone\":\"1\"}";
  Attempt *attempt;

  know (crm, "");
  check_refused (update (crm, text), ZOHO_ERROR_CHANGED, "EBUSY");
  check_calls (crm, "");
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  attempt = attempt_new (crm, 77, "Okafor.77.json", text);
  attempt->what.stale_overwrite = true;
  attempt_run (attempt);
  check_saved (attempt, true);
  check_calls (crm, GUARD0 PUT ("{\"City\":\"Rome\"}") GET);
}

static void
test_unknown_version_without_a_change (Crm *crm, const void *unused)
{
  know (crm, ",\"City\":\"Rome\"");
  check_saved (update (crm, "{\"Modified_Time\":\"2020-01-01T00:00:00Z\",\"City\":\"Rome\"}"), false);
  check_calls (crm, "");
}

/* The second run of a restore: the file was of record 66, which is gone, and made record 77. */
static void
test_restored_again (Crm *crm, const void *unused)
{
  JournalAlias alias = { "Leads", "66.json", 77 };

  know (crm, ",\"City\":\"Rome\"");
  check_refused (update (crm, "{\"id\":\"66\",\"City\":\"Rome\"}"), ZOHO_ERROR_INVALID, "EINVAL");
  g_assert_true (journal_alias_put (crm->journal, &alias, 1, NULL));
  check_saved (update (crm, "{\"id\":\"66\",\"City\":\"Rome\"}"), false);
  check_refused (update (crm, "{\"id\":\"67\",\"City\":\"Rome\"}"), ZOHO_ERROR_INVALID, "EINVAL");
  check_calls (crm, "");
}

/* An editor goes on from its own buffer, while a workflow has changed the record. */
static void
test_second_save_of_an_editor (Crm *crm, const void *unused)
{
  const char *first = "{\"Modified_Time\":\"" T0 "\",\"City\":\"rome\",\"Phone\":\"1\"}";
  Attempt *attempt;
  g_autoptr (GBytes) saved = g_bytes_new_static (first, strlen (first));
  g_autoptr (GBytes) answer_bytes = NULL;

  know (crm, "");
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"ROME\",\"Email\":\"a@b.c\"");
  attempt = update (crm, first);
  answer_bytes = g_bytes_ref (attempt->result.answer);
  check_saved (attempt, true);
  check_calls (crm, GUARD0 PUT ("{\"City\":\"rome\"}") GET);
  will_take (crm);
  will_show (crm, T2, ",\"City\":\"Bonn\",\"Email\":\"a@b.c\"");
  attempt = attempt_new (crm, 77, "Okafor.77.json", "{\"Modified_Time\":\"" T0 "\",\"City\":\"Bonn\",\"Phone\":\"1\"}");
  attempt->what.saved = saved;
  attempt->what.saved_us = 5;
  attempt->what.saved_answer = answer_bytes;
  attempt_run (attempt);
  check_saved (attempt, true);
  check_calls (crm, GUARD1 PUT ("{\"City\":\"Bonn\"}") GET);
}

static void
test_rows_are_read_first (Crm *crm, const void *unused)
{
  know (crm, ",\"Items\":[{\"id\":\"5\",\"Title\":\"a\"}]");
  will_show (crm, T0, ",\"Items\":[{\"id\":\"5\",\"Title\":\"a\"},{\"id\":\"6\",\"Title\":\"b\"}]");
  will_take (crm);
  will_show (crm, T1, ",\"Items\":[{\"id\":\"5\",\"Title\":\"A\"},{\"id\":\"6\",\"Title\":\"b\"}]");
  check_saved (update (crm, "{\"Modified_Time\":\"" T0 "\",\"Items\":[{\"id\":\"5\",\"Title\":\"A\"},"
                            "{\"id\":\"6\",\"Title\":\"b\"}]}"),
               true);
  check_calls (crm, GET GUARD0 PUT ("{\"Items\":[{\"Title\":\"A\",\"id\":\"5\"},{\"id\":\"6\"}]}") GET);
}

/* It changed in the second in which it was read, and so may have changed again in that second. */
static void
test_an_unsettled_record_is_read_first (Crm *crm, const void *unused)
{
  will_show (crm, NOW, "");
  will_show (crm, NOW, ",\"City\":\"Oslo\"");
  will_take (crm);
  will_show (crm, NOW, ",\"City\":\"Oslo\",\"Email\":\"a@b.c\"");
  check_saved (update (crm, "{\"Modified_Time\":\"" NOW "\",\"City\":null,\"Email\":\"a@b.c\"}"), true);
  check_calls (crm, GET GET "guard 2026-03-02T10:00:00\n" PUT ("{\"Email\":\"a@b.c\"}") GET);
}

static void
test_tags (Crm *crm, const void *unused)
{
  know (crm, ",\"Tag\":[{\"id\":\"1\",\"name\":\"old\"}]");
  will_take (crm);
  will_take (crm);
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\",\"Tag\":[{\"id\":\"2\",\"name\":\"vip\"}]");
  check_saved (update (crm, "{\"City\":\"Rome\",\"Tag\":[{\"name\":\"vip\"}]}"), true);
  check_calls (
      crm,
      GUARD0 PUT ("{\"City\":\"Rome\"}") "POST Leads/77/actions/add_tags {\"tags\":[{\"name\":\"vip\"}]}\n"
                                         "POST Leads/77/actions/remove_tags {\"tags\":[{\"name\":\"old\"}]}\n" GET);
  check_told (crm, crm->audit, "update Leads/Okafor.77.json 77 [City,Tag] [] saved\n");
}

static void
test_tags_refused_after_the_fields (Crm *crm, const void *unused)
{
  Attempt *attempt;

  know (crm, "");
  will_take (crm);
  will (crm, 400, REFUSED ("LIMIT_EXCEEDED", "{}"));
  will_show (crm, T1, ",\"City\":\"Rome\"");
  attempt = update (crm, "{\"City\":\"Rome\",\"Tag\":[{\"name\":\"vip\"}]}");
  g_assert_nonnull (strstr (attempt->error->message, "part"));
  check_refused (attempt, ZOHO_ERROR_INVALID, "EINVAL");
  check_calls (
      crm, GUARD0 PUT ("{\"City\":\"Rome\"}") "POST Leads/77/actions/add_tags {\"tags\":[{\"name\":\"vip\"}]}\n" GET);
}

/* The second decides when the first has ended. */
static void
test_saves_of_a_record_follow_each_other (Crm *crm, const void *unused)
{
  Attempt *first, *second;

  know (crm, "");
  hold (crm, true);
  first = attempt_new (crm, 77, "Okafor.77.json", "{\"City\":\"Rome\"}");
  attempt_ask (first);
  wait_calls (crm, 2);
  second = attempt_new (crm, 77, "77.json", "{\"Phone\":\"2\"}");
  attempt_ask (second);
  g_assert_cmpint (second->state, ==, STORE_WAITING);
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  hold (crm, false);
  attempt_run (first);
  will_take (crm);
  will (crm, 200,
        "{\"data\":[{\"id\":\"77\",\"Last_Name\":\"Okafor\",\"Phone\":\"2\",\"City\":\"Rome\","
        "\"Modified_Time\":\"" T2 "\"}]}");
  attempt_run (second);
  check_saved (first, true);
  check_saved (second, true);
  check_calls (crm, GUARD0 PUT ("{\"City\":\"Rome\"}") GET GUARD1 PUT ("{\"Phone\":\"2\"}") GET);
}

/* Each writes the whole text that it read, in which the other's field is as it was. */
static void
test_two_processes_save_different_fields (Crm *crm, const void *unused)
{
  Attempt *first, *second;

  know (crm, "");
  hold (crm, true);
  first = attempt_new (crm, 77, "Okafor.77.json",
                       "{\"Modified_Time\":\"" T0 "\",\"Phone\":\"1\",\"City\":\"Rome\",\"Email\":null}");
  attempt_ask (first);
  wait_calls (crm, 2);
  second = attempt_new (crm, 77, "Okafor.77.json",
                        "{\"Modified_Time\":\"" T0 "\",\"Phone\":\"1\",\"City\":null,\"Email\":\"a@b.c\"}");
  attempt_ask (second);
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  hold (crm, false);
  attempt_run (first);
  will_take (crm);
  will_show (crm, T2, ",\"City\":\"Rome\",\"Email\":\"a@b.c\"");
  attempt_run (second);
  check_saved (first, true);
  check_saved (second, true);
  check_calls (crm, GUARD0 PUT ("{\"City\":\"Rome\"}") GET GUARD1 PUT ("{\"Email\":\"a@b.c\"}") GET);
}

static unsigned
count (const char *text, const char *part)
{
  unsigned found = 0;

  for (text = strstr (text, part); text != NULL; text = strstr (text + 1, part))
    found++;
  return found;
}

/* These records do not say when they were changed. */
static void
test_unguarded_updates_go_together (Crm *crm, const void *unused)
{
  Attempt *attempts[3];

  crm->making = true;
  for (unsigned i = 0; i < G_N_ELEMENTS (attempts); i++)
    {
      Attempt *attempt = attempt_new (crm, 77 + i, "x.json", "{}");

      attempt_run (attempt);
      check_saved (attempt, false);
    }
  hold (crm, true);
  for (unsigned i = 0; i < G_N_ELEMENTS (attempts); i++)
    {
      attempts[i] = attempt_new (crm, 77 + i, "x.json", "{\"City\":\"Rome\"}");
      attempt_ask (attempts[i]);
    }
  wait_calls (crm, 4);
  hold (crm, false);
  for (unsigned i = 0; i < G_N_ELEMENTS (attempts); i++)
    {
      attempt_run (attempts[i]);
      check_saved (attempts[i], true);
    }
  LOCKED (&crm->lock);
  g_assert_cmpint (count (crm->log->str, "PUT "), ==, 2);
  g_assert_cmpint (count (crm->log->str, "PUT Leads {\"data\":[{\"City\":\"Rome\",\"id\":\"78\"},"
                                         "{\"City\":\"Rome\",\"id\":\"79\"}]}\n"),
                   ==, 1);
}

static void
on_fetched (void *data, uint64_t id, const GError *error)
{
}

/* What a read brings that began before the save may be the record as it was. */
static void
test_a_read_under_way_is_not_believed (Crm *crm, const void *unused)
{
  Attempt *attempt = attempt_new (crm, 77, "x.json", "{}");

  crm->making = true;
  attempt_run (attempt);
  check_saved (attempt, false);
  hold_reads (crm, true);
  store_lock (crm->store);
  fetch_for (crm->leads, 77, on_fetched, NULL);
  store_unlock (crm->store);
  wait_calls (crm, 2);
  attempt = attempt_new (crm, 77, "x.json", "{\"City\":\"Rome\"}");
  attempt_ask (attempt);
  wait_ring (&attempt->ringer);
  attempt_ask (attempt);
  g_assert_cmpint (attempt->state, ==, STORE_WAITING);
  hold_reads (crm, false);
  attempt_run (attempt);
  check_saved (attempt, true);
  check_calls (crm, GET GET "PUT Leads {\"data\":[{\"City\":\"Rome\",\"id\":\"77\"}]}\n" GET);
}

static void
on_refreshed (void *data, int64_t server_time, bool relist, int64_t sent_us, const GError *error)
{
  Ringer *ringer = data;

  g_assert_no_error (error);
  ring (ringer);
}

static void
wait_listing (Crm *crm)
{
  LOCKED (&crm->lock);

  while (!crm->listing)
    pthread_cond_wait (&crm->news, &crm->lock);
}

static void
release_lists (Crm *crm)
{
  LOCKED (&crm->lock);

  crm->holding_lists = false;
  pthread_cond_broadcast (&crm->news);
}

/* What was changed is asked for before a save, and answered after it with the record as it was. */
static void
test_a_list_asked_for_before_is_not_believed (Crm *crm, const void *unused)
{
  Ringer ringer = { .crm = crm };
  StoreEntry entry;
  g_autoptr (GBytes) text = NULL;
  const char *page = "{\"data\":[{\"id\":\"77\",\"Last_Name\":\"Okafor\",\"Modified_Time\":\"" T0 "\"},"
                     "{\"id\":\"78\",\"Last_Name\":\"Other\",\"Modified_Time\":\"" T0 "\"}],"
                     "\"info\":{\"more_records\":false}}";

  crm->list = page;
  crm->holding_lists = true;
  know (crm, "");
  store_lock (crm->store);
  refresh_new (crm->leads, 0, false, on_refreshed, &ringer);
  store_unlock (crm->store);
  wait_listing (crm);
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_saved (update (crm, "{\"City\":\"Rome\"}"), true);
  release_lists (crm);
  wait_ring (&ringer);
  text = store_peek (crm->leads, 77, &entry);
  g_assert_nonnull (text);
  g_assert_nonnull (g_strstr_len (g_bytes_get_data (text, NULL), (gssize)g_bytes_get_size (text), "Rome"));
  g_clear_pointer (&text, g_bytes_unref);
  /* What else it brings is taken. */
  text = store_peek (crm->leads, 78, &entry);
  g_assert_nonnull (text);
}

/* ---- creating ---------------------------------------------------------------------------------------------------- */

#define NEW "{\"Last_Name\":\"O'Neil\",\"City\":\"Rome\",\"id\":\"5\"}"
#define POST_NEW "POST Leads {\"data\":[{\"City\":\"Rome\",\"Last_Name\":\"O'Neil\"}]}\n"

static Attempt *
create (Crm *crm, const char *text)
{
  Attempt *attempt = attempt_new (crm, 0, "new.json", text);

  attempt_run (attempt);
  return attempt;
}

static void
check_created (Crm *crm, Attempt *attempt)
{
  g_assert_no_error (attempt->error);
  g_assert_cmpint (attempt->result.id, ==, 77);
  check_saved (attempt, true);
  g_assert_cmpint (journal_alias_get (crm->journal, "Leads", "new.json"), ==, 77);
}

static void
test_create (Crm *crm, const void *unused)
{
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_created (crm, create (crm, NEW));
  check_calls (crm, POST_NEW GET);
  check_told (crm, crm->audit, "create Leads/new.json 77 [City,Last_Name] [] saved; the C\n");
}

static void
test_create_refused (Crm *crm, const void *unused)
{
  check_refused (create (crm, "{\"City\":\"Rome\"}"), ZOHO_ERROR_INVALID, "EINVAL");
  check_calls (crm, "");
  will (crm, 400, REFUSED ("DUPLICATE_DATA", "{\"api_name\":\"Email\"}"));
  check_refused (create (crm, NEW), ZOHO_ERROR_DUPLICATE, "EEXIST");
  check_calls (crm, POST_NEW);
  g_assert_cmpint (journal_alias_get (crm->journal, "Leads", "new.json"), ==, 0);
}

#define LOOK                                                                                                           \
  "POST coql {\"select_query\":\"select id, Created_Time from Leads where ((Created_Time >= '1970-01-12T13:44:40"      \
  "+00:00' and Created_By = '9') and Last_Name = 'O''Neil') order by id asc limit 20\"}\n"

static void
test_lost_create_is_found (Crm *crm, const void *unused)
{
  clock_freeze (1000 * CLOCK_SECOND_US, 1000000);
  will_lose (crm);
  will (crm, 200,
        "{\"data\":[{\"id\":\"75\",\"Created_Time\":\"2026-03-02T09:59:50+00:00\"},"
        "{\"id\":\"76\",\"Created_Time\":\"" NOW "\"},"
        "{\"id\":\"77\",\"Created_Time\":\"2026-03-02T10:00:01+00:00\"}],\"info\":{\"more_records\":false}}");
  will (crm, 200, "{\"data\":[{\"id\":\"76\",\"Last_Name\":\"O'Neil\",\"City\":\"Oslo\"}]}");
  will (crm, 200, "{\"data\":[{\"id\":\"77\",\"Last_Name\":\"O'Neil\",\"City\":\"Rome\"}]}");
  check_created (crm, create (crm, NEW));
  check_calls (crm, POST_NEW LOOK "GET Leads/76 \n" GET);
  check_told (crm, crm->errors, "");
  clock_thaw ();
}

/* Two records of the same text are two records. */
static void
test_lost_creates_of_the_same_text (Crm *crm, const void *unused)
{
  Attempt *attempt;

  clock_freeze (1000 * CLOCK_SECOND_US, 1000000);
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_created (crm, create (crm, NEW));
  will_lose (crm);
  will (crm, 200,
        "{\"data\":[{\"id\":\"77\",\"Created_Time\":\"" NOW "\"},{\"id\":\"78\",\"Created_Time\":\"" NOW "\"}],"
        "\"info\":{\"more_records\":false}}");
  will (crm, 200, "{\"data\":[{\"id\":\"78\",\"Last_Name\":\"O'Neil\",\"City\":\"Rome\"}]}");
  attempt = create (crm, NEW);
  g_assert_no_error (attempt->error);
  g_assert_cmpint (attempt->result.id, ==, 78);
  check_saved (attempt, true);
  check_calls (crm, POST_NEW GET POST_NEW LOOK "GET Leads/78 \n");
  clock_thaw ();
}

static void
test_lost_create_is_not_found (Crm *crm, const void *unused)
{
  clock_freeze (1000 * CLOCK_SECOND_US, 1000000);
  will_lose (crm);
  will (crm, 204, NULL);
  check_refused (create (crm, NEW), ZOHO_ERROR_UNCLEAR, "EIO");
  check_calls (crm, POST_NEW LOOK);
  check_told (crm, crm->errors, "Leads/new.json EIO unclear - Leads/new.json\n");
  clock_thaw ();
}

/* A new file that fails stays where it is; its draft may be written and saved again. */
static Attempt *
create_in_place (Crm *crm, const char *text)
{
  Attempt *attempt = attempt_new (crm, 0, "new.json", text);

  attempt->what.stays = true;
  attempt_run (attempt);
  return attempt;
}

static void
check_stays (Attempt *attempt, int code, DraftState state)
{
  g_autoptr (GPtrArray) drafts = journal_drafts_list (attempt->crm->state, NULL);

  g_assert_error (attempt->error, ZOHO_ERROR, code);
  g_assert_cmpint (draft_state (attempt->draft), ==, state);
  g_assert_cmpint (drafts->len, ==, 0);
}

/* Saves the draft of @attempt once more. */
static void
again (Attempt *attempt)
{
  saves_end (attempt->crm->saves, &attempt->what);
  g_clear_error (&attempt->error);
  attempt->state = STORE_READY;
  attempt_run (attempt);
}

static void
test_refused_in_place (Crm *crm, const void *unused)
{
  Attempt *attempt = create_in_place (crm, "{\"City\":\"Rome\"}");

  check_stays (attempt, ZOHO_ERROR_INVALID, DRAFT_OPEN);
  check_told (crm, crm->errors, "Leads/new.json EINVAL invalid Last_Name -\n");
  attempt_end (attempt);
  will (crm, 400, REFUSED ("DUPLICATE_DATA", "{\"api_name\":\"Email\"}"));
  attempt = create_in_place (crm, NEW);
  check_stays (attempt, ZOHO_ERROR_DUPLICATE, DRAFT_OPEN);
  check_told (crm, crm->errors, "Leads/new.json EEXIST DUPLICATE_DATA Email -\n");
  check_told (crm, crm->audit,
              "create Leads/new.json 0 [] [] refused: Las\n"
              "create Leads/new.json 0 [City,Last_Name] [] refused: Ano\n");
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  again (attempt);
  check_created (crm, attempt);
  check_calls (crm, POST_NEW POST_NEW GET);
}

#define FOUND "{\"data\":[{\"id\":\"77\",\"Created_Time\":\"" NOW "\"}],\"info\":{\"more_records\":false}}"

/* Nobody knows whether it was made: the next save looks again, until it cannot come any more. */
static void
test_unclear_in_place (Crm *crm, const void *unused)
{
  Attempt *attempt;

  clock_freeze (1000 * CLOCK_SECOND_US, 1000000);
  will_lose (crm);
  will (crm, 204, NULL);
  attempt = create_in_place (crm, NEW);
  check_stays (attempt, ZOHO_ERROR_UNCLEAR, DRAFT_SENDING);
  check_calls (crm, POST_NEW LOOK);
  will (crm, 204, NULL);
  again (attempt);
  check_stays (attempt, ZOHO_ERROR_UNCLEAR, DRAFT_SENDING);
  check_calls (crm, LOOK);
  /* Neither a text that is no good nor trouble with looking makes it clear. */
  g_bytes_unref (attempt->what.text);
  attempt->what.text = g_bytes_new_static ("{", 1);
  again (attempt);
  check_stays (attempt, ZOHO_ERROR_INVALID, DRAFT_SENDING);
  g_bytes_unref (attempt->what.text);
  attempt->what.text = g_bytes_new_static (NEW, strlen (NEW));
  will (crm, 403, REFUSED ("NO_PERMISSION", "{}"));
  again (attempt);
  check_stays (attempt, ZOHO_ERROR_UNCLEAR, DRAFT_SENDING);
  check_calls (crm, LOOK);
  clock_freeze (1200 * CLOCK_SECOND_US, 1000000 + 200);
  will (crm, 204, NULL);
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  again (attempt);
  check_created (crm, attempt);
  check_calls (crm, LOOK POST_NEW GET);
  clock_thaw ();
}

/* The record had been made: what is written in the file by now is a save of it. */
static void
test_unclear_and_there (Crm *crm, const void *unused)
{
  Attempt *attempt;

  clock_freeze (1000 * CLOCK_SECOND_US, 1000000);
  will_lose (crm);
  will (crm, 204, NULL);
  attempt = create_in_place (crm, NEW);
  check_stays (attempt, ZOHO_ERROR_UNCLEAR, DRAFT_SENDING);
  attempt_end (attempt);
  check_calls (crm, POST_NEW LOOK);
  will (crm, 200, FOUND);
  will (crm, 200,
        "{\"data\":[{\"id\":\"77\",\"Last_Name\":\"O'Neil\",\"City\":\"Rome\",\"Modified_Time\":\"" T0 "\"}]}");
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Bonn\"");
  check_created (crm, create_in_place (crm, "{\"Last_Name\":\"O'Neil\",\"City\":\"Bonn\"}"));
  check_calls (crm, LOOK GET GUARD0 PUT ("{\"City\":\"Bonn\"}") GET);
  clock_thaw ();
}

#define CREATES 150

static void
test_creates_go_together (Crm *crm, const void *unused)
{
  Attempt *attempts[CREATES];
  SavesStats stats;

  crm->making = true;
  check_saved (create (crm, "{\"Last_Name\":\"N\"}"), true);
  check_calls (crm, "POST Leads {\"data\":[{\"Last_Name\":\"N\"}]}\nGET Leads/100001 \n");
  hold (crm, true);
  for (unsigned i = 0; i < CREATES; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%u.json", i);

      attempts[i] = attempt_new (crm, 0, g_intern_string (name), "{\"Last_Name\":\"N\"}");
      attempt_ask (attempts[i]);
    }
  wait_calls (crm, 3);
  g_assert_false (saves_give_up (crm->saves, &attempts[0]->what));
  g_assert_true (saves_give_up (crm->saves, &attempts[CREATES - 1]->what));
  g_assert_true (store_wait_cancel (crm->store, &attempts[CREATES - 1]->wait));
  attempt_end (attempts[CREATES - 1]);
  saves_stats (crm->saves, &stats);
  g_assert_cmpint (stats.saves, ==, CREATES - 1);
  hold (crm, false);
  for (unsigned i = 0; i < CREATES - 1; i++)
    {
      attempt_run (attempts[i]);
      g_assert_cmpint (attempts[i]->result.id, ==, 100002 + i);
      check_saved (attempts[i], true);
    }
  g_assert_cmpint (journal_alias_get (crm->journal, "Leads", "n148.json"), ==, 100002 + 148);
  LOCKED (&crm->lock);
  g_assert_cmpint (crm->posts, ==, CREATES);
  g_assert_cmpint (count (crm->log->str, "POST "), ==, 3);
}

/* ---- by a field -------------------------------------------------------------------------------------------------- */

static Attempt *
save_by_field (Crm *crm, const char *field, const char *value, const char *text)
{
  Attempt *attempt = attempt_new (crm, 0, "x=y.json", text);

  attempt->what.field = field;
  attempt->what.value = value;
  attempt_run (attempt);
  return attempt;
}

#define FIND(field, value)                                                                                             \
  "POST coql {\"select_query\":\"select id, " field " from Leads where " field " = '" value "' order by id asc limit " \
  "2\"}\n"

static void
test_save_by_field (Crm *crm, const void *unused)
{
  know (crm, "");
  will (crm, 200, "{\"data\":[{\"id\":\"77\"}],\"info\":{\"more_records\":false}}");
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_saved (save_by_field (crm, "Phone", "1", "{\"City\":\"Rome\"}"), true);
  check_calls (crm, FIND ("Phone", "1") GUARD0 PUT ("{\"City\":\"Rome\"}") GET);
  will (crm, 200, "{\"data\":[{\"id\":\"77\"},{\"id\":\"78\"}],\"info\":{\"more_records\":false}}");
  check_refused (save_by_field (crm, "Phone", "1", "{\"City\":\"Rome\"}"), ZOHO_ERROR_DUPLICATE, "EEXIST");
  check_refused (save_by_field (crm, "Fone", "1", "{}"), ZOHO_ERROR_NOT_FOUND, "ENOENT");
  check_calls (crm, FIND ("Phone", "1"));
}

static void
test_insert_by_field (Crm *crm, const void *unused)
{
  will (crm, 204, NULL);
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_saved (save_by_field (crm, "City", "Rome", "{\"Last_Name\":\"Okafor\"}"), true);
  check_calls (crm, FIND ("City", "Rome") "POST Leads {\"data\":[{\"City\":\"Rome\",\"Last_Name\":\"Okafor\"}]}\n" GET);
  will (crm, 204, NULL);
  will_take (crm);
  will_show (crm, T1, ",\"Email\":\"a@b.c\"");
  check_saved (save_by_field (crm, "Email", "a@b.c", "{\"Last_Name\":\"Okafor\"}"), true);
  check_calls (crm,
               FIND ("Email", "a@b.c") "POST Leads/upsert {\"data\":[{\"Email\":\"a@b.c\",\"Last_Name\":\"Okafor\"}],"
                                       "\"duplicate_check_fields\":[\"Email\"]}\n" GET);
}

/* ---- deletes ----------------------------------------------------------------------------------------------------- */

static void
delete_one (Crm *crm, uint64_t id)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("x.%" G_GUINT64_FORMAT ".json", id);

  saves_delete_add (crm->saves, crm->leads, id, name, &(SaveWho){ 1000, 1, "rm" }, &error);
  g_assert_no_error (error);
}

static unsigned
journalled (Crm *crm)
{
  g_autoptr (GPtrArray) deletes = journal_deletes (crm->journal);

  return deletes->len;
}

static void
test_deletes_are_grouped (Crm *crm, const void *unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new ("{\"data\":[");

  for (unsigned i = 1; i <= 100; i++)
    {
      delete_one (crm, i);
      delete_one (crm, i);
      g_string_append_printf (text, "%s{\"code\":\"SUCCESS\",\"details\":{\"id\":\"%u\"},\"status\":\"success\"}",
                              i > 1 ? "," : "", i);
    }
  delete_one (crm, 200);
  g_assert_true (saves_delete_cancel (crm->saves, crm->leads, 200, &error));
  g_assert_false (saves_delete_is_pending (crm->saves, crm->leads, 200));
  g_assert_cmpint (journalled (crm), ==, 100);
  g_assert_cmpint (crm->calls, ==, 0);
  g_string_append (text, "]}");
  will (crm, 200, g_intern_string (text->str));
  g_assert_cmpint (saves_drain (crm->saves), ==, 0);
  g_assert_cmpint (crm->calls, ==, 1);
  g_assert_cmpint (journalled (crm), ==, 0);
}

static void
test_deletes_one_by_one (Crm *crm, const void *unused)
{
  know (crm, "");
  for (unsigned i = 76; i <= 78; i++)
    delete_one (crm, i);
  will (
      crm, 207,
      "{\"data\":[{\"code\":\"INVALID_DATA\",\"details\":{\"id\":\"76\"},\"message\":\"m\",\"status\":\"error\"}," DONE
      ",{\"code\":\"NO_PERMISSION\",\"details\":{\"id\":\"78\"},\"message\":\"m\",\"status\":\"error\"}]}");
  g_assert_cmpint (saves_drain (crm->saves), ==, 0);
  check_calls (crm, "DELETE Leads?ids=76,77,78 \n");
  g_assert_false (saves_delete_is_pending (crm->saves, crm->leads, 78));
  g_assert_cmpint (journalled (crm), ==, 0);
  check_told (crm, crm->errors, "Leads/x.78.json EACCES NO_PERMISSION - -\n");
  check_told (crm, crm->audit,
              "delete Leads/x.76.json 76 [] [] deleted: it \n"
              "delete Leads/x.77.json 77 [] [] deleted\n"
              "delete Leads/x.78.json 78 [] [] not deleted:\n");
  check_told (crm, crm->deleted, "76 gone\n77 gone\n78 denied\n");
}

static void
test_deletes_of_a_dry_run (Crm *crm, const void *unused)
{
  know (crm, "");
  delete_one (crm, 77);
  delete_one (crm, 78);
  saves_delete_pretend (crm->saves, crm->leads, (const uint64_t[]){ 77, 77, 79 }, 3);
  check_told (crm, crm->deleted, "77 read-only here\n");
  check_told (crm, crm->errors, "");
  check_told (crm, crm->audit, "delete Leads/x.77.json 77 [] [] dry run: not\n");
  g_assert_cmpint (journalled (crm), ==, 1);
  saves_delete_pretend (crm->saves, crm->leads, (const uint64_t[]){ 78 }, 1);
  g_assert_cmpint (journalled (crm), ==, 0);
  g_assert_cmpint (saves_drain (crm->saves), ==, 0);
  check_calls (crm, "");
}

/* The name of a record that was created here is free again when the CRM does not have the record any more. */
static void
test_names_of_a_record_that_vanishes (Crm *crm, const void *unused)
{
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  check_created (crm, create (crm, NEW));
  saves_record_gone (crm->saves, crm->leads, 77);
  g_assert_cmpint (journal_alias_get (crm->journal, "Leads", "new.json"), ==, 77);
  store_lock (crm->store);
  table_remove (crm->leads, 77, 0);
  store_unlock (crm->store);
  saves_record_gone (crm->saves, crm->leads, 78);
  g_assert_cmpint (journal_alias_get (crm->journal, "Leads", "new.json"), ==, 77);
  saves_record_gone (crm->saves, crm->leads, 77);
  g_assert_cmpint (journal_alias_get (crm->journal, "Leads", "new.json"), ==, 0);
}

static void
test_rights (Crm *crm, const void *unused)
{
  StoreRights rights = store_module_rights (crm->leads);
  StoreRights users = store_module_rights (store_users (crm->store));

  g_assert_true (rights.create);
  g_assert_true (rights.update);
  g_assert_false (rights.delete);
  g_assert_false (users.create || users.update || users.delete);
}

/* Answers that make no sense leave it open. */
static void
test_deletes_stay_when_open (Crm *crm, const void *unused)
{
  delete_one (crm, 77);
  will (crm, 200, "{\"data\":[]}");
  g_assert_cmpint (saves_drain (crm->saves), ==, 1);
  g_assert_true (saves_delete_is_pending (crm->saves, crm->leads, 77));
  g_assert_cmpint (journalled (crm), ==, 1);
  check_told (crm, crm->deleted, "77 cancelled pending\n");
  will_take (crm);
  g_assert_cmpint (saves_drain (crm->saves), ==, 0);
  g_assert_cmpint (journalled (crm), ==, 0);
  check_told (crm, crm->deleted, "77 gone\n");
}

/* ---- after a crash ----------------------------------------------------------------------------------------------- */

/* The mount dies with @body on the wire, and another one begins. */
static void
crash (Crm *crm, uint64_t id, const char *name, const char *body, bool more)
{
  Attempt *attempt = attempt_new (crm, id, name, body);
  g_autoptr (GBytes) sent = g_bytes_new_static (body, strlen (body));
  g_autoptr (GError) error = NULL;

  g_assert_true (draft_sending (attempt->draft, sent, "9", NULL));
  if (more)
    g_assert_true (draft_write (attempt->draft, " ", 1, 0, NULL));
  draft_free (attempt->draft);
  g_bytes_unref (attempt->what.text);
  g_free (attempt);
  saves_free (crm->saves);
  journal_free (crm->journal);
  crm->journal = journal_open (crm->state, "/mnt", &error);
  g_assert_no_error (error);
  open_saves (crm);
}

static void
settle (Crm *crm)
{
  Ringer ringer = { .crm = crm };
  StoreWait wait = STORE_WAIT_INIT (ring, &ringer, CLIENT_PERSON);

  while (!saves_settle (crm->saves, &wait))
    wait_ring (&ringer);
  store_wait_clear (&wait);
}

/* The errno of the only refused draft, which goes; "-": there is none. To g_free(). */
static char *
take_refused (Crm *crm)
{
  g_autoptr (GPtrArray) drafts = journal_drafts_list (crm->state, NULL);
  const DraftEntry *entry = drafts->len > 0 ? drafts->pdata[0] : NULL;

  g_assert_cmpint (drafts->len, <=, 1);
  if (entry == NULL)
    return g_strdup ("-");
  g_assert_true (journal_draft_remove (crm->state, entry->module, entry->name, NULL));
  return g_strdup (json_get_text (entry->reason, "errno"));
}

static void
check_settled (Crm *crm, const char *errno_name)
{
  g_autofree char *refused = NULL;

  settle (crm);
  refused = take_refused (crm);
  g_assert_cmpstr (refused, ==, errno_name);
}

static void
test_update_of_a_crashed_mount (Crm *crm, const void *unused)
{
  const char *body = "{\"City\":\"Rome\",\"+Tag\":[{\"name\":\"vip\"}]}";

  will_show (crm, T1, ",\"City\":\"Rome\",\"Tag\":[{\"id\":\"1\",\"name\":\"vip\"}]");
  crash (crm, 77, "Okafor.77.json", body, false);
  check_settled (crm, "-");
  will_show (crm, T1, ",\"City\":\"Rome\",\"Tag\":[{\"id\":\"1\",\"name\":\"vip\"}]");
  crash (crm, 77, "Okafor.77.json", body, true);
  check_settled (crm, "EINTR");
  will_show (crm, T1, ",\"City\":\"Rome\"");
  crash (crm, 77, "Okafor.77.json", body, false);
  check_settled (crm, "EIO");
  check_calls (crm, GET GET GET);
}

static void
test_create_of_a_crashed_mount (Crm *crm, const void *unused)
{
  const char *body = "{\"Last_Name\":\"Okafor\",\"City\":\"Rome\"}";

  will (crm, 200,
        "{\"data\":[{\"id\":\"77\",\"Created_Time\":\"2099-01-01T00:00:00Z\"}],"
        "\"info\":{\"more_records\":false}}");
  will_show (crm, T1, ",\"City\":\"Rome\"");
  crash (crm, 0, "new.json", body, false);
  check_settled (crm, "-");
  g_assert_cmpint (journal_alias_get (crm->journal, "Leads", "new.json"), ==, 77);
  will (crm, 204, NULL);
  crash (crm, 0, "new.json", body, false);
  check_settled (crm, "EIO");
  /* Left to the next mount when nobody can be asked. */
  will (crm, 403, REFUSED ("NO_PERMISSION", "{}"));
  crash (crm, 0, "new.json", body, false);
  check_settled (crm, "-");
  will (crm, 204, NULL);
  saves_free (crm->saves);
  journal_free (crm->journal);
  crm->journal = journal_open (crm->state, "/mnt", NULL);
  open_saves (crm);
  check_settled (crm, "EIO");
  {
    LOCKED (&crm->lock);
    g_assert_cmpint (crm->calls, ==, 5);
  }
}

static void
test_delete_of_a_crashed_mount (Crm *crm, const void *unused)
{
  g_autoptr (GPtrArray) left = NULL;

  delete_one (crm, 77);
  saves_free (crm->saves);
  journal_free (crm->journal);
  crm->journal = journal_open (crm->state, "/mnt", NULL);
  open_saves (crm);
  left = journal_deletes (crm->journal);
  g_assert_cmpint (left->len, ==, 1);
  g_assert_false (saves_delete_is_pending (crm->saves, crm->leads, 77));
  saves_delete_adopt (crm->saves, crm->leads, left->pdata[0]);
  g_assert_true (saves_delete_is_pending (crm->saves, crm->leads, 77));
  will_take (crm);
  g_assert_cmpint (saves_drain (crm->saves), ==, 0);
  g_assert_cmpint (journalled (crm), ==, 0);
}

/* ---- giving up --------------------------------------------------------------------------------------------------- */

static void
test_give_up (Crm *crm, const void *unused)
{
  Attempt *attempt;

  know (crm, "");
  hold (crm, true);
  attempt = attempt_new (crm, 77, "Okafor.77.json", "{\"City\":\"Rome\"}");
  g_assert_true (saves_give_up (crm->saves, &attempt->what));
  attempt_ask (attempt);
  g_assert_cmpint (attempt->state, ==, STORE_WAITING);
  wait_calls (crm, 2);
  g_assert_false (saves_give_up (crm->saves, &attempt->what));
  will_take (crm);
  will_show (crm, T1, ",\"City\":\"Rome\"");
  hold (crm, false);
  attempt_run (attempt);
  check_saved (attempt, true);
}

/* What is on the wire when the mount ends is looked up by the next one. */
static void
test_end_on_the_wire (Crm *crm, const void *unused)
{
  Attempt *attempt;

  know (crm, "");
  hold (crm, true);
  attempt = attempt_new (crm, 77, "Okafor.77.json", "{\"City\":\"Rome\"}");
  attempt_ask (attempt);
  wait_calls (crm, 2);
  store_wait_cancel (crm->store, &attempt->wait);
  saves_end (crm->saves, &attempt->what);
  g_assert_cmpint (draft_state (attempt->draft), ==, DRAFT_SENDING);
  will_take (crm);
  hold (crm, false);
  g_assert_cmpint (saves_drain (crm->saves), ==, 0);
  attempt_end (attempt);
}

/* What was on the wire when the mount ends, and what waited behind it, goes nowhere any more and is told nobody as
 * refused: the next mount looks for the one, and has the other as it was. */
static void
test_saves_while_the_mount_stops (Crm *crm, const void *unused)
{
  static const DraftState states[] = { DRAFT_SENDING, DRAFT_OPEN, DRAFT_OPEN };
  Attempt *attempts[3];

  crm->making = true;
  check_saved (create (crm, "{\"Last_Name\":\"N\"}"), true);
  hold (crm, true);
  for (unsigned i = 0; i < 2; i++)
    {
      attempts[i] = attempt_new (crm, 0, "x.json", "{\"Last_Name\":\"N\"}");
      attempt_ask (attempts[i]);
    }
  wait_calls (crm, 3);
  store_stop (crm->store);
  attempts[2] = attempt_new (crm, 0, "y.json", "{\"Last_Name\":\"N\"}");
  for (unsigned i = 0; i < 3; i++)
    {
      attempt_run (attempts[i]);
      g_assert_error (attempts[i]->error, ZOHO_ERROR, ZOHO_ERROR_CANCELLED);
      g_assert_cmpint (draft_state (attempts[i]->draft), ==, states[i]);
      attempt_end (attempts[i]);
    }
  hold (crm, false);
  check_told (crm, crm->errors, "");
  LOCKED (&crm->lock);
  g_assert_cmpint (crm->calls, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, run) g_test_add ("/saves/" name, Crm, NULL, set_up, run, tear_down)
  ADD ("only-the-change-is-sent", test_only_the_change_is_sent);
  ADD ("nothing-is-sent", test_nothing_is_sent);
  ADD ("null-clears", test_null_clears);
  ADD ("dry-run", test_dry_run);
  ADD ("merge-after-412", test_merge_after_412);
  ADD ("412-again-and-again", test_412_again_and_again);
  ADD ("conflict", test_conflict);
  ADD ("lost-answer-of-an-update", test_lost_answer_of_an_update);
  ADD ("open-outcome-of-an-update", test_open_outcome_of_an_update);
  ADD ("saved-and-not-read-back", test_saved_and_not_read_back);
  ADD ("refused-before-the-wire", test_refused_before_the_wire);
  ADD ("refused-by-the-server", test_refused_by_the_server);
  ADD ("unknown-version", test_unknown_version);
  ADD ("unknown-version-without-a-change", test_unknown_version_without_a_change);
  ADD ("restored-again", test_restored_again);
  ADD ("second-save-of-an-editor", test_second_save_of_an_editor);
  ADD ("rows-are-read-first", test_rows_are_read_first);
  ADD ("an-unsettled-record-is-read-first", test_an_unsettled_record_is_read_first);
  ADD ("tags", test_tags);
  ADD ("tags-refused-after-the-fields", test_tags_refused_after_the_fields);
  ADD ("saves-of-a-record-follow-each-other", test_saves_of_a_record_follow_each_other);
  ADD ("unguarded-updates-go-together", test_unguarded_updates_go_together);
  ADD ("a-read-under-way-is-not-believed", test_a_read_under_way_is_not_believed);
  ADD ("two-processes-save-different-fields", test_two_processes_save_different_fields);
  ADD ("a-list-asked-for-before-is-not-believed", test_a_list_asked_for_before_is_not_believed);
  ADD ("create", test_create);
  ADD ("create-refused", test_create_refused);
  ADD ("lost-create-is-found", test_lost_create_is_found);
  ADD ("lost-creates-of-the-same-text", test_lost_creates_of_the_same_text);
  ADD ("lost-create-is-not-found", test_lost_create_is_not_found);
  ADD ("refused-in-place", test_refused_in_place);
  ADD ("unclear-in-place", test_unclear_in_place);
  ADD ("unclear-and-there", test_unclear_and_there);
  ADD ("creates-go-together", test_creates_go_together);
  ADD ("save-by-field", test_save_by_field);
  ADD ("insert-by-field", test_insert_by_field);
  ADD ("deletes-are-grouped", test_deletes_are_grouped);
  ADD ("deletes-one-by-one", test_deletes_one_by_one);
  ADD ("deletes-stay-when-open", test_deletes_stay_when_open);
  ADD ("names-of-a-record-that-vanishes", test_names_of_a_record_that_vanishes);
  ADD ("rights", test_rights);
  ADD ("deletes-of-a-dry-run", test_deletes_of_a_dry_run);
  ADD ("update-of-a-crashed-mount", test_update_of_a_crashed_mount);
  ADD ("create-of-a-crashed-mount", test_create_of_a_crashed_mount);
  ADD ("delete-of-a-crashed-mount", test_delete_of_a_crashed_mount);
  ADD ("give-up", test_give_up);
  ADD ("end-on-the-wire", test_end_on_the_wire);
  ADD ("while-the-mount-stops", test_saves_while_the_mount_stops);
  return g_test_run ();
}
