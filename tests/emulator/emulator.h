/* The emulator's shared shapes: the org's modules and fields, its records, and who may call what.
 *
 * Data is made on the fly from a seed: record number i of a module is a pure function of (seed, module, i), so a
 * million records cost nothing; edits, inserts and deletions lie on top. ids are increasing decimals. One rwlock
 * guards all: handlers of GET (and COQL, search) run under the read lock and must change nothing but atomics; all
 * others run under the write lock. The route table says which. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

typedef struct Emulator Emulator;
typedef struct Request Request; /* request.h */
typedef struct Reply Reply;     /* request.h */
typedef void (*Handler) (Emulator *emulator, const Request *request, Reply *reply);

/* ---- schema.c: modules and fields -------------------------------------------------------------------------------- */

typedef struct Field
{
  char *api_name;
  char *data_type;      /* Zoho's spelling: "text", "picklist", "lookup", "subform", ... */
  char *id;
  int length;           /* most characters; 0: no limit */
  bool mandatory;       /* system_mandatory */
  bool unique;
  bool computed;        /* not writable through the API: api_create and api_update false */
  bool visible;         /* to the current profile */
  bool external;
  bool rich_text;       /* textarea of type rich_text: cut at 500 characters in lists */
  char *target;         /* lookup: module looked up; subform: subform module; multi-select lookup: linking module */
  char **picklist;      /* NULL-terminated actual values, or NULL */
} Field;

typedef struct Module
{
  char *api_name;
  char *module_name;    /* internal name */
  char *id;
  char *generated_type; /* default, custom, subform, linking */
  char *display_field;  /* api name of the field that names a record */
  char *parent;         /* subform, linking: the parent module's api name */
  char *parent_field;   /* subform: the parent's field with the rows */
  bool api_supported, viewable, creatable, editable, deletable;
  char *status;         /* visible, user_hidden, system_hidden */
  GPtrArray *fields;    /* Field * */
  uint64_t generated;   /* how many records the seed makes */
  struct Overlay *overlay; /* store.c's own: edits, inserts, deletions */
} Module;

Module *schema_module (Emulator *emulator, const char *api_name); /* NULL: none */
Field *module_field (const Module *module, const char *api_name); /* NULL: none */
GPtrArray *schema_modules (Emulator *emulator);                    /* Module *, all; borrowed */
json_t *schema_module_json (Emulator *emulator, const Module *module); /* as /settings/modules shows it; new */
json_t *schema_field_json (Emulator *emulator, const Module *module, const Field *field); /* new */

/* ---- store.c: records -------------------------------------------------------------------------------------------- */

/* The whole record as a single GET shows it, deep fields and all (`$` keys are added by the handler): a new tree of the
 * caller's own. NULL: no such live record. Includes subform rows as arrays, rich text uncut. */
json_t *store_get (Emulator *emulator, const Module *module, uint64_t id);
/* Cheaper: only these fields (a NULL-terminated list; id is always there). Deep fields are left out. */
json_t *store_get_fields (Emulator *emulator, const Module *module, uint64_t id, char *const *fields);
bool store_exists (Emulator *emulator, const Module *module, uint64_t id);

/* Walking live records in id order. */
uint64_t store_count (Emulator *emulator, const Module *module);
uint64_t store_next (Emulator *emulator, const Module *module, uint64_t after);  /* smallest live id > after; 0: none */
uint64_t store_prev (Emulator *emulator, const Module *module, uint64_t before); /* greatest live id < before; 0: none */
uint64_t store_at (Emulator *emulator, const Module *module, uint64_t index, bool ascending); /* 0 past the end */
/* Live ids changed later than @time (or inserted), ascending; only overlay entries and generated ones whose generated
 * Modified_Time is later. uint64_t elements; to g_array_unref(). */
GArray *store_modified_since (Emulator *emulator, const Module *module, time_t time);

/* Writing (write lock). @record: a complete record (what store_get gives, changed). Steals it. Sets Modified_Time
 * and Modified_By when @touch; @user_id NULL: another user's hand. Subform arrays in @record replace the rows in the
 * subform module: rows without id get one, rows gone are deleted there. Fires change listeners. Returns: false: no
 * such record. */
bool store_update (Emulator *emulator, Module *module, uint64_t id, json_t *record, const char *user_id, bool touch);
/* Gives the record a new id, Created_* and Modified_*. Steals. */
uint64_t store_insert (Emulator *emulator, Module *module, json_t *record, const char *user_id);
/* To the recycle bin. */
bool store_delete (Emulator *emulator, Module *module, uint64_t id, const char *user_id);
bool store_restore (Emulator *emulator, Module *module, uint64_t id);
bool store_purge (Emulator *emulator, Module *module, uint64_t id); /* from the bin for good */

typedef struct Deleted
{
  uint64_t id;
  time_t when;
  bool permanent;
  char *display_name;
  char *deleted_by; /* user id */
} Deleted;
/* Deleted *, newest first; borrowed. */
GPtrArray *store_deleted (Emulator *emulator, const Module *module);

/* Called after each change, under the write lock: "insert", "update", "delete". */
typedef void (*StoreListener) (Emulator *emulator, Module *module, const char *operation, uint64_t id,
                               json_t *changed_fields, void *data);
void store_listen (Emulator *emulator, StoreListener listener, void *data);

bool parse_id (const char *text, uint64_t *id); /* 1 to 19 digits */
char *format_id (uint64_t id, char out[static 24]);

/* ---- emulator.c: time, users, settings ------------------------------------------------------------------------------ */

time_t emulator_now (Emulator *emulator);           /* real time plus the admin's offset: tests can move it */
void format_time (time_t time, char out[static 32]); /* 2026-03-02T10:00:00+00:00 */
bool parse_time (const char *text, time_t *time);    /* offsets and Z */
json_t *user_ref (Emulator *emulator, const char *user_id); /* {"name","id"}; new */
const char *emulator_me (Emulator *emulator);        /* the id of the token's user */

/* A knob by name, set by --set NAME=VALUE or POST /_emulator/settings {"NAME":VALUE}; README.md lists them. */
int64_t setting_int (Emulator *emulator, const char *name, int64_t otherwise);
bool setting_on (Emulator *emulator, const char *name); /* false unless set to true or non-zero */
bool setting_is (Emulator *emulator, const char *name, const char *value); /* set to just this text */
char *setting_text (Emulator *emulator, const char *name); /* new; NULL: not set */

/* Numbers with more digits than a double holds (16-digit currencies) are kept in trees as marked strings, both those of
 * records and those of request bodies; answers show them as the numbers they are.
 * Returns: the number's digits when @value is such a string (borrowed), else NULL. */
const char *exact_number (const json_t *value);
json_t *exact_number_new (const char *digits);

/* A tree as JSON text: exact numbers as numbers, other reals in as few digits as give them back. Appends. */
void json_write (GString *out, const json_t *value);

/* ---- routes ---------------------------------------------------------------------------------------------------------
 * routes.c has the table: method, pattern ("settings/modules/{name}"), scope, credits, flags, handler. Each family's
 * handlers live in one file and are declared in handlers.h. */
