/* What people are told of a change: why it failed and what to do, and that it was made. */
#include "model/saves_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "model/notes.h"

#include <string.h>

/* Refusals for which there is better advice than for others of their kind. */
static const char *const refusals[][2] = {
  { "OAUTH_SCOPE_MISMATCH", "Sign in again with `zohofs login`, then copy the draft onto the record to try again" },
  { "RECORD_LOCKED", "When the record is free, copy the draft onto it to try again" },
  { "NOT_APPROVED", "When it is decided, copy the draft onto the record to try again" },
  { "NOT_REVIEWED", "When it is decided, copy the draft onto the record to try again" },
};

static const char *
todo_of (ZohoError code)
{
  switch (code) /* no default: the compiler names a forgotten code */
    {
    case ZOHO_ERROR_FAILED:
      return "Look at the record in the CRM, then copy the draft onto it to try again";
    case ZOHO_ERROR_NOT_FOUND:
      return "The record is gone: restore it in the CRM, or copy the draft to a new name";
    case ZOHO_ERROR_DENIED:
      return "Ask the CRM's administrator, then copy the draft onto the record to try again";
    case ZOHO_ERROR_FORBIDDEN:
      return "This cannot be done by files; do it in the CRM";
    case ZOHO_ERROR_INVALID:
      return "Correct the draft and copy it onto the record";
    case ZOHO_ERROR_CHANGED:
      return "Read the record as it is now, repeat the change there, and delete the draft";
    case ZOHO_ERROR_DUPLICATE:
      return "Change the value in the draft and copy it onto the record, or edit the record that "
                                 "has it";
    case ZOHO_ERROR_SPENT:
      return "Wait until credits come back, then copy the draft onto the record";
    case ZOHO_ERROR_TOO_LARGE:
      return "Make it smaller and copy the draft onto the record";
    case ZOHO_ERROR_SIGNED_OUT:
      return "Run `zohofs login`, then copy the draft onto the record";
    case ZOHO_ERROR_UNREACHABLE:
      return "When the connection is back, copy the draft onto the record";
    case ZOHO_ERROR_TIMED_OUT:
      return "Copy the draft onto the record to try again";
    case ZOHO_ERROR_READ_ONLY:
      return "Mount without -o ro";
    case ZOHO_ERROR_CANCELLED:
      return "Copy the draft onto the record to try again";
    case ZOHO_ERROR_UNCLEAR:
      return "Look in the CRM whether the record is there; if not, copy the draft to the module to try "
                       "again";
    case ZOHO_ERROR_NO_SPACE:
      return "Make room on the local disk, then save again";
    }
  return NULL;
}

static const char *
todo_of_refusal (const char *code)
{
  for (size_t i = 0; i < G_N_ELEMENTS (refusals); i++)
    if (g_strcmp0 (code, refusals[i][0]) == 0)
      return refusals[i][1];
  return NULL;
}

void
report_reason (const GError *failure, const char *field, DraftReason *reason)
{
  ZohoError code = failure->domain == ZOHO_ERROR ? (ZohoError)failure->code : ZOHO_ERROR_FAILED;

  reason->errno_name = strerrorname_np (zoho_error_errno (code));
  reason->code = zoho_error_refusal_code (failure);
  if (reason->code == NULL)
    reason->code = zoho_error_name (code);
  reason->message = failure->message;
  reason->field = field != NULL && field[0] != '\0' ? field : zoho_error_refusal_field (failure);
  reason->todo = todo_of_refusal (reason->code);
  if (reason->todo == NULL)
    reason->todo = todo_of (code);
}

const char *
report_todo_in_place (const GError *failure)
{
  if (g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_UNCLEAR))
    return "Save the file again in a few minutes: the record is looked for first, so that it is not made twice";
  if (g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_INVALID)
      || g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_DUPLICATE)
      || g_error_matches (failure, ZOHO_ERROR, ZOHO_ERROR_TOO_LARGE))
    return "Correct the file where it is and save it again";
  return "The file stays where it is: save it again when the reason has gone";
}

void
report_failure (Saves *saves, const char *path, const DraftReason *reason, const char *draft)
{
  SaveError error = { .time_s = clock_wall_s (),
                      .path = path,
                      .errno_name = reason->errno_name,
                      .code = reason->code,
                      .message = reason->message,
                      .field = reason->field,
                      .draft = draft,
                      .todo = reason->todo };

  if (saves->config.failed != NULL)
    saves->config.failed (saves->config.data, &error);
}

void
report_audit (Saves *saves, const SaveAudit *audit)
{
  if (saves->config.audit != NULL)
    saves->config.audit (saves->config.data, audit);
}

char *
report_path (const StoreModule *module, const char *name)
{
  return g_strconcat (module->name, "/", name, NULL);
}

char *
report_place (const StoreModule *module, StoreModule *parent, uint64_t parent_id, const char *name)
{
  g_autofree char *folder = parent != NULL ? store_notes_folder (parent, parent_id) : NULL;

  return folder != NULL ? g_strconcat (folder, "/", name, NULL) : report_path (module, name);
}

char *
saves_alias_folder (const StoreModule *module, uint64_t parent_id)
{
  return parent_id != 0 ? g_strdup_printf ("%s %" G_GUINT64_FORMAT, module->name, parent_id) : g_strdup (module->name);
}

bool
report_is_open (const GError *error)
{
  static const ZohoError open[]
      = { ZOHO_ERROR_TIMED_OUT, ZOHO_ERROR_UNREACHABLE, ZOHO_ERROR_CANCELLED, ZOHO_ERROR_FAILED };

  for (size_t i = 0; i < G_N_ELEMENTS (open); i++)
    if (g_error_matches (error, ZOHO_ERROR, (int)open[i]))
      return true;
  return false;
}
