/* Who may do what: the rules of the configuration, decided in one place. Filled before the mount, then only asked: any
 * thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct Access Access;

typedef enum
{
  ACCESS_OFF,   /* not there */
  ACCESS_READ,
  ACCESS_WRITE, /* all but deleting */
  ACCESS_FULL
} AccessLevel;

typedef enum
{
  ACCESS_TO_LOOK,
  ACCESS_TO_WRITE,
  ACCESS_TO_DELETE
} AccessNeed;

#define ACCESS_EVERYBODY ((uid_t)-1)

/* Everything is allowed. */
Access *access_new (void);
/* NULL is fine. */
void access_free (Access *access);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Access, access_free)

/* The rule of @uid, or of ACCESS_EVERYBODY, for the module of that API name; NULL: for all that have none. What a
 * user may is the least of everybody's rule and the user's own. */
void access_set (Access *access, uid_t uid, const char *module, AccessLevel level);
/* The field is in no document, and cannot be written or queried. */
void access_hide (Access *access, const char *module, const char *field);

/* Returns: 0, ENOENT for a module that is off for everybody, or EACCES. NULL @access: all is allowed; NULL @module:
 * of no module. */
int access_refusal (const Access *access, uid_t uid, const char *module, AccessNeed need);
/* What everybody may. */
AccessLevel access_level (const Access *access, const char *module);
/* Is anything less than all allowed to anybody, or hidden? */
bool access_has_rules (const Access *access);
/* Are there rules for users of their own? Then the kernel must not answer for us. */
bool access_has_users (const Access *access);
/* Is there any rule at all that closes a module or hides a field? */
bool access_restricts (const Access *access);
bool access_hides (const Access *access, const char *module, const char *field);
/* The names of the module's hidden fields, ended by NULL; NULL: none. Borrowed. */
const char *const *access_hidden (const Access *access, const char *module);
