/* Bulk jobs: what reading and writing share. */
#pragma once

#include "request.h"

enum
{
  BULK_MOST_CRITERIA = 25,
  BULK_MOST_VALUES = 200
};

/* One job. The work is done when the job is added; what a client sees of it comes in steps, see job_stage(). */
typedef struct
{
  char id[24];
  bool writes;
  char *user_id;
  time_t created;
  unsigned polls;   /* how often its state was asked for */
  json_t *shown;    /* what every answer about it shows beside its state */
  json_t *result;   /* shown once it is complete */
  GBytes *zip;
  char *callback;   /* URL, or NULL */
} Job;

Job *job_new (Emulator *emulator, const Request *request, bool writes);
void job_free (Job *job);

/* Takes over @job; its callback is on its way. */
void bulk_add (Emulator *emulator, Job *job);

/* The body: an object, sent as JSON. Borrowed. NULL: refused, the answer is complete. */
const json_t *bulk_body (const Request *request, Reply *reply, const char *const *known);

/* Takes `callback` of the body into @job. Returns: false: refused. */
bool bulk_take_callback (const json_t *body, Job *job, Reply *reply);

/* {"api_name","id"}, new. */
json_t *bulk_module_ref (const Module *module);

/* bulk_read.c */
void handle_bulk_read (Emulator *emulator, const Request *request, Reply *reply);
/* bulk_write.c */
void handle_bulk_write (Emulator *emulator, const Request *request, Reply *reply);
/* bulk_upload.c */
void handle_bulk_upload (Emulator *emulator, const Request *request, Reply *reply);
GBytes *bulk_uploaded (const char *file_id); /* borrowed; NULL: none */
void bulk_uploads_start (void);
void bulk_uploads_stop (void);

/* bulk_criteria.c: which records a bulk read takes. */
typedef struct BulkCriteria BulkCriteria;

/* Returns: NULL: refused. */
BulkCriteria *bulk_criteria_new (Emulator *emulator, const Module *module, const json_t *criteria, Reply *reply);
/* Adds the keys of the record that it looks at; borrowed strings. */
void bulk_criteria_keys (const BulkCriteria *criteria, GPtrArray *keys);
bool bulk_criteria_match (Emulator *emulator, const BulkCriteria *criteria, const json_t *record);
/* As the job's state shows it, with the ids of fields; new. */
json_t *bulk_criteria_json (const BulkCriteria *criteria);
void bulk_criteria_free (BulkCriteria *criteria);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BulkCriteria, bulk_criteria_free)
