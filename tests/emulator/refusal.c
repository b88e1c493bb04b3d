/* Why a query was refused: the first reason counts. */
#include "refusal.h"

bool
refuse (Refusal *refusal, const char *code, const char *message, json_t *details)
{
  if (refusal->code != NULL)
    {
      json_decref (details);
      return false;
    }
  refusal->code = code;
  refusal->message = g_strdup (message);
  refusal->details = details;
  return false;
}

void
refusal_reply (const Refusal *refusal, Reply *reply)
{
  reply_error (reply, 400, refusal->code, refusal->message, json_incref (refusal->details));
}

void
refusal_clear (Refusal *refusal)
{
  g_free (refusal->message);
  json_decref (refusal->details);
  *refusal = (Refusal){ 0 };
}
