/* What was changed in a module while running, on top of what is generated: kept so that counting, walking and looking
 * up cost as much as there are changes, not records. Knows ids and trees, nothing of what is in them but Modified_Time.
 */
#pragma once

#include "core.h"

typedef struct
{
  uint64_t id;
  json_t *record; /* without deep fields; NULL: purged */
  time_t modified;
  bool live;
  bool converted;
  bool hidden;      /* from whoever asks the API */
  bool with_parent; /* went away together with its parent */
} Entry;

typedef struct
{
  Deleted deleted; /* first, so that a Deleted * is a Bin * */
  json_t *created_by;
} Bin;

typedef struct Overlay
{
  GHashTable *entries; /* id -> Entry */
  GArray *dead;        /* generated indexes that are not live, ascending */
  GArray *made;        /* live ids made while running, ascending */
  GArray *recent;      /* WalkPoint of live entries, by time, then id */
  GHashTable *rows_of; /* parent's id -> GArray of ids made while running, ascending, live or not */
  GPtrArray *bin;      /* Bin *, newest first */
  uint64_t unlisted;   /* live entries that are converted or hidden */
} Overlay;

Overlay *overlay_new (void);
void overlay_free (Overlay *overlay);

Entry *overlay_entry (const Overlay *overlay, uint64_t id); /* NULL: none */
/* The record is now @record (stolen), live or not. */
Entry *overlay_put (Overlay *overlay, const Module *module, uint64_t id, json_t *record, bool live);
void overlay_hide (Overlay *overlay, Entry *entry, bool hidden);
void overlay_add_row (Overlay *overlay, uint64_t parent, uint64_t row);
/* Borrowed, or NULL. */
GArray *overlay_rows (const Overlay *overlay, uint64_t parent);
void overlay_bin (Overlay *overlay, const Deleted *deleted, const json_t *created_by); /* takes its strings over */
Bin *overlay_binned (const Overlay *overlay, uint64_t id); /* the newest with this id; NULL: none */
void overlay_unbin (Overlay *overlay, uint64_t id);
