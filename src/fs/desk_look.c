/* What is to be seen of a desk: attributes of what is written, and the names that are here alone. */
#include "fs/desk_private.h"

#include "base/lock.h"

static bool
stat_text (Desk *desk, uint64_t node, struct stat *stat)
{
  const DeskText *text = desk_text (desk, editing_draft_of (desk->editing, node));

  if (text == NULL)
    return false;
  content_stat (text->content, stat);
  return true;
}

bool
desk_is_seen (const Desk *desk, const DeskNode *node, uint64_t id)
{
  return editing_is_named (desk->editing, node->number) || editing_hides (desk->editing, id);
}

bool
desk_stat_record (Desk *desk, uint64_t id, struct stat *stat)
{
  LOCKED (&desk->lock);
  const DeskNode *node = g_hash_table_lookup (desk->by_id, &id);

  return node != NULL && desk_is_seen (desk, node, id) && stat_text (desk, node->number, stat);
}

bool
desk_stat_local (Desk *desk, uint64_t number, struct stat *stat)
{
  LOCKED (&desk->lock);
  const DeskNode *node = g_hash_table_lookup (desk->nodes, &number);

  stat->st_nlink = editing_is_named (desk->editing, number);
  if (node == NULL || node->link == NULL)
    return stat_text (desk, number, stat);
  content_stat_scratch (node->link, stat);
  return true;
}

Scratch *
desk_scratch (Desk *desk, uint64_t number)
{
  LOCKED (&desk->lock);
  const DeskNode *node = g_hash_table_lookup (desk->nodes, &number);
  const DeskText *text = desk_text (desk, editing_draft_of (desk->editing, number));
  Scratch *scratch = node != NULL && node->link != NULL ? node->link : text != NULL ? content_scratch (text->content) : NULL;

  return scratch != NULL ? scratch_ref (scratch) : NULL;
}

char *
desk_target (Desk *desk, uint64_t number)
{
  LOCKED (&desk->lock);
  const DeskNode *node = g_hash_table_lookup (desk->nodes, &number);

  return node != NULL && node->link != NULL ? g_strdup (scratch_target (node->link)) : NULL;
}

bool
desk_is_scratch (Desk *desk, uint64_t number)
{
  LOCKED (&desk->lock);
  const DeskNode *node = g_hash_table_lookup (desk->nodes, &number);

  return node != NULL && node->scratch;
}

bool
desk_is_link (Desk *desk, uint64_t number)
{
  LOCKED (&desk->lock);
  const DeskNode *node = g_hash_table_lookup (desk->nodes, &number);

  return node != NULL && node->link != NULL;
}

bool
desk_hides (Desk *desk, uint64_t id)
{
  LOCKED (&desk->lock);

  return editing_hides (desk->editing, id);
}

static void
name_free (gpointer data)
{
  DeskName *name = data;

  g_free (name->name);
  g_free (name);
}

static void
add_name (const char *name, uint64_t node, bool is_link, void *data)
{
  DeskName *copy = g_new (DeskName, 1);

  *copy = (DeskName){ g_strdup (name), node, is_link };
  g_ptr_array_add (data, copy);
}

GPtrArray *
desk_names (Desk *desk)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (name_free);
  LOCKED (&desk->lock);

  editing_list (desk->editing, add_name, names);
  return names;
}

uint64_t
desk_version (Desk *desk)
{
  LOCKED (&desk->lock);

  return desk->version;
}
