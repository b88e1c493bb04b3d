/* Which notes a record has. A note itself is a record of the hidden module Notes: store_entry(), store_document()
 * and the like serve it. Questions as those of store.h; any thread. */
#pragma once

#include "model/store.h"

/* The module of the notes; never a directory of the root. */
StoreModule *store_notes (Store *store);

/* Can records of @module have notes? As the modules were known last, without any call. */
bool store_has_notes (StoreModule *module);

/* A note, or a record that has notes. */
typedef struct
{
  uint64_t id;
  char *name; /* of the note's file; of the record without ".json" */
} NoteName;

/* The notes of record @id of @module, by id upwards. One call, or none while what is known of them is fresh.
 * @names: array of NoteName * that frees them, to g_ptr_array_unref(). */
StoreState store_notes_of (StoreModule *module, uint64_t id, StoreWait *wait, GPtrArray **names, GError **error);

/* The records of @module that have notes, by id upwards: the notes of the org are listed, or those of each record of
 * the module if it is listed and that takes fewer calls. To users who are no administrators Zoho does not list all
 * notes: then those records of which it is known already. @names as above. */
StoreState store_noted_records (StoreModule *module, StoreWait *wait, GPtrArray **names, GError **error);

/* Is record @id known to have notes? Then it is there, and nobody need be asked. */
bool store_is_noted (StoreModule *module, uint64_t id);

/* The record that note @id belongs, or belonged, to. Returns: false when that is not known. */
bool store_note_parent (Store *store, uint64_t id, StoreModule **module, uint64_t *record);

/* Where the notes of record @id are: "Leads/notes/Okafor.7010000000201". To g_free(). */
char *store_notes_folder (StoreModule *module, uint64_t id);

/* When the notes of record @id (0: of any record) of @module changed last, as far as known. */
int64_t store_notes_mtime (StoreModule *module, uint64_t id);
