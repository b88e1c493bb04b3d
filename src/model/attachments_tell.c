/* What people are told of attachments: lines of errors.jsonl and audit.jsonl. */
#include "model/attachments_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

void
doer_set (Doer *doer, const SaveWho *who)
{
  doer_clear (doer);
  *doer = (Doer){ who->uid, who->pid, g_strdup (who->program) };
}

void
doer_clear (Doer *doer)
{
  g_clear_pointer (&doer->program, g_free);
}

/* "Leads/Okafor.7010000000201/attachments/offer.pdf". To g_free(). */
static char *
path_of (const AttachmentFolder *folder, const char *name)
{
  g_autofree char *record = store_record_name (folder->module, folder->record);

  if (g_str_has_suffix (record, ".json"))
    record[strlen (record) - strlen (".json")] = '\0';
  return g_strconcat (folder->module->name, "/", record, "/attachments/", name, NULL);
}

void
attachments_audit (const AttachmentFolder *folder, const Doer *doer, const char *verb, const char *name,
                   const char *outcome)
{
  const AttachmentsConfig *config = &folder->all->config;
  g_autofree char *path = path_of (folder, name);
  SaveAudit audit = { .time_s = clock_wall_s (),
                      .who = { doer->uid, doer->pid, doer->program },
                      .verb = verb,
                      .path = path,
                      .module = folder->module->name,
                      .id = folder->record,
                      .outcome = outcome };

  if (config->audit != NULL)
    config->audit (config->data, &audit);
}

static const char *
todo_of (ZohoError code)
{
  switch (code) /* no default: the compiler names a forgotten code */
    {
    case ZOHO_ERROR_NOT_FOUND:
      return "The record or the attachment is gone";
    case ZOHO_ERROR_DENIED:
      return "Ask the CRM's administrator";
    case ZOHO_ERROR_TOO_LARGE:
      return "Make it smaller than 100 MB";
    case ZOHO_ERROR_INVALID:
      return "Correct the file or its name and copy it there again";
    case ZOHO_ERROR_SIGNED_OUT:
      return "Run `zohofs login` and copy it there again";
    case ZOHO_ERROR_NO_SPACE:
      return "Make room on the local disk";
    case ZOHO_ERROR_UNCLEAR:
      return "Look whether the file is attached; if not, copy it there again";
    case ZOHO_ERROR_READ_ONLY:
    case ZOHO_ERROR_FORBIDDEN:
      return "This cannot be done by files; do it in the CRM";
    case ZOHO_ERROR_CHANGED:
    case ZOHO_ERROR_DUPLICATE:
    case ZOHO_ERROR_SPENT:
    case ZOHO_ERROR_UNREACHABLE:
    case ZOHO_ERROR_TIMED_OUT:
    case ZOHO_ERROR_CANCELLED:
    case ZOHO_ERROR_FAILED:
      return "Try it again when the reason has gone";
    }
  return NULL;
}

void
attachments_reason (const GError *failure, DraftReason *reason)
{
  ZohoError code = failure->domain == ZOHO_ERROR ? (ZohoError)failure->code : ZOHO_ERROR_FAILED;

  *reason = (DraftReason){ .errno_name = strerrorname_np (zoho_error_errno (code)),
                           .code = zoho_error_refusal_code (failure),
                           .message = failure->message,
                           .field = zoho_error_refusal_field (failure),
                           .todo = todo_of (code) };
  if (reason->code == NULL)
    reason->code = zoho_error_name (code);
}

void
attachments_failed (const AttachmentFolder *folder, const char *name, const GError *failure, const char *draft)
{
  const AttachmentsConfig *config = &folder->all->config;
  g_autofree char *path = path_of (folder, name);
  g_autofree char *place = draft != NULL ? g_strconcat (folder->module->name, "/", draft, NULL) : NULL;
  DraftReason reason;
  SaveError error = { .time_s = clock_wall_s (), .path = path, .draft = place };

  attachments_reason (failure, &reason);
  error.errno_name = reason.errno_name;
  error.code = reason.code;
  error.message = reason.message;
  error.field = reason.field;
  error.todo = reason.todo;
  if (config->failed != NULL)
    config->failed (config->data, &error);
}
