/* What the emulator's own files share and the families of endpoints need not know. */
#pragma once

#include <pthread.h>

#include "request.h"

enum
{
  MODULE_SPACING_DIGITS = 10, /* ids of one module lie within so many digits */
  MOST_RECORDS = 1000000
};

#define FIRST_ID UINT64_C (7010000000000)     /* metadata: users, modules, fields */
#define FIRST_NEW_ID UINT64_C (7900000000001) /* records made while running: above all generated ones */

struct Emulator
{
  pthread_rwlock_t gate; /* taken before all else: held for reading by whoever runs a handler, for writing by a
                          * reset, which must not hold the other lock while it ends threads that need it */
  pthread_rwlock_t lock; /* guards modules, fields and records */
  uint64_t seed;
  char *url;                /* "http://127.0.0.1:1234", its own address */
  char *second_url;         /* of the second data centre; NULL: there is none */
  GPtrArray *modules;       /* Module *, owned */
  GHashTable *by_name;      /* api name -> Module */
  uint64_t next_id;         /* of records made while running */
  GArray *listeners;        /* store.c */
  _Atomic int64_t offset_s; /* emulator_now() is so far from the real time */
};

/* ---- json.c ---- */
/* Appends a string literal. */
void json_write_text (GString *out, const char *text, gssize length);
/* A body as a tree, exact numbers kept; NULL: malformed. */
json_t *json_read (const char *text, size_t size);

/* ---- settings.c ---- */
void settings_start (void);
void settings_stop (void);
void setting_set (const char *name, const char *value);
json_t *settings_json (void);
void settings_keep (void);    /* these are the ones of the command line */
void settings_restore (void); /* ... and count again */

/* ---- users.c ---- */
#define ME_ID "7010000000001"
#define OTHER_ID "7010000000002"
void users_start (Emulator *emulator);
void users_stop (void);
unsigned users_count (void);
json_t *users_at (unsigned index);   /* borrowed */
json_t *users_find (const char *id); /* borrowed; NULL: none */
bool user_is_admin (const char *id);
/* {"name","id","email"}, as owners are shown. Appends. */
void user_write_ref (GString *out, unsigned index);

/* ---- routes.c ---- */
void routes_start (void);
void routes_stop (void);
/* Finds the handler, checks the token, the parameters and the credits, and runs it under the right lock. */
void routes_answer (Emulator *emulator, Request *request, Reply *reply);

/* ---- oauth.c ---- */
void oauth_start (Emulator *emulator);
void oauth_stop (void);
bool oauth_owns (const Request *request); /* by its path */
void oauth_answer (Emulator *emulator, Request *request, Reply *reply);
/* The live token called @token: its user and scopes, both new. false: unknown, expired, or of another data centre
 * than that which @request came to. */
bool oauth_check (Emulator *emulator, const Request *request, const char *token, char **user_id, char **scope, time_t *expires);
void oauth_expire_all (void);
unsigned oauth_calls (void);
void oauth_reset (Emulator *emulator, bool tokens); /* the counters; and all @tokens and codes */

/* ---- emulator.c ---- */
/* Does a request's Host header name the port of the second data centre? */
bool emulator_is_second (const Emulator *emulator, const char *host);
/* Everything as at the start. No lock held. */
void emulator_reset (Emulator *emulator);

/* ---- admin.c ---- */
bool admin_owns (const Request *request);
void admin_answer (Emulator *emulator, Request *request, Reply *reply);

/* ---- store.c ---- */
void store_start (Emulator *emulator);
void store_stop (Emulator *emulator);
/* Has the record been changed, or made, while running? Then this is it (borrowed); NULL: as generated, or none. */
json_t *store_edited (const Module *module, uint64_t id);
bool store_has_changes (const Module *module);
/* Rows of a subform or linking module whose parent is @id, and the notes of a record: live ids, ascending. */
GArray *store_rows (Emulator *emulator, const Module *rows, const Module *parent, uint64_t id);
/* The text of the display field, new; NULL: no such live record. Empty fields give "". */
char *store_name (Emulator *emulator, const Module *module, uint64_t id);
/* Live records of @module whose lookup @field points at @target, ascending. */
GArray *store_children (Emulator *emulator, const Module *module, const Field *field, uint64_t target);
time_t store_modified (Emulator *emulator, const Module *module, uint64_t id);
bool store_converted (const Module *module, uint64_t id);
bool store_hidden (const Module *module, uint64_t id);
uint64_t store_count_unlisted (const Module *module); /* live, but converted or hidden */
json_t *store_deleted_by_whom (const Deleted *deleted); /* created_by: borrowed */
void store_age (Emulator *emulator);                    /* the bin's windows; write lock */
/* Changes values of a record as @by would. Steals @values. */
bool store_set (Emulator *emulator, Module *module, uint64_t id, json_t *values, const char *by, bool touch);
/* Whoever asks the API does not see the record from now on, as after a change of rights; nothing tells of it. false: no
 * such record. */
bool store_hide (Emulator *emulator, Module *module, uint64_t id, bool hidden);

/* Walking a module in the order of Modified_Time, or only what was modified after @since. Read lock held throughout. */
typedef struct
{
  Emulator *emulator;
  const Module *module;
  bool by_time; /* else by id */
  bool ascending;
  bool bounded; /* only what was modified after since */
  time_t since;
  GArray *changed; /* WalkPoint of edited records, in order */
  int64_t next_changed;
  int64_t next_generated;
  int64_t first_generated;
} Walk;

typedef struct
{
  time_t time;
  uint64_t id;
} WalkPoint;

/* @after: go on after this point, which need not exist any more; NULL: from the start. */
void walk_init (Walk *walk, Emulator *emulator, const Module *module, bool by_time, bool ascending, const time_t *since,
                const WalkPoint *after);
bool walk_next (Walk *walk, WalkPoint *point); /* false: the end */
void walk_clear (Walk *walk);

/* ---- schema.c ---- */
void schema_start (Emulator *emulator);
void schema_stop (Emulator *emulator);
unsigned module_number (const Module *module);
Module *schema_add_custom (Emulator *emulator, const char *api_name);
Field *schema_add_field (Emulator *emulator, Module *module, const char *definition);
void schema_rename (Emulator *emulator, Module *module, const char *api_name);
bool field_is_deep (const Field *field); /* subform, multi-select lookup, multi-user lookup */
/* Modules whose rows belong to records of @parent; Module *, new array. */
GPtrArray *schema_row_modules (Emulator *emulator, const Module *parent);
Field *module_near_lookup (const Module *linking); /* the lookup that points at the parent */
Field *module_far_lookup (const Module *linking);
GPtrArray *schema_related (Emulator *emulator, const Module *module); /* Related *, to g_ptr_array_unref() */

typedef struct
{
  char *api_name;
  char *label;
  const char *type; /* default, multiselectlookup */
  Module *module;   /* of the related records; NULL: Attachments' like */
  Field *lookup;    /* of @module, pointing back; NULL: linked, or notes and the like */
  Module *linking;
} Related;

/* ---- generate.c ---- */
void generate_start (Emulator *emulator);
uint64_t generate_id (const Module *module, uint64_t k);
bool generate_index (const Module *module, uint64_t id, uint64_t *k);
time_t generate_created (const Module *module, uint64_t k);
time_t generate_modified (const Module *module, uint64_t k);
/* The first index whose Modified_Time is later than @time; module->generated: none. */
uint64_t generate_after (const Module *module, time_t time);
/* Row modules and notes: whose row it is. */
bool generate_parent (Emulator *emulator, const Module *rows, uint64_t k, const Module **parent, uint64_t *parent_k);
/* Row modules and notes: how many belong to record @parent_k of @parent; their indexes are first, first + step, ... */
uint64_t generate_rows (Emulator *emulator, const Module *rows, const Module *parent, uint64_t parent_k,
                        uint64_t *first, uint64_t *step);
/* Settles how many rows each row module has, once all other modules know their size. */
void generate_count_rows (Emulator *emulator);
/* What a lookup points at. false: null, or no such generated record. */
bool generate_target (Emulator *emulator, const Module *module, uint64_t k, const Field *field, const Module **target,
                      uint64_t *target_k);
/* Generated records whose @field may point at @target_k: first, first + step, ... */
bool generate_children (Emulator *emulator, const Module *module, const Field *field, const Module *target,
                        uint64_t target_k, uint64_t *first, uint64_t *step);
/* Appends the value as JSON text. @marked: exact numbers as marked strings, for trees. */
void generate_value (Emulator *emulator, const Module *module, uint64_t k, const Field *field, GString *out,
                     bool marked);
uint64_t mix (uint64_t a, uint64_t b);

/* ---- accounts of what was asked: ledger.c ---- */
void ledger_start (void);
void ledger_stop (void);
void ledger_reset (void);
/* A call begins and ends. */
/* @counted: a call of the API, not of the token endpoint, which is only logged. */
uint64_t ledger_begin (const Request *request, time_t now, bool counted);
void ledger_end (uint64_t number, const Reply *reply, double ms, bool counted);
bool ledger_spend (Emulator *emulator, unsigned credits);       /* false: not enough left */
int64_t ledger_remaining (Emulator *emulator, bool *half_used); /* -1: no limit */
/* Places for calls under way. false: none free. */
bool ledger_enter (Emulator *emulator, bool heavy);
void ledger_leave (bool heavy);
json_t *ledger_stats (Emulator *emulator);
GString *ledger_requests (uint64_t since, bool bodies);

/* ---- faults.c ---- */
typedef struct
{
  bool hit;   /* any fault applies */
  int status; /* 0: the real answer */
  char *code;
  char *body;
  bool cut, reset, stall, malformed, html;
  int64_t stall_ms, huge_mb, delay_ms;
  json_t *headers;     /* object, or NULL */
  unsigned generation; /* of the set: a new set releases the stalled */
} Fault;

void faults_start (void);
void faults_stop (void); /* releases all who are stalled */
void faults_take (const Request *request, Fault *fault);
bool faults_set (const json_t *list, GError **error);
json_t *faults_json (void);
/* Sleeps @ms (-1: for ever), or until the set changes, the server stops, or the peer at @fd hangs up. */
void faults_wait (const Fault *fault, int64_t ms, int fd);
bool faults_stopping (void);
void fault_clear (Fault *fault);

/* ---- http.c ---- */
/* On @port, and with @second on any other for the second data centre. */
bool http_start (Emulator *emulator, unsigned port, bool second, GError **error);
void http_stop (void);
char *url_decode (const char *text, gssize length, bool plus); /* NULL: not UTF-8, or a bad escape */
GHashTable *query_parse (const char *text, gssize length);     /* NULL: as above */
void request_clear (Request *request);
void reply_clear (Reply *reply);

/* ---- page_token.c ---- */
typedef struct
{
  WalkPoint last; /* the row before the next one */
  uint64_t count; /* rows given so far */
} PageToken;

char *page_token_new (Emulator *emulator, const Request *request, const PageToken *token);
/* false: refused, and answered. */
bool page_token_read (Emulator *emulator, const Request *request, Reply *reply, PageToken *token);

/* ---- row_text.c ---- */
/* Which fields of a row, and how. */
typedef struct
{
  GPtrArray *fields; /* Field *, borrowed */
  GPtrArray *dollar; /* char *: `$` keys asked for */
} Columns;

/* Appends the row: {"id":..,fields}. Rich text cut at 500 characters unless @whole. */
void row_write (Emulator *emulator, const Module *module, uint64_t id, const Columns *columns, bool whole,
                GString *out);
/* The whole record as a single GET shows it, or as @columns limit it (NULL: all). */
void record_write (Emulator *emulator, const Module *module, uint64_t id, const Columns *columns, GString *out);
bool columns_parse (Emulator *emulator, const Request *request, Reply *reply, const Module *module, bool mandatory,
                    Columns *columns);
void columns_clear (Columns *columns);
