/* Locks, approvals and blueprints, as far as a client meets them: as a refusal to write. */
#include "states.h"

#include <string.h>

#include "payload.h"
#include "request.h"

static bool
knob_names (Emulator *emulator, const char *knob, uint64_t id)
{
  return (uint64_t) setting_int (emulator, knob, 0) == id;
}

static bool
in_approval (const json_t *record)
{
  const char *state = member_text (record, "$approval_state");

  return json_is_false (json_object_get (record, "$approved")) || (state != NULL && strcmp (state, "approved") != 0);
}

json_t *
state_refusal (Emulator *emulator, const json_t *record, uint64_t id, const char *action)
{
  char text[24];

  format_id (id, text);
  if (json_is_true (json_object_get (record, "Locked__s")) || knob_names (emulator, "record_locked", id))
    return entry_error ("RECORD_LOCKED", "Sorry, you cannot perform this operation as the record is locked.",
                        json_pack ("{s:s, s:s}", "action", action, "id", text));
  if (in_approval (record) || knob_names (emulator, "record_in_approval", id))
    return entry_error ("NOT_APPROVED", "the record is waiting for approval",
                        json_pack ("{s:s, s:s}", "action", action, "id", text));
  if (strcmp (action, "update") == 0
      && (json_is_true (json_object_get (record, "$blueprint")) || knob_names (emulator, "record_in_blueprint", id)))
    return entry_error ("RECORD_IN_BLUEPRINT", "the record is in a blueprint", json_pack ("{s:s}", "id", text));
  return NULL;
}
