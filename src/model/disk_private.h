/* What the files of the disk cache share: the records as they lie in LMDB, and who may touch them.
 *
 *   disk.c            the queue, its thread, and the public functions
 *   disk_file.c       the LMDB environment: opened, thrown away, read from several threads, written by one
 *   disk_run.c        runs the check in a process of its own
 *   disk_check.c      the walk over the pages of a file
 *   disk_documents.c  the versions of documents
 *   disk_index.c      the indexes
 *   disk_evict.c      what goes when the cap is reached
 *
 * Functions that return int return 0 or an error of LMDB or of errno, and do not log. */
#pragma once

#include "model/disk.h"

#include <lmdb.h>
#include <string.h>

/* Of all that is below, keys and values. Files of another number are thrown away. */
#define DISK_FORMAT 1

/* ---- records ---------------------------------------------------------------------------------------------------- */

typedef enum
{
  DISK_DOCUMENTS, /* module, id, version -> DiskDocument, text */
  DISK_INDEX,     /* module, id -> DiskIndexed, label */
  DISK_ROWS,      /* module, row id -> DiskIndexedRow */
  DISK_MODULES,   /* module -> DiskState */
  DISK_DBS,
} DiskDb;

extern const char *const disk_db_names[DISK_DBS];

/* In LMDB's main database, at the key DISK_META: a DiskMeta and the account's text. */
#define DISK_META "meta"

/* Each value begins with a checksum of its key and of the rest of it. No struct has padding. */
typedef struct
{
  uint64_t checksum;
  uint32_t format;
  uint32_t account_size;
} DiskMeta;

typedef struct
{
  uint64_t checksum;
  int64_t stored; /* microseconds since 1970, made to ascend from version to version of a record */
  int64_t mtime;
} DiskDocument;

typedef enum
{
  DISK_THERE,   /* a record or a row */
  DISK_DELETED, /* a record in the recycle bin; mtime: since when */
  DISK_GONE,    /* kept so that a mount that knows less does not bring it back */
} DiskPresence;

typedef struct
{
  uint64_t checksum;
  int64_t since; /* what the mount that wrote it knew */
  uint64_t version;
  int64_t mtime;
  uint32_t size;
  uint8_t presence; /* DiskPresence */
  uint8_t labelled;
  uint8_t label_size;
  uint8_t zero;
} DiskIndexed;

typedef struct
{
  uint64_t checksum;
  int64_t since;
  uint64_t record;
  int64_t mtime;
  uint64_t presence; /* DISK_THERE or DISK_GONE */
} DiskIndexedRow;

typedef struct
{
  uint64_t checksum;
  uint64_t epoch;
  int64_t since;
  int64_t mtime;
  int64_t swept;
  uint64_t digest;
  int64_t used;   /* microseconds since 1970 when it was last begun, ended or restored */
  uint64_t sum;   /* of the checksums of all its rows in DISK_INDEX and DISK_ROWS: none is missing */
  uint64_t whole; /* 0: it is being written from scratch; 1 */
} DiskState;

/* Big-endian, so that they sort by number. */
typedef struct
{
  uint64_t part[3];
} DiskKey;

/* How many parts the keys of @db have. */
static inline unsigned
disk_key_parts (DiskDb db)
{
  return db == DISK_DOCUMENTS ? 3 : db == DISK_MODULES ? 1 : 2;
}

static inline DiskKey
disk_key (uint64_t module, uint64_t id, uint64_t version)
{
  return (DiskKey){ { GUINT64_TO_BE (module), GUINT64_TO_BE (id), GUINT64_TO_BE (version) } };
}

/* Returns: the key as LMDB takes it, pointing into @key. */
static inline MDB_val
disk_key_val (DiskDb db, DiskKey *key)
{
  return (MDB_val){ disk_key_parts (db) * sizeof key->part[0], key };
}

/* Part @part of a key found in @db; 0 when the key is of another length. */
static inline uint64_t
disk_key_part (DiskDb db, const MDB_val *key, unsigned part)
{
  uint64_t value = 0;

  if (key->mv_size == disk_key_parts (db) * sizeof value)
    memcpy (&value, (const char *)key->mv_data + part * sizeof value, sizeof value);
  return GUINT64_FROM_BE (value);
}

/* The checksum for a value of @db at @key: a struct of @size bytes at @head, which begins with it, and the rest,
 * @body. */
uint64_t disk_checksum (DiskDb db, const MDB_val *key, const void *head, size_t size, const void *body,
                        size_t body_size);

/* Copies the struct at the front of @value to @head. Returns: false when it is too short or its checksum wrong. */
bool disk_value_read (DiskDb db, const MDB_val *key, const MDB_val *value, void *head, size_t size);

/* ---- disk_run.c ------------------------------------------------------------------------------------------------- */

/* Returns: did @argv end with 0 before @timeout_ms? It is killed at that. */
bool disk_run (char *const *argv, int timeout_ms);

/* ---- disk_file.c ------------------------------------------------------------------------------------------------ */

typedef struct DiskFile DiskFile;

typedef struct
{
  MDB_txn *txn;
  const MDB_dbi *dbi; /* by DiskDb */
} DiskTxn;

/* Copies @config. Nothing is opened. */
DiskFile *disk_file_new (const DiskConfig *config);
/* No transaction may be open. */
void disk_file_free (DiskFile *file);

/* Opens what is not open, and anew what is broken. One thread at a time, the one that writes. @rebuilt is set when
 * files were thrown away. Returns: false with @problem, a text to g_free(). */
bool disk_file_open (DiskFile *file, bool *rebuilt, char **problem);
/* Says what @failed, an error that LMDB returned, means for the next disk_file_open(). Any thread. */
void disk_file_failed (DiskFile *file, int failed);
uint64_t disk_file_cap (const DiskFile *file);

/* Any thread; may nest. Returns: false when there is no file to read now; else to be ended by the same thread. */
bool disk_read_begin (DiskFile *file, DiskTxn *txn);
void disk_read_end (DiskFile *file, DiskTxn *txn);

/* The thread that opens. A transaction that began must be ended: @failed 0 commits, anything else takes it back.
 * Returns of the end: @failed, or what failed in the commit. */
int disk_write_begin (DiskFile *file, DiskTxn *txn);
int disk_write_end (DiskFile *file, DiskTxn *txn, int failed);

/* Bytes of the pages in use, now. 0: cannot be read. */
uint64_t disk_file_used (DiskFile *file);

/* ---- disk_documents.c ------------------------------------------------------------------------------------------- */

/* Keeps DISK_VERSIONS of the record. @stored: when it came. */
int disk_document_put (DiskTxn *txn, uint64_t module, uint64_t id, uint64_t version, int64_t stored, int64_t mtime,
                       GBytes *text);
/* Returns: the text, or NULL; then @damaged tells whether there is one with a wrong checksum. */
GBytes *disk_document_get (DiskTxn *txn, uint64_t module, uint64_t id, uint64_t version, bool *damaged);
/* Deletes it if it is still damaged. */
int disk_document_drop (DiskTxn *txn, uint64_t module, uint64_t id, uint64_t version);

typedef struct
{
  uint64_t version;
  int64_t stored;
  int64_t mtime;
  GBytes *text;
} DiskStored;
/* Adds the sound versions of a record to @found, an array of DiskStored. */
void disk_document_versions (DiskTxn *txn, uint64_t module, uint64_t id, GArray *found);

/* ---- disk_index.c ----------------------------------------------------------------------------------------------- */

/* The indexes as one transaction changes them: their states are written at its end. */
typedef struct
{
  DiskTxn *txn;
  GHashTable *states; /* uint64_t module -> what disk_index.c keeps of it */
} DiskIndexes;

void disk_indexes_begin (DiskIndexes *indexes, DiskTxn *txn);
/* Writes the states unless @failed. Returns: @failed, or what failed here. */
int disk_indexes_end (DiskIndexes *indexes, int failed);

/* As the functions of disk.h of that name. */
int disk_indexes_new_epoch (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t now);
int disk_indexes_entry (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t since, const DiskEntry *entry);
int disk_indexes_remove (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t since, uint64_t id,
                         int64_t deleted_at);
int disk_indexes_row (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t since, const DiskRow *row);
int disk_indexes_remove_row (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t since, uint64_t row);
int disk_indexes_finish (DiskIndexes *indexes, uint64_t module, int64_t from, const DiskModule *state, int64_t now);
/* The index of @epoch is damaged: it is thrown away. */
int disk_indexes_close (DiskIndexes *indexes, uint64_t module, uint64_t epoch);
int disk_indexes_used (DiskIndexes *indexes, uint64_t module, uint64_t epoch, int64_t now);

/* Returns: is there a sound state of that module? */
bool disk_state_read (DiskTxn *txn, uint64_t module, DiskState *state);
/* Returns: the version that the index names, or 0. */
uint64_t disk_index_version (DiskTxn *txn, uint64_t module, uint64_t id);

typedef enum
{
  DISK_RESTORE_NONE,
  DISK_RESTORE_DAMAGED, /* @state is set */
  DISK_RESTORE_DONE,
} DiskRestored;
DiskRestored disk_indexes_restore (DiskTxn *txn, uint64_t module, uint64_t digest, const DiskRestore *restore,
                                   DiskState *state);

/* ---- disk_evict.c ----------------------------------------------------------------------------------------------- */

/* Deletes documents until no more than @target bytes are in use or none is left. @evicted counts them. */
int disk_evict (DiskFile *file, uint64_t target, uint64_t *evicted);
