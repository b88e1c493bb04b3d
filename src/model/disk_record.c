/* The checksums by which a record read from disk is told from a damaged one. */
#include "model/disk_private.h"

#include <xxhash.h>

const char *const disk_db_names[DISK_DBS] = { "documents", "index", "rows", "modules" };

uint64_t
disk_checksum (DiskDb db, const MDB_val *key, const void *head, size_t size, const void *body, size_t body_size)
{
  uint64_t seed = XXH3_64bits_withSeed (key->mv_data, key->mv_size, db);

  seed = XXH3_64bits_withSeed ((const char *)head + sizeof seed, size - sizeof seed, seed);
  return XXH3_64bits_withSeed (body, body_size, seed);
}

bool
disk_value_read (DiskDb db, const MDB_val *key, const MDB_val *value, void *head, size_t size)
{
  uint64_t checksum;

  if (value->mv_size < size)
    return false;
  memcpy (head, value->mv_data, size);
  memcpy (&checksum, head, sizeof checksum);
  return checksum == disk_checksum (db, key, head, size, (const char *)value->mv_data + size, value->mv_size - size);
}
