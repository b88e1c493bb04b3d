/* A node comes under the rule of its module, and under that of a second one if it shows or changes what is of that:
 * a note is of Notes and of its record's module, a related list of the modules at both of its ends. What tells of
 * records of any module is the mount's owner's alone as soon as users have rules of their own. */
#include "fs/admit.h"

#include "fs/fs.h"

#include <errno.h>

static bool
is_owner (const Fs *fs, uid_t uid)
{
  return uid == fs->uid || uid == 0;
}

int
admit_refusal (Fs *fs, uid_t uid, const NodeKey *node, AccessNeed need)
{
  const Access *access = fs->config.access;
  const char *module = node->module != NULL ? store_module_name (node->module) : NULL;
  const Ask ask = { .store = fs->store, .config = &fs->config, .draft_names = fs->draft_names, .desks = fs->desks };
  int refusal;

  if (!access_has_rules (access))
    return 0;
  if (node->kind->of_all != NULL && access_has_users (access) && !is_owner (fs, uid) && node->kind->of_all (&ask, node))
    return EACCES;
  refusal = access_refusal (access, uid, module, need);
  if (refusal == 0 && node->kind->also != NULL)
    refusal = access_refusal (access, uid, node->kind->also (&ask, node), need);
  return refusal;
}

bool
admit_lists (Fs *fs, uid_t uid, const NodeKey *dir, const NodeKey *entry)
{
  if (entry->module == dir->module && entry->kind->also == NULL && entry->kind->of_all == NULL)
    return true;
  return admit_refusal (fs, uid, entry, ACCESS_TO_LOOK) == 0;
}
