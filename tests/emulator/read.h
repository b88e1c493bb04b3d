/* What lists of every kind share: their parameters, and the pages they answer with. */
#pragma once

#include "core.h"

typedef struct
{
  const Module *module; /* of the rows */
  Columns columns;
  unsigned per_page;
  unsigned page; /* from 1; with a token the number it stands for */
  bool by_time;  /* sort_by=Modified_Time; else by id, which is Created_Time's order too */
  bool ascending;
  const char *sort_by;
  bool bounded; /* If-Modified-Since */
  time_t since;
  bool has_token;
  PageToken token;
  GArray *ids;           /* only these (uint64_t), or NULL */
  const char *converted; /* "true", "false", "both" */
} ListCall;

/* What only some rows pass. @data: the caller's. */
typedef bool (*RowTest) (Emulator *emulator, const Module *module, uint64_t id, const void *data);
/* What a row has at its end beside its columns: appends ,"key":value. */
typedef void (*RowExtra) (Emulator *emulator, const Module *module, uint64_t id, const void *data, GString *out);

/* Parses and checks all parameters. false: refused. list_clear() in any case. */
bool list_init (ListCall *call, Emulator *emulator, const Request *request, Reply *reply, const Module *module,
                bool ascending);
void list_clear (ListCall *call);

/* Answers with the page. @among: only these ids, in ascending order (NULL: the whole module). */
void list_answer (const ListCall *call, Emulator *emulator, const Request *request, Reply *reply, const GArray *among,
                  RowTest test, RowExtra extra, const void *data);

bool page_params (const Request *request, Reply *reply, unsigned *page, unsigned *per_page);

/* If-Modified-Since. false: refused. *@given: is there one? */
bool since_header (const Request *request, Reply *reply, bool *given, time_t *since);

/* related.c */
void handle_list_related (Emulator *emulator, const Request *request, Reply *reply);
void handle_get_related (Emulator *emulator, const Request *request, Reply *reply);
void handle_list_notes (Emulator *emulator, const Request *request, Reply *reply);
void handle_get_note (Emulator *emulator, const Request *request, Reply *reply);
void handle_list_notes_of (Emulator *emulator, const Request *request, Reply *reply);
/* What a note shows beside its fields. */
void note_extra (Emulator *emulator, const Module *module, uint64_t id, const void *data, GString *out);

/* Path segment @n as a record of @module. 0: none, and answered (204, or as the knob unknown_id says; 400 if
 * malformed). */
uint64_t read_id (Emulator *emulator, const Request *request, Reply *reply, const Module *module, unsigned n);
