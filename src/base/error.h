/* The one error domain. Its codes are meanings, not HTTP numbers; what errno each has is said here
 * alone. Messages are whole sentences for people: what happened, why, what to do. */
#pragma once

#include <glib.h>

typedef enum
{
  ZOHO_ERROR_FAILED,      /* the server's answer makes no sense, or its 5xx went on */
  ZOHO_ERROR_NOT_FOUND,   /* no such record or module */
  ZOHO_ERROR_DENIED,      /* scope, permission or policy */
  ZOHO_ERROR_FORBIDDEN,   /* the structure does not allow it */
  ZOHO_ERROR_INVALID,     /* bad JSON, refused value */
  ZOHO_ERROR_CHANGED,     /* changed on the server, locked, in approval */
  ZOHO_ERROR_DUPLICATE,   /* a unique value is taken */
  ZOHO_ERROR_SPENT,       /* credits or budget spent */
  ZOHO_ERROR_TOO_LARGE,   /* an answer or a body over its bound */
  ZOHO_ERROR_SIGNED_OUT,  /* the sign-in is dead: only `zohofs login` helps */
  ZOHO_ERROR_UNREACHABLE, /* no connection */
  ZOHO_ERROR_TIMED_OUT,   /* the deadline passed */
  ZOHO_ERROR_READ_ONLY,   /* the mount is read-only */
  ZOHO_ERROR_CANCELLED,   /* the caller gave up */
  ZOHO_ERROR_UNCLEAR,     /* it may have been done: look in the CRM before it is tried again */
  ZOHO_ERROR_NO_SPACE,    /* the local disk is full */
} ZohoError;

#define ZOHO_ERROR (zoho_error_quark ())
GQuark zoho_error_quark (void);

/* The name users see in errors.jsonl and logs, such as "not-found". Static. */
const char *zoho_error_name (ZohoError code);
/* What programs get, such as ENOENT. */
int zoho_error_errno (ZohoError code);

/* What the server itself called a refusal, and the field it was about; kept by g_error_copy(). @error is of ZOHO_ERROR.
 * Texts are copied; NULL: it did not say. */
void zoho_error_set_refusal (GError *error, const char *code, const char *field);
/* Borrowed; NULL for other errors too. */
const char *zoho_error_refusal_code (const GError *error);
const char *zoho_error_refusal_field (const GError *error);

/* The place in a text that was refused, from 1 up; 0: not said. Kept likewise; set after the refusal. */
void zoho_error_set_place (GError *error, unsigned line, unsigned column);
void zoho_error_place (const GError *error, unsigned *line, unsigned *column);
