/* Which rules of access a node comes under: the one door of every request, listings included. */
#pragma once

#include "fs/node.h"

/* Returns: 0, or the errno that user @uid gets for it. Any thread; costs no call. */
int admit_refusal (Fs *fs, uid_t uid, const NodeKey *node, AccessNeed need);

/* Is @entry of @dir to be listed? What the user may not look into is not. @dir itself was admitted. */
bool admit_lists (Fs *fs, uid_t uid, const NodeKey *dir, const NodeKey *entry);
