/* For which program the running thread works. */
#include "base/behalf.h"

#include <glib.h>

static _Thread_local const Behalf *current;

const Behalf *
behalf_set (const Behalf *behalf)
{
  const Behalf *before = current;

  current = behalf;
  return before;
}

void
behalf_program (char name[BEHALF_PROGRAM_SIZE])
{
  if (current != NULL)
    current->program (current->data, name);
  else
    g_strlcpy (name, "zohofs", BEHALF_PROGRAM_SIZE);
}
