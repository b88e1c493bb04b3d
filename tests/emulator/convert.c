/* A lead becomes a contact, an account, and if asked a deal; the lead itself leaves the default list.
 *
 * All that is to be made is checked before the first record is stored, so a refused conversion leaves nothing
 * behind. */
#include "write.h"

#include <string.h>

#include "core.h"
#include "finder.h"
#include "payload.h"
#include "save.h"
#include "states.h"
#include "validate.h"

static const char *const conversion_keys[] = { "overwrite",      "notify_lead_owner", "notify_new_entity_owner",
                                               "Accounts",       "Contacts",          "Deals",
                                               "assign_to",      "carry_over_tags",   "add_to_existing_record",
                                               "apply_feature_execution", NULL };

typedef struct
{
  Emulator *emulator;
  const Request *request;
  const json_t *lead;
  const json_t *given; /* the row of the body */
  json_t *errors;
} Conversion;

/* What the lead has under the same name and type, for a record of @module. */
static json_t *
carried_over (const Conversion *conversion, const Module *module)
{
  const Module *leads = schema_module (conversion->emulator, "Leads");
  json_t *row = json_object ();

  for (unsigned i = 0; i < module->fields->len; i++)
    {
      const Field *field = module->fields->pdata[i];
      const Field *own = module_field (leads, field->api_name);
      json_t *value = json_object_get (conversion->lead, field->api_name);

      if (own != NULL && !own->computed && !field->computed && strcmp (own->data_type, field->data_type) == 0
          && !field_is_deep (own) && strcmp (own->data_type, "lookup") != 0 && value != NULL && !json_is_null (value))
        json_object_set (row, field->api_name, value);
    }
  json_object_del (row, "Tag");
  if (json_object_get (conversion->given, "assign_to") != NULL)
    json_object_set (row, "Owner", json_object_get (conversion->given, "assign_to"));
  return row;
}

/* The record the body names to convert into: {"Accounts": {"id"}}. False: named, but not there. */
static bool
existing (const Conversion *conversion, const char *module, uint64_t *id)
{
  const json_t *named = json_object_get (conversion->given, module);
  g_autofree char *path = g_strdup_printf ("$.data[0].%s", module);

  *id = 0;
  if (named == NULL || json_is_null (named))
    return true;
  if (json_id (json_is_object (named) ? json_object_get (named, "id") : named, id)
      && store_exists (conversion->emulator, schema_module (conversion->emulator, module), *id))
    return true;
  add_error (conversion->errors, "INVALID_DATA", "the related id given seems to be invalid",
             detail_at ("id", path));
  return false;
}

static void
check_row (const Conversion *conversion, const char *module, const json_t *row, const char *path)
{
  Check check = {
    .emulator = conversion->emulator,
    .module = schema_module (conversion->emulator, module),
    .errors = conversion->errors,
  };

  json_decref (validate_record (&check, row, NULL, 0, path));
}

/* Stores a row that was checked before. */
static uint64_t
make (const Conversion *conversion, const char *module, json_t *row)
{
  Save save = { .emulator = conversion->emulator, .request = conversion->request, .workflow = true };
  uint64_t id = 0;

  save.module = schema_module (conversion->emulator, module);
  json_decref (save_insert (&save, row, "$.data[0]", &id));
  return id;
}

static void
set_link (json_t *row, const char *key, uint64_t id)
{
  char text[24];

  if (id != 0)
    json_object_set_new (row, key, json_pack ("{s:s}", "id", format_id (id, text)));
}

static json_t *
ref_or_null (const Conversion *conversion, const char *module, uint64_t id)
{
  return id == 0 ? json_null ()
                 : record_ref (conversion->emulator, schema_module (conversion->emulator, module), id);
}

static void
mark_converted (const Conversion *conversion, uint64_t lead, const json_t *details)
{
  json_t *record = json_deep_copy (conversion->lead);
  char now[32];

  format_time (emulator_now (conversion->emulator), now);
  json_object_set_new (record, "$converted", json_true ());
  json_object_set_new (record, "Converted__s", json_true ());
  json_object_set_new (record, "$converted_detail",
                       json_pack ("{s:s, s:s, s:O, s:O, s:O}", "converted_date", now, "converted_by",
                                  conversion->request->user_id, "account", json_object_get (details, "Accounts"),
                                  "contact", json_object_get (details, "Contacts"), "deal",
                                  json_object_get (details, "Deals")));
  store_update (conversion->emulator, schema_module (conversion->emulator, "Leads"), lead, record,
                conversion->request->user_id, true);
}

static json_t *
convert (const Conversion *conversion, uint64_t lead)
{
  const json_t *wanted = json_object_get (conversion->given, "Deals");
  json_auto_t *account_row = carried_over (conversion, schema_module (conversion->emulator, "Accounts"));
  json_auto_t *contact_row = carried_over (conversion, schema_module (conversion->emulator, "Contacts"));
  json_auto_t *deal_row = json_is_object (wanted) ? json_copy ((json_t *) wanted) : NULL;
  const char *company = member_text (conversion->lead, "Company");
  uint64_t account, contact, deal = 0;
  json_t *details;

  if (!existing (conversion, "Accounts", &account) || !existing (conversion, "Contacts", &contact))
    return errors_entry (conversion->errors);
  json_object_set_new (account_row, "Account_Name", json_string (company == NULL ? "" : company));
  if (account == 0 && company != NULL && *company != '\0')
    check_row (conversion, "Accounts", account_row, "$.data[0].Accounts");
  if (contact == 0)
    check_row (conversion, "Contacts", contact_row, "$.data[0].Contacts");
  if (deal_row != NULL)
    check_row (conversion, "Deals", deal_row, "$.data[0].Deals");
  if (json_array_size (conversion->errors) > 0)
    return errors_entry (conversion->errors);

  if (account == 0 && company != NULL && *company != '\0')
    account = make (conversion, "Accounts", account_row);
  set_link (contact_row, "Account_Name", account);
  if (contact == 0)
    contact = make (conversion, "Contacts", contact_row);
  if (deal_row != NULL)
    {
      set_link (deal_row, "Account_Name", account);
      set_link (deal_row, "Contact_Name", contact);
      deal = make (conversion, "Deals", deal_row);
    }
  details = json_pack ("{s:o, s:o, s:o}", "Contacts", ref_or_null (conversion, "Contacts", contact), "Deals",
                       ref_or_null (conversion, "Deals", deal), "Accounts",
                       ref_or_null (conversion, "Accounts", account));
  mark_converted (conversion, lead, details);
  return entry_success ("The record has been converted successfully", details);
}

/* A key of the row that a conversion does not know. */
static const char *
unknown_of (const json_t *row)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *) row, key, value)
    {
      if (!g_strv_contains (conversion_keys, key))
        return key;
    }
  return NULL;
}

static json_t *
convert_row (Conversion *conversion, uint64_t lead)
{
  const char *unknown = unknown_of (conversion->given);
  json_t *refusal = state_refusal (conversion->emulator, conversion->lead, lead, "convert");

  if (refusal != NULL)
    return refusal;
  if (unknown != NULL && !setting_is (conversion->emulator, "unknown_keys", "ignore"))
    return entry_error ("INVALID_DATA", "the key given seems to be invalid", detail_at (unknown, "$.data[0]"));
  return convert (conversion, lead);
}

void
handle_convert (Emulator *emulator, const Request *request, Reply *reply)
{
  static const char *const keys[] = { "trigger", NULL };
  json_t *rows = payload_rows (emulator, request, reply, "data", keys, 1, "LIMIT_EXCEEDED");
  Module *leads = schema_module (emulator, "Leads");
  json_auto_t *lead = NULL;
  json_auto_t *errors = json_array ();
  Conversion conversion;
  json_t *entries;
  uint64_t id;

  if (rows == NULL)
    return;
  id = request_record (emulator, request, leads, request_segment (request, 1));
  lead = id == 0 ? NULL : store_get (emulator, leads, id);
  if (lead == NULL)
    {
      reply_unknown_record (emulator, reply, "the id given seems to be invalid");
      return;
    }
  if (json_is_true (json_object_get (lead, "$converted")))
    {
      reply_error (reply, 400, "ID_ALREADY_CONVERTED", "id already converted",
                   json_pack ("{s:i}", "resource_path_index", 1));
      return;
    }
  entries = json_array ();
  conversion = (Conversion) { emulator, request, lead, json_array_get (rows, 0), errors };
  json_array_append_new (entries, convert_row (&conversion, id));
  reply_entries (reply, "data", entries, 200);
}
