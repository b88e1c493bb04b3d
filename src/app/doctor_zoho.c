/* Zoho's side of `zohofs doctor`: a few calls, one after the other, and then one for each module, all at once. */
#include "app/doctor.h"

#include "app/account.h"
#include "app/files.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_US (30 * CLOCK_SECOND_US)
#define SKEW_MAX_S 60
#define MODULES_MAX 200
#define LOGIN "Run `zohofs login` and agree to all that it asks for."

/* ---- asking ------------------------------------------------------------------------------------------------------ */

typedef struct
{
  pthread_mutex_t lock; /* guards left */
  pthread_cond_t news;
  size_t left; /* answers to come */
} Round;

typedef struct
{
  Round *round;
  char *name, *path, *query;
  json_t *body; /* what is sent; NULL: it is a GET */
  json_t *answer;
  int64_t server_time;
  GError *error;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  json_decref (question->body);
  json_decref (question->answer);
  g_clear_error (&question->error);
  g_free (question->name);
  g_free (question->path);
  g_free (question->query);
  g_free (question);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

static Question *
question_new (const char *name, const char *path, const char *query)
{
  Question *question = g_new0 (Question, 1);

  question->name = g_strdup (name);
  question->path = g_strdup (path);
  question->query = g_strdup (query);
  return question;
}

static void
answered (const ClientAnswer *answer, const GError *error, void *data)
{
  Question *question = data;
  Round *round = question->round;
  LOCKED (&round->lock);

  if (error != NULL)
    question->error = g_error_copy (error);
  else
    {
      question->answer = answer->body != NULL ? json_deep_copy (answer->body) : NULL;
      question->server_time = answer->server_time;
    }
  round->left--;
  pthread_cond_signal (&round->news);
}

static void
ask (Client *client, Question **questions, size_t count)
{
  Round round = { .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER, .left = count };

  for (size_t i = 0; i < count; i++)
    {
      const ClientCall call = {
        .method = questions[i]->body != NULL ? "POST" : NULL,
        .path = questions[i]->path,
        .query = questions[i]->query,
        .body = questions[i]->body,
        .priority = CLIENT_PERSON,
        .deadline_us = DEADLINE_US,
      };

      questions[i]->round = &round;
      client_send (client, &call, answered, questions[i]);
    }
  pthread_mutex_lock (&round.lock);
  while (round.left > 0)
    pthread_cond_wait (&round.news, &round.lock);
  pthread_mutex_unlock (&round.lock);
  pthread_cond_destroy (&round.news);
  pthread_mutex_destroy (&round.lock);
}

static bool
lacks_scope (const Question *question)
{
  return g_error_matches (question->error, ZOHO_ERROR, ZOHO_ERROR_DENIED)
         && g_strcmp0 (zoho_error_refusal_code (question->error), "OAUTH_SCOPE_MISMATCH") == 0;
}

/* What helps against @error, which Zoho or the way there gave. */
static const char *
remedy (const GError *error)
{
  if (g_strcmp0 (zoho_error_refusal_code (error), "OAUTH_SCOPE_MISMATCH") == 0)
    return LOGIN;
  if (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_SIGNED_OUT))
    return "Run `zohofs login`; mounts of the profile go on with the new sign-in by themselves.";
  if (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_DENIED))
    return "Ask an administrator of the organization to permit it to this user in Zoho CRM.";
  if (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_SPENT))
    return "Wait as long as it says; mounts show what they know meanwhile.";
  if (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_UNREACHABLE)
      || g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_TIMED_OUT))
    return "Look at the network and the proxy, and at the hosts in [account] of the configuration.";
  if (g_error_matches (error, ZOHO_ERROR, ZOHO_ERROR_INVALID))
    return "Put right what it names, or run `zohofs login` again.";
  return "Try again later; if it stays so, zohofs -d shows more.";
}

/* ---- one by one -------------------------------------------------------------------------------------------------- */

static void
look_at_clock (Findings *findings, int64_t server_time)
{
  int64_t ahead = clock_wall_s () - server_time;

  if (server_time == 0)
    findings_add (findings, FINDING_SKIPPED, "clock", NULL, "Zoho did not say what time it is");
  else if (llabs (ahead) > SKEW_MAX_S)
    findings_add (findings, FINDING_WARNING, "clock", "Set the clock, as by timedatectl set-ntp true.",
                  "this machine's clock is %lld seconds %s Zoho's", (long long) llabs (ahead),
                  ahead > 0 ? "ahead of" : "behind");
  else
    findings_add (findings, FINDING_OK, "clock", NULL, "within a minute of Zoho's");
}

/* Returns: can more be asked? */
static bool
look_at_org (Findings *findings, Client *client, const Config *config)
{
  g_autoptr (Question) question = question_new ("org", "/crm/v8/org", NULL);
  const char *name;

  ask (client, &question, 1);
  if (question->error != NULL && lacks_scope (question))
    {
      findings_add (findings, FINDING_WARNING, "org", LOGIN, "the sign-in may not see the organization (ZohoCRM.org.READ)");
      return true;
    }
  if (question->error != NULL)
    {
      findings_add (findings, FINDING_FAILED, "connection", remedy (question->error), "%s: %s", config->api_url,
                    question->error->message);
      return false;
    }
  name = json_get_text (json_array_get (json_object_get (question->answer, "org"), 0), "company_name");
  findings_add (findings, FINDING_OK, "connection", NULL, "%s answers for %s", config->api_url,
                name != NULL ? name : "an organization without a name");
  look_at_clock (findings, question->server_time);
  return true;
}

static void
look_at_user (Findings *findings, Client *client)
{
  g_autoptr (Question) question = question_new ("users", "/crm/v8/users", "type=CurrentUser");

  ask (client, &question, 1);
  if (question->error != NULL)
    findings_add (findings, FINDING_WARNING, "users", remedy (question->error),
                  "Users cannot be read (ZohoCRM.users.READ): %s", question->error->message);
  else
    findings_add (findings, FINDING_OK, "users", NULL, "can be read");
}

static void
look_at_coql (Findings *findings, Client *client, const char *module)
{
  g_autoptr (Question) question = question_new ("coql", "/crm/v8/coql", NULL);
  g_autofree char *select = g_strdup_printf ("select id from %s where id is not null limit 1", module);

  question->body = json_pack ("{s:s}", "select_query", select);
  ask (client, &question, 1);
  if (question->error != NULL)
    findings_add (findings, FINDING_WARNING, "coql", remedy (question->error),
                  "modules of more than 200,000 records cannot be read whole (ZohoCRM.coql.READ): %s",
                  question->error->message);
  else
    findings_add (findings, FINDING_OK, "coql", NULL, "can be asked");
}

/* ---- modules ----------------------------------------------------------------------------------------------------- */

static bool
is_shown (const json_t *row)
{
  const char *type = json_get_text (row, "generated_type"), *status = json_get_text (row, "status");

  return json_is_true (json_object_get (row, "api_supported")) && json_is_true (json_object_get (row, "viewable"))
         && (g_strcmp0 (type, "default") == 0 || g_strcmp0 (type, "custom") == 0)
         && (status == NULL || g_str_equal (status, "visible"));
}

static bool
is_name (const char *name)
{
  return name != NULL && g_ascii_isalpha (*name)
         && name[strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* A question for one record of each module that a mount shows. Returns: array of Question; NULL: they cannot be
 * told. */
static GPtrArray *
questions_of_modules (Findings *findings, Client *client)
{
  g_autoptr (Question) question = question_new ("modules", "/crm/v8/settings/modules", NULL);
  GPtrArray *questions;
  const json_t *row;
  size_t i;

  ask (client, &question, 1);
  if (question->error != NULL)
    {
      findings_add (findings, FINDING_FAILED, "modules", remedy (question->error),
                    "The list of modules cannot be read (ZohoCRM.settings): %s", question->error->message);
      return NULL;
    }
  questions = g_ptr_array_new_with_free_func (question_free);
  json_array_foreach (json_object_get (question->answer, "modules"), i, row)
    {
      const char *name = json_get_text (row, "api_name");
      g_autofree char *path = g_strconcat ("/crm/v8/", name, NULL);

      if (questions->len < MODULES_MAX && is_shown (row) && is_name (name))
        g_ptr_array_add (questions, question_new (name, path, "fields=Modified_Time&per_page=1"));
    }
  return questions;
}

static void
look_at_modules (Findings *findings, Client *client)
{
  g_autoptr (GPtrArray) questions = questions_of_modules (findings, client);
  g_autoptr (GString) closed = g_string_new (NULL);
  const GError *reason = NULL;

  if (questions == NULL || questions->len == 0)
    return;
  ask (client, (Question **) questions->pdata, questions->len);
  for (guint i = 0; i < questions->len; i++)
    {
      const Question *question = questions->pdata[i];

      if (question->error == NULL)
        continue;
      g_string_append_printf (closed, "%s%s", closed->len > 0 ? ", " : "", question->name);
      if (reason == NULL || lacks_scope (question))
        reason = question->error;
    }
  if (closed->len > 0)
    findings_add (findings, FINDING_WARNING, "modules", remedy (reason), "cannot be read: %s. %s", closed->str,
                  reason->message);
  else
    findings_add (findings, FINDING_OK, "modules", NULL, "all %u can be read", questions->len);
  look_at_coql (findings, client, ((const Question *) questions->pdata[0])->name);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static void
look_at_credits (Findings *findings, Client *client, const Config *config)
{
  ClientStats stats;

  client_stats (client, &stats);
  if (stats.credits_remaining < 0)
    findings_add (findings, FINDING_OK, "credits", NULL, "fewer than half of the day's are spent, else Zoho would say how many are left");
  else if (stats.credits_remaining == 0)
    findings_add (findings, FINDING_FAILED, "credits", "Wait: they come back within 24 hours.",
                  "the organization has spent its API credits of the day");
  else if (config->daily_credits > stats.credits_remaining)
    findings_add (findings, FINDING_WARNING, "credits", "Lower daily_credits in the configuration.",
                  "%lld are left to the organization, fewer than daily_credits=%lld",
                  (long long) stats.credits_remaining, (long long) config->daily_credits);
  else
    findings_add (findings, FINDING_OK, "credits", NULL, "%lld are left to the organization; this look took %llu",
                  (long long) stats.credits_remaining, (unsigned long long) stats.credits);
}

/* The token of mounts is shared, since Zoho gives out few; where its folder cannot be used, one is made for us
 * alone. */
static Client *
open_client (const Places *places, Config *config, const Credentials *credentials, GError **error)
{
  g_autofree char *token_path = places_token_path (places);

  account_follow (config, credentials);
  return account_open (config, credentials, access (places->cache_dir, W_OK) == 0 ? token_path : NULL, error);
}

void
doctor_ask_zoho (Findings *findings, const Places *places, const char *profile)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Config) config = config_load (places->config_file, &error);
  g_autoptr (Credentials) credentials
      = config != NULL ? credentials_load (places->state_dir, profile, &error) : NULL;
  g_autoptr (Client) client
      = credentials != NULL ? open_client (places, config, credentials, &error) : NULL;

  if (client == NULL || !account_check (client, config, &error))
    {
      findings_add (findings, FINDING_FAILED, "sign-in", remedy (error), "%s", error->message);
      findings_add (findings, FINDING_SKIPPED, "permissions", NULL, "without a sign-in Zoho cannot be asked");
      return;
    }
  findings_add (findings, FINDING_OK, "sign-in", NULL, "%s gives access tokens for it", config->accounts_url);
  if (!look_at_org (findings, client, config))
    return;
  look_at_user (findings, client);
  look_at_modules (findings, client);
  look_at_credits (findings, client, config);
}
