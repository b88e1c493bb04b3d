/* Answers of requests that failed. */
#include "fs/reply.h"

#include "base/clock.h"
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

/* For errors.jsonl. */
static void
tell_walker (Op *op, const char *where, const GError *error)
{
  const FsConfig *config = &op->fs->config;
  g_autofree char *message = g_strdup_printf ("%s: %s", op_program (op), error->message);
  const SaveError line = { .time_s = clock_wall_s (),
                           .path = where,
                           .errno_name = "EDQUOT",
                           .code = zoho_error_name ((ZohoError)error->code),
                           .message = message,
                           .todo = "If this program is to read the CRM, take its name out of walkers=" };

  if (config->refused != NULL)
    config->refused (config->data, &line);
}

void
reply_failure (Op *op, const GError *error)
{
  int number = reply_errno (error);
  g_autofree char *where = place (op);
  bool walks = op->wait.held_back && number == EDQUOT;
  bool tells = walks && walkers_tell (op->fs->config.walkers, op_program (op));

  if (tells)
    tell_walker (op, where, error);
  /* That something is not there, or that somebody gave up, is daily life; that a walker is held back is said now and
   * then. */
  if (number == ENOENT || number == EINTR || (walks && !tells))
    g_debug ("%s %s: %s", op->verb, where, error->message);
  else
    g_warning ("%s %s: %s (%s)", op->verb, where, error->message, g_strerror (number));
  fuse_reply_err (op_request (op), number);
}
