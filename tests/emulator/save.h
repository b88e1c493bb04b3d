/* One row becomes one record: new, or changed. */
#pragma once

#include "request.h"

/* How the rows of one call are saved. */
typedef struct
{
  Emulator *emulator;
  const Request *request;
  Module *module;
  bool workflow;           /* automations run */
  bool guarded;            /* If-Unmodified-Since was sent */
  time_t unmodified_since;
} Save;

/* From the request: the module, "trigger", If-Unmodified-Since. Returns: false: refused, the answer is complete. */
bool save_begin (Save *save, Emulator *emulator, const Request *request, Reply *reply, const char *module);

/* Each gives the row's entry of the answer, new. @path: the row's place in the body. @id (may be NULL): the new
 * record. */
json_t *save_insert (const Save *save, const json_t *row, const char *path, uint64_t *id);
json_t *save_update (const Save *save, uint64_t id, const json_t *row, const char *path);

/* {"id","Modified_Time","Modified_By","Created_Time","Created_By"} of a live record, new. */
json_t *save_details (Emulator *emulator, const Module *module, uint64_t id);

/* A record of @module with every field empty, rows as empty arrays; new. */
json_t *blank_record (const Module *module);

bool is_success (const json_t *entry);
