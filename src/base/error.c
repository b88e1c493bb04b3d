/* The error domain and the names of its codes. */
#include "base/error.h"

#include <errno.h>
#include <pthread.h>

/* Kept beside the words. */
typedef struct
{
  char *code, *field;
  unsigned line, column;
} Refusal;

static GQuark quark;
static pthread_once_t registered = PTHREAD_ONCE_INIT;

/* glib hands out a pointer in front of the GError, by the size it was told. */
static Refusal *
refusal_of (const GError *error)
{
  return (Refusal *)(void *)((char *)error - sizeof (Refusal));
}

static void
refusal_init (GError *error)
{
  *refusal_of (error) = (Refusal){ 0 };
}

static void
refusal_copy (const GError *from, GError *to)
{
  *refusal_of (to) = *refusal_of (from);
  refusal_of (to)->code = g_strdup (refusal_of (from)->code);
  refusal_of (to)->field = g_strdup (refusal_of (from)->field);
}

static void
refusal_clear (GError *error)
{
  g_free (refusal_of (error)->code);
  g_free (refusal_of (error)->field);
}

static void
register_domain (void)
{
  quark = g_error_domain_register_static ("zohofs-error-quark", sizeof (Refusal), refusal_init, refusal_copy,
                                          refusal_clear);
}

/* Not G_DEFINE_EXTENDED_ERROR: its once-guard is plain memory to ThreadSanitizer. */
GQuark
zoho_error_quark (void)
{
  pthread_once (&registered, register_domain);
  return quark;
}

void
zoho_error_set_refusal (GError *error, const char *code, const char *field)
{
  refusal_clear (error);
  *refusal_of (error) = (Refusal){ .code = g_strdup (code), .field = g_strdup (field) };
}

const char *
zoho_error_refusal_code (const GError *error)
{
  return error->domain == ZOHO_ERROR ? refusal_of (error)->code : NULL;
}

const char *
zoho_error_refusal_field (const GError *error)
{
  return error->domain == ZOHO_ERROR ? refusal_of (error)->field : NULL;
}

void
zoho_error_set_place (GError *error, unsigned line, unsigned column)
{
  refusal_of (error)->line = line;
  refusal_of (error)->column = column;
}

void
zoho_error_place (const GError *error, unsigned *line, unsigned *column)
{
  *line = error->domain == ZOHO_ERROR ? refusal_of (error)->line : 0;
  *column = error->domain == ZOHO_ERROR ? refusal_of (error)->column : 0;
}

const char *
zoho_error_name (ZohoError code)
{
  switch (code) /* no default: the compiler names a forgotten code */
    {
    case ZOHO_ERROR_FAILED:
      return "failed";
    case ZOHO_ERROR_NOT_FOUND:
      return "not-found";
    case ZOHO_ERROR_DENIED:
      return "denied";
    case ZOHO_ERROR_FORBIDDEN:
      return "forbidden";
    case ZOHO_ERROR_INVALID:
      return "invalid";
    case ZOHO_ERROR_CHANGED:
      return "changed";
    case ZOHO_ERROR_DUPLICATE:
      return "duplicate";
    case ZOHO_ERROR_SPENT:
      return "spent";
    case ZOHO_ERROR_TOO_LARGE:
      return "too-large";
    case ZOHO_ERROR_SIGNED_OUT:
      return "signed-out";
    case ZOHO_ERROR_UNREACHABLE:
      return "unreachable";
    case ZOHO_ERROR_TIMED_OUT:
      return "timed-out";
    case ZOHO_ERROR_READ_ONLY:
      return "read-only";
    case ZOHO_ERROR_CANCELLED:
      return "cancelled";
    case ZOHO_ERROR_UNCLEAR:
      return "unclear";
    case ZOHO_ERROR_NO_SPACE:
      return "no-space";
    }
  return "failed";
}

int
zoho_error_errno (ZohoError code)
{
  switch (code) /* no default: the compiler names a forgotten code */
    {
    case ZOHO_ERROR_FAILED:
      return EIO;
    case ZOHO_ERROR_NOT_FOUND:
      return ENOENT;
    case ZOHO_ERROR_DENIED:
      return EACCES;
    case ZOHO_ERROR_FORBIDDEN:
      return EPERM;
    case ZOHO_ERROR_INVALID:
      return EINVAL;
    case ZOHO_ERROR_CHANGED:
      return EBUSY;
    case ZOHO_ERROR_DUPLICATE:
      return EEXIST;
    case ZOHO_ERROR_SPENT:
      return EDQUOT;
    case ZOHO_ERROR_TOO_LARGE:
      return EFBIG;
    case ZOHO_ERROR_SIGNED_OUT:
      return EKEYEXPIRED;
    case ZOHO_ERROR_UNREACHABLE:
      return ENETUNREACH;
    case ZOHO_ERROR_TIMED_OUT:
      return ETIMEDOUT;
    case ZOHO_ERROR_READ_ONLY:
      return EROFS;
    case ZOHO_ERROR_CANCELLED:
      return EINTR;
    case ZOHO_ERROR_UNCLEAR:
      return EIO;
    case ZOHO_ERROR_NO_SPACE:
      return ENOSPC;
    }
  return EIO;
}
