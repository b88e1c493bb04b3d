/* Answers of requests that failed. */
#include "fs/reply.h"

#include "base/error.h"
#include "fs/fs.h"

#include <errno.h>

/* Where it happened, as a path people know. */
static char *
place (const Op *op)
{
  const NodeKey *key = node_key (op->node);
  const char *module = key->module != NULL ? store_module_name (key->module) : ".zohofs";

  if (S_ISDIR (key->kind->type) && op->name != NULL)
    return g_strdup_printf ("%s/%s", key->kind->number == 0 ? "" : module, op->name);
  if (S_ISDIR (key->kind->type))
    return g_strdup_printf ("%s/", key->kind->number == 0 ? "" : module);
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT, module, key->id);
}

int
reply_errno (const GError *error)
{
  return error->domain == ZOHO_ERROR ? zoho_error_errno ((ZohoError) error->code) : EIO;
}

void
reply_failure (Op *op, const GError *error)
{
  int number = reply_errno (error);
  g_autofree char *where = place (op);

  /* That something is not there, or that somebody gave up, is daily life. */
  if (number == ENOENT || number == EINTR)
    g_debug ("%s %s: %s", op->verb, where, error->message);
  else
    g_warning ("%s %s: %s (%s)", op->verb, where, error->message, g_strerror (number));
  fuse_reply_err (op_request (op), number);
}
